//! What changed since the last release: after a registry, after the clone's tags, after a directory; and the block in a changelog.

use serde_json::{Value, json};

use super::next::keep;
use super::{build, layout_c, output};
use crate::support::program::{self, Copy, Said};
use crate::support::registry::{Door, Registry};

const FIRST: &str = "openstack-scs2-1-34-v1";
const CLASS: &str = "providers/openstack/scs2/cluster-class/templates/cluster-class.yaml";
const VALUES: &str = "providers/openstack/scs2/cluster-class/values.yaml";

fn notes(copy: &Copy, registry: Option<&Registry>, options: &[&str]) -> Said {
    notes_of(copy, &program::catalog(), registry, options)
}

fn notes_of(copy: &Copy, catalog: &str, registry: Option<&Registry>, options: &[&str]) -> Said {
    let root = copy.root().display().to_string();
    let usual = [
        "-C",
        &root,
        "release",
        "notes",
        "--minor",
        "1.34",
        "--catalog",
        catalog,
    ];
    let mut command = program::program(&[&usual, options].concat());
    command
        .env("NO_PROXY", "*")
        .env("XDG_CACHE_HOME", copy.cache());
    if let Some(registry) = registry {
        command.env("OCI_REPOSITORY", format!("{}/team/stacks", registry.host()));
    }
    command.output().unwrap().into()
}

fn told(copy: &Copy, registry: Option<&Registry>, options: &[&str]) -> Value {
    let options = [options, &["--format", "json"]].concat();
    notes(copy, registry, &options).json()["lines"][0].clone()
}

/// A registry with the first release of layout C, whose commit is tagged in the clone.
fn published(copy: &Copy) -> Registry {
    build(copy, &["--mode", "stable", "--first"]).success();
    copy.git(&["tag", FIRST]);
    let registry = Registry::start(Door::Open);
    keep(&registry, copy, FIRST);
    registry
}

/// Moves the stack to the newest patch, as `update` does it.
fn update(copy: &Copy) {
    let catalog = program::catalog();
    copy.run(&[
        "update",
        "openstack/scs2",
        "--minor",
        "1.34",
        "--catalog",
        &catalog,
    ])
    .success();
    copy.commit();
}

fn published_without_tag(copy: &Copy) -> Registry {
    let registry = published(copy);
    copy.git(&["tag", "-d", FIRST]);
    registry
}

fn edit(copy: &Copy, path: &str, from: &str, to: &str) {
    let text = copy.read(path);
    assert!(text.contains(from), "{text}");
    copy.write(path, &text.replace(from, to)).commit();
}

