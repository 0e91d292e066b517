//! The answer for people: as aligned text, or as Markdown.

use std::io::{self, Write};

use nxm_count::{Ops, Verification};
use nxm_kernels::Function;

use super::report::Report;
use crate::format::{count, is_rounded, plural};
use crate::table::{Look, table};

/// Writes a table of the step and the training, one by layer, and one of what was verified.
pub fn write(report: &Report, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (network, training) = (&report.network, &report.training);
    let sizes: Vec<String> = network.sizes.iter().map(u64::to_string).collect();
    title(look, &format!("{}: {} parameters", sizes.join("-"), count(network.parameters)), out)?;
    writeln!(
        out,
        "hidden {}, output {}, loss {}, optimizer {}",
        network.hidden, network.output, network.loss, report.optimizer
    )?;
    writeln!(
        out,
        "{} in a step; training on {} for {} is {}\n",
        plural(report.batch, "example"),
        plural(training.examples, "example"),
        plural(training.epochs, "epoch"),
        plural(training.steps, "step")
    )?;
    writeln!(out, "{}\n", steps(report, look))?;

    title(look, "Each layer in a step, in flops (a fused multiply-add is two)", out)?;
    writeln!(out, "{}\n", layers(report, look))?;
    if let Some(verified) = &report.verified {
        title(look, "One step, executed under counting; padding in flops", out)?;
        writeln!(out, "{}\n", verified_steps(verified, look))?;
    }
    if is_rounded(report.training.total.flops().max(report.step.total.flops())) {
        writeln!(out, "Numbers from 10¹⁵ on are rounded here; --format json has all digits.")?;
    }
    writeln!(out, "What the numbers mean: \"convention\" in --format json.")
}

/// A heading, and the line that Markdown wants after it.
fn title(look: Look, text: &str, out: &mut impl Write) -> io::Result<()> {
    match look {
        Look::Text => writeln!(out, "{text}"),
        Look::Markdown => writeln!(out, "### {text}\n"),
    }
}

fn steps(report: &Report, look: Look) -> String {
    let functions = functions(&report.training.total);
    let names = functions.iter().map(|function| function.name());
    let header = ["", "multiplications", "additions", "other", "flops"].into_iter().chain(names);
    let row = |name: &str, ops: &Ops| {
        let own = ops.own();
        // A part of the flops, so it fits.
        let other = own.div() + own.sqrt() + own.cmp();
        let counts = [ops.multiplications(), ops.additions(), other, ops.flops()].into_iter();
        let evaluations = functions.iter().map(|function| ops.evaluations(*function));
        std::iter::once(name.to_owned()).chain(counts.chain(evaluations).map(count)).collect::<Vec<_>>()
    };
    let steps = report.step.parts().map(|(name, ops)| match name {
        "total" => row("one step", ops),
        part => row(part, ops),
    });
    let training = row("training", &report.training.total);
    table(look, header, 1, steps.into_iter().chain([training]))
}

/// The functions that are evaluated at all.
fn functions(ops: &Ops) -> Vec<Function> {
    ops.functions().map(|(function, _)| function).collect()
}

fn layers(report: &Report, look: Look) -> String {
    let header = ["layer", "inputs × units", "forward", "∂ activation", "∂ weights", "∂ bias", "∂ inputs", "update"];
    let rows = report.layers.iter().enumerate().map(|(i, layer)| {
        let [forward, activation, weights, bias, inputs, update] = layer.phases().map(|(_, ops)| count(ops.flops()));
        let shape = format!("{} × {}", count(layer.fan_in), count(layer.fan_out));
        [(i + 1).to_string(), shape, forward, activation, weights, bias, inputs, update]
    });
    table(look, header, 2, rows)
}

fn verified_steps(verified: &[Verification], look: Look) -> String {
    let functions = verified.first().map(|step| functions(step.useful())).unwrap_or_default();
    let names = functions.iter().map(|function| function.name());
    let header = ["level", "threads", "multiplications", "additions", "flops"].into_iter();
    let rows = verified.iter().map(|step| {
        let ops = step.useful();
        let counts = [step.threads() as u128, ops.multiplications(), ops.additions(), ops.flops()].into_iter();
        let evaluations = functions.iter().map(|function| ops.evaluations(*function));
        let numbers = counts.chain(evaluations).chain([step.padding().flops()]).map(count);
        let agrees = if step.agrees() { "agrees" } else { "DISAGREES" }.to_owned();
        std::iter::once(step.level().to_string()).chain(numbers).chain([agrees]).collect::<Vec<_>>()
    });
    table(look, header.chain(names).chain(["padding", "formula"]), 1, rows)
}
