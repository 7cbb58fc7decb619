//! What is listed, from a registry, GitHub and git, whatever a registry does.

use serde_json::{Value, json};

use crate::support::program::{self, Copy, Said};
use crate::support::registry::{Door, Kept, LOGIN, Registry};
use crate::support::server::{Reply, Request, Server};
use csctl_matrix::version::Sha256;

/// Keeps a release as csctl publishes it, and returns its digest.
fn publish(registry: &Registry, tag: &str, kubernetes: &str, created: &str) -> String {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.scs.cluster-stacks.v1",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": format!("sha256:{}", Sha256::of(b"{}")), "size": 2, "data": "e30=",
        },
        "layers": [],
        "annotations": {
            "hash": "azlfam7", "kubernetesVersion": kubernetes,
            "org.opencontainers.image.created": created,
        },
    });
    let text = manifest.to_string();
    let digest = format!("sha256:{}", Sha256::of(text.as_bytes()));
    let mut kept = registry.kept.lock().unwrap();
    kept.manifests.insert(digest.clone(), text.clone().into());
    kept.manifests.insert(tag.to_owned(), text.into());
    digest
}

fn filled(registry: &Registry) {
    publish(
        registry,
        "openstack-scs2-1-34-v9",
        "v1.34.6",
        "2026-05-01T08:00:00Z",
    );
    publish(
        registry,
        "openstack-scs2-1-34-v10",
        "v1.34.7",
        "2026-06-01T23:59:59Z",
    );
    publish(
        registry,
        "openstack-scs2-1-34-v0-sha-azlfam7",
        "v1.34.7",
        "2026-06-02T00:00:00Z",
    );
    publish(
        registry,
        "docker-scs-1-30-v1",
        "v1.30.10",
        "2026-01-01T00:00:00Z",
    );
}

fn repository(registry: &Registry) -> String {
    format!("oci://{}/team/stacks", registry.host())
}

/// Lists in a directory without a clone, unless one is named.
fn list(registry: &Registry, options: &[&str]) -> Said {
    let nowhere = tempfile::TempDir::new().unwrap();
    let directory = nowhere.path().display().to_string();
    let repository = repository(registry);
    let arguments = [
        "-C",
        &directory,
        "release",
        "list",
        "--repository",
        &repository,
    ];
    run(&[&arguments[..], options].concat())
}

fn run(arguments: &[&str]) -> Said {
    let cache = tempfile::TempDir::new().unwrap();
    let mut command = program::program(arguments);
    let output = command
        .env("NO_PROXY", "*")
        .env("XDG_CACHE_HOME", cache.path())
        .output();
    output.unwrap().into()
}

fn versions(listed: &Value, line: usize) -> Vec<&str> {
    let releases = listed["lines"][line]["releases"].as_array().unwrap();
    releases
        .iter()
        .map(|one| one["version"].as_str().unwrap())
        .collect()
}

#[test]
fn a_registry_is_listed_by_manifests_alone() {
    let registry = Registry::start(Door::Open);
    filled(&registry);
    let digest = publish(
        &registry,
        "openstack-scs2-1-34-v11",
        "v1.34.8",
        "2026-06-15T00:00:00Z",
    );
    let listed = list(&registry, &["--format", "json"]).json();
    assert_eq!(versions(&listed, 0), ["v1"]);
    assert_eq!(versions(&listed, 1), ["v11", "v10", "v9", "v0-sha.azlfam7"]);
    let newest = &listed["lines"][1]["releases"][0];
    assert_eq!(newest["kubernetes"], "v1.34.8");
    assert_eq!(newest["day"], "2026-06-15");
    assert_eq!(newest["digest"], digest.as_str());
    assert_eq!(newest["sources"], json!(["registry"]));
    let log = registry.server.log();
    assert_eq!(log.len(), 6);
    assert!(
        log.iter()
            .all(|line| line.method == "GET" && !line.path.contains("/blobs/"))
    );
}

