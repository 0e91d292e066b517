//! Counts of the kernels on matrices: executed = formula, at every level, on one thread and on more.

use crate::common::{Case, Draw, Textbook, bits, check, check_split, numbers, short_side, side, with_room};
use nxm_count::formula::Start;
use nxm_count::{Counted, Requests, Tally, Traffic, Vectors};
use nxm_kernels::{
    Cpu, Element, Executor, Init, Level, MatrixMut, MatrixRef, PackedMatrix, Product, Strides, column_sum, gemm,
    gemm_scaled, gemv, gemv_transposed, ger,
};
use proptest::prelude::*;

/// Which of a product's operands are stored transposed, and what its sums start from.
#[derive(Clone, Copy, Debug)]
enum Form {
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
    /// A·B, C with gaps between rows.
    Gaps,
}

const FORMS: [Form; 8] = [
    Form::Forward,
    Form::WeightGradient,
    Form::InputGradient,
    Form::Strided,
    Form::Packed,
    Form::Beside,
    Form::StridedRight,
    Form::Gaps,
];

struct Gemm {
    form: Form,
    m: usize,
    k: usize,
    n: usize,
}

impl<T: Element> Case<T> for Gemm {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let &Gemm { form, m, k, n } = self;
        let (a, b, bias) = (draw.numbers(2 * m * k, 1), draw.numbers(k * n, 2), draw.numbers(n, 3));
        let mut c = draw.numbers(m * n, 4);
        let rows = |data, rows, cols| MatrixRef::new(data, rows, cols).unwrap();
        let (a, b, init) = match form {
            Form::Forward => (rows(&a, m, k), rows(&b, k, n), Init::Bias(&bias)),
            Form::WeightGradient => (rows(&a, k, m).transpose(), rows(&b, k, n), Init::Zero),
            Form::InputGradient => (rows(&a, m, k), rows(&b, n, k).transpose(), Init::Zero),
            Form::Strided => (MatrixRef::with_strides(&a, m, k, 2 * k, 2).unwrap(), rows(&b, k, n), Init::Accumulate),
            Form::Packed => {
                let packed = PackedMatrix::new(rows(&b, k, n));
                let to = MatrixMut::new(&mut c, m, n).unwrap();
                gemm(executor, rows(&a, m, k), &packed, Init::Bias(&bias), to).unwrap();
                return c;
            }
            Form::StridedRight => {
                let b = draw.numbers::<T>(3 * k * n, 2);
                let b = MatrixRef::with_strides(&b, k, n, 3 * n, 3).unwrap();
                gemm(executor, rows(&a, m, k), b, Init::Zero, MatrixMut::new(&mut c, m, n).unwrap()).unwrap();
                return c;
            }
            Form::Gaps => {
                let mut c = draw.numbers(m * (n + 5), 4);
                let gaps = MatrixMut::with_strides(&mut c, m, n, n + 5, 1).unwrap();
                gemm(executor, rows(&a, m, k), rows(&b, k, n), Init::Zero, gaps).unwrap();
                return c;
            }
            Form::Beside => {
                let mut c = draw.numbers(2 * m * n, 4);
                let spread = MatrixMut::with_strides(&mut c, m, n, 2 * n, 2).unwrap();
                gemm(executor, rows(&a, m, k), rows(&b, k, n), Init::Accumulate, spread).unwrap();
                return c;
            }
        };
        gemm(executor, a, b, init, MatrixMut::new(&mut c, m, n).unwrap()).unwrap();
        c
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        vectors.gemm(self.m as u128, self.k as u128, self.n as u128).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        let &Gemm { form, m, k, n } = self;
        let product = requests.product([m, k, n].map(|side| side as u64)).unwrap();
        let transposed = |stride| Strides::row_major(stride).transpose();
        let (product, start) = match form {
            Form::Forward => (product, Start::Bias),
            Form::WeightGradient => (Product { a: transposed(m), ..product }, Start::Zero),
            Form::InputGradient => (Product { b: Some(transposed(k)), ..product }, Start::Zero),
            Form::Strided => (Product { a: Strides { row: 2 * k, col: 2 }, ..product }, Start::Accumulate),
            Form::Packed => (Product { b: None, ..product }, Start::Bias),
            Form::StridedRight => (Product { b: Some(Strides { row: 3 * n, col: 3 }), ..product }, Start::Zero),
            Form::Gaps => (product, Start::Zero),
            // A single column is a contiguous C.
            Form::Beside if n == 1 => (product, Start::Accumulate),
            Form::Beside => return requests.gemm_beside(&product, Start::Accumulate).unwrap(),
        };
        requests.gemm(&product, start).unwrap()
    }
    fn textbook(&self) -> Textbook {
        let product = (self.m * self.k * self.n) as u128;
        Textbook { multiplications: product, additions: product, ..Textbook::default() }
    }
}

