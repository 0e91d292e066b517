//! The optimizer that `--optimizer` asks for, with the settings behind its name.

use std::fmt;
use std::str::FromStr;

use nxm_net::Optimizer;

/// An optimizer, and which of its settings were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerArg {
    /// The optimizer: what was not asked for has its default.
    pub optimizer: Optimizer,
    /// The names of the settings that were asked for, and the texts.
    pub asked: Vec<(String, String)>,
}

impl OptimizerArg {
    /// The name it is chosen by.
    pub fn name(&self) -> &'static str {
        self.optimizer.name()
    }
}

impl From<Optimizer> for OptimizerArg {
    /// An optimizer of which no setting was asked for.
    fn from(optimizer: Optimizer) -> OptimizerArg {
        OptimizerArg { optimizer, asked: Vec::new() }
    }
}

impl fmt::Display for OptimizerArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        for (i, (name, value)) in self.asked.iter().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

impl FromStr for OptimizerArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, settings) = text.split_once(':').unwrap_or((text, ""));
        let mut optimizer: Optimizer = name
            .parse()
            .map_err(|_| format!("no optimizer is called {name:?}; there are {}", Optimizer::NAMES.join(", ")))?;
        let mut asked: Vec<(String, String)> = Vec::new();
        for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
            let (name, value) =
                setting.split_once('=').ok_or_else(|| format!("expected SETTING=VALUE and found {setting:?}"))?;
            if asked.iter().any(|(other, _)| other == name) {
                return Err(format!("{name} is set twice"));
            }
            optimizer.set(name, value).map_err(|error| error.to_string())?;
            asked.push((name.to_owned(), value.to_owned()));
        }
        Ok(OptimizerArg { optimizer, asked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optimizers_are_read_and_written() {
        for name in Optimizer::NAMES {
            let read: OptimizerArg = name.parse().unwrap();
            assert_eq!((read.to_string().as_str(), read.asked.len()), (name, 0));
        }
        let text = "rmsprop:alpha=0.95,centred=true,learning_rate=0.1";
        let read: OptimizerArg = text.parse().unwrap();
        assert_eq!(read.to_string(), text);
        assert_eq!(read.optimizer.learning_rate(), 0.1);
        for (text, named) in [
            ("", "\"\""),
            ("noah", "rmsprop"),
            ("lion:", ""),
            ("sgd:alpha=1", "sgd has no setting \"alpha\""),
            ("adam:amsgrad=1", "true or false"),
            ("adam:beta1", "found \"beta1\""),
            ("adam:beta1=x", "a number"),
            ("adam:beta1=0.5,beta1=0.6", "beta1 is set twice"),
        ] {
            match text.parse::<OptimizerArg>() {
                Ok(_) => assert_eq!(named, "", "{text}"),
                Err(error) => assert!(!named.is_empty() && error.contains(named), "{text}: {error}"),
            }
        }
    }
}
