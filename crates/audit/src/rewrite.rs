//! What compilers leave out of functions, operation by operation.
//!
//! A function is one sequence of operations on every level, and a level's instructions may make one of them superfluous. All are
//! eliminations of what has been computed before, so no bit changes. Whether a compiler sees one depends on the build.

use nxm_count::{Function, Kind, Kinds, Ops, Overflow};
use nxm_kernels::{Level, VectorShape};

/// An operation that an evaluation of a function does not execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The function.
    pub function: Function,
    /// The operation.
    pub kind: Kind,
    /// How often, per evaluation.
    pub times: u32,
    /// Why.
    pub reason: &'static str,
}

/// a·b + c and a·b + d.
const SHARED: &str = "two multiply-adds of the same factors, neither fused, share the product";
/// Also where multiply-adds are fused.
const LOG_1P: Rewrite = Rewrite {
    function: Function::Log1P,
    kind: Kind::Cmp,
    times: 1,
    reason: "max(x, 1) and min(1, x), made of comparisons and choices, share the comparison",
};
const UNFUSED: [Rewrite; 8] = [
    Rewrite { function: Function::Tanh, kind: Kind::Mul, times: 1, reason: SHARED },
    Rewrite { function: Function::ExpM1, kind: Kind::Mul, times: 2, reason: SHARED },
    Rewrite { function: Function::Erf, kind: Kind::Mul, times: 1, reason: SHARED },
    Rewrite { function: Function::Elu, kind: Kind::Mul, times: 2, reason: SHARED },
    Rewrite { function: Function::Gelu, kind: Kind::Mul, times: 2, reason: SHARED },
    Rewrite { function: Function::GeluTanh, kind: Kind::Mul, times: 3, reason: SHARED },
    Rewrite { function: Function::GeluDerivative, kind: Kind::Mul, times: 1, reason: SHARED },
    LOG_1P,
];
/// All that hold on a level whose vectors have this shape.
pub(crate) fn rewrites(level: Level, shape: VectorShape) -> &'static [Rewrite] {
    match level.name() {
        "wide" if !shape.fused => &UNFUSED,
        "wide" => &[LOG_1P],
        _ => &[],
    }
}

/// What `rewrites` leave out of `executed`.
pub(crate) fn left_out(executed: &Ops, rewrites: &[Rewrite]) -> Result<Kinds, Overflow> {
    Kinds::new(
        rewrites
            .iter()
            .map(|rewrite| (rewrite.kind, u128::from(rewrite.times) * executed.evaluations(rewrite.function))),
    )
}
