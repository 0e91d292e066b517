//! The answer as CSV: a row for each part, a column for each kind of operation and byte, all digits.

use std::io::Write;

use nxm_count::{Cost, Kind, MemoryUse, Ops, Traffic};
use nxm_kernels::Function;

use super::report::Report;
use crate::failure::Failure;

/// Columns of bytes, and of a number that is neither operations nor bytes of a part.
const LAST: [&str; 6] = ["bytes_read", "bytes_written", "flops_per_byte", "bytes_loaded", "bytes_stored", "value"];

/// Writes a header and a row for each part.
pub fn write(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    let mut csv = csv::Writer::from_writer(out);
    let sums = ["multiplications", "additions", "flops"];
    let kinds = Kind::ALL.map(Kind::name);
    let functions = Function::ALL.map(Function::name);
    let inside = kinds.map(|kind| format!("inside_{kind}"));
    let names: Vec<String> = sums.into_iter().chain(kinds).chain(functions).map(str::to_owned).chain(inside).collect();
    csv.write_record(["scope", "part"].into_iter().chain(names.iter().map(String::as_str)).chain(LAST))?;

    let mut row = |scope: &str, part: &str, numbers: &[String], last: [String; LAST.len()]| {
        let numbers = numbers.iter().cloned().chain(std::iter::repeat(String::new())).take(names.len());
        csv.write_record([scope.to_owned(), part.to_owned()].into_iter().chain(numbers).chain(last))
    };
    for (part, cost) in &report.step.0 {
        row("step", part.name(), &operations(&cost.ops), bytes(cost))?;
    }
    for (scope, layers) in
        [("", &report.layers), ("epoch ", &report.epoch.costs.layers), ("training ", &report.training.costs.layers)]
    {
        for (i, layer) in layers.iter().enumerate() {
            for (part, cost) in layer.phases() {
                row(
                    &format!("{scope}layer {}", i.saturating_add(1)),
                    part.name(),
                    &operations(&cost.ops),
                    bytes(cost),
                )?;
            }
        }
    }
    for (scope, costs) in [("epoch", &report.epoch.costs), ("training", &report.training.costs)] {
        for (part, cost) in costs.parts() {
            row(scope, part.name(), &operations(&cost.ops), bytes(cost))?;
        }
    }
    for verified in report.verified.iter().flatten() {
        let scope = format!("verified {} {}", verified.level(), verified.threads());
        row(&scope, "useful", &operations(verified.useful()), requested(verified.requested()))?;
        row(&scope, "padding", &operations(verified.padding()), Default::default())?;
    }
    let mut value = |scope: &str, part: &str, value: u128| {
        row(scope, part, &[], ["", "", "", "", "", &value.to_string()].map(str::to_owned))
    };
    value("network", "parameters", report.network.parameters)?;
    for verified in report.verified.iter().flatten() {
        value(&format!("verified {} {}", verified.level(), verified.threads()), "tasks", verified.tasks().into())?;
    }
    for (scope, memory) in [("training", &report.memory.training), ("inference", &report.memory.inference)] {
        for (part, held) in held(memory) {
            value(&format!("memory of {scope}"), part, held)?;
        }
    }
    Ok(csv.flush()?)
}

/// Sums, kinds, functions and the kinds inside them.
fn operations(ops: &Ops) -> Vec<String> {
    let sums = [ops.multiplications(), ops.additions(), ops.flops()].into_iter();
    let own = Kind::ALL.map(|kind| ops.own().get(kind));
    let evaluations = Function::ALL.map(|function| ops.evaluations(function));
    let inside = Kind::ALL.map(|kind| ops.inside().get(kind));
    sums.chain(own).chain(evaluations).chain(inside).map(|n| n.to_string()).collect()
}

fn bytes(cost: &Cost) -> [String; LAST.len()] {
    let intensity = cost.intensity().map_or(String::new(), |intensity| intensity.to_string());
    let [.., loaded, stored, value] = requested(cost.requested);
    [cost.traffic.read.to_string(), cost.traffic.written.to_string(), intensity, loaded, stored, value]
}

/// What was executed is not compared with any compulsory bytes.
fn requested(requested: Traffic) -> [String; LAST.len()] {
    let [loaded, stored] = [requested.read, requested.written].map(|n| n.to_string());
    [String::new(), String::new(), String::new(), loaded, stored, String::new()]
}

/// What memory holds, by name.
fn held(memory: &MemoryUse) -> [(&'static str, u128); 8] {
    let &MemoryUse { parameters, optimizer, gradients, activations, deltas, loss, batch, total } = memory;
    [
        ("parameters", parameters),
        ("optimizer", optimizer),
        ("gradients", gradients),
        ("activations", activations),
        ("deltas", deltas),
        ("loss", loss),
        ("batch", batch),
        ("total", total),
    ]
}
