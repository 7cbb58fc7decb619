//! `release build`: release directories from the source trees of a working directory or of any revision.

use std::path::{Path, PathBuf};

use super::ReleaseFormat;
use super::make::{MakeRequest, Maker};
use crate::command::unfinished::told;
use crate::command::{Outcome, Repository, to_json};
use crate::error::CommandError;
use crate::io::release_directory::{Standing, put, replace, standing};
use crate::release::{
    BUILD_SCHEMA, BuildReport, BuildState, BuiltRelease, Outcome as Built, ReleaseReport,
};
use crate::report;
use crate::version::ReleaseTag;

/// What to build.
#[derive(Debug, Clone)]
pub(crate) struct BuildRequest {
    /// The releases.
    pub make: MakeRequest,
    /// The directory that release directories are made in.
    pub output: PathBuf,
    /// What becomes of a release directory that is there with other files.
    pub existing: Existing,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// The form of the data.
    pub format: ReleaseFormat,
}

/// What becomes of a release directory that is there with other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays, and is told.
    Keep,
    /// It is replaced.
    Replace,
}

/// Builds.
pub(crate) fn run(request: &BuildRequest) -> Result<Outcome, CommandError> {
    told(&request.make.place, build_all(request))
}

fn build_all(request: &BuildRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.make.place)?;
    let mut maker = Maker::new(&request.make, &repository)?;
    let subjects = maker.subjects()?;
    maker.ask_for_last(&subjects)?;
    let writer = Writer { request };
    let mut warnings = Vec::new();
    let mut made = Vec::new();
    for subject in &subjects {
        made.push(maker.make(subject, &mut warnings)?);
    }
    // All of them are known to be sound before the first is written.
    let mut report = BuildReport {
        schema: BUILD_SCHEMA,
        releases: Vec::new(),
    };
    for built in &made {
        report.releases.push(writer.report(built)?);
    }
    if !request.dry_run {
        for (built, release) in made.iter().zip(&report.releases) {
            writer.write(built, release.state)?;
        }
    }
    let data = match request.format {
        ReleaseFormat::Text => report::text::built_releases(&report),
        ReleaseFormat::Json => to_json(&report)?,
    };
    Ok(Outcome {
        warnings,
        ..Outcome::of(data, request.format.into())
    }
    .with_unseen(&repository))
}

/// Writes release directories.
struct Writer<'a> {
    request: &'a BuildRequest,
}

impl Writer<'_> {
    /// Returns the directory of a release.
    fn place(&self, tag: &ReleaseTag) -> PathBuf {
        self.request.output.join(tag.to_string())
    }

    fn report(&self, built: &Built) -> Result<ReleaseReport, CommandError> {
        match built {
            Built::Unchanged(last) => Ok(ReleaseReport::unchanged(last)),
            Built::Built(release) => {
                let place = self.place(&release.tag);
                let state = self.state(&place, release)?;
                Ok(ReleaseReport::of(
                    release,
                    state,
                    place.display().to_string(),
                ))
            }
        }
    }

    /// Tells what becomes of a release directory.
    fn state(&self, place: &Path, release: &BuiltRelease) -> Result<BuildState, CommandError> {
        let found = standing(place, &release.files).map_err(CommandError::new)?;
        match (found, self.request.existing) {
            (Standing::Same, _) => Ok(BuildState::Same),
            (Standing::Other, Existing::Keep) => {
                let message = format!("{} is there with other files", place.display());
                Err(CommandError::new(message).hinted(
                    "a published release is never changed; replace a directory that was not published with --force",
                ))
            }
            (Standing::Absent | Standing::Other, _) if self.request.dry_run => {
                Ok(BuildState::Planned)
            }
            (Standing::Absent, _) => Ok(BuildState::Written),
            (Standing::Other, Existing::Replace) => Ok(BuildState::Replaced),
        }
    }

    fn write(&self, built: &Built, state: BuildState) -> Result<(), CommandError> {
        let Built::Built(release) = built else {
            return Ok(());
        };
        let place = self.place(&release.tag);
        let written = match state {
            BuildState::Written => put(&place, &release.files),
            BuildState::Replaced => replace(&place, &release.files),
            BuildState::Same | BuildState::Planned | BuildState::Unchanged => Ok(()),
        };
        written.map_err(|error| {
            CommandError::new(error)
                .hinted("nothing of it is left behind; name another directory with -o")
        })
    }
}
