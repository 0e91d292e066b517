//! How to train on a table: what is not said is right for its size.

use std::collections::BTreeMap;
use std::fmt;

use nxm_net::{
    Activation, Checkpoint, Layer, Loss, Network, NetworkBuilder, Optimizer, OptimizerState, Patience, TrainingOptions,
    TrainingState,
};

use crate::class_weights::ClassWeights;
use crate::error::TableError;
use crate::metrics::Metric;
use crate::model::{NOTE, Schema};
use crate::split::{Rows, Split};
use crate::target::Target;

/// How to train. What is none is chosen by the size of the table: see [`Recipe::settings`].
///
/// ```
/// use nxm_data::Recipe;
/// let recipe = Recipe::default().with_hidden([64, 64]).with_seed(3);
/// assert_eq!(recipe.hidden, Some(vec![64, 64]));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Recipe {
    /// Units of the hidden layers.
    pub hidden: Option<Vec<usize>>,
    /// Their activation.
    pub activation: Option<Activation>,
    /// Layers of any kind before the last one, in place of hidden layers of one activation.
    pub layers: Option<Vec<Layer>>,
    /// What updates the parameters.
    pub optimizer: Option<Optimizer>,
    /// Rows in a step.
    pub batch: Option<usize>,
    /// How many times training sees each row at most.
    pub epochs: Option<usize>,
    /// Training stops after so many epochs without a gain; 0 never stops it.
    pub patience: Option<usize>,
    /// What the best epoch is chosen by, and patience is used up by.
    pub metric: Metric,
    /// An epoch is better if its metric is better by more than this.
    pub min_gain: f64,
    /// Whether the model of the last epoch is taken rather than that of the best one.
    pub keep_last: bool,
    /// The largest norm of the gradients of a step.
    pub clip_norm: Option<f64>,
    /// How much classes weigh in the loss; none: 1 each.
    pub class_weights: Option<ClassWeights>,
    /// What weights and the order of rows are drawn from.
    pub seed: u64,
}

/// How to train: all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Units of the hidden layers.
    pub hidden: Vec<usize>,
    /// Their activation.
    pub activation: Activation,
    /// Layers of any kind before the last one, in place of hidden layers of one activation.
    pub layers: Option<Vec<Layer>>,
    /// Loss, optimizer, batch, epochs, seed.
    pub options: TrainingOptions,
    /// Training stops after so many epochs without a gain; 0 never stops it.
    pub patience: usize,
    /// What the best epoch is chosen by, and patience is used up by.
    pub metric: Metric,
    /// An epoch is better if its metric is better by more than this.
    pub min_gain: f64,
    /// Whether the model of the last epoch is taken rather than that of the best one.
    pub keep_last: bool,
}

/// The learning rate of AdamW, which is used unless another optimizer is asked for.
pub const LEARNING_RATE: f64 = 0.002;
/// The share of the rows that is held out, unless another one is asked for.
pub const HELD_OUT: f64 = 0.15;
/// Steps that a training takes at most, if it is not stopped.
const STEPS: usize = 20_000;
/// Epochs without a gain after which it stops.
const PATIENCE: usize = 30;

