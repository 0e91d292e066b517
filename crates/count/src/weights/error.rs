//! What can be wrong with a file of weights.

use safetensors::tensor::TensorInfo;
use thiserror::Error;

use super::order::{self, LayerSize};

/// So many names or sizes are longer than an excerpt.
const MOST: usize = 120;

/// A file of safetensors that is no chain of dense layers. Shapes are as PyTorch's: outputs, inputs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// Something in the header that is no tensor.
    #[error("its header is not one of safetensors: {name:?}: {reason}")]
    Entry {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor that is not where the one before it ends, or has more or fewer bytes than its shape.
    #[error(
        "its tensor {name:?} ({found}) is at bytes {from} to {to} of the data: it must begin at {free} and be as long as its shape asks for"
    )]
    Place {
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
        /// Where it begins.
        from: u64,
        /// Where it ends.
        to: u64,
        /// Where the tensors before it end.
        free: u64,
    },
    /// Fewer or more bytes than the tensors have.
    #[error("{found} bytes, and {expected} are needed: it is cut off, or something was added to it")]
    Length {
        /// Bytes that the header asks for.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// No layer.
    #[error("it holds no dense layers: NAME.weight of [outputs, inputs] and NAME.bias of [outputs] are needed")]
    Empty,
    /// A tensor of something else than a dense layer.
    #[error(
        "its tensor {name:?} ({found}) is none of a dense layer: those are NAME.weight of [outputs, inputs] and NAME.bias of [outputs]"
    )]
    NotDense {
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
    },
    /// A tensor of a dense layer that has another type or shape than it must.
    #[error("its tensor {name:?} is {found}: {needed} is needed")]
    Shape {
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
        /// What is needed.
        needed: String,
    },
    /// A weight without its bias, or a bias without its weight.
    #[error("its tensor {name:?} ({found}) has no {missing:?} of {outputs} outputs beside it")]
    Alone {
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
        /// What is missing.
        missing: String,
        /// The layer's outputs.
        outputs: String,
    },
    /// No order of the layers fits: two that do not, one behind the other in the order of their names.
    #[error(
        "its tensors {first:?} ({first_found}) and {second:?} ({second_found}) do not fit: the inputs of a layer are the outputs of the one before, in the order of the numbers in their names, and no such order fits"
    )]
    Chain {
        /// The weight of the first layer.
        first: String,
        /// Its type and shape.
        first_found: String,
        /// The weight of the layer behind it.
        second: String,
        /// Its type and shape.
        second_found: String,
    },
    /// Layers that fit in orders with different sizes.
    #[error(
        "its layers fit in more than one order: {one} is {one_sizes}, and {other} is {other_sizes}. Their names do not say which it is: give its sizes instead of the file"
    )]
    Order {
        /// The names of the layers in one order, numbers as "*".
        one: String,
        /// Its sizes.
        one_sizes: String,
        /// The names in another order.
        other: String,
        /// Its sizes.
        other_sizes: String,
    },
    /// Layers whose order is not found in reasonable time.
    #[error(
        "its layers {groups} may be in too many orders to try, as their names have no numbers: give its sizes instead of the file"
    )]
    UnknownOrder {
        /// The names of the layers, numbers as "*".
        groups: String,
    },
}

impl WeightsError {
    pub(super) fn not_dense(name: &str, tensor: &TensorInfo) -> WeightsError {
        WeightsError::NotDense { name: excerpt(name), found: shown(tensor) }
    }
    pub(super) fn shape(name: &str, tensor: &TensorInfo, needed: String) -> WeightsError {
        WeightsError::Shape { name: excerpt(name), found: shown(tensor), needed: excerpt(&needed) }
    }
    pub(super) fn alone(name: &str, tensor: &TensorInfo, missing: &str, outputs: &[usize]) -> WeightsError {
        let outputs = outputs.first().copied().unwrap_or_default().to_string();
        WeightsError::Alone { name: excerpt(name), found: shown(tensor), missing: excerpt(missing), outputs }
    }
    pub(super) fn chain([first, second]: [&str; 2], [one, other]: [&TensorInfo; 2]) -> WeightsError {
        let [first_found, second_found] = [one, other].map(shown);
        WeightsError::Chain { first: excerpt(first), first_found, second: excerpt(second), second_found }
    }
    pub(super) fn order(orders: &[Vec<usize>; 2], stems: &[&str], shapes: &[LayerSize]) -> WeightsError {
        let [one, other] = orders.each_ref().map(|order| groups(order.iter().map(|layer| stems[*layer])));
        let [one_sizes, other_sizes] = orders.each_ref().map(|order| {
            let sizes = super::sizes(order, shapes).into_iter().take(MOST);
            excerpt(&sizes.map(|size| size.to_string()).collect::<Vec<_>>().join("-"))
        });
        WeightsError::Order { one, one_sizes, other, other_sizes }
    }
    pub(super) fn unknown_order(stems: &[&str]) -> WeightsError {
        WeightsError::UnknownOrder { groups: groups(stems.iter().copied()) }
    }
}

/// The names of layers without their numbers, each once where it is there several times in a row.
fn groups<'a>(stems: impl Iterator<Item = &'a str>) -> String {
    let mut groups: Vec<String> = Vec::new();
    // A file may have any number of them, and as long ones as it likes.
    for group in stems.map(|stem| excerpt(&order::group(stem))) {
        if groups.last() != Some(&group) {
            groups.push(group);
        }
        if groups.len() > MOST {
            break;
        }
    }
    excerpt(&groups.iter().map(|group| format!("{group:?}")).collect::<Vec<_>>().join(", "))
}

/// Type and shape, as "F32 [128, 784]".
pub(super) fn shown(tensor: &TensorInfo) -> String {
    excerpt(&format!("{:?} {:?}", tensor.dtype, tensor.shape))
}

/// The beginning of a text that is to stand in an error: a file may say megabytes.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
