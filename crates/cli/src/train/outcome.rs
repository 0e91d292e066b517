//! What came of a training: how good its best epoch is on the held-out rows, and the report that shows it.

use nxm_data::{
    CostRow, DataDescription, Evaluation, LossCurves, Model, Report, TargetMetrics, TargetResult, TargetValues,
};
use nxm_net::Dataset;

use crate::failure::Failure;
use crate::format::{plural, seconds};

/// Held-out rows, to be judged when the training is done.
#[derive(Debug)]
pub struct Judged {
    /// Encoded.
    pub data: Dataset<f32>,
    /// The targets of all rows of their table.
    pub values: TargetValues,
    /// Which of them are held out.
    pub rows: Vec<usize>,
}

/// What a report shows besides the metrics.
pub struct Told<'a> {
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

/// How good a model is on held-out rows.
pub fn judge(model: &Model, judged: &Judged) -> Result<Evaluation, Failure> {
    let inputs: Vec<f32> = (0..judged.data.len()).flat_map(|row| judged.data.inputs().row(row).to_vec()).collect();
    let predictions = model.predict_encoded(&inputs, judged.data.len())?;
    Ok(model.judge(&predictions, &judged.values, &judged.rows)?)
}

/// The report of a training.
pub fn report(model: &Model, judged: Option<&Judged>, told: &Told<'_>) -> Result<Report, Failure> {
    let targets = model.target.columns().join(", ");
    let network = &model.checkpoint.network;
    let sizes: Vec<String> = network.sizes().iter().map(usize::to_string).collect();
    let options = &model.checkpoint.options;
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut report = Report {
        title: format!("{}: {targets}", told.source),
        summary: vec![
            fact("learned", format!("{targets} ({})", model.target.describe())),
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
            facts: vec![fact("file", told.source.to_owned()), fact("format", told.dialect.to_owned())],
            headings: ["column", "holds", "values", "missing", "inputs"].map(str::to_owned).to_vec(),
            columns: told.columns.clone(),
        }),
        cost: vec![CostRow {
            what: "time of the training".to_owned(),
            forecast: told.time.0.map(seconds),
            taken: Some(seconds(told.time.1)),
        }],
        ..Report::default()
    };
    if let Some(judged) = judged {
        report.results = results(model, judged)?;
        report.importance = Some(model.importance(&judged.data, REPEATS, options.seed)?);
    }
    Ok(report)
}

fn results(model: &Model, judged: &Judged) -> Result<Vec<TargetResult>, Failure> {
    let result = |target: String, metrics| TargetResult { target, on: "held-out rows".to_owned(), metrics };
    let targets = model.target.columns();
    Ok(match judge(model, judged)? {
        Evaluation::Classes(metrics) => vec![result(targets.join(", "), TargetMetrics::Classes(metrics))],
        Evaluation::Labels(metrics) => vec![result(targets.join(", "), TargetMetrics::Labels(metrics))],
        Evaluation::Numbers(columns) => {
            let inputs: Vec<f32> =
                (0..judged.data.len()).flat_map(|row| judged.data.inputs().row(row).to_vec()).collect();
            let predictions = model.predict_encoded(&inputs, judged.data.len())?;
            let TargetValues::Numbers(values) = &judged.values else { unreachable!("numbers are learned") };
            let width = columns.len();
            let points = |column: usize| {
                let shown = judged.rows.iter().enumerate().take(POINTS);
                let point = |(i, row): (usize, &usize)| {
                    let target = values[row.saturating_mul(width).saturating_add(column)];
                    (target, predictions.numbers(i)[column])
                };
                shown.map(point).collect()
            };
            let of = |(i, (name, metrics))| result(name, TargetMetrics::Numbers { metrics, points: points(i) });
            columns.into_iter().enumerate().map(of).collect()
        }
    })
}
