//! `release notes`: what changed since the last release of each line, on the screen and in a changelog.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::make::{MakeRequest, Maker, Subject, WantedMode, read_published};
use super::past::{RemadeRelease, TAGS_HINT, Tags, tree_at};
use super::place_error;
use crate::catalog::Catalog;
use crate::command::unfinished::told;
use crate::command::{Format, Outcome, Repository, block_on, to_json};
use crate::error::CommandError;
use crate::io::files::{read_flat_directory, read_text};
use crate::io::release_place::ReleasePlace;
use crate::io::replace_text;
use crate::release::{
    Block, BuiltRelease, FirstNotes, ImageNotes, Images, LineNotes, NODE_IMAGES_FILE, NOTES_SCHEMA,
    NotesInput, NotesReport, NotesState, Outcome as Built, Published, ReleaseNotes, with_block,
};
use crate::report;
use crate::version::{KubernetesVersion, ReleaseTag, StackLine};

/// What to tell.
#[derive(Debug, Clone)]
pub(crate) struct NotesRequest {
    /// The releases; their mode is that of a registry, of a directory, or `StableTold`.
    pub make: MakeRequest,
    /// The changelog to write to.
    pub changelog: Option<PathBuf>,
    /// The form of the data.
    pub format: NotesFormat,
}

/// The form of release notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum NotesFormat {
    /// Markdown for people, as it goes into a changelog.
    #[default]
    Markdown,
    /// JSON for programs, in a form of docs/schema.
    Json,
}

/// Tells.
pub(crate) fn run(request: &NotesRequest) -> Result<Outcome, CommandError> {
    told(&request.make.place, tell_all(request))
}

fn tell_all(request: &NotesRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.make.place)?;
    let mut maker = Maker::new(&request.make, &repository)?;
    let subjects = maker.subjects()?;
    maker.ask_for_last(&subjects)?;
    let repository_asked = match &request.make.mode {
        WantedMode::StableIn(place) => Some(place.name.to_string()),
        _ => None,
    };
    let mut teller = Teller {
        request,
        repository: &repository,
        tags: Tags::of(&repository)?,
        maker,
        catalog: OnceCell::new(),
    };
    let mut lines = Vec::new();
    for subject in &subjects {
        if let Some(line) = subject.tree().line() {
            let state = teller.tell(subject, &line)?;
            lines.push(LineNotes { line, state });
        }
    }
    let report = NotesReport {
        schema: NOTES_SCHEMA,
        repository: repository_asked,
        lines,
    };
    let (data, format) = match request.format {
        NotesFormat::Markdown => (report::markdown::release_notes(&report), Format::Markdown),
        NotesFormat::Json => (to_json(&report)?, Format::Json),
    };
    let mut outcome = Outcome::of(data, format).with_unseen(&repository);
    if let Some(file) = &request.changelog {
        outcome.notices.push(write_changelog(file, &report)?);
    }
    Ok(outcome)
}

/// The last release with its files.
struct Last {
    published: Published,
    files: crate::release::ReleaseFiles,
}

impl From<RemadeRelease> for Last {
    fn from(release: RemadeRelease) -> Self {
        Self {
            published: release.published,
            files: release.files,
        }
    }
}

struct Teller<'a> {
    request: &'a NotesRequest,
    repository: &'a Repository,
    tags: Tags,
    maker: Maker<'a>,
    /// What is known of vulnerabilities, where it was asked for.
    catalog: OnceCell<Catalog>,
}

