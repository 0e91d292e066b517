//! Training options from the command line, and whether a checkpoint's are those that the command line asks for.

use std::fmt::Display;
use std::path::Path;

use nxm_net::{Checkpoint, Loss, TrainingOptions};

use crate::args::{Hidden, OptimizerName, ScheduleArg, TrainArgs, TuningArgs};
use crate::data::{Columns, Scheme};
use crate::failure::Failure;
use crate::foreign::Foreign;
use crate::train::watch::Watch;

/// Units of the hidden layers, unless told.
pub const HIDDEN: [usize; 2] = [128, 64];
/// The share that is held out, unless told.
pub const VALIDATE: f64 = 0.1;
const EPOCHS: usize = 20;

/// What the command line asks for.
pub fn new(args: &TrainArgs) -> Result<TrainingOptions, Failure> {
    let default = TrainingOptions::default();
    Ok(TrainingOptions::new(
        args.tuning.loss(args.loss.clone().unwrap_or(Loss::CROSS_ENTROPY))?,
        args.tuning.optimizer(args.optimizer.unwrap_or(OptimizerName::Adam), args.learning_rate)?,
    )
    .with_schedule(args.schedule.clone().unwrap_or_default().0)
    .with_clip_norm(args.tuning.clip_norm)
    .with_batch(args.batch.map_or(default.batch, whole))
    .with_epochs(args.epochs.map_or(EPOCHS, whole))
    .with_seed(args.seed.unwrap_or(default.seed)))
}

/// More than this machine can count is as good as all it can.
fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What the command line asks for must be what the checkpoint says; epochs and patience are taken over from there.
pub fn agree(
    args: &TrainArgs,
    path: &Path,
    checkpoint: &mut Checkpoint<f32>,
    scheme: &Scheme,
    watch: &mut Watch,
) -> Result<(), Failure> {
    let same = Same(path);
    let Checkpoint { network, options, .. } = &*checkpoint;
    let hidden = network.layers().len().saturating_sub(1);
    same.check(
        "--hidden",
        args.hidden.as_ref(),
        &Hidden(network.layers().take(hidden).map(|layer| layer.fan_out()).collect()),
    )?;
    if hidden > 0 {
        same.check("--activation", args.activation.as_ref(), &network.layer(0).activation())?;
    }
    same.check("--loss", args.loss.as_ref().map(Loss::name).as_ref(), &options.loss.name())?;
    same.check("--optimizer", args.optimizer.map(OptimizerName::name).as_ref(), &options.optimizer.name())?;
    same.check("--learning-rate", args.learning_rate.as_ref(), &options.optimizer.learning_rate())?;
    same.check("--schedule", args.schedule.as_ref(), &ScheduleArg(options.schedule.clone()))?;
    same.tuning(&args.tuning, &TuningArgs::of(&options.optimizer, &options.loss, options.clip_norm))?;
    same.check("--batch", args.batch.map(whole).as_ref(), &options.batch)?;
    same.check("--seed", args.seed.as_ref(), &options.seed)?;
    same.check("--validate", args.validate.as_ref(), &watch.validate)?;
    match &scheme.columns {
        Columns::Table { features, label } => {
            same.check("--label", args.label.as_ref(), label)?;
            if let Some(used) = args.ignore.iter().find(|ignored| features.contains(ignored)) {
                let (path, used) = (Foreign::path(path), Foreign::quoted(used));
                return Err(Failure::Usage(format!(
                    "--ignore is {used}, and the training in {path} learns from that column"
                )));
            }
        }
        Columns::Images { .. } if args.label.is_some() => {
            let path = Foreign::path(path);
            return Err(Failure::Usage(format!("{path} is a training on images: --label is for CSV files")));
        }
        Columns::Images { .. } => {}
    }
    if let Some(epochs) = args.epochs {
        checkpoint.options.epochs = whole(epochs);
    }
    if args.patience.is_some() {
        watch.patience = args.patience;
    }
    if watch.patience.is_some() && watch.validate == 0.0 {
        let path = Foreign::path(path);
        return Err(Failure::Usage(format!("--patience needs examples that are held out, and {path} has none")));
    }
    Ok(())
}

/// The checkpoint that the command line must agree with.
struct Same<'a>(&'a Path);

impl Same<'_> {
    fn check<V: PartialEq + Display>(&self, flag: &str, asked: Option<&V>, kept: &V) -> Result<(), Failure> {
        self.check_any(flag, asked, Some(kept))
    }

    /// The same, where the checkpoint may have none.
    fn check_any<V: PartialEq + Display>(
        &self,
        flag: &str,
        asked: Option<&V>,
        kept: Option<&V>,
    ) -> Result<(), Failure> {
        match asked {
            Some(asked) if Some(asked) != kept => Err(Failure::Usage(format!(
                "{flag} is {}, and the training in {} has {}: leave it out, or begin a new training",
                Foreign::bare(&asked.to_string()),
                Foreign::path(self.0),
                Foreign::bare(&kept.map_or_else(|| "none".to_owned(), V::to_string))
            ))),
            _ => Ok(()),
        }
    }

    fn tuning(&self, asked: &TuningArgs, kept: &TuningArgs) -> Result<(), Failure> {
        self.check_any("--momentum", asked.momentum.as_ref(), kept.momentum.as_ref())?;
        self.check_any("--dampening", asked.dampening.as_ref(), kept.dampening.as_ref())?;
        self.check("--nesterov", asked.nesterov.then_some(&true), &kept.nesterov)?;
        self.check_any("--betas", asked.betas.as_ref(), kept.betas.as_ref())?;
        self.check_any("--epsilon", asked.epsilon.as_ref(), kept.epsilon.as_ref())?;
        self.check_any("--weight-decay", asked.weight_decay.as_ref(), kept.weight_decay.as_ref())?;
        self.check_any("--clip-norm", asked.clip_norm.as_ref(), kept.clip_norm.as_ref())?;
        self.check_any("--label-smoothing", asked.label_smoothing.as_ref(), kept.label_smoothing.as_ref())?;
        self.check_any("--class-weights", asked.class_weights.as_ref(), kept.class_weights.as_ref())
    }
}
