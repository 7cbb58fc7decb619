//! Builds a release: what csctl's `create` does, without its faults (docs/release.md has the differences, each with its reason).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::archive::{Member, pack};
use super::changes::{Changes, Current, Published};
use super::chart::{Chart, ChartError, in_walk_order};
use super::hashes::{Hashed, ReleaseHashes};
use super::mode::{Last, Mode, next_versions};
use super::placeholders::fill;
use super::versions::{Versions, unreadable_part};
use super::{
    ADDON_CONFIG_FILE, ADDON_VALUES_FILE, HASHES_FILE, METADATA_FILE, NODE_IMAGES_FILE,
    ReleaseFiles, StackFiles,
};
use crate::catalog::NodeImage;
use crate::node_images::{Method, PluginError, calls_plugin, read_config, write_matrix};
use crate::release_digest::{CLUSTER_ADDON, CLUSTER_CLASS};
use crate::stack::{
    CSCTL_FILE, Fact, Fault, ImageListEntry, NODE_IMAGES_CONFIG, Role, SourceTree, Stack,
    find_provider, validate_node_images,
};
use crate::version::{KubernetesVersion, ReleaseTag, StackLine, VersionError};

const CHART_FILE: &str = "Chart.yaml";

/// What a release is made from.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseInput<'a> {
    /// The cluster stack.
    pub stack: &'a Stack,
    /// Its source tree.
    pub tree: &'a SourceTree,
    /// All files of the source tree.
    pub files: &'a StackFiles,
    /// Where the versions come from.
    pub mode: &'a Mode,
    /// The moment that files in archives get.
    pub moment: Timestamp,
}

/// What came of building a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The release.
    Built(Box<BuiltRelease>),
    /// Nothing of the stack changed since its last published release, so that there is nothing to release.
    Unchanged(Box<Published>),
}

/// A release that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltRelease {
    /// Its tag, which is the name of its directory.
    pub tag: ReleaseTag,
    /// Its versions.
    pub versions: Versions,
    /// Its Kubernetes version.
    pub kubernetes: KubernetesVersion,
    /// Its hashes.
    pub hashes: ReleaseHashes,
    /// What changed since the last release; nothing where none was compared with.
    pub changes: Option<Changes>,
    /// Its files.
    pub files: ReleaseFiles,
    /// The node images of its minor that the stack's lists and manifests name.
    pub images: Vec<NodeImage>,
    /// What a maintainer should know.
    pub notes: Vec<String>,
}

/// Builds a release.
///
/// # Errors
/// Something of the stack would make a release that the operator or Helm cannot use.
pub fn build(input: ReleaseInput<'_>) -> Result<Outcome, Fault> {
    let subject = Subject::of(input)?;
    let node_images = subject.node_images()?;
    let node_images = node_images.as_deref();
    let hashes = subject.hashes(node_images);
    let current = Current {
        hashes: &hashes,
        kubernetes: subject.kubernetes,
        addon_config: subject.file(ADDON_CONFIG_FILE),
        node_images,
    };
    let (versions, changes) = match subject.versions(&current)? {
        Decided::Versions(versions, changes) => (versions, changes),
        Decided::Unchanged(last) => return Ok(Outcome::Unchanged(last)),
    };
    if let Some(version) = versions.refused_by_helm() {
        let message = format!("Helm refuses {version}: all digits, and the first is zero");
        return Err(subject.fault(CSCTL_FILE, message, "take one digit more, or another word"));
    }
    let mut notes = Vec::new();
    let mut files = ReleaseFiles::new();
    subject.add_class(&versions, &mut files)?;
    subject.add_addons(&versions, &mut files, &mut notes)?;
    let metadata = metadata(&versions, subject.kubernetes);
    files.insert(METADATA_FILE.to_owned(), metadata.into_bytes());
    files.insert(HASHES_FILE.to_owned(), hashes.write().into_bytes());
    if let Some(list) = node_images {
        files.insert(NODE_IMAGES_FILE.to_owned(), list.to_owned());
    }
    let images = subject.image_list();
    Ok(Outcome::Built(Box::new(BuiltRelease {
        tag: ReleaseTag {
            line: subject.line,
            version: versions.cluster_stack.clone(),
        },
        versions,
        kubernetes: subject.kubernetes,
        hashes,
        changes,
        files,
        images,
        notes,
    })))
}

