//! `nxm count --as`: what another counter would say.

use std::io::Write;

use nxm_count::ToolReport;

use crate::args::Format;
use crate::failure::Failure;
use crate::format::count;

/// Writes the number and what it leaves out.
pub fn run(report: &ToolReport, format: Format, out: &mut impl Write) -> Result<(), Failure> {
    let numbers = [
        ("forward", Some(report.forward)),
        ("forward_and_backward", report.forward_and_backward),
        ("transcendentals", report.transcendentals),
    ];
    let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, number?)));
    let unit = |name: &str| if name == "transcendentals" { "evaluations" } else { report.unit };
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, report)?;
            writeln!(out)?;
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(["tool", "what", "number", "unit", "leaves_out"])?;
            for (name, number) in numbers {
                csv.write_record([report.tool, name, &number.to_string(), unit(name), report.leaves_out])?;
            }
            csv.flush()?;
        }
        Format::Table | Format::Markdown => {
            for (name, number) in numbers {
                writeln!(out, "{} {}: {} {}", report.tool, name.replace('_', " "), count(number), unit(name))?;
            }
            writeln!(out, "It leaves out, or counts its own way: {}.", report.leaves_out)?;
        }
    }
    Ok(())
}
