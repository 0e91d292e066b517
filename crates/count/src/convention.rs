//! What the numbers mean: the words that stand beside every count.

/// The conventions by name, as `("multiplications", "mul + fma of …")`.
pub const CONVENTIONS: [(&str, &str); 12] = [
    (
        "kernels",
        "all that is counted; learning rates, constants and reported means, computed in f64 beside kernels, are in no number",
    ),
    ("multiplications", "mul + fma of the network's own arithmetic"),
    ("additions", "add + fma of the network's own arithmetic; a subtraction is an addition"),
    (
        "flops",
        "every operation of the network's own arithmetic, an fma being two: 2 fma + mul + add + div + sqrt + cmp; convert is not arithmetic",
    ),
    ("cmp", "comparisons, maxima and minima"),
    ("functions", "evaluations of activations, exp and log, by name"),
    ("inside_functions", "the arithmetic executed inside those evaluations; in no other number"),
    ("forward", "a sum starts from its bias: N multiplications and N additions for N inputs, N + 1 terms"),
    (
        "backward",
        "the gradients of weights, biases and inputs; of the data nobody asks, so the first layer has no input gradient",
    ),
    ("bytes_read, bytes_written", "each operand of a phase once, each result once: what must be moved at least"),
    (
        "bytes_loaded, bytes_stored",
        "what the loads and stores of the kernels ask for, each time, on the level and threads that \"machine\" names; copies that kernels make are in it",
    ),
    ("useful", "lanes whose result is used: what is counted; padding is executed beside them in ragged vectors"),
];