/// The versions of a release, with what they were decided by.
enum Decided {
    Versions(Versions, Option<Changes>),
    Unchanged(Box<Published>),
}

/// A source tree that can be released.
struct Subject<'a> {
    input: ReleaseInput<'a>,
    line: StackLine,
    kubernetes: KubernetesVersion,
}

impl<'a> Subject<'a> {
    fn of(input: ReleaseInput<'a>) -> Result<Self, Fault> {
        let tree = input.tree;
        let named = tree
            .files_for(Role::CsctlConfig)
            .chain(tree.files_for(Role::StackFile));
        let named = named.map(|file| file.path());
        let file = named.last().unwrap_or(&tree.directory);
        let Some(line) = tree.line() else {
            let message = "it does not say which Kubernetes minor it is for";
            let hint = "set config.kubernetesVersion in csctl.yaml to a version such as v1.34.7";
            return Err(Fault::new(file, None, message, hint));
        };
        if let Some(name) = unreadable_part(&line) {
            let message = format!(
                "`{name}` has a dash: the operator splits release tags at dashes and cannot read {line}"
            );
            let hint = "use letters and digits; csctl itself stops at such a tag for every stack of the repository";
            return Err(Fault::new(file, None, message, hint));
        }
        let Some(kubernetes) = tree.default else {
            let message = format!("it names the minor {} and no patch", line.minor);
            let hint = "write the version in full, such as 1.35.3: what a release is made from must not float";
            return Err(Fault::new(file, None, message, hint));
        };
        Ok(Self {
            input,
            line,
            kubernetes,
        })
    }

    /// Returns a fault of a file of the source tree.
    fn fault(&self, place: &str, message: impl Into<String>, hint: impl Into<String>) -> Fault {
        Fault::new(&self.path(place), None, message, hint)
    }

    fn path(&self, place: &str) -> String {
        match self.input.tree.directory.as_str() {
            "" => place.to_owned(),
            directory => format!("{directory}/{place}"),
        }
    }

