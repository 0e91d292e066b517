//! Functions and activations.

use nxm_count::{Activation, Function};
use nxm_kernels::{Call, Element};

use super::{Audit, Buffers, Laid};
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
        for f in Activation::ALL {
            for laid in Laid::ALL {
                self.run::<T>(&format!("{f} 3×{n}{}", laid.name()), |Buffers { numbers: [kept, x, ..], .. }| {
                    match kernel {
                        "activate" => Call::activate(f, laid.write(x, 3, n)),
                        _ => Call::derive(f, laid.read(kept, 3, n), laid.write(x, 3, n)),
                    }
                })?;
            }
        }
        Ok(())
    }
}
