//! `nxm evaluate`: how good a trained network is on data with targets.

use std::io::Write;

use nxm_data::{Examples, Foreign, stray};
use nxm_kernels::Cpu;

use crate::args::{EvaluateArgs, MetricsFormat};
use crate::data::Source;
use crate::failure::{Failure, warn};
use crate::format::{self, plural};
use crate::model::load_best;

/// Writes the loss and the metrics, beside those of a baseline.
pub fn run(args: &EvaluateArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    let model = load_best(&args.model, &cpu, args.last)?;
    let source = Source::File { data: &args.data, labels: args.labels.as_deref() };
    let (table, _) = source.read(&args.table, Some(&model.schema.reading))?;
    // A table may say what its rows weigh, or not.
    let has = |column: &&str| table.columns().iter().any(|other| other.name == **column);
    let weights = model.schema.weights.as_deref().filter(has);
    let rows = Examples::of_model(&table, &model.schema.target)?.weighted_by(weights)?.all();
    let name = source.name();
    if rows.is_empty() {
        return Err(Failure::Usage(format!("{name}: no row has a value to judge by")));
    }
    let dropped = table.rows().saturating_sub(rows.len());
    if dropped > 0 {
        warn(&format!("{name}: {} without a value to judge by, which are left out", plural(dropped as u64, "row")));
    }
    let data = model.schema.dataset(&rows)?;
    let predictions = model.predict_dataset(&data)?;
    let place = |row: usize| table.place(rows.rows[row]);
    if let Some((row, output)) = predictions.stray().filter(|_| !args.allow_non_finite) {
        return Err(Failure::Usage(format!("{} (--allow-non-finite goes on)", stray(&place(row), output))));
    }
    let (network, loss) = (model.checkpoint.evaluated(), &model.checkpoint.options.loss);
    let loss = network.evaluate(&cpu, &data, loss).map_err(Failure::usage)?.loss * model.schema.target.loss_unit(loss);
    if !loss.is_finite() && !args.allow_non_finite {
        // All outputs are finite: a loss overflows where one of them is largest.
        let largest =
            |row: &usize| predictions.outputs(*row).iter().fold(0.0f32, |most, output| most.max(output.abs()));
        let row = (0..rows.len()).max_by(|one, other| largest(one).total_cmp(&largest(other))).unwrap_or(0);
        return Err(Failure::Usage(format!(
            "{}: an output of the network is {:e} in size, and the mean loss {loss}: the numbers are too far from what the model was trained \
             on (--allow-non-finite goes on)",
            place(row),
            largest(&row)
        )));
    }
    let found = model.judge(&predictions, &rows.values()?)?;
    if args.format == MetricsFormat::Json {
        let whole = serde_json::json!({ "data": name, "rows": rows.len(), "loss": loss, "metrics": found });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
        return Ok(());
    }
    let rows = plural(rows.len() as u64, "example");
    let epoch = plural(model.checkpoint.state.progress.epochs as u64, "epoch");
    let loss_name = &model.checkpoint.options.loss;
    let weighed = weights.map(|column| format!(", weighed by {}", Foreign::quoted(column))).unwrap_or_default();
    writeln!(
        out,
        "{name}: {rows}{weighed}, mean loss ({loss_name}) {}, after {epoch} of training\n",
        format::loss(loss)
    )?;
    writeln!(out, "{found}")?;
    Ok(())
}
