//! Stacks selected by path, as users of cargo and ripgrep expect: relative, absolute, with `.` and `..`, or by where a command runs.

use std::path::Path;

use crate::support::program::{self, Copy, Said, program};

/// Two stacks side by side, one of them with a directory for each minor.
fn repository() -> Copy {
    let copy = Copy::of("layout-a");
    let other = Copy::of("layout-c");
    for (path, bytes) in other.files() {
        copy.write(&path, &String::from_utf8(bytes).unwrap());
    }
    copy
}

/// Runs `show` in a directory, as a shell would, and returns the stack lines it shows.
fn shown(directory: &Path, stacks: &[&str]) -> Vec<String> {
    let said = run(directory, stacks).json();
    let stacks = said["stacks"].as_array().unwrap();
    let lines = stacks
        .iter()
        .flat_map(|stack| stack["lines"].as_array().unwrap());
    lines
        .map(|line| line["line"].as_str().unwrap().to_owned())
        .collect()
}

fn run(directory: &Path, stacks: &[&str]) -> Said {
    let catalog = program::catalog();
    let arguments = ["show", "--format", "json", "--catalog", &catalog];
    let mut command = program(&[&arguments, stacks].concat());
    command.current_dir(directory).output().unwrap().into()
}

/// Returns the files that `plan` would change.
fn planned(directory: &Path, stacks: &[&str]) -> Vec<String> {
    let catalog = program::catalog();
    // These minors have reached their end of life; without this, nothing of them would change.
    let follow = ["--end-of-life", "follow"];
    let arguments = [
        &["plan", "--format", "json", "--catalog", &catalog],
        &follow[..],
    ]
    .concat();
    let mut command = program(&[&arguments, stacks].concat());
    let said: Said = command.current_dir(directory).output().unwrap().into();
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let files = plan["files"].as_array().unwrap();
    files
        .iter()
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .collect()
}

const FERROL: &str = "providers/openstack/ferrol";
const SCS2: &str = "providers/openstack/scs2";

#[test]
fn a_path_selects_the_stacks_at_and_below_it() {
    let copy = repository();
    let root = copy.root();
    let all = shown(&root, &[]);
    let ferrol = shown(&root, &["openstack/ferrol"]);
    let scs2 = shown(&root, &["openstack/scs2"]);
    assert!(!ferrol.is_empty() && !scs2.is_empty(), "{all:?}");
    assert_eq!(all.len(), ferrol.len() + scs2.len());

    let absolute = copy.path(SCS2).display().to_string();
    for path in [
        SCS2,
        "./providers/openstack/scs2",
        "providers/openstack/scs2/",
        "providers/docker/../openstack/scs2",
        &absolute,
    ] {
        assert_eq!(shown(&root, &[path]), scs2, "{path}");
    }
    for path in [
        ".",
        "./",
        "providers",
        "./providers/openstack",
        &root.display().to_string(),
    ] {
        assert_eq!(shown(&root, &[path]), all, "{path}");
    }
    let inside = copy.path("providers/openstack");
    assert_eq!(shown(&inside, &["scs2"]), scs2);
    assert_eq!(shown(&inside, &["./ferrol"]), ferrol);
    assert_eq!(shown(&copy.path(SCS2), &["../ferrol"]), ferrol);
    // A file of a stack, too, and a name from anywhere.
    assert_eq!(shown(&copy.path(SCS2), &["csctl.yaml"]), scs2);
    assert_eq!(shown(&copy.path(SCS2), &["openstack/ferrol"]), ferrol);
}

#[test]
fn a_subdirectory_selects_its_stacks() {
    let copy = repository();
    let all = shown(&copy.root(), &[]);
    let scs2 = shown(&copy.root(), &["openstack/scs2"]);
    assert_eq!(shown(&copy.path(SCS2), &[]), scs2);
    assert_eq!(shown(&copy.path(SCS2), &["."]), scs2);
    assert_eq!(shown(&copy.path("providers/openstack"), &[]), all);
    // In a directory of a stack it is that stack.
    let chart = copy.path(SCS2).join("cluster-class");
    assert_eq!(shown(&chart, &[]), scs2);
    // One minor's directory selects what its stack line does.
    let minor = copy.path(FERROL).join("1-29");
    let line = planned(&copy.root(), &["openstack-ferrol-1-29"]);
    assert_eq!(planned(&minor, &[]), line);
    assert_eq!(planned(&minor.join("cluster-class"), &["."]), line);
    assert!(!line.is_empty());
    assert_ne!(planned(&copy.root(), &["openstack/ferrol"]), line);
    // Where there is none, all are meant.
    copy.write("docs/page.md", "text\n");
    assert_eq!(shown(&copy.path("docs"), &[]), all);
}

#[test]
fn a_path_without_a_stack_is_an_error() {
    let copy = repository();
    copy.write("docs/page.md", "text\n");
    let docs = copy.path("docs");
    let said = run(&docs, &["."]).failure(1);
    assert!(
        said.contains(
            "error: no cluster stack at `.`\n  hint: there are openstack/ferrol, openstack/scs2\n"
        ),
        "{said}"
    );
    let said = run(&docs, &["/"]).failure(1);
    assert!(
        said.contains("error: `/` is outside of the repository\n"),
        "{said}"
    );
}

/// `update "$STACK"` with a variable that is not set must not write every stack.
#[test]
fn an_empty_name_is_wrong_usage() {
    let said = run(&repository().root(), &[""]).failure(2);
    assert!(
        said.contains("a value is required for '[STACK]...'"),
        "{said}"
    );
}
