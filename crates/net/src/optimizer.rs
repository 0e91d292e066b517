//! Optimizers: how parameters follow their gradients, by PyTorch's definitions and defaults.

mod state;

use std::fmt;

use nxm_kernels::{Element, Rule};

use crate::check::check_learning_rate;
use crate::error::NetError;

pub use state::{LayerState, OptimizerState};

/// How parameters w follow their gradients g.
///
/// ```
/// use nxm_net::{Optimizer, Sgd};
/// let plain = Optimizer::sgd(0.1);
/// let momentum = Optimizer::from(Sgd::new(0.1).with_momentum(0.9));
/// assert_eq!((plain.state_names().len(), momentum.state_names()), (0, &["momentum"][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adam, with weight decay (if any) added to the gradient.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
}

/// Gradient descent: g ← g + λ·w; v ← μ·v + (1 − τ)·g, in the first step v ← g; w ← w − η·v, or with Nesterov's momentum w ←
/// w − η·(g + μ·v). Without momentum w ← w − η·g.
///
/// Operations per parameter: those of [`Rule`].
///
/// ```
/// use nxm_net::{Sgd, TrainingOptions};
/// let sgd = Sgd::new(0.1).with_momentum(0.9).with_nesterov(true);
/// let options = TrainingOptions::default().with_optimizer(sgd);
/// assert_eq!(options.optimizer.learning_rate(), 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sgd {
    /// η, above 0.
    pub learning_rate: f64,
    /// μ, at least 0; 0 keeps no v.
    pub momentum: f64,
    /// τ.
    pub dampening: f64,
    /// Nesterov's momentum, which needs momentum and no dampening.
    pub nesterov: bool,
    /// λ, at least 0.
    pub weight_decay: f64,
}

impl Default for Sgd {
    /// η = 0.001, all else 0.
    fn default() -> Self {
        Sgd::new(1e-3)
    }
}

impl From<Sgd> for Optimizer {
    fn from(sgd: Sgd) -> Optimizer {
        Optimizer::Sgd(sgd)
    }
}

impl Sgd {
    /// Plain gradient descent at learning rate η, above 0; all else is 0.
    pub const fn new(learning_rate: f64) -> Sgd {
        Sgd { learning_rate, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }
    /// With momentum μ, at least 0.
    #[must_use]
    pub const fn with_momentum(self, momentum: f64) -> Sgd {
        Sgd { momentum, ..self }
    }
    /// With dampening τ: from the second step on, (1 − τ)·g goes into v.
    #[must_use]
    pub const fn with_dampening(self, dampening: f64) -> Sgd {
        Sgd { dampening, ..self }
    }
    /// With Nesterov's momentum or without; it needs momentum above 0 and no dampening.
    #[must_use]
    pub const fn with_nesterov(self, nesterov: bool) -> Sgd {
        Sgd { nesterov, ..self }
    }
    /// With weight decay λ, at least 0: λ·w is added to the gradient.
    #[must_use]
    pub const fn with_weight_decay(self, weight_decay: f64) -> Sgd {
        Sgd { weight_decay, ..self }
    }
}

/// [`Adam`] and [`AdamW`] have the same settings. They differ in what λ does, and in its default.
macro_rules! adam {
    ($(#[$doc:meta])* $name:ident, $decay:literal, $what_decay_does:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            /// η, above 0.
            pub learning_rate: f64,
            /// β₁, at least 0 and below 1.
            pub beta1: f64,
            /// β₂, at least 0 and below 1.
            pub beta2: f64,
            /// ε, at least 0.
            pub epsilon: f64,
            /// λ, at least 0.
            pub weight_decay: f64,
        }

        impl Default for $name {
            #[doc = concat!("η = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = ", $decay, ".")]
            fn default() -> Self {
                $name::new(1e-3)
            }
        }

        impl From<$name> for Optimizer {
            fn from(adam: $name) -> Optimizer {
                Optimizer::$name(adam)
            }
        }

        impl $name {
            #[doc = concat!("Learning rate η, above 0; β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = ", $decay, ".")]
            pub const fn new(learning_rate: f64) -> $name {
                $name { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: $decay as f64 }
            }
            /// With β₁ and β₂, each at least 0 and below 1: how much of m and of v stays from step to step.
            #[must_use]
            pub const fn with_betas(self, beta1: f64, beta2: f64) -> $name {
                $name { beta1, beta2, ..self }
            }
            /// With ε, at least 0: what is added to the denominator.
            #[must_use]
            pub const fn with_epsilon(self, epsilon: f64) -> $name {
                $name { epsilon, ..self }
            }
            #[doc = concat!("With weight decay λ, at least 0: ", $what_decay_does)]
            #[must_use]
            pub const fn with_weight_decay(self, weight_decay: f64) -> $name {
                $name { weight_decay, ..self }
            }
        }
    };
}

adam! {
    /// Adam (Kingma and Ba 2015): g ← g + λ·w; m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
    /// in step t, counted from 1.
    Adam, 0, "λ·w is added to the gradient."
}

adam! {
    /// AdamW (Loshchilov and Hutter 2019): w ← w·(1 − η·λ), then [`Adam`] without λ.
    AdamW, 0.01, "w is multiplied by 1 − η·λ."
}

impl Default for Optimizer {
    /// [`Sgd::default`].
    fn default() -> Self {
        Optimizer::Sgd(Sgd::default())
    }
}

impl Optimizer {
    /// Their names.
    pub const NAMES: [&'static str; 3] = ["sgd", "adam", "adamw"];

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

    /// Its name: "sgd", "adam" or "adamw".
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd(_) => "sgd",
            Optimizer::Adam(_) => "adam",
            Optimizer::AdamW(_) => "adamw",
        }
    }

