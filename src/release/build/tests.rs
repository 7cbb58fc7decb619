//! Releases of small stacks: what they are made of, and what is refused.

use std::collections::BTreeSet;

use super::super::archive::unpack;
use super::*;
use crate::stack::{Content, Tree, discover};

const ROOT: &str = "providers/openstack/scs2";

fn stack_files() -> StackFiles {
    let list = [
        (
            "csctl.yaml",
            "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  clusterStackName: scs2\n  kubernetesVersion: v1.34.7\n  \
             provider:\n    type: openstack\n    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1\n",
        ),
        (
            "clusteraddon.yaml",
            "addonStages:\n  AfterControlPlaneInitialized:\n  - name: cni\n    action: apply\n# << .ClusterAddonVersion >>\n",
        ),
        (
            "cluster-addon/cni/Chart.yaml",
            "apiVersion: v2\nname: cni\nversion: v1\n# kept\n",
        ),
        (
            "cluster-addon/cni/values.yaml",
            "a: << .ClusterAddonVersion >>\n",
        ),
        (
            "cluster-class/Chart.yaml",
            "apiVersion: v2\nname: openstack-scs2-1-34-cluster-class\nversion: << .ClusterClassVersion >>\n",
        ),
        (
            "cluster-class/templates/a.yaml",
            "a: << .NodeImageVersion >>\n",
        ),
        ("README.md", "cat << EOF\n"),
    ];
    let pairs = list.into_iter();
    pairs
        .map(|(path, text)| (path.to_owned(), text.as_bytes().to_owned()))
        .collect()
}

fn attempt(files: &StackFiles, mode: &Mode) -> Result<Outcome, Fault> {
    let mut tree = Tree::default();
    for (path, content) in files {
        let text = String::from_utf8(content.clone()).unwrap();
        tree.insert(format!("{ROOT}/{path}"), Content::Text(text.into()));
    }
    let stacks = discover(&tree).read(&tree);
    build(ReleaseInput {
        stack: &stacks[0],
        tree: &stacks[0].trees[0],
        files,
        mode,
        moment: Timestamp::from_second(1_777_000_000).unwrap(),
    })
}

fn built(files: &StackFiles, mode: &Mode) -> BuiltRelease {
    match attempt(files, mode).unwrap() {
        Outcome::Built(release) => *release,
        Outcome::Unchanged(last) => panic!("unchanged since {}", last.tag),
    }
}

fn custom(stack: &str, addon: &str, image: &str) -> Mode {
    Mode::Custom(Versions {
        cluster_stack: stack.parse().unwrap(),
        cluster_addon: addon.parse().unwrap(),
        node_image: image.parse().unwrap(),
    })
}

fn with(path: &str, text: &str) -> StackFiles {
    let mut files = stack_files();
    files.insert(path.to_owned(), text.as_bytes().to_owned());
    files
}

fn member(release: &BuiltRelease, archive: &str, path: &str) -> String {
    let entries = unpack(&release.files[archive]).unwrap();
    let found = entries.into_iter().find(|entry| entry.path == path);
    String::from_utf8(found.unwrap().content).unwrap()
}

#[test]
fn a_release_has_the_files_that_the_operator_reads() {
    let release = built(&stack_files(), &custom("v7", "v3", "v2"));
    assert_eq!(release.tag.to_string(), "openstack-scs2-1-34-v7");
    let names: Vec<&str> = release.files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "clusteraddon.yaml",
            "hashes.json",
            "metadata.yaml",
            "openstack-scs2-1-34-cluster-addon-v3.tgz",
            "openstack-scs2-1-34-cluster-class-v7.tgz",
        ]
    );
    let class = "openstack-scs2-1-34-cluster-class-v7.tgz";
    let place = "openstack-scs2-1-34-cluster-class/templates/a.yaml";
    assert_eq!(member(&release, class, place), "a: v2\n");
    let addon = "openstack-scs2-1-34-cluster-addon-v3.tgz";
    assert_eq!(member(&release, addon, "cni/values.yaml"), "a: v3\n");
    // Charts of single addons are taken as they are.
    let chart = member(&release, addon, "cni/Chart.yaml");
    assert!(chart.ends_with("# kept\n"), "{chart}");
    let config = String::from_utf8(release.files["clusteraddon.yaml"].clone()).unwrap();
    assert!(config.ends_with("# v3\n"), "{config}");
    let again = built(&stack_files(), &custom("v7", "v3", "v2"));
    assert_eq!(release, again);
}

