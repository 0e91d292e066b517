//! The bar on the terminal while a training runs; none where standard error goes elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nxm_net::{Element, Progress, Training};

use crate::format::{self, count, percent, seconds};
use crate::model::Score;

/// How often it is drawn: a step may take less time than drawing.
const EVERY: Duration = Duration::from_millis(100);

/// A bar with loss, accuracy, examples per second and the time left.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    start: Instant,
    drawn: Option<Instant>,
    /// What stands before its text: the fold.
    prefix: String,
    /// Steps of trainings that came before this one.
    before: usize,
    /// Steps that were taken since it began.
    taken: usize,
    examples: u64,
    /// What losses are multiplied by.
    unit: f64,
}

impl Bar {
    /// For a training of `steps` steps of which `done` are done; its losses are shown times `unit`.
    pub fn new(steps: usize, done: usize, unit: f64) -> Bar {
        let style = ProgressStyle::with_template("{msg} {wide_bar}").expect("a valid template");
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr()).with_style(style);
        bar.set_position(done as u64);
        Bar { bar, start: Instant::now(), drawn: None, prefix: String::new(), before: 0, taken: 0, examples: 0, unit }
    }

    /// The next of several trainings begins, after `before` steps: some of them may not have been taken.
    pub fn next(&mut self, prefix: String, before: usize) {
        (self.prefix, self.before) = (prefix, before);
    }

    /// A step is done.
    pub fn step<T: Element>(&mut self, training: &Training<'_, T>, rows: usize, last: Option<Score>) {
        (self.examples, self.taken) = (self.examples.saturating_add(rows as u64), self.taken.saturating_add(1));
        if self.bar.is_hidden() || self.drawn.is_some_and(|drawn| drawn.elapsed() < EVERY) {
            return;
        }
        self.drawn = Some(Instant::now());
        let Progress { epochs, steps, loss, .. } = training.state().progress;
        let options = training.options();
        let mut message =
            format!("{}epoch {}/{}", self.prefix, epochs.saturating_add(usize::from(steps > 0)), options.epochs);
        let of_epoch = (steps > 0).then(|| loss / (steps as f64 * options.batch.min(training.examples()) as f64));
        if let Some(loss) = of_epoch.or(training.last_epoch().map(|epoch| epoch.loss)) {
            message += &format!(", loss {}", format::loss(loss * self.unit));
        }
        if let Some(accuracy) = last.and_then(|score| score.accuracy) {
            message += &format!(", {} right", percent(accuracy));
        }
        // The bar's own estimate looks back over many seconds, at its slow beginning too.
        let (done, all) = (self.before.saturating_add(training.steps()) as u64, self.bar.length().unwrap_or(0));
        let left = all.saturating_sub(done) as f64 * self.seconds() / self.taken.max(1) as f64;
        message += &format!(", {} examples/s, {} left", count(self.rate() as u64), seconds(left));
        self.bar.set_message(message);
        self.bar.set_position(done);
    }

    /// Examples of a second, on average.
    pub fn rate(&self) -> f64 {
        self.examples as f64 / self.seconds().max(1e-9)
    }

    /// Seconds since it began.
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Makes room for what is said meanwhile.
    pub fn aside<R>(&self, say: impl FnOnce() -> R) -> R {
        self.bar.suspend(say)
    }

    /// Makes room for what follows.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
