//! What memory can give: kernels that move data and compute nothing.

use std::hint::black_box;

use nxm_kernels::{Element, Kernel, Simd};

/// What is moved, by elements.
#[derive(Clone, Copy, PartialEq)]
pub enum AccessPattern {
    /// Read x.
    Read,
    /// Write y.
    Write,
    /// Read x, write y.
    Copy,
    /// Read and write y.
    Update,
    /// Read x and y, write y.
    Combine,
}

impl AccessPattern {
    /// Elements moved for each element of y (of x, if only x is read).
    pub fn moved(self) -> usize {
        match self {
            AccessPattern::Read | AccessPattern::Write => 1,
            AccessPattern::Copy | AccessPattern::Update => 2,
            AccessPattern::Combine => 3,
        }
    }

    /// Buffers used: x, y or both.
    pub fn buffers(self) -> usize {
        match self {
            AccessPattern::Read | AccessPattern::Write | AccessPattern::Update => 1,
            AccessPattern::Copy | AccessPattern::Combine => 2,
        }
    }
}

/// Moves data.
pub struct Move<'a, T> {
    pub pattern: AccessPattern,
    pub x: &'a [T],
    pub y: &'a mut [T],
}

/// Vectors handled at once: enough for two loads a cycle and all chains to be busy.
const AT_ONCE: usize = 8;

impl<T: Element> Kernel<T> for Move<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let step = AT_ONCE * S::LANES;
        let zero = simd.splat(T::ZERO);
        match self.pattern {
            AccessPattern::Read => {
                let mut bits = [zero; AT_ONCE];
                for x in self.x.chunks_exact(step) {
                    for (x, bits) in x.chunks_exact(S::LANES).zip(&mut bits) {
                        *bits = simd.bits_or(*bits, simd.load(x));
                    }
                }
                bits.into_iter().for_each(|bits| {
                    black_box(bits);
                });
            }
            AccessPattern::Write => {
                for y in self.y.chunks_exact_mut(S::LANES) {
                    simd.store(zero, y);
                }
            }
            AccessPattern::Copy => {
                for (x, y) in self.x.chunks_exact(S::LANES).zip(self.y.chunks_exact_mut(S::LANES)) {
                    simd.store(simd.load(x), y);
                }
            }
            AccessPattern::Update => {
                for y in self.y.chunks_exact_mut(S::LANES) {
                    simd.store(simd.neg(simd.load(y)), y);
                }
            }
            AccessPattern::Combine => {
                for (x, y) in self.x.chunks_exact(S::LANES).zip(self.y.chunks_exact_mut(S::LANES)) {
                    simd.store(simd.copy_sign(simd.load(y), simd.load(x)), y);
                }
            }
        }
    }
}
