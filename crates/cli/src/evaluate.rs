//! `nxm evaluate`: how good a trained network is on data with labels.

use std::io::Write;

use nxm_kernels::Cpu;
use nxm_net::{Dataset, Targets, argmax};

use crate::args::EvaluateArgs;
use crate::data::{Meaning, Source, Want, all_rows};
use crate::failure::Failure;
use crate::foreign::Foreign;
use crate::format::{self, count, percent, plural, significant};
use crate::model::{Model, Score};
use crate::predict::must_be_finite;
use crate::table::{Look, table};

/// Writes loss and accuracy, of all examples and of those of each class.
pub fn run(args: &EvaluateArgs, cpu: Cpu, out: &mut impl Write) -> Result<(), Failure> {
    let cpu = args.machine.of(cpu);
    let Model { checkpoint, scheme } = Model::load(&args.model)?;
    let source = Source::File { data: &args.data, labels: args.labels.as_deref() };
    let examples = source.read(Want::Judge(&scheme.columns), &args.table)?;
    let data = scheme.dataset(&examples, &all_rows(examples.len())?)?;
    let (network, loss) = (&checkpoint.network, &checkpoint.options.loss);
    let outputs = network.predict(&cpu, data.inputs()).map_err(Failure::usage)?;
    if !args.allow_non_finite {
        must_be_finite(&outputs, network.outputs(), &examples)?;
    }
    let score = Score::new(network, &cpu, &data, loss)?.loss * scheme.loss_unit();
    if !score.is_finite() && !args.allow_non_finite {
        // All outputs are finite: a loss overflows where one of them is largest.
        let size = |i: &usize| outputs[*i].abs();
        let largest = (0..outputs.len()).max_by(|one, other| size(one).total_cmp(&size(other))).unwrap_or(0);
        let row = largest.checked_div(network.outputs()).unwrap_or(0);
        return Err(Failure::Usage(format!(
            "{}: the network's output is {:e}, and the mean loss {score}: the numbers are too far from what the model was trained on \
             (--allow-non-finite goes on)",
            examples.place(row),
            outputs[largest]
        )));
    }

    let name = source.name();
    let examples = plural(data.len() as u64, "example");
    writeln!(out, "{name}: {examples}, mean loss ({loss}) {}", format::loss(score))?;
    let tally = match &scheme.meaning {
        Meaning::Number => {
            writeln!(out, "a prediction is off by {} (root of the mean square)", significant(score.sqrt()))?;
            return Ok(());
        }
        Meaning::Classes(classes) => Tally::new(&outputs, &data, classes),
        Meaning::TwoClasses(classes) => Tally::new(&outputs, &data, classes),
    };
    writeln!(out, "{} right\n\n{}", percent(tally.accuracy()), tally.by_class())?;
    Ok(())
}

/// How many examples each class has, how many of them are told right, and how many are called so.
struct Tally<'a> {
    classes: &'a [String],
    /// Of each class: there are, are called so, are right.
    counts: Vec<[u64; 3]>,
}

impl<'a> Tally<'a> {
    fn new(outputs: &[f32], data: &Dataset<f32>, classes: &'a [String]) -> Tally<'a> {
        let mut counts = vec![[0u64; 3]; classes.len()];
        let mut add = |class: usize, what: usize| counts[class][what] = counts[class][what].saturating_add(1);
        let rows = outputs.chunks_exact(outputs.len().checked_div(data.len()).unwrap_or(1).max(1));
        for (i, row) in rows.enumerate() {
            let (class, guess) = match data.targets() {
                Targets::Classes(labels) => (labels[i] as usize, argmax(row)),
                // The logits of both classes, if that of the first is 0.
                Targets::Values(values) => (usize::from(values.at(i, 0) > 0.5), argmax(&[0.0, row[0]])),
            };
            add(class, 0);
            // With NaN among its outputs, a row is called nothing, and is wrong.
            if let Some(guess) = guess {
                add(guess, 1);
            }
            if guess == Some(class) {
                add(class, 2);
            }
        }
        Tally { classes, counts }
    }

    /// The share that is right: the sum of what the table says.
    fn accuracy(&self) -> f64 {
        let sum = |what: usize| self.counts.iter().map(|counts| counts[what]).sum::<u64>() as f64;
        sum(2) / sum(0)
    }

    fn by_class(&self) -> String {
        let share = |part: u64, of: u64| if of == 0 { String::new() } else { percent(part as f64 / of as f64) };
        let rows = self.classes.iter().zip(&self.counts).map(|(class, [there, called, right])| {
            let [recall, precision] = [share(*right, *there), share(*right, *called)];
            [Foreign::bare(class).to_string(), count(*there), count(*right), recall, precision]
        });
        table(Look::Text, ["class", "examples", "right", "recall", "precision"], 1, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_with_nan_is_wrong_in_the_sum_and_in_the_table() {
        let classes = ["a", "b\u{1b}"].map(str::to_owned);
        let outputs = [1.0, 0.0, f32::NAN, 0.0, 0.0, f32::INFINITY];
        let data = Dataset::classification(vec![0.0; 3], 1, vec![0, 0, 1], 2).unwrap();
        let tally = Tally::new(&outputs, &data, &classes);
        assert_eq!(tally.counts, [[2, 1, 1], [1, 1, 1]]);
        assert_eq!(tally.accuracy(), 2.0 / 3.0);
        assert!(!tally.by_class().contains('\u{1b}') && tally.by_class().contains(r"b\u{1b}"));
        let data = Dataset::regression(vec![0.0; 3], 1, vec![0.0, 0.0, 1.0], 1).unwrap();
        let tally = Tally::new(&[-1.0, f32::NAN, 1.0], &data, &classes);
        assert_eq!(tally.counts, [[2, 1, 1], [1, 1, 1]]);
    }
}
