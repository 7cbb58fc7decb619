//! What is built, in every mode and layout.

use serde_json::Value;

use super::{STAGES, build, layout_c, member, members, release, tags, text};
use crate::support::program::{Copy, project};
use csctl_matrix::io::digest::digest_directory;
use csctl_matrix::release_digest::CsctlHashes;

const CUSTOM: [&str; 4] = ["--mode", "custom", "--cluster-stack-version", "v7"];
const SCS2: &str = "openstack-scs2-1-34-v7";

#[test]
fn a_release_is_built_once_and_the_same_again() {
    let copy = layout_c();
    let said = build(&copy, &CUSTOM).success();
    assert!(
        said.contains("openstack-scs2-1-34-v7   written to "),
        "{said}"
    );
    let first = release(&copy, SCS2);
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "clusteraddon.yaml",
            "hashes.json",
            "metadata.yaml",
            "openstack-scs2-1-34-cluster-addon-v7.tgz",
            "openstack-scs2-1-34-cluster-class-v7.tgz",
        ]
    );
    let again = build(&copy, &CUSTOM).success();
    assert!(again.contains("already, with the same files"), "{again}");
    // Another clone at another place, at another time.
    let other = layout_c();
    build(&other, &CUSTOM).success();
    assert_eq!(release(&other, SCS2), first);
    assert_eq!(tags(&copy), [SCS2]);
}

#[test]
fn hashes_are_those_of_csctl_and_name_the_release() {
    let copy = layout_c();
    let said = build(&copy, &["--format", "json"]).json();
    let tree = project().join("testdata/layout-c/providers/openstack/scs2");
    let expected = CsctlHashes::of(&digest_directory(&tree).unwrap());
    let built = &said["releases"][0];
    let tag = format!(
        "openstack-scs2-1-34-v0-sha-{}",
        &expected.cluster_stack[..7]
    );
    assert_eq!(built["tag"], tag.as_str());
    assert_eq!(built["state"], "written");
    let hashes = text(&release(&copy, &tag), "hashes.json");
    let read = CsctlHashes::read(hashes.as_bytes()).unwrap();
    assert_eq!(read, expected);
    // csctl's fields come first, in its order, and nothing follows the last brace.
    let place = |key: &str| hashes.find(&format!("\"{key}\"")).unwrap();
    assert!(place("clusterStack") < place("clusterAddonDir"));
    assert!(place("clusterAddonValues") < place("csctlMatrix"));
    assert!(hashes.ends_with("\n}"));
    let whole: Value = serde_json::from_str(&hashes).unwrap();
    assert_eq!(whole["csctlMatrix"].as_object().unwrap().len(), 4);
}

#[test]
fn a_revision_is_built_from_git_alone() {
    let copy = layout_c();
    build(&copy, &CUSTOM).success();
    let of_directory = release(&copy, SCS2);
    let readme = "providers/openstack/scs2/README.md";
    copy.write(readme, "changed\n")
        .write("providers/openstack/scs2/new", "file");
    let before = copy.files();
    std::fs::remove_dir_all(super::output(&copy)).unwrap();
    let said = build(&copy, &[&CUSTOM[..], &["--rev", "HEAD"]].concat());
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(release(&copy, SCS2), of_directory);
    assert_eq!(copy.files(), before);
}

#[test]
fn files_have_the_moment_of_the_commit_or_of_the_environment() {
    fn moments(copy: &Copy) -> Vec<u64> {
        let release = release(copy, SCS2);
        let bytes = &release["openstack-scs2-1-34-cluster-class-v7.tgz"][..];
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
        let entries = archive.entries().unwrap();
        let mut all: Vec<u64> = entries
            .map(|entry| entry.unwrap().header().mtime().unwrap())
            .collect();
        all.dedup();
        all
    }
    let copy = layout_c();
    build(&copy, &CUSTOM).success();
    let seconds = copy.git(&["log", "-1", "--format=%ct"]);
    assert_eq!(moments(&copy), [seconds.trim().parse::<u64>().unwrap()]);
    let root = copy.root().display().to_string();
    let output = super::output(&copy).display().to_string();
    let arguments = [
        &["-C", &root, "release", "build", "--force", "-o", &output][..],
        &CUSTOM,
    ]
    .concat();
    let mut command = crate::support::program::program(&arguments);
    let status = command
        .env("SOURCE_DATE_EPOCH", "1234567890")
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(moments(&copy), [1_234_567_890]);
}

#[test]
fn the_mode_git_names_the_commit() {
    let copy = layout_c();
    build(&copy, &["--mode", "git"]).success();
    let commit = copy.git(&["rev-parse", "HEAD"]);
    let tags = tags(&copy);
    let (_, named) = tags[0].split_once("-v0-git-").unwrap();
    assert!(
        commit.starts_with(named) && named.len() >= 7,
        "{tags:?} {commit}"
    );
}

