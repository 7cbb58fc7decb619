//! With what a registry is asked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use serde_json::{Map, json};

use super::docker::{Login, docker_name};
use super::reference::RepositoryName;
use crate::io::http::Secret;

/// How a registry is reached, and as whom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    /// Who asks.
    pub(crate) key: Key,
    /// Whether it is asked by plain http, as it has no certificate. Nobody's login goes there, but to this machine.
    pub(crate) is_plain: bool,
}

/// Who asks a registry.
#[derive(Debug, Clone, Default)]
pub(crate) enum Key {
    /// Whoever Docker's configuration has a login of.
    #[default]
    Docker,
    /// Somebody with a user name and a password.
    Login(Login),
    /// Who has this token.
    Token(Secret),
}

impl Key {
    /// Returns a configuration of Docker that has this for a registry and nothing else; nothing where Docker's own is meant.
    pub(crate) fn docker_config(&self, name: &RepositoryName) -> Option<String> {
        let shown = match self {
            Self::Docker => return None,
            Self::Login(login) => json!({ "auth": login.pair() }),
            Self::Token(_) => json!({ "registrytoken": self.bearer()?.expose() }),
        };
        let mut auths = Map::new();
        auths.insert(docker_name(name.api_host()).to_owned(), shown);
        Some(json!({ "auths": auths }).to_string())
    }

    pub(super) fn login(&self) -> Option<&Login> {
        match self {
            Self::Login(login) => Some(login),
            Self::Docker | Self::Token(_) => None,
        }
    }

    /// Returns the token as it is shown. GitHub's registry takes a personal token in base64 alone, and csctl sends every token so.
    pub(super) fn bearer(&self) -> Option<Secret> {
        match self {
            Self::Token(token) => Secret::new(&STANDARD.encode(token.expose())),
            Self::Docker | Self::Login(_) => None,
        }
    }
}
