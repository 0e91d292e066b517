//! Single operations in f64, for what a training computes beside its kernels: a learning rate, a constant of a rule, the mean loss of an
//! epoch.
//!
//! They are few, but an audit counts them too. So each goes through the scalar token: the machine executes one operation where the source
//! says one, and no compiler joins two of them or leaves one out.

use std::hint::black_box;

use crate::element::Element;
use crate::simd::{Scalar, Simd};

/// The token of single f64.
#[inline(always)]
fn f64s() -> impl Simd<f64, Vector = f64> {
    Scalar
}

/// a + b: 1 addition.
pub fn add(a: f64, b: f64) -> f64 {
    f64s().add(a, b)
}
/// a − b: 1 addition.
pub fn sub(a: f64, b: f64) -> f64 {
    f64s().sub(a, b)
}
/// a · b: 1 mul.
pub fn mul(a: f64, b: f64) -> f64 {
    f64s().mul(a, b)
}
/// a / b: 1 div.
pub fn div(a: f64, b: f64) -> f64 {
    f64s().div(a, b)
}
/// √x: 1 sqrt.
pub fn sqrt(x: f64) -> f64 {
    f64s().sqrt(x)
}

/// baseⁿ by squaring: multiplications alone, so the same bits on every machine, which a library's power need not give.
///
/// Costs as many multiplications as n has binary digits and ones, less 2; none if n is 0.
pub fn power(mut base: f64, mut n: u64) -> f64 {
    let mut product = None;
    while n > 0 {
        if n & 1 == 1 {
            product = Some(product.map_or(base, |product| mul(product, base)));
        }
        n >>= 1;
        if n > 0 {
            base = mul(base, base);
        }
    }
    product.unwrap_or(1.0)
}

/// The sum of `terms` from the first to the last; 0 if there are none. n terms take n − 1 additions.
pub fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    terms.into_iter().reduce(add).unwrap_or(0.0)
}

/// `n` in f64: 1 conversion. Processors convert signed integers in one instruction; from 2⁶³ on, a compiler may need more.
pub fn whole(n: u64) -> f64 {
    match i64::try_from(black_box(n)) {
        Ok(n) => black_box(n as f64),
        Err(_) => n as f64,
    }
}

/// `x` in `T`: 1 conversion if `T` is f32, else none.
#[inline(always)]
pub fn rounded<T: Element>(x: f64) -> T {
    black_box(T::from_f64(x))
}

/// `x` in f64: 1 conversion if `T` is f32, else none.
#[inline(always)]
pub fn widened<T: Element>(x: T) -> f64 {
    black_box(black_box(x).to_f64())
}

/// Whether `x` is +0 or −0, by its bits: no operation. A compiler that knew that they are a number's would make a comparison of them.
#[inline(always)]
pub fn is_zero(x: f64) -> bool {
    black_box(x.to_bits()) << 1 == 0
}

/// Whether 0 ≤ `x` ≤ `most`, where `most` is a positive number, by their bits: no operation. −0 is 0, and NaN is nowhere.
#[inline(always)]
pub fn is_within(x: f64, most: f64) -> bool {
    // Positive numbers are in the order of their bits, and all others are above them.
    black_box(x.to_bits()) <= most.to_bits() || is_zero(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_say_what_comparisons_would() {
        let numbers = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            5e-324,
            -5e-324,
            2.0,
            f64::MAX,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            -f64::NAN,
        ];
        for x in numbers {
            assert_eq!(is_zero(x), x == 0.0, "{x}");
            assert_eq!(is_within(x, 1.0), (0.0..=1.0).contains(&x), "{x}");
            assert_eq!(is_within(x, f64::MAX), x >= 0.0 && x.is_finite(), "{x}");
        }
    }

    #[test]
    fn integers_are_the_nearest_numbers() {
        for n in [0, 1, (1 << 53) + 1, i64::MAX as u64, 1 << 63, u64::MAX] {
            assert_eq!(whole(n), n as f64, "{n}");
        }
        assert_eq!((sum([]), sum([1.0, 2.0, 4.0])), (0.0, 7.0));
        assert_eq!([0, 1, 2, 10].map(|n| power(3.0, n)), [1.0, 3.0, 9.0, 59049.0]);
    }
}
