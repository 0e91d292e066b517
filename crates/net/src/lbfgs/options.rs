//! The options of L-BFGS.

use nxm_kernels::Element;

use crate::check::check_learning_rate;
use crate::error::NetError;

/// How L-BFGS steps: PyTorch's options and defaults of `torch.optim.LBFGS` with `line_search_fn="strong_wolfe"`.
///
/// ```
/// use nxm_net::Lbfgs;
/// let lbfgs = Lbfgs::new().with_history(10).with_max_iterations(40);
/// assert_eq!((lbfgs.learning_rate, lbfgs.evaluations()), (1.0, 50));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Lbfgs {
    /// The length that a line search tries first, in directions; above 0.
    pub learning_rate: f64,
    /// Iterations of a step, at least 1 (`max_iter`).
    pub max_iterations: usize,
    /// Evaluations of loss and gradients after which a step begins no further iteration, at least 1 (`max_eval`); none: 5/4 of the iterations.
    pub max_evaluations: Option<usize>,
    /// A step ends if no element of the gradient is larger; at least 0 (`tolerance_grad`).
    pub gradient_tolerance: f64,
    /// A step ends if the loss, or each parameter, changes by no more; at least 0 (`tolerance_change`).
    pub change_tolerance: f64,
    /// How many pairs of steps and gradients it keeps, at least 1 (`history_size`). Each takes two numbers a parameter.
    pub history: usize,
}

impl Default for Lbfgs {
    /// [`Lbfgs::new`].
    fn default() -> Self {
        Lbfgs::new()
    }
}

impl Lbfgs {
    /// Learning rate 1, 20 iterations, 25 evaluations, a gradient tolerance of 1e-7, a change tolerance of 1e-9, 100 pairs.
    pub const fn new() -> Lbfgs {
        Lbfgs {
            learning_rate: 1.0,
            max_iterations: 20,
            max_evaluations: None,
            gradient_tolerance: 1e-7,
            change_tolerance: 1e-9,
            history: 100,
        }
    }
    /// With this first length of a line search, above 0.
    #[must_use]
    pub const fn with_learning_rate(self, learning_rate: f64) -> Lbfgs {
        Lbfgs { learning_rate, ..self }
    }
    /// With so many iterations in a step, at least 1.
    #[must_use]
    pub const fn with_max_iterations(self, max_iterations: usize) -> Lbfgs {
        Lbfgs { max_iterations, ..self }
    }
    /// With so many evaluations of loss and gradients in a step, at least 1.
    #[must_use]
    pub const fn with_max_evaluations(self, max_evaluations: usize) -> Lbfgs {
        Lbfgs { max_evaluations: Some(max_evaluations), ..self }
    }
    /// With this largest element of a gradient at which a step ends, at least 0.
    #[must_use]
    pub const fn with_gradient_tolerance(self, gradient_tolerance: f64) -> Lbfgs {
        Lbfgs { gradient_tolerance, ..self }
    }
    /// With this largest change of loss or parameters at which a step ends, at least 0.
    #[must_use]
    pub const fn with_change_tolerance(self, change_tolerance: f64) -> Lbfgs {
        Lbfgs { change_tolerance, ..self }
    }
    /// With so many pairs of steps and gradients, at least 1.
    #[must_use]
    pub const fn with_history(self, history: usize) -> Lbfgs {
        Lbfgs { history, ..self }
    }

    /// Evaluations after which a step begins no further iteration.
    pub fn evaluations(&self) -> usize {
        self.max_evaluations.unwrap_or(self.max_iterations.saturating_mul(5) / 4)
    }

    /// Its options must be in their ranges.
    ///
    /// # Errors
    /// [`NetError`] names the option, its value and what is expected.
    pub fn check<T: Element>(&self) -> Result<(), NetError> {
        let learning_rate = self.learning_rate;
        check_learning_rate(T::from_f64(learning_rate))
            .map_err(|_| NetError::LearningRate { learning_rate, element: T::NAME })?;
        let tolerances =
            [("the gradient tolerance", self.gradient_tolerance), ("the change tolerance", self.change_tolerance)];
        for (name, value) in tolerances {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(NetError::Setting { name, value, expected: "a finite number, at least 0" });
            }
        }
        let counts = [
            ("the number of iterations in a step", self.max_iterations),
            ("the number of evaluations in a step", self.max_evaluations.unwrap_or(1)),
            ("the number of pairs", self.history),
        ];
        match counts.into_iter().find(|(_, count)| *count == 0) {
            Some((name, _)) => Err(NetError::Setting { name, value: 0.0, expected: "a whole number, at least 1" }),
            None => Ok(()),
        }
    }
}
