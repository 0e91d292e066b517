//! Section 4: formula and execution, side by side.

use std::io::Write;

use nxm_count::{Difference, Formulas, Ops, Verification};
use nxm_kernels::{Executor, Function, Level, WORTH_A_THREAD};
use nxm_net::ElementType;

use super::Broken;
use super::job::DemoJob;
use crate::count::verify_steps;
use crate::failure::Failure;
use crate::format::{count, plural};
use crate::table::{Look, table};

/// No whole number of vectors.
const BATCH: u64 = 100;

/// Runs a step under counting at each level, and one that two threads share, and writes what they executed.
pub fn write(job: &DemoJob, out: &mut impl Write) -> Result<Broken, Failure> {
    let step = Formulas::textbook::<f32>().step(&job.spec, BATCH).map_err(Failure::usage)?;
    writeln!(
        out,
        "A training step of {} on {BATCH} examples: the formula, and what was executed at each level:\n",
        job.name()
    )?;
    let levels: Vec<_> = Level::available().map(|level| (level, 1)).collect();
    let verifications = verify_steps(ElementType::F32, &job.spec, BATCH, levels)?;
    let formula = row("formula", &step.total.useful, [String::new(), String::new()]);
    let runs = verifications
        .iter()
        .map(|run| row(run.level().name(), run.useful(), [count(run.padding().flops()), agrees(run).to_owned()]));
    let header = ["", "multiplications", "additions", "cmp", "div", "ReLU", "exp", "log", "padding", "formula"];
    writeln!(out, "{}\n", table(Look::Text, header, 1, std::iter::once(formula).chain(runs)))?;
    writeln!(
        out,
        "A run agrees if every kind of operation does, in every layer and phase, and its padding too:\n\
         flops in lanes of a vector beyond the end of a row, which are executed and thrown away."
    )?;
    let shared = shared_step(job, out)?;
    let Some(run) = verifications.iter().chain(&shared).find(|run| !run.agrees()) else { return Ok(None) };
    let broken = disagreement(run);
    writeln!(out, "{broken}.")?;
    Ok(Some(broken))
}

fn agrees(run: &Verification) -> &'static str {
    if run.agrees() { "agrees" } else { "DISAGREES" }
}

/// Runs the smallest step that has a product large enough for two threads, on one thread and on two, and writes how many tasks ran.
fn shared_step(job: &DemoJob, out: &mut impl Write) -> Result<Vec<Verification>, Failure> {
    let largest =
        job.spec.sizes().windows(2).map(|pair| pair[0].saturating_mul(pair[1])).max().expect("a network has a layer");
    let batch = (WORTH_A_THREAD as u64).saturating_mul(2).div_ceil(largest.max(1));
    let level = job.cpu.level();
    let runs = verify_steps(ElementType::F32, &job.spec, batch, [(level, 1), (level, 2)])?;
    writeln!(
        out,
        "\nTwo threads share a product if each gets at least {} multiply-adds. On {} they do:\n",
        count(WORTH_A_THREAD as u128),
        plural(batch, "example"),
    )?;
    let rows = runs.iter().map(|run| {
        let name = format!("{level}, {}", plural(run.threads() as u64, "thread"));
        let numbers = [run.useful().multiplications(), run.useful().additions(), run.tasks().into()].map(count);
        std::iter::once(name).chain(numbers).chain([agrees(run).to_owned()]).collect::<Vec<_>>()
    });
    writeln!(out, "{}", table(Look::Text, ["", "multiplications", "additions", "tasks", "formula"], 1, rows))?;
    Ok(runs)
}

fn row(name: &str, ops: &Ops, last: [String; 2]) -> Vec<String> {
    let own = [ops.multiplications(), ops.additions(), ops.own().cmp(), ops.own().div()];
    let functions = [Function::Relu, Function::Exp, Function::Log].map(|function| ops.evaluations(function));
    let numbers = own.into_iter().chain(functions).map(count);
    std::iter::once(name.to_owned()).chain(numbers).chain(last).collect()
}

/// Which run disagrees with its formula, and where first.
fn disagreement(run: &Verification) -> String {
    let place = match run.differences() {
        [Difference { region: Some(region), .. }, ..] => format!("{} of layer {}", region.phase, region.layer),
        _ => "outside of the step".to_owned(),
    };
    let threads = plural(run.threads() as u64, "thread");
    format!("what {} executed on {threads} is not what the formula says: {place}", run.level())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nxm_kernels::Cpu;

    #[test]
    fn formula_and_runs_stand_in_the_same_columns() {
        let mut out = Vec::new();
        let job = DemoJob::new(Cpu::detect().unwrap()).unwrap();
        assert_eq!(write(&job, &mut out).unwrap(), None);
        let text = String::from_utf8(out).unwrap();
        let numbers = |start: &str| {
            let line = text.lines().find(|line| line.trim_start().starts_with(start)).expect(start);
            line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).skip(1).take(7).map(str::to_owned).collect()
        };
        let formula: Vec<String> = numbers("formula");
        assert_eq!(formula.len(), 7);
        for run in ["scalar", "wide"] {
            assert_eq!(numbers(run), formula, "{text}");
        }
        assert!(text.contains("agrees") && !text.contains("DISAGREES"));
        // And two threads did share a product.
        let tasks = [1u64, 2].map(|threads| {
            let line =
                text.lines().find(|line| line.contains(&format!(", {}", plural(threads, "thread")))).expect("a row");
            let cells: Vec<&str> = line.split_whitespace().collect();
            cells[cells.len() - 2].parse::<u64>().unwrap()
        });
        assert!(tasks[1] > tasks[0], "{text}");
    }
}
