//! Trajectories that PyTorch computed: 50 steps of small networks, one file each in `golden/`, for every optimizer, activation, loss,
//! schedule and way of clipping that there is here.
//!
//! In the files, step s trains on `x[s mod 8]` and `y[s mod 8]`; parameters are called by the layer's place among layers
//! and activations; weights are [out, in], the transpose of ours; `loss64` and `final64` come from a run in f64 that starts from f32
//! parameters. `index.tsv` says how far PyTorch's own run in f32 strays from that.
//!
//! PyTorch's losses of a sigmoid and of a log-softmax are losses of logits here.
//!
//! Of the cases that these were taken from, those are not here that use what this crate does not have: other optimizers (AMSGrad,
//! RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam), activations (leaky ReLU and ELU with another slope or α, softplus with another
//! β, CELU) and losses (sums instead of means, soft targets, squares of a softmax, KL divergence of a log-softmax), clipping by value,
//! normalisation, dropout, layers without bias, and
//! gradients accumulated over batches.

use std::path::{Path, PathBuf};

use nxm_kernels::{Activation, Element, MatrixRef, reference};
use nxm_net::{Adam, AdamW, LearningRateSchedule, Loss, Network, Optimizer, OptimizerState, Sgd, Step, Targets};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::cpu;

/// f64: 50 steps of sums of up to 30 terms in another order; PyTorch's own files ask for 1e-9 relative.
const TOLERANCE: f64 = 1e-9;
/// f32: so many times as far from the f64 run as PyTorch's own f32 run may be ours. Both stray by chance, and the largest of some hundred
/// numbers varies by a factor of two or so from one order of summation to the next.
const F32_DEVIATIONS: f64 = 4.0;
/// Matrices of inputs and of targets in a file.
const CYCLE: usize = 8;

#[test]
fn pytorch_s_trajectories_in_f64() {
    for case in cases() {
        case.follow_f64();
    }
}

#[test]
fn pytorch_s_trajectories_in_f32() {
    for case in cases() {
        case.follow_f32();
    }
}

/// All cases: each line of the index and each file is one.
fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/net/golden");
    let index = std::fs::read_to_string(folder.join("index.tsv")).unwrap();
    let cases: Vec<Case> = index.lines().skip(1).map(|line| Case::open(&folder, line)).collect();
    let families = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files = families.filter(|path| path.is_dir()).flat_map(|family| std::fs::read_dir(family).unwrap());
    assert_eq!(files.count(), cases.len(), "files and lines of the index");
    assert_eq!(cases.len(), 57);
    cases
}

struct Case {
    name: PathBuf,
    file: Vec<u8>,
    config: Value,
    /// PyTorch's f32 run: relative in losses, absolute in parameters.
    deviations: (f64, f64),
}

