//! Rules about files as texts and names: files that cannot be read, names the operator cannot take apart, release tags,
//! examples for people, and the end of a file.

use super::finding::{Contradiction, Severity};
use super::input::StateTag;
use super::rule::{Group, Rule, Search};
use super::view::{LineView, View, file_name};
use crate::catalog::StackRelease;
use crate::stack::{
    AT_END, Example, ExampleValue, Fault, FaultKind, NamedVersion, Reference, StatedVersion,
};
use crate::version::Minor;

pub(super) const RULES: [Rule; 5] = [
    Rule {
        name: "unreadable",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A file is not valid YAML, has a duplicate key, or lacks the structure that its kind of file needs.",
        reason: "Its consumers reject or misread it, and no stack is planned on guesses.",
        find: Search::Faults(unreadable),
    },
    Rule {
        name: "stack-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The name of a provider or cluster stack contains a dash.",
        reason: "The operator splits release tags at dashes into five or seven parts and could not read the stack's releases.",
        find: Search::Faults(stack_name),
    },
    Rule {
        name: "release-tag",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A release tag of this state does not have the operator's form, or is for a different minor than the stack.",
        reason: "The operator reads only `<provider>-<stack>-<major>-<minor>-<version>`, in five parts, or in seven with a version such as v0-sha-abc1234.",
        find: Search::Stack(release_tag),
    },
    Rule {
        name: "example-version",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "An example in README.md or clusterstack.yaml names a different version or minor than the stack's, or a release for a different version.",
        reason: "People copy it and get a cluster of another minor, or none.",
        find: Search::Stack(example_version),
    },
    Rule {
        name: "final-newline",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A file that states facts of the matrix does not end with a newline.",
        reason: "yamllint rejects it, and tools that append to the file join two lines.",
        find: Search::Stack(final_newline),
    },
];

fn unreadable(view: &View<'_>) -> Vec<Contradiction> {
    faults(view, |fault| fault.kind != FaultKind::Name)
}

fn stack_name(view: &View<'_>) -> Vec<Contradiction> {
    faults(view, |fault| fault.kind == FaultKind::Name)
}

fn faults(view: &View<'_>, is_wanted: impl Fn(&Fault) -> bool) -> Vec<Contradiction> {
    let wanted = view.stack.faults.iter().filter(|fault| is_wanted(fault));
    wanted
        .map(|fault| {
            Contradiction::in_file(&fault.file, fault.line, &fault.message).hinted(&fault.hint)
        })
        .collect()
}

fn release_tag(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        for tag in view
            .input
            .tags
            .iter()
            .filter(|tag| is_tag_of(view, line, &tag.name))
        {
            let Some((case, message)) = tag_fault(tag, line.minor) else {
                continue;
            };
            let hint = format!(
                "use a tag such as {}-{}-{}-v<number>",
                line.tree.provider,
                line.tree.name,
                line.minor.dashed()
            );
            found.push(
                Contradiction::in_file(&line.own_file(), None, message)
                    .of(line.minor)
                    .case(case)
                    .hinted(hint),
            );
        }
    }
    found
}

/// Tells whether a tag is meant for a source tree: it begins with provider, name and, where the stack has several source trees,
/// the minor.
fn is_tag_of(view: &View<'_>, line: LineView<'_>, tag: &str) -> bool {
    // The directory may be named otherwise than the stack, and tags follow either of them.
    let names = [line.tree.name.as_str(), file_name(&view.stack.directory)];
    let is_of_stack = names
        .iter()
        .any(|name| tag.starts_with(&format!("{}-{name}-", line.tree.provider)));
    let of_minor = format!("-{}-", line.minor.dashed());
    // With one source tree, a tag of another minor is meant for it, too: `tag_fault` says when that is wrong.
    is_of_stack && (view.stack.trees.len() == 1 || tag.contains(&of_minor))
}

