//! Commands that are suggested to people: they carry on what this run was told about the repository and its sources.

use std::ffi::OsString;

use crate::command::quote;
use crate::plan::Carried;

/// What the commands go on with that are suggested at the end of a run.
pub(super) struct NextCommands {
    /// The command line that writes what this one plans.
    pub(super) update: String,
    /// The arguments that every suggested command needs.
    pub(super) carried: Carried,
}

impl NextCommands {
    /// Reads the arguments of this run, the program's name first.
    pub(super) fn of(arguments: &[OsString]) -> Self {
        let mut words: Vec<String> = arguments
            .iter()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        if !words.is_empty() {
            words.remove(0);
        }
        Self {
            update: update_command(&words),
            carried: carried(&words),
        }
    }
}

/// Options of a preview that mean nothing to `update`.
const PREVIEW_ONLY: [&str; 5] = ["--exit-code", "--dry-run", "-n", "--stat", "--no-pager"];

/// Returns the command line that writes what this one plans: the same arguments, except those about the output.
fn update_command(arguments: &[String]) -> String {
    let mut words = vec!["csctl-matrix".to_owned()];
    let mut rest = arguments.iter();
    let mut has_command = false;
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--format" | "--color" => drop(rest.next()),
            text if text.starts_with("--format=") || text.starts_with("--color=") => {}
            text if PREVIEW_ONLY.contains(&text) => {}
            // The directory may be called `plan`, too.
            "-C" => {
                words.push(argument.clone());
                words.extend(rest.next().map(|value| quote(value)));
            }
            "plan" if !has_command => {
                has_command = true;
                words.push("update".to_owned());
            }
            _ => words.push(quote(argument)),
        }
    }
    words.join(" ")
}

/// Options that say which repository is read and how its sources are seen.
const CARRIED: [&str; 10] = [
    "--catalog",
    "--mirror",
    "--cache-dir",
    "--timeout",
    "--as-of",
    "--rev",
    "--images",
    "--retention",
    "--addons",
    "--end-of-life",
];

fn carried(arguments: &[String]) -> Carried {
    let mut carried = Carried::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            Some(_) | None => (argument.as_str(), None),
        };
        // `-C=DIR` is no name here, so that it does not take the next argument for its value.
        if name == "-C" {
            let value = rest.next().cloned().unwrap_or_default();
            carried.before = format!(" -C {}", quote(&value));
        } else if name == "--offline" {
            carried.after.push_str(" --offline");
        } else if CARRIED.contains(&name) {
            let given = value.or_else(|| rest.next().cloned()).unwrap_or_default();
            carried.after.extend([" ", name, " ", &quote(&given)]);
        }
    }
    carried
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update_of(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        NextCommands::of(&words).update
    }

    #[test]
    fn the_next_command_takes_the_same_arguments() {
        assert_eq!(
            update_of("x -C plan plan scs2 --format json --exit-code --stat"),
            "csctl-matrix -C plan update scs2"
        );
        assert_eq!(
            update_of(
                "x --color always plan --images newest=2 --mirror https://a/={b} --format=text"
            ),
            "csctl-matrix update --images newest=2 --mirror 'https://a/={b}'"
        );
        assert_eq!(
            update_of("x update . --dry-run --no-pager"),
            "csctl-matrix update ."
        );
        assert_eq!(quote("it's"), r"'it'\''s'");
    }

    #[test]
    fn the_next_command_of_a_dry_run_writes() {
        assert_eq!(
            update_of("x update -n --minor 1.34"),
            "csctl-matrix update --minor 1.34"
        );
    }
}
