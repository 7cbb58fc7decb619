//! A stand-in for an S3 store on loopback: listings, uploads in parts, metadata, keys, and faults that a test asks for. It checks the
//! name of the key and no signature.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::server::{Logged, Reply, Request, Server};

/// The bucket that is there.
pub const BUCKET: &str = "images";
/// The key that it takes.
pub const KEY: &str = "bucket-writer";

/// An object.
#[derive(Debug, Clone, Default)]
pub struct Object {
    pub body: Vec<u8>,
    /// Its metadata, by the names of the headers.
    pub metadata: Vec<(String, String)>,
}

/// The parts of an upload, by number.
type Parts = BTreeMap<u32, Vec<u8>>;

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    /// Uploads that are neither finished nor given up, with the object's name.
    uploads: BTreeMap<String, (String, Object, Parts)>,
    count: usize,
    drops_metadata: bool,
    is_private: bool,
    faults: Vec<Fault>,
}

/// An answer in place of the right one.
struct Fault {
    method: &'static str,
    part_of_path: &'static str,
    left: usize,
    reply: Reply,
}

/// The store.
pub struct Bucket {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl Bucket {
    pub fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let shown = state.clone();
        let server = Server::start(move |request| shown.lock().unwrap().answer(request));
        Self { server, state }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The objects, by their names.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        self.state.lock().unwrap().objects.clone()
    }

    pub fn put(&self, name: &str, body: &str) {
        let object = Object {
            body: body.into(),
            metadata: Vec::new(),
        };
        let mut state = self.state.lock().unwrap();
        state.objects.insert(name.to_owned(), object);
    }

    pub fn remove(&self, name: &str) {
        self.state.lock().unwrap().objects.remove(name).unwrap();
    }

    /// How many uploads were begun and are not ended.
    pub fn open_uploads(&self) -> usize {
        self.state.lock().unwrap().uploads.len()
    }

    /// Keeps no metadata, as some stores do.
    pub fn drop_metadata(&self) {
        self.state.lock().unwrap().drops_metadata = true;
    }

    /// Lets nobody read without a key.
    pub fn make_private(&self) {
        self.state.lock().unwrap().is_private = true;
    }

    /// Answers the next requests of a kind so.
    pub fn fail(
        &self,
        method: &'static str,
        part_of_path: &'static str,
        times: usize,
        reply: Reply,
    ) {
        self.state.lock().unwrap().faults.push(Fault {
            method,
            part_of_path,
            left: times,
            reply,
        });
    }

    pub fn log(&self) -> Vec<Logged> {
        self.server.log()
    }

    /// The requests that change something, as `PUT /images/a`, without those of an upload that only tries.
    pub fn writes(&self) -> Vec<String> {
        let log = self.server.log();
        let writes = log
            .iter()
            .filter(|one| !matches!(one.method.as_str(), "GET" | "HEAD"));
        writes
            .map(|one| format!("{} {}", one.method, one.path))
            .collect()
    }

    pub fn clear_log(&self) {
        self.server.clear_log();
    }
}

/// S3's form of a refusal.
pub fn refusal(status: u16, code: &str) -> Reply {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>No.</Message></Error>");
    Reply {
        body: body.into(),
        ..Reply::status(status)
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        let fault = self.faults.iter_mut().find(|fault| {
            fault.left > 0
                && fault.method == request.method
                && request.path.contains(fault.part_of_path)
        });
        if let Some(fault) = fault {
            fault.left -= 1;
            return fault.reply.clone();
        }
        let signed = request.header("authorization");
        if signed.is_some_and(|signed| !signed.contains(&format!("Credential={KEY}/"))) {
            return refusal(403, "InvalidAccessKeyId");
        }
        let path = request.path.split('?').next().unwrap();
        let path = path.strip_prefix("/swift/v1/AUTH_7f3").unwrap_or(path);
        let (bucket, name) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or((path.trim_start_matches('/'), ""));
        if bucket != BUCKET {
            return refusal(404, "NoSuchBucket");
        }
        let is_read = matches!(request.method.as_str(), "GET" | "HEAD");
        if signed.is_none() && (!is_read || self.is_private || name.is_empty()) {
            return refusal(403, "AccessDenied");
        }
        match request.method.as_str() {
            "GET" if name.is_empty() => Reply::ok(
                "<?xml version=\"1.0\"?><ListBucketResult><Name>images</Name></ListBucketResult>",
            ),
            "GET" | "HEAD" => self.read(name),
            "POST" => self.post(name, request),
            "PUT" => self.write(name, request),
            "DELETE" => {
                self.uploads
                    .remove(&request.query("uploadId").unwrap())
                    .unwrap();
                Reply::status(204)
            }
            _ => Reply::status(405),
        }
    }

    fn read(&self, name: &str) -> Reply {
        let Some(object) = self.objects.get(name) else {
            return refusal(404, "NoSuchKey");
        };
        let mut reply = Reply::ok(object.body.clone())
            .with("ETag", "\"e\"")
            .with("Last-Modified", "Wed, 13 May 2026 10:00:00 GMT");
        for (key, value) in &object.metadata {
            reply = reply.with(key, value);
        }
        reply
    }

    fn post(&mut self, name: &str, request: &Request) -> Reply {
        let Some(id) = request.query("uploadId") else {
            self.count += 1;
            let id = self.count.to_string();
            let headers = request.headers.iter();
            let metadata =
                headers.filter(|(key, _)| key.starts_with("x-amz-meta-") && !self.drops_metadata);
            let object = Object {
                body: Vec::new(),
                metadata: metadata.cloned().collect(),
            };
            let upload = (name.to_owned(), object, BTreeMap::new());
            self.uploads.insert(id.clone(), upload);
            return Reply::ok(format!(
                "<?xml version=\"1.0\"?><InitiateMultipartUploadResult><Bucket>images</Bucket><Key>{name}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ));
        };
        let (begun, mut object, parts) = self.uploads.remove(&id).unwrap();
        assert_eq!(begun, name);
        object.body = parts.into_values().flatten().collect();
        self.objects.insert(begun, object);
        Reply::ok(
            "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>",
        )
    }

    fn write(&mut self, name: &str, request: &Request) -> Reply {
        let body = request.body.clone();
        let reply = Reply::status(200).with("ETag", "\"e\"");
        let Some(id) = request.query("uploadId") else {
            let object = Object {
                body,
                metadata: Vec::new(),
            };
            self.objects.insert(name.to_owned(), object);
            return reply;
        };
        let number = request.query("partNumber").unwrap().parse().unwrap();
        self.uploads.get_mut(&id).unwrap().2.insert(number, body);
        reply
    }
}
