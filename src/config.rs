//! The configuration file `csctl-matrix.yaml` at the root of a repository. All of it is optional and nothing is guessed: an
//! unknown key or a wrong value is an error with its line, and then nothing runs. It reads and edits texts; files are read
//! and written elsewhere.

mod branch;
mod chart;
mod check;
mod edit;
mod gate;
mod pulls;
mod read;
mod reference;
mod start;

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::Deserialize;

use crate::catalog::{ImagePattern, ImageProof, StoreListing, VulnerabilityRequest};
use crate::policy::{
    Addons, Block, EndOfLife, ImagesToList, MinimumAge, Minors, Overrides, Pin, Policy, Retention,
};
use crate::standard::Standard;
use crate::version::{Minor, OsRelease};
use crate::yaml::{File, Node, Path, PathStep};

pub use branch::{BranchTemplate, FileGlob, FileGlobs};
pub use chart::ChartConfig;
pub use edit::{ConfigEdit, EditError, block, pin, unblock, unpin};
pub use gate::{CheckName, Checks, GateCommand, GateConfig, Need, TimeLimit};
pub use pulls::{AuthorConfig, Ceilings, CommitConfig, MergeConfig, PullConfig, TemplateConfig};
pub use reference::ReferenceConfig;
pub(crate) use start::start_text;
pub use start::{SCHEMA_LINE, Start};

/// The file's name, at the root of the repository.
pub const CONFIG_FILE: &str = "csctl-matrix.yaml";

/// What a configuration file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Which patch images of a minor are listed: `all`, `newest`, `newest=3`, `from=v1.34.4`.
    pub images: Option<ImagesToList>,
    /// What becomes of listed images that `images` no longer names: `trim` or `keep`.
    pub retention: Option<Retention>,
    /// Whether addon charts of the minor follow their newest version: `follow` or `leave`.
    pub addons: Option<Addons>,
    /// What becomes of minors after their end of life: `keep` or `drop`.
    pub end_of_life: Option<EndOfLife>,
    /// How old a Kubernetes patch has to be before it becomes a default, in days or weeks: `3d`, `2w`.
    pub minimum_age: Option<MinimumAge>,
    /// The minors to look at: a list, or a map with `from` and `to`. Others are left alone.
    pub minors: Option<Minors>,
    /// Operating-system releases that new images may have, in order of preference.
    pub os: Option<Vec<OsRelease>>,
    /// The age from which `check` finds the image of a default too old, in days or weeks: `60d`.
    pub maximum_image_age: Option<MinimumAge>,
    /// Versions, or single images of them, that must not be used.
    pub blocked: Vec<Block>,
    /// Defaults that stay where they are until a day.
    pub pinned: Vec<Pin>,
    /// What differs in single stacks, by their titles: `openstack/scs2`.
    pub stacks: BTreeMap<String, Overrides>,
    /// The image store, where the repository's URLs do not say it.
    pub image_store: ImageStoreConfig,
    /// URL prefixes and what stands in for them, for networks without a way out.
    pub mirrors: Vec<MirrorConfig>,
    /// Where upstream facts are read, instead of their public places.
    pub sources: SourcesConfig,
    /// The standard that says what is due by when: `scs-0210/v2`, `none`.
    pub standard: Option<Standard>,
    /// Which rules `check` applies.
    pub check: CheckConfig,
    /// How pull requests are made.
    pub pull_requests: PullConfig,
    /// Base branches of pull requests.
    pub branches: Vec<BranchConfig>,
    /// What a change has to pass before a default moves.
    pub gate: GateConfig,
    /// Addon charts that number themselves after the Kubernetes minor, beside those of cloud-provider-openstack.
    pub charts: Vec<ChartConfig>,
    /// Places in files that no rule of this program knows.
    pub references: Vec<ReferenceConfig>,
    /// Files that are left alone, as globs: nothing of theirs is read, so that they state nothing.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub ignore: Vec<FileGlob>,
}

/// The image store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImageStoreConfig {
    /// The pattern of its URLs, with `{version}`, and `{minor}`, `{os}` and `{date}` where they occur.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub pattern: Option<ImagePattern>,
    /// Whether it can be listed: `none` or `s3`.
    pub listing: StoreListing,
    /// What proves its images, where it is not what the provider's stores have.
    pub proof: Option<ImageProof>,
}

/// A URL prefix and what stands in for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MirrorConfig {
    /// The prefix as the repository writes it.
    pub from: String,
    /// What is asked instead.
    pub to: String,
}

/// Where upstream facts are read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SourcesConfig {
    /// The base URL of GitHub's API, for the releases of Kubernetes: `https://api.github.com`. Elsewhere no token is sent.
    pub kubernetes: Option<String>,
    /// The URL of Kubernetes' release schedule, for end-of-life days.
    pub end_of_life: Option<String>,
    /// Vulnerabilities of Kubernetes.
    pub vulnerabilities: VulnerabilitiesConfig,
}

/// Where vulnerabilities of Kubernetes are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VulnerabilitiesConfig {
    /// The feed's URL, or `none`: then nobody is asked.
    pub feed: Option<String>,
    /// What the URL of each record begins with; the number follows.
    pub records: Option<String>,
}

impl VulnerabilitiesConfig {
    /// The word that stands for no feed.
    const NONE: &str = "none";

