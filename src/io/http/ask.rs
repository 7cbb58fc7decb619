//! One request: what is asked, with what, and whether its answer is kept.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::Secret;

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) body_limit: usize,
    pub(super) bearer: Option<Secret>,
    /// Whom answers are stored for, where that is not the bearer.
    pub(super) identity: Option<String>,
    pub(super) round: u32,
    pub(super) storage: Storage,
    pub(super) is_lasting: bool,
    pub(super) is_once: bool,
    pub(super) elsewhere: Elsewhere,
    /// Whether the first byte is all that is read.
    pub(super) is_first_byte: bool,
}

/// Whether and under whose name an answer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// Under the bearer's name, where there is one.
    Private,
    /// Under nobody's name: the bearer is a token that anybody gets.
    Shared,
    /// Not at all.
    Never,
}

/// What becomes of a request with a secret that a server sends to another host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// It is not sent there.
    NotSent,
    /// It goes there without the secret.
    WithoutSecrets,
}

/// The longest body that is read where the asker says nothing else.
const BODY_LIMIT: usize = 64 << 10;

impl Ask {
    /// Asks for a URL's headers.
    pub fn head(url: &str) -> Self {
        Self::new(Method::HEAD, url)
    }

    /// Asks for a URL's content, of which at most `body_limit` bytes are taken.
    pub fn get(url: &str, body_limit: usize) -> Self {
        Self {
            body_limit,
            ..Self::new(Method::GET, url)
        }
    }

    /// Asks for the first byte of a URL's content: what a HEAD would say, where that is refused. Where the server sends all of
    /// it, the connection is given up.
    pub(crate) fn first_byte(url: &str) -> Self {
        let range = HeaderValue::from_static("bytes=0-0");
        Self {
            body_limit: 1,
            is_first_byte: true,
            ..Self::new(Method::GET, url)
        }
        .with_header(header::RANGE, range)
    }

    /// Sends any method. Only GET and HEAD are repeated, redirected and stored.
    pub fn new(method: Method, url: &str) -> Self {
        Self {
            method,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            body_limit: BODY_LIMIT,
            bearer: None,
            identity: None,
            round: 1,
            storage: Storage::Private,
            is_lasting: false,
            is_once: false,
            elsewhere: Elsewhere::NotSent,
            is_first_byte: false,
        }
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds the media type and the version of GitHub's REST API, by which its answers keep their form.
    #[must_use]
    pub(crate) fn of_github(self) -> Self {
        let accept = HeaderValue::from_static("application/vnd.github+json");
        let version = HeaderName::from_static("x-github-api-version");
        self.with_header(header::ACCEPT, accept)
            .with_header(version, HeaderValue::from_static("2022-11-28"))
    }

    /// Sets how many bytes of the answer are taken.
    #[must_use]
    pub(crate) fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Adds a body to send.
    #[must_use]
    pub fn with_body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// Adds a user's token. The stored answer is found again with the same token only.
    #[must_use]
    pub fn with_bearer(mut self, token: Secret) -> Self {
        self.bearer = Some(token);
        self
    }

    /// Adds a token that anybody gets, as registries hand them out.
    #[must_use]
    pub(crate) fn with_anonymous_bearer(mut self, token: Secret) -> Self {
        self.bearer = Some(token);
        self.storage = Storage::Shared;
        self
    }

    /// Names whom the token stands for, where it is a new one each hour: stored answers are found again by that name.
    #[must_use]
    pub(crate) fn on_behalf_of(mut self, identity: String) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Keeps the answer out of the cache.
    #[must_use]
    pub(crate) fn unstored(mut self) -> Self {
        self.storage = Storage::Never;
        self
    }

    /// Says that the answer does not change any more: one that is stored serves without asking whether it has.
    #[must_use]
    pub(crate) fn lasting(mut self, is_lasting: bool) -> Self {
        self.is_lasting = is_lasting;
        self
    }

    /// Sends the request once, whatever was heard of the host before: the asker has its own rules for pauses and repetitions.
    /// What is missing is not stored.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.is_once = true;
        self
    }

    /// Asks the server itself: no cache on the way is to answer.
    #[must_use]
    pub(crate) fn past_caches(self) -> Self {
        self.with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))
    }

    /// Lets a redirect to another host be followed, without the secret: registries keep their contents elsewhere.
    #[must_use]
    pub(crate) fn leaving_secrets(mut self) -> Self {
        self.elsewhere = Elsewhere::WithoutSecrets;
        self
    }

    /// Returns the same request of nobody.
    pub(super) fn without_secrets(&self) -> Self {
        let mut plain = self.clone();
        plain.bearer = None;
        plain.headers.remove(header::AUTHORIZATION);
        plain
    }

    /// Says that this request waited for the answers of the round before; for the statistics.
    #[must_use]
    pub(crate) fn in_round(mut self, round: u32) -> Self {
        self.round = round;
        self
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Tells whether it carries something that is not for everybody.
    pub(super) fn carries_secret(&self) -> bool {
        let is_private = self.bearer.is_some() && self.storage != Storage::Shared;
        is_private || self.headers.contains_key(header::AUTHORIZATION)
    }

    /// Tells whether the answer has no body to speak of.
    pub(super) fn is_brief(&self) -> bool {
        self.method == Method::HEAD || self.is_first_byte
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// Returns the name of the answer in the cache.
    pub(super) fn key(&self) -> Option<String> {
        let identity = match self.storage {
            Storage::Never => return None,
            Storage::Shared => None,
            Storage::Private => {
                let bearer = self.bearer.as_ref().map(Secret::expose);
                self.identity.as_deref().or(bearer)
            }
        };
        // Another's answer must not be found again: without a name for the asker, a signed one is not stored.
        let is_nameable = identity.is_some() || !self.headers.contains_key(header::AUTHORIZATION);
        let what = if self.is_first_byte {
            "first byte"
        } else {
            self.method.as_str()
        };
        (self.is_repeatable() && is_nameable).then(|| super::cache::key(what, &self.url, identity))
    }
}
