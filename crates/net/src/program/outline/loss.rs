//! The instructions of the loss.

use std::hint::black_box;

use nxm_kernels::beside::{div, mul, rounded, whole};
use nxm_kernels::call::Op;
use nxm_kernels::program::{Place, Places, Slot};
use nxm_kernels::{Element, Layout, Measure, Phase, Strides};

use super::{Results, Writer};
use crate::loss::Loss;

impl<T: Element> Writer<'_, T> {
    /// The loss and ∂L/∂a of the last layer, and what weights of examples make of them.
    ///
    /// The loss's constants are computed here, once for each outline: 2 div, 1 mul and 4 conversions for mean squared error, 1 div, 1 mul and
    /// 3 conversions for binary cross-entropy and most losses of elements, 1 div and 2 conversions for cross-entropy, also with soft targets, and with its options of labels 1 conversion and
    /// [`Loss::spread`]. In f64 one conversion for each constant is none.
    pub(super) fn loss(&mut self, results: &mut Results<T>, loss: &Loss, delta: usize, weighted: bool) {
        let (units, last) = (self.layout.outputs(), self.layout.layers.len() - 1);
        let (outputs, delta) = (results.outputs[last], self.delta(delta, units));
        let (op, losses) = self.plain_loss(results, loss, [outputs, delta], weighted);
        self.push(Phase::Loss, last, op);
        if let Some(losses) = losses.filter(|_| weighted) {
            let op = self.weigh(results, losses, delta);
            self.push(Phase::Loss, last, op);
        }
    }

    /// The loss of rows that weigh the same, and where the losses of rows or elements stand, if they do: B × 1, or B × M.
    fn plain_loss(
        &mut self,
        results: &mut Results<T>,
        loss: &Loss,
        [outputs, delta]: [Place; 2],
        weighted: bool,
    ) -> (Op<Places<T>>, Option<Losses>) {
        let (rows, units, to) = (self.rows, self.layout.outputs(), results.loss);
        let targets = Place { slot: Slot::Targets, offset: 0, layout: Layout::row_major(rows, units) };
        // A sum is over nothing. What a compiler knows it would round itself, and the conversion would be none.
        let over = |count: Option<f64>| move |x: f64| rounded::<T>(count.map_or_else(|| black_box(x), |n| div(x, n)));
        let is_mean = !loss.is_sum();
        let elements = || is_mean.then(|| mul(whole(rows as u64), whole(units as u64)));
        let of_rows = || is_mean.then(|| whole(rows as u64));
        match (loss.of_mean(), results.classes) {
            (Loss::MeanSquaredError, _) => {
                let [mean, slope] = [1.0, 2.0].map(over(elements()));
                if !weighted {
                    return (Op::MeanSquaredError { outputs, targets, mean, slope, delta, loss: to }, None);
                }
                // It keeps the losses of its elements.
                let (measure, losses) = (Measure::Squared, self.room.place(rows, units));
                let op = Op::ElementLoss { measure, outputs, targets, mean, slope, losses, delta, loss: to };
                (op, Some(Losses::Elements { losses, share: Share::OfOutputs }))
            }
            (Loss::BinaryCrossEntropy { .. }, positive) => {
                let (mean, losses) = (over(elements())(1.0), self.room.place(rows, units));
                let op = match positive {
                    None => Op::BinaryCrossEntropy { logits: outputs, targets, mean, losses, delta, loss: to },
                    Some(positive) => {
                        let logits = outputs;
                        Op::WeightedBinaryCrossEntropy { logits, targets, positive, mean, losses, delta, loss: to }
                    }
                };
                (op, Some(Losses::Elements { losses, share: Share::OfOutputs }))
            }
            (Loss::CrossEntropy { .. }, None) => {
                let (mean, losses) = (over(of_rows())(1.0), self.room.place(1, rows));
                let op = Op::CrossEntropy { logits: outputs, labels: rows, mean, losses, delta, loss: to };
                (op, Some(Losses::Rows { losses, shares: None }))
            }
            (Loss::CrossEntropy { .. }, Some(classes)) => {
                let (spread, weights) = (rounded(loss.spread(units)), self.room.place(1, rows));
                let (logits, labels, losses) = (outputs, rows, self.room.place(1, rows));
                results.losses = Some(losses);
                let op = Op::WeightedCrossEntropy { logits, labels, classes, spread, weights, losses, delta, loss: to };
                (op, Some(Losses::Rows { losses, shares: Some(weights) }))
            }
            (Loss::SoftCrossEntropy { .. }, classes) => {
                let (logits, mean, shares) = (outputs, over(of_rows())(1.0), self.room.place(1, units));
                let losses = self.room.place(1, rows);
                let op = Op::SoftCrossEntropy { logits, targets, classes, mean, shares, losses, delta, loss: to };
                (op, Some(Losses::Rows { losses, shares: None }))
            }
            (loss, _) => {
                let measure = loss.measure().expect("all other losses are of elements");
                let (divisor, share) = match loss {
                    Loss::SmoothL1 { beta } => {
                        (Some(elements().map_or(*beta, |elements| mul(elements, *beta))), Share::Over(*beta))
                    }
                    Loss::KlDivergence { mean_of_elements: false, .. } => (of_rows(), Share::Whole),
                    _ => (elements(), Share::OfOutputs),
                };
                let mean = over(divisor)(1.0);
                // A compiler that knew the numbers would convert them before it knows whether the measure has any.
                let measure = measure.map(|number| rounded(black_box(*number)));
                let losses = self.room.place(rows, units);
                let op = Op::ElementLoss { measure, outputs, targets, mean, slope: mean, losses, delta, loss: to };
                (op, Some(Losses::Elements { losses, share }))
            }
        }
    }

    /// Makes the loss that was computed a weighted one. Its constants: 1/M, if it is a mean over outputs (1 div, 2 conversions, in f64 1; 1 mul more
    /// by β), and B, unless rows have shares (2 conversions, in f64 1).
    fn weigh(&mut self, results: &mut Results<T>, losses: Losses, delta: Place) -> Op<Places<T>> {
        let rows = self.rows;
        let [weights, factors] = [(); 2].map(|()| self.room.place(1, rows));
        results.weights = Some(weights);
        let loss = results.loss;
        let of_rows = || rounded::<T>(whole(rows as u64));
        match losses {
            Losses::Elements { losses, share } => {
                let outputs = || whole(losses.layout.cols as u64);
                let mean = match share {
                    Share::Whole => T::ONE,
                    Share::OfOutputs => rounded(div(1.0, outputs())),
                    Share::Over(beta) => rounded(div(1.0, mul(outputs(), beta))),
                };
                Op::WeighRows { losses, weights, shares: None, rows: of_rows(), mean, factors, delta, loss }
            }
            Losses::Rows { losses, shares } => {
                // A row of B numbers is B rows of one.
                let layout = Layout { rows, cols: 1, strides: Strides { row: 1, col: 1 }, width: 1 };
                let (losses, mean) = (Place { layout, ..losses }, T::ONE);
                let of_rows = if shares.is_none() { of_rows() } else { T::ONE };
                Op::WeighRows { losses, weights, shares, rows: of_rows, mean, factors, delta, loss }
            }
        }
    }
}

/// Where the losses stand that weights of examples make a mean of.
enum Losses {
    /// Of each element, B × M, and what share of its elements' sum the loss of a row is.
    Elements { losses: Place, share: Share },
    /// Of each row, a row of B; and, if rows have other weights already, those.
    Rows { losses: Place, shares: Option<Place> },
}

/// What a row's loss is of the sum of its elements' losses.
enum Share {
    /// All of it.
    Whole,
    /// 1/M.
    OfOutputs,
    /// 1/(M·β).
    Over(f64),
}
