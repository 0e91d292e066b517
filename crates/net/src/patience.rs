//! Early stopping: what a training must remember of its epochs to know which was the best, and when to stop.

use nxm_kernels::beside::{is_zero, sub};

use crate::check::is_finite;

/// Whether a metric should fall, as a loss, or rise, as an accuracy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Goal {
    /// Lower is better.
    #[default]
    Minimize,
    /// Higher is better.
    Maximize,
}

impl Goal {
    /// By how much `one` is better than `other`; negative if it is worse: 1 addition.
    pub fn gain(self, one: f64, other: f64) -> f64 {
        match self {
            Goal::Minimize => sub(other, one),
            Goal::Maximize => sub(one, other),
        }
    }
}

/// Which epoch was the best so far, and whether the training should stop. [`Network::fit`](crate::Network::fit) stops by it. If it is kept
/// in a checkpoint, a resumed training stops where an uninterrupted one does.
///
/// ```
/// use nxm_net::{Goal, Patience};
///
/// let mut patience = Patience::new(Goal::Minimize, Some(2));
/// assert!(patience.see(1, 0.5) && patience.see(2, 0.4));
/// assert!(!patience.see(3, 0.4) && !patience.stops_after(3), "no gain, but still patient");
/// assert!(!patience.see(4, 0.45) && patience.stops_after(4));
/// assert_eq!(patience.best, Some((2, 0.4)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Patience {
    /// Whether the metric should fall or rise.
    pub goal: Goal,
    /// Epochs without a gain after which the training stops; none never stops it.
    pub epochs: Option<u64>,
    /// An epoch is better if its metric is better by more than this.
    pub min_gain: f64,
    /// The best epoch so far, and its metric.
    pub best: Option<(u64, f64)>,
}

impl Patience {
    /// Before the first epoch.
    pub fn new(goal: Goal, epochs: Option<u64>) -> Patience {
        Patience { goal, epochs, min_gain: 0.0, best: None }
    }

    /// With a least gain: an epoch is better if its metric is better by more than this.
    #[must_use]
    pub fn with_min_gain(self, min_gain: f64) -> Patience {
        Patience { min_gain, ..self }
    }

    /// With this best epoch so far, and its metric.
    #[must_use]
    pub fn with_best(self, best: Option<(u64, f64)>) -> Patience {
        Patience { best, ..self }
    }

    /// An epoch has ended with this metric: whether it is the best so far. A metric that is NaN or infinite never is.
    pub fn see(&mut self, epoch: u64, value: f64) -> bool {
        // By their bits, as all comparisons beside kernels: 0 and −0 have different ones.
        let gains = |best: f64| {
            let gain = self.goal.gain(value, best);
            gain.total_cmp(&self.min_gain).is_gt() && !(is_zero(gain) && is_zero(self.min_gain))
        };
        let better = is_finite(value) && self.best.is_none_or(|(_, best)| gains(best));
        if better {
            self.best = Some((epoch, value));
        }
        better
    }

    /// Whether there was no gain for too long, after this epoch.
    pub fn stops_after(&self, epoch: u64) -> bool {
        // A checkpoint may say that an epoch to come was the best. Without a best epoch, none since the beginning was.
        let best = self.best.map_or(0, |(best, _)| best);
        self.epochs.is_some_and(|epochs| epoch.saturating_sub(best) >= epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_when_patience_is_at_an_end() {
        let mut patience = Patience::new(Goal::Minimize, Some(2));
        let seen = [(1, 0.5), (2, 0.4), (3, 0.4), (4, f64::NAN)].map(|(epoch, loss)| {
            let better = patience.see(epoch, loss);
            (better, patience.stops_after(epoch))
        });
        assert_eq!(seen, [(true, false), (true, false), (false, false), (false, true)]);
        assert_eq!(patience.best, Some((2, 0.4)));
        // A file may say that the best epoch is still to come.
        patience.best = Some((u64::MAX, 0.4));
        assert!(!patience.stops_after(4));
        patience.epochs = None;
        assert!(!patience.stops_after(1000));
    }

    #[test]
    fn a_small_gain_is_none() {
        let mut patience = Patience::new(Goal::Maximize, Some(2)).with_min_gain(0.25);
        assert_eq!([(1, 0.25), (2, 0.5), (3, 0.75)].map(|(epoch, x)| patience.see(epoch, x)), [true, false, true]);
        for (goal, min_gain) in
            [Goal::Minimize, Goal::Maximize].into_iter().flat_map(|goal| [(goal, 0.0), (goal, -0.0)])
        {
            let mut patience = Patience::new(goal, None).with_min_gain(min_gain);
            assert_eq!([(1, 0.0), (2, -0.0), (3, 0.0)].map(|(epoch, x)| patience.see(epoch, x)), [true, false, false]);
        }
    }

    #[test]
    fn what_is_no_number_is_not_the_first_best() {
        let mut patience = Patience::new(Goal::Maximize, Some(3));
        assert!(!patience.see(1, f64::NAN) && patience.see(2, -5.0) && patience.see(3, 0.5));
        let mut never = Patience::new(Goal::Maximize, Some(3));
        assert!((1..=3).all(|epoch| !never.see(epoch, f64::NAN)));
        assert!(!never.stops_after(2) && never.stops_after(3));
    }
}
