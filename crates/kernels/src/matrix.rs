//! Matrices that someone else owns: strided views, checked once when they are made.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A view, or a set of operands, that does not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShapeError {
    /// A slice is too short for the view asked of it.
    TooShort {
        /// Rows of the view.
        rows: usize,
        /// Columns of the view.
        cols: usize,
        /// Elements between rows.
        row_stride: usize,
        /// Elements between columns.
        col_stride: usize,
        /// Elements the view needs; none if that number overflows.
        needed: Option<usize>,
        /// Elements the slice has.
        len: usize,
    },
    /// Two elements of a mutable view would be the same one.
    Overlap {
        /// Rows of the view.
        rows: usize,
        /// Columns of the view.
        cols: usize,
        /// Elements between rows.
        row_stride: usize,
        /// Elements between columns.
        col_stride: usize,
    },
    /// A dimension of an operand is not what the others ask for.
    Mismatch {
        /// Kernel and operand, as "gemm: rows of b".
        what: &'static str,
        /// What the other operands ask for.
        expected: usize,
        /// What it is.
        found: usize,
    },
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShapeError::TooShort { rows, cols, row_stride, col_stride, needed, len } => {
                write!(f, "a {rows}×{cols} view with strides {row_stride} and {col_stride} needs ")?;
                match needed {
                    Some(needed) => write!(f, "{needed} elements, and the slice has {len}"),
                    None => write!(f, "more elements than can be addressed, and the slice has {len}"),
                }
            }
            ShapeError::Overlap { rows, cols, row_stride, col_stride } => {
                write!(f, "elements of a mutable {rows}×{cols} view with strides {row_stride} and {col_stride} overlap")
            }
            ShapeError::Mismatch { what, expected, found } => write!(f, "{what}: expected {expected}, found {found}"),
        }
    }
}

impl std::error::Error for ShapeError {}

/// `found` must be `expected`.
#[inline]
pub(crate) fn check(what: &'static str, expected: usize, found: usize) -> Result<(), ShapeError> {
    if expected == found { Ok(()) } else { Err(ShapeError::Mismatch { what, expected, found }) }
}

/// Elements that a view spans: none if that overflows.
fn span(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Option<usize> {
    if rows == 0 || cols == 0 {
        return Some(0);
    }
    let last_row = (rows - 1).checked_mul(row_stride)?;
    let last_col = (cols - 1).checked_mul(col_stride)?;
    last_row.checked_add(last_col)?.checked_add(1)
}

/// The slice must hold the view.
fn fits(rows: usize, cols: usize, row_stride: usize, col_stride: usize, len: usize) -> Result<(), ShapeError> {
    let needed = span(rows, cols, row_stride, col_stride);
    match needed {
        Some(needed) if needed <= len => Ok(()),
        _ => Err(ShapeError::TooShort { rows, cols, row_stride, col_stride, needed, len }),
    }
}

/// How the elements of a matrix are laid out: distances in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
    /// From row to row.
    pub row: usize,
    /// From column to column.
    pub col: usize,
}

impl Strides {
    /// Row after row without gaps, of a matrix of `cols` columns.
    pub const fn row_major(cols: usize) -> Strides {
        Strides { row: cols, col: 1 }
    }
    /// Those of the transpose.
    pub const fn transpose(self) -> Strides {
        Strides { row: self.col, col: self.row }
    }
}

