//! Samples of the losses, and what the newer ones compute beside plain loops.

use nxm_kernels::call::Op;
use nxm_kernels::{Call, Cpu, Measure, ShapeError, reference};

use crate::catalogue::{Buffer, Sample, matrix, positive, ran};
use crate::support::*;

/// Every measure of how far an output is from its target.
pub fn measures<T: Float>() -> [Measure<T>; 9] {
    let t = T::from_f64;
    [
        Measure::Squared,
        Measure::Absolute,
        Measure::Huber { delta: t(0.5) },
        Measure::Quantile { tau: t(0.25), rest: t(0.75) },
        Measure::Poisson,
        Measure::PoissonRate { epsilon: t(1e-8) },
        Measure::SoftMargin,
        Measure::KullbackLeibler,
        Measure::KullbackLeiblerOfLogs,
    ]
}

/// Losses of each element, and those with weights of outputs or rows.
pub fn further_losses<T: Float>(b: usize, m: usize, r: &mut Random) -> Vec<Sample<T>> {
    let t = T::from_f64;
    let mean = t(1.0 / (b * m).max(1) as f64);
    let mut all = vec![Op::WeightedBinaryCrossEntropy {
        logits: matrix(r, b, m),
        targets: positive(r, b, m),
        positive: matrix(r, 2, m),
        mean,
        losses: matrix(r, b, m),
        delta: matrix(r, b, m),
        loss: matrix(r, 1, 1),
    }];
    // What came later has numbers of its own, so that the others keep theirs: see `soft_losses`.
    for measure in measures().into_iter().filter(|measure| *measure != Measure::KullbackLeiblerOfLogs) {
        all.push(Op::ElementLoss {
            measure,
            // Of which a logarithm can be taken.
            outputs: positive(r, b, m),
            targets: positive(r, b, m),
            mean,
            slope: mean + mean,
            losses: matrix(r, b, m),
            delta: matrix(r, b, m),
            loss: matrix(r, 1, 1),
        });
    }
    for (shares, each) in [(None, m), (Some(positive(r, 1, b)), 1)] {
        all.push(Op::WeighRows {
            losses: positive(r, b, each),
            weights: positive(r, 1, b),
            shares,
            rows: t(b as f64),
            mean,
            factors: matrix(r, 1, b),
            delta: matrix(r, b, m),
            loss: matrix(r, 1, 1),
        });
    }
    all
}

/// The call of a loss with a probability of each class.
pub fn call<T: Float>(sample: &mut Sample<T>) -> Result<Call<'_, T>, ShapeError> {
    let Op::SoftCrossEntropy { logits, targets, classes, mean, shares, losses, delta, loss } = sample else {
        panic!("{} is no such loss", sample.name())
    };
    let [shares, losses, delta, loss] = [shares, losses, delta, loss].map(Buffer::view_mut);
    let classes = classes.as_ref().map(Buffer::view);
    Call::soft_cross_entropy(logits.view(), targets.view(), classes, *mean, shares, losses, delta, loss)
}

/// Losses with a probability of each class, without weights and with them; and the divergence of logarithms.
pub fn soft_losses<T: Float>(b: usize, m: usize, r: &mut Random) -> Vec<Sample<T>> {
    let weighted = |weighted: bool| Op::SoftCrossEntropy {
        logits: matrix(r, b, m),
        targets: positive(r, b, m),
        classes: weighted.then(|| positive(r, 2, m)),
        mean: T::from_f64(1.0 / b.max(1) as f64),
        shares: matrix(r, 1, m),
        losses: matrix(r, 1, b),
        delta: matrix(r, b, m),
        loss: matrix(r, 1, 1),
    };
    let mut all = Vec::from([false, true].map(weighted));
    all.push(Op::ElementLoss {
        measure: Measure::KullbackLeiblerOfLogs,
        outputs: matrix(r, b, m),
        targets: matrix(r, b, m),
        mean: T::from_f64(0.25),
        slope: T::from_f64(0.5),
        losses: matrix(r, b, m),
        delta: matrix(r, b, m),
        loss: matrix(r, 1, 1),
    });
    all
}

