//! Writes the program of a network: its instructions, and the places of all they work on.

mod layers;
mod loss;
mod muon;
mod sections;

use std::mem::discriminant;
use std::ops::Range;

use nxm_kernels::call::Op;
use nxm_kernels::program::{Instruction, Place, Places, Slot};
use nxm_kernels::{Element, Layout, MOST_STATE, Phase, Region};

use self::layers::Inside;
use self::muon::MuonRoom;
use super::MemoryNeeds;
use crate::dropout::Mask;
use crate::layout::{LayerLayout, NetworkLayout, Room};
use crate::loss::Loss;
use crate::optimizer::Muon;

pub(crate) use muon::MuonParts;
pub(crate) use sections::Sections;

/// What a program computes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<T> {
    /// Outputs.
    Prediction,
    /// Outputs and their loss.
    Evaluation {
        /// Whether examples have weights.
        weighted: bool,
    },
    /// A step: outputs, loss, gradients, and an optimizer's update.
    Training {
        /// When weights are updated.
        mode: UpdateMode<T>,
        /// How many numbers the optimizer keeps for each parameter, at most [`MOST_STATE`].
        state: usize,
        /// Whether examples have weights.
        weighted: bool,
        /// How directions are made orthogonal, if the optimizer is Muon.
        muon: Option<Muon>,
    },
    /// A micro-batch of a step: outputs, loss, and gradients that are added to those that stand where a step of this mode has its own. It
    /// is run by the rule w ← w − η·g with η = −1/k, where k micro-batches make a step.
    Accumulation {
        /// That of the step.
        mode: UpdateMode<T>,
        /// Whether examples have weights.
        weighted: bool,
    },
}

/// When a step updates weights: while it computes their gradients, or afterwards.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UpdateMode<T> {
    /// One kernel computes a layer's weight gradient and updates the weights; the gradient is never stored. This is
    /// [`Step::train`](crate::Step::train) without clipping.
    Fused,
    /// All gradients are stored before the first update. These are [`Step::gradients`](crate::Step::gradients) and
    /// [`Step::update`](crate::Step::update).
    Apart,
    /// As `Apart`, and gradients are clipped to this norm before the first update.
    Clipped(T),
    /// As `Apart`, and each gradient is clipped to this size, of either sign, before the first update.
    Limited(T),
}

impl<T: Copy> Purpose<T> {
    /// When weights are updated, if it is a step or a part of one.
    fn mode(&self) -> Option<UpdateMode<T>> {
        match *self {
            Purpose::Training { mode, .. } | Purpose::Accumulation { mode, .. } => Some(mode),
            Purpose::Prediction | Purpose::Evaluation { .. } => None,
        }
    }
}

impl<T> Purpose<T> {
    /// Whether it is the same. A step has one norm or size to clip to, so these need no comparison.
    pub(crate) fn is(&self, other: &Purpose<T>) -> bool {
        match (self, other) {
            (
                Purpose::Training { mode: a, state: m, muon: first, .. },
                Purpose::Training { mode: b, state: n, muon: second, .. },
            ) => {
                m == n
                    && first.map(|muon| muon.bits()) == second.map(|muon| muon.bits())
                    && discriminant(a) == discriminant(b)
                    && self.is_weighted() == other.is_weighted()
            }
            (Purpose::Accumulation { mode: a, weighted: one }, Purpose::Accumulation { mode: b, weighted: other }) => {
                discriminant(a) == discriminant(b) && one == other
            }
            _ => discriminant(self) == discriminant(other) && self.is_weighted() == other.is_weighted(),
        }
    }

    /// Whether examples have weights.
    pub(crate) fn is_weighted(&self) -> bool {
        match self {
            Purpose::Prediction => false,
            Purpose::Evaluation { weighted } | Purpose::Training { weighted, .. } => *weighted,
            Purpose::Accumulation { weighted, .. } => *weighted,
        }
    }
}

/// Instructions, the sections that are run one by one, and where the results stand.
#[derive(Clone, Debug)]
pub(crate) struct Outline<T: Element> {
    pub(crate) instructions: Vec<Instruction<T>>,
    pub(crate) sections: Sections,
    pub(crate) results: Results<T>,
    /// Elements of the work memory; [`usize::MAX`] if there are more than that.
    pub(crate) work: usize,
    /// The same by what they are for.
    pub(super) needs: MemoryNeeds,
    /// What Muon does between the gradients and the updates of biases.
    pub(crate) muon: Option<MuonParts<T>>,
}

