//! The masks of dropout: integers alone, each a function of the seed, the step, the layer and the place in the batch.

use nxm_kernels::Element;
use nxm_kernels::beside::{div, rounded, sub};
use nxm_kernels::program::Place;

/// Where the mask of a layer stands, and what its numbers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mask<T> {
    layer: usize,
    pub(crate) place: Place,
    /// A number is dropped if its 32 random bits are below this: ⌊rate·2³²⌋.
    threshold: u64,
    /// What the others are multiplied by: 1 / (1 − rate).
    scale: T,
}

/// Which masks are drawn: those of a step's micro-batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    /// Steps that were made before.
    pub(crate) step: u64,
    /// Micro-batches of the step before this one.
    pub(crate) part: u64,
}

impl<T: Element> Mask<T> {
    /// Of layer `layer`. Its constants are computed here, once for each outline: 1 addition, 1 div, and 1 conversion, in f64 none.
    pub(crate) fn new(layer: usize, place: Place, rate: f64) -> Mask<T> {
        Mask { layer, place, threshold: threshold(rate), scale: rounded(div(1.0, sub(1.0, rate))) }
    }

    /// Draws the mask. It executes no floating-point operation.
    pub(crate) fn fill(&self, draw: Draw, memory: &mut [T]) {
        let Place { offset, layout, .. } = self.place;
        // Hashed one after the other, so that no two of them may change places.
        let key = [draw.step, draw.part, self.layer as u64]
            .into_iter()
            .fold(hash(draw.seed), |key, part| hash(key.wrapping_add(part)));
        let pairs = layout.cols.div_ceil(2) as u64;
        for row in 0..layout.rows {
            let to = &mut memory[offset + row * layout.strides.row..][..layout.cols];
            for (pair, to) in (row as u64 * pairs..).zip(to.chunks_mut(2)) {
                let bits = hash(key.wrapping_add(pair.wrapping_mul(GOLDEN)));
                for (to, bits) in to.iter_mut().zip([bits & u64::from(u32::MAX), bits >> 32]) {
                    *to = if bits < self.threshold { T::ZERO } else { self.scale };
                }
            }
        }
    }
}

/// ⌊rate·2³²⌋ of a rate from 0 to below 1, from its bits: no floating-point operation.
fn threshold(rate: f64) -> u64 {
    let bits = rate.to_bits();
    let exponent = bits >> 52;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    // The number is mantissa · 2^(exponent − 1075). A subnormal one is nothing here.
    mantissa.checked_shr(1043u64.saturating_sub(exponent) as u32).unwrap_or(0)
}

/// 2⁶⁴ divided by the golden ratio: SplitMix64's step from one draw to the next.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's hash of its state (Steele, Lea and Flood 2014; the constants are Stafford's "Mix13").
fn hash(state: u64) -> u64 {
    let state = state.wrapping_add(GOLDEN);
    let state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

#[cfg(test)]
mod tests {
    use nxm_kernels::Layout;
    use nxm_kernels::program::Slot;

    use super::*;

    fn mask(layer: usize, rate: f64, layout: Layout, draw: Draw) -> Vec<f64> {
        let mut memory = vec![7.0; layout.span().unwrap()];
        Mask::new(layer, Place { slot: Slot::Work, offset: 0, layout }, rate).fill(draw, &mut memory);
        (0..layout.rows).flat_map(|row| memory[row * layout.strides.row..][..layout.cols].to_vec()).collect()
    }

    const DRAW: Draw = Draw { seed: 1, step: 2, part: 0 };

    #[test]
    fn thresholds_are_rates_in_units_of_two_to_the_minus_32() {
        for (rate, expected) in [(0.0, 0), (0.5, 1 << 31), (0.25, 1 << 30), (1e-300, 0), (f64::from_bits(1), 0)] {
            assert_eq!(threshold(rate), expected, "{rate}");
        }
        for rate in [0.1, 0.3, 0.9, 0.999_999] {
            assert_eq!(threshold(rate), (rate * f64::from(u32::MAX) + rate).floor() as u64, "{rate}");
        }
        assert_eq!(threshold(1.0f64.next_down()), (1 << 32) - 1);
    }

    #[test]
    fn the_share_of_zeros_is_the_rate_and_the_mean_is_1() {
        let layout = Layout::row_major(300, 301);
        let count = (layout.rows * layout.cols) as f64;
        for rate in [0.0, 0.1, 0.5, 0.9] {
            let mask = mask(3, rate, layout, DRAW);
            let zeros = mask.iter().filter(|m| **m == 0.0).count() as f64;
            // Five standard deviations of a binomial distribution.
            let deviation = 5.0 * (count * rate * (1.0 - rate)).sqrt();
            assert!((zeros - count * rate).abs() <= deviation, "{rate}: {zeros} of {count}");
            assert!(mask.iter().all(|m| *m == 0.0 || *m == 1.0 / (1.0 - rate)));
        }
    }

    #[test]
    fn masks_depend_on_seed_step_part_layer_and_place_alone() {
        let layout = Layout::row_major(20, 31);
        let first = mask(1, 0.5, layout, DRAW);
        assert_eq!(first, mask(1, 0.5, Layout::padded(20, 31, 16), DRAW));
        // A batch of fewer rows has the same first rows.
        assert_eq!(first[..5 * 31], mask(1, 0.5, Layout::row_major(5, 31), DRAW));
        for other in [
            mask(2, 0.5, layout, DRAW),
            mask(1, 0.5, layout, Draw { seed: 2, ..DRAW }),
            mask(1, 0.5, layout, Draw { step: 3, ..DRAW }),
            mask(1, 0.5, layout, Draw { part: 1, ..DRAW }),
            mask(1, 0.5, layout, Draw { seed: 2, step: 1, part: 0 }),
        ] {
            let same = first.iter().zip(&other).filter(|(a, b)| a == b).count();
            // Of 620 fair coins half are the same; five standard deviations are 62.
            assert!(same.abs_diff(310) < 62, "{same} of 620 are the same");
        }
    }
}
