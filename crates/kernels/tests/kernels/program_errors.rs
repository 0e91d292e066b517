//! What is no program, or can't run: a typed error that names the first thing that is wrong, before anything changes.

use std::convert::Infallible;

use nxm_kernels::call::{Op, Translate};
use nxm_kernels::program::{Instruction, ParameterMemory, Place, Places, Program, ProgramError, Slot};
use nxm_kernels::{Activation, Cpu, Decay, Element, Init, Layout, Level, MatrixRef, Rule, ShapeError, Strides};
use proptest::prelude::*;

use crate::catalogue::*;
use crate::dense::rules;
use crate::program::*;
use crate::support::*;

/// `rows` × `cols` without gaps.
fn at(slot: Slot, offset: usize, rows: usize, cols: usize) -> Place {
    Place { slot, offset, layout: Layout::row_major(rows, cols) }
}

fn program(ops: impl IntoIterator<Item = Op<Places<f32>>>) -> Result<Program<f32>, ProgramError> {
    let instructions = ops.into_iter().enumerate().map(|(i, op)| Instruction { region: region(i), op });
    Program::new(instructions.collect(), &sgd())
}

/// Something that is right: six elements of work, three of them changed.
fn fine() -> Op<Places<f32>> {
    Op::Axpy { alpha: 1.0, x: at(Slot::Work, 0, 1, 3), y: at(Slot::Work, 3, 1, 3) }
}

fn axpy(x: Place, y: Place) -> Op<Places<f32>> {
    Op::Axpy { alpha: 1.0, x, y }
}

#[test]
fn operands_that_do_not_fit_are_no_program() {
    let wrong = axpy(at(Slot::Work, 0, 1, 3), at(Slot::Work, 3, 1, 4));
    let error = ShapeError::Shape { what: "axpy: length of y against x", expected: (1, 3), found: (1, 4) };
    let expected = ProgramError::Shapes { instruction: 2, error };
    assert_eq!(program([fine(), fine(), wrong.clone(), wrong]).unwrap_err(), expected);
    assert_eq!(expected.to_string(), "instruction 2: axpy: length of y against x: expected 1×3, found 1×4");
    // State that the rule does not keep.
    let weights = at(Slot::Parameters, 0, 2, 3);
    let gradient = at(Slot::Work, 0, 2, 3);
    let state = [Some(at(Slot::First, 0, 2, 3)), None, None];
    let wrong = program([Op::Update { rule: (), gradient, weights, state }]).unwrap_err();
    let error = ShapeError::Mismatch { what: "update: matrices of state", expected: 0, found: 1 };
    assert_eq!(wrong, ProgramError::Shapes { instruction: 0, error });
}

#[test]
fn what_is_written_overlaps_with_no_other_operand() {
    let overlap = ProgramError::Overlap { instruction: 1 };
    let (work, parameters) = (Slot::Work, Slot::Parameters);
    // x ends behind where y begins, and the other way round; the last touches nothing.
    for (x, y, is_fine) in [(0, 2, false), (2, 0, false), (1, 1, false), (0, 3, true), (3, 0, true)] {
        let made = program([fine(), axpy(at(work, x, 1, 3), at(work, y, 1, 3))]);
        assert_eq!(made.map(|_| ()), if is_fine { Ok(()) } else { Err(overlap.clone()) }, "{x} and {y}");
    }
    assert!(program([axpy(at(parameters, 0, 1, 3), at(work, 0, 1, 3))]).is_ok());
    // What is read may be read twice.
    let (x, to) = (at(work, 0, 1, 3), at(work, 3, 1, 1));
    assert!(program([Op::Dot { x, y: x, to }]).is_ok());
    // Padding is written too.
    let padded = Layout { width: 5, ..Layout::row_major(1, 3) };
    let y = Place { slot: work, offset: 3, layout: padded };
    assert_eq!(program([fine(), axpy(at(work, 7, 1, 3), y)]).unwrap_err(), overlap);
    assert!(program([axpy(at(work, 8, 1, 3), y)]).is_ok());
    // Two that are written: x stands at 0 to 8 and a at 20 to 32.
    let (x, weights, bias) = (at(work, 0, 4, 2), at(parameters, 0, 2, 3), at(parameters, 6, 1, 3));
    for (offset, is_fine) in [(8, true), (7, false), (9, false), (20, false), (31, false), (32, true)] {
        let (activation, a, sums) = (Activation::Relu, at(work, 20, 4, 3), Some(at(work, offset, 4, 3)));
        let made = program([
            fine(),
            Op::DenseForward { x, weights, bias, activation, parameters: activation.rounded(), sums, a },
        ]);
        assert_eq!(made.map(|_| ()), if is_fine { Ok(()) } else { Err(overlap.clone()) }, "sums at {offset}");
    }
    // Rows that lie on each other.
    let flat = Layout::strided(2, 3, Strides { row: 0, col: 1 });
    let z = Place { slot: work, offset: 0, layout: flat };
    assert_eq!(program([fine(), Op::Softmax { x: None, z }]).unwrap_err(), overlap);
    assert!(program([Op::LogSumExp { z, to: at(work, 3, 1, 2) }]).is_ok());
    // Data are only read.
    for slot in [Slot::Inputs, Slot::Targets] {
        assert_eq!(program([fine(), Op::Softmax { x: None, z: at(slot, 0, 1, 3) }]).unwrap_err(), overlap);
    }
    assert!(overlap.to_string().starts_with("instruction 1: what it writes overlaps"));
}