#[test]
fn stable_goes_up_from_the_last_release_where_something_changed() {
    let copy = layout_c();
    let first = ["--mode", "stable", "--first"];
    build(&copy, &first).success();
    let last = super::output(&copy).join("openstack-scs2-1-34-v1");
    let last = last.display().to_string();
    let stable = ["--mode", "stable", "--last", &last];
    let said = build(&copy, &stable).success();
    assert!(
        said.contains("nothing changed since this release"),
        "{said}"
    );
    assert_eq!(tags(&copy).len(), 1);
    let values = "providers/openstack/scs2/cluster-addon/ccm/values.yaml";
    copy.write(values, "replicas: 2\n").commit();
    let said = build(&copy, &[&stable[..], &["--format", "json"]].concat()).json();
    let built = &said["releases"][0];
    assert_eq!(built["tag"], "openstack-scs2-1-34-v2");
    assert_eq!(built["changes"][0]["part"], "cluster-addon");
    let metadata = text(&release(&copy, "openstack-scs2-1-34-v2"), "metadata.yaml");
    assert!(
        metadata.contains("clusterAddon: v2\n        nodeImage: v1\n"),
        "{metadata}"
    );
    // A new node image raises the node images, which csctl never does.
    let image = "providers/openstack/scs2/kubernetes.yaml";
    let images = copy.read(image);
    let line = images
        .lines()
        .find(|line| line.contains("checksum:"))
        .unwrap();
    let newest = images
        .lines()
        .rfind(|line| line.contains("checksum:"))
        .unwrap();
    assert_ne!(line, newest);
    let of_minor = images.split("- version: 'v1.34.").nth(1).unwrap();
    let sum = of_minor
        .lines()
        .find(|line| line.contains("checksum:"))
        .unwrap();
    copy.write(image, &images.replace(sum, newest)).commit();
    let second = super::output(&copy).join("openstack-scs2-1-34-v2");
    let second = second.display().to_string();
    let options = [
        "--mode",
        "stable",
        "--last",
        &second,
        "--dry-run",
        "--format",
        "json",
    ];
    let said = build(&copy, &options).json();
    let changes = said["releases"][0]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["part"], "node-images");
    let versions = &said["releases"][0]["versions"];
    assert_eq!(
        (&versions["clusterAddon"], &versions["nodeImage"]),
        (&"v2".into(), &"v2".into())
    );
    assert_eq!(said["releases"][0]["state"], "planned");
    assert_eq!(tags(&copy).len(), 2);
}

#[test]
fn another_minor_of_the_list_is_built_without_touching_a_file() {
    let copy = layout_c();
    let before = copy.files();
    build(&copy, &[&CUSTOM[..], &["--minor", "1.33"]].concat()).success();
    let built = release(&copy, "openstack-scs2-1-33-v7");
    assert!(text(&built, "metadata.yaml").contains("kubernetes: v1.33.8\n"));
    let class = "openstack-scs2-1-33-cluster-class-v7.tgz";
    let chart = member(
        &built,
        class,
        "openstack-scs2-1-33-cluster-class/Chart.yaml",
    );
    assert!(
        chart.contains("name: openstack-scs2-1-33-cluster-class\n"),
        "{chart}"
    );
    let addon = "openstack-scs2-1-33-cluster-addon-v7.tgz";
    let chart = member(&built, addon, "ccm/Chart.yaml");
    assert!(chart.contains("version: 2.33.0"), "{chart}");
    assert_eq!(copy.files(), before);
    // The minor that the tree is set to needs nothing of that.
    build(&copy, &[&CUSTOM[..], &["--minor", "1.34"]].concat()).success();
    assert_eq!(tags(&copy).len(), 2);
    let unlisted = build(&copy, &[&CUSTOM[..], &["--minor", "1.31"]].concat()).failure(1);
    assert!(
        unlisted.contains("no version of 1.31 is listed"),
        "{unlisted}"
    );
}

#[test]
fn what_the_stack_does_not_say_of_a_minor_comes_from_a_catalog() {
    let copy = Copy::of("layout-b");
    copy.write("providers/openstack/scs/clusteraddon.yaml", STAGES)
        .commit();
    let options = [&CUSTOM[..], &["--minor", "1.32"]].concat();
    let said = build(&copy, &options).failure(1);
    assert!(said.contains("it cannot be set to v1.32.9"), "{said}");
    assert!(said.contains("--catalog FILE"), "{said}");
    let catalog = copy.catalog();
    build(&copy, &[&options[..], &["--catalog", &catalog]].concat()).success();
    let built = release(&copy, "openstack-scs-1-32-v7");
    let class = "openstack-scs-1-32-cluster-class-v7.tgz";
    let image = member(
        &built,
        class,
        "openstack-scs-1-32-cluster-class/templates/image.yaml",
    );
    assert!(image.contains("kube-v1.32.9.qcow2"), "{image}");
}

