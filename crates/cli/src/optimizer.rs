//! An optimizer from the flags of `nxm train` and `nxm count`.

use nxm_net::{Adam, AdamW, Optimizer, Sgd};

use crate::args::OptimizerName;
use crate::failure::Failure;

/// What the command line says of it.
#[derive(Clone, Copy, Debug)]
pub struct OptimizerOptions {
    pub name: OptimizerName,
    pub learning_rate: Option<f64>,
    pub momentum: Option<f64>,
    pub weight_decay: Option<f64>,
}

impl OptimizerOptions {
    /// The optimizer, with its defaults where nothing is asked for.
    pub fn optimizer(&self) -> Result<Optimizer, Failure> {
        let name = self.name;
        if self.momentum.is_some() && name != OptimizerName::Sgd {
            return Err(Failure::Usage(format!(
                "--momentum is for --optimizer sgd, and the optimizer is {}",
                name.name()
            )));
        }
        let (rate, decay) = (self.learning_rate, self.weight_decay);
        Ok(match name {
            OptimizerName::Sgd => {
                let default = Sgd::default();
                Optimizer::Sgd(Sgd {
                    learning_rate: rate.unwrap_or(default.learning_rate),
                    momentum: self.momentum.unwrap_or(default.momentum),
                    weight_decay: decay.unwrap_or(default.weight_decay),
                    ..default
                })
            }
            OptimizerName::Adam => {
                let default = Adam::default();
                let learning_rate = rate.unwrap_or(default.learning_rate);
                Optimizer::Adam(Adam { learning_rate, weight_decay: decay.unwrap_or(default.weight_decay), ..default })
            }
            OptimizerName::Adamw => {
                let default = AdamW::default();
                let learning_rate = rate.unwrap_or(default.learning_rate);
                Optimizer::AdamW(AdamW {
                    learning_rate,
                    weight_decay: decay.unwrap_or(default.weight_decay),
                    ..default
                })
            }
        })
    }
}
