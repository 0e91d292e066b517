//! How a file of examples is read.

use clap::{Args, ValueEnum};

use super::values::at_least_one;

/// How a file of examples is read.
#[derive(Clone, Copy, Debug, Args)]
pub struct TableArgs {
    /// Whether the first line of a CSV file names the columns. Without names, columns are called 1, 2, 3, ….
    #[arg(long, value_enum)]
    pub header: Option<Header>,
    /// Bytes of a line of a CSV file, at most.
    #[arg(long, value_name = "BYTES", value_parser = at_least_one, default_value_t = MAX_LINE, allow_negative_numbers = true)]
    pub max_line: u64,
    /// Bytes of a cell of a CSV file, at most.
    #[arg(long, value_name = "BYTES", value_parser = at_least_one, default_value_t = MAX_CELL, allow_negative_numbers = true)]
    pub max_cell: u64,
    /// Bytes of memory that the examples of a file may take, at most. [default: half of what is free]
    #[arg(long, value_name = "BYTES", value_parser = at_least_one, allow_negative_numbers = true)]
    pub max_data: Option<u64>,
}

/// A million columns of numbers.
pub const MAX_LINE: u64 = 32 << 20;
/// More than a label or a number can mean; what is longer is rather a quote that nobody closed.
pub const MAX_CELL: u64 = 1 << 20;

/// Whether the first line names the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Header {
    /// It does, even if it holds numbers only.
    Yes,
    /// It is an example.
    No,
}

impl Default for TableArgs {
    fn default() -> TableArgs {
        TableArgs { header: None, max_line: MAX_LINE, max_cell: MAX_CELL, max_data: None }
    }
}

impl TableArgs {
    /// What of it is not the default, as it stands on a command line.
    pub fn again(&self) -> String {
        let mut flags = String::new();
        if let Some(header) = self.header.and_then(|header| header.to_possible_value()) {
            flags += &format!(" --header {}", header.get_name());
        }
        if self.max_line != MAX_LINE {
            flags += &format!(" --max-line {}", self.max_line);
        }
        if self.max_cell != MAX_CELL {
            flags += &format!(" --max-cell {}", self.max_cell);
        }
        if let Some(bytes) = self.max_data {
            flags += &format!(" --max-data {bytes}");
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_default_is_said_again() {
        let mut args = TableArgs::default();
        assert_eq!(args.again(), "");
        args.header = Some(Header::No);
        (args.max_line, args.max_cell, args.max_data) = (MAX_LINE + 1, 5, Some(7));
        assert_eq!(args.again(), format!(" --header no --max-line {} --max-cell 5 --max-data 7", MAX_LINE + 1));
    }
}