#[test]
fn padding_is_a_row_s_own() {
    let layouts = [
        Layout { width: 5, ..Layout::row_major(2, 3) },
        Layout { width: 2, ..Layout::row_major(2, 3) },
        Layout { width: 5, ..Layout::strided(2, 3, Strides { row: 1, col: 8 }) },
        Layout { width: 5, ..Layout::row_major(2, 0) },
    ];
    for layout in layouts {
        let z = Place { slot: Slot::Work, offset: 0, layout };
        let (a, c) = (at(Slot::Work, 100, 2, 2), at(Slot::Work, 200, 2, layout.cols));
        let product = Op::Gemm { a, b: z, init: Init::Zero, c };
        assert_eq!(program([fine(), product]).unwrap_err(), ProgramError::Padding { instruction: 1 }, "{layout:?}");
    }
    assert!(ProgramError::Padding { instruction: 1 }.to_string().contains("instruction 1: the padding"));
}

#[test]
fn places_beyond_what_can_be_addressed_are_refused() {
    let max = usize::MAX;
    let too_large = |x: Place, y: Place| {
        assert_eq!(program([fine(), axpy(x, y)]).unwrap_err(), ProgramError::TooLarge { instruction: 1 }, "{x:?}");
    };
    let work = Slot::Work;
    for offset in [max, max - 2, max / 4, (max >> 1) / 4] {
        too_large(at(work, offset, 1, 3), at(work, 0, 1, 3));
        too_large(at(work, 0, 1, 3), at(work, offset, 1, 3));
        let (a, b, c) = (at(Slot::Inputs, offset, 2, 3), at(work, 0, 3, 1), at(work, 3, 2, 1));
        let made = program([Op::Gemm { a, b, init: Init::Zero, c }]);
        assert_eq!(made.unwrap_err(), ProgramError::TooLarge { instruction: 0 }, "{offset}");
    }
    for cols in [max, max - 1, max / 2, max / 4] {
        too_large(at(work, 0, 1, cols), at(work, 0, 1, cols));
    }
    // The largest that are not.
    let end = (max >> 1) / 4;
    assert!(program([axpy(at(work, end - 3, 1, 3), at(work, 0, 1, 3))]).is_ok());
    let z = |layout| program([Op::Softmax { x: None, z: Place { slot: work, offset: 0, layout } }]);
    let too_large = Err(ProgramError::TooLarge { instruction: 0 });
    for (rows, cols, row) in [(max, max, max), (2, 3, max), (3, 3, max / 2), (2, max, 0), (max, 1, 1), (max, 2, max)] {
        assert_eq!(
            z(Layout::strided(rows, cols, Strides { row, col: 1 })).map(|_| ()),
            too_large,
            "{rows}, {cols}, {row}"
        );
    }
    for width in [max, max - 5, max / 2] {
        assert_eq!(z(Layout { width, ..Layout::strided(2, 3, Strides::row_major(width)) }).map(|_| ()), too_large);
        assert_eq!(z(Layout { width, ..Layout::row_major(1, 3) }).map(|_| ()), too_large);
    }
    // What has no elements reaches nothing.
    for (rows, cols) in [(max, 0), (0, max)] {
        let program = z(Layout::strided(rows, cols, Strides { row: max, col: 1 })).unwrap();
        assert_eq!(program.needed(work), 0);
        let nothing = MatrixRef::from_row(&[]);
        let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
        program.run(0..1, &cpu, &mut Memories::new().bind([nothing; 2], &[], sgd())).unwrap();
    }
}

