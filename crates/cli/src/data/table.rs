//! CSV files: the names of the columns in the first line, and numbers, but for the label.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use super::examples::{Examples, Labels, Lines, Numbers, bytes_of, reserve};
use super::open::unreadable;
use super::records::{Limits, Record, RecordError, Records};
use super::room::Room;
use super::{Columns, Want};
use crate::args::{Header, TableArgs};
use crate::failure::Failure;
use crate::foreign::Foreign;

/// Reads the columns that are wanted.
pub fn read(source: impl BufRead, name: &str, want: Want<'_>, args: &TableArgs) -> Result<Examples, Failure> {
    let [line, cell] = [args.max_line, args.max_cell].map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut records = Records::new(source, Limits { line, cell });
    let failed = |error| failed(name, error);
    let Some(first) = records.next().map_err(failed)? else {
        return Err(Failure::Usage(format!("{name} has only blank lines")));
    };
    let named = args.header != Some(Header::No);
    let header = match named {
        true => (0..first.len()).map(|i| Ok(text(first, i, name)?.to_owned())).collect::<Result<Vec<_>, Failure>>()?,
        false => (1..=first.len()).map(|number| number.to_string()).collect(),
    };
    let table = choose(&header, name, want, args)?;
    let mut rows = Rows::new(&header, &table, name, Room::new(args.max_data));
    if !named {
        rows.push(first)?;
    }
    while let Some(record) = records.next().map_err(failed)? {
        rows.push(record)?;
    }
    rows.examples(want)
}

/// Which columns are read.
struct Chosen {
    columns: Columns,
    features: Vec<usize>,
    label: Option<usize>,
}

/// The rows that were read so far.
struct Rows<'a> {
    header: &'a [String],
    chosen: &'a Chosen,
    name: &'a str,
    room: Room,
    inputs: Vec<f64>,
    labels: Labels,
    lines: Lines,
    /// How many rows there are.
    count: usize,
    /// Whether the first column has no name of its own and held 0, 1, 2, … (or 1, 2, 3, …) so far.
    is_index: bool,
}

impl<'a> Rows<'a> {
    fn new(header: &'a [String], chosen: &'a Chosen, name: &'a str, room: Room) -> Self {
        // pandas writes an index without a name, and calls it so when it has read it.
        let is_index = chosen.features.first() == Some(&0) && ["", "Unnamed: 0"].contains(&header[0].as_str());
        let (inputs, labels, lines) = (Vec::new(), Labels::default(), Lines::default());
        Rows { header, chosen, name, room, inputs, labels, lines, count: 0, is_index }
    }

