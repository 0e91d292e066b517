//! Section 2: what the training will cost, before it is run.

use std::io::Write;
use std::time::Duration;

use nxm_count::{Forecast, Formulas, forecast};
use nxm_kernels::{Executor, Function};

use super::job::DemoJob;
use crate::failure::Failure;
use crate::format::{count, plural, seconds, significant};
use crate::table::{Look, table};

/// How long is measured.
const BUDGET: Duration = Duration::from_secs(1);

/// Counts, measures, and writes what will come.
pub fn write(job: &DemoJob, out: &mut impl Write) -> Result<Forecast, Failure> {
    let length = job.length();
    let textbook = Formulas::textbook::<f32>();
    let step = textbook.step(&job.spec, length.batch).map_err(Failure::usage)?;
    let training = textbook.training(&job.spec, length).map_err(Failure::usage)?;
    writeln!(
        out,
        "{} images of 8 × 8 pixels train a {} network (ReLU, cross-entropy, {} parameters)\n\
         in batches of {}, for {}. That makes {}, whose kernels execute exactly:\n",
        count(length.examples),
        job.name(),
        count(job.spec.parameters()),
        length.batch,
        plural(length.epochs, "epoch"),
        plural(length.steps(), "step"),
    )?;
    let rows = [("one step", step.total), ("all of the training", training)].map(|(name, tally)| {
        let ops = tally.useful;
        let [relu, exp] = [Function::Relu, Function::Exp].map(|function| count(ops.evaluations(function)));
        [name.to_owned(), count(ops.multiplications()), count(ops.additions()), relu, exp, count(ops.flops())]
    });
    let header = ["", "multiplications", "additions", "ReLU", "exp", "flops"];
    writeln!(out, "{}\n", table(Look::Text, header, 1, rows))?;
    out.flush()?;

    let forecast = forecast::<f32>(&job.spec, length, &job.cpu, BUDGET).map_err(Failure::usage)?;
    writeln!(
        out,
        "Measured for {} on random data: a step takes {} ({} GFLOP/s on {}, {}).\n\
         Forecast: the training will take {}.",
        seconds(BUDGET.as_secs_f64()),
        seconds(forecast.seconds_per_step),
        significant(forecast.flops_per_second / 1e9),
        job.cpu.level(),
        plural(job.cpu.threads() as u64, "thread"),
        seconds(forecast.seconds)
    )?;
    Ok(forecast)
}
