//! Errors in units in the last place.

/// |y − exact| in units in the last place of an f32 of `exact`'s size (2⁻¹⁴⁹ where that is subnormal).
///
/// ∞ counts as 2¹²⁸, and so does what is larger: a result that should overflow and does has no error. A NaN that should be none,
/// or the other way around, and a zero of the wrong sign count as infinitely wrong.
pub fn f32_error(y: f32, exact: f64) -> f64 {
    const OVERFLOW: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
    if y.is_nan() || exact.is_nan() {
        return if y.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if exact == 0.0 {
        let same_sign = y.is_sign_negative() == exact.is_sign_negative();
        return if y == 0.0 && !same_sign { f64::INFINITY } else { y.abs() as f64 / f32::from_bits(1) as f64 };
    }
    let exact = exact.clamp(-OVERFLOW, OVERFLOW);
    let y = (y as f64).clamp(-OVERFLOW, OVERFLOW);
    let exponent = ((exact.to_bits() >> 52) & 0x7ff) as i64 - 1023;
    let unit = exponent.clamp(-126, 127) - 23;
    (y - exact).abs() * f64::from_bits(((1023 - unit) as u64) << 52)
}

/// |y − exact| in units in the last place of 1, 2⁻²³.
pub fn f32_error_of_one(y: f32, exact: f64) -> f64 {
    if y.is_nan() && exact.is_nan() {
        return 0.0;
    }
    let error = (y as f64 - exact).abs() / f32::EPSILON as f64;
    if error.is_nan() { f64::INFINITY } else { error }
}
