//! 512-bit vectors with masks: x86-64 with AVX-512 F, BW, DQ and VL (Skylake-X 2017, Zen 4 2022 and later).

use std::arch::x86_64::*;

use super::x86::{self, Avx512, avx512, common_methods, forward};
use super::{Kernel, Scalar, Simd};

impl Simd<f32> for Avx512 {
    type Vector = __m512;
    type Mask = __mmask16;
    type Block = [__m512; 1];
    type One = Scalar;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;
    const FUSED: bool = true;
    const FOLD_LANES: usize = 8 + 4 + 4 + 1;

    common_methods!(f32, 1);

    forward! {
        (from: &[f32]) -> __m512 {
            load => x86::load_f32x16;
            load_partial => x86::load_first_f32x16;
            load_widened => x86::load_f32x16;
        }
        (from: &[f32], fill: f32) -> __m512 {
            load_partial_or => x86::load_first_or_f32x16;
            load_widened_partial_or => x86::load_first_or_f32x16;
        }
        (v: __m512, to: &mut [f32]) -> () {
            store => x86::store_f32x16;
            store_partial => x86::store_first_f32x16;
        }
    }

    avx512! {
        (x: f32) -> __m512 {
            splat => _mm512_set1_ps(x);
        }
        (x: __m512) -> __m512 {
            sqrt => _mm512_sqrt_ps(x);
            neg => _mm512_xor_ps(x, _mm512_set1_ps(-0.0));
            abs => _mm512_andnot_ps(_mm512_set1_ps(-0.0), x);
            bits_to_exponent => _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(x)));
            exponent_to_bits => _mm512_castsi512_ps(_mm512_srli_epi32::<23>(_mm512_castps_si512(x)));
        }
        (a: __m512, b: __m512) -> __m512 {
            add => _mm512_add_ps(a, b);
            sub => _mm512_sub_ps(a, b);
            mul => _mm512_mul_ps(a, b);
            div => _mm512_div_ps(a, b);
            max => _mm512_max_ps(a, b);
            min => _mm512_min_ps(a, b);
            bits_add => _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
            bits_sub => _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
            bits_and => _mm512_and_ps(a, b);
            bits_or => _mm512_or_ps(a, b);
        }
        (a: __m512, b: __m512, c: __m512) -> __m512 {
            mul_add => _mm512_fmadd_ps(a, b, c);
            neg_mul_add => _mm512_fnmadd_ps(a, b, c);
        }
        (a: __m512, b: __m512) -> __mmask16 {
            lt => _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
        }
        (mask: __mmask16, a: __m512, b: __m512) -> __m512 {
            select => _mm512_mask_blend_ps(mask, b, a);
        }
        (mask: __mmask16, a: __m512) -> __m512 {
            keep => _mm512_maskz_mov_ps(mask, a);
        }
    }

    avx512! {
        fn copy_sign(self, x: __m512, sign: __m512) -> __m512 {
            let top = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_and_ps(top, sign), _mm512_andnot_ps(top, x))
        }
        fn transpose(self, square: &mut [__m512]) {
            let square: &mut [__m512; 16] = square.try_into().expect("a square of vectors");
            let rows = *square;
            // Four rows at a time are transposed inside their 128-bit quarters; then whole quarters change places.
            let mut fours = rows;
            for r in (0..16).step_by(4) {
                let [a, b, c, d] = [rows[r], rows[r + 1], rows[r + 2], rows[r + 3]];
                let low = [_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d)];
                let high = [_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d)];
                fours[r] = _mm512_shuffle_ps::<0x44>(low[0], low[1]);
                fours[r + 1] = _mm512_shuffle_ps::<0xee>(low[0], low[1]);
                fours[r + 2] = _mm512_shuffle_ps::<0x44>(high[0], high[1]);
                fours[r + 3] = _mm512_shuffle_ps::<0xee>(high[0], high[1]);
            }
            for i in 0..4 {
                let [a, b, c, d] = [fours[i], fours[i + 4], fours[i + 8], fours[i + 12]];
                let even = [_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d)];
                let odd = [_mm512_shuffle_f32x4::<0xdd>(a, b), _mm512_shuffle_f32x4::<0xdd>(c, d)];
                square[i] = _mm512_shuffle_f32x4::<0x88>(even[0], even[1]);
                square[i + 4] = _mm512_shuffle_f32x4::<0x88>(odd[0], odd[1]);
                square[i + 8] = _mm512_shuffle_f32x4::<0xdd>(even[0], even[1]);
                square[i + 12] = _mm512_shuffle_f32x4::<0xdd>(odd[0], odd[1]);
            }
        }
        fn reduce_add_each(self, square: &mut [__m512], _used: usize) -> __m512 {
            let v: &mut [__m512; 16] = square.try_into().expect("a square of vectors");
            // Each step adds the halves of what is left of two vectors, and puts both sums into one vector. Vectors are paired
            // so that the last step leaves the sums in order. Blends as for AVX2 would not help: the compiler makes shuffles
            // of them, as a 512-bit blend needs a mask register.
            for r in [0, 1, 2, 3, 8, 9, 10, 11] {
                let lower = _mm512_shuffle_f32x4::<0x44>(v[r], v[r + 4]);
                let upper = _mm512_shuffle_f32x4::<0xee>(v[r], v[r + 4]);
                v[r] = _mm512_add_ps(lower, upper);
            }
            for r in 0..4 {
                let lower = _mm512_shuffle_f32x4::<0x88>(v[r], v[r + 8]);
                let upper = _mm512_shuffle_f32x4::<0xdd>(v[r], v[r + 8]);
                v[r] = _mm512_add_ps(lower, upper);
            }
            for r in [0, 2] {
                let lower = _mm512_shuffle_ps::<0x44>(v[r], v[r + 1]);
                let upper = _mm512_shuffle_ps::<0xee>(v[r], v[r + 1]);
                v[r] = _mm512_add_ps(lower, upper);
            }
            _mm512_add_ps(_mm512_shuffle_ps::<0x88>(v[0], v[2]), _mm512_shuffle_ps::<0xdd>(v[0], v[2]))
        }
    }

    #[inline(always)]
    fn reduce_add(self, v: __m512) -> f32 {
        self.half().fold_add_f32(self.add_halves_f32(v))
    }
    #[inline(always)]
    fn reduce_max(self, v: __m512) -> f32 {
        self.half().fold_max_f32(self.max_halves_f32(v))
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

    common_methods!(f64, 1);

    forward! {
        (from: &[f64]) -> __m512d {
            load => x86::load_f64x8;
            load_partial => x86::load_first_f64x8;
        }
        (from: &[f64], fill: f64) -> __m512d {
            load_partial_or => x86::load_first_or_f64x8;
        }
        (from: &[f32]) -> __m512d {
            load_widened => x86::load_widened_f64x8;
        }
        (from: &[f32], fill: f32) -> __m512d {
            load_widened_partial_or => x86::load_widened_first_or_f64x8;
        }
        (v: __m512d, to: &mut [f64]) -> () {
            store => x86::store_f64x8;
            store_partial => x86::store_first_f64x8;
        }
    }

    avx512! {
        (x: f64) -> __m512d {
            splat => _mm512_set1_pd(x);
        }
        (x: __m512d) -> __m512d {
            sqrt => _mm512_sqrt_pd(x);
            neg => _mm512_xor_pd(x, _mm512_set1_pd(-0.0));
            abs => _mm512_andnot_pd(_mm512_set1_pd(-0.0), x);
            bits_to_exponent => _mm512_castsi512_pd(_mm512_slli_epi64::<52>(_mm512_castpd_si512(x)));
            exponent_to_bits => _mm512_castsi512_pd(_mm512_srli_epi64::<52>(_mm512_castpd_si512(x)));
        }
        (a: __m512d, b: __m512d) -> __m512d {
            add => _mm512_add_pd(a, b);
            sub => _mm512_sub_pd(a, b);
            mul => _mm512_mul_pd(a, b);
            div => _mm512_div_pd(a, b);
            max => _mm512_max_pd(a, b);
            min => _mm512_min_pd(a, b);
            bits_add => _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b)));
            bits_sub => _mm512_castsi512_pd(_mm512_sub_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b)));
            bits_and => _mm512_and_pd(a, b);
            bits_or => _mm512_or_pd(a, b);
        }
        (a: __m512d, b: __m512d, c: __m512d) -> __m512d {
            mul_add => _mm512_fmadd_pd(a, b, c);
            neg_mul_add => _mm512_fnmadd_pd(a, b, c);
        }
        (a: __m512d, b: __m512d) -> __mmask8 {
            lt => _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b);
        }
        (mask: __mmask8, a: __m512d, b: __m512d) -> __m512d {
            select => _mm512_mask_blend_pd(mask, b, a);
        }
        (mask: __mmask8, a: __m512d) -> __m512d {
            keep => _mm512_maskz_mov_pd(mask, a);
        }
    }

    avx512! {
        fn copy_sign(self, x: __m512d, sign: __m512d) -> __m512d {
            let top = _mm512_set1_pd(-0.0);
            _mm512_or_pd(_mm512_and_pd(top, sign), _mm512_andnot_pd(top, x))
        }
        fn transpose(self, square: &mut [__m512d]) {
            let square: &mut [__m512d; 8] = square.try_into().expect("a square of vectors");
            let rows = *square;
            // Two rows at a time are transposed inside their 128-bit quarters; then whole quarters change places.
            let mut twos = rows;
            for r in (0..8).step_by(2) {
                twos[r] = _mm512_unpacklo_pd(rows[r], rows[r + 1]);
                twos[r + 1] = _mm512_unpackhi_pd(rows[r], rows[r + 1]);
            }
            for i in 0..2 {
                let [a, b, c, d] = [twos[i], twos[i + 2], twos[i + 4], twos[i + 6]];
                let even = [_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0x88>(c, d)];
                let odd = [_mm512_shuffle_f64x2::<0xdd>(a, b), _mm512_shuffle_f64x2::<0xdd>(c, d)];
                square[i] = _mm512_shuffle_f64x2::<0x88>(even[0], even[1]);
                square[i + 2] = _mm512_shuffle_f64x2::<0x88>(odd[0], odd[1]);
                square[i + 4] = _mm512_shuffle_f64x2::<0xdd>(even[0], even[1]);
                square[i + 6] = _mm512_shuffle_f64x2::<0xdd>(odd[0], odd[1]);
            }
        }
        fn reduce_add_each(self, square: &mut [__m512d], _used: usize) -> __m512d {
            let v: &mut [__m512d; 8] = square.try_into().expect("a square of vectors");
            // As for f32.
            for r in [0, 1, 4, 5] {
                let lower = _mm512_shuffle_f64x2::<0x44>(v[r], v[r + 2]);
                let upper = _mm512_shuffle_f64x2::<0xee>(v[r], v[r + 2]);
                v[r] = _mm512_add_pd(lower, upper);
            }
            for r in 0..2 {
                let lower = _mm512_shuffle_f64x2::<0x88>(v[r], v[r + 4]);
                let upper = _mm512_shuffle_f64x2::<0xdd>(v[r], v[r + 4]);
                v[r] = _mm512_add_pd(lower, upper);
            }
            _mm512_add_pd(_mm512_unpacklo_pd(v[0], v[1]), _mm512_unpackhi_pd(v[0], v[1]))
        }
    }

    #[inline(always)]
    fn reduce_add(self, v: __m512d) -> f64 {
        self.half().fold_add_f64(self.add_halves_f64(v))
    }
    #[inline(always)]
    fn reduce_max(self, v: __m512d) -> f64 {
        self.half().fold_max_f64(self.max_halves_f64(v))
    }
}

/// The first step of a reduction: the lower half with the upper one.
impl Avx512 {
    avx512! {
        (v: __m512) -> __m256 {
            add_halves_f32 => _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v));
            max_halves_f32 => _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v));
        }
        (v: __m512d) -> __m256d {
            add_halves_f64 => _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v));
            max_halves_f64 => _mm256_max_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v));
        }
    }
}
