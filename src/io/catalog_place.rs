//! Where a catalog is that somebody has made already: in a file, at a URL that many repositories share, or in a registry. It is the
//! choice of who runs the program, never of a repository, so mirrors of a repository's configuration do not hold here. No token is
//! sent to a URL; a registry gets the login that the user has for it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use bytes::Bytes;
use jiff::civil::Date;
use url::Url;

use super::catalog::{CatalogFileError, FILE_LIMIT, parse, read_file};
use super::http::{Ask, HttpClient, HttpError, HttpSettings, redact};
use super::no_answer::find_page;
use super::oci::{
    Access, Descriptor, EMPTY, Manifest, OciError, Reference, ReferenceError, Repository, SCHEME,
    Scope,
};
use crate::catalog::Catalog;
use crate::version::Sha256;

/// Where a catalog is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogPlace {
    /// In a file, or what the shell hands over as one.
    File(PathBuf),
    /// At a URL.
    Web(WebPlace),
    /// In an OCI registry.
    Registry(RegistryPlace),
}

/// A URL of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPlace {
    /// The URL, without what pins it.
    url: String,
    /// What its content has to be, where somebody has said so.
    pin: Option<Sha256>,
}

/// An artifact in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryPlace(Reference);

/// What a catalog is called as an artifact, and as the one layer of it.
const ARTIFACT: &str = "application/vnd.csctl-matrix.catalog.v1";
const LAYER: &str = "application/vnd.csctl-matrix.catalog.v1+yaml";

/// The name under which other tools write the layer to a file.
const TITLE: (&str, &str) = ("org.opencontainers.image.title", "catalog.yaml");

/// The moment at which an artifact was made, as registries show it.
const CREATED: &str = "org.opencontainers.image.created";

/// What pins the content of a URL, in the part of it that no server sees.
const PIN: &str = "sha256=";

/// A text that is no place of a catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogPlaceError {
    /// The text is empty.
    #[error("a file or a URL is expected")]
    Empty,
    /// The text begins like a URL and is none.
    #[error("invalid URL: {0}")]
    BadUrl(String),
    /// It is a URL of something else than a web server.
    #[error("`{0}` is not supported; a catalog is read from a file, http, https or oci")]
    Scheme(String),
    /// It is no reference to an artifact.
    #[error("expected oci://REGISTRY/REPOSITORY:TAG or oci://REGISTRY/REPOSITORY@sha256:DIGEST")]
    Reference,
    /// Arguments are no place for secrets: every user of the machine can read them.
    #[error("a user name or password in the URL is not sent; remove it")]
    Credentials,
    /// What stands behind `#` is no digest.
    #[error("after `#`, expected sha256= and 64 hexadecimal digits")]
    Pin,
}

/// A catalog that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SharedCatalogError {
    /// The file cannot be read, or the content is no catalog.
    #[error(transparent)]
    Content(#[from] CatalogFileError),
    /// There was no answer.
    #[error("cannot read the catalog: {0}")]
    NoAnswer(#[from] HttpError),
    /// The registry has no catalog to give.
    #[error("cannot use the catalog of the registry: {0}")]
    Registry(RegistryFault),
    /// There was an answer with another status than 200.
    #[error("cannot read the catalog {url}: the server answers {status}")]
    Status {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
    },
    /// There is a page for people.
    #[error("cannot read the catalog {url}: it is {page}")]
    Page {
        /// The URL.
        url: String,
        /// What it is: `a web page`.
        page: &'static str,
    },
    /// The content is not the one that was asked for.
    #[error("the catalog {url} has the digest sha256:{found}, but sha256:{wanted} was asked for")]
    Digest {
        /// The URL.
        url: String,
        /// The digest of what is there.
        found: Sha256,
        /// The one that was asked for.
        wanted: Sha256,
    },
}

/// What a registry did instead.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct RegistryFault {
    reason: String,
    hint: &'static str,
}

impl From<OciError> for SharedCatalogError {
    fn from(error: OciError) -> Self {
        Self::Registry(RegistryFault {
            reason: error.to_string(),
            hint: error.hint(),
        })
    }
}

