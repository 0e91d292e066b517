//! What can't be learned, resumed or predicted: one sentence that says where, what, and what was expected; exit status 2.

use crate::common::{Folder, assert_refused_in_a_line, flowers, idx, images, nxm, printed, run};

fn refused(args: &[&str], named: &[&str]) {
    assert_refused_in_a_line(&run(args), named, &args.join(" "));
}

#[test]
fn tables() {
    let folder = Folder::new("tables");
    let learn = |content: &[u8], named: &[&str]| {
        let data = folder.write("data.csv", content);
        refused(&["train", &data, "--label", "kind"], &[&[data.as_str()], named].concat());
    };
    learn(b"", &["is empty"]);
    learn(b"a,kind\n", &["no rows"]);
    learn(b"a,kind\n1,x\n2,y,3\n", &["line 3", "3 cells", "the first line has 2"]);
    learn(b"a,kind\n1,x\n2\n", &["line 3", "1 cell", "the first line has 2"]);
    // A word among many numbers is a mistake.
    let ages = |strange: &str| {
        let rows: String = (0..30)
            .map(|i| format!("{},{}\n", if i == 7 { strange.to_owned() } else { (i * 3).to_string() }, i % 2))
            .collect();
        format!("a,kind\n{rows}")
    };
    learn(
        ages("red").as_bytes(),
        &["line 9", "column \"a\"", "\"red\" is not a number", "--missing 'red'", "--categories"],
    );
    learn(ages("1e309").as_bytes(), &["line 9", "\"1e309\""]);
    learn(b"a,kind\n1e308,x\n-1e308,y\n1,x\n", &["the column \"a\"", "too far apart"]);
    learn(b"a,kind\n1,\n2,NA\n", &["\"kind\"", "two classes"]);
    learn(b"a,b\n1,x\n", &["no column \"kind\"", "\"a\", \"b\""]);
    learn(b"kind,a,kind\n1,2,3\n", &["columns 1 and 3", "\"kind\""]);
    learn(b"a,a,kind\n1,2,3\n", &["columns 1 and 2", "\"a\""]);
    learn(b"kind\nx\ny\n", &["no column is left"]);
    learn(b"a,kind\n1,x\n2,x\n", &["\"kind\"", "\"x\" everywhere", "two classes"]);
    learn(b"a,kind\n1,x\n", &["two classes"]);
    learn(b"a,kind\n01/02/2024,x\n03/04/2024,y\n", &["column \"a\"", "MM/DD/YYYY", "DD/MM/YYYY"]);
    let words: String = (0..40).map(|i| format!("{},w{i}\n", i * i % 7)).collect();
    learn(format!("a,kind\n{words}").as_bytes(), &["40 different values in 40 rows"]);
    let mistaken: String = (0..40)
        .map(|i| format!("{},{}\n", i * i % 7, if i == 5 { "l2".to_owned() } else { format!("{i}.5") }))
        .collect();
    learn(format!("a,kind\n{mistaken}").as_bytes(), &["\"kind\"", "\"l2\"", "--missing 'l2'"]);

    let data = folder.write("flowers.csv", flowers(30));
    refused(&["train", &data], &[&data, "--label", "\"length\", \"width\", \"kind\", \"weight\""]);
    refused(
        &["train", &data, "--label", "kind", "--loss", "mse"],
        &["line 2", "column \"kind\"", "\"rose\" is not a number"],
    );
    refused(
        &["train", &data, "--label", "kind", "--loss", "binary_cross_entropy"],
        &["3 different values", "learns two"],
    );
    refused(&["train", &data, "--label", "kind", "--labels", &data], &[&data, "`labels` is for IDX"]);
    refused(&["train", "--label", "kind"], &["the embedded digits", "no column \"kind\"", "and 53 more"]);
    let none = folder.name("none.csv");
    refused(&["train", &none, "--label", "kind"], &[&none, "No such file"]);
    refused(&["train", folder.here().to_str().expect("UTF-8"), "--label", "kind"], &["directory"]);
}

