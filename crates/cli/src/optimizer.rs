//! An optimizer, a loss and a network from the flags of `nxm train`, `nxm count` and `nxm audit`, and flags from an optimizer and a loss.

use nxm_count::{Clipping, NetworkSpec};
use nxm_data::Rows;
use nxm_kernels::Activation;
use nxm_net::{Adam, AdamW, ElementType, Loss, Optimizer, Sgd, TrainingOptions};

use crate::args::{Betas, ClassWeightsArg, OptimizerName, TuningArgs};
use crate::failure::Failure;

impl TuningArgs {
    /// The optimizer, with its defaults where nothing is asked for.
    pub fn optimizer(&self, name: OptimizerName, learning_rate: Option<f64>) -> Result<Optimizer, Failure> {
        let sgd = name == OptimizerName::Sgd;
        for (asked, flag, has, whose) in [
            (self.momentum.is_some(), "--momentum", sgd, "sgd"),
            (self.dampening.is_some(), "--dampening", sgd, "sgd"),
            (self.nesterov, "--nesterov", sgd, "sgd"),
            (self.betas.is_some(), "--betas", !sgd, "adam or adamw"),
            (self.epsilon.is_some(), "--epsilon", !sgd, "adam or adamw"),
        ] {
            if asked && !has {
                let name = name.name();
                return Err(Failure::Usage(format!("{flag} is for --optimizer {whose}, and the optimizer is {name}")));
            }
        }
        let mut optimizer: Optimizer = match name {
            OptimizerName::Sgd => Sgd::default().into(),
            OptimizerName::Adam => Adam::default().into(),
            OptimizerName::Adamw => AdamW::default().into(),
        };
        let set = |setting: &mut f64, asked: Option<f64>| *setting = asked.unwrap_or(*setting);
        match &mut optimizer {
            Optimizer::Sgd(sgd) => {
                set(&mut sgd.learning_rate, learning_rate);
                set(&mut sgd.momentum, self.momentum);
                set(&mut sgd.dampening, self.dampening);
                sgd.nesterov = self.nesterov;
                set(&mut sgd.weight_decay, self.weight_decay);
            }
            Optimizer::Adam(Adam { learning_rate: rate, beta1, beta2, epsilon, weight_decay, .. })
            | Optimizer::AdamW(AdamW { learning_rate: rate, beta1, beta2, epsilon, weight_decay, .. }) => {
                set(rate, learning_rate);
                set(beta1, self.betas.as_ref().map(|betas| betas.0));
                set(beta2, self.betas.as_ref().map(|betas| betas.1));
                set(epsilon, self.epsilon);
                set(weight_decay, self.weight_decay);
            }
        }
        Ok(optimizer)
    }

    /// The loss of this kind, with what is asked for. Class weights that are balanced or named need the rows that are trained on.
    pub fn loss(&self, kind: Loss, data: Option<&Rows<'_>>) -> Result<Loss, Failure> {
        if let Some(label_smoothing) = self.label_smoothing
            && !kind.takes_labels()
        {
            return Err(Failure::Usage(format!(
                "--label-smoothing {label_smoothing} is for --loss cross_entropy, and the loss is {kind}"
            )));
        }
        for (asked, flag, has, whose) in [
            (self.beta, "--beta", matches!(kind, Loss::SmoothL1 { .. }), "smooth_l1"),
            (self.delta, "--delta", matches!(kind, Loss::Huber { .. }), "huber"),
            (self.tau, "--tau", matches!(kind, Loss::Quantile { .. }), "quantile"),
        ] {
            if asked.is_some() && !has {
                return Err(Failure::Usage(format!("{flag} is for --loss {whose}, and the loss is {kind}")));
            }
        }
        let smooth = match kind {
            Loss::SmoothL1 { beta } => Loss::SmoothL1 { beta: self.beta.unwrap_or(beta) },
            Loss::Huber { delta } => Loss::Huber { delta: self.delta.unwrap_or(delta) },
            Loss::Quantile { tau } => Loss::Quantile { tau: self.tau.unwrap_or(tau) },
            Loss::CrossEntropy { class_weights, .. } => {
                Loss::CrossEntropy { label_smoothing: self.label_smoothing.unwrap_or(0.0), class_weights }
            }
            other => other,
        };
        match (&self.class_weights, smooth, data) {
            (None, loss, _) => Ok(loss),
            (Some(ClassWeightsArg::Each(weights)), Loss::CrossEntropy { label_smoothing, .. }, _) => {
                Ok(Loss::CrossEntropy { label_smoothing, class_weights: weights.clone() })
            }
            (Some(ClassWeightsArg::Each(weights)), Loss::BinaryCrossEntropy { .. }, _) => {
                Ok(Loss::BinaryCrossEntropy { positive_weights: weights.clone() })
            }
            (Some(ClassWeightsArg::Of(weights)), loss, Some(rows)) => {
                Ok(weights.weigh(loss, &rows.examples.target, &rows.values()?)?)
            }
            (
                Some(weights @ ClassWeightsArg::Of(_)),
                Loss::CrossEntropy { .. } | Loss::BinaryCrossEntropy { .. },
                None,
            ) => Err(Failure::Usage(format!(
                "--class-weights {weights} needs data: nxm train has them; here there is a number for each class, as 1,2.5,1"
            ))),
            (Some(_), loss, _) => Err(Failure::Usage(format!(
                "--class-weights is for --loss cross_entropy or binary_cross_entropy, and the loss is {loss}"
            ))),
        }
    }

