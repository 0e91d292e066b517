//! Vectors: sums, softmax, and the update of parameters by every rule.

use std::hint::black_box;

use nxm_kernels::{Call, Decay, Element, MatrixMut, MatrixRef, Rule};

use super::{Audit, Buffers, FITS, Laid};
use crate::error::AuditError;

impl Audit {
    /// Less than a vector, perhaps; a reduction of four blocks, and of some more.
    pub(super) fn of_lengths<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        for n in self.lengths::<T>() {
            match kernel {
                "dot" => self.run::<T>(&n.to_string(), |Buffers { numbers: [x, y, to, ..], .. }| {
                    Call::dot(vector(x, n), vector(y, n), MatrixMut::from_row(&mut to[..1]))
                })?,
                // Its sums are f64, whatever its vectors are.
                "dot_in_f64" if T::NAME == f64::NAME => {
                    self.run::<f64>(&n.to_string(), |Buffers { numbers: [to, ..], singles, .. }| {
                        Call::dot_in_f64(&singles[..n], &singles[n..2 * n], MatrixMut::from_row(&mut to[..1]))
                    })?;
                }
                "dot_in_f64" => {}
                _ => self.run::<T>(&n.to_string(), |Buffers { numbers: [x, y, ..], .. }| {
                    Call::axpy(black_box(T::from_f64(0.3)), vector(x, n), MatrixMut::from_row(&mut y[..n]))
                })?,
            }
        }
        Ok(())
    }

    pub(super) fn by_rows<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        for n in self.lengths::<T>() {
            self.run::<T>(&format!("2×{n}"), |Buffers { numbers: [z, to, a, ..], .. }| match kernel {
                "softmax" => Call::softmax(Laid::Padded.write(z, 2, n)),
                "log_softmax" => Call::log_softmax(Laid::Plain.write(z, 2, n)),
                "softmax_gradient" | "log_softmax_gradient" => {
                    let (a, delta) = (Laid::Padded.read(a, 2, n), Laid::Padded.read(z, 2, n));
                    let d = Laid::Padded.write(to, 2, n);
                    if kernel == "softmax_gradient" {
                        Call::softmax_gradient(a, delta, d)
                    } else {
                        Call::log_softmax_gradient(a, delta, d)
                    }
                }
                _ => Call::log_sum_exp(Laid::Plain.read(z, 2, n), MatrixMut::from_row(&mut to[..2])),
            })?;
            // Of another matrix, and gradients of rows without padding.
            self.run::<T>(&format!("2×{n}, plain"), |Buffers { numbers: [z, to, a, ..], .. }| {
                let (x, a) = (Laid::Plain.read(z, 2, n), Laid::Plain.read(a, 2, n));
                match kernel {
                    "softmax" => Call::softmax_of(x, Laid::Plain.write(to, 2, n)),
                    "log_softmax" => Call::log_softmax_of(x, Laid::Plain.write(to, 2, n)),
                    "softmax_gradient" => Call::softmax_gradient(a, x, Laid::Plain.write(to, 2, n)),
                    "log_softmax_gradient" => Call::log_softmax_gradient(a, x, Laid::Plain.write(to, 2, n)),
                    _ => Call::log_sum_exp(x, MatrixMut::from_row(&mut to[..2])),
                }
            })?;
        }
        Ok(())
    }

    /// Every rule with every decay.
    pub(super) fn updates<T: Element>(&mut self) -> Result<(), AuditError> {
        let n = self.ragged(7);
        for (name, rule) in rules::<T>().into_iter().chain(rules_apart()) {
            for laid in Laid::ALL {
                let rows = if laid == Laid::Padded { 3 } else { 1 };
                self.run::<T>(&format!("by {name} {rows}×{n}{}", laid.name()), |operands| {
                    let Buffers { numbers: [gradient, weights, first, second, third, ..], .. } = operands;
                    let state = [first, second, third].map(|kept| positive(kept)).map(|kept| laid.write(kept, rows, n));
                    let state = kept(&rule, state);
                    Call::update(rule, laid.read(gradient, rows, n), laid.write(weights, rows, n), state)
                })?;
            }
        }
        Ok(())
    }

    /// The norm of gradients, and their scaling.
    pub(super) fn clipping<T: Element>(&mut self, kernel: &'static str) -> Result<(), AuditError> {
        for (i, n) in self.lengths::<T>().into_iter().enumerate() {
            let laid = Laid::ALL[i % 2];
            self.run::<T>(
                &format!("3×{n}{}", laid.name()),
                |Buffers { numbers: [x, one, sum, scale, ..], .. }| match kernel {
                    "add_squares" => {
                        Call::add_squares(vector(one, 1), laid.read(x, 3, n), MatrixMut::from_row(&mut sum[..1]))
                    }
                    "clip_scale" => Call::clip_scale(
                        black_box(T::ONE),
                        vector(positive(one), 1),
                        MatrixMut::from_row(&mut sum[..1]),
                        MatrixMut::from_row(&mut scale[..1]),
                    ),
                    "inverse_norm" => Call::inverse_norm(
                        black_box(T::from_f64(1e-7)),
                        vector(positive(one), 1),
                        MatrixMut::from_row(&mut sum[..1]),
                    ),
                    "clamp" => Call::clamp(black_box(T::from_f64(0.3)), laid.write(x, 3, n)),
                    _ => Call::scale(vector(one, 1), laid.write(x, 3, n)),
                },
            )?;
        }
        if kernel == "add_squares" {
            // Rows that begin apart and have no columns: a loop of their own.
            let none = black_box(0);
            self.run::<T>("3×0, apart", |Buffers { numbers: [x, one, sum, ..], .. }| {
                let x = MatrixRef::with_strides(x, 3, none, T::BLOCK, 1).expect(FITS);
                Call::add_squares(vector(one, 1), x, MatrixMut::from_row(&mut sum[..1]))
            })?;
        }
        Ok(())
    }
}

