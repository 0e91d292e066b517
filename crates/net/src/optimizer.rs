//! Optimizers: how parameters follow their gradients, by PyTorch's definitions and defaults.

mod range;
mod rules;
mod settings;
mod state;

use std::fmt;
use std::str::FromStr;

use nxm_kernels::beside::is_zero;
use nxm_kernels::{Element, UnknownName};

use crate::check::check_learning_rate;
use crate::error::NetError;

pub use settings::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Lbfgs, Lion, Muon, NAdam, Optimizer, RAdam, RmsProp, Rprop, Sgd,
};
pub(crate) use state::Rules;
pub use state::{LayerState, OptimizerState};

impl Default for Optimizer {
    /// [`Sgd::default`].
    fn default() -> Self {
        Optimizer::Sgd(Sgd::default())
    }
}

impl Optimizer {
    /// Plain gradient descent.
    pub fn sgd(learning_rate: f64) -> Optimizer {
        Sgd::new(learning_rate).into()
    }
    /// Adam with its defaults.
    pub fn adam(learning_rate: f64) -> Optimizer {
        Adam::new(learning_rate).into()
    }
    /// AdamW with its defaults.
    pub fn adamw(learning_rate: f64) -> Optimizer {
        AdamW::new(learning_rate).into()
    }

    /// Whether its steps are for batches of all examples, in one order. A step of such an optimizer may compute gradients at several points.
    pub fn is_full_batch(&self) -> bool {
        matches!(self, Optimizer::Lbfgs(_))
    }

    /// What it keeps for each parameter from step to step, such as nothing, `["momentum"]` or `["first_moment", "second_moment"]`.
    pub fn state_names(&self) -> &'static [&'static str] {
        match self {
            // By the bits: a step asks when it makes its program, and compares no numbers then.
            Optimizer::Sgd(sgd) if is_zero(sgd.momentum) => &[],
            Optimizer::Sgd(_) | Optimizer::Lion(_) => &["momentum"],
            Optimizer::Adam(Adam { amsgrad: true, .. }) | Optimizer::AdamW(AdamW { amsgrad: true, .. }) => {
                &["first_moment", "second_moment", "largest_second_moment"]
            }
            Optimizer::Adam(_) | Optimizer::AdamW(_) | Optimizer::NAdam(_) | Optimizer::RAdam(_) => {
                &["first_moment", "second_moment"]
            }
            Optimizer::RmsProp(RmsProp { centred, momentum, .. }) => match (centred, is_zero(*momentum)) {
                (false, true) => &["mean_square"],
                (false, false) => &["mean_square", "momentum"],
                (true, true) => &["mean_square", "mean_gradient"],
                (true, false) => &["mean_square", "mean_gradient", "momentum"],
            },
            Optimizer::Adagrad(_) => &["sum_of_squares"],
            Optimizer::Adadelta(_) => &["mean_square", "mean_square_step"],
            Optimizer::Adamax(_) => &["first_moment", "largest_gradient"],
            Optimizer::Rprop(_) => &["gradient", "step_size"],
            // Of dense weights the momentum alone. Biases and norms follow AdamW, whose first moment goes by that name.
            Optimizer::Muon(_) => &["momentum", "second_moment"],
            // Vectors of all parameters: LbfgsState.
            Optimizer::Lbfgs(_) => &[],
        }
    }

    /// Whether it keeps the number of this index for the weights of dense layers: Muon keeps fewer for them than for all else.
    pub(crate) fn keeps_of_weights(&self, number: usize) -> bool {
        number < if self.muon().is_some() { 1 } else { self.state_names().len() }
    }

    /// The settings of Muon, if it is Muon.
    pub(crate) fn muon(&self) -> Option<Muon> {
        if let Optimizer::Muon(muon) = self { Some(*muon) } else { None }
    }

    /// What the state of this number begins with.
    fn initial_state(&self, number: usize) -> f64 {
        match (self, number) {
            (Optimizer::Adagrad(adagrad), _) => adagrad.initial_sum,
            (Optimizer::Rprop(rprop), 1) => rprop.learning_rate,
            _ => 0.0,
        }
    }

    /// Whether a step may update by it while it computes a gradient. The others store all gradients first.
    pub(crate) fn is_fused(&self) -> bool {
        match self {
            Optimizer::Sgd(_) | Optimizer::RAdam(_) => true,
            Optimizer::Adam(Adam { amsgrad, .. }) | Optimizer::AdamW(AdamW { amsgrad, .. }) => !amsgrad,
            Optimizer::RmsProp(_) | Optimizer::Adagrad(_) | Optimizer::Adadelta(_) | Optimizer::Adamax(_) => false,
            Optimizer::NAdam(_) | Optimizer::Lion(_) | Optimizer::Rprop(_) => false,
            Optimizer::Lbfgs(_) | Optimizer::Muon(_) => false,
        }
    }

    /// Its options must be in their ranges, and finite in `T`.
    pub(crate) fn check<T: Element>(&self) -> Result<(), NetError> {
        let learning_rate = self.learning_rate();
        check_learning_rate(T::from_f64(learning_rate))
            .map_err(|_| NetError::LearningRate { learning_rate, element: T::NAME })?;
        self.check_ranges::<T>()?;
        match *self {
            Optimizer::Sgd(Sgd { momentum, nesterov: true, .. }) if momentum == 0.0 => {
                let expected = "a number above 0, for Nesterov's momentum";
                Err(NetError::Setting { name: "momentum", value: momentum, expected })
            }
            Optimizer::Sgd(Sgd { dampening, nesterov: true, .. }) if dampening != 0.0 => {
                let expected = "0, for Nesterov's momentum";
                Err(NetError::Setting { name: "dampening", value: dampening, expected })
            }
            Optimizer::Rprop(Rprop { least_step, largest_step, .. }) if least_step > largest_step => {
                let (name, expected) = ("the smallest step size", "a number of at most the largest step size");
                Err(NetError::Setting { name, value: least_step, expected })
            }
            Optimizer::Muon(Muon { iterations, .. }) if iterations > MOST_ITERATIONS => {
                let (name, expected) = ("the number of Newton–Schulz iterations", "a whole number from 1 to 99");
                Err(NetError::Setting { name, value: iterations as f64, expected })
            }
            _ => Ok(()),
        }
    }
}

