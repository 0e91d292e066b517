//! The vector functions: error bounds on a stratified sample, special values, equal bits at every fused level.
//!
//! Every f32 there is was tested by the `accuracy` command (docs/numerics.md); the bounds here are those it found.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use nxm_kernels::{Cpu, Element, Function, Level, MatrixRef, apply, log_sum_exp};

/// The functions, and how many units in the last place f32 and f64 may be wrong.
const BOUNDS: [(Function, f64); 12] = [
    (Function::Exp, 1.0),
    (Function::ExpM1, 1.0),
    (Function::Log, 1.0),
    (Function::Log1P, 1.0),
    (Function::Tanh, 1.0),
    (Function::Sigmoid, 1.0),
    (Function::Erf, 1.0),
    (Function::Softplus, 2.0),
    (Function::Silu, 2.0),
    (Function::Gelu, 2.0),
    (Function::GeluTanh, 2.0),
    (Function::Elu, 1.0),
];

const DERIVATIVES: [Function; 3] = [Function::SiluDerivative, Function::GeluDerivative, Function::GeluTanhDerivative];

fn levels() -> impl Iterator<Item = Level> {
    Level::available().filter(|level| level.shape::<f32>().fused)
}

fn map<T: Element>(level: Level, function: Function, x: &[T]) -> Vec<T> {
    let mut y = x.to_vec();
    apply(&Cpu::new(level, 1), function, &mut y);
    y
}

/// Every 9973rd f32: 430,000 of them, all exponents, both signs, NaN and subnormals among them; 9973 is prime.
fn sample() -> Vec<f32> {
    (0..=u32::MAX).step_by(9973).map(f32::from_bits).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// erf x, by its series without alternating signs; 1 to f64's precision beyond 6.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// Φ(x), below −2.5 by the continued fraction of its tail.
fn normal(x: f64) -> f64 {
    if x > -2.5 {
        return 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2));
    }
    let tail = (1..300).rev().fold(-x, |tail, k| -x + f64::from(k) / tail);
    (-x * x / 2.0).exp() / ((2.0 * PI).sqrt() * tail)
}

fn reference(function: Function, x: f64) -> f64 {
    let c = 2.0 * (2.0 / PI).sqrt();
    match function {
        Function::Exp => x.exp(),
        Function::ExpM1 => x.exp_m1(),
        Function::Log => x.ln(),
        Function::Log1P => x.ln_1p(),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => sigmoid(x),
        Function::Erf => erf(x),
        Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Function::Silu => x * sigmoid(x),
        Function::Gelu => x * normal(x),
        Function::GeluTanh => x * sigmoid(c * x * (1.0 + 0.044715 * x * x)),
        Function::Elu if x > 0.0 => x,
        Function::Elu => x.exp_m1(),
        Function::SiluDerivative => sigmoid(x) + x * sigmoid(x) * sigmoid(-x),
        Function::GeluDerivative => normal(x) + x * (-x * x / 2.0).exp() / (2.0 * PI).sqrt(),
        Function::GeluTanhDerivative => {
            let w = c * x * (1.0 + 0.044715 * x * x);
            sigmoid(w) + x * c * (1.0 + 3.0 * 0.044715 * x * x) * sigmoid(w) * sigmoid(-w)
        }
        Function::Relu | Function::LeakyRelu => unreachable!("exact"),
    }
}

/// Units in the last place of an f32 as large as `exact`; what overflows counts as 2¹²⁸.
fn ulps(y: f32, exact: f64) -> f64 {
    let limit = 2f64.powi(128);
    let (y, exact) = (f64::from(y).clamp(-limit, limit), exact.clamp(-limit, limit));
    let exponent = if exact == 0.0 { -126 } else { exact.abs().log2().floor().clamp(-126.0, 127.0) as i32 };
    (y - exact).abs() / 2f64.powi(exponent - 23)
}

