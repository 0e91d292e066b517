//! What L-BFGS carries from step to step, as a checkpoint stores it.

use std::collections::VecDeque;

use nxm_kernels::Element;

use super::line_search::Room;
use super::{LbfgsState, Pair, STATE};
use crate::buffer::zeros;
use crate::check::finite;
use crate::error::NetError;
use crate::layout::LayerLayout;
use crate::network::Network;
use crate::optimizer::Lbfgs;

/// Where L-BFGS is, but for its vectors.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LbfgsProgress {
    /// Iterations of all steps.
    pub iterations: u64,
    /// How often all steps computed loss and gradients.
    pub evaluations: u64,
    /// The length of the last step, in directions.
    pub length: f64,
    /// What the Hessian's inverse begins as: this on its diagonal.
    pub diagonal: f64,
    /// 1/(s·y) of each pair that is kept, the oldest first.
    pub inverses: Vec<f64>,
}

impl Default for LbfgsProgress {
    /// Before the first step.
    fn default() -> Self {
        LbfgsProgress { iterations: 0, evaluations: 0, length: 0.0, diagonal: 1.0, inverses: Vec::new() }
    }
}

impl LbfgsProgress {
    /// Vectors of all parameters that it comes with: direction and gradient, and two for each pair.
    pub(crate) fn vectors(&self) -> usize {
        if self.iterations == 0 { 0 } else { self.inverses.len().saturating_mul(2).saturating_add(2) }
    }

    /// Whether L-BFGS with these options can be here.
    pub(crate) fn check(&self, options: &Lbfgs) -> Result<(), NetError> {
        let error = |what, expected: String, found: String| Err(NetError::Resume { what, expected, found });
        let LbfgsProgress { iterations, evaluations, length, diagonal, inverses } = self;
        let most = (options.history as u64).min(iterations.saturating_sub(1));
        if inverses.len() as u64 > most {
            return error("the number of pairs of L-BFGS", format!("at most {most}"), inverses.len().to_string());
        }
        if iterations > evaluations {
            let expected = format!("at most {evaluations}, as many as evaluations");
            return error("the number of iterations of L-BFGS", expected, iterations.to_string());
        }
        let numbers = [("the length of L-BFGS's last step", length), ("the diagonal of L-BFGS", diagonal)];
        let numbers = numbers.into_iter().chain(inverses.iter().map(|inverse| ("an inverse of L-BFGS", inverse)));
        for (what, number) in numbers {
            if !number.is_finite() {
                return error(what, "a finite number".to_owned(), number.to_string());
            }
        }
        Ok(())
    }
}

impl Lbfgs {
    /// Numbers that a step holds for each parameter at most.
    pub(crate) fn numbers(&self) -> usize {
        // Direction, gradient, the pairs, one that is not kept yet, and the points of a line.
        self.history.saturating_add(1).saturating_mul(2).saturating_add(2 + Room::<f32>::VECTORS)
    }
}

impl<T: Element> LbfgsState<T> {
    /// At this place on `network`, with vectors that `read` fills in the order of [`LbfgsState::vectors`].
    pub(crate) fn restore(
        options: Lbfgs,
        network: &Network<T>,
        progress: &LbfgsProgress,
        mut read: impl FnMut(&mut [T]),
    ) -> Result<LbfgsState<T>, NetError> {
        progress.check(&options)?;
        let mut state = LbfgsState::new(options, network)?;
        let parameters = state.gradient.len();
        let LbfgsProgress { iterations, evaluations, length, diagonal, .. } = *progress;
        let mut pairs = VecDeque::new();
        if iterations > 0 {
            read(&mut state.direction);
            read(&mut state.gradient);
            for inverse in &progress.inverses {
                let [mut step, mut change] = [zeros(STATE, 1, parameters)?, zeros(STATE, 1, parameters)?];
                read(&mut step);
                read(&mut change);
                pairs.push_back(Pair { step, change, inverse: *inverse });
            }
        }
        Ok(LbfgsState { iterations, evaluations, length, diagonal, pairs, ..state })
    }

    /// Where it is, but for its vectors.
    pub fn progress(&self) -> LbfgsProgress {
        let LbfgsState { iterations, evaluations, length, diagonal, pairs, .. } = self;
        let inverses = pairs.iter().map(|pair| pair.inverse).collect();
        let (iterations, evaluations, length, diagonal) = (*iterations, *evaluations, *length, *diagonal);
        LbfgsProgress { iterations, evaluations, length, diagonal, inverses }
    }

    /// Its vectors: the direction, the gradient, then step and change of each pair, the oldest first. None before the first iteration.
    pub(crate) fn vectors(&self) -> impl Iterator<Item = &[T]> {
        let own = [&self.direction[..], &self.gradient];
        let pairs = self.pairs.iter().flat_map(|Pair { step, change, .. }| [&step[..], change]);
        let used = if self.iterations == 0 { 0 } else { usize::MAX };
        own.into_iter().chain(pairs).take(used)
    }

    /// The first layer for which it holds a number that is not finite.
    pub(crate) fn first_not_finite(&self) -> Option<usize> {
        let mut begin = 0;
        self.layout.layers.iter().position(|layer| {
            let numbers: usize = LayerLayout::places(layer).map(|place| place.layout.rows * place.layout.cols).sum();
            let part = begin..begin + numbers;
            begin = part.end;
            self.vectors().any(|vector| !finite(&vector[part.clone()]))
        })
    }
}
