//! Releases in an OCI registry, as csctl and the cluster stack operator keep them: one tag per release, its files as layers. What they
//! mean is decided elsewhere.

use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::http::HttpClient;
use super::oci::{Access, Found, OciError, Reference, Repository, RepositoryName, Scope, TagList};
use crate::release::{LineFilter, ReleaseSource, Sighting};
use crate::version::ReleaseTag;

/// The annotations of a release. Source: `pkg/assetsclient/oci` of csctl.
pub(crate) const KUBERNETES: &str = "kubernetesVersion";
pub(crate) const CREATED: &str = "org.opencontainers.image.created";

/// Where releases are.
#[derive(Debug, Clone)]
pub(crate) struct ReleasePlace {
    /// The repository.
    pub(crate) name: RepositoryName,
    /// How it is reached.
    pub(crate) access: Access,
}

/// A repository with releases, whose tags are known.
pub(crate) struct ReleaseShelf<'a> {
    repository: Repository<'a>,
    name: RepositoryName,
    tags: TagList,
}

impl ReleasePlace {
    /// Asks for the tags.
    pub(crate) async fn open<'a>(
        &self,
        client: &'a HttpClient,
        scope: Scope,
    ) -> Result<ReleaseShelf<'a>, OciError> {
        let repository = Repository::new(client, &self.name, &self.access, scope);
        let tags = repository.tags().await?;
        Ok(ReleaseShelf {
            repository,
            name: self.name.clone(),
            tags,
        })
    }
}

impl ReleaseShelf<'_> {
    /// Returns why there may be more tags.
    pub(crate) fn gap(&self) -> Option<&str> {
        self.tags.gap.as_deref()
    }

    /// Returns what is there of the lines that are asked for, by manifests alone; other tags are as they are.
    pub(crate) async fn sightings(&self, filter: &LineFilter) -> Vec<Sighting> {
        let seen = self.tags.tags.iter().map(|tag| self.sight(tag, filter));
        join_all(seen).await
    }

    async fn sight(&self, tag: &str, filter: &LineFilter) -> Sighting {
        let sighting = Sighting {
            source: ReleaseSource::Registry,
            tag: tag.to_owned(),
            kubernetes: None,
            day: None,
            digest: None,
            fault: None,
        };
        let is_asked = tag
            .parse::<ReleaseTag>()
            .is_ok_and(|tag| filter.takes(&tag.line));
        let Some(reference) = self.name.tagged(tag).filter(|_| is_asked) else {
            return sighting;
        };
        match self.read(&reference).await {
            Ok(Found { manifest, digest }) => {
                let created = manifest.annotations.get(CREATED);
                let moment = created.and_then(|text| text.parse::<Timestamp>().ok());
                Sighting {
                    kubernetes: manifest.annotations.get(KUBERNETES).cloned(),
                    day: moment.map(|moment| moment.to_zoned(TimeZone::UTC).date()),
                    digest: Some(digest),
                    ..sighting
                }
            }
            Err(error) => Sighting {
                fault: Some(error.to_string()),
                ..sighting
            },
        }
    }

    async fn read(&self, reference: &Reference) -> Result<Found, OciError> {
        self.repository.manifest(reference).await
    }
}
