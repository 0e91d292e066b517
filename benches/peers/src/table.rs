//! Tables, and numbers in them.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

/// A Markdown table; all columns but the first `text` of them are numbers.
pub fn table(header: &[&str], text: usize) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(text) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Three significant digits: 0.123, 1.23, 12.3, 123, 1230.
pub fn digits(x: f64) -> String {
    let decimals = (2 - x.abs().max(1e-9).log10().floor() as i32).clamp(0, 4);
    format!("{x:.*}", decimals as usize)
}

/// A time with its unit.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{} ns", digits(s * 1e9)),
        s if s < 1e-3 => format!("{} µs", digits(s * 1e6)),
        s if s < 1.0 => format!("{} ms", digits(s * 1e3)),
        s => format!("{} s", digits(s)),
    }
}

/// A share as per cent.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A ratio.
pub fn ratio(x: f64) -> String {
    format!("{x:.2}")
}
