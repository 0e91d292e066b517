//! An optimizer, a loss and a network from the flags of `nxm train`, `nxm count` and `nxm audit`, and flags from an optimizer and a loss.

use nxm_count::{Clipping, NetworkSpec};
use nxm_data::Rows;
use nxm_kernels::Activation;
use nxm_net::{ElementType, Loss, Optimizer, TrainingOptions};

use crate::args::{Betas, ClassWeightsArg, NetworkText, OptimizerArg, Reduction, TuningArgs};
use crate::failure::Failure;

impl TuningArgs {
    /// The optimizer that is asked for, with the settings that other flags ask for.
    pub fn optimizer(&self, asked: &OptimizerArg, learning_rate: Option<f64>) -> Result<Optimizer, Failure> {
        let mut optimizer = asked.optimizer;
        let number = |x: Option<f64>| x.map(|x| format!("{x:?}"));
        let betas = self.betas.as_ref();
        for (flag, setting, value) in [
            ("--learning-rate", "learning_rate", number(learning_rate)),
            ("--momentum", "momentum", number(self.momentum)),
            ("--dampening", "dampening", number(self.dampening)),
            ("--nesterov", "nesterov", self.nesterov.then(|| true.to_string())),
            ("--betas", "beta1", number(betas.map(|betas| betas.0))),
            ("--betas", "beta2", number(betas.map(|betas| betas.1))),
            ("--epsilon", "epsilon", number(self.epsilon)),
            ("--weight-decay", "weight_decay", number(self.weight_decay)),
            ("--no-bias-decay", "bias_decay", self.no_bias_decay.then(|| false.to_string())),
        ] {
            let Some(value) = value else { continue };
            if let Some((_, other)) = asked.asked.iter().find(|(name, other)| name == setting && *other != value) {
                let name = asked.name();
                return Err(Failure::Usage(format!("{flag} is {value}, and --optimizer {name} has {setting}={other}")));
            }
            optimizer.set(setting, &value).map_err(|_| {
                let has = |optimizer: &Optimizer| optimizer.settings().iter().any(|(name, _)| *name == setting);
                let whose: Vec<&str> = Optimizer::all().iter().filter(|all| has(all)).map(Optimizer::name).collect();
                let (name, whose) = (asked.name(), whose.join(", "));
                Failure::Usage(format!("{flag} is for --optimizer {whose}, and the optimizer is {name}"))
            })?;
        }
        Ok(optimizer)
    }

    /// The loss of this kind, with what is asked for. Class weights that are balanced or named need the rows that are trained on.
    pub fn loss(&self, kind: Loss, data: Option<&Rows<'_>>) -> Result<Loss, Failure> {
        let loss = self.mean_loss(kind, data)?;
        Ok(if self.reduction == Some(Reduction::Sum) { loss.summed() } else { loss })
    }

    fn mean_loss(&self, kind: Loss, data: Option<&Rows<'_>>) -> Result<Loss, Failure> {
        if let Some(label_smoothing) = self.label_smoothing
            && !matches!(kind, Loss::CrossEntropy { .. } | Loss::SoftCrossEntropy { .. })
        {
            return Err(Failure::Usage(format!(
                "--label-smoothing {label_smoothing} is for --loss cross_entropy or soft_cross_entropy, and the loss is {kind}"
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
            Loss::SoftCrossEntropy { class_weights, .. } => {
                Loss::SoftCrossEntropy { label_smoothing: self.label_smoothing.unwrap_or(0.0), class_weights }
            }
            other => other,
        };
        match (&self.class_weights, smooth, data) {
            (None, loss, _) => Ok(loss),
            (Some(ClassWeightsArg::Each(weights)), Loss::CrossEntropy { label_smoothing, .. }, _) => {
                Ok(Loss::CrossEntropy { label_smoothing, class_weights: weights.clone() })
            }
            (Some(ClassWeightsArg::Each(weights)), Loss::SoftCrossEntropy { label_smoothing, .. }, _) => {
                Ok(Loss::SoftCrossEntropy { label_smoothing, class_weights: weights.clone() })
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

    /// A network of these sizes or layers and elements, trained as the command line says: with `kind` of a loss and the optimizer of this name.
    pub fn network(
        &self,
        (text, element): (&NetworkText, ElementType),
        [hidden, output]: [Activation; 2],
        kind: Loss,
        optimizer: Option<&OptimizerArg>,
    ) -> Result<NetworkSpec, Failure> {
        let loss = self.loss(kind, None)?;
        let network = match text {
            NetworkText::Sizes(sizes) => NetworkSpec::new(sizes.as_slice(), hidden, output, loss),
            NetworkText::Layers(inputs, layers) => NetworkSpec::with_layers(*inputs, layers.as_slice(), loss),
        };
        let network = network.map_err(Failure::usage)?;
        let plain = OptimizerArg::from(Optimizer::default());
        let optimizer = self.optimizer(optimizer.unwrap_or(&plain), None)?;
        trained(network, element, optimizer, [self.clip_norm, self.clip_value], self.ema)
    }

    /// The flags that would ask for this; those that it does not have are not set.
    pub fn of(options: &TrainingOptions) -> TuningArgs {
        let TrainingOptions { optimizer, loss, clip_norm, clip_value, ema, .. } = options;
        let settings = optimizer.settings();
        let text = |name: &str| settings.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str());
        let number = |name: &str| text(name).and_then(|value| value.parse().ok());
        let mut flags = TuningArgs {
            momentum: number("momentum"),
            dampening: number("dampening"),
            nesterov: text("nesterov") == Some("true"),
            betas: number("beta1").zip(number("beta2")).map(|(beta1, beta2)| Betas(beta1, beta2)),
            epsilon: number("epsilon"),
            weight_decay: number("weight_decay"),
            no_bias_decay: text("bias_decay") == Some("false"),
            clip_norm: *clip_norm,
            clip_value: *clip_value,
            ema: *ema,
            ..TuningArgs::default()
        };
        flags.reduction = Some(if loss.is_sum() { Reduction::Sum } else { Reduction::Mean });
        match loss.of_mean() {
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
            Loss::SoftCrossEntropy { label_smoothing, class_weights } => {
                flags.label_smoothing = Some(*label_smoothing);
                flags.class_weights = Some(ClassWeightsArg::Each(class_weights.clone()));
            }
            Loss::MeanSquaredError
            | Loss::L1
            | Loss::PoissonNll { .. }
            | Loss::SoftMargin
            | Loss::KlDivergence { .. } => {}
            Loss::Sum(_) => {}
        }
        flags
    }
}

/// The network trained so, if the settings are such as training takes.
pub fn trained(
    network: NetworkSpec,
    element: ElementType,
    optimizer: Optimizer,
    [clip_norm, clip_value]: [Option<f64>; 2],
    ema: Option<f64>,
) -> Result<NetworkSpec, Failure> {
    let options = TrainingOptions::default().with_optimizer(optimizer);
    let options = options.with_clip_norm(clip_norm).with_clip_value(clip_value).with_ema(ema);
    let checked = match element {
        ElementType::F32 => options.check::<f32>(),
        ElementType::F64 => options.check::<f64>(),
    };
    checked.map_err(Failure::usage)?;
    network.check_loss().map_err(Failure::usage)?;
    let network = network.with_optimizer(optimizer).with_clipping(Clipping::of(&options));
    Ok(if ema.is_some() { network.with_average() } else { network })
}