#[test]
fn an_update_is_told_in_full() {
    let copy = layout_c();
    let registry = published(&copy);
    update(&copy);
    let line = told(&copy, Some(&registry), &[]);
    assert_eq!(line["state"], "changed", "{line:#}");
    assert_eq!(line["tag"], "openstack-scs2-1-34-v2");
    assert_eq!(line["last"], FIRST);
    assert_eq!(line["kubernetes"]["fixed"], json!(["CVE-2026-90001"]));
    let text = notes(&copy, Some(&registry), &[]).success();
    for shown in [
        "## openstack-scs2-1-34-v2 - 2026-05-01\n\nFollows openstack-scs2-1-34-v1.\n\n- A release does not",
        "- Kubernetes v1.34.6 → v1.34.8\n",
        "its version to v1.34.8, in one step.\n- Their nodes are replaced",
        "### Added\n\n- node image of v1.34.0 on ubuntu-2404\n",
        "- addon chart openstack-cloud-controller-manager (ccm) 2.34.1 → 2.34.2\n",
        "### Security\n\n- v1.34.8 fixes CVE-2026-90001 (8.8)\n",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(
        !text.contains("csctl.yaml") && !text.contains("Unknown"),
        "{text}"
    );
    // The clone's tag tells the same of the same commit.
    let by_tag = notes(&copy, None, &[]).success();
    assert_eq!(by_tag, text);
    // So does the directory of the release.
    let directory = output(&copy).join(FIRST).display().to_string();
    let by_directory = notes(&copy, None, &["--last", &directory]).success();
    assert_eq!(by_directory, text);
}

#[test]
fn nothing_is_guessed() {
    let copy = layout_c();
    let text = notes(&copy, None, &[]).success();
    assert!(
        text.contains("Unknown: no registry was named") && text.contains("--repository"),
        "{text}"
    );
    let registry = published_without_tag(&copy);
    let text = notes(&copy, Some(&registry), &[]).success();
    assert!(
        text.contains(&format!("Nothing changed since {FIRST}.")),
        "{text}"
    );
    // The registry does not have the images of this stack, and the clone has no tag.
    update(&copy);
    let line = told(&copy, Some(&registry), &[]);
    assert_eq!(line["images"]["state"], "unknown");
    let text = notes(&copy, Some(&registry), &[]).success();
    assert!(
        text.contains(
            "### Unknown\n\n- node images: the release openstack-scs2-1-34-v1 does not list them"
        ) && text.contains("git fetch --tags"),
        "{text}"
    );
    assert!(!text.contains("node image of"), "{text}");
    // Who does not know of vulnerabilities does not say that none is fixed.
    let catalog = std::fs::read_to_string(program::catalog()).unwrap();
    let (known, _) = catalog.split_once("vulnerabilities:\n").unwrap();
    copy.write("known.yaml", known);
    let catalog = copy.path("known.yaml").display().to_string();
    let directory = output(&copy).join(FIRST).display().to_string();
    let text = notes_of(&copy, &catalog, None, &["--last", &directory]).success();
    assert!(
        text.contains("- what v1.34.8 fixes: the catalog has no vulnerabilities\n")
            && !text.contains("### Security"),
        "{text}"
    );
}

#[test]
fn images_that_are_the_same_are_known_without_a_tag() {
    let copy = layout_c();
    let registry = published_without_tag(&copy);
    edit(&copy, VALUES, "rootDisk: 50", "rootDisk: 60");
    let line = told(&copy, Some(&registry), &[]);
    assert_eq!(
        line["images"],
        json!({ "state": "known", "added": [], "removed": [], "rebuilt": [] })
    );
    assert_eq!(
        line["classFiles"],
        json!([{ "path": "values.yaml", "change": "changed" }])
    );
    assert_eq!(line["kubernetes"]["from"], line["kubernetes"]["to"]);
    let text = notes(&copy, Some(&registry), &[]).success();
    assert!(
        !text.contains("nodes") && text.contains("- cluster class: values.yaml\n"),
        "{text}"
    );
}

#[test]
fn a_rebuilt_image_and_one_that_left_are_told() {
    let copy = layout_c();
    let registry = published(&copy);
    let list = "providers/openstack/scs2/kubernetes.yaml";
    let text = copy.read(list);
    let sums: Vec<&str> = text
        .split(|sign: char| !sign.is_ascii_alphanumeric())
        .filter(|word| word.len() == 64)
        .collect();
    let newest = *sums.last().unwrap();
    edit(&copy, list, newest, &"0".repeat(64));
    let line = told(&copy, Some(&registry), &[]);
    let rebuilt = &line["images"]["rebuilt"];
    assert_eq!(rebuilt.as_array().unwrap().len(), 1, "{line:#}");
    assert_eq!(line["images"]["added"], json!([]));
    assert_eq!(line["images"]["removed"], json!([]));
    let text = notes(&copy, Some(&registry), &[]).success();
    assert!(
        text.contains(", rebuilt\n") && text.contains("Their nodes may be replaced"),
        "{text}"
    );
}

#[test]
fn variables_of_the_class_are_told() {
    let copy = layout_c();
    let registry = published(&copy);
    edit(
        &copy,
        VALUES,
        "imageName: ubuntu-capi-image",
        "imageName: other",
    );
    let added = "  variables:\n    - name: zone\n      required: true\n      schema:\n        openAPIV3Schema:\n          type: string\n";
    edit(&copy, CLASS, "  variables:\n", added);
    let line = told(&copy, Some(&registry), &[]);
    assert_eq!(
        line["variables"]["changed"],
        json!([
            { "change": "default", "name": "imageName", "from": "ubuntu-capi-image", "to": "other" },
            { "change": "added", "name": "zone", "mustBeSet": true },
        ])
    );
    let text = notes(&copy, Some(&registry), &[]).success();
    for shown in [
        "- variable zone\n",
        "- default of the variable imageName: ubuntu-capi-image → other\n",
        "- Set the variable zone in the same step",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    // Where an action decides, nobody knows.
    edit(
        &copy,
        CLASS,
        "  variables:\n",
        "  variables:\n  {{- if .Values.x }}\n",
    );
    edit(&copy, CLASS, "  patches:\n", "  {{- end }}\n  patches:\n");
    let line = told(&copy, Some(&registry), &[]);
    assert_eq!(line["variables"]["state"], "unknown", "{line:#}");
}

#[test]
fn the_first_release_says_what_it_has() {
    let copy = layout_c();
    let registry = Registry::start(Door::Open);
    let line = told(&copy, Some(&registry), &[]);
    assert_eq!(line["state"], "first");
    assert_eq!(line["tag"], FIRST);
    let text = notes(&copy, Some(&registry), &[]).success();
    for shown in [
        "## openstack-scs2-1-34-v1 - 2026-05-01\n\nThe first release.\n",
        "- Kubernetes v1.34.6\n",
        "- node image of v1.34.6 on ubuntu-2404\n",
        "- addon chart openstack-cloud-controller-manager (ccm) 2.34.1\n",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
}

#[test]
fn a_changelog_has_one_block_however_often_it_is_written() {
    let copy = layout_c();
    let registry = published(&copy);
    update(&copy);
    let old = "# Changelog\n\n## Unreleased\n\n- mine\n\n## [1.0.0]\n\n- old\n";
    copy.write("CHANGELOG.md", old);
    let file = copy.path("CHANGELOG.md").display().to_string();
    let write = || notes(&copy, Some(&registry), &["--changelog", &file]);
    let said = write();
    assert!(
        said.stderr.contains("wrote openstack-scs2-1-34-v2 to"),
        "{}",
        said.stderr
    );
    let printed = said.success();
    let once = copy.read("CHANGELOG.md");
    assert!(once.contains(&printed), "{once}");
    let (before, after) = old.split_at(old.find("## [1.0.0]").unwrap());
    assert!(once.starts_with(before) && once.ends_with(after), "{once}");
    let said = write();
    assert!(said.stderr.contains("already"), "{}", said.stderr);
    assert_eq!(copy.read("CHANGELOG.md"), once);
    // What changes further takes the place of the block that nobody has touched.
    edit(&copy, VALUES, "rootDisk: 50", "rootDisk: 60");
    write().success();
    let further = copy.read("CHANGELOG.md");
    assert_eq!(further.matches("<!-- csctl-matrix release").count(), 1);
    assert!(further.contains("cluster class: values.yaml"), "{further}");
    // A block that somebody has touched stays.
    let edited = further.replace("### Security", "### Safety");
    copy.write("CHANGELOG.md", &edited);
    edit(&copy, VALUES, "rootDisk: 60", "rootDisk: 70");
    let error = write().failure(1);
    assert!(
        error.contains("was changed by somebody; nothing was written"),
        "{error}"
    );
    assert_eq!(copy.read("CHANGELOG.md"), edited);
    // Where nothing changed, there is nothing to write.
    let fresh = layout_c();
    let registry = published(&fresh);
    let file = fresh.path("CHANGELOG.md");
    let said = notes(
        &fresh,
        Some(&registry),
        &["--changelog", &file.display().to_string()],
    );
    said.success();
    assert!(!file.exists());
}
