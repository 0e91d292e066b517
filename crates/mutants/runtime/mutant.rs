//! The mutants: which one is switched on, and what each does. `crates/mutants/` adds this module to its copy of nxm-kernels.
//!
//! A site is a place in the sources that can be changed in one or more ways, its variants 1, 2, … `NXM_MUTANT=SITE:VARIANT` switches one on.
//! `NXM_MUTANT=reach:FILE` switches none on, and writes the number of each site that is executed to FILE.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

use crate::element::Lane;
use crate::math::Function;
use crate::simd::Simd;

/// How many sites there are.
const SITES: usize = 0;
/// Nobody has asked yet, so the environment has not been read.
const UNKNOWN: u8 = 255;
/// The site's number is to be written when it is executed.
const WATCHED: u8 = 254;

/// For each site 0, or its variant that is switched on.
static VARIANTS: [AtomicU8; SITES] = [const { AtomicU8::new(UNKNOWN) }; SITES];
static START: Once = Once::new();
static REACHED: Mutex<Option<File>> = Mutex::new(None);

fn start() {
    let wanted = std::env::var("NXM_MUTANT").unwrap_or_default();
    let (site, variant) = wanted.split_once(':').unwrap_or_default();
    let rest = if site == "reach" {
        *REACHED.lock().unwrap() = Some(File::options().create(true).append(true).open(variant).unwrap());
        WATCHED
    } else {
        0
    };
    let chosen = if rest == 0 && !wanted.is_empty() { Some(site.parse::<usize>().unwrap()) } else { None };
    for (site, state) in VARIANTS.iter().enumerate() {
        state.store(if chosen == Some(site) { variant.parse().unwrap() } else { rest }, Ordering::Relaxed);
    }
}

/// Whether to ask for the variant.
#[inline(always)]
fn differs(site: usize) -> bool {
    VARIANTS[site].load(Ordering::Relaxed) != 0
}

/// The variant of a site; 0 if it is what the source says.
#[cold]
#[inline(never)]
fn variant(site: usize) -> u8 {
    START.call_once(start);
    match VARIANTS[site].load(Ordering::Relaxed) {
        WATCHED => {
            VARIANTS[site].store(0, Ordering::Relaxed);
            writeln!(REACHED.lock().unwrap().as_ref().unwrap(), "{site}").unwrap();
            0
        }
        variant => variant,
    }
}

/// Whether a mutant of one variant is switched on.
#[inline(always)]
pub fn on(site: usize) -> bool {
    differs(site) && variant(site) == 1
}

/// An integer: one more, or one less.
#[inline(always)]
pub fn number<I: Integer>(x: I, site: usize) -> I {
    if differs(site) { x.varied(variant(site)) } else { x }
}

pub trait Integer: Copy {
    fn varied(self, variant: u8) -> Self;
}
macro_rules! integers {
    ($($t:ty)*) => {$(
        impl Integer for $t {
            fn varied(self, variant: u8) -> Self {
                match variant { 1 => self.wrapping_add(1), 2 => self.saturating_sub(1), _ => self }
            }
        }
    )*};
}
integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

/// A method of the token, with its variants beside it. They are no part of the caller, so that each call is one test and one jump longer.
macro_rules! calls {
    ($($name:ident($s:ident $(, $arg:ident: $ty:ty)*) -> $out:ty { $($variant:literal => $value:expr,)* })*) => {$(
        #[inline(always)]
        pub fn $name<T: Lane, S: Simd<T>>($s: S, site: usize $(, $arg: $ty)*) -> $out {
            #[cold]
            #[inline(never)]
            fn varied<T: Lane, S: Simd<T>>($s: S, site: usize $(, $arg: $ty)*) -> $out {
                match variant(site) {
                    $($variant => $value,)*
                    _ => $s.$name($($arg),*),
                }
            }
            if differs(site) { varied::<T, S>($s, site $(, $arg)*) } else { $s.$name($($arg),*) }
        }
    )*};
}

