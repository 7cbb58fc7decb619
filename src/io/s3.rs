//! An image store that lists its objects (S3), through the `object_store` crate over our own client: mirrors, cache and
//! retries hold here too. It writes nothing, and a listed image still has to be proved by its checksum.

use std::collections::BTreeMap;
use std::error::Error as _;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use http::Response;
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    ClientOptions, HttpConnector, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};

use super::checksum::{ChecksumFile, Hit, Proof, prove};
use super::fault::Fault;
use super::http::{Answer, Ask, HttpClient, HttpError};
use super::image_store::{MinorAnswer, StoreAnswer, collect};
use crate::catalog::{ImagePattern, StoreRequest};
use crate::version::Minor;

/// One page of a listing has 1000 objects in about half a megabyte.
const BODY_LIMIT: usize = 8 << 20;

/// How many objects are looked at; beyond this the prefix is not that of an image store.
const MAX_OBJECTS: usize = 200_000;

/// Lists the store and proves the images of the minors that are looked for.
pub(crate) async fn look(
    client: &HttpClient,
    pattern: &ImagePattern,
    request: &StoreRequest,
) -> StoreAnswer {
    let mut minors: BTreeMap<Minor, MinorAnswer> = BTreeMap::new();
    for minor in &request.minors {
        minors.insert(*minor, MinorAnswer::default());
    }
    match Bucket::open(client, pattern) {
        Ok(bucket) => bucket.fill(&mut minors).await,
        Err(fault) => spread(&mut minors, &fault),
    }
    collect(pattern, minors.into_iter().collect())
}

fn spread(minors: &mut BTreeMap<Minor, MinorAnswer>, fault: &Fault) {
    for answer in minors.values_mut() {
        answer.fault = Some(fault.clone());
    }
}

struct Bucket<'a> {
    client: &'a HttpClient,
    pattern: &'a ImagePattern,
    store: AmazonS3,
    /// The URL of the bucket, with a slash at its end.
    url: String,
    prefix: Path,
}

