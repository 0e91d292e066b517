//! 512-bit vectors with masks: x86-64 with AVX-512 F, BW, DQ and VL (Skylake-X 2017, Zen 4 2022 and later).

use std::arch::x86_64::*;

use super::x86::{self, Avx512};
use super::{Kernel, Scalar, Simd, avx2};

/// An intrinsic of this level.
macro_rules! has {
    ($call:expr) => {{
        // SAFETY: the token `self` proves that the processor has AVX-512 F, BW, DQ and VL and AVX2 (`Avx512::detect` is
        // the only way to make one); no intrinsic takes a pointer.
        #[allow(unused_unsafe)]
        unsafe {
            $call
        }
    }};
}

impl Simd<f32> for Avx512 {
    type Vector = __m512;
    type Mask = __mmask16;
    type Block = [__m512; 1];
    type One = Scalar;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;
    const FUSED: bool = true;
    const FOLD_LANES: usize = 8 + 4 + 4 + 1;
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
        [<Self as Simd<f32>>::splat(self, x)]
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        has!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        x86::load_f32x16(self, from)
    }
    #[inline(always)]
    fn load_partial(self, from: &[f32]) -> __m512 {
        x86::load_first_f32x16(self, from)
    }
    #[inline(always)]
    fn load_partial_or(self, from: &[f32], fill: f32) -> __m512 {
        x86::load_first_or_f32x16(self, from, fill)
    }
    #[inline(always)]
    fn load_widened(self, from: &[f32]) -> __m512 {
        x86::load_f32x16(self, from)
    }
    #[inline(always)]
    fn load_widened_partial_or(self, from: &[f32], fill: f32) -> __m512 {
        x86::load_first_or_f32x16(self, from, fill)
    }
    #[inline(always)]
    fn store(self, v: __m512, to: &mut [f32]) {
        x86::store_f32x16(self, v, to)
    }
    #[inline(always)]
    fn store_partial(self, v: __m512, to: &mut [f32]) {
        x86::store_first_f32x16(self, v, to)
    }
    #[inline(always)]
    fn prefetch(self, at: &[f32]) {
        x86::prefetch(at)
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn sqrt(self, x: __m512) -> __m512 {
        has!(_mm512_sqrt_ps(x))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        has!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        has!(_mm512_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn lt(self, a: __m512, b: __m512) -> __mmask16 {
        has!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, mask: __mmask16, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_mask_blend_ps(mask, b, a))
    }
    #[inline(always)]
    fn keep(self, mask: __mmask16, a: __m512) -> __m512 {
        has!(_mm512_maskz_mov_ps(mask, a))
    }
    #[inline(always)]
    fn neg(self, x: __m512) -> __m512 {
        has!(_mm512_xor_ps(x, _mm512_set1_ps(-0.0)))
    }
    #[inline(always)]
    fn abs(self, x: __m512) -> __m512 {
        has!(_mm512_andnot_ps(_mm512_set1_ps(-0.0), x))
    }
    #[inline(always)]
    fn copy_sign(self, x: __m512, sign: __m512) -> __m512 {
        let top = has!(_mm512_set1_ps(-0.0));
        has!(_mm512_or_ps(_mm512_and_ps(top, sign), _mm512_andnot_ps(top, x)))
    }
    #[inline(always)]
    fn bits_add(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b))))
    }
    #[inline(always)]
    fn bits_sub(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b))))
    }
    #[inline(always)]
    fn bits_and(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_and_ps(a, b))
    }
    #[inline(always)]
    fn bits_or(self, a: __m512, b: __m512) -> __m512 {
        has!(_mm512_or_ps(a, b))
    }
    #[inline(always)]
    fn bits_to_exponent(self, a: __m512) -> __m512 {
        has!(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(a))))
    }
    #[inline(always)]
    fn exponent_to_bits(self, a: __m512) -> __m512 {
        has!(_mm512_castsi512_ps(_mm512_srli_epi32::<23>(_mm512_castps_si512(a))))
    }
    #[inline(always)]
    fn transpose(self, square: &mut [__m512]) {
        let square: &mut [__m512; 16] = square.try_into().expect("a square of vectors");
        let rows = *square;
        // Four rows at a time are transposed inside their 128-bit quarters; then whole quarters change places.
        let mut fours = rows;
        for r in (0..16).step_by(4) {
            let [a, b, c, d] = [rows[r], rows[r + 1], rows[r + 2], rows[r + 3]];
            let low = has!([_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d)]);
            let high = has!([_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d)]);
            fours[r] = has!(_mm512_shuffle_ps::<0x44>(low[0], low[1]));
            fours[r + 1] = has!(_mm512_shuffle_ps::<0xee>(low[0], low[1]));
            fours[r + 2] = has!(_mm512_shuffle_ps::<0x44>(high[0], high[1]));
            fours[r + 3] = has!(_mm512_shuffle_ps::<0xee>(high[0], high[1]));
        }
        for i in 0..4 {
            let [a, b, c, d] = [fours[i], fours[i + 4], fours[i + 8], fours[i + 12]];
            let even = has!([_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d)]);
            let odd = has!([_mm512_shuffle_f32x4::<0xdd>(a, b), _mm512_shuffle_f32x4::<0xdd>(c, d)]);
            square[i] = has!(_mm512_shuffle_f32x4::<0x88>(even[0], even[1]));
            square[i + 4] = has!(_mm512_shuffle_f32x4::<0x88>(odd[0], odd[1]));
            square[i + 8] = has!(_mm512_shuffle_f32x4::<0xdd>(even[0], even[1]));
            square[i + 12] = has!(_mm512_shuffle_f32x4::<0xdd>(odd[0], odd[1]));
        }
    }
    #[inline(always)]
    fn reduce_add(self, v: __m512) -> f32 {
        let half = has!(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v)));
        avx2::fold_f32_add(self.half(), half)
    }
    #[inline(always)]
    fn reduce_max(self, v: __m512) -> f32 {
        let half = has!(_mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v)));
        avx2::fold_f32_max(self.half(), half)
    }
}

