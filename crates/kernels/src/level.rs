//! Which instruction set: detected when the program runs, pinned by `NXM_LEVEL`, entered by [`Level::dispatch`].

use std::fmt;
use std::sync::OnceLock;

use crate::element::Lane;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Kernel, Scalar, Simd, Wide};

/// The environment variable that pins the level of [`Level::detect`].
pub const LEVEL_VARIABLE: &str = "NXM_LEVEL";

/// The names of all levels, slowest first, whether or not this processor has them.
pub const LEVEL_NAMES: [&str; 4] = ["scalar", "wide", "avx2", "avx512"];

/// An instruction set that this processor has: it holds the token that proves it.
#[derive(Clone, Copy, Debug)]
pub struct Level(Token);

/// The token of each level.
#[derive(Clone, Copy, Debug)]
enum Token {
    Scalar(Scalar),
    Wide(Wide),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// A level that does not exist, or that this processor lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelError {
    /// No level has this name.
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The level exists, and this processor lacks it.
    Unavailable {
        /// What was asked for.
        name: String,
    },
}

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, mut names: Box<dyn Iterator<Item = &str>>| {
            write!(f, "{}", names.next().unwrap_or("none"))?;
            names.try_for_each(|name| write!(f, ", {name}"))
        };
        match self {
            LevelError::Unknown { name } => {
                write!(f, "no level is called {name:?}; the levels are ")?;
                list(f, Box::new(LEVEL_NAMES.into_iter()))
            }
            LevelError::Unavailable { name } => {
                write!(f, "this processor lacks level {name}; it has ")?;
                list(f, Box::new(Level::available().map(Level::name)))
            }
        }
    }
}

impl std::error::Error for LevelError {}

impl Level {
    /// The levels this processor has, slowest first.
    pub fn available() -> impl Iterator<Item = Level> {
        LEVEL_NAMES.into_iter().filter_map(|name| Level::named(name).ok())
    }

    /// The level called `name`: "scalar", "wide", "avx2" or "avx512".
    ///
    /// # Errors
    /// [`LevelError`] if there is no such level or this processor lacks it; nothing else is chosen in its place.
    pub fn named(name: &str) -> Result<Level, LevelError> {
        let found = match name {
            "scalar" => Some(Token::Scalar(Scalar)),
            "wide" => Some(Token::Wide(Wide)),
            #[cfg(target_arch = "x86_64")]
            "avx2" => Avx2::detect().map(Token::Avx2),
            #[cfg(target_arch = "x86_64")]
            "avx512" => Avx512::detect().map(Token::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            "avx2" | "avx512" => None,
            _ => return Err(LevelError::Unknown { name: name.to_owned() }),
        };
        found.map(Level).ok_or_else(|| LevelError::Unavailable { name: name.to_owned() })
    }

    /// The fastest level of this processor, or the one that the environment variable `NXM_LEVEL` names.
    ///
    /// # Errors
    /// [`LevelError`] if `NXM_LEVEL` names a level that does not exist or that this processor lacks.
    pub fn detect() -> Result<Level, LevelError> {
        static DETECTED: OnceLock<Result<Level, LevelError>> = OnceLock::new();
        let read = || match std::env::var_os(LEVEL_VARIABLE) {
            Some(name) if !name.is_empty() => Level::named(&name.to_string_lossy()),
            // Without AVX2 the widest choice left is `wide` (NEON, WebAssembly, SSE2).
            _ => Ok(Level::available().last().expect("scalar and wide are everywhere")),
        };
        DETECTED.get_or_init(read).clone()
    }

    /// "scalar", "wide", "avx2" or "avx512".
    pub fn name(self) -> &'static str {
        match self.0 {
            Token::Scalar(_) => "scalar",
            Token::Wide(_) => "wide",
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => "avx512",
        }
    }

    /// Runs `kernel` with this level's token, where its instructions are enabled.
    #[inline]
    pub fn dispatch<T: Lane, K: Kernel<T>>(self, kernel: K) -> K::Output {
        match self.0 {
            Token::Scalar(token) => token.enter(kernel),
            Token::Wide(token) => token.enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(token) => token.enter(kernel),
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(token) => token.enter(kernel),
        }
    }
}

impl PartialEq for Level {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Level {}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a level's vectors are like for one element type: what formulas of padding and blocking need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorShape {
    /// [`Simd::LANES`].
    pub lanes: usize,
    /// [`Simd::FUSED`].
    pub fused: bool,
    /// [`Simd::FOLD_LANES`].
    pub fold_lanes: usize,
    /// [`Simd::REGISTERS`].
    pub registers: usize,
}

impl VectorShape {
    /// The shape of the vectors of a token.
    #[inline(always)]
    pub(crate) const fn of<T: Lane, S: Simd<T>>() -> VectorShape {
        VectorShape { lanes: S::LANES, fused: S::FUSED, fold_lanes: S::FOLD_LANES, registers: S::REGISTERS }
    }
}

impl Level {
    /// The shape of this level's vectors of `T`.
    pub fn shape<T: Lane>(self) -> VectorShape {
        match self.0 {
            Token::Scalar(_) => VectorShape::of::<T, T::Scalar>(),
            Token::Wide(_) => VectorShape::of::<T, T::Wide>(),
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => VectorShape::of::<T, T::Avx2>(),
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => VectorShape::of::<T, T::Avx512>(),
        }
    }
}
