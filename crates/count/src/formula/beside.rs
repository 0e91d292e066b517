//! What a training executes beside its kernels: in f64, a few operations a step, an epoch and an evaluation.
//!
//! None of it is in a step's count, nor in that of a training. An integer that becomes an f64 is a conversion. So is a number that goes from
//! or to f32; in f64 that one is none.

use nxm_net::{EVALUATION_ROWS, ElementType, LearningRateSchedule, Loss, TrainingOptions};

use super::constants::{power, rule_constants};
use crate::kind::{Kind, Kinds, Overflow};

/// `n` numbers that go from or to the elements' type.
fn rounded(element: ElementType, n: u128) -> (Kind, u128) {
    (Kind::Convert, if element == ElementType::F32 { n } else { 0 })
}

/// What the learning rate of step `step`, counted from 1, takes:
/// [`LearningRateSchedule::learning_rate`].
///
/// | schedule | operations |
/// |---|---|
/// | constant | none |
/// | step, milestones | 1 mul and γⁿ by squaring: as many more as n has binary digits and ones, less 2; none if n is 0 |
/// | linear | 2 additions, 2 mul, 1 div, 2 conversions |
/// | cosine, cosine_restarts | 3 additions, 3 mul, 1 div, 2 conversions. And one cosine of the standard library, which is not counted |
///
/// # Errors
/// None but [`Overflow`], which such small numbers do not cause.
pub fn schedule_operations(schedule: &LearningRateSchedule, step: u64) -> Result<Kinds, Overflow> {
    let before = step.max(1) - 1;
    match schedule {
        LearningRateSchedule::Constant => Ok(Kinds::NONE),
        LearningRateSchedule::Step { every, .. } => Kinds::new([(Kind::Mul, 1 + power(before / every))]),
        LearningRateSchedule::Milestones { at, .. } => {
            let passed = at.iter().filter(|milestone| **milestone <= before).count();
            Kinds::new([(Kind::Mul, 1 + power(passed as u64))])
        }
        LearningRateSchedule::Linear { .. } => {
            Kinds::new([(Kind::Add, 2), (Kind::Mul, 2), (Kind::Div, 1), (Kind::Convert, 2)])
        }
        LearningRateSchedule::Cosine { .. } | LearningRateSchedule::CosineRestarts { .. } => {
            Kinds::new([(Kind::Add, 3), (Kind::Mul, 3), (Kind::Div, 1), (Kind::Convert, 2)])
        }
    }
}

/// What step `step` of a training, counted from 1, executes beside its kernels: its learning rate ([`schedule_operations`], 1 conversion), the
/// constants of the optimizer's rule ([`rule_constants`]), and its share of the epoch's mean loss (1 mul, 1 addition, 2 conversions). In
/// f64 two of the three conversions are none.
///
/// The first step on a number of rows also makes a program for it ([`new_program_beside_kernels`]). The last step of an epoch adds [`EPOCH_REPORT`].
///
/// ```
/// use nxm_count::step_beside_kernels;
/// use nxm_net::{ElementType, TrainingOptions};
/// let beside = step_beside_kernels(&TrainingOptions::default(), 2, ElementType::F32)?;
/// assert_eq!((beside.flops(), beside.convert()), (2, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// None but [`Overflow`], which such small numbers do not cause.
pub fn step_beside_kernels(options: &TrainingOptions, step: u64, element: ElementType) -> Result<Kinds, Overflow> {
    let report = Kinds::new([(Kind::Mul, 1), (Kind::Add, 1), (Kind::Convert, 1), rounded(element, 2)])?;
    schedule_operations(&options.schedule, step)?
        .plus(&rule_constants(&options.optimizer, step, element)?)?
        .plus(&report)
}

/// What the report of an epoch takes: Σ loss · examples, divided by the examples. 1 div, 1 conversion.
pub const EPOCH_REPORT: Kinds = Kinds::small([0, 0, 0, 1, 0, 0, 1]);

/// What the constants of a loss take each time they are computed, for a batch of M outputs a row.
///
/// A [`Step`](nxm_net::Step) computes them once when it is made, and twice when it first sees a number of rows
/// ([`new_program_beside_kernels`]).
///
/// | loss | operations |
/// |---|---|
/// | mean squared error: 1/(BM), 2/(BM) | 1 mul, 2 div, 4 conversions (2 in f64) |
/// | binary cross-entropy: 1/(BM) | 1 mul, 1 div, 3 conversions (2) |
/// | cross-entropy: 1/B | 1 div, 2 conversions (1) |
/// | with label smoothing alone: ε | 1 conversion (none) |
/// | with class weights: Σ ε/M·w | M mul, M div, M − 1 additions, M + 1 conversions (M) |
///
/// # Errors
/// [`Overflow`] if M is so large that a count exceeds 128 bits, which a 64-bit number is not.
pub fn loss_constants(loss: &Loss, outputs: u64, element: ElementType) -> Result<Kinds, Overflow> {
    let m = u128::from(outputs);
    let convert = |n| (Kind::Convert, n);
    match loss {
        Loss::MeanSquaredError => Kinds::new([(Kind::Mul, 1), (Kind::Div, 2), convert(2), rounded(element, 2)]),
        Loss::BinaryCrossEntropy => Kinds::new([(Kind::Mul, 1), (Kind::Div, 1), convert(2), rounded(element, 1)]),
        Loss::CrossEntropy { .. } if !loss.is_weighted() => {
            Kinds::new([(Kind::Div, 1), convert(1), rounded(element, 1)])
        }
        Loss::CrossEntropy { class_weights, .. } if class_weights.is_empty() => Kinds::new([rounded(element, 1)]),
        Loss::CrossEntropy { .. } => {
            let add = (Kind::Add, m.saturating_sub(1));
            Kinds::new([(Kind::Mul, m), (Kind::Div, m), add, convert(m), rounded(element, 1)])
        }
    }
}

