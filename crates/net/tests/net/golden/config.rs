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
        let count = entries.len();
        for (place, entry) in entries.iter().enumerate() {
            let entry = Config(entry);
            let layer = match entry.0["type"].as_str().unwrap_or_default() {
                "linear" => {
                    inputs = if layers.is_empty() { entry.whole("in")? as usize } else { inputs };
                    let layer = Layer::dense(entry.whole("out")?, Activation::Identity);
                    if entry.0["bias"] == false { layer.without_bias() } else { layer }
                }
                // The loss is that of logits.
                "act" if matches!(self.part("loss").name(), "bce" | "nll") && place + 1 == count => continue,
                "act" => {
                    let last = layers.last_mut().ok_or("an activation before the first layer")?;
                    if last.1 + 1 != place {
                        return Err("two activations of one layer".to_owned());
                    }
                    last.0 = last.0.with_activation(activation(entry)?);
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
        Ok((inputs, layers))
    }

    pub fn loss(self) -> Result<Loss, String> {
        let loss = self.part("loss");
        let known: &[&str] = match loss.name() {
            "cross_entropy" => &["label_smoothing", "weight"],
            "bce_with_logits" => &["pos_weight"],
            "smooth_l1" => &["beta"],
            "huber" => &["delta"],
            "poisson_nll" => &["log_input"],
            _ => &[],
        };
        loss.only(&[known, &["reduction"]].concat())?;
        let mean = self.mean_loss()?;
        match loss.0["reduction"].as_str() {
            None | Some("mean") => Ok(mean),
            Some("sum") => Ok(mean.summed()),
            Some(other) => Err(format!("a reduction {other}")),
        }
    }

    fn mean_loss(self) -> Result<Loss, String> {
        let loss = self.part("loss");
        match loss.name() {
            "mse" => Ok(Loss::MeanSquaredError),
            "bce" => Ok(Loss::BINARY_CROSS_ENTROPY),
            "nll" => Ok(Loss::CROSS_ENTROPY),
            "l1" => Ok(Loss::L1),
            "smooth_l1" => Ok(Loss::SmoothL1 { beta: loss.number_or("beta", 1.0) }),
            "huber" => Ok(Loss::Huber { delta: loss.number_or("delta", 1.0) }),
            "poisson_nll" => Ok(Loss::PoissonNll { log_input: loss.0["log_input"].as_bool().unwrap_or(true) }),
            "soft_margin" => Ok(Loss::SoftMargin),
            "bce_with_logits" => Ok(Loss::BinaryCrossEntropy { positive_weights: loss.numbers("pos_weight") }),
            "cross_entropy" => Ok(Loss::CrossEntropy {
                label_smoothing: loss.number_or("label_smoothing", 0.0),
                class_weights: loss.numbers("weight"),
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
    let defaults = [("negative_slope", 0.01), ("alpha", 1.0), ("beta", 1.0), ("threshold", 20.0)];
    if let Some((option, _)) = defaults.iter().find(|(option, default)| of.number_or(option, *default) != *default) {
        return Err(format!("{} with {option} = {}", of.name(), of.0[option]));
    }
    // PyTorch writes some names in one word.
    let name = of.name().replace("hard", "hard_").replace("logsigmoid", "log_sigmoid");
    name.parse().map_err(|_| format!("an activation of {}", of.name()))
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
