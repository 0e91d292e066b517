//! Which rows a network is trained on, and which it is judged by.

mod folds;

use std::collections::BTreeMap;
use std::sync::Arc;

use nxm_net::shuffle_rows;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::cells::Cells;
use crate::describe::{Description, Kind, Overrides, Reason};
use crate::encode::category;
use crate::error::TableError;
use crate::example_weights::ExampleWeights;
use crate::foreign::Foreign;
use crate::memory::reserve;
use crate::table::Table;
use crate::target::{Target, TargetValues, Task};

pub use folds::Fold;

/// What is asked of a table: which columns are learned, and from which.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    table: &'a Table,
    targets: Vec<String>,
    overrides: Overrides,
    task: Option<Task>,
    weights: Option<String>,
}

/// How rows are parted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// At random.
    Random,
    /// At random, with the same share of each class. Numbers: at random.
    Stratified,
    /// The last rows are held out, as of a series in time.
    Order,
    /// At random, and all rows with the same value in this column on the same side.
    Group(String),
}

/// Rows of a table with their targets.
#[derive(Clone, Debug)]
pub struct Examples<'a> {
    /// The table.
    pub table: &'a Table,
    /// What its columns hold, the targets left out.
    pub columns: Vec<Description>,
    /// What is learned. Its numbers are not scaled yet.
    pub target: Target,
    /// The targets of all rows.
    pub values: TargetValues,
    /// Rows that have all of their targets.
    pub rows: Vec<usize>,
    /// What each row weighs, if a column says it.
    pub weights: Option<ExampleWeights>,
    /// What a user should know: rows that were dropped, classes that look alike.
    pub notes: Vec<String>,
}

/// Some rows of a table with their targets.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    /// The table, and the targets of all of its rows.
    pub examples: Arc<Examples<'a>>,
    /// Which of them.
    pub rows: Vec<usize>,
}

/// Rows to train on and rows that are held out.
#[derive(Clone, Debug)]
pub struct Split<'a> {
    /// Rows that a network learns from.
    pub train: Rows<'a>,
    /// Rows that it is judged by; perhaps none.
    pub held_out: Rows<'a>,
}

impl Table {
    /// Learns this column from the others.
    pub fn target(&self, column: impl Into<String>) -> Selection<'_> {
        self.targets([column])
    }

    /// Learns these columns from the others.
    pub fn targets(&self, columns: impl IntoIterator<Item = impl Into<String>>) -> Selection<'_> {
        let targets = columns.into_iter().map(Into::into).collect();
        Selection { table: self, targets, overrides: Overrides::default(), task: None, weights: None }
    }
}

impl<'a> Selection<'a> {
    /// Leaves these columns out.
    pub fn ignore(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.overrides.ignore.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Takes these columns for categories, whatever their cells look like.
    pub fn categories(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.overrides.categories.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Takes these columns for numbers.
    pub fn numbers(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.overrides.numbers.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Takes all that is said of columns.
    pub fn with_overrides(self, overrides: Overrides) -> Self {
        Selection { overrides, ..self }
    }

    /// Learns classes, or numbers, whatever the targets look like.
    pub fn task(mut self, task: Task) -> Self {
        self.task = Some(task);
        self
    }

    /// Weighs each row by the number in this column, which is not learned from: at least 0, and in no row missing that has a target. A row of
    /// weight 2 counts as that row twice, in the losses of training and held-out rows. Metrics, baselines and scales count each row once.
    pub fn weights(self, column: impl Into<String>) -> Self {
        Selection { weights: Some(column.into()), ..self }
    }

    /// All rows that have their targets.
    pub fn examples(self) -> Result<Examples<'a>, TableError> {
        let (target, notes) = Target::find(self.table, &self.targets, self.task)?;
        self.with(target, notes)
    }

    fn with(self, target: Target, mut notes: Vec<String>) -> Result<Examples<'a>, TableError> {
        let Selection { table, targets, mut overrides, weights, .. } = self;
        if let Some(weights) = &weights {
            if targets.contains(weights) {
                let both = Foreign::quoted(weights);
                return Err(TableError::Request(format!(
                    "the column {both} is to be learned and to say what rows weigh"
                )));
            }
            overrides.ignore.push(weights.clone());
        }
        if let Some(both) =
            targets.iter().find(|target| overrides.categories.contains(target) || overrides.numbers.contains(target))
        {
            let both = Foreign::quoted(both);
            return Err(TableError::Request(format!(
                "the column {both} is to be learned: --loss says whether as classes or as numbers, and not --categories or --numbers"
            )));
        }
        if let Some(both) = targets.iter().find(|target| overrides.ignore.contains(target)) {
            let both = Foreign::quoted(both);
            return Err(TableError::Request(format!("the column {both} is to be learned and to be left out")));
        }
        let mut columns = table.describe_all_but(&targets, &overrides)?;
        for column in columns.iter_mut().filter(|column| Some(&column.name) == weights.as_ref()) {
            column.kind = Kind::LeftOut(Reason::Weights);
        }
        let values = target.values(table)?;
        let mut rows = Vec::new();
        reserve(&mut rows, table.rows)?;
        rows.extend((0..table.rows).filter(|row| target.is_whole(&values, *row)));
        let dropped = table.rows.saturating_sub(rows.len());
        if rows.is_empty() {
            return Err(TableError::Content(format!(
                "{}: no row has a value in {}",
                table.name,
                Foreign::list(targets.iter().map(String::as_str))
            )));
        }
        if dropped > 0 {
            notes.push(format!("{dropped} of {} rows have no value to learn, and are dropped", table.rows));
        }
        if !columns.iter().any(Description::is_used) {
            let left: Vec<String> =
                columns.iter().map(|column| format!("{} ({})", Foreign::quoted(&column.name), column.kind)).collect();
            let left = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
            return Err(TableError::Content(format!(
                "{}: no column is left to learn from; the others are: {left}",
                table.name
            )));
        }
        let weights = weights.map(|column| ExampleWeights::of(table, &column, &rows)).transpose()?;
        Ok(Examples { table, columns, target, values, rows, weights, notes })
    }

    /// Holds a share of the rows out, at random and with the same share of each class.
    pub fn stratified(self, share: f64, seed: u64) -> Result<Split<'a>, TableError> {
        self.examples()?.split(&SplitBy::Stratified, share, seed)
    }

