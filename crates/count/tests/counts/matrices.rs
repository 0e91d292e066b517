//! Counts of the kernels on matrices: executed = formula, at every level, on one thread and on more.

use std::collections::BTreeSet;

use crate::branches::{self, Branch};
use crate::cases::{
    Case, Draw, Laid, Numbers, Textbook, bits, check_both, check_split, laid, numbers, short_side, side, with_room,
};
use nxm_count::Counted;
use nxm_kernels::{
    Call, Cpu, ELEMENTS_WORTH_A_THREAD, Element, Executor, Init, Layout, Level, MatrixMut, MatrixRef, PackedMatrix,
    Strides, gemm, gemm_scaled,
};
use proptest::prelude::*;

/// Which of a product's operands are stored transposed, and what its sums start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// X·W + b.
    Forward,
    /// Xᵀ·δ.
    WeightGradient,
    /// δ·Wᵀ.
    InputGradient,
    /// C + A·B, A with gaps between columns.
    Strided,
    /// X·W + b, W packed beforehand.
    Packed,
    /// C + A·B, C with gaps between columns.
    Beside,
    /// A·B, B with gaps between columns and rows.
    StridedRight,
    /// A·B, A and B with gaps between columns and rows.
    Scattered,
    /// A·B, C with gaps between rows.
    Gaps,
    /// C + A·B, each with less padding than a vector wants.
    Short,
    /// X·W + b, all padded.
    Padded,
    /// Xᵀ·δ, all padded.
    PaddedWeightGradient,
    /// δ·Wᵀ, all padded.
    PaddedInputGradient,
}

pub const FORMS: [Form; 13] = [
    Form::Forward,
    Form::WeightGradient,
    Form::InputGradient,
    Form::Strided,
    Form::Packed,
    Form::Beside,
    Form::StridedRight,
    Form::Scattered,
    Form::Gaps,
    Form::Short,
    Form::Padded,
    Form::PaddedWeightGradient,
    Form::PaddedInputGradient,
];

pub struct Gemm {
    pub form: Form,
    pub m: usize,
    pub k: usize,
    pub n: usize,
}

impl<T: Element> Case<T> for Gemm {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let &Gemm { form, m, k, n } = self;
        let numbers = |seed, layout| Numbers::<T>::new(draw, seed, layout);
        let plain = Layout::row_major;
        let padded = |rows, cols| Laid::Padded.layout::<T>(rows, cols);
        let strided =
            |rows, cols: usize, gap: usize| Layout::strided(rows, cols, Strides { row: gap * cols, col: gap });
        let zero = Init::Zero;
        let bias = numbers(3, if form == Form::Padded { padded(1, n) } else { plain(1, n) });
        let with_bias = Init::Bias(bias.read());
        let (a, b, init, c) = match form {
            Form::Forward | Form::Packed => (plain(m, k), plain(k, n), with_bias, plain(m, n)),
            Form::WeightGradient => (plain(k, m), plain(k, n), zero, plain(m, n)),
            Form::PaddedWeightGradient => (padded(k, m), padded(k, n), zero, padded(m, n)),
            Form::InputGradient => (plain(m, k), plain(n, k), zero, plain(m, n)),
            Form::PaddedInputGradient => (padded(m, k), padded(n, k), zero, padded(m, n)),
            Form::Strided => (strided(m, k, 2), plain(k, n), Init::Accumulate, plain(m, n)),
            Form::Beside => (plain(m, k), plain(k, n), Init::Accumulate, strided(m, n, 2)),
            Form::StridedRight => (plain(m, k), strided(k, n, 3), zero, plain(m, n)),
            Form::Scattered => (strided(m, k, 2), strided(k, n, 2), zero, plain(m, n)),
            Form::Gaps => (plain(m, k), plain(k, n), zero, Laid::Gaps.layout::<T>(m, n)),
            Form::Short => {
                let [a, b, c] = [(m, k), (k, n), (m, n)].map(|(rows, cols)| Laid::Short.layout::<T>(rows, cols));
                (a, b, Init::Accumulate, c)
            }
            Form::Padded => (padded(m, k), padded(k, n), with_bias, padded(m, n)),
        };
        let (a, b, mut c) = (numbers(1, a), numbers(2, b), numbers(4, c));
        let packed = (form == Form::Packed).then(|| PackedMatrix::new(b.read()).unwrap());
        let (a, b) = match form {
            Form::WeightGradient | Form::PaddedWeightGradient => (a.read().transpose(), b.read()),
            Form::InputGradient | Form::PaddedInputGradient => (a.read(), b.read().transpose()),
            _ => (a.read(), b.read()),
        };
        let b = packed.as_ref().map_or(b.into(), |packed| packed.into());
        T::run(executor, Call::gemm(a, b, init, c.write()).unwrap(), None);
        c.data
    }
    fn textbook(&self) -> Textbook {
        let [m, k, n] = [self.m, self.k, self.n].map(|side| side as u128);
        let product = m * k * n;
        // One row against columns that are contiguous is dot products. (A single column of a single term is no less a row.)
        let additions = match self.form {
            Form::InputGradient | Form::PaddedInputGradient if self.is_dots() => product - n,
            _ => product,
        };
        Textbook { multiplications: product, additions, ..Textbook::default() }
    }
}

