//! The instructions of Muon: the directions of dense weights, made orthogonal by Newton–Schulz iterations, and the step along them.
//!
//! A program's rules keep one number of matrices. So these are programs of their own: the momenta keep one, the steps none, and biases and norms,
//! which follow AdamW in the step's own program, two.

use nxm_kernels::beside::{div, mul, rounded, sqrt, sub, whole};
use nxm_kernels::call::Op;
use nxm_kernels::program::{Instruction, Place, Slot};
use nxm_kernels::{Element, Init, MOST_STATE, Phase};

use super::{Results, Writer, update};
use crate::layout::LayerLayout;
use crate::optimizer::Muon;

/// The instructions of Muon.
#[derive(Clone, Debug)]
pub(crate) struct MuonParts<T: Element> {
    /// The directions of all dense weights. They follow the rule of the momenta.
    pub(crate) directions: Vec<Instruction<T>>,
    /// The steps along them, by gradient descent.
    pub(crate) steps: Vec<Instruction<T>>,
}

/// Memory for the iterations, one matrix after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MuonRoom {
    /// X·Xᵀ, or Xᵀ·X if that is smaller.
    gram: Place,
    /// Its square, and what the iteration makes of it.
    product: Place,
    /// ‖X‖².
    squares: Place,
    /// 1/‖X‖.
    scale: Place,
}

/// The numbers of a layer's iterations, rounded.
struct Coefficients<T> {
    /// Of X, of the product with the polynomial, in all iterations but the last.
    plain: [T; 2],
    /// The same in the last one, where they have the factor of the matrix's shape.
    last: [T; 2],
    b: T,
    c: T,
}

impl<T: Element> Coefficients<T> {
    /// For W of N × M: 6 conversions, with Nesterov one more, none in f64, 1 mul, and what the factor takes.
    fn new(muon: &Muon, layer: &LayerLayout) -> Coefficients<T> {
        let factor = muon.factor(layer.fan_in, layer.fan_out);
        Coefficients {
            plain: [rounded(muon.a), T::ONE],
            last: [rounded(mul(muon.a, factor)), rounded(factor)],
            b: rounded(muon.b),
            c: rounded(muon.c),
        }
    }
}

impl Muon {
    /// All settings, by their bits: a step asks whether they are those of its program, and compares no numbers for that.
    pub(crate) fn bits(&self) -> [u64; 12] {
        let Muon { learning_rate, momentum, weight_decay, a, b, c, epsilon, bias_learning_rate, .. } = *self;
        let Muon { bias_weight_decay, nesterov, iterations, match_rms_adamw, .. } = *self;
        let numbers = [learning_rate, momentum, weight_decay, a, b, c, epsilon, bias_learning_rate, bias_weight_decay];
        let [n0, n1, n2, n3, n4, n5, n6, n7, n8] = numbers.map(f64::to_bits);
        [n0, n1, n2, n3, n4, n5, n6, n7, n8, nesterov.into(), iterations as u64, match_rms_adamw.into()]
    }

    /// What the direction of W of N × M is multiplied by: √max(1, M/N), or 0.2·√max(N, M). PyTorch's matrix is the transpose.
    ///
    /// 1 div, 1 sqrt and 2 conversions if M is above N, else nothing; or 1 mul, 1 sqrt and 1 conversion.
    fn factor(&self, fan_in: usize, fan_out: usize) -> f64 {
        let number = |n: usize| whole(n as u64);
        if self.match_rms_adamw {
            mul(0.2, sqrt(number(fan_in.max(fan_out))))
        } else if fan_out > fan_in {
            sqrt(div(number(fan_out), number(fan_in)))
        } else {
            1.0
        }
    }
}