/// A matrix to read: element (i, j) stands at `data[i * row_stride + j * col_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct MatrixRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> MatrixRef<'a, T> {
    /// A row-major matrix without gaps.
    ///
    /// # Errors
    /// [`ShapeError`] if `data` has fewer than `rows * cols` elements.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        Self::with_strides(data, rows, cols, cols, 1)
    }

    /// A matrix with any strides (0 repeats a row or a column).
    ///
    /// # Errors
    /// [`ShapeError`] if an element would stand outside of `data`.
    pub fn with_strides(
        data: &'a [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Result<Self, ShapeError> {
        fits(rows, cols, row_stride, col_stride, data.len())?;
        Ok(MatrixRef { data, rows, cols, row_stride, col_stride })
    }

    /// Rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Columns.
    #[inline(always)]
    pub fn cols(&self) -> usize {
        self.cols
    }
    /// Elements between two rows.
    #[inline(always)]
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }
    /// Both distances.
    #[inline(always)]
    pub fn strides(&self) -> Strides {
        Strides { row: self.row_stride, col: self.col_stride }
    }
    /// Elements between two columns.
    #[inline(always)]
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }
    /// The transpose: the same data with the strides exchanged.
    #[inline(always)]
    pub fn transpose(self) -> Self {
        let MatrixRef { data, rows, cols, row_stride, col_stride } = self;
        MatrixRef { data, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }
    /// Whether row follows row, with nothing in between.
    #[inline(always)]
    pub(crate) fn is_without_gaps(&self) -> bool {
        self.col_stride == 1 && (self.row_stride == self.cols || self.rows == 1)
    }
    /// Rows that follow each other as one. Panics if there is something in between.
    #[inline(always)]
    pub(crate) fn into_one_row(self) -> Self {
        assert!(self.is_without_gaps());
        let cols = self.rows * self.cols;
        MatrixRef { rows: 1, cols, row_stride: cols, ..self }
    }
    /// The `rows` × `cols` part whose first element is (row, col). Panics if it reaches outside.
    #[inline(always)]
    pub fn block(self, row: usize, col: usize, rows: usize, cols: usize) -> Self {
        assert!(row <= self.rows && rows <= self.rows - row && col <= self.cols && cols <= self.cols - col);
        let start = if rows == 0 || cols == 0 { 0 } else { row * self.row_stride + col * self.col_stride };
        MatrixRef { data: &self.data[start..], rows, cols, ..self }
    }
    /// From element (0, 0) to the end of the underlying slice.
    #[inline(always)]
    pub(crate) fn data(&self) -> &'a [T] {
        self.data
    }
    /// Row `i`, whose elements stand side by side. Panics if they don't, or if there is no such row.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &'a [T] {
        assert!(i < self.rows && (self.col_stride == 1 || self.cols <= 1));
        if self.cols == 0 {
            return &[];
        }
        &self.data[i * self.row_stride..][..self.cols]
    }
}

impl<T: Copy> MatrixRef<'_, T> {
    /// Element (i, j). Panics if there is none.
    #[inline(always)]
    pub fn at(&self, i: usize, j: usize) -> T {
        assert!(i < self.rows && j < self.cols);
        self.data[i * self.row_stride + j * self.col_stride]
    }
}

/// A matrix to write: element (i, j) stands at `data[i * row_stride + j * col_stride]`, and no two at the same place.
///
/// It holds a pointer rather than a slice, so that it can be split by columns as well as by rows, for threads.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    first: NonNull<T>,
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: a `MatrixMut` is an exclusive borrow of its elements, as `&mut [T]` is, and `&mut [T]` is `Send` if `T` is.
unsafe impl<T: Send> Send for MatrixMut<'_, T> {}

