//! Releases that csctl itself made, as far as they are at hand: the bytes of their small files, and which members their archives have in
//! which order.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{STAGES, members, release};
use crate::support::program::{Copy, upstream};
use csctl_matrix::release::{Published, ReleaseHashes};
use csctl_matrix::version::ReleaseTag;

/// The directories of releases, each with its tag.
fn goldens() -> Vec<(ReleaseTag, PathBuf)> {
    let Some(shared) = upstream() else {
        return Vec::new();
    };
    let folder = shared.parent().unwrap().join("facts/golden");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
    {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let name = ["-main-a931cdb", "-plugin-example"]
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .unwrap_or(&name);
        // One has a dash in the stack's name: a tag that nobody can read.
        if let Ok(tag) = name.parse() {
            found.push((tag, path));
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

#[test]
fn small_files_of_csctl_are_read_and_written_again_byte_by_byte() {
    for (tag, path) in goldens() {
        let hashes = fs::read(path.join("hashes.json")).unwrap();
        let read = ReleaseHashes::read(&hashes).unwrap();
        let written = serde_json::to_string_pretty(&read).unwrap();
        assert_eq!(written.as_bytes(), hashes, "{}", path.display());
        let metadata = fs::read(path.join("metadata.yaml")).unwrap();
        let published = Published::read(tag, &metadata, Some(&hashes)).unwrap();
        // A stack with these versions, whatever is in it, has these bytes.
        let copy = stack(&published, &[], &[]);
        let versions = &published.versions;
        let built = build(
            &copy,
            &published,
            [
                &versions.cluster_stack.to_string(),
                &versions.cluster_addon.to_string(),
                &versions.node_image.to_string(),
            ],
        );
        assert_eq!(built["metadata.yaml"], metadata, "{}", path.display());
    }
}

#[test]
fn archives_have_the_members_of_csctl_s_in_its_order() {
    let mut compared = 0;
    for (tag, path) in goldens() {
        // The old convention has charts inside of charts, whose archives are not at hand.
        if tag.line.name == "ferrol" {
            continue;
        }
        let metadata = fs::read(path.join("metadata.yaml")).unwrap();
        let published = Published::read(tag, &metadata, None).unwrap();
        let class = listing(&path, "cluster-class");
        let addon = listing(&path, "cluster-addon");
        let copy = stack(&published, &class, &addon);
        let versions = &published.versions;
        let built = build(
            &copy,
            &published,
            [
                &versions.cluster_stack.to_string(),
                &versions.cluster_addon.to_string(),
                &versions.node_image.to_string(),
            ],
        );
        for (part, expected) in [("cluster-class", class), ("cluster-addon", addon)] {
            let name = built
                .keys()
                .find(|name| {
                    name.contains(part)
                        && Path::new(name).extension().is_some_and(|end| end == "tgz")
                })
                .unwrap();
            let found = members(&built[name]);
            let found: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
            let expected: Vec<&str> = expected.iter().map(|(path, _)| path.as_str()).collect();
            assert_eq!(found, expected, "{name} of {}", path.display());
            compared += 1;
        }
    }
    assert!(compared == 0 || compared > 15, "{compared}");
}

/// The regular files that `tar tv` lists of an archive, with their sizes.
fn listing(folder: &Path, part: &str) -> Vec<(String, usize)> {
    let mut entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let list = entries
        .find(|path| {
            let is_of_part = path
                .to_str()
                .is_some_and(|path| path.contains(&format!("-{part}-")));
            is_of_part && path.extension().is_some_and(|end| end == "txt")
        })
        .unwrap();
    let text = fs::read_to_string(list).unwrap();
    let rows = text.lines().filter(|line| line.starts_with('-'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split_whitespace().collect();
        (cells[5].to_owned(), cells[2].parse().unwrap())
    })
    .collect()
}

/// A stack of that line, with files of these names and sizes.
fn stack(published: &Published, class: &[(String, usize)], addon: &[(String, usize)]) -> Copy {
    let empty = tempfile::tempdir().unwrap();
    let copy = Copy::of_path(empty.path());
    let line = &published.tag.line;
    let tree = format!("providers/{}/{}", line.provider, line.name);
    copy.write(
        &format!("{tree}/csctl.yaml"),
        &format!(
            "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  clusterStackName: {}\n  kubernetesVersion: {}\n  \
             provider:\n    type: {}\n    apiVersion: {}.csctl.clusterstack.x-k8s.io/v1alpha1\n",
            line.name, published.kubernetes, line.provider, line.provider
        ),
    );
    for (path, size) in class {
        let (_, place) = path.split_once('/').unwrap();
        copy.write(
            &format!("{tree}/cluster-class/{place}"),
            &content(place, *size),
        );
    }
    for (path, size) in addon {
        copy.write(
            &format!("{tree}/cluster-addon/{path}"),
            &content(path, *size),
        );
    }
    copy.write(
        &format!("{tree}/cluster-class/Chart.yaml"),
        &format!("apiVersion: v2\nname: {line}-cluster-class\nversion: v1\n"),
    );
    if addon.is_empty() {
        copy.write(
            &format!("{tree}/cluster-addon/cni/Chart.yaml"),
            "name: cni\n",
        );
    }
    copy.write(&format!("{tree}/clusteraddon.yaml"), STAGES);
    copy
}

/// A text of that size that every reader takes: a comment.
fn content(place: &str, size: usize) -> String {
    if place.ends_with("Chart.yaml") || size == 0 {
        return "# x\n".repeat(size.min(1));
    }
    "#".repeat(size)
}

fn build(copy: &Copy, published: &Published, versions: [&String; 3]) -> BTreeMap<String, Vec<u8>> {
    let [stack, addon, image] = versions;
    super::build(
        copy,
        &[
            "--mode",
            "custom",
            "--cluster-stack-version",
            stack,
            "--cluster-addon-version",
            addon,
            "--node-image-version",
            image,
        ],
    )
    .success();
    release(copy, &published.tag.to_string())
}