#[test]
fn images_that_are_none() {
    let folder = Folder::new("idx");
    let (pixels, labels) = images(10);
    let data = folder.write("train-images", &pixels);
    let learn = |named: &[&str]| refused(&["train", &data], named);
    learn(&[&data, "--labels"]);
    for (shape, named) in [([u32::MAX, 1000, 1000], "only 0"), ([0, 2, 3], "0")] {
        let alone = folder.write("alone", idx(&shape, &[]));
        refused(&["train", &alone], &[&alone, named]);
    }
    let beside = folder.write("train-labels", idx(&[9], &[1; 9]));
    learn(&[&beside, "10 labels are needed"]);
    folder.write("train-labels", "1,2,3");
    learn(&[&beside, "no IDX file"]);
    folder.write("train-labels", &labels);
    refused(&["train", &data, "--label", "kind"], &[&data, "no column \"kind\""]);
    let cut = |bytes: &[u8], named: &[&str]| {
        folder.write("train-images", bytes);
        learn(&[&[data.as_str()], named].concat());
    };
    cut(&pixels[..10], &["cut off within its header"]);
    cut(&pixels[..pixels.len() - 1], &["10 × 2 × 3", "60 bytes", "only 59"]);
    cut(&[&pixels[..], &[0]].concat(), &["60 bytes", "more"]);
    cut(&idx(&[u32::MAX, u32::MAX, u32::MAX], &[]), &["no machine has so many bytes"]);

    cut(&idx(&[5], &[0; 5]), &["--label", "\"label\""]);
    cut(&[0, 0, 10, 1, 0, 0, 0, 0], &["0x0a"]);
    cut(&[0x1f, 0x8b, 8, 0, 1, 2, 3], &["can't read"]);
}

#[test]
fn options() {
    let folder = Folder::new("options");
    refused(&["train", "--learning-rate", "-1"], &["learning rate is -1", "above 0"]);
    refused(&["train", "--learning-rate", "NaN"], &["learning rate is NaN"]);
    refused(&["train", "--optimizer", "sgd", "--momentum", "-0.5"], &["momentum is -0.5"]);
    refused(&["train", "--momentum", "0.5"], &["--momentum is for --optimizer sgd", "adamw"]);
    refused(&["train", "--clip-norm", "0"], &["0", "above 0"]);
    refused(&["train", "--patience", "2", "--validate", "0"], &["--patience", "--validate"]);
    refused(&["train", "--labels", "x"], &["--labels", "no file of images"]);
    refused(&["train", "--hidden", "9999999999,9999999999"], &["more than this machine can address"]);
    let taken = folder.write("taken", "something of value");
    refused(&["train", "--checkpoint", &taken], &[&taken, "is there already", "--resume"]);
    folder.write("other.best", "something of value");
    refused(&["train", "--checkpoint", &folder.name("other")], &["other.best is there already"]);
    for (args, named) in [
        (["--hidden", "4,x"], ["--hidden", "layer 2"]),
        (["--validate", "1"], ["--validate", "less than 1"]),
        (["--level", "avx9"], ["--level", "scalar, wide, avx2, avx512"]),
        (["--epochs", "0"], ["--epochs", "at least 1"]),
        (["--keep", "0"], ["--keep", "0"]),
        (["--loss", "hinge"], ["--loss", "cross_entropy"]),
        (["--optimizer", "lion"], ["--optimizer", "adamw"]),
    ] {
        let output = run(&[&["train"], &args[..]].concat());
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{message}");
        assert!(named.iter().all(|name| message.contains(name)), "{named:?} in {message}");
    }
    // Where nothing can be written, that is said before anything is learned.
    let nowhere = folder.name("no-folder/m");
    let output = run(&["train", "--checkpoint", &nowhere]);
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.starts_with("error: can't open ") && message.contains("no-folder"), "{message}");
}

