//! Rules about files as texts and names: files that cannot be read, names the operator cannot take apart, release tags,
//! examples for people, and the end of a file.

use super::rule::{Group, Rule, Severity};
use super::view::{Line, View, file_name};
use super::{Found, StateTag};
use crate::stack::{Fact, Fault, FaultKind, Site};
use crate::version::{KubernetesVersion, Minor};

/// The rule that names of providers and cluster stacks have no dash.
const STACK_NAME_RULE: &str = "stack-name";

/// The rules that speak of what could not be read.
pub(super) const FAULT_RULES: [&str; 2] = ["unreadable", STACK_NAME_RULE];

pub(super) const RULES: [Rule; 5] = [
    Rule {
        name: "unreadable",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A file is no valid YAML, has a key twice, or does not have the shape that its kind of file needs.",
        reason: "Its consumers refuse it or read something else than is meant, and no stack is planned on guesses.",
        find: unreadable,
    },
    Rule {
        name: STACK_NAME_RULE,
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The name of a provider or cluster stack contains a dash.",
        reason: "The operator splits release tags at dashes, into five or seven parts, and could not read the stack's releases.",
        find: stack_name,
    },
    Rule {
        name: "release-tag",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A release tag of this state does not have the operator's form, or is of another minor than the stack.",
        reason: "The operator reads `<provider>-<stack>-<major>-<minor>-<version>` in five parts, or seven as in v0-sha-abc1234, and no other tag.",
        find: release_tag,
    },
    Rule {
        name: "example-version",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "An example in README.md or clusterstack.yaml names another version, minor or release line than the stack's.",
        reason: "People copy it, and get a cluster of another minor or none.",
        find: example_version,
    },
    Rule {
        name: "final-newline",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A file that states facts of the matrix does not end with a line break.",
        reason: "yamllint refuses it, and tools that append to the file glue two lines together.",
        find: final_newline,
    },
];

fn unreadable(view: &View<'_>) -> Vec<Found> {
    faults(view, |fault| fault.kind != FaultKind::Name)
}

fn stack_name(view: &View<'_>) -> Vec<Found> {
    faults(view, |fault| fault.kind == FaultKind::Name)
}

fn faults(view: &View<'_>, is_wanted: impl Fn(&Fault) -> bool) -> Vec<Found> {
    let wanted = view.stack.faults.iter().filter(|fault| is_wanted(fault));
    wanted
        .map(|fault| Found::in_file(&fault.file, fault.line, &fault.message).hinted(&fault.hint))
        .collect()
}

fn release_tag(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        for tag in view
            .input
            .tags
            .iter()
            .filter(|tag| is_tag_of(view, line, &tag.name))
        {
            let Some(message) = tag_fault(tag, line.minor) else {
                continue;
            };
            let hint = format!(
                "tag it {}-{}-{}-v<number>",
                line.tree.provider,
                line.tree.name,
                line.minor.dashed()
            );
            found.push(
                Found::in_file(&line.own_file(), None, message)
                    .of(line.minor)
                    .hinted(hint),
            );
        }
    }
    found
}

/// Tells whether a tag is meant for a source tree: it begins with provider, name and, where the stack has several source trees,
/// the minor.
fn is_tag_of(view: &View<'_>, line: Line<'_>, tag: &str) -> bool {
    let begins = |name: &str| tag.starts_with(&format!("{}-{name}-", line.tree.provider));
    let is_of_stack = begins(&line.tree.name) || begins(file_name(&view.stack.directory));
    let of_minor = format!("-{}-", line.minor.dashed());
    is_of_stack && (view.stack.trees.len() == 1 || tag.contains(&of_minor))
}

/// Says what is wrong with a tag, by the grammar of the operator's `pkg/clusterstack/clusterstack.go` and `pkg/version`.
fn tag_fault(tag: &StateTag, minor: Minor) -> Option<String> {
    let (tag, is_asked) = (tag.name.as_str(), tag.is_asked);
    let parts: Vec<&str> = tag.split('-').collect();
    let version = match parts.len() {
        5 | 7 => parts[4..].join("-"),
        count => {
            let count = NUMBERS
                .get(count)
                .map_or_else(|| count.to_string(), |word| (*word).to_owned());
            return Some(format!(
                "the tag {tag} has {count} dash-separated parts; the operator reads five or seven"
            ));
        }
    };
    let of: Option<Minor> = format!("{}-{}", parts[2], parts[3]).parse().ok();
    // A commit may have tags of several minors, where their releases are generated from it.
    if of != Some(minor) && is_asked {
        return Some(format!("the tag {tag} is not of {minor}, the stack is"));
    }
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_number = parts[4]
        .strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    let is_version = is_number && parts[5..].iter().all(|part| is_word(part));
    (!is_version).then(|| {
        format!("the tag {tag} ends with {version}; the operator reads v3 or v0-sha-abc1234")
    })
}

const NUMBERS: [&str; 10] = [
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

fn example_version(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in view.lines() {
        let examples = line
            .sites()
            .filter(|site| matches!(site.fact, Fact::Example));
        for site in examples {
            if let Some(message) = example_fault(line, site) {
                found.push(line.at(site, message));
            }
        }
    }
    found
}

fn example_fault(line: Line<'_>, site: &Site) -> Option<String> {
    let text = site.value.as_str();
    let differs = if let Ok(version) = text.parse::<KubernetesVersion>() {
        line.differs(version)
    } else if let Ok(minor) = text.parse::<Minor>() {
        minor != line.minor
    } else {
        let own = format!("{}-{}-", line.tree.provider, line.tree.name);
        let rest = text.strip_prefix(&own)?;
        let mut parts = rest.split('-');
        let of = format!("{}-{}", parts.next()?, parts.next()?);
        of.parse::<Minor>() != Ok(line.minor)
    };
    differs.then(|| format!("the example says {text}, {}", line.is_words()))
}

fn final_newline(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, file) in view.files_with_minor() {
        let text = file.text();
        if !text.is_empty() && !text.ends_with('\n') {
            let last = text.lines().count();
            let message = "no newline at the end of the file";
            found.push(Found {
                at: Some("end".to_owned()),
                ..Found::in_file(file.path(), Some(last), message).of(minor)
            });
        }
    }
    found
}