    fn file(&self, place: &str) -> Option<&'a [u8]> {
        self.input.files.get(place).map(Vec::as_slice)
    }

    /// Returns the text of node-images.yaml, where csctl's plugin would write one.
    fn node_images(&self) -> Result<Option<Vec<u8>>, Fault> {
        let releases =
            find_provider(&self.line.provider).is_some_and(|provider| provider.releases_images);
        let config = self.file(CSCTL_FILE).map(String::from_utf8_lossy);
        let Some(config) = config.filter(|text| releases && calls_plugin(text)) else {
            return Ok(None);
        };
        let read = read_config(&config).map_err(|error| self.plugin_fault(error))?;
        match read.method {
            Method::Get => self.copied_images().map(Some),
            Method::Matrix => {
                let text = write_matrix(self.input.stack, self.line.minor);
                Ok(Some(
                    text.map_err(|error| self.plugin_fault(error))?.into_bytes(),
                ))
            }
            Method::Build => {
                let message =
                    "method `build`: images are built and uploaded before a release, not by it";
                let hint = "list the uploaded images in node-images/config.yaml and use `get`, or use `matrix`";
                Err(self.fault(CSCTL_FILE, message, hint))
            }
        }
    }

    fn plugin_fault(&self, error: PluginError) -> Fault {
        self.fault(CSCTL_FILE, error.message, error.hint)
    }

    /// The stack's own list, byte for byte.
    fn copied_images(&self) -> Result<Vec<u8>, Fault> {
        let Some(list) = self.file(NODE_IMAGES_CONFIG) else {
            let message = "it is missing, and method `get` copies it into the release";
            return Err(self.fault(
                NODE_IMAGES_CONFIG,
                message,
                "add it, or use method `matrix`",
            ));
        };
        let text = String::from_utf8_lossy(list);
        validate_node_images(&text).map_err(|error| {
            let hint = "every image needs createOpts with name, disk_format and container_format";
            self.fault(NODE_IMAGES_CONFIG, error.to_string(), hint)
        })?;
        Ok(list.to_owned())
    }

    fn hashes(&self, node_images: Option<&[u8]>) -> ReleaseHashes {
        let tree = self.input.tree;
        let named = tree
            .files_for(Role::CsctlConfig)
            .chain(tree.files_for(Role::StackFile));
        let prefix = self.path("");
        let config: Vec<&str> = named
            .filter_map(|file| file.path().strip_prefix(prefix.as_str()))
            .collect();
        ReleaseHashes::of(&Hashed {
            files: self.input.files,
            node_images,
            images: &self.images(),
            config: &config,
            addon_config: ADDON_CONFIG_FILE,
        })
    }

    /// Returns a line for each node image of the minor that the stack's lists and manifests name, in an order of their own.
    fn images(&self) -> String {
        let own = self.input.tree.files.iter();
        let files: Vec<_> = own.chain(&self.input.stack.shared).collect();
        let lists = files.iter().flat_map(|file| file.image_lists());
        let entries = lists.flat_map(|list| &list.entries);
        let mut lines: Vec<String> = entries
            .filter(|entry| entry.version.minor() == self.line.minor)
            .map(line_of)
            .collect();
        let single = files.iter().flat_map(|file| file.references());
        lines.extend(single.filter_map(|reference| match &reference.fact {
            Fact::Image(image) if image.version.minor() == self.line.minor => {
                let sum = image.sha256.as_ref().map(ToString::to_string);
                let sum = sum.unwrap_or_default();
                Some(format!("{} {} {sum}\n", image.version, image.url))
            }
            _ => None,
        }));
        lines.sort();
        lines.dedup();
        lines.concat()
    }

    /// Returns the node images of the minor, each once, with the checksum that one of its places states.
    fn image_list(&self) -> Vec<NodeImage> {
        let own = self.input.tree.files.iter();
        let mut images: BTreeMap<String, NodeImage> = BTreeMap::new();
        for file in own.chain(&self.input.stack.shared) {
            let lists = file.image_lists().iter();
            let listed = lists.flat_map(|list| &list.entries);
            let single = file.references().iter();
            let single = single.filter_map(|reference| match &reference.fact {
                Fact::Image(image) => Some(NodeImage {
                    sha256: image.sha256.clone(),
                    ..NodeImage::new(image.version, image.url.clone())
                }),
                _ => None,
            });
            let all = listed.filter_map(ImageListEntry::image).chain(single);
            for image in all.filter(|image| image.version.minor() == self.line.minor) {
                let known = images
                    .entry(image.url.clone())
                    .or_insert_with(|| image.clone());
                known.sha256 = known.sha256.take().or(image.sha256);
                known.sha512 = known.sha512.take().or(image.sha512);
                known.md5 = known.md5.take().or(image.md5);
            }
        }
        let mut images: Vec<NodeImage> = images.into_values().collect();
        images.sort_by(|a, b| (a.version, &a.url).cmp(&(b.version, &b.url)));
        images
    }

    fn version_fault(&self, error: &VersionError) -> Fault {
        self.fault(CSCTL_FILE, error.to_string(), "report this as a bug")
    }

    fn versions(&self, current: &Current<'_>) -> Result<Decided, Fault> {
        let versions = match self.input.mode {
            Mode::Hash => {
                let versions = Versions::of_hash(&current.hashes.csctl.cluster_stack);
                versions.map_err(|error| self.version_fault(&error))?
            }
            Mode::Git(commit) => {
                Versions::of_commit(commit).map_err(|error| self.version_fault(&error))?
            }
            Mode::Custom(versions) => versions.clone(),
            Mode::Stable(Last::None) => Versions::all(crate::version::StackVersion::stable(1)),
            Mode::Stable(Last::Release(last)) => return self.versions_after(last, current),
        };
        Ok(Decided::Versions(versions, None))
    }

    fn versions_after(&self, last: &Published, current: &Current<'_>) -> Result<Decided, Fault> {
        if last.tag.line != self.line {
            let message = format!("{} is no release of {}", last.tag, self.line);
            return Err(self.fault(CSCTL_FILE, message, "name the last release of this line"));
        }
        let changes = Changes::since(last, current);
        if changes.is_empty() {
            return Ok(Decided::Unchanged(Box::new(last.clone())));
        }
        let Some(versions) = next_versions(&last.versions, &changes) else {
            let message = format!("{} has a version without a number to go up from", last.tag);
            let hint = "name the last stable release; custom ones are no part of the row";
            return Err(self.fault(CSCTL_FILE, message, hint));
        };
        Ok(Decided::Versions(versions, Some(changes)))
    }

    /// Returns the files below a directory of the source tree, by their paths in it, with their placeholders filled.
    fn filled(&self, directory: &str, versions: &Versions) -> Result<StackFiles, Fault> {
        let members = self.filled_members(directory, versions)?.into_iter();
        Ok(members
            .map(|member| (member.path, member.content.into_owned()))
            .collect())
    }

    /// Returns the files below a directory with their placeholders filled. Those without any are shared.
    fn filled_members(
        &self,
        directory: &str,
        versions: &Versions,
    ) -> Result<Vec<Member<Cow<'a, [u8]>>>, Fault> {
        let prefix = format!("{directory}/");
        let below = self.input.files.range(prefix.clone()..);
        let mut filled = Vec::new();
        for (path, content) in below.take_while(|(path, _)| path.starts_with(&prefix)) {
            filled.push(Member {
                content: fill(&self.path(path), content, versions)?,
                path: path[prefix.len()..].to_owned(),
            });
        }
        Ok(filled)
    }

    fn filled_file(
        &self,
        place: &str,
        versions: &Versions,
    ) -> Result<Option<Cow<'a, [u8]>>, Fault> {
        let content = self.file(place);
        content
            .map(|content| fill(&self.path(place), content, versions))
            .transpose()
    }

    fn add_class(&self, versions: &Versions, files: &mut ReleaseFiles) -> Result<(), Fault> {
        let source = self.filled(CLUSTER_CLASS, versions)?;
        if !source.contains_key(CHART_FILE) {
            let place = format!("{CLUSTER_CLASS}/{CHART_FILE}");
            let hint = "a release needs the chart of its cluster class";
            return Err(self.fault(&place, "it is missing", hint));
        }
        let version = versions.cluster_stack.to_string();
        self.add_chart(CLUSTER_CLASS, &source, &version, files)
    }

    /// Packs a chart as `helm package` does.
    fn add_chart(
        &self,
        directory: &str,
        source: &StackFiles,
        version: &str,
        files: &mut ReleaseFiles,
    ) -> Result<(), Fault> {
        let mut chart = Chart::load(source).map_err(|error| self.chart_fault(directory, error))?;
        let chart_file = format!("{directory}/{CHART_FILE}");
        let expected = format!("{}-{directory}", self.line);
        if chart.name() != expected {
            let message = format!(
                "the chart is called {}, and the operator looks for {expected}",
                chart.name()
            );
            let hint = "csctl-matrix check --fix gives charts the name of their stack and minor";
            return Err(self.fault(&chart_file, message, hint));
        }
        let missing = chart.missing();
        if !missing.is_empty() {
            let message = format!(
                "found in Chart.yaml, but missing in charts/ directory: {}",
                missing.join(", ")
            );
            let hint = "add them with helm dependency build";
            return Err(self.fault(&chart_file, message, hint));
        }
        chart.set_version(version);
        let archive = self.pack(directory, &chart.members())?;
        files.insert(format!("{expected}-{}.tgz", chart.version()), archive);
        Ok(())
    }

    fn pack<C: AsRef<[u8]>>(
        &self,
        directory: &str,
        members: &[Member<C>],
    ) -> Result<Vec<u8>, Fault> {
        pack(members, self.input.moment)
            .map_err(|error| self.fault(directory, error.to_string(), "shorten its longest path"))
    }

    fn chart_fault(&self, directory: &str, error: ChartError) -> Fault {
        let path = self.path(&format!("{directory}/{}", error.file));
        Fault::new(
            &path,
            error.line,
            error.message,
            "helm lint says the same of it",
        )
    }

    fn add_addons(
        &self,
        versions: &Versions,
        files: &mut ReleaseFiles,
        notes: &mut Vec<String>,
    ) -> Result<(), Fault> {
        let version = versions.cluster_addon.to_string();
        if let Some(config) = self.filled_file(ADDON_CONFIG_FILE, versions)? {
            let mut members = self.filled_members(CLUSTER_ADDON, versions)?;
            if members.is_empty() {
                let hint = "the operator looks for an archive of the addons in every release";
                return Err(self.fault(CLUSTER_ADDON, "it has no file", hint));
            }
            in_walk_order(&mut members);
            let archive = self.pack(CLUSTER_ADDON, &members)?;
            files.insert(
                format!("{}-{CLUSTER_ADDON}-{version}.tgz", self.line),
                archive,
            );
            files.insert(ADDON_CONFIG_FILE.to_owned(), config.into_owned());
            notes.extend(self.downloads(&members));
            return Ok(());
        }
        let source = self.filled(CLUSTER_ADDON, versions)?;
        if !source.contains_key(CHART_FILE) {
            let message =
                "there is neither this chart nor a clusteraddon.yaml beside its directory";
            let hint = "the operator needs one of them: a chart of all addons, or the stages of single charts";
            return Err(self.fault(&format!("{CLUSTER_ADDON}/{CHART_FILE}"), message, hint));
        }
        self.add_chart(CLUSTER_ADDON, &source, &version, files)?;
        let Some(values) = self.filled_file(ADDON_VALUES_FILE, versions)? else {
            let message =
                "it is missing, and the operator looks for it where there is no clusteraddon.yaml";
            let hint = "add it, with `values: \"\"` where there are none";
            return Err(self.fault(ADDON_VALUES_FILE, message, hint));
        };
        files.insert(ADDON_VALUES_FILE.to_owned(), values.into_owned());
        Ok(())
    }

    /// Names the addon charts whose dependencies are not in the archive.
    fn downloads(&self, members: &[Member<Cow<'_, [u8]>>]) -> Option<String> {
        let mut charts: BTreeMap<&str, StackFiles> = BTreeMap::new();
        for Member { path, content } in members {
            // Of its files these say it; others may be large.
            if let Some((chart, place)) = path.split_once('/')
                && (!place.contains('/') || place.starts_with("charts/"))
            {
                let files = charts.entry(chart).or_default();
                files.insert(place.to_owned(), content.to_vec());
            }
        }
        let lacking = charts
            .iter()
            .filter(|(_, files)| Chart::load(files).is_ok_and(|chart| !chart.missing().is_empty()));
        let names: Vec<&str> = lacking.map(|(name, _)| *name).collect();
        (!names.is_empty()).then(|| {
            format!(
                "{}: the operator downloads the dependencies of {} when it installs them",
                self.line,
                names.join(", ")
            )
        })
    }
}

