//! Kernels for dense feed-forward networks on the CPU: one body per kernel, for every instruction set, chosen when the
//! program runs.
//!
//! A layer with N inputs and M units costs N·M multiplications, M sums over N + 1 terms and M activations. Every kernel
//! here says what it costs in those terms, and its count is exact: it is written against a token ([`simd::Simd`]) that
//! another crate can wrap to count what is executed.
//!
//! One row for each kernel, with its name in the catalogue ([`call::Op::NAMES`]). B rows, N inputs, M units; n elements. An fma is one
//! multiplication and one addition.
//!
//! | kernel | called by | formula | operations |
//! |---|---|---|---|
//! | `dot` | [`dot()`] | Σ xᵢyᵢ | n multiplications, n − 1 additions |
//! | `dot_in_f64` | [`dot_in_f64()`] | Σ xᵢyᵢ of f32, in f64 | 2n conversions, n multiplications, n − 1 additions |
//! | `axpy` | [`axpy()`] | y ← α·x + y | n fma |
//! | `gemv` | [`gemv()`] | y ← A·x, A of N × M | N·M multiplications, N·(M − 1) additions |
//! | `gemv_transposed` | [`gemv_transposed()`] | y ← Aᵀ·x | N·M fma |
//! | `ger` | [`ger()`] | A ← A + α·x·yᵀ | N mul, N·M fma |
//! | `gemm` | [`gemm()`] | C ← A·B + (0, bias or C) | rows·inner·cols fma |
//! | … forward | | X·W + b | B·N·M fma: N multiplications and N additions per unit |
//! | … weight gradient | | Xᵀ·δ | B·N·M fma |
//! | … input gradient | | δ·Wᵀ | B·N·M fma; for B = 1 and M > 1 it is N dot products: N·M multiplications, N·(M − 1) additions |
//! | … of a [`PackedMatrix`] | | the same, B packed once for many products | rows·inner·cols fma, for one row, too |
//! | `gemm_scaled` | [`gemm_scaled()`] | C ← α·A·B + β·C, any strides | rows·inner·cols fma, none if α = 0; rows·cols mul unless β is 0 or 1; rows·inner mul unless α is 0 or 1 (inner·cols where columns of C are contiguous) |
//! | `dense_forward` | [`dense_forward()`], [`dense_forward_keeping()`] | f(X·W + b); X·W + b may be kept | a forward product and its activation, in one pass over the output |
//! | `dense_input_gradient` | [`dense_input_gradient()`] | δ·Wᵀ ⊙ f'(z) | an input gradient and the derivative of the layer before |
//! | `dense_weight_gradient` | [`Call::dense_weight_gradient`] | Xᵀ·δ | B·N·M fma |
//! | `dense_update` | [`dense_update()`] | W updated from Xᵀ·δ | a weight gradient and a [`Rule`]; the gradient is never a matrix |
//! | `column_sum` | [`column_sum()`] | Σ over rows of δ | B·M additions |
//! | `activate` | [`Activation::forward`] | a = f(z) | B·M evaluations of f (none for the identity) |
//! | `derive` | [`Activation::backward`] | δ = a' · f'(z) | per unit: ReLU 1 cmp; leaky ReLU 1 cmp, 1 mul; sigmoid 1 add, 2 mul; tanh 1 fma, 1 mul; ELU, CELU 1 cmp, 1 fma, 1 mul; ReLU6 2 cmp; hard tanh 1 cmp; hard sigmoid 2 cmp, 1 mul; hard swish 2 cmp, 1 fma, 1 mul; SELU 1 cmp, 1 add, 1 mul; softsign 1 add, 2 mul; softplus 1 evaluation, 1 cmp, 2 mul; GELU, SiLU, mish, log-sigmoid 1 evaluation, 1 mul |
//! | `apply` | [`apply()`] | x ← f(x), any [`Function`] | 1 evaluation per element |
//! | `softmax` | [`softmax()`] | e^{z − max} / Σ e^{z − max} by rows | per row of M: M − 1 cmp, 2M − 1 additions, M exp, 1 div, M mul |
//! | `log_softmax` | [`log_softmax()`] | z − max − ln Σ e^{z − max} | per row of M: M − 1 cmp, 3M − 1 additions, M exp, 1 log |
//! | `softmax_gradient` | [`Call::softmax_gradient`] | a·(δ − Σ δ·a) of outputs a | per row of M: 2M multiplications, 2M − 1 additions |
//! | `log_softmax_gradient` | [`Call::log_softmax_gradient`] | δ − eᵃ·Σ δ of outputs a | per row of M: M exp, M fma, M − 1 additions |
//! | `log_sum_exp` | [`log_sum_exp()`] | ln Σ eᶻ | per row of M: M − 1 cmp, 2M additions, M exp, 1 log |
//! | `update` | [`update()`], [`sgd()`] | SGD, momentum, Nesterov, Adam, AMSGrad, RMSprop, Adagrad, Adadelta, Adamax, NAdam, Lion, Rprop | SGD 1 fma per parameter; others: [`Rule`] |
//! | `mean_squared_error` | [`Call::mean_squared_error`] | Σ (o − t)² / (B·M), and 2·(o − t) / (B·M) | 2·B·M + 1 multiplications, 2·B·M − 1 additions |
//! | `binary_cross_entropy` | [`Call::binary_cross_entropy`] | Σ ((1 − t)·z + softplus(−z)) / (B·M), and (σ(z) − t) / (B·M) | B·M ln(1 + eˣ), B·M sigmoid, B·M fma, 3·B·M − 1 additions, B·M + 1 mul |
//! | `cross_entropy` | [`Call::cross_entropy`] | Σ (ln Σ eᶻ − zₜ) / B, and (softmax(z) − 1ₜ) / B | per row: M − 1 cmp, 2M + 1 additions, M exp, 1 log, 1 div, M mul; B − 1 additions, 1 mul |
//! | `weighted_cross_entropy` | [`Call::weighted_cross_entropy`] | the same with class weights or label smoothing | per row: M − 1 cmp, 3M additions, M exp, 1 log, 2M + 1 multiplications, 1 div, M + 3 fma; 2B − 2 additions, 1 div, 1 mul |
//! | `soft_cross_entropy` | [`Call::soft_cross_entropy`] | cross-entropy with a probability of each class | per row: M − 1 cmp, 4M − 3 additions, M exp, 1 log, 2M + 1 multiplications, 1 div, M + 1 fma, with class weights or label smoothing M fma more; B − 1 additions, 1 mul |
//! | `weighted_binary_cross_entropy` | [`Call::weighted_binary_cross_entropy`] | binary cross-entropy with a weight of positive targets | B·M ln(1 + eˣ), B·M sigmoid, 4·B·M fma, 2·B·M − 1 additions, 3·B·M + 1 mul |
//! | `element_loss` | [`Call::element_loss`] | mean·Σ ℓ(o, t), and slope·g(o, t), of a [`Measure`] | B·M times what the measure says; B·M + 1 mul, B·M − 1 additions |
//! | `weigh_rows` | [`Call::weigh_rows`] | mean·Σ sᵢ·Σⱼ ℓᵢⱼ / Σ sᵢcᵢ, and δᵢ·sᵢ·Σ cᵢ / Σ sᵢcᵢ | B·M + 2B + 4 multiplications, B·m + B − 1 additions, 1 div, 1 cmp; with shares B multiplications, B − 1 additions more |
//! | `add_squares` | [`Call::add_squares`] | sum + Σ x² | n multiplications, n additions |
//! | `clip_scale` | [`Call::clip_scale`] | √squares, and max / (√squares + 10⁻⁶) | 1 sqrt, 1 addition, 1 div |
//! | `inverse_norm` | [`Call::inverse_norm`] | 1 / max(√squares, least) | 1 sqrt, 1 cmp, 1 div |
//! | `scale` | [`Call::scale`] | x ← factor·x | n mul |
//! | `clamp` | [`Call::clamp`] | x ← min(max(x, −limit), limit) | 2n cmp |
//! | `multiply` | [`Call::multiply`] | x ⊙ y | n mul |
//! | `blend` | [`Call::blend`] | y ← keep·y + add·x | n fma, n mul |
//! | `column_dot` | [`Call::column_dot`] | Σ over rows of A ⊙ B | B·M fma |
//! | `layer_norm` | [`Call::layer_norm`] | γ·(x − mean) / √(variance + ε) + β by rows | per row of M: M fma, 2M + 2 mul, 3M − 1 additions, 1 sqrt, 1 div |
//! | `layer_norm_gradient` | [`Call::layer_norm_gradient`] | its inputs' gradient | per row of M: M fma, 3M + 2 mul, 3M − 2 additions |
//! | `batch_norm` | [`Call::batch_norm`] | γ·(x − mean) / √(variance + ε) + β by columns | 2·B·M fma, B·M + 2M mul, 2·B·M + M additions, M sqrt, M div |
//! | `batch_norm_gradient` | [`Call::batch_norm_gradient`] | its inputs' gradient | B·M fma, B·M + 3M mul, B·M additions |
//! | `batch_norm_evaluate` | [`Call::batch_norm_evaluate`] | the same by means and variances that are given | B·M + M fma, M additions, M sqrt, M div |
//!
//! Run them on an [`Executor`]; [`Cpu::detect`] takes the fastest instruction set and all threads:
//!
//! ```
//! use nxm_kernels::{Cpu, Init, MatrixMut, MatrixRef, gemm};
//!
//! let cpu = Cpu::detect()?;
//! let x = [1.0f32, 2.0, 3.0]; // one example of three inputs
//! let w = [0.5, -1.0, 0.25, 0.0, 1.0, 2.0]; // three inputs × two units
//! let mut a = [0.0; 2];
//! gemm(
//!     &cpu,
//!     MatrixRef::new(&x, 1, 3)?,
//!     MatrixRef::new(&w, 3, 2)?,
//!     Init::Bias(&[0.1, 0.2]),
//!     MatrixMut::new(&mut a, 1, 2)?,
//! )?;
//! assert_eq!(a, [4.1, 5.2]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same inputs give the same bits at any number of threads and at every level with fused multiply-add.

