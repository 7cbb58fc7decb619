//! Properties of plans over repositories with several image series, and with values that are not the stack's: images of other
//! programs, lists of other versions, READMEs with a history, odd values. In process and without files.
//! `PROPTEST_CASES=5000 cargo test --release --test it foreign` looks further.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::support::cases::cases;
use crate::support::repositories::text;
use csctl_matrix::catalog::{Catalog, ImagePattern, ImageStore, NodeImage};
use csctl_matrix::check::{CheckInput, Finding, RuleSelection, check};
use csctl_matrix::plan::{Plan, PlanInput, Selection, plan};
use csctl_matrix::policy::{Policy, Wishes};
use csctl_matrix::stack::{Content, Tree, discover};
use csctl_matrix::version::{KubernetesVersion, Minor};
use proptest::prelude::*;

const STACK: &str = "providers/openstack/demo";
const STORE: &str = "https://images.example.org/capi";
const PATCHES: u32 = 5;

/// Images that belong together: of one distribution, release, architecture and variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Series {
    /// The name before the version, with a dash at its end.
    name: &'static str,
    /// What stands behind the version.
    suffix: &'static str,
    /// The file in the store before the version.
    file: &'static str,
}

const SERIES: [Series; 4] = [
    Series {
        name: "ubuntu-2404-kube-",
        suffix: "",
        file: "ubuntu-2404-kube-",
    },
    Series {
        name: "ubuntu-2404-kube-",
        suffix: "-arm64",
        file: "ubuntu-2404-kube-",
    },
    Series {
        name: "ubuntu-2404-kube-",
        suffix: "-gardener",
        file: "ubuntu-2404-kube-",
    },
    Series {
        name: "rockylinux-9-kube-",
        suffix: "",
        file: "rockylinux-9-kube-",
    },
];

fn version(patch: u32) -> KubernetesVersion {
    KubernetesVersion::new(Minor::new(1, 34), patch)
}

impl Series {
    fn name(self, version: KubernetesVersion) -> String {
        format!("{}{version}{}", self.name, self.suffix)
    }

    fn url(self, version: KubernetesVersion) -> String {
        format!("{STORE}/{}{version}{}.qcow2", self.file, self.suffix)
    }

    fn sum(self, version: KubernetesVersion) -> String {
        let own = (self.name.len() * 31 + self.suffix.len() * 7) as u64;
        let seed = own * 1000 + u64::from(version.patch()) + 1;
        let part = |salt: u64| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ salt);
        format!(
            "{:016x}{:016x}{:016x}{:016x}",
            part(1),
            part(3),
            part(7),
            part(9)
        )
    }
}

/// How a value of the stack's own names its image.
#[derive(Debug, Clone, Copy)]
enum Own {
    Name,
    NameAndUrl,
    UrlAndSum,
    HashMap,
}

/// A piece of the class chart's values.
#[derive(Debug, Clone, Copy)]
enum Piece {
    /// An image of a series of the stack.
    Own(usize, Own),
    /// Something that is not the stack's, by its number among [`FOREIGN`].
    Foreign(usize),
}

/// What is not the stack's: `N` is a number of its own, `V` the stack's version.
const FOREIGN: [&str; 18] = [
    "kubeVipN:\n  image: ghcr.io/kube-vip/kube-vip:V\n",
    "corednsN:\n  image: registry.k8s.io/coredns/coredns:v1.34.1\n",
    "pauseN: registry.k8s.io/pause:1.34\n",
    "preloadImagesN:\n  - registry.k8s.io/kube-apiserver:V\n  - registry.k8s.io/kube-proxy:V\n",
    "etcdVersionsN: [1.34.0, 1.34.6]\n",
    "supportedVersionsN:\n  - V\n  - v1.33.4\n",
    "bastionImageN: debian-12-kube-V\n",
    "windowsN:\n  name: windows-2022-kube-V\n  url: https://images.example.org/win/windows-2022-kube-V.qcow2\n",
    "toolsN: https://dl.example.org/release/V/bin/linux/amd64/kubectl\n",
    "chartN:\n  version: 1.34.6\n",
    "commentN: \"moved from V to v1.34.6 in May\" # V\n",
    "emptyN:\n",
    "nullN: ~\n",
    "numberN: 1.34\n",
    "longN: \"a value\n  that goes on V\"\n",
    "foldedN: >-\n  V is what\n  we had\n",
    "unicodeN: \"käse-V-ü\"\n",
    "flowN: {a: [V, {b: V}], image: ghcr.io/x/y:V}\n",
];

