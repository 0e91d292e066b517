//! The vector functions against glibc's libmvec, interleaved in one process: nanoseconds per f32, the best of many rounds.
//! ReLU and leaky ReLU, which libmvec has not, against a loop that reads, flips the signs and writes: what memory allows in place.
//!
//! `cargo run --release -p nxm-benches --features libmvec --bin libmvec` (x86-64 with AVX-512, glibc 2.35 or later).

use std::arch::x86_64::*;
use std::hint::black_box;
use std::time::Instant;

use nxm_kernels::{Cpu, Function, Level, apply};

#[link(name = "mvec")]
unsafe extern "C" {
    fn _ZGVdN8v_expf();
    fn _ZGVdN8v_expm1f();
    fn _ZGVdN8v_logf();
    fn _ZGVdN8v_log1pf();
    fn _ZGVdN8v_tanhf();
    fn _ZGVdN8v_erff();
    fn _ZGVeN16v_expf();
    fn _ZGVeN16v_expm1f();
    fn _ZGVeN16v_logf();
    fn _ZGVeN16v_log1pf();
    fn _ZGVeN16v_tanhf();
    fn _ZGVeN16v_erff();
}

/// The function as its vector ABI has it: a vector register in, one out.
#[allow(improper_ctypes_definitions)]
fn eight(f: unsafe extern "C" fn()) -> unsafe extern "C" fn(__m256) -> __m256 {
    // SAFETY: the names `_ZGVdN8v_…` promise this signature.
    unsafe { std::mem::transmute(f) }
}

/// The same for sixteen lanes.
#[allow(improper_ctypes_definitions)]
fn sixteen(f: unsafe extern "C" fn()) -> unsafe extern "C" fn(__m512) -> __m512 {
    // SAFETY: the names `_ZGVeN16v_…` promise this signature.
    unsafe { std::mem::transmute(f) }
}

/// In place, a vector at a time, with `f` made of libmvec and the instructions beside it.
macro_rules! loops {
    ($name8:ident, $name16:ident, $x:ident, $f8:expr, $f16:expr) => {
        #[target_feature(enable = "avx2,fma")]
        fn $name8(x: &mut [f32]) {
            for eight in x.as_chunks_mut::<8>().0 {
                // SAFETY: the pointers are to eight elements; libmvec's function takes and returns a vector.
                unsafe {
                    let $x = _mm256_loadu_ps(eight.as_ptr());
                    _mm256_storeu_ps(eight.as_mut_ptr(), $f8);
                }
            }
        }
        #[target_feature(enable = "avx512f,avx512dq")]
        fn $name16(x: &mut [f32]) {
            for sixteen in x.as_chunks_mut::<16>().0 {
                // SAFETY: the pointers are to sixteen elements; libmvec's function takes and returns a vector.
                unsafe {
                    let $x = _mm512_loadu_ps(sixteen.as_ptr());
                    _mm512_storeu_ps(sixteen.as_mut_ptr(), $f16);
                }
            }
        }
    };
}

loops!(exp8, exp16, x, eight(_ZGVdN8v_expf)(x), sixteen(_ZGVeN16v_expf)(x));
loops!(exp_m1_8, exp_m1_16, x, eight(_ZGVdN8v_expm1f)(x), sixteen(_ZGVeN16v_expm1f)(x));
loops!(log8, log16, x, eight(_ZGVdN8v_logf)(x), sixteen(_ZGVeN16v_logf)(x));
loops!(log_1p_8, log_1p_16, x, eight(_ZGVdN8v_log1pf)(x), sixteen(_ZGVeN16v_log1pf)(x));
loops!(tanh8, tanh16, x, eight(_ZGVdN8v_tanhf)(x), sixteen(_ZGVeN16v_tanhf)(x));
loops!(erf8, erf16, x, eight(_ZGVdN8v_erff)(x), sixteen(_ZGVeN16v_erff)(x));
loops!(
    sigmoid8,
    sigmoid16,
    x,
    {
        let one = _mm256_set1_ps(1.0);
        _mm256_div_ps(one, _mm256_add_ps(one, eight(_ZGVdN8v_expf)(_mm256_xor_ps(x, _mm256_set1_ps(-0.0)))))
    },
    {
        let one = _mm512_set1_ps(1.0);
        _mm512_div_ps(one, _mm512_add_ps(one, sixteen(_ZGVeN16v_expf)(_mm512_xor_ps(x, _mm512_set1_ps(-0.0)))))
    }
);
loops!(
    silu8,
    silu16,
    x,
    {
        let one = _mm256_set1_ps(1.0);
        _mm256_div_ps(x, _mm256_add_ps(one, eight(_ZGVdN8v_expf)(_mm256_xor_ps(x, _mm256_set1_ps(-0.0)))))
    },
    {
        let one = _mm512_set1_ps(1.0);
        _mm512_div_ps(x, _mm512_add_ps(one, sixteen(_ZGVeN16v_expf)(_mm512_xor_ps(x, _mm512_set1_ps(-0.0)))))
    }
);
// max(x, 0) + log1p(e^−|x|)
loops!(
    softplus8,
    softplus16,
    x,
    {
        let e = eight(_ZGVdN8v_expf)(_mm256_or_ps(x, _mm256_set1_ps(-0.0)));
        _mm256_add_ps(_mm256_max_ps(x, _mm256_setzero_ps()), eight(_ZGVdN8v_log1pf)(e))
    },
    {
        let e = sixteen(_ZGVeN16v_expf)(_mm512_or_ps(x, _mm512_set1_ps(-0.0)));
        _mm512_add_ps(_mm512_max_ps(x, _mm512_setzero_ps()), sixteen(_ZGVeN16v_log1pf)(e))
    }
);
// x/2 · (1 + erf(x/√2))
loops!(
    gelu8,
    gelu16,
    x,
    {
        let erf = eight(_ZGVdN8v_erff)(_mm256_mul_ps(x, _mm256_set1_ps(std::f32::consts::FRAC_1_SQRT_2)));
        let half = _mm256_mul_ps(x, _mm256_set1_ps(0.5));
        _mm256_fmadd_ps(half, erf, half)
    },
    {
        let erf = sixteen(_ZGVeN16v_erff)(_mm512_mul_ps(x, _mm512_set1_ps(std::f32::consts::FRAC_1_SQRT_2)));
        let half = _mm512_mul_ps(x, _mm512_set1_ps(0.5));
        _mm512_fmadd_ps(half, erf, half)
    }
);
// x/2 · (1 + tanh(x·(0.7979 + 0.0357·x²)))
loops!(
    gelu_tanh8,
    gelu_tanh16,
    x,
    {
        let square = _mm256_mul_ps(x, x);
        let inner = _mm256_fmadd_ps(square, _mm256_set1_ps(0.797_884_6 * 0.044_715), _mm256_set1_ps(0.797_884_6));
        let tanh = eight(_ZGVdN8v_tanhf)(_mm256_mul_ps(x, inner));
        let half = _mm256_mul_ps(x, _mm256_set1_ps(0.5));
        _mm256_fmadd_ps(half, tanh, half)
    },
    {
        let square = _mm512_mul_ps(x, x);
        let inner = _mm512_fmadd_ps(square, _mm512_set1_ps(0.797_884_6 * 0.044_715), _mm512_set1_ps(0.797_884_6));
        let tanh = sixteen(_ZGVeN16v_tanhf)(_mm512_mul_ps(x, inner));
        let half = _mm512_mul_ps(x, _mm512_set1_ps(0.5));
        _mm512_fmadd_ps(half, tanh, half)
    }
);
// x above 0, else expm1(x)
loops!(
    elu8,
    elu16,
    x,
    {
        let below = eight(_ZGVdN8v_expm1f)(_mm256_min_ps(x, _mm256_setzero_ps()));
        _mm256_blendv_ps(x, below, x)
    },
    {
        let below = sixteen(_ZGVeN16v_expm1f)(_mm512_min_ps(x, _mm512_setzero_ps()));
        _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps()), x, below)
    }
);

