//! OpenBLAS by its C interface: row-major, 32-bit sizes.

use std::ffi::c_int;

use super::{Stored, StoredMatrix};

const ROW_MAJOR: c_int = 101;
const NO_TRANSPOSE: c_int = 111;
const TRANSPOSE: c_int = 112;

#[link(name = "openblas")]
unsafe extern "C" {
    fn openblas_set_num_threads(threads: c_int);
    #[rustfmt::skip]
    fn cblas_sgemm(
        order: c_int,
        trans_a: c_int,
        trans_b: c_int,
        m: c_int,
        n: c_int,
        k: c_int,
        alpha: f32,
        a: *const f32,
        lda: c_int,
        b: *const f32,
        ldb: c_int,
        beta: f32,
        c: *mut f32,
        ldc: c_int,
    );
    #[rustfmt::skip]
    fn cblas_dgemm(
        order: c_int,
        trans_a: c_int,
        trans_b: c_int,
        m: c_int,
        n: c_int,
        k: c_int,
        alpha: f64,
        a: *const f64,
        lda: c_int,
        b: *const f64,
        ldb: c_int,
        beta: f64,
        c: *mut f64,
        ldc: c_int,
    );
    fn cblas_sdot(n: c_int, x: *const f32, incx: c_int, y: *const f32, incy: c_int) -> f32;
    fn cblas_ddot(n: c_int, x: *const f64, incx: c_int, y: *const f64, incy: c_int) -> f64;
    fn cblas_saxpy(n: c_int, alpha: f32, x: *const f32, incx: c_int, y: *mut f32, incy: c_int);
    fn cblas_daxpy(n: c_int, alpha: f64, x: *const f64, incx: c_int, y: *mut f64, incy: c_int);
    #[rustfmt::skip]
    fn cblas_sgemv(
        order: c_int,
        trans: c_int,
        m: c_int,
        n: c_int,
        alpha: f32,
        a: *const f32,
        lda: c_int,
        x: *const f32,
        incx: c_int,
        beta: f32,
        y: *mut f32,
        incy: c_int,
    );
    #[rustfmt::skip]
    fn cblas_dgemv(
        order: c_int,
        trans: c_int,
        m: c_int,
        n: c_int,
        alpha: f64,
        a: *const f64,
        lda: c_int,
        x: *const f64,
        incx: c_int,
        beta: f64,
        y: *mut f64,
        incy: c_int,
    );
    #[rustfmt::skip]
    fn cblas_sger(
        order: c_int,
        m: c_int,
        n: c_int,
        alpha: f32,
        x: *const f32,
        incx: c_int,
        y: *const f32,
        incy: c_int,
        a: *mut f32,
        lda: c_int,
    );
    #[rustfmt::skip]
    fn cblas_dger(
        order: c_int,
        m: c_int,
        n: c_int,
        alpha: f64,
        x: *const f64,
        incx: c_int,
        y: *const f64,
        incy: c_int,
        a: *mut f64,
        lda: c_int,
    );
}

/// All following calls use this many threads.
pub fn set_threads(threads: usize) {
    // SAFETY: sets a number.
    unsafe { openblas_set_num_threads(threads as c_int) }
}

/// (Transposition, leading dimension).
fn layout<T>(operand: &StoredMatrix<'_, T>) -> (c_int, c_int) {
    match operand.stored {
        Stored::Plain => (NO_TRANSPOSE, operand.cols as c_int),
        Stored::Transposed => (TRANSPOSE, operand.rows as c_int),
    }
}

/// C ← A·B; the lengths are as [`super::multiply`] has checked them.
pub(super) fn sgemm(a: StoredMatrix<'_, f32>, b: StoredMatrix<'_, f32>, c: &mut [f32]) {
    let (m, k, n) = (a.rows as c_int, a.cols as c_int, b.cols as c_int);
    let ((ta, lda), (tb, ldb)) = (layout(&a), layout(&b));
    let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
    // SAFETY: `multiply` has checked the lengths; the leading dimensions are those of matrices without gaps.
    unsafe { cblas_sgemm(ROW_MAJOR, ta, tb, m, n, k, 1.0, a, lda, b, ldb, 0.0, c, n) }
}

/// C ← A·B; the lengths are as [`super::multiply`] has checked them.
pub(super) fn dgemm(a: StoredMatrix<'_, f64>, b: StoredMatrix<'_, f64>, c: &mut [f64]) {
    let (m, k, n) = (a.rows as c_int, a.cols as c_int, b.cols as c_int);
    let ((ta, lda), (tb, ldb)) = (layout(&a), layout(&b));
    let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
    // SAFETY: `multiply` has checked the lengths; the leading dimensions are those of matrices without gaps.
    unsafe { cblas_dgemm(ROW_MAJOR, ta, tb, m, n, k, 1.0, a, lda, b, ldb, 0.0, c, n) }
}

