//! Training options as fields of a checkpoint, and back.

use super::error::ContentError;
use super::fields::{Fields, Reader, wrong};
use crate::loss::Loss;
use crate::optimizer::{Adam, AdamW, Optimizer, Sgd};
use crate::schedule::LearningRateSchedule;
use crate::train::TrainingOptions;

/// What stands where there is nothing.
const NONE: &str = "none";

pub(super) fn write(options: &TrainingOptions, to: &mut Fields) {
    let TrainingOptions { loss, optimizer, schedule, clip_norm, batch, epochs, seed } = options;
    write_loss(loss, to);
    write_optimizer(optimizer, to);
    write_schedule(schedule, to);
    match clip_norm {
        Some(max_norm) => to.number("clip_norm", max_norm),
        None => to.text("clip_norm", NONE),
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
        schedule: read_schedule(from)?,
        clip_norm,
        batch: from.whole("batch")?,
        epochs: from.whole("epochs")?,
        seed: from.whole("seed")?,
    })
}

fn write_loss(loss: &Loss, to: &mut Fields) {
    to.text("loss", loss.name());
    match loss {
        Loss::MeanSquaredError | Loss::L1 | Loss::SoftMargin | Loss::KlDivergence => {}
        Loss::SmoothL1 { beta } => to.number("loss.beta", beta),
        Loss::Huber { delta } => to.number("loss.delta", delta),
        Loss::Quantile { tau } => to.number("loss.tau", tau),
        Loss::PoissonNll { log_input } => to.number("loss.log_input", log_input),
        Loss::BinaryCrossEntropy { positive_weights } => to.numbers("loss.positive_weights", positive_weights),
        Loss::CrossEntropy { label_smoothing, class_weights } => {
            to.number("loss.label_smoothing", label_smoothing);
            to.numbers("loss.class_weights", class_weights);
        }
    }
}

fn read_loss(from: Reader<'_>) -> Result<Loss, ContentError> {
    match from.value("loss", "the name of a loss")? {
        Loss::CrossEntropy { .. } => Ok(Loss::CrossEntropy {
            label_smoothing: from.number("loss.label_smoothing")?,
            class_weights: from.values("loss.class_weights", "numbers")?,
        }),
        // Files from before there were positive weights have none.
        Loss::BinaryCrossEntropy { .. } => Ok(Loss::BinaryCrossEntropy {
            positive_weights: from.values_if_there("loss.positive_weights", "numbers")?.unwrap_or_default(),
        }),
        Loss::SmoothL1 { .. } => Ok(Loss::SmoothL1 { beta: from.number("loss.beta")? }),
        Loss::Huber { .. } => Ok(Loss::Huber { delta: from.number("loss.delta")? }),
        Loss::Quantile { .. } => Ok(Loss::Quantile { tau: from.number("loss.tau")? }),
        Loss::PoissonNll { .. } => Ok(Loss::PoissonNll { log_input: from.value("loss.log_input", "true or false")? }),
        loss @ (Loss::MeanSquaredError | Loss::L1 | Loss::SoftMargin | Loss::KlDivergence) => Ok(loss),
    }
}

fn write_optimizer(optimizer: &Optimizer, to: &mut Fields) {
    to.text("optimizer", optimizer.name());
    match *optimizer {
        Optimizer::Sgd(Sgd { learning_rate, momentum, dampening, nesterov, weight_decay }) => {
            to.number("optimizer.learning_rate", learning_rate);
            to.number("optimizer.momentum", momentum);
            to.number("optimizer.dampening", dampening);
            to.number("optimizer.nesterov", nesterov);
            to.number("optimizer.weight_decay", weight_decay);
        }
        Optimizer::Adam(Adam { learning_rate, beta1, beta2, epsilon, weight_decay })
        | Optimizer::AdamW(AdamW { learning_rate, beta1, beta2, epsilon, weight_decay }) => {
            to.number("optimizer.learning_rate", learning_rate);
            to.number("optimizer.beta1", beta1);
            to.number("optimizer.beta2", beta2);
            to.number("optimizer.epsilon", epsilon);
            to.number("optimizer.weight_decay", weight_decay);
        }
    }
}

fn read_optimizer(from: Reader<'_>) -> Result<Optimizer, ContentError> {
    let learning_rate = from.number("optimizer.learning_rate")?;
    let weight_decay = from.number("optimizer.weight_decay")?;
    let name = from.text("optimizer")?;
    match name {
        "sgd" => Ok(Optimizer::Sgd(Sgd {
            learning_rate,
            momentum: from.number("optimizer.momentum")?,
            dampening: from.number("optimizer.dampening")?,
            nesterov: from.value("optimizer.nesterov", "true or false")?,
            weight_decay,
        })),
        "adam" | "adamw" => {
            let [beta1, beta2] = [from.number("optimizer.beta1")?, from.number("optimizer.beta2")?];
            let epsilon = from.number("optimizer.epsilon")?;
            Ok(match name {
                "adam" => Optimizer::Adam(Adam { learning_rate, beta1, beta2, epsilon, weight_decay }),
                _ => Optimizer::AdamW(AdamW { learning_rate, beta1, beta2, epsilon, weight_decay }),
            })
        }
        _ => Err(wrong("optimizer", "the name of an optimizer", format!("{name:?}"))),
    }
}

fn write_schedule(schedule: &LearningRateSchedule, to: &mut Fields) {
    to.text("schedule", schedule.name());
    match schedule {
        LearningRateSchedule::Constant => {}
        LearningRateSchedule::Step { every, factor } => {
            to.number("schedule.every", every);
            to.number("schedule.factor", factor);
        }
        LearningRateSchedule::Milestones { at, factor } => {
            to.numbers("schedule.at", at);
            to.number("schedule.factor", factor);
        }
        LearningRateSchedule::Linear { start, end, steps } => {
            to.number("schedule.start", start);
            to.number("schedule.end", end);
            to.number("schedule.steps", steps);
        }
        LearningRateSchedule::Cosine { steps, minimum } => {
            to.number("schedule.steps", steps);
            to.number("schedule.minimum", minimum);
        }
        LearningRateSchedule::CosineRestarts { steps, longer, minimum } => {
            to.number("schedule.steps", steps);
            to.number("schedule.longer", longer);
            to.number("schedule.minimum", minimum);
        }
    }
}

fn read_schedule(from: Reader<'_>) -> Result<LearningRateSchedule, ContentError> {
    Ok(match from.text("schedule")? {
        "constant" => LearningRateSchedule::Constant,
        "step" => {
            LearningRateSchedule::Step { every: from.whole("schedule.every")?, factor: from.number("schedule.factor")? }
        }
        "milestones" => LearningRateSchedule::Milestones {
            at: from.values("schedule.at", "whole numbers")?,
            factor: from.number("schedule.factor")?,
        },
        "linear" => LearningRateSchedule::Linear {
            start: from.number("schedule.start")?,
            end: from.number("schedule.end")?,
            steps: from.whole("schedule.steps")?,
        },
        "cosine" => LearningRateSchedule::Cosine {
            steps: from.whole("schedule.steps")?,
            minimum: from.number("schedule.minimum")?,
        },
        "cosine_restarts" => LearningRateSchedule::CosineRestarts {
            steps: from.whole("schedule.steps")?,
            longer: from.whole("schedule.longer")?,
            minimum: from.number("schedule.minimum")?,
        },
        name => return Err(wrong("schedule", "the name of a schedule", format!("{name:?}"))),
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
