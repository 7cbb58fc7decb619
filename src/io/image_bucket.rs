//! Writes built images into a bucket, through the `object_store` crate over our own client: in parts, so that memory does not grow with
//! the image, and with their checksum beside them. Nothing of another content is overwritten.
#![expect(
    clippy::disallowed_types,
    reason = "the file that is uploaded is opened here"
)]

mod progress;
mod service;

use std::error::Error as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path as FilePath;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, GetOptions, MultipartUpload, ObjectStore as _, ObjectStoreExt as _,
    PutMultipartOptions, RetryConfig,
};
use sha2::{Digest as _, Sha256 as Hasher};

use super::checksum::{sum_file, sum_in};
use super::http::{Ask, HttpClient, HttpError, HttpSettings};
use super::image_registry::ImageRegistry;
use crate::version::Sha256;
use progress::Progress;
use service::{Connector, Refused};

/// The size of a part. Several are under way, and stores want at least 5 MiB.
const PART: u64 = 16 << 20;

/// A store takes no more parts of an object.
const MAX_PARTS: u64 = 10_000;

/// How many parts are under way: with the one that is read, all the memory that an upload takes.
const UNDER_WAY: usize = 3;

/// Stores take a while to put an object of many parts together.
const PATIENCE: Duration = Duration::from_secs(600);

/// The key of the metadata that says from which template an image was built.
const SOURCE: &str = "csctl-matrix-source";

/// A bucket for images.
pub(crate) struct ImageBucket {
    client: HttpClient,
    store: AmazonS3,
    bucket: String,
    endpoint: String,
}

/// An image in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredImage {
    /// Its size.
    pub(crate) size: u64,
    /// Its checksum, where it stands beside it. It is written last, so that an image without one was not finished.
    pub(crate) sum: Option<Sha256>,
    /// The checksum of the template that it was built from, where the store keeps it.
    pub(crate) source: Option<String>,
}

/// What was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) size: u64,
    pub(crate) sum: Sha256,
}

/// What goes where.
pub(crate) struct Upload<'a> {
    pub(crate) object: &'a str,
    pub(crate) file: &'a FilePath,
    /// The checksum of the template that it was built from.
    pub(crate) source: &'a str,
}