impl SharedCatalogError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Registry(fault) => fault.hint,
            Self::Content(_) => "create one with csctl-matrix catalog fetch -o FILE",
            Self::NoAnswer(HttpError::TooLarge { .. }) | Self::Page { .. } => {
                "is it the right URL? it has to be that of a file that csctl-matrix catalog fetch wrote"
            }
            Self::NoAnswer(_) => "check the network, --mirror and --offline",
            Self::Status { .. } => "check the URL, and that the server serves it to everybody",
            Self::Digest { .. } => {
                "name the new digest if the catalog was published anew; otherwise somebody has changed it"
            }
        }
    }
}

impl TryFrom<OsString> for CatalogPlace {
    type Error = CatalogPlaceError;

    fn try_from(given: OsString) -> Result<Self, CatalogPlaceError> {
        // A path may be no text, a URL always is one.
        match given.to_str() {
            Some("") => Err(CatalogPlaceError::Empty),
            Some(text) if text.starts_with(SCHEME) => Ok(Self::Registry(text.parse()?)),
            Some(text) if text.contains("://") => read_url(text),
            Some(_) | None => Ok(Self::File(given.into())),
        }
    }
}

fn read_url(text: &str) -> Result<CatalogPlace, CatalogPlaceError> {
    let mut url = Url::parse(text).map_err(|error| CatalogPlaceError::BadUrl(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(CatalogPlaceError::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CatalogPlaceError::Credentials);
    }
    let pin = match url.fragment().map(|fragment| fragment.strip_prefix(PIN)) {
        None => None,
        Some(digits) => Some(
            digits
                .and_then(|digits| digits.parse().ok())
                .ok_or(CatalogPlaceError::Pin)?,
        ),
    };
    url.set_fragment(None);
    Ok(CatalogPlace::Web(WebPlace {
        url: url.into(),
        pin,
    }))
}

impl CatalogPlace {
    /// Tells whether others make the catalog anew while it keeps its name.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::File(_) => false,
            Self::Web(_) | Self::Registry(_) => true,
        }
    }

    /// Reads the catalog that is there.
    pub(crate) async fn read(&self, http: &HttpSettings) -> Result<Catalog, SharedCatalogError> {
        match self {
            Self::File(path) => Ok(read_file(path)?),
            Self::Web(web) => {
                // A copy of the settings of the command line: what a repository says of mirrors is not among them.
                let client = HttpClient::new(http.clone()).for_sources();
                let content = web.fetch(&client).await?;
                Ok(parse(&web.url, &content)?)
            }
            Self::Registry(place) => {
                let client = HttpClient::new(http.clone()).for_sources();
                let content = place.fetch(&client).await?;
                Ok(parse(&place.to_string(), &content)?)
            }
        }
    }
}

impl WebPlace {
    async fn fetch(&self, client: &HttpClient) -> Result<Bytes, SharedCatalogError> {
        let ask = Ask::get(&self.url, FILE_LIMIT);
        let Some(pin) = &self.pin else {
            return self.content(client, ask).await;
        };
        // Content with that digest does not change: where it is in the cache, nobody is asked.
        let content = self.content(client, ask.clone().lasting(true)).await?;
        if Sha256::of(&content) == *pin {
            return Ok(content);
        }
        let newer = self.content(client, ask).await?;
        let found = Sha256::of(&newer);
        if found == *pin {
            return Ok(newer);
        }
        Err(SharedCatalogError::Digest {
            url: redact(&self.url),
            found,
            wanted: pin.clone(),
        })
    }

    async fn content(&self, client: &HttpClient, ask: Ask) -> Result<Bytes, SharedCatalogError> {
        let answer = client.ask(ask).await?;
        if answer.status != 200 {
            return Err(SharedCatalogError::Status {
                url: redact(&self.url),
                status: answer.status,
            });
        }
        if let Some(page) = find_page(&answer) {
            return Err(SharedCatalogError::Page {
                url: redact(&self.url),
                page,
            });
        }
        Ok(answer.body)
    }
}

impl RegistryPlace {
    async fn fetch(&self, client: &HttpClient) -> Result<Bytes, SharedCatalogError> {
        let name = self.0.repository();
        let repository = Repository::new(client, name, &Access::default(), Scope::Pull);
        let found = repository.manifest(&self.0).await?;
        let layer = self.layer_of(&found.manifest)?;
        Ok(repository.blob(layer).await?)
    }

