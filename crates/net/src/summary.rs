//! What a network is, in a table.

use std::fmt;

use nxm_kernels::{Activation, Element};

use crate::layers::Layer;
use crate::network::Network;

/// What a network is, layer by layer. Its `Display` is a plain-text table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NetworkSummary {
    /// The layers, first to last.
    pub layers: Vec<LayerSummary>,
    /// "f32" or "f64".
    pub element: &'static str,
}

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerSummary {
    /// N.
    pub inputs: usize,
    /// M.
    pub units: usize,
    /// What it computes.
    pub layer: Layer,
    /// Its activation.
    pub activation: Activation,
    /// N·M weights and M biases of a dense layer.
    pub parameters: usize,
    /// N·M of a dense layer, and M of a norm: fused multiply-adds of its forward pass, for one example.
    pub multiply_adds: usize,
}

impl NetworkSummary {
    /// Weights and biases of all layers.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }
    /// Fused multiply-adds of a prediction, for one example.
    pub fn multiply_adds(&self) -> usize {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }
}

impl<T: Element> Network<T> {
    /// Its layers with their shapes, activations, parameters and multiply-adds, to print.
    ///
    /// ```
    /// use nxm_net::{Activation, Network};
    /// let network: Network = Network::builder(4).dense(16, Activation::Relu).dense(3, Activation::Identity).build()?;
    /// let table = "\
    /// layer  inputs  units  activation  parameters  multiply-adds per example
    ///     0       4     16        relu          80                         64
    ///     1      16      3    identity          51                         48
    /// total       4      3         f32         131                        112
    /// ";
    /// assert_eq!(network.summary().to_string(), table);
    /// # Ok::<(), nxm_net::NetError>(())
    /// ```
    pub fn summary(&self) -> NetworkSummary {
        let layers = self.layers().map(|layer| {
            let (inputs, units) = (layer.fan_in(), layer.fan_out());
            let (activation, parameters) = (layer.activation(), layer.parameters());
            // An fma of a norm for each weight.
            let multiply_adds = layer.weights().rows() * layer.weights().cols();
            LayerSummary { inputs, units, layer: layer.layer(), activation, parameters, multiply_adds }
        });
        NetworkSummary { layers: layers.collect(), element: T::NAME }
    }
}

/// The heads of the table's columns.
const HEADS: [&str; 6] = ["layer", "inputs", "units", "activation", "parameters", "multiply-adds per example"];

impl fmt::Display for NetworkSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |name: String, sizes: [usize; 2], middle: &str, sums: [usize; 2]| {
            let [inputs, units, parameters, multiply_adds] =
                [sizes[0], sizes[1], sums[0], sums[1]].map(|number| number.to_string());
            [name, inputs, units, middle.to_owned(), parameters, multiply_adds]
        };
        let mut rows = vec![HEADS.map(str::to_owned)];
        rows.extend(self.layers.iter().enumerate().map(|(l, layer)| {
            let LayerSummary { inputs, units, layer, activation, parameters, multiply_adds } = *layer;
            let name = if layer.is_dense() { l.to_string() } else { format!("{l} {}", layer.kind()) };
            row(name, [inputs, units], &activation.to_string(), [parameters, multiply_adds])
        }));
        if let (Some(first), Some(last)) = (self.layers.first(), self.layers.last()) {
            let (ends, sums) = ([first.inputs, last.units], [self.parameters(), self.multiply_adds()]);
            rows.push(row("total".to_owned(), ends, self.element, sums));
        }
        for row in &rows {
            for (column, cell) in row.iter().enumerate() {
                let widest = rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
                let gap = if column == 0 { "" } else { "  " };
                write!(f, "{gap}{cell:>widest$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
