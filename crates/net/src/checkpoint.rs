//! Checkpoints: one file with all that a training needs to go on to the bit, and that survives whatever stops it.
//!
//! The bytes are a function of the training alone (no times, no paths), so a run that was interrupted and resumed ends with the
//! same file as one that was not. They are a file of safetensors: weights and the optimizer's state as tensors, everything else as
//! strings, with a checksum of it all.
//!
//! ```
//! use nxm_net::{Activation, Checkpoint, Cpu, Dataset, Network, Training, TrainingOptions};
//!
//! let data = Dataset::regression(vec![0.0f32, 1.0, 2.0, 3.0], 1, vec![1.0, 3.0, 5.0, 7.0], 1)?;
//! let cpu = Cpu::detect()?;
//! let path = std::env::temp_dir().join(format!("line-{}.safetensors", std::process::id()));
//!
//! let mut network = Network::builder(1).dense(1, Activation::Identity).build()?;
//! let options = TrainingOptions::default().with_batch(1).with_epochs(2);
//! let mut training = Training::new(&mut network, &cpu, &data, options)?;
//! training.step().expect("8 steps")?;
//! training.save(&path)?;
//! while let Some(report) = training.step() {
//!     report?;
//! }
//!
//! let mut checkpoint = Checkpoint::load(&path)?;
//! let mut resumed = checkpoint.resume(&cpu, &data)?;
//! assert_eq!(resumed.steps(), 1);
//! while let Some(report) = resumed.step() {
//!     report?;
//! }
//! assert_eq!(resumed.network(), &network);
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Whatever a file says may be the largest number there is.
#![deny(clippy::arithmetic_side_effects)]

mod container;
mod error;
mod fields;
mod file;
mod format;
mod lock;
mod open;
mod options;
mod place;
mod rotation;
mod schema;
mod summary;
mod temporary;

use std::collections::BTreeMap;
use std::path::Path;

use nxm_kernels::{Element, Executor};

use crate::data::Dataset;
use crate::error::NetError;
use crate::network::Network;
use crate::train::{Training, TrainingOptions, TrainingState};
use place::resolve;
use temporary::Temporary;

pub use container::FileHeader;
pub use error::{CheckpointError, ContentError};
pub(crate) use format::CheckpointParts;
pub use open::open_file;
pub use rotation::{Checkpoints, LockedCheckpoints};
pub use schema::TensorEntry;
pub use summary::{CheckpointSummary, ElementType};

/// A training between two steps: all that it needs to go on, but for the data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Checkpoint<T: Element = f32> {
    /// The network as it was.
    pub network: Network<T>,
    /// How it is trained. The number of epochs may be raised before a resume; the rest must stay.
    pub options: TrainingOptions,
    /// The optimizer's state and the place in the run.
    pub state: TrainingState<T>,
    /// How many examples the data has: with the seed and the epoch, what their order follows from.
    pub examples: usize,
    /// What the caller wants to have beside it, by name: [`Training::notes`].
    pub notes: BTreeMap<String, String>,
}

impl<T: Element> Checkpoint<T> {
    /// A training of `network` in this state, on data of so many examples; no notes.
    pub fn new(network: Network<T>, options: TrainingOptions, state: TrainingState<T>, examples: usize) -> Self {
        Checkpoint { network, options, state, examples, notes: BTreeMap::new() }
    }
    /// With these notes, by name, in place of those it has.
    #[must_use]
    pub fn with_notes(self, notes: BTreeMap<String, String>) -> Self {
        Checkpoint { notes, ..self }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`CheckpointError`] names the file and what is wrong: it can't be read, is cut off, damaged, of a newer format, of the other
    /// element type, or not of a checkpoint. No more memory is taken than the file is long, twice, and some for its header.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        let bytes = file::read(path)?;
        Self::from_bytes(&bytes).map_err(|source| CheckpointError::Content { path: path.to_owned(), source })
    }

    /// The checkpoint that a whole file of these bytes holds.
    ///
    /// # Errors
    /// [`ContentError`] as [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ContentError> {
        format::read(bytes)
    }

    /// Writes a file, as [`Training::save`] does.
    ///
    /// # Errors
    /// [`CheckpointError`] as [`Training::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let place = resolve(path.as_ref());
        write(self.parts(), &place, &place)?.put()
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// [`ContentError`] if its parts do not fit together, or hold a number that is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ContentError> {
        let header = self.parts().header()?;
        let mut bytes = Vec::new();
        self.parts().write(&header, &mut bytes).expect("a vector takes all bytes");
        Ok(bytes)
    }

    /// The network to evaluate and to predict with: that of averaged weights if an average is kept and a step was made, else the network.
    pub fn evaluated(&self) -> &Network<T> {
        self.state.averaged().unwrap_or(&self.network)
    }

    /// Goes on with the training, on the network in this checkpoint and a copy of its state.
    ///
    /// # Errors
    /// [`NetError::Resume`] if there are more or fewer examples than there were; else as [`Training::resume`].
    pub fn resume<'a>(
        &'a mut self,
        executor: &'a dyn Executor,
        data: &'a Dataset<T>,
    ) -> Result<Training<'a, T>, NetError> {
        if data.len() != self.examples {
            let (expected, found) = (self.examples.to_string(), data.len().to_string());
            return Err(NetError::Resume { what: "the number of examples", expected, found });
        }
        let Checkpoint { network, options, state, notes, .. } = self;
        let mut training = Training::resume(network, executor, data, options.clone(), state.clone())?;
        training.notes_mut().clone_from(notes);
        Ok(training)
    }

    fn parts(&self) -> CheckpointParts<'_, T> {
        CheckpointParts {
            network: &self.network,
            options: &self.options,
            state: &self.state,
            examples: self.examples,
            notes: &self.notes,
        }
    }
}

/// Writes a file beside its place, for all who may read `like`. What can be wrong with the training is found before any file is touched.
fn write<T: Element>(parts: CheckpointParts<'_, T>, place: &Path, like: &Path) -> Result<Temporary, CheckpointError> {
    let header = parts.header().map_err(|source| CheckpointError::Content { path: place.to_owned(), source })?;
    Temporary::write(place, like, |to| parts.write(&header, to))
}

impl<T: Element> Training<'_, T> {
    /// A copy of all that a [`save`](Self::save) would write.
    pub fn checkpoint(&self) -> Checkpoint<T> {
        let (network, options) = (self.network().clone(), self.options().clone());
        Checkpoint::new(network, options, self.state().clone(), self.examples()).with_notes(self.notes().clone())
    }

    /// Writes a [`Checkpoint`]: to a temporary file beside `path`, flushed to the disk, which then takes `path`'s place in one
    /// move, also flushed. Whenever the process or the machine stops, the old file or the new one is there, whole.
    ///
    /// The new file keeps the mode and the group of the old one. A file that is new has the mode that the umask gives. A symbolic link
    /// is followed and stays; the file that it leads to is written.
    ///
    /// # Errors
    /// [`CheckpointError`], and the old file stays: if a weight or the optimizer's state is no longer finite, or if the operating
    /// system refuses (no space, no permission, no such folder).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let place = resolve(path.as_ref());
        write(self.parts(), &place, &place)?.put()
    }

    fn parts(&self) -> CheckpointParts<'_, T> {
        CheckpointParts {
            network: self.network(),
            options: self.options(),
            state: self.state(),
            examples: self.examples(),
            notes: self.notes(),
        }
    }
}
