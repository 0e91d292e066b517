//! What the configuration of a case asks for, in this crate's types. What this crate does not have is an error that names it.

use nxm_kernels::Activation;
use nxm_net::{Layer, LearningRateSchedule, Loss, Optimizer, PhaseShape};
use serde_json::Value;

/// A case's configuration, or a part of it.
#[derive(Clone, Copy)]
pub struct Config<'a>(pub &'a Value);

/// A layer with its activation, and its place among layers and activations.
pub type PlacedLayer = (Layer, usize);

impl<'a> Config<'a> {
    fn part(self, name: &str) -> Config<'a> {
        Config(&self.0[name])
    }
    fn name(self) -> &'a str {
        self.0["name"].as_str().unwrap_or_default()
    }
    fn number(self, name: &str) -> Option<f64> {
        self.0[name].as_f64()
    }
    fn number_or(self, name: &str, default: f64) -> f64 {
        self.number(name).unwrap_or(default)
    }
    fn whole(self, name: &str) -> Result<u64, String> {
        self.0[name].as_u64().ok_or_else(|| format!("{name} is {}", self.0[name]))
    }
    fn numbers(self, name: &str) -> Vec<f64> {
        self.0[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    }
    /// All options must be among these: another one would change what is computed.
    fn only(self, known: &[&str]) -> Result<(), String> {
        // "range" says what targets were drawn from.
        let known = [known, &["name", "range"]].concat();
        let mut names = self.0.as_object().into_iter().flat_map(|options| options.keys());
        match names.find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!("{} with {name} = {}", self.name(), self.0[name])),
            None => Ok(()),
        }
    }

    pub fn batch(self) -> usize {
        self.0["batch"].as_u64().unwrap() as usize
    }

    /// Micro-batches of a step.
    pub fn accumulate(self) -> usize {
        self.0["accumulate"].as_u64().unwrap_or(1) as usize
    }

    /// The norm that gradients are clipped to, or the value.
    pub fn clip(self) -> Result<[Option<f64>; 2], String> {
        let clip = self.part("clip");
        match clip.0["by"].as_str() {
            None => Ok([None, None]),
            Some("norm") => Ok([clip.number("max"), None]),
            Some("value") => Ok([None, clip.number("max")]),
            Some(other) => Err(format!("clipping by {other}")),
        }
    }

    /// Inputs, then the layers.
    pub fn layers(self) -> Result<(usize, Vec<PlacedLayer>), String> {
        let mut layers: Vec<PlacedLayer> = Vec::new();
        let mut inputs = 0;
        let entries = self.0["layers"].as_array().unwrap();
        let (count, mut folded) = (entries.len(), false);
        for (place, entry) in entries.iter().enumerate() {
            let entry = Config(entry);
            let layer = match entry.0["type"].as_str().unwrap_or_default() {
                "linear" => {
                    inputs = if layers.is_empty() { entry.whole("in")? as usize } else { inputs };
                    let layer = Layer::dense(entry.whole("out")?, Activation::Identity);
                    if entry.0["bias"] == false { layer.without_bias() } else { layer }
                }
                // The loss is that of logits.
                "act" if place + 1 == count && self.folds(entry.name()) => {
                    folded = true;
                    continue;
                }
                "act" if entry.name() == "softmax" => Layer::Softmax,
                "act" if matches!(entry.name(), "log_softmax" | "logsoftmax") => Layer::LogSoftmax,
                "act" => {
                    let last = layers.last_mut().ok_or("an activation before the first layer")?;
                    if last.1 + 1 != place {
                        return Err("two activations of one layer".to_owned());
                    }
                    let activation = activation(entry)?;
                    last.0 = last.0.with_activation(activation);
                    if last.0.activation() != activation {
                        return Err(format!("{} behind {}", entry.name(), last.0));
                    }
                    continue;
                }
                "layernorm" => Layer::layer_norm().with_epsilon(entry.number_or("eps", Layer::EPSILON)),
                "batchnorm" => {
                    let norm = Layer::batch_norm().with_epsilon(entry.number_or("eps", Layer::EPSILON));
                    norm.with_momentum(entry.number_or("momentum", Layer::MOMENTUM))
                }
                // In evaluation mode, PyTorch's dropout does nothing.
                "dropout" if self.0["mode"] == "eval" => Layer::dropout(0.0),
                other => return Err(format!("a layer of {other}")),
            };
            layers.push((layer, place));
        }
        match self.part("loss").name() {
            loss @ ("bce" | "nll") if !folded => Err(format!("{loss} of a last layer whose logits it is not that of")),
            _ => Ok((inputs, layers)),
        }
    }

    /// Whether the loss of this last activation is one of logits here.
    fn folds(self, activation: &str) -> bool {
        matches!((self.part("loss").name(), activation), ("bce", "sigmoid") | ("nll", "log_softmax" | "logsoftmax"))
    }

    /// The label that no example with it counts of.
    pub fn ignored(self) -> Option<i64> {
        self.part("loss").0["ignore_index"].as_i64()
    }

    /// The loss. Targets are labels or values. Where a loss of labels takes values here, it is that of labels as rows of a single 1.
    pub fn loss(self, labels: bool) -> Result<Loss, String> {
        let loss = self.part("loss");
        let known: &[&str] = match loss.name() {
            "cross_entropy" | "cross_entropy_soft" => &["label_smoothing", "weight", "ignore_index"],
            "nll" => &["weight", "ignore_index"],
            "kl_div" => &["log_target"],
            "bce_with_logits" => &["pos_weight"],
            "smooth_l1" => &["beta"],
            "huber" => &["delta"],
            "poisson_nll" => &["log_input"],
            _ => &[],
        };
        loss.only(&[known, &["reduction"]].concat())?;
        let mean = self.mean_loss(labels)?;
        match loss.0["reduction"].as_str() {
            None | Some("mean") => Ok(mean),
            Some("sum") => Ok(mean.summed()),
            Some("batchmean") if matches!(mean, Loss::KlDivergence { .. }) => Ok(mean),
            Some(other) => Err(format!("a reduction {other}")),
        }
    }

    fn mean_loss(self, labels: bool) -> Result<Loss, String> {
        let loss = self.part("loss");
        let (label_smoothing, class_weights) = (loss.number_or("label_smoothing", 0.0), loss.numbers("weight"));
        // Weights are for means, and a sum of soft targets has them too.
        let is_weighted = label_smoothing != 0.0 || !class_weights.is_empty() || self.ignored().is_some();
        let is_weighted_sum = loss.0["reduction"] == "sum" && is_weighted;
        match loss.name() {
            "mse" => Ok(Loss::MeanSquaredError),
            "bce" => Ok(Loss::BINARY_CROSS_ENTROPY),
            "l1" => Ok(Loss::L1),
            "smooth_l1" => Ok(Loss::SmoothL1 { beta: loss.number_or("beta", 1.0) }),
            "huber" => Ok(Loss::Huber { delta: loss.number_or("delta", 1.0) }),
            "poisson_nll" => Ok(Loss::PoissonNll { log_input: loss.0["log_input"].as_bool().unwrap_or(true) }),
            "soft_margin" => Ok(Loss::SoftMargin),
            "bce_with_logits" => Ok(Loss::BinaryCrossEntropy { positive_weights: loss.numbers("pos_weight") }),
            "cross_entropy" | "cross_entropy_soft" | "nll" if labels && !is_weighted_sum => {
                Ok(Loss::CrossEntropy { label_smoothing, class_weights })
            }
            // A row of a single 1 can't say that smoothing does not count either.
            name if labels && label_smoothing != 0.0 && self.ignored().is_some() => {
                Err(format!("a sum of {name} with label_smoothing and ignore_index"))
            }
            "cross_entropy" | "cross_entropy_soft" | "nll" => {
                Ok(Loss::SoftCrossEntropy { label_smoothing, class_weights })
            }
            "kl_div" => Ok(Loss::KlDivergence {
                log_target: loss.0["log_target"].as_bool().unwrap_or(false),
                // PyTorch's default.
                mean_of_elements: loss.0["reduction"] != "batchmean",
            }),
            other => Err(format!("a loss of {other}")),
        }
    }

    pub fn optimizer(self) -> Result<Optimizer, String> {
        let of = self.part("optimizer");
        let mut optimizer: Optimizer = of.name().parse().map_err(|_| format!("an optimizer of {}", of.name()))?;
        for (name, value) in of.0.as_object().into_iter().flatten().filter(|(name, _)| *name != "name") {
            let lacks = |_| format!("{} with {name} = {value}", of.name());
            if name == "betas" || name == "etas" || name == "step_sizes" {
                let ours = match name.as_str() {
                    "betas" => ["beta1", "beta2"],
                    "etas" => ["smaller", "larger"],
                    _ => ["least_step", "largest_step"],
                };
                for (ours, value) in ours.into_iter().zip(of.numbers(name)) {
                    optimizer.set(ours, &format!("{value:?}")).map_err(lacks)?;
                }
                continue;
            }
            // PyTorch's names of settings that have another one here.
            let ours = match name.as_str() {
                "lr" => "learning_rate",
                "eps" => "epsilon",
                "centered" => "centred",
                "lr_decay" => "learning_rate_decay",
                "initial_accumulator_value" => "initial_sum",
                "ns_steps" => "iterations",
                "bias_lr" => "bias_learning_rate",
                "adjust_lr_fn" if value == "match_rms_adamw" => {
                    optimizer.set("match_rms_adamw", "true").map_err(lacks)?;
                    continue;
                }
                "max_iter" => "max_iterations",
                "max_eval" => "max_evaluations",
                "history_size" => "history",
                "tolerance_grad" => "gradient_tolerance",
                "tolerance_change" => "change_tolerance",
                same => same,
            };
            optimizer.set(ours, &value.to_string()).map_err(lacks)?;
        }
        Ok(optimizer)
    }

    pub fn schedule(self) -> Result<LearningRateSchedule, String> {
        schedule(self.part("schedule"), self.0["steps"].as_u64().unwrap_or(0))
    }
}

