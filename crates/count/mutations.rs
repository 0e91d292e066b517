//! The mutations of `mutations.json`: each makes a kernel execute other operations than its formula says, by one line where that is enough.

use serde::Deserialize;

/// A change.
#[derive(Debug, Deserialize)]
pub struct Mutation {
    /// What it does.
    pub name: String,
    /// Where, from the workspace's root.
    pub file: String,
    #[serde(flatten)]
    edit: Edit,
    /// Further lines that it changes.
    #[serde(default)]
    also: Vec<Edit>,
    /// Whether it is a control, which changes no count and which no test may catch.
    #[serde(default)]
    #[allow(dead_code, reason = "the command that applies mutations reads it, the test does not")]
    pub survives: bool,
}

/// A change of one line.
#[derive(Debug, Deserialize)]
struct Edit {
    /// A part of a line that is there once.
    from: String,
    /// What stands there instead.
    to: String,
}

/// All of them.
pub fn all() -> serde_json::Result<Vec<Mutation>> {
    serde_json::from_str(include_str!("mutations.json"))
}

impl Mutation {
    /// The file's text, changed; an error if what is to be changed is not there exactly once, or is no part of a line.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        [&self.edit].into_iter().chain(&self.also).try_fold(text.to_owned(), |text, Edit { from, to }| {
            if from.contains('\n') || to.contains('\n') {
                return Err(format!("{}: {from:?} and {to:?} must be of one line", self.name));
            }
            match text.matches(from).count() {
                1 => Ok(text.replace(from, to)),
                n => Err(format!("{}: {from:?} is {n} times in {}", self.name, self.file)),
            }
        })
    }
}
