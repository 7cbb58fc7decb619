//! What each kind of file says, with its line, and how it says something else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::addon::MinorBoundCharts;
use super::super::document::Document;
use super::super::edits::FileEdits;
use super::super::facts::{Fact, Fault};
use super::super::images::edit_images;
use super::super::learn::claim_alone;
use super::super::series::{ImageSeries, SeriesSet};
use super::super::sharing::Sharing;
use super::super::source::SourceFile;
use super::super::wanted::{ChartPlace, Reach, SeriesImages, Wanted};
use crate::catalog::NodeImage;
use crate::config::ChartConfig;
use crate::policy::{Blocked, Policy, Wishes};
use crate::version::{ChartVersion, KubernetesVersion, Minor, StackLine};

const URL: &str = "https://images.example.org/ubuntu-2404-kube-v1.34/ubuntu-2404-kube-";

fn image(version: &str) -> NodeImage {
    let digit = version.rsplit('.').next().unwrap();
    NodeImage {
        os: Some("ubuntu-2404".parse().unwrap()),
        sha256: Some(digit.repeat(64).parse().unwrap()),
        built: Some("2026-05-01".parse().unwrap()),
        ..NodeImage::new(version.parse().unwrap(), format!("{URL}{version}.qcow2"))
    }
}

/// The images of a series: in its own store, or in that of the tests.
fn images_of(series: &ImageSeries) -> Vec<NodeImage> {
    let of_store = |mut image: NodeImage| {
        if let Some(store) = &series.store {
            image.url = store.url(image.version, image.os.as_ref()).unwrap();
        }
        image
    };
    ["v1.34.5", "v1.34.6", "v1.34.7"]
        .map(|version| of_store(image(version)))
        .into()
}

fn of_series(images: &[NodeImage], minor: Minor, default: KubernetesVersion) -> SeriesImages<'_> {
    SeriesImages {
        default: images.iter().find(|image| image.version == default),
        available: [(minor, images)].into(),
    }
}

/// The images that lists of versions alone may name.
fn images_of_names() -> Vec<NodeImage> {
    ["v1.34.5", "v1.34.6", "v1.34.7"].map(image).into()
}

fn read(place: &str, text: &str) -> SourceFile {
    read_with_series(place, text).0
}

fn read_with_series(place: &str, text: &str) -> (SourceFile, SeriesSet) {
    let file = SourceFile::read(place, place, &Arc::from(text), &Sharing::default()).unwrap();
    claim_alone(file.unwrap_or_else(|| panic!("{place} is of no kind")))
}

/// The single facts of a file: line, place and value.
fn references(place: &str, text: &str) -> Vec<(usize, String, String)> {
    let file = read(place, text);
    let references = file.references().iter();
    references
        .map(|reference| {
            (
                reference.line,
                reference.at.clone(),
                reference.value.clone(),
            )
        })
        .collect()
}

/// The file as it reads when the default moves from v1.34.5 to v1.34.7 and the store has v1.34.5 to v1.34.7.
fn moved_with(policy: &Policy, file: (&str, &str)) -> Result<Option<String>, Fault> {
    moved_to((policy, &Wishes::default()), "v1.34.7", file)
}

/// The same with another default, which no list has to keep.
fn moved_to(
    (policy, wishes): (&Policy, &Wishes),
    default: &str,
    (place, text): (&str, &str),
) -> Result<Option<String>, Fault> {
    let version = |text: &str| -> KubernetesVersion { text.parse().unwrap() };
    let (file, series) = read_with_series(place, text);
    let images: Vec<Vec<NodeImage>> = series.all().iter().map(images_of).collect();
    let common = images_of_names();
    let line: StackLine = "openstack-scs-1-34".parse().unwrap();
    let wanted = Wanted {
        line_before: line.clone(),
        default: Some(version(default)),
        default_before: Some(version("v1.34.5")),
        series: &series,
        images: images
            .iter()
            .map(|images| of_series(images, line.minor, version(default)))
            .collect(),
        common: [(line.minor, &common[..])].into(),
        rows: BTreeMap::new(),
        charts: BTreeMap::new(),
        chart_places: chart_places(&read(place, text)),
        kept: [version(default)].into(),
        dropped: BTreeSet::new(),
        blocked: &Blocked::default(),
        next_version: None,
        newest_release: None,
        references: None,
        reach: Reach::Tree,
        has_csctl: true,
        moves_os: false,
        policy,
        wishes,
        line: line.clone(),
    };
    let siblings: [&Document; 1] = [&file];
    let mut edits = FileEdits::new(&file, &siblings, &wanted);
    for kind in file.kinds() {
        kind.edit(&file, &wanted, &mut edits)?;
    }
    edit_images(&file, &wanted, &mut edits)?;
    let Some(edited) = edits.finish()? else {
        return Ok(None);
    };
    edited.yaml.map(|yaml| file.with_yaml(yaml)).transpose()?;
    Ok(Some(edited.text.to_string()))
}

