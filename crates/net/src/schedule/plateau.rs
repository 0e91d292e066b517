//! The schedule that depends on how the training goes: a learning rate that falls when a metric stops getting better.

use std::fmt;
use std::str::FromStr;

use nxm_kernels::UnknownName;
use nxm_kernels::beside::{add, mul, sub};

use crate::error::NetError;
use crate::train::TrainingOptions;

/// A learning rate below which a fall is none (`eps` of `ReduceLROnPlateau`).
const LEAST_FALL: f64 = 1e-8;

/// η falls to γ·η when a metric has not got better for more than `patience` epochs (`ReduceLROnPlateau`).
///
/// The caller reports the metric after each epoch: [`Training::report_metric`](crate::Training::report_metric). Defaults are PyTorch's.
///
/// ```
/// use nxm_net::{Plateau, TrainingOptions};
/// let options = TrainingOptions::default().with_schedule(Plateau::new().with_factor(0.5).with_patience(3));
/// assert_eq!(options.schedule.name(), "plateau");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plateau {
    /// γ, at least 0 and below 1.
    pub factor: f64,
    /// Epochs without a better metric after which η stays as it is; the next one makes it fall.
    pub patience: u64,
    /// By how much a metric must be better to count as better, at least 0.
    pub threshold: f64,
    /// Whether that is a share of the best metric or a difference from it.
    pub kind: ThresholdKind,
    /// Which metrics are better.
    pub aim: Aim,
    /// Epochs after a fall that do not count.
    pub cooldown: u64,
    /// The smallest η, at least 0.
    pub minimum: f64,
}

/// Which metrics are better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aim {
    /// Lower ones, as of a loss.
    #[default]
    Lowest,
    /// Higher ones, as of an accuracy.
    Highest,
}

/// What the threshold of a [`Plateau`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThresholdKind {
    /// A share of the best metric so far.
    #[default]
    Relative,
    /// A difference from it.
    Absolute,
}

impl Aim {
    /// Its name: "lowest" or "highest".
    pub fn name(self) -> &'static str {
        match self {
            Aim::Lowest => "lowest",
            Aim::Highest => "highest",
        }
    }
}

impl ThresholdKind {
    /// Its name: "relative" or "absolute".
    pub fn name(self) -> &'static str {
        match self {
            ThresholdKind::Relative => "relative",
            ThresholdKind::Absolute => "absolute",
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for ThresholdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Aim {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Aim, UnknownName> {
        UnknownName::find("aim", name, &[Aim::Lowest, Aim::Highest], |aim| aim.name())
    }
}

impl FromStr for ThresholdKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<ThresholdKind, UnknownName> {
        let all = [ThresholdKind::Relative, ThresholdKind::Absolute];
        UnknownName::find("kind of threshold", name, &all, |kind| kind.name())
    }
}

impl Default for Plateau {
    /// [`Plateau::new`].
    fn default() -> Self {
        Plateau::new()
    }
}

impl Plateau {
    /// γ = 0.1 after more than 10 epochs without a lower metric, by a share of 0.0001; no cooldown, no smallest η.
    pub const fn new() -> Plateau {
        Plateau {
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            kind: ThresholdKind::Relative,
            aim: Aim::Lowest,
            cooldown: 0,
            minimum: 0.0,
        }
    }
    /// With γ, at least 0 and below 1.
    #[must_use]
    pub const fn with_factor(self, factor: f64) -> Plateau {
        Plateau { factor, ..self }
    }
    /// With so many epochs of patience.
    #[must_use]
    pub const fn with_patience(self, patience: u64) -> Plateau {
        Plateau { patience, ..self }
    }
    /// With another threshold, at least 0.
    #[must_use]
    pub const fn with_threshold(self, threshold: f64, kind: ThresholdKind) -> Plateau {
        Plateau { threshold, kind, ..self }
    }
    /// With another aim.
    #[must_use]
    pub const fn with_aim(self, aim: Aim) -> Plateau {
        Plateau { aim, ..self }
    }
    /// With so many epochs after a fall that do not count.
    #[must_use]
    pub const fn with_cooldown(self, cooldown: u64) -> Plateau {
        Plateau { cooldown, ..self }
    }
    /// With a smallest η, at least 0.
    #[must_use]
    pub const fn with_minimum(self, minimum: f64) -> Plateau {
        Plateau { minimum, ..self }
    }

    /// Its options must be in their ranges.
    pub(super) fn check(&self) -> Result<(), NetError> {
        if !(0.0..1.0).contains(&self.factor) {
            let (name, expected) = ("the schedule's factor", "a number from 0 to below 1");
            return Err(NetError::Setting { name, value: self.factor, expected });
        }
        for (name, value) in
            [("the schedule's threshold", self.threshold), ("the schedule's smallest learning rate", self.minimum)]
        {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(NetError::Setting { name, value, expected: "a finite number, at least 0" });
            }
        }
        Ok(())
    }

