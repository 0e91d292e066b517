//! 256-bit vectors with fused multiply-add: x86-64 with AVX2 and FMA (Haswell 2013, Zen 2017 and later).

use std::arch::x86_64::*;

use super::alone::Alone;
use super::x86::{self, Avx2};
use super::{Kernel, Scalar, Simd};

/// An intrinsic of this level.
macro_rules! has {
    ($call:expr) => {{
        // SAFETY: the function takes a token, which proves that the processor has AVX2 and FMA (`Avx2::detect` is the
        // only way to make one); no intrinsic takes a pointer.
        #[allow(unused_unsafe)]
        unsafe {
            $call
        }
    }};
}

/// Folds halves until one lane is left: 4, then 2 (four lanes executed), then 1 addition or comparison, of numbers on their own.
#[inline(always)]
pub(super) fn fold_f32_add(_: Avx2, v: __m256) -> f32 {
    has!({
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        <Scalar as Simd<f32>>::add(Scalar, _mm_cvtss_f32(two).alone(), _mm_cvtss_f32(_mm_movehdup_ps(two)).alone())
    })
}

/// Folds halves until one lane is left: 2, then 1 addition or comparison.
#[inline(always)]
pub(super) fn fold_f64_add(_: Avx2, v: __m256d) -> f64 {
    has!({
        let two = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        <Scalar as Simd<f64>>::add(Scalar, _mm_cvtsd_f64(two).alone(), _mm_cvtsd_f64(_mm_unpackhi_pd(two, two)).alone())
    })
}

/// Folds halves until one lane is left: 4, then 2 (four lanes executed), then 1 addition or comparison.
#[inline(always)]
pub(super) fn fold_f32_max(_: Avx2, v: __m256) -> f32 {
    has!({
        let four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
        <Scalar as Simd<f32>>::max(Scalar, _mm_cvtss_f32(two).alone(), _mm_cvtss_f32(_mm_movehdup_ps(two)).alone())
    })
}

/// Folds halves until one lane is left: 2, then 1 addition or comparison.
#[inline(always)]
pub(super) fn fold_f64_max(_: Avx2, v: __m256d) -> f64 {
    has!({
        let two = _mm_max_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        <Scalar as Simd<f64>>::max(Scalar, _mm_cvtsd_f64(two).alone(), _mm_cvtsd_f64(_mm_unpackhi_pd(two, two)).alone())
    })
}

