//! Arrays of numbers, and libsvm.

use std::io::{Cursor, Write};

use super::*;
use crate::cells::Numbers;

/// An array of NumPy, of its first version.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn doubles(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn every_type_of_numpy_is_read() {
    type Case = (&'static str, Vec<u8>, [&'static str; 2]);
    let cases: [Case; 14] = [
        ("'|b1'", vec![0, 1], ["False", "True"]),
        ("'|i1'", vec![0xff, 1], ["-1", "1"]),
        ("'<i2'", [-2i16, 3].map(i16::to_le_bytes).concat(), ["-2", "3"]),
        ("'>i2'", [-2i16, 3].map(i16::to_be_bytes).concat(), ["-2", "3"]),
        ("'<i4'", [-2i32, 3].map(i32::to_le_bytes).concat(), ["-2", "3"]),
        ("'<i8'", [i64::MIN, 3].map(i64::to_le_bytes).concat(), ["-9223372036854775808", "3"]),
        ("'|u1'", vec![255, 1], ["255", "1"]),
        ("'>u2'", [65535u16, 3].map(u16::to_be_bytes).concat(), ["65535", "3"]),
        ("'<u4'", [u32::MAX, 3].map(u32::to_le_bytes).concat(), ["4294967295", "3"]),
        ("\"<u8\"", [u64::MAX, 3].map(u64::to_le_bytes).concat(), ["18446744073709551615", "3"]),
        ("'<f4'", [0.5f32, -3.0].map(f32::to_le_bytes).concat(), ["0.5", "-3"]),
        ("'>f4'", [0.5f32, -3.0].map(f32::to_be_bytes).concat(), ["0.5", "-3"]),
        ("'<f8'", [0.1f64, f64::NAN].map(f64::to_le_bytes).concat(), ["0.1", "NaN"]),
        ("'>f8'", [0.1f64, 1e300].map(f64::to_be_bytes).concat(), ["0.1", "1e300"]),
    ];
    for (descr, data, [a, b]) in cases {
        let (table, dialect) = read(&npy(descr, false, "(2,)", &data)).unwrap();
        assert_eq!(rows(&table), [["1"], [a], [b]], "{descr}");
        assert_eq!((dialect.to_string(), dialect.named), ("NPY".to_owned(), false));
    }
    for (descr, what) in [
        ("'<f2'", "another size"),
        ("'|O'", "objects"),
        ("'<U5'", "texts"),
        ("'<M8[ns]'", "times"),
        ("'<c16'", "complex"),
        ("[('a', '<f8'), ('b', '<i4')]", "several fields"),
    ] {
        let found = refused(&npy(descr, false, "(2,)", &[0; 32]));
        assert!(found.contains(what) && found.contains(descr), "{found}");
    }
}

