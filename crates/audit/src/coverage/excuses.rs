//! The written list of what no audit steps, each with its reason.
//!
//! A number is a limit for each level of the release build, by the kernel that [`Gap`](super::Gap) names. The limits are what was found at
//! four levels, the most of them, and they may only fall. `nxm audit` fails if a kernel exceeds its limit, or if a kernel that is not listed misses an
//! instruction.

/// Floating-point instructions of a kernel that no audit steps.
#[derive(Debug, PartialEq, Eq)]
pub struct Excuse {
    /// The kernel.
    pub kernel: &'static str,
    /// How many there may be at each level, in both element types together.
    pub most: usize,
    /// Why.
    pub reason: &'static str,
}

/// By the machine code of AVX-512: the copy is behind a test whether the matrix has columns.
const NO_COLUMNS: &str =
    "a compiler copies the loop over rows for a matrix without columns, of which no element of y is asked";
/// By the machine code of the scalar level.
const NO_ELEMENTS: &str =
    "a compiler copies the loop over rows of a cheap function for rows without columns, of which no element is asked";
/// By their lines. A return for losses of nothing, which no call has, did not remove the copies.
const SUM_OF_ROWS: &str =
    "a copy of the addition of rows' sums, or of the subtraction for targets by columns; what asks for it is not known";
/// 16 MiB are millions of instructions for each length. To ask for the distance of rows instead made cached blocks of large matrices up to 1.4 times slower.
const BEYOND_CACHES: &str = "`Gemv::run` takes four long rows at once on levels of 16 registers only if the matrix exceeds 16 MiB, which takes too \
                             long to step";
const ELEMENTS: &str =
    "`map_padded` in elementwise.rs: what is left of a loop that the compiler unrolled, at a length that no case has";
const TILES: &str = "the loops over terms in gemm/tile.rs and `Outer` in gemm/outer.rs: unrolled ends for numbers of terms and columns that no case has";
const UPDATES: &str =
    "`update_row` in update.rs: a ragged end that the compiler made of single lanes, for lengths that no case has";
const REDUCTION: &str = "`fold_blocks` in reduce.rs: a fold that the compiler copied for a length that no case has";
/// By their addresses. More lengths, and numbers of rows that are no multiples of four, did not reach them.
const ROWS: &str =
    "a copy of the loop over rows, of operands laid out as no case has them; which layout asks for it is not known";
const OUTER_END: &str = "the ragged vector of a row in ger.rs: a copy for lengths that no case has";

const EXCUSES: &[Excuse] = &[
    Excuse { kernel: "activate", most: 40, reason: NO_ELEMENTS },
    Excuse { kernel: "batch_norm", most: 10, reason: ROWS },
    Excuse { kernel: "batch_norm_gradient", most: 48, reason: ROWS },
    Excuse { kernel: "binary_cross_entropy", most: 4, reason: SUM_OF_ROWS },
    Excuse { kernel: "dense_input_gradient", most: 2, reason: ELEMENTS },
    Excuse { kernel: "dense_update", most: 2, reason: UPDATES },
    Excuse { kernel: "derive", most: 8, reason: ELEMENTS },
    Excuse { kernel: "element_loss", most: 4, reason: SUM_OF_ROWS },
    Excuse { kernel: "gemm", most: 24, reason: TILES },
    Excuse { kernel: "gemm_scaled", most: 3, reason: ELEMENTS },
    Excuse { kernel: "gemv", most: 216, reason: BEYOND_CACHES },
    Excuse { kernel: "gemv_transposed", most: 84, reason: NO_COLUMNS },
    Excuse { kernel: "ger", most: 6, reason: OUTER_END },
    Excuse { kernel: "layer_norm", most: 58, reason: ROWS },
    Excuse { kernel: "layer_norm_gradient", most: 64, reason: ROWS },
    Excuse { kernel: "log_softmax", most: 2, reason: REDUCTION },
    Excuse { kernel: "log_softmax_gradient", most: 320, reason: ROWS },
    Excuse { kernel: "mean_squared_error", most: 14, reason: SUM_OF_ROWS },
    Excuse { kernel: "softmax", most: 1, reason: REDUCTION },
    Excuse { kernel: "softmax_gradient", most: 24, reason: ROWS },
    Excuse { kernel: "weighted_binary_cross_entropy", most: 8, reason: SUM_OF_ROWS },
];

/// What the list says about a kernel.
pub(super) fn of(kernel: Option<&str>) -> Option<&'static Excuse> {
    EXCUSES.iter().find(|excuse| Some(excuse.kernel) == kernel)
}
