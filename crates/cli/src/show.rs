//! `nxm show`: what a model has learned from its data besides its weights.

use std::io::Write;

use nxm_data::{EncodedColumn, Encoding, Filled, Foreign, Standard, Target};
use nxm_kernels::Cpu;
use nxm_net::Loss;

use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::format::{count, plain, plural, significant};
use crate::model::load_best;
use crate::table::{Look, table};

/// Values that are shown of a list.
const SHOWN: usize = 8;

/// Writes what the outputs mean, what becomes of each column, and how the network was trained.
pub fn run(args: &ShowArgs, cpu: &Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let model = load_best(&args.model, cpu, args.last)?;
    let (network, options) = (&model.checkpoint.network, &model.checkpoint.options);
    let sizes: Vec<String> = network.sizes().iter().map(usize::to_string).collect();
    let activations: Vec<String> = network.activations().map(|activation| activation.to_string()).collect();
    let epochs = plural(model.checkpoint.state.progress.epochs as u64, "epoch");
    writeln!(out, "{}: a network that predicts {}.\n", Foreign::path(&args.model), model.schema.target.describe())?;
    writeln!(
        out,
        "{} ({}), {}",
        sizes.join("-"),
        activations.join(", "),
        plural(network.parameters() as u64, "parameter")
    )?;
    let rows = plural(model.checkpoint.examples as u64, "row");
    let rate = options.optimizer.learning_rate();
    writeln!(
        out,
        "trained on {rows} for {epochs}: {}, {} at {rate}, batches of {}, seed {}\n",
        options.loss, options.optimizer, options.batch, options.seed
    )?;
    let rows = model.schema.encoder.columns().iter().map(column);
    writeln!(
        out,
        "{}\n",
        table(Look::Text, ["column", "is read as", "inputs", "learned from training rows"], 4, rows)
    )?;
    for (name, meaning) in targets(&model.schema.target) {
        writeln!(out, "{}: {meaning}", Foreign::bare(&name))?;
    }
    if let Some(weights) = &model.schema.weights {
        writeln!(out, "{}: what each row weighs", Foreign::bare(weights))?;
    }
    let weights = match &options.loss {
        Loss::CrossEntropy { class_weights, .. } => class_weights,
        Loss::BinaryCrossEntropy { positive_weights } => positive_weights,
        _ => &Vec::new(),
    };
    if !weights.is_empty() {
        let what = if options.loss.takes_labels() { "classes weigh" } else { "examples that say yes weigh" };
        let weights: Vec<String> = weights.iter().map(|weight| significant(*weight)).collect();
        writeln!(out, "{what} {}", weights.join(", "))?;
    }
    Ok(())
}

fn column(column: &EncodedColumn) -> [String; 4] {
    let (kind, learned) = match &column.encoding {
        Encoding::Number(filled) => ("numbers", of_numbers(filled)),
        Encoding::Date { days, .. } => ("dates, in days since 1970", of_numbers(days)),
        Encoding::Boolean { values: [no, yes], one } => {
            let missing = if one.says_missing { ", missing has an input of its own" } else { "" };
            ("no or yes", format!("{} or {}{missing}", Foreign::bare(no), Foreign::bare(yes)))
        }
        Encoding::Category { values, rare } => {
            let others = if *rare { ", and all others" } else { "" };
            ("categories", format!("{}{others}", list(values)))
        }
        Encoding::Array { divided_by: Some(by), .. } => ("arrays", format!("divided by {}", plain(*by))),
        Encoding::Array { .. } => ("arrays", "mean and deviation of each element".to_owned()),
    };
    [Foreign::bare(&column.name).to_string(), kind.to_owned(), count(column.encoding.width() as u64), learned]
}

fn of_numbers(filled: &Filled) -> String {
    let missing = if filled.says_missing { ", missing has an input of its own" } else { "" };
    format!("{}, median {}{missing}", of_standard(&filled.standard), significant(filled.median))
}

fn of_standard(standard: &Standard) -> String {
    format!("mean {}, deviation {}", significant(standard.mean), significant(standard.deviation))
}

/// The first few of some values.
fn list(values: &[String]) -> String {
    let name = |value: &String| if value.is_empty() { "missing".to_owned() } else { Foreign::bare(value).to_string() };
    let shown: Vec<String> = values.iter().take(SHOWN).map(name).collect();
    let more = values.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn targets(target: &Target) -> Vec<(String, String)> {
    match target {
        Target::Classes { column, classes } => vec![(column.clone(), format!("one of {}", list(classes)))],
        Target::Numbers { columns, standards } => {
            columns.iter().zip(standards).map(|(name, standard)| (name.clone(), of_standard(standard))).collect()
        }
        Target::Labels { columns, values } => {
            let pair = |[no, yes]: &[String; 2]| format!("{} or {}", Foreign::bare(no), Foreign::bare(yes));
            columns.iter().zip(values).map(|(name, values)| (name.clone(), pair(values))).collect()
        }
    }
}
