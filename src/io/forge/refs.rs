//! Branches: where they are, and moving them only from where they were last seen.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::request::{Request, encode};
use super::{ForgeError, GitHub};

/// What GraphQL calls a commit that is not there.
const NOTHING: &str = "0000000000000000000000000000000000000000";
/// How often a move is tried.
const ATTEMPTS: u32 = 3;

/// How a branch came to be where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// It was moved.
    Moved,
    /// It was there already.
    AlreadyThere,
}

#[derive(Deserialize)]
struct RefWire {
    object: ObjectWire,
}

#[derive(Deserialize)]
struct ObjectWire {
    sha: String,
}

/// How two commits stand to each other. Source: "Compare two commits" of GitHub's REST API.
#[derive(Deserialize)]
struct Comparison {
    status: String,
}

impl GitHub {
    /// Returns the commit of a branch; nothing where there is no such branch.
    pub async fn branch_head(&self, branch: &str) -> Result<Option<String>, ForgeError> {
        let name = encode(&format!("heads/{branch}"));
        let found: Option<RefWire> = self.find(self.path(&format!("/git/ref/{name}"))).await?;
        Ok(found.map(|found| found.object.sha))
    }

    /// Tells whether a commit is another one, or is built upon it.
    pub async fn contains(&self, commit: &str, ancestor: &str) -> Result<bool, ForgeError> {
        // The first page lists changed files, which nobody needs.
        let path = format!("/compare/{ancestor}...{commit}?per_page=1&page=2");
        // Commits without a common ancestor are not found.
        let found: Option<Comparison> = self.find(self.path(&path)).await?;
        Ok(found.is_some_and(|found| matches!(found.status.as_str(), "ahead" | "identical")))
    }

    /// Makes a branch that does not exist yet.
    pub async fn create_ref(&self, branch: &str, to: &str) -> Result<Swap, ForgeError> {
        self.swap_branch(branch, None, Some(to)).await
    }

    /// Moves a branch from one commit to another, which need not follow it.
    pub async fn update_ref(&self, branch: &str, from: &str, to: &str) -> Result<Swap, ForgeError> {
        self.swap_branch(branch, Some(from), Some(to)).await
    }

    /// Deletes a branch that is at this commit.
    pub async fn delete_ref(&self, branch: &str, from: &str) -> Result<Swap, ForgeError> {
        self.swap_branch(branch, Some(from), None).await
    }

    /// Makes, moves or deletes a branch, if it is where it is expected. GraphQL compares and swaps in one step; where it does not
    /// know that, the branch is read right before and right after, which leaves a moment between.
    async fn swap_branch(
        &self,
        branch: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Swap, ForgeError> {
        let now = self.branch_head(branch).await?;
        if now.as_deref() == to {
            return Ok(Swap::AlreadyThere);
        }
        expect_at(branch, from, now)?;
        let mut is_atomic = true;
        for attempt in 0..ATTEMPTS {
            let done = if is_atomic {
                self.swap_atomically(branch, from, to).await
            } else {
                self.swap_simply(branch, from, to).await
            };
            let Err(error) = done else {
                // Without GraphQL this look alone tells that nobody came in between.
                let now = self.branch_head(branch).await?;
                expect_at(branch, to, now)?;
                return Ok(Swap::Moved);
            };
            // With these nothing was done, and a look would be refused as well.
            if matches!(
                error,
                ForgeError::RateLimited { .. }
                    | ForgeError::Unauthorized(_)
                    | ForgeError::Credentials { .. }
            ) {
                return Err(error);
            }
            if error.is_lost() {
                self.channel.pause(attempt).await;
            }
            // Whatever was answered, where the branch is now is what counts.
            let now = self.branch_head(branch).await?;
            if now.as_deref() == to {
                return Ok(Swap::Moved);
            }
            expect_at(branch, from, now)?;
            if !is_atomic && !error.is_lost() || attempt + 1 == ATTEMPTS {
                return Err(error);
            }
            // A refusal may mean that this GitHub does not know the mutation, so the next attempt does without it.
            is_atomic = is_atomic && error.is_lost();
        }
        Err(ForgeError::Moved {
            branch: branch.to_owned(),
            expected: to.map(str::to_owned),
            found: from.map(str::to_owned),
        })
    }

    async fn swap_atomically(
        &self,
        branch: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), ForgeError> {
        const QUERY: &str =
            "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";
        let input = json!({
            "repositoryId": self.node_id().await?,
            "refUpdates": [{
                "name": format!("refs/heads/{branch}"),
                "beforeOid": from.unwrap_or(NOTHING),
                "afterOid": to.unwrap_or(NOTHING),
                "force": true,
            }],
        });
        self.mutate("updateRefs", QUERY, &input).await
    }

    async fn swap_simply(
        &self,
        branch: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), ForgeError> {
        let path = self.path(&format!("/git/refs/{}", encode(&format!("heads/{branch}"))));
        let request = match (from, to) {
            (None, _) => Request::write(
                Method::POST,
                self.path("/git/refs"),
                json!({ "ref": format!("refs/heads/{branch}"), "sha": to }),
            ),
            (Some(_), Some(to)) => {
                Request::write(Method::PATCH, path, json!({ "sha": to, "force": true }))
            }
            (Some(_), None) => Request::delete(path),
        };
        self.exchange(&request).await.map(|_| ())
    }

    /// Returns the repository's name in GraphQL; it is asked for once.
    async fn node_id(&self) -> Result<&str, ForgeError> {
        let found = self.node_id.get_or_try_init(|| self.find_node_id()).await;
        found.map(String::as_str)
    }

    async fn find_node_id(&self) -> Result<String, ForgeError> {
        let repository = self.repository().await?;
        repository.node_id.ok_or_else(|| ForgeError::Shape {
            method: "GET".to_owned(),
            path: self.path(""),
            reason: "the repository has no node_id, which GraphQL needs".to_owned(),
        })
    }
}

fn expect_at(branch: &str, wanted: Option<&str>, now: Option<String>) -> Result<(), ForgeError> {
    if now.as_deref() == wanted {
        return Ok(());
    }
    Err(ForgeError::Moved {
        branch: branch.to_owned(),
        expected: wanted.map(str::to_owned),
        found: now,
    })
}
