//! Publishes releases in a registry: contents first, the tag last, so that nothing that is half there looks like a release. A tag that is
//! there is never written over, as far as a registry lets that be told: what stands there afterwards is read again.

use bytes::Bytes;

use super::http::HttpClient;
use super::oci::{
    Descriptor, EMPTY, Found, MANIFEST, Manifest, OciError, Reference, Repository, Scope,
};
use super::release_place::ReleasePlace;
use crate::release::{ARTIFACT, Attestation, CREATED, Parcel, TITLE, media_type};
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

    /// Tells whether the registry keeps what refers to a release.
    pub(crate) async fn takes_references(&self, parcel: &Parcel) -> Result<bool, OciError> {
        self.repository.has_referrers(&digest_of(parcel)).await
    }

    /// Sends the files of a release, which nobody finds without its manifest.
    pub(crate) async fn send_files(&self, parcel: &Parcel) -> Result<(), OciError> {
        self.send_empty().await?;
        for content in parcel.files.values() {
            self.repository.push_blob(content).await?;
        }
        Ok(())
    }

    /// Sends the manifest of a release whose files are there, and what is about it. Neither has a tag: whoever finds the release by
    /// its tag later finds them beside it.
    pub(crate) async fn send_attestations(
        &self,
        parcel: &Parcel,
        attestations: &[Attestation],
    ) -> Result<(), OciError> {
        let release = manifest_of(parcel);
        self.repository.push_untagged(&release).await?;
        for attestation in attestations {
            let content = Bytes::copy_from_slice(&attestation.content);
            self.repository.push_blob(&content).await?;
            let manifest = attestation_manifest(attestation, &release);
            self.repository.push_untagged(&manifest).await?;
        }
        Ok(())
    }

    /// Gives a release whose contents are there its tag, which is free, and tells what is there in the end: somebody else may have been
    /// faster.
    pub(crate) async fn tag(&self, parcel: &Parcel) -> Result<Standing, OciError> {
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

    async fn send_empty(&self) -> Result<(), OciError> {
        let empty = Bytes::from_static(EMPTY);
        self.repository.push_blob(&empty).await.map(drop)
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

/// Returns the digest of the manifest of what is about a release.
pub(crate) fn attestation_digest(attestation: &Attestation, parcel: &Parcel) -> Sha256 {
    Sha256::of(&attestation_manifest(attestation, &manifest_of(parcel)).to_json())
}

/// Returns the manifest of what is about a release. The moment is that of the release: the same one is the same artifact.
fn attestation_manifest(attestation: &Attestation, release: &Manifest) -> Manifest {
    let media_type = attestation.kind.media_type();
    let mut layer = Descriptor::of(media_type, &attestation.content);
    layer.annotations = attestation.kind.annotations();
    let mut manifest = Manifest::of_artifact(media_type, vec![layer]);
    manifest.subject = Some(Descriptor::of(MANIFEST, &release.to_json()));
    manifest.annotations = attestation.kind.annotations();
    let created = release.annotations.get(CREATED).cloned();
    manifest
        .annotations
        .extend(created.map(|moment| (CREATED.to_owned(), moment)));
    manifest
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;
    use crate::io::http::HttpSettings;
    use crate::io::oci::Access;

    /// Answers HEAD with 404, and nothing else ever.
    fn stall(stream: TcpStream) {
        let mut output = stream.try_clone().unwrap();
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        while let Some(first) = lines.next() {
            for line in lines.by_ref() {
                if line.is_empty() {
                    break;
                }
            }
            if first.starts_with("HEAD ") {
                let reply = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
                output.write_all(reply).unwrap();
            }
        }
    }

    #[test]
    fn a_registry_that_hangs_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(|| stall(stream.unwrap()));
            }
        });
        let client = HttpClient::new(HttpSettings {
            read_timeout: Duration::from_millis(200),
            total_timeout: Duration::from_millis(400),
            system_proxy: false,
            ..HttpSettings::default()
        });
        let place = ReleasePlace {
            name: format!("{host}/team/stacks").parse().unwrap(),
            access: Access::default(),
        };
        let publisher = Publisher::new(&client, &place);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        let ended = runtime.block_on(publisher.send_empty());
        assert!(matches!(ended, Err(OciError::NoAnswer(_))), "{ended:?}");
    }
}