impl Simd<f64> for Avx512 {
    type Vector = __m512d;
    type Mask = __mmask8;
    type Block = [__m512d; 1];
    type One = Scalar;
    const LANES: usize = 8;
    const REGISTERS: usize = 32;
    const FUSED: bool = true;
    const FOLD_LANES: usize = 4 + 2 + 1;
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
        [<Self as Simd<f64>>::splat(self, x)]
    }
    #[inline(always)]
    fn splat(self, x: f64) -> __m512d {
        has!(_mm512_set1_pd(x))
    }
    #[inline(always)]
    fn load(self, from: &[f64]) -> __m512d {
        x86::load_f64x8(self, from)
    }
    #[inline(always)]
    fn load_partial(self, from: &[f64]) -> __m512d {
        x86::load_first_f64x8(self, from)
    }
    #[inline(always)]
    fn load_partial_or(self, from: &[f64], fill: f64) -> __m512d {
        x86::load_first_or_f64x8(self, from, fill)
    }
    #[inline(always)]
    fn load_widened(self, from: &[f32]) -> __m512d {
        x86::load_widened_f64x8(self, from)
    }
    #[inline(always)]
    fn load_widened_partial_or(self, from: &[f32], fill: f32) -> __m512d {
        x86::load_widened_first_or_f64x8(self, from, fill)
    }
    #[inline(always)]
    fn store(self, v: __m512d, to: &mut [f64]) {
        x86::store_f64x8(self, v, to)
    }
    #[inline(always)]
    fn store_partial(self, v: __m512d, to: &mut [f64]) {
        x86::store_first_f64x8(self, v, to)
    }
    #[inline(always)]
    fn prefetch(self, at: &[f64]) {
        x86::prefetch(at)
    }
    #[inline(always)]
    fn add(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_add_pd(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_sub_pd(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_mul_pd(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_div_pd(a, b))
    }
    #[inline(always)]
    fn sqrt(self, x: __m512d) -> __m512d {
        has!(_mm512_sqrt_pd(x))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        has!(_mm512_fmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        has!(_mm512_fnmadd_pd(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_max_pd(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_min_pd(a, b))
    }
    #[inline(always)]
    fn lt(self, a: __m512d, b: __m512d) -> __mmask8 {
        has!(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, mask: __mmask8, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_mask_blend_pd(mask, b, a))
    }
    #[inline(always)]
    fn keep(self, mask: __mmask8, a: __m512d) -> __m512d {
        has!(_mm512_maskz_mov_pd(mask, a))
    }
    #[inline(always)]
    fn neg(self, x: __m512d) -> __m512d {
        has!(_mm512_xor_pd(x, _mm512_set1_pd(-0.0)))
    }
    #[inline(always)]
    fn abs(self, x: __m512d) -> __m512d {
        has!(_mm512_andnot_pd(_mm512_set1_pd(-0.0), x))
    }
    #[inline(always)]
    fn copy_sign(self, x: __m512d, sign: __m512d) -> __m512d {
        let top = has!(_mm512_set1_pd(-0.0));
        has!(_mm512_or_pd(_mm512_and_pd(top, sign), _mm512_andnot_pd(top, x)))
    }
    #[inline(always)]
    fn bits_add(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b))))
    }
    #[inline(always)]
    fn bits_sub(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_castsi512_pd(_mm512_sub_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b))))
    }
    #[inline(always)]
    fn bits_and(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_and_pd(a, b))
    }
    #[inline(always)]
    fn bits_or(self, a: __m512d, b: __m512d) -> __m512d {
        has!(_mm512_or_pd(a, b))
    }
    #[inline(always)]
    fn bits_to_exponent(self, a: __m512d) -> __m512d {
        has!(_mm512_castsi512_pd(_mm512_slli_epi64::<52>(_mm512_castpd_si512(a))))
    }
    #[inline(always)]
    fn exponent_to_bits(self, a: __m512d) -> __m512d {
        has!(_mm512_castsi512_pd(_mm512_srli_epi64::<52>(_mm512_castpd_si512(a))))
    }
    #[inline(always)]
    fn transpose(self, square: &mut [__m512d]) {
        let square: &mut [__m512d; 8] = square.try_into().expect("a square of vectors");
        let rows = *square;
        // Two rows at a time are transposed inside their 128-bit quarters; then whole quarters change places.
        let mut twos = rows;
        for r in (0..8).step_by(2) {
            twos[r] = has!(_mm512_unpacklo_pd(rows[r], rows[r + 1]));
            twos[r + 1] = has!(_mm512_unpackhi_pd(rows[r], rows[r + 1]));
        }
        for i in 0..2 {
            let [a, b, c, d] = [twos[i], twos[i + 2], twos[i + 4], twos[i + 6]];
            let even = has!([_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0x88>(c, d)]);
            let odd = has!([_mm512_shuffle_f64x2::<0xdd>(a, b), _mm512_shuffle_f64x2::<0xdd>(c, d)]);
            square[i] = has!(_mm512_shuffle_f64x2::<0x88>(even[0], even[1]));
            square[i + 2] = has!(_mm512_shuffle_f64x2::<0x88>(odd[0], odd[1]));
            square[i + 4] = has!(_mm512_shuffle_f64x2::<0xdd>(even[0], even[1]));
            square[i + 6] = has!(_mm512_shuffle_f64x2::<0xdd>(odd[0], odd[1]));
        }
    }
    #[inline(always)]
    fn reduce_add(self, v: __m512d) -> f64 {
        let half = has!(_mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v)));
        avx2::fold_f64_add(self.half(), half)
    }
    #[inline(always)]
    fn reduce_max(self, v: __m512d) -> f64 {
        let half = has!(_mm256_max_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v)));
        avx2::fold_f64_max(self.half(), half)
    }
}
