//! Time grows with a file as the file does.

use super::*;
use crate::testing::assert_linear;

fn assert_read_linear(table: impl Fn(usize) -> String, n: usize) {
    assert_linear(|text| drop(read(text.as_bytes()).unwrap()), table, n);
}

#[test]
fn with_columns() {
    let row = |columns: usize, cell: fn(usize) -> String| (0..columns).map(cell).collect::<String>();
    let table = |columns| {
        let [header, one] = [row(columns, |i| format!("c{i},")), row(columns, |i| format!("{},", i % 7))];
        format!("{header}kind\n{one}x\n{one}y\n")
    };
    assert_read_linear(table, 1500);
}

#[test]
fn with_rows_and_different_texts() {
    assert_read_linear(
        |rows| format!("a,kind\n{}", (0..rows).map(|i| format!("{},k{i}\n", i % 7)).collect::<String>()),
        5000,
    );
}

#[test]
fn with_pairs_of_libsvm() {
    assert_read_linear(
        |rows| (0..rows).map(|i| format!("{} {}:1 200:{i}\n", i % 2, 1 + i % 7)).collect::<String>(),
        500,
    );
}
