//! The catalogue with operands that a test owns: every variant of [`Op`] can be built, laid out, run and compared in one loop.
//!
//! A new variant does not compile until [`call`] knows its constructor, and fails `every_kernel_is_sampled` until [`samples`] has one.

use std::marker::PhantomData;

use nxm_kernels::call::{Op, Operands, Shapes, Translate};
use nxm_kernels::{
    Activation, Call, Cpu, Element, Function, Init, Layout, MatrixMut, MatrixRef, PackedMatrix, Rule, ShapeError,
    Strides,
};

use crate::dense::{rules, rules_apart};
use crate::loss_samples;
use crate::norm_samples;
use crate::softmax_samples;
use crate::support::*;

/// Longer than any vector: a whole vector read or written beyond an operand lands in it.
const MARGIN: usize = 20;

/// A matrix in memory of its own, with garbage around it and in its gaps.
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    data: Vec<T>,
    layout: Layout,
}

impl<T: Float> Buffer<T> {
    /// Row-major `values`, laid out so. Padding holds NaN and infinities; what is neither element nor padding holds `GARBAGE`.
    pub fn new(values: &[T], layout: Layout) -> Self {
        let Layout { rows, cols, width, .. } = layout;
        let span = layout.span().expect("a small matrix");
        let mut buffer = Buffer { data: vec![T::GARBAGE; span + 2 * MARGIN], layout };
        for i in 0..rows {
            for j in 0..if cols > 0 { width.max(cols) } else { 0 } {
                let at = buffer.place(i, j);
                buffer.data[at] = if j < cols { values[i * cols + j] } else { T::NON_FINITE[(i + j) % 3] };
            }
        }
        buffer
    }

    fn place(&self, i: usize, j: usize) -> usize {
        MARGIN + i * self.layout.strides.row + j * self.layout.strides.col
    }

    /// The same elements, laid out in another way.
    pub fn laid(&self, layout: Layout) -> Self {
        assert_eq!((layout.rows, layout.cols), (self.layout.rows, self.layout.cols));
        Buffer::new(&self.values(), layout)
    }

    /// How it is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Elements and all that is between them, from the first to the last, with its padding.
    pub fn held(&self) -> &[T] {
        &self.data[MARGIN..][..self.layout.span().expect("a small matrix")]
    }

    /// The elements, row after row.
    pub fn values(&self) -> Vec<T> {
        self.view().to_vec()
    }

    /// To read.
    pub fn view(&self) -> MatrixRef<'_, T> {
        MatrixRef::with_layout(&self.data[MARGIN..], self.layout).unwrap()
    }

    /// To write.
    pub fn view_mut(&mut self) -> MatrixMut<'_, T> {
        MatrixMut::with_layout(&mut self.data[MARGIN..], self.layout).unwrap()
    }

    /// Panics if anything was written that is neither an element nor padding.
    #[track_caller]
    pub fn assert_nothing_else_was_written(&self, what: &str) {
        let Layout { rows, cols, width, .. } = self.layout;
        let mut own = vec![false; self.data.len()];
        for i in 0..rows {
            (0..if cols > 0 { width.max(cols) } else { 0 }).for_each(|j| own[self.place(i, j)] = true);
        }
        for (at, x) in self.data.iter().enumerate().filter(|(at, _)| !own[*at]) {
            assert_eq!(x.to_bits_u64(), T::GARBAGE.to_bits_u64(), "{what} wrote at {at} of {:?}", self.layout);
        }
    }
}

/// The right factor of a product.
#[derive(Clone, Debug)]
pub enum Right<T> {
    /// As it stands.
    Matrix(Buffer<T>),
    /// Packed beforehand.
    Packed(PackedMatrix<T>),
}

/// Operands that own their memory.
#[derive(Clone, Debug)]
pub struct Owned<T>(PhantomData<T>);

impl<T: Float> Operands for Owned<T> {
    type In = Buffer<T>;
    type Out = Buffer<T>;
    type Right = Right<T>;
    type Singles = Vec<f32>;
    type Labels = Vec<u32>;
    type Number = T;
    type Rule = Rule<T>;
}

