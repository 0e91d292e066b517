//! The constants of the vector functions, for f32 and for f64.
//!
//! Polynomials are least-squares fits at Chebyshev points, reweighted towards the smallest largest error, their
//! coefficients rounded one by one from the lowest, the others fitted anew each time. What stands beside each is its
//! largest error before rounding, relative to the function's value.

use super::relu::LEAKY_SLOPE;
use super::selu::{SELU_BELOW, SELU_SCALE};
use super::softplus::THRESHOLD;

/// What the functions need to know of an element type. Fields "as bits" are patterns for the integer operations.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T: 'static> {
    pub(crate) half: T,
    pub(crate) two: T,
    pub(crate) four: T,
    /// The default slope of leaky ReLU below 0, and the default threshold of softplus.
    pub(crate) leaky_slope: T,
    pub(crate) softplus_threshold: T,
    /// What PyTorch adds to a norm that gradients are clipped by.
    pub(crate) clip_epsilon: T,
    pub(crate) infinity: T,
    pub(crate) nan: T,
    /// The smallest normal number, and the smallest of all.
    pub(crate) min_positive: T,
    pub(crate) min_subnormal: T,

    /// 1.5·2^MANTISSA + a small integer i: x + this rounds x to an integer n (to even), and n + i stands in the lowest
    /// bits, ready to be shifted into the exponent. Here i is the exponent's bias.
    pub(crate) round_biased: T,
    /// The same, i being one less than the bias; and the bias − 64 (f64 256): 2ⁿ is nothing beside 1 there, and
    /// 2ⁿ of the least result is normal with 64 (256) added to n.
    pub(crate) round_half_biased: T,
    pub(crate) round_least: T,

    /// ln 2; 1 / ln 2, and half of it.
    pub(crate) ln2: T,
    pub(crate) log2_e: T,
    pub(crate) half_log2_e: T,
    /// ln 2 in two parts, the first short enough that its product with an exponent is exact.
    pub(crate) ln2_high: T,
    pub(crate) ln2_low: T,
    /// Below this eˣ is 0, above the other ∞ (both a little outside of where they become so).
    pub(crate) exp_low: T,
    pub(crate) exp_high: T,
    /// (eʳ − 1 − r) / r² on |r| ≤ ln 2 / 2.
    pub(crate) exp: &'static [T],

    /// 2 / ln 2, and (2ᶠ − 1) / f on |f| ≤ ½.
    pub(crate) twice_log2_e: T,
    pub(crate) exp2_m1: &'static [T],

    /// Below this eˣ − 1 is −1; above the other it is ∞, while 2ⁿ/2 is finite at it; and it is x where |x| is less than the last.
    pub(crate) exp_m1_low: T,
    pub(crate) exp_m1_high: T,
    pub(crate) tiny: T,

    /// The exponent of the smallest normal number, negated.
    pub(crate) min_exponent: T,
    /// The bits of 2^MANTISSA: or-ed to a small integer they make the number 2^MANTISSA + that integer.
    pub(crate) integer: T,
    /// `integer` + the exponent's bias.
    pub(crate) integer_bias: T,
    /// ⅔, the bits of 1 less the bits of ⅔, and the mask of the significand.
    pub(crate) two_thirds: T,
    pub(crate) one_less_two_thirds: T,
    pub(crate) mantissa_mask: T,
    /// (ln(1 + f) − f) / f² on ⅔ ≤ 1 + f ≤ 4/3.
    pub(crate) log: &'static [T],

    /// (tanh m − m) / m³ as a polynomial in m², on m ≤ 1.
    pub(crate) tanh: &'static [T],
    /// From here on tanh is 1 to within half a unit in the last place.
    pub(crate) tanh_high: T,

    /// (erf m − m) / m as a polynomial in m², on m ≤ `erf_near_high`.
    pub(crate) erf_near: &'static [T],
    pub(crate) erf_near_high: T,
    /// log₂(erfc m) / m + 2 from there to `erf_high`, where erf has become 1 to within half a unit in the last place.
    pub(crate) erf_far: &'static [T],
    pub(crate) erf_high: T,

    /// (ln(1 + e) − e) / e² on 0 ≤ e ≤ 1.
    pub(crate) softplus: &'static [T],

    /// Below this x·σ(x) is −0.
    pub(crate) linear_unit_low: T,
    /// From here on σ is 1 to within half a unit in the last place.
    pub(crate) sigmoid_high: T,

    /// (Φ(m) − ½)/m as a polynomial in m², on m ≤ `gelu_near_high`.
    pub(crate) gelu_near: &'static [T],
    pub(crate) gelu_near_high: T,
    /// k, and 2·k, of G(q) = m·e^{m²/2}·Φ(−m), q = (m − k)/(m + k), and the polynomial G from there to `gelu_high`, where
    /// m·Φ(−m) has become 0.
    pub(crate) gelu_k: T,
    pub(crate) gelu_twice_k: T,
    pub(crate) gelu_far: &'static [T],
    pub(crate) gelu_high: T,
    /// 1/√(2π), and √½.
    pub(crate) normal_density: T,
    pub(crate) sqrt_half: T,

    /// c₁ = 2·√(2/π); in two parts, the first as short as to be a multiple of what c₁ + c₂·x² is rounded to; c₂ = 0.044715·c₁ in
    /// two parts.
    pub(crate) gelu_tanh_slope: T,
    pub(crate) gelu_tanh_1: [T; 2],
    pub(crate) gelu_tanh_2: [T; 2],
    /// At the second and below the function is −0, from the first on it is x.
    pub(crate) gelu_tanh_high: T,
    pub(crate) gelu_tanh_low: T,
    pub(crate) three: T,
    pub(crate) minus_three: T,
    pub(crate) six: T,
    pub(crate) sixth: T,
    pub(crate) third: T,
    /// λ of SELU, and λ·α.
    pub(crate) selu_scale: T,
    pub(crate) selu_below: T,
    /// The largest finite number.
    pub(crate) max: T,
}

