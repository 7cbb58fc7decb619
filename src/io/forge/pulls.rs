//! Pull requests: finding, opening, changing, merging.

use std::collections::BTreeSet;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::PER_PAGE;
use super::request::{Request, encode};
use super::{Cause, ForgeError, GitHub, MergeMethod};
use crate::pull::{PullRequest, PullState, or_default};

/// Which pull requests are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullQuery {
    /// Open ones.
    Open,
    /// Closed and merged ones too.
    All,
}

/// A pull request to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPull {
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// The branch to merge, of this repository.
    pub head: String,
    /// The branch to merge into.
    pub base: String,
    /// Whether it begins as a draft.
    pub draft: bool,
}

/// A pull request that was opened, or was there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its number.
    pub number: u64,
    /// Whether it was found instead of opened by an answer: its texts may be others.
    pub adopted: bool,
}

/// What to change of a pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullChange {
    /// The new title.
    pub title: Option<String>,
    /// The new text.
    pub body: Option<String>,
    /// The new branch to merge into.
    pub base: Option<String>,
    /// Whether it is to be open.
    pub is_open: Option<bool>,
}

/// What is read of the answer to an opened pull request: nothing else may lose it.
#[derive(Deserialize)]
struct Opened {
    number: u64,
}

#[derive(Deserialize)]
struct QueueAnswer {
    repository: Option<QueueRepository>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueueRepository {
    pull_request: Option<QueuePull>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueuePull {
    is_in_merge_queue: Option<bool>,
}

#[derive(Deserialize)]
struct NodesAnswer {
    nodes: Vec<Option<QueueNode>>,
}

/// A pull request among nodes; other nodes have neither.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueueNode {
    number: Option<u64>,
    #[serde(default, deserialize_with = "or_default")]
    is_in_merge_queue: bool,
}

impl GitHub {
    /// Finds the pull requests of a branch of this repository, newest first.
    pub async fn find_pulls(
        &self,
        head_branch: &str,
        query: PullQuery,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        let head = format!("{}:{head_branch}", self.settings.owner);
        let filter = format!("&head={}", encode(&head));
        let mut pulls = self.list_pulls(&filter, query).await?;
        // GitHub ignores a head that it does not understand and answers with everything.
        pulls.retain(|pull| pull.is_of_own_branch() && pull.head.branch == head_branch);
        Ok(pulls)
    }

    /// Lists the open pull requests, newest first, those of forks included.
    pub async fn open_pulls(&self) -> Result<Vec<PullRequest>, ForgeError> {
        self.list_pulls("", PullQuery::Open).await
    }

    /// Lists the closed and merged pull requests of these branches of this repository, newest first; nothing where the list of all closed
    /// ones has more pages.
    pub(crate) async fn closed_pulls(
        &self,
        branches: &BTreeSet<String>,
        pages: usize,
    ) -> Result<Option<Vec<PullRequest>>, ForgeError> {
        let path = self.path("/pulls?state=closed&sort=created&direction=desc");
        // There may be thousands of others.
        let of_branches = |page: Vec<PullRequest>| {
            page.into_iter()
                .filter(|pull| pull.is_of_own_branch() && branches.contains(&pull.head.branch))
                .collect()
        };
        self.list_up_to(pages, &path, of_branches).await
    }

    /// Returns the numbers of those of these open pull requests that wait in a merge queue. They are named as in GraphQL.
    pub(crate) async fn queued(&self, ids: &[String]) -> Result<BTreeSet<u64>, ForgeError> {
        let mut queued = BTreeSet::new();
        // GraphQL, which alone tells of queues, answers nobody without a token.
        if self.settings.credentials.is_none() {
            return Ok(queued);
        }
        for page in ids.chunks(PER_PAGE) {
            match self.queued_among(page).await {
                Ok(found) => queued.extend(found),
                Err(error) if knows_no_queues(&error) => return Ok(BTreeSet::new()),
                Err(error) => return Err(error),
            }
        }
        Ok(queued)
    }

