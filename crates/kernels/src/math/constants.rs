//! The constants of the vector functions, for f32 and for f64.
//!
//! Polynomials interpolate at Chebyshev nodes; the largest error of each, relative to the function's value and before
//! rounding, stands beside it.

/// What the functions need to know of an element type.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T: 'static> {
    /// 1.5·2^MANTISSA + the exponent's bias: x + this rounds x to an integer n (to even), whose biased form n + bias
    /// stands in the lowest bits, ready to be shifted into the exponent of 2ⁿ.
    pub(crate) round: T,
    pub(crate) half: T,
    pub(crate) two: T,
    /// 1 / ln 2.
    pub(crate) log2_e: T,
    /// ln 2 in two parts, the first short enough that its product with an exponent is exact.
    pub(crate) ln2_high: T,
    pub(crate) ln2_low: T,
    /// Below this eˣ is 0, above the other ∞ (both a little outside of where they become so).
    pub(crate) exp_low: T,
    pub(crate) exp_high: T,
    /// (eʳ − 1 − r) / r² on |r| ≤ ln 2 / 2.
    pub(crate) exp: &'static [T],
    /// The smallest normal number, and what makes a subnormal one normal: 2^scale_exponent.
    pub(crate) min_positive: T,
    pub(crate) scale: T,
    pub(crate) scale_exponent: T,
    /// The bits of 2^MANTISSA: or-ed to a small integer they make the number 2^MANTISSA + that integer.
    pub(crate) integer: T,
    /// `integer` + the exponent's bias.
    pub(crate) integer_bias: T,
    /// √½, and 1 as a pattern of bits; and the mask of the significand.
    pub(crate) sqrt_half: T,
    pub(crate) mantissa_mask: T,
    /// (2·artanh(s)/s − 2)/s² as a polynomial in s², on |s| ≤ (√2 − 1)/(√2 + 1).
    pub(crate) log: &'static [T],
    pub(crate) infinity: T,
    pub(crate) nan: T,
    /// From here on tanh is 1 to within half a unit in the last place.
    pub(crate) tanh_high: T,
}

pub(crate) const F32: Constants<f32> = Constants {
    round: 12_582_912.0 + 127.0,
    half: 0.5,
    two: 2.0,
    log2_e: std::f32::consts::LOG2_E,
    ln2_high: 0.693_145_75,
    ln2_low: 1.428_606_8e-6,
    exp_low: -104.5,
    exp_high: 89.5,
    // 2.3e-10
    exp: &[0.5, 0.166_666_67, 0.041_666_464, 0.008_333_311, 0.001_393_365_9, 0.000_198_910_01],
    min_positive: f32::MIN_POSITIVE,
    scale: 33_554_432.0,
    scale_exponent: 25.0,
    integer: 8_388_608.0,
    integer_bias: 8_388_608.0 + 127.0,
    sqrt_half: std::f32::consts::FRAC_1_SQRT_2,
    mantissa_mask: f32::from_bits(0x007f_ffff),
    // 3.4e-11
    log: &[0.666_666_7, 0.400_001_22, 0.285_508_2, 0.233_304_67],
    infinity: f32::INFINITY,
    nan: f32::NAN,
    tanh_high: 9.2,
};

pub(crate) const F64: Constants<f64> = Constants {
    round: 6_755_399_441_055_744.0 + 1023.0,
    half: 0.5,
    two: 2.0,
    log2_e: std::f64::consts::LOG2_E,
    ln2_high: 0.693_147_180_369_123_8,
    ln2_low: 1.908_214_929_270_587_7e-10,
    exp_low: -746.0,
    exp_high: 710.0,
    // 2.3e-19
    exp: &[
        0.5,
        0.166_666_666_666_666_7,
        0.041_666_666_666_666_67,
        0.008_333_333_333_326_129,
        0.001_388_888_888_888_374_4,
        0.000_198_412_698_748_407_68,
        0.000_024_801_587_325_562_125,
        2.755_725_537_465_874_4e-6,
        2.755_727_362_486_648e-7,
        2.510_522_763_655_176e-8,
        2.091_469_456_035_159_2e-9,
    ],
    min_positive: f64::MIN_POSITIVE,
    scale: 18_014_398_509_481_984.0,
    scale_exponent: 54.0,
    integer: 4_503_599_627_370_496.0,
    integer_bias: 4_503_599_627_370_496.0 + 1023.0,
    sqrt_half: std::f64::consts::FRAC_1_SQRT_2,
    mantissa_mask: f64::from_bits(0x000f_ffff_ffff_ffff),
    // 9.2e-18
    log: &[
        0.666_666_666_666_667,
        0.399_999_999_998_995_05,
        0.285_714_286_259_754_87,
        0.222_222_111_347_950_8,
        0.181_828_891_252_617_23,
        0.153_317_216_005_560_42,
        0.146_164_496_850_434_06,
    ],
    infinity: f64::INFINITY,
    nan: f64::NAN,
    tanh_high: 19.1,
};
