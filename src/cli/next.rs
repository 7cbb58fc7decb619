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
        let mut words = Vec::new();
        for argument in arguments.iter().skip(1) {
            push_apart(&argument.to_string_lossy(), &mut words);
        }
        Self {
            update: update_command(&words),
            carried: carried(&words),
        }
    }
}

/// Short options that take a value.
const WITH_VALUE: [char; 2] = ['C', 'o'];

/// Adds an argument, its short options and their value as words of their own: `-nCDIR` and `-nC=DIR` are `-n -C DIR`.
fn push_apart(argument: &str, words: &mut Vec<String>) {
    // The value of the option before does not come here: the parser refuses one that begins with a hyphen.
    let Some(letters) = argument
        .strip_prefix('-')
        .filter(|rest| !rest.starts_with('-'))
    else {
        words.push(argument.to_owned());
        return;
    };
    for (at, letter) in letters.char_indices() {
        words.push(format!("-{letter}"));
        if WITH_VALUE.contains(&letter) {
            let value = &letters[at + 1..];
            let plain = value.strip_prefix('=').unwrap_or(value);
            words.extend((!plain.is_empty()).then(|| plain.to_owned()));
            return;
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
            text => {
                let is_plan = text == "plan" && !has_command;
                // Options that may stand before the command are above; a stack may be called `plan`, too.
                has_command = true;
                words.push(quote(if is_plan { "update" } else { text }));
            }
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
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
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

    fn next_of(line: &str) -> NextCommands {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        NextCommands::of(&words)
    }

    fn update_of(line: &str) -> String {
        next_of(line).update
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

    #[test]
    fn options_are_known_in_every_form_that_the_parser_takes() {
        for line in [
            "x -C a=b show",
            "x -Ca=b show",
            "x -C=a=b show",
            "x show -Ca=b",
        ] {
            assert_eq!(next_of(line).carried.before, " -C a=b", "{line}");
        }
        assert_eq!(
            update_of("x update -nC=plan --catalog=c.yaml"),
            "csctl-matrix update -C plan --catalog=c.yaml"
        );
        let carried = next_of("x -Cnew show --catalog=c.yaml --rev v1 --offline").carried;
        assert_eq!(carried.before, " -C new");
        assert_eq!(carried.after, " --catalog c.yaml --rev v1 --offline");
        let fetched = next_of("x catalog fetch -oCatalog.yaml").carried;
        assert_eq!(fetched.before, "", "the value of another option");
    }

    #[test]
    fn a_stack_may_be_called_as_the_command_is() {
        assert_eq!(update_of("x update plan"), "csctl-matrix update plan");
    }
}
