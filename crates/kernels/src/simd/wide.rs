//! The portable level: vectors of the `wide` crate.
//!
//! `wide` picks its instructions when it is compiled, so this level is what the build's target features give: SSE2
//! without FMA from a plain x86-64 build, AVX and FMA with `-C target-cpu=x86-64-v3`, NEON on AArch64.

use ::wide::{f32x4, f64x2};
use bytemuck::cast;

use super::machine::Alone;
use super::{Kernel, Scalar, Simd};
use crate::element::Lane;

/// Vectors of the `wide` crate: 256 bits where the build has AVX, else 128.
#[derive(Clone, Copy, Debug)]
pub struct Wide;

impl Wide {
    /// Runs `kernel`. No trampoline: the features are the build's.
    #[inline]
    pub(crate) fn enter<T: Lane, K: Kernel<T>>(self, kernel: K) -> K::Output {
        function(self, kernel)
    }
}

/// A function of its own for each kernel, as at the other levels.
#[inline(never)]
fn function<T: Lane, K: Kernel<T>>(token: Wide, kernel: K) -> K::Output {
    kernel.run(T::Wide::from(token))
}

/// The vectors of a build with AVX.
#[cfg(target_feature = "avx")]
mod vectors {
    pub(super) use ::wide::{f32x8 as F32s, f64x4 as F64s, u32x8 as U32s, u64x4 as U64s};
}
/// The vectors of any other build.
#[cfg(not(target_feature = "avx"))]
mod vectors {
    pub(super) use ::wide::{f32x4 as F32s, f64x2 as F64s, u32x4 as U32s, u64x2 as U64s};
}
use vectors::{F32s, F64s, U32s, U64s};

const F32_LANES: usize = size_of::<F32s>() / size_of::<f32>();
const F64_LANES: usize = size_of::<F64s>() / size_of::<f64>();

/// Whether `wide` fuses multiply-adds in this build.
const FUSED: bool = cfg!(any(
    all(target_arch = "x86_64", target_feature = "fma"),
    all(target_arch = "aarch64", target_feature = "neon")
));
const REGISTERS: usize = if cfg!(target_arch = "aarch64") { 32 } else { 16 };

/// Folds halves until one lane is left; `op` takes (lower, upper), and `last` the last two lanes, numbers on their own.
#[inline(always)]
fn fold_f32(v: F32s, op: impl Fn(f32x4, f32x4) -> f32x4, last: impl Fn(f32, f32) -> f32) -> f32 {
    let quarters: [f32x4; F32_LANES / 4] = cast(v);
    let four = quarters.into_iter().reduce(&op).expect("at least one quarter");
    let [a, b, c, d] = four.to_array();
    let [a, b, ..] = op(f32x4::new([a, b, a, b]), f32x4::new([c, d, c, d])).to_array();
    last(a.alone(), b.alone())
}

/// Folds halves until one lane is left; `op` takes (lower, upper), and `last` the last two lanes, numbers on their own.
#[inline(always)]
fn fold_f64(v: F64s, op: impl Fn(f64x2, f64x2) -> f64x2, last: impl Fn(f64, f64) -> f64) -> f64 {
    let halves: [f64x2; F64_LANES / 2] = cast(v);
    let two = halves.into_iter().reduce(&op).expect("at least one half");
    let [a, b] = two.to_array();
    last(a.alone(), b.alone())
}