#[test]
fn only_lines_that_are_asked_for_are_read() {
    let registry = Registry::start(Door::Open);
    filled(&registry);
    for (options, requests) in [
        (&["docker/scs"][..], 2),
        (&["scs2"], 4),
        (&["openstack-scs2-1-34"], 4),
        (&["--minor", "1.30"], 2),
        (&["other"], 1),
    ] {
        registry.server.clear_log();
        let said = list(&registry, options).success();
        assert_eq!(registry.server.log().len(), requests, "{options:?}: {said}");
        assert_eq!(said.contains("no release was found"), options == ["other"]);
    }
}

#[test]
fn text_and_markdown_show_the_same() {
    let registry = Registry::start(Door::Open);
    filled(&registry);
    publish(&registry, "latest", "v1.34.7", "2026-06-01T00:00:00Z");
    let text = list(&registry, &[]).success();
    let markdown = list(&registry, &["--format", "markdown"]).success();
    for shown in [
        "openstack-scs2-1-34",
        "v10",
        "v1.34.7",
        "2026-06-01",
        "latest (registry)",
    ] {
        assert!(text.contains(shown), "{text}");
        assert!(markdown.contains(shown), "{markdown}");
    }
    assert!(text.contains("csctl reads all tags"), "{text}");
}

#[test]
fn all_pages_are_read_with_links_and_without() {
    let registry = Registry::start(Door::Open);
    filled(&registry);
    registry.kept.lock().unwrap().page = 2;
    let listed = list(&registry, &["--format", "json"]).json();
    assert_eq!(versions(&listed, 1).len(), 3);

    // A registry that gives full pages and no link to the next one.
    let registry = Registry::lying(Door::Open, |_, request| {
        let is_list = request.path.contains("/tags/list");
        is_list.then(|| {
            let after: usize = request
                .query("last")
                .map_or(0, |tag| tag.rsplit('v').next().unwrap().parse().unwrap());
            let tags: Vec<String> = (after + 1..=1500)
                .take(1000)
                .map(|number| format!("x-y-1-30-v{number}"))
                .collect();
            Reply::ok(json!({ "tags": tags }).to_string())
        })
    });
    let listed = list(&registry, &["other", "--format", "json"]).json();
    assert_eq!(listed["gaps"], json!([]));
    assert_eq!(registry.server.log().len(), 2);
}

#[test]
fn pages_without_end_are_left_and_told() {
    for (link, told) in [
        (
            "</v2/a/tags/list?last=NEXT>; rel=\"next\"",
            "more than 50 pages",
        ),
        ("</v2/a/tags/list?n=1000>; rel=\"next\"", "leads back"),
    ] {
        let count = std::sync::atomic::AtomicU32::new(0);
        let registry = Registry::lying(Door::Open, move |_, request| {
            let is_list = request.path.contains("/tags/list");
            is_list.then(|| {
                let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let link = link.replace("NEXT", &number.to_string());
                Reply::ok("{\"tags\": [\"a\"]}").with("Link", &link)
            })
        });
        let listed = list(&registry, &["--format", "json"]).json();
        let gap = listed["gaps"][0].as_str().unwrap();
        assert!(gap.contains(told), "{gap}");
        assert!(registry.server.log().len() <= 50);
    }
}

#[test]
fn what_a_registry_does_wrong_is_told_with_the_release() {
    fn swapped(kept: &mut Kept, request: &Request) -> Option<Reply> {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let content = kept.manifests.get("openstack-scs2-1-34-v10")?;
        request
            .path
            .ends_with("-v10")
            .then(|| Reply::ok(content.clone()).with("Docker-Content-Digest", &digest))
    }
    fn index(_: &mut Kept, request: &Request) -> Option<Reply> {
        let index = "{\"mediaType\":\"application/vnd.oci.image.index.v1+json\"}";
        request.path.ends_with("-v10").then(|| Reply::ok(index))
    }
    fn gone(_: &mut Kept, request: &Request) -> Option<Reply> {
        request.path.ends_with("-v10").then(|| Reply::status(404))
    }
    for (lie, told) in [
        (
            swapped as fn(&mut Kept, &Request) -> Option<Reply>,
            "was asked for",
        ),
        (index, "an index of several images"),
        (gone, "answers 404"),
    ] {
        let registry = Registry::lying(Door::Open, lie);
        filled(&registry);
        let listed = list(&registry, &["--format", "json"]).json();
        let releases = listed["lines"][1]["releases"].as_array().unwrap();
        assert_eq!(releases.len(), 3);
        let fault = releases[0]["fault"].as_str().unwrap();
        assert!(fault.contains(told), "{fault}");
        assert!(releases[0].get("digest").is_none());
        assert!(list(&registry, &[]).success().contains(told));
    }
}

