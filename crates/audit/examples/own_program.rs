//! An audit of one's own code: asserts what the machine code of this very build executes.
//!
//! `cargo run --release -p nxm-audit --example own_program`. In a project of one's own, the body of `main` is a test.

use std::error::Error;
use std::hint::black_box;

use nxm_audit::{assert_costs, compare_costs};
use nxm_count::{Activation, Cpu, Formulas, Kind, Kinds, Level, Loss, NetworkSpec, Rehearsal};

/// Horner's scheme: three multiplications and three additions for a cubic. What is hidden from the compiler (`black_box`) is computed one by one.
fn cubic(x: f32, [a, b, c, d]: [f32; 4]) -> f32 {
    let step = |sum: f32, next: f32| black_box(black_box(sum * x) + next);
    step(step(step(a, b), c), d)
}

fn main() -> Result<(), Box<dyn Error>> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("the audit of machine code is available on Linux on x86-64 only");
        return Ok(());
    }
    // A function of one's own, with a formula of one's own.
    let (x, coefficients) = (black_box(0.5), black_box([1.0, 2.0, 3.0, 4.0]));
    let horner = Kinds::new([(Kind::Mul, 3), (Kind::Add, 3)])?;
    assert_costs(horner, || {
        black_box(cubic(x, coefficients));
    });
    println!("a cubic executes 3 mul and 3 add");

    // A wrong formula is named.
    let wrong = Kinds::new([(Kind::Mul, 4), (Kind::Add, 3)])?;
    let task = || {
        black_box(cubic(x, coefficients));
    };
    for difference in compare_costs(wrong, task)? {
        println!("expected 4 mul: {difference}");
    }

    // A training step of N×M, with the formula that `nxm count` prints.
    let network = NetworkSpec::new([3, 4, 2], Activation::Sigmoid, Activation::Identity, Loss::MeanSquaredError)?;
    let (level, batch) = (Level::named("scalar")?, 2);
    let formula = Formulas::of::<f64>(level).step(&network, batch)?.total;
    let mut rehearsal = Rehearsal::<f64>::new(&network, batch)?;
    let (cpu, rows) = (Cpu::new(level, 1), rehearsal.batch());
    assert_costs(formula, || {
        rehearsal.step(&cpu, rows).expect("a batch of this size");
    });
    println!(
        "a step of 3-4-2 on 2 examples executes its formula: {} multiplications",
        formula.useful.own().multiplications()
    );
    Ok(())
}
