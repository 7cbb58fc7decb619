//! Hashes against values computed with other tools, and csctl's decision.

use super::*;

/// Computed with coreutils; `tests/it/csctl_hashes.rs` has the command line.
const EMPTY_CHART: &str = "3wjpb9d6wewf6aojtrvl7sneq3qh3g5pdwrcjbbnpsw";

fn files(files: &[(&str, &str)]) -> FileDigests {
    let digest = |(path, text): &(&str, &str)| ((*path).to_owned(), Sha256::of(text.as_bytes()));
    files.iter().map(digest).collect()
}

fn stack() -> FileDigests {
    files(&[
        ("cluster-addon/ccm/Chart.yaml", "version: 2.34.2\n"),
        ("cluster-addon-values.yaml", "values: 1\n"),
        ("cluster-class/Chart.yaml", "name: a\n"),
        ("csctl.yaml", "config:\n"),
        ("node-images/config.yaml", "[]\n"),
    ])
}

fn tagged(files: FileDigests) -> LastRelease {
    LastRelease::of_tag("openstack-scs2-1-34-v2".parse().unwrap(), files)
}

fn with(path: &str, text: &str) -> FileDigests {
    let mut changed = stack();
    changed.insert(path.to_owned(), Sha256::of(text.as_bytes()));
    changed
}

#[test]
fn base64_is_cleaned() {
    let sum = sha2::Sha256::digest(b"");
    // `printf '' | openssl dgst -sha256 -binary | base64` says 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
    assert_eq!(clean(&sum), "47deqpj8hbsatimw5jceuqerkm5nmpjwzg3hsufu");
    assert_eq!(clean(b"ab"), "ywi");
    assert_eq!(clean(b"abcd"), "ywjjza");
}

#[test]
fn parts_have_the_hash_of_their_own_directory() {
    let hashes = CsctlHashes::of(&files(&[("cluster-addon/Chart.yaml", "")]));
    assert_eq!(hashes.cluster_addon_dir, EMPTY_CHART);
    assert_ne!(hashes.cluster_stack, EMPTY_CHART);
    assert_eq!(
        (&*hashes.cluster_addon_values, &*hashes.node_image_dir),
        ("", "")
    );
    // A directory that only begins alike is another one, and `node-images` is none of csctl's.
    let others = files(&[
        ("cluster-addon-2/Chart.yaml", ""),
        ("node-images/Chart.yaml", ""),
    ]);
    let others = CsctlHashes::of(&others);
    assert_eq!(
        (&*others.cluster_addon_dir, &*others.node_image_dir),
        ("", "")
    );
    let singular = CsctlHashes::of(&files(&[("node-image/Chart.yaml", "")]));
    assert_eq!(singular.node_image_dir, EMPTY_CHART);
}

#[test]
fn a_hashes_file_is_written_as_csctl_does_and_read_leniently() {
    let hashes = CsctlHashes::of(&files(&[("cluster-addon/Chart.yaml", "")]));
    let text = serde_json::to_string_pretty(&hashes).unwrap();
    let keys: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().split('"').nth(1))
        .collect();
    assert_eq!(
        keys,
        ["clusterStack", "clusterAddonDir", "clusterAddonValues"]
    );
    assert_eq!(CsctlHashes::read(text.as_bytes()), Some(hashes));
    let odd = br#"{"hash": "4b2b59b", "clusterAddonDir": null, "nodeImageDir": "a"}"#;
    let odd = CsctlHashes::read(odd).unwrap();
    assert_eq!((&*odd.cluster_addon_dir, &*odd.node_image_dir), ("", "a"));
    assert_eq!(CsctlHashes::read(b"<html>"), None);
}

#[test]
fn csctl_sees_addons_and_their_values_alone() {
    let last = tagged(stack());
    for path in [
        "cluster-addon/ccm/Chart.yaml",
        "cluster-addon-values.yaml",
        "node-image/a",
    ] {
        let verdict = csctl_verdict(&with(path, "new"), &last);
        assert_eq!(verdict, CsctlVerdict::Publishes, "{path}");
    }
    for path in [
        "csctl.yaml",
        "cluster-class/Chart.yaml",
        "node-images/config.yaml",
        "clusteraddon.yaml",
    ] {
        let CsctlVerdict::Refuses { reason } = csctl_verdict(&with(path, "new"), &last) else {
            panic!("{path} is seen");
        };
        assert_eq!(
            reason.to_string(),
            "it compares only cluster-addon, cluster-addon-values.yaml and node-image with v2 (tag openstack-scs2-1-34-v2), \
             and none of them changed"
        );
        assert!(!last.compares(path));
    }
}

#[test]
fn a_release_with_a_hash_of_its_class_is_compared_with_it() {
    let mut hashes = CsctlHashes::of(&stack());
    hashes.cluster_class_dir = Some(part(&stack(), CLUSTER_CLASS));
    let last = LastRelease::of_hashes("openstack-scs2-1-34-v2".parse().unwrap(), hashes);
    let changed = with("cluster-class/Chart.yaml", "name: b\n");
    assert_eq!(csctl_verdict(&changed, &last), CsctlVerdict::Publishes);
    let CsctlVerdict::Refuses { reason } = csctl_verdict(&with("csctl.yaml", "new"), &last) else {
        panic!("csctl.yaml is seen");
    };
    let reason = reason.to_string();
    assert!(
        reason.contains("cluster-class and node-image with v2 (hashes.json of openstack"),
        "{reason}"
    );
}

#[test]
fn a_change_that_csctl_does_not_see_is_named() {
    let last = tagged(stack());
    let mut now = with("cluster-class/templates/a.yaml", "new");
    now.remove("csctl.yaml");
    let said = unpublishable(&now, &last).unwrap().to_string();
    assert!(
        said.starts_with(
            "the source tree differs from openstack-scs2-1-34-v2 in cluster-class and csctl.yaml, and csctl would refuse"
        ),
        "{said}"
    );
    assert_eq!(unpublishable(&stack(), &last), None);
    assert_eq!(unpublishable(&with("cluster-addon/x", ""), &last), None);
    let hashes = LastRelease::of_hashes(last.tag.clone(), last.hashes.clone());
    assert!(
        unpublishable(&now, &hashes)
            .unwrap()
            .to_string()
            .contains(" in its files, and csctl")
    );
}
