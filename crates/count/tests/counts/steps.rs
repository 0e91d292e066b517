//! Counts of whole training steps: each region of the step that ships executes what its formula says.

use std::collections::BTreeMap;

use crate::cases::{Draw, Textbook, bits, numbers, thread_counts, with_room};
use crate::kinds::{any_layers, dense_layers, losses, optimizers, size, summable};
use crate::textbook;
use nxm_count::{
    Breakdown, Clipping, Cost, Counted, Formulas, Kinds, LayerPhases, NetworkSpec, Run, Tally, TrainingLength, verify,
};
use nxm_kernels::{
    Activation, Cpu, EVALUATIONS_WORTH_A_THREAD, Element, Executor, Function, Level, MatrixRef, Phase, Region,
    WORTH_A_THREAD,
};
use nxm_net::{
    Dataset, EVALUATION_ROWS, Layer, Lion, Loss, NetError, Network, Optimizer, OptimizerState, Predictor, Step,
    Targets, WeightAverage, parse_layers,
};
use proptest::prelude::*;

/// A network, and how many examples it is trained on.
#[derive(Clone, Debug)]
struct StepCase {
    inputs: u64,
    layers: Vec<Layer>,
    loss: Loss,
    optimizer: Optimizer,
    clipping: Clipping,
    batch: usize,
    /// Whether examples have weights.
    weighted: bool,
    /// Whether an average of weights is kept.
    average: bool,
}

impl StepCase {
    /// Plain gradient descent.
    fn new(sizes: Vec<u64>, hidden: Activation, output: Activation, loss: Loss, batch: usize) -> StepCase {
        let layers = NetworkSpec::new(sizes.clone(), hidden, output, loss.clone()).unwrap().layer_list().to_vec();
        let (optimizer, clipping) = (Optimizer::sgd(0.1), Clipping::None);
        StepCase { inputs: sizes[0], layers, loss, optimizer, clipping, batch, weighted: false, average: false }
    }

    fn spec(&self) -> NetworkSpec {
        let spec = NetworkSpec::with_layers(self.inputs, self.layers.clone(), self.loss.clone()).unwrap();
        let spec = spec.with_optimizer(self.optimizer).with_clipping(self.clipping);
        let spec = if self.average { spec.with_average() } else { spec };
        if self.weighted { spec.with_example_weights() } else { spec }
    }

    /// The network that is trained.
    fn network<T: Element>(&self) -> Network<T> {
        self.spec().build(7).unwrap()
    }