/// Every place of a file that names the storage driver is to ask for 2.34.2.
fn chart_places(file: &SourceFile) -> BTreeMap<ChartPlace, ChartVersion> {
    let references = file
        .references()
        .iter()
        .filter(|reference| match &reference.fact {
            Fact::ChartDependency { chart, .. } | Fact::ListedAddon { chart, .. } => {
                chart == "openstack-cinder-csi"
            }
            _ => false,
        });
    references
        .map(|reference| (ChartPlace::of(reference), "2.34.2".parse().unwrap()))
        .collect()
}

fn moved(place: &str, text: &str) -> Result<Option<String>, Fault> {
    moved_with(&Policy::default(), (place, text))
}

/// Fails unless the move is exactly that of these texts.
fn becomes(place: &str, text: &str, pairs: &[(&str, &str)]) {
    let expected = pairs
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    assert_eq!(moved(place, text).unwrap().unwrap_or_default(), expected);
}

fn template(kind: &str, spec: &str) -> String {
    format!(
        "apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: {kind}MachineTemplate\nmetadata:\n  name: {{{{ .Release.Name }}}}\nspec:\n  template:\n    spec:\n{spec}"
    )
}

const TEMPLATE: &str = "cluster-class/templates/machine.yaml";

#[test]
fn machine_templates_name_their_image_in_the_provider_s_way() {
    let cases = [
        (
            "OpenStack",
            "      image: ubuntu-capi-image-v1.34.5\n",
            "image",
        ),
        (
            "OpenStack",
            "      image:\n        filter:\n          name: \"ubuntu-capi-image-v1.34.5\"\n",
            "image.filter.name",
        ),
        (
            "OpenStack",
            "      image:\n        imageRef:\n          name: ubuntu-capi-image-v1.34.5\n",
            "image.imageRef.name",
        ),
        (
            "CloudStack",
            "      template:\n        name: ubuntu-2404-kube-v1.34.5\n",
            "template.name",
        ),
        (
            "Docker",
            "      customImage: kindest/node:v1.34.5 # for kind\n",
            "customImage",
        ),
        (
            "Metal3",
            "      image:\n        url: http://store/ubuntu-2404-kube-v1.34.5.qcow2\n",
            "image.url",
        ),
    ];
    for (kind, spec, place) in cases {
        let text = template(kind, spec);
        let found = references(TEMPLATE, &text);
        let line = 7 + spec.lines().count();
        assert_eq!(found.len(), 1, "{kind} {spec}");
        assert_eq!(
            (found[0].0, found[0].1.as_str()),
            (line, &*format!("spec.template.spec.{place}"))
        );
        becomes(TEMPLATE, &text, &[("1.34.5", "1.34.7")]);
    }
}

#[test]
fn machine_templates_with_a_checksum_or_an_expression_are_left_to_people() {
    let pinned = template(
        "Metal3",
        "      image:\n        url: http://store/ubuntu-2404-kube-v1.34.5.qcow2\n        checksum: abc\n",
    );
    let fault = moved(TEMPLATE, &pinned).unwrap_err();
    assert_eq!((fault.line, fault.file.as_str()), (Some(10), TEMPLATE));
    assert!(fault.message.contains("`abc` cannot follow"), "{fault}");
    let expression = template("Docker", "      customImage: {{ .Values.image }}\n");
    assert_eq!(references(TEMPLATE, &expression), []);
    assert_eq!(moved(TEMPLATE, &expression), Ok(None));
}

fn orc(name: &str, version: &str) -> String {
    let sum = version.rsplit('.').next().unwrap().repeat(64);
    format!(
        "---\napiVersion: openstack.k-orc.cloud/v1alpha1\nkind: Image\nmetadata:\n  name: {name}\nspec:\n  resource:\n    content:\n      download:\n        url: {URL}{version}.qcow2\n        hash:\n          value: {sum}\n"
    )
}

