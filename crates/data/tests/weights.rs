//! Weights of rows and of classes: from a column to the loss, and what is refused.

use nxm_data::{ClassWeights, Examples, Model, ReadOptions, Recipe, Schema, Split, Table};
use nxm_net::{Cpu, Loss};

/// Rows whose class follows from their size; those of an odd number weigh twice as much, and every fifth nothing.
fn weight(i: usize) -> usize {
    if i.is_multiple_of(5) { 0 } else { 1 + i % 2 }
}

fn rows(range: std::ops::Range<usize>) -> String {
    let row = |i: usize| {
        let size = i * 7 % 23;
        format!("{size}.5,{},{},{}\n", ["small", "large", "huge"][size / 8], 2 * size, weight(i))
    };
    format!("size,kind,price,w\n{}", range.map(row).collect::<String>())
}

fn table(text: &str) -> Table {
    Table::read_from(text.as_bytes(), "rows", &ReadOptions::default()).unwrap()
}

fn refused(table: &Table, column: &str) -> String {
    let found = table.target("kind").ignore(["price"]).weights(column).stratified(0.2, 1);
    found.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn weights_travel_with_rows_and_are_not_learned_from() {
    let table = table(&rows(0..60));
    let split = table.target("kind").ignore(["price"]).weights("w").stratified(0.25, 3).unwrap();
    let schema = Schema::fit(&split).unwrap();
    assert_eq!(schema.weights.as_deref(), Some("w"));
    assert!(schema.encoder.columns().iter().all(|column| column.name != "w"));
    for part in [&split.train, &split.held_out] {
        let data = schema.dataset(part).unwrap();
        let expected: Vec<f32> = part.rows.iter().map(|row| weight(*row) as f32).collect();
        assert_eq!(data.weights(), Some(&expected[..]));
    }
    // The note of a model from before there were weights has none of them.
    let unweighted = table.target("kind").ignore(["price", "w"]).stratified(0.25, 3).unwrap();
    let old = Schema::fit(&unweighted).unwrap();
    assert!(!old.note().unwrap().contains("weights"));
    assert_eq!(serde_json::from_str::<Schema>(&old.note().unwrap()).unwrap().weights, None);
    assert_eq!(serde_json::from_str::<Schema>(&schema.note().unwrap()).unwrap(), schema);
    assert_eq!(old.dataset(&unweighted.train).unwrap().weights(), None);
}

#[test]
fn a_model_is_fitted_to_weighted_rows_and_keeps_the_column() {
    let (cpu, learned) = (Cpu::detect().unwrap(), table(&rows(0..90)));
    for target in ["kind", "price"] {
        let fit = |weighted: bool| {
            let selection = learned.target(target).ignore(["w"]);
            let selection = if weighted { selection.weights("w") } else { selection };
            let split = selection.random(0.2, 1).unwrap();
            Model::fit(&cpu, &split, &Recipe::default().with_hidden([8]).with_epochs(5)).unwrap()
        };
        let [plain, weighted] = [false, true].map(fit);
        assert_ne!(plain.history[0].loss.to_bits(), weighted.history[0].loss.to_bits(), "{target}");
        assert_eq!((plain.schema.weights, weighted.schema.weights), (None, Some("w".to_owned())));
    }
}

/// Importance shuffles inputs and leaves weights where they are.
#[test]
fn importance_keeps_weights() {
    let (cpu, learned) = (Cpu::detect().unwrap(), table(&rows(0..90)));
    let split = learned.target("kind").ignore(["price"]).weights("w").stratified(0.2, 1).unwrap();
    let model = Model::fit(&cpu, &split, &Recipe::default().with_hidden([8]).with_epochs(5)).unwrap();
    let data = model.schema.dataset(&split.held_out).unwrap();
    let loss = &model.checkpoint.options.loss;
    let base = model.checkpoint.network.evaluate(&cpu, &data, loss).unwrap().loss;
    let found = model.importance(&data, 1, 1).unwrap();
    assert_eq!(found.len(), 1);
    // A loss of shuffled rows without weights would differ from this one by more than shuffling does.
    assert!(base.is_finite() && found[0].1.mean.is_finite());
}

#[test]
fn weights_that_are_none_are_refused_by_their_row() {
    let text = |weights: [&str; 4]| {
        let row = |(i, w): (usize, &str)| format!("{i}.5,{},{i},{w}\n", ["a", "b"][i % 2]);
        format!("size,kind,price,w\n{}", weights.into_iter().enumerate().map(row).collect::<String>())
    };
    for (weights, parts) in [
        (["1", "2", "", "1"], ["line 4, column \"w\"", "is missing"]),
        (["1", "-2.5", "1", "1"], ["line 3, column \"w\"", "is -2.5"]),
        (["1", "2", "1", "heavy"], ["line 5, column \"w\"", "is no number"]),
        (["1", "2", "1e39", "1"], ["line 4, column \"w\"", "is 1000000"]),
    ] {
        let error = refused(&table(&text(weights)), "w");
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?}: {error}");
    }
    let fine = table(&text(["1", "2", "1", "1"]));
    assert!(refused(&fine, "x").contains("no column \"x\""));
    assert!(refused(&fine, "kind").contains("to be learned and to say what rows weigh"));
    // A row without a target needs no weight.
    let dropped = table("size,kind,w\n1.5,a,1\n2.5,b,2\n3.5,,\n4.5,a,0\n");
    let split = dropped.target("kind").weights("w").stratified(0.0, 1).unwrap();
    assert_eq!(split.train.weights().unwrap(), Some(vec![1.0, 2.0, 0.0]));
    let nothing = table(&text(["0", "0", "0", "0"]));
    let split = nothing.target("kind").ignore(["price"]).weights("w").stratified(0.0, 1).unwrap();
    let error = Schema::fit(&split).unwrap().dataset(&split.train).unwrap_err().to_string();
    assert!(error.contains("weight 0 in all 4 rows"), "{error}");
}