    /// One step on `rows` examples in a step made for the whole batch: the loss, and all parameters after it. Gradients and update are
    /// made together or apart.
    fn train<T: Element>(&self, executor: &dyn Executor, rows: usize, run: Run, draw: Draw) -> Vec<T> {
        let mut network = self.network::<T>();
        let mut step = Step::new(&network, &self.loss, self.batch).unwrap();
        match self.clipping {
            Clipping::None => {}
            Clipping::Within => step = step.clip_norm(1e30).unwrap(),
            Clipping::Scaled => step = step.clip_norm(1e-30).unwrap(),
            Clipping::ByValue => step = step.clip_value(1e-3).unwrap(),
        }
        let mut optimizer = OptimizerState::new(self.optimizer, &network).unwrap();
        let outputs = network.outputs();
        let (x, values) = (draw.numbers::<T>(rows * network.inputs(), 1), draw.numbers::<T>(rows * outputs, 2));
        let labels: Vec<u32> = (0..rows).map(|i| (i * 5 % outputs) as u32).collect();
        let targets = match self.loss.takes_labels() {
            false => Targets::Values(MatrixRef::new(&values, rows, outputs).unwrap()),
            true => Targets::Classes(&labels),
        };
        let x = MatrixRef::new(&x, rows, network.inputs()).unwrap();
        // Each in its turn, so that extreme weights are finite too.
        let weights: Vec<T> = (0..rows).map(|i| T::from_f64((i % 3) as f64)).collect();
        let loss = match (run, self.weighted) {
            (Run::Step, false) => step.train(&mut network, executor, x, targets, &mut optimizer),
            (Run::Step, true) => step.train_weighted(&mut network, executor, x, targets, &weights, &mut optimizer),
            (Run::Accumulation, _) => step
                .accumulate(&mut network, executor, x, targets, 2)
                .and_then(|_| step.accumulate(&mut network, executor, x, targets, 2)),
            (_, weighted) => match weighted {
                true => step.gradients_weighted(&network, executor, x, targets, &weights),
                false => step.gradients(&network, executor, x, targets),
            }
            .and_then(|loss| step.update(&mut network, executor, &mut optimizer).map(|()| loss)),
        };
        let loss = match (loss, draw) {
            (Err(NetError::Diverged { .. }), Draw::Extreme) => return Vec::new(),
            (loss, _) => loss.unwrap(),
        };
        let mut averaged = Vec::new();
        if self.average && run != Run::Accumulation {
            let mut average = WeightAverage::new(&network, 0.9).unwrap();
            average.update(&network, executor).unwrap();
            // The first update copies.
            assert_eq!(*average.network(), network);
            averaged.extend(average.network().layers().flat_map(|layer| layer.weights().to_vec()));
        }
        let parameters = network.layers().flat_map(|layer| [layer.weights().to_vec(), layer.bias().to_vec()].concat());
        std::iter::once(loss).chain(parameters).chain(averaged).collect()
    }

    /// Each phase asks at least for what it must read and write, but for labels and class weights, and for a product whose operand or
    /// result the phase beside it has at hand.
    fn asks_for_what_it_must(costs: &Breakdown<Cost>) {
        for (phase, Cost { requested: asked, traffic: must, .. }) in costs.layers.iter().flat_map(LayerPhases::phases) {
            assert!(asked.read >= must.read && asked.written >= must.written, "{phase}: {asked:?}, {must:?}");
        }
    }

    /// At every level, region by region, for the whole batch and a short one, in one part and in two; and the same bits. The whole step on two
    /// numbers of threads, the others on one of them.
    fn check<T: Element>(&self) {
        with_room(|| self.check_here::<T>());
    }

    fn check_here<T: Element>(&self) {
        let (whole, short) = (self.batch, self.batch.div_ceil(2));
        for level in Level::available() {
            let [alone, several] = thread_counts(whole);
            self.check_run::<T>(whole, level, Run::Step, &[alone, several]);
            self.check_run::<T>(whole, level, Run::GradientsAndUpdate, &[several]);
            self.check_inference::<T>(whole, level);
            if short < whole {
                let [alone, several] = thread_counts(short);
                self.check_run::<T>(short, level, Run::Step, &[several]);
                self.check_run::<T>(short, level, Run::GradientsAndUpdate, &[alone]);
                self.check_inference::<T>(short, level);
            }
        }
    }

    /// A step by `Step::train`, or by `Step::gradients` and `Step::update`.
    fn check_run<T: Element>(&self, rows: usize, level: Level, run: Run, thread_counts: &[usize]) {
        let (spec, formulas) = (self.spec(), Formulas::of::<T>(level));
        let formula = formulas.run(&spec, rows as u64, run).unwrap();
        assert_eq!(Textbook::of(&formula.total.useful), textbook::step(&spec, rows as u64), "{run:?} {level}");
        for &threads in thread_counts {
            let cpu = Cpu::new(level, threads);
            let counted = Counted::new(cpu);
            let result = self.train::<T>(&counted, rows, run, Draw::Usual);
            let formulas = formulas.on_threads(threads);
            let regions = formulas.regions(&spec, rows as u64, run).unwrap();
            let (expected, bytes): (BTreeMap<_, _>, BTreeMap<_, _>) =
                regions.into_iter().map(|(region, (ops, bytes))| ((Some(region), ops), (Some(region), bytes))).unzip();
            assert_eq!(counted.requested(), bytes, "bytes, {} {level} {threads} {rows} rows", T::NAME);
            let costs = formulas.cost(&spec, rows as u64, run).unwrap();
            assert_eq!(counted.total_requested(), costs.total.requested);
            Self::asks_for_what_it_must(&costs);
            assert_eq!(counted.total(), formula.total, "{} {level} {threads} {rows} rows", T::NAME);
            assert_eq!(counted.take(), expected, "{} {level} {threads} {rows} rows", T::NAME);
            let uncounted = self.train::<T>(&cpu, rows, run, Draw::Usual);
            assert_eq!(bits(&result), bits(&uncounted), "{} {level} {threads}", T::NAME);
        }
    }

