//! Learning-rate schedules: η as a function of the step, by PyTorch's definitions, stepped once after every update.
//!
//! Computed in f64, outside of the kernels, in single operations that have a formula of their own (docs/counting.md). The cosine and the power
//! of a polynomial are the standard library's, whose last bit may differ between operating systems; all else is the same everywhere.

mod plateau;

use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

use nxm_kernels::UnknownName;
use nxm_kernels::beside::{add, div, is_zero, mul, power, sub, whole};

use crate::error::NetError;

pub use plateau::{Aim, Plateau, PlateauState, ThresholdKind};

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
    /// η₀·γ^step (`ExponentialLR`).
    Exponential {
        /// γ, at least 0.
        factor: f64,
    },
    /// η₀·(1 − step/steps)^power, which stays at 0 from step `steps` on (`PolynomialLR`).
    Polynomial {
        /// Steps from η₀ to 0, at least 1.
        steps: u64,
        /// The power, at least 0.
        power: f64,
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
    /// Up from η₀/`start_divisor` to η₀, then down to η₀/`start_divisor`/`end_divisor`, where it stays (`OneCycleLR` of two phases, whose
    /// `max_lr` is η₀). With T = `steps` and r = `rise`, η is largest at step r·T − 1 and smallest at step T − 1. The momentum is not cycled:
    /// this is `cycle_momentum=False`.
    OneCycle {
        /// T, at least 1.
        steps: u64,
        /// r, from 0 to 1: the share of the steps that go up. PyTorch's default is 0.3.
        rise: f64,
        /// How many times larger η₀ is than η of step 0, above 0. PyTorch's default is 25.
        start_divisor: f64,
        /// How many times larger η of step 0 is than the last η, above 0. PyTorch's default is 10,000.
        end_divisor: f64,
        /// The shape of both phases. PyTorch's default is the cosine.
        shape: PhaseShape,
    },
    /// η₀ until a metric stops getting better, then less: [`Plateau`].
    Plateau(Plateau),
    /// A warm-up in even steps from `start`·η₀ to η₀, and from step `steps` on another schedule, which begins with its step 0 then
    /// (`SequentialLR` of a `LinearLR` and another one).
    WarmUp {
        /// Steps of the warm-up, at least 1.
        steps: u64,
        /// The factor of step 0, at least 0.
        start: f64,
        /// What follows: any schedule but another warm-up.
        then: Box<LearningRateSchedule>,
    },
}

/// How a phase of [`LearningRateSchedule::OneCycle`] goes from its first learning rate to its last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PhaseShape {
    /// By half a cosine wave.
    #[default]
    Cosine,
    /// In even steps.
    Linear,
}

impl PhaseShape {
    /// All of them.
    pub const ALL: [PhaseShape; 2] = [PhaseShape::Cosine, PhaseShape::Linear];

    /// Its name: "cosine" or "linear".
    pub fn name(self) -> &'static str {
        match self {
            PhaseShape::Cosine => "cosine",
            PhaseShape::Linear => "linear",
        }
    }
}

impl fmt::Display for PhaseShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for PhaseShape {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<PhaseShape, UnknownName> {
        UnknownName::find("shape of a phase", name, &PhaseShape::ALL, |shape| shape.name())
    }
}

impl From<Plateau> for LearningRateSchedule {
    fn from(plateau: Plateau) -> LearningRateSchedule {
        LearningRateSchedule::Plateau(plateau)
    }
}

impl LearningRateSchedule {
    /// Names of all schedules.
    pub const NAMES: [&'static str; 11] = [
        "constant",
        "step",
        "milestones",
        "exponential",
        "polynomial",
        "linear",
        "cosine",
        "cosine_restarts",
        "one_cycle",
        "plateau",
        "warm_up",
    ];

    /// This schedule after a warm-up of so many steps, at least 1, that begins at `start`·η₀.
    #[must_use]
    pub fn after_warm_up(self, steps: u64, start: f64) -> LearningRateSchedule {
        LearningRateSchedule::WarmUp { steps, start, then: Box::new(self) }
    }