impl Simd<f32> for Avx2 {
    type Vector = __m256;
    type Mask = __m256;
    type Block = [__m256; 2];
    type One = Scalar;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;
    const FUSED: bool = true;
    const FOLD_LANES: usize = 4 + 4 + 1;
    #[inline(always)]
    fn one(self) -> Scalar {
        Scalar
    }
    #[inline(always)]
    fn call<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        self.enter(kernel)
    }
    #[inline(always)]
    fn splat_block(self, x: f32) -> Self::Block {
        [<Self as Simd<f32>>::splat(self, x); 2]
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        has!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        x86::load_f32x8(self, from)
    }
    #[inline(always)]
    fn load_partial(self, from: &[f32]) -> __m256 {
        x86::load_first_f32x8(self, from)
    }
    #[inline(always)]
    fn load_partial_or(self, from: &[f32], fill: f32) -> __m256 {
        x86::load_first_or_f32x8(self, from, fill)
    }
    #[inline(always)]
    fn load_widened(self, from: &[f32]) -> __m256 {
        x86::load_f32x8(self, from)
    }
    #[inline(always)]
    fn load_widened_partial_or(self, from: &[f32], fill: f32) -> __m256 {
        x86::load_first_or_f32x8(self, from, fill)
    }
    #[inline(always)]
    fn store(self, v: __m256, to: &mut [f32]) {
        x86::store_f32x8(self, v, to)
    }
    #[inline(always)]
    fn store_partial(self, v: __m256, to: &mut [f32]) {
        x86::store_first_f32x8(self, v, to)
    }
    #[inline(always)]
    fn prefetch(self, at: &[f32]) {
        x86::prefetch(at)
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn sqrt(self, x: __m256) -> __m256 {
        has!(_mm256_sqrt_ps(x))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        has!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        has!(_mm256_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn lt(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, mask: __m256, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_blendv_ps(b, a, mask))
    }
    #[inline(always)]
    fn keep(self, mask: __m256, a: __m256) -> __m256 {
        has!(_mm256_and_ps(mask, a))
    }
    #[inline(always)]
    fn neg(self, x: __m256) -> __m256 {
        has!(_mm256_xor_ps(x, _mm256_set1_ps(-0.0)))
    }
    #[inline(always)]
    fn abs(self, x: __m256) -> __m256 {
        has!(_mm256_andnot_ps(_mm256_set1_ps(-0.0), x))
    }
    #[inline(always)]
    fn copy_sign(self, x: __m256, sign: __m256) -> __m256 {
        let top = has!(_mm256_set1_ps(-0.0));
        has!(_mm256_or_ps(_mm256_and_ps(top, sign), _mm256_andnot_ps(top, x)))
    }
    #[inline(always)]
    fn bits_add(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b))))
    }
    #[inline(always)]
    fn bits_sub(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b))))
    }
    #[inline(always)]
    fn bits_and(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_and_ps(a, b))
    }
    #[inline(always)]
    fn bits_or(self, a: __m256, b: __m256) -> __m256 {
        has!(_mm256_or_ps(a, b))
    }
    #[inline(always)]
    fn bits_to_exponent(self, a: __m256) -> __m256 {
        has!(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(a))))
    }
    #[inline(always)]
    fn exponent_to_bits(self, a: __m256) -> __m256 {
        has!(_mm256_castsi256_ps(_mm256_srli_epi32::<23>(_mm256_castps_si256(a))))
    }
    #[inline(always)]
    fn transpose(self, square: &mut [__m256]) {
        let square: &mut [__m256; 8] = square.try_into().expect("a square of vectors");
        let [a, b, c, d, e, f, g, h] = *square;
        // Pairs of rows, then fours: each 128-bit half then holds half a column; then the halves change places.
        let low = has!([
            _mm256_unpacklo_ps(a, b),
            _mm256_unpacklo_ps(c, d),
            _mm256_unpacklo_ps(e, f),
            _mm256_unpacklo_ps(g, h)
        ]);
        let high = has!([
            _mm256_unpackhi_ps(a, b),
            _mm256_unpackhi_ps(c, d),
            _mm256_unpackhi_ps(e, f),
            _mm256_unpackhi_ps(g, h)
        ]);
        let upper = has!([
            _mm256_shuffle_ps::<0x44>(low[0], low[1]),
            _mm256_shuffle_ps::<0xee>(low[0], low[1]),
            _mm256_shuffle_ps::<0x44>(high[0], high[1]),
            _mm256_shuffle_ps::<0xee>(high[0], high[1]),
        ]);
        let lower = has!([
            _mm256_shuffle_ps::<0x44>(low[2], low[3]),
            _mm256_shuffle_ps::<0xee>(low[2], low[3]),
            _mm256_shuffle_ps::<0x44>(high[2], high[3]),
            _mm256_shuffle_ps::<0xee>(high[2], high[3]),
        ]);
        for i in 0..4 {
            square[i] = has!(_mm256_permute2f128_ps::<0x20>(upper[i], lower[i]));
            square[i + 4] = has!(_mm256_permute2f128_ps::<0x31>(upper[i], lower[i]));
        }
    }
    #[inline(always)]
    fn reduce_add(self, v: __m256) -> f32 {
        fold_f32_add(self, v)
    }
    #[inline(always)]
    fn reduce_max(self, v: __m256) -> f32 {
        fold_f32_max(self, v)
    }
}