/// A kernel with operands of its own.
pub type Sample<T> = Op<Owned<T>>;

/// An element type, and the calls that only one of them has.
pub trait Case: Float {
    /// [`Call::dot_in_f64`], if there is one.
    fn dot_in_f64<'a>(x: &'a [f32], y: &'a [f32], to: MatrixMut<'a, Self>) -> Result<Call<'a, Self>, ShapeError>;
    /// Samples of calls that only this type has.
    fn samples_of_its_own(size: [usize; 3], random: &mut Random) -> Vec<Sample<Self>>;
}

impl Case for f32 {
    fn dot_in_f64<'a>(_: &'a [f32], _: &'a [f32], _: MatrixMut<'a, f32>) -> Result<Call<'a, f32>, ShapeError> {
        unreachable!("f32 has no sample of it")
    }
    fn samples_of_its_own(_: [usize; 3], _: &mut Random) -> Vec<Sample<f32>> {
        Vec::new()
    }
}

impl Case for f64 {
    fn dot_in_f64<'a>(x: &'a [f32], y: &'a [f32], to: MatrixMut<'a, f64>) -> Result<Call<'a, f64>, ShapeError> {
        Call::dot_in_f64(x, y, to)
    }
    fn samples_of_its_own([_, _, cols]: [usize; 3], random: &mut Random) -> Vec<Sample<f64>> {
        let to = matrix(random, 1, 1);
        vec![Op::DotInF64 { x: random.units(cols), y: random.units(cols), to }]
    }
}

