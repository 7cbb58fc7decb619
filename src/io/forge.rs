//! GitHub through octocrab: branches, pull requests, labels, comments, checks, merging. It tells what is there and does what it is
//! told; what should be done is decided elsewhere.
//!
//! Nothing that changes something is sent twice blindly: a lost answer is answered by looking whether the work was done.

mod adapter;
mod app;
mod channel;
mod checks;
mod clock;
mod commits;
mod error;
mod exchange;
mod model;
mod pulls;
mod refs;
mod releases;
mod request;
mod talk;
mod tokens;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::io::http::{HttpClient, Secret};
use adapter::Adapter;
use channel::Channel;

pub use checks::{Protection, RequiredCheck};
pub use clock::Clock;
pub use commits::{ApiCommit, ApiFile, CreatedCommit};
pub use error::{Cause, ForgeError, ForgeRefusal};
pub use model::{CheckApp, CheckRun, Comment, CommitStatus, MergeMethod, RepositoryInfo, Review};
pub use pulls::{Created, NewPull, PullChange, PullQuery};
pub use refs::Swap;
pub use talk::Viewer;
pub use tokens::Tokens;

/// GitHub's own API.
pub(crate) const GITHUB_API: &str = "https://api.github.com";

/// Who asks.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody: public repositories can be read.
    None,
    /// A token of any kind.
    Token(Secret),
    /// A GitHub App, whose installation's token is fetched when it is needed.
    App {
        /// The App's client id or number.
        id: String,
        /// The installation's number; it is looked up by the repository where it is missing.
        installation: Option<u64>,
        /// The private key in PEM.
        key: Secret,
    },
}

/// What a token is, as its first letters tell. Source: "GitHub's token formats".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// None at all.
    None,
    /// A classic personal access token.
    Classic,
    /// A fine-grained personal access token.
    FineGrained,
    /// Of an App's installation, as `GITHUB_TOKEN` in Actions is too.
    Installation,
    /// Of a user through an App.
    User,
    /// Of a form that is not known, as old tokens are.
    Unknown,
}

impl From<Option<Secret>> for Credentials {
    fn from(token: Option<Secret>) -> Self {
        token.map_or(Self::None, Self::Token)
    }
}

impl Credentials {
    /// Returns the credentials of an App; nothing where the key is no RSA key in PEM.
    pub fn of_app(id: &str, installation: Option<u64>, key: Secret) -> Option<Self> {
        app::find_signer(&key)?;
        Some(Self::App {
            id: id.to_owned(),
            installation,
            key,
        })
    }

    /// Tells whether nobody asks.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Returns what kind of token is sent.
    pub fn kind(&self) -> TokenKind {
        let token = match self {
            Self::None => return TokenKind::None,
            Self::App { .. } => return TokenKind::Installation,
            Self::Token(token) => token.expose(),
        };
        let kinds = [
            ("ghp_", TokenKind::Classic),
            ("github_pat_", TokenKind::FineGrained),
            ("ghs_", TokenKind::Installation),
            ("gho_", TokenKind::User),
            ("ghu_", TokenKind::User),
        ];
        let found = kinds.iter().find(|(start, _)| token.starts_with(start));
        found.map_or(TokenKind::Unknown, |(_, kind)| *kind)
    }
}

/// Which repository, as whom, at what pace.
#[derive(Debug, Clone)]
pub struct ForgeSettings {
    /// `https://api.github.com`, or `https://HOST/api/v3` of GitHub Enterprise.
    pub base: String,
    /// The owner of the repository.
    pub owner: String,
    /// The name of the repository.
    pub repository: String,
    /// Who asks.
    pub credentials: Credentials,
    /// The pause between two requests that change something.
    pub write_pause: Duration,
    /// How long the whole run may wait for rate limits.
    pub longest_wait: Duration,
    /// The clock that pauses are made with.
    pub clock: Clock,
}

impl ForgeSettings {
    /// Returns the settings for a repository on `github.com`, at GitHub's pace.
    pub fn new(owner: &str, repository: &str, credentials: Credentials) -> Self {
        Self {
            base: GITHUB_API.to_owned(),
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            credentials,
            write_pause: Duration::from_secs(1),
            longest_wait: Duration::from_secs(15 * 60),
            clock: Clock::system(),
        }
    }
}

/// What the requests so far have cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// Requests that were sent, repetitions included.
    pub requests: u32,
    /// Answers that GitHub said have not changed; they cost nothing of the budget.
    pub from_cache: u32,
    /// Requests that can change something.
    pub writes: u32,
    /// How many requests the token has per hour.
    pub limit: Option<u32>,
    /// How many are left.
    pub remaining: Option<u32>,
    /// When all of them are back.
    pub reset: Option<Timestamp>,
}

/// A repository on GitHub.
pub struct GitHub {
    settings: ForgeSettings,
    channel: Arc<Channel>,
    adapter: Adapter,
    /// The repository's name in GraphQL.
    node_id: tokio::sync::OnceCell<String>,
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl GitHub {
    /// Makes a client for a repository. Nobody is asked before the first request, which needs a tokio runtime.
    pub fn new(client: &HttpClient, settings: &ForgeSettings) -> Self {
        // Paths begin with a slash.
        let own = ForgeSettings {
            base: settings.base.trim_end_matches('/').to_owned(),
            ..settings.clone()
        };
        let channel = Arc::new(Channel::new(client, &own));
        Self {
            adapter: Adapter::new(&channel),
            channel,
            settings: own,
            node_id: tokio::sync::OnceCell::new(),
        }
    }

    /// Returns the settings.
    pub fn settings(&self) -> &ForgeSettings {
        &self.settings
    }

    /// Waits until the forge may be changed by other means, which keeps the pause between two writes.
    pub(crate) async fn await_write(&self) {
        self.channel.await_write().await;
    }

    /// Returns what the requests so far have cost.
    pub fn budget(&self) -> Budget {
        self.channel.budget()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_its_kind_and_not_itself() {
        let kind = |text: &str| Credentials::Token(Secret::new(text).unwrap()).kind();
        assert_eq!(kind("github_pat_x"), TokenKind::FineGrained);
        assert_eq!(kind("ghs_x"), TokenKind::Installation);
        assert_eq!(kind("0123456789abcdef"), TokenKind::Unknown);
        let credentials = Credentials::Token(Secret::new("ghp_hidden").unwrap());
        let settings = ForgeSettings::new("acme", "stacks", credentials);
        let client = HttpClient::new(crate::io::http::HttpSettings::default());
        let shown = format!("{settings:?} {:?}", GitHub::new(&client, &settings));
        assert!(
            !shown.contains("hidden") && shown.contains("acme"),
            "{shown}"
        );
    }
}