/// The checksums are those of csctl's own files for openstack/scs2, at commit a931cdb of the public repository.
#[test]
fn metadata_has_the_bytes_of_csctl() {
    for (mode, sum) in [
        (custom("v1", "v1", "v1"), "993268c7"),
        (custom("v7", "v3", "v2"), "bc1d71c5"),
        (
            custom("v0-sha.azlfam7", "v0-sha.azlfam7", "v0-sha.azlfam7"),
            "1b63bc71",
        ),
        (
            custom("v0-git.4b2b59b", "v0-git.4b2b59b", "v0-git.4b2b59b"),
            "7ce0b47b",
        ),
    ] {
        let release = built(&stack_files(), &mode);
        let found = crate::version::Sha256::of(&release.files["metadata.yaml"]);
        assert!(found.hex().starts_with(sum), "{found}");
    }
}

#[test]
fn versions_are_named_after_the_content_or_the_commit() {
    let release = built(&stack_files(), &Mode::Hash);
    let hash = &release.hashes.csctl.cluster_stack;
    assert_eq!(
        release.tag.version.to_string(),
        format!("v0-sha.{}", &hash[..7])
    );
    let release = built(&stack_files(), &Mode::Git("0123456789abcdef".to_owned()));
    assert_eq!(
        release.tag.to_string(),
        "openstack-scs2-1-34-v0-git-0123456789a"
    );
}

/// Publishes the stack as it is, and returns the versions that follow after a change of one file.
fn next_after(path: &str, text: &str) -> String {
    let last = published(&stack_files());
    match attempt(
        &with(path, text),
        &Mode::Stable(Last::Release(Box::new(last))),
    )
    .unwrap()
    {
        Outcome::Built(release) => {
            let Versions {
                cluster_stack,
                cluster_addon,
                node_image,
            } = release.versions;
            format!("{cluster_stack} {cluster_addon} {node_image}")
        }
        Outcome::Unchanged(_) => "unchanged".to_owned(),
    }
}

fn published(files: &StackFiles) -> Published {
    let release = built(files, &custom("v4", "v3", "v2"));
    let read = Published::read(
        release.tag.clone(),
        &release.files["metadata.yaml"],
        Some(&release.files["hashes.json"]),
    );
    read.unwrap()
}

const IMAGE: &str = "apiVersion: openstack.k-orc.cloud/v1alpha1\nkind: Image\nmetadata:\n  name: ubuntu-capi-image-v1.34.7\nspec:\n  \
                     resource:\n    content:\n      download:\n        \
                     url: https://images.example.org/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.7.qcow2\n        hash:\n          \
                     algorithm: sha256\n          value: e0ef9c0ae728f7f251194ad61e9e5102fe5c909e83c48e44b29d0c2468685136\n";

#[test]
fn components_go_up_exactly_when_their_content_changed() {
    let files = stack_files();
    let text = |path: &str| String::from_utf8(files[path].clone()).unwrap();
    let class = text("cluster-class/templates/a.yaml") + "b: 1\n";
    let config = text("clusteraddon.yaml") + "#\n";
    let csctl = text("csctl.yaml") + "#\n";
    for (path, text, versions) in [
        ("README.md", "other words\n", "unchanged"),
        ("cluster-class/templates/a.yaml", &class, "v5 v3 v2"),
        ("cluster-addon/cni/values.yaml", "a: 2\n", "v5 v4 v2"),
        ("clusteraddon.yaml", &config, "v5 v4 v2"),
        ("csctl.yaml", &csctl, "v5 v3 v2"),
        ("image.yaml", IMAGE, "v5 v3 v3"),
    ] {
        assert_eq!(next_after(path, text), versions, "{path}");
    }
}

#[test]
fn what_the_last_release_does_not_say_counts_as_changed() {
    let mut last = published(&stack_files());
    last.hashes.as_mut().unwrap().own = None;
    let mode = Mode::Stable(Last::Release(Box::new(last.clone())));
    // csctl's hash of the whole directory proves that nothing changed.
    let same = attempt(&stack_files(), &mode).unwrap();
    assert!(matches!(same, Outcome::Unchanged(_)), "{same:?}");
    let changed = built(&with("README.md", "other words\n"), &mode);
    let words = changed.changes.unwrap().to_string();
    assert_eq!(
        words,
        "cluster class (assumed), clusteraddon.yaml (assumed), node images (assumed), csctl.yaml (assumed)"
    );
    last.hashes = None;
    let changed = built(&stack_files(), &Mode::Stable(Last::Release(Box::new(last))));
    assert_eq!(changed.versions.cluster_addon.to_string(), "v4");
}

