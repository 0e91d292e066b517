//! `nxm train`, `nxm predict` and `nxm evaluate`: what is learned is what is predicted.

use std::io::Write;

use crate::common::{Folder, flowers, images, printed, run, threads};
use nxm_net::{Adam, AdamW, Checkpoint, Loss, Optimizer, RmsProp, Sgd};

/// The cells of a CSV text, without its header.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("even rows").iter().map(str::to_owned).collect()).collect()
}

/// What `evaluate` says of the share that is right.
fn accuracy(judged: &str) -> f64 {
    let line = judged.lines().find(|line| line.starts_with("accuracy")).expect("an accuracy");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn classes_of_a_table() {
    let folder = Folder::new("classes");
    let (data, model) = (folder.write("flowers.csv", flowers(90)), folder.name("flowers.nxm"));
    let args = ["train", &data, "--label", "kind", "--hidden", "8", "--learning-rate", "0.02", "--checkpoint", &model];
    let more = ["--optimizer", "adam", "--batch", "32", "--epochs", "20", "--validate", "0.1"];
    let text = printed(&[&args[..], &more].concat());
    assert!(text.contains(r#""kind" (3 classes) from 3 columns, 81 examples, 9 held out"#), "{text}");
    assert!(text.contains("3-8-3 (relu, cross_entropy, 59 parameters), adam at 0.02") && text.contains("Forecast:"));
    // What nxm count says of the same training.
    let counted = ["--loss", "cross_entropy", "--optimizer", "adam", "--batch", "32", "--examples", "81"];
    let counted = printed(&[&["count", "3-8-3", "--epochs", "20", "--format", "json"], &counted[..]].concat());
    let counted: serde_json::Value = serde_json::from_str(&counted).expect("JSON");
    let flops = |part: &str| counted[part]["total"]["flops"].as_u64().expect("a count");
    let cost = text.lines().find(|line| line.starts_with("Cost: ")).expect("a cost").replace(',', "");
    for part in ["step", "epoch", "training"] {
        assert!(cost.contains(&format!(" {} ", flops(part))), "{part}: {} in {cost}", flops(part));
    }
    assert!(text.contains("held-out right") && text.contains(&format!("The network is in {model}.")), "{text}");

    let judged = printed(&["evaluate", &model, &data]);
    assert!(judged.contains("90 examples") && accuracy(&judged) == 1.0, "{judged}");
    assert!(
        judged.lines().any(|line| line.split_whitespace().eq(["iris", "1.0000", "1.0000", "1.0000", "30"])),
        "{judged}"
    );

    // Columns by their names: in another order, some that the model does not know, and no label.
    let table = rows(&flowers(90));
    let mut other = "weight,colour,width,length\n".to_owned();
    table.iter().for_each(|row| other += &format!("{},red,{},{}\n", row[3], row[1], row[0]));
    let other = folder.write("other.csv", other);
    let predicted = rows(&printed(&["predict", &model, &other]));
    assert_eq!(predicted.len(), 90);
    for (given, row) in predicted.iter().zip(&table) {
        assert_eq!(given[0], row[2]);
        let probabilities: Vec<f64> = given[1..].iter().map(|p| p.parse().expect("a probability")).collect();
        let largest = probabilities.iter().copied().fold(0.0, f64::max);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-6 && largest > 0.5, "{given:?}");
    }
    assert_eq!(
        printed(&["predict", &model, &other, "--threads", threads(2), "--level", "scalar"]),
        printed(&["predict", &model, &data])
    );
}

#[test]
fn numbers_of_a_table() {
    let folder = Folder::new("numbers");
    let (data, model) = (
        folder.write(
            "flowers.csv",
            flowers(90).replace("\"lily, white\"", "2").replace("rose", "1").replace("iris", "3"),
        ),
        folder.name("m"),
    );
    let train = ["train", &data, "--label", "weight", "--loss", "mse", "--hidden", "none", "--optimizer", "sgd"];
    let more = [
        "--momentum",
        "0.9",
        "--learning-rate",
        "0.01",
        "--epochs",
        "60",
        "--validate",
        "0.2",
        "--batch",
        "32",
        "--checkpoint",
        &model,
    ];
    let text = printed(&[&train[..], &more].concat());
    assert!(
        text.contains("72 examples, 18 held out") && text.contains("3-1 (mse, 4 parameters), sgd at 0.01"),
        "{text}"
    );
    let predicted = rows(&printed(&["predict", &model, &data]));
    for (given, row) in predicted.iter().zip(rows(&flowers(90))) {
        let [given, expected] = [&given[0], &row[3]].map(|number| number.parse::<f64>().expect("a number"));
        assert!((given - expected).abs() < 0.05, "{given} for {expected}");
    }
    assert!(printed(&["evaluate", &model, &data]).contains("RMSE"));
}

#[test]
fn numbers_of_any_size() {
    let folder = Folder::new("large");
    // Prices of a million and more, 1,000 for each unit of a: what is learned does not depend on their unit.
    let prices: String = (0..80).map(|i| format!("{},{}\n", i % 9, 1_000_000 + 1000 * (i % 9))).collect();
    let (data, model) = (folder.write("prices.csv", format!("a,price\n{prices}")), folder.name("m"));
    let train = ["train", &data, "--label", "price", "--loss", "mse", "--hidden", "none", "--optimizer", "sgd"];
    let more = ["--momentum", "0.9", "--nesterov", "--learning-rate", "0.02", "--epochs", "40"];
    let schedule = ["--schedule", "step:every=40,factor=0.5", "--batch", "32", "--checkpoint", &model];
    let text = printed(&[&train[..], &more, &schedule].concat());
    assert!(text.contains("sgd at 0.02 (step:every=40,factor=0.5), batches of 32"), "{text}");
    for (given, row) in rows(&printed(&["predict", &model, &data])).iter().zip(rows(&format!("a,price\n{prices}"))) {
        let [given, expected] = [&given[0], &row[1]].map(|number| number.parse::<f64>().expect("a number"));
        assert!((given - expected).abs() < 100.0, "{given} for {expected}");
    }
    // Losses are in the unit of the data: a tenth of the smallest difference between prices, squared, is 10⁴.
    let judged = printed(&["evaluate", &model, &data]);
    let off = judged.split("RMSE").nth(1).and_then(|text| text.split_whitespace().next()).expect("a number");
    let off: f64 = off.parse().expect("a number");
    assert!(off > 1e-4 && off < 100.0, "{judged}");
}

#[test]
fn what_can_be_set() {
    let folder = Folder::new("tuning");
    let data = folder.write("flowers.csv", flowers(60));
    let train = ["train", &data, "--label", "kind", "--hidden", "4", "--epochs", "1"];
    let trained = |name: &str, more: &[&str]| {
        let model = folder.name(name);
        printed(&[&train[..], more, &["--checkpoint", &model]].concat());
        Checkpoint::<f32>::load(&model).expect("a checkpoint").options
    };
    let adam = [
        "--optimizer",
        "adam",
        "--betas",
        "0.8,0.9",
        "--epsilon",
        "0.001",
        "--weight-decay",
        "0.1",
        "--clip-norm",
        "2",
    ];
    let options = trained("adam", &adam);
    let adam = Adam::default().with_betas(0.8, 0.9).with_epsilon(0.001).with_weight_decay(0.1);
    assert_eq!((options.optimizer, options.clip_norm), (Optimizer::Adam(adam), Some(2.0)));
    let options = trained("sum", &["--reduction", "sum", "--learning-rate", "0.0001"]);
    assert_eq!(options.loss, Loss::CROSS_ENTROPY.summed());
    let options = trained("biases", &["--optimizer", "lion", "--weight-decay", "0.1", "--no-bias-decay"]);
    assert!(options.optimizer.of_biases().is_some(), "{:?}", options.optimizer);
    let mut adamw = AdamW::default();
    adamw.learning_rate = nxm_data::LEARNING_RATE;
    let options = trained("adamw", &["--optimizer", "adamw", "--label-smoothing", "0.1", "--class-weights", "1,2,0.5"]);
    assert_eq!(options.optimizer, Optimizer::AdamW(adamw));
    let loss = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: vec![1.0, 2.0, 0.5] };
    assert_eq!(options.loss, loss);
    let options = trained("sgd", &["--optimizer", "sgd", "--momentum", "0.9", "--dampening", "0.1"]);
    let sgd = Sgd::default().with_momentum(0.9).with_dampening(0.1);
    assert_eq!(options.optimizer, Optimizer::Sgd(sgd));
    let other = ["--optimizer", "rmsprop:alpha=0.9,centred=true", "--momentum", "0.5", "--learning-rate", "0.003"];
    let options = trained("rmsprop", &[&other[..], &["--clip-value", "0.5", "--accumulate", "2"]].concat());
    let rmsprop = RmsProp::new(0.003).with_alpha(0.9).with_centred(true).with_momentum(0.5);
    assert_eq!(options.optimizer, Optimizer::RmsProp(rmsprop));
    assert_eq!((options.clip_norm, options.clip_value, options.accumulate), (None, Some(0.5), 2));
}

/// `--ema` keeps an average of the weights, by which the network is judged and predicts.
#[test]
fn averaged_weights() {
    let folder = Folder::new("averaged");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    let train = ["train", &data, "--label", "kind", "--epochs", "3", "--patience", "0", "--keep-last", "--ema"];
    let text = printed(&[&train[..], &["0.9", "--checkpoint", &model]].concat());
    assert!(text.contains("weights averaged by 0.9,"), "{text}");
    let kept = Checkpoint::<f32>::load(&model).expect("a checkpoint");
    let averaged = kept.state.averaged().expect("an average");
    assert_ne!(averaged, &kept.network);
    // A model whose last weights are the averages predicts the same.
    let mut other = kept.clone();
    (other.network, other.state.average, other.options.ema) = (averaged.clone(), None, None);
    let name = folder.name("other");
    other.save(&name).expect("a checkpoint");
    assert_eq!(printed(&["predict", &model, &data]), printed(&["predict", &name, &data]));
    let refused = run(&["train", &data, "--resume", &model, "--epochs", "4", "--ema", "0.5"]);
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains("--ema is 0.5") && error.contains("has 0.9"), "{error}");
    printed(&["train", &data, "--resume", &model, "--epochs", "4"]);
    let [plain, with] = [&["count", "3-2"][..], &["count", "3-2", "--ema", "0.9"]].map(printed);
    assert_ne!(plain, with);
}