fn activation(of: Config<'_>) -> Result<Activation, String> {
    let known: &[&str] = match of.name() {
        "leaky_relu" => &["negative_slope"],
        "elu" | "celu" => &["alpha"],
        "softplus" => &["beta", "threshold"],
        "hardtanh" => &["min_val", "max_val"],
        "gelu" => &["approximate"],
        _ => &[],
    };
    of.only(&[known, &["type"]].concat())?;
    // Ours has its bends at −1 and 1, and its name says how GELU is computed.
    for (option, ours) in [("min_val", -1.0), ("max_val", 1.0)] {
        if of.number_or(option, ours) != ours {
            return Err(format!("{} with {option} = {}", of.name(), of.0[option]));
        }
    }
    if !matches!(of.0["approximate"].as_str(), None | Some("none")) {
        return Err(format!("{} with approximate = {}", of.name(), of.0["approximate"]));
    }
    // PyTorch writes some names in one word.
    let name = of.name().replace("hard", "hard_").replace("logsigmoid", "log_sigmoid");
    let made = match name.parse().map_err(|_| format!("an activation of {}", of.name()))? {
        Activation::LeakyRelu { slope } => Activation::leaky_relu(of.number_or("negative_slope", slope)),
        Activation::Elu { alpha } => Activation::elu(of.number_or("alpha", alpha)),
        Activation::Celu { alpha } => Activation::celu(of.number_or("alpha", alpha)),
        Activation::Softplus { beta, threshold } => {
            Activation::softplus(of.number_or("beta", beta), of.number_or("threshold", threshold))
        }
        other => other,
    };
    Ok(made)
}

