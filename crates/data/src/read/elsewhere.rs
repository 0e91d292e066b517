//! Files that are something else than tables and arrays, and what to do with them.

use nxm_net::KnownFormat;

/// What a file of this kind is, and what to do with it; none if it may be read. `start` is how it begins, after a byte order mark.
pub fn advice(format: KnownFormat, start: &[u8]) -> Option<String> {
    let advice = match format {
        KnownFormat::Text
        | KnownFormat::Idx
        | KnownFormat::Latin1
        | KnownFormat::Utf16
        | KnownFormat::Npy
        | KnownFormat::Npz => return None,
        KnownFormat::Json if !begins_as_json(start) => return None,
        KnownFormat::Parquet if cfg!(feature = "parquet") => return None,
        KnownFormat::Parquet => {
            "build with the feature parquet (cargo build --features parquet), or write it as CSV, as by pandas.read_parquet(…).to_csv(…, index=False)"
        }
        KnownFormat::Hdf5 => "write its table as CSV, as by pandas.read_hdf(…).to_csv(…, index=False)",
        KnownFormat::Arrow => "write it as CSV, as by pandas.read_feather(…).to_csv(…, index=False)",
        KnownFormat::Json => "write it as CSV, as by pandas.read_json(…).to_csv(…, index=False)",
        KnownFormat::Pickle => "write it as CSV, as by pandas' to_csv(…, index=False)",
        KnownFormat::Matlab => "write its arrays by numpy.savez(…, X=…, y=…), as after scipy.io.loadmat(…)",
        KnownFormat::Utf32 => "convert it, as by iconv -f UTF-32 -t UTF-8",
        KnownFormat::Gzip | KnownFormat::Zstd => "it is packed twice: unpack it once",
        KnownFormat::Bzip2 => "unpack it by bunzip2, or pack it by gzip or zstd",
        KnownFormat::Xz => "unpack it by unxz, or pack it by gzip or zstd",
        KnownFormat::Zip => "unpack it",
        KnownFormat::Xlsx | KnownFormat::Ole => "save its table as CSV",
        KnownFormat::Sqlite => "export its table as CSV, as by sqlite3 -header -csv",
        KnownFormat::Html | KnownFormat::Xml => "download the file itself, not the page that shows it",
        KnownFormat::Safetensors
        | KnownFormat::Onnx
        | KnownFormat::PyTorch
        | KnownFormat::Gguf
        | KnownFormat::TfLite => "examples are needed here; the model is named first",
        _ => "a table is needed: CSV, NPY, NPZ, libsvm, IDX or Parquet",
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

    fn recognise(start: &[u8]) -> Option<String> {
        advice(KnownFormat::of(start)?, start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start))
    }

    #[test]
    fn tables_and_images_are_none_of_these() {
        let idx = [0, 0, 8, 3, 0, 0, 0, 1];
        let utf16: Vec<u8> = "a,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let tables: [&[u8]; 11] = [
            b"gr\xf6\xdfe,b\n1,2\n",
            b"a,b\n1,2\n",
            b"\xef\xbb\xbfa,b\n",
            b"",
            b"1",
            b"{a},b",
            b"PA,b\n",
            b"\"a\",b\n",
            "größe,b\n".as_bytes(),
            b"\x93NUMPY\x01\0",
            &utf16,
        ];
        for start in tables.into_iter().chain([&idx[..]]) {
            assert_eq!(recognise(start), None, "{start:?}");
        }
    }

    #[test]
    fn other_files_are_told_with_what_to_do() {
        for (start, named, todo) in [
            (&b"\xef\xbb\xbf \n<!DOCTYPE html>"[..], "HTML", "download"),
            (b"<html>", "HTML", "download"),
            (b"[{\"a\": 1}]", "JSON", "read_json"),
            (b"\x1f\x8b\x08\0", "gzip", "twice"),
            (b"BZh9", "bzip2", "bunzip2"),
            (&[8, 9, 0x12, 7, b'p', b'y', b't', b'o', b'r', b'c', b'h'], "ONNX", "named first"),
        ] {
            let told = recognise(start).unwrap_or_else(|| panic!("{named} is a table"));
            assert!(told.contains(named) && told.contains(todo), "{told}");
        }
        let parquet = recognise(b"PAR1");
        assert_eq!(parquet.is_none(), cfg!(feature = "parquet"));
        assert!(parquet.is_none_or(|told| told.contains("--features parquet") && told.contains("read_parquet")));
    }
}
