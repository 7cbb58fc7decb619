//! Whether csctl would publish what a plan makes: which source trees and releases must be looked at for that, and what follows
//! from their files. The looking is done elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Note;
use super::release::Release;
use super::{FileAction, FileChange, Plan};
use crate::release_digest::{CsctlVerdict, FileDigests, HashesUnknown, LastRelease, csctl_verdict};
use crate::version::{ReleaseTag, Sha256, StackLine};

/// A source tree and the release that csctl would compare it with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DigestRequest {
    /// The source tree's directory, relative to the repository's root.
    pub(crate) directory: String,
    /// The last release of its line.
    pub(crate) last: ReleaseTag,
}

/// A source tree as it is, and the release that csctl would compare it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The source tree's files.
    pub(crate) now: FileDigests,
    /// The last release.
    pub(crate) last: LastRelease,
}

impl Plan {
    /// Returns what must be known to tell whether csctl would publish the releases of this plan. A plan without changes, or
    /// without csctl, needs nothing.
    pub(crate) fn digest_requests(&self) -> BTreeSet<DigestRequest> {
        let lines = self.stacks.iter().flat_map(|stack| &stack.lines);
        lines
            .filter_map(|line| request(&line.line, line.release.as_ref()?))
            .collect()
    }

    /// Says whether csctl would publish the releases of this plan. What is not known of a source tree, or the reason why it is
    /// not, stands in `answers`.
    pub(crate) fn judge(
        &mut self,
        answers: &BTreeMap<DigestRequest, Result<Compared, HashesUnknown>>,
    ) {
        for stack in &mut self.stacks {
            for line in &mut stack.lines {
                let Some(release) = &mut line.release else {
                    continue;
                };
                let Some(request) = request(&line.line, release) else {
                    continue;
                };
                let verdict = match answers.get(&request) {
                    Some(Ok(compared)) => verdict(&request.directory, compared, &self.files),
                    Some(Err(reason)) => CsctlVerdict::Unknown {
                        reason: reason.clone(),
                    },
                    // Nobody looked: what was assumed stays.
                    None => continue,
                };
                correct_note(&mut stack.notes, &line.line, release, &verdict);
                release.csctl = Some(verdict);
            }
        }
    }
}

fn request(line: &StackLine, release: &Release) -> Option<DigestRequest> {
    // A source tree without csctl.yaml is published by other means.
    release.csctl.as_ref()?;
    let last = ReleaseTag {
        line: line.clone(),
        version: release.previous.clone()?,
    };
    Some(DigestRequest {
        directory: release.directory.clone(),
        last,
    })
}

/// Tells what csctl would do of the source tree as the plan leaves it.
fn verdict(directory: &str, compared: &Compared, changes: &[FileChange]) -> CsctlVerdict {
    let prefix = match directory {
        "" => String::new(),
        directory => format!("{directory}/"),
    };
    let mut after = compared.now.clone();
    for change in changes {
        let Some(place) = change.path.strip_prefix(&prefix) else {
            continue;
        };
        match &change.action {
            FileAction::Edit { after: text, .. } | FileAction::Create { after: text, .. } => {
                after.insert(place.to_owned(), Sha256::of(text.as_bytes()));
            }
            FileAction::Copy { from } => {
                // Checksums of files outside the source tree were not asked for.
                let Some(sum) = from
                    .strip_prefix(&prefix)
                    .and_then(|from| compared.now.get(from))
                else {
                    let reason = HashesUnknown::CopiedFile {
                        path: change.path.clone(),
                        from: from.clone(),
                    };
                    return CsctlVerdict::Unknown { reason };
                };
                after.insert(place.to_owned(), sum.clone());
            }
            FileAction::Remove => {
                after.remove(place);
            }
        }
    }
    csctl_verdict(&after, &compared.last)
}

/// Puts what is known in the place of what was assumed.
fn correct_note(
    notes: &mut Vec<Note>,
    line: &StackLine,
    release: &Release,
    verdict: &CsctlVerdict,
) {
    let seen = match verdict {
        // What was assumed may be true all the same.
        CsctlVerdict::Unknown { .. } => return,
        CsctlVerdict::Publishes => None,
        CsctlVerdict::Refuses { reason } => Some(Note::CsctlRefuses {
            line: line.clone(),
            next: release.next.clone(),
            seen: Some(reason.clone()),
        }),
    };
    let assumed = notes.iter().position(
        |note| matches!(note, Note::CsctlRefuses { line: of, seen: None, .. } if of == line),
    );
    match (assumed, seen) {
        (Some(place), Some(note)) => notes[place] = note,
        (Some(place), None) => drop(notes.remove(place)),
        (None, note) => notes.extend(note),
    }
}
