//! Texts of strangers on a terminal: class names, cells, notes, names of files. Each is escaped and shortened here, whoever shows it.

use std::fmt;
use std::path::Path;

use nxm_net::printable;

/// Characters of a text that are shown at most.
const TEXT: usize = 80;
/// Characters of a file's name, with its folders, that are shown at most.
const PATH: usize = 400;

/// A text that this program did not write, as a terminal may show it: control characters and marks that turn the direction of writing are
/// escaped as in Rust, and a long text is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign(String);

impl Foreign {
    /// The text itself, its beginning if it is long.
    pub fn bare(text: &str) -> Foreign {
        let (start, rest) = beginning(text);
        Foreign(format!("{}{rest}", printable(start)))
    }

    /// The text in quotes, its beginning if it is long.
    pub fn quoted(text: &str) -> Foreign {
        let (start, rest) = beginning(text);
        Foreign(format!("{start:?}{rest}"))
    }

    /// The name of a file, its end if it is long.
    pub fn path(path: &Path) -> Foreign {
        let text = path.to_string_lossy();
        Foreign(match text.char_indices().nth_back(PATH) {
            Some((cut, c)) => format!("…{}", printable(&text[cut.saturating_add(c.len_utf8())..])),
            None => printable(&text),
        })
    }

    /// The first few of some texts, in quotes: "a", "b", and 3 more.
    pub fn list<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> Foreign {
        const LISTED: usize = 12;
        let more = texts.len().saturating_sub(LISTED);
        let mut shown: Vec<String> = texts.take(LISTED).map(|text| Foreign::quoted(text).0).collect();
        if more > 0 {
            shown.push(format!("and {more} more"));
        }
        Foreign(shown.join(", "))
    }
}

/// What is shown of a text, and the mark of what is not.
fn beginning(text: &str) -> (&str, &'static str) {
    match text.char_indices().nth(TEXT) {
        Some((cut, _)) => (&text[..cut], "…"),
        None => (text, ""),
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_escaped() {
        let hostile = "a\u{1b}[2J\u{202e}\n\u{7}é";
        for shown in [Foreign::bare(hostile), Foreign::quoted(hostile), Foreign::path(Path::new(hostile))] {
            let text = shown.to_string();
            assert!(text.contains(r"a\u{1b}[2J\u{202e}\n\u{7}é"), "{text}");
        }
        assert_eq!(Foreign::quoted("a \"b\"").to_string(), r#""a \"b\"""#);
    }

    #[test]
    fn a_long_text_is_cut() {
        let exact = "é".repeat(TEXT);
        assert_eq!(Foreign::bare(&exact).to_string(), exact);
        assert_eq!(Foreign::bare(&format!("{exact}x")).to_string(), format!("{exact}…"));
        assert_eq!(Foreign::quoted(&format!("{exact}x")).to_string(), format!("\"{exact}\"…"));
        let exact = "é".repeat(PATH);
        assert_eq!(Foreign::path(Path::new(&exact)).to_string(), exact);
        assert_eq!(Foreign::path(Path::new(&format!("x{exact}"))).to_string(), format!("…{exact}"));
        let many = ["x"; 15];
        assert!(Foreign::list(many.iter().copied()).to_string().ends_with("\"x\", and 3 more"));
        // Each character of a text may take up to ten when it is escaped.
        assert!(Foreign::bare(&"\u{e0001}".repeat(1 << 20)).to_string().len() <= 10 * TEXT + "…".len());
    }
}
