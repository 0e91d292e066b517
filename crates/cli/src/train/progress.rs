//! The bar on the terminal while a training runs; none where standard error goes elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nxm_data::{Score, Target};
use nxm_net::{Element, Progress, Training};

use super::learn::{shown, shown_name};
use crate::format::{self, count, seconds};

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
    /// What is learned: the unit of losses, and which metric is shown.
    target: Target,
}

impl Bar {
    /// For a training of `steps` steps of which `done` are done.
    pub fn new(steps: usize, done: usize, target: &Target, draws: bool) -> Bar {
        let style = ProgressStyle::with_template("{msg} {wide_bar}").expect("a valid template");
        let to = if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), to).with_style(style);
        bar.set_position(done as u64);
        Bar {
            bar,
            start: Instant::now(),
            drawn: None,
            prefix: String::new(),
            before: 0,
            taken: 0,
            examples: 0,
            target: target.clone(),
        }
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
        let Progress { epochs, steps, .. } = training.state().progress;
        let options = training.options();
        let mut message =
            format!("{}epoch {}/{}", self.prefix, epochs.saturating_add(usize::from(steps > 0)), options.epochs);
        if let Some(loss) = training.loss_so_far().or(training.last_epoch().map(|epoch| epoch.loss)) {
            message += &format!(", loss {}", format::loss(loss * self.target.loss_unit(&options.loss)));
        }
        if let Some(score) = last {
            message += &judged(&self.target, score);
        }
        let left = self.left(training.steps());
        message += &format!(", {} left, {} examples/s", seconds(left), count(self.rate() as u64));
        self.bar.set_message(message);
        self.bar.set_position(self.before.saturating_add(training.steps()) as u64);
    }

    /// Seconds that are left after so many steps of this training. The bar's own estimate looks back over many seconds, at its slow
    /// beginning too.
    pub fn left(&self, steps: usize) -> f64 {
        let (done, all) = (self.before.saturating_add(steps) as u64, self.bar.length().unwrap_or(0));
        all.saturating_sub(done) as f64 * self.seconds() / self.taken.max(1) as f64
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

/// What is told of the held-out rows: ", held-out loss 0.123, 97.78 % right".
pub fn judged(target: &Target, score: Score) -> String {
    let loss = format!(", held-out loss {}", format::loss(score.loss));
    match (score.shown, target) {
        (None, _) => loss,
        (Some(value), Target::Numbers { .. }) => format!("{loss}, {} {}", shown_name(target), shown(target, value)),
        (Some(value), _) => format!("{loss}, {} {}", shown(target, value), shown_name(target)),
    }
}

#[cfg(test)]
mod tests {
    use nxm_data::Standard;

    use super::*;

    #[test]
    fn the_held_out_rows_are_told_by_their_loss_and_a_metric() {
        let score = |shown| Score { loss: 0.25, shown, value: 0.25 };
        let classes = Target::Classes { column: "x".to_owned(), classes: vec!["a".to_owned(), "b".to_owned()] };
        assert_eq!(judged(&classes, score(Some(0.97777))), ", held-out loss 0.250, 97.78 % right");
        let numbers = Target::Numbers { columns: vec!["x".to_owned()], standards: vec![Standard::NONE] };
        assert_eq!(judged(&numbers, score(Some(0.5))), ", held-out loss 0.250, R² 0.5000");
        assert_eq!(judged(&numbers, score(None)), ", held-out loss 0.250");
    }
}
