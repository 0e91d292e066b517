//! Checkpoints hold all that a training is, in bytes that depend on nothing else.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use nxm_kernels::{Activation, Element};
use nxm_net::{
    Aim, Checkpoint, CheckpointError, Checkpoints, ContentError, LayerState, LearningRateSchedule, Loss, NetError,
    Network, Optimizer, OptimizerState, PhaseShape, Plateau, Progress, Sgd, ThresholdKind, Training, TrainingOptions,
    TrainingState,
};

use crate::resume::{job, steps};
use crate::support::{cpu, fill, losses, network, numbers, optimizers};

/// A folder that goes when the test ends.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Named after its test, which has only one.
    pub fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("nxm-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// The names in it, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A small checkpoint that no training made, so that its bytes do not depend on any: exact numbers, and numbers that test how
/// they are written.
pub fn small<T: Element>() -> Checkpoint<T> {
    let mut network: Network<T> = network(&[2, 3, 1], Activation::Tanh, Activation::Identity, 0);
    let momentum = |len, seed| [numbers(len, seed), Vec::new(), Vec::new()];
    for l in 0..2 {
        let (mut layer, seed) = (network.layer_mut(l), l as u64 + 1);
        let (fan_in, fan_out) = (layer.as_ref().fan_in(), layer.as_ref().fan_out());
        fill(layer.weights_mut(), &numbers(fan_in * fan_out, seed));
        layer.bias_mut().copy_from_slice(&numbers(fan_out, seed + 10));
    }
    let optimizer = Sgd::new(0.1).with_momentum(0.9).with_dampening(-0.0).with_weight_decay(1e-30).into();
    let schedule = LearningRateSchedule::Milestones { at: vec![3, u64::MAX], factor: 1.0 / 3.0 };
    let layers = vec![
        LayerState { weights: momentum(6, 21), bias: momentum(3, 22) },
        LayerState { weights: momentum(3, 23), bias: momentum(1, 24) },
    ];
    let mut state = OptimizerState::restore(optimizer, &network, 7, &layers).unwrap();
    state.set_learning_rate(schedule.learning_rate(0.1, 6)).unwrap();
    Checkpoint::new(
        network,
        TrainingOptions::new(Loss::MeanSquaredError, optimizer)
            .with_schedule(schedule)
            .with_clip_norm(0.3)
            .with_batch(4)
            .with_epochs(10)
            .with_seed(u64::MAX),
        TrainingState::new(state).with_progress(Progress::default().with_epochs(3).with_steps(1, 0.1 + 0.2)),
        8,
    )
    .with_notes([("columns", "[\"a\", \"ß\"]"), ("", "no name")].map(|(name, note)| (name.into(), note.into())).into())
}

fn there_and_back<T: Element>(checkpoint: &Checkpoint<T>) {
    let bytes = checkpoint.to_bytes().unwrap();
    let read = Checkpoint::<T>::from_bytes(&bytes).unwrap();
    assert_eq!(&read, checkpoint);
    assert_eq!(read.to_bytes().unwrap(), bytes);
}

#[test]
fn everything_comes_back() {
    there_and_back(&small::<f32>());
    there_and_back(&small::<f64>());
    let schedules = [
        LearningRateSchedule::Constant,
        LearningRateSchedule::Step { every: 2, factor: 0.7 },
        LearningRateSchedule::Milestones { at: Vec::new(), factor: 0.5 },
        LearningRateSchedule::Linear { start: 0.1, end: 1.0 / 3.0, steps: 5 },
        LearningRateSchedule::Cosine { steps: 9, minimum: 1e-300 },
        LearningRateSchedule::CosineRestarts { steps: 3, longer: 2, minimum: 1e-9 },
        LearningRateSchedule::Exponential { factor: 0.1 + 0.2 },
        LearningRateSchedule::Polynomial { steps: 3, power: 0.5 },
        LearningRateSchedule::OneCycle {
            steps: 7,
            rise: 1.0 / 3.0,
            start_divisor: 25.0,
            end_divisor: 1e4,
            shape: PhaseShape::Linear,
        },
        LearningRateSchedule::Cosine { steps: 9, minimum: 0.0 }.after_warm_up(1, 0.1),
        Plateau::new().with_aim(Aim::Highest).with_threshold(0.1, ThresholdKind::Absolute).with_cooldown(3).into(),
    ];
    let folder = Folder::new("everything");
    for loss in losses(3) {
        let data = crate::support::examples(&loss, 5, 4, 3, 1);
        for optimizer in optimizers() {
            for schedule in &schedules {
                let mut network = network::<f64>(&[4, 5, 3], Activation::Silu, Activation::Identity, 1);
                let options =
                    TrainingOptions::new(loss.clone(), optimizer).with_schedule(schedule.clone()).with_batch(2);
                let executor = cpu();
                let mut training = Training::new(&mut network, &executor, &data, options.clone()).unwrap();
                steps(&mut training, 2);
                let notes = [("a".to_owned(), "note".to_owned())].into();
                training.notes_mut().clone_from(&notes);
                let written = folder.path().join("run");
                training.save(&written).unwrap();
                let state = training.into_state();
                let checkpoint = Checkpoint::new(network, options, state, 5).with_notes(notes);
                there_and_back(&checkpoint);
                assert_eq!(Checkpoint::load(&written).unwrap(), checkpoint);
            }
        }
    }
}

#[test]
fn every_activation_comes_back() {
    for activation in Activation::samples() {
        let mut checkpoint = small::<f32>();
        let sizes = checkpoint.network.sizes();
        checkpoint.network = network(&sizes, activation, activation, 1);
        let state = &mut checkpoint.state.optimizer;
        *state =
            OptimizerState::restore(*state.optimizer(), &checkpoint.network, state.steps(), &state.layers()).unwrap();
        state.set_learning_rate(checkpoint.options.schedule.learning_rate(0.1, 6)).unwrap();
        there_and_back(&checkpoint);
    }
}

/// Parameters stand in the file; a name without them, as older programs write it, has the defaults.
#[test]
fn activations_keep_their_parameters() {
    let with = |activation| {
        let mut checkpoint = small::<f64>();
        let sizes = checkpoint.network.sizes();
        checkpoint.network = network(&sizes, activation, Activation::Identity, 1);
        let state = &mut checkpoint.state.optimizer;
        *state =
            OptimizerState::restore(*state.optimizer(), &checkpoint.network, state.steps(), &state.layers()).unwrap();
        state.set_learning_rate(checkpoint.options.schedule.learning_rate(0.1, 6)).unwrap();
        checkpoint.to_bytes().unwrap()
    };
    let holds = |bytes: &[u8], text: &str| String::from_utf8_lossy(bytes).contains(text);
    let bytes = with(Activation::softplus(2.0, 3.0));
    assert!(holds(&bytes, "softplus(2,3) identity"));
    let read = Checkpoint::<f64>::from_bytes(&bytes).unwrap();
    assert_eq!(read.network.layer(0).activation(), Activation::softplus(2.0, 3.0));
    for activation in [Activation::LEAKY_RELU, Activation::ELU, Activation::CELU, Activation::SOFTPLUS] {
        let bytes = with(activation);
        assert!(holds(&bytes, &format!("\"{} identity\"", activation.name())), "{activation}");
        assert_eq!(Checkpoint::<f64>::from_bytes(&bytes).unwrap().network.layer(0).activation(), activation);
    }
}

/// Files of each version, in f32 and f64. Each was written once, when its version was new, and is never written again.
pub const VERSIONS: [(&[u8], &[u8]); 2] = [
    (include_bytes!("checkpoints/1-f32.safetensors"), include_bytes!("checkpoints/1-f64.safetensors")),
    (include_bytes!("checkpoints/2-f32.safetensors"), include_bytes!("checkpoints/2-f64.safetensors")),
];

/// A program that can't read an old file has broken its promise.
#[test]
fn every_format_is_read() {
    for (single, double) in VERSIONS {
        assert_eq!(Checkpoint::from_bytes(single).unwrap(), small::<f32>());
        assert_eq!(Checkpoint::from_bytes(double).unwrap(), small::<f64>());
    }
}

/// A program that writes other bytes has made a new format without saying so. An old file is saved as the newest format.
#[test]
fn the_newest_format_is_written() {
    let [(old_single, old_double), (single, double)] = VERSIONS;
    assert_eq!(small::<f32>().to_bytes().unwrap(), single);
    assert_eq!(small::<f64>().to_bytes().unwrap(), double);
    assert_eq!(Checkpoint::<f32>::from_bytes(old_single).unwrap().to_bytes().unwrap(), single);
    assert_eq!(Checkpoint::<f64>::from_bytes(old_double).unwrap().to_bytes().unwrap(), double);
}

/// A file stores no order of sums. So an old training goes on as this version goes on, whether it is interrupted or not.
#[test]
fn the_oldest_format_goes_on_to_the_bit() {
    fn goes_on<T: Element>(file: &[u8]) {
        let data = crate::support::examples::<T>(&Loss::MeanSquaredError, 8, 2, 1, 1);
        let executor = cpu();
        let bytes = |training: &Training<'_, T>| {
            let (network, options) = (training.network().clone(), training.options().clone());
            let (state, notes) = (training.state().clone(), training.notes().clone());
            Checkpoint::new(network, options, state, training.examples()).with_notes(notes).to_bytes().unwrap()
        };
        let finish = |checkpoint: &mut Checkpoint<T>| {
            let mut training = checkpoint.resume(&executor, &data).unwrap();
            assert!(training.by_ref().all(|report| report.is_ok()));
            assert_eq!(training.steps(), 20);
            bytes(&training)
        };
        let whole = finish(&mut Checkpoint::from_bytes(file).unwrap());
        assert_eq!(whole, finish(&mut small::<T>()));
        for cut in 0..13 {
            let mut begun = Checkpoint::<T>::from_bytes(file).unwrap();
            let mut training = begun.resume(&executor, &data).unwrap();
            steps(&mut training, cut);
            let saved = bytes(&training);
            assert_eq!(finish(&mut Checkpoint::from_bytes(&saved).unwrap()), whole, "{cut} steps after the file");
        }
    }
    let [(single, double), _] = VERSIONS;
    goes_on::<f32>(single);
    goes_on::<f64>(double);
}

