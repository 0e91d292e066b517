//! Tables: a name or two on the left, numbers on the right, no lines.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Row, Table};

/// How a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Aligned columns, nothing else.
    Text,
    /// A Markdown table.
    Markdown,
}

/// A table with this header and these rows: the first `names` columns are aligned left, the others, numbers, right.
pub fn table(
    look: Look,
    header: impl Into<Row>,
    names: usize,
    rows: impl IntoIterator<Item = impl Into<Row>>,
) -> String {
    let mut table = Table::new();
    table.load_style(match look {
        Look::Text => NOTHING,
        Look::Markdown => ASCII_MARKDOWN,
    });
    table.set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_left_and_numbers_right() {
        let rows = || [["a".to_owned(), "1".to_owned()], ["long".to_owned(), "1,000".to_owned()]];
        let text = table(Look::Text, ["what", "n"], 1, rows());
        assert_eq!(text, " what      n\n a         1\n long  1,000");
        let markdown = table(Look::Markdown, ["what", "n"], 1, rows());
        assert_eq!(markdown, "| what |     n |\n|------|-------|\n| a    |     1 |\n| long | 1,000 |");
    }
}
