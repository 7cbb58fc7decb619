//! The one HTTP client: mirrors, disk cache with validators, retries, pacing and a circuit per host. It knows no source
//! and reads no environment; whoever asks decides what a status means.

mod cache;
mod error;
mod github;
mod hosts;
mod inside;
mod link;
mod mirror;
mod pace;
mod progress;
mod retry;
mod secret;
mod transport;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use cache::{Cache, Stored};
use mirror::MirroredBy;
use transport::Transport;

pub use error::HttpError;
pub use mirror::{Mirror, MirrorError, Mirrors};
pub use pace::Pace;
pub use secret::{Secret, conceal};
pub use transport::HttpStats;

pub(crate) use error::redact;
pub(crate) use link::find_next as find_next_link;
pub(crate) use secret::held;
pub(crate) use transport::is_safe_for_tokens;

/// How the client behaves. `HttpSettings::default()` has no cache, no mirrors and no token.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where answers are kept between runs.
    pub cache_dir: Option<PathBuf>,
    /// URL prefixes that are answered elsewhere; they hold for followed redirects too.
    pub mirrors: Mirrors,
    /// Whether only the cache may answer.
    pub offline: bool,
    /// How many requests are under way at most.
    pub max_concurrent: usize,
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
    /// Keys for S3 stores that are listed and not public.
    pub s3_credentials: Option<S3Credentials>,
    /// Whether proxies named in the environment are used.
    pub system_proxy: bool,
    /// Whether stderr tells what is asked: a line that moves on a terminal, and one in a while elsewhere.
    pub progress: bool,
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
            max_concurrent: 16,
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
            s3_credentials: None,
            system_proxy: true,
            progress: false,
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    body_limit: usize,
    basic_user: Option<String>,
    bearer: Option<Secret>,
    /// Whom answers are stored for, where that is not the bearer.
    identity: Option<String>,
    round: u32,
    storage: Storage,
    is_lasting: bool,
    is_once: bool,
    /// Whether the first byte is all that is read.
    is_first_byte: bool,
}

/// Whether and under whose name an answer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    /// Under the bearer's name, where there is one.
    Private,
    /// Under nobody's name: the bearer is a token that anybody gets.
    Shared,
    /// Not at all.
    Never,
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
    pub fn first_byte(url: &str) -> Self {
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
            basic_user: None,
            bearer: None,
            identity: None,
            round: 1,
            storage: Storage::Private,
            is_lasting: false,
            is_once: false,
            is_first_byte: false,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets how many bytes of the answer are taken.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
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

    /// Adds a user's token as a password, as git servers want it.
    #[must_use]
    pub fn with_basic(mut self, user: &str, token: Secret) -> Self {
        self.bearer = Some(token);
        self.basic_user = Some(user.to_owned());
        self
    }

    /// Adds a token that anybody gets, as registries hand them out.
    #[must_use]
    pub fn with_anonymous_bearer(mut self, token: Secret) -> Self {
        self.bearer = Some(token);
        self.storage = Storage::Shared;
        self
    }

    /// Names whom the token stands for, where it is a new one each hour: stored answers are found again by that name.
    #[must_use]
    pub fn on_behalf_of(mut self, identity: String) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Keeps the answer out of the cache.
    #[must_use]
    pub fn unstored(mut self) -> Self {
        self.storage = Storage::Never;
        self
    }

    /// Says that the answer does not change any more: one that is stored serves without asking whether it has.
    #[must_use]
    pub fn lasting(mut self, is_lasting: bool) -> Self {
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

    /// Says that this request waited for the answers of the round before; for the statistics.
    #[must_use]
    pub fn in_round(mut self, round: u32) -> Self {
        self.round = round;
        self
    }

    /// Returns the URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Tells whether it carries something that is not for everybody.
    fn carries_secret(&self) -> bool {
        let is_private = self.bearer.is_some() && self.storage != Storage::Shared;
        is_private || self.headers.contains_key(header::AUTHORIZATION)
    }

    /// Tells whether the answer has no body to speak of.
    fn is_brief(&self) -> bool {
        self.method == Method::HEAD || self.is_first_byte
    }

    fn is_repeatable(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// Returns the name of the answer in the cache.
    fn key(&self) -> Option<String> {
        let identity = match self.storage {
            Storage::Never => return None,
            Storage::Shared => None,
            Storage::Private => {
                let bearer = self.bearer.as_ref().map(Secret::expose);
                bearer.map(|bearer| self.identity.as_deref().unwrap_or(bearer))
            }
        };
        let private = identity.is_some() || !self.headers.contains_key(header::AUTHORIZATION);
        let what = if self.is_first_byte {
            "first byte"
        } else {
            self.method.as_str()
        };
        (self.is_repeatable() && private).then(|| cache::key(what, &self.url, identity))
    }
}

/// What a server said.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The URL that answered in the end, after redirects and mirrors.
    pub url: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty for HEAD.
    pub body: Bytes,
    /// Whether the body comes from the cache: the server said that it has not changed, or nobody was asked.
    pub is_stored: bool,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("url", &redact(&self.url))
            .field("body_bytes", &self.body.len())
            .field("is_stored", &self.is_stored)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// Returns a header's text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the moment of the Last-Modified header.
    pub fn last_modified(&self) -> Option<Timestamp> {
        retry::parse_http_date(self.header(&header::LAST_MODIFIED)?)
    }

    /// Returns the moment of the Date header: the server's own clock.
    pub fn date(&self) -> Option<Timestamp> {
        retry::parse_http_date(self.header(&header::DATE)?)
    }

    /// Returns how long the server asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry::find_pause(self)
    }

    /// Returns the size of the Content-Length header.
    pub fn content_length(&self) -> Option<u64> {
        self.header(&header::CONTENT_LENGTH)?.parse().ok()
    }

    /// Returns the size of the whole content, which an answer with the first byte tells beside it.
    pub fn whole_length(&self) -> Option<u64> {
        match self.status {
            206 => {
                let (_, whole) = self.header(&header::CONTENT_RANGE)?.rsplit_once('/')?;
                whole.trim().parse().ok()
            }
            _ => self.content_length(),
        }
    }

    /// Returns the next page's URL of the Link header, for a list that was asked for at `asked`; the error says why that page
    /// is not asked for.
    pub fn next_page(&self, asked: &str) -> Result<Option<String>, String> {
        let target = find_next_link(&self.headers);
        let resolved = target.map(|target| link::resolve(target, asked, &self.url));
        resolved.transpose()
    }
}