/// Every optimizer learns the flowers.
#[test]
fn every_optimizer_trains() {
    let folder = Folder::new("optimizers");
    let data = folder.write("flowers.csv", flowers(60));
    for name in Optimizer::NAMES {
        let model = folder.name(name);
        printed(&["train", &data, "--label", "kind", "--optimizer", name, "--epochs", "3", "--checkpoint", &model]);
        let again = ["train", &data, "--resume", &model, "--epochs", "4", "--optimizer", name];
        printed(&again);
        assert_eq!(Checkpoint::<f32>::load(&model).expect("a checkpoint").options.optimizer.name(), name);
    }
}

/// L-BFGS takes all rows in each step, says how many evaluations there were, and goes on to the bit.
#[test]
fn l_bfgs_trains_in_full_batches_and_goes_on() {
    let folder = Folder::new("lbfgs");
    let data = folder.write("flowers.csv", flowers(60));
    let [model, parted] = ["whole", "parted"].map(|name| folder.name(name));
    let train =
        ["train", &data, "--label", "kind", "--optimizer", "lbfgs:max_iterations=3,history=5", "--patience", "0"];
    let text = printed(&[&train[..], &["--epochs", "4", "--checkpoint", &model]].concat());
    assert!(text.contains("The data decide how many L-BFGS needs: 1 to 4 in a step"), "{text}");
    assert!(text.contains("4 steps") && text.contains("L-BFGS made ") && text.contains(" gradients "), "{text}");
    printed(&[&train[..], &["--epochs", "2", "--checkpoint", &parted]].concat());
    printed(&["train", &data, "--resume", &parted, "--epochs", "4"]);
    let [whole, parted] = [&model, &parted].map(|path| std::fs::read(path).expect("a checkpoint"));
    assert_eq!(whole, parted);
    let options = Checkpoint::<f32>::load(&model).expect("a checkpoint").options;
    assert_eq!(options.steps_per_epoch(options.batch), 1);
    let counted = printed(&["count", &model]);
    assert!(counted.contains("needs: 1 to 4,"), "{counted}");

    for (flags, named) in [
        (["--batch", "8"], "the batch is 8, and L-BFGS needs all"),
        (["--accumulate", "2"], "the number of micro-batches in a step is 2"),
        (["--clip-norm", "1"], "the largest norm of gradients is 1"),
        (["--clip-value", "1"], "the largest value of gradients is 1"),
        (["--momentum", "0.5"], "the optimizer is lbfgs"),
        (["--layers", "8 relu, dropout 0.5"], "is a dropout"),
    ] {
        let refused = run(&[&train[..], &flags[..]].concat());
        let error = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && error.contains(named), "{flags:?}: {error}");
    }
    let refused = run(&["count", "3-2", "--optimizer", "lbfgs", "--batch", "4", "--examples", "9"]);
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains("the batch is 4, and L-BFGS needs all 9"), "{error}");
}