    fn push(&mut self, record: Record<'_>) -> Result<(), Failure> {
        let Rows { header, chosen, name, .. } = *self;
        let line = record.line;
        if record.len() != header.len() {
            let (found, expected) = (record.len(), header.len());
            return Err(Failure::Usage(format!(
                "{name}, line {line}: {found} cells, and the first line has {expected}"
            )));
        }
        let place = |column: usize| format!("{name}, line {line}, column {}", Foreign::quoted(&header[column]));
        reserve(&mut self.inputs, chosen.features.len())?;
        for &feature in &chosen.features {
            let number = number(text(record, feature, name)?);
            self.inputs.push(number.map_err(|error| Failure::Usage(format!("{}: {error}", place(feature))))?);
        }
        if let Some(label) = chosen.label {
            let text = text(record, label, name)?;
            if text.is_empty() {
                return Err(Failure::Usage(format!("{} is empty: a label is needed", place(label))));
            }
            self.labels.push(text)?;
        }
        self.lines.push(line)?;
        let bytes =
            [self.labels.bytes(), self.lines.bytes()].into_iter().fold(bytes_of(&self.inputs), u64::saturating_add);
        self.room.check(bytes, || format!("{name}, line {line}"))?;
        if self.is_index {
            let first = self.inputs[0];
            let here = self.inputs[self.inputs.len().saturating_sub(chosen.features.len())];
            self.is_index = [0.0, 1.0].contains(&first) && here == first + self.count as f64;
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn examples(self, want: Want<'_>) -> Result<Examples, Failure> {
        let name = self.name;
        if self.count == 0 {
            return Err(Failure::Usage(format!("{name} has no rows below its header")));
        }
        if self.is_index && self.count > 1 && matches!(want, Want::Learn { .. }) {
            let column = &self.header[0];
            return Err(Failure::Usage(format!(
                "{name}: column {} only counts the rows, as the index of a data frame does, and a model would learn it by heart: \
                 leave it out by --ignore '{}', or give it a name",
                Foreign::quoted(column),
                Foreign::bare(column)
            )));
        }
        let (columns, inputs) = (self.chosen.columns.clone(), Numbers::Doubles(self.inputs));
        Ok(Examples { columns, inputs, labels: self.labels, lines: self.lines, files: [name, name].map(str::to_owned) })
    }
}

/// The columns that are wanted, and where they stand.
fn choose(header: &[String], name: &str, want: Want<'_>, args: &TableArgs) -> Result<Chosen, Failure> {
    let names = || Foreign::list(header.iter().map(String::as_str));
    let numbers = args.header.is_none() && header.iter().any(|name| number(name).is_ok());
    // Each name with the first column that has it, and the second if there is one.
    let mut places: HashMap<&str, (usize, Option<usize>)> = HashMap::with_capacity(header.len());
    for (i, name) in header.iter().enumerate() {
        places.entry(name).and_modify(|(_, second)| *second = second.or(Some(i))).or_insert((i, None));
    }
    let find = |column: &str| match places.get(column) {
        Some((first, None)) => Ok(*first),
        Some((first, Some(second))) => {
            let [first, second] = [*first, *second].map(|i| i.saturating_add(1));
            let column = Foreign::quoted(column);
            Err(Failure::Usage(format!("{name}: columns {first} and {second} are both called {column}")))
        }
        None => {
            let headless = if numbers { "; if its first line is an example, say --header no" } else { "" };
            let column = Foreign::quoted(column);
            Err(Failure::Usage(format!("{name} has no column {column}; its columns are {}{headless}", names())))
        }
    };
    match want {
        Want::Learn { label: None, .. } => Err(Failure::Usage(format!(
            "{name} is a CSV file: name the column to learn by --label; its columns are {}",
            names()
        ))),
        Want::Learn { label: Some(label), ignore } => {
            let at = find(label)?;
            if let Some(stray) = ignore.iter().find(|ignored| !places.contains_key(ignored.as_str())) {
                find(stray)?;
            }
            if ignore.iter().any(|ignored| ignored == label) {
                let label = Foreign::quoted(label);
                return Err(Failure::Usage(format!("--ignore is {label}, which is the column to learn")));
            }
            let ignored: HashSet<&str> = ignore.iter().map(String::as_str).collect();
            let others: Vec<usize> =
                (0..header.len()).filter(|i| *i != at && !ignored.contains(header[*i].as_str())).collect();
            if others.is_empty() {
                let label = Foreign::quoted(label);
                return Err(Failure::Usage(format!("{name} has no column besides {label}: nothing to learn it from")));
            }
            let features: Vec<String> = others.iter().map(|i| header[*i].clone()).collect();
            if args.header.is_none() && features.iter().all(|name| number(name).is_ok()) {
                return Err(Failure::Usage(format!(
                    "{name}: its first line has only numbers besides {}: say --header no if it is an example, \
                     and --header yes if these are the names of columns",
                    Foreign::quoted(label)
                )));
            }
            features.iter().try_for_each(|feature| find(feature).map(drop))?;
            Ok(Chosen {
                columns: Columns::Table { features, label: label.to_owned() },
                features: others,
                label: Some(at),
            })
        }
        Want::Judge(columns) | Want::Predict(columns) => {
            let Columns::Table { features, label } = columns else { unreachable!("images are no table") };
            let places = features.iter().map(|feature| find(feature)).collect::<Result<_, _>>()?;
            let label = if matches!(want, Want::Judge(_)) { Some(find(label)?) } else { None };
            Ok(Chosen { columns: columns.clone(), features: places, label })
        }
    }
}

/// A finite number.
pub fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ if text.is_empty() => Err("the cell is empty, and a number is needed".to_owned()),
        Ok(_) => Err(format!("{} is not a finite number of 64 bits", Foreign::quoted(text))),
        Err(_) => Err(format!("{} is not a number", Foreign::quoted(text))),
    }
}

