//! A layer's product: its operands, N×M's result and each peer's, and how they are compared.

use nxm_kernels::{Cpu, Executor, Init, MatrixMut, MatrixRef, gemm};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::library::{LIBRARIES, Library, Number, Stored, StoredMatrix, multiply};
use nxm_benches::fma::Peak;

/// Which of the three products of training.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    /// X·W + b.
    Forward,
    /// Xᵀ·δ.
    WeightGradient,
    /// δ·Wᵀ.
    InputGradient,
}

pub const FORMS: [Form; 3] = [Form::Forward, Form::WeightGradient, Form::InputGradient];

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Form::Forward => "forward X·W",
            Form::WeightGradient => "weight grad. Xᵀ·δ",
            Form::InputGradient => "input grad. δ·Wᵀ",
        }
    }
}

/// B examples, N inputs, M units.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub b: usize,
    pub n: usize,
    pub m: usize,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}×{}×{}", self.b, self.n, self.m))
    }
}

impl Shape {
    pub fn new(b: usize, n: usize, m: usize) -> Shape {
        Shape { b, n, m }
    }

    /// Floating-point operations of any of the three products: an fma is two.
    pub fn flops(self) -> f64 {
        2.0 * (self.b * self.n * self.m) as f64
    }

    /// Elements of both operands and of the result, whichever is the product.
    pub fn elements(self) -> usize {
        self.b * self.n + self.n * self.m + self.b * self.m
    }
}

/// Numbers in [−1, 1) from a fixed seed.
pub fn numbers<T: Number>(len: usize, seed: u64) -> Vec<T> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..len).map(|_| T::from_f64((random.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0)).collect()
}

/// Who takes part in a race.
#[derive(Clone, Copy, PartialEq)]
pub enum Contestant {
    /// N×M.
    Nxm,
    /// A peer. `Transposed` is a forward product from weights that are stored as Wᵀ: what suits some of them better.
    Peer(Library, Stored),
    /// Multiply-adds on registers.
    Peak,
}

impl std::fmt::Display for Contestant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Contestant::Nxm => f.write_str("N×M"),
            Contestant::Peer(library, Stored::Plain) => f.write_str(library.name()),
            Contestant::Peer(library, Stored::Transposed) => write!(f, "{} from Wᵀ", library.name()),
            Contestant::Peak => f.write_str("FMA peak"),
        }
    }
}

/// N×M, every peer in every layout that this form has, and the peak.
pub fn contestants(form: Form) -> Vec<Contestant> {
    let mut all = vec![Contestant::Nxm];
    all.extend(LIBRARIES.iter().map(|library| Contestant::Peer(*library, Stored::Plain)));
    if form == Form::Forward {
        all.extend(LIBRARIES.iter().map(|library| Contestant::Peer(*library, Stored::Transposed)));
    }
    all.push(Contestant::Peak);
    all
}

/// The operands of one product.
pub struct Product<T> {
    pub shape: Shape,
    pub form: Form,
    cpu: Cpu,
    a: Vec<T>,
    b: Vec<T>,
    /// Wᵀ by rows, for peers' forward products.
    b_transposed: Vec<T>,
    bias: Vec<T>,
    c: Vec<T>,
}

impl<T: Number> Product<T> {
    /// The same data for `cpu`.
    pub fn on(&mut self, cpu: Cpu) -> &mut Self {
        self.cpu = cpu;
        self
    }

    pub fn new(shape: Shape, form: Form, cpu: Cpu) -> Product<T> {
        let (m, k, n) = rows_inner_cols(shape, form);
        let b: Vec<T> = numbers(k * n, 2);
        let b_transposed = match form {
            Form::Forward => (0..k * n).map(|i| b[i % k * n + i / k]).collect(),
            _ => Vec::new(),
        };
        let (a, bias, c) = (numbers(m * k, 1), numbers(n, 3), vec![T::default(); m * n]);
        Product { shape, form, cpu, a, b, b_transposed, bias, c }
    }