impl Gemm {
    /// Whether one row meets columns of B that are contiguous and rows that are not.
    fn is_dots(&self) -> bool {
        self.m == 1 && self.k > 1 && self.n > 0
    }
}

/// How C is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Row after row.
    Rows,
    /// The same, padded.
    Padded,
    /// Column after column.
    Columns,
    /// With gaps both ways.
    Spread,
}

/// C ← α·A·B + β·C.
pub struct Scaled {
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub alpha: f64,
    pub beta: f64,
    pub order: Order,
}

impl Scaled {
    /// Whether C's columns are contiguous and its rows are not; a single row is contiguous anyway.
    fn is_transposed(&self) -> bool {
        self.order == Order::Columns && self.m != 1
    }
}

impl<T: Element> Case<T> for Scaled {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let &Scaled { m, k, n, alpha, beta, order } = self;
        let (a, b) = (Numbers::new(draw, 1, Layout::row_major(m, k)), Numbers::new(draw, 2, Layout::row_major(k, n)));
        let mut c = Numbers::new(
            draw,
            4,
            match order {
                Order::Rows => Layout::row_major(m, n),
                Order::Padded => Laid::Padded.layout::<T>(m, n),
                Order::Columns => Layout::row_major(n, m),
                Order::Spread => Layout::strided(m, n, Strides { row: 2 * n, col: 2 }),
            },
        );
        let view = if order == Order::Columns { c.write().transpose() } else { c.write() };
        gemm_scaled(executor, T::from_f64(alpha), a.read(), b.read(), T::from_f64(beta), view).unwrap();
        c.data
    }
    fn textbook(&self) -> Textbook {
        let (m, k, n) = (self.m as u128, self.k as u128, self.n as u128);
        let product = if self.alpha == 0.0 { 0 } else { m * k * n };
        let first = if self.is_transposed() { k * n } else { m * k };
        let first = if m * n == 0 { 0 } else { first };
        let scale = |factor: f64, len| if factor == 0.0 || factor == 1.0 { 0 } else { len };
        let multiplications = product + scale(self.alpha, first) + scale(self.beta, m * n);
        // A column from zero, taken as a row, is dot products with rows of A, which are contiguous.
        let dots = self.is_transposed() && n == 1 && k > 1 && self.beta == 0.0;
        let additions = if dots { product.saturating_sub(m) } else { product };
        Textbook { multiplications, additions, ..Textbook::default() }
    }
}

/// The kernels on a matrix and vectors.
#[derive(Clone, Copy, Debug)]
pub enum OnMatrix {
    Gemv,
    GemvTransposed,
    /// The same of a matrix with gaps between columns, which is a product of one row.
    GemvTransposedSpread,
    /// The same of a matrix whose columns are contiguous: dot products.
    GemvTransposedColumns,
    Ger,
    ColumnSum,
}

pub const ON_MATRIX: [OnMatrix; 6] = [
    OnMatrix::Gemv,
    OnMatrix::GemvTransposed,
    OnMatrix::GemvTransposedSpread,
    OnMatrix::GemvTransposedColumns,
    OnMatrix::Ger,
    OnMatrix::ColumnSum,
];

pub struct MatrixAndVectors {
    pub kernel: OnMatrix,
    pub rows: usize,
    pub cols: usize,
    /// Of the matrix, and of the vectors.
    pub laid: [Laid; 2],
}

