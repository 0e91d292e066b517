//! Load: a table of any size, made while it is read, so that no disk takes part. It says how long reading and scaling take, how much memory
//! the program takes at most, and fails if that is more than docs/data.md states.
//!
//! ```sh
//! cargo bench -p nxm --bench load                       # 10⁶ rows of 10 columns, 10⁵ rows of 1,000 columns
//! cargo bench -p nxm --bench load -- 10000000 10        # so many rows and columns
//! ```

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nxm_data::MANY_NUMBERS;

/// Tables that are read if none is asked for: rows and columns.
const TABLES: [[u64; 2]; 2] = [[1_000_000, 10], [100_000, 1_000]];
/// Different cells: of so many, a column is kept as numbers, as most columns of measurements are.
const CELLS: u64 = 2 * MANY_NUMBERS as u64;
/// The classes' names.
const LABELS: [&str; 2] = ["left", "right"];
/// Bytes of a row, besides its numbers: its target, its line, its place in the split and in the order of an epoch.
const ROW: u64 = 100;
/// Bytes of a text that is kept, twice, with its place in a map.
const TEXT: u64 = 110;
/// Bytes of the program itself: its code, buffers, threads and the network.
const PROGRAM: u64 = 64 << 20;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Only `cargo bench` adds it: `cargo test --benches` tries whether it works at all.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let asked = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let asked = asked.map(|number| number.parse()).collect::<Result<Vec<u64>, _>>()?;
    let tables = match asked[..] {
        [] if is_bench => TABLES.to_vec(),
        [] => vec![[100, 10]],
        [rows, columns] if rows >= 2 && columns >= 1 => vec![[rows, columns]],
        _ => return Err("expected two numbers: at least 2 rows, and at least 1 column".into()),
    };
    println!("      rows  columns     MB of text    time    MB/s  peak MiB  stated MiB");
    let mut within = true;
    for [rows, columns] in tables {
        let Load { bytes, time, peak } = load(rows, columns)?;
        let stated = stated(rows, columns);
        let [text, seconds] = [bytes as f64 / 1e6, time.as_secs_f64()];
        let shown = peak.map_or("unknown".to_owned(), |peak| (peak >> 20).to_string());
        println!(
            "{rows:10} {columns:8} {text:14.1} {seconds:6.2}s {:7.1} {shown:>9} {:11}",
            text / seconds,
            stated >> 20
        );
        within &= peak.is_none_or(|peak| peak <= stated);
    }
    if within {
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: more memory than docs/data.md states");
    Ok(ExitCode::FAILURE)
}

/// What docs/data.md states: for each number 8 bytes as it is read and 4 as it is scaled; for each row [`ROW`]; and for each column [`TEXT`] for each
/// text that is kept before they are too many.
fn stated(rows: u64, columns: u64) -> u64 {
    let texts = rows.min(CELLS).min(MANY_NUMBERS as u64);
    PROGRAM + rows * (12 * columns + ROW) + columns * texts * TEXT
}

/// What a load took.
struct Load {
    bytes: u64,
    time: Duration,
    peak: Option<u64>,
}

/// Trains a network without hidden layers for an epoch. The time ends when the program says what it learns from what.
fn load(rows: u64, columns: u64) -> Result<Load, Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nxm"));
    command.args(["train", "/dev/stdin", "--label", "kind", "--hidden", "none", "--epochs", "1", "--batch", "256"]);
    let start = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (to, from) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let writer = thread::spawn(move || write(to, rows, columns));
    let (mut from, mut first) = (BufReader::new(from), String::new());
    let reader = thread::spawn(move || {
        from.read_line(&mut first)?;
        let time = start.elapsed();
        from.read_to_string(&mut first)?;
        Ok::<_, std::io::Error>((time, first))
    });
    let mut peak = None;
    let status = loop {
        // The last one before it ends: it only grows.
        peak = peak_of(child.id()).or(peak);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let (time, said) = reader.join().expect("it does not panic")?;
    let bytes = writer.join().expect("it does not panic")?;
    if !status.success() || !said.replace(',', "").contains(&format!("{columns} column")) {
        return Err(format!("the program ended with {status}: {said}").into());
    }
    Ok(Load { bytes, time, peak })
}

/// Writes the table; returns its bytes.
fn write(to: impl Write, rows: u64, columns: u64) -> std::io::Result<u64> {
    // Multiplied by odd numbers, small ones look random enough.
    let cells: Vec<String> =
        (0..CELLS).map(|i| format!("{:.6},", (i * 2_654_435_761 % 1_000_003) as f64 / 1e6)).collect();
    let (mut to, mut bytes) = (BufWriter::with_capacity(1 << 20, to), 0);
    let mut put = |text: &str| {
        bytes += text.len() as u64;
        to.write_all(text.as_bytes())
    };
    (0..columns).try_for_each(|column| put(&format!("c{column},")))?;
    put("kind\n")?;
    for row in 0..rows {
        for column in 0..columns {
            let cell = (row * 40_503 + column * 30_011) % CELLS;
            put(&cells[cell as usize])?;
        }
        put(LABELS[(row % 2) as usize])?;
        put("\n")?;
    }
    to.flush()?;
    Ok(bytes)
}

/// The most memory that a process has held so far, as Linux says it.
fn peak_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}
