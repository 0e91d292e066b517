//! Section 1: the question the project comes from.

use std::io::Write;

use nxm_count::{Formulas, NetworkSpec, Ops, StepPart};
use nxm_kernels::{Activation, Function};
use nxm_net::Loss;

use crate::failure::Failure;
use crate::format::{count, plural, significant};
use crate::table::{Look, table};

/// Thirty inputs, thirty hidden units, thirty outputs.
const SIZES: [u64; 3] = [30, 30, 30];
/// The larger of the two batches that are compared.
const BATCH: u64 = 32;

/// Answers it.
pub fn write(out: &mut impl Write) -> Result<(), Failure> {
    let network = NetworkSpec::new(SIZES, Activation::Sigmoid, Activation::Sigmoid, Loss::MeanSquaredError)
        .map_err(Failure::usage)?;
    let step = |batch| Formulas::textbook::<f32>().step(&network, batch).map_err(Failure::usage);
    let (one, many) = (step(1)?, step(BATCH)?);
    let forward = one.forward.useful;
    writeln!(
        out,
        "A layer of N inputs and M units takes N·M multiplications, M sums over N + 1 terms, M activations.\n\
         The forward pass of 30-30-30: {} multiplications, {} additions, {} sigmoids.\n\
         To learn from an example costs more (sigmoid, mean squared error, gradient descent):\n",
        count(forward.multiplications()),
        count(forward.additions()),
        count(forward.evaluations(Function::Sigmoid)),
    )?;
    let row = |name: &str, ops: Ops, factor: String| {
        let evaluations = ops.evaluations(Function::Sigmoid);
        let evaluations = if evaluations == 0 { String::new() } else { count(evaluations) };
        [name.to_owned(), count(ops.multiplications()), count(ops.additions()), evaluations, factor]
    };
    let parts = one.parts().into_iter().filter(|(part, _)| *part != StepPart::Total);
    let parts = parts.map(|(part, tally)| row(part.name(), tally.useful, String::new()));
    let totals = [(1, &one), (BATCH, &many)].map(|(batch, step)| {
        let [total, forward] = [step.total, step.forward].map(|tally| tally.useful.multiplications() as f64);
        let name = format!("a step on {}", plural(batch, "example"));
        row(&name, step.total.useful, format!("{} × its forward", significant(total / forward)))
    });
    let header = ["", "multiplications", "additions", "sigmoids", ""];
    writeln!(out, "{}\n", table(Look::Text, header, 1, parts.chain(totals)))?;
    writeln!(
        out,
        "× compares multiplications. (A fused multiply-add is one multiplication and one addition.)\n\
         The update is paid once a step, so larger batches make examples cheaper."
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_answered() {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("1,800 multiplications, 1,800 additions, 60 sigmoids"), "{text}");
        // (1,800 + 61 + 2,820 + 1,860) / 1,800 = 3.634; at 32: (32·(1,800 + 2,820) + 1,921 + 1,860) / 57,600 = 2.632.
        assert!(text.contains("3.63 × its forward") && text.contains("2.63 × its forward"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
