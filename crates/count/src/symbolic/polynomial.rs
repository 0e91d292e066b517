//! A polynomial in three numbers, at most of degree one in each, and how it is found from values.

use std::cmp::Reverse;

/// Letters of a formula.
const LETTERS: usize = 3;
/// Products of letters: a set bit for each letter in it.
const PRODUCTS: usize = 1 << LETTERS;
/// How far from the numbers a polynomial is checked, each letter alone and all of them together. Kernels change their ways at up to four blocks of 64
/// bytes, which are 64 numbers, and the largest distance is beyond those.
const CHECKED: [u64; 6] = [2, 3, 7, 16, 64, 256];
/// And at this small number: 1 is a case of its own for some kernels.
const SMALL: u64 = 2;

/// Σ coefficient · product of letters, with integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Polynomial([i128; PRODUCTS]);

impl Polynomial {
    /// The polynomial in the letters that `vary` whose values `value` has at and around the numbers `at`. None if it has no such values there,
    /// or if a number exceeds 127 bits.
    ///
    /// The corners of a box of side 1 give the coefficients. The points at distances `CHECKED`, and those at `SMALL`, must then agree.
    pub(super) fn of(
        at: [u64; LETTERS],
        vary: [bool; LETTERS],
        value: impl Fn([u64; LETTERS]) -> Option<u128>,
    ) -> Option<Polynomial> {
        let number = |point| i128::try_from(value(point)?).ok();
        let letters = (0..LETTERS).filter(|i| vary[*i]).fold(0, |set, i| set | 1 << i);
        let mut corners = [0; PRODUCTS];
        for set in (0..PRODUCTS).filter(|set| set & !letters == 0) {
            corners[set] = number(moved(at, set, 1)?)?;
        }
        // Differences along the letters of each set.
        let mut differences = corners;
        for i in 0..LETTERS {
            for set in (0..PRODUCTS).filter(|set| set & !letters == 0 && set & 1 << i != 0) {
                differences[set] = differences[set].checked_sub(differences[set & !(1 << i)])?;
            }
        }
        // Σ difference · Π (x − at), multiplied out.
        let mut coefficients = [0i128; PRODUCTS];
        for (set, difference) in differences.into_iter().enumerate().filter(|(set, _)| set & !letters == 0) {
            for part in (0..PRODUCTS).filter(|part| part & !set == 0) {
                let mut left = (0..LETTERS).filter(|i| set & !part & 1 << i != 0);
                let term = left.try_fold(difference, |term, i| term.checked_mul(-i128::from(at[i])));
                coefficients[part] = coefficients[part].checked_add(term?)?;
            }
        }
        let polynomial = Polynomial(coefficients);
        let alone = (0..LETTERS).map(|i| letters & 1 << i).filter(|set| *set != 0);
        let agrees = alone.chain([letters]).all(|set| {
            let small = (0..LETTERS).map(|i| if set & 1 << i != 0 { SMALL } else { at[i] });
            let small = small.collect::<Vec<_>>().try_into().ok();
            CHECKED.into_iter().map(|by| moved(at, set, by)).chain([small]).all(|point| {
                point.is_some_and(|point| polynomial.value(point).is_some_and(|found| number(point) == Some(found)))
            })
        });
        agrees.then_some(polynomial)
    }

    /// Its value; none if that exceeds 127 bits.
    pub(super) fn value(&self, at: [u64; LETTERS]) -> Option<i128> {
        self.terms().try_fold(0i128, |sum, (set, coefficient)| {
            let mut letters = (0..LETTERS).filter(|i| set & 1 << i != 0);
            let term = letters.try_fold(coefficient, |term: i128, i| term.checked_mul(i128::from(at[i])));
            sum.checked_add(term?)
        })
    }

