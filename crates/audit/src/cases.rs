//! What is audited: each sort of kernel, on shapes with ragged ends.

mod functions;
mod layers;
mod matrices;
mod vectors;

use std::marker::PhantomData;

use nxm_count::{Cpu, Kinds, Level, Tally, Vectors};
use nxm_kernels::{Element, MatrixRef};
use nxm_net::ElementType;

use crate::error::AuditError;
use crate::finding::{Finding, overflow};

/// Audits kernels at `level` in these elements, each on a small shape.
///
/// # Errors
/// [`AuditError`] if the system does not allow it, or an instruction is unknown.
pub fn audit_kernels(level: Level, element: ElementType) -> Result<Vec<Finding>, AuditError> {
    match element {
        ElementType::F32 => kernels_in::<f32>(level),
        ElementType::F64 => kernels_in::<f64>(level),
    }
}

fn kernels_in<T: Element>(level: Level) -> Result<Vec<Finding>, AuditError> {
    let lanes = level.shape::<T>().lanes;
    let vectors = Vectors::of::<T>(level);
    let mut audit =
        Audit::<T> { cpu: Cpu::new(level, 1), level, lanes, vectors, findings: Vec::new(), element: PhantomData };
    // Less than a vector, perhaps; a reduction of four blocks, and of some more.
    for n in [7, 75] {
        audit.vectors(n)?;
    }
    audit.updates()?;
    audit.functions()?;
    audit.matrices()?;
    audit.layers()?;
    Ok(audit.findings)
}

struct Audit<T> {
    cpu: Cpu,
    level: Level,
    lanes: usize,
    vectors: Vectors,
    findings: Vec<Finding>,
    element: PhantomData<T>,
}

const FITS: &str = "shapes that fit";

type Formula = Result<Tally, nxm_count::Overflow>;

impl<T: Element> Audit<T> {
    fn run(&mut self, name: String, formula: Formula, task: impl FnMut()) -> Result<(), AuditError> {
        let formula = (formula.map_err(overflow)?, Kinds::NONE);
        self.findings.push(Finding::new::<T>(name, self.level, formula, task)?);
        Ok(())
    }

    /// As many elements as `whole` vectors, and a ragged one.
    fn ragged(&self, whole: usize) -> usize {
        whole * self.lanes + self.lanes.div_ceil(2)
    }
}

/// Numbers in [−1, 1].
fn numbers<T: Element>(n: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64((i * 37 % 101) as f64 / 50.0 - 1.0)).collect()
}

fn matrix<T>(data: &[T], rows: usize, cols: usize) -> MatrixRef<'_, T> {
    MatrixRef::new(data, rows, cols).expect(FITS)
}
