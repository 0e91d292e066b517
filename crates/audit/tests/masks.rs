//! A masked instruction counts the lanes that its mask register picks when it is executed.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::arch::x86_64::*;
use std::hint::black_box;

use nxm_audit::{Lanes, Machine, Width};
use nxm_count::{Kind, Level};

/// Whether this machine has what the functions below need.
fn has_avx512() -> bool {
    Level::available().any(|level| level.name() == "avx512")
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
fn add(mask: __mmask16, a: __m512, b: __m512) -> __m512 {
    _mm512_mask_add_ps(a, mask, a, b)
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
fn multiply_add(mask: __mmask16, a: __m512, b: __m512) -> __m512 {
    _mm512_maskz_fmadd_ps(mask, a, b, a)
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
fn multiply(mask: __mmask8, a: __m512d, b: __m512d) -> __m512d {
    _mm512_mask_mul_pd(a, mask, a, b)
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
fn compare(mask: __mmask8, a: __m256, b: __m256) -> __mmask8 {
    _mm256_mask_cmp_ps_mask::<_CMP_LT_OQ>(mask, a, b)
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
fn divide_one(mask: __mmask8, a: __m128, b: __m128) -> __m128 {
    _mm_mask_div_ss(a, mask, a, b)
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
fn convert(mask: __mmask8, a: __m256) -> __m512d {
    _mm512_maskz_cvtps_pd(mask, a)
}

fn trace(task: impl FnMut()) -> Machine {
    // SAFETY: the tasks of this test are plain arithmetic.
    unsafe { nxm_audit::trace(task) }.unwrap()
}

/// Asserts that all there was is `lanes` of a kind, at a width.
fn assert_lanes(machine: &Machine, kind: Kind, width: Width, lanes: u32, mask: u16) {
    let all: Vec<_> = machine.by_name().collect();
    // None at all, if the compiler jumps over a division that the mask does not ask for.
    assert!(all.len() <= 1, "{mask:#b}: {machine:?}");
    assert_eq!(machine.lanes(Lanes { kind, width }), u64::from(lanes), "{mask:#b}: {machine:?}");
}

#[test]
fn active_lanes() {
    if !has_avx512() {
        return;
    }
    // None, all, one (the first, the last, one above the eighth), and some.
    for mask in [0, 0xFFFF, 1, 1 << 15, 1 << 11, 0b0101_0000_0110_1001, 0xFF00, 0x00FF] {
        let mask = black_box(mask);
        let half = mask as u8;
        // SAFETY: the machine has AVX-512, as was asked above.
        unsafe {
            let (a, b) = (black_box(_mm512_set1_ps(1.5)), black_box(_mm512_set1_ps(2.5)));
            let (c, d) = (black_box(_mm512_set1_pd(1.5)), black_box(_mm512_set1_pd(2.5)));
            let (e, f) = (black_box(_mm256_set1_ps(1.5)), black_box(_mm256_set1_ps(2.5)));
            let (g, h) = (black_box(_mm_set1_ps(1.5)), black_box(_mm_set1_ps(2.5)));
            let machine = trace(|| drop_it(add(mask, a, b)));
            assert_lanes(&machine, Kind::Add, Width::Bits512, mask.count_ones(), mask);
            let machine = trace(|| drop_it(multiply_add(mask, a, b)));
            assert_lanes(&machine, Kind::Fma, Width::Bits512, mask.count_ones(), mask);
            let machine = trace(|| drop_it(multiply(half, c, d)));
            assert_lanes(&machine, Kind::Mul, Width::Bits512, half.count_ones(), mask);
            let machine = trace(|| drop_it(compare(half, e, f)));
            assert_lanes(&machine, Kind::Cmp, Width::Bits256, half.count_ones(), mask);
            let machine = trace(|| drop_it(divide_one(half, g, h)));
            assert_lanes(&machine, Kind::Div, Width::Scalar, u32::from(half & 1), mask);
            let machine = trace(|| drop_it(convert(half, e)));
            assert_lanes(&machine, Kind::Convert, Width::Bits512, half.count_ones(), mask);
        }
    }
}

fn drop_it<T>(value: T) {
    black_box(value);
}

/// Two executions of one instruction, each with its own mask.
#[test]
fn masks_are_read_at_each_execution() {
    if !has_avx512() {
        return;
    }
    // SAFETY: the machine has AVX-512, as was asked above.
    let machine = unsafe {
        let (a, b) = (black_box(_mm512_set1_ps(1.5)), black_box(_mm512_set1_ps(2.5)));
        trace(|| [0b1, 0b111, 0b1_1111].map(black_box).into_iter().for_each(|mask| drop_it(add(mask, a, b))))
    };
    assert_lanes(&machine, Kind::Add, Width::Bits512, 1 + 3 + 5, 0);
}