    /// A network of these sizes and elements, trained as the command line says: with `kind` of a loss and the optimizer of this name.
    pub fn network(
        &self,
        (sizes, element): (&[u64], ElementType),
        [hidden, output]: [Activation; 2],
        kind: Loss,
        optimizer: Option<OptimizerName>,
    ) -> Result<NetworkSpec, Failure> {
        let network = NetworkSpec::new(sizes, hidden, output, self.loss(kind, None)?).map_err(Failure::usage)?;
        let optimizer = self.optimizer(optimizer.unwrap_or(OptimizerName::Sgd), None)?;
        trained(network, element, optimizer, self.clip_norm)
    }

    /// The flags that would ask for this; those that it does not have are not set.
    pub fn of(optimizer: &Optimizer, loss: &Loss, clip_norm: Option<f64>) -> TuningArgs {
        let mut flags = TuningArgs { clip_norm, ..TuningArgs::default() };
        match *optimizer {
            Optimizer::Sgd(Sgd { momentum, dampening, nesterov, weight_decay, .. }) => {
                flags.momentum = Some(momentum);
                flags.dampening = Some(dampening);
                flags.nesterov = nesterov;
                flags.weight_decay = Some(weight_decay);
            }
            Optimizer::Adam(Adam { beta1, beta2, epsilon, weight_decay, .. })
            | Optimizer::AdamW(AdamW { beta1, beta2, epsilon, weight_decay, .. }) => {
                flags.betas = Some(Betas(beta1, beta2));
                flags.epsilon = Some(epsilon);
                flags.weight_decay = Some(weight_decay);
            }
        }
        match loss {
            Loss::CrossEntropy { label_smoothing, class_weights } => {
                flags.label_smoothing = Some(*label_smoothing);
                flags.class_weights = Some(ClassWeightsArg::Each(class_weights.clone()));
            }
            Loss::BinaryCrossEntropy { positive_weights } => {
                flags.class_weights = Some(ClassWeightsArg::Each(positive_weights.clone()));
            }
            Loss::SmoothL1 { beta } => flags.beta = Some(*beta),
            Loss::Huber { delta } => flags.delta = Some(*delta),
            Loss::Quantile { tau } => flags.tau = Some(*tau),
            Loss::MeanSquaredError | Loss::L1 | Loss::PoissonNll { .. } | Loss::SoftMargin | Loss::KlDivergence => {}
        }
        flags
    }
}

/// The network trained so, if the settings are such as training takes.
pub fn trained(
    network: NetworkSpec,
    element: ElementType,
    optimizer: Optimizer,
    clip_norm: Option<f64>,
) -> Result<NetworkSpec, Failure> {
    let options = TrainingOptions::default().with_optimizer(optimizer).with_clip_norm(clip_norm);
    let checked = match element {
        ElementType::F32 => options.check::<f32>(),
        ElementType::F64 => options.check::<f64>(),
    };
    checked.map_err(Failure::usage)?;
    let outputs = network.sizes()[network.layers()];
    network.loss().check(usize::try_from(outputs).unwrap_or(usize::MAX)).map_err(Failure::usage)?;
    Ok(network.with_optimizer(optimizer).with_clipping(Clipping::of(&options)))
}
