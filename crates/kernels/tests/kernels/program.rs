//! Programs: a run has the bits of the same calls made directly, and writes to nothing but their outputs.

use std::convert::Infallible;
use std::sync::Mutex;

use nxm_kernels::call::{Op, Operation, Translate};
use nxm_kernels::program::{Bindings, Instruction, ParameterMemory, Place, Places, Program, Slot};
use nxm_kernels::{
    Call, Cpu, Decay, Element, Executor, Layout, Level, MatrixRef, Phase, Region, Rule, Strides, WORTH_A_THREAD,
};

use crate::catalogue::*;
use crate::dense::rules;
use crate::operands::is_open_to_strides;
use crate::support::*;

const SLOTS: [Slot; 5] = [Slot::Work, Slot::Parameters, Slot::First, Slot::Second, Slot::Third];

/// The memories of a program.
#[derive(Clone, Debug)]
pub struct Memories<T> {
    pub parameters: Vec<T>,
    pub first: Vec<T>,
    pub second: Vec<T>,
    pub third: Vec<T>,
    pub work: Vec<T>,
}

impl<T: Float> Memories<T> {
    pub fn new() -> Self {
        Memories::of([0; 5])
    }

    /// Of so many elements: parameters, first, second, third, work.
    fn of(lens: [usize; 5]) -> Self {
        let [parameters, first, second, third, work] = lens.map(|len| vec![T::GARBAGE; len]);
        Memories { parameters, first, second, third, work }
    }

    /// As long as a program needs, and no longer.
    pub fn for_program(program: &Program<T>) -> Self {
        let slots = [Slot::Parameters, Slot::First, Slot::Second, Slot::Third, Slot::Work];
        Memories::of(slots.map(|slot| program.needed(slot)))
    }

    pub fn slot(&mut self, slot: Slot) -> &mut Vec<T> {
        match slot {
            Slot::Parameters => &mut self.parameters,
            Slot::First => &mut self.first,
            Slot::Second => &mut self.second,
            Slot::Third => &mut self.third,
            Slot::Work => &mut self.work,
            Slot::Inputs | Slot::Targets => unreachable!("data have memory of their own"),
        }
    }

    pub fn values(&mut self, place: &Place) -> Vec<T> {
        MatrixRef::with_layout(&self.slot(place.slot)[place.offset..], place.layout).unwrap().to_vec()
    }

    /// With data of their own.
    pub fn bind<'a>(&'a mut self, data: [MatrixRef<'a, T>; 2], labels: &'a [u32], rule: Rule<T>) -> Bindings<'a, T> {
        let Memories { parameters, first, second, third, work } = self;
        let [inputs, targets] = data;
        Bindings::new(ParameterMemory::Exclusive(parameters), work, inputs)
            .with_state(first, second)
            .with_third(third)
            .with_targets(targets)
            .with_labels(labels)
            .with_rule(rule)
    }
}

/// Puts a sample's matrices into memories, one after the other, with garbage in between.
struct Assemble<'m, T> {
    memories: &'m mut Memories<T>,
    /// Where the matrices that may have any strides stand instead, if they do.
    data: Option<&'m mut [Option<Buffer<T>>; 2]>,
    kernel: &'static str,
    placed: usize,
    outputs: Vec<Place>,
}

impl<T: Float> Assemble<'_, T> {
    fn place(&mut self, from: &Buffer<T>) -> Place {
        let slot = SLOTS[self.placed % SLOTS.len()];
        self.placed += 1;
        let memory = self.memories.slot(slot);
        memory.resize(memory.len() + 3, T::GARBAGE);
        let offset = memory.len();
        memory.extend_from_slice(from.held());
        Place { slot, offset, layout: from.layout() }
    }
}

impl<T: Float> Translate<Owned<T>, Places<T>> for Assemble<'_, T> {
    fn input(&mut self, from: &Buffer<T>) -> Place {
        if let Some(data) = &mut self.data
            && is_open_to_strides(self.kernel, self.placed)
        {
            let (slot, i) = if data[0].is_none() { (Slot::Inputs, 0) } else { (Slot::Targets, 1) };
            data[i] = Some(from.clone());
            self.placed += 1;
            let Layout { rows, cols, .. } = from.layout();
            return Place { slot, offset: 0, layout: Layout::row_major(rows, cols) };
        }
        self.place(from)
    }
    fn output(&mut self, from: &Buffer<T>) -> Place {
        let place = self.place(from);
        self.outputs.push(place);
        place
    }
    fn right(&mut self, from: &Right<T>) -> Place {
        match from {
            Right::Matrix(matrix) => Translate::<Owned<T>, Places<T>>::input(self, matrix),
            Right::Packed(_) => unreachable!("programs have no packed factors"),
        }
    }
    fn singles(&mut self, _: &Vec<f32>) -> Infallible {
        unreachable!("programs have no vectors of f32")
    }
    fn labels(&mut self, from: &Vec<u32>) -> usize {
        from.len()
    }
    fn number(&mut self, from: &T) -> T {
        *from
    }
    fn rule(&mut self, _: &Rule<T>) {}
}

