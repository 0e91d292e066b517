//! Scratch memory for packing: buffers that each thread keeps, so that a warm kernel allocates nothing.

use std::cell::RefCell;

use crate::element::Lane;
use crate::layout::ShapeError;

/// A cache line, to which a buffer is aligned: 64 bytes aligned to 64, and plain data.
pub(crate) type Line = wide::f32x16;
const _: () = assert!(size_of::<Line>() == 64 && align_of::<Line>() == 64);

thread_local! {
    /// Buffers that nobody holds.
    static BUFFERS: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Copies of at least 1 GiB are asked of the allocator before a call is made. Asking takes microseconds, such a call a tenth of a second.
const LARGE_BYTES: usize = 1 << 30;

/// One of this thread's buffers, taken until dropped.
pub(crate) struct Scratch(Vec<Line>);

impl Scratch {
    /// No buffer yet: one is taken when memory is first asked for.
    #[inline]
    pub(crate) fn none() -> Scratch {
        Scratch(Vec::new())
    }

    /// Takes a buffer.
    #[inline]
    pub(crate) fn take() -> Scratch {
        Scratch(BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default())
    }

    /// Whether memory for a copy of `what`, rows × cols elements, can be had. Their number is known not to overflow.
    #[inline]
    pub(crate) fn check<T: Lane>(what: &'static str, rows: usize, cols: usize) -> Result<(), ShapeError> {
        let bytes = rows * cols * size_of::<T>();
        if bytes >= LARGE_BYTES && Vec::<Line>::new().try_reserve_exact(bytes.div_ceil(size_of::<Line>())).is_err() {
            return Err(ShapeError::TooLarge { what, rows, cols });
        }
        Ok(())
    }

    /// `len` elements of unspecified value, aligned to a cache line.
    #[inline]
    pub(crate) fn slice<T: Lane>(&mut self, len: usize) -> &mut [T] {
        let lines = len.div_ceil(64 / size_of::<T>());
        if self.0.len() < lines {
            if self.0.capacity() == 0 {
                self.0 = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
            }
            if self.0.len() < lines {
                self.0.resize(lines, Line::splat(0.0));
            }
        }
        &mut bytemuck::cast_slice_mut(&mut self.0)[..len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.capacity() > 0 {
            BUFFERS.with_borrow_mut(|buffers| buffers.push(std::mem::take(&mut self.0)));
        }
    }
}
