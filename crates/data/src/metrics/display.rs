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

/// A metric that is one number.
pub(crate) struct Line {
    /// What it is called.
    pub(crate) name: String,
    /// As it is shown.
    pub(crate) text: String,
    /// NaN if it is not defined.
    value: f64,
    better: Better,
}

/// Which of two numbers is better.
#[derive(Clone, Copy)]
enum Better {
    Higher,
    Lower,
}

impl Line {
    fn new(name: impl Into<String>, value: f64, show: fn(f64) -> String, better: Better) -> Line {
        Line { name: name.into(), text: show(value), value, better }
    }

    /// Whether it is better than the same metric of another model. Never true if one of them is not defined.
    pub(crate) fn beats(&self, other: &Line) -> bool {
        match self.better {
            Better::Higher => self.value > other.value,
            Better::Lower => self.value < other.value,
        }
    }
}

/// A share from 0 to 1 with four decimals; with more where it would look like 0 or 1 and is neither.
pub(crate) fn share(x: f64) -> String {
    const MOST: usize = 17;
    if x.is_nan() {
        return NONE.to_owned();
    }
    let lies = |text: &String| text.parse().is_ok_and(|shown: f64| (shown == 0.0 || shown == 1.0) && shown != x);
    (4..=MOST).map(|digits| format!("{x:.digits$}")).find(|text| !lies(text)).unwrap_or_else(|| format!("{x:e}"))
}

/// A number with five significant digits.
pub(crate) fn plain(x: f64) -> String {
    significant(x, 5)
}

/// A number with so many significant digits, at least one.
pub(crate) fn significant(x: f64, digits: u8) -> String {
    if x.is_nan() {
        return NONE.to_owned();
    }
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let behind = f64::from(digits) - 1.0;
    let exponent = x.abs().log10().floor();
    let decimals = if (-4.0..9.0).contains(&exponent) { behind - exponent } else { behind };
    let decimals = decimals.max(0.0) as usize;
    if (-4.0..9.0).contains(&exponent) { format!("{x:.decimals$}") } else { format!("{x:.decimals$e}") }
}

/// Writes the metrics of a model, with those of a baseline beside them if there is one.
fn table(f: &mut Formatter<'_>, model: &[Line], baseline: Option<&[Line]>) -> fmt::Result {
    let width = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let first = width(&mut model.iter().map(|line| &line.name));
    let second = width(&mut model.iter().map(|line| &line.text)).max(NUMBER);
    let third = width(&mut baseline.iter().copied().flatten().map(|line| &line.text)).max(NUMBER);
    if baseline.is_some() {
        writeln!(f, "{:first$}  {:>second$}  {:>third$}", "", "model", "baseline")?;
    }
    for (i, line) in model.iter().enumerate() {
        write!(f, "{:first$}  {:>second$}", line.name, line.text)?;
        match baseline.and_then(|baseline| baseline.get(i)) {
            Some(baseline) => writeln!(f, "  {:>third$}", baseline.text)?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}

impl ClassMetrics {
    /// What is one number.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let higher = |name: &str, x| Line::new(name, x, share, Better::Higher);
        let mut lines = vec![
            higher("accuracy", self.accuracy),
            higher("balanced accuracy", self.balanced_accuracy),
            higher("precision (macro)", self.macro_precision),
            higher("recall (macro)", self.macro_recall),
            higher("F1 (macro)", self.macro_f1),
            higher("ROC AUC", self.roc_auc.unwrap_or(f64::NAN)),
            Line::new("log loss", self.log_loss, plain, Better::Lower),
            Line::new("Brier score", self.brier_score, plain, Better::Lower),
        ];
        lines.extend(self.top_k.iter().map(|top| higher(&format!("top-{} accuracy", top.k), top.accuracy)));
        lines
    }

    fn show(&self, f: &mut Formatter<'_>, baseline: Option<&ClassMetrics>) -> fmt::Result {
        table(f, &self.lines(), baseline.map(ClassMetrics::lines).as_deref())?;
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
    /// What is one number.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let lower = |name, x| Line::new(name, x, plain, Better::Lower);
        vec![
            lower("RMSE", self.rmse),
            lower("MSE", self.mse),
            lower("mean absolute error", self.mae),
            lower("median absolute error", self.median_absolute_error),
            lower("largest error", self.max_error),
            Line::new("R²", self.r2.unwrap_or(f64::NAN), plain, Better::Higher),
        ]
    }

    fn show(&self, f: &mut Formatter<'_>, baseline: Option<&NumberMetrics>) -> fmt::Result {
        table(f, &self.lines(), baseline.map(NumberMetrics::lines).as_deref())?;
        rows(f, self.rows, self.not_finite, "a prediction that is NaN or infinite")
    }
}

impl LabelMetrics {
    /// What is one number.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let higher = |name: &str, x| Line::new(name, x, share, Better::Higher);
        let mut lines = vec![higher("subset accuracy", self.subset_accuracy), higher("F1 (macro)", self.macro_f1)];
        for (name, label) in self.names.iter().zip(&self.labels).take(LISTED) {
            lines.push(higher(&format!("{}: accuracy", Foreign::bare(name)), label.accuracy));
            lines.push(higher(&format!("{}: F1", Foreign::bare(name)), label.classes[1].f1));
        }
        lines
    }

    fn show(&self, f: &mut Formatter<'_>, baseline: Option<&LabelMetrics>) -> fmt::Result {
        table(f, &self.lines(), baseline.map(LabelMetrics::lines).as_deref())?;
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
                self.model.show(f, Some(&self.baseline))?;
                if self.beats_baseline() { Ok(()) } else { writeln!(f, "\nThe model is no better than the baseline.") }
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
        assert!(text.ends_with("on 2 rows\n"), "{text}");
        let model = LabelBaseline::new(&has, 2).unwrap().metrics(&has).unwrap();
        let text = Comparison { baseline: model.clone(), model }.to_string();
        assert!(text.ends_with("\nThe model is no better than the baseline.\n"), "{text}");
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
