//! The registry file that csctl hands to its provider plugin: to which bucket built images go, and with which keys. What it says is
//! checked whole before anybody is asked; keys come from the environment where the file has none.

use std::path::{Path, PathBuf};

use serde_yaml::Value;
use url::Url;

use super::files::read_within;
use super::http::{S3Credentials, Secret, Trust};

/// The longest file that is read, in bytes: a registry file has ten lines, and a CA's certificates are not many.
const LONGEST_FILE: usize = 1 << 20;

/// Most stores take any region, and this one is AWS's own default.
const REGION: &str = "us-east-1";

/// A bucket for images, and who writes into it.
#[derive(Debug)]
pub(crate) struct ImageRegistry {
    /// The URL of the store's S3 API, without a slash at its end.
    pub(crate) endpoint: String,
    /// The bucket.
    pub(crate) bucket: String,
    /// The keys that requests are signed with.
    pub(crate) keys: S3Credentials,
    /// Whose certificates the store may show.
    pub(crate) trust: Trust,
    /// The URL that the names of objects are put behind, as it is downloaded from.
    base: Url,
}

/// What the environment says of the keys. Nothing is read of it before the registry file turns out to have none.
#[derive(Debug, Clone, Default)]
pub(crate) struct EnvironmentKeys {
    /// `AWS_ACCESS_KEY_ID`.
    pub(crate) access_key: KeySource,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub(crate) secret_key: KeySource,
    /// `AWS_SESSION_TOKEN`.
    pub(crate) session_token: KeySource,
    /// `AWS_REGION`.
    pub(crate) region: Option<String>,
}

/// A variable, or the file that another one names.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeySource {
    /// The variable's name, for people.
    pub(crate) name: &'static str,
    /// Its value.
    pub(crate) value: Option<Secret>,
    /// The file that the variable of the same name with `_FILE` names.
    pub(crate) file: Option<PathBuf>,
}

/// Why a registry file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct RegistryError {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl RegistryError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// How a store is spoken to, and how its objects are downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    S3,
    /// Objects are written through the S3 API, and downloaded from Swift's own URLs.
    Swift,
}

impl ImageRegistry {
    /// Reads a registry file.
    pub(crate) fn read(path: &Path, environment: &EnvironmentKeys) -> Result<Self, RegistryError> {
        let text = read_within(path, LONGEST_FILE).map_err(|error| {
            RegistryError::new(
                format!("the registry file cannot be read: {error}"),
                "csctl hands its path over with --node-image-registry; docs/plugin.md has an example",
            )
        })?;
        let root: Value = serde_yaml::from_str(&text)
            .map_err(|error| RegistryError::new(error.to_string(), "repair the file"))?;
        RegistryFile { root }.registry(environment)
    }

    /// Returns the URL that an object is downloaded from.
    pub(crate) fn url_of(&self, object: &str) -> String {
        let mut url = self.base.clone();
        // A URL with a host always has a path to add to.
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(object.split('/'));
        }
        url.into()
    }

    /// Returns whether certificates are not looked at.
    pub(crate) fn trusts_anybody(&self) -> bool {
        self.trust == Trust::Anybody && self.endpoint.starts_with("https:")
    }
}

/// A registry file as it is written. No value of it is shown, as any may be a key in the wrong place.
struct RegistryFile {
    root: Value,
}

