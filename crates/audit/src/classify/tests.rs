//! Every instruction that works on floating-point numbers is counted, is in a list of those that do no arithmetic, or is an error.
//!
//! Every: the decoder is asked about every opcode of every encoding, and found instructions are checked against its own list of them.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Code, Decoder, DecoderOptions, OpKind};

use super::*;

/// Every instruction of 64-bit code, once with registers and once with memory, as far as it has those.
fn all() -> BTreeMap<(Code, bool), Instruction> {
    let mut found = BTreeMap::new();
    let mut decode = |bytes: &[u8]| {
        let mut padded = [0; 15];
        padded[..bytes.len()].copy_from_slice(bytes);
        let instruction = Decoder::new(64, &padded, DecoderOptions::NONE).decode();
        if !instruction.is_invalid() {
            let has_memory = (0..instruction.op_count()).any(|op| instruction.op_kind(op) == OpKind::Memory);
            found.entry((instruction.code(), has_memory)).or_insert(instruction);
        }
    };
    // Registers 0 to 7 with register 1; memory at a register; memory at many addresses, in register 2, for gathers.
    let operands: Vec<[u8; 2]> =
        (0..8).flat_map(|reg| [[0xC1 | reg << 3, 0], [reg << 3, 0], [0x04 | reg << 3, 0x10]]).collect();
    for op in 0..=255u8 {
        // x87: the second byte is an operation, too.
        for modrm in 0..=255u8 {
            decode(&[op, modrm]);
            decode(&[0x9B, op, modrm]);
            for prefix in [&[][..], &[0x66], &[0xF2], &[0xF3]] {
                for rex in [0x40, 0x48] {
                    decode(&[prefix, &[rex, 0x0F, op, modrm]].concat());
                }
            }
            // 3DNow!: the last byte is the operation.
            decode(&[0x0F, 0x0F, modrm, op]);
            // Tiles: registers that are operations.
            decode(&[0xC4, 0xE2, 0x78, op, modrm]);
            decode(&[0xC4, 0xE2, 0x7B, op, modrm]);
        }
        for [modrm, sib] in operands.iter().copied() {
            let tail = [op, modrm, sib];
            for map in [0x38, 0x3A] {
                for prefix in [&[][..], &[0x66], &[0xF2], &[0xF3]] {
                    for rex in [0x40, 0x48] {
                        decode(&[prefix, &[rex, 0x0F, map], &tail].concat());
                    }
                }
            }
            // W, a second operand (none or register 1), L, and what were prefixes.
            for bits in 0..32u8 {
                let [w, second, long, prefix] = [bits >> 4, bits >> 3 & 1, bits >> 2 & 1, bits & 3];
                let byte = w << 7 | (if second == 0 { 0x78 } else { 0x70 }) | long << 2 | prefix;
                for map in 1..=3 {
                    decode(&[&[0xC4, 0xE0 | map, byte], &tail[..]].concat());
                }
                for map in 8..=10 {
                    decode(&[&[0x8F, 0xE0 | map, byte], &tail[..]].concat());
                }
                let byte = byte & !4 | 4;
                for map in [1, 2, 3, 5, 6] {
                    // Length, broadcast or rounding, and mask register 1.
                    for last in 0..16u8 {
                        let last = (last & 3) << 5 | (last >> 2 & 1) << 4 | 8 | last >> 3 & 1;
                        // Once for both values of L, which is not in this byte here.
                        if long == 0 {
                            decode(&[&[0x62, 0xF0 | map, byte, last], &tail[..]].concat());
                        }
                    }
                }
            }
        }
    }
    found
}

fn name(instruction: &Instruction) -> String {
    format!("{:?}", instruction.mnemonic()).to_lowercase()
}

