//! Tables for tests, and whether time grows as they do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cells::CellsBuilder;
use crate::table::{Column, Table};

/// A table called `t.csv`, from the text of a CSV file without quotes.
pub(crate) fn table(text: &str) -> Table {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut builders = vec![CellsBuilder::new(Arc::default(), false); names.len()];
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), names.len(), "{line}");
        builders.iter_mut().zip(cells).for_each(|(builder, cell)| builder.push(cell).unwrap());
    }
    let columns = names.into_iter().zip(builders);
    Table::new("t.csv", columns.map(|(name, cells)| Column { name: name.to_owned(), cells: cells.build() }).collect())
        .unwrap()
}

/// Ten small tables take as long as one that is ten times as large; where all cells are compared with all, a tenth of that. The shortest of
/// some times, more of them where other programs disturb.
pub(crate) fn assert_linear(run: impl Fn(&str), table: impl Fn(usize) -> String, n: usize) {
    const GROWTH: usize = 10;
    let (small, large) = (table(n), table(GROWTH * n));
    let time = |text: &str, times: usize| {
        let start = Instant::now();
        (0..times).for_each(|_| run(text));
        start.elapsed()
    };
    let (mut ten, mut one) = (Duration::MAX, Duration::MAX);
    for attempt in 1..=12 {
        (ten, one) = (ten.min(time(&small, GROWTH)), one.min(time(&large, 1)));
        if attempt >= 3 && one < 4 * ten {
            return;
        }
    }
    panic!("{GROWTH} × {n} take {ten:?}, and {} take {one:?}", GROWTH * n);
}
