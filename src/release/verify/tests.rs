//! Each fault of a release, with the words of who reads it.

use jiff::Timestamp;

use super::super::archive::{Member, pack};
use super::*;

const TAG: &str = "openstack-scs2-1-34-v7";
const CLASS: &str = "openstack-scs2-1-34-cluster-class-v7.tgz";
const ADDON: &str = "openstack-scs2-1-34-cluster-addon-v3.tgz";
const METADATA: &str = "versions:\n  clusterStack: v7\n  kubernetes: v1.34.7\n  components:\n    clusterAddon: v3\n    nodeImage: v2\n";
const HASHES: &str = r#"{"clusterStack": "a", "clusterAddonDir": "b", "clusterAddonValues": ""}"#;
const IMAGES: &str = "apiVersion: openstack.infrastructure.clusterstack.x-k8s.io/v1alpha1\nopenStackNodeImages:\n\
                      - url: https://images.example.org/a.qcow2\n  createOpts:\n    name: ubuntu-capi-image-v1.34.7\n    \
                      disk_format: qcow2\n    container_format: bare\n";

fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let members: Vec<Member> = members
        .iter()
        .map(|(path, text)| Member {
            path: (*path).to_owned(),
            content: text.as_bytes().to_owned(),
        })
        .collect();
    pack(&members, Timestamp::UNIX_EPOCH).unwrap()
}

fn class(version: &str) -> Vec<u8> {
    let text =
        format!("apiVersion: v2\nname: openstack-scs2-1-34-cluster-class\nversion: {version}\n");
    archive(&[("openstack-scs2-1-34-cluster-class/Chart.yaml", &text)])
}

fn release() -> ReleaseFiles {
    let addons = archive(&[
        ("cni/Chart.yaml", "name: cni\n"),
        ("cni/overwrite.yaml", "values: |\n  a: 1\n"),
    ]);
    let stages =
        "addonStages:\n  AfterControlPlaneInitialized:\n  - name: cni\n    action: apply\n";
    [
        ("metadata.yaml", METADATA.into()),
        ("hashes.json", HASHES.into()),
        ("clusteraddon.yaml", stages.into()),
        ("node-images.yaml", IMAGES.into()),
        (CLASS, class("v7")),
        (ADDON, addons),
    ]
    .map(|(name, content)| (name.to_owned(), content))
    .into()
}

fn told(tag: &str, files: &ReleaseFiles) -> Vec<String> {
    let findings = verify(tag, files).findings.into_iter();
    findings
        .map(|finding| {
            format!(
                "{} {}: {}",
                finding.reader.name(),
                finding.file,
                finding.error
            )
        })
        .collect()
}

fn told_with(name: &str, content: impl Into<Vec<u8>>) -> Vec<String> {
    let mut files = release();
    files.insert(name.to_owned(), content.into());
    told(TAG, &files)
}

fn told_without(name: &str) -> Vec<String> {
    let mut files = release();
    files.remove(name).unwrap();
    told(TAG, &files)
}

#[test]
fn a_good_release_has_no_findings() {
    assert_eq!(told(TAG, &release()), Vec::<String>::new());
    assert_eq!(class_archive(TAG, &release()), Some(CLASS));
}

#[test]
fn tags_and_metadata_are_read_as_the_operator_reads_them() {
    let tag = "openstack-my-stack-1-34-v7";
    assert_eq!(
        told(tag, &release()),
        [format!(
            "operator {tag}: failed to parse cluster stack release: invalid format"
        )]
    );
    let without_images = METADATA.replace("    nodeImage: v2\n", "");
    assert_eq!(
        told_with("metadata.yaml", without_images),
        [
            "operator metadata.yaml: failed to get metadata: failed to parse NodeImage version from metadata: invalid version string "
        ]
    );
    let other = told_with("metadata.yaml", METADATA.replace("v1.34.7", "v1.33.9"));
    assert!(
        other[0].contains("no cluster with a version of 1.34 can use it"),
        "{other:?}"
    );
    let other = told_with("metadata.yaml", METADATA.replace("v7", "v6"));
    assert!(
        other[0].contains("versions.clusterStack is v6"),
        "{other:?}"
    );
    assert!(told_without("metadata.yaml")[0].contains("failed to read metadata file"));
    assert!(told_without("hashes.json")[0].starts_with("csctl hashes.json"));
    assert!(told_with("hashes.json", "no")[0].starts_with("csctl hashes.json"));
}

