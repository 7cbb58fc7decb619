//! Publishes releases in a registry: contents first, the tag last, so that nothing that is half there looks like a release. A tag that is
//! there is never written over, as far as a registry lets that be told: what stands there afterwards is read again.

use bytes::Bytes;

use super::http::HttpClient;
use super::oci::{Descriptor, EMPTY, Found, Manifest, OciError, Reference, Repository, Scope};
use super::release_place::ReleasePlace;
use crate::release::{ARTIFACT, Parcel, TITLE, media_type};
use crate::version::Sha256;

/// What a registry has under the tag of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing.
    Absent,
    /// A release with the same files.
    Same(Sha256),
    /// Something else.
    Other(Sha256),
}

/// Writes releases to a repository.
pub(crate) struct Publisher<'a> {
    repository: Repository<'a>,
    place: &'a ReleasePlace,
}

impl<'a> Publisher<'a> {
    /// Nobody is asked yet.
    pub(crate) fn new(client: &'a HttpClient, place: &'a ReleasePlace) -> Self {
        let repository = Repository::new(client, &place.name, &place.access, Scope::PullAndPush);
        Self { repository, place }
    }

    /// Tells what is there under the tag of a release.
    pub(crate) async fn standing(&self, parcel: &Parcel) -> Result<Standing, OciError> {
        let found = self.repository.find(&self.reference(parcel)?).await?;
        let wanted = manifest_of(parcel);
        Ok(match found {
            None => Standing::Absent,
            Some(Found { manifest, digest }) if files_of(&manifest) == files_of(&wanted) => {
                Standing::Same(digest)
            }
            Some(Found { digest, .. }) => Standing::Other(digest),
        })
    }

    /// Publishes a release whose tag is free, and tells what is there in the end: somebody else may have been faster.
    pub(crate) async fn push(&self, parcel: &Parcel) -> Result<Standing, OciError> {
        self.repository
            .push_blob(&Bytes::from_static(EMPTY))
            .await?;
        for content in parcel.files.values() {
            let content = Bytes::copy_from_slice(content);
            self.repository.push_blob(&content).await?;
        }
        let tag = parcel.tag.to_string();
        let pushed = self
            .repository
            .push_new_manifest(&tag, &manifest_of(parcel))
            .await;
        // A registry whose tags do not change refuses the slower one, and an answer may be lost: what is there says which of them it was.
        match (self.standing(parcel).await, pushed) {
            (Ok(Standing::Absent) | Err(_), Err(error)) => Err(error),
            (found, _) => found,
        }
    }

    fn reference(&self, parcel: &Parcel) -> Result<Reference, OciError> {
        let tag = parcel.tag.to_string();
        let reference = self.place.name.tagged(&tag);
        reference.ok_or_else(|| OciError::Content {
            url: self.place.name.to_string(),
            reason: format!("`{tag}` is longer than a tag may be"),
        })
    }
}

/// Returns the digest of a release's manifest.
pub(crate) fn digest_of(parcel: &Parcel) -> Sha256 {
    Sha256::of(&manifest_of(parcel).to_json())
}

fn manifest_of(parcel: &Parcel) -> Manifest {
    let layers = parcel.files.iter().map(|(name, content)| {
        let mut layer = Descriptor::of(media_type(name), content);
        layer.annotations.insert(TITLE.to_owned(), name.clone());
        layer
    });
    let mut manifest = Manifest::of_artifact(ARTIFACT, layers.collect());
    manifest.config = manifest.config.with_data(EMPTY);
    manifest.annotations.clone_from(&parcel.annotations);
    manifest
}

/// The names and digests of the files: what readers take of a release.
fn files_of(manifest: &Manifest) -> Vec<(Option<&String>, &str)> {
    let layers = manifest.layers.iter();
    let mut files: Vec<_> = layers
        .map(|layer| (layer.annotations.get(TITLE), layer.digest.as_str()))
        .collect();
    files.sort_unstable();
    files
}
