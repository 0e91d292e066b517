//! Counts of the optimizers' rules and of a layer's fused products: executed = formula, at every level, on one thread and on more.

use crate::common::{Case, Draw, Textbook, check, check_split, derivative_function, short_side, side};
use nxm_count::formula::Sums;
use nxm_count::{Requests, Tally, Traffic, Vectors};
use nxm_kernels::{
    Activation, Decay, Element, Executor, MatrixMut, MatrixRef, Parameters, Rule, dense_forward, dense_forward_keeping,
    dense_input_gradient, dense_update, update,
};
use proptest::prelude::*;

/// A rule to be made for either element type: which of five, and which of three decays.
#[derive(Clone, Copy, Debug)]
struct Choice {
    rule: usize,
    decay: usize,
}

impl Choice {
    fn rule<T: Element>(self) -> Rule<T> {
        let t = T::from_f64;
        let decay = [Decay::None, Decay::L2(t(0.01)), Decay::Decoupled(t(0.99))][self.decay];
        let (learning_rate, momentum) = (t(0.1), t(0.9));
        match self.rule {
            0 => Rule::Sgd { learning_rate, decay },
            1 => Rule::Momentum { learning_rate, momentum, decay },
            2 => Rule::Dampened { learning_rate, momentum, keep: t(0.5), decay },
            3 => Rule::Nesterov { learning_rate, momentum, decay },
            _ => Rule::Adam {
                step_size: t(0.01),
                one_minus_beta1: t(0.1),
                beta2: t(0.999),
                one_minus_beta2: t(0.001),
                correction: t(1.5),
                epsilon: t(1e-8),
                decay,
            },
        }
    }

    /// Per parameter: (multiplications, additions, square roots and divisions).
    fn textbook(self) -> (u128, u128, u128) {
        let (multiplications, additions, roots) = [(1, 1, 0), (2, 2, 0), (3, 2, 0), (3, 3, 0), (6, 5, 1)][self.rule];
        match self.decay {
            0 => (multiplications, additions, roots),
            1 => (multiplications + 1, additions + 1, roots),
            _ => (multiplications + 1, additions, roots),
        }
    }
}

fn choice() -> impl Strategy<Value = Choice> {
    (0usize..5, 0usize..3).prop_map(|(rule, decay)| Choice { rule, decay })
}

/// Squares, as Adam's second moment is made of.
fn squares<T: Element>(draw: Draw, len: usize, seed: u64) -> Vec<T> {
    draw.numbers::<T>(len, seed).iter().map(|x| T::from_f64(x.to_f64().powi(2))).collect()
}

struct Update {
    choice: Choice,
    n: usize,
}

impl<T: Element> Case<T> for Update {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let (mut weights, mut first, mut second) =
            (draw.numbers(self.n, 1), draw.numbers(self.n, 2), squares(draw, self.n, 3));
        let parameters = Parameters { weights: &mut weights, first: &mut first, second: &mut second };
        update(executor, self.choice.rule(), &draw.numbers(self.n, 4), parameters).unwrap();
        [weights, first, second].concat()
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.update(&self.choice.rule::<T>(), self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.update(&self.choice.rule::<T>(), self.n as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let (multiplications, additions, roots) = self.choice.textbook();
        let n = self.n as u128;
        Textbook {
            multiplications: n * multiplications,
            additions: n * additions,
            div: n * roots,
            sqrt: n * roots,
            ..Textbook::default()
        }
    }
}

/// The shape of a layer and of a batch.
#[derive(Clone, Copy, Debug)]
struct Layer {
    rows: usize,
    n: usize,
    m: usize,
}

impl Layer {
    fn shape(self) -> [u64; 3] {
        [self.rows, self.n, self.m].map(|side| side as u64)
    }
    fn product(self) -> u128 {
        (self.rows * self.n * self.m) as u128
    }
}

struct Forward {
    layer: Layer,
    activation: Activation,
    /// Whether the sums are kept: that costs nothing.
    keeping: bool,
}

impl<T: Element> Case<T> for Forward {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let Layer { rows, n, m } = self.layer;
        let (x, w, bias, mut a) =
            (draw.numbers(rows * n, 1), draw.numbers(n * m, 2), draw.numbers(m, 3), draw.numbers(rows * m, 4));
        let (x, w) = (MatrixRef::new(&x, rows, n).unwrap(), MatrixRef::new(&w, n, m).unwrap());
        let into = MatrixMut::new(&mut a, rows, m).unwrap();
        if self.keeping {
            let mut z = draw.numbers(rows * m, 5);
            let sums = MatrixMut::new(&mut z, rows, m).unwrap();
            dense_forward_keeping(executor, x, w, &bias, self.activation, sums, into).unwrap();
            return [z, a].concat();
        }
        dense_forward(executor, x, w, &bias, self.activation, into).unwrap();
        a
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        let Layer { rows, n, m } = self.layer;
        vectors.dense_forward(rows as u128, n as u128, m as u128, self.activation).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        let sums = if self.keeping { Sums::Kept } else { Sums::Forgotten };
        requests.dense_forward(self.layer.shape(), self.activation, sums).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let product = self.layer.product();
        let units = (self.layer.rows * self.layer.m) as u128;
        let functions = self.activation.function().map(|f| (f, units)).into_iter().collect();
        Textbook { multiplications: product, additions: product, functions, ..Textbook::default() }
    }
}

