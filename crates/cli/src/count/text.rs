//! The answer for people: as aligned text, or as Markdown.

use std::io::{self, Write};

use nxm_count::{Cost, Kind, MemoryUse, Ops, StepPart, Verification};
use nxm_kernels::{Function, Phase};

use super::report::Report;
use super::symbolic;
use crate::format::{count, is_rounded, plural, significant};
use crate::table::{Look, table};
use nxm_data::Foreign;

/// Writes tables of the step and the training, of their bytes, by layer, and of what was verified.
pub fn write(report: &Report, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (network, training) = (&report.network, &report.training);
    let sizes: Vec<String> = network.sizes.iter().map(u64::to_string).collect();
    title(look, &format!("{}: {} parameters", sizes.join("-"), count(network.parameters)), out)?;
    if let Some(layers) = &network.layers {
        writeln!(out, "layers in the file, first to last: {}", names(layers))?;
    }
    let activations = match &network.written {
        Some(layers) => format!("layers {}", layers.join(", ")),
        None => format!("hidden {}, output {}", network.hidden, network.output),
    };
    writeln!(
        out,
        "{activations}, loss {}, optimizer {}{}",
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
    if let Some(most) = report.evaluations_at_most {
        writeln!(
            out,
            "A step here is one evaluation of the loss and its gradients. The data decide how many a step of L-BFGS needs: 1 to {most}, \
             and each\niteration takes dot products and sums of all parameters besides. `nxm train` says afterwards how many there were.\n"
        )?;
    }
    writeln!(out, "{}\n", steps(report, look))?;
    let [total, forward] = [StepPart::Total, StepPart::Forward].map(|part| multiplications(report, part));
    writeln!(
        out,
        "A step takes {} times the multiplications of its forward pass: {} ÷ {}.\n",
        significant(total as f64 / forward as f64),
        count(total),
        count(forward)
    )?;
    title(look, "By kind of operation: multiplications are fma + mul, additions are fma + add", out)?;
    writeln!(out, "{}\n", kinds(report, look))?;
    let machine = &report.machine;
    let threads = plural(machine.threads as u64, "thread");
    title(look, "Bytes: read and written at least; loaded and stored by the kernels", out)?;
    writeln!(out, "{}\n", bytes(report, look))?;
    writeln!(
        out,
        "flops/byte: all flops, those inside functions too, by the two numbers before it.\n\
         Kernels load and store so much on {}, {threads}, copies and rereading included.\n",
        machine.level
    )?;

    symbolic::write(report, look, out)?;
    title(look, "Each layer in a step, in multiplications", out)?;
    writeln!(out, "{}\n", layers(report, look, |cost| cost.ops.multiplications()))?;
    title(look, "Each layer in a step, in flops (a fused multiply-add is two)", out)?;
    writeln!(out, "{}\n", layers(report, look, |cost| cost.ops.flops()))?;
    title(look, "Each layer in a step, in bytes read and written at least", out)?;
    writeln!(out, "{}\n", layers(report, look, |cost| cost.traffic.bytes()))?;
    let memory = |MemoryUse { total, .. }| count(total);
    writeln!(
        out,
        "Memory at most, in {}: {} bytes in training, {} in inference on as large a batch.\n",
        network.element,
        memory(report.memory.training),
        memory(report.memory.inference)
    )?;
    if let Some(verified) = &report.verified {
        title(
            look,
            "One step under counting, by level × threads: padding in flops, bytes loaded and stored, tasks",
            out,
        )?;
        writeln!(out, "{}\n", verified_steps(verified, look))?;
    }
    let largest = parts(report).map(|(_, cost)| cost.ops.flops()).max();
    if largest.is_some_and(is_rounded) {
        writeln!(out, "Numbers from 10¹⁵ on are rounded here; --format json has all digits.")?;
    }
    writeln!(
        out,
        "All phases of epoch and training: --format json or csv. What the numbers mean: \"convention\" in json."
    )
}

/// Names in one line, of which a file may have thousands, and long ones.
fn names(names: &[String]) -> String {
    const MOST: usize = 32;
    let mut shown: Vec<String> = names.iter().take(MOST).map(|name| Foreign::bare(name).to_string()).collect();
    if names.len() > MOST {
        shown.push(format!("… ({} in all)", names.len()));
    }
    shown.join(", ")
}

/// A heading, and the line that Markdown wants after it.
pub(super) fn title(look: Look, text: &str, out: &mut impl Write) -> io::Result<()> {
    match look {
        Look::Text => writeln!(out, "{text}"),
        Look::Markdown => writeln!(out, "### {text}\n"),
    }
}

fn steps(report: &Report, look: Look) -> String {
    let functions = functions(&report.training.costs.total.ops);
    let names = functions.iter().map(|function| function.name());
    let rows = parts(report).map(|(name, cost)| {
        let ops = &cost.ops;
        let sums = [ops.multiplications(), ops.additions(), ops.flops()].into_iter();
        let counts = sums.chain(functions.iter().map(|function| ops.evaluations(*function))).map(count);
        std::iter::once(name.to_owned()).chain(counts).collect::<Vec<_>>()
    });
    table(look, ["", "multiplications", "additions", "flops"].into_iter().chain(names), 1, rows)
}

fn kinds(report: &Report, look: Look) -> String {
    // Of the rarer kinds those that there are.
    let total = report.training.costs.total.ops;
    let shown = |kind: &Kind| !RARE.contains(kind) || total.own().get(*kind) > 0;
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(shown).collect();
    let rows = parts(report).map(|(name, cost)| {
        let ops = &cost.ops;
        let all = ops.flops().saturating_add(ops.inside().flops());
        let counts = kinds.iter().map(|kind| ops.own().get(*kind)).chain([all]).map(count);
        std::iter::once(name.to_owned()).chain(counts).collect::<Vec<_>>()
    });
    let header = std::iter::once("").chain(kinds.iter().map(|kind| kind.name())).chain(["all flops"]);
    table(look, header, 1, rows)
}

fn multiplications(report: &Report, asked: StepPart) -> u128 {
    let costs = report.step.0.iter().find(|(part, _)| *part == asked);
    costs.map_or(0, |(_, cost)| cost.ops.multiplications())
}

/// Kinds that most networks have few or none of.
const RARE: [Kind; 4] = [Kind::Div, Kind::Sqrt, Kind::Cmp, Kind::Convert];

/// The parts of a step and the step; an epoch and the training as a whole unless they repeat a line above.
fn parts(report: &Report) -> impl Iterator<Item = (&'static str, &Cost)> {
    let steps = report.step.0.iter().map(|(part, cost)| match part {
        StepPart::Total => ("one step", cost),
        part => (part.name(), cost),
    });
    let training = &report.training;
    // A single step on fewer examples than the batch is another one.
    let whole = training.examples >= report.batch;
    let epoch = training.epochs > 1 && (report.epoch.steps > 1 || !whole);
    let longer = [
        ("an epoch", &report.epoch.costs.total, epoch),
        ("training", &training.costs.total, training.steps > 1 || !whole),
    ];
    steps.chain(longer.into_iter().filter(|(.., shown)| *shown).map(|(name, cost, _)| (name, cost)))
}

fn bytes(report: &Report, look: Look) -> String {
    let header = ["", "read", "written", "flops/byte", "loaded", "stored", "flops/byte"];
    let rows = parts(report).map(|(name, cost)| {
        let [least, asked] = [(cost.traffic, cost.intensity()), (cost.requested, cost.requested_intensity())].map(
            |(traffic, intensity)| {
                [count(traffic.read), count(traffic.written), intensity.map_or(String::new(), significant)]
            },
        );
        [vec![name.to_owned()], least.to_vec(), asked.to_vec()].concat()
    });
    table(look, header, 1, rows)
}

/// The functions that are evaluated at all.
fn functions(ops: &Ops) -> Vec<Function> {
    ops.functions().map(|(function, _)| function).collect()
}

/// What the phase of this name is called.
pub(super) fn heading_of(name: &'static str) -> &'static str {
    Phase::ALL.into_iter().find(|phase| phase.name() == name).map_or(name, heading)
}

/// What a phase is called above its column.
fn heading(phase: Phase) -> &'static str {
    match phase {
        Phase::ActivationGradient => "∂ activation",
        Phase::WeightGradient => "∂ weights",
        Phase::BiasGradient => "∂ bias",
        Phase::InputGradient => "∂ inputs",
        Phase::Forward | Phase::Loss | Phase::Clip | Phase::Update => phase.name(),
    }
}

fn layers(report: &Report, look: Look, number: fn(&Cost) -> u128) -> String {
    let shown = |phase: &Phase| *phase != Phase::Loss && (report.clipped || *phase != Phase::Clip);
    let phases = Phase::ALL.into_iter().filter(shown).map(heading);
    let header = ["layer", "inputs × units"].into_iter().chain(phases);
    let rows = report.layers.iter().enumerate().map(|(i, layer)| {
        let shape = format!("{} × {}", count(layer.fan_in), count(layer.fan_out));
        let costs = layer.phases().filter(|(phase, _)| shown(phase));
        let numbers = costs.map(|(_, cost)| count(number(cost)));
        [i.saturating_add(1).to_string(), shape].into_iter().chain(numbers).collect::<Vec<_>>()
    });
    table(look, header.collect::<Vec<_>>(), 2, rows)
}

fn verified_steps(verified: &[Verification], look: Look) -> String {
    let functions = verified.first().map(|step| functions(step.useful())).unwrap_or_default();
    let names = functions.iter().map(|function| function.name());
    let header = ["", "multiplications", "additions"].into_iter();
    // More threads than one are worth a row where they shared something.
    let alone = |level| verified.iter().find(|step| step.threads() == 1 && step.level() == level);
    let shared =
        |step: &&Verification| step.threads() == 1 || alone(step.level()).is_none_or(|one| step.tasks() > one.tasks());
    let rows = verified.iter().filter(shared).map(|step| {
        let ops = step.useful();
        let counts = [ops.multiplications(), ops.additions()].into_iter();
        let evaluations = functions.iter().map(|function| ops.evaluations(*function));
        let beside = [step.padding().flops(), step.requested().bytes(), step.tasks().into()];
        let numbers = counts.chain(evaluations).chain(beside).map(count);
        let agrees = if step.agrees() { "agrees" } else { "DISAGREES" }.to_owned();
        std::iter::once(format!("{} × {}", step.level(), step.threads()))
            .chain(numbers)
            .chain([agrees])
            .collect::<Vec<_>>()
    });
    table(look, header.chain(names).chain(["padding", "bytes", "tasks", "formula"]), 1, rows)
}
