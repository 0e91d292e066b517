//! Cells become numbers.

use super::*;
use crate::describe::Overrides;
use crate::testing::table;

/// The encoder of all columns, from these rows.
fn encoder(table: &Table, rows: &[usize]) -> Encoder {
    Encoder::fit(table, &table.describe(&Overrides::default()).unwrap(), rows).unwrap()
}

#[test]
fn columns_become_features_by_their_kind() {
    let text = "age,sex,smoker,first\n1,f,yes,2024-01-01\n,m,no,2024-01-03\n3,f,,2024-01-01\n8,m,no,2024-01-03";
    let table = table(text);
    let encoder = encoder(&table, &[0, 1, 2, 3]);
    let names = ["age", "age is missing", "sex", "smoker", "smoker is missing", "first"];
    assert_eq!(encoder.features()[..2], names[..2]);
    assert_eq!(encoder.width(), encoder.features().len());
    let inputs = encoder.encode(&table, &[0, 1, 2, 3]).unwrap();
    let column = |name: &str| {
        let at = encoder.features().iter().position(|feature| feature == name).unwrap();
        inputs.chunks(encoder.width()).map(|row| row[at]).collect::<Vec<_>>()
    };
    // Median 3 of 1, 3, 8; mean of 1, 3, 3, 8 is 3.75.
    let Encoding::Number(age) = &encoder.columns()[0].encoding else { panic!() };
    assert_eq!((age.median, age.standard.mean), (3.0, 3.75));
    assert_eq!(column("age is missing"), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(column("age")[1], age.standard.scaled(3.0));
    assert_eq!([column("sex = f"), column("sex = m")], [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]);
    assert_eq!(column("smoker"), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(column("smoker is missing"), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(column("first"), [-1.0, 1.0, -1.0, 1.0]);
}

#[test]
fn everything_learned_comes_from_training_rows() {
    let one = table("x,kind\n1,a\n3,a\n5,b\n7,b\n1000,c\n,d");
    let other = table("x,kind\n1,a\n3,a\n5,b\n7,b\n-5,e\n9,f");
    let rows = [0, 1, 2, 3];
    // Kinds are those of the whole table, and the same here.
    assert_eq!(encoder(&one, &rows), encoder(&other, &rows));
}

#[test]
fn rare_values_share_a_feature_with_unknown_ones() {
    let table = table("kind\na\na\nb\nb\nc\n?\n?\nz");
    let encoder = encoder(&table, &[0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(encoder.features(), ["kind is missing", "kind = a", "kind = b", "kind is something else"]);
    let inputs = encoder.encode(&table, &[0, 4, 5, 7]).unwrap();
    assert_eq!(inputs, [0., 1., 0., 0., 0., 0., 0., 1., 1., 0., 0., 0., 0., 0., 0., 1.]);
}

#[test]
fn numbers_are_one_category_however_they_are_written() {
    let whole = table("code\n1\n1.0\n2\n2\n3\n3");
    let overrides = Overrides { categories: vec!["code".to_owned()], ..Overrides::default() };
    let encoder = Encoder::fit(&whole, &whole.describe(&overrides).unwrap(), &[0, 1, 2, 3, 4, 5]).unwrap();
    assert_eq!(encoder.features(), ["code = 1", "code = 2", "code = 3"]);
    assert_eq!(encoder.encode(&table("code\n2.0"), &[0]).unwrap(), [0.0, 1.0, 0.0]);
}

#[test]
fn a_bad_cell_is_named_and_others_are_encoded() {
    let train = table("x,yes\n1,y\n2,n\n4,y");
    let encoder = encoder(&train, &[0, 1, 2]);
    let bad = table("yes,x\ny,1\nmaybe,2\nn,one\nn,1e300\nn,2");
    let (inputs, errors) = encoder.encode_what_fits(&bad, &[0, 1, 2, 3, 4]).unwrap();
    assert_eq!(errors.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    let texts: Vec<String> = errors.values().map(ToString::to_string).collect();
    assert!(texts[0].contains("row 2, column \"yes\": \"maybe\" is neither"), "{}", texts[0]);
    assert!(texts[1].contains("row 3, column \"x\": \"one\" is not a number"), "{}", texts[1]);
    assert!(texts[2].contains("row 4, column \"x\": \"1e300\" is too far"), "{}", texts[2]);
    assert_eq!(inputs[..2], encoder.encode(&train, &[0]).unwrap());
    assert!(encoder.encode(&bad, &[4, 1]).unwrap_err().to_string().contains("maybe"));
    let fewer = encoder.encode(&table("x\n1"), &[0]).unwrap_err().to_string();
    assert!(fewer.contains("no column \"yes\"") && fewer.contains("\"x\""), "{fewer}");
}

#[test]
fn what_is_kept_comes_back_to_the_bit() {
    let table = table("a,b,c\n0.1,x,2024-01-01\n0.7,y,2024-02-01\n,x,2025-01-01");
    let encoder = encoder(&table, &[0, 1, 2]);
    let text = serde_json::to_string(&encoder).unwrap();
    assert_eq!(serde_json::from_str::<Encoder>(&text).unwrap(), encoder);
    assert!(encoder.is_sane());
}

#[test]
fn what_a_sparse_file_does_not_have_is_zero() {
    use crate::read::{ReadOptions, TableReader};
    let read = |text: &str, rows: usize| {
        let mut reader = TableReader::from_reader(text.as_bytes(), "f", &ReadOptions::default()).unwrap();
        let pieces = std::iter::from_fn(move || reader.next_rows(rows).unwrap());
        pieces.collect::<Vec<Table>>()
    };
    // Column 3 is yes or no.
    let learned = "1 1:0.5 3:1\n2 2:2.5\n1 1:1.5 2:0.5 3:1\n2 2:4\n1 1:3 3:1\n";
    let table = read(learned, usize::MAX).remove(0);
    let rows: Vec<usize> = (0..table.rows).collect();
    let encoder =
        Encoder::fit(&table, &table.describe_all_but(&["label".to_owned()], &Overrides::default()).unwrap(), &rows);
    let encoder = encoder.unwrap();
    assert_eq!(encoder.columns().len(), 3);
    let whole = encoder.encode(&table, &rows).unwrap();
    let (width, count) = (encoder.width(), learned.lines().count());
    // Row by row: a piece of rows has no entry of some columns.
    for (i, piece) in read(learned, 1).iter().enumerate() {
        assert_eq!(encoder.encode(piece, &[0]).unwrap(), whole[i * width..][..width], "{i}");
    }
    // A file for each row: some have fewer columns than the model, and they are zeros.
    let mut fewer = 0;
    for (i, line) in learned.lines().enumerate() {
        let alone = read(line, usize::MAX).remove(0);
        fewer += usize::from(alone.columns.len() < table.columns.len());
        assert_eq!(encoder.encode(&alone, &[0]).unwrap(), whole[i * width..][..width], "{line}");
        let (found, bad) = encoder.encode_what_fits(&alone, &[0, 0]).unwrap();
        assert!(bad.is_empty() && found[..width] == found[width..]);
    }
    assert!(count == rows.len() && fewer > 0);
    // The columns of another table are no zeros, nor is a column that was never zero in the training.
    let named = Encoder { columns: vec![EncodedColumn { name: "age".to_owned(), ..encoder.columns[0].clone() }] };
    let alone = &read("1 9:1\n", 1)[0];
    assert!(named.encode(alone, &[0]).unwrap_err().to_string().contains("no column \"age\""));
    let one = Filled { standard: Standard::NONE, median: 1.0, says_missing: false };
    let encoding = Encoding::Boolean { values: ["1", "2"].map(str::to_owned), one };
    let never = Encoder { columns: vec![EncodedColumn { name: "70".to_owned(), encoding }] };
    let error = never.encode(alone, &[0]).unwrap_err().to_string();
    assert!(error.contains("no number at the index 70"), "{error}");
}
