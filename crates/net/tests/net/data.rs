//! Data sets keep inputs and targets together.

use nxm_net::{Dataset, Loss, Targets};

use crate::support::examples;

#[test]
fn data_sets_are_split_and_shuffled_whole() {
    let data = examples::<f32>(&Loss::CROSS_ENTROPY, 30, 4, 3, 1);
    let (first, rest) = data.split_at(12);
    assert_eq!((first.len(), rest.len()), (12, 18));
    assert_eq!(rest.inputs().row(0), data.inputs().row(12));
    let shuffled = data.shuffled(1);
    assert_eq!(shuffled, data.shuffled(1));
    assert_ne!(shuffled, data.shuffled(2));
    assert_ne!(shuffled, data);
    // Inputs stay beside their labels.
    let (Targets::Classes(old), Targets::Classes(new)) = (data.targets(), shuffled.targets()) else {
        unreachable!("classification has labels")
    };
    let pairs = |data: &Dataset<f32>, labels: &[u32]| {
        let mut pairs: Vec<(Vec<u32>, u32)> = labels
            .iter()
            .enumerate()
            .map(|(i, label)| (data.inputs().row(i).iter().map(|x| x.to_bits()).collect(), *label))
            .collect();
        pairs.sort();
        pairs
    };
    assert_eq!(pairs(&data, old), pairs(&shuffled, new));
}
