//! Whether the proof can fail: each mutation of `mutations.json` is applied alone to a copy of the workspace, and the count tests must catch it.
//! A control, which changes no count, must not be caught: what fails there would fail whatever is changed.
//!
//! `cargo run -p nxm-count --example mutations [PART OF A NAME]`; each takes a build of the tests and a run.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fs, io};

use serde_json::Value;

#[path = "../mutations.rs"]
mod mutations;

/// What of the workspace is copied.
const PARTS: [&str; 6] = ["Cargo.toml", "Cargo.lock", "README.md", "docs", "crates", "benches"];

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
            Outcome::Failed(test) => {
                wrong += u32::from(mutation.survives);
                test
            }
            Outcome::Ended => return Err(format!("{:?}: the tests ended without a result", mutation.name).into()),
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

/// What came of the tests.
#[derive(Debug)]
enum Outcome {
    Passed,
    /// This was the first that did not pass.
    Failed(String),
    /// They failed, and no test did.
    Ended,
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
        let cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let mut cargo = self.environment(cargo);
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_TERM_COLOR", "never");
        cargo.args(["test", "--locked", "-p", "nxm-count", "--test", "counts"]);
        cargo
    }

    fn environment(&self, mut command: Command) -> Command {
        // That one case fails is enough; which is the smallest does not matter, nor may it be remembered.
        command.env("PROPTEST_MAX_SHRINK_ITERS", "0").env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true");
        command.current_dir(&self.tree);
        command
    }

    fn run(&self) -> io::Result<Outcome> {
        let built = self.cargo().args(["--no-run", "--message-format", "json-render-diagnostics"]).output()?;
        if !built.status.success() {
            return Ok(Outcome::NotBuilt(String::from_utf8_lossy(&built.stderr).into_owned()));
        }
        // The program itself and not cargo, so that what is stopped is it.
        let messages = String::from_utf8_lossy(&built.stdout).into_owned();
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let program = messages.filter_map(|message| Some(message["executable"].as_str()?.to_owned())).next_back();
        let program = program.ok_or_else(|| io::Error::other("cargo names no program of the tests"))?;
        let mut child = self.environment(Command::new(program)).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        for line in lines {
            // One is enough.
            if let Some(test) = line?.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
                let test = test.to_owned();
                child.kill()?;
                child.wait()?;
                return Ok(Outcome::Failed(test));
            }
        }
        Ok(if child.wait()?.success() { Outcome::Passed } else { Outcome::Ended })
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
