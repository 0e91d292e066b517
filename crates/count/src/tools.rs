//! What other counters would say of a network, and what they leave out.
//!
//! Each convention was measured on 30-30-30 with sigmoids and 784-128-10 with ReLU; xla's with every activation (JAX 0.10.2, before
//! compilation). What ptflops 0.7.5 and DeepSpeed 0.19.8 count for other activations is read off their sources, as all of onnx-tool's is. The
//! tests hold them.

use std::fmt;
use std::str::FromStr;

use nxm_kernels::{Activation, UnknownName};
use nxm_net::{Layer, Loss, NetworkSpec};
use serde::Serialize;

use crate::error::CountError;
use crate::formula::inside_xla;
use crate::kind::Overflow;

/// A counter that people use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// PyTorch's `FlopCounterMode`.
    Torch,
    /// fvcore's `FlopCountAnalysis`.
    Fvcore,
    /// thop's `profile`.
    Thop,
    /// ptflops' `get_model_complexity_info`.
    Ptflops,
    /// torchinfo's "mult-adds".
    Torchinfo,
    /// DeepSpeed's flops profiler.
    Deepspeed,
    /// XLA's cost analysis, as JAX shows it.
    Xla,
    /// onnx-tool's profile.
    OnnxTool,
}

/// What a tool says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolReport {
    /// Its name.
    pub tool: &'static str,
    /// The number of its forward pass.
    pub forward: u128,
    /// With the backward pass, if it has such a number.
    pub forward_and_backward: Option<u128>,
    /// Evaluations that it counts beside.
    pub transcendentals: Option<u128>,
    /// The unit of its numbers; transcendentals are evaluations.
    pub unit: &'static str,
    /// What it leaves out or takes for something else.
    pub leaves_out: &'static str,
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 8] = [
        Tool::Torch,
        Tool::Fvcore,
        Tool::Thop,
        Tool::Ptflops,
        Tool::Torchinfo,
        Tool::Deepspeed,
        Tool::Xla,
        Tool::OnnxTool,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Torch => "torch",
            Tool::Fvcore => "fvcore",
            Tool::Thop => "thop",
            Tool::Ptflops => "ptflops",
            Tool::Torchinfo => "torchinfo",
            Tool::Deepspeed => "deepspeed",
            Tool::Xla => "xla",
            Tool::OnnxTool => "onnx-tool",
        }
    }

    /// What it leaves out or takes for something else.
    pub fn leaves_out(self) -> &'static str {
        match self {
            Tool::Torch => "biases, activations, loss and update",
            Tool::Fvcore => {
                "biases, activations, loss, backward pass and update; a multiply-add is one, though called a flop"
            }
            Tool::Thop => "biases, activations, loss, backward pass and update; a multiply-add is one",
            Tool::Ptflops => {
                "the batch, activations but ReLU, ELU and GELU (which it counts twice), leaky ReLU and SiLU (once), loss, backward pass and update; a bias is one beside the multiply-adds"
            }
            Tool::Torchinfo => {
                "activations, loss, backward pass and update; its multiply-adds are the parameters, once an example"
            }
            Tool::Deepspeed => {
                "biases, activations but ReLU, leaky ReLU, ELU, GELU and SiLU (one each), loss and update; the backward pass is taken for twice the forward pass, that of the first layer's inputs too"
            }
            Tool::Xla => {
                "the update, and the loss's own value; evaluations stand apart, as transcendentals; with the backward pass it is the gradient of a mean squared error before compilation, which makes other numbers of it"
            }
            Tool::OnnxTool => {
                "loss, backward pass and update; a multiply-add is one, an evaluation what its table says (exp 32, division 4)"
            }
        }
    }

    /// What it would say of `network` on `batch` examples.
    ///
    /// # Errors
    /// [`ToolError`] if it has no number for this network that was ever seen, or if the number exceeds 128 bits.
    pub fn report(self, network: &NetworkSpec, batch: u64) -> Result<ToolReport, ToolError> {
        CountError::not_zero("the batch", batch)?;
        if let Some(layer) = network.layer_list().iter().find(|layer| !layer.is_plain()) {
            return Err(ToolError::Layer { tool: self.name(), layer: *layer });
        }
        let rows = u128::from(batch);
        let products = sum(network, |n, m| n.checked_mul(m))?;
        let units = sum(network, |_, m| Some(m))?;
        // Of the data nobody asks for a gradient.
        let first = u128::from(network.sizes()[0]) * u128::from(network.sizes()[1]);
        let checked =
            |number: Option<u128>| number.ok_or(Overflow { what: "flops" }).map_err(CountError::in_the("the tool"));
        let times = |count: Option<u128>| checked(count.and_then(|count| count.checked_mul(rows)));
        let doubled = products.checked_mul(2);
        let (forward, both, transcendentals, unit) = match self {
            Tool::Torch => {
                let backward = products.checked_mul(6).and_then(|all| all.checked_sub(first.checked_mul(2)?));
                (times(doubled)?, Some(times(backward)?), None, "flops")
            }
            Tool::Fvcore => (times(Some(products))?, None, None, "multiply-adds"),
            Tool::Thop => (times(Some(products))?, None, None, "multiply-adds"),
            Tool::Ptflops => {
                let counted = units_times(network, |activation| match activation {
                    Activation::Relu | Activation::Elu { .. } | Activation::Gelu | Activation::GeluTanh => 2,
                    Activation::LeakyRelu { .. } | Activation::Silu | Activation::Relu6 => 1,
                    _ => 0,
                });
                let all = products.checked_add(units).and_then(|sum| sum.checked_add(counted));
                (checked(all)?, None, None, "multiply-adds")
            }
            Tool::Torchinfo => (times(products.checked_add(units))?, None, None, "multiply-adds"),
            Tool::Deepspeed => {
                let counted = units_times(network, |activation| match activation {
                    Activation::Relu | Activation::LeakyRelu { .. } | Activation::Elu { .. } | Activation::Silu => 1,
                    Activation::Gelu | Activation::GeluTanh => 1,
                    _ => 0,
                });
                let forward = times(doubled.and_then(|sum| sum.checked_add(counted)))?;
                (forward, Some(checked(forward.checked_mul(3))?), None, "flops")
            }
            Tool::Xla => {
                let [flops, transcendentals, both] =
                    [0, 1, 2].map(|which| units_times(network, |activation| inside_xla(activation)[which]));
                // The bias is an addition.
                let forward = times(doubled.and_then(|sum| sum.checked_add(units)?.checked_add(flops)))?;
                let both = match network.loss().of_mean() {
                    // 2·(o − t)/(B·M) and what follows from it; biases' gradients are sums over the rows.
                    Loss::MeanSquaredError => {
                        let outputs = u128::from(network.sizes()[network.layers()]);
                        let gradients = products.checked_mul(6).and_then(|all| all.checked_sub(first.checked_mul(2)?));
                        let row = gradients.and_then(|sum| {
                            sum.checked_add(units)?.checked_add(both)?.checked_add(3 * outputs)?.checked_mul(rows)
                        });
                        Some(checked(row.and_then(|sum| sum.checked_add((rows - 1).checked_mul(units)?)))?)
                    }
                    _ => None,
                };
                (forward, both, Some(times(Some(transcendentals))?), "flops")
            }
            Tool::OnnxTool => {
                self.only(network, &[Activation::Identity, Activation::Relu, Activation::Sigmoid])?;
                let relus = units_with(network, Activation::Relu);
                let sigmoids = units_with(network, Activation::Sigmoid);
                let all = products
                    .checked_add(units)
                    .and_then(|sum| sum.checked_add(32 * sigmoids)?.checked_add(relus)?.checked_add(softmax(network)));
                (times(all)?, None, None, "multiply-adds")
            }
        };
        let (tool, leaves_out) = (self.name(), self.leaves_out());
        Ok(ToolReport { tool, forward, forward_and_backward: both, transcendentals, unit, leaves_out })
    }

    /// The network must have these activations only.
    fn only(self, network: &NetworkSpec, known: &[Activation]) -> Result<(), ToolError> {
        let mut activations = (0..network.layers()).map(|layer| network.activation(layer));
        match activations.find(|activation| !known.contains(activation)) {
            None => Ok(()),
            Some(activation) => Err(ToolError::Activation { tool: self.name(), activation: activation.name() }),
        }
    }
}

