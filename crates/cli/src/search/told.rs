//! What a search says: its plan, its forecast, and the best of its trials.

use nxm_data::{Evaluation, HiddenSpace, Search, SearchSpace, Searched, Settings, Trial};
use nxm_net::Loss;

use super::command::weight_decay;
use super::foresee::Prices;
use crate::args::Hidden;
use crate::format::{count, loss, percent, plural, seconds};
use crate::table::{Look, table};
use crate::train::TrainJob;

/// Trials that the table shows at most.
const SHOWN: usize = 8;

/// What to think of the metric of the best trial.
pub const OPTIMISTIC: &str = "The held-out rows chose this trial and its epoch, so these metrics are optimistic: rows that nobody has seen will do worse.";

/// What is searched, and how.
pub fn plan(job: &TrainJob, search: &Search, space: &SearchSpace) -> String {
    let held_out = job.held_out.as_ref().map_or(0, |rows| rows.data.len());
    let (seen, held_out) = (plural(job.seen.len() as u64, "example"), count(held_out as u64));
    let mut text = format!("{}: {}, {seen}, {held_out} held out.\n", job.source, job.schema.target.describe());
    let mut drawn = Vec::new();
    if let Some(HiddenSpace { layers: [fewest, most], units: [small, large] }) = space.hidden {
        drawn.push(format!("{fewest} to {most} hidden layers of {small} to {large} units"));
    }
    let real = |name: &str, [low, high]: [f64; 2]| format!("{name} {low} to {high}");
    drawn.extend(space.learning_rate.map(|range| real("learning rate", range)));
    drawn.extend(space.weight_decay.map(|range| real("weight decay", range)));
    drawn.extend(space.batch.map(|[small, large]| format!("batches of {small} to {large}")));
    text += &format!("Searched: {}; seed {}.\n", drawn.join(", "), search.trials()[0].options.seed);
    let part = |(i, rung): (usize, &nxm_data::Rung)| match i {
        0 => format!("{} train {}", plural(rung.trials as u64, "trial"), plural(rung.epochs as u64, "epoch")),
        _ if rung.trials == 1 => format!("the best one goes on to {}", rung.epochs),
        _ => format!("the best {} go on to {}", rung.trials, rung.epochs),
    };
    let parts: Vec<String> = search.rungs().iter().enumerate().map(part).collect();
    text + &format!("{}: {} in all.\n", parts.join(", "), plural(search.epochs() as u64, "epoch"))
}

/// How long it will take: as long as the mean trial and as the slowest ones do, or until its time is up.
pub fn forecast([mean, most]: [f64; 2], limit: Option<f64>) -> String {
    let text = format!("Forecast: {}, or {} if the slowest trials go on", seconds(mean), seconds(most));
    match limit {
        None => format!("{text}."),
        Some(limit) => format!("{text}; stopped after {}.", seconds(limit)),
    }
}

/// The best trials, with the baseline below them.
pub fn trials(job: &TrainJob, found: &Searched, prices: &Prices, evaluation: &Evaluation) -> String {
    let unit = job.schema.target.loss_unit(&job.checkpoint.options.loss);
    let headings = [
        "trial",
        "hidden",
        "learning rate",
        "weight decay",
        "batch",
        "epochs",
        "best",
        "held-out loss",
        "held-out right",
        "parameters",
        "flops",
    ];
    let row = |trial: &Trial| {
        let Settings { hidden, options, .. } = &trial.settings;
        let price = &prices.0[trial.number.saturating_sub(1)];
        [
            trial.number.to_string(),
            Hidden(hidden.clone()).to_string(),
            setting(options.optimizer.learning_rate()),
            setting(weight_decay(&options.optimizer).unwrap_or(0.0)),
            options.batch.to_string(),
            trial.epochs.to_string(),
            trial.best.map(|best| best.epoch.to_string()).unwrap_or_default(),
            trial.best.map(|best| loss(best.loss * unit)).unwrap_or_default(),
            trial.best.and_then(|best| best.accuracy).map(percent).unwrap_or_default(),
            count(price.parameters),
            count(price.spent(trial)),
        ]
    };
    let judged = found.trials.iter().filter(|trial| trial.best.is_some());
    let mut rows: Vec<[String; 11]> = judged.take(SHOWN).map(row).collect();
    let (loss_of, right) = baseline(evaluation, &found.trials[0].settings.options.loss);
    let mut last: [String; 11] = std::array::from_fn(|_| String::new());
    last[0] = "baseline".to_owned();
    last[7] = loss_of.map(loss).unwrap_or_default();
    last[8] = right.map(percent).unwrap_or_default();
    rows.push(last);
    table(Look::Text, headings, 2, rows)
}

/// A learning rate or a weight decay with all of its digits: it may be very small.
fn setting(x: f64) -> String {
    if x != 0.0 && x < 1e-3 { format!("{x:e}") } else { x.to_string() }
}

/// The loss and the share of right classes of what knows the training targets alone, where they compare with a trial's.
fn baseline(evaluation: &Evaluation, loss: &Loss) -> (Option<f64>, Option<f64>) {
    match evaluation {
        Evaluation::Classes(both) => {
            // Smoothed or weighted, a loss is another number.
            let plain = *loss == Loss::CROSS_ENTROPY;
            (plain.then_some(both.baseline.log_loss), Some(both.baseline.accuracy))
        }
        Evaluation::Numbers(columns) => match &columns[..] {
            [(_, both)] => ((*loss == Loss::MeanSquaredError).then_some(both.baseline.mse), None),
            _ => (None, None),
        },
        Evaluation::Labels(_) => (None, None),
    }
}

/// What a search that was stopped did not do.
pub fn not_tried(search: &Search, found: &Searched) -> String {
    let trials = search.trials().len();
    let all = found.trials.iter().filter(|trial| trial.rungs == search.rungs().len()).count();
    let untried = match found.untried() {
        0 => "all trials were begun".to_owned(),
        n => format!("{} of {} were not tried", count(n as u64), plural(trials as u64, "trial")),
    };
    let last = search.rungs().last().map_or(0, |rung| rung.epochs);
    let end = if all == 0 { format!(", and none trained {}", plural(last as u64, "epoch")) } else { String::new() };
    format!("Stopped before its end: {untried}{end}.")
}
