//! Section 5: the kernels of the training, as plain loops and at every level.

mod work;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use nxm_kernels::{Level, ShapeError};

pub use work::BatchedLayer;
use work::{Implementation, LayerBuffers, Work};

use crate::format::{seconds, significant};
use crate::table::{Look, table};

/// How long a sample takes: long enough for the clock, short enough for many rounds.
const SAMPLE: Duration = Duration::from_millis(2);
/// Rounds; in each of them everything is sampled once, so that a slow spell of the machine hits all alike.
const ROUNDS: usize = 25;

/// Measures and writes the table.
pub fn write(shape: BatchedLayer, out: &mut impl Write) -> io::Result<()> {
    let BatchedLayer { batch, fan_in, fan_out, .. } = shape;
    writeln!(
        out,
        "The largest layer, {fan_in} × {fan_out}, on {batch} examples and one thread. The plain loop is what one would\n\
         write by hand; every level runs the same kernel, scalar with the processor's own multiply-add.\n\
         Medians of {ROUNDS} interleaved rounds; below each time the rate, and the speed-up over the plain loop.\n"
    )?;
    let implementations: Vec<Implementation> =
        std::iter::once(Implementation::PlainLoop).chain(Level::available().map(Implementation::Level)).collect();
    let times = measure(&mut LayerBuffers::new(shape), &implementations).expect("operands made for this shape fit it");

    let header = std::iter::once("").chain(implementations.iter().map(|implementation| implementation.name()));
    let mut rows = Vec::new();
    for (work, times) in Work::ALL.into_iter().zip(&times) {
        let (amount, unit) = work.amount(shape);
        let plain = times[0];
        let rate = |(i, time): (usize, &f64)| {
            let rate = significant(amount / time / 1e9);
            if i == 0 { rate } else { format!("{rate} (×{})", speed_up(plain / time)) }
        };
        rows.push(row(work.name(), times.iter().map(|time| seconds(*time))));
        rows.push(row(&format!("  {unit}"), times.iter().enumerate().map(rate)));
    }
    writeln!(out, "{}", table(Look::Text, header, 1, rows))
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

/// "0.9", "4.2", "42".
fn speed_up(factor: f64) -> String {
    if factor < 9.95 { format!("{factor:.1}") } else { format!("{factor:.0}") }
}

/// The median seconds of a call, for each work and implementation.
fn measure(operands: &mut LayerBuffers, implementations: &[Implementation]) -> Result<Vec<Vec<f64>>, ShapeError> {
    let all: Vec<(Work, Implementation)> = Work::ALL
        .iter()
        .flat_map(|work| implementations.iter().map(|implementation| (*work, *implementation)))
        .collect();
    let calls = all.iter().map(|(work, implementation)| calls_of_a_sample(operands, *work, *implementation));
    let calls = calls.collect::<Result<Vec<u32>, ShapeError>>()?;
    let mut samples = vec![Vec::with_capacity(ROUNDS); all.len()];
    for _ in 0..ROUNDS {
        for (i, (work, implementation)) in all.iter().enumerate() {
            samples[i].push(sample(operands, *work, *implementation, calls[i])?.as_secs_f64() / f64::from(calls[i]));
        }
    }
    let medians: Vec<f64> = samples.into_iter().map(median).collect();
    Ok(medians.chunks(implementations.len()).map(<[f64]>::to_vec).collect())
}

/// How many calls fill a sample.
fn calls_of_a_sample(
    operands: &mut LayerBuffers,
    work: Work,
    implementation: Implementation,
) -> Result<u32, ShapeError> {
    let mut calls = 1u32;
    while sample(operands, work, implementation, calls)? < SAMPLE && calls < 1 << 20 {
        calls = calls.saturating_mul(2);
    }
    Ok(calls)
}

fn sample(
    operands: &mut LayerBuffers,
    work: Work,
    implementation: Implementation,
    calls: u32,
) -> Result<Duration, ShapeError> {
    let start = Instant::now();
    for _ in 0..calls {
        operands.run(work, implementation)?;
    }
    Ok(start.elapsed())
}

/// The middle one of an odd number of samples.
fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_ignores_the_extremes() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
    }
}