impl Simd<f64> for Avx2 {
    type Vector = __m256d;
    type Mask = __m256d;
    type Block = [__m256d; 2];
    type One = Scalar;
    const LANES: usize = 4;
    const REGISTERS: usize = 16;
    const FUSED: bool = true;
    const FOLD_LANES: usize = 2 + 1;
    #[inline(always)]
    fn one(self) -> Scalar {
        Scalar
    }
    #[inline(always)]
    fn call<K: Kernel<f64>>(self, kernel: K) -> K::Output {
        self.enter(kernel)
    }
    #[inline(always)]
    fn splat_block(self, x: f64) -> Self::Block {
        [<Self as Simd<f64>>::splat(self, x); 2]
    }
    #[inline(always)]
    fn splat(self, x: f64) -> __m256d {
        has!(_mm256_set1_pd(x))
    }
    #[inline(always)]
    fn load(self, from: &[f64]) -> __m256d {
        x86::load_f64x4(self, from)
    }
    #[inline(always)]
    fn load_partial(self, from: &[f64]) -> __m256d {
        x86::load_first_f64x4(self, from)
    }
    #[inline(always)]
    fn load_partial_or(self, from: &[f64], fill: f64) -> __m256d {
        x86::load_first_or_f64x4(self, from, fill)
    }
    #[inline(always)]
    fn load_widened(self, from: &[f32]) -> __m256d {
        x86::load_widened_f64x4(self, from)
    }
    #[inline(always)]
    fn load_widened_partial_or(self, from: &[f32], fill: f32) -> __m256d {
        x86::load_widened_first_or_f64x4(self, from, fill)
    }
    #[inline(always)]
    fn store(self, v: __m256d, to: &mut [f64]) {
        x86::store_f64x4(self, v, to)
    }
    #[inline(always)]
    fn store_partial(self, v: __m256d, to: &mut [f64]) {
        x86::store_first_f64x4(self, v, to)
    }
    #[inline(always)]
    fn prefetch(self, at: &[f64]) {
        x86::prefetch(at)
    }
    #[inline(always)]
    fn add(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_add_pd(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_sub_pd(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_mul_pd(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_div_pd(a, b))
    }
    #[inline(always)]
    fn sqrt(self, x: __m256d) -> __m256d {
        has!(_mm256_sqrt_pd(x))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        has!(_mm256_fmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        has!(_mm256_fnmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_max_pd(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_min_pd(a, b))
    }
    #[inline(always)]
    fn lt(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_cmp_pd::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, mask: __m256d, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_blendv_pd(b, a, mask))
    }
    #[inline(always)]
    fn keep(self, mask: __m256d, a: __m256d) -> __m256d {
        has!(_mm256_and_pd(mask, a))
    }
    #[inline(always)]
    fn neg(self, x: __m256d) -> __m256d {
        has!(_mm256_xor_pd(x, _mm256_set1_pd(-0.0)))
    }
    #[inline(always)]
    fn abs(self, x: __m256d) -> __m256d {
        has!(_mm256_andnot_pd(_mm256_set1_pd(-0.0), x))
    }
    #[inline(always)]
    fn copy_sign(self, x: __m256d, sign: __m256d) -> __m256d {
        let top = has!(_mm256_set1_pd(-0.0));
        has!(_mm256_or_pd(_mm256_and_pd(top, sign), _mm256_andnot_pd(top, x)))
    }
    #[inline(always)]
    fn bits_add(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(a), _mm256_castpd_si256(b))))
    }
    #[inline(always)]
    fn bits_sub(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_castsi256_pd(_mm256_sub_epi64(_mm256_castpd_si256(a), _mm256_castpd_si256(b))))
    }
    #[inline(always)]
    fn bits_and(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_and_pd(a, b))
    }
    #[inline(always)]
    fn bits_or(self, a: __m256d, b: __m256d) -> __m256d {
        has!(_mm256_or_pd(a, b))
    }
    #[inline(always)]
    fn bits_to_exponent(self, a: __m256d) -> __m256d {
        has!(_mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(a))))
    }
    #[inline(always)]
    fn exponent_to_bits(self, a: __m256d) -> __m256d {
        has!(_mm256_castsi256_pd(_mm256_srli_epi64::<52>(_mm256_castpd_si256(a))))
    }
    #[inline(always)]
    fn transpose(self, square: &mut [__m256d]) {
        let square: &mut [__m256d; 4] = square.try_into().expect("a square of vectors");
        let [a, b, c, d] = *square;
        let (ab, cd) = has!((
            [_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)],
            [_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d)]
        ));
        for i in 0..2 {
            square[i] = has!(_mm256_permute2f128_pd::<0x20>(ab[i], cd[i]));
            square[i + 2] = has!(_mm256_permute2f128_pd::<0x31>(ab[i], cd[i]));
        }
    }
    #[inline(always)]
    fn reduce_add(self, v: __m256d) -> f64 {
        fold_f64_add(self, v)
    }
    #[inline(always)]
    fn reduce_max(self, v: __m256d) -> f64 {
        fold_f64_max(self, v)
    }
}
