//! READMEs of many hands, planned and checked: what is an example of the stack moves, and nothing else does.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use csctl_matrix::catalog::{Catalog, ImageStore, NodeImage, StackRelease};
use csctl_matrix::check::{CheckInput, Finding, check, select_rules};
use csctl_matrix::plan::{FileAction, Plan, PlanInput, Selection, plan};
use csctl_matrix::policy::{Block, ChangeClass, Policy, Wishes};
use csctl_matrix::stack::{Content, Tree, discover};
use csctl_matrix::version::KubernetesVersion;
use proptest::prelude::*;

const STORE: &str = "https://images.example.org/{os}-kube-v{minor}/{os}-kube-v{version}.qcow2";
const README: &str = "providers/openstack/demo/README.md";
const MANIFEST: &str = "providers/openstack/demo/clusterstack.yaml";

/// A repository of openstack-demo at v1.34.6, the world around it, and what is asked for.
#[derive(Clone)]
struct Reference {
    texts: BTreeMap<&'static str, String>,
    default: &'static str,
    /// Published releases: tag and Kubernetes version.
    releases: Vec<(&'static str, &'static str)>,
    minor: Option<&'static str>,
    policy: Policy,
    wishes: Wishes,
}

impl Reference {
    fn with(readme: &str) -> Self {
        Self {
            texts: [(README, readme.to_owned())].into(),
            default: "v1.34.6",
            releases: vec![
                ("openstack-demo-1-34-v1", "v1.34.5"),
                ("openstack-demo-1-34-v2", "v1.34.6"),
            ],
            minor: None,
            policy: Policy::default(),
            wishes: Wishes::default(),
        }
    }

    fn of_manifest(text: &str) -> Self {
        let mut reference = Self::with("# demo\n");
        reference.texts.insert(MANIFEST, text.to_owned());
        reference
    }

    fn without_releases(mut self) -> Self {
        self.releases.clear();
        self
    }

    fn moving_to(mut self, minor: &'static str) -> Self {
        self.minor = Some(minor);
        self
    }

    fn at(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::default();
        let csctl = format!(
            "config:\n  clusterStackName: demo\n  kubernetesVersion: {}\n  provider:\n    type: openstack\n",
            self.default
        );
        let url =
            "https://images.example.org/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-v1.34.6.qcow2";
        let images = format!(
            "apiVersion: v1\nopenStackNodeImages:\n  - url: {url}\n    createOpts:\n      name: ubuntu-capi-image-v1.34.6\n"
        );
        tree.insert(
            "providers/openstack/demo/csctl.yaml",
            Content::Text(csctl.into()),
        );
        tree.insert(
            "providers/openstack/demo/node-images.yaml",
            Content::Text(images.into()),
        );
        for (path, text) in &self.texts {
            tree.insert(*path, Content::Text(text.as_str().into()));
        }
        tree
    }

    fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::empty("2026-06-15".parse().unwrap());
        let versions = ["v1.34.6", "v1.34.7", "v1.34.8", "v1.35.0", "v1.35.2"];
        catalog.image_stores.push(ImageStore {
            pattern: STORE.parse().unwrap(),
            searched: ["1.34", "1.35"].map(|minor| minor.parse().unwrap()).into(),
            images: versions.iter().map(|version| image(version)).collect(),
            faulty: Vec::new(),
        });
        for (tag, kubernetes) in &self.releases {
            catalog.stack_releases.push(StackRelease {
                tag: tag.parse().unwrap(),
                kubernetes: Some(kubernetes.parse().unwrap()),
                cluster_addon: None,
                node_image: None,
                csctl_hashes: None,
            });
        }
        catalog.sort();
        catalog
    }

    fn selection(&self) -> Selection {
        Selection {
            switch_to: self.minor.map(|minor| minor.parse().unwrap()),
            ..Selection::default()
        }
    }

    fn plan(&self) -> Plan {
        let tree = self.tree();
        let plan = plan(PlanInput {
            tree: &tree,
            discovery: &discover(&tree),
            catalog: &self.catalog(),
            policy: &self.policy,
            wishes: &self.wishes,
            selection: &self.selection(),
        });
        assert_eq!(plan.faults().count(), 0, "{:?}", plan.stacks);
        plan
    }

    /// The repository as the plan leaves it.
    fn planned(&self) -> Self {
        let plan = self.plan();
        let mut after = self.clone();
        for file in &plan.files {
            let FileAction::Edit { after: text, .. } = &file.action else {
                panic!("{file:?}");
            };
            if let Some(own) = after.texts.get_mut(file.path.as_str()) {
                *own = text.to_string();
            }
        }
        let line = plan.stacks[0].lines.first();
        if let Some(default) = line.and_then(|_| stated_default(&plan)) {
            after.default = default;
        }
        after
    }

    fn text(&self, path: &str) -> &str {
        &self.texts[path]
    }

    /// What `check` says of examples, where it knows published releases.
    fn findings_with(&self, catalog: Option<&Catalog>) -> Vec<Finding> {
        let tree = self.tree();
        let input = CheckInput {
            tree: &tree,
            discovery: &discover(&tree),
            catalog,
            policy: &Policy::default(),
            selection: &Selection::default(),
            tags: &[],
            unpublishable: &BTreeMap::new(),
            today: "2026-06-15".parse().unwrap(),
        };
        let selected = select_rules(&["example-version".to_owned()], &[], &[]).unwrap();
        check(input, &selected).findings
    }

    /// What `check` says of examples: the line, the message and the repair.
    fn findings(&self) -> Vec<(usize, String, Option<String>)> {
        let found = self.findings_with(None).into_iter();
        found
            .map(|found| {
                (
                    found.line.unwrap(),
                    found.message,
                    found.fix.and_then(|fix| fix.to),
                )
            })
            .collect()
    }

    fn holds(&self) -> Vec<String> {
        let plan = self.plan();
        let holds = plan.stacks[0].skipped.iter();
        let of_examples = holds.filter(|hold| hold.subject.to_string().contains(" in providers/"));
        of_examples
            .map(|hold| format!("{}: {}", hold.subject, hold.reason()))
            .collect()
    }
}

/// The default that the plan writes into csctl.yaml.
fn stated_default(plan: &Plan) -> Option<&'static str> {
    let csctl = plan
        .files
        .iter()
        .find(|file| file.path.ends_with("csctl.yaml"))?;
    let to = csctl.edits.iter().find_map(|edit| edit.to.clone())?;
    ["v1.34.7", "v1.34.8", "v1.35.0", "v1.35.2"]
        .into_iter()
        .find(|version| *version == to)
}

fn image(version: &str) -> NodeImage {
    let parsed: KubernetesVersion = version.parse().unwrap();
    let minor = parsed.minor();
    let url = format!(
        "https://images.example.org/ubuntu-2404-kube-v{minor}/ubuntu-2404-kube-{version}.qcow2"
    );
    NodeImage {
        os: Some("ubuntu-2404".parse().unwrap()),
        sha256: Some(parsed.patch().to_string().repeat(64).parse().unwrap()),
        built: Some("2026-05-01".parse().unwrap()),
        ..NodeImage::new(parsed, url)
    }
}

fn cluster(class: &str, version: &str) -> String {
    format!(
        "```yaml\nkind: Cluster\nspec:\n  topology:\n    class: {class}\n    version: {version}\n```\n"
    )
}

fn cluster_stack(rest: &str) -> String {
    format!("```yaml\nkind: ClusterStack\nspec:\n  provider: openstack\n  name: demo\n{rest}```\n")
}

/// Fails unless the plan makes of a README exactly this, and a second plan nothing more.
fn becomes(reference: &Reference, expected: &str) {
    let after = reference.planned();
    assert_eq!(after.text(README), expected);
    assert_eq!(after.planned().text(README), expected, "planned twice");
}

fn stays(reference: &Reference) {
    becomes(reference, reference.text(README));
}

#[test]
fn an_example_of_the_current_release_moves_as_a_whole() {
    let reference = Reference::with(&cluster("openstack-demo-1-34-v2", "1.34.6"));
    becomes(&reference, &cluster("openstack-demo-1-34-v3", "1.34.8"));
    becomes(
        &reference.clone().without_releases(),
        &cluster("openstack-demo-1-34-v2", "1.34.8"),
    );
    becomes(
        &reference.moving_to("1.35"),
        &cluster("openstack-demo-1-35-v1", "1.35.2"),
    );
    let open = Reference::with(&cluster(
        "openstack-demo-1-34-${VERSION}",
        "\"v1.34.6\" # now",
    ));
    becomes(
        &open,
        &cluster("openstack-demo-1-34-${VERSION}", "\"v1.34.8\" # now"),
    );
    becomes(
        &open.moving_to("1.35"),
        &cluster("openstack-demo-1-35-${VERSION}", "\"v1.35.2\" # now"),
    );
}