/// The first `n` elements as a matrix of one row.
fn vector<T: Element>(data: &[T], n: usize) -> MatrixRef<'_, T> {
    MatrixRef::new(data, 1, n).expect(FITS)
}

/// The same numbers without their signs.
fn positive<T: Element>(data: &mut [T]) -> &mut [T] {
    data.iter_mut().for_each(|x| *x = T::from_f64(x.to_f64().abs()));
    data
}

/// As many matrices as the rule keeps.
pub(super) fn kept<'a, T: Element, const N: usize>(
    rule: &Rule<T>,
    state: [MatrixMut<'a, T>; N],
) -> [Option<MatrixMut<'a, T>>; N] {
    let mut state = state.map(Some);
    state[rule.state()..].fill_with(|| None);
    state
}

/// Every rule that is never fused, by name.
fn rules_apart<T: Element>() -> Vec<(String, Rule<T>)> {
    let [learning_rate, beta, rest, small] = black_box([0.01, 0.9, 0.1, 1e-3]).map(T::from_f64);
    let (one_minus_beta1, beta2, one_minus_beta2, epsilon, lambda) = (rest, beta, rest, small, small);
    let rmsprop = |centred, momentum| Rule::RmsProp {
        learning_rate,
        alpha: beta,
        one_minus_alpha: rest,
        epsilon,
        centred,
        momentum,
        lambda,
    };
    let amsgrad = Rule::AmsGrad {
        step_size: learning_rate,
        one_minus_beta1,
        beta2,
        one_minus_beta2,
        correction: rest,
        epsilon,
        lambda,
        keep: beta,
    };
    let nadam = Rule::NAdam {
        of_gradient: learning_rate,
        of_moment: rest,
        one_minus_beta1,
        beta2,
        one_minus_beta2,
        correction: rest,
        epsilon,
        lambda,
    };
    let rules = [
        ("AMSGrad", amsgrad),
        ("RMSprop", rmsprop(false, None)),
        ("RMSprop with momentum", rmsprop(false, Some(beta))),
        ("centred RMSprop", rmsprop(true, None)),
        ("centred RMSprop with momentum", rmsprop(true, Some(beta))),
        ("Adagrad", Rule::Adagrad { learning_rate, epsilon, lambda }),
        ("Adadelta", Rule::Adadelta { learning_rate, rho: beta, one_minus_rho: rest, epsilon, lambda }),
        ("Adamax", Rule::Adamax { step_size: learning_rate, one_minus_beta1, beta2, epsilon, lambda }),
        ("NAdam", nadam),
        ("Lion", Rule::Lion { learning_rate, one_minus_beta1, one_minus_beta2, keep: beta }),
        ("Rprop", Rule::Rprop { smaller: rest, larger: beta, least: small, most: beta }),
    ];
    rules.map(|(name, rule)| (name.to_owned(), rule)).into()
}

/// Every rule that may be fused with every decay, by name.
pub(super) fn rules<T: Element>() -> Vec<(String, Rule<T>)> {
    let [learning_rate, momentum, keep, small] = black_box([0.01, 0.9, 0.7, 1e-3]).map(T::from_f64);
    let mut rules = Vec::new();
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
            rules.push((format!("{name}{decayed}"), rule));
        }
    }
    rules
}
