//! What is published, once and again, interrupted and in a race; and what is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{build, layout_c, output};
use crate::support::program::{self, Copy, Said};
use crate::support::registry::{Door, Kept, Registry};
use crate::support::server::{Reply, Request};
use csctl_matrix::version::Sha256;

pub(super) const TAG: &str = "openstack-scs2-1-34-v1";
const CLASS: &str = "providers/openstack/scs2/cluster-class/values.yaml";
pub(super) const CUSTOM: [&str; 4] = ["--mode", "custom", "--cluster-stack-version", "v1"];

/// Six contents, each begun and written, before the manifest.
const WRITES: usize = 13;

/// And the manifest by its digest, and two attestations: a content and a manifest each.
const WRITES_WITH_ATTESTATIONS: usize = WRITES + 1 + 2 * 3;

pub(super) fn publish(copy: &Copy, registry: &Registry, options: &[&str]) -> Said {
    let root = copy.root().display().to_string();
    let arguments = [&["-C", &root, "release", "publish"], options].concat();
    let mut command = program::program(&arguments);
    command
        .env("NO_PROXY", "*")
        .env("XDG_CACHE_HOME", copy.cache())
        .env("OCI_REPOSITORY", format!("{}/team/stacks", registry.host()))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.org");
    command.output().unwrap().into()
}

pub(super) fn published(copy: &Copy, registry: &Registry, options: &[&str]) -> Value {
    let report = publish(copy, registry, &[options, &["--format", "json"]].concat()).json();
    assert_eq!(report["releases"].as_array().unwrap().len(), 1);
    report["releases"][0].clone()
}

pub(super) fn manifest(registry: &Registry, tag: &str) -> Value {
    let kept = registry.kept.lock().unwrap();
    serde_json::from_slice(&kept.manifests[tag]).unwrap()
}

pub(super) fn written(registry: &Registry) -> Vec<String> {
    registry.kept.lock().unwrap().written.clone()
}

fn change_class(copy: &Copy) {
    let text = copy.read(CLASS);
    copy.write(CLASS, &format!("{text}# changed\n")).commit();
}

