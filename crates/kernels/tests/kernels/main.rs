//! Tests of the public kernels, from outside of the crate.
//!
//! Against what:
//! - `reference`: the plain loops of `nxm_kernels::reference`, within a bound that follows from the number of roundings;
//! - `order`: naive loops that fuse and sum in the documented order, bit by bit;
//! - `sameness`: the Scalar level on one thread, bit by bit, at every fused level and thread count;
//! - `digests`: what another machine computes, bit by bit;
//! - `borders`: the same data embedded in garbage; what stands outside of an operand is neither read nor written;
//! - `dense`: a layer's fused products against the two kernels each is made of, bit by bit;
//! - `accuracy`: the functions' bounds in ULP on a stratified sample, their special values;
//! - `functions`: the standard library in f64;
//! - `parameters`: activations by parameters of any value, against plain loops, and their text;
//! - `padding`: every kernel on padded rows and rows with gaps, with garbage in them, against rows without, bit by bit;
//! - `program`: a program against the same calls made directly, bit by bit;
//! - `batch`: a row among others against the same row alone, bit by bit;
//! - `token`: operations of the token against loops over lanes, bit by bit;
//! - `blocking`: no side of a product is too large to be asked about;
//! - `errors`, `operands`, `program_errors` and `level`: what is refused, and in which words;
//! - `bodies`: a body of a kernel has no arithmetic at hand but its token's;
//! - `empty`: what has no elements does nothing, and reaches nothing.
//!
//! `catalogue` has a sample of each kernel for the tests that are true of all of them.

mod accuracy;
mod batch;
mod blocking;
mod bodies;
mod borders;
mod catalogue;
mod dense;
mod digests;
mod empty;
mod errors;
mod functions;
mod level;
mod loss_samples;
mod norm_samples;
mod operands;
mod order;
mod padding;
mod parameters;
mod program;
mod program_errors;
mod reference;
mod run;
mod sameness;
mod support;
mod token;
mod updates;
