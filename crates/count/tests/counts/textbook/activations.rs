//! Activations and their derivatives, from PyTorch's documentation of torch.nn.

use super::Machine;

/// An activation by its name, with its parameters in the order in which PyTorch has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation(&'static str, Vec<f64>);

impl Activation {
    /// What a question calls it.
    pub fn of(asked: nxm_kernels::Activation) -> Activation {
        Activation(asked.name(), asked.parameters().into_iter().map(|(_, value)| value).collect())
    }

    /// f(z): one evaluation, and none of the identity.
    pub fn forward(&self, machine: &mut Machine, z: f64) -> f64 {
        let with_parameters: Option<Box<dyn Fn(f64) -> f64>> = match (self.0, &self.1[..]) {
            ("leaky_relu", &[slope]) => Some(Box::new(move |z: f64| if z > 0.0 { z } else { slope * z })),
            ("elu", &[alpha]) => Some(Box::new(move |z: f64| if z > 0.0 { z } else { alpha * z.exp_m1() })),
            ("celu", &[alpha]) => Some(Box::new(move |z: f64| z.max(0.0) + (alpha * (z / alpha).exp_m1()).min(0.0))),
            ("softplus", &[beta, threshold]) => {
                Some(Box::new(move |z: f64| if beta * z > threshold { z } else { softplus(beta * z) / beta }))
            }
            _ => None,
        };
        if let Some(function) = with_parameters {
            return machine.evaluate(self.0, function, z);
        }
        let function: fn(f64) -> f64 = match self.0 {
            "identity" => return z,
            "relu" => |z| if z > 0.0 { z } else { 0.0 },
            "sigmoid" => sigmoid,
            "tanh" => f64::tanh,
            "gelu" => |z| z * normal(z),
            "gelu_tanh" => |z| 0.5 * z * (1.0 + inner(z).tanh()),
            "silu" => |z| z * sigmoid(z),
            "mish" => |z| z * softplus(z).tanh(),
            "relu6" => |z| z.clamp(0.0, 6.0),
            "hard_tanh" => |z| z.clamp(-1.0, 1.0),
            "hard_sigmoid" => hard_sigmoid,
            "hard_swish" => |z| z * hard_sigmoid(z),
            "log_sigmoid" => |z| -softplus(-z),
            "selu" => |z| if z > 0.0 { SELU[0] * z } else { SELU[0] * SELU[1] * z.exp_m1() },
            "softsign" => |z| z / (1.0 + z.abs()),
            name => panic!("PyTorch's definition of {name} is not written down here"),
        };
        machine.evaluate(self.0, function, z)
    }