    /// Whether a metric is better than the best one so far. NaN is not.
    fn is_better(&self, metric: f64, best: f64) -> bool {
        let threshold = self.threshold;
        match (self.aim, self.kind) {
            (Aim::Lowest, ThresholdKind::Relative) => metric < mul(best, sub(1.0, threshold)),
            (Aim::Lowest, ThresholdKind::Absolute) => metric < sub(best, threshold),
            (Aim::Highest, ThresholdKind::Relative) => metric > mul(best, add(1.0, threshold)),
            (Aim::Highest, ThresholdKind::Absolute) => metric > add(best, threshold),
        }
    }
}

/// What a [`Plateau`] has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PlateauState {
    /// The best metric.
    pub best: Option<f64>,
    /// Epochs since then that count.
    pub bad_epochs: u64,
    /// Epochs to come that do not count.
    pub cooldown: u64,
    /// What η₀ has become, if it has fallen.
    pub learning_rate: Option<f64>,
}

impl PlateauState {
    /// Whether a training with these options can have seen this.
    pub(crate) fn check(&self, options: &TrainingOptions) -> Result<(), NetError> {
        let error =
            |what, expected: &str, found: String| Err(NetError::Resume { what, expected: expected.to_owned(), found });
        if options.schedule.plateau().is_none() && *self != PlateauState::default() {
            return error("the plateau of its schedule", "none", format!("{self:?}"));
        }
        if let Some(best) = self.best.filter(|best| best.is_nan()) {
            return error("the best metric of its plateau", "a number", best.to_string());
        }
        if let Some(rate) = self.learning_rate.filter(|rate| !(*rate >= 0.0 && rate.is_finite())) {
            return error("the learning rate of its plateau", "a finite number, at least 0", rate.to_string());
        }
        Ok(())
    }

    /// After one more epoch with this metric. Returns whether η fell from what it was, which is `base` before the first fall.
    ///
    /// 2 additions or 1 and a mul, and 1 comparison; where η may fall 1 mul, 1 addition and 2 comparisons more.
    pub(crate) fn see(&mut self, plateau: &Plateau, metric: f64, base: f64) -> bool {
        let better = match self.best {
            // The first one is better than none, unless it is NaN.
            None => !metric.is_nan(),
            Some(best) => plateau.is_better(metric, best),
        };
        if better {
            (self.best, self.bad_epochs) = (Some(metric), 0);
        } else {
            self.bad_epochs = self.bad_epochs.saturating_add(1);
        }
        if self.cooldown > 0 {
            (self.cooldown, self.bad_epochs) = (self.cooldown - 1, 0);
        }
        if self.bad_epochs <= plateau.patience {
            return false;
        }
        (self.cooldown, self.bad_epochs) = (plateau.cooldown, 0);
        let before = self.learning_rate.unwrap_or(base);
        let after = mul(before, plateau.factor).max(plateau.minimum);
        let falls = sub(before, after) > LEAST_FALL;
        if falls {
            self.learning_rate = Some(after);
        }
        falls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// η after each epoch of these metrics, from 1 on.
    fn rates(plateau: Plateau, metrics: &[f64]) -> Vec<f64> {
        let mut state = PlateauState::default();
        let rate = |metric: &f64| {
            state.see(&plateau, *metric, 1.0);
            state.learning_rate.unwrap_or(1.0)
        };
        metrics.iter().map(rate).collect()
    }

    /// What PyTorch's ReduceLROnPlateau gives for these metrics.
    #[test]
    fn learning_rates_fall_as_pytorch_s_do() {
        let half = Plateau::new().with_factor(0.5).with_patience(1);
        assert_eq!(rates(half, &[1.0, 1.0, 1.0, 1.0, 1.0]), [1.0, 1.0, 0.5, 0.5, 0.25]);
        assert_eq!(rates(half, &[1.0, 0.9, 0.8, 0.8, 0.7]), [1.0; 5]);
        // Better by less than the threshold is not better.
        assert_eq!(rates(half, &[1.0, 0.99999, 0.99998]), [1.0, 1.0, 0.5]);
        let absolute = half.with_threshold(0.25, ThresholdKind::Absolute);
        assert_eq!(rates(absolute, &[1.0, 0.8, 0.76, 0.74]), [1.0, 1.0, 0.5, 0.5]);
        assert_eq!(rates(half.with_cooldown(2), &[1.0; 8]), [1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]);
        assert_eq!(rates(half.with_minimum(0.4), &[1.0; 6]), [1.0, 1.0, 0.5, 0.5, 0.4, 0.4]);
        let highest = half.with_aim(Aim::Highest);
        assert_eq!(rates(highest, &[0.5, 0.6, 0.6, 0.6]), [1.0, 1.0, 1.0, 0.5]);
        assert_eq!(rates(half, &[f64::NAN, f64::NAN, 1.0]), [1.0, 0.5, 0.5]);
    }

    #[test]
    fn plateaus_that_are_none_are_refused() {
        assert!(Plateau::new().check().is_ok());
        for other in [
            Plateau::new().with_factor(1.0),
            Plateau::new().with_factor(f64::NAN),
            Plateau::new().with_minimum(-1.0),
            Plateau::new().with_threshold(f64::INFINITY, ThresholdKind::Relative),
        ] {
            assert!(other.check().is_err(), "{other:?}");
        }
    }
}
