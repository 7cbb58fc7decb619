//! What GitHub answers, as far as it is used. Every field that may be missing is optional, so that no answer is lost for one.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// Whether a pull request is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullState {
    /// It is open.
    Open,
    /// It was closed and not merged.
    Closed,
    /// It was merged.
    Merged,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are GitHub's")]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Whether it is open.
    pub state: PullState,
    /// Whether it is a draft.
    pub draft: bool,
    /// The branch to merge.
    pub head_branch: String,
    /// That branch's commit; of a closed pull request the one it had when it was closed.
    pub head: Option<String>,
    /// Whether that branch is in this repository, not in a fork.
    pub head_is_own_repository: bool,
    /// The branch to merge into.
    pub base_branch: String,
    /// That branch's commit when the pull request last changed.
    pub base: Option<String>,
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// Who opened it.
    pub author: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// Its name in GraphQL.
    pub node_id: Option<String>,
    /// Whether GitHub merges it when it can.
    pub auto_merge: bool,
    /// Who told it to.
    pub auto_merge_by: Option<String>,
    /// GitHub's word for what keeps it from being merged: `clean`, `blocked`, `dirty`, `behind`, `unstable`; nothing where GitHub
    /// has not worked it out yet, and in lists.
    pub mergeable: Option<String>,
    /// Whether it waits in a merge queue; only [`super::GitHub::pull`] asks.
    pub merge_queued: bool,
    /// Who closed it; only [`super::GitHub::pull`] asks.
    pub closed_by: Option<String>,
    /// When it was opened.
    pub created_at: Option<Timestamp>,
    /// When it was closed or merged.
    pub closed_at: Option<Timestamp>,
    /// The commit that it was merged as.
    pub merge_commit: Option<String>,
}

/// A comment in a pull request's conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its number, which is not the pull request's.
    pub id: u64,
    /// Who wrote it.
    pub author: Option<String>,
    /// The text.
    pub body: String,
}

/// One run of a check on a commit. A check that was started again has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// Its number; later runs have higher ones.
    pub id: u64,
    /// The check's name.
    pub name: String,
    /// The App that reports it: `github-actions`.
    pub app: Option<String>,
    /// The App's number, by which rules name it.
    pub app_id: Option<i64>,
    /// `queued`, `in_progress`, `completed` and others.
    pub status: String,
    /// `success`, `failure` and others, once it is completed.
    pub conclusion: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// The commit.
    pub head: Option<String>,
}

/// One report of a commit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// Its number; later ones have higher ones.
    pub id: u64,
    /// The name.
    pub context: String,
    /// `success`, `pending`, `failure`, `error`.
    pub state: String,
    /// When it was reported.
    pub updated_at: Option<Timestamp>,
}

