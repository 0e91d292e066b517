//! How a table is read.

use clap::{Args, ValueEnum};
use nxm_data::{Missing, ReadOptions};

use super::values::at_least_one;

/// How a table is read. What is not said is detected.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct TableArgs {
    /// Whether the first line of a text names the columns. Without names, columns are called 1, 2, 3, ….
    #[arg(long, value_enum)]
    pub header: Option<YesNo>,
    /// What stands between the cells of a text: a character, "tab", or "space" for any run of blanks.
    #[arg(long, value_name = "CHARACTER", value_parser = separator, allow_hyphen_values = true)]
    pub separator: Option<u8>,
    /// Whether numbers of a text have a comma before their fractions, as 1,5.
    #[arg(long, value_enum)]
    pub decimal_comma: Option<YesNo>,
    /// A text that says that a value is missing, besides the empty cell, NA, N/A, NaN, ? and null; may be given several times.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub missing: Vec<String>,
    /// Bytes of a line of a text, at most.
    #[arg(long, value_name = "BYTES", value_parser = at_least_one, default_value_t = most().0, allow_negative_numbers = true)]
    pub max_line: u64,
    /// Bytes of a cell of a text, at most.
    #[arg(long, value_name = "BYTES", value_parser = at_least_one, default_value_t = most().1, allow_negative_numbers = true)]
    pub max_cell: u64,
}

/// The library's limits of a line and a cell.
fn most() -> (u64, u64) {
    let ReadOptions { max_line, max_cell, .. } = ReadOptions::default();
    (max_line as u64, max_cell as u64)
}

/// What is not to be detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// It is so.
    Yes,
    /// It is not so.
    No,
}

const TAB: &str = "tab";
const SPACE: &str = "space";

fn separator(text: &str) -> Result<u8, String> {
    match text {
        TAB => Ok(b'\t'),
        SPACE => Ok(b' '),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"'\r\n".contains(byte) => Ok(*byte),
            _ => Err(format!("expected one character that is no letter, digit or quote, {TAB:?} or {SPACE:?}")),
        },
    }
}

impl Default for TableArgs {
    fn default() -> TableArgs {
        let (max_line, max_cell) = most();
        TableArgs { header: None, separator: None, decimal_comma: None, missing: Vec::new(), max_line, max_cell }
    }
}

impl TableArgs {
    /// The same for the library.
    pub fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default().with_missing(Missing::with(&self.missing));
        options.header = self.header.map(|header| header == YesNo::Yes);
        options.separator = self.separator;
        options.decimal_comma = self.decimal_comma.map(|comma| comma == YesNo::Yes);
        [options.max_line, options.max_cell] =
            [self.max_line, self.max_cell].map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        options
    }

    /// What of it is not the default, as it stands on a command line; `quoted` makes a text one word of a shell.
    pub fn again(&self, quoted: impl Fn(&str) -> String) -> String {
        let mut flags = String::new();
        if let Some(header) = self.header.and_then(|header| header.to_possible_value()) {
            flags += &format!(" --header {}", header.get_name());
        }
        match self.separator {
            None => {}
            Some(b'\t') => flags += &format!(" --separator {TAB}"),
            Some(b' ') => flags += &format!(" --separator {SPACE}"),
            Some(byte) => flags += &format!(" --separator {}", quoted(&char::from(byte).to_string())),
        }
        if let Some(comma) = self.decimal_comma.and_then(|comma| comma.to_possible_value()) {
            flags += &format!(" --decimal-comma {}", comma.get_name());
        }
        for text in &self.missing {
            flags += &format!(" --missing {}", quoted(text));
        }
        if self.max_line != most().0 {
            flags += &format!(" --max-line {}", self.max_line);
        }
        if self.max_cell != most().1 {
            flags += &format!(" --max-cell {}", self.max_cell);
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_default_is_said_again() {
        let again = |args: &TableArgs| args.again(|text| format!("'{text}'"));
        let mut args = TableArgs::default();
        assert_eq!(again(&args), "");
        args.header = Some(YesNo::No);
        (args.max_line, args.max_cell) = (most().0 + 1, 5);
        args.missing = vec!["-".to_owned()];
        args.separator = Some(b';');
        let expected = format!(" --header no --separator ';' --missing '-' --max-line {} --max-cell 5", args.max_line);
        assert_eq!(again(&args), expected);
    }

    #[test]
    fn separators_have_names_where_they_are_not_seen() {
        assert_eq!([separator("tab"), separator(";"), separator("space")], [Ok(b'\t'), Ok(b';'), Ok(b' ')]);
        assert!(["", ";;", "é", "a", "\""].into_iter().all(|text| separator(text).is_err()));
    }
}
