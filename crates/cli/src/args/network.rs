//! Which network is counted: sizes, or the name of a file.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;

use nxm_count::Sizes;

/// A network by its sizes, or in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkArg {
    /// As 784-128-10.
    Sizes(Sizes),
    /// Something that is there under this name.
    File(PathBuf),
}

/// Sizes wherever a text can be read so: ./784-128-10 is the file of that name.
pub fn network(argument: OsString) -> Result<NetworkArg, String> {
    const NONE: &str = "no file has that name";
    let error = match argument.to_str().map(|text| (text, text.parse::<Sizes>())) {
        Some((_, Ok(sizes))) => return Ok(NetworkArg::Sizes(sizes)),
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
        let sizes = |text: &str| Ok(NetworkArg::Sizes(text.parse().unwrap()));
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
    #[cfg(unix)]
    fn a_name_need_not_be_text() {
        let name: OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![b'3', b'-', 0xff]);
        assert_eq!(network(name), Err("no file has that name".to_owned()));
    }
}
