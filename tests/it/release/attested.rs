//! What a registry keeps about a release: how it was made, and the node images and charts of it.

use serde_json::{Value, json};

use super::publishing::{CUSTOM, TAG, publish, published, written};
use super::vendored::archive;
use super::{build, layout_c, output};
use crate::support::program::Copy;
use crate::support::registry::{Door, Registry};
use crate::support::server::Reply;
use csctl_matrix::version::Sha256;

const STATEMENT: &str = "application/vnd.in-toto+json";
const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
const CREATED: &str = "org.opencontainers.image.created";
const CHART: &str = "providers/openstack/scs2/cluster-addon/cni";

fn with_referrers() -> Registry {
    let registry = Registry::start(Door::Open);
    registry.kept.lock().unwrap().has_referrers = true;
    registry
}

/// What is about a release, by its type.
fn about(registry: &Registry, artifact_type: &str) -> Option<Value> {
    let all = registry.about(TAG);
    all.into_iter()
        .find(|manifest| manifest["artifactType"] == artifact_type)
}

fn content(registry: &Registry, artifact_type: &str) -> Value {
    registry.first_layer(&about(registry, artifact_type).unwrap())
}

#[test]
fn a_release_is_published_with_what_is_about_it() {
    let copy = layout_c();
    let registry = with_referrers();
    let release = published(&copy, &registry, &CUSTOM);
    assert_eq!(registry.tags(), [TAG]);
    let kept = registry.kept.lock().unwrap();
    let subject = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": release["digest"],
        "size": kept.manifests[TAG].len(),
    });
    let created = serde_json::from_slice::<Value>(&kept.manifests[TAG]).unwrap()["annotations"]
        [CREATED]
        .clone();
    drop(kept);
    let told = release["attestations"].as_array().unwrap();
    assert_eq!(told.len(), 2);
    for (told, artifact_type) in told.iter().zip([STATEMENT, CYCLONEDX]) {
        let manifest = about(&registry, artifact_type).unwrap();
        assert_eq!(told["artifactType"], artifact_type);
        assert_eq!(manifest["subject"], subject);
        assert_eq!(
            manifest["config"]["mediaType"],
            "application/vnd.oci.empty.v1+json"
        );
        assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
        assert_eq!(manifest["layers"][0]["mediaType"], artifact_type);
        assert_eq!(manifest["annotations"][CREATED], created);
        let kept = registry.kept.lock().unwrap();
        let digest = told["digest"].as_str().unwrap();
        assert_eq!(
            digest,
            format!("sha256:{}", Sha256::of(&kept.manifests[digest]))
        );
    }
    // The release itself is the same as without them.
    let alone = Registry::start(Door::Open);
    let options = [&CUSTOM[..], &["--no-attestations"]].concat();
    assert_eq!(
        published(&copy, &alone, &options)["digest"],
        release["digest"]
    );
}

#[test]
fn the_provenance_says_from_which_commit_a_release_was_made_and_how() {
    let copy = layout_c();
    let commit = copy.git(&["rev-parse", "HEAD"]).trim().to_owned();
    for (remote, uri) in [
        (
            "https://me:s3cret-word-0123@github.com/acme/stacks.git",
            Some("git+https://github.com/acme/stacks"),
        ),
        (
            "git@github.com:acme/stacks.git",
            Some("git+https://github.com/acme/stacks"),
        ),
        ("/srv/git/stacks.git", None),
    ] {
        copy.git(&["remote", "add", "origin", remote]);
        let registry = with_referrers();
        let digest = published(&copy, &registry, &CUSTOM)["digest"].clone();
        copy.git(&["remote", "remove", "origin"]);
        let mut source = json!({ "digest": { "gitCommit": commit } });
        if let Some(uri) = uri {
            source["uri"] = json!(uri);
        }
        let hex = digest.as_str().unwrap().trim_start_matches("sha256:");
        let page = "https://github.com/SovereignCloudStack/csctl-matrix";
        let wanted = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": TAG, "digest": { "sha256": hex } }],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {
                    "buildType": format!("{page}/blob/main/docs/release.md#provenance"),
                    "externalParameters": { "line": "openstack-scs2-1-34", "mode": "custom", "vendor": false },
                    "resolvedDependencies": [source],
                },
                "runDetails": { "builder": { "id": page } },
            },
        });
        assert_eq!(content(&registry, STATEMENT), wanted);
        let manifest = about(&registry, STATEMENT).unwrap();
        let kind = "in-toto.io/predicate-type";
        assert_eq!(
            manifest["annotations"][kind],
            "https://slsa.dev/provenance/v1"
        );
    }
}