/// Where results stand in the work memory.
#[derive(Clone, Debug)]
pub(crate) struct Results<T> {
    /// The number 0, which the sum of squares starts from.
    zero: Place,
    /// A row of zeros, which the sums of layers without biases start from; none if all layers have biases. Nobody writes to it.
    zeros: Option<Place>,
    pub(crate) loss: Place,
    /// Of each row what the weighted loss is the sum of, before it is divided by the weights of all rows. Only a weighted loss has it.
    pub(crate) losses: Option<Place>,
    /// ‖g‖ over all parameters.
    pub(crate) norm: Place,
    /// What clipping multiplies gradients by.
    pub(crate) scale: Place,
    /// Rows of a number for each output: w, (1 − ε)·w and ε/M·w, or p − 1 and p. Only a weighted loss has them.
    pub(crate) classes: Option<Place>,
    /// The weights of the batch's examples, if they have weights.
    pub(crate) weights: Option<Place>,
    /// Of each layer ∂L/∂W, unless the step is fused and the layer dense, or there are no weights.
    pub(crate) weight_gradients: Vec<Option<Place>>,
    /// Of each layer ∂L/∂b, if it has biases.
    pub(crate) bias_gradients: Vec<Option<Place>>,
    /// Of each layer the gradients of one micro-batch, if gradients are accumulated.
    partial: Vec<[Option<Place>; 2]>,
    /// If gradients are clipped: Σ g² up to and including the weights of each layer, and up to and including its biases.
    pub(crate) squares: Vec<[Option<Place>; 2]>,
    /// Of each layer a = f(z).
    pub(crate) outputs: Vec<Place>,
    /// Of each layer what f' is computed from: z or a.
    kept: Vec<Place>,
    /// What each layer keeps of its forward pass beside its outputs.
    inside: Vec<Inside>,
    /// Memory of Muon's iterations.
    muon: Option<MuonRoom>,
    /// The masks of dropouts, in a step.
    pub(crate) masks: Vec<Mask<T>>,
}

impl<T> Results<T> {
    /// The gradients of a layer's weights and biases, if it has biases, in a step that is not fused.
    pub(crate) fn gradients(&self, layer: usize) -> [Option<Place>; 2] {
        [self.weight_gradients[layer], self.bias_gradients[layer]]
    }
}

impl<T: Element> Outline<T> {
    /// The program for a network of this shape and a batch of `rows` rows. Sizes may be larger than any memory.
    pub(crate) fn new(layout: &NetworkLayout, loss: &Loss, rows: usize, purpose: Purpose<T>) -> Outline<T> {
        let mut writer = Writer { layout, rows, room: Room::new::<T>(Slot::Work), instructions: Vec::new() };
        let mut results = writer.results(loss);
        let alone = writer.room.len;
        writer.gradients(&mut results, purpose);
        let behind_gradients = writer.room.len;
        let forward = writer.section(|w| w.forward(&mut results, purpose));
        let mut sections = Sections { forward, ..Sections::default() };
        let behind_activations = writer.room.len;
        let delta = writer.deltas(purpose);
        let behind_deltas = writer.room.len;
        if !matches!(purpose, Purpose::Prediction) {
            let weighted = purpose.is_weighted();
            sections.forward.end = writer.section(|w| w.loss(&mut results, loss, delta[0], weighted)).end;
        }
        let needs = MemoryNeeds {
            gradients: behind_gradients - alone,
            activations: behind_activations - behind_gradients,
            deltas: behind_deltas - behind_activations,
            loss: writer.room.len - behind_deltas + alone,
            ..MemoryNeeds::default()
        };
        let mut parts = None;
        if let Purpose::Training { mode, state, muon, .. } = purpose {
            sections.backward = writer.section(|w| {
                w.backward(&results, delta, state);
                if let UpdateMode::Fused = mode {
                    w.statistics(&results);
                }
            });
            if let UpdateMode::Fused = mode {
                // Behind all others, so that they may follow a rule of their own.
                sections.biases = writer.section(|w| w.update_biases(&results, state));
                sections.backward.end = sections.biases.end;
            }
            if let UpdateMode::Clipped(max_norm) = mode {
                sections.norm = writer.section(|w| w.norm(&results, max_norm));
                sections.scale = writer.section(|w| w.scale(&results));
            }
            if !matches!(mode, UpdateMode::Fused) {
                sections.update = writer.section(|w| {
                    if let UpdateMode::Limited(limit) = mode {
                        w.clamp(&results, limit);
                    }
                    if muon.is_none() {
                        w.update_weights(&results, state);
                    }
                });
                sections.biases = writer.section(|w| w.update_biases(&results, state));
                sections.update.end = sections.biases.end;
                sections.statistics = writer.section(|w| w.statistics(&results));
            }
            parts = muon.map(|muon| writer.muon(&results, &muon));
        }
        if let Purpose::Accumulation { .. } = purpose {
            sections.backward = writer.section(|w| {
                w.backward(&results, delta, 0);
                w.statistics(&results);
            });
        }
        let (work, instructions) = (writer.room.addressable(), writer.instructions);
        Outline { sections, results, work, needs, instructions, muon: parts }
    }
}

