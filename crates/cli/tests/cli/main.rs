//! What the program does, asked by running it. One executable, as linking one takes seconds.

#[path = "../common/mod.rs"]
mod common;

mod audit;
mod bad_input;
mod best_epoch;
mod count_file;
mod count_formats;
mod count_json;
mod count_symbolic;
mod explain;
mod fine_tune;
mod folds;
mod layers;
mod losses;
mod machine;
mod main_job;
mod predict_files;
mod report;
mod search;
mod surroundings;
mod tables;
mod train;
mod train_files;
mod train_interrupted;
mod train_logs;
mod train_places;
mod train_refused;
mod weights;
