//! What a network must know of its data to be used: which columns, how they are scaled, what its outputs mean. It travels
//! with the network, as a note in its checkpoint.

use std::collections::{BTreeSet, HashMap};

use nxm_net::{Dataset, Loss};
use serde::{Deserialize, Serialize};

use super::examples::{Labels, numbered, reserve};
use super::{Columns, Examples, table};
use crate::failure::Failure;
use crate::foreign::Foreign;
use crate::format::plain;

/// What a network must know of its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scheme {
    /// What examples consist of.
    pub columns: Columns,
    /// How their numbers become inputs.
    pub scaling: Scaling,
    /// What the outputs mean.
    pub meaning: Meaning,
    /// How a number that is learned becomes a target; none of classes.
    pub target: Option<Standard>,
}

/// A number x becomes (x − mean) / deviation, so that what is learned is about as large as 1 whatever its unit is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    /// Of the examples that are trained on.
    pub mean: f64,
    /// Of the examples that are trained on; 1 where they are all equal.
    pub deviation: f64,
}

/// How numbers become inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scaling {
    /// x / by: for pixels, whose range is known.
    Divided {
        /// The largest.
        by: f64,
    },
    /// (x − mean) / deviation of each column, as they are in the examples that are trained on. A column of equal numbers has
    /// deviation 1.
    Standardized {
        /// Of each column.
        means: Vec<f64>,
        /// Of each column.
        deviations: Vec<f64>,
    },
}

/// What the outputs of a network mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Meaning {
    /// An output for each class: the logit of its probability.
    Classes(Vec<String>),
    /// One output: the logit of the probability of the second class.
    TwoClasses([String; 2]),
    /// One output: the number itself.
    Number,
}

impl Meaning {
    /// What these labels ask for, learned with this loss.
    pub fn new(examples: &Examples, loss: &Loss) -> Result<Meaning, Failure> {
        if *loss == Loss::MeanSquaredError {
            // In the order of the file, so that the first mistake in it is named.
            (0..examples.len()).try_for_each(|row| number_of(examples, row).map(drop))?;
            return Ok(Meaning::Number);
        }
        let classes = distinct(&examples.labels);
        let what = examples.label_column();
        let (found, rows) = (classes.len(), examples.len());
        if found < 2 {
            return Err(Failure::Usage(format!(
                "{what} says {} everywhere: two classes are needed",
                Foreign::quoted(&classes[0])
            )));
        }
        if loss.takes_labels() {
            let numbers = classes.iter().all(|class| class.parse::<f64>().is_ok());
            if numbers && found > MANY && found > rows / 2 {
                return Err(Failure::Usage(format!(
                    "{what} has {found} different numbers in {rows} rows, too many for classes: to learn numbers, choose --loss mse"
                )));
            }
            return Ok(Meaning::Classes(classes));
        }
        let two = <[String; 2]>::try_from(classes);
        two.map(Meaning::TwoClasses).map_err(|classes| {
            Failure::Usage(format!(
                "{what} has {} different labels: --loss {loss} is for two, cross_entropy for more",
                classes.len()
            ))
        })
    }

    /// Outputs of the network.
    pub fn outputs(&self) -> usize {
        match self {
            Meaning::Classes(classes) => classes.len(),
            Meaning::TwoClasses(_) | Meaning::Number => 1,
        }
    }

    /// "3 classes".
    pub fn describe(&self) -> String {
        match self {
            Meaning::Classes(classes) => format!("{} classes", classes.len()),
            Meaning::TwoClasses(_) => "2 classes".to_owned(),
            Meaning::Number => "a number".to_owned(),
        }
    }
}

/// More different numbers than this, in more than half of the rows, are no classes.
const MANY: usize = 20;

/// Each label once; in the order of their numbers, if all are numbers.
fn distinct(labels: &Labels) -> Vec<String> {
    // One by one: collecting would take room for as many as there are labels.
    let mut different = BTreeSet::new();
    for label in labels.iter() {
        different.insert(label);
    }
    let mut classes: Vec<String> = different.into_iter().map(str::to_owned).collect();
    if classes.iter().all(|class| class.parse::<f64>().is_ok()) {
        let number = |class: &String| class.parse::<f64>().unwrap_or(0.0);
        classes.sort_by(|one, other| number(one).total_cmp(&number(other)));
    }
    classes
}

/// What a column of numbers is standardised by, from its sums.
fn standard(place: impl FnOnce() -> String, standard: Standard) -> Result<Standard, Failure> {
    if standard.is_sane() {
        return Ok(standard);
    }
    let place = place();
    Err(Failure::Usage(format!("{place} holds numbers that are too large, or too far apart, to be standardised")))
}