#[test]
fn two_classes_by_one_output() {
    let folder = Folder::new("two");
    let text: String =
        flowers(90).lines().filter(|line| !line.contains("lily")).map(|line| format!("{line}\n")).collect();
    let (data, model) = (folder.write("two.csv", &text), folder.name("m"));
    let args =
        ["train", &data, "--label", "kind", "--loss", "binary_cross_entropy", "--optimizer", "adamw", "--batch", "8"];
    printed(
        &[&args[..], &["--activation", "tanh", "--clip-norm", "1", "--learning-rate", "0.01", "--checkpoint", &model]]
            .concat(),
    );
    let predicted = rows(&printed(&["predict", &model, &data]));
    assert!(predicted.iter().zip(rows(&text)).all(|(given, row)| given[0] == row[2]), "{predicted:?}");
    let judged = printed(&["evaluate", &model, &data]);
    assert!(judged.contains("subset accuracy") || accuracy(&judged) == 1.0, "{judged}");
    let text = printed(&["train", &data, "--label", "kind", "--epochs", "1", "--validate", "0", "--hidden", "2"]);
    assert!(text.contains("60 examples, 0 held out") && text.contains("The network was not kept"), "{text}");
}

#[test]
fn images_and_their_labels() {
    let folder = Folder::new("images");
    let (pixels, labels) = images(60);
    let gzip = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).and_then(|()| writer.finish()).expect("bytes in memory")
    };
    let data = folder.write("train-images-idx3-ubyte.gz", gzip(&pixels));
    folder.write("train-labels-idx1-ubyte.gz", gzip(&labels));
    let model = folder.name("m");
    let text = printed(&["train", &data, "--hidden", "16", "--learning-rate", "0.02", "--checkpoint", &model]);
    assert!(text.contains("\"label\" (2 classes) from 1 column, 51 examples, 9 held out"), "{text}");
    let (plain, other) = (folder.write("pixels", &pixels), folder.write("classes", &labels));
    let judged = printed(&["evaluate", &model, &plain, "--labels", &other]);
    assert_eq!(accuracy(&judged), 1.0, "{judged}");
    let predicted = rows(&printed(&["predict", &model, &plain]));
    assert!(predicted.iter().enumerate().all(|(i, given)| given[0] == if i % 2 == 0 { "4" } else { "10" }));
    // Numbers are classes in the order of numbers.
    assert!(judged.find("\n4 ").expect("class 4") < judged.find("\n10 ").expect("class 10"), "{judged}");
}

