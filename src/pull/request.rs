//! A pull request as the forge writes it. Source: "Pulls" of GitHub's REST API. Whatever may be missing has a default, so that no answer
//! is lost for a field.

use serde::{Deserialize, Deserializer};

/// A pull request of the forge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PullRequest {
    pub number: u64,
    #[serde(flatten)]
    pub state: PullState,
    #[serde(rename = "draft", default, deserialize_with = "or_default")]
    pub is_draft: bool,
    /// The branch to merge.
    #[serde(default, deserialize_with = "or_default")]
    pub head: PullBranch,
    /// The branch to merge into.
    #[serde(default, deserialize_with = "or_default")]
    pub base: PullBranch,
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    #[serde(default, deserialize_with = "names")]
    pub labels: Vec<String>,
    /// Who opened it.
    #[serde(rename = "user", default, deserialize_with = "login")]
    pub author: Option<String>,
    /// Its name in GraphQL.
    pub node_id: Option<String>,
    /// Present where the forge merges it as soon as it can.
    pub auto_merge: Option<AutoMerge>,
    /// Whether it waits in a merge queue, which is asked for apart.
    #[serde(skip)]
    pub is_queued: bool,
}

/// One of the two branches of a pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PullBranch {
    #[serde(rename = "ref", deserialize_with = "or_default")]
    pub branch: String,
    /// The branch's commit; of a closed pull request the one it had when it was closed.
    #[serde(rename = "sha")]
    pub commit: Option<String>,
    /// `OWNER/NAME`; nothing where the fork is gone.
    #[serde(rename = "repo", deserialize_with = "full_name")]
    pub repository: Option<String>,
}

/// That the forge merges a pull request by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AutoMerge {
    #[serde(default, deserialize_with = "login")]
    pub enabled_by: Option<String>,
}

/// Whether a pull request is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "StateFields")]
pub enum PullState {
    #[default]
    Open,
    /// Closed and not merged.
    Closed,
    Merged,
}

/// GitHub calls a merged one `closed`, and says in other fields that it was merged; lists have only the second of them.
#[derive(Deserialize)]
struct StateFields {
    #[serde(default, deserialize_with = "or_default")]
    state: String,
    #[serde(default, deserialize_with = "or_default")]
    merged: bool,
    merged_at: Option<String>,
}

impl From<StateFields> for PullState {
    fn from(fields: StateFields) -> Self {
        match fields.state.as_str() {
            // First, as the state of a merged one is `closed`.
            _ if fields.merged || fields.merged_at.is_some() => Self::Merged,
            "closed" => Self::Closed,
            _ => Self::Open,
        }
    }
}

impl PullRequest {
    /// Tells whether its branch is in the repository itself, not in a fork.
    pub(crate) fn is_of_own_branch(&self) -> bool {
        let head = self.head.repository.as_ref();
        // Two repositories that nobody knows are not the same one: a fork may be gone.
        head.is_some() && head == self.base.repository.as_ref()
    }
}

/// Reads a value that may be null.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads the login of a user; nobody where the account is gone.
pub(crate) fn login<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct User {
        login: Option<String>,
    }
    let user: Option<User> = Option::deserialize(deserializer)?;
    Ok(user.and_then(|user| user.login))
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Label {
        name: Option<String>,
    }
    let labels: Vec<Label> = or_default(deserializer)?;
    Ok(labels.into_iter().filter_map(|label| label.name).collect())
}

fn full_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Repository {
        full_name: Option<String>,
    }
    let repository: Option<Repository> = Option::deserialize(deserializer)?;
    Ok(repository.and_then(|repository| repository.full_name))
}
