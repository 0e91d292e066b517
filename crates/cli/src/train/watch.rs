//! Early stopping: what a training must remember of its epochs to know when to stop. It is a note in the checkpoint, so that
//! a resumed training stops where an uninterrupted one does.

use nxm_data::SplitBy;
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
    /// Epochs without a gain after which it stops.
    pub patience: Option<u64>,
    /// The epoch with the smallest held-out loss so far, and that loss.
    pub best: Option<(u64, f64)>,
}

impl Watch {
    /// An epoch has ended with this held-out loss: whether it is the best so far.
    pub fn see(&mut self, epoch: u64, loss: f64) -> bool {
        let better = self.best.is_none_or(|(_, best)| loss < best);
        if better {
            self.best = Some((epoch, loss));
        }
        better
    }

    /// Whether there was no gain for too long, after this epoch.
    pub fn stops_after(&self, epoch: u64) -> bool {
        // A checkpoint may say that an epoch to come was the best.
        matches!((self.patience, self.best), (Some(patience), Some((best, _))) if epoch.saturating_sub(best) >= patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_when_patience_is_at_an_end() {
        let mut watch = Watch {
            fingerprint: String::new(),
            split: SplitBy::Stratified,
            validate: 0.1,
            validate_with: None,
            patience: Some(2),
            best: None,
        };
        let seen = [(1, 0.5), (2, 0.4), (3, 0.4), (4, f64::NAN)].map(|(epoch, loss)| {
            let better = watch.see(epoch, loss);
            (better, watch.stops_after(epoch))
        });
        assert_eq!(seen, [(true, false), (true, false), (false, false), (false, true)]);
        assert_eq!(watch.best, Some((2, 0.4)));
        // A file may say that the best epoch is still to come.
        watch.best = Some((u64::MAX, 0.4));
        assert!(!watch.stops_after(4));
        watch.patience = None;
        assert!(!watch.stops_after(1000));
    }
}
