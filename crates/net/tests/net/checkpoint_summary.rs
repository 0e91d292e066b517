//! The header of a checkpoint alone: what it says is what the whole file says, and no header makes it panic or wait.

use nxm_kernels::Activation;
use nxm_net::{
    Checkpoint, CheckpointError, CheckpointSummary, ContentError, Element, ElementType, FileHeader, Network,
    NetworkSpec, Progress, Training, TrainingOptions,
};

use crate::checkpoint::{Folder, VERSIONS, small};
use crate::support::{cpu, examples};

fn read(bytes: &[u8], len: usize) -> Result<CheckpointSummary, ContentError> {
    CheckpointSummary::from_header(&FileHeader::from_start(bytes, len as u64)?)
}

/// Where the header ends.
fn header_len(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

/// The beginning of a file with another header.
fn with_header(bytes: &[u8], change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let text = change(std::str::from_utf8(&bytes[8..header_len(bytes)]).unwrap());
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn assert_same<T: Element>(summary: &CheckpointSummary, whole: &Checkpoint<T>) {
    let activations: Vec<Activation> = whole.network.activations().collect();
    assert_eq!((summary.element, summary.element.name()), (ElementType::of::<T>(), T::NAME));
    assert_eq!((&summary.sizes, &summary.activations), (&whole.network.sizes(), &activations));
    assert_eq!((&summary.options, summary.examples), (&whole.options, whole.examples));
    let state = &whole.state;
    assert_eq!((summary.progress, summary.steps), (state.progress, state.optimizer.steps()));
    assert_eq!(summary.notes, whole.notes);
    let spec = NetworkSpec::of_training(&whole.network, &whole.options);
    assert_eq!(NetworkSpec::of_checkpoint(summary), Ok(spec));
}

#[test]
fn says_what_the_file_says() {
    let folder = Folder::new("summary");
    let path = folder.path().join("run");
    small::<f32>().save(&path).unwrap();
    assert_same(&CheckpointSummary::load(&path).unwrap(), &small::<f32>());
    small::<f64>().save(&path).unwrap();
    assert_same(&CheckpointSummary::load(&path).unwrap(), &small::<f64>());

    // Each layer with an activation of its own.
    let builder = Network::<f32>::builder(4).dense(5, Activation::Gelu).dense(6, Activation::Tanh);
    let mut network = builder.dense(3, Activation::Identity).build().unwrap();
    let options = TrainingOptions::default();
    let (executor, data) = (cpu(), examples(&options.loss, 5, 4, 3, 1));
    Training::new(&mut network, &executor, &data, options).unwrap().save(&path).unwrap();
    let summary = CheckpointSummary::load(&path).unwrap();
    assert_same(&summary, &Checkpoint::<f32>::load(&path).unwrap());
    assert_eq!(summary.activations, [Activation::Gelu, Activation::Tanh, Activation::Identity]);
    assert_eq!(summary.progress, Progress::default());
}

#[test]
fn every_format_is_summarised() {
    for (single, double) in VERSIONS {
        assert_same(&read(single, single.len()).unwrap(), &small::<f32>());
        assert_same(&read(double, double.len()).unwrap(), &small::<f64>());
    }
}

#[test]
fn numbers_are_neither_needed_nor_read() {
    let bytes = small::<f32>().to_bytes().unwrap();
    let start = &bytes[..header_len(&bytes)];
    assert_eq!(read(start, bytes.len()), read(&bytes, bytes.len()));
    assert!(read(start, bytes.len()).is_ok());
    // Their checksum is not looked at.
    let mut damaged = bytes.clone();
    damaged[start.len()] ^= 1;
    assert_eq!(read(&damaged, bytes.len()), read(start, bytes.len()));
}

/// Terabytes, of which there is nothing but the header. Of 32 bits, a machine can't count them.
#[test]
#[cfg(target_pointer_width = "64")]
fn numbers_that_no_memory_holds_are_summarised() {
    let bytes = small::<f32>().to_bytes().unwrap();
    let huge = with_header(&bytes, |text| {
        let (n, m) = (1_000_000u64, 400_000u64);
        let shapes = [vec![n, m], vec![m], vec![m, 1], vec![1]];
        let mut text = text.replace("\"sizes\":\"2 3 1\"", &format!("\"sizes\":\"{n} {m} 1\""));
        let end = text.find("},\"checksum\"").unwrap() + 2;
        text.truncate(end);
        let mut at = 0u64;
        let mut entry = |name: &str, shape: &[u64]| {
            let bytes = 4 * shape.iter().product::<u64>();
            at += bytes;
            format!("\"{name}\":{{\"data_offsets\":[{},{at}],\"dtype\":\"F32\",\"shape\":{shape:?}}},", at - bytes)
        };
        for (l, [weights, bias]) in shapes.as_chunks::<2>().0.iter().enumerate() {
            text += &entry(&format!("layers.{l}.weights"), weights);
            text += &entry(&format!("layers.{l}.bias"), bias);
            text += &entry(&format!("optimizer.{l}.weights.momentum"), weights);
            text += &entry(&format!("optimizer.{l}.bias.momentum"), bias);
        }
        text + &format!("\"checksum\":{{\"data_offsets\":[{at},{}],\"dtype\":\"U8\",\"shape\":[8]}}}}", at + 8)
    });
    let parameters = 1_000_001u64 * 400_000 + 400_001;
    let summary = read(&huge, huge.len() + 8 + 8 * parameters as usize).unwrap();
    assert_eq!(summary.sizes, [1_000_000, 400_000, 1]);
}

#[test]
fn cut_at_every_length() {
    let bytes = small::<f32>().to_bytes().unwrap();
    for len in 0..bytes.len() {
        let error = read(&bytes[..len], len).unwrap_err();
        assert!(matches!(error, ContentError::Length { found, .. } if found == len as u64), "{len}: {error}");
    }
    // A file that ends while it is read.
    assert!(matches!(read(&bytes[..100], bytes.len()), Err(ContentError::Length { found: 100, .. })));
}

#[test]
fn flipped_at_every_byte_of_the_header() {
    let mut bytes = small::<f32>().to_bytes().unwrap();
    let (len, header) = (bytes.len(), header_len(&bytes));
    let sizes = read(&bytes, len).unwrap().sizes;
    let mut refused = 0;
    for at in 0..header {
        let byte = bytes[at];
        for flip in (0..8).map(|bit| 1 << bit).chain([0xff]) {
            bytes[at] = byte ^ flip;
            // What is still legal is a note, a seed, …; the tensors are those of the file.
            match read(&bytes, len) {
                Ok(summary) => assert_eq!(summary.sizes, sizes, "byte {at}"),
                Err(error) => refused += usize::from(!error.to_string().is_empty()),
            }
        }
        bytes[at] = byte;
    }
    assert!(refused > 8 * header, "{refused}");
}

#[test]
fn what_is_there_twice_is_refused() {
    let bytes = small::<f32>().to_bytes().unwrap();
    let tensor = r#"{"data_offsets":[0,0],"dtype":"U8","shape":[8]}"#;
    for (from, to, key) in [
        ("\"batch\":\"4\"", "\"batch\":\"4\",\"batch\":\"5\"", "batch"),
        ("\"dtype\":\"F32\"", "\"dtype\":\"F32\",\"dtype\":\"F32\"", "dtype"),
        ("\"checksum\":", &format!("\"checksum\":{tensor},\"checksum\":"), "checksum"),
        ("\"checksum\":", &format!("\"ch\\u0065cksum\":{tensor},\"checksum\":"), "checksum"),
        ("\"__metadata__\":", "\"__metadata__\":{},\"__metadata__\":", "__metadata__"),
    ] {
        let twice = with_header(&bytes, |text| text.replacen(from, to, 1));
        let error = read(&twice, twice.len() + bytes.len() - header_len(&bytes)).unwrap_err().to_string();
        assert!(error.contains(&format!("the key {key:?} is there twice")), "{error}");
    }
}

#[test]
fn lies_are_refused() {
    let bytes = small::<f32>().to_bytes().unwrap();
    let lie = |change: &dyn Fn(&str) -> String| {
        let lie = with_header(&bytes, change);
        let error = read(&lie, lie.len() + bytes.len() - header_len(&bytes)).unwrap_err();
        // However long the lie is.
        assert!(error.to_string().chars().count() < 1000, "{error}");
        error
    };
    let replaced = |from: &'static str, to: &'static str| lie(&|text| text.replacen(from, to, 1));
    assert!(matches!(replaced("[0,24]", "[4,24]"), ContentError::Tensor { name, .. } if name == "layers.0.weights"));
    assert!(matches!(replaced("[24,36]", "[20,32]"), ContentError::Tensor { name, .. } if name == "layers.0.bias"));
    assert!(matches!(replaced("[0,24]", "[0,18446744073709551615]"), ContentError::Length { .. }));
    assert!(matches!(replaced("[2,3]", "[9223372036854775807,3]"), ContentError::Tensor { .. }));
    assert!(
        matches!(replaced("\"element\":\"f32\"", "\"element\":\"f16\""), ContentError::Field { name, .. } if name == "element")
    );
    assert!(matches!(replaced("\"element\":\"f32\"", "\"element\":\"f64\""), ContentError::Tensor { .. }));
    assert!(matches!(replaced("nxm-checkpoint", "pt"), ContentError::NotACheckpoint));
    assert!(matches!(lie(&|_| "[]".to_owned()), ContentError::Header { .. }));
    assert!(matches!(lie(&|_| "{}".to_owned()), ContentError::NotACheckpoint));
    assert!(matches!(lie(&|_| "{\"a\":".repeat(1_000_000)), ContentError::Header { .. }));
    assert!(matches!(lie(&|text| text.replace("tanh identity", &"x".repeat(1 << 20))), ContentError::Field { .. }));
    // So many layers as no tensor is there for: refused at the first that is missing.
    let layers = "1 ".repeat(500_000);
    let many = lie(&|text| {
        let activations = "relu ".repeat(499_999);
        text.replace("2 3 1", &layers).replace("tanh identity", &activations)
    });
    assert!(matches!(many, ContentError::Tensor { name, .. } if name == "layers.0.weights"));
    let mut header = bytes.clone();
    header[..8].copy_from_slice(&(1u64 << 60).to_le_bytes());
    assert_eq!(read(&header, header.len()), Err(ContentError::HeaderLength { most: 8 << 20, found: 1 << 60 }));
    let latin = [&4u64.to_le_bytes()[..], b"\"\xe9\xe9\"", &[0; 8]].concat();
    assert!(matches!(read(&latin, latin.len()), Err(ContentError::Header { .. })));
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_no_file_is_not_waited_for() {
    let folder = Folder::new("pipe");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&pipe, folder.path(), std::path::Path::new("/dev/zero"), std::path::Path::new("/dev/null")] {
        let error = CheckpointSummary::load(path).unwrap_err();
        assert!(matches!(error, CheckpointError::Io { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}