#[test]
fn an_example_that_a_plan_moved_before_its_release_was_published_is_not_lowered() {
    let reference = Reference::with(&cluster("openstack-demo-1-34-v7", "v1.34.6"));
    becomes(&reference, &cluster("openstack-demo-1-34-v7", "v1.34.8"));
}

#[test]
fn a_version_ahead_of_the_stack_is_never_lowered() {
    let reference = Reference::with(&cluster("openstack-demo-1-34-v2", "v1.34.9"));
    stays(&reference);
    assert_eq!(
        reference.findings(),
        [(
            6,
            "the example says v1.34.9, but the stack is v1.34.6".to_owned(),
            None
        )]
    );
    // One between the stack's version and the new one is behind after the move.
    let between = Reference::with(&cluster("openstack-demo-1-34-v2", "v1.34.7"));
    becomes(&between, &cluster("openstack-demo-1-34-v3", "v1.34.8"));
}

#[test]
fn a_blocked_version_leaves_an_example_with_the_default() {
    let mut reference =
        Reference::with(&cluster("openstack-demo-1-34-v2", "v1.34.8")).at("v1.34.8");
    reference.policy.blocked.push(Block {
        version: "v1.34.8".parse().unwrap(),
        os: None,
        reason: "bad".to_owned(),
        by: None,
        on: None,
    });
    becomes(&reference, &cluster("openstack-demo-1-34-v3", "v1.34.7"));
}

#[test]
fn a_forgotten_version_is_repaired_beside_the_current_release() {
    let reference = Reference::with(&cluster("openstack-demo-1-34-v2", "v1.34.4"));
    let message = "the example says v1.34.4, but the stack is v1.34.6".to_owned();
    assert_eq!(
        reference.findings(),
        [(6, message, Some("v1.34.6".to_owned()))]
    );
    becomes(&reference, &cluster("openstack-demo-1-34-v3", "v1.34.8"));
    // v2 is a release of v1.34.6: the one of v1.34.8 will be v3.
    let later = reference.at("v1.34.8");
    becomes(&later, &cluster("openstack-demo-1-34-v3", "v1.34.8"));
    let messages: Vec<String> = later
        .findings_with(Some(&later.catalog()))
        .into_iter()
        .map(|found| found.message)
        .collect();
    assert_eq!(
        messages,
        [
            "the example says v2, a release for v1.34.6, but the stack is v1.34.8",
            "the example says v1.34.4, but the stack is v1.34.8"
        ]
    );
    becomes(
        &later.without_releases(),
        &cluster("openstack-demo-1-34-v2", "v1.34.8"),
    );
}

#[test]
fn the_values_of_an_example_move_together_or_not_at_all() {
    let mut reference = Reference::with(&cluster("openstack-demo-1-34-v2", "v1.34.4"));
    reference.wishes.changes = [ChangeClass::NewPatch].into();
    stays(&reference);
    reference.wishes.changes = [ChangeClass::Repair].into();
    becomes(&reference, &cluster("openstack-demo-1-34-v2", "v1.34.6"));
}

