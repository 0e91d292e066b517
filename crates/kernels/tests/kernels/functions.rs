//! exp, log, sigmoid and tanh against the standard library in f64, over all exponents and both signs.
//!
//! Errors are in ULP: units in the last place of the true value. f32 is measured against f64, whose own error is below
//! 1e-8 of such a unit. f64 is measured against the standard library's f64, which itself errs by up to a unit or so: the
//! bounds there allow for that. The bounds hold at levels that do not fuse, too.

use nxm_kernels::{Activation, Cpu, Level};

use crate::run::SliceKernel;
use crate::support::*;

/// A function: how to run it, its true value, and its bounds in ULP for (f32, f64).
struct Case {
    op: SliceKernel,
    truth: fn(f64) -> f64,
    bounds: (f64, f64),
}

/// 1 / (1 + e⁻ˣ), in the form that keeps its precision.
fn sigmoid(x: f64) -> f64 {
    if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
}

static CASES: [Case; 4] = [
    Case { op: SliceKernel::Exp, truth: f64::exp, bounds: (1.0, 2.0) },
    Case { op: SliceKernel::Log, truth: f64::ln, bounds: (1.0, 2.0) },
    Case { op: SliceKernel::Forward(Activation::Sigmoid), truth: sigmoid, bounds: (3.0, 4.0) },
    Case { op: SliceKernel::Forward(Activation::Tanh), truth: f64::tanh, bounds: (3.0, 4.0) },
];

/// Each function at the Scalar level, which stands for all that fuse (they have the same bits), and at those that don't.
fn cases<T: Float>() -> impl Iterator<Item = (&'static Case, Level)> {
    let apart = |level: &Level| level.name() == "scalar" || !level.shape::<T>().fused;
    CASES.iter().flat_map(move |case| Level::available().filter(apart).map(move |level| (case, level)))
}

/// `per_exponent` numbers of each exponent (subnormals included), the first and the last of it among them, of both signs.
fn f32_sample(per_exponent: usize) -> Vec<f32> {
    let mut random = Random::new(32);
    let mut sample = Vec::new();
    for exponent in 0..255u32 {
        for i in 0..per_exponent {
            let mantissa = [0, 1, (1 << 23) - 1].get(i).copied().unwrap_or(random.below(1 << 23) as u32);
            let x = f32::from_bits(exponent << 23 | mantissa);
            sample.extend([x, -x]);
        }
    }
    sample
}

/// The same for f64; and, as all but a few of its 2046 exponents are trivial, points in [−800, 800].
fn f64_sample(per_exponent: usize) -> Vec<f64> {
    let mut random = Random::new(64);
    let mut sample = Vec::new();
    for exponent in 0..2047u64 {
        for i in 0..per_exponent {
            let mantissa = [0, 1, (1 << 52) - 1].get(i).copied().unwrap_or(random.bits() >> 12);
            let x = f64::from_bits(exponent << 52 | mantissa);
            sample.extend([x, -x]);
        }
    }
    sample.extend((0..40_000).map(|_| random.unit::<f64>() * 800.0));
    sample.extend((0..40_000).map(|_| random.unit::<f64>() * 2.0));
    sample
}

/// The distance of `got` from `truth` in units in the last place of a format with `mantissa` stored bits, smallest
/// exponent `low` and largest `high`. ∞ counts as the power of two that would follow the largest number.
fn ulp(got: f64, truth: f64, mantissa: i32, low: i32, high: i32) -> f64 {
    let top = |x: f64| if x.is_infinite() { x.signum() * 2f64.powi(high) * 2.0 } else { x };
    let exponent = ((truth.abs().to_bits() >> 52) as i32 - 1023).clamp(low, high);
    // In two steps: 2^(low − mantissa) is subnormal in f64, and `powi` makes it 0.
    (top(got) - top(truth)).abs() / 2f64.powi(exponent) * 2f64.powi(mantissa)
}

