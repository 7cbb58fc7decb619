//! The one HTTP client: mirrors, disk cache with validators, retries, pacing and a circuit per host. It knows no source
//! and reads no environment; whoever asks decides what a status means.

mod answer;
mod ask;
mod cache;
mod error;
mod hosts;
mod inside;
mod lanes;
mod link;
mod mirror;
mod pace;
mod progress;
mod retry;
mod secret;
mod set_up;
mod settings;
mod transport;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::time::{Instant, timeout_at};

use cache::{Cache, Stored};
use mirror::MirroredBy;
use transport::Transport;

pub use answer::Answer;
pub use ask::Ask;
pub use error::HttpError;
pub use mirror::{Mirror, MirrorError, Mirrors};
pub use pace::Pace;
pub use secret::Secret;
pub(crate) use secret::{conceal, held};
pub use set_up::SetUp;
pub use settings::{HttpSettings, S3Credentials, Trust};
pub use transport::HttpStats;

pub(crate) use error::redact;
pub(crate) use link::find_next as find_next_link;
pub(crate) use transport::is_safe_for_tokens;

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
        Self::of_set_up(settings, SetUp::default())
    }

    /// Makes a client that waits for a set-up which was begun with the same settings, but for mirrors.
    pub(crate) fn of_set_up(settings: HttpSettings, set_up: SetUp) -> Self {
        let transport = Transport::new(&settings, set_up);
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
    pub(super) fn is_mirrored_by_file(&self, url: &str) -> bool {
        let mirrors = &self.shared.settings.mirrors;
        mirrors.rewrite(url).by == MirroredBy::File
    }

    /// Sends a request, or answers it from the cache where the server says that nothing has changed.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, HttpError> {
        let key = ask.key();
        let is_offline = self.shared.settings.offline;
        // A HEAD transfers no body, so asking for it anew costs nothing more than asking whether it has changed.
        let is_useful = is_offline || !ask.is_brief();
        let stored = key
            .as_deref()
            .filter(|_| is_useful)
            .and_then(|key| self.cache()?.find(key));
        if is_offline {
            let Some(stored) = stored else {
                let url = redact(&ask.url);
                return Err(HttpError::NotCached { url });
            };
            self.shared.transport.count_stored();
            return Ok(stored.answer);
        }
        // Who asks once counts requests, and this would be another one.
        if let Some(stored) = &stored
            && !ask.is_once
            && self.is_still_missing(&ask, stored).await
        {
            return Ok(stored.answer.clone());
        }
        let asked = self.shared.transport.rewrite(&ask, &ask.url);
        // What another mirror answered has validators of that mirror.
        let fresh = stored.filter(|stored| stored.asked == asked && stored.answer.status == 200);
        if let Some(stored) = fresh.as_ref().filter(|_| ask.is_lasting) {
            self.shared.transport.count_stored();
            return Ok(stored.answer.clone());
        }
        let mut conditional = ask.clone();
        if let Some(stored) = &fresh {
            add_validators(&mut conditional.headers, &stored.answer.headers);
        }
        let answer = self.exchange(&conditional).await?;
        if answer.status == 304
            && let Some(stored) = fresh
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

    /// Downloads what a URL stands for, keeping nothing of it, and returns its MD5 as 32 digits.
    pub async fn md5(&self, url: &str) -> Result<String, HttpError> {
        self.digest::<md5::Md5>(url).await
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

    /// Returns the cache; the first use makes its folder.
    fn cache(&self) -> Option<&Cache> {
        let folder = self.shared.settings.cache_dir.as_deref();
        let cache = &self.shared.cache;
        cache.get_or_init(|| folder.and_then(Cache::open)).as_ref()
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

    /// Finds what was noted of a URL, as it is asked now: what another mirror said is of that mirror.
    pub(crate) fn find_note(&self, url: &str) -> Option<String> {
        let stored = self.cache()?.find(&note_key(url))?;
        let text = (stored.asked == self.mirrored(url)).then_some(stored.answer.body)?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// Keeps a note of a URL beside its answers.
    pub(crate) fn keep_note(&self, url: &str, text: String) {
        let note = Answer {
            status: 200,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: text.into(),
            is_stored: true,
        };
        if let Some(cache) = self.cache()
            && !is_telling(&note)
        {
            cache.store(&note_key(url), &self.mirrored(url), &note);
        }
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

/// Returns the name that a note of a URL has in the cache.
fn note_key(url: &str) -> String {
    cache::key("note", url, None)
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
