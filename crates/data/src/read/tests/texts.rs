//! Texts as people write them.

use std::io::Write;

use flate2::write::GzEncoder;

use super::*;
use crate::table::Place;

#[test]
fn dialects_are_read_and_said() {
    let plain = "name;length;kind\nx;1,5;a\ny;2,25;b\nz;NA;a\n";
    let expected = [["name", "length", "kind"], ["x", "1,5", "a"], ["y", "2,25", "b"], ["z", "NA", "a"]];
    let said = "CSV, separator ';', decimal commas, named columns";
    for text in [
        plain.to_owned(),
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.trim_end().to_owned(),
        plain.replace("x;", "\"x\";").replace(";a", ";\"a\""),
        plain.replace('\n', "\n\n"),
        format!("{plain}  \n\n"),
        format!("{plain}\x1a"),
        format!("sep=;\n{plain}"),
    ] {
        let (table, dialect) = read(text.as_bytes()).unwrap();
        assert_eq!(rows(&table), expected, "{text:?}");
        assert_eq!(dialect.to_string(), said, "{text:?}");
    }
}

#[test]
fn every_separator_is_read() {
    for (separator, said) in [(",", "','"), (";", "';'"), ("\t", "tab"), ("|", "'|'"), (" ", "white space")] {
        let text = "a,b,c\n1,x,2\n3,y,4\n".replace(',', separator);
        let (table, dialect) = read(text.as_bytes()).unwrap();
        assert_eq!(rows(&table), [["a", "b", "c"], ["1", "x", "2"], ["3", "y", "4"]]);
        assert_eq!(dialect.to_string(), format!("CSV, separator {said}, named columns"));
    }
    let aligned = "  a   b\n 10   2\n  3 400\n";
    assert_eq!(rows(&read(aligned.as_bytes()).unwrap().0), [["a", "b"], ["10", "2"], ["3", "400"]]);
    // Others if they are said.
    let options = ReadOptions::default().with_separator(b':');
    assert_eq!(rows(&read_with(b"a:b\n1:2\n", &options).unwrap().0), [["a", "b"], ["1", "2"]]);
    for no in [b'a', b'"', b'\n', 0xff, b'.'] {
        assert!(read_with(b"a:b\n1:2\n", &ReadOptions::default().with_separator(no)).is_err());
    }
}

#[test]
fn one_column_is_a_table() {
    let (table, dialect) = read(b"x\n1\n2\n").unwrap();
    assert_eq!(
        (rows(&table), dialect.separator),
        (vec![vec!["x".to_owned()], vec!["1".into()], vec!["2".into()]], None)
    );
}