/// The one HTTP client. Copies share everything but the time that they have.
#[derive(Clone)]
pub struct HttpClient {
    shared: Arc<Shared>,
    deadline: Option<Deadline>,
}

/// When a client has to stop asking.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    until: Instant,
    /// The time that there was, to be named.
    limit: Duration,
}

struct Shared {
    settings: HttpSettings,
    cache: OnceLock<Option<Cache>>,
    transport: Transport,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Makes a client. Nothing is loaded and nobody is asked before the first request.
    pub fn new(settings: HttpSettings) -> Self {
        let transport = Transport::new(&settings);
        Self {
            shared: Arc::new(Shared {
                settings,
                cache: OnceLock::new(),
                transport,
            }),
            deadline: None,
        }
    }

    /// Returns a copy that asks for as long as all sources may take together, from now on. Needs a tokio runtime.
    pub(crate) fn for_sources(&self) -> Self {
        let limit = self.shared.settings.sources_timeout;
        Self {
            shared: Arc::clone(&self.shared),
            deadline: limit.map(|limit| Deadline {
                until: Instant::now() + limit,
                limit,
            }),
        }
    }

    /// Returns the settings.
    pub fn settings(&self) -> &HttpSettings {
        &self.shared.settings
    }

    /// Returns what has been sent and received so far.
    pub fn stats(&self) -> HttpStats {
        self.shared.transport.stats()
    }

    /// Returns the URL that is really asked without a secret, after mirrors.
    pub(crate) fn mirrored(&self, url: &str) -> String {
        self.shared.settings.mirrors.rewrite(url).url
    }

    /// Returns the URL that is really asked with a secret, after mirrors of the command line.
    pub(crate) fn mirrored_with_secret(&self, url: &str) -> String {
        self.shared.settings.mirrors.rewrite_with_secret(url).url
    }

    /// Tells whether a repository's configuration has a say in where this URL is asked: then no secret goes there.
    fn is_mirrored_by_file(&self, url: &str) -> bool {
        let mirrors = &self.shared.settings.mirrors;
        mirrors.rewrite(url).by == MirroredBy::File
    }

