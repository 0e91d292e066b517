//! Functions and activations.

use std::hint::black_box;

use nxm_count::{Activation, Function};
use nxm_kernels::{Call, Element, Layout, MatrixMut, MatrixRef, Strides};

use super::{Audit, Buffers, Extent, FITS, Laid};
use crate::error::AuditError;

impl Audit {
    /// Those that are no activations, which come with them: four vectors at once, a whole one and a ragged one.
    pub(super) fn functions<T: Element>(&mut self) -> Result<(), AuditError> {
        let n = self.ragged(5);
        let is_activation = |f: &Function| Activation::ALL.iter().any(|activation| activation.function() == Some(*f));
        for function in Function::ALL.into_iter().filter(|f| !is_activation(f)) {
            self.run::<T>(&format!("{} {n}", function.name()), |Buffers { numbers: [x, ..], .. }| {
                Call::apply(function, Laid::Plain.write(x, 1, n))
            })?;
        }
        Ok(())
    }

    /// Of three rows, which are one if there are no gaps: four vectors at once, a whole one and a ragged one.
    pub(super) fn activations<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        let n = self.ragged(4);
        // Rows with gaps that are no padding are not joined.
        let apart = Layout::strided(3, n, Strides { row: n + 3, col: 1 });
        let mut layouts = Laid::ALL.map(|laid| (laid.name(), laid.layout::<T>(3, n))).to_vec();
        if self.extent == Extent::Full {
            layouts.push((", apart", apart));
        }
        // Others than the defaults run the same machine code on the same numbers of elements.
        let activations = if self.extent == Extent::Full { Activation::samples() } else { Activation::ALL.to_vec() };
        for f in activations {
            for (name, layout) in black_box(layouts.clone()) {
                self.run::<T>(&format!("{f} 3×{n}{name}"), |Buffers { numbers: [kept, x, ..], .. }| {
                    let x = MatrixMut::with_layout(x, layout).expect(FITS);
                    match kernel {
                        "activate" => Call::activate(f, x),
                        _ => Call::derive(f, MatrixRef::with_layout(kept, layout).expect(FITS), x),
                    }
                })?;
            }
        }
        Ok(())
    }
}
