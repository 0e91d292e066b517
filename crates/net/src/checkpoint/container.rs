//! The container: a file of safetensors, which many programs read.
//!
//! ```text
//! 8 bytes           length of the header, little-endian
//! header            JSON, padded with spaces to whole 8 bytes: "__metadata__" (strings), and of each tensor type, shape and place
//! data              the tensors side by side, little-endian
//!   … the last 8    the tensor "checksum": XXH3-64 of all bytes before it, the header's too
//! ```
//!
//! The format's own crate is not used: with it `nxm-net` would have 31 dependencies instead of 25, and it writes the metadata in
//! random order. The tests read every checkpoint with it.

use serde_json::{Map, Value, json};

use super::error::ContentError;

/// Bytes of the header's length, and of the checksum.
pub(super) const WORD: usize = 8;
/// The longest header that is written or read. One of a thousand layers with Adam has about 0.6 MB; the limit bounds the memory that a
/// header can ask for.
pub(super) const MAX_HEADER: u64 = 8 << 20;
const METADATA: &str = "__metadata__";
const CHECKSUM: &str = "checksum";

/// A tensor: name, type and shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub name: String,
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub bytes: u64,
}

/// The length of the header that begins so, if it can be one of a file of `len` bytes.
pub(super) fn header_length(start: &[u8], len: u64) -> Result<usize, ContentError> {
    let needed = 2 * WORD as u64;
    let Some(word) = start.first_chunk().filter(|_| len >= needed) else {
        return Err(ContentError::Length { expected: needed, found: len });
    };
    let length = u64::from_le_bytes(*word);
    if length > MAX_HEADER {
        return Err(ContentError::HeaderLength { most: MAX_HEADER, found: length });
    }
    if needed + length > len {
        return Err(ContentError::Length { expected: needed + length, found: len });
    }
    Ok(length as usize)
}

/// The beginning of a file of these tensors and a checksum, up to the first tensor.
pub(super) fn header(metadata: Map<String, Value>, tensors: &[Tensor]) -> Result<Vec<u8>, ContentError> {
    let mut entries: Vec<(String, Value)> = vec![(METADATA.to_owned(), Value::Object(metadata))];
    let mut end: u64 = 0;
    for tensor in tensors.iter().chain([&checksum()]) {
        entries.push((tensor.name.clone(), entry(tensor, end)));
        end = end.saturating_add(tensor.bytes);
    }
    // In the order of their names, whatever order the JSON library's map keeps.
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let mut text = Value::Object(entries.into_iter().collect()).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(WORD), b' ');
    if text.len() as u64 > MAX_HEADER {
        return Err(ContentError::HeaderLength { most: MAX_HEADER, found: text.len() as u64 });
    }
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.append(&mut text);
    Ok(header)
}

fn checksum() -> Tensor {
    Tensor { name: CHECKSUM.to_owned(), dtype: "U8", shape: vec![WORD], bytes: WORD as u64 }
}

fn entry(tensor: &Tensor, begin: u64) -> Value {
    // Keys in order, as above.
    json!({ "data_offsets": [begin, begin.saturating_add(tensor.bytes)], "dtype": tensor.dtype, "shape": tensor.shape })
}

/// What a header says.
#[derive(Debug)]
pub(super) struct Header {
    metadata: Map<String, Value>,
    tensors: Map<String, Value>,
}

impl Header {
    /// `text` is a header, without its length, of a file of `len` bytes.
    pub(super) fn parse(text: &[u8], len: u64) -> Result<Self, ContentError> {
        let error = |reason: String| ContentError::Header { reason };
        let Value::Object(mut tensors) = serde_json::from_slice(text).map_err(|e| error(e.to_string()))? else {
            return Err(error("no object".to_owned()));
        };
        let metadata = match tensors.remove(METADATA) {
            Some(Value::Object(metadata)) => metadata,
            _ => return Err(ContentError::NotACheckpoint),
        };
        // The end of the last tensor is the end of the file.
        let mut end = 0;
        for (name, tensor) in &tensors {
            let place = tensor.get("data_offsets").and_then(Value::as_array).map(Vec::as_slice);
            let Some([_, Some(to)]) =
                place.map(|place| [place.first(), place.get(1)].map(|x| x.and_then(Value::as_u64)))
            else {
                return Err(error(format!("tensor {name:?} has no place")));
            };
            end = end.max(to);
        }
        let expected = end.saturating_add((WORD + text.len()) as u64);
        if expected != len {
            return Err(ContentError::Length { expected, found: len });
        }
        Ok(Header { metadata, tensors })
    }

    /// The strings it holds.
    pub(super) fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    /// The header must have these tensors in this order, a checksum behind them, and no others.
    pub(super) fn check(&self, tensors: &[Tensor]) -> Result<(), ContentError> {
        let error = |name: &str, expected: String, found: Option<&Value>| {
            let found = found.map_or("missing".to_owned(), Value::to_string);
            Err(ContentError::Tensor { name: name.to_owned(), expected, found })
        };
        let mut end: u64 = 0;
        let checksum = checksum();
        for tensor in tensors.iter().chain([&checksum]) {
            let expected = entry(tensor, end);
            let found = self.tensors.get(&tensor.name);
            if found != Some(&expected) {
                return error(&tensor.name, expected.to_string(), found);
            }
            end = end.saturating_add(tensor.bytes);
        }
        let known = |name: &String| *name == checksum.name || tensors.iter().any(|tensor| tensor.name == *name);
        if self.tensors.len() == tensors.len() + 1 {
            return Ok(());
        }
        let stray = self.tensors.keys().find(|name| !known(name)).map_or("", String::as_str);
        error(stray, "no such tensor".to_owned(), self.tensors.get(stray))
    }
}
