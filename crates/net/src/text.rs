//! Texts of strangers, for a terminal.

/// A text that a file says, or its name, as it may stand in a message: what is not printed (control characters, line breaks, marks that
/// turn the direction of writing) is escaped as in Rust, as `\u{1b}` and `\n`. All else stays.
///
/// ```
/// assert_eq!(nxm_net::printable("b\u{1b}[31m\nx \"é\""), r#"b\u{1b}[31m\nx "é""#);
/// ```
pub fn printable(text: &str) -> String {
    // Quotes and backslashes are printed; `escape_debug` would escape them, too.
    let kept = ['"', '\'', '\\'];
    text.split_inclusive(kept).fold(String::with_capacity(text.len()), |mut printable, piece| {
        let rest = piece.trim_end_matches(kept);
        printable.extend(rest.escape_debug());
        printable.push_str(&piece[rest.len()..]);
        printable
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_printed_is_escaped() {
        for (text, expected) in [
            ("", ""),
            ("models/é e\u{301} 学习.nxm", "models/é e\u{301} 学习.nxm"),
            ("a\\b'c\"\"d", "a\\b'c\"\"d"),
            ("\u{1b}]0;x\u{7}\r\n\t", "\\u{1b}]0;x\\u{7}\\r\\n\\t"),
            ("\u{9b}31m\u{202e}x\u{2028}", "\\u{9b}31m\\u{202e}x\\u{2028}"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }
}
