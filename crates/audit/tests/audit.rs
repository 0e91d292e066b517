//! Machine code executes the formulas: kernels, training steps and predictions, in both element types, at every level of this machine.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::hint::black_box;

use nxm_audit::{
    AuditError, Extent, Finding, Machine, assert_costs, audit_kernels, audit_prediction, audit_step, compare_costs,
    coverage,
};
use nxm_count::{Activation, Clipping, Kind, Kinds, Level, Loss, NetworkSpec, Optimizer};
use nxm_net::{Adam, AdamW, ElementType, Sgd};

fn trace(task: impl FnMut()) -> Result<Machine, AuditError> {
    // SAFETY: the tasks of these tests are kernels on one thread, and plain arithmetic.
    unsafe { nxm_audit::trace(task) }
}

fn assert_agree(findings: &[Finding]) {
    let differ = findings.iter().filter(|finding| !finding.agrees());
    let differ: Vec<_> = differ.map(|f| (&f.name, f.level.name(), f.element, f.differences(), &f.machine)).collect();
    assert!(differ.is_empty(), "{differ:#?}");
}

fn kernels(element: ElementType) {
    let audit = |level| audit_kernels(level, element, Extent::Brief).unwrap();
    let findings: Vec<Finding> = Level::available().flat_map(audit).collect();
    assert_agree(&findings);
}

/// Coverage finds the kernels' instructions in this program's file, and one that was not stepped is missed by its kernel's name.
#[test]
fn coverage_misses_what_was_not_stepped() {
    let level = Level::named("scalar").unwrap();
    let mut findings = audit_kernels(level, ElementType::F64, Extent::Brief).unwrap();
    let of_dot = |findings: &[Finding]| {
        let levels = coverage(findings).unwrap();
        assert_eq!(levels.len(), 1);
        let level = &levels[0];
        assert!(level.stepped() > 0 && level.stepped() < level.instructions, "{level:?}");
        level.stepped()
    };
    let all = of_dot(&findings);
    let before = findings.len();
    findings.retain(|finding| !finding.name.starts_with("dot_in_f64"));
    assert!(findings.len() < before);
    // It has a body of its own.
    assert!(of_dot(&findings) < all);
}

/// The first run of a kernel allocates scratch memory, and executes the same floating-point lanes as the second.
#[test]
fn the_first_run_executes_the_same_lanes() {
    use nxm_kernels::{Cpu, MatrixMut, MatrixRef, gemm_scaled};
    let (rows, inner, cols) = (3, 2, 5);
    let (a, b) = (vec![0.5f32; rows * inner], vec![0.25f32; inner * cols]);
    for level in Level::available() {
        let cpu = Cpu::new(level, 1);
        let mut c = vec![1.0f32; rows * cols];
        // α·A is a copy in scratch memory.
        let mut task = || {
            let a = MatrixRef::new(&a, rows, inner).unwrap();
            let b = MatrixRef::new(&b, inner, cols).unwrap();
            let c = MatrixMut::new(&mut c, rows, cols).unwrap();
            gemm_scaled(&cpu, black_box(0.5), a, b, black_box(1.0), c).unwrap();
        };
        // SAFETY: a kernel on one thread.
        let first = unsafe { nxm_audit::trace_first(&mut task) }.unwrap();
        let second = trace(&mut task).unwrap();
        // It took more instructions: those of the allocator.
        assert!(first.instructions() > second.instructions(), "{level}");
        assert!(second.by_name().next().is_some(), "{level}");
        assert!(first.by_name().eq(second.by_name()), "{level}: {first:?}, then {second:?}");
    }
}

