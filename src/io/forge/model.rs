//! What GitHub answers beside pull requests, as far as it is used. Whatever may be missing has a default, so that no answer is lost for a
//! field.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::pull::{login, or_default};

/// A comment in a pull request's conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Comment {
    /// Its number, which is not the pull request's.
    pub id: u64,
    /// Who wrote it.
    #[serde(rename = "user", default, deserialize_with = "login")]
    pub author: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
}

/// One run of a check on a commit. A check that was started again has several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckRun {
    /// Later runs have higher numbers.
    pub id: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The App that reports it.
    pub app: Option<CheckApp>,
    /// `queued`, `in_progress`, `completed` and others.
    #[serde(default, deserialize_with = "or_default")]
    pub status: String,
    /// `success`, `failure` and others, once it is completed.
    pub conclusion: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    pub started_at: Option<Timestamp>,
    /// The commit.
    #[serde(rename = "head_sha")]
    pub head: Option<String>,
}

/// The App that reports a check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckApp {
    /// The number by which rules name it.
    pub id: Option<i64>,
    /// The name by which people do: `github-actions`.
    pub slug: Option<String>,
}

/// One report of a commit status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CommitStatus {
    /// Later ones have higher numbers.
    #[serde(default)]
    pub id: u64,
    /// The name.
    #[serde(default, deserialize_with = "or_default")]
    pub context: String,
    /// `success`, `pending`, `failure`, `error`.
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
    #[serde(default, deserialize_with = "moment")]
    pub updated_at: Option<Timestamp>,
}

/// A review of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Review {
    #[serde(rename = "user", default, deserialize_with = "login")]
    pub author: Option<String>,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`.
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
}

/// A way to merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeMethod {
    /// A merge commit.
    Merge,
    /// One new commit.
    Squash,
    /// The commits anew.
    Rebase,
}

impl MergeMethod {
    /// Returns GitHub's word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// The repository.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct RepositoryInfo {
    /// `OWNER/NAME` as GitHub spells it.
    #[serde(default, deserialize_with = "or_default")]
    pub full_name: String,
    /// Its name in GraphQL.
    pub node_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub default_branch: String,
    #[serde(rename = "private", default, deserialize_with = "or_default")]
    pub is_private: bool,
    #[serde(rename = "fork", default, deserialize_with = "or_default")]
    pub is_fork: bool,
    #[serde(rename = "archived", default, deserialize_with = "or_default")]
    pub is_archived: bool,
    /// Whether the token's user may push; GitHub does not say it of every token.
    #[serde(rename = "permissions", default, deserialize_with = "push")]
    pub can_push: Option<bool>,
    /// Whether auto-merge is switched on; only said to those who may push.
    pub allow_auto_merge: Option<bool>,
    /// The scopes of a classic token, which a header tells; other tokens have none.
    #[serde(skip)]
    pub scopes: Option<Vec<String>>,
}

impl RepositoryInfo {
    /// Adds what the header `x-oauth-scopes` tells.
    pub(super) fn with_scopes(mut self, header: Option<&str>) -> Self {
        self.scopes = header.map(|list| {
            list.split(',')
                .map(str::trim)
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect()
        });
        self
    }
}

/// Reads a moment; one that cannot be read counts as missing.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn push<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    struct Permissions {
        push: Option<bool>,
    }
    let permissions: Option<Permissions> = Option::deserialize(deserializer)?;
    Ok(permissions.and_then(|can| can.push))
}