pub(crate) const F32: Constants<f32> = Constants {
    half: 0.5,
    two: 2.0,
    four: 4.0,
    leaky_slope: LEAKY_SLOPE as f32,
    softplus_threshold: THRESHOLD as f32,
    clip_epsilon: 1e-6,
    infinity: f32::INFINITY,
    nan: f32::NAN,
    min_positive: f32::MIN_POSITIVE,
    min_subnormal: f32::from_bits(1),

    round_biased: 12_582_912.0 + 127.0,
    round_half_biased: 12_582_912.0 + 126.0,
    round_least: 12_582_912.0 + 127.0 - 64.0,

    ln2: std::f32::consts::LN_2,
    log2_e: std::f32::consts::LOG2_E,
    half_log2_e: std::f32::consts::LOG2_E / 2.0,
    ln2_high: 0.693_145_75,
    ln2_low: 1.428_606_8e-6,
    exp_low: -104.5,
    exp_high: 89.5,
    // 1.1e-10
    exp: &[0.5, 0.166_666_67, 0.041_666_456, 0.008_333_196, 0.001_393_576_7, 0.000_199_550_86],

    twice_log2_e: 2.0 * std::f32::consts::LOG2_E,
    // 1.97e-9
    exp2_m1: &[std::f32::consts::LN_2, 0.240_226_43, 0.055_503_584, 0.009_618_995, 0.001_339_147_4, 0.000_152_000_15],

    exp_m1_low: -20.0,
    exp_m1_high: 89.0,
    tiny: 1.490_116_1e-8,

    min_exponent: 126.0,
    integer: 8_388_608.0,
    integer_bias: 8_388_608.0 + 127.0,
    two_thirds: f32::from_bits(0x3f2a_aaab),
    one_less_two_thirds: f32::from_bits(0x3f80_0000 - 0x3f2a_aaab),
    mantissa_mask: f32::from_bits(0x007f_ffff),
    // 4.9e-9
    log: &[
        -0.5,
        0.333_332_1,
        -0.249_998_24,
        0.200_107_13,
        -0.166_793_84,
        0.140_016_53,
        -0.121_986_27,
        0.140_025_99,
        -0.128_322_48,
    ],

    // 4.1e-9
    tanh: &[
        -0.333_333,
        0.133_324_06,
        -0.053_883_765,
        0.021_498_457,
        -0.007_963_862,
        0.002_314_505_4,
        -0.000_362_254_13,
    ],
    tanh_high: 10.0,

    // 5.47e-9
    erf_near: &[0.128_379_17, -0.376_125_9, 0.112_828_8, -0.026_808_372, 0.005_060_137_2, -0.000_636_570_2],
    erf_near_high: 0.843_75,
    // 3.31e-9 of erf
    erf_far: &[0.371_875_05, -0.917_069_2, -0.151_965_53, 0.033_091_314, -0.004_659_705, 0.000_311_357_46],
    erf_high: 4.0,

    // 5.27e-9
    softplus: &[
        -0.499_999_3,
        0.333_304_8,
        -0.249_582_93,
        0.196_940_24,
        -0.153_517_19,
        0.106_747_03,
        -0.057_609_588,
        0.020_176_627,
        -0.003_312_496_2,
    ],

    linear_unit_low: -112.0,
    sigmoid_high: 17.4,

    // 3.61e-9
    gelu_near: &[0.398_942_3, -0.066_490_486, 0.009_973_794, -0.001_187_121_1, 0.000_114_103_58, -7.836_266e-6],
    gelu_near_high: 0.875,
    gelu_k: 3.906_25,
    gelu_twice_k: 2.0 * 3.906_25,
    // 7.4e-9
    gelu_far: &[
        0.376_753_03,
        0.076_343_97,
        -0.113_064_1,
        0.100_599_48,
        -0.060_981_125,
        0.023_831_913,
        -0.003_900_223_6,
        -0.001_382_85,
        0.000_697_770_16,
        0.000_101_807_42,
    ],
    gelu_high: 14.6,
    normal_density: 0.398_942_3,
    sqrt_half: std::f32::consts::FRAC_1_SQRT_2,

    gelu_tanh_slope: 1.595_769_2,
    gelu_tanh_1: [1.595_768_9, 1.930_779e-7],
    gelu_tanh_2: [0.071_354_814, 2.398_832_5e-9],
    gelu_tanh_high: 6.0,
    gelu_tanh_low: -11.0,
    three: 3.0,
    minus_three: -3.0,
    six: 6.0,
    sixth: 1.0 / 6.0,
    third: 1.0 / 3.0,
    selu_scale: SELU_SCALE as f32,
    selu_below: SELU_BELOW as f32,
    max: f32::MAX,
};