/// Newton–Schulz iterations of a step of Muon at most, as in PyTorch.
const MOST_ITERATIONS: usize = 99;

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Optimizer {
    type Err = UnknownName;

    /// The optimizer of this name with its defaults.
    fn from_str(name: &str) -> Result<Optimizer, UnknownName> {
        UnknownName::find("optimizer", name, &Optimizer::all(), Optimizer::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        for optimizer in Optimizer::all() {
            let mut other: Optimizer = optimizer.name().parse().unwrap();
            assert_eq!(other, optimizer);
            for (name, value) in optimizer.settings() {
                let changed = match value.as_str() {
                    "false" => "true",
                    "true" => "false",
                    // Where a setting is a whole number, this one is none.
                    _ if other.set(name, "0.25").is_ok() => "0.25",
                    _ => "7",
                };
                other.set(name, changed).unwrap();
                assert_ne!(other, optimizer, "{optimizer}: {name}");
                other.set(name, &value).unwrap();
                assert_eq!(other, optimizer, "{optimizer}: {name}");
                let error = other.set(name, "x").unwrap_err();
                assert!(matches!(error, NetError::SettingText { .. }), "{error}");
            }
            other.set("learning_rate", "0.5").unwrap();
            assert_eq!(other.learning_rate(), 0.5);
            let error = other.set("speed", "1").unwrap_err();
            assert!(error.to_string().contains("learning_rate"), "{error}");
            assert_eq!(optimizer.check::<f32>(), Ok(()));
            // The last rule of Muon's weights keeps nothing; that of its biases does.
            let rules = optimizer.muon().map_or(optimizer, |_| optimizer.of_biases().unwrap());
            assert_eq!(rules.rule::<f32>(0.1, 1).state(), optimizer.state_names().len(), "{optimizer}");
            // L-BFGS follows no rule, Muon that of the directions; both need gradients in memory.
            let has_rule = !optimizer.is_full_batch() && optimizer.muon().is_none();
            let is_fused = optimizer.rule::<f32>(0.1, 1).is_fused() && has_rule;
            assert_eq!(is_fused, optimizer.is_fused(), "{optimizer}");
        }
        assert!("sgdx".parse::<Optimizer>().is_err());
    }
}