/// Whether it works on floating-point numbers, by what memory holds for it or by its name. (Names like `pmaxsd` end so and are of integers,
/// as are instructions without a register for numbers: those are left to the other test.)
fn is_of_numbers(instruction: &Instruction) -> bool {
    let of_memory = format!("{:?}", instruction.memory_size().element_type());
    let name = name(instruction);
    let name = name.strip_prefix('v').unwrap_or(&name);
    let suffix = ["ps", "pd", "ss", "sd", "ph", "sh", "bf16"].iter().any(|suffix| name.ends_with(suffix));
    let converts = ["ps2", "pd2", "ss2", "sd2", "ph2", "sh2"].iter().any(|from| name.contains(from));
    let registers = (0..instruction.op_count()).map(|op| instruction.op_register(op));
    of_memory.contains("Float") || is_foreign(instruction) || converts || suffix && has_numbers(registers)
}

fn has_numbers(mut registers: impl Iterator<Item = Register>) -> bool {
    registers.any(|r| r.is_vector_register() || r.is_k() || r.is_mm() || r.is_st() || r.is_tmm())
}

/// All of those that do no arithmetic, without the `v` of AVX. Read one by one: they move, pick, permute, or work on bits or signs; those
/// in `p` are of integers but for permutations.
const REVIEWED: &str = "
    andnpd andnps andpd andps blendmpd blendmps blendpd blendps blendvpd blendvps broadcastf128 broadcastf32x2 broadcastf32x4
    broadcastf32x8 broadcastf64x2 broadcastf64x4 broadcastsd broadcastss compresspd compressps expandpd expandps extractf128 extractf32x4
    extractf32x8 extractf64x2 extractf64x4 extractps gatherdpd gatherdps gatherpf0dpd gatherpf0dps gatherpf0qpd gatherpf0qps gatherpf1dpd
    gatherpf1dps gatherpf1qpd gatherpf1qps gatherqpd gatherqps insertf128 insertf32x4 insertf32x8 insertf64x2 insertf64x4 insertps
    maskmovpd maskmovps movapd movaps movddup movhlps movhpd movhps movlhps movlpd movlps movmskpd movmskps movntpd movntps movntsd
    movntss movsd movsh movshdup movsldup movss movupd movups orpd orps p4dpwssd pabsd pcmpd pcompressd pdpbssd pdpbusd pdpwssd pdpwusd perm2f128 permi2pd
    permi2ps permil2pd permil2ps permilpd permilps permpd permps permt2pd permt2ps pmaxsd pminsd scatterdpd scatterdps scatterpf0dpd
    scatterpf0dps scatterpf0qpd scatterpf0qps scatterpf1dpd scatterpf1dps scatterpf1qpd scatterpf1qps scatterqpd scatterqps shuff32x4
    shuff64x2 shufpd shufps testpd testps unpckhpd unpckhps unpcklpd unpcklps xorpd xorps";

#[test]
fn none_is_passed_over() {
    let mut nothing = BTreeSet::new();
    for instruction in all().values().filter(|instruction| is_of_numbers(instruction)) {
        if classify(instruction) == Some(Class::Other) {
            let name = name(instruction);
            nothing.insert(name.strip_prefix('v').unwrap_or(&name).to_owned());
        }
    }
    let nothing: Vec<&str> = nothing.iter().map(String::as_str).collect();
    assert_eq!(nothing.join(" "), REVIEWED.split_whitespace().collect::<Vec<_>>().join(" "));
}

