//! All unsafe code of `simd`: what the compiler can't check about the machine.
//!
//! [`Alone`] keeps a number in a register of its own, so that "one lane" means one lane. An optimising compiler joins
//! neighbouring scalar operations into vector operations, sometimes with lanes that nobody asked for. The Scalar level, and
//! the scalar operations of every other level, promise one lane. So their results pass through empty assembly: it takes a
//! number and returns it in the same register. It costs no instruction. The compiler can't see through it, so no vectoriser
//! joins two of them.
//!
//! `x86` has the tokens [`Avx2`](x86::Avx2) and [`Avx512`](x86::Avx512) of x86-64, how a kernel enters their level, and how
//! their vectors reach memory. An intrinsic raises two questions that need unsafe code:
//! - **Does the processor have the instruction?** A token is the proof. Its field is private to `x86`, so that `detect` is
//!   the only way to make one. The macros [`avx2!`](x86::avx2) and [`avx512!`](x86::avx512) write methods of a token, and
//!   let the compiler check that a method calls only intrinsics of the features that its token proves. They are how
//!   `avx2.rs` and `avx512.rs` do without unsafe code of their own.
//! - **How far does a pointer reach?** Only loads, stores and prefetches take pointers. They stand in `x86`, as functions of
//!   slices.

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
impl<T: crate::element::Lane> Alone for T {
    #[inline(always)]
    fn alone(self) -> T {
        self
    }
}