    /// Finds the catalog among the layers of an artifact.
    fn layer_of<'m>(&self, manifest: &'m Manifest) -> Result<&'m Descriptor, SharedCatalogError> {
        let place = self.to_string();
        let found = manifest.artifact_type.as_deref().unwrap_or_default();
        if found != ARTIFACT {
            let reason = format!("it is not a catalog ({ARTIFACT}), but `{found}`");
            return Err(OciError::content(&place, reason).into());
        }
        let mut layers = manifest.layers.iter();
        let Some(layer) = layers.find(|layer| layer.media_type == LAYER) else {
            let reason = format!("it has no layer of {LAYER}");
            return Err(OciError::content(&place, reason).into());
        };
        let limit = u64::try_from(FILE_LIMIT).unwrap_or(u64::MAX);
        if layer.size > limit {
            let reason = format!("it is longer than {limit} bytes");
            return Err(OciError::content(&place, reason).into());
        }
        Ok(layer)
    }

    /// Writes a catalog to the registry under its tag: the contents first, so that nobody finds half of it. Returns the reference
    /// that stands for this content alone.
    pub(crate) async fn push(
        &self,
        content: Bytes,
        day: Date,
        http: &HttpSettings,
    ) -> Result<String, SharedCatalogError> {
        let Some(tag) = self.0.tag().filter(|_| self.0.digest().is_none()) else {
            let reason = "a tag is needed to publish a catalog, and no digest".to_owned();
            let url = self.to_string();
            return Err(OciError::Content { url, reason }.into());
        };
        let client = HttpClient::new(http.clone());
        let name = self.0.repository();
        let repository = Repository::new(&client, name, &Access::default(), Scope::PullAndPush);
        let mut layer = Descriptor::of(LAYER, &content);
        let (key, title) = TITLE;
        layer.annotations.insert(key.to_owned(), title.to_owned());
        let mut manifest = Manifest::of_artifact(ARTIFACT, vec![layer]);
        // The day of the catalog, not of the push: the same catalog is the same artifact.
        let moment = format!("{day}T00:00:00Z");
        manifest.annotations.insert(CREATED.to_owned(), moment);
        repository.push_blob(&Bytes::from_static(EMPTY)).await?;
        repository.push_blob(&content).await?;
        let digest = repository.push_manifest(tag, &manifest).await?;
        Ok(self.0.pinned(&digest))
    }
}

impl FromStr for RegistryPlace {
    type Err = CatalogPlaceError;

    fn from_str(text: &str) -> Result<Self, CatalogPlaceError> {
        text.parse()
            .map(Self)
            .map_err(|_: ReferenceError| CatalogPlaceError::Reference)
    }
}

impl fmt::Display for RegistryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CatalogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Web(web) => f.write_str(&redact(&web.url)),
            Self::Registry(place) => place.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<CatalogPlace, CatalogPlaceError> {
        OsString::from(text).try_into()
    }

    #[test]
    fn a_place_is_a_file_or_a_url() {
        for path in ["catalog.yaml", "/dev/stdin", "a:b", "-", "a#sha256=x"] {
            assert_eq!(place(path), Ok(CatalogPlace::File(path.into())));
        }
        let digits = "ab".repeat(32);
        for (text, pin) in [
            ("https://c.example/a.yaml", None),
            (
                &*format!("https://c.example/a.yaml#sha256={digits}"),
                Some(&digits),
            ),
        ] {
            let web = WebPlace {
                url: "https://c.example/a.yaml".to_owned(),
                pin: pin.map(|digits| digits.parse().unwrap()),
            };
            assert_eq!(place(text), Ok(CatalogPlace::Web(web)), "{text}");
        }
        for (text, error) in [
            ("", CatalogPlaceError::Empty),
            ("oci://c.example/a", CatalogPlaceError::Reference),
            (
                "ftp://c.example/a",
                CatalogPlaceError::Scheme("ftp".to_owned()),
            ),
            ("https://me@c.example/a", CatalogPlaceError::Credentials),
            ("https://c.example/a#", CatalogPlaceError::Pin),
            ("https://c.example/a#top", CatalogPlaceError::Pin),
            ("https://c.example/a#sha256=abc", CatalogPlaceError::Pin),
        ] {
            assert_eq!(place(text), Err(error), "{text}");
        }
    }
}
