//! `release next`: what the next release of each line is and why, after the last one of a registry, else of the clone's tags.

use super::ReleaseFormat;
use super::make::{MakeRequest, Maker, Subject, WantedMode};
use crate::catalog::{Catalog, StackRelease};
use crate::command::unfinished::told;
use crate::command::{Outcome, Place, Repository, to_json};
use crate::error::CommandError;
use crate::plan::Selection;
use crate::release::{
    LastPublished, NEXT_SCHEMA, NextLine, NextRelease, NextReport, NextState, Outcome as Built,
    Published, ReleaseSource, Versions,
};
use crate::release_digest::CsctlVerdict;
use crate::report;
use crate::version::{ReleaseTag, StackLine};

/// What to weigh.
#[derive(Debug, Clone)]
pub(crate) struct NextRequest {
    /// The releases; their mode is that of a registry, or `StableTold`.
    pub make: MakeRequest,
    /// The form of the data.
    pub format: ReleaseFormat,
}

/// Weighs.
pub(crate) fn run(request: &NextRequest) -> Result<Outcome, CommandError> {
    told(&request.make.place, weigh_all(request))
}

fn weigh_all(request: &NextRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.make.place)?;
    let mut maker = Maker::new(&request.make, &repository)?;
    let subjects = maker.subjects()?;
    maker.ask_for_last(&subjects)?;
    let asked = match &request.make.mode {
        WantedMode::StableIn(place) => Some(place.name.to_string()),
        _ => None,
    };
    let mut scale = Scale {
        request,
        repository: &repository,
        source: match asked {
            Some(_) => ReleaseSource::Registry,
            None => ReleaseSource::Git,
        },
        tags: Tags::of(&repository)?,
        maker,
    };
    let report = NextReport {
        schema: NEXT_SCHEMA,
        repository: asked,
        lines: subjects
            .iter()
            .filter_map(|subject| Some((subject, subject.tree().line()?)))
            .map(|(subject, line)| scale.weigh(subject, line))
            .collect(),
    };
    let data = match request.format {
        ReleaseFormat::Text => report::text::next_releases(&report),
        ReleaseFormat::Json => to_json(&report)?,
    };
    Ok(Outcome::of(data, request.format.into()).with_unseen(&repository))
}

/// The tags of the clone.
struct Tags {
    releases: Vec<ReleaseTag>,
    /// Why there may be more.
    gap: Option<String>,
}

impl Tags {
    fn of(repository: &Repository) -> Result<Self, CommandError> {
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

    fn newest(&self, line: &StackLine) -> Option<&ReleaseTag> {
        let of_line = self.releases.iter().filter(|tag| tag.line == *line);
        of_line
            .filter(|tag| tag.version.stable_number().is_some())
            .max()
    }
}

/// How somebody finds out what tags do not say.
const TAGS_HINT: &str = "name the registry with the releases: --repository oci://REGISTRY/REPOSITORY, or fetch the tags: git fetch --tags";

struct Scale<'a> {
    request: &'a NextRequest,
    repository: &'a Repository,
    /// Where last releases are known from.
    source: ReleaseSource,
    tags: Tags,
    maker: Maker<'a>,
}

