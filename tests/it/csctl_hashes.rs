//! csctl's content hashes against those that csctl itself computed and against coreutils, and what `plan` says of csctl in
//! repositories with tags.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::program::{Copy, catalog, project, upstream};
use csctl_matrix::command::{Place, Repository};
use csctl_matrix::io::catalog::read_file;
use csctl_matrix::io::digest::digest_directory;
use csctl_matrix::release_digest::{CsctlHashes, FileDigests};
use csctl_matrix::version::Sha256;
use serde_json::Value;

const STACK: &str = "providers/openstack/scs2";
const TAG: &str = "openstack-scs2-1-34-v2";

/// csctl's hash of the directory it runs in. It needs nothing but coreutils.
const RECOMPUTE: &str = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum | cut -c 1-64 \
                         | tr a-f A-F | basenc --base16 -d | base64 | tr -d '/+=\\n' | tr A-Z a-z";

fn recompute(directory: &Path, script: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(directory)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn hashes_are_those_that_csctl_s_library_computed() {
    let own = project().join("testdata/history/hashes");
    let public = upstream().map(|upstream| upstream.join("csctl-hashes"));
    for vectors in [Some(own), public].into_iter().flatten() {
        assert_eq!(compare(&vectors), 3, "{}", vectors.display());
    }
}

/// Compares the lists of digests in a folder with the hashes in its README, and returns how many there were.
fn compare(vectors: &Path) -> usize {
    let table = fs::read_to_string(vectors.join("README.md")).unwrap();
    let mut compared = 0;
    for row in table.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let list = vectors.join(format!("{}.tsv", cells[1]));
        let Ok(list) = fs::read_to_string(list) else {
            continue;
        };
        let files: FileDigests = list.lines().map(digest).collect();
        let hashes = CsctlHashes::of(&files);
        assert_eq!(
            (&*hashes.cluster_stack, &*hashes.cluster_addon_dir),
            (cells[2], cells[3])
        );
        compared += 1;
    }
    compared
}

/// A line of `sha256sum`.
fn digest(line: &str) -> (String, Sha256) {
    let (sum, path) = line.split_once("  ").unwrap();
    (path.to_owned(), sum.parse().unwrap())
}

#[test]
fn hashes_are_those_that_coreutils_compute() {
    for stack in [
        "layout-a/providers/openstack/ferrol/1-29",
        "layout-c/providers/openstack/scs2",
        "docker/providers/docker/scs",
    ] {
        let directory = project().join("testdata").join(stack);
        let hashes = CsctlHashes::of(&digest_directory(&directory).unwrap());
        assert_eq!(
            hashes.cluster_stack,
            recompute(&directory, RECOMPUTE),
            "{stack}"
        );
        let addons = directory.join("cluster-addon");
        let expected = if addons.is_dir() {
            recompute(&addons, RECOMPUTE)
        } else {
            String::new()
        };
        assert_eq!(hashes.cluster_addon_dir, expected, "{stack}");
        let values = "sha256sum <cluster-addon-values.yaml | cut -c 1-64 | tr a-f A-F | basenc --base16 -d | base64 \
                      | tr -d '/+=\\n' | tr A-Z a-z";
        let has_values = directory.join("cluster-addon-values.yaml").is_file();
        let expected = if has_values {
            recompute(&directory, values)
        } else {
            String::new()
        };
        assert_eq!(hashes.cluster_addon_values, expected, "{stack}");
    }
}

/// A repository whose state is that of the last release.
fn released() -> Copy {
    let copy = Copy::of("layout-c");
    copy.commit().git(&["tag", TAG]);
    copy
}

fn plan(copy: &Copy, options: &[&str]) -> (Vec<String>, Value) {
    let catalog = catalog();
    let mut arguments = vec!["plan", "--catalog", &catalog];
    arguments.extend(options);
    let notes = copy.run(&arguments).success();
    let notes = notes
        .lines()
        .filter_map(|line| line.strip_prefix("note   "))
        .map(str::to_owned);
    let notes: Vec<String> = notes.filter(|note| note.starts_with("csctl ")).collect();
    arguments.extend(["--format", "json"]);
    let plan = copy.run(&arguments).json();
    let lines = plan["stacks"][0]["lines"].as_array().unwrap();
    let release = lines.iter().find_map(|line| line.get("release")).unwrap();
    (notes, release["csctl"].clone())
}

/// The note where nothing is known of the last release's files.
const UNSEEN: &str = "csctl would refuse to publish openstack-scs2-1-34: it compares only the cluster addons, and they stay the same";

#[test]
fn a_plan_without_addon_changes_would_be_refused() {
    let (notes, csctl) = plan(&released(), &["--addons", "leave"]);
    let reason = csctl["reason"].as_str().unwrap();
    assert_eq!(csctl["verdict"], "refuses");
    assert!(
        reason.ends_with("with v2 (tag openstack-scs2-1-34-v2), and none of them changed"),
        "{reason}"
    );
    assert_eq!(
        notes,
        [format!(
            "csctl would refuse to publish openstack-scs2-1-34-v3: {reason}"
        )]
    );
}

