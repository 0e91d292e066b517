//! A network whose weights are in a file of safetensors, as PyTorch names and shapes them: its sizes, from the file's header.

mod error;
mod order;

use std::collections::BTreeMap;

use nxm_net::{ElementType, FileHeader, TensorEntry, printable};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

pub use error::WeightsError;
use error::{excerpt, shown};
use order::{LayerSize, Order};

/// Dense layers, one behind the other. Which activations are between them, no file says.
///
/// Nor does a file say which layer is behind which. Names that differ in a number are in its order (2 before 10). Others, as "encoder.0"
/// and "decoder.0", are in the order in which the inputs of each layer are the outputs of the one before; if there are orders with
/// different sizes, as with an autoencoder that ends as wide as it begins, that is an error.
///
/// A layer is `NAME.weight` of outputs × inputs and `NAME.bias` of outputs, all of F32 or all of F64, and nothing else may be there:
/// what is not counted must not seem to be.
///
/// ```
/// use nxm_count::DenseWeights;
/// use nxm_net::FileHeader;
///
/// let header = r#"{"0.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
///     "0.bias":{"dtype":"F32","shape":[2],"data_offsets":[24,32]}}"#;
/// let start = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
/// let file_len = start.len() as u64 + 32;
/// let weights = DenseWeights::from_header(&FileHeader::from_start(&start, file_len)?)?;
/// assert_eq!(weights.sizes, [3, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseWeights {
    /// What its numbers are.
    pub element: ElementType,
    /// Inputs, then the units of each layer.
    pub sizes: Vec<u64>,
    /// The names of the layers' weights, first to last.
    pub names: Vec<String>,
}

impl DenseWeights {
    /// What a header says.
    ///
    /// # Errors
    /// [`WeightsError`] names the tensor that is wrong, or that is none of a dense layer.
    pub fn from_header(header: &FileHeader) -> Result<DenseWeights, WeightsError> {
        let tensors = tensors(header)?;
        check_places(&tensors, header)?;
        let element = element(&tensors)?;
        let layers = tensors.iter().filter_map(|(name, tensor)| Some((stem(name, "weight")?, *name, tensor)));
        let mut layers: Vec<_> = layers.collect();
        layers.sort_by(|one, other| order::natural(one.0, other.0));
        let mut shapes = Vec::new();
        for (stem, name, weight) in &layers {
            let [outputs, inputs] = dense(name, weight)?;
            let bias = format!("{stem}bias");
            match tensors.get(bias.as_str()) {
                None => return Err(WeightsError::alone(name, weight, &bias, &[outputs])),
                Some(found) if found.shape != [outputs] => {
                    return Err(WeightsError::shape(&bias, found, format!("[{outputs}], as {name:?}")));
                }
                Some(_) => {}
            }
            shapes.push([outputs, inputs]);
        }
        for (name, tensor) in &tensors {
            match (stem(name, "weight"), stem(name, "bias")) {
                (Some(_), _) => {}
                (None, Some(stem)) if tensors.contains_key(format!("{stem}weight").as_str()) => {}
                (None, Some(stem)) if tensor.shape.len() == 1 => {
                    return Err(WeightsError::alone(name, tensor, &format!("{stem}weight"), &tensor.shape));
                }
                _ => return Err(WeightsError::not_dense(name, tensor)),
            }
        }
        let stems: Vec<&str> = layers.iter().map(|layer| layer.0).collect();
        let order = match order::order(&stems, &shapes) {
            Order::One(order) => order,
            Order::Two(orders) => return Err(WeightsError::order(&orders, &stems, &shapes)),
            Order::Unknown => return Err(WeightsError::unknown_order(&stems)),
            Order::None => {
                // As any other order, that of the names does not fit somewhere.
                let misfit = layers.windows(2).zip(shapes.windows(2)).find(|(_, shapes)| shapes[0][0] != shapes[1][1]);
                return Err(match misfit {
                    Some((pair, _)) => WeightsError::chain([pair[0].1, pair[1].1], [pair[0].2, pair[1].2]),
                    None => WeightsError::Empty,
                });
            }
        };
        let names = order.iter().map(|layer| layers[*layer].1.to_owned()).collect();
        Ok(DenseWeights { element, sizes: sizes(&order, &shapes), names })
    }
}