/// Writes an outline, section by section.
struct Writer<'a, T: Element> {
    layout: &'a NetworkLayout,
    rows: usize,
    room: Room,
    instructions: Vec<Instruction<T>>,
}

impl<T: Element> Writer<'_, T> {
    fn push(&mut self, phase: Phase, layer: usize, op: Op<Places<T>>) {
        self.instructions.push(Instruction { region: Region { phase, layer }, op });
    }

    fn section(&mut self, write: impl FnOnce(&mut Self)) -> Range<usize> {
        let first = self.instructions.len();
        write(self);
        first..self.instructions.len()
    }

    /// Places of results whose size does not depend on the number of rows. They come first, so that they are the same for every batch.
    fn results(&mut self, loss: &Loss) -> Results<T> {
        let (layout, room) = (self.layout, &mut self.room);
        let [zero, loss_at, norm, scale] = [(); 4].map(|()| room.place(1, 1));
        let classes = loss.is_weighted().then(|| room.place(loss.rows_of_shares(), layout.outputs()));
        let without_bias = layout
            .layers
            .iter()
            .filter(|layer| layer.layer.is_dense() && layer.bias.is_none())
            .map(|layer| layer.fan_out)
            .max();
        Results {
            zero,
            zeros: without_bias.map(|widest| room.place(1, widest)),
            loss: loss_at,
            losses: None,
            norm,
            scale,
            classes,
            weights: None,
            weight_gradients: Vec::new(),
            bias_gradients: Vec::new(),
            partial: Vec::new(),
            squares: Vec::new(),
            outputs: Vec::new(),
            kept: Vec::new(),
            inside: Vec::new(),
            muon: None,
            masks: Vec::new(),
        }
    }

    /// Places of gradients. Their size does not depend on the number of rows either.
    fn gradients(&mut self, results: &mut Results<T>, purpose: Purpose<T>) {
        let (layout, room) = (self.layout, &mut self.room);
        let Some(mode) = purpose.mode() else { return };
        for layer in &layout.layers {
            let bias = layer.bias.map(|_| room.place(1, layer.fan_out));
            results.bias_gradients.push(bias);
            let fused = matches!(mode, UpdateMode::Fused) && layer.layer.is_dense();
            let stored = layer.has_weights() && !fused;
            results.weight_gradients.push(stored.then(|| room.place(layer.weights.layout.rows, layer.fan_out)));
            if let UpdateMode::Clipped(_) = mode {
                results.squares.push([layer.has_weights(), bias.is_some()].map(|is| is.then(|| room.place(1, 1))));
            }
        }
        // Behind all others, which so stand at the same places in a step that updates by them.
        if let Purpose::Accumulation { .. } = purpose {
            let of = |layer: &LayerLayout| {
                let weights = layer.has_weights().then(|| room.place(layer.weights.layout.rows, layer.fan_out));
                [weights, layer.bias.map(|_| room.place(1, layer.fan_out))]
            };
            results.partial = layout.layers.iter().map(of).collect();
        }
        if let Purpose::Training { muon: Some(_), .. } = purpose {
            results.muon = Some(self.muon_room());
        }
    }

    /// Where ∂L/∂z stands of the layer that the backward pass has reached, and of the layer before it. They swap after each layer. An
    /// evaluation needs that of the last layer alone.
    fn deltas(&mut self, purpose: Purpose<T>) -> [usize; 2] {
        let count = match purpose {
            Purpose::Prediction => 0,
            Purpose::Evaluation { .. } => 1,
            Purpose::Training { .. } | Purpose::Accumulation { .. } => 2,
        };
        let widest = self.layout.layers.iter().map(|layer| layer.fan_out).max().unwrap_or(0);
        let mut offsets = [0; 2];
        for offset in &mut offsets[..count] {
            *offset = self.room.place(self.rows, widest).offset;
        }
        offsets
    }

    /// The inputs of layer `l`: the data, or the outputs of the layer before.
    fn inputs(&self, results: &Results<T>, l: usize) -> Place {
        match l {
            0 => {
                let layout = Layout::row_major(self.rows, self.layout.inputs());
                Place { slot: Slot::Inputs, offset: 0, layout }
            }
            _ => results.outputs[l - 1],
        }
    }

    /// δ = ∂L/∂z of a layer, rows × units, at `offset`.
    fn delta(&self, offset: usize, units: usize) -> Place {
        self.room.place_at(offset, self.rows, units)
    }

    /// ‖g‖, and what gradients are to be multiplied by.
    fn norm(&mut self, results: &Results<T>, max_norm: T) {
        let mut before = results.zero;
        for (l, sums) in results.squares.iter().enumerate() {
            for (x, sum) in results.gradients(l).into_iter().flatten().zip(sums.iter().flatten().copied()) {
                self.push(Phase::Clip, l, Op::AddSquares { before, x, sum });
                before = sum;
            }
        }
        let last = self.layout.layers.len() - 1;
        let Results { norm, scale, .. } = *results;
        self.push(Phase::Clip, last, Op::ClipScale { max_norm, squares: before, norm, scale });
    }

    /// g ← scale·g of all gradients.
    fn scale(&mut self, results: &Results<T>) {
        for l in 0..self.layout.layers.len() {
            for x in results.gradients(l).into_iter().flatten() {
                self.push(Phase::Clip, l, Op::Scale { factor: results.scale, x });
            }
        }
    }

    /// All gradients within ±limit.
    fn clamp(&mut self, results: &Results<T>, limit: T) {
        for l in 0..self.layout.layers.len() {
            for x in results.gradients(l).into_iter().flatten() {
                self.push(Phase::Clip, l, Op::Clamp { limit, x });
            }
        }
    }

    /// The updates of the weights of all dense layers by gradients that are stored.
    fn update_weights(&mut self, results: &Results<T>, state: usize) {
        for (l, layer) in self.layout.layers.iter().enumerate().filter(|(_, layer)| layer.layer.is_dense()) {
            if let Some(gradient) = results.weight_gradients[l] {
                self.push(Phase::Update, l, update(gradient, layer.weights, state));
            }
        }
    }

    /// The updates of all biases, and of the scales of norms, which have as many weights as biases.
    fn update_biases(&mut self, results: &Results<T>, state: usize) {
        for (l, layer) in self.layout.layers.iter().enumerate() {
            let [of_weights, of_bias] = results.gradients(l);
            let of_weights = of_weights.filter(|_| !layer.layer.is_dense()).map(|gradient| (gradient, layer.weights));
            for (gradient, parameters) in of_weights.into_iter().chain(of_bias.zip(layer.bias)) {
                self.push(Phase::Update, l, update(gradient, parameters, state));
            }
        }
    }
}