/// Says what is wrong with a tag: the case, and in words. By the grammar of the operator's `pkg/clusterstack/clusterstack.go` and `pkg/version`.
fn tag_fault(tag: &StateTag, minor: Minor) -> Option<(&'static str, String)> {
    let (tag, is_asked) = (tag.name.as_str(), tag.is_asked);
    let parts: Vec<&str> = tag.split('-').collect();
    let version = match parts.len() {
        5 | 7 => parts[4..].join("-"),
        count => {
            let count = NUMBERS
                .get(count)
                .map_or_else(|| count.to_string(), ToString::to_string);
            let message = format!(
                "the tag {tag} has {count} dash-separated parts; the operator reads five or seven"
            );
            return Some(("parts", message));
        }
    };
    let of: Option<Minor> = format!("{}-{}", parts[2], parts[3]).parse().ok();
    // A commit may have tags of several minors, where their releases are generated from it.
    if of != Some(minor) && is_asked {
        let message = format!("the tag {tag} is not for {minor}, the stack's minor");
        return Some(("minor", message));
    }
    let is_number = parts[4]
        .strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    let are_words = parts[5..]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    (!is_number || !are_words).then(|| {
        let message = format!(
            "the tag {tag} ends with {version}; the operator reads versions such as v3 or v0-sha-abc1234"
        );
        ("version", message)
    })
}

const NUMBERS: [&str; 10] = [
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

fn example_version(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        let newest = newest_release(view, line);
        let number = newest.and_then(|release| release.tag.version.stable_number());
        for (file, example) in line.tree.examples(number) {
            let stated = example.kubernetes().zip(line.default);
            let is_behind = stated.is_some_and(|(version, default)| version < default);
            for value in &example.values {
                let reference = file.example_reference(value);
                let stale = value_fault(line, value, &reference).map(|message| ("stack", message));
                let fault = stale.or_else(|| {
                    let newest = newest.filter(|_| is_behind)?;
                    Some(("release", release_fault(line, newest, value)?))
                });
                if let Some((case, message)) = fault {
                    found.push(
                        line.at(&reference, message)
                            .case(case)
                            .hinted(example_hint(line, &example)),
                    );
                }
            }
        }
    }
    found
}

/// Returns the newest published release of a line, where published releases are known.
fn newest_release<'a>(view: &View<'a>, line: LineView<'_>) -> Option<&'a StackRelease> {
    view.input.catalog?.find_newest_release(&line.tree.line()?)
}

/// Says what a value of an example says and the stack does not.
fn value_fault(line: LineView<'_>, value: &ExampleValue, reference: &Reference) -> Option<String> {
    let differs = match &value.states {
        StatedVersion::Kubernetes(version) => line.differs(*version),
        StatedVersion::Minor(minor) => *minor != line.minor,
        StatedVersion::Release(release) => release.minor != line.minor,
        // A version of the stack alone, such as v3, names neither a minor nor a Kubernetes version.
        StatedVersion::StackVersion(_) => false,
    };
    differs.then(|| {
        format!(
            "the example says {}, but {}",
            reference.value,
            line.is_words()
        )
    })
}

/// Says what is wrong with the release of an example whose Kubernetes version is behind the stack's: to go on with its release, the
/// example would have to be of the old version.
fn release_fault(
    line: LineView<'_>,
    newest: &StackRelease,
    value: &ExampleValue,
) -> Option<String> {
    let StatedVersion::Release(release) = &value.states else {
        return None;
    };
    let number = release.number()?;
    let newest_number = newest.tag.version.stable_number()?;
    if number < newest_number {
        return Some(format!(
            "the example says v{number}, but the newest release is v{newest_number}"
        ));
    }
    let of = newest.kubernetes.filter(|of| line.differs(*of))?;
    let is_newest = number == newest_number;
    is_newest.then(|| {
        format!(
            "the example says v{number}, a release for {of}, but {}",
            line.is_words()
        )
    })
}

/// Says what to do about an example that no repair is known for.
fn example_hint(line: LineView<'_>, example: &Example) -> String {
    let is_build = example
        .release()
        .is_some_and(|release| release.version == NamedVersion::Build);
    if example.minor() != Some(line.minor) && is_build {
        let minor = line.minor;
        return format!(
            "name a build or a release of {minor}; the name of its next build is unknown"
        );
    }
    let hint = if example.named_before {
        "correct it with the text before it, or say there that it shows an older state"
    } else {
        "correct it by hand, or say in the text before it that it shows an older state"
    };
    hint.to_owned()
}

fn final_newline(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, file) in view.files_with_minor() {
        let states_facts = !file.kinds().is_empty() || !file.references().is_empty();
        let text = file.text();
        if states_facts && !text.is_empty() && !text.ends_with('\n') {
            let last = text.lines().count();
            let message = "no newline at the end of the file";
            found.push(Contradiction {
                at: Some(AT_END.to_owned()),
                ..Contradiction::in_file(file.path(), Some(last), message).of(minor)
            });
        }
    }
    found
}
