//! Finding things by their names.

use std::error::Error;
use std::fmt;

/// The name of an activation, a loss or another thing that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// What was looked for, as "activation".
    pub kind: &'static str,
    /// The name.
    pub found: String,
    /// The names there are.
    pub expected: Vec<&'static str>,
}

impl UnknownName {
    /// Finds the one of `all` that `name_of` calls `name`.
    ///
    /// # Errors
    /// [`UnknownName`] if none of them has that name.
    pub fn find<V: Clone>(
        kind: &'static str,
        name: &str,
        all: &[V],
        name_of: impl Fn(&V) -> &'static str,
    ) -> Result<V, UnknownName> {
        let found = all.iter().find(|one| name_of(one) == name).cloned();
        let expected = || all.iter().map(&name_of).collect();
        found.ok_or_else(|| UnknownName { kind, found: name.to_owned(), expected: expected() })
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} is called {:?}; expected one of {}", self.kind, self.found, self.expected.join(", "))
    }
}

impl Error for UnknownName {}
