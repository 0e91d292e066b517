//! Muon, from Jordan et al. 2024 and `torch.optim.Muon`, for one matrix in one step.
//!
//! One thing is not PyTorch's: a momentum that is kept from step to step becomes 0 where it is subnormal, which takes a comparison.

use super::Machine;
use super::optimizers::keep;
use nxm_net::Muon;

/// The new W of N × M from its gradient; the momentum, the first of what is kept, is changed.
pub fn update(machine: &mut Machine, muon: &Muon, w: &mut [f64], gradient: &[f64], kept: &mut [[f64; 3]], m: usize) {
    let Muon { learning_rate, momentum, nesterov, weight_decay, a, b, c, iterations, epsilon, .. } = *muon;
    let n = w.len() / m;
    // m ← μ·m + (1 − μ)·g, and g + μ·(m − g) = (1 − μ)·g + μ·m by Nesterov, else m. The direction is written over that of the step before.
    let share = if nesterov { [1.0 - momentum, momentum] } else { [0.0, 1.0] };
    let mut x: Vec<f64> = Vec::new();
    for (g, kept) in gradient.iter().zip(kept) {
        let nothing = machine.mul(0.0, 1.0);
        let of_gradient = machine.fma(share[0], *g, nothing);
        let part = machine.mul(1.0 - momentum, *g);
        let mean = machine.fma(momentum, kept[0], part);
        kept[0] = keep(machine, mean);
        x.push(machine.fma(share[1], kept[0], of_gradient));
    }
    let squares = x.iter().fold(0.0, |sum, x| machine.fma(*x, *x, sum));
    let norm = machine.sqrt(squares);
    let norm = machine.max(norm, epsilon);
    let scale = machine.div(1.0, norm);
    x.iter_mut().for_each(|x| *x = machine.mul(*x, scale));

    // X·Xᵀ, or of a tall matrix Xᵀ·X.
    let is_wide = n <= m;
    let r = n.min(m);
    let at = |i: usize, k: usize| if is_wide { i * m + k } else { k * m + i };
    for iteration in 1..=iterations {
        let mut gram = Vec::new();
        for (i, j) in (0..r * r).map(|place| (place / r, place % r)) {
            let terms = (0..n.max(m)).map(|k| (x[at(i, k)], x[at(j, k)]));
            // One row is a dot product, by convention, which starts from its first product.
            gram.push(match r == 1 && n.max(m) > 1 {
                true => machine.dot(terms),
                false => terms.fold(0.0, |sum, (x, y)| machine.fma(x, y, sum)),
            });
        }
        let mut factor = Vec::new();
        for (i, j) in (0..r * r).map(|place| (place / r, place % r)) {
            let square = (0..r).fold(0.0, |sum, k| machine.fma(gram[i * r + k], gram[k * r + j], sum));
            let scaled = machine.mul(c, square);
            factor.push(machine.fma(b, gram[i * r + j], scaled));
        }
        // What makes steps of all shapes alike is a factor of the last iteration's numbers.
        let scale = match iteration == iterations {
            true if muon.match_rms_adamw => 0.2 * (n.max(m) as f64).sqrt(),
            true => (m as f64 / n as f64).max(1.0).sqrt(),
            false => 1.0,
        };
        let mut next = vec![0.0; x.len()];
        for (i, k) in (0..r).flat_map(|i| (0..n.max(m)).map(move |k| (i, k))) {
            let sum = (0..r).fold(0.0, |sum, j| machine.fma(factor[i * r + j], x[at(j, k)], sum));
            let kept = machine.mul(a * scale, x[at(i, k)]);
            next[at(i, k)] = machine.fma(scale, sum, kept);
        }
        x = next;
    }
    for (w, x) in w.iter_mut().zip(x) {
        let from = if weight_decay == 0.0 { *w } else { machine.mul(*w, 1.0 - learning_rate * weight_decay) };
        *w = machine.fma(-learning_rate, x, from);
    }
}
