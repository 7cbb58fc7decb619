//! An OCI registry on loopback, which keeps what is pushed and may do anything wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::server::{Reply, Request, Server};
use csctl_matrix::version::Sha256;

/// Who is let in.
pub const LOGIN: &str = "me:s3cret-word-0123";

/// Whom a registry lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    Basic,
    Token,
}

/// What a registry has.
#[derive(Default)]
pub struct Kept {
    pub blobs: BTreeMap<String, Vec<u8>>,
    /// By tag and by digest.
    pub manifests: BTreeMap<String, Vec<u8>>,
    /// What was written, in order.
    pub written: Vec<String>,
    /// How many tags a page has.
    pub page: usize,
    /// Whether it knows what is about other manifests.
    pub has_referrers: bool,
}

/// A registry on loopback.
pub struct Registry {
    pub server: Server,
    pub kept: Arc<Mutex<Kept>>,
}

impl Registry {
    pub fn start(door: Door) -> Self {
        Self::lying(door, |_, _| None)
    }

    /// Starts one that answers some requests in its own way.
    pub fn lying(
        door: Door,
        lie: impl Fn(&mut Kept, &Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let kept = Arc::new(Mutex::new(Kept {
            page: 1000,
            ..Kept::default()
        }));
        let shown = kept.clone();
        let server = Server::start(move |request| {
            if let Some(refusal) = door.refuse(request) {
                return refusal;
            }
            let mut kept = shown.lock().unwrap();
            lie(&mut kept, request).unwrap_or_else(|| kept.answer(request))
        });
        Self { server, kept }
    }

    pub fn host(&self) -> String {
        self.server.url().replace("http://", "")
    }

    /// What refers to the manifest of a tag, as manifests.
    pub fn about(&self, tag: &str) -> Vec<Value> {
        let kept = self.kept.lock().unwrap();
        kept.about(&kept.manifests[tag])
    }

    /// The first layer of a manifest.
    pub fn first_layer(&self, manifest: &Value) -> Value {
        let kept = self.kept.lock().unwrap();
        let digest = manifest["layers"][0]["digest"].as_str().unwrap();
        serde_json::from_slice(&kept.blobs[digest]).unwrap()
    }

    /// The tags, in order.
    pub fn tags(&self) -> Vec<String> {
        self.kept.lock().unwrap().tags()
    }
}

impl Door {
    /// Returns what somebody without the right key is told.
    pub fn refuse(self, request: &Request) -> Option<Reply> {
        let basic = format!("Basic {}", STANDARD.encode(LOGIN));
        let shown = request.header("authorization").unwrap_or_default();
        match self {
            Self::Open => None,
            Self::Basic => (shown != basic)
                .then(|| Reply::status(401).with("WWW-Authenticate", "Basic realm=\"registry\"")),
            Self::Token if request.path.starts_with("/token") => Some(if shown == basic {
                Reply::ok("{\"token\": \"tok-0123456789\"}")
            } else {
                Reply::status(401)
            }),
            Self::Token => (shown != "Bearer tok-0123456789").then(|| {
                let host = request.header("host").unwrap();
                let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"here\"");
                Reply::status(401).with("WWW-Authenticate", &challenge)
            }),
        }
    }
}

impl Kept {
    /// Answers as an honest registry does.
    pub fn answer(&mut self, request: &Request) -> Reply {
        let path = request.path.split('?').next().unwrap();
        let last = path.rsplit('/').next().unwrap();
        match request.method.as_str() {
            "POST" => Reply::status(202).with("Location", "/v2/any/blobs/uploads/1?state=a"),
            "PUT" if path.contains("/uploads/") => self.take_blob(request),
            "PUT" => self.take_manifest(last, request),
            _ if path.ends_with("/tags/list") => self.list_tags(request),
            _ if path.contains("/referrers/") => self.referrers(last),
            _ if path.contains("/manifests/") => self.manifest(last, request),
            _ => match self.blobs.get(last) {
                Some(blob) => Reply::ok(blob.clone()),
                None => Reply::status(404),
            },
        }
    }

