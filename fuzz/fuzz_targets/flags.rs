//! The parsers of flags and arguments, on any text: they never panic, and what is read, written and read again is the same.
//!
//! The program keeps its parsers to itself. So their files are compiled here once more.
#![no_main]

use std::ffi::OsString;
use std::fmt::{Debug, Display};
use std::path::Path;
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use nxm_count::Tool;
use nxm_kernels::{Activation, Level};
use nxm_net::{ElementType, Loss, printable};

#[path = "../../crates/cli/src/args/network.rs"]
mod network;
#[path = "../../crates/cli/src/args/values.rs"]
mod values;

use network::NetworkArg;
use nxm_data::Foreign;
use values::{
    Auto, Betas, CheckpointEvery, ClassWeightsArg, Hidden, ScheduleArg, at_least_one, at_least_one_or_auto, gain,
    hidden_or_auto, kept, more_than_zero, share,
};

/// Reads, writes and reads again. The texts are compared: NaN is read, and refused later.
fn round<V: FromStr<Err: Debug> + Display>(text: &str) -> Option<V> {
    let value = text.parse::<V>().ok()?;
    let written = value.to_string();
    let again: V = written.parse().expect("what was written");
    assert_eq!(again.to_string(), written, "{text:?}");
    Some(value)
}

/// What a whole number is, by its definition.
fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|number| *number > 0)
}

/// Names that stand for something.
fn names(text: &str) {
    if let Ok(activation) = text.parse::<Activation>() {
        assert_eq!(activation.to_string().parse(), Ok(activation));
    }
    if let Ok(loss) = text.parse::<Loss>() {
        assert_eq!(loss.name(), text);
    }
    if let Ok(element) = text.parse::<ElementType>() {
        assert_eq!(element.to_string(), text);
    }
    if let Ok(tool) = text.parse::<Tool>() {
        assert_eq!(tool.name(), text);
    }
    if let Ok(level) = Level::named(text) {
        assert_eq!(level.name(), text);
    }
}

/// How a text is shown: nothing in it moves the cursor, and it is not longer than its bound.
fn shown(text: &str) {
    let (bare, quoted) = (Foreign::bare(text), Foreign::quoted(text));
    for shown in [bare, quoted, Foreign::path(Path::new(text)), Foreign::list([text, text].into_iter())] {
        let shown = shown.to_string();
        assert_eq!(printable(&shown), shown, "{text:?}");
        assert!(shown.len() < 10_000);
    }
}

fuzz_target!(|bytes: &[u8]| {
    #[cfg(unix)]
    let argument: OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec());
    #[cfg(not(unix))]
    let argument: OsString = String::from_utf8_lossy(bytes).into_owned().into();
    let written = argument.to_str().and_then(|text| text.parse::<network::NetworkText>().ok());
    match network::network(argument.clone()) {
        Ok(NetworkArg::Text(found)) => assert_eq!(Some(found), written),
        Ok(NetworkArg::File(file)) => assert!(written.is_none() && file.as_os_str() == argument),
        Err(error) => assert!(written.is_none() && error.contains("no file has that name")),
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    // Layers, or an error.
    let _ = text.parse::<network::LayersArg>();
    round::<Betas>(text);
    round::<ScheduleArg>(text);
    if let Some(ClassWeightsArg::Each(weights)) = round(text) {
        assert_eq!(weights.len(), text.split(',').count());
    }
    if let Some(Hidden(units)) = round(text) {
        assert!(text == "none" && units.is_empty() || units.len() == text.split(',').count());
        assert!(!units.contains(&0));
    }
    match round(text) {
        Some(CheckpointEvery::Steps(steps)) => assert_eq!(Some(steps), whole(text)),
        Some(CheckpointEvery::Epoch) => assert_eq!(text, "epoch"),
        None => assert_eq!(whole(text), None),
    }
    if let Ok(seconds) = more_than_zero(text) {
        assert!(seconds > 0.0 && text.parse() == Ok(seconds));
    }
    assert_eq!(at_least_one(text).ok(), whole(text));
    let or_auto = [at_least_one_or_auto(text).map(drop).is_ok(), hidden_or_auto(text).map(drop).is_ok()];
    assert_eq!(or_auto, [whole(text).is_some(), text.parse::<Hidden>().is_ok()].map(|known| known || text == "auto"));
    assert_eq!(Auto::given(&at_least_one_or_auto(text).ok()).copied(), whole(text));
    assert!(gain(text).is_err() || (0.0..f64::INFINITY).contains(&text.parse::<f64>().expect("a number")));
    assert!(kept(text).is_err() || (1..=1000).contains(&text.parse::<u64>().expect("a number")));
    assert!(share(text).is_err() || (0.0..1.0).contains(&text.parse::<f64>().expect("a number")));
    names(text);
    shown(text);
});
