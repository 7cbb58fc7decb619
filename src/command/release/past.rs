//! The releases that the tags of a clone tell of, made anew from their commits.

use std::rc::Rc;

use super::make::{MakeRequest, Maker, Subject, WantedMode};
use crate::command::{Place, Repository};
use crate::error::CommandError;
use crate::plan::Selection;
use crate::release::{Outcome as Built, Published, ReleaseFiles, Versions};
use crate::stack::{SourceTree, Stack};
use crate::version::{ReleaseTag, StackLine};

/// How somebody finds out what tags do not say.
pub(super) const TAGS_HINT: &str = "name the registry with the releases: --repository oci://REGISTRY/REPOSITORY, or fetch the tags: git fetch --tags";

/// The tags of the clone.
pub(super) struct Tags {
    releases: Vec<ReleaseTag>,
    /// Why there may be more.
    gap: Option<String>,
}

impl Tags {
    pub(super) fn of(repository: &Repository) -> Result<Self, CommandError> {
        let Some(git) = &repository.git else {
            return Ok(Self {
                releases: Vec::new(),
                gap: None,
            });
        };
        let releases = git.stack_releases().map_err(CommandError::new)?;
        Ok(Self {
            releases: releases.into_iter().map(|release| release.tag).collect(),
            gap: git.tag_gap().map_err(CommandError::new)?,
        })
    }

    pub(super) fn newest(&self, line: &StackLine) -> Option<&ReleaseTag> {
        let of_line = self.releases.iter().filter(|tag| tag.line == *line);
        of_line
            .filter(|tag| tag.version.stable_number().is_some())
            .max()
    }

    /// Makes the last release anew from the commit of its tag. The error says why it is not known.
    pub(super) fn last(
        &self,
        request: &MakeRequest,
        line: &StackLine,
    ) -> Result<RemadeRelease, String> {
        if let Some(gap) = &self.gap {
            return Err(gap.clone());
        }
        let Some(tag) = self.newest(line) else {
            let reason = "no registry was named, and the clone has no tag of this line";
            return Err(reason.to_owned());
        };
        remake(request, tag)
            .map_err(|error| format!("the release of the tag {tag} cannot be made anew: {error}"))
    }
}

/// A release that was made anew.
pub(super) struct RemadeRelease {
    /// What its files say. A tag of git tells no versions of components.
    pub(super) published: Published,
    pub(super) files: ReleaseFiles,
}

/// The source tree of a stack line at a tag.
pub(super) struct TaggedTree {
    pub(super) stack: Rc<Stack>,
    tree: usize,
}

impl TaggedTree {
    pub(super) fn tree(&self) -> &SourceTree {
        &self.stack.trees[self.tree]
    }
}

/// Reads the source tree that a tag was set at.
pub(super) fn tree_at(request: &MakeRequest, tag: &ReleaseTag) -> Result<TaggedTree, CommandError> {
    let request = request_at(request, tag);
    let repository = Repository::open(&request.place)?;
    let maker = Maker::new(&request, &repository)?;
    let subject = only(maker.subjects()?)?;
    Ok(TaggedTree {
        stack: Rc::clone(&subject.stack),
        tree: subject.place(),
    })
}

fn remake(request: &MakeRequest, tag: &ReleaseTag) -> Result<RemadeRelease, CommandError> {
    let request = request_at(request, tag);
    let repository = Repository::open(&request.place)?;
    let maker = Maker::new(&request, &repository)?;
    let subject = only(maker.subjects()?)?;
    match maker.make(&subject, &mut Vec::new())? {
        Built::Built(release) => Ok(RemadeRelease {
            published: Published {
                tag: tag.clone(),
                versions: release.versions,
                kubernetes: release.kubernetes.to_string(),
                hashes: Some(release.hashes),
                addon_config: None,
                node_images: None,
            },
            files: release.files,
        }),
        // Nothing is compared in this mode.
        Built::Unchanged(_) => {
            Err(CommandError::new("nothing was built").hinted("report this as a bug"))
        }
    }
}

fn only(subjects: Vec<Subject>) -> Result<Subject, CommandError> {
    let first = subjects.into_iter().next();
    first.ok_or_else(|| CommandError::new("it has no such source tree"))
}

fn request_at(request: &MakeRequest, tag: &ReleaseTag) -> MakeRequest {
    MakeRequest {
        place: Place {
            // In full, as a branch may have the same name.
            revision: Some(format!("refs/tags/{tag}")),
            ..request.place.clone()
        },
        selection: Selection {
            stacks: vec![tag.line.to_string()],
            minor: Some(tag.line.minor),
            ..Selection::default()
        },
        mode: WantedMode::Custom(Versions::all(tag.version.clone())),
        ..request.clone()
    }
}