    pub fn tags(&self) -> Vec<String> {
        let names = self.manifests.keys();
        names
            .filter(|name| !name.starts_with("sha256:"))
            .cloned()
            .collect()
    }

    /// What refers to a manifest.
    pub fn about(&self, manifest: &[u8]) -> Vec<Value> {
        let subject = format!("sha256:{}", Sha256::of(manifest));
        let by_digest = self
            .manifests
            .iter()
            .filter(|(name, _)| name.starts_with("sha256:"));
        let all = by_digest.map(|(_, content)| serde_json::from_slice(content).unwrap());
        all.filter(|read: &Value| read["subject"]["digest"] == *subject)
            .collect()
    }

    fn take_blob(&mut self, request: &Request) -> Reply {
        let digest = request.query("digest").unwrap();
        assert_eq!(digest, format!("sha256:{}", Sha256::of(&request.body)));
        assert_eq!(request.query("state").as_deref(), Some("a"));
        self.blobs.insert(digest, request.body.clone());
        self.written.push("blob".to_owned());
        Reply::status(201)
    }

    /// Takes a manifest whose blobs are there, as registries do.
    fn take_manifest(&mut self, name: &str, request: &Request) -> Reply {
        let read: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let layers = read["layers"].as_array().into_iter().flatten();
        for blob in layers.chain([&read["config"]]) {
            if !self
                .blobs
                .contains_key(blob["digest"].as_str().unwrap_or_default())
            {
                return Reply::status(400);
            }
        }
        let digest = format!("sha256:{}", Sha256::of(&request.body));
        self.manifests.insert(digest.clone(), request.body.clone());
        self.manifests.insert(name.to_owned(), request.body.clone());
        self.written.push("manifest".to_owned());
        let reply = Reply::status(201).with("Docker-Content-Digest", &digest);
        match read["subject"]["digest"]
            .as_str()
            .filter(|_| self.has_referrers)
        {
            Some(subject) => reply.with("OCI-Subject", subject),
            None => reply,
        }
    }

    fn list_tags(&self, request: &Request) -> Reply {
        let last = request.query("last").unwrap_or_default();
        let mut tags: Vec<String> = self.tags().into_iter().filter(|tag| *tag > last).collect();
        let has_more = tags.len() > self.page;
        tags.truncate(self.page);
        let reply = Reply::ok(serde_json::json!({ "name": "any", "tags": tags }).to_string());
        match tags.last().filter(|_| has_more) {
            Some(last) => {
                let path = request.path.split('?').next().unwrap();
                let link = format!("<{path}?n=1000&last={last}>; rel=\"next\"");
                reply.with("Link", &link)
            }
            None => reply,
        }
    }

    fn referrers(&self, subject: &str) -> Reply {
        if !self.has_referrers {
            return Reply::status(404);
        }
        let all = self
            .manifests
            .iter()
            .filter(|(name, _)| name.starts_with("sha256:"));
        let found: Vec<serde_json::Value> = all
            .filter_map(|(digest, content)| {
                let read: serde_json::Value = serde_json::from_slice(content).ok()?;
                (read["subject"]["digest"] == subject).then(|| {
                    serde_json::json!({
                        "mediaType": read["mediaType"], "digest": digest, "size": content.len(),
                        "artifactType": read["artifactType"],
                    })
                })
            })
            .collect();
        let index = serde_json::json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": found,
        });
        Reply::ok(index.to_string()).with("Content-Type", "application/vnd.oci.image.index.v1+json")
    }

    fn manifest(&self, name: &str, request: &Request) -> Reply {
        let Some(content) = self.manifests.get(name) else {
            return Reply::status(404);
        };
        let digest = format!("sha256:{}", Sha256::of(content));
        let tag = format!("\"{digest}\"");
        if request.header("if-none-match") == Some(&tag) {
            return Reply::status(304);
        }
        Reply::ok(content.clone())
            .with("ETag", &tag)
            .with("Docker-Content-Digest", &digest)
    }
}
