//! `nxm count FILE`: a checkpoint or PyTorch's weights are counted as what they are, and what is neither is refused.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::common::{Folder, flowers, nxm, printed, run};
use nxm_net::{Activation, Checkpoint, Cpu, Dataset, Element, Network, Optimizer, Training, TrainingOptions};
use serde_json::{Value, json};

fn counted(args: &[&str]) -> Value {
    serde_json::from_str(&printed(&[&["count"], args, &["--format", "json"]].concat())).expect("JSON")
}

/// Asserts that `output` is a refusal in one or two lines that names all of `named`.
fn assert_refused(output: &Output, named: &[&str]) {
    let message = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{message}");
    assert!(message.starts_with("error: ") && message.lines().count() <= 2 && message.len() < 2000, "{message}");
    assert!(!message.contains("panicked"), "{message}");
    named.iter().for_each(|name| assert!(message.contains(name), "{name:?} is not named in\n{message}"));
}

fn refused(args: &[&str], named: &[&str]) {
    assert_refused(&run(&[&["count"], args].concat()), named);
}

/// A file of safetensors with this header, before so many bytes of numbers.
fn safetensors(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

/// 4-3-2, as PyTorch saves it.
const PYTORCH: &str = r#"{"__metadata__":{"format":"pt"},"fc1.bias":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},
"fc1.weight":{"dtype":"F32","shape":[3,4],"data_offsets":[12,60]},"fc2.bias":{"dtype":"F32","shape":[2],"data_offsets":[60,68]},
"fc2.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[68,92]}}"#;

/// A training that the library keeps, each of its layers with an activation of its own.
fn mixed<T: Element>(path: &Path) {
    let data: Vec<T> = (0..40).map(|i| T::from_f64(f64::from(i % 7) / 7.0)).collect();
    let data = Dataset::regression(data, 4, vec![T::from_f64(0.5); 20], 2).expect("10 examples");
    let builder = Network::<T>::builder(4).dense(5, Activation::Gelu).dense(6, Activation::Tanh);
    let mut network = builder.dense(2, Activation::Identity).build().expect("a network");
    let options = TrainingOptions::default()
        .with_optimizer(Optimizer::adam(0.01))
        .with_clip_norm(0.5)
        .with_batch(4)
        .with_epochs(3);
    let cpu = Cpu::detect().expect("a level");
    Training::new(&mut network, &cpu, &data, options).expect("it fits").save(path).expect("a file");
}

#[test]
fn a_checkpoint_says_all_that_is_asked_for_sizes() {
    let folder = Folder::new("count-checkpoint");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    printed(&["train", &data, "--label", "kind", "--hidden", "8,7", "--epochs", "2", "--checkpoint", &model]);
    let flags = ["--loss", "cross_entropy", "--optimizer", "adamw", "--batch", "16", "--examples", "51"];
    let same = |file: &[&str], sizes: &[&str]| {
        let (file, sizes) = ([&[model.as_str()], file].concat(), [&["3-8-7-3"], &flags[..], sizes].concat());
        assert_eq!(counted(&file), counted(&sizes), "{file:?} {sizes:?}");
    };
    same(&[], &["--epochs", "2"]);
    same(&["--epochs", "7"], &["--epochs", "7"]);
    same(
        &["--weight-decay", "0.1", "--clip-norm", "1"],
        &["--epochs", "2", "--weight-decay", "0.1", "--clip-norm", "1"],
    );
    let other = ["3-8-7-3", "--loss", "cross_entropy", "--momentum", "0.9", "--batch", "5", "--examples", "9"];
    let asked = [&model, "--optimizer", "sgd", "--momentum", "0.9", "--batch", "5", "--examples", "9", "--epochs", "1"];
    assert_eq!(counted(&asked), counted(&other));
    // No step has more rows than there are examples.
    assert_eq!(counted(&[&model, "--examples", "9"])["batch"], 9);
    same(&["--verify"], &["--epochs", "2", "--verify"]);
    assert_eq!(
        printed(&["count", &model, "--as", "torch"]),
        printed(&[&["count", "3-8-7-3"], &flags[..], &["--as", "torch"]].concat())
    );

    for flag in [["--hidden", "relu"], ["--output", "identity"], ["--loss", "mse"], ["--class-weights", "1,2,3"]] {
        refused(
            &[&model, flag[0], flag[1]],
            &[&model, "is a checkpoint", "says its activations and its loss", flag[0]],
        );
    }
    refused(&[&model, "--momentum", "0.9"], &["--momentum is for --optimizer sgd", "adam"]);
}

#[test]
fn layers_with_activations_of_their_own() {
    let folder = Folder::new("count-mixed");
    let (single, double) = (folder.name("f32"), folder.name("f64"));
    mixed::<f32>(Path::new(&single));
    mixed::<f64>(Path::new(&double));
    let [one, two] = [&single, &double].map(|file| counted(&[file, "--verify"]));
    assert_eq!(
        one["network"],
        json!({"sizes": [4, 5, 6, 2], "hidden": "mixed (gelu, tanh)", "output": "identity",
            "activations": ["gelu", "tanh", "identity"], "loss": "mse", "element": "f32", "parameters": 75})
    );
    assert_eq!(two["network"]["element"], "f64");
    for answer in [&one, &two] {
        assert_eq!(
            (&answer["batch"], &answer["optimizer"], &answer["clipped"]),
            (&4.into(), &"adam".into(), &true.into())
        );
        let training = &answer["training"];
        assert_eq!(
            (&training["examples"], &training["epochs"], &training["steps"]),
            (&10.into(), &3.into(), &9.into())
        );
        assert_eq!(answer["step"]["forward"]["functions"], json!({"gelu": 20, "tanh": 24}));
        let verified = answer["verified"].as_array().expect("an array");
        assert!(!verified.is_empty() && verified.iter().all(|run| run["agrees"] == true), "{verified:?}");
        assert!(verified.iter().all(|run| run["useful"]["flops"] == answer["step"]["total"]["flops"]));
    }
    // Numbers of 8 bytes, but less padding; and longer polynomials.
    let bytes = |answer: &Value| answer["memory"]["training"]["total"].as_u64().expect("bytes");
    assert!(bytes(&one) < bytes(&two) && bytes(&two) < 2 * bytes(&one), "{} {}", bytes(&one), bytes(&two));
    assert_eq!(one["step"]["total"]["flops"], two["step"]["total"]["flops"]);
    assert_ne!(one["step"]["forward"]["inside_functions"], two["step"]["forward"]["inside_functions"]);
    let text = printed(&["count", &double]);
    assert!(text.contains("hidden mixed (gelu, tanh), output identity") && text.contains("in f64: "), "{text}");
    Checkpoint::<f64>::load(&double).expect("what was counted is a checkpoint");
}

#[test]
fn checkpoints_of_every_format() {
    let folder = Folder::new("count-formats-of-files");
    let old = folder.write("old", include_bytes!("../../../net/tests/net/checkpoints/1-f32.safetensors"));
    let new = folder.write("new", include_bytes!("../../../net/tests/net/checkpoints/2-f32.safetensors"));
    assert_eq!(counted(&[&old]), counted(&[&new]));
    assert_eq!(counted(&[&old])["network"]["sizes"], json!([2, 3, 1]));
}

#[test]
fn weights_that_pytorch_saved() {
    let folder = Folder::new("count-pytorch");
    let file = folder.write("model.safetensors", safetensors(PYTORCH, 92));
    let flags = ["--hidden", "gelu", "--loss", "cross_entropy", "--batch", "8", "--epochs", "2"];
    let [mut found, expected] = [&file, "4-3-2"].map(|network| counted(&[&[network], &flags[..]].concat()));
    let layers = found["network"].as_object_mut().and_then(|network| network.remove("layers"));
    assert_eq!(layers, Some(json!(["fc1.weight", "fc2.weight"])));
    assert_eq!(found, expected);
    assert_eq!(counted(&[&file])["network"]["hidden"], "relu");
    let text = printed(&["count", &file, "--verify"]);
    let begin = "4-3-2: 23 parameters\nlayers in the file, first to last: fc1.weight, fc2.weight\nhidden relu, ";
    assert!(text.starts_with(begin) && text.contains("agrees"), "{text}");
    // Names and sizes say which is first: "zero" is, and a name is no command to the terminal.
    let turned = PYTORCH.replace("fc1.", "zero\\u001b\\n.");
    let text = printed(&["count", &folder.write("turned", safetensors(&turned, 92))]);
    assert!(text.contains("first to last: zero\\u{1b}\\n.weight, fc2.weight\n"), "{text}");
    let symmetric = PYTORCH.replace("[2]", "[4]").replace("[2,3]", "[4,3]").replace("[60,68]", "[60,76]");
    let symmetric = symmetric.replace("[68,92]", "[76,124]").replace("fc1.", "encoder.").replace("fc2.", "decoder.");
    refused(
        &[&folder.write("symmetric", safetensors(&symmetric, 124))],
        &["symmetric: ", "\"encoder\", \"decoder\" is 4-3-4", "\"decoder\", \"encoder\" is 3-4-3"],
    );
    // A text that reads as sizes is sizes, whatever files there are.
    folder.write("7-2", safetensors(PYTORCH, 92));
    let here = |name: &str| {
        let output = nxm().current_dir(folder.here()).args(["count", name]).output().expect("the program starts");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(here("7-2").starts_with("7-2: 16 parameters\n"));
    assert!(here("./7-2").starts_with("4-3-2: 23 parameters\n"));
    // A file of terabytes, of which nothing is read but the header.
    let huge = r#"{"weight":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]},
        "bias":{"dtype":"F32","shape":[1000000],"data_offsets":[4000000000000,4000004000000]}}"#;
    let name = folder.write("huge", safetensors(huge, 0));
    let file = std::fs::File::options().write(true).open(&name).expect("a file");
    if file.set_len(8 + huge.len() as u64 + 4_000_004_000_000).is_ok() {
        let start = Instant::now();
        assert_eq!(counted(&[&name])["network"]["sizes"], json!([1_000_000, 1_000_000]));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn what_is_no_network_is_refused() {
    let folder = Folder::new("count-refused");
    let none = folder.name("none");
    let output = run(&["count", &none]);
    let message = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{message}");
    assert!(message.contains("expected a whole number") && message.contains("no file has that name"), "{message}");
    let what = "SIZES, as 784-128-10";
    refused(&[folder.here().to_str().expect("UTF-8")], &["not a regular file", what]);
    refused(&[&folder.write("empty", "")], &["empty: 0 bytes", what]);
    refused(&[&folder.write("table.csv", flowers(9))], &["table.csv", "it is text", what]);
    refused(&[&folder.write("text", safetensors("\"\u{e9}\"", 0).split_last().expect("bytes").1)], &["text: "]);
    let twice = PYTORCH.replacen("\"shape\"", "\"shape\":[3],\"shape\"", 1);
    refused(&[&folder.write("twice", safetensors(&twice, 92))], &["twice: ", "the key \"shape\" is there twice"]);
    refused(&[&folder.write("more", safetensors(PYTORCH, 93))], &["more: ", "cut off, or something was added"]);
    let half = PYTORCH.replace("F32", "F16");
    refused(&[&folder.write("half", safetensors(&half, 92))], &["half: ", "\"fc1.bias\" (F16 [3])"]);
    let conv = PYTORCH.replace("[2,3]", "[2,3,1,1]");
    refused(&[&folder.write("conv", safetensors(&conv, 92))], &["conv: ", "\"fc2.weight\" (F32 [2, 3, 1, 1])"]);
    let far = PYTORCH.replace("[3,4]", "[4,3]").replace("\"shape\":[3]", "\"shape\":[4]");
    refused(&[&folder.write("far", safetensors(&far, 92))], &["far: ", "fc1.bias"]);
    let mut long = safetensors(PYTORCH, 92);
    long[7] = 0x10;
    refused(&[&folder.write("long", long)], &["long: a header of 1152921504606"]);
    mixed::<f32>(&folder.path("checkpoint"));
    let bytes = std::fs::read(folder.path("checkpoint")).expect("a file");
    for len in [5, 8, 100, bytes.len() - 9, bytes.len() - 1] {
        refused(&[&folder.write("torn", &bytes[..len])], &["torn: ", "cut off"]);
    }
    // Of the same length, so that all else is as it was.
    let at = bytes.windows(13).position(|window| window == b"\"version\":\"2\"").expect("a version");
    let mut newer = bytes;
    newer[at + 11] = b'7';
    refused(&[&folder.write("newer", newer)], &["newer: its format is version 7", "a newer program is needed"]);
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_not_waited_for() {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("count-pipe");
    let pipe = folder.name("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    for name in [&pipe, "/dev/null", "/dev/zero"] {
        refused(&[name], &[name, "not a regular file"]);
    }
    let secret = folder.write("secret", "");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).expect("a file");
    // Root reads it nevertheless, and finds nothing.
    refused(&[&secret], &[&secret]);
    std::os::unix::fs::symlink(folder.path("nowhere"), folder.path("link")).expect("a link");
    refused(&[&folder.name("link")], &["link", "No such file"]);
    let name = std::ffi::OsString::from_vec(b"\xff-3".to_vec());
    let output = nxm().arg("count").arg(&name).output().expect("the program starts");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.code() == Some(2) && message.contains("no file has that name"), "{message}");
}
