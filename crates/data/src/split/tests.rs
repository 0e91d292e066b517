//! Rows are parted.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{assert_linear, table};

fn of(rows: usize, kind: impl Fn(usize) -> String) -> Table {
    let rows: String = (0..rows).map(|i| format!("{},{},g{}\n", i * 7 % 13, kind(i), i / 3)).collect();
    table(&format!("x,kind,group\n{rows}"))
}

fn whole(split: &Split<'_>, rows: usize) {
    let all: BTreeSet<usize> = split.train.rows.iter().chain(&split.held_out.rows).copied().collect();
    assert_eq!((all.len(), split.train.len() + split.held_out.len()), (rows, rows));
}

#[test]
fn each_class_gives_its_share() {
    let table = of(100, |i| if i % 10 == 0 { "rare" } else { "usual" }.to_owned());
    let split = table.target("kind").stratified(0.2, 1).unwrap();
    whole(&split, 100);
    let rare = |rows: &[usize]| rows.iter().filter(|row| **row % 10 == 0).count();
    assert_eq!([rare(&split.train.rows), rare(&split.held_out.rows)], [8, 2]);
    assert_eq!(split.held_out.len(), 20);
    assert_ne!(split.held_out.rows, table.target("kind").stratified(0.2, 2).unwrap().held_out.rows);
    assert_eq!(split.held_out.rows, table.target("kind").stratified(0.2, 1).unwrap().held_out.rows);
}

#[test]
fn rows_without_a_target_are_dropped_and_counted() {
    let table = of(20, |i| if i == 4 { String::new() } else { format!("k{}", i % 2) });
    let split = table.target("kind").random(0.25, 3).unwrap();
    whole(&split, 19);
    assert!(split.notes()[0].contains("1 of 20 rows"), "{:?}", split.notes());
}

#[test]
fn the_last_rows_are_held_out_by_order() {
    let table = of(10, |i| i.to_string());
    let split = table.target("kind").ordered(0.3).unwrap();
    assert_eq!(split.held_out.rows, [7, 8, 9]);
}

#[test]
fn groups_stay_together_and_are_not_learned_from() {
    let table = of(60, |i| format!("k{}", i % 2));
    let split = table.target("kind").grouped("group", 0.3, 5).unwrap();
    whole(&split, 60);
    let groups = |rows: &[usize]| rows.iter().map(|row| row / 3).collect::<BTreeSet<_>>();
    assert!(groups(&split.train.rows).is_disjoint(&groups(&split.held_out.rows)));
    assert!((15..=21).contains(&split.held_out.len()), "{}", split.held_out.len());
    let group = split.train.examples.columns.iter().find(|column| column.name == "group").unwrap();
    assert!(!group.is_used());
}

#[test]
fn each_row_is_held_out_in_one_fold() {
    let table = of(50, |i| format!("k{}", i % 3));
    for by in [SplitBy::Stratified, SplitBy::Random, SplitBy::Order, SplitBy::Group("group".to_owned())] {
        let folds = table.target("kind").examples().unwrap().folds(&by, 5, 9).unwrap();
        let mut all: Vec<usize> = folds.iter().flat_map(|split| split.held_out.rows.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>(), "{by:?}");
        folds.iter().for_each(|split| whole(split, 50));
    }
    for folds in [0, 1, 51] {
        assert!(table.target("kind").examples().unwrap().folds(&SplitBy::Random, folds, 9).is_err());
    }
}

#[test]
fn what_leaves_nothing_to_learn_from_is_refused() {
    let two = table("x,label\n1,a\n2,b");
    let error = two.target("label").random(0.5, 1).unwrap_err().to_string();
    assert!(error.contains("1 of 2 rows are left"), "{error}");
    assert!(two.target("label").random(0.0, 1).is_ok());
    assert!(two.target("label").random(1.0, 1).is_err());
    let many = of(100, |i| format!("k{}", i % 2));
    assert!(many.target("kind").random(0.999, 1).is_err());
    // All rows of a class in the last part.
    let sorted = of(20, |i| if i < 15 { "a" } else { "b" }.to_owned());
    let error = sorted.target("kind").ordered(0.25).unwrap_err().to_string();
    assert!(error.contains("class \"b\"") && error.contains("held out"), "{error}");
    let error = many.target("kind").ignore(["x", "group"]).examples().unwrap_err().to_string();
    assert!(error.contains("no column is left") && error.contains("as you asked"), "{error}");
    assert!(many.target("kind").ignore(["kind"]).examples().is_err());
}