#[test]
fn other_trainings_and_other_data() {
    let folder = Folder::new("others");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    let train = ["train", &data, "--label", "kind", "--hidden", "4", "--epochs", "2", "--checkpoint", &model];
    printed(&train);
    let before = std::fs::read(&model).expect("a file");
    let resume =
        |args: &[&str], named: &[&str]| refused(&[&["train", &data, "--resume", &model], args].concat(), named);
    resume(&[], &[&model, "finished its 2 epochs", "--epochs"]);
    for (flag, value, kept) in [
        ("--hidden", "4,4", "4"),
        ("--activation", "tanh", "relu"),
        ("--loss", "mse", "cross_entropy"),
        ("--optimizer", "sgd", "adamw"),
        ("--learning-rate", "0.5", "0.002"),
        ("--schedule", "cosine:steps=9,minimum=0", "constant"),
        ("--momentum", "0.5", "none"),
        ("--dampening", "0.5", "none"),
        ("--betas", "0.5,0.9", "0.9,0.999"),
        ("--epsilon", "0.5", "0.00000001"),
        ("--weight-decay", "0.5", "0.01"),
        ("--clip-norm", "0.5", "none"),
        ("--label-smoothing", "0.5", "0"),
        ("--class-weights", "1,2,3", "1 each"),
        ("--batch", "7", "16"),
        ("--seed", "7", "0"),
        ("--validate", "0.5", "0.15"),
        ("--split", "random", "stratified"),
        ("--group", "weight", "stratified"),
        ("--label", "weight", "kind"),
    ] {
        resume(
            &["--epochs", "3", flag, value],
            &[&format!("{} is ", flag.replace("group", "split")), value, &model, &format!("has {kept}")],
        );
    }
    refused(&["train", "--resume", &model, "--epochs", "3"], &["the embedded digits", "no column \"kind\""]);
    let more = folder.write("more.csv", flowers(61));
    refused(&["train", &more, "--resume", &model, "--epochs", "3"], &[&more, "not the data", &model]);
    let changed = folder.write("changed.csv", flowers(60).replacen("rose", "iris", 1));
    refused(&["train", &changed, "--resume", &model, "--epochs", "3"], &[&changed, "not the data", &model]);
    let taken = folder.write("taken", "something of value");
    resume(&["--epochs", "3", "--checkpoint", &taken], &[&taken, "is there already"]);
    // The older checkpoint of another training is not pushed out by a new one of the same name.
    let (fresh, older) = (folder.name("fresh"), folder.write("fresh.1", "something of value"));
    let train = ["train", &data, "--label", "kind", "--epochs", "1", "--checkpoint", &fresh, "--keep", "2"];
    refused(&train, &[&older, "is there already"]);
    assert_eq!(std::fs::read(&model).expect("a file"), before);
}

