//! The kernel bodies in the program that runs, found in its own ELF file.
//!
//! A kernel body is a function that enters an instruction set: an instance of a trampoline of nxm-kernels, with all that was inlined into it.
//! A program that counts has every kernel a second time, wrapped in a token that counts. Symbols need not tell the two apart. So the search starts
//! at [`Cpu`](nxm_kernels::Cpu), which runs kernels in production, and follows calls and addresses of functions from there.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind};
use nxm_kernels::{Call, Cpu, Executor, Region};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::classify::{Class, classify};
use crate::error::AuditError;

/// The trampolines of nxm-kernels by what their symbols end in before the hash or the type parameters, and the level that each enters.
const TRAMPOLINES: [(&str, &str); 5] = [
    ("6scalar5plain", SCALAR_WITHOUT_FMA),
    ("12enter_scalar", "scalar"),
    ("4wide8function", "wide"),
    ("10enter_avx2", "avx2"),
    ("12enter_avx512", "avx512"),
];

/// The scalar level of a processor without fused multiply-add. Every processor with AVX2 has that instruction and never enters this level.
pub(super) const SCALAR_WITHOUT_FMA: &str = "scalar without fma";

/// A function that production code can reach from a kernel, or a kernel body.
pub(super) struct Body {
    /// The level that it belongs to: that of the trampoline, or of one that reaches it.
    pub(super) level: &'static str,
    /// Its symbol.
    pub(super) symbol: String,
    /// Address of its first instruction in this process.
    pub(super) start: u64,
    /// Its floating-point instructions.
    pub(super) instructions: Vec<Arithmetic>,
}

/// A floating-point instruction.
pub(super) struct Arithmetic {
    /// Where it stands in this process.
    pub(super) address: u64,
    /// Its name.
    pub(super) name: String,
}

/// All of them that have floating-point arithmetic, by address.
///
/// # Errors
/// [`AuditError::Program`] if the file has no symbols, [`AuditError::Unclassified`] if a body has an instruction that is not known.
pub(super) fn bodies() -> Result<Vec<Body>, AuditError> {
    let file = fs::read("/proc/self/exe").map_err(unreadable)?;
    let program = Program::read(&file)?;
    let run = [
        Cpu::run_f32 as fn(&Cpu, Call<'_, f32>, Option<Region>) as usize,
        Cpu::run_f64 as fn(&Cpu, Call<'_, f64>, Option<Region>) as usize,
    ];
    let reached = program.reachable(run.map(|address| address as u64));
    let mut bodies = BTreeMap::new();
    for (tail, level) in TRAMPOLINES {
        let entered = reached.iter().copied().filter(|start| program.functions[start].is_instance_of(tail));
        for start in program.reachable_in_kernels(entered) {
            if let Entry::Vacant(entry) = bodies.entry(start) {
                let function = &program.functions[&start];
                let instructions = program.arithmetic(start)?;
                entry.insert(Body { level, symbol: function.symbol.to_owned(), start, instructions });
            }
        }
    }
    if bodies.is_empty() {
        return Err(AuditError::Program("it has no symbols of kernels: build it without `strip`".to_owned()));
    }
    Ok(bodies.into_values().filter(|body| !body.instructions.is_empty()).collect())
}

fn unreadable(error: impl std::fmt::Display) -> AuditError {
    AuditError::Program(error.to_string())
}

/// A function of the program.
struct Function<'a> {
    symbol: &'a str,
    code: &'a [u8],
}

impl Function<'_> {
    /// Whether it is one of nxm-kernels.
    fn is_of_kernels(&self) -> bool {
        self.symbol.contains("nxm_kernels")
    }

    /// Whether it is an instance of the trampoline whose symbol has this part.
    fn is_instance_of(&self, trampoline: &str) -> bool {
        self.symbol.contains("nxm_kernels4simd") && self.symbol.contains(trampoline)
    }
}

/// The program's functions by their addresses in this process.
struct Program<'a> {
    functions: BTreeMap<u64, Function<'a>>,
    /// The memory of this process.
    memory: File,
}

