//! Runs tests on mutants: on each those that execute it, until one fails.
//!
//! First comes the test that will most likely catch the mutant soonest: by how often it caught mutants of the same kind, and by its time.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use crate::site::{Kind, Mutant, Site, mutants};
use crate::tree::TESTS;

/// Memory that a test may take: a wrong bound of a loop can ask for all there is.
const MEMORY: &str = "--as=8589934592";

/// Follows the name of a test that caught a mutant by not ending.
const DID_NOT_END: &str = " (did not end)";

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its program, as an index of [`TESTS`].
    pub program: usize,
    pub name: String,
    /// How long it takes when nothing is changed. Zero if that was not measured.
    pub time: Duration,
    /// The sites it executes. None if that was not asked.
    pub reached: Option<Vec<usize>>,
}

/// What came of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This test failed.
    Caught(String),
    /// So many tests execute it, and all of them passed.
    Survived(usize),
}

impl Outcome {
    /// The test that failed.
    pub fn test(&self) -> Option<&str> {
        match self {
            Outcome::Caught(test) => Some(test.trim_end_matches(DID_NOT_END)),
            Outcome::Survived(_) => None,
        }
    }
}

/// How a run of a test ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    /// It did not end, which counts as caught.
    Late,
}

/// Of each test, by its index, and each kind of mutant: how many it caught, and how many it let pass.
type Luck = BTreeMap<(usize, Kind, u8), (f64, f64)>;

/// The programs of tests.
pub struct Campaign {
    pub programs: Vec<PathBuf>,
    pub tree: PathBuf,
    /// Where what tests reach is written.
    pub place: PathBuf,
    pub jobs: usize,
}

impl Test {
    /// Its program and its name.
    pub fn title(&self) -> String {
        format!("{} {}", TESTS[self.program].0, self.name)
    }
    /// Whether it is the same test.
    pub fn is(&self, other: &Test) -> bool {
        self.program == other.program && self.name == other.name
    }
    fn limit(&self) -> Duration {
        if self.time.is_zero() { Duration::from_secs(600) } else { Duration::from_secs(10) + self.time * 10 }
    }
}

impl Campaign {
    /// All tests.
    pub fn tests(&self) -> io::Result<Vec<Test>> {
        let mut tests = Vec::new();
        for (program, path) in self.programs.iter().enumerate() {
            let output = Command::new(path).args(["--list", "--format", "terse"]).output()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
            tests.extend(names.map(|name| Test {
                program,
                name: name.to_owned(),
                time: Duration::ZERO,
                reached: None,
            }));
        }
        Ok(tests)
    }

    /// Runs each test on what is not changed: how long it takes, and which sites it executes. Those that fail there are left out, and named; and
    /// those that take longer than `longest`.
    pub fn measure(&self, tests: Vec<Test>, longest: Option<f64>) -> (Vec<Test>, Vec<String>) {
        let limit = longest.map_or(Duration::from_secs(3600), Duration::from_secs_f64);
        let measured = self.each(tests, |at, mut test| {
            let file = self.place.join(format!("reached-{at}"));
            let _ = fs::remove_file(&file);
            let start = Instant::now();
            let end = self.run(&test, &format!("reach:{}", file.display()), limit);
            test.time = start.elapsed();
            let text = fs::read_to_string(&file).unwrap_or_default();
            let _ = fs::remove_file(&file);
            test.reached = Some(text.lines().filter_map(|line| line.parse().ok()).collect());
            (test, end)
        });
        let (passed, others): (Vec<_>, Vec<_>) = measured.into_iter().partition(|(_, end)| *end == End::Passed);
        let failed = others.into_iter().filter(|(_, end)| *end == End::Failed || longest.is_none());
        (passed.into_iter().map(|(test, _)| test).collect(), failed.map(|(test, _)| test.title()).collect())
    }

    /// What [`Campaign::measure`] returned, as text. It begins with the sites, which tests name by their numbers.
    pub fn measured(&self, tests: &[Test], sites: &[Site]) -> String {
        let line = |test: &Test| {
            let sites: Vec<String> = test.reached.iter().flatten().map(ToString::to_string).collect();
            format!("{}\t{}\t{}\t{}\n", test.program, test.name, test.time.as_micros(), sites.join(" "))
        };
        format!("{}\n", fingerprint(sites)) + &tests.iter().map(line).collect::<String>()
    }

    /// The other way round; nothing if the sites were others. Tests that are no more are left out.
    pub fn remembered(&self, text: &str, sites: &[Site], tests: &[Test]) -> Vec<Test> {
        let line = |line: &str| {
            let mut parts = line.split('\t');
            let (program, name) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
            let time = Duration::from_micros(parts.next()?.parse().ok()?);
            let reached = Some(parts.next()?.split(' ').filter_map(|site| site.parse().ok()).collect());
            Some(Test { program, name, time, reached })
        };
        let Some((first, rest)) = text.split_once('\n') else { return Vec::new() };
        if first != fingerprint(sites) {
            return Vec::new();
        }
        rest.lines().filter_map(line).filter(|known| tests.iter().any(|test| test.is(known))).collect()
    }

