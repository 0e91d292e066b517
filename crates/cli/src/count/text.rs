//! The answer for people: as aligned text, or as Markdown.

use std::io::{self, Write};

use nxm_count::{Cost, Memory, Ops, Verification};
use nxm_kernels::Function;

use super::report::Report;
use crate::format::{count, is_rounded, plural, significant};
use crate::table::{Look, table};

/// Writes a table of the step and the training, one by layer, and one of what was verified.
pub fn write(report: &Report, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (network, training) = (&report.network, &report.training);
    let sizes: Vec<String> = network.sizes.iter().map(u64::to_string).collect();
    title(look, &format!("{}: {} parameters", sizes.join("-"), count(network.parameters)), out)?;
    writeln!(
        out,
        "hidden {}, output {}, loss {}, optimizer {}{}",
        network.hidden,
        network.output,
        network.loss,
        report.optimizer,
        if report.clipped { ", gradients clipped and scaled" } else { "" }
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
    let memory = |Memory { total, .. }| count(total);
    writeln!(
        out,
        "Memory at most, in {}: {} bytes in training, {} in inference on as large a batch.\n",
        network.element,
        memory(report.memory.training),
        memory(report.memory.inference)
    )?;
    if let Some(verified) = &report.verified {
        title(look, "One step, executed under counting; padding in flops", out)?;
        writeln!(out, "{}\n", verified_steps(verified, look))?;
    }
    if is_rounded(report.training.costs.total.ops.flops().max(report.step.total.ops.flops())) {
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
    let functions = functions(&report.training.costs.total.ops);
    let names = functions.iter().map(|function| function.name());
    let header = ["", "multiplications", "additions", "other", "flops", "bytes", "flops/byte"].into_iter().chain(names);
    let row = |name: &str, cost: &Cost| {
        let (ops, bytes) = (&cost.ops, cost.traffic.bytes());
        let own = ops.own();
        // A part of the flops, so it fits.
        let other = own.div() + own.sqrt() + own.cmp();
        let counts = [ops.multiplications(), ops.additions(), other, ops.flops(), bytes].map(count);
        let evaluations = functions.iter().map(|function| count(ops.evaluations(*function)));
        let intensity = cost.intensity().map_or(String::new(), significant);
        std::iter::once(name.to_owned()).chain(counts).chain([intensity]).chain(evaluations).collect::<Vec<_>>()
    };
    let steps = report.step.parts().map(|(name, cost)| match name {
        "total" => row("one step", cost),
        part => row(part, cost),
    });
    let epoch = row("an epoch", &report.epoch.costs.total);
    let training = row("training", &report.training.costs.total);
    table(look, header, 1, steps.into_iter().chain([epoch, training]))
}

/// The functions that are evaluated at all.
fn functions(ops: &Ops) -> Vec<Function> {
    ops.functions().map(|(function, _)| function).collect()
}

fn layers(report: &Report, look: Look) -> String {
    let phases = ["forward", "∂ activation", "∂ weights", "∂ bias", "∂ inputs", "clip", "update"];
    let shown = |phase: &&str| report.clipped || *phase != "clip";
    let header = ["layer", "inputs × units"].into_iter().chain(phases.into_iter().filter(shown));
    let rows = report.layers.iter().enumerate().map(|(i, layer)| {
        let shape = format!("{} × {}", count(layer.fan_in), count(layer.fan_out));
        let costs = layer.phases().into_iter().filter(|(phase, _)| shown(phase));
        let flops = costs.map(|(_, cost)| count(cost.ops.flops()));
        [(i + 1).to_string(), shape].into_iter().chain(flops).collect::<Vec<_>>()
    });
    table(look, header.collect::<Vec<_>>(), 2, rows)
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
