//! `release next`: what the next release of each line is and why, after the last one of a registry, else of the clone's tags.

use super::ReleaseFormat;
use super::make::{MakeRequest, Maker, Subject, WantedMode};
use super::past::{TAGS_HINT, Tags};
use crate::catalog::{Catalog, StackRelease};
use crate::command::unfinished::told;
use crate::command::{Outcome, Repository, to_json};
use crate::error::CommandError;
use crate::release::{
    LastPublished, NEXT_SCHEMA, NextLine, NextRelease, NextReport, NextState, Outcome as Built,
    Published, ReleaseSource,
};
use crate::release_digest::CsctlVerdict;
use crate::report;
use crate::version::StackLine;

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

    /// Finds the last release among the tags of the clone. The error says why it is not known.
    fn last_of_tags(&mut self, line: &StackLine) -> Result<Published, String> {
        let last = self.tags.last(&self.request.make, line)?.published;
        self.maker.tell(line.clone(), last.clone());
        Ok(last)
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
