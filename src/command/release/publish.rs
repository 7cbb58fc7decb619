//! `release publish`: releases of source trees, or one that was built before, into an OCI registry, and the tags of their commits.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::make::{MakeRequest, Maker};
use super::promotion::{Promotion, await_green};
use super::{ReleaseFormat, oci_error};
use crate::catalog::NodeImage;
use crate::command::unfinished::told;
use crate::command::{Outcome, Repository, block_on, to_json};
use crate::error::{CommandError, Status};
use crate::io::cosign::Cosign;
use crate::io::files::read_flat_directory;
use crate::io::git::{GitRepository, NewTag};
use crate::io::http::{HttpClient, HttpSettings};
use crate::io::oci::OciError;
use crate::io::release_place::ReleasePlace;
use crate::io::release_push::{Publisher, Standing, attestation_digest, digest_of};
use crate::release::{
    Attestation, AttestationReport, CommitTag, ContentDigest, Origin, Outcome as Built,
    PUBLISH_SCHEMA, Parcel, PartChange, PublishReport, PublishState, PublishedRelease,
    ReleaseFiles, verify,
};
use crate::report;
use crate::version::{ReleaseTag, Sha256, VersionError};

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
    /// Whether the registry gets attestations along with the releases.
    pub attestations: Attesting,
    /// Whether they are signed.
    pub signing: Signing,
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

/// Whether attestations go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attesting {
    Attest,
    Leave,
}

