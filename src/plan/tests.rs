//! Plans of small repositories: what happens, what is held back, and what is said of it.

mod charts;
mod limits;

use std::collections::BTreeMap;

use super::{FileAction, FileChange, Plan, PlanInput, Selection, Skip, plan};
use crate::catalog::{
    Catalog, ChartRepository, FaultyImage, ImageStore, KubernetesRelease, NodeImage, SourceKind,
    StackRelease, Unreachable,
};
use crate::policy::{EndOfLife, Policy, Wishes};
use crate::stack::{Content, Tree, discover};
use crate::version::{KubernetesVersion, StackVersion};

const STORE: &str = "https://images.example.org/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2";
const CHARTS: &str = "https://kubernetes.github.io/cloud-provider-openstack";

fn url(version: &str) -> String {
    let minor = version.rsplit_once('.').unwrap().0;
    format!("https://images.example.org/ubuntu-2404-kube-{minor}/ubuntu-2404-kube-{version}.qcow2")
}

fn sum(version: &str) -> String {
    version.rsplit('.').next().unwrap().repeat(64)
}

fn image(version: &str) -> NodeImage {
    NodeImage {
        os: Some("ubuntu-2404".parse().unwrap()),
        sha256: Some(sum(version).parse().unwrap()),
        built: Some("2026-05-01".parse().unwrap()),
        ..NodeImage::new(version.parse().unwrap(), url(version))
    }
}

/// A world with these images, in which 1.32 ended.
fn world(versions: &[&str]) -> Catalog {
    let mut catalog = Catalog::empty("2026-06-15".parse().unwrap());
    let minors = ["1.32", "1.33", "1.34", "1.35", "1.36"];
    catalog.image_stores.push(ImageStore {
        pattern: STORE.parse().unwrap(),
        searched: minors.map(|minor| minor.parse().unwrap()).into(),
        images: versions.iter().map(|version| image(version)).collect(),
        faulty: Vec::new(),
    });
    catalog.sort();
    catalog
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    for (path, text) in files {
        tree.insert(*path, Content::Text((*text).into()));
    }
    tree
}

fn csctl(version: &str) -> String {
    format!(
        "config:\n  clusterStackName: scs\n  kubernetesVersion: {version}\n  provider:\n    type: openstack\n"
    )
}

fn node_images(versions: &[&str]) -> String {
    let entries = versions.iter().map(|version| {
        format!(
            "  - url: {}\n    createOpts:\n      name: image-{version}\n",
            url(version)
        )
    });
    format!(
        "apiVersion: v1\nopenStackNodeImages:\n{}",
        entries.collect::<String>()
    )
}

fn manager(versions: &[&str]) -> String {
    let entries = versions.iter().map(|version| {
        format!(
            "      - version: {version}\n        url: {}\n        checksum: sha256:{}\n        build_date: 2026-05-01\n",
            url(version),
            sum(version)
        )
    });
    format!(
        "images:\n  - name: image\n    versions:\n{}",
        entries.collect::<String>()
    )
}

/// One source tree at v1.34.5, with a list of that image.
fn small() -> Tree {
    tree(&[
        ("scs/csctl.yaml", &csctl("v1.34.5")),
        ("scs/node-images.yaml", &node_images(&["v1.34.5"])),
    ])
}

fn plan_with(tree: &Tree, catalog: &Catalog, policy: &Policy, minor: Option<&str>) -> Plan {
    wished_plan(tree, catalog, (policy, &Wishes::default()), minor)
}

fn wished_plan(
    tree: &Tree,
    catalog: &Catalog,
    (policy, wishes): (&Policy, &Wishes),
    minor: Option<&str>,
) -> Plan {
    let selection = Selection {
        switch_to: minor.map(|minor| minor.parse().unwrap()),
        ..Selection::default()
    };
    plan(PlanInput {
        tree,
        discovery: &discover(tree),
        catalog,
        policy,
        wishes,
        selection: &selection,
    })
}

fn plan_of(tree: &Tree, catalog: &Catalog) -> Plan {
    plan_with(tree, catalog, &Policy::default(), None)
}

/// The texts of the files that would be written, by path.
fn written(plan: &Plan) -> BTreeMap<&str, String> {
    let text = |change: &FileChange| match &change.action {
        FileAction::Edit { after, .. } | FileAction::Create { after, .. } => after.to_string(),
        FileAction::Copy { from } => format!("copy of {from}"),
        FileAction::Remove => "removed".to_owned(),
    };
    let files = plan.files.iter();
    files
        .map(|change| (change.path.as_str(), text(change)))
        .collect()
}