    /// Of numbers of which the loss can't be finite: a step that ends there has made its forward pass and its loss, and one in two parts has
    /// made all of it.
    fn check_extremes<T: Element>(&self, level: Level) {
        let counted = Counted::new(Cpu::new(level, 2));
        with_room(|| self.train::<T>(&counted, self.batch, Run::Step, Draw::Extreme));
        let formula = Formulas::of::<T>(level).step(&self.spec(), self.batch as u64).unwrap();
        let begun = formula.forward.plus(&formula.loss).unwrap();
        assert_eq!(counted.total(), begun, "{} {level}", T::NAME);
        let counted = Counted::new(Cpu::new(level, 2));
        with_room(|| self.train::<T>(&counted, self.batch, Run::GradientsAndUpdate, Draw::Extreme));
        let formulas = Formulas::of::<T>(level);
        let formula = formulas.run(&self.spec(), self.batch as u64, Run::GradientsAndUpdate).unwrap();
        assert_eq!(counted.total(), formula.total, "apart, {} {level}", T::NAME);
    }

    /// Predictions by a predictor, and by the network, which takes 256 rows at a time.
    fn check_inference<T: Element>(&self, rows: usize, level: Level) {
        let network = self.network::<T>();
        let x = numbers::<T>(rows * network.inputs(), 1);
        let x = MatrixRef::new(&x, rows, network.inputs()).unwrap();
        for threads in thread_counts(rows) {
            let formulas = Formulas::of::<T>(level).on_threads(threads);
            let executed = |rows: usize| formulas.run(&self.spec(), rows as u64, Run::Prediction).unwrap().total;
            let cost = formulas.cost(&self.spec(), rows as u64, Run::Prediction).unwrap().total;
            let predictor = Predictor::new(network.clone(), rows);
            let mut buffers = predictor.buffers().unwrap();
            let counted = Counted::new(Cpu::new(level, threads));
            predictor.predict(&counted, x, &mut buffers).unwrap();
            assert_eq!((counted.total(), counted.total_requested()), (executed(rows), cost.requested));

            let counted = Counted::new(Cpu::new(level, threads));
            network.predict(&counted, x).unwrap();
            let blocks = (0..rows).step_by(EVALUATION_ROWS).map(|i| executed(EVALUATION_ROWS.min(rows - i)));
            let expected = Tally::sum(blocks).unwrap();
            assert_eq!(counted.total(), expected, "{} {level} {threads} {rows} rows", T::NAME);
        }
    }
}

