//! Files that are written: predictions as an array, and whether a place can be written at all.

mod npy;
mod place;

pub use npy::{InMemory, NpyWriter};
pub(crate) use place::takes_files;