/// The losses that a network is trained by most, each with all that it keeps.
pub fn losses<T: Float>(b: usize, m: usize, r: &mut Random) -> [Sample<T>; 4] {
    let t = T::from_f64;
    let labels: Vec<u32> = (0..b).map(|_| r.below(m.max(1)) as u32).collect();
    let mean = t(1.0 / (b * m) as f64);
    [
        Op::MeanSquaredError {
            outputs: matrix(r, b, m),
            targets: matrix(r, b, m),
            mean,
            slope: mean + mean,
            delta: matrix(r, b, m),
            loss: matrix(r, 1, 1),
        },
        Op::BinaryCrossEntropy {
            logits: matrix(r, b, m),
            targets: positive(r, b, m),
            mean,
            losses: matrix(r, b, m),
            delta: matrix(r, b, m),
            loss: matrix(r, 1, 1),
        },
        Op::CrossEntropy {
            logits: matrix(r, b, m),
            labels: labels.clone(),
            mean: t(1.0 / b as f64),
            losses: matrix(r, 1, b),
            delta: matrix(r, b, m),
            loss: matrix(r, 1, 1),
        },
        Op::WeightedCrossEntropy {
            logits: matrix(r, b, m),
            labels,
            classes: positive(r, 3, m),
            spread: t(0.3),
            weights: matrix(r, 1, b),
            losses: matrix(r, 1, b),
            delta: matrix(r, b, m),
            loss: matrix(r, 1, 1),
        },
    ]
}

/// ℓ and g of an element, as their definitions say it.
fn point(measure: Measure<f64>, o: f64, t: f64) -> (f64, f64) {
    let d = o - t;
    let sign = if d == 0.0 { 0.0 } else { d.signum() };
    match measure {
        Measure::Squared => (d * d, d),
        Measure::Absolute => (d.abs(), sign),
        Measure::Huber { delta } if d.abs() < delta => (d * d / 2.0, d),
        Measure::Huber { delta } => (delta * (d.abs() - delta / 2.0), delta * sign),
        Measure::Quantile { tau, rest } if d <= 0.0 => (-tau * d, if d < 0.0 { -tau } else { 0.0 * rest }),
        Measure::Quantile { rest, .. } => (rest * d, rest),
        Measure::Poisson => (o.exp() - t * o, o.exp() - t),
        Measure::PoissonRate { epsilon } => (o - t * (o + epsilon).ln(), 1.0 - t / (o + epsilon)),
        Measure::SoftMargin => ((-t * o).exp().ln_1p(), -t / (1.0 + (t * o).exp())),
        Measure::KullbackLeiblerOfLogs => (t.exp() * (t - o), -t.exp()),
        Measure::KullbackLeibler => (if t > 0.0 { t * (t.ln() - o) } else { 0.0 }, -t),
    }
}

/// Outputs and targets apart by less and by more than the 0.5 at which Huber bends, and equal ones, which are at a kink.
#[test]
fn losses_of_elements_are_what_their_definitions_say() {
    let outputs = [0.25, 0.25, 1.5, 3.0, 0.75, 0.75, 0.125];
    let targets = [0.25, 1.0, 1.0, 1.0, 0.75, 0.0, 2.0];
    let n = outputs.len();
    let row = |values: &[f64]| Buffer::new(values, nxm_kernels::Layout::row_major(1, values.len()));
    for measure in measures::<f64>() {
        let sample: Sample<f64> = Op::ElementLoss {
            measure,
            outputs: row(&outputs),
            targets: row(&targets),
            mean: 0.5,
            slope: 2.0,
            losses: row(&[f64::NAN; 7]),
            delta: row(&[f64::NAN; 7]),
            loss: row(&[f64::NAN]),
        };
        for cpu in fused_levels::<f64>().into_iter().map(|level| Cpu::new(level, 1)) {
            let Op::ElementLoss { losses, delta, loss, .. } = ran(&sample, &cpu) else { unreachable!() };
            // Evaluations err by some ULP, and sums of a few numbers below 10 by some more.
            let close = |got: f64, want: f64| (got - want).abs() < 1e-13;
            for i in 0..n {
                let (l, g) = point(measure, outputs[i], targets[i]);
                let got = (losses.values()[i], delta.values()[i]);
                assert!(close(got.0, l) && close(got.1, 2.0 * g), "{measure:?} {i}: {got:?} for {l} and {g}");
            }
            let sum: f64 = (0..n).map(|i| point(measure, outputs[i], targets[i]).0).sum();
            assert!(close(loss.values()[0], 0.5 * sum), "{measure:?}");
        }
    }
}

