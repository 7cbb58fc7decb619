//! How the client behaves: its bounds, its cache and what it may send along.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Mirrors, Pace, Secret};

/// How the client behaves. `HttpSettings::default()` has no cache, no mirrors and no token.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where answers are kept between runs.
    pub cache_dir: Option<PathBuf>,
    /// URL prefixes that are answered elsewhere; they hold for followed redirects too.
    pub mirrors: Mirrors,
    /// Whether only the cache may answer.
    pub offline: bool,
    /// How long a store's image that was not there is taken not to be there, while the store's pointer stays as it is;
    /// zero to ask for all of them.
    pub absence_age: Duration,
    /// How many requests are under way to a host of which nothing is known yet.
    pub first_concurrent: usize,
    /// How many are under way to one host at most.
    pub max_concurrent: usize,
    /// How many at most where each of them takes a connection.
    pub max_connections: usize,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a server may be silent within an answer.
    pub read_timeout: Duration,
    /// How long one request may take with its whole answer.
    pub total_timeout: Duration,
    /// How long all sources of a catalog may take together; nothing for as long as it takes.
    pub sources_timeout: Option<Duration>,
    /// The slowest that a body may come.
    pub least_pace: Pace,
    /// How long a host may let requests wait in vain, repetitions included.
    pub patience: Duration,
    /// How often a GET or HEAD is repeated after a fault of the connection, a 5xx or a 429.
    pub retries: u32,
    /// The pause before the first repetition; it doubles each time.
    pub retry_pause: Duration,
    /// The longest pause a server may ask for; where it asks for more, its answer stands.
    pub longest_pause: Duration,
    /// The token for GitHub's API.
    pub github_token: Option<Secret>,
    /// Docker's configuration, with the logins for registries.
    pub docker_config: Option<PathBuf>,
    /// Keys for S3 stores that are listed and not public.
    pub s3_credentials: Option<S3Credentials>,
    /// Whether proxies named in the environment are used.
    pub system_proxy: bool,
    /// Whose certificates servers may show.
    pub trust: Trust,
    /// Whether stderr tells what is asked: a line that moves on a terminal, and one in a while elsewhere.
    pub progress: bool,
}

/// Whose certificates a server may show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that the system trusts.
    #[default]
    System,
    /// Those of these authorities alone, in PEM format.
    Authorities(Arc<str>),
    /// Anybody's, as somebody has asked for.
    Anybody,
}

/// Keys of an S3 store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Credentials {
    /// The access key's name.
    pub access_key_id: String,
    /// The secret key.
    pub secret_access_key: Secret,
    /// The token of temporary keys.
    pub session_token: Option<Secret>,
    /// The region the signature is made for; many stores take any.
    pub region: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            cache_dir: None,
            mirrors: Mirrors::default(),
            offline: false,
            absence_age: Duration::from_secs(24 * 60 * 60),
            first_concurrent: 24,
            max_concurrent: 64,
            max_connections: 48,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(300),
            sources_timeout: Some(Duration::from_secs(120)),
            least_pace: Pace::LEAST,
            patience: Duration::from_secs(45),
            retries: 2,
            retry_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
            github_token: None,
            docker_config: None,
            s3_credentials: None,
            system_proxy: true,
            trust: Trust::System,
            progress: false,
        }
    }
}
