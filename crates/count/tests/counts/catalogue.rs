//! That every kernel of the catalogue is among the cases of these tests.

use std::collections::BTreeSet;

use crate::cases::{Case, Draw, Laid, Recording, with_room};
use crate::dense::{Does, Layer, OfLayer};
use crate::losses::{LOSSES, OfBatch};
use crate::matrices::{FORMS, Gemm, MatrixAndVectors, ON_MATRIX, Order, Scaled};
use crate::norms::{NORMS, OfNorm};
use crate::rules::Choice;
use crate::vectors::{ByRows, ClipScale, Elements, InverseNorm, OfLength, OnElements, OnRows, OnVectors};
use nxm_kernels::{Activation, Cpu, Function, Level, Operation};

#[test]
fn every_kernel_has_a_case() {
    let mut cases: Vec<Box<dyn Case<f64> + Send>> = vec![Box::new(ClipScale), Box::new(InverseNorm)];
    for kernel in [OnVectors::Dot, OnVectors::DotInF64, OnVectors::Axpy, OnVectors::Sgd] {
        cases.push(Box::new(OfLength { kernel, n: 3 }));
    }
    let (f, choice) = (Activation::Tanh, Choice { rule: 0, decay: 0 });
    let on_elements = [
        OnElements::Apply(Function::Exp),
        OnElements::Activate(f),
        OnElements::Derive(f),
        OnElements::Scale,
        OnElements::Clamp,
        OnElements::Update(choice),
        OnElements::AddSquares,
    ];
    for kernel in on_elements {
        cases.push(Box::new(Elements { kernel, rows: 2, cols: 3, laid: [Laid::Plain; 2] }));
    }
    for kernel in [OnRows::Softmax, OnRows::LogSoftmax, OnRows::LogSumExp] {
        cases.push(Box::new(ByRows { kernel, rows: 2, cols: 3, laid: Laid::Plain }));
    }
    for kind in LOSSES {
        cases.push(Box::new(OfBatch { kind, rows: 2, cols: 3, laid: [Laid::Plain; 4], columns: false }));
    }
    for kind in NORMS {
        cases.push(Box::new(OfNorm { kind, rows: 2, cols: 3, laid: [Laid::Plain; 4] }));
    }
    cases.push(Box::new(Gemm { form: FORMS[0], m: 2, k: 3, n: 4 }));
    cases.push(Box::new(Scaled { m: 2, k: 3, n: 4, alpha: 0.5, beta: 0.5, order: Order::Rows }));
    for kernel in ON_MATRIX {
        cases.push(Box::new(MatrixAndVectors { kernel, rows: 2, cols: 3, laid: [Laid::Plain; 2] }));
    }
    let layer = Layer { rows: 2, n: 3, m: 4 };
    for does in [Does::Forward(f), Does::InputGradient(f), Does::WeightGradient, Does::Update(choice)] {
        cases.push(Box::new(OfLayer { layer, does, laid: [Laid::Plain; 3] }));
    }
    let cpu = Cpu::new(Level::named("scalar").unwrap(), 1);
    let names = with_room(move || {
        let recorded = cases.iter().flat_map(|case| {
            let recording = Recording::new(&cpu);
            case.run(&recording, Draw::Usual);
            recording.operations()
        });
        recorded.map(|operation| operation.name()).collect::<BTreeSet<_>>()
    });
    assert_eq!(names, BTreeSet::from(Operation::NAMES));
}

/// The rows that docs/adding-a-kernel.md shows stand in the files that it names.
#[test]
fn the_page_about_adding_shows_what_stands_in_the_code() {
    let page = include_str!("../../../../docs/adding-a-kernel.md");
    let code = [
        include_str!("../../../kernels/src/math.rs"),
        include_str!("../../../kernels/src/activation.rs"),
        include_str!("../../src/formula/functions.rs"),
    ];
    let (_, example) = page.split_once("```text\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let mut shown = 0;
    let mut files = code.iter();
    let mut file = "";
    for line in example.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("// ") {
            file = files.next().unwrap_or_else(|| panic!("{name} is one file too many"));
            continue;
        }
        assert!(file.lines().any(|row| row.trim() == line), "no such row: {line}");
        shown += 1;
    }
    assert!(shown > 6 && files.next().is_none());
}

/// The table of kernels in the README has one row for each kernel, in the order of the catalogue.
#[test]
fn the_readme_has_a_row_for_every_kernel() {
    let readme = include_str!("../../../../README.md");
    let (_, table) = readme.split_once("| kernel | formula | operations |").expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let names: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert_eq!(names, Operation::NAMES);
}