#[test]
fn a_single_orc_image_is_that_of_the_default() {
    for name in ["ubuntu-capi-image-v1.34.5", "{{ .Values.name }}"] {
        let text = orc(name, "v1.34.5");
        let file = read("image.yaml", &text);
        assert!(
            matches!(&file.references()[0].fact, Fact::Image(image) if image.version.patch() == 5)
        );
        assert_eq!(file.references()[0].line, 10);
        becomes(
            "image.yaml",
            &text,
            &[("1.34.5", "1.34.7"), (&"5".repeat(64), &"7".repeat(64))],
        );
    }
}

#[test]
fn several_orc_images_are_a_list() {
    let of = |versions: &[&str]| -> String {
        let names = versions.iter();
        names
            .map(|version| orc(&format!("image-{version}"), version))
            .collect()
    };
    let text = of(&["v1.34.5", "v1.34.7"]);
    let image_lists = read("image.yaml", &text).image_lists().to_vec();
    let lines: Vec<usize> = image_lists[0]
        .entries
        .iter()
        .map(|entry| entry.line)
        .collect();
    assert_eq!(lines, [2, 14]);
    let filled = of(&["v1.34.5", "v1.34.6", "v1.34.7"]);
    assert_eq!(moved("image.yaml", &text).unwrap(), Some(filled.clone()));
    let newest = Policy {
        images: "newest=2".parse().unwrap(),
        ..Policy::default()
    };
    let trimmed = moved_with(&newest, ("image.yaml", &filled)).unwrap();
    assert_eq!(trimmed, Some(of(&["v1.34.6", "v1.34.7"])));
}

#[test]
fn a_list_of_orc_images_never_becomes_one_that_is_not_the_default() {
    let text = orc("image-v1.34.1", "v1.34.1") + &orc("image-v1.34.2", "v1.34.2");
    let policy = Policy {
        images: "newest".parse().unwrap(),
        ..Policy::default()
    };
    let found = moved_to(
        (&policy, &Wishes::default()),
        "v1.34.3",
        ("image.yaml", &text),
    )
    .unwrap();
    assert_eq!(found, None);
}

#[test]
fn class_values_hold_names_maps_and_lists() {
    const VALUES: &str = "cluster-class/values.yaml";
    let names = "# names\nimages:\n  worker:\n    name: ubuntu-capi-image-v1.34.5\n";
    assert_eq!(
        references(VALUES, names),
        [(
            4,
            "images.worker.name".to_owned(),
            "ubuntu-capi-image-v1.34.5".to_owned()
        )]
    );
    becomes(VALUES, names, &[("1.34.5", "1.34.7")]);
    let map = "kubernetesVersionImages:\n  v1.34.5: \"ubuntu-2404-kube-v1.34.5\" # first\nkubernetesVersion: v1.34.5\n";
    assert_eq!(
        moved(VALUES, map).unwrap().unwrap(),
        "kubernetesVersionImages:\n  v1.34.5: \"ubuntu-2404-kube-v1.34.5\" # first\n  v1.34.6: \"ubuntu-2404-kube-v1.34.6\"\n  v1.34.7: \"ubuntu-2404-kube-v1.34.7\"\nkubernetesVersion: v1.34.7\n"
    );
    let list = "kubernetesVersions:\n- 'v1.34.7'\n- 'v1.34.5'\n";
    assert_eq!(
        moved(VALUES, list).unwrap().unwrap(),
        "kubernetesVersions:\n- 'v1.34.7'\n- 'v1.34.6'\n- 'v1.34.5'\n"
    );
}

#[test]
fn class_values_of_something_else_are_nobody_s() {
    const VALUES: &str = "cluster-class/values.yaml";
    for text in [
        "imageName: ubuntu-capi-image\n",
        "kubeVip:\n  image: ghcr.io/kube-vip/kube-vip:v1.0.1\n",
        "coredns:\n  image: registry.k8s.io/coredns/coredns:v1.34.5\n",
        "preloadImages:\n  - quay.io/cilium/cilium:v1.18.5\n  - registry.k8s.io/etcd:3.6.5\n",
        "etcdVersions:\n  - 3.5.21\n  - 3.6.5\n",
        "supportedVersions: [v1.34.5, v1.34.4]\n",
        "metrics:\n  kubernetesVersion: v1.34.5\n",
        "chart:\n  url: https://charts.example.org/thing-v1.34.5.tgz\n  sha256: 00\n",
    ] {
        assert_eq!(references(VALUES, text), [], "{text}");
        assert_eq!(moved(VALUES, text), Ok(None), "{text}");
    }
}