    /// Returns where to ask; nothing where nobody is to be asked.
    pub fn request(&self) -> Option<VulnerabilityRequest> {
        let usual = VulnerabilityRequest::default();
        let feed = self.feed.clone().unwrap_or(usual.feed);
        (feed != Self::NONE).then(|| VulnerabilityRequest {
            feed,
            records: self.records.clone().unwrap_or(usual.records),
        })
    }

    /// Returns the feed's URL, where one is given.
    pub(crate) fn feed_url(&self) -> Option<&str> {
        self.feed.as_deref().filter(|feed| *feed != Self::NONE)
    }
}

/// Which rules `check` applies; names of rules and of groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CheckConfig {
    /// Rules and groups to apply beside those that are applied by default.
    pub with: Vec<String>,
    /// Rules and groups to leave out.
    pub skip: Vec<String>,
}

/// A base branch of pull requests, and which changes go to it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BranchConfig {
    /// The branch: `main`, or a template with `{{provider}}`, `{{stack}}`, `{{minor}}` and `{{minorDashed}}`.
    pub base: BranchTemplate,
    /// The minors whose changes go there; all without it.
    #[serde(default)]
    pub minors: Option<Minors>,
    /// The files whose changes go there, as globs; all without any.
    #[serde(default)]
    pub files: Vec<FileGlob>,
}

impl BranchConfig {
    /// Tells whether changes of a minor go there.
    pub fn takes(&self, minor: Minor) -> bool {
        let minors = self.minors.as_ref();
        minors.is_none_or(|minors| minors.contains(minor))
    }
}

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Config {
    /// Reads a configuration file's text and checks all that the text alone can tell.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let Some(file) = read::parse_yaml(text)? else {
            // Every key is optional, so that an empty file says as much as none.
            return Ok(Self::default());
        };
        let root = &file.documents()[0];
        let config = read::read(root)?;
        check::check(&config, root)?;
        Ok(config)
    }

    /// Checks what depends on the day: a pin that has expired is an error, as nobody decided what comes after it.
    pub(crate) fn check_day(&self, text: &str, today: Date) -> Result<(), ConfigError> {
        // The last day of a pin is one of its days.
        let Some(index) = self.pinned.iter().position(|pin| pin.until < today) else {
            return Ok(());
        };
        let path = Path::root().key("pinned").index(index).key("until");
        Err(check::expired(&self.pinned[index], line_of(text, &path)))
    }

    /// Returns the files that are left alone.
    pub fn ignored(&self) -> FileGlobs {
        FileGlobs::new(&self.ignore)
    }

    /// Tells whether anything is said of a single stack.
    pub(crate) fn names_stacks(&self) -> bool {
        !self.stacks.is_empty() || self.pinned.iter().any(|pin| pin.stack.is_some())
    }

    /// Checks that every stack that is named is one of these.
    pub(crate) fn check_stacks(&self, text: &str, titles: &[String]) -> Result<(), ConfigError> {
        for title in self.stacks.keys() {
            let path = Path::root().key("stacks").key(title.as_str());
            check::check_stack(title, titles, line_of(text, &path))?;
        }
        for (index, pin) in self.pinned.iter().enumerate() {
            if let Some(title) = &pin.stack {
                let path = Path::root().key("pinned").index(index).key("stack");
                check::check_stack(title, titles, line_of(text, &path))?;
            }
        }
        Ok(())
    }

    /// Returns the policy that this file and the options of one run make together; options win, over what is said of single
    /// stacks too.
    pub fn policy(&self, options: &Self) -> Policy {
        let said = options.overrides();
        let stacks = self.stacks.iter();
        let mut policy = Policy {
            blocked: self.blocked.clone(),
            pinned: self.pinned.clone(),
            stacks: stacks
                .map(|(title, own)| (title.clone(), said.clone().or(own)))
                .collect(),
            maximum_image_age: self.maximum_image_age,
            standard: options.standard.or(self.standard).unwrap_or_default(),
            ..Policy::default()
        };
        policy.set(&said.or(&self.overrides()));
        policy
    }

    /// Returns the values that can be said for one stack too.
    fn overrides(&self) -> Overrides {
        Overrides {
            images: self.images,
            retention: self.retention,
            addons: self.addons,
            end_of_life: self.end_of_life,
            minimum_age: self.minimum_age,
            minors: self.minors.clone(),
            os: self.os.clone(),
        }
    }
}

impl ConfigError {
    fn new(line: usize, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Returns the error of a place that is wrong in itself: the message is its path and the fault.
    fn at(root: &Node, path: &Path, fault: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::new(line_at(root, path), format!("`{path}` {fault}"), hint)
    }
}

/// Returns the line of a place in a text, or of what of it is there.
fn line_of(text: &str, path: &Path) -> usize {
    let file = File::parse(text).ok();
    let root = file.as_ref().and_then(|file| file.documents().first());
    root.map_or(1, |root| line_at(root, path))
}

/// Returns the line of a place, or of the nearest one around it that is there. A value on a line below its key is sought at
/// the key.
fn line_at(root: &Node, path: &Path) -> usize {
    let mut node = root;
    let mut line = root.line();
    for step in path.steps() {
        let next = match step {
            PathStep::Key(key) => node
                .entries()
                .find(|(name, _, _)| name == key)
                .map(|(_, key, value)| (key.line(), value)),
            PathStep::Index(index) => node.items().get(*index).map(|item| (item.line(), item)),
        };
        let Some(next) = next else { break };
        (line, node) = next;
    }
    line
}

#[cfg(test)]
mod tests;
