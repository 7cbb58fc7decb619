//! `release publish`: releases of source trees, or one that was built before, into an OCI registry, and the tags of their commits.

use std::path::{Path, PathBuf};

use super::make::{MakeRequest, Maker};
use super::promotion::{Promotion, await_green};
use super::{ReleaseFormat, oci_error};
use crate::command::unfinished::told;
use crate::command::{Outcome, Repository, block_on, to_json};
use crate::error::{CommandError, Status};
use crate::io::files::read_flat_directory;
use crate::io::git::{GitRepository, NewTag};
use crate::io::http::{HttpClient, HttpSettings};
use crate::io::release_place::ReleasePlace;
use crate::io::release_push::{Publisher, Standing, digest_of};
use crate::release::{
    CommitTag, Outcome as Built, PUBLISH_SCHEMA, Parcel, PartChange, PublishReport, PublishState,
    PublishedRelease, ReleaseFiles, verify,
};
use crate::report;
use crate::version::{ReleaseTag, VersionError};

/// What to publish.
#[derive(Debug)]
pub(crate) struct PublishRequest {
    /// The releases.
    pub what: Wanted,
    /// Where they are published.
    pub registry: ReleasePlace,
    /// How the registry is asked.
    pub http: HttpSettings,
    /// Whether the commits are tagged.
    pub tags: Tagging,
    /// What their commit has to be, where it is not published because a person says so.
    pub promotion: Option<Promotion>,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// The form of the data.
    pub format: ReleaseFormat,
}

/// Releases to publish.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// Those of source trees.
    Made(Box<MakeRequest>),
    /// One that was built before, in this directory.
    Directory(PathBuf),
}

/// Whether commits are tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tagging {
    Tag,
    Leave,
}

/// Publishes.
pub(crate) fn run(request: &PublishRequest) -> Result<Outcome, CommandError> {
    match &request.what {
        Wanted::Made(make) => told(&make.place, publish_made(request, make)),
        Wanted::Directory(directory) => publish_directory(request, directory),
    }
}

/// A release that is to be published.
struct Load {
    parcel: Parcel,
    changes: Option<Vec<PartChange>>,
    tag: CommitTag,
}

/// What is to be published, and what there is to say about the rest.
#[derive(Default)]
struct Cargo {
    loads: Vec<Load>,
    unchanged: Vec<PublishedRelease>,
    /// The names of the checks that their commit passed, where it had to pass some.
    checks: Option<Vec<String>>,
    warnings: Vec<String>,
}

fn publish_made(request: &PublishRequest, make: &MakeRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&make.place)?;
    let mut maker = Maker::new(make, &repository)?;
    let subjects = maker.subjects()?;
    maker.ask_for_last(&subjects)?;
    let mut cargo = Cargo::default();
    for subject in &subjects {
        match maker.make(subject, &mut cargo.warnings)? {
            Built::Unchanged(last) => cargo.unchanged.push(PublishedRelease::unchanged(&last)),
            Built::Built(release) => {
                let tag = plan_tag(request, make, &maker, &release.tag)?;
                let changes = release.changes.map(|changes| changes.0);
                cargo.loads.push(Load {
                    parcel: pack(&release.tag, release.files)?,
                    changes,
                    tag,
                });
            }
        }
    }
    cargo.checks = prove(request, &cargo, &maker, &repository)?;
    let outcome = publish(request, cargo, repository.git.as_ref())?;
    Ok(outcome.with_unseen(&repository))
}

/// Finds out whether the commit may be published, where that has to be proved and there is something to publish.
fn prove(
    request: &PublishRequest,
    cargo: &Cargo,
    maker: &Maker<'_>,
    repository: &Repository,
) -> Result<Option<Vec<String>>, CommandError> {
    let Some(promotion) = &request.promotion else {
        return Ok(None);
    };
    if cargo.loads.is_empty() {
        return Ok(None);
    }
    let Some(commit) = &maker.commit.number else {
        let message = "there is no commit whose checks could be green; nothing was published";
        return Err(CommandError::new(message).hinted("run it in a clone"));
    };
    let client = HttpClient::new(request.http.clone());
    let wanted = &repository.config.gate.checks;
    await_green(promotion, &client, commit, wanted).map(Some)
}

fn publish_directory(request: &PublishRequest, directory: &Path) -> Result<Outcome, CommandError> {
    let shown = directory.display();
    let found = read_flat_directory(directory)
        .map_err(|error| CommandError::new(error).hinted("name the directory of a release"))?;
    let full = directory.canonicalize().ok();
    let name = full.as_deref().and_then(|full| full.file_name());
    let name = name.map(|name| name.to_string_lossy().into_owned());
    let tag: ReleaseTag = name
        .unwrap_or_default()
        .parse()
        .map_err(|error: VersionError| {
            CommandError::new(format!("{shown}: {error}"))
                .hinted("a release's directory is called by its tag")
        })?;
    let cargo = Cargo {
        loads: vec![Load {
            parcel: pack(&tag, found.files)?,
            changes: None,
            tag: CommitTag::None {
                reason: "the commit of a directory is not known".to_owned(),
            },
        }],
        ..Cargo::default()
    };
    publish(request, cargo, None)
}

/// Refuses what readers of releases would refuse: what is published stays.
fn pack(tag: &ReleaseTag, files: ReleaseFiles) -> Result<Parcel, CommandError> {
    let checked = verify(&tag.to_string(), &files);
    if let Some(finding) = checked.findings.first() {
        let (file, reader) = (&finding.file, finding.reader.name());
        let message = format!(
            "{tag} is not published: {file}: {reader}: {}",
            finding.error
        );
        return Err(CommandError::new(message).hinted(&finding.hint));
    }
    Parcel::of(tag.clone(), files).map_err(|reason| {
        CommandError::new(format!("{tag} is not published: {reason}"))
            .hinted("csctl-matrix release build makes releases")
    })
}

