//! What a checkpoint holds, as fields and tensors, and the versions of that.
//!
//! | tensor | shape |
//! |---|---|
//! | `layers.L.weights`, `layers.L.bias` | N × M, M |
//! | `layers.L.mean`, `layers.L.variance` of a batch norm | M |
//! | `average.L.weights`, `average.L.bias`, `average.L.mean`, `average.L.variance` | the same as of `layers`, if an average of weights is kept |
//! | `optimizer.direction`, `optimizer.gradient` of L-BFGS | P, as many as parameters, if it made an iteration |
//! | `optimizer.pairs.K.step`, `optimizer.pairs.K.change` of L-BFGS | P, the oldest first |
//! | `optimizer.L.weights.NAME`, `optimizer.L.bias.NAME` | the same; NAME as in [`Optimizer::state_names`](crate::Optimizer::state_names) |
//!
//! Every version ends with the checksum of all bytes before it and has the fields "format" and "version": these must be
//! right before anything else is believed.
//!
//! Versions 1 and 2 have the same fields and tensors, so one reader serves both. They differ in the program that wrote them: since version
//! 2, the losses and the input gradients of a single example are summed in another order, and optimizer state that becomes subnormal is 0. A training therefore goes on from a file of
//! version 2 as it would have gone on without the file, to the last bit. From a file of version 1 it goes on as this program computes, and
//! is saved as version 2.
//!
//! Version 3 is written of networks with layers that are not dense ones with biases. It has one field more, `layers`, the text of the
//! [layers](crate::Layer), and tensors of what these have: `weights` of a norm are M numbers. All other networks are still written as version 2.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use nxm_kernels::{Activation, Element, MatrixRef};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::Checkpoint;
use super::container::{FileHeader, Header, Tensor, WORD, header};
use super::error::{ContentError, excerpt};
use super::fields::{Fields, Reader, wrong};
use super::options;
use super::summary::{CheckpointSummary, ElementType};
use crate::average::WeightAverage;
use crate::error::NetError;
use crate::layer::{WEIGHTS, matrix, matrix_mut};
use crate::layers::{Layer, parse_layers};
use crate::layout::LayerLayout;
use crate::lbfgs::{LbfgsProgress, LbfgsState};
use crate::network::Network;
use crate::optimizer::{Optimizer, OptimizerState};
use crate::schedule::PlateauState;
use crate::train::{Progress, TrainingOptions, TrainingState};

/// What the field "format" says.
const FORMAT: &str = "nxm-checkpoint";
/// What the names of fields begin with that hold notes.
const NOTE: &str = "note.";
/// The field of the product of NAdam's momenta over all steps.
const PRODUCT: &str = "optimizer.momentum_product";
/// The fields of L-BFGS.
const ITERATIONS: &str = "optimizer.iterations";
const EVALUATIONS: &str = "optimizer.evaluations";
const LENGTH: &str = "optimizer.length";
const DIAGONAL: &str = "optimizer.diagonal";
const INVERSES: &str = "optimizer.inverses";
/// The field of the number of updates of the average of weights.
const UPDATES: &str = "ema.updates";
/// The newest version, which is written of networks with layers other than dense ones with biases. It has a field of its own for layers.
const NEWEST: u64 = 3;
/// The version that is written of all other networks: programs that know no other layers still read it.
const PLAIN: u64 = 2;
/// The field of the layers.
const LAYERS: &str = "layers";

/// What is written: the parts of a [`Checkpoint`], wherever they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckpointParts<'a, T: Element> {
    pub network: &'a Network<T>,
    pub options: &'a TrainingOptions,
    pub state: &'a TrainingState<T>,
    pub examples: usize,
    pub notes: &'a BTreeMap<String, String>,
}