/// Where an optimizer keeps its `state` numbers for each of these parameters: at the same place of other memories.
fn state_of(parameters: Place, state: usize) -> [Option<Place>; MOST_STATE] {
    let at = |used: bool, slot| used.then_some(Place { slot, ..parameters });
    [at(state > 0, Slot::First), at(state > 1, Slot::Second), at(state > 2, Slot::Third)]
}

/// The update of these parameters by their gradient.
fn update<T: Element>(gradient: Place, parameters: Place, state: usize) -> Op<Places<T>> {
    Op::Update { rule: (), gradient, weights: parameters, state: state_of(parameters, state) }
}

#[cfg(test)]
mod tests {
    use nxm_kernels::program::Slot;
    use nxm_kernels::{Activation, Element, MOST_STATE};

    use super::{MuonParts, Op, Outline, Purpose, UpdateMode};
    use crate::layers::Layer;
    use crate::layout::NetworkLayout;
    use crate::loss::Loss;
    use crate::optimizer::Muon;
    use crate::plans::{any_of, any_rule};

    fn purposes<T: Element>() -> Vec<Purpose<T>> {
        let apart = [UpdateMode::Apart, UpdateMode::Clipped(T::ONE), UpdateMode::Limited(T::ONE)];
        let training = apart.into_iter().flat_map(|mode| (0..=MOST_STATE).map(move |state| (mode, state)));
        // No rule that keeps more is fused.
        let fused = (0..3).map(|state| (UpdateMode::Fused, state));
        let either = [false, true];
        let training = training.chain(fused);
        let training = training
            .flat_map(|(mode, state)| either.map(|weighted| Purpose::Training { mode, state, weighted, muon: None }));
        let muon = apart.map(|mode| Purpose::Training { mode, state: 2, weighted: false, muon: Some(Muon::default()) });
        let evaluations = either.map(|weighted| Purpose::Evaluation { weighted });
        let parts = apart.into_iter().flat_map(|mode| either.map(|weighted| Purpose::Accumulation { mode, weighted }));
        [Purpose::Prediction].into_iter().chain(evaluations).chain(training).chain(parts).chain(muon).collect()
    }

