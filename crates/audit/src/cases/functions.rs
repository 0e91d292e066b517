//! Functions and activations.

use std::hint::black_box;

use nxm_count::{Activation, Function};
use nxm_kernels::{Element, apply};

use super::{Audit, FITS, numbers};
use crate::error::AuditError;

impl<T: Element> Audit<T> {
    pub(super) fn functions(&mut self) -> Result<(), AuditError> {
        // Four vectors at once, and a ragged one.
        let n = black_box(self.ragged(4));
        let (cpu, vectors, len) = (self.cpu, self.vectors, n as u128);
        // Those that are activations come with them.
        let is_activation = |f: &Function| Activation::ALL.iter().any(|activation| activation.function() == Some(*f));
        for function in Function::ALL.into_iter().filter(|f| !is_activation(f)) {
            let mut x = numbers::<T>(n);
            self.run(format!("{} {n}", function.name()), vectors.apply(function, len), || {
                apply(&cpu, function, &mut x);
            })?;
        }
        for f in Activation::ALL {
            let (kept, mut x) = (numbers::<T>(n), numbers::<T>(n));
            self.run(format!("{f} {n}"), vectors.activation_forward(f, len), || f.forward(&cpu, &mut x))?;
            self.run(format!("{f}, backward {n}"), vectors.activation_backward(f, len), || {
                f.backward(&cpu, &kept, &mut x).expect(FITS);
            })?;
        }
        Ok(())
    }
}