/// A sample's call, if its operands fit together.
pub fn call<T: Case>(sample: &mut Sample<T>) -> Result<Call<'_, T>, ShapeError> {
    match sample {
        Op::Dot { x, y, to } => Call::dot(x.view(), y.view(), to.view_mut()),
        Op::DotInF64 { x, y, to } => T::dot_in_f64(x, y, to.view_mut()),
        Op::Axpy { alpha, x, y } => Call::axpy(*alpha, x.view(), y.view_mut()),
        Op::Gemv { a, x, y } => Call::gemv(a.view(), x.view(), y.view_mut()),
        Op::GemvTransposed { a, x, y } => Call::gemv_transposed(a.view(), x.view(), y.view_mut()),
        Op::Ger { alpha, x, y, a } => Call::ger(*alpha, x.view(), y.view(), a.view_mut()),
        Op::Gemm { a, b: Right::Matrix(b), init, c } => {
            Call::gemm(a.view(), b.view().into(), start(init), c.view_mut())
        }
        Op::Gemm { a, b: Right::Packed(b), init, c } => Call::gemm(a.view(), (&*b).into(), start(init), c.view_mut()),
        Op::GemmScaled { alpha, a, b, beta, c } => Call::gemm_scaled(*alpha, a.view(), b.view(), *beta, c.view_mut()),
        Op::DenseForward { x, weights, bias, activation, sums, a, .. } => {
            let weights = match weights {
                Right::Matrix(weights) => weights.view().into(),
                Right::Packed(weights) => (&*weights).into(),
            };
            let sums = sums.as_mut().map(Buffer::view_mut);
            Call::dense_forward(x.view(), weights, bias.view(), *activation, sums, a.view_mut())
        }
        Op::DenseInputGradient { delta, weights, activation, kept, d, .. } => {
            Call::dense_input_gradient(delta.view(), weights.view(), *activation, kept.view(), d.view_mut())
        }
        Op::DenseWeightGradient { x, delta, gradient } => {
            Call::dense_weight_gradient(x.view(), delta.view(), gradient.view_mut())
        }
        Op::DenseUpdate { x, delta, rule, weights, state } => {
            let state = state.each_mut().map(|state| state.as_mut().map(Buffer::view_mut));
            Call::dense_update(x.view(), delta.view(), *rule, weights.view_mut(), state)
        }
        Op::ColumnSum { a, sum } => Call::column_sum(a.view(), sum.view_mut()),
        Op::Activate { activation, sums: None, z, .. } => Call::activate(*activation, z.view_mut()),
        Op::Activate { activation, sums: Some(sums), z, .. } => {
            Call::activate_keeping(*activation, sums.view_mut(), z.view_mut())
        }
        Op::Derive { activation, kept, delta, .. } => Call::derive(*activation, kept.view(), delta.view_mut()),
        Op::Apply { function, x } => Call::apply(*function, x.view_mut()),
        Op::LogSumExp { z, to } => Call::log_sum_exp(z.view(), to.view_mut()),
        Op::Update { rule, gradient, weights, state } => {
            let state = state.each_mut().map(|state| state.as_mut().map(Buffer::view_mut));
            Call::update(*rule, gradient.view(), weights.view_mut(), state)
        }
        Op::MeanSquaredError { outputs, targets, mean, slope, delta, loss } => {
            let [delta, loss] = [delta, loss].map(Buffer::view_mut);
            Call::mean_squared_error(outputs.view(), targets.view(), (*mean, *slope), delta, loss)
        }
        Op::BinaryCrossEntropy { logits, targets, mean, losses, delta, loss } => {
            let [losses, delta, loss] = [losses, delta, loss].map(Buffer::view_mut);
            Call::binary_cross_entropy(logits.view(), targets.view(), *mean, losses, delta, loss)
        }
        Op::CrossEntropy { logits, labels, mean, losses, delta, loss } => {
            let [losses, delta, loss] = [losses, delta, loss].map(Buffer::view_mut);
            Call::cross_entropy(logits.view(), labels, *mean, losses, delta, loss)
        }
        Op::WeightedCrossEntropy { logits, labels, classes, spread, weights, losses, delta, loss } => {
            let [weights, losses, delta, loss] = [weights, losses, delta, loss].map(Buffer::view_mut);
            Call::weighted_cross_entropy(logits.view(), labels, classes.view(), *spread, weights, losses, delta, loss)
        }
        Op::WeightedBinaryCrossEntropy { logits, targets, positive, mean, losses, delta, loss } => {
            let [losses, delta, loss] = [losses, delta, loss].map(Buffer::view_mut);
            let (logits, targets, positive) = (logits.view(), targets.view(), positive.view());
            Call::weighted_binary_cross_entropy(logits, targets, positive, *mean, losses, delta, loss)
        }
        Op::ElementLoss { measure, outputs, targets, mean, slope, losses, delta, loss } => {
            let [losses, delta, loss] = [losses, delta, loss].map(Buffer::view_mut);
            Call::element_loss(*measure, outputs.view(), targets.view(), (*mean, *slope), losses, delta, loss)
        }
        Op::WeighRows { losses, weights, shares, rows, mean, factors, delta, loss } => {
            let [factors, delta, loss] = [factors, delta, loss].map(Buffer::view_mut);
            let shares = shares.as_ref().map(Buffer::view);
            Call::weigh_rows(losses.view(), weights.view(), shares, *rows, *mean, factors, delta, loss)
        }
        Op::AddSquares { before, x, sum } => Call::add_squares(before.view(), x.view(), sum.view_mut()),
        Op::ClipScale { max_norm, squares, norm, scale } => {
            Call::clip_scale(*max_norm, squares.view(), norm.view_mut(), scale.view_mut())
        }
        Op::InverseNorm { least, squares, to } => Call::inverse_norm(*least, squares.view(), to.view_mut()),
        Op::Scale { factor, x } => Call::scale(factor.view(), x.view_mut()),
        Op::Clamp { limit, x } => Call::clamp(*limit, x.view_mut()),
        Op::SoftCrossEntropy { .. } => loss_samples::call(sample),
        Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::SoftmaxGradient { .. } | Op::LogSoftmaxGradient { .. } => {
            softmax_samples::call(sample)
        }
        norm => norm_samples::call(norm),
    }
}

fn start<T: Float>(init: &Init<Buffer<T>>) -> Init<MatrixRef<'_, T>> {
    match init {
        Init::Zero => Init::Zero,
        Init::Bias(bias) => Init::Bias(bias.view()),
        Init::Accumulate => Init::Accumulate,
    }
}

