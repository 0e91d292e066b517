//! Which changes of a kernel or a formula do the tests catch?
//!
//! A mutant is a small change of the sources: a token call dropped, a loop one longer, a constant one less. If the tests pass in spite of it,
//! it survives, and either it changes nothing that matters or a test is missing. This program copies the workspace to `target/mutants/tree`,
//! compiles all mutants into one build of the tests, and runs the tests once for each mutant, which `NXM_MUTANT` switches on.

mod campaign;
mod report;
mod rewrite;
mod site;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs, thread};

use campaign::{Campaign, Journal, Outcome};
use report::Equivalent;
use rewrite::ByHand;
use site::{Kind, Mutant, mutants};
use tree::Tree;

const HELP: &str = "\
Which mutants of the kernels and the formulas do the tests catch?

Usage: nxm-mutants [OPTIONS]

  --sample N    only N mutants, drawn at random; each meets the test that caught it last first
  --seed S      the random numbers of the draw [default: 1]
  --only TEXT   only mutants whose name contains TEXT
  --by-hand     only those of by-hand.json
  --tests TEXT  only tests whose name contains TEXT, which are measured again; may be given more than once: with --resume, for tests that are
                new or changed
  --longest S   only tests that took no more than S seconds when they were measured: a mutant that only a longer one catches survives
  --longer S    only tests that took more than S seconds: with --resume, for what survived --longest S
  --jobs N      tests that run at once [default: the number of processors]
  --list        print the mutants, each with what NXM_MUTANT must be for it, and build nothing
  --resume      go on where an earlier full run was stopped; trust report.tsv for what was caught, and run what survived again, but for what
                equivalent.json lists; measure only tests that were not measured; with --sample, use what was measured

A run of all mutants writes crates/mutants/report.tsv. Exit status 1: a mutant survived that crates/mutants/equivalent.json does not list.";

/// What a full run has found so far.
const JOURNAL: &str = "journal.tsv";

#[derive(Default)]
struct Options {
    sample: Option<usize>,
    seed: u64,
    only: String,
    by_hand: bool,
    tests: Vec<String>,
    longest: Option<f64>,
    longer: Option<f64>,
    jobs: Option<usize>,
    list: bool,
    resume: bool,
}

impl Options {
    /// Whether all mutants are asked for.
    fn is_full(&self) -> bool {
        self.sample.is_none() && self.only.is_empty() && !self.by_hand
    }
}

