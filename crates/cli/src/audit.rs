//! `nxm audit`: what the machine code of this very program executes, one instruction at a time.

use std::collections::BTreeSet;
use std::io::Write;

use clap::{ArgGroup, Args, ValueEnum};
use nxm_audit::{AuditError, Extent, Finding, LevelCoverage, Unstepped, audit_kernels, audit_step, coverage};
use nxm_count::{Kind, Kinds};
use nxm_kernels::{Activation, Level};
use nxm_net::{ElementType, Loss};

use crate::args::{NetworkText, OptimizerArg, TuningArgs, activation, at_least_one, loss};
use crate::failure::Failure;
use crate::format::count;
use crate::table::{Look, table};

/// All that says which step: it needs a network.
const OF_A_STEP: [&str; 22] = [
    "hidden",
    "output",
    "loss",
    "optimizer",
    "momentum",
    "dampening",
    "nesterov",
    "betas",
    "epsilon",
    "weight_decay",
    "no_bias_decay",
    "clip_norm",
    "clip_value",
    "ema",
    "reduction",
    "label_smoothing",
    "class_weights",
    "beta",
    "delta",
    "tau",
    "batch",
    "element",
];

/// Whose training step is audited; without sizes, the kernels are.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("of_a_step").args(OF_A_STEP).multiple(true).requires("sizes")))]
pub struct AuditArgs {
    /// Inputs, then the units of each layer, as 30-30-30: audit a training step of this network instead of the kernels. Small ones, for
    /// some 20,000 instructions are executed in a second.
    pub sizes: Option<NetworkText>,
    /// The activation of all layers but the last.
    #[arg(long, value_name = "ACTIVATION", default_value = "sigmoid", value_parser = activation())]
    pub hidden: Activation,
    /// The activation of the last layer.
    #[arg(long, value_name = "ACTIVATION", default_value = "identity", value_parser = activation())]
    pub output: Activation,
    /// The loss.
    #[arg(long, default_value = "mse", value_parser = loss())]
    pub loss: Loss,
    /// What updates the parameters, as sgd, adamw or rmsprop:centred=true; nxm train has the list. [default: sgd]
    #[arg(long, value_name = "OPTIMIZER")]
    pub optimizer: Option<OptimizerArg>,
    #[command(flatten)]
    pub tuning: TuningArgs,
    /// Examples in the step.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one, allow_negative_numbers = true)]
    pub batch: u64,
    /// What the numbers of the network are.
    #[arg(long, value_enum, default_value_t = ElementName::F32)]
    pub element: ElementName,
    /// Print each floating-point instruction that was not stepped, with its function and place.
    #[arg(long, conflicts_with = "sizes")]
    pub gaps: bool,
}

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ElementName {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// The step of a training that is audited: the first makes buffers and caches as they stay.
const STEP: u64 = 2;

/// Audits each level of this machine.
pub fn run(args: &AuditArgs, out: &mut impl Write) -> Result<(), Failure> {
    let findings = match &args.sizes {
        None => kernels()?,
        Some(sizes) => step(args, sizes)?,
    };
    let header = ["", "level", "instructions"].into_iter().chain(Kind::ALL.map(Kind::name)).chain(["formula"]);
    // A kernel's rows would fill screens: all of a level and element type are one.
    let rows = findings.chunk_by(|a, b| args.sizes.is_none() && (a.level, a.element) == (b.level, b.element)).map(row);
    writeln!(
        out,
        "Floating-point operations of the machine code, lane by lane\n{}\n",
        table(Look::Text, header, 2, rows)
    )?;
    explain(&findings, out)?;
    let covered = match &args.sizes {
        None => coverage(&findings).map_err(failure)?,
        Some(_) => Vec::new(),
    };
    print_coverage(&covered, args.gaps, out)?;
    let differs = |f: &Finding| {
        let differences = f.differences().join(", ");
        let by_name: Vec<String> =
            f.machine.by_name().map(|(lanes, name, n)| format!("{n} {} in {name}", lanes.kind)).collect();
        format!("{} ({}, {}): {differences}; executed: {}", f.name, f.level, f.element, by_name.join(", "))
    };
    let differ: Vec<String> = findings.iter().filter(|f| !f.agrees()).map(differs).collect();
    match differ.is_empty() {
        true => covered.iter().try_for_each(complete),
        false => {
            let differ = differ.join("\n  ");
            Err(Failure::BrokenPromise(format!("machine code differs from its formula\n  {differ}")))
        }
    }
}

fn step(args: &AuditArgs, sizes: &NetworkText) -> Result<Vec<Finding>, Failure> {
    let element = match args.element {
        ElementName::F32 => ElementType::F32,
        ElementName::F64 => ElementType::F64,
    };
    let activations = [args.hidden, args.output];
    let network = (sizes, element);
    let network = args.tuning.network(network, activations, args.loss.clone(), args.optimizer.as_ref())?;
    let step = |level| audit_step(&network, args.batch, level, STEP, element);
    Level::available().map(step).collect::<Result<_, _>>().map_err(failure)
}

fn kernels() -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for level in Level::available() {
        for element in [ElementType::F32, ElementType::F64] {
            findings.extend(audit_kernels(level, element, Extent::Full).map_err(failure)?);
        }
    }
    Ok(findings)
}