impl<T: Element> Writer<'_, T> {
    /// Memory for the largest matrix of each kind.
    pub(super) fn muon_room(&mut self) -> MuonRoom {
        let dense = self.layout.layers.iter().filter(|layer| layer.layer.is_dense());
        let widest = dense.map(|layer| layer.fan_in.min(layer.fan_out)).max().unwrap_or(0);
        let [gram, product] = [(); 2].map(|()| self.room.place(widest, widest));
        let [squares, scale] = [(); 2].map(|()| self.room.place(1, 1));
        MuonRoom { gram, product, squares, scale }
    }

    /// The directions, and the steps along them.
    pub(super) fn muon(&mut self, results: &Results<T>, muon: &Muon) -> MuonParts<T> {
        let before = self.instructions.len();
        let layout = self.layout;
        let dense = || layout.layers.iter().enumerate().filter(|(_, layer)| layer.layer.is_dense());
        for (l, layer) in dense() {
            let (Some(gradient), Some(room)) = (results.weight_gradients[l], results.muon) else { continue };
            self.direct(l, layer, [gradient, results.zero], room, muon);
        }
        let directions = self.instructions.split_off(before);
        for (l, layer) in dense() {
            self.push(Phase::Update, l, update(direction_of(layer), layer.weights, 0));
        }
        let steps = self.instructions.split_off(before);
        MuonParts { directions, steps }
    }

    /// The direction of a layer's weights, in place of what AdamW keeps second of other parameters. Its gradient is memory afterwards.
    ///
    /// With r = min(N, M) and c = max(N, M), each iteration takes 2·r²·c + r³ fma of three products, and r² + r·c fma and as many mul.
    fn direct(&mut self, l: usize, layer: &LayerLayout, [gradient, zero]: [Place; 2], room: MuonRoom, muon: &Muon) {
        let x = direction_of(layer);
        let momentum = Place { slot: Slot::First, ..layer.weights };
        // Nesterov's is (1 − μ)·g + μ·m; the rule adds the momentum's part.
        let share = if muon.nesterov { rounded(sub(1.0, muon.momentum)) } else { T::ZERO };
        self.push(Phase::Update, l, Op::Blend { keep: T::ZERO, add: share, x: gradient, to: x });
        let mut state = [None; MOST_STATE];
        state[0] = Some(momentum);
        self.push(Phase::Update, l, Op::Update { rule: (), gradient, weights: x, state });

        let MuonRoom { squares, scale, .. } = room;
        self.push(Phase::Update, l, Op::AddSquares { before: zero, x, sum: squares });
        self.push(Phase::Update, l, Op::InverseNorm { least: rounded(muon.epsilon), squares, to: scale });
        self.push(Phase::Update, l, Op::Scale { factor: scale, x });

        let (rows, cols) = (layer.fan_in, layer.fan_out);
        let least = rows.min(cols);
        let [gram, product] = [room.gram, room.product].map(|place| self.room.place_at(place.offset, least, least));
        let transposed = Place { layout: x.layout.transpose(), ..x };
        let Coefficients { plain, last, b, c } = Coefficients::new(muon, layer);
        for iteration in 1..=muon.iterations {
            let [a, one] = if iteration == muon.iterations { last } else { plain };
            let is_wide = rows <= cols;
            let [left, right] = if is_wide { [x, transposed] } else { [transposed, x] };
            self.push(Phase::Update, l, Op::Gemm { a: left, b: right, init: Init::Zero, c: gram });
            self.push(Phase::Update, l, Op::Gemm { a: gram, b: gram, init: Init::Zero, c: product });
            self.push(Phase::Update, l, Op::Blend { keep: c, add: b, x: gram, to: product });
            let [left, right] = if is_wide { [product, x] } else { [x, product] };
            self.push(Phase::Update, l, Op::Gemm { a: left, b: right, init: Init::Zero, c: gradient });
            self.push(Phase::Update, l, Op::Blend { keep: a, add: one, x: gradient, to: x });
        }
    }
}

/// Where the direction of a dense layer's weights stands: Muon keeps one number for each of them, and this is the memory of the second.
fn direction_of(layer: &LayerLayout) -> Place {
    Place { slot: Slot::Second, ..layer.weights }
}