impl Teller<'_> {
    fn tell(&mut self, subject: &Subject, line: &StackLine) -> Result<NotesState, CommandError> {
        let last = match self.last(line)? {
            Ok(last) => last,
            Err(reason) => {
                let hint = TAGS_HINT.to_owned();
                return Ok(NotesState::Unknown { reason, hint });
            }
        };
        let built = self.maker.make(subject, &mut Vec::new())?;
        let day = self.day();
        match (built, last) {
            (Built::Unchanged(last), _) => Ok(NotesState::Unchanged { last: last.tag }),
            (Built::Built(next), None) => {
                let images = images_of(subject, line);
                let first = FirstNotes::of(&next, day, &images).map_err(unread)?;
                Ok(NotesState::First(Box::new(first)))
            }
            (Built::Built(next), Some(last)) => {
                let catalog = self.catalog_for(&last.published, next.kubernetes)?;
                let notes = ReleaseNotes::between(NotesInput {
                    last: &last.published,
                    last_files: &last.files,
                    next: &next,
                    day,
                    images: self.images(subject, line, &last, &next),
                    catalog,
                });
                Ok(NotesState::Changed(Box::new(notes.map_err(unread)?)))
            }
        }
    }

    /// Returns the last release with its files; nothing for a line that has none, and the reason where nobody knows.
    fn last(&mut self, line: &StackLine) -> Result<Result<Option<Last>, String>, CommandError> {
        match &self.request.make.mode {
            WantedMode::StableIn(place) => {
                let Some(published) = self.maker.last(line).cloned() else {
                    return Ok(Ok(None));
                };
                let files = self.files_in(place, &published.tag)?;
                Ok(Ok(Some(Last { published, files })))
            }
            WantedMode::StableAfter(directory) => {
                let published = read_published(directory, Some(line))?;
                let found = read_flat_directory(directory).map_err(CommandError::new)?;
                let files = found.files;
                Ok(Ok(Some(Last { published, files })))
            }
            _ => Ok(self.tags.last(&self.request.make, line).map(|last| {
                self.maker.tell(line.clone(), last.published.clone());
                Some(last.into())
            })),
        }
    }

    fn files_in(
        &self,
        place: &ReleasePlace,
        tag: &ReleaseTag,
    ) -> Result<crate::release::ReleaseFiles, CommandError> {
        let Some(reference) = place.name.tagged(&tag.to_string()) else {
            let message = format!("{tag} is no tag of a registry");
            return Err(CommandError::new(message).hinted("report this as a bug"));
        };
        let client = self.repository.http_client(&self.request.make.sources);
        let files = block_on(ReleasePlace::files(&client, &reference, &place.access))?;
        files.map_err(|error| place_error(&error))
    }

    /// Returns the day of the commit; nothing where there is none.
    fn day(&self) -> Option<Date> {
        let commit = &self.maker.commit;
        let moment = self.request.make.moment.unwrap_or(commit.moment);
        let is_known = commit.number.is_some() || self.request.make.moment.is_some();
        is_known.then(|| moment.to_zoned(TimeZone::UTC).date())
    }

    /// Returns what is known of vulnerabilities, where the Kubernetes version moves. It is asked for once.
    fn catalog_for(
        &self,
        last: &Published,
        next: KubernetesVersion,
    ) -> Result<Option<&Catalog>, CommandError> {
        if last.kubernetes == next.to_string() {
            return Ok(None);
        }
        if let Some(known) = self.catalog.get() {
            return Ok(Some(known));
        }
        let sources = &self.request.make.sources;
        let found = self.repository.look_for_vulnerabilities(sources)?;
        Ok(Some(self.catalog.get_or_init(|| found)))
    }

    /// Compares the node images: by what both releases say of them, else by the commit of the last release.
    fn images(
        &self,
        subject: &Subject,
        line: &StackLine,
        last: &Last,
        next: &BuiltRelease,
    ) -> ImageNotes {
        let sums = last.published.hashes.as_ref();
        let own = sums.and_then(|hashes| hashes.own.as_ref());
        let now = next.hashes.own.as_ref();
        if own.is_some() && own.map(|own| &own.node_images) == now.map(|own| &own.node_images) {
            return ImageNotes::none();
        }
        if let (Some(before), Some(now)) = (
            last.files.get(NODE_IMAGES_FILE),
            next.files.get(NODE_IMAGES_FILE),
        ) && let (Some(before), Some(now)) = (
            Images::of_list(before, line.minor),
            Images::of_list(now, line.minor),
        ) {
            return before.compare(&now);
        }
        let tag = &last.published.tag;
        let known = self.repository.git.as_ref();
        if known
            .and_then(|git| git.tagged_commit(&tag.to_string()))
            .is_none()
        {
            return ImageNotes::Unknown {
                reason: format!(
                    "the release {tag} does not list them, and the clone has no such tag"
                ),
                hint: "fetch the tags: git fetch --tags".to_owned(),
            };
        }
        match tree_at(&self.request.make, tag) {
            Ok(tagged) => Images::of_tree(&tagged.stack, tagged.tree(), line.minor)
                .compare(&images_of(subject, line)),
            Err(error) => ImageNotes::Unknown {
                reason: format!("the commit of {tag} cannot be read: {error}"),
                hint: "git show has what it says".to_owned(),
            },
        }
    }
}

fn images_of(subject: &Subject, line: &StackLine) -> Images {
    Images::of_tree(&subject.stack, subject.tree(), line.minor)
}

fn unread(reason: String) -> CommandError {
    CommandError::new(reason)
        .hinted("csctl-matrix release verify says what is wrong with a release")
}

/// Writes the notes into a changelog. What has no release gets no block.
fn write_changelog(file: &Path, report: &NotesReport) -> Result<String, CommandError> {
    let shown = file.display();
    let before = match file.try_exists() {
        Ok(false) => None,
        Ok(true) | Err(_) => Some(read_text(file).map_err(CommandError::new)?),
    };
    let mut text = before.clone().unwrap_or_default();
    let mut tags = Vec::new();
    // Each goes above the ones before it.
    for line in report.lines.iter().rev() {
        let tag = match &line.state {
            NotesState::First(first) => &first.tag,
            NotesState::Changed(notes) => &notes.tag,
            NotesState::Unchanged { .. } | NotesState::Unknown { .. } => continue,
        };
        let block = Block {
            tag,
            text: &report::markdown::line_notes(line),
        };
        text = with_block(&text, block).map_err(|error| {
            CommandError::new(format!("{shown}: {error}; nothing was written")).hinted(error.hint())
        })?;
        tags.push(tag.to_string());
    }
    if tags.is_empty() {
        return Ok(format!("{shown} stays as it is: nothing changed"));
    }
    tags.reverse();
    let tags = tags.join(", ");
    if before.as_deref() == Some(text.as_str()) {
        return Ok(format!("{shown} has {tags} already"));
    }
    replace_text(file, before.as_deref(), &text).map_err(|error| {
        CommandError::new(error)
            .hinted("run it again; the notes are printed in any case without --changelog")
    })?;
    Ok(format!("wrote {tags} to {shown}"))
}
