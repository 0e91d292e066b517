//! Trajectories that PyTorch computed: 50 steps of small networks, one file each in `golden/`, for every optimizer, activation, loss,
//! schedule and way of clipping that there is here.
//!
//! In the files, step s trains on `x[s mod 8]` and `y[s mod 8]`; parameters are called by the layer's place among layers
//! and activations; weights are [out, in], the transpose of ours; `loss64` and `final64` come from a run in f64 that starts from f32
//! parameters, and `loss32` and `final32` from the same run in f32.
//!
//! PyTorch's losses of a sigmoid and NLL of a log-softmax are losses of logits here. A label that PyTorch ignores is an example of weight 0. Where a sum
//! of cross-entropies has weights of classes, label smoothing or ignored labels, labels are rows of a single 1 or of zeros.
//!
//! `NXM_GOLDEN=FOLDER cargo test -p nxm-net golden` runs all cases in another folder of this format. Each case is reported by its name, and
//! a case that asks for what this crate does not have fails by its name, too.
//!
//! Of the cases that these were taken from, only dropout in training is not here, whose random numbers are PyTorch's own.
//! Of PyTorch's optimizers, SparseAdam, Adafactor and ASGD are missing, and of its schedules those that cycle a momentum.
//!
//! `golden/make.py` computed the cases of the families `more_optimizers`, `more_schedules`, `groups`,
//! `ema`, `lbfgs` and `muon`. PyTorch's own Muon computes its iterations in bfloat16, so the script has the same formulas in the parameters' type.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use nxm_kernels::{Element, MatrixRef, reference};
use nxm_net::{LearningRateSchedule, Loss, Network, Optimizer, OptimizerState, Step, Targets, WeightAverage};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::cpu;
use config::{Config, PlacedLayer};

#[path = "golden/config.rs"]
mod config;

/// f64: 50 steps of sums of up to 30 terms in another order; PyTorch's own files ask for 1e-9 relative.
const TOLERANCE: f64 = 1e-9;
/// f64, where a layer is a hard sigmoid or CELU: PyTorch's derivatives of these take 1/6 and α in f32, which is 3e-8 off, in f64 too.
const SINGLE_TOLERANCE: f64 = 1e-6;
/// f32: so many times as far from the f64 run as PyTorch's own f32 run may be ours. Both stray by chance, and the largest of some hundred
/// numbers varies by a factor of two or so from one order of summation to the next.
const F32_DEVIATIONS: f64 = 4.0;
/// The same of L-BFGS: each line search divides by differences of losses, so that a rounding grows ten thousandfold within 20 iterations, and so
/// does how far it varies.
const L_BFGS_DEVIATIONS: f64 = 64.0;
/// Matrices of inputs and of targets in a file.
const CYCLE: usize = 8;

#[test]
fn pytorch_s_trajectories_in_f64() {
    each_case("f64", Case::follow_f64);
}

#[test]
fn pytorch_s_trajectories_in_f32() {
    each_case("f32", Case::follow_f32);
}

/// The cases that are run: those here, or those of another folder.
fn folder() -> PathBuf {
    match std::env::var_os("NXM_GOLDEN") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/net/golden"),
    }
}

/// Files of cases, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let of = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => Vec::from_iter(Some(path).filter(|path| path.extension().is_some_and(|end| end == "safetensors"))),
    };
    paths.into_iter().flat_map(of).collect()
}

/// Follows each case, says of each how that went, and fails if one failed.
fn each_case(element: &str, follow: fn(&Case) -> Result<(), String>) {
    let folder = folder();
    let files = files(&folder);
    let mut failed = Vec::new();
    for path in &files {
        let name = path.strip_prefix(&folder).unwrap_or(path).display().to_string();
        // A case that fails stops no other one.
        let followed = catch_unwind(AssertUnwindSafe(|| follow(&Case::open(path, name.clone()))));
        match followed {
            Ok(Ok(())) => println!("{element} {name}: ok"),
            Ok(Err(lacks)) => failed.push(format!("{element} {name}: can't run {lacks}")),
            Err(_) => failed.push(format!("{element} {name}: strays; see its panic")),
        }
    }
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    assert!(failed.is_empty(), "{} of {} cases failed:\n{}", failed.len(), files.len(), failed.join("\n"));
}

/// Each line of the index here is a file, and each file a line.
#[test]
fn the_index_names_all_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/net/golden");
    let index = std::fs::read_to_string(folder.join("index.tsv")).unwrap();
    let mut named: Vec<PathBuf> =
        index.lines().skip(1).map(|line| folder.join(line.split('\t').next().unwrap())).collect();
    named.sort();
    assert_eq!(named, files(&folder));
}

