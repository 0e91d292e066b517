//! What a training executes beside its kernels: in f64, a few operations a step, an epoch and an evaluation.
//!
//! None of it is in a step's count, nor in that of a training. An integer that becomes an f64 is a conversion. So is a number that goes from
//! or to f32; in f64 that one is none.

use nxm_net::{
    Activation, EVALUATION_ROWS, ElementType, Layer, LearningRateSchedule, Loss, Muon, NetworkSpec, Optimizer,
    PhaseShape, TrainingOptions,
};

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
/// | constant, plateau | none |
/// | step, milestones | 1 mul and γⁿ by squaring: as many more as n has binary digits and ones, less 2; none if n is 0 |
/// | exponential | 1 mul and γⁿ, where n is the number of steps before |
/// | polynomial | 1 addition, 1 mul, 1 div, 2 conversions. And, unless the power is 1, one power of the standard library, which is not counted |
/// | linear, warm_up | 2 additions, 2 mul, 1 div, 2 conversions |
/// | cosine, cosine_restarts | 3 additions, 3 mul, 1 div, 2 conversions. And one cosine of the standard library, which is not counted |
/// | one_cycle, as it rises | 3 additions, 2 mul, 2 div, 1 cmp, 2 conversions (a div less if the rise is one step long) |
/// | one_cycle, as it falls | 6 additions, 2 mul, 3 div, 1 cmp, 2 conversions |
/// | one_cycle by cosines | 1 addition and 2 mul more, and one cosine of the standard library, which is not counted |
///
/// From its end on, a warm-up takes what the schedule behind it does.
///
/// # Errors
/// None but [`Overflow`], which such small numbers do not cause.
pub fn schedule_operations(schedule: &LearningRateSchedule, step: u64) -> Result<Kinds, Overflow> {
    let before = step.max(1) - 1;
    match schedule {
        LearningRateSchedule::Constant | LearningRateSchedule::Plateau(_) => Ok(Kinds::NONE),
        LearningRateSchedule::Step { every, .. } => Kinds::new([(Kind::Mul, 1 + power(before / every))]),
        LearningRateSchedule::Milestones { at, .. } => {
            let passed = at.iter().filter(|milestone| **milestone <= before).count();
            Kinds::new([(Kind::Mul, 1 + power(passed as u64))])
        }
        LearningRateSchedule::Exponential { .. } => Kinds::new([(Kind::Mul, 1 + power(before))]),
        LearningRateSchedule::Polynomial { .. } => {
            Kinds::new([(Kind::Add, 1), (Kind::Mul, 1), (Kind::Div, 1), (Kind::Convert, 2)])
        }
        LearningRateSchedule::WarmUp { steps, then, .. } if before >= *steps => {
            schedule_operations(then, before - steps + 1)
        }
        LearningRateSchedule::Linear { .. } | LearningRateSchedule::WarmUp { .. } => {
            Kinds::new([(Kind::Add, 2), (Kind::Mul, 2), (Kind::Div, 1), (Kind::Convert, 2)])
        }
        LearningRateSchedule::OneCycle { steps, rise, shape, .. } => {
            let top = rise * *steps as f64 - 1.0;
            let (additions, divisions) = match before.min(steps.saturating_sub(1)) as f64 <= top {
                true => (3, 1 + u128::from(top != 0.0)),
                false => (6, 3),
            };
            let wave = u128::from(*shape == PhaseShape::Cosine);
            Kinds::new([
                (Kind::Add, additions + wave),
                (Kind::Mul, 2 + 2 * wave),
                (Kind::Div, divisions),
                (Kind::Cmp, 1),
                (Kind::Convert, 2),
            ])
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
/// Of a loss that is a sum the share is not by the number of rows: 1 conversion less.
///
/// A step of n > 1 micro-batches takes the share of the mean loss for each (1 conversion less than so many steps), and beside n − 1 additions,
/// n + 1 div, n + 1 conversions and, in f32, n more.
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
    let parts = options.accumulate as u128;
    let rows = if options.loss.is_sum() { 0 } else { parts };
    let mut report =
        Kinds::new([(Kind::Mul, parts), (Kind::Add, parts), (Kind::Convert, rows), rounded(element, 1 + parts)])?;
    if parts > 1 {
        // Each micro-batch has its −1/k, and the step the mean of their losses.
        let means = Kinds::new([(Kind::Add, parts - 1), (Kind::Div, parts + 1), (Kind::Convert, parts + 1)])?;
        report = report.plus(&means)?.plus(&Kinds::new([rounded(element, parts)])?)?;
    }
    schedule_operations(&options.schedule, step)?
        .plus(&rule_constants(&options.optimizer, step, element)?)?
        .plus(&report)
}

/// The same where examples have weights: the step's share of the loss is by the sum of its `rows` weights, B − 1 additions and B conversions (none
/// in f64), and not by the number of rows, which is 1 conversion.
///
/// # Errors
/// None but [`Overflow`], which such small numbers do not cause.
pub fn weighted_step_beside_kernels(
    options: &TrainingOptions,
    step: u64,
    rows: u64,
    element: ElementType,
) -> Result<Kinds, Overflow> {
    let report = Kinds::new([(Kind::Mul, 1), (Kind::Add, 1), rounded(element, 2)])?;
    schedule_operations(&options.schedule, step)?
        .plus(&rule_constants(&options.optimizer, step, element)?)?
        .plus(&report)?
        .plus(&sum_of_weights(rows.into(), element)?)
}

/// Σ of so many weights in f64, at least one.
fn sum_of_weights(rows: u128, element: ElementType) -> Result<Kinds, Overflow> {
    Kinds::new([(Kind::Add, rows.saturating_sub(1)), rounded(element, rows)])
}

/// What the report of an epoch takes: Σ loss · examples, divided by the examples. 1 div, 1 conversion.
pub const EPOCH_REPORT: Kinds = Kinds::small([0, 0, 0, 1, 0, 0, 1]);

/// The same where the loss is a sum, or where examples have weights, whose sum the training computed when it was made: 1 div.
pub const WEIGHTED_EPOCH_REPORT: Kinds = Kinds::small([0, 0, 0, 1, 0, 0, 0]);

/// What the constants of a network's loss take each time they are computed, for a batch of M outputs a row.
///
/// A [`Step`](nxm_net::Step) computes them once when it is made, and twice when it first sees a number of rows
/// ([`new_program_beside_kernels`]).
///
/// | loss | operations |
/// |---|---|
/// | mean squared error: 1/(BM), 2/(BM) | 1 mul, 2 div, 4 conversions (2 in f64) |
/// | binary cross-entropy: 1/(BM) | 1 mul, 1 div, 3 conversions (2) |
/// | cross-entropy: 1/B; with soft targets too, whatever its options | 1 div, 2 conversions (1) |
/// | with label smoothing alone: ε | 1 conversion (none) |
/// | with class weights: Σ ε/M·w | M mul, M div, M − 1 additions, M + 1 conversions (M) |
/// | L1, soft margin, Poisson of logarithms: 1/(BM) | 1 mul, 1 div, 3 conversions (2) |
/// | smooth L1: 1/(BMβ), β | 2 mul, 1 div, 4 conversions (2) |
/// | Huber: 1/(BM), δ; Poisson of rates: 1/(BM), ε | 1 mul, 1 div, 4 conversions (2) |
/// | quantile: 1/(BM), τ, 1 − τ | 1 addition, 1 mul, 1 div, 5 conversions (2) |
/// | Kullback-Leibler divergence: 1/B; over elements 1/(BM) | 1 div, 2 conversions (1); as L1 |
///
/// A sum has 1 in place of 1/(BM) or 1/B, which is rounded and no more: 1 conversion (none), of mean squared error 2; smooth L1 takes 1 div for 1/β.
///
/// Examples with weights add B, 2 conversions (1), unless the loss is cross-entropy with class weights or label smoothing; and for losses that
/// are means over outputs 1/M, 1 div and 2 conversions (1), of smooth L1 1 mul more.
///
/// # Errors
/// [`Overflow`] if M is so large that a count exceeds 128 bits, which a 64-bit number is not.
pub fn loss_constants(network: &NetworkSpec, element: ElementType) -> Result<Kinds, Overflow> {
    let plain = plain_loss_constants(network.loss(), outputs(network), element)?;
    match network.has_example_weights() {
        true => plain.plus(&constants_of_weights(network.loss(), element)?),
        false => Ok(plain),
    }
}

/// M.
fn outputs(network: &NetworkSpec) -> u64 {
    network.sizes()[network.layers()]
}

/// What weights of examples add.
fn constants_of_weights(loss: &Loss, element: ElementType) -> Result<Kinds, Overflow> {
    let rows = [(Kind::Convert, 1), rounded(element, 1)];
    match loss {
        Loss::CrossEntropy { .. } if loss.is_weighted() => Ok(Kinds::NONE),
        Loss::CrossEntropy { .. }
        | Loss::SoftCrossEntropy { .. }
        | Loss::KlDivergence { mean_of_elements: false, .. } => Kinds::new(rows),
        _ => {
            let beta = u128::from(matches!(loss, Loss::SmoothL1 { .. }));
            let share = [(Kind::Div, 1), (Kind::Mul, beta), (Kind::Convert, 1), rounded(element, 1)];
            Kinds::new(share)?.plus(&Kinds::new(rows)?)
        }
    }
}

/// Those of the sum of a loss.
fn summed_loss_constants(loss: &Loss, element: ElementType) -> Result<Kinds, Overflow> {
    match loss {
        Loss::SmoothL1 { .. } => Kinds::new([(Kind::Div, 1), rounded(element, 2)]),
        Loss::MeanSquaredError | Loss::Huber { .. } | Loss::PoissonNll { log_input: false } => {
            Kinds::new([rounded(element, 2)])
        }
        Loss::Quantile { .. } => Kinds::new([(Kind::Add, 1), rounded(element, 3)]),
        _ => Kinds::new([rounded(element, 1)]),
    }
}

fn plain_loss_constants(loss: &Loss, outputs: u64, element: ElementType) -> Result<Kinds, Overflow> {
    let m = u128::from(outputs);
    let convert = |n| (Kind::Convert, n);
    match loss {
        Loss::Sum(loss) => summed_loss_constants(loss.of_mean(), element),
        Loss::MeanSquaredError => Kinds::new([(Kind::Mul, 1), (Kind::Div, 2), convert(2), rounded(element, 2)]),
        Loss::BinaryCrossEntropy { .. }
        | Loss::L1
        | Loss::SoftMargin
        | Loss::PoissonNll { log_input: true }
        | Loss::KlDivergence { mean_of_elements: true, .. } => {
            Kinds::new([(Kind::Mul, 1), (Kind::Div, 1), convert(2), rounded(element, 1)])
        }
        Loss::SmoothL1 { .. } => Kinds::new([(Kind::Mul, 2), (Kind::Div, 1), convert(2), rounded(element, 2)]),
        Loss::Huber { .. } | Loss::PoissonNll { log_input: false } => {
            Kinds::new([(Kind::Mul, 1), (Kind::Div, 1), convert(2), rounded(element, 2)])
        }
        Loss::Quantile { .. } => {
            Kinds::new([(Kind::Add, 1), (Kind::Mul, 1), (Kind::Div, 1), convert(2), rounded(element, 3)])
        }
        Loss::KlDivergence { mean_of_elements: false, .. } | Loss::SoftCrossEntropy { .. } => {
            Kinds::new([(Kind::Div, 1), convert(1), rounded(element, 1)])
        }
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

/// What the constants of a network's norms, dropouts and activations take each time they are computed.
///
/// A layer norm takes 1/M, in a step twice (1 div, 2 conversions each, 1 in f64), and ε (1 conversion, none). A batch norm takes ε, in a step
/// twice 1/B too, and 1 − μ, μ and μ·B / (B − 1) (1 addition, 1 mul, 1 div, 5 conversions, 2 in f64). A dropout takes 1 / (1 − rate) in
/// a step (1 addition, 1 div, 1 conversion, none), and else nothing. An activation takes its parameters, in a step twice: leaky ReLU and ELU 1
/// conversion (none), CELU and softplus 1 div and 2 and 3 conversions (none).
fn layer_constants(network: &NetworkSpec, element: ElementType, trains: bool) -> Result<Kinds, Overflow> {
    let step = u128::from(trains);
    network.layer_list().iter().try_fold(Kinds::NONE, |sum, layer| {
        let of_layer = match layer {
            Layer::LayerNorm { .. } => {
                Kinds::new([(Kind::Div, 1 + step), (Kind::Convert, 1 + step), rounded(element, 2 + step)])?
            }
            Layer::BatchNorm { .. } if !trains => Kinds::new([rounded(element, 1)])?,
            Layer::BatchNorm { .. } => {
                Kinds::new([(Kind::Add, 1), (Kind::Mul, 1), (Kind::Div, 3), (Kind::Convert, 4), rounded(element, 6)])?
            }
            Layer::Dropout { .. } => Kinds::new([(Kind::Add, step), (Kind::Div, step), rounded(element, step)])?,
            _ => Kinds::NONE,
        };
        let of_activation = match layer.activation() {
            Activation::LeakyRelu { .. } | Activation::Elu { .. } => Kinds::new([rounded(element, 1)])?,
            Activation::Celu { .. } => Kinds::new([(Kind::Div, 1), rounded(element, 2)])?,
            Activation::Softplus { .. } => Kinds::new([(Kind::Div, 1), rounded(element, 3)])?,
            _ => Kinds::NONE,
        };
        sum.plus(&of_layer)?.plus(&of_activation.times(1 + step)?)
    })
}

/// What the constants of Muon take in a program, for each dense layer of N inputs and M units: 6 conversions (none), 1 mul, with Nesterov's momentum
/// 1 addition and 1 conversion (none); and for the factor of the matrix's shape 1 div, 1 sqrt and 2 conversions if M is above N, or by `match_rms_adamw` always 1 mul, 1 sqrt
/// and 1 conversion.
fn muon_constants(network: &NetworkSpec, element: ElementType) -> Result<Kinds, Overflow> {
    let Optimizer::Muon(Muon { nesterov, match_rms_adamw, .. }) = *network.optimizer() else { return Ok(Kinds::NONE) };
    let conversions = 6 + u128::from(nesterov);
    let each = Kinds::new([(Kind::Add, u128::from(nesterov)), (Kind::Mul, 1), rounded(element, conversions)])?;
    let layers =
        network.layer_list().iter().zip(network.sizes().windows(2).map(|pair| pair[1] > pair[0]).collect::<Vec<_>>());
    layers.filter(|(layer, _)| layer.is_dense()).try_fold(Kinds::NONE, |sum, (_, is_wider)| {
        let factor = match (match_rms_adamw, is_wider) {
            (true, _) => Kinds::new([(Kind::Mul, 1), (Kind::Sqrt, 1), (Kind::Convert, 1)])?,
            (false, true) => Kinds::new([(Kind::Div, 1), (Kind::Sqrt, 1), (Kind::Convert, 2)])?,
            (false, false) => Kinds::NONE,
        };
        sum.plus(&each)?.plus(&factor)
    })
}

/// The constants of a program.
fn program_constants(network: &NetworkSpec, element: ElementType, trains: bool) -> Result<Kinds, Overflow> {
    loss_constants(network, element)?.plus(&layer_constants(network, element, trains)?)
}

/// What a step computes when it first sees a number of rows and makes a program for it: twice its [`loss_constants`], and those of norms and
/// dropouts. Of a layer norm these are twice 1/M (1 div, 2 conversions, 1 in f64) and ε (1 conversion, none); of a batch norm twice 1/B, ε, and 1 − μ, μ
/// and μ·B / (B − 1) (1 addition, 1 mul, 1 div, 5 conversions, 2 in f64); of a dropout 1 / (1 − rate) (1
/// addition, 1 div, 1 conversion, none). Parameters of activations are also computed twice: each time leaky ReLU and ELU take 2 conversions
/// (none), CELU 2 div and 4 conversions, softplus 2 div and 6 conversions.
/// addition, 1 div, 1 conversion, none). With Muon twice its constants, too: for each dense layer 6 conversions (none), 1 mul and with Nesterov's
/// momentum 1 addition and 1 conversion (none); if M is above N also 1 div, 1 sqrt and 2 conversions, or by `match_rms_adamw` always 1 mul, 1 sqrt and 1 conversion.
///
/// # Errors
/// [`Overflow`] if M is so large that a count exceeds 128 bits, which a 64-bit number is not.
pub fn new_program_beside_kernels(network: &NetworkSpec, element: ElementType) -> Result<Kinds, Overflow> {
    program_constants(network, element, true)?.plus(&muon_constants(network, element)?)?.times(2)
}

/// What the memory of a loss takes when it is made, once for a step or an evaluation: with label smoothing or class weights M additions, 2M
/// mul, M div and 4M conversions (M in f64) for w, (1 − ε)·w and ε/M·w (of soft targets M conversions fewer, as there is no w; in f64 as many); with positive weights M additions and 2M conversions (none) for p − 1
/// and p; else nothing.
fn shares(network: &NetworkSpec, element: ElementType) -> Result<Kinds, Overflow> {
    let each = match network.loss() {
        loss if !loss.is_weighted() => Kinds::NONE,
        loss if matches!(loss.of_mean(), Loss::BinaryCrossEntropy { .. }) => {
            Kinds::new([(Kind::Add, 1), rounded(element, 2)])?
        }
        loss if matches!(loss.of_mean(), Loss::SoftCrossEntropy { .. }) => {
            Kinds::new([(Kind::Add, 1), (Kind::Mul, 2), (Kind::Div, 1), (Kind::Convert, 1), rounded(element, 2)])?
        }
        _ => Kinds::new([(Kind::Add, 1), (Kind::Mul, 2), (Kind::Div, 1), (Kind::Convert, 1), rounded(element, 3)])?,
    };
    each.times(outputs(network).into())
}

/// What [`Step::new`](nxm_net::Step::new) computes for a network of M outputs whose examples have no weights: its [`loss_constants`] and
/// those of norms and dropouts ([`new_program_beside_kernels`] has each twice); with label smoothing or class weights also M additions, 2M mul, M div and 4M conversions (M in f64); with positive weights M additions and 2M
/// conversions (none).
///
/// # Errors
/// [`Overflow`] if M is so large that a count exceeds 128 bits, which a 64-bit number is not.
pub fn new_step_beside_kernels(network: &NetworkSpec, element: ElementType) -> Result<Kinds, Overflow> {
    program_constants(network, element, true)?.plus(&shares(network, element)?)
}

/// What [`Network::evaluate`](nxm_net::Network::evaluate) on `examples` examples, at least 1, executes beside its kernels.
///
/// For each 256 of them, and the rest: 1 mul, 2 additions, 2 conversions (1 in f64), of a loss that is a sum an addition and a conversion less; with weights of classes or examples B − 1 additions, and a
/// conversion less. Weights of examples are B conversions (none); with class weights too B mul. In the end 1 div; with labels 1 div and 2 conversions more. Once what a step takes when it is made ([`new_step_beside_kernels`]), and
/// what a program takes ([`new_program_beside_kernels`]) for 256 rows and for the rest, where a layer norm takes 1/M once, a batch norm ε
/// alone and a dropout nothing. To find the largest outputs takes integers alone.
///
/// A batch whose labels all weigh nothing differs: its losses are added up in f64. This formula is for other batches.
///
/// # Errors
/// [`Overflow`] if a count exceeds 128 bits.
pub fn evaluation_beside_kernels(
    network: &NetworkSpec,
    examples: u64,
    element: ElementType,
) -> Result<Kinds, Overflow> {
    let loss = network.loss();
    let rows = EVALUATION_ROWS as u64;
    let (batches, sizes) = (examples.div_ceil(rows), 1 + u64::from(examples > rows && !examples.is_multiple_of(rows)));
    let classes = matches!(loss, Loss::CrossEntropy { class_weights, .. } if !class_weights.is_empty());
    let (sums, each) = ((Kind::Add, u128::from(examples - batches)), u128::from(examples));
    let weights = match (classes, network.has_example_weights()) {
        _ if loss.is_sum() => Kinds::NONE,
        (false, false) => Kinds::new([(Kind::Convert, u128::from(batches))])?,
        (true, false) => Kinds::new([sums])?,
        (false, true) => Kinds::new([sums, rounded(element, each)])?,
        (true, true) => Kinds::new([sums, rounded(element, each), (Kind::Mul, each)])?,
    };
    let adds = if loss.is_sum() { 1 } else { 2 };
    let batch = Kinds::new([(Kind::Mul, 1), (Kind::Add, adds), rounded(element, 1)])?;
    let labels = u128::from(loss.takes_labels());
    let end = Kinds::new([(Kind::Div, 1 + labels), (Kind::Convert, 2 * labels)])?;
    let program = program_constants(network, element, false)?;
    let programs = program.times(2 * u128::from(sizes))?;
    let new = program.plus(&shares(network, element)?)?;
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