#[test]
fn f32_functions_err_by_a_few_ulp() {
    let sample = f32_sample(200);
    for (case, level) in cases::<f32>() {
        let mut got = sample.clone();
        case.op.run(&Cpu::new(level, 1), 1, got.len(), &[], &[], &mut got);
        let mut worst = (0.0, 0.0, 0.0);
        for (x, got) in sample.iter().zip(&got) {
            let truth = (case.truth)(*x as f64);
            if truth.is_nan() {
                assert!(got.is_nan(), "{:?}({x:e}) is {got:e}, not NaN", case.op);
                continue;
            }
            // Beyond the largest number the true value is as good as 2^128.
            let error = ulp(*got as f64, truth.min(2f64.powi(128)), 23, -126, 127);
            if error.is_nan() || error > worst.0 {
                worst = (error, *x, *got);
            }
        }
        let (error, x, got) = worst;
        println!("{:?} in f32 at {level}: at most {error:.3} ULP over {} points, at {x:e}", case.op, sample.len());
        // Without fused multiply-add products round once more.
        let bound = if level.shape::<f32>().fused { case.bounds.0 } else { case.bounds.0 + 0.5 };
        assert!(error <= bound, "{:?}({x:e}) = {got:e} at {level} is off by {error} ULP", case.op);
    }
}

#[test]
fn f64_functions_err_by_a_few_ulp() {
    let sample = f64_sample(8);
    for (case, level) in cases::<f64>() {
        let mut got = sample.clone();
        case.op.run(&Cpu::new(level, 1), 1, got.len(), &[], &[], &mut got);
        let mut worst = (0.0, 0.0, 0.0);
        for (x, got) in sample.iter().zip(&got) {
            let truth = (case.truth)(*x);
            if truth.is_nan() || truth.is_infinite() {
                assert!(same(*got, truth), "{:?}({x:e}) is {got:e}, not {truth}", case.op);
                continue;
            }
            let error = ulp(*got, truth, 52, -1022, 1023);
            if error.is_nan() || error > worst.0 {
                worst = (error, *x, *got);
            }
        }
        let (error, x, got) = worst;
        println!("{:?} in f64 at {level}: at most {error:.3} ULP over {} points, at {x:e}", case.op, sample.len());
        assert!(error <= case.bounds.1, "{:?}({x:e}) = {got:e} at {level} is off by {error} ULP", case.op);
    }
}

/// f(x) = y to the bit at every level, in every lane of a vector.
fn check<T: Float>(op: SliceKernel, pairs: &[(T, T)]) {
    for cpu in cpus() {
        for &(x, y) in pairs {
            let mut got = [x; 17];
            op.run(&cpu, 1, 17, &[], &[], &mut got);
            assert_same(&got, &[y; 17], &format!("{op:?}({x:?}) on {cpu:?}"));
        }
    }
}

#[test]
fn special_values_of_f32() {
    let (infinity, nan) = (f32::INFINITY, f32::NAN);
    let tiny = f32::from_bits(1);
    let [sigmoid, tanh] = [Activation::Sigmoid, Activation::Tanh].map(SliceKernel::Forward);
    let exp = [(nan, nan), (infinity, infinity), (-infinity, 0.0), (0.0, 1.0), (-0.0, 1.0), (tiny, 1.0), (-tiny, 1.0)];
    check(SliceKernel::Exp, &exp);
    // ln of the largest number is 88.7228…; the smallest subnormal is e^−103.2789…, half of it e^−103.972….
    check(SliceKernel::Exp, &[(88.73, infinity), (1e30, infinity), (f32::MAX, infinity)]);
    check(SliceKernel::Exp, &[(-103.28, tiny), (-103.9, tiny), (-104.0, 0.0), (-1e30, 0.0), (f32::MIN, 0.0)]);
    let log = [(nan, nan), (infinity, infinity), (-infinity, nan), (0.0, -infinity), (-0.0, -infinity), (1.0, 0.0)];
    check(SliceKernel::Log, &log);
    check(
        SliceKernel::Log,
        &[(-1.0, nan), (-tiny, nan), (-f32::MIN_POSITIVE, nan), (tiny, -103.278_93), (f32::MAX, 88.722_84)],
    );
    check(
        sigmoid,
        &[(nan, nan), (infinity, 1.0), (-infinity, 0.0), (0.0, 0.5), (-0.0, 0.5), (tiny, 0.5), (-tiny, 0.5)],
    );
    check(sigmoid, &[(20.0, 1.0), (f32::MAX, 1.0), (f32::MIN, 0.0), (-103.28, tiny)]);
    check(
        tanh,
        &[(nan, nan), (infinity, 1.0), (-infinity, -1.0), (0.0, 0.0), (-0.0, -0.0), (10.0, 1.0), (-10.0, -1.0)],
    );
    check(tanh, &[(tiny, tiny), (-tiny, -tiny), (f32::MIN_POSITIVE, f32::MIN_POSITIVE), (f32::MAX, 1.0)]);
}

