//! What becomes of an optimizer's state that is too small to matter.

use nxm_kernels::{Call, Cpu, Element, Level, MatrixMut, Parameters, Rule, update};

use crate::dense::rules_apart;

/// A parameter that is updated again and again by the gradients of `steps`, with its state.
fn train<T: Element>(level: Level, rule: impl Fn(u64) -> Rule<T>, steps: impl IntoIterator<Item = f64>) -> [T; 4] {
    let [mut w, mut first, mut second, mut third] = [[T::ZERO]; 4];
    for (i, gradient) in steps.into_iter().enumerate() {
        let rule = rule(i as u64 + 1);
        let kept = rule.state();
        let parameters = Parameters::new(&mut w)
            .with_first(&mut first[..kept.min(1)])
            .with_second(&mut second[..kept.saturating_sub(1).min(1)])
            .with_third(&mut third[..kept.saturating_sub(2)]);
        update(&Cpu::new(level, 1), rule, &[T::from_f64(gradient)], parameters).unwrap();
    }
    [w[0], first[0], second[0], third[0]]
}

/// One gradient of 1, then zeros: what is kept decays, is never subnormal, and is 0 in the end.
fn check_decay<T: Element>() {
    let smallest = T::MIN_POSITIVE.to_f64();
    // In f64, 0.9ⁿ and 0.9²ⁿ are subnormal after 6,700 steps and half of them; in f32 after 830.
    let steps = |n| std::iter::once(1.0).chain(std::iter::repeat_n(0.0, n));
    for level in Level::available() {
        for rule in [
            |step| Rule::momentum(0.1, 0.9, 0.0, 0.0, step),
            |_| Rule::nesterov(0.1, 0.9, 0.0),
            |step| Rule::momentum(0.1, 0.9, 0.5, 0.0, step),
            |step| Rule::adam(0.1, [0.9, 0.9], 1e-8, 0.0, step),
        ] {
            for n in [10, 800, 830, 840, 850, 7_000] {
                let [_, kept @ ..] = train::<T>(level, rule, steps(n));
                for kept in kept.map(T::to_f64) {
                    assert!(kept == 0.0 || kept >= smallest, "{kept:e} after {n} steps at {level}");
                    assert!(n < 7_000 || kept == 0.0, "{kept:e} after {n} steps at {level}");
                }
            }
        }
    }
}

#[test]
fn decayed_state_becomes_zero_and_is_never_subnormal() {
    check_decay::<f32>();
    check_decay::<f64>();
}

/// The same of the rules that are never fused, without weight decay, which would keep their gradients from being 0. A largest square and a
/// sum of squares do not decay, Adamax's u is at least ε, and Rprop's steps have a bound.
fn check_decay_apart<T: Element>() {
    let smallest = T::MIN_POSITIVE.to_f64();
    for level in Level::available() {
        for rule in rules_apart::<T>() {
            let rule = without_decay(rule);
            for n in [10, 800, 830, 840, 850, 7_000, 70_000] {
                let steps = std::iter::once(1.0).chain(std::iter::repeat_n(0.0, n));
                let [_, kept @ ..] = train::<T>(level, |_| rule, steps);
                for kept in kept.map(T::to_f64) {
                    assert!(kept == 0.0 || kept.abs() >= smallest, "{kept:e} after {n} steps of {rule:?} at {level}");
                }
            }
            let decays = match rule {
                Rule::AmsGrad { .. } | Rule::NAdam { .. } | Rule::Adadelta { .. } => 2,
                Rule::RmsProp { .. } | Rule::Lion { .. } => rule.state(),
                Rule::Adamax { .. } => 1,
                _ => 0,
            };
            let [_, kept @ ..] =
                train::<T>(level, |_| rule, std::iter::once(1.0).chain(std::iter::repeat_n(0.0, 70_000)));
            assert!(kept[..decays].iter().all(|kept| kept.to_f64() == 0.0), "{kept:?} of {rule:?} at {level}");
        }
    }
}

/// The rule with λ = 0.
fn without_decay<T: Element>(rule: Rule<T>) -> Rule<T> {
    let mut rule = rule;
    match &mut rule {
        Rule::RmsProp { lambda, .. } | Rule::Adagrad { lambda, .. } | Rule::Adadelta { lambda, .. } => {
            *lambda = T::ZERO;
        }
        Rule::Adamax { lambda, .. } | Rule::NAdam { lambda, .. } | Rule::AmsGrad { lambda, .. } => *lambda = T::ZERO,
        _ => {}
    }
    rule
}

#[test]
fn state_of_rules_apart_is_never_subnormal() {
    check_decay_apart::<f32>();
    check_decay_apart::<f64>();
}

/// v − m² of equal gradients is 0 but for rounding, of either sign: its root is no NaN.
#[test]
fn a_centred_mean_square_is_not_negative() {
    for level in Level::available() {
        for rule in rules_apart::<f32>().into_iter().filter(|rule| matches!(rule, Rule::RmsProp { centred: true, .. }))
        {
            for gradient in [0.1, 0.3, 0.7, 1.1] {
                let kept = train::<f32>(level, |_| without_decay(rule), std::iter::repeat_n(gradient, 500));
                assert!(kept.iter().all(|x| x.is_finite()), "{kept:?} of {rule:?} at {level}");
            }
        }
    }
}

/// Clipping by value: what is within the limit stays, what is beyond becomes it, and NaN stays NaN.
#[test]
fn clamped_numbers_are_within_the_limit() {
    for level in Level::available() {
        let mut x = [0.25, -0.25, 0.5, -0.5, 0.75, -0.75, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, f32::NAN];
        f32::run(&Cpu::new(level, 1), Call::clamp(0.5, MatrixMut::from_row(&mut x)).unwrap(), None);
        assert_eq!(x[..10], [0.25, -0.25, 0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 0.0, -0.0], "{level}");
        assert!(x[10].is_nan(), "{level}");
    }
}

/// Without ε, Adam's first step is the learning rate, whatever the gradient: v must not become 0, though it is subnormal.
#[test]
fn adam_without_epsilon_divides_by_a_subnormal_root() {
    for level in Level::available() {
        let [w, ..] = train::<f32>(level, |step| Rule::adam(0.1, [0.9, 0.999], 0.0, 0.0, step), [1e-20]);
        // v is 10⁻⁴³, which is 71 units of the last place of subnormal numbers: √v is good to 1 %.
        assert!((w + 0.1).abs() < 0.1 * 0.01, "{w} at {level}");
        let [w, ..] = train::<f64>(level, |step| Rule::adam(0.1, [0.9, 0.999], 0.0, 0.0, step), [1e-158]);
        assert!((w + 0.1).abs() < 0.1 * 0.01, "{w} at {level}");
    }
}
