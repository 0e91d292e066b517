//! A vector kernel: its operands, N×M's result and each peer's, and how they are compared.

use std::hint::black_box;

use nxm_kernels::{Cpu, Executor, MatrixMut, MatrixRef, axpy, dot, gemv, gemv_transposed, ger};

use crate::bandwidth::{AccessPattern, Move};
#[cfg(feature = "openblas")]
use crate::library::Blas;
use crate::library::{LIBRARIES, Library, Number, Stored, StoredMatrix, multiply};
use crate::plain;
use crate::product::numbers;

/// What is computed.
#[derive(Clone, Copy, PartialEq)]
pub enum VectorKernel {
    /// Σ xᵢ·yᵢ.
    Dot,
    /// y ← α·x + y.
    Axpy,
    /// y ← A·x.
    Gemv,
    /// y ← Aᵀ·x.
    GemvTransposed,
    /// A ← A + α·x·yᵀ.
    Ger,
}

pub const KERNELS: [VectorKernel; 5] =
    [VectorKernel::Dot, VectorKernel::Axpy, VectorKernel::Gemv, VectorKernel::GemvTransposed, VectorKernel::Ger];

impl VectorKernel {
    pub fn name(self) -> &'static str {
        match self {
            VectorKernel::Dot => "dot",
            VectorKernel::Axpy => "axpy",
            VectorKernel::Gemv => "gemv A·x",
            VectorKernel::GemvTransposed => "gemv Aᵀ·x",
            VectorKernel::Ger => "ger",
        }
    }

    /// Whether it has a matrix.
    pub fn has_matrix(self) -> bool {
        !matches!(self, VectorKernel::Dot | VectorKernel::Axpy)
    }

    /// What moves as many bytes, in the same way, and computes nothing.
    fn pattern(self) -> AccessPattern {
        match self {
            VectorKernel::Dot | VectorKernel::Gemv | VectorKernel::GemvTransposed => AccessPattern::Read,
            VectorKernel::Axpy => AccessPattern::Combine,
            VectorKernel::Ger => AccessPattern::Update,
        }
    }
}

/// Who takes part.
#[derive(Clone, Copy, PartialEq)]
pub enum VectorContestant {
    Nxm,
    /// A product with one column or one row.
    Product(Library),
    #[cfg(feature = "openblas")]
    OpenBlas,
    SimSimd,
    /// The loop of [`plain`].
    Plain,
    /// The bytes, moved.
    Memory,
}

impl std::fmt::Display for VectorContestant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            VectorContestant::Nxm => "N×M",
            VectorContestant::Product(library) => library.name(),
            #[cfg(feature = "openblas")]
            VectorContestant::OpenBlas => "OpenBLAS",
            VectorContestant::SimSimd => "SimSIMD",
            VectorContestant::Plain => "plain loop",
            VectorContestant::Memory => "memory",
        })
    }
}

/// N×M first, memory last.
pub fn contestants(kernel: VectorKernel, threads: usize) -> Vec<VectorContestant> {
    let mut all = vec![VectorContestant::Nxm];
    #[cfg(feature = "openblas")]
    all.push(VectorContestant::OpenBlas);
    if kernel == VectorKernel::Dot {
        all.push(VectorContestant::SimSimd);
    }
    if matches!(kernel, VectorKernel::Gemv | VectorKernel::GemvTransposed) {
        let crates = LIBRARIES.iter().take(4);
        all.extend(crates.map(|library| VectorContestant::Product(*library)));
    }
    all.push(VectorContestant::Plain);
    // The bytes are moved by one thread; on more, the table of the roofline has them.
    if threads == 1 {
        all.push(VectorContestant::Memory);
    }
    all
}

/// All that a kernel reads and writes.
pub struct KernelOperands<T> {
    pub rows: usize,
    pub cols: usize,
    /// The matrix that is read.
    pub a: Vec<T>,
    pub x: Vec<T>,
    pub y: Vec<T>,
    /// The result.
    pub out: Vec<T>,
    /// So small that a result added to a million times stays what it is.
    pub alpha: T,
}

/// A kernel on its operands.
pub struct Case<T> {
    pub kernel: VectorKernel,
    cpu: Cpu,
    operands: KernelOperands<T>,
}

impl<T: Number> Case<T> {
    /// The same data for `cpu`.
    pub fn on(&mut self, cpu: Cpu) -> &mut Self {
        self.cpu = cpu;
        self
    }

    /// Vectors of `rows`·`cols` elements, or a matrix of `rows` × `cols`.
    pub fn new(kernel: VectorKernel, rows: usize, cols: usize, cpu: Cpu) -> Case<T> {
        let n = rows * cols;
        let [a, x, y, out] = match kernel {
            VectorKernel::Dot => [0, n, n, 1],
            VectorKernel::Axpy => [0, n, 0, n],
            VectorKernel::Gemv => [n, cols, 0, rows],
            VectorKernel::GemvTransposed => [n, rows, 0, cols],
            VectorKernel::Ger => [0, rows, cols, n],
        };
        let (a, x, y, out) = (numbers(a, 1), numbers(x, 2), numbers(y, 3), numbers(out, 4));
        Case { kernel, cpu, operands: KernelOperands { rows, cols, a, x, y, out, alpha: T::from_f64(1e-9) } }
    }

