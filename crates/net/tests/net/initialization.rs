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

/// Mean, deviation and largest absolute value of the weights of a layer of 80 inputs and 120 units, and its biases.
fn spread(initialization: Initialization) -> ([f64; 3], Vec<f64>) {
    let builder = Network::<f64>::builder(80).dense(120, Activation::Selu).initialization(initialization).seed(4);
    let network = builder.build().unwrap();
    let weights = network.layer(0).weights().to_vec();
    let n = weights.len() as f64;
    let mean = weights.iter().sum::<f64>() / n;
    let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n;
    (
        [mean, variance.sqrt(), weights.iter().fold(0.0, |most: f64, w| most.max(w.abs()))],
        network.layer(0).bias().to_vec(),
    )
}

#[test]
fn weights_spread_as_their_formula_says() {
    // The deviation, and the bound of uniform numbers. Of n = 9,600 numbers the deviation is off by 1/√(2n) = 0.7 % of itself: five of them.
    let cases = [
        (Initialization::Glorot, (2f64 / 200.0).sqrt(), true),
        (Initialization::GlorotNormal, (2f64 / 200.0).sqrt(), false),
        (Initialization::He, (2f64 / 80.0).sqrt(), true),
        (Initialization::HeNormal, (2f64 / 80.0).sqrt(), false),
        (Initialization::LeCun, (1f64 / 80.0).sqrt(), false),
        (Initialization::PyTorch, (1f64 / 240.0).sqrt(), true),
    ];
    for (initialization, expected, is_uniform) in cases {
        let ([mean, deviation, largest], bias) = spread(initialization);
        assert!(mean.abs() < 5.0 * expected / 9600f64.sqrt(), "{initialization:?}: {mean}");
        assert!((deviation / expected - 1.0).abs() < 0.036, "{initialization:?}: {deviation} for {expected}");
        let bound = expected * 3f64.sqrt();
        assert_eq!(largest <= bound, is_uniform, "{initialization:?}: {largest}");
        let of_bias = bias.iter().fold(0.0, |most: f64, b| most.max(b.abs()));
        match initialization {
            Initialization::PyTorch => assert!(of_bias > 0.9 * bound && of_bias <= bound, "{of_bias}"),
            _ => assert_eq!(of_bias, 0.0),
        }
    }
    assert_eq!(spread(Initialization::Constant(0.25)).0, [0.25, 0.0, 0.25]);
}

#[test]
fn orthogonal_weights_keep_lengths() {
    for (fan_in, fan_out) in [(7, 7), (30, 12), (5, 40), (1, 3), (3, 1)] {
        let builder = Network::<f64>::builder(fan_in).dense(fan_out, Activation::Identity);
        let network = builder.initialization(Initialization::Orthogonal { gain: 1.5 }).seed(2).build().unwrap();
        let weights = network.layer(0).weights();
        let at = |v: usize, k: usize| if fan_in >= fan_out { weights.at(k, v) } else { weights.at(v, k) };
        for (a, b) in (0..fan_in.min(fan_out)).flat_map(|a| (0..=a).map(move |b| (a, b))) {
            let product: f64 = (0..fan_in.max(fan_out)).map(|k| at(a, k) * at(b, k)).sum();
            let expected = if a == b { 2.25 } else { 0.0 };
            // Sums of up to 40 products, each of which is rounded.
            assert!((product - expected).abs() < 100.0 * f64::EPSILON, "{fan_in}-{fan_out}, {a}·{b}: {product}");
        }
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    for (initialization, named) in [
        (Initialization::Constant(f64::NAN), "the constant that weights begin with is NaN"),
        (Initialization::Orthogonal { gain: f64::INFINITY }, "the gain of orthogonal weights is inf"),
    ] {
        let builder = Network::<f32>::builder(2).dense(2, Activation::Relu).initialization(initialization);
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("a finite number"), "{error}");
    }
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