#[test]
fn encodings_are_read_and_said() {
    let text = "größe,länge\n1,é\n2,ü\n";
    let expected = [["größe", "länge"], ["1", "é"], ["2", "ü"]];
    let wide = |bytes: fn(u16) -> [u8; 2], mark: &str| {
        format!("{mark}{text}").encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for (bytes, encoding) in [
        (text.as_bytes().to_vec(), Encoding::Utf8),
        (wide(u16::to_le_bytes, "\u{feff}"), Encoding::Utf16Le),
        (wide(u16::to_be_bytes, "\u{feff}"), Encoding::Utf16Be),
        (latin, Encoding::Latin1),
    ] {
        let (table, dialect) = read(&bytes).unwrap();
        assert_eq!(
            (rows(&table), dialect.encoding),
            (expected.map(|row| row.map(str::to_owned).to_vec()).to_vec(), encoding)
        );
    }
    let ascii: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(read(&ascii).unwrap().1.encoding, Encoding::Utf16Be);
    // A character of another encoding that comes late.
    let mut late = b"a,b\n".to_vec();
    (0..20_000).for_each(|_| late.extend(b"1,2\n"));
    late.extend(b"3,\xe9\n");
    let (table, dialect) = read(&late).unwrap();
    assert_eq!(
        (rows(&table).pop().unwrap(), dialect.encoding),
        (vec!["3".to_owned(), "é".to_owned()], Encoding::Latin1)
    );
}

#[test]
fn packed_texts_are_read() {
    let text = b"a,b\n1,2\n3,4\n";
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(&text[..], ruzstd::encoding::CompressionLevel::Fastest);
    for (bytes, said) in [(gzip.finish().unwrap(), "gzip"), (zstd, "zstd")] {
        let (table, dialect) = read(&bytes).unwrap();
        assert_eq!(rows(&table), [["a", "b"], ["1", "2"], ["3", "4"]]);
        assert_eq!(dialect.to_string(), format!("CSV, separator ',', {said}, named columns"));
    }
}

#[test]
fn no_row_is_lost_to_a_header() {
    let (table, dialect) = read(b"5.1,3.5,x\n4.9,3.0,y\n").unwrap();
    assert_eq!(rows(&table), [["1", "2", "3"], ["5.1", "3.5", "x"], ["4.9", "3.0", "y"]]);
    assert!(!dialect.named && !table.named);
    assert_eq!(table.place(1), Place("f, line 2".to_owned()));
    let either = refused(b"id,2019,2020\n1,5,6\n");
    for said in ["\"id\", \"2019\"", "`header`", "--header yes|no"] {
        assert!(either.contains(said), "{either}");
    }
    for (header, first) in [(true, ["id", "2019", "2020"]), (false, ["1", "2", "3"])] {
        let (table, dialect) =
            read_with(b"id,2019,2020\n1,5,6\n", &ReadOptions::default().with_header(header)).unwrap();
        assert_eq!(
            (rows(&table)[0].clone(), dialect.named, table.rows()),
            (first.map(str::to_owned).to_vec(), header, if header { 1 } else { 2 })
        );
    }
    assert!(refused(b"a,b\n").contains("no rows below its header"));
    assert!(refused(b"\n\n").contains("blank lines"));
}

#[test]
fn names_may_be_missing_and_must_differ() {
    // A data frame's index.
    assert_eq!(rows(&read(b",a\n0,x\n1,y\n").unwrap().0)[0], ["", "a"]);
    // R's names of rows.
    let r = "\"x\" \"y z\"\n\"r 1\" 1 2\n\"r 2\" 3 4\n";
    assert_eq!(rows(&read(r.as_bytes()).unwrap().0), [["", "x", "y z"], ["r 1", "1", "2"], ["r 2", "3", "4"]]);
    // A separator at the end of each line.
    assert_eq!(rows(&read(b"a,b,\n1,2,\n").unwrap().0), [["a", "b", "3"], ["1", "2", ""]]);
    let twice = refused(b"a,b,a\n1,2,3\n");
    assert!(twice.contains("columns 1 and 3 are both called \"a\""), "{twice}");
}

#[test]
fn ragged_rows_are_refused_with_what_may_be_the_reason() {
    for (text, said) in [
        (
            "a,b\n1,2\n3,4\n5,6,7\n",
            "f, line 4: 3 cells, and the first line has 2; a cell that has a comma in it needs quotes",
        ),
        ("a,b,c\n1,2,3\n3,4\n", "f, line 3: 2 cells, and the first line has 3; if its last cells are missing"),
        ("a,b\n1,2,\n3,4,\n", "f, line 2: 3 cells, and the first line has 2; its last cell is empty"),
        ("a,b,c\n1\n2\n", "f, line 2: 1 cell, and the first line has 3; if its last cells are missing"),
        ("x\n1,5\n2\n3\n", "f, line 2: 2 cells, and the first line has 1; if there are more columns"),
    ] {
        let found = refused(text.as_bytes());
        assert!(found.contains(said), "{found}");
    }
}

#[test]
fn rows_are_read_in_pieces() {
    let text = "a,b\n1,x\n2,y\n\n3,x\n";
    let mut reader = TableReader::from_reader(text.as_bytes(), "f", &ReadOptions::default()).unwrap();
    let mut found = Vec::new();
    while let Some(table) = reader.next_rows(2).unwrap() {
        found.push((rows(&table)[1..].to_vec(), table.place(0).to_string()));
    }
    assert!(reader.next_rows(1).unwrap().is_none());
    assert_eq!(found.iter().map(|(rows, _)| rows.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((found[1].0[0].join(" "), found[1].1.as_str()), ("3 x".to_owned(), "f, line 5"));
}

#[test]
fn a_file_that_is_written_meanwhile_is_an_error() {
    let path = std::env::temp_dir().join(format!("nxm-data-text-{}", std::process::id()));
    std::fs::write(&path, "a,b\n1,2\n").unwrap();
    assert_eq!(Table::read(&path).unwrap().rows(), 1);
    let mut reader = TableReader::open(&path, &ReadOptions::default()).unwrap();
    reader.next_rows(1).unwrap().unwrap();
    // Half a row: what looks ragged is a file that is not finished.
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"3,4\n5").unwrap();
    let error = loop {
        match reader.next_rows(1) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the change was not seen"),
            Err(error) => break error.to_string(),
        }
    };
    std::fs::remove_file(&path).unwrap();
    assert!(error.contains("changed while it was read"), "{error}");
}

#[test]
fn options_without_meaning_are_refused() {
    let refused = read_with(b"a,b\n1,2\n", &ReadOptions::default().with_labels("l")).unwrap_err();
    assert!(refused.contains("`labels` is for IDX"), "{refused}");
}
