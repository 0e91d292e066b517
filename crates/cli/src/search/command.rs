//! The command that trains a trial again.

use std::ffi::OsString;
use std::path::Path;

use nxm_data::{Judged, SearchSpace, Settings};
use nxm_net::Optimizer;

use crate::args::Hidden;
use crate::train::quoted;

/// Flags of a search that its trials do not have, or that are said anew. All of them take a value.
const OWN: [&str; 6] = ["--trials", "--seconds", "--test-with", "--epochs", "--checkpoint", "--threads"];

/// `nxm train` with the arguments of this search, and what was drawn from `space`. It ends with the best epoch, so its last network is the
/// trial's best one, to the bit.
pub fn train(arguments: &[OsString], space: &SearchSpace, settings: &Settings, best: Judged) -> String {
    let (given, rest) = kept(arguments);
    let mut words: Vec<String> = given.iter().map(|argument| quoted(Path::new(argument))).collect();
    let mut say = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    if space.hidden.is_some() {
        say("--hidden", Hidden(settings.hidden.clone()).to_string());
    }
    let optimizer = &settings.options.optimizer;
    if space.learning_rate.is_some() {
        say("--learning-rate", optimizer.learning_rate().to_string());
    }
    if space.weight_decay.is_some()
        && let Some(decay) = weight_decay(optimizer)
    {
        say("--weight-decay", decay.to_string());
    }
    if space.batch.is_some() {
        say("--batch", settings.options.batch.to_string());
    }
    say("--epochs", best.epoch.to_string());
    say("--patience", "0".to_owned());
    words.extend(rest.iter().map(|argument| quoted(Path::new(argument))));
    format!("nxm train {}", words.join(" "))
}

/// How fast weights decay; nothing if this optimizer has no decay.
pub fn weight_decay(optimizer: &Optimizer) -> Option<f64> {
    let settings = optimizer.settings();
    let (_, decay) = settings.iter().find(|(name, _)| *name == "weight_decay")?;
    decay.parse().ok()
}

/// What a training takes of the arguments of a search; and what stands behind `--`, with it, where no flag may follow.
fn kept(arguments: &[OsString]) -> (Vec<&OsString>, &[OsString]) {
    let mut given = Vec::new();
    let mut i = 0usize;
    while let Some(argument) = arguments.get(i) {
        let text = argument.to_string_lossy();
        if text == "--" {
            break;
        }
        let name = text.split_once('=').map_or(&*text, |(name, _)| name);
        let own = OWN.contains(&name);
        if !own {
            given.push(argument);
        }
        // The value of a flag without = stands behind it.
        i = i.saturating_add(if own && name == text { 2 } else { 1 });
    }
    (given, arguments.get(i..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use nxm_data::{Recipe, Target};

    use super::*;

    #[test]
    fn a_training_has_all_of_the_search_but_what_is_the_searchs_own() {
        let target = Target::Numbers { columns: vec!["y".to_owned()], standards: Vec::new() };
        let settings = Recipe::default().with_hidden([8, 8]).with_batch(32).settings(100, &target);
        let mut space = SearchSpace::around(&settings, 100);
        let best = Judged { epoch: 7, loss: 0.5, accuracy: None };
        let said = |space: &SearchSpace, text: &str| {
            let arguments: Vec<OsString> = text.split('|').map(OsString::from).collect();
            train(&arguments, space, &settings, best)
        };
        let drawn = "--hidden 8,8 --learning-rate 0.002 --weight-decay 0.01 --batch 32 --epochs 7 --patience 0";
        for own in OWN {
            assert_eq!(
                said(&space, &format!("my file|{own}|3|--label=y")),
                format!("nxm train 'my file' --label=y {drawn}")
            );
            assert_eq!(
                said(&space, &format!("{own}=3|--label|y|--|-x|{own}")),
                format!("nxm train --label y {drawn} -- -x {own}")
            );
        }
        space.hidden = None;
        space.batch = None;
        let drawn = "--learning-rate 0.002 --weight-decay 0.01 --epochs 7 --patience 0";
        assert_eq!(said(&space, "f|--batch|32|--hidden=8,8"), format!("nxm train f --batch 32 --hidden=8,8 {drawn}"));
    }
}
