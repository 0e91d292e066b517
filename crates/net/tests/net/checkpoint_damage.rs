//! Damaged, lying and foreign files, and folders that can't be written to, are errors that say which file and what is wrong.

use std::path::Path;

use nxm_net::{Checkpoint, CheckpointError, ContentError};
use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::checkpoint::{Folder, small};

fn read(bytes: &[u8]) -> Result<Checkpoint<f32>, ContentError> {
    Checkpoint::from_bytes(bytes)
}

/// The same with another header, and a checksum that is right: a lie, not an accident.
pub fn with_header(bytes: &[u8], change: impl FnOnce(String) -> String) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut text = change(String::from_utf8(bytes[8..8 + length].to_vec()).unwrap()).into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut lie = (text.len() as u64).to_le_bytes().to_vec();
    lie.extend_from_slice(&text);
    lie.extend_from_slice(&bytes[8 + length..bytes.len() - 8]);
    lie.extend_from_slice(&xxh3_64(&lie).to_le_bytes());
    lie
}

#[test]
fn cut_at_every_length_and_longer() {
    let bytes = small::<f32>().to_bytes().unwrap();
    for len in 0..bytes.len() {
        let error = read(&bytes[..len]).unwrap_err();
        assert!(matches!(error, ContentError::Length { found, .. } if found == len as u64), "{len}: {error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    let (expected, found) = (bytes.len() as u64, bytes.len() as u64 + 1);
    assert_eq!(read(&longer), Err(ContentError::Length { expected, found }));
}

#[test]
fn flipped_at_every_byte() {
    let mut bytes = small::<f32>().to_bytes().unwrap();
    for at in 0..bytes.len() {
        let byte = bytes[at];
        for flip in (0..8).map(|bit| 1 << bit).chain([0xff]) {
            bytes[at] = byte ^ flip;
            let read = read(&bytes);
            assert!(read.is_err(), "byte {at} changed from {byte} to {}", bytes[at]);
        }
        bytes[at] = byte;
    }
    assert_eq!(read(&bytes), Ok(small()));
}

#[test]
fn numbers_that_changed_are_found_by_the_checksum() {
    let mut bytes = small::<f32>().to_bytes().unwrap();
    let expected = xxh3_64(&bytes[..bytes.len() - 8]);
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(read(&bytes), Err(ContentError::Checksum { expected, found: expected ^ 1 << 56 }));
}

#[test]
fn huge_headers_are_refused_before_they_are_read() {
    let bytes = small::<f32>().to_bytes().unwrap();
    let folder = Folder::new("huge");
    for length in [(8 << 20) + 1, 1 << 40, i64::MAX as u64, u64::MAX - 7, u64::MAX] {
        let mut lie = bytes.clone();
        lie[..8].copy_from_slice(&u64::to_le_bytes(length));
        assert_eq!(read(&lie), Err(ContentError::HeaderLength { most: 8 << 20, found: length }));
    }
    // A file of a tebibyte of nothing, with the header of a small one.
    let path = folder.path().join("sparse");
    std::fs::write(&path, &bytes).unwrap();
    if std::fs::File::options().write(true).open(&path).and_then(|file| file.set_len(1 << 40)).is_ok() {
        let expected = ContentError::Length { expected: bytes.len() as u64, found: 1 << 40 };
        assert!(
            matches!(Checkpoint::<f32>::load(&path), Err(CheckpointError::Content { source, .. }) if source == expected)
        );
    }
}

#[test]
fn lies_are_found_where_they_stand() {
    let bytes = small::<f32>().to_bytes().unwrap();
    let lie = |from: &str, to: &str| {
        let lie = with_header(&bytes, |text| {
            assert!(text.contains(from), "{from} in {text}");
            text.replace(from, to)
        });
        read(&lie).unwrap_err()
    };
    assert_eq!(lie(r#""version":"2""#, r#""version":"4""#), ContentError::Version { newest: 3, found: 4 });
    let newer = lie(r#""version":"2""#, r#""version":"77""#).to_string();
    assert_eq!(newer, "its format is version 77, and this program reads versions 1 to 3: a newer program is needed");
    assert!(
        matches!(lie(r#""version":"2""#, r#""version":"0""#), ContentError::Field { name, .. } if name == "version")
    );
    assert_eq!(lie("nxm-checkpoint", "pt"), ContentError::NotACheckpoint);
    // Then it is a tensor, and none of safetensors.
    assert!(
        matches!(lie("__metadata__", "metadata"), ContentError::Header { reason } if reason.contains("unknown field"))
    );
    let field = |from, to| match lie(from, to) {
        ContentError::Field { name, .. } => name,
        other => panic!("{from} to {to}: {other}"),
    };
    assert_eq!(field(r#""batch":"4""#, r#""batch":"-4""#), "batch");
    assert_eq!(field(r#""batch":"4","#, ""), "batch");
    assert_eq!(field(r#""sizes":"2 3 1""#, r#""sizes":"2 0 1""#), "sizes");
    assert_eq!(field(r#""sizes":"2 3 1""#, r#""sizes":"""#), "sizes");
    assert_eq!(field("tanh identity", "tanh"), "activations");
    assert_eq!(field("tanh identity", "tanh sine"), "activations");
    assert_eq!(field(r#""optimizer":"sgd""#, r#""optimizer":"noah""#), "optimizer");
    assert_eq!(field(r#""schedule":"milestones""#, r#""schedule":"noam""#), "schedule");
    assert_eq!(field(r#""loss":"mse""#, r#""loss":"hinge""#), "loss");
    // No string: the header says where.
    for (from, to, named) in [
        (r#""batch":"4""#, r#""batch":4"#, "batch"),
        (r#""note.columns":"#, r#""note.columns":0,"other":"#, "note.columns"),
        (r#""note.columns":"#, r#""note.columns":[["x"]],"other":"#, "note.columns"),
    ] {
        let error = lie(from, to).to_string();
        let expected = format!("its header is not one of safetensors: \"__metadata__\": {named:?}: invalid type: ");
        assert!(error.starts_with(&expected) && error.contains("expected a string at line 1 column "), "{error}");
    }
    let tensor = |from, to| match lie(from, to) {
        ContentError::Tensor { name, .. } => name,
        other => panic!("{from} to {to}: {other}"),
    };
    assert_eq!(tensor(r#""sizes":"2 3 1""#, r#""sizes":"3 2 1""#), "layers.0.weights");
    assert_eq!(tensor(r#""sizes":"2 3 1""#, r#""sizes":"10000 10000 1""#), "layers.0.weights");
    assert_eq!(tensor(r#""optimizer.momentum":"0.9""#, r#""optimizer.momentum":"0.0""#), "layers.1.weights");
    assert_eq!(tensor("layers.1.bias", "layers.2.bias"), "layers.1.bias");
    assert_eq!(tensor("F32", "I32"), "layers.0.weights");
    // Both numbers too large to multiply, and a place that is none.
    let huge = format!("{0} {0} 1", usize::MAX / 2);
    assert!(matches!(lie("2 3 1", &huge), ContentError::Training(_)));
    assert!(matches!(lie(r#""data_offsets":[0,24]"#, r#""data_offsets":[0,-4]"#), ContentError::Header { .. }));
    assert!(matches!(lie(r#""progress.steps":"1""#, r#""progress.steps":"2""#), ContentError::Training(_)));
    // As many steps as can be counted: the next one could not be.
    let most = with_header(&bytes, |text| {
        let text = text
            .replace(r#""batch":"4""#, r#""batch":"8""#)
            .replace(r#""progress.steps":"1""#, r#""progress.steps":"0""#);
        let text = text.replace(r#""optimizer.steps":"7""#, &format!(r#""optimizer.steps":"{}""#, u64::MAX));
        let text = text.replace(r#""progress.loss":"0.30000000000000004""#, r#""progress.loss":"0.0""#);
        text.replace(r#""progress.epochs":"3""#, &format!(r#""progress.epochs":"{}""#, usize::MAX))
    });
    let error = read(&most).unwrap_err().to_string();
    assert!(error.contains(&format!("at most {}", isize::MAX)) && error.contains(&u64::MAX.to_string()), "{error}");
    assert!(matches!(lie(r#""optimizer.steps":"7""#, r#""optimizer.steps":"8""#), ContentError::Training(_)));
    assert!(matches!(lie(r#""batch":"4""#, r#""batch":"0""#), ContentError::Training(_)));
    assert_eq!(field("optimizer.learning_rate", "optimizer.learning"), "optimizer.learning_rate");
    let nested = with_header(&bytes, |text| "[".repeat(text.len()));
    assert!(matches!(read(&nested), Err(ContentError::Header { .. })));
}

#[test]
fn files_of_something_else_are_told() {
    let folder = Folder::new("something-else");
    let path = folder.path().join("file");
    let zip = b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0archive/data.pkl";
    for (bytes, said) in [
        (&b"\x08\x08\x12\x07pytorch\x1a\x052.1.0"[..], "an ONNX model"),
        (
            zip,
            "a PyTorch file (torch.save), and a checkpoint of nxm or a safetensors file is needed: safetensors.torch",
        ),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0\0", "an HDF5 file"),
        (b"\x93NUMPY\x01\0v\0{'descr'", "a NumPy array"),
        (b"PAR1\x15\x04\x15\x10\x15", "a Parquet file"),
        (b"PK\x03\x04\x14\0\0\0\0", "a zip archive"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0", "packed by gzip"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\xff\xfea\0,\0b\0\n\0", "text in UTF-16"),
        (b"length,width\n1,2\n", "text"),
        (b"gr\xf6\xdfe,l\xe4nge\n1,2\n", "text that is not UTF-8"),
    ] {
        let error = read(bytes).unwrap_err();
        let ContentError::Foreign { found } = &error else { panic!("{said}: {error}") };
        assert!(error.to_string().starts_with(&format!("it is {said}")), "{error}");
        std::fs::write(&path, bytes).unwrap();
        match Checkpoint::<f32>::load(&path) {
            Err(CheckpointError::Content { source: ContentError::Foreign { found: same }, .. }) => {
                assert_eq!(same, *found)
            }
            other => panic!("{said}: {other:?}"),
        }
    }
}

#[test]
fn the_other_element_type_is_refused() {
    let single = Checkpoint::<f64>::from_bytes(&small::<f32>().to_bytes().unwrap()).unwrap_err();
    assert_eq!(single, ContentError::Element { expected: "f64", found: "f32".to_owned() });
    let double = read(&small::<f64>().to_bytes().unwrap()).unwrap_err();
    assert_eq!(double.to_string(), "its numbers are f64, and f32 was asked for");
}

proptest! {
    #[test]
    fn any_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), length in 0u64..200) {
        prop_assert!(read(&bytes).is_err());
        prop_assert!(read(&[&length.to_le_bytes()[..], &bytes].concat()).is_err());
    }
}

/// The error names the path, in its text too.
fn names(error: &CheckpointError, path: &Path) {
    let (CheckpointError::Io { path: named, .. } | CheckpointError::Content { path: named, .. }) = error else {
        panic!("{error}")
    };
    assert_eq!(named, path);
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn files_that_can_not_be_read_are_named() {
    let folder = Folder::new("unreadable");
    let load = |path: &Path| Checkpoint::<f32>::load(path).unwrap_err();
    let path = folder.path().join("none");
    names(&load(&path), &path);
    names(&load(folder.path()), folder.path());
    let torn = folder.path().join("torn");
    let bytes = small::<f32>().to_bytes().unwrap();
    for len in [0, 5, 8, 100, bytes.len() - 1] {
        std::fs::write(&torn, &bytes[..len]).unwrap();
        names(&load(&torn), &torn);
    }
    std::fs::write(&torn, &bytes).unwrap();
    assert_eq!(Checkpoint::load(&torn).unwrap(), small::<f32>());
}

#[test]
fn places_that_can_not_be_written_are_named() {
    let folder = Folder::new("unwritable");
    let save = |path: &Path| small::<f32>().save(path).unwrap_err();
    let missing = folder.path().join("missing");
    names(&save(&missing.join("run")), &missing);
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    names(&save(&file.join("run")), &file);
    // A folder stands there already: nothing is left beside it.
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    names(&save(&taken), &taken);
    assert_eq!(folder.names(), ["file", "taken"]);
    assert!(matches!(save(Path::new("/")), CheckpointError::Io { .. }));
}

#[test]
#[cfg(target_os = "linux")]
fn a_read_only_folder_is_an_error() {
    // Where nobody creates files, not even root, whom permissions do not stop.
    let error = small::<f32>().save("/proc/run").unwrap_err();
    assert!(error.to_string().starts_with("can't create /proc/run."), "{error}");

    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("read-only");
    let path = folder.path().join("run");
    small::<f32>().save(&path).unwrap();
    let allow = |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    let root = std::fs::write(folder.path().join("probe"), b"").is_ok();
    let saved = small::<f32>().save(&path);
    allow(0o755);
    assert_eq!(saved.is_ok(), root, "{saved:?}");
    assert_eq!(Checkpoint::load(&path).unwrap(), small::<f32>());
}