/// Samples that programs have, each with the rule that it follows if it does.
pub fn program_samples<T: Case>(size: [usize; 3]) -> Vec<(Sample<T>, Option<Rule<T>>)> {
    let all = samples::<T>(size, 5).into_iter();
    let all = all.filter(|sample| !matches!(sample, Op::DotInF64 { .. } | Op::Gemm { b: Right::Packed(_), .. }));
    let rule = |sample: &Sample<T>| match sample {
        Op::Update { rule, .. } | Op::DenseUpdate { rule, .. } => Some(*rule),
        _ => None,
    };
    all.map(|sample| (sample.clone(), rule(&sample))).collect()
}

fn labels_of<T: Float>(sample: &Sample<T>) -> &[u32] {
    match sample {
        Op::CrossEntropy { labels, .. } | Op::WeightedCrossEntropy { labels, .. } => labels,
        _ => &[],
    }
}

/// A rule without state.
pub fn sgd<T: Element>() -> Rule<T> {
    Rule::Sgd { learning_rate: T::ONE, decay: Decay::None }
}

/// Some region, to tell instructions apart.
pub fn region(i: usize) -> Region {
    Region { phase: Phase::ALL[i % Phase::ALL.len()], layer: i }
}

/// Places of a memory, from its first element on, where an element or padding of `place` stands.
pub fn held(place: &Place) -> impl Iterator<Item = usize> {
    let Place { offset, layout: Layout { rows, cols, width, strides }, .. } = *place;
    let width = if cols > 0 { width } else { 0 };
    (0..rows).flat_map(move |i| (0..width).map(move |j| offset + i * strides.row + j * strides.col))
}

/// Panics unless the run changed `memories` from `before` at the elements and padding of `written` alone.
pub fn assert_only_written<T: Float>(before: &Memories<T>, after: &Memories<T>, written: &[Place], what: &str) {
    for slot in SLOTS {
        let (mut before, mut after) = (before.clone(), after.clone());
        let (before, after) = (before.slot(slot), after.slot(slot));
        let mut own = vec![false; before.len()];
        written.iter().filter(|place| place.slot == slot).flat_map(held).for_each(|at| own[at] = true);
        for (at, (x, y)) in before.iter().zip(after.iter()).enumerate() {
            assert!(own[at] || x.to_bits_u64() == y.to_bits_u64(), "{what} wrote at {at} of {slot:?}");
        }
    }
}

fn check_each<T: Case>(size: [usize; 3], executors: &[Cpu]) {
    for (which, (sample, rule)) in program_samples::<T>(size).iter().enumerate() {
        for with_data in [false, true] {
            // Each matrix in a way of its own; data with strides that a program is not told.
            let laid = changed(sample, |i, matrix| {
                let Layout { rows, cols, .. } = matrix.layout();
                match with_data && is_open_to_strides(sample.name(), i) {
                    true => matrix.laid(Layout::strided(rows, cols, Strides { row: 3 * cols + 1, col: 3 })),
                    false => matrix.laid(laid_out::<T>((which + i) % WAYS, rows, cols)),
                }
            });
            let (mut memories, mut data) = (Memories::new(), [None, None]);
            let mut assemble = Assemble {
                memories: &mut memories,
                data: with_data.then_some(&mut data),
                kernel: sample.name(),
                placed: 0,
                outputs: Vec::new(),
            };
            let op = laid.translate(&mut assemble);
            let outputs_at = assemble.outputs;
            let rule = rule.unwrap_or(sgd());
            let program = Program::new(vec![Instruction { region: region(which), op }], &rule.map(T::to_f64)).unwrap();
            for cpu in executors {
                let what = format!("{} of {size:?}, data bound: {with_data}, on {cpu:?}", name(sample));
                let want = outputs(&ran(&laid, cpu));
                let mut after = memories.clone();
                let nothing = MatrixRef::from_row(&[]);
                let [inputs, targets] = data.each_ref().map(|data| data.as_ref().map_or(nothing, Buffer::view));
                let mut bindings = after.bind([inputs, targets], labels_of(sample), rule);
                program.run(0..1, cpu, &mut bindings).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_only_written(&memories, &after, &outputs_at, &what);
                assert_eq!(outputs_at.len(), want.len());
                for (place, want) in outputs_at.iter().zip(&want) {
                    assert_same(&after.values(place), &want.values(), &what);
                }
            }
        }
    }
}

