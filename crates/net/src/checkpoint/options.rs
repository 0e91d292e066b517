//! Training options as fields of a checkpoint, and back.

use super::error::ContentError;
use super::fields::{Fields, Reader, wrong};
use crate::error::NetError;
use crate::loss::Loss;
use crate::optimizer::Optimizer;
use crate::schedule::{LearningRateSchedule, Plateau, PlateauState};
use crate::train::TrainingOptions;

/// What stands where there is nothing.
const NONE: &str = "none";
/// The field of the largest value of gradients.
const CLIP_VALUE: &str = "clip_value";
/// The field of a divergence whose targets are logarithms.
const LOG_TARGET: &str = "loss.log_target";
/// The field of a divergence that is a mean over elements.
const MEAN_OF_ELEMENTS: &str = "loss.mean_of_elements";
/// The field of a loss's reduction, and what it says: nothing of means.
const REDUCTION: &str = "loss.reduction";
const SUM: &str = "sum";
/// The field of the decay of the average of weights.
const EMA: &str = "ema";
/// The field of the number of micro-batches in a step.
const ACCUMULATE: &str = "accumulate";
/// Settings of optimizers that came later: fields only where they are not what they were before.
const LATER: [(&str, &str); 2] = [("amsgrad", "false"), ("bias_decay", "true")];
/// The field of the schedule.
const SCHEDULE: &str = "schedule";

pub(super) fn write(options: &TrainingOptions, to: &mut Fields) {
    let TrainingOptions { loss, optimizer, schedule, clip_norm, clip_value, ema, batch, accumulate, epochs, seed } =
        options;
    write_loss(loss, to);
    write_optimizer(optimizer, to);
    write_schedule(SCHEDULE, schedule, to);
    match clip_norm {
        Some(max_norm) => to.number("clip_norm", max_norm),
        None => to.text("clip_norm", NONE),
    }
    // What came later has a field only where it is used, so that older programs read all other files.
    if let Some(max_value) = clip_value {
        to.number(CLIP_VALUE, max_value);
    }
    if let Some(decay) = ema {
        to.number(EMA, decay);
    }
    if *accumulate != 1 {
        to.number(ACCUMULATE, accumulate);
    }
    to.number("batch", batch);
    to.number("epochs", epochs);
    to.number("seed", seed);
}

pub(super) fn read(from: Reader<'_>) -> Result<TrainingOptions, ContentError> {
    let clip_norm = match from.text("clip_norm")? {
        NONE => None,
        _ => Some(from.number("clip_norm")?),
    };
    Ok(TrainingOptions {
        loss: read_loss(from)?,
        optimizer: read_optimizer(from)?,
        schedule: read_schedule(SCHEDULE, from)?,
        clip_norm,
        clip_value: from.has(CLIP_VALUE).then(|| from.number(CLIP_VALUE)).transpose()?,
        ema: from.has(EMA).then(|| from.number(EMA)).transpose()?,
        accumulate: if from.has(ACCUMULATE) { from.whole(ACCUMULATE)? } else { 1 },
        batch: from.whole("batch")?,
        epochs: from.whole("epochs")?,
        seed: from.whole("seed")?,
    })
}

fn write_loss(loss: &Loss, to: &mut Fields) {
    to.text("loss", loss.name());
    if loss.is_sum() {
        to.text(REDUCTION, SUM);
    }
    match loss.of_mean() {
        Loss::Sum(_) => unreachable!("a mean is no sum"),
        Loss::MeanSquaredError | Loss::L1 | Loss::SoftMargin => {}
        Loss::KlDivergence { log_target, mean_of_elements } => {
            // Files from before there were these options have neither field.
            for (name, is) in [(LOG_TARGET, log_target), (MEAN_OF_ELEMENTS, mean_of_elements)] {
                if *is {
                    to.number(name, is);
                }
            }
        }
        Loss::SmoothL1 { beta } => to.number("loss.beta", beta),
        Loss::Huber { delta } => to.number("loss.delta", delta),
        Loss::Quantile { tau } => to.number("loss.tau", tau),
        Loss::PoissonNll { log_input } => to.number("loss.log_input", log_input),
        Loss::BinaryCrossEntropy { positive_weights } => to.numbers("loss.positive_weights", positive_weights),
        Loss::CrossEntropy { label_smoothing, class_weights }
        | Loss::SoftCrossEntropy { label_smoothing, class_weights } => {
            to.number("loss.label_smoothing", label_smoothing);
            to.numbers("loss.class_weights", class_weights);
        }
    }
}

fn read_loss(from: Reader<'_>) -> Result<Loss, ContentError> {
    let loss = read_mean(from)?;
    // Files from before there were sums are of means.
    match from.has(REDUCTION).then(|| from.text(REDUCTION)).transpose()? {
        None => Ok(loss),
        Some(SUM) => Ok(loss.summed()),
        Some(other) => Err(wrong(REDUCTION, SUM, format!("{other:?}"))),
    }
}