#[test]
fn the_digits_are_there_without_a_file() {
    let folder = Folder::new("digits");
    let model = folder.name("m");
    let text = printed(&["train", "--epochs", "12", "--hidden", "48", "--checkpoint", &model, "--seed", "3"]);
    assert!(text.contains("the embedded digits: \"digit\" (10 classes) from 64 columns, 1,527 examples"), "{text}");
    let digits = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let judged = printed(&["evaluate", &model, digits]);
    assert!(accuracy(&judged) > 0.95, "{judged}");
}

#[test]
fn patience_ends_a_training_and_its_best_epoch_is_kept() {
    let folder = Folder::new("patience");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    let args = ["train", &data, "--label", "kind", "--learning-rate", "0.3", "--epochs", "500", "--patience", "3"];
    let text = printed(&[&args[..], &["--validate", "0.3", "--checkpoint", &model]].concat());
    assert!(text.contains("Stopped: the held-out loss did not fall for 3 epochs."), "{text}");
    let epochs = |path: &str| Checkpoint::<f32>::load(path).expect("a checkpoint").state.progress.epochs;
    let best = epochs(&format!("{model}.best"));
    assert_eq!(epochs(&model), best + 3);
    assert!(text.contains(&format!("The network of the best epoch, {best}, is in {model}.best.")), "{text}");
    let again = run(&["train", &data, "--resume", &model]);
    crate::common::assert_refused_in_a_line(&again, &[&model, "stopped after 3 epochs", "--patience"], "patience");
    let on = printed(&["train", &data, "--resume", &model, "--patience", "5"]);
    assert!(on.contains("did not fall for 5 epochs"), "{on}");
}