impl<T: Element> CheckpointParts<'_, T> {
    /// They must fit together and be finite.
    fn check(&self) -> Result<(), NetError> {
        self.options.check::<T>()?;
        self.options.loss.check(self.network.outputs())?;
        self.options.check_examples(self.examples)?;
        if self.examples == 0 {
            return Err(NetError::NoExamples);
        }
        self.state.check(self.network, self.options, self.examples)?;
        if let (Some(decay), None) = (self.options.ema, &self.state.average) {
            let (what, found) = ("its average of weights", "none".to_owned());
            return Err(NetError::Resume { what, expected: format!("one of decay {decay}"), found });
        }
        self.state.check_finite(self.network)
    }

    /// The beginning of the file, up to the first tensor.
    pub(super) fn header(&self) -> Result<Vec<u8>, ContentError> {
        self.check()?;
        let mut fields = Fields::default();
        fields.text("format", FORMAT);
        let layers: Vec<Layer> = self.network.layers().map(|layer| layer.layer()).collect();
        let plain = layers.iter().all(|layer| layer.is_plain());
        fields.number("version", if plain { PLAIN } else { NEWEST });
        if !plain {
            fields.text(LAYERS, &layers.iter().map(Layer::to_string).collect::<Vec<_>>().join(", "));
        }
        fields.text("element", T::NAME);
        fields.numbers("sizes", &self.network.sizes());
        let activations: Vec<String> = self.network.activations().map(|activation| activation.to_string()).collect();
        fields.text("activations", &activations.join(" "));
        options::write(self.options, &mut fields);
        fields.number("examples", self.examples);
        let TrainingState { optimizer, progress: Progress { epochs, steps, loss }, plateau, average } = self.state;
        fields.number("progress.epochs", epochs);
        fields.number("progress.steps", steps);
        fields.number("progress.loss", loss);
        fields.number("optimizer.steps", optimizer.steps());
        if let Optimizer::NAdam(_) = optimizer.optimizer() {
            fields.number(PRODUCT, optimizer.momentum_product());
        }
        let lbfgs = optimizer.lbfgs().map(LbfgsState::progress).unwrap_or_default();
        if optimizer.lbfgs().is_some() {
            fields.number(ITERATIONS, lbfgs.iterations);
            fields.number(EVALUATIONS, lbfgs.evaluations);
            fields.number(LENGTH, lbfgs.length);
            fields.number(DIAGONAL, lbfgs.diagonal);
            fields.numbers(INVERSES, &lbfgs.inverses);
        }
        if self.options.schedule.plateau().is_some() {
            options::write_plateau(plateau, &mut fields);
        }
        if let Some(average) = average {
            fields.number(UPDATES, average.updates());
        }
        for (name, note) in self.notes {
            fields.text(&format!("{NOTE}{name}"), note);
        }
        let tensors = tensors(ElementType::of::<T>(), self.network.inputs(), &layers, self.options);
        let tensors = tensors.chain(vectors(ElementType::of::<T>(), self.network.inputs(), &layers, &lbfgs));
        header(fields.into_metadata(), &tensors.collect::<Result<Vec<_>, _>>()?)
    }

    /// The whole file.
    pub(super) fn write(&self, header: &[u8], to: &mut impl Write) -> io::Result<()> {
        let mut to = Hashed { to, hash: Xxh3Default::new() };
        to.write_all(header)?;
        let state = &self.state.optimizer;
        let average = self.state.average.as_ref().map(WeightAverage::network);
        for layout in &self.network.layout.layers {
            let stored = |network: &Network<T>, to: &mut Hashed<_>| {
                layout.stored().try_for_each(|place| write_numbers(matrix(network.parameters.as_slice(), place), to))
            };
            stored(self.network, &mut to)?;
            let kept = (0..state.kept()).flat_map(|i| layout.places().map(move |place| (i, place)));
            for (i, place) in kept.filter(|(i, place)| state.keeps(*i, layout, *place)) {
                write_numbers(state.matrix(i, place), &mut to)?;
            }
            if let Some(average) = average {
                stored(average, &mut to)?;
            }
        }
        for vector in state.lbfgs().into_iter().flat_map(LbfgsState::vectors) {
            write_numbers(MatrixRef::from_row(vector), &mut to)?;
        }
        let Hashed { to, hash } = to;
        to.write_all(&hash.digest().to_le_bytes())
    }
}

