//! Pieces of an HTML page. All texts are escaped here: no other file of the report writes one that it was given.

use std::borrow::Cow;
use std::fmt::Display;

use nxm_net::printable;

use crate::foreign::Foreign;

/// Rows of a table of data at most; a page of a million rows opens nowhere.
pub(super) const MOST_ROWS: usize = 500;

/// A text as HTML shows it: control characters and marks that turn the direction of writing are escaped as in Rust, the characters that
/// have a meaning in HTML as entities.
pub(super) fn text(text: &str) -> String {
    entities(&printable(text)).into_owned()
}

/// The beginning of a text, if it is long.
pub(super) fn short(text: &str) -> String {
    entities(&Foreign::bare(text).to_string()).into_owned()
}

fn entities(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped.into()
}

/// A cell of a table. Its content is HTML.
pub(super) enum Cell {
    /// What the row is about.
    Head(String),
    /// Words.
    Words(String),
    /// A number, aligned to the right.
    Number(String),
    /// The better one of two numbers.
    Best(String),
    /// A bar, of this share of the width.
    Bar(f64),
}

impl Cell {
    fn html(&self) -> String {
        match self {
            Cell::Head(html) => format!("<th scope=\"row\">{html}</th>"),
            Cell::Words(html) => format!("<td>{html}</td>"),
            Cell::Number(html) => format!("<td class=\"number\">{html}</td>"),
            Cell::Best(html) => format!("<td class=\"number best\">{html}</td>"),
            Cell::Bar(share) => {
                let percent = (100.0 * share).clamp(0.0, 100.0);
                format!("<td class=\"bar\" aria-hidden=\"true\"><span style=\"width:{percent:.1}%\"></span></td>")
            }
        }
    }
}

/// A table that scrolls sideways on a narrow screen. `label` says what it is to who does not see it; headings are HTML.
pub(super) fn table(class: &str, label: &str, headings: &[(&str, bool)], rows: &[Vec<Cell>]) -> String {
    let heading = |(html, number): &(&str, bool)| {
        format!("<th scope=\"col\"{}>{html}</th>", if *number { " class=\"number\"" } else { "" })
    };
    let head: String = headings.iter().map(heading).collect();
    let row = |row: &Vec<Cell>| format!("<tr>{}</tr>\n", row.iter().map(Cell::html).collect::<String>());
    let body: String = rows.iter().take(MOST_ROWS).map(row).collect();
    let more = match rows.len().saturating_sub(MOST_ROWS) {
        0 => String::new(),
        more => format!("<p class=\"soft\">… and {more} more rows</p>\n"),
    };
    let table =
        format!("<table class=\"{class}\">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n");
    format!("{}{more}", scroll(label, &table))
}

/// What may be wider than the screen; the keyboard can scroll it, too.
pub(super) fn scroll(label: &str, html: &str) -> String {
    format!("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n{html}</div>\n", short(label))
}

/// Names and what they are; texts.
pub(super) fn facts(facts: &[(String, String)]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let one = |(name, value): &(String, String)| format!("<dt>{}</dt><dd>{}</dd>\n", text(name), text(value));
    format!("<dl>\n{}</dl>\n", facts.iter().take(MOST_ROWS).map(one).collect::<String>())
}

/// A part of the page with a heading of the second level, which is a text.
pub(super) fn section(heading: &str, html: impl Display) -> String {
    format!("<section>\n<h2>{}</h2>\n{html}</section>\n", short(heading))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_no_meaning_in_html() {
        assert_eq!(
            text("<b onclick='x'>\"&amp;\"\u{1b}\u{202e}</b>"),
            "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;amp;&quot;\\u{1b}\\u{202e}&lt;/b&gt;"
        );
        assert_eq!(text("plain é"), "plain é");
        // Cut before it is escaped: no half of an entity stays.
        assert!(short(&"<".repeat(500)).ends_with("&lt;…"));
    }

    #[test]
    fn long_tables_are_cut() {
        let rows: Vec<Vec<Cell>> = (0..MOST_ROWS + 2).map(|i| vec![Cell::Head(i.to_string())]).collect();
        let html = table("", "x", &[("a", false)], &rows);
        assert_eq!(html.matches("<tr>").count(), 1 + MOST_ROWS);
        assert!(html.contains("… and 2 more rows"));
    }
}