#[test]
fn both_orders_are_read() {
    let (c, fortran) = (doubles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), doubles(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    let expected = [["1", "2", "3"], ["1", "2", "3"], ["4", "5", "6"]];
    for (order, data) in [(false, c), (true, fortran)] {
        let bytes = npy("'<f8'", order, "(2, 3)", &data);
        assert_eq!(rows(&read(&bytes).unwrap().0), expected, "{order}");
        let mut reader = TableReader::from_reader(&bytes[..], "f", &ReadOptions::default()).unwrap();
        for (row, numbers) in expected[1..].iter().enumerate() {
            let table = reader.next_rows(1).unwrap().unwrap();
            assert_eq!(
                (rows(&table)[1].clone(), table.place(0).to_string()),
                (numbers.map(str::to_owned).to_vec(), format!("f, row {}", row + 1))
            );
        }
        assert!(reader.next_rows(1).unwrap().is_none());
    }
}

#[test]
fn rows_of_many_numbers_stay_arrays() {
    // Of each index, its digit.
    let number = |i: usize, j: usize, k: usize| (100 * i + 10 * j + k) as f64;
    let c: Vec<f64> = (0..12).map(|n| number(n / 6, n / 2 % 3, n % 2)).collect();
    let fortran: Vec<f64> = (0..12).map(|n| number(n % 2, n / 2 % 3, n / 6)).collect();
    for (order, numbers) in [(false, &c), (true, &fortran)] {
        let (table, _) = read(&npy("'<f8'", order, "(2, 3, 2)", &doubles(numbers))).unwrap();
        let [column] = table.columns() else { panic!() };
        let Cells::Array { shape, numbers: Numbers::Doubles(found) } = &column.cells else { panic!() };
        assert_eq!((column.name.as_str(), &shape[..], found, table.rows()), ("array", &[3, 2][..], &c, 2));
    }
    let wide = arrays::MOST_COLUMNS + 1;
    let (table, _) = read(&npy("'<f4'", false, &format!("(1, {wide})"), &vec![0; 4 * wide])).unwrap();
    assert!(
        matches!(&table.columns()[0].cells, Cells::Array { numbers: Numbers::Singles(all), .. } if all.len() == wide)
    );
    let (table, _) = read(&npy("'|u1'", false, &format!("(1, {})", wide - 1), &vec![0; wide - 1])).unwrap();
    assert_eq!(table.columns().len(), wide - 1);
}

#[test]
fn damaged_arrays_are_refused() {
    let whole = npy("'<f8'", false, "(2, 2)", &doubles(&[1.0; 4]));
    let start = whole.len() - 32;
    for cut in 6..whole.len() {
        let found = refused(&whole[..cut]);
        let said = if cut < start { "cut off within its header" } else { "and there are only" };
        assert!(found.contains(said), "{cut}: {found}");
    }
    for order in [false, true] {
        let more = npy("'<f8'", order, "(2, 2)", &doubles(&[1.0; 5]));
        assert!(refused(&more).contains("and there are more"));
        let less = npy("'<f8'", order, "(2, 2)", &doubles(&[1.0; 3]));
        assert!(refused(&less).contains("is 32 bytes, and there are only 24"));
    }
    for (shape, said) in [
        ("()", "single number"),
        ("(0, 4)", "0 rows"),
        ("(4, 0)", "at least 1"),
        ("(4611686018427387904, 4611686018427387904)", "no machine"),
        ("(1152921504606846976, 1)", "only 8"),
        ("(1, 1152921504606846976)", "only 8"),
        ("(1, 1152921504606846976, 1)", "only 8"),
        ("(-1,)", "'shape' are needed"),
        ("[2]", "'shape' are needed"),
        ("(99999999999999999999999,)", "'shape' are needed"),
    ] {
        for order in [false, true] {
            let found = refused(&npy("'<f8'", order, shape, &doubles(&[1.0])));
            assert!(found.contains(said), "{shape}: {found}");
        }
    }
    assert!(refused(b"\x93NUMPY\x02\0\xff\xff\xff\xff").contains("header of 4294967295 bytes"));
    assert!(refused(b"\x93NUMPY\x09\0\xff\xff\xff\xff").contains("format 9"));
    let options = ReadOptions::default().with_header(true);
    assert!(read_with(&whole, &options).unwrap_err().contains("--header"));
}

fn npz(arrays: &[(&str, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn archives_are_read() {
    let x = npy("'<f8'", false, "(2, 2)", &doubles(&[1.0, 2.0, 3.0, 4.0]));
    let y = npy("'<i8'", false, "(2,)", &[7i64, 8].map(i64::to_le_bytes).concat());
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        for names in [["X", "y"], ["x_train", "y_train"], ["data", "target"]] {
            let bytes = npz(&[(names[1], y.clone()), (names[0], x.clone())], method);
            let (table, dialect) = read(&bytes).unwrap();
            assert_eq!(rows(&table), [["1", "2", "y"], ["1", "2", "7"], ["3", "4", "8"]]);
            assert_eq!(dialect.format, Format::Npz);
        }
        let (table, _) = read(&npz(&[("arr_0", x.clone())], method)).unwrap();
        assert_eq!(rows(&table)[0], ["1", "2"]);
    }
    let method = zip::CompressionMethod::Stored;
    let several = [("X", x.clone()), ("Y", npy("'<f8'", false, "(2, 2)", &doubles(&[5.0, 6.0, 7.0, 8.0])))];
    assert_eq!(rows(&read(&npz(&several, method)).unwrap().0)[0], ["1", "2", "y1", "y2"]);
    let three = [("X", x.clone()), ("y", y.clone()), ("z", y.clone())];
    assert!(refused(&npz(&three, method)).contains("\"X\", \"y\", \"z\""));
    let unlike = [("X", x.clone()), ("y", npy("'|u1'", false, "(3,)", &[1, 2, 3]))];
    assert!(refused(&npz(&unlike, method)).contains("2 and 3 rows"));
    let whole = npz(&[("X", x), ("y", y)], zip::CompressionMethod::Deflated);
    for cut in 40..whole.len() {
        assert!(read(&whole[..cut]).is_err(), "{cut}");
    }
    // A shape that lies, of an array that unpacks to more.
    let bomb = [("X", npy("'<f8'", false, "(2, 2)", &vec![0; 1 << 24]))];
    assert!(refused(&npz(&bomb, zip::CompressionMethod::Deflated)).contains("and there are more"));
}

#[test]
fn archives_are_read_from_files() {
    let path = std::env::temp_dir().join(format!("nxm-data-{}.npz", std::process::id()));
    let x = npy("'<f8'", true, "(2, 2)", &doubles(&[1.0, 2.0, 3.0, 4.0]));
    std::fs::write(&path, npz(&[("X", x)], zip::CompressionMethod::Deflated)).unwrap();
    let table = Table::read(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(rows(&table.unwrap()), [["1", "2"], ["1", "3"], ["2", "4"]]);
}

fn idx(element: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = shape.iter().flat_map(|size| size.to_be_bytes()).collect();
    [&[0, 0, element, shape.len() as u8][..], &sizes, data].concat()
}

#[test]
fn every_type_of_idx_is_read() {
    for (element, data, expected) in [
        (0x08, vec![1, 255], "1 255"),
        (0x09, vec![1, 255], "1 -1"),
        (0x0b, [1i16, -2].map(i16::to_be_bytes).concat(), "1 -2"),
        (0x0c, [1i32, -2].map(i32::to_be_bytes).concat(), "1 -2"),
        (0x0d, [0.5f32, -2.0].map(f32::to_be_bytes).concat(), "0.5 -2"),
        (0x0e, [0.1f64, -2.0].map(f64::to_be_bytes).concat(), "0.1 -2"),
    ] {
        let (table, dialect) = read(&idx(element, &[1, 1, 2], &data)).unwrap();
        assert_eq!(rows(&table), [["image"], [expected]]);
        let Cells::Array { shape, numbers } = &table.columns()[0].cells else { panic!() };
        assert_eq!((&shape[..], dialect.to_string().as_str()), (&[1, 2][..], "IDX"));
        assert_eq!(matches!(numbers, Numbers::Bytes(_)), element == 0x08);
        assert_eq!(table.place(0).to_string(), "f, image 1");
    }
    assert_eq!(rows(&read(&idx(0x08, &[2], &[7, 8])).unwrap().0), [["label"], ["7"], ["8"]]);
    let single = read(&idx(0x08, &[2, 1, 1], &[7, 8])).unwrap().0;
    assert!(matches!(&single.columns()[0].cells, Cells::Array { .. }));
    for (bytes, said) in [
        (idx(0x0a, &[1, 1, 2], &[0; 4]), "0x0a"),
        (idx(0x08, &[], &[]), "0 dimensions"),
        (idx(0x08, &[0, 2, 2], &[]), "0 images"),
        (idx(0x08, &[2, 0, 2], &[]), "at least 1"),
        (idx(0x08, &[2, 2, 2], &[0; 7]), "2 × 2 × 2, which is 8 bytes, and there are only 7"),
        (idx(0x08, &[2, 2, 2], &[0; 9]), "there are more"),
        (idx(0x08, &[u32::MAX; 3], &[0; 9]), "no machine"),
        (vec![0, 0, 8, 3, 0, 0], "cut off"),
    ] {
        let found = refused(&bytes);
        assert!(found.contains(said), "{found}");
    }
}

#[test]
fn labels_are_found_beside_images() {
    let folder = std::env::temp_dir().join(format!("nxm-data-idx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [images, labels, few] = ["a-images-idx3", "a-labels-idx1", "few"].map(|file| folder.join(file));
    std::fs::write(&images, idx(0x08, &[2, 1, 2], &[1, 2, 3, 4])).unwrap();
    let alone = Table::read(&images).unwrap();
    std::fs::write(&labels, idx(0x08, &[2], &[7, 8])).unwrap();
    std::fs::write(&few, idx(0x0c, &[1], &[0, 0, 0, 7])).unwrap();
    let both = Table::read(&images).unwrap();
    let mut reader = TableReader::open(&images, &ReadOptions::default()).unwrap();
    reader.next_rows(1).unwrap().unwrap();
    let second = reader.next_rows(1).unwrap().unwrap();
    let unlike = Table::read_with(&images, &ReadOptions::default().with_labels(&few)).unwrap_err().to_string();
    let text = folder.join("text");
    std::fs::write(&text, "a,b\n1,2\n").unwrap();
    let no = Table::read_with(&images, &ReadOptions::default().with_labels(&text)).unwrap_err().to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(alone.columns().len(), 1);
    assert_eq!(rows(&both), [["image", "label"], ["1 2", "7"], ["3 4", "8"]]);
    assert_eq!(rows(&second), [["image", "label"], ["3 4", "8"]]);
    assert!(second.place(0).to_string().ends_with("image 2"));
    assert!(unlike.contains("2 labels are needed"), "{unlike}");
    assert!(no.contains("no IDX file"), "{no}");
}

#[test]
fn libsvm_is_read() {
    let text = "# made by hand\n+1 1:0.5 3:2 # a comment\n-1 2:1\n\n1\n";
    let (table, dialect) = read(text.as_bytes()).unwrap();
    assert_eq!(
        rows(&table),
        [["label", "1", "2", "3"], ["+1", "0.5", "0", "2"], ["-1", "0", "1", "0"], ["1", "0", "0", "0"]]
    );
    assert_eq!((dialect.to_string(), table.place(2).to_string()), ("libsvm".to_owned(), "f, line 5".to_owned()));
    let mut reader = TableReader::from_reader(text.as_bytes(), "f", &ReadOptions::default()).unwrap();
    reader.next_rows(2).unwrap().unwrap();
    let last = reader.next_rows(9).unwrap().unwrap();
    assert_eq!((rows(&last)[1].join(" "), last.place(0).to_string()), ("1 0 0 0".to_owned(), "f, line 5".to_owned()));
    assert!(reader.next_rows(9).unwrap().is_none());
    // From 0, and with questions of rankings.
    let (table, _) = read(b"2 qid:1 0:5\n3 qid:1 2:6\n").unwrap();
    assert_eq!(rows(&table)[0], ["label", "0", "1", "2"]);
    // Said to be a text, it is one.
    let text = read_with(b"1 1:2\n2 1:3\n", &ReadOptions::default().with_separator(b' ').with_header(false)).unwrap();
    assert_eq!(rows(&text.0)[1], ["1", "1:2"]);
}

#[test]
fn damaged_libsvm_is_refused() {
    let start = "1 1:2\n".repeat(100);
    for (line, said) in [
        ("x 1:2\n", "line 101, cell 1: \"x\" is no number"),
        ("1 1;2\n", "line 101, cell 2: \"1;2\" is not index:value"),
        ("1 1:x\n", "\"1:x\" is not index:value"),
        ("1 -1:2\n", "is not index:value"),
        ("1 4000000000:1\n", "the index 4000000000 is too large"),
        ("1 99999999999999999999999:1\n", "too large"),
        ("1 3:1 1:1 3:2\n", "line 101: the index 3 stands there twice"),
    ] {
        let found = refused(format!("{start}{line}").as_bytes());
        assert!(found.contains(said), "{found}");
    }
    // Few bytes, and a large table.
    let wide = format!("{}1 1000000:1\n", "1 1:2\n".repeat(1000));
    assert!(refused(wide.as_bytes()).contains("more than 268435456 cells"));
}
