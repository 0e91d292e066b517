//! The right operand of a product, as a caller hands it over: a view, or copied beforehand into the order in which tiles read
//! it.

use std::marker::PhantomData;

use super::tile::Rhs;
use crate::call::RightLayout;
use crate::element::Lane;
use crate::layout::{ShapeError, Strides, check_copy};
use crate::matrix::MatrixRef;
use crate::scratch::Line;

/// Blocks of 64 bytes that a panel is wide: twice the three vectors of a register tile on the widest level, so that every level's
/// tiles end where a panel does, and a single row has chains enough.
const PANEL_BLOCKS: usize = 6;

/// A matrix that is the right operand of many products: weights that no longer change, packed once.
///
/// It holds its columns in panels of 384 bytes, the last one padded with zeros to whole blocks of 64; in a panel row after row.
/// Every level reads the same panels, and a product with them has the bits of one with the matrix itself, unless that is made of dot
/// products ([`gemm()`](crate::gemm()) says when).
///
/// ```
/// use nxm_kernels::{Cpu, Init, MatrixMut, MatrixRef, PackedMatrix, gemm};
///
/// let w = PackedMatrix::new(MatrixRef::new(&[1.0, 2.0, 3.0, 4.0], 2, 2)?)?;
/// let (x, mut y) = ([1.0, 10.0], [0.0; 2]);
/// gemm(&Cpu::detect()?, MatrixRef::new(&x, 1, 2)?, &w, Init::Zero, MatrixMut::new(&mut y, 1, 2)?)?;
/// assert_eq!(y, [31.0, 42.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PackedMatrix<T> {
    lines: Vec<Line>,
    rows: usize,
    cols: usize,
    element: PhantomData<T>,
}

impl<T: Lane> PackedMatrix<T> {
    /// Copies `matrix`, whatever its strides. No arithmetic.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`] if there is no memory for the copy: a view whose strides are 0 may have more elements than memory has.
    pub fn new(matrix: MatrixRef<'_, T>) -> Result<Self, ShapeError> {
        const WHAT: &str = "packed matrix: the matrix to pack";
        let (rows, cols) = (matrix.rows(), matrix.cols());
        check_copy(WHAT, rows, cols, T::BLOCK)?;
        let len = rows * cols.div_ceil(T::BLOCK);
        let mut lines = Vec::new();
        lines.try_reserve_exact(len).map_err(|_| ShapeError::TooLarge { what: WHAT, rows, cols })?;
        lines.resize(len, Line::splat(0.0));
        let mut packed = PackedMatrix { lines, rows, cols, element: PhantomData };
        let data: &mut [T] = bytemuck::cast_slice_mut(&mut packed.lines);
        for j in (0..if rows > 0 { cols } else { 0 }).step_by(panel::<T>()) {
            let part = matrix.block(0, j, rows, panel::<T>().min(cols - j));
            let width = part.cols().next_multiple_of(T::BLOCK);
            for (p, to) in data[j * rows..][..rows * width].chunks_exact_mut(width).enumerate() {
                for (c, to) in to.iter_mut().enumerate().take(part.cols()) {
                    *to = part.at(p, c);
                }
            }
        }
        Ok(packed)
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }
}

/// Columns of a panel.
#[inline(always)]
fn panel<T: Lane>() -> usize {
    PANEL_BLOCKS * T::BLOCK
}

/// The right operand of a product: made of a [`MatrixRef`] or a [`PackedMatrix`] by `into()`.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a, T>(pub(crate) RightFactor<'a, T>);

impl<T: Lane> Operand<'_, T> {
    /// How it is laid out.
    pub(crate) fn layout(&self) -> RightLayout {
        match self.0 {
            RightFactor::Matrix(b) => RightLayout::Matrix(b.layout()),
            RightFactor::Packed(Panels { rows, cols, .. }) => RightLayout::Packed { rows, cols },
        }
    }
}

/// What it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RightFactor<'a, T> {
    /// A view.
    Matrix(MatrixRef<'a, T>),
    /// Whole panels.
    Packed(Panels<'a, T>),
}

/// Some panels of a [`PackedMatrix`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
}

impl<'a, T> From<MatrixRef<'a, T>> for Operand<'a, T> {
    fn from(matrix: MatrixRef<'a, T>) -> Self {
        Operand(RightFactor::Matrix(matrix))
    }
}

impl<'a, T: Lane> From<&'a PackedMatrix<T>> for Operand<'a, T> {
    fn from(packed: &'a PackedMatrix<T>) -> Self {
        let data = bytemuck::cast_slice(&packed.lines);
        Operand(RightFactor::Packed(Panels { data, rows: packed.rows, cols: packed.cols }))
    }
}

impl<'a, T: Lane> RightFactor<'a, T> {
    #[inline(always)]
    pub(crate) fn cols(&self) -> usize {
        match self {
            RightFactor::Matrix(b) => b.cols(),
            RightFactor::Packed(b) => b.cols,
        }
    }
    /// How it is laid out, if it was not packed beforehand.
    #[inline(always)]
    pub(super) fn strides(&self) -> Option<Strides> {
        match self {
            RightFactor::Matrix(b) => Some(b.strides()),
            RightFactor::Packed(_) => None,
        }
    }
    /// `depth` rows from `first` on, where they stand.
    #[inline(always)]
    pub(super) fn in_place(self, first: usize, depth: usize) -> Rhs<'a, T> {
        match self {
            RightFactor::Matrix(b) => Rhs::InPlace(b.block(first, 0, depth, b.cols())),
            RightFactor::Packed(Panels { data, rows, cols }) => {
                Rhs::Packed { panels: data, depth: rows, first, cols, panel: panel::<T>(), grain: T::BLOCK }
            }
        }
    }
    /// What the columns may be cut at multiples of.
    pub(super) fn grain(&self) -> usize {
        match self {
            RightFactor::Matrix(_) => T::BLOCK,
            RightFactor::Packed(_) => panel::<T>(),
        }
    }
    /// The first `col` columns, a multiple of the grain, and the rest.
    pub(super) fn split_at_col(self, col: usize) -> (Self, Self) {
        match self {
            RightFactor::Matrix(b) => {
                let (rows, cols) = (b.rows(), b.cols());
                (RightFactor::Matrix(b.block(0, 0, rows, col)), RightFactor::Matrix(b.block(0, col, rows, cols - col)))
            }
            RightFactor::Packed(Panels { data, rows, cols }) => {
                let (first, second) = data.split_at(col * rows);
                let part = |data, cols| RightFactor::Packed(Panels { data, rows, cols });
                (part(first, col), part(second, cols - col))
            }
        }
    }
}
