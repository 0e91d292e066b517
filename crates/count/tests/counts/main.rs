//! The proof: what is executed is what the formulas say. One program, so that each kernel is compiled once for all tests.

mod common;
mod dense;
mod matrices;
mod questions;
mod steps;
mod vectors;