    /// Runs the tests on each mutant, those first that `first` names for it; `done` is told each result.
    pub fn judge(
        &self,
        mutants: Vec<Mutant>,
        tests: &[Test],
        first: &BTreeMap<String, String>,
        done: impl Fn(&Mutant, &Outcome) + Sync,
    ) -> Vec<(Mutant, Outcome)> {
        let luck: Mutex<Luck> = Mutex::default();
        self.each(mutants, |_, mutant| {
            let reaches = |at: &usize| tests[*at].reached.as_ref().is_none_or(|sites| sites.contains(&mutant.site));
            let mut reaching: Vec<usize> = (0..tests.len()).filter(reaches).collect();
            let lucky = luck.lock().expect("no panic").clone();
            let seconds_for_one = |at: &usize| {
                let (caught, passed) = lucky.get(&(*at, mutant.kind, mutant.variant)).copied().unwrap_or_default();
                (tests[*at].time.as_secs_f64() + 0.02) * (caught + passed + 1.0) / (caught + 0.5)
            };
            reaching.sort_by(|a, b| seconds_for_one(a).total_cmp(&seconds_for_one(b)));
            if let Some(first) = first.get(&mutant.name) {
                reaching.sort_by_key(|at| tests[*at].title() != *first);
            }
            let switch = format!("{}:{}", mutant.site, mutant.variant);
            let failed = reaching.iter().find_map(|at| {
                let test = &tests[*at];
                let end = self.run(test, &switch, test.limit());
                let mut luck = luck.lock().expect("no panic");
                let (caught, passed) = luck.entry((*at, mutant.kind, mutant.variant)).or_default();
                *(if end == End::Passed { passed } else { caught }) += 1.0;
                match end {
                    End::Passed => None,
                    End::Failed => Some(Outcome::Caught(test.title())),
                    End::Late => Some(Outcome::Caught(format!("{}{DID_NOT_END}", test.title()))),
                }
            });
            let outcome = failed.unwrap_or(Outcome::Survived(reaching.len()));
            done(&mutant, &outcome);
            (mutant, outcome)
        })
    }

    /// Does `task` with each item, on `jobs` threads.
    fn each<A: Send, B: Send>(&self, items: Vec<A>, task: impl Fn(usize, A) -> B + Sync) -> Vec<B> {
        let next = AtomicUsize::new(0);
        let items: Vec<Mutex<Option<A>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
        let results: Vec<Mutex<Option<B>>> = items.iter().map(|_| Mutex::new(None)).collect();
        thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::SeqCst);
                        let Some(item) = items.get(at) else { return };
                        let item = item.lock().expect("no panic").take().expect("each item once");
                        *results[at].lock().expect("no panic") = Some(task(at, item));
                    }
                });
            }
        });
        results.into_iter().map(|result| result.into_inner().expect("no panic").expect("all items")).collect()
    }

    /// Runs one test with a mutant, and ends it after `limit`.
    fn run(&self, test: &Test, mutant: &str, limit: Duration) -> End {
        let mut command = Command::new("prlimit");
        command.arg(MEMORY).arg(&self.programs[test.program]).args(["--exact", &test.name, "--test-threads", "1"]);
        command.current_dir(self.tree.join("crates").join(TESTS[test.program].1));
        // The same random numbers in every run, so that a test reaches what it reached when it was measured. One failure is enough.
        command.env("NXM_MUTANT", mutant).env("PROPTEST_RNG_SEED", "12").env("PROPTEST_MAX_SHRINK_ITERS", "0");
        command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("prlimit");
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("a child") {
                return if status.success() { End::Passed } else { End::Failed };
            }
            if start.elapsed() > limit {
                let _ = child.kill();
                let _ = child.wait();
                return End::Late;
            }
            let pause = if start.elapsed() < Duration::from_millis(200) { 2 } else { 20 };
            thread::sleep(Duration::from_millis(pause));
        }
    }
}

/// A number that is another one if the sites are.
fn fingerprint(sites: &[Site]) -> String {
    let mut hasher = DefaultHasher::new();
    mutants(sites).iter().for_each(|mutant| (mutant.site, mutant.variant, &mutant.name).hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

/// Appends a line for each result to a file.
pub struct Journal(Mutex<File>);

impl Journal {
    /// One at `path`, which goes on if it exists.
    pub fn open(path: &Path) -> io::Result<Journal> {
        Ok(Journal(Mutex::new(File::options().create(true).append(true).open(path)?)))
    }
    pub fn write(&self, mutant: &Mutant, outcome: &Outcome) {
        let line = crate::report::line(mutant, outcome);
        // A journal that cannot be written costs a run that can't be continued, not its results.
        let _ = writeln!(self.0.lock().expect("no panic"), "{line}");
    }
}
