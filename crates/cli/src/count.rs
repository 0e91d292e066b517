//! `nxm count`: what a network costs, from its sizes alone, which may be in the header of a file.

mod question;
mod report;
mod rows;
mod symbolic;
mod text;
mod tools;

use std::io::Write;

use nxm_kernels::Cpu;
use nxm_net::ElementType;

use crate::args::{CountArgs, Format};
use crate::failure::Failure;
use crate::table::Look;
use question::Question;
use report::Report;
pub use report::verify_steps;

/// Answers the question. Nothing is written unless all of it can be.
pub fn run(args: &CountArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    if args.symbolic && args.format == Format::Csv {
        return Err(Failure::Usage(
            "--symbolic has no rows for --format csv: ask for table, markdown or json".to_owned(),
        ));
    }
    let question = Question::new(args)?;
    if let Some(tool) = args.tool {
        let report = tool.report(&question.network, question.length.batch);
        return tools::run(&report.map_err(Failure::usage)?, args.format, out);
    }
    let report = match question.element {
        ElementType::F32 => Report::new::<f32>(&question, args, &cpu)?,
        ElementType::F64 => Report::new::<f64>(&question, args, &cpu)?,
    };
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
