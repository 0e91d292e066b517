//! Networks of layers of any kind, from the command line to the file.

use crate::common::{Folder, flowers, printed, run};
use nxm_net::{Checkpoint, parse_layers};

/// Layers before the last one, of every kind.
const LAYERS: &str = "16 relu no_bias, batch_norm, dropout 0.1, 8 gelu, layer_norm eps 0.001 tanh";

fn refused(args: &[&str], named: &[&str]) {
    let output = run(args);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    // What is wrong with an argument has its usage in further lines.
    assert!(named.iter().all(|name| message.contains(name)), "{args:?}: {named:?} in\n{message}");
}

#[test]
fn layers_are_counted_as_sizes_are() {
    let (sizes, layers) = (printed(&["count", "784-128-10"]), printed(&["count", "784, 128 relu, 10"]));
    assert_eq!(sizes.lines().next(), layers.lines().next());
    let network = format!("4, {LAYERS}, 3");
    let page = printed(&["count", &network, "--batch", "8", "--optimizer", "adam"]);
    assert!(page.contains(&format!("layers {LAYERS}, 3")), "{page}");
    // A page is about a step on one example, too, of which there is no batch norm.
    printed(&["explain", &network.replace("batch_norm, ", "")]);
    refused(&["count", &network, "--hidden", "relu"], &["--hidden", "layers"]);
    refused(&["count", "4, dropout 0.1, 3"], &["layer 1", "dropout", "dense"]);
    refused(&["count", "4, 8 sine, 3"], &["layer 1", "sine"]);
    refused(&["explain", "4, dropout 2, 3"], &["layer 1", "the rate of dropout", "2"]);
}

/// Activations with parameters, wherever an activation can be said.
#[test]
fn activations_have_parameters() {
    let page = printed(&["count", "4-8-3", "--hidden", "leaky_relu(0.2)", "--output", "softplus(2,3)"]);
    assert!(page.contains("hidden leaky_relu(0.2), output softplus(2,3)"), "{page}");
    let page = printed(&["count", "4, 8 softplus(2,3), 3 elu(0.5) no_bias"]);
    assert!(page.contains("8 softplus(2,3), 3 elu(0.5) no_bias"), "{page}");
    printed(&["explain", "4-8-3", "--activation", "celu(0.7)"]);
    refused(&["count", "4-8-3", "--hidden", "celu(0)"], &["--hidden", "the alpha of celu is 0", "1e-30 to 1e30"]);
    refused(&["count", "4-8-3", "--hidden", "elu(1,2)"], &["--hidden", "elu(1,2)", "elu(alpha)"]);
    refused(&["count", "4-8-3", "--hidden", "rellu"], &["--hidden", "possible values", "relu"]);
    refused(&["count", "4, 8 leaky_relu(nan), 3"], &["layer 1", "the slope of leaky_relu is NaN"]);
    let folder = Folder::new("parameters");
    let (data, model) = (folder.write("flowers.csv", flowers(60)), folder.name("m"));
    let train =
        ["train", &data, "--label", "weight", "--hidden", "8", "--activation", "leaky_relu(0.2)", "--epochs", "2"];
    printed(&[&train[..], &["--checkpoint", &model]].concat());
    assert!(printed(&["count", &model]).contains("hidden leaky_relu(0.2)"));
    assert!(printed(&["show", &model]).contains("leaky_relu(0.2)"));
    refused(&["train", &data, "--resume", &model, "--activation", "leaky_relu"], &["--activation", "leaky_relu(0.2)"]);
}

/// A training with such layers goes on from its checkpoint, and predicts; what it is asked for again must be what it has.
#[test]
fn layers_are_trained_and_kept() {
    let folder = Folder::new("layers");
    let data = folder.write("flowers.csv", flowers(60));
    let model = folder.name("m");
    let train = ["train", &data, "--label", "weight", "--layers", LAYERS, "--batch", "8", "--epochs", "2"];
    printed(&[&train[..], &["--validate", "0.2", "--checkpoint", &model]].concat());
    let kept = Checkpoint::<f32>::load(&model).expect("a checkpoint").network;
    let layers: Vec<_> = kept.layers().map(|layer| layer.layer()).collect();
    assert_eq!(layers[..layers.len() - 1], parse_layers(LAYERS).expect("layers"));
    printed(&["train", &data, "--resume", &model, "--epochs", "3", "--layers", LAYERS]);
    refused(&["train", &data, "--resume", &model, "--epochs", "4", "--layers", "8 relu"], &["--layers", "8 relu"]);
    printed(&["predict", &model, &data]);
    printed(&["count", &model]);
    refused(&["train", &data, "--label", "weight", "--layers", "8", "--hidden", "8"], &["--layers", "--hidden"]);
    refused(&["train", &data, "--label", "weight", "--layers", "layer_norm, 8"], &["layer 1", "layer_norm"]);
}
