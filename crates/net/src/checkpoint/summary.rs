//! What a checkpoint says before its numbers: all of it but the tensors, read in milliseconds whatever the size.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use nxm_kernels::{Activation, Element, UnknownName};

use super::container::FileHeader;
use super::error::{CheckpointError, ContentError};
use super::file::Opened;
use super::format;
use crate::buffer::bytes;
use crate::error::NetError;
use crate::layers::Layer;
use crate::lbfgs::LbfgsProgress;
use crate::optimizer::Optimizer;
use crate::schedule::PlateauState;
use crate::train::{Progress, TrainingOptions, check_updates};

/// What the numbers of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// f32.
    F32,
    /// f64.
    F64,
}

impl ElementType {
    /// Of `T`.
    pub fn of<T: Element>() -> ElementType {
        if size_of::<T>() == 4 { ElementType::F32 } else { ElementType::F64 }
    }

    /// "f32" or "f64".
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F32 => f32::NAME,
            ElementType::F64 => f64::NAME,
        }
    }

    /// Bytes of one.
    pub fn size(self) -> u64 {
        match self {
            ElementType::F32 => 4,
            ElementType::F64 => 8,
        }
    }

    /// Its name in a file of safetensors.
    pub(super) fn in_safetensors(self) -> &'static str {
        match self {
            ElementType::F32 => "F32",
            ElementType::F64 => "F64",
        }
    }

    /// Bytes of rows × cols of them, if this machine can address so many.
    pub(super) fn bytes(self, what: &'static str, rows: usize, cols: usize) -> Result<usize, NetError> {
        match self {
            ElementType::F32 => bytes::<f32>(what, rows, cols),
            ElementType::F64 => bytes::<f64>(what, rows, cols),
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ElementType {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<ElementType, UnknownName> {
        UnknownName::find("element type", name, &[ElementType::F32, ElementType::F64], |element| element.name())
    }
}

/// A [`Checkpoint`](crate::Checkpoint) without its numbers: what its header says.
///
/// The header is checked as [`Checkpoint::load`](crate::Checkpoint::load) checks it, and that the file is as long as it says. The
/// checksum is not: that would take all of the file.
///
/// ```
/// use nxm_net::{Activation, CheckpointSummary, Cpu, Dataset, ElementType, Network, Training, TrainingOptions};
///
/// let data = Dataset::regression(vec![0.0f32, 1.0, 2.0, 3.0], 1, vec![1.0, 3.0, 5.0, 7.0], 1)?;
/// let (cpu, mut network) = (Cpu::detect()?, Network::builder(1).dense(1, Activation::Identity).build()?);
/// let path = std::env::temp_dir().join(format!("summary-{}.safetensors", std::process::id()));
/// Training::new(&mut network, &cpu, &data, TrainingOptions::default())?.save(&path)?;
///
/// let summary = CheckpointSummary::load(&path)?;
/// assert_eq!((summary.element, summary.sizes, summary.examples), (ElementType::F32, vec![1, 1], 4));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointSummary {
    /// What its numbers are.
    pub element: ElementType,
    /// Inputs, then the units of each layer.
    pub sizes: Vec<usize>,
    /// The activation of each layer.
    pub activations: Vec<Activation>,
    /// What each layer computes.
    pub layers: Vec<Layer>,
    /// How it is trained.
    pub options: TrainingOptions,
    /// How many examples the data has.
    pub examples: usize,
    /// The place in the run.
    pub progress: Progress,
    /// Steps that the optimizer has taken.
    pub steps: u64,
    /// The product of NAdam's momenta over these steps; 1 for other optimizers.
    pub momentum_product: f64,
    /// Where L-BFGS is; where it begins, of other optimizers.
    pub lbfgs: LbfgsProgress,
    /// What the schedule's plateau has seen; nothing if it has none.
    pub plateau: PlateauState,
    /// How often the average of weights was updated; 0 if there is none.
    pub average_updates: u64,
    /// What the caller wants to have beside it, by name.
    pub notes: BTreeMap<String, String>,
}

impl CheckpointSummary {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// [`CheckpointError`] names the file and what is wrong: it can't be read, is cut off, of a newer format, or not of a checkpoint.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        let header = FileHeader::load(path)?;
        Self::from_header(&header).map_err(|source| CheckpointError::Content { path: path.to_owned(), source })
    }

    /// What a header says.
    ///
    /// # Errors
    /// [`ContentError`] as [`load`](Self::load); [`ContentError::NotACheckpoint`] if and only if it does not say that it is one.
    pub fn from_header(header: &FileHeader) -> Result<Self, ContentError> {
        format::summary(header)
    }

    /// Its parts must fit together.
    pub(super) fn check(&self) -> Result<(), NetError> {
        match self.element {
            ElementType::F32 => self.options.check::<f32>()?,
            ElementType::F64 => self.options.check::<f64>()?,
        }
        self.options.loss.check(self.sizes.last().copied().unwrap_or(0))?;
        if self.examples == 0 {
            return Err(NetError::NoExamples);
        }
        self.options.check_examples(self.examples)?;
        if let Optimizer::Lbfgs(options) = &self.options.optimizer {
            self.lbfgs.check(options)?;
        }
        self.plateau.check(&self.options)?;
        check_updates(self.average_updates, self.steps)?;
        self.progress.check(&self.options, self.examples, self.steps)
    }
}

impl FileHeader {
    /// Reads the header of a file, and no more of it.
    ///
    /// # Errors
    /// [`CheckpointError`] names the file and what is wrong: it is no regular file, can't be read, or [`FileHeader::from_start`] fails.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        Opened::new(path.as_ref()).map(|opened| opened.header)
    }
}