#[test]
fn others_can_read_it() {
    let checkpoint = small::<f64>();
    let bytes = checkpoint.to_bytes().unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let numbers = |name: &str, shape: &[usize]| -> Vec<f64> {
        let tensor = tensors.tensor(name).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (safetensors::Dtype::F64, shape), "{name}");
        tensor.data().chunks(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    let (first, second) = (checkpoint.network.layer(0), checkpoint.network.layer(1));
    assert_eq!(numbers("layers.0.weights", &[2, 3]), first.weights().to_vec());
    assert_eq!(numbers("layers.0.bias", &[3]), first.bias());
    assert_eq!(numbers("layers.1.weights", &[3, 1]), second.weights().to_vec());
    let state = checkpoint.state.optimizer.layers();
    assert_eq!(numbers("optimizer.1.weights.momentum", &[3, 1]), state[1].weights[0]);
    assert_eq!(numbers("optimizer.0.bias.momentum", &[3]), state[0].bias[0]);
    assert_eq!(tensors.len(), 2 * 2 * 2 + 1);
    assert_eq!(tensors.tensor("checksum").unwrap().shape(), [8]);
    // What an aligned reader needs.
    let (header, _) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header % 8, 0);
}

#[test]
fn what_can_not_be_resumed_is_not_written() {
    let folder = Folder::new("not-written");
    let path = folder.path().join("run");
    let good = small::<f32>();
    good.save(&path).unwrap();
    let refused = |change: fn(&mut Checkpoint<f32>)| {
        let mut checkpoint = good.clone();
        change(&mut checkpoint);
        match checkpoint.save(&path) {
            Err(CheckpointError::Content { path: named, source: ContentError::Training(error) }) if named == path => {
                error
            }
            other => panic!("{other:?}"),
        }
    };
    let nan = refused(|checkpoint| *checkpoint.network.layer_mut(1).weights_mut().at(2, 0) = f32::NAN);
    assert_eq!(nan, NetError::Diverged { step: 7, layer: 1, what: "a weight" });
    assert_eq!(refused(|checkpoint| checkpoint.options.batch = 0), NetError::NoBatch);
    assert_eq!(refused(|checkpoint| checkpoint.examples = 0), NetError::NoExamples);
    let other = refused(|checkpoint| checkpoint.options.optimizer = Optimizer::adam(0.1));
    assert!(matches!(other, NetError::Resume { what: "the optimizer of its state", .. }));
    let place = refused(|checkpoint| checkpoint.state.progress.steps = 2);
    assert!(matches!(place, NetError::Resume { what: "the number of steps in its epoch", .. }));
    // A network of another chain of sizes. Views of layers can be swapped, and then no network has changed.
    for sizes in [&[2, 4, 1][..], &[2, 3, 1, 1], &[2, 3], &[3, 3, 1]] {
        let mut checkpoint = good.clone();
        checkpoint.network = network(sizes, Activation::Tanh, Activation::Identity, 0);
        let (mut swapped, expected) = (good.clone(), good.network.sizes());
        let (mut one, mut other) = (swapped.network.layer_mut(0), checkpoint.network.layer_mut(0));
        std::mem::swap(&mut one, &mut other);
        assert_eq!((swapped.network.sizes(), &checkpoint.network.sizes()[..]), (expected, sizes));
        match checkpoint.save(&path) {
            Err(CheckpointError::Content {
                source: ContentError::Training(NetError::Network { what, .. } | NetError::Activation { what, .. }),
                ..
            }) => assert_eq!(what, "the optimizer's state"),
            other => panic!("{other:?}"),
        }
    }
    // The last good one is still there, alone.
    assert_eq!(Checkpoint::load(&path).unwrap(), good);
    assert_eq!(folder.names(), ["run"]);
}