impl Case {
    fn open(folder: &Path, line: &str) -> Case {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, _, _, losses, parameters] = columns[..] else { panic!("{line}") };
        let file = std::fs::read(folder.join(name)).unwrap();
        let (_, header) = SafeTensors::read_metadata(&file).unwrap();
        let config = serde_json::from_str(&header.metadata().as_ref().unwrap()["config"]).unwrap();
        Case { name: name.into(), file, config, deviations: (losses.parse().unwrap(), parameters.parse().unwrap()) }
    }

    fn number(&self, part: &str, name: &str) -> Option<f64> {
        self.config[part][name].as_f64()
    }

    fn batch(&self) -> usize {
        self.config["batch"].as_u64().unwrap() as usize
    }

    /// Inputs, then units with their activation and the layer's place.
    fn layers(&self) -> (usize, Vec<(usize, Activation, usize)>) {
        let mut layers = Vec::new();
        let mut inputs = 0;
        for (place, entry) in self.config["layers"].as_array().unwrap().iter().enumerate() {
            let size = |name: &str| entry[name].as_u64().unwrap() as usize;
            match entry["type"].as_str().unwrap() {
                "linear" => {
                    assert_ne!(entry["bias"].as_bool(), Some(false), "a layer without bias");
                    inputs = if layers.is_empty() { size("in") } else { inputs };
                    layers.push((size("out"), Activation::Identity, place));
                }
                // The loss is that of logits.
                "act" if self.folded().is_some() && place + 1 == self.config["layers"].as_array().unwrap().len() => {}
                "act" => {
                    let options = ["negative_slope", "alpha", "beta", "threshold"].map(|name| entry[name].as_f64());
                    assert!(matches!(
                        options,
                        [None | Some(0.01), None | Some(1.0), None | Some(1.0), None | Some(20.0)]
                    ));
                    // PyTorch writes some names in one word.
                    let name =
                        entry["name"].as_str().unwrap().replace("hard", "hard_").replace("logsigmoid", "log_sigmoid");
                    layers.last_mut().unwrap().1 = name.parse().unwrap();
                }
                other => panic!("a layer of {other}"),
            }
        }
        (inputs, layers)
    }

    /// What PyTorch's last layer makes of a row of logits, where its loss of that is one of logits here: the loss is the same, and so are its
    /// gradients.
    fn folded(&self) -> Option<fn(&mut [f64])> {
        match self.config["loss"]["name"].as_str().unwrap() {
            "bce" => Some(|row| row.iter_mut().for_each(|z| *z = 1.0 / (1.0 + (-*z).exp()))),
            "nll" => Some(reference::log_softmax),
            _ => None,
        }
    }

    /// The outputs of PyTorch's network.
    fn outputs(&self, network: &Network<f64>, x: MatrixRef<'_, f64>) -> Vec<f64> {
        let mut outputs = network.predict(&cpu(), x).unwrap();
        if let Some(fold) = self.folded() {
            outputs.chunks_mut(network.outputs()).for_each(fold);
        }
        outputs
    }

    fn loss(&self) -> Loss {
        assert!(self.config["loss"]["reduction"].is_null());
        let numbers = |name: &str| -> Vec<f64> {
            let numbers = self.config["loss"][name].as_array();
            numbers.into_iter().flatten().map(|w| w.as_f64().unwrap()).collect()
        };
        match self.config["loss"]["name"].as_str().unwrap() {
            "mse" => Loss::MeanSquaredError,
            "bce" => Loss::BINARY_CROSS_ENTROPY,
            "nll" => Loss::CROSS_ENTROPY,
            "bce_with_logits" => Loss::BinaryCrossEntropy { positive_weights: numbers("pos_weight") },
            "cross_entropy" => Loss::CrossEntropy {
                label_smoothing: self.number("loss", "label_smoothing").unwrap_or(0.0),
                class_weights: numbers("weight"),
            },
            "l1" => Loss::L1,
            "smooth_l1" => Loss::SmoothL1 { beta: self.number("loss", "beta").unwrap_or(1.0) },
            "huber" => Loss::Huber { delta: self.number("loss", "delta").unwrap_or(1.0) },
            "poisson_nll" => Loss::PoissonNll { log_input: self.config["loss"]["log_input"].as_bool().unwrap_or(true) },
            "soft_margin" => Loss::SoftMargin,
            other => panic!("a loss of {other}"),
        }
    }

    fn optimizer(&self) -> Optimizer {
        let option = |name| self.number("optimizer", name);
        let learning_rate = option("lr").unwrap();
        let betas = self.config["optimizer"]["betas"].as_array();
        let [beta1, beta2] = [0, 1].map(|i| betas.map_or([0.9, 0.999][i], |betas| betas[i].as_f64().unwrap()));
        let epsilon = option("eps").unwrap_or(1e-8);
        match self.config["optimizer"]["name"].as_str().unwrap() {
            "sgd" => Sgd::new(learning_rate)
                .with_momentum(option("momentum").unwrap_or(0.0))
                .with_dampening(option("dampening").unwrap_or(0.0))
                .with_nesterov(self.config["optimizer"]["nesterov"].as_bool().unwrap_or(false))
                .with_weight_decay(option("weight_decay").unwrap_or(0.0))
                .into(),
            "adam" => Adam::new(learning_rate)
                .with_betas(beta1, beta2)
                .with_epsilon(epsilon)
                .with_weight_decay(option("weight_decay").unwrap_or(0.0))
                .into(),
            "adamw" => AdamW::new(learning_rate)
                .with_betas(beta1, beta2)
                .with_epsilon(epsilon)
                .with_weight_decay(option("weight_decay").unwrap_or(0.01))
                .into(),
            other => panic!("an optimizer of {other}"),
        }
    }

    fn schedule(&self) -> LearningRateSchedule {
        let option = |name| self.number("schedule", name).unwrap();
        let whole = |name| self.config["schedule"][name].as_u64().unwrap();
        match self.config["schedule"]["name"].as_str() {
            None => LearningRateSchedule::Constant,
            Some("step") => LearningRateSchedule::Step { every: whole("step_size"), factor: option("gamma") },
            Some("multistep") => {
                let at = self.config["schedule"]["milestones"].as_array().unwrap();
                let at = at.iter().map(|milestone| milestone.as_u64().unwrap()).collect();
                LearningRateSchedule::Milestones { at, factor: option("gamma") }
            }
            Some("linear") => LearningRateSchedule::Linear {
                start: option("start_factor"),
                end: option("end_factor"),
                steps: whole("total_iters"),
            },
            Some("cosine_restarts") => {
                LearningRateSchedule::CosineRestarts { steps: whole("T_0"), longer: whole("T_mult"), minimum: 0.0 }
            }
            Some(other) => panic!("a schedule of {other}"),
        }
    }

    /// A tensor's numbers in f64.
    fn numbers(&self, name: &str) -> Vec<f64> {
        let file = SafeTensors::deserialize(&self.file).unwrap();
        let tensor = file.tensor(name).unwrap();
        match tensor.dtype() {
            safetensors::Dtype::F32 => {
                let numbers = tensor.data().as_chunks().0.iter();
                numbers.map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
            }
            safetensors::Dtype::F64 => {
                tensor.data().as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
            }
            safetensors::Dtype::I32 => {
                tensor.data().as_chunks().0.iter().map(|bytes| f64::from(i32::from_le_bytes(*bytes))).collect()
            }
            other => panic!("{name} is {other:?}"),
        }
    }

    /// The network whose parameters the file has under `prefix`.
    fn network<T: Element>(&self, prefix: &str) -> Network<T> {
        let (inputs, layers) = self.layers();
        let builder = layers
            .iter()
            .fold(Network::builder(inputs), |builder, (units, activation, _)| builder.dense(*units, *activation));
        let mut network = builder.build().unwrap();
        for (l, (_, _, place)) in layers.into_iter().enumerate() {
            let mut layer = network.layer_mut(l);
            let [weights, bias] = ["weight", "bias"].map(|part| self.numbers(&format!("{prefix}.{place}.{part}")));
            let (n, m) = (layer.as_ref().fan_in(), layer.as_ref().fan_out());
            for i in 0..n {
                for j in 0..m {
                    *layer.weights_mut().at(i, j) = T::from_f64(weights[j * n + i]);
                }
            }
            layer.bias_mut().iter_mut().zip(bias).for_each(|(to, from)| *to = T::from_f64(from));
        }
        network
    }

    /// Trains 50 steps; the losses, the norms of gradients and the network. `before` sees each step's plan and network before its
    /// update.
    fn train<T: Element>(
        &self,
        mut before: impl FnMut(usize, &mut Step<T>, &Network<T>, MatrixRef<'_, T>, Targets<'_, T>),
    ) -> (Vec<f64>, Vec<f64>, Network<T>) {
        let mut network = self.network::<T>("init");
        let (batch, loss, schedule, optimizer) = (self.batch(), self.loss(), self.schedule(), self.optimizer());
        let narrow = |numbers: Vec<f64>| numbers.into_iter().map(T::from_f64).collect::<Vec<T>>();
        let (x, y) = (narrow(self.numbers("x")), self.numbers("y"));
        let (labels, y): (Vec<u32>, Vec<T>) = (y.iter().map(|y| *y as u32).collect(), narrow(y));
        let mut step = Step::new(&network, &loss, batch).unwrap();
        if !self.config["clip"].is_null() {
            assert_eq!(self.config["clip"]["by"], "norm");
            step = step.clip_norm(self.number("clip", "max").unwrap()).unwrap();
        }
        let mut state = OptimizerState::new(optimizer, &network).unwrap();
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let (mut losses, mut norms) = (Vec::new(), Vec::new());
        for s in 0..50 {
            let part = s % CYCLE * batch;
            let x = MatrixRef::new(&x[part * inputs..], batch, inputs).unwrap();
            let targets = match loss.takes_labels() {
                true => Targets::Classes(&labels[part..part + batch]),
                false => Targets::Values(MatrixRef::new(&y[part * outputs..], batch, outputs).unwrap()),
            };
            before(s, &mut step, &network, x, targets);
            state.set_learning_rate(schedule.learning_rate(optimizer.learning_rate(), s as u64)).unwrap();
            if !self.config["schedule"].is_null() {
                close(self, "learning rate", &[state.learning_rate()], &self.numbers("lr")[s..=s]);
            }
            losses.push(step.train(&mut network, &cpu(), x, targets, &mut state).unwrap().to_f64());
            norms.extend(step.gradient_norm().map(T::to_f64));
        }
        (losses, norms, network)
    }

    fn follow_f64(&self) {
        let (losses, norms, network) = self.train::<f64>(|s, step, network, x, targets| {
            if s == 0 {
                close(self, "out0", &self.outputs(network, x), &self.numbers("out0"));
                step.gradients(network, &cpu(), x, targets).unwrap();
                for (l, expected) in self.network::<f64>("grad0").layers().enumerate() {
                    close(
                        self,
                        "first weight gradient",
                        &step.weight_gradient(l).to_vec(),
                        &expected.weights().to_vec(),
                    );
                    close(self, "first bias gradient", step.bias_gradient(l).row(0), expected.bias());
                }
            }
        });
        close(self, "losses", &losses, &self.numbers("loss64"));
        if !norms.is_empty() {
            close(self, "norms of gradients", &norms, &self.numbers("grad_norm"));
        }
        let expected = self.network::<f64>("final64");
        for (layer, expected) in network.layers().zip(expected.layers()) {
            close(self, "final weights", &layer.weights().to_vec(), &expected.weights().to_vec());
            close(self, "final biases", layer.bias(), expected.bias());
        }
        let x = self.numbers("x");
        let x = MatrixRef::new(&x, self.batch(), network.inputs()).unwrap();
        close(self, "eval_out", &self.outputs(&network, x), &self.numbers("eval_out"));
    }

    fn follow_f32(&self) {
        let (losses, _, network) = self.train::<f32>(|_, _, _, _, _| {});
        let (relative, absolute) = (self.deviations.0 * F32_DEVIATIONS, self.deviations.1 * F32_DEVIATIONS);
        for (s, (given, expected)) in losses.iter().zip(self.numbers("loss64")).enumerate() {
            let off = (given - expected).abs() / expected.abs();
            assert!(off <= relative, "{:?}, loss of step {s}: {given} for {expected}: off by {off}", self.name);
        }
        let expected = self.network::<f64>("final64");
        for (l, (layer, expected)) in network.layers().zip(expected.layers()).enumerate() {
            let given = [layer.weights().to_vec(), layer.bias().to_vec()].concat();
            let expected = [expected.weights().to_vec(), expected.bias().to_vec()].concat();
            for (given, expected) in given.into_iter().zip(expected) {
                let off = (f64::from(given) - expected).abs();
                assert!(off <= absolute, "{:?}, layer {l}: {given} for {expected}: off by {off}", self.name);
            }
        }
    }
}

/// Each number within the tolerance of the expected one, relative to it or to the largest if it is small beside that.
fn close(case: &Case, what: &str, given: &[f64], expected: &[f64]) {
    assert_eq!(given.len(), expected.len(), "{:?}, {what}", case.name);
    let largest = expected.iter().fold(0f64, |largest, x| largest.max(x.abs()));
    for (i, (given, expected)) in given.iter().zip(expected).enumerate() {
        let scale = expected.abs().max(1e-3 * largest);
        let off = (given - expected).abs();
        assert!(off <= TOLERANCE * scale, "{:?}, {what}, element {i}: {given} for {expected}", case.name);
    }
}
