//! Runs octocrab over our client, so that cache, mirrors, pacing and the offline switch hold for GitHub too. It holds no
//! models of GitHub's answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};

use super::{Ask, HttpClient, HttpError};

/// A page of 100 releases of Kubernetes has about half a megabyte.
const BODY_LIMIT: usize = 16 << 20;

/// The service that octocrab sends through.
#[derive(Clone)]
struct GitHubService {
    client: HttpClient,
    token: TokenUse,
}

/// Whether the token of the settings goes along.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenUse {
    Sent,
    Kept,
}

impl HttpClient {
    /// Returns a client for GitHub's API at this base, such as `https://api.github.com`. The token of the settings is sent
    /// where there is one. Needs to be called within a tokio runtime.
    pub fn octocrab(&self, base: &str) -> Result<Octocrab, HttpError> {
        self.octocrab_with(base, TokenUse::Sent)
    }

    /// Returns a client as [`HttpClient::octocrab`] does, for a base that the token must not be sent to.
    pub fn octocrab_without_token(&self, base: &str) -> Result<Octocrab, HttpError> {
        self.octocrab_with(base, TokenUse::Kept)
    }

    fn octocrab_with(&self, base: &str, token: TokenUse) -> Result<Octocrab, HttpError> {
        let uri: http::Uri =
            base.parse()
                .map_err(|error: http::uri::InvalidUri| HttpError::BadUrl {
                    url: super::redact(base),
                    reason: error.to_string(),
                })?;
        let service = GitHubService {
            client: self.clone(),
            token,
        };
        let built: Result<Octocrab, Infallible> = OctocrabBuilder::new_empty()
            .with_service(service)
            .with_layer(&BaseUriLayer::new(uri))
            .with_auth(AuthState::None)
            .build();
        let Ok(octocrab) = built;
        Ok(octocrab)
    }
}

impl GitHubService {
    async fn send(self, request: Request<OctoBody>) -> Result<Response<Full<Bytes>>, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let sent = body.collect().await.map_err(|error| HttpError::BrokenOff {
            url: url.clone(),
            reason: error.to_string(),
        })?;
        let mut ask = Ask::new(parts.method, &url).with_body(sent.to_bytes());
        ask.body_limit = BODY_LIMIT;
        ask.headers = parts.headers;
        if !ask.headers.contains_key(header::ACCEPT) {
            let accept = header::HeaderValue::from_static("application/vnd.github+json");
            ask.headers.insert(header::ACCEPT, accept);
        }
        // What GitHub tells everybody is asked of a file's mirror too, as nobody.
        let sends_token = self.token == TokenUse::Sent && !self.client.is_mirrored_by_file(&url);
        let token = self.client.settings().github_token.clone();
        if let Some(token) = token.filter(|_| sends_token) {
            ask = ask.with_bearer(token);
        }
        let answer = self.client.ask(ask).await?;
        let mut response = Response::new(Full::new(answer.body));
        *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

impl tower_service::Service<Request<OctoBody>> for GitHubService {
    type Response = Response<Full<Bytes>>;
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, HttpError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HttpError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
