//! `nxm count`: what a network costs, from its sizes alone, which may be in the header of a file.

mod question;
mod report;
mod rows;
mod symbolic;
mod text;
mod tools;

use std::io::{BufWriter, Write};

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
    // Standard output writes every line by a system call of its own, and an answer may have a million.
    let mut out = BufWriter::new(out);
    let agrees = answer(args, cpu, &mut out)?;
    out.flush()?;
    agrees
}

/// Writes the answer; returns whether what was verified agrees.
fn answer(args: &CountArgs, cpu: Cpu, out: &mut impl Write) -> Result<Result<(), Failure>, Failure> {
    if args.symbolic && args.format == Format::Csv {
        return Err(Failure::Usage(
            "--symbolic has no rows for --format csv: ask for table, markdown or json".to_owned(),
        ));
    }
    let question = Question::new(args)?;
    if let Some(tool) = args.tool {
        let report = tool.report(&question.network, question.length.batch);
        tools::run(&report.map_err(Failure::usage)?, args.format, out)?;
        return Ok(Ok(()));
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
    Ok(report.agrees())
}

#[cfg(test)]
mod tests {
    use std::io;

    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    /// Counts what a system would be asked for.
    #[derive(Default)]
    struct Calls {
        calls: usize,
        bytes: usize,
    }

    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            self.bytes += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_long_answer_is_written_by_large_pieces() {
        for format in ["json", "csv", "table", "markdown"] {
            let calls = |layers: usize| {
                let sizes = vec!["3"; layers + 1].join("-");
                let cli = Cli::try_parse_from(["nxm", "count", &sizes, "--format", format]).unwrap();
                let Some(Command::Count(args)) = cli.command else { unreachable!("it counts") };
                let mut calls = Calls::default();
                run(&args, Cpu::detect().unwrap(), &mut calls).unwrap();
                calls
            };
            for answer in [calls(30), calls(300)] {
                assert!(answer.calls <= 2 + 2 * answer.bytes / 4096, "{format}: {} for {}", answer.calls, answer.bytes);
            }
        }
    }
}
