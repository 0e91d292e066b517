//! x
use nxm_audit::trace;
use nxm_count::{Tally, Vectors};
use nxm_kernels::*;
fn look<T: Element>(name: &str, level: Level, tally: Tally, f: impl FnMut()) {
    let machine = trace(f).unwrap();
    let formula = tally.executed().unwrap();
    let formula = nxm_audit::expected(&formula, nxm_audit::rewrites(level, level.shape::<T>())).unwrap();
    let got = machine.kinds().unwrap();
    if got == formula { println!("ok {level} {name} {}", machine.instructions()); } else {
        println!("DIFF {level} {name} machine {got:?} formula {formula:?}\n     {:?}", machine.by_name().map(|(l, n, c)| format!("{n}/{}:{c}", l.width.name())).collect::<Vec<_>>());
    }
}
fn num<T: Element>(n: usize) -> Vec<T> { (0..n).map(|i| T::from_f64(((i * 37 % 101) as f64 - 50.0) / 50.0)).collect() }
fn all<T: Element>() {
    for level in Level::available() {
        let cpu = Cpu::new(level, 1);
        let v = Vectors::of::<T>(level);
        let nm = |s: &str| format!("{} {s}", T::NAME);
        for n in [7, 70] {
            let (x, y) = (num::<T>(n), num::<T>(n));
            look::<T>(&nm("dot"), level, v.dot(n as u128).unwrap(), || { std::hint::black_box(dot(&cpu, &x, &y).unwrap()); });
            let mut z = num::<T>(n);
            look::<T>(&nm("axpy"), level, v.axpy(n as u128).unwrap(), || axpy(&cpu, T::from_f64(0.3), &x, &mut z).unwrap());
            for f in Function::ALL {
                let mut z = num::<T>(n);
                look::<T>(&nm(f.name()), level, v.apply(f, n as u128).unwrap(), || apply(&cpu, f, &mut z));
            }
            for f in Activation::ALL {
                let mut z = num::<T>(n);
                look::<T>(&nm(&format!("{f} fwd")), level, v.activation_forward(f, n as u128).unwrap(), || f.forward(&cpu, &mut z));
                look::<T>(&nm(&format!("{f} bwd")), level, v.activation_backward(f, n as u128).unwrap(), || f.backward(&cpu, &x, &mut z).unwrap());
            }
            let mut z = num::<T>(3 * n);
            look::<T>(&nm("softmax"), level, v.softmax(3, n as u128).unwrap(), || softmax(&cpu, MatrixMut::new(&mut z, 3, n).unwrap()));
        }
        let (m, k, n) = (5, 7, 19);
        let (a, b, bias, mut c) = (num::<T>(m * k), num::<T>(k * n), num::<T>(n), num::<T>(m * n));
        let (xm, xk, xn) = (num::<T>(m), num::<T>(k), num::<T>(n));
        look::<T>(&nm("gemm"), level, v.gemm(5, 7, 19).unwrap(), || gemm(&cpu, MatrixRef::new(&a, m, k).unwrap(), MatrixRef::new(&b, k, n).unwrap(), Init::Bias(&bias), MatrixMut::new(&mut c, m, n).unwrap()).unwrap());
        look::<T>(&nm("gemm dWt"), level, v.gemm(5, 7, 19).unwrap(), || gemm(&cpu, MatrixRef::new(&a, m, k).unwrap(), MatrixRef::new(&b, n, k).unwrap().transpose(), Init::Zero, MatrixMut::new(&mut c, m, n).unwrap()).unwrap());
        look::<T>(&nm("gemm xTd"), level, v.gemm(5, 7, 19).unwrap(), || gemm(&cpu, MatrixRef::new(&a, k, m).unwrap().transpose(), MatrixRef::new(&b, k, n).unwrap(), Init::Zero, MatrixMut::new(&mut c, m, n).unwrap()).unwrap());
        let bm = MatrixRef::new(&b, k, n).unwrap();
        let mut yk = xk.clone(); let mut yn = xn.clone();
        look::<T>(&nm("gemv"), level, v.gemv(7, 19).unwrap(), || gemv(&cpu, bm, &xn, &mut yk).unwrap());
        look::<T>(&nm("gemvT"), level, v.gemv_transposed(7, 19).unwrap(), || gemv_transposed(&cpu, bm, &xk, &mut yn).unwrap());
        look::<T>(&nm("colsum"), level, v.column_sum(7, 19).unwrap(), || column_sum(&cpu, bm, &mut yn).unwrap());
        look::<T>(&nm("ger"), level, v.ger(5, 19).unwrap(), || ger(&cpu, T::from_f64(0.3), &xm, &xn, MatrixMut::new(&mut c, m, n).unwrap()).unwrap());
    }
}
#[test]
fn first() { all::<f32>(); all::<f64>(); }
