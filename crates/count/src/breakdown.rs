//! Costs by part of a step, and by layer and phase.

use std::ops::Index;

use nxm_kernels::Phase;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::kind::Overflow;

/// What costs are counted in: operations, bytes, or both.
pub trait Amount: Copy + Default + PartialEq {
    /// Both together.
    ///
    /// # Errors
    /// [`Overflow`] if the sum exceeds 128 bits.
    fn plus(&self, other: &Self) -> Result<Self, Overflow>;
    /// All of it `n` times.
    ///
    /// # Errors
    /// [`Overflow`] if the product exceeds 128 bits.
    fn times(&self, n: u128) -> Result<Self, Overflow>;
}

/// What the phases of one layer cost, by [`Phase`]; nothing for [`Phase::Loss`], which is no layer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerPhases<V> {
    /// Inputs.
    pub fan_in: u64,
    /// Units.
    pub fan_out: u64,
    costs: [V; Phase::ALL.len()],
}

impl<V: Amount> LayerPhases<V> {
    /// A layer that costs nothing yet.
    pub(crate) fn new(fan_in: u64, fan_out: u64) -> LayerPhases<V> {
        LayerPhases { fan_in, fan_out, costs: [V::default(); Phase::ALL.len()] }
    }

    /// With more in a phase.
    pub(crate) fn add(&mut self, phase: Phase, cost: &V) -> Result<(), Overflow> {
        let sum = &mut self.costs[phase as usize];
        *sum = sum.plus(cost)?;
        Ok(())
    }

    /// The same with each phase's cost made of this one.
    pub(crate) fn try_map<W: Amount>(
        &self,
        to: impl Fn(Phase, &V) -> Result<W, Overflow>,
    ) -> Result<LayerPhases<W>, Overflow> {
        let mut mapped = LayerPhases::new(self.fan_in, self.fan_out);
        for (phase, cost) in self.phases() {
            mapped.costs[phase as usize] = to(phase, cost)?;
        }
        Ok(mapped)
    }
}

impl<V> LayerPhases<V> {
    /// The phases that a layer has, in the order of a step, and what each costs.
    pub fn phases(&self) -> impl Iterator<Item = (Phase, &V)> {
        Phase::ALL.into_iter().zip(&self.costs).filter(|(phase, _)| *phase != Phase::Loss)
    }
}

/// What a phase costs.
impl<V> Index<Phase> for LayerPhases<V> {
    type Output = V;
    fn index(&self, phase: Phase) -> &V {
        &self.costs[phase as usize]
    }
}

/// A map of `fan_in`, `fan_out` and each phase by its name.
impl<V: Serialize> Serialize for LayerPhases<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("fan_in", &self.fan_in)?;
        map.serialize_entry("fan_out", &self.fan_out)?;
        self.phases().try_for_each(|(phase, cost)| map.serialize_entry(phase.name(), cost))?;
        map.end()
    }
}

/// A part of a step, under which the phases of all layers are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepPart {
    /// The forward pass of all layers.
    Forward,
    /// The loss and its gradient with respect to the outputs.
    Loss,
    /// The gradients of all layers, without the loss's.
    Backward,
    /// The update of all parameters, with the clipping of their gradients.
    Update,
    /// All of it.
    Total,
}

impl StepPart {
    /// All of them, in the order of a step; the total is last.
    pub const ALL: [StepPart; 5] =
        [StepPart::Forward, StepPart::Loss, StepPart::Backward, StepPart::Update, StepPart::Total];

    /// The part that a phase belongs to.
    pub fn of(phase: Phase) -> StepPart {
        match phase {
            Phase::Forward => StepPart::Forward,
            Phase::Loss => StepPart::Loss,
            Phase::ActivationGradient | Phase::WeightGradient | Phase::BiasGradient | Phase::InputGradient => {
                StepPart::Backward
            }
            Phase::Clip | Phase::Update => StepPart::Update,
        }
    }

    /// Its name: "forward", "loss", "backward", "update" or "total".
    pub const fn name(self) -> &'static str {
        match self {
            StepPart::Forward => "forward",
            StepPart::Loss => "loss",
            StepPart::Backward => "backward",
            StepPart::Update => "update",
            StepPart::Total => "total",
        }
    }
}

/// Costs by part, and by layer and phase.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Breakdown<V> {
    /// The forward pass of all layers.
    pub forward: V,
    /// The loss and its gradient with respect to the outputs.
    pub loss: V,
    /// The gradients of all layers, without the loss's.
    pub backward: V,
    /// The update of all parameters, with the clipping of their gradients.
    pub update: V,
    /// All of it.
    pub total: V,
    /// Each layer, first to last.
    pub layers: Vec<LayerPhases<V>>,
}

impl<V: Amount> Breakdown<V> {
    /// Of these layers and a loss.
    pub(crate) fn new(loss: V, layers: Vec<LayerPhases<V>>) -> Result<Breakdown<V>, Overflow> {
        let none = V::default();
        let mut sums = Breakdown { forward: none, loss, backward: none, update: none, total: loss, layers: Vec::new() };
        for (phase, cost) in layers.iter().flat_map(LayerPhases::phases) {
            let sum = match StepPart::of(phase) {
                StepPart::Forward => &mut sums.forward,
                StepPart::Loss => &mut sums.loss,
                StepPart::Backward => &mut sums.backward,
                StepPart::Update => &mut sums.update,
                StepPart::Total => unreachable!("no phase is all of a step"),
            };
            *sum = sum.plus(cost)?;
            sums.total = sums.total.plus(cost)?;
        }
        Ok(Breakdown { layers, ..sums })
    }

    /// `times` of it and once another one, of the same layers.
    pub(crate) fn times_plus(&self, times: u128, other: Option<&Breakdown<V>>) -> Result<Breakdown<V>, Overflow> {
        let one = |cost: &V, rest: Option<&V>| cost.times(times)?.plus(rest.unwrap_or(&V::default()));
        let layers = self
            .layers
            .iter()
            .enumerate()
            .map(|(l, layer)| layer.try_map(|phase, cost| one(cost, other.map(|other| &other.layers[l][phase]))));
        let loss = one(&self.loss, other.map(|other| &other.loss))?;
        Breakdown::new(loss, layers.collect::<Result<_, Overflow>>()?)
    }
}

impl<V> Breakdown<V> {
    /// Each part and what it costs, in the order of [`StepPart::ALL`].
    pub fn parts(&self) -> [(StepPart, &V); 5] {
        StepPart::ALL.map(|part| (part, &self[part]))
    }
}

/// What a part costs.
impl<V> Index<StepPart> for Breakdown<V> {
    type Output = V;
    fn index(&self, part: StepPart) -> &V {
        match part {
            StepPart::Forward => &self.forward,
            StepPart::Loss => &self.loss,
            StepPart::Backward => &self.backward,
            StepPart::Update => &self.update,
            StepPart::Total => &self.total,
        }
    }
}
