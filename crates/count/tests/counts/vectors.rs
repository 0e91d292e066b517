//! Counts of the kernels on vectors, of softmax and of activations: executed = formula, at every level, on one thread and on more.

use crate::common::{Case, Draw, Textbook, check, check_split, derivative_function, side};
use nxm_count::{Requests, Tally, Traffic, Vectors};
use nxm_kernels::{
    Activation, Element, Executor, Function, MatrixMut, MatrixRef, apply, axpy, dot, dot_in_f64, log_softmax,
    log_sum_exp, sgd, softmax,
};
use proptest::prelude::*;

struct Dot {
    n: usize,
}

impl<T: Element> Case<T> for Dot {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        vec![dot(executor, &draw.numbers(self.n, 1), &draw.numbers(self.n, 2)).unwrap()]
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.dot(self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.dot(self.n as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let n = self.n as u128;
        Textbook { multiplications: n, additions: n.saturating_sub(1), ..Textbook::default() }
    }
}

struct DotInF64 {
    n: usize,
}

impl Case<f64> for DotInF64 {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<f64> {
        vec![dot_in_f64(executor, &draw.numbers(self.n, 1), &draw.numbers(self.n, 2)).unwrap()]
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.dot_in_f64(self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.dot_in_f64(self.n as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let n = self.n as u128;
        Textbook { multiplications: n, additions: n.saturating_sub(1), convert: 2 * n, ..Textbook::default() }
    }
}

struct Axpy {
    n: usize,
}

impl<T: Element> Case<T> for Axpy {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let mut y = draw.numbers(self.n, 2);
        axpy(executor, T::from_f64(0.3), &draw.numbers(self.n, 1), &mut y).unwrap();
        y
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.axpy(self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.axpy(self.n as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        Textbook { multiplications: self.n as u128, additions: self.n as u128, ..Textbook::default() }
    }
}

struct Sgd {
    n: usize,
}

impl<T: Element> Case<T> for Sgd {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let mut weights = draw.numbers(self.n, 2);
        sgd(executor, T::from_f64(0.3), &draw.numbers(self.n, 1), &mut weights).unwrap();
        weights
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.sgd(self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.axpy(self.n as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        Textbook { multiplications: self.n as u128, additions: self.n as u128, ..Textbook::default() }
    }
}

struct Forward {
    activation: Activation,
    n: usize,
}

impl<T: Element> Case<T> for Forward {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let mut z = draw.numbers(self.n, 1);
        self.activation.forward(executor, &mut z);
        z
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.activation_forward(self.activation, self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.activation_forward(self.activation, self.n as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let function = self.activation.function().filter(|_| self.n > 0);
        Textbook { functions: function.map(|f| (f, self.n as u128)).into_iter().collect(), ..Textbook::default() }
    }
}

struct Backward {
    activation: Activation,
    n: usize,
}

impl<T: Element> Case<T> for Backward {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let mut delta = draw.numbers(self.n, 1);
        self.activation.backward(executor, &draw.numbers(self.n, 2), &mut delta).unwrap();
        delta
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.activation_backward(self.activation, self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.activation_backward(self.activation, self.n as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let [multiplications, additions, cmp] = match self.activation {
            Activation::Identity => [0, 0, 0],
            Activation::Relu => [0, 0, 1],
            Activation::LeakyRelu => [1, 0, 1],
            Activation::Sigmoid => [2, 1, 0],
            Activation::Tanh => [2, 1, 0],
            Activation::Elu => [1, 1, 1],
            Activation::Gelu | Activation::GeluTanh | Activation::Silu | Activation::Softplus => [1, 0, 0],
        }
        .map(|each| each * self.n as u128);
        let functions = derivative_function(self.activation).map(|f| (f, self.n as u128));
        let functions = functions.into_iter().filter(|(_, n)| *n > 0).collect();
        Textbook { multiplications, additions, cmp, functions, ..Textbook::default() }
    }
}

struct Softmax {
    rows: usize,
    cols: usize,
}

impl<T: Element> Case<T> for Softmax {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let mut z = draw.numbers(self.rows * self.cols, 1);
        softmax(executor, MatrixMut::new(&mut z, self.rows, self.cols).unwrap());
        z
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.softmax(self.rows as u128, self.cols as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.softmax(self.rows as u128, self.cols as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let (b, m) = (self.rows as u128, self.cols as u128);
        if b * m == 0 {
            return Textbook::default();
        }
        Textbook {
            multiplications: b * m,
            additions: b * (2 * m - 1),
            div: b,
            cmp: b * (m - 1),
            functions: vec![(Function::Exp, b * m)],
            ..Textbook::default()
        }
    }
}

struct LogSoftmax {
    rows: usize,
    cols: usize,
}

impl<T: Element> Case<T> for LogSoftmax {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let mut z = draw.numbers(self.rows * self.cols, 1);
        log_softmax(executor, MatrixMut::new(&mut z, self.rows, self.cols).unwrap());
        z
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.log_softmax(self.rows as u128, self.cols as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.log_softmax(self.rows as u128, self.cols as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let (b, m) = (self.rows as u128, self.cols as u128);
        if b * m == 0 {
            return Textbook::default();
        }
        Textbook {
            additions: b * (3 * m - 1),
            cmp: b * (m - 1),
            functions: vec![(Function::Exp, b * m), (Function::Log, b)],
            ..Textbook::default()
        }
    }
}

struct LogSumExp {
    rows: usize,
    cols: usize,
}

impl<T: Element> Case<T> for LogSumExp {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let (z, mut to) = (draw.numbers(self.rows * self.cols, 1), draw.numbers(self.rows, 2));
        log_sum_exp(executor, MatrixRef::new(&z, self.rows, self.cols).unwrap(), &mut to).unwrap();
        to
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.log_sum_exp(self.rows as u128, self.cols as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.log_sum_exp(self.rows as u128, self.cols as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let (b, m) = (self.rows as u128, self.cols as u128);
        if b * m == 0 {
            return Textbook::default();
        }
        Textbook {
            additions: b * 2 * m,
            cmp: b * (m - 1),
            functions: vec![(Function::Exp, b * m), (Function::Log, b)],
            ..Textbook::default()
        }
    }
}

struct Apply {
    function: Function,
    n: usize,
}

impl<T: Element> Case<T> for Apply {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let mut x = draw.numbers(self.n, 1);
        apply(executor, self.function, &mut x);
        x
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.apply(self.function, self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        requests.apply(self.n as u128).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let functions = [(self.function, self.n as u128)];
        Textbook { functions: functions.into_iter().filter(|(_, n)| *n > 0).collect(), ..Textbook::default() }
    }
}

/// Both element types.
fn check_both<C: Case<f32> + Case<f64> + Sync>(case: C) {
    check::<f32>(&case);
    check::<f64>(&case);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn vectors(n in side()) {
        check_both(Dot { n });
        check::<f64>(&DotInF64 { n });
        check_both(Axpy { n });
        check_both(Sgd { n });
    }

    #[test]
    fn activations(n in side(), activation in proptest::sample::select(&Activation::ALL)) {
        check_both(Forward { activation, n });
        check_both(Backward { activation, n });
    }

    #[test]
    fn softmaxes(rows in 0usize..6, cols in side()) {
        check_both(Softmax { rows, cols });
        check_both(LogSoftmax { rows, cols });
        check_both(LogSumExp { rows, cols });
    }

    #[test]
    fn functions(n in side(), function in proptest::sample::select(&Function::ALL)) {
        check_both(Apply { function, n });
    }
}

/// Elementwise kernels and softmax are split between two threads from 3·2¹⁹ elements on: a few more than that, and ragged.
#[test]
fn large_enough_for_threads() {
    let n = (3 << 19) + 5;
    check_split::<f64>(&Axpy { n });
    check_split::<f32>(&Forward { activation: Activation::Relu, n });
    check_split::<f64>(&Backward { activation: Activation::Sigmoid, n });
    check_split::<f32>(&Sgd { n });
    check_split::<f32>(&Softmax { rows: 5300, cols: 301 });
    check_split::<f32>(&LogSoftmax { rows: 5300, cols: 301 });
    check_split::<f64>(&LogSumExp { rows: 5300, cols: 301 });
}

/// Counts that were worked out by hand.
#[test]
fn by_hand() {
    let n = 30u128;
    let textbook = Vectors::textbook::<f32>();
    let useful = textbook.dot(n).unwrap().useful;
    // 16 lanes get a first product each; 14 a second one, fused; then 15 additions fold 16 lanes.
    assert_eq!((useful.own().mul(), useful.own().fma(), useful.own().add()), (16, 14, 15));
    // In f64 a block is 8 lanes, and 30 is less than four of them.
    let useful = Vectors::textbook::<f64>().dot(n).unwrap().useful;
    assert_eq!((useful.own().mul(), useful.own().fma(), useful.own().add()), (8, 22, 7));
    // Of f32 in f64, each factor is converted; no conversion is a flop.
    let useful = Vectors::textbook::<f64>().dot_in_f64(n).unwrap().useful;
    assert_eq!((useful.own().mul(), useful.own().fma(), useful.own().add()), (8, 22, 7));
    assert_eq!((useful.own().convert(), useful.flops()), (60, 59));
    // From four blocks on there are 64 (or 32) lanes.
    let useful = textbook.dot(100).unwrap().useful;
    assert_eq!((useful.own().mul(), useful.own().fma(), useful.own().add()), (64, 36, 63));
}
