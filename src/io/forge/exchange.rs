//! One request and its answer: paths, statuses, pages, GraphQL, and what to do about an answer that was lost.

use std::error::Error as _;

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use octocrab::Octocrab;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::channel::SendError;
use super::error::{message_of, tidy};
use super::{ForgeError, GitHub, Refusal};
use crate::io::http::find_next_link;

/// How many pages of a list are read: 2000 entries.
const MAX_PAGES: u32 = 20;
/// How often work whose answer is lost is begun again.
const ATTEMPTS: u32 = 3;

/// A request, to be named in errors.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path with query.
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

/// An answer that is a success.
pub(super) struct Reply {
    method: String,
    path: String,
    pub(super) headers: HeaderMap,
    body: Bytes,
}

impl Request {
    pub(super) fn new(method: Method, path: String, body: Value) -> Self {
        Self {
            method,
            path,
            body: Some(body),
        }
    }

    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: None,
        }
    }

    fn bare_path(&self) -> String {
        let path = self.path.split('?').next();
        path.unwrap_or_default().to_owned()
    }
}

impl Reply {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ForgeError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            self.not_as_documented(&format!("the answer is not what is documented: {error}"))
        })
    }

    fn not_as_documented(&self, reason: &str) -> ForgeError {
        ForgeError::Shape {
            method: self.method.clone(),
            path: self.path.clone(),
            reason: tidy(reason),
        }
    }

    fn is_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }

    fn has_next(&self) -> bool {
        find_next_link(&self.headers).is_some()
    }
}

impl GitHub {
    /// Returns a path below the repository.
    pub(super) fn path(&self, rest: &str) -> String {
        let (owner, repository) = (&self.settings.owner, &self.settings.repository);
        format!("/repos/{}/{}{rest}", encode(owner), encode(repository))
    }

    /// Sends a request and returns its answer, where that is a success.
    pub(super) async fn exchange(&self, request: &Request) -> Result<Reply, ForgeError> {
        let octocrab = self.octocrab(false)?;
        self.exchange_over(octocrab, request, &request.bare_path())
            .await
    }

    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, ForgeError> {
        self.exchange(&Request::get(path)).await?.read()
    }