#[test]
fn within_the_bound_in_ulp() {
    let sample = sample();
    let best = levels().last().expect("scalar is fused");
    for (function, bound) in BOUNDS {
        for (&x, y) in sample.iter().zip(map(best, function, &sample)) {
            let exact = reference(function, f64::from(x));
            if exact.is_nan() || x.is_infinite() {
                // Infinities stand in `special_values`.
                assert!(x.is_infinite() || y.is_nan(), "{} of {x} is {y}", function.name());
            } else if function == Function::Softplus && x.is_nan() {
                assert!(y.is_nan());
            } else {
                let error = ulps(y, exact);
                // log2 may misjudge a power of two by one exponent, on the strict side.
                assert!(error <= bound, "{} of {x:e}: {y:e} is {error} ULP from {exact:e}", function.name());
            }
        }
    }
}

#[test]
fn derivatives_within_two_ulp_of_one() {
    let sample: Vec<f32> = sample().into_iter().filter(|x| x.abs() < 200.0).collect();
    let best = levels().last().expect("scalar is fused");
    for function in DERIVATIVES {
        for (&x, y) in sample.iter().zip(map(best, function, &sample)) {
            let error = (f64::from(y) - reference(function, f64::from(x))).abs() / f64::from(f32::EPSILON);
            assert!(error <= 2.0, "{} of {x:e}: {y:e} is wrong by {error} ULP of 1", function.name());
        }
    }
}

#[test]
fn f64_agrees_with_the_standard_library() {
    // The library's own functions are good to 1 ULP or so, their compositions to a few: the `accuracy` command has the
    // finer reference.
    let best = levels().last().expect("scalar is fused");
    let x: Vec<f64> = (0..100_000).map(|i| (f64::from(i) - 50_000.0) / 1_234.5).collect();
    for (function, bound) in BOUNDS {
        for (&x, y) in x.iter().zip(map(best, function, &x)) {
            let exact = reference(function, x);
            let slack = match function {
                // An error of the reference's exponent is a relative error as large as the exponent; and from 0 to −2.5
                // its 1 + erf cancels to 0.006.
                Function::Gelu | Function::GeluTanh => 400.0 + 2.0 * x * x * x * x,
                Function::Erf => 8.0,
                _ => 3.0,
            };
            let error = (y - exact).abs() / (exact.abs() * f64::EPSILON).max(f64::MIN_POSITIVE);
            let fine = y == exact || error <= bound + slack || exact.is_nan() && y.is_nan();
            assert!(fine, "{} of {x}: {y:e}, not {exact:e}", function.name());
        }
    }
}

#[test]
fn every_fused_level_gives_the_same_bits() {
    // 8 + 4 + 2 + 1 elements: whole vectors and a ragged one at every level.
    let mut x: Vec<f32> = sample().into_iter().step_by(3).collect();
    x.truncate(x.len() / 64 * 64 - 64 + 15);
    let wide: Vec<f64> = x.iter().map(|&x| f64::from(x) * 1.000_000_123).collect();
    for function in Function::ALL {
        let expected: Vec<_> =
            map(levels().next().expect("scalar"), function, &x).iter().map(|y| y.to_bits()).collect();
        let expected_wide = map(levels().next().expect("scalar"), function, &wide);
        for level in levels() {
            for ((y, &bits), x) in map(level, function, &x).iter().zip(&expected).zip(&x) {
                let same = y.to_bits() == bits || y.is_nan() && f32::from_bits(bits).is_nan();
                assert!(same, "{} of {x:e} at {level}", function.name());
            }
            for ((y, e), x) in map(level, function, &wide).iter().zip(&expected_wide).zip(&wide) {
                assert!(
                    y.to_bits() == e.to_bits() || y.is_nan() && e.is_nan(),
                    "{} of {x:e} at {level}",
                    function.name()
                );
            }
        }
    }
}

