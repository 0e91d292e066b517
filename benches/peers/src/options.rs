//! What to measure: the command line.

use clap::{Parser, ValueEnum};
use nxm_kernels::{Cpu, Level, LevelError};

/// N×M against the machine's limits and against other libraries.
#[derive(Parser)]
pub struct Options {
    /// What to measure
    #[arg(value_enum, default_value_t = Mode::Products)]
    pub mode: Mode,
    /// The level N×M runs on (peers choose for themselves); the fastest if it is not given
    #[arg(long, value_name = "NAME")]
    level: Option<String>,
    /// Threads of N×M and of the peers
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    threads: u16,
    /// Only shapes or kernels whose name contains this, as "1024" or "weight" (`x` and `×` are the same)
    #[arg(long, value_name = "PART", default_value = "")]
    shapes: String,
    /// Interleaved rounds, fewer where a round takes long
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Measure f64 instead of f32
    #[arg(long)]
    pub f64: bool,
    /// What cargo passes to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// What to measure.
#[derive(Clone, Copy, ValueEnum)]
pub enum Mode {
    /// The three products of a layer at fixed shapes
    Products,
    /// FMA peak and bandwidth
    Roofline,
    /// dot, axpy, gemv and ger
    Vectors,
    /// 200 random shapes
    Sweep,
    /// One thread against two
    Threads,
}

/// The command line, understood.
pub struct Setup {
    /// The level N×M runs on.
    pub level: Level,
    pub threads: usize,
    filter: String,
    pub rounds: usize,
}

impl Options {
    /// # Errors
    /// [`LevelError`] if the level is unknown or this processor lacks it.
    pub fn setup(&self) -> Result<Setup, LevelError> {
        let level = match &self.level {
            Some(name) => Level::named(name)?,
            None => Level::detect()?,
        };
        let filter = self.shapes.replace('x', "×");
        Ok(Setup { level, threads: self.threads.into(), filter, rounds: self.rounds.into() })
    }
}

impl Setup {
    /// N×M's executor.
    pub fn cpu(&self) -> Cpu {
        Cpu::new(self.level, self.threads)
    }

    /// Whether `name` was asked for.
    pub fn wants(&self, name: &str) -> bool {
        name.contains(&self.filter)
    }
}

/// The machine's name and what was asked for, in a line.
pub fn machine(setup: &Setup) -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split(':').nth(1)).unwrap_or(" unknown").trim().to_owned()
    };
    let model = [field("model name"), "family".into(), field("cpu family"), "model".into(), field("model")].join(" ");
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (level, threads) = (setup.level, setup.threads);
    format!("{model}, {processors} processors; level {level}, {threads} thread{}", if threads == 1 { "" } else { "s" })
}
