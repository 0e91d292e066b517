//! `nxm evaluate`: how good a trained network is on data with labels.

use std::io::Write;

use nxm_kernels::Cpu;
use nxm_net::{Dataset, Network, Targets};

use crate::args::EvaluateArgs;
use crate::data::{Meaning, Source, Want};
use crate::failure::Failure;
use crate::format::{self, count, percent, plural, significant};
use crate::model::{Model, Score};
use crate::table::{Look, table};

/// Writes loss and accuracy, of all examples and of those of each class.
pub fn run(args: &EvaluateArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    let Model { checkpoint, scheme } = Model::load(&args.model)?;
    let source = Source::File { data: &args.data, labels: args.labels.as_deref() };
    let examples = source.read(Want::Judge(&scheme.columns))?;
    let data = scheme.dataset(&examples)?;
    let (network, loss) = (&checkpoint.network, &checkpoint.options.loss);
    let mut score = Score::new(network, &cpu, &data, loss)?;
    score.loss *= scheme.loss_unit();

    let examples = plural(data.len() as u64, "example");
    writeln!(out, "{}: {examples}, mean loss ({loss}) {}", source.name(), format::loss(score.loss))?;
    match (&scheme.meaning, score.accuracy) {
        (Meaning::Number, _) | (_, None) => {
            writeln!(out, "a prediction is off by {} (root of the mean square)", significant(score.loss.sqrt()))?;
        }
        (Meaning::Classes(classes), Some(accuracy)) => {
            writeln!(out, "{} right\n\n{}", percent(accuracy), by_class(network, &cpu, &data, classes)?)?;
        }
        (Meaning::TwoClasses(classes), Some(accuracy)) => {
            writeln!(out, "{} right\n\n{}", percent(accuracy), by_class(network, &cpu, &data, classes)?)?;
        }
    }
    Ok(())
}

/// How many examples each class has, how many of them are told right, and how many of those called so are of it.
fn by_class(network: &Network<f32>, cpu: &Cpu, data: &Dataset<f32>, classes: &[String]) -> Result<String, Failure> {
    let outputs = network.predict(cpu, data.inputs()).map_err(Failure::usage)?;
    let (mut there, mut called, mut right) =
        (vec![0u64; classes.len()], vec![0; classes.len()], vec![0; classes.len()]);
    for (i, row) in outputs.chunks_exact(network.outputs()).enumerate() {
        let (class, guess) = match data.targets() {
            Targets::Classes(labels) => (labels[i] as usize, largest(row)),
            Targets::Values(values) => (usize::from(values.at(i, 0) > 0.5), usize::from(row[0] > 0.0)),
        };
        there[class] += 1;
        called[guess] += 1;
        right[class] += u64::from(class == guess);
    }
    let share = |part: u64, of: u64| if of == 0 { String::new() } else { percent(part as f64 / of as f64) };
    let rows = classes.iter().enumerate().map(|(i, class)| {
        let [recall, precision] = [share(right[i], there[i]), share(right[i], called[i])];
        [class.clone(), count(there[i]), count(right[i]), recall, precision]
    });
    Ok(table(Look::Text, ["class", "examples", "right", "recall", "precision"], 1, rows))
}

/// The first of the largest.
fn largest(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}
