//! Learning-rate schedules: η as a function of the step, by PyTorch's definitions, stepped once after every update.
//!
//! Computed in f64, outside of the kernels, in single operations that have a formula of their own (docs/counting.md). The cosine is the
//! standard library's, whose last bit may differ between operating systems; all else is the same everywhere.

use nxm_kernels::beside::{add, div, mul, power, sub, whole};

use crate::error::NetError;

/// How the learning rate changes from step to step. η₀ is the optimizer's own; steps count from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LearningRateSchedule {
    /// η₀.
    #[default]
    Constant,
    /// η₀·γ^⌊step/every⌋ (`StepLR`).
    Step {
        /// Steps between two changes, at least 1.
        every: u64,
        /// γ, at least 0.
        factor: f64,
    },
    /// η₀·γⁿ, where n milestones are at or before the step (`MultiStepLR`).
    Milestones {
        /// Steps at which it changes; in any order.
        at: Vec<u64>,
        /// γ, at least 0.
        factor: f64,
    },
    /// η₀ times a factor that goes from `start` to `end` in even steps and stays there: a warm-up (`LinearLR`).
    Linear {
        /// The factor of step 0, above 0.
        start: f64,
        /// The factor of step `steps` and later, at least 0.
        end: f64,
        /// How many steps that takes, at least 1.
        steps: u64,
    },
    /// η₁ + (η₀ − η₁)·(1 + cos(π·step/steps))/2, which stays at η₁ from step `steps` on.
    Cosine {
        /// Steps from η₀ to η₁, at least 1.
        steps: u64,
        /// η₁, at least 0.
        minimum: f64,
    },
    /// The cosine of [`Cosine`](Self::Cosine) over and over, each round `longer` times as long as the one before
    /// (`CosineAnnealingWarmRestarts`).
    CosineRestarts {
        /// Steps of the first round, at least 1.
        steps: u64,
        /// How much longer each round is than the one before, at least 1.
        longer: u64,
        /// η₁, at least 0.
        minimum: f64,
    },
}

impl LearningRateSchedule {
    /// Its name: "constant", "step", "milestones", "linear", "cosine" or "cosine_restarts".
    pub fn name(&self) -> &'static str {
        match self {
            LearningRateSchedule::Constant => "constant",
            LearningRateSchedule::Step { .. } => "step",
            LearningRateSchedule::Milestones { .. } => "milestones",
            LearningRateSchedule::Linear { .. } => "linear",
            LearningRateSchedule::Cosine { .. } => "cosine",
            LearningRateSchedule::CosineRestarts { .. } => "cosine_restarts",
        }
    }

    /// η of step `step`, counted from 0, where η₀ is `base`.
    ///
    /// Costs nothing for a constant; 1 mul and [`power`] for steps and milestones; 2 additions, 2 mul, 1 div and 2 conversions for a line;
    /// 3 additions, 3 mul, 1 div, 2 conversions and a cosine of the standard library for cosines.
    pub fn learning_rate(&self, base: f64, step: u64) -> f64 {
        match self {
            LearningRateSchedule::Constant => base,
            LearningRateSchedule::Step { every, factor } => mul(base, power(*factor, step / every)),
            LearningRateSchedule::Milestones { at, factor } => {
                let passed = at.iter().filter(|milestone| **milestone <= step).count();
                mul(base, power(*factor, passed as u64))
            }
            LearningRateSchedule::Linear { start, end, steps } => {
                let share = div(whole(step.min(*steps)), whole(*steps));
                mul(base, add(*start, mul(sub(*end, *start), share)))
            }
            LearningRateSchedule::Cosine { steps, minimum } => cosine(base, *minimum, step.min(*steps), *steps),
            LearningRateSchedule::CosineRestarts { steps, longer, minimum } => {
                let (mut step, mut steps) = (step, *steps);
                if *longer == 1 {
                    step %= steps;
                }
                while step >= steps {
                    step -= steps;
                    steps = steps.saturating_mul(*longer);
                }
                cosine(base, *minimum, step, steps)
            }
        }
    }

    /// Its options must be in their ranges.
    pub(crate) fn check(&self) -> Result<(), NetError> {
        let at_least_one = |name, value: u64| {
            let error = NetError::Setting { name, value: value as f64, expected: "a whole number, at least 1" };
            if value >= 1 { Ok(()) } else { Err(error) }
        };
        let not_negative = |name, value: f64| {
            let error = NetError::Setting { name, value, expected: "a finite number, at least 0" };
            if value >= 0.0 && value.is_finite() { Ok(()) } else { Err(error) }
        };
        match self {
            LearningRateSchedule::Constant => Ok(()),
            LearningRateSchedule::Step { every, factor } => {
                at_least_one("the schedule's interval", *every)?;
                not_negative("the schedule's factor", *factor)
            }
            LearningRateSchedule::Milestones { factor, .. } => not_negative("the schedule's factor", *factor),
            LearningRateSchedule::Linear { start, end, steps } => {
                at_least_one("the schedule's length", *steps)?;
                not_negative("the schedule's first factor", *start)?;
                not_negative("the schedule's last factor", *end)
            }
            LearningRateSchedule::Cosine { steps, minimum } => {
                at_least_one("the schedule's length", *steps)?;
                not_negative("the schedule's smallest learning rate", *minimum)
            }
            LearningRateSchedule::CosineRestarts { steps, longer, minimum } => {
                at_least_one("the schedule's first round", *steps)?;
                at_least_one("the growth of the schedule's rounds", *longer)?;
                not_negative("the schedule's smallest learning rate", *minimum)
            }
        }
    }
}