#[test]
fn directories_per_minor_are_built_one_by_one() {
    let copy = Copy::of("layout-d");
    for tree in [
        "openstack/scs/1-33",
        "openstack/scs/1-34",
        "openstack/scs/1-35",
    ] {
        copy.write(&format!("providers/{tree}/clusteraddon.yaml"), STAGES);
    }
    copy.commit();
    build(&copy, &["openstack/scs", "--mode", "git"]).success();
    let minors: Vec<String> = tags(&copy)
        .iter()
        .map(|tag| tag[14..18].to_owned())
        .collect();
    assert_eq!(minors, ["1-33", "1-34", "1-35"]);
    let many = build(&copy, &[&["openstack/scs"], &CUSTOM[..]].concat()).failure(1);
    assert!(
        many.contains("these versions are for one stack line"),
        "{many}"
    );
    build(
        &copy,
        &[&["openstack/scs", "--minor", "1.35"], &CUSTOM[..]].concat(),
    )
    .success();
}

#[test]
fn the_old_convention_has_node_images_and_a_chart_of_all_addons() {
    let copy = Copy::of("layout-a");
    let tree = "providers/openstack/ferrol/1-29";
    for (name, version) in [
        ("metrics-server", "3.12.0"),
        ("cilium", "1.15.2"),
        ("openstack-cloud-controller-manager", "2.29.1"),
        ("openstack-cinder-csi", "2.29.0"),
    ] {
        let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        copy.write(
            &format!("{tree}/cluster-addon/charts/{name}/Chart.yaml"),
            &chart,
        );
    }
    copy.commit();
    build(
        &copy,
        &[&["openstack/ferrol", "--minor", "1.29"], &CUSTOM[..]].concat(),
    )
    .success();
    let built = release(&copy, "openstack-ferrol-1-29-v7");
    let config = copy.read(&format!("{tree}/node-images/config.yaml"));
    assert_eq!(text(&built, "node-images.yaml"), config);
    let values = copy.read(&format!("{tree}/cluster-addon-values.yaml"));
    assert_eq!(text(&built, "cluster-addon-values.yaml"), values);
    let addons = members(&built["openstack-ferrol-1-29-cluster-addon-v7.tgz"]);
    let paths: Vec<&str> = addons.iter().map(|(path, _)| path.as_str()).collect();
    let base = "openstack-ferrol-1-29-cluster-addon";
    assert_eq!(paths[0], format!("{base}/Chart.yaml"));
    assert_eq!(paths[1], format!("{base}/Chart.lock"));
    assert_eq!(
        paths.last().unwrap(),
        &format!("{base}/charts/openstack-cloud-controller-manager/Chart.yaml")
    );
    // The placeholder of the source is no YAML that Helm would read as a version.
    let chart = member(
        &built,
        "openstack-ferrol-1-29-cluster-class-v7.tgz",
        "openstack-ferrol-1-29-cluster-class/Chart.yaml",
    );
    assert!(chart.ends_with("version: v7\n"), "{chart}");
    let shared = build(&copy, &["openstack/ferrol", "--minor", "1.30"]).failure(1);
    assert!(
        shared.contains("found in Chart.yaml, but missing in charts/ directory"),
        "{shared}"
    );
}

#[test]
fn files_that_git_ignores_are_told() {
    let copy = layout_c();
    copy.write(".gitignore", "*.orig\n").commit();
    copy.write("providers/openstack/scs2/cluster-addon/ccm/x.orig", "left");
    let said = build(&copy, &CUSTOM);
    assert_eq!(said.status, 0, "{}", said.stderr);
    let path = "providers/openstack/scs2/cluster-addon/ccm/x.orig";
    assert!(
        said.stderr.contains(&format!("git ignores {path}")),
        "{}",
        said.stderr
    );
    let built = release(&copy, SCS2);
    let archive = members(&built["openstack-scs2-1-34-cluster-addon-v7.tgz"]);
    assert!(archive.iter().any(|(path, _)| path == "ccm/x.orig"));
}

#[test]
fn links_are_the_files_that_they_lead_to() {
    let copy = layout_c();
    let link = copy.path("providers/openstack/scs2/cluster-addon/ccm/README.md");
    std::os::unix::fs::symlink("../../README.md", &link).unwrap();
    copy.commit();
    build(&copy, &CUSTOM).success();
    let of_directory = release(&copy, SCS2);
    let archive = "openstack-scs2-1-34-cluster-addon-v7.tgz";
    let readme = copy.read("providers/openstack/scs2/README.md");
    assert_eq!(member(&of_directory, archive, "ccm/README.md"), readme);
    std::fs::remove_dir_all(super::output(&copy)).unwrap();
    build(&copy, &[&CUSTOM[..], &["--rev", "HEAD"]].concat()).success();
    assert_eq!(release(&copy, SCS2), of_directory);
}
