//! Products.

use std::hint::black_box;

use nxm_kernels::{Call, Element, Init, MatrixMut, PackedMatrix};

use super::{Audit, Buffers, Laid};
use crate::error::AuditError;

impl Audit {
    /// Tiles of 8 (or 4 twice), 4 and 3 rows, and of one; three vectors of columns and a ragged one.
    fn sides(&self) -> [[usize; 3]; 3] {
        let n = self.ragged(3);
        black_box([[15, 3, n], [1, 3, n], [3, 1, n]])
    }

    pub(super) fn gemm<T: Element>(&mut self) -> Result<(), AuditError> {
        for [m, k, n] in self.sides() {
            for laid in Laid::ALL {
                let shape = format!("{m}×{k}×{n}{}", laid.name());
                self.run::<T>(&format!("X·W + b {shape}"), |Buffers { numbers: [a, b, bias, c, ..], .. }| {
                    let init = Init::Bias(laid.read(bias, 1, n));
                    Call::gemm(laid.read(a, m, k), laid.read(b, k, n).into(), init, laid.write(c, m, n))
                })?;
                self.run::<T>(&format!("Xᵀ·δ {shape}"), |Buffers { numbers: [a, b, c, ..], .. }| {
                    let a = laid.read(a, k, m).transpose();
                    Call::gemm(a, laid.read(b, k, n).into(), Init::Zero, laid.write(c, m, n))
                })?;
                // Of one row dot products.
                self.run::<T>(&format!("δ·Wᵀ {shape}"), |Buffers { numbers: [a, b, c, ..], .. }| {
                    let b = laid.read(b, n, k).transpose();
                    Call::gemm(laid.read(a, m, k), b.into(), Init::Zero, laid.write(c, m, n))
                })?;
                self.run::<T>(&format!("C + δ·Wᵀ {shape}"), |Buffers { numbers: [a, b, c, ..], .. }| {
                    let b = laid.read(b, n, k).transpose();
                    Call::gemm(laid.read(a, m, k), b.into(), Init::Accumulate, laid.write(c, m, n))
                })?;
            }
        }
        let [m, k, n] = self.sides()[0];
        self.run::<T>(&format!("X·W, W packed {m}×{k}×{n}"), |Buffers { numbers: [a, b, c, ..], packed, .. }| {
            let packed = &*packed.insert(PackedMatrix::new(Laid::Plain.read(b, k, n))?);
            Call::gemm(Laid::Plain.read(a, m, k), packed.into(), Init::Zero, Laid::Plain.write(c, m, n))
        })
    }

    pub(super) fn gemm_scaled<T: Element>(&mut self) -> Result<(), AuditError> {
        let [m, k, n] = self.sides()[0];
        for factors in [[1.0, 0.0], [1.0, 1.0], [0.5, 2.0], [0.0, 2.0]] {
            let [alpha, beta] = black_box(factors.map(T::from_f64));
            let name = format!("{}·A·B + {}·C {m}×{k}×{n}", factors[0], factors[1]);
            self.run::<T>(&name, |Buffers { numbers: [a, b, c, ..], .. }| {
                let [plain, padded] = Laid::ALL;
                Call::gemm_scaled(alpha, plain.read(a, m, k), plain.read(b, k, n), beta, padded.write(c, m, n))
            })?;
        }
        Ok(())
    }

    pub(super) fn on_matrix<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        let n = self.ragged(3);
        let factor = black_box(T::from_f64(0.3));
        // Four rows at once, and some more.
        for m in black_box([3, 15]) {
            for laid in Laid::ALL {
                self.run::<T>(
                    &format!("{m}×{n}{}", laid.name()),
                    |Buffers { numbers: [a, x, y, ..], .. }| match kernel {
                        "gemv" => Call::gemv(laid.read(a, m, n), laid.read(x, 1, n), laid.write(y, 1, m)),
                        "gemv_transposed" => {
                            Call::gemv_transposed(laid.read(a, m, n), laid.read(x, 1, m), laid.write(y, 1, n))
                        }
                        "ger" => Call::ger(factor, laid.read(x, 1, m), laid.read(y, 1, n), laid.write(a, m, n)),
                        _ => Call::column_sum(laid.read(a, m, n), MatrixMut::from_row(&mut y[..n])),
                    },
                )?;
            }
        }
        Ok(())
    }
}
