//! Holds help to its form: every command has examples that parse, every option says what it does and takes.

use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn the_name_tells_the_provider() {
    assert_eq!(
        plugin_provider(Path::new("/usr/bin/csctl-openstack")),
        Some("openstack".to_owned())
    );
    assert_eq!(
        plugin_provider(Path::new("csctl-docker.exe")),
        Some("docker".to_owned())
    );
    assert_eq!(plugin_provider(Path::new("csctl-matrix")), None);
    assert_eq!(plugin_provider(Path::new("other")), None);
}

/// Visits the program and every command of it that help names.
fn visit(command: &clap::Command, name: &str, seen: &mut dyn FnMut(&str, &clap::Command)) {
    seen(name, command);
    for child in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        visit(child, &format!("{name} {}", child.get_name()), seen);
    }
}

/// Splits a command line as a shell does, up to where it leaves the program.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for sign in line.chars() {
        match sign {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            '>' if !is_quoted => break,
            _ => words.last_mut().unwrap().push(sign),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_has_examples_that_the_program_takes() {
    let mut count = 0;
    visit(&Cli::command(), "csctl-matrix", &mut |name, command| {
        let help = command
            .get_after_help()
            .unwrap_or_else(|| panic!("{name} has no examples"))
            .to_string();
        let lines: Vec<&str> = help
            .lines()
            .filter_map(|line| line.trim().strip_prefix("$ "))
            .collect();
        assert!(!lines.is_empty(), "{name}: {help}");
        for line in lines {
            assert!(line.starts_with("csctl-matrix "), "{line}");
            if let Err(error) = Cli::try_parse_from(words(line)) {
                panic!("{line}\n{error}");
            }
            count += 1;
        }
        let is_about_itself = help.contains(name);
        assert!(is_about_itself, "no example calls {name}: {help}");
    });
    assert!(count > 30, "only {count} examples");
}

/// A line of help is a phrase: it begins with a capital letter, ends without a period, and says what is taken.
#[test]
fn every_option_says_what_it_does_and_what_it_takes() {
    let mut count = 0;
    visit(&Cli::command(), "csctl-matrix", &mut |name, command| {
        let about = command.get_about().expect(name).to_string();
        assert!(!about.ends_with('.'), "{name}: {about}");
        for argument in command.get_arguments() {
            let id = argument.get_id();
            let help = argument
                .get_help()
                .unwrap_or_else(|| panic!("{id} of {name} has no help"))
                .to_string();
            let is_phrase = help.starts_with(|sign: char| sign.is_uppercase());
            assert!(is_phrase && !help.ends_with('.'), "{id} of {name}: {help}");
            let takes_a_value = argument.get_action().takes_values();
            let is_optional = takes_a_value && !argument.is_required_set();
            let is_list = argument
                .get_num_args()
                .is_some_and(|count| count.max_values() > 1);
            let says_default =
                help.contains("[default: ") || !argument.get_default_values().is_empty();
            let may_be_absent = [
                "minor",
                "rev",
                "catalog",
                "mirrors",
                "switch",
                "add",
                "explain",
                "only",
                "with",
                "skip",
                "tags",
                "repository",
                "summary",
                "os",
                "reason",
                "stack",
                "registry",
                "directory",
                "requests",
                "cluster_stack_version",
                "password_file",
                "github",
                "from",
                "changelog",
                "require_checks",
            ];
            assert!(
                !is_optional || is_list || says_default || may_be_absent.contains(&id.as_str()),
                "{id} of {name} has no default: {help}"
            );
            // A heading of one group must not go on over the options after it.
            let is_general =
                ["format", "switch", "add", "exit_code", "dry_run"].contains(&id.as_str());
            assert!(
                !is_general || argument.get_help_heading().is_none(),
                "{id} of {name}"
            );
            count += 1;
        }
    });
    assert!(count > 100, "only {count} arguments");
}
