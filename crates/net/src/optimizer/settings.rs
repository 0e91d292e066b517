//! The optimizers and their settings, each named once: structs, builders, files, flags and checks all follow from this list.

use nxm_kernels::Element;

use super::range::{Range, Value};
use crate::error::NetError;

/// The text of a limit that follows from other settings.
const AUTO: &str = "auto";

/// Defines [`Optimizer`] and a struct for each optimizer. A setting is `name: type = default, builder, range;`.
macro_rules! optimizers {
    ($(
        $(#[$doc:meta])*
        $name:ident = $text:literal, $rate:literal, $short:literal {
            $($(#[$of:meta])* $field:ident: $type:ty = $default:expr, $with:ident, $range:ident;)*
        }
    )*) => {
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
            $(#[doc = $short] $name($name),)*
        }

        impl Optimizer {
            /// The names of all optimizers.
            pub const NAMES: [&'static str; [$($text),*].len()] = [$($text),*];

            /// All optimizers with their defaults, in the order of [`NAMES`](Self::NAMES).
            pub fn all() -> [Optimizer; Optimizer::NAMES.len()] {
                [$(Optimizer::$name($name::default())),*]
            }

            /// Its name, one of [`NAMES`](Self::NAMES).
            pub fn name(&self) -> &'static str {
                match self {
                    $(Optimizer::$name(_) => $text,)*
                }
            }

            /// η, before any schedule.
            pub fn learning_rate(&self) -> f64 {
                match self {
                    $(Optimizer::$name(of) => of.learning_rate,)*
                }
            }

            /// Shows all settings but η to `see`, one after the other.
            fn each(&mut self, mut see: impl FnMut(&'static str, Range, Value<'_>)) {
                match self {
                    $(Optimizer::$name(of) => {
                        $(see(stringify!($field), Range::$range, Value::from(&mut of.$field));)*
                    })*
                }
            }

            fn rate_mut(&mut self) -> &mut f64 {
                match self {
                    $(Optimizer::$name(of) => &mut of.learning_rate,)*
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq)]
            #[non_exhaustive]
            pub struct $name {
                /// η, above 0.
                pub learning_rate: f64,
                $($(#[$of])* pub $field: $type,)*
            }

            impl Default for $name {
                #[doc = concat!("η = ", $rate, $(", ", stringify!($field), " = ", stringify!($default),)* ".")]
                fn default() -> Self {
                    $name::new($rate)
                }
            }

            impl From<$name> for Optimizer {
                fn from(optimizer: $name) -> Optimizer {
                    Optimizer::$name(optimizer)
                }
            }

            impl $name {
                #[doc = concat!("Learning rate η, above 0", $(", ", stringify!($field), " = ", stringify!($default),)* ".")]
                pub const fn new(learning_rate: f64) -> $name {
                    $name { learning_rate, $($field: $default,)* }
                }
                $(
                    /// With another value of this setting:
                    $(#[$of])*
                    #[must_use]
                    pub const fn $with(self, $field: $type) -> $name {
                        $name { $field, ..self }
                    }
                )*
            }
        )*
    };
}

optimizers! {
    /// Gradient descent: g ← g + λ·w; v ← μ·v + (1 − τ)·g, in the first step v ← g; w ← w − η·v, or with Nesterov's momentum w ←
    /// w − η·(g + μ·v). Without momentum w ← w − η·g (`torch.optim.SGD`).
    ///
    /// Operations per parameter: those of [`Rule`](nxm_kernels::Rule).
    ///
    /// ```
    /// use nxm_net::{Sgd, TrainingOptions};
    /// let sgd = Sgd::new(0.1).with_momentum(0.9).with_nesterov(true);
    /// let options = TrainingOptions::default().with_optimizer(sgd);
    /// assert_eq!(options.optimizer.learning_rate(), 0.1);
    /// ```
    Sgd = "sgd", 1e-3, "Stochastic gradient descent." {
        /// μ, at least 0; 0 keeps no v.
        momentum: f64 = 0.0, with_momentum, NotNegative;
        /// τ: from the second step on, (1 − τ)·g goes into v.
        dampening: f64 = 0.0, with_dampening, Finite;
        /// Nesterov's momentum, which needs momentum above 0 and no dampening.
        nesterov: bool = false, with_nesterov, Either;
        /// λ, at least 0: λ·w is added to the gradient.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
    }

    /// Adam (Kingma and Ba 2015): g ← g + λ·w; m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
    /// in step t, counted from 1 (`torch.optim.Adam`).
    Adam = "adam", 1e-3, "Adam, with weight decay (if any) added to the gradient." {
        /// β₁, at least 0 and below 1.
        beta1: f64 = 0.9, with_beta1, BelowOne;
        /// β₂, at least 0 and below 1.
        beta2: f64 = 0.999, with_beta2, BelowOne;
        /// ε, at least 0: what is added to the denominator.
        epsilon: f64 = 1e-8, with_epsilon, NotNegative;
        /// λ, at least 0: λ·w is added to the gradient.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
        /// AMSGrad (Reddi, Kale and Kumar 2018): the largest v so far in place of v.
        amsgrad: bool = false, with_amsgrad, Either;
    }

    /// AdamW (Loshchilov and Hutter 2019): w ← w·(1 − η·λ), then [`Adam`] without λ (`torch.optim.AdamW`).
    AdamW = "adamw", 1e-3, "Adam with decoupled weight decay." {
        /// β₁, at least 0 and below 1.
        beta1: f64 = 0.9, with_beta1, BelowOne;
        /// β₂, at least 0 and below 1.
        beta2: f64 = 0.999, with_beta2, BelowOne;
        /// ε, at least 0: what is added to the denominator.
        epsilon: f64 = 1e-8, with_epsilon, NotNegative;
        /// λ, at least 0: w is multiplied by 1 − η·λ.
        weight_decay: f64 = 0.01, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
        /// AMSGrad (Reddi, Kale and Kumar 2018): the largest v so far in place of v.
        amsgrad: bool = false, with_amsgrad, Either;
    }

    /// RMSprop (Tieleman and Hinton 2012): g ← g + λ·w; v ← α·v + (1 − α)·g²; w ← w − η·g/(√v + ε) (`torch.optim.RMSprop`). Centred (Graves
    /// 2013), m ← α·m + (1 − α)·g and √(v − m²) is in place of √v. With momentum, b ← μ·b + g/(√v + ε) and w ← w − η·b.
    RmsProp = "rmsprop", 1e-2, "RMSprop." {
        /// α, from 0 to 1: how much of v and m stays from step to step.
        alpha: f64 = 0.99, with_alpha, AtMostOne;
        /// ε, at least 0: what is added to the root.
        epsilon: f64 = 1e-8, with_epsilon, NotNegative;
        /// μ, at least 0; 0 keeps no b.
        momentum: f64 = 0.0, with_momentum, NotNegative;
        /// Whether gradients are divided by their deviation, and not by their root mean square.
        centred: bool = false, with_centred, Either;
        /// λ, at least 0: λ·w is added to the gradient.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
    }

    /// Adagrad (Duchi, Hazan and Singer 2011): g ← g + λ·w; s ← s + g²; w ← w − η/(1 + (t − 1)·d)·g/(√s + ε) in step t, counted from 1
    /// (`torch.optim.Adagrad`).
    Adagrad = "adagrad", 1e-2, "Adagrad." {
        /// d, at least 0: how fast η falls (`lr_decay`).
        learning_rate_decay: f64 = 0.0, with_learning_rate_decay, NotNegative;
        /// What s begins with, at least 0 (`initial_accumulator_value`).
        initial_sum: f64 = 0.0, with_initial_sum, NotNegative;
        /// ε, at least 0: what is added to the root.
        epsilon: f64 = 1e-10, with_epsilon, NotNegative;
        /// λ, at least 0: λ·w is added to the gradient.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
    }

    /// Adadelta (Zeiler 2012): g ← g + λ·w; v ← ρ·v + (1 − ρ)·g²; δ = √(u + ε)/√(v + ε)·g; u ← ρ·u + (1 − ρ)·δ²; w ← w − η·δ
    /// (`torch.optim.Adadelta`).
    Adadelta = "adadelta", 1.0, "Adadelta." {
        /// ρ, from 0 to 1: how much of v and u stays from step to step.
        rho: f64 = 0.9, with_rho, AtMostOne;
        /// ε, at least 0: what is added inside the roots.
        epsilon: f64 = 1e-6, with_epsilon, NotNegative;
        /// λ, at least 0: λ·w is added to the gradient.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
    }

    /// Adamax (Kingma and Ba 2015): g ← g + λ·w; m ← β₁·m + (1 − β₁)·g; u ← max(β₂·u, |g| + ε); w ← w − η/(1 − β₁ᵗ)·m/u in step t, counted
    /// from 1 (`torch.optim.Adamax`).
    Adamax = "adamax", 2e-3, "Adamax: Adam by the largest gradient." {
        /// β₁, at least 0 and below 1.
        beta1: f64 = 0.9, with_beta1, BelowOne;
        /// β₂, at least 0 and below 1.
        beta2: f64 = 0.999, with_beta2, BelowOne;
        /// ε, at least 0: what is added to |g|.
        epsilon: f64 = 1e-8, with_epsilon, NotNegative;
        /// λ, at least 0: λ·w is added to the gradient.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
    }

    /// NAdam (Dozat 2016): m and v as [`Adam`]; w ← w − η·((1 − μₜ)·g/(1 − Π) + μₜ₊₁·m/(1 − Π·μₜ₊₁)) / (√v / √(1 − β₂ᵗ) + ε) in step t, counted
    /// from 1, where μₜ = β₁·(1 − 0.96^{t·ψ}/2) and Π = μ₁·…·μₜ (`torch.optim.NAdam`).
    NAdam = "nadam", 2e-3, "Adam with Nesterov's momentum." {
        /// β₁, at least 0 and below 1.
        beta1: f64 = 0.9, with_beta1, BelowOne;
        /// β₂, at least 0 and below 1.
        beta2: f64 = 0.999, with_beta2, BelowOne;
        /// ε, at least 0: what is added to the denominator.
        epsilon: f64 = 1e-8, with_epsilon, NotNegative;
        /// λ, at least 0: λ·w is added to the gradient.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
        /// ψ, at least 0: how fast μ comes close to β₁.
        momentum_decay: f64 = 4e-3, with_momentum_decay, NotNegative;
    }

    /// RAdam (Liu et al. 2020): m and v as [`Adam`]; with ρ∞ = 2/(1 − β₂) − 1 and ρ = ρ∞ − 2·t·β₂ᵗ/(1 − β₂ᵗ) in step t, counted from 1,
    /// w ← w − η/(1 − β₁ᵗ)·m·r·√(1 − β₂ᵗ)/(√v + ε) where ρ > 5, else w ← w − η/(1 − β₁ᵗ)·m; r² = (ρ − 4)(ρ − 2)ρ∞/((ρ∞ − 4)(ρ∞ − 2)ρ)
    /// (`torch.optim.RAdam`).
    RAdam = "radam", 1e-3, "Rectified Adam." {
        /// β₁, at least 0 and below 1.
        beta1: f64 = 0.9, with_beta1, BelowOne;
        /// β₂, at least 0 and below 1.
        beta2: f64 = 0.999, with_beta2, BelowOne;
        /// ε, at least 0: what is added to the root.
        epsilon: f64 = 1e-8, with_epsilon, NotNegative;
        /// λ, at least 0: λ·w is added to the gradient.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
    }

    /// Lion (Chen et al. 2023): w ← w·(1 − η·λ) − η·sign(β₁·m + (1 − β₁)·g); m ← β₂·m + (1 − β₂)·g. PyTorch does not have it.
    Lion = "lion", 1e-4, "Lion: steps by signs." {
        /// β₁, at least 0 and below 1.
        beta1: f64 = 0.9, with_beta1, BelowOne;
        /// β₂, at least 0 and below 1.
        beta2: f64 = 0.99, with_beta2, BelowOne;
        /// λ, at least 0: w is multiplied by 1 − η·λ.
        weight_decay: f64 = 0.0, with_weight_decay, NotNegative;
        /// Whether biases, and scale and shift of norms, decay too. If not, λ is 0 for them: PyTorch's group of parameters with `weight_decay=0`.
        bias_decay: bool = true, with_bias_decay, Either;
    }

    /// Resilient backpropagation (Riedmiller and Braun 1993): each parameter has a step size s, which begins as η. Where the gradient g has
    /// the sign of the step before, s ← s·η₊; where it has the other sign, s ← s·η₋ and g ← 0; s stays within its bounds; w ← w − s·sign(g)
    /// (`torch.optim.Rprop`). It is for batches of all examples, and a schedule does not change it.
    Rprop = "rprop", 1e-2, "Resilient backpropagation." {
        /// η₋, above 0 and below 1.
        smaller: f64 = 0.5, with_smaller, Within;
        /// η₊, above 1.
        larger: f64 = 1.2, with_larger, AboveOne;
        /// The smallest step size, at least 0.
        least_step: f64 = 1e-6, with_least_step, NotNegative;
        /// The largest step size, above 0.
        largest_step: f64 = 50.0, with_largest_step, AboveZero;
    }

    /// Muon (Jordan et al. 2024) for the weights of dense layers: m ← μ·m + (1 − μ)·g; u ← (1 − μ)·g + μ·m by Nesterov, else m; X ← u / max(‖u‖, ε);
    /// in each iteration X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ (Newton–Schulz); w ← w·(1 − η·λ) − η·√max(1, M/N)·X for N inputs and M units
    /// (`torch.optim.Muon`, whose matrices are the transposes). PyTorch computes the iterations in bfloat16, this crate in the network's element type.
    ///
    /// Biases, and scale and shift of norms, follow [`AdamW`] with a learning rate of their own, which a schedule changes as it changes η.
    ///
    /// ```
    /// use nxm_net::{AdamW, Muon, Optimizer};
    /// let muon = Muon::new(0.02).with_bias_learning_rate(3e-4);
    /// assert_eq!(Optimizer::from(muon).of_biases(), Some(AdamW::new(3e-4).into()));
    /// ```
    Muon = "muon", 1e-3, "Muon for matrices, AdamW for all else." {
        /// μ, at least 0 and below 1.
        momentum: f64 = 0.95, with_momentum, BelowOne;
        /// Nesterov's momentum.
        nesterov: bool = true, with_nesterov, Either;
        /// λ, at least 0: w is multiplied by 1 − η·λ.
        weight_decay: f64 = 0.1, with_weight_decay, NotNegative;
        /// The coefficient of X.
        a: f64 = 3.4445, with_a, Finite;
        /// The coefficient of A·X.
        b: f64 = -4.7750, with_b, Finite;
        /// The coefficient of A²·X.
        c: f64 = 2.0315, with_c, Finite;
        /// Newton–Schulz iterations of a step, from 1 to 99 (`ns_steps`).
        iterations: usize = 5, with_iterations, Count;
        /// ε, above 0: the least norm that a direction is divided by.
        epsilon: f64 = 1e-7, with_epsilon, AboveZero;
        /// 0.2·√max(N, M) in place of √max(1, M/N), so that steps are as long as AdamW's (`adjust_lr_fn="match_rms_adamw"`).
        match_rms_adamw: bool = false, with_match_rms_adamw, Either;
        /// The learning rate of biases and norms, above 0.
        bias_learning_rate: f64 = 1e-3, with_bias_learning_rate, AboveZero;
        /// The λ of biases and norms, at least 0.
        bias_weight_decay: f64 = 0.01, with_bias_weight_decay, NotNegative;
    }

    /// L-BFGS with a line search by the strong Wolfe conditions (Nocedal 1980; Nocedal and Wright 2006, algorithms 7.4 and 3.5), for batches of
    /// all examples. A step makes several iterations, and each of them computes loss and gradients until its line search is content
    /// (`torch.optim.LBFGS` with `line_search_fn="strong_wolfe"`). η is the length that a line search tries first, in directions.
    ///
    /// ```
    /// use nxm_net::Lbfgs;
    /// let lbfgs = Lbfgs::default().with_history(10).with_max_iterations(40);
    /// assert_eq!((lbfgs.learning_rate, lbfgs.evaluations()), (1.0, 50));
    /// ```
    Lbfgs = "lbfgs", 1.0, "L-BFGS, for batches of all examples." {
        /// Iterations of a step, at least 1 (`max_iter`).
        max_iterations: usize = 20, with_max_iterations, Count;
        /// Evaluations of loss and gradients after which a step begins no further iteration, at least 1 (`max_eval`); none: 5/4 of the iterations.
        max_evaluations: Option<usize> = None, with_max_evaluations, Count;
        /// A step ends if no element of the gradient is larger; at least 0 (`tolerance_grad`).
        gradient_tolerance: f64 = 1e-7, with_gradient_tolerance, NotNegative;
        /// A step ends if the loss, or each parameter, changes by no more; at least 0 (`tolerance_change`).
        change_tolerance: f64 = 1e-9, with_change_tolerance, NotNegative;
        /// How many pairs of steps and gradients it keeps, at least 1 (`history_size`). Each takes two numbers a parameter.
        history: usize = 100, with_history, Count;
    }
}

impl Lbfgs {
    /// Evaluations after which a step begins no further iteration.
    pub fn evaluations(&self) -> usize {
        self.max_evaluations.unwrap_or(self.max_iterations.saturating_mul(5) / 4)
    }

    /// Evaluations of loss and gradients in a step at most: the last line search may need one more than are left.
    pub fn most_evaluations(&self) -> usize {
        self.evaluations().saturating_add(1)
    }
}

/// Both betas at once.
macro_rules! betas {
    ($($name:ident)*) => {$(
        impl $name {
            /// With β₁ and β₂, each at least 0 and below 1.
            #[must_use]
            pub const fn with_betas(self, beta1: f64, beta2: f64) -> $name {
                $name { beta1, beta2, ..self }
            }
        }
    )*};
}

betas! { Adam AdamW Adamax NAdam RAdam Lion }

impl Optimizer {
    /// All settings but the learning rate: their names and their values as text, which [`set`](Self::set) reads.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let (mut copy, mut settings) = (*self, Vec::new());
        copy.each(|name, _, value| {
            let text = match value {
                Value::Number(number) => format!("{number:?}"),
                Value::Flag(flag) => flag.to_string(),
                Value::Whole(number) => number.to_string(),
                Value::Limit(number) => number.map_or(AUTO.to_owned(), |number| number.to_string()),
            };
            settings.push((name, text));
        });
        settings
    }

    /// Changes a setting, which may be "learning_rate", to what `text` says: a number, or true or false, or auto. Its range is checked when a
    /// training begins.
    ///
    /// # Errors
    /// [`NetError::NoSetting`] if this optimizer has no such setting, [`NetError::SettingText`] if the text is not of its kind. Nothing has
    /// changed then.
    pub fn set(&mut self, setting: &str, text: &str) -> Result<(), NetError> {
        let wrong = |expected| NetError::SettingText { setting: setting.to_owned(), expected, found: text.to_owned() };
        let set = |value: Value<'_>| match value {
            Value::Number(number) => text.parse().map(|x| *number = x).map_err(|_| wrong("a number")),
            Value::Flag(flag) => text.parse().map(|x| *flag = x).map_err(|_| wrong("true or false")),
            Value::Whole(number) => text.parse().map(|x| *number = x).map_err(|_| wrong("a whole number")),
            Value::Limit(number) if text == AUTO => {
                *number = None;
                Ok(())
            }
            Value::Limit(number) => {
                text.parse().map(|x| *number = Some(x)).map_err(|_| wrong("a whole number, or auto"))
            }
        };
        if setting == RATE {
            return set(Value::Number(self.rate_mut()));
        }
        let mut done = None;
        self.each(|name, _, value| {
            if name == setting {
                done = Some(set(value));
            }
        });
        done.unwrap_or_else(|| {
            let names: Vec<&str> = self.settings().into_iter().map(|(name, _)| name).collect();
            let (optimizer, setting) = (self.name(), setting.to_owned());
            Err(NetError::NoSetting { optimizer, setting, expected: format!("{RATE}, {}", names.join(", ")) })
        })
    }

    /// What biases, and scale and shift of norms, follow where that is not what weights follow: the same without weight decay. None if they
    /// decay as weights do, or if weights do not decay either. Of Muon it is AdamW.
    ///
    /// ```
    /// use nxm_net::{AdamW, Optimizer};
    /// let adamw = AdamW::new(0.01).with_weight_decay(0.1).with_bias_decay(false);
    /// assert_eq!(Optimizer::from(adamw).of_biases(), Some(adamw.with_weight_decay(0.0).into()));
    /// assert_eq!(Optimizer::from(adamw.with_bias_decay(true)).of_biases(), None);
    /// ```
    pub fn of_biases(&self) -> Option<Optimizer> {
        if let Optimizer::Muon(Muon { bias_learning_rate, bias_weight_decay, .. }) = *self {
            return Some(AdamW::new(bias_learning_rate).with_weight_decay(bias_weight_decay).into());
        }
        let (mut copy, mut decays, mut differs) = (*self, false, false);
        copy.each(|name, _, value| match (name, value) {
            ("weight_decay", Value::Number(number)) => {
                decays = *number != 0.0;
                *number = 0.0;
            }
            ("bias_decay", Value::Flag(flag)) => differs = !*flag,
            _ => {}
        });
        (decays && differs).then_some(copy)
    }

    /// Each setting but η must be in its range.
    pub(super) fn check_ranges<T: Element>(&self) -> Result<(), NetError> {
        let (mut copy, mut checked) = (*self, Ok(()));
        copy.each(|name, range, value| {
            let value = match value {
                Value::Number(value) => *value,
                Value::Whole(value) | Value::Limit(Some(value)) => *value as f64,
                Value::Flag(_) | Value::Limit(None) => return,
            };
            if checked.is_ok() && !range.holds::<T>(value) {
                checked = Err(NetError::Setting { name: spoken(name), value, expected: range.expected() });
            }
        });
        checked
    }
}

/// What η is called among settings.
const RATE: &str = "learning_rate";

/// A setting's name as errors have it.
fn spoken(name: &'static str) -> &'static str {
    match name {
        "weight_decay" => "weight decay",
        "momentum_decay" => "the decay of the momentum",
        "learning_rate_decay" => "the decay of the learning rate",
        "initial_sum" => "the initial sum of squares",
        "least_step" => "the smallest step size",
        "largest_step" => "the largest step size",
        "smaller" => "the factor of smaller steps",
        "larger" => "the factor of larger steps",
        "max_iterations" => "the number of iterations in a step",
        "max_evaluations" => "the number of evaluations in a step",
        "gradient_tolerance" => "the gradient tolerance",
        "change_tolerance" => "the change tolerance",
        "history" => "the number of pairs",
        "a" => "coefficient a of Newton–Schulz",
        "b" => "coefficient b of Newton–Schulz",
        "c" => "coefficient c of Newton–Schulz",
        "iterations" => "the number of Newton–Schulz iterations",
        "bias_learning_rate" => "the learning rate of biases and norms",
        "bias_weight_decay" => "the weight decay of biases and norms",
        other => other,
    }
}
