//! What the report says about predictions: metrics beside the baseline, the confusion matrix, calibration, predicted against true numbers.

use super::page::{Cell, scroll, section, short, table, text};
use super::plot::{FIRST, MOST_POINTS, Plot, Series, Shape, bounds, thinned};
use super::{TargetMetrics, TargetResult};
use crate::metrics::{
    CalibrationBin, ClassMetrics, ClassScores, Comparison, Confusion, LabelMetrics, Line, NumberMetrics, share,
};

/// Classes of a confusion matrix that is shown as a table; of more, the most frequent confusions are listed.
const MATRIX: usize = 25;
/// Characters of a name that stand in one line of a confusion matrix.
const UNBROKEN: usize = 16;
/// Confusions that are listed.
const LISTED: usize = 20;

impl TargetResult {
    pub(super) fn html(&self) -> String {
        let html = match &self.metrics {
            TargetMetrics::Classes(both) => classes(both, &self.on),
            TargetMetrics::Numbers { metrics, points } => numbers(metrics, points, &self.on),
            TargetMetrics::Labels(both) => labels(both, &self.on),
        };
        section(&format!("Results: {}", self.target), html)
    }
}

/// Numbers of the model beside those of the baseline; the better one is bold.
fn compared(lines: &[Line], baseline: &[Line], what: &str) -> String {
    let row = |(model, baseline): (&Line, &Line)| {
        let better = |better: bool, number: &str| {
            if better { Cell::Best(text(number)) } else { Cell::Number(text(number)) }
        };
        vec![
            // Shortened already, with what is measured behind it.
            Cell::Head(text(&model.name)),
            better(model.beats(baseline), &model.text),
            better(baseline.beats(model), &baseline.text),
        ]
    };
    let rows: Vec<Vec<Cell>> = lines.iter().zip(baseline).map(row).collect();
    let table = table("metrics", "Metrics", &[("", false), ("model", true), ("baseline", true)], &rows);
    format!("{table}<p class=\"soft\">The baseline looks at no column: it {what}. The better number is bold.</p>\n")
}

/// Which rows were judged, and how many of them could not be.
fn judged(rows: usize, on: &str, without: usize, what: &str) -> String {
    let on = if on.is_empty() { String::new() } else { format!(" ({})", short(on)) };
    let without = if without > 0 { format!(" {without} of them have no prediction: {what}.") } else { String::new() };
    format!("<p>Evaluated on {rows} {}{on}.{without}</p>\n", if rows == 1 { "row" } else { "rows" })
}

fn useless(beats: bool) -> &'static str {
    if beats {
        ""
    } else {
        "<p class=\"warning\"><strong>The model is no better than the baseline.</strong> What it has learned does not help on these \
         rows.</p>\n"
    }
}

fn classes(both: &Comparison<ClassMetrics>, on: &str) -> String {
    let model = &both.model;
    let row = |class: &ClassScores| {
        let numbers = [class.precision, class.recall, class.f1].map(|x| Cell::Number(share(x)));
        let mut row = vec![Cell::Head(short(&class.name))];
        row.extend(numbers);
        row.push(Cell::Number(class.support.to_string()));
        row
    };
    let rows: Vec<Vec<Cell>> = model.classes.iter().map(row).collect();
    let headings = [("class", false), ("precision", true), ("recall", true), ("F1", true), ("rows", true)];
    format!(
        "{}{}{}<h3>Each class</h3>\n{}{}{}",
        judged(model.rows, on, model.not_a_number, "NaN among their probabilities"),
        useless(both.beats_baseline()),
        compared(
            &model.lines(),
            &both.baseline.lines(),
            "gives every row the same probabilities, the shares of the classes in the training rows"
        ),
        table("classes", "Each class", &headings, &rows),
        model.confusion.as_ref().map_or(String::new(), |confusion| confused(confusion, model)),
        calibration(&model.calibration, &model.classes),
    )
}

fn confused(confusion: &Confusion, metrics: &ClassMetrics) -> String {
    let names: Vec<String> = metrics.classes.iter().map(|class| short(&class.name)).collect();
    // A long name is broken anywhere; a short one never.
    let class = |name: &str| if name.chars().count() > UNBROKEN { " class=\"long\"" } else { "" };
    if confusion.classes > MATRIX {
        return most_confused(confusion, &names);
    }
    let row = |(label, name): (usize, &String)| {
        let counts = confusion.row(label);
        let all = counts.iter().sum::<usize>().max(1) as f64;
        let cell = |(predicted, count): (usize, &usize)| {
            let share = *count as f64 / all;
            let class = if predicted == label { " class=\"right\"" } else { "" };
            format!("<td{class} style=\"--share:{share:.3}\" title=\"{:.1} % of this row\">{count}</td>", 100.0 * share)
        };
        let long = class(name);
        format!(
            "<tr><th scope=\"row\"{long}>{name}</th>{}</tr>\n",
            counts.iter().enumerate().map(cell).collect::<String>()
        )
    };
    let head: String = names.iter().map(|name| format!("<th scope=\"col\"{}>{name}</th>", class(name))).collect();
    let body: String = names.iter().enumerate().map(row).collect();
    let table = format!(
        "<table class=\"confusion\">\n<thead><tr><th scope=\"col\">true \\ predicted</th>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
    );
    format!(
        "<h3>Confusion matrix</h3>\n{}<p class=\"soft\">A row for each true class, a column for each prediction. Framed cells are right. \
         The stronger the colour of a cell, the larger its share of the row.</p>\n",
        scroll("Confusion matrix", &table)
    )
}