/// Why a bucket cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BucketError {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl BucketError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl ImageBucket {
    /// Returns the bucket of a registry. Nobody is asked.
    pub(crate) fn open(registry: &ImageRegistry) -> Result<Self, BucketError> {
        let client = HttpClient::new(HttpSettings {
            trust: registry.trust.clone(),
            read_timeout: PATIENCE,
            total_timeout: 2 * PATIENCE,
            ..HttpSettings::default()
        });
        let builder = AmazonS3Builder::new()
            .with_endpoint(&registry.endpoint)
            .with_bucket_name(&registry.bucket)
            .with_allow_http(true)
            // Parts are sent again: an image of many gigabytes must not fail for one connection.
            .with_retry(RetryConfig {
                max_retries: 4,
                retry_timeout: PATIENCE,
                ..RetryConfig::default()
            })
            .with_http_connector(Connector {
                client: client.clone(),
            });
        let store = super::s3::signed(builder, &registry.keys)
            .build()
            .map_err(|error| BucketError::new(error.to_string(), "correct the registry file"))?;
        Ok(Self {
            client,
            store,
            bucket: registry.bucket.clone(),
            endpoint: registry.endpoint.clone(),
        })
    }

    /// Checks that the bucket is there, and that the keys may read it.
    pub(crate) async fn reach(&self) -> Result<(), BucketError> {
        let mut listed = self.store.list(None);
        match listed.try_next().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fault("list", &error)),
        }
    }

    /// Checks that the keys may write an object, by an upload that is given up at once: the object does not appear.
    pub(crate) async fn may_write(&self, object: &str) -> Result<(), BucketError> {
        let path = path_of(object)?;
        let begun = self.store.put_multipart(&path).await;
        let mut upload = begun.map_err(|error| self.fault("write", &error))?;
        upload
            .abort()
            .await
            .map_err(|error| self.fault("write", &error))
    }

    /// Looks at an object, with the checksum beside it.
    pub(crate) async fn look(&self, object: &str) -> Result<Option<StoredImage>, BucketError> {
        let path = path_of(object)?;
        let head = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let found = match self.store.get_opts(&path, head).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.fault("read", &error)),
        };
        let source = found.attributes.get(&Attribute::Metadata(SOURCE.into()));
        let sum = self.sum_beside(object).await?;
        Ok(Some(StoredImage {
            size: found.meta.size,
            sum,
            source: source.map(|value| value.as_ref().to_owned()),
        }))
    }

    /// Reads the checksum beside an object. One that is of another file, or no checksum at all, is nobody's.
    async fn sum_beside(&self, object: &str) -> Result<Option<Sha256>, BucketError> {
        let path = path_of(&format!("{object}.CHECKSUM"))?;
        let answer = match self.store.get(&path).await {
            Ok(answer) => answer,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.fault("read", &error)),
        };
        let content = answer.bytes().await;
        let content = content.map_err(|error| self.fault("read", &error))?;
        Ok(sum_in(&content, file_name(object)))
    }

    /// Uploads an image in parts, reading it once.
    pub(crate) async fn upload(&self, upload: &Upload<'_>) -> Result<Content, BucketError> {
        let path = path_of(upload.object)?;
        let options = PutMultipartOptions {
            attributes: Attributes::from_iter([
                (
                    Attribute::ContentType,
                    "application/octet-stream".to_owned(),
                ),
                (Attribute::Metadata(SOURCE.into()), upload.source.to_owned()),
            ]),
            ..PutMultipartOptions::default()
        };
        let begun = self.store.put_multipart_opts(&path, options).await;
        let mut parts = begun.map_err(|error| self.fault("write", &error))?;
        let sent = self.send(upload, parts.as_mut()).await;
        let ended = match sent {
            Ok(content) => {
                let done = parts.complete().await;
                done.map(|_| content)
                    .map_err(|error| self.fault("write", &error))
            }
            Err(fault) => Err(fault),
        };
        if ended.is_err() {
            // Parts of an upload that is not finished cost room, and nobody sees them.
            let _ = parts.abort().await;
        }
        ended
    }

    /// Sends all parts, and makes sure that nobody else was faster.
    async fn send(
        &self,
        upload: &Upload<'_>,
        parts: &mut dyn MultipartUpload,
    ) -> Result<Content, BucketError> {
        let mut file = Source::open(upload.file)?;
        let mut progress = Progress::new(file_name(upload.object), file.size);
        let mut under_way = FuturesUnordered::new();
        while let Some(part) = file.next()? {
            if under_way.len() == UNDER_WAY {
                let sent: Option<u64> = under_way.try_next().await?;
                progress.add(sent.unwrap_or_default());
            }
            let length = u64::try_from(part.len()).unwrap_or_default();
            let sending = parts.put_part(part.into());
            under_way.push(async move {
                let sent = sending.await;
                sent.map(|()| length)
                    .map_err(|error| self.fault("write", &error))
            });
        }
        while let Some(length) = under_way.next().await {
            progress.add(length?);
        }
        let content = file.content()?;
        match self.look(upload.object).await? {
            None => Ok(content),
            Some(_) => Err(BucketError::new(
                format!(
                    "{} has appeared in the bucket in the meantime",
                    upload.object
                ),
                "somebody else uploads the same image; run it again to compare them",
            )),
        }
    }

    /// Writes the checksum beside an image.
    pub(crate) async fn put_sum(&self, object: &str, sum: &Sha256) -> Result<(), BucketError> {
        let path = path_of(&format!("{object}.CHECKSUM"))?;
        let text = sum_file(sum, file_name(object));
        let put = self.store.put(&path, Bytes::from(text).into()).await;
        put.map(drop).map_err(|error| self.fault("write", &error))
    }

    /// Downloads an image from where the operator does, and returns its checksum.
    pub(crate) async fn sum_of(&self, url: &str) -> Result<Sha256, BucketError> {
        let sum = self.client.sha256(url).await?;
        sum.parse()
            .map_err(|_| BucketError::new("impossible: no checksum", "report this as a bug"))
    }

    /// Makes sure that an image of this size is where the operator downloads it, for anybody.
    pub(crate) async fn is_public(&self, url: &str, size: u64) -> Result<(), BucketError> {
        let mut answer = self.client.ask(Ask::head(url)).await?;
        let mut found = answer.header(&http::header::CONTENT_LENGTH);
        if super::http::is_refused_head(answer.status) {
            answer = self.client.ask(Ask::first_byte(url)).await?;
            let range = answer.header(&http::header::CONTENT_RANGE);
            found = range
                .and_then(|range| range.rsplit_once('/'))
                .map(|(_, size)| size);
        }
        match answer.status {
            200 | 206 => {}
            401 | 403 => {
                return Err(BucketError::new(
                    format!("{url} is not public: it answers {}", answer.status),
                    "the operator downloads images without a login: let anybody read the objects of the bucket, and run it again",
                ));
            }
            status => {
                return Err(BucketError::new(
                    format!("{url} answers {status}"),
                    "the endpoint of the registry file is where the operator downloads images, too",
                ));
            }
        }
        match found.and_then(|text| text.parse::<u64>().ok()) {
            Some(length) if length != size => Err(BucketError::new(
                format!("{url} has {length} bytes, and the image has {size}"),
                "something else answers there; check the endpoint of the registry file",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Says what a fault of the crate means.
    fn fault(&self, deed: &str, error: &object_store::Error) -> BucketError {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<HttpError>() {
                return error.clone().into();
            }
            if let Some(refused) = cause.downcast_ref::<Refused>() {
                return self.refusal(deed, refused);
            }
            source = cause.source();
        }
        if let object_store::Error::NotFound { .. } = error {
            return self.refusal(deed, &Refused::absent());
        }
        // The crate's words fill a paragraph, and may quote the whole answer.
        let text = error.to_string();
        let short: String = text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        BucketError::new(
            format!(
                "cannot {deed} the bucket {} at {}: {short}",
                self.bucket, self.endpoint
            ),
            "run it again; what is uploaded already is not uploaded again",
        )
    }

    fn refusal(&self, deed: &str, refused: &Refused) -> BucketError {
        let (bucket, endpoint) = (&self.bucket, &self.endpoint);
        match refused.code.as_str() {
            "NoSuchBucket" => BucketError::new(
                format!("{endpoint} has no bucket {bucket}"),
                "make the bucket, or correct config.bucket of the registry file",
            ),
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" => {
                BucketError::new(
                    format!("{endpoint} does not take the keys: {}", refused.code),
                    "check config.accessKey and config.secretKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                )
            }
            "RequestTimeTooSkewed" => BucketError::new(
                format!("{endpoint} refuses the time of this machine"),
                "set the clock",
            ),
            code => BucketError::new(
                format!(
                    "{endpoint} does not let the keys {deed} the bucket {bucket}: {} {code}",
                    refused.status
                ),
                "the keys need the rights to list the bucket and to read and write its objects",
            ),
        }
    }
}

impl From<HttpError> for BucketError {
    fn from(error: HttpError) -> Self {
        Self::new(
            error.to_string(),
            "check config.endpoint, config.verify and config.cacert of the registry file",
        )
    }
}

fn path_of(object: &str) -> Result<Path, BucketError> {
    Path::parse(object).map_err(|error| {
        BucketError::new(
            format!("{object} cannot be an object's name: {error}"),
            "give the image's directory a plain name",
        )
    })
}

fn file_name(object: &str) -> &str {
    object.rsplit('/').next().unwrap_or(object)
}

/// The file that is read part by part.
struct Source {
    file: File,
    size: u64,
    read: u64,
    part: u64,
    hasher: Hasher,
}

impl Source {
    fn open(path: &FilePath) -> Result<Self, BucketError> {
        let file = File::open(path).map_err(|error| of_file(&error))?;
        let size = file.metadata().map_err(|error| of_file(&error))?.len();
        Ok(Self {
            file,
            size,
            read: 0,
            part: PART.max(size.div_ceil(MAX_PARTS)),
            hasher: Hasher::new(),
        })
    }

    /// Returns the next part; nothing at the end of the file.
    fn next(&mut self) -> Result<Option<Bytes>, BucketError> {
        let mut part =
            Vec::with_capacity(usize::try_from(self.part.min(self.size)).unwrap_or_default());
        let mut rest = (&mut self.file).take(self.part);
        rest.read_to_end(&mut part)
            .map_err(|error| of_file(&error))?;
        if part.is_empty() {
            return Ok(None);
        }
        self.read += u64::try_from(part.len()).unwrap_or_default();
        self.hasher.update(&part);
        Ok(Some(part.into()))
    }

    /// Returns what was read, if it is the whole file.
    fn content(self) -> Result<Content, BucketError> {
        let digits = hex::encode(self.hasher.finalize());
        match digits.parse() {
            Ok(sum) if self.read == self.size => Ok(Content {
                size: self.size,
                sum,
            }),
            Ok(_) | Err(_) => Err(of_file(&io::Error::other(
                "it has changed while it was read",
            ))),
        }
    }
}

fn of_file(error: &io::Error) -> BucketError {
    BucketError::new(
        format!("the image that was built cannot be read: {error}"),
        "run it again",
    )
}

/// Reads a file that was built for its size and its checksum.
pub(crate) fn content_of(path: &FilePath) -> Result<Content, BucketError> {
    let mut file = Source::open(path)?;
    while file.next()?.is_some() {}
    file.content()
}
