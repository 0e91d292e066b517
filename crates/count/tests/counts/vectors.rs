//! Counts of the kernels on vectors, of softmax and of all that is done element by element: executed = formula, at every level, on one
//! thread and on more.

use crate::cases::{Case, Draw, Laid, Numbers, Textbook, check, check_both, check_split, derivative, laid, side};
use crate::rules::{APART, Choice, apart, apart_textbook};
use nxm_count::Formulas;
use nxm_kernels::call::Op;
use nxm_kernels::{
    Activation, Call, EVALUATIONS_WORTH_A_THREAD, Element, Executor, Function, Layout, axpy, dot, dot_in_f64, sgd,
};
use proptest::prelude::*;

/// Kernels on vectors of n elements.
#[derive(Clone, Copy, Debug)]
pub enum OnVectors {
    Dot,
    DotInF64,
    Axpy,
    Sgd,
}

pub struct OfLength {
    pub kernel: OnVectors,
    pub n: usize,
}

impl<T: Element> Case<T> for OfLength {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let (x, mut y) = (draw.numbers::<T>(self.n, 1), draw.numbers(self.n, 2));
        match self.kernel {
            OnVectors::Dot => return vec![dot(executor, &x, &y).unwrap()],
            OnVectors::DotInF64 => {
                let [x, y] = [1, 2].map(|seed| draw.numbers::<f32>(self.n, seed));
                return vec![T::from_f64(dot_in_f64(executor, &x, &y).unwrap())];
            }
            OnVectors::Axpy => axpy(executor, T::from_f64(0.3), &x, &mut y).unwrap(),
            OnVectors::Sgd => sgd(executor, T::from_f64(0.3), &x, &mut y).unwrap(),
        }
        y
    }
    fn textbook(&self) -> Textbook {
        let n = self.n as u128;
        let (additions, convert) = match self.kernel {
            OnVectors::Dot => (n.saturating_sub(1), 0),
            OnVectors::DotInF64 => (n.saturating_sub(1), 2 * n),
            OnVectors::Axpy | OnVectors::Sgd => (n, 0),
        };
        Textbook { multiplications: n, additions, convert, ..Textbook::default() }
    }
}

/// Kernels that do something with each element of a matrix, perhaps beside another one.
#[derive(Clone, Copy, Debug)]
pub enum OnElements {
    Apply(Function),
    Activate(Activation),
    Derive(Activation),
    Scale,
    Clamp,
    Update(Choice),
    UpdateApart(usize),
    AddSquares,
}

pub struct Elements {
    pub kernel: OnElements,
    pub rows: usize,
    pub cols: usize,
    /// Of the matrix, and of those beside it.
    pub laid: [Laid; 2],
}

impl<T: Element> Case<T> for Elements {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let [laid, beside] = self.laid.map(|laid| laid.layout::<T>(self.rows, self.cols));
        let mut x = Numbers::new(draw, 1, laid);
        let beside = |seed| Numbers::new(draw, seed, beside);
        let call = match self.kernel {
            OnElements::Apply(function) => Call::apply(function, x.write()).unwrap(),
            OnElements::Activate(activation) => Call::activate(activation, x.write()).unwrap(),
            OnElements::Derive(activation) => {
                let kept = beside(2);
                T::run(executor, Call::derive(activation, kept.read(), x.write()).unwrap(), None);
                return x.data;
            }
            OnElements::Scale => {
                let factor = Numbers::new(draw, 3, Layout::row_major(1, 1));
                T::run(executor, Call::scale(factor.read(), x.write()).unwrap(), None);
                return x.data;
            }
            OnElements::Clamp => Call::clamp(T::from_f64(0.3), x.write()).unwrap(),
            OnElements::Update(_) | OnElements::UpdateApart(_) => {
                let rule = match self.kernel {
                    OnElements::Update(choice) => choice.rule::<T>(),
                    OnElements::UpdateApart(number) => apart::<T>(number),
                    _ => unreachable!("an update"),
                };
                // What is kept is positive: there are squares among it.
                let gradient = beside(2);
                let (mut first, mut second, mut third) =
                    (beside(3).squared(), beside(4).squared(), beside(5).squared());
                let mut state = [Some(first.write()), Some(second.write()), Some(third.write())];
                state[rule.state()..].fill_with(|| None);
                T::run(executor, Call::update(rule, gradient.read(), x.write(), state).unwrap(), None);
                return [x.data, first.data, second.data, third.data].concat();
            }
            OnElements::AddSquares => {
                let one = Layout::row_major(1, 1);
                let (before, mut sum) = (Numbers::new(draw, 2, one), Numbers::new(draw, 3, one));
                T::run(executor, Call::add_squares(before.read(), x.read(), sum.write()).unwrap(), None);
                return sum.data;
            }
        };
        T::run(executor, call, None);
        x.data
    }
    fn textbook(&self) -> Textbook {
        let n = (self.rows * self.cols) as u128;
        let functions = |function: Option<Function>| {
            let functions = function.into_iter().map(|f| (f, n)).filter(|(_, n)| *n > 0).collect();
            Textbook { functions, ..Textbook::default() }
        };
        match self.kernel {
            OnElements::Apply(function) => functions(Some(function)),
            OnElements::Activate(activation) => functions(activation.function()),
            OnElements::Derive(activation) => derivative(activation, n),
            OnElements::Scale => Textbook { multiplications: n, ..Textbook::default() },
            OnElements::Clamp => Textbook { cmp: 2 * n, ..Textbook::default() },
            OnElements::Update(choice) => choice.textbook(n),
            OnElements::UpdateApart(number) => apart_textbook(number, n),
            // A sum of nothing is added, too.
            OnElements::AddSquares if self.cols == 0 => Textbook { additions: 1, ..Textbook::default() },
            OnElements::AddSquares => Textbook { multiplications: n, additions: n, ..Textbook::default() },
        }
    }
}

