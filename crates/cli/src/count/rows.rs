//! The answer as CSV: a row for each part, a column for each kind of operation, all digits.

use std::io::Write;

use nxm_count::{Kind, Ops, Traffic};
use nxm_kernels::Function;

use super::report::Report;
use crate::failure::Failure;

/// Writes a header and a row for each part.
pub fn write(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    let mut csv = csv::Writer::from_writer(out);
    let sums = ["multiplications", "additions", "flops"];
    let kinds = Kind::ALL.map(Kind::name);
    let functions = Function::ALL.map(Function::name);
    let names = ["scope", "part"].into_iter().chain(sums).chain(kinds).chain(functions).map(str::to_owned);
    csv.write_record(
        names
            .chain(kinds.map(|kind| format!("inside_{kind}")))
            .chain(["bytes_read", "bytes_written"].map(str::to_owned)),
    )?;

    let mut row = |scope: &str, part: &str, ops: &Ops, traffic: Option<Traffic>| {
        let sums = [ops.multiplications(), ops.additions(), ops.flops()];
        let own = Kind::ALL.map(|kind| ops.own().get(kind));
        let evaluations = Function::ALL.map(|function| ops.evaluations(function));
        let inside = Kind::ALL.map(|kind| ops.inside().get(kind));
        let numbers = sums.into_iter().chain(own).chain(evaluations).chain(inside).map(|n| n.to_string());
        // What was executed is not compared with any bytes.
        let bytes = traffic.map_or(Default::default(), |bytes| [bytes.read, bytes.written].map(|n| n.to_string()));
        csv.write_record([scope.to_owned(), part.to_owned()].into_iter().chain(numbers).chain(bytes))
    };
    for (part, cost) in report.step.parts() {
        row("step", part, &cost.ops, Some(cost.traffic))?;
    }
    for (i, layer) in report.layers.iter().enumerate() {
        for (part, cost) in layer.phases() {
            row(&format!("layer {}", i + 1), part, &cost.ops, Some(cost.traffic))?;
        }
    }
    for (scope, costs) in [("epoch", &report.epoch.costs), ("training", &report.training.costs)] {
        for (part, cost) in costs.parts() {
            row(scope, part, &cost.ops, Some(cost.traffic))?;
        }
    }
    for verified in report.verified.iter().flatten() {
        let scope = format!("verified {} {}", verified.level(), verified.threads());
        row(&scope, "useful", verified.useful(), None)?;
        row(&scope, "padding", verified.padding(), None)?;
    }
    Ok(csv.flush()?)
}