/// A part of the README.
const PAGES: [&str; 6] = [
    "## Releases\n\n| release | Kubernetes |\n|---|---|\n| openstack-demo-1-34-v1 | v1.34.0 |\n| openstack-demo-1-34-v2 | V |\n",
    "We moved to V in May, with openstack-demo-1-34-v2.\n",
    "## Another chart\n\n```yaml\napiVersion: v2\nname: other\nversion: 1.34.6\nappVersion: V\n```\n",
    "```console\n$ kubectl version\nServer Version: V\n```\n",
    "## Change log\n\n```yaml\nkind: Cluster\nspec:\n  topology:\n    classRef: {name: openstack-demo-1-34-v1}\n    version: V\n```\n",
    "See openstack-demo-1-34-v2 and `v1.34.6`.\n",
];

#[derive(Debug, Clone)]
struct Case {
    default: u32,
    pieces: Vec<Piece>,
    pages: Vec<usize>,
    /// The series whose images are listed in kubernetes.yaml.
    listed: Vec<usize>,
    /// Per series, the patches that the store has.
    offered: Vec<Vec<bool>>,
}

fn case() -> impl Strategy<Value = Case> {
    let own = prop_oneof![
        Just(Own::Name),
        Just(Own::NameAndUrl),
        Just(Own::UrlAndSum),
        Just(Own::HashMap)
    ];
    let piece = prop_oneof![
        2 => (0..SERIES.len(), own).prop_map(|(series, own)| Piece::Own(series, own)),
        3 => (0..FOREIGN.len()).prop_map(Piece::Foreign),
    ];
    (
        0..PATCHES - 1,
        prop::collection::vec(piece, 0..8),
        prop::collection::vec(0..PAGES.len(), 0..4),
        prop::sample::subsequence((0..SERIES.len()).collect::<Vec<_>>(), 1..=3),
        prop::collection::vec(
            prop::collection::vec(prop::bool::weighted(0.8), PATCHES as usize),
            SERIES.len(),
        ),
    )
        .prop_map(|(default, pieces, pages, listed, offered)| Case {
            default,
            pieces,
            pages,
            listed,
            offered,
        })
}

/// A value of the stack's own: what stands there for each version.
struct OwnLine {
    series: usize,
    /// Text before the name or URL.
    key: String,
    is_url: bool,
}

/// A repository, and what it is made of.
struct Repository {
    tree: Tree,
    /// Pieces that have to stay as they are: the file, and the text.
    foreign: Vec<(String, String)>,
    own: Vec<OwnLine>,
}