/// Instructions that no register and no memory tells to be arithmetic, or that are no part of what is counted, are errors.
#[test]
fn what_is_not_counted_is_an_error() {
    let all = all();
    for unknown in [
        // x87, also where it names no register; 3DNow!; matrices in tiles.
        "fld1 fadd faddp fsqrt f2xm1 fcomi fild fisttp fstp pfadd pfmul pfrcp pi2fd pf2id tdpbf16ps tdpfp16ps tdpbssd tileloadd",
        // Approximations and what works on parts of a number.
        "rcpps rcpss rsqrtps rsqrtss vrcp14ps vrcp14sd vrsqrt14pd vrcp28ps vrsqrt28sd vexp2ps vgetexppd vgetexpss vscalefps vscalefsd",
        "vgetmantps vgetmantsd vrangeps vrangesd vreduceps vreducess vfixupimmpd vfixupimmss vfpclassps vfpclasssd",
        // Several operations in one.
        "dpps dppd vdpbf16ps v4fmaddps v4fnmaddss vfrczps vfrczsd",
        // Half precision, and conversions to it.
        "vaddph vmulsh vfmadd231ph vfmaddcph vsqrtsh vcmpph vcvtph2ps vcvtps2ph vcvtph2psx vcvtneps2bf16 vcvtsh2si vcvtw2ph",
        // From and to mm registers.
        "cvtpi2ps cvtps2pi cvttpd2pi",
    ]
    .iter()
    .flat_map(|names| names.split_whitespace())
    {
        let mut found = all.values().filter(|instruction| name(instruction) == unknown).peekable();
        assert!(found.peek().is_some(), "{unknown}");
        assert!(found.all(|instruction| classify(instruction).is_none()), "{unknown}");
    }
}

/// Kind, width and lanes of each sort of name.
#[test]
fn what_is_counted() {
    use {Kind::*, Width::*};
    let all = all();
    for (found, kind, width, count) in [
        (Code::Addss_xmm_xmmm32, Add, Scalar, 1),
        (Code::VEX_Vsubsd_xmm_xmm_xmmm64, Add, Scalar, 1),
        (Code::Addps_xmm_xmmm128, Add, Bits128, 4),
        (Code::VEX_Vaddsubpd_ymm_ymm_ymmm256, Add, Bits256, 4),
        (Code::VEX_Vhaddps_ymm_ymm_ymmm256, Add, Bits256, 8),
        (Code::Hsubpd_xmm_xmmm128, Add, Bits128, 2),
        (Code::VEX_Vmulpd_ymm_ymm_ymmm256, Mul, Bits256, 4),
        (Code::EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er, Mul, Bits512, 16),
        (Code::EVEX_Vdivsd_xmm_k1z_xmm_xmmm64_er, Div, Scalar, 1),
        (Code::EVEX_Vsqrtpd_zmm_k1z_zmmm512b64_er, Sqrt, Bits512, 8),
        (Code::VEX_Vminps_xmm_xmm_xmmm128, Cmp, Bits128, 4),
        (Code::Ucomisd_xmm_xmmm64, Cmp, Scalar, 1),
        (Code::VEX_Vcomiss_xmm_xmmm32, Cmp, Scalar, 1),
        (Code::EVEX_Vcmpps_kr_k1_zmm_zmmm512b32_imm8_sae, Cmp, Bits512, 16),
        (Code::VEX_Vfmadd231ss_xmm_xmm_xmmm32, Fma, Scalar, 1),
        (Code::VEX_Vfnmadd213pd_ymm_ymm_ymmm256, Fma, Bits256, 4),
        (Code::EVEX_Vfmsubadd132ps_ymm_k1z_ymm_ymmm256b32, Fma, Bits256, 8),
        (Code::VEX_Vfmaddps_ymm_ymm_ymmm256_ymm, Fma, Bits256, 8),
        (Code::Roundss_xmm_xmmm32_imm8, Convert, Scalar, 1),
        (Code::EVEX_Vrndscalepd_zmm_k1z_zmmm512b64_imm8_sae, Convert, Bits512, 8),
        (Code::VEX_Vcvtps2pd_ymm_xmmm128, Convert, Bits256, 4),
        (Code::EVEX_Vcvtpd2ps_ymm_k1z_zmmm512b64_er, Convert, Bits512, 8),
        (Code::VEX_Vcvttps2dq_ymm_ymmm256, Convert, Bits256, 8),
        (Code::EVEX_Vcvtps2uqq_zmm_k1z_ymmm256b32_er, Convert, Bits512, 8),
        (Code::Cvtsi2sd_xmm_rm64, Convert, Scalar, 1),
        (Code::Cvtsd2ss_xmm_xmmm64, Convert, Scalar, 1),
        (Code::VEX_Vcvttsd2si_r64_xmmm64, Convert, Scalar, 1),
    ] {
        let with_memory = all.get(&(found, true));
        let instructions: Vec<&Instruction> = all.get(&(found, false)).into_iter().chain(with_memory).collect();
        assert_eq!(instructions.len(), 2, "{found:?}");
        for instruction in instructions {
            let mask = (instruction.op_mask() != Register::None).then_some(1);
            let class = Class::Operation { lanes: Lanes { kind, width }, count, mask };
            assert_eq!(classify(instruction), Some(class), "{instruction:?}");
        }
    }
}

