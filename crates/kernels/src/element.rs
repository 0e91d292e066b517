//! The two element types, f32 and f64: what a kernel must know of them.

use crate::call::Call;
use crate::executor::{Executor, Region};
use crate::math::constants::Constants;
use crate::program::Instructions;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Scalar, Simd, Wide};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// What the body of a kernel knows of f32 and f64: constants, and no arithmetic.
///
/// A body that is generic over `T: Lane` can't add, compare or convert numbers but by its token, so nothing that it does escapes the
/// count. Everything else is in [`Element`].
///
/// The associated token types, which are hidden, say that every level has vectors of this element.
pub trait Lane: sealed::Sealed + Copy + Default + Send + Sync + std::fmt::Debug + bytemuck::Pod + 'static {
    /// Elements in 64 bytes: the length of a reduction's block ([`Simd::Block`]), 16 for f32 and 8 for f64.
    const BLOCK: usize;
    /// Stored bits of the significand: 23 or 52.
    const MANTISSA: u32;
    /// 0.
    const ZERO: Self;
    /// −0, which a sum may start from: −0 + x is x, whatever x is.
    const NEG_ZERO: Self;
    /// 1.
    const ONE: Self;
    /// −∞.
    const NEG_INFINITY: Self;
    /// The smallest positive number that is not subnormal.
    const MIN_POSITIVE: Self;
    /// The constants of the vector functions.
    #[doc(hidden)]
    const CONSTANTS: Constants<Self>;

    /// The token of level scalar.
    #[doc(hidden)]
    type Scalar: Simd<Self> + From<Scalar>;
    /// The token of level wide.
    #[doc(hidden)]
    type Wide: Simd<Self> + From<Wide>;
    /// The token of level avx2.
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    type Avx2: Simd<Self> + From<Avx2>;
    /// The token of level avx512.
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    type Avx512: Simd<Self> + From<Avx512>;

    /// The bits, widened to 64.
    fn to_bits_u64(self) -> u64;
}

/// f32 or f64: all that can be done with them outside of a kernel's body.
pub trait Element: Lane + PartialEq + PartialOrd + std::fmt::Display {
    /// "f32" or "f64".
    const NAME: &'static str;
    /// The unit roundoff u: half the distance from 1 to the next number.
    const UNIT_ROUNDOFF: f64;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number in f64 (exact).
    fn to_f64(self) -> f64;
    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// Has `executor` run a call in this element type, as a part of `region` if there is one.
    fn run(executor: &dyn Executor, call: Call<'_, Self>, region: Option<Region>);
    /// Has `executor` run some instructions of a program in this element type.
    fn run_program(executor: &dyn Executor, instructions: Instructions<'_, '_, Self>);
}

impl Lane for f32 {
    const BLOCK: usize = 16;
    const MANTISSA: u32 = 23;
    const ZERO: Self = 0.0;
    const NEG_ZERO: Self = -0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = f32::NEG_INFINITY;
    const MIN_POSITIVE: Self = f32::MIN_POSITIVE;
    const CONSTANTS: Constants<Self> = crate::math::constants::F32;
    type Scalar = Scalar;
    type Wide = Wide;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = Avx2;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = Avx512;
    #[inline(always)]
    fn to_bits_u64(self) -> u64 {
        self.to_bits() as u64
    }
}

impl Element for f32 {
    const NAME: &'static str = "f32";
    const UNIT_ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self as f64
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }
    #[inline(always)]
    fn run(executor: &dyn Executor, call: Call<'_, Self>, region: Option<Region>) {
        executor.run_f32(call, region);
    }
    #[inline(always)]
    fn run_program(executor: &dyn Executor, instructions: Instructions<'_, '_, Self>) {
        executor.run_program_f32(instructions);
    }
}

impl Lane for f64 {
    const BLOCK: usize = 8;
    const MANTISSA: u32 = 52;
    const ZERO: Self = 0.0;
    const NEG_ZERO: Self = -0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = f64::NEG_INFINITY;
    const MIN_POSITIVE: Self = f64::MIN_POSITIVE;
    const CONSTANTS: Constants<Self> = crate::math::constants::F64;
    type Scalar = Scalar;
    type Wide = Wide;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = Avx2;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = Avx512;
    #[inline(always)]
    fn to_bits_u64(self) -> u64 {
        self.to_bits()
    }
}

impl Element for f64 {
    const NAME: &'static str = "f64";
    const UNIT_ROUNDOFF: f64 = f64::EPSILON / 2.0;

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
    #[inline(always)]
    fn run(executor: &dyn Executor, call: Call<'_, Self>, region: Option<Region>) {
        executor.run_f64(call, region);
    }
    #[inline(always)]
    fn run_program(executor: &dyn Executor, instructions: Instructions<'_, '_, Self>) {
        executor.run_program_f64(instructions);
    }
}
