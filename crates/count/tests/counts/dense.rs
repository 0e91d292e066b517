//! Counts of a layer's products, fused with what follows them: executed = formula, at every level, on one thread and on more.

use std::collections::BTreeSet;

use crate::branches::{self, Branch};
use crate::cases::{
    Case, Draw, Laid, Numbers, Textbook, check_at, check_both, check_split, derivative, laid, short_side, with_room,
};
use crate::rules::Choice;
use nxm_kernels::{Activation, Call, Element, Executor, PackedMatrix};
use proptest::prelude::*;

/// The shape of a layer and of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    pub rows: usize,
    pub n: usize,
    pub m: usize,
}

/// What a layer does.
#[derive(Clone, Copy, Debug)]
pub enum Does {
    Forward(Activation),
    /// Sums are kept, which executes nothing.
    ForwardKeeping(Activation),
    /// Weights were packed beforehand.
    ForwardPacked(Activation),
    InputGradient(Activation),
    WeightGradient,
    Update(Choice),
}

pub struct OfLayer {
    pub layer: Layer,
    pub does: Does,
    /// Of what is read, of the result, and of what stands beside it.
    pub laid: [Laid; 3],
}

impl<T: Element> Case<T> for OfLayer {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let (Layer { rows, n, m }, [read, to, beside]) = (self.layer, self.laid);
        let operand = |seed, (rows, cols)| Numbers::new(draw, seed, read.layout::<T>(rows, cols));
        let result = |seed, (rows, cols)| Numbers::new(draw, seed, to.layout::<T>(rows, cols));
        let beside = |seed, (rows, cols)| Numbers::new(draw, seed, beside.layout::<T>(rows, cols));
        let (x, w, delta, bias) =
            (operand(1, (rows, n)), operand(2, (n, m)), operand(3, (rows, m)), operand(4, (1, m)));
        match self.does {
            Does::Forward(f) | Does::ForwardKeeping(f) | Does::ForwardPacked(f) => {
                let (mut a, mut sums) = (result(5, (rows, m)), beside(6, (rows, m)));
                let packed = PackedMatrix::new(w.read()).unwrap();
                let weights = if let Does::ForwardPacked(_) = self.does { (&packed).into() } else { w.read().into() };
                let kept = if let Does::ForwardKeeping(_) = self.does { Some(sums.write()) } else { None };
                let call = Call::dense_forward(x.read(), weights, bias.read(), f, kept, a.write());
                T::run(executor, call.unwrap(), None);
                [a.data, sums.data].concat()
            }
            Does::InputGradient(f) => {
                let (mut d, kept) = (result(5, (rows, n)), beside(6, (rows, n)));
                let call = Call::dense_input_gradient(delta.read(), w.read(), f, kept.read(), d.write());
                T::run(executor, call.unwrap(), None);
                d.data
            }
            Does::WeightGradient => {
                let mut gradient = result(5, (n, m));
                let call = Call::dense_weight_gradient(x.read(), delta.read(), gradient.write());
                T::run(executor, call.unwrap(), None);
                gradient.data
            }
            Does::Update(choice) => {
                let rule = choice.rule::<T>();
                let (mut w, mut first, mut second) =
                    (result(5, (n, m)), beside(6, (n, m)), beside(7, (n, m)).squared());
                let mut state = [Some(first.write()), Some(second.write())];
                state[rule.state()..].fill_with(|| None);
                let call = Call::dense_update(x.read(), delta.read(), rule, w.write(), state);
                T::run(executor, call.unwrap(), None);
                [w.data, first.data, second.data].concat()
            }
        }
    }
    fn textbook(&self) -> Textbook {
        let [rows, n, m] = [self.layer.rows, self.layer.n, self.layer.m].map(|side| side as u128);
        let product = rows * n * m;
        match self.does {
            Does::Forward(f) | Does::ForwardKeeping(f) | Does::ForwardPacked(f) => {
                let functions = f.function().map(|f| (f, rows * m)).into_iter().collect();
                Textbook { functions, ..Textbook::default() }.plus([product; 2])
            }
            Does::InputGradient(f) => {
                // One row is dot products, one for each of the inputs.
                let fewer = if rows == 1 && !self.laid[0].is_column(self.layer.m) { n } else { 0 };
                derivative(f, rows * n).plus([product, product - fewer])
            }
            Does::WeightGradient => Textbook::default().plus([product; 2]),
            Does::Update(choice) => choice.textbook(n * m).plus([product; 2]),
        }
    }
}

