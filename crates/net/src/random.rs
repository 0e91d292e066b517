//! Random numbers that are the same for a seed everywhere: xoshiro256++ (Blackman and Vigna 2021), seeded by SplitMix64.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator of a seed.
pub(crate) fn generator(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// The generator of an epoch: a function of seed and epoch alone, so that a run can be taken up at any epoch.
///
/// The seed is hashed first (by one draw), so that (seed, epoch + 1) and (seed + 1, epoch) have nothing in common.
pub(crate) fn epoch_generator(seed: u64, epoch: usize) -> Xoshiro256PlusPlus {
    generator(generator(seed).next_u64().wrapping_add(epoch as u64))
}

/// Uniform in [−bound, bound): bound · (2u − 1), where u is the upper 53 bits of a draw times 2⁻⁵³.
#[allow(clippy::float_arithmetic, reason = "made once, before the first step")]
pub(crate) fn uniform(random: &mut impl Rng, bound: f64) -> f64 {
    let u = (random.next_u64() >> 11) as f64 * f64::EPSILON / 2.0;
    bound * (2.0 * u - 1.0)
}

/// Normal with mean 0 and deviation 1 (Box and Muller 1958): √(−2·ln(1 − u))·cos(2πv), where u and v are made as in [`uniform`]. `libm` computes the
/// logarithm and the cosine, because those of the system differ from one system to the next.
#[allow(clippy::float_arithmetic, reason = "made once, before the first step")]
pub(crate) fn normal(random: &mut impl Rng) -> f64 {
    let mut u = || (random.next_u64() >> 11) as f64 * f64::EPSILON / 2.0;
    let radius = (-2.0 * libm::log(1.0 - u())).sqrt();
    radius * libm::cos(std::f64::consts::TAU * u())
}

/// Uniform in 0 .. n, each number equally likely (Lemire 2019: the upper half of draw · n, where draws whose lower half
/// is below 2⁶⁴ mod n are rejected). Panics if n is 0.
fn below(random: &mut impl Rng, n: u64) -> u64 {
    let rejected = n.wrapping_neg() % n;
    loop {
        let product = u128::from(random.next_u64()) * u128::from(n);
        if product as u64 >= rejected {
            return (product >> 64) as u64;
        }
    }
}

/// Fisher and Yates's shuffle: every order equally likely.
pub(crate) fn shuffle<A>(random: &mut impl Rng, items: &mut [A]) {
    for last in (1..items.len()).rev() {
        let chosen = below(random, last as u64 + 1) as usize;
        items.swap(last, chosen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws that were written down beforehand.
    struct Draws(std::vec::IntoIter<u64>);

    impl rand_core::TryRng for Draws {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok((self.try_next_u64()? >> 32) as u32)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(self.0.next().expect("enough draws"))
        }
        fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
            to.fill(0);
            Ok(())
        }
    }

    #[test]
    fn bounded_integers_reject_the_draws_that_would_favour_some() {
        // 2⁶⁴ mod 3 = 1: of the draws, 0 is the one too many.
        assert_eq!(below(&mut Draws(vec![0, 1].into_iter()), 3), 0);
        assert_eq!(below(&mut Draws(vec![u64::MAX].into_iter()), 3), 2);
        assert_eq!(below(&mut Draws(vec![7].into_iter()), 1), 0);
    }

    #[test]
    fn every_order_is_about_as_likely() {
        let mut random = generator(5);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            shuffle(&mut random, &mut items);
            *seen.entry(items).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 6);
        // 1000 expected, standard deviation √(6000 · 1/6 · 5/6) ≈ 29: five of them.
        assert!(seen.values().all(|count| (855..=1145).contains(count)), "{seen:?}");
    }

    #[test]
    fn uniform_reaches_both_ends_and_no_further() {
        assert_eq!(uniform(&mut Draws(vec![0].into_iter()), 2.0), -2.0);
        let largest = uniform(&mut Draws(vec![u64::MAX].into_iter()), 2.0);
        assert!(largest < 2.0 && largest > 1.999_999_999, "{largest}");
    }

    #[test]
    fn normal_numbers_have_the_moments_of_a_normal_distribution() {
        let mut random = generator(11);
        let n = 40_000;
        let numbers: Vec<f64> = (0..n).map(|_| normal(&mut random)).collect();
        let moment = |power| numbers.iter().map(|x| x.powi(power)).sum::<f64>() / f64::from(n);
        // Five standard errors of the mean of xᵏ: √((E x²ᵏ − (E xᵏ)²) / n).
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let error = (moment(power) - expected).abs();
            assert!(error < 5.0 * (variance / f64::from(n)).sqrt(), "moment {power}: {error}");
        }
        // The ends of both draws: ln 1, and ln 2⁻⁵³.
        assert_eq!(normal(&mut Draws(vec![0, 0].into_iter())), 0.0);
        assert!((normal(&mut Draws(vec![u64::MAX, 0].into_iter())) - (106.0 * 2f64.ln()).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn epochs_and_seeds_have_nothing_in_common() {
        let first = |seed, epoch| epoch_generator(seed, epoch).next_u64();
        assert_eq!(first(3, 4), first(3, 4));
        assert_ne!(first(3, 5), first(4, 4));
        assert_ne!(first(3, 5), first(3, 4));
    }
}
