//! What goes along with a published release, about it and not in it: how it was made, and what it brings to nodes and clusters. The
//! times in it are those of the commit, and nothing in it is of the machine, so that the same release has the same attestations.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::archive::unpack;
use super::artifact::{CREATED, Parcel};
use super::vendor::{ChartWish, asked_charts};
use super::{NODE_IMAGES_FILE, StackFiles};
use crate::catalog::NodeImage;
use crate::version::{ChartVersion, Md5, Sha256, Sha512};

/// The media type of an in-toto statement. Source: the in-toto attestation framework, "Bundle".
const STATEMENT: &str = "application/vnd.in-toto+json";

/// The media type of `CycloneDX`, as it is registered.
const CYCLONEDX: &str = "application/vnd.cyclonedx+json";

/// The annotation by which readers of statements find those of a kind.
const PREDICATE_TYPE: &str = "in-toto.io/predicate-type";

/// SLSA's provenance. Source: slsa.dev/spec/v1.0/provenance.
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

const BUILDER: &str = env!("CARGO_PKG_REPOSITORY");

/// What the fields of our provenance mean; the page says it.
const BUILD_TYPE: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/main/docs/release.md#provenance"
);

/// What an attestation of a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AttestationKind {
    /// How it was made.
    Provenance,
    /// The node images and charts of it.
    Components,
}

/// Something about a release, which a registry keeps with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attestation {
    pub(crate) kind: AttestationKind,
    pub(crate) content: Vec<u8>,
}

/// How a release was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The URL of its repository, where that is no directory of this machine.
    pub(crate) repository: Option<String>,
    /// The commit that all of its files are from.
    pub(crate) commit: String,
    /// Where its versions come from: `stable`.
    pub(crate) mode: &'static str,
    /// Whether charts were downloaded into it.
    pub(crate) vendor: bool,
}

impl AttestationKind {
    /// Returns the media type of its content, which is its type as an artifact, too.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Provenance => STATEMENT,
            Self::Components => CYCLONEDX,
        }
    }

    /// Returns its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Provenance => "provenance",
            Self::Components => "components",
        }
    }

    /// Returns what is said of its content where it is kept.
    pub(crate) fn annotations(self) -> BTreeMap<String, String> {
        match self {
            Self::Provenance => {
                BTreeMap::from([(PREDICATE_TYPE.to_owned(), PROVENANCE.to_owned())])
            }
            Self::Components => BTreeMap::new(),
        }
    }
}

impl Attestation {
    /// Says how a release was made, whose manifest has this digest.
    pub(crate) fn provenance(parcel: &Parcel, origin: &Origin, digest: &Sha256) -> Self {
        let commit = json!({ "gitCommit": origin.commit });
        let source = match &origin.repository {
            Some(url) => json!({ "uri": format!("git+{url}"), "digest": commit }),
            None => json!({ "digest": commit }),
        };
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": parcel.tag.to_string(), "digest": { "sha256": digest.hex() } }],
            "predicateType": PROVENANCE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {
                        "line": parcel.tag.line.to_string(),
                        "mode": origin.mode,
                        "vendor": origin.vendor,
                    },
                    "resolvedDependencies": [source],
                },
                "runDetails": { "builder": { "id": BUILDER } },
            },
        });
        Self {
            kind: AttestationKind::Provenance,
            content: statement.to_string().into_bytes(),
        }
    }

    /// Lists the node images and charts of a release. The images are those of the stack's lists; where they are not known, those of
    /// the release's own list, which has no checksums.
    pub(crate) fn components(parcel: &Parcel, images: &[NodeImage]) -> Self {
        let mut components: Vec<Value> = images.iter().map(image_component).collect();
        if components.is_empty() {
            components = released_images(parcel);
        }
        let charts: BTreeSet<Chart> = charts(parcel);
        components.extend(charts.iter().map(Chart::component));
        let bom = json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {
                "timestamp": parcel.annotations.get(CREATED),
                "component": {
                    "type": "application",
                    "name": parcel.tag.line.to_string(),
                    "version": parcel.tag.version.to_string(),
                },
            },
            "components": components,
        });
        Self {
            kind: AttestationKind::Components,
            content: bom.to_string().into_bytes(),
        }
    }
}

