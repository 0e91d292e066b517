//! `nxm evaluate`: how good a trained network is on data with targets.

use std::io::Write;

use nxm_data::{Examples, Model, TableError, dataset};
use nxm_kernels::Cpu;

use crate::args::{EvaluateArgs, MetricsFormat};
use crate::data::Source;
use crate::failure::{Failure, warn};
use crate::format::{self, plural};
use crate::model::{Score, load_best, loss_unit};

/// Writes the loss and the metrics, beside those of a baseline.
pub fn run(args: &EvaluateArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    let model = load_best(&args.model, &cpu, args.last)?;
    let source = Source::File { data: &args.data, labels: args.labels.as_deref() };
    let (table, _) = source.read(&args.table, Some(&model.reading))?;
    let examples = Examples::of_model(&table, &model.target)?;
    let name = source.name();
    if examples.rows.is_empty() {
        return Err(Failure::Usage(format!("{name}: no row has a value to judge by")));
    }
    let dropped = table.rows().saturating_sub(examples.rows.len());
    if dropped > 0 {
        warn(&format!("{name}: {} without a value to judge by, which are left out", plural(dropped as u64, "row")));
    }
    let loss = loss_of(&model, &examples, &cpu, args.allow_non_finite)?;
    let predictions = model.predict_rows(&table, &examples.rows)?;
    let found = model.judge(&predictions, &examples.values, &examples.rows)?;
    if args.format == MetricsFormat::Json {
        let whole = serde_json::json!({ "data": name, "rows": examples.rows.len(), "loss": loss, "metrics": found });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
        return Ok(());
    }
    let rows = plural(examples.rows.len() as u64, "example");
    let epoch = plural(model.checkpoint.state.progress.epochs as u64, "epoch");
    let loss_name = &model.checkpoint.options.loss;
    writeln!(out, "{name}: {rows}, mean loss ({loss_name}) {}, after {epoch} of training\n", format::loss(loss))?;
    writeln!(out, "{found}")?;
    Ok(())
}

/// The mean loss in the data's own unit. An output or a loss that is not finite is an error that names its row, unless it is allowed.
fn loss_of(model: &Model, examples: &Examples<'_>, cpu: &Cpu, allow: bool) -> Result<f64, Failure> {
    let (network, rows) = (&model.checkpoint.network, &examples.rows);
    let data = dataset(&model.encoder, &model.target, examples, rows)?;
    let outputs = network.predict(cpu, data.inputs()).map_err(Failure::usage)?;
    let place = |at: usize| {
        let row = at.checked_div(network.outputs()).unwrap_or(0);
        examples.table.place(rows[row])
    };
    if let Some(at) = outputs.iter().position(|output| !output.is_finite()).filter(|_| !allow) {
        return Err(stray(&place(at), outputs[at]).into());
    }
    let loss = Score::new(network, cpu, &data, &model.checkpoint.options.loss)?.loss * loss_unit(&model.target);
    if !loss.is_finite() && !allow {
        // All outputs are finite: a loss overflows where one of them is largest.
        let size = |i: &usize| outputs[*i].abs();
        let largest = (0..outputs.len()).max_by(|one, other| size(one).total_cmp(&size(other))).unwrap_or(0);
        return Err(Failure::Usage(format!(
            "{}: the network's output is {:e}, and the mean loss {loss}: the numbers are too far from what the model was trained on \
             (--allow-non-finite goes on)",
            place(largest),
            outputs[largest]
        )));
    }
    Ok(loss)
}

/// An output that is infinite or no number: finite inputs can be so large that a network overflows.
pub fn stray(place: &nxm_data::Place, output: f32) -> TableError {
    TableError::Content(format!(
        "{place}: the network's output is {output}, which no prediction can be made of: its numbers are too far from what the model \
         was trained on (--allow-non-finite goes on)"
    ))
}