    /// Sends a request, or answers it from the cache where the server says that nothing has changed.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, HttpError> {
        let key = ask.key();
        let is_offline = self.shared.settings.offline;
        // A HEAD transfers no body, so asking for it anew costs nothing more than asking whether it has changed.
        let is_useful = is_offline || !ask.is_brief();
        let stored = key.as_deref().filter(|_| is_useful);
        let stored = stored.and_then(|key| self.find_stored(key));
        if is_offline {
            let answer = stored.map(|stored| stored.answer);
            return match answer {
                Some(answer) => {
                    self.shared.transport.count_stored();
                    Ok(answer)
                }
                None => Err(HttpError::NotCached {
                    url: redact(&ask.url),
                }),
            };
        }
        if let Some(stored) = &stored
            && !ask.is_once
            && self.is_still_missing(&ask, stored).await
        {
            return Ok(stored.answer.clone());
        }
        let asked = self.shared.transport.rewrite(&ask, &ask.url);
        let stored = stored.filter(|stored| stored.asked == asked && stored.answer.status == 200);
        if let Some(stored) = stored.as_ref().filter(|_| ask.is_lasting) {
            self.shared.transport.count_stored();
            return Ok(stored.answer.clone());
        }
        let mut conditional = ask.clone();
        if let Some(stored) = &stored {
            add_validators(&mut conditional.headers, &stored.answer.headers);
        }
        let answer = self.exchange(&conditional).await?;
        if answer.status == 304
            && let Some(stored) = stored
        {
            self.shared.transport.count_unchanged();
            return Ok(refresh(stored.answer, &answer.headers));
        }
        if let (Some(cache), Some(key)) = (self.cache(), &key)
            && is_worth_storing(&ask, &answer)
            && !is_telling(&answer)
        {
            cache.store(key, &asked, &answer);
        }
        Ok(answer)
    }

    /// Downloads what a URL stands for, keeping nothing of it, and returns its SHA-256 as 64 digits.
    pub async fn sha256(&self, url: &str) -> Result<String, HttpError> {
        self.digest::<sha2::Sha256>(url).await
    }

    /// Downloads what a URL stands for, keeping nothing of it, and returns its SHA-512 as 128 digits.
    pub async fn sha512(&self, url: &str) -> Result<String, HttpError> {
        self.digest::<sha2::Sha512>(url).await
    }

    async fn digest<D: sha2::Digest>(&self, url: &str) -> Result<String, HttpError> {
        // The HEAD follows redirects and retries; the long download asks the one URL that answered.
        let mut found = self.ask(Ask::head(url)).await?;
        if is_refused_head(found.status) {
            found = self.ask(Ask::first_byte(url)).await?;
        }
        if self.shared.settings.offline {
            return Err(HttpError::NotCached { url: redact(url) });
        }
        self.shared.transport.digest::<D>(&found.url).await
    }

    fn find_stored(&self, key: &str) -> Option<Stored> {
        self.cache()?.find(key)
    }

    /// Returns the cache; the first use makes its folder.
    fn cache(&self) -> Option<&Cache> {
        let open = || {
            self.shared
                .settings
                .cache_dir
                .as_deref()
                .and_then(Cache::open)
        };
        self.shared.cache.get_or_init(open).as_ref()
    }

    /// Asks by HEAD whether what was missing last time still is, so that no error page is transferred again.
    async fn is_still_missing(&self, ask: &Ask, stored: &Stored) -> bool {
        if !is_absent(stored.answer.status) {
            return false;
        }
        let mut head = ask.clone();
        head.method = Method::HEAD;
        let answer = self.exchange(&head).await;
        answer.is_ok_and(|answer| is_absent(answer.status))
    }

    async fn exchange(&self, ask: &Ask) -> Result<Answer, HttpError> {
        let Some(Deadline { until, limit }) = self.deadline else {
            return self.exchange_at_leisure(ask).await;
        };
        // What is answered from a cache or at once still counts, so the deadline is looked at here and not before.
        let answered = timeout_at(until, self.exchange_at_leisure(ask)).await;
        answered.unwrap_or_else(|_| {
            Err(HttpError::OutOfTime {
                url: redact(&ask.url),
                limit,
            })
        })
    }

    async fn exchange_at_leisure(&self, ask: &Ask) -> Result<Answer, HttpError> {
        if ask.is_once {
            return self.shared.transport.follow(ask).await;
        }
        retry::exchange(&self.shared.transport, &self.shared.settings, ask).await
    }
}

/// Tells whether a HEAD may be refused where a GET is not: a signed URL is for one method, and some servers know only that one.
pub(crate) fn is_refused_head(status: u16) -> bool {
    matches!(status, 403 | 405 | 501)
}

fn is_absent(status: u16) -> bool {
    matches!(status, 404 | 410)
}

fn add_validators(headers: &mut HeaderMap, stored: &HeaderMap) {
    if let Some(tag) = stored.get(header::ETAG) {
        headers.insert(header::IF_NONE_MATCH, tag.clone());
    }
    if let Some(day) = stored.get(header::LAST_MODIFIED) {
        headers.insert(header::IF_MODIFIED_SINCE, day.clone());
    }
}

/// Returns a stored answer with what a server says of its budget now.
fn refresh(mut stored: Answer, now: &HeaderMap) -> Answer {
    let stale: Vec<HeaderName> = stored
        .headers
        .keys()
        .filter(|name| is_of_budget(name))
        .cloned()
        .collect();
    for name in stale {
        stored.headers.remove(name);
    }
    for (name, value) in now.iter().filter(|(name, _)| is_of_budget(name)) {
        stored.headers.insert(name.clone(), value.clone());
    }
    stored
}

/// Tells whether a server sends a secret back, which is not to lie on a disk.
fn is_telling(answer: &Answer) -> bool {
    let headers = answer.headers.values().map(HeaderValue::as_bytes);
    let mut texts = headers.chain([answer.url.as_bytes(), &answer.body]);
    texts.any(secret::is_telling)
}

fn is_of_budget(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-ratelimit-") || *name == header::DATE
}

/// Tells whether an answer can serve again: what is there, and what is not. A store without listing says 403 for the latter.
fn is_worth_storing(ask: &Ask, answer: &Answer) -> bool {
    let control = answer.header(&header::CACHE_CONTROL).unwrap_or_default();
    let lasting = match answer.status {
        200 => true,
        404 | 410 => !ask.is_once,
        206 | 403 | 405 | 416 | 501 => ask.is_brief(),
        _ => false,
    };
    lasting && !control.contains("no-store")
}
