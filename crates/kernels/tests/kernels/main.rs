//! Tests of the public kernels, from outside of the crate.
//!
//! Against what:
//! - `reference`: the plain loops of `nxm_kernels::reference`, within a bound that follows from the number of roundings;
//! - `order`: naive loops that fuse and sum in the documented order, bit by bit;
//! - `sameness`: the Scalar level on one thread, bit by bit, at every fused level and thread count;
//! - `borders`: the same data embedded in garbage; what stands outside of an operand is neither read nor written;
//! - `dense`: a layer's fused products against the two kernels each is made of, bit by bit;
//! - `accuracy`: the functions' bounds in ULP on a stratified sample, their special values;
//! - `functions`: the standard library in f64;
//! - `token`: operations of the token against loops over lanes, bit by bit;
//! - `blocking`: no side of a product is too large to be asked about;
//! - `errors` and `level`: what is refused, and in which words.

mod accuracy;
mod blocking;
mod borders;
mod dense;
mod errors;
mod functions;
mod level;
mod order;
mod reference;
mod run;
mod sameness;
mod support;
mod token;
