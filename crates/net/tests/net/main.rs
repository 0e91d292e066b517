//! Tests of the library as its users see it, one module per promise.

mod averages;
mod bits;
mod checkpoint;
mod checkpoint_damage;
mod checkpoint_files;
mod checkpoint_lock;
mod checkpoint_processes;
mod checkpoint_summary;
mod data;
mod errors;
mod fit;
mod golden;
mod gradients;
mod initialization;
mod layers;
mod lbfgs;
mod predictions;
mod resume;
mod rows;
mod scenarios;
mod steps;
mod strangers;
mod sums;
mod support;
mod training;
mod weights;