#[test]
fn archives_are_found_by_a_part_of_their_name() {
    assert_eq!(
        told_without(CLASS),
        [
            "operator openstack-scs2-1-34-cluster-class-v7: failed to validate helm charts: helm chart matching the name filter \
          openstack-scs2-1-34-cluster-class-v7 not found"
        ]
    );
    let more = told_with("openstack-scs2-1-34-cluster-class-v70.tgz", class("v70"));
    assert!(
        more[0].contains("contains openstack-scs2-1-34-cluster-class-v7 as well"),
        "{more:?}"
    );
    assert!(told_without(ADDON)[0].contains("openstack-scs2-1-34-cluster-addon-v3 not found"));
    let wrong = told_with(CLASS, class("v6"));
    assert!(
        wrong[0].contains("its class is called openstack-scs2-1-34-v6"),
        "{wrong:?}"
    );
    assert!(told_with(CLASS, "no archive")[0].starts_with("helm "));
}

#[test]
fn archives_of_addons_have_neither_links_nor_places_outside() {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::default(),
    ));
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder
        .append_link(&mut header, "cni/link", "Chart.yaml")
        .unwrap();
    let bytes = builder.into_inner().unwrap().finish().unwrap();
    let found = told_with(ADDON, bytes);
    assert_eq!(
        found[0],
        format!("operator {ADDON}: unsupported type: 2 in file cni/link")
    );
    assert!(
        found
            .iter()
            .any(|line| line.contains("Chart.yaml file is missing")),
        "{found:?}"
    );
}

#[test]
fn stages_name_directories_and_actions() {
    for (text, words) in [
        (
            "addonStages:\n  AfterClusterUpgrade:\n  - name: csi\n    action: apply\n",
            "helm chart name doesn't exists in the cluster addon helm chart: \"csi\"",
        ),
        (
            "addonStages:\n  AfterClusterUpgrade:\n  - name: cni\n    action: install\n",
            "has the action \"install\", which deletes the chart",
        ),
        (
            "addonStages:\n  Sometimes:\n  - name: cni\n    action: apply\n",
            "no hook is called Sometimes",
        ),
        (
            "addonStages: 1\n",
            "failed to parse clusteraddon.yaml config",
        ),
    ] {
        let found = told_with("clusteraddon.yaml", text);
        assert!(found.len() == 1 && found[0].contains(words), "{found:?}");
    }
    let addons = archive(&[("cni/Chart.yaml", ""), ("cni/overwrite.yaml", "a: 1\n")]);
    let found = told_with(ADDON, addons);
    assert!(found[0].contains("key 'values' not found"), "{found:?}");
}

#[test]
fn the_old_convention_needs_its_values() {
    let mut files = release();
    files.remove("clusteraddon.yaml");
    let chart = archive(&[(
        "c/Chart.yaml",
        "apiVersion: v2\nname: c\nversion: v3\ndependencies:\n- name: d\n",
    )]);
    files.insert(ADDON.to_owned(), chart);
    let found = told(TAG, &files);
    assert!(
        found[0].contains("failed to verify the cluster addon values path"),
        "{found:?}"
    );
    assert!(
        found[1].contains("missing in charts/ directory: d"),
        "{found:?}"
    );
    files.insert(
        "cluster-addon-values.yaml".to_owned(),
        b"values: |\n".to_vec(),
    );
    assert_eq!(told(TAG, &files).len(), 1);
}

#[test]
fn node_images_become_resources() {
    let entry = &IMAGES[IMAGES.find("- url").unwrap()..];
    for (text, words) in [
        (IMAGES.to_owned() + entry, "stands there twice"),
        (
            IMAGES.replace("ubuntu-capi", "Ubuntu_capi"),
            "a lowercase RFC 1123 subdomain",
        ),
        (
            IMAGES.replace("    disk_format: qcow2\n", ""),
            "failed to get node images from local",
        ),
        (
            IMAGES.replace("url: https://images.example.org/a.qcow2", "url: \"\""),
            "has no url",
        ),
    ] {
        let found = told_with("node-images.yaml", text);
        assert!(found.len() == 1 && found[0].contains(words), "{found:?}");
        assert!(found[0].starts_with("openstack provider "), "{found:?}");
    }
    let mut files = release();
    files.remove("node-images.yaml");
    let report = verify(TAG, &files);
    assert!(
        report.findings.is_empty() && report.notes.len() == 1,
        "{report:?}"
    );
}
