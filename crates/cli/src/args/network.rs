//! Which network is counted: sizes, layers, or the name of a file.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::str::FromStr;

use nxm_count::Sizes;
use nxm_net::{Layer, LayerError, parse_layers};

/// A network as people write it.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkText {
    /// As 784-128-10: inputs, then the units of each layer. All else is said elsewhere.
    Sizes(Vec<u64>),
    /// As "784, 128 relu, dropout 0.1, 10": inputs, then each layer with its activation.
    Layers(u64, Vec<Layer>),
}

impl FromStr for NetworkText {
    type Err = String;

    fn from_str(text: &str) -> Result<NetworkText, String> {
        let Some((inputs, layers)) = text.split_once(',') else {
            let sizes: Sizes = text.parse().map_err(|error: nxm_count::SizesError| error.to_string())?;
            return Ok(NetworkText::Sizes(sizes.as_slice().to_vec()));
        };
        let found = inputs.trim();
        let digits = found.bytes().all(|byte| byte.is_ascii_digit());
        let inputs = found.parse().ok().filter(|inputs| digits && *inputs > 0);
        let inputs = inputs.ok_or_else(|| {
            format!(
                "there are {found:?} inputs: expected a whole number from 1 to {}, then layers, as in {EXAMPLE}",
                u64::MAX
            )
        })?;
        Ok(NetworkText::Layers(inputs, parse_layers(layers).map_err(|error| error.to_string())?))
    }
}

/// A network with layers, for error messages.
const EXAMPLE: &str = "\"784, 128 relu, dropout 0.1, 10\"";

/// Layers before the last one.
#[derive(Clone, Debug, PartialEq)]
pub struct LayersArg(pub Vec<Layer>);

impl FromStr for LayersArg {
    type Err = LayerError;
    fn from_str(text: &str) -> Result<LayersArg, LayerError> {
        parse_layers(text).map(LayersArg)
    }
}

impl fmt::Display for LayersArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<String> = self.0.iter().map(Layer::to_string).collect();
        f.write_str(&layers.join(", "))
    }
}

/// A network by its sizes or layers, or in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkArg {
    /// As 784-128-10, or as "784, 128 relu, 10".
    Text(NetworkText),
    /// Something that is there under this name.
    File(PathBuf),
}

/// Sizes or layers wherever a text can be read so: ./784-128-10 is the file of that name.
pub fn network(argument: OsString) -> Result<NetworkArg, String> {
    const NONE: &str = "no file has that name";
    let error = match argument.to_str().map(|text| (text, text.parse::<NetworkText>())) {
        Some((_, Ok(network))) => return Ok(NetworkArg::Text(network)),
        Some((text, Err(error))) if text.contains(',') => format!("{error}; and {NONE}"),
        // Of digits and hyphens, it was meant as sizes; else rather as a file.
        Some((text, Err(error))) if text.chars().all(|c| c.is_ascii_digit() || c == '-') => {
            format!("{error}; and {NONE}")
        }
        Some((_, Err(error))) => format!("{NONE}; and as sizes, {error}"),
        None => NONE.to_owned(),
    };
    let path = PathBuf::from(argument);
    match path.symlink_metadata().map_err(|error| error.kind()) {
        Err(ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename) => Err(error),
        // Whatever else is wrong with it is said when it is read.
        Ok(_) | Err(_) => Ok(NetworkArg::File(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_as_sizes_is_sizes() {
        let sizes = |text: &str| Ok(NetworkArg::Text(text.parse().unwrap()));
        assert_eq!(network("3-2".into()), sizes("3-2"));
        let here = std::env::current_exe().unwrap();
        assert_eq!(network(here.clone().into()), Ok(NetworkArg::File(here.clone())));
        assert_eq!(network("/".into()), Ok(NetworkArg::File("/".into())));
        for none in ["", "30", "3--2"] {
            let error = none.parse::<Sizes>().unwrap_err();
            assert_eq!(network(none.into()), Err(format!("{error}; and no file has that name")));
        }
        for none in ["./3-2", "3-x", "no/such/file"] {
            let error = none.parse::<Sizes>().unwrap_err();
            assert_eq!(network(none.into()), Err(format!("no file has that name; and as sizes, {error}")));
        }
        // A file as a folder, and a name that is too long for any.
        assert!(network(here.join("x").into()).is_err());
        assert!(network(format!("{}x", "3-".repeat(3000)).into()).is_err());
    }

    #[test]
    fn layers_begin_with_inputs() {
        let text = "784, 128 relu no_bias, layer_norm, dropout 0.1, 64 gelu, 10";
        let Ok(NetworkText::Layers(784, layers)) = text.parse() else { panic!("{text}") };
        assert_eq!(layers, parse_layers("128 relu no_bias, layer_norm, dropout 0.1, 64 gelu, 10").unwrap());
        assert_eq!(network(text.into()), Ok(NetworkArg::Text(NetworkText::Layers(784, layers))));
        for none in ["x, 3", "0, 3", ", 3", "+4, 3", "4, three", "4, 3,"] {
            let error = none.parse::<NetworkText>().unwrap_err();
            assert_eq!(network(none.into()), Err(format!("{error}; and no file has that name")));
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_name_need_not_be_text() {
        let name: OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![b'3', b'-', 0xff]);
        assert_eq!(network(name), Err("no file has that name".to_owned()));
    }
}
