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

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::error::{ContentError, excerpt};
use super::schema::{Entries, TensorEntry};
use crate::error::NetError;
use crate::known_format::KnownFormat;

/// Bytes of the header's length, and of the checksum.
pub(super) const WORD: usize = 8;
/// The longest header that is written or read. One of a thousand layers with Adam has about 0.6 MB; the limit bounds the memory that a
/// header can ask for.
pub(super) const MAX_HEADER: u64 = 8 << 20;
/// What a checkpoint's header begins with: the first of its names.
pub(super) const BEGINNING: &[u8] = b"{\"__metadata__\"";
pub(super) const METADATA: &str = "__metadata__";
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
    // What begins as safetensors is damaged, and all else is perhaps something else.
    if let Some(found) = KnownFormat::of(start).filter(|found| *found != KnownFormat::Safetensors) {
        return Err(ContentError::Foreign { found });
    }
    if length > MAX_HEADER {
        return Err(ContentError::HeaderLength { most: MAX_HEADER, found: length });
    }
    // Both are small.
    let expected = needed.saturating_add(length);
    if expected > len {
        return Err(ContentError::Length { expected, found: len });
    }
    Ok(length as usize)
}

/// The beginning of a file of these tensors and a checksum, up to the first tensor.
pub(super) fn header(metadata: Map<String, Value>, tensors: &[Tensor]) -> Result<Vec<u8>, ContentError> {
    let mut entries: Vec<(String, Value)> = vec![(METADATA.to_owned(), Value::Object(metadata))];
    let mut end: u64 = 0;
    for tensor in tensors.iter().chain([&checksum()]) {
        let TensorEntry { dtype, shape, data_offsets } = entry(tensor, end);
        // Keys in order, as below.
        let entry = json!({ "data_offsets": data_offsets, "dtype": dtype, "shape": shape });
        entries.push((tensor.name.clone(), entry));
        end = data_offsets[1];
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

fn entry(tensor: &Tensor, begin: u64) -> TensorEntry {
    TensorEntry {
        dtype: tensor.dtype.to_owned(),
        shape: tensor.shape.iter().map(|size| *size as u64).collect(),
        data_offsets: [begin, begin.saturating_add(tensor.bytes)],
    }
}

/// The header of a file of safetensors, and how long the file is: all that is known of its tensors but their numbers.
///
/// It is what [`CheckpointSummary`](crate::CheckpointSummary) is read from, and what a reader of other networks begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct FileHeader {
    entries: Entries,
    data: u64,
    len: u64,
}

impl FileHeader {
    /// The header of a file that begins with `start` and has `len` bytes. `start` may end where the header does.
    ///
    /// # Errors
    /// [`ContentError`] if the file is too short for its header, if that is longer than 8 MiB, or if it says anything but strings under
    /// "__metadata__", and of each tensor its type, shape and place, all of it once. What it says of tensors need not be true.
    ///
    /// A header takes at most 16 times as much memory as it is long.
    pub fn from_start(start: &[u8], len: u64) -> Result<Self, ContentError> {
        let length = header_length(start, len)?;
        let end = WORD.saturating_add(length);
        let Some(text) = start.get(WORD..end) else {
            return Err(ContentError::Length { expected: end as u64, found: start.len() as u64 });
        };
        Self::parse(text, len)
    }

    /// `text` is a header, without its length, of a file of `len` bytes, which are enough for it.
    fn parse(text: &[u8], len: u64) -> Result<Self, ContentError> {
        let before = WORD.saturating_add(text.len()) as u64;
        match serde_json::from_slice(text) {
            Ok(entries) => Ok(FileHeader { entries, data: len.saturating_sub(before), len }),
            Err(error) => Err(ContentError::Header { reason: excerpt(error.to_string()) }),
        }
    }

    /// The strings it says, by name; none if it has no place for them.
    pub fn metadata(&self) -> Option<&BTreeMap<String, String>> {
        self.entries.metadata.as_ref()
    }
    /// The tensors it says, by name.
    pub fn tensors(&self) -> &BTreeMap<String, TensorEntry> {
        &self.entries.tensors
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
    metadata: &'a BTreeMap<String, String>,
    file: &'a FileHeader,
}

impl<'a> Header<'a> {
    /// Of a file that has strings.
    pub(super) fn new(file: &'a FileHeader) -> Result<Self, ContentError> {
        match file.metadata() {
            Some(metadata) => Ok(Header { metadata, file }),
            None => Err(ContentError::NotACheckpoint),
        }
    }

    /// The end of the last tensor must be the end of the file.
    pub(super) fn check_length(self) -> Result<(), ContentError> {
        let end = self.file.tensors().values().map(|tensor| tensor.data_offsets[1]).max().unwrap_or(0);
        let FileHeader { data, len, .. } = *self.file;
        match end == data {
            true => Ok(()),
            false => Err(ContentError::Length { expected: end.saturating_add(len.saturating_sub(data)), found: len }),
        }
    }

    /// The strings it holds.
    pub(super) fn metadata(self) -> &'a BTreeMap<String, String> {
        self.metadata
    }

    /// The header must have these tensors in this order, a checksum behind them, and no others. They are asked for one by one: what is
    /// not in the header takes no memory.
    pub(super) fn check(self, tensors: impl Iterator<Item = Result<Tensor, NetError>>) -> Result<(), ContentError> {
        let error = |name: &str, expected: String, found: Option<&TensorEntry>| {
            let found = excerpt(found.map_or("missing".to_owned(), TensorEntry::to_string));
            Err(ContentError::Tensor { name: excerpt(name.to_owned()), expected, found })
        };
        let mut end: u64 = 0;
        let mut known = BTreeSet::new();
        for tensor in tensors.chain([Ok(checksum())]) {
            let tensor = tensor?;
            let expected = entry(&tensor, end);
            let found = self.file.tensors().get(&tensor.name);
            if found != Some(&expected) {
                return error(&tensor.name, expected.to_string(), found);
            }
            end = end.saturating_add(tensor.bytes);
            known.insert(tensor.name);
        }
        match self.file.tensors().iter().find(|(name, _)| !known.contains(*name)) {
            None => Ok(()),
            Some((stray, found)) => error(stray, "no such tensor".to_owned(), Some(found)),
        }
    }
}