impl Recipe {
    /// With these units in the hidden layers; none for a linear model.
    #[must_use]
    pub fn with_hidden(self, hidden: impl Into<Vec<usize>>) -> Recipe {
        Recipe { hidden: Some(hidden.into()), ..self }
    }
    /// With these layers before the last one, in place of hidden layers of one activation.
    #[must_use]
    pub fn with_layers(self, layers: impl Into<Vec<Layer>>) -> Recipe {
        Recipe { layers: Some(layers.into()), ..self }
    }
    /// With this activation of the hidden layers.
    #[must_use]
    pub fn with_activation(self, activation: Activation) -> Recipe {
        Recipe { activation: Some(activation), ..self }
    }
    /// With this optimizer.
    #[must_use]
    pub fn with_optimizer(self, optimizer: impl Into<Optimizer>) -> Recipe {
        Recipe { optimizer: Some(optimizer.into()), ..self }
    }
    /// With so many rows in a step.
    #[must_use]
    pub fn with_batch(self, batch: usize) -> Recipe {
        Recipe { batch: Some(batch), ..self }
    }
    /// With at most so many epochs.
    #[must_use]
    pub fn with_epochs(self, epochs: usize) -> Recipe {
        Recipe { epochs: Some(epochs), ..self }
    }
    /// Stops after so many epochs without a gain; 0 never.
    #[must_use]
    pub fn with_patience(self, patience: usize) -> Recipe {
        Recipe { patience: Some(patience), ..self }
    }
    /// Chooses the best epoch by this metric; an epoch is better if its metric is better by more than `min_gain`.
    #[must_use]
    pub fn with_metric(self, metric: Metric, min_gain: f64) -> Recipe {
        Recipe { metric, min_gain, ..self }
    }
    /// Takes the model of the last epoch rather than that of the best one.
    #[must_use]
    pub fn with_last(self) -> Recipe {
        Recipe { keep_last: true, ..self }
    }
    /// With classes that weigh so much in the loss.
    #[must_use]
    pub fn with_class_weights(self, class_weights: ClassWeights) -> Recipe {
        Recipe { class_weights: Some(class_weights), ..self }
    }
    /// With this seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Recipe {
        Recipe { seed, ..self }
    }

    /// All that is to be known to train on the training rows of a split, which say what balanced classes weigh.
    ///
    /// # Errors
    /// [`TableError`] if class weights do not fit what is learned: see [`ClassWeights::weigh`].
    pub fn settings_for(&self, split: &Split<'_>) -> Result<Settings, TableError> {
        let Rows { examples, rows } = &split.train;
        let mut settings = self.settings(rows.len(), &examples.target);
        if let Some(class_weights) = &self.class_weights {
            let options = &mut settings.options;
            options.loss = class_weights.weigh(options.loss.clone(), &examples.target, &split.train.values()?)?;
        }
        Ok(settings)
    }

    /// All that is to be known to train on so many rows, but for class weights.
    pub fn settings(&self, rows: usize, target: &Target) -> Settings {
        let loss = match target {
            Target::Classes { .. } => Loss::CROSS_ENTROPY,
            Target::Numbers { .. } => Loss::MeanSquaredError,
            Target::Labels { .. } => Loss::BINARY_CROSS_ENTROPY,
        };
        // About a hundred steps in an epoch of a large table; small ones need small batches to make enough steps.
        let optimizer = self.optimizer.unwrap_or_else(|| Optimizer::adamw(LEARNING_RATE));
        let batch = self.batch.unwrap_or_else(|| match optimizer.is_full_batch() {
            true => rows.max(1),
            false => (rows / 100).clamp(16, 256).next_power_of_two(),
        });
        let steps = rows.div_ceil(batch.max(1)).max(1);
        let epochs = self.epochs.unwrap_or_else(|| STEPS.div_ceil(steps).clamp(10, 300));
        let hidden = self.hidden.clone().unwrap_or_else(|| match rows {
            0..1000 => vec![64],
            _ => vec![128, 64],
        });
        let mut options =
            TrainingOptions::new(loss, optimizer).with_batch(batch).with_epochs(epochs).with_seed(self.seed);
        options = options.with_clip_norm(self.clip_norm);
        let patience = self.patience.unwrap_or(PATIENCE);
        let Recipe { metric, min_gain, keep_last, .. } = *self;
        let activation = self.activation.unwrap_or(Activation::Relu);
        let layers = self.layers.clone();
        Settings { hidden, activation, layers, options, patience, metric, min_gain, keep_last }
    }
}

impl Settings {
    /// What a training must remember of its epochs, before the first.
    pub fn patience(&self) -> Patience {
        let epochs = Some(self.patience as u64).filter(|epochs| *epochs > 0);
        Patience::new(self.metric.goal(), epochs).with_min_gain(self.min_gain)
    }

    /// A training on so many rows that is about to begin: the network with its first weights, and what it must know of its data.
    pub fn checkpoint(&self, schema: &Schema, rows: usize) -> Result<Checkpoint<f32>, TableError> {
        let first = Network::builder(schema.encoder.width());
        let builder = self.layers_before_the_last().into_iter().fold(first, NetworkBuilder::layer);
        let options = &self.options;
        let builder = builder.dense(schema.target.outputs(), Activation::Identity).seed(options.seed);
        self.begin(builder.build()?, schema, rows)
    }

    /// All layers but the last.
    fn layers_before_the_last(&self) -> Vec<Layer> {
        let hidden = || self.hidden.iter().map(|units| Layer::dense(*units as u64, self.activation)).collect();
        self.layers.clone().unwrap_or_else(hidden)
    }

    /// The same, which begins with this network: hidden layers and their activation are its own.
    pub fn begin(&self, network: Network<f32>, schema: &Schema, rows: usize) -> Result<Checkpoint<f32>, TableError> {
        let options = &self.options;
        let state = TrainingState::new(OptimizerState::new(options.optimizer, &network)?);
        let notes = BTreeMap::from([(NOTE.to_owned(), schema.note()?)]);
        Ok(Checkpoint::new(network, options.clone(), state, rows).with_notes(notes))
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units: Vec<String> = self.hidden.iter().map(usize::to_string).collect();
        let hidden = if let Some(layers) = &self.layers {
            let layers: Vec<String> = layers.iter().map(Layer::to_string).collect();
            format!("layers {}", layers.join(", "))
        } else if units.is_empty() {
            "no hidden layer".to_owned()
        } else {
            format!("hidden {} ({})", units.join("-"), self.activation)
        };
        let TrainingOptions { loss, optimizer, batch, epochs, .. } = &self.options;
        write!(
            f,
            "{hidden}, {loss}, {optimizer} at {}, batches of {batch}, at most {epochs} epochs",
            optimizer.learning_rate()
        )?;
        match self.patience {
            0 => Ok(()),
            patience => write!(f, ", stopped after {patience} without a gain"),
        }
    }
}