    fn losses() -> Vec<Loss> {
        let smooth = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: Vec::new() };
        Loss::ALL.into_iter().chain([smooth]).collect()
    }

    /// Memory is what all its parts take together, and what a program touches of it.
    fn memory<T: Element>() {
        for sizes in [&[30u64, 17, 9, 3][..], &[1, 1], &[5, 200, 8]] {
            let layers: Vec<Layer> = sizes[1..].iter().map(|units| Layer::dense(*units, Activation::Gelu)).collect();
            let layers = if sizes.len() == 4 { layers.into_iter().map(Layer::without_bias).collect() } else { layers };
            let layout = NetworkLayout::new::<T>(sizes[0] as usize, &layers);
            for (purpose, loss) in
                purposes::<T>().into_iter().flat_map(|p| losses().into_iter().map(move |loss| (p, loss)))
            {
                for rows in [1, 7, 64] {
                    let outline = Outline::new(&layout, &loss, rows, purpose);
                    let needs = outline.needs;
                    let parts = needs.gradients + needs.activations + needs.deltas + needs.loss;
                    assert_eq!(parts, outline.work as u128, "{sizes:?}, {loss:?}, {rows} rows, {purpose:?}");
                    let program = nxm_kernels::Program::new(outline.instructions, &any_rule(purpose)).unwrap();
                    assert!(program.needed(Slot::Work) <= outline.work);
                    assert!(program.needed(Slot::Parameters) <= layout.len);
                    for part in outline.muon.into_iter().flat_map(|MuonParts { directions, steps }| [directions, steps])
                    {
                        let is_first = part.iter().any(|one| matches!(one.op, Op::Gemm { .. }));
                        let program = nxm_kernels::Program::new(part, &any_of(usize::from(is_first))).unwrap();
                        assert!(
                            program.needed(Slot::Work) <= outline.work && program.needed(Slot::First) <= layout.len
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn memory_is_the_sum_of_its_parts_and_all_that_a_program_touches() {
        memory::<f32>();
        memory::<f64>();
    }

    #[test]
    fn results_stand_at_the_same_places_for_any_number_of_rows() {
        let layers = [Layer::dense(17, Activation::Gelu), Layer::dense(9, Activation::Identity).without_bias()];
        let layout = NetworkLayout::new::<f32>(30, &layers);
        for (purpose, loss) in
            purposes::<f32>().into_iter().flat_map(|p| losses().into_iter().map(move |loss| (p, loss)))
        {
            let [few, many] = [1, 64].map(|rows| Outline::new(&layout, &loss, rows, purpose).results);
            assert_eq!((few.loss, few.norm, few.scale), (many.loss, many.norm, many.scale));
            assert_eq!((few.classes, few.squares), (many.classes, many.squares));
            assert_eq!((few.weight_gradients, few.bias_gradients), (many.weight_gradients, many.bias_gradients));
        }
    }
}