impl<'a> Bucket<'a> {
    /// Finds endpoint, bucket and prefix in `https://host/bucket/prefix/`.
    fn open(client: &'a HttpClient, pattern: &'a ImagePattern) -> Result<Self, Fault> {
        let base = pattern.base();
        let bad = |reason: &str| Fault::new(base, reason);
        let parsed = url::Url::parse(base).map_err(|error| bad(&error.to_string()))?;
        let endpoint = parsed.origin().ascii_serialization();
        let path = parsed.path().trim_matches('/');
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(bad(
                "a listing needs the bucket's name in the URL, as in https://host/bucket/",
            ));
        }
        let prefix = Path::from_url_path(prefix).map_err(|error| bad(&error.to_string()))?;
        let connector = Connector {
            client: client.clone(),
        };
        let url = format!("{endpoint}/{bucket}");
        let asked = match &client.settings().s3_credentials {
            // A signature holds for the host that is really asked.
            Some(_) => client.mirrored(&url),
            None => url.clone(),
        };
        let (asked_endpoint, asked_bucket) = asked.rsplit_once('/').unwrap_or((&asked, bucket));
        let mut builder = AmazonS3Builder::new()
            .with_endpoint(asked_endpoint)
            .with_bucket_name(asked_bucket)
            .with_region("us-east-1")
            .with_allow_http(true)
            .with_retry(RetryConfig {
                max_retries: 0,
                ..RetryConfig::default()
            })
            .with_http_connector(connector);
        builder = match &client.settings().s3_credentials {
            None => builder.with_skip_signature(true),
            Some(keys) => {
                let signed = builder
                    .with_access_key_id(&keys.access_key_id)
                    .with_secret_access_key(keys.secret_access_key.expose())
                    .with_region(&keys.region);
                match &keys.session_token {
                    Some(token) => signed.with_token(token.expose()),
                    None => signed,
                }
            }
        };
        Ok(Self {
            client,
            pattern,
            store: builder.build().map_err(|error| bad(&error.to_string()))?,
            url: url + "/",
            prefix,
        })
    }

    async fn fill(&self, minors: &mut BTreeMap<Minor, MinorAnswer>) {
        let hits = match self.list(minors).await {
            Ok(hits) => hits,
            Err(fault) => return spread(minors, &fault),
        };
        let proofs = hits.into_iter().map(|hit| async {
            let minor = hit.version.minor();
            (minor, self.prove(hit).await)
        });
        for (minor, proof) in join_all(proofs).await {
            let answer = minors.entry(minor).or_default();
            match proof {
                Proof::Proved(image) => answer.images.push(image),
                Proof::Faulty(image) => answer.faulty.push(image),
                Proof::Unknown(fault) => {
                    answer.fault.get_or_insert(fault);
                }
            }
        }
    }

    /// Lists the objects that are images of these minors.
    async fn list(&self, minors: &BTreeMap<Minor, MinorAnswer>) -> Result<Vec<Hit>, Fault> {
        let prefix = (!self.prefix.as_ref().is_empty()).then_some(&self.prefix);
        let mut objects = self.store.list(prefix);
        let mut hits = Vec::new();
        let mut seen = 0_usize;
        while let Some(object) = objects
            .try_next()
            .await
            .map_err(|error| self.fault(&error))?
        {
            seen += 1;
            if seen > MAX_OBJECTS {
                return Err(Fault::new(
                    &self.url,
                    format!("lists more than {MAX_OBJECTS} objects"),
                ));
            }
            let hit = self.read_object(&object);
            hits.extend(hit.filter(|hit| minors.contains_key(&hit.version.minor())));
        }
        Ok(hits)
    }

    fn read_object(&self, object: &ObjectMeta) -> Option<Hit> {
        let url = format!("{}{}", self.url, object.location);
        let read = ImagePattern::read_url(&url).ok()?;
        let follows = ImagePattern::of_url(&url).as_ref() == Ok(self.pattern);
        let is_image = follows && object.size > 0;
        let in_place = read
            .directory_minor
            .is_none_or(|minor| minor == read.version.minor());
        (is_image && in_place).then(|| Hit {
            version: read.version,
            os: read.os,
            url,
            modified: Timestamp::from_second(object.last_modified.timestamp()).ok(),
            size: Some(object.size),
            announced: None,
        })
    }

    /// Proves an image; a private bucket is asked with a signature.
    async fn prove(&self, hit: Hit) -> Proof {
        if self.client.settings().s3_credentials.is_none() {
            return prove(self.client, hit, 2).await;
        }
        let url = hit.checksum_url();
        let path = url.strip_prefix(&self.url).unwrap_or(&url);
        let Ok(path) = Path::from_url_path(path) else {
            return Proof::Faulty(hit.faulty("its name is no object's name"));
        };
        let answer = match self.store.get(&path).await {
            Ok(answer) => answer,
            Err(object_store::Error::NotFound { .. }) => {
                return Proof::Faulty(hit.faulty(format!("no checksum: {url} answers 404")));
            }
            Err(error) => return Proof::Unknown(self.fault(&error)),
        };
        let modified = Timestamp::from_second(answer.meta.last_modified.timestamp()).ok();
        match answer.bytes().await {
            Ok(content) => hit.judge(&ChecksumFile {
                content: &content,
                modified,
            }),
            Err(error) => Proof::Unknown(self.fault(&error)),
        }
    }

    /// Says what a fault of the crate means: the first cause in its chain that is ours, or its own words.
    fn fault(&self, error: &object_store::Error) -> Fault {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<HttpError>() {
                return error.clone().into();
            }
            if let Some(fault) = cause.downcast_ref::<Fault>() {
                return fault.clone();
            }
            source = cause.source();
        }
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let short: String = first.chars().take(200).collect();
        Fault::new(&self.url, format!("the listing failed: {short}"))
    }
}

/// Hands the crate's requests to our client.
#[derive(Debug, Clone)]
struct Connector {
    client: HttpClient,
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
        let (parts, _) = request.into_parts();
        let mut ask = Ask::new(parts.method, &parts.uri.to_string()).with_body_limit(BODY_LIMIT);
        for (name, value) in &parts.headers {
            ask = ask.with_header(name.clone(), value.clone());
        }
        let answer = self.client.ask(ask).await.map_err(failed)?;
        let is_listing = parts
            .uri
            .query()
            .is_some_and(|query| query.contains("list-type="));
        if is_listing && let Some(reason) = refuse_listing(&answer) {
            return Err(failed(Fault::new(&parts.uri.to_string(), reason)));
        }
        let mut response = Response::new(HttpResponseBody::from(answer.body));
        *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

fn failed(
    error: impl std::error::Error + Send + Sync + 'static,
) -> object_store::client::HttpError {
    object_store::client::HttpError::new(HttpErrorKind::Unknown, error)
}

/// Says why an answer is no listing; the crate's own words for it fill a paragraph.
fn refuse_listing(answer: &Answer) -> Option<String> {
    let body = answer.body.trim_ascii_start();
    let is_listing = body.starts_with(b"<?xml") || body.starts_with(b"<ListBucketResult");
    match answer.status {
        200 if is_listing => None,
        200 => Some("the answer is no listing".to_owned()),
        401 | 403 => Some(
            "the store does not allow a listing; set keys for it, or use it without listing"
                .to_owned(),
        ),
        404 => Some("there is no such bucket".to_owned()),
        status => Some(format!("answers {status} to a listing")),
    }
}