/// The audit's refusal is no broken promise: nothing was found out.
fn failure(error: AuditError) -> Failure {
    Failure::Usage(error.to_string())
}

/// Findings of one level, added up.
fn row(findings: &[Finding]) -> Vec<String> {
    let first = &findings[0];
    let name = match findings.len() {
        1 => first.name.clone(),
        n => format!("{n} kernels, {}", first.element),
    };
    let instructions: u64 = findings.iter().map(|finding| finding.machine.instructions()).sum();
    let sum = |part: fn(&Finding) -> Kinds, kind| findings.iter().map(|finding| part(finding).get(kind)).sum::<u128>();
    let differ = findings.iter().filter(|finding| !finding.agrees()).count();
    let verdict = match (differ, Kind::ALL.into_iter().map(|kind| sum(|f| f.left_out, kind)).sum()) {
        (0, 0) => "equal".to_owned(),
        (0, left_out) => format!("equal but {}", count(left_out)),
        (n, _) => format!("{n} differ"),
    };
    let kinds = Kind::ALL.map(|kind| count(sum(Finding::executed, kind)));
    [name, first.level.to_string(), count(u128::from(instructions))].into_iter().chain(kinds).chain([verdict]).collect()
}

/// How many of the floating-point instructions in this program's kernels were stepped, and why others were not.
fn print_coverage(levels: &[LevelCoverage], gaps: bool, out: &mut impl Write) -> Result<(), Failure> {
    if levels.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nFloating-point instructions of the kernels in this program that were stepped, each at least once"
    )?;
    let header = ["level", "functions", "instructions", "stepped", "share"];
    let rows = levels.iter().map(|level| {
        let number = |n: usize| count(n as u128);
        let share = 100.0 * level.stepped() as f64 / level.instructions.max(1) as f64;
        let [functions, instructions, stepped] = [level.bodies, level.instructions, level.stepped()].map(number);
        [level.level.to_owned(), functions, instructions, stepped, format!("{share:.1} %")].to_vec()
    });
    writeln!(out, "{}\n", table(Look::Text, header, 1, rows))?;
    for level in levels {
        for gap in &level.gaps {
            let (kernel, n) = (gap.kernel.as_deref().unwrap_or("no kernel"), gap.unstepped.len());
            let reason = gap.excuse.map_or("without a reason", |excuse| excuse.reason);
            writeln!(out, "not stepped: {n} of {kernel} ({}): {reason}", level.level)?;
            for unstepped in gap.unstepped.iter().filter(|_| gaps) {
                writeln!(out, "  {unstepped}")?;
            }
        }
    }
    Ok(())
}

/// Fails if more was not stepped than the written list allows.
fn complete(level: &LevelCoverage) -> Result<(), Failure> {
    let Some(gap) = level.failures().next() else { return Ok(()) };
    let most = gap.excuse.map_or(0, |excuse| excuse.most);
    let first: Vec<String> = gap.unstepped.iter().take(3).map(Unstepped::to_string).collect();
    Err(Failure::BrokenPromise(format!(
        "the audit stepped too little: {} floating-point instructions of {} were not stepped at level {}, and the written list \
         (crates/audit/src/coverage/excuses.rs) allows {most}\n  the first of them: {}",
        gap.unstepped.len(),
        gap.kernel.as_deref().unwrap_or("a function that no kernel entered"),
        level.level,
        first.join(", ")
    )))
}

/// What the columns leave open.
fn explain(findings: &[Finding], out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "formula: useful + padding, inside functions too, is what was executed, kind by kind.")?;
    let all = findings.iter().flat_map(|finding| finding.rewrites.iter().map(|rewrite| (finding.level, rewrite)));
    let reasons: BTreeSet<String> = all
        .map(|(level, rewrite)| {
            let (function, kind) = (rewrite.function.name(), rewrite.kind);
            format!("but {} {kind} per {function} ({level}): {}", rewrite.times, rewrite.reason)
        })
        .collect();
    reasons.iter().try_for_each(|reason| writeln!(out, "{reason}"))?;
    if let Some(finding) = findings.iter().find(|finding| finding.constants != Kinds::NONE) {
        let named = Kind::ALL.into_iter().filter(|kind| finding.constants.get(*kind) > 0);
        let named: Vec<String> = named.map(|kind| format!("{} {kind}", finding.constants.get(kind))).collect();
        let (besides, named) = (if finding.element == "f32" { "besides" } else { "therein" }, named.join(", "));
        writeln!(
            out,
            "{besides}: {named} in f64, as by formula, for the constants of the optimizer's rule in step {STEP}"
        )?;
    }
    Ok(())
}