impl Case {
    fn repository(&self) -> Repository {
        let default = version(self.default);
        let mut own = Vec::new();
        let mut foreign = Vec::new();
        let values_file = format!("{STACK}/cluster-class/values.yaml");
        let mut values = String::from("# values of the class\n");
        for (number, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Own(series, form) => {
                    own.extend(add_own(&mut values, (number, *series), *form, default));
                }
                Piece::Foreign(index) => {
                    let text = FOREIGN[*index].replace('N', &number.to_string());
                    let text = text.replace('V', &default.to_string());
                    values.push_str(&text);
                    foreign.push((values_file.clone(), text));
                }
            }
        }
        let readme_file = format!("{STACK}/README.md");
        let mut readme = String::from("# demo\n\n");
        for (number, index) in self.pages.iter().enumerate() {
            let text = PAGES[*index].replace('V', &default.to_string());
            let text = format!("<!-- part {number} -->\n\n{text}\n");
            readme.push_str(&text);
            foreign.push((readme_file.clone(), text));
        }
        let csctl = format!(
            "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  clusterStackName: demo\n  kubernetesVersion: {default}\n  provider:\n    apiVersion: openstack.csctl.clusterstack.x-k8s.io/v1alpha1\n    type: openstack\n"
        );
        let chart = "apiVersion: v2\nname: openstack-demo-1-34-cluster-class\ntype: application\nversion: v1\n";
        let kubeadm = format!(
            "apiVersion: bootstrap.cluster.x-k8s.io/v1beta1\nkind: KubeadmConfigTemplate\nmetadata:\n  name: workers\nspec:\n  template:\n    spec:\n      files:\n        - path: /etc/kube-vip.yaml\n          content: |\n            image: ghcr.io/kube-vip/kube-vip:{default}\n"
        );
        let kubeadm_file = format!("{STACK}/cluster-class/templates/workers.yaml");
        foreign.push((kubeadm_file.clone(), kubeadm.clone()));
        let mut tree = Tree::default();
        for (path, text) in [
            (format!("{STACK}/csctl.yaml"), csctl),
            (format!("{STACK}/kubernetes.yaml"), self.lists(default)),
            (
                format!("{STACK}/cluster-class/Chart.yaml"),
                chart.to_owned(),
            ),
            (values_file, values),
            (readme_file, readme),
            (kubeadm_file, kubeadm),
        ] {
            tree.insert(path, Content::Text(text.into()));
        }
        Repository { tree, foreign, own }
    }

    /// The lists of openstack-image-manager: one for each series.
    fn lists(&self, default: KubernetesVersion) -> String {
        let mut text = String::from("---\nimages:\n");
        for index in &self.listed {
            let series = SERIES[*index];
            let (name, url, sum) = (
                series.name.trim_end_matches('-'),
                series.url(default),
                series.sum(default),
            );
            let suffix = series.suffix;
            let _ = write!(
                text,
                "  - name: {name}{suffix}\n    enable: true\n    format: qcow2\n    login: ubuntu\n    min_disk: 20\n    min_ram: 2048\n    status: active\n    visibility: public\n    separator: \"-\"\n    multi: false\n    meta:\n      architecture: x86_64\n      os_purpose: k8snode\n    tags: []\n    versions:\n      - version: {default}\n        url: {url}\n        checksum: \"sha256:{sum}\"\n        build_date: 2026-05-16\n"
            );
        }
        text
    }

    fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::empty("2026-06-15".parse().unwrap());
        for (series, offered) in SERIES.iter().zip(&self.offered) {
            let pattern = ImagePattern::of_url(&series.url(version(0))).unwrap();
            let has = |patch: &u32| *patch == self.default || offered[*patch as usize];
            let images = (0..PATCHES).filter(has).map(|patch| NodeImage {
                os: ImagePattern::read_url(&series.url(version(patch)))
                    .unwrap()
                    .os,
                sha256: series.sum(version(patch)).parse().ok(),
                built: Some("2026-05-16".parse().unwrap()),
                ..NodeImage::new(version(patch), series.url(version(patch)))
            });
            let images: Vec<NodeImage> = images.collect();
            let known = catalog
                .image_stores
                .iter_mut()
                .find(|store| store.pattern == pattern);
            match known {
                Some(store) => store.images.extend(images),
                None => catalog.image_stores.push(ImageStore {
                    pattern,
                    searched: [Minor::new(1, 34)].into(),
                    images,
                    faulty: Vec::new(),
                }),
            }
        }
        catalog.sort();
        catalog
    }
}

fn add_own(
    values: &mut String,
    (number, index): (usize, usize),
    form: Own,
    default: KubernetesVersion,
) -> Vec<OwnLine> {
    let series = SERIES[index];
    let (name, url, sum) = (
        series.name(default),
        series.url(default),
        series.sum(default),
    );
    let line = |key: &str, is_url: bool| OwnLine {
        series: index,
        key: format!("own{number}:\n{key}"),
        is_url,
    };
    let (text, own) = match form {
        Own::Name => (format!("  image: {name}\n"), line("  image: ", false)),
        Own::NameAndUrl => (
            format!("  name: {name}\n  url: {url}\n"),
            line("  name: ", false),
        ),
        Own::UrlAndSum => (
            format!("  url: {url} # from the store\n  sha256: {sum}\n"),
            line("  url: ", true),
        ),
        Own::HashMap => (
            format!("  url: \"{url}\"\n  hash:\n    algorithm: sha256\n    value: {sum}\n"),
            line("  url: \"", true),
        ),
    };
    let _ = write!(values, "own{number}:\n{text}");
    vec![own]
}

