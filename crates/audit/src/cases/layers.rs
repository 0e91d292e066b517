//! A layer's products with what follows them, as training steps have them.

use std::hint::black_box;

use nxm_count::Activation;
use nxm_kernels::{
    Decay, Element, MatrixMut, PackedMatrix, Rule, dense_forward, dense_forward_keeping, dense_input_gradient,
    dense_update,
};

use super::{Audit, FITS, matrix, numbers};
use crate::error::AuditError;

impl<T: Element> Audit<T> {
    pub(super) fn layers(&mut self) -> Result<(), AuditError> {
        let (cpu, vectors) = (self.cpu, self.vectors);
        let [b, n, m] = black_box([5, 3, self.ragged(1)]);
        let [batch, fan_in, fan_out] = [b, n, m].map(|size| size as u128);
        let shape = format!("{b}×{n}×{m}");
        let (x, w, bias) = (numbers::<T>(b * n), numbers::<T>(n * m), numbers::<T>(m));
        let (mut a, mut z) = (numbers::<T>(b * m), numbers::<T>(b * m));
        let forward = |f| vectors.dense_forward(batch, fan_in, fan_out, f);

        let f = Activation::Sigmoid;
        self.run(format!("dense_forward, {f} {shape}"), forward(f), || {
            let a = MatrixMut::new(&mut a, b, m).expect(FITS);
            dense_forward(&cpu, matrix(&x, b, n), matrix(&w, n, m), &bias, f, a).expect(FITS);
        })?;
        let packed = PackedMatrix::new(matrix(&w, n, m));
        self.run(format!("dense_forward, W packed, {f} {shape}"), forward(f), || {
            let a = MatrixMut::new(&mut a, b, m).expect(FITS);
            dense_forward(&cpu, matrix(&x, b, n), &packed, &bias, f, a).expect(FITS);
        })?;
        let f = Activation::Gelu;
        self.run(format!("dense_forward_keeping, {f} {shape}"), forward(f), || {
            let [a, z] = [&mut a, &mut z].map(|data| MatrixMut::new(data, b, m).expect(FITS));
            dense_forward_keeping(&cpu, matrix(&x, b, n), matrix(&w, n, m), &bias, f, z, a).expect(FITS);
        })?;
        // Wide in the inputs, for those are what vectors run along here.
        let (delta, across, kept, mut d) =
            (numbers::<T>(b * n), numbers::<T>(m * n), numbers::<T>(b * m), numbers::<T>(b * m));
        for f in [Activation::Identity, Activation::Tanh, Activation::Silu] {
            let formula = vectors.dense_input_gradient(batch, fan_out, fan_in, f);
            self.run(format!("dense_input_gradient, {f} {b}×{m}×{n}"), formula, || {
                let d = MatrixMut::new(&mut d, b, m).expect(FITS);
                let (delta, w, kept) = (matrix(&delta, b, n), matrix(&across, m, n), matrix(&kept, b, m));
                dense_input_gradient(&cpu, delta, w, f, kept, d).expect(FITS);
            })?;
        }
        let [learning_rate, small, keep] = black_box([0.01, 1e-3, 0.7]).map(T::from_f64);
        let adam = Rule::Adam {
            step_size: learning_rate,
            one_minus_beta1: small,
            beta2: keep,
            one_minus_beta2: small,
            correction: keep,
            epsilon: small,
            decay: Decay::Decoupled(keep),
        };
        for (name, rule) in [("descent", Rule::Sgd { learning_rate, decay: Decay::None }), ("Adam", adam)] {
            let [mut w, mut first, mut second] = [(); 3].map(|()| vec![T::ONE; n * m]);
            self.run(
                format!("dense_update by {name} {shape}"),
                vectors.dense_update(batch, fan_in, fan_out, &rule),
                || {
                    let [w, first, second] =
                        [&mut w, &mut first, &mut second].map(|data| MatrixMut::new(data, n, m).expect(FITS));
                    let kept = rule.state();
                    let state = [(kept > 0).then_some(first), (kept > 1).then_some(second)];
                    dense_update(&cpu, matrix(&x, b, n), matrix(&a, b, m), rule, w, state).expect(FITS);
                },
            )?;
        }
        Ok(())
    }
}
