//! What can go wrong between a registry and its users, with what to do about it.

use super::super::http::{Answer, HttpError};
use crate::version::Sha256;

/// A request to a registry that did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OciError {
    /// There was no answer.
    #[error(transparent)]
    NoAnswer(#[from] HttpError),
    /// The registry refused.
    #[error("{url}: the registry answers {status}{said}")]
    Status {
        url: String,
        status: u16,
        /// What it says about it, as `: denied`.
        said: String,
    },
    /// The content is not what its digest says.
    #[error("{url} has the digest sha256:{found}, but sha256:{wanted} was asked for")]
    Digest {
        url: String,
        found: Sha256,
        wanted: Sha256,
    },
    /// The content is not what was expected there.
    #[error("{url}: {reason}")]
    Content { url: String, reason: String },
    /// The registry wants to know who asks.
    #[error("the registry {host} wants a login{}", with_user(user.as_deref()))]
    NoLogin { host: String, user: Option<String> },
    /// Others could read the login.
    #[error("not sending a login to {url} over plain http; use https")]
    PlainLogin { url: String },
    /// The Docker configuration cannot be used.
    #[error("{place}: {reason}")]
    DockerConfig { place: String, reason: String },
}

fn with_user(user: Option<&str>) -> String {
    user.map_or_else(String::new, |user| format!(", and refuses that of {user}"))
}

impl OciError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NoAnswer(_) => "check the network, --mirror and --offline",
            Self::Status { status: 404, .. } => "check the name and the tag",
            Self::Status { .. } => "check the rights of the login in ~/.docker/config.json",
            Self::Digest { .. } => {
                "name the new digest if it was published anew; otherwise somebody has changed it"
            }
            Self::Content { .. } => "is it the right reference?",
            Self::NoLogin { .. } => "log in with docker login, oras login or podman login",
            Self::PlainLogin { .. } => "give the registry a certificate",
            Self::DockerConfig { .. } => "correct it, or log in anew",
        }
    }

    pub(crate) fn content(url: &str, reason: impl Into<String>) -> Self {
        Self::Content {
            url: url.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn docker_config(place: &str, reason: impl Into<String>) -> Self {
        Self::DockerConfig {
            place: place.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn status(url: &str, answer: &Answer) -> Self {
        #[derive(serde::Deserialize)]
        struct Said {
            errors: Vec<Reason>,
        }
        #[derive(serde::Deserialize)]
        struct Reason {
            #[serde(default)]
            message: String,
        }
        let said: Option<Said> = serde_json::from_slice(&answer.body).ok();
        let first = said.and_then(|said| said.errors.into_iter().next());
        Self::Status {
            url: url.to_owned(),
            status: answer.status,
            said: first.map_or_else(String::new, |reason| format!(": {}", reason.message)),
        }
    }
}