/// What a step or an evaluation computes when it first sees a number of rows and makes a program for it: its [`loss_constants`] twice.
///
/// # Errors
/// [`Overflow`] if M is so large that a count exceeds 128 bits, which a 64-bit number is not.
pub fn new_program_beside_kernels(loss: &Loss, outputs: u64, element: ElementType) -> Result<Kinds, Overflow> {
    loss_constants(loss, outputs, element)?.times(2)
}

/// What the memory of a loss takes when it is made, once for a step or an evaluation: with label smoothing or class weights M additions, 2M
/// mul, M div and 4M conversions (M in f64) for w, (1 − ε)·w and ε/M·w; else nothing.
fn class_shares(loss: &Loss, outputs: u64, element: ElementType) -> Result<Kinds, Overflow> {
    if !loss.is_weighted() {
        return Ok(Kinds::NONE);
    }
    let each = [(Kind::Add, 1), (Kind::Mul, 2), (Kind::Div, 1), (Kind::Convert, 1), rounded(element, 3)];
    Kinds::new(each)?.times(outputs.into())
}

/// What [`Step::new`](nxm_net::Step::new) computes for a loss of M outputs a row: its [`loss_constants`]; with label smoothing or class weights
/// also M additions, 2M mul, M div and 4M conversions (M in f64).
///
/// # Errors
/// [`Overflow`] if M is so large that a count exceeds 128 bits, which a 64-bit number is not.
pub fn new_step_beside_kernels(loss: &Loss, outputs: u64, element: ElementType) -> Result<Kinds, Overflow> {
    loss_constants(loss, outputs, element)?.plus(&class_shares(loss, outputs, element)?)
}

/// What [`Network::evaluate`](nxm_net::Network::evaluate) on `examples` examples, at least 1, executes beside its kernels.
///
/// For each 256 of them, and the rest: 1 mul, 2 additions, 2 conversions (1 in f64); with class weights B − 1 additions, and a conversion less.
/// In the end 1 div; with labels 1 div and 2 conversions more. Once what a step takes when it is made ([`new_step_beside_kernels`]), and
/// what a program takes ([`new_program_beside_kernels`]) for 256 rows and for the rest. To find the largest outputs takes integers alone.
///
/// A batch whose labels all weigh nothing differs: its losses are added up in f64. This formula is for other batches.
///
/// # Errors
/// [`Overflow`] if a count exceeds 128 bits.
pub fn evaluation_beside_kernels(
    loss: &Loss,
    outputs: u64,
    examples: u64,
    element: ElementType,
) -> Result<Kinds, Overflow> {
    let rows = EVALUATION_ROWS as u64;
    let (batches, sizes) = (examples.div_ceil(rows), 1 + u64::from(examples > rows && !examples.is_multiple_of(rows)));
    let is_weighted = matches!(loss, Loss::CrossEntropy { class_weights, .. } if !class_weights.is_empty());
    let weights = match is_weighted {
        true => Kinds::new([(Kind::Add, u128::from(examples - batches))])?,
        false => Kinds::new([(Kind::Convert, u128::from(batches))])?,
    };
    let batch = Kinds::new([(Kind::Mul, 1), (Kind::Add, 2), rounded(element, 1)])?;
    let labels = u128::from(loss.takes_labels());
    let end = Kinds::new([(Kind::Div, 1 + labels), (Kind::Convert, 2 * labels)])?;
    let programs = new_program_beside_kernels(loss, outputs, element)?.times(sizes.into())?;
    let new = new_step_beside_kernels(loss, outputs, element)?;
    batch.times(batches.into())?.plus(&weights)?.plus(&end)?.plus(&programs)?.plus(&new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_count_steps_from_one() {
        let of = |schedule: &LearningRateSchedule, step| schedule_operations(schedule, step).unwrap();
        let halved = LearningRateSchedule::Step { every: 3, factor: 0.5 };
        // γ⁰ in steps 1 to 3, γ¹ in 4 to 6, γ² in step 7, γ³ in step 10.
        assert_eq!([1, 3, 4, 7, 10].map(|step| of(&halved, step).mul()), [1, 1, 1, 2, 3]);
        let milestones = LearningRateSchedule::Milestones { at: vec![4, 2], factor: 0.5 };
        assert_eq!([2, 3, 5].map(|step| of(&milestones, step).mul()), [1, 1, 2]);
        assert!(of(&LearningRateSchedule::Constant, 5).is_none());
    }

    #[test]
    fn reports_are_a_division() {
        assert_eq!((EPOCH_REPORT.div(), EPOCH_REPORT.convert(), EPOCH_REPORT.flops()), (1, 1, 1));
    }
}
