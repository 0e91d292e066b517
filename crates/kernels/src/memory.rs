//! Matrices that own their memory.

use std::marker::PhantomData;

use crate::element::{Element, Lane};
use crate::layout::Layout;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::scratch::Line;

/// A matrix that owns its elements and knows its shape: row-major, its rows padded to whole blocks of 64 bytes and aligned to them
/// ([`Layout::padded`]), so that kernels read and write whole vectors.
///
/// ```
/// use nxm_kernels::Matrix;
///
/// let w = Matrix::from_rows(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3)?;
/// assert_eq!(w.row(1), [4.0, 5.0, 6.0]);
/// # Ok::<(), nxm_kernels::ShapeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Matrix<T> {
    memory: Memory<T>,
    layout: Layout,
}

impl<T: Lane> Matrix<T> {
    /// rows × cols zeros; none if there is no memory for them.
    pub fn zeros(rows: usize, cols: usize) -> Option<Self> {
        let layout = Layout::padded(rows, cols, T::BLOCK);
        Some(Matrix { memory: Memory::zeros(rows.checked_mul(layout.strides.row)?)?, layout })
    }

    /// A copy of a row-major matrix without gaps.
    ///
    /// # Errors
    /// [`ShapeError`](crate::ShapeError) if `data` has fewer than rows·cols elements.
    pub fn from_rows(data: &[T], rows: usize, cols: usize) -> Result<Self, crate::ShapeError> {
        let from = MatrixRef::new(data, rows, cols)?;
        let mut matrix = Matrix::zeros(rows, cols).expect("memory for a copy");
        for i in 0..if cols > 0 { rows } else { 0 } {
            matrix.view_mut().row(i).copy_from_slice(from.row(i));
        }
        Ok(matrix)
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }
    /// Columns.
    pub fn cols(&self) -> usize {
        self.layout.cols
    }
    /// Row i. Panics if there is none.
    pub fn row(&self, i: usize) -> &[T] {
        self.view().row(i)
    }
    /// To read.
    pub fn view(&self) -> MatrixRef<'_, T> {
        MatrixRef::with_layout(self.memory.as_slice(), self.layout).expect("memory of this layout")
    }
    /// To write.
    pub fn view_mut(&mut self) -> MatrixMut<'_, T> {
        MatrixMut::with_layout(self.memory.as_mut_slice(), self.layout).expect("memory of this layout")
    }
    /// The elements, row after row, without padding.
    pub fn to_vec(&self) -> Vec<T> {
        self.view().to_vec()
    }
}

/// The elements, without padding, are equal.
impl<T: Element> PartialEq for Matrix<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.rows(), self.cols()) == (other.rows(), other.cols())
            && (self.cols() == 0 || (0..self.rows()).all(|i| self.row(i) == other.row(i)))
    }
}

/// Elements aligned to 64 bytes.
#[derive(Clone, Debug)]
pub struct Memory<T> {
    lines: Vec<Line>,
    element: PhantomData<T>,
}

impl<T: Lane> Memory<T> {
    /// `len` zeros, rounded up to whole lines of 64 bytes; none if there is no memory for them.
    pub fn zeros(len: usize) -> Option<Self> {
        let count = len.div_ceil(T::BLOCK);
        let mut lines = Vec::new();
        lines.try_reserve_exact(count).ok()?;
        lines.resize(count, Line::splat(0.0));
        Some(Memory { lines, element: PhantomData })
    }
    /// All of it.
    #[inline(always)]
    pub fn as_slice(&self) -> &[T] {
        bytemuck::cast_slice(&self.lines)
    }
    /// All of it.
    #[inline(always)]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.lines)
    }
}