/// Half a cosine wave from `from` to `to`, `step` of `steps`.
fn cosine(from: f64, to: f64, step: u64, steps: u64) -> f64 {
    let cosine = div(mul(std::f64::consts::PI, whole(step)), whole(steps)).cos();
    add(to, mul(mul(sub(from, to), add(1.0, cosine)), 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_their_formulas() {
        let at = |schedule: &LearningRateSchedule, step| schedule.learning_rate(2.0, step);
        let step = LearningRateSchedule::Step { every: 3, factor: 0.5 };
        assert_eq!([0, 2, 3, 6].map(|s| at(&step, s)), [2.0, 2.0, 1.0, 0.5]);
        let milestones = LearningRateSchedule::Milestones { at: vec![5, 2], factor: 0.5 };
        assert_eq!([1, 2, 4, 5].map(|s| at(&milestones, s)), [2.0, 1.0, 1.0, 0.5]);
        let linear = LearningRateSchedule::Linear { start: 0.5, end: 1.0, steps: 2 };
        assert_eq!([0, 1, 2, 9].map(|s| at(&linear, s)), [1.0, 1.5, 2.0, 2.0]);
        let close = |given: f64, expected: f64| assert!((given - expected).abs() < 1e-15, "{given} for {expected}");
        let wave = LearningRateSchedule::Cosine { steps: 4, minimum: 1.0 };
        [(0, 2.0), (2, 1.5), (4, 1.0), (9, 1.0)].iter().for_each(|(s, expected)| close(at(&wave, *s), *expected));
        let restarts = LearningRateSchedule::CosineRestarts { steps: 2, longer: 2, minimum: 0.0 };
        // Rounds of 2, 4, 8: they begin at 0, 2, 6.
        [(0, 2.0), (1, 1.0), (2, 2.0), (4, 1.0), (6, 2.0), (10, 1.0)]
            .iter()
            .for_each(|(s, e)| close(at(&restarts, *s), *e));
        let even = LearningRateSchedule::CosineRestarts { steps: 2, longer: 1, minimum: 0.0 };
        close(at(&even, u64::MAX), 1.0);
        assert_eq!(at(&LearningRateSchedule::default(), 7), 2.0);
    }

    #[test]
    fn schedules_that_are_none_are_refused() {
        assert!(LearningRateSchedule::Step { every: 0, factor: 0.5 }.check().is_err());
        assert!(LearningRateSchedule::Milestones { at: vec![1], factor: -0.5 }.check().is_err());
        assert!(LearningRateSchedule::Linear { start: f64::NAN, end: 1.0, steps: 2 }.check().is_err());
        assert!(LearningRateSchedule::Cosine { steps: 4, minimum: f64::INFINITY }.check().is_err());
        assert!(LearningRateSchedule::CosineRestarts { steps: 1, longer: 0, minimum: 0.0 }.check().is_err());
        assert!(LearningRateSchedule::CosineRestarts { steps: 1, longer: 1, minimum: 0.0 }.check().is_ok());
    }
}