/// Why a tool's number can't be said.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ToolError {
    /// Its count could not be said either.
    #[error(transparent)]
    Count(#[from] CountError),
    /// What the tool counts for a layer is not known here.
    #[error("what {tool} counts for a layer \"{layer}\" is not known; it is for dense layers with biases")]
    Layer {
        /// The tool's name.
        tool: &'static str,
        /// The layer.
        layer: Layer,
    },
    /// What the tool counts for an activation is not known here.
    #[error("what {tool} counts for {activation} is not known; it is for identity, relu and sigmoid")]
    Activation {
        /// The tool's name.
        tool: &'static str,
        /// The activation's name.
        activation: &'static str,
    },
}

/// Σ of something over the layers' N and M.
fn sum(network: &NetworkSpec, of: fn(u128, u128) -> Option<u128>) -> Result<u128, CountError> {
    let sizes = network.sizes();
    let mut layers = sizes.windows(2).map(|pair| of(pair[0].into(), pair[1].into()));
    let sum = layers.try_fold(0u128, |sum, layer| sum.checked_add(layer?));
    sum.ok_or(Overflow { what: "flops" }).map_err(CountError::in_the("the tool"))
}

/// Σ over the units of what is counted for an activation, a small number; fewer than 2⁶⁴ units a layer, so it fits.
fn units_times(network: &NetworkSpec, of: impl Fn(Activation) -> u128) -> u128 {
    let units = network.sizes();
    (0..network.layers()).map(|layer| of(network.activation(layer)) * u128::from(units[layer + 1])).sum()
}