/// The inputs of the first layer, and the outputs of each.
fn sizes(order: &[usize], shapes: &[LayerSize]) -> Vec<u64> {
    let inputs = order.first().map(|first| shapes[*first][1] as u64);
    inputs.into_iter().chain(order.iter().map(|layer| shapes[*layer][0] as u64)).collect()
}

/// What stands before a layer's "weight" or "bias": nothing, if it is the only one, or a name and a dot.
fn stem<'a>(name: &'a str, part: &str) -> Option<&'a str> {
    name.strip_suffix(part).filter(|stem| stem.is_empty() || stem.ends_with('.'))
}

/// The tensors, by name.
fn tensors(header: &FileHeader) -> Result<BTreeMap<&str, TensorInfo>, WeightsError> {
    let mut tensors = BTreeMap::new();
    for (name, entry) in header.tensors() {
        let error = |reason: String| WeightsError::Entry { name: excerpt(name), reason: printable(&excerpt(&reason)) };
        tensors.insert(name.as_str(), info(entry).map_err(error)?);
    }
    if tensors.is_empty() { Err(WeightsError::Empty) } else { Ok(tensors) }
}

/// What an entry says, as the format's own crate has it.
fn info(entry: &TensorEntry) -> Result<TensorInfo, String> {
    let TensorEntry { dtype, shape, data_offsets: [begin, end], .. } = entry;
    let dtype: StrDeserializer<'_, Error> = dtype.as_str().into_deserializer();
    let dtype = Dtype::deserialize(dtype).map_err(|error| error.to_string())?;
    let size = |size: u64| usize::try_from(size).map_err(|_| format!("{size} is more than this machine can address"));
    let shape = shape.iter().map(|s| size(*s)).collect::<Result<_, _>>()?;
    Ok(TensorInfo { dtype, shape, data_offsets: (size(*begin)?, size(*end)?) })
}

/// The tensors must fill what is behind the header: no gap, no overlap, and as many bytes for each as its shape asks for.
fn check_places(tensors: &BTreeMap<&str, TensorInfo>, header: &FileHeader) -> Result<(), WeightsError> {
    let mut places: Vec<_> = tensors.iter().collect();
    places.sort_by_key(|(_, tensor)| tensor.data_offsets);
    let mut end = 0;
    for (name, tensor) in places {
        let (from, to) = tensor.data_offsets;
        let bits = tensor.dtype.bitsize() as u128;
        let bits = tensor.shape.iter().try_fold(bits, |bits, size| bits.checked_mul(*size as u128));
        let fits = to.checked_sub(from).is_some_and(|bytes| Some(8 * bytes as u128) == bits);
        if from != end || !fits {
            let (name, found) = (excerpt(name), shown(tensor));
            return Err(WeightsError::Place { name, found, from: from as u64, to: to as u64, free: end as u64 });
        }
        end = to;
    }
    let before = header.file_len() - header.data_len();
    match end as u64 == header.data_len() {
        true => Ok(()),
        false => Err(WeightsError::Length { expected: before.saturating_add(end as u64), found: header.file_len() }),
    }
}

/// What all numbers are.
fn element(tensors: &BTreeMap<&str, TensorInfo>) -> Result<ElementType, WeightsError> {
    let mut element = None;
    for (name, tensor) in tensors {
        if stem(name, "weight").or(stem(name, "bias")).is_none() {
            return Err(WeightsError::not_dense(name, tensor));
        }
        let own = match tensor.dtype {
            Dtype::F32 => ElementType::F32,
            Dtype::F64 => ElementType::F64,
            _ => return Err(WeightsError::shape(name, tensor, "F32 or F64".to_owned())),
        };
        if *element.get_or_insert(own) != own {
            return Err(WeightsError::shape(name, tensor, "one type for all tensors".to_owned()));
        }
    }
    element.ok_or(WeightsError::Empty)
}

/// Outputs and inputs of a layer with this weight.
fn dense(name: &str, weight: &TensorInfo) -> Result<[usize; 2], WeightsError> {
    match weight.shape[..] {
        [outputs, inputs] if outputs > 0 && inputs > 0 => Ok([outputs, inputs]),
        [_, _] => Err(WeightsError::shape(name, weight, "a size of at least 1".to_owned())),
        _ => Err(WeightsError::not_dense(name, weight)),
    }
}