struct InputGradient {
    layer: Layer,
    activation: Activation,
}

impl<T: Element> Case<T> for InputGradient {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let Layer { rows, n, m } = self.layer;
        let (delta, w, outputs) = (draw.numbers(rows * m, 1), draw.numbers(n * m, 2), draw.numbers(rows * n, 3));
        let mut d = draw.numbers(rows * n, 4);
        let (delta, w) = (MatrixRef::new(&delta, rows, m).unwrap(), MatrixRef::new(&w, n, m).unwrap());
        let outputs = MatrixRef::new(&outputs, rows, n).unwrap();
        let into = MatrixMut::new(&mut d, rows, n).unwrap();
        dense_input_gradient(executor, delta, w, self.activation, outputs, into).unwrap();
        d
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        let Layer { rows, n, m } = self.layer;
        vectors.dense_input_gradient(rows as u128, n as u128, m as u128, self.activation).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.dense_input_gradient(self.layer.shape(), self.activation).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let product = self.layer.product();
        let units = (self.layer.rows * self.layer.n) as u128;
        // (multiplications, additions, comparisons) of the derivative.
        let (multiplications, additions, cmp) = match self.activation {
            Activation::Identity => (0, 0, 0),
            Activation::Relu => (0, 0, 1),
            Activation::LeakyRelu => (1, 0, 1),
            Activation::Sigmoid => (2, 1, 0),
            Activation::Tanh => (2, 1, 0),
            Activation::Elu => (1, 1, 1),
            Activation::Gelu | Activation::GeluTanh | Activation::Silu | Activation::Softplus => (1, 0, 0),
        };
        let functions = derivative_function(self.activation).map(|f| (f, units)).into_iter().collect();
        Textbook {
            multiplications: product + units * multiplications,
            additions: product + units * additions,
            cmp: units * cmp,
            functions,
            ..Textbook::default()
        }
    }
}

struct WeightUpdate {
    layer: Layer,
    choice: Choice,
}

impl<T: Element> Case<T> for WeightUpdate {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let Layer { rows, n, m } = self.layer;
        let (x, delta) = (draw.numbers(rows * n, 1), draw.numbers(rows * m, 2));
        let (mut w, mut first, mut second) = (draw.numbers(n * m, 3), draw.numbers(n * m, 4), squares(draw, n * m, 5));
        let rule = self.choice.rule::<T>();
        let (x, delta) = (MatrixRef::new(&x, rows, n).unwrap(), MatrixRef::new(&delta, rows, m).unwrap());
        let mut state = [&mut first, &mut second].map(|s| Some(MatrixMut::new(s, n, m).unwrap()));
        state[rule.state()..].fill_with(|| None);
        dense_update(executor, x, delta, rule, MatrixMut::new(&mut w, n, m).unwrap(), state).unwrap();
        [w, first, second].concat()
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        let Layer { rows, n, m } = self.layer;
        vectors.dense_update(rows as u128, n as u128, m as u128, &self.choice.rule::<T>()).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.dense_update(self.layer.shape(), &self.choice.rule::<T>()).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let (multiplications, additions, roots) = self.choice.textbook();
        let (product, weights) = (self.layer.product(), (self.layer.n * self.layer.m) as u128);
        Textbook {
            multiplications: product + weights * multiplications,
            additions: product + weights * additions,
            div: weights * roots,
            sqrt: weights * roots,
            ..Textbook::default()
        }
    }
}

/// Each fused product on matrices with gaps between rows: what follows the product runs over each row by itself.
#[derive(Clone, Copy, Debug)]
enum Gapped {
    Forward(Activation),
    InputGradient(Activation),
    Update(Choice),
}

struct WithGaps {
    layer: Layer,
    kernel: Gapped,
}

/// Elements between two rows.
const GAP: usize = 3;

/// A matrix with gaps, from numbers for it.
fn with_gaps<T>(data: &mut [T], rows: usize, cols: usize) -> MatrixMut<'_, T> {
    MatrixMut::with_strides(data, rows, cols, cols + GAP, 1).unwrap()
}

