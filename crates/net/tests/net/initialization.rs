//! Weights are what their seed says, and spread as Glorot's and He's formulas say.

use nxm_kernels::Activation;
use nxm_net::{Initialization, Network};

use crate::support::bits;

fn built(seed: u64) -> Network<f64> {
    Network::builder(30).dense(50, Activation::Relu).dense(20, Activation::Tanh).seed(seed).build().unwrap()
}

#[test]
fn a_seed_means_the_same_weights_for_ever() {
    // The first draw of xoshiro256++ seeded from 1 by SplitMix64, its upper 53 bits times 2⁻⁵³; bound √(6 / 30).
    let u = (0xcfc5_d07f_6f03_c29b_u64 >> 11) as f64 / 2f64.powi(53);
    assert_eq!(built(1).layer(0).weights().at(0, 0), (6f64 / 30.0).sqrt() * (2.0 * u - 1.0));
    assert_eq!(bits(&built(1)), bits(&built(1)));
    assert_ne!(bits(&built(1)), bits(&built(2)));
}

#[test]
fn f32_weights_are_the_f64_weights_rounded() {
    let single: Network<f32> =
        Network::builder(30).dense(50, Activation::Relu).dense(20, Activation::Tanh).seed(9).build().unwrap();
    for (single, double) in single.layers().zip(built(9).layers()) {
        let rounded: Vec<f32> = double.weights().to_vec().into_iter().map(|w| w as f32).collect();
        assert_eq!(single.weights().to_vec(), rounded);
    }
}

#[test]
fn each_layer_is_spread_to_suit_its_activation() {
    let network = built(3);
    let bounds = [(6f64 / 30.0).sqrt(), (6f64 / 70.0).sqrt()];
    for (layer, bound) in network.layers().zip(bounds) {
        let weights = layer.weights().to_vec();
        let largest = weights.iter().fold(0f64, |largest, w| largest.max(w.abs()));
        // Of n ≥ 1000 uniform numbers the largest is below 0.98 of the bound once in 0.98⁻¹⁰⁰⁰ ≈ 6e8 seeds.
        assert!(largest <= bound && largest > 0.98 * bound, "{largest} of {bound}");
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        // The standard deviation of the mean is bound/√(3n) ≤ 0.019 bound: five of them.
        assert!(mean.abs() < 0.1 * bound, "{mean}");
        assert!(layer.bias().iter().all(|&b| b == 0.0));
    }
}

#[test]
fn the_initialisation_can_be_chosen() {
    let build = |initialization| {
        let builder = Network::<f64>::builder(10).dense(90, Activation::Relu).initialization(initialization);
        let network = builder.build().unwrap();
        network.layer(0).weights().to_vec().into_iter().fold(0f64, |largest, w: f64| largest.max(w.abs()))
    };
    let (glorot, he) = (build(Initialization::Glorot), build(Initialization::He));
    assert!(glorot <= (6f64 / 100.0).sqrt() && he > (6f64 / 100.0).sqrt() && he <= (6f64 / 10.0).sqrt());
}

#[test]
fn a_network_says_what_it_is() {
    let network = built(0);
    assert_eq!((network.inputs(), network.outputs()), (30, 20));
    assert_eq!(network.sizes(), [30, 50, 20]);
    assert_eq!(network.parameters(), 30 * 50 + 50 + 50 * 20 + 20);
    let layer = network.layer(1);
    assert_eq!((layer.fan_in(), layer.fan_out(), layer.activation()), (50, 20, Activation::Tanh));
}
