//! A layer's fused products against the two kernels each is made of: the same bits.

use nxm_kernels::{
    Activation, Cpu, Decay, Element, Init, Level, MatrixMut, MatrixRef, Parameters, Rule, WORTH_A_THREAD,
    dense_forward, dense_forward_keeping, dense_input_gradient, dense_update, gemm, update,
};
use proptest::prelude::*;

/// Numbers between −1 and 1 that depend on `seed` and on their place.
fn numbers<T: Element>(len: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        T::from_f64((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    };
    (0..len).map(|_| next()).collect()
}

fn bits<T: Element>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.to_bits_u64()).collect()
}

/// One rule of each kind that is never fused.
pub fn rules_apart<T: Element>() -> Vec<Rule<T>> {
    let [rate, beta, rest, epsilon, lambda, keep, correction] =
        [0.01, 0.9, 0.1, 1e-8, 0.02, 0.99, 1.7].map(T::from_f64);
    let rmsprop = |centred, momentum| Rule::RmsProp {
        learning_rate: rate,
        alpha: beta,
        one_minus_alpha: rest,
        epsilon,
        centred,
        momentum,
        lambda,
    };
    vec![
        Rule::AmsGrad {
            step_size: rate,
            one_minus_beta1: rest,
            beta2: beta,
            one_minus_beta2: rest,
            correction,
            epsilon,
            lambda,
            keep,
        },
        rmsprop(false, None),
        rmsprop(false, Some(beta)),
        rmsprop(true, None),
        rmsprop(true, Some(beta)),
        Rule::Adagrad { learning_rate: rate, epsilon, lambda },
        Rule::Adadelta { learning_rate: rate, rho: beta, one_minus_rho: rest, epsilon, lambda },
        Rule::Adamax { step_size: rate, one_minus_beta1: rest, beta2: beta, epsilon, lambda },
        Rule::NAdam {
            of_gradient: rate,
            of_moment: rest,
            one_minus_beta1: rest,
            beta2: beta,
            one_minus_beta2: rest,
            correction,
            epsilon,
            lambda,
        },
        Rule::Lion { learning_rate: rate, one_minus_beta1: rest, one_minus_beta2: lambda, keep },
        Rule::Rprop { smaller: T::from_f64(0.5), larger: T::from_f64(1.2), least: T::from_f64(0.05), most: keep },
    ]
}

/// One rule of each kind that may be fused, with each kind of decay.
pub fn rules<T: Element>() -> Vec<Rule<T>> {
    let t = T::from_f64;
    let mut rules = Vec::new();
    for decay in [Decay::None, Decay::L2(t(0.01)), Decay::Decoupled(t(0.999))] {
        rules.push(Rule::Sgd { learning_rate: t(0.1), decay });
        rules.push(Rule::Momentum { learning_rate: t(0.1), momentum: t(0.9), decay });
        rules.push(Rule::Dampened { learning_rate: t(0.1), momentum: t(0.9), keep: t(0.7), decay });
        rules.push(Rule::Nesterov { learning_rate: t(0.1), momentum: t(0.9), decay });
        rules.push(Rule::Adam {
            step_size: t(0.01),
            one_minus_beta1: t(0.1),
            beta2: t(0.999),
            one_minus_beta2: t(0.001),
            correction: t(1.7),
            epsilon: t(1e-8),
            decay,
        });
    }
    rules
}

