//! The choice among the rules, made once, outside of the loop over parameters.

use super::adaptive::{Adadelta, Adagrad, Adamax, AmsGrad, Lion, NAdam, RmsProp, Rprop};
use super::rule::{Decay, Rule};
use super::rules::{Adam, Dampened, Decayed, Decoupled, Momentum, Nesterov, Plain, Update, least_v};
use crate::element::Lane;

impl<T: Lane> Rule<T> {
    /// The rule as a type, handed to `visitor`: the choice is made once, outside of the loop over parameters. A rule that is never fused
    /// ([`is_fused`](Self::is_fused)) is not handed over: the checks of a call and of a program refuse it before.
    #[inline(always)]
    pub(crate) fn visit<V: Visitor<T>>(self, visitor: V) {
        match self {
            Rule::Sgd { learning_rate, decay } => with_decay(Plain { learning_rate }, decay, visitor),
            Rule::Momentum { learning_rate, momentum, decay } => {
                with_decay(Momentum { learning_rate, momentum }, decay, visitor)
            }
            Rule::Dampened { learning_rate, momentum, keep, decay } => {
                with_decay(Dampened { learning_rate, momentum, keep }, decay, visitor)
            }
            Rule::Nesterov { learning_rate, momentum, decay } => {
                with_decay(Nesterov { learning_rate, momentum }, decay, visitor)
            }
            Rule::Adam { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon, decay } => {
                let least_v = least_v(epsilon);
                let adam = Adam { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon, least_v };
                with_decay(adam, decay, visitor)
            }
            Rule::AmsGrad { .. } | Rule::RmsProp { .. } | Rule::Adagrad { .. } | Rule::Adadelta { .. } => {}
            Rule::Adamax { .. } | Rule::NAdam { .. } | Rule::Lion { .. } | Rule::Rprop { .. } => {}
        }
    }

    /// The same of the rules that are never fused; the others are not handed over.
    #[inline(always)]
    pub(crate) fn visit_apart<V: Visitor<T>>(self, visitor: V) {
        match self {
            Rule::Sgd { .. } | Rule::Momentum { .. } | Rule::Dampened { .. } | Rule::Nesterov { .. } => {}
            Rule::Adam { .. } => {}
            Rule::AmsGrad { step_size, one_minus_beta1, beta2, one_minus_beta2, correction, epsilon, lambda, keep } => {
                visitor.visit(AmsGrad {
                    step_size,
                    one_minus_beta1,
                    beta2,
                    one_minus_beta2,
                    correction,
                    epsilon,
                    lambda,
                    keep,
                    least: least_v(epsilon),
                })
            }
            Rule::RmsProp { learning_rate, alpha, one_minus_alpha, epsilon, centred, momentum, lambda } => {
                let (least, has_momentum) = (least_v(epsilon), momentum.is_some());
                let momentum = momentum.unwrap_or(T::ZERO);
                let plain = RmsProp::<T, false, false> {
                    learning_rate,
                    alpha,
                    one_minus_alpha,
                    epsilon,
                    momentum,
                    lambda,
                    least,
                };
                match (centred, has_momentum) {
                    (false, false) => visitor.visit(plain),
                    (false, true) => visitor.visit(plain.with::<false, true>()),
                    (true, false) => visitor.visit(plain.with::<true, false>()),
                    (true, true) => visitor.visit(plain.with::<true, true>()),
                }
            }
            Rule::Adagrad { learning_rate, epsilon, lambda } => {
                visitor.visit(Adagrad { learning_rate, epsilon, lambda, least: least_v(epsilon) });
            }
            Rule::Adadelta { learning_rate, rho, one_minus_rho, epsilon, lambda } => {
                let least = least_v(epsilon);
                visitor.visit(Adadelta { learning_rate, rho, one_minus_rho, epsilon, lambda, least });
            }
            Rule::Adamax { step_size, one_minus_beta1, beta2, epsilon, lambda } => {
                visitor.visit(Adamax { step_size, one_minus_beta1, beta2, epsilon, lambda });
            }
            Rule::NAdam {
                of_gradient,
                of_moment,
                one_minus_beta1,
                beta2,
                one_minus_beta2,
                correction,
                epsilon,
                lambda,
            } => visitor.visit(NAdam {
                of_gradient,
                of_moment,
                one_minus_beta1,
                beta2,
                one_minus_beta2,
                correction,
                epsilon,
                lambda,
                least: least_v(epsilon),
            }),
            Rule::Lion { learning_rate, one_minus_beta1, one_minus_beta2, keep } => {
                visitor.visit(Lion { learning_rate, one_minus_beta1, one_minus_beta2, keep });
            }
            Rule::Rprop { smaller, larger, least, most } => visitor.visit(Rprop { smaller, larger, least, most }),
        }
    }
}

/// Something to do with a rule, whichever it is.
pub(crate) trait Visitor<T: Lane> {
    /// Does it.
    fn visit<U: Update<T>>(self, rule: U);
}

#[inline(always)]
fn with_decay<T: Lane, U: Update<T>, V: Visitor<T>>(rule: U, decay: Decay<T>, visitor: V) {
    match decay {
        Decay::None => visitor.visit(rule),
        Decay::L2(lambda) => visitor.visit(Decayed { rule, lambda }),
        Decay::Decoupled(factor) => visitor.visit(Decoupled { rule, factor }),
    }
}
