//! What is said about a pull request: labels and comments. Who is asking, and of which repository.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pulls::is_same_text;
use super::request::{Request, encode};
use super::{Cause, Comment, ForgeError, GitHub, RepositoryInfo};

/// Whom the token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The login: `ada`, `github-actions[bot]`.
    pub login: String,
    /// The user's number, which the noreply address begins with.
    pub id: Option<u64>,
}

#[derive(Deserialize)]
struct ViewerAnswer {
    viewer: ViewerWire,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ViewerWire {
    login: String,
    database_id: Option<u64>,
}

impl GitHub {
    /// Reads what holds for the repository.
    pub async fn repository(&self) -> Result<RepositoryInfo, ForgeError> {
        let reply = self.exchange(&Request::read(self.path(""))).await?;
        let found: RepositoryInfo = reply.read()?;
        let header = reply.headers.get("x-oauth-scopes");
        Ok(found.with_scopes(header.and_then(|list| list.to_str().ok())))
    }

    /// Asks whom the token stands for. Unlike `GET /user` this works with every kind of token.
    pub async fn viewer(&self) -> Result<Viewer, ForgeError> {
        const QUERY: &str = "query { viewer { login databaseId } }";
        let answer = self.query("viewer", QUERY, json!({})).await?;
        let ViewerAnswer { viewer } = answer;
        Ok(Viewer {
            login: viewer.login,
            id: viewer.database_id,
        })
    }

    /// Tells whether there is a label of this name.
    pub(crate) async fn has_label(&self, name: &str) -> Result<bool, ForgeError> {
        let path = self.path(&format!("/labels/{}", encode(name)));
        let found: Option<Value> = self.find(path).await?;
        Ok(found.is_some())
    }

    /// Makes a label, unless there is one of this name; returns whether it was made.
    pub async fn create_label_if_missing(
        &self,
        name: &str,
        color: &str,
        description: &str,
    ) -> Result<bool, ForgeError> {
        let path = self.path(&format!("/labels/{}", encode(name)));
        let find = async || {
            let found: Option<Value> = self.find(path.clone()).await?;
            Ok(found.map(|_| false))
        };
        // Mostly it is there, and a read does not wait for its turn as a write does.
        if let Some(made) = find().await? {
            return Ok(made);
        }
        let body = json!({ "name": name, "color": color, "description": description });
        let request = Request::write(Method::POST, self.path("/labels"), body);
        let create = async || self.exchange(&request).await.map(|_| true);
        match self.settle(create, find).await {
            Err(error) if error.cause() == Some(Cause::AlreadyExists) => Ok(false),
            other => other,
        }
    }

    /// Puts labels on a pull request; those it has stay.
    pub async fn add_labels(&self, number: u64, labels: &[&str]) -> Result<(), ForgeError> {
        let path = self.path(&format!("/issues/{number}/labels"));
        let request = Request::write(Method::POST, path, json!({ "labels": labels }));
        let add = async || self.exchange(&request).await.map(|_| ());
        let find = async || {
            let found = self.labels(number).await?;
            let is_done = labels.iter().all(|label| has_label(&found, label));
            Ok(is_done.then_some(()))
        };
        self.settle(add, find).await
    }

    /// Takes a label off a pull request, where it has it.
    pub async fn remove_label(&self, number: u64, label: &str) -> Result<(), ForgeError> {
        let path = self.path(&format!("/issues/{number}/labels/{}", encode(label)));
        let request = Request::delete(path);
        let remove = async || match self.exchange(&request).await {
            // It is off, whoever took it off.
            Ok(_) | Err(ForgeError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        };
        let find = async || {
            let found = self.labels(number).await?;
            Ok((!has_label(&found, label)).then_some(()))
        };
        self.settle(remove, find).await
    }

    async fn labels(&self, number: u64) -> Result<Vec<String>, ForgeError> {
        Ok(self.plain_pull(number).await?.labels)
    }

    /// Reads the conversation of a pull request, oldest first.
    pub async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        let path = self.path(&format!("/issues/{number}/comments"));
        self.list(&path, |page: Vec<Comment>| page).await
    }

    /// Writes a comment and returns its number.
    pub async fn create_comment(&self, number: u64, body: &str) -> Result<u64, ForgeError> {
        #[derive(Deserialize)]
        struct Written {
            id: u64,
        }
        let path = self.path(&format!("/issues/{number}/comments"));
        let request = Request::write(Method::POST, path, json!({ "body": body }));
        let write = async || {
            let written: Written = self.exchange(&request).await?.read()?;
            Ok(written.id)
        };
        let find = async || {
            let comments = self.comments(number).await?;
            let mut newest_first = comments.iter().rev();
            let same = newest_first.find(|comment| is_same_text(&comment.body, body));
            Ok(same.map(|comment| comment.id))
        };
        self.settle(write, find).await
    }

    /// Writes a comment anew.
    pub async fn update_comment(&self, id: u64, body: &str) -> Result<(), ForgeError> {
        let path = self.path(&format!("/issues/comments/{id}"));
        let request = Request::write(Method::PATCH, path, json!({ "body": body }));
        let write = async || self.exchange(&request).await.map(|_| ());
        // The same text written twice is the same text.
        self.settle(write, async || Ok(None)).await
    }
}

/// Tells whether a label is there, in whatever spelling: the forge tells no capital letters from small ones.
fn has_label(labels: &[String], wanted: &str) -> bool {
    labels
        .iter()
        .any(|known| known.eq_ignore_ascii_case(wanted))
}
