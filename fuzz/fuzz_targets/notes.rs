//! The notes that the program leaves in its checkpoints, on any text: they never panic, and what is read, written and read again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[path = "../../crates/cli/src/train/watch.rs"]
#[allow(dead_code, reason = "the program uses all of it")]
mod watch;

use nxm_data::Schema;
use watch::Watch;

fn round<N: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(text: &[u8]) -> Option<N> {
    let note: N = serde_json::from_slice(text).ok()?;
    let written = serde_json::to_string(&note).expect("what was read");
    assert_eq!(serde_json::from_str::<N>(&written).expect("what was written"), note);
    Some(note)
}

fuzz_target!(|text: &[u8]| {
    if let Some(schema) = round::<Schema>(text) {
        schema.encoder.is_sane();
        schema.target.is_sane();
        schema.target.describe();
    }
    if let Some(mut watch) = round::<Watch>(text) {
        let Watch { metric, patience, .. } = &mut watch;
        let before = patience.best;
        let better = patience.see(u64::MAX, 0.0);
        assert_eq!(better, before.is_none_or(|(_, best)| metric.gain(0.0, best) > patience.min_gain));
        patience.stops_after(0);
    }
});
