//! Which rows are learned from, and which are held out to judge by.

use std::collections::HashSet;

use nxm_net::{Dataset, shuffle_rows};

use crate::data::{Examples, Meaning, Scheme, all_rows};
use crate::failure::{Failure, warn};
use crate::foreign::Foreign;
use crate::format::count;

/// Rows of a file in a random order: those to learn from, then those that are held out.
pub struct Split {
    order: Vec<usize>,
    seen: usize,
}

impl Split {
    /// Of so many rows; at least one is of each kind, if any is to be held out.
    pub fn new(len: usize, seed: u64, share: f64) -> Result<Split, Failure> {
        let held_out = match len {
            _ if share == 0.0 => 0,
            0 | 1 => {
                let why = "there is 1 example: none can be held out, --validate must be 0";
                return Err(Failure::Usage(why.to_owned()));
            }
            _ => ((len as f64 * share).round() as usize).clamp(1, len.saturating_sub(1)),
        };
        let mut order = all_rows(len)?;
        shuffle_rows(&mut order, seed);
        Ok(Split { order, seen: len.saturating_sub(held_out) })
    }

    /// To learn from.
    pub fn seen(&self) -> &[usize] {
        &self.order[..self.seen]
    }

    /// To judge by.
    pub fn held_out(&self) -> Option<&[usize]> {
        (self.seen < self.order.len()).then(|| &self.order[self.seen..])
    }

    /// Both, scaled.
    pub fn datasets(
        &self,
        scheme: &Scheme,
        examples: &Examples,
    ) -> Result<(Dataset<f32>, Option<Dataset<f32>>), Failure> {
        let held_out = self.held_out().map(|rows| scheme.dataset(examples, rows)).transpose()?;
        Ok((scheme.dataset(examples, self.seen())?, held_out))
    }

    /// Says so if no example of a class is learned from.
    pub fn warn_of_unseen(&self, meaning: &Meaning, examples: &Examples) {
        let classes = match meaning {
            Meaning::Classes(classes) => &classes[..],
            Meaning::TwoClasses(classes) => &classes[..],
            Meaning::Number => return,
        };
        let unseen = unseen(classes, self.seen().iter().map(|row| examples.labels.at(*row)));
        if unseen.is_empty() {
            return;
        }
        let place = |class: &str| {
            let row = self.held_out()?.iter().find(|row| examples.labels.at(**row) == class)?;
            Some(examples.label_place(*row))
        };
        warn(&format!(
            "{} only among the held-out examples, so that nothing is learned of it: {} ({}); another --seed, or --validate 0, may help",
            if unseen.len() == 1 {
                "1 class is".to_owned()
            } else {
                format!("{} classes are", count(unseen.len() as u64))
            },
            Foreign::list(unseen.iter().copied()),
            unseen.first().and_then(|class| place(class)).unwrap_or_default()
        ));
    }
}

/// The classes that no label names.
fn unseen<'a>(classes: &'a [String], labels: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // One by one: collecting would take room for as many as there are labels.
    let mut named = HashSet::new();
    for label in labels {
        named.insert(label);
    }
    classes.iter().map(String::as_str).filter(|class| !named.contains(class)).collect()
}
