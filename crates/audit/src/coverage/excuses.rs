//! The written list of what no audit steps, each with its reason.
//!
//! A number is a limit for each level of the release build, by the kernel that [`Gap`](super::Gap) names. The limits are rounded up from what was
//! found at four levels, and they may only fall. `nxm audit` fails if a kernel exceeds its limit, or if a kernel that is not listed misses an
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

/// Binary cross-entropy was read at AVX-512 in f64, and tried at AVX2 with every mixture of padded and plain operands.
const COPY_OF_ROWS: &str = "a copy of the loop over rows of `BinaryCrossEntropy::run`; what asks for it is not known. Every mixture of padded and plain \
                            operands was tried, with 1 row and 3, at avx2, and none entered it";
/// By the lines that the instructions were compiled from.
const COPY_OF_LABELLED_ROWS: &str = "the compiler copies the whole loop over rows of the kernel's `run`, from the row's maximum to its loss: no length of a \
                                     row, number of rows or padding that was tried enters it, and what asks for it is not known; and sums of the losses of \
                                     48 rows or 128, left out for their time";
const ROWS_AND_SUMS: &str = "`MeanSquaredError::run`: a copy of the subtraction, by its lines for rows without columns, and ends \
                             of `reduce` that its lengths do not have";
/// 16 MiB are millions of instructions for each case. The rest is not traced.
const BEYOND_CACHES: &str = "`Gemv::run` takes four long rows at once on levels of 16 registers only if the matrix exceeds 16 MiB, which takes minutes to \
                             step; and ends of `reduce` that no length has";
const STRIPS: &str = "`strip` in gemv/transposed.rs: unrolled copies of its loop over chunks for chunks of less than a vector, which only the last strip has; no \
                      number of rows or columns that was tried enters them";
const UPDATES: &str = "`update_row` in update.rs, without padding: ends of rows and copies that no case has; by rule, they are not traced further";
const REDUCTION: &str =
    "`vectors_of_each` in reduce.rs: blocks that the compiler unrolled for lengths that no case has";
const NO_LANES_LEFT: &str = "`last_columns` in column_sum.rs: columns behind the last whole vector, of which there are none with vectors of one lane";
const ELEMENTS: &str =
    "`map_padded` in elementwise.rs: what is left of a loop that the compiler unrolled, at a length that no case has";
const TILES: &str = "the loops over terms in gemm/tile.rs and `Outer` in gemm/outer.rs: unrolled ends for numbers of terms and columns that no case has";
const OUTER_END: &str = "the ragged vector of a row in ger.rs: a copy for lengths that no case has";

const EXCUSES: &[Excuse] = &[
    Excuse { kernel: "activate", most: 10, reason: ELEMENTS },
    Excuse { kernel: "add_squares", most: 25, reason: REDUCTION },
    Excuse { kernel: "binary_cross_entropy", most: 1190, reason: COPY_OF_ROWS },
    Excuse { kernel: "column_sum", most: 5, reason: NO_LANES_LEFT },
    Excuse { kernel: "cross_entropy", most: 574, reason: COPY_OF_LABELLED_ROWS },
    Excuse { kernel: "dense_input_gradient", most: 5, reason: ELEMENTS },
    Excuse { kernel: "dense_update", most: 117, reason: UPDATES },
    Excuse { kernel: "derive", most: 10, reason: ELEMENTS },
    Excuse { kernel: "dot", most: 18, reason: REDUCTION },
    Excuse { kernel: "dot_in_f64", most: 35, reason: REDUCTION },
    Excuse { kernel: "gemm", most: 45, reason: TILES },
    Excuse { kernel: "gemm_scaled", most: 5, reason: ELEMENTS },
    Excuse { kernel: "gemv", most: 223, reason: BEYOND_CACHES },
    Excuse { kernel: "gemv_transposed", most: 173, reason: STRIPS },
    Excuse { kernel: "ger", most: 8, reason: OUTER_END },
    Excuse { kernel: "mean_squared_error", most: 33, reason: ROWS_AND_SUMS },
    Excuse { kernel: "softmax", most: 5, reason: REDUCTION },
    Excuse { kernel: "weighted_cross_entropy", most: 918, reason: COPY_OF_LABELLED_ROWS },
];

/// What the list says about a kernel.
pub(super) fn of(kernel: Option<&str>) -> Option<&'static Excuse> {
    EXCUSES.iter().find(|excuse| Some(excuse.kernel) == kernel)
}