#[test]
fn a_repository_that_is_not_there_has_no_releases() {
    let registry = Registry::lying(Door::Open, |_, _| {
        Some(Reply {
            body: "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}".into(),
            ..Reply::status(404)
        })
    });
    assert!(
        list(&registry, &[])
            .success()
            .contains("no release was found")
    );
}

#[test]
fn a_registry_that_gives_no_list_is_an_error() {
    for (body, status, told) in [
        ("{", 200, "not a list of tags"),
        ("{}", 500, "answers 500"),
        ("{}", 403, "answers 403"),
    ] {
        let registry = Registry::lying(Door::Open, move |_, _| {
            Some(Reply {
                body: body.into(),
                ..Reply::status(status)
            })
        });
        let error = list(&registry, &[]).failure(1);
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn logins_come_from_the_environment_or_a_file() {
    let (user, password) = LOGIN.split_once(':').unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{password}\n")).unwrap();
    let path = file.path().display().to_string();
    for door in [Door::Basic, Door::Token] {
        let registry = Registry::start(door);
        filled(&registry);
        let nowhere = tempfile::TempDir::new().unwrap();
        let ask = |options: &[&str], variables: &[(&str, &str)]| -> Said {
            let directory = nowhere.path().display().to_string();
            let arguments = [&["-C", &directory, "release", "list"], options].concat();
            let mut command = program::program(&arguments);
            command
                .env("NO_PROXY", "*")
                .env("XDG_CACHE_HOME", nowhere.path());
            command.envs(variables.iter().copied());
            command.output().unwrap().into()
        };
        let bare = format!("{}/team/stacks", registry.host());
        let host = registry.host();
        let login = [("OCI_USERNAME", user), ("OCI_PASSWORD", password)];
        let named = [("OCI_REPOSITORY", &*bare), ("OCI_REGISTRY", &*host)];
        ask(&[], &[&named[..], &login].concat()).success();
        ask(&["--repository", &bare], &login).success();
        ask(
            &[
                "--repository",
                &bare,
                "--username",
                user,
                "--password-file",
                &path,
            ],
            &[],
        )
        .success();
        // They are for the registry that the environment names, and for no other.
        let elsewhere = [("OCI_REGISTRY", "registry.example.org")];
        let error = ask(&["--repository", &bare], &[&elsewhere[..], &login].concat()).failure(1);
        assert!(error.contains("wants a login"), "{error}");
        let error = ask(&["--repository", &bare], &login[..1]).failure(1);
        assert!(
            error.contains("OCI_USERNAME is set and OCI_PASSWORD is not"),
            "{error}"
        );
        let wrong = [("OCI_USERNAME", user), ("OCI_PASSWORD", "wr0ng-word-4567")];
        registry.server.clear_log();
        let error = ask(&["--repository", &bare], &wrong).failure(1);
        assert!(!error.contains("wr0ng"), "{error}");
        // The door is not knocked at for ever.
        assert!(registry.server.log().len() <= 4);
    }
}

/// csctl sends its token in base64.
#[test]
fn the_token_is_sent_as_csctl_sends_it() {
    let server = Server::start(|request| match request.header("authorization") {
        Some("Bearer dG9rZW4tMDEyMzQ1Njc4OQ==") => Reply::ok("{\"tags\": []}"),
        Some(other) => panic!("{other}"),
        None => Reply::status(401).with("WWW-Authenticate", "Bearer realm=\"http://127.0.0.1:1/\""),
    });
    let bare = server.url().replace("http://", "") + "/team/stacks";
    let nowhere = tempfile::TempDir::new().unwrap();
    let directory = nowhere.path().display().to_string();
    let mut command = program::program(&["-C", &directory, "release", "list"]);
    command
        .env("NO_PROXY", "*")
        .env("XDG_CACHE_HOME", nowhere.path());
    command
        .env("OCI_REPOSITORY", &bare)
        .env("OCI_ACCESS_TOKEN", "token-0123456789");
    let said: Said = command.output().unwrap().into();
    said.success();
    assert_eq!(server.log().len(), 2);
}

#[test]
fn a_door_that_never_opens_is_left() {
    let registry = Registry::lying(Door::Open, |_, request| {
        Some(if request.path.starts_with("/token") {
            Reply::ok("{\"token\": \"tok-0123456789\"}")
        } else {
            let realm = format!(
                "Bearer realm=\"http://{}/token\"",
                request.header("host").unwrap()
            );
            Reply::status(401).with("WWW-Authenticate", &realm)
        })
    });
    let error = list(&registry, &[]).failure(1);
    assert!(error.contains("answers 401"), "{error}");
    assert_eq!(registry.server.log().len(), 3);
}

#[test]
#[expect(clippy::too_many_lines, reason = "three sources beside one another")]
fn tags_of_the_clone_and_releases_of_github_stand_beside_the_registry() {
    let copy = Copy::of("layout-c");
    copy.commit();
    for tag in [
        "openstack-scs2-1-34-v10",
        "openstack-scs2-1-33-v2",
        "v2026.05",
        "openstack-scs-1-29-v2-test",
    ] {
        copy.git(&["tag", tag]);
    }
    let registry = Registry::start(Door::Open);
    filled(&registry);
    let forge = Server::start(|request| {
        let page = request.query("page").unwrap();
        let release = |tag: &str, draft: bool| json!({ "tag_name": tag, "draft": draft, "published_at": "2026-04-01T00:00:00Z" });
        let reply = match &*page {
            "1" => json!([
                release("openstack-scs2-1-34-v10", false),
                release("x-y-1-30-v1", true)
            ]),
            _ => json!([
                release("openstack-scs2-1-32-v1", false),
                release("odd", false)
            ]),
        };
        let reply = Reply::ok(reply.to_string()).with("Content-Type", "application/json");
        let next = format!(
            "<http://{}{}>; rel=\"next\"",
            request.header("host").unwrap(),
            "/x"
        );
        if page == "1" {
            reply.with("Link", &next)
        } else {
            reply
        }
    });
    let root = copy.root().display().to_string();
    let repository = repository(&registry);
    let listed = run(&[
        "-C",
        &root,
        "release",
        "list",
        "--format",
        "json",
        "--repository",
        &repository,
        "--github",
        "team/stacks",
        "--api",
        &forge.url(),
    ])
    .json();
    let of = |tag: &str| -> Value {
        let lines = listed["lines"].as_array().unwrap().iter();
        let mut all = lines.flat_map(|line| line["releases"].as_array().unwrap());
        all.find(|one| one["tag"] == tag)
            .unwrap_or_else(|| panic!("{tag}: {listed}"))
            .clone()
    };
    let known = of("openstack-scs2-1-34-v10");
    assert_eq!(known["sources"], json!(["registry", "gitHub", "git"]));
    assert_eq!(known["day"], "2026-06-01");
    assert_eq!(of("openstack-scs2-1-32-v1")["day"], "2026-04-01");
    assert_eq!(of("openstack-scs2-1-33-v2")["sources"], json!(["git"]));
    let unreadable = listed["unreadable"].as_array().unwrap();
    let named: Vec<&str> = unreadable
        .iter()
        .map(|one| one["tag"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["odd", "openstack-scs-1-29-v2-test"]);
}

#[test]
fn without_anybody_to_ask_it_says_whom() {
    let nowhere = tempfile::TempDir::new().unwrap();
    let directory = nowhere.path().display().to_string();
    let error = run(&["-C", &directory, "release", "list"]).failure(1);
    assert!(
        error.contains("--repository") && error.contains("OCI_REPOSITORY"),
        "{error}"
    );
    let error = run(&[
        "-C",
        &directory,
        "release",
        "list",
        "--repository",
        "oci://x/y:tag",
    ])
    .failure(2);
    assert!(error.contains("without a tag"), "{error}");
}
