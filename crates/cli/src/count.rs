//! `nxm count`: what a network costs, from its sizes alone.

mod report;
mod rows;
mod text;
mod tools;

use std::io::Write;

use crate::args::{CountArgs, Format};
use crate::failure::Failure;
use crate::table::Look;
use report::Report;
pub use report::verify_step;

/// Answers the question. Nothing is written unless all of it can be.
pub fn run(args: &CountArgs, out: &mut impl Write) -> Result<(), Failure> {
    let activations = [args.hidden, args.output];
    let spec = args.tuning.network(&args.sizes, activations, args.loss.clone(), args.optimizer)?;
    if let Some(tool) = args.tool {
        return tools::run(&tool.report(&spec, args.batch).map_err(Failure::usage)?, args.format, out);
    }
    let report = Report::new(&spec, args)?;
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