    /// Its name, one of [`NAMES`](Self::NAMES).
    pub fn name(&self) -> &'static str {
        match self {
            LearningRateSchedule::Constant => "constant",
            LearningRateSchedule::Step { .. } => "step",
            LearningRateSchedule::Milestones { .. } => "milestones",
            LearningRateSchedule::Exponential { .. } => "exponential",
            LearningRateSchedule::Polynomial { .. } => "polynomial",
            LearningRateSchedule::Linear { .. } => "linear",
            LearningRateSchedule::Cosine { .. } => "cosine",
            LearningRateSchedule::CosineRestarts { .. } => "cosine_restarts",
            LearningRateSchedule::OneCycle { .. } => "one_cycle",
            LearningRateSchedule::Plateau(_) => "plateau",
            LearningRateSchedule::WarmUp { .. } => "warm_up",
        }
    }

    /// Its plateau, which may follow a warm-up.
    pub(crate) fn plateau(&self) -> Option<&Plateau> {
        match self {
            LearningRateSchedule::Plateau(plateau) => Some(plateau),
            LearningRateSchedule::WarmUp { then, .. } => then.plateau(),
            _ => None,
        }
    }

    /// η of step `step`, counted from 0, where η₀ is `base`. A plateau's η₀ is what it has become: [`PlateauState::learning_rate`].
    ///
    /// What it costs is a function of the schedule and the step: `schedule_operations` of `nxm-count` has the table.
    pub fn learning_rate(&self, base: f64, step: u64) -> f64 {
        match self {
            LearningRateSchedule::Constant | LearningRateSchedule::Plateau(_) => base,
            LearningRateSchedule::Step { every, factor } => mul(base, power(*factor, step / every)),
            LearningRateSchedule::Milestones { at, factor } => {
                let passed = at.iter().filter(|milestone| **milestone <= step).count();
                mul(base, power(*factor, passed as u64))
            }
            LearningRateSchedule::Exponential { factor } => mul(base, power(*factor, step)),
            LearningRateSchedule::Polynomial { steps, power } => {
                let rest = sub(1.0, div(whole(step.min(*steps)), whole(*steps)));
                // The first power needs no function, whose operations nobody counts.
                mul(base, if power.to_bits() == 1f64.to_bits() { rest } else { rest.powf(*power) })
            }
            LearningRateSchedule::Linear { start, end, steps } => line(base, [*start, *end], step, *steps),
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
            LearningRateSchedule::OneCycle { steps, rise, start_divisor, end_divisor, shape } => {
                let (step, steps) = (whole(step.min(steps.saturating_sub(1))), whole(*steps));
                let top = sub(mul(*rise, steps), 1.0);
                let start = div(base, *start_divisor);
                if black_box(step) <= black_box(top) {
                    // A rise that ends with its first step has no length to divide by.
                    return phase(*shape, [start, base], if is_zero(top) { 1.0 } else { div(step, top) });
                }
                let share = div(sub(step, top), sub(sub(steps, 1.0), top));
                phase(*shape, [base, div(start, *end_divisor)], share)
            }
            LearningRateSchedule::WarmUp { steps, start, then } => match step.checked_sub(*steps) {
                Some(step) => then.learning_rate(base, step),
                None => line(base, [*start, 1.0], step, *steps),
            },
        }
    }

    /// Its options must be in their ranges.
    pub(crate) fn check(&self) -> Result<(), NetError> {
        let at_least_one = |name, value: u64| {
            let error = NetError::Setting { name, value: value as f64, expected: "a whole number, at least 1" };
            if value >= 1 { Ok(()) } else { Err(error) }
        };
        let above_zero = |name, value: f64| {
            let error = NetError::Setting { name, value, expected: "a finite number above 0" };
            if value > 0.0 && value.is_finite() { Ok(()) } else { Err(error) }
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
            LearningRateSchedule::Exponential { factor } => not_negative("the schedule's factor", *factor),
            LearningRateSchedule::Polynomial { steps, power } => {
                at_least_one("the schedule's length", *steps)?;
                not_negative("the schedule's power", *power)
            }
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
            LearningRateSchedule::OneCycle { steps, rise, start_divisor, end_divisor, .. } => {
                at_least_one("the schedule's length", *steps)?;
                if !(0.0..=1.0).contains(rise) {
                    let (name, expected) = ("the share of the schedule that rises", "a number from 0 to 1");
                    return Err(NetError::Setting { name, value: *rise, expected });
                }
                above_zero("the schedule's first divisor", *start_divisor)?;
                above_zero("the schedule's last divisor", *end_divisor)
            }
            LearningRateSchedule::Plateau(plateau) => plateau.check(),
            LearningRateSchedule::WarmUp { steps, start, then } => {
                at_least_one("the length of the schedule's warm-up", *steps)?;
                not_negative("the first factor of the schedule's warm-up", *start)?;
                match **then {
                    LearningRateSchedule::WarmUp { .. } => Err(NetError::WarmUps),
                    _ => then.check(),
                }
            }
        }
    }
}

/// `base` times a factor that goes in even steps from one to the other, `step` of `steps`; the last one from then on.
fn line(base: f64, [from, to]: [f64; 2], step: u64, steps: u64) -> f64 {
    let share = div(whole(step.min(steps)), whole(steps));
    mul(base, add(from, mul(sub(to, from), share)))
}

/// What has gone this share of its way from one number to the other.
fn phase(shape: PhaseShape, [from, to]: [f64; 2], share: f64) -> f64 {
    match shape {
        PhaseShape::Linear => add(from, mul(sub(to, from), share)),
        PhaseShape::Cosine => wave(from, to, mul(std::f64::consts::PI, share).cos()),
    }
}

/// Half a cosine wave from `from` to `to`, `step` of `steps`.
fn cosine(from: f64, to: f64, step: u64, steps: u64) -> f64 {
    let cosine = div(mul(std::f64::consts::PI, whole(step)), whole(steps)).cos();
    wave(from, to, cosine)
}

