//! What is audited: each sort of kernel on shapes with ragged ends, and whole training steps.

use std::hint::black_box;
use std::marker::PhantomData;

use nxm_count::{Activation, Cpu, Level, NetworkSpec, Rehearsal, StepFormula, Tally, Vectors};
use nxm_kernels::{
    Element, Function, Init, MatrixMut, MatrixRef, apply, axpy, column_sum, dot, gemm, gemv, gemv_transposed, ger,
    softmax,
};

use crate::error::AuditError;
use crate::finding::{Finding, overflow};

/// Audits kernels at `level` in elements of `T`, each on a small shape.
///
/// # Errors
/// [`AuditError`] if the system does not allow it, or an instruction is unknown.
pub fn audit_kernels<T: Element>(level: Level) -> Result<Vec<Finding>, AuditError> {
    let mut audit = Audit::<T> {
        cpu: Cpu::new(level, 1),
        level,
        vectors: Vectors::of::<T>(level),
        findings: Vec::new(),
        element: PhantomData,
    };
    // Less than a vector, perhaps; a reduction of four blocks, and of some more.
    for n in [7, 75] {
        audit.vectors(n)?;
    }
    // Four vectors at once, and a ragged one.
    let lanes = level.shape::<T>().lanes;
    audit.functions(4 * lanes + lanes.div_ceil(2))?;
    audit.matrices()?;
    Ok(audit.findings)
}

/// Audits a training step of `network` on `batch` random examples at `level` in f32, the second one that is executed.
///
/// # Errors
/// [`AuditError`] if the system does not allow it, if an instruction is unknown, or if the step has more than 2²² lanes to execute, which
/// would take minutes.
pub fn audit_step(network: &NetworkSpec, batch: u64, level: Level) -> Result<Finding, AuditError> {
    let case = |error: &dyn std::error::Error| AuditError::Case(error.to_string());
    let formula = StepFormula::new(network, batch, Vectors::of::<f32>(level)).map_err(|error| case(&error))?.total();
    let lanes = formula.executed().map_err(overflow)?;
    let needed = lanes.flops().saturating_add(lanes.inside().flops());
    if needed > OPERATIONS {
        return Err(AuditError::Case(format!(
            "the step is too large to be executed one instruction at a time: it takes {needed} flops, and at most {OPERATIONS} are allowed"
        )));
    }
    let mut rehearsal = Rehearsal::<f32>::new(network, batch).map_err(|error| case(&error))?;
    let (cpu, rows) = (Cpu::new(level, 1), rehearsal.batch());
    let sizes: Vec<String> = network.sizes().iter().map(u64::to_string).collect();
    let name = format!("step {} × {rows}", sizes.join("-"));
    Finding::new::<f32>(name, level, formula, || {
        rehearsal.step(&cpu, rows).expect("a step that was checked");
    })
}

/// Flops of the largest step.
const OPERATIONS: u128 = 1 << 22;

struct Audit<T> {
    cpu: Cpu,
    level: Level,
    vectors: Vectors,
    findings: Vec<Finding>,
    element: PhantomData<T>,
}

/// Numbers in [−1, 1].
fn numbers<T: Element>(n: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64((i * 37 % 101) as f64 / 50.0 - 1.0)).collect()
}

type Formula = Result<Tally, nxm_count::Overflow>;

impl<T: Element> Audit<T> {
    fn run(&mut self, name: String, formula: Formula, task: impl FnMut()) -> Result<(), AuditError> {
        let finding = Finding::new::<T>(name, self.level, formula.map_err(overflow)?, task)?;
        self.findings.push(finding);
        Ok(())
    }

