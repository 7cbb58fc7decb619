//! A catalog as an artifact of an OCI registry: pushed, pulled and pinned, and never believed.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::DAY;
use crate::support::program::{self, Copy, Said, catalog};
use crate::support::server::{Reply, Request, Server};
use csctl_matrix::version::Sha256;

const LOGIN: &str = "me:s3cret-word-0123";

/// What a registry does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    None,
    Manifest,
    Blob,
    Index,
    NoLayer,
    OtherArtifact,
    UploadsElsewhere,
}

/// Whom a registry lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Basic,
    Token,
}

#[derive(Default)]
struct Kept {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, Vec<u8>>,
    /// What was written, in order.
    written: Vec<&'static str>,
}

/// A registry on loopback.
struct Registry {
    server: Server,
    kept: Arc<Mutex<Kept>>,
}

impl Registry {
    fn start(door: Door, lie: Lie) -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let shown = kept.clone();
        let server = Server::start(move |request| {
            door.refuse(request)
                .unwrap_or_else(|| answer(&mut shown.lock().unwrap(), request, lie))
        });
        Self { server, kept }
    }

    fn host(&self) -> String {
        self.server.url().replace("http://", "")
    }

    fn reference(&self) -> String {
        format!("oci://{}/team/catalog:daily", self.host())
    }
}

