//! `nxm count --symbolic`: each phase's count as a formula, before its value.

use std::io::{self, Write};

use nxm_count::{SymbolicCount, SymbolicPhase};

use super::report::Report;
use super::text::{heading_of, title};
use crate::format::{count, plural};
use crate::table::{Look, table};

/// Networks of more layers are summarised: a line for each phase and formula.
const LAYERS: usize = 8;

/// Writes the formulas, if they are asked for.
pub fn write(report: &Report, look: Look, out: &mut impl Write) -> io::Result<()> {
    let Some(phases) = &report.symbolic else { return Ok(()) };
    title(look, "Formulas of a step: B examples, N inputs and M units of a layer", out)?;
    if report.layers.len() > LAYERS {
        writeln!(out, "{}\n", table(look, ["phase", "formula", "layers", "value"], 2, summary(phases)))?;
        writeln!(
            out,
            "The network has {}. A line is the sum over all layers with this formula;\n\
             --format json has the formulas of each layer.\n",
            plural(report.layers.len() as u64, "layer")
        )?;
        return Ok(());
    }
    let padded = phases.iter().any(|phase| !phase.executed.is_empty());
    let rows = phases.iter().flat_map(|phase| {
        let useful = phase.useful.iter().map(|count| row(phase, heading_of(phase.phase), count));
        let executed = phase.executed.iter().map(|count| row(phase, "  with padding", count));
        useful.chain(executed).collect::<Vec<_>>()
    });
    writeln!(out, "{}\n", table(look, ["layer", "phase", "formula", "value"], 4, rows))?;
    if padded {
        let level = report.machine.level;
        writeln!(out, "With padding: what {level} executes, whole vectors. ⌈ ⌉ rounds up to a whole number.\n")?;
    }
    if phases.iter().flat_map(|phase| &phase.useful).any(|count| count.one_example) {
        writeln!(
            out,
            "A formula marked B = 1 is for one example alone: its product is a dot product for each input.\n"
        )?;
    }
    Ok(())
}

fn row(phase: &SymbolicPhase, name: &str, counted: &SymbolicCount) -> [String; 4] {
    let numbers = counted.numbers.as_ref().map_or(String::new(), |numbers| format!("= {numbers} "));
    let value = format!("{numbers}= {}", count(counted.value));
    [phase.layer.to_string(), name.to_owned(), formula(counted), value]
}

/// "B·N·M fma".
fn formula(counted: &SymbolicCount) -> String {
    let only = if counted.one_example { " (B = 1)" } else { "" };
    match &counted.formula {
        Some(formula) if formula.contains(' ') => format!("({formula}) {}{only}", counted.what),
        Some(formula) => format!("{formula} {}{only}", counted.what),
        None => format!("{}, no polynomial", counted.what),
    }
}

/// A line for each phase and formula, in the order in which they come first.
fn summary(phases: &[SymbolicPhase]) -> Vec<[String; 4]> {
    let mut lines: Vec<(&'static str, String, u64, Option<u128>)> = Vec::new();
    for phase in phases {
        for counted in &phase.useful {
            let formula = formula(counted);
            match lines.iter_mut().find(|line| line.0 == phase.phase && line.1 == formula) {
                Some((_, _, layers, sum)) => {
                    *layers = layers.saturating_add(1);
                    *sum = sum.and_then(|sum| sum.checked_add(counted.value));
                }
                None => lines.push((phase.phase, formula, 1, Some(counted.value))),
            }
        }
    }
    let line = |(phase, formula, layers, sum): (&'static str, String, u64, Option<u128>)| {
        let sum = sum.expect("a part of a total that fits");
        [heading_of(phase).to_owned(), formula, count(layers), count(sum)]
    };
    lines.into_iter().map(line).collect()
}