/// Runs a copy of a sample and returns it.
pub fn ran<T: Case>(sample: &Sample<T>, cpu: &Cpu) -> Sample<T> {
    let mut copy = sample.clone();
    T::run(cpu, call(&mut copy).unwrap_or_else(|error| panic!("{}: {error}", name(sample))), None);
    copy
}

/// What is done to each operand on the way to another sample.
struct Each<I, O> {
    input: I,
    output: O,
}

impl<T: Float, I: FnMut(&Buffer<T>) -> Buffer<T>, O: FnMut(&Buffer<T>) -> Buffer<T>> Translate<Owned<T>, Owned<T>>
    for Each<I, O>
{
    fn input(&mut self, from: &Buffer<T>) -> Buffer<T> {
        (self.input)(from)
    }
    fn output(&mut self, from: &Buffer<T>) -> Buffer<T> {
        (self.output)(from)
    }
    fn right(&mut self, from: &Right<T>) -> Right<T> {
        match from {
            Right::Matrix(matrix) => Right::Matrix((self.input)(matrix)),
            Right::Packed(packed) => Right::Packed(packed.clone()),
        }
    }
    fn singles(&mut self, from: &Vec<f32>) -> Vec<f32> {
        from.clone()
    }
    fn labels(&mut self, from: &Vec<u32>) -> Vec<u32> {
        from.clone()
    }
    fn number(&mut self, from: &T) -> T {
        *from
    }
    fn rule(&mut self, from: &Rule<T>) -> Rule<T> {
        *from
    }
}

/// A sample with matrices that `change` makes of its own; it is told how many come before, in the order of the fields.
pub fn changed<T: Float>(sample: &Sample<T>, mut change: impl FnMut(usize, &Buffer<T>) -> Buffer<T>) -> Sample<T> {
    let (seen, change) = (std::cell::Cell::new(0), std::cell::RefCell::new(&mut change));
    let each = |from: &Buffer<T>| (change.borrow_mut())(seen.replace(seen.get() + 1), from);
    sample.translate(&mut Each { input: each, output: each })
}

/// How many matrices a sample has.
pub fn matrices<T: Float>(sample: &Sample<T>) -> usize {
    let mut count = 0;
    changed(sample, |_, matrix| {
        count += 1;
        matrix.clone()
    });
    count
}

/// What a sample writes to, in the order of the fields.
pub fn outputs<T: Float>(sample: &Sample<T>) -> Vec<Buffer<T>> {
    let mut outputs = Vec::new();
    let output = |from: &Buffer<T>| {
        outputs.push(from.clone());
        from.clone()
    };
    let _: Sample<T> = sample.translate(&mut Each { input: Buffer::clone, output });
    outputs
}

/// The kernel, and what it does beside its operands.
pub fn name<T: Float>(sample: &Sample<T>) -> String {
    let which = match sample {
        Op::DenseForward { activation, sums, .. } => format!(" {activation}, sums kept: {}", sums.is_some()),
        Op::DenseInputGradient { activation, .. } => format!(" {activation}"),
        Op::Activate { activation, sums: Some(_), .. } => format!(" {activation}, sums kept"),
        Op::Activate { activation, .. } | Op::Derive { activation, .. } => format!(" {activation}"),
        Op::Apply { function, .. } => format!(" {}", function.name()),
        Op::DenseUpdate { rule, .. } | Op::Update { rule, .. } => format!(" {rule:?}"),
        Op::Gemm { init, b, .. } => {
            format!(" {:?}, packed: {}", init.map(|_| ()), matches!(b, Right::Packed(_)))
        }
        Op::GemmScaled { alpha, beta, .. } => format!(" α = {alpha}, β = {beta}"),
        Op::ElementLoss { measure, .. } => format!(" {}", measure.name()),
        Op::WeighRows { shares, .. } => format!(", shares: {}", shares.is_some()),
        Op::SoftCrossEntropy { classes, .. } => format!(", weighted: {}", classes.is_some()),
        Op::Softmax { x: Some(_), .. } | Op::LogSoftmax { x: Some(_), .. } => " of another matrix".to_owned(),
        _ => String::new(),
    };
    sample.name().to_owned() + &which
}