fn layer() -> impl Strategy<Value = Layer> {
    // A batch of one has ways of its own.
    (prop_oneof![short_side(), Just(1usize)], short_side(), short_side()).prop_map(|(rows, n, m)| Layer { rows, n, m })
}

/// All that a layer does.
fn all(f: Activation, choice: Choice) -> [Does; 6] {
    [
        Does::Forward(f),
        Does::ForwardKeeping(f),
        Does::ForwardPacked(f),
        Does::InputGradient(f),
        Does::WeightGradient,
        Does::Update(choice),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// All matrices laid out alike: as plain rows, or padded as in networks.
    #[test]
    fn fused_products(
        layer in layer(), activation in proptest::sample::select(Activation::samples()), choice in Choice::any(),
        laid in proptest::sample::select(&[Laid::Plain, Laid::Padded][..]),
    ) {
        for does in all(activation, choice) {
            check_both(OfLayer { layer, does, laid: [laid; 3] });
        }
    }

    #[test]
    fn fused_products_with_gaps(
        layer in layer(), activation in proptest::sample::select(Activation::samples()), choice in Choice::any(), does in 0usize..6,
        laid in [laid(), laid(), laid()],
    ) {
        check_both(OfLayer { layer, does: all(activation, choice)[does], laid });
    }
}

/// Products and rules large enough to be split between threads, and cut into more than one block of k.
#[test]
fn large_enough_for_threads() {
    let layer = Layer { rows: 131, n: 1001, m: 67 };
    let wide = Layer { rows: 67, n: 131, m: 1001 };
    let keeping = Does::ForwardKeeping(Activation::Sigmoid);
    let [adam, plain_descent] = [Choice { rule: 4, decay: 2 }, Choice { rule: 0, decay: 1 }].map(Does::Update);
    let (plain, padded, mixed) = ([Laid::Plain; 3], [Laid::Padded; 3], [Laid::Gaps, Laid::Short, Laid::Plain]);
    let mut taken = BTreeSet::new();
    let mut single = |layer, does, laid| {
        check_split::<f32>(&OfLayer { layer, does, laid });
        taken.append(&mut branches::taken::<f32>(&OfLayer { layer, does, laid }));
    };
    single(layer, keeping, padded);
    single(wide, Does::InputGradient(Activation::Tanh), plain);
    single(layer, adam, padded);
    single(layer, plain_descent, plain);
    let mut double = |layer, does, laid| {
        check_split::<f64>(&OfLayer { layer, does, laid });
        taken.append(&mut branches::taken::<f64>(&OfLayer { layer, does, laid }));
    };
    double(wide, Does::InputGradient(Activation::Silu), padded);
    double(layer, Does::Forward(Activation::Relu), mixed);
    double(layer, plain_descent, mixed);
    for branch in [Branch::BInPlace, Branch::BCopied, Branch::SeveralDepths] {
        assert!(taken.contains(&branch), "no product takes {branch:?}: {taken:?}");
    }
    // Of one example: outer products, cut between columns (where rows of a part have gaps) and between rows.
    for layer in [Layer { rows: 1, n: 1501, m: 3001 }, Layer { rows: 1, n: 50_001, m: 101 }] {
        check_split::<f32>(&OfLayer { layer, does: plain_descent, laid: padded });
        check_split::<f32>(&OfLayer { layer, does: Does::WeightGradient, laid: padded });
    }
}

/// Around the sizes up to which what follows a product takes its rows as one: by multiply-adds, and by the size of B.
#[test]
fn joined_rows() {
    let (f, choice) = (Activation::Sigmoid, Choice { rule: 1, decay: 0 });
    for [rows, n, m] in [[47, 129, 129], [49, 127, 127], [2, 362, 361], [2, 363, 363], [2, 513, 257]] {
        let layer = Layer { rows, n, m };
        for does in [Does::ForwardKeeping(f), Does::InputGradient(f), Does::Update(choice)] {
            let case = OfLayer { layer, does, laid: [Laid::Plain; 3] };
            with_room(|| {
                check_at::<f32>(&case, &[1]);
                check_at::<f64>(&case, &[1]);
            });
        }
    }
}
