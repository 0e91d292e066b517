//! The exponential moving average of a network's parameters.

use nxm_kernels::beside::{is_within, rounded, sub};
use nxm_kernels::call::Op;
use nxm_kernels::program::{Bindings, Instruction, ParameterMemory, Place, Slot};
use nxm_kernels::{Decay, Element, Executor, MOST_STATE, MatrixRef, Phase, Program, Region, Rule};

use crate::check::first_not_finite;
use crate::error::NetError;
use crate::layout::NetworkLayout;
use crate::network::Network;

/// The exponential moving average of a network's weights and biases: ā ← ā + (1 − d)·(w − ā) after each step. The first update copies: ā ← w.
/// This is PyTorch's `AveragedModel` with `get_ema_multi_avg_fn(d)`.
///
/// Scale and shift of norms are averaged as weights and biases. The running statistics of batch norms are no parameters: each update copies those
/// that the network has then, as PyTorch does with `use_buffers=False`. The copy is no operation and no call of a program.
///
/// The averaged network often predicts better than the last one, whose weights jump from step to step. A training keeps one if its options say
/// so ([`TrainingOptions::with_ema`](crate::TrainingOptions::with_ema)).
///
/// Operations: 2 fma for each parameter in each update, the first one too.
///
/// ```
/// use nxm_net::{Activation, Cpu, Network, WeightAverage};
///
/// let cpu = Cpu::detect()?;
/// let mut network: Network = Network::builder(1).dense(1, Activation::Identity).build()?;
/// let mut average = WeightAverage::new(&network, 0.75)?;
/// for weight in [4.0, 8.0] {
///     *network.layer_mut(0).weights_mut().at(0, 0) = weight;
///     average.update(&network, &cpu)?;
/// }
/// // 4, and then 4 + (1 − 0.75)·(8 − 4).
/// assert_eq!(average.network().layer(0).weights().at(0, 0), 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WeightAverage<T: Element> {
    decay: f64,
    network: Network<T>,
    updates: u64,
    program: Program<T>,
    /// ā ← ā + (w − ā), and ā ← ā + (1 − d)·(w − ā).
    rules: [Rule<T>; 2],
}

/// Decay, parameters and the number of updates are equal.
impl<T: Element> PartialEq for WeightAverage<T> {
    fn eq(&self, other: &Self) -> bool {
        self.decay == other.decay && self.updates == other.updates && self.network == other.network
    }
}

/// What errors call it.
const AVERAGE: &str = "the average of weights";

impl<T: Element> WeightAverage<T> {
    /// For networks shaped as `network`, before the first update: all parameters are 0. Costs 1 subtraction, and in f32 3 conversions.
    ///
    /// # Errors
    /// [`NetError`] if `decay` is not a number from 0 to 1, or if the average does not fit into memory.
    pub fn new(network: &Network<T>, decay: f64) -> Result<WeightAverage<T>, NetError> {
        check_decay(decay)?;
        let layout = &network.layout;
        let program = Program::new(instructions(layout), &any_rule())?;
        let average = Network::zeros_like(network)?;
        let rules = [-1.0, sub(decay, 1.0)].map(rule);
        Ok(WeightAverage { decay, network: average, updates: 0, program, rules })
    }

    /// After so many updates, with these parameters.
    pub(crate) fn restore(decay: f64, network: Network<T>, updates: u64) -> Result<WeightAverage<T>, NetError> {
        let average = WeightAverage::new(&network, decay)?;
        Ok(WeightAverage { network, updates, ..average })
    }

    /// Takes in the parameters that `network` has now.
    ///
    /// # Errors
    /// [`NetError`] if the network has other sizes or activations than the one that the average was made for. Nothing has changed then.
    pub fn update(&mut self, network: &Network<T>, executor: &dyn Executor) -> Result<(), NetError> {
        self.check(network)?;
        let rule = self.rules[usize::from(self.updates > 0)];
        let mut bindings =
            Bindings::new(ParameterMemory::Shared(network.parameters.as_slice()), &mut [], MatrixRef::from_row(&[]))
                .with_state(self.network.parameters.as_mut_slice(), &mut [])
                .with_rule(rule);
        self.program.run(0..self.program.instructions().len(), executor, &mut bindings)?;
        self.copy_statistics(network);
        self.updates += 1;
        Ok(())
    }

    /// Takes over the running statistics of batch norms.
    fn copy_statistics(&mut self, network: &Network<T>) {
        let (from, to) = (network.parameters.as_slice(), self.network.parameters.as_mut_slice());
        let running = network.layout.layers.iter().filter_map(|layer| layer.running);
        for Place { offset, layout, .. } in running.flatten() {
            to[offset..][..layout.cols].copy_from_slice(&from[offset..][..layout.cols]);
        }
    }

    /// d.
    pub fn decay(&self) -> f64 {
        self.decay
    }
    /// How often it was updated. Before the first update all parameters are 0.
    pub fn updates(&self) -> u64 {
        self.updates
    }
    /// The network whose parameters are the averages.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// Whether it is an average of this network's parameters.
    pub(crate) fn check(&self, network: &Network<T>) -> Result<(), NetError> {
        self.network.layout.check(AVERAGE, &network.layout)
    }

    /// The first layer that holds a number that is not finite.
    pub(crate) fn first_not_finite(&self) -> Option<usize> {
        first_not_finite(&self.network)
    }
}

/// A decay must be a number from 0 to 1.
pub(crate) fn check_decay(decay: f64) -> Result<(), NetError> {
    let (name, expected) = ("the decay of the average of weights", "a number from 0 to 1");
    match is_within(decay, 1.0) {
        true => Ok(()),
        false => Err(NetError::Setting { name, value: decay, expected }),
    }
}

/// ā ← ā − η·(w − ā): gradient descent by the "gradient" w, with an L2 decay of −1.
fn rule<T: Element>(learning_rate: f64) -> Rule<T> {
    Rule::Sgd { learning_rate: rounded(learning_rate), decay: Decay::L2(rounded(-1.0)) }
}

/// The rule that stands for those of all updates.
pub(crate) fn any_rule() -> Rule<f64> {
    rule(-1.0)
}

/// The averaging of all parameters, which stand in the memory of parameters. The averages stand at the same places of the first memory of state.
pub(crate) fn instructions<T: Element>(layout: &NetworkLayout) -> Vec<Instruction<T>> {
    let of = |(layer, place): (usize, Place)| {
        let weights = Place { slot: Slot::First, ..place };
        let op = Op::Update { rule: (), gradient: place, weights, state: [None; MOST_STATE] };
        Instruction { region: Region { phase: Phase::Update, layer }, op }
    };
    let layers = layout.layers.iter().enumerate();
    layers.flat_map(|(l, layer)| layer.places().map(move |place| (l, place))).map(of).collect()
}
