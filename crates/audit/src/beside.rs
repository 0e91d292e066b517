//! Whole trainings and evaluations: their kernels, and what they compute beside them.

use std::hint::black_box;

use nxm_count::{
    Cpu, EPOCH_REPORT, Formulas, Kinds, Level, NetworkSpec, Overflow, Run, Tally, WEIGHTED_EPOCH_REPORT,
    evaluation_beside_kernels, new_program_beside_kernels, new_step_beside_kernels, step_beside_kernels,
    weighted_step_beside_kernels,
};
use nxm_kernels::Element;
use nxm_net::{Dataset, EVALUATION_ROWS, ElementType, Loss, Step, Training, TrainingOptions};

use crate::error::{AuditError, case};
use crate::finding::{Finding, overflow};

/// Audits step `step`, from the second on, of a training of `network` on `examples` examples, as [`Training`] makes it: with its learning rate
/// and its report. The optimizer, the loss and the clipping are those of `options`, which must not clip; whether examples have weights, the
/// network says.
///
/// # Errors
/// [`AuditError`] if the system does not allow it, if an instruction is unknown, or if the options do not fit the network.
pub fn audit_training_step(
    network: &NetworkSpec,
    options: &TrainingOptions,
    examples: u64,
    step: u64,
    level: Level,
    element: ElementType,
) -> Result<Finding, AuditError> {
    match element {
        ElementType::F32 => training_in::<f32>(network, options, examples, step, level),
        ElementType::F64 => training_in::<f64>(network, options, examples, step, level),
    }
}

fn training_in<T: Element>(
    network: &NetworkSpec,
    options: &TrainingOptions,
    examples: u64,
    step: u64,
    level: Level,
) -> Result<Finding, AuditError> {
    let (step, batch) = (step.max(2), (options.batch as u64).clamp(1, examples));
    let per_epoch = examples.div_ceil(batch);
    let place = (step - 1) % per_epoch;
    let rows = batch.min(examples - place * batch);
    let options = options.clone().with_epochs(step.div_ceil(per_epoch) as usize);

    let (element, weighted) = (ElementType::of::<T>(), network.has_example_weights());
    let mut network = network.build::<T>(1).map_err(case)?;
    let data = dataset::<T>(network.inputs(), network.outputs(), examples as usize, &options.loss, weighted)?;
    let spec = NetworkSpec::of_training(&network, &options).on(&data);
    let (beside, report) = match weighted {
        false => {
            let report = if options.loss.is_sum() { WEIGHTED_EPOCH_REPORT } else { EPOCH_REPORT };
            (step_beside_kernels(&options, step, element), report)
        }
        true => (weighted_step_beside_kernels(&options, step, rows, element), WEIGHTED_EPOCH_REPORT),
    };
    let mut beside = beside.map_err(overflow)?;
    if place + 1 == per_epoch {
        beside = beside.plus(&report).map_err(overflow)?;
    }
    // A short last batch is first seen in the first epoch.
    if rows < batch && step == per_epoch {
        let program = new_program_beside_kernels(&spec, element).map_err(overflow)?;
        beside = beside.plus(&program).map_err(overflow)?;
    }
    let formula = Formulas::of::<T>(level).step(&spec, rows).map_err(case)?.total;

    let cpu = Cpu::new(level, 1);
    let mut training = Training::new(&mut network, &cpu, &data, options).map_err(case)?;
    let mut train = || {
        black_box(training.step().expect("an epoch that is not finished").expect("a training that does not diverge"));
    };
    // The audit runs one more, and then the one that is counted.
    (0..step - 2).for_each(|_| train());
    Finding::new::<T>(format!("step {step} of a training"), level, (formula, beside), train)
}

/// Audits the evaluation of `network` on `examples` examples.
///
/// # Errors
/// [`AuditError`] if the system does not allow it, if an instruction is unknown, or if there are no examples.
pub fn audit_evaluation(
    network: &NetworkSpec,
    examples: u64,
    level: Level,
    element: ElementType,
) -> Result<Finding, AuditError> {
    match element {
        ElementType::F32 => evaluation_in::<f32>(network, examples, level),
        ElementType::F64 => evaluation_in::<f64>(network, examples, level),
    }
}

fn evaluation_in<T: Element>(network: &NetworkSpec, examples: u64, level: Level) -> Result<Finding, AuditError> {
    let (rows, loss) = (EVALUATION_ROWS as u64, network.loss().clone());
    let formulas = Formulas::of::<T>(level);
    let of = |rows| formulas.run(network, rows, Run::Evaluation).map(|run| run.total).map_err(case);
    let mut formula = Tally::NONE;
    if examples >= rows {
        formula = of(rows)?.times((examples / rows).into()).map_err(overflow)?;
    }
    if !examples.is_multiple_of(rows) {
        formula = formula.plus(&of(examples % rows)?).map_err(overflow)?;
    }
    let beside = evaluation_beside_kernels(network, examples, ElementType::of::<T>());
    let weighted = network.has_example_weights();
    let network = network.build::<T>(1).map_err(case)?;
    let data = dataset::<T>(network.inputs(), network.outputs(), examples as usize, &loss, weighted)?;
    let cpu = Cpu::new(level, 1);
    Finding::new::<T>(format!("evaluation × {examples}"), level, (formula, beside.map_err(overflow)?), || {
        black_box(network.evaluate(&cpu, &data, &loss).expect("examples that fit"));
    })
}

/// Audits [`Step::new`] for `network`, which runs no kernel but computes the constants of its loss.
///
/// # Errors
/// [`AuditError`] if the system does not allow it or an instruction is unknown.
pub fn audit_new_step(network: &NetworkSpec, level: Level, element: ElementType) -> Result<Finding, AuditError> {
    match element {
        ElementType::F32 => new_step_in::<f32>(network, level),
        ElementType::F64 => new_step_in::<f64>(network, level),
    }
}

fn new_step_in<T: Element>(network: &NetworkSpec, level: Level) -> Result<Finding, AuditError> {
    let loss = network.loss();
    let beside: Result<Kinds, Overflow> = new_step_beside_kernels(network, ElementType::of::<T>());
    let beside = beside.map_err(overflow)?;
    let network = network.build::<T>(1).map_err(case)?;
    Finding::new::<T>(format!("a new step, {loss}"), level, (Tally::NONE, beside), || {
        black_box(Step::new(&network, loss, black_box(5)).expect("a network that fits"));
    })
}

/// Examples, all alike but for their labels and, if they have weights, those.
fn dataset<T: Element>(
    features: usize,
    outputs: usize,
    rows: usize,
    loss: &Loss,
    weighted: bool,
) -> Result<Dataset<T>, AuditError> {
    let half = |n: usize| vec![T::from_f64(0.5); n];
    let data = match loss.takes_labels() {
        true => {
            let labels = (0..rows).map(|row| (row % outputs) as u32).collect();
            Dataset::classification(half(rows * features), features, labels, outputs).map_err(case)?
        }
        false => Dataset::regression(half(rows * features), features, half(rows * outputs), outputs).map_err(case)?,
    };
    let weights = (0..rows).map(|row| T::from_f64(0.5 + row as f64));
    if weighted { data.with_weights(weights.collect()).map_err(case) } else { Ok(data) }
}
