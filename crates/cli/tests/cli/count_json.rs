//! The JSON of `nxm count`: an interface, whose names and numbers must stay.

use crate::common::printed;
use serde_json::Value;

const KINDS: [&str; 10] =
    ["multiplications", "additions", "flops", "fma", "mul", "add", "div", "sqrt", "cmp", "convert"];

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&printed(&[&["count"], args, &["--format", "json"]].concat())).expect("JSON")
}

fn thirty(batch: &str) -> Value {
    json(&["30-30-30", "--hidden", "sigmoid", "--output", "sigmoid", "--loss", "mse", "--batch", batch])
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Asserts that these are operations, with all their names.
fn assert_ops(ops: &Value) {
    let mut expected: Vec<&str> = KINDS.into_iter().chain(["functions", "inside_functions"]).collect();
    expected.sort_unstable();
    assert_eq!(names(ops), expected);
    let mut kinds = KINDS;
    kinds.sort_unstable();
    assert_eq!(names(&ops["inside_functions"]), kinds);
    let n = |kind: &str| ops[kind].as_u64().expect(kind);
    assert_eq!(n("multiplications"), n("mul") + n("fma"));
    assert_eq!(n("additions"), n("add") + n("fma"));
    assert_eq!(n("flops"), 2 * n("fma") + n("mul") + n("add") + n("div") + n("sqrt") + n("cmp"));
    assert!(ops["functions"].as_object().expect("an object").values().all(Value::is_u64));
}

/// Asserts that this is a cost: operations, and bytes.
fn assert_cost(cost: &Value) {
    let mut ops = cost.clone();
    let fields = ops.as_object_mut().expect("an object");
    let names = ["bytes_read", "bytes_written", "bytes_loaded", "bytes_stored", "flops_per_byte"];
    let [bytes @ .., intensity] = names.map(|name| fields.remove(name).expect(name));
    assert!(bytes.iter().all(Value::is_u64) && (intensity.is_f64() || intensity.is_null()), "{cost}");
    // Kernels ask for all that must be moved.
    let [read, written, loaded, stored] = bytes.map(|bytes| bytes.as_u64());
    assert!(loaded >= read && stored >= written, "{cost}");
    assert_ops(&ops);
}

#[test]
fn has_all_its_names() {
    let answer = thirty("1");
    // serde_json sorts the keys of a parsed object.
    assert_eq!(
        names(&answer),
        [
            "batch",
            "clipped",
            "convention",
            "epoch",
            "layers",
            "machine",
            "memory",
            "network",
            "optimizer",
            "step",
            "training"
        ]
    );
    assert_eq!(names(&answer["machine"]), ["level", "threads"]);
    assert_eq!(
        answer["network"],
        serde_json::json!({"sizes": [30, 30, 30], "hidden": "sigmoid", "output": "sigmoid",
            "activations": ["sigmoid", "sigmoid"], "loss": "mse", "element": "f32", "parameters": 1860})
    );
    assert_eq!((&answer["batch"], &answer["optimizer"]), (&1.into(), &"sgd".into()));
    assert!(answer["convention"].as_object().expect("an object").values().all(Value::is_string));
    assert_eq!(names(&answer["step"]), ["backward", "forward", "loss", "total", "update"]);
    answer["step"].as_object().expect("an object").values().for_each(assert_cost);
    let layers = answer["layers"].as_array().expect("an array");
    assert_eq!(layers.len(), 2);
    let phases =
        ["activation_gradient", "bias_gradient", "clip", "forward", "input_gradient", "update", "weight_gradient"];
    for layer in layers {
        let mut expected = [&phases[..], &["fan_in", "fan_out"]].concat();
        expected.sort_unstable();
        assert_eq!(names(layer), expected);
        phases.iter().for_each(|phase| assert_cost(&layer[phase]));
    }
    assert_eq!(
        names(&answer["training"]),
        ["backward", "epochs", "examples", "forward", "layers", "loss", "steps", "total", "update"]
    );
    assert_cost(&answer["training"]["total"]);
}

#[test]
fn thirty_thirty_thirty_costs_what_the_textbook_says() {
    let answer = thirty("1");
    let forward = &answer["step"]["forward"];
    assert_eq!(forward["multiplications"], 1800);
    assert_eq!(forward["additions"], 1800);
    assert_eq!(forward["fma"], 1800);
    assert_eq!(forward["functions"], serde_json::json!({"sigmoid": 60}));
    // 2·30 + 1 multiplications, 2·30 − 1 additions; how many of them are fused is the reduction's business.
    let loss = &answer["step"]["loss"];
    assert_eq!((&loss["multiplications"], &loss["additions"]), (&61.into(), &59.into()));
    // Three products; bias gradients and a' = a·(1 − a) for 60 units. The input gradient of one example is a dot product for each of 30
    // inputs: 30 multiplications and 29 additions.
    let backward = &answer["step"]["backward"];
    assert_eq!(backward["multiplications"], 2 * 900 + 900 + 120);
    assert_eq!(backward["additions"], 2 * 900 + 30 * 29 + 60 + 60);
    assert_eq!(answer["step"]["update"]["fma"], 1860);
    assert_eq!(answer["step"]["total"]["multiplications"], 1800 + 61 + 2820 + 1860);
    // The inputs of the first layer are data.
    assert_eq!(answer["layers"][0]["input_gradient"]["flops"], 0);
    assert_eq!(answer["layers"][1]["input_gradient"]["multiplications"], 900);
    assert_eq!(answer["layers"][1]["input_gradient"]["additions"], 870);
    assert_eq!(answer["layers"][0]["weight_gradient"]["fma"], 900);
    assert_eq!(answer["layers"][0]["bias_gradient"]["add"], 30);
    assert_eq!(answer["layers"][0]["update"]["fma"], 930);
}

#[test]
fn a_batch_multiplies_all_but_the_update() {
    let (one, many) = (thirty("1"), thirty("32"));
    let n = |answer: &Value, part: &str| answer["step"][part]["multiplications"].as_u64().expect(part);
    for part in ["forward", "backward"] {
        assert_eq!(n(&many, part), 32 * n(&one, part));
    }
    assert_eq!(n(&many, "update"), n(&one, "update"));
}

#[test]
fn cross_entropy_counts_its_functions() {
    let answer = json(&["64-128-64-10", "--loss", "cross_entropy", "--batch", "32"]);
    assert_eq!((&answer["network"]["hidden"], &answer["network"]["output"]), (&"relu".into(), &"identity".into()));
    assert_eq!(answer["step"]["loss"]["functions"], serde_json::json!({"exp": 320, "log": 32}));
    assert_eq!(answer["step"]["forward"]["functions"], serde_json::json!({"relu": 32 * 192}));
    assert_eq!(answer["layers"][2]["activation_gradient"]["flops"], 0);
}

#[test]
fn a_short_last_batch_counts_as_what_it_is() {
    let run = |args: &[&str]| json(&[&["64-32-10"], args].concat());
    let training = &run(&["--batch", "32", "--examples", "1437", "--epochs", "3"])["training"];
    assert_eq!(
        (&training["examples"], &training["epochs"], &training["steps"]),
        (&1437.into(), &3.into(), &135.into())
    );
    let step = |batch: &str| run(&["--batch", batch])["step"]["total"]["flops"].as_u64().expect("flops");
    // 1437 = 44·32 + 29.
    assert_eq!(training["total"]["flops"], 3 * (44 * step("32") + step("29")));
    // All of them in one batch that could be larger.
    let only = &run(&["--batch", "32", "--examples", "29"])["training"];
    assert_eq!((&only["steps"], &only["total"]["flops"]), (&1.into(), &step("29").into()));
    // Unless it is said how many there are, the step's batch is all.
    let one = run(&["--batch", "32"]);
    assert_eq!((&one["training"]["examples"], &one["training"]["total"]), (&32.into(), &one["step"]["total"]));
}

#[test]
fn verified_steps_agree_at_each_level_and_thread_count() {
    let args = ["30-31-7", "--hidden", "tanh", "--loss", "cross_entropy", "--batch", "9", "--verify"];
    let answer = json(&args);
    let verified = answer["verified"].as_array().expect("an array");
    let levels: Vec<&str> = nxm_kernels::Level::available().map(nxm_kernels::Level::name).collect();
    let runs: Vec<(&str, u64)> = verified
        .iter()
        .map(|step| (step["level"].as_str().expect("a name"), step["threads"].as_u64().expect("a number")))
        .collect();
    assert_eq!(runs, levels.iter().flat_map(|level| [(*level, 1), (*level, 2)]).collect::<Vec<_>>());
    for step in verified {
        assert_eq!(
            names(step),
            ["agrees", "bytes_loaded", "bytes_stored", "level", "padding", "tasks", "threads", "useful"]
        );
        assert_ops(&step["useful"]);
        assert_ops(&step["padding"]);
        assert_eq!(step["agrees"], true);
        for sum in ["multiplications", "additions", "flops", "functions"] {
            assert_eq!(step["useful"][sum], answer["step"]["total"][sum], "{sum}");
        }
    }
    assert_eq!(verified[0]["padding"]["flops"].as_u64().map(|n| n > 0), Some(true), "reductions fold 64 bytes");
}

#[test]
fn an_optimizer_and_clipping_cost_what_training_pays() {
    let adam = json(&["784-128-10", "--optimizer", "adam"]);
    let parameters = 101_770u64;
    assert_eq!((&adam["optimizer"], &adam["step"]["update"]["sqrt"]), (&"adam".into(), &parameters.into()));
    // Parameters and two moments are read and written, the biases' gradients read.
    let update = &adam["step"]["update"];
    assert_eq!(
        (&update["bytes_read"], &update["bytes_written"]),
        (&(4 * (3 * parameters + 138)).into(), &(4 * 3 * parameters).into())
    );
    // Memory is padded: rows of 10 numbers are 16 long. Four numbers stand alone, each at a cache line.
    let padded = 784 * 128 + 128 + 128 * 16 + 16;
    assert_eq!(adam["memory"]["training"]["optimizer"], 4 * 2 * padded);
    assert_eq!(adam["memory"]["inference"]["total"], 4 * (padded + 784 + 128 + 16 + 4 * 16));
    let clipped = json(&["784-128-10", "--clip-norm", "1"]);
    assert_eq!((&clipped["clipped"], &clipped["step"]["update"]["sqrt"]), (&true.into(), &1.into()));
    // And a sum of squares for the weights and the biases of each layer.
    assert_eq!(clipped["memory"]["training"]["gradients"], 4 * (padded + 4 * 16));
    for (args, named) in [
        (&["--momentum", "0.9", "--optimizer", "adam"][..], "--momentum"),
        (&["--weight-decay=-1"], "weight decay"),
        (&["--clip-norm", "0"], "the largest norm of gradients"),
    ] {
        let output = crate::common::run(&[&["count", "3-2"], args].concat());
        crate::common::assert_refused_in_a_line(&output, &[named], named);
    }
}

#[test]
fn other_counters_say_what_they_were_seen_to_say() {
    let torch = json(&["784-128-10", "--loss", "cross_entropy", "--as", "torch"]);
    assert_eq!((&torch["forward"], &torch["forward_and_backward"]), (&203_264.into(), &409_088.into()));
    let text = printed(&["count", "784-128-10", "--as", "ptflops", "--batch", "8"]);
    assert!(text.contains("102,026 multiply-adds") && text.contains("the batch"), "{text}");
}