impl<T: Element> Case<T> for MatrixAndVectors {
    fn run(&self, executor: &dyn Executor, draw: Draw) -> Vec<T> {
        let &MatrixAndVectors { kernel, rows, cols, laid: [laid, of_vectors] } = self;
        let layout = match kernel {
            OnMatrix::GemvTransposedSpread => Layout::strided(rows, cols, Strides { row: 2 * cols, col: 2 }),
            OnMatrix::GemvTransposedColumns => laid.layout::<T>(cols, rows),
            _ => laid.layout::<T>(rows, cols),
        };
        let mut a = Numbers::new(draw, 1, layout);
        let vector = |seed, len| Numbers::new(draw, seed, of_vectors.layout::<T>(1, len));
        let (by_row, by_col, mut per_row, mut per_col) =
            (vector(2, rows), vector(3, cols), vector(4, rows), vector(5, cols));
        let call = match kernel {
            OnMatrix::Gemv => Call::gemv(a.read(), by_col.read(), per_row.write()),
            OnMatrix::GemvTransposed | OnMatrix::GemvTransposedSpread => {
                Call::gemv_transposed(a.read(), by_row.read(), per_col.write())
            }
            OnMatrix::GemvTransposedColumns => {
                Call::gemv_transposed(a.read().transpose(), by_row.read(), per_col.write())
            }
            OnMatrix::ColumnSum => Call::column_sum(a.read(), per_col.write()),
            OnMatrix::Ger => Call::ger(T::from_f64(0.3), by_row.read(), by_col.read(), a.write()),
        };
        T::run(executor, call.unwrap(), None);
        [a.data, per_row.data, per_col.data].concat()
    }
    fn textbook(&self) -> Textbook {
        let (rows, cols) = (self.rows as u128, self.cols as u128);
        let [multiplications, additions] = match self.kernel {
            OnMatrix::Gemv => [rows * cols, rows * cols.saturating_sub(1)],
            OnMatrix::GemvTransposedColumns if rows > 0 && cols > 1 && !self.laid[0].is_column(self.rows) => {
                [rows * cols, (rows - 1) * cols]
            }
            OnMatrix::GemvTransposed | OnMatrix::GemvTransposedSpread | OnMatrix::GemvTransposedColumns => {
                [rows * cols; 2]
            }
            OnMatrix::Ger => [rows * cols + rows, rows * cols],
            OnMatrix::ColumnSum => [0, rows * cols],
        };
        Textbook { multiplications, additions, ..Textbook::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn products(form in proptest::sample::select(&FORMS), m in short_side(), k in short_side(), n in short_side()) {
        check_both(Gemm { form, m, k, n });
    }

    #[test]
    fn scaled_products(
        m in short_side(), k in short_side(), n in short_side(),
        order in proptest::sample::select(&[Order::Rows, Order::Padded, Order::Columns, Order::Spread][..]),
        alpha in proptest::sample::select(&[0.0, -0.0, 1.0, -1.5][..]),
        beta in proptest::sample::select(&[0.0, -0.0, 1.0, 0.75][..]),
    ) {
        check_both(Scaled { m, k, n, alpha, beta, order });
    }

    /// One long side, or an empty one.
    #[test]
    fn oblong_products(form in proptest::sample::select(&FORMS), long in side(), which in 0usize..3) {
        let mut sides = [7, 5, 19];
        sides[which] = long;
        let [m, k, n] = sides;
        check_both(Gemm { form, m, k, n });
    }

    #[test]
    fn matrices_and_vectors(
        kernel in proptest::sample::select(&ON_MATRIX), rows in 0usize..40, cols in side(), laid in [laid(), laid()],
    ) {
        check_both(MatrixAndVectors { kernel, rows, cols, laid });
    }

    /// Products of one row, of one column and of one term.
    #[test]
    fn thin_products(form in proptest::sample::select(&FORMS), long in short_side(), other in side(), thin in 0usize..3) {
        let mut sides = [long, other, long];
        sides[thin] = 1;
        let [m, k, n] = sides;
        check_both(Gemm { form, m, k, n });
    }
}

/// Products that are cut into parts for threads, by columns and by rows; and all branches of the blocking.
#[test]
fn products_large_enough_for_threads() {
    let mut taken = BTreeSet::new();
    let mut single = |form, m, k, n| {
        check_split::<f32>(&Gemm { form, m, k, n });
        taken.append(&mut branches::taken::<f32>(&Gemm { form, m, k, n }));
    };
    single(Form::Forward, 130, 257, 300);
    single(Form::InputGradient, 701, 150, 45);
    single(Form::Strided, 503, 97, 99);
    single(Form::Packed, 97, 111, 503);
    single(Form::Beside, 97, 111, 503);
    single(Form::Padded, 130, 257, 300);
    single(Form::PaddedInputGradient, 701, 150, 45);
    // Dot products.
    single(Form::PaddedInputGradient, 1, 3001, 1501);
    let mut double = |form, m, k, n| {
        check_split::<f64>(&Gemm { form, m, k, n });
        taken.append(&mut branches::taken::<f64>(&Gemm { form, m, k, n }));
    };
    double(Form::WeightGradient, 177, 51, 500);
    double(Form::Forward, 50, 2600, 33);
    double(Form::PaddedWeightGradient, 177, 51, 500);
    // An outer product.
    double(Form::PaddedWeightGradient, 3001, 1, 1501);
    for branch in [Branch::BInPlace, Branch::BCopied, Branch::BPacked, Branch::ACopied, Branch::SeveralDepths] {
        assert!(taken.contains(&branch), "no product takes {branch:?}: {taken:?}");
    }
    let (alpha, beta) = (-1.5, 0.75);
    check_split::<f32>(&Scaled { m: 301, k: 97, n: 199, alpha, beta, order: Order::Columns });
    check_split::<f64>(&Scaled { m: 301, k: 97, n: 199, alpha, beta, order: Order::Rows });
}

/// −0 is 0: nothing is multiplied, and what C holds is not read.
#[test]
fn factors_of_both_zeros() {
    for (alpha, beta) in [(0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0), (-0.0, 1.0), (1.0, -0.0)] {
        check_both(Scaled { m: 5, k: 7, n: 19, alpha, beta, order: Order::Rows });
    }
}

#[test]
fn matrices_large_enough_for_threads() {
    let [plain, padded] = [[Laid::Plain; 2], [Laid::Padded; 2]];
    for (kernel, laid) in [(OnMatrix::Gemv, padded), (OnMatrix::ColumnSum, plain)] {
        let rows = 2 * ELEMENTS_WORTH_A_THREAD / 1003 + 1;
        check_split::<f32>(&MatrixAndVectors { kernel, rows, cols: 1003, laid });
    }
    for (kernel, laid) in [(OnMatrix::GemvTransposed, plain), (OnMatrix::Ger, padded), (OnMatrix::ColumnSum, padded)] {
        let rows = 2 * ELEMENTS_WORTH_A_THREAD / 601 + 1;
        check_split::<f64>(&MatrixAndVectors { kernel, rows, cols: 601, laid });
    }
}

/// Padding, worked out by hand: 19 columns are 20, 24 or 32 lanes.
#[test]
fn padding_by_hand() {
    for (level, lanes) in [("scalar", 19u128), ("avx2", 24), ("avx512", 32)] {
        let Ok(level) = Level::named(level) else { continue };
        let counted = Counted::new(Cpu::new(level, 1));
        with_room(|| Case::<f32>::run(&Gemm { form: Form::Forward, m: 5, k: 7, n: 19 }, &counted, Draw::Usual));
        let total = counted.total();
        assert_eq!((total.useful.own().fma(), total.padding.own().fma()), (5 * 7 * 19, 5 * 7 * (lanes - 19)));
        assert_eq!(total.executed().unwrap().flops(), 2 * 5 * 7 * lanes);
    }
}

/// A layer of N inputs and M units on B examples: N·M multiplications and N·M additions (M sums over N + 1 terms), times B.
#[test]
fn a_layer_is_n_times_m() {
    let (b, n, m) = (3, 30, 17);
    let (x, w, bias): (Vec<f32>, Vec<f32>, Vec<f32>) = (numbers(b * n, 1), numbers(n * m, 2), numbers(m, 3));
    let mut results = Vec::new();
    for level in Level::available() {
        let counted = Counted::new(Cpu::new(level, 2));
        let mut z = vec![0.0; b * m];
        let (x, w) = (MatrixRef::new(&x, b, n).unwrap(), MatrixRef::new(&w, n, m).unwrap());
        with_room(|| gemm(&counted, x, w, Init::Bias(&bias), MatrixMut::new(&mut z, b, m).unwrap())).unwrap();
        let useful = counted.total().useful;
        assert_eq!((useful.multiplications(), useful.additions()), (3 * 30 * 17, 3 * 30 * 17));
        if level.shape::<f32>().fused {
            results.push(bits(&z));
        }
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}