// What memory allows in place: a vector is read, its sign bits are flipped, it is written.
loops!(flip8, flip16, x, _mm256_xor_ps(x, _mm256_set1_ps(-0.0)), _mm512_xor_ps(x, _mm512_set1_ps(-0.0)));

type Loop = unsafe fn(&mut [f32]);

/// Each function, and its loops of 8 and of 16 lanes.
const PEERS: &[(Function, Loop, Loop)] = &[
    (Function::Exp, exp8, exp16),
    (Function::ExpM1, exp_m1_8, exp_m1_16),
    (Function::Log, log8, log16),
    (Function::Log1P, log_1p_8, log_1p_16),
    (Function::Tanh, tanh8, tanh16),
    (Function::Sigmoid, sigmoid8, sigmoid16),
    (Function::Erf, erf8, erf16),
    (Function::Softplus, softplus8, softplus16),
    (Function::Silu, silu8, silu16),
    (Function::Gelu, gelu8, gelu16),
    (Function::GeluTanh, gelu_tanh8, gelu_tanh16),
    (Function::Elu, elu8, elu16),
    (Function::Relu, flip8, flip16),
    (Function::LeakyRelu, flip8, flip16),
];

fn main() {
    let level = |name| Level::named(name).expect("a processor with AVX-512");
    let (avx2, avx512) = (Cpu::new(level("avx2"), 1), Cpu::new(level("avx512"), 1));
    println!("| ns per f32 | n | libmvec AVX2 | AVX2 | ratio | libmvec AVX-512 | AVX-512 | ratio |");
    println!("|---|---|---|---|---|---|---|---|");
    for n in [4096, 1 << 20] {
        for &(function, peer8, peer16) in PEERS {
            let inputs = inputs(function, n);
            let mut buffer = inputs.clone();
            let mut best = [f64::INFINITY; 4];
            for _ in 0..(1 << 23) / n {
                for (which, best) in best.iter_mut().enumerate() {
                    buffer.copy_from_slice(&inputs);
                    let x = black_box(&mut buffer[..]);
                    let start = Instant::now();
                    match which {
                        // SAFETY: both levels were detected above.
                        0 => unsafe { peer8(x) },
                        1 => apply(&avx2, function, x),
                        // SAFETY: both levels were detected above.
                        2 => unsafe { peer16(x) },
                        _ => apply(&avx512, function, x),
                    }
                    *best = best.min(start.elapsed().as_secs_f64() * 1e9 / n as f64);
                }
            }
            let [a, b, c, d] = best;
            println!("| {} | {n} | {a:.3} | {b:.3} | {:.2} | {c:.3} | {d:.3} | {:.2} |", function.name(), a / b, c / d);
        }
    }
}

/// From −8 to 8, as activations have them; logarithms want positive numbers.
fn inputs(function: Function, n: usize) -> Vec<f32> {
    let positive = matches!(function, Function::Log | Function::Log1P);
    let x = |i: usize| (i * 2_654_435_761 % 65_536) as f32 / 4096.0;
    (0..n).map(|i| if positive { x(i) + 0.01 } else { x(i) - 8.0 }).collect()
}