fn options() -> Result<Option<Options>, Box<dyn Error>> {
    let mut options = Options { seed: 1, ..Options::default() };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--sample" => options.sample = Some(value()?.parse()?),
            "--seed" => options.seed = value()?.parse()?,
            "--only" => options.only = value()?,
            "--tests" => options.tests.push(value()?),
            "--longest" => options.longest = Some(value()?.parse()?),
            "--longer" => options.longer = Some(value()?.parse()?),
            "--jobs" => options.jobs = Some(value()?.parse::<usize>()?.max(1)),
            "--by-hand" => options.by_hand = true,
            "--list" => options.list = true,
            "--resume" => options.resume = true,
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("unknown option {argument}; see --help").into()),
        }
    }
    Ok(Some(options))
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(options) = options()? else {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.join("../..").canonicalize()?;
    let place = root.join("target/mutants");
    let by_hand: Vec<ByHand> = serde_json::from_str(&fs::read_to_string(here.join("by-hand.json"))?)?;
    let equivalent: Vec<Equivalent> = serde_json::from_str(&fs::read_to_string(here.join("equivalent.json"))?)?;
    let tree = Tree::new(&root, &place.join("tree"), &by_hand)?;
    let all = mutants(&tree.sites);
    println!(
        "{} mutants at {} places; left out: {} constants where only constants may stand, {} in arguments of macros",
        all.len(),
        tree.sites.len(),
        tree.skipped.constants,
        tree.skipped.in_macros
    );
    if let Some(listed) = equivalent.iter().find(|listed| !all.iter().any(|mutant| listed.is(mutant))) {
        return Err(format!(
            "no mutant is called {:?}, which equivalent.json lists: {}",
            listed.mutant, listed.because
        )
        .into());
    }
    let report = here.join("report.tsv");
    let mut known = report::read(&fs::read_to_string(&report).unwrap_or_default());
    let chosen = choose(all, &options, &equivalent);
    if options.list {
        chosen.iter().for_each(|mutant| println!("{}:{}\t{}", mutant.site, mutant.variant, mutant.name));
        return Ok(ExitCode::SUCCESS);
    }

    let start = Instant::now();
    let programs = tree.build(&place.join("build"))?;
    println!("built in {} s", start.elapsed().as_secs());
    let jobs = options.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let campaign = Campaign { programs, tree: tree.place.clone(), place: place.clone(), jobs };
    let start = Instant::now();
    if (options.longest.is_some() || options.longer.is_some()) && options.sample.is_some() && !options.resume {
        return Err("--longest and --longer need times: with --sample, add --resume after a full run".into());
    }
    if !options.tests.is_empty() && !options.resume {
        return Err("--tests goes on with what a full run left: add --resume".into());
    }
    let there = campaign.tests()?;
    // What was caught by a test that is no more may be caught by none.
    let titles: BTreeSet<String> = there.iter().map(campaign::Test::title).collect();
    known.retain(|_, outcome| outcome.test().is_none_or(|test| titles.contains(test)));
    let mut tests = measured(&campaign, &tree, &options, &there)?;
    let seconds = |test: &campaign::Test| test.time.as_secs_f64();
    tests.retain(|test| options.longest.is_none_or(|longest| seconds(test) <= longest));
    tests.retain(|test| options.longer.is_none_or(|longer| seconds(test) > longer));
    println!("{} of {} tests", tests.len(), there.len());
    let results = judge(&campaign, chosen, &tests, known, &options, &equivalent, &place)?;
    println!("{} mutants in {} s\n", results.len(), start.elapsed().as_secs());
    let (survivors, wrong) = report::print(&results, &equivalent);
    if options.is_full() {
        let lines: Vec<String> = results.iter().map(|(mutant, outcome)| report::line(mutant, outcome)).collect();
        fs::write(report, lines.join("\n") + "\n")?;
        // The journal is of a run that was stopped, and this one was not.
        let _ = fs::remove_file(place.join(JOURNAL));
    }
    Ok(if survivors + wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Those of the tests `there` that are asked for, with what they take and execute, but for a sample that asks for the tests' names alone.
fn measured(
    campaign: &Campaign,
    tree: &Tree,
    options: &Options,
    there: &[campaign::Test],
) -> Result<Vec<campaign::Test>, Box<dyn Error>> {
    if options.sample.is_some() && !options.resume {
        return Ok(there.to_vec());
    }
    let is_asked = |test: &campaign::Test| {
        options.tests.is_empty() || options.tests.iter().any(|text| test.title().contains(text))
    };
    let path = campaign.place.join("measured.tsv");
    let before = if options.resume { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    let mut measured = campaign.remembered(&before, &tree.sites, there);
    measured.retain(|test| options.tests.is_empty() || !is_asked(test));
    let is_new = |test: &campaign::Test| is_asked(test) && measured.iter().all(|known| !known.is(test));
    let new: Vec<_> = there.iter().filter(|test| is_new(test)).cloned().collect();
    let (number, start) = (new.len(), Instant::now());
    let (passed, failed) = campaign.measure(new, options.longest);
    let longer = number - passed.len() - failed.len();
    println!("{number} tests measured in {} s, of which {longer} are too long", start.elapsed().as_secs());
    failed.iter().for_each(|test| println!("left out, because nothing is changed and it fails: {test}"));
    measured.extend(passed);
    measured.sort_by_key(|test| test.time);
    fs::write(&path, campaign.measured(&measured, &tree.sites))?;
    measured.retain(is_asked);
    Ok(measured)
}

/// Runs the tests on the mutants. A full run keeps a journal, and may go on where an earlier one stopped.
fn judge(
    campaign: &Campaign,
    chosen: Vec<Mutant>,
    tests: &[campaign::Test],
    known: BTreeMap<String, Outcome>,
    options: &Options,
    equivalent: &[Equivalent],
    place: &Path,
) -> Result<Vec<(Mutant, Outcome)>, Box<dyn Error>> {
    let full = options.is_full();
    let path: PathBuf = place.join(if full { JOURNAL } else { "journal-of-some.tsv" });
    if !(full && options.resume) {
        let _ = fs::remove_file(&path);
    }
    // A full run that goes on trusts the last report for what was caught, and for what nothing can catch; and the journal, which is newer.
    let is_equivalent = |name: &str| equivalent.iter().any(|listed| listed.names(name));
    let is_settled = |name: &str, outcome: &Outcome| matches!(outcome, Outcome::Caught(_)) || is_equivalent(name);
    let mut before = if full && options.resume { known.clone() } else { BTreeMap::new() };
    before.retain(|name, outcome| is_settled(name, outcome));
    let mut journal = report::read(&fs::read_to_string(&path).unwrap_or_default());
    journal.retain(|name, outcome| options.longer.is_none() || is_settled(name, outcome));
    before.extend(journal);
    let is_judged = |mutant: &Mutant| before.contains_key(&mutant.name);
    let (judged, mut left): (Vec<_>, Vec<_>) = chosen.into_iter().partition(is_judged);
    if options.longer.is_some() {
        // Kernels first: long tests catch many of theirs and few of the formulas'.
        left.reverse();
    }
    let caught = |(name, outcome): (String, Outcome)| Some((name, outcome.test()?.to_owned()));
    let first = known.into_iter().filter_map(caught).collect();
    let journal = Journal::open(&path)?;
    let judged = judged.into_iter().map(|mutant| (mutant.clone(), before[&mutant.name].clone()));
    let mut results: Vec<_> = judged.collect();
    results.extend(campaign.judge(left, tests, &first, |mutant, outcome| journal.write(mutant, outcome)));
    results.sort_by_key(|(mutant, _)| (mutant.site, mutant.variant));
    Ok(results)
}

/// The mutants that are asked for. A sample has none that are listed as equivalent: those would pass all tests.
fn choose(all: Vec<Mutant>, options: &Options, equivalent: &[Equivalent]) -> Vec<Mutant> {
    let mut chosen: Vec<Mutant> = all
        .into_iter()
        .filter(|mutant| mutant.name.contains(&options.only) && (!options.by_hand || mutant.kind == Kind::ByHand))
        .collect();
    let Some(sample) = options.sample else { return chosen };
    chosen.retain(|mutant| !equivalent.iter().any(|listed| listed.is(mutant)));
    // SplitMix64.
    let mut state = options.seed;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let mut drawn: Vec<(u64, Mutant)> = chosen.into_iter().map(|mutant| (random(), mutant)).collect();
    drawn.sort_by_key(|(number, _)| *number);
    drawn.truncate(sample);
    drawn.into_iter().map(|(_, mutant)| mutant).collect()
}