/// Tokens, trampolines, intrinsics and memory of x86-64.
#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use std::arch::is_x86_feature_detected;
    use std::arch::x86_64::*;

    use crate::element::Lane;
    use crate::simd::{Kernel, Scalar};

    /// Eight f32 or four f64. That a value exists is the proof that this processor has AVX2 and FMA.
    #[derive(Clone, Copy, Debug)]
    pub struct Avx2(());

    impl Avx2 {
        /// The token, if this processor has AVX2 and FMA.
        pub fn detect() -> Option<Self> {
            (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
        }

        /// Runs `kernel` where AVX2 and FMA are enabled.
        #[inline]
        pub(crate) fn enter<T: Lane, K: Kernel<T>>(self, kernel: K) -> K::Output {
            // SAFETY: the token proves AVX2 and FMA (`detect` is the only way to make one).
            unsafe { enter_avx2::<T, K>(self, kernel) }
        }
    }

    /// The trampoline of level `avx2`: the one function that enables its features. Kernels are inlined into it.
    #[inline(never)]
    #[target_feature(enable = "avx2,fma")]
    fn enter_avx2<T: Lane, K: Kernel<T>>(token: Avx2, kernel: K) -> K::Output {
        kernel.run(T::Avx2::from(token))
    }

    /// Sixteen f32 or eight f64. That a value exists is the proof that this processor has AVX-512 F, BW, DQ and VL, AVX2 and
    /// FMA.
    #[derive(Clone, Copy, Debug)]
    pub struct Avx512(());

    impl Avx512 {
        /// The token, if this processor has AVX-512 F, BW, DQ and VL, AVX2 and FMA.
        pub fn detect() -> Option<Self> {
            Avx2::detect()?;
            (is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl"))
            .then_some(Avx512(()))
        }

        /// The token for half a vector.
        #[inline(always)]
        pub(in crate::simd) fn half(self) -> Avx2 {
            // `detect` asks for what `Avx2` proves.
            Avx2(())
        }

        /// Runs `kernel` where AVX-512 is enabled.
        #[inline]
        pub(crate) fn enter<T: Lane, K: Kernel<T>>(self, kernel: K) -> K::Output {
            // SAFETY: the token proves AVX-512 F, BW, DQ and VL and FMA (`detect` is the only way to make one).
            unsafe { enter_avx512::<T, K>(self, kernel) }
        }
    }

    /// The trampoline of level `avx512`: the one function that enables its features. Kernels are inlined into it.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
    fn enter_avx512<T: Lane, K: Kernel<T>>(token: Avx512, kernel: K) -> K::Output {
        kernel.run(T::Avx512::from(token))
    }

    /// That a value exists is the proof that this processor has FMA: what the Scalar level needs to be fast.
    #[derive(Clone, Copy, Debug)]
    pub(in crate::simd) struct Fma(());

    impl Fma {
        /// The token, if this processor has FMA.
        #[inline]
        pub(in crate::simd) fn detect() -> Option<Self> {
            is_x86_feature_detected!("fma").then_some(Fma(()))
        }

        /// Runs `kernel` with the token `scalar` where FMA is enabled.
        #[inline]
        pub(in crate::simd) fn enter<T: Lane, K: Kernel<T>>(self, scalar: Scalar, kernel: K) -> K::Output {
            // SAFETY: the token proves FMA (`detect` is the only way to make one).
            unsafe { enter_scalar::<T, K>(scalar, kernel) }
        }
    }

    /// The trampoline of level `scalar`.
    #[inline(never)]
    #[target_feature(enable = "fma")]
    fn enter_scalar<T: Lane, K: Kernel<T>>(token: Scalar, kernel: K) -> K::Output {
        kernel.run(T::Scalar::from(token))
    }

    /// Writes methods of [`Avx2`] that call intrinsics of AVX2 and FMA, without unsafe code where they stand.
    ///
    /// It takes whole methods, or a table with a row for each method, sorted by signature:
    ///
    /// ```text
    /// avx2! {
    ///     fn double(self, a: __m256) -> __m256 {
    ///         _mm256_add_ps(a, a)
    ///     }
    /// }
    /// avx2! {
    ///     (a: __m256, b: __m256) -> __m256 {
    ///         add => _mm256_add_ps(a, b);
    ///         sub => _mm256_sub_ps(a, b);
    ///     }
    /// }
    /// ```
    macro_rules! avx2 {
        ($($methods:tt)+) => { $crate::simd::x86::checked_methods! { Avx2, "avx2,fma": $($methods)+ } };
    }

    /// The same for [`Avx512`] and intrinsics of AVX-512 F, BW, DQ and VL, AVX2 and FMA.
    macro_rules! avx512 {
        ($($methods:tt)+) => {
            $crate::simd::x86::checked_methods! { Avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma": $($methods)+ }
        };
    }

    /// The body of [`avx2!`] and [`avx512!`]: methods of `$token`, which proves `$features`.
    ///
    /// A method is `#[inline(always)]`, and such a function can't enable features. So it needs unsafe code to call an
    /// intrinsic. To keep that sound, each body is compiled twice:
    /// - as `checked`, which enables exactly `$features` and has no unsafe block. It does not compile if the body calls an
    ///   intrinsic of another feature, or one that takes a pointer. Nothing calls `checked`.
    /// - as the method, in an unsafe block.
    macro_rules! checked_methods {
        ($token:ident, $features:tt: $(
            $(#[$attribute:meta])*
            $visibility:vis fn $name:ident(self $(, $argument:ident: $type:ty)*) $(-> $result:ty)? $body:block
        )+) => {$(
            $(#[$attribute])*
            #[inline(always)]
            $visibility fn $name(self $(, $argument: $type)*) $(-> $result)? {
                #[allow(dead_code)]
                #[target_feature(enable = $features)]
                fn checked($($argument: $type),*) $(-> $result)? $body

                let _: $token = self;
                // SAFETY: `checked` compiles, so the body needs nothing but `$features`. The token `self` proves that the
                // processor has them (`$token::detect` is the only way to make one).
                unsafe { $body }
            }
        )+};
        // A table: each signature is handed to each of its rows.
        ($token:ident, $features:tt: $( $arguments:tt -> $result:ty { $($name:ident => $body:expr;)+ } )+) => {$($(
            $crate::simd::x86::checked_methods! { @row $token, $features, $name $arguments -> $result { $body } }
        )+)+};
        (@row $token:ident, $features:tt, $name:ident ($($argument:ident: $type:ty),*) -> $result:ty $body:block) => {
            $crate::simd::x86::checked_methods! {
                $token, $features: fn $name(self $(, $argument: $type)*) -> $result $body
            }
        };
    }

    /// Writes methods that hand the token and their arguments to a function: a table, sorted by signature as in [`avx2!`].
    macro_rules! forward {
        ($( $arguments:tt -> $result:ty { $($name:ident => $function:path;)+ } )+) => {$($(
            $crate::simd::x86::forward! { @row $name $arguments -> $result { $function } }
        )+)+};
        (@row $name:ident ($($argument:ident: $type:ty),*) -> $result:ty { $function:path }) => {
            #[inline(always)]
            fn $name(self $(, $argument: $type)*) -> $result {
                $function(self $(, $argument)*)
            }
        };
    }

    /// Writes the methods that are the same for all vectors of x86-64 but for the element type and the vectors in a block.
    macro_rules! common_methods {
        ($t:ty, $block:literal) => {
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
                [self.splat(x); $block]
            }
            #[inline(always)]
            fn prefetch(self, at: &[$t]) {
                $crate::simd::x86::prefetch(at)
            }
        };
    }

    pub(in crate::simd) use {avx2, avx512, checked_methods, common_methods, forward};

    /// Writes a load and a store of whole vectors for each row.
    macro_rules! whole_vectors {
        ($($token:ident, [$t:ty; $lanes:literal], $vector:ty: $load:ident => $loadu:ident, $store:ident => $storeu:ident;)*) => {$(
            /// A vector of the first elements of `from`. Panics if there are fewer than lanes.
            #[inline(always)]
            pub(in crate::simd) fn $load(_: $token, from: &[$t]) -> $vector {
                let from: &[$t; $lanes] = from.first_chunk().expect("a whole vector");
                // SAFETY: the token proves that the processor has the instruction, and `from` is as long as the vector.
                unsafe { $loadu(from.as_ptr()) }
            }
            /// Writes `v` to the start of `to`. Panics if `to` has fewer elements than lanes.
            #[inline(always)]
            pub(in crate::simd) fn $store(_: $token, v: $vector, to: &mut [$t]) {
                let to: &mut [$t; $lanes] = to.first_chunk_mut().expect("a whole vector");
                // SAFETY: the token proves that the processor has the instruction, and `to` is as long as the vector.
                unsafe { $storeu(to.as_mut_ptr(), v) }
            }
        )*};
    }

    whole_vectors! {
        Avx2, [f32; 8], __m256: load_f32x8 => _mm256_loadu_ps, store_f32x8 => _mm256_storeu_ps;
        Avx2, [f64; 4], __m256d: load_f64x4 => _mm256_loadu_pd, store_f64x4 => _mm256_storeu_pd;
        Avx512, [f32; 16], __m512: load_f32x16 => _mm512_loadu_ps, store_f32x16 => _mm512_storeu_ps;
        Avx512, [f64; 8], __m512d: load_f64x8 => _mm512_loadu_pd, store_f64x8 => _mm512_storeu_pd;
    }

    /// Four elements of `from`, converted. Panics if there are fewer.
    #[inline(always)]
    pub(in crate::simd) fn load_widened_f64x4(_: Avx2, from: &[f32]) -> __m256d {
        let from: &[f32; 4] = from.first_chunk().expect("a whole vector");
        // SAFETY: the token proves AVX2, and `from` is the four elements that are read.
        unsafe { _mm256_cvtps_pd(_mm_loadu_ps(from.as_ptr())) }
    }

    /// Eight elements of `from`, converted. Panics if there are fewer.
    #[inline(always)]
    pub(in crate::simd) fn load_widened_f64x8(_: Avx512, from: &[f32]) -> __m512d {
        let from: &[f32; 8] = from.first_chunk().expect("a whole vector");
        // SAFETY: the token proves AVX-512, and `from` is the eight elements that are read.
        unsafe { _mm512_cvtps_pd(_mm256_loadu_ps(from.as_ptr())) }
    }

    /// Asks for the cache line of the first element of `at`.
    #[inline(always)]
    pub(in crate::simd) fn prefetch<T>(at: &[T]) {
        // SAFETY: every x86-64 processor has the instruction (SSE), and it may be given any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.as_ptr().cast()) }
    }

    /// A mask of the first `n` of eight lanes of 32 bits. Panics if n > 8.
    #[inline(always)]
    fn first_of_8(_: Avx2, n: usize) -> __m256i {
        const ONES_THEN_ZEROS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        let window: &[i32; 8] = ONES_THEN_ZEROS[8 - n..].first_chunk().expect("at most eight lanes");
        // SAFETY: the token proves AVX2, and `window` is the 256 bits that are read.
        unsafe { _mm256_loadu_si256(window.as_ptr().cast()) }
    }

    /// A mask of the first `n` of four lanes of 64 bits. Panics if n > 4.
    #[inline(always)]
    fn first_of_4(_: Avx2, n: usize) -> __m256i {
        const ONES_THEN_ZEROS: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];
        let window: &[i64; 4] = ONES_THEN_ZEROS[4 - n..].first_chunk().expect("at most four lanes");
        // SAFETY: the token proves AVX2, and `window` is the 256 bits that are read.
        unsafe { _mm256_loadu_si256(window.as_ptr().cast()) }
    }

    /// `from`, at most eight elements, and zero in the other lanes. Panics if `from` is longer.
    #[inline(always)]
    pub(in crate::simd) fn load_first_f32x8(token: Avx2, from: &[f32]) -> __m256 {
        if from.len() == 8 {
            // The branch predictor foresees this. `vmaskmov` costs the loop of a product a tenth of its speed (Zen 5).
            return load_f32x8(token, from);
        }
        let mask = first_of_8(token, from.len());
        // SAFETY: the token proves AVX2, and the mask has as many lanes as `from` has elements.
        unsafe { _mm256_maskload_ps(from.as_ptr(), mask) }
    }

    /// `from`, at most four elements, and zero in the other lanes. Panics if `from` is longer.
    #[inline(always)]
    pub(in crate::simd) fn load_first_f64x4(token: Avx2, from: &[f64]) -> __m256d {
        if from.len() == 4 {
            // As in `load_first_f32x8`.
            return load_f64x4(token, from);
        }
        let mask = first_of_4(token, from.len());
        // SAFETY: the token proves AVX2, and the mask has as many lanes as `from` has elements.
        unsafe { _mm256_maskload_pd(from.as_ptr(), mask) }
    }

    /// `from`, at most eight elements, and `fill` in the other lanes. Panics if `from` is longer.
    #[inline(always)]
    pub(in crate::simd) fn load_first_or_f32x8(token: Avx2, from: &[f32], fill: f32) -> __m256 {
        let mask = first_of_8(token, from.len());
        // SAFETY: the token proves AVX2, and the mask has as many lanes as `from` has elements.
        unsafe {
            _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(from.as_ptr(), mask), _mm256_castsi256_ps(mask))
        }
    }

    /// `from`, at most four elements, and `fill` in the other lanes. Panics if `from` is longer.
    #[inline(always)]
    pub(in crate::simd) fn load_first_or_f64x4(token: Avx2, from: &[f64], fill: f64) -> __m256d {
        let mask = first_of_4(token, from.len());
        // SAFETY: the token proves AVX2, and the mask has as many lanes as `from` has elements.
        unsafe {
            _mm256_blendv_pd(_mm256_set1_pd(fill), _mm256_maskload_pd(from.as_ptr(), mask), _mm256_castsi256_pd(mask))
        }
    }

    /// `from`, at most four elements, and `fill` in the other lanes, all converted. Panics if `from` is longer.
    #[inline(always)]
    pub(in crate::simd) fn load_widened_first_or_f64x4(token: Avx2, from: &[f32], fill: f32) -> __m256d {
        assert!(from.len() <= 4, "more elements than lanes");
        let mask = first_of_8(token, from.len());
        // SAFETY: the token proves AVX2, and the mask has as many lanes as `from` has elements, all in the lower half.
        unsafe {
            let mask = _mm256_castsi256_si128(mask);
            let narrow = _mm_maskload_ps(from.as_ptr(), mask);
            _mm256_cvtps_pd(_mm_blendv_ps(_mm_set1_ps(fill), narrow, _mm_castsi128_ps(mask)))
        }
    }

    /// Writes the first `to.len()` lanes of `v`, at most eight. Panics if `to` is longer.
    ///
    /// In whole parts of 4, 2 and 1: `vmaskmov` costs 42 micro-operations on Zen 4 as a store, and a copy by way of the stack a
    /// call of `memcpy`.
    #[inline(always)]
    pub(in crate::simd) fn store_first_f32x8(token: Avx2, v: __m256, to: &mut [f32]) {
        if to.len() == 8 {
            return store_f32x8(token, v, to);
        }
        let (n, to) = (to.len(), to.as_mut_ptr());
        assert!(n < 8, "more elements than lanes");
        // SAFETY: the token proves AVX2; each part ends at or before `to`'s end, for n is the sum of the parts.
        unsafe {
            let mut part = _mm256_castps256_ps128(v);
            if n & 4 != 0 {
                _mm_storeu_ps(to, part);
                part = _mm256_extractf128_ps::<1>(v);
            }
            if n & 2 != 0 {
                _mm_storel_pd(to.add(n & 4).cast(), _mm_castps_pd(part));
                part = _mm_movehl_ps(part, part);
            }
            if n & 1 != 0 {
                _mm_store_ss(to.add(n & 6), part);
            }
        }
    }

    /// Writes the first `to.len()` lanes of `v`, at most four, in whole parts of 2 and 1. Panics if `to` is longer.
    #[inline(always)]
    pub(in crate::simd) fn store_first_f64x4(token: Avx2, v: __m256d, to: &mut [f64]) {
        if to.len() == 4 {
            return store_f64x4(token, v, to);
        }
        let (n, to) = (to.len(), to.as_mut_ptr());
        assert!(n < 4, "more elements than lanes");
        // SAFETY: the token proves AVX2; each part ends at or before `to`'s end, for n is the sum of the parts.
        unsafe {
            let mut part = _mm256_castpd256_pd128(v);
            if n & 2 != 0 {
                _mm_storeu_pd(to, part);
                part = _mm256_extractf128_pd::<1>(v);
            }
            if n & 1 != 0 {
                _mm_store_sd(to.add(n & 2), part);
            }
        }
    }

    /// A mask of the first `n` of at most 16 lanes. Panics if n > LANES.
    #[inline(always)]
    fn first<const LANES: usize>(n: usize) -> u32 {
        assert!(n <= LANES, "more elements than lanes");
        (1 << n) - 1
    }

    /// Writes the masked loads and the masked store of one vector type for each row.
    macro_rules! masked_vectors {
        ($(
            [$t:ty; $lanes:literal], $vector:ty, $mask:ty, $set1:ident:
            $load:ident => $maskz_loadu:ident, $load_or:ident => $mask_loadu:ident, $store:ident => $mask_storeu:ident;
        )*) => {$(
            /// `from`, and zero in the other lanes. Panics if `from` has more elements than lanes.
            #[inline(always)]
            pub(in crate::simd) fn $load(_: Avx512, from: &[$t]) -> $vector {
                let mask = first::<$lanes>(from.len()) as $mask;
                // SAFETY: the token proves AVX-512, and the mask has as many lanes as `from` has elements.
                unsafe { $maskz_loadu(mask, from.as_ptr()) }
            }
            /// `from`, and `fill` in the other lanes. Panics if `from` has more elements than lanes.
            #[inline(always)]
            pub(in crate::simd) fn $load_or(_: Avx512, from: &[$t], fill: $t) -> $vector {
                let mask = first::<$lanes>(from.len()) as $mask;
                // SAFETY: the token proves AVX-512, and the mask has as many lanes as `from` has elements.
                unsafe { $mask_loadu($set1(fill), mask, from.as_ptr()) }
            }
            /// Writes the first `to.len()` lanes of `v`. Panics if `to` has more elements than lanes.
            #[inline(always)]
            pub(in crate::simd) fn $store(_: Avx512, v: $vector, to: &mut [$t]) {
                let mask = first::<$lanes>(to.len()) as $mask;
                // SAFETY: the token proves AVX-512, and the mask has as many lanes as `to` has elements.
                unsafe { $mask_storeu(to.as_mut_ptr(), mask, v) }
            }
        )*};
    }

    masked_vectors! {
        [f32; 16], __m512, __mmask16, _mm512_set1_ps:
            load_first_f32x16 => _mm512_maskz_loadu_ps,
            load_first_or_f32x16 => _mm512_mask_loadu_ps,
            store_first_f32x16 => _mm512_mask_storeu_ps;
        [f64; 8], __m512d, __mmask8, _mm512_set1_pd:
            load_first_f64x8 => _mm512_maskz_loadu_pd,
            load_first_or_f64x8 => _mm512_mask_loadu_pd,
            store_first_f64x8 => _mm512_mask_storeu_pd;
    }

    /// `from`, at most eight elements, and `fill` in the other lanes, all converted. Panics if `from` is longer.
    #[inline(always)]
    pub(in crate::simd) fn load_widened_first_or_f64x8(_: Avx512, from: &[f32], fill: f32) -> __m512d {
        let mask = first::<8>(from.len()) as __mmask8;
        // SAFETY: the token proves AVX-512, and the mask has as many lanes as `from` has elements.
        unsafe { _mm512_cvtps_pd(_mm256_mask_loadu_ps(_mm256_set1_ps(fill), mask, from.as_ptr())) }
    }
}
