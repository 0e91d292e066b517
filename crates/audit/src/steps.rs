//! Whole training steps and predictions.

use std::hint::black_box;

use nxm_count::{Breakdown, Cpu, Formulas, Kinds, Level, NetworkSpec, Rehearsal, Tally, rule_constants};
use nxm_kernels::{Element, MatrixRef};
use nxm_net::{ElementType, Predictor};

use crate::error::{AuditError, case};
use crate::finding::{Finding, overflow};

/// Flops of the largest step.
const OPERATIONS: u128 = 1 << 22;

/// Audits a training step of `network` on `batch` random examples at `level` in these elements: the `step`th from the network's first,
/// at least the second, for the first makes caches and buffers as they stay. What the optimizer's constants take depends on it.
///
/// # Errors
/// [`AuditError`] if the system does not allow it, if an instruction is unknown, or if the step has more than 2²² flops to execute, which
/// would take minutes.
pub fn audit_step(
    network: &NetworkSpec,
    batch: u64,
    level: Level,
    step: u64,
    element: ElementType,
) -> Result<Finding, AuditError> {
    match element {
        ElementType::F32 => step_in::<f32>(network, batch, level, step),
        ElementType::F64 => step_in::<f64>(network, batch, level, step),
    }
}

fn step_in<T: Element>(network: &NetworkSpec, batch: u64, level: Level, step: u64) -> Result<Finding, AuditError> {
    let formula = formula::<T>(network, batch, level)?.total;
    small(&formula)?;
    let mut rehearsal = Rehearsal::<T>::new(network, batch).map_err(case)?;
    let (cpu, rows) = (Cpu::new(level, 1), rehearsal.batch());
    let step = step.max(2);
    let mut train = || {
        rehearsal.step(&cpu, rows).expect("a step that was checked");
    };
    // The audit runs one more, and then the one that is counted.
    (0..step - 2).for_each(|_| train());
    let constants = rule_constants(network.optimizer(), step, ElementType::of::<T>()).map_err(overflow)?;
    Finding::new::<T>(name("step", network, batch), level, (formula, constants), train)
}

/// Audits what `network` says of `batch` examples at `level` in these elements: its forward pass.
///
/// # Errors
/// As [`audit_step`].
pub fn audit_prediction(
    network: &NetworkSpec,
    batch: u64,
    level: Level,
    element: ElementType,
) -> Result<Finding, AuditError> {
    match element {
        ElementType::F32 => prediction_in::<f32>(network, batch, level),
        ElementType::F64 => prediction_in::<f64>(network, batch, level),
    }
}

fn prediction_in<T: Element>(network: &NetworkSpec, batch: u64, level: Level) -> Result<Finding, AuditError> {
    let formula = formula::<T>(network, batch, level)?.forward;
    small(&formula)?;
    let rows = batch as usize;
    let predictor = Predictor::new(network.build::<T>(1).map_err(case)?, rows);
    let mut buffers = predictor.buffers().map_err(case)?;
    let inputs = predictor.network().inputs();
    let (cpu, x) = (Cpu::new(level, 1), vec![T::from_f64(0.5); rows * inputs]);
    Finding::new::<T>(name("prediction", network, batch), level, (formula, Kinds::NONE), || {
        let x = MatrixRef::new(&x, rows, inputs).expect("a batch of this shape");
        black_box(predictor.predict(&cpu, x, &mut buffers).expect("a batch of this shape"));
    })
}

fn formula<T: Element>(network: &NetworkSpec, batch: u64, level: Level) -> Result<Breakdown<Tally>, AuditError> {
    Formulas::of::<T>(level).step(network, batch).map_err(case)
}

/// Whether it takes less than minutes.
fn small(formula: &Tally) -> Result<(), AuditError> {
    let lanes = formula.executed().map_err(overflow)?;
    let needed = lanes.flops().saturating_add(lanes.inside().flops());
    if needed <= OPERATIONS {
        return Ok(());
    }
    Err(AuditError::Case(format!(
        "the step is too large to be executed one instruction at a time: it takes {needed} flops, and at most {OPERATIONS} are allowed"
    )))
}

fn name(what: &str, network: &NetworkSpec, batch: u64) -> String {
    let sizes: Vec<String> = network.sizes().iter().map(u64::to_string).collect();
    format!("{what} {} × {batch}", sizes.join("-"))
}
