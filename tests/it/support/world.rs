//! Generated catalogs: per minor a random offer of patches, with everything that stores do wrong.

use std::collections::BTreeMap;

use csctl_matrix::catalog::{
    Catalog, ChartRepository, FaultyImage, ImageStore, KubernetesRelease, NodeImage, SourceKind,
    StackRelease, Unreachable,
};
use csctl_matrix::version::{ChartVersion, KubernetesVersion, Minor, OsRelease, StackVersion};
use proptest::prelude::*;

/// The first minor; five follow each other.
pub const FIRST: u32 = 32;
pub const MINORS: u32 = 5;
pub const PATCHES: u32 = 7;
pub const CHARTS: &str = "https://kubernetes.github.io/cloud-provider-openstack";
pub const CHART_NAMES: [&str; 2] = ["openstack-cinder-csi", "openstack-cloud-controller-manager"];
const STORE: &str = "https://images.example.org/k8s";
const KIND: &str = "registry.example.org/kindest/node:v";

pub fn minor(index: u32) -> Minor {
    Minor::new(1, FIRST + index)
}

pub fn version(index: u32, patch: u32) -> KubernetesVersion {
    KubernetesVersion::new(minor(index), patch)
}

pub fn os(noble: bool) -> &'static str {
    if noble { "ubuntu-2404" } else { "ubuntu-2204" }
}

pub fn url(version: KubernetesVersion, noble: bool) -> String {
    let (os, minor) = (os(noble), version.minor());
    format!("{STORE}/{os}-kube-v{minor}/{os}-kube-{version}.qcow2")
}

pub fn kind_image(version: KubernetesVersion) -> String {
    format!("{KIND}{}", version.plain())
}

pub fn sum(version: KubernetesVersion, noble: bool, again: bool) -> String {
    let number = u64::from(version.minor().number()) * 10_000
        + u64::from(version.patch()) * 100
        + u64::from(noble) * 10
        + u64::from(again)
        + 1;
    let part = |salt: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ salt);
    format!(
        "{:016x}{:016x}{:016x}{:016x}",
        part(1),
        part(3),
        part(7),
        part(9)
    )
}

pub fn built(version: KubernetesVersion, again: bool) -> String {
    let month = if again {
        8
    } else {
        version.minor().number() % 6 + 1
    };
    format!("2026-{month:02}-{:02}", version.patch() + 10)
}

/// What the store has of one patch.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Offer {
    pub jammy: bool,
    pub noble: bool,
    /// The images were uploaded again.
    pub again: bool,
    pub dated: bool,
    pub faulty: bool,
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let marks = [
            (self.jammy, "jammy"),
            (self.noble, "noble"),
            (self.again, "again"),
            (self.dated, ""),
            (self.faulty, "faulty"),
        ];
        for (_, mark) in marks.iter().filter(|(is, _)| *is) {
            f.write_str(mark)?;
        }
        f.write_str(if self.dated { "" } else { "?" })
    }
}

/// What the world offers, before it is written as a catalog.
#[derive(Debug, Clone)]
pub struct World {
    pub offers: Vec<Vec<Offer>>,
    /// Per minor and patch, whether the charts have it.
    pub charts: Vec<Vec<bool>>,
    pub charts_seen: bool,
    /// How many minors are past their end of life.
    pub ended: u32,
    /// Published numbers per minor: stack, cluster addon.
    pub released: Vec<Option<(u32, u32)>>,
    /// Which minors did not answer.
    pub silent: Vec<bool>,
}

fn offer() -> impl Strategy<Value = Offer> {
    let of = |jammy, noble, again, dated, faulty| Offer {
        jammy,
        noble,
        again,
        dated,
        faulty,
    };
    prop_oneof![
        6 => Just(of(false, true, false, true, false)),
        3 => Just(of(true, false, false, true, false)),
        2 => Just(of(true, true, false, true, false)),
        3 => Just(of(false, false, false, false, false)),
        1 => Just(of(false, true, true, true, false)),
        1 => Just(of(false, true, false, false, false)),
        1 => Just(of(false, false, false, false, true)),
    ]
}

pub fn world() -> impl Strategy<Value = World> {
    let minors = MINORS as usize;
    let offers = prop::collection::vec(
        prop_oneof![
            9 => prop::collection::vec(offer(), PATCHES as usize),
            1 => Just(Vec::new()),
        ],
        minors,
    );
    let charts = prop::collection::vec(prop::collection::vec(any::<bool>(), 4), minors);
    let released = prop::collection::vec(prop::option::of((1_u32..9, 1_u32..5)), minors);
    let silent = prop::collection::vec(prop::bool::weighted(0.08), minors);
    (
        offers,
        charts,
        prop::bool::weighted(0.9),
        0..3_u32,
        released,
        silent,
    )
        .prop_map(
            |(offers, charts, charts_seen, ended, released, silent)| World {
                offers,
                charts,
                charts_seen,
                ended,
                released,
                silent,
            },
        )
}

