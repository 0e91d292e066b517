//! What can be wrong with a network, a step or data: named before anything is changed.

use nxm_kernels::Activation;
use thiserror::Error;

use crate::layers::{Layer, LayerError};

/// A network, a training run or their arguments that do not fit. Layers, rows and columns are counted from 0.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum NetError {
    /// A network was built without a layer.
    #[error("the network has no layers: at least one is needed")]
    NoLayers,
    /// A network was built without inputs.
    #[error("the network has 0 inputs: at least one is needed")]
    NoInputs,
    /// A layer was built without units.
    #[error("layer {layer} (counted from 0) has 0 units: at least one is needed")]
    NoUnits {
        /// The layer.
        layer: usize,
    },
    /// A layer that is out of its range, or that can't stand first.
    #[error(transparent)]
    Layers(#[from] LayerError),
    /// More elements than this machine can address.
    #[error("{what} of {rows} × {cols} elements are more than this machine can address")]
    TooLarge {
        /// What was to be made.
        what: &'static str,
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
    },
    /// The allocator refused.
    #[error("could not allocate {bytes} bytes for {what}")]
    OutOfMemory {
        /// What was to be made.
        what: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// An update by gradients that were not computed.
    #[error("there are no gradients to update by: Step::gradients computes them")]
    NoGradients,
    /// A program that does not fit its memory: a mistake in this crate.
    #[error(transparent)]
    Program(#[from] nxm_kernels::ProgramError),
    /// A warm-up that follows a warm-up.
    #[error("the schedule after the warm-up is a warm-up, too: expected any other schedule")]
    WarmUps,
    /// A setting that an optimizer does not have.
    #[error("{optimizer} has no setting {setting:?}: expected one of {expected}")]
    NoSetting {
        /// The optimizer's name.
        optimizer: &'static str,
        /// The setting's name.
        setting: String,
        /// The settings that it has.
        expected: String,
    },
    /// A text that is no value of an optimizer's setting.
    #[error("{setting} is {found:?}: expected {expected}")]
    SettingText {
        /// The setting's name.
        setting: String,
        /// What it may be.
        expected: &'static str,
        /// The text.
        found: String,
    },
    /// Gradients that are to be clipped in two ways.
    #[error("gradients are to be clipped by their norm and by their values: expected one of the two")]
    TwoClippings,
    /// A batch of no examples.
    #[error("the batch has 0 examples: at least one is needed")]
    NoBatch,
    /// A batch norm that is trained on one example.
    #[error(
        "layer {layer} (counted from 0) is a batch_norm, and a batch has 1 example: at least two in each batch are needed in training"
    )]
    OneExample {
        /// The layer.
        layer: usize,
    },
    /// L-BFGS on a network whose loss is not a function of its parameters and the batch alone, or that keeps running statistics.
    #[error(
        "layer {layer} (counted from 0) is a {kind}, and the line search of L-BFGS needs the same loss each time: expected dense and layer_norm layers alone"
    )]
    LineSearch {
        /// The first layer that is one.
        layer: usize,
        /// "dropout" or "batch_norm".
        kind: &'static str,
    },
    /// An option that L-BFGS does not go with.
    #[error("{option} is {found}, and L-BFGS needs {expected}")]
    WithLbfgs {
        /// The option.
        option: &'static str,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// An update by gradients of one point, where the optimizer needs those of several.
    #[error(
        "L-BFGS computes gradients at several points in a step: Step::train makes such a step, and Step::update can't"
    )]
    WholeSteps,
    /// A batch has more rows than a step, a predictor or its buffers were made for.
    #[error("the batch has {rows} rows: at most {batch} were planned for")]
    BatchTooLarge {
        /// Rows of the batch.
        rows: usize,
        /// The largest number of rows.
        batch: usize,
    },
    /// A data set without examples.
    #[error("the data set has no examples: at least one is needed")]
    NoExamples,
    /// A learning rate that is not a positive number in the network's element type.
    #[error("the learning rate is {learning_rate}: a finite number above 0 (in {element}) is needed")]
    LearningRate {
        /// What was asked for.
        learning_rate: f64,
        /// "f32" or "f64".
        element: &'static str,
    },
    /// Examples have another number of features than the network has inputs.
    #[error("examples have {found} features: the network has {expected} inputs")]
    Features {
        /// Inputs of the network.
        expected: usize,
        /// Features of an example.
        found: usize,
    },
    /// Targets have another number of values (or classes) than the network has outputs.
    #[error("targets have {found} values or classes: the network has {expected} outputs")]
    Outputs {
        /// Outputs of the network.
        expected: usize,
        /// Values of a target, or classes.
        found: usize,
    },
    /// Not one target for each example.
    #[error("there are {found} targets for {expected} examples")]
    TargetRows {
        /// Examples.
        expected: usize,
        /// Targets.
        found: usize,
    },
    /// A label names no class.
    #[error("row {row} (counted from 0) has label {label}: with {classes} classes, labels are 0 to {}", classes - 1)]
    Label {
        /// The example.
        row: usize,
        /// Its label.
        label: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// A loss that needs the other kind of target.
    #[error("loss {loss} needs {expected} as targets, and these are {found}")]
    Targets {
        /// The loss's name.
        loss: &'static str,
        /// The kind it needs: "values" or "class labels".
        expected: &'static str,
        /// The kind they are.
        found: &'static str,
    },
    /// A step, an optimizer's state or buffers that were made for a network with other layers.
    #[error("layer {layer} (counted from 0): {what} was made for {}, the network has {}", size(*expected), size(*found))]
    Network {
        /// "the step", "the optimizer's state" or "the predictor's memory".
        what: &'static str,
        /// The first layer that differs.
        layer: usize,
        /// Inputs and units that it was made for; none if there was no such layer.
        expected: Option<(usize, usize)>,
        /// Inputs and units of the network's layer; none if there is no such layer.
        found: Option<(usize, usize)>,
    },
    /// A step, an optimizer's state or buffers that were made for a network with another activation.
    #[error("layer {layer} (counted from 0): {what} was made for {expected}, the network has {found}")]
    Activation {
        /// "the step", "the optimizer's state" or "the predictor's memory".
        what: &'static str,
        /// The first layer that differs.
        layer: usize,
        /// The activation it was made for.
        expected: Activation,
        /// The activation that the network has.
        found: Activation,
    },
    /// A step, an optimizer's state or buffers that were made for a network with a layer that differs in something else.
    #[error("layer {layer} (counted from 0): {what} was made for \"{expected}\", the network has \"{found}\"")]
    Layer {
        /// "the step", "the optimizer's state" or "the predictor's memory".
        what: &'static str,
        /// The first layer that differs.
        layer: usize,
        /// The layer it was made for.
        expected: Layer,
        /// The layer that the network has.
        found: Layer,
    },
    /// An option of an optimizer, a loss or a schedule that is out of its range.
    #[error("{name} is {value}: {expected} is needed")]
    Setting {
        /// The option.
        name: &'static str,
        /// What was asked for.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// An option of a fit that needs another one, or other data.
    #[error("{option} needs {needs}")]
    OptionNeeds {
        /// The option.
        option: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// All examples have the same label.
    #[error("all {examples} examples have label {label}: at least two classes are needed to tell apart")]
    OneClass {
        /// The label.
        label: u32,
        /// Examples.
        examples: usize,
    },
    /// The class of a single output.
    #[error(
        "the network has one output, and its class is the largest of at least two: predict_probabilities gives its probability"
    )]
    OneOutput,
    /// An output that is NaN, where the class is the largest.
    #[error("row {row} (counted from 0) has NaN among its outputs, so none is the largest: are its inputs finite?")]
    NoClass {
        /// The row.
        row: usize,
    },
    /// The probabilities of a loss that has none.
    #[error(
        "the outputs of loss {loss} are no probabilities: cross_entropy, soft_cross_entropy, binary_cross_entropy or a last layer softmax is needed"
    )]
    NoProbabilities {
        /// The loss's name.
        loss: &'static str,
    },
    /// A loss of logits behind a softmax, whose outputs are probabilities.
    #[error(
        "the last layer is a softmax, and {loss} applies one to its logits itself: leave the layer out \
         (predict_probabilities gives probabilities), or take a loss of probabilities, such as mse"
    )]
    SoftmaxTwice {
        /// The loss's name.
        loss: &'static str,
    },
    /// Not one class weight for each class.
    #[error("there are {found} class weights: the network has {expected} outputs")]
    ClassWeights {
        /// Outputs of the network.
        expected: usize,
        /// Class weights.
        found: usize,
    },
    /// A class weight that is negative or not finite, or class weights that are all 0.
    #[error("class {class} (counted from 0) has weight {weight}: finite numbers of at least 0, not all 0, are needed")]
    ClassWeight {
        /// The class.
        class: usize,
        /// Its weight.
        weight: f64,
    },
    /// Not one positive weight for each output.
    #[error("there are {found} positive weights: the network has {expected} outputs")]
    PositiveWeights {
        /// Outputs of the network.
        expected: usize,
        /// Positive weights.
        found: usize,
    },
    /// A positive weight that is negative or not finite.
    #[error(
        "output {output} (counted from 0) has the positive weight {weight}: a finite number of at least 0 is needed"
    )]
    PositiveWeight {
        /// The output.
        output: usize,
        /// Its weight.
        weight: f64,
    },
    /// Not one weight for each example.
    #[error("there are {found} weights for {expected} examples")]
    Weights {
        /// Examples.
        expected: usize,
        /// Weights.
        found: usize,
    },
    /// A weight of an example that is negative or not finite.
    #[error("row {row} (counted from 0) has weight {weight}: a finite number of at least 0 is needed")]
    Weight {
        /// The example.
        row: usize,
        /// Its weight.
        weight: f64,
    },
    /// Examples that all weigh nothing: they have no mean loss.
    #[error("all examples have weight 0: one that weighs more is needed")]
    NoWeight,
    /// What [`OptimizerState::restore`](crate::OptimizerState::restore) was given does not fit the network or the optimizer.
    #[error("the optimizer's state for {what} of layer {layer} (counted from 0) is {found}: {expected} is needed")]
    State {
        /// The layer.
        layer: usize,
        /// "layers", "weights" or "biases".
        what: &'static str,
        /// How many numbers (or layers) are needed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// An optimizer's state that holds NaN or an infinity.
    #[error("the optimizer's state for layer {layer} (counted from 0) holds a number that is not finite")]
    StateNotFinite {
        /// The first layer of which that is so.
        layer: usize,
    },
    /// A training that can't be taken up where the state says.
    #[error("the training can't be resumed: {what} is {found}, and {expected} is needed")]
    Resume {
        /// What does not fit.
        what: &'static str,
        /// What it must be, at most or exactly.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A loss, gradient or weight that is no longer finite. A loss or gradient is found before its step changes anything: the
    /// network is as the last good step left it.
    #[error("training diverged in step {step}: {what} of layer {layer} (counted from 0) is not finite")]
    Diverged {
        /// The step, counted from 1.
        step: u64,
        /// The first layer with a number that is not finite; the last one if it is the loss alone.
        layer: usize,
        /// "a weight", "an activation", "the loss", "a gradient" or "the optimizer's state".
        what: &'static str,
    },
}

/// A layer's inputs and units, in words.
fn size(layer: Option<(usize, usize)>) -> String {
    match layer {
        Some((inputs, units)) => format!("{inputs} inputs and {units} units"),
        None => "no such layer".to_owned(),
    }
}

impl NetError {
    /// The same, but a training that diverged did so at this step.
    pub(crate) fn at_step(self, step: u64) -> NetError {
        match self {
            NetError::Diverged { layer, what, .. } => NetError::Diverged { step, layer, what },
            other => other,
        }
    }
}

/// Data that can't be trained on. Rows and columns are counted from 0.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum DataError {
    /// Examples without features.
    #[error("examples have 0 features: at least one is needed")]
    NoFeatures,
    /// Targets without values, or no classes.
    #[error("targets have 0 values or classes: at least one is needed")]
    NoOutputs,
    /// The numbers do not divide into whole rows.
    #[error("{len} {what} do not divide into rows of {cols}")]
    Ragged {
        /// "inputs" or "targets".
        what: &'static str,
        /// How many numbers there are.
        len: usize,
        /// How many a row has.
        cols: usize,
    },
    /// Not one target for each example.
    #[error("there are {targets} targets for {examples} examples")]
    Rows {
        /// Rows of inputs.
        examples: usize,
        /// Rows of targets, or labels.
        targets: usize,
    },
    /// NaN or an infinity.
    #[error("{what}, row {row}, column {column} (counted from 0): {value} is not a finite number")]
    NotFinite {
        /// "inputs" or "targets".
        what: &'static str,
        /// The example.
        row: usize,
        /// The feature, or the value of the target.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// A label names no class.
    #[error("row {row} (counted from 0) has label {label}: with {classes} classes, labels are 0 to {}", classes - 1)]
    Label {
        /// The example.
        row: usize,
        /// Its label.
        label: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// Not one weight for each example.
    #[error("there are {weights} weights for {examples} examples")]
    Weights {
        /// Rows of inputs.
        examples: usize,
        /// Weights.
        weights: usize,
    },
    /// A weight that is negative or not finite.
    #[error("row {row} (counted from 0) has weight {weight}: a finite number of at least 0 is needed")]
    Weight {
        /// The example.
        row: usize,
        /// Its weight.
        weight: f64,
    },
    /// Weights that are all 0, or whose sum the element type can't hold.
    #[error("the weights add up to {sum}: a finite number above 0 (in {element}) is needed")]
    WeightSum {
        /// Their sum.
        sum: f64,
        /// "f32" or "f64".
        element: &'static str,
    },
}