#[test]
fn costs_of_ones_own_code() {
    let (mut x, y) = (black_box(1.5f64), black_box(2.5f64));
    let formula = |mul, div| Kinds::new([(Kind::Mul, mul), (Kind::Div, div)]).unwrap();
    assert_costs(formula(1, 1), || x = black_box(black_box(x * y) / y));
    let differences = compare_costs(formula(3, 1), || x = black_box(black_box(x * y) / y)).unwrap();
    let said: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("mul: 1 executed, 3 by formula, 2 fewer (1 in "), "{said:?}");
    let panic = std::panic::catch_unwind(|| {
        assert_costs(formula(0, 0), || {
            black_box(black_box(y) * y);
        });
    });
    let message = panic.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("mul: 1 executed, 0 by formula, 1 more"), "{message}");
}

#[test]
fn kernels_in_f32() {
    kernels(ElementType::F32);
}

#[test]
fn kernels_in_f64() {
    kernels(ElementType::F64);
}

/// Every setting of optimizers that makes another rule.
fn optimizers() -> [Optimizer; 11] {
    let sgd = |sgd| Optimizer::Sgd(sgd);
    let (plain, momentum) = (Sgd::default(), Sgd::default().with_momentum(0.9));
    [
        sgd(plain),
        sgd(plain.with_weight_decay(0.1)),
        sgd(momentum),
        sgd(momentum.with_weight_decay(0.1)),
        sgd(momentum.with_dampening(0.1)),
        sgd(momentum.with_nesterov(true).with_weight_decay(0.1)),
        Optimizer::adam(0.01),
        Optimizer::Adam(Adam::default().with_weight_decay(0.1)),
        Optimizer::Adam(Adam::default().with_weight_decay(0.1).with_bias_decay(false)),
        Optimizer::adamw(0.01),
        Optimizer::AdamW(AdamW::default().with_weight_decay(0.0)),
    ]
}

/// Every loss with its options.
fn losses() -> [Loss; 10] {
    let weighted = |label_smoothing, class_weights| Loss::CrossEntropy { label_smoothing, class_weights };
    [
        Loss::MeanSquaredError,
        Loss::CROSS_ENTROPY,
        weighted(0.1, vec![]),
        weighted(0.0, vec![1.0, 2.5]),
        weighted(0.1, vec![1.0, 2.5]),
        Loss::BINARY_CROSS_ENTROPY,
        Loss::BinaryCrossEntropy { positive_weights: vec![1.0, 2.5] },
        Loss::Huber { delta: 0.5 },
        Loss::PoissonNll { log_input: true },
        Loss::SoftCrossEntropy { label_smoothing: 0.1, class_weights: vec![1.0, 2.5] },
    ]
}

/// Steps that between them have every activation, optimizer, loss and sort of clipping, and different numbers.
fn steps(element: ElementType, picked: impl Fn(usize) -> bool) {
    let mut findings = Vec::new();
    for (i, (hidden, optimizer)) in
        Activation::ALL.into_iter().zip(optimizers()).enumerate().filter(|(i, _)| picked(*i))
    {
        let loss = losses()[i % losses().len()].clone();
        // What is the hidden one here is the last one elsewhere.
        let output = Activation::ALL[(i + 5) % Activation::ALL.len()];
        let clipping = [Clipping::None, Clipping::Scaled, Clipping::ByValue, Clipping::Within][i % 4];
        // Rows of nine are padded, in either type. One example has products of its own, with an update to follow and without.
        let network = NetworkSpec::new([3, 9, 2], hidden, output, loss).unwrap();
        let network = network.with_optimizer(optimizer).with_clipping(clipping);
        // Of each kind of loss some with weights of examples.
        let network = if i % 3 == 1 { network.with_example_weights() } else { network };
        let batch = [2, 1, 1, 2][i % 4];
        let step = |level| audit_step(&network, batch, level, 2 + i as u64, element).unwrap();
        findings.extend(Level::available().map(step));
    }
    assert_agree(&findings);
}

#[test]
fn steps_in_f32() {
    steps(ElementType::F32, |_| true);
}

/// A half of them, for they take long: with both sorts of clipping, and an optimizer of each sort.
#[test]
fn steps_in_f64() {
    steps(ElementType::F64, |i| i % 2 == 1 || i == 4);
}

