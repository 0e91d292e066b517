//! The benches of N×M, which stand in `benches/`, and what several of them measure with.
//!
//! ```text
//! cargo bench -p nxm-benches                                  everything, less than ten minutes
//! cargo bench -p nxm-benches --bench kernels                  every kernel: the plain loop, then each level
//! cargo bench -p nxm-benches --bench kernels -- dot           only those whose name contains "dot"
//! cargo bench -p nxm-benches --bench kernels -- 'gemm.*512'   or matches a regular expression
//! cargo bench -p nxm-benches --bench step                     whole training steps
//! cargo bench -p nxm-benches --bench training                 a minute: training and inference, as a share of the FMA peak, by phase
//! ```
//!
//! The bench against other libraries is the package in `benches/peers`, a workspace of its own.
//!
//! `kernels` and `step` run on one thread. A name reads kernel/unit of the throughput/size/who: `dot (elements)/32768/avx2`. "plain" is the
//! loop of `nxm_kernels::reference` as the compiler makes it from a build without flags; "scalar" is the kernel's own
//! body at one lane with the processor's FMA instruction; the others are the same body at a SIMD level. Throughput of
//! vector kernels is in elements a second, of products and of training steps in floating-point operations a second (an
//! fma is two), so "Gelem/s" reads GFLOP/s there. Sizes are elements of 4 bytes: 1,024 sit in L1, 32,768 in L2, 1,048,576
//! in L3, 16,777,216 in memory.

pub mod clock;
pub mod fma;
