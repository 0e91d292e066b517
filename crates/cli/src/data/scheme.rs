//! What a network must know of its data to be used: which columns, how they are scaled, what its outputs mean. It travels
//! with the network, as a note in its checkpoint.

use nxm_kernels::MatrixRef;
use nxm_net::{Dataset, Loss, Targets};
use serde::{Deserialize, Serialize};

use super::{Columns, Examples, table};
use crate::failure::Failure;

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
            return Ok(Meaning::Number);
        }
        let classes = distinct(&examples.labels);
        let what = match &examples.columns {
            Columns::Table { label, .. } => format!("{}: the column {label:?}", examples.files[1]),
            Columns::Images { .. } => examples.files[1].clone(),
        };
        let (found, rows) = (classes.len(), examples.len());
        if found < 2 {
            return Err(Failure::Usage(format!("{what} says {:?} everywhere: two classes are needed", classes[0])));
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

    /// Examples with their targets, not yet scaled.
    pub fn dataset(&self, examples: &Examples) -> Result<Dataset<f32>, Failure> {
        let (inputs, features) = (examples.inputs.clone(), examples.columns.features());
        let wrong = |row, error: String| Failure::Usage(format!("{}: {error}", examples.label_place(row)));
        let labels = examples.labels.iter().enumerate();
        let class = |classes: &[String], (row, label): (usize, &String)| {
            let at = classes.iter().position(|class| class == label);
            at.ok_or_else(|| wrong(row, format!("{label:?} is none of the classes {}", list(classes))))
        };
        match self {
            Meaning::Classes(classes) => {
                let labels = labels.map(|label| Ok(class(classes, label)? as u32)).collect::<Result<_, Failure>>()?;
                Dataset::classification(inputs, features, labels, classes.len())
            }
            Meaning::TwoClasses(classes) => {
                let targets = labels.map(|label| Ok(class(classes, label)? as f32)).collect::<Result<_, Failure>>()?;
                Dataset::regression(inputs, features, targets, 1)
            }
            Meaning::Number => {
                let targets = labels.map(|(row, label)| table::number(label).map_err(|error| wrong(row, error)));
                Dataset::regression(inputs, features, targets.collect::<Result<_, _>>()?, 1)
            }
        }
        .map_err(Failure::usage)
    }
}

/// More different numbers than this, in more than half of the rows, are no classes.
const MANY: usize = 20;

/// Each label once; in the order of their numbers, if all are numbers.
fn distinct(labels: &[String]) -> Vec<String> {
    let mut classes: Vec<String> =
        labels.iter().collect::<std::collections::BTreeSet<_>>().into_iter().cloned().collect();
    let numbers: Option<Vec<f64>> = classes.iter().map(|class| class.parse().ok()).collect();
    if numbers.is_some() {
        let number = |class: &String| class.parse::<f64>().unwrap_or(0.0);
        classes.sort_by(|one, other| number(one).total_cmp(&number(other)));
    }
    classes
}

/// The first few, with quotes.
fn list(classes: &[String]) -> String {
    let names: Vec<String> = classes.iter().take(12).map(|class| format!("{class:?}")).collect();
    format!("{}{}", names.join(", "), if classes.len() > 12 { ", …" } else { "" })
}

impl Scaling {
    /// Of the columns of these examples. Two passes over each column, in f64.
    pub fn standardized(data: &Dataset<f32>) -> Scaling {
        let columns = (0..data.features()).map(|j| Standard::of(data.inputs(), j));
        let (means, deviations) = columns.map(|Standard { mean, deviation }| (mean, deviation)).unzip();
        Scaling::Standardized { means, deviations }
    }

    /// One number of a column.
    fn of(&self, x: f32, column: usize) -> f32 {
        let x = f64::from(x);
        match self {
            Scaling::Divided { by } => (x / by) as f32,
            Scaling::Standardized { means, deviations } => ((x - means[column]) / deviations[column]) as f32,
        }
    }
}

