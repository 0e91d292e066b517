//! Tables as they come, for dense networks: reading, describing, encoding, splitting, judging.
//!
//! A [`Table`] is what a file holds: named columns of equal length, each cell as it is written.

#![forbid(unsafe_code)]
// Numbers that a file says have no bound.
#![deny(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod cells;
mod error;
mod foreign;
mod lines;
mod memory;
mod missing;
mod read;
mod table;

pub use cells::{Cells, CellsBuilder, MOST_TEXTS, Numbers, Texts};
pub use error::DataError;
pub use foreign::Foreign;
pub use lines::Lines;
pub use missing::Missing;
pub use read::{Compression, Dialect, Encoding, Format, ReadOptions, TableReader};
pub use table::{Column, Place, Table};