/// A conversion has as many lanes as its wider side, whether it reads a register, memory, or one number that is broadcast.
#[test]
fn conversions_from_registers_memory_and_broadcasts() {
    use Width::*;
    // Each at 128, 256 and 512 bits of the wider side.
    let table: [(u8, u8, u8, u8, [u32; 3]); 8] = [
        // Prefix (of pp), W, opcode, map; lanes.
        (1, 1, 0x5A, 1, [2, 4, 8]),  // vcvtpd2ps: doubles to singles
        (0, 0, 0x5A, 1, [2, 4, 8]),  // vcvtps2pd: singles to doubles
        (3, 1, 0xE6, 1, [2, 4, 8]),  // vcvtpd2dq
        (1, 1, 0xE6, 1, [2, 4, 8]),  // vcvttpd2dq
        (2, 0, 0xE6, 1, [2, 4, 8]),  // vcvtdq2pd
        (0, 0, 0x5B, 1, [4, 8, 16]), // vcvtdq2ps
        (2, 0, 0x5B, 1, [4, 8, 16]), // vcvttps2dq
        (0, 1, 0x5B, 1, [2, 4, 8]),  // vcvtqq2ps: long integers to singles
    ];
    for (prefix, w, opcode, map, lanes) in table {
        for (length, (lanes, width)) in lanes.into_iter().zip([Bits128, Bits256, Bits512]).enumerate() {
            // Register 1; memory at register 0; the same, broadcast.
            for (modrm, broadcast) in [(0xC1, 0), (0x00, 0), (0x00, 1)] {
                let bytes =
                    [0x62, 0xF0 | map, w << 7 | 0x7C | prefix, (length as u8) << 5 | broadcast << 4 | 8, opcode, modrm];
                let instruction = Decoder::new(64, &bytes, DecoderOptions::NONE).decode();
                assert!(name(&instruction).starts_with("vcvt"), "{bytes:x?}: {instruction:?}");
                assert_eq!(instruction.is_broadcast(), broadcast == 1, "{bytes:x?}");
                let Some(Class::Operation { lanes: of, count, mask: None }) = classify(&instruction) else {
                    panic!("{} {bytes:x?} is no operation", name(&instruction));
                };
                assert_eq!((of.kind, count), (Kind::Convert, lanes), "{} {bytes:x?}", name(&instruction));
                // Narrow registers hold half of the wider side.
                if modrm == 0x00 {
                    assert_eq!(of.width, width, "{} {bytes:x?}", name(&instruction));
                }
            }
        }
    }
}

/// The decoder was asked about all instructions on vectors that it knows, but for those of the first Xeon Phi, which it is not built to
/// know.
#[test]
fn all_are_all() {
    let found: BTreeSet<Code> = all().into_keys().map(|(code, _)| code).collect();
    let is_of_vectors = |code: &Code| {
        let features = code.cpuid_features();
        let sets = ["MMX", "SSE", "AVX", "FMA", "F16C", "XOP"];
        // Errors by their feature, whatever they are; and a checksum of integers, which comes with SSE4.2.
        let is_left_out = features.iter().any(|f| FOREIGN.contains(f)) || code.mnemonic() == Mnemonic::Crc32;
        !is_left_out && sets.iter().any(|set| format!("{features:?}").contains(set))
    };
    let missed: Vec<Code> = Code::values().filter(|code| is_of_vectors(code) && !found.contains(code)).collect();
    assert_eq!(missed, []);
}
