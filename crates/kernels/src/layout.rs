//! Where the elements of a matrix stand: shapes, strides, padding, and the errors of those that do not fit.

use std::fmt;

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
    /// An operand does not have the shape of another.
    Shape {
        /// Kernel and operand.
        what: &'static str,
        /// Rows and columns that are asked for.
        expected: (usize, usize),
        /// Rows and columns that it has.
        found: (usize, usize),
    },
    /// An operand has no elements, and must have some.
    Empty {
        /// Kernel and operand.
        what: &'static str,
    },
    /// A kernel copies an operand, and no memory is large enough for the copy. A view whose strides are 0 can ask for such a copy.
    TooLarge {
        /// Kernel and operand.
        what: &'static str,
        /// Rows of the operand.
        rows: usize,
        /// Columns of the operand.
        cols: usize,
    },
    /// A label is no class.
    Label {
        /// Its row, from 0.
        row: usize,
        /// What it is.
        label: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// The elements of a row of an operand must stand side by side, and do not.
    Columns {
        /// Kernel and operand.
        what: &'static str,
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
            ShapeError::Shape { what, expected: (rows, cols), found } => {
                write!(f, "{what}: expected {rows}×{cols}, found {}×{}", found.0, found.1)
            }
            ShapeError::Empty { what } => write!(f, "{what}: there are none"),
            ShapeError::TooLarge { what, rows, cols } => {
                write!(f, "{what}: a copy of {rows}×{cols} elements does not fit into memory")
            }
            ShapeError::Label { row, label, classes } => {
                write!(f, "row {row}: label {label} is not below the number of classes, {classes}")
            }
            ShapeError::Columns { what } => write!(f, "{what}: the elements of a row must stand side by side"),
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

/// The most elements that a kernel may copy: as many f64 as a `Vec` can address, less a cache line that rounding up may add.
const MOST_COPIED: usize = isize::MAX as usize / size_of::<f64>() - 8;

/// The copy that a kernel makes of `what`, an operand of rows × cols, must be addressable. Each row of the copy has `beside` elements more.
#[inline]
pub(crate) fn check_copy(what: &'static str, rows: usize, cols: usize, beside: usize) -> Result<(), ShapeError> {
    if rows == 0 || cols == 0 {
        return Ok(());
    }
    match cols.checked_add(beside).and_then(|width| rows.checked_mul(width)) {
        Some(elements) if elements <= MOST_COPIED => Ok(()),
        _ => Err(ShapeError::TooLarge { what, rows, cols }),
    }
}

/// The distances between the elements of a matrix, in elements.
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

/// Where the elements of a matrix stand: element (i, j) at `i * strides.row + j * strides.col`.
///
/// A row may be followed by *padding*: elements up to `width` belong to the row and hold anything. A kernel may read and write them, so
/// that it need not stop inside a vector; no result depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Distances.
    pub strides: Strides,
    /// Elements of a row that a kernel may touch: `cols`, and padding behind them if elements of a row stand side by side.
    pub width: usize,
}

impl Layout {
    /// Any strides, no padding.
    pub const fn strided(rows: usize, cols: usize, strides: Strides) -> Layout {
        Layout { rows, cols, strides, width: cols }
    }

    /// Row after row without gaps.
    pub const fn row_major(rows: usize, cols: usize) -> Layout {
        Layout::strided(rows, cols, Strides::row_major(cols))
    }

    /// Rows padded to whole blocks of `block` elements (64 bytes), unless a row fills at most half a block: then row after row without
    /// gaps. So the padding is never more than the elements.
    pub const fn padded(rows: usize, cols: usize, block: usize) -> Layout {
        if cols <= block / 2 || cols > usize::MAX - block {
            return Layout::row_major(rows, cols);
        }
        let width = cols.next_multiple_of(block);
        Layout { rows, cols, strides: Strides::row_major(width), width }
    }

    /// Elements from the first to the last one that a kernel may touch; none if that overflows.
    pub const fn span(&self) -> Option<usize> {
        if self.rows == 0 || self.cols == 0 {
            return Some(0);
        }
        let (Some(rows), Some(cols)) =
            ((self.rows - 1).checked_mul(self.strides.row), (self.cols - 1).checked_mul(self.strides.col))
        else {
            return None;
        };
        // Padding stands behind elements that stand side by side.
        match rows.checked_add(cols) {
            Some(last) => last.checked_add(1 + self.width.saturating_sub(self.cols)),
            None => None,
        }
    }

    /// The same, as a view of `len` elements: all of it lies inside. A view without elements reaches nothing, whatever its strides.
    pub(crate) fn checked(self, len: usize) -> Result<Layout, ShapeError> {
        let needed = self.span();
        let Layout { rows, cols, strides, width } = self;
        if needed.is_none_or(|needed| needed > len) {
            let Strides { row: row_stride, col: col_stride } = strides;
            return Err(ShapeError::TooShort { rows, cols, row_stride, col_stride, needed, len });
        }
        if rows == 0 || cols == 0 {
            return Ok(Layout { strides: Strides { row: 0, col: 1 }, width: cols, ..self });
        }
        Ok(Layout { width: if self.has_own_padding() { width } else { cols }, ..self })
    }

    /// Whether padding stands behind the elements of its own row and before those of the next one. Rows without elements have none.
    pub(crate) const fn has_own_padding(&self) -> bool {
        self.width == self.cols
            || self.cols > 0
                && self.strides.col == 1
                && self.width > self.cols
                && (self.rows <= 1 || self.width <= self.strides.row)
    }

    /// Whether no two elements stand at the same place: rows lie inside the gaps between columns, or the other way round. `span` is
    /// known not to overflow.
    pub(crate) fn is_distinct(&self) -> bool {
        let Layout { rows, cols, strides: Strides { row, col }, .. } = *self;
        let apart = |last: usize, stride: usize, beyond: usize| last * stride < beyond;
        rows == 0
            || cols == 0
            || (rows == 1 || row > 0)
                && (cols == 1 || col > 0)
                && (rows == 1 || cols == 1 || apart(cols - 1, col, row) || apart(rows - 1, row, col))
    }

    /// The layout of the transpose: padding is forgotten.
    pub const fn transpose(self) -> Layout {
        Layout::strided(self.cols, self.rows, self.strides.transpose())
    }

    /// Whether row follows row, with nothing in between.
    pub const fn is_without_gaps(&self) -> bool {
        self.strides.col == 1 && (self.strides.row == self.cols || self.rows == 1)
    }

    /// That elements of a row stand side by side.
    #[inline]
    pub(crate) fn check_rows(&self, what: &'static str) -> Result<(), ShapeError> {
        if self.has_rows() { Ok(()) } else { Err(ShapeError::Columns { what }) }
    }

    /// That it has rows × cols, and elements of a row stand side by side.
    #[inline]
    pub(crate) fn check_shape(&self, what: &'static str, rows: usize, cols: usize) -> Result<(), ShapeError> {
        self.check_same(what, Layout::row_major(rows, cols))
    }

    /// That `self` has the shape of `other`, and that elements of a row stand side by side in both.
    #[inline]
    pub(crate) fn check_same(&self, what: &'static str, other: Layout) -> Result<(), ShapeError> {
        if (self.rows, self.cols) != (other.rows, other.cols) || !self.has_rows() || !other.has_rows() {
            return Err(self.differs(what, other));
        }
        Ok(())
    }

    #[cold]
    fn differs(&self, what: &'static str, other: Layout) -> ShapeError {
        let expected = (other.rows, other.cols);
        match (self.rows, self.cols) == expected {
            true => ShapeError::Columns { what },
            false => ShapeError::Shape { what, expected, found: (self.rows, self.cols) },
        }
    }

    /// Whether elements of a row stand side by side.
    pub const fn has_rows(&self) -> bool {
        self.strides.col == 1 || self.cols <= 1 || self.rows == 0
    }

    /// Elements of a row that vectors of `lanes` lanes touch: `cols` rounded up to whole vectors, as far as there is padding.
    pub fn touched(&self, lanes: usize) -> usize {
        touched(self.cols, self.width, lanes)
    }
}

/// `cols` rounded up to whole vectors of `lanes` lanes, a power of two, but at most `width`.
#[inline(always)]
pub(crate) fn touched(cols: usize, width: usize, lanes: usize) -> usize {
    // What does not fit a `usize` is more than any width.
    (cols.wrapping_add(lanes - 1) & !(lanes - 1)).min(width).max(cols.min(width))
}
