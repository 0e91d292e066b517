//! Rules of thumb, against exact counts: `docs/counting.md` says what these say.

use nxm_count::{Activation, Formulas, Loss, NetworkSpec};

/// What a rule says, as a share of what is exact: (backward = 2 × forward, 6 flops per parameter and example, multiplications of a step = 3
/// and 4 × the forward pass's).
fn rules(sizes: &[u64], hidden: Activation, output: Activation, loss: Loss, batch: u64) -> [f64; 4] {
    let spec = NetworkSpec::new(sizes, hidden, output, loss).unwrap();
    let step = Formulas::textbook::<f32>().step(&spec, batch).unwrap();
    let (forward, backward) = (step.forward.useful, step.backward.useful);
    let by_parameters = 6.0 * spec.parameters() as f64 * batch as f64;
    let multiplications = step.total.useful.multiplications() as f64;
    let forward_multiplications = forward.multiplications() as f64;
    [
        2.0 * forward.flops() as f64 / backward.flops() as f64,
        by_parameters / step.total.useful.flops() as f64,
        3.0 * forward_multiplications / multiplications,
        4.0 * forward_multiplications / multiplications,
    ]
}

#[test]
fn are_as_wrong_as_the_documentation_says() {
    let [relu, sigmoid, identity] = [Activation::Relu, Activation::Sigmoid, Activation::Identity];
    let thirty = |batch| rules(&[30, 30, 30], sigmoid, sigmoid, Loss::MeanSquaredError, batch);
    let digits = |batch| rules(&[784, 128, 10], relu, identity, Loss::CROSS_ENTROPY, batch);
    let deep = |batch| rules(&[1024, 4096, 4096, 1000], relu, identity, Loss::CROSS_ENTROPY, batch);
    let found = [thirty(1), thirty(32), digits(1), digits(32), deep(1), deep(256)];
    let document = include_str!("../../../../docs/counting.md");
    let names = [
        "30-30-30 × 1",
        "30-30-30 × 32",
        "784-128-10 × 1",
        "784-128-10 × 32",
        "1024-4096-4096-1000 × 1",
        "1024-4096-4096-1000 × 256",
    ];
    let rows = names.into_iter().zip(found).map(|(name, rules)| {
        format!("| {name} | {} |", rules.map(|rule| format!("{:+.1} %", 100.0 * (rule - 1.0))).join(" | "))
    });
    let table = rows.collect::<Vec<_>>().join("\n");
    assert!(document.contains(&table), "docs/counting.md should have the rows\n{table}");
}

/// The one exact statement behind "backward = 2 × forward": products of a step are 3·S − N₀N₁ fma an example.
#[test]
fn backward_products_are_twice_the_forward_ones_but_for_the_first_layer() {
    let sizes = [784u64, 128, 10];
    let spec = NetworkSpec::new(sizes, Activation::Relu, Activation::Identity, Loss::CROSS_ENTROPY).unwrap();
    let step = Formulas::textbook::<f32>().step(&spec, 3).unwrap();
    let s = 784 * 128 + 128 * 10;
    assert_eq!(step.forward.useful.own().fma(), 3 * s);
    assert_eq!(step.backward.useful.own().fma(), 3 * (2 * s - 784 * 128));
}
