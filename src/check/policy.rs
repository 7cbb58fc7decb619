//! Rules about the repository's own policy, in csctl-matrix.yaml: what it blocks, pins and supports, against what the files say.
//! Without a policy they find nothing.

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::View;
use crate::matrix::blocked;
use crate::policy::Policy;
use crate::stack::{Fact, Reference, Role, SourceFile};
use crate::version::{KubernetesVersion, OsRelease};

pub(super) const RULES: [Rule; 4] = [
    Rule {
        name: "blocked-version",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A list, a default or an image uses a version that csctl-matrix.yaml blocks.",
        reason: "A maintainer decided, with a reason, that it must not be used.",
        find: Search::Stack(blocked_version),
    },
    Rule {
        name: "pinned-version",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "The stack is not set to the version that csctl-matrix.yaml pins for its minor.",
        reason: "The pin holds until its last day, and the next plan sets the stack to that version.",
        find: Search::Stack(pinned_version),
    },
    Rule {
        name: "unsupported-minor",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A source tree is set to a minor that `minors` in csctl-matrix.yaml leaves out.",
        reason: "Every plan leaves it alone, so it gets no new patches.",
        find: Search::Stack(unsupported_minor),
    },
    Rule {
        name: "unfollowed-os",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "The image for the stack's version has an operating system that `os` in csctl-matrix.yaml does not list.",
        reason: "New images get a different one, and clusters of this version stay behind.",
        find: Search::Stack(unfollowed_os),
    },
];

fn policy(view: &View<'_>) -> Policy {
    view.input.policy.for_stack(&view.stack.title())
}

/// Returns the version that a reference names as one to be used, and the operating system of its image.
fn used(reference: &Reference) -> Option<(KubernetesVersion, Option<&OsRelease>)> {
    match &reference.fact {
        Fact::Kubernetes { version }
        | Fact::ListedVersion { version }
        | Fact::ImageName { version } => Some((*version, None)),
        Fact::Image(image) => Some((image.version, image.os.as_ref())),
        _ => None,
    }
}

fn blocked_version(view: &View<'_>) -> Vec<Contradiction> {
    let policy = policy(view);
    let blocked = blocked(view.stack, view.input.catalog, &policy);
    if blocked.is_empty() {
        return Vec::new();
    }
    let command = view.update_command();
    let hint = format!("run `{command}` to remove it from lists and defaults");
    let mut found = Vec::new();
    for reference in view.files().flat_map(SourceFile::references) {
        // csctl writes a metadata.yaml of its own.
        let named = used(reference).filter(|_| reference.role != Role::ReleaseMetadata);
        if let Some((version, os)) = named
            && let Some(block) = blocked.image(version, os)
        {
            let message = format!("{} is blocked: {}", block.subject(), block.why());
            found.push(
                Contradiction::at(reference, message)
                    .of(version.minor())
                    .hinted(&hint),
            );
        }
    }
    for (_, image_list) in view.image_lists() {
        for entry in &image_list.entries {
            if let Some(block) = blocked.image(entry.version, entry.os.as_ref()) {
                let message = format!("{} is blocked: {}", block.subject(), block.why());
                found.push(
                    Contradiction::in_file(&image_list.file, Some(entry.line), message)
                        .of(entry.version.minor())
                        .hinted(&hint),
                );
            }
        }
    }
    found
}

fn pinned_version(view: &View<'_>) -> Vec<Contradiction> {
    let policy = policy(view);
    let mut found = Vec::new();
    for line in view.lines() {
        let pin = policy.find_pin(line.minor, view.input.today);
        if let (Some(default), Some(pin)) = (line.default, pin)
            && default != pin.version
        {
            let message = format!("{}, {}", line.is_words(), pin.why());
            found.push(Contradiction::in_file(&line.own_file(), None, message).of(line.minor));
        }
    }
    found
}

fn unsupported_minor(view: &View<'_>) -> Vec<Contradiction> {
    let policy = policy(view);
    let outside = view
        .lines()
        .filter(|line| !policy.minors.contains(line.minor));
    outside
        .map(|line| {
            let message = format!("{} is not one of the supported minors", line.minor);
            let hint = "add it to `minors`, or remove its source tree";
            Contradiction::in_file(&line.own_file(), None, message)
                .of(line.minor)
                .hinted(hint)
        })
        .collect()
}

fn unfollowed_os(view: &View<'_>) -> Vec<Contradiction> {
    let policy = policy(view);
    let mut found = Vec::new();
    for line in view.lines() {
        for reference in line.references() {
            if let Fact::Image(image) = &reference.fact
                && let Some(os) = image.os.as_ref().filter(|os| !policy.follows_os(Some(os)))
                && !line.differs(image.version)
            {
                found.push(line.at(reference, other_os(&policy, image.version, os)));
            }
        }
    }
    for (_, image_list) in view.image_lists() {
        for entry in &image_list.entries {
            let is_default = view.lines().any(|line| line.default == Some(entry.version));
            let os = entry.os.as_ref().filter(|os| !policy.follows_os(Some(os)));
            if let Some(os) = os.filter(|_| is_default) {
                found.push(
                    Contradiction::in_file(
                        &image_list.file,
                        Some(entry.line),
                        other_os(&policy, entry.version, os),
                    )
                    .of(entry.version.minor()),
                );
            }
        }
    }
    found
}

fn other_os(policy: &Policy, version: KubernetesVersion, os: &OsRelease) -> String {
    let followed: Vec<String> = policy.os.iter().map(ToString::to_string).collect();
    format!(
        "the image for {version} is on {os}, but `os` lists {}",
        followed.join(", ")
    )
}
