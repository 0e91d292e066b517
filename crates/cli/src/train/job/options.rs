//! Training options from the command line, and whether a checkpoint's are those that the command line asks for.

use std::fmt::Display;
use std::path::Path;

use nxm_data::{Foreign, LEARNING_RATE, Model, Recipe, Rows, Settings, SplitBy, Target};
use nxm_net::{AdamW, Checkpoint, Loss, Optimizer, TrainingOptions};

use crate::args::{Auto, Hidden, LayersArg, OptimizerArg, ScheduleArg, SplitName, TrainArgs, TuningArgs};
use crate::failure::Failure;
use crate::train::watch::Watch;

/// What the command line asks for, to learn from these rows; what it does not say is right for their number.
pub fn new(args: &TrainArgs, rows: &Rows<'_>) -> Result<Settings, Failure> {
    let asked = args.optimizer.clone().unwrap_or_else(|| OptimizerArg::from(Optimizer::from(AdamW::default())));
    let has_rate = asked.asked.iter().any(|(name, _)| name == "learning_rate");
    let rate = args.learning_rate.or((asked.name() == ADAMW && !has_rate).then_some(LEARNING_RATE));
    let mut recipe = Recipe::default()
        .with_optimizer(args.tuning.optimizer(&asked, rate)?)
        .with_seed(args.seed.unwrap_or(TrainingOptions::default().seed));
    recipe.hidden = Auto::given(&args.hidden).map(|hidden| hidden.0.clone());
    recipe.activation = args.activation;
    recipe.layers = args.layers.as_ref().map(|layers| layers.0.clone());
    recipe.batch = Auto::given(&args.batch).copied().map(whole);
    recipe.epochs = Auto::given(&args.epochs).copied().map(whole);
    recipe.patience = args.patience.map(whole);
    recipe.metric = args.metric.unwrap_or_default();
    recipe.min_gain = args.min_gain.unwrap_or(0.0);
    recipe.keep_last = args.keep_last;
    recipe.clip_norm = args.tuning.clip_norm;
    let mut settings = recipe.settings(rows.len(), &rows.examples.target);
    let kind = kind(args, settings.options.loss, &rows.examples.target)?;
    settings.options.loss = args.tuning.loss(kind, Some(rows))?;
    settings.options.clip_value = args.tuning.clip_value;
    settings.options.ema = args.tuning.ema;
    settings.options.accumulate = args.accumulate.map_or(1, whole);
    settings.options.schedule = args.schedule.clone().unwrap_or_default().0;
    Ok(settings)
}

/// The optimizer whose learning rate is not PyTorch's unless told.
const ADAMW: &str = "adamw";

/// An optimizer with all its settings.
fn text(optimizer: &Optimizer) -> String {
    let settings = optimizer.settings().into_iter().map(|(name, value)| format!("{name}={value}"));
    let settings: Vec<String> =
        std::iter::once(format!("learning_rate={:?}", optimizer.learning_rate())).chain(settings).collect();
    format!("{}:{}", optimizer.name(), settings.join(","))
}

/// The loss that is asked for, or the one that is right for what is learned. Targets that are numbers are scaled, so that only losses of differences
/// fit them.
fn kind(args: &TrainArgs, fits: Loss, target: &Target) -> Result<Loss, Failure> {
    match (&args.loss, target) {
        (
            Some(
                loss @ (Loss::PoissonNll { .. }
                | Loss::SoftMargin
                | Loss::KlDivergence { .. }
                | Loss::SoftCrossEntropy { .. }),
            ),
            _,
        ) => Err(Failure::Usage(format!(
            "--loss {loss} needs targets as they are, and nxm train scales them: it is for nxm count, nxm audit and the library"
        ))),
        (Some(loss), Target::Numbers { .. }) => Ok(loss.clone()),
        _ => Ok(fits),
    }
}

