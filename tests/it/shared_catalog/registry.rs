//! A catalog as an artifact of an OCI registry: pushed, pulled and pinned, and never believed.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::DAY;
use crate::support::program::{self, Copy, Said, catalog};
use crate::support::registry::{Door, Kept, LOGIN, Registry};
use crate::support::server::{Reply, Request, Server};
use csctl_matrix::version::Sha256;

/// What a registry does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    Manifest,
    Blob,
    Index,
    NoLayer,
    OtherArtifact,
    UploadsElsewhere,
}

fn reference(registry: &Registry) -> String {
    format!("oci://{}/team/catalog:daily", registry.host())
}

impl Lie {
    fn tell(self, kept: &Kept, request: &Request) -> Option<Reply> {
        let path = request.path.split('?').next().unwrap();
        let name = path.rsplit('/').next().unwrap();
        if request.method == "POST" && self == Self::UploadsElsewhere {
            return Some(Reply::status(202).with("Location", "http://127.0.0.2:1/upload"));
        }
        if request.method != "GET" {
            return None;
        }
        if self == Self::Blob && path.contains("/blobs/") {
            return Some(Reply::ok("schema: 1\nasOf: 2026-06-15\n"));
        }
        let content = kept
            .manifests
            .get(name)
            .filter(|_| path.contains("/manifests/"))?;
        let text = String::from_utf8(content.clone()).unwrap();
        let shown = match self {
            Self::Manifest => text.replace("catalog.yaml", "other.yaml"),
            Self::Index => "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}".to_owned(),
            Self::NoLayer => text.replace("catalog.v1+yaml", "catalog.v9+yaml"),
            Self::OtherArtifact => text.replace("catalog.v1\"", "other.v1\""),
            Self::Blob | Self::UploadsElsewhere => return None,
        };
        let digest = format!("sha256:{}", Sha256::of(content));
        let reply = Reply::ok(shown);
        Some(match self {
            Self::Manifest => reply.with("Docker-Content-Digest", &digest),
            _ => reply,
        })
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
        &["catalog", "push", &catalog(), &reference(registry)],
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
    let registry = Registry::start(Door::Open);
    let copy = Copy::of("docker");
    let said = push(&registry, None).success();
    let pinned = said.lines().nth(1).unwrap().to_owned();
    // A manifest names what is there already.
    assert_eq!(
        registry.kept.lock().unwrap().written,
        ["blob", "blob", "manifest"]
    );
    let of_file = plan(&copy, &catalog(), None).success();
    for place in [&reference(&registry), &pinned] {
        let of_registry = plan(&copy, place, None).success();
        assert_eq!(of_registry.replace(place, &catalog()), of_file);
    }
    // The second time nothing is transferred: the tag is asked for, its contents are known.
    registry.server.clear_log();
    plan(&copy, &reference(&registry), None).success();
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
        let honest = Registry::start(Door::Open);
        push(&honest, None).success();
        let liar = Registry::lying(Door::Open, move |kept, request| lie.tell(kept, request));
        let mut kept = liar.kept.lock().unwrap();
        let shown = honest.kept.lock().unwrap();
        kept.blobs.clone_from(&shown.blobs);
        kept.manifests.clone_from(&shown.manifests);
        drop((kept, shown));
        let copy = Copy::of("docker");
        let error = plan(&copy, &reference(&liar), None).failure(1);
        assert!(error.contains(told), "{lie:?}: {error}");
    }
    let liar = Registry::lying(Door::Open, |kept, request| {
        Lie::UploadsElsewhere.tell(kept, request)
    });
    let error = push(&liar, None).failure(1);
    assert!(
        error.contains("does not go on at the same registry"),
        "{error}"
    );
    let empty = Registry::start(Door::Open);
    let error = plan(&Copy::of("docker"), &reference(&empty), None).failure(1);
    assert!(error.contains("answers 404"), "{error}");
}

#[test]
fn the_login_of_docker_opens_the_door() {
    for door in [Door::Basic, Door::Token] {
        let registry = Registry::start(door);
        let docker = logged_in(&registry);
        let error = push(&registry, None).failure(1);
        assert!(error.contains("wants a login"), "{door:?}: {error}");
        push(&registry, Some(&docker)).success();
        let copy = Copy::of("docker");
        let first = plan(&copy, &reference(&registry), Some(&docker)).success();
        registry.server.clear_log();
        assert_eq!(
            plan(&copy, &reference(&registry), Some(&docker)).success(),
            first
        );
        let blobs = |line: &crate::support::server::Logged| line.path.contains("/blobs/");
        assert!(!registry.server.log().iter().any(blobs), "{door:?}");
        // What one login has seen is for nobody else.
        let error = plan(&copy, &reference(&registry), None).failure(1);
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
    let registry = Registry::start(Door::Basic);
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
        program::program(&["catalog", "push", &catalog(), &reference(&registry)])
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
    let registry = Registry::start(Door::Basic);
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
        kept.lock().unwrap().answer(request)
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