    /// η, before any schedule.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Optimizer::Sgd(Sgd { learning_rate, .. })
            | Optimizer::Adam(Adam { learning_rate, .. })
            | Optimizer::AdamW(AdamW { learning_rate, .. }) => *learning_rate,
        }
    }

    /// What it keeps for each parameter from step to step: nothing, `["momentum"]` or `["first_moment", "second_moment"]`.
    pub fn state_names(&self) -> &'static [&'static str] {
        match self {
            Optimizer::Sgd(sgd) if sgd.momentum == 0.0 => &[],
            Optimizer::Sgd(_) => &["momentum"],
            Optimizer::Adam(_) | Optimizer::AdamW(_) => &["first_moment", "second_moment"],
        }
    }

    /// The rule of step `step`, counted from 1, at a learning rate that a schedule may have changed: [`Rule::momentum`],
    /// [`Rule::nesterov`], [`Rule::adam`] or [`Rule::adamw`], which say what its constants cost.
    pub fn rule<T: Element>(&self, learning_rate: f64, step: u64) -> Rule<T> {
        match *self {
            Optimizer::Sgd(Sgd { momentum, nesterov: true, weight_decay, .. }) => {
                Rule::nesterov(learning_rate, momentum, weight_decay)
            }
            Optimizer::Sgd(Sgd { momentum, dampening, weight_decay, .. }) => {
                Rule::momentum(learning_rate, momentum, dampening, weight_decay, step)
            }
            Optimizer::Adam(Adam { beta1, beta2, epsilon, weight_decay, .. }) => {
                Rule::adam(learning_rate, [beta1, beta2], epsilon, weight_decay, step)
            }
            Optimizer::AdamW(AdamW { beta1, beta2, epsilon, weight_decay, .. }) => {
                Rule::adamw(learning_rate, [beta1, beta2], epsilon, weight_decay, step)
            }
        }
    }

    /// Its options must be in their ranges, and finite in `T`.
    pub(crate) fn check<T: Element>(&self) -> Result<(), NetError> {
        let learning_rate = self.learning_rate();
        check_learning_rate(T::from_f64(learning_rate))
            .map_err(|_| NetError::LearningRate { learning_rate, element: T::NAME })?;
        match *self {
            Optimizer::Sgd(Sgd { momentum, dampening, nesterov, weight_decay, .. }) => {
                not_negative::<T>("momentum", momentum)?;
                not_negative::<T>("weight decay", weight_decay)?;
                if !T::from_f64(dampening).is_finite() {
                    let expected = "a finite number";
                    return Err(NetError::Setting { name: "dampening", value: dampening, expected });
                }
                if nesterov && momentum == 0.0 {
                    let expected = "a number above 0, for Nesterov's momentum";
                    return Err(NetError::Setting { name: "momentum", value: momentum, expected });
                }
                if nesterov && dampening != 0.0 {
                    let expected = "0, for Nesterov's momentum";
                    return Err(NetError::Setting { name: "dampening", value: dampening, expected });
                }
                Ok(())
            }
            Optimizer::Adam(Adam { beta1, beta2, epsilon, weight_decay, .. })
            | Optimizer::AdamW(AdamW { beta1, beta2, epsilon, weight_decay, .. }) => {
                below_one("beta1", beta1)?;
                below_one("beta2", beta2)?;
                not_negative::<T>("epsilon", epsilon)?;
                not_negative::<T>("weight decay", weight_decay)
            }
        }
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn not_negative<T: Element>(name: &'static str, value: f64) -> Result<(), NetError> {
    if value >= 0.0 && T::from_f64(value).is_finite() {
        return Ok(());
    }
    Err(NetError::Setting { name, value, expected: "a finite number, at least 0" })
}

fn below_one(name: &'static str, value: f64) -> Result<(), NetError> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(NetError::Setting { name, value, expected: "a number from 0 to below 1" })
}