struct Run {
    repository: Repository,
    plan: Plan,
    after: Tree,
    catalog: Catalog,
}

fn run(case: &Case) -> Run {
    let repository = case.repository();
    let catalog = case.catalog();
    let plan = plan_of(&repository.tree, &catalog);
    let after = plan.applied_to(&repository.tree);
    Run {
        repository,
        plan,
        after,
        catalog,
    }
}

fn plan_of(tree: &Tree, catalog: &Catalog) -> Plan {
    plan(PlanInput {
        tree,
        discovery: &discover(tree),
        catalog,
        policy: &Policy::default(),
        wishes: &Wishes::default(),
        selection: &Selection::default(),
    })
}

fn findings(tree: &Tree, catalog: &Catalog) -> BTreeSet<(&'static str, String)> {
    let input = CheckInput {
        tree,
        discovery: &discover(tree),
        catalog: Some(catalog),
        policy: &Policy::default(),
        selection: &Selection::default(),
        tags: &[],
        unpublishable: &std::collections::BTreeMap::new(),
        today: "2026-06-15".parse().unwrap(),
    };
    let found = check(input, &RuleSelection::default());
    let place = |finding: &Finding| (finding.rule, finding.file.clone());
    found.findings.iter().map(place).collect()
}

proptest! {
    #![proptest_config(cases(96, 9))]

    #[test]
    fn what_is_not_the_stack_s_stays_as_it_is(case in case()) {
        let run = run(&case);
        for (file, piece) in &run.repository.foreign {
            let after = text(&run.after, file);
            prop_assert!(after.contains(piece.as_str()), "{file} lacks\n{piece}\nin\n{after}");
        }
        // Everything else of these files is a value of the stack: it changes within its line.
        for file in &run.plan.files {
            let (before, after) = (text(&run.repository.tree, &file.path), text(&run.after, &file.path));
            if !file.path.ends_with("kubernetes.yaml") {
                prop_assert_eq!(before.lines().count(), after.lines().count(), "{}", file.path);
            }
        }
    }

    #[test]
    fn every_image_of_the_stack_follows_its_own_series_or_the_default_waits(case in case()) {
        let run = run(&case);
        let csctl = text(&run.after, &format!("{STACK}/csctl.yaml"));
        let default = (0..PATCHES).map(version).find(|version| csctl.contains(&version.to_string())).unwrap();
        let values = text(&run.after, &format!("{STACK}/cluster-class/values.yaml"));
        for own in &run.repository.own {
            let series = SERIES[own.series];
            let is_known = case.listed.contains(&own.series);
            let wanted = if own.is_url { series.url(default) } else { series.name(default) };
            let old = if own.is_url { series.url(version(case.default)) } else { series.name(version(case.default)) };
            let (_, stands) = values.split_once(&own.key).unwrap();
            let follows = stands.starts_with(&wanted);
            // An image of which no list of the stack speaks is nobody's.
            prop_assert!(follows || (!is_known && stands.starts_with(&old)), "{} is not {wanted}\n{values}\n{:#?}", own.key, run.plan.stacks);
        }
        for index in &case.listed {
            let series = SERIES[*index];
            let lists = text(&run.after, &format!("{STACK}/kubernetes.yaml"));
            prop_assert!(lists.contains(&series.url(default)), "{} of {default}\n{lists}", series.url(default));
        }
    }

    #[test]
    fn after_a_plan_check_finds_nothing_new_and_nothing_is_left(case in case()) {
        let run = run(&case);
        let before = findings(&run.repository.tree, &run.catalog);
        let after = findings(&run.after, &run.catalog);
        let new: Vec<_> = after.difference(&before).collect();
        prop_assert!(new.is_empty(), "{new:?}\n{:#?}", run.plan.files);
        let again = plan_of(&run.after, &run.catalog);
        prop_assert!(again.files.is_empty(), "{:#?}", again.files);
    }
}
