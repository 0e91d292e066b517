//! The strings of a checkpoint: all that is not a tensor, by name.
//!
//! Numbers are written so that reading them gives the same bits (Rust's shortest form).

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::error::{ContentError, excerpt};

/// Named strings, to write.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }
    pub(super) fn number(&mut self, name: &str, value: impl Debug) {
        self.text(name, &format!("{value:?}"));
    }
    /// With a space between each two.
    pub(super) fn numbers(&mut self, name: &str, values: &[impl Debug]) {
        let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        self.text(name, &values.join(" "));
    }

    /// In the order of their names, whatever order the JSON library's map keeps.
    pub(super) fn into_metadata(mut self) -> Map<String, Value> {
        self.0.sort();
        self.0.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
    }
}

/// Named strings, to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub &'a BTreeMap<String, String>);

impl<'a> Reader<'a> {
    pub(super) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn text(self, name: &str) -> Result<&'a str, ContentError> {
        self.0.get(name).map(String::as_str).ok_or_else(|| wrong(name, "a string", "missing"))
    }

    pub(super) fn value<V: FromStr>(self, name: &str, expected: &str) -> Result<V, ContentError> {
        let text = self.text(name)?;
        text.parse().map_err(|_| wrong(name, expected, format!("{text:?}")))
    }
    pub(super) fn number<V: FromStr>(self, name: &str) -> Result<V, ContentError> {
        self.value(name, "a number")
    }
    pub(super) fn whole<V: FromStr>(self, name: &str) -> Result<V, ContentError> {
        self.value(name, "a whole number that this machine can hold")
    }

    /// All whose names begin so, by what follows.
    pub(super) fn beginning_with(self, start: &str) -> BTreeMap<String, String> {
        let named = self.0.iter().filter_map(|(name, text)| Some((name.strip_prefix(start)?, text)));
        named.map(|(rest, text)| (rest.to_owned(), text.clone())).collect()
    }

    /// What stands between spaces.
    pub(super) fn values<V: FromStr>(self, name: &str, expected: &str) -> Result<Vec<V>, ContentError> {
        let parsed = self
            .text(name)?
            .split_ascii_whitespace()
            .map(|text| text.parse().map_err(|_| wrong(name, expected, format!("{text:?}"))));
        parsed.collect()
    }
    /// The same of a field that older files do not have.
    pub(super) fn values_if_there<V: FromStr>(
        self,
        name: &str,
        expected: &str,
    ) -> Result<Option<Vec<V>>, ContentError> {
        if self.0.contains_key(name) { self.values(name, expected).map(Some) } else { Ok(None) }
    }
}

/// The error of a field.
pub(super) fn wrong(name: &str, expected: impl Into<String>, found: impl Into<String>) -> ContentError {
    ContentError::Field { name: name.to_owned(), expected: expected.into(), found: excerpt(found.into()) }
}