/// The vector kernels of one element type.
pub trait Blas: Sized {
    /// x·y.
    fn dot(x: &[Self], y: &[Self]) -> Self;
    /// y ← α·x + y.
    fn axpy(alpha: Self, x: &[Self], y: &mut [Self]);
    /// y ← A·x, or Aᵀ·x; A of rows × cols.
    fn gemv(stored: Stored, a: &[Self], size: (usize, usize), x: &[Self], y: &mut [Self]);
    /// A ← A + α·x·yᵀ.
    fn ger(alpha: Self, x: &[Self], y: &[Self], a: &mut [Self]);
}

/// (Transposition, lengths of x and y): what `gemv` asks for.
fn gemv_shape(stored: Stored, (rows, cols): (usize, usize)) -> (c_int, usize, usize) {
    match stored {
        Stored::Plain => (NO_TRANSPOSE, cols, rows),
        Stored::Transposed => (TRANSPOSE, rows, cols),
    }
}

impl Blas for f32 {
    fn dot(x: &[f32], y: &[f32]) -> f32 {
        assert_eq!(x.len(), y.len());
        // SAFETY: both have that many elements.
        unsafe { cblas_sdot(x.len() as c_int, x.as_ptr(), 1, y.as_ptr(), 1) }
    }
    fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len());
        // SAFETY: both have that many elements.
        unsafe { cblas_saxpy(x.len() as c_int, alpha, x.as_ptr(), 1, y.as_mut_ptr(), 1) }
    }
    fn gemv(stored: Stored, a: &[f32], size: (usize, usize), x: &[f32], y: &mut [f32]) {
        let (trans, x_len, y_len) = gemv_shape(stored, size);
        assert!(a.len() == size.0 * size.1 && x.len() == x_len && y.len() == y_len);
        let (m, n, a, x, y) = (size.0 as c_int, size.1 as c_int, a.as_ptr(), x.as_ptr(), y.as_mut_ptr());
        // SAFETY: the lengths were checked.
        unsafe { cblas_sgemv(ROW_MAJOR, trans, m, n, 1.0, a, n, x, 1, 0.0, y, 1) }
    }
    fn ger(alpha: f32, x: &[f32], y: &[f32], a: &mut [f32]) {
        assert_eq!(a.len(), x.len() * y.len());
        let (m, n) = (x.len() as c_int, y.len() as c_int);
        // SAFETY: the lengths were checked.
        unsafe { cblas_sger(ROW_MAJOR, m, n, alpha, x.as_ptr(), 1, y.as_ptr(), 1, a.as_mut_ptr(), n) }
    }
}

impl Blas for f64 {
    fn dot(x: &[f64], y: &[f64]) -> f64 {
        assert_eq!(x.len(), y.len());
        // SAFETY: both have that many elements.
        unsafe { cblas_ddot(x.len() as c_int, x.as_ptr(), 1, y.as_ptr(), 1) }
    }
    fn axpy(alpha: f64, x: &[f64], y: &mut [f64]) {
        assert_eq!(x.len(), y.len());
        // SAFETY: both have that many elements.
        unsafe { cblas_daxpy(x.len() as c_int, alpha, x.as_ptr(), 1, y.as_mut_ptr(), 1) }
    }
    fn gemv(stored: Stored, a: &[f64], size: (usize, usize), x: &[f64], y: &mut [f64]) {
        let (trans, x_len, y_len) = gemv_shape(stored, size);
        assert!(a.len() == size.0 * size.1 && x.len() == x_len && y.len() == y_len);
        let (m, n, a, x, y) = (size.0 as c_int, size.1 as c_int, a.as_ptr(), x.as_ptr(), y.as_mut_ptr());
        // SAFETY: the lengths were checked.
        unsafe { cblas_dgemv(ROW_MAJOR, trans, m, n, 1.0, a, n, x, 1, 0.0, y, 1) }
    }
    fn ger(alpha: f64, x: &[f64], y: &[f64], a: &mut [f64]) {
        assert_eq!(a.len(), x.len() * y.len());
        let (m, n) = (x.len() as c_int, y.len() as c_int);
        // SAFETY: the lengths were checked.
        unsafe { cblas_dger(ROW_MAJOR, m, n, alpha, x.as_ptr(), 1, y.as_ptr(), 1, a.as_mut_ptr(), n) }
    }
}