/// f(−∞), f(−0), f(0), f(∞); f(NaN) is NaN for all.
fn special(function: Function) -> [f64; 4] {
    let infinity = f64::INFINITY;
    match function {
        Function::Exp => [0.0, 1.0, 1.0, infinity],
        Function::ExpM1 => [-1.0, -0.0, 0.0, infinity],
        Function::Log => [f64::NAN, -infinity, -infinity, infinity],
        Function::Log1P => [f64::NAN, -0.0, 0.0, infinity],
        Function::Tanh | Function::Erf => [-1.0, -0.0, 0.0, 1.0],
        Function::Sigmoid => [0.0, 0.5, 0.5, 1.0],
        Function::Softplus => [0.0, 2f64.ln(), 2f64.ln(), infinity],
        Function::Silu | Function::Gelu | Function::GeluTanh => [-0.0, -0.0, 0.0, infinity],
        Function::Elu => [-1.0, -0.0, 0.0, infinity],
        Function::SiluDerivative | Function::GeluDerivative | Function::GeluTanhDerivative => [0.0, 0.5, 0.5, 1.0],
        Function::Relu => [0.0, -0.0, 0.0, infinity],
        Function::LeakyRelu => [-infinity, -0.0, 0.0, infinity],
    }
}

fn check_special<T: Element>() {
    let x = [f64::NEG_INFINITY, -0.0, 0.0, f64::INFINITY, f64::NAN].map(T::from_f64);
    for function in Function::ALL {
        let zero_sign_matters = !DERIVATIVES.contains(&function);
        for level in Level::available() {
            let y = map(level, function, &x);
            for (y, expected) in y.iter().zip(special(function)) {
                let (y, expected) = (y.to_f64(), T::from_f64(expected).to_f64());
                let same = y == expected && (!zero_sign_matters || y.is_sign_negative() == expected.is_sign_negative());
                assert!(
                    same || y.is_nan() && expected.is_nan(),
                    "{}: {y}, not {expected}, at {level}",
                    function.name()
                );
            }
            assert!(y[4].to_f64().is_nan(), "{} of NaN at {level}", function.name());
        }
    }
}

#[test]
fn special_values() {
    check_special::<f32>();
    check_special::<f64>();
}

#[test]
fn a_nan_of_any_payload_stays_nan() {
    let payloads = (0..23).flat_map(|bit| [0x7f80_0000u32 | 1 << bit, 0xff80_0000 | 1 << bit, 0x7fc0_0000 | 1 << bit]);
    let x: Vec<f32> = payloads.map(f32::from_bits).collect();
    for function in Function::ALL {
        for level in Level::available() {
            assert!(map(level, function, &x).iter().all(|y| y.is_nan()), "{} at {level}", function.name());
        }
    }
}

#[test]
fn log_sum_exp_is_the_logarithm_of_the_sum() {
    for cols in [0, 1, 2, 7, 16, 17, 100, 1000] {
        let z: Vec<f64> = (0..3 * cols).map(|i| (i * 37 % 101) as f64 - 50.0).collect();
        let mut found = [0.0; 3];
        for level in Level::available() {
            let cpu = Cpu::new(level, 2);
            log_sum_exp(&cpu, MatrixRef::new(&z, 3, cols).expect("fits"), &mut found).expect("shapes agree");
            for (i, found) in found.into_iter().enumerate() {
                let expected = z[i * cols..(i + 1) * cols].iter().map(|z| z.exp()).sum::<f64>().ln();
                // The sum's error is at most cols·u relative, which the logarithm makes absolute.
                let bound = (cols as f64 + 4.0) * f64::EPSILON * (1.0 + expected.abs());
                assert!(found == expected || (found - expected).abs() <= bound, "{found} and {expected} at {level}");
            }
        }
    }
    let wrong = log_sum_exp(
        &Cpu::new(levels().next().expect("scalar"), 1),
        MatrixRef::new(&[0.0], 1, 1).expect("fits"),
        &mut [],
    );
    assert!(wrong.is_err());
}
