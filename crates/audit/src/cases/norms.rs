//! Norms, products of elements and running means.

use nxm_kernels::{Call, Element};

use super::{Audit, Buffers, Extent, Laid};
use crate::error::AuditError;

impl Audit {
    /// Of four rows: four vectors at once, a whole one and a ragged one. Fully also the lengths that take every way through a dot product and a
    /// sum, which each norm has a copy of.
    pub(super) fn norms<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        self.norms_of::<T>(kernel, 4, self.ragged(5))?;
        if self.extent == Extent::Full {
            for m in self.lengths::<T>() {
                self.norms_of::<T>(kernel, 2, m)?;
            }
            // Rows in fours and what is left of them.
            self.norms_of::<T>(kernel, 7, self.ragged(1))?;
        }
        Ok(())
    }

    fn norms_of<T: Element>(&mut self, kernel: &'static str, b: usize, m: usize) -> Result<(), AuditError> {
        let b = std::hint::black_box(b);
        let [share, epsilon] = [0.25, 1e-5].map(T::from_f64);
        for laid in Laid::ALL {
            self.run::<T>(&format!("{b}×{m}{}", laid.name()), |Buffers { numbers, .. }| {
                let [x, weights, bias, normalized, statistics, factors, a] = numbers;
                match kernel {
                    "multiply" => Call::multiply(laid.read(x, b, m), laid.read(normalized, b, m), laid.write(a, b, m)),
                    "blend" => Call::blend(share, epsilon, laid.read(x, b, m), laid.write(a, b, m)),
                    "column_dot" => {
                        Call::column_dot(laid.read(x, b, m), laid.read(normalized, b, m), laid.write(a, 1, m))
                    }
                    "layer_norm" => {
                        let (x, [weights, bias]) =
                            (laid.read(x, b, m), [weights, bias].map(|row| laid.read(row, 1, m)));
                        let (normalized, scales) = (laid.write(normalized, b, m), laid.write(statistics, 1, b));
                        Call::layer_norm(x, weights, bias, (share, epsilon), normalized, scales, laid.write(a, b, m))
                    }
                    "layer_norm_gradient" => {
                        let (delta, weights) = (laid.read(x, b, m), laid.read(weights, 1, m));
                        let (normalized, scales) = (laid.read(normalized, b, m), laid.read(statistics, 1, b));
                        Call::layer_norm_gradient(delta, weights, normalized, scales, share, laid.write(a, b, m))
                    }
                    "batch_norm" => {
                        let (x, [weights, bias]) =
                            (laid.read(x, b, m), [weights, bias].map(|row| laid.read(row, 1, m)));
                        let [mean, variance, scales] = rows(statistics).map(|row| laid.write(row, 1, m));
                        let (normalized, a) = (laid.write(normalized, b, m), laid.write(a, b, m));
                        let statistics = [mean, variance, scales];
                        Call::batch_norm(x, weights, bias, (share, epsilon), statistics, normalized, a)
                    }
                    "batch_norm_gradient" => {
                        let (delta, normalized) = (laid.read(x, b, m), laid.read(normalized, b, m));
                        let (weights, scales) = (laid.read(weights, 1, m), laid.read(bias, 1, m));
                        let [of_bias, of_weights, _] = rows(statistics).map(|row| laid.read(row, 1, m));
                        let (factors, d) = (laid.write(factors, 3, m), laid.write(a, b, m));
                        let sums = [of_bias, of_weights];
                        Call::batch_norm_gradient(delta, weights, normalized, scales, sums, share, factors, d)
                    }
                    _ => {
                        let (x, [weights, bias]) =
                            (laid.read(x, b, m), [weights, bias].map(|row| laid.read(row, 1, m)));
                        let [mean, variance, _] = rows(statistics);
                        variance.fill(T::ONE);
                        let (mean, variance) = (laid.read(mean, 1, m), laid.read(variance, 1, m));
                        let (factors, a) = (laid.write(factors, 2, m), laid.write(a, b, m));
                        Call::batch_norm_evaluate(x, weights, bias, mean, variance, epsilon, factors, a)
                    }
                }
            })?;
        }
        Ok(())
    }
}

/// Three parts of a buffer, each longer than a row.
fn rows<T>(buffer: &mut [T]) -> [&mut [T]; 3] {
    let third = buffer.len() / 3;
    let (first, rest) = buffer.split_at_mut(third);
    let (second, last) = rest.split_at_mut(third);
    [first, second, last]
}