pub(crate) const F64: Constants<f64> = Constants {
    half: 0.5,
    two: 2.0,
    four: 4.0,
    leaky_slope: LEAKY_SLOPE,
    softplus_threshold: THRESHOLD,
    clip_epsilon: 1e-6,
    infinity: f64::INFINITY,
    nan: f64::NAN,
    min_positive: f64::MIN_POSITIVE,
    min_subnormal: f64::from_bits(1),

    round_biased: 6_755_399_441_055_744.0 + 1023.0,
    round_half_biased: 6_755_399_441_055_744.0 + 1022.0,
    round_least: 6_755_399_441_055_744.0 + 1023.0 - 256.0,

    ln2: std::f64::consts::LN_2,
    log2_e: std::f64::consts::LOG2_E,
    half_log2_e: std::f64::consts::LOG2_E / 2.0,
    ln2_high: 0.693_147_180_369_123_8,
    ln2_low: 1.908_214_929_270_587_7e-10,
    exp_low: -746.0,
    exp_high: 710.0,
    // 3.6e-18
    exp: &[
        0.500_000_000_000_001_3,
        0.166_666_666_666_666_88,
        0.041_666_666_666_511_504,
        0.008_333_333_333_313_74,
        0.001_388_888_894_789_972_4,
        0.000_198_412_699_040_843_76,
        2.480_148_912_304_693e-5,
        2.755_722_763_069_514_5e-6,
        2.763_154_862_676_543e-7,
        2.511_440_712_021_909e-8,
    ],

    twice_log2_e: 2.0 * std::f64::consts::LOG2_E,
    // 3.37e-18
    exp2_m1: &[
        std::f64::consts::LN_2,
        0.240_226_506_959_101_3,
        0.055_504_108_664_822_3,
        0.009_618_129_107_594_37,
        0.001_333_355_814_637_105_6,
        0.000_154_035_304_568_511_73,
        1.525_273_381_476_554_1e-5,
        1.321_543_539_241_535_5e-6,
        1.017_808_302_016_265_7e-7,
        7.073_767_005_736_544e-9,
        4.450_502_143_538_006e-10,
    ],

    exp_m1_low: -40.0,
    exp_m1_high: 710.0,
    tiny: 2.775_557_561_562_891_4e-17,

    min_exponent: 1022.0,
    integer: 4_503_599_627_370_496.0,
    integer_bias: 4_503_599_627_370_496.0 + 1023.0,
    two_thirds: f64::from_bits(0x3fe5_5555_5555_5555),
    one_less_two_thirds: f64::from_bits(0x3ff0_0000_0000_0000 - 0x3fe5_5555_5555_5555),
    mantissa_mask: f64::from_bits(0x000f_ffff_ffff_ffff),
    // 7.8e-18
    log: &[
        -0.499_999_999_999_999_56,
        0.333_333_333_333_331_4,
        -0.250_000_000_000_298_76,
        0.200_000_000_000_802_2,
        -0.166_666_666_608_408,
        0.142_857_142_738_419_12,
        -0.125_000_005_176_245_8,
        0.111_111_119_857_539_06,
        -0.099_999_748_326_883_56,
        0.090_908_720_322_401_78,
        -0.083_340_654_557_364_97,
        0.076_932_769_993_001_25,
        -0.071_295_927_593_143_57,
        0.066_505_394_176_696_53,
        -0.064_001_813_674_710_3,
        0.060_525_480_034_811_31,
        -0.045_338_736_788_972_08,
        0.041_724_683_748_045_3,
        -0.086_967_135_802_703_22,
        0.085_044_549_657_438_93,
    ],

    // 1.0e-17
    tanh: &[
        -0.333_333_333_333_329_9,
        0.133_333_333_332_966_87,
        -0.053_968_253_954_630_87,
        0.021_869_488_279_074_784,
        -0.008_863_232_634_342_941,
        0.003_592_106_728_710_573_5,
        -0.001_455_726_034_066_889_8,
        0.000_589_632_589_594_208_7,
        -0.000_238_073_277_289_520_42,
        9.481_293_244_100_617e-5,
        -3.613_521_879_650_495e-5,
        1.237_804_641_491_246_2e-5,
        -3.438_020_037_847_658e-6,
        6.599_391_034_213_268e-7,
        -6.342_004_645_712_623e-8,
    ],
    tanh_high: 20.0,

    // 1.06e-17
    erf_near: &[
        0.128_379_167_095_512_6,
        -0.376_126_389_031_838_76,
        0.112_837_916_709_587_47,
        -0.026_866_170_645_620_805,
        0.005_223_977_629_110_917,
        -0.000_854_832_719_059_328_9,
        0.000_120_553_378_164_580_66,
        -1.492_573_947_580_985_4e-5,
        1.646_310_313_879_061_9e-6,
        -1.637_081_150_730_086_5e-7,
        1.478_772_608_116_821_3e-8,
        -1.183_516_695_384_390_5e-9,
        6.692_582_827_575_08e-11,
    ],
    erf_near_high: 1.0,
    // 3.5e-18 of erf
    erf_far: &[
        0.372_093_053_822_388_44,
        -0.918_448_893_557_093_6,
        -0.148_266_910_404_484_1,
        0.027_591_352_893_545_9,
        0.000_306_158_818_643_075_26,
        -0.002_442_259_937_486_379,
        0.000_829_406_918_997_953_3,
        1.130_385_520_136_691_8e-6,
        -0.000_137_587_280_223_013_8,
        8.076_334_436_540_743e-5,
        -2.932_889_219_689_699_4e-5,
        7.759_664_814_428_656e-6,
        -1.553_175_321_475_896_5e-6,
        2.347_991_810_785_572_8e-7,
        -2.610_609_028_366_324_2e-8,
        2.018_710_557_235_514_4e-9,
        -9.705_566_736_009_064e-11,
        2.184_842_161_612_255_7e-12,
    ],
    erf_high: 6.0,

    // 9.53e-18
    softplus: &[
        -0.499_999_999_999_994_56,
        0.333_333_333_332_345_6,
        -0.249_999_999_936_527_94,
        0.199_999_997_907_020_4,
        -0.166_666_624_884_984_6,
        0.142_856_587_888_382_3,
        -0.124_994_787_797_324_37,
        0.111_075_012_864_881_64,
        -0.099_809_948_466_049_22,
        0.090_130_880_249_135_42,
        -0.080_810_452_124_764_68,
        0.070_352_136_977_235_12,
        -0.057_496_952_616_878_37,
        0.042_294_046_812_672_56,
        -0.026_738_364_429_557_05,
        0.013_834_694_225_751_116,
        -0.005_541_133_719_993_736,
        0.001_595_052_870_443_849_4,
        -0.000_291_613_944_599_625_7,
        2.531_535_275_147_398_4e-5,
    ],

    linear_unit_low: -760.0,
    sigmoid_high: 37.5,

    // 3.08e-18
    gelu_near: &[
        0.398_942_280_401_432_7,
        -0.066_490_380_066_906_75,
        0.009_973_557_010_059_982,
        -0.001_187_328_215_708_109_4,
        0.000_115_434_688_875_690_8,
        -9.444_660_675_391_489e-6,
        6.659_795_522_113_187e-7,
        -4.124_240_950_985_722e-8,
        2.289_571_557_860_211e-9,
        -1.233_742_607_251_392_4e-10,
        8.938_360_214_082_282e-12,
        -8.135_388_522_098_65e-13,
    ],
    gelu_near_high: 0.875,
    gelu_k: 4.0,
    gelu_twice_k: 2.0 * 4.0,
    // 3.18e-17
    gelu_far: &[
        0.377_642_565_207_875_76,
        0.073_694_244_221_929_6,
        -0.110_379_620_614_840_79,
        0.100_307_771_391_291_67,
        -0.063_062_641_534_257_61,
        0.026_428_192_961_536_343,
        -0.005_509_940_669_404_733,
        -0.000_924_436_943_491_063_4,
        0.000_882_081_413_623_841_7,
        -4.887_543_815_190_382e-5,
        -0.000_116_501_801_384_854_98,
        1.661_906_879_763_748_6e-5,
        1.793_156_563_026_865_5e-5,
        -2.605_415_727_831_788_5e-6,
        -3.277_280_229_168_07e-6,
        2.060_158_696_341_857e-7,
        6.502_071_354_595_335e-7,
        4.088_549_761_139_144e-8,
        -1.226_341_460_622_869_2e-7,
        -1.799_193_040_094_183_5e-8,
        1.651_216_155_231_799e-8,
        1.280_106_874_860_085_2e-9,
    ],
    gelu_high: 39.0,
    normal_density: 0.398_942_280_401_432_7,
    sqrt_half: std::f64::consts::FRAC_1_SQRT_2,

    gelu_tanh_slope: 1.595_769_121_605_730_8,
    gelu_tanh_1: [1.595_769_121_605_734_1, -3.430_362_161_966_579e-15],
    gelu_tanh_2: [0.071_354_816_272_600_25, -6.175_149_918_155_315e-19],
    gelu_tanh_high: 9.0,
    gelu_tanh_low: -22.0,
    three: 3.0,
    minus_three: -3.0,
    six: 6.0,
    sixth: 1.0 / 6.0,
    third: 1.0 / 3.0,
    selu_scale: SELU_SCALE,
    selu_below: SELU_BELOW,
    max: f64::MAX,
};
