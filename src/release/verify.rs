//! What would become of a release at those who read it: the cluster stack operator, the OpenStack provider and Helm. Each fault is told
//! in the reader's own words. It looks at names and contents alone; whether charts render is for Helm to say.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::archive::{Entry, unpack};
use super::chart::Chart;
use super::operator::{OperatorMetadata, OperatorTag};
use super::{
    ADDON_CONFIG_FILE, ADDON_VALUES_FILE, HASHES_FILE, METADATA_FILE, NODE_IMAGES_FILE,
    ReleaseFiles, ReleaseHashes,
};
use crate::stack::{find_provider, validate_node_images};

/// The version of the JSON form.
pub const VERIFY_SCHEMA: u32 = 1;

/// The hooks that the operator runs stages in.
const HOOKS: [&str; 3] = [
    "AfterControlPlaneInitialized",
    "BeforeClusterUpgrade",
    "AfterClusterUpgrade",
];

/// What the check of a release came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// The form's version.
    pub schema: u32,
    /// The release's tag.
    pub tag: String,
    /// What is wrong.
    pub findings: Vec<VerifyFinding>,
    /// What was not looked at, and what a maintainer should know.
    pub notes: Vec<String>,
}

/// Who reads a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// The cluster stack operator.
    Operator,
    /// The OpenStack provider of the cluster stacks.
    OpenstackProvider,
    /// Helm, which the operator runs.
    Helm,
    /// csctl, for its next release.
    Csctl,
}

impl Reader {
    /// Returns its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::OpenstackProvider => "openstack provider",
            Self::Helm => "helm",
            Self::Csctl => "csctl",
        }
    }
}

/// Something that a reader of a release would stumble over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VerifyFinding {
    /// The file, or the tag where it is about that.
    pub file: String,
    /// Who stumbles.
    pub reader: Reader,
    /// What it says, or does.
    pub error: String,
    /// What to do.
    pub hint: String,
}

/// Checks a release by its tag and its files.
pub fn verify(tag: &str, files: &ReleaseFiles) -> VerifyReport {
    let mut check = Check {
        files,
        report: VerifyReport {
            schema: VERIFY_SCHEMA,
            tag: tag.to_owned(),
            findings: Vec::new(),
            notes: Vec::new(),
        },
    };
    check.run(tag);
    check.report
}

/// Returns the name of the archive that the operator takes for the cluster class; nothing where it finds none.
pub fn class_archive<'f>(tag: &str, files: &'f ReleaseFiles) -> Option<&'f str> {
    let tag = OperatorTag::read(tag).ok()?;
    archives(files, &class_filter(&tag)).next()
}

fn class_filter(tag: &OperatorTag) -> String {
    format!("{}-cluster-class-{}", tag.line, tag.version)
}

/// Returns the archives whose names contain a text, as the operator looks for them: in the order of the directory.
fn archives<'f>(files: &'f ReleaseFiles, filter: &str) -> impl Iterator<Item = &'f str> {
    let names = files.keys().map(String::as_str);
    names.filter(move |name| name.contains(filter) && has_ending(name, "tgz"))
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, found)| found == ending)
}

struct Check<'a> {
    files: &'a ReleaseFiles,
    report: VerifyReport,
}

/// A fault before it is known of whom.
struct Told<'t> {
    file: &'t str,
    reader: Reader,
    hint: &'t str,
}

impl<'a> Check<'a> {
    fn add(&mut self, told: &Told<'_>, error: impl Into<String>) {
        self.report.findings.push(VerifyFinding {
            file: told.file.to_owned(),
            reader: told.reader,
            error: error.into(),
            hint: told.hint.to_owned(),
        });
    }

    fn run(&mut self, tag: &str) {
        self.hashes();
        let read = match OperatorTag::read(tag) {
            Ok(read) => read,
            Err(error) => {
                let hint = "a tag is <provider>-<name>-<major>-<minor>-<version>; neither name may have a dash";
                let told = operator(tag, hint);
                return self.add(
                    &told,
                    format!("failed to parse cluster stack release: {error}"),
                );
            }
        };
        let Some(metadata) = self.metadata(&read) else {
            return;
        };
        self.class(&read);
        self.addons(&read, &metadata);
        self.node_images(&read, &metadata);
    }

    fn hashes(&mut self) {
        let told = Told {
            file: HASHES_FILE,
            reader: Reader::Csctl,
            hint: "build the release again",
        };
        match self.files.get(HASHES_FILE) {
            None => self.add(
                &told,
                "it is missing: csctl cannot tell what changed since this release",
            ),
            Some(text) if ReleaseHashes::read(text).is_none() => {
                self.add(&told, "it is not what csctl writes");
            }
            Some(_) => {}
        }
    }