/// The output whose order of additions depends on whether rows have gaps: that of a reduction over several rows.
pub fn sum_over_rows<T: Float>(sample: &Sample<T>) -> Option<usize> {
    match sample {
        Op::MeanSquaredError { .. } => Some(1),
        Op::BinaryCrossEntropy { .. } | Op::ElementLoss { .. } => Some(2),
        Op::AddSquares { .. } => Some(0),
        _ => None,
    }
}

/// Numbers in [−1, 1), row after row without gaps.
pub fn matrix<T: Float>(random: &mut Random, rows: usize, cols: usize) -> Buffer<T> {
    Buffer::new(&random.units(rows * cols), Layout::row_major(rows, cols))
}

/// Numbers in [0, 1): what an optimizer keeps of squares, targets of binary cross-entropy, weights of classes.
pub fn positive<T: Float>(random: &mut Random, rows: usize, cols: usize) -> Buffer<T> {
    let values: Vec<T> = random.units::<T>(rows * cols).iter().map(|x| T::from_f64(x.to_f64().abs())).collect();
    Buffer::new(&values, Layout::row_major(rows, cols))
}

/// Each kernel in all its ways, for B examples, N inputs and M units, none of them with gaps.
pub fn samples<T: Case>([b, n, m]: [usize; 3], seed: u64) -> Vec<Sample<T>> {
    let random = &mut Random::new(seed);
    let t = T::from_f64;
    let mut all = T::samples_of_its_own([b, n, m], random);
    let r = &mut *random;
    all.extend([
        Op::Dot { x: matrix(r, 1, m), y: matrix(r, 1, m), to: matrix(r, 1, 1) },
        Op::Axpy { alpha: t(-0.37), x: matrix(r, 1, m), y: matrix(r, 1, m) },
        Op::Gemv { a: matrix(r, b, n), x: matrix(r, 1, n), y: matrix(r, 1, b) },
        Op::GemvTransposed { a: matrix(r, b, m), x: matrix(r, 1, b), y: matrix(r, 1, m) },
        Op::Ger { alpha: t(-0.37), x: matrix(r, 1, n), y: matrix(r, 1, m), a: matrix(r, n, m) },
        Op::DenseWeightGradient { x: matrix(r, b, n), delta: matrix(r, b, m), gradient: matrix(r, n, m) },
        Op::ColumnSum { a: matrix(r, b, m), sum: matrix(r, 1, m) },
        Op::Softmax { x: None, z: matrix(r, b, m) },
        Op::LogSoftmax { x: None, z: matrix(r, b, m) },
        Op::LogSumExp { z: matrix(r, b, m), to: matrix(r, 1, b) },
        Op::AddSquares { before: positive(r, 1, 1), x: matrix(r, b, m), sum: matrix(r, 1, 1) },
        Op::ClipScale { max_norm: t(0.5), squares: positive(r, 1, 1), norm: matrix(r, 1, 1), scale: matrix(r, 1, 1) },
        Op::Scale { factor: matrix(r, 1, 1), x: matrix(r, b, m) },
    ]);
    for init in [Init::Zero, Init::Bias(matrix(r, 1, m)), Init::Accumulate] {
        let weights = matrix(r, n, m);
        for b_is in [Right::Packed(PackedMatrix::new(weights.view()).unwrap()), Right::Matrix(weights.clone())] {
            all.push(Op::Gemm { a: matrix(r, b, n), b: b_is, init: init.clone(), c: matrix(r, b, m) });
        }
    }
    for [alpha, beta] in [[1.0, 0.0], [1.0, 1.0], [-1.3, 0.7], [0.0, 0.7]].map(|factors| factors.map(t)) {
        all.push(Op::GemmScaled { alpha, a: matrix(r, b, n), b: matrix(r, n, m), beta, c: matrix(r, b, m) });
    }
    for activation in Activation::samples() {
        let (r, parameters) = (&mut stream(seed, activation.name()), activation.rounded());
        for keeps in [false, true] {
            let weights = Right::Matrix(matrix(r, n, m));
            let sums = keeps.then(|| matrix(r, b, m));
            let (x, bias, a) = (matrix(r, b, n), matrix(r, 1, m), matrix(r, b, m));
            all.push(Op::DenseForward { x, weights, bias, activation, parameters, sums, a });
        }
        let (delta, weights, kept, d) = (matrix(r, b, m), matrix(r, n, m), matrix(r, b, n), matrix(r, b, n));
        all.push(Op::DenseInputGradient { delta, weights, activation, parameters, kept, d });
        all.push(Op::Activate { activation, parameters, sums: None, z: matrix(r, b, m) });
        all.push(Op::Derive { activation, parameters, kept: matrix(r, b, m), delta: matrix(r, b, m) });
    }
    all.extend(Function::ALL.map(|function| {
        let x = positive(&mut stream(seed, function.name()), b, m);
        Op::Apply { function, x }
    }));
    for rule in rules::<T>() {
        let r = &mut stream(seed, &format!("{rule:?}"));
        let mut state = |kept: usize| (rule.state() > kept).then(|| positive(r, n, m));
        let (of_weights, of_parameters) = ([state(0), state(1)], [state(0), state(1), state(2)]);
        let (x, delta, weights) = (matrix(r, b, n), matrix(r, b, m), matrix(r, n, m));
        all.push(Op::DenseUpdate { x, delta, rule, weights, state: of_weights });
        all.push(Op::Update { rule, gradient: matrix(r, n, m), weights: matrix(r, n, m), state: of_parameters });
    }
    all.extend(loss_samples::losses(b, m, &mut stream(seed, "losses")));
    all.extend(loss_samples::further_losses(b, m, &mut stream(seed, "further losses")));
    let r = &mut stream(seed, "rules apart");
    for rule in rules_apart::<T>() {
        let mut state = |kept: usize| (rule.state() > kept).then(|| positive(r, n, m));
        let state = [state(0), state(1), state(2)];
        all.push(Op::Update { rule, gradient: matrix(r, n, m), weights: matrix(r, n, m), state });
    }
    all.push(Op::Clamp { limit: t(0.3), x: matrix(r, b, m) });
    all.extend(norm_samples::norms(b, m, &mut stream(seed, "norms")));
    all.extend(softmax_samples::softmaxes(b, m, &mut stream(seed, "softmaxes")));
    all.extend(loss_samples::soft_losses(b, m, &mut stream(seed, "soft losses")));
    let r = &mut stream(seed, "inverse norm");
    all.push(Op::InverseNorm { least: t(1e-7), squares: positive(r, 1, 1), to: matrix(r, 1, 1) });
    all
}