fn most_confused(confusion: &Confusion, names: &[String]) -> String {
    let mut wrong: Vec<(usize, usize, usize)> = (0..confusion.classes)
        .flat_map(|label| {
            confusion.row(label).iter().enumerate().map(move |(predicted, count)| (*count, label, predicted))
        })
        .filter(|(count, label, predicted)| *count > 0 && label != predicted)
        .collect();
    wrong.sort_by(|a, b| b.0.cmp(&a.0).then(a.cmp(b)));
    let row = |(count, label, predicted): &(usize, usize, usize)| {
        vec![Cell::Head(names[*label].clone()), Cell::Words(names[*predicted].clone()), Cell::Number(count.to_string())]
    };
    let rows: Vec<Vec<Cell>> = wrong.iter().take(LISTED).map(row).collect();
    let headings = [("true", false), ("predicted", false), ("rows", true)];
    format!("<h3>Most frequent confusions</h3>\n{}", table("confusions", "Most frequent confusions", &headings, &rows))
}

fn calibration(bins: &[CalibrationBin], classes: &[ClassScores]) -> String {
    let known = |bin: &CalibrationBin| Some((bin.mean_predicted?, bin.fraction_positive?));
    let points: Vec<(f64, f64)> = bins.iter().filter_map(known).collect();
    if points.is_empty() {
        return String::new();
    }
    let explained = match classes {
        [_, second] => format!(
            "Each dot stands for rows with a similar probability of the class “{}”. Its height is the share of them that belong to it.",
            short(&second.name)
        ),
        _ => {
            "Each dot stands for rows whose predicted class has a similar probability. Its height is the share of them \
              whose prediction is right."
                .to_owned()
        }
    };
    let series = vec![Series { points, colour: FIRST, shape: Shape::Dotted }];
    let label = "Calibration: the share that is true over the predicted probability; the numbers follow in a table";
    let (x, y) = ("predicted probability", "share that is true");
    let svg = Plot { label, x, y, whole: false, series, diagonal: Some((0.0, 1.0)), mark: None }.svg();
    let row = |bin: &CalibrationBin| {
        let optional = |x: Option<f64>| Cell::Number(x.map_or("-".to_owned(), share));
        vec![
            Cell::Head(format!("{:.1} to {:.1}", bin.from, bin.to)),
            optional(bin.mean_predicted),
            optional(bin.fraction_positive),
            Cell::Number(bin.count.to_string()),
        ]
    };
    let rows: Vec<Vec<Cell>> = bins.iter().map(row).collect();
    let headings = [("probability", false), ("mean", true), ("true", true), ("rows", true)];
    format!(
        "<h3>Calibration</h3>\n<figure>\n{svg}<figcaption>{explained} On the straight line, probabilities mean what they say.</figcaption>\n</figure>\n<details><summary>The numbers</summary>\n{}</details>\n",
        table("calibration", "Calibration", &headings, &rows)
    )
}

fn numbers(both: &Comparison<NumberMetrics>, points: &[(f64, f64)], on: &str) -> String {
    let model = &both.model;
    let drawn = thinned(points);
    let figure = if drawn.is_empty() {
        String::new()
    } else {
        let diagonal = Some(bounds(drawn.iter().flat_map(|p| [p.0, p.1])));
        let some = if points.len() > MOST_POINTS {
            format!(" {} of {} rows are drawn.", drawn.len(), points.len())
        } else {
            String::new()
        };
        let series = vec![Series { points: drawn, colour: FIRST, shape: Shape::Cloud }];
        let label = "The predicted number over the true one, a dot for each row";
        let svg = Plot { label, x: "true", y: "predicted", whole: false, series, diagonal, mark: None }.svg();
        format!(
            "<h3>Predicted against true</h3>\n<figure>\n{svg}<figcaption>A dot for each row. On the straight line, predictions \
             are right.{some}</figcaption>\n</figure>\n"
        )
    };
    format!(
        "{}{}{}{figure}",
        judged(model.rows, on, model.not_finite, "NaN or infinite, and left out"),
        useless(both.beats_baseline()),
        compared(&model.lines(), &both.baseline.lines(), "predicts the mean of the training rows for every row"),
    )
}

fn labels(both: &Comparison<LabelMetrics>, on: &str) -> String {
    let model = &both.model;
    format!(
        "{}{}{}",
        judged(model.rows, on, model.not_a_number, "NaN among their probabilities"),
        useless(both.beats_baseline()),
        compared(&model.lines(), &both.baseline.lines(), "predicts each label as most training rows have it"),
    )
}
