//! What compilers leave out of functions, operation by operation.
//!
//! A function is one sequence of operations on every level, and a level's instructions may make one of them superfluous. All are
//! eliminations of what has been computed before, so no bit changes. Whether a compiler sees one depends on the build. So each function is
//! audited once by itself ([`pinned`]), and what that shows is required of every audit in the same process.

use std::sync::Mutex;

use nxm_count::{Cpu, Formulas, Function, Kind, Kinds, Ops, Overflow};
use nxm_kernels::{Call, Element, Level, MatrixMut, VectorShape};

use crate::error::AuditError;
use crate::finding::{everything, overflow};

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
const UNFUSED: [Rewrite; 10] = [
    Rewrite { function: Function::Tanh, kind: Kind::Mul, times: 1, reason: SHARED },
    Rewrite { function: Function::ExpM1, kind: Kind::Mul, times: 2, reason: SHARED },
    Rewrite { function: Function::Erf, kind: Kind::Mul, times: 1, reason: SHARED },
    Rewrite { function: Function::Elu, kind: Kind::Mul, times: 2, reason: SHARED },
    Rewrite { function: Function::Celu, kind: Kind::Mul, times: 2, reason: SHARED },
    Rewrite { function: Function::Selu, kind: Kind::Mul, times: 2, reason: SHARED },
    Rewrite { function: Function::Gelu, kind: Kind::Mul, times: 2, reason: SHARED },
    Rewrite { function: Function::GeluTanh, kind: Kind::Mul, times: 3, reason: SHARED },
    Rewrite { function: Function::GeluDerivative, kind: Kind::Mul, times: 1, reason: SHARED },
    LOG_1P,
];
/// All that may hold on a level whose vectors have this shape.
fn rewrites(level: Level, shape: VectorShape) -> &'static [Rewrite] {
    match level.name() {
        "wide" if !shape.fused => &UNFUSED,
        "wide" => &[LOG_1P],
        _ => &[],
    }
}

/// The rewrites that this build makes at `level` in these elements.
///
/// Each is looked for where nothing else can be mistaken for it: in an evaluation of its function alone. The answer is kept for the life of
/// the process.
pub(crate) fn pinned<T: Element>(level: Level) -> Result<Vec<Rewrite>, AuditError> {
    static PINNED: Mutex<Vec<(&str, &str, Vec<Rewrite>)>> = Mutex::new(Vec::new());
    let known = |pinned: &[(&str, &str, Vec<Rewrite>)]| {
        let of = pinned.iter().find(|(of_level, of_element, _)| (*of_level, *of_element) == (level.name(), T::NAME));
        of.map(|(_, _, rewrites)| rewrites.clone())
    };
    if let Some(rewrites) = known(&PINNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())) {
        return Ok(rewrites);
    }
    let mut made = Vec::new();
    for rewrite in rewrites(level, level.shape::<T>()) {
        if is_made::<T>(rewrite, level)? {
            made.push(*rewrite);
        }
    }
    PINNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((level.name(), T::NAME, made.clone()));
    Ok(made)
}

/// Whether an evaluation of the function executes what its formula says but for `rewrite`.
fn is_made<T: Element>(rewrite: &Rewrite, level: Level) -> Result<bool, AuditError> {
    let n = std::hint::black_box(5 * level.shape::<T>().lanes);
    // The audit runs it twice.
    let mut operands = [(); 2].map(|()| vec![T::from_f64(0.5); n]);
    let call = |operand| Call::apply(rewrite.function, MatrixMut::from_row(operand)).expect("a row without gaps");
    let mut calls: Vec<Call<'_, T>> = operands.iter_mut().map(|operand| call(operand)).collect();
    let formula = Formulas::of::<T>(level).executed(&calls[0].operation()).map_err(overflow)?;
    let executed = formula.executed().map_err(overflow)?;
    let cpu = Cpu::new(level, 1);
    // SAFETY: a kernel on one thread.
    let traced = unsafe { crate::trace(|| T::run(&cpu, calls.pop().expect("as many calls as runs"), None)) };
    let machine = traced?.kinds(|_| true);
    let (full, less) = (everything(&executed)?, left_out(&executed, &[*rewrite]).map_err(overflow)?);
    Ok(Kind::ALL.into_iter().all(|kind| full.get(kind).checked_sub(less.get(kind)) == Some(machine.get(kind))))
}

/// What `rewrites` leave out of `executed`.
pub(crate) fn left_out(executed: &Ops, rewrites: &[Rewrite]) -> Result<Kinds, Overflow> {
    Kinds::new(
        rewrites
            .iter()
            .map(|rewrite| (rewrite.kind, u128::from(rewrite.times) * executed.evaluations(rewrite.function))),
    )
}