#[test]
fn a_table_that_is_held_out_says_its_weights_too() {
    let (learned, judged) = (table(&rows(0..60)), table(&rows(60..90)));
    let examples = || learned.target("kind").ignore(["price"]).weights("w").examples().unwrap();
    let split = Split::of(examples(), &judged).unwrap();
    assert_eq!(split.held_out.weights().unwrap().unwrap(), (60..90).map(|i| weight(i) as f32).collect::<Vec<_>>());
    let without = table("size,kind,price\n1.5,small,3\n");
    let error = Split::of(examples(), &without).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("no column \"w\""), "{error}");
    // A model's own examples have weights if they are asked for.
    let target = examples().target;
    let model_s = |column| Examples::of_model(&judged, &target).unwrap().weighted_by(column).unwrap().all();
    assert_eq!(model_s(None).weights().unwrap(), None);
    assert!(model_s(Some("w")).weights().unwrap().is_some());
}

#[test]
fn balanced_classes_are_counted_in_training_rows() {
    let (cpu, learned) = (Cpu::detect().unwrap(), table(&rows(0..90)));
    let split = learned.target("kind").ignore(["price", "w"]).stratified(0.2, 1).unwrap();
    let recipe = Recipe::default().with_hidden([8]).with_epochs(2).with_class_weights(ClassWeights::Balanced);
    let model = Model::fit(&cpu, &split, &recipe).unwrap();
    let Loss::CrossEntropy { class_weights, .. } = &model.checkpoint.options.loss else { panic!() };
    let nxm_data::TargetValues::Classes(classes) = split.train.values().unwrap() else { panic!() };
    let count = |class: u32| classes.iter().filter(|other| **other == class).count() as f64;
    let expected: Vec<f64> = (0..3).map(|class| classes.len() as f64 / (3.0 * count(class))).collect();
    assert_eq!(*class_weights, expected);

    let numbers = learned.target("price").ignore(["w"]).random(0.2, 1).unwrap();
    let error = Model::fit(&cpu, &numbers, &recipe).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("class weights are for classes"), "{error}");
}
