//! The functions in double-double: a reference for f64.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use nxm_kernels::Function;

use crate::double_double::DoubleDouble;

/// 2/√π, 1/√2 and √(2/π), to twice f64's precision.
const TWO_OVER_SQRT_PI: DoubleDouble = DoubleDouble { high: FRAC_2_SQRT_PI, low: 1.533_545_961_316_588e-17 };
const SQRT_HALF: DoubleDouble = DoubleDouble { high: FRAC_1_SQRT_2, low: -4.833_646_656_726_457e-17 };

/// A value as significand and exponent: y = value·2^exponent, so that its low part outlives subnormal results.
pub struct ScaledValue {
    pub value: DoubleDouble,
    pub exponent: i32,
}

fn plain(value: DoubleDouble) -> ScaledValue {
    ScaledValue { value, exponent: 0 }
}

/// f(x) for a finite x at which it is neither trivial nor beyond the range: see [`interval`].
pub fn reference(function: Function, x: f64) -> ScaledValue {
    let one = DoubleDouble::from(1.0);
    let x = DoubleDouble::from(x);
    match function {
        Function::Exp => {
            let (value, exponent) = x.exp_parts();
            ScaledValue { value, exponent }
        }
        Function::ExpM1 => plain(x.exp_m1()),
        Function::Log => plain(x.ln()),
        Function::Log1P => plain(x.ln_1p()),
        Function::Tanh => {
            let m = (x + x).exp_m1();
            plain(m / (m + 2.0.into()))
        }
        Function::Sigmoid => sigmoid(x, one),
        Function::Erf => plain(erf(x)),
        Function::Softplus if x.high > 20.0 => plain(x),
        Function::Log1PExp | Function::Softplus => softplus(x),
        Function::LogSigmoid => {
            let ScaledValue { value, exponent } = softplus(-x);
            ScaledValue { value: -value, exponent }
        }
        Function::Silu => sigmoid(x, x),
        Function::Gelu => {
            let half = DoubleDouble::from(0.5);
            let t = x * SQRT_HALF;
            if t.high > -3.0 {
                return plain(x * half * (one + erf(t)));
            }
            // x/2·e^{−t²}·(continued fraction)
            let (value, exponent) = (-(x * x * half)).exp_parts();
            ScaledValue { value: value * x * half * scaled_erfc(-t), exponent }
        }
        Function::GeluTanh => {
            let c = SQRT_HALF * TWO_OVER_SQRT_PI * 2.0.into();
            let inner = one + x * x * (DoubleDouble::from(44_715.0) / 1e6.into());
            sigmoid(c * x * inner, x)
        }
        Function::Mish => {
            // With e = eˣ it is x·e·(e + 2)/(e·(e + 2) + 2), the first e scaled last.
            if x.high > 0.0 {
                // By e⁻ˣ, which doesn't overflow.
                let i = (-x).exp();
                let n = one + i * 2.0.into();
                return plain(x * n / (n + i * i * 2.0.into()));
            }
            let (value, exponent) = x.exp_parts();
            let e = if exponent < -300 { DoubleDouble::from(0.0) } else { value * 2f64.powi(exponent).into() };
            let t = e + 2.0.into();
            ScaledValue { value: x * value * t / (e * t + 2.0.into()), exponent }
        }
        Function::Elu | Function::Celu if x.high > 0.0 => plain(x),
        Function::Elu | Function::Celu => plain(x.exp_m1()),
        Function::Selu => {
            let scale = DoubleDouble::from(SELU_SCALE);
            let value = if x.high > 0.0 { x } else { DoubleDouble::from(SELU_ALPHA) * x.exp_m1() };
            plain(scale * value)
        }
        Function::Softsign => plain(x / (one + DoubleDouble::from(x.high.abs()))),
        Function::HardSigmoid => plain((x + 3.0.into()) / 6.0.into()),
        Function::HardSwish => plain(x * (x + 3.0.into()) / 6.0.into()),
        _ => unreachable!("not tested in f64"),
    }
}

/// λ and α of SELU.
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// ln(1 + eˣ).
fn softplus(x: DoubleDouble) -> ScaledValue {
    let (m, n) = (-DoubleDouble::from(x.high.abs())).exp_parts();
    if n < -600 {
        // e + e²/2 is e.
        return if x.high > 0.0 { plain(x) } else { ScaledValue { value: m, exponent: n } };
    }
    let e = m * 2f64.powi(n).into();
    plain(DoubleDouble::from(x.high.max(0.0)) + e.ln_1p())
}

/// by·σ(x).
fn sigmoid(x: DoubleDouble, by: DoubleDouble) -> ScaledValue {
    let one = DoubleDouble::from(1.0);
    if x.high > 0.0 {
        return plain(by / (one + (-x).exp()));
    }
    let (value, exponent) = x.exp_parts();
    let denominator = if exponent < -300 { one } else { one + value * 2f64.powi(exponent).into() };
    ScaledValue { value: by * value / denominator, exponent }
}

/// erf x = 2/√π·e^{−x²}·Σ 2ⁿ·x^{2n+1}/(2n + 1)!!: no term is negative.
fn erf(x: DoubleDouble) -> DoubleDouble {
    if x.high.abs() > 6.5 {
        return x.high.signum().into();
    }
    let square = x * x;
    let (mut term, mut sum) = (x, x);
    let mut n = 1.0;
    while term.high.abs() > sum.high.abs() * 1e-34 {
        term = term * square * 2.0.into() / (2.0 * n + 1.0).into();
        sum = sum + term;
        n += 1.0;
    }
    TWO_OVER_SQRT_PI * (-square).exp() * sum
}

/// e^{t²}·erfc t for t ≥ 3, by its continued fraction 1/√π · 1/(t + ½/(t + 1/(t + 1½/(t + …)))), from the far end.
fn scaled_erfc(t: DoubleDouble) -> DoubleDouble {
    let mut tail = t;
    for k in (1..200).rev() {
        tail = t + DoubleDouble::from(f64::from(k) * 0.5) / tail;
    }
    TWO_OVER_SQRT_PI * 0.5.into() / tail
}

/// Where the function is tested in f64: beyond it is constant or the identity, or tested by the special values.
pub fn interval(function: Function) -> (f64, f64) {
    match function {
        Function::Exp => (-745.0, 709.7),
        Function::ExpM1 => (-40.0, 709.7),
        Function::Log => (f64::MIN_POSITIVE, f64::MAX),
        Function::Log1P => (-0.999_999_999, 1e300),
        Function::Tanh => (-20.0, 20.0),
        Function::Sigmoid | Function::Log1PExp | Function::Softplus => (-745.0, 40.0),
        Function::LogSigmoid => (-40.0, 745.0),
        Function::HardSigmoid | Function::HardSwish => (-3.0, 3.0),
        Function::Erf => (-6.0, 6.0),
        Function::Silu | Function::Mish => (-750.0, 40.0),
        Function::Gelu => (-38.4, 9.0),
        Function::GeluTanh => (-21.4, 9.0),
        _ => (-40.0, 1.0),
    }
}
