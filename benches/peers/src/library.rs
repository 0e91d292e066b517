//! The peers: one product, C ← A·B, as each library is called.

use std::ops::{Add, AddAssign, Mul};

use faer::{Accum, MatMut, MatRef, Par};
use nxm_kernels::Element;

/// A library that multiplies matrices.
#[derive(Clone, Copy, PartialEq)]
pub enum Library {
    Gemm,
    Gemmkit,
    Faer,
    MatrixMultiply,
    #[cfg(feature = "openblas")]
    OpenBlas,
}

/// All that this build links.
pub const LIBRARIES: &[Library] = &[
    Library::Gemm,
    Library::Gemmkit,
    Library::Faer,
    Library::MatrixMultiply,
    #[cfg(feature = "openblas")]
    Library::OpenBlas,
];

impl Library {
    pub fn name(self) -> &'static str {
        match self {
            Library::Gemm => "gemm",
            Library::Gemmkit => "gemmkit",
            Library::Faer => "faer",
            Library::MatrixMultiply => "matrixmultiply",
            #[cfg(feature = "openblas")]
            Library::OpenBlas => "OpenBLAS",
        }
    }
}

/// Tells those libraries their number of threads that are told once. To be called first, before any thread exists.
pub fn prepare(threads: usize) {
    // SAFETY: `main` calls this before anything starts a thread, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var("MATMUL_NUM_THREADS", threads.to_string()) };
    #[cfg(feature = "openblas")]
    blas::set_threads(threads);
}

/// A row-major matrix without gaps, or the transpose of one.
#[derive(Clone, Copy)]
pub struct StoredMatrix<'a, T> {
    pub data: &'a [T],
    pub rows: usize,
    pub cols: usize,
    pub stored: Stored,
}

/// How an operand stands in memory.
#[derive(Clone, Copy, PartialEq)]
pub enum Stored {
    /// By rows.
    Plain,
    /// As its transpose, by rows: so by its own columns.
    Transposed,
}

impl<T> StoredMatrix<'_, T> {
    /// (Elements between rows, elements between columns).
    fn strides(&self) -> (isize, isize) {
        match self.stored {
            Stored::Plain => (self.cols as isize, 1),
            Stored::Transposed => (1, self.rows as isize),
        }
    }
}

/// What OpenBLAS does with vectors, if it takes part.
#[cfg(feature = "openblas")]
pub use blas::Blas;
/// What OpenBLAS would do with vectors.
#[cfg(not(feature = "openblas"))]
pub trait Blas {}
#[cfg(not(feature = "openblas"))]
impl Blas for f32 {}
#[cfg(not(feature = "openblas"))]
impl Blas for f64 {}

/// An element that all peers can multiply.
pub trait Number:
    Element
    + gemmkit::GemmScalar
    + faer::traits::ComplexField
    + faer::traits::Conjugate<Canonical = Self>
    + simsimd::SpatialSimilarity
    + Add<Output = Self>
    + AddAssign
    + Mul<Output = Self>
    + Blas
{
    /// matrixmultiply's product for this type.
    ///
    /// # Safety
    /// The operands must be as large as they say, `c` as large as their product.
    unsafe fn matrixmultiply(a: StoredMatrix<'_, Self>, b: StoredMatrix<'_, Self>, c: &mut [Self]);
    /// OpenBLAS's product for this type.
    #[cfg(feature = "openblas")]
    fn openblas(a: StoredMatrix<'_, Self>, b: StoredMatrix<'_, Self>, c: &mut [Self]);
}