    /// Holds a share of the rows out, at random.
    pub fn random(self, share: f64, seed: u64) -> Result<Split<'a>, TableError> {
        self.examples()?.split(&SplitBy::Random, share, seed)
    }

    /// Holds the last rows out.
    pub fn ordered(self, share: f64) -> Result<Split<'a>, TableError> {
        self.examples()?.split(&SplitBy::Order, share, 0)
    }

    /// Holds a share of the rows out, those with the same value in `column` all or none. The column is not learned from.
    pub fn grouped(self, column: &str, share: f64, seed: u64) -> Result<Split<'a>, TableError> {
        self.ignore([column]).examples()?.split(&SplitBy::Group(column.to_owned()), share, seed)
    }
}

impl<'a> Examples<'a> {
    /// Rows of another table for a model that is there: its encoder tells the columns, its target what they mean.
    pub fn of_model(table: &'a Table, target: &Target) -> Result<Examples<'a>, TableError> {
        let values = target.values(table)?;
        let mut rows = Vec::new();
        reserve(&mut rows, table.rows)?;
        rows.extend((0..table.rows).filter(|row| target.is_whole(&values, *row)));
        let (target, columns) = (target.clone(), Vec::new());
        Ok(Examples { table, columns, target, values, rows, weights: None, notes: Vec::new() })
    }

    /// The same rows, each weighed by the number in this column, if one is given: see [`Selection::weights`].
    ///
    /// # Errors
    /// [`TableError`] if the table does not have the column, or a weight is missing, negative or no number.
    pub fn weighted_by(self, column: Option<&str>) -> Result<Examples<'a>, TableError> {
        let weights = column.map(|column| ExampleWeights::of(self.table, column, &self.rows)).transpose()?;
        Ok(Examples { weights, ..self })
    }