/// What lies between two numbers as a cosine does between 1 and −1.
fn wave(from: f64, to: f64, cosine: f64) -> f64 {
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
        let exponential = LearningRateSchedule::Exponential { factor: 0.5 };
        assert_eq!([0, 1, 3].map(|s| at(&exponential, s)), [2.0, 1.0, 0.25]);
        let polynomial = |power| LearningRateSchedule::Polynomial { steps: 4, power };
        assert_eq!([0, 1, 4, 9].map(|s| at(&polynomial(1.0), s)), [2.0, 1.5, 0.0, 0.0]);
        [(0, 2.0), (2, 0.5), (9, 0.0)].iter().for_each(|(s, expected)| close(at(&polynomial(2.0), *s), *expected));
    }

    #[test]
    fn one_cycle_goes_up_and_down_once() {
        let cycle = |shape| LearningRateSchedule::OneCycle {
            steps: 10,
            rise: 0.5,
            start_divisor: 4.0,
            end_divisor: 2.0,
            shape,
        };
        for shape in PhaseShape::ALL {
            let at = |step| cycle(shape).learning_rate(2.0, step);
            // It begins at 2/4, is largest at step 0.5·10 − 1, ends with step 9 at 2/4/2, and stays there.
            for (step, expected) in [(0, 0.5), (2, 1.25), (4, 2.0), (9, 0.25), (99, 0.25)] {
                assert!((at(step) - expected).abs() < 1e-15, "{shape}, step {step}: {} for {expected}", at(step));
            }
            assert!((5..9).all(|step| at(step) > at(step + 1)));
        }
        // Rises without a length.
        for (rise, steps) in [(0.0, 10), (0.5, 2), (1.0, 10), (1.0, 1)] {
            let (start_divisor, end_divisor, shape) = (4.0, 2.0, PhaseShape::Linear);
            let cycle = LearningRateSchedule::OneCycle { steps, rise, start_divisor, end_divisor, shape };
            assert!((0..12).all(|step| (0.25..=2.0).contains(&cycle.learning_rate(2.0, step))), "{cycle:?}");
        }
    }

    #[test]
    fn what_follows_a_warm_up_begins_behind_it() {
        let then = LearningRateSchedule::Step { every: 3, factor: 0.5 };
        let chained = then.clone().after_warm_up(4, 0.5);
        assert_eq!([0, 2, 3].map(|step| chained.learning_rate(2.0, step)), [1.0, 1.5, 1.75]);
        assert!((4..20).all(|step| chained.learning_rate(2.0, step) == then.learning_rate(2.0, step - 4)));
        assert!(chained.check().is_ok());
    }

    #[test]
    fn schedules_that_are_none_are_refused() {
        assert!(LearningRateSchedule::Step { every: 0, factor: 0.5 }.check().is_err());
        assert!(LearningRateSchedule::Milestones { at: vec![1], factor: -0.5 }.check().is_err());
        assert!(LearningRateSchedule::Linear { start: f64::NAN, end: 1.0, steps: 2 }.check().is_err());
        assert!(LearningRateSchedule::Cosine { steps: 4, minimum: f64::INFINITY }.check().is_err());
        assert!(LearningRateSchedule::CosineRestarts { steps: 1, longer: 0, minimum: 0.0 }.check().is_err());
        assert!(LearningRateSchedule::CosineRestarts { steps: 1, longer: 1, minimum: 0.0 }.check().is_ok());
        assert!(LearningRateSchedule::Exponential { factor: f64::NAN }.check().is_err());
        assert!(LearningRateSchedule::Polynomial { steps: 0, power: 1.0 }.check().is_err());
        assert!(LearningRateSchedule::Polynomial { steps: 1, power: -1.0 }.check().is_err());
        let cycle = |steps, rise, start_divisor, end_divisor| {
            let shape = PhaseShape::Cosine;
            LearningRateSchedule::OneCycle { steps, rise, start_divisor, end_divisor, shape }.check()
        };
        assert!(cycle(9, 0.3, 25.0, 1e4).is_ok());
        // Without an end it can't be known when to turn.
        let no_end =
            NetError::Setting { name: "the schedule's length", value: 0.0, expected: "a whole number, at least 1" };
        assert_eq!(cycle(0, 0.3, 25.0, 1e4), Err(no_end));
        assert!(
            [(1.5, 25.0, 1e4), (0.3, 0.0, 1e4), (0.3, 25.0, f64::INFINITY)]
                .iter()
                .all(|c| cycle(9, c.0, c.1, c.2).is_err())
        );
        let constant = LearningRateSchedule::Constant;
        assert!(constant.clone().after_warm_up(0, 0.5).check().is_err());
        assert!(constant.clone().after_warm_up(1, -0.5).check().is_err());
        assert!(LearningRateSchedule::Exponential { factor: -1.0 }.after_warm_up(1, 0.5).check().is_err());
        assert_eq!(constant.after_warm_up(1, 0.5).after_warm_up(1, 0.5).check(), Err(NetError::WarmUps));
    }
}
