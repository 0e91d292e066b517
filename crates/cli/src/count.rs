//! `nxm count`: what a network costs, from its sizes alone.

mod report;
mod rows;
mod text;
mod tools;

use std::io::Write;

use nxm_count::{Clipping, NetworkSpec};
use nxm_kernels::Cpu;
use nxm_net::TrainingOptions;

use crate::args::{CountArgs, Format, OptimizerName};
use crate::failure::Failure;
use crate::table::Look;
use report::Report;
pub use report::verify_step;

/// Answers the question. Nothing is written unless all of it can be.
pub fn run(args: &CountArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let spec = spec(args)?;
    if let Some(tool) = args.tool {
        return tools::run(&tool.report(&spec, args.batch).map_err(Failure::usage)?, args.format, out);
    }
    let report = Report::new(&spec, args, &cpu)?;
    match args.format {
        Format::Table => text::write(&report, Look::Text, out)?,
        Format::Markdown => text::write(&report, Look::Markdown, out)?,
        Format::Csv => rows::write(&report, out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            writeln!(out)?;
        }
    }
    report.agrees()
}

/// The network of the command line, and how it is trained.
fn spec(args: &CountArgs) -> Result<NetworkSpec, Failure> {
    let tuning = &args.tuning;
    let loss = tuning.loss(args.loss.clone())?;
    let spec = NetworkSpec::new(args.sizes.as_slice(), args.hidden, args.output, loss);
    let optimizer = tuning.optimizer(args.optimizer.unwrap_or(OptimizerName::Sgd), None)?;
    // Its options must be such as training takes.
    let options = TrainingOptions { optimizer, clip_norm: tuning.clip_norm, ..TrainingOptions::default() };
    options.check::<f32>().map_err(Failure::usage)?;
    if let Some(norm) = tuning.clip_norm
        && !(norm as f32 > 0.0 && (norm as f32).is_finite())
    {
        return Err(Failure::Usage(format!("--clip-norm is {norm}: a finite number above 0 is needed")));
    }
    let clipping = if tuning.clip_norm.is_some() { Clipping::Scaled } else { Clipping::None };
    Ok(spec.map_err(Failure::usage)?.with_optimizer(options.optimizer).with_clipping(clipping))
}
