//! Files that are something else than tables and images, told by their first bytes.

/// What a file that begins so is, and what to do with it; none if it may be a CSV or IDX file.
pub fn recognise(start: &[u8]) -> Option<&'static str> {
    let begins = |magic: &&[u8]| start.starts_with(magic);
    let magic = MAGIC.iter().find(|(magics, _)| magics.iter().any(begins)).map(|(_, what)| *what);
    magic.or_else(|| by_shape(start))
}

/// The bytes that files begin with. Longer ones stand before their own beginnings.
#[rustfmt::skip] // a row for each kind
const MAGIC: [(&[&[u8]], &str); 15] = [
    (&[b"\x93NUMPY"], "a NumPy array: write it as CSV with a header, as by numpy.savetxt(…, delimiter=\",\", header=…, comments=\"\")"),
    (&[b"PK\x03\x04", b"PK\x05\x06"], "a zip archive, as .npz, .xlsx and PyTorch's files are: unpack it, or export it as CSV"),
    (&[b"PAR1"], "a Parquet file: write it as CSV, as by pandas.read_parquet(…).to_csv(…, index=False)"),
    (&[b"\x89HDF\r\n\x1a\n"], "an HDF5 file: write its table as CSV, as by pandas.read_hdf(…).to_csv(…, index=False)"),
    (&[b"ARROW1", b"FEA1"], "an Arrow or Feather file: write it as CSV, as by pandas.read_feather(…).to_csv(…, index=False)"),
    (&[b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"], "UTF-16 or UTF-32 text: convert it, as by iconv -f UTF-16 -t UTF-8"),
    (&[b"BZh"], "packed by bzip2: unpack it by bunzip2, or pack it by gzip"),
    (&[b"\xfd7zXZ\0"], "packed by xz: unpack it by unxz, or pack it by gzip"),
    (&[b"\x28\xb5\x2f\xfd"], "packed by zstd: unpack it by unzstd, or pack it by gzip"),
    (&[b"\x1f\x8b"], "packed by gzip twice: unpack it once"),
    (&[b"SQLite format 3\0"], "an SQLite database: export its table as CSV, as by sqlite3 -header -csv"),
    (&[b"%PDF-"], "a PDF document: a CSV file is needed"),
    (&[b"\xd0\xcf\x11\xe0"], "an old Office file, as .xls: save it as CSV"),
    (&[b"MATLAB 5.0"], "a MATLAB file: write it as CSV, as by writetable"),
    (&[b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"], "a Python pickle: write it as CSV, as by pandas' to_csv(…, index=False)"),
];

/// What no fixed bytes tell.
fn by_shape(start: &[u8]) -> Option<&'static str> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let any = |names: &[&str]| {
        names.iter().any(|name| text.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes())))
    };
    if any(&["<!doctype", "<html", "<?xml", "<head", "<svg"]) {
        return Some("an HTML or XML page: download the file itself, not the page that shows it");
    }
    if any(&["{\"", "[{", "[[", "{\n", "[\n"]) {
        return Some("JSON: write it as CSV, as by pandas.read_json(…).to_csv(…, index=False)");
    }
    match start {
        // The version of the format, then a field of the model: the producer's name, its version, a domain, the graph or the operators.
        [0x08, 1..=30, 0x12 | 0x1a | 0x22 | 0x3a | 0x42, ..] => Some("an ONNX model: examples are needed here"),
        // The length of a header, then JSON.
        [_, _, _, _, _, 0, 0, 0, b'{', ..] => {
            Some("a checkpoint or a safetensors file: examples are needed here, and the model is named first")
        }
        // Every other byte of text in UTF-16 is zero, in most languages' first lines.
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] if *a != 0 && *b != 0 => {
            Some("UTF-16 text: convert it, as by iconv -f UTF-16LE -t UTF-8")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_images_are_none_of_these() {
        let idx = [0, 0, 8, 3, 0, 0, 0, 1];
        let tables: [&[u8]; 8] =
            [b"a,b\n1,2\n", b"\xef\xbb\xbfa,b\n", b"", b"1", b"{a},b", b"PA,b\n", b"\"a\",b\n", "größe,b\n".as_bytes()];
        for start in tables.into_iter().chain([&idx[..]]) {
            assert_eq!(recognise(start), None, "{start:?}");
        }
    }

    #[test]
    fn other_files_are_told_by_their_first_bytes() {
        for (magics, what) in MAGIC {
            magics.iter().for_each(|magic| assert_eq!(recognise(&[magic, &b"x"[..]].concat()), Some(what)));
        }
        let utf16: Vec<u8> = "a,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (start, named) in [
            (&b"\xef\xbb\xbf \n<!DOCTYPE html>"[..], "HTML"),
            (b"<html>", "HTML"),
            (b"[{\"a\": 1}]", "JSON"),
            (&[8, 9, 0x12, 7, b'p', b'y'], "ONNX"),
            (b"\x40\x02\0\0\0\0\0\0{\"a\"", "the model is named first"),
            (&utf16, "UTF-16"),
        ] {
            assert!(recognise(start).is_some_and(|what| what.contains(named)), "{named}");
        }
    }
}
