//! `release list`: what is published, in a registry, among GitHub's releases and among the tags of the clone. No layer is fetched.

use std::path::PathBuf;

use super::oci_error;
use crate::command::{Format, Outcome, block_on, to_json};
use crate::error::CommandError;
use crate::io::forge::{ForgeError, ForgeSettings, GitHub};
use crate::io::git::GitRepository;
use crate::io::http::{HttpClient, HttpSettings};
use crate::io::oci::Scope;
use crate::io::release_place::ReleasePlace;
use crate::release::{LineFilter, ListReport, ReleaseSource, Sighting, list};
use crate::report;

/// What to list.
#[derive(Debug)]
pub(crate) struct ListRequest {
    /// A directory in a clone, or beside any.
    pub directory: PathBuf,
    /// The registry to ask.
    pub registry: Option<ReleasePlace>,
    /// The repository of GitHub to ask.
    pub forge: Option<ForgeSettings>,
    /// How servers are asked.
    pub http: HttpSettings,
    /// Which stack lines.
    pub filter: LineFilter,
    /// The form of the data.
    pub format: Format,
}

/// Lists.
pub(crate) fn run(request: &ListRequest) -> Result<Outcome, CommandError> {
    let git = GitRepository::discover(&request.directory)?;
    if request.registry.is_none() && request.forge.is_none() && git.is_none() {
        let message = "nothing was named that could know of releases";
        return Err(CommandError::new(message).hinted(
            "name a registry with --repository oci://REGISTRY/REPOSITORY or OCI_REPOSITORY, or run it in a clone",
        ));
    }
    let mut seen = Seen::default();
    block_on(seen.ask_servers(request))??;
    if let Some(git) = &git {
        seen.read_tags(git)?;
    }
    let report = ListReport {
        repository: request
            .registry
            .as_ref()
            .map(|place| place.name.to_string()),
        gaps: seen.gaps,
        ..list(seen.sightings, &request.filter)
    };
    let data = match request.format {
        Format::Text => report::text::listed_releases(&report),
        Format::Json => to_json(&report)?,
        Format::Markdown => report::markdown::listed_releases(&report),
    };
    Ok(Outcome::of(data, request.format))
}

fn forge_error(settings: &ForgeSettings, error: &ForgeError) -> CommandError {
    let (owner, repository) = (&settings.owner, &settings.repository);
    CommandError::new(format!("{owner}/{repository}: {error}"))
        .hinted("check the name, and GITHUB_TOKEN where the repository is private")
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    sightings: Vec<Sighting>,
    gaps: Vec<String>,
}

impl Seen {
    async fn ask_servers(&mut self, request: &ListRequest) -> Result<(), CommandError> {
        let client = HttpClient::new(request.http.clone()).for_sources();
        if let Some(place) = &request.registry {
            let opened = place.open(&client, Scope::Pull).await;
            let published = opened.map_err(|error| oci_error(&error))?;
            let gap = published.gap().map(|gap| format!("{}: {gap}", place.name));
            self.gaps.extend(gap);
            self.sightings
                .extend(published.sightings(&request.filter).await);
        }
        if let Some(settings) = &request.forge {
            let releases = GitHub::new(&client, settings).releases().await;
            let releases = releases.map_err(|error| forge_error(settings, &error))?;
            self.sightings.extend(releases);
        }
        Ok(())
    }

    fn read_tags(&mut self, git: &GitRepository) -> Result<(), CommandError> {
        self.gaps.extend(git.tag_gap().map_err(CommandError::new)?);
        for tag in git.dated_tags()? {
            self.sightings.push(Sighting {
                source: ReleaseSource::Git,
                tag: tag.name,
                kubernetes: None,
                day: tag.day,
                digest: None,
                fault: None,
            });
        }
        Ok(())
    }
}
