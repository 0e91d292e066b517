//! Files that are written: whether a place can be written at all.

mod place;

pub(crate) use place::takes_files;
