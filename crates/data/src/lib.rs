//! Tables as they come, for dense networks: reading, describing, encoding, splitting, judging.
//!
//! A [`Table`] is what a file holds: named columns of equal length, each cell as it is written.

#![forbid(unsafe_code)]
// Numbers that a file says have no bound.
#![deny(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod cells;
mod class_weights;
mod describe;
mod encode;
mod error;
mod example_weights;
mod foreign;
mod history;
mod importance;
mod lines;
mod memory;
mod metrics;
mod missing;
mod model;
mod number;
mod read;
mod recipe;
mod report;
mod search;
mod split;
mod standard;
mod table;
mod target;
#[cfg(test)]
mod testing;
mod write;

pub use cells::{Cells, CellsBuilder, MANY_NUMBERS, MOST_TEXTS, Numbers, Texts};
pub use class_weights::ClassWeights;
pub use describe::{Description, Kind, Overrides, Reason};
pub use encode::{EncodedColumn, Encoder, Encoding, Filled, MOST_VALUES, RARE};
pub use error::TableError;
pub use example_weights::ExampleWeights;
pub use foreign::Foreign;
pub use history::{EventWriter, HistoryError, HistoryFormat, HistoryRow, HistoryWriter};
pub use importance::{Importance, permutation_importance};
pub use lines::Lines;
pub use metrics::{
    CALIBRATION_BINS, CalibrationBin, ClassBaseline, ClassMetrics, ClassScores, Comparison, Confusion, LabelBaseline,
    LabelMetrics, MOST_CONFUSED, Metric, MetricsError, NumberBaseline, NumberMetrics, Probability, TopK,
};
pub use missing::Missing;
pub use model::{
    Baseline, CrossValidation, EpochSummary, Evaluation, JudgedFold, Model, NOTE, Predictions, Schema, Score, Spread,
    SummaryRow, stray,
};
/// The one rule of early stopping, for [`Model::fit`] as for a network alone.
pub use nxm_net::{Goal, Patience};
pub use read::{Compression, Dialect, Encoding as TextEncoding, Format, ReadOptions, TableReader};
pub use recipe::{HELD_OUT, LEARNING_RATE, Recipe, Settings};
pub use report::{CostRow, DataDescription, LossCurves, Report, ReportError, TargetMetrics, TargetResult};
pub use search::{
    ETA, HiddenSpace, Judged, MOST_TRIALS, Rung, Search, SearchMoment, SearchSpace, Searched, Trial, UNITS,
};
pub use split::{Examples, Fold, Rows, Selection, Split, SplitBy};
pub use standard::Standard;
pub use table::{Column, Place, Reading, Table};
pub use target::{NO_CLASS, Target, TargetValues, Task};
pub use write::{InMemory, NpyWriter};