/// One body for both element types.
macro_rules! impl_wide {
    ($t:ty, $vector:ty, $bits:ty, $fold:ident, $lanes:expr, $block:expr) => {
        impl Simd<$t> for Wide {
            type Vector = $vector;
            type Mask = $vector;
            type Block = [$vector; $block / $lanes];
            type One = Scalar;
            const LANES: usize = $lanes;
            const REGISTERS: usize = REGISTERS;
            const FUSED: bool = FUSED;
            // 128-bit steps: all lanes at the upper one (if there is one), then one step for each power of two left, of which the last
            // is an addition or comparison of single lanes.
            const FOLD_LANES: usize = {
                let register = 16 / size_of::<$t>();
                let upper = if $lanes > register { register } else { 0 };
                upper + register * (register.ilog2() as usize - 1) + 1
            };

            #[inline(always)]
            fn one(self) -> Scalar {
                Scalar
            }
            #[inline(always)]
            fn call<K: Kernel<$t>>(self, kernel: K) -> K::Output {
                self.enter(kernel)
            }
            #[inline(always)]
            fn splat_block(self, x: $t) -> Self::Block {
                [<$vector>::splat(x); $block / $lanes]
            }
            #[inline(always)]
            fn splat(self, x: $t) -> $vector {
                <$vector>::splat(x)
            }
            #[inline(always)]
            fn load(self, from: &[$t]) -> $vector {
                let from: &[$t; $lanes] = from.first_chunk().expect("a whole vector");
                <$vector>::new(*from)
            }
            #[inline(always)]
            fn load_partial(self, from: &[$t]) -> $vector {
                self.load_partial_or(from, 0.0)
            }
            #[inline(always)]
            fn load_partial_or(self, from: &[$t], fill: $t) -> $vector {
                if from.len() == $lanes {
                    // A copy of known length; the other is a call, which a product's inner loop would make.
                    return <Self as Simd<$t>>::load(self, from);
                }
                // Of what is in the lanes beyond the end the compiler knows nothing, or it would leave out operations on them.
                let mut lanes = [fill.alone(); $lanes];
                lanes[..from.len()].copy_from_slice(from);
                <$vector>::new(lanes)
            }
            #[inline(always)]
            fn load_widened(self, from: &[f32]) -> $vector {
                let from: &[f32; $lanes] = from.first_chunk().expect("a whole vector");
                <$vector>::new(from.map(<$t>::from))
            }
            #[inline(always)]
            fn load_widened_partial_or(self, from: &[f32], fill: f32) -> $vector {
                // All lanes are converted, each on its own: a compiler that knew which are empty would convert the others only.
                let mut lanes = [fill; $lanes];
                lanes[..from.len()].copy_from_slice(from);
                <$vector>::new(lanes.map(|x| <$t>::from(x.alone()).alone()))
            }
            #[inline(always)]
            fn store(self, v: $vector, to: &mut [$t]) {
                to[..$lanes].copy_from_slice(&v.to_array());
            }
            #[inline(always)]
            fn store_partial(self, v: $vector, to: &mut [$t]) {
                let n = to.len();
                to.copy_from_slice(&v.to_array()[..n]);
            }
            #[inline(always)]
            fn add(self, a: $vector, b: $vector) -> $vector {
                a + b
            }
            #[inline(always)]
            fn sub(self, a: $vector, b: $vector) -> $vector {
                a - b
            }
            #[inline(always)]
            fn mul(self, a: $vector, b: $vector) -> $vector {
                a * b
            }
            #[inline(always)]
            fn div(self, a: $vector, b: $vector) -> $vector {
                a / b
            }
            #[inline(always)]
            fn sqrt(self, x: $vector) -> $vector {
                x.sqrt()
            }
            #[inline(always)]
            fn mul_add(self, a: $vector, b: $vector, c: $vector) -> $vector {
                a.mul_add(b, c)
            }
            #[inline(always)]
            fn neg_mul_add(self, a: $vector, b: $vector, c: $vector) -> $vector {
                a.mul_neg_add(b, c)
            }
            #[inline(always)]
            fn max(self, a: $vector, b: $vector) -> $vector {
                // Not `wide`'s own maximum: its NaN and zeros differ between platforms.
                b.simd_lt(a).bitselect(a, b)
            }
            #[inline(always)]
            fn min(self, a: $vector, b: $vector) -> $vector {
                a.simd_lt(b).bitselect(a, b)
            }
            #[inline(always)]
            fn lt(self, a: $vector, b: $vector) -> $vector {
                a.simd_lt(b)
            }
            #[inline(always)]
            fn select(self, mask: $vector, a: $vector, b: $vector) -> $vector {
                mask.bitselect(a, b)
            }
            #[inline(always)]
            fn keep(self, mask: $vector, a: $vector) -> $vector {
                mask & a
            }
            #[inline(always)]
            fn neg(self, x: $vector) -> $vector {
                x ^ <$vector>::splat(-0.0)
            }
            #[inline(always)]
            fn abs(self, x: $vector) -> $vector {
                x.abs()
            }
            #[inline(always)]
            fn copy_sign(self, x: $vector, sign: $vector) -> $vector {
                <$vector>::splat(-0.0).bitselect(sign, x)
            }
            #[inline(always)]
            fn bits_add(self, a: $vector, b: $vector) -> $vector {
                cast(cast::<_, $bits>(a) + cast::<_, $bits>(b))
            }
            #[inline(always)]
            fn bits_sub(self, a: $vector, b: $vector) -> $vector {
                cast(cast::<_, $bits>(a) - cast::<_, $bits>(b))
            }
            #[inline(always)]
            fn bits_and(self, a: $vector, b: $vector) -> $vector {
                a & b
            }
            #[inline(always)]
            fn bits_or(self, a: $vector, b: $vector) -> $vector {
                a | b
            }
            #[inline(always)]
            fn bits_to_exponent(self, a: $vector) -> $vector {
                cast(cast::<_, $bits>(a) << <$t as Lane>::MANTISSA)
            }
            #[inline(always)]
            fn exponent_to_bits(self, a: $vector) -> $vector {
                cast(cast::<_, $bits>(a) >> <$t as Lane>::MANTISSA)
            }
            #[inline(always)]
            fn transpose(self, square: &mut [$vector]) {
                let square: &mut [$vector; $lanes] = square.try_into().expect("a square of vectors");
                let rows = square.map(|row| row.to_array());
                *square = std::array::from_fn(|i| <$vector>::new(std::array::from_fn(|j| rows[j][i])));
            }
            #[inline(always)]
            fn reduce_add(self, v: $vector) -> $t {
                $fold(v, |a, b| a + b, |a, b| <Scalar as Simd<$t>>::add(Scalar, a, b))
            }
            #[inline(always)]
            fn reduce_add_each(self, square: &mut [$vector], _used: usize) -> $vector {
                // Vector i then holds lane i of each vector, so lanes are added by adding vectors.
                <Self as Simd<$t>>::transpose(self, square);
                let mut half = $lanes / 2;
                while half > 0 {
                    for i in 0..half {
                        square[i] += square[i + half];
                    }
                    half /= 2;
                }
                square[0]
            }
            #[inline(always)]
            fn reduce_max(self, v: $vector) -> $t {
                $fold(v, |a, b| b.simd_lt(a).bitselect(a, b), |a, b| <Scalar as Simd<$t>>::max(Scalar, a, b))
            }
        }
    };
}

impl_wide!(f32, F32s, U32s, fold_f32, F32_LANES, 16);
impl_wide!(f64, F64s, U64s, fold_f64, F64_LANES, 8);
