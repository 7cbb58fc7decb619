//! Every rule of `check` has an example: a sound repository of the test data in which one thing is changed, after which the rule
//! finds it and no other rule finds anything it should not. `docs/rules.md` is written from the rules and these examples;
//! `UPDATE_DOCS=1 cargo test --test rules` writes it anew.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails where its data is not what it says"
)]

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use csctl_matrix::check::{Group, rules};
use program::{Copy, project, run};
use serde_json::Value;

/// What is changed in a repository so that a rule finds something.
struct Example {
    /// The rule.
    rule: &'static str,
    /// The folder of `testdata`.
    base: &'static str,
    /// The changed file.
    file: &'static str,
    /// What stands there; empty means that the file is made.
    from: &'static str,
    /// What will stand there.
    to: &'static str,
    /// Rules that find the same change too, for a reason of their own.
    beside: &'static [&'static str],
    /// Options of `check`.
    options: &'static [&'static str],
}

const CSCTL_C: &str = "providers/openstack/scs2/csctl.yaml";
const CLASS_C: &str = "providers/openstack/scs2/cluster-class/Chart.yaml";
const LIST_C: &str = "providers/openstack/scs2/kubernetes.yaml";
const IMAGE_C: &str = "providers/openstack/scs2/image.yaml";
const CONFIG_A: &str = "providers/openstack/ferrol/1-29/node-images/config.yaml";
const ADDON_A: &str = "providers/openstack/ferrol/1-29/cluster-addon/Chart.yaml";

/// An example in which nothing but the rule finds anything, without options.
const fn example(
    rule: &'static str,
    base: &'static str,
    file: &'static str,
    (from, to): (&'static str, &'static str),
) -> Example {
    Example {
        rule,
        base,
        file,
        from,
        to,
        beside: &[],
        options: &[],
    }
}

fn examples() -> Vec<Example> {
    let versions_b = "providers/openstack/scs/versions.yaml";
    vec![
        example("csctl-version", "layout-c", CSCTL_C, ("v1.34.6", "1.34.6")),
        example(
            "default-version",
            "layout-a",
            "providers/openstack/ferrol/1-29/csctl.yaml",
            ("v1.29.8", "v1.30.8"),
        ),
        example(
            "metadata-version",
            "layout-a",
            "providers/openstack/ferrol/1-29/metadata.yaml",
            ("v1.29.6", "v1.29.7"),
        ),
        example("versions-row", "layout-b", versions_b, ("1.33.3", "1.33.4")),
        example(
            "versions-minor-missing",
            "layout-b",
            versions_b,
            (
                "- kubernetes: 1.33.3\n  cinder_csi: 2.33.0\n  occm: 2.33.0\n",
                "",
            ),
        ),
        example("class-chart-minor", "layout-c", CLASS_C, ("1-34", "1-33")),
        example(
            "addon-chart-minor",
            "layout-a",
            ADDON_A,
            ("ferrol-1-29", "ferrol-1-28"),
        ),
        example(
            "chart-stack-name",
            "layout-c",
            CLASS_C,
            ("openstack-scs2-", "openstack-ferrol-"),
        ),
        example(
            "class-chart-name",
            "layout-c",
            CLASS_C,
            ("openstack-scs2-1-34-cluster-class", "cluster-class"),
        ),
        Example {
            beside: &["addon-version-list"],
            ..example(
                "addon-version-minor",
                "layout-c",
                "providers/openstack/scs2/cluster-addon/csi/Chart.yaml",
                ("2.34.1", "2.33.0"),
            )
        },
        example(
            "addon-version-list",
            "layout-c",
            "providers/openstack/scs2/cluster-addon/ccm/Chart.yaml",
            ("2.34.1", "2.34.0"),
        ),
        example(
            "image-name-version",
            "layout-a",
            "providers/openstack/ferrol/1-29/cluster-class/values.yaml",
            (
                "worker:\n    name: ubuntu-capi-image-v1.29.8",
                "worker:\n    name: ubuntu-capi-image-v1.29.6",
            ),
        ),
        Example {
            beside: &["image-name-version"],
            ..example("image-version", "layout-c", IMAGE_C, ("v1.34.6", "v1.34.4"))
        },
        example(
            "image-parts",
            "layout-c",
            LIST_C,
            (
                "ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.5",
                "ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.4",
            ),
        ),
        example(
            "image-checksum",
            "layout-c",
            IMAGE_C,
            ("value: e0ef9c0ae728", "value: 000000000000"),
        ),
        Example {
            beside: &["image-parts"],
            ..example(
                "default-not-listed",
                "layout-a",
                CONFIG_A,
                ("8.qcow2", "6.qcow2"),
            )
        },
        example(
            "version-without-image",
            "layout-c",
            "providers/openstack/scs2/versions.yaml",
            ("1.33.8", "1.33.6"),
        ),
        example(
            "duplicate-image",
            "layout-c",
            LIST_C,
            (
                "      - version: 'v1.34.5'\n",
                "      - version: 'v1.34.6'\n        url: https://images.example.org/openstack-k8s-capi-images/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.6.qcow2\n        build_date: 2026-04-09\n      - version: 'v1.34.5'\n",
            ),
        ),
        example(
            "class-versions",
            "layout-c",
            "providers/openstack/scs2/cluster-class/templates/cluster-class.yaml",
            ("- v1.34.1\n    - v1.34.3", "- v1.32.4\n    - v1.34.3"),
        ),
        example(
            "node-images-form",
            "layout-a",
            CONFIG_A,
            ("    disk_format: qcow2\n", ""),
        ),
        example(
            "node-image-name",
            "layout-a",
            CONFIG_A,
            ("ubuntu-capi-image-v", "ubuntu-capi-image v"),
        ),
        example(
            "image-manager-form",
            "layout-c",
            LIST_C,
            ("visibility: public", "visibility: everyone"),
        ),
        example(
            "build-date-missing",
            "layout-c",
            LIST_C,
            ("        build_date: 2026-04-02\n", ""),
        ),
        example(
            "image-metadata",
            "layout-c",
            LIST_C,
            ("uuid_validity: none", "uuid_validity: sometimes"),
        ),
        example(
            "unreadable",
            "layout-c",
            "providers/openstack/scs2/versions.yaml",
            ("1.33.8\n", "1.33.8\n  kubernetes: 1.33.7\n"),
        ),
        example(
            "stack-name",
            "layout-c",
            CSCTL_C,
            ("clusterStackName: scs2", "clusterStackName: scs-2"),
        ),
        Example {
            options: &["--tag", "openstack-scs2-1-34-v3-test"],
            ..example("release-tag", "layout-c", CSCTL_C, ("", ""))
        },
        example(
            "example-version",
            "layout-c",
            "providers/openstack/scs2/README.md",
            ("version: v1.34.6", "version: v1.33.4"),
        ),
        example(
            "final-newline",
            "layout-c",
            CSCTL_C,
            ("type: openstack\n", "type: openstack"),
        ),
        Example {
            options: &["--with", "strict"],
            ..example("chart-lock", "layout-a", ADDON_A, ("3.12.0", "3.12.2"))
        },
        example(
            "chart-archive",
            "layout-a",
            "providers/openstack/ferrol/1-29/cluster-addon/charts/cilium-1.15.1.tgz",
            ("", "a packaged chart"),
        ),
        Example {
            options: &["--with", "strict"],
            ..example(
                "build-dates",
                "layout-c",
                LIST_C,
                ("build_date: 2026-04-09", "build_date: 2026-04-03"),
            )
        },
    ]
}

