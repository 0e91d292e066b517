//! What flags say, read from text: numbers, lists and schedules. Each of them is written as it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use nxm_data::ClassWeights;
use nxm_net::{LearningRateSchedule, PhaseShape, Plateau};

/// A whole number, at least 1.
pub fn at_least_one(text: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(n) if digits && n >= 1 => Ok(n),
        Err(_) if digits => Err(format!("expected a whole number of at most {}", u64::MAX)),
        _ => Err("expected a whole number, at least 1".to_owned()),
    }
}

/// A setting, or "auto": what fits the number of rows, which is also the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auto<V> {
    /// What fits.
    Fitting,
    /// This.
    Given(V),
}

const AUTO: &str = "auto";

impl<V> Auto<V> {
    /// The setting that is asked for, if one is.
    pub fn given(asked: &Option<Auto<V>>) -> Option<&V> {
        match asked {
            Some(Auto::Given(value)) => Some(value),
            Some(Auto::Fitting) | None => None,
        }
    }
}

/// A whole number, at least 1, or "auto".
pub fn at_least_one_or_auto(text: &str) -> Result<Auto<u64>, String> {
    auto(text, at_least_one)
}

/// Hidden layers, or "auto".
pub fn hidden_or_auto(text: &str) -> Result<Auto<Hidden>, String> {
    auto(text, str::parse)
}

fn auto<V>(text: &str, value: impl Fn(&str) -> Result<V, String>) -> Result<Auto<V>, String> {
    match text {
        AUTO => Ok(Auto::Fitting),
        _ => value(text).map(Auto::Given).map_err(|error| format!("{error}, or {AUTO:?}")),
    }
}

/// When a checkpoint is written, besides the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointEvery {
    /// After each epoch.
    Epoch,
    /// After so many steps, at least 1, and after each epoch.
    Steps(u64),
}

const EPOCH: &str = "epoch";

impl fmt::Display for CheckpointEvery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointEvery::Epoch => f.write_str(EPOCH),
            CheckpointEvery::Steps(steps) => write!(f, "{steps}"),
        }
    }
}

impl FromStr for CheckpointEvery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            EPOCH => Ok(CheckpointEvery::Epoch),
            _ => at_least_one(text).map(CheckpointEvery::Steps).map_err(|error| format!("{error}, or {EPOCH:?}")),
        }
    }
}

/// Units of the hidden layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden(pub Vec<usize>);

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(NONE);
        }
        let units: Vec<String> = self.0.iter().map(usize::to_string).collect();
        f.write_str(&units.join(","))
    }
}

const NONE: &str = "none";

impl FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == NONE {
            return Ok(Hidden(Vec::new()));
        }
        let layers = text.split(',').enumerate();
        let units = layers.map(|(i, units)| match units.trim().parse() {
            Ok(units) if units >= 1 => Ok(units),
            _ => {
                Err(format!("layer {}: expected a whole number, at least 1, and found {units:?}", i.saturating_add(1)))
            }
        });
        units.collect::<Result<_, _>>().map(Hidden)
    }
}

/// Checkpoints that are kept at most: each of them is looked for, and may be renamed, whenever one is written.
const MOST_KEPT: usize = 1000;

pub fn kept(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= MOST_KEPT);
    number.ok_or_else(|| format!("expected a whole number from 1 to {MOST_KEPT}"))
}

/// A share that leaves something.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to less than 1".to_owned()),
    }
}

/// A gain that is asked for.
pub fn gain(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(gain) if (0.0..f64::INFINITY).contains(&gain) => Ok(gain),
        _ => Err("expected a number, 0 or more".to_owned()),
    }
}

/// A number of which something can be done.
pub fn more_than_zero(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if 0.0 < number && number < f64::INFINITY => Ok(number),
        _ => Err("expected a number of more than 0".to_owned()),
    }
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

/// How much classes weigh.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeightsArg {
    /// A number for each class, in their order; or for what says yes, of each label.
    Each(Vec<f64>),
    /// By name, or by how many rows there are of each.
    Of(ClassWeights),
}

/// What asks for weights by how many rows there are.
const BALANCED: &str = "balanced";