#[test]
fn special_values_of_f64() {
    let (infinity, nan) = (f64::INFINITY, f64::NAN);
    let tiny = f64::from_bits(1);
    let [sigmoid, tanh] = [Activation::Sigmoid, Activation::Tanh].map(SliceKernel::Forward);
    let exp = [(nan, nan), (infinity, infinity), (-infinity, 0.0), (0.0, 1.0), (-0.0, 1.0), (tiny, 1.0), (-tiny, 1.0)];
    check(SliceKernel::Exp, &exp);
    // ln of the largest number is 709.7827…; the smallest subnormal is e^−744.4400…, half of it e^−745.133….
    check(SliceKernel::Exp, &[(709.79, infinity), (f64::MAX, infinity), (-744.5, tiny), (-745.1, tiny)]);
    check(SliceKernel::Exp, &[(-745.2, 0.0), (f64::MIN, 0.0)]);
    let log = [(nan, nan), (infinity, infinity), (-infinity, nan), (0.0, -infinity), (-0.0, -infinity), (1.0, 0.0)];
    check(SliceKernel::Log, &log);
    check(
        SliceKernel::Log,
        &[(-1.0, nan), (-tiny, nan), (tiny, -744.440_071_921_381_2), (f64::MAX, 709.782_712_893_384)],
    );
    check(
        sigmoid,
        &[(nan, nan), (infinity, 1.0), (-infinity, 0.0), (0.0, 0.5), (-0.0, 0.5), (40.0, 1.0), (f64::MIN, 0.0)],
    );
    check(
        tanh,
        &[(nan, nan), (infinity, 1.0), (-infinity, -1.0), (0.0, 0.0), (-0.0, -0.0), (20.0, 1.0), (-20.0, -1.0)],
    );
    check(tanh, &[(tiny, tiny), (-tiny, -tiny), (f64::MAX, 1.0)]);
}

/// ReLU and its leaky kin on what is neither above nor below zero.
#[test]
fn rectifiers_pass_nan_and_both_infinities() {
    let (infinity, nan) = (f32::INFINITY, f32::NAN);
    let [relu, leaky] = [Activation::Relu, Activation::LEAKY_RELU].map(SliceKernel::Forward);
    check(relu, &[(nan, nan), (infinity, infinity), (-infinity, 0.0), (0.0, 0.0), (-1.0, 0.0), (2.0, 2.0)]);
    check(leaky, &[(nan, nan), (infinity, infinity), (-infinity, -infinity), (0.0, 0.0), (-1.0, -0.01), (2.0, 2.0)]);
}

/// The functions have the same bits at every fused level, over all exponents.
#[test]
fn functions_have_the_same_bits_at_every_fused_level() {
    fn check<T: Float>(sample: &[T]) {
        for case in &CASES {
            let run = |level| {
                let mut out = sample.to_vec();
                case.op.run(&Cpu::new(level, 1), 1, out.len(), &[], &[], &mut out);
                out
            };
            let want = run(Level::named("scalar").unwrap());
            for level in fused_levels::<T>() {
                assert_same(&run(level), &want, &format!("{:?} at {level}", case.op));
            }
        }
    }
    check(&f32_sample(200));
    check(&f64_sample(8));
}

/// A row with NaN or +∞ is NaN throughout; −∞ is a probability of zero.
#[test]
fn softmax_of_special_rows() {
    let (infinity, nan) = (f32::INFINITY, f32::NAN);
    for cpu in cpus() {
        for bad in [nan, infinity] {
            for at in [0, 5, 15, 16, 18, 36] {
                for op in [SliceKernel::Softmax, SliceKernel::LogSoftmax] {
                    let mut row = [0.5; 37];
                    row[at] = bad;
                    op.run(&cpu, 1, 37, &[], &[], &mut row);
                    assert!(row.iter().all(|x| x.is_nan()), "{op:?} with {bad} at {at} on {cpu:?}: {row:?}");
                }
            }
        }
        let mut row = [1.0, -infinity, 1.0];
        SliceKernel::Softmax.run(&cpu, 1, 3, &[], &[], &mut row);
        assert_same(&row, &[0.5, 0.0, 0.5], "softmax");
        let mut row = [3.0];
        SliceKernel::LogSoftmax.run(&cpu, 1, 1, &[], &[], &mut row);
        assert_same(&row, &[0.0], "log-softmax of one");
        // Large logits: the maximum is taken off first.
        let mut row = [1e30, 1e30, -1e30, 0.0];
        SliceKernel::Softmax.run(&cpu, 2, 2, &[], &[], &mut row);
        assert_same(&row, &[0.5, 0.5, 0.0, 1.0], "softmax of large logits");
    }
}