/// A cell, which must be text.
fn text<'a>(record: Record<'a>, column: usize, name: &str) -> Result<&'a str, Failure> {
    record.cell(column).ok_or_else(|| {
        let (line, column) = (record.line, column.saturating_add(1));
        Failure::Usage(format!(
            "{name}, line {line}, column {column}: the cell is not UTF-8 text; if the file is Latin-1, convert it by iconv -f LATIN1 -t UTF-8"
        ))
    })
}

fn failed(name: &str, error: RecordError) -> Failure {
    match error {
        RecordError::Io(error) => unreadable(name, &error),
        error => Failure::Usage(format!("{name}, {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use nxm_net::Loss;

    use super::*;
    use crate::data::{Meaning, Scheme};

    /// How long a table of this text takes to become examples, so many times.
    fn time(text: &str, times: usize) -> Duration {
        let start = Instant::now();
        for _ in 0..times {
            let want = Want::Learn { label: Some("kind"), ignore: &[] };
            let examples = read(text.as_bytes(), "table", want, &TableArgs::default()).unwrap();
            let rows: Vec<usize> = (0..examples.len()).collect();
            let meaning = Meaning::new(&examples, &Loss::CROSS_ENTROPY).unwrap();
            let scheme = Scheme::new(&examples, &rows, meaning, None).unwrap();
            assert_eq!(scheme.dataset(&examples, &rows).unwrap().len(), rows.len());
        }
        start.elapsed()
    }

    /// Ten small tables take as long as one that is ten times as large; where all cells are compared with all, a tenth of that. The shortest
    /// of some times, more of them where other programs disturb.
    fn assert_linear(table: impl Fn(usize) -> String, n: usize) {
        const GROWTH: usize = 10;
        let (small, large) = (table(n), table(GROWTH * n));
        let (mut ten, mut one) = (Duration::MAX, Duration::MAX);
        for attempt in 1..=12 {
            (ten, one) = (ten.min(time(&small, GROWTH)), one.min(time(&large, 1)));
            if attempt >= 3 && one < 4 * ten {
                return;
            }
        }
        panic!("{GROWTH} × {n} take {ten:?}, and {} take {one:?}", GROWTH * n);
    }

    #[test]
    fn a_table_takes_no_more_memory_than_it_may() {
        const ROWS: usize = 40;
        let label = "iris";
        let text = format!("a,b,kind\n{}", format!("1,2,{label}\n").repeat(ROWS));
        // Two numbers, the label and where it ends; and that the first row stands in line 2.
        let row = 2 * size_of::<f64>() + label.len() + size_of::<usize>();
        let needed = (ROWS * row + size_of::<(usize, u64)>()) as u64;
        let within = |bytes| {
            let args = TableArgs { max_data: Some(bytes), ..TableArgs::default() };
            read(text.as_bytes(), "table", Want::Learn { label: Some("kind"), ignore: &[] }, &args)
        };
        assert_eq!(within(needed).unwrap().len(), ROWS);
        let Err(Failure::Usage(message)) = within(needed - 1) else { panic!("{needed} bytes are too many") };
        let named = [format!("line {}", ROWS + 1), format!("{needed} bytes"), "--max-data".to_owned()];
        assert!(named.iter().all(|named| message.contains(named)), "{message}");
    }

    #[test]
    fn time_grows_with_columns_as_they_do() {
        let row = |columns: usize, cell: fn(usize) -> String| (0..columns).map(cell).collect::<String>();
        let table = |columns| {
            let [header, one] = [row(columns, |i| format!("c{i},")), row(columns, |i| format!("{},", i % 7))];
            format!("{header}kind\n{one}x\n{one}y\n")
        };
        assert_linear(table, 1500);
    }

    #[test]
    fn time_grows_with_classes_as_they_do() {
        assert_linear(
            |rows| format!("a,kind\n{}", (0..rows).map(|i| format!("{},k{i}\n", i % 7)).collect::<String>()),
            2000,
        );
    }
}
