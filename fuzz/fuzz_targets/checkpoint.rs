//! Checkpoints from bytes: any bytes are a checkpoint or an error, and a checkpoint that is read, written and read again is the same.
//!
//! The input is a file; and it is laid over a whole checkpoint, so that some of its fields are wrong, or its checksum is. Each file is read
//! once more with the checksum that it should have: what is wrong with it then is found behind the checksum.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use nxm_net::{Activation, Checkpoint, Cpu, Dataset, Network, Optimizer, Training, TrainingOptions};
use xxhash_rust::xxh3::xxh3_64;

/// A small training after an epoch, as a file.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let builder = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity);
        let mut network: Network = builder.seed(1).build().expect("a network");
        let data = Dataset::regression(vec![0.0, 1.0, 1.0, 0.0], 2, vec![1.0, 2.0], 1).expect("data");
        let options = TrainingOptions::default().with_optimizer(Optimizer::adam(0.1)).with_epochs(2);
        let cpu = Cpu::detect().expect("a level");
        let mut training = Training::new(&mut network, &cpu, &data, options).expect("a training");
        training.next().expect("an epoch").expect("no error");
        training.checkpoint().to_bytes().expect("a file")
    })
}

fn check(bytes: &[u8]) {
    match Checkpoint::<f32>::from_bytes(bytes) {
        Ok(checkpoint) => {
            let written = checkpoint.to_bytes().expect("what was read");
            let again = Checkpoint::<f32>::from_bytes(&written).expect("what was written");
            assert_eq!(again.to_bytes().expect("what was read"), written);
        }
        Err(error) => assert!(error.to_string().len() < 10_000),
    }
}

/// Reads a file as it is, and with the right checksum at its end.
fn check_both(mut file: Vec<u8>) {
    check(&file);
    if let Some(end) = file.len().checked_sub(size_of::<u64>()) {
        let checksum = xxh3_64(&file[..end]);
        file[end..].copy_from_slice(&checksum.to_le_bytes());
        check(&file);
    }
}

fuzz_target!(|input: (u16, &[u8])| {
    let (at, bytes) = input;
    check_both(bytes.to_vec());
    let mut file = whole().to_vec();
    let at = usize::from(at) % file.len();
    let len = bytes.len().min(file.len() - at);
    file[at..at + len].copy_from_slice(&bytes[..len]);
    check_both(file);
});
