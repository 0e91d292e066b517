//! The mutations of `mutations.json`: one line each that makes a kernel execute other operations than its formula says.

use serde::Deserialize;

/// A change of one line.
#[derive(Debug, Deserialize)]
pub struct Mutation {
    /// What it does.
    pub name: String,
    /// Where, from the workspace's root.
    pub file: String,
    /// A part of a line that is there once.
    pub from: String,
    /// What stands there instead.
    pub to: String,
}

/// All of them.
pub fn all() -> serde_json::Result<Vec<Mutation>> {
    serde_json::from_str(include_str!("mutations.json"))
}

impl Mutation {
    /// The file's text, changed; an error if what is to be changed is not there exactly once.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        match text.matches(&self.from).count() {
            1 => Ok(text.replace(&self.from, &self.to)),
            n => Err(format!("{}: {:?} is {n} times in {}", self.name, self.from, self.file)),
        }
    }
}
