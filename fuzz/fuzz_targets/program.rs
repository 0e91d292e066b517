//! Programs of any places: refused with an error, or they run on memory of just the length they ask for and write to nothing but the
//! elements and padding of their outputs. AddressSanitizer sees what reaches outside.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use nxm_kernels::call::Op;
use nxm_kernels::program::{Bindings, Instruction, ParameterMemory, Place, Places, Program, Slot};
use nxm_kernels::{Activation, Cpu, Decay, Init, Layout, Level, MatrixRef, Phase, Region, Rule, Strides};

#[derive(Debug, Arbitrary)]
struct Input {
    /// Examples, inputs and units: most kernels fit.
    sides: [u8; 3],
    calls: Vec<Call>,
    level: u8,
    /// The data's own column stride.
    spread: u8,
}

#[derive(Debug, Arbitrary)]
struct Call {
    kernel: u8,
    activation: u8,
    places: [Spot; 6],
}

/// A place: mostly a small one that fits, at times any numbers.
#[derive(Debug, Arbitrary, Clone, Copy)]
struct Spot {
    slot: u8,
    offset: u8,
    /// Padding, gap behind it, and what else is different.
    padding: u8,
    gap: u8,
    oddity: u8,
    number: usize,
}

/// Sides and memories of programs that are run: larger ones would be slow.
const MOST: usize = 1 << 16;

impl Spot {
    fn place(self, rows: usize, cols: usize) -> Place {
        let slots = [Slot::Work, Slot::Work, Slot::Parameters, Slot::First, Slot::Second, Slot::Inputs, Slot::Targets];
        let width = cols + self.padding as usize % 20;
        let row = width + self.gap as usize % 4;
        let mut layout = Layout { rows, cols, strides: Strides { row, col: 1 }, width };
        let mut offset = self.offset as usize;
        match self.oddity {
            0 => layout.rows = self.number,
            1 => layout.cols = self.number,
            2 => layout.strides.row = self.number,
            3 => layout.strides.col = self.number,
            4 => layout.width = self.number,
            5 => offset = self.number,
            6 => layout = Layout::strided(rows, cols, Strides { row: 1, col: rows + self.gap as usize }),
            _ => {}
        }
        Place { slot: slots[self.slot as usize % slots.len()], offset, layout }
    }
}

/// The call, and what it writes.
fn op(call: &Call, [b, n, m]: [usize; 3]) -> (Op<Places<f32>>, Vec<Place>) {
    let [p, q, r, s, t, u] = call.places;
    let activations = Activation::samples();
    let activation = activations[call.activation as usize % activations.len()];
    let parameters = activation.rounded();
    let one = |spot: Spot| spot.place(1, 1);
    match call.kernel % 12 {
        0 => {
            let (a, b, bias, c) = (p.place(b, n), q.place(n, m), r.place(1, m), s.place(b, m));
            (Op::Gemm { a, b, init: Init::Bias(bias), c }, vec![c])
        }
        1 => {
            let (x, weights, bias, a, sums) =
                (p.place(b, n), q.place(n, m), r.place(1, m), s.place(b, m), t.place(b, m));
            let op = Op::DenseForward { x, weights, bias, activation, parameters, sums: Some(sums), a };
            (op, vec![a, sums])
        }
        2 => {
            let (delta, weights, kept, d) = (p.place(b, m), q.place(n, m), r.place(b, n), s.place(b, n));
            (Op::DenseInputGradient { delta, weights, activation, parameters, kept, d }, vec![d])
        }
        3 => {
            let (x, delta, weights, first) = (p.place(b, n), q.place(b, m), r.place(n, m), s.place(n, m));
            let op = Op::DenseUpdate { x, delta, rule: (), weights, state: [Some(first), None] };
            (op, vec![weights, first])
        }
        4 => {
            let (gradient, weights, first) = (p.place(n, m), q.place(n, m), r.place(n, m));
            let op = Op::Update { rule: (), gradient, weights, state: [Some(first), None, None] };
            (op, vec![weights, first])
        }
        5 => {
            let (a, sum) = (p.place(b, m), q.place(1, m));
            (Op::ColumnSum { a, sum }, vec![sum])
        }
        6 => {
            let z = p.place(b, m);
            (Op::Softmax { z }, vec![z])
        }
        7 => {
            let (kept, delta) = (p.place(b, m), q.place(b, m));
            (Op::Derive { activation, parameters, kept, delta }, vec![delta])
        }
        8 => {
            let (outputs, targets, delta, loss) = (p.place(b, m), q.place(b, m), r.place(b, m), one(s));
            (Op::MeanSquaredError { outputs, targets, mean: 0.5, slope: 1.0, delta, loss }, vec![delta, loss])
        }
        9 => {
            let (logits, losses, delta, loss) = (p.place(b, m), q.place(1, b), r.place(b, m), one(s));
            (Op::CrossEntropy { logits, labels: b, mean: 0.5, losses, delta, loss }, vec![losses, delta, loss])
        }
        10 => {
            let (a, x, y) = (p.place(n, m), q.place(1, m), r.place(1, n));
            (Op::Gemv { a, x, y }, vec![y])
        }
        _ => {
            let (before, x, sum, factor) = (one(p), q.place(b, m), one(r), one(t));
            match call.activation % 2 {
                0 => (Op::AddSquares { before, x, sum }, vec![sum]),
                _ => (Op::Scale { factor, x: u.place(b, m) }, vec![u.place(b, m)]),
            }
        }
    }
}