#[test]
fn an_example_of_a_release_before_the_newest_is_repaired_where_releases_are_known() {
    let mut reference = Reference::with(&cluster("openstack-demo-1-34-v1", "v1.34.5"));
    becomes(&reference, &cluster("openstack-demo-1-34-v3", "v1.34.8"));
    reference.wishes.changes = [ChangeClass::Repair].into();
    becomes(&reference, &cluster("openstack-demo-1-34-v2", "v1.34.6"));
    let findings = reference.findings_with(Some(&reference.catalog()));
    let said: Vec<(&str, &str)> = findings
        .iter()
        .map(|found| {
            (
                found.message.as_str(),
                found.fix.as_ref().unwrap().to.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            (
                "the example says v1, but the newest release is v2",
                "openstack-demo-1-34-v2"
            ),
            (
                "the example says v1.34.5, but the stack is v1.34.6",
                "v1.34.6"
            ),
        ]
    );
    // The newest release is of an older version than the stack: the next one will be of the stack's.
    let mut ahead = reference.at("v1.34.7");
    ahead.wishes.changes = [ChangeClass::Repair].into();
    becomes(&ahead, &cluster("openstack-demo-1-34-v3", "v1.34.7"));
}

#[test]
fn an_example_of_another_minor_is_found_and_repaired_where_its_release_is_known() {
    let reference = Reference::with(&cluster("openstack-demo-1-33-v4", "v1.33.9"));
    let class = "the example says openstack-demo-1-33-v4, but the stack is v1.34.6".to_owned();
    let version = "the example says v1.33.9, but the stack is v1.34.6".to_owned();
    assert_eq!(reference.findings(), [(5, class, None), (6, version, None)]);
    becomes(&reference, &cluster("openstack-demo-1-34-v3", "v1.34.8"));
    stays(&reference.without_releases());
    let open = Reference::with(&cluster("openstack-demo-1-33-$VERSION", "v1.33.9"));
    let fixes: Vec<Option<String>> = open.findings().into_iter().map(|(_, _, fix)| fix).collect();
    assert_eq!(
        fixes,
        [
            Some("openstack-demo-1-34-$VERSION".to_owned()),
            Some("v1.34.6".to_owned())
        ]
    );
    becomes(&open, &cluster("openstack-demo-1-34-$VERSION", "v1.34.8"));
    let newer = Reference::with(&cluster("openstack-demo-1-35-v1", "v1.35.0"));
    stays(&newer);
    assert_eq!(newer.findings().len(), 2);
    becomes(
        &newer.moving_to("1.35"),
        &cluster("openstack-demo-1-35-v1", "v1.35.2"),
    );
}

#[test]
fn an_example_that_the_words_before_it_name_is_told_and_not_repaired_alone() {
    for words in [
        "For clusters of 1.33:",
        "## Kubernetes 1.33\n\nUse this:",
        "With v1.33.9:",
    ] {
        let example = cluster("openstack-demo-1-33-$VERSION", "v1.33.9");
        let reference = Reference::with(&format!("# demo for 1.33\n\n{words}\n\n{example}"));
        stays(&reference);
        let fixes = reference.findings().into_iter().map(|(_, _, fix)| fix);
        assert_eq!(fixes.collect::<Vec<_>>(), [None, None], "{words}");
    }
    // What is as the stack is moves all the same.
    let current = cluster("openstack-demo-1-34-v2", "v1.34.6");
    let reference = Reference::with(&format!("With v1.34.6:\n\n{current}"));
    let moved = cluster("openstack-demo-1-34-v3", "v1.34.8");
    becomes(&reference, &format!("With v1.34.6:\n\n{moved}"));
}

#[test]
fn a_manifest_that_a_template_makes_is_left_alone() {
    let text = "kind: ClusterStack\nspec:\n  provider: openstack\n  name: demo\n  kubernetesVersion: \"1.34\"\n---\nkind: Cluster\nspec:\n  topology:\n    class: openstack-demo-1-34-{{ .Values.version }}\n    version: v1.34.6\n";
    let reference = Reference::of_manifest(text);
    assert_eq!(reference.planned().text(MANIFEST), text);
}

#[test]
fn an_example_that_is_of_the_new_minor_already_is_brought_to_its_version() {
    let of = |older: &str, version: &str| {
        let newer = cluster("openstack-demo-1-35-v1", "v1.35.0");
        let full = "  kubernetesVersion: \"1.35\"\n  versions: [v1]\n";
        format!(
            "{}\n{newer}\n{}",
            cluster(older, version),
            cluster_stack(full)
        )
    };
    let reference = Reference::with(&of("openstack-demo-1-34-v2", "v1.34.6")).moving_to("1.35");
    let expected = of("openstack-demo-1-35-v1", "v1.35.2").replace("v1.35.0", "v1.35.2");
    becomes(&reference, &expected);
    assert_eq!(reference.planned().findings(), []);
}

#[test]
fn the_name_of_a_build_keeps_its_hash() {
    for build in ["v0-sha.lvlvyfw", "v0-sha-abc1234", "v0-git.4b2b59b"] {
        let of = |minor: &str, version: &str| {
            cluster(&format!("openstack-demo-{minor}-{build}"), version)
        };
        let reference = Reference::with(&of("1-34", "v1.34.6"));
        let hold = |minor: &str| {
            format!(
                "openstack-demo-{minor}-{build} in {README}:5: an example of a build; the name of the next build is not known"
            )
        };
        becomes(&reference, &of("1-34", "v1.34.8"));
        assert_eq!(reference.holds(), [hold("1-34")]);
        let moved = reference.moving_to("1.35");
        becomes(&moved, &of("1-35", "v1.35.2"));
        assert_eq!(moved.holds(), [hold("1-34")]);
        assert_eq!(moved.planned().findings(), []);
        let older = Reference::with(&of("1-33", "v1.33.4"));
        stays(&older);
        assert_eq!(older.holds(), [""; 0]);
        let findings = older.findings_with(None);
        assert_eq!(
            findings[0].message,
            format!("the example says openstack-demo-1-33-{build}, but the stack is v1.34.6")
        );
        assert_eq!((findings.len(), findings[0].fix.as_ref()), (2, None));
        assert_eq!(
            findings[0].hint.as_deref(),
            Some("name a build or a release of 1.34; the name of its next build is unknown")
        );
    }
}

#[test]
fn a_number_of_a_new_minor_that_nobody_knows_is_told() {
    let reference = Reference::with(&cluster("openstack-demo-1-34-v2", "v1.34.6"))
        .without_releases()
        .moving_to("1.35");
    becomes(&reference, &cluster("openstack-demo-1-35-v2", "v1.35.2"));
    assert_eq!(
        reference.holds(),
        [format!(
            "openstack-demo-1-34-v2 in {README}:5: an example; no published release of the new minor is known"
        )]
    );
    let known = Reference::with(&cluster("openstack-demo-1-34-v2", "v1.34.6")).moving_to("1.35");
    assert_eq!(known.holds(), [""; 0]);
}

#[test]
fn a_cluster_stack_names_the_newest_of_its_releases() {
    let of = |minor: &str, versions: &str| {
        cluster_stack(&format!(
            "  kubernetesVersion: \"{minor}\"\n  versions: {versions}\n"
        ))
    };
    becomes(&Reference::with(&of("1.34", "[v2]")), &of("1.34", "[v3]"));
    becomes(
        &Reference::with(&of("1.34", "[v1, v2]")),
        &of("1.34", "[v1, v3]"),
    );
    stays(&Reference::with(&of("1.34", "[v2, v3]")));
    stays(&Reference::with(&of("1.34", "[v1]")));
    stays(&Reference::with(&of("1.34", "[v0-sha.abc1234]")));
    becomes(
        &Reference::with(&of("1.34", "[v2]")).moving_to("1.35"),
        &of("1.35", "[v1]"),
    );
    becomes(
        &Reference::with(&of("1.34", "[]")).moving_to("1.35"),
        &of("1.35", "[]"),
    );
    let several = Reference::with(&of("1.34", "[v1, v2]")).moving_to("1.35");
    becomes(&several, &of("1.35", "[v1, v2]"));
    assert_eq!(several.holds().len(), 1);
    let full = Reference::with(&of("v1.34.6", "[v2]"));
    becomes(&full, &of("v1.34.8", "[v3]"));
    let forgotten = Reference::with(&of("1.33", "[v7]"));
    becomes(&forgotten, &of("1.34", "[v3]"));
    stays(&forgotten.without_releases());
}

#[test]
fn a_manifest_beside_the_stack_follows_the_same_rules() {
    let text = |kind: &str, minor: &str, version: &str, class: &str, full: &str| {
        format!(
            "# demo\napiVersion: clusterstack.x-k8s.io/v1alpha1\nkind: {kind}\nmetadata: {{name: demo}}\nspec:\n  provider: openstack\n  name: demo\n  kubernetesVersion: '{minor}' # minor\n  versions:\n  - v1\n  - {version}\n---\nkind: ClusterStack\nspec: {{provider: openstack, name: other, kubernetesVersion: \"1.34\", versions: [v2]}}\n---\napiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nspec:\n  topology:\n    classRef: {{name: {class}}}\n    version: {full}\n"
        )
    };
    for kind in [
        "ClusterStack",
        "\"ClusterStack\"",
        "ClusterStack # it",
        "ClusterStack  ",
    ] {
        let reference = Reference::of_manifest(&text(
            kind,
            "1.34",
            "v2",
            "openstack-demo-1-34-v2",
            "v1.34.6",
        ));
        let expected = text(kind, "1.34", "v3", "openstack-demo-1-34-v3", "v1.34.8");
        assert_eq!(reference.planned().text(MANIFEST), expected);
        let crlf = Reference::of_manifest(&reference.text(MANIFEST).replace('\n', "\r\n"));
        assert_eq!(
            crlf.planned().text(MANIFEST),
            expected.replace('\n', "\r\n")
        );
    }
}

#[test]
fn a_manifest_that_has_drifted_is_found_and_left_to_people() {
    let text = "kind: ClusterStack\nspec:\n  provider: openstack\n  name: demo\n  kubernetesVersion: \"1.33\"\n";
    let reference = Reference::of_manifest(text);
    assert_eq!(reference.planned().text(MANIFEST), text);
    let message = "the example says 1.33, but the stack is v1.34.6".to_owned();
    assert_eq!(reference.findings(), [(5, message, None)]);
    let of_another = text.replace("demo", "other");
    assert_eq!(Reference::of_manifest(&of_another).findings(), []);
}

#[test]
fn two_findings_on_one_line_have_each_their_own_repair() {
    let text = "```yaml\ntopology: {class: openstack-demo-1-33-$V, version: v1.33.4}\n```\n";
    let fixes: Vec<Option<String>> = Reference::with(text)
        .findings()
        .into_iter()
        .map(|(_, _, fix)| fix)
        .collect();
    assert_eq!(
        fixes,
        [
            Some("openstack-demo-1-34-$V".to_owned()),
            Some("v1.34.6".to_owned())
        ]
    );
}

/// A part of a README: as it is, and as it reads after a move to this release and version.
#[derive(Debug, Clone)]
struct Part {
    text: String,
    moves: bool,
}

const RELEASE: &str = "openstack-demo-1-34-v2";

/// Parts that are examples of the stack.
fn own() -> impl Strategy<Value = Part> {
    let clusters = [
        "```yaml\nkind: Cluster\napiVersion: cluster.x-k8s.io/v1beta2\nspec:\n  topology:\n    version: v1.34.6 # now\n    classRef:\n      name: \"openstack-demo-1-34-v2\"\n```\n",
        "~~~\ntopology:\n  ...\n  class: 'openstack-demo-1-34-v2'\n  version: 1.34.6\n~~~\n",
        "```bash\nkubectl apply -f - <<EOF\nkind: Cluster\nspec:\n  topology:\n    class: openstack-demo-1-34-v2\n    version: v1.34.6\nEOF\n```\n",
        "1. Do:\n\n   - this:\n\n     ```yaml\n     topology:\n       class: openstack-demo-1-34-v2\n       version: v1.34.6\n     ```\n",
        "> ```yaml\n> topology: {class: openstack-demo-1-34-v2, version: v1.34.6}\n> ```\n",
        "Like:\n\n\ttopology:\n\t  class: openstack-demo-1-34-v2\n\t  version: v1.34.6\n",
    ];
    let commands = [
        "```sh\nhelm pull oci://registry.example.org/openstack-demo-1-34-v2 --untar # v1 was smaller\n```\n",
        "```console\n$ kubectl get clusterclass openstack-demo-1-34-v2\n```\n",
        "- `export CLUSTERSTACK=openstack-demo-1-34-v2`\n",
        "```yaml\nkind: ClusterStack\nspec:\n  provider: openstack\n  name: demo\n  kubernetesVersion: \"1.34\"\n  versions:\n    - NEWEST\n```\n",
    ];
    let all: Vec<&str> = clusters.into_iter().chain(commands).collect();
    prop::sample::select(all).prop_map(|text| Part {
        text: text.to_owned(),
        moves: true,
    })
}

/// Parts that only look like examples.
fn foreign() -> impl Strategy<Value = Part> {
    let table = prop::collection::vec(1..9_u32, 1..5).prop_map(|rows| {
        let mut text = "| release | Kubernetes |\n|---|---|\n".to_owned();
        for number in rows {
            writeln!(text, "| openstack-demo-1-34-v{number} | v1.34.{number} |").unwrap();
        }
        text
    });
    let fixed = prop::sample::select(vec![
        "Since openstack-demo-1-34-v2 with v1.34.6 it is `v1.34.6`; version: v1.34.6\n",
        "```yaml\nkind: HelmChart\nspec:\n  version: 1.34.6\n```\n",
        "```yaml\ndependencies:\n  - name: postgresql\n    version: v1.34.6\n```\n",
        "```yaml\nkind: Cluster\nspec:\n  topology:\n    class: openstack-other-1-34-v2\n    version: v1.34.6\n```\n",
        "```yaml\nkind: ClusterStack\nspec: {provider: openstack, name: other, kubernetesVersion: \"1.34\", versions: [v2]}\n```\n",
        "```yaml\nkind: Cluster\nspec:\n  topology:\n    class: openstack-demo-1-33-v2\n    version: v1.33.6\n```\n",
        "```yaml\nkind: Cluster\nspec:\n  topology:\n    class: openstack-demo-1-34-v1\n    version: v1.34.5\n```\n",
        "```diff\n topology:\n-  class: openstack-demo-1-34-v1\n+  class: openstack-demo-1-34-v2\n```\n",
        "```console\n$ kubectl get clusterclass\nopenstack-demo-1-34-v2   3d\n$ kubectl get x -o yaml\nspec:\n  topology:\n    class: openstack-demo-1-34-v2\n    version: v1.34.6\n```\n",
        "```sh\n# kubectl get openstack-demo-1-34-v2\nhelm pull oci://r/openstack-demo-1-34-v1\n```\n",
        "[![ok](https://x/openstack-demo-1-34-v2.svg)](https://x/v1.34.6)\n",
        "<!--\n```yaml\ntopology: {class: openstack-demo-1-34-v2, version: v1.34.6}\n```\n-->\n",
        "<details>\n<summary>Change log</summary>\n\n```yaml\ntopology: {class: openstack-demo-1-34-v2, version: v1.34.6}\n```\n\n</details>\n",
        "## Changelog\n\n### v2\n\n```yaml\ntopology: {class: openstack-demo-1-34-v2, version: v1.34.6}\n```\n\n## More\n",
    ]);
    let text = prop_oneof![1 => table, 4 => fixed.prop_map(str::to_owned)];
    text.prop_map(|text| Part { text, moves: false })
}

/// A README with at least one cluster of the current release.
fn readme() -> impl Strategy<Value = (Vec<Part>, bool)> {
    let part = prop_oneof![own(), foreign()];
    let parts = prop::collection::vec(part, 0..8);
    (parts, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(mut parts, place, crlf)| {
        let cluster = cluster(RELEASE, "v1.34.6");
        let place = place.index(parts.len() + 1);
        parts.insert(
            place,
            Part {
                text: cluster,
                moves: true,
            },
        );
        (parts, crlf)
    })
}

fn joined(parts: &[Part], crlf: bool, moved: impl Fn(&str) -> String) -> String {
    let mut text = "# demo\n".to_owned();
    for part in parts {
        let own = if part.moves {
            moved(&part.text)
        } else {
            part.text.clone()
        };
        // A comment keeps what is indented from being a part of the list before it.
        write!(text, "\n<!-- -->\n\nText.\n\n{own}").unwrap();
    }
    if crlf {
        text.replace('\n', "\r\n")
    } else {
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_plan_touches_examples_alone_and_leaves_nothing_to_find(
        (parts, crlf) in readme(),
        to_minor in any::<bool>(),
    ) {
        let before = joined(&parts, crlf, |text| text.replace("NEWEST", "v2"));
        let mut reference = Reference::with(&before);
        prop_assert_eq!(reference.findings(), []);
        let expected = if to_minor {
            reference = reference.moving_to("1.35");
            joined(&parts, crlf, |text| {
                let text = text.replace(RELEASE, "openstack-demo-1-35-v1").replace("1.34.6", "1.35.2");
                text.replace("\"1.34\"", "\"1.35\"").replace("NEWEST", "v1")
            })
        } else {
            joined(&parts, crlf, |text| {
                let text = text.replace(RELEASE, "openstack-demo-1-34-v3").replace("1.34.6", "1.34.8");
                text.replace("NEWEST", "v3")
            })
        };
        let after = reference.planned();
        prop_assert_eq!(after.text(README), expected);
        prop_assert_eq!(after.findings(), []);
        let again = after.planned();
        prop_assert_eq!(again.text(README), after.text(README));
    }
}
