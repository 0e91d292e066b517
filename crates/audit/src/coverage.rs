//! Which floating-point instructions of the kernels an audit has stepped, and which it has not.
//!
//! An audit that never takes a branch says nothing about the instructions behind it. So all floating-point instructions of all kernel bodies in
//! the running program are listed, and compared with the addresses that were stepped. An instruction that no audit stepped is an error, unless
//! [`excuses`] allows for it with a reason.

use std::collections::BTreeSet;

use crate::error::AuditError;
use crate::finding::Finding;

mod excuses;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod program;

pub use excuses::Excuse;

/// The floating-point instructions of one level's kernel bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelCoverage {
    /// The level's name.
    pub level: &'static str,
    /// Kernel bodies with floating-point arithmetic. A function that they call counts as one, too.
    pub bodies: usize,
    /// Their floating-point instructions.
    pub instructions: usize,
    /// Those that no audit stepped, by the kernel that they belong to.
    pub gaps: Vec<Gap>,
}

impl LevelCoverage {
    /// How many floating-point instructions were stepped.
    pub fn stepped(&self) -> usize {
        self.instructions - self.gaps.iter().map(|gap| gap.unstepped.len()).sum::<usize>()
    }

    /// Gaps that are larger than the written list allows.
    pub fn failures(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().filter(|gap| gap.unstepped.len() > gap.excuse.map_or(0, |excuse| excuse.most))
    }
}

/// What no audit stepped of the bodies of one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first kernel, by the catalogue's order, that stepped another instruction of the same body; none if no audit entered the body.
    pub kernel: Option<String>,
    /// The instructions.
    pub unstepped: Vec<Unstepped>,
    /// What the written list says about it.
    pub excuse: Option<&'static Excuse>,
}

/// A floating-point instruction that no audit stepped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstepped {
    /// Its name.
    pub name: String,
    /// The symbol of its function.
    pub symbol: String,
    /// Bytes from the function's start.
    pub offset: u64,
}

impl std::fmt::Display for Unstepped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}+{:#x}", self.name, self.symbol, self.offset)
    }
}

/// Compares the kernel bodies of the running program with what `findings` stepped, for each level that they have.
///
/// # Errors
/// [`AuditError::Unavailable`] on other systems than Linux on x86-64, [`AuditError::Program`] if the program's file has no symbols of kernels,
/// and [`AuditError::Unclassified`] if a kernel has an instruction that is not known.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn coverage(findings: &[Finding]) -> Result<Vec<LevelCoverage>, AuditError> {
    use std::collections::BTreeMap;

    use nxm_kernels::Level;

    let stepped: Vec<(&Finding, BTreeSet<u64>)> =
        findings.iter().map(|finding| (finding, finding.machine.addresses().collect())).collect();
    let all: BTreeSet<u64> = stepped.iter().flat_map(|(_, addresses)| addresses.iter().copied()).collect();
    let bodies = program::bodies()?;
    let audited = |level: Level| findings.iter().any(|finding| finding.level == level);
    let mut levels = Vec::new();
    for level in Level::available().filter(|level| audited(*level)) {
        let mut coverage = LevelCoverage { level: level.name(), bodies: 0, instructions: 0, gaps: Vec::new() };
        let mut gaps: BTreeMap<Option<&str>, Vec<Unstepped>> = BTreeMap::new();
        for body in bodies.iter().filter(|body| body.level == level.name()) {
            coverage.bodies += 1;
            coverage.instructions += body.instructions.len();
            let range = body.start..=body.instructions.last().map_or(body.start, |last| last.address);
            let mut unstepped =
                body.instructions.iter().filter(|instruction| !all.contains(&instruction.address)).peekable();
            if unstepped.peek().is_some() {
                let entered = stepped.iter().find(|(_, addresses)| addresses.range(range.clone()).next().is_some());
                let kernel = entered.and_then(|(finding, _)| finding.name.split(' ').next());
                gaps.entry(kernel).or_default().extend(unstepped.map(|instruction| Unstepped {
                    name: instruction.name.clone(),
                    symbol: body.symbol.clone(),
                    offset: instruction.address - body.start,
                }));
            }
        }
        coverage.gaps = gaps
            .into_iter()
            .map(|(kernel, unstepped)| Gap {
                kernel: kernel.map(str::to_owned),
                unstepped,
                excuse: excuses::of(kernel),
            })
            .collect();
        levels.push(coverage);
    }
    Ok(levels)
}

/// Not available here.
///
/// # Errors
/// [`AuditError::Unavailable`], always.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub fn coverage(_: &[Finding]) -> Result<Vec<LevelCoverage>, AuditError> {
    Err(AuditError::Unavailable)
}