/// Makes every side larger than a machine can address: those of 1 stay.
struct Enormous;

impl Enormous {
    fn side(&self, side: usize) -> usize {
        match side {
            0 | 1 => side,
            side => usize::MAX / (side - 1),
        }
    }
}

impl Translate<Owned<f32>, Places<f32>> for Enormous {
    fn input(&mut self, from: &Buffer<f32>) -> Place {
        let Layout { rows, cols, .. } = from.layout();
        // Three rows of class weights are three, and two of positive weights two.
        let rows = if [2, 3].contains(&rows) { rows } else { self.side(rows) };
        at(Slot::Work, 0, rows, self.side(cols))
    }
    fn output(&mut self, from: &Buffer<f32>) -> Place {
        Translate::<Owned<f32>, Places<f32>>::input(self, from)
    }
    fn right(&mut self, from: &Right<f32>) -> Place {
        match from {
            Right::Matrix(matrix) => Translate::<Owned<f32>, Places<f32>>::input(self, matrix),
            Right::Packed(_) => unreachable!("programs have no packed factors"),
        }
    }
    fn singles(&mut self, _: &Vec<f32>) -> Infallible {
        unreachable!("programs have no vectors of f32")
    }
    fn labels(&mut self, from: &Vec<u32>) -> usize {
        self.side(from.len())
    }
    fn number(&mut self, from: &f32) -> f32 {
        *from
    }
    fn rule(&mut self, _: &Rule<f32>) {}
}

#[test]
fn no_kernel_overflows_on_enormous_sides() {
    for (sample, rule) in program_samples::<f32>([6, 4, 5]) {
        let op = sample.translate(&mut Enormous);
        let made = Program::new(vec![Instruction { region: region(0), op }], &rule.unwrap_or(sgd()).map(f64::from));
        match sample {
            // All of its operands are single elements, here at one place.
            Op::ClipScale { .. } | Op::InverseNorm { .. } => {
                assert_eq!(made.unwrap_err(), ProgramError::Overlap { instruction: 0 })
            }
            _ => assert_eq!(made.unwrap_err(), ProgramError::TooLarge { instruction: 0 }, "{}", name(&sample)),
        }
    }
}

#[test]
fn copies_that_no_memory_holds_are_no_program() {
    let repeated = |offset, rows, cols| Place {
        slot: Slot::Work,
        offset,
        layout: Layout::strided(rows, cols, Strides { row: 0, col: 0 }),
    };
    let (a, b, c) = (repeated(0, 2, HUGE), repeated(1, HUGE, 3), at(Slot::Work, 2, 2, 3));
    let made = |alpha| program([fine(), Op::GemmScaled { alpha, a, b, beta: 0.0, c }]);
    let error = ShapeError::TooLarge { what: "gemm_scaled: a", rows: 2, cols: HUGE };
    assert_eq!(made(0.5).unwrap_err(), ProgramError::Shapes { instruction: 1, error });
    let error = ShapeError::TooLarge { what: "gemm: a", rows: 2, cols: HUGE };
    assert_eq!(made(1.0).unwrap_err(), ProgramError::Shapes { instruction: 1, error });
    assert!(made(0.0).is_ok());
}

/// Runs on memories that are as long as needed, but for what `change` does to them and to the data; nothing may change.
fn refused(
    program: &Program<f32>,
    data: [(usize, usize); 2],
    labels: &[u32],
    rule: Rule<f32>,
    change: impl FnOnce(&mut Memories<f32>),
) -> ProgramError {
    let mut memories = Memories::for_program(program);
    change(&mut memories);
    let before = memories.clone();
    let numbers = [1.0; 64];
    let data = data.map(|(rows, cols)| MatrixRef::new(&numbers, rows, cols).unwrap());
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
    let error = program.run(0..program.instructions().len(), &cpu, &mut memories.bind(data, labels, rule)).unwrap_err();
    assert_only_written(&before, &memories, &[], &format!("a run that was refused: {error}"));
    assert!(!error.to_string().is_empty());
    error
}

