//! Losses, each with its gradient.

use std::hint::black_box;

use nxm_kernels::{Call, Element, MatrixMut};

use super::{Audit, Buffers, Extent, Laid};
use crate::error::AuditError;

/// Rows, columns, and how the operands are laid out.
#[derive(Clone, Copy)]
struct Batch {
    rows: usize,
    cols: usize,
    laid: Laid,
    targets: Targets,
}

/// How targets are laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Targets {
    /// As the outputs are.
    Same,
    /// Without padding, whatever the outputs have.
    Plain,
    /// Column after column: they are laid side by side first.
    ByColumns,
}

impl Audit {
    pub(super) fn loss<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        // Outputs of one row or of some: they join if there are no gaps.
        let of_rows = |i: usize| match kernel {
            "mean_squared_error" | "binary_cross_entropy" => 2 + i % 2,
            _ => 1 + i % 2,
        };
        let lengths = self.lengths::<T>().into_iter().enumerate().filter(|(_, cols)| *cols >= 3);
        let targets = Targets::Same;
        let mut batches: Vec<Batch> =
            lengths.map(|(i, cols)| Batch { rows: of_rows(i), cols, laid: Laid::ALL[i % 2], targets }).collect();
        if self.extent == Extent::Full {
            batches.extend(self.further_batches::<T>(kernel));
        }
        for batch in black_box(batches) {
            self.loss_of::<T>(kernel, batch)?;
        }
        Ok(())
    }

    /// What those of one or a few rows leave out.
    fn further_batches<T: Element>(&self, kernel: &str) -> Vec<Batch> {
        let (block, half) = (T::BLOCK, self.lanes.div_ceil(2));
        let batch = |rows, cols, laid, targets| Batch { rows, cols, laid, targets };
        match kernel {
            "mean_squared_error" => vec![
                batch(1, 1, Laid::Plain, Targets::Same),
                batch(3, 1, Laid::Padded, Targets::Same),
                batch(3, 1, Laid::Padded, Targets::ByColumns),
                batch(1, 5 * block + half, Laid::Padded, Targets::Same),
                batch(3, block + half, Laid::Plain, Targets::ByColumns),
                batch(3, 6 * block - half, Laid::Padded, Targets::ByColumns),
                batch(3, 6 * block + half, Laid::Plain, Targets::ByColumns),
                batch(3, block - half, Laid::Padded, Targets::ByColumns),
                batch(3, 5 * block + half, Laid::Plain, Targets::Same),
                batch(3, 5 * block + half, Laid::Padded, Targets::Plain),
                batch(3, block - half, Laid::Padded, Targets::Same),
                batch(3, 2 * block - half, Laid::Padded, Targets::Same),
                batch(3, 8 * block - half, Laid::Padded, Targets::Same),
            ],
            "binary_cross_entropy" => vec![batch(1, 1, Laid::Plain, Targets::ByColumns)],
            _ => Vec::new(),
        }
    }

    fn loss_of<T: Element>(&mut self, kernel: &'static str, batch: Batch) -> Result<(), AuditError> {
        let Batch { rows, cols, laid, targets: of_targets } = batch;
        let mean = black_box(T::from_f64(0.25));
        let of_targets_name = match of_targets {
            Targets::Same => "",
            Targets::Plain => ", targets without padding",
            Targets::ByColumns => ", targets by columns",
        };
        self.run::<T>(&format!("{rows}×{cols}{}{of_targets_name}", laid.name()), |operands| {
            let Buffers { numbers: [outputs, targets, kept, of_rows, delta, loss, classes], labels, .. } = operands;
            labels.iter_mut().for_each(|label| *label %= cols as u32);
            let (labels, loss) = (&labels[..rows], MatrixMut::from_row(&mut loss[..1]));
            let t = match of_targets {
                Targets::Same => laid.read(targets, rows, cols),
                Targets::Plain => Laid::Plain.read(targets, rows, cols),
                Targets::ByColumns => Laid::Plain.read(targets, cols, rows).transpose(),
            };
            let (o, d) = (laid.read(outputs, rows, cols), laid.write(delta, rows, cols));
            match kernel {
                "mean_squared_error" => Call::mean_squared_error(o, t, (mean, mean), d, loss),
                "binary_cross_entropy" => Call::binary_cross_entropy(o, t, mean, laid.write(kept, rows, cols), d, loss),
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
        })
    }
}