/// Finds out which tag the commit of a release gets. One at another commit is told before anything is published.
fn plan_tag(
    request: &PublishRequest,
    make: &MakeRequest,
    maker: &Maker<'_>,
    tag: &ReleaseTag,
) -> Result<CommitTag, CommandError> {
    if request.tags == Tagging::Leave {
        return Ok(CommitTag::none("not asked for"));
    }
    let (Some(git), Some(commit)) = (maker.git(), maker.commit.number.clone()) else {
        return Ok(CommitTag::none("there is no commit"));
    };
    if make.allow_dirty && make.place.revision.is_none() {
        let reason = "files without a commit may be in the release";
        return Ok(CommitTag::none(reason));
    }
    match git.tagged_commit(&tag.to_string()) {
        None => Ok(CommitTag::Planned { commit }),
        Some(found) if found == commit => Ok(CommitTag::There { commit }),
        Some(found) => {
            let message =
                format!("the tag {tag} is there at another commit, {found}; nothing was published");
            Err(CommandError::new(message).hinted(
                "was it published from there? build that commit with --rev, or leave git's tags alone with --no-git-tag",
            ))
        }
    }
}

fn publish(
    request: &PublishRequest,
    cargo: Cargo,
    git: Option<&GitRepository>,
) -> Result<Outcome, CommandError> {
    let client = HttpClient::new(request.http.clone());
    let mut report = PublishReport {
        schema: PUBLISH_SCHEMA,
        repository: request.registry.name.to_string(),
        checks: cargo.checks,
        releases: cargo.unchanged,
    };
    let states = block_on(push_all(request, &client, &cargo.loads))??;
    let mut faults = Vec::new();
    for (load, (state, digest)) in cargo.loads.into_iter().zip(states) {
        let tag = match git {
            Some(git) if !request.dry_run => tag_commit(git, &load, &mut faults),
            Some(_) | None => load.tag,
        };
        report.releases.push(PublishedRelease {
            changes: load.changes,
            commit_tag: Some(tag),
            ..PublishedRelease::of(&load.parcel, state, digest)
        });
    }
    report.releases.sort_by(|a, b| a.tag.cmp(&b.tag));
    let data = match request.format {
        ReleaseFormat::Text => report::text::published_releases(&report),
        ReleaseFormat::Json => to_json(&report)?,
    };
    Ok(Outcome {
        warnings: cargo.warnings,
        status: (!faults.is_empty()).then_some(Status::Error),
        faults,
        ..Outcome::of(data, request.format.into())
    })
}

/// What became of a release, and its digest.
type Pushed = (PublishState, crate::version::Sha256);

/// Looks at all tags before the first release is pushed.
async fn push_all(
    request: &PublishRequest,
    client: &HttpClient,
    loads: &[Load],
) -> Result<Vec<Pushed>, CommandError> {
    let publisher = Publisher::new(client, &request.registry);
    let mut standings = Vec::new();
    for Load { parcel, .. } in loads {
        let standing = publisher.standing(parcel).await;
        let standing = standing.map_err(|error| oci_error(&error))?;
        if let Standing::Other(digest) = &standing {
            let tag = &parcel.tag;
            let message = format!(
                "{tag} is published already, with other files (sha256:{digest}); nothing was published"
            );
            return Err(CommandError::new(message).hinted(
                "a published release is never changed: publish the next version, --mode stable; csctl-matrix release list shows what is there",
            ));
        }
        standings.push(standing);
    }
    let mut pushed = Vec::new();
    for (load, standing) in loads.iter().zip(standings) {
        pushed.push(match standing {
            Standing::Same(digest) => (PublishState::Same, digest),
            _ if request.dry_run => (PublishState::Planned, digest_of(&load.parcel)),
            _ => push(&publisher, &load.parcel).await?,
        });
    }
    Ok(pushed)
}

async fn push(publisher: &Publisher<'_>, parcel: &Parcel) -> Result<Pushed, CommandError> {
    let tag = &parcel.tag;
    match publisher.push(parcel).await {
        Ok(Standing::Same(digest)) => Ok((PublishState::Published, digest)),
        Ok(Standing::Other(digest)) => {
            let message = format!(
                "somebody else has published {tag} in the meantime, with other files (sha256:{digest})"
            );
            Err(CommandError::new(message)
                .hinted("publish the next version: run it again with --mode stable"))
        }
        Ok(Standing::Absent) => {
            let message = format!("the registry took {tag} and does not have it");
            Err(CommandError::new(message).hinted("run it again; ask whoever runs the registry"))
        }
        Err(error) => Err(oci_error(&error).hinted(format!(
            "{tag} is not published; run it again, and what the registry has already is not sent again"
        ))),
    }
}

/// Tags the commit of a release that is published.
fn tag_commit(git: &GitRepository, load: &Load, faults: &mut Vec<(String, String)>) -> CommitTag {
    let CommitTag::Planned { commit } = &load.tag else {
        return load.tag.clone();
    };
    let name = load.parcel.tag.to_string();
    let made = git.tag_commit(NewTag {
        name: &name,
        commit,
        message: &name,
    });
    match made {
        Ok(()) => CommitTag::Made {
            commit: commit.clone(),
        },
        Err(said) => {
            faults.push((
                format!("{name} is published, and its commit could not be tagged: {said}"),
                format!("git tag -a -m {name} {name} {commit}"),
            ));
            CommitTag::None { reason: said }
        }
    }
}
