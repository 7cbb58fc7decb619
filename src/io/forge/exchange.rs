//! One request and its answer: paths, statuses, pages, GraphQL, and what to do about an answer that was lost.

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{message_of, tidy};
use super::request::{Effect, Request, encode};
use super::{ForgeError, ForgeRefusal, GitHub};
use crate::io::http::find_next_link;

/// How many pages of a list are read: 2000 entries.
const MAX_PAGES: usize = 20;
/// How many entries a page has; GitHub gives no more.
pub(super) const PER_PAGE: usize = 100;
/// How often work whose answer is lost is begun again.
const ATTEMPTS: u32 = 3;

/// An answer that is a success.
pub(super) struct Reply {
    method: String,
    path: String,
    pub(super) headers: HeaderMap,
    body: Bytes,
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
        self.exchange_at(&self.settings.base, request).await
    }

    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, ForgeError> {
        self.exchange(&Request::read(path)).await?.read()
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
        let found = self.list_up_to(MAX_PAGES, path, items).await?;
        // A list that is cut would look as if there were nothing else.
        found.ok_or_else(|| ForgeError::Shape {
            method: "GET".to_owned(),
            path: path.to_owned(),
            reason: format!("the list is longer than {} entries", MAX_PAGES * PER_PAGE),
        })
    }

    /// Reads all pages of a list; nothing where it has more than so many.
    pub(super) async fn list_up_to<P: DeserializeOwned, T>(
        &self,
        pages: usize,
        path: &str,
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Option<Vec<T>>, ForgeError> {
        let mut found = Vec::new();
        let sign = if path.contains('?') { '&' } else { '?' };
        for page in 1..=pages.min(MAX_PAGES) {
            let request = Request::read(format!("{path}{sign}per_page={PER_PAGE}&page={page}"));
            let reply = self.exchange(&request).await?;
            found.extend(items(reply.read()?));
            if !reply.has_next() {
                return Ok(Some(found));
            }
        }
        Ok(None)
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

    /// Asks GraphQL; `name` is what errors call the query.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        name: &str,
        text: &str,
        variables: Value,
    ) -> Result<T, ForgeError> {
        let body = json!({ "query": text, "variables": variables });
        self.ask_graphql(Request::graphql(Effect::Read, name, body))
            .await
    }

    /// Changes something by GraphQL.
    pub(super) async fn mutate(
        &self,
        name: &str,
        text: &str,
        input: &Value,
    ) -> Result<(), ForgeError> {
        let body = json!({ "query": text, "variables": { "input": input } });
        let request = Request::graphql(Effect::Write, name, body);
        self.ask_graphql::<Value>(request).await.map(|_| ())
    }

    async fn ask_graphql<T: DeserializeOwned>(&self, request: Request) -> Result<T, ForgeError> {
        // GitHub Enterprise has REST at `/api/v3` and GraphQL at `/api/graphql`.
        let rest = self.settings.base.as_str();
        let base = rest.strip_suffix("/v3").unwrap_or(rest);
        let reply = self.exchange_at(base, &request).await?;
        let mut answer: Value = reply.read()?;
        if let Some(error) = answer["errors"]
            .as_array()
            .and_then(|errors| errors.first())
        {
            let message = error["message"]
                .as_str()
                .unwrap_or("an error without a message");
            let kind = error["type"].as_str().unwrap_or_default();
            let refusal = ForgeRefusal {
                method: reply.method,
                path: reply.path,
                status: 200,
                message: self.channel.redact(&tidy(message)),
            };
            return Err(ForgeError::of_graphql(refusal, kind));
        }
        // An answer that is no object has no data, and to index it would panic.
        let data = answer.get_mut("data").map(Value::take);
        serde_json::from_value(data.unwrap_or_default())
            .map_err(|error| reply.not_as_documented(&error.to_string()))
    }

    async fn exchange_at(&self, base: &str, request: &Request) -> Result<Reply, ForgeError> {
        let (parts, body) = self.adapter.send(base, request).await?.into_parts();
        let status = parts.status.as_u16();
        if (200..300).contains(&status) {
            let reply = Reply {
                method: request.method.to_string(),
                path: request.shown.clone(),
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
        // GitHub answers so for a repository that was renamed.
        let message = if (300..400).contains(&status) {
            "the repository has moved; use its new name".to_owned()
        } else {
            self.channel.redact(&message_of(&body))
        };
        let needs = parts
            .headers
            .get("x-accepted-github-permissions")
            .and_then(|value| value.to_str().ok())
            .map(tidy)
            .filter(|text| !text.is_empty());
        let refusal = ForgeRefusal {
            method: request.method.to_string(),
            path: request.shown.clone(),
            status,
            message,
        };
        Err(ForgeError::of_status(refusal, needs))
    }
}
