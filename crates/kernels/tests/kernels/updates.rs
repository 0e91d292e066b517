//! What becomes of an optimizer's state that is too small to matter.

use nxm_kernels::{Cpu, Element, Level, Parameters, Rule, update};

/// A parameter that is updated again and again by the gradients of `steps`, with its state.
fn train<T: Element>(level: Level, rule: impl Fn(u64) -> Rule<T>, steps: impl IntoIterator<Item = f64>) -> [T; 3] {
    let [mut w, mut first, mut second] = [[T::ZERO]; 3];
    for (i, gradient) in steps.into_iter().enumerate() {
        let rule = rule(i as u64 + 1);
        let kept = rule.state();
        let parameters = Parameters::new(&mut w)
            .with_first(&mut first[..kept.min(1)])
            .with_second(&mut second[..kept.saturating_sub(1)]);
        update(&Cpu::new(level, 1), rule, &[T::from_f64(gradient)], parameters).unwrap();
    }
    [w[0], first[0], second[0]]
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
                let [_, first, second] = train::<T>(level, rule, steps(n));
                for kept in [first, second].map(T::to_f64) {
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