/// The scale of clipped gradients.
pub struct ClipScale;

impl<T: Element> Case<T> for ClipScale {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let [squares, mut norm, mut scale] = [1, 2, 3].map(|seed| Numbers::new(draw, seed, Layout::row_major(1, 1)));
        let call = Call::clip_scale(T::ONE, squares.read(), norm.write(), scale.write()).unwrap();
        T::run(executor, call, None);
        [norm.data, scale.data].concat()
    }
    fn textbook(&self) -> Textbook {
        Textbook { additions: 1, sqrt: 1, div: 1, ..Textbook::default() }
    }
}

/// What makes a norm 1.
pub struct InverseNorm;

impl<T: Element> Case<T> for InverseNorm {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let [squares, mut to] = [1, 2].map(|seed| Numbers::new(draw, seed, Layout::row_major(1, 1)));
        T::run(executor, Call::inverse_norm(T::from_f64(1e-7), squares.read(), to.write()).unwrap(), None);
        to.data
    }
    fn textbook(&self) -> Textbook {
        Textbook { sqrt: 1, cmp: 1, div: 1, ..Textbook::default() }
    }
}

/// Softmax and its relatives.
#[derive(Clone, Copy, Debug)]
pub enum OnRows {
    Softmax,
    LogSoftmax,
    LogSumExp,
}

pub struct ByRows {
    pub kernel: OnRows,
    pub rows: usize,
    pub cols: usize,
    pub laid: Laid,
}

impl<T: Element> Case<T> for ByRows {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let mut z = Numbers::new(draw, 1, self.laid.layout::<T>(self.rows, self.cols));
        let mut to = Numbers::new(draw, 2, Layout::row_major(1, self.rows));
        let call = match self.kernel {
            OnRows::Softmax => Call::softmax(z.write()),
            OnRows::LogSoftmax => Call::log_softmax(z.write()),
            OnRows::LogSumExp => Call::log_sum_exp(z.read(), to.write()),
        };
        T::run(executor, call.unwrap(), None);
        [z.data, to.data].concat()
    }
    fn textbook(&self) -> Textbook {
        by_rows_of(self.kernel, self.rows as u128, self.cols as u128)
    }
}

