//! What the next release is, after what a registry has or what a clone has tags of; and `build --mode stable` from a registry.

use serde_json::{Value, json};

use super::{build, layout_c, output, release, tags};
use crate::support::program::{self, Copy, Said};
use crate::support::registry::{Door, Registry};
use crate::support::server::Reply;
use csctl_matrix::version::Sha256;

const FIRST: &str = "openstack-scs2-1-34-v1";
const CLASS: &str = "providers/openstack/scs2/cluster-class/values.yaml";

/// Keeps a release that was built as csctl publishes it.
pub(super) fn keep(registry: &Registry, copy: &Copy, tag: &str) {
    let files = release(copy, tag);
    let mut kept = registry.kept.lock().unwrap();
    let mut layers = Vec::new();
    for (name, content) in files {
        let digest = format!("sha256:{}", Sha256::of(&content));
        layers.push(json!({
            "mediaType": "application/octet-stream", "digest": digest, "size": content.len(),
            "annotations": { "org.opencontainers.image.title": name },
        }));
        kept.blobs.insert(digest, content);
    }
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": format!("sha256:{}", Sha256::of(b"{}")), "size": 2 },
        "layers": layers,
    });
    let text = manifest.to_string().into_bytes();
    kept.manifests.insert(tag.to_owned(), text);
}

/// A registry with the first release of layout C.
fn published(copy: &Copy) -> Registry {
    build(copy, &["--mode", "stable", "--first"]).success();
    let registry = Registry::start(Door::Open);
    keep(&registry, copy, FIRST);
    registry
}

fn run(copy: &Copy, registry: Option<&Registry>, arguments: &[&str]) -> Said {
    let root = copy.root().display().to_string();
    let mut command = program::program(&[&["-C", &root, "release"], arguments].concat());
    command
        .env("NO_PROXY", "*")
        .env("XDG_CACHE_HOME", copy.cache());
    if let Some(registry) = registry {
        command.env("OCI_REPOSITORY", format!("{}/team/stacks", registry.host()));
    }
    command.output().unwrap().into()
}

fn next(copy: &Copy, registry: Option<&Registry>) -> Value {
    let report = run(
        copy,
        registry,
        &["next", "--minor", "1.34", "--format", "json"],
    )
    .json();
    report["lines"][0].clone()
}

fn change_class(copy: &Copy) {
    let text = copy.read(CLASS);
    copy.write(CLASS, &format!("{text}# changed\n"));
}

