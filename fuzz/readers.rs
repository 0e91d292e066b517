//! The program's readers of data. The program keeps them to itself, so their files are compiled here once more.

#[path = "../crates/cli/src"]
#[allow(dead_code, unused_imports, reason = "the program uses all of it")]
mod cli {
    pub mod data;
    pub mod foreign;
    pub mod format;
}
pub use cli::{data, foreign, format};

/// How a table is read.
#[path = "../crates/cli/src/args"]
#[allow(dead_code, reason = "the program uses all of it")]
pub mod args {
    mod table;
    mod values;
    pub use table::{Header, TableArgs};
}

/// What the readers report errors by.
#[allow(dead_code, reason = "not each target reads what is wrong")]
pub mod failure {
    /// As in the program: words alone.
    #[derive(Debug)]
    pub enum Failure {
        /// What is wrong.
        Usage(String),
    }

    impl Failure {
        /// What an error in what the caller asked for becomes.
        pub fn usage(error: impl std::fmt::Display) -> Failure {
            Failure::Usage(error.to_string())
        }
    }
}

/// The embedded digits.
pub mod digits {
    /// The file.
    pub const CSV: &str = include_str!("../crates/cli/data/digits.csv");
    /// Its label.
    pub const LABEL: &str = "digit";
}