/// Whether releases are signed.
#[derive(Debug)]
pub(crate) enum Signing {
    Leave,
    /// With cosign.
    Cosign {
        /// The directories that it is found in.
        path: Option<OsString>,
        /// Its key, where it has one.
        key: Option<String>,
    },
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
    attestations: Vec<Attestation>,
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
                let parcel = pack(&release.tag, release.files)?;
                let origin = origin(make, &maker);
                cargo.loads.push(Load {
                    attestations: attest(request, &parcel, origin.as_ref(), &release.images),
                    parcel,
                    changes: release.changes.map(|changes| changes.0),
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
    let parcel = pack(&tag, found.files)?;
    let cargo = Cargo {
        loads: vec![Load {
            attestations: attest(request, &parcel, None, &[]),
            parcel,
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

/// Returns how the releases of a repository were made; nothing where a file of one may be of no commit.
fn origin(make: &MakeRequest, maker: &Maker<'_>) -> Option<Origin> {
    if make.allow_dirty && make.place.revision.is_none() {
        return None;
    }
    Some(Origin {
        repository: maker.git()?.origin_url(),
        commit: maker.commit.number.clone()?,
        mode: make.mode.name(),
        vendor: make.vendor,
    })
}

/// Returns what goes along with a release. How it was made is said where that is known.
fn attest(
    request: &PublishRequest,
    parcel: &Parcel,
    origin: Option<&Origin>,
    images: &[NodeImage],
) -> Vec<Attestation> {
    if request.attestations == Attesting::Leave {
        return Vec::new();
    }
    let provenance =
        origin.map(|origin| Attestation::provenance(parcel, origin, &digest_of(parcel)));
    let components = Attestation::components(parcel, images);
    provenance.into_iter().chain([components]).collect()
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
    let signer = signer(&request.signing)?;
    let mut report = PublishReport {
        schema: PUBLISH_SCHEMA,
        repository: request.registry.name.to_string(),
        checks: cargo.checks,
        releases: cargo.unchanged,
    };
    let done = block_on(push_all(request, &client, signer.as_ref(), &cargo.loads))??;
    let (mut faults, mut warnings) = (Vec::new(), cargo.warnings);
    warnings.extend(done.notes);
    for (load, pushed) in cargo.loads.into_iter().zip(done.pushed) {
        let tag = match git {
            Some(git) if !request.dry_run => tag_commit(git, &load, &mut faults),
            Some(_) | None => load.tag,
        };
        report.releases.push(PublishedRelease {
            changes: load.changes,
            commit_tag: Some(tag),
            attestations: pushed.attestations,
            signed: pushed.signed,
            ..PublishedRelease::of(&load.parcel, pushed.state, pushed.digest)
        });
    }
    report.releases.sort_by(|a, b| a.tag.cmp(&b.tag));
    let data = match request.format {
        ReleaseFormat::Text => report::text::published_releases(&report),
        ReleaseFormat::Json => to_json(&report)?,
    };
    Ok(Outcome {
        warnings,
        status: (!faults.is_empty()).then_some(Status::Error),
        faults,
        ..Outcome::of(data, request.format.into())
    })
}

/// Finds what signs, before anything is published.
fn signer(signing: &Signing) -> Result<Option<Cosign>, CommandError> {
    let Signing::Cosign { path, key } = signing else {
        return Ok(None);
    };
    match Cosign::find(path.as_deref(), key.clone()) {
        Some(cosign) => Ok(Some(cosign)),
        None => Err(
            CommandError::new("cosign is not installed; nothing was published")
                .hinted("install cosign into a directory of PATH, or leave out --sign"),
        ),
    }
}

/// What became of the releases.
#[derive(Default)]
struct Done {
    pushed: Vec<Pushed>,
    /// What there is to say about it.
    notes: Vec<String>,
}

/// What became of a release.
struct Pushed {
    state: PublishState,
    digest: Sha256,
    attestations: Vec<AttestationReport>,
    signed: bool,
}

/// What goes along with a release.
#[derive(Clone, Copy)]
struct Company<'a> {
    attestations: &'a [Attestation],
    signer: Option<&'a Cosign>,
}

/// Looks at all tags before the first release is pushed.
async fn push_all(
    request: &PublishRequest,
    client: &HttpClient,
    signer: Option<&Cosign>,
    loads: &[Load],
) -> Result<Done, CommandError> {
    let publisher = Publisher::new(client, &request.registry);
    let mut work = Vec::new();
    for load in loads {
        work.push((load, look(&publisher, &load.parcel).await?));
    }
    let new = work
        .iter()
        .find(|(_, standing)| *standing == Standing::Absent);
    let takes_references = match new {
        Some((load, _)) if request.attestations == Attesting::Attest || signer.is_some() => {
            takes_references(&publisher, &load.parcel).await?
        }
        Some(_) | None => true,
    };
    let host = request.registry.name.host();
    if !takes_references && signer.is_some() {
        let message = format!(
            "{host} keeps nothing that refers to a release, so a signature would be a tag, which stops csctl; nothing was published"
        );
        return Err(CommandError::new(message)
            .hinted("publish in a registry with referrers of OCI 1.1, or leave out --sign"));
    }
    let mut done = Done::default();
    for (load, standing) in work {
        let company = Company {
            attestations: if takes_references {
                &load.attestations
            } else {
                &[]
            },
            signer,
        };
        done.pushed.push(match standing {
            Standing::Same(digest) => {
                done.notes.extend(unsigned(&load.parcel, signer));
                Pushed {
                    state: PublishState::Same,
                    digest,
                    attestations: Vec::new(),
                    signed: false,
                }
            }
            _ if request.dry_run => {
                company.told(&load.parcel, PublishState::Planned, digest_of(&load.parcel))
            }
            _ => push(request, &publisher, &load.parcel, company).await?,
        });
    }
    if !takes_references {
        done.notes.push(format!(
            "{host} keeps nothing that refers to a release: provenance and components were left out"
        ));
    }
    Ok(done)
}

/// Says that a release which was there before gets no signature now: it may have one, and each run would add another.
fn unsigned(parcel: &Parcel, signer: Option<&Cosign>) -> Option<String> {
    signer.map(|_| format!("{} was published before, and is not signed now", parcel.tag))
}

/// Returns what is there under the tag of a release. Other files are refused.
async fn look(publisher: &Publisher<'_>, parcel: &Parcel) -> Result<Standing, CommandError> {
    let standing = publisher.standing(parcel).await;
    let standing = standing.map_err(|error| oci_error(&error))?;
    let Standing::Other(digest) = &standing else {
        return Ok(standing);
    };
    let tag = &parcel.tag;
    let message = format!(
        "{tag} is published already, with other files (sha256:{digest}); nothing was published"
    );
    Err(CommandError::new(message).hinted(
        "a published release is never changed: publish the next version, --mode stable; csctl-matrix release list shows what is there",
    ))
}

async fn takes_references(
    publisher: &Publisher<'_>,
    parcel: &Parcel,
) -> Result<bool, CommandError> {
    let takes = publisher.takes_references(parcel).await;
    takes.map_err(|error| {
        oci_error(&error).hinted("run it again; --no-attestations publishes the release alone")
    })
}

impl Company<'_> {
    /// Returns what becomes of a release with it.
    fn told(&self, parcel: &Parcel, state: PublishState, digest: Sha256) -> Pushed {
        let attestations = self.attestations.iter();
        let attestations = attestations.map(|attestation| AttestationReport {
            kind: attestation.kind,
            artifact_type: attestation.kind.media_type().to_owned(),
            digest: ContentDigest(attestation_digest(attestation, parcel)),
        });
        Pushed {
            state,
            digest,
            attestations: attestations.collect(),
            signed: self.signer.is_some(),
        }
    }
}

/// Pushes a release: its files, what is about it, and the tag last, so that nothing which is half there looks like a release.
async fn push(
    request: &PublishRequest,
    publisher: &Publisher<'_>,
    parcel: &Parcel,
    company: Company<'_>,
) -> Result<Pushed, CommandError> {
    let tag = &parcel.tag;
    let standing = send(request, publisher, parcel, company).await;
    let standing = standing.map_err(|error| {
        error.hinted(format!(
            "{tag} is not published; run it again, and what the registry has already is not sent again"
        ))
    })?;
    match standing {
        Standing::Same(digest) => Ok(company.told(parcel, PublishState::Published, digest)),
        Standing::Other(digest) => {
            let message = format!(
                "somebody else has published {tag} in the meantime, with other files (sha256:{digest})"
            );
            Err(CommandError::new(message)
                .hinted("publish the next version: run it again with --mode stable"))
        }
        Standing::Absent => {
            let message = format!("the registry took {tag} and does not have it");
            Err(CommandError::new(message).hinted("run it again; ask whoever runs the registry"))
        }
    }
}

/// Sends everything in its order, and tells what is there under the tag in the end.
async fn send(
    request: &PublishRequest,
    publisher: &Publisher<'_>,
    parcel: &Parcel,
    company: Company<'_>,
) -> Result<Standing, CommandError> {
    let sent = async {
        publisher.send_files(parcel).await?;
        if !company.attestations.is_empty() || company.signer.is_some() {
            publisher
                .send_attestations(parcel, company.attestations)
                .await?;
        }
        Ok(())
    };
    sent.await.map_err(|error: OciError| oci_error(&error))?;
    if let Some(cosign) = company.signer {
        let ReleasePlace { name, access } = &request.registry;
        cosign
            .sign(name, access, &digest_of(parcel))
            .map_err(CommandError::new)?;
    }
    let tagged = publisher.tag(parcel).await;
    tagged.map_err(|error| oci_error(&error))
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