    async fn queued_among(&self, ids: &[String]) -> Result<Vec<u64>, ForgeError> {
        const QUERY: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename \
                             ... on PullRequest { number isInMergeQueue } } }";
        let NodesAnswer { nodes } = self
            .query("isInMergeQueue", QUERY, json!({ "ids": ids }))
            .await?;
        let mut queued = Vec::new();
        let mut told = 0;
        for node in nodes.into_iter().flatten() {
            told += usize::from(node.number.is_some());
            queued.extend(node.number.filter(|_| node.is_in_merge_queue));
        }
        // One that is not told of may wait in a queue.
        if told != ids.len() {
            return Err(ForgeError::Shape {
                method: "POST".to_owned(),
                path: "/graphql (isInMergeQueue)".to_owned(),
                reason: format!("it tells of {told} of {} pull requests", ids.len()),
            });
        }
        Ok(queued)
    }

    /// Tells whether an open pull request goes to a branch.
    pub(crate) async fn is_base_of_open(&self, branch: &str) -> Result<bool, ForgeError> {
        let filter = format!("&base={}", encode(branch));
        let pulls = self.list_pulls(&filter, PullQuery::Open).await?;
        // GitHub ignores a base that it does not understand and answers with everything.
        Ok(pulls.iter().any(|pull| pull.base.branch == branch))
    }

    async fn list_pulls(
        &self,
        filter: &str,
        query: PullQuery,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        let state = match query {
            PullQuery::Open => "open",
            PullQuery::All => "all",
        };
        let query = format!("/pulls?state={state}&sort=created&direction=desc{filter}");
        let path = self.path(&query);
        self.list(&path, |page: Vec<PullRequest>| page).await
    }

    /// Reads a pull request, with whether it waits in a merge queue.
    pub async fn pull(&self, number: u64) -> Result<PullRequest, ForgeError> {
        let mut pull = self.plain_pull(number).await?;
        // GraphQL, which alone tells of queues, answers nobody without a token.
        if pull.state == PullState::Open && !self.settings.credentials.is_none() {
            pull.is_queued = self.is_queued(number).await?;
        }
        Ok(pull)
    }

    /// Tells whether a pull request is open.
    pub async fn is_open(&self, number: u64) -> Result<bool, ForgeError> {
        Ok(self.plain_pull(number).await?.state == PullState::Open)
    }

    pub(super) async fn plain_pull(&self, number: u64) -> Result<PullRequest, ForgeError> {
        self.get(self.path(&format!("/pulls/{number}"))).await
    }

    /// Asks whether a pull request waits in a merge queue. A GitHub Enterprise that knows no queues has none.
    async fn is_queued(&self, number: u64) -> Result<bool, ForgeError> {
        const QUERY: &str = "query($owner: String!, $name: String!, $number: Int!) { \
                             repository(owner: $owner, name: $name) { \
                             pullRequest(number: $number) { isInMergeQueue } } }";
        let variables = json!({
            "owner": self.settings.owner, "name": self.settings.repository, "number": number,
        });
        let asked = self.query("isInMergeQueue", QUERY, variables).await;
        let answer: QueueAnswer = match asked {
            Ok(answer) => answer,
            Err(error) if knows_no_queues(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        let pull = answer.repository.and_then(|found| found.pull_request);
        Ok(pull.is_some_and(|pull| pull.is_in_merge_queue == Some(true)))
    }

    /// Opens a pull request. One that is open already for these two branches is adopted.
    pub async fn create_pull(&self, new: &NewPull) -> Result<Created, ForgeError> {
        let body = json!({
            "title": new.title,
            "body": new.body,
            "head": new.head,
            "base": new.base,
            "draft": new.draft,
        });
        let request = Request::write(Method::POST, self.path("/pulls"), body);
        let open = async || {
            let opened: Opened = self.exchange(&request).await?.read()?;
            Ok(Created {
                number: opened.number,
                adopted: false,
            })
        };
        let find = async || {
            let open = self.find_pulls(&new.head, PullQuery::Open).await?;
            let same = open.iter().find(|pull| pull.base.branch == new.base);
            Ok(same.map(|pull| Created {
                number: pull.number,
                adopted: true,
            }))
        };
        let error = match self.settle(open, find).await {
            Err(error) if error.cause() == Some(Cause::PullExists) => error,
            other => return other,
        };
        find().await?.ok_or(error)
    }

    /// Changes a pull request; what is not named stays.
    pub async fn update_pull(&self, number: u64, change: &PullChange) -> Result<(), ForgeError> {
        let state = change
            .is_open
            .map(|open| if open { "open" } else { "closed" });
        let fields = [
            ("title", change.title.as_deref()),
            ("body", change.body.as_deref()),
            ("base", change.base.as_deref()),
            ("state", state),
        ];
        let body: Value = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))))
            .collect();
        let path = self.path(&format!("/pulls/{number}"));
        let request = Request::write(Method::PATCH, path, body);
        let update = async || self.exchange(&request).await.map(|_| ());
        let find = async || {
            let pull = self.plain_pull(number).await?;
            Ok(is_changed(&pull, change).then_some(()))
        };
        self.settle(update, find).await
    }

    /// Makes a pull request a draft, or ready for review.
    pub async fn set_draft(&self, pull: &PullRequest, is_draft: bool) -> Result<(), ForgeError> {
        let (name, query) = if is_draft {
            (
                "convertPullRequestToDraft",
                "mutation($input: ConvertPullRequestToDraftInput!) { \
                 result: convertPullRequestToDraft(input: $input) { pullRequest { isDraft } } }",
            )
        } else {
            (
                "markPullRequestReadyForReview",
                "mutation($input: MarkPullRequestReadyForReviewInput!) { \
                 result: markPullRequestReadyForReview(input: $input) { pullRequest { isDraft } } }",
            )
        };
        let input = json!({ "pullRequestId": node_id(pull)? });
        let mutate = async || self.mutate(name, query, &input).await;
        let find = async || {
            let now = self.plain_pull(pull.number).await?;
            Ok((now.is_draft == is_draft).then_some(()))
        };
        self.settle(mutate, find).await
    }

    /// Merges a pull request, if its branch is still at this commit.
    pub async fn merge(
        &self,
        number: u64,
        head: &str,
        method: MergeMethod,
    ) -> Result<(), ForgeError> {
        let path = self.path(&format!("/pulls/{number}/merge"));
        let body = json!({ "sha": head, "merge_method": method.as_str() });
        let request = Request::write(Method::PUT, path, body);
        let merge = async || self.exchange(&request).await.map(|_| ());
        let find = async || {
            let pull = self.plain_pull(number).await?;
            // Merged at another commit, it was somebody else's doing.
            let is_merged =
                pull.state == PullState::Merged && pull.head.commit.as_deref() == Some(head);
            Ok(is_merged.then_some(()))
        };
        self.settle(merge, find).await
    }

    /// Lets GitHub merge a pull request when all that is required is there, if its branch is still at this commit.
    pub async fn enable_auto_merge(
        &self,
        pull: &PullRequest,
        method: MergeMethod,
        head: &str,
    ) -> Result<(), ForgeError> {
        const QUERY: &str = "mutation($input: EnablePullRequestAutoMergeInput!) { \
                             result: enablePullRequestAutoMerge(input: $input) { pullRequest { isDraft } } }";
        let input = json!({
            "pullRequestId": node_id(pull)?,
            "mergeMethod": method.as_str().to_uppercase(),
            "expectedHeadOid": head,
        });
        let mutate = async || {
            self.mutate("enablePullRequestAutoMerge", QUERY, &input)
                .await
        };
        let find = async || {
            let now = self.plain_pull(pull.number).await?;
            // It may have been merged already, as there was nothing to wait for.
            let is_done = now.auto_merge.is_some() || now.state == PullState::Merged;
            Ok(is_done.then_some(()))
        };
        self.settle(mutate, find).await
    }

    /// Takes back that GitHub merges a pull request.
    pub async fn disable_auto_merge(&self, pull: &PullRequest) -> Result<(), ForgeError> {
        const QUERY: &str = "mutation($input: DisablePullRequestAutoMergeInput!) { \
                             result: disablePullRequestAutoMerge(input: $input) { pullRequest { isDraft } } }";
        let input = json!({ "pullRequestId": node_id(pull)? });
        let mutate = async || {
            self.mutate("disablePullRequestAutoMerge", QUERY, &input)
                .await
        };
        let find = async || {
            let now = self.plain_pull(pull.number).await?;
            let is_done = now.auto_merge.is_none() || now.state == PullState::Merged;
            Ok(is_done.then_some(()))
        };
        self.settle(mutate, find).await
    }
}