impl<'a> Program<'a> {
    fn read(file: &'a [u8]) -> Result<Program<'a>, AuditError> {
        let elf: ElfFile64<'a> = ElfFile64::parse(file).map_err(unreadable)?;
        let bias = bias(&elf)?;
        let mut code = Vec::new();
        for section in elf.sections().filter(|section| section.kind() == object::SectionKind::Text) {
            code.push((section.address(), section.data().map_err(unreadable)?));
        }
        let mut functions = BTreeMap::new();
        for symbol in elf.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0) {
            let (address, size) = (symbol.address(), symbol.size() as usize);
            let of = code.iter().find_map(|(start, bytes)| {
                let at = usize::try_from(address.checked_sub(*start)?).ok()?;
                bytes.get(at..at.checked_add(size)?)
            });
            if let (Some(code), Ok(symbol)) = (of, symbol.name()) {
                functions.insert(address.wrapping_add(bias), Function { symbol, code });
            }
        }
        Ok(Program { functions, memory: File::open("/proc/self/mem").map_err(unreadable)? })
    }

    /// The functions that are reached from these: called, jumped to, or taken the address of.
    fn reachable(&self, from: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
        self.closure(from, |_| true)
    }

    /// Those of nxm-kernels that are reached from these kernel bodies without entering a level again.
    fn reachable_in_kernels(&self, from: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
        let is_body = |function: &Function<'_>| TRAMPOLINES.iter().any(|(tail, _)| function.is_instance_of(tail));
        self.closure(from, |function| function.is_of_kernels() && !is_body(function))
    }

    fn closure(&self, from: impl IntoIterator<Item = u64>, enters: impl Fn(&Function<'_>) -> bool) -> BTreeSet<u64> {
        let mut waiting: Vec<u64> = from.into_iter().filter(|start| self.functions.contains_key(start)).collect();
        let mut reached: BTreeSet<u64> = waiting.iter().copied().collect();
        while let Some(start) = waiting.pop() {
            for instruction in self.instructions(start) {
                for to in self.targets(&instruction) {
                    if self.functions.get(&to).is_some_and(&enters) && reached.insert(to) {
                        waiting.push(to);
                    }
                }
            }
        }
        reached
    }

    fn instructions(&self, start: u64) -> impl Iterator<Item = Instruction> + use<'a> {
        let mut decoder = Decoder::with_ip(64, self.functions[&start].code, start, DecoderOptions::NONE);
        std::iter::from_fn(move || decoder.can_decode().then(|| decoder.decode()))
    }

    /// Where else an instruction leads: the target of a branch, an address that it takes, or one that stands in memory, in the table of
    /// the addresses of functions that the loader has filled in.
    fn targets(&self, instruction: &Instruction) -> impl Iterator<Item = u64> {
        let branch = (instruction.op0_kind() == OpKind::NearBranch64).then(|| instruction.near_branch_target());
        let taken = instruction.is_ip_rel_memory_operand().then(|| instruction.ip_rel_memory_address());
        let mut word = [0; 8];
        let stored =
            taken.filter(|at| self.memory.read_exact_at(&mut word, *at).is_ok()).map(|_| u64::from_le_bytes(word));
        branch.into_iter().chain(taken).chain(stored)
    }

    /// A function's floating-point instructions.
    fn arithmetic(&self, start: u64) -> Result<Vec<Arithmetic>, AuditError> {
        let mut found = Vec::new();
        for instruction in self.instructions(start) {
            let (name, address) = (format!("{:?}", instruction.mnemonic()).to_lowercase(), instruction.ip());
            match classify(&instruction) {
                Some(Class::Operation { .. }) => found.push(Arithmetic { address, name }),
                Some(Class::Other) if !instruction.is_invalid() => {}
                _ => return Err(AuditError::Unclassified { name, address }),
            }
        }
        Ok(found)
    }
}

/// What the loader added to the addresses in the file.
fn bias(elf: &ElfFile64<'_>) -> Result<u64, AuditError> {
    let first = elf.segments().find(|segment| segment.file_range().0 == 0).map(|segment| segment.address());
    let maps = fs::read_to_string("/proc/self/maps").map_err(unreadable)?;
    let name = fs::read_link("/proc/self/exe").map_err(unreadable)?;
    let start = maps.lines().find_map(|line| {
        // start-end permissions offset device inode path
        let mut fields = line.split_whitespace();
        let (range, offset) = (fields.next()?, fields.nth(1)?);
        let is_first = u64::from_str_radix(offset, 16) == Ok(0) && line.ends_with(&*name.to_string_lossy());
        is_first.then(|| u64::from_str_radix(range.split('-').next()?, 16).ok())?
    });
    match (start, first) {
        (Some(start), Some(first)) => Ok(start.wrapping_sub(first)),
        _ => Err(AuditError::Program("the address at which it was loaded is not in /proc/self/maps".to_owned())),
    }
}
