//! Vectors: sums, softmax, and the update of parameters by every rule.

use std::hint::black_box;

use nxm_kernels::{
    Decay, Element, MatrixMut, Parameters, Rule, axpy, dot, dot_in_f64, log_softmax, log_sum_exp, sgd, softmax, update,
};

use super::{Audit, FITS, matrix, numbers};
use crate::error::AuditError;

impl<T: Element> Audit<T> {
    pub(super) fn vectors(&mut self, n: usize) -> Result<(), AuditError> {
        // No length is known to the compiler: what ships does not know it either.
        let n = black_box(n);
        let (cpu, vectors, len) = (self.cpu, self.vectors, n as u128);
        let (x, mut y) = (numbers::<T>(n), numbers::<T>(n));
        self.run(format!("dot {n}"), vectors.dot(len), || {
            black_box(dot(&cpu, &x, &x).expect(FITS));
        })?;
        if T::NAME == "f64" {
            let x = numbers::<f32>(n);
            self.run(format!("dot_in_f64 {n}"), vectors.dot_in_f64(len), || {
                black_box(dot_in_f64(&cpu, &x, &x).expect(FITS));
            })?;
        }
        let factor = black_box(T::from_f64(0.3));
        self.run(format!("axpy {n}"), vectors.axpy(len), || axpy(&cpu, factor, &x, &mut y).expect(FITS))?;
        self.run(format!("sgd {n}"), vectors.sgd(len), || sgd(&cpu, factor, &x, &mut y).expect(FITS))?;
        let mut z = numbers::<T>(2 * n);
        self.run(format!("softmax 2×{n}"), vectors.softmax(2, len), || {
            softmax(&cpu, MatrixMut::new(&mut z, 2, n).expect(FITS));
        })?;
        self.run(format!("log_softmax 2×{n}"), vectors.log_softmax(2, len), || {
            log_softmax(&cpu, MatrixMut::new(&mut z, 2, n).expect(FITS));
        })?;
        let mut sums = numbers::<T>(2);
        self.run(format!("log_sum_exp 2×{n}"), vectors.log_sum_exp(2, len), || {
            log_sum_exp(&cpu, matrix(&z, 2, n), &mut sums).expect(FITS);
        })
    }

    /// Every rule with every decay.
    pub(super) fn updates(&mut self) -> Result<(), AuditError> {
        let n = black_box(self.ragged(1));
        let (cpu, vectors, gradient) = (self.cpu, self.vectors, numbers::<T>(n));
        let [learning_rate, momentum, keep, small] = black_box([0.01, 0.9, 0.7, 1e-3]).map(T::from_f64);
        for (decayed, decay) in
            [("", Decay::None), (" with L2 decay", Decay::L2(small)), (" with decoupled decay", Decay::Decoupled(keep))]
        {
            let adam = Rule::Adam {
                step_size: learning_rate,
                one_minus_beta1: small,
                beta2: momentum,
                one_minus_beta2: small,
                correction: keep,
                epsilon: small,
                decay,
            };
            for (name, rule) in [
                ("descent", Rule::Sgd { learning_rate, decay }),
                ("momentum", Rule::Momentum { learning_rate, momentum, decay }),
                ("dampened momentum", Rule::Dampened { learning_rate, momentum, keep, decay }),
                ("Nesterov's momentum", Rule::Nesterov { learning_rate, momentum, decay }),
                ("Adam", adam),
            ] {
                let [mut weights, mut first, mut second] = [(); 3].map(|()| vec![T::ONE; n]);
                self.run(format!("update by {name}{decayed} {n}"), vectors.update(&rule, n as u128), || {
                    let parameters = Parameters { weights: &mut weights, first: &mut first, second: &mut second };
                    update(&cpu, rule, &gradient, parameters).expect(FITS);
                })?;
            }
        }
        Ok(())
    }
}