    fn vectors(&mut self, n: usize) -> Result<(), AuditError> {
        let (cpu, vectors, len) = (self.cpu, self.vectors, n as u128);
        let (x, mut y) = (numbers::<T>(n), numbers::<T>(n));
        self.run(format!("dot {n}"), vectors.dot(len), || {
            black_box(dot(&cpu, &x, &x).expect("equal lengths"));
        })?;
        self.run(format!("axpy {n}"), vectors.axpy(len), || {
            axpy(&cpu, T::from_f64(0.3), &x, &mut y).expect("equal lengths");
        })?;
        let mut z = numbers::<T>(3 * n);
        self.run(format!("softmax 3×{n}"), vectors.softmax(3, len), || {
            softmax(&cpu, MatrixMut::new(&mut z, 3, n).expect("3 × n"));
        })
    }

    fn functions(&mut self, n: usize) -> Result<(), AuditError> {
        let (cpu, vectors, len) = (self.cpu, self.vectors, n as u128);
        // Those that are activations come with them.
        let is_activation = |f: &Function| Activation::ALL.iter().any(|activation| activation.function() == Some(*f));
        for function in Function::ALL.into_iter().filter(|f| !is_activation(f)) {
            let mut x = numbers::<T>(n);
            self.run(format!("{} {n}", function.name()), vectors.apply(function, len), || {
                apply(&cpu, function, &mut x)
            })?;
        }
        for f in Activation::ALL {
            let (kept, mut x) = (numbers::<T>(n), numbers::<T>(n));
            self.run(format!("{f} {n}"), vectors.activation_forward(f, len), || f.forward(&cpu, &mut x))?;
            self.run(format!("{f}, backward {n}"), vectors.activation_backward(f, len), || {
                f.backward(&cpu, &kept, &mut x).expect("equal lengths");
            })?;
        }
        Ok(())
    }

    fn matrices(&mut self) -> Result<(), AuditError> {
        const FITS: &str = "shapes that fit";
        let (cpu, vectors) = (self.cpu, self.vectors);
        // Tiles of 8 (or 4 twice), 4 and 3 rows; three vectors of columns and a ragged one.
        let lanes = self.level.shape::<T>().lanes;
        let (m, k, n) = (15, 3, 3 * lanes + lanes.div_ceil(2));
        let (a, b, bias, mut c) = (numbers::<T>(m * k), numbers::<T>(k * n), numbers::<T>(n), numbers::<T>(m * n));
        let matrix = |data, rows, cols| MatrixRef::<T>::new(data, rows, cols).expect(FITS);
        let products = [
            ("X·W + b", matrix(&a, m, k), matrix(&b, k, n), Init::Bias(&bias)),
            ("Xᵀ·δ", matrix(&a, k, m).transpose(), matrix(&b, k, n), Init::Zero),
            ("δ·Wᵀ", matrix(&a, m, k), matrix(&b, n, k).transpose(), Init::Accumulate),
        ];
        for (name, a, b, init) in products {
            let formula = vectors.gemm(m as u128, k as u128, n as u128);
            self.run(format!("gemm {name} {m}×{k}×{n}"), formula, || {
                gemm(&cpu, a, b, init, MatrixMut::new(&mut c, m, n).expect(FITS)).expect(FITS);
            })?;
        }
        let (x, mut by_row, mut by_col) = (numbers::<T>(n), numbers::<T>(k), numbers::<T>(n));
        let (rows, cols, w) = (k as u128, n as u128, matrix(&b, k, n));
        self.run(format!("gemv {k}×{n}"), vectors.gemv(rows, cols), || gemv(&cpu, w, &x, &mut by_row).expect(FITS))?;
        self.run(format!("gemv, transposed {k}×{n}"), vectors.gemv_transposed(rows, cols), || {
            gemv_transposed(&cpu, w, &a[..k], &mut by_col).expect(FITS);
        })?;
        self.run(format!("column_sum {k}×{n}"), vectors.column_sum(rows, cols), || {
            column_sum(&cpu, w, &mut by_col).expect(FITS);
        })?;
        self.run(format!("ger {m}×{n}"), vectors.ger(m as u128, cols), || {
            ger(&cpu, T::from_f64(0.3), &a[..m], &x, MatrixMut::new(&mut c, m, n).expect(FITS)).expect(FITS);
        })
    }
}
