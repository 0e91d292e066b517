//! Activations by parameters of any value: their text and their ranges, accuracy, special values, equal bits at every fused level.

use nxm_kernels::{Activation, ActivationError, Cpu, Function, Kept, Level, apply, reference};
use proptest::prelude::*;

use crate::support::*;

/// Activations with parameters, by any that are likely.
fn drawn() -> impl Strategy<Value = Activation> {
    prop_oneof![
        (0.0..2.0f64).prop_map(Activation::leaky_relu),
        (0.0..3.0f64).prop_map(Activation::elu),
        (0.05..3.0f64).prop_map(Activation::celu),
        (0.05..4.0f64, 0.0..30.0f64).prop_map(|(beta, threshold)| Activation::softplus(beta, threshold)),
    ]
}

/// Sums of both signs, and of many sizes.
fn sums<T: Float>() -> Vec<T> {
    let of_size = |size: i32| (-3..=3).map(move |i| f64::from(i) * 0.7 * 2f64.powi(size));
    (-12..6).flat_map(of_size).map(T::from_f64).collect()
}

/// f(z), or δ·f'(z) of δ = 1.5 and what the forward pass keeps.
fn run<T: Float>(level: Level, activation: Activation, z: &[T]) -> [Vec<T>; 2] {
    let cpu = Cpu::new(level, 1);
    let (mut a, mut delta) = (z.to_vec(), vec![T::from_f64(1.5); z.len()]);
    activation.forward(&cpu, &mut a);
    let kept = match activation.kept() {
        Kept::Sums => z,
        Kept::Outputs => &a[..],
    };
    activation.backward(&cpu, kept, &mut delta).unwrap();
    [a, delta]
}

