//! What is audited: each kernel of the catalogue, on shapes with ragged ends, with padding behind rows and without.

mod blocks;
mod elements;
mod layers;
mod losses;
mod matrices;
mod norms;
mod vectors;

use std::hint::black_box;

use nxm_count::{Cpu, Formulas, Kinds, Level};
use nxm_kernels::{Call, Element, Layout, MatrixMut, MatrixRef, Operation, PackedMatrix, ShapeError};
use nxm_net::ElementType;

use crate::error::AuditError;
use crate::finding::{Finding, overflow};

/// How many cases a kernel gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A few: seconds.
    Brief,
    /// All that [`coverage`](crate::coverage()) needs: some ten seconds for a level and element type.
    Full,
}

/// Audits every kernel at `level` in these elements, each on small shapes.
///
/// # Errors
/// [`AuditError`] if the system does not allow it, if an instruction is unknown, or if a kernel has no case here.
pub fn audit_kernels(level: Level, element: ElementType, extent: Extent) -> Result<Vec<Finding>, AuditError> {
    match element {
        ElementType::F32 => kernels_in::<f32>(level, extent),
        ElementType::F64 => kernels_in::<f64>(level, extent),
    }
}

fn kernels_in<T: Element>(level: Level, extent: Extent) -> Result<Vec<Finding>, AuditError> {
    let (lanes, formulas) = (level.shape::<T>().lanes, Formulas::of::<T>(level));
    let mut audit = Audit { cpu: Cpu::new(level, 1), level, extent, lanes, formulas, findings: Vec::new() };
    for kernel in Operation::NAMES {
        audit.kernel::<T>(kernel)?;
    }
    Ok(audit.findings)
}

struct Audit {
    cpu: Cpu,
    level: Level,
    extent: Extent,
    lanes: usize,
    formulas: Formulas,
    findings: Vec<Finding>,
}

const FITS: &str = "shapes that fit";

/// Elements of a buffer: more than any case needs.
const BUFFER: usize = 1 << 12;

/// What the operands of a call are made of.
struct Buffers<T> {
    numbers: [Vec<T>; 7],
    singles: Vec<f32>,
    labels: Vec<u32>,
    packed: Option<PackedMatrix<T>>,
}

impl<T: Element> Buffers<T> {
    /// Each of `len` elements, of which those behind the first are 0: a system gives memory to what is written.
    fn new(len: usize) -> Self {
        let numbers = [(); 7].map(|()| {
            let mut numbers = vec![T::ZERO; len];
            numbers.iter_mut().zip(self::numbers::<T>(BUFFER)).for_each(|(to, number)| *to = number);
            numbers
        });
        Buffers { numbers, singles: self::numbers(BUFFER), labels: (0..1 << 7).map(|i| i % 3).collect(), packed: None }
    }
}

/// How rows are laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Laid {
    Plain,
    Padded,
}

impl Laid {
    const ALL: [Laid; 2] = [Laid::Plain, Laid::Padded];

    fn layout<T: Element>(self, rows: usize, cols: usize) -> Layout {
        match self {
            Laid::Plain => Layout::row_major(rows, cols),
            Laid::Padded => Layout::padded(rows, cols, T::BLOCK),
        }
    }

    /// What a finding's name says of it.
    fn name(self) -> &'static str {
        match self {
            Laid::Plain => "",
            Laid::Padded => ", padded",
        }
    }

    fn read<T: Element>(self, data: &[T], rows: usize, cols: usize) -> MatrixRef<'_, T> {
        MatrixRef::with_layout(data, self.layout::<T>(rows, cols)).expect(FITS)
    }

    fn write<T: Element>(self, data: &mut [T], rows: usize, cols: usize) -> MatrixMut<'_, T> {
        MatrixMut::with_layout(data, self.layout::<T>(rows, cols)).expect(FITS)
    }
}