    /// As text, with these names for the letters: "2·B·M + 1", "N·M − N".
    pub(super) fn text(&self, names: [&str; LETTERS]) -> String {
        let mut terms: Vec<(usize, i128)> = self.terms().collect();
        // Long products first, then in the order of the letters.
        terms.sort_by_key(|(set, _)| (Reverse(set.count_ones()), (set & 1 == 0), (set & 2 == 0)));
        let mut text = String::new();
        for (set, coefficient) in terms {
            let sign = match (text.is_empty(), coefficient < 0) {
                (true, false) => "",
                (true, true) => "−",
                (false, false) => " + ",
                (false, true) => " − ",
            };
            let size = coefficient.unsigned_abs();
            let shown = (size != 1 || set == 0).then(|| size.to_string());
            let letters = (0..LETTERS).filter(|i| set & 1 << i != 0).map(|i| names[i].to_owned());
            text += sign;
            text += &shown.into_iter().chain(letters).collect::<Vec<_>>().join("·");
        }
        if text.is_empty() { "0".to_owned() } else { text }
    }

    fn terms(&self) -> impl Iterator<Item = (usize, i128)> {
        self.0.into_iter().enumerate().filter(|(_, coefficient)| *coefficient != 0)
    }
}

/// A point with the letters of a set larger by so much.
fn moved(at: [u64; LETTERS], set: usize, by: u64) -> Option<[u64; LETTERS]> {
    let mut point = at;
    for i in (0..LETTERS).filter(|i| set & 1 << i != 0) {
        point[i] = point[i].checked_add(by)?;
    }
    Some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [bool; 3] = [true; 3];
    const NAMES: [&str; 3] = ["B", "N", "M"];

    #[test]
    fn coefficients_come_back() {
        let value = |[b, n, m]: [u64; 3]| Some(u128::from(3 * b * n * m + 2 * n * m + b + 7));
        let found = Polynomial::of([5, 6, 7], ALL, value).expect("a polynomial");
        assert_eq!(found.text(NAMES), "3·B·N·M + 2·N·M + B + 7");
        assert_eq!(found.text(["5", "6", "7"]), "3·5·6·7 + 2·6·7 + 5 + 7");
        assert_eq!(found.value([5, 6, 7]), Some(3 * 210 + 84 + 12));
        let less = Polynomial::of([5, 6, 7], ALL, |[_, n, m]| Some(u128::from(n * m - n))).expect("a polynomial");
        assert_eq!(less.text(NAMES), "N·M − N");
        assert_eq!(Polynomial::of([1, 1, 1], ALL, |_| Some(0)).expect("none").text(NAMES), "0");
    }

    #[test]
    fn a_letter_that_is_held_is_in_no_product() {
        let value = |[b, n, m]: [u64; 3]| Some(u128::from(if b == 1 { n * m } else { b * n * m + 1 }));
        assert_eq!(Polynomial::of([1, 6, 7], ALL, value), None);
        let found = Polynomial::of([1, 6, 7], [false, true, true], value).expect("a polynomial");
        assert_eq!(found.text(NAMES), "N·M");
    }

    #[test]
    fn what_is_no_polynomial_has_none() {
        for bend in [8u64, 9, 10, 14, 20] {
            let value = |[_, n, _]: [u64; 3]| Some(u128::from(n.max(bend)));
            assert_eq!(Polynomial::of([1, 6, 7], ALL, value), None, "{bend}");
        }
        // A bend below the numbers, and one far above.
        for bend in [4u64, 200] {
            assert_eq!(Polynomial::of([1, 6, 7], ALL, |[_, n, _]| Some(u128::from(n.max(bend)))), None, "{bend}");
        }
        assert_eq!(Polynomial::of([1, 6, 7], ALL, |[_, n, _]| Some(u128::from(n * n))), None);
        assert_eq!(Polynomial::of([1, 6, 7], ALL, |[_, n, _]| (n < 8).then_some(1)), None);
        assert_eq!(Polynomial::of([u64::MAX, 6, 7], ALL, |_| Some(1)), None);
        assert_eq!(Polynomial::of([1, 6, 7], ALL, |_| Some(u128::MAX)), None);
    }
}