fn read_mean(from: Reader<'_>) -> Result<Loss, ContentError> {
    match from.value("loss", "the name of a loss")? {
        Loss::CrossEntropy { .. } => Ok(Loss::CrossEntropy {
            label_smoothing: from.number("loss.label_smoothing")?,
            class_weights: from.values("loss.class_weights", "numbers")?,
        }),
        Loss::SoftCrossEntropy { .. } => Ok(Loss::SoftCrossEntropy {
            label_smoothing: from.number("loss.label_smoothing")?,
            class_weights: from.values("loss.class_weights", "numbers")?,
        }),
        Loss::KlDivergence { .. } => {
            let is = |name| if from.has(name) { from.value(name, "true or false") } else { Ok(false) };
            Ok(Loss::KlDivergence { log_target: is(LOG_TARGET)?, mean_of_elements: is(MEAN_OF_ELEMENTS)? })
        }
        // Files from before there were positive weights have none.
        Loss::BinaryCrossEntropy { .. } => Ok(Loss::BinaryCrossEntropy {
            positive_weights: from.values_if_there("loss.positive_weights", "numbers")?.unwrap_or_default(),
        }),
        Loss::SmoothL1 { .. } => Ok(Loss::SmoothL1 { beta: from.number("loss.beta")? }),
        Loss::Huber { .. } => Ok(Loss::Huber { delta: from.number("loss.delta")? }),
        Loss::Quantile { .. } => Ok(Loss::Quantile { tau: from.number("loss.tau")? }),
        Loss::PoissonNll { .. } => Ok(Loss::PoissonNll { log_input: from.value("loss.log_input", "true or false")? }),
        // No name is that of a sum.
        loss @ (Loss::MeanSquaredError | Loss::L1 | Loss::SoftMargin | Loss::Sum(_)) => Ok(loss),
    }
}

fn write_optimizer(optimizer: &Optimizer, to: &mut Fields) {
    to.text("optimizer", optimizer.name());
    to.number("optimizer.learning_rate", optimizer.learning_rate());
    for (name, value) in optimizer.settings() {
        if !LATER.contains(&(name, value.as_str())) {
            to.text(&format!("optimizer.{name}"), &value);
        }
    }
}

fn read_optimizer(from: Reader<'_>) -> Result<Optimizer, ContentError> {
    let name = from.text("optimizer")?;
    let mut optimizer: Optimizer = from.value("optimizer", "the name of an optimizer")?;
    let names = optimizer.settings().into_iter().map(|(setting, _)| setting);
    for setting in std::iter::once("learning_rate").chain(names) {
        let field = format!("optimizer.{setting}");
        if LATER.iter().any(|(later, _)| *later == setting) && !from.has(&field) {
            continue;
        }
        let text = from.text(&field)?;
        optimizer.set(setting, text).map_err(|error| match error {
            NetError::SettingText { expected, .. } => wrong(&field, expected, format!("{text:?}")),
            other => wrong(&field, format!("a setting of {name}"), other.to_string()),
        })?;
    }
    Ok(optimizer)
}

/// Fields of a schedule, which are called `name` and what begins with that.
fn write_schedule(name: &str, schedule: &LearningRateSchedule, to: &mut Fields) {
    let of = |setting: &str| format!("{name}.{setting}");
    to.text(name, schedule.name());
    match schedule {
        LearningRateSchedule::Constant => {}
        LearningRateSchedule::Step { every, factor } => {
            to.number(&of("every"), every);
            to.number(&of("factor"), factor);
        }
        LearningRateSchedule::Milestones { at, factor } => {
            to.numbers(&of("at"), at);
            to.number(&of("factor"), factor);
        }
        LearningRateSchedule::Exponential { factor } => to.number(&of("factor"), factor),
        LearningRateSchedule::Polynomial { steps, power } => {
            to.number(&of("steps"), steps);
            to.number(&of("power"), power);
        }
        LearningRateSchedule::Linear { start, end, steps } => {
            to.number(&of("start"), start);
            to.number(&of("end"), end);
            to.number(&of("steps"), steps);
        }
        LearningRateSchedule::Cosine { steps, minimum } => {
            to.number(&of("steps"), steps);
            to.number(&of("minimum"), minimum);
        }
        LearningRateSchedule::CosineRestarts { steps, longer, minimum } => {
            to.number(&of("steps"), steps);
            to.number(&of("longer"), longer);
            to.number(&of("minimum"), minimum);
        }
        LearningRateSchedule::OneCycle { steps, rise, start_divisor, end_divisor, shape } => {
            to.number(&of("steps"), steps);
            to.number(&of("rise"), rise);
            to.number(&of("start_divisor"), start_divisor);
            to.number(&of("end_divisor"), end_divisor);
            to.text(&of("shape"), shape.name());
        }
        LearningRateSchedule::Plateau(Plateau { factor, patience, threshold, kind, aim, cooldown, minimum }) => {
            to.number(&of("factor"), factor);
            to.number(&of("patience"), patience);
            to.number(&of("threshold"), threshold);
            to.text(&of("kind"), kind.name());
            to.text(&of("aim"), aim.name());
            to.number(&of("cooldown"), cooldown);
            to.number(&of("minimum"), minimum);
        }
        LearningRateSchedule::WarmUp { steps, start, then } => {
            to.number(&of("steps"), steps);
            to.number(&of("start"), start);
            write_schedule(&of("then"), then, to);
        }
    }
}

