//! How much classes weigh in the loss of a training.

use std::collections::BTreeMap;
use std::fmt;

use nxm_net::Loss;

use crate::error::TableError;
use crate::foreign::Foreign;
use crate::target::{Target, TargetValues};

/// How much the rows of each class, or of each label that says yes, weigh in the loss.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// By the training rows: n / (classes · count) for each class, as scikit-learn's "balanced", and for each label as many as say no / as many as
    /// say yes, as PyTorch suggests for `pos_weight`. All classes have the same share of the loss.
    Balanced,
    /// By name; classes without a name weigh 1. A label is named by its column, or, if it is the only one, by what says no and yes.
    ByName(BTreeMap<String, f64>),
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClassWeights::Balanced => f.write_str("balanced"),
            ClassWeights::ByName(weights) => {
                let weights: Vec<String> = weights.iter().map(|(name, weight)| format!("{name}={weight}")).collect();
                f.write_str(&weights.join(","))
            }
        }
    }
}

impl ClassWeights {
    /// The loss with weights for this target, of which the training rows have these values. A loss of numbers has no classes to weigh.
    ///
    /// # Errors
    /// [`TableError`] if numbers are learned, if a name is none of a class, if a weight is out of its range, or if a label is balanced that all
    /// rows say the same of.
    pub fn weigh(&self, loss: Loss, target: &Target, values: &TargetValues) -> Result<Loss, TableError> {
        match (target, values, loss) {
            (
                Target::Classes { classes, .. },
                TargetValues::Classes(values),
                Loss::CrossEntropy { label_smoothing, .. },
            ) => {
                let class_weights = match self {
                    ClassWeights::Balanced => balanced(values, classes.len()),
                    ClassWeights::ByName(weights) => by_name(weights, classes)?,
                };
                Ok(Loss::CrossEntropy { label_smoothing, class_weights })
            }
            (
                Target::Labels { columns, values: names },
                TargetValues::Numbers(values),
                Loss::BinaryCrossEntropy { .. },
            ) => {
                let positive_weights = match self {
                    ClassWeights::Balanced => balanced_labels(values, columns)?,
                    ClassWeights::ByName(weights) => labels_by_name(weights, columns, names)?,
                };
                Ok(Loss::BinaryCrossEntropy { positive_weights })
            }
            (target, _, loss) => Err(TableError::Request(format!(
                "class weights are for classes, and {} holds numbers, which are learned by {loss}",
                Foreign::list(target.columns().iter().map(String::as_str))
            ))),
        }
    }
}

/// n / (classes · count) of each class.
fn balanced(values: &[u32], classes: usize) -> Vec<f64> {
    let mut counts = vec![0u32; classes];
    values.iter().for_each(|class| counts[*class as usize] = counts[*class as usize].saturating_add(1));
    // A class that no row has weighs nothing.
    let weight = |count: u32| match count {
        0 => 0.0,
        count => values.len() as f64 / (classes as f64 * f64::from(count)),
    };
    counts.into_iter().map(weight).collect()
}

/// As many rows as say no / as many as say yes, of each column.
fn balanced_labels(values: &[f64], columns: &[String]) -> Result<Vec<f64>, TableError> {
    let weight = |(i, column): (usize, &String)| {
        let of_column = || values.iter().skip(i).step_by(columns.len());
        let (yes, all) = (of_column().filter(|x| **x > 0.5).count(), of_column().count());
        match all.saturating_sub(yes) {
            no if no > 0 && yes > 0 => Ok(no as f64 / yes as f64),
            _ => Err(TableError::Content(format!(
                "all rows to train on say the same in the column {}: its weights can't be balanced",
                Foreign::quoted(column)
            ))),
        }
    };
    columns.iter().enumerate().map(weight).collect()
}

/// Those that are named, and 1 for the others.
fn by_name(weights: &BTreeMap<String, f64>, classes: &[String]) -> Result<Vec<f64>, TableError> {
    let mut found = vec![1.0; classes.len()];
    for (name, weight) in weights {
        let class = classes.iter().position(|class| class == name).ok_or_else(|| unknown(name, classes))?;
        found[class] = in_range(name, *weight)?;
    }
    match found.iter().all(|weight| *weight == 0.0) {
        true => Err(TableError::Request("all classes have weight 0: one that weighs more is needed".to_owned())),
        false => Ok(found),
    }
}

fn labels_by_name(
    weights: &BTreeMap<String, f64>,
    columns: &[String],
    values: &[[String; 2]],
) -> Result<Vec<f64>, TableError> {
    let mut found = vec![1.0; columns.len()];
    // Of a single label, what no and yes weigh.
    let mut answers = [1.0; 2];
    for (name, weight) in weights {
        let weight = in_range(name, *weight)?;
        match (columns.iter().position(|column| column == name), values) {
            (Some(column), _) => found[column] = weight,
            (None, [values]) if values.contains(name) => {
                answers[usize::from(values[1] == *name)] = weight;
            }
            (None, [values]) => return Err(unknown(name, values)),
            (None, _) => return Err(unknown(name, columns)),
        }
    }
    if let [one] = &mut found[..] {
        if answers[0] == 0.0 {
            let no = Foreign::quoted(&values[0][0]).to_string();
            return Err(TableError::Request(format!(
                "the weight of {no} is 0: one above 0 is needed, because yes weighs by how much more it is"
            )));
        }
        *one *= answers[1] / answers[0];
    }
    Ok(found)
}