impl Number for f32 {
    unsafe fn matrixmultiply(a: StoredMatrix<'_, f32>, b: StoredMatrix<'_, f32>, c: &mut [f32]) {
        let ((m, k, n), (ra, ca), (rb, cb)) = ((a.rows, a.cols, b.cols), a.strides(), b.strides());
        let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
        // SAFETY: the caller's promise.
        unsafe { matrixmultiply::sgemm(m, k, n, 1.0, a, ra, ca, b, rb, cb, 0.0, c, n as isize, 1) }
    }
    #[cfg(feature = "openblas")]
    fn openblas(a: StoredMatrix<'_, f32>, b: StoredMatrix<'_, f32>, c: &mut [f32]) {
        blas::sgemm(a, b, c);
    }
}

impl Number for f64 {
    unsafe fn matrixmultiply(a: StoredMatrix<'_, f64>, b: StoredMatrix<'_, f64>, c: &mut [f64]) {
        let ((m, k, n), (ra, ca), (rb, cb)) = ((a.rows, a.cols, b.cols), a.strides(), b.strides());
        let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
        // SAFETY: the caller's promise.
        unsafe { matrixmultiply::dgemm(m, k, n, 1.0, a, ra, ca, b, rb, cb, 0.0, c, n as isize, 1) }
    }
    #[cfg(feature = "openblas")]
    fn openblas(a: StoredMatrix<'_, f64>, b: StoredMatrix<'_, f64>, c: &mut [f64]) {
        blas::dgemm(a, b, c);
    }
}

/// C ← A·B by `library`; C is row-major.
pub fn multiply<T: Number>(
    library: Library,
    threads: usize,
    a: StoredMatrix<'_, T>,
    b: StoredMatrix<'_, T>,
    c: &mut [T],
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert!(a.data.len() == m * k && b.rows == k && b.data.len() == k * n && c.len() == m * n);
    let ((ra, ca), (rb, cb)) = (a.strides(), b.strides());
    match library {
        Library::Gemm => {
            let parallelism = if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
            let (pa, pb, pc) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
            // SAFETY: the lengths were checked above, and the strides are those of matrices without gaps.
            unsafe {
                gemm::gemm(
                    m,
                    n,
                    k,
                    pc,
                    1,
                    n as isize,
                    false,
                    pa,
                    ca,
                    ra,
                    pb,
                    cb,
                    rb,
                    <T as nxm_kernels::Lane>::ZERO,
                    <T as nxm_kernels::Lane>::ONE,
                    false,
                    false,
                    false,
                    parallelism,
                );
            }
        }
        Library::Gemmkit => {
            let parallelism =
                if threads == 1 { gemmkit::Parallelism::Serial } else { gemmkit::Parallelism::Rayon(threads) };
            let a = gemmkit::MatRef::new(a.data, m, k, ra, ca);
            let b = gemmkit::MatRef::new(b.data, k, n, rb, cb);
            let c = gemmkit::MatMut::from_row_major(c, m, n);
            gemmkit::gemm(<T as nxm_kernels::Lane>::ONE, a, b, <T as nxm_kernels::Lane>::ZERO, c, parallelism);
        }
        Library::Faer => {
            let par = if threads == 1 { Par::Seq } else { Par::rayon(threads) };
            let (a, b) = (faer_view(a), faer_view(b));
            let c = MatMut::from_row_major_slice_mut(c, m, n);
            faer::linalg::matmul::matmul(c, Accum::Replace, a, b, <T as nxm_kernels::Lane>::ONE, par);
        }
        // SAFETY: the lengths were checked above.
        Library::MatrixMultiply => unsafe { T::matrixmultiply(a, b, c) },
        #[cfg(feature = "openblas")]
        Library::OpenBlas => T::openblas(a, b, c),
    }
}

fn faer_view<'a, T: Number>(operand: StoredMatrix<'a, T>) -> MatRef<'a, T> {
    match operand.stored {
        Stored::Plain => MatRef::from_row_major_slice(operand.data, operand.rows, operand.cols),
        Stored::Transposed => MatRef::from_column_major_slice(operand.data, operand.rows, operand.cols),
    }
}

/// OpenBLAS, by its C interface.
#[cfg(feature = "openblas")]
pub mod blas;
