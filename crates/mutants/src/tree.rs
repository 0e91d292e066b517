//! The copy of the workspace in which all mutants are compiled, and its build.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use serde_json::Value;

use crate::rewrite::{ByHand, LINES, Skipped, Wanted, rewrite};
use crate::site::Site;

/// What of the workspace is copied.
const PARTS: [&str; 6] = ["Cargo.toml", "Cargo.lock", "README.md", "docs", "crates", "benches"];
/// Files of kernels whose calls are not mutated: tokens themselves, and the plain loops that kernels are compared with.
const NO_KERNELS: [&str; 3] = ["simd/", "reference.rs", "elementwise/pair.rs"];
/// Where loops are cut into tiles, blocks, vectors and parts.
const TILING: [&str; 13] = [
    "gemm",
    "gemv",
    "ger.rs",
    "reduce.rs",
    "dot.rs",
    "elementwise",
    "parallel.rs",
    "column_sum.rs",
    "norm.rs",
    "axpy.rs",
    "softmax.rs",
    "loss",
    "update.rs",
];
/// The module that is added.
const RUNTIME: &str = "crates/kernels/src/mutant.rs";
/// The programs that run tests, with their packages.
pub const TESTS: [(&str, &str); 4] = [("counts", "count"), ("bill", "count"), ("kernels", "kernels"), ("net", "net")];

/// The copy, its sites, and what was left out.
pub struct Tree {
    pub place: PathBuf,
    pub sites: Vec<Site>,
    pub skipped: Skipped,
}

impl Tree {
    /// Copies the workspace at `root` to `place`, with all mutants in it.
    pub fn new(root: &Path, place: &Path, by_hand: &[ByHand]) -> Result<Tree, Box<dyn std::error::Error>> {
        let mut files = Vec::new();
        for part in PARTS {
            list(root, Path::new(part), &mut files)?;
        }
        files.sort();
        let (mut sites, mut skipped) = (Vec::new(), Skipped::default());
        for file in &files {
            let bytes = fs::read(root.join(file))?;
            let wanted = wanted(file);
            let bytes = match wanted {
                Some(wanted) if wanted != Wanted::default() || by_hand.iter().any(|mutant| mutant.file == *file) => {
                    let text = String::from_utf8(bytes)?;
                    LINES.set(text.lines().map(str::to_owned).collect());
                    let (text, left_out) = rewrite(file, &text, wanted, by_hand, &mut sites)?;
                    skipped.constants += left_out.constants;
                    skipped.in_macros += left_out.in_macros;
                    text.into_bytes()
                }
                _ => bytes,
            };
            let bytes = if file == "crates/kernels/src/lib.rs" {
                [&bytes[..], b"\n#[doc(hidden)]\npub mod mutant;\n"].concat()
            } else {
                bytes
            };
            write(&place.join(file), &bytes)?;
        }
        let mut there = Vec::new();
        for part in PARTS.iter().filter(|part| place.join(part).exists()) {
            list(place, Path::new(part), &mut there)?;
        }
        for file in there.iter().filter(|file| files.binary_search(file).is_err() && *file != RUNTIME) {
            fs::remove_file(place.join(file))?;
        }
        let runtime = include_str!("../runtime/mutant.rs");
        let runtime = runtime.replace("const SITES: usize = 0;", &format!("const SITES: usize = {};", sites.len()));
        write(&place.join(RUNTIME), runtime.as_bytes())?;
        Ok(Tree { place: place.to_owned(), sites, skipped })
    }

    /// Builds the tests; returns their programs, in the order of [`TESTS`].
    pub fn build(&self, target: &Path) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "--locked", "--no-run", "--message-format", "json-render-diagnostics"]);
        for (test, package) in TESTS {
            cargo.args(["--package", &format!("nxm-{package}"), "--test", test]);
        }
        // The copy is not held to the workspace's lints. Nothing is remembered for a second build: there is none.
        cargo.env("RUSTFLAGS", "--cap-lints allow").env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo.env("CARGO_TARGET_DIR", target).current_dir(&self.place).stderr(Stdio::inherit());
        let output = cargo.output()?;
        if !output.status.success() {
            return Err("the copy with all mutants does not compile".into());
        }
        let messages = String::from_utf8_lossy(&output.stdout).into_owned();
        let messages: Vec<Value> = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let program = |name: &str| {
            let of_test = |message: &&Value| message["target"]["name"] == name && message["executable"].is_string();
            let message = messages.iter().find(of_test)?;
            Some(PathBuf::from(message["executable"].as_str()?))
        };
        let programs = TESTS.iter().map(|(test, _)| program(test).ok_or(format!("cargo names no program of {test}")));
        Ok(programs.collect::<Result<_, _>>()?)
    }
}

/// What of a file is mutated; none if it is copied as it is, but for what is written by hand.
fn wanted(file: &str) -> Option<Wanted> {
    if !file.ends_with(".rs") {
        return None;
    }
    if let Some(kernel) = file.strip_prefix("crates/kernels/src/") {
        let calls = !NO_KERNELS.iter().any(|prefix| kernel.starts_with(prefix));
        let bounds = calls && TILING.iter().any(|prefix| kernel.starts_with(prefix));
        return Some(Wanted { calls, bounds, constants: false });
    }
    Some(Wanted { constants: file.starts_with("crates/count/src/formula"), ..Wanted::default() })
}

/// All files under `part`, from the root.
fn list(root: &Path, part: &Path, files: &mut Vec<String>) -> io::Result<()> {
    let path = root.join(part);
    if !path.is_dir() {
        files.push(part.to_str().expect("a name in UTF-8").to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if name != "target" && name != "peers" && name != "mutants" {
            list(root, &part.join(name), files)?;
        }
    }
    Ok(())
}

/// A file that is there already and the same stays, so that what was built of it stays too.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().expect("a folder"))?;
    fs::write(path, bytes)
}