impl Scaling {
    /// Of the columns of these rows. Two passes over them, in f64.
    pub fn standardized(examples: &Examples, rows: &[usize]) -> Result<Scaling, Failure> {
        let features = examples.columns.features();
        let mut columns = vec![Sums::default(); features];
        for &row in rows {
            columns.iter_mut().enumerate().for_each(|(j, sums)| sums.add(examples.input(row, j)));
        }
        for &row in rows {
            columns.iter_mut().enumerate().for_each(|(j, sums)| sums.deviate(examples.input(row, j)));
        }
        let column = |(j, sums): (usize, &Sums)| standard(|| examples.column_place(j), sums.standard());
        let standards = columns.iter().enumerate().map(column).collect::<Result<Vec<_>, _>>()?;
        let (means, deviations) = standards.iter().map(|Standard { mean, deviation }| (mean, deviation)).unzip();
        Ok(Scaling::Standardized { means, deviations })
    }

    /// One number of a column.
    fn of(&self, x: f64, column: usize) -> f32 {
        match self {
            Scaling::Divided { by } => (x / by) as f32,
            Scaling::Standardized { means, deviations } => ((x - means[column]) / deviations[column]) as f32,
        }
    }
}

/// Sums over a column: first of its numbers, then of their squared distances from the mean.
#[derive(Clone, Debug)]
struct Sums {
    rows: f64,
    sum: f64,
    smallest: f64,
    largest: f64,
    squares: f64,
}

impl Default for Sums {
    fn default() -> Sums {
        Sums { rows: 0.0, sum: 0.0, smallest: f64::INFINITY, largest: f64::NEG_INFINITY, squares: 0.0 }
    }
}

impl Sums {
    fn add(&mut self, x: f64) {
        self.rows += 1.0;
        self.sum += x;
        (self.smallest, self.largest) = (self.smallest.min(x), self.largest.max(x));
    }

    fn deviate(&mut self, x: f64) {
        let distance = x - self.sum / self.rows;
        self.squares += distance * distance;
    }

    fn standard(&self) -> Standard {
        // The mean of equal numbers may differ from them by its rounding, and would make a deviation of it.
        if self.smallest == self.largest {
            return Standard { mean: self.smallest, deviation: 1.0 };
        }
        let variance = self.squares / self.rows;
        Standard { mean: self.sum / self.rows, deviation: if variance > 0.0 { variance.sqrt() } else { 1.0 } }
    }
}

impl Standard {
    fn is_sane(&self) -> bool {
        self.mean.is_finite() && self.deviation > 0.0 && self.deviation.is_finite()
    }

    fn target(&self, x: f64) -> f32 {
        ((x - self.mean) / self.deviation) as f32
    }

    /// What an output says, with as many digits as the output carries.
    pub fn number(&self, output: f32) -> f64 {
        let number = f64::from(output) * self.deviation + self.mean;
        // The distance to the next output. Outputs below 1 in size are sums of numbers that are about as large as 1.
        let step = f64::from(f32::EPSILON) * self.deviation * f64::from(output.abs()).max(1.0) / 2.0;
        let after_the_first = number.abs().log10().floor() - step.log10().floor();
        if number == 0.0 || !after_the_first.is_finite() {
            return number;
        }
        const MOST: f64 = 16.0; // An f64 has no more than 17 digits.
        let after_the_first = after_the_first.clamp(0.0, MOST) as usize;
        format!("{number:.after_the_first$e}").parse().unwrap_or(number)
    }
}

impl Scheme {
    /// Of a network that learns from these rows of examples: a table is standardised, if no number is given to divide by.
    pub fn new(
        examples: &Examples,
        rows: &[usize],
        meaning: Meaning,
        divided_by: Option<f64>,
    ) -> Result<Scheme, Failure> {
        let scaling = match divided_by {
            Some(by) => Scaling::Divided { by },
            None => Scaling::standardized(examples, rows)?,
        };
        let target = match meaning {
            Meaning::Number => {
                let mut sums = Sums::default();
                rows.iter().try_for_each(|row| number_of(examples, *row).map(|x| sums.add(x)))?;
                rows.iter().try_for_each(|row| number_of(examples, *row).map(|x| sums.deviate(x)))?;
                Some(standard(|| examples.label_column(), sums.standard())?)
            }
            Meaning::Classes(_) | Meaning::TwoClasses(_) => None,
        };
        Ok(Scheme { columns: examples.columns.clone(), scaling, meaning, target })
    }

    /// How much larger a loss is than the network's own, whose numbers are scaled: deviation² for mean squared errors.
    pub fn loss_unit(&self) -> f64 {
        self.target.map_or(1.0, |Standard { deviation, .. }| deviation * deviation)
    }

