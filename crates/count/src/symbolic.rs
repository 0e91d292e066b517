//! Counts as formulas in B, N and M, found from the formulas of this crate.

mod polynomial;

use std::cell::RefCell;
use std::collections::HashMap;

use nxm_kernels::{Element, Function, Level, Phase};
use nxm_net::{Clipping, Layer, NetworkSpec};
use serde::Serialize;

use crate::breakdown::Breakdown;
use crate::error::CountError;
use crate::formula::Formulas;
use crate::kind::Kind;
use crate::ops::Ops;
use crate::tally::Tally;
use polynomial::Polynomial;

/// What one phase of one layer costs in a step, as formulas and as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SymbolicPhase {
    /// The layer, counted from 1; the loss is the last layer's.
    pub layer: usize,
    /// The phase's name.
    pub phase: &'static str,
    /// Examples of the step.
    #[serde(rename = "B")]
    pub batch: u64,
    /// Inputs of the layer.
    #[serde(rename = "N")]
    pub fan_in: u64,
    /// Units of the layer.
    #[serde(rename = "M")]
    pub fan_out: u64,
    /// The useful operations.
    pub useful: Vec<SymbolicCount>,
    /// What is executed on the level, useful and padding, where that is more. Its formulas have ⌈M/L⌉ for M, L being the level's lanes.
    pub executed: Vec<SymbolicCount>,
}

/// A number of operations of one sort: `B·N·M` fma, which is `32·784·128`, which is 3,211,264.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SymbolicCount {
    /// "multiplications", "additions", a kind of operation or the name of a function.
    pub what: &'static str,
    /// The formula, if there is one in these letters.
    pub formula: Option<String>,
    /// The formula with the numbers for the letters.
    pub numbers: Option<String>,
    /// Whether the formula is for one example only.
    pub one_example: bool,
    /// How many.
    pub value: u128,
}

/// The formulas of a step of `network` on `batch` examples, in elements of `T`, by layer and phase; what is executed is `level`'s.
///
/// The formulas are read off [`Formulas`]: it is asked for a layer of these sizes and of sizes around them, and the polynomial with those values
/// is what stands here. A phase has polynomials for fma, mul and add or, where one of these has none (dot products, whose first product of each
/// lane is a mul), for multiplications and additions. The additions of the input gradient of one example have a polynomial in N and M alone,
/// which says so (`one_example`).
///
/// ```
/// use nxm_count::{Activation, Level, Loss, NetworkSpec, symbolic};
///
/// let network = NetworkSpec::new([784, 128, 10], Activation::Relu, Activation::Identity, Loss::CROSS_ENTROPY)?;
/// let phases = symbolic::<f32>(&network, 32, Level::named("scalar")?)?;
/// let phase = phases.iter().find(|phase| phase.layer == 1 && phase.phase == "weight_gradient").expect("a gradient");
/// assert_eq!(phase.useful[0].formula.as_deref(), Some("B·N·M"));
/// assert_eq!(phase.useful[0].numbers.as_deref(), Some("32·784·128"));
/// assert_eq!((phase.useful[0].what, phase.useful[0].value), ("fma", 3_211_264));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`CountError`] if `batch` is 0 or a count exceeds 128 bits.
pub fn symbolic<T: Element>(network: &NetworkSpec, batch: u64, level: Level) -> Result<Vec<SymbolicPhase>, CountError> {
    let lanes = level.shape::<T>().lanes as u64;
    let [textbook, machine] = [Formulas::textbook::<T>(), Formulas::of::<T>(level)];
    // All counts of the step fit, before any is taken apart.
    textbook.step(network, batch)?;
    machine.step(network, batch)?;
    // By all that is in a layer's surroundings, as text: some of it are numbers that are no keys.
    let mut known: HashMap<String, Vec<SymbolicPhase>> = HashMap::new();
    let mut phases = Vec::new();
    for layer in 0..network.layers() {
        let around = Surroundings::new(network, layer);
        let key = format!("{around:?}");
        if !known.contains_key(&key) {
            let formulas = LayerFormulas { network, around: &around, batch, lanes, textbook, machine };
            known.insert(key.clone(), formulas.phases()?);
        }
        phases.extend(known[&key].iter().map(|phase| SymbolicPhase { layer: layer + 1, ..phase.clone() }));
    }
    Ok(phases)
}