/// Tells whether a GitHub Enterprise knows no merge queues.
fn knows_no_queues(error: &ForgeError) -> bool {
    matches!(error, ForgeError::Unprocessable { refusal, .. } if refusal.message.contains("doesn't exist"))
}

fn is_changed(pull: &PullRequest, change: &PullChange) -> bool {
    let is_open = pull.state == PullState::Open;
    change
        .title
        .as_ref()
        .is_none_or(|title| *title == pull.title)
        && change
            .body
            .as_ref()
            .is_none_or(|body| is_same_text(body, &pull.body))
        && change
            .base
            .as_ref()
            .is_none_or(|base| *base == pull.base.branch)
        && change.is_open.is_none_or(|wanted| wanted == is_open)
}

/// Compares texts as GitHub keeps them: it may change the ends of lines and of the text.
pub(super) fn is_same_text(a: &str, b: &str) -> bool {
    a.trim().replace("\r\n", "\n") == b.trim().replace("\r\n", "\n")
}

fn node_id(pull: &PullRequest) -> Result<&str, ForgeError> {
    pull.node_id.as_deref().ok_or_else(|| ForgeError::Shape {
        method: "GET".to_owned(),
        path: format!("/pulls/{}", pull.number),
        reason: "the pull request has no node_id, which GraphQL needs".to_owned(),
    })
}