struct Case {
    name: String,
    file: Vec<u8>,
    config: Value,
}

/// What a case asks for.
struct Job {
    batch: usize,
    parts: usize,
    loss: Loss,
    optimizer: Optimizer,
    schedule: LearningRateSchedule,
    clip: [Option<f64>; 2],
    /// The decay of an average of weights.
    ema: Option<f64>,
}

/// Targets of all examples: labels or values; and what examples weigh, if labels may be ignored.
struct Answers<T> {
    labels: Vec<u32>,
    values: Vec<T>,
    weights: Option<Vec<T>>,
}

/// What a step trains on.
#[derive(Clone, Copy)]
struct Batch<'a, T> {
    x: MatrixRef<'a, T>,
    targets: Targets<'a, T>,
    weights: Option<&'a [T]>,
}

/// What a training came to.
struct Trained<T: Element> {
    losses: Vec<f64>,
    /// Norms of gradients.
    norms: Vec<f64>,
    network: Network<T>,
    /// The network of averaged weights, if the case asks for one.
    averaged: Option<Network<T>>,
}

impl Case {
    fn open(path: &Path, name: String) -> Case {
        let file = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&file).unwrap();
        let config = serde_json::from_str(&header.metadata().as_ref().unwrap()["config"]).unwrap();
        Case { name, file, config }
    }

    /// How far apart numbers in f64 may be.
    fn tolerance(&self) -> f64 {
        let layers = self.config["layers"].to_string();
        match ["hardsigmoid", "celu"].iter().any(|name| layers.contains(name)) {
            true => SINGLE_TOLERANCE,
            false => TOLERANCE,
        }
    }

    /// How many times as far from the f64 run as PyTorch's f32 run one in f32 may be.
    fn deviations(&self) -> f64 {
        if self.config["optimizer"]["name"] == "lbfgs" { L_BFGS_DEVIATIONS } else { F32_DEVIATIONS }
    }

    fn config(&self) -> Config<'_> {
        Config(&self.config)
    }

    fn job(&self) -> Result<Job, String> {
        let config = self.config();
        let optimizer = config.optimizer()?;
        if config.ignored().is_some() && (config.accumulate() > 1 || matches!(optimizer, Optimizer::Lbfgs(_))) {
            return Err("ignore_index in micro-batches or by L-BFGS".to_owned());
        }
        Ok(Job {
            batch: config.batch(),
            parts: config.accumulate(),
            loss: config.loss(self.has_labels())?,
            optimizer,
            schedule: config.schedule()?,
            clip: config.clip()?,
            ema: self.config["ema"].as_f64(),
        })
    }

    /// The outputs of PyTorch's network.
    fn outputs(&self, network: &Network<f64>, x: MatrixRef<'_, f64>) -> Vec<f64> {
        let mut outputs = network.predict(&cpu(), x).unwrap();
        if let Some(fold) = self.folded() {
            outputs.chunks_mut(network.outputs()).for_each(fold);
        }
        outputs
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

    /// Whether targets are labels.
    fn has_labels(&self) -> bool {
        let file = SafeTensors::deserialize(&self.file).unwrap();
        file.tensor("y").unwrap().dtype() == safetensors::Dtype::I32
    }

    /// All targets as a loss takes them.
    fn answers<T: Element>(&self, loss: &Loss, outputs: usize) -> Answers<T> {
        let (y, ignored) = (self.numbers("y"), self.config().ignored());
        let is_ignored = |y: &f64| ignored == Some(*y as i64);
        if !self.has_labels() {
            let values = y.into_iter().map(T::from_f64).collect();
            return Answers { labels: Vec::new(), values, weights: None };
        }
        if !loss.takes_labels() {
            let one = |label: &f64, class: usize| !is_ignored(label) && *label as usize == class;
            let values =
                y.iter().flat_map(|y| (0..outputs).map(move |class| if one(y, class) { T::ONE } else { T::ZERO }));
            return Answers { labels: Vec::new(), values: values.collect(), weights: None };
        }
        let weight = |y: &f64| if is_ignored(y) { T::ZERO } else { T::ONE };
        let weights = ignored.map(|_| y.iter().map(weight).collect());
        Answers {
            labels: y.iter().map(|y| if is_ignored(y) { 0 } else { *y as u32 }).collect(),
            values: Vec::new(),
            weights,
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
    fn network<T: Element>(&self, prefix: &str) -> Result<Network<T>, String> {
        let (inputs, layers): (usize, Vec<PlacedLayer>) = self.config().layers()?;
        let builder = layers.iter().fold(Network::builder(inputs), |builder, (layer, _)| builder.layer(*layer));
        let mut network = builder.build().unwrap();
        for (l, (_, place)) in layers.into_iter().enumerate() {
            let mut layer = network.layer_mut(l);
            // A norm has one row, a dropout none.
            let (n, m) = (layer.as_ref().weights().rows(), layer.as_ref().fan_out());
            let weights = if n > 0 { self.numbers(&format!("{prefix}.{place}.weight")) } else { Vec::new() };
            for i in 0..n {
                for j in 0..m {
                    *layer.weights_mut().at(i, j) = T::from_f64(weights[j * n + i]);
                }
            }
            if !layer.as_ref().bias().is_empty() {
                let bias = self.numbers(&format!("{prefix}.{place}.bias"));
                layer.bias_mut().iter_mut().zip(bias).for_each(|(to, from)| *to = T::from_f64(from));
            }
            // Gradients have none.
            if !layer.as_ref().running_mean().is_empty() && prefix != "grad0" {
                let [mean, variance] =
                    ["mean", "var"].map(|part| self.numbers(&format!("{prefix}.{place}.running_{part}")));
                layer.running_mean_mut().iter_mut().zip(mean).for_each(|(to, from)| *to = T::from_f64(from));
                layer.running_variance_mut().iter_mut().zip(variance).for_each(|(to, from)| *to = T::from_f64(from));
            }
        }
        Ok(network)
    }

    /// Trains 50 steps. `before` sees each step's plan and network before its update.
    fn train<T: Element>(
        &self,
        mut before: impl FnMut(usize, &mut Step<T>, &Network<T>, Batch<'_, T>),
    ) -> Result<Trained<T>, String> {
        let Job { batch, parts, loss, optimizer, schedule, clip: [max_norm, max_value], ema } = self.job()?;
        let mut network = self.network::<T>("init")?;
        let narrow = |numbers: Vec<f64>| numbers.into_iter().map(T::from_f64).collect::<Vec<T>>();
        let x = narrow(self.numbers("x"));
        let Answers { labels, values, weights } = self.answers::<T>(&loss, network.outputs());
        let mut step = Step::new(&network, &loss, batch).unwrap();
        if let Some(max_norm) = max_norm {
            step = step.clip_norm(max_norm).unwrap();
        }
        if let Some(max_value) = max_value {
            step = step.clip_value(max_value).unwrap();
        }
        let mut state = OptimizerState::new(optimizer, &network).unwrap();
        let mut average = ema.map(|decay| WeightAverage::new(&network, decay).unwrap());
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let (mut losses, mut norms) = (Vec::new(), Vec::new());
        for s in 0..self.numbers("loss64").len() {
            let example = |part: usize| {
                let part = (s * parts + part) % CYCLE * batch;
                let targets = match loss.takes_labels() {
                    true => Targets::Classes(&labels[part..part + batch]),
                    false => Targets::Values(MatrixRef::new(&values[part * outputs..], batch, outputs).unwrap()),
                };
                let x = MatrixRef::new(&x[part * inputs..], batch, inputs).unwrap();
                Batch { x, targets, weights: weights.as_ref().map(|weights| &weights[part..part + batch]) }
            };
            let first = example(0);
            let Batch { x: rows, targets, weights: of_rows } = first;
            before(s, &mut step, &network, first);
            state.set_learning_rate(schedule.learning_rate(optimizer.learning_rate(), s as u64)).unwrap();
            if !self.config["schedule"].is_null() {
                close(self, "learning rate", &[state.learning_rate()], &self.numbers("lr")[s..=s]);
            }
            if parts == 1 {
                let loss = match of_rows {
                    None => step.train(&mut network, &cpu(), rows, targets, &mut state),
                    Some(of_rows) => step.train_weighted(&mut network, &cpu(), rows, targets, of_rows, &mut state),
                };
                losses.push(loss.unwrap().to_f64());
            } else {
                let mut part = |part| {
                    let Batch { x, targets, .. } = example(part);
                    step.accumulate(&mut network, &cpu(), x, targets, parts).unwrap().to_f64()
                };
                losses.push((0..parts).map(&mut part).sum::<f64>() / parts as f64);
                step.update(&mut network, &cpu(), &mut state).unwrap();
            }
            if let Some(average) = &mut average {
                average.update(&network, &cpu()).unwrap();
            }
            norms.extend(step.gradient_norm().map(T::to_f64));
        }
        let averaged = average.map(|average| average.network().clone());
        Ok(Trained { losses, norms, network, averaged })
    }

    fn follow_f64(&self) -> Result<(), String> {
        let parts = self.job()?.parts;
        let gradients = self.network::<f64>("grad0")?;
        let Trained { losses, norms, network, averaged } =
            self.train::<f64>(|s, step, network, Batch { x, targets, weights }| {
                if s == 0 && parts == 1 {
                    // PyTorch's outputs of a batch norm are those of training, and a prediction is one of evaluation.
                    if network.layers().all(|layer| layer.running_mean().is_empty()) {
                        close(self, "out0", &self.outputs(network, x), &self.numbers("out0"));
                    }
                    match weights {
                        None => step.gradients(network, &cpu(), x, targets).unwrap(),
                        Some(weights) => step.gradients_weighted(network, &cpu(), x, targets, weights).unwrap(),
                    };
                    for (l, expected) in gradients.layers().enumerate() {
                        let given = [step.weight_gradient(l), step.bias_gradient(l)].map(|gradient| gradient.to_vec());
                        close(self, "first weight gradient", &given[0], &expected.weights().to_vec());
                        close(self, "first bias gradient", &given[1], expected.bias());
                    }
                }
            })?;
        close(self, "losses", &losses, &self.numbers("loss64"));
        if !norms.is_empty() {
            close(self, "norms of gradients", &norms, &self.numbers("grad_norm"));
        }
        for (prefix, network) in [("final64", Some(&network)), ("ema64", averaged.as_ref())] {
            let Some(network) = network else { continue };
            for (layer, expected) in network.layers().zip(self.network::<f64>(prefix)?.layers()) {
                close(self, &format!("{prefix}, weights"), &layer.weights().to_vec(), &expected.weights().to_vec());
                close(self, &format!("{prefix}, biases"), layer.bias(), expected.bias());
                close(self, &format!("{prefix}, running means"), layer.running_mean(), expected.running_mean());
                let variances = [layer.running_variance(), expected.running_variance()];
                close(self, &format!("{prefix}, running variances"), variances[0], variances[1]);
            }
        }
        let x = self.numbers("x");
        let x = MatrixRef::new(&x, self.config().batch(), network.inputs()).unwrap();
        close(self, "eval_out", &self.outputs(&network, x), &self.numbers("eval_out"));
        Ok(())
    }

    fn follow_f32(&self) -> Result<(), String> {
        let Trained { losses, network, averaged, .. } = self.train::<f32>(|_, _, _, _| {})?;
        let expected = self.numbers("loss64");
        let relative = |losses: &[f64]| {
            let off = losses.iter().zip(&expected).map(|(given, expected)| (given - expected).abs() / expected.abs());
            largest(off)
        };
        let (off, theirs) = (relative(&losses), relative(&self.numbers("loss32")));
        assert!(off <= self.deviations() * theirs, "{}: losses stray by {off}, PyTorch's by {theirs}", self.name);
        for (name, network) in [("final", Some(&network)), ("ema", averaged.as_ref())] {
            let Some(network) = network else { continue };
            let of = |bits| self.network(&format!("{name}{bits}")).map(|network: Network<f64>| parameters(&network));
            let (expected, theirs) = (of(64)?, of(32)?);
            let absolute = |given: &[f64]| largest(given.iter().zip(&expected).map(|(g, e)| (g - e).abs()));
            let (off, theirs) = (absolute(&parameters(network)), absolute(&theirs));
            assert!(
                off <= self.deviations() * theirs,
                "{}, {name}: parameters stray by {off}, PyTorch's by {theirs}",
                self.name
            );
        }
        Ok(())
    }
}

/// All parameters of a network.
fn parameters<T: Element>(network: &Network<T>) -> Vec<f64> {
    let layers = network.layers().flat_map(|layer| [layer.weights().to_vec(), layer.bias().to_vec()].concat());
    layers.map(T::to_f64).collect()
}

/// The largest of some numbers, which are at least 0; NaN if one is.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |largest, x| if x <= largest { largest } else { x })
}

/// Each number within the tolerance of the expected one, relative to it or to the largest if it is small beside that.
fn close(case: &Case, what: &str, given: &[f64], expected: &[f64]) {
    assert_eq!(given.len(), expected.len(), "{}, {what}", case.name);
    let largest = largest(expected.iter().map(|x| x.abs()));
    for (i, (given, expected)) in given.iter().zip(expected).enumerate() {
        let scale = expected.abs().max(1e-3 * largest);
        let off = (given - expected).abs();
        assert!(off <= case.tolerance() * scale, "{}, {what}, element {i}: {given} for {expected}", case.name);
    }
}