    /// Lets `who` compute the product `calls` times.
    pub fn run(&mut self, who: Contestant, calls: usize) {
        for _ in 0..calls {
            match who {
                Contestant::Nxm => nxm(&self.cpu, self.shape, self.form, (&self.a, &self.b, &self.bias), &mut self.c),
                Contestant::Peer(library, stored) => self.peer(library, stored),
                Contestant::Peak => {
                    self.cpu.level().dispatch::<T, _>(Peak::default());
                }
            }
        }
    }

    fn peer(&mut self, library: Library, stored: Stored) {
        let (m, k, n) = rows_inner_cols(self.shape, self.form);
        let as_if = |transposed: bool| if transposed { Stored::Transposed } else { Stored::Plain };
        let a = StoredMatrix { data: &self.a[..], rows: m, cols: k, stored: as_if(self.form == Form::WeightGradient) };
        let b = match (self.form, stored) {
            (Form::Forward, Stored::Transposed) => {
                StoredMatrix { data: &self.b_transposed[..], rows: k, cols: n, stored }
            }
            (form, _) => {
                StoredMatrix { data: &self.b[..], rows: k, cols: n, stored: as_if(form == Form::InputGradient) }
            }
        };
        multiply(library, self.cpu.threads(), a, b, &mut self.c);
    }

    /// Compares every peer's result with N×M's. Panics where they differ by more than rounding can explain.
    ///
    /// A sum of k products errs by at most γₖ·(|A|·|B|), γₖ = k·u/(1 − k·u), in any order, with or without fma; so two of
    /// them differ by at most twice that. The bias is one more term.
    pub fn check(&mut self) {
        let (m, k, n) = rows_inner_cols(self.shape, self.form);
        let abs = |x: &[T]| -> Vec<T> { x.iter().map(|x| T::from_f64(x.to_f64().abs())).collect() };
        let (a, b, bias) = (abs(&self.a), abs(&self.b), abs(&self.bias));
        let mut size = vec![T::default(); m * n];
        nxm(&self.cpu, self.shape, self.form, (&a, &b, &bias), &mut size);
        self.run(Contestant::Nxm, 1);
        let ours = self.c.clone();
        let ku = (k + 2) as f64 * T::UNIT_ROUNDOFF;
        let gamma = ku / (1.0 - ku);
        for who in contestants(self.form).into_iter().filter(|who| matches!(who, Contestant::Peer(..))) {
            self.c.fill(T::from_f64(f64::NAN));
            self.run(who, 1);
            for (i, (ours, theirs)) in ours.iter().zip(&self.c).enumerate() {
                let bias = if self.form == Form::Forward { self.bias[i % n].to_f64() } else { 0.0 };
                let error = (theirs.to_f64() + bias - ours.to_f64()).abs();
                let bound = 2.0 * gamma * size[i].to_f64();
                assert!(error <= bound, "{} {}: {who} differs by {error} at element {i}", self.shape, self.form.name());
            }
        }
    }
}

/// Rows of A and C, columns of A, columns of C.
fn rows_inner_cols(shape: Shape, form: Form) -> (usize, usize, usize) {
    let Shape { b, n, m } = shape;
    match form {
        Form::Forward => (b, n, m),
        Form::WeightGradient => (n, b, m),
        Form::InputGradient => (b, m, n),
    }
}

/// N×M's product, from (A, B, bias).
fn nxm<T: Number>(cpu: &Cpu, shape: Shape, form: Form, (a, b, bias): (&[T], &[T], &[T]), c: &mut [T]) {
    let (m, k, n) = rows_inner_cols(shape, form);
    let a = match form {
        Form::WeightGradient => MatrixRef::new(a, k, m).expect("k × m").transpose(),
        _ => MatrixRef::new(a, m, k).expect("m × k"),
    };
    let b = match form {
        Form::InputGradient => MatrixRef::new(b, n, k).expect("n × k").transpose(),
        _ => MatrixRef::new(b, k, n).expect("k × n"),
    };
    let init = match form {
        Form::Forward => Init::Bias(bias),
        _ => Init::Zero,
    };
    gemm(cpu, a, b, init, MatrixMut::new(c, m, n).expect("m × n")).expect("shapes that fit");
}
