//! What the report says about the training: its loss, columns, data and cost.

use super::page::{Cell, facts, short, table, text};
use super::plot::{FIRST, Plot, SECOND, Series, Shape, thinned};
use super::{CostRow, DataDescription, LossCurves};
use crate::importance::Importance;
use crate::metrics::{plain, significant};

/// Columns of the table of importance.
const MOST_COLUMNS: usize = 40;

impl LossCurves {
    pub(super) fn html(&self) -> String {
        let curve = |points: &[(u64, f64)]| {
            thinned(&points.iter().map(|(epoch, loss)| (*epoch as f64, *loss)).collect::<Vec<_>>())
        };
        let mut series = vec![Series { points: curve(&self.train), colour: FIRST, shape: Shape::Line }];
        let mut key = "<li><i></i>training rows</li>".to_owned();
        if !self.held_out.is_empty() {
            series.push(Series { points: curve(&self.held_out), colour: SECOND, shape: Shape::Line });
            key.push_str("<li class=\"dashed\"><i></i>held-out rows</li>");
        }
        let at = |points: &[(u64, f64)], epoch| points.iter().find(|point| point.0 == epoch).map(|point| point.1);
        let mut said = String::new();
        if let (Some((first, before)), Some((last, after))) = (self.train.first(), self.train.last()) {
            let then = if first == last { String::new() } else { format!(" and {} after epoch {last}", plain(*after)) };
            said = format!("The loss of the training rows was {} after epoch {first}{then}.", plain(*before));
        }
        if let Some(epoch) = self.best_epoch {
            let loss = at(&self.held_out, epoch)
                .map_or(String::new(), |loss| format!("; its held-out loss is {}", plain(loss)));
            said.push_str(&format!(" The model of epoch {epoch} is kept{loss}."));
        }
        let name = if self.loss.is_empty() { String::new() } else { format!(" The loss is {}.", short(&self.loss)) };
        let mark = self.best_epoch.map(|epoch| (epoch as f64, format!("best: epoch {epoch}")));
        let label = format!("Curves of the loss over the epochs. {said}");
        let svg = Plot { label: &label, x: "epoch", y: "loss", whole: true, series, diagonal: None, mark }.svg();
        format!("<figure>\n<ul class=\"key\">{key}</ul>\n{svg}<figcaption>{said}{name}</figcaption>\n</figure>\n")
    }
}

/// Columns and how much the loss rises without them.
pub(super) fn importance(columns: &[(String, Importance)]) -> String {
    let most = columns.iter().map(|(_, importance)| importance.mean).fold(0.0, f64::max);
    let row = |(name, importance): &(String, Importance)| {
        let share = if most > 0.0 { importance.mean.max(0.0) / most } else { 0.0 };
        vec![
            Cell::Head(short(name)),
            Cell::Bar(share),
            Cell::Number(significant(importance.mean, 3)),
            Cell::Number(format!("± {}", significant(importance.spread, 2))),
        ]
    };
    let rows: Vec<Vec<Cell>> = columns.iter().take(MOST_COLUMNS).map(row).collect();
    let more = match columns.len().saturating_sub(MOST_COLUMNS) {
        0 => String::new(),
        more => format!("<p class=\"soft\">… and {more} less important columns</p>\n"),
    };
    let headings = [("column", false), ("", false), ("loss rises by", true), ("spread", true)];
    let explained = "<p>The values of one column are shuffled among the rows (permutation importance). The more the loss rises, the \
                     more the model relies on that column. Columns that carry the same information share their importance.</p>\n";
    format!("{explained}{}{more}", table("importance", "Importance of columns", &headings, &rows))
}

impl DataDescription {
    pub(super) fn html(&self) -> String {
        if self.columns.is_empty() {
            return facts(&self.facts);
        }
        let headings: Vec<String> = self.headings.iter().map(|heading| short(heading)).collect();
        let headings: Vec<(&str, bool)> = headings.iter().map(|heading| (&**heading, false)).collect();
        let cell =
            |(i, cell): (usize, &String)| if i == 0 { Cell::Head(short(cell)) } else { Cell::Words(short(cell)) };
        let row = |row: &Vec<String>| row.iter().enumerate().map(cell).collect();
        let rows: Vec<Vec<Cell>> = self.columns.iter().map(row).collect();
        format!("{}{}", facts(&self.facts), table("columns", "Columns of the data", &headings, &rows))
    }
}

/// What was forecast beside what it took.
pub(super) fn cost(cost: &[CostRow]) -> String {
    let shown = |value: &Option<String>| Cell::Number(value.as_ref().map_or("-".to_owned(), |value| text(value)));
    let row = |row: &CostRow| vec![Cell::Head(text(&row.what)), shown(&row.forecast), shown(&row.taken)];
    let rows: Vec<Vec<Cell>> = cost.iter().map(row).collect();
    table("cost", "Cost", &[("", false), ("forecast", true), ("taken", true)], &rows)
}