#[test]
#[expect(clippy::too_many_lines, reason = "everything that one manifest says")]
fn a_release_is_published_as_csctl_does_it() {
    let copy = layout_c();
    let registry = Registry::start(Door::Open);
    let release = published(&copy, &registry, &[]);
    assert_eq!(release["tag"], TAG);
    assert_eq!(release["state"], "published");
    assert_eq!(registry.tags(), [TAG]);
    // Contents first, the tag last.
    let written = written(&registry);
    assert_eq!(written.len(), 7);
    assert_eq!(written.iter().position(|what| what == "manifest"), Some(6));
    let manifest = manifest(&registry, TAG);
    assert_eq!(
        manifest["artifactType"],
        "application/vnd.scs.cluster-stacks.v1"
    );
    assert_eq!(manifest["config"]["data"], "e30=");
    let created = copy.git(&[
        "log",
        "-1",
        "--format=%cd",
        "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
    ]);
    let annotations = &manifest["annotations"];
    assert_eq!(
        annotations["org.opencontainers.image.created"],
        created.trim()
    );
    assert_eq!(annotations["kubernetesVersion"], "v1.34.6");
    assert_eq!(annotations["hash"].as_str().unwrap().len(), 7);
    let layers: Vec<(&str, &str)> = manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| {
            let title = &layer["annotations"]["org.opencontainers.image.title"];
            (
                title.as_str().unwrap(),
                layer["mediaType"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        layers,
        [
            (
                "clusteraddon.yaml",
                "application/vnd.scs.cluster-addon.config.layer.v1+yaml"
            ),
            ("hashes.json", "application/vnd.scs.hashes.layer.v1+yaml"),
            (
                "metadata.yaml",
                "application/vnd.scs.metadata.layer.v1+yaml"
            ),
            (
                "openstack-scs2-1-34-cluster-addon-v1.tgz",
                "application/vnd.scs.cluster-addon.layer.v1.tar+gzip"
            ),
            (
                "openstack-scs2-1-34-cluster-class-v1.tgz",
                "application/vnd.scs.cluster-class.v1.tar+gzip"
            ),
        ]
    );
    // The keys and their order are those of csctl's own manifests.
    let kept = registry.kept.lock().unwrap();
    let text = String::from_utf8(kept.manifests[TAG].clone()).unwrap();
    let start = "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"artifactType\":\
                 \"application/vnd.scs.cluster-stacks.v1\",\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":";
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.contains(",\"size\":2,\"data\":\"e30=\"},\"layers\":[{\"mediaType\":"),
        "{text}"
    );
    assert_eq!(
        release["digest"],
        format!("sha256:{}", Sha256::of(text.as_bytes()))
    );
}

#[test]
fn the_commit_is_tagged_once_the_release_is_there() {
    let copy = layout_c();
    let registry = Registry::start(Door::Open);
    let commit = copy.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let planned = published(&copy, &registry, &["--dry-run"]);
    assert_eq!(planned["state"], "planned");
    assert_eq!(
        planned["commitTag"],
        json!({ "state": "planned", "commit": commit })
    );
    assert_eq!(written(&registry).len() + copy.git(&["tag"]).len(), 0);
    let release = published(&copy, &registry, &[]);
    assert_eq!(release["digest"], planned["digest"]);
    assert_eq!(
        release["commitTag"],
        json!({ "state": "made", "commit": commit })
    );
    assert_eq!(copy.git(&["cat-file", "-t", TAG]).trim(), "tag");
    assert_eq!(
        copy.git(&["rev-parse", &format!("{TAG}^{{commit}}")])
            .trim(),
        commit
    );
    let again = published(&copy, &registry, &CUSTOM);
    assert_eq!(again["state"], "same");
    assert_eq!(again["commitTag"]["state"], "there");
    // An interruption between the registry and git is made up for.
    copy.git(&["tag", "-d", TAG]);
    assert_eq!(
        published(&copy, &registry, &CUSTOM)["commitTag"]["state"],
        "made"
    );
    copy.git(&["tag", "-d", TAG]);
    published(&copy, &registry, &[&CUSTOM[..], &["--no-git-tag"]].concat());
    assert_eq!(copy.git(&["tag"]), "");
}

#[test]
fn a_tag_at_another_commit_is_told_before_anything_is_published() {
    let copy = layout_c();
    copy.git(&["tag", TAG]);
    change_class(&copy);
    let registry = Registry::start(Door::Open);
    let error = publish(&copy, &registry, &CUSTOM).failure(1);
    assert!(error.contains("at another commit"), "{error}");
    assert_eq!(registry.server.log().len(), 0);
    publish(&copy, &registry, &[&CUSTOM[..], &["--no-git-tag"]].concat()).success();
}

#[test]
fn what_git_cannot_tag_is_published_and_told() {
    let copy = layout_c();
    // Signing is asked for, and there is nobody who could.
    copy.git(&["config", "tag.gpgSign", "true"]);
    copy.git(&["config", "gpg.program", "/bin/false"]);
    let registry = Registry::start(Door::Open);
    let said = publish(&copy, &registry, &[]);
    assert_eq!(said.status, 1, "{}", said.stderr);
    assert!(
        said.stderr
            .contains("is published, and its commit could not be tagged"),
        "{}",
        said.stderr
    );
    assert!(said.stdout.contains("published in"), "{}", said.stdout);
    assert_eq!(registry.tags(), [TAG]);
}

#[test]
fn the_next_release_follows_the_last() {
    let copy = layout_c();
    let registry = Registry::start(Door::Open);
    published(&copy, &registry, &[]);
    let writes = written(&registry).len();
    let said = publish(&copy, &registry, &[]).success();
    assert!(
        said.contains("nothing changed since this release"),
        "{said}"
    );
    assert_eq!(written(&registry).len(), writes);
    change_class(&copy);
    let second = published(&copy, &registry, &[]);
    assert_eq!(second["tag"], "openstack-scs2-1-34-v2");
    assert_eq!(second["changes"][0]["part"], "cluster-class");
    // The addons are those of before: what the registry has is not sent again.
    let sent = written(&registry)[writes..]
        .iter()
        .filter(|what| *what == "blob")
        .count();
    assert_eq!(sent, 3);
}

#[test]
fn what_is_published_is_never_changed() {
    let copy = layout_c();
    let registry = Registry::start(Door::Open);
    published(&copy, &registry, &[]);
    let before = manifest(&registry, TAG);
    let writes = written(&registry).len();
    change_class(&copy);
    let options = [&CUSTOM[..], &["--no-git-tag"]].concat();
    let error = publish(&copy, &registry, &options).failure(1);
    assert!(
        error.contains("published already, with other files"),
        "{error}"
    );
    let error = publish(&copy, &registry, &[&options[..], &["--dry-run"]].concat()).failure(1);
    assert!(
        error.contains("published already, with other files"),
        "{error}"
    );
    assert_eq!(manifest(&registry, TAG), before);
    assert_eq!(written(&registry).len(), writes);
}

#[test]
fn a_directory_is_published_as_it_would_be_from_its_commit() {
    let copy = layout_c();
    build(&copy, &CUSTOM).success();
    let registry = Registry::start(Door::Open);
    let directory = output(&copy).join(TAG).display().to_string();
    let of_directory = published(&copy, &registry, &["--from", &directory]);
    assert_eq!(of_directory["commitTag"]["state"], "none");
    let other = Registry::start(Door::Open);
    assert_eq!(
        published(&copy, &other, &CUSTOM)["digest"],
        of_directory["digest"]
    );
    // What the operator would refuse is not published.
    std::fs::remove_file(output(&copy).join(TAG).join("clusteraddon.yaml")).unwrap();
    let odd = output(&copy).join("openstack-scs2-1-34-v9");
    std::fs::rename(output(&copy).join(TAG), &odd).unwrap();
    let empty = Registry::start(Door::Open);
    let error = publish(&copy, &empty, &["--from", &odd.display().to_string()]).failure(1);
    assert!(error.contains("is not published"), "{error}");
    assert_eq!(empty.server.log().len(), 0);
}

#[test]
fn interrupted_at_each_request_and_run_again_it_comes_to_the_same() {
    interrupt_each(WRITES, false);
}

#[test]
fn what_is_about_a_release_is_there_before_its_tag_wherever_it_is_interrupted() {
    interrupt_each(WRITES_WITH_ATTESTATIONS, true);
}

/// Breaks off each write once, before and after it is done, and runs again.
fn interrupt_each(writes: usize, has_referrers: bool) {
    let copy = layout_c();
    let whole = Registry::start(Door::Open);
    let digest = published(&copy, &whole, &CUSTOM)["digest"].clone();
    let options = [&CUSTOM[..], &["--no-git-tag"]].concat();
    for interrupted in 0..writes {
        for is_done in [false, true] {
            let count = Arc::new(AtomicUsize::new(0));
            let seen = count.clone();
            let registry = Registry::lying(Door::Open, move |kept, request| {
                kept.has_referrers = has_referrers;
                let is_write = request.method == "POST" || request.method == "PUT";
                if is_write && request.path.ends_with(TAG) {
                    assert_eq!(
                        kept.about(&request.body).len(),
                        2 * usize::from(has_referrers)
                    );
                }
                let is_now = is_write && seen.fetch_add(1, Ordering::Relaxed) == interrupted;
                is_now.then(|| {
                    if is_done {
                        kept.answer(request);
                    }
                    Reply::drop_connection()
                })
            });
            let said = publish(&copy, &registry, &options);
            let is_lost_answer = is_done && interrupted == writes - 1;
            assert_eq!(
                said.status,
                i32::from(!is_lost_answer),
                "{interrupted}: {}",
                said.stderr
            );
            if !is_lost_answer {
                assert!(registry.tags().is_empty(), "{interrupted}: {}", said.stderr);
                assert!(said.stderr.contains("run it again"), "{}", said.stderr);
            }
            let sent = count.load(Ordering::Relaxed);
            let again = published(&copy, &registry, &options);
            assert_eq!(again["digest"], digest);
            assert_eq!(registry.tags(), [TAG]);
            assert_eq!(
                registry.about(TAG).len(),
                2 * usize::from(has_referrers),
                "{interrupted}"
            );
            // Contents that were there are not sent a second time.
            let again = count.load(Ordering::Relaxed) - sent;
            let left = writes - interrupted.min(WRITES - 1) / 2 * 2;
            assert!(again <= left, "{interrupted}: {again} of {left}");
        }
    }
}

#[test]
fn of_two_publishers_one_wins_and_the_other_is_told() {
    // The other one writes right after this one.
    let copy = layout_c();
    let registry = Registry::lying(Door::Open, |kept, request| {
        let is_tag = request.method == "PUT" && request.path.contains("/manifests/");
        is_tag.then(|| {
            let reply = kept.answer(request);
            let text = String::from_utf8(request.body.clone()).unwrap();
            let other = text.replace("hashes.json", "other.json");
            kept.manifests.insert(TAG.to_owned(), other.into_bytes());
            reply
        })
    });
    let error = publish(&copy, &registry, &[]).failure(1);
    assert!(error.contains("somebody else has published"), "{error}");
    assert_eq!(copy.git(&["tag"]), "");

    // A registry that keeps its tags refuses the slower one.
    for (change, status) in [("hashes.json", 0), ("other.json", 1)] {
        let copy = layout_c();
        let registry = Registry::lying(Door::Open, move |kept, request| {
            let is_tag = request.method == "PUT" && request.path.contains("/manifests/");
            is_tag.then(|| {
                assert_eq!(request.header("if-none-match"), Some("*"));
                let text = String::from_utf8(request.body.clone()).unwrap();
                let other = text.replace("hashes.json", change);
                kept.manifests.insert(TAG.to_owned(), other.into_bytes());
                Reply::status(412)
            })
        });
        let said = publish(&copy, &registry, &[]);
        assert_eq!(said.status, status, "{}", said.stderr);
    }
}

#[test]
fn two_who_publish_the_same_at_once_are_both_done() {
    let registry = Registry::start(Door::Open);
    let copies = [layout_c(), layout_c()];
    let states: Vec<Value> = std::thread::scope(|scope| {
        let running: Vec<_> = copies
            .iter()
            .map(|copy| scope.spawn(|| published(copy, &registry, &CUSTOM)))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(states[0]["digest"], states[1]["digest"]);
    assert_eq!(registry.tags(), [TAG]);
}

type Lie = fn(&mut Kept, &Request) -> Option<Reply>;

#[test]
fn a_registry_that_refuses_or_lies_is_told_and_has_no_release() {
    fn blob_refused(_: &mut Kept, request: &Request) -> Option<Reply> {
        let is_upload = request.method == "PUT" && request.path.contains("/uploads/");
        is_upload.then(|| Reply {
            body: "{\"errors\":[{\"message\":\"quota exceeded\"}]}".into(),
            ..Reply::status(403)
        })
    }
    fn disk_full(_: &mut Kept, request: &Request) -> Option<Reply> {
        let is_upload = request.method == "PUT" && request.path.contains("/uploads/");
        is_upload.then(|| Reply::status(507))
    }
    fn other_blob(_: &mut Kept, request: &Request) -> Option<Reply> {
        let is_upload = request.method == "PUT" && request.path.contains("/uploads/");
        let digest = format!("sha256:{}", "ab".repeat(32));
        is_upload.then(|| Reply::status(201).with("Docker-Content-Digest", &digest))
    }
    fn other_manifest(_: &mut Kept, request: &Request) -> Option<Reply> {
        let is_tag = request.method == "PUT" && request.path.contains("/manifests/");
        let digest = format!("sha256:{}", "ab".repeat(32));
        is_tag.then(|| Reply::status(201).with("Docker-Content-Digest", &digest))
    }
    fn elsewhere(_: &mut Kept, request: &Request) -> Option<Reply> {
        let reply = Reply::status(202).with("Location", "http://127.0.0.2:1/upload");
        (request.method == "POST").then_some(reply)
    }
    fn manifest_refused(_: &mut Kept, request: &Request) -> Option<Reply> {
        let is_tag = request.method == "PUT" && request.path.contains("/manifests/");
        is_tag.then(|| Reply::status(500))
    }
    fn forgotten(_: &mut Kept, request: &Request) -> Option<Reply> {
        let is_tag = request.method == "PUT" && request.path.contains("/manifests/");
        is_tag.then(|| Reply::status(201))
    }
    fn other_digest(kept: &mut Kept, request: &Request) -> Option<Reply> {
        let content = kept.manifests.get(TAG)?;
        let is_read = request.method == "GET" && request.path.contains("/manifests/");
        let digest = format!("sha256:{}", "ab".repeat(32));
        is_read.then(|| Reply::ok(content.clone()).with("Docker-Content-Digest", &digest))
    }
    for (lie, told) in [
        (blob_refused as Lie, "quota exceeded"),
        (disk_full, "answers 507"),
        (other_blob, "was asked for"),
        (other_manifest, "was asked for"),
        (elsewhere, "does not go on at the same registry"),
        (manifest_refused, "answers 500"),
        (forgotten, "does not have it"),
        (other_digest, "was asked for"),
    ] {
        let copy = layout_c();
        let registry = Registry::lying(Door::Open, lie);
        let error = publish(&copy, &registry, &[]).failure(1);
        assert!(error.contains(told), "{told}: {error}");
        assert_eq!(copy.git(&["tag"]), "", "{told}");
        // The last lie is told of a manifest that is there.
        if lie as usize != other_digest as Lie as usize {
            assert!(registry.tags().is_empty(), "{told}");
        }
    }
}

#[test]
fn what_no_commit_has_is_not_published_and_not_tagged() {
    let copy = layout_c();
    let text = copy.read(CLASS);
    copy.write(CLASS, &format!("{text}# changed\n"));
    let registry = Registry::start(Door::Open);
    let error = publish(&copy, &registry, &[]).failure(1);
    assert!(error.contains("uncommitted changes"), "{error}");
    let release = published(&copy, &registry, &["--allow-dirty"]);
    assert_eq!(release["commitTag"]["state"], "none");
    assert_eq!(copy.git(&["tag"]), "");
}

#[test]
fn without_a_registry_nothing_is_published() {
    let copy = layout_c();
    let error = copy.run(&["release", "publish"]).failure(1);
    assert!(error.contains("no registry was named"), "{error}");
}
