//! Parquet, written by the library's own writer.

use std::sync::Arc;

use ::parquet::basic::{Compression as Packed, ZstdLevel};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::parser::parse_message_type;

use super::*;

/// A file of these columns; each is written so often as there are groups of rows.
fn file(schema: &str, packed: Packed, groups: usize, columns: &[&dyn Fn(&mut SerializedColumnWriter<'_>)]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(packed).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            let mut to = group.next_column().unwrap().unwrap();
            column(&mut to);
            to.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn write<T: DataType>(values: &[T::T], levels: Option<&[i16]>) -> impl Fn(&mut SerializedColumnWriter<'_>) {
    move |to| {
        to.typed::<T>().write_batch(values, levels, None).unwrap();
    }
}

const SCHEMA: &str = "REQUIRED BOOLEAN b; OPTIONAL INT32 i; REQUIRED INT64 u (INTEGER(64,false)); REQUIRED FLOAT f; OPTIONAL DOUBLE d;
    OPTIONAL BYTE_ARRAY s (STRING); REQUIRED INT32 day (DATE); REQUIRED INT64 at (TIMESTAMP(NANOS,false));
    REQUIRED INT64 old (TIMESTAMP_MILLIS); REQUIRED INT32 m (DECIMAL(9,2)); REQUIRED FIXED_LEN_BYTE_ARRAY (2) n (DECIMAL(4,1));";

fn every_type(packed: Packed, groups: usize) -> Vec<u8> {
    let texts = [ByteArray::from("é, x"), ByteArray::from("y")];
    let fixed = [vec![0xff, 0xfe], vec![0, 15]].map(|bytes| ByteArray::from(bytes).into());
    file(
        SCHEMA,
        packed,
        groups,
        &[
            &write::<BoolType>(&[true, false], None),
            &write::<Int32Type>(&[-7], Some(&[1, 0])),
            &write::<Int64Type>(&[-1, 1], None),
            &write::<FloatType>(&[0.5, f32::NAN], None),
            &write::<DoubleType>(&[0.1], Some(&[0, 1])),
            &write::<ByteArrayType>(&texts, Some(&[1, 1])),
            &write::<Int32Type>(&[0, 11_016], None),
            &write::<Int64Type>(&[1_500_000_000, -1_000_000_000], None),
            &write::<Int64Type>(&[86_400_000, 1], None),
            &write::<Int32Type>(&[12_345, -5], None),
            &write::<FixedLenByteArrayType>(&fixed, None),
        ],
    )
}

const EXPECTED: [[&str; 11]; 3] = [
    ["b", "i", "u", "f", "d", "s", "day", "at", "old", "m", "n"],
    [
        "True",
        "-7",
        "18446744073709551615",
        "0.5",
        "",
        "é, x",
        "1970-01-01",
        "1970-01-01 00:00:01.5",
        "1970-01-02 00:00:00",
        "123.45",
        "-0.2",
    ],
    [
        "False",
        "",
        "1",
        "NaN",
        "0.1",
        "y",
        "2000-02-29",
        "1969-12-31 23:59:59",
        "1970-01-01 00:00:00.001",
        "-0.05",
        "1.5",
    ],
];

#[test]
fn every_type_of_parquet_is_read() {
    for packed in [Packed::UNCOMPRESSED, Packed::SNAPPY, Packed::ZSTD(ZstdLevel::default())] {
        let (table, dialect) = read(&every_type(packed, 1)).unwrap();
        assert_eq!(rows(&table), EXPECTED);
        assert_eq!((dialect.to_string(), dialect.named), ("Parquet".to_owned(), true));
    }
}

#[test]
fn groups_of_rows_are_read_in_pieces_of_any_size() {
    let bytes = every_type(Packed::SNAPPY, 3);
    for piece in 1..8 {
        let mut reader = TableReader::from_reader(&bytes[..], "f", &ReadOptions::default()).unwrap();
        let (mut found, mut before) = (Vec::new(), 0);
        while let Some(table) = reader.next_rows(piece).unwrap() {
            assert_eq!(table.place(0).to_string(), format!("f, row {}", before + 1));
            before += table.rows();
            found.extend(rows(&table)[1..].to_vec());
        }
        assert_eq!(found, EXPECTED[1..].repeat(3), "{piece}");
    }
}

#[test]
fn files_are_read_where_they_are() {
    let path = std::env::temp_dir().join(format!("nxm-data-{}.parquet", std::process::id()));
    std::fs::write(&path, every_type(Packed::SNAPPY, 2)).unwrap();
    let table = Table::read(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(table.unwrap().rows(), 4);
}

#[test]
fn what_is_no_table_is_refused() {
    let list = file("REPEATED INT32 a;", Packed::UNCOMPRESSED, 0, &[]);
    let nested = file("REQUIRED GROUP g { REQUIRED INT32 a; }", Packed::UNCOMPRESSED, 0, &[]);
    for (bytes, said) in [(list, "column \"a\" is nested"), (nested, "column \"g.a\" is nested")] {
        let found = refused(&bytes);
        assert!(found.contains(said), "{found}");
    }
    let half = file("REQUIRED FIXED_LEN_BYTE_ARRAY (2) h (FLOAT16);", Packed::UNCOMPRESSED, 0, &[]);
    assert!(refused(&half).contains("Float16"));
    assert!(refused(&file("REQUIRED INT32 a;", Packed::UNCOMPRESSED, 0, &[])).contains("no rows"));
    let options = ReadOptions::default().with_separator(b',');
    assert!(read_with(&every_type(Packed::SNAPPY, 1), &options).unwrap_err().contains("--separator"));
}

#[test]
fn damaged_files_get_an_answer() {
    let bytes = every_type(Packed::UNCOMPRESSED, 1);
    for cut in 4..bytes.len() {
        assert!(read(&bytes[..cut]).is_err(), "{cut}");
    }
    for at in 4..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            // A changed value is a value.
            let _ = read(&changed);
        }
    }
}
