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

/// Read off the machine code of `binary_cross_entropy` in f64 at AVX-512. The others have loops of the same form.
const COPIES: &str = "the compiler copies a loop over rows for operands of unequal shapes, which the check of a call rules out; other losses \
                      than binary cross-entropy are not traced to that copy instruction by instruction";
/// Not traced to an input yet.
const UNROLLED: &str =
    "not traced yet: loops that the compiler unrolled or copied, for lengths and layouts that no case has";

const EXCUSES: &[Excuse] = &[
    Excuse { kernel: "activate", most: 10, reason: UNROLLED },
    Excuse { kernel: "add_squares", most: 25, reason: UNROLLED },
    Excuse { kernel: "binary_cross_entropy", most: 1300, reason: COPIES },
    Excuse { kernel: "column_sum", most: 5, reason: UNROLLED },
    Excuse { kernel: "cross_entropy", most: 780, reason: COPIES },
    Excuse { kernel: "dense_input_gradient", most: 5, reason: UNROLLED },
    Excuse { kernel: "dense_update", most: 380, reason: UNROLLED },
    Excuse { kernel: "derive", most: 10, reason: UNROLLED },
    Excuse { kernel: "dot", most: 18, reason: UNROLLED },
    Excuse { kernel: "dot_in_f64", most: 35, reason: UNROLLED },
    Excuse { kernel: "gemm", most: 45, reason: UNROLLED },
    Excuse { kernel: "gemm_scaled", most: 5, reason: UNROLLED },
    Excuse { kernel: "gemv", most: 240, reason: UNROLLED },
    Excuse { kernel: "gemv_transposed", most: 185, reason: UNROLLED },
    Excuse { kernel: "ger", most: 8, reason: UNROLLED },
    Excuse { kernel: "mean_squared_error", most: 65, reason: COPIES },
    Excuse { kernel: "softmax", most: 5, reason: UNROLLED },
    Excuse { kernel: "weighted_cross_entropy", most: 1300, reason: COPIES },
];

/// What the list says about a kernel.
pub(super) fn of(kernel: Option<&str>) -> Option<&'static Excuse> {
    EXCUSES.iter().find(|excuse| Some(excuse.kernel) == kernel)
}
