//! Folds: each row is held out in one of several splits.

use std::sync::Arc;

use super::{Examples, Rows, Split, SplitBy};
use crate::error::TableError;
use crate::foreign::Foreign;

/// A fold of a cross-validation: see [`Examples::cross_folds`].
#[derive(Clone, Debug)]
pub struct Fold<'a> {
    /// Rows to train on, and some beside them that tell when to stop.
    pub split: Split<'a>,
    /// Rows that the trained model is judged by. The training sees none of them.
    pub judged: Rows<'a>,
}

impl<'a> Examples<'a> {
    /// Parts the rows so that each of them is held out in one of `folds` splits.
    ///
    /// # Errors
    /// [`TableError`] if there are fewer than two folds, or fewer rows or groups than folds, or if a class has all of its rows in one fold.
    pub fn folds(self, by: &SplitBy, folds: usize, seed: u64) -> Result<Vec<Split<'a>>, TableError> {
        let rows = self.rows.len();
        if folds < 2 || folds > rows {
            return Err(TableError::Request(format!("{folds} folds of {rows} rows: from 2 to {rows} are possible")));
        }
        let lots = self.lots(&self.rows, by, seed)?;
        if let SplitBy::Group(column) = by
            && let groups = lots.iter().map(Vec::len).sum::<usize>()
            && groups < folds
        {
            let column = Foreign::quoted(column);
            return Err(TableError::Request(format!(
                "{folds} folds of {groups} groups: the column {column} has not enough different values; at most {groups} folds are possible"
            )));
        }
        let mut held_out = vec![Vec::new(); folds];
        // Lots are dealt in turn: from each class as evenly as it can be done.
        for (i, lot) in lots.into_iter().flatten().enumerate() {
            let fold = match by {
                SplitBy::Order => i.saturating_mul(folds).checked_div(rows).unwrap_or(0),
                _ => i.checked_rem(folds).unwrap_or(0),
            };
            held_out[fold].extend(lot);
        }
        held_out.into_iter().map(|rows| self.clone().part(rows)).collect()
    }

    /// Parts the rows for a cross-validation. Each row is judged in one fold. Of the other rows of a fold, a share is held out, in the same
    /// way, to tell when to stop: a model is never judged by rows that its training looked at.
    ///
    /// # Errors
    /// As [`folds`](Examples::folds); and if rows are parted by order: most folds would be judged by rows that come before those they
    /// learned from.
    pub fn cross_folds(self, by: &SplitBy, folds: usize, share: f64, seed: u64) -> Result<Vec<Fold<'a>>, TableError> {
        if *by == SplitBy::Order {
            return Err(TableError::Request(
                "rows in order have no folds: most models would learn from rows that come after those they are judged by; hold out the \
                 last rows once, without folds"
                    .to_owned(),
            ));
        }
        let splits = self.folds(by, folds, seed)?;
        splits.into_iter().map(|Split { train, held_out }| Fold::new(train, held_out, by, share, seed)).collect()
    }
}

impl<'a> Fold<'a> {
    fn new(train: Rows<'a>, judged: Rows<'a>, by: &SplitBy, share: f64, seed: u64) -> Result<Fold<'a>, TableError> {
        let Rows { examples, rows } = train;
        let mut held_out = examples.hold_out(&rows, by, share, seed)?;
        held_out.sort_unstable();
        let rows: Vec<usize> = rows.into_iter().filter(|row| held_out.binary_search(row).is_err()).collect();
        examples.check(&rows, held_out.len().saturating_add(judged.len()))?;
        let train = Rows { examples: Arc::clone(&examples), rows };
        Ok(Fold { split: Split { train, held_out: Rows { examples, rows: held_out } }, judged })
    }
}