/// All that a layer's count depends on: the layers before and behind it.
#[derive(Clone, Debug)]
struct Surroundings {
    sizes: Vec<u64>,
    layers: Vec<Layer>,
    /// Where the layer is among these.
    layer: usize,
    last: bool,
}

impl Surroundings {
    fn new(network: &NetworkSpec, layer: usize) -> Surroundings {
        // Norms and dropouts are as wide as the dense layer before them; the first layer is dense.
        let first = network.layer_list()[..layer].iter().rposition(|layer| layer.is_dense()).unwrap_or(layer);
        let last = (layer + 1).min(network.layers() - 1);
        Surroundings {
            sizes: network.sizes()[first..=last + 1].to_vec(),
            layers: network.layer_list()[first..=last].to_vec(),
            layer: layer - first,
            last: layer + 1 == network.layers(),
        }
    }
}

/// A layer, and who is asked about it.
struct LayerFormulas<'a> {
    network: &'a NetworkSpec,
    around: &'a Surroundings,
    batch: u64,
    lanes: u64,
    textbook: Formulas,
    machine: Formulas,
}

/// Answers about layers of other sizes. None where a count exceeds 128 bits.
type Asked = RefCell<HashMap<[u64; 3], Option<Breakdown<Tally>>>>;

impl LayerFormulas<'_> {
    fn phases(&self) -> Result<Vec<SymbolicPhase>, CountError> {
        let (layer, sizes) = (self.around.layer, &self.around.sizes);
        let at = [self.batch, sizes[layer], sizes[layer + 1]];
        let (useful_asked, executed_asked) = (Asked::default(), Asked::default());
        let padded = at[2].div_ceil(self.lanes);
        let mut phases = Vec::new();
        for phase in Phase::ALL {
            let clipped = self.network.clipping() != Clipping::None;
            if phase == Phase::Loss && !self.around.last || phase == Phase::Clip && !clipped {
                continue;
            }
            let useful = |point: [u64; 3]| Some(self.ask(&useful_asked, &self.textbook, point, phase)?.useful);
            // M = L·⌈M/L⌉ less what the last vector is short of, which stays.
            let short = padded * self.lanes - at[2];
            let executed = |[b, n, vectors]: [u64; 3]| {
                let units = vectors.checked_mul(self.lanes)?.checked_sub(short)?;
                self.ask(&executed_asked, &self.machine, [b, n, units], phase)?.executed().ok()
            };
            let numbers = at.map(|n| n.to_string());
            let vectors = format!("⌈{}/{}⌉", at[2], self.lanes);
            let letter = format!("⌈M/{}⌉", self.lanes);
            let textbook = Letters { at, names: ["B", "N", "M"], numbers: [&numbers[0], &numbers[1], &numbers[2]] };
            let level = Letters {
                at: [at[0], at[1], padded],
                names: ["B", "N", &letter],
                numbers: [&numbers[0], &numbers[1], &vectors],
            };
            let counts = textbook.counts(useful);
            if counts.is_empty() {
                continue;
            }
            let pads =
                self.ask(&executed_asked, &self.machine, at, phase).is_some_and(|tally| tally.padding != Ops::NONE);
            phases.push(SymbolicPhase {
                layer,
                phase: phase.name(),
                batch: at[0],
                fan_in: at[1],
                fan_out: at[2],
                useful: counts,
                executed: if pads { level.counts(executed) } else { Vec::new() },
            });
        }
        Ok(phases)
    }

    /// What a phase costs in a layer of `[batch, inputs, units]`.
    fn ask(&self, asked: &Asked, formulas: &Formulas, point: [u64; 3], phase: Phase) -> Option<Tally> {
        let (layer, [batch, fan_in, fan_out]) = (self.around.layer, point);
        let mut asked = asked.borrow_mut();
        let answer = asked.entry(point).or_insert_with(|| {
            let mut layers = self.around.layers.clone();
            let inputs = match layer {
                0 => fan_in,
                _ => {
                    // A layer that is not dense has as many inputs as outputs.
                    let units = if layers[layer].is_dense() { fan_in } else { fan_out };
                    layers[0] = layers[0].with_units(units);
                    self.around.sizes[0]
                }
            };
            layers[layer] = layers[layer].with_units(fan_out);
            let network = NetworkSpec::with_layers(inputs, layers, self.network.loss().clone()).ok()?;
            let network = network.with_optimizer(*self.network.optimizer()).with_clipping(self.network.clipping());
            let network = if self.network.has_example_weights() { network.with_example_weights() } else { network };
            let network = if self.network.has_average() { network.with_average() } else { network };
            formulas.step(&network, batch).ok()
        });
        let answer = answer.as_ref()?;
        Some(if phase == Phase::Loss { answer.loss } else { answer.layers[layer][phase] })
    }
}