/// x·W + b of the examples, softmax cross-entropy, and an update by a rule with one matrix of state; a parameter more is scaled.
fn training(rule: &Rule<f64>) -> Program<f32> {
    let (work, parameters) = (Slot::Work, Slot::Parameters);
    let (x, weights, bias) = (at(Slot::Inputs, 0, 2, 3), at(parameters, 0, 3, 4), at(parameters, 12, 1, 4));
    let (a, delta, loss) = (at(work, 0, 2, 4), at(work, 8, 2, 4), at(work, 18, 1, 1));
    let state = [Some(at(Slot::First, 2, 3, 4)), None];
    let second = at(Slot::Second, 0, 1, 5);
    let ops = [
        Op::DenseForward { x, weights, bias, activation: Activation::Identity, parameters: [0.0; 3], sums: None, a },
        Op::CrossEntropy { logits: a, labels: 2, mean: 0.5, losses: at(work, 16, 1, 2), delta, loss },
        Op::DenseUpdate { x, delta, rule: (), weights, state },
        Op::Softmax { x: None, z: second },
    ];
    let instructions = ops.into_iter().enumerate().map(|(i, op)| Instruction { region: region(i), op });
    Program::new(instructions.collect(), rule).unwrap()
}

fn momentum<T: Element>() -> Rule<T> {
    Rule::Momentum { learning_rate: T::ONE, momentum: T::ONE, decay: Decay::None }
}

/// A rule with one matrix of state, too, but one that no product is fused with.
#[test]
fn a_fused_program_refuses_a_rule_that_needs_a_gradient() {
    let lion: Rule<f64> = Rule::Lion { learning_rate: 1.0, one_minus_beta1: 1.0, one_minus_beta2: 1.0, keep: 1.0 };
    let program = training(&momentum());
    let error = refused(&program, [(2, 3), (0, 0)], &[3, 0], lion.map(|x| x as f32), |_: &mut Memories<f32>| ());
    assert_eq!(error, ProgramError::NotFused { instruction: 2 });
    let fused = program.instructions()[2].clone();
    let what = "dense_update: rules that may be fused with a product";
    let error = ShapeError::Mismatch { what, expected: 1, found: 0 };
    assert_eq!(Program::new(vec![fused], &lion).unwrap_err(), ProgramError::Shapes { instruction: 0, error });
}

#[test]
fn memories_data_and_rules_that_do_not_fit_are_refused_before_anything_changes() {
    let program = training(&momentum());
    let needed = [Slot::Parameters, Slot::First, Slot::Second, Slot::Work, Slot::Inputs, Slot::Targets];
    assert_eq!(needed.map(|slot| program.needed(slot)), [16, 14, 5, 19, 0, 0]);
    let fits = ([(2, 3), (0, 0)], [3u32, 0]);
    let run =
        |data, labels: &[u32], rule, change: &dyn Fn(&mut Memories<f32>)| refused(&program, data, labels, rule, change);
    for (slot, needed) in [(Slot::Parameters, 16), (Slot::First, 14), (Slot::Second, 5), (Slot::Work, 19)] {
        for found in [0, 1, needed - 1] {
            let error = run(fits.0, &fits.1, momentum(), &|memories| memories.slot(slot).truncate(found));
            assert_eq!(error, ProgramError::Memory { slot, needed, found });
        }
    }
    // The first of several that are too short.
    let short = |memories: &mut Memories<f32>| {
        [Slot::Work, Slot::First].into_iter().for_each(|slot| memories.slot(slot).clear())
    };
    let error = run(fits.0, &fits.1, momentum(), &short);
    assert_eq!(error, ProgramError::Memory { slot: Slot::First, needed: 14, found: 0 });
    assert_eq!(error.to_string(), "First: the program needs 14 elements, and there are 0");
    for found in [(2, 4), (3, 3), (1, 3), (0, 0), (2, 0)] {
        let error = run([found, (0, 0)], &fits.1, momentum(), &|_| ());
        assert_eq!(error, ProgramError::Data { slot: Slot::Inputs, expected: (2, 3), found });
    }
    for labels in [&[0u32][..], &[], &[0, 1, 2]] {
        let error = run(fits.0, labels, momentum(), &|_| ());
        assert_eq!(error, ProgramError::Data { slot: Slot::Targets, expected: (2, 1), found: (labels.len(), 1) });
    }
    for (labels, row) in [([4u32, 0], 0), ([3, u32::MAX], 1)] {
        let error = run(fits.0, &labels, momentum(), &|_| ());
        assert_eq!(error, ProgramError::Label { row, label: labels[row], classes: 4 });
    }
    // Instructions after the last one that reads labels do with any.
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
    let numbers = [1.0f32; 6];
    let inputs = MatrixRef::new(&numbers, 2, 3).unwrap();
    let mut memories = Memories::<f32>::for_program(&program);
    for labels in [&[][..], &[4, 0]] {
        let mut run = |range| {
            let data = [inputs, MatrixRef::from_row(&[])];
            program.run(range, &cpu, &mut memories.bind(data, labels, momentum()))
        };
        assert!(run(1..4).is_err());
        assert_eq!(run(2..4), Ok(()));
    }
    for rule in rules::<f32>().into_iter().filter(|rule| rule.state() != 1) {
        assert_eq!(run(fits.0, &fits.1, rule, &|_| ()), ProgramError::Rule { expected: 1, found: rule.state() });
    }
}

