//! Sends one request along its redirects and reads the answer within its bounds. It neither repeats nor remembers answers.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, Version, header};
use sha2::Digest;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use super::ask::Elsewhere;
use super::error::redact_target;
use super::hosts::Hosts;
use super::lanes::{Lanes, Limits, Start, Streams, Turn};
use super::pace::PacedBody;
use super::progress::Progress;
use super::set_up::{BuiltClient, SetUp, build_client};
use super::{Answer, Ask, HttpError, HttpSettings, inside, redact};

/// How many redirects are followed.
const MAX_REDIRECTS: u32 = 5;

/// What has been sent and received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HttpStats {
    /// Requests that went over the wire, redirects and repetitions included.
    pub requests: u64,
    /// Answers of which the server said that they have not changed.
    pub unchanged: u64,
    /// Answers that came from the cache without asking, offline.
    pub stored: u64,
    /// Bodies received, error pages included.
    pub bodies: u64,
    /// Bytes of those bodies.
    pub bytes: u64,
    /// The longest chain of requests of which each waited for the one before.
    pub rounds: u32,
}

/// The connections and what is known of the hosts at their other ends.
pub(super) struct Transport {
    settings: HttpSettings,
    set_up: SetUp,
    client: OnceLock<BuiltClient>,
    lanes: Lanes,
    progress: Progress,
    counters: Counters,
    pub(super) hosts: Hosts,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    unchanged: AtomicU64,
    stored: AtomicU64,
    bodies: AtomicU64,
    bytes: AtomicU64,
    rounds: AtomicU32,
}

impl Transport {
    pub(super) fn new(settings: &HttpSettings, set_up: SetUp) -> Self {
        Self {
            settings: settings.clone(),
            set_up,
            client: OnceLock::new(),
            lanes: Lanes::new(Limits {
                first: settings.first_concurrent,
                most: settings.max_concurrent.max(1),
                connections: settings.max_connections.max(1),
            }),
            progress: Progress::new(settings.progress),
            counters: Counters::default(),
            hosts: Hosts::default(),
        }
    }

    /// Returns the URL that is asked in place of another: mirrors that a file names hold where no secret goes along.
    pub(super) fn rewrite(&self, ask: &Ask, url: &str) -> String {
        let mirrors = &self.settings.mirrors;
        if ask.carries_secret() {
            mirrors.rewrite_with_secret(url).url
        } else {
            mirrors.rewrite(url).url
        }
    }

    pub(super) fn stats(&self) -> HttpStats {
        let counters = &self.counters;
        HttpStats {
            requests: counters.requests.load(Ordering::Relaxed),
            unchanged: counters.unchanged.load(Ordering::Relaxed),
            stored: counters.stored.load(Ordering::Relaxed),
            bodies: counters.bodies.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
            rounds: counters.rounds.load(Ordering::Relaxed),
        }
    }