#[test]
fn a_best_epoch_that_is_not_there_is_not_said_to_be() {
    let folder = Folder::new("best-gone");
    let data = folder.write("flowers.csv", flowers(60));
    // Steps so small that no weight changes: the first epoch stays the best.
    let still = ["train", &data, "--label", "kind", "--hidden", "4", "--optimizer", "sgd", "--learning-rate", "1e-30"];
    let removed = folder.name("removed");
    let still = [&still[..], &["--batch", "32"]].concat();
    printed(&[&still[..], &["--patience", "2", "--checkpoint", &removed]].concat());
    std::fs::remove_file(format!("{removed}.best")).expect("it was kept");
    let text = printed(&["train", &data, "--resume", &removed, "--epochs", "20", "--patience", "4"]);
    let said = format!("The network of the best epoch, 1, was not kept: {removed}.best does not hold it.");
    assert!(text.contains(&said) && !text.contains(&format!("is in {removed}.best")), "{text}");
}

#[test]
fn the_last_few_checkpoints_are_kept() {
    let folder = Folder::new("keep");
    let model = folder.name("m");
    let data = folder.write("flowers.csv", flowers(64));
    let args = [
        "train",
        &data,
        "--label",
        "kind",
        "--hidden",
        "4",
        "--batch",
        "10",
        "--epochs",
        "2",
        "--validate",
        "0.1",
        "--checkpoint",
        &model,
    ];
    printed(&[&args[..], &["--keep", "3", "--checkpoint-every", "4"]].concat());
    // 58 examples: 6 steps in an epoch. Kept after 4, 6, 8 and 12 steps.
    let steps = |path: String| Checkpoint::<f32>::load(path).expect("a checkpoint").state.optimizer.steps();
    assert_eq!([model.clone(), format!("{model}.1"), format!("{model}.2")].map(steps), [12, 8, 6]);
    // They, the best epoch, the data, and the list of the run's files.
    assert_eq!(std::fs::read_dir(folder.here()).expect("a folder").count(), 6);
    assert!(folder.path("m.lock").exists());
}

#[test]
fn a_training_that_diverges_keeps_its_last_good_state() {
    let folder = Folder::new("diverged");
    let model = folder.name("m");
    let args = ["train", "--optimizer", "sgd", "--learning-rate", "1e30", "--checkpoint", &model, "--hidden", "8"];
    let output = run(&args);
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{message}");
    let checkpoint = Checkpoint::<f32>::load(&model).expect("a checkpoint");
    let steps = checkpoint.state.optimizer.steps();
    assert!(message.contains(&format!("diverged in step {}", steps + 1)), "{steps}: {message}");
    assert!(message.contains("layer") && message.contains(&format!("after {steps} step")), "{message}");
    assert!(message.contains(&model) && message.trim_end().lines().count() == 1, "{message}");
}

#[test]
fn what_fits_has_a_name() {
    let folder = Folder::new("auto");
    let data = folder.write("flowers.csv", flowers(60));
    let trained = |name: &str, more: &[&str]| {
        let model = folder.name(name);
        printed(&[&["train", &data, "--label", "kind", "--checkpoint", &model][..], more].concat());
        std::fs::read(model).expect("a file")
    };
    let by_name = trained("auto", &["--epochs", "auto", "--batch", "auto", "--hidden", "auto"]);
    assert!(by_name == trained("default", &[]), "the same training");
    // A training that goes on keeps what it has.
    let (model, batch) = (folder.name("auto"), ["--batch", "auto", "--hidden", "auto", "--epochs", "auto"]);
    let again = run(&[&["train", &data, "--resume", &model][..], &batch].concat());
    let message = String::from_utf8(again.stderr).expect("UTF-8");
    assert!(message.contains("has finished") || message.contains("has stopped"), "{message}");
}