#[test]
fn a_program_has_the_bits_of_its_calls() {
    let executors: Vec<Cpu> = Level::available().map(|level| Cpu::new(level, 1)).collect();
    // Several rows: one row may be dot products or chains, as strides are.
    for size in [[2, 3, 4], [3, 17, 33], [9, 12, 20]] {
        check_each::<f32>(size, &executors);
        check_each::<f64>(size, &executors);
    }
}

#[test]
fn a_program_of_large_calls_has_their_bits_on_several_threads() {
    let fastest = Level::available().last().unwrap();
    let size = [300, 301, 303];
    assert!(size.iter().product::<usize>() > 3 * WORTH_A_THREAD);
    check_each::<f32>(size, &[Cpu::new(fastest, 3)]);
}

/// Runs what it is given and keeps in mind what that was.
struct Recording {
    cpu: Cpu,
    seen: Mutex<Vec<(Region, Operation)>>,
}

impl Recording {
    fn record<T: Element>(&self, call: Call<'_, T>, region: Option<Region>) {
        self.seen.lock().unwrap().push((region.unwrap(), call.operation()));
        T::run(&self.cpu, call, None);
    }
}

impl Executor for Recording {
    fn level(&self) -> Level {
        Executor::level(&self.cpu)
    }
    fn threads(&self) -> usize {
        Executor::threads(&self.cpu)
    }
    fn run_f32(&self, call: Call<'_, f32>, region: Option<Region>) {
        self.record(call, region);
    }
    fn run_f64(&self, call: Call<'_, f64>, region: Option<Region>) {
        self.record(call, region);
    }
}

/// One program of all kernels that follow no rule or this one.
fn check_whole<T: Case>(rule: Rule<T>) {
    let all = program_samples::<T>([3, 17, 9]);
    let all: Vec<_> =
        all.into_iter().filter(|(_, of)| of.is_none_or(|of| of == rule)).map(|(sample, _)| sample).collect();
    // All see the same labels.
    let labels = all.iter().map(labels_of).find(|labels| !labels.is_empty()).unwrap().to_vec();
    let (mut memories, mut outputs_at, mut instructions) = (Memories::new(), Vec::new(), Vec::new());
    for (i, sample) in all.iter().enumerate() {
        let mut assemble =
            Assemble { memories: &mut memories, data: None, kernel: sample.name(), placed: i, outputs: Vec::new() };
        let op = sample.translate(&mut assemble);
        outputs_at.push(assemble.outputs);
        instructions.push(Instruction { region: region(i), op });
    }
    let program = Program::new(instructions, &rule.map(T::to_f64)).unwrap();
    let cpu = Cpu::new(Level::available().last().unwrap(), 1);
    let recording = Recording { cpu, seen: Mutex::new(Vec::new()) };
    let nothing = MatrixRef::from_row(&[]);
    let mut by_calls = memories.clone();
    program.run(0..all.len(), &recording, &mut by_calls.bind([nothing; 2], &labels, rule)).unwrap();
    // In two parts, of which the second begins where the first ended.
    let (mut directly, half) = (memories.clone(), all.len() / 2);
    let mut bindings = directly.bind([nothing; 2], &labels, rule);
    program.run(0..half, &cpu, &mut bindings).unwrap();
    program.run(half..all.len(), &cpu, &mut bindings).unwrap();
    for (sample, places) in all.iter().zip(&outputs_at) {
        for (place, want) in places.iter().zip(outputs(&ran(sample, &cpu))) {
            let what = format!("{} among others", name(sample));
            assert_same(&directly.values(place), &want.values(), &what);
            assert_same(&by_calls.values(place), &want.values(), &what);
        }
    }
    assert_only_written(&memories, &directly, &outputs_at.concat(), "the program");
    assert_only_written(&memories, &by_calls, &outputs_at.concat(), "the program, call by call");
    let operations: Vec<_> = program.operations(&rule.map(T::to_f64)).collect();
    assert_eq!(recording.seen.into_inner().unwrap(), operations);
    assert_eq!(operations.len(), program.instructions().len());
    assert!(operations.iter().enumerate().all(|(i, (of, _))| *of == region(i)));
}

#[test]
fn a_program_runs_its_instructions_in_their_order() {
    for rule in rules::<f32>() {
        check_whole(rule);
    }
    for rule in rules::<f64>() {
        check_whole(rule);
    }
}
