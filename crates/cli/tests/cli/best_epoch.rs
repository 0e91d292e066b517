//! Which epoch's network is used: the best one by any metric, or the last one.

use crate::common::{Folder, assert_refused_in_a_line, flowers, printed, run};
use nxm_net::Checkpoint;

fn epochs(path: &str) -> usize {
    Checkpoint::<f32>::load(path).expect("a checkpoint").state.progress.epochs
}

#[test]
fn any_metric_stops_a_training() {
    let folder = Folder::new("metric");
    let data = folder.write("flowers.csv", flowers(60));
    for (label, metric, way) in [
        ("kind", "accuracy", "accuracy did not rise"),
        ("kind", "f1", "F1 (macro) did not rise"),
        ("weight", "rmse", "RMSE did not fall"),
    ] {
        let model = folder.name(metric);
        let train = ["train", &data, "--label", label, "--learning-rate", "0.1", "--epochs", "500", "--hidden", "8"];
        let more = ["--patience", "3", "--min-gain", "0.001", "--metric", metric, "--checkpoint", &model];
        let text = printed(&[&train[..], &more].concat());
        let said = format!("Stopped: the held-out {way} by more than 0.001 for 3 epochs.");
        assert!(text.contains(&said), "{said}: {text}");
        let best = epochs(&format!("{model}.best"));
        assert_eq!(epochs(&model), best + 3);
        // The training remembers what it is judged by.
        let resume = ["train", &data, "--resume", &model, "--patience", "5", "--metric"];
        assert_refused_in_a_line(&run(&[&resume[..], &["loss"]].concat()), &["--metric is loss", metric], metric);
        assert!(printed(&[&resume[..], &[metric]].concat()).contains("for 5 epochs"));
    }
}

#[test]
fn a_gain_that_is_too_small_is_none() {
    let folder = Folder::new("gain");
    let data = folder.write("flowers.csv", flowers(60));
    let train = ["train", &data, "--label", "kind", "--epochs", "50", "--patience", "4", "--min-gain", "1000"];
    let text = printed(&train);
    assert!(text.contains("On the held-out rows after epoch 1, the best one"), "{text}");
    assert!(text.contains("loss did not fall by more than 1000 for 4 epochs"), "{text}");
}

#[test]
fn the_last_epoch_is_used_if_that_is_asked_for() {
    let folder = Folder::new("keep-last");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    let train = ["train", &data, "--label", "kind", "--learning-rate", "0.3", "--epochs", "40", "--patience", "3"];
    let text = printed(&[&train[..], &["--keep-last", "--checkpoint", &model]].concat());
    assert!(text.contains("On the held-out rows:") && text.contains("did not fall for 3 epochs"), "{text}");
    assert!(!folder.path("m.best").exists() && !text.contains("m.best"), "{text}");
    assert_eq!(printed(&["predict", &model, &data]), printed(&["predict", &model, &data, "--last"]));
    // Without patience the best one is kept, too.
    let best = folder.name("b");
    let forever = ["train", &data, "--label", "kind", "--epochs", "4", "--patience", "0", "--checkpoint", &best];
    assert!(printed(&forever).contains("The network of the best epoch"));
    let resume = run(&["train", &data, "--resume", &best, "--epochs", "5", "--keep-last"]);
    assert_refused_in_a_line(&resume, &[&best, "--keep-last", "--last"], "resumed");
}

#[test]
fn metrics_of_something_else_are_refused() {
    let folder = Folder::new("metric-refused");
    let data = folder.write("flowers.csv", flowers(30));
    let refused = |args: &[&str], named: &[&str]| {
        let train = ["train", &data, "--epochs", "1", "--label"];
        assert_refused_in_a_line(&run(&[&train[..], args].concat()), named, &args.join(" "));
    };
    refused(&["kind", "--metric", "rmse"], &["--metric", "rmse", "3 classes", "balanced_accuracy"]);
    refused(&["weight", "--metric", "accuracy"], &["--metric", "accuracy", "a number", "r2, rmse"]);
    for flag in [["--metric", "loss"], ["--min-gain", "1"]] {
        refused(&["kind", "--validate", "0", flag[0], flag[1]], &[flag[0], "--validate"]);
    }
}
