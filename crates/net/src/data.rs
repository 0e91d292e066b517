//! Examples to train on: inputs with targets, checked once when they are made.

use std::ops::Range;

use nxm_kernels::{Element, MatrixRef};

use crate::check::{is_positive, stray_weight};
use crate::error::DataError;
use crate::loss::sum_of;
use crate::random::{epoch_generator, shuffle};

/// The targets of some examples.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a, T> {
    /// For regression: a row of values for each example.
    Values(MatrixRef<'a, T>),
    /// For classification: the class of each example, from 0.
    Classes(&'a [u32]),
}

/// Examples: a row of features each, and a row of target values or a label; perhaps a weight each.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset<T> {
    features: usize,
    outputs: usize,
    len: usize,
    inputs: Vec<T>,
    targets: Owned<T>,
    weights: Option<Vec<T>>,
}

/// Examples that a step is made on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch<'a, T> {
    pub(crate) x: MatrixRef<'a, T>,
    pub(crate) targets: Targets<'a, T>,
    /// What each example weighs, if they differ.
    pub(crate) weights: Option<&'a [T]>,
}

/// Targets that belong to a data set.
#[derive(Clone, Debug, PartialEq)]
enum Owned<T> {
    Values(Vec<T>),
    Classes(Vec<u32>),
}

impl<T: Element> Dataset<T> {
    /// Examples of `features` inputs and `outputs` target values each, both row-major.
    ///
    /// # Errors
    /// [`DataError`] if there are no features or outputs, if inputs and targets are not as many whole rows, or if one of
    /// them is NaN or infinite.
    pub fn regression(inputs: Vec<T>, features: usize, targets: Vec<T>, outputs: usize) -> Result<Self, DataError> {
        let len = whole_rows("inputs", &inputs, features, DataError::NoFeatures)?;
        let rows = whole_rows("targets", &targets, outputs, DataError::NoOutputs)?;
        if rows != len {
            return Err(DataError::Rows { examples: len, targets: rows });
        }
        finite("inputs", &inputs, features)?;
        finite("targets", &targets, outputs)?;
        Ok(Dataset { features, outputs, len, inputs, targets: Owned::Values(targets), weights: None })
    }