impl RegistryFile {
    fn registry(&self, environment: &EnvironmentKeys) -> Result<ImageRegistry, RegistryError> {
        // First of all, so that whatever is said below tells no key.
        let own = self.own_keys()?;
        let kind = self.kind()?;
        let endpoint = self.endpoint(kind)?;
        let bucket = self.needed("bucket", "the name of the bucket that images go to")?;
        if bucket.contains('/') || bucket.starts_with('.') {
            let message = "config.bucket is not a bucket's name";
            return Err(RegistryError::new(message, "write its name alone"));
        }
        let region = self.text("region")?.or_else(|| environment.region.clone());
        let keys = match own {
            Some((access_key_id, secret_access_key)) => S3Credentials {
                access_key_id,
                secret_access_key,
                session_token: None,
                region: region.unwrap_or_else(|| REGION.to_owned()),
            },
            None => environment.keys(kind, region)?,
        };
        let mut base = endpoint.clone();
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty();
            if kind == Kind::Swift {
                let project = self.needed(
                    "projectID",
                    "the project's ID: objects are downloaded from /swift/v1/AUTH_<projectID>/",
                )?;
                path.extend(["swift", "v1", &format!("AUTH_{project}")]);
            }
            path.push(&bucket);
        }
        Ok(ImageRegistry {
            endpoint: endpoint.as_str().trim_end_matches('/').to_owned(),
            bucket,
            keys,
            trust: self.trust()?,
            base,
        })
    }

    fn kind(&self) -> Result<Kind, RegistryError> {
        let written = self.root.get("type").and_then(Value::as_str);
        match written.unwrap_or_default().to_ascii_lowercase().as_str() {
            "s3" => Ok(Kind::S3),
            "swift" => Ok(Kind::Swift),
            _ => Err(RegistryError::new(
                "`type` is neither S3 nor Swift",
                "write S3 for any store that speaks the S3 API, Swift for one whose objects are downloaded from Swift's URLs",
            )),
        }
    }

    fn endpoint(&self, kind: Kind) -> Result<Url, RegistryError> {
        const HINT: &str = "write the URL of the store's S3 API, such as https://s3.example.org";
        let written = self.needed("endpoint", HINT)?;
        let with_scheme = if written.contains("://") {
            written
        } else {
            format!("https://{written}")
        };
        let url = Url::parse(&with_scheme)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else {
            return Err(RegistryError::new("config.endpoint is not a URL", HINT));
        };
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            let message = "config.endpoint has more than a host and a path";
            return Err(RegistryError::new(message, HINT));
        }
        let is_api_of_swift = url.path().contains("/v1/AUTH_") || url.path().contains("/swift/v1");
        if kind == Kind::Swift && (is_api_of_swift || url.path().ends_with("/v3")) {
            let message = "config.endpoint is that of Swift or Keystone, and images are uploaded through the S3 API of the store";
            let hint = "write the store's URL without a path, as `openstack catalog show s3` has it, and make keys with `openstack ec2 credentials create`";
            return Err(RegistryError::new(message, hint));
        }
        Ok(url)
    }

    /// Returns the keys that the file itself has.
    fn own_keys(&self) -> Result<Option<(String, Secret)>, RegistryError> {
        let secret = self.text("secretKey")?.and_then(|text| Secret::new(&text));
        match (self.text("accessKey")?, secret) {
            (Some(access), Some(secret)) => Ok(Some((access, secret))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(half("accessKey", "secretKey")),
            (None, Some(_)) => Err(half("secretKey", "accessKey")),
        }
    }

    fn trust(&self) -> Result<Trust, RegistryError> {
        let verify = match self.value("verify") {
            Value::Null => true,
            Value::Bool(verify) => *verify,
            _ => {
                let message = "config.verify is neither true nor false";
                return Err(RegistryError::new(
                    message,
                    "write false to take any certificate",
                ));
            }
        };
        let authorities = match self.text("cacert")? {
            Some(path) => Some(read_authorities(Path::new(&path))?),
            None => None,
        };
        Ok(match authorities {
            _ if !verify => Trust::Anybody,
            Some(pem) => Trust::Authorities(pem.into()),
            None => Trust::System,
        })
    }

    fn needed(&self, key: &str, hint: &str) -> Result<String, RegistryError> {
        self.text(key)?
            .ok_or_else(|| RegistryError::new(format!("config.{key} is missing"), hint))
    }

    fn text(&self, key: &str) -> Result<Option<String>, RegistryError> {
        match self.value(key) {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            _ => Err(RegistryError::new(
                format!("config.{key} is not a text"),
                "put it in quotes",
            )),
        }
    }

    fn value(&self, key: &str) -> &Value {
        const NOTHING: &Value = &Value::Null;
        let config = self.root.get("config");
        config.and_then(|config| config.get(key)).unwrap_or(NOTHING)
    }
}

fn half(set: &str, missing: &str) -> RegistryError {
    RegistryError::new(
        format!("config.{set} is set and config.{missing} is not"),
        "write both, or neither to take AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the environment",
    )
}

fn read_authorities(path: &Path) -> Result<String, RegistryError> {
    let hint = "config.cacert is the path of a file with certificates in PEM format";
    let text = read_within(path, LONGEST_FILE).map_err(|error| {
        RegistryError::new(format!("{}: cannot be read: {error}", path.display()), hint)
    })?;
    // What cannot be read as a certificate must not mean that others are trusted.
    match reqwest::Certificate::from_pem_bundle(text.as_bytes()) {
        Ok(certificates) if !certificates.is_empty() => Ok(text),
        Ok(_) | Err(_) => {
            let message = format!("{}: has no certificate in PEM format", path.display());
            Err(RegistryError::new(message, hint))
        }
    }
}

