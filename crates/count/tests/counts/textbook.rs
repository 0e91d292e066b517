//! A training step as a textbook has it: what each phase takes, written down layer by layer, without programs and formulas.
//!
//! Formulas are sums over the calls that a step makes; so a call that a step makes too much, or forgets, is in both numbers. It is not in
//! this one.

use crate::common::{Textbook, derivative};
use crate::losses;
use nxm_count::{Clipping, Loss, NetworkSpec, Optimizer};
use nxm_kernels::Function;
use nxm_net::{Adam, AdamW, Sgd};

/// What a step on `batch` examples takes.
pub fn step(spec: &NetworkSpec, batch: u64) -> Textbook {
    let b = u128::from(batch);
    let mut sum = Textbook::default();
    for (l, pair) in spec.sizes().windows(2).enumerate() {
        let [n, m] = [pair[0], pair[1]].map(u128::from);
        let (product, activation) = (b * n * m, spec.activation(l));
        // Forward, and the derivative of what was made there.
        sum = sum.plus([product; 2]).and(derivative(activation, b * m));
        if let Some(function) = activation.function() {
            sum = sum.and(Textbook { functions: vec![(function, b * m)], ..Textbook::default() });
        }
        // Gradients of weights, of biases, and, but of the data, of inputs. For one example those are dot products, which have an addition less.
        sum = sum.plus([product; 2]).plus([0, b * m]);
        if l > 0 {
            let fewer = if b == 1 && m > 1 { n } else { 0 };
            sum = sum.plus([product, product - fewer]);
        }
    }
    let parameters = spec.parameters();
    let loss = losses::textbook(kind(spec.loss()), b, u128::from(spec.sizes()[spec.layers()]));
    let clip = match spec.clipping() {
        Clipping::None => Textbook::default(),
        // Σ g², its root, and the quotient.
        clipping => {
            let scaled = if clipping == Clipping::Scaled { parameters } else { 0 };
            let (multiplications, additions) = (parameters + scaled, parameters + 1);
            Textbook { multiplications, additions, sqrt: 1, div: 1, ..Textbook::default() }
        }
    };
    sum.and(loss).and(clip).and(update(spec.optimizer(), parameters))
}

fn kind(loss: &Loss) -> losses::Which {
    match loss {
        Loss::MeanSquaredError => losses::Which::MeanSquaredError,
        Loss::BinaryCrossEntropy => losses::Which::BinaryCrossEntropy,
        loss if *loss == Loss::CROSS_ENTROPY => losses::Which::CrossEntropy,
        Loss::CrossEntropy { .. } => losses::Which::WeightedCrossEntropy,
    }
}

/// What an optimizer takes for so many parameters.
fn update(optimizer: &Optimizer, parameters: u128) -> Textbook {
    let adam = (6, 5, 1);
    // Multiplications, additions, and roots and quotients; and for the decay multiplications and additions.
    let ((multiplications, additions, roots), decay) = match *optimizer {
        Optimizer::Sgd(Sgd { momentum, dampening, nesterov, weight_decay, .. }) => {
            let rule = match (momentum != 0.0, nesterov, dampening != 0.0) {
                (false, ..) => (1, 1, 0),
                (true, true, _) => (3, 3, 0),
                (true, false, true) => (3, 2, 0),
                (true, false, false) => (2, 2, 0),
            };
            (rule, if weight_decay != 0.0 { (1, 1) } else { (0, 0) })
        }
        Optimizer::Adam(Adam { weight_decay, .. }) => (adam, if weight_decay != 0.0 { (1, 1) } else { (0, 0) }),
        Optimizer::AdamW(AdamW { weight_decay, .. }) => (adam, if weight_decay != 0.0 { (1, 0) } else { (0, 0) }),
    };
    Textbook {
        multiplications: parameters * (multiplications + decay.0),
        additions: parameters * (additions + decay.1),
        div: parameters * roots,
        sqrt: parameters * roots,
        cmp: parameters * optimizer.state_names().len() as u128,
        ..Textbook::default()
    }
}

impl Textbook {
    /// Both together.
    fn and(self, other: Textbook) -> Textbook {
        let count = |function| {
            let of =
                |book: &Textbook| book.functions.iter().filter(|(f, _)| *f == function).map(|(_, n)| n).sum::<u128>();
            of(&self) + of(&other)
        };
        let functions = Function::ALL.map(|f| (f, count(f))).into_iter().filter(|(_, n)| *n > 0).collect();
        Textbook {
            multiplications: self.multiplications + other.multiplications,
            additions: self.additions + other.additions,
            div: self.div + other.div,
            sqrt: self.sqrt + other.sqrt,
            cmp: self.cmp + other.cmp,
            convert: self.convert + other.convert,
            functions,
        }
    }
}