#[test]
fn the_first_release_of_a_line_is_the_first() {
    let release = built(&stack_files(), &Mode::Stable(Last::None));
    assert_eq!(release.tag.to_string(), "openstack-scs2-1-34-v1");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_the_operator_or_helm_could_not_use_is_refused() {
    let files = stack_files();
    let csctl = String::from_utf8(files["csctl.yaml"].clone()).unwrap();
    let mut told = BTreeSet::new();
    for (path, text, words) in [
        (
            "csctl.yaml",
            csctl.replace("scs2", "my-scs"),
            "`my-scs` has a dash",
        ),
        (
            "cluster-class/Chart.yaml",
            "apiVersion: v2\nname: openstack-scs2-1-33-cluster-class\n".to_owned(),
            "the operator looks for openstack-scs2-1-34-cluster-class",
        ),
        (
            "cluster-class/Chart.yaml",
            "name: [\n".to_owned(),
            "cluster-class/Chart.yaml:2:",
        ),
        (
            "cluster-class/Chart.yaml",
            "apiVersion: v2\nname: openstack-scs2-1-34-cluster-class\ndependencies:\n- name: d\n"
                .to_owned(),
            "missing in charts/ directory: d",
        ),
        (
            "cluster-class/templates/b.yaml",
            "\n<< .Foo >>\n".to_owned(),
            "cluster-class/templates/b.yaml:2: unknown placeholder `<< .Foo >>`",
        ),
        (
            "clusteraddon.yaml",
            "<< .Foo >>\n".to_owned(),
            "clusteraddon.yaml:1: unknown placeholder",
        ),
        (
            "csctl.yaml",
            csctl.clone() + "    config:\n      method: get\n",
            "node-images/config.yaml: it is missing",
        ),
        (
            "csctl.yaml",
            csctl.clone() + "    config:\n      method: build\n",
            "method `build`",
        ),
    ] {
        let fault = attempt(&with(path, &text), &custom("v1", "v1", "v1")).unwrap_err();
        assert!(fault.to_string().contains(words), "{fault}");
        assert!(!fault.hint.is_empty());
        told.insert(fault.to_string());
    }
    assert_eq!(told.len(), 8);
    for (path, words) in [
        (
            "cluster-class/Chart.yaml",
            "cluster-class/Chart.yaml: it is missing",
        ),
        (
            "clusteraddon.yaml",
            "neither this chart nor a clusteraddon.yaml",
        ),
    ] {
        let mut less = stack_files();
        less.remove(path);
        let fault = attempt(&less, &Mode::Hash).unwrap_err();
        assert!(fault.to_string().contains(words), "{fault}");
    }
    let fault = attempt(&files, &custom("v0-git.0123456", "v1", "v1")).unwrap_err();
    assert!(
        fault.message.contains("Helm refuses v0-git.0123456"),
        "{fault}"
    );
}

#[test]
fn the_old_convention_has_one_chart_and_its_values() {
    let mut files = stack_files();
    files.remove("clusteraddon.yaml");
    files.retain(|path, _| !path.starts_with("cluster-addon/"));
    let chart = "apiVersion: v2\nname: openstack-scs2-1-34-cluster-addon\nversion: v1\n";
    files.insert("cluster-addon/Chart.yaml".to_owned(), chart.into());
    let fault = attempt(&files, &Mode::Hash).unwrap_err();
    assert!(
        fault
            .to_string()
            .contains("cluster-addon-values.yaml: it is missing"),
        "{fault}"
    );
    files.insert(
        "cluster-addon-values.yaml".to_owned(),
        b"values: << .ClusterAddonVersion >>\n".to_vec(),
    );
    let release = built(&files, &custom("v1", "v5", "v1"));
    assert_eq!(release.files["cluster-addon-values.yaml"], b"values: v5\n");
    let archive = "openstack-scs2-1-34-cluster-addon-v5.tgz";
    let place = "openstack-scs2-1-34-cluster-addon/Chart.yaml";
    assert!(member(&release, archive, place).ends_with("version: v5\n"));
}