    pub(super) fn count_unchanged(&self) {
        self.counters.unchanged.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_stored(&self) {
        self.counters.stored.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells whether the host that this error is about was given up already.
    pub(super) fn is_down(&self, error: &HttpError) -> bool {
        self.hosts.find_down(&host_of(error.url())).is_some()
    }

    /// Sends the request and follows redirects as far as that is safe.
    pub(super) async fn follow(&self, ask: &Ask) -> Result<Answer, HttpError> {
        let mut url = parse_url(&self.rewrite(ask, &ask.url))?;
        let mut ask = Cow::Borrowed(ask);
        for round in ask.round..=ask.round + MAX_REDIRECTS {
            self.counters.rounds.fetch_max(round, Ordering::Relaxed);
            if let Some(reason) = self.hosts.find_down(&host_of(url.as_str()))
                && !ask.is_once
            {
                return Err(HttpError::Unreachable {
                    url: redact(url.as_str()),
                    reason,
                });
            }
            let answer = self.send(&ask, &url).await?;
            let target = match find_redirect(&answer, &url) {
                Some(target) if ask.is_repeatable() => target,
                Some(_) | None => return Ok(answer),
            };
            if ask.elsewhere == Elsewhere::WithoutSecrets && url.origin() != target.origin() {
                ask = Cow::Owned(ask.without_secrets());
            }
            if let Some(reason) = refuse_redirect(&ask, &url, &target) {
                return Err(HttpError::Redirect {
                    url: redact(&ask.url),
                    target: redact_target(&target),
                    reason,
                });
            }
            let next = parse_url(&self.rewrite(&ask, target.as_str()))?;
            // Where a mirror takes the place of the target, whoever named that has decided.
            if next == target && self.leads_inside(&url, &next).await {
                return Err(HttpError::Redirect {
                    url: redact(&ask.url),
                    target: redact_target(&target),
                    reason: "it leads from a public host to an address of a private network; a --mirror that names the target allows it",
                });
            }
            url = next;
        }
        Err(HttpError::Redirect {
            url: redact(&ask.url),
            target: redact_target(&url),
            reason: "too many redirects",
        })
    }

    /// Tells whether a redirect leads from outside to an address of this machine or of a private network, which nobody on the
    /// command line has named: a public server does not decide what is asked there.
    async fn leads_inside(&self, from: &Url, to: &Url) -> bool {
        if from.origin() == to.origin() || self.settings.mirrors.names_target(to) {
            return false;
        }
        inside::is_inside(to).await && !inside::is_inside(from).await
    }

    /// Sends to exactly this URL.
    async fn send(&self, ask: &Ask, url: &Url) -> Result<Answer, HttpError> {
        let headers = headers_for(ask, url)?;
        let turn = self.turn(url).await;
        if !ask.is_once {
            self.rest(url).await;
        }
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let _under_way = self.progress.begin(url.host_str().unwrap_or_default());
        let request = self
            .client(url)?
            .request(ask.method.clone(), url.clone())
            .headers(headers)
            .body(ask.body.clone());
        let mut response = self.await_head(ask, url, request, &turn).await?;
        let body = self.read_body(ask, url, &mut response).await?;
        if !body.is_empty() {
            let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
            self.counters.bodies.fetch_add(1, Ordering::Relaxed);
            self.counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            url: url.to_string(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
            is_stored: false,
        })
    }

    async fn read_body(
        &self,
        ask: &Ask,
        url: &Url,
        response: &mut reqwest::Response,
    ) -> Result<BytesMut, HttpError> {
        let limit = u64::try_from(ask.body_limit).unwrap_or(u64::MAX);
        // A HEAD announces the length of what it does not send.
        if !ask.is_brief()
            && response
                .content_length()
                .is_some_and(|length| length > limit)
        {
            return Err(too_large(ask, url));
        }
        let mut body = BytesMut::new();
        // Git and GitHub's own client have their own limits: a server may think for long between two pieces of a pack.
        let pace = (!ask.is_once).then_some(self.settings.least_pace);
        let mut paced = PacedBody::new(response, pace);
        while let Some(chunk) = paced.chunk().await? {
            if ask.is_first_byte {
                body.extend(chunk.first());
                break;
            }
            // The length that was announced may be wrong, or that of a compressed body.
            if body.len() + chunk.len() > ask.body_limit {
                return Err(too_large(ask, url));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Waits for the head of an answer. A host that was silent before is not waited for as long again.
    async fn await_head(
        &self,
        ask: &Ask,
        url: &Url,
        request: reqwest::RequestBuilder,
        turn: &Turn,
    ) -> Result<reqwest::Response, HttpError> {
        let sent = request.send();
        let given_up = self
            .hosts
            .find_silence(&host_of(url.as_str()))
            .filter(|_| !ask.is_once)
            .map(|since| since + self.settings.patience);
        let answer = match given_up {
            None => sent.await,
            Some(until) => timeout_at(until, sent)
                .await
                .map_err(|_| HttpError::silent(url.as_str()))?,
        };
        let response = answer.map_err(|error| {
            let fault = HttpError::without_answer(url.as_str(), &error);
            if fault.is_refusal() {
                turn.refused();
            }
            fault
        })?;
        if matches!(response.status().as_u16(), 429 | 503) {
            turn.refused();
        } else {
            turn.answered(streams(&response));
        }
        Ok(response)
    }

    /// Waits for the turn of a request. Over TLS the first one goes alone: it tells whether the others can share its connection.
    async fn turn(&self, url: &Url) -> Turn {
        let start = if url.scheme() == "https" {
            Start::Alone
        } else {
            Start::Together
        };
        self.lanes.turn(&host_of(url.as_str()), start).await
    }

    /// Waits as long as the host wants to be left alone. It may have said so while this request waited for its turn.
    async fn rest(&self, url: &Url) {
        while let Some(until) = self.hosts.find_rest(&host_of(url.as_str()))
            && until > Instant::now()
        {
            sleep_until(until).await;
        }
    }

    /// Reads what is at exactly this URL to its end, keeping nothing of it, and returns its checksum in digits. It may take as
    /// long as it takes, while the server keeps sending at a pace that is worth it.
    pub(super) async fn digest<D: Digest>(&self, url: &str) -> Result<String, HttpError> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let exact = parse_url(url)?;
        let turn = self.turn(&exact).await;
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let _under_way = self.progress.begin(exact.host_str().unwrap_or_default());
        // The client's limit for a whole request is too short for an image of several gigabytes.
        let request = self.client(&exact)?.get(exact.clone()).timeout(DAY);
        let mut response = request
            .send()
            .await
            .map_err(|error| HttpError::of_transport(exact.as_str(), &error))?;
        turn.answered(streams(&response));
        if response.status().as_u16() != 200 {
            return Err(HttpError::Unreachable {
                url: redact_target(&exact),
                reason: format!("answers {}", response.status().as_u16()),
            });
        }
        let mut digest = D::new();
        let mut length = 0;
        let mut paced = PacedBody::new(&mut response, Some(self.settings.least_pace));
        while let Some(chunk) = paced.chunk().await? {
            digest.update(&chunk);
            length += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        }
        self.counters.bodies.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes.fetch_add(length, Ordering::Relaxed);
        Ok(hex::encode(digest.finalize()))
    }

    /// Returns the connection pool; the first use loads the system's CA certificates.
    fn client(&self, url: &Url) -> Result<&reqwest::Client, HttpError> {
        let client = self.client.get_or_init(|| {
            let begun = self.set_up.finish();
            begun.unwrap_or_else(|| build_client(&self.settings))
        });
        client.as_ref().map_err(|reason| HttpError::Setup {
            url: redact(url.as_str()),
            reason: reason.clone(),
        })
    }
}

/// Returns how many requests the connection of an answer carries.
fn streams(response: &reqwest::Response) -> Streams {
    if response.version() >= Version::HTTP_2 {
        Streams::Many
    } else {
        Streams::One
    }
}

fn too_large(ask: &Ask, url: &Url) -> HttpError {
    HttpError::TooLarge {
        url: redact(url.as_str()),
        limit: ask.body_limit,
    }
}

/// Returns the headers to send to exactly this URL.
fn headers_for(ask: &Ask, url: &Url) -> Result<HeaderMap, HttpError> {
    let mut headers = ask.headers.clone();
    if ask.is_brief() {
        // Compression would hide the size.
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
    }
    let Some(token) = &ask.bearer else {
        return Ok(headers);
    };
    if !takes_tokens(url) {
        return Err(HttpError::PlainToken {
            url: redact(url.as_str()),
        });
    }
    let bearer = format!("Bearer {}", token.expose());
    let mut value = HeaderValue::try_from(bearer).map_err(|_| HttpError::BadUrl {
        url: redact(url.as_str()),
        reason: "the token has characters that no header can carry".to_owned(),
    })?;
    // So it is shown in no debug output, and kept out of the compression of headers.
    value.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, value);
    Ok(headers)
}

/// Returns where a redirect points to.
fn find_redirect(answer: &Answer, url: &Url) -> Option<Url> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let mut target = url.join(answer.header(&header::LOCATION)?).ok()?;
    // A server does not say who asks.
    let _ = target
        .set_username("")
        .and_then(|()| target.set_password(None));
    Some(target)
}

/// Returns why a redirect is not followed.
fn refuse_redirect(ask: &Ask, from: &Url, to: &Url) -> Option<&'static str> {
    let has_secret = ask.bearer.is_some() || ask.headers.contains_key(header::AUTHORIZATION);
    if !matches!(to.scheme(), "http" | "https") {
        Some("it is neither http nor https")
    } else if from.scheme() == "https" && to.scheme() == "http" {
        Some("it leads from https to http")
    } else if has_secret && from.origin() != to.origin() {
        Some("a token is not sent to another host")
    } else {
        None
    }
}

fn parse_url(text: &str) -> Result<Url, HttpError> {
    let reason = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => return Ok(url),
        Ok(url) => format!("`{}` is neither http nor https", url.scheme()),
        Err(error) => error.to_string(),
    };
    Err(HttpError::BadUrl {
        url: redact(text),
        reason,
    })
}

/// Tells whether nobody on the way to a URL can read a token.
pub(crate) fn is_safe_for_tokens(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| takes_tokens(&url))
}

fn takes_tokens(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns the host with its port, which is what can be down.
pub(super) fn host_of(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| {
        let port = url.port_or_known_default()?;
        Some(format!("{}:{port}", url.host_str()?))
    });
    host.unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_redirects_are_refused() {
        for (from, to, is_refused) in [
            ("https://a/", "http://a/", true),
            ("http://a/", "ftp://a/", true),
            ("http://a/", "https://b/", false),
            ("https://a/", "https://b/", false),
        ] {
            let (from, to) = (Url::parse(from).unwrap(), Url::parse(to).unwrap());
            let reason = refuse_redirect(&Ask::head(from.as_str()), &from, &to);
            assert_eq!(reason.is_some(), is_refused, "{from} {to}");
        }
    }
}
