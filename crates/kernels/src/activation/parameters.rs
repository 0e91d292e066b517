//! The parameters of activations: constructors, ranges, rounding to an element type, and text.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::Activation;
use crate::beside::{div, rounded};
use crate::element::Element;
use crate::math::{LEAKY_SLOPE, Parameters, THRESHOLD};
use crate::name::UnknownName;

/// The smallest parameter that something is divided by, and the largest of all. Within them neither a parameter nor its inverse is 0 or
/// infinite in f32.
const LEAST: f64 = 1e-30;
const MOST: f64 = 1e30;
/// What the ranges are called in an error: from 0 on, and from `LEAST` on.
const FROM_0: &str = "a number from 0 to 1e30";
const ABOVE_0: &str = "a number from 1e-30 to 1e30";

impl Activation {
    /// Leaky ReLU by PyTorch's default, a slope of 0.01.
    pub const LEAKY_RELU: Activation = Activation::LeakyRelu { slope: LEAKY_SLOPE };
    /// ELU by PyTorch's default, α = 1.
    pub const ELU: Activation = Activation::Elu { alpha: 1.0 };
    /// CELU by PyTorch's default, α = 1.
    pub const CELU: Activation = Activation::Celu { alpha: 1.0 };
    /// Softplus by PyTorch's defaults, β = 1 and a threshold of 20.
    pub const SOFTPLUS: Activation = Activation::Softplus { beta: 1.0, threshold: THRESHOLD };

    /// [`Activation::ALL`], and those with parameters by others: what tests draw from.
    #[doc(hidden)]
    pub fn samples() -> Vec<Activation> {
        let others = [
            Activation::leaky_relu(0.2),
            Activation::leaky_relu(1.5),
            Activation::elu(0.5),
            Activation::celu(0.7),
            Activation::softplus(2.0, 3.0),
        ];
        Activation::ALL.into_iter().chain(others).collect()
    }

    /// Leaky ReLU of a slope from 0 to 10³⁰.
    pub const fn leaky_relu(slope: f64) -> Activation {
        Activation::LeakyRelu { slope }
    }
    /// ELU of an α from 0 to 10³⁰.
    pub const fn elu(alpha: f64) -> Activation {
        Activation::Elu { alpha }
    }
    /// CELU of an α from 10⁻³⁰ to 10³⁰.
    pub const fn celu(alpha: f64) -> Activation {
        Activation::Celu { alpha }
    }
    /// Softplus of a β from 10⁻³⁰ to 10³⁰ and a threshold from 0 to 10³⁰.
    pub const fn softplus(beta: f64, threshold: f64) -> Activation {
        Activation::Softplus { beta, threshold }
    }

    /// All parameters must be in their ranges: the slope of leaky ReLU, the α of ELU and the threshold of softplus from 0 to 10³⁰, the α of CELU
    /// and the β of softplus from 10⁻³⁰ to 10³⁰.
    ///
    /// By parameters out of their ranges an activation computes something, without a panic, and its derivative is another function's.
    ///
    /// ```
    /// use nxm_kernels::Activation;
    /// assert!(Activation::celu(0.7).check().is_ok());
    /// let error = Activation::celu(0.0).check().unwrap_err();
    /// assert_eq!(error.to_string(), "the alpha of celu is 0; expected a number from 1e-30 to 1e30");
    /// ```
    ///
    /// # Errors
    /// [`ActivationError::Parameter`] names the first that is not.
    pub fn check(self) -> Result<(), ActivationError> {
        let wrong = |(name, value): &(&'static str, f64)| !(self.least(name)..=MOST).contains(value);
        match self.parameters().into_iter().find(wrong) {
            None => Ok(()),
            Some((name, found)) => {
                let expected = if self.least(name) == 0.0 { FROM_0 } else { ABOVE_0 };
                Err(ActivationError::Parameter { activation: self.name(), name, found: found.to_string(), expected })
            }
        }
    }

    /// The smallest value of one of its parameters.
    fn least(self, parameter: &str) -> f64 {
        match self {
            Activation::LeakyRelu { .. } | Activation::Elu { .. } => 0.0,
            Activation::Softplus { .. } if parameter == "threshold" => 0.0,
            _ => LEAST,
        }
    }

    /// Its parameters in an element type: what a call of it takes. Leaky ReLU and ELU take 1 conversion, CELU 1 div and 2 conversions,
    /// softplus 1 div and 3 conversions, all others nothing; in f64 no conversion.
    #[doc(hidden)]
    pub fn rounded<T: Element>(self) -> Parameters<T> {
        match self {
            Activation::LeakyRelu { slope: only } | Activation::Elu { alpha: only } => {
                [rounded(only), T::ZERO, T::ZERO]
            }
            Activation::Celu { alpha } => [rounded(alpha), rounded(div(1.0, alpha)), T::ZERO],
            Activation::Softplus { beta, threshold } => [rounded(beta), rounded(div(1.0, beta)), rounded(threshold)],
            _ => [T::ZERO; 3],
        }
    }

    /// What its text looks like, for an error: "leaky_relu or leaky_relu(slope)".
    fn form(self) -> String {
        let names: Vec<&str> = self.parameters().into_iter().map(|(name, _)| name).collect();
        match names.is_empty() {
            true => format!("{} without parameters", self.name()),
            false => format!("{0} or {0}({1})", self.name(), names.join(",")),
        }
    }
}

/// What is wrong with an activation or its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivationError {
    /// There is none of that name.
    Name(UnknownName),
    /// What stands in parentheses are not the parameters that it has.
    Text {
        /// The text.
        found: String,
        /// What it may look like.
        expected: String,
    },
    /// A parameter is out of its range.
    Parameter {
        /// The name of the activation.
        activation: &'static str,
        /// The name of the parameter.
        name: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl fmt::Display for ActivationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActivationError::Name(error) => error.fmt(f),
            ActivationError::Text { found, expected } => {
                write!(f, "the activation {found:?} has other parameters than it takes; expected {expected}")
            }
            ActivationError::Parameter { activation, name, found, expected } => {
                write!(f, "the {name} of {activation} is {found}; expected {expected}")
            }
        }
    }
}

impl Error for ActivationError {}

/// Its name, and unless it has its default parameters, those: `leaky_relu`, `leaky_relu(0.2)`, `softplus(2,3)`.
impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = self.parameters();
        if parameters.is_empty() || Activation::ALL.contains(self) {
            return f.pad(self.name());
        }
        let values: Vec<String> = parameters.iter().map(|(_, value)| value.to_string()).collect();
        f.pad(&format!("{}({})", self.name(), values.join(",")))
    }
}

/// The text that [`Display`](fmt::Display) writes. A name alone has the default parameters; spaces beside a parameter mean nothing.
impl FromStr for Activation {
    type Err = ActivationError;
    fn from_str(text: &str) -> Result<Self, ActivationError> {
        let (name, values) = match text.split_once('(') {
            Some((name, rest)) => (name.trim_end(), Some(rest)),
            None => (text, None),
        };
        let found = UnknownName::find("activation", name, &Activation::ALL, |activation| activation.name());
        let named = found.map_err(ActivationError::Name)?;
        let Some(values) = values else { return Ok(named) };
        let wrong = || ActivationError::Text { found: text.to_owned(), expected: named.form() };
        let values = values.strip_suffix(')').ok_or_else(wrong)?.split(',');
        let values: Result<Vec<f64>, _> = values.map(|value| value.trim().parse()).collect();
        let values = values.map_err(|_| wrong())?;
        let made = named.with_parameters(&values).ok_or_else(wrong)?;
        made.check()?;
        Ok(made)
    }
}
