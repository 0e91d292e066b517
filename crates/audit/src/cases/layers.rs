//! A layer's products with what follows them, as training steps have them.

use std::hint::black_box;

use nxm_count::Activation;
use nxm_kernels::{Call, Element};

use super::vectors::{kept, rules};
use super::{Audit, Buffers, Extent, Laid};
use crate::error::AuditError;

impl Audit {
    /// Batch, inputs and units: a vector of units and a ragged one. A batch of one has ways of its own.
    fn layers(&self) -> [[usize; 3]; 2] {
        let units = self.ragged(3);
        black_box([[5, 3, units], [1, 3, units]])
    }

    pub(super) fn dense_forward<T: Element>(&mut self) -> Result<(), AuditError> {
        for [b, n, m] in self.layers() {
            for laid in Laid::ALL {
                let shape = format!("{b}×{n}×{m}{}", laid.name());
                for (f, keeps) in [(Activation::Sigmoid, false), (Activation::Gelu, true)] {
                    let name = format!("{f}{} {shape}", if keeps { ", sums kept" } else { "" });
                    self.run::<T>(&name, |Buffers { numbers: [x, w, bias, a, z, ..], .. }| {
                        let (x, w, bias) = (laid.read(x, b, n), laid.read(w, n, m).into(), laid.read(bias, 1, m));
                        let sums = keeps.then(|| laid.write(z, b, m));
                        Call::dense_forward(x, w, bias, f, sums, laid.write(a, b, m))
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Wide in the inputs, for those are what vectors run along here.
    pub(super) fn dense_input_gradient<T: Element>(&mut self) -> Result<(), AuditError> {
        for [b, m, n] in self.layers() {
            for (f, laid) in [
                (Activation::Identity, Laid::Plain),
                (Activation::Tanh, Laid::Padded),
                (Activation::Silu, Laid::Plain),
                (Activation::Silu, Laid::Padded),
            ] {
                let name = format!("{f} {b}×{n}×{m}{}", laid.name());
                self.run::<T>(&name, |Buffers { numbers: [delta, w, of_before, d, ..], .. }| {
                    let (delta, w) = (laid.read(delta, b, m), laid.read(w, n, m));
                    Call::dense_input_gradient(delta, w, f, laid.read(of_before, b, n), laid.write(d, b, n))
                })?;
            }
        }
        Ok(())
    }

    pub(super) fn dense_weight_gradient<T: Element>(&mut self) -> Result<(), AuditError> {
        for [b, n, m] in self.layers() {
            for laid in Laid::ALL {
                let name = format!("{b}×{n}×{m}{}", laid.name());
                self.run::<T>(&name, |Buffers { numbers: [x, delta, gradient, ..], .. }| {
                    Call::dense_weight_gradient(laid.read(x, b, n), laid.read(delta, b, m), laid.write(gradient, n, m))
                })?;
            }
        }
        Ok(())
    }

    /// Of one example, whose gradients are an outer product, and of two, by every rule: whole vectors of a row and a ragged one; rows of one
    /// element.
    pub(super) fn dense_update<T: Element>(&mut self) -> Result<(), AuditError> {
        let full = self.extent == Extent::Full;
        let wide = self.ragged(2);
        for [b, n, m] in black_box([[2, 2, wide], [1, 2, wide], [1, 2, 1]]) {
            for (i, (name, rule)) in rules::<T>().into_iter().enumerate() {
                for (l, laid) in Laid::ALL.into_iter().enumerate() {
                    if !full && (m == 1 || ![0, 6, 14].contains(&(i + l))) {
                        continue;
                    }
                    self.run::<T>(&format!("by {name} {b}×{n}×{m}{}", laid.name()), |operands| {
                        let Buffers { numbers: [x, delta, w, first, second, ..], .. } = operands;
                        first.fill(T::ONE);
                        second.fill(T::ONE);
                        let state = kept(&rule, [first, second].map(|state| laid.write(state, n, m)));
                        Call::dense_update(laid.read(x, b, n), laid.read(delta, b, m), rule, laid.write(w, n, m), state)
                    })?;
                }
            }
        }
        Ok(())
    }
}