/// More than this machine can count is as good as all it can.
pub fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What the command line asks for must be what the checkpoint says; epochs and patience are taken over from there.
pub fn agree(args: &TrainArgs, path: &Path, model: &mut Model, watch: &mut Watch) -> Result<(), Failure> {
    let same = Same(path);
    let Checkpoint { network, options, .. } = &model.checkpoint;
    let hidden = network.layers().len().saturating_sub(1);
    same.check(
        "--hidden",
        Auto::given(&args.hidden),
        &Hidden(network.layers().take(hidden).map(|layer| layer.fan_out()).collect()),
    )?;
    let layers = network.layers().take(hidden).map(|layer| layer.layer()).collect();
    same.check("--layers", args.layers.as_ref(), &LayersArg(layers))?;
    if hidden > 0 {
        same.check("--activation", args.activation.as_ref(), &network.layer(0).activation())?;
    }
    same.check("--loss", args.loss.as_ref().map(Loss::name).as_ref(), &options.loss.name())?;
    same.check("--optimizer", args.optimizer.as_ref().map(OptimizerArg::name).as_ref(), &options.optimizer.name())?;
    if let Some(asked) = &args.optimizer {
        let mut other = options.optimizer;
        for (name, value) in &asked.asked {
            other.set(name, value).map_err(Failure::usage)?;
        }
        let [other, kept] = [&other, &options.optimizer].map(text);
        same.check("--optimizer", Some(&other), &kept)?;
    }
    same.check("--learning-rate", args.learning_rate.as_ref(), &options.optimizer.learning_rate())?;
    same.check("--schedule", args.schedule.as_ref(), &ScheduleArg(options.schedule.clone()))?;
    same.tuning(&args.tuning, &TuningArgs::of(options))?;
    same.check("--batch", Auto::given(&args.batch).copied().map(whole).as_ref(), &options.batch)?;
    same.check("--accumulate", args.accumulate.map(whole).as_ref(), &options.accumulate)?;
    same.check("--seed", args.seed.as_ref(), &options.seed)?;
    same.check("--validate", args.validate.as_ref(), &watch.validate)?;
    let split = args.split.map(split_by).or(args.group.clone().map(SplitBy::Group));
    same.check("--split", split.as_ref().map(split_name).as_ref(), &split_name(&watch.split))?;
    if args.validate_with.is_some() != watch.validate_with.is_some() {
        let (path, has) = (Foreign::path(path), if watch.validate_with.is_some() { "was" } else { "was not" });
        return Err(Failure::Usage(format!("the training in {path} {has} begun with --validate-with")));
    }
    if !args.label.is_empty() {
        same.check("--label", Some(&args.label.join(",")), &model.schema.target.columns().join(","))?;
    }
    same.check_any("--weights", args.weights.as_ref(), model.schema.weights.as_ref())?;
    if let Some(used) = model.schema.encoder.columns().iter().find(|column| args.ignore.contains(&column.name)) {
        let (path, used) = (Foreign::path(path), Foreign::quoted(&used.name));
        return Err(Failure::Usage(format!("--ignore is {used}, and the training in {path} learns from that column")));
    }
    for (flag, given) in [("--categories", &args.categories), ("--numbers", &args.numbers)] {
        if !given.is_empty() {
            let path = Foreign::path(path);
            return Err(Failure::Usage(format!(
                "{flag}: the training in {path} knows its columns already: leave it out"
            )));
        }
    }
    if let Some(epochs) = Auto::given(&args.epochs) {
        model.checkpoint.options.epochs = whole(*epochs);
    }
    same.check("--metric", args.metric.as_ref(), &watch.metric)?;
    same.check("--min-gain", args.min_gain.as_ref(), &watch.patience.min_gain)?;
    if args.keep_last && watch.keep_best {
        let path = Foreign::path(path);
        return Err(Failure::Usage(format!(
            "the training in {path} keeps its best epoch: leave --keep-last out, and use nxm predict --last"
        )));
    }
    if args.patience.is_some() {
        watch.patience.epochs = args.patience.filter(|patience| *patience > 0);
    }
    if watch.patience.epochs.is_some() && watch.validate == 0.0 && watch.validate_with.is_none() {
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
        self.check("--no-bias-decay", asked.no_bias_decay.then_some(&true), &kept.no_bias_decay)?;
        self.check_any("--clip-norm", asked.clip_norm.as_ref(), kept.clip_norm.as_ref())?;
        self.check_any("--clip-value", asked.clip_value.as_ref(), kept.clip_value.as_ref())?;
        self.check_any("--ema", asked.ema.as_ref(), kept.ema.as_ref())?;
        self.check_any("--reduction", asked.reduction.as_ref(), kept.reduction.as_ref())?;
        self.check_any("--label-smoothing", asked.label_smoothing.as_ref(), kept.label_smoothing.as_ref())?;
        self.check_any("--beta", asked.beta.as_ref(), kept.beta.as_ref())?;
        self.check_any("--delta", asked.delta.as_ref(), kept.delta.as_ref())?;
        self.check_any("--tau", asked.tau.as_ref(), kept.tau.as_ref())?;
        self.check_any("--class-weights", asked.class_weights.as_ref(), kept.class_weights.as_ref())
    }
}

/// How rows are parted.
pub fn split_by(name: SplitName) -> SplitBy {
    match name {
        SplitName::Stratified => SplitBy::Stratified,
        SplitName::Random => SplitBy::Random,
        SplitName::Order => SplitBy::Order,
    }
}

fn split_name(by: &SplitBy) -> String {
    match by {
        SplitBy::Stratified => "stratified".to_owned(),
        SplitBy::Random => "random".to_owned(),
        SplitBy::Order => "order".to_owned(),
        SplitBy::Group(column) => format!("by group of {column}"),
    }
}