/// What softmax and its relatives take for b rows of m.
pub fn by_rows_of(kernel: OnRows, b: u128, m: u128) -> Textbook {
    if b * m == 0 {
        return Textbook::default();
    }
    let (cmp, exp, log) = (b * (m - 1), (Function::Exp, b * m), (Function::Log, b));
    let none = Textbook { cmp, ..Textbook::default() };
    match kernel {
        OnRows::Softmax => {
            let (multiplications, additions, div) = (b * m, b * (2 * m - 1), b);
            Textbook { multiplications, additions, div, functions: vec![exp], ..none }
        }
        OnRows::LogSoftmax => Textbook { additions: b * (3 * m - 1), functions: vec![exp, log], ..none },
        OnRows::LogSumExp => Textbook { additions: b * 2 * m, functions: vec![exp, log], ..none },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn vectors(n in side()) {
        for kernel in [OnVectors::Dot, OnVectors::Axpy, OnVectors::Sgd] {
            check_both(OfLength { kernel, n });
        }
        check::<f64>(&OfLength { kernel: OnVectors::DotInF64, n });
    }

    #[test]
    fn activations(
        rows in 0usize..6, cols in side(), activation in proptest::sample::select(Activation::samples()), laid in [laid(), laid()],
    ) {
        check_both(Elements { kernel: OnElements::Activate(activation), rows, cols, laid });
        check_both(Elements { kernel: OnElements::Derive(activation), rows, cols, laid });
    }

    #[test]
    fn elements(
        rows in 0usize..6, cols in side(), choice in Choice::any(), number in 0..APART, laid in [laid(), laid()],
    ) {
        let updates = [OnElements::Update(choice), OnElements::UpdateApart(number)];
        for kernel in [OnElements::Scale, OnElements::AddSquares, OnElements::Clamp].into_iter().chain(updates) {
            check_both(Elements { kernel, rows, cols, laid });
        }
    }

    #[test]
    fn softmaxes(rows in 0usize..6, cols in side(), laid in laid()) {
        for kernel in [OnRows::Softmax, OnRows::LogSoftmax, OnRows::LogSumExp] {
            check_both(ByRows { kernel, rows, cols, laid });
        }
    }

    #[test]
    fn functions(n in side(), function in proptest::sample::select(&Function::ALL)) {
        check_both(Elements { kernel: OnElements::Apply(function), rows: 1, cols: n, laid: [Laid::Plain; 2] });
    }
}

/// Each of them once, whatever is drawn.
#[test]
fn rules_that_are_never_fused() {
    for kernel in (0..APART).map(OnElements::UpdateApart) {
        check_both(Elements { kernel, rows: 3, cols: 21, laid: [Laid::Padded; 2] });
        check_both(Elements { kernel, rows: 3, cols: 5, laid: [Laid::Gaps, Laid::Short] });
    }
}

#[test]
fn scale_of_clipped_gradients() {
    check_both(ClipScale);
    check_both(InverseNorm);
}

/// Elementwise kernels and softmax on a few elements more than two threads share, and ragged.
#[test]
fn large_enough_for_threads() {
    let n = 2 * EVALUATIONS_WORTH_A_THREAD + 5;
    let rows = 2 * EVALUATIONS_WORTH_A_THREAD / 301 + 1;
    check_split::<f64>(&OfLength { kernel: OnVectors::Axpy, n });
    check_split::<f32>(&OfLength { kernel: OnVectors::Sgd, n });
    let plain = |kernel| Elements { kernel, rows: 1, cols: n, laid: [Laid::Plain; 2] };
    check_split::<f32>(&plain(OnElements::Activate(Activation::Relu)));
    check_split::<f64>(&plain(OnElements::Derive(Activation::Sigmoid)));
    check_split::<f64>(&plain(OnElements::Update(Choice { rule: 3, decay: 1 })));
    check_split::<f32>(&plain(OnElements::UpdateApart(3)));
    for laid in [[Laid::Padded; 2], [Laid::Gaps, Laid::Short]] {
        let kernel = OnElements::Derive(Activation::Sigmoid);
        check_split::<f32>(&Elements { kernel, rows, cols: 301, laid });
    }
    let by_rows = |kernel| ByRows { kernel, rows, cols: 301, laid: Laid::Padded };
    check_split::<f32>(&by_rows(OnRows::Softmax));
    check_split::<f32>(&by_rows(OnRows::LogSoftmax));
    check_split::<f64>(&by_rows(OnRows::LogSumExp));
}

/// Counts that were worked out by hand.
#[test]
fn by_hand() {
    let one = Layout::row_major(1, 1);
    let dot = |n| Op::Dot { x: Layout::row_major(1, n), y: Layout::row_major(1, n), to: one };
    let textbook = Formulas::textbook::<f32>();
    let useful = textbook.executed(&dot(30)).unwrap().useful;
    // 16 lanes get a first product each; 14 a second one, fused; then 15 additions fold 16 lanes.
    assert_eq!((useful.own().mul(), useful.own().fma(), useful.own().add()), (16, 14, 15));
    // In f64 a block is 8 lanes, and 30 is less than four of them.
    let useful = Formulas::textbook::<f64>().executed(&dot(30)).unwrap().useful;
    assert_eq!((useful.own().mul(), useful.own().fma(), useful.own().add()), (8, 22, 7));
    // Of f32 in f64, each factor is converted; no conversion is a flop.
    let useful = Formulas::textbook::<f64>().executed(&Op::DotInF64 { x: 30, y: 30, to: one }).unwrap().useful;
    assert_eq!((useful.own().mul(), useful.own().fma(), useful.own().add()), (8, 22, 7));
    assert_eq!((useful.own().convert(), useful.flops()), (60, 59));
    // From four blocks on there are 64 (or 32) lanes.
    let useful = textbook.executed(&dot(100)).unwrap().useful;
    assert_eq!((useful.own().mul(), useful.own().fma(), useful.own().add()), (64, 36, 63));
}
