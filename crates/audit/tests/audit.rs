//! Machine code executes the formulas: kernels in both element types and training steps, at every level of this machine.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use nxm_audit::{AuditError, Finding, Verdict, audit_kernels, audit_step, trace};
use nxm_count::{Activation, Clipping, Level, Loss, NetworkSpec, Optimizer};

fn assert_agrees(findings: &[Finding]) {
    for finding in findings {
        let verdict = finding.verdict();
        // An optimised scalar level is vectorised by the compiler, with idle lanes; this test's build is not.
        let agrees = verdict == Verdict::Exact || !cfg!(debug_assertions) && matches!(verdict, Verdict::Idle(_));
        assert!(agrees, "{verdict:?}: {finding:#?}");
    }
}

#[test]
fn kernels_in_f32() {
    for level in Level::available() {
        assert_agrees(&audit_kernels::<f32>(level).unwrap());
    }
}

#[test]
fn kernels_in_f64() {
    for level in Level::available() {
        assert_agrees(&audit_kernels::<f64>(level).unwrap());
    }
}

/// Whole steps: each loss and optimizer, clipped and not. Arithmetic in f64 is as much at every level.
#[test]
fn steps() {
    let adam = Optimizer::adam(0.01);
    let cases = [
        (Loss::MeanSquaredError, Activation::Sigmoid, Optimizer::sgd(0.1), Clipping::None),
        (Loss::CROSS_ENTROPY, Activation::Relu, Optimizer::sgd(0.1), Clipping::Scaled),
        (Loss::CROSS_ENTROPY, Activation::Gelu, adam, Clipping::None),
        (Loss::BinaryCrossEntropy, Activation::Tanh, adam, Clipping::Within),
    ];
    for (loss, hidden, optimizer, clipping) in cases {
        let network = NetworkSpec::new([3, 17, 2], hidden, Activation::Identity, loss).unwrap();
        let network = network.with_optimizer(optimizer).with_clipping(clipping);
        let findings: Vec<Finding> = Level::available().map(|level| audit_step(&network, 3, level).unwrap()).collect();
        assert_agrees(&findings);
        assert!(findings.windows(2).all(|pair| pair[0].constants == pair[1].constants), "{findings:#?}");
    }
}

/// The audit sees what it must: an operation more, one less, and those of a mask.
#[test]
fn sees_a_difference() {
    let level = Level::named("scalar").unwrap();
    let network = NetworkSpec::new([3, 2], Activation::Relu, Activation::Identity, Loss::MeanSquaredError).unwrap();
    let finding = audit_step(&network, 2, level).unwrap();
    assert_ne!(finding.verdict(), Verdict::Differs);
    let more = finding.formula.plus(&finding.formula).unwrap();
    assert_eq!(Finding { formula: more, ..finding.clone() }.verdict(), Verdict::Differs);
    let (mut x, y) = (std::hint::black_box(1.0f32), std::hint::black_box(3.0f32));
    let machine = trace(|| x = std::hint::black_box(x * y + 1.0) / y).unwrap();
    let names: Vec<&str> = machine.by_name().map(|(_, name, _)| name.trim_start_matches('v')).collect();
    assert_eq!(names, ["mulss", "addss", "divss"]);
}

#[test]
fn refusals() {
    let network =
        NetworkSpec::new([1000, 1000], Activation::Relu, Activation::Identity, Loss::MeanSquaredError).unwrap();
    let error = audit_step(&network, 10, Level::named("scalar").unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("the step is too large to be executed one instruction at a time"), "{error}");
    // A panic in the child is its own: it is reported, and this process goes on.
    let panics = trace(|| std::panic::resume_unwind(Box::new("on purpose"))).unwrap_err();
    assert_eq!(panics, AuditError::Child { how: "panicked".to_owned() });
}
