//! `nxm count`: what a network costs, from its sizes alone.

mod report;
mod rows;
mod text;

use std::io::Write;

use nxm_count::NetworkSpec;

use crate::args::{CountArgs, Format};
use crate::failure::Failure;
use crate::table::Look;
use report::Report;
pub use report::verify_step;

/// Answers the question. Nothing is written unless all of it can be.
pub fn run(args: &CountArgs, out: &mut impl Write) -> Result<(), Failure> {
    let spec =
        NetworkSpec::new(args.sizes.as_slice(), args.hidden, args.output, args.loss.clone()).map_err(Failure::usage)?;
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