#[test]
fn other_data_is_refused() {
    let mut checkpoint = small::<f32>();
    let data = crate::support::examples(&Loss::MeanSquaredError, 7, 2, 1, 1);
    let error = checkpoint.resume(&cpu(), &data).map(drop).unwrap_err();
    let said = "the training can't be resumed: the number of examples is 7, and 8 is needed";
    assert_eq!(error.to_string(), said);
}

#[test]
fn the_last_few_are_kept() {
    let folder = Folder::new("last-few");
    let path = folder.path().join("run.safetensors");
    let checkpoints = Checkpoints::new(&path, NonZeroUsize::new(3).unwrap());
    let error = checkpoints.load_newest::<f32>().unwrap_err();
    assert!(error.to_string().contains("run.safetensors"), "{error}");

    let (mut network, data, options) = job::<f32>(Optimizer::adam(0.01), None);
    let executor = cpu();
    let mut training = Training::new(&mut network, &executor, &data, options).unwrap();
    let mut written = Vec::new();
    let mut run = checkpoints.lock().unwrap();
    run.begin().unwrap();
    for count in 1..=5usize {
        steps(&mut training, 1);
        run.save(&training).unwrap();
        written.push(std::fs::read(&path).unwrap());
        let there: Vec<Vec<u8>> = checkpoints.paths().filter_map(|path| std::fs::read(path).ok()).collect();
        let expected: Vec<Vec<u8>> = written.iter().rev().take(3).cloned().collect();
        assert_eq!((there.len(), &there), (count.min(3), &expected));
    }
    let names = ["run.safetensors", "run.safetensors.1", "run.safetensors.2", "run.safetensors.lock"];
    assert_eq!(folder.names(), names);
    let at = |steps: usize| Checkpoint::<f32>::from_bytes(&written[steps - 1]).unwrap();
    assert_eq!(checkpoints.load_newest().unwrap(), (path.clone(), at(5)));
    // A process that was killed when it had made room: room is not made twice.
    std::fs::remove_file(path.with_extension("safetensors.1")).unwrap();
    std::fs::hard_link(&path, path.with_extension("safetensors.1")).unwrap();
    steps(&mut training, 1);
    run.save(&training).unwrap();
    assert_eq!(Checkpoint::load(path.with_extension("safetensors.1")).unwrap(), at(5));
    assert_eq!(Checkpoint::load(path.with_extension("safetensors.2")).unwrap(), at(3));
    // A process that was killed when it had moved the one before: the gap is filled, and the oldest stays.
    std::fs::rename(path.with_extension("safetensors.1"), path.with_extension("safetensors.2")).unwrap();
    steps(&mut training, 1);
    run.save(&training).unwrap();
    assert_eq!(Checkpoint::load(path.with_extension("safetensors.2")).unwrap(), at(5));
    assert_eq!(checkpoints.paths().filter(|path| path.exists()).count(), 3);
    std::fs::rename(path.with_extension("safetensors.2"), path.with_extension("safetensors.1")).unwrap();
    // The newest is damaged: the one before is the newest that can be read.
    std::fs::write(&path, b"no").unwrap();
    assert_eq!(checkpoints.load_newest().unwrap(), (path.with_extension("safetensors.1"), at(5)));
}

#[test]
fn one_that_is_kept_alone_leaves_no_other_file() {
    let folder = Folder::new("alone");
    let path = folder.path().join("run");
    // Left behind by one that was killed; and files that only look alike.
    let others = ["run.2024-11-25.tmp", "run.4000000-0.tmp", "run.old.tmp", "running.nxm-0123456789abcdef.tmp"];
    for name in others.iter().chain(&["run.nxm-0123456789abcdef.tmp"]) {
        std::fs::write(folder.path().join(name), b"").unwrap();
    }
    small::<f64>().save(&path).unwrap();
    small::<f64>().save(&path).unwrap();
    assert_eq!(folder.names(), [&["run"], &others[..]].concat());
}
