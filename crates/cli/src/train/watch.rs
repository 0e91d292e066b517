//! What a run must remember of itself to go on: a note in its checkpoint.

use nxm_data::{Patience, SplitBy};
use serde::{Deserialize, Serialize};

/// The note in a checkpoint that holds the [`Watch`].
pub const WATCH: &str = "nxm.run";

/// What a run remembers of itself, besides the network's own training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Of the data, before it is split.
    pub fingerprint: String,
    /// Which examples are held out.
    pub split: SplitBy,
    /// The share that is held out.
    pub validate: f64,
    /// Of the table that is held out instead of a share.
    pub validate_with: Option<String>,
    /// Which epoch was the best, and when to stop.
    pub patience: Patience,
    /// Whether the network of the best epoch is kept beside the last one, and used: there are rows to judge by, and nobody asked for the
    /// last epoch's.
    pub keep_best: bool,
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
            let again: Watch = serde_json::from_str(&serde_json::to_string(&watch).unwrap()).unwrap();
            assert_eq!(again, watch);
        }
    }
}