impl Door {
    /// Returns what somebody without the right key is told.
    fn refuse(self, request: &Request) -> Option<Reply> {
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

fn answer(kept: &mut Kept, request: &Request, lie: Lie) -> Reply {
    let path = request.path.split('?').next().unwrap();
    let last = path.rsplit('/').next().unwrap();
    match request.method.as_str() {
        "POST" if lie == Lie::UploadsElsewhere => {
            Reply::status(202).with("Location", "http://127.0.0.2:1/upload")
        }
        "POST" => Reply::status(202).with("Location", "/v2/team/catalog/blobs/uploads/1?state=a"),
        "PUT" if path.contains("/uploads/") => {
            let digest = request.query("digest").unwrap();
            assert_eq!(digest, format!("sha256:{}", Sha256::of(&request.body)));
            assert_eq!(request.query("state").as_deref(), Some("a"));
            kept.blobs.insert(digest, request.body.clone());
            kept.written.push("blob");
            Reply::status(201)
        }
        "PUT" => {
            let digest = format!("sha256:{}", Sha256::of(&request.body));
            kept.manifests.insert(digest, request.body.clone());
            kept.manifests.insert(last.to_owned(), request.body.clone());
            kept.written.push("manifest");
            Reply::status(201)
        }
        _ if path.contains("/manifests/") => manifest(kept, last, request, lie),
        _ => match kept.blobs.get(last) {
            Some(_) if lie == Lie::Blob => Reply::ok("schema: 1\nasOf: 2026-06-15\n"),
            Some(blob) => Reply::ok(blob.clone()),
            None => Reply::status(404),
        },
    }
}

fn manifest(kept: &Kept, name: &str, request: &Request, lie: Lie) -> Reply {
    let Some(content) = kept.manifests.get(name) else {
        return Reply::status(404);
    };
    let digest = format!("sha256:{}", Sha256::of(content));
    let tag = format!("\"{digest}\"");
    if request.header("if-none-match") == Some(&tag) {
        return Reply::status(304);
    }
    let text = String::from_utf8(content.clone()).unwrap();
    let shown = match lie {
        Lie::Manifest => text.replace("catalog.yaml", "other.yaml"),
        Lie::Index => "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}".to_owned(),
        Lie::NoLayer => text.replace("catalog.v1+yaml", "catalog.v9+yaml"),
        Lie::OtherArtifact => text.replace("catalog.v1\"", "other.v1\""),
        Lie::None | Lie::Blob | Lie::UploadsElsewhere => return Reply::ok(text).with("ETag", &tag).with("Docker-Content-Digest", &digest),
    };
    let reply = Reply::ok(shown);
    if lie == Lie::Manifest {
        reply.with("Docker-Content-Digest", &digest)
    } else {
        reply
    }
}

/// Runs the program with the login of a registry, or without.
fn run(words: &[&str], docker: Option<&Copy>) -> Said {
    let mut command = program::program(words);
    command
        .env("NO_PROXY", "*")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    if let Some(docker) = docker {
        command.env("DOCKER_CONFIG", docker.root());
    }
    command.output().unwrap().into()
}

fn push(registry: &Registry, docker: Option<&Copy>) -> Said {
    run(
        &["catalog", "push", &catalog(), &registry.reference()],
        docker,
    )
}

fn plan(copy: &Copy, place: &str, docker: Option<&Copy>) -> Said {
    let root = copy.root().display().to_string();
    let cache = copy.cache();
    let words = [
        "-C",
        &*root,
        "plan",
        "--as-of",
        DAY,
        "--cache-dir",
        &*cache,
        "--catalog",
        place,
    ];
    run(&words, docker)
}

/// A folder as `docker login` makes it.
fn logged_in(registry: &Registry) -> Copy {
    let docker = Copy::of("docker");
    let auth = STANDARD.encode(LOGIN);
    let config = format!(
        "{{\"auths\": {{\"{}\": {{\"auth\": \"{auth}\"}}}}}}",
        registry.host()
    );
    docker.write("config.json", &config);
    docker
}

#[test]
fn what_is_pushed_is_what_is_planned_from() {
    let registry = Registry::start(Door::Open, Lie::None);
    let copy = Copy::of("docker");
    let said = push(&registry, None).success();
    let pinned = said.lines().nth(1).unwrap().to_owned();
    // A manifest names what is there already.
    assert_eq!(
        registry.kept.lock().unwrap().written,
        ["blob", "blob", "manifest"]
    );
    let of_file = plan(&copy, &catalog(), None).success();
    for place in [&registry.reference(), &pinned] {
        let of_registry = plan(&copy, place, None).success();
        assert_eq!(of_registry.replace(place, &catalog()), of_file);
    }
    // The second time nothing is transferred: the tag is asked for, its contents are known.
    registry.server.clear_log();
    plan(&copy, &registry.reference(), None).success();
    let log = registry.server.log();
    assert_eq!(
        log.iter().map(|line| line.body_bytes).collect::<Vec<_>>(),
        [0]
    );
    registry.server.clear_log();
    plan(&copy, &pinned, None).success();
    assert_eq!(registry.server.log().len(), 0);
    // What is there already is not sent again, and the same catalog is the same artifact.
    assert_eq!(push(&registry, None).success(), said);
    assert_eq!(registry.kept.lock().unwrap().written.len(), 4);
}

#[test]
fn a_registry_that_lies_is_told_so() {
    for (lie, told) in [
        (Lie::Manifest, "was asked for"),
        (Lie::Blob, "was asked for"),
        (Lie::Index, "it is an index of several images"),
        (
            Lie::NoLayer,
            "it has no layer of application/vnd.csctl-matrix.catalog.v1+yaml",
        ),
        (Lie::OtherArtifact, "it is not a catalog"),
    ] {
        let honest = Registry::start(Door::Open, Lie::None);
        push(&honest, None).success();
        let liar = Registry::start(Door::Open, lie);
        let mut kept = liar.kept.lock().unwrap();
        let shown = honest.kept.lock().unwrap();
        kept.blobs.clone_from(&shown.blobs);
        kept.manifests.clone_from(&shown.manifests);
        drop((kept, shown));
        let copy = Copy::of("docker");
        let error = plan(&copy, &liar.reference(), None).failure(1);
        assert!(error.contains(told), "{lie:?}: {error}");
    }
    let liar = Registry::start(Door::Open, Lie::UploadsElsewhere);
    let error = push(&liar, None).failure(1);
    assert!(
        error.contains("does not go on at the same registry"),
        "{error}"
    );
    let empty = Registry::start(Door::Open, Lie::None);
    let error = plan(&Copy::of("docker"), &empty.reference(), None).failure(1);
    assert!(error.contains("answers 404"), "{error}");
}

#[test]
fn the_login_of_docker_opens_the_door() {
    for door in [Door::Basic, Door::Token] {
        let registry = Registry::start(door, Lie::None);
        let docker = logged_in(&registry);
        let error = push(&registry, None).failure(1);
        assert!(error.contains("wants a login"), "{door:?}: {error}");
        push(&registry, Some(&docker)).success();
        let copy = Copy::of("docker");
        let first = plan(&copy, &registry.reference(), Some(&docker)).success();
        registry.server.clear_log();
        assert_eq!(
            plan(&copy, &registry.reference(), Some(&docker)).success(),
            first
        );
        let blobs = |line: &crate::support::server::Logged| line.path.contains("/blobs/");
        assert!(!registry.server.log().iter().any(blobs), "{door:?}");
        // What one login has seen is for nobody else.
        let error = plan(&copy, &registry.reference(), None).failure(1);
        assert!(error.contains("wants a login"), "{door:?}: {error}");
        // A wrong one is told by its user, and not shown.
        let wrong = STANDARD.encode("you:wr0ng-word-4567");
        let config = format!(
            "{{\"auths\": {{\"{}\": {{\"auth\": \"{wrong}\"}}}}}}",
            registry.host()
        );
        docker.write("config.json", &config);
        let error = push(&registry, Some(&docker)).failure(1);
        assert!(
            !error.contains("wr0ng") && !error.contains(&wrong),
            "{error}"
        );
    }
}

#[test]
fn a_credential_helper_is_asked() {
    let registry = Registry::start(Door::Basic, Lie::None);
    let docker = Copy::of("docker");
    let config = format!(
        "{{\"credHelpers\": {{\"{}\": \"standin\"}}}}",
        registry.host()
    );
    docker.write("config.json", &config);
    let folder = docker.root().join("bin");
    let (user, word) = LOGIN.split_once(':').unwrap();
    program::install_script(
        &folder.join("docker-credential-standin"),
        &format!(
            "read -r registry || true\n[ \"$registry\" = \"{}\" ] || exit 1\necho '{{\"Username\":\"{user}\",\"Secret\":\"{word}\"}}'",
            registry.host()
        ),
    );
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display());
    let push = |path: &str| -> Said {
        program::program(&["catalog", "push", &catalog(), &registry.reference()])
            .env("NO_PROXY", "*")
            .env("PATH", path)
            .env("DOCKER_CONFIG", docker.root())
            .output()
            .unwrap()
            .into()
    };
    push(&path).success();
    let error = push("/usr/bin:/bin").failure(1);
    assert!(error.contains("docker-credential-standin"), "{error}");
}

/// Registries keep their contents at other hosts, which must not see the token.
#[test]
fn a_blob_at_another_host_is_read_without_the_login() {
    let store = Server::start(|request| {
        assert_eq!(request.header("authorization"), None);
        Reply::ok(fs::read(catalog()).unwrap())
    });
    let registry = Registry::start(Door::Basic, Lie::None);
    let docker = logged_in(&registry);
    push(&registry, Some(&docker)).success();
    let kept = registry.kept.clone();
    let target = store.url();
    let front = Server::start(move |request| {
        if let Some(refusal) = Door::Basic.refuse(request) {
            return refusal;
        }
        if request.path.contains("/blobs/") {
            return Reply::redirect(&format!("{target}/blob"));
        }
        answer(&mut kept.lock().unwrap(), request, Lie::None)
    });
    let host = front.url().replace("http://", "");
    let config = format!(
        "{{\"auths\": {{\"{host}\": {{\"auth\": \"{}\"}}}}}}",
        STANDARD.encode(LOGIN)
    );
    docker.write("config.json", &config);
    let place = format!("oci://{host}/team/catalog:daily");
    plan(&Copy::of("docker"), &place, Some(&docker)).success();
    assert_eq!(store.log().len(), 1);
}