impl fmt::Display for ClassWeightsArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClassWeightsArg::Each(weights) if weights.is_empty() => f.write_str("1 each"),
            ClassWeightsArg::Each(weights) => {
                let weights: Vec<String> = weights.iter().map(f64::to_string).collect();
                f.write_str(&weights.join(","))
            }
            ClassWeightsArg::Of(weights) => weights.fmt(f),
        }
    }
}

impl FromStr for ClassWeightsArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == BALANCED {
            return Ok(ClassWeightsArg::Of(ClassWeights::Balanced));
        }
        if !text.contains('=') {
            return numbers(text).map(ClassWeightsArg::Each);
        }
        let mut weights = BTreeMap::new();
        for part in text.split(',') {
            // A name may have an equals sign in it, a number has none.
            let named = part.rsplit_once('=').and_then(|(name, weight)| Some((name, weight.trim().parse().ok()?)));
            let (name, weight): (&str, f64) =
                named.ok_or_else(|| format!("expected NAME=NUMBER,NAME=NUMBER,… and found {part:?}"))?;
            if weights.insert(name.to_owned(), weight).is_some() {
                return Err(format!("the class {name:?} has two weights"));
            }
        }
        Ok(ClassWeightsArg::Of(ClassWeights::ByName(weights)))
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
        write_schedule(&self.0, f)
    }
}

fn write_schedule(schedule: &LearningRateSchedule, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(schedule.name())?;
    match schedule {
        LearningRateSchedule::Constant => Ok(()),
        LearningRateSchedule::Step { every, factor } => write!(f, ":every={every},factor={factor}"),
        LearningRateSchedule::Milestones { at, factor } => {
            let at: Vec<String> = at.iter().map(u64::to_string).collect();
            write!(f, ":at={},factor={factor}", at.join("+"))
        }
        LearningRateSchedule::Exponential { factor } => write!(f, ":factor={factor}"),
        LearningRateSchedule::Polynomial { steps, power } => write!(f, ":steps={steps},power={power}"),
        LearningRateSchedule::Linear { start, end, steps } => write!(f, ":start={start},end={end},steps={steps}"),
        LearningRateSchedule::Cosine { steps, minimum } => write!(f, ":steps={steps},minimum={minimum}"),
        LearningRateSchedule::CosineRestarts { steps, longer, minimum } => {
            write!(f, ":steps={steps},longer={longer},minimum={minimum}")
        }
        LearningRateSchedule::OneCycle { steps, rise, start_divisor, end_divisor, shape } => {
            write!(
                f,
                ":steps={steps},rise={rise},start_divisor={start_divisor},end_divisor={end_divisor},shape={shape}"
            )
        }
        LearningRateSchedule::Plateau(of) => write!(
            f,
            ":factor={},patience={},threshold={},kind={},aim={},cooldown={},minimum={}",
            of.factor, of.patience, of.threshold, of.kind, of.aim, of.cooldown, of.minimum
        ),
        LearningRateSchedule::WarmUp { steps, start, then } => {
            write!(f, ":steps={steps},start={start}{THEN}")?;
            write_schedule(then, f)
        }
    }
}

/// What stands before the schedule that follows a warm-up. That one has settings of its own, so it comes last.
const THEN: &str = ",then=";

impl FromStr for ScheduleArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read_schedule(text).map(ScheduleArg)
    }
}