    /// Reads one object that may be missing.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: String,
    ) -> Result<Option<T>, ForgeError> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(ForgeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads all pages of a list, which `items` takes out of each answer.
    pub(super) async fn list<P: DeserializeOwned, T>(
        &self,
        path: &str,
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, ForgeError> {
        let mut found = Vec::new();
        let sign = if path.contains('?') { '&' } else { '?' };
        for page in 1..=MAX_PAGES {
            let request = Request::get(format!("{path}{sign}per_page=100&page={page}"));
            let reply = self.exchange(&request).await?;
            found.extend(items(reply.read()?));
            if !reply.has_next() {
                return Ok(found);
            }
        }
        Err(ForgeError::Shape {
            method: "GET".to_owned(),
            path: path.to_owned(),
            reason: format!("the list is longer than {} entries", MAX_PAGES * 100),
        })
    }

    /// Does work whose answer may be lost: what `find` finds afterwards is taken for its result. Only where nothing is found,
    /// it is begun again.
    pub(super) async fn settle<T>(
        &self,
        work: impl AsyncFn() -> Result<T, ForgeError>,
        find: impl AsyncFn() -> Result<Option<T>, ForgeError>,
    ) -> Result<T, ForgeError> {
        let mut attempt = 0;
        loop {
            let error = match work().await {
                Err(error) if error.is_lost() => error,
                other => return other,
            };
            // The work may still be under way.
            self.channel.pause(attempt).await;
            match find().await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                // That nobody can look is a consequence; the first error is the cause.
                Err(_) => return Err(error),
            }
            attempt += 1;
            if attempt >= ATTEMPTS {
                return Err(error);
            }
        }
    }

    /// Sends a query or mutation; `name` is what errors call it.
    pub(super) async fn ask_graphql<T: DeserializeOwned>(
        &self,
        name: &str,
        query: &str,
        variables: Value,
    ) -> Result<T, ForgeError> {
        let octocrab = self.octocrab(true)?;
        // The channel tells queries from mutations by the first letters of this body.
        let body = json!({ "query": query, "variables": variables });
        let request = Request::new(Method::POST, "/graphql".to_owned(), body);
        let shown = format!("/graphql ({name})");
        let reply = self.exchange_over(octocrab, &request, &shown).await?;
        let mut answer: Value = reply.read()?;
        if let Some(error) = answer["errors"]
            .as_array()
            .and_then(|errors| errors.first())
        {
            let message = error["message"]
                .as_str()
                .unwrap_or("an error without a message");
            let kind = error["type"].as_str().unwrap_or_default();
            let refusal = Refusal {
                method: "POST".to_owned(),
                path: shown,
                status: 200,
                message: self.channel.redact(&tidy(message)),
            };
            return Err(ForgeError::of_graphql(refusal, kind));
        }
        // An answer that is no object has no data, and to index it would panic.
        let data = answer.get_mut("data").map(Value::take);
        serde_json::from_value(data.unwrap_or_default()).map_err(|error| ForgeError::Shape {
            method: "POST".to_owned(),
            path: shown,
            reason: tidy(&error.to_string()),
        })
    }

    async fn exchange_over(
        &self,
        octocrab: &Octocrab,
        request: &Request,
        shown: &str,
    ) -> Result<Reply, ForgeError> {
        let (path, body) = (request.path.as_str(), request.body.as_ref());
        let sent = match request.method.as_str() {
            "GET" => octocrab._get(path).await,
            "POST" => octocrab._post(path, body).await,
            "PATCH" => octocrab._patch(path, body).await,
            "PUT" => octocrab._put(path, body).await,
            _ => octocrab._delete(path, body).await,
        };
        let fault = |error| fault_of(request.method.as_str(), shown, &error);
        let (parts, body) = sent.map_err(fault)?.into_parts();
        let body = body.collect().await.map_err(fault)?.to_bytes();
        let status = parts.status.as_u16();
        let method = request.method.to_string();
        if (200..300).contains(&status) {
            let reply = Reply {
                method,
                path: shown.to_owned(),
                headers: parts.headers,
                body,
            };
            return if reply.is_page() {
                // A proxy may answer instead of GitHub, with 200.
                Err(reply.not_as_documented("the answer is a web page, not JSON"))
            } else {
                Ok(reply)
            };
        }
        let message = if (300..400).contains(&status) {
            "the repository has moved; use its new name".to_owned()
        } else {
            self.channel.redact(&message_of(&body))
        };
        let needs = parts.headers.get("x-accepted-github-permissions");
        let needs = needs.and_then(|needs| needs.to_str().ok()).map(tidy);
        let refusal = Refusal {
            method,
            path: shown.to_owned(),
            status,
            message,
        };
        Err(ForgeError::of_status(
            refusal,
            needs.filter(|needs| !needs.is_empty()),
        ))
    }

    /// Returns octocrab for REST or for GraphQL, whose base differs on GitHub Enterprise.
    fn octocrab(&self, is_graphql: bool) -> Result<&Octocrab, ForgeError> {
        let base = self.settings.base.as_str();
        let (cell, base) = if is_graphql {
            (&self.graphql, base.strip_suffix("/v3").unwrap_or(base))
        } else {
            (&self.rest, base)
        };
        if let Some(octocrab) = cell.get() {
            return Ok(octocrab);
        }
        let octocrab = self.channel.octocrab(base);
        let octocrab = octocrab.map_err(|error| ForgeError::Credentials {
            reason: error.to_string(),
        })?;
        Ok(cell.get_or_init(|| octocrab))
    }
}

/// Finds the channel's error in the chain that octocrab wraps around it.
fn fault_of(method: &str, path: &str, error: &octocrab::Error) -> ForgeError {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<SendError>() {
            return fault_of_send(method, path, error);
        }
        source = cause.source();
    }
    ForgeError::Shape {
        method: method.to_owned(),
        path: path.to_owned(),
        reason: tidy(&error.to_string()),
    }
}

/// Says what the channel's error means for a request.
pub(super) fn fault_of_send(method: &str, path: &str, error: &SendError) -> ForgeError {
    let (method, path) = (method.to_owned(), path.to_owned());
    match error {
        SendError::RateLimited { until } => ForgeError::RateLimited {
            method,
            path,
            until: *until,
        },
        SendError::Http(source) => ForgeError::Http {
            method,
            path,
            source: source.clone(),
        },
        SendError::Credentials(reason) => ForgeError::Credentials {
            reason: reason.clone(),
        },
    }
}

/// Everything but the unreserved characters of RFC 3986: what a branch or a label is called may have any other sign in it.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Writes a text as one part of a path or one value of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}
