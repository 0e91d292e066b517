//! Matrices that someone else owns: strided views, checked once when they are made.

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::layout::{Layout, ShapeError, Strides, touched};

/// A matrix to read: element (i, j) stands at `data[i * row_stride + j * col_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct MatrixRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
    width: usize,
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
        Self::with_layout(data, Layout::strided(rows, cols, Strides { row: row_stride, col: col_stride }))
    }

    /// No rows and no columns.
    #[inline(always)]
    pub(crate) fn empty() -> Self {
        MatrixRef { data: &[], rows: 0, cols: 0, row_stride: 0, col_stride: 1, width: 0 }
    }

    /// Rows of no elements.
    #[inline(always)]
    pub(crate) fn without_columns(rows: usize) -> Self {
        MatrixRef { rows, ..MatrixRef::empty() }
    }

    /// A vector as a matrix of one row.
    #[inline(always)]
    pub fn from_row(data: &'a [T]) -> Self {
        let cols = data.len();
        MatrixRef { data, rows: 1, cols, row_stride: cols, col_stride: 1, width: cols }
    }

    /// A matrix whose rows may be padded.
    ///
    /// # Errors
    /// [`ShapeError`] if an element or padding would stand outside of `data`.
    pub fn with_layout(data: &'a [T], layout: Layout) -> Result<Self, ShapeError> {
        let Layout { rows, cols, strides: Strides { row: row_stride, col: col_stride }, width } =
            layout.checked(data.len())?;
        Ok(MatrixRef { data, rows, cols, row_stride, col_stride, width })
    }

    /// A matrix of memory that nobody checks.
    ///
    /// # Safety
    /// The elements and the padding of `layout` must lie inside memory that begins at `first`. For as long as `'a`, nobody may write to it.
    #[inline(always)]
    pub(crate) unsafe fn from_raw(first: NonNull<T>, layout: Layout) -> Self {
        let Layout { rows, cols, strides: Strides { row: row_stride, col: col_stride }, width } = layout;
        let len = if rows == 0 || cols == 0 {
            0
        } else {
            (rows - 1) * row_stride + (cols - 1) * col_stride + 1 + width - cols
        };
        // SAFETY: the caller promises that the memory reaches that far, and that nobody writes to it.
        let data = unsafe { std::slice::from_raw_parts(first.as_ptr(), len) };
        MatrixRef { data, rows, cols, row_stride, col_stride, width }
    }

    /// Shape, strides and padding.
    #[inline(always)]
    pub fn layout(&self) -> Layout {
        Layout { rows: self.rows, cols: self.cols, strides: self.strides(), width: self.width }
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
        let MatrixRef { data, rows, cols, row_stride, col_stride, .. } = self;
        MatrixRef { data, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride, width: rows }
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
        let width = cols + self.width - self.cols;
        MatrixRef { rows: 1, cols, row_stride: width, width, ..self }
    }
    /// The `rows` × `cols` part whose first element is (row, col). Panics if it reaches outside.
    #[inline(always)]
    pub fn block(self, row: usize, col: usize, rows: usize, cols: usize) -> Self {
        assert!(row <= self.rows && rows <= self.rows - row && col <= self.cols && cols <= self.cols - col);
        let start = if rows == 0 || cols == 0 { 0 } else { row * self.row_stride + col * self.col_stride };
        // Padding belongs to the last columns.
        let width = if col + cols == self.cols { self.width - col } else { cols };
        MatrixRef { data: &self.data[start..], rows, cols, width, ..self }
    }
    /// Elements of a row that a kernel may read: its columns, and padding.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        self.width
    }
    /// Columns, and so much padding that they are whole vectors of `lanes` lanes, if there is enough.
    #[inline(always)]
    pub(crate) fn touched(&self, lanes: usize) -> usize {
        touched(self.cols, self.width, lanes)
    }
    /// Whether rows are `len` elements long with their padding, and follow each other.
    #[inline(always)]
    pub(crate) fn is_flat(&self, len: usize) -> bool {
        self.col_stride == 1 && self.row_stride == len && self.width == len
    }
    /// Such rows as one. Panics if they are not such rows.
    #[inline(always)]
    pub(crate) fn flat(&self, len: usize) -> &'a [T] {
        assert!(self.is_flat(len));
        &self.data[..self.rows * len]
    }
    /// The first `len` elements of row `i`, at most its columns and padding.
    #[inline(always)]
    pub(crate) fn padded_row(&self, i: usize, len: usize) -> &'a [T] {
        assert!(i < self.rows && len <= self.width && (self.col_stride == 1 || self.cols <= 1));
        if self.cols == 0 {
            return &[];
        }
        &self.data[i * self.row_stride..][..len]
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
    /// The elements, row after row.
    pub fn to_vec(&self) -> Vec<T> {
        let rows = if self.cols == 0 { 0 } else { self.rows };
        (0..rows).flat_map(|i| (0..self.cols).map(move |j| (i, j))).map(|(i, j)| self.at(i, j)).collect()
    }
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
    width: usize,
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
        Self::with_layout(data, Layout::strided(rows, cols, Strides { row: row_stride, col: col_stride }))
    }

    /// A vector as a matrix of one row.
    #[inline(always)]
    pub fn from_row(data: &'a mut [T]) -> Self {
        let cols = data.len();
        MatrixMut {
            first: NonNull::from(data).cast(),
            rows: 1,
            cols,
            row_stride: cols,
            col_stride: 1,
            width: cols,
            owner: PhantomData,
        }
    }

    /// A matrix whose rows may be padded.
    ///
    /// # Errors
    /// [`ShapeError`] if `data` is too short or if elements would overlap.
    pub fn with_layout(data: &'a mut [T], layout: Layout) -> Result<Self, ShapeError> {
        let layout = layout.checked(data.len())?;
        let Layout { rows, cols, strides: Strides { row: row_stride, col: col_stride }, width } = layout;
        if !layout.is_distinct() {
            return Err(ShapeError::Overlap { rows, cols, row_stride, col_stride });
        }
        Ok(MatrixMut {
            first: NonNull::from(data).cast(),
            rows,
            cols,
            row_stride,
            col_stride,
            width,
            owner: PhantomData,
        })
    }

    /// A matrix of memory that nobody checks.
    ///
    /// # Safety
    /// The elements and the padding of `layout` must lie inside memory that begins at `first`, and no two elements at the same place. For as
    /// long as `'a`, nobody else may read or write them.
    #[inline(always)]
    pub(crate) unsafe fn from_raw(first: NonNull<T>, layout: Layout) -> Self {
        let Layout { rows, cols, strides: Strides { row: row_stride, col: col_stride }, width } = layout;
        MatrixMut { first, rows, cols, row_stride, col_stride, width, owner: PhantomData }
    }

    /// The same matrix, for as long.
    ///
    /// # Safety
    /// From now on, `self` must not be used.
    #[inline(always)]
    pub(crate) unsafe fn duplicate(&self) -> Self {
        MatrixMut { owner: PhantomData, ..*self }
    }

    /// Shape, strides and padding.
    #[inline(always)]
    pub fn layout(&self) -> Layout {
        let strides = Strides { row: self.row_stride, col: self.col_stride };
        Layout { rows: self.rows, cols: self.cols, strides, width: self.width }
    }

    /// No rows and no columns, of a matrix to write.
    #[inline(always)]
    #[allow(dead_code)]
    pub(crate) fn empty() -> Self {
        MatrixMut {
            first: NonNull::dangling(),
            rows: 0,
            cols: 0,
            row_stride: 0,
            col_stride: 1,
            width: 0,
            owner: PhantomData,
        }
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
        let MatrixMut { first, rows, cols, row_stride, col_stride, owner, .. } = self;
        MatrixMut { first, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride, width: rows, owner }
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
    /// Elements of a row that a kernel may write: its columns, and padding.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        self.width
    }
    /// How many elements behind the first one row `i` begins. Rows without elements all stand where the first one does: a view of such
    /// rows reaches nothing, whatever its strides.
    #[inline(always)]
    fn start_of_row(&self, i: usize) -> usize {
        if self.cols == 0 { 0 } else { i * self.row_stride }
    }
    /// Row `i`, whose elements stand side by side. Panics if they don't, or if there is no such row.
    #[inline(always)]
    pub fn row(&mut self, i: usize) -> &mut [T] {
        assert!(i < self.rows && (self.col_stride == 1 || self.cols <= 1));
        let start = self.start_of_row(i);
        // SAFETY: `with_layout` checked that row i's `cols` elements lie inside the slice this view borrows exclusively
        // (splitting keeps that), and the borrow of `self` keeps any other part of this view from being used meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(start).as_ptr(), self.cols) }
    }
    /// Columns, and so much padding that they are whole vectors of `lanes` lanes, if there is enough.
    #[inline(always)]
    pub(crate) fn touched(&self, lanes: usize) -> usize {
        touched(self.cols, self.width, lanes)
    }
    /// Whether rows are `len` elements long with their padding, and follow each other.
    #[inline(always)]
    pub(crate) fn is_flat(&self, len: usize) -> bool {
        self.col_stride == 1 && self.row_stride == len && self.width == len
    }
    /// Whether rows follow each other with their padding, and with nothing else in between.
    #[inline(always)]
    pub(crate) fn has_lines(&self) -> bool {
        self.col_stride == 1 && self.row_stride == self.width
    }
    /// All rows with their padding. Panics if something else is in between.
    #[inline(always)]
    pub(crate) fn lines(&mut self) -> &mut [T] {
        assert!(self.has_lines());
        // SAFETY: `with_layout` checked that columns and padding of all rows lie inside the slice this view borrows exclusively (splitting
        // keeps that), and rows follow each other (asserted). The borrow of `self` keeps any other part of this view from being used
        // meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.rows * self.width) }
    }
    /// The first `len` elements of row `i`, at most its columns and padding.
    #[inline(always)]
    pub(crate) fn padded_row(&mut self, i: usize, len: usize) -> &mut [T] {
        assert!(i < self.rows && len <= self.width && (self.col_stride == 1 || self.cols <= 1));
        let start = self.start_of_row(i);
        // SAFETY: row i exists (asserted), and `with_layout` checked that its first `width` elements lie inside the slice this view
        // borrows exclusively (splitting keeps that); `len` is at most `width` (asserted). The borrow of `self` keeps any other part of
        // this view from being used meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(start).as_ptr(), len) }
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
        // Elements and padding are those that the view had: with padding there is one row already.
        let cols = self.rows * self.cols;
        let width = cols + self.width - self.cols;
        MatrixMut { rows: 1, cols, row_stride: width, width, ..self }
    }
    /// The first `row` rows, and the rest. Panics if there are fewer.
    #[inline(always)]
    pub fn split_at_row(self, row: usize) -> (Self, Self) {
        assert!(row <= self.rows);
        let offset = if row == self.rows { 0 } else { self.start_of_row(row) };
        // SAFETY: row `row` exists and has elements (or the offset is 0), so its first element lies inside the borrowed slice.
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
        // Padding belongs to the last columns.
        let width = if col == self.cols { self.width } else { col };
        let (cols, rest) = (self.cols - col, self.width - width);
        (MatrixMut { cols: col, width, ..self }, MatrixMut { first: second, cols, width: rest, ..self })
    }
    /// The `rows` × `cols` part whose first element is (row, col), borrowed. Panics if it reaches outside.
    #[inline(always)]
    pub fn block(&mut self, row: usize, col: usize, rows: usize, cols: usize) -> MatrixMut<'_, T> {
        let part = self.reborrow().split_at_row(row).1.split_at_row(rows).0;
        part.split_at_col(col).1.split_at_col(cols).0
    }
}