/// What a tensor belongs to.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// A network: the one that is trained, or that of averaged weights.
    Network(&'static str),
    /// What an optimizer keeps by this name, and whether it keeps it for the weights of dense layers.
    State(&'static str, bool),
}

/// The tensors of a network, of what its optimizer keeps and of its average, in the order in which they are written.
fn tensors(
    element: ElementType,
    inputs: usize,
    layers: &[Layer],
    options: &TrainingOptions,
) -> impl Iterator<Item = Result<Tensor, NetError>> {
    let dtype = element.in_safetensors();
    let (kept, averages) = (options.optimizer.state_names(), options.ema.is_some());
    let mut fan_in = inputs;
    layers.iter().enumerate().flat_map(move |(l, layer)| {
        let m = usize::try_from(layer.outputs(fan_in as u64)).unwrap_or(usize::MAX);
        let n = std::mem::replace(&mut fan_in, m);
        let (weights, has_bias) = match layer {
            Layer::Dense { bias, .. } => (Some(("weights", n, vec![n, m])), *bias),
            Layer::LayerNorm { .. } | Layer::BatchNorm { .. } => (Some(("weights", 1, vec![m])), true),
            Layer::Dropout { .. } | Layer::Softmax | Layer::LogSoftmax => (None, false),
        };
        let bias = has_bias.then(|| ("bias", 1, vec![m]));
        let parts: Vec<_> = [weights, bias].into_iter().flatten().collect();
        let running = match layer {
            Layer::BatchNorm { .. } => vec![("mean", 1, vec![m]), ("variance", 1, vec![m])],
            _ => Vec::new(),
        };
        let own = std::iter::once(Of::Network("layers"));
        let state =
            kept.iter().enumerate().map(move |(i, name)| Of::State(name, options.optimizer.keeps_of_weights(i)));
        let (names, is_dense) = (own.chain(state), layer.is_dense());
        names.chain(averages.then_some(Of::Network("average"))).flat_map(move |of| {
            let tensor = |(part, rows, shape): (&str, usize, Vec<usize>)| {
                let name = match of {
                    Of::Network(network) => format!("{network}.{l}.{part}"),
                    Of::State(state, _) => format!("optimizer.{l}.{part}.{state}"),
                };
                let bytes = element.bytes(WEIGHTS, rows, m)? as u64;
                Ok(Tensor { name, dtype, shape, bytes })
            };
            // No optimizer keeps anything of running statistics.
            let running = if let Of::Network(_) = of { running.clone() } else { Vec::new() };
            let kept = |(part, ..): &(&str, usize, Vec<usize>)| {
                !matches!(of, Of::State(_, false)) || !is_dense || *part != "weights"
            };
            parts.iter().filter(|part| kept(part)).cloned().chain(running).map(tensor).collect::<Vec<_>>()
        })
    })
}

/// The vectors of L-BFGS, which stand behind all other tensors.
fn vectors(
    element: ElementType,
    inputs: usize,
    layers: &[Layer],
    lbfgs: &LbfgsProgress,
) -> impl Iterator<Item = Result<Tensor, NetError>> {
    let mut fan_in = inputs as u64;
    let parameters = layers.iter().map(|layer| {
        let outputs = layer.outputs(fan_in);
        layer.parameters(std::mem::replace(&mut fan_in, outputs))
    });
    // What exceeds a machine's addresses is refused as the largest number that it has.
    let parameters = usize::try_from(parameters.fold(0u128, u128::saturating_add)).unwrap_or(usize::MAX);
    (0..lbfgs.vectors()).map(move |number| {
        let name = match number {
            0 => "optimizer.direction".to_owned(),
            1 => "optimizer.gradient".to_owned(),
            _ => {
                let part = if number.is_multiple_of(2) { "step" } else { "change" };
                format!("optimizer.pairs.{}.{part}", (number / 2).saturating_sub(1))
            }
        };
        let bytes = element.bytes(WEIGHTS, 1, parameters)? as u64;
        Ok(Tensor { name, dtype: element.in_safetensors(), shape: vec![parameters], bytes })
    })
}

/// A writer that hashes what it writes.
struct Hashed<W> {
    to: W,
    hash: Xxh3Default,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Little-endian on every machine.
fn write_numbers<T: Element>(numbers: MatrixRef<'_, T>, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(8 * 1024);
    for chunk in (0..numbers.rows()).flat_map(|i| numbers.row(i).chunks(1024)) {
        buffer.clear();
        for number in chunk {
            buffer.extend_from_slice(&number.to_bits_u64().to_le_bytes()[..size_of::<T>()]);
        }
        to.write_all(&buffer)?;
    }
    Ok(())
}

/// A whole file.
pub(super) fn read<T: Element>(bytes: &[u8]) -> Result<Checkpoint<T>, ContentError> {
    let file = FileHeader::from_start(bytes, bytes.len() as u64)?;
    let header = Header::new(&file)?;
    check_format(header)?;
    header.check_length()?;
    let (hashed, checksum) = bytes.split_at(bytes.len().saturating_sub(WORD));
    let found = checksum.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let expected = xxh3_64(hashed);
    if found != expected {
        return Err(ContentError::Checksum { expected, found });
    }
    check_version(header)?;
    let element = Reader(header.metadata()).text("element")?;
    if element != T::NAME {
        return Err(ContentError::Element { expected: T::NAME, found: excerpt(element.to_owned()) });
    }
    // The header is before it, and was read.
    let data = &bytes[bytes.len().saturating_sub(file.data_len() as usize)..];
    read_contents(read_summary(header)?, data)
}

/// What the header of a file says, whose numbers are not looked at.
pub(super) fn summary(file: &FileHeader) -> Result<CheckpointSummary, ContentError> {
    let header = Header::new(file)?;
    check_format(header)?;
    header.check_length()?;
    check_version(header)?;
    read_summary(header)
}

fn check_format(header: Header<'_>) -> Result<(), ContentError> {
    match Reader(header.metadata()).text("format") {
        Ok(FORMAT) => Ok(()),
        _ => Err(ContentError::NotACheckpoint),
    }
}

fn check_version(header: Header<'_>) -> Result<(), ContentError> {
    match Reader(header.metadata()).whole("version")? {
        1..=NEWEST => Ok(()),
        0 => Err(wrong("version", "1 or more", "0")),
        found => Err(ContentError::Version { newest: NEWEST, found }),
    }
}

/// What the header says, in every version up to the newest.
fn read_summary(header: Header<'_>) -> Result<CheckpointSummary, ContentError> {
    let fields = Reader(header.metadata());
    let element = fields.value("element", "f32 or f64")?;
    let sizes: Vec<usize> = fields.values("sizes", "whole numbers")?;
    if sizes.len() < 2 || sizes.contains(&0) {
        return Err(wrong("sizes", "two or more numbers of at least 1", format!("{sizes:?}")));
    }
    let activations: Vec<Activation> = fields.values("activations", "names of activations")?;
    let layers = sizes.windows(2).len();
    if activations.len() != layers {
        return Err(wrong("activations", format!("one for each of {layers} layers"), format!("{activations:?}")));
    }
    let layers = match fields.has(LAYERS) {
        false => {
            let units = sizes[1..].iter().map(|units| *units as u64);
            units.zip(&activations).map(|(units, activation)| Layer::dense(units, *activation)).collect()
        }
        true => read_layers(fields, &sizes, &activations)?,
    };
    let options = options::read(fields)?;
    let summary = CheckpointSummary {
        element,
        layers,
        examples: fields.whole("examples")?,
        progress: Progress {
            epochs: fields.whole("progress.epochs")?,
            steps: fields.whole("progress.steps")?,
            loss: fields.number("progress.loss")?,
        },
        steps: fields.whole("optimizer.steps")?,
        momentum_product: match options.optimizer {
            Optimizer::NAdam(_) => fields.number(PRODUCT)?,
            _ => 1.0,
        },
        lbfgs: match options.optimizer {
            Optimizer::Lbfgs(_) => LbfgsProgress {
                iterations: fields.whole(ITERATIONS)?,
                evaluations: fields.whole(EVALUATIONS)?,
                length: fields.number(LENGTH)?,
                diagonal: fields.number(DIAGONAL)?,
                inverses: fields.values(INVERSES, "numbers")?,
            },
            _ => LbfgsProgress::default(),
        },
        plateau: match options.schedule.plateau() {
            Some(_) => options::read_plateau(fields)?,
            None => PlateauState::default(),
        },
        average_updates: if options.ema.is_some() { fields.whole(UPDATES)? } else { 0 },
        notes: fields.beginning_with(NOTE),
        sizes,
        activations,
        options,
    };
    // From here on the sizes are those of the data that is there: no memory is taken that the file does not fill.
    let (inputs, layers) = (summary.sizes[0], &summary.layers);
    let tensors = tensors(element, inputs, layers, &summary.options);
    header.check(tensors.chain(vectors(element, inputs, layers, &summary.lbfgs)))?;
    if !(0.0..=1.0).contains(&summary.momentum_product) {
        return Err(wrong(PRODUCT, "a number from 0 to 1", summary.momentum_product.to_string()));
    }
    summary.check()?;
    Ok(summary)
}

/// The layers, where they have a field of their own. They must be those of the sizes and activations.
fn read_layers(fields: Reader<'_>, sizes: &[usize], activations: &[Activation]) -> Result<Vec<Layer>, ContentError> {
    let text = fields.text(LAYERS)?;
    let layers = parse_layers(text).map_err(|error| wrong(LAYERS, "layers", error.to_string()))?;
    let mut units = sizes[0] as u64;
    let same = layers.len() == activations.len()
        && layers.iter().zip(&sizes[1..]).zip(activations).all(|((layer, size), activation)| {
            units = layer.outputs(units);
            units == *size as u64 && layer.activation() == *activation
        });
    if same { Ok(layers) } else { Err(wrong(LAYERS, "layers of the sizes and activations", format!("{text:?}"))) }
}

/// The tensors after this header, in every version up to the newest.
fn read_contents<T: Element>(header: CheckpointSummary, data: &[u8]) -> Result<Checkpoint<T>, ContentError> {
    let CheckpointSummary {
        sizes,
        layers,
        options,
        examples,
        progress,
        steps,
        momentum_product,
        lbfgs,
        plateau,
        average_updates,
        notes,
        ..
    } = header;
    let mut data = Data(data);
    let mut network = Network::zeros(sizes[0], &layers)?;
    let mut average = options.ema.map(|_| Network::zeros_like(&network)).transpose()?;
    let mut optimizer = OptimizerState::new(options.optimizer, &network)?;
    for layout in &Arc::clone(&network.layout).layers {
        data.read_layer(layout, &mut network);
        for (i, place) in (0..optimizer.kept()).flat_map(|i| layout.places().map(move |place| (i, place))) {
            if !optimizer.keeps(i, layout, place) {
                continue;
            }
            (0..place.layout.rows).for_each(|row| data.read(optimizer.row_mut(i, place, row)));
        }
        if let Some(average) = &mut average {
            data.read_layer(layout, average);
        }
    }
    optimizer.set_steps(steps, momentum_product);
    if let Optimizer::Lbfgs(of) = options.optimizer {
        optimizer.set_lbfgs(LbfgsState::restore(of, &network, &lbfgs, |to| data.read(to))?);
    }
    if let Some(layer) = optimizer.first_not_finite() {
        return Err(NetError::StateNotFinite { layer }.into());
    }
    let average = options.ema.zip(average);
    let average =
        average.map(|(decay, network)| WeightAverage::restore(decay, network, average_updates)).transpose()?;
    let mut state = TrainingState { optimizer, progress, plateau, average };
    if let Some(last) = steps.checked_sub(1) {
        let rate = options.schedule.learning_rate(state.base_rate(&options), last);
        state.optimizer.set_learning_rate(rate)?;
    }
    let checkpoint = Checkpoint { network, options, state, examples, notes };
    checkpoint.parts().check()?;
    Ok(checkpoint)
}

/// Tensors that are not read yet.
struct Data<'a>(&'a [u8]);

impl Data<'_> {
    /// The next ones: all numbers of a layer of this network.
    fn read_layer<T: Element>(&mut self, layout: &LayerLayout, network: &mut Network<T>) {
        for place in layout.stored() {
            let mut numbers = matrix_mut(network.parameters.as_mut_slice(), place);
            (0..place.layout.rows).for_each(|row| self.read(numbers.row(row)));
        }
    }

    /// The next ones, as many as `to` has. They are there: the header was checked against the file's length.
    fn read<T: Element>(&mut self, to: &mut [T]) {
        let (bytes, rest) = self.0.split_at(size_of_val(to));
        self.0 = rest;
        for (number, bytes) in to.iter_mut().zip(bytes.chunks_exact(size_of::<T>())) {
            let bits = bytes.iter().rev().fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
            // Through f64, which holds every f32 (but for the payload of a NaN, and NaN is refused).
            *number = T::from_f64(match bytes.len() {
                4 => f64::from(f32::from_bits(bits as u32)),
                _ => f64::from_bits(bits),
            });
        }
    }
}