/// A review of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Who reviewed.
    pub author: Option<String>,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`.
    pub state: String,
    /// The commit that was looked at.
    pub commit: Option<String>,
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
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// The repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepositoryInfo {
    /// `OWNER/NAME` as GitHub spells it.
    pub full_name: String,
    /// Its name in GraphQL.
    pub node_id: Option<String>,
    /// The branch that pull requests go to where nothing else is said.
    pub default_branch: String,
    /// Where git finds it.
    pub clone_url: Option<String>,
    /// Whether it is hidden from the public.
    pub is_private: bool,
    /// Whether it is a fork.
    pub is_fork: bool,
    /// Whether nothing can be changed any more.
    pub is_archived: bool,
    /// Whether the token's user may push; GitHub does not say it of every token.
    pub can_push: Option<bool>,
    /// Whether the token's user administers it.
    pub can_admin: Option<bool>,
    /// Whether auto-merge is switched on; only said to those who may push.
    pub allow_auto_merge: Option<bool>,
    /// The ways to merge that are allowed, where GitHub says so.
    pub merge_methods: Option<Vec<MergeMethod>>,
    /// Whether branches are deleted when they are merged.
    pub deletes_merged_branches: Option<bool>,
    /// The scopes of a classic token; other tokens have none.
    pub scopes: Option<Vec<String>>,
}

/// Reads a text that may be null.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a moment; one that cannot be read counts as missing.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[derive(Deserialize)]
struct User {
    login: Option<String>,
}

fn login(user: Option<User>) -> Option<String> {
    user?.login
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Side {
    #[serde(rename = "ref", deserialize_with = "or_empty")]
    branch: String,
    sha: Option<String>,
    repo: Option<SideRepository>,
}

#[derive(Deserialize)]
struct SideRepository {
    full_name: Option<String>,
}

#[derive(Deserialize)]
struct Label {
    name: Option<String>,
}

/// A pull request as GitHub writes it. Source: "Pulls" of GitHub's REST API.
#[derive(Deserialize)]
pub(super) struct PullWire {
    number: u64,
    #[serde(default, deserialize_with = "or_empty")]
    state: String,
    #[serde(default, deserialize_with = "or_empty")]
    draft: bool,
    #[serde(default, deserialize_with = "or_empty")]
    merged: bool,
    #[serde(default, deserialize_with = "moment")]
    merged_at: Option<Timestamp>,
    merge_commit_sha: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    head: Side,
    #[serde(default, deserialize_with = "or_empty")]
    base: Side,
    #[serde(default, deserialize_with = "or_empty")]
    title: String,
    #[serde(default, deserialize_with = "or_empty")]
    body: String,
    #[serde(default, deserialize_with = "or_empty")]
    labels: Vec<Label>,
    user: Option<User>,
    html_url: Option<String>,
    node_id: Option<String>,
    auto_merge: Option<AutoMergeWire>,
    mergeable_state: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    closed_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct AutoMergeWire {
    enabled_by: Option<User>,
}

impl PullWire {
    pub(super) fn read(self) -> PullRequest {
        let is_merged = self.merged || self.merged_at.is_some();
        let state = match self.state.as_str() {
            _ if is_merged => PullState::Merged,
            "closed" => PullState::Closed,
            _ => PullState::Open,
        };
        let name = |side: &Side| side.repo.as_ref()?.full_name.clone();
        let (head, base) = (name(&self.head), name(&self.base));
        PullRequest {
            number: self.number,
            state,
            draft: self.draft,
            head_is_own_repository: head.is_some() && head == base,
            head_branch: self.head.branch,
            head: self.head.sha,
            base_branch: self.base.branch,
            base: self.base.sha,
            title: self.title,
            body: self.body,
            labels: self
                .labels
                .into_iter()
                .filter_map(|label| label.name)
                .collect(),
            author: login(self.user),
            url: self.html_url,
            node_id: self.node_id,
            auto_merge: self.auto_merge.is_some(),
            auto_merge_by: self.auto_merge.and_then(|found| login(found.enabled_by)),
            mergeable: self.mergeable_state.filter(|state| state != "unknown"),
            merge_queued: false,
            closed_by: None,
            created_at: self.created_at,
            closed_at: self.closed_at,
            merge_commit: self.merge_commit_sha.filter(|_| is_merged),
        }
    }
}

/// What is read of an issue: who closed it.
#[derive(Deserialize)]
pub(super) struct IssueWire {
    closed_by: Option<User>,
}

impl IssueWire {
    pub(super) fn closer(self) -> Option<String> {
        login(self.closed_by)
    }
}

#[derive(Deserialize)]
pub(super) struct CommentWire {
    id: u64,
    user: Option<User>,
    #[serde(default, deserialize_with = "or_empty")]
    body: String,
}

impl CommentWire {
    pub(super) fn read(self) -> Comment {
        Comment {
            id: self.id,
            author: login(self.user),
            body: self.body,
        }
    }
}

#[derive(Deserialize)]
struct App {
    id: Option<i64>,
    slug: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CheckRunWire {
    id: u64,
    #[serde(default, deserialize_with = "or_empty")]
    name: String,
    app: Option<App>,
    #[serde(default, deserialize_with = "or_empty")]
    status: String,
    conclusion: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    started_at: Option<Timestamp>,
    head_sha: Option<String>,
}

impl CheckRunWire {
    pub(super) fn read(self) -> CheckRun {
        let (app_id, app) = self.app.map_or((None, None), |app| (app.id, app.slug));
        CheckRun {
            id: self.id,
            name: self.name,
            app,
            app_id,
            status: self.status,
            conclusion: self.conclusion,
            started_at: self.started_at,
            head: self.head_sha,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct StatusWire {
    #[serde(default)]
    id: u64,
    #[serde(default, deserialize_with = "or_empty")]
    context: String,
    #[serde(default, deserialize_with = "or_empty")]
    state: String,
    #[serde(default, deserialize_with = "moment")]
    updated_at: Option<Timestamp>,
}

impl StatusWire {
    pub(super) fn read(self) -> CommitStatus {
        CommitStatus {
            id: self.id,
            context: self.context,
            state: self.state,
            updated_at: self.updated_at,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ReviewWire {
    user: Option<User>,
    #[serde(default, deserialize_with = "or_empty")]
    state: String,
    commit_id: Option<String>,
}

impl ReviewWire {
    pub(super) fn read(self) -> Review {
        Review {
            author: login(self.user),
            state: self.state,
            commit: self.commit_id,
        }
    }
}

#[derive(Deserialize)]
struct Permissions {
    push: Option<bool>,
    admin: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct RepositoryWire {
    #[serde(default, deserialize_with = "or_empty")]
    full_name: String,
    node_id: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    default_branch: String,
    clone_url: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    private: bool,
    #[serde(default, deserialize_with = "or_empty")]
    fork: bool,
    #[serde(default, deserialize_with = "or_empty")]
    archived: bool,
    permissions: Option<Permissions>,
    allow_auto_merge: Option<bool>,
    allow_merge_commit: Option<bool>,
    allow_squash_merge: Option<bool>,
    allow_rebase_merge: Option<bool>,
    delete_branch_on_merge: Option<bool>,
}

impl RepositoryWire {
    pub(super) fn read(self, scopes: Option<&str>) -> RepositoryInfo {
        let methods = [
            (self.allow_merge_commit, MergeMethod::Merge),
            (self.allow_squash_merge, MergeMethod::Squash),
            (self.allow_rebase_merge, MergeMethod::Rebase),
        ];
        let is_said = methods.iter().any(|(is_allowed, _)| is_allowed.is_some());
        let allowed = methods
            .into_iter()
            .filter(|(is_allowed, _)| *is_allowed == Some(true))
            .map(|(_, method)| method);
        let scopes = scopes.map(|scopes| {
            let scopes = scopes.split(',').map(str::trim);
            scopes
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect()
        });
        RepositoryInfo {
            full_name: self.full_name,
            node_id: self.node_id,
            default_branch: self.default_branch,
            clone_url: self.clone_url,
            is_private: self.private,
            is_fork: self.fork,
            is_archived: self.archived,
            can_push: self.permissions.as_ref().and_then(|can| can.push),
            can_admin: self.permissions.as_ref().and_then(|can| can.admin),
            allow_auto_merge: self.allow_auto_merge,
            merge_methods: is_said.then(|| allowed.collect()),
            deletes_merged_branches: self.delete_branch_on_merge,
            scopes,
        }
    }
}
