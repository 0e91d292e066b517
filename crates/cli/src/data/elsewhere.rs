//! Files that are something else than tables and images, and what to do with them.

use nxm_net::KnownFormat;

/// What a file that begins so is, and what to do with it; none if it may be a CSV or IDX file.
pub fn recognise(start: &[u8]) -> Option<String> {
    // A byte order mark stands before text.
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let format = KnownFormat::of(start)?;
    let advice = match format {
        // Of text that is no UTF-8 the reader says in which line it is not.
        KnownFormat::Text | KnownFormat::Idx | KnownFormat::Latin1 => return None,
        KnownFormat::Json if !begins_as_json(start) => return None,
        KnownFormat::Npy | KnownFormat::Npz => {
            "write it as CSV with a header, as by numpy.savetxt(…, delimiter=\",\", header=…, comments=\"\")"
        }
        KnownFormat::Parquet => "write it as CSV, as by pandas.read_parquet(…).to_csv(…, index=False)",
        KnownFormat::Hdf5 => "write its table as CSV, as by pandas.read_hdf(…).to_csv(…, index=False)",
        KnownFormat::Arrow => "write it as CSV, as by pandas.read_feather(…).to_csv(…, index=False)",
        KnownFormat::Json => "write it as CSV, as by pandas.read_json(…).to_csv(…, index=False)",
        KnownFormat::Pickle => "write it as CSV, as by pandas' to_csv(…, index=False)",
        KnownFormat::Utf16 => "convert it, as by iconv -f UTF-16 -t UTF-8",
        KnownFormat::Utf32 => "convert it, as by iconv -f UTF-32 -t UTF-8",
        KnownFormat::Gzip => "it is packed twice: unpack it once",
        KnownFormat::Bzip2 => "unpack it by bunzip2, or pack it by gzip",
        KnownFormat::Xz => "unpack it by unxz, or pack it by gzip",
        KnownFormat::Zstd => "unpack it by unzstd, or pack it by gzip",
        KnownFormat::Zip => "unpack it",
        KnownFormat::Xlsx | KnownFormat::Ole => "save its table as CSV",
        KnownFormat::Sqlite => "export its table as CSV, as by sqlite3 -header -csv",
        KnownFormat::Html | KnownFormat::Xml => "download the file itself, not the page that shows it",
        KnownFormat::Safetensors
        | KnownFormat::Onnx
        | KnownFormat::PyTorch
        | KnownFormat::Gguf
        | KnownFormat::TfLite => "examples are needed here; the model is named first",
        _ => "a CSV file is needed",
    };
    Some(format!("{format}: {advice}"))
}

/// Whether it is JSON for sure: a cell of CSV may begin with a brace.
fn begins_as_json(start: &[u8]) -> bool {
    let text = start.trim_ascii_start();
    ["{\"", "[{", "[[", "{\n", "[\n"].iter().any(|first| text.starts_with(first.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_images_are_none_of_these() {
        let idx = [0, 0, 8, 3, 0, 0, 0, 1];
        let tables: [&[u8]; 9] = [
            b"gr\xf6\xdfe,b\n1,2\n",
            b"a,b\n1,2\n",
            b"\xef\xbb\xbfa,b\n",
            b"",
            b"1",
            b"{a},b",
            b"PA,b\n",
            b"\"a\",b\n",
            "größe,b\n".as_bytes(),
        ];
        for start in tables.into_iter().chain([&idx[..]]) {
            assert_eq!(recognise(start), None, "{start:?}");
        }
    }

    #[test]
    fn other_files_are_told_with_what_to_do() {
        let utf16: Vec<u8> = "a,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (start, named, todo) in [
            (&b"\xef\xbb\xbf \n<!DOCTYPE html>"[..], "HTML", "download"),
            (b"<html>", "HTML", "download"),
            (b"[{\"a\": 1}]", "JSON", "read_json"),
            (b"\x93NUMPY\x01\0", "NumPy", "savetxt"),
            (b"PAR1", "Parquet", "read_parquet"),
            (b"\x1f\x8b\x08\0", "gzip", "twice"),
            (&[8, 9, 0x12, 7, b'p', b'y', b't', b'o', b'r', b'c', b'h'], "ONNX", "named first"),
            (&utf16, "UTF-16", "iconv"),
        ] {
            let told = recognise(start).unwrap_or_else(|| panic!("{named} is a table"));
            assert!(told.contains(named) && told.contains(todo), "{told}");
        }
    }
}
