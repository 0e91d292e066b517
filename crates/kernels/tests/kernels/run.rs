//! Every kernel behind one name, so that a test says something of all of them in one loop.

use nxm_kernels::simd::{load_some, store_some};
use nxm_kernels::{
    Activation, Cpu, Element, Executor, Init, Kernel, MatrixMut, MatrixRef, Operand, PackedMatrix, Simd, axpy,
    column_sum, dot, gemm, gemv, gemv_transposed, ger, log_softmax, log_sum_exp, math, sgd, softmax,
};

use crate::support::assert_same;

/// A kernel that takes slices, on a shape of rows × cols (of rows·cols elements where it takes vectors).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SliceKernel {
    /// Σ x·y.
    Dot,
    /// y ← α·x + y.
    Axpy,
    /// y ← A·x.
    Gemv,
    /// y ← Aᵀ·x.
    GemvTransposed,
    /// A ← A + α·x·yᵀ.
    Ger,
    /// Column sums.
    ColumnSum,
    /// z ← f(z).
    Forward(Activation),
    /// δ ← δ·f'(z).
    Backward(Activation),
    /// eˣ, by a kernel of this test.
    Exp,
    /// ln x, by a kernel of this test.
    Log,
    /// Softmax by rows.
    Softmax,
    /// Log-softmax by rows.
    LogSoftmax,
    /// Log-sum-exp by rows.
    LogSumExp,
    /// w ← w − η·g.
    Sgd,
}

impl SliceKernel {
    /// All of them; [`gemm()`] has tests of its own.
    pub fn all() -> Vec<SliceKernel> {
        use SliceKernel::*;
        let mut all =
            vec![Dot, Axpy, Gemv, GemvTransposed, Ger, ColumnSum, Exp, Log, Softmax, LogSoftmax, LogSumExp, Sgd];
        all.extend(Activation::samples().into_iter().map(Forward));
        all.extend(Activation::samples().into_iter().map(Backward));
        all
    }

    /// Lengths of what it reads (x, y) and of what it writes, for rows × cols.
    pub fn lengths(self, rows: usize, cols: usize) -> (usize, usize, usize) {
        let area = rows * cols;
        match self {
            SliceKernel::Dot => (area, area, 1),
            SliceKernel::Axpy | SliceKernel::Sgd | SliceKernel::Backward(_) => (area, 0, area),
            SliceKernel::LogSumExp => (area, 0, rows),
            SliceKernel::Gemv => (area, cols, rows),
            SliceKernel::GemvTransposed => (area, rows, cols),
            SliceKernel::Ger => (rows, cols, area),
            SliceKernel::ColumnSum => (area, 0, cols),
            SliceKernel::Forward(_)
            | SliceKernel::Exp
            | SliceKernel::Log
            | SliceKernel::Softmax
            | SliceKernel::LogSoftmax => (0, 0, area),
        }
    }

    /// Runs it: reads `x` and `y`, reads and writes `out`.
    pub fn run<T: Element>(self, cpu: &Cpu, rows: usize, cols: usize, x: &[T], y: &[T], out: &mut [T]) {
        let alpha = T::from_f64(-0.37);
        let matrix = || MatrixRef::new(x, rows, cols).unwrap();
        match self {
            SliceKernel::Dot => out[0] = dot(cpu, x, y).unwrap(),
            SliceKernel::Axpy => axpy(cpu, alpha, x, out).unwrap(),
            SliceKernel::Gemv => gemv(cpu, matrix(), y, out).unwrap(),
            SliceKernel::GemvTransposed => gemv_transposed(cpu, matrix(), y, out).unwrap(),
            SliceKernel::Ger => ger(cpu, alpha, x, y, MatrixMut::new(out, rows, cols).unwrap()).unwrap(),
            SliceKernel::ColumnSum => column_sum(cpu, matrix(), out).unwrap(),
            SliceKernel::Forward(activation) => activation.forward(cpu, out),
            SliceKernel::Backward(activation) => activation.backward(cpu, x, out).unwrap(),
            SliceKernel::Exp => cpu.level().dispatch(Map::<T, ExpOf>(out, ExpOf)),
            SliceKernel::Log => cpu.level().dispatch(Map::<T, LogOf>(out, LogOf)),
            SliceKernel::Softmax => softmax(cpu, MatrixMut::new(out, rows, cols).unwrap()).unwrap(),
            SliceKernel::LogSoftmax => log_softmax(cpu, MatrixMut::new(out, rows, cols).unwrap()).unwrap(),
            SliceKernel::LogSumExp => log_sum_exp(cpu, matrix(), out).unwrap(),
            SliceKernel::Sgd => sgd(cpu, alpha, x, out).unwrap(),
        }
    }
}

/// A vector function of one argument.
trait Unary<T: Element>: Copy {
    fn of<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector;
}

#[derive(Clone, Copy)]
struct ExpOf;

impl<T: Element> Unary<T> for ExpOf {
    #[inline(always)]
    fn of<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        math::exp(simd, x)
    }
}

#[derive(Clone, Copy)]
struct LogOf;

impl<T: Element> Unary<T> for LogOf {
    #[inline(always)]
    fn of<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        math::log(simd, x)
    }
}

struct Map<'a, T, F>(&'a mut [T], F);

