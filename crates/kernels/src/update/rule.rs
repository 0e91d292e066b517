//! The rules as data: their constants, what they keep, and which of them a product may be fused with.

/// How a parameter w follows its gradient g. Everything that changes from step to step only is computed beforehand.
///
/// | rule | formula | per parameter | state |
/// |---|---|---|---|
/// | `Sgd` | w ← w − η·g | 1 fma | none |
/// | `Momentum` | v ← μ·v + g, w ← w − η·v | 2 fma, 1 cmp | v |
/// | `Dampened` | v ← μ·v + (1 − τ)·g, w ← w − η·v | 2 fma, 1 mul, 1 cmp | v |
/// | `Nesterov` | v ← μ·v + g, w ← w − η·(g + μ·v) | 3 fma, 1 cmp | v |
/// | `Adam` | m ← m + (1 − β₁)(g − m), v ← β₂·v + (1 − β₂)·g², w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε) | 4 fma, 2 mul, 1 add, 1 sqrt, 1 div, 2 cmp | m, v |
/// | `AmsGrad` | m and v as `Adam`, v̂ ← max(v̂, v), w ← w·(1 − η·λ) − η/(1 − β₁ᵗ) · m / (√v̂ / √(1 − β₂ᵗ) + ε) | 5 fma, 3 mul, 1 add, 1 sqrt, 1 div, 3 cmp | m, v, v̂ |
/// | `RmsProp` | v ← α·v + (1 − α)·g², w ← w − η·g/(√v + ε) | 3 fma, 2 mul, 1 add, 1 sqrt, 1 div, 1 cmp | v |
/// | … centred | m ← m + (1 − α)(g − m), √(v − m²) in place of √v | 2 fma, 1 add, 2 cmp more | m |
/// | … with momentum | b ← μ·b + g/(√v + ε), w ← w − η·b | 1 fma, 1 cmp more | b |
/// | `Adagrad` | s ← s + g², w ← w − η/(1 + (t − 1)·d)·g/(√s + ε) | 3 fma, 1 add, 1 sqrt, 1 div, 1 cmp | s |
/// | `Adadelta` | v ← ρ·v + (1 − ρ)·g², δ = √(u + ε)/√(v + ε)·g, u ← ρ·u + (1 − ρ)·δ², w ← w − η·δ | 4 fma, 5 mul, 2 add, 2 sqrt, 1 div, 2 cmp | v, u |
/// | `Adamax` | m ← m + (1 − β₁)(g − m), u ← max(β₂·u, \|g\| + ε), w ← w − η/(1 − β₁ᵗ)·m/u | 3 fma, 1 mul, 2 add, 1 div, 2 cmp | m, u |
/// | `NAdam` | m and v as `Adam`, w ← w − (a·g + b·m)/(√v / √(1 − β₂ᵗ) + ε), a = η(1 − μₜ)/(1 − Πμ), b = η·μₜ₊₁/(1 − Πμ·μₜ₊₁) | 5 fma, 3 mul, 2 add, 1 sqrt, 1 div, 2 cmp | m, v |
/// | `Lion` | w ← w·(1 − η·λ) − η·sign(m + (1 − β₁)(g − m)), m ← m + (1 − β₂)(g − m) | 3 fma, 1 mul, 1 add, 2 cmp | m |
/// | `Rprop` | s ← s·η₊ where g·p > 0, s·η₋ where g·p < 0, within its bounds; g ← 0 where g·p < 0; w ← w − s·sign(g), p ← g | 1 fma, 2 mul, 6 cmp | p, s |
///
/// RAdam is `Adam` with other constants, computed beforehand. The rules from `AmsGrad` on have their decay in their counts, and count it where λ is
/// 0, too. They are never fused with a product ([`is_fused`](Rule::is_fused)).
///
/// A state that becomes subnormal becomes 0: that is the comparison. Else each step on a parameter whose gradient stays 0 would take many times as
/// long, for ever. Squares such as Adam's v stay as they are if ε is below 2⁻⁴⁰, because a step is then divided by √v alone.
/// Adamax's u is at least ε, and Rprop keeps nothing that decays.
///
/// Before the rule comes [`Decay::L2`]: g ← g + λ·w (1 fma) or [`Decay::Decoupled`]: w ← w·(1 − η·λ) (1 mul).
///
/// Sources: Kingma & Ba 2015 (Adam, Adamax), Loshchilov & Hutter 2019 (decoupled decay), Reddi, Kale & Kumar 2018 (AMSGrad), Tieleman & Hinton
/// 2012 and Graves 2013 (RMSprop, centred), Duchi, Hazan & Singer 2011 (Adagrad), Zeiler 2012 (Adadelta), Dozat 2016 (NAdam), Liu et al. 2020
/// (RAdam), Riedmiller & Braun 1993 (Rprop), and `torch.optim` for what they leave open. Chen et al. 2023 (Lion), which PyTorch does not have.
///
/// One thing is not PyTorch's: where rounding makes v − m² of a centred `RmsProp` negative, it is 0, and PyTorch's is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule<T> {
    /// Gradient descent.
    Sgd {
        /// η.
        learning_rate: T,
        /// λ.
        decay: Decay<T>,
    },
    /// Gradient descent with momentum.
    Momentum {
        /// η.
        learning_rate: T,
        /// μ.
        momentum: T,
        /// λ.
        decay: Decay<T>,
    },
    /// Gradient descent with dampened momentum.
    Dampened {
        /// η.
        learning_rate: T,
        /// μ.
        momentum: T,
        /// 1 − τ; 1 in the first step, when v becomes g.
        keep: T,
        /// λ.
        decay: Decay<T>,
    },
    /// Gradient descent with Nesterov's momentum.
    Nesterov {
        /// η.
        learning_rate: T,
        /// μ.
        momentum: T,
        /// λ.
        decay: Decay<T>,
    },
    /// Adam, and with [`Decay::Decoupled`] AdamW.
    Adam {
        /// η / (1 − β₁ᵗ) in step t, counted from 1.
        step_size: T,
        /// 1 − β₁.
        one_minus_beta1: T,
        /// β₂.
        beta2: T,
        /// 1 − β₂.
        one_minus_beta2: T,
        /// 1 / √(1 − β₂ᵗ).
        correction: T,
        /// ε.
        epsilon: T,
        /// λ.
        decay: Decay<T>,
    },
    /// AMSGrad: [`Adam`](Self::Adam) that divides by the largest v so far.
    AmsGrad {
        /// η / (1 − β₁ᵗ) in step t, counted from 1.
        step_size: T,
        /// 1 − β₁.
        one_minus_beta1: T,
        /// β₂.
        beta2: T,
        /// 1 − β₂.
        one_minus_beta2: T,
        /// 1 / √(1 − β₂ᵗ).
        correction: T,
        /// ε.
        epsilon: T,
        /// λ that is added to the gradient as λ·w, or 0.
        lambda: T,
        /// 1 − η·λ of a decoupled decay, or 1.
        keep: T,
    },
    /// RMSprop.
    RmsProp {
        /// η.
        learning_rate: T,
        /// α.
        alpha: T,
        /// 1 − α.
        one_minus_alpha: T,
        /// ε.
        epsilon: T,
        /// Whether the mean of the gradients is taken off.
        centred: bool,
        /// μ; none keeps no b.
        momentum: Option<T>,
        /// λ, or 0.
        lambda: T,
    },
    /// Adagrad.
    Adagrad {
        /// η/(1 + (t − 1)·d) in step t, counted from 1.
        learning_rate: T,
        /// ε.
        epsilon: T,
        /// λ, or 0.
        lambda: T,
    },
    /// Adadelta.
    Adadelta {
        /// η.
        learning_rate: T,
        /// ρ.
        rho: T,
        /// 1 − ρ.
        one_minus_rho: T,
        /// ε.
        epsilon: T,
        /// λ, or 0.
        lambda: T,
    },
    /// Adamax.
    Adamax {
        /// η / (1 − β₁ᵗ) in step t, counted from 1.
        step_size: T,
        /// 1 − β₁.
        one_minus_beta1: T,
        /// β₂.
        beta2: T,
        /// ε.
        epsilon: T,
        /// λ, or 0.
        lambda: T,
    },
    /// NAdam: Adam with Nesterov's momentum.
    NAdam {
        /// a.
        of_gradient: T,
        /// b.
        of_moment: T,
        /// 1 − β₁.
        one_minus_beta1: T,
        /// β₂.
        beta2: T,
        /// 1 − β₂.
        one_minus_beta2: T,
        /// 1 / √(1 − β₂ᵗ).
        correction: T,
        /// ε.
        epsilon: T,
        /// λ, or 0.
        lambda: T,
    },
    /// Lion.
    Lion {
        /// η.
        learning_rate: T,
        /// 1 − β₁.
        one_minus_beta1: T,
        /// 1 − β₂.
        one_minus_beta2: T,
        /// 1 − η·λ of the decoupled decay, or 1.
        keep: T,
    },
    /// Resilient backpropagation.
    Rprop {
        /// η₋.
        smaller: T,
        /// η₊.
        larger: T,
        /// The smallest step size.
        least: T,
        /// The largest step size.
        most: T,
    },
}

