//! The container: a file of safetensors, which many programs read.
//!
//! ```text
//! 8 bytes           length of the header, little-endian
//! header            JSON, padded with spaces to whole 8 bytes: "__metadata__" (strings), and of each tensor type, shape and place
//! data              the tensors side by side, little-endian
//!   … the last 8    the tensor "checksum": XXH3-64 of all bytes before it, the header's too
//! ```
//!
//! The format's own crate is not used: with it `nxm-net` would have more dependencies, and it writes the metadata in
//! random order. The tests read every checkpoint with it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::error::{ContentError, excerpt};
use super::json::Unique;
use crate::error::NetError;

/// Bytes of the header's length, and of the checksum.
pub(super) const WORD: usize = 8;
/// The longest header that is written or read. One of a thousand layers with Adam has about 0.6 MB; the limit bounds the memory that a
/// header can ask for.
pub(super) const MAX_HEADER: u64 = 8 << 20;
/// What a checkpoint's header begins with: the first of its names.
pub(super) const BEGINNING: &[u8] = b"{\"__metadata__\"";
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
    let needed = WORD as u64;
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

/// The header of a file of safetensors, and how long the file is: all that is known of its tensors but their numbers.
///
/// It is what [`CheckpointSummary`](crate::CheckpointSummary) is read from, and what a reader of other networks begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct FileHeader {
    entries: Map<String, Value>,
    data: u64,
    len: u64,
}

impl FileHeader {
    /// The header of a file that begins with `start` and has `len` bytes. `start` may end where the header does.
    ///
    /// # Errors
    /// [`ContentError`] if the file is too short for its header, if that is longer than 8 MiB, or if it is no JSON object, or one with a
    /// key twice. What it says of tensors is not looked at.
    pub fn from_start(start: &[u8], len: u64) -> Result<Self, ContentError> {
        let length = header_length(start, len)?;
        let Some(text) = start.get(WORD..WORD + length) else {
            return Err(ContentError::Length { expected: (WORD + length) as u64, found: start.len() as u64 });
        };
        Self::parse(text, len)
    }

    /// `text` is a header, without its length, of a file of `len` bytes, which are enough for it.
    pub(super) fn parse(text: &[u8], len: u64) -> Result<Self, ContentError> {
        let error = |reason: String| ContentError::Header { reason: excerpt(reason) };
        match serde_json::from_slice(text).map_err(|e| error(e.to_string()))? {
            Unique(Value::Object(entries)) => Ok(FileHeader { entries, data: len - (WORD + text.len()) as u64, len }),
            _ => Err(error("no object".to_owned())),
        }
    }

    /// What it says, by name: tensors, and strings under "__metadata__".
    pub fn entries(&self) -> &Map<String, Value> {
        &self.entries
    }
    /// Bytes of the file behind it.
    pub fn data_len(&self) -> u64 {
        self.data
    }
    /// Bytes of the whole file.
    pub fn file_len(&self) -> u64 {
        self.len
    }
}

/// What a checkpoint's header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    metadata: &'a Map<String, Value>,
    file: &'a FileHeader,
}

impl<'a> Header<'a> {
    /// Of a file that has strings.
    pub(super) fn new(file: &'a FileHeader) -> Result<Self, ContentError> {
        match file.entries.get(METADATA) {
            Some(Value::Object(metadata)) => Ok(Header { metadata, file }),
            _ => Err(ContentError::NotACheckpoint),
        }
    }

    /// Its tensors, by name.
    fn tensors(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.file.entries.iter().filter(|(name, _)| *name != METADATA)
    }

    /// The end of the last tensor must be the end of the file.
    pub(super) fn check_length(self) -> Result<(), ContentError> {
        let mut end = 0;
        for (name, tensor) in self.tensors() {
            let place = tensor.get("data_offsets").and_then(Value::as_array).map(Vec::as_slice);
            let Some([_, Some(to)]) =
                place.map(|place| [place.first(), place.get(1)].map(|x| x.and_then(Value::as_u64)))
            else {
                return Err(ContentError::Header { reason: excerpt(format!("tensor {name:?} has no place")) });
            };
            end = end.max(to);
        }
        let FileHeader { data, len, .. } = *self.file;
        match end == data {
            true => Ok(()),
            false => Err(ContentError::Length { expected: end.saturating_add(len - data), found: len }),
        }
    }

    /// The strings it holds.
    pub(super) fn metadata(self) -> &'a Map<String, Value> {
        self.metadata
    }

    /// The header must have these tensors in this order, a checksum behind them, and no others. They are asked for one by one: what is
    /// not in the header takes no memory.
    pub(super) fn check(self, tensors: impl Iterator<Item = Result<Tensor, NetError>>) -> Result<(), ContentError> {
        let error = |name: &str, expected: String, found: Option<&Value>| {
            let found = excerpt(found.map_or("missing".to_owned(), Value::to_string));
            Err(ContentError::Tensor { name: excerpt(name.to_owned()), expected, found })
        };
        let mut end: u64 = 0;
        let mut known = BTreeSet::new();
        for tensor in tensors.chain([Ok(checksum())]) {
            let tensor = tensor?;
            let expected = entry(&tensor, end);
            let found = self.file.entries.get(&tensor.name);
            if found != Some(&expected) {
                return error(&tensor.name, expected.to_string(), found);
            }
            end = end.saturating_add(tensor.bytes);
            known.insert(tensor.name);
        }
        match self.tensors().find(|(name, _)| !known.contains(*name)) {
            None => Ok(()),
            Some((stray, found)) => error(stray, "no such tensor".to_owned(), Some(found)),
        }
    }
}