// 1 drops the call, 2 makes it twice, 3 has the same value by operations of another kind, 4 is its counterpart.
calls! {
    add(s, a: S::Vector, b: S::Vector) -> S::Vector {
        1 => a, 2 => { s.add(a, b); s.add(a, b) }, 3 => s.mul_add(a, s.splat(T::ONE), b), 4 => s.sub(a, b),
    }
    sub(s, a: S::Vector, b: S::Vector) -> S::Vector {
        1 => a, 2 => { s.sub(a, b); s.sub(a, b) }, 3 => s.neg_mul_add(b, s.splat(T::ONE), a), 4 => s.add(a, b),
    }
    mul(s, a: S::Vector, b: S::Vector) -> S::Vector {
        1 => a, 2 => { s.mul(a, b); s.mul(a, b) }, 3 => s.mul_add(a, b, s.splat(T::ZERO)), 4 => s.div(a, b),
    }
    div(s, a: S::Vector, b: S::Vector) -> S::Vector {
        1 => a, 2 => { s.div(a, b); s.div(a, b) }, 3 => s.mul(a, s.div(s.splat(T::ONE), b)), 4 => s.mul(a, b),
    }
    sqrt(s, x: S::Vector) -> S::Vector {
        1 => x, 2 => { s.sqrt(x); s.sqrt(x) }, 3 => s.div(x, s.sqrt(x)),
    }
    mul_add(s, a: S::Vector, b: S::Vector, c: S::Vector) -> S::Vector {
        1 => c, 2 => { s.mul_add(a, b, c); s.mul_add(a, b, c) }, 3 => s.add(s.mul(a, b), c), 4 => s.neg_mul_add(a, b, c),
    }
    neg_mul_add(s, a: S::Vector, b: S::Vector, c: S::Vector) -> S::Vector {
        1 => c, 2 => { s.neg_mul_add(a, b, c); s.neg_mul_add(a, b, c) }, 3 => s.sub(c, s.mul(a, b)), 4 => s.mul_add(a, b, c),
    }
    max(s, a: S::Vector, b: S::Vector) -> S::Vector { 1 => a, 2 => { s.max(a, b); s.max(a, b) }, 4 => s.min(a, b), }
    min(s, a: S::Vector, b: S::Vector) -> S::Vector { 1 => a, 2 => { s.min(a, b); s.min(a, b) }, 4 => s.max(a, b), }
    lt(s, a: S::Vector, b: S::Vector) -> S::Mask { 2 => { s.lt(a, b); s.lt(a, b) }, 4 => s.lt(b, a), }
    select(s, mask: S::Mask, a: S::Vector, b: S::Vector) -> S::Vector { 1 => a, 4 => s.select(mask, b, a), }
    keep(s, mask: S::Mask, a: S::Vector) -> S::Vector { 1 => a, }
    neg(s, x: S::Vector) -> S::Vector { 1 => x, }
    abs(s, x: S::Vector) -> S::Vector { 1 => x, }
    copy_sign(s, x: S::Vector, sign: S::Vector) -> S::Vector { 1 => x, }
    bits_add(s, a: S::Vector, b: S::Vector) -> S::Vector { 1 => a, 4 => s.bits_sub(a, b), }
    bits_sub(s, a: S::Vector, b: S::Vector) -> S::Vector { 1 => a, 4 => s.bits_add(a, b), }
    bits_and(s, a: S::Vector, b: S::Vector) -> S::Vector { 1 => a, 4 => s.bits_or(a, b), }
    bits_or(s, a: S::Vector, b: S::Vector) -> S::Vector { 1 => a, 4 => s.bits_and(a, b), }
    bits_to_exponent(s, a: S::Vector) -> S::Vector { 1 => a, }
    exponent_to_bits(s, a: S::Vector) -> S::Vector { 1 => a, }
    broadcast(s, from: &T) -> S::Vector { 1 => s.splat(T::ZERO), 2 => { s.broadcast(from); s.broadcast(from) }, 3 => s.splat(*from), }
    load(s, from: &[T]) -> S::Vector { 1 => s.splat(T::ZERO), 2 => { s.load(from); s.load(from) }, }
    load_partial(s, from: &[T]) -> S::Vector { 1 => s.splat(T::ZERO), 2 => { s.load_partial(from); s.load_partial(from) }, }
    load_partial_or(s, from: &[T], fill: T) -> S::Vector {
        1 => s.splat(fill), 2 => { s.load_partial_or(from, fill); s.load_partial_or(from, fill) }, 4 => s.load_partial(from),
    }
    load_widened(s, from: &[f32]) -> S::Vector { 1 => s.splat(T::ZERO), 2 => { s.load_widened(from); s.load_widened(from) }, }
    load_widened_partial_or(s, from: &[f32], fill: f32) -> S::Vector {
        1 => s.splat(T::ZERO), 2 => { s.load_widened_partial_or(from, fill); s.load_widened_partial_or(from, fill) },
    }
    store(s, v: S::Vector, to: &mut [T]) -> () { 1 => {}, 2 => { s.store(v, to); s.store(v, to) }, }
    store_partial(s, v: S::Vector, to: &mut [T]) -> () { 1 => {}, 2 => { s.store_partial(v, to); s.store_partial(v, to) }, }
    copy(s, from: &[T], to: &mut [T]) -> () { 1 => {}, 2 => { s.copy(from, to); s.copy(from, to) }, 3 => to.copy_from_slice(from), }
    fill(s, x: T, to: &mut [T]) -> () { 1 => {}, 2 => { s.fill(x, to); s.fill(x, to) }, 3 => to.fill(x), }
    narrow(s, lanes: usize) -> S { 1 => s, 4 => s.narrow(lanes.saturating_sub(1)), }
    inside(s, function: Function) -> S { 1 => s, }
    transpose(s, square: &mut [S::Vector]) -> () { 1 => {}, }
    reduce_add(s, v: S::Vector) -> T { 2 => { s.reduce_add(v); s.reduce_add(v) }, 4 => s.reduce_max(v), }
    reduce_max(s, v: S::Vector) -> T { 2 => { s.reduce_max(v); s.reduce_max(v) }, 4 => s.reduce_add(v), }
    reduce_add_each(s, square: &mut [S::Vector], used: usize) -> S::Vector {
        1 => square[0], 2 => { s.reduce_add_each(square, used); s.reduce_add_each(square, used) },
        3 => s.reduce_add_each(square, used + 1), 4 => s.reduce_add_each(square, used.saturating_sub(1)),
    }
}

// What mutants that are written by hand need, and what a kernel cannot do by itself.

/// Whether `x` is +0 or −0.
pub fn is_zero<T: Lane>(x: T) -> bool {
    x.to_bits_u64() & !T::NEG_ZERO.to_bits_u64() == 0
}

/// x · by, beside the token.
pub fn scaled<T: Lane>(x: T, by: f64) -> T {
    match size_of::<T>() {
        4 => bytemuck::cast_slice::<f32, T>(&[(f64::from(bytemuck::cast_slice::<T, f32>(&[x])[0]) * by) as f32])[0],
        _ => bytemuck::cast_slice::<f64, T>(&[bytemuck::cast_slice::<T, f64>(&[x])[0] * by])[0],
    }
}

static REMEMBERED: AtomicUsize = AtomicUsize::new(0);

/// Keeps a number for [`remembered`].
pub fn remember(x: usize) {
    REMEMBERED.store(x, Ordering::SeqCst);
}

/// The number that was kept last.
pub fn remembered() -> usize {
    REMEMBERED.load(Ordering::SeqCst)
}
