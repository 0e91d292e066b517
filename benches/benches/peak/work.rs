//! What is measured against the peak: the three products of training, and the smallest training step.

use nxm_kernels::{Activation, Cpu, Init, MatrixMut, MatrixRef, gemm};
use nxm_net::{Loss, Network, Optimizer, OptimizerState, Step, Targets};

/// How the operands of a product stand in memory.
#[derive(Clone, Copy)]
pub enum Form {
    /// X·W + b.
    Forward,
    /// Xᵀ·δ: the left operand is a transpose.
    WeightGradient,
    /// δ·Wᵀ: the right operand is a transpose.
    InputGradient,
}

pub const FORMS: [Form; 3] = [Form::Forward, Form::WeightGradient, Form::InputGradient];

/// C ← A·B of rows × inner × columns.
pub struct Product {
    form: Form,
    size: (usize, usize, usize),
    a: Vec<f32>,
    b: Vec<f32>,
    bias: Vec<f32>,
    c: Vec<f32>,
}

fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i % 13) as f32 / 13.0 - 0.4).collect()
}

impl Product {
    pub fn new(form: Form, size: (usize, usize, usize)) -> Product {
        let (m, k, n) = size;
        Product { form, size, a: numbers(m * k), b: numbers(k * n), bias: numbers(n), c: numbers(m * n) }
    }

    pub fn name(&self) -> String {
        let (m, k, n) = self.size;
        let form = match self.form {
            Form::Forward => "forward X·W + b",
            Form::WeightGradient => "weight gradient Xᵀ·δ",
            Form::InputGradient => "input gradient δ·Wᵀ",
        };
        format!("{m}×{k}×{n} {form}")
    }

    pub fn flops(&self) -> f64 {
        let (m, k, n) = self.size;
        2.0 * (m * k * n) as f64
    }

    pub fn run(&mut self, cpu: &Cpu) {
        let (m, k, n) = self.size;
        let a = match self.form {
            Form::WeightGradient => MatrixRef::new(&self.a, k, m).unwrap().transpose(),
            _ => MatrixRef::new(&self.a, m, k).unwrap(),
        };
        let b = match self.form {
            Form::InputGradient => MatrixRef::new(&self.b, n, k).unwrap().transpose(),
            _ => MatrixRef::new(&self.b, k, n).unwrap(),
        };
        let init = match self.form {
            Form::Forward => Init::Bias(&self.bias),
            _ => Init::Zero,
        };
        gemm(cpu, a, b, init, MatrixMut::new(&mut self.c, m, n).unwrap()).unwrap();
    }
}

/// One training step of the 30-30-30 sigmoid network on one example.
pub struct SmallStep {
    network: Network,
    step: Step<f32>,
    state: OptimizerState<f32>,
    x: Vec<f32>,
    targets: Vec<f32>,
}

impl SmallStep {
    pub fn new() -> SmallStep {
        let sigmoid = Activation::Sigmoid;
        let network = Network::builder(30).dense(30, sigmoid).dense(30, sigmoid).seed(1).build().unwrap();
        let step = Step::new(&network, &Loss::MeanSquaredError, 1).unwrap();
        let state = OptimizerState::new(Optimizer::sgd(1e-9), &network).unwrap();
        SmallStep { network, step, state, x: numbers(30), targets: vec![0.5; 30] }
    }

    pub fn run(&mut self, cpu: &Cpu) {
        let x = MatrixRef::new(&self.x, 1, 30).unwrap();
        let targets = Targets::Values(MatrixRef::new(&self.targets, 1, 30).unwrap());
        self.step.train(&mut self.network, cpu, x, targets, &mut self.state).unwrap();
    }
}