impl Audit {
    /// The cases of the kernel of this name.
    fn kernel<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        match kernel {
            "dot" | "dot_in_f64" | "axpy" => self.of_lengths::<T>(kernel),
            "softmax" | "log_softmax" | "log_sum_exp" | "softmax_gradient" | "log_softmax_gradient" => {
                self.by_rows::<T>(kernel)
            }
            "gemv" | "gemv_transposed" | "ger" | "column_sum" => self.on_matrix::<T>(kernel),
            "gemm" => self.gemm::<T>(),
            "gemm_scaled" => self.gemm_scaled::<T>(),
            "dense_forward" => self.dense_forward::<T>(),
            "dense_input_gradient" => self.dense_input_gradient::<T>(),
            "dense_weight_gradient" => self.dense_weight_gradient::<T>(),
            "dense_update" => self.dense_update::<T>(),
            "activate" | "derive" => self.activations::<T>(kernel),
            "apply" => self.functions::<T>(),
            "update" => self.updates::<T>(),
            "mean_squared_error"
            | "binary_cross_entropy"
            | "cross_entropy"
            | "weighted_cross_entropy"
            | "weighted_binary_cross_entropy"
            | "soft_cross_entropy"
            | "element_loss" => self.loss::<T>(kernel),
            "weigh_rows" => self.weigh_rows::<T>(),
            "multiply"
            | "blend"
            | "column_dot"
            | "layer_norm"
            | "layer_norm_gradient"
            | "batch_norm"
            | "batch_norm_gradient"
            | "batch_norm_evaluate" => self.norms::<T>(kernel),
            "add_squares" | "clip_scale" | "inverse_norm" | "scale" | "clamp" => self.clipping::<T>(kernel),
            _ => Err(AuditError::Case(format!("the audit has no case for kernel {kernel}"))),
        }
    }

    /// Audits a call of a kernel. It is made beforehand, as programs make theirs; `what` says how it differs from others.
    fn run<T: Element>(
        &mut self,
        what: &str,
        call: impl for<'a> Fn(&'a mut Buffers<T>) -> Result<Call<'a, T>, ShapeError>,
    ) -> Result<(), AuditError> {
        self.run_on(self.cpu, BUFFER, what, call)
    }

    /// The same on `cpu`, with buffers of `len` elements.
    fn run_on<T: Element>(
        &mut self,
        cpu: Cpu,
        len: usize,
        what: &str,
        call: impl for<'a> Fn(&'a mut Buffers<T>) -> Result<Call<'a, T>, ShapeError>,
    ) -> Result<(), AuditError> {
        // The audit runs it twice.
        let mut operands = [(); 2].map(|()| Buffers::new(len));
        let mut calls: Vec<Call<'_, T>> = operands.iter_mut().map(|operands| call(operands).expect(FITS)).collect();
        let operation = calls[0].operation();
        let formula = self.formulas.executed(&operation).map_err(overflow)?;
        let name = format!("{} {what}", operation.name());
        let task = || T::run(&cpu, calls.pop().expect("as many calls as runs"), None);
        self.findings.push(Finding::new::<T>(name, self.level, (formula, Kinds::NONE), task)?);
        Ok(())
    }

    /// Lengths of a reduction, which between them take every way through it (`reduce.rs`): less than a block of 64 bytes, some blocks, four
    /// blocks at once, twice that, and one to four blocks behind four. Each ends in every vector of a block.
    fn lengths<T: Element>(&self) -> Vec<usize> {
        let (block, lanes) = (T::BLOCK, self.lanes);
        if self.extent == Extent::Brief {
            return black_box(vec![7, 4 * block + 11]);
        }
        let mut lengths = vec![1, block, 3 * block, 8 * block];
        for blocks in [0, 1, 4, 5, 6, 7] {
            match lanes {
                // A vector of one lane is never ragged, and a block of such vectors is one loop.
                1 => lengths.push(blocks * block + 1),
                _ => lengths.extend((0..block).step_by(lanes).map(|i| blocks * block + i + lanes / 2)),
            }
        }
        black_box(lengths)
    }

    /// As many elements as `whole` vectors, and a ragged one. No length is known to the compiler: what ships does not know it either.
    fn ragged(&self, whole: usize) -> usize {
        black_box(whole * self.lanes + self.lanes.div_ceil(2))
    }
}

/// Numbers in [−1, 1].
fn numbers<T: Element>(n: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64((i * 37 % 101) as f64 / 50.0 - 1.0)).collect()
}