fn schedule(of: Config<'_>, steps: u64) -> Result<LearningRateSchedule, String> {
    let number = |name: &str| of.number(name).ok_or_else(|| format!("a schedule without {name}"));
    let minimum = of.number_or("eta_min", 0.0);
    Ok(match of.name() {
        "" | "constant" => LearningRateSchedule::Constant,
        "step" => LearningRateSchedule::Step { every: of.whole("step_size")?, factor: of.number_or("gamma", 0.1) },
        "multistep" => LearningRateSchedule::Milestones {
            at: of.numbers("milestones").into_iter().map(|milestone| milestone as u64).collect(),
            factor: of.number_or("gamma", 0.1),
        },
        "exponential" => LearningRateSchedule::Exponential { factor: number("gamma")? },
        "polynomial" => {
            LearningRateSchedule::Polynomial { steps: of.whole("total_iters")?, power: of.number_or("power", 1.0) }
        }
        "linear" => LearningRateSchedule::Linear {
            start: of.number_or("start_factor", 1.0 / 3.0),
            end: of.number_or("end_factor", 1.0),
            steps: of.whole("total_iters")?,
        },
        "cosine" | "cosine_annealing" => {
            let half = of.whole("T_max")?;
            // PyTorch's goes up again behind its end, and ours stays.
            if half + 1 < steps {
                return Err(format!("a cosine that turns after {half} of {steps} steps"));
            }
            LearningRateSchedule::Cosine { steps: half, minimum }
        }
        "cosine_restarts" => LearningRateSchedule::CosineRestarts {
            steps: of.whole("T_0")?,
            longer: of.0["T_mult"].as_u64().unwrap_or(1),
            minimum,
        },
        "one_cycle" | "onecycle" => {
            of.only(&[
                "max_lr",
                "total_steps",
                "pct_start",
                "div_factor",
                "final_div_factor",
                "anneal_strategy",
                "cycle_momentum",
            ])?;
            if of.0["cycle_momentum"] != false {
                return Err("one_cycle that cycles the momentum".to_owned());
            }
            LearningRateSchedule::OneCycle {
                steps: of.whole("total_steps")?,
                rise: of.number_or("pct_start", 0.3),
                start_divisor: of.number_or("div_factor", 25.0),
                end_divisor: of.number_or("final_div_factor", 1e4),
                shape: if of.0["anneal_strategy"] == "linear" { PhaseShape::Linear } else { PhaseShape::Cosine },
            }
        }
        // A linear warm-up, and what comes then: torch's SequentialLR.
        "warm_up" => {
            let before = of.whole("total_iters")?;
            schedule(of.part("then"), steps.saturating_sub(before))?
                .after_warm_up(before, of.number_or("start_factor", 1.0 / 3.0))
        }
        other => return Err(format!("a schedule of {other}")),
    })
}