    /// What tells these columns and the targets from others: a training that goes on must see the same.
    pub fn fingerprint<'c>(&self, columns: impl Iterator<Item = &'c str>) -> Result<String, TableError> {
        let mut hash = Xxh3Default::new();
        // The same texts mean something else where other ones are missing, or commas stand before fractions.
        self.table.missing.named().iter().for_each(|text| hash.update(text.as_bytes()));
        hash.update(&[u8::from(self.table.decimal_comma)]);
        for column in self.table.columns_called(columns)? {
            match &self.table.columns[column].cells {
                Cells::Coded { codes, texts } => {
                    let of_text: Vec<u64> = texts.iter().map(|text| xxh3_64(text.as_bytes())).collect();
                    codes.iter().for_each(|code| hash.update(&of_text[*code as usize].to_le_bytes()));
                }
                Cells::Numbers(numbers) => numbers.iter().for_each(|x| hash.update(&x.to_bits().to_le_bytes())),
                Cells::Many { rows, .. } => hash.update(&rows.to_le_bytes()),
                Cells::Array { numbers, .. } => {
                    (0..numbers.len()).for_each(|i| hash.update(&numbers.at(i).to_bits().to_le_bytes()));
                }
            }
        }
        match &self.values {
            TargetValues::Classes(classes) => classes.iter().for_each(|class| hash.update(&class.to_le_bytes())),
            TargetValues::Numbers(numbers) => numbers.iter().for_each(|x| hash.update(&x.to_bits().to_le_bytes())),
        }
        Ok(format!("{:016x}", hash.digest()))
    }

    /// Parts the rows: a share of them, from 0 to less than 1, is held out.
    pub fn split(self, by: &SplitBy, share: f64, seed: u64) -> Result<Split<'a>, TableError> {
        let held_out = self.hold_out(&self.rows, by, share, seed)?;
        self.part(held_out)
    }

    /// The rows of each class in a drawn order, in lots: rows that must stay together.
    fn lots(&self, rows: &[usize], by: &SplitBy, seed: u64) -> Result<Vec<Vec<Vec<usize>>>, TableError> {
        let mut rows = rows.to_vec();
        if *by != SplitBy::Order {
            shuffle_rows(&mut rows, seed);
        }
        let alone = |rows: Vec<usize>| rows.into_iter().map(|row| vec![row]).collect();
        Ok(match (by, &self.values) {
            (SplitBy::Stratified, TargetValues::Classes(classes)) => {
                let mut by_class: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
                rows.into_iter().for_each(|row| by_class.entry(classes[row]).or_default().push(row));
                by_class.into_values().map(alone).collect()
            }
            (SplitBy::Group(column), _) => {
                let column = self.table.column(column)?;
                let mut lots: Vec<Vec<usize>> = Vec::new();
                let mut known: BTreeMap<String, usize> = BTreeMap::new();
                for row in rows {
                    let group = match &self.table.columns[column].cells {
                        Cells::Coded { codes, texts } => category(self.table, texts.at(codes[row] as usize)),
                        Cells::Numbers(numbers) => numbers[row].to_string(),
                        Cells::Many { .. } | Cells::Array { .. } => {
                            let name = Foreign::quoted(&self.table.columns[column].name);
                            return Err(TableError::Request(format!(
                                "the column {name} has too many different values for groups"
                            )));
                        }
                    };
                    let next = lots.len();
                    let lot = *known.entry(group).or_insert(next);
                    if lot == next {
                        lots.push(Vec::new());
                    }
                    lots[lot].push(row);
                }
                vec![lots]
            }
            _ => vec![alone(rows)],
        })
    }

    /// A share of these rows.
    fn hold_out(&self, rows: &[usize], by: &SplitBy, share: f64, seed: u64) -> Result<Vec<usize>, TableError> {
        let all = rows;
        if !(0.0..1.0).contains(&share) {
            return Err(TableError::Request(format!(
                "a share of {share} can't be held out: it must be at least 0 and less than 1"
            )));
        }
        let part = |rows: usize| (rows as f64 * share).round() as usize;
        if *by == SplitBy::Order {
            let first = all.len().saturating_sub(part(all.len()));
            return Ok(all[first..].to_vec());
        }
        let mut held_out = Vec::new();
        // What rounding takes from one class is given to the next.
        let (mut seen, mut taken) = (0usize, 0usize);
        for class in self.lots(all, by, seed)? {
            let rows: usize = class.iter().map(Vec::len).sum();
            seen = seen.saturating_add(rows);
            // One row of each class stays.
            let wanted = part(seen).saturating_sub(taken).min(rows.saturating_sub(1));
            let mut here = 0usize;
            let lots = class.len();
            for lot in class.into_iter().take(lots.saturating_sub(1)) {
                // A large lot must not take far more than is wanted.
                if here < wanted && here.saturating_add(lot.len().div_ceil(2)) <= wanted {
                    here = here.saturating_add(lot.len());
                    held_out.extend(lot);
                }
            }
            taken = taken.saturating_add(here);
        }
        Ok(held_out)
    }

    /// Holds these rows out.
    fn part(mut self, mut held_out: Vec<usize>) -> Result<Split<'a>, TableError> {
        held_out.sort_unstable();
        self.note_absent();
        let train: Vec<usize> = self.rows.iter().copied().filter(|row| held_out.binary_search(row).is_err()).collect();
        self.check(&train, held_out.len())?;
        if let TargetValues::Classes(classes) = &self.values
            && !held_out.is_empty()
        {
            let Target::Classes { classes: names, .. } = &self.target else { unreachable!("classes have names") };
            let seen = seen_in(classes, &held_out, names.len());
            let there = seen_in(classes, &self.rows, names.len());
            let unseen: Vec<&str> = names
                .iter()
                .zip(seen.iter().zip(there))
                .filter(|(_, (seen, there))| !**seen && *there)
                .map(|(name, _)| name.as_str())
                .collect();
            if !unseen.is_empty() {
                self.notes.push(format!("no held-out row has the class {}", Foreign::list(unseen.into_iter())));
            }
        }
        let examples = Arc::new(self);
        Ok(Split {
            train: Rows { examples: Arc::clone(&examples), rows: train },
            held_out: Rows { examples, rows: held_out },
        })
    }

    /// Says which classes no row has: a model may know more of them than a table.
    fn note_absent(&mut self) {
        let (Target::Classes { classes: names, .. }, TargetValues::Classes(classes)) = (&self.target, &self.values)
        else {
            return;
        };
        let there = seen_in(classes, &self.rows, names.len());
        let absent: Vec<&str> =
            names.iter().zip(there).filter(|(_, there)| !there).map(|(name, _)| name.as_str()).collect();
        if !absent.is_empty() {
            self.notes.push(format!("no row has the class {}", Foreign::list(absent.into_iter())));
        }
    }

    /// A network can learn from these rows: there are at least two, and all classes are among them.
    fn check(&self, train: &[usize], held_out: usize) -> Result<(), TableError> {
        if train.len() < 2 {
            return Err(TableError::Content(format!(
                "{}: {} of {} rows are left to train on, and {held_out} are held out: two are needed; hold fewer out, or none by --validate 0",
                self.table.name,
                train.len(),
                self.rows.len()
            )));
        }
        if let (Target::Classes { classes: names, column }, TargetValues::Classes(classes)) =
            (&self.target, &self.values)
            && let (seen, there) = (seen_in(classes, train, names.len()), seen_in(classes, &self.rows, names.len()))
            // A model may know classes that this table has not.
            && let Some(unseen) = seen.iter().zip(&there).position(|(seen, there)| !seen && *there)
        {
            return Err(TableError::Content(format!(
                "{}: no row to train on has the class {} in the column {}: all of its rows are held out",
                self.table.name,
                Foreign::quoted(&names[unseen]),
                Foreign::quoted(column)
            )));
        }
        Ok(())
    }
}