impl<T: Element, F: Unary<T>> Kernel<T> for Map<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        for x in self.0.chunks_mut(S::LANES) {
            let y = self.1.of(simd, load_some(simd, x));
            store_some(simd, y, x);
        }
    }
}

/// A product: C ← A·B + init, with everything that decides which path [`gemm()`] takes.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
    /// How A stands in memory.
    pub a: Storage,
    /// How B stands in memory.
    pub b: Storage,
    /// How C stands in memory.
    pub c: Storage,
    /// What the sums start from.
    pub init: Init<()>,
}

/// How a matrix stands in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Row after row, with `0` elements between.
    Rows(usize),
    /// Column after column, with `0` elements between.
    Columns(usize),
    /// No two elements side by side.
    Scattered,
}

impl Storage {
    /// (row stride, column stride) of rows × cols.
    pub fn strides(self, rows: usize, cols: usize) -> (usize, usize) {
        match self {
            Storage::Rows(gap) => (cols + gap, 1),
            Storage::Columns(gap) => (1, rows + gap),
            Storage::Scattered => (2 * cols + 3, 2),
        }
    }

    /// `dense` (row after row) laid out so, with `fill` in the gaps; and a view of it.
    pub fn lay<T: Element>(self, dense: &[T], rows: usize, cols: usize, fill: T) -> (Vec<T>, usize, usize) {
        let (row_stride, col_stride) = self.strides(rows, cols);
        let len = if rows * cols == 0 { 0 } else { (rows - 1) * row_stride + (cols - 1) * col_stride + 1 };
        let mut data = vec![fill; len];
        for i in 0..rows {
            for j in 0..cols {
                data[i * row_stride + j * col_stride] = dense[i * cols + j];
            }
        }
        (data, row_stride, col_stride)
    }
}

/// Whether `rows` × `inner` times B, from zero on, are dot products of two contiguous vectors each.
pub fn dot_products(rows: usize, inner: usize, a_cols: usize, (b_rows, b_cols): (usize, usize)) -> bool {
    rows == 1 && inner > 0 && a_cols == 1 && b_rows == 1 && b_cols != 1
}

impl Product {
    /// A product of row-major matrices without gaps, from zero.
    pub fn new(m: usize, k: usize, n: usize) -> Product {
        Product { m, k, n, a: Storage::Rows(0), b: Storage::Rows(0), c: Storage::Rows(0), init: Init::Zero }
    }

    /// Whether [`gemm()`] makes it of dot products: one row against a B that stands column after column, from zero. (A C that stands
    /// column after column is computed transposed, which is no single row.)
    pub fn is_dot_products(&self) -> bool {
        let ((_, a_cols), (b_rows, b_cols)) = (self.a.strides(self.m, self.k), self.b.strides(self.k, self.n));
        let (c_rows, c_cols) = self.c.strides(self.m, self.n);
        let transposed = self.n > 1 && c_rows == 1 && c_cols != 1;
        self.init == Init::Zero && dot_products(self.m, self.k, a_cols, (b_rows, b_cols)) && !transposed
    }

    /// Runs it on row-major `a`, `b`, `bias` and `c`, laid out as it says with `fill` in the gaps, and with B packed; panics if a gap of C
    /// changes, or if packing changes a bit (a packed B is never one of dot products). Returns C without gaps.
    pub fn run<T: Element>(&self, cpu: &Cpu, a: &[T], b: &[T], bias: &[T], c: &[T], fill: T) -> Vec<T> {
        let Product { m, k, n, .. } = *self;
        let (a, a_rows, a_cols) = self.a.lay(a, m, k, fill);
        let (b, b_rows, b_cols) = self.b.lay(b, k, n, fill);
        let a = MatrixRef::with_strides(&a, m, k, a_rows, a_cols).unwrap();
        let b = MatrixRef::with_strides(&b, k, n, b_rows, b_cols).unwrap();
        let init = self.init.map(|()| bias);
        let packed = PackedMatrix::new(b).unwrap();
        let [from_view, from_packed] = [Operand::from(b), Operand::from(&packed)].map(|b| {
            let (mut c, c_rows, c_cols) = self.c.lay(c, m, n, fill);
            gemm(cpu, a, b, init, MatrixMut::with_strides(&mut c, m, n, c_rows, c_cols).unwrap()).unwrap();
            self.gather(&c, fill)
        });
        if !self.is_dot_products() {
            assert_same(&from_packed, &from_view, &format!("{self:?} with B packed on {cpu:?}"));
        }
        from_view
    }

    /// C's elements row after row; panics if anything between them is not `fill`.
    pub fn gather<T: Element>(&self, c: &[T], fill: T) -> Vec<T> {
        let (row_stride, col_stride) = self.c.strides(self.m, self.n);
        let mut gap = vec![true; c.len()];
        let places: Vec<usize> =
            (0..self.m * self.n).map(|at| at / self.n * row_stride + at % self.n * col_stride).collect();
        places.iter().for_each(|&at| gap[at] = false);
        for (x, _) in c.iter().zip(&gap).filter(|(_, gap)| **gap) {
            assert_eq!(x.to_bits_u64(), fill.to_bits_u64(), "a gap of C was written: {self:?}");
        }
        places.iter().map(|&at| c[at]).collect()
    }
}
