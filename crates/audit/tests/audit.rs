//! x
use nxm_audit::trace;
use nxm_count::Vectors;
use nxm_kernels::*;
#[test]
fn first() {
    for level in Level::available() {
        let cpu = Cpu::new(level, 1);
        for n in [1, 7, 30, 100] {
            let (x, y) = (vec![1.0f32; n], vec![2.0f32; n]);
            let t = std::time::Instant::now();
            let machine = trace(|| { std::hint::black_box(dot(&cpu, &x, &y).unwrap()); }).unwrap();
            let formula = Vectors::of::<f32>(level).dot(n as u128).unwrap().executed().unwrap();
            println!("{level} {n} {} {:?} {:?}", machine.instructions(), machine.by_name().collect::<Vec<_>>(), t.elapsed());
            assert_eq!(machine.kinds().unwrap(), *formula.own());
        }
    }
}
