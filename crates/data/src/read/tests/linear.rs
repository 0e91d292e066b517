//! Time grows with a file as the file does.

use std::time::{Duration, Instant};

use super::*;

/// How long a text takes to become a table, so many times.
fn time(text: &str, times: usize) -> Duration {
    let start = Instant::now();
    (0..times).for_each(|_| drop(read(text.as_bytes()).unwrap()));
    start.elapsed()
}

/// Ten small tables take as long as one that is ten times as large; where all cells are compared with all, a tenth of that. The shortest of
/// some times, more of them where other programs disturb.
fn assert_linear(table: impl Fn(usize) -> String, n: usize) {
    const GROWTH: usize = 10;
    let (small, large) = (table(n), table(GROWTH * n));
    let (mut ten, mut one) = (Duration::MAX, Duration::MAX);
    for attempt in 1..=12 {
        (ten, one) = (ten.min(time(&small, GROWTH)), one.min(time(&large, 1)));
        if attempt >= 3 && one < 4 * ten {
            return;
        }
    }
    panic!("{GROWTH} × {n} take {ten:?}, and {} take {one:?}", GROWTH * n);
}

#[test]
fn with_columns() {
    let row = |columns: usize, cell: fn(usize) -> String| (0..columns).map(cell).collect::<String>();
    let table = |columns| {
        let [header, one] = [row(columns, |i| format!("c{i},")), row(columns, |i| format!("{},", i % 7))];
        format!("{header}kind\n{one}x\n{one}y\n")
    };
    assert_linear(table, 1500);
}

#[test]
fn with_rows_and_different_texts() {
    assert_linear(
        |rows| format!("a,kind\n{}", (0..rows).map(|i| format!("{},k{i}\n", i % 7)).collect::<String>()),
        5000,
    );
}

#[test]
fn with_pairs_of_libsvm() {
    assert_linear(|rows| (0..rows).map(|i| format!("{} {}:1 200:{i}\n", i % 2, 1 + i % 7)).collect::<String>(), 500);
}
