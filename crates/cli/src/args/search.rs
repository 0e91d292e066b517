//! The arguments of `nxm search`.

use std::path::PathBuf;

use clap::Args;

use super::learn::TrainArgs;
use super::values::{at_least_one, more_than_zero};

/// What is searched, and how much it may cost.
#[derive(Debug, Args)]
// What is of one training is refused with a reason, and not shown.
#[command(
    mut_arg("resume", |arg| arg.hide(true)),
    mut_arg("fine_tune", |arg| arg.hide(true)),
    mut_arg("folds", |arg| arg.hide(true)),
    mut_arg("patience", |arg| arg.hide(true)),
    mut_arg("min_gain", |arg| arg.hide(true)),
    mut_arg("metric", |arg| arg.hide(true)),
    mut_arg("keep_last", |arg| arg.hide(true)),
    mut_arg("quiet", |arg| arg.hide(true)),
    mut_arg("verbose", |arg| arg.hide(true)),
    mut_arg("log", |arg| arg.hide(true)),
    mut_arg("checkpoint_every", |arg| arg.hide(true)),
    mut_arg("keep", |arg| arg.hide(true)),
    mut_arg("report", |arg| arg.hide(true)),
    mut_arg("history", |arg| arg.hide(true)),
    mut_arg("tensorboard", |arg| arg.hide(true))
)]
pub struct SearchArgs {
    /// All that `nxm train` takes. What is said of the network and its training is not searched.
    #[command(flatten)]
    pub train: TrainArgs,
    /// How many settings are tried. The first are those of nxm train.
    #[arg(long, value_name = "N", default_value_t = 27, value_parser = at_least_one, allow_negative_numbers = true)]
    pub trials: u64,
    /// Stop the search after so many seconds. They begin when the table is read and the forecast is made.
    #[arg(long, value_name = "SECONDS", value_parser = more_than_zero, allow_negative_numbers = true)]
    pub seconds: Option<f64>,
    /// Judge the best model once, at the end, by this table, which has the same columns. The search sees none of its rows.
    #[arg(long, value_name = "FILE")]
    pub test_with: Option<PathBuf>,
}