impl EnvironmentKeys {
    fn keys(&self, kind: Kind, region: Option<String>) -> Result<S3Credentials, RegistryError> {
        let access = self.access_key.read()?;
        let secret = self.secret_key.read()?;
        let (Some(access), Some(secret)) = (access, secret) else {
            let hint = match kind {
                Kind::S3 => {
                    "write config.accessKey and config.secretKey, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the same with _FILE)"
                }
                Kind::Swift => {
                    "`openstack ec2 credentials create` makes keys for the S3 API of the store: config.accessKey and config.secretKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                }
            };
            return Err(RegistryError::new("there are no keys for the store", hint));
        };
        Ok(S3Credentials {
            access_key_id: access.expose().to_owned(),
            secret_access_key: secret,
            session_token: self.session_token.read()?,
            region: region.unwrap_or_else(|| REGION.to_owned()),
        })
    }
}

impl KeySource {
    fn read(&self) -> Result<Option<Secret>, RegistryError> {
        let Some(path) = &self.file else {
            return Ok(self.value.clone());
        };
        let name = self.name;
        let found = read_within(path, LONGEST_FILE).map_err(|error| error.to_string());
        found
            .and_then(|text| Secret::new(&text).ok_or_else(|| "it is empty".to_owned()))
            .map(Some)
            .map_err(|reason| {
                RegistryError::new(
                    format!(
                        "{}, the file of {name}_FILE, cannot be used: {reason}",
                        path.display()
                    ),
                    format!("correct {name}_FILE, or unset it"),
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "type: S3\nconfig:\n  endpoint: s3.example.org\n  bucket: images\n  accessKey: AK\n  secretKey: hidden-secret\n";

    fn read(text: &str) -> Result<ImageRegistry, RegistryError> {
        let root = serde_yaml::from_str(text).unwrap();
        RegistryFile { root }.registry(&EnvironmentKeys::default())
    }

    #[test]
    fn urls_are_right_with_and_without_a_scheme() {
        for (endpoint, expected) in [
            ("s3.example.org", "https://s3.example.org/images/a/b.qcow2"),
            (
                "https://s3.example.org/",
                "https://s3.example.org/images/a/b.qcow2",
            ),
            (
                "http://127.0.0.1:5502",
                "http://127.0.0.1:5502/images/a/b.qcow2",
            ),
            (
                "localhost:9000/s3/",
                "https://localhost:9000/s3/images/a/b.qcow2",
            ),
        ] {
            let registry = read(&GOOD.replace("s3.example.org", endpoint)).unwrap();
            assert_eq!(registry.url_of("a/b.qcow2"), expected);
            assert!(!registry.endpoint.ends_with('/'), "{}", registry.endpoint);
        }
        let registry = read(GOOD).unwrap();
        assert_eq!(
            registry.url_of("a b/c.raw"),
            "https://s3.example.org/images/a%20b/c.raw"
        );
    }

    #[test]
    fn swift_is_written_through_s3_and_downloaded_from_its_own_url() {
        let swift = GOOD.replace("type: S3", "type: Swift");
        let error = read(&swift).unwrap_err();
        assert_eq!(error.message, "config.projectID is missing");
        let registry = read(&(swift.clone() + "  projectID: 7f3\n")).unwrap();
        assert_eq!(registry.endpoint, "https://s3.example.org");
        assert_eq!(
            registry.url_of("a/b.qcow2"),
            "https://s3.example.org/swift/v1/AUTH_7f3/images/a/b.qcow2"
        );
        for endpoint in ["s3.example.org/swift/v1", "keystone.example.org:5000/v3"] {
            let error = read(&swift.replace("s3.example.org", endpoint)).unwrap_err();
            assert!(error.message.contains("Swift or Keystone"), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_its_value() {
        for (from, to, expected) in [
            ("type: S3", "type: FTP", "`type` is neither S3 nor Swift"),
            (
                "  endpoint: s3.example.org\n",
                "",
                "config.endpoint is missing",
            ),
            (
                "s3.example.org",
                "'ftp://x'",
                "config.endpoint is not a URL",
            ),
            (
                "s3.example.org",
                "https://u:p@x",
                "config.endpoint has more",
            ),
            ("  bucket: images\n", "", "config.bucket is missing"),
            (
                "bucket: images",
                "bucket: a/b",
                "config.bucket is not a bucket's name",
            ),
            (
                "hidden-secret",
                "12345678",
                "config.secretKey is not a text",
            ),
            (
                "  accessKey: AK\n",
                "",
                "config.secretKey is set and config.accessKey is not",
            ),
            (
                "  secretKey: hidden-secret\n",
                "",
                "config.accessKey is set and config.secretKey is not",
            ),
            (
                "  accessKey: AK\n  secretKey: hidden-secret\n",
                "",
                "there are no keys",
            ),
            (
                "config:\n",
                "config:\n  verify: maybe\n",
                "config.verify is neither",
            ),
            (
                "config:\n",
                "config:\n  cacert: /nowhere\n",
                "/nowhere: cannot be read",
            ),
        ] {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD);
            let error = read(&text).unwrap_err();
            assert!(error.message.starts_with(expected), "{error}");
            let shown = format!("{error:?}");
            assert!(
                !shown.contains("hidden-secret") && !shown.contains("12345678"),
                "{shown}"
            );
        }
    }

    #[test]
    fn certificates_are_taken_as_the_file_says() {
        let registry = read(GOOD).unwrap();
        assert_eq!(registry.trust, Trust::System);
        let unchecked = GOOD.to_owned() + "  verify: false\n";
        let registry = read(&unchecked).unwrap();
        assert!(registry.trusts_anybody());
        // `verify: false` does not mean plain HTTP.
        assert!(registry.endpoint.starts_with("https://"));
        let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/ca.pem");
        let registry = read(&format!("{GOOD}  cacert: {ca}\n")).unwrap();
        assert!(matches!(registry.trust, Trust::Authorities(_)));
        let empty = tempfile::NamedTempFile::new().unwrap();
        let error = read(&format!("{GOOD}  cacert: {}\n", empty.path().display())).unwrap_err();
        assert!(
            error.message.ends_with("has no certificate in PEM format"),
            "{error}"
        );
    }
}
