//! What is written in any dialect is read back.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
struct Written {
    separator: u8,
    decimal_comma: bool,
    end: &'static str,
    encoding: Encoding,
    quoted: bool,
    named: bool,
    last_end: bool,
}

fn dialects() -> impl Strategy<Value = Written> {
    (
        prop::sample::select(vec![b',', b';', b'\t', b'|', b' ']),
        any::<bool>(),
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
        prop::sample::select(vec![Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Latin1]),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(separator, comma, end, encoding, quoted, named, last_end)| Written {
            separator,
            decimal_comma: comma && separator != b',',
            end,
            encoding,
            quoted,
            named,
            last_end,
        })
}

/// Rows of a number and two texts, with what needs quotes.
fn tables() -> impl Strategy<Value = Vec<(f64, String, String)>> {
    let text = "[a-zéü]([a-z \",;|\t\n']{0,6}[a-zéü])?";
    prop::collection::vec(((-1000i32..1000).prop_map(|number| f64::from(number) / 4.0), text, text), 2..20)
}

fn write(rows: &[(f64, String, String)], how: Written) -> Vec<u8> {
    let cell = |text: &str| {
        let needed = text.contains(|c: char| c.is_ascii_whitespace() || "\",;|'".contains(c));
        if needed || how.quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    };
    let number = |number: f64| {
        // Three digits behind a comma may be thousands.
        let text = format!("{number:.2}");
        if how.decimal_comma { text.replace('.', ",") } else { text }
    };
    let mut lines: Vec<Vec<String>> = Vec::new();
    if how.named {
        lines.push(["length", "kind", "size"].map(cell).to_vec());
    }
    lines.extend(rows.iter().map(|(value, a, b)| vec![number(*value), cell(a), cell(b)]));
    let separator = char::from(how.separator).to_string();
    let mut text = lines.iter().map(|line| line.join(&separator)).collect::<Vec<_>>().join(how.end);
    if how.last_end {
        text += how.end;
    }
    match how.encoding {
        Encoding::Utf16Le => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Latin1 => text.chars().map(|c| c as u8).collect(),
        _ => text.into_bytes(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// With the dialect said, all is read back; where it is detected, it is the same, or an error says what to set.
    #[test]
    fn all_dialects(table in tables(), how in dialects()) {
        let bytes = write(&table, how);
        let said = ReadOptions::default().with_separator(how.separator).with_header(how.named).with_decimal_comma(how.decimal_comma);
        let (found, _) = read_with(&bytes, &said).unwrap();
        let expected: Vec<(f64, String, String)> = table.iter().map(|(n, a, b)| (*n, a.clone(), b.clone())).collect();
        let back = |table: &Table| -> Vec<(f64, String, String)> {
            let value = |row: &Vec<String>| crate::number::number(&row[0], how.decimal_comma).unwrap();
            rows(table)[1..].iter().map(|row| (value(row), row[1].clone(), row[2].clone())).collect()
        };
        prop_assert_eq!(back(&found), expected.clone());
        match read(&bytes) {
            Ok((found, dialect)) => {
                prop_assert_eq!(dialect.separator, Some(how.separator));
                prop_assert_eq!(dialect.named, how.named);
                prop_assert_eq!(dialect.decimal_comma, how.decimal_comma);
                prop_assert_eq!(back(&found), expected);
            }
            Err(error) => prop_assert!(error.contains("(--"), "{}", error),
        }
    }

    /// Any bytes get an answer.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(prop::sample::select(b"\"',;|\t \n\r01.:#ax\xe9\xff\0".to_vec()), 0..60)) {
        let _ = read(&bytes);
    }
}
