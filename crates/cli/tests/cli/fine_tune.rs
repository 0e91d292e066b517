//! `nxm train --fine-tune MODEL`: a new training that begins with the weights, columns, scales and classes of a model.

use crate::common::{Folder, assert_refused_in_a_line, flowers, printed, run};
use nxm_net::Checkpoint;

/// A training of flowers, without a held-out row.
fn trained(folder: &Folder) -> [String; 2] {
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("model"));
    let train = ["train", &data, "--label", "kind", "--hidden", "8", "--epochs", "30", "--validate", "0"];
    printed(&[&train[..], &["--learning-rate", "0.02", "--checkpoint", &model]].concat());
    [data, model]
}

#[test]
fn a_new_training_begins_with_the_weights_of_a_model() {
    let folder = Folder::new("tune");
    let [data, model] = trained(&folder);
    // Other flowers, larger by far: their own scales would be others.
    let other: String = flowers(90).lines().skip(61).map(|line| format!("{line}\n")).collect();
    let other = folder.write("other.csv", format!("length,width,kind,weight\n{other}"));
    let tuned = folder.name("tuned");
    // Steps so small that no weight changes.
    let still = ["--optimizer", "sgd", "--learning-rate", "1e-30", "--epochs", "2", "--validate", "0", "--seed", "7"];
    let train = [&["train", &other, "--fine-tune", &model, "--checkpoint", &tuned][..], &still].concat();
    let text = printed(&train);
    assert!(text.contains(&format!("those of {model}")) && text.contains("3-8-3"), "{text}");
    let [before, after] = [&model, &tuned].map(|path| Checkpoint::<f32>::load(path).expect("a checkpoint"));
    assert_eq!(after.network, before.network);
    assert_eq!((after.state.progress.epochs, after.options.seed, after.examples), (2, 7, 30));
    // Both say the same, as scales and classes are the same.
    assert_eq!(printed(&["predict", &tuned, &data]), printed(&["predict", &model, &data]));
    // Nothing of the old file is in the new one.
    let notes: String = after.notes.values().cloned().collect();
    assert!(!notes.contains(&model) && !notes.contains("flowers"), "{notes}");
    // It is a training like any other.
    printed(&["train", &other, "--resume", &tuned, "--epochs", "3"]);
    // With larger steps it learns.
    let learned = folder.name("learned");
    let train = ["train", &data, "--fine-tune", &model, "--checkpoint", &learned, "--epochs", "2", "--label", "kind"];
    printed(&train);
    assert_ne!(Checkpoint::<f32>::load(&learned).expect("a checkpoint").network, before.network);
}

#[test]
fn data_that_do_not_fit_the_model_are_refused() {
    let folder = Folder::new("tune-refused");
    let [data, model] = trained(&folder);
    let before = std::fs::read(&model).expect("a file");
    let refused = |data: &str, args: &[&str], named: &[&str]| {
        let tune = [&["train", data, "--fine-tune", &model][..], args].concat();
        assert_refused_in_a_line(&run(&tune), named, &args.join(" "));
    };
    for (flag, value) in [("--hidden", "4"), ("--activation", "tanh"), ("--loss", "mse"), ("--numbers", "width")] {
        refused(&data, &[flag, value], &[&format!("{flag} is not for --fine-tune"), &model]);
    }
    refused(&data, &["--label", "weight"], &["--label is weight", "\"kind\"", &model]);
    refused(&data, &["--ignore", "width"], &["--ignore is \"width\"", &model]);
    refused(&data, &["--group", "width"], &["--group is \"width\"", &model]);
    refused(&data, &["--folds", "3"], &["--fine-tune is not for --folds"]);
    refused(&data, &["--checkpoint", &model], &[&model, "is there already"]);
    let lacking = folder.write("lacking.csv", "length,kind,weight\n1,rose,2\n2,iris,3\n3,rose,4\n");
    refused(&lacking, &[], &[&lacking, "no column \"width\""]);
    let strange = flowers(60).replacen("iris", "tulip", 1).replacen("iris", "poppy", 1);
    let strange = folder.write("strange.csv", strange);
    refused(&strange, &[], &["line 3", "\"tulip\" is none of the classes", "nor is any of \"poppy\""]);
    assert_eq!(std::fs::read(&model).expect("a file"), before);
    // A class that is only known to the model is no error, and is said.
    let text = flowers(60);
    let fewer: String = text.lines().filter(|line| !line.contains("rose")).map(|line| format!("{line}\n")).collect();
    let fewer = folder.write("fewer.csv", fewer);
    let output = run(&["train", &fewer, "--fine-tune", &model, "--epochs", "1"]);
    assert_eq!(output.status.code(), Some(0));
    let warning = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(warning.contains("no row has the class \"rose\""), "{warning}");
}