fn unknown(name: &str, names: &[String]) -> TableError {
    TableError::Request(format!(
        "there is no class {} to weigh; there are {}",
        Foreign::quoted(name),
        Foreign::list(names.iter().map(String::as_str))
    ))
}

fn in_range(name: &str, weight: f64) -> Result<f64, TableError> {
    match weight.is_finite() && weight >= 0.0 {
        true => Ok(weight),
        false => Err(TableError::Request(format!(
            "the class {} has weight {weight}: a finite number of at least 0 is needed",
            Foreign::quoted(name)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn named(weights: &[(&str, f64)]) -> ClassWeights {
        ClassWeights::ByName(weights.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect())
    }

    #[test]
    fn classes_are_balanced_as_scikit_learn_does_and_named_ones_weigh_what_is_said() {
        let target = Target::Classes { column: "y".to_owned(), classes: texts(&["a", "b", "c"]) };
        let values = TargetValues::Classes(vec![0, 1, 1, 2, 2, 2]);
        let weigh = |weights: ClassWeights| weights.weigh(Loss::CROSS_ENTROPY, &target, &values);
        // compute_class_weight("balanced", classes=[0, 1, 2], y=[0, 1, 1, 2, 2, 2]).
        let Loss::CrossEntropy { class_weights, .. } = weigh(ClassWeights::Balanced).unwrap() else { unreachable!() };
        assert_eq!(class_weights, [2.0, 1.0, 6.0 / 9.0]);
        let Loss::CrossEntropy { class_weights, .. } = weigh(named(&[("b", 2.5)])).unwrap() else { unreachable!() };
        assert_eq!(class_weights, [1.0, 2.5, 1.0]);
        let error = |weights: &[(&str, f64)]| weigh(named(weights)).unwrap_err().to_string();
        assert!(error(&[("d", 1.0)]).contains("no class \"d\""), "{}", error(&[("d", 1.0)]));
        assert!(error(&[("a", -1.0)]).contains("weight -1"));
        assert!(error(&[("a", f64::NAN)]).contains("weight NaN"));
        assert!(error(&[("a", 0.0), ("b", 0.0), ("c", 0.0)]).contains("all classes"));
    }

    #[test]
    fn labels_are_balanced_by_as_many_as_say_no_for_each_that_says_yes() {
        let values = vec![["no".to_owned(), "yes".to_owned()]; 2];
        let two = Target::Labels { columns: texts(&["p", "q"]), values: values.clone() };
        let of_two = TargetValues::Numbers(vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        let weigh = |weights: &ClassWeights, target: &Target, values: &TargetValues| match weights.weigh(
            Loss::BINARY_CROSS_ENTROPY,
            target,
            values,
        )? {
            Loss::BinaryCrossEntropy { positive_weights } => Ok(positive_weights),
            _ => unreachable!("the same loss"),
        };
        let error = |found: Result<_, TableError>| found.map(|_: Vec<f64>| ()).unwrap_err().to_string();
        assert_eq!(weigh(&ClassWeights::Balanced, &two, &of_two).unwrap(), [3.0, 1.0 / 3.0]);
        assert_eq!(weigh(&named(&[("q", 4.0)]), &two, &of_two).unwrap(), [1.0, 4.0]);
        assert!(error(weigh(&named(&[("yes", 4.0)]), &two, &of_two)).contains("no class \"yes\""));
        let same = TargetValues::Numbers(vec![1.0, 0.0, 1.0, 1.0]);
        assert!(error(weigh(&ClassWeights::Balanced, &two, &same)).contains("\"p\""));

        let one = Target::Labels { columns: texts(&["p"]), values: values[..1].to_vec() };
        let of_one = TargetValues::Numbers(vec![1.0, 0.0]);
        assert_eq!(weigh(&named(&[("no", 2.0), ("yes", 3.0)]), &one, &of_one).unwrap(), [1.5]);
        assert_eq!(weigh(&named(&[("p", 3.0)]), &one, &of_one).unwrap(), [3.0]);
        assert!(error(weigh(&named(&[("no", 0.0)]), &one, &of_one)).contains("weight of \"no\""));
    }

    #[test]
    fn numbers_have_no_classes() {
        let target = Target::Numbers { columns: texts(&["price"]), standards: Vec::new() };
        let values = TargetValues::Numbers(vec![1.0]);
        let error = ClassWeights::Balanced.weigh(Loss::MeanSquaredError, &target, &values).unwrap_err();
        assert!(
            matches!(error, TableError::Request(_)) && error.to_string().contains("\"price\" holds numbers"),
            "{error}"
        );
    }
}
