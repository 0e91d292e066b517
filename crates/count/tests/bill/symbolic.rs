//! Formulas in letters: what they say at other numbers is what the crate's formulas say there.

use nxm_count::{Activation, Formulas, Level, Loss, NetworkSpec, Ops, SymbolicCount, SymbolicPhase, symbolic};
use nxm_kernels::Phase;
use proptest::prelude::*;

/// Reads a formula as people write it, with numbers for B, N and M.
fn value(formula: &str, [b, n, m]: [u64; 3]) -> i128 {
    let terms = formula.replace(" − ", " + −");
    let factor = |text: &str| match text {
        "B" => i128::from(b),
        "N" => i128::from(n),
        "M" => i128::from(m),
        number => number.parse().unwrap_or_else(|_| panic!("{number:?} in {formula:?}")),
    };
    let term = |term: &str| match term.strip_prefix('−') {
        Some(rest) => -rest.split('·').map(factor).product::<i128>(),
        None => term.split('·').map(factor).product(),
    };
    terms.split(" + ").map(term).sum()
}

fn number(ops: &Ops, what: &str) -> u128 {
    match what {
        "multiplications" => ops.multiplications(),
        "additions" => ops.additions(),
        "fma" => ops.own().fma(),
        "mul" => ops.own().mul(),
        "add" => ops.own().add(),
        "div" => ops.own().div(),
        "sqrt" => ops.own().sqrt(),
        "cmp" => ops.own().cmp(),
        "convert" => ops.own().convert(),
        function => ops.functions().find(|(known, _)| known.name() == function).map_or(0, |(_, count)| count),
    }
}

fn useful(network: &NetworkSpec, batch: u64, row: &SymbolicPhase) -> Ops {
    let step = Formulas::textbook::<f32>().step(network, batch).expect("small");
    let phase = Phase::ALL.into_iter().find(|phase| phase.name() == row.phase).expect("a phase");
    if phase == Phase::Loss { step.loss.useful } else { step.layers[row.layer - 1][phase].useful }
}

fn find<'a>(rows: &'a [SymbolicPhase], layer: usize, phase: &str) -> &'a [SymbolicCount] {
    &rows.iter().find(|row| row.layer == layer && row.phase == phase).expect(phase).useful
}

#[test]
fn the_formulas_of_the_textbook() {
    let network = NetworkSpec::new([784, 128, 10], Activation::Relu, Activation::Sigmoid, Loss::MeanSquaredError);
    let network = network.expect("a network");
    let scalar = Level::named("scalar").expect("a level");
    let rows = symbolic::<f32>(&network, 32, scalar).expect("small");
    for (layer, phase, what, formula) in [
        (1, "forward", "fma", "B·N·M"),
        (1, "forward", "relu", "B·M"),
        (1, "weight_gradient", "fma", "B·N·M"),
        (1, "bias_gradient", "add", "B·M"),
        (1, "update", "fma", "N·M + M"),
        (2, "input_gradient", "fma", "B·N·M"),
        (2, "loss", "multiplications", "2·B·M + 1"),
        (2, "loss", "additions", "2·B·M − 1"),
        (2, "activation_gradient", "mul", "2·B·M"),
    ] {
        let counts = find(&rows, layer, phase);
        let count = counts.iter().find(|count| count.what == what).unwrap_or_else(|| panic!("{phase}: {counts:?}"));
        assert_eq!(count.formula.as_deref(), Some(formula), "{phase}");
    }
    assert!(!rows.iter().any(|row| row.layer == 1 && row.phase == "input_gradient"), "nobody asks for it");
    // The input gradient of one example is dot products: a formula that holds for one example alone, and says so.
    let one = symbolic::<f32>(&network, 1, scalar).expect("small");
    let gradient = find(&one, 2, "input_gradient");
    let said: Vec<_> = gradient.iter().map(|count| (count.formula.as_deref(), count.one_example)).collect();
    assert_eq!(said, [(Some("B·N·M"), false), (Some("N·M − N"), true)]);
}

#[test]
fn padding_is_in_whole_vectors() {
    let network = NetworkSpec::new([20, 33, 5], Activation::Relu, Activation::Identity, Loss::MeanSquaredError);
    let level = Level::named("wide").expect("a level");
    let lanes = level.shape::<f32>().lanes;
    let rows = symbolic::<f32>(&network.expect("a network"), 3, level).expect("small");
    let forward = rows.iter().find(|row| row.layer == 1 && row.phase == "forward").expect("a phase");
    let product = forward.executed.iter().find(|count| count.value > 1_000).expect("a product");
    assert_eq!(product.formula, Some(format!("{lanes}·B·N·⌈M/{lanes}⌉")));
    assert_eq!(product.value, 3 * 20 * (33usize.div_ceil(lanes) * lanes) as u128);
}

#[test]
fn numbers_too_large_for_formulas_are_numbers() {
    let network = NetworkSpec::new([u64::MAX, 1], Activation::Relu, Activation::Identity, Loss::MeanSquaredError);
    let rows = symbolic::<f32>(&network.expect("a network"), 1, Level::named("scalar").expect("a level"));
    let rows = rows.expect("it fits");
    let forward = find(&rows, 1, "forward");
    assert_eq!((forward[0].formula.as_deref(), forward[0].value), (None, u64::MAX.into()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn formulas_hold_at_other_numbers(
        hidden in proptest::sample::select(Activation::samples()),
        loss in 0..Loss::ALL.len(),
        at in prop::array::uniform4(2u64..40),
        more in prop::array::uniform4(0u64..200),
    ) {
        let spec = |[_, n, m, k]: [u64; 4]| {
            NetworkSpec::new([n, m, k], hidden, Activation::Identity, Loss::ALL[loss].clone()).unwrap()
        };
        let there = [0, 1, 2, 3].map(|i| at[i] + more[i]);
        let rows = symbolic::<f32>(&spec(at), at[0], Level::named("scalar").unwrap()).unwrap();
        let mut formulas = 0;
        for row in &rows {
            let [here, other] = [at, there].map(|sizes| useful(&spec(sizes), sizes[0], row));
            let numbers = |sizes: [u64; 4]| [sizes[0], sizes[row.layer], sizes[row.layer + 1]];
            for count in &row.useful {
                prop_assert_eq!(count.value, number(&here, count.what));
                prop_assert!(!count.one_example);
                let formula = count.formula.as_ref().expect("counts of this size have formulas");
                prop_assert_eq!(value(formula, numbers(at)), count.value as i128);
                prop_assert_eq!(value(formula, numbers(there)), number(&other, count.what) as i128, "{:?}", row);
                formulas += 1;
            }
        }
        prop_assert!(formulas >= 10, "{rows:?}");
    }
}