/// Units whose activation is `activation`.
fn units_with(network: &NetworkSpec, activation: Activation) -> u128 {
    units_times(network, |found| u128::from(found == activation))
}

/// The softmax behind the outputs, if the loss is one of classes: an exponential (32) and a division (4) each.
fn softmax(network: &NetworkSpec) -> u128 {
    match network.loss().of_mean() {
        Loss::CrossEntropy { .. } => 36 * u128::from(network.sizes()[network.layers()]),
        _ => 0,
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Tool {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Tool, UnknownName> {
        UnknownName::find("tool", name, &Tool::ALL, |tool| tool.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(tool: Tool, sizes: &[u64], activation: Activation, batch: u64) -> ToolReport {
        let (output, loss) = match activation {
            Activation::Sigmoid => (Activation::Sigmoid, Loss::MeanSquaredError),
            _ => (Activation::Identity, Loss::CROSS_ENTROPY),
        };
        tool.report(&NetworkSpec::new(sizes, activation, output, loss).unwrap(), batch).unwrap()
    }

    /// What the tools themselves printed (onnx-tool: what its source says), of the forward pass and with the backward pass.
    #[test]
    fn says_what_was_measured() {
        let measured = [
            (Tool::Torch, (3_600, Some(9_000)), Some((203_264, Some(409_088)))),
            (Tool::Fvcore, (1_800, None), Some((101_632, None))),
            (Tool::Thop, (1_800, None), Some((101_632, None))),
            (Tool::Ptflops, (1_860, None), Some((102_026, None))),
            (Tool::Torchinfo, (1_860, None), Some((101_770, None))),
            (Tool::Deepspeed, (3_600, Some(10_800)), Some((203_392, Some(3 * 203_392)))),
            (Tool::Xla, (3_840, Some(9_510)), Some((203_530, None))),
            (Tool::OnnxTool, (3_780, None), Some((102_258, None))),
        ];
        for (tool, thirty, digits) in measured {
            let found = report(tool, &[30, 30, 30], Activation::Sigmoid, 1);
            assert_eq!((found.forward, found.forward_and_backward), thirty, "{tool}");
            if let Some(digits) = digits {
                let found = report(tool, &[784, 128, 10], Activation::Relu, 1);
                assert_eq!((found.forward, found.forward_and_backward), digits, "{tool}");
            }
        }
        assert_eq!(report(Tool::Xla, &[30, 30, 30], Activation::Sigmoid, 1).transcendentals, Some(60));
    }

    /// JAX 0.10.2 of 7-50-3 with a mean squared error: the cost analysis of the lowered forward pass and of its gradient, on 1 and 4 rows.
    #[test]
    fn says_what_xla_says_of_every_activation() {
        let measured = [
            (Activation::Identity, (1_053, 0, 2_362), (4_212, 0, 9_607)),
            (Activation::Relu, (1_103, 0, 2_512), (4_412, 0, 10_207)),
            (Activation::LEAKY_RELU, (1_203, 0, 2_712), (4_812, 0, 11_007)),
            (Activation::Sigmoid, (1_203, 50, 2_662), (4_812, 200, 10_807)),
            (Activation::Tanh, (1_053, 50, 2_562), (4_212, 200, 10_407)),
            (Activation::ELU, (1_253, 50, 2_862), (5_012, 200, 11_607)),
            (Activation::elu(0.5), (1_303, 50, 2_962), (5_212, 200, 12_007)),
            (Activation::CELU, (1_253, 50, 3_362), (5_012, 200, 13_607)),
            (Activation::celu(0.7), (1_303, 50, 3_462), (5_212, 200, 14_007)),
            (Activation::Gelu, (4_353, 50, 6_162), (17_412, 200, 24_807)),
            (Activation::GeluTanh, (1_453, 50, 3_462), (5_812, 200, 14_007)),
            (Activation::Silu, (1_253, 50, 2_862), (5_012, 200, 11_607)),
            (Activation::SOFTPLUS, (1_353, 100, 2_962), (5_412, 400, 12_007)),
            (Activation::Mish, (1_403, 150, 3_362), (5_612, 600, 13_607)),
            (Activation::Relu6, (1_153, 0, 2_662), (4_612, 0, 10_807)),
            // As minimum(maximum(z, −1), 1); jax.nn.hard_tanh takes 2 comparisons and 2 choices.
            (Activation::HardTanh, (1_153, 0, 2_662), (4_612, 0, 10_807)),
            (Activation::HardSigmoid, (1_253, 0, 2_812), (5_012, 0, 11_407)),
            (Activation::HardSwish, (1_303, 0, 3_012), (5_212, 0, 12_207)),
            (Activation::LogSigmoid, (1_453, 100, 3_162), (5_812, 400, 12_807)),
            (Activation::Selu, (1_353, 50, 3_062), (5_412, 200, 12_407)),
            (Activation::Softsign, (1_203, 0, 3_112), (4_812, 0, 12_607)),
        ];
        for (hidden, one, four) in measured {
            let spec = NetworkSpec::new([7, 50, 3], hidden, Activation::Identity, Loss::MeanSquaredError).unwrap();
            for (batch, (forward, transcendentals, both)) in [(1, one), (4, four)] {
                let found = Tool::Xla.report(&spec, batch).unwrap();
                let found = (found.forward, found.transcendentals, found.forward_and_backward);
                assert_eq!(found, (forward, Some(transcendentals), Some(both)), "{hidden} {batch}");
            }
        }
    }

    /// By their sources: ptflops counts a module and the function it calls, DeepSpeed the function.
    #[test]
    fn counts_activations_as_their_sources_do() {
        let spec = |hidden| NetworkSpec::new([7, 50, 3], hidden, Activation::Identity, Loss::MeanSquaredError).unwrap();
        for (hidden, ptflops, deepspeed) in [
            (Activation::Relu, 2, 1),
            (Activation::ELU, 2, 1),
            (Activation::CELU, 0, 0),
            (Activation::Gelu, 2, 1),
            (Activation::GeluTanh, 2, 1),
            (Activation::LEAKY_RELU, 1, 1),
            (Activation::Silu, 1, 1),
            (Activation::Relu6, 1, 0),
            (Activation::HardTanh, 0, 0),
            (Activation::Tanh, 0, 0),
            (Activation::SOFTPLUS, 0, 0),
        ] {
            assert_eq!(Tool::Ptflops.report(&spec(hidden), 1).unwrap().forward, 500 + 53 + 50 * ptflops, "{hidden}");
            assert_eq!(Tool::Deepspeed.report(&spec(hidden), 1).unwrap().forward, 1000 + 50 * deepspeed, "{hidden}");
        }
    }

    #[test]
    fn scales_with_the_batch_but_for_ptflops() {
        for tool in Tool::ALL {
            let [one, many] = [1, 32].map(|batch| report(tool, &[784, 128, 10], Activation::Relu, batch).forward);
            assert_eq!(many, if tool == Tool::Ptflops { one } else { 32 * one }, "{tool}");
        }
    }

    #[test]
    fn names_read_back_and_what_is_not_known_is_refused() {
        assert!(Tool::ALL.into_iter().all(|tool| tool.name().parse() == Ok(tool)));
        assert!("pytorch".parse::<Tool>().unwrap_err().to_string().contains("\"pytorch\""));
        let gelu = NetworkSpec::new([3, 2, 1], Activation::Gelu, Activation::Identity, Loss::MeanSquaredError).unwrap();
        let refused = ToolError::Activation { tool: "onnx-tool", activation: "gelu" };
        assert_eq!(Tool::OnnxTool.report(&gelu, 1), Err(refused));
        let [relu, identity] = [Activation::Relu, Activation::Identity];
        let huge = NetworkSpec::new([u64::MAX, u64::MAX - 1], relu, identity, Loss::MeanSquaredError).unwrap();
        assert!(Tool::Fvcore.report(&huge, 2).is_err());
        assert!(Tool::Torch.report(&huge, 1).is_err());
    }
}
