//! Sends one request after another, at the pace that GitHub wants, with the right token. It repeats what was refused for its pace, and
//! reads that broke; whether a lost write was done is for the asker to find out.
//!
//! Source: "Best practices for using the REST API" and "Rate limits for the REST API" of GitHub's documentation.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use jiff::Timestamp;

use super::app::{self, AccessToken, Installation};
use super::clock::{between, later};
use super::error::message_of;
use super::request::Effect;
use super::{Budget, Credentials, ForgeError, ForgeSettings};
use crate::io::http::{Answer, Ask, HttpClient, HttpError, Secret};

/// The longest answer that is read.
const BODY_LIMIT: usize = 16 << 20;
/// The pause where GitHub limits and names none; it doubles each time, up to the longest.
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// An installation's token is renewed when it has this long left.
const RENEWAL: Duration = Duration::from_secs(5 * 60);

/// Why a request has no answer that can be judged.
#[derive(Debug, Clone)]
pub(super) enum SendError {
    RateLimited { until: Timestamp },
    Http(HttpError),
    Credentials(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateLimited { until } => write!(f, "limited until {until}"),
            Self::Http(error) => error.fmt(f),
            Self::Credentials(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for SendError {}

impl SendError {
    /// Says what it means for a request.
    pub(super) fn of_request(&self, method: &str, path: &str) -> ForgeError {
        let (method, path) = (method.to_owned(), path.to_owned());
        match self {
            Self::RateLimited { until } => ForgeError::RateLimited {
                method,
                path,
                until: *until,
            },
            Self::Http(source) => ForgeError::Http {
                method,
                path,
                source: source.clone(),
            },
            Self::Credentials(reason) => ForgeError::Credentials {
                reason: reason.clone(),
            },
        }
    }
}

/// The one way to GitHub.
pub(super) struct Channel {
    client: HttpClient,
    settings: ForgeSettings,
    pace: tokio::sync::Mutex<Pace>,
    budget: Mutex<Budget>,
    /// Tokens that were sent; they are taken out of every message.
    secrets: Mutex<Vec<Secret>>,
}

/// What the next request has to wait for.
#[derive(Default)]
struct Pace {
    last_write: Option<Timestamp>,
    /// When the budgets of REST and of GraphQL come back, where they are used up.
    empty_until: [Option<Timestamp>; 2],
    /// How long limits were waited for so far.
    waited: Duration,
    /// How often in a row GitHub limited without naming a pause.
    unnamed: u32,
    installation: Option<Bought>,
}

/// The token of an App's installation, which lasts for an hour.
#[derive(Clone)]
pub(super) struct Bought {
    pub(super) token: Secret,
    expires: Option<Timestamp>,
    /// What it may do, where GitHub says so: `write` for `contents`.
    pub(super) permissions: Option<BTreeMap<String, String>>,
}

impl Bought {
    /// Tells whether it lasts long enough for what is about to be asked. Without an end it lasts until it is refused.
    fn lasts_beyond(&self, now: Timestamp) -> bool {
        self.expires
            .is_none_or(|expires| between(now, expires) > RENEWAL)
    }
}

impl Channel {
    pub(super) fn new(client: &HttpClient, settings: &ForgeSettings) -> Self {
        Self {
            client: client.clone(),
            settings: settings.clone(),
            pace: tokio::sync::Mutex::default(),
            budget: Mutex::default(),
            secrets: Mutex::default(),
        }
    }

    pub(super) fn budget(&self) -> Budget {
        lock(&self.budget).clone()
    }

    /// Waits as long as a write pause or a bit more, before something lost is looked for.
    pub(super) async fn pause(&self, attempt: u32) {
        let first = self.client.settings().retry_pause;
        // A shift by 32 bits or more would overflow.
        let pause = first.saturating_mul(1 << attempt.min(10));
        self.settings.clock.sleep(pause).await;
    }

    /// Takes tokens out of a text of GitHub's.
    pub(super) fn redact(&self, text: &str) -> String {
        let secrets = lock(&self.secrets);
        secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose(), "***")
        })
    }

