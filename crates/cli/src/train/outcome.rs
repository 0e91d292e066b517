//! What came of a training: how good its best epoch is on the held-out rows, and the report that shows it.

use nxm_count::{Bill, NetworkSpec, TrainingLength};
use nxm_data::{
    CostRow, DataDescription, Evaluation, Importance, LossCurves, Model, Report, TargetMetrics, TargetResult,
    TargetValues,
};
use nxm_kernels::Cpu;
use nxm_net::{Checkpoint, Dataset};

use super::job::invocation;
use crate::failure::Failure;
use crate::format::{count, plural, seconds};

/// Rows that a training is judged by.
#[derive(Debug)]
pub struct HeldOut {
    /// Encoded.
    pub data: Dataset<f32>,
    /// Their targets.
    pub values: TargetValues,
}

/// What a report shows besides the metrics.
pub struct Told<'a> {
    /// Where the network was trained.
    pub cpu: &'a Cpu,
    /// The name of the table.
    pub source: &'a str,
    /// The table, column by column.
    pub columns: Vec<Vec<String>>,
    /// How the file is written.
    pub dialect: &'a str,
    /// Of each epoch: its number, its loss and the held-out loss.
    pub epochs: Vec<(u64, f64, Option<f64>)>,
    /// The epoch that is kept.
    pub best: Option<u64>,
    /// What the training was forecast to take, and took, in seconds.
    pub time: (Option<f64>, f64),
}

/// Times that each column is shuffled.
const REPEATS: usize = 5;
/// Points that a plot of numbers gets at most.
const POINTS: usize = 2000;

/// The report of a training.
pub fn report(model: &Model, judged: Option<(&HeldOut, Evaluation)>, told: &Told<'_>) -> Result<Report, Failure> {
    let targets = model.schema.target.columns().join(", ");
    let network = &model.checkpoint.network;
    let sizes: Vec<String> = network.sizes().iter().map(usize::to_string).collect();
    let options = &model.checkpoint.options;
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut report = Report {
        title: format!("{}: {targets}", told.source),
        command: Some(invocation()),
        summary: vec![
            fact("learned", format!("{targets} ({})", model.schema.target.describe())),
            fact("network", format!("{}, {}", sizes.join("-"), plural(network.parameters() as u64, "parameter"))),
            fact("optimizer", format!("{} at {}", options.optimizer, options.optimizer.learning_rate())),
            fact("batch", options.batch.to_string()),
            fact("seed", options.seed.to_string()),
        ],
        losses: Some(LossCurves {
            train: told.epochs.iter().map(|(epoch, loss, _)| (*epoch, *loss)).collect(),
            held_out: told.epochs.iter().filter_map(|(epoch, _, loss)| Some((*epoch, (*loss)?))).collect(),
            best_epoch: told.best,
            loss: options.loss.to_string(),
        }),
        data: Some(DataDescription {
            facts: vec![
                fact("file", told.source.to_owned()),
                fact("format", told.dialect.to_owned()),
                fact("rows to learn from", count(model.checkpoint.examples as u64)),
                fact("rows held out", count(judged.as_ref().map_or(0, |(rows, _)| rows.data.len()) as u64)),
            ],
            headings: ["column", "holds", "values", "missing", "inputs"].map(str::to_owned).to_vec(),
            columns: told.columns.clone(),
        }),
        cost: cost(&model.checkpoint, told)?,
        ..Report::default()
    };
    if let Some((held_out, found)) = judged {
        report.results = results(model, held_out, found)?;
        // In the unit of the losses that the report shows.
        let unit = model.schema.target.loss_unit(&model.checkpoint.options.loss);
        let mut importance = model.importance(&held_out.data, REPEATS, options.seed)?;
        for (_, Importance { mean, spread, .. }) in &mut importance {
            (*mean, *spread) = (*mean * unit, *spread * unit);
        }
        report.importance = Some(importance);
    }
    Ok(report)
}

/// What the training was forecast to take, and took.
fn cost(
    Checkpoint { network, options, examples, .. }: &Checkpoint<f32>,
    told: &Told<'_>,
) -> Result<Vec<CostRow>, Failure> {
    let length = TrainingLength::of(options, *examples as u64);
    let bill =
        Bill::new::<f32>(&NetworkSpec::of_training(network, options), length, told.cpu).map_err(Failure::usage)?;
    let row = |what: &str, forecast: Option<String>, taken: Option<String>| CostRow {
        what: what.to_owned(),
        forecast,
        taken,
    };
    let [epoch, all] = [&bill.epoch, &bill.training].map(|part| part.total.ops.flops());
    // What kernels execute is what the formula says (docs/counting.md): an epoch is an epoch's flops.
    let epochs = told.epochs.last().map_or(0, |(epoch, ..)| *epoch);
    let taken = epoch.saturating_mul(u128::from(epochs));
    Ok(vec![
        row("time of the training", told.time.0.map(seconds), Some(seconds(told.time.1))),
        row("epochs", Some(count(options.epochs as u64)), Some(count(epochs))),
        row("flops of the kernels", Some(count(all)), Some(count(taken))),
        row("bytes of memory for the training, at most", Some(count(bill.memory_of_training.total)), None),
    ])
}

fn results(model: &Model, held_out: &HeldOut, found: Evaluation) -> Result<Vec<TargetResult>, Failure> {
    let result = |target: String, metrics| TargetResult { target, on: "held-out rows".to_owned(), metrics };
    let targets = || model.schema.target.columns().join(", ");
    Ok(match found {
        Evaluation::Classes(metrics) => vec![result(targets(), TargetMetrics::Classes(metrics))],
        Evaluation::Labels(metrics) => vec![result(targets(), TargetMetrics::Labels(metrics))],
        Evaluation::Numbers(columns) => {
            let predictions = model.predict_dataset(&held_out.data)?;
            let TargetValues::Numbers(values) = &held_out.values else { unreachable!("numbers are learned") };
            let rows = values.chunks_exact(columns.len().max(1)).enumerate().take(POINTS);
            let shown: Vec<(&[f64], Vec<f64>)> = rows.map(|(i, values)| (values, predictions.numbers(i))).collect();
            let points = |column: usize| shown.iter().map(|(values, said)| (values[column], said[column])).collect();
            let of = |(i, (name, metrics))| result(name, TargetMetrics::Numbers { metrics, points: points(i) });
            columns.into_iter().enumerate().map(of).collect()
        }
    })
}
