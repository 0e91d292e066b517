//! Products.

use std::hint::black_box;

use nxm_kernels::{Element, Init, MatrixMut, PackedMatrix, column_sum, gemm, gemm_scaled, gemv, gemv_transposed, ger};

use super::{Audit, FITS, matrix, numbers};
use crate::error::AuditError;

impl<T: Element> Audit<T> {
    pub(super) fn matrices(&mut self) -> Result<(), AuditError> {
        let (cpu, vectors) = (self.cpu, self.vectors);
        // Tiles of 8 (or 4 twice), 4 and 3 rows; three vectors of columns and a ragged one.
        let [m, k, n] = black_box([15, 3, self.ragged(3)]);
        let [rows, inner, cols] = [m, k, n].map(|size| size as u128);
        let (a, b, bias, mut c) = (numbers::<T>(m * k), numbers::<T>(k * n), numbers::<T>(n), numbers::<T>(m * n));
        let shape = format!("{m}×{k}×{n}");
        let products = [
            ("X·W + b", matrix(&a, m, k), matrix(&b, k, n), Init::Bias(&bias)),
            ("Xᵀ·δ", matrix(&a, k, m).transpose(), matrix(&b, k, n), Init::Zero),
            ("δ·Wᵀ", matrix(&a, m, k), matrix(&b, n, k).transpose(), Init::Accumulate),
        ];
        for (name, a, b, init) in products {
            self.run(format!("gemm {name} {shape}"), vectors.gemm(rows, inner, cols), || {
                gemm(&cpu, a, b, init, MatrixMut::new(&mut c, m, n).expect(FITS)).expect(FITS);
            })?;
        }
        let packed = PackedMatrix::new(matrix(&b, k, n));
        self.run(format!("gemm X·W, W packed {shape}"), vectors.gemm(rows, inner, cols), || {
            gemm(&cpu, matrix(&a, m, k), &packed, Init::Zero, MatrixMut::new(&mut c, m, n).expect(FITS)).expect(FITS);
        })?;
        for factors in [[1.0, 0.0], [1.0, 1.0], [0.5, 2.0], [0.0, 2.0]] {
            let [alpha, beta] = factors;
            let formula = vectors.gemm_scaled([rows, inner, cols], alpha, beta);
            let name = format!("gemm_scaled {alpha}·A·B + {beta}·C {shape}");
            let [alpha, beta] = black_box(factors.map(T::from_f64));
            self.run(name, formula, || {
                let c = MatrixMut::new(&mut c, m, n).expect(FITS);
                gemm_scaled(&cpu, alpha, matrix(&a, m, k), matrix(&b, k, n), beta, c).expect(FITS);
            })?;
        }
        let (x, mut by_row, mut by_col) = (numbers::<T>(n), numbers::<T>(k), numbers::<T>(n));
        let w = matrix(&b, k, n);
        self.run(format!("gemv {k}×{n}"), vectors.gemv(inner, cols), || gemv(&cpu, w, &x, &mut by_row).expect(FITS))?;
        self.run(format!("gemv, transposed {k}×{n}"), vectors.gemv_transposed(inner, cols), || {
            gemv_transposed(&cpu, w, &a[..k], &mut by_col).expect(FITS);
        })?;
        // Four rows at once, and some more.
        let (tall, mut by_tall) = (numbers::<T>(m * n), numbers::<T>(m));
        self.run(format!("gemv {m}×{n}"), vectors.gemv(rows, cols), || {
            gemv(&cpu, matrix(&tall, m, n), &x, &mut by_tall).expect(FITS);
        })?;
        self.run(format!("column_sum {k}×{n}"), vectors.column_sum(inner, cols), || {
            column_sum(&cpu, w, &mut by_col).expect(FITS);
        })?;
        let factor = black_box(T::from_f64(0.3));
        self.run(format!("ger {m}×{n}"), vectors.ger(rows, cols), || {
            ger(&cpu, factor, &a[..m], &x, MatrixMut::new(&mut c, m, n).expect(FITS)).expect(FITS);
        })
    }
}