/// Matrices of state that a rule keeps at most.
pub const MOST_STATE: usize = 3;

/// What pulls parameters towards zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay<T> {
    /// Nothing.
    None,
    /// λ: λ·w is added to the gradient.
    L2(T),
    /// 1 − η·λ: the parameter is multiplied by it first.
    Decoupled(T),
}

impl<T: Copy> Rule<T> {
    /// How many numbers it keeps for each parameter, at most [`MOST_STATE`].
    pub fn state(&self) -> usize {
        match self {
            Rule::Sgd { .. } => 0,
            Rule::Momentum { .. } | Rule::Dampened { .. } | Rule::Nesterov { .. } => 1,
            Rule::Adagrad { .. } | Rule::Lion { .. } => 1,
            Rule::Adam { .. } | Rule::Adadelta { .. } | Rule::Adamax { .. } => 2,
            Rule::NAdam { .. } | Rule::Rprop { .. } => 2,
            Rule::AmsGrad { .. } => 3,
            Rule::RmsProp { centred, momentum, .. } => 1 + usize::from(*centred) + usize::from(momentum.is_some()),
        }
    }

    /// Whether a product may update by it while it computes the gradient ([`dense_update`](crate::dense_update)). The others need a
    /// gradient in memory: each rule that is fused is compiled into all products.
    pub fn is_fused(&self) -> bool {
        match self {
            Rule::Sgd { .. } | Rule::Momentum { .. } | Rule::Dampened { .. } | Rule::Nesterov { .. } => true,
            Rule::Adam { .. } => true,
            Rule::AmsGrad { .. } | Rule::RmsProp { .. } | Rule::Adagrad { .. } | Rule::Adadelta { .. } => false,
            Rule::Adamax { .. } | Rule::NAdam { .. } | Rule::Lion { .. } | Rule::Rprop { .. } => false,
        }
    }

