//! Completion scripts in the shells that they are for, and manual pages as `man` shows them.

use std::fs;
use std::process::Command;

use crate::support::program::{self, Copy, project};

/// Returns what a shell offers at the end of a line; nothing where the shell is not installed.
fn offered(shell: &str, line: &str) -> Option<Vec<String>> {
    if Command::new(shell).arg("--version").output().is_err() {
        eprintln!("skipped: {shell} is not installed");
        return None;
    }
    let output = Command::new(project().join("scripts/lib/complete"))
        .args([shell, env!("CARGO_BIN_EXE_csctl-matrix"), line])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shell}: {line}\n{said}{error}");
    Some(said.lines().map(str::to_owned).collect())
}

fn assert_completes(shell: &str) {
    for (line, expected) in [
        ("csctl-matrix unb", &["unblock"][..]),
        (
            "csctl-matrix plan --re",
            &["--rev", "--retention", "--refresh"],
        ),
        ("csctl-matrix plan --retention ", &["trim", "keep"]),
        ("csctl-matrix update --format j", &["json"]),
        ("csctl-matrix catalog fe", &["fetch"]),
        ("csctl-matrix catalog fetch --outp", &["--output"]),
        ("csctl-matrix create-node-images --col", &["--color"]),
        ("csctl-matrix pr --change os", &["os-release"]),
    ] {
        let Some(found) = offered(shell, line) else {
            return;
        };
        for word in expected {
            assert!(
                found.iter().any(|one| one == word),
                "{shell}: `{line}` does not offer {word}: {found:?}"
            );
        }
        let others = found.len() - expected.len();
        assert!(others == 0, "{shell}: `{line}` offers {found:?}");
    }
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_completes("bash");
}

#[test]
fn zsh_completes_commands_options_and_values() {
    assert_completes("zsh");
}

#[test]
fn fish_completes_commands_options_and_values() {
    assert_completes("fish");
}

#[test]
fn every_command_has_a_manual_page_with_its_options_and_examples() {
    let copy = Copy::of("docker");
    fs::create_dir(copy.path("man")).unwrap();
    let said = copy.run(&["man", "man"]).success();
    let mut names: Vec<String> = fs::read_dir(copy.path("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        said,
        format!("{} manual pages written to man\n", names.len())
    );
    for name in [
        "csctl-matrix.1",
        "csctl-matrix-plan.1",
        "csctl-matrix-catalog-fetch.1",
        "csctl-matrix-unpin.1",
    ] {
        assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
    }
    let page = copy.read("man/csctl-matrix-plan.1");
    assert!(page.contains("\\-\\-exit\\-code"), "{page}");
    assert!(
        page.contains(".SH EXAMPLES\n.EX\n\\&# Preview every change\n\\&$ csctl\\-matrix plan\n"),
        "{page}"
    );
    for name in names {
        let page = copy.read(&format!("man/{name}"));
        assert!(page.contains(".SH EXAMPLES"), "{name}");
        assert!(!page.contains('\u{1b}'), "{name}");
    }
    let missing = copy.run(&["man", "absent"]).failure(1);
    assert!(
        missing.contains("cannot write ") && missing.contains("existing directory"),
        "{missing}"
    );
}

#[test]
fn man_reads_the_pages_without_a_warning() {
    let copy = Copy::of("docker");
    fs::create_dir(copy.path("man")).unwrap();
    let _ = copy.run(&["man", "man"]).success();
    let Ok(output) = Command::new("groff")
        .args(["-man", "-Tutf8", "-ww", "-b"])
        .arg(copy.path("man/csctl-matrix-update.1"))
        .output()
    else {
        eprintln!("skipped: groff is not installed");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let page = String::from_utf8_lossy(&output.stdout);
    // Lines are filled: words may stand further apart.
    let text = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Finish an interrupted update"), "{text}");
}

#[test]
fn an_update_that_is_a_dry_run_says_what_plan_says() {
    let copy = Copy::of("layout-c");
    let before = copy.files();
    let catalog = program::catalog();
    let plan = copy.run(&["plan", "--catalog", &catalog]).success();
    let update = copy
        .run(&["update", "--dry-run", "--catalog", &catalog])
        .success();
    assert_eq!(update, plan);
    assert_eq!(copy.files(), before);
}