/// Every level against plain loops, and the fused ones against each other.
fn check<T: Float>(activation: Activation) {
    let z = sums::<T>();
    let plain: Vec<T> = z.iter().map(|z| reference::activate(activation, *z)).collect();
    // The plain loop's derivative from z alone, in f64.
    let slope = |z: f64| match activation {
        Activation::LeakyRelu { slope } if z <= 0.0 => slope,
        Activation::Elu { alpha } if z <= 0.0 => alpha * z.exp(),
        Activation::Celu { alpha } if z <= 0.0 => (z / alpha).exp(),
        Activation::Softplus { beta, threshold } if beta * z <= threshold => 1.0 / (1.0 + (-beta * z).exp()),
        _ => 1.0,
    };
    let u = T::UNIT_ROUNDOFF;
    for level in Level::available() {
        let [a, delta] = run(level, activation, &z);
        for ((z, a), (plain, delta)) in z.iter().zip(&a).zip(plain.iter().zip(&delta)) {
            let (z, a, plain, delta) = (z.to_f64(), a.to_f64(), plain.to_f64(), delta.to_f64());
            // The argument of an exponential is rounded: that error grows with the argument. The last term is for subnormal f32, divided by β.
            let bound = (32.0 + 8.0 * activation.parameters()[0].1 * z.abs()) * u * plain.abs() + 1e-43;
            assert!((a - plain).abs() <= bound, "{activation} of {z} at {level}: {a}, not {plain}");
            // δ = 1.5; a + α, of which a is as large as α, and an f32 may stand on the other side of the threshold.
            let size = 1.5 * activation.parameters()[0].1.max(1.0);
            let near = match activation {
                Activation::Softplus { beta, threshold } => (beta * z - threshold).abs() <= 8.0 * u * threshold,
                _ => false,
            };
            let error = (delta - 1.5 * slope(z)).abs();
            assert!(near || error <= 32.0 * u * size, "{activation} at {z}, {level}: {delta}, off by {error:e}");
        }
    }
    let scalar = run(Level::named("scalar").unwrap(), activation, &z);
    for level in fused_levels::<T>() {
        for (found, want) in run(level, activation, &z).iter().zip(&scalar) {
            assert_same(found, want, &format!("{activation} at {level}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_parameters_give_what_the_definition_says(activation in drawn()) {
        check::<f32>(activation);
        check::<f64>(activation);
    }

    #[test]
    fn any_parameters_read_back(activation in drawn()) {
        prop_assert_eq!(activation.check(), Ok(()));
        prop_assert_eq!(activation.to_string().parse(), Ok(activation));
    }
}

/// f(−∞), f(−0), f(0), f(∞) and NaN, by the parameters that `samples` has.
#[test]
fn special_values_by_any_parameters() {
    fn check<T: Float>() {
        let infinity = f64::INFINITY;
        for activation in Activation::samples() {
            let low = match activation {
                Activation::LeakyRelu { .. } => -infinity,
                Activation::Elu { alpha } | Activation::Celu { alpha } => T::from_f64(-alpha).to_f64(),
                Activation::Softplus { .. } => 0.0,
                _ => continue,
            };
            let z = [-infinity, -0.0, 0.0, infinity, f64::NAN].map(T::from_f64);
            for level in Level::available() {
                let [a, _] = run(level, activation, &z);
                let [at_low, minus_0, at_0, at_high, of_nan] = [0, 1, 2, 3, 4].map(|i| a[i].to_f64());
                assert_eq!((at_low, at_high), (low, infinity), "{activation} at {level}");
                assert!(of_nan.is_nan(), "{activation} of NaN at {level}: {of_nan}");
                match activation {
                    Activation::Softplus { beta, .. } => {
                        let error = (at_0 - 2f64.ln() / beta).abs();
                        assert!(error <= 4.0 * T::UNIT_ROUNDOFF && at_0 == minus_0, "{activation} at {level}");
                    }
                    _ => {
                        assert_eq!(
                            (at_0.to_bits(), minus_0.to_bits()),
                            (0, (-0.0f64).to_bits()),
                            "{activation}, {level}"
                        );
                    }
                }
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

/// Whatever the parameters are, nothing panics, and a check names what is wrong before a kernel runs.
#[test]
fn parameters_out_of_their_ranges_are_named() {
    let wrong = |activation: Activation, name: &str, found: &str| {
        let error = activation.check().unwrap_err();
        let ActivationError::Parameter { name: of, found: is, .. } = &error else { panic!("{error}") };
        assert_eq!((*of, &is[..]), (name, found));
        let text = error.to_string();
        for part in [activation.name(), name, found, "1e30"] {
            assert!(text.contains(part), "{text}");
        }
        // Its text is refused, too.
        assert_eq!(activation.to_string().parse::<Activation>(), Err(error));
        for level in Level::available() {
            run(level, activation, &sums::<f32>());
            run(level, activation, &sums::<f64>());
        }
    };
    for bad in [-1.0, f64::INFINITY, f64::NAN, 1e31] {
        let text = bad.to_string();
        wrong(Activation::leaky_relu(bad), "slope", &text);
        wrong(Activation::elu(bad), "alpha", &text);
        wrong(Activation::celu(bad), "alpha", &text);
        wrong(Activation::softplus(bad, 20.0), "beta", &text);
        wrong(Activation::softplus(1.0, bad), "threshold", &text);
    }
    wrong(Activation::celu(0.0), "alpha", "0");
    wrong(Activation::softplus(0.0, 20.0), "beta", "0");
    for fine in [Activation::leaky_relu(0.0), Activation::elu(0.0), Activation::softplus(1.0, 0.0)] {
        assert_eq!(fine.check(), Ok(()));
    }
    assert!(Activation::samples().into_iter().all(|activation| activation.check().is_ok()));
}

#[test]
fn a_name_has_the_defaults_and_parentheses_have_others() {
    for (text, activation) in [
        ("leaky_relu", Activation::LEAKY_RELU),
        ("leaky_relu(0.2)", Activation::leaky_relu(0.2)),
        ("elu", Activation::ELU),
        ("elu(0.5)", Activation::elu(0.5)),
        ("celu", Activation::CELU),
        ("celu(0.7)", Activation::celu(0.7)),
        ("softplus", Activation::SOFTPLUS),
        ("softplus(2,3)", Activation::softplus(2.0, 3.0)),
    ] {
        assert_eq!(text.parse(), Ok(activation));
        assert_eq!(activation.to_string(), text);
    }
    // The defaults may be written out, with spaces.
    assert_eq!("softplus( 1 , 20.0 )".parse(), Ok(Activation::SOFTPLUS));
    for (text, expected) in [
        ("leaky_relu()", "leaky_relu(slope)"),
        ("leaky_relu(x)", "leaky_relu(slope)"),
        ("leaky_relu(1,2)", "leaky_relu(slope)"),
        ("leaky_relu(0.2", "leaky_relu(slope)"),
        ("softplus(2)", "softplus(beta,threshold)"),
        ("relu(1)", "relu without parameters"),
        ("identity(0)", "identity without parameters"),
    ] {
        let error = text.parse::<Activation>().unwrap_err();
        assert!(matches!(error, ActivationError::Text { .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains(&format!("{text:?}")) && error.contains(expected), "{error}");
    }
    assert!(matches!("sine(1)".parse::<Activation>(), Err(ActivationError::Name(_))));
}

/// By its default α, CELU is ELU; up to its threshold, softplus is ln(1 + eˣ), and x beyond.
#[test]
fn defaults_are_the_plain_functions() {
    fn check<T: Float>() {
        let x = sums::<T>();
        for level in Level::available() {
            let of = |function: Function| {
                let mut x = x.clone();
                apply(&Cpu::new(level, 1), function, &mut x);
                x
            };
            assert_same(&of(Function::Celu), &of(Function::Elu), "celu");
            let curve = of(Function::Log1PExp);
            let want: Vec<T> = x.iter().zip(curve).map(|(x, y)| if x.to_f64() > 20.0 { *x } else { y }).collect();
            assert_same(&of(Function::Softplus), &want, "softplus");
            for activation in [Activation::LEAKY_RELU, Activation::ELU, Activation::CELU, Activation::SOFTPLUS] {
                let function = activation.function().expect("it is not the identity");
                assert_same(&run(level, activation, &x)[0], &of(function), &format!("{activation} applied"));
            }
        }
    }
    check::<f32>();
    check::<f64>();
}
