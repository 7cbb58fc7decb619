//! Releases in an OCI registry, as csctl and the cluster stack operator keep them: one tag per release, its files as layers. What they
//! mean is decided elsewhere.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::http::HttpClient;
use super::oci::{
    Access, Found, Manifest, OciError, Reference, Repository, RepositoryName, Scope, TagList,
};
use crate::release::{
    ADDON_CONFIG_FILE, CREATED, ContentDigest, HASHES_FILE, KUBERNETES, LineFilter, METADATA_FILE,
    NODE_IMAGES_FILE, Published, ReleaseFiles, ReleaseSource, Sighting, TITLE,
};
use crate::version::{ReleaseTag, StackLine};

/// The longest of the small files of a release that is read.
const FILE_LIMIT: u64 = 4 << 20;

/// The most that the files of a release have together.
const RELEASE_LIMIT: u64 = 256 << 20;

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

/// Releases that cannot be had from a registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// The registry did something else.
    #[error(transparent)]
    Registry(#[from] OciError),
    /// It does not tell all tags, and the last one may be among the others.
    #[error("{place}: {reason}: the last release is not known")]
    Gap { place: String, reason: String },
    /// What is published there is no release.
    #[error("{place}: {reason}")]
    NoRelease { place: String, reason: String },
}

impl PlaceError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Registry(error) => error.hint(),
            Self::Gap { .. } => "name the last release: --last DIR",
            Self::NoRelease { .. } => {
                "csctl-matrix release verify says what is wrong with it; name the last release with --last DIR"
            }
        }
    }
}

impl ReleasePlace {
    /// Returns the last stable release of each line; nothing for a line that has none.
    pub(crate) async fn last(
        &self,
        client: &HttpClient,
        lines: Vec<StackLine>,
    ) -> Result<BTreeMap<StackLine, Option<Published>>, PlaceError> {
        let published = self.open(client, Scope::Pull).await?;
        let asked = lines.into_iter().map(async |line| {
            let last = published.last(&line).await?;
            Ok((line, last))
        });
        join_all(asked).await.into_iter().collect()
    }

    /// Reads the release that a reference stands for.
    pub(crate) async fn files(
        client: &HttpClient,
        reference: &Reference,
        access: &Access,
    ) -> Result<ReleaseFiles, PlaceError> {
        let repository = Repository::new(client, reference.repository(), access, Scope::Pull);
        let found = repository.manifest(reference).await?;
        let place = reference.to_string();
        let mut whole = 0;
        let mut files = ReleaseFiles::new();
        for layer in &found.manifest.layers {
            let Some(title) = layer.annotations.get(TITLE) else {
                let reason = "a layer has no title, so it is no file of a release".to_owned();
                return Err(PlaceError::NoRelease { place, reason });
            };
            whole += layer.size;
            if whole > RELEASE_LIMIT {
                let reason = format!("its files are longer than {RELEASE_LIMIT} bytes");
                return Err(PlaceError::NoRelease { place, reason });
            }
            let is_name = !title.contains(['/', '\\']) && title != "." && title != "..";
            if !is_name || files.contains_key(title) {
                let reason =
                    format!("the operator refuses a file called `{title}`, or two of one name");
                return Err(PlaceError::NoRelease { place, reason });
            }
            let content = repository.blob(layer).await?;
            files.insert(title.clone(), content.to_vec());
        }
        Ok(files)
    }

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

    /// Returns the last stable release of a line, as its files say it.
    async fn last(&self, line: &StackLine) -> Result<Option<Published>, PlaceError> {
        if let Some(reason) = &self.tags.gap {
            return Err(PlaceError::Gap {
                place: self.name.to_string(),
                reason: reason.clone(),
            });
        }
        let tags = self.tags.tags.iter();
        let releases = tags.filter_map(|tag| tag.parse::<ReleaseTag>().ok());
        let newest = releases
            .filter(|tag| tag.line == *line && tag.version.stable_number().is_some())
            .max();
        let Some((tag, reference)) = newest.and_then(|tag| {
            let reference = self.name.tagged(&tag.to_string())?;
            Some((tag, reference))
        }) else {
            return Ok(None);
        };
        self.read_published(tag, &reference).await.map(Some)
    }

    async fn read_published(
        &self,
        tag: ReleaseTag,
        reference: &Reference,
    ) -> Result<Published, PlaceError> {
        let Found { manifest, .. } = self.repository.manifest(reference).await?;
        let names = [
            METADATA_FILE,
            HASHES_FILE,
            ADDON_CONFIG_FILE,
            NODE_IMAGES_FILE,
        ];
        let read = names.map(|name| self.read_file(&manifest, name));
        let mut files = Vec::new();
        for file in join_all(read).await {
            files.push(file?);
        }
        read_release(tag, &files).map_err(|reason| PlaceError::NoRelease {
            place: reference.to_string(),
            reason,
        })
    }

    /// Reads a file of a release; nothing where it has none of that name.
    async fn read_file(
        &self,
        manifest: &Manifest,
        name: &str,
    ) -> Result<Option<Bytes>, PlaceError> {
        let mut layers = manifest.layers.iter();
        let Some(layer) = layers.find(|layer| {
            layer
                .annotations
                .get(TITLE)
                .is_some_and(|title| title == name)
        }) else {
            return Ok(None);
        };
        if layer.size > FILE_LIMIT {
            return Err(PlaceError::NoRelease {
                place: self.name.to_string(),
                reason: format!("{name} is longer than {FILE_LIMIT} bytes"),
            });
        }
        Ok(Some(self.repository.blob(layer).await?))
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
                    digest: Some(ContentDigest(digest)),
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

/// Reads what tells of a release in its files: metadata, hashes, addon configuration and node images, in this order. The error is
/// what is wrong with them, as a phrase.
fn read_release(tag: ReleaseTag, files: &[Option<Bytes>]) -> Result<Published, String> {
    let [metadata, hashes, addon_config, node_images] = files else {
        return Err("it has no files".to_owned());
    };
    let Some(metadata) = metadata else {
        return Err(format!("it has no {METADATA_FILE}"));
    };
    let published = Published::read(tag, metadata, hashes.as_deref())?;
    Ok(published.with_files(addon_config.as_deref(), node_images.as_deref()))
}
