//! The command that goes on with a training.

use std::path::Path;

use nxm_net::printable;

use crate::args::TrainArgs;

/// The command that goes on with a training, but for the checkpoint: what stands in none.
pub fn again(args: &TrainArgs) -> String {
    let mut command = "nxm train".to_owned();
    if let Some(data) = &args.data {
        command += &format!(" {}", quoted(data));
    }
    if let Some(labels) = &args.labels {
        command += &format!(" --labels {}", quoted(labels));
    }
    command += &args.table.again(|text| quoted(Path::new(text)));
    if let Some(held_out) = &args.validate_with {
        command += &format!(" --validate-with {}", quoted(held_out));
    }
    if let Some(every) = args.checkpoint_every {
        command += &format!(" --checkpoint-every {every}");
    }
    if args.keep.get() > 1 {
        command += &format!(" --keep {}", args.keep);
    }
    command
}

/// The command that this process was started with, as a shell takes it.
pub fn invocation() -> String {
    let arguments = std::env::args_os().skip(1);
    let words: Vec<String> = arguments.map(|argument| quoted(Path::new(&argument))).collect();
    format!("nxm {}", words.join(" "))
}

/// As a shell takes it. Characters that play with a terminal are escaped as bash, zsh and ksh understand it.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    if printable(&text) == text {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let bytes = text.bytes().map(|byte| match byte {
        b' '..=b'~' if !b"\\'".contains(&byte) => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    format!("$'{}'", bytes.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_gets_the_name_back_and_a_terminal_no_escape_sequence() {
        for name in ["a.csv", "my file", "it's", "größe", "\u{1b}[2J", "a\nb'\\", "\u{202e}x"] {
            let quoted = quoted(Path::new(name));
            assert_eq!(printable(&quoted), quoted);
            let mut bash = std::process::Command::new("bash");
            let Ok(output) = bash.args(["-c", &format!("printf %s {quoted}")]).output() else { return };
            assert_eq!(String::from_utf8(output.stdout).unwrap(), name);
        }
    }
}