fn read_schedule(text: &str) -> Result<LearningRateSchedule, String> {
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    let (settings, then) = match name {
        "warm_up" => settings.split_once(THEN).map_or((settings, "constant"), |(settings, then)| (settings, then)),
        _ => (settings, "constant"),
    };
    let mut settings = Settings::new(settings)?;
    let schedule = match name {
        "constant" => LearningRateSchedule::Constant,
        "step" => LearningRateSchedule::Step { every: settings.whole("every")?, factor: settings.number("factor")? },
        "milestones" => {
            let at = settings.take("at")?;
            let at = at.split('+').map(|step| whole("at", step)).collect::<Result<_, _>>()?;
            LearningRateSchedule::Milestones { at, factor: settings.number("factor")? }
        }
        "exponential" => LearningRateSchedule::Exponential { factor: settings.number("factor")? },
        "polynomial" => {
            LearningRateSchedule::Polynomial { steps: settings.whole("steps")?, power: settings.number("power")? }
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
        "one_cycle" => LearningRateSchedule::OneCycle {
            steps: settings.whole("steps")?,
            rise: settings.number_or("rise", 0.3)?,
            start_divisor: settings.number_or("start_divisor", 25.0)?,
            end_divisor: settings.number_or("end_divisor", 1e4)?,
            shape: settings.named_or("shape", PhaseShape::default())?,
        },
        "plateau" => {
            let of = Plateau::new();
            let kind = settings.named_or("kind", of.kind)?;
            of.with_factor(settings.number_or("factor", of.factor)?)
                .with_patience(settings.whole_or("patience", of.patience)?)
                .with_threshold(settings.number_or("threshold", of.threshold)?, kind)
                .with_aim(settings.named_or("aim", of.aim)?)
                .with_cooldown(settings.whole_or("cooldown", of.cooldown)?)
                .with_minimum(settings.number_or("minimum", of.minimum)?)
                .into()
        }
        // Read only where it may stand, so that no text asks for more than two schedules.
        "warm_up" if then.starts_with("warm_up") => return Err("a warm-up can't follow a warm-up".to_owned()),
        "warm_up" => {
            let (steps, start) = (settings.whole("steps")?, settings.number("start")?);
            read_schedule(then)?.after_warm_up(steps, start)
        }
        _ => {
            let names = LearningRateSchedule::NAMES.join(", ");
            return Err(format!("no schedule is called {name:?}; there are {names}"));
        }
    };
    settings.none_left(name).map(|()| schedule)
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

    fn number_or(&mut self, name: &str, default: f64) -> Result<f64, String> {
        if self.0.contains_key(name) { self.number(name) } else { Ok(default) }
    }

    fn whole_or(&mut self, name: &str, default: u64) -> Result<u64, String> {
        if self.0.contains_key(name) { self.whole(name) } else { Ok(default) }
    }

    fn named_or<V: FromStr<Err: fmt::Display>>(&mut self, name: &str, default: V) -> Result<V, String> {
        self.0.remove(name).map_or(Ok(default), |text| text.parse().map_err(|error| format!("{name}: {error}")))
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
    fn numbers_are_at_least_one() {
        assert_eq!(at_least_one("1"), Ok(1));
        assert_eq!(at_least_one("18446744073709551615"), Ok(u64::MAX));
        for text in ["0", "-1", "+1", "", "x", "1.5", "1e3"] {
            assert_eq!(at_least_one(text), Err("expected a whole number, at least 1".to_owned()), "{text:?}");
        }
        let beyond = at_least_one("18446744073709551616");
        assert_eq!(beyond, Err("expected a whole number of at most 18446744073709551615".to_owned()));
    }

    #[test]
    fn what_fits_has_a_name() {
        assert_eq!(at_least_one_or_auto(AUTO), Ok(Auto::Fitting));
        assert_eq!(at_least_one_or_auto("7"), Ok(Auto::Given(7)));
        assert_eq!(hidden_or_auto("4,2"), Ok(Auto::Given(Hidden(vec![4, 2]))));
        assert!(at_least_one_or_auto("0").unwrap_err().ends_with("or \"auto\""));
        assert_eq!((Auto::given(&Some(Auto::Given(7))), Auto::<u64>::given(&Some(Auto::Fitting))), (Some(&7), None));
    }

    #[test]
    fn hidden_layers_are_read_and_written() {
        for (text, units) in [("none", &[][..]), ("7", &[7]), ("128,64", &[128, 64])] {
            let hidden: Hidden = text.parse().unwrap();
            assert_eq!((hidden.0.as_slice(), hidden.to_string().as_str()), (units, text));
        }
        for (text, layer) in [("", "layer 1"), ("0", "layer 1"), ("4,", "layer 2"), ("4,x", "\"x\""), ("-4", "layer 1")]
        {
            let error = text.parse::<Hidden>().unwrap_err();
            assert!(error.contains(layer), "{text}: {error}");
        }
    }

    #[test]
    fn checkpoints_are_for_epochs_or_steps() {
        for (text, every) in [("epoch", CheckpointEvery::Epoch), ("11", CheckpointEvery::Steps(11))] {
            assert_eq!((text.parse(), every.to_string().as_str()), (Ok(every), text));
        }
        for text in ["0", "-1", "epochs", ""] {
            let error = text.parse::<CheckpointEvery>().unwrap_err();
            assert_eq!(error, "expected a whole number, at least 1, or \"epoch\"");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        assert_eq!(kept(&MOST_KEPT.to_string()).map(NonZeroUsize::get), Ok(MOST_KEPT));
        for text in [&(MOST_KEPT + 1).to_string(), "0", "-1", "x", "", "100000000000000000000"] {
            assert!(kept(text).unwrap_err().contains(&format!("1 to {MOST_KEPT}")), "{text}");
        }
    }

    #[test]
    fn a_share_leaves_something() {
        assert_eq!((share("0"), share("0.25")), (Ok(0.0), Ok(0.25)));
        assert!(["1", "-0.1", "NaN", "x", ""].into_iter().all(|text| share(text).is_err()));
        assert_eq!((gain("0"), gain("2.5")), (Ok(0.0), Ok(2.5)));
        assert!(["-0.1", "NaN", "inf", "x", ""].into_iter().all(|text| gain(text).is_err()));
    }

    #[test]
    fn schedules_are_read_and_written() {
        for text in [
            "constant",
            "step:every=100,factor=0.5",
            "milestones:at=10+30,factor=0.1",
            "linear:start=0.1,end=1,steps=50",
            "cosine:steps=1000,minimum=0.0001",
            "cosine_restarts:steps=100,longer=2,minimum=0",
            "exponential:factor=0.99",
            "plateau:factor=0.5,patience=3,threshold=0.001,kind=absolute,aim=highest,cooldown=2,minimum=0.0001",
            "polynomial:steps=100,power=2",
            "one_cycle:steps=100,rise=0.25,start_divisor=10,end_divisor=100,shape=linear",
            "warm_up:steps=10,start=0.1,then=constant",
            "warm_up:steps=10,start=0.1,then=cosine:steps=90,minimum=0",
        ] {
            assert_eq!(text.parse::<ScheduleArg>().unwrap().to_string(), text);
        }
        for (short, text) in [
            ("one_cycle:steps=9", "one_cycle:steps=9,rise=0.3,start_divisor=25,end_divisor=10000,shape=cosine"),
            ("warm_up:steps=9,start=0.1", "warm_up:steps=9,start=0.1,then=constant"),
        ] {
            assert_eq!(short.parse::<ScheduleArg>().unwrap().to_string(), text);
        }
        for (text, named) in [
            ("", "\"\""),
            ("one_cycle", "steps= is missing"),
            ("plateau:aim=up", "aim: "),
            ("plateau:patience=-1", "patience: expected a whole number"),
            ("one_cycle:steps=9,shape=round", "shape: "),
            ("warm_up:steps=9,then=constant", "start= is missing"),
            ("warm_up:steps=9,start=0,then=step", "every= is missing"),
            ("warm_up:steps=9,start=0,then=warm_up:steps=9,start=0", "can't follow"),
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
        let each = ClassWeightsArg::Each;
        assert_eq!("1,2.5".parse(), Ok(each(vec![1.0, 2.5])));
        assert_eq!(each(vec![1.0, 2.5]).to_string(), "1,2.5");
        assert!("1,,2".parse::<ClassWeightsArg>().unwrap_err().contains("number 2"));
        let named = |weights: &[(&str, f64)]| {
            let weights = weights.iter().map(|(name, weight)| ((*name).to_owned(), *weight));
            ClassWeightsArg::Of(ClassWeights::ByName(weights.collect()))
        };
        for (text, weights) in [
            ("balanced", ClassWeightsArg::Of(ClassWeights::Balanced)),
            ("setosa=1,virginica=2", named(&[("setosa", 1.0), ("virginica", 2.0)])),
            ("a=b=0.5", named(&[("a=b", 0.5)])),
        ] {
            assert_eq!(text.parse(), Ok(weights.clone()));
            assert_eq!(weights.to_string(), text);
        }
        for (text, part) in [("a=1,b", "\"b\""), ("a=x", "\"a=x\""), ("a=1,a=2", "two weights")] {
            let error = text.parse::<ClassWeightsArg>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