#[test]
fn the_next_release_follows_what_the_registry_has() {
    let copy = layout_c();
    let registry = published(&copy);
    let before = next(&copy, Some(&registry));
    assert_eq!(before["state"], "unchanged");
    assert_eq!(before["last"]["tag"], FIRST);
    change_class(&copy);
    let line = next(&copy, Some(&registry));
    assert_eq!(line["state"], "next");
    assert_eq!(line["tag"], "openstack-scs2-1-34-v2");
    assert_eq!(
        line["changes"],
        json!([{ "part": "cluster-class", "assumed": false }])
    );
    assert_eq!(
        line["clusterStack"],
        json!({ "isRaised": true, "from": "v1", "to": "v2" })
    );
    assert_eq!(
        line["clusterAddon"],
        json!({ "isRaised": false, "from": "v1", "to": "v1" })
    );
    // csctl does not see a change of the class.
    assert_eq!(line["csctl"]["verdict"], "refuses");
    let text = run(&copy, Some(&registry), &["next"]).success();
    for shown in [
        "v2 follows v1",
        "v1 (registry)",
        "cluster class",
        "v1, as before",
        "would refuse",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    // What is told is what is built.
    let said = run(
        &copy,
        Some(&registry),
        &[
            "build",
            "--mode",
            "stable",
            "--allow-dirty",
            "-o",
            &output(&copy).display().to_string(),
        ],
    );
    said.success();
    assert_eq!(tags(&copy), [FIRST, "openstack-scs2-1-34-v2"]);
}

#[test]
fn only_small_files_are_read() {
    let copy = layout_c();
    let registry = published(&copy);
    registry.server.clear_log();
    next(&copy, Some(&registry));
    let log = registry.server.log();
    assert_eq!(log.len(), 2 + 3, "{log:?}");
}

#[test]
fn a_line_without_a_release_is_the_first() {
    let copy = layout_c();
    let registry = Registry::start(Door::Open);
    let line = next(&copy, Some(&registry));
    assert_eq!(line["state"], "first");
    assert_eq!(line["next"], "v1");
    copy.git(&["tag", "openstack-scs2-1-34-v4"]);
    let line = next(&copy, Some(&registry));
    let note = line["notes"].to_string();
    assert!(note.contains("the registry has no such release"), "{note}");
}

#[test]
fn tags_that_csctl_cannot_read_are_in_nobody_s_way() {
    let copy = layout_c();
    let registry = published(&copy);
    let other = registry.kept.lock().unwrap().manifests[FIRST].clone();
    for tag in [
        "latest",
        "openstack-my-stack-1-34-v9",
        "openstack-scs2-1-34-v0-sha-zzz",
        "openstack-scs2-1-33-v7",
    ] {
        let mut kept = registry.kept.lock().unwrap();
        kept.manifests.insert(tag.to_owned(), other.clone());
    }
    assert_eq!(next(&copy, Some(&registry))["last"]["tag"], FIRST);
}

#[test]
fn without_a_registry_the_tags_of_the_clone_are_gone_by() {
    let copy = layout_c();
    let line = next(&copy, None);
    assert_eq!(line["state"], "unknown");
    assert!(line["hint"].as_str().unwrap().contains("--repository"));
    copy.git(&["tag", "openstack-scs2-1-34-v3"]);
    assert_eq!(next(&copy, None)["state"], "unchanged");
    change_class(&copy);
    let line = next(&copy, None);
    assert_eq!(line["tag"], "openstack-scs2-1-34-v4");
    assert_eq!(line["last"]["source"], "git");
    assert_eq!(
        line["changes"],
        json!([{ "part": "cluster-class", "assumed": false }])
    );
    // A tag says nothing of the versions of components.
    assert_eq!(line["clusterAddon"], json!({ "isRaised": false }));
    let text = run(&copy, None, &["next"]).success();
    assert!(
        text.contains("v4 follows v3") && text.contains("as before"),
        "{text}"
    );
}

#[test]
fn a_registry_that_does_not_say_all_leaves_nothing_to_guess() {
    let copy = layout_c();
    let registry = Registry::lying(Door::Open, |_, request| {
        let is_list = request.path.contains("/tags/list");
        is_list.then(|| {
            let link = "</v2/a/tags/list?n=1000>; rel=\"next\"";
            Reply::ok("{\"tags\": [\"openstack-scs2-1-34-v1\"]}").with("Link", link)
        })
    });
    let error = run(&copy, Some(&registry), &["next"]).failure(1);
    assert!(error.contains("the last release is not known"), "{error}");
    let error = run(&copy, Some(&registry), &["build", "--mode", "stable"]).failure(1);
    assert!(error.contains("the last release is not known"), "{error}");
}

#[test]
fn a_release_without_its_files_is_no_last_one() {
    let copy = layout_c();
    let registry = published(&copy);
    let damaged = Registry::lying(Door::Open, |_, request| {
        request
            .path
            .contains("/blobs/")
            .then(|| Reply::ok("versions: {}\n"))
    });
    damaged.kept.lock().unwrap().manifests = registry.kept.lock().unwrap().manifests.clone();
    let error = run(&copy, Some(&damaged), &["next"]).failure(1);
    assert!(error.contains("was asked for"), "{error}");
    let mut kept = registry.kept.lock().unwrap();
    let text = String::from_utf8(kept.manifests[FIRST].clone()).unwrap();
    let without = text.replace("metadata.yaml", "other.yaml");
    kept.manifests
        .insert(FIRST.to_owned(), without.into_bytes());
    drop(kept);
    let error = run(&copy, Some(&registry), &["next"]).failure(1);
    assert!(error.contains("it has no metadata.yaml"), "{error}");
}

#[test]
fn a_published_release_is_verified_where_it_is() {
    let copy = layout_c();
    let registry = published(&copy);
    let reference = |tag: &str| format!("oci://{}/team/stacks:{tag}", registry.host());
    let said = run(&copy, None, &["verify", &reference(FIRST)]).success();
    assert!(said.contains("can be published"), "{said}");
    let error = run(&copy, None, &["verify", &reference("other")]).failure(1);
    assert!(error.contains("answers 404"), "{error}");
    let mut kept = registry.kept.lock().unwrap();
    let text = String::from_utf8(kept.manifests[FIRST].clone()).unwrap();
    for (tag, title) in [("a", "../metadata.yaml"), ("b", "hashes.json")] {
        let bad = text.replace("\"metadata.yaml\"", &format!("\"{title}\""));
        kept.manifests.insert(tag.to_owned(), bad.into_bytes());
    }
    drop(kept);
    for tag in ["a", "b"] {
        let error = run(&copy, None, &["verify", &reference(tag)]).failure(1);
        assert!(
            error.contains("the operator refuses a file called"),
            "{error}"
        );
    }
}