impl World {
    /// Writes the catalog for repositories with these stacks (provider and name).
    pub fn catalog(&self, stacks: &[(&str, &str)]) -> Catalog {
        let mut catalog = Catalog::empty("2026-07-01".parse().unwrap());
        catalog.image_stores = vec![self.files(), self.containers()];
        catalog.kubernetes = (0..MINORS)
            .flat_map(|index| (0..PATCHES + 2).map(move |patch| version(index, patch)))
            .map(|version| KubernetesRelease {
                version,
                published: "2026-01-15".parse().unwrap(),
            })
            .collect();
        catalog.end_of_life = (0..MINORS)
            .map(|index| {
                let day = if index < self.ended {
                    "2026-03-01"
                } else {
                    "2027-03-01"
                };
                (minor(index), day.parse().unwrap())
            })
            .collect();
        if self.charts_seen {
            catalog.chart_repositories = vec![self.chart_repository()];
        }
        catalog.stack_releases = self.releases(stacks);
        catalog.unreachable = self.unreachable();
        catalog.sort();
        catalog
    }

    fn answered(&self) -> impl Iterator<Item = (u32, &[Offer])> {
        (0..)
            .zip(&self.offers)
            .filter(|(index, _)| !self.silent[*index as usize])
            .map(|(index, offers)| (index, offers.as_slice()))
    }

    fn files(&self) -> ImageStore {
        let mut store = self.empty_store(&format!(
            "{STORE}/{{os}}-kube-v{{minor}}/{{os}}-kube-v{{version}}.qcow2"
        ));
        for (index, offers) in self.answered() {
            for (patch, offer) in (0..).zip(offers) {
                let version = version(index, patch);
                for noble in [false, true] {
                    if (noble && offer.noble) || (!noble && offer.jammy) {
                        store.images.push(image(version, noble, *offer));
                    }
                }
                if offer.faulty {
                    store.faulty.push(FaultyImage {
                        version,
                        url: url(version, true),
                        reason: "the checksum file is an HTML page".to_owned(),
                    });
                }
            }
        }
        store
    }

    fn containers(&self) -> ImageStore {
        let mut store = self.empty_store(&format!("{KIND}{{version}}"));
        for (index, offers) in self.answered() {
            let there = (0..).zip(offers).filter(|(_, offer)| offer.noble);
            store.images.extend(there.map(|(patch, _)| {
                let version = version(index, patch);
                NodeImage::new(version, kind_image(version))
            }));
        }
        store
    }

    fn empty_store(&self, pattern: &str) -> ImageStore {
        ImageStore {
            pattern: pattern.parse().unwrap(),
            searched: self.answered().map(|(index, _)| minor(index)).collect(),
            images: Vec::new(),
            faulty: Vec::new(),
        }
    }

    /// Every minor with a version has a pre-release after it.
    fn chart_repository(&self) -> ChartRepository {
        let mut versions: Vec<ChartVersion> = Vec::new();
        for (index, patches) in (0..).zip(&self.charts) {
            let there = (0..4_u32).zip(patches).filter(|(_, there)| **there);
            for (patch, _) in there {
                versions.push(chart(index, patch).parse().unwrap());
                let alpha = format!("2.{}.{}-alpha.1", FIRST + index, patch + 1);
                versions.push(alpha.parse().unwrap());
            }
        }
        let charts: BTreeMap<String, Vec<ChartVersion>> = CHART_NAMES
            .iter()
            .map(|name| ((*name).to_owned(), versions.clone()))
            .collect();
        ChartRepository {
            url: CHARTS.to_owned(),
            charts,
        }
    }

    fn releases(&self, stacks: &[(&str, &str)]) -> Vec<StackRelease> {
        let mut releases = Vec::new();
        for (provider, name) in stacks {
            for (index, numbers) in (0..).zip(&self.released) {
                let Some((number, addon)) = numbers else {
                    continue;
                };
                let dashed = minor(index).dashed();
                let tag = |suffix: String| {
                    format!("{provider}-{name}-{dashed}-{suffix}")
                        .parse()
                        .unwrap()
                };
                for (tag, known) in [
                    (tag(format!("v{number}")), true),
                    (tag(format!("v{}", number - 1)), true),
                    (tag("v99-sha-4b2b59b".to_owned()), false),
                ] {
                    releases.push(StackRelease {
                        tag,
                        kubernetes: None,
                        cluster_addon: known.then(|| StackVersion::stable(*addon)),
                        node_image: known.then(|| StackVersion::stable(1)),
                        csctl_hashes: None,
                    });
                }
            }
        }
        releases
    }

    fn unreachable(&self) -> Vec<Unreachable> {
        let minors = (0..MINORS).filter(|index| self.silent[*index as usize]);
        let minors: std::collections::BTreeSet<Minor> = minors.map(minor).collect();
        if minors.is_empty() {
            return Vec::new();
        }
        let patterns = [self.files().pattern, self.containers().pattern];
        let failed = |pattern: &csctl_matrix::catalog::ImagePattern| Unreachable {
            kind: SourceKind::ImageStore,
            source: pattern.to_string(),
            url: STORE.to_owned(),
            reason: "connection refused".to_owned(),
            minors: minors.clone(),
        };
        patterns.iter().map(failed).collect()
    }
}

pub fn chart(index: u32, patch: u32) -> String {
    format!("2.{}.{patch}", FIRST + index)
}

fn image(version: KubernetesVersion, noble: bool, offer: Offer) -> NodeImage {
    let os: OsRelease = os(noble).parse().unwrap();
    NodeImage {
        os: Some(os),
        sha256: Some(sum(version, noble, offer.again).parse().unwrap()),
        built: offer
            .dated
            .then(|| built(version, offer.again).parse().unwrap()),
        ..NodeImage::new(version, url(version, noble))
    }
}
