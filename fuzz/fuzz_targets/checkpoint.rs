//! Checkpoints from bytes: any bytes are a checkpoint or an error, and a checkpoint that is read, written and read again is the same.
//!
//! The input is a file; and it is laid over a whole checkpoint, so that some of its fields are wrong, or its checksum is.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use nxm_net::{Activation, Checkpoint, Cpu, Dataset, Network, Optimizer, Training, TrainingOptions};

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

fuzz_target!(|input: (u16, &[u8])| {
    let (at, bytes) = input;
    check(bytes);
    let mut file = whole().to_vec();
    let at = usize::from(at) % file.len();
    let len = bytes.len().min(file.len() - at);
    file[at..at + len].copy_from_slice(&bytes[..len]);
    check(&file);
});