    fn metadata(&mut self, tag: &OperatorTag) -> Option<OperatorMetadata> {
        let told = operator(METADATA_FILE, "build the release again");
        let Some(text) = self.files.get(METADATA_FILE) else {
            let error = "failed to get metadata: failed to read metadata file metadata.yaml: no such file or directory";
            self.add(&told, error);
            return None;
        };
        let metadata = match OperatorMetadata::read(text) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.add(&told, error);
                return None;
            }
        };
        if metadata.cluster_stack != tag.version {
            let error = format!(
                "versions.clusterStack is {}, and the tag says {}",
                metadata.cluster_stack, tag.version
            );
            self.add(&told, error);
        }
        let minor = metadata.kubernetes.trim_start_matches('v').rsplit_once('.');
        if minor.is_none_or(|(minor, _)| minor != tag.minor) {
            let error = format!(
                "versions.kubernetes is {}: no cluster with a version of {} can use it",
                metadata.kubernetes, tag.minor
            );
            self.add(&told, error);
        }
        Some(metadata)
    }

    /// Finds an archive as the operator does.
    fn archive(&mut self, filter: &str) -> Option<&'a str> {
        let mut found = archives(self.files, filter);
        let Some(first) = found.next() else {
            let error = format!(
                "failed to validate helm charts: helm chart matching the name filter {filter} not found"
            );
            let hint =
                "the archive's name is that of its chart, which has to be of this stack and minor";
            self.add(&operator(filter, hint), error);
            return None;
        };
        for other in found {
            let error =
                format!("{first} is taken: the name of this archive contains {filter} as well");
            let hint = "leave no archive of another release in the directory";
            self.add(&operator(other, hint), error);
        }
        Some(first)
    }

    fn class(&mut self, tag: &OperatorTag) {
        let Some(name) = self.archive(&class_filter(tag)) else {
            return;
        };
        if let Some(chart) = self.chart(name)
            && chart.version() != tag.version
        {
            let error = format!(
                "the chart has version {}, so that its class is called {}-{}; clusters ask for {}-{}",
                chart.version(),
                tag.line,
                chart.version(),
                tag.line,
                tag.version
            );
            self.add(&operator(name, "build the release again"), error);
        }
    }

    /// Reads an archive as Helm does.
    fn chart(&mut self, name: &str) -> Option<Chart> {
        let told = Told {
            file: name,
            reader: Reader::Helm,
            hint: "build the release again",
        };
        let bytes = self.files.get(name)?;
        match Chart::of_archive(bytes) {
            Ok(chart) => {
                let missing = chart.missing().join(", ");
                if !missing.is_empty() {
                    let error =
                        format!("found in Chart.yaml, but missing in charts/ directory: {missing}");
                    self.add(&told, error);
                }
                Some(chart)
            }
            Err(error) => {
                self.add(&told, error);
                None
            }
        }
    }

    fn addons(&mut self, tag: &OperatorTag, metadata: &OperatorMetadata) {
        let filter = format!("{}-cluster-addon-{}", tag.line, metadata.cluster_addon);
        let archive = self.archive(&filter);
        if let Some(config) = self.files.get(ADDON_CONFIG_FILE) {
            let entries = archive.and_then(|name| self.entries(name));
            return self.stages(config, entries.as_deref());
        }
        match self.files.get(ADDON_VALUES_FILE) {
            None => {
                let error = format!(
                    "failed to verify the cluster addon values path {ADDON_VALUES_FILE} with error: no such file or directory"
                );
                let hint = "a release has it, or a clusteraddon.yaml";
                self.add(&operator(ADDON_VALUES_FILE, hint), error);
            }
            Some(text) => self.values_template(ADDON_VALUES_FILE, text),
        }
        if let Some(name) = archive {
            let _ = self.chart(name);
        }
    }

    /// Unpacks the archive of the addons as the operator does, which takes files and directories alone.
    fn entries(&mut self, name: &str) -> Option<Vec<Entry>> {
        let told = operator(name, "an archive of addons has files and directories alone");
        let entries = match unpack(self.files.get(name)?) {
            Ok(entries) => entries,
            Err(error) => {
                self.add(&told, format!("reading tar archive: {error}"));
                return None;
            }
        };
        for entry in &entries {
            if !entry.is_file() && !entry.is_directory() {
                let error = format!("unsupported type: {} in file {}", entry.kind, entry.path);
                self.add(&told, error);
            }
            if entry.path.starts_with('/') || entry.path.split('/').any(|part| part == "..") {
                let error = format!(
                    "{} is written outside of the directory of the addons",
                    entry.path
                );
                self.add(&told, error);
            }
        }
        Some(entries)
    }

    fn stages(&mut self, config: &[u8], entries: Option<&[Entry]>) {
        let told = operator(
            ADDON_CONFIG_FILE,
            "a stage has the name of a directory in the archive of the addons, and the action apply or delete",
        );
        let read = match serde_yaml::from_slice::<AddonConfig>(config) {
            Ok(read) => read,
            Err(error) => {
                let error = format!(
                    "failed to parse clusteraddon.yaml config: failed to parse cluster addon yaml: {error}"
                );
                return self.add(&told, error);
            }
        };
        for (hook, stages) in &read.addon_stages {
            if !HOOKS.contains(&hook.as_str()) {
                self.add(
                    &told,
                    format!("no hook is called {hook}: its stages never run"),
                );
            }
            for stage in stages.iter().flatten() {
                if !matches!(stage.action.as_str(), "apply" | "delete") {
                    let error = format!(
                        "{hook}: {} has the action {:?}, which deletes the chart",
                        stage.name, stage.action
                    );
                    self.add(&told, error);
                }
                if let Some(entries) = entries {
                    self.stage(&told, &stage.name, entries);
                }
            }
        }
        let entries = entries.unwrap_or_default();
        for entry in entries
            .iter()
            .filter(|entry| entry.path.ends_with("/overwrite.yaml"))
        {
            self.values_template(&entry.path, &entry.content);
        }
    }

    fn stage(&mut self, told: &Told<'_>, name: &str, entries: &[Entry]) {
        let prefix = format!("{name}/");
        let mut paths = entries
            .iter()
            .map(|entry| entry.path.trim_start_matches("./"));
        if name.is_empty() || !paths.clone().any(|path| path.starts_with(&prefix)) {
            let error =
                format!("helm chart name doesn't exists in the cluster addon helm chart: {name:?}");
            return self.add(told, error);
        }
        let chart = format!("{name}/Chart.yaml");
        if !paths.any(|path| path == chart) {
            self.add(
                told,
                format!("failed to run helm template for {name:?}: Chart.yaml file is missing"),
            );
        }
    }

    /// Looks at a template from which the operator takes the key `values`. What stands there is filled in by the operator alone.
    fn values_template(&mut self, name: &str, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        if !text.lines().any(|line| line.starts_with("values:")) {
            let hint = "write the values as a text below the key `values`";
            let error = "key 'values' not found in template of cluster addon helm chart";
            self.add(&operator(name, hint), error);
        }
    }

    fn node_images(&mut self, tag: &OperatorTag, metadata: &OperatorMetadata) {
        let releases =
            find_provider(&tag.provider).is_some_and(|provider| provider.releases_images);
        let Some(text) = self.files.get(NODE_IMAGES_FILE).filter(|_| releases) else {
            if releases {
                let note = "no node-images.yaml: the OpenStack provider of the operator cannot import images from this release";
                self.report.notes.push(note.to_owned());
            }
            return;
        };
        let text = String::from_utf8_lossy(text);
        let hint =
            "every image has a URL and createOpts with name, disk_format and container_format";
        let told = provider(NODE_IMAGES_FILE, hint);
        match validate_node_images(&text) {
            Err(error) => self.add(
                &told,
                format!("failed to get node images from local: {error}"),
            ),
            Ok(without_url) => {
                for name in without_url {
                    self.add(&told, format!("{name} has no url, and cannot be imported"));
                }
            }
        }
        let hint = "names have lower-case letters, digits, dots and dashes, and each image its own";
        let told = provider(NODE_IMAGES_FILE, hint);
        let mut seen = BTreeSet::new();
        for name in image_names(&text) {
            let resource = format!(
                "{}-{name}-{}",
                tag.line,
                metadata.node_image.replace('.', "-")
            );
            if !is_resource_name(&resource) {
                let error = format!(
                    "failed to create OpenStackNodeImageRelease: metadata.name: Invalid value: {resource:?}: a lowercase RFC \
                     1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
                );
                self.add(&told, error);
            }
            if !seen.insert(name.clone()) {
                self.add(
                    &told,
                    format!("{name} stands there twice: the second one is never imported"),
                );
            }
        }
    }
}

fn operator<'t>(file: &'t str, hint: &'t str) -> Told<'t> {
    Told {
        file,
        reader: Reader::Operator,
        hint,
    }
}

fn provider<'t>(file: &'t str, hint: &'t str) -> Told<'t> {
    Told {
        file,
        reader: Reader::OpenstackProvider,
        hint,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddonConfig {
    #[serde(default)]
    addon_stages: BTreeMap<String, Option<Vec<Stage>>>,
}

#[derive(Deserialize)]
struct Stage {
    #[serde(default)]
    name: String,
    #[serde(default)]
    action: String,
}

/// Returns the names of the images, as far as they can be read.
fn image_names(text: &str) -> Vec<String> {
    let read: serde_yaml::Value = serde_yaml::from_str(text).unwrap_or_default();
    let images = read
        .get("openStackNodeImages")
        .and_then(serde_yaml::Value::as_sequence);
    let names = images.into_iter().flatten().filter_map(|image| {
        let name = image.get("createOpts")?.get("name")?.as_str()?;
        Some(name.to_owned())
    });
    names.collect()
}

/// Tells whether Kubernetes takes a name of a resource (RFC 1123, subdomain).
fn is_resource_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}

#[cfg(test)]
mod tests;