    /// Bytes that have to move: what is read, and what is written.
    pub fn bytes(&self) -> usize {
        let o = &self.operands;
        let updated = if matches!(self.kernel, VectorKernel::Axpy | VectorKernel::Ger) { 2 } else { 1 };
        (o.a.len() + o.x.len() + o.y.len() + updated * o.out.len()) * size_of::<T>()
    }

    /// Lets `who` compute it `calls` times.
    pub fn run(&mut self, who: VectorContestant, calls: usize) {
        for _ in 0..calls {
            match who {
                VectorContestant::Nxm => nxm(&self.cpu, self.kernel, &mut self.operands),
                VectorContestant::Plain => plain::run(self.kernel, &mut self.operands),
                VectorContestant::Product(library) => self.product(library),
                #[cfg(feature = "openblas")]
                VectorContestant::OpenBlas => self.openblas(),
                VectorContestant::SimSimd => {
                    black_box(simsimd::SpatialSimilarity::dot(&self.operands.x[..], &self.operands.y[..]));
                }
                VectorContestant::Memory => self.memory(),
            }
            black_box(&mut self.operands.out);
        }
    }

    fn product(&mut self, library: Library) {
        let KernelOperands { rows, cols, a, x, out, .. } = &mut self.operands;
        let a = match self.kernel {
            VectorKernel::GemvTransposed => {
                StoredMatrix { data: &a[..], rows: *cols, cols: *rows, stored: Stored::Transposed }
            }
            _ => StoredMatrix { data: &a[..], rows: *rows, cols: *cols, stored: Stored::Plain },
        };
        let x = StoredMatrix { data: &x[..], rows: x.len(), cols: 1, stored: Stored::Plain };
        multiply(library, self.cpu.threads(), a, x, out);
    }

    #[cfg(feature = "openblas")]
    fn openblas(&mut self) {
        let KernelOperands { rows, cols, a, x, y, out, alpha } = &mut self.operands;
        match self.kernel {
            VectorKernel::Dot => out[0] = <T as Blas>::dot(x, y),
            VectorKernel::Axpy => T::axpy(*alpha, x, out),
            VectorKernel::Gemv => T::gemv(Stored::Plain, a, (*rows, *cols), x, out),
            VectorKernel::GemvTransposed => T::gemv(Stored::Transposed, a, (*rows, *cols), x, out),
            VectorKernel::Ger => T::ger(*alpha, x, y, out),
        }
    }

    /// Moves the large operands' bytes. Changes the sign of results: memory has to be measured after results were compared.
    fn memory(&mut self) {
        let KernelOperands { a, x, y, out, .. } = &mut self.operands;
        let pattern = self.kernel.pattern();
        match self.kernel {
            VectorKernel::Dot => {
                self.cpu.level().dispatch(Move { pattern, x: &x[..], y: &mut [] });
                self.cpu.level().dispatch(Move { pattern, x: &y[..], y: &mut [] });
            }
            VectorKernel::Axpy | VectorKernel::Ger => self.cpu.level().dispatch(Move { pattern, x: &x[..], y: out }),
            VectorKernel::Gemv | VectorKernel::GemvTransposed => {
                self.cpu.level().dispatch(Move { pattern, x: &a[..], y: &mut [] })
            }
        }
    }

    /// Compares every peer's result with N×M's. Panics where they differ by more than rounding can explain.
    ///
    /// All operands are below 1 in magnitude, so a sum of k products errs by at most γₖ·k; two of them by twice that.
    pub fn check(&mut self) {
        let k = match self.kernel {
            VectorKernel::Dot | VectorKernel::Gemv | VectorKernel::GemvTransposed => self.operands.x.len(),
            VectorKernel::Axpy | VectorKernel::Ger => 2,
        } + 1;
        let ku = k as f64 * T::UNIT_ROUNDOFF;
        if ku >= 1.0 {
            return; // So long a sum has no such bound.
        }
        let bound = 2.0 * ku / (1.0 - ku) * k as f64;
        let before = self.operands.out.clone();
        self.run(VectorContestant::Nxm, 1);
        let ours = self.operands.out.clone();
        for who in contestants(self.kernel, self.cpu.threads()) {
            if matches!(who, VectorContestant::Memory | VectorContestant::SimSimd) {
                continue;
            }
            self.operands.out.clone_from(&before);
            self.run(who, 1);
            for (i, (ours, theirs)) in ours.iter().zip(&self.operands.out).enumerate() {
                let error = (ours.to_f64() - theirs.to_f64()).abs();
                assert!(error <= bound, "{}: {who} differs by {error} at element {i}", self.kernel.name());
            }
        }
    }
}

fn nxm<T: Number>(cpu: &Cpu, kernel: VectorKernel, operands: &mut KernelOperands<T>) {
    let KernelOperands { rows, cols, a, x, y, out, alpha } = operands;
    match kernel {
        VectorKernel::Dot => out[0] = dot(cpu, x, y).expect("equal lengths"),
        VectorKernel::Axpy => axpy(cpu, *alpha, x, out).expect("equal lengths"),
        VectorKernel::Gemv => {
            gemv(cpu, MatrixRef::new(a, *rows, *cols).expect("rows × cols"), x, out).expect("shapes that fit");
        }
        VectorKernel::GemvTransposed => {
            let a = MatrixRef::new(a, *rows, *cols).expect("rows × cols");
            gemv_transposed(cpu, a, x, out).expect("shapes that fit");
        }
        VectorKernel::Ger => {
            let out = MatrixMut::new(out, *rows, *cols).expect("rows × cols");
            ger(cpu, *alpha, x, y, out).expect("shapes that fit");
        }
    }
}
