//! What people see: texts that fit the screen, colour that carries no meaning alone, and the pager.

use std::process::Command;

use crate::support::program::{self, Copy, program};

/// Runs a command on a screen of this width.
fn on_screen(copy: &Copy, columns: usize, arguments: &[&str]) -> String {
    let root = copy.root().display().to_string();
    let catalog = program::catalog();
    let mut command = program(&[&["-C", &root], arguments, &["--catalog", &catalog]].concat());
    command.env("COLUMNS", columns.to_string());
    let said: program::Said = command.output().unwrap().into();
    said.success()
        .replace(&format!(" -C {root}"), "")
        .replace(&format!(" --catalog {catalog}"), "")
}

#[test]
fn the_matrix_fits_the_screen_without_a_broken_word() {
    for name in ["layout-a", "layout-c", "docker"] {
        let copy = Copy::of(name);
        let wide = on_screen(&copy, 1000, &["show"]);
        for columns in [60, 80, 120, 200] {
            let shown = on_screen(&copy, columns, &["show"]);
            for line in shown.lines() {
                // A URL and a command are copied whole.
                let is_whole =
                    line.contains("https://") || line.trim_start().starts_with("csctl-matrix ");
                assert!(
                    is_whole || line.chars().count() <= columns,
                    "{name}, {columns}: {line}"
                );
            }
            for word in shown.split_whitespace() {
                let word = word.trim_end_matches(';');
                assert!(
                    wide.contains(word),
                    "{name}, {columns}: {word} is a part of a word\n{shown}"
                );
            }
        }
    }
}

#[test]
fn a_narrow_screen_has_a_field_a_line() {
    let copy = Copy::of("layout-c");
    let narrow = on_screen(&copy, 60, &["show"]);
    let expected = "\
openstack/scs2   one source tree, set to 1.34
  ubuntu images from
  https://images.example.org/openstack-k8s-capi-images/,
  2026-06-15

  1.32
    default           1.32.12
    listed            none
    in the store      +1.32.9-13
    ccm               2.32.0
    csi               2.32.0
    state (scs-0210)  end of life since 2026-02-28;
                      1 behind, newest 1.32.13
";
    assert!(narrow.starts_with(expected), "{narrow}");
    let end = "
  1.36
    listed            none
    in the store      +1.36.0-1
    state (scs-0210)  new minor, due 2026-08-22

all 3 stack lines are behind; 3 to update:
  csctl-matrix plan
";
    assert!(narrow.ends_with(end), "{narrow}");
    // With room for it, each row is one line.
    let wide = on_screen(&copy, 200, &["show"]);
    let row = wide
        .lines()
        .find(|line| line.starts_with("  1.34 "))
        .unwrap();
    let state = "CVE-2026-90001 (8.8) due since 2026-04-29; 2 behind, 1.34.7 due since 2026-05-16; 1.34.9 skipped";
    assert!(row.ends_with(state), "{row}");
}

/// Takes the colours out of a text.
fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').unwrap().1)
}

#[test]
fn colour_says_nothing_that_the_text_does_not() {
    let copy = Copy::of("layout-c");
    for command in [&["show"][..], &["plan"], &["check"]] {
        let catalog = program::catalog();
        let all = [command, &["--catalog", &catalog]].concat();
        let without = copy.run(&all);
        let coloured = copy.run(&[&all[..], &["--color", "always"]].concat());
        assert!(
            coloured.stdout.contains("\u{1b}["),
            "{command:?} has no colour"
        );
        assert_eq!(plain(&coloured.stdout), without.stdout, "{command:?}");
        let never = copy.run(&[&all[..], &["--color", "never"]].concat());
        assert_eq!(never.stdout, without.stdout, "{command:?}");
    }
}

/// Runs the program on a terminal of twenty lines, and returns what came to it; nothing where there is no `script`.
fn on_terminal(copy: &Copy, environment: &[(&str, &str)], arguments: &str) -> Option<String> {
    let line = format!(
        "stty rows 20 cols 160; {} -C {} {arguments} --catalog {}",
        env!("CARGO_BIN_EXE_csctl-matrix"),
        copy.root().display(),
        program::catalog()
    );
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .envs(environment.iter().copied())
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: script is not installed");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8_lossy(&output.stdout).replace('\r', ""))
}

#[test]
fn long_output_goes_to_the_pager_of_the_user() {
    let copy = Copy::of("layout-c");
    let marks = [("PAGER", "sed 's/^/> /'")];
    let Some(paged) = on_terminal(&copy, &marks, "plan") else {
        return;
    };
    assert!(
        paged.lines().count() > 20 && paged.lines().all(|line| line.starts_with("> ")),
        "{paged}"
    );
    // The colours are those of the terminal.
    assert!(paged.contains("\u{1b}[32m"), "{paged}");
    let grey = on_terminal(&copy, &[marks[0], ("NO_COLOR", "1")], "plan").unwrap();
    assert!(grey.starts_with("> ") && !grey.contains('\u{1b}'), "{grey}");
    // Short texts, other commands and those who do not want it get none.
    for (environment, arguments) in [
        (&marks[..], "show"),
        (&marks, "plan --no-pager"),
        (&[("PAGER", "")], "plan"),
        (&[("PAGER", "cat")], "plan"),
        (&[("PAGER", "no-such-pager")], "plan"),
    ] {
        let said = on_terminal(&copy, environment, arguments).unwrap();
        assert!(
            !said.contains("> ") || arguments.starts_with("plan"),
            "{said}"
        );
        assert!(
            !said.starts_with("> ") && said.contains("csctl-matrix"),
            "{environment:?} {arguments}: {said}"
        );
    }
    let written = on_terminal(&copy, &marks, "update").unwrap();
    assert!(!written.starts_with("> "), "{written}");
    let piped = copy.run(&["plan", "--catalog", &program::catalog()]);
    assert!(!piped.success().starts_with("> "));
}
