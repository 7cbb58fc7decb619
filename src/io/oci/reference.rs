//! Where an artifact is: `oci://registry.example.org/team/catalog:daily`, or `@sha256:...` for no other content. Without either it is
//! where all artifacts of a repository are.

use std::fmt;
use std::str::FromStr;

use crate::version::Sha256;

/// A place in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    repository: RepositoryName,
    tag: Option<String>,
    digest: Option<Sha256>,
}

/// A repository of a registry: `oci://registry.example.org/team/cluster-stacks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RepositoryName {
    host: String,
    name: String,
}

/// A text that names no repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected oci://REGISTRY/REPOSITORY, without a tag")]
pub(crate) struct RepositoryNameError;

impl FromStr for RepositoryName {
    type Err = RepositoryNameError;

    fn from_str(text: &str) -> Result<Self, RepositoryNameError> {
        // csctl's variable has no scheme.
        let place = text.strip_prefix(SCHEME).unwrap_or(text);
        let (host, name) = place.split_once('/').ok_or(RepositoryNameError)?;
        (is_host(host) && is_name(name))
            .then(|| Self {
                host: host.to_owned(),
                name: name.to_owned(),
            })
            .ok_or(RepositoryNameError)
    }
}

impl RepositoryName {
    /// Returns the host as it was written, with its port where it has one.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the host that answers: Docker Hub has two names.
    pub(super) fn api_host(&self) -> &str {
        match self.host.as_str() {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            host => host,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the reference to a tag in it; nothing where no registry can have such a tag.
    pub(crate) fn tagged(&self, tag: &str) -> Option<Reference> {
        is_tag(tag).then(|| Reference {
            repository: self.clone(),
            tag: Some(tag.to_owned()),
            digest: None,
        })
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.host, self.name)
    }
}

/// A text that is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected oci://REGISTRY/REPOSITORY:TAG or oci://REGISTRY/REPOSITORY@sha256:DIGEST")]
pub(crate) struct ReferenceError;

/// What references begin with.
pub(crate) const SCHEME: &str = "oci://";

const LONGEST_TAG: usize = 128;

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let rest = text.strip_prefix(SCHEME).ok_or(ReferenceError)?;
        let (place, digest) = match rest.split_once('@') {
            Some((place, digest)) => {
                let digits = digest.strip_prefix("sha256:").ok_or(ReferenceError)?;
                (place, Some(digits.parse().map_err(|_| ReferenceError)?))
            }
            None => (rest, None),
        };
        let (host, path) = place.split_once('/').ok_or(ReferenceError)?;
        let (name, tag) = match path.split_once(':') {
            Some((name, tag)) => (name, Some(tag.to_owned())),
            None => (path, None),
        };
        let is_whole = tag.is_some() || digest.is_some();
        if is_whole && is_host(host) && is_name(name) && tag.as_deref().is_none_or(is_tag) {
            Ok(Self {
                repository: RepositoryName {
                    host: host.to_owned(),
                    name: name.to_owned(),
                },
                tag,
                digest,
            })
        } else {
            Err(ReferenceError)
        }
    }
}

/// Tells whether a text is a host, with its port or without.
fn is_host(text: &str) -> bool {
    url::Url::parse(&format!("https://{text}/")).is_ok_and(|url| {
        url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
    }) && !text.is_empty()
}

/// Tells whether a text is a name of a repository. Source: the distribution specification.
fn is_name(text: &str) -> bool {
    text.split('/').all(is_name_part)
}

fn is_name_part(part: &str) -> bool {
    part.bytes().next().is_some_and(is_lower_or_digit)
        && part.bytes().last().is_some_and(is_lower_or_digit)
        && part
            .bytes()
            .all(|byte| is_lower_or_digit(byte) || b"._-".contains(&byte))
}

fn is_lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_word_sign(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_tag(text: &str) -> bool {
    text.len() <= LONGEST_TAG
        && text.bytes().next().is_some_and(is_word_sign)
        && text
            .bytes()
            .all(|byte| is_word_sign(byte) || b".-".contains(&byte))
}

impl Reference {
    /// Returns the repository that it is in.
    pub(crate) fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// Returns the digest, where no other content is meant.
    pub(crate) fn digest(&self) -> Option<&Sha256> {
        self.digest.as_ref()
    }

    /// Returns the tag.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns what is asked for: the digest, else the tag.
    pub(super) fn target(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("sha256:{digest}"),
            (None, tag) => tag.clone().unwrap_or_default(),
        }
    }

    /// Returns the reference to this content alone.
    pub(crate) fn pinned(&self, digest: &Sha256) -> String {
        format!("{}@sha256:{digest}", self.repository)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@sha256:{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_read_with_the_scheme_and_without() {
        for text in ["r.example/team/stacks", "oci://r.example/team/stacks"] {
            let read: RepositoryName = text.parse().unwrap();
            assert_eq!(read.to_string(), "oci://r.example/team/stacks");
        }
        for text in [
            "",
            "stacks",
            "https://r.example/a",
            "r.example/a:1",
            "r.example/A",
            "me@r.example/a",
        ] {
            assert_eq!(
                text.parse::<RepositoryName>(),
                Err(RepositoryNameError),
                "{text}"
            );
        }
        let name: RepositoryName = "r.example/a".parse().unwrap();
        assert_eq!(name.tagged("v 1"), None);
        assert_eq!(
            name.tagged("v1").unwrap().to_string(),
            "oci://r.example/a:v1"
        );
    }

    #[test]
    fn references_are_read_and_written() {
        let digits = "ab".repeat(32);
        for text in [
            "oci://registry.example.org/team/catalog:daily",
            "oci://localhost:5000/a:1",
            "oci://[::1]:5000/a:1",
            &format!("oci://r.example/a@sha256:{digits}"),
            &format!("oci://r.example/a/b.c:x@sha256:{digits}"),
        ] {
            let read: Reference = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        for text in [
            "",
            "r.example/a:1",
            "oci://r.example",
            "oci://r.example/a",
            "oci://r.example/A:1",
            "oci://r.example/a:",
            "oci://r.example/a:-x",
            "oci://r.example/../a:1",
            "oci://r.example//a:1",
            "oci://me:word@r.example/a:1",
            "oci:///a:1",
            "oci://r.example/a@sha256:12",
            "oci://r.example/a@sha512:12",
        ] {
            assert_eq!(text.parse::<Reference>(), Err(ReferenceError), "{text}");
        }
    }
}
