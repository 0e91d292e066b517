//! Functions and activations.

use std::hint::black_box;

use nxm_count::{Activation, Function};
use nxm_kernels::{Call, Element};

use super::{Audit, Buffers, Extent, Laid};
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
        let ragged = self.ragged(4);
        let mut shapes = Laid::ALL.map(|laid| (3, ragged, laid)).to_vec();
        if self.extent == Extent::Full {
            // What a compiler leaves over of a loop that it takes four or eight vectors at once of.
            shapes.extend((8..15).map(|vectors| (1, vectors * self.lanes, Laid::Plain)));
        }
        for f in Activation::ALL {
            for (rows, n, laid) in black_box(shapes.clone()) {
                self.run::<T>(
                    &format!("{f} {rows}×{n}{}", laid.name()),
                    |Buffers { numbers: [kept, x, ..], .. }| match kernel {
                        "activate" => Call::activate(f, laid.write(x, rows, n)),
                        _ => Call::derive(f, laid.read(kept, rows, n), laid.write(x, rows, n)),
                    },
                )?;
            }
        }
        Ok(())
    }
}
