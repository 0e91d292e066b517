//! Numbers as people read them.

/// From here on a number is easier to read rounded.
const ROUNDED_FROM: u128 = 10u128.pow(15);

/// "1,800"; "6.000·10²⁴" from 10¹⁵ on.
pub fn count(n: impl Into<u128>) -> String {
    let n = n.into();
    if n < ROUNDED_FROM { grouped(n) } else { rounded(n) }
}

/// Whether [`count`] rounds `n`.
pub fn is_rounded(n: u128) -> bool {
    n >= ROUNDED_FROM
}

/// The digits in groups of three.
fn grouped(n: u128) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && digits.len().saturating_sub(i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Four digits and a power of ten, halves rounded up. `n` has at least four digits.
fn rounded(n: u128) -> String {
    let mut exponent = n.ilog10();
    let unit = 10u128.saturating_pow(exponent.saturating_sub(3));
    let [above, rest] = [n.checked_div(unit), n.checked_rem(unit)].map(Option::unwrap_or_default);
    let mut digits = above.saturating_add(u128::from(rest >= unit.div_ceil(2)));
    if digits == 10_000 {
        digits = 1_000;
        exponent = exponent.saturating_add(1);
    }
    let superscript: String = exponent.to_string().bytes().map(superscript).collect();
    format!("{}.{:03}·10{superscript}", digits / 1000, digits % 1000)
}

/// A decimal digit, raised.
fn superscript(digit: u8) -> char {
    ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][usize::from(digit.saturating_sub(b'0'))]
}

/// Three significant digits and a unit: "1.26 µs", "32.0 ms"; minutes and more from 100 s on.
pub fn seconds(seconds: f64) -> String {
    const LARGER: [(f64, &str); 4] =
        [(86_400.0 * 365.25, "years"), (86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes")];
    if seconds >= 100.0 {
        let (unit, name) = LARGER.into_iter().find(|(unit, _)| seconds >= *unit).expect("60 is below 100");
        return format!("{} {name}", significant(seconds / unit));
    }
    // A number that rounds up to 1000 of a unit is one of the next.
    for (unit, name) in [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms")] {
        if seconds < unit * 999.5 {
            return format!("{} {name}", significant(seconds / unit));
        }
    }
    format!("{} s", significant(seconds))
}

/// Three significant digits, without an exponent: "0.0250", "9.41", "94.1", "1,234".
pub fn significant(x: f64) -> String {
    if x >= 999.5 {
        return if x < 1e15 { grouped(x.round() as u128) } else { format!("{x:.2e}") };
    }
    if x >= 99.95 {
        format!("{x:.0}")
    } else if x >= 9.995 {
        format!("{x:.1}")
    } else if x >= 0.9995 {
        format!("{x:.2}")
    } else if x >= 0.09995 {
        format!("{x:.3}")
    } else {
        format!("{x:.4}")
    }
}

/// All digits of a number; with an exponent where there would be many zeros: "0.25", "1e300".
pub fn plain(x: f64) -> String {
    if x == 0.0 || (1e-5..1e16).contains(&x.abs()) || !x.is_finite() { x.to_string() } else { format!("{x:e}") }
}

/// A loss, which may become very small: "0.693", "2.31e-6".
pub fn loss(x: f64) -> String {
    if x != 0.0 && x.abs() < 1e-3 { format!("{x:.2e}") } else { significant(x) }
}

/// "97.78 %".
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// `n` and its noun, which takes an s unless there is one: "1 step", "45 steps".
pub fn plural(n: impl Into<u128>, noun: &str) -> String {
    let n = n.into();
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_losses_are_not_zero() {
        assert_eq!([0.0, 0.693, 0.00234, 2.314e-6].map(loss), ["0.0000", "0.693", "0.0023", "2.31e-6"]);
    }

    #[test]
    fn counts_are_grouped_and_rounded_when_long() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (ROUNDED_FROM - 1, "999,999,999,999,999"),
            (ROUNDED_FROM, "1.000·10¹⁵"),
            (6 * 10u128.pow(24), "6.000·10²⁴"),
            (1_234_567_890_123_456, "1.235·10¹⁵"),
            (9_999_499_999_999_999, "9.999·10¹⁵"),
            (9_999_500_000_000_000, "1.000·10¹⁶"),
            (u128::MAX, "3.403·10³⁸"),
        ] {
            assert_eq!(count(n), text);
        }
    }

    #[test]
    fn times_have_three_digits_and_a_fitting_unit() {
        for (time, text) in [
            (0.0, "0.0000 ns"),
            (1.26e-6, "1.26 µs"),
            (999.4e-9, "999 ns"),
            (999.6e-9, "1.00 µs"),
            (0.0321, "32.1 ms"),
            (0.9996, "1.00 s"),
            (59.96, "60.0 s"),
            (120.0, "2.00 minutes"),
            (7_200.0, "2.00 hours"),
            (1e6, "11.6 days"),
            (1e11, "3,169 years"),
        ] {
            assert_eq!(seconds(time), text);
        }
    }

    #[test]
    fn three_digits_stay_three_when_rounding_carries() {
        for (x, text) in [(0.99951, "1.00"), (9.9951, "10.0"), (99.951, "100"), (999.51, "1,000"), (0.0314, "0.0314")] {
            assert_eq!(significant(x), text);
        }
    }

    #[test]
    fn no_number_has_hundreds_of_zeros() {
        let numbers = [0.0, -0.25, 1e15, 1e16, -1e300, 2.5e-7, f64::INFINITY, f64::NAN].map(plain);
        assert_eq!(numbers, ["0", "-0.25", "1000000000000000", "1e16", "-1e300", "2.5e-7", "inf", "NaN"]);
    }

    #[test]
    fn nouns_take_an_s() {
        assert_eq!(plural(1u64, "step"), "1 step");
        assert_eq!(plural(1_800u64, "step"), "1,800 steps");
    }
}
