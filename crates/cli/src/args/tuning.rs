//! What of an optimizer, its schedule and a loss can be set, besides which they are.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use clap::Args;
use nxm_net::LearningRateSchedule;

/// What can be set; each only with those that have it.
#[derive(Clone, Debug, Default, Args)]
pub struct TuningArgs {
    /// The momentum of sgd. [default: 0, or what a checkpoint says]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub momentum: Option<f64>,
    /// The share of a gradient that the momentum of sgd does not take up. [default: 0, or what a checkpoint says]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub dampening: Option<f64>,
    /// Nesterov's momentum, of sgd.
    #[arg(long)]
    pub nesterov: bool,
    /// How fast adam and adamw forget gradients and their squares, as 0.9,0.999. [default: 0.9,0.999, or what a checkpoint says]
    #[arg(long, value_name = "SHARES", allow_hyphen_values = true)]
    pub betas: Option<Betas>,
    /// What adam and adamw add to a root before they divide by it. [default: 1e-8, or what a checkpoint says]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub epsilon: Option<f64>,
    /// How fast weights decay. [default: 0; 0.01 for adamw, or what a checkpoint says]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub weight_decay: Option<f64>,
    /// The largest norm of the gradients of a step; what is counted is a step that exceeds it. [default: no limit, or what a checkpoint says]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true)]
    pub clip_norm: Option<f64>,
    /// The share of each target that cross_entropy spreads over all classes. [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub label_smoothing: Option<f64>,
    /// How much the examples of each class weigh with cross_entropy, as 1,2.5,1: in the order of the classes, which is that of
    /// their numbers, or the alphabet's. [default: 1 each]
    #[arg(long, value_name = "WEIGHTS", allow_hyphen_values = true)]
    pub class_weights: Option<ClassWeights>,
}

/// β₁ and β₂.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Betas(pub f64, pub f64);

impl fmt::Display for Betas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.0, self.1)
    }
}

impl FromStr for Betas {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match numbers(text)?[..] {
            [beta1, beta2] => Ok(Betas(beta1, beta2)),
            ref found => Err(format!("expected two numbers, as 0.9,0.999, and found {}", found.len())),
        }
    }
}

/// A weight for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassWeights(pub Vec<f64>);

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("1 each");
        }
        let weights: Vec<String> = self.0.iter().map(f64::to_string).collect();
        f.write_str(&weights.join(","))
    }
}

impl FromStr for ClassWeights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        numbers(text).map(ClassWeights)
    }
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    let numbers = text.split(',').enumerate();
    let number = |(i, text): (usize, &str)| {
        text.trim().parse().map_err(|_| format!("number {}: expected a number and found {text:?}", i.saturating_add(1)))
    };
    numbers.map(number).collect()
}

/// The learning-rate schedule that `--schedule` asks for, as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleArg(pub LearningRateSchedule);

impl fmt::Display for ScheduleArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())?;
        match &self.0 {
            LearningRateSchedule::Constant => Ok(()),
            LearningRateSchedule::Step { every, factor } => write!(f, ":every={every},factor={factor}"),
            LearningRateSchedule::Milestones { at, factor } => {
                let at: Vec<String> = at.iter().map(u64::to_string).collect();
                write!(f, ":at={},factor={factor}", at.join("+"))
            }
            LearningRateSchedule::Linear { start, end, steps } => write!(f, ":start={start},end={end},steps={steps}"),
            LearningRateSchedule::Cosine { steps, minimum } => write!(f, ":steps={steps},minimum={minimum}"),
            LearningRateSchedule::CosineRestarts { steps, longer, minimum } => {
                write!(f, ":steps={steps},longer={longer},minimum={minimum}")
            }
        }
    }
}

