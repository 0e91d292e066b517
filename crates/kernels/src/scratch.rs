//! Scratch memory for packing: one buffer per thread, kept, so that a warm kernel allocates nothing.

use std::cell::Cell;

use crate::element::Element;

/// A cache line, to which a buffer is aligned: 64 bytes aligned to 64, and plain data.
type Line = wide::f32x16;
const _: () = assert!(size_of::<Line>() == 64 && align_of::<Line>() == 64);

thread_local! {
    static BUFFER: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// This thread's buffer, taken until dropped. (A kernel that takes a second one while it holds the first allocates.)
pub(crate) struct Scratch(Vec<Line>);

impl Scratch {
    /// Takes the buffer.
    #[inline]
    pub(crate) fn take() -> Scratch {
        Scratch(BUFFER.take())
    }

    /// `len` elements of unspecified value, aligned to a cache line.
    #[inline]
    pub(crate) fn slice<T: Element>(&mut self, len: usize) -> &mut [T] {
        let lines = len.div_ceil(64 / size_of::<T>());
        if self.0.len() < lines {
            self.0.resize(lines, Line::splat(0.0));
        }
        &mut bytemuck::cast_slice_mut(&mut self.0)[..len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        BUFFER.set(std::mem::take(&mut self.0));
    }
}
