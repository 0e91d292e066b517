//! The readers of networks in files, from headers: they never panic, and a network that is read fills its file to the byte.
//!
//! The input is a file; and it is a header without its length, of a file that is as long as the header wants it to be, so that lies that
//! agree with each other get further than the length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nxm_count::{DenseWeights, WeightsError};
use nxm_net::{CheckpointSummary, ContentError, FileHeader};

/// Σ (inputs + 1)·units.
fn parameters(sizes: impl Iterator<Item = u128> + Clone) -> u128 {
    sizes.clone().zip(sizes.skip(1)).map(|(inputs, units)| (inputs + 1) * units).sum()
}

/// Reads the header of a file that begins with `start` and has `len` bytes, as either kind; returns how long it would like the file.
fn read(start: &[u8], len: u64) -> Option<u64> {
    let header = match FileHeader::from_start(start, len) {
        Ok(header) => header,
        Err(error) => {
            assert!(error.to_string().len() < 10_000);
            return None;
        }
    };
    assert_eq!(header.file_len(), len);
    let data = u128::from(header.data_len());
    let mut wanted = None;
    match CheckpointSummary::from_header(&header) {
        Ok(summary) => {
            let sizes = summary.sizes.iter().map(|size| *size as u128);
            let kept = 1 + summary.options.optimizer.state_names().len() as u128;
            // The checksum has 8 bytes.
            assert_eq!(parameters(sizes) * kept * u128::from(summary.element.size()) + 8, data);
            assert_eq!(summary.activations.len() + 1, summary.sizes.len());
        }
        Err(ContentError::Length { expected, .. }) => wanted = Some(expected),
        Err(error) => assert!(error.to_string().len() < 10_000),
    }
    match DenseWeights::from_header(&header) {
        Ok(weights) => {
            let sizes = weights.sizes.iter().map(|size| u128::from(*size));
            assert_eq!(parameters(sizes) * u128::from(weights.element.size()), data);
            assert_eq!(weights.names.len() + 1, weights.sizes.len());
        }
        Err(WeightsError::Length { expected, .. }) => wanted = Some(expected),
        Err(error) => assert!(error.to_string().len() < 10_000),
    }
    wanted
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes, bytes.len() as u64);
    let start = [&(bytes.len() as u64).to_le_bytes(), bytes].concat();
    if let Some(wanted) = read(&start, start.len() as u64) {
        read(&start, wanted);
    }
});
