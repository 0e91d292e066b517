//! Losses, each with its gradient.

use std::hint::black_box;

use nxm_kernels::{Call, Element, MatrixMut, MatrixRef, Measure};

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

impl Targets {
    /// What a finding's name says of it.
    fn name(self) -> &'static str {
        match self {
            Targets::Same => "",
            Targets::Plain => ", targets without padding",
            Targets::ByColumns => ", targets by columns",
        }
    }

    /// Targets of outputs that are laid out so.
    fn read<T: Element>(self, laid: Laid, data: &[T], rows: usize, cols: usize) -> MatrixRef<'_, T> {
        match self {
            Targets::Same => laid.read(data, rows, cols),
            Targets::Plain => Laid::Plain.read(data, rows, cols),
            Targets::ByColumns => Laid::Plain.read(data, cols, rows).transpose(),
        }
    }
}

impl Audit {
    pub(super) fn loss<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        // Outputs of one row or of some: they join if there are no gaps.
        let of_rows = |i: usize| match kernel {
            "mean_squared_error" | "binary_cross_entropy" | "element_loss" => 2 + i % 2,
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
            match kernel {
                "element_loss" => self.measures_of::<T>(batch)?,
                "soft_cross_entropy" => self.soft_targets_of::<T>(batch)?,
                _ => self.loss_of::<T>(kernel, batch)?,
            }
        }
        Ok(())
    }

    /// Every measure of how far outputs are from their targets.
    fn measures_of<T: Element>(&mut self, batch: Batch) -> Result<(), AuditError> {
        let Batch { rows, cols, laid, targets: of_targets } = batch;
        let [mean, half] = black_box([0.25, 0.5].map(T::from_f64));
        let measures = [
            Measure::Squared,
            Measure::Absolute,
            Measure::Huber { delta: half },
            Measure::Quantile { tau: half, rest: half },
            Measure::Poisson,
            Measure::PoissonRate { epsilon: half },
            Measure::SoftMargin,
            Measure::KullbackLeibler,
            Measure::KullbackLeiblerOfLogs,
        ];
        for measure in black_box(measures) {
            let what = format!("{} {rows}×{cols}{}{}", measure.name(), laid.name(), of_targets.name());
            self.run::<T>(&what, |operands| {
                let Buffers { numbers: [outputs, targets, kept, _, delta, loss, _], .. } = operands;
                let loss = MatrixMut::from_row(&mut loss[..1]);
                let (o, t) = (laid.read(outputs, rows, cols), of_targets.read(laid, targets, rows, cols));
                let (kept, d) = (laid.write(kept, rows, cols), laid.write(delta, rows, cols));
                Call::element_loss(measure, o, t, (mean, mean), kept, d, loss)
            })?;
        }
        Ok(())
    }

    /// A probability of each class, without weights and with them.
    fn soft_targets_of<T: Element>(&mut self, batch: Batch) -> Result<(), AuditError> {
        let Batch { rows, cols, laid, targets: of_targets } = batch;
        let mean = black_box(T::from_f64(0.25));
        for weighted in black_box([false, true]) {
            let weights = if weighted { ", weighted" } else { "" };
            let what = format!("{rows}×{cols}{}{}{weights}", laid.name(), of_targets.name());
            self.run::<T>(&what, |operands| {
                let Buffers { numbers: [logits, targets, shares, of_rows, delta, loss, classes], .. } = operands;
                let (losses, loss) = (MatrixMut::from_row(&mut of_rows[..rows]), MatrixMut::from_row(&mut loss[..1]));
                let (z, t) = (laid.read(logits, rows, cols), of_targets.read(laid, targets, rows, cols));
                let (shares, d) = (MatrixMut::from_row(&mut shares[..cols]), laid.write(delta, rows, cols));
                let classes = weighted.then_some(laid.read(classes, 2, cols));
                Call::soft_cross_entropy(z, t, classes, mean, shares, losses, d, loss)
            })?;
        }
        Ok(())
    }

    /// Weighted means of rows whose elements have losses, and of rows that have one loss and a share.
    pub(super) fn weigh_rows<T: Element>(&mut self) -> Result<(), AuditError> {
        let mean = black_box(T::from_f64(0.25));
        let lengths = self.lengths::<T>();
        // Few outputs of many rows, and many outputs of few rows: sums over either take every way.
        let sides = lengths.iter().flat_map(|n| [(*n, 3), (3, *n)]).enumerate().collect::<Vec<_>>();
        for (i, (rows, cols)) in black_box(sides) {
            let (laid, shared) = (Laid::ALL[i % 2], i % 4 < 2);
            let what = format!("{rows}×{cols}{}{}", laid.name(), if shared { ", shares" } else { "" });
            self.run::<T>(&what, |operands| {
                let Buffers { numbers: [losses, weights, factors, shares, delta, loss, _], .. } = operands;
                let (factors, loss) = (MatrixMut::from_row(&mut factors[..rows]), MatrixMut::from_row(&mut loss[..1]));
                let (weights, shares) = (MatrixRef::from_row(&weights[..rows]), MatrixRef::from_row(&shares[..rows]));
                let losses = if shared { Laid::Plain.read(losses, rows, 1) } else { laid.read(losses, rows, cols) };
                let delta = laid.write(delta, rows, cols);
                Call::weigh_rows(losses, weights, shared.then_some(shares), mean, mean, factors, delta, loss)
            })?;
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
            "binary_cross_entropy" | "weighted_binary_cross_entropy" | "soft_cross_entropy" | "element_loss" => {
                vec![batch(1, 1, Laid::Plain, Targets::ByColumns)]
            }
            _ => Vec::new(),
        }
    }

    fn loss_of<T: Element>(&mut self, kernel: &'static str, batch: Batch) -> Result<(), AuditError> {
        let Batch { rows, cols, laid, targets: of_targets } = batch;
        let mean = black_box(T::from_f64(0.25));
        self.run::<T>(&format!("{rows}×{cols}{}{}", laid.name(), of_targets.name()), |operands| {
            let Buffers { numbers: [outputs, targets, kept, of_rows, delta, loss, classes], labels, .. } = operands;
            labels.iter_mut().for_each(|label| *label %= cols as u32);
            let (labels, loss) = (&labels[..rows], MatrixMut::from_row(&mut loss[..1]));
            let t = of_targets.read(laid, targets, rows, cols);
            let (o, d) = (laid.read(outputs, rows, cols), laid.write(delta, rows, cols));
            match kernel {
                "mean_squared_error" => Call::mean_squared_error(o, t, (mean, mean), d, loss),
                "binary_cross_entropy" => Call::binary_cross_entropy(o, t, mean, laid.write(kept, rows, cols), d, loss),
                "weighted_binary_cross_entropy" => {
                    let (positive, kept) = (laid.read(classes, 2, cols), laid.write(kept, rows, cols));
                    Call::weighted_binary_cross_entropy(o, t, positive, mean, kept, d, loss)
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
        })
    }
}