impl FromStr for ScheduleArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, settings) = text.split_once(':').unwrap_or((text, ""));
        let mut settings = Settings::new(settings)?;
        let schedule = match name {
            "constant" => LearningRateSchedule::Constant,
            "step" => {
                LearningRateSchedule::Step { every: settings.whole("every")?, factor: settings.number("factor")? }
            }
            "milestones" => {
                let at = settings.take("at")?;
                let at = at.split('+').map(|step| whole("at", step)).collect::<Result<_, _>>()?;
                LearningRateSchedule::Milestones { at, factor: settings.number("factor")? }
            }
            "linear" => LearningRateSchedule::Linear {
                start: settings.number("start")?,
                end: settings.number("end")?,
                steps: settings.whole("steps")?,
            },
            "cosine" => {
                LearningRateSchedule::Cosine { steps: settings.whole("steps")?, minimum: settings.number("minimum")? }
            }
            "cosine_restarts" => LearningRateSchedule::CosineRestarts {
                steps: settings.whole("steps")?,
                longer: settings.whole("longer")?,
                minimum: settings.number("minimum")?,
            },
            _ => {
                let names = "constant, step, milestones, linear, cosine and cosine_restarts";
                return Err(format!("no schedule is called {name:?}; there are {names}"));
            }
        };
        settings.none_left(name).map(|()| ScheduleArg(schedule))
    }
}

/// Settings of a schedule that nobody has asked for yet.
struct Settings<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Settings<'a> {
    fn new(text: &'a str) -> Result<Self, String> {
        let mut settings = BTreeMap::new();
        for setting in text.split(',').filter(|setting| !setting.is_empty()) {
            let (name, value) =
                setting.split_once('=').ok_or_else(|| format!("expected SETTING=NUMBER and found {setting:?}"))?;
            if settings.insert(name, value).is_some() {
                return Err(format!("{name} is set twice"));
            }
        }
        Ok(Settings(settings))
    }

    fn take(&mut self, name: &str) -> Result<&'a str, String> {
        self.0.remove(name).ok_or_else(|| format!("{name}= is missing"))
    }

    fn whole(&mut self, name: &str) -> Result<u64, String> {
        whole(name, self.take(name)?)
    }

    fn number(&mut self, name: &str) -> Result<f64, String> {
        let text = self.take(name)?;
        text.parse().map_err(|_| format!("{name}: expected a number and found {text:?}"))
    }

    fn none_left(self, schedule: &str) -> Result<(), String> {
        match self.0.keys().next() {
            Some(name) => Err(format!("{schedule} has no setting {name:?}")),
            None => Ok(()),
        }
    }
}

fn whole(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{name}: expected a whole number and found {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_and_written() {
        for text in [
            "constant",
            "step:every=100,factor=0.5",
            "milestones:at=10+30,factor=0.1",
            "linear:start=0.1,end=1,steps=50",
            "cosine:steps=1000,minimum=0.0001",
            "cosine_restarts:steps=100,longer=2,minimum=0",
        ] {
            assert_eq!(text.parse::<ScheduleArg>().unwrap().to_string(), text);
        }
        for (text, named) in [
            ("", "\"\""),
            ("sine", "cosine_restarts"),
            ("step", "every= is missing"),
            ("step:every=3", "factor= is missing"),
            ("step:every=3,factor=x", "factor: expected a number and found \"x\""),
            ("step:every=-3,factor=1", "every: expected a whole number and found \"-3\""),
            ("step:every=3,every=4,factor=1", "every is set twice"),
            ("step:every=3,factor=1,minimum=0", "step has no setting \"minimum\""),
            ("constant:1", "found \"1\""),
            ("milestones:at=1+x,factor=1", "at: expected a whole number and found \"x\""),
        ] {
            let error = text.parse::<ScheduleArg>().unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn lists_are_read_and_written() {
        assert_eq!("0.8, 0.99".parse(), Ok(Betas(0.8, 0.99)));
        assert_eq!(Betas(0.8, 0.99).to_string(), "0.8,0.99");
        assert!("0.9".parse::<Betas>().unwrap_err().contains("found 1"));
        assert_eq!("1,2.5".parse(), Ok(ClassWeights(vec![1.0, 2.5])));
        assert_eq!(ClassWeights(vec![1.0, 2.5]).to_string(), "1,2.5");
        assert!("1,,2".parse::<ClassWeights>().unwrap_err().contains("number 2"));
    }
}