#[test]
fn predictions() {
    for (batch, f) in [(1, Activation::Gelu), (3, Activation::Tanh)] {
        let network = NetworkSpec::new([3, 5, 2], f, Activation::Sigmoid, Loss::MeanSquaredError).unwrap();
        for level in Level::available() {
            assert_agree(&[
                audit_prediction(&network, batch, level, ElementType::F32).unwrap(),
                audit_prediction(&network, batch, level, ElementType::F64).unwrap(),
            ]);
        }
    }
}

/// The audit sees an operation more, and one less, of the network's own and of the optimizer's constants.
#[test]
fn sees_a_difference() {
    let level = Level::named("scalar").unwrap();
    let network = NetworkSpec::new([3, 2], Activation::Relu, Activation::Identity, Loss::MeanSquaredError).unwrap();
    let finding = audit_step(&network.with_optimizer(Optimizer::adam(0.1)), 2, level, 2, ElementType::F32).unwrap();
    assert!(finding.agrees());
    let names: Vec<&str> = finding.machine.by_name().map(|(_, name, _)| name).collect();
    for name in names {
        for machine in [finding.machine.with_one_more(name), finding.machine.with_one_less(name)] {
            let other = Finding { machine, ..finding.clone() };
            assert_eq!(other.differences().len(), 1, "{name}: {other:?}");
        }
    }
}

/// Operations by the names of their instructions.
fn traced(task: impl FnMut()) -> Vec<(String, u64)> {
    let machine = trace(task).unwrap();
    machine.by_name().map(|(_, name, lanes)| (name.trim_start_matches('v').to_owned(), lanes)).collect()
}

#[test]
fn counts_instructions_as_they_are_executed() {
    let (mut x, y) = (black_box(1.0f32), black_box(3.0f32));
    let named =
        |names: &[(&str, u64)]| names.iter().map(|(name, lanes)| ((*name).to_owned(), *lanes)).collect::<Vec<_>>();
    let all = traced(|| x = black_box(black_box(x * y) + 1.0) / y);
    assert_eq!(all, named(&[("mulss", 1), ("addss", 1), ("divss", 1)]));
    // The same with one operation less.
    let fewer = traced(|| x = black_box(x * y) / y);
    assert_eq!(fewer, named(&[("mulss", 1), ("divss", 1)]));
    // And with one of them five times.
    let times = black_box(5);
    let more = traced(|| (0..times).for_each(|_| x = black_box(x * y)));
    assert_eq!(more, named(&[("mulss", 5)]));
}

#[test]
fn an_unknown_instruction_is_an_error() {
    use std::arch::x86_64::{_mm_rcp_ps, _mm_set1_ps};
    // SAFETY: every x86-64 processor has SSE.
    let approximation = trace(|| unsafe {
        black_box(_mm_rcp_ps(black_box(_mm_set1_ps(3.0))));
    });
    assert!(matches!(approximation, Err(AuditError::Unclassified { ref name, .. }) if name.ends_with("rcpps")));
    let x87 = trace(|| {
        // SAFETY: leaves x87's stack as it was; of its registers the one that it uses is named.
        unsafe { std::arch::asm!("fld1", "fstp st(0)", out("st(0)") _, options(nomem, nostack)) }
    });
    assert!(matches!(x87, Err(AuditError::Unclassified { ref name, .. }) if name == "fld1"), "{x87:?}");
}

#[test]
fn refusals() {
    let network =
        NetworkSpec::new([1000, 1000], Activation::Relu, Activation::Identity, Loss::MeanSquaredError).unwrap();
    let level = Level::named("scalar").unwrap();
    let element = ElementType::F32;
    for error in [audit_step(&network, 10, level, 2, element), audit_prediction(&network, 10, level, element)] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("too large to be executed one instruction at a time"), "{error}");
    }
    // A panic in the child is its own: it is reported, and this process goes on.
    let panics = trace(|| std::panic::resume_unwind(Box::new("on purpose"))).unwrap_err();
    assert_eq!(panics, AuditError::Child { how: "panicked".to_owned() });
}
