//! The vector functions: error bounds on a stratified sample, special values, equal bits at every fused level.
//!
//! Every f32 there is was tested by the `accuracy` command (docs/numerics.md); the bounds here are those it found.

use nxm_kernels::{Accuracy, Cpu, Element, Function, Level, MatrixRef, apply, log_sum_exp};

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

/// Units in the last place of an f32 as large as `exact`; what overflows counts as 2¹²⁸.
fn ulps(y: f32, exact: f64) -> f64 {
    let limit = 2f64.powi(128);
    let (y, exact) = (f64::from(y).clamp(-limit, limit), exact.clamp(-limit, limit));
    let exponent = if exact == 0.0 { -126 } else { exact.abs().log2().floor().clamp(-126.0, 127.0) as i32 };
    (y - exact).abs() / 2f64.powi(exponent - 23)
}

#[test]
fn within_the_bound() {
    let sample = sample();
    let best = levels().last().expect("scalar is fused");
    for function in Function::ALL {
        for (&x, y) in sample.iter().zip(map(best, function, &sample)) {
            let exact = function.definition(f64::from(x));
            if exact.is_nan() || x.is_infinite() {
                // Infinities stand in `special_values`.
                assert!(x.is_infinite() || y.is_nan(), "{} of {x} is {y}", function.name());
                continue;
            }
            // log2 may misjudge a power of two by one exponent, on the strict side.
            let (error, bound) = match function.accuracy() {
                Accuracy::Exact => (ulps(y, f64::from(exact as f32)), 0),
                Accuracy::Ulp(bound) => (ulps(y, exact), bound),
                Accuracy::UlpOfOne(bound) => ((f64::from(y) - exact).abs() / f64::from(f32::EPSILON), bound),
            };
            assert!(error <= f64::from(bound), "{} of {x:e}: {y:e} is {error} ULP from {exact:e}", function.name());
        }
    }
}

#[test]
fn f64_agrees_with_the_standard_library() {
    // The library's own functions are good to 1 ULP or so, their compositions to a few: the `accuracy` command has the
    // finer reference.
    let best = levels().last().expect("scalar is fused");
    let x: Vec<f64> = (0..100_000).map(|i| (f64::from(i) - 50_000.0) / 1_234.5).collect();
    for function in Function::ALL {
        let Accuracy::Ulp(bound) = function.accuracy() else { continue };
        for (&x, y) in x.iter().zip(map(best, function, &x)) {
            let exact = function.definition(x);
            let slack = match function {
                // An error of the reference's exponent is a relative error as large as the exponent; and from 0 to −2.5
                // its 1 + erf cancels to 0.006.
                Function::Gelu | Function::GeluTanh => 400.0 + 2.0 * x * x * x * x,
                Function::Erf => 8.0,
                _ => 3.0,
            };
            let error = (y - exact).abs() / (exact.abs() * f64::EPSILON).max(f64::MIN_POSITIVE);
            let fine = y == exact || error <= f64::from(bound) + slack || exact.is_nan() && y.is_nan();
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

fn check_special<T: Element>() {
    for function in Function::ALL {
        // 2 ULP of 1, and a zero of either sign.
        let loose = matches!(function.accuracy(), Accuracy::UlpOfOne(_));
        for level in Level::available() {
            let x = [f64::NEG_INFINITY, -0.0, 0.0, f64::INFINITY];
            for (x, y) in x.into_iter().zip(map(level, function, &x.map(T::from_f64))) {
                let (y, expected) = (y.to_f64(), T::from_f64(function.definition(x)).to_f64());
                let same = y.to_bits() == expected.to_bits() || y.is_nan() && expected.is_nan();
                let near = loose && (y - expected).abs() <= 4.0 * T::UNIT_ROUNDOFF;
                assert!(same || near, "{} of {x}: {y}, not {expected}, at {level}", function.name());
            }
            assert!(
                map(level, function, &[T::from_f64(f64::NAN)])[0].to_f64().is_nan(),
                "{} of NaN at {level}",
                function.name()
            );
        }
    }
}

/// The definitions' own limits: what the test above compares with.
#[test]
fn limits_are_what_mathematics_says() {
    let infinity = f64::INFINITY;
    // f(−∞), f(0), f(∞).
    for (function, limits) in [
        (Function::Exp, [0.0, 1.0, infinity]),
        (Function::ExpM1, [-1.0, 0.0, infinity]),
        (Function::Tanh, [-1.0, 0.0, 1.0]),
        (Function::Erf, [-1.0, 0.0, 1.0]),
        (Function::Sigmoid, [0.0, 0.5, 1.0]),
        (Function::Log1PExp, [0.0, 2f64.ln(), infinity]),
        (Function::Softplus, [0.0, 2f64.ln(), infinity]),
        (Function::Silu, [-0.0, 0.0, infinity]),
        (Function::Gelu, [-0.0, 0.0, infinity]),
        (Function::GeluTanh, [-0.0, 0.0, infinity]),
        (Function::Mish, [-0.0, 0.0, infinity]),
        (Function::Elu, [-1.0, 0.0, infinity]),
        (Function::Celu, [-1.0, 0.0, infinity]),
        (Function::Relu6, [0.0, 0.0, 6.0]),
        (Function::HardTanh, [-1.0, 0.0, 1.0]),
        (Function::HardSigmoid, [0.0, 0.5, 1.0]),
        (Function::HardSwish, [-0.0, 0.0, infinity]),
        (Function::LogSigmoid, [-infinity, -2f64.ln(), 0.0]),
        (Function::Selu, [-1.0507009873554805 * 1.6732632423543772, 0.0, infinity]),
        (Function::Softsign, [-1.0, 0.0, 1.0]),
        (Function::SiluDerivative, [0.0, 0.5, 1.0]),
        (Function::GeluDerivative, [0.0, 0.5, 1.0]),
        (Function::GeluTanhDerivative, [0.0, 0.5, 1.0]),
        (Function::MishDerivative, [0.0, 0.6, 1.0]),
    ] {
        let found = [-infinity, 0.0, infinity].map(|x| function.definition(x));
        for (found, limit) in found.into_iter().zip(limits) {
            assert!((found - limit).abs() < 1e-15 || found == limit, "{}: {found:?}, not {limits:?}", function.name());
        }
        let linear_unit = limits[0] == 0.0 && limits[2] == infinity && limits[1] == 0.0;
        assert!(!linear_unit || found[0].is_sign_negative(), "{}", function.name());
    }
    assert!(Function::Log.definition(-1.0).is_nan() && Function::Log.definition(0.0) == -infinity);
    assert!(Function::Log1P.definition(-infinity).is_nan() && Function::Log1P.definition(infinity) == infinity);
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
