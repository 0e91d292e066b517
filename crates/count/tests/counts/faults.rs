//! `verify` can fail: executors that do something else than the step asks of them, each of which must be caught, in its region.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cases::with_room;
use nxm_count::{Activation, Counted, Formulas, Loss, NetworkSpec, Run, Tally, Verification, verify_on};
use nxm_kernels::{Call, Cpu, Element, Executor, Init, Level, MatrixMut, MatrixRef, Phase, Region};

/// What an executor does besides or instead of one call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Nothing wrong.
    None,
    /// Leaves the call out: one multiply-add, which updates the only bias of the last layer.
    TooFew,
    /// Executes one multiply-add more in its region.
    TooMany,
    /// Executes one multiplication for its one multiply-add.
    OtherKind,
    /// Books it under another phase.
    OtherPhase,
    /// Books it under another layer.
    OtherLayer,
    /// Books it under no region.
    NoRegion,
    /// Loads and stores one number more, and computes nothing more.
    MoreBytes,
}

/// The call that a fault happens at: the update of the last layer's bias, of one unit.
const AT: Region = Region { phase: Phase::Update, layer: 1 };

/// Runs calls by `counted`, but for a fault.
struct Faulty<'a> {
    counted: &'a Counted,
    fault: Fault,
    /// Calls that were seen in the region of the fault: the first updates the weights, the second the bias.
    seen: AtomicUsize,
}

impl Faulty<'_> {
    fn run<T: Element>(&self, call: Call<'_, T>, region: Option<Region>) {
        let is_here = region == Some(AT) && self.seen.fetch_add(1, Ordering::Relaxed) == 1;
        let run = |call: Call<'_, T>, region| T::run(self.counted, call, region);
        if !is_here {
            return run(call, region);
        }
        let (x, mut y) = ([T::ONE], [T::ONE]);
        let view = MatrixRef::from_row(&x);
        match self.fault {
            Fault::None => run(call, region),
            Fault::TooMany => {
                run(call, region);
                run(Call::axpy(T::ONE, view, MatrixMut::from_row(&mut y)).unwrap(), region);
            }
            Fault::TooFew => {}
            Fault::OtherKind => run(Call::scale(view, MatrixMut::from_row(&mut y)).unwrap(), region),
            Fault::OtherPhase => run(call, Some(Region { phase: Phase::Clip, ..AT })),
            Fault::OtherLayer => run(call, Some(Region { layer: 0, ..AT })),
            Fault::NoRegion => run(call, None),
            Fault::MoreBytes => {
                run(call, region);
                // C ← A·B + C of sums without terms.
                let (a, b) = (MatrixRef::new(&[], 1, 0).unwrap(), MatrixRef::new(&[], 0, 1).unwrap());
                let c = MatrixMut::from_row(&mut y);
                run(Call::gemm(a, b.into(), Init::Accumulate, c).unwrap(), region);
            }
        }
    }
}

impl Executor for Faulty<'_> {
    fn level(&self) -> Level {
        self.counted.level()
    }
    fn threads(&self) -> usize {
        self.counted.threads()
    }
    fn run_f32(&self, call: Call<'_, f32>, region: Option<Region>) {
        self.run(call, region);
    }
    fn run_f64(&self, call: Call<'_, f64>, region: Option<Region>) {
        self.run(call, region);
    }
}

fn network() -> NetworkSpec {
    NetworkSpec::new([5, 4, 1], Activation::Relu, Activation::Identity, Loss::MeanSquaredError).unwrap()
}

fn verified<T: Element>(fault: Fault) -> Verification {
    let counted = Counted::new(Cpu::new(Level::detect().unwrap(), 1));
    let faulty = Faulty { counted: &counted, fault, seen: AtomicUsize::new(0) };
    let verification = with_room(|| verify_on::<T>(&network(), 3, &counted, &faulty)).unwrap();
    assert!(faulty.seen.into_inner() >= 2, "the step has no second update");
    verification
}

fn each_is_caught<T: Element>() {
    let right = verified::<T>(Fault::None);
    assert!(right.agrees() && right.differences().is_empty());
    let other_phase = Region { phase: Phase::Clip, ..AT };
    let other_layer = Region { layer: 0, ..AT };
    for (fault, regions) in [
        (Fault::TooFew, vec![Some(AT)]),
        (Fault::TooMany, vec![Some(AT)]),
        (Fault::OtherKind, vec![Some(AT)]),
        (Fault::OtherPhase, vec![Some(other_phase), Some(AT)]),
        (Fault::OtherLayer, vec![Some(other_layer), Some(AT)]),
        (Fault::NoRegion, vec![None, Some(AT)]),
        (Fault::MoreBytes, vec![Some(AT)]),
    ] {
        let wrong = verified::<T>(fault);
        assert!(!wrong.agrees(), "{fault:?}");
        let found: Vec<_> = wrong.differences().iter().map(|difference| difference.region).collect();
        assert_eq!(found, regions, "{fault:?}");
        let difference = wrong.differences().last().unwrap();
        let [counted, formula] = [difference.counted, difference.formula].map(|tally| tally.useful);
        match fault {
            Fault::TooMany => assert_eq!(counted.own().fma(), formula.own().fma() + 1),
            Fault::TooFew => assert_eq!(counted.own().fma() + 1, formula.own().fma()),
            Fault::OtherKind => assert_eq!((counted.own().fma() + 1, counted.own().mul()), (formula.own().fma(), 1)),
            Fault::MoreBytes => {
                assert_eq!((counted, difference.counted), (formula, difference.formula));
                assert!(difference.requested.bytes() > difference.formula_of_requests.bytes());
            }
            _ => assert_ne!(counted, formula),
        }
    }
}

#[test]
fn each_fault_is_caught_where_it_is() {
    each_is_caught::<f32>();
    each_is_caught::<f64>();
}

/// The region of the fault has one multiply-add for its bias, so that one too few is one too few.
#[test]
fn the_last_bias_is_one_multiply_add() {
    let regions = Formulas::textbook::<f32>().regions(&network(), 3, Run::Step).unwrap();
    let (update, _) = regions[&AT];
    // 12 of the weights' gradient, 4 of their update and 1 of the bias's.
    assert_eq!((update.useful.own().fma(), update.padding), (17, Tally::NONE.padding));
}