fn words<T: ToString>(facts: &[T]) -> Vec<String> {
    facts.iter().map(ToString::to_string).collect()
}

fn find_skip<'p>(plan: &'p Plan, subject: &str) -> &'p Skip {
    let mut skips = plan.stacks.iter().flat_map(|stack| &stack.skipped);
    let found = skips.find(|skip| skip.subject.to_string() == subject);
    found.unwrap_or_else(|| panic!("{subject} is not held: {:?}", plan.stacks))
}

#[test]
fn a_new_patch_enters_the_list_and_becomes_the_default() {
    let mut world = world(&["v1.34.5", "v1.34.7"]);
    world.stack_releases.push(StackRelease {
        tag: "openstack-scs-1-34-v3".parse().unwrap(),
        kubernetes: None,
        cluster_addon: Some(StackVersion::stable(2)),
        node_image: Some(StackVersion::stable(1)),
        csctl_hashes: None,
    });
    let plan = plan_of(&small(), &world);
    let files = written(&plan);
    assert_eq!(files["scs/csctl.yaml"], csctl("v1.34.7"));
    assert_eq!(
        files["scs/node-images.yaml"],
        node_images(&["v1.34.5", "v1.34.7"])
    );
    let stack = &plan.stacks[0];
    let release = stack.lines[0].release.clone().unwrap();
    let next = |version: Option<StackVersion>| version.unwrap().to_string();
    assert_eq!(
        (
            next(release.next),
            next(release.cluster_addon.next),
            next(release.node_image.next)
        ),
        ("v4".to_owned(), "v2".to_owned(), "v2".to_owned())
    );
    assert!(
        stack.notes[0]
            .to_string()
            .starts_with("csctl would refuse to publish openstack-scs-1-34")
    );
}

#[test]
fn a_store_without_an_answer_changes_nothing() {
    let mut world = world(&[]);
    world.image_stores.clear();
    world.unreachable.push(Unreachable {
        kind: SourceKind::ImageStore,
        source: STORE.to_owned(),
        url: "https://images.example.org/last-1.34".to_owned(),
        reason: "connection refused".to_owned(),
        minors: ["1.34".parse().unwrap()].into(),
    });
    let plan = plan_of(&small(), &world);
    assert!(!plan.has_changes());
    let [unknown] = plan.stacks[0].unknown.as_slice() else {
        panic!("{:?}", plan.stacks);
    };
    assert_eq!(unknown.subject.to_string(), "node images of 1.34");
    assert_eq!(
        unknown.reason(),
        "https://images.example.org/last-1.34: connection refused"
    );
    assert!(plan.is_blind());
}

#[test]
fn what_is_not_proved_is_held_by_name() {
    let mut world = world(&["v1.34.5", "v1.35.1"]);
    let version: KubernetesVersion = "v1.34.6".parse().unwrap();
    world.image_stores[0].faulty.push(FaultyImage {
        version,
        url: url("v1.34.6"),
        reason: "the checksum file is an HTML page".to_owned(),
    });
    for patch in ["v1.34.6", "v1.34.7", "v1.34.8"] {
        world.kubernetes.push(KubernetesRelease {
            version: patch.parse().unwrap(),
            published: "2026-06-10".parse().unwrap(),
        });
    }
    let plan = plan_of(&small(), &world);
    assert!(!plan.has_changes());
    assert_eq!(
        find_skip(&plan, "v1.34.6").reason(),
        "the checksum file is an HTML page"
    );
    assert!(
        find_skip(&plan, "v1.34.7 to v1.34.8")
            .reason()
            .ends_with("no images yet")
    );
    let minor = find_skip(&plan, "1.35");
    assert_eq!(minor.reason(), "a new minor, 1 image in the store");
    assert!(minor.hint().unwrap().ends_with("--switch 1.35"));
}

#[test]
fn an_image_uploaded_again_waits_to_be_asked_for() {
    let files = tree(&[
        ("scs/csctl.yaml", &csctl("v1.34.5")),
        (
            "scs/kubernetes.yaml",
            &manager(&["v1.34.5"]).replace(&sum("v1.34.5"), &sum("v1.34.9")),
        ),
    ]);
    let world = world(&["v1.34.5"]);
    let plan = plan_of(&files, &world);
    assert!(!plan.has_changes());
    assert!(
        find_skip(&plan, "v1.34.5")
            .reason()
            .contains("uploaded again on 2026-05-01")
    );
    let asked = Wishes::only(crate::policy::ChangeClass::OsRelease);
    let plan = wished_plan(&files, &world, (&Policy::default(), &asked), None);
    assert_eq!(written(&plan)["scs/kubernetes.yaml"], manager(&["v1.34.5"]));
    assert_eq!(plan.stacks[0].lines.len(), 1, "the line is named");
}

