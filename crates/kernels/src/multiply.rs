//! Products of elements, and running means: what dropout and the statistics of a batch norm are made of.

use crate::call::{Call, Op};
use crate::element::{Element, Lane};
use crate::elementwise::Elementwise;
use crate::elementwise::rows::map_rows;
use crate::layout::ShapeError;
use crate::matrix::{MatrixMut, MatrixRef};
use crate::simd::{Kernel, Simd};

/// The constructors of both.
impl<'a, T: Element> Call<'a, T> {
    /// `to` ← x ⊙ `by`: n mul.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes differ, or if rows are not contiguous.
    pub fn multiply(x: MatrixRef<'a, T>, by: MatrixRef<'a, T>, to: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Multiply { x, by, to })
    }

    /// `to` ← keep·`to` + add·x: n mul, n fma.
    ///
    /// # Errors
    /// [`ShapeError`] if the shapes differ, or if rows are not contiguous.
    pub fn blend(keep: T, add: T, x: MatrixRef<'a, T>, to: MatrixMut<'a, T>) -> Result<Self, ShapeError> {
        Call::checked(Op::Blend { keep, add, x, to })
    }
}

/// `to` ← x ⊙ `by`.
pub(crate) struct Multiply<'a, T> {
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) by: MatrixRef<'a, T>,
    pub(crate) to: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for Multiply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Multiply { x, by, to } = self;
        // Rows without gaps are one row, of which fewer vectors are ragged.
        let joins = x.is_without_gaps() && by.is_without_gaps() && to.is_without_gaps();
        let (x, by, mut to) = match joins {
            true => (x.into_one_row(), by.into_one_row(), to.into_one_row()),
            false => (x, by, to),
        };
        map_rows(simd, Product, [x, by], &mut to);
    }
}

/// x·y.
#[derive(Clone, Copy)]
pub(crate) struct Product;

impl<T: Lane> Elementwise<T, 2> for Product {
    const READS_OUT: bool = false;
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, _: S::Vector, [x, y]: [S::Vector; 2]) -> S::Vector {
        simd.mul(x, y)
    }
}

/// `to` ← keep·`to` + add·x.
pub(crate) struct Blend<'a, T> {
    pub(crate) keep: T,
    pub(crate) add: T,
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) to: MatrixMut<'a, T>,
}

impl<T: Lane> Kernel<T> for Blend<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Blend { keep, add, x, to } = self;
        let joins = x.is_without_gaps() && to.is_without_gaps();
        let (x, mut to) = if joins { (x.into_one_row(), to.into_one_row()) } else { (x, to) };
        map_rows(simd, Blended { keep, add }, [x], &mut to);
    }
}

/// keep·y + add·x.
#[derive(Clone, Copy)]
struct Blended<T> {
    keep: T,
    add: T,
}

impl<T: Lane> Elementwise<T, 1> for Blended<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, y: S::Vector, [x]: [S::Vector; 1]) -> S::Vector {
        simd.mul_add(x, simd.splat(self.add), simd.mul(y, simd.splat(self.keep)))
    }
}