    /// Waits until something may be changed that is not changed over this channel, as git moves a branch.
    pub(super) async fn await_write(&self) {
        let mut pace = self.pace.lock().await;
        self.wait_for_turn(&pace, Effect::Write).await;
        pace.last_write = Some(self.settings.clock.now());
    }

    /// Sends a request when it is its turn.
    pub(super) async fn send(&self, ask: Ask, effect: Effect) -> Result<Answer, SendError> {
        let plain = ask.of_github().with_body_limit(BODY_LIMIT);
        // Requests are serial, as GitHub wants them: the lock is held until the answer is there.
        let mut pace = self.pace.lock().await;
        match &self.settings.credentials {
            Credentials::None => self.send_at_pace(&mut pace, plain, effect).await,
            Credentials::Token(token) => {
                let signed = plain.with_bearer(self.remember(token.clone()));
                self.send_at_pace(&mut pace, signed, effect).await
            }
            Credentials::App { id, .. } => self.send_as_app(&mut pace, plain, effect, id).await,
        }
    }

    async fn send_as_app(
        &self,
        pace: &mut Pace,
        ask: Ask,
        effect: Effect,
        id: &str,
    ) -> Result<Answer, SendError> {
        let ForgeSettings {
            owner, repository, ..
        } = &self.settings;
        // The token is another one each hour; stored answers have to be found with each of them.
        let named = ask.on_behalf_of(format!("app {id} of {owner}/{repository}"));
        let first = self.installation_token(pace).await?;
        let signed = named.clone().with_bearer(first.token);
        let answer = self.send_at_pace(pace, signed, effect).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        // The token ended before its time, or clocks differ. What was refused was not done.
        pace.installation = None;
        let second = self.installation_token(pace).await?;
        self.send_at_pace(pace, named.with_bearer(second.token), effect)
            .await
    }

    /// Returns the token of the App's installation, for requests that are not sent here.
    pub(super) async fn token(&self) -> Result<Bought, SendError> {
        let mut pace = self.pace.lock().await;
        self.installation_token(&mut pace).await
    }

    /// Returns another token than the one that was refused.
    pub(super) async fn renewed_token(&self, refused: &Secret) -> Result<Bought, SendError> {
        let mut pace = self.pace.lock().await;
        // One that was bought since then is kept.
        pace.installation = pace
            .installation
            .take()
            .filter(|bought| bought.token != *refused);
        self.installation_token(&mut pace).await
    }

    /// Tells whether it asks as an App.
    pub(super) fn is_of_app(&self) -> bool {
        matches!(self.settings.credentials, Credentials::App { .. })
    }

    async fn send_at_pace(
        &self,
        pace: &mut Pace,
        ask: Ask,
        effect: Effect,
    ) -> Result<Answer, SendError> {
        let settings = self.client.settings();
        let resource = usize::from(is_graphql(&ask));
        let mut attempt = 0;
        loop {
            if let Some(until) = pace.empty_until[resource].take() {
                self.rest(pace, between(self.settings.clock.now(), until))
                    .await?;
            }
            self.wait_for_turn(pace, effect).await;
            // The repeating is done here, at GitHub's pace.
            let answer = self.client.ask(ask.clone().once()).await;
            self.count(effect, answer.as_ref().ok());
            if effect == Effect::Write {
                pace.last_write = Some(self.settings.clock.now());
            }
            if let Ok(answer) = &answer {
                if is_limited(answer) {
                    let pause = find_pause(answer).unwrap_or_else(|| unnamed_pause(pace));
                    // A write that was refused for its pace was not done.
                    self.rest(pace, pause).await?;
                    continue;
                }
                pace.unnamed = 0;
                // Waited for by the next request: the last one of a run needs no budget any more.
                let reset = find_reset(answer).filter(|_| is_used_up(answer));
                pace.empty_until[resource] =
                    reset.map(|pause| later(self.settings.clock.now(), pause));
            }
            let is_passing = match &answer {
                Ok(answer) => matches!(answer.status, 408 | 500 | 502..=504),
                Err(HttpError::Unreachable { .. } | HttpError::BrokenOff { .. }) => true,
                Err(_) => false,
            };
            if !is_passing || effect == Effect::Write || attempt >= settings.retries {
                return answer.map_err(SendError::Http);
            }
            match answer.as_ref().ok().and_then(retry_after) {
                Some(pause) => self.rest(pace, pause).await?,
                None => self.pause(attempt).await,
            }
            attempt += 1;
        }
    }