fn chart(version: &str) -> String {
    format!(
        "dependencies:\n  - name: openstack-cinder-csi\n    repository: {CHARTS}\n    version: {version}\nname: CSI\n"
    )
}

#[test]
fn a_chart_that_does_not_exist_is_held_and_a_lock_that_does_not_fit_is_left() {
    let lock = format!(
        "dependencies:\n- name: openstack-cinder-csi\n  repository: {CHARTS}\n  version: 2.34.0\ndigest: sha256:{}\n",
        "0".repeat(64)
    );
    let files = tree(&[
        ("scs/csctl.yaml", &csctl("v1.34.5")),
        ("scs/cluster-addon/csi/Chart.yaml", &chart("2.34.0")),
        ("scs/cluster-addon/csi/Chart.lock", &lock),
    ]);
    let mut world = world(&["v1.34.5"]);
    let offer = |versions: &[&str]| ChartRepository {
        url: CHARTS.to_owned(),
        charts: [(
            "openstack-cinder-csi".to_owned(),
            versions
                .iter()
                .map(|version| version.parse().unwrap())
                .collect(),
        )]
        .into(),
    };
    world.chart_repositories = vec![offer(&["2.33.1"])];
    let plan = plan_of(&files, &world);
    assert!(!plan.has_changes());
    assert!(
        find_skip(&plan, "openstack-cinder-csi for 1.34")
            .reason()
            .ends_with("no version for 1.34")
    );
    world.chart_repositories = vec![offer(&["2.34.0", "2.34.2", "2.34.3-alpha.1"])];
    let plan = plan_of(&files, &world);
    assert_eq!(
        written(&plan),
        [("scs/cluster-addon/csi/Chart.yaml", chart("2.34.2"))].into()
    );
}

#[test]
fn a_tree_is_set_to_another_minor_when_asked() {
    let versions = "- kubernetes: 1.34.5\n  cinder_csi: 2.34.0\n";
    let readme = "Version 1.34.\n\n```yaml\ntopology:\n  classRef:\n    name: openstack-scs-1-34-v2\n  version: v1.34.5\n```\n";
    let files = tree(&[
        ("scs/csctl.yaml", &csctl("v1.34.5")),
        ("scs/versions.yaml", versions),
        ("scs/kubernetes.yaml", &manager(&["v1.34.5"])),
        (
            "scs/node-images.yaml",
            &node_images(&["v1.34.4", "v1.34.5"]),
        ),
        ("scs/README.md", readme),
        (
            "scs/clusterstack.yaml",
            "kind: ClusterStack\nspec:\n  provider: openstack\n  name: scs\n  kubernetesVersion: \"1.34\"\n",
        ),
        (
            "scs/drifted.yaml",
            "kind: ClusterStack\nspec:\n  provider: openstack\n  name: scs\n  kubernetesVersion: \"1.30\"\n",
        ),
        (
            "scs/metadata.yaml",
            "versions:\n  clusterStack: v1\n  kubernetes: v1.30.1\n",
        ),
    ]);
    let world = world(&["v1.34.5", "v1.35.1", "v1.35.2"]);
    let plan = plan_with(&files, &world, &Policy::default(), Some("1.35"));
    let files = written(&plan);
    assert_eq!(files["scs/csctl.yaml"], csctl("v1.35.2"));
    assert_eq!(
        files["scs/versions.yaml"],
        format!("{versions}- kubernetes: 1.35.2\n")
    );
    assert_eq!(
        files["scs/kubernetes.yaml"],
        manager(&["v1.34.5", "v1.35.1", "v1.35.2"])
    );
    assert_eq!(
        files["scs/node-images.yaml"],
        node_images(&["v1.35.1", "v1.35.2"])
    );
    let readme = readme
        .replace("openstack-scs-1-34", "openstack-scs-1-35")
        .replace("v1.34.5", "v1.35.2");
    assert_eq!(files["scs/README.md"], readme);
    assert!(files["scs/clusterstack.yaml"].contains("\"1.35\""));
    assert_eq!(files.len(), 6, "drifted and stale files stay: {files:?}");
    let reasons: Vec<String> = plan.stacks[0]
        .lines
        .iter()
        .flat_map(|line| &line.reasons)
        .map(ToString::to_string)
        .collect();
    assert!(
        reasons
            .iter()
            .any(|reason| reason.contains("is set to another minor")),
        "{reasons:?}"
    );
    assert!(
        !reasons.iter().any(|reason| reason.contains("end of life")),
        "{reasons:?}"
    );
}

