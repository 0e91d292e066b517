//! What came of a campaign: a line for each mutant, a table of all files, and the survivors.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::campaign::Outcome;
use crate::site::{Kind, Mutant};

/// A mutant that no test can catch.
#[derive(Clone, Debug, Deserialize)]
pub struct Equivalent {
    /// As the report names it; a `*` stands for anything.
    pub mutant: String,
    /// Why.
    pub because: String,
}

impl Equivalent {
    /// Whether it is this one.
    pub fn is(&self, mutant: &Mutant) -> bool {
        self.names(&mutant.name)
    }

    /// Whether it is the one of this name.
    pub fn names(&self, name: &str) -> bool {
        let mut parts = self.mutant.split('*');
        let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        // What stands between stars, one after another.
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

/// A mutant and its outcome in a line.
pub fn line(mutant: &Mutant, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Caught(test) => format!("{}\tcaught by\t{test}", mutant.name),
        Outcome::Survived(0) => format!("{}\tsurvived\tno test executes it", mutant.name),
        Outcome::Survived(tests) => format!("{}\tsurvived\t{tests} tests execute it", mutant.name),
    }
}

/// The other way round: what came of the mutants of these names.
pub fn read(text: &str) -> BTreeMap<String, Outcome> {
    let line = |line: &str| {
        let mut parts = line.split('\t');
        let (name, how, what) = (parts.next()?, parts.next()?, parts.next()?);
        let outcome = match how {
            "caught by" => Outcome::Caught(what.to_owned()),
            // "no test" is 0 tests.
            _ => Outcome::Survived(what.split(' ').next()?.parse().unwrap_or(0)),
        };
        Some((name.to_owned(), outcome))
    };
    text.lines().filter_map(line).collect()
}

/// A row of the table.
#[derive(Clone, Copy, Default)]
struct Score {
    mutants: usize,
    caught: usize,
    equivalent: usize,
    survived: usize,
}

/// Prints the table and the survivors; returns how many survivors are not equivalent, and how many that are said to be are caught.
pub fn print(results: &[(Mutant, Outcome)], equivalent: &[Equivalent]) -> (usize, usize) {
    let mut scores: BTreeMap<(Kind, &str), Score> = BTreeMap::new();
    let (mut survivors, mut wrong) = (Vec::new(), Vec::new());
    for (mutant, outcome) in results {
        let file = if mutant.kind == Kind::ByHand { "" } else { &mutant.file };
        let score = scores.entry((mutant.kind, file)).or_default();
        score.mutants += 1;
        let said = equivalent.iter().any(|listed| listed.is(mutant));
        match outcome {
            Outcome::Caught(_) => {
                score.caught += 1;
                if said {
                    wrong.push(mutant);
                }
            }
            Outcome::Survived(_) if said => score.equivalent += 1,
            Outcome::Survived(_) => {
                score.survived += 1;
                survivors.push(line(mutant, outcome));
            }
        }
    }
    println!("| mutants of | file | in all | caught | equivalent | survived |\n|---|---|---|---|---|---|");
    let mut total = Score::default();
    for ((kind, file), score) in &scores {
        let kind = match kind {
            Kind::Call => "a call of the token",
            Kind::Bound => "a loop's bound",
            Kind::Constant => "a formula's constant",
            Kind::ByHand => "written by hand",
        };
        let file = if file.is_empty() { String::new() } else { format!("`{file}`") };
        let Score { mutants, caught, equivalent, survived } = score;
        println!("| {kind} | {file} | {mutants} | {caught} | {equivalent} | {survived} |");
        total.mutants += mutants;
        total.caught += caught;
        total.equivalent += equivalent;
        total.survived += survived;
    }
    let Score { mutants, caught, equivalent, survived } = total;
    println!("| all | | {mutants} | {caught} | {equivalent} | {survived} |");
    if !survivors.is_empty() {
        println!("\nsurvived, and not listed as equivalent:");
        survivors.iter().for_each(|line| println!("  {}", line.replace('\t', ": ")));
    }
    if !wrong.is_empty() {
        println!("\ncaught, and listed as equivalent:");
        wrong.iter().for_each(|mutant| println!("  {}", mutant.name));
    }
    (survivors.len(), wrong.len())
}