#[test]
fn node_images_keep_the_shape_of_their_neighbour() {
    let entry = |version: &str| {
        format!(
            "- createOpts:\n    container_format: bare\n    name: ubuntu-capi-image-{version}\n  url: {URL}{version}.qcow2\n"
        )
    };
    let head = "apiVersion: v1\nopenStackNodeImages:\n";
    let text = format!("{head}{}", entry("v1.34.5"));
    let file = read("node-images/config.yaml", &text);
    assert_eq!(file.image_lists()[0].entries[0].line, 3);
    let three: String = ["v1.34.5", "v1.34.6", "v1.34.7"].map(entry).concat();
    assert_eq!(
        moved("node-images/config.yaml", &text).unwrap(),
        Some(format!("{head}{three}"))
    );
}

#[test]
fn an_identifier_leaves_with_its_image() {
    let text = format!(
        "openStackNodeImages:\n  - url: {URL}v1.34.5.qcow2\n    id: 5f3c\n    createOpts:\n      name: ubuntu-capi-image-v1.34.5\n"
    );
    let newest = Policy {
        images: "newest".parse().unwrap(),
        ..Policy::default()
    };
    let expected = text
        .replace("    id: 5f3c\n", "")
        .replace("1.34.5", "1.34.7");
    let found = moved_with(&newest, ("node-images.yaml", &text)).unwrap();
    assert_eq!(found, Some(expected));
}

#[test]
fn a_replaced_entry_of_the_image_manager_gets_its_build_date() {
    let text = format!(
        "images:\n  - name: a\n    versions:\n      - version: v1.34.6\n        url: {URL}v1.34.6.qcow2\n        checksum: sha256:{}\n",
        "0".repeat(64)
    );
    let asked = Wishes::only(crate::policy::ChangeClass::OsRelease);
    let expected =
        text.replace(&"0".repeat(64), &"6".repeat(64)) + "        build_date: 2026-05-01\n";
    let found = moved_to(
        (&Policy::default(), &asked),
        "v1.34.7",
        ("kubernetes.yaml", &text),
    )
    .unwrap();
    assert_eq!(found, Some(expected));
}

#[test]
fn finds_the_minor_in_names() {
    let found = |name| super::minor_in_name(name).map(|(range, minor)| (range, minor.to_string()));
    assert_eq!(
        found("openstack-scs2-1-34-cluster-class"),
        Some((15..19, "1.34".to_owned()))
    );
    assert_eq!(found("docker-scs-1-30-"), Some((11..15, "1.30".to_owned())));
    assert_eq!(found("metrics-server"), None);
    assert_eq!(found("CCM"), None);
}

#[test]
fn charts_of_the_configuration_have_their_keys() {
    let configured = [ChartConfig {
        name: "openstack-barbican-csi".to_owned(),
        repository: "https://charts.example.org".to_owned(),
        versions_key: Some("barbican".to_owned()),
        stack_key: Some("kms".to_owned()),
    }];
    let charts = MinorBoundCharts::read(&configured, "").unwrap();
    let listed = |place: &str, text: &str| -> Vec<String> {
        let file =
            SourceFile::read(place, place, &Arc::from(text), &Sharing::new(&charts)).unwrap();
        let file = file.unwrap();
        let references = file.references().iter();
        let references =
            references.filter(|reference| matches!(reference.fact, Fact::ListedAddon { .. }));
        references
            .map(|reference| format!("{} {}", reference.at, reference.value))
            .collect()
    };
    let rows = "- kubernetes: 1.34.5\n  barbican: 2.34.0\n  manila_csi: 2.34.x\n  other: 2.34.0\n";
    assert_eq!(
        listed("versions.yaml", rows),
        ["[0].manila_csi 2.34.x", "[0].barbican 2.34.0"]
    );
    let own =
        "clusterStackName: scs\nkubernetesVersion: 1.34\naddons:\n  kms: ~2.34.0\n  ccm: 2.34.1\n";
    assert_eq!(
        listed("stack.yaml", own),
        ["addons.ccm 2.34.1", "addons.kms ~2.34.0"]
    );
}

#[test]
fn a_repository_behind_an_alias_of_yaml_is_not_taken_for_none() {
    let text = "dependencies:\n- name: openstack-cinder-csi\n  version: 2.34.1\n  repository: &cpo https://charts.example.org\n- name: openstack-cinder-csi\n  version: 2.34\n  alias: two\n  repository: *cpo\n";
    let file = read("cluster-addon/csi/Chart.yaml", text);
    let repositories: Vec<&str> = file
        .references()
        .iter()
        .filter_map(|reference| match &reference.fact {
            Fact::ChartDependency { repository, .. } => Some(repository.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(repositories, ["https://charts.example.org", "*cpo"]);
}