/// Which of so many classes these rows have.
fn seen_in(classes: &[u32], rows: &[usize], count: usize) -> Vec<bool> {
    let mut seen = vec![false; count];
    rows.iter().for_each(|row| seen[classes[*row] as usize] = true);
    seen
}

impl<'a> Split<'a> {
    /// All rows of one table to train on, and all of another one to judge by, which must have the same columns.
    pub fn of(mut train: Examples<'a>, held_out: &'a Table) -> Result<Split<'a>, TableError> {
        train.check(&train.rows, 0)?;
        train.note_absent();
        let column = train.weights.as_ref().map(|weights| weights.column.as_str());
        let judged = Examples::of_model(held_out, &train.target)?.weighted_by(column)?;
        let rows = judged.rows.len();
        if rows == 0 {
            let targets = Foreign::list(train.target.columns().iter().map(String::as_str));
            return Err(TableError::Content(format!("{}: no row has a value in {targets} to judge by", held_out.name)));
        }
        let dropped = held_out.rows.saturating_sub(rows);
        if dropped > 0 {
            train.notes.push(format!(
                "{dropped} of {} rows of {} have no value to judge by, and are dropped",
                held_out.rows, held_out.name
            ));
        }
        Ok(Split { train: train.all(), held_out: judged.all() })
    }

    /// What a user should know about it.
    pub fn notes(&self) -> &[String] {
        &self.train.examples.notes
    }
}

impl<'a> Examples<'a> {
    /// All rows that have their targets.
    pub fn all(self) -> Rows<'a> {
        let rows = self.rows.clone();
        Rows { examples: Arc::new(self), rows }
    }
}

impl Rows<'_> {
    /// Their targets.
    pub fn values(&self) -> Result<TargetValues, TableError> {
        Ok(match &self.examples.values {
            TargetValues::Classes(classes) => {
                let mut values = Vec::new();
                reserve(&mut values, self.rows.len())?;
                values.extend(self.rows.iter().map(|row| classes[*row]));
                TargetValues::Classes(values)
            }
            TargetValues::Numbers(numbers) => {
                let width = self.examples.target.outputs();
                let mut values = Vec::new();
                reserve(&mut values, self.rows.len().saturating_mul(width))?;
                self.rows
                    .iter()
                    .for_each(|row| values.extend_from_slice(&numbers[row.saturating_mul(width)..][..width]));
                TargetValues::Numbers(values)
            }
        })
    }

    /// What they weigh, if a column says it.
    pub fn weights(&self) -> Result<Option<Vec<f32>>, TableError> {
        let Examples { table, weights, .. } = &*self.examples;
        weights.as_ref().map(|weights| weights.of_rows(table, &self.rows)).transpose()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests;
