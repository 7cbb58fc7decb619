//! Every rule of `check` has an example: a sound repository of the test data in which one thing is changed, after which the rule
//! finds it and no other rule finds anything it should not. `docs/rules.md` is written from the rules and these examples;
//! `UPDATE_DOCS=1 cargo test --test it rules::` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use crate::support::program::{Copy, Said, program, project};
use csctl_matrix::check::{Group, rules};
use serde::Deserialize;
use serde_json::Value;

/// What is changed in a repository so that a rule finds something.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    /// The rule.
    rule: String,
    /// The folder of `testdata`.
    base: String,
    /// The changed file; empty where the options change.
    #[serde(default)]
    file: String,
    /// What stands there; empty means that the file is made.
    #[serde(default)]
    from: String,
    /// What will stand there.
    #[serde(default)]
    to: String,
    /// Rules that find the same change too, for a reason of their own.
    #[serde(default)]
    beside: Vec<String>,
    /// Options of `check`.
    #[serde(default)]
    options: Vec<String>,
    /// The git tag of the repository before the change, where it has one.
    tag: Option<String>,
    /// Its options before the change, where it is them that change.
    #[serde(default)]
    before: Vec<String>,
}

fn examples() -> Vec<Example> {
    let text = fs::read_to_string(project().join("testdata/rules.yaml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// A finding as rule, place and message.
type Line = (String, String, String);

/// Runs the program beside `testdata`.
fn run(arguments: &[&str]) -> Said {
    let mut command = program(arguments);
    command.current_dir(project()).output().unwrap().into()
}

fn findings(copy: &Copy, options: &[String]) -> BTreeSet<Line> {
    let root = copy.root().display().to_string();
    let mut arguments = vec!["check", "-C", &root, "--format", "json"];
    arguments.extend(options.iter().map(String::as_str));
    let said = run(&arguments);
    assert!(
        said.status == 0 || said.status == 3,
        "{arguments:?}: {}",
        said.stderr
    );
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    let line = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        (text("rule"), text("file"), text("message"))
    };
    json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

/// The repository of an example, with git and a tag where the example has one.
fn base(example: &Example) -> Copy {
    let copy = Copy::of(&example.base);
    if let Some(tag) = &example.tag {
        copy.commit().git(&["tag", tag]);
    }
    copy
}

fn changed(example: &Example) -> Copy {
    let copy = base(example);
    if example.from.is_empty() {
        if !example.to.is_empty() {
            copy.write(&example.file, &example.to);
        }
        return copy;
    }
    let text = copy.read(&example.file);
    assert!(
        text.contains(&example.from),
        "{}: {}",
        example.rule,
        example.from
    );
    copy.write(&example.file, &text.replace(&example.from, &example.to));
    copy
}

#[test]
fn every_rule_finds_its_example_and_no_other_does() {
    let mut wrong = Vec::new();
    for example in examples() {
        let before = findings(&base(&example), options_before(&example));
        let after = findings(&changed(&example), &example.options);
        let new: BTreeSet<&str> = after
            .difference(&before)
            .map(|(rule, _, _)| rule.as_str())
            .collect();
        let mut wanted: BTreeSet<&str> = example.beside.iter().map(String::as_str).collect();
        wanted.insert(&example.rule);
        if new != wanted {
            wrong.push(format!("{}: found {new:?}", example.rule));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_rule_has_one_example_and_a_sentence() {
    let all = examples();
    let exampled: Vec<&str> = all.iter().map(|example| example.rule.as_str()).collect();
    let named: Vec<&str> = rules().map(|rule| rule.name).collect();
    for rule in rules() {
        let count = exampled.iter().filter(|name| **name == rule.name).count();
        assert_eq!(count, 1, "{} has {count} examples", rule.name);
        for sentence in [rule.finds, rule.reason] {
            assert!(
                sentence.ends_with('.') && !sentence.contains('\n'),
                "{}",
                rule.name
            );
        }
    }
    assert!(exampled.iter().all(|name| named.contains(name)));
    let distinct: BTreeSet<&&str> = named.iter().collect();
    assert_eq!(distinct.len(), named.len());
}

/// Everything below this line of the page is written from the rules.
const MARK: &str = "<!-- from the rules and tests/it/rules.rs -->\n";

#[test]
fn the_page_of_rules_is_that_of_the_rules() {
    let path = project().join("docs/rules.md");
    let page = fs::read_to_string(&path).unwrap();
    let (introduction, _) = page.split_once(MARK).unwrap();
    let written = format!("{introduction}{MARK}{}", rules_page());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &written).unwrap();
    } else {
        assert!(
            page == written,
            "UPDATE_DOCS=1 cargo test --test it rules::"
        );
    }
}

fn rules_page() -> String {
    let examples = examples();
    let mut page = String::new();
    for group in Group::ALL {
        let _ = write!(
            page,
            "\n## Group `{}`\n\n{}\n",
            group.name(),
            group.describe()
        );
        for rule in rules().filter(|rule| rule.group == group) {
            let example = examples
                .iter()
                .find(|example| example.rule == rule.name)
                .unwrap();
            let _ = write!(
                page,
                "\n### {}\n\n{}: {} {}\n\n{}\n",
                rule.name,
                rule.severity,
                rule.finds,
                rule.reason,
                shown(example)
            );
        }
    }
    page
}

/// What was changed, and what `check` says of it that it did not say before.
fn shown(example: &Example) -> String {
    let (before, after) = (base(example), changed(example));
    let known = said_of(&before, &example.rule, options_before(example));
    let new = said_of(&after, &example.rule, &example.options)
        .into_iter()
        .find(|finding| !known.contains(finding));
    let new = new.unwrap_or_else(|| panic!("{} finds nothing", example.rule));
    format!(
        "{}\n\n```text\n{new}\n```",
        change(example, &before, &after)
    )
}

fn options_before(example: &Example) -> &[String] {
    if example.before.is_empty() {
        &example.options
    } else {
        &example.before
    }
}

/// The findings of a rule, as texts.
fn said_of(copy: &Copy, rule: &str, options: &[String]) -> Vec<String> {
    let root = copy.root().display().to_string();
    let mut arguments = vec!["check", "-C", &root, "--color", "never", "--rule", rule];
    arguments.extend(options.iter().map(String::as_str));
    let said = run(&arguments);
    // On the page the commands are those of a person in the repository.
    let stdout = said.stdout.replace(&format!(" -C {root}"), "");
    let (all, _) = stdout.split_once("\n\n").unwrap_or_default();
    let mut findings: Vec<String> = Vec::new();
    for line in all.lines() {
        match findings.last_mut() {
            Some(last) if line.starts_with(' ') => {
                last.push('\n');
                last.push_str(line);
            }
            _ => findings.push(line.to_owned()),
        }
    }
    let of_rule = format!("[{rule}]");
    findings.retain(|finding| finding.lines().next().unwrap().ends_with(&of_rule));
    findings
}

fn change(example: &Example, before: &Copy, after: &Copy) -> String {
    match (example.from.as_str(), example.to.as_str()) {
        ("", "") => format!("With `{}`:", example.options.join(" ")),
        ("", text) => format!(
            "With a file `{}`:\n\n```text\n{}\n```",
            example.file,
            text.trim_end()
        ),
        _ => {
            let (before, after) = (before.read(&example.file), after.read(&example.file));
            let diff = similar::TextDiff::from_lines(&before, &after);
            let diff = diff.unified_diff().context_radius(1).to_string();
            let shown: Vec<&str> = diff
                .lines()
                .filter(|line| !line.starts_with("@@"))
                .take(9)
                .collect();
            format!(
                "In `{}`:\n\n```diff\n{}\n```",
                example.file,
                shown.join("\n")
            )
        }
    }
}
