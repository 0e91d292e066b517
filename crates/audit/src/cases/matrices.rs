//! Products.

use std::hint::black_box;

use nxm_kernels::{Call, Element, Init, MatrixMut, PackedMatrix};

use super::{Audit, Buffers, Extent, Laid};
use crate::error::AuditError;

/// Terms of a sum: more than a compiler takes at once, and some left over, even if the first is taken apart.
const TERMS: [usize; 2] = [7, 8];

impl Audit {
    /// Shapes that between them have all tiles (`tile.rs`), of 8 rows (or 4 twice), 4 and 3, of two, and of one; and sums of one term. Tiles of
    /// three rows or more are 1 to 3 vectors wide, of two rows 1 to 4, of one row 1 to 4, 6 and 8.
    fn sides(&self) -> Vec<[usize; 3]> {
        let depth = TERMS[0];
        let mut sides = vec![[3, 1, self.ragged(3)], [3, 1, self.ragged(6)]];
        for (m, wide) in [(15, [5, 1].as_slice()), (2, &[5, 2, 3]), (1, &[14, 5, 2, 3])] {
            let few = if self.extent == Extent::Brief { 1 } else { wide.len() };
            sides.extend(wide.iter().take(few).map(|vectors| [m, depth, self.ragged(vectors - 1)]));
        }
        // Rows of one element are contiguous whatever their stride, and a compiler copies loops for them.
        sides.push([3, 1, 1]);
        black_box(sides)
    }

    pub(super) fn gemm<T: Element>(&mut self) -> Result<(), AuditError> {
        for (i, [m, k, n]) in self.sides().into_iter().enumerate() {
            let laid = Laid::ALL[i % 2];
            let shape = format!("{m}×{k}×{n}{}", laid.name());
            self.run::<T>(&format!("X·W + b {shape}"), |Buffers { numbers: [a, b, bias, c, ..], .. }| {
                let init = Init::Bias(laid.read(bias, 1, n));
                Call::gemm(laid.read(a, m, k), laid.read(b, k, n).into(), init, laid.write(c, m, n))
            })?;
            // Tiles of contiguous columns have this form alone, so both numbers of terms are theirs.
            let depths: &[usize] = if k == 1 { &[1] } else { &TERMS };
            for &k in depths {
                self.run::<T>(
                    &format!("Xᵀ·δ {m}×{k}×{n}{}", laid.name()),
                    |Buffers { numbers: [a, b, c, ..], .. }| {
                        // Of a wider matrix: its columns are contiguous, and not its rows, even if there is one.
                        let a = laid.read(a, k, m + 1).block(0, 0, k, m).transpose();
                        Call::gemm(a, laid.read(b, k, n).into(), Init::Zero, laid.write(c, m, n))
                    },
                )?;
            }
            let k = depths[depths.len() - 1];
            let shape = format!("{m}×{k}×{n}{}", laid.name());
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
        let [m, k, n] = self.sides()[2];
        self.run::<T>(
            &format!("X·W, W packed {m}×{k}×{n}"),
            |Buffers { numbers: [a, b, c, ..], packed, .. }| {
                let packed = &*packed.insert(PackedMatrix::new(Laid::Plain.read(b, k, n))?);
                Call::gemm(Laid::Plain.read(a, m, k), packed.into(), Init::Zero, Laid::Plain.write(c, m, n))
            },
        )?;
        if self.extent == Extent::Full {
            self.blocks::<T>()?;
            self.shared::<T>()?;
        }
        Ok(())
    }

    pub(super) fn gemm_scaled<T: Element>(&mut self) -> Result<(), AuditError> {
        let [m, k, n] = self.sides()[2];
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
        let factor = black_box(T::from_f64(0.3));
        let lengths = match kernel {
            // Dot products.
            "gemv" => self.lengths::<T>(),
            _ => {
                let mut lengths = vec![8 * self.lanes, 1];
                lengths.extend([0, 1, 3, 4, 6, 7, 11].map(|whole| self.ragged(whole)));
                black_box(lengths)
            }
        };
        for (i, n) in lengths.into_iter().enumerate() {
            // Four rows at once, and some more; once a square of lanes. Of chains along the rows as many as a compiler takes at once, twice.
            let m = if i == 0 || kernel == "gemv_transposed" { 21 } else { 5 };
            let (m, laid) = (black_box(m), Laid::ALL[i % 2]);
            self.run::<T>(&format!("{m}×{n}{}", laid.name()), |Buffers { numbers: [a, x, y, ..], .. }| match kernel {
                "gemv" => Call::gemv(laid.read(a, m, n), laid.read(x, 1, n), laid.write(y, 1, m)),
                "gemv_transposed" => Call::gemv_transposed(laid.read(a, m, n), laid.read(x, 1, m), laid.write(y, 1, n)),
                "ger" => Call::ger(factor, laid.read(x, 1, m), laid.read(y, 1, n), laid.write(a, m, n)),
                _ => Call::column_sum(laid.read(a, m, n), MatrixMut::from_row(&mut y[..n])),
            })?;
        }
        Ok(())
    }
}