    /// Whether its parts are of one data set.
    pub fn fits(&self) -> bool {
        let number = self.meaning == Meaning::Number;
        if self.target.is_some() != number || self.target.is_some_and(|target| !target.is_sane()) {
            return false;
        }
        match &self.scaling {
            Scaling::Divided { by } => *by > 0.0 && by.is_finite(),
            Scaling::Standardized { means, deviations } => {
                let columns = means.iter().zip(deviations);
                [means.len(), deviations.len()] == [self.columns.features(); 2]
                    && columns.into_iter().all(|(&mean, &deviation)| Standard { mean, deviation }.is_sane())
            }
        }
    }

    /// Scaled inputs of these rows, one after another. Each number is rounded to f32 once, when it is scaled.
    pub fn inputs(&self, examples: &Examples, rows: impl ExactSizeIterator<Item = usize>) -> Result<Vec<f32>, Failure> {
        let features = self.columns.features();
        let mut inputs = Vec::new();
        reserve(&mut inputs, rows.len().saturating_mul(features))?;
        for row in rows {
            for column in 0..features {
                let x = examples.input(row, column);
                let scaled = self.scaling.of(x, column);
                if !scaled.is_finite() {
                    let place = examples.input_place(row, column);
                    return Err(Failure::Usage(format!(
                        "{place}: {} is too far from what the model was trained on",
                        plain(x)
                    )));
                }
                inputs.push(scaled);
            }
        }
        Ok(inputs)
    }

    /// Scaled inputs of these rows with their targets.
    pub fn dataset(&self, examples: &Examples, rows: &[usize]) -> Result<Dataset<f32>, Failure> {
        let (inputs, features) = (self.inputs(examples, rows.iter().copied())?, self.columns.features());
        let mut targets = Vec::new();
        match &self.meaning {
            Meaning::Classes(classes) => {
                let mut labels = Vec::new();
                reserve(&mut labels, rows.len())?;
                let numbers = numbered(classes);
                for &row in rows {
                    labels.push(class(examples, row, classes, &numbers)? as u32);
                }
                return Dataset::classification(inputs, features, labels, classes.len()).map_err(Failure::usage);
            }
            Meaning::TwoClasses(classes) => {
                reserve(&mut targets, rows.len())?;
                let numbers = numbered(classes);
                for &row in rows {
                    targets.push(class(examples, row, classes, &numbers)? as f32);
                }
            }
            Meaning::Number => {
                reserve(&mut targets, rows.len())?;
                for &row in rows {
                    let x = number_of(examples, row)?;
                    let target = self.target.map_or(x as f32, |standard| standard.target(x));
                    if !target.is_finite() {
                        let place = examples.label_place(row);
                        let why = format!("{place}: {} is too far from what the model was trained on", plain(x));
                        return Err(Failure::Usage(why));
                    }
                    targets.push(target);
                }
            }
        }
        Dataset::regression(inputs, features, targets, 1).map_err(Failure::usage)
    }
}

/// The number that the label of a row is.
fn number_of(examples: &Examples, row: usize) -> Result<f64, Failure> {
    let number = table::number(examples.labels.at(row));
    number.map_err(|error| Failure::Usage(format!("{}: {error}", examples.label_place(row))))
}

/// The class that the label of a row names.
fn class(
    examples: &Examples,
    row: usize,
    classes: &[String],
    numbers: &HashMap<&str, usize>,
) -> Result<usize, Failure> {
    let label = examples.labels.at(row);
    numbers.get(label).copied().ok_or_else(|| {
        let (place, label) = (examples.label_place(row), Foreign::quoted(label));
        let classes = Foreign::list(classes.iter().map(String::as_str));
        Failure::Usage(format!("{place}: {label} is none of the classes {classes}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_no_deviation() {
        let mut sums = Sums::default();
        let tenth = [0.1; 10]; // whose sum is not 1
        tenth.iter().for_each(|x| sums.add(*x));
        tenth.iter().for_each(|x| sums.deviate(*x));
        assert_eq!(sums.standard(), Standard { mean: 0.1, deviation: 1.0 });
    }

    #[test]
    fn a_prediction_has_the_digits_of_its_output() {
        let unit = Standard { mean: 0.0, deviation: 1.0 };
        assert_eq!(unit.number(0.1), 0.1);
        let seconds = Standard { mean: 1_700_000_031.5, deviation: 18.5 };
        let number = seconds.number(-1.7027026);
        assert!((number - 1_700_000_000.0).abs() < 1e-5, "{number}");
        assert!(number.to_string().len() <= "1700000000.00000123".len(), "{number}");
        assert_eq!(Standard { mean: 7.0, deviation: 1e-30 }.number(1.0), 7.0);
        assert!(unit.number(f32::NAN).is_nan() && unit.number(f32::INFINITY).is_infinite());
    }
}
