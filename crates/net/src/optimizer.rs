//! Optimizers: how parameters follow their gradients, by PyTorch's definitions and defaults.

mod state;

use std::fmt;

use nxm_kernels::simd::Scalar;
use nxm_kernels::{Decay, Element, Rule, Simd};

use crate::check::check_learning_rate;
use crate::error::NetError;

pub use state::{LayerState, OptimizerState};

/// How parameters w follow their gradients g.
///
/// ```
/// use nxm_net::{Optimizer, Sgd};
/// let plain = Optimizer::sgd(0.1);
/// let momentum = Optimizer::Sgd(Sgd { learning_rate: 0.1, momentum: 0.9, ..Sgd::default() });
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
#[derive(Clone, Copy, Debug, PartialEq)]
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

/// Adam (Kingma and Ba 2015): g ← g + λ·w; m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
/// in step t, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
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

/// AdamW (Loshchilov and Hutter 2019): w ← w·(1 − η·λ), then [`Adam`] without λ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
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

impl Default for Sgd {
    /// η = 0.001, all else 0.
    fn default() -> Self {
        Sgd { learning_rate: 1e-3, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl Default for Adam {
    /// η = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = 0.
    fn default() -> Self {
        Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Default for AdamW {
    /// η = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 1e-8, λ = 0.01.
    fn default() -> Self {
        AdamW { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 1e-2 }
    }
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
        Optimizer::Sgd(Sgd { learning_rate, ..Sgd::default() })
    }
    /// Adam with its defaults.
    pub fn adam(learning_rate: f64) -> Optimizer {
        Optimizer::Adam(Adam { learning_rate, ..Adam::default() })
    }
    /// AdamW with its defaults.
    pub fn adamw(learning_rate: f64) -> Optimizer {
        Optimizer::AdamW(AdamW { learning_rate, ..AdamW::default() })
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
            Optimizer::Sgd(sgd) if is_zero(sgd.momentum) => &[],
            Optimizer::Sgd(_) => &["momentum"],
            Optimizer::Adam(_) | Optimizer::AdamW(_) => &["first_moment", "second_moment"],
        }
    }

    /// The rule of step `step`, counted from 1, at a learning rate that a schedule may have changed. Its constants are computed in
    /// f64 and rounded to `T`.
    ///
    /// That takes: for each constant 1 conversion, if `T` is f32 (Sgd η; Momentum and Nesterov η and μ; Dampened η, μ and 1 − τ; Adam
    /// six; one more for a decay); 1 addition for 1 − τ after the first step; for Adam 4 additions, 2 divisions, 1 sqrt and the two
    /// powers, each of as many multiplications as t has binary digits and ones, less 2; for AdamW's decay 1 addition and 1 mul. No
    /// comparison: what is 0 is seen by its bits.
    pub fn rule<T: Element>(&self, learning_rate: f64, step: u64) -> Rule<T> {
        let t = rounded::<T>;
        match *self {
            Optimizer::Sgd(Sgd { momentum, dampening, nesterov, weight_decay, .. }) => {
                let (learning_rate, decay) = (t(learning_rate), l2(weight_decay));
                if is_zero(momentum) {
                    Rule::Sgd { learning_rate, decay }
                } else if nesterov {
                    Rule::Nesterov { learning_rate, momentum: t(momentum), decay }
                } else if is_zero(dampening) {
                    Rule::Momentum { learning_rate, momentum: t(momentum), decay }
                } else {
                    // In the first step v becomes g.
                    let keep = if step <= 1 { T::ONE } else { t(f64s().sub(1.0, dampening)) };
                    Rule::Dampened { learning_rate, momentum: t(momentum), keep, decay }
                }
            }
            Optimizer::Adam(adam) => adam_rule(adam, learning_rate, step, l2(adam.weight_decay)),
            Optimizer::AdamW(AdamW { beta1, beta2, epsilon, weight_decay, .. }) => {
                let decay = match is_zero(weight_decay) {
                    true => Decay::None,
                    false => Decay::Decoupled(t(f64s().sub(1.0, f64s().mul(learning_rate, weight_decay)))),
                };
                let adam = Adam { learning_rate, beta1, beta2, epsilon, weight_decay };
                adam_rule(adam, learning_rate, step, decay)
            }
        }
    }

    /// Its options must be in their ranges, and finite in `T`.
    pub(crate) fn check<T: Element>(&self) -> Result<(), NetError> {
        let learning_rate = self.learning_rate();
        check_learning_rate(T::from_f64(learning_rate))
            .map_err(|_| NetError::LearningRate { learning_rate, element: T::NAME })?;
        let betas = |adam: &Adam| {
            below_one("beta1", adam.beta1)?;
            below_one("beta2", adam.beta2)?;
            not_negative::<T>("epsilon", adam.epsilon)?;
            not_negative::<T>("weight decay", adam.weight_decay)
        };
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
            Optimizer::Adam(ref adam) => betas(adam),
            Optimizer::AdamW(AdamW { learning_rate, beta1, beta2, epsilon, weight_decay }) => {
                betas(&Adam { learning_rate, beta1, beta2, epsilon, weight_decay })
            }
        }
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

// The constants are few, but an audit counts them too: they go through the token, whose operations are executed one by one and where the
// source says, not where a compiler would rather have them.

/// The token of single f64.
#[inline(always)]
fn f64s() -> impl Simd<f64, Vector = f64> {
    Scalar
}

/// `x` in `T`.
#[inline(always)]
fn rounded<T: Element>(x: f64) -> T {
    std::hint::black_box(T::from_f64(x))
}

/// Whether `x` is +0 or −0, by its bits: of which the compiler must not know that they are a number's, or it makes a comparison of them.
#[inline(always)]
fn is_zero(x: f64) -> bool {
    std::hint::black_box(x.to_bits()) << 1 == 0
}

fn l2<T: Element>(weight_decay: f64) -> Decay<T> {
    if is_zero(weight_decay) { Decay::None } else { Decay::L2(rounded(weight_decay)) }
}

fn adam_rule<T: Element>(adam: Adam, learning_rate: f64, step: u64, decay: Decay<T>) -> Rule<T> {
    let t = rounded::<T>;
    let step = step.max(1);
    let rest = |base| f64s().sub(1.0, power(base, step));
    Rule::Adam {
        step_size: t(f64s().div(learning_rate, rest(adam.beta1))),
        one_minus_beta1: t(f64s().sub(1.0, adam.beta1)),
        beta2: t(adam.beta2),
        one_minus_beta2: t(f64s().sub(1.0, adam.beta2)),
        correction: t(f64s().div(1.0, f64s().sqrt(rest(adam.beta2)))),
        epsilon: t(adam.epsilon),
        decay,
    }
}

/// baseⁿ by squaring: multiplications alone, so the same bits on every machine, which a library's power need not give. There are as
/// many as n has binary digits and ones, less 2.
pub(crate) fn power(mut base: f64, mut n: u64) -> f64 {
    let mut product = None;
    while n > 0 {
        if n & 1 == 1 {
            product = Some(product.map_or(base, |product| f64s().mul(product, base)));
        }
        n >>= 1;
        if n > 0 {
            base = f64s().mul(base, base);
        }
    }
    product.unwrap_or(1.0)
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

#[cfg(test)]
mod tests {
    use super::power;

    #[test]
    fn powers_are_those_of_repeated_multiplication() {
        assert_eq!((power(0.9, 0), power(0.9, 1), power(0.5, 10)), (1.0, 0.9, 1.0 / 1024.0));
        for n in [2u64, 3, 7, 50, 1000] {
            let repeated = (0..n).fold(1.0, |product, _| product * 0.999f64);
            // n roundings of half a unit each, here and there.
            assert!((power(0.999, n) / repeated - 1.0).abs() < n as f64 * f64::EPSILON, "{n}");
        }
        assert_eq!(power(0.999, u64::MAX), 0.0);
    }
}
