//! An image store that lists its objects (S3), through the `object_store` crate over our own client: mirrors, cache and
//! retries hold here too. It writes nothing, and a listed image still has to be proved.

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
use super::http::{Answer, Ask, HttpClient, HttpError, S3Credentials};
use super::image_store::{MinorAnswer, StoreAnswer, collect};
use super::no_answer::NoAnswer;
use crate::catalog::{FaultyImage, ImagePattern, ImageProof, ImageUrl, NameDate, StoreRequest};
use crate::version::{KubernetesVersion, Minor};

/// One page of a listing has 1000 objects in about half a megabyte.
const BODY_LIMIT: usize = 8 << 20;

/// How many objects are looked at; beyond this the prefix is not that of an image store.
const MAX_OBJECTS: usize = 200_000;

/// Endings of files that stand beside images.
const BESIDE: [&str; 18] = [
    "asc",
    "cdx",
    "checksum",
    "html",
    "json",
    "log",
    "manifest",
    "md",
    "md5",
    "sha1",
    "sha256",
    "sha256sum",
    "sha512",
    "sha512sum",
    "sig",
    "txt",
    "yaml",
    "yml",
];

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
    match Bucket::open(client, pattern, request.proof) {
        Ok(bucket) => bucket.fill(&mut minors).await,
        Err(fault) => spread(&mut minors, &fault),
    }
    collect(pattern, minors.into_iter().collect())
}

fn spread(minors: &mut BTreeMap<Minor, MinorAnswer>, fault: &NoAnswer) {
    for answer in minors.values_mut() {
        answer.fault = Some(fault.clone());
    }
}

struct Bucket<'a> {
    client: &'a HttpClient,
    pattern: &'a ImagePattern,
    proof: ImageProof,
    store: AmazonS3,
    /// The URL of the bucket, with a slash at its end.
    url: String,
    prefix: Path,
}

impl<'a> Bucket<'a> {
    /// Finds endpoint, bucket and prefix in `https://host/bucket/prefix/`.
    fn open(
        client: &'a HttpClient,
        pattern: &'a ImagePattern,
        proof: ImageProof,
    ) -> Result<Self, NoAnswer> {
        Self::open_url(client, pattern, proof)
            .map_err(|reason| NoAnswer::new(pattern.base(), reason))
    }

    fn open_url(
        client: &'a HttpClient,
        pattern: &'a ImagePattern,
        proof: ImageProof,
    ) -> Result<Self, String> {
        let parsed = url::Url::parse(pattern.base()).map_err(|error| error.to_string())?;
        let endpoint = parsed.origin().ascii_serialization();
        let path = parsed.path().trim_matches('/');
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(
                "listing needs the bucket's name in the URL, as in https://host/bucket/".to_owned(),
            );
        }
        let url = format!("{endpoint}/{bucket}");
        let store = open_store(client, &url).map_err(|error| error.to_string())?;
        Ok(Self {
            client,
            pattern,
            proof,
            store,
            url: url + "/",
            prefix: Path::from_url_path(prefix).map_err(|error| error.to_string())?,
        })
    }

    async fn fill(&self, minors: &mut BTreeMap<Minor, MinorAnswer>) {
        let listed = self.list(minors).await;
        if let Some(fault) = &listed.fault {
            spread(minors, fault);
        }
        for image in listed.newer_others() {
            let answer = minors.entry(image.version.minor()).or_default();
            answer.faulty.push(image);
        }
        let proofs = listed.hits.into_iter().map(|hit| async {
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

    /// Lists the objects of these minors. What was listed before a fault is kept.
    async fn list(&self, minors: &BTreeMap<Minor, MinorAnswer>) -> Listed {
        let prefix = (!self.prefix.as_ref().is_empty()).then_some(&self.prefix);
        let mut objects = self.store.list(prefix);
        let mut listed = Listed::default();
        let mut seen = 0_usize;
        loop {
            let object = match objects.try_next().await {
                Ok(Some(object)) => object,
                Ok(None) => return listed,
                Err(error) => {
                    let fault = self.fault(&error);
                    listed.fault = Some(if seen == 0 {
                        fault
                    } else {
                        fault.of_next_page(&self.url, "the listing")
                    });
                    return listed;
                }
            };
            seen += 1;
            if seen > MAX_OBJECTS {
                let reason = format!("lists more than {MAX_OBJECTS} objects");
                listed.fault = Some(NoAnswer::new(&self.url, reason));
                return listed;
            }
            match self.read_object(&object) {
                Some(ListedObject::Image(hit)) if minors.contains_key(&hit.version.minor()) => {
                    listed.hits.push(hit);
                }
                Some(ListedObject::Other(version, name))
                    if minors.contains_key(&version.minor()) =>
                {
                    listed.add_other(version, name);
                }
                Some(_) | None => {}
            }
        }
    }

    fn read_object(&self, object: &ObjectMeta) -> Option<ListedObject> {
        let url = format!("{}{}", self.url, object.location);
        let other = ImagePattern::read_url(&url).ok();
        let (_, ending) = url.rsplit_once('.')?;
        if object.size == 0 || BESIDE.contains(&ending.to_ascii_lowercase().as_str()) {
            return None;
        }
        let Some(read) = self.pattern.read(&url).filter(is_in_place) else {
            return other.map(|read| ListedObject::Other(read.version, url));
        };
        Some(ListedObject::Image(Hit {
            version: read.version,
            os: read.os,
            url,
            modified: Timestamp::from_second(object.last_modified.timestamp()).ok(),
            size: Some(object.size),
            announced: None,
            named: read.date.map(NameDate::day),
        }))
    }

    /// Proves an image; a private bucket is asked with a signature.
    async fn prove(&self, hit: Hit) -> Proof {
        if self.client.settings().s3_credentials.is_none() {
            // The listing was the first round of requests.
            return prove(self.client, hit, self.proof, 2).await;
        }
        let Some(url) = hit.checksum_url(self.proof) else {
            return Proof::Proved(hit.unproved());
        };
        let path = url.strip_prefix(&self.url).unwrap_or(&url);
        let Ok(path) = Path::from_url_path(path) else {
            return Proof::Faulty(hit.faulty("its name is not a valid object name"));
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
                proof: self.proof,
                content: &content,
                modified,
            }),
            Err(error) => Proof::Unknown(self.fault(&error)),
        }
    }

    /// Says what a fault of the crate means: the first cause in its chain that is ours, or its own words.
    fn fault(&self, error: &object_store::Error) -> NoAnswer {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<HttpError>() {
                return error.clone().into();
            }
            if let Some(fault) = cause.downcast_ref::<NoAnswer>() {
                return fault.clone();
            }
            source = cause.source();
        }
        // The crate's words fill a paragraph, and may quote the whole answer.
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let short: String = first.chars().take(200).collect();
        NoAnswer::new(&self.url, format!("the listing failed: {short}"))
    }
}