    /// Keeps writes apart.
    async fn wait_for_turn(&self, pace: &Pace, effect: Effect) {
        let Some(last) = pace.last_write.filter(|_| effect == Effect::Write) else {
            return;
        };
        let next = later(last, self.settings.write_pause);
        // A clock that was set back makes no pause longer.
        let pause = between(self.settings.clock.now(), next).min(self.settings.write_pause);
        if !pause.is_zero() {
            self.settings.clock.sleep(pause).await;
        }
    }

    /// Waits out a limit, where all waiting together stays within its bound.
    async fn rest(&self, pace: &mut Pace, pause: Duration) -> Result<(), SendError> {
        let sum = pace.waited.saturating_add(pause);
        if sum > self.settings.longest_wait {
            let until = later(self.settings.clock.now(), pause);
            return Err(SendError::RateLimited { until });
        }
        pace.waited = sum;
        self.settings.clock.sleep(pause).await;
        Ok(())
    }

    fn count(&self, effect: Effect, answer: Option<&Answer>) {
        let mut budget = lock(&self.budget);
        budget.requests += 1;
        budget.writes += u32::from(effect == Effect::Write);
        let Some(answer) = answer else {
            return;
        };
        budget.from_cache += u32::from(answer.is_stored);
        // GraphQL has a budget of its own.
        if text(&answer.headers, "x-ratelimit-resource").is_some_and(|name| name != "core") {
            return;
        }
        if let Some(remaining) = number(answer, "x-ratelimit-remaining") {
            budget.remaining = Some(remaining);
            budget.limit = number(answer, "x-ratelimit-limit").or(budget.limit);
            let moment = number(answer, "x-ratelimit-reset")
                .and_then(|second: i64| Timestamp::from_second(second).ok());
            budget.reset = moment.or(budget.reset);
        }
    }

    fn remember(&self, secret: Secret) -> Secret {
        let mut secrets = lock(&self.secrets);
        if !secrets.contains(&secret) {
            secrets.push(secret.clone());
        }
        secret
    }

    /// Returns the token of the App's installation; it is bought where there is none or the old one is about to expire.
    async fn installation_token(&self, pace: &mut Pace) -> Result<Bought, SendError> {
        let now = self.settings.clock.now();
        if let Some(bought) = &pace.installation
            && bought.lasts_beyond(now)
        {
            return Ok(bought.clone());
        }
        let Credentials::App {
            id,
            installation,
            key,
        } = &self.settings.credentials
        else {
            return Err(SendError::Credentials(
                "these credentials are not of an App".to_owned(),
            ));
        };
        let signed = app::sign(id, key, now).map_err(SendError::Credentials)?;
        let jwt = self.remember(signed);
        let number = match installation {
            Some(number) => *number,
            None => self.find_installation(pace, &jwt).await?,
        };
        let bought = self.buy(pace, &jwt, number).await?;
        pace.installation = Some(bought.clone());
        Ok(bought)
    }

    /// Asks for the number of the App's installation on the repository.
    async fn find_installation(&self, pace: &mut Pace, jwt: &Secret) -> Result<u64, SendError> {
        let ForgeSettings {
            base,
            owner,
            repository,
            ..
        } = &self.settings;
        let path = format!("/repos/{owner}/{repository}/installation");
        let ask = Ask::get(&format!("{base}{path}"), BODY_LIMIT);
        let found: Installation = self.ask_as_app(pace, ask, jwt, &path).await?;
        Ok(found.id)
    }

