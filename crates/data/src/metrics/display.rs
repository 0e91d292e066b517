//! Metrics as aligned plain text, those of the baseline beside those of the model.

use std::fmt::{self, Formatter};

use super::{ClassMetrics, Comparison, LabelMetrics, NumberMetrics};
use crate::foreign::Foreign;

/// Classes whose scores are listed; a terminal has no room for more.
const LISTED: usize = 40;
/// Classes whose confusion matrix fits the width of a terminal.
const MATRIX: usize = 12;
/// Characters of a column that holds a number.
const NUMBER: usize = 10;

/// Of what is not defined.
const NONE: &str = "-";

/// A line of a table: what is measured, and what it is of the model and of the baseline.
type Line = (String, String, Option<String>);

/// A share from 0 to 1 with four decimals; with more where it would look like 0 or 1 and is neither.
fn share(x: f64) -> String {
    const MOST: usize = 17;
    if x.is_nan() {
        return NONE.to_owned();
    }
    let lies = |text: &String| text.parse().is_ok_and(|shown: f64| (shown == 0.0 || shown == 1.0) && shown != x);
    (4..=MOST).map(|digits| format!("{x:.digits$}")).find(|text| !lies(text)).unwrap_or_else(|| format!("{x:e}"))
}

/// A number with five significant digits.
fn plain(x: f64) -> String {
    const DIGITS: i32 = 5;
    if x.is_nan() {
        return NONE.to_owned();
    }
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let exponent = x.abs().log10().floor();
    if (-4.0..9.0).contains(&exponent) {
        let decimals = (f64::from(DIGITS) - 1.0 - exponent).max(0.0) as usize;
        format!("{x:.decimals$}")
    } else {
        format!("{x:.4e}")
    }
}

fn optional(x: Option<f64>, show: fn(f64) -> String) -> String {
    x.map_or(NONE.to_owned(), show)
}