impl<'a, T> MatrixMut<'a, T> {
    /// A matrix without gaps.
    ///
    /// # Errors
    /// [`ShapeError`] if `data` has fewer than `rows * cols` elements.
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        Self::with_stride(data, rows, cols, cols)
    }

    /// A matrix whose rows begin `row_stride` elements apart.
    ///
    /// # Errors
    /// [`ShapeError`] if `data` is too short or if rows would overlap.
    pub fn with_stride(data: &'a mut [T], rows: usize, cols: usize, row_stride: usize) -> Result<Self, ShapeError> {
        Self::with_strides(data, rows, cols, row_stride, 1)
    }

    /// A matrix with any strides that keep its elements apart: rows lie inside the gaps between columns, or the other way round.
    ///
    /// # Errors
    /// [`ShapeError`] if `data` is too short or if elements would overlap.
    pub fn with_strides(
        data: &'a mut [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Result<Self, ShapeError> {
        fits(rows, cols, row_stride, col_stride, data.len())?;
        // `fits` has computed these spans without overflow.
        let apart = |last: usize, stride: usize, beyond: usize| last * stride < beyond;
        let distinct = rows == 0
            || cols == 0
            || (rows == 1 || row_stride > 0)
                && (cols == 1 || col_stride > 0)
                && (rows == 1
                    || cols == 1
                    || apart(cols - 1, col_stride, row_stride)
                    || apart(rows - 1, row_stride, col_stride));
        if !distinct {
            return Err(ShapeError::Overlap { rows, cols, row_stride, col_stride });
        }
        Ok(MatrixMut { first: NonNull::from(data).cast(), rows, cols, row_stride, col_stride, owner: PhantomData })
    }

    /// No rows and no columns.
    #[inline(always)]
    pub(crate) fn empty() -> Self {
        MatrixMut { first: NonNull::dangling(), rows: 0, cols: 0, row_stride: 0, col_stride: 1, owner: PhantomData }
    }

    /// Rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Columns.
    #[inline(always)]
    pub fn cols(&self) -> usize {
        self.cols
    }
    /// Elements between two rows.
    #[inline(always)]
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }
    /// Elements between two columns.
    #[inline(always)]
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }
    /// The transpose: the same data with the strides exchanged.
    #[inline(always)]
    pub fn transpose(self) -> Self {
        let MatrixMut { first, rows, cols, row_stride, col_stride, owner } = self;
        MatrixMut { first, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride, owner }
    }
    /// Element (i, j). Panics if there is none.
    #[inline(always)]
    pub fn at(&mut self, i: usize, j: usize) -> &mut T {
        assert!(i < self.rows && j < self.cols);
        // SAFETY: the element exists (asserted), so it lies inside of the slice that this view borrows exclusively; the borrow of
        // `self` keeps any other part of this view from being used meanwhile.
        unsafe { self.first.add(i * self.row_stride + j * self.col_stride).as_mut() }
    }
    /// The same matrix, borrowed for a shorter time.
    #[inline(always)]
    pub fn reborrow(&mut self) -> MatrixMut<'_, T> {
        MatrixMut { owner: PhantomData, ..*self }
    }
    /// Row `i`, whose elements stand side by side. Panics if they don't, or if there is no such row.
    #[inline(always)]
    pub fn row(&mut self, i: usize) -> &mut [T] {
        assert!(i < self.rows && (self.col_stride == 1 || self.cols <= 1));
        // SAFETY: `with_strides` checked that row i's `cols` elements lie inside the slice this view borrows exclusively
        // (splitting keeps that), and the borrow of `self` keeps any other part of this view from being used meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(i * self.row_stride).as_ptr(), self.cols) }
    }
    /// Whether row follows row, with nothing in between.
    #[inline(always)]
    pub(crate) fn is_without_gaps(&self) -> bool {
        self.col_stride == 1 && (self.row_stride == self.cols || self.rows == 1)
    }
    /// Rows that follow each other as one. Panics if there is something in between.
    #[inline(always)]
    pub(crate) fn into_one_row(self) -> Self {
        assert!(self.is_without_gaps());
        // The elements are those that the view had.
        let cols = self.rows * self.cols;
        MatrixMut { rows: 1, cols, row_stride: cols, ..self }
    }
    /// The first `row` rows, and the rest. Panics if there are fewer.
    #[inline(always)]
    pub fn split_at_row(self, row: usize) -> (Self, Self) {
        assert!(row <= self.rows);
        let offset = if row == self.rows { 0 } else { row * self.row_stride };
        // SAFETY: row `row` exists (or the offset is 0), so its first element lies inside the borrowed slice.
        let second = unsafe { self.first.add(offset) };
        (MatrixMut { rows: row, ..self }, MatrixMut { first: second, rows: self.rows - row, ..self })
    }
    /// The first `col` columns, and the rest. Panics if there are fewer.
    #[inline(always)]
    pub fn split_at_col(self, col: usize) -> (Self, Self) {
        assert!(col <= self.cols);
        let offset = if self.rows == 0 || col == self.cols { 0 } else { col * self.col_stride };
        // SAFETY: column `col` exists (or the offset is 0), so its first element lies inside the borrowed slice. The two
        // parts share rows but no column, so no element belongs to both.
        let second = unsafe { self.first.add(offset) };
        (MatrixMut { cols: col, ..self }, MatrixMut { first: second, cols: self.cols - col, ..self })
    }
    /// The `rows` × `cols` part whose first element is (row, col), borrowed. Panics if it reaches outside.
    #[inline(always)]
    pub fn block(&mut self, row: usize, col: usize, rows: usize, cols: usize) -> MatrixMut<'_, T> {
        let part = self.reborrow().split_at_row(row).1.split_at_row(rows).0;
        part.split_at_col(col).1.split_at_col(cols).0
    }
}