impl Scale<'_> {
    fn weigh(&mut self, subject: &Subject, line: StackLine) -> NextLine {
        let last = match self.source {
            ReleaseSource::Git => self.last_of_tags(&line).map(Some),
            ReleaseSource::Registry | ReleaseSource::GitHub => Ok(self.maker.last(&line).cloned()),
        };
        let mut notes = Vec::new();
        let (state, csctl) = match last {
            Ok(last) => {
                let csctl = last.as_ref().and_then(|last| self.csctl(subject, last));
                let state = self.compare(subject, last.as_ref(), &mut notes);
                (state.unwrap_or_else(|error| unknown(&error)), csctl)
            }
            Err(reason) => {
                let hint = TAGS_HINT.to_owned();
                (NextState::Unknown { reason, hint }, None)
            }
        };
        notes.extend(self.unpublished_tag(&line));
        NextLine {
            line,
            state,
            csctl,
            notes,
        }
    }

    fn compare(
        &self,
        subject: &Subject,
        last: Option<&Published>,
        notes: &mut Vec<String>,
    ) -> Result<NextState, CommandError> {
        let built = self.maker.make(subject, notes)?;
        Ok(match (built, last) {
            (Built::Unchanged(last), _) => NextState::Unchanged {
                last: LastPublished::of(&last, self.source),
            },
            (Built::Built(release), Some(last)) => {
                let next = NextRelease::after(last, self.source, &release);
                NextState::Next(Box::new(next))
            }
            (Built::Built(release), None) => NextState::First {
                next: release.versions.cluster_stack,
            },
        })
    }

    /// Finds the last release among the tags of the clone, and makes it anew from its commit. The error says why it is not known.
    fn last_of_tags(&mut self, line: &StackLine) -> Result<Published, String> {
        if let Some(gap) = &self.tags.gap {
            return Err(gap.clone());
        }
        let Some(tag) = self.tags.newest(line).cloned() else {
            let reason = "no registry was named, and the clone has no tag of this line";
            return Err(reason.to_owned());
        };
        let published = self.made_from(&tag).map_err(|error| {
            format!("the release of the tag {tag} cannot be made anew: {error}")
        })?;
        self.maker.tell(line.clone(), published.clone());
        Ok(published)
    }

    fn made_from(&self, tag: &ReleaseTag) -> Result<Published, CommandError> {
        let request = MakeRequest {
            place: Place {
                // In full, as a branch may have the same name.
                revision: Some(format!("refs/tags/{tag}")),
                ..self.request.make.place.clone()
            },
            selection: Selection {
                stacks: vec![tag.line.to_string()],
                minor: Some(tag.line.minor),
                ..Selection::default()
            },
            mode: WantedMode::Custom(Versions::all(tag.version.clone())),
            ..self.request.make.clone()
        };
        let repository = Repository::open(&request.place)?;
        let maker = Maker::new(&request, &repository)?;
        let subjects = maker.subjects()?;
        let subject = subjects
            .first()
            .ok_or_else(|| CommandError::new("it has no such source tree"))?;
        match maker.make(subject, &mut Vec::new())? {
            Built::Built(release) => Ok(Published {
                tag: tag.clone(),
                versions: release.versions,
                kubernetes: release.kubernetes.to_string(),
                hashes: Some(release.hashes),
                addon_config: None,
                node_images: None,
            }),
            Built::Unchanged(published) => Ok(*published),
        }
    }

    /// Returns what csctl would do; nothing for a source tree that is in no directory as it is built.
    fn csctl(&self, subject: &Subject, last: &Published) -> Option<CsctlVerdict> {
        if !subject.changed.is_empty() {
            return None;
        }
        let hashes = last.hashes.as_ref().map(|hashes| hashes.csctl.clone());
        let mut catalog = Catalog::empty(self.request.make.sources.today);
        catalog.stack_releases.push(StackRelease {
            tag: last.tag.clone(),
            kubernetes: None,
            cluster_addon: None,
            node_image: None,
            // Those of a tag were made here, and say nothing of what csctl has published.
            csctl_hashes: hashes.filter(|_| self.source == ReleaseSource::Registry),
        });
        let publication = self.repository.csctl_verdict(subject.tree(), &catalog)?;
        Some(publication.verdict)
    }

    /// Says that the clone has a tag that the registry does not have.
    fn unpublished_tag(&self, line: &StackLine) -> Option<String> {
        if self.source == ReleaseSource::Git {
            return None;
        }
        let newest = self.tags.newest(line)?;
        let last = self.maker.last(line).map(|last| &last.tag);
        let is_newer = last.is_none_or(|last| newest > last);
        is_newer.then(|| {
            format!("the clone has the tag {newest}, and the registry has no such release")
        })
    }
}

fn unknown(error: &CommandError) -> NextState {
    NextState::Unknown {
        reason: error.to_string(),
        hint: error.hints().join("; "),
    }
}