/// How C is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Row after row.
    Rows,
    /// Column after column.
    Columns,
    /// With gaps both ways.
    Spread,
}

/// C ← α·A·B + β·C.
struct Scaled {
    m: usize,
    k: usize,
    n: usize,
    alpha: f64,
    beta: f64,
    layout: Layout,
}

impl Scaled {
    /// Whether C's columns are contiguous and its rows are not; a single row is contiguous anyway.
    fn is_transposed(&self) -> bool {
        self.layout == Layout::Columns && self.m != 1
    }
    /// Whether it is computed beside and copied; a single column is contiguous anyway.
    fn is_beside(&self) -> bool {
        self.layout == Layout::Spread && self.n > 1
    }
}

impl<T: Element> Case<T> for Scaled {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let &Scaled { m, k, n, alpha, beta, layout } = self;
        let (a, b) = (draw.numbers(m * k, 1), draw.numbers(k * n, 2));
        let mut c = draw.numbers(2 * m * n, 4);
        let view = match layout {
            Layout::Rows => MatrixMut::new(&mut c, m, n).unwrap(),
            Layout::Columns => MatrixMut::new(&mut c, n, m).unwrap().transpose(),
            Layout::Spread => MatrixMut::with_strides(&mut c, m, n, 2 * n, 2).unwrap(),
        };
        let (a, b) = (MatrixRef::new(&a, m, k).unwrap(), MatrixRef::new(&b, k, n).unwrap());
        gemm_scaled(executor, T::from_f64(alpha), a, b, T::from_f64(beta), view).unwrap();
        c
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        let &Scaled { m, k, n, alpha, beta, .. } = self;
        // Stored column after column it is the transposed product.
        let [m, n] = if self.is_transposed() { [n, m] } else { [m, n] };
        vectors.gemm_scaled([m, k, n].map(|side| side as u128), alpha, beta).unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        let &Scaled { m, k, n, alpha, beta, .. } = self;
        let product = requests.product([m, k, n].map(|side| side as u64)).unwrap();
        let product = match self.is_transposed() {
            false => product,
            true => Product {
                rows: n,
                cols: m,
                a: Strides::row_major(n).transpose(),
                b: Some(Strides::row_major(k).transpose()),
                ..product
            },
        };
        match self.is_beside() {
            true => requests.gemm_scaled_beside(&product, alpha, beta).unwrap(),
            false => requests.gemm_scaled(&product, alpha, beta).unwrap(),
        }
    }
    fn textbook(&self) -> Textbook {
        let (m, k, n) = (self.m as u128, self.k as u128, self.n as u128);
        let product = if self.alpha == 0.0 { 0 } else { m * k * n };
        let first = if self.is_transposed() { k * n } else { m * k };
        let first = if m * n == 0 { 0 } else { first };
        let scale = |factor: f64, len| if factor == 0.0 || factor == 1.0 { 0 } else { len };
        let multiplications = product + scale(self.alpha, first) + scale(self.beta, m * n);
        Textbook { multiplications, additions: product, ..Textbook::default() }
    }
}

/// The kernels on a matrix and vectors.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    Gemv,
    GemvTransposed,
    /// The same of a matrix with gaps between columns, which is a product of one row.
    GemvTransposedSpread,
    Ger,
    ColumnSum,
}

const KERNELS: [Kernel; 5] =
    [Kernel::Gemv, Kernel::GemvTransposed, Kernel::GemvTransposedSpread, Kernel::Ger, Kernel::ColumnSum];

struct OnMatrix {
    kernel: Kernel,
    rows: usize,
    cols: usize,
}