#[test]
fn parameters_that_are_shared_are_not_written() {
    let program = training(&momentum());
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
    let numbers = [1.0f32; 6];
    let inputs = MatrixRef::new(&numbers, 2, 3).unwrap();
    let mut memories = Memories::<f32>::for_program(&program);
    let before = memories.clone();
    let parameters = memories.parameters.clone();
    let mut run = |range: std::ops::Range<usize>| {
        let mut bindings = memories.bind([inputs, MatrixRef::from_row(&[])], &[0, 1], momentum());
        bindings.parameters = ParameterMemory::Shared(&parameters);
        program.run(range, &cpu, &mut bindings)
    };
    for range in [0..4, 0..3, 2..3, 1..4] {
        assert_eq!(run(range), Err(ProgramError::ReadOnly));
    }
    // What comes before the update only reads them.
    assert_eq!(run(0..0), Ok(()));
    assert_eq!(run(0..2), Ok(()));
    let written = [at(Slot::Work, 0, 1, 19)];
    assert_only_written(&before, &memories, &written, "a program up to its update");
    assert!(ProgramError::ReadOnly.to_string().contains("may only be read"));
}

/// A part of a program asks only for what its instructions read and follow.
#[test]
fn data_and_rules_that_no_instruction_uses_may_be_anything() {
    let program = training(&momentum());
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
    let numbers = [1.0f32; 6];
    let (inputs, nothing) = (MatrixRef::new(&numbers, 2, 3).unwrap(), MatrixRef::from_row(&[]));
    let mut memories = Memories::for_program(&program);
    program.run(3..4, &cpu, &mut memories.bind([nothing; 2], &[9; 9], momentum())).unwrap();
    program.run(0..2, &cpu, &mut memories.bind([inputs, nothing], &[0, 0], sgd())).unwrap();
    let error = program.run(2..3, &cpu, &mut memories.bind([nothing; 2], &[0, 0], momentum())).unwrap_err();
    assert_eq!(error, ProgramError::Data { slot: Slot::Inputs, expected: (2, 3), found: (1, 0) });
}

/// All instructions see the same data, whatever its strides.
#[test]
fn instructions_that_see_other_data_are_no_program() {
    let work = Slot::Work;
    let first = Op::Gemm { a: at(Slot::Inputs, 0, 2, 3), b: at(work, 0, 3, 1), init: Init::Zero, c: at(work, 3, 2, 1) };
    for (slot, what) in [(Slot::Inputs, "the examples"), (Slot::Targets, "the targets")] {
        let on = |rows, cols| Op::Gemm {
            a: at(slot, 0, rows, cols),
            b: at(work, 20, cols, 1),
            init: Init::Zero,
            c: at(work, 40, rows, 1),
        };
        assert!(program([first.clone(), on(2, 3), on(2, 3)]).is_ok());
        for found in [(2, 4), (3, 3)] {
            let error = ShapeError::Shape { what, expected: (2, 3), found };
            let made = program([first.clone(), on(2, 3), on(found.0, found.1)]);
            assert_eq!(made.unwrap_err(), ProgramError::Shapes { instruction: 2, error });
        }
    }
    let labels = |rows, classes| Op::CrossEntropy {
        logits: at(work, 0, rows, classes),
        labels: rows,
        mean: 1.0,
        losses: at(work, 20, 1, rows),
        delta: at(work, 40, rows, classes),
        loss: at(work, 60, 1, 1),
    };
    assert!(program([labels(2, 3), labels(2, 3)]).is_ok());
    for found in [(3, 3), (2, 4)] {
        let error = ShapeError::Shape { what: "the labels, and their classes", expected: (2, 3), found };
        let made = program([labels(2, 3), labels(found.0, found.1)]);
        assert_eq!(made.unwrap_err(), ProgramError::Shapes { instruction: 1, error });
    }
    // Data may be bound with any strides, so a kernel that asks for rows can't take them.
    let sum = Op::ColumnSum { a: at(Slot::Inputs, 0, 2, 3), sum: at(work, 0, 1, 3) };
    let error = ShapeError::Columns { what: "column_sum: a" };
    assert_eq!(program([sum]).unwrap_err(), ProgramError::Shapes { instruction: 0, error });
}