/// Writes the lines, with a heading if there is a baseline.
fn table(f: &mut Formatter<'_>, lines: &[Line]) -> fmt::Result {
    let width = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let first = width(&mut lines.iter().map(|line| &*line.0));
    let model = width(&mut lines.iter().map(|line| &*line.1)).max(NUMBER);
    let baseline = width(&mut lines.iter().filter_map(|line| line.2.as_deref())).max(NUMBER);
    if lines.iter().any(|line| line.2.is_some()) {
        writeln!(f, "{:first$}  {:>model$}  {:>baseline$}", "", "model", "baseline")?;
    }
    for (name, of_model, of_baseline) in lines {
        write!(f, "{name:first$}  {of_model:>model$}")?;
        match of_baseline {
            Some(text) => writeln!(f, "  {text:>baseline$}")?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}

/// Lines of two lists of equal names.
fn beside(model: Vec<(String, String)>, baseline: Option<Vec<(String, String)>>) -> Vec<Line> {
    let mut baseline = baseline.map(Vec::into_iter);
    let lines = model.into_iter();
    lines
        .map(|(name, text)| {
            (name, text, baseline.as_mut().map(|lines| lines.next().map_or(NONE.to_owned(), |line| line.1)))
        })
        .collect()
}

impl ClassMetrics {
    /// Names and values of what is one number, as texts.
    fn lines(&self) -> Vec<(String, String)> {
        let fixed = [
            ("accuracy", share(self.accuracy)),
            ("balanced accuracy", share(self.balanced_accuracy)),
            ("precision (macro)", share(self.macro_precision)),
            ("recall (macro)", share(self.macro_recall)),
            ("F1 (macro)", share(self.macro_f1)),
            ("ROC AUC", optional(self.roc_auc, share)),
            ("log loss", plain(self.log_loss)),
            ("Brier score", plain(self.brier_score)),
        ];
        let fixed = fixed.into_iter().map(|(name, text)| (name.to_owned(), text));
        fixed.chain(self.top_k.iter().map(|top| (format!("top-{} accuracy", top.k), share(top.accuracy)))).collect()
    }

    fn show(&self, f: &mut Formatter<'_>, baseline: Option<&ClassMetrics>) -> fmt::Result {
        table(f, &beside(self.lines(), baseline.map(ClassMetrics::lines)))?;
        rows(f, self.rows, self.not_a_number, "NaN among the probabilities")?;
        let names: Vec<String> = self.classes.iter().map(|class| Foreign::bare(&class.name).to_string()).collect();
        let width = names.iter().take(LISTED).map(|name| name.chars().count()).fold("class".len(), usize::max);
        writeln!(
            f,
            "\n{:width$}  {:>NUMBER$}{:>NUMBER$}{:>NUMBER$}{:>NUMBER$}",
            "class", "precision", "recall", "F1", "rows"
        )?;
        for (class, name) in self.classes.iter().zip(&names).take(LISTED) {
            let [precision, recall, f1] = [class.precision, class.recall, class.f1].map(share);
            writeln!(f, "{name:width$}  {precision:>NUMBER$}{recall:>NUMBER$}{f1:>NUMBER$}{:>NUMBER$}", class.support)?;
        }
        let more = self.classes.len().saturating_sub(LISTED);
        if more > 0 {
            writeln!(f, "… and {more} more classes")?;
        }
        self.show_confusion(f, &names)
    }

    fn show_confusion(&self, f: &mut Formatter<'_>, names: &[String]) -> fmt::Result {
        let Some(confusion) = self.confusion.as_ref().filter(|confusion| confusion.classes <= MATRIX) else {
            return Ok(());
        };
        const CORNER: &str = "is \\ predicted";
        let longest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let first = longest(&mut names.iter().map(|name| name.chars().count())).max(CORNER.chars().count());
        // A column is as wide as its counts, and shows the beginning of a long name.
        let cell = longest(&mut confusion.counts.iter().map(|count| count.to_string().len()))
            .max(longest(&mut names.iter().map(|name| name.chars().count().min(8))));
        write!(f, "\n{CORNER:first$}")?;
        for name in names {
            write!(f, "  {:>cell$}", name.chars().take(cell).collect::<String>())?;
        }
        writeln!(f)?;
        for (label, name) in names.iter().enumerate() {
            write!(f, "{name:first$}")?;
            for count in confusion.row(label) {
                write!(f, "  {count:>cell$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl NumberMetrics {
    /// Names and values of what is one number, as texts.
    fn lines(&self) -> Vec<(String, String)> {
        let lines = [
            ("RMSE", plain(self.rmse)),
            ("MSE", plain(self.mse)),
            ("mean absolute error", plain(self.mae)),
            ("median absolute error", plain(self.median_absolute_error)),
            ("largest error", plain(self.max_error)),
            ("R²", optional(self.r2, plain)),
        ];
        lines.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
    }

    fn show(&self, f: &mut Formatter<'_>, baseline: Option<&NumberMetrics>) -> fmt::Result {
        table(f, &beside(self.lines(), baseline.map(NumberMetrics::lines)))?;
        rows(f, self.rows, self.not_finite, "a prediction that is NaN or infinite")
    }
}

impl LabelMetrics {
    /// Names and values of what is one number, as texts.
    fn lines(&self) -> Vec<(String, String)> {
        let mut lines = vec![
            ("subset accuracy".to_owned(), share(self.subset_accuracy)),
            ("F1 (macro)".to_owned(), share(self.macro_f1)),
        ];
        for (name, label) in self.names.iter().zip(&self.labels).take(LISTED) {
            lines.push((format!("{}: accuracy", Foreign::bare(name)), share(label.accuracy)));
            lines.push((format!("{}: F1", Foreign::bare(name)), share(label.classes[1].f1)));
        }
        lines
    }

    fn show(&self, f: &mut Formatter<'_>, baseline: Option<&LabelMetrics>) -> fmt::Result {
        table(f, &beside(self.lines(), baseline.map(LabelMetrics::lines)))?;
        let more = self.labels.len().saturating_sub(LISTED);
        if more > 0 {
            writeln!(f, "… and {more} more labels")?;
        }
        rows(f, self.rows, self.not_a_number, "NaN among the probabilities")
    }
}

/// How many rows were judged, and how many of them could not be.
fn rows(f: &mut Formatter<'_>, rows: usize, without: usize, what: &str) -> fmt::Result {
    write!(f, "on {rows} {}", if rows == 1 { "row" } else { "rows" })?;
    if without > 0 {
        write!(f, ", {without} of which {} {what}", if without == 1 { "has" } else { "have" })?;
    }
    writeln!(f)
}

macro_rules! display {
    ($($metrics:ty),*) => {$(
        impl fmt::Display for $metrics {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                self.show(f, None)
            }
        }

        impl fmt::Display for Comparison<$metrics> {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                self.model.show(f, Some(&self.baseline))
            }
        }
    )*};
}

display!(ClassMetrics, NumberMetrics, LabelMetrics);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ClassBaseline, LabelBaseline, NumberBaseline};

    #[test]
    fn numbers_never_look_like_others() {
        for (x, text) in [(0.99996, "0.99996"), (0.00003, "0.00003"), (1.0, "1.0000"), (0.5, "0.5000"), (f64::NAN, "-")]
        {
            assert_eq!(share(x), text);
        }
        for (x, text) in [
            (2.7e-5, "2.7000e-5"),
            (0.00027, "0.00027000"),
            (123.456, "123.46"),
            (1234567.0, "1234567"),
            (-0.5, "-0.50000"),
            (1e12, "1.0000e12"),
            (0.0, "0"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(plain(x), text);
        }
    }

    #[test]
    fn the_baseline_stands_beside() {
        let labels = [0, 1, 1, 2];
        let rows = [0.8, 0.1, 0.1, 0.1, 0.8, 0.1, 0.5, 0.3, 0.2, 0.0, 0.0, 1.0];
        let model = ClassMetrics::new(&labels, &rows, 3).unwrap().with_names(["a", "b\u{1b}[2J", "é"]).unwrap();
        let baseline = ClassBaseline::new(&labels, 3).unwrap().metrics(&labels).unwrap();
        let text = Comparison { model, baseline }.to_string();
        let expected = r"
                        model    baseline
accuracy               0.7500      0.5000
balanced accuracy      0.8333      0.3333
precision (macro)      0.8333      0.1667
recall (macro)         0.8333      0.3333
F1 (macro)             0.7778      0.2222
ROC AUC                1.0000      0.5000
log loss              0.41256      1.0397
Brier score           0.22500     0.62500
top-2 accuracy         1.0000      0.7500
on 4 rows

class        precision    recall        F1      rows
a               0.5000    1.0000    0.6667         1
b\u{1b}[2J      1.0000    0.5000    0.6667         2
é               1.0000    1.0000    1.0000         1

is \ predicted         a  b\u{1b}[         é
a                      1         0         0
b\u{1b}[2J             1         1         0
é                      0         0         1
";
        assert_eq!(text, &expected[1..]);
    }

    #[test]
    fn numbers_and_labels_are_shown() {
        let baseline = NumberBaseline::new(&[1.0, 3.0]).unwrap().metrics(&[1.0, 2.0, 4.0]).unwrap();
        let model = NumberMetrics::new(&[1.0, 2.0, 4.0], &[1.0, 2.5, f64::NAN]).unwrap();
        let text = Comparison { model, baseline }.to_string();
        assert!(text.contains("RMSE                      0.35355      1.2910\n"), "{text}");
        assert!(text.ends_with("on 3 rows, 1 of which has a prediction that is NaN or infinite\n"), "{text}");
        let has = [true, false, true, true];
        let model = LabelMetrics::new(&has, &[0.9, 0.1, 0.9, 0.5], 2).unwrap().with_names(["x", "y"]).unwrap();
        let text =
            Comparison { model, baseline: LabelBaseline::new(&has, 2).unwrap().metrics(&has).unwrap() }.to_string();
        assert!(text.contains("y: F1                0.0000      0.0000\n"), "{text}");
    }

    #[test]
    fn thousands_of_classes_are_shortened() {
        let classes = LISTED + 3;
        let mut row = vec![0.0; classes];
        row[0] = 1.0;
        let text = ClassMetrics::new(&[0], &row, classes).unwrap().to_string();
        assert!(text.contains("… and 3 more classes") && !text.contains("predicted"), "{text}");
    }
}
