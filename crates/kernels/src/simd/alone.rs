//! One number by force.
//!
//! An optimising compiler puts neighbouring single operations into vectors, at times with lanes that nobody asked for. "One lane" is a
//! promise here, of the scalar level and of the scalar glue of every other one, so results of single operations pass through a place that
//! the compiler can't see through: empty assembly that takes a number and gives it back in the same register. It is no instruction, and
//! no vectoriser can join two of them.

/// A number that can be kept to itself.
pub(super) trait Alone: Copy {
    /// The same number, of which the compiler no longer knows where it comes from, in a register that holds no other.
    fn alone(self) -> Self;
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
impl Alone for f32 {
    #[inline(always)]
    fn alone(mut self) -> f32 {
        // SAFETY: no instruction: nothing but the operand is named, and that stays what it is.
        unsafe {
            std::arch::asm!("/* {x} */", x = inout(xmm_reg) self, options(pure, nomem, nostack, preserves_flags));
        }
        self
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
impl Alone for f64 {
    #[inline(always)]
    fn alone(mut self) -> f64 {
        // SAFETY: no instruction: nothing but the operand is named, and that stays what it is.
        unsafe {
            std::arch::asm!("/* {x} */", x = inout(xmm_reg) self, options(pure, nomem, nostack, preserves_flags));
        }
        self
    }
}

#[cfg(all(target_arch = "aarch64", target_feature = "neon", not(miri)))]
impl Alone for f32 {
    #[inline(always)]
    fn alone(mut self) -> f32 {
        // SAFETY: no instruction: nothing but the operand is named, and that stays what it is.
        unsafe {
            std::arch::asm!("/* {x:s} */", x = inout(vreg) self, options(pure, nomem, nostack, preserves_flags));
        }
        self
    }
}

#[cfg(all(target_arch = "aarch64", target_feature = "neon", not(miri)))]
impl Alone for f64 {
    #[inline(always)]
    fn alone(mut self) -> f64 {
        // SAFETY: no instruction: nothing but the operand is named, and that stays what it is.
        unsafe {
            std::arch::asm!("/* {x:d} */", x = inout(vreg) self, options(pure, nomem, nostack, preserves_flags));
        }
        self
    }
}

/// Elsewhere one lane is a matter of the compiler: nobody audits its code there.
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
