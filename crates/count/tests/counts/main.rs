//! The proof: what is executed is what the formulas say. One program, so that each kernel is compiled once for all tests.

mod branches;
mod by_hand;
mod cases;
mod catalogue;
mod dense;
mod draw;
mod faults;
mod isa;
mod kinds;
mod lbfgs;
mod losses;
mod matrices;
mod norms;
mod questions;
mod rules;
mod shapes;
mod steps;
mod textbook;
mod vectors;