impl<T: Element> Case<T> for OnMatrix {
    fn run(&self, executor: &impl Executor, draw: Draw) -> Vec<T> {
        let &OnMatrix { kernel, rows, cols } = self;
        let mut data = draw.numbers(rows * cols, 1);
        let (by_row, by_col) = (draw.numbers(rows, 2), draw.numbers(cols, 3));
        let a = MatrixRef::new(&data, rows, cols).unwrap();
        let (mut per_row, mut per_col) = (vec![T::ZERO; rows], vec![T::ZERO; cols]);
        match kernel {
            Kernel::Gemv => gemv(executor, a, &by_col, &mut per_row).map(|()| per_row),
            Kernel::GemvTransposed => gemv_transposed(executor, a, &by_row, &mut per_col).map(|()| per_col),
            Kernel::GemvTransposedSpread => {
                let data = draw.numbers(2 * rows * cols, 1);
                let a = MatrixRef::with_strides(&data, rows, cols, 2 * cols, 2).unwrap();
                gemv_transposed(executor, a, &by_row, &mut per_col).map(|()| per_col)
            }
            Kernel::ColumnSum => column_sum(executor, a, &mut per_col).map(|()| per_col),
            Kernel::Ger => {
                let a = MatrixMut::new(&mut data, rows, cols).unwrap();
                ger(executor, T::from_f64(0.3), &by_row, &by_col, a).map(|()| data)
            }
        }
        .unwrap()
    }
    fn formula(&self, vectors: Vectors) -> Tally {
        let (rows, cols) = (self.rows as u128, self.cols as u128);
        match self.kernel {
            Kernel::Gemv => vectors.gemv(rows, cols),
            Kernel::GemvTransposed | Kernel::GemvTransposedSpread => vectors.gemv_transposed(rows, cols),
            Kernel::Ger => vectors.ger(rows, cols),
            Kernel::ColumnSum => vectors.column_sum(rows, cols),
        }
        .unwrap()
    }
    fn requested(&self, requests: Requests) -> Traffic {
        let (rows, cols) = (self.rows as u128, self.cols as u128);
        match self.kernel {
            Kernel::Gemv => requests.gemv(rows, cols),
            Kernel::GemvTransposedSpread if cols > 1 => {
                let product = requests.product([1, self.rows as u64, self.cols as u64]).unwrap();
                let b = Some(Strides { row: 2 * self.cols, col: 2 });
                requests.gemm(&Product { b, ..product }, Start::Zero)
            }
            Kernel::GemvTransposed | Kernel::GemvTransposedSpread => requests.gemv_transposed(rows, cols),
            Kernel::Ger => requests.ger(rows, cols),
            Kernel::ColumnSum => requests.column_sum(rows, cols),
        }
        .unwrap()
    }
    fn textbook(&self) -> Textbook {
        let (rows, cols) = (self.rows as u128, self.cols as u128);
        let [multiplications, additions] = match self.kernel {
            Kernel::Gemv => [rows * cols, rows * cols.saturating_sub(1)],
            Kernel::GemvTransposed | Kernel::GemvTransposedSpread => [rows * cols; 2],
            Kernel::Ger => [rows * cols + rows, rows * cols],
            Kernel::ColumnSum => [0, rows * cols],
        };
        Textbook { multiplications, additions, ..Textbook::default() }
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
    fn products(form in proptest::sample::select(&FORMS), m in short_side(), k in short_side(), n in short_side()) {
        check_both(Gemm { form, m, k, n });
    }

    #[test]
    fn scaled_products(
        m in short_side(), k in short_side(), n in short_side(),
        layout in proptest::sample::select(&[Layout::Rows, Layout::Columns, Layout::Spread][..]),
        alpha in proptest::sample::select(&[0.0, 1.0, -1.5][..]), beta in proptest::sample::select(&[0.0, 1.0, 0.75][..]),
    ) {
        check_both(Scaled { m, k, n, alpha, beta, layout });
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
    fn matrices_and_vectors(kernel in proptest::sample::select(&KERNELS), rows in 0usize..40, cols in side()) {
        check_both(OnMatrix { kernel, rows, cols });
    }
}

/// Products that are cut into parts for threads, by columns and by rows, packed and not, and that take more than one block
/// of k.
#[test]
fn products_large_enough_for_threads() {
    check_split::<f32>(&Gemm { form: Form::Forward, m: 130, k: 257, n: 300 });
    check_split::<f32>(&Gemm { form: Form::InputGradient, m: 701, k: 150, n: 45 });
    check_split::<f64>(&Gemm { form: Form::WeightGradient, m: 177, k: 51, n: 500 });
    check_split::<f64>(&Gemm { form: Form::Forward, m: 50, k: 2600, n: 33 });
    check_split::<f32>(&Gemm { form: Form::Strided, m: 503, k: 97, n: 99 });
    check_split::<f32>(&Gemm { form: Form::Packed, m: 97, k: 111, n: 503 });
    check_split::<f32>(&Gemm { form: Form::Beside, m: 97, k: 111, n: 503 });
    let (alpha, beta) = (-1.5, 0.75);
    check_split::<f32>(&Scaled { m: 301, k: 97, n: 199, alpha, beta, layout: Layout::Columns });
    check_split::<f64>(&Scaled { m: 301, k: 97, n: 199, alpha, beta, layout: Layout::Rows });
}

#[test]
fn matrices_large_enough_for_threads() {
    for kernel in [Kernel::Gemv, Kernel::GemvTransposed, Kernel::Ger, Kernel::ColumnSum] {
        check_split::<f32>(&OnMatrix { kernel, rows: 8401, cols: 1003 });
        check_split::<f64>(&OnMatrix { kernel, rows: 14_001, cols: 601 });
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
