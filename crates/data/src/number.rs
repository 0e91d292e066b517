//! Numbers and dates as they are written.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};

/// A finite number as it is written, with a point or, where the dialect says so, a comma before its fraction. There, `1.234` and `1.234,5` have
/// a point between thousands.
pub(crate) fn number(text: &str, decimal_comma: bool) -> Option<f64> {
    let number: f64 = if !decimal_comma {
        text.parse().ok()?
    } else {
        let whole = text.split(',').next().unwrap_or(text);
        let pointless = match whole.contains('.') {
            true if is_grouped(whole, '.') => text.replace('.', ""),
            true if text.contains(',') => return None,
            _ => text.to_owned(),
        };
        pointless.replace(',', ".").parse().ok()?
    };
    number.is_finite().then_some(number)
}

/// Whether digits stand in groups of thousands: `1.234.567`.
pub(crate) fn is_grouped(text: &str, separator: char) -> bool {
    let mut groups = text.trim_start_matches(['+', '-']).split(separator);
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    let mut more = groups.peekable();
    more.peek().is_some()
        && (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && digits(first)
        && more.all(|group| group.len() == 3 && digits(group))
}

/// How dates and times of a column are written, day before month or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateFormat(&'static [&'static str]);

/// Those that are known. All texts of a column must fit one of them; a time may follow.
const FORMATS: [DateFormat; 5] = [
    DateFormat(&["%Y-%m-%d", "%Y/%m/%d"]),
    DateFormat(&["%Y%m%dT%H%M%S"]),
    DateFormat(&["%d.%m.%Y"]),
    DateFormat(&["%m/%d/%Y"]),
    DateFormat(&["%d/%m/%Y"]),
];
const TIMES: [&str; 6] = ["", "T%H:%M:%S%.f", " %H:%M:%S%.f", "T%H:%M", " %H:%M", " %H:%M:%S"];

impl DateFormat {
    /// The formats that all of these texts fit.
    pub(crate) fn all_fit<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Vec<DateFormat> {
        FORMATS.into_iter().filter(|format| texts.clone().all(|text| format.days(text).is_some())).collect()
    }

    /// Days since the first of January 1970, with a fraction for the time of day.
    pub(crate) fn days(self, text: &str) -> Option<f64> {
        // The shortest is 1.1.1970. Most texts are no dates: tell that before formats are tried.
        if text.len() < "1.1.1970".len() || !text.as_bytes()[0].is_ascii_digit() {
            return None;
        }
        let text = text.strip_suffix('Z').unwrap_or(text);
        let fits = |(date, time): (&str, &str)| strtime::parse(format!("{date}{time}"), text).ok();
        let dates = self.0.iter().copied();
        let parsed = dates.flat_map(|date| TIMES.map(|time| (date, time))).find_map(fits)?;
        days(&parsed)
    }

    /// Its index among those that are known.
    pub(crate) fn index(self) -> u8 {
        FORMATS.iter().position(|format| *format == self).unwrap_or(0) as u8
    }

    /// The format of this index.
    pub(crate) fn of(index: u8) -> Option<DateFormat> {
        FORMATS.get(usize::from(index)).copied()
    }

    /// How it is written, for people.
    pub(crate) fn example(self) -> String {
        self.0[0].replace("%Y", "YYYY").replace("%m", "MM").replace("%d", "DD")
    }
}

fn days(time: &BrokenDownTime) -> Option<f64> {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    let at: DateTime = time
        .to_datetime()
        .or_else(|_| time.to_date().map(|date| date.to_datetime(jiff::civil::Time::midnight())))
        .ok()?;
    let since = at.duration_since(EPOCH.to_datetime(jiff::civil::Time::midnight()));
    Some(since.as_secs_f64() / 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_may_have_commas() {
        assert_eq!(number("1.5", false), Some(1.5));
        assert_eq!(
            [number("1,5", false), number("inf", false), number("nan", false), number("1e999", false)],
            [None; 4]
        );
        for (text, expected) in [
            ("1,5", Some(1.5)),
            ("1.234,5", Some(1234.5)),
            ("-3", Some(-3.0)),
            ("1.234", Some(1234.0)),
            ("-1.234.567,25", Some(-1_234_567.25)),
            ("0.125", Some(0.125)),
            ("1.5", Some(1.5)),
            ("1.5,5", None),
            ("1,5,5", None),
            ("1,5.5", None),
            ("01.02.2020", None),
        ] {
            assert_eq!(number(text, true), expected, "{text}");
        }
    }

    #[test]
    fn dates_are_days() {
        let only = |texts: &[&str]| {
            let formats = DateFormat::all_fit(texts.iter().copied());
            assert_eq!(formats.len(), 1, "{texts:?}: {formats:?}");
            texts.iter().map(|text| formats[0].days(text).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(only(&["1970-01-02", "1969-12-31T12:00:00Z", "1970/01/02 06:00"]), [1.0, -0.5, 1.25]);
        assert_eq!(only(&["02.01.1970", "31.1.1970"]), [1.0, 30.0]);
        assert_eq!(only(&["1/31/1970", "02/01/1970"]), [30.0, 31.0]);
        assert_eq!(only(&["31/1/1970", "02/01/1970"]), [30.0, 1.0]);
        // The day may come first or second.
        assert_eq!(DateFormat::all_fit(["02/01/1970"].into_iter()).len(), 2);
        assert!(DateFormat::all_fit(["2024-13-01", "x"].into_iter()).is_empty());
    }
}
