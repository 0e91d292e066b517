//! The JSON of a header, read straight into what it may say: strings by name, and of each tensor its type, shape and place.
//!
//! Anything else is an error where it begins. So the memory that a header takes is a small multiple of its length, whatever is in it.
//! A key that is there twice is an error, too: of two values a reader would have to choose one, and another reader might choose the
//! other.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde_core::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::container::METADATA;

/// What a file of safetensors says of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorEntry {
    /// The name of its type, as "F32".
    pub dtype: String,
    /// Its sizes, outermost first.
    pub shape: Vec<u64>,
    /// Where its bytes begin and end, counted from the end of the header.
    pub data_offsets: [u64; 2],
}

/// As it stands in a header.
impl fmt::Display for TensorEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TensorEntry { dtype, shape, data_offsets: [begin, end] } = self;
        write!(f, r#"{{"data_offsets":[{begin},{end}],"dtype":{dtype:?},"shape":["#)?;
        for (i, size) in shape.iter().enumerate() {
            write!(f, "{}{size}", if i == 0 { "" } else { "," })?;
        }
        f.write_str("]}")
    }
}

/// All that a header says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entries {
    /// The strings, if there is a place for strings.
    pub metadata: Option<BTreeMap<String, String>>,
    pub tensors: BTreeMap<String, TensorEntry>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Entries::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == METADATA {
                once(&key, entries.metadata.is_none())?;
                let Named(strings) = map.next_value().map_err(|error| at(&key, error))?;
                entries.metadata = Some(strings);
            } else {
                once(&key, !entries.tensors.contains_key(&key))?;
                let tensor = map.next_value().map_err(|error| at(&key, error))?;
                entries.tensors.insert(key, tensor);
            }
        }
        Ok(entries)
    }
}

/// Where in the header an error is.
fn at<E: Error>(key: &str, error: E) -> E {
    E::custom(format_args!("{key:?}: {error}"))
}

fn once<E: Error>(key: &str, first: bool) -> Result<(), E> {
    if first { Ok(()) } else { Err(E::custom(format_args!("the key {key:?} is there twice"))) }
}

/// Values by name.
struct Named<V>(BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Named<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for NamedVisitor<V> {
    type Value = Named<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<V>, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            once(&key, !values.contains_key(&key))?;
            let value = map.next_value().map_err(|error| at(&key, error))?;
            values.insert(key, value);
        }
        Ok(Named(values))
    }
}

impl<'de> Deserialize<'de> for TensorEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("tensor", FIELDS, TensorVisitor)
    }
}

const FIELDS: &[&str] = &["data_offsets", "dtype", "shape"];

struct TensorVisitor;

impl<'de> Visitor<'de> for TensorVisitor {
    type Value = TensorEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tensor's type, shape and place")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TensorEntry, A::Error> {
        let (mut data_offsets, mut dtype, mut shape) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "data_offsets" => {
                    once(&key, data_offsets.is_none())?;
                    data_offsets = Some(map.next_value()?);
                }
                "dtype" => {
                    once(&key, dtype.is_none())?;
                    dtype = Some(map.next_value()?);
                }
                "shape" => {
                    once(&key, shape.is_none())?;
                    let Sizes(sizes) = map.next_value()?;
                    shape = Some(sizes);
                }
                _ => return Err(A::Error::unknown_field(&key, FIELDS)),
            }
        }
        let missing = A::Error::missing_field;
        Ok(TensorEntry {
            dtype: dtype.ok_or_else(|| missing("dtype"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
            data_offsets: data_offsets.ok_or_else(|| missing("data_offsets"))?,
        })
    }
}

/// A shape. Its numbers take more memory than their text, so there may not be any number of them.
struct Sizes(Vec<u64>);

/// More dimensions than any library has: PyTorch and NumPy stop at 64.
const DIMENSIONS: usize = 64;

impl<'de> Deserialize<'de> for Sizes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SizesVisitor)
    }
}

struct SizesVisitor;

impl<'de> Visitor<'de> for SizesVisitor {
    type Value = Sizes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a shape of at most {DIMENSIONS} sizes")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sizes, A::Error> {
        let mut sizes = Vec::new();
        while sizes.len() < DIMENSIONS {
            match seq.next_element()? {
                Some(size) => sizes.push(size),
                None => return Ok(Sizes(sizes)),
            }
        }
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(Sizes(sizes)),
            Some(_) => Err(A::Error::invalid_length(DIMENSIONS.saturating_add(1), &self)),
        }
    }
}
