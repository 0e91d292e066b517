//! What a run must remember of itself to go on: a note in its checkpoint.

use nxm_data::{Metric, Patience, SplitBy};
use serde::{Deserialize, Serialize};

/// The note in a checkpoint that holds the [`Watch`].
pub const WATCH: &str = "nxm.run";

/// What a run remembers of itself, besides the network's own training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Note", into = "Note")]
pub struct Watch {
    /// Of the data, before it is split.
    pub fingerprint: String,
    /// Which examples are held out.
    pub split: SplitBy,
    /// The share that is held out.
    pub validate: f64,
    /// Of the table that is held out instead of a share.
    pub validate_with: Option<String>,
    /// What epochs are compared by.
    pub metric: Metric,
    /// Which epoch was the best, and when to stop.
    pub patience: Patience,
    /// Whether the network of the best epoch is kept beside the last one, and used: there are rows to judge by, and nobody asked for the
    /// last epoch's.
    pub keep_best: bool,
}

/// A [`Watch`] as its note is written.
#[derive(Serialize, Deserialize)]
struct Note {
    fingerprint: String,
    split: SplitBy,
    validate: f64,
    validate_with: Option<String>,
    patience: Judged,
    keep_best: bool,
}

/// The metric and the rule of early stopping, which stand together in the note.
#[derive(Serialize, Deserialize)]
struct Judged {
    metric: Metric,
    epochs: Option<u64>,
    min_gain: f64,
    best: Option<(u64, f64)>,
}

impl From<Note> for Watch {
    fn from(note: Note) -> Watch {
        let Note { fingerprint, split, validate, validate_with, patience, keep_best } = note;
        let Judged { metric, epochs, min_gain, best } = patience;
        let patience = Patience::new(metric.goal(), epochs).with_min_gain(min_gain).with_best(best);
        Watch { fingerprint, split, validate, validate_with, metric, patience, keep_best }
    }
}

impl From<Watch> for Note {
    fn from(watch: Watch) -> Note {
        let Watch { fingerprint, split, validate, validate_with, metric, patience, keep_best } = watch;
        let Patience { epochs, min_gain, best, .. } = patience;
        Note {
            fingerprint,
            split,
            validate,
            validate_with,
            patience: Judged { metric, epochs, min_gain, best },
            keep_best,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seeds of the fuzz target are notes of today.
    #[test]
    fn a_note_comes_back() {
        for text in [
            include_str!("../../../../fuzz/seeds/notes/watch"),
            include_str!("../../../../fuzz/seeds/notes/watch-none"),
        ] {
            let watch: Watch = serde_json::from_str(text).unwrap();
            assert_eq!(watch.patience.goal, watch.metric.goal());
            let again: Watch = serde_json::from_str(&serde_json::to_string(&watch).unwrap()).unwrap();
            assert_eq!(again, watch);
        }
    }
}