/// Where an element or padding of a place stands.
fn held(place: &Place) -> impl Iterator<Item = usize> {
    let Place { offset, layout: Layout { rows, cols, width, strides }, .. } = *place;
    let (rows, width) = if rows == 0 || cols == 0 { (0, 0) } else { (rows, width) };
    (0..rows).flat_map(move |i| (0..width).map(move |j| offset + i * strides.row + j * strides.col))
}

fuzz_target!(|input: Input| {
    let sides = input.sides.map(|side| side as usize % 40);
    let mut written = Vec::new();
    let mut instructions = Vec::new();
    for (layer, call) in input.calls.iter().enumerate().take(4) {
        let (op, outputs) = op(call, sides);
        written.extend(outputs);
        instructions.push(Instruction { region: Region { phase: Phase::Forward, layer }, op });
    }
    let rule = Rule::Momentum { learning_rate: 0.1, momentum: 0.9, decay: Decay::L2(0.01) };
    let count = instructions.len();
    let program = match Program::new(instructions, &rule.map(f64::from)) {
        Ok(program) => program,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let slots = [Slot::Parameters, Slot::First, Slot::Second, Slot::Work];
    let needed = slots.map(|slot| program.needed(slot));
    // Even without elements a matrix may have sides that take long to walk along.
    let is_long = |spot: Spot| spot.oddity < 2 && spot.number > MOST;
    if needed.iter().any(|needed| *needed > MOST) || input.calls.iter().flat_map(|call| call.places).any(is_long) {
        return;
    }
    let before = needed.map(|len| (0..len).map(|i| (i % 23) as f32 / 8.0 - 1.0).collect::<Vec<f32>>());
    let mut memories = before.clone();
    let [b, n, m] = sides;
    // Data of whatever shape the program wants: its errors say which.
    let spread = 1 + input.spread as usize % 3;
    let numbers = vec![0.5f32; 3 * 40 * 40 + 1];
    let data = |cols: usize| MatrixRef::with_strides(&numbers, b, cols, spread * cols, spread).expect("enough numbers");
    let labels: Vec<u32> = (0..b).map(|i| (i % m.max(1)) as u32).collect();
    let levels: Vec<Level> = Level::available().collect();
    let cpu = Cpu::new(levels[input.level as usize % levels.len()], 1);
    let mut ran = false;
    for (inputs, targets) in [(n, m), (m, m), (m, n), (n, n)] {
        let [parameters, first, second, work] = memories.each_mut();
        let bindings = &mut Bindings::new(ParameterMemory::Exclusive(parameters), work, data(inputs))
            .with_state(first, second)
            .with_targets(data(targets))
            .with_labels(&labels)
            .with_rule(rule);
        if program.run(0..count, &cpu, bindings).is_ok() {
            ran = true;
            break;
        }
        assert_eq!(memories, before, "a run that was refused changed something");
    }
    for (i, slot) in slots.into_iter().enumerate() {
        let mut own = vec![false; needed[i]];
        if ran {
            written.iter().filter(|place| place.slot == slot).flat_map(held).for_each(|at| own[at] = true);
        }
        for (at, own) in own.into_iter().enumerate() {
            assert!(
                own || memories[i][at].to_bits() == before[i][at].to_bits(),
                "wrote at {at} of {slot:?}: {input:?}"
            );
        }
    }
});
