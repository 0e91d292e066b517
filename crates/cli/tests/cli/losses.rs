//! `--loss` and its settings, from the command line to the file.

use crate::common::{Folder, assert_refused_in_a_line, flowers, printed, run};
use nxm_net::{Checkpoint, Loss};

fn refused(args: &[&str], named: &[&str]) {
    assert_refused_in_a_line(&run(args), named, &args.join(" "));
}

#[test]
fn numbers_are_learned_by_every_loss_of_differences() {
    let folder = Folder::new("losses");
    let data = folder.write("flowers.csv", flowers(60));
    for (i, (flags, expected)) in [
        (&["--loss", "mse"][..], Loss::MeanSquaredError),
        (&["--loss", "l1"], Loss::L1),
        (&["--loss", "smooth_l1"], Loss::SmoothL1 { beta: 1.0 }),
        (&["--loss", "smooth_l1", "--beta", "0.25"], Loss::SmoothL1 { beta: 0.25 }),
        (&["--loss", "huber", "--delta", "0.5"], Loss::Huber { delta: 0.5 }),
        (&["--loss", "quantile"], Loss::Quantile { tau: 0.5 }),
        (&["--loss", "quantile", "--tau", "0.9"], Loss::Quantile { tau: 0.9 }),
    ]
    .into_iter()
    .enumerate()
    {
        let model = folder.name(&i.to_string());
        let train = ["train", &data, "--label", "weight", "--hidden", "8", "--epochs", "2", "--checkpoint", &model];
        printed(&[&train[..], flags].concat());
        assert_eq!(Checkpoint::<f32>::load(&model).expect("a checkpoint").options.loss, expected);
        // What the command line asks for again is what the checkpoint says.
        let on = ["train", &data, "--resume", &model, "--epochs", "3"];
        printed(&[&on[..], flags].concat());
    }
}

/// Of a target that depends on nothing that is known, the quantile 0.9 is above most of the rows, and 0.1 above few.
#[test]
fn quantiles_are_quantiles() {
    let folder = Folder::new("quantiles");
    let rows: String = (0..200).map(|i| format!("{},{}\n", i % 2, i * 37 % 100)).collect();
    let (data, model) = (folder.write("data.csv", format!("x,y\n{rows}")), folder.name("m"));
    for (tau, least, most) in [("0.1", 0.02, 0.2), ("0.9", 0.8, 0.98)] {
        let train = ["train", &data, "--label", "y", "--loss", "quantile", "--tau", tau, "--hidden", "none"];
        let more = ["--numbers", "x", "--learning-rate", "0.05", "--epochs", "100", "--validate", "0"];
        printed(&[&train[..], &more, &["--checkpoint", &model]].concat());
        let predicted = printed(&["predict", &model, &data]);
        let cells = predicted.lines().skip(1).map(|line| line.split(',').next().expect("a cell"));
        let below = cells.zip(0..).filter(|(cell, i)| {
            let predicted: f64 = cell.parse().expect("a number");
            f64::from(i * 37 % 100) < predicted
        });
        let share = below.count() as f64 / 200.0;
        assert!((least..=most).contains(&share), "{share} below the quantile {tau}");
        std::fs::remove_file(&model).expect("a file");
    }
}

#[test]
fn losses_that_do_not_fit_are_refused() {
    let folder = Folder::new("refused-losses");
    let data = folder.write("flowers.csv", flowers(30));
    let train = ["train", &data, "--label", "weight"];
    let refused_with = |flags: &[&str], named: &[&str]| refused(&[&train[..], flags].concat(), named);
    for loss in ["poisson_nll", "soft_margin", "kl_divergence", "soft_cross_entropy"] {
        refused_with(&["--loss", loss], &[loss, "scales"]);
        let counted = printed(&["count", "3-2", "--loss", loss]);
        assert!(!counted.is_empty());
    }
    refused(&["count", "3, 4 relu, 2, softmax", "--loss", "cross_entropy"], &["softmax", "cross_entropy", "mse"]);
    assert!(!printed(&["count", "3, 4 relu, 2, softmax", "--loss", "mse"]).is_empty());
    refused_with(&["--loss", "huber", "--delta", "0"], &["delta", "above 0"]);
    refused_with(&["--loss", "smooth_l1", "--beta", "-1"], &["beta", "above 0"]);
    refused_with(&["--loss", "quantile", "--tau", "1"], &["tau", "below 1"]);
    refused_with(&["--loss", "mse", "--delta", "1"], &["--delta is for --loss huber", "mse"]);
    refused_with(&["--loss", "huber", "--tau", "0.5"], &["--tau is for --loss quantile", "huber"]);
    refused_with(&["--loss", "l1", "--beta", "0.5"], &["--beta is for --loss smooth_l1", "l1"]);
}