#[test]
fn another_table_can_be_held_out() {
    let (one, other) = (of(20, |i| format!("k{}", i % 2)), of(6, |i| format!("k{}", i % 2)));
    let split = Split::of(one.target("kind").examples().unwrap(), &other).unwrap();
    assert_eq!((split.train.len(), split.held_out.len()), (20, 6));
    let strange = of(6, |i| format!("k{}", i % 3));
    assert!(Split::of(one.target("kind").examples().unwrap(), &strange).unwrap_err().to_string().contains("\"k2\""));
}

/// All that is done with a table before a network learns from it.
fn prepare(text: &str) {
    let table = table(text);
    let split = table.target("kind").stratified(0.25, 1).unwrap();
    let schema = crate::Schema::fit(&split).unwrap();
    schema.dataset(&split.train).unwrap();
    split.train.examples.fingerprint(schema.encoder.columns().iter().map(|column| column.name.as_str())).unwrap();
}

#[test]
fn time_grows_with_columns_as_they_do() {
    let row = |columns: usize, cell: &dyn Fn(usize) -> String| (0..columns).map(cell).collect::<String>();
    let rows = |columns| {
        let header = row(columns, &|i| format!("c{i},"));
        let rows = (0..4).map(|r| row(columns, &|i| format!("{}.5,", (i + r) % 7)) + ["x\n", "y\n"][r % 2]);
        format!("{header}kind\n{}", rows.collect::<String>())
    };
    assert_linear(prepare, rows, 1000);
}

#[test]
fn time_grows_with_classes_as_they_do() {
    let rows = |rows: usize| {
        let rows = (0..rows).map(|i| format!("{}.5,k{}\n", i % 7, i / 2));
        format!("a,kind\n{}", rows.collect::<String>())
    };
    assert_linear(prepare, rows, 1000);
}

#[test]
fn a_fold_is_judged_by_rows_that_its_training_does_not_see() {
    const ROWS: usize = 60;
    let table = of(ROWS, |i| format!("k{}", i % 3));
    for by in [SplitBy::Stratified, SplitBy::Random, SplitBy::Group("group".to_owned())] {
        let examples = table.target("kind").examples().unwrap();
        let folds = examples.cross_folds(&by, 5, 0.2, 9).unwrap();
        let mut judged: Vec<usize> = folds.iter().flat_map(|fold| fold.judged.rows.clone()).collect();
        judged.sort_unstable();
        assert_eq!(judged, (0..ROWS).collect::<Vec<_>>(), "{by:?}");
        for Fold { split, judged } in &folds {
            assert!(!split.held_out.is_empty());
            let parts = [&split.train, &split.held_out, judged].map(|part| part.rows.clone());
            let all: BTreeSet<usize> = parts.iter().flatten().copied().collect();
            assert_eq!((all.len(), parts.iter().map(Vec::len).sum::<usize>()), (ROWS, ROWS), "{by:?}");
            if let SplitBy::Group(_) = by {
                let groups = parts.map(|rows| rows.iter().map(|row| row / 3).collect::<BTreeSet<_>>());
                assert!(groups[0].is_disjoint(&groups[1]) && groups[0].is_disjoint(&groups[2]));
            }
        }
    }
    let refused = |by: &SplitBy, folds| {
        table.target("kind").examples().unwrap().cross_folds(by, folds, 0.2, 9).unwrap_err().to_string()
    };
    assert!(refused(&SplitBy::Order, 5).contains("in order"));
    // Three rows a group.
    let error = refused(&SplitBy::Group("group".to_owned()), ROWS / 3 + 1);
    assert!(error.contains("21 folds of 20 groups") && error.contains("\"group\""), "{error}");
}