fn image_component(image: &NodeImage) -> Value {
    let sums = [
        ("SHA-256", image.sha256.as_ref().map(Sha256::hex)),
        ("SHA-512", image.sha512.as_ref().map(Sha512::hex)),
        ("MD5", image.md5.as_ref().map(Md5::hex)),
    ];
    let mut component = located(kind_of(&image.url), last_part(&image.url), &image.url);
    component["version"] = json!(image.version.to_string());
    let sums = sums.into_iter().filter_map(|(alg, sum)| {
        let content = sum?;
        Some(json!({ "alg": alg, "content": content }))
    });
    let sums: Vec<Value> = sums.collect();
    if !sums.is_empty() {
        component["hashes"] = json!(sums);
    }
    component
}

/// A component that can be had from a place.
fn located(kind: &str, name: &str, url: &str) -> Value {
    let mut component = json!({ "type": kind, "name": name });
    if !url.is_empty() {
        component["externalReferences"] = json!([{ "type": "distribution", "url": url }]);
    }
    component
}

/// Images of containers are named without a scheme, or with `docker://`.
fn kind_of(url: &str) -> &'static str {
    if url.starts_with("https://") || url.starts_with("http://") {
        "file"
    } else {
        "container"
    }
}

fn last_part(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// The images of `node-images.yaml`, which the release brings along.
fn released_images(parcel: &Parcel) -> Vec<Value> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct File {
        #[serde(default)]
        open_stack_node_images: Vec<Image>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Image {
        #[serde(default)]
        url: String,
        create_opts: Options,
    }
    #[derive(Deserialize)]
    struct Options {
        name: String,
    }
    let text = parcel.files.get(NODE_IMAGES_FILE);
    let read: Option<File> = text.and_then(|text| serde_yaml::from_slice(text).ok());
    let images = read
        .into_iter()
        .flat_map(|file| file.open_stack_node_images);
    images
        .map(|image| located("file", &image.create_opts.name, &image.url))
        .collect()
}

/// A chart that a chart of the release asks for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Chart {
    name: String,
    repository: String,
    /// The version, where it is one alone.
    version: Option<String>,
    asked: String,
    /// The digest of its archive, where that is in the release.
    digest: Option<Sha256>,
}

impl Chart {
    fn of(wish: ChartWish, files: &StackFiles) -> Self {
        let exact = wish.asked.parse::<ChartVersion>().ok();
        let version = wish.locked.or_else(|| exact.map(|_| wish.asked.clone()));
        let archive = version
            .as_ref()
            .and_then(|version| files.get(&format!("charts/{}-{version}.tgz", wish.name)));
        Self {
            digest: archive.map(|archive| Sha256::of(archive)),
            name: wish.name,
            repository: wish.repository,
            version,
            asked: wish.asked,
        }
    }

    fn component(&self) -> Value {
        let mut component = located("application", &self.name, &self.repository);
        match &self.version {
            Some(version) => component["version"] = json!(version),
            // A component has one version or none.
            None => {
                component["properties"] =
                    json!([{ "name": "csctl-matrix:requirement", "value": self.asked }]);
            }
        }
        if let Some(digest) = &self.digest {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": digest.hex() }]);
        }
        component
    }
}

/// Returns the charts that the charts in the archives of a release ask for.
fn charts(parcel: &Parcel) -> BTreeSet<Chart> {
    let archives = parcel
        .files
        .iter()
        .filter(|(name, _)| name.strip_suffix(".tgz").is_some());
    let mut charts = BTreeSet::new();
    for (_, archive) in archives {
        // What cannot be unpacked is not published.
        let mut directories: BTreeMap<String, StackFiles> = BTreeMap::new();
        for entry in unpack(archive).unwrap_or_default() {
            let path = entry.path.trim_start_matches("./");
            if let Some((directory, place)) = path.split_once('/') {
                let files = directories.entry(directory.to_owned()).or_default();
                files.insert(place.to_owned(), entry.content);
            }
        }
        for files in directories.values() {
            let asked = asked_charts(files).into_iter();
            charts.extend(asked.map(|wish| Chart::of(wish, files)));
        }
    }
    charts
}
