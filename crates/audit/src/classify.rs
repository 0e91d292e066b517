//! What an instruction is to a count: so many lanes of a kind of operation, or nothing.
//!
//! By its name, for names of vector instructions are regular: `vfmadd231ps` is v + operation + "ps", packed singles. What moves, picks or
//! permutes numbers, works on their bits or on integers is no operation. A name that is in neither list is an error: nothing is ever
//! passed over because it is unknown.

use iced_x86::{CpuidFeature, Instruction, Mnemonic, Register};
use nxm_count::Kind;

use crate::machine::{Lanes, Width};

#[cfg(test)]
mod tests;

/// What executing an instruction once counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing.
    Other,
    /// An operation on each lane, or on those that a mask register picks.
    Operation {
        lanes: Lanes,
        /// How many.
        count: u32,
        /// Number of the mask register.
        mask: Option<usize>,
    },
}

/// Names, without the `v` of AVX, that begin so are no arithmetic on floating-point numbers.
const OTHER: [&str; 22] = [
    "mov",
    "maskmov",
    "lddqu",
    "and",
    "or",
    "xor",
    "shuf",
    "unpck",
    "blend",
    "perm",
    "broadcast",
    "insert",
    "extract",
    "compress",
    "expand",
    "gather",
    "scatter",
    "test",
    "zero",
    "align", // p…: integers; k…: masks.
    "p",
    "k",
];

/// Instruction sets of which nothing is known here: x87, 3DNow! and matrices in tiles. Their registers are not always named.
const FOREIGN: [CpuidFeature; 14] = [
    CpuidFeature::FPU,
    CpuidFeature::FPU287,
    CpuidFeature::FPU287XL_ONLY,
    CpuidFeature::FPU387,
    CpuidFeature::FPU387SL_ONLY,
    CpuidFeature::CYRIX_FPU,
    CpuidFeature::D3NOW,
    CpuidFeature::D3NOWEXT,
    CpuidFeature::CYRIX_D3NOW,
    CpuidFeature::AMX_TILE,
    CpuidFeature::AMX_BF16,
    CpuidFeature::AMX_INT8,
    CpuidFeature::AMX_FP16,
    CpuidFeature::AMX_COMPLEX,
];

/// Whether it is of those. (`fisttp` works on x87's registers and is a part of SSE3.)
fn is_foreign(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Fisttp || instruction.cpuid_features().iter().any(|f| FOREIGN.contains(f))
}

/// The class of `instruction`; none if it is unknown.
pub(crate) fn classify(instruction: &Instruction) -> Option<Class> {
    if is_foreign(instruction) {
        return None;
    }
    let name = format!("{:?}", instruction.mnemonic()).to_lowercase();
    let name = name.strip_prefix('v').unwrap_or(&name);
    let registers = (0..instruction.op_count()).map(|op| instruction.op_register(op));
    let width = registers.clone().filter(|r| r.is_vector_register()).map(Register::size).max();
    // A conversion from memory to an integer register names no other.
    if width.is_none() && !name.starts_with("cvt") && !registers.clone().any(|r| r.is_k() || r.is_mm()) {
        return Some(Class::Other);
    }
    let memory = bytes_from_memory(instruction)?;
    let Some((kind, element)) = operation(name) else {
        return OTHER.iter().any(|other| name.starts_with(other)).then_some(Class::Other);
    };
    let (width, count) = match element {
        None => (Width::Scalar, 1),
        Some(bytes) => {
            let width = width?.max(memory);
            (Width::of_bytes(width)?, (width / bytes) as u32)
        }
    };
    let mask = (instruction.op_mask() != Register::None).then(|| instruction.op_mask().number());
    Some(Class::Operation { lanes: Lanes { kind, width }, count, mask })
}

/// Bytes that an instruction takes from memory; of a number that is broadcast, those of all its copies. None if the size of a broadcast is not
/// known.
///
/// A conversion to narrower elements names its narrow register alone: `vcvtpd2ps ymm, m64{1to8}` has eight lanes, as its memory operand says.
fn bytes_from_memory(instruction: &Instruction) -> Option<usize> {
    let size = instruction.memory_size();
    if !instruction.is_broadcast() {
        return Some(size.size());
    }
    // "Broadcast512_Float64": the bits of all copies are in the name alone.
    let name = format!("{size:?}");
    let bits = name.strip_prefix("Broadcast")?.split('_').next()?;
    bits.parse::<usize>().ok().map(|bits| bits / 8)
}

/// The kind of a named operation, and the bytes of its packed elements: of the larger ones, if it converts; none if it has one lane.
fn operation(name: &str) -> Option<(Kind, Option<usize>)> {
    if let Some(types) = name.strip_prefix("cvt") {
        let (from, to) = types.trim_start_matches('t').split_once('2')?;
        let bytes = [element(from)?, element(to)?];
        // Whoever has one lane says so on either side.
        return Some((Kind::Convert, bytes[0].zip(bytes[1]).map(|(from, to)| from.max(to))));
    }
    let (stem, suffix) = name.split_at_checked(name.len().checked_sub(2)?)?;
    let element = match suffix {
        "ps" | "pd" | "ss" | "sd" => element(suffix)?,
        _ => return None,
    };
    let kind = match stem.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "add" | "sub" | "addsub" | "hadd" | "hsub" => Kind::Add,
        "mul" => Kind::Mul,
        "div" => Kind::Div,
        "sqrt" => Kind::Sqrt,
        "min" | "max" | "cmp" | "comi" | "ucomi" => Kind::Cmp,
        "round" | "rndscale" => Kind::Convert,
        "fmadd" | "fmsub" | "fnmadd" | "fnmsub" | "fmaddsub" | "fmsubadd" => Kind::Fma,
        _ => return None,
    };
    Some((kind, element))
}

/// Bytes of a packed element, or none for a single one, by the name of its type.
fn element(name: &str) -> Option<Option<usize>> {
    match name {
        "ps" | "dq" | "udq" => Some(Some(4)),
        "pd" | "qq" | "uqq" => Some(Some(8)),
        "ss" | "sd" | "si" | "usi" => Some(None),
        _ => None,
    }
}
