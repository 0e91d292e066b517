//! What a search draws its trials from.

use nxm_net::Optimizer;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::TableError;
use crate::recipe::Settings;

/// What a search draws its trials from. What is none stays as the settings say that the search begins with.
///
/// Units, learning rate, weight decay and batch are drawn log-uniformly: 0.001 to 0.01 is as likely as 0.01 to 0.1. A batch is a power of
/// two. Learning rate and weight decay have two digits, so a command line repeats them exactly.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SearchSpace {
    /// How many hidden layers, and how many units each of them has.
    pub hidden: Option<HiddenSpace>,
    /// The lowest and the highest learning rate.
    pub learning_rate: Option<[f64; 2]>,
    /// The lowest and the highest weight decay.
    pub weight_decay: Option<[f64; 2]>,
    /// The smallest and the largest batch.
    pub batch: Option<[usize; 2]>,
}

/// Hidden layers that a search draws from; all layers of a trial have as many units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HiddenSpace {
    /// The fewest and the most layers, drawn uniformly.
    pub layers: [usize; 2],
    /// The fewest and the most units, drawn log-uniformly and rounded to a multiple of [`UNITS`].
    pub units: [usize; 2],
}

/// Units of a layer are multiples of this where they are drawn: a whole vector of the AVX2 level.
pub const UNITS: usize = 8;

/// What is drawn for a trial, each by a number of its own: that one is fixed changes no other one.
#[derive(Clone, Copy)]
enum Dimension {
    Layers,
    Units,
    LearningRate,
    WeightDecay,
    Batch,
}

impl SearchSpace {
    /// What is usual around these settings for so many rows to learn from.
    pub fn around(settings: &Settings, rows: usize) -> SearchSpace {
        let learning_rate = match settings.options.optimizer {
            Optimizer::Sgd(_) => [0.001, 1.0],
            // Around what PyTorch begins with; for Adam 0.0002 to 0.02.
            ref other => {
                let default = other.name().parse().map_or(other.learning_rate(), |of: Optimizer| of.learning_rate());
                [default / 5.0, default * 20.0]
            }
        };
        // A batch of more than a quarter of the rows makes too few steps in an epoch.
        let largest = (rows / 4).clamp(16, 256).next_power_of_two();
        SearchSpace {
            hidden: Some(HiddenSpace { layers: [1, 3], units: [16, 256] }),
            learning_rate: Some(learning_rate),
            weight_decay: Some([1e-5, 0.1]),
            // L-BFGS takes all rows in each step.
            batch: (!settings.options.optimizer.is_full_batch()).then_some([16, largest]),
        }
    }

    /// Whether something can be drawn.
    pub(super) fn check(&self) -> Result<(), TableError> {
        let whole = |what: &str, [low, high]: [usize; 2]| match low >= 1 && low <= high {
            true => Ok(()),
            false => Err(refused(what, &low.to_string(), &high.to_string())),
        };
        let real = |what: &str, [low, high]: [f64; 2]| match low > 0.0 && low <= high && high.is_finite() {
            true => Ok(()),
            false => Err(refused(what, &low.to_string(), &high.to_string())),
        };
        if let Some(HiddenSpace { layers, units }) = self.hidden {
            whole("hidden layers", layers)?;
            whole("units", units)?;
        }
        self.learning_rate.map_or(Ok(()), |range| real("a learning rate", range))?;
        self.weight_decay.map_or(Ok(()), |range| real("a weight decay", range))?;
        self.batch.map_or(Ok(()), |range| whole("a batch", range))
    }

    /// The settings of a trial: a function of the seed of `base` and the trial's number alone.
    pub(super) fn draw(&self, base: &Settings, trial: usize) -> Settings {
        let mut settings = base.clone();
        let seed = base.options.seed;
        let drawn = |dimension| uniform(seed, trial, dimension);
        if let Some(HiddenSpace { layers: [fewest, most], units }) = self.hidden {
            let layers =
                fewest.saturating_add(below(most.saturating_sub(fewest).saturating_add(1), drawn(Dimension::Layers)));
            let units = rounded_units(units, drawn(Dimension::Units));
            settings.hidden = vec![units; layers];
        }
        if let Some(range) = self.learning_rate {
            let drawn = log_uniform(range, drawn(Dimension::LearningRate));
            set(&mut settings.options.optimizer, "learning_rate", drawn);
        }
        if let Some(range) = self.weight_decay {
            let drawn = log_uniform(range, drawn(Dimension::WeightDecay));
            set(&mut settings.options.optimizer, "weight_decay", drawn);
        }
        if let Some([smallest, largest]) = self.batch {
            let [low, high] = [smallest, largest].map(|batch| batch.ilog2() as usize);
            let exponent =
                low.saturating_add(below(high.saturating_sub(low).saturating_add(1), drawn(Dimension::Batch)));
            settings.options.batch =
                u32::try_from(exponent).ok().and_then(|e| 1usize.checked_shl(e)).unwrap_or(largest);
        }
        settings
    }
}

/// Changes a setting; an optimizer that does not have it stays as it is.
fn set(optimizer: &mut Optimizer, setting: &str, value: f64) {
    let _ = optimizer.set(setting, &format!("{value:?}"));
}

fn refused(what: &str, low: &str, high: &str) -> TableError {
    TableError::Request(format!(
        "a search of {what} from {low} to {high}: expected more than 0, and the lower bound first"
    ))
}

/// A number from 0 to less than 1, by a hash: it depends on nothing that is drawn before.
fn uniform(seed: u64, trial: usize, dimension: Dimension) -> f64 {
    let [trial, dimension] = [trial as u64, dimension as u64].map(u64::to_le_bytes);
    (xxh3_64_with_seed(&[trial, dimension].concat(), seed) >> 11) as f64 * (f64::EPSILON / 2.0)
}

/// A whole number below `n`.
fn below(n: usize, drawn: f64) -> usize {
    ((n as f64 * drawn) as usize).min(n.saturating_sub(1))
}

/// Two digits also hide that a power's last bit differs from one mathematical library to the next.
fn log_uniform([low, high]: [f64; 2], drawn: f64) -> f64 {
    let x = low * (high / low).powf(drawn);
    format!("{x:.1e}").parse::<f64>().map_or(x, |rounded| rounded.clamp(low, high))
}

fn rounded_units([fewest, most]: [usize; 2], drawn: f64) -> usize {
    let x = fewest as f64 * (most as f64 / fewest as f64).powf(drawn);
    let units = ((x / UNITS as f64).round() as usize).saturating_mul(UNITS);
    units.clamp(fewest, most)
}