    /// The same rule on other numbers.
    pub fn map<U>(&self, to: impl Fn(T) -> U) -> Rule<U> {
        let to = &to;
        let decay = |decay: Decay<T>| match decay {
            Decay::None => Decay::None,
            Decay::L2(lambda) => Decay::L2(to(lambda)),
            Decay::Decoupled(factor) => Decay::Decoupled(to(factor)),
        };
        match *self {
            Rule::Sgd { learning_rate, decay: d } => Rule::Sgd { learning_rate: to(learning_rate), decay: decay(d) },
            Rule::Momentum { learning_rate, momentum, decay: d } => {
                Rule::Momentum { learning_rate: to(learning_rate), momentum: to(momentum), decay: decay(d) }
            }
            Rule::Dampened { learning_rate, momentum, keep, decay: d } => Rule::Dampened {
                learning_rate: to(learning_rate),
                momentum: to(momentum),
                keep: to(keep),
                decay: decay(d),
            },
            Rule::Nesterov { learning_rate, momentum, decay: d } => {
                Rule::Nesterov { learning_rate: to(learning_rate), momentum: to(momentum), decay: decay(d) }
            }
            Rule::Adam { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon, decay: d } => {
                Rule::Adam {
                    step_size: to(step_size),
                    one_minus_beta1: to(one_minus_beta1),
                    beta2: to(beta2),
                    one_minus_beta2: to(one_minus_beta2),
                    correction: to(correction),
                    epsilon: to(epsilon),
                    decay: decay(d),
                }
            }
            Rule::AmsGrad { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon, lambda, keep } => {
                Rule::AmsGrad {
                    step_size: to(step_size),
                    one_minus_beta1: to(one_minus_beta1),
                    beta2: to(beta2),
                    one_minus_beta2: to(one_minus_beta2),
                    correction: to(correction),
                    epsilon: to(epsilon),
                    lambda: to(lambda),
                    keep: to(keep),
                }
            }
            Rule::RmsProp { learning_rate, alpha, one_minus_alpha, epsilon, centred, momentum, lambda } => {
                Rule::RmsProp {
                    learning_rate: to(learning_rate),
                    alpha: to(alpha),
                    one_minus_alpha: to(one_minus_alpha),
                    epsilon: to(epsilon),
                    centred,
                    momentum: momentum.map(to),
                    lambda: to(lambda),
                }
            }
            Rule::Adagrad { learning_rate, epsilon, lambda } => {
                Rule::Adagrad { learning_rate: to(learning_rate), epsilon: to(epsilon), lambda: to(lambda) }
            }
            Rule::Adadelta { learning_rate, rho, one_minus_rho, epsilon, lambda } => Rule::Adadelta {
                learning_rate: to(learning_rate),
                rho: to(rho),
                one_minus_rho: to(one_minus_rho),
                epsilon: to(epsilon),
                lambda: to(lambda),
            },
            Rule::Adamax { step_size, one_minus_beta1, beta2, epsilon, lambda } => Rule::Adamax {
                step_size: to(step_size),
                one_minus_beta1: to(one_minus_beta1),
                beta2: to(beta2),
                epsilon: to(epsilon),
                lambda: to(lambda),
            },
            Rule::NAdam {
                of_gradient,
                of_moment,
                one_minus_beta1,
                beta2,
                one_minus_beta2,
                correction,
                epsilon,
                lambda,
            } => Rule::NAdam {
                of_gradient: to(of_gradient),
                of_moment: to(of_moment),
                one_minus_beta1: to(one_minus_beta1),
                beta2: to(beta2),
                one_minus_beta2: to(one_minus_beta2),
                correction: to(correction),
                epsilon: to(epsilon),
                lambda: to(lambda),
            },
            Rule::Lion { learning_rate, one_minus_beta1, one_minus_beta2, keep } => Rule::Lion {
                learning_rate: to(learning_rate),
                one_minus_beta1: to(one_minus_beta1),
                one_minus_beta2: to(one_minus_beta2),
                keep: to(keep),
            },
            Rule::Rprop { smaller, larger, least, most } => {
                Rule::Rprop { smaller: to(smaller), larger: to(larger), least: to(least), most: to(most) }
            }
        }
    }
}