/// Two micro-batches and an update take what their formulas say, and give the bits of one step on all examples where 1/2 is exact.
#[test]
fn accumulated_gradients() {
    for (clipping, optimizer) in [
        (Clipping::None, Optimizer::adam(0.01)),
        (Clipping::Scaled, Optimizer::sgd(0.1)),
        (Clipping::ByValue, Lion::default().into()),
    ] {
        let job = StepCase {
            inputs: 5,
            layers: parse_layers("9 tanh, 3").unwrap(),
            loss: Loss::CROSS_ENTROPY,
            optimizer,
            clipping,
            batch: 6,
            weighted: false,
            average: false,
        };
        for level in Level::available() {
            let formulas = Formulas::of::<f32>(level);
            let counted = Counted::new(Cpu::new(level, 1));
            with_room(|| job.train::<f32>(&counted, 6, Run::Accumulation, Draw::Usual));
            let regions = formulas.regions(&job.spec(), 6, Run::Accumulation).unwrap();
            let twice = regions.iter().map(|(region, (ops, _))| (Some(*region), ops.times(2).unwrap()));
            assert_eq!(counted.take(), twice.collect(), "{clipping:?} {level}");
            // All but the additions are those of a step in two parts.
            let [added, update, apart] = [Run::Accumulation, Run::Update, Run::GradientsAndUpdate]
                .map(|run| *formulas.run(&job.spec(), 6, run).unwrap().total.useful.own());
            let multiplications = |kinds: &Kinds| kinds.fma() + kinds.mul();
            let [added_to, apart_from] =
                [[added, update], [apart, Kinds::NONE]].map(|kinds| kinds.iter().map(multiplications).sum::<u128>());
            assert_eq!(added_to, apart_from + job.spec().parameters());
            assert_eq!(added.cmp() + update.cmp(), apart.cmp());
        }
    }
}

/// An epoch of 5 micro-batches, the last one short, in steps of two: 5 times gradients, 3 updates.
#[test]
fn a_training_that_accumulates() {
    let job = StepCase {
        inputs: 5,
        layers: parse_layers("3").unwrap(),
        loss: Loss::MeanSquaredError,
        optimizer: Optimizer::sgd(0.1),
        clipping: Clipping::None,
        batch: 4,
        weighted: false,
        average: false,
    };
    let formulas = Formulas::textbook::<f32>();
    let length = TrainingLength::new(18).with_batch(4).with_accumulate(2).with_epochs(7);
    assert_eq!((length.steps_per_epoch(), length.steps()), (3, 21));
    let of = |rows, run| formulas.run(&job.spec(), rows, run).unwrap().total;
    let epoch = [(of(4, Run::Accumulation), 4), (of(2, Run::Accumulation), 1), (of(4, Run::Update), 3)];
    let expected = Tally::sum(epoch.map(|(tally, n)| tally.times(7 * n).unwrap())).unwrap();
    assert_eq!(formulas.training(&job.spec(), length).unwrap(), expected);
}