#[test]
fn models_and_data_that_do_not_fit() {
    let folder = Folder::new("models");
    let (data, model) = (folder.write("flowers.csv", flowers(30)), folder.name("m"));
    printed(&["train", &data, "--label", "kind", "--hidden", "4", "--epochs", "1", "--checkpoint", &model]);
    for command in ["predict", "evaluate"] {
        refused(&[command, &folder.name("none"), &data], &["none", "No such file"]);
        refused(&[command, &data, &data], &[&data]);
        let other = folder.write("other.csv", "length,kind,weight\n1,rose,2\n");
        refused(&[command, &model, &other], &[&other, "no column \"width\""]);
        let far = folder.write("far.csv", "length,width,kind,weight\n1,2,rose,red\n");
        refused(&[command, &model, &far], &[&far, "line 2", "column \"weight\"", "\"red\""]);
        let pixels = folder.write("pixels", images(4).0);
        refused(&[command, &model, &pixels], &[&pixels, "no column \"", "\"image\""]);
        // A model that was cut off, and one that something changed.
        let bytes = std::fs::read(&model).expect("a file");
        let cut = folder.write("cut", &bytes[..bytes.len() / 2]);
        refused(&[command, &cut, &data], &[&cut, "cut off"]);
        let mut flipped = bytes.clone();
        flipped[bytes.len() - 20] ^= 1;
        let flipped = folder.write("flipped", &flipped);
        refused(&[command, &flipped, &data], &[&flipped, "damaged"]);
        // A checkpoint of the library's, which says nothing of columns.
        let mut checkpoint = nxm_net::Checkpoint::<f32>::load(&model).expect("a checkpoint");
        checkpoint.notes.clear();
        checkpoint.save(folder.path("bare")).expect("a file");
        refused(&[command, &folder.name("bare"), &data], &["bare", "not one of nxm train"]);
    }
    let strange = folder.write("strange.csv", flowers(30).replacen("iris", "tulip", 1));
    refused(
        &["evaluate", &model, &strange],
        &["line 3", "column \"kind\"", "\"tulip\" is none of the classes", "\"rose\""],
    );
    let unlabelled = folder.write("unlabelled.csv", "length,width,weight\n1,2,3\n");
    refused(&["evaluate", &model, &unlabelled], &[&unlabelled, "no column \"kind\""]);
    // A number that is one, but that its column's scale makes too large.
    let narrow: String = (0..20).map(|i| format!("0.00{i},{}\n", ["x", "y"][i % 2])).collect();
    let narrow = folder.write("narrow.csv", format!("a,kind\n{narrow}"));
    let small = folder.name("small");
    printed(&["train", &narrow, "--label", "kind", "--hidden", "2", "--epochs", "1", "--checkpoint", &small]);
    let far = folder.write("far.csv", "a,kind\n0.1,x\n3e38,y\n");
    refused(&["predict", &small, &far], &[&far, "line 3", "column \"a\"", "too far"]);
    refused(&["evaluate", &small, &far], &[&far, "line 3", "column \"a\"", "too far"]);
    // Images of another size, and a table for a model of images.
    let (pixels, labels) = images(10);
    let (pixels, labels) = (folder.write("images", pixels), folder.write("labels", labels));
    let sees = folder.name("sees");
    printed(&["train", &pixels, "--labels", &labels, "--hidden", "2", "--epochs", "1", "--checkpoint", &sees]);
    let larger = folder.write("larger", idx(&[1, 3, 3], &[0; 9]));
    refused(&["predict", &sees, &larger], &[&larger, "3 × 3", "2 × 3"]);
    refused(&["predict", &sees, &data], &[&data, "no column \"image\""]);
    let output = nxm().args(["predict", &sees, &pixels]).env("NXM_LEVEL", "avx9").output().expect("the program starts");
    assert_refused_in_a_line(&output, &["NXM_LEVEL", "avx9"], "a level");
}

/// A file may not grow beyond a limit: the same to a writer as a disk without space.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_without_space() {
    let folder = Folder::new("space");
    let (small, large) = (folder.name("small"), folder.name("large"));
    let limited = |epochs: &str, args: &[&str]| {
        let mut shell = std::process::Command::new("sh");
        // The signal that would end the program is ignored: then the system call fails. The limit is 48 or 96 KiB.
        shell.args(["-c", r#"trap "" XFSZ; ulimit -f 96; exec "$0" "$@""#, env!("CARGO_BIN_EXE_nxm"), "train"]);
        let output = shell.args(args).args(["--epochs", epochs]).output().expect("a shell");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    let (code, message) = limited("1", &["--checkpoint", &large]);
    assert_eq!(code, Some(2), "{message}");
    assert!(message.starts_with(&format!("error: can't write {large}: File too large")), "{message}");
    assert_eq!(limited("1", &["--checkpoint", &small, "--hidden", "2"]), (Some(0), String::new()));
    let left = std::fs::read_dir(folder.here()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut left: Vec<_> = left.map(|name| name.into_string().expect("UTF-8")).collect();
    left.sort();
    assert_eq!(left, ["small", "small.best", "small.lock"], "nothing half is left");
}