fn open_store(client: &HttpClient, url: &str) -> object_store::Result<AmazonS3> {
    let keys = client.settings().s3_credentials.as_ref();
    // A signature holds for the host that is really asked, so that a mirror has to be known before signing.
    let asked = match keys {
        Some(_) => client.mirrored(url),
        None => url.to_owned(),
    };
    let (endpoint, bucket) = asked.rsplit_once('/').unwrap_or((&asked, ""));
    let builder = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_bucket_name(bucket)
        // Stores other than AWS's take any region.
        .with_region("us-east-1")
        // Stores inside a private network may have no certificate.
        .with_allow_http(true)
        // Our own client repeats requests already; both together would multiply them.
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        })
        .with_http_connector(Connector {
            client: client.clone(),
        });
    match keys {
        Some(keys) => signed(builder, keys).build(),
        None => builder.with_skip_signature(true).build(),
    }
}

/// Lets a builder's requests be signed with these keys.
pub(super) fn signed(builder: AmazonS3Builder, keys: &S3Credentials) -> AmazonS3Builder {
    let signed = builder
        .with_access_key_id(&keys.access_key_id)
        .with_secret_access_key(keys.secret_access_key.expose())
        .with_region(&keys.region);
    match &keys.session_token {
        Some(token) => signed.with_token(token.expose()),
        None => signed,
    }
}

/// Tells whether an image is in the directory of its minor.
fn is_in_place(read: &ImageUrl) -> bool {
    let minor = read.directory_minor;
    minor.is_none_or(|minor| minor == read.version.minor())
}

/// What a store lists.
#[derive(Default)]
struct Listed {
    hits: Vec<Hit>,
    /// Per minor the newest version of a name that does not follow the pattern, with its URL.
    others: BTreeMap<Minor, (KubernetesVersion, String)>,
    /// Why there may be more.
    fault: Option<NoAnswer>,
}

/// What an object is.
enum ListedObject {
    Image(Hit),
    /// It is named after a version, and not as the pattern says.
    Other(KubernetesVersion, String),
}

impl Listed {
    fn add_other(&mut self, version: KubernetesVersion, url: String) {
        match self.others.get(&version.minor()) {
            Some((newest, _)) if *newest >= version => {}
            Some(_) | None => {
                self.others.insert(version.minor(), (version, url));
            }
        }
    }

    fn newest(&self, minor: Minor) -> Option<KubernetesVersion> {
        let versions = self.hits.iter().map(|hit| hit.version);
        versions.filter(|version| version.minor() == minor).max()
    }

    /// Returns per minor an image that is newer than all that follow the pattern: somebody may have changed the names.
    fn newer_others(&self) -> Vec<FaultyImage> {
        self.others
            .iter()
            .filter(|(minor, (version, _))| Some(*version) > self.newest(**minor))
            .map(|(_, (version, url))| {
                let name = url.rsplit('/').next().unwrap_or_default();
                FaultyImage {
                    version: *version,
                    url: url.clone(),
                    reason: format!(
                        "the store lists `{name}`, which does not follow the pattern of its images"
                    ),
                }
            })
            .collect()
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
        // Reads and listings have no body.
        let (parts, _) = request.into_parts();
        let mut ask = Ask::new(parts.method, &parts.uri.to_string()).with_body_limit(BODY_LIMIT);
        for (name, value) in &parts.headers {
            ask = ask.with_header(name.clone(), value.clone());
        }
        let answer = self.client.ask(ask).await.map_err(failed)?;
        let query = parts.uri.query().unwrap_or_default();
        let is_first = !query.contains("continuation-token=");
        if query.contains("list-type=")
            && let Some(reason) = refuse_listing(&answer, is_first)
        {
            return Err(failed(NoAnswer::new(&parts.uri.to_string(), reason)));
        }
        let mut response = Response::new(HttpResponseBody::from(answer.body));
        // It was a status when it was received.
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
fn refuse_listing(answer: &Answer, is_first: bool) -> Option<String> {
    let body = answer.body.trim_ascii_start();
    let is_listing = body.starts_with(b"<?xml") || body.starts_with(b"<ListBucketResult");
    match answer.status {
        200 if is_listing => None,
        200 => Some("the answer is not a listing".to_owned()),
        // A bucket that was listed a moment ago is there and may be listed.
        status if !is_first => Some(format!("answers {status}")),
        401 | 403 => Some(
            "the store does not allow listing; set keys for it, or use it without listing"
                .to_owned(),
        ),
        404 => Some("the bucket does not exist".to_owned()),
        status => Some(format!("answers {status} to a listing")),
    }
}