    /// δ·f'(z), where a = f(z). Where f' depends on a sign, both cases are computed, and one is chosen.
    pub fn backward(&self, machine: &mut Machine, z: f64, a: f64, delta: f64) -> f64 {
        match self.0 {
            "identity" => delta,
            "relu" => {
                if machine.less(0.0, a) {
                    delta
                } else {
                    0.0
                }
            }
            "leaky_relu" => {
                let scaled = machine.mul(delta, self.1[0]);
                if machine.less(0.0, a) { delta } else { scaled }
            }
            // σ' = a·(1 − a).
            "sigmoid" => {
                let rest = machine.sub(1.0, a);
                let slope = machine.mul(a, rest);
                machine.mul(delta, slope)
            }
            // tanh' = 1 − a².
            "tanh" => {
                let slope = machine.fma(-a, a, 1.0);
                machine.mul(delta, slope)
            }
            // f' = α·eᶻ = a + α where z ≤ 0.
            "elu" => {
                let of_alpha = machine.mul(delta, self.1[0]);
                let below = machine.fma(delta, a, of_alpha);
                if machine.less(0.0, a) { delta } else { below }
            }
            // f' = e^{z/α} = a/α + 1 where z ≤ 0. 1/α is a constant.
            "celu" => {
                let scaled = machine.mul(delta, 1.0 / self.1[0]);
                let below = machine.fma(scaled, a, delta);
                if machine.less(0.0, a) { delta } else { below }
            }
            // 1 between the kinks.
            "relu6" => {
                let (above, below) = (machine.less(0.0, a), machine.less(a, 6.0));
                if above && below { delta } else { 0.0 }
            }
            "hard_tanh" => {
                if machine.less(a.abs(), 1.0) {
                    delta
                } else {
                    0.0
                }
            }
            // ⅙ between the kinks.
            "hard_sigmoid" => {
                let (above, below) = (machine.less(0.0, a), machine.less(a, 1.0));
                let slope = if above && below { 1.0 / 6.0 } else { 0.0 };
                machine.mul(delta, slope)
            }
            // 0, z/3 + ½, 1.
            "hard_swish" => {
                let slope = machine.fma(z, 1.0 / 3.0, 0.5);
                let (above, below) = (machine.less(-3.0, z), machine.less(z, 3.0));
                machine.mul(
                    delta,
                    if !above {
                        0.0
                    } else if below {
                        slope
                    } else {
                        1.0
                    },
                )
            }
            // λ, or λ·α·eᶻ = a + λ·α.
            "selu" => {
                let below = machine.add(a, SELU[0] * SELU[1]);
                let slope = if machine.less(0.0, a) { SELU[0] } else { below };
                machine.mul(delta, slope)
            }
            // 1/(1 + |z|)² = (1 − |a|)².
            "softsign" => {
                let rest = machine.sub(1.0, a.abs());
                let slope = machine.mul(rest, rest);
                machine.mul(delta, slope)
            }
            // σ(−z) = 1 − eᵃ.
            "log_sigmoid" => {
                let slope = -machine.evaluate("exp_m1", f64::exp_m1, a);
                machine.mul(delta, slope)
            }
            // 1, or σ(β·z).
            "softplus" => {
                let scaled = machine.mul(self.1[0], z);
                let slope = machine.evaluate("sigmoid", sigmoid, scaled);
                let slope = if machine.less(self.1[1], scaled) { 1.0 } else { slope };
                machine.mul(delta, slope)
            }
            "gelu" => evaluated(machine, "gelu_derivative", |z| normal(z) + z * density(z), z, delta),
            "gelu_tanh" => evaluated(machine, "gelu_tanh_derivative", gelu_tanh_derivative, z, delta),
            "silu" => evaluated(machine, "silu_derivative", |z| sigmoid(z) * (1.0 + z * sigmoid(-z)), z, delta),
            "mish" => evaluated(machine, "mish_derivative", mish_derivative, z, delta),
            name => panic!("the derivative of {name} is not written down here"),
        }
    }
}

/// λ and α of SELU.
const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

/// min(max(0, z + 3), 6)/6.
fn hard_sigmoid(z: f64) -> f64 {
    (z + 3.0).clamp(0.0, 6.0) / 6.0
}

/// δ times a derivative that is a function of its own: 1 evaluation, 1 mul.
fn evaluated(machine: &mut Machine, name: &'static str, derivative: fn(f64) -> f64, z: f64, delta: f64) -> f64 {
    let slope = machine.evaluate(name, derivative, z);
    machine.mul(delta, slope)
}

/// 1/(1 + e⁻ᶻ).
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// ln(1 + eᶻ), without overflow.
pub fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

/// φ, the density of the normal distribution.
fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Φ, the normal distribution: ½ + φ(z)·(z + z³/3 + z⁵/(3·5) + …), whose terms have one sign, so that nothing cancels.
fn normal(z: f64) -> f64 {
    if z < -8.0 {
        return 0.0;
    }
    if z > 8.0 {
        return 1.0;
    }
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term.abs() > 1e-18 * sum.abs() {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    0.5 + density(z) * sum
}

/// √(2/π)·(z + 0.044715·z³).
fn inner(z: f64) -> f64 {
    (2.0 / std::f64::consts::PI).sqrt() * (z + 0.044715 * z * z * z)
}

fn gelu_tanh_derivative(z: f64) -> f64 {
    let (t, slope) = (inner(z).tanh(), (2.0 / std::f64::consts::PI).sqrt() * (1.0 + 3.0 * 0.044715 * z * z));
    0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * slope
}

/// tanh(s) + z·(1 − tanh²(s))·σ(z), s = softplus(z).
fn mish_derivative(z: f64) -> f64 {
    let t = softplus(z).tanh();
    t + z * (1.0 - t * t) * sigmoid(z)
}

/// Derivatives against quotients of differences: what stands above is right by itself.
#[test]
fn derivatives_are_slopes() {
    for asked in nxm_kernels::Activation::samples() {
        for z in [-6.0, -2.5, -0.7, -0.01, 0.02, 0.9, 3.1, 7.0] {
            let (f, mut machine, h) = (Activation::of(asked), Machine::default(), 1e-5);
            let [below, a, above] = [z - h, z, z + h].map(|z| f.forward(&mut machine, z));
            let (slope, exact) = ((above - below) / (2.0 * h), f.backward(&mut machine, z, a, 1.0));
            assert!((slope - exact).abs() < 1e-9, "{asked} at {z}: {slope} and {exact}");
        }
    }
}
