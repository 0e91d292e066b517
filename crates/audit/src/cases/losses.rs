//! Losses, each with its gradient.

use std::hint::black_box;

use nxm_kernels::{Call, Element, MatrixMut};

use super::{Audit, Buffers, Laid};
use crate::error::AuditError;

impl Audit {
    pub(super) fn loss<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        let mean = black_box(T::from_f64(0.25));
        for (i, cols) in self.lengths::<T>().into_iter().enumerate().filter(|(_, cols)| *cols >= 3) {
            let (rows, laid) = (black_box(2 + i % 2), Laid::ALL[i % 2]);
            self.run::<T>(&format!("{rows}×{cols}{}", laid.name()), |operands| {
                let Buffers { numbers: [outputs, targets, kept, of_rows, delta, loss, classes], labels, .. } = operands;
                let (labels, loss) = (&labels[..rows], MatrixMut::from_row(&mut loss[..1]));
                let (o, t, d) =
                    (laid.read(outputs, rows, cols), laid.read(targets, rows, cols), laid.write(delta, rows, cols));
                match kernel {
                    "mean_squared_error" => Call::mean_squared_error(o, t, (mean, mean), d, loss),
                    "binary_cross_entropy" => {
                        Call::binary_cross_entropy(o, t, mean, laid.write(kept, rows, cols), d, loss)
                    }
                    "cross_entropy" => {
                        Call::cross_entropy(o, labels, mean, MatrixMut::from_row(&mut of_rows[..rows]), d, loss)
                    }
                    _ => {
                        // Of weights that are no numbers below 0.
                        classes.fill(mean);
                        let [weights, losses] = [kept, of_rows].map(|data| MatrixMut::from_row(&mut data[..rows]));
                        let classes = laid.read(classes, 3, cols);
                        Call::weighted_cross_entropy(o, labels, classes, mean, weights, losses, d, loss)
                    }
                }
            })?;
        }
        Ok(())
    }
}