/// −Σ v·ln p of each row, and its gradient, in plain loops.
#[test]
fn losses_of_soft_targets_are_what_their_definition_says() {
    for (sample, [b, m]) in [[1, 1], [2, 3], [5, 16], [3, 70]].into_iter().flat_map(|size| {
        let samples = soft_losses::<f64>(size[0], size[1], &mut Random::new(7));
        samples.into_iter().take(2).map(move |sample| (sample, size))
    }) {
        for cpu in fused_levels::<f64>().into_iter().map(|level| Cpu::new(level, 1)) {
            let ran = ran(&sample, &cpu);
            let Op::SoftCrossEntropy { logits, targets, classes, mean, losses, delta, loss, .. } = ran else {
                unreachable!()
            };
            let classes = classes.map_or_else(|| [vec![1.0; m], vec![0.0; m]].concat(), |classes| classes.values());
            let (logits, targets, delta) = (logits.values(), targets.values(), delta.values());
            let mut sum = 0.0;
            for i in 0..b {
                let mut log = logits[i * m..][..m].to_vec();
                reference::log_softmax(&mut log);
                let shares: Vec<f64> = (0..m).map(|j| classes[j] * targets[i * m + j] + classes[m + j]).collect();
                let expected: f64 = log.iter().zip(&shares).map(|(log, share)| -log * share).sum();
                sum += expected;
                let total: f64 = shares.iter().sum();
                // Sums of at most 70 terms below 10.
                let close =
                    |given: f64, expected: f64| assert!((given - expected).abs() < 1e-12, "{given} for {expected}");
                close(losses.values()[i], expected);
                for j in 0..m {
                    close(delta[i * m + j], mean * (log[j].exp() * total - shares[j]));
                }
            }
            assert!((loss.values()[0] - mean * sum).abs() < 1e-12, "{b} × {m}");
        }
    }
}

/// Weighs two rows of two losses, whose gradient is a row of three.
fn weighed(weights: [f64; 2], shares: Option<[f64; 2]>, delta: [f64; 6], before: f64) -> (Vec<f64>, f64) {
    let matrix = |values: &[f64], rows| Buffer::new(values, nxm_kernels::Layout::row_major(rows, values.len() / rows));
    let sample: Sample<f64> = Op::WeighRows {
        losses: matrix(&[1.0, 2.0, 4.0, 6.0], 2),
        weights: matrix(&weights, 1),
        shares: shares.map(|shares| matrix(&shares, 1)),
        rows: 2.0,
        mean: 0.5,
        factors: matrix(&[f64::NAN; 2], 1),
        delta: matrix(&delta, 2),
        loss: matrix(&[before], 1),
    };
    let cpu = Cpu::new(fused_levels::<f64>()[0], 1);
    let Op::WeighRows { delta, loss, .. } = ran(&sample, &cpu) else { unreachable!() };
    (delta.values(), loss.values()[0])
}

#[test]
fn rows_are_weighed_as_their_definition_says() {
    let delta = [1.0, 2.0, 3.0, -1.0, -2.0, -3.0];
    // Means of the rows are 1.5 and 5. Weights of 1 and 3 make factors of 2/4 and 2·3/4.
    let (gradient, loss) = weighed([1.0, 3.0], None, delta, 3.25);
    assert_eq!((gradient, loss), (vec![0.5, 1.0, 1.5, -1.5, -3.0, -4.5], (1.5 + 3.0 * 5.0) / 4.0));
    // Shares of 6 and 2, which sum to 8; the weighted sum is 1·6 + 5·2 = 16.
    let (gradient, loss) = weighed([1.0, 5.0], Some([6.0, 2.0]), delta, 3.25);
    assert_eq!((gradient, loss), (vec![0.5, 1.0, 1.5, -2.5, -5.0, -7.5], (1.5 + 5.0 * 5.0) / 16.0));
}

/// What weighs nothing has no loss and no gradient; but a gradient that is not finite is told by the loss.
#[test]
fn rows_without_weight_change_nothing() {
    for shares in [None, Some([1.0, 2.0])] {
        assert_eq!(weighed([0.0, 0.0], shares, [1.0; 6], 3.25), (vec![0.0; 6], 0.0));
        assert!(weighed([0.0, 0.0], shares, [f64::NAN; 6], f64::NAN).1.is_nan());
        assert!(weighed([1.0, 0.0], shares, [f64::NAN; 6], f64::INFINITY).1.is_nan());
    }
}
