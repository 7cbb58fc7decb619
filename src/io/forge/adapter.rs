//! The one place that knows octocrab: it makes requests of what is asked, and our channel sends them, so that cache, pace and tokens
//! are ours.

use std::convert::Infallible;
use std::error::Error as _;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};

use super::ForgeError;
use super::channel::{Channel, SendError};
use super::error::tidy;
use super::request::{Effect, Request};
use crate::io::http::{Ask, HttpError, redact};

/// octocrab over our channel; it is built with the first request, as it needs a tokio runtime.
pub(super) struct Adapter {
    channel: Arc<Channel>,
    octocrab: OnceLock<Octocrab>,
}

impl Adapter {
    pub(super) fn new(channel: &Arc<Channel>) -> Self {
        Self {
            channel: Arc::clone(channel),
            octocrab: OnceLock::new(),
        }
    }

    /// Sends a request below a base, and reads its whole answer, whatever its status.
    pub(super) async fn send(
        &self,
        base: &str,
        request: &Request,
    ) -> Result<Response<Bytes>, ForgeError> {
        let url = format!("{base}{}", request.path);
        let uri: Uri = url
            .parse()
            .map_err(|error: http::uri::InvalidUri| bad_url(&url, &error))?;
        let head = http::Request::builder()
            .method(request.method.clone())
            .uri(uri)
            .extension(request.effect);
        let sent = async {
            let octocrab = self.octocrab();
            let built = octocrab.build_request(head, request.body.as_ref())?;
            let (parts, body) = octocrab.execute(built).await?.into_parts();
            Ok::<_, octocrab::Error>(Response::from_parts(
                parts,
                body.collect().await?.to_bytes(),
            ))
        };
        sent.await.map_err(|error| fault_of(request, &error))
    }

    fn octocrab(&self) -> &Octocrab {
        self.octocrab.get_or_init(|| {
            let built: Result<Octocrab, Infallible> = OctocrabBuilder::new_empty()
                .with_service(Service(Arc::clone(&self.channel)))
                // The channel signs, as it knows when a token has to be renewed.
                .with_auth(AuthState::None)
                .build();
            let Ok(octocrab) = built;
            octocrab
        })
    }
}

fn bad_url(url: &str, error: &http::uri::InvalidUri) -> ForgeError {
    let fault = HttpError::BadUrl {
        url: redact(url),
        reason: error.to_string(),
    };
    ForgeError::Credentials {
        reason: fault.to_string(),
    }
}

/// Finds the channel's error in the chain that octocrab wraps around it.
fn fault_of(request: &Request, error: &octocrab::Error) -> ForgeError {
    let (method, path) = (request.method.as_str(), request.shown.as_str());
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<SendError>() {
            return error.of_request(method, path);
        }
        source = cause.source();
    }
    ForgeError::Shape {
        method: method.to_owned(),
        path: path.to_owned(),
        reason: tidy(&error.to_string()),
    }
}

/// The service that octocrab sends through.
#[derive(Clone)]
struct Service(Arc<Channel>);

impl Service {
    async fn send(
        self,
        request: http::Request<OctoBody>,
    ) -> Result<Response<Full<Bytes>>, SendError> {
        let (parts, stream) = request.into_parts();
        let url = parts.uri.to_string();
        let body = stream.collect().await.map_err(|error| {
            SendError::Http(HttpError::BrokenOff {
                url: url.clone(),
                reason: tidy(&error.to_string()),
                has_begun: true,
            })
        })?;
        let mut ask = Ask::new(parts.method, &url).with_body(body.to_bytes());
        for (name, value) in &parts.headers {
            ask = ask.with_header(name.clone(), value.clone());
        }
        // A request of octocrab's own making says nothing; then it must not be repeated.
        let effect = parts.extensions.get().copied().unwrap_or(Effect::Write);
        let answer = self.0.send(ask, effect).await?;
        let mut response = Response::new(Full::new(answer.body));
        // It was a status when it was received.
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

impl tower_service::Service<http::Request<OctoBody>> for Service {
    type Response = Response<Full<Bytes>>;
    type Error = SendError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, SendError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<OctoBody>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