#[test]
fn a_tree_is_not_set_to_a_minor_of_which_the_policy_takes_no_image() {
    let world = world(&["v1.34.5", "v1.35.1"]);
    let policy = Policy {
        images: "from=v1.35.2".parse().unwrap(),
        ..Policy::default()
    };
    let plan = plan_with(&small(), &world, &policy, Some("1.35"));
    assert!(!plan.has_changes(), "{:?}", plan.files);
    find_skip(&plan, "1.35");
}

#[test]
fn a_new_minor_gets_a_directory_shaped_after_the_one_before() {
    let files = tree(&[
        ("scs/1-33/csctl.yaml", &csctl("v1.33.1")),
        ("scs/1-34/csctl.yaml", &csctl("v1.34.5")),
        ("scs/1-34/node-images.yaml", &node_images(&["v1.34.5"])),
        (
            "scs/1-34/cluster-class/Chart.yaml",
            "name: openstack-scs-1-34-cluster-class\n",
        ),
        ("scs/1-34/notes.txt", "anything"),
    ]);
    let world = world(&["v1.34.5", "v1.35.1"]);
    let plan = plan_with(&files, &world, &Policy::default(), Some("1.35"));
    let chart = "name: openstack-scs-1-35-cluster-class\n";
    assert_eq!(
        written(&plan),
        [
            ("scs/1-35/csctl.yaml", csctl("v1.35.1")),
            ("scs/1-35/node-images.yaml", node_images(&["v1.35.1"])),
            ("scs/1-35/cluster-class/Chart.yaml", chart.to_owned()),
            (
                "scs/1-35/notes.txt",
                "copy of scs/1-34/notes.txt".to_owned()
            ),
        ]
        .into()
    );
}

fn drop_ended() -> Policy {
    Policy {
        end_of_life: EndOfLife::Drop,
        ..Policy::default()
    }
}

#[test]
fn a_minor_past_its_end_leaves_unless_the_stack_stands_on_it() {
    let listed = ["v1.32.1", "v1.34.5"];
    let world = world(&["v1.32.1", "v1.34.5"]);
    let at = |version: &str| {
        tree(&[
            ("scs/csctl.yaml", &csctl(version)),
            ("scs/kubernetes.yaml", &manager(&listed)),
            (
                "scs/versions.yaml",
                "- kubernetes: 1.32.1\n- kubernetes: 1.34.5\n",
            ),
        ])
    };
    let plan = plan_with(&at("v1.34.5"), &world, &drop_ended(), None);
    assert_eq!(
        written(&plan),
        [
            ("scs/kubernetes.yaml", manager(&["v1.34.5"])),
            ("scs/versions.yaml", "- kubernetes: 1.34.5\n".to_owned()),
        ]
        .into()
    );
    assert!(
        plan.stacks[0].lines[0].reasons[0]
            .to_string()
            .starts_with("1.32 leaves: end of life since ")
    );
    // The minor asked for has no image, so that the tree stays where it is.
    for asked in [None, Some("1.33")] {
        assert!(
            !plan_with(&at("v1.32.1"), &world, &drop_ended(), asked).has_changes(),
            "{asked:?}"
        );
    }
}

#[test]
fn the_last_directory_leaves_in_the_same_plan_as_its_successor_comes() {
    let lists = node_images(&["v1.32.1"]);
    let files = tree(&[
        ("scs/1-32/csctl.yaml", &csctl("v1.32.1")),
        ("scs/1-32/node-images.yaml", &lists),
    ]);
    let world = world(&["v1.32.1", "v1.33.2"]);
    assert!(!plan_with(&files, &world, &drop_ended(), None).has_changes());
    let plan = plan_with(&files, &world, &drop_ended(), Some("1.33"));
    let written = written(&plan);
    assert_eq!(written["scs/1-32/csctl.yaml"], "removed");
    assert_eq!(written["scs/1-33/csctl.yaml"], csctl("v1.33.2"));
}