/// What identifies an entry of an image list.
fn line_of(entry: &ImageListEntry) -> String {
    let mut line = format!("{} {}", entry.version, entry.name);
    let sums = [
        entry.os.as_ref().map(ToString::to_string),
        entry.url.clone(),
        entry.sha256.as_ref().map(ToString::to_string),
        entry.sha512.as_ref().map(ToString::to_string),
        entry.md5.as_ref().map(ToString::to_string),
    ];
    for value in sums {
        // Writing to a text does not fail.
        let _ = write!(line, " {}", value.unwrap_or_default());
    }
    line + "\n"
}

/// Returns the text of metadata.yaml, as csctl's library lays it out. None of its values has to be quoted.
fn metadata(versions: &Versions, kubernetes: KubernetesVersion) -> String {
    let Versions {
        cluster_stack,
        cluster_addon,
        node_image,
    } = versions;
    // The operator refuses a release without a version of the node images, whether it has some or not.
    format!(
        "apiVersion: metadata.clusterstack.x-k8s.io/v1alpha1\nversions:\n    clusterStack: {cluster_stack}\n    \
         kubernetes: {kubernetes}\n    components:\n        clusterAddon: {cluster_addon}\n        \
         nodeImage: {node_image}\n"
    )
}

#[cfg(test)]
mod tests;
