//! Whether the proof can fail: each mutation of `mutations.json` is applied alone to a copy of the workspace, and the count tests must catch it.
//! A control, which changes no count, must not be caught: what fails there would fail whatever is changed.
//!
//! `cargo run -p nxm-count --example mutations [PART OF A NAME]`; each takes a build of the tests and a run.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{env, fs, io};

#[path = "../mutations.rs"]
mod mutations;

/// What of the workspace is copied.
const PARTS: [&str; 4] = ["Cargo.toml", "Cargo.lock", "crates", "benches"];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let wanted = env::args().nth(1).unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let place = root.join("target/mutations");
    let tree = place.join("tree");
    fs::create_dir_all(&tree)?;
    for part in PARTS {
        copy(&root.join(part), &tree.join(part))?;
    }
    let tests = Tests { tree: tree.clone(), target: place.join("target") };
    match tests.run()? {
        Outcome::Passed => println!("unchanged: the tests pass\n"),
        outcome => return Err(format!("unchanged, the tests do not pass: {outcome:?}").into()),
    }
    println!("| mutation | file | caught by |\n|---|---|---|");
    let mut wrong = 0;
    for mutation in mutations::all()?.iter().filter(|mutation| mutation.name.contains(&wanted)) {
        let file = tree.join(&mutation.file);
        let text = fs::read_to_string(&file)?;
        fs::write(&file, mutation.apply(&text)?)?;
        let (start, outcome) = (Instant::now(), tests.run()?);
        // Back, and newer than what was built from the mutation.
        fs::write(&file, text)?;
        let caught = match outcome {
            Outcome::Failed(names) if names.is_empty() => {
                return Err(format!("{:?}: the tests ended without a result", mutation.name).into());
            }
            Outcome::Failed(names) => {
                wrong += u32::from(mutation.survives);
                first_of(&names)
            }
            Outcome::Passed => {
                wrong += u32::from(!mutation.survives);
                "nothing".to_owned()
            }
            Outcome::NotBuilt(error) => {
                return Err(format!("{:?} does not compile, so it proves nothing:\n{error}", mutation.name).into());
            }
        };
        println!("| {} | `{}` | {caught} |", mutation.name, mutation.file);
        eprintln!("{:.0} s", start.elapsed().as_secs_f64());
    }
    println!("\n{wrong} survived, or were controls and did not");
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Names of tests that a table shows at most.
const SHOWN: usize = 3;

/// "a, b, c and 4 more".
fn first_of(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What came of the tests.
#[derive(Debug)]
enum Outcome {
    Passed,
    /// These did not pass.
    Failed(Vec<String>),
    /// What the compiler said.
    NotBuilt(String),
}

/// The count tests of the copy.
struct Tests {
    tree: PathBuf,
    target: PathBuf,
}

impl Tests {
    fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target).env("CARGO_TERM_COLOR", "never");
        // That one case fails is enough; which is the smallest does not matter, nor may it be remembered.
        cargo.env("PROPTEST_MAX_SHRINK_ITERS", "0").env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
        cargo.args(["test", "--locked", "-p", "nxm-count", "--test", "counts"]);
        cargo
    }

    fn run(&self) -> io::Result<Outcome> {
        let built = self.cargo().arg("--no-run").output()?;
        if !built.status.success() {
            return Ok(Outcome::NotBuilt(String::from_utf8_lossy(&built.stderr).into_owned()));
        }
        let output = self.cargo().output()?;
        if output.status.success() {
            return Ok(Outcome::Passed);
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        Ok(Outcome::Failed(lines.map(str::to_owned).collect()))
    }
}

/// Copies a file or a folder; files that are there already and the same stay, so that what was built of them stays too.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
        return Ok(());
    }
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|there| there == bytes) { Ok(()) } else { fs::write(to, bytes) }
}