fn fused_is_separate<T: Element>(rows: usize, n: usize, m: usize, threads: usize, seed: u64) {
    for level in Level::available() {
        let cpu = Cpu::new(level, threads);
        let x: Vec<T> = numbers(rows * n, seed);
        let w: Vec<T> = numbers(n * m, seed + 1);
        let bias: Vec<T> = numbers(m, seed + 2);
        let delta: Vec<T> = numbers(rows * m, seed + 3);
        let x = MatrixRef::new(&x, rows, n).unwrap();
        let weights = MatrixRef::new(&w, n, m).unwrap();
        let delta = MatrixRef::new(&delta, rows, m).unwrap();
        for activation in Activation::samples() {
            let mut separate = vec![T::ZERO; rows * m];
            gemm(&cpu, x, weights, Init::Bias(&bias), MatrixMut::new(&mut separate, rows, m).unwrap()).unwrap();
            activation.forward(&cpu, &mut separate);
            let mut fused = vec![T::ONE; rows * m];
            dense_forward(&cpu, x, weights, &bias, activation, MatrixMut::new(&mut fused, rows, m).unwrap()).unwrap();
            assert_eq!(bits(&separate), bits(&fused), "{level} {activation} forward");
            let (mut sums, mut kept, mut fused) =
                (vec![T::ZERO; rows * m], vec![T::ONE; rows * m], vec![T::ONE; rows * m]);
            gemm(&cpu, x, weights, Init::Bias(&bias), MatrixMut::new(&mut sums, rows, m).unwrap()).unwrap();
            let [z, a] = [&mut kept, &mut fused].map(|to| MatrixMut::new(to, rows, m).unwrap());
            dense_forward_keeping(&cpu, x, weights, &bias, activation, z, a).unwrap();
            assert_eq!((bits(&sums), bits(&separate)), (bits(&kept), bits(&fused)), "{level} {activation} keeping");

            let outputs: Vec<T> = numbers(rows * n, seed + 4);
            let mut separate = vec![T::ZERO; rows * n];
            let d = MatrixMut::new(&mut separate, rows, n).unwrap();
            gemm(&cpu, delta, weights.transpose(), Init::Zero, d).unwrap();
            activation.backward(&cpu, &outputs, &mut separate).unwrap();
            let mut fused = vec![T::ONE; rows * n];
            let outputs = MatrixRef::new(&outputs, rows, n).unwrap();
            let d = MatrixMut::new(&mut fused, rows, n).unwrap();
            dense_input_gradient(&cpu, delta, weights, activation, outputs, d).unwrap();
            assert_eq!(bits(&separate), bits(&fused), "{level} {activation} input gradient");
        }
        for rule in rules::<T>() {
            let mut gradient = vec![T::ZERO; n * m];
            gemm(&cpu, x.transpose(), delta, Init::Zero, MatrixMut::new(&mut gradient, n, m).unwrap()).unwrap();
            let start = |seed| -> Vec<T> { numbers::<T>(n * m, seed) };
            // Adam's second moment is a square.
            let squares = |seed| -> Vec<T> { start(seed).iter().map(|v| T::from_f64(v.to_f64().powi(2))).collect() };
            let (mut w1, mut m1, mut v1) = (w.clone(), start(seed + 5), squares(seed + 6));
            let (mut w2, mut m2, mut v2) = (w1.clone(), m1.clone(), v1.clone());
            let parameters = Parameters::new(&mut w1).with_first(&mut m1).with_second(&mut v1);
            update(&cpu, rule, &gradient, parameters).unwrap();
            let mut state = [&mut m2, &mut v2].map(|s| Some(MatrixMut::new(s, n, m).unwrap()));
            for unused in rule.state()..2 {
                state[unused] = None;
            }
            dense_update(&cpu, x, delta, rule, MatrixMut::new(&mut w2, n, m).unwrap(), state).unwrap();
            for (name, separate, fused) in [("weights", &w1, &w2), ("first", &m1, &m2), ("second", &v1, &v2)] {
                assert_eq!(bits(separate), bits(fused), "{level} {rule:?} {name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Sides around the tile's: 1 to 4 vectors of 16 lanes and a bit, rows up to two tiles and a bit.
    #[test]
    fn fused_is_separate_f32(rows in 1usize..20, n in 1usize..70, m in 1usize..70, threads in 1usize..4, seed: u64) {
        fused_is_separate::<f32>(rows, n, m, threads, seed % (1 << 60));
    }

    #[test]
    fn fused_is_separate_f64(rows in 1usize..20, n in 1usize..40, m in 1usize..40, threads in 1usize..4, seed: u64) {
        fused_is_separate::<f64>(rows, n, m, threads, seed % (1 << 60));
    }
}

/// Large enough for threads (three of [`nxm_kernels::WORTH_A_THREAD`]), for packing, and for more than one block of k.
#[test]
fn fused_is_separate_in_parallel() {
    const { assert!(130 * 900 * 70 > 3 * WORTH_A_THREAD && 110 * 70 * 900 > 3 * WORTH_A_THREAD) };
    for threads in [1, 2, 3] {
        fused_is_separate::<f32>(130, 900, 70, threads, 7);
        fused_is_separate::<f32>(110, 70, 900, threads, 8);
    }
}

/// Sums so long that a block of A of one row is larger than its share of the cache.
#[test]
fn very_long_sums_end() {
    let k = 70_000;
    let (a, b) = (numbers::<f32>(k, 1), numbers::<f32>(k, 2));
    let chain = a.iter().zip(&b).fold(0.0f32, |sum, (a, b)| a.mul_add(*b, sum));
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
    let mut c = [1.0f32];
    let (a, b) = (MatrixRef::new(&a, 1, k).unwrap(), MatrixRef::new(&b, k, 1).unwrap());
    gemm(&cpu, a, b, Init::Zero, MatrixMut::new(&mut c, 1, 1).unwrap()).unwrap();
    assert_eq!(c[0].to_bits(), chain.to_bits());
}
