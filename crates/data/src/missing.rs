//! Cells that say that a value is missing.

/// The texts that say so: those that everybody uses, and those that the user names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    more: Vec<String>,
}

/// In any case of letters; besides the empty cell.
const KNOWN: [&str; 6] = ["na", "n/a", "nan", "?", "null", "#n/a"];

impl Missing {
    /// Those that everybody uses, and these.
    pub fn with(more: impl IntoIterator<Item = impl Into<String>>) -> Missing {
        Missing { more: more.into_iter().map(Into::into).collect() }
    }

    /// Those that the user named.
    pub fn named(&self) -> &[String] {
        &self.more
    }

    /// Whether a cell says so. White space around it has no meaning.
    pub fn is(&self, cell: &str) -> bool {
        let cell = cell.trim();
        cell.is_empty()
            || KNOWN.iter().any(|known| known.eq_ignore_ascii_case(cell))
            || self.more.iter().any(|text| text == cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_known_in_any_case() {
        let missing = Missing::with(["-", "999"]);
        for text in ["", " ", "NA", "n/a", "N/A", "NaN", "nan", "?", "null", "NULL", "-", "999", " NA "] {
            assert!(missing.is(text), "{text}");
        }
        for text in ["0", "none", "nano", "--", "9999", "inf"] {
            assert!(!missing.is(text), "{text}");
        }
        assert!(!Missing::default().is("-"));
    }
}
