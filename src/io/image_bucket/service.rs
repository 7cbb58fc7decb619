//! Hands the requests of the `object_store` crate to our client, with their bodies, and says what a refusal means.

use async_trait::async_trait;
use http::Response;
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpConnector, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};

use crate::io::http::{Answer, Ask, HttpClient, HttpError};

/// A page of a listing has 1000 objects in about half a megabyte.
const BODY_LIMIT: usize = 8 << 20;

#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) client: HttpClient,
}

/// A store says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}")]
pub(super) struct Refused {
    pub(super) status: u16,
    /// The code of S3: `NoSuchBucket`. It is empty where the store says none.
    pub(super) code: String,
}

impl Refused {
    /// Something that has to be there is not.
    pub(super) fn absent() -> Self {
        Self {
            status: 404,
            code: String::new(),
        }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<object_store::client::HttpClient> {
        Ok(object_store::client::HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(
        &self,
        request: HttpRequest,
    ) -> Result<HttpResponse, object_store::client::HttpError> {
        let (parts, body) = request.into_parts();
        // The crate repeats what may be repeated, by its own rules.
        let mut ask = Ask::new(parts.method, &parts.uri.to_string())
            .with_body_limit(BODY_LIMIT)
            .once();
        for (name, value) in &parts.headers {
            ask = ask.with_header(name.clone(), value.clone());
        }
        ask = ask.with_body(body.collect().await?.to_bytes());
        let answer = self.client.ask(ask).await.map_err(of_transport)?;
        if let Some(refused) = refusal(&answer) {
            return Err(object_store::client::HttpError::new(
                HttpErrorKind::Unknown,
                refused,
            ));
        }
        let mut response = Response::new(HttpResponseBody::from(answer.body));
        // It was a status when it was received.
        *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// Returns a refusal that is final; what may pass, and an object that is not there, the crate knows itself.
fn refusal(answer: &Answer) -> Option<Refused> {
    let code = code_in(&String::from_utf8_lossy(&answer.body));
    match answer.status {
        404 if code != "NoSuchBucket" => None,
        408 | 409 | 412 | 429 => None,
        400..500 => Some(Refused {
            status: answer.status,
            code,
        }),
        _ => None,
    }
}

fn code_in(body: &str) -> String {
    let found = body
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = found.map_or("", |(code, _)| code);
    let is_code = code.len() < 80 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_code {
        code.to_owned()
    } else {
        String::new()
    }
}

fn of_transport(error: HttpError) -> object_store::client::HttpError {
    let kind = match &error {
        HttpError::Unreachable { .. } => HttpErrorKind::Connect,
        HttpError::BrokenOff { .. } => HttpErrorKind::Interrupted,
        HttpError::OutOfTime { .. } | HttpError::TooSlow { .. } => HttpErrorKind::Timeout,
        _ => HttpErrorKind::Unknown,
    };
    object_store::client::HttpError::new(kind, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_words() {
        let body =
            "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>m</Message></Error>";
        assert_eq!(code_in(body), "NoSuchBucket");
        for body in ["", "<Code>", "<Code>a b</Code>", "<Code>\u{1b}[2J</Code>"] {
            assert_eq!(code_in(body), "");
        }
    }
}
