//! A report on a training that people look at: one HTML file that needs nothing else, not even the network.
//!
//! [`Report`] is plain data; whatever is left out is not shown. Texts in it may be anybody's: they are escaped. The page follows the
//! browser's dark mode, fits a phone, and can be read by a screen reader.

use std::io::{self, Read, Write};
use std::path::Path;

use thiserror::Error;

use crate::foreign::Foreign;
use crate::importance::Importance;
use crate::metrics::{ClassMetrics, Comparison, LabelMetrics, NumberMetrics};
use crate::write::takes_files;

mod judged;
mod page;
mod plot;
mod training;

use page::{facts, section, short, text};

/// What every report begins with, so that one is known by its first bytes.
const START: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"nxm report\">\n";

/// Nothing in the page is loaded, sent or run, even if a text should get past the escaping.
const POLICY: &str =
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n";

const STYLE: &str = include_str!("report/style.css");

/// What is reported of a training. Whatever is empty or `None` is left out of the page.
///
/// ```
/// use nxm_data::Report;
///
/// let report = Report {
///     title: "iris.csv: species".to_owned(),
///     command: Some("nxm train iris.csv --label species".to_owned()),
///     ..Report::default()
/// };
/// assert!(report.html().contains("<title>iris.csv: species</title>"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What the page is called.
    pub title: String,
    /// The command that made it.
    pub command: Option<String>,
    /// Names and values of what a reader wants to know first: the network, the file, the seed, ….
    pub summary: Vec<(String, String)>,
    /// How good the predictions of each target are.
    pub results: Vec<TargetResult>,
    /// How the loss fell.
    pub losses: Option<LossCurves>,
    /// Names of columns and how much the model takes from them, the most important one first.
    pub importance: Option<Vec<(String, Importance)>>,
    /// The table that was trained on.
    pub data: Option<DataDescription>,
    /// What the training cost.
    pub cost: Vec<CostRow>,
    /// What else is to be said, a paragraph each: warnings, rows that were left out.
    pub notes: Vec<String>,
}

/// How good the predictions of a target are.
#[derive(Clone, Debug)]
pub struct TargetResult {
    /// The name of the target.
    pub target: String,
    /// Which rows were judged: "held out", "test.csv".
    pub on: String,
    /// Its metrics.
    pub metrics: TargetMetrics,
}

/// Metrics of a target of some kind.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a report has a few of them")]
pub enum TargetMetrics {
    /// It is a class.
    Classes(Comparison<ClassMetrics>),
    /// It is a number.
    Numbers {
        /// Its metrics.
        metrics: Comparison<NumberMetrics>,
        /// The true and the predicted number of each row, or of some; at most 2000 are drawn.
        points: Vec<(f64, f64)>,
    },
    /// It is several labels that a row has or does not have.
    Labels(Comparison<LabelMetrics>),
}

/// The loss, epoch by epoch.
#[derive(Clone, Debug, Default)]
pub struct LossCurves {
    /// Epochs, counted from 1, and the mean loss of the training rows.
    pub train: Vec<(u64, f64)>,
    /// Epochs and the loss of the held-out rows; empty if there are none.
    pub held_out: Vec<(u64, f64)>,
    /// The epoch whose model is kept.
    pub best_epoch: Option<u64>,
    /// What the loss is called.
    pub loss: String,
}

/// The table that was trained on.
#[derive(Clone, Debug, Default)]
pub struct DataDescription {
    /// Names and values: the file, its rows, how they are split, ….
    pub facts: Vec<(String, String)>,
    /// Headings of the table of columns: "column", "kind", "missing", ….
    pub headings: Vec<String>,
    /// A row for each column, of as many cells as there are headings. At most 500 are shown.
    pub columns: Vec<Vec<String>>,
}

/// Something that a training takes.
#[derive(Clone, Debug, Default)]
pub struct CostRow {
    /// What: "time", "operations", "memory".
    pub what: String,
    /// What the forecast said before the training began.
    pub forecast: Option<String>,
    /// What it was.
    pub taken: Option<String>,
}

/// Why a report can't be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file is there, and is no report.
    #[error("{name} exists and is no report of nxm; it was not changed. Name another file, or remove this one")]
    Occupied {
        /// The file.
        name: String,
    },
    /// What the operating system says.
    #[error("can't write the report {name}: {error}")]
    Io {
        /// The file.
        name: String,
        /// What it says.
        error: io::Error,
    },
}

impl Report {
    /// The page.
    pub fn html(&self) -> String {
        let title = if self.title.is_empty() { "A training".to_owned() } else { short(&self.title) };
        let command = self
            .command
            .as_ref()
            .map_or(String::new(), |command| format!("<pre><code>{}</code></pre>\n", text(command)));
        let notes: String =
            self.notes.iter().map(|note| format!("<p class=\"warning\">{}</p>\n", text(note))).collect();
        let mut html = format!(
            "{START}{POLICY}<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" \
             content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
             {command}{}{notes}",
            facts(&self.summary)
        );
        self.results.iter().for_each(|result| html.push_str(&result.html()));
        if let Some(losses) = self.losses.as_ref().filter(|losses| !losses.train.is_empty()) {
            html.push_str(&section("Loss", losses.html()));
        }
        if let Some(importance) = self.importance.as_ref().filter(|columns| !columns.is_empty()) {
            html.push_str(&section("Importance of columns", training::importance(importance)));
        }
        if let Some(data) = &self.data {
            html.push_str(&section("Data", data.html()));
        }
        if !self.cost.is_empty() {
            html.push_str(&section("Cost", training::cost(&self.cost)));
        }
        html.push_str("</main>\n</body>\n</html>\n");
        html
    }

    /// Whether a report could be written to this file now: to be asked before hours are spent on what it tells. Nothing is changed.
    ///
    /// # Errors
    /// As [`Report::write`].
    pub fn check(path: &Path) -> Result<(), ReportError> {
        let name = || Foreign::path(path).to_string();
        let about = |error| ReportError::Io { name: name(), error };
        if !replaceable(path).map_err(about)? {
            return Err(ReportError::Occupied { name: name() });
        }
        takes_files(path.parent().unwrap_or(path)).map_err(about)
    }

    /// Writes the page to a file, whole or not at all. An older report of this name is replaced.
    ///
    /// # Errors
    /// [`ReportError`] if the file exists and is no report, which is then left as it is, or if it can't be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let name = || Foreign::path(path).to_string();
        let about = |error| ReportError::Io { name: name(), error };
        if !replaceable(path).map_err(about)? {
            return Err(ReportError::Occupied { name: name() });
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = Path::new(&beside);
        let mut file = std::fs::File::create_new(beside).map_err(about)?;
        let written = file.write_all(self.html().as_bytes()).and_then(|()| std::fs::rename(beside, path));
        if written.is_err() {
            // The first error is the one to report.
            let _ = std::fs::remove_file(beside);
        }
        written.map_err(about)
    }
}

/// Whether there is nothing, an empty file or a report.
fn replaceable(path: &Path) -> io::Result<bool> {
    let found = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        found => found?,
    };
    // A pipe would be waited for.
    if !found.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    std::fs::File::open(path)?.take(START.len() as u64).read_to_end(&mut start)?;
    Ok(start.is_empty() || start == START.as_bytes())
}

#[cfg(test)]
mod tests;
