//! What the tests share: the program, run.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The program, without a pinned level.
pub fn nxm() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nxm"));
    command.env_remove("NXM_LEVEL");
    command
}

/// So many threads, or as many as this machine has: more would be refused.
pub fn threads(wanted: usize) -> &'static str {
    let there = std::thread::available_parallelism().map_or(1, usize::from);
    ["1", "2", "3", "4"][wanted.min(there).min(4) - 1]
}

/// Its output when called with `args`.
pub fn run(args: &[&str]) -> Output {
    nxm().args(args).output().expect("the program starts")
}

/// What it prints when called with `args`, which must succeed.
pub fn printed(args: &[&str]) -> String {
    let output = run(args);
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).expect("UTF-8"));
    assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    out
}

/// Asserts that `output` is a refusal in one line that names all of `named`, and nothing is on standard output.
pub fn assert_refused_in_a_line(output: &Output, named: &[&str], what: &str) {
    let message = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{what}: {message}");
    assert!(output.stdout.is_empty(), "{what}: {}", String::from_utf8_lossy(&output.stdout));
    assert!(message.starts_with("error: ") && message.trim_end().lines().count() == 1, "{what}: {message}");
    for name in named {
        assert!(message.contains(name), "{what}: {name:?} is not named in\n{message}");
    }
    assert!(!message.contains("panicked") && !message.contains('\u{1b}'), "{what}: {message}");
}

/// A folder that goes when the test ends.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Named after its test, and like no other.
    pub fn new(test: &str) -> Folder {
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nxm-cli-{test}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
    /// A place in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
    /// The same as text.
    pub fn name(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().expect("UTF-8")
    }
    /// Writes a file, and returns its name.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).expect("a file");
        self.name(name)
    }
    /// The folder itself.
    pub fn here(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A table of three kinds of flowers that are easily told apart, and a number that follows from the others.
pub fn flowers(rows: usize) -> String {
    let mut text = "length,width,kind,weight\n".to_owned();
    for i in 0..rows {
        let [noise, more] = [7 * i % 11, 5 * i % 13].map(|n| n as f64 / 50.0);
        let (length, width) = ([1.0, 4.0, 6.0][i % 3] + noise, 300.0 - [1.0, 3.0, 2.0][i % 3] * 100.0 + more);
        let kind = ["rose", "iris", "\"lily, white\""][i % 3];
        text += &format!("{length},{width},{kind},{}\n", 2.0 * length - 1.0);
    }
    text
}

/// An IDX file.
pub fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|size| file.extend_from_slice(&size.to_be_bytes()));
    file.extend_from_slice(bytes);
    file
}

/// Images of 2 × 3 pixels of two kinds, bright above or below, and their labels.
pub fn images(count: usize) -> (Vec<u8>, Vec<u8>) {
    let pixels = (0..count).flat_map(|i| {
        let (top, bottom) = if i % 2 == 0 { (250, 3) } else { (2, 240) };
        [top, top - 1, top, bottom, bottom, bottom - (i % 3) as u8]
    });
    let labels = (0..count).map(|i| if i % 2 == 0 { 4 } else { 10 });
    let (pixels, labels): (Vec<u8>, Vec<u8>) = (pixels.collect(), labels.collect());
    (idx(&[count as u32, 2, 3], &pixels), idx(&[count as u32], &labels))
}