/// The letters of a formula, and what stands for them.
struct Letters<'a> {
    at: [u64; 3],
    names: [&'a str; 3],
    numbers: [&'a str; 3],
}

/// What is counted by [`Ops`]: its name, and how many.
type Counter = (&'static str, fn(&Ops) -> u128);

/// Kinds that a level without fused multiply-add, or a dot product, divides among them in its own way.
const ARITHMETIC: [Counter; 3] =
    [("fma", |ops| ops.own().fma()), ("mul", |ops| ops.own().mul()), ("add", |ops| ops.own().add())];
/// Their sums.
const SUMS: [Counter; 2] = [("multiplications", Ops::multiplications), ("additions", Ops::additions)];
/// All else.
const RARE: [Counter; 4] = [
    ("div", |ops| ops.own().get(Kind::Div)),
    ("sqrt", |ops| ops.own().get(Kind::Sqrt)),
    ("cmp", |ops| ops.own().get(Kind::Cmp)),
    ("convert", |ops| ops.own().get(Kind::Convert)),
];

impl Letters<'_> {
    /// All that there is of `ops`.
    fn counts(&self, ops: impl Fn([u64; 3]) -> Option<Ops>) -> Vec<SymbolicCount> {
        let Some(here) = ops(self.at) else { return Vec::new() };
        let one = |(what, number): Counter| self.count(what, number(&here), |point| Some(number(&ops(point)?)));
        let kinds = ARITHMETIC.map(one);
        let sums = SUMS.map(one);
        let whole = |counts: &[SymbolicCount]| counts.iter().all(|count| count.formula.is_some() && !count.one_example);
        let mut counts = if whole(&kinds) { kinds.to_vec() } else { sums.to_vec() };
        counts.extend(RARE.map(one));
        counts.extend(Function::ALL.map(|function| {
            let number = |ops: &Ops| ops.evaluations(function);
            self.count(function.name(), number(&here), |point| Some(number(&ops(point)?)))
        }));
        counts.retain(|count| count.value > 0);
        counts
    }

    fn count(&self, what: &'static str, value: u128, number: impl Fn([u64; 3]) -> Option<u128>) -> SymbolicCount {
        let any = Polynomial::of(self.at, [true; 3], &number);
        let one = || Polynomial::of(self.at, [false, true, true], &number).filter(|_| self.at[0] == 1);
        let (found, one_example) = match any {
            Some(found) => (Some(found), false),
            None => one().map_or((None, false), |found| (Some(found), true)),
        };
        // What stands beside a number must be that number.
        let found = found.filter(|found| found.value(self.at).and_then(|n| u128::try_from(n).ok()) == Some(value));
        let [formula, numbers] = [self.names, self.numbers].map(|names| found.map(|found| found.text(names)));
        SymbolicCount { what, formula, numbers, one_example: one_example && found.is_some(), value }
    }
}