/// Numbers of a sample's own, so that another activation, function or rule does not change those of the others.
fn stream(seed: u64, name: &str) -> Random {
    Random::new(name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into())))
}

/// Ways to lay out a matrix whose rows' elements stand side by side: `which` of `WAYS`.
pub fn laid_out<T: Element>(which: usize, rows: usize, cols: usize) -> Layout {
    let wide = |width: usize, stride: usize| Layout { rows, cols, strides: Strides::row_major(stride), width };
    match which {
        0 => Layout::row_major(rows, cols),
        1 => Layout::padded(rows, cols, T::BLOCK),
        // Padded to no whole vector, row after row.
        2 => wide(cols + 3, cols + 3),
        // Padded to whole vectors and more, with gaps behind the padding.
        3 => wide(cols.next_multiple_of(T::BLOCK) + 1, cols.next_multiple_of(T::BLOCK) + 5),
        // Gaps that are no padding.
        _ => wide(cols, cols + 7),
    }
}

/// How many there are.
pub const WAYS: usize = 5;

/// The table in the crate's documentation has one row for each kernel.
#[test]
fn the_table_of_kernels_names_each_of_them_once() {
    let table = include_str!("../../src/lib.rs");
    let names = table.lines().filter_map(|line| Some(line.strip_prefix("//! | `")?.split_once('`')?.0));
    let (mut names, mut expected) = (names.collect::<Vec<_>>(), Op::<Shapes>::NAMES.to_vec());
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}
