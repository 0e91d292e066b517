//! Files of weights that others wrote: what is a chain of dense layers is read, and all else is refused by name.

use std::fmt::Write;

use nxm_count::{DenseWeights, NetworkSpec};
use nxm_net::{Activation, ElementType, FileHeader, Loss};

/// The beginning of a file with this header.
fn start(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn read(start: &[u8], len: u64) -> Result<DenseWeights, String> {
    let header = FileHeader::from_start(start, len).map_err(|error| error.to_string())?;
    DenseWeights::from_header(&header).map_err(|error| error.to_string())
}

/// A header of tensors side by side in this order, and the bytes of their numbers.
fn header(tensors: &[(&str, &str, &[u64])]) -> (String, u64) {
    let (mut text, mut end) = ("{\"__metadata__\":{\"format\":\"pt\"}".to_owned(), 0);
    for (name, dtype, shape) in tensors {
        let size = match *dtype {
            "F64" | "I64" => 8,
            "F16" | "BF16" => 2,
            _ => 4,
        };
        let next = end + size * shape.iter().product::<u64>();
        let name = serde_json::to_string(name).unwrap();
        write!(text, ",{name}:{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{end},{next}]}}").unwrap();
        end = next;
    }
    (text + "}", end)
}

fn tensors(tensors: &[(&str, &str, &[u64])]) -> Result<DenseWeights, String> {
    let (text, data) = header(tensors);
    let start = start(&text);
    read(&start, start.len() as u64 + data)
}

const F32: &str = "F32";
/// 784-128-10, as `torch.nn.Sequential(Linear, ReLU, Linear)` is saved: in the order of the names.
const SMALL: [(&str, &str, &[u64]); 4] =
    [("0.bias", F32, &[128]), ("0.weight", F32, &[128, 784]), ("2.bias", F32, &[10]), ("2.weight", F32, &[10, 128])];

#[test]
fn chains_of_dense_layers() {
    let small = tensors(&SMALL).unwrap();
    assert_eq!((small.element, &small.sizes[..]), (ElementType::F32, &[784, 128, 10][..]));
    assert_eq!(small.names, ["0.weight", "2.weight"]);
    // One layer, as `torch.nn.Linear` is saved.
    assert_eq!(tensors(&[("weight", "F64", &[2, 3]), ("bias", "F64", &[2])]).unwrap().sizes, [3, 2]);
    assert_eq!(tensors(&[("weight", "F64", &[2, 3]), ("bias", "F64", &[2])]).unwrap().element, ElementType::F64);
    // Twelve layers: 10 is behind 9.
    let names: Vec<[String; 2]> =
        (0..12).map(|l| ["weight", "bias"].map(|part| format!("net.{}.{part}", 2 * l))).collect();
    let shapes: Vec<[u64; 2]> = (0..12).map(|l| [l + 2, l + 1]).collect();
    let mut layers: Vec<(&str, &str, &[u64])> = Vec::new();
    for ([weight, bias], shape) in names.iter().zip(&shapes) {
        layers.push((weight, F32, shape));
        layers.push((bias, F32, &shape[..1]));
    }
    layers.sort();
    assert_eq!(tensors(&layers).unwrap().sizes, (1..=13).collect::<Vec<u64>>());
    // More than any machine holds: only the header is there.
    let huge = tensors(&[("fc1.weight", F32, &[1 << 30, 1 << 30]), ("fc1.bias", F32, &[1 << 30])]).unwrap();
    assert_eq!(huge.sizes, [1 << 30, 1 << 30]);
    NetworkSpec::new(huge.sizes, Activation::Relu, Activation::Identity, Loss::MeanSquaredError).unwrap();
}

/// 784-128-32, and 32-128-…
fn autoencoder(last: &[u64; 2]) -> Result<DenseWeights, String> {
    tensors(&[
        ("decoder.0.bias", F32, &[128]),
        ("decoder.0.weight", F32, &[128, 32]),
        ("decoder.2.bias", F32, &last[..1]),
        ("decoder.2.weight", F32, last),
        ("encoder.0.bias", F32, &[128]),
        ("encoder.0.weight", F32, &[128, 784]),
        ("encoder.2.bias", F32, &[32]),
        ("encoder.2.weight", F32, &[32, 128]),
    ])
}

#[test]
fn names_without_numbers_say_no_order() {
    let other = autoencoder(&[64, 128]).unwrap();
    assert_eq!(other.sizes, [784, 128, 32, 128, 64]);
    assert_eq!(other.names, ["encoder.0.weight", "encoder.2.weight", "decoder.0.weight", "decoder.2.weight"]);
    let symmetric = autoencoder(&[784, 128]).unwrap_err();
    for named in [
        "\"encoder.*\", \"decoder.*\" is 784-128-32-128-784",
        "\"decoder.*\", \"encoder.*\" is 32-128-784-128-32",
        "give its sizes instead of the file",
    ] {
        assert!(symmetric.contains(named), "{named} in {symmetric}");
    }
}

#[test]
fn all_else_is_refused_by_name() {
    let refused = |list: &[(&str, &str, &[u64])], named: &[&str]| {
        let error = tensors(list).unwrap_err();
        assert!(!error.contains(char::is_control) && error.chars().count() < 1000, "{error}");
        named.iter().for_each(|name| assert!(error.contains(name), "{name} in {error}"));
    };
    let with = |more: (&'static str, &'static str, &'static [u64])| [&SMALL[..], &[more]].concat();
    let dense = "none of a dense layer";
    refused(&[], &["no dense layers", "NAME.weight"]);
    refused(&with(("1.running_mean", F32, &[128])), &["\"1.running_mean\"", "F32 [128]", dense]);
    refused(&with(("1.num_batches_tracked", "I64", &[])), &["\"1.num_batches_tracked\"", "I64 []", dense]);
    refused(&with(("embedding", F32, &[3, 3])), &["\"embedding\"", dense]);
    refused(&with(("1.weight", F32, &[128])), &["\"1.weight\"", "F32 [128]", dense]);
    refused(&with(("1.weight", F32, &[3, 3, 5, 5])), &["\"1.weight\"", "[3, 3, 5, 5]", dense]);
    refused(&with(("1.bias", F32, &[3, 3])), &["\"1.bias\"", "F32 [3, 3]", dense]);
    refused(&with(("4.bias", F32, &[3])), &["\"4.bias\"", "no \"4.weight\" of 3 outputs"]);
    refused(&with(("4.weight", F32, &[3, 10])), &["\"4.weight\"", "no \"4.bias\" of 3 outputs"]);
    refused(&with(("xweight", F32, &[3, 10])), &["\"xweight\"", dense]);
    refused(&[("0.weight", "F16", &[2, 3]), ("0.bias", "F16", &[2])], &["\"0.bias\" is F16 [2]", "F32 or F64"]);
    refused(&[("0.weight", "BF16", &[2, 3]), ("0.bias", F32, &[2])], &["\"0.weight\" is BF16 [2, 3]"]);
    refused(&[("0.weight", F32, &[2, 3]), ("0.bias", "F64", &[2])], &["\"0.weight\" is F32 [2, 3]", "one type"]);
    refused(&[("0.weight", F32, &[2, 3]), ("0.bias", F32, &[3])], &["\"0.bias\" is F32 [3]", "[2], as \"0.weight\""]);
    refused(&[("0.weight", F32, &[2, 0]), ("0.bias", F32, &[2])], &["\"0.weight\"", "at least 1"]);
    refused(
        &[("a.weight", F32, &[2, 3]), ("a.bias", F32, &[2]), ("b.weight", F32, &[4, 3]), ("b.bias", F32, &[4])],
        &["\"a.weight\" (F32 [2, 3])", "\"b.weight\" (F32 [4, 3])", "do not fit"],
    );
    let long = "x".repeat(1 << 20);
    refused(&[(&long, F32, &[1])], &["xxx…", dense]);
    refused(&[("a\nb\u{1b}", F32, &[1])], &["a\\nb\\u{1b}", dense]);
}

#[test]
fn lying_headers() {
    let layer = |weight: &str, bias: &str| format!("{{\"0.weight\":{{{weight}}},\"0.bias\":{{{bias}}}}}");
    let (weight, bias) = (
        "\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]",
        "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]",
    );
    let text = |text: &str, data: u64| {
        let start = start(text);
        read(&start, start.len() as u64 + data)
    };
    let refused = |header: &str, data, named: &[&str]| {
        let error = text(header, data).unwrap_err();
        assert!(!error.contains(char::is_control) && error.chars().count() < 1000, "{error}");
        named.iter().for_each(|name| assert!(error.contains(name), "{name} in {error}"));
    };
    assert_eq!(text(&layer(weight, bias), 32).unwrap().sizes, [3, 2]);
    for (bias, named) in [
        (bias.replace("[24,32]", "[20,28]"), "at bytes 20 to 28"),
        (bias.replace("[24,32]", "[28,36]"), "begin at 24"),
        (bias.replace("[24,32]", "[24,28]"), "at bytes 24 to 28"),
        (bias.replace("[24,32]", "[32,24]"), "at bytes 32 to 24"),
        (bias.replace("[24,32]", "[24,18446744073709551615]"), "18446744073709551615"),
        (bias.replace("[2]", "[4294967296,4294967296]"), "[4294967296, 4294967296]"),
        (bias.replace("[2]", "[18446744073709551615]"), "as long as its shape"),
        (bias.replace("[2]", "[-2]"), "invalid value"),
        (bias.replace("[2]", "[2.0]"), "invalid type"),
        (bias.replace("[2]", "2"), "invalid type"),
        (bias.replace("[24,32]", "[24]"), "invalid length"),
        (bias.replace("F32", "F33"), "unknown variant `F33`"),
        (bias.replace("F32", "\\u001b[31m\\nX"), "unknown variant `\\u{1b}[31m\\nX`"),
        (bias.replace("\"dtype\":\"F32\",", ""), "missing field `dtype`"),
        (bias.replace("\"shape\"", "\"shape\":[2],\"shape\""), "\"shape\" is there twice"),
    ] {
        let whose = if named.ends_with("twice") { "header" } else { "\"0.bias\"" };
        refused(&layer(weight, &bias), 32, &[named, whose]);
    }
    for data in [8, 31, 33, 1 << 60] {
        refused(&layer(weight, bias), data, &["bytes", "cut off"]);
    }
    refused(&format!("{{\"a\":{{{weight}}},\"a\":{{{weight}}}}}"), 24, &["\"a\" is there twice"]);
    refused("{\"__metadata__\":{\"format\":1}}", 8, &["__metadata__", "format", "expected a string"]);
    refused("{\"__metadata__\":[]}", 8, &["__metadata__"]);
    refused("{\"0.weight\":7}", 8, &["\"0.weight\"", "invalid type"]);
    refused("{}", 8, &["no dense layers"]);
    refused("[1]", 8, &["invalid type: sequence, expected an object of tensors"]);
    refused("{", 8, &["EOF"]);
    refused(&"{\"a\":".repeat(100_000), 8, &["\"a\"", "unknown field `a`"]);
    refused(&"[".repeat(1 << 20), 8, &["invalid type: sequence"]);
}

#[test]
fn cut_at_every_length_and_flipped_at_every_byte() {
    let (text, data) =
        header(&[("0.weight", F32, &[2, 3]), ("0.bias", F32, &[2]), ("2.weight", F32, &[1, 2]), ("2.bias", F32, &[1])]);
    let mut bytes = start(&text);
    let len = bytes.len() as u64 + data;
    bytes.resize(len as usize, 0);
    for cut in 0..bytes.len() {
        let error = read(&bytes[..cut], cut as u64).unwrap_err();
        assert!(error.contains(&format!("{cut} bytes")) && error.contains("cut off"), "{cut}: {error}");
    }
    assert_eq!(read(&bytes, len).unwrap().sizes, [3, 2, 1]);
    let mut legal = 0;
    for at in 0..8 + text.len() {
        let byte = bytes[at];
        for flip in (0..8).map(|bit| 1 << bit).chain([0xff]) {
            bytes[at] = byte ^ flip;
            // Legal is what was renamed; the numbers are as many.
            if let Ok(weights) = read(&bytes, len) {
                let parameters: u64 = weights.sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
                assert_eq!(parameters * weights.element.size(), data, "byte {at}");
                legal += 1;
            }
        }
        bytes[at] = byte;
    }
    assert!(legal > 0);
}