fn jobs() -> impl Strategy<Value = StepCase> {
    let clipping =
        proptest::sample::select(&[Clipping::None, Clipping::Within, Clipping::Scaled, Clipping::ByValue][..]);
    let kinds = (0..losses(1).len(), proptest::sample::select(optimizers()), clipping, any::<[bool; 3]>());
    let layers = (dense_layers(), proptest::collection::vec(any_layers(), 0..=4));
    let layers = layers.prop_map(|(first, layers)| [vec![first], layers].concat());
    (size(), layers, kinds, 1usize..=40).prop_map(
        |(inputs, layers, (loss, optimizer, clipping, [weighted, average, sums]), batch)| {
            let outputs = layers.iter().fold(inputs, |inputs, layer| layer.outputs(inputs));
            let loss = losses(outputs as usize)[loss].clone();
            // Weights of examples and of classes are for means alone.
            let loss = if sums && !weighted && summable(&loss) { loss.summed() } else { loss };
            // A batch norm needs two examples, in the half of the batch that is tried too.
            let of_batches = layers.iter().any(|layer| matches!(layer, Layer::BatchNorm { .. }));
            let batch = if of_batches { batch.max(3) } else { batch };
            StepCase { inputs, layers, loss, optimizer, clipping, batch, weighted, average }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_networks(job in jobs()) {
        job.check::<f32>();
        job.check::<f64>();
    }
}

/// No count depends on the data, but for where a step ends whose loss is not finite.
#[test]
fn steps_of_extreme_numbers() {
    for level in Level::available() {
        for (loss, weighted) in losses(3).into_iter().flat_map(|loss| [false, true].map(|w| (loss.clone(), w))) {
            let job = StepCase::new(vec![12, 17, 3], Activation::Relu, Activation::Sigmoid, loss, 5);
            StepCase { weighted, ..job }.check_extremes::<f32>(level);
        }
        let (tanh, mse) = (Activation::Tanh, Loss::MeanSquaredError);
        StepCase::new(vec![12, 17, 3], Activation::Gelu, tanh, mse, 5).check_extremes::<f64>(level);
    }
}

/// An evaluation takes 256 rows at a time, and adds the loss of each block.
#[test]
fn evaluations() {
    let (rows, outputs) = (2 * EVALUATION_ROWS + 37, 3);
    let job = StepCase::new(vec![4, 9, 3], Activation::Silu, Activation::Identity, Loss::CROSS_ENTROPY, rows);
    let network = job.network::<f32>();
    let labels = (0..rows).map(|i| (i % outputs) as u32).collect();
    let data = Dataset::classification(numbers(rows * 4, 1), 4, labels, outputs).unwrap();
    for level in Level::available() {
        let formulas = Formulas::of::<f32>(level);
        let counted = Counted::new(Cpu::new(level, 1));
        with_room(|| network.evaluate(&counted, &data, &job.loss).unwrap());
        let blocks = [EVALUATION_ROWS, EVALUATION_ROWS, 37]
            .map(|rows| formulas.run(&job.spec(), rows as u64, Run::Evaluation).unwrap().total);
        assert_eq!(counted.total(), Tally::sum(blocks).unwrap(), "{level}");

        let weighted = StepCase { weighted: true, ..job.clone() };
        let data = data.clone().with_weights((0..rows).map(|i| (i % 3) as f32).collect()).unwrap();
        let counted = Counted::new(Cpu::new(level, 1));
        with_room(|| network.evaluate(&counted, &data, &job.loss).unwrap());
        let blocks = [EVALUATION_ROWS, EVALUATION_ROWS, 37]
            .map(|rows| formulas.run(&weighted.spec(), rows as u64, Run::Evaluation).unwrap().total);
        assert_eq!(counted.total(), Tally::sum(blocks).unwrap(), "weighted, {level}");
    }
    job.check::<f32>();
}

/// Every activation in both places, and every one with every loss. Random networks have other pairs.
#[test]
fn every_activation_and_loss() {
    let outputs = Activation::samples().into_iter().cycle().skip(1);
    for (hidden, output) in Activation::samples().into_iter().zip(outputs) {
        StepCase::new(vec![5, 9, 3], hidden, output, Loss::MeanSquaredError, 3).check::<f32>();
        for loss in losses(3) {
            StepCase::new(vec![5, 9, 3], hidden, Activation::Identity, loss, 3).check::<f32>();
        }
    }
}

/// Every loss of examples that have weights, in both types, and their rehearsal.
#[test]
fn every_loss_of_weighted_examples() {
    let (tanh, identity) = (Activation::Tanh, Activation::Identity);
    for loss in losses(3) {
        for batch in [1, 7] {
            let job = StepCase { weighted: true, ..StepCase::new(vec![5, 9, 3], tanh, identity, loss.clone(), batch) };
            job.check::<f32>();
            job.check::<f64>();
            let level = Level::detect().unwrap();
            assert!(with_room(|| verify::<f32>(&job.spec(), batch as u64, level, 1)).unwrap().agrees(), "{loss:?}");
        }
    }
}

/// Every optimizer, its gradients clipped and not.
#[test]
fn every_optimizer_and_clipping() {
    let (gelu, identity) = (Activation::Gelu, Activation::Identity);
    for optimizer in optimizers() {
        for clipping in [Clipping::None, Clipping::Within, Clipping::Scaled, Clipping::ByValue] {
            let job = StepCase::new(vec![5, 17, 3], gelu, identity, Loss::CROSS_ENTROPY, 3);
            let job = StepCase { optimizer, clipping, ..job };
            job.check::<f32>();
            job.check::<f64>();
            let level = Level::detect().unwrap();
            assert!(
                with_room(|| verify::<f32>(&job.spec(), 3, level, 1)).unwrap().agrees(),
                "{optimizer:?} {clipping:?}"
            );
        }
    }
}

/// A sum takes the operations of the mean, in steps and evaluations.
#[test]
fn every_sum_of_a_loss() {
    for loss in losses(3).into_iter().filter(summable) {
        let job = StepCase::new(vec![5, 9, 3], Activation::Tanh, Activation::Identity, loss.clone(), 7);
        let summed = StepCase { loss: loss.summed(), ..job.clone() };
        summed.check::<f32>();
        summed.check::<f64>();
        for run in [Run::Step, Run::Evaluation] {
            let [mean, sum] = [&job, &summed].map(|job| Formulas::textbook::<f32>().run(&job.spec(), 7, run).unwrap());
            assert_eq!(mean, sum);
        }
        let level = Level::detect().unwrap();
        assert!(with_room(|| verify::<f32>(&summed.spec(), 7, level, 1)).unwrap().agrees(), "{:?}", summed.loss);
    }
}

/// An average of weights takes 2 fma for each parameter more, in the rehearsal of a step too.
#[test]
fn an_average_of_weights() {
    let (gelu, identity) = (Activation::Gelu, Activation::Identity);
    for optimizer in [Optimizer::sgd(0.1), Optimizer::adam(0.1)] {
        let job = StepCase::new(vec![5, 17, 3], gelu, identity, Loss::CROSS_ENTROPY, 3);
        let (plain, job) = (job.clone(), StepCase { optimizer, average: true, ..job });
        let plain = StepCase { optimizer, ..plain };
        job.check::<f32>();
        job.check::<f64>();
        let [without, with] = [&plain, &job].map(|job| Formulas::textbook::<f32>().step(&job.spec(), 3).unwrap());
        let parameters = job.spec().parameters();
        assert_eq!(with.total.useful.own().fma(), without.total.useful.own().fma() + 2 * parameters);
        let level = Level::detect().unwrap();
        assert!(with_room(|| verify::<f32>(&job.spec(), 3, level, 1)).unwrap().agrees(), "{optimizer:?}");
    }
}

/// Steps whose products, with the activations and updates that follow them, are split between threads, and those whose gradients are
/// clipped and whose updates are kernels of their own.
#[test]
fn large_enough_for_threads() {
    // So many weights that two threads share their update, and so many examples that they share each product with them.
    let side = (2 * EVALUATIONS_WORTH_A_THREAD).isqrt() + 1;
    let batch = (2 * WORTH_A_THREAD).div_ceil(side * side);
    let (relu, tanh) = (Activation::Relu, Activation::Tanh);
    let sizes = vec![8, side as u64, side as u64];
    let job = StepCase::new(sizes, relu, tanh, Loss::MeanSquaredError, batch);
    let clipped = StepCase { optimizer: Optimizer::adam(0.01), clipping: Clipping::Scaled, ..job.clone() };
    let (forward, before) = (Phase::Forward, Phase::InputGradient);
    for (job, split) in [
        (&job, &[forward, before, Phase::Update][..]),
        (&clipped, &[forward, before, Phase::WeightGradient, Phase::Clip, Phase::Update][..]),
    ] {
        let tasks = |threads| {
            let counted = Counted::new(Cpu::new(Level::detect().unwrap(), threads));
            with_room(|| job.train::<f32>(&counted, batch, Run::Step, Draw::Usual));
            counted.tasks()
        };
        let [alone, shared] = [1, 2].map(tasks);
        for phase in split {
            let region = Some(Region { phase: *phase, layer: 1 });
            assert!(shared[&region] > alone[&region], "{phase} is not split: {} tasks", shared[&region]);
        }
    }
    // On one thread these paths are smaller networks', too.
    for level in Level::available() {
        with_room(|| job.check_run::<f32>(batch, level, Run::Step, &[2]));
    }
    let level = Level::detect().unwrap();
    with_room(|| clipped.check_run::<f32>(batch, level, Run::Step, &[2]));
    with_room(|| clipped.check_run::<f32>(batch, level, Run::GradientsAndUpdate, &[2]));
}

/// The network the project's question is about, 30-30-30 with sigmoids and squared errors, worked out by hand.
#[test]
fn thirty_thirty_thirty() {
    let sigmoid = Activation::Sigmoid;
    let network = NetworkSpec::new([30, 30, 30], sigmoid, sigmoid, Loss::MeanSquaredError).unwrap();
    assert_eq!(network.parameters(), 1860);
    let step = Formulas::textbook::<f32>().step(&network, 1).unwrap();

    let forward = step.forward.useful;
    assert_eq!((forward.multiplications(), forward.additions(), forward.flops()), (1800, 1800, 3600));
    assert_eq!(forward.functions().collect::<Vec<_>>(), [(Function::Sigmoid, 60)]);
    // A sigmoid is 12 fma, 2 mul, 8 add, 1 div, 3 cmp.
    let inside = forward.inside();
    assert_eq!([inside.fma(), inside.mul(), inside.add(), inside.div(), inside.cmp()], [720, 120, 480, 60, 180]);

    let [first, last] = &step.layers[..] else { panic!("two layers") };
    assert_eq!(first[Phase::WeightGradient].useful.own().fma() + last[Phase::WeightGradient].useful.own().fma(), 1800);
    // One row is 30 dot products of 30: 30 multiplications and 29 additions each.
    let input_gradient = last[Phase::InputGradient].useful;
    assert_eq!((input_gradient.multiplications(), input_gradient.additions()), (900, 870));
    assert_eq!(first[Phase::InputGradient], Tally::NONE);
    assert_eq!(last[Phase::BiasGradient].useful.own().add(), 30);
    let derivative = last[Phase::ActivationGradient].useful;
    assert_eq!((derivative.own().mul(), derivative.own().add()), (60, 30));
    // (2n + 1) and (2n − 1) for 30 outputs.
    assert_eq!((step.loss.useful.multiplications(), step.loss.useful.additions()), (61, 59));
    assert_eq!(step.update.useful.own().fma(), 1860);

    // 1800 + 61 + (1800 + 900 + 120) + 1860, and 1800 + 59 + (1800 + 870 + 60 + 60) + 1860.
    let total = step.total.useful;
    assert_eq!((total.multiplications(), total.additions()), (6541, 6509));
    assert!(with_room(|| verify::<f32>(&network, 1, Level::detect().unwrap(), 1)).unwrap().agrees());
}

/// Softmax cross-entropy of 10 classes on 4 examples, and the matrix work B·(3S − N₀N₁), worked out by hand.
#[test]
fn digits_network() {
    let (relu, identity) = (Activation::Relu, Activation::Identity);
    let network = NetworkSpec::new([784, 128, 10], relu, identity, Loss::CROSS_ENTROPY).unwrap();
    let step = Formulas::textbook::<f32>().step(&network, 4).unwrap();
    let s = 784 * 128 + 128 * 10;
    assert_eq!(step.forward.useful.own().fma(), 4 * s);
    let matrix_work = step.forward.useful.own().fma() + step.backward.useful.own().fma();
    assert_eq!(matrix_work, 4 * (3 * s - 784 * 128));
    assert_eq!(step.update.useful.own().fma(), s + 138);

    let loss = step.loss.useful;
    assert_eq!(loss.own().cmp(), 4 * 9);
    assert_eq!(loss.own().add(), 4 * (10 + 9 + 1 + 1) + 3);
    assert_eq!((loss.own().mul(), loss.own().div()), (4 * 10 + 1, 4));
    assert_eq!(loss.functions().collect::<Vec<_>>(), [(Function::Exp, 40), (Function::Log, 4)]);
}
