//! A trainer as a textbook has it: plain loops, in numbers that count their own operations.
//!
//! It follows PyTorch's definitions of activations, losses, optimizers and clipping, and this project's conventions of counting (docs/counting.md).
//! It shares no code with the kernels, the programs and the formulas. They share the question: sizes, activations, loss and optimizer. So a
//! decision that both the formulas and the kernels take from one place, such as an optimizer's rule, is checked here: `by_hand` holds the counts
//! and the trained parameters against it.

mod activations;
mod losses;
mod machine;
mod muon;
mod norms;
mod optimizers;
mod others;
mod softmaxes;
mod trainer;

use std::cell::RefCell;

use crate::cases::Textbook;
use nxm_count::{Clipping, NetworkSpec};
use nxm_kernels::Function;

pub use machine::Machine;
pub use trainer::{Answers, Trainer};

/// What a step on `batch` examples takes: a step is made, and its operations are counted. A thread that asks again is told the same.
pub fn step(spec: &NetworkSpec, batch: u64) -> Textbook {
    thread_local! {
        static LAST: RefCell<Option<(NetworkSpec, u64, Machine)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| match last {
        Some((of, rows, machine)) if of == spec && *rows == batch => machine.count(),
        _ => last.insert((spec.clone(), batch, counted(spec, batch))).2.count(),
    })
}

/// A step on made-up examples, counted.
fn counted(spec: &NetworkSpec, batch: u64) -> Machine {
    let rows = usize::try_from(batch).expect("a batch that can be trained on");
    let mut trainer = Trainer::new(spec, |layer, i| ((layer * 31 + i * 7) % 19) as f64 / 19.0 - 0.5);
    trainer.max_value = (spec.clipping() == Clipping::ByValue).then_some(1e-3);
    trainer.max_norm = match spec.clipping() {
        Clipping::None | Clipping::ByValue => None,
        Clipping::Within => Some(1e300),
        Clipping::Scaled => Some(1e-30),
    };
    trainer.average = spec.has_average().then(|| (0.9, Vec::new()));
    trainer.weights = spec.has_example_weights().then(|| (0..rows).map(|i| 0.5 + i as f64).collect());
    let (inputs, outputs) = (trainer.inputs(), trainer.outputs());
    let x: Vec<f64> = (0..rows * inputs).map(|i| (i % 17) as f64 / 17.0 - 0.4).collect();
    let values: Vec<f64> = (0..rows * outputs).map(|i| (i % 13) as f64 / 13.0).collect();
    let labels: Vec<u32> = (0..rows).map(|i| (i % outputs) as u32).collect();
    let answers = if spec.loss().takes_labels() { Answers::Classes(&labels) } else { Answers::Values(&values) };
    let mut machine = Machine::default();
    trainer.step(&mut machine, &x, answers);
    machine
}

impl Machine {
    /// What has been counted.
    pub fn count(&self) -> Textbook {
        let of = |function: Function| (function, self.functions.get(function.name()).copied().unwrap_or(0));
        let functions: Vec<_> = Function::ALL.into_iter().map(of).filter(|(_, n)| *n > 0).collect();
        let known: u128 = functions.iter().map(|(_, n)| n).sum();
        assert_eq!(known, self.functions.values().sum(), "each evaluation has the name of a function");
        Textbook {
            multiplications: self.multiplications,
            additions: self.additions,
            div: self.div,
            sqrt: self.sqrt,
            cmp: self.cmp,
            convert: 0,
            functions,
        }
    }
}
