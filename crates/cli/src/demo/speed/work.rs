//! A training step's kernels on one layer, in every implementation.

use std::hint::black_box;

use nxm_kernels::{Activation, Cpu, Init, Level, MatrixMut, MatrixRef, ShapeError, gemm, reference, sgd};

/// So small that weights updated a million times stay what they are, roughly.
const LEARNING_RATE: f32 = 1e-6;

/// A layer and the batch that it works on: B examples, N inputs, M units.
#[derive(Clone, Copy, Debug)]
pub struct BatchedLayer {
    pub batch: usize,
    pub fan_in: usize,
    pub fan_out: usize,
    pub activation: Activation,
}

/// What computes a kernel's results: a plain loop, or the kernel at a level.
#[derive(Clone, Copy, Debug)]
pub enum Implementation {
    PlainLoop,
    Level(Level),
}

impl Implementation {
    pub fn name(self) -> &'static str {
        match self {
            Implementation::PlainLoop => "plain loop",
            Implementation::Level(level) => level.name(),
        }
    }
}

/// A kernel of the training step.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    Forward,
    WeightGradient,
    InputGradient,
    Activation,
    Update,
}

impl Work {
    pub const ALL: [Work; 5] =
        [Work::Forward, Work::WeightGradient, Work::InputGradient, Work::Activation, Work::Update];

    pub fn name(self) -> &'static str {
        match self {
            Work::Forward => "forward X·W + b",
            Work::WeightGradient => "∂ weights Xᵀ·δ",
            Work::InputGradient => "∂ inputs δ·Wᵀ",
            Work::Activation => "activation",
            Work::Update => "update (SGD)",
        }
    }

    /// What one call does, and in what unit a billion of it a second is given.
    pub fn amount(self, shape: BatchedLayer) -> (f64, &'static str) {
        let BatchedLayer { batch, fan_in, fan_out, .. } = shape;
        let [batch, fan_in, fan_out] = [batch, fan_in, fan_out].map(|size| size as f64);
        match self {
            Work::Forward | Work::WeightGradient | Work::InputGradient => (2.0 * batch * fan_in * fan_out, "GFLOP/s"),
            Work::Activation => (batch * fan_out, "Gelem/s"),
            Work::Update => (fan_in * fan_out, "Gelem/s"),
        }
    }
}

/// What the kernels read and write.
pub struct LayerBuffers {
    shape: BatchedLayer,
    /// B × N.
    x: Vec<f32>,
    /// N × M.
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// B × M.
    delta: Vec<f32>,
    /// B × M.
    z: Vec<f32>,
    /// N × M.
    weight_gradient: Vec<f32>,
    /// B × N.
    input_gradient: Vec<f32>,
}

impl LayerBuffers {
    pub fn new(shape: BatchedLayer) -> LayerBuffers {
        let BatchedLayer { batch, fan_in, fan_out, .. } = shape;
        // Both signs, no zeros, nothing denormal: no kernel finds anything special in them.
        let numbers = |len: usize| {
            (0..len).map(|i| (i.wrapping_mul(7).wrapping_add(3) % 13) as f32 / 13.0 - 0.4).collect::<Vec<f32>>()
        };
        LayerBuffers {
            shape,
            x: numbers(batch.saturating_mul(fan_in)),
            weights: numbers(fan_in.saturating_mul(fan_out)),
            bias: numbers(fan_out),
            delta: numbers(batch.saturating_mul(fan_out)),
            z: numbers(batch.saturating_mul(fan_out)),
            weight_gradient: numbers(fan_in.saturating_mul(fan_out)),
            input_gradient: numbers(batch.saturating_mul(fan_in)),
        }
    }

    pub fn run(&mut self, work: Work, implementation: Implementation) -> Result<(), ShapeError> {
        match implementation {
            Implementation::PlainLoop => self.run_plain(work),
            Implementation::Level(level) => self.run_kernel(work, &Cpu::new(level, 1))?,
        }
        black_box(self);
        Ok(())
    }

    fn run_plain(&mut self, work: Work) {
        let BatchedLayer { batch, fan_in, fan_out, activation } = self.shape;
        match work {
            Work::Forward => reference::forward(&self.x, &self.weights, &self.bias, batch, &mut self.z),
            Work::WeightGradient => {
                reference::weight_gradient(&self.x, &self.delta, batch, fan_in, fan_out, &mut self.weight_gradient)
            }
            Work::InputGradient => {
                reference::input_gradient(&self.delta, &self.weights, batch, fan_in, fan_out, &mut self.input_gradient)
            }
            Work::Activation => self.z.iter_mut().for_each(|z| *z = reference::activate(activation, *z)),
            Work::Update => reference::sgd(LEARNING_RATE, &self.weight_gradient, &mut self.weights),
        }
    }

    fn run_kernel(&mut self, work: Work, cpu: &Cpu) -> Result<(), ShapeError> {
        let BatchedLayer { batch, fan_in, fan_out, activation } = self.shape;
        let x = MatrixRef::new(&self.x, batch, fan_in)?;
        let delta = MatrixRef::new(&self.delta, batch, fan_out)?;
        match work {
            Work::Forward => {
                let weights = MatrixRef::new(&self.weights, fan_in, fan_out)?;
                gemm(cpu, x, weights, Init::Bias(&self.bias), MatrixMut::new(&mut self.z, batch, fan_out)?)
            }
            Work::WeightGradient => {
                let gradient = MatrixMut::new(&mut self.weight_gradient, fan_in, fan_out)?;
                gemm(cpu, x.transpose(), delta, Init::Zero, gradient)
            }
            Work::InputGradient => {
                let weights = MatrixRef::new(&self.weights, fan_in, fan_out)?;
                let gradient = MatrixMut::new(&mut self.input_gradient, batch, fan_in)?;
                gemm(cpu, delta, weights.transpose(), Init::Zero, gradient)
            }
            Work::Activation => {
                activation.forward(cpu, &mut self.z);
                Ok(())
            }
            Work::Update => sgd(cpu, LEARNING_RATE, &self.weight_gradient, &mut self.weights),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_computes_what_the_plain_loop_does() {
        let shape = BatchedLayer { batch: 5, fan_in: 7, fan_out: 9, activation: Activation::Relu };
        let results = |implementation| {
            let mut operands = LayerBuffers::new(shape);
            for work in Work::ALL {
                operands.run(work, implementation).unwrap();
            }
            [operands.z, operands.weight_gradient, operands.input_gradient, operands.weights].concat()
        };
        let plain = results(Implementation::PlainLoop);
        for level in Level::available() {
            for (a, b) in results(Implementation::Level(level)).iter().zip(&plain) {
                // Sums of at most 9 products below 1 differ by their rounding, at most 9 ε in each.
                assert!((a - b).abs() <= 18.0 * f32::EPSILON, "{level}: {a} {b}");
            }
        }
    }
}
