//! Products that are too large for one block, and one that two threads share. At the highest level alone: what cuts them has no arithmetic, and
//! the tiles are those of small products.

use nxm_count::Counted;
use nxm_kernels::{
    Blocking, Call, Cpu, Element, Following, Init, Layout, Level, MatrixRef, ProductShape, ShapeError, Strides,
    WORTH_A_THREAD,
};

use super::{Audit, Buffers, FITS, Laid};
use crate::error::AuditError;

/// What a product must be cut into, or copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Depths,
    Rows,
    Cols,
    CopyOfB,
    CopyOfA,
}

impl Audit {
    /// Each of them A·Bᵀ, so that B is copied.
    pub(super) fn blocks<T: Element>(&mut self) -> Result<(), AuditError> {
        if Some(self.level) != Level::available().last() {
            return Ok(());
        }
        use Cut::{Cols, CopyOfA, CopyOfB, Depths, Rows};
        // Rows, terms and columns, and which of them grows until the product is cut.
        for ([m, k, n], grows, cuts) in [
            ([3, 7, 20], 1, [Depths, CopyOfB].as_slice()),
            ([3, 600, 7], 2, &[Cols, CopyOfB]),
            ([3, 600, 7], 0, &[Rows, CopyOfB]),
            ([3, 7, 20], 1, &[Depths, CopyOfB, CopyOfA]),
        ] {
            let mut sides = [m, k, n];
            let of_a = |[m, k, _]: [usize; 3]| match cuts.contains(&CopyOfA) {
                true => Layout::strided(m, k, Strides { row: 2 * k, col: 2 }),
                false => Layout::row_major(m, k),
            };
            while !cuts.iter().all(|cut| self.is_cut::<T>(sides, of_a(sides), *cut)) {
                sides[grows] += sides[grows].div_ceil(8);
            }
            let ([m, k, n], a_layout) = (sides, of_a(sides));
            let name = format!("A·Bᵀ {m}×{k}×{n}, in blocks: {cuts:?}");
            self.run_on::<T>(
                self.cpu,
                2 * m * k.max(n) + n * k,
                &name,
                |Buffers { numbers: [a, b, c, ..], .. }| {
                    let a = MatrixRef::with_layout(a, a_layout).expect(FITS);
                    let b = Laid::Plain.read(b, n, k).transpose();
                    Call::gemm(a, b.into(), Init::Zero, Laid::Plain.write(c, m, n))
                },
            )?;
        }
        Ok(())
    }

    /// Whether a product C ← A·Bᵀ is cut so on one thread.
    fn is_cut<T: Element>(&self, [rows, inner, cols]: [usize; 3], a: Layout, cut: Cut) -> bool {
        let b = Some(Strides { row: 1, col: inner });
        let size = size_of::<T>();
        let product = ProductShape { rows, inner, cols, a: a.strides, b, following: Following::Nothing, size };
        match Blocking::new(&product, self.level.shape::<T>()) {
            Blocking::Whole => false,
            Blocking::Blocks { b_in_place, pack_a, rows: mc, depth: kc, cols: nc } => match cut {
                Cut::Depths => kc < inner,
                Cut::Rows => mc < rows,
                Cut::Cols => nc < cols,
                Cut::CopyOfB => !b_in_place,
                Cut::CopyOfA => pack_a,
            },
        }
    }

    /// The smallest product that two threads share. They are one here, which takes both tasks: a child process has one thread, and a rayon
    /// pool of one runs on it.
    pub(super) fn shared<T: Element>(&mut self) -> Result<(), AuditError> {
        if Some(self.level) != Level::available().last() || T::NAME != f32::NAME {
            return Ok(());
        }
        let [m, k] = [64, 128];
        let n = (2 * WORTH_A_THREAD).div_ceil(m * k);
        let cpu = Cpu::new(self.level, 2);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|error| AuditError::Case(format!("a pool of one thread: {error}")))?;
        pool.install(|| {
            let counted = Counted::new(cpu);
            T::run(&counted, product(&mut Buffers::new(k * n), [m, k, n]).expect(FITS), None);
            let name = format!("A·B {m}×{k}×{n}, two tasks");
            match counted.total_tasks() {
                2 => self.run_on::<T>(cpu, k * n, &name, |buffers| product(buffers, [m, k, n])),
                tasks => Err(AuditError::Case(format!("a product for two threads ran as {tasks} tasks"))),
            }
        })
    }
}

fn product<T: Element>(buffers: &mut Buffers<T>, [m, k, n]: [usize; 3]) -> Result<Call<'_, T>, ShapeError> {
    let Buffers { numbers: [a, b, c, ..], .. } = buffers;
    let (a, b) = (Laid::Plain.read(a, m, k), Laid::Plain.read(b, k, n));
    Call::gemm(a, b.into(), Init::Zero, Laid::Plain.write(c, m, n))
}