    /// Examples of `features` inputs (row-major), each of one of `classes` classes, numbered from 0.
    ///
    /// # Errors
    /// [`DataError`] if there are no features or classes, if there are not as many labels as whole rows of inputs, if an
    /// input is NaN or infinite, or if a label is not below `classes`.
    pub fn classification(
        inputs: Vec<T>,
        features: usize,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self, DataError> {
        let len = whole_rows("inputs", &inputs, features, DataError::NoFeatures)?;
        if classes == 0 {
            return Err(DataError::NoOutputs);
        }
        if labels.len() != len {
            return Err(DataError::Rows { examples: len, targets: labels.len() });
        }
        finite("inputs", &inputs, features)?;
        if let Some((row, label)) = stray_label(&labels, classes) {
            return Err(DataError::Label { row, label, classes });
        }
        Ok(Dataset { features, outputs: classes, len, inputs, targets: Owned::Classes(labels), weights: None })
    }

    /// The same examples, each with its weight s: a batch's loss ℓ becomes Σ sᵢ·ℓᵢ / Σ sᵢ, and its gradient with it. With class weights w,
    /// it becomes Σ sᵢ·ℓᵢ / Σ sᵢ·w of i's class. This is scikit-learn's `sample_weight`, and PyTorch's mean of losses times weights over the
    /// weights' sum. An example of weight 2 counts as that example twice.
    ///
    /// Weights travel with their examples. A batch whose examples all weigh 0 has the loss 0 and the gradient 0: momentum and weight decay
    /// still move parameters, and the step counts.
    ///
    /// ```
    /// use nxm_net::Dataset;
    /// let data = Dataset::regression(vec![0.0f32, 1.0, 2.0], 1, vec![1.0, 3.0, 5.0], 1)?.with_weights(vec![1.0, 0.0, 2.5])?;
    /// assert_eq!(data.weights(), Some(&[1.0, 0.0, 2.5][..]));
    /// assert_eq!(data.split_at(1).1.weights(), Some(&[0.0, 2.5][..]));
    /// # Ok::<(), nxm_net::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError`] if there is not one weight for each example, if one is negative, NaN or infinite, or if their sum is 0 or more than `T`
    /// holds.
    pub fn with_weights(self, weights: Vec<T>) -> Result<Self, DataError> {
        if weights.len() != self.len {
            return Err(DataError::Weights { examples: self.len, weights: weights.len() });
        }
        if let Some((row, weight)) = stray_weight(&weights) {
            return Err(DataError::Weight { row, weight });
        }
        let sum = sum_of(&weights);
        if !is_positive(T::from_f64(sum)) {
            return Err(DataError::WeightSum { sum, element: T::NAME });
        }
        Ok(Dataset { weights: Some(weights), ..self })
    }

    /// Examples.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// Inputs of an example.
    pub fn features(&self) -> usize {
        self.features
    }
    /// Values of a target, or classes.
    pub fn outputs(&self) -> usize {
        self.outputs
    }
    /// All inputs: examples × features.
    pub fn inputs(&self) -> MatrixRef<'_, T> {
        self.batch(0..self.len).x
    }
    /// All targets.
    pub fn targets(&self) -> Targets<'_, T> {
        self.batch(0..self.len).targets
    }
    /// What each example weighs, if they have weights.
    pub fn weights(&self) -> Option<&[T]> {
        self.weights.as_deref()
    }

    /// The first `n` examples, and the rest. Panics if there are fewer than `n`.
    #[must_use]
    pub fn split_at(&self, n: usize) -> (Dataset<T>, Dataset<T>) {
        assert!(n <= self.len, "split_at: {n} of {} examples", self.len);
        let part = |rows: Range<usize>| Dataset {
            len: rows.len(),
            inputs: self.inputs[rows.start * self.features..rows.end * self.features].to_vec(),
            targets: match &self.targets {
                Owned::Values(values) => {
                    Owned::Values(values[rows.start * self.outputs..rows.end * self.outputs].to_vec())
                }
                Owned::Classes(labels) => Owned::Classes(labels[rows.clone()].to_vec()),
            },
            weights: self.weights.as_ref().map(|weights| weights[rows].to_vec()),
            ..*self
        };
        (part(0..n), part(n..self.len))
    }

    /// The same examples in an order that depends on `seed` and their number alone.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Dataset<T> {
        let mut order: Vec<usize> = (0..self.len).collect();
        shuffle_rows(&mut order, seed);
        let mut shuffled = self.with_capacity(self.len);
        self.gather(&order, &mut shuffled);
        shuffled
    }

    /// Inputs, targets and weights of examples that stand side by side.
    pub(crate) fn batch(&self, rows: Range<usize>) -> Batch<'_, T> {
        let matrix = |data, cols: usize| {
            let all = MatrixRef::new(data, self.len, cols).expect("the constructors checked the number of elements");
            all.block(rows.start, 0, rows.len(), cols)
        };
        let targets = match &self.targets {
            Owned::Values(values) => Targets::Values(matrix(values, self.outputs)),
            Owned::Classes(labels) => Targets::Classes(&labels[rows.clone()]),
        };
        let weights = self.weights.as_ref().map(|weights| &weights[rows.clone()]);
        Batch { x: matrix(&self.inputs, self.features), targets, weights }
    }

    /// An empty data set of the same kind with room for `rows` examples.
    pub(crate) fn with_capacity(&self, rows: usize) -> Dataset<T> {
        let targets = match &self.targets {
            Owned::Values(_) => Owned::Values(Vec::with_capacity(rows * self.outputs)),
            Owned::Classes(_) => Owned::Classes(Vec::with_capacity(rows)),
        };
        let weights = self.weights.as_ref().map(|_| Vec::with_capacity(rows));
        Dataset { len: 0, inputs: Vec::with_capacity(rows * self.features), targets, weights, ..*self }
    }

    /// Makes `to` hold these rows, in this order. `to` comes from [`Dataset::with_capacity`] of this data set; within its
    /// capacity nothing is allocated.
    pub(crate) fn gather(&self, rows: &[usize], to: &mut Dataset<T>) {
        to.len = rows.len();
        to.inputs.clear();
        for &row in rows {
            to.inputs.extend_from_slice(&self.inputs[row * self.features..][..self.features]);
        }
        match (&self.targets, &mut to.targets) {
            (Owned::Values(from), Owned::Values(to)) => {
                to.clear();
                for &row in rows {
                    to.extend_from_slice(&from[row * self.outputs..][..self.outputs]);
                }
            }
            (Owned::Classes(from), Owned::Classes(to)) => {
                to.clear();
                to.extend(rows.iter().map(|&row| from[row]));
            }
            _ => unreachable!("with_capacity keeps the kind of targets"),
        }
        if let (Some(from), Some(to)) = (&self.weights, &mut to.weights) {
            to.clear();
            to.extend(rows.iter().map(|&row| from[row]));
        }
    }
}

/// Shuffles the numbers of rows as [`Dataset::shuffled`] shuffles as many examples. The order depends on `seed` and on how many there are alone.
///
/// ```
/// let data = nxm_net::Dataset::regression(vec![0.0f32, 1.0, 2.0, 3.0], 1, vec![0.0; 4], 1)?;
/// let (shuffled, mut rows) = (data.shuffled(7), [0, 1, 2, 3]);
/// nxm_net::shuffle_rows(&mut rows, 7);
/// assert!((0..4).all(|place| shuffled.inputs().at(place, 0) == rows[place] as f32));
/// # Ok::<(), nxm_net::DataError>(())
/// ```
pub fn shuffle_rows(rows: &mut [usize], seed: u64) {
    // Epochs count from 1, so this is none of a training's orders.
    shuffle(&mut epoch_generator(seed, 0), rows);
}

/// The first row whose label is not below `classes`, and the label.
pub(crate) fn stray_label(labels: &[u32], classes: usize) -> Option<(usize, u32)> {
    let row = labels.iter().position(|&label| label as usize >= classes)?;
    Some((row, labels[row]))
}

/// How many rows of `cols` these are.
fn whole_rows<T>(what: &'static str, data: &[T], cols: usize, none: DataError) -> Result<usize, DataError> {
    match data.len().checked_rem(cols) {
        None => Err(none),
        Some(0) => Ok(data.len() / cols),
        Some(_) => Err(DataError::Ragged { what, len: data.len(), cols }),
    }
}

/// No NaN, no infinity.
fn finite<T: Element>(what: &'static str, data: &[T], cols: usize) -> Result<(), DataError> {
    match data.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(i) => Err(DataError::NotFinite { what, row: i / cols, column: i % cols, value: data[i].to_f64() }),
    }
}