// Arithmetic goes through a token, so that it can be counted. Tokens, the reference and the functions' definitions are the exceptions.
#![cfg_attr(not(test), deny(clippy::float_arithmetic, clippy::disallowed_methods))]

mod activation;
mod axpy;
mod batch_norm;
pub mod beside;
pub mod call;
mod check;
mod column_dot;
mod column_sum;
mod dense;
mod dot;
mod element;
mod elementwise;
mod execute;
mod executor;
mod gemm;
mod gemv;
mod ger;
mod layer_norm;
mod layout;
mod level;
mod loss;
pub mod math;
mod matrix;
mod memory;
mod multiply;
mod name;
mod norm;
mod parallel;
pub mod program;
mod reduce;
#[allow(clippy::float_arithmetic, reason = "plain loops, which kernels are compared with")]
pub mod reference;
mod scratch;
pub mod simd;
mod softmax;
mod softmax_gradient;
mod update;

pub use activation::{Activation, ActivationError, Kept};
pub use axpy::axpy;
pub use call::{Call, Operation};
pub use column_sum::column_sum;
pub use dense::{dense_forward, dense_forward_keeping, dense_input_gradient, dense_update};
pub use dot::{dot, dot_in_f64};
pub use element::{Element, Lane};
pub use executor::{Cpu, Executor, Phase, Region, Runner};
#[doc(hidden)] // for the formulas of `nxm-count`
pub use gemm::blocking::{Blocking, Following, ProductShape};
pub use gemm::operand::{Operand, PackedMatrix};
pub use gemm::strided::gemm_scaled;
pub use gemm::{Init, gemm};
pub use gemv::{gemv, gemv_transposed};
pub use ger::ger;
pub use layout::{Layout, ShapeError, Strides};
pub use level::{LEVEL_NAMES, LEVEL_VARIABLE, Level, LevelError, VectorShape};
pub use loss::Measure;
pub use math::{Accuracy, Function, apply};
pub use matrix::{MatrixMut, MatrixRef};
pub use memory::{Matrix, Memory};
pub use name::UnknownName;
#[doc(hidden)] // for this crate's tests
pub use parallel::EVALUATIONS_WORTH_A_THREAD;
pub use parallel::{ELEMENTS_WORTH_A_THREAD, WORTH_A_THREAD};
pub use program::{Program, ProgramError};
pub use simd::{Kernel, Simd};
pub use softmax::{log_softmax, log_sum_exp, softmax};
pub use update::{Decay, MOST_STATE, Parameters, Rule, sgd, update};