#[test]
fn the_components_are_the_node_images_and_charts_of_a_release() {
    let copy = layout_c();
    let chart = copy.read(&format!("{CHART}/Chart.yaml"));
    let repository = "oci://registry.example.org/charts";
    let asked = ["extra", "boxed"]
        .map(|name| format!("  - name: {name}\n    version: 1.x\n    repository: {repository}\n"));
    let chart = format!("{}\n{}", chart.trim_end(), asked.concat());
    let lock =
        format!("dependencies:\n- name: boxed\n  version: 1.4.0\n  repository: {repository}\n");
    let boxed = archive("boxed", "1.4.0");
    std::fs::create_dir_all(copy.path(&format!("{CHART}/charts"))).unwrap();
    let place = copy.path(&format!("{CHART}/charts/boxed-1.4.0.tgz"));
    std::fs::write(place, &boxed).unwrap();
    copy.write(&format!("{CHART}/Chart.yaml"), &chart)
        .write(&format!("{CHART}/Chart.lock"), &lock)
        .commit();
    let registry = with_referrers();
    published(&copy, &registry, &CUSTOM);
    let bom = content(&registry, CYCLONEDX);
    assert_eq!(
        (&bom["bomFormat"], &bom["specVersion"]),
        (&json!("CycloneDX"), &json!("1.6"))
    );
    assert_eq!(
        bom["metadata"]["component"],
        json!({ "type": "application", "name": "openstack-scs2-1-34", "version": "v1" })
    );
    let components = bom["components"].as_array().unwrap();
    let images: Vec<&Value> = components
        .iter()
        .filter(|component| component["type"] == "file")
        .collect();
    assert!(!images.is_empty());
    for image in images {
        assert!(image["version"].as_str().unwrap().starts_with("v1.34."));
        assert_eq!(image["hashes"][0]["alg"], "SHA-256");
        let url = image["externalReferences"][0]["url"].as_str().unwrap();
        assert!(url.ends_with(image["name"].as_str().unwrap()), "{url}");
    }
    let place = json!([{ "type": "distribution", "url": repository }]);
    assert_eq!(
        *named(&bom, "extra"),
        json!({
            "type": "application", "name": "extra", "externalReferences": place,
            "properties": [{ "name": "csctl-matrix:requirement", "value": "1.x" }],
        })
    );
    assert_eq!(
        *named(&bom, "boxed"),
        json!({
            "type": "application", "name": "boxed", "version": "1.4.0", "externalReferences": place,
            "hashes": [{ "alg": "SHA-256", "content": Sha256::of(&boxed).hex() }],
        })
    );
    assert_eq!(named(&bom, "cilium")["version"], "1.18.5");
}

fn named<'b>(bom: &'b Value, name: &str) -> &'b Value {
    let mut components = bom["components"].as_array().unwrap().iter();
    components
        .find(|component| component["name"] == name)
        .unwrap()
}

#[test]
fn nothing_is_added_twice_and_the_same_commit_says_the_same() {
    let copy = layout_c();
    let registry = with_referrers();
    let first = published(&copy, &registry, &CUSTOM);
    let writes = written(&registry).len();
    let again = published(&copy, &registry, &CUSTOM);
    assert_eq!(again["state"], "same");
    assert_eq!(written(&registry).len(), writes);
    assert_eq!(registry.about(TAG).len(), 2);
    // From another clone, into another registry.
    let other = with_referrers();
    let planned = published(&layout_c(), &other, &[&CUSTOM[..], &["-n"]].concat());
    assert_eq!(written(&other).len(), 0);
    assert_eq!(planned["attestations"], first["attestations"]);
}

#[test]
fn a_registry_without_referrers_gets_the_release_alone_and_no_tag_for_them() {
    let copy = layout_c();
    let registry = Registry::start(Door::Open);
    let said = publish(&copy, &registry, &CUSTOM);
    assert_eq!(said.status, 0, "{}", said.stderr);
    let note = "keeps nothing that refers to a release: provenance and components were left out";
    assert_eq!(said.stderr.matches(note).count(), 1, "{}", said.stderr);
    assert_eq!(registry.tags(), [TAG]);
    assert_eq!(registry.kept.lock().unwrap().manifests.len(), 2);

    // A page in the place of the list is none.
    let page = Registry::lying(Door::Open, |_, request| {
        request
            .path
            .contains("/referrers/")
            .then(|| Reply::page(200))
    });
    let said = publish(&copy, &page, &CUSTOM);
    assert!(said.stderr.contains(note), "{}", said.stderr);
    assert_eq!(page.tags(), [TAG]);
}

#[test]
fn a_registry_that_cannot_say_it_now_gets_nothing() {
    let copy = layout_c();
    let registry = Registry::lying(Door::Open, |_, request| {
        request
            .path
            .contains("/referrers/")
            .then(|| Reply::status(500))
    });
    let error = publish(&copy, &registry, &CUSTOM).failure(1);
    assert!(error.contains("--no-attestations"), "{error}");
    assert_eq!(written(&registry).len(), 0);
    let options = [&CUSTOM[..], &["--no-attestations"]].concat();
    let release = published(&copy, &registry, &options);
    assert!(release.get("attestations").is_none());
    assert_eq!(registry.about(TAG).len(), 0);
}

#[test]
fn a_registry_that_names_another_digest_gets_no_tag() {
    let copy = layout_c();
    let registry = Registry::lying(Door::Open, |kept, request| {
        kept.has_referrers = true;
        let is_statement = request.body.windows(7).any(|part| part == b"subject");
        let other = format!("sha256:{}", "ab".repeat(32));
        (request.method == "PUT" && is_statement && request.path.contains("/manifests/"))
            .then(|| Reply::status(201).with("Docker-Content-Digest", &other))
    });
    let error = publish(&copy, &registry, &CUSTOM).failure(1);
    assert!(error.contains("is not published; run it again"), "{error}");
    assert!(registry.tags().is_empty());
}

#[test]
fn what_may_be_of_no_commit_has_no_provenance() {
    let copy = layout_c();
    build(&copy, &CUSTOM).success();
    let directory = output(&copy).join(TAG).display().to_string();
    dirty(&copy);
    for options in [
        &["--from", &directory][..],
        &[&CUSTOM[..], &["--allow-dirty"]].concat(),
    ] {
        let registry = with_referrers();
        published(&copy, &registry, options);
        assert_eq!(about(&registry, STATEMENT), None, "{options:?}");
        assert!(about(&registry, CYCLONEDX).is_some(), "{options:?}");
    }
}

fn dirty(copy: &Copy) {
    let file = format!("{CHART}/values.yaml");
    copy.write(&file, "changed: true\n");
}