/// A finding as rule, place and message.
type Line = (String, String, String);

fn findings(copy: &Copy, options: &[&str]) -> BTreeSet<Line> {
    let root = copy.root().display().to_string();
    let mut arguments = vec!["check", "-C", &root, "--format", "json"];
    arguments.extend(options);
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

fn changed(example: &Example) -> Copy {
    let copy = Copy::of(example.base);
    if example.from.is_empty() {
        if !example.to.is_empty() {
            copy.write(example.file, example.to);
        }
        return copy;
    }
    let text = copy.read(example.file);
    assert!(
        text.contains(example.from),
        "{}: {}",
        example.rule,
        example.from
    );
    copy.write(example.file, &text.replace(example.from, example.to));
    copy
}

#[test]
fn every_rule_finds_its_example_and_no_other_does() {
    let mut wrong = Vec::new();
    for example in examples() {
        let before = findings(&Copy::of(example.base), options_before(&example));
        let after = findings(&changed(&example), example.options);
        let new: BTreeSet<&str> = after
            .difference(&before)
            .map(|(rule, _, _)| rule.as_str())
            .collect();
        let mut wanted: BTreeSet<&str> = example.beside.iter().copied().collect();
        wanted.insert(example.rule);
        if new != wanted {
            wrong.push(format!("{}: found {new:?}", example.rule));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_rule_has_one_example_and_a_sentence() {
    let exampled: Vec<&str> = examples().iter().map(|example| example.rule).collect();
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
const MARK: &str = "<!-- from the rules and tests/rules.rs -->\n";

#[test]
fn the_page_of_rules_is_that_of_the_rules() {
    let path = project().join("docs/rules.md");
    let page = fs::read_to_string(&path).unwrap();
    let (introduction, _) = page.split_once(MARK).unwrap();
    let written = format!("{introduction}{MARK}{}", rules_page());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &written).unwrap();
    } else {
        assert!(page == written, "UPDATE_DOCS=1 cargo test --test rules");
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
    let (before, after) = (Copy::of(example.base), changed(example));
    let known = said_of(&before, example.rule, options_before(example));
    let new = said_of(&after, example.rule, example.options)
        .into_iter()
        .find(|finding| !known.contains(finding));
    let new = new.unwrap_or_else(|| panic!("{} finds nothing", example.rule));
    format!(
        "{}\n\n```text\n{new}\n```",
        change(example, &before, &after)
    )
}

/// The options of an example, but for a tag, which is its change.
fn options_before(example: &Example) -> &'static [&'static str] {
    match example.options {
        ["--tag", _] => &[],
        options => options,
    }
}

/// The findings of a rule, as texts.
fn said_of(copy: &Copy, rule: &str, options: &[&str]) -> Vec<String> {
    let root = copy.root().display().to_string();
    let mut arguments = vec!["check", "-C", &root, "--color", "never", "--rule", rule];
    arguments.extend(options);
    let said = run(&arguments);
    let (all, _) = said.stdout.split_once("\n\n").unwrap_or_default();
    let mut findings: Vec<String> = Vec::new();
    for line in all.lines() {
        match findings.last_mut() {
            Some(last) if line.starts_with(' ') => *last += &format!("\n{line}"),
            _ => findings.push(line.to_owned()),
        }
    }
    findings
}

fn change(example: &Example, before: &Copy, after: &Copy) -> String {
    match (example.from, example.to) {
        ("", "") => format!("With `{}`:", example.options.join(" ")),
        ("", _) => format!("With a file `{}`:", example.file),
        _ => {
            let (before, after) = (before.read(example.file), after.read(example.file));
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
