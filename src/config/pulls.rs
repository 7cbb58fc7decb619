//! The key `pullRequests`: where pull requests go, what they are called, who writes them, and how many there may be.

use serde::Deserialize;

use crate::policy::ChangeClass;

/// How pull requests are made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PullConfig {
    /// The repository as `owner/name`; without it, that of the remote `origin`.
    pub repository: Option<String>,
    /// The base URL of the forge's API, of the same host as the remote; without it, that of the remote's host.
    pub api: Option<String>,
    /// What the names of branches begin with.
    pub prefix: String,
    /// Labels that a pull request gets when it is opened.
    pub labels: Vec<String>,
    /// The label that makes the program leave an open pull request alone.
    pub stop_label: String,
    /// The label that makes it ask again where a person has said no, and take back what a person has edited.
    pub again_label: String,
    /// The classes of change that get pull requests; empty means all.
    pub changes: Vec<ChangeClass>,
    /// Whether a pull request is a draft until its tests have passed.
    pub draft: bool,
    /// How a pull request is merged once everything is green; without it, people merge.
    pub auto_merge: Option<MergeConfig>,
    /// Who makes the commits: git here, or the forge, which signs its own.
    pub commits: CommitConfig,
    /// Who writes the commits that git makes, and signs them off.
    pub author: Option<AuthorConfig>,
    /// Templates in place of the program's own.
    pub templates: TemplateConfig,
    /// How much one run may do.
    pub at_most: Ceilings,
}

/// A way to merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MergeConfig {
    /// A merge commit.
    Merge,
    /// One new commit.
    Squash,
    /// The commits anew.
    Rebase,
}

/// Who makes commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CommitConfig {
    /// Git makes and pushes them, as `author`.
    #[default]
    Git,
    /// The forge's API makes them, as whoever the token belongs to, and branches are moved through it too.
    Api,
}

/// Who writes the commits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AuthorConfig {
    pub name: String,
    pub email: String,
}

/// Handlebars templates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TemplateConfig {
    /// Of the title.
    pub title: Option<String>,
    /// Of the body.
    pub body: Option<String>,
    /// Of the commit's message, without `Signed-off-by`.
    pub commit: Option<String>,
}

/// How much one run may do before it stops and leaves the rest to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Ceilings {
    /// Pull requests opened.
    pub opened: u32,
    /// Branches moved.
    pub pushed: u32,
}

impl Default for PullConfig {
    fn default() -> Self {
        Self {
            repository: None,
            api: None,
            prefix: "csctl-matrix".to_owned(),
            labels: Vec::new(),
            stop_label: "csctl-matrix/stop".to_owned(),
            again_label: "csctl-matrix/again".to_owned(),
            changes: Vec::new(),
            draft: true,
            auto_merge: None,
            commits: CommitConfig::Git,
            author: None,
            templates: TemplateConfig::default(),
            at_most: Ceilings::default(),
        }
    }
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            opened: 10,
            pushed: 30,
        }
    }
}

impl PullConfig {
    /// Tells whether changes of a class get pull requests.
    pub fn takes(&self, class: ChangeClass) -> bool {
        self.changes.is_empty() || self.changes.contains(&class)
    }
}
