//! Timing contestants in turns, so that a change of the clock or a busy neighbour hits all of them.

use std::time::Instant;

/// Seconds that one sample must last at least: a thousand times the clock's own cost.
const SAMPLE: f64 = 20e-6;
/// A contestant that takes longer than this warms its caches itself.
const LONG: f64 = 2e-3;
/// Rounds that any race has, however long they take.
const FEWEST: usize = 3;

/// How long a race may be.
#[derive(Clone, Copy)]
pub struct Length {
    /// Rounds at most.
    pub rounds: usize,
    /// Seconds after which no further round begins, once there are a few.
    pub seconds: f64,
}

/// Seconds per call of one contestant, one entry for each round, sorted.
#[derive(Clone)]
pub struct Times(Vec<f64>);

impl Times {
    pub fn best(&self) -> f64 {
        self.0[0]
    }

    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// The distance between the quartiles as a share of the median.
    pub fn spread(&self) -> f64 {
        let last = self.0.len() - 1;
        (self.0[last * 3 / 4] - self.0[last / 4]) / self.median()
    }
}

/// Lets contestants 0 .. `contestants` run in turns: `run(who, calls)` makes that many calls.
///
/// A contestant's calls per sample are chosen so that a sample is long enough for the clock; before each sample of a short
/// one it is called once untimed, since the others have used the caches in between.
pub fn race(contestants: usize, length: Length, mut run: impl FnMut(usize, usize)) -> Vec<Times> {
    let mut time = |who: usize, calls: usize| {
        let start = Instant::now();
        run(who, calls);
        start.elapsed().as_secs_f64()
    };
    let calls: Vec<usize> = (0..contestants)
        .map(|who| {
            time(who, 1);
            let mut calls = 1;
            while time(who, calls) < SAMPLE {
                calls *= 2;
            }
            calls
        })
        .collect();
    let mut times = vec![Vec::new(); contestants];
    let start = Instant::now();
    for round in 0..length.rounds {
        if round >= FEWEST && start.elapsed().as_secs_f64() > length.seconds {
            break;
        }
        for who in 0..contestants {
            if times[who].last().is_none_or(|seconds| *seconds < LONG) {
                time(who, 1);
            }
            times[who].push(time(who, calls[who]) / calls[who] as f64);
        }
    }
    let sorted = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        Times(times)
    };
    times.into_iter().map(sorted).collect()
}