#[test]
fn a_revision_is_compared_as_the_working_directory_is() {
    let copy = released();
    let of_tree = plan(&copy, &["--addons", "leave"]);
    copy.write(
        &format!("{STACK}/cluster-addon/ccm/values.yaml"),
        "changed: true\n",
    );
    assert_eq!(
        plan(&copy, &["--addons", "leave", "--rev", "HEAD"]),
        of_tree
    );
    let (notes, csctl) = plan(&copy, &["--addons", "leave"]);
    assert_eq!(
        (notes.len(), &csctl["verdict"]),
        (0, &Value::from("publishes"))
    );
}

#[test]
fn a_plan_with_addon_changes_would_be_published() {
    let (notes, csctl) = plan(&released(), &[]);
    assert_eq!(
        (notes.len(), &csctl["verdict"]),
        (0, &Value::from("publishes"))
    );
}

#[test]
fn nothing_is_promised_of_a_release_that_cannot_be_looked_at() {
    let untagged = Copy::of("layout-c");
    untagged.commit();
    let (notes, csctl) = plan(&untagged, &["--addons", "leave"]);
    assert_eq!(
        (&*notes, &csctl["verdict"]),
        (&[UNSEEN.to_owned()][..], &Value::from("unknown"))
    );
    let reason = csctl["reason"].as_str().unwrap();
    assert!(
        reason.contains("no revision `refs/tags/openstack-scs2-1-34-v2`"),
        "{reason}"
    );

    let ignoring = released();
    ignoring.write(".gitignore", "*.tgz\n");
    ignoring.write(
        &format!("{STACK}/cluster-addon/ccm/charts/ccm-2.34.1.tgz"),
        "packed",
    );
    let (notes, csctl) = plan(&ignoring, &["--addons", "leave"]);
    assert_eq!(notes, [UNSEEN]);
    let reason = csctl["reason"].as_str().unwrap();
    assert!(
        reason.contains("ccm-2.34.1.tgz too, which git ignores"),
        "{reason}"
    );

    let moved = Copy::of("layout-c");
    moved.git(&["init", "-q", "-b", "main"]);
    moved.git(&["commit", "-q", "--allow-empty", "-m", "Begin"]);
    moved.git(&["tag", TAG]);
    let (notes, csctl) = plan(&moved, &["--addons", "leave"]);
    assert_eq!(notes, [UNSEEN]);
    let reason = csctl["reason"].as_str().unwrap();
    assert!(
        reason.contains("has no directory providers/openstack/scs2"),
        "{reason}"
    );
}

#[test]
fn published_hashes_win_over_the_tag() {
    let copy = released();
    let hashes = CsctlHashes::of(&digest_directory(&copy.path(STACK)).unwrap());
    let write = |hashes: &CsctlHashes| {
        let text = fs::read_to_string(catalog()).unwrap();
        let json = serde_json::to_string(hashes).unwrap();
        let entry = format!("  - tag: {TAG}\n");
        assert!(text.contains(&entry));
        let with = text.replace(&entry, &format!("{entry}    csctlHashes: {json}\n"));
        copy.write("../catalog.yaml", &with);
    };
    let file = copy.path("../catalog.yaml").display().to_string();
    let verdict = || {
        let arguments = [
            "plan",
            "--addons",
            "leave",
            "--catalog",
            &file,
            "--format",
            "json",
        ];
        let plan = copy.run(&arguments).json();
        let lines = plan["stacks"][0]["lines"].as_array().unwrap().clone();
        let release = lines
            .iter()
            .find_map(|line| line.get("release"))
            .unwrap()
            .clone();
        release["csctl"].clone()
    };
    write(&hashes);
    let refused = verdict();
    let reason = refused["reason"].as_str().unwrap();
    assert!(
        reason.contains("with v2 (hashes.json of openstack-scs2-1-34-v2)"),
        "{reason}"
    );
    write(&CsctlHashes {
        cluster_addon_dir: "another".to_owned(),
        ..hashes.clone()
    });
    assert_eq!(verdict()["verdict"], "publishes");
    // With a csctl that hashes the class, the class that this plan changes counts.
    write(&CsctlHashes {
        cluster_class_dir: Some("the old one".to_owned()),
        ..hashes
    });
    assert_eq!(verdict()["verdict"], "publishes");
}

#[test]
fn a_tree_that_csctl_would_not_publish_is_found() {
    let finding = |copy: &Copy| {
        let place = Place {
            directory: copy.root(),
            revision: None,
        };
        let repository = Repository::open(&place).unwrap();
        let catalog = read_file(Path::new(&catalog())).unwrap();
        let stacks = repository.discovery.read(&repository.tree);
        let publication = repository
            .csctl_verdict(&stacks[0].trees[0], &catalog)
            .unwrap();
        assert_eq!(publication.last.to_string(), TAG);
        publication.finding
    };
    let copy = released();
    assert_eq!(finding(&copy), None);
    copy.write(
        &format!("{STACK}/cluster-class/values.yaml"),
        "images: {}\n",
    );
    let said = finding(&copy).unwrap().to_string();
    let start = "the source tree differs from openstack-scs2-1-34-v2 in cluster-class, and csctl would refuse to publish it";
    assert!(said.starts_with(start), "{said}");
    copy.write(
        &format!("{STACK}/cluster-addon/ccm/values.yaml"),
        "changed: true\n",
    );
    assert_eq!(finding(&copy), None);
}
