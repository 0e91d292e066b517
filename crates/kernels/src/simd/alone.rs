//! [`Alone`]: keeps a number in a register of its own, so that "one lane" means one lane.
//!
//! An optimising compiler joins neighbouring scalar operations into vector operations, sometimes with lanes that nobody
//! asked for. The Scalar level, and the scalar operations of every other level, promise one lane. So their results pass
//! through empty assembly: it takes a number and returns it in the same register. It costs no instruction. The compiler
//! can't see through it, so no vectoriser joins two of them.
//!
//! This file and `x86.rs` hold all unsafe code of `simd`.

/// A number that can be kept in a register of its own.
pub(super) trait Alone: Copy {
    /// Returns the same number, in a register that holds no other; the compiler no longer knows where it came from.
    fn alone(self) -> Self;
}

/// Writes [`Alone`] for an element type, given a class of registers and a template that names the operand in a comment.
#[cfg(all(
    any(all(target_arch = "x86_64", target_feature = "sse2"), all(target_arch = "aarch64", target_feature = "neon")),
    not(miri)
))]
macro_rules! impl_alone {
    ($t:ty, $registers:ident, $comment:literal) => {
        impl Alone for $t {
            #[inline(always)]
            fn alone(mut self) -> $t {
                // SAFETY: the assembly is a comment. Without an instruction it reads and writes neither memory, stack nor
                // flags, and its operand keeps its value.
                unsafe {
                    std::arch::asm!($comment, x = inout($registers) self, options(pure, nomem, nostack, preserves_flags));
                }
                self
            }
        }
    };
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
impl_alone!(f32, xmm_reg, "/* {x} */");
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
impl_alone!(f64, xmm_reg, "/* {x} */");

#[cfg(all(target_arch = "aarch64", target_feature = "neon", not(miri)))]
impl_alone!(f32, vreg, "/* {x:s} */");
#[cfg(all(target_arch = "aarch64", target_feature = "neon", not(miri)))]
impl_alone!(f64, vreg, "/* {x:d} */");

/// Other processors: the compiler may join scalar operations. Nobody audits its code there.
#[cfg(not(all(
    any(all(target_arch = "x86_64", target_feature = "sse2"), all(target_arch = "aarch64", target_feature = "neon")),
    not(miri)
)))]
impl<T: crate::element::Element> Alone for T {
    #[inline(always)]
    fn alone(self) -> T {
        self
    }
}