/// The schedule whose fields are called `name` and what begins with that.
fn read_schedule(name: &str, from: Reader<'_>) -> Result<LearningRateSchedule, ContentError> {
    let whole = |setting: &str| from.whole(&format!("{name}.{setting}"));
    let number = |setting: &str| from.number(&format!("{name}.{setting}"));
    let kind = from.text(name)?;
    Ok(match kind {
        "constant" => LearningRateSchedule::Constant,
        "step" => LearningRateSchedule::Step { every: whole("every")?, factor: number("factor")? },
        "milestones" => LearningRateSchedule::Milestones {
            at: from.values(&format!("{name}.at"), "whole numbers")?,
            factor: number("factor")?,
        },
        "exponential" => LearningRateSchedule::Exponential { factor: number("factor")? },
        "polynomial" => LearningRateSchedule::Polynomial { steps: whole("steps")?, power: number("power")? },
        "linear" => {
            LearningRateSchedule::Linear { start: number("start")?, end: number("end")?, steps: whole("steps")? }
        }
        "cosine" => LearningRateSchedule::Cosine { steps: whole("steps")?, minimum: number("minimum")? },
        "cosine_restarts" => LearningRateSchedule::CosineRestarts {
            steps: whole("steps")?,
            longer: whole("longer")?,
            minimum: number("minimum")?,
        },
        "one_cycle" => LearningRateSchedule::OneCycle {
            steps: whole("steps")?,
            rise: number("rise")?,
            start_divisor: number("start_divisor")?,
            end_divisor: number("end_divisor")?,
            shape: from.value(&format!("{name}.shape"), "cosine or linear")?,
        },
        "plateau" => LearningRateSchedule::Plateau(Plateau {
            factor: number("factor")?,
            patience: whole("patience")?,
            threshold: number("threshold")?,
            kind: from.value(&format!("{name}.kind"), "relative or absolute")?,
            aim: from.value(&format!("{name}.aim"), "lowest or highest")?,
            cooldown: whole("cooldown")?,
            minimum: number("minimum")?,
        }),
        // What follows a warm-up is no warm-up. So a file can't ask for more than two schedules.
        "warm_up" if name == SCHEDULE => LearningRateSchedule::WarmUp {
            steps: whole("steps")?,
            start: number("start")?,
            then: Box::new(read_schedule(&format!("{name}.then"), from)?),
        },
        _ => return Err(wrong(name, "the name of a schedule", format!("{kind:?}"))),
    })
}

pub(super) fn write_plateau(state: &PlateauState, to: &mut Fields) {
    let PlateauState { best, bad_epochs, cooldown, learning_rate } = state;
    for (name, number) in [("plateau.best", best), ("plateau.learning_rate", learning_rate)] {
        match number {
            Some(number) => to.number(name, number),
            None => to.text(name, NONE),
        }
    }
    to.number("plateau.bad_epochs", bad_epochs);
    to.number("plateau.cooldown", cooldown);
}

pub(super) fn read_plateau(from: Reader<'_>) -> Result<PlateauState, ContentError> {
    let number = |name: &str| match from.text(name)? {
        NONE => Ok(None),
        _ => from.number(name).map(Some),
    };
    Ok(PlateauState {
        best: number("plateau.best")?,
        bad_epochs: from.whole("plateau.bad_epochs")?,
        cooldown: from.whole("plateau.cooldown")?,
        learning_rate: number("plateau.learning_rate")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files from before binary cross-entropy had positive weights say nothing of them.
    #[test]
    fn a_field_that_is_newer_than_the_file_is_its_default() {
        let weighted = Loss::BinaryCrossEntropy { positive_weights: vec![0.5, 3.0] };
        let written = |loss: &Loss| {
            let mut fields = Fields::default();
            write(&TrainingOptions::default().with_loss(loss.clone()), &mut fields);
            fields.into_metadata()
        };
        let read = |metadata: serde_json::Map<String, serde_json::Value>| {
            let strings =
                metadata.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect();
            read(Reader(&strings)).unwrap().loss
        };
        let mut fields = written(&weighted);
        assert_eq!(read(fields.clone()), weighted);
        fields.remove("loss.positive_weights").unwrap();
        assert_eq!(read(fields), Loss::BINARY_CROSS_ENTROPY);
        assert_eq!(read(written(&Loss::BINARY_CROSS_ENTROPY)), Loss::BINARY_CROSS_ENTROPY);
    }
}