    /// Buys a token of an installation, for the one repository alone.
    async fn buy(
        &self,
        pace: &mut Pace,
        jwt: &Secret,
        installation: u64,
    ) -> Result<Bought, SendError> {
        let path = format!("/app/installations/{installation}/access_tokens");
        let body = serde_json::json!({ "repositories": [self.settings.repository] }).to_string();
        let ask = Ask::new(Method::POST, &format!("{}{path}", self.settings.base))
            .with_header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )
            .with_body(body.into());
        // Each request buys another token and changes nothing, so it may be repeated like a read.
        let answer: AccessToken = self.ask_as_app(pace, ask, jwt, &path).await?;
        let token = Secret::new(&answer.token)
            .ok_or_else(|| SendError::Credentials(format!("{path} answers without a token")))?;
        Ok(Bought {
            token: self.remember(token),
            expires: answer.expires_at,
            permissions: answer.permissions,
        })
    }

    async fn ask_as_app<T: serde::de::DeserializeOwned>(
        &self,
        pace: &mut Pace,
        ask: Ask,
        jwt: &Secret,
        path: &str,
    ) -> Result<T, SendError> {
        // A token must not lie in the cache.
        let signed = ask.of_github().with_bearer(jwt.clone()).unstored();
        let answer = self.send_at_pace(pace, signed, Effect::Read).await?;
        if !(200..300).contains(&answer.status) {
            let message = self.redact(&message_of(&answer.body));
            let status = answer.status;
            return Err(SendError::Credentials(format!(
                "{path} answers {status} to the App: {message}; check its id, key and installation"
            )));
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            // The text of the error may quote the answer, which has a token in it.
            let at = format!("line {} column {}", error.line(), error.column());
            SendError::Credentials(format!("{path} answers something else than expected: {at}"))
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is whole before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number<T: std::str::FromStr>(answer: &Answer, name: &str) -> Option<T> {
    text(&answer.headers, name)?.parse().ok()
}

fn is_graphql(ask: &Ask) -> bool {
    ask.url().ends_with("/graphql")
}

fn is_used_up(answer: &Answer) -> bool {
    text(&answer.headers, "x-ratelimit-remaining") == Some("0")
}

/// Tells whether a request was refused for its pace.
fn is_limited(answer: &Answer) -> bool {
    match answer.status {
        429 => true,
        403 => {
            let message = message_of(&answer.body).to_lowercase();
            is_used_up(answer)
                || answer.headers.contains_key(header::RETRY_AFTER)
                || message.contains("rate limit")
                || message.contains("abuse detection")
        }
        // GraphQL says so within an answer.
        200 => {
            answer.url.ends_with("/graphql")
                && String::from_utf8_lossy(&answer.body).contains(r#""type":"RATE_LIMITED""#)
        }
        _ => false,
    }
}

/// Returns the pause that a refusal names.
fn find_pause(answer: &Answer) -> Option<Duration> {
    match retry_after(answer) {
        Some(pause) => Some(pause),
        // Every answer names the end of its hour; it is the reason of a refusal where nothing is left of it.
        None => find_reset(answer).filter(|_| is_used_up(answer)),
    }
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    // "0" would repeat at once what was refused for its pace.
    Some(answer.retry_after()?.max(Duration::from_secs(1)))
}

/// Returns how long it is until the budget comes back, by the server's own clock, and a second more.
fn find_reset(answer: &Answer) -> Option<Duration> {
    let end: i64 = number(answer, "x-ratelimit-reset")?;
    let now = answer.date()?.as_second();
    let seconds = u64::try_from(end.saturating_sub(now)).unwrap_or(0);
    Some(Duration::from_secs(seconds.saturating_add(1)))
}

/// Returns the pause where GitHub names none.
fn unnamed_pause(pace: &mut Pace) -> Duration {
    let pause = PAUSE.saturating_mul(1 << pace.unnamed.min(10));
    pace.unnamed += 1;
    pause.min(LONGEST_PAUSE)
}