impl Standard {
    /// Of a column of numbers. Two passes, in f64.
    fn of(numbers: MatrixRef<'_, f32>, column: usize) -> Standard {
        let rows = numbers.rows() as f64;
        let column = || (0..numbers.rows()).map(|i| f64::from(numbers.at(i, column)));
        let mean = column().sum::<f64>() / rows;
        let variance = column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / rows;
        Standard { mean, deviation: if variance > 0.0 { variance.sqrt() } else { 1.0 } }
    }

    fn is_sane(&self) -> bool {
        self.mean.is_finite() && self.deviation > 0.0 && self.deviation.is_finite()
    }

    fn target(&self, x: f32) -> f32 {
        ((f64::from(x) - self.mean) / self.deviation) as f32
    }

    /// What an output says.
    pub fn number(&self, output: f32) -> f32 {
        (f64::from(output) * self.deviation + self.mean) as f32
    }
}

impl Scheme {
    /// Of a network that learns from these examples, which have the `columns` and the `meaning`; their numbers not yet scaled.
    pub fn new(columns: Columns, scaling: Scaling, meaning: Meaning, seen: &Dataset<f32>) -> Scheme {
        let target = match (&meaning, seen.targets()) {
            (Meaning::Number, Targets::Values(values)) => Some(Standard::of(values, 0)),
            _ => None,
        };
        Scheme { columns, scaling, meaning, target }
    }

    /// How much larger a loss is than the network's own, whose numbers are scaled: deviation² for mean squared errors.
    pub fn loss_unit(&self) -> f64 {
        self.target.map_or(1.0, |Standard { deviation, .. }| deviation * deviation)
    }

    /// A data set with scaled inputs and targets.
    pub fn scaled(&self, data: &Dataset<f32>) -> Result<Dataset<f32>, Failure> {
        let (features, inputs) = (data.features(), data.inputs());
        let scaled =
            (0..data.len()).flat_map(|i| (0..features).map(move |j| self.scaling.of(inputs.at(i, j), j))).collect();
        match data.targets() {
            Targets::Classes(labels) => Dataset::classification(scaled, features, labels.to_vec(), data.outputs()),
            Targets::Values(values) => {
                let target = |x| self.target.map_or(x, |standard| standard.target(x));
                let targets = (0..values.rows()).map(|i| target(values.at(i, 0))).collect();
                Dataset::regression(scaled, features, targets, 1)
            }
        }
        .map_err(Failure::usage)
    }

    /// Whether its parts are of one data set.
    pub fn fits(&self) -> bool {
        let number = self.meaning == Meaning::Number;
        if self.target.is_some() != number || self.target.is_some_and(|target| !target.is_sane()) {
            return false;
        }
        match &self.scaling {
            Scaling::Divided { by } => *by > 0.0,
            Scaling::Standardized { means, deviations } => {
                [means.len(), deviations.len()] == [self.columns.features(); 2] && deviations.iter().all(|d| *d > 0.0)
            }
        }
    }

    /// Scaled inputs, a row for each example.
    pub fn inputs(&self, examples: &Examples) -> Result<Vec<f32>, Failure> {
        let features = self.columns.features();
        let scaled = examples.inputs.iter().enumerate().map(|(i, x)| {
            let (row, column) = (i / features, i % features);
            let scaled = self.scaling.of(*x, column);
            if scaled.is_finite() {
                return Ok(scaled);
            }
            let place = examples.input_place(row, column);
            Err(Failure::Usage(format!("{place}: {x} is too far from what the model was trained on")))
        });
        scaled.collect()
    }

    /// Scaled inputs with their targets.
    pub fn dataset(&self, examples: &Examples) -> Result<Dataset<f32>, Failure> {
        self.inputs(examples)?; // Says which number is out of range, if one is.
        self.scaled(&self.meaning.dataset(examples)?)
    }
}