impl<T: Element> Case<T> for WithGaps {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let Layer { rows, n, m } = self.layer;
        let gapped = |rows: usize, cols: usize, seed| draw.numbers::<T>(rows * (cols + GAP), seed);
        let (x, w, delta, bias) =
            (draw.numbers(rows * n, 1), draw.numbers(n * m, 2), draw.numbers(rows * m, 3), draw.numbers(m, 4));
        let matrix = |data, rows, cols| MatrixRef::new(data, rows, cols).unwrap();
        match self.kernel {
            Gapped::Forward(activation) => {
                let mut a = gapped(rows, m, 5);
                let to = with_gaps(&mut a, rows, m);
                dense_forward(executor, matrix(&x, rows, n), matrix(&w, n, m), &bias, activation, to).unwrap();
                a
            }
            Gapped::InputGradient(activation) => {
                let mut d = gapped(rows, n, 5);
                let (delta, w, kept) = (matrix(&delta, rows, m), matrix(&w, n, m), matrix(&x, rows, n));
                dense_input_gradient(executor, delta, w, activation, kept, with_gaps(&mut d, rows, n)).unwrap();
                d
            }
            Gapped::Update(choice) => {
                let rule = choice.rule::<T>();
                let (mut w, mut first, mut second) =
                    (gapped(n, m, 5), gapped(n, m, 6), squares(draw, n * (m + GAP), 7));
                let mut state = [&mut first, &mut second].map(|s| Some(with_gaps(s, n, m)));
                state[rule.state()..].fill_with(|| None);
                let (x, delta) = (matrix(&x, rows, n), matrix(&delta, rows, m));
                dense_update(executor, x, delta, rule, with_gaps(&mut w, n, m), state).unwrap();
                [w, first, second].concat()
            }
        }
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        let [rows, n, m] = self.layer.shape().map(u128::from);
        let (product, row, times) = match self.kernel {
            Gapped::Forward(f) => (vectors.gemm(rows, n, m), vectors.activation_forward(f, m), rows),
            Gapped::InputGradient(f) => (vectors.gemm(rows, m, n), vectors.activation_backward(f, n), rows),
            Gapped::Update(choice) => (vectors.gemm(n, rows, m), vectors.update(&choice.rule::<T>(), m), n),
        };
        product.unwrap().plus(&row.unwrap().times(times).unwrap()).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        let shape = self.layer.shape();
        match self.kernel {
            Gapped::Forward(f) => requests.dense_forward(shape, f, Sums::Forgotten),
            Gapped::InputGradient(f) => requests.dense_input_gradient(shape, f),
            Gapped::Update(choice) => requests.dense_update(shape, &choice.rule::<T>()),
        }
        .unwrap()
    }
    fn textbook(&self) -> Textbook {
        let layer = self.layer;
        match self.kernel {
            Gapped::Forward(activation) => Case::<T>::textbook(&Forward { layer, activation, keeping: false }),
            Gapped::InputGradient(activation) => Case::<T>::textbook(&InputGradient { layer, activation }),
            Gapped::Update(choice) => Case::<T>::textbook(&WeightUpdate { layer, choice }),
        }
    }
}

fn layer() -> impl Strategy<Value = Layer> {
    (short_side(), short_side(), short_side()).prop_map(|(rows, n, m)| Layer { rows, n, m })
}

/// Both element types.
fn check_both<C: Case<f32> + Case<f64> + Sync>(case: C) {
    check::<f32>(&case);
    check::<f64>(&case);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn rules(choice in choice(), n in side()) {
        check_both(Update { choice, n });
    }

    #[test]
    fn fused_products(layer in layer(), activation in proptest::sample::select(&Activation::ALL), choice in choice()) {
        check_both(Forward { layer, activation, keeping: false });
        check_both(Forward { layer, activation, keeping: true });
        check_both(InputGradient { layer, activation });
        check_both(WeightUpdate { layer, choice });
    }

    #[test]
    fn fused_products_with_gaps(
        layer in layer(), activation in proptest::sample::select(&Activation::ALL), choice in choice(), kernel in 0usize..3,
    ) {
        let kernel = [Gapped::Forward(activation), Gapped::InputGradient(activation), Gapped::Update(choice)][kernel];
        check_both(WithGaps { layer, kernel });
    }
}

/// Products and rules large enough to be split between threads, and cut into more than one block of k.
#[test]
fn large_enough_for_threads() {
    let layer = Layer { rows: 131, n: 1001, m: 67 };
    check_split::<f32>(&Forward { layer, activation: Activation::Sigmoid, keeping: true });
    check_split::<f32>(&InputGradient { layer: Layer { rows: 67, n: 131, m: 1001 }, activation: Activation::Tanh });
    check_split::<f32>(&WeightUpdate { layer, choice: Choice { rule: 4, decay: 2 } });
    check_split::<f64>(&Forward { layer, activation: Activation::Relu, keeping: false });
    check_split::<f64>(&WeightUpdate { layer, choice: Choice { rule: 0, decay: 1 } });
    check_split::<f64>(&Update { choice: Choice { rule: 3, decay: 1 }, n: (3 << 19) + 5 });
}

/// Around the sizes up to which what follows a product takes its rows as one: by multiply-adds, and by the size of B.
#[test]
fn joined_rows() {
    let (sigmoid, choice) = (Activation::Sigmoid, Choice { rule: 1, decay: 0 });
    for layer in [[47, 129, 129], [49, 127, 127], [2, 362, 361], [2, 363, 363], [2, 513, 257]] {
        let [rows, n, m] = layer;
        let layer = Layer { rows, n, m };
        check_both(Forward { layer, activation: sigmoid, keeping: true });
        check_both(InputGradient { layer, activation: sigmoid });
        check_both(WeightUpdate { layer, choice });
    }
}
