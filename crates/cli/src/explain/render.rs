//! A page as text, as Markdown and as one file of HTML.

use std::fmt::Write;

use super::page::{Block, Page};
use crate::table::{Look, table};

/// Columns of a text.
const WIDTH: usize = 96;

/// For a terminal: paragraphs are broken into lines.
pub fn text(page: &Page) -> String {
    let mut text = format!("{}\n{}\n", page.title, "=".repeat(page.title.chars().count()));
    for block in &page.blocks {
        text += "\n";
        text += &match block {
            Block::Heading(heading) => format!("{heading}\n{}", "-".repeat(heading.chars().count())),
            Block::Paragraph(paragraph) => broken(paragraph),
            Block::Table { header, rows } => table(Look::Text, header, 1, rows),
        };
        text += "\n";
    }
    text
}

/// For a document.
pub fn markdown(page: &Page) -> String {
    let mut text = format!("# {}\n", page.title);
    for block in &page.blocks {
        text += "\n";
        text += &match block {
            Block::Heading(heading) => format!("## {heading}"),
            Block::Paragraph(paragraph) => paragraph.clone(),
            Block::Table { header, rows } => table(Look::Markdown, header, 1, rows),
        };
        text += "\n";
    }
    text
}

/// How the page looks. Nothing else is loaded.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em}\
                     table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right}\
                     td:first-child,th:first-child{text-align:left}tr+tr td{border-top:1px solid #ccc}";

/// For a browser: one file, which is well-formed XML too.
pub fn html(page: &Page) -> String {
    let title = escaped(&page.title);
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width\"/>\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    let cells = |tag: &str, cells: &[String]| -> String {
        cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect()
    };
    for block in &page.blocks {
        let block = match block {
            Block::Heading(heading) => format!("<h2>{}</h2>", escaped(heading)),
            Block::Paragraph(paragraph) => format!("<p>{}</p>", escaped(paragraph)),
            Block::Table { header, rows } => {
                let mut table = format!("<table>\n<tr>{}</tr>\n", cells("th", header));
                rows.iter().for_each(|row| table += &format!("<tr>{}</tr>\n", cells("td", row)));
                table + "</table>"
            }
        };
        writeln!(text, "{block}").expect("a string takes all");
    }
    text + "</body>\n</html>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// In lines of at most `WIDTH` characters, where words allow it.
fn broken(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().chain([' ']).chain(word.chars()).count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let mut page = Page::new("a < b & \"c\"".to_owned());
        page.heading("x > y");
        page.paragraph(&["<script>".to_owned(), "word ".repeat(40).trim_end().to_owned()]);
        page.table(&["", "<n>"], vec![vec!["&".to_owned(), "1".to_owned()]]);
        page
    }

    #[test]
    fn html_is_escaped() {
        let html = html(&page());
        for part in [
            "<h1>a &lt; b &amp; &quot;c&quot;</h1>",
            "<h2>1. x &gt; y</h2>",
            "<p>&lt;script&gt; word",
            "<tr><th></th><th>&lt;n&gt;</th></tr>",
            "<tr><td>&amp;</td><td>1</td></tr>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn lines_are_broken_between_words() {
        let text = text(&page());
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.matches("word").count(), 40);
        assert!(text.lines().filter(|line| line.contains("word")).count() > 1);
    }
}
