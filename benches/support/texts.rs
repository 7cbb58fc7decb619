//! Texts and trees made up for measuring.
#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::fmt::Write as _;

use csctl_matrix::catalog::{Catalog, ImageStore, NodeImage};
use csctl_matrix::stack::{Content, Tree};
use csctl_matrix::version::{KubernetesVersion, Minor};
use jiff::civil::date;

/// The minor of every stack.
pub(crate) const MINOR: Minor = Minor::new(1, 34);

const STORE: &str = "https://images.example.org/images";

/// A csctl.yaml.
pub(crate) fn csctl(stack: usize, patch: u32) -> String {
    format!(
        "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  clusterStackName: s{stack}\n  \
         kubernetesVersion: v{MINOR}.{patch}\n  provider:\n    type: openstack\n"
    )
}

/// A list of openstack-image-manager with this many patches, from zero.
pub(crate) fn image_list(patches: u32) -> String {
    let mut text = "---\nimages:\n  - name: ubuntu-capi-image\n    format: qcow2\n    login: ubuntu\n    multi: false\n    \
                    meta:\n      architecture: x86_64\n      os_distro: ubuntu\n    versions:\n"
        .to_owned();
    for patch in 0..patches {
        let image = image(patch);
        let _ = write!(
            text,
            "      - version: '{}'\n        url: {}\n        checksum: \"sha256:{:064x}\"\n        build_date: 2026-01-02\n",
            image.version, image.url, patch
        );
    }
    text
}

/// The image of a patch.
pub(crate) fn image(patch: u32) -> NodeImage {
    let os = "ubuntu-2404";
    let url = format!("{STORE}/{os}-kube-v{MINOR}/{os}-kube-v{MINOR}.{patch}.qcow2");
    NodeImage {
        os: os.parse().ok(),
        sha256: format!("{patch:064x}").parse().ok(),
        built: Some(date(2026, 1, 2)),
        ..NodeImage::new(KubernetesVersion::new(MINOR, patch), url)
    }
}

/// A repository of this many stacks, each with a list of 40 patches.
pub(crate) fn tree(stacks: usize) -> Tree {
    let list = image_list(40);
    let mut tree = Tree::default();
    for stack in 0..stacks {
        let root = format!("providers/openstack/s{stack}");
        let chart = "apiVersion: v2\nname: openstack-s-1-34-cluster-class\nversion: v1\n";
        for (name, text) in [
            ("csctl.yaml", csctl(stack, 39).as_str()),
            ("kubernetes.yaml", &list),
            ("cluster-class/Chart.yaml", chart),
            (
                "cluster-class/values.yaml",
                "images:\n  worker:\n    name: ubuntu-capi-image-v1.34.39\n",
            ),
        ] {
            tree.insert(format!("{root}/{name}"), Content::Text(text.into()));
        }
    }
    tree
}

/// A catalog that offers this many patches.
pub(crate) fn catalog(patches: u32) -> Catalog {
    let pattern = format!("{STORE}/{{os}}-kube-v{{minor}}/{{os}}-kube-v{{version}}.qcow2");
    let mut catalog = Catalog::empty(date(2026, 6, 15));
    catalog.image_stores.push(ImageStore {
        pattern: pattern.parse().expect("a pattern"),
        searched: [MINOR].into(),
        images: (0..patches).map(image).collect(),
        faulty: Vec::new(),
    });
    catalog
}