/// What two operands have in common, element by element with their padding.
fn share_elements(a: &Place, b: &Place) -> bool {
    a.slot == b.slot && held(a).any(|at| held(b).any(|other| other == at))
}

/// Elements from the first to the last.
fn spans_meet(a: &Place, b: &Place) -> bool {
    let end = |place: &Place| place.offset + place.layout.span().unwrap();
    a.slot == b.slot && a.offset < end(b) && b.offset < end(a)
}

fn any_place(rows: usize, cols: usize) -> impl Strategy<Value = Place> {
    let slot = prop_oneof![Just(Slot::Work), Just(Slot::Parameters)];
    (slot, 0usize..40, 0..WAYS).prop_map(move |(slot, offset, way)| Place {
        slot,
        offset,
        layout: laid_out::<f32>(way, rows, cols),
    })
}

/// Any number, the largest among them.
fn any_number() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0usize..8, 1 => Just(usize::MAX), 1 => Just(usize::MAX / 2), 1 => any::<usize>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No program writes where it reads; and where operands are apart from first to last element it is one, and runs on memory of just
    /// the length that it needs, to the bits of a call on the same numbers apart.
    #[test]
    fn a_program_is_one_if_its_operands_are_apart(
        a in any_place(2, 3), b in any_place(3, 4), bias in any_place(1, 4), c in any_place(2, 4), seed: u64,
    ) {
        let made = program([Op::Gemm { a, b, init: Init::Bias(bias), c }]);
        if [a, b, bias].iter().any(|other| share_elements(other, &c)) {
            assert_eq!(made.unwrap_err(), ProgramError::Overlap { instruction: 0 });
        } else if ![a, b, bias].iter().any(|other| spans_meet(other, &c)) {
            let program = made.unwrap();
            let mut memories = Memories::<f32>::for_program(&program);
            let mut random = Random::new(seed);
            memories.work.iter_mut().chain(&mut memories.parameters).for_each(|x| *x = random.unit());
            let before = memories.clone();
            let [a, b, bias, out] = [a, b, bias, c].map(|place| Buffer::new(&memories.values(&place), place.layout));
            let sample = Op::Gemm { a, b: Right::Matrix(b), init: Init::Bias(bias), c: out };
            let cpu = Cpu::new(Level::available().last().unwrap(), 1);
            let want = outputs(&ran(&sample, &cpu)).remove(0).values();
            program.run(0..1, &cpu, &mut memories.bind([MatrixRef::from_row(&[]); 2], &[], sgd())).unwrap();
            assert_same(&memories.values(&c), &want, "a product somewhere");
            assert_only_written(&before, &memories, &[c], "a product somewhere");
        }
    }

    /// Whatever numbers a place is made of, it is an error or reaches no farther than the program says.
    #[test]
    fn places_of_any_numbers_are_refused_or_addressable(
        rows in any_number(), cols in any_number(), row in any_number(), col in any_number(), width in any_number(), offset in any_number(),
    ) {
        let layout = Layout { rows, cols, strides: Strides { row, col }, width };
        let z = Place { slot: Slot::Work, offset, layout };
        for op in [Op::Softmax { x: None, z }, Op::AddSquares { before: at(Slot::First, 0, 1, 1), x: z, sum: at(Slot::First, 1, 1, 1) }] {
            match program([op]) {
                Ok(program) => {
                    let needed = program.needed(Slot::Work);
                    assert!(isize::try_from(needed * size_of::<f32>()).is_ok());
                    if rows > 0 && cols > 0 {
                        assert_eq!(needed, offset + (rows - 1) * row + (cols - 1) * col + 1 + width - cols);
                    } else {
                        assert_eq!(needed, offset);
                    }
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}
