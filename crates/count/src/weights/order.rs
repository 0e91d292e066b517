//! The natural order of names: numbers in them by their value, so that 2 is before 10.

use std::cmp::Ordering;

/// Compares names piece by piece: digits as a number of any length, the rest as text. Names that differ only in leading zeros are in
/// the order of their text.
pub(super) fn natural(one: &str, other: &str) -> Ordering {
    pieces(one).cmp(pieces(other)).then(one.cmp(other))
}

/// A number without leading zeros, shorter ones first, or a text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Number(usize, &'a str),
    Text(&'a str),
}

fn pieces(mut name: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let digit = |c: char| c.is_ascii_digit();
        let number = name.starts_with(digit);
        let end = name.find(|c| digit(c) != number).unwrap_or(name.len());
        let (piece, rest) = name.split_at(end);
        name = rest;
        match number {
            true => {
                let value = piece.trim_start_matches('0');
                Some(Piece::Number(value.len(), value))
            }
            false => (!piece.is_empty()).then_some(Piece::Text(piece)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_order_of_their_value() {
        let long = format!("1{}", "0".repeat(50));
        let names =
            ["", "0.", "1.", "2.", "10.", &long, "fc1.", "fc1.5.", "fc1a.", "fc2.", "fc10.", "net.2.", "net.010."];
        for (i, one) in names.iter().enumerate() {
            for (j, other) in names.iter().enumerate() {
                assert_eq!(natural(one, other), i.cmp(&j), "{one:?} {other:?}");
            }
        }
        assert_eq!(natural("a01", "a1"), Ordering::Less);
    }
}
