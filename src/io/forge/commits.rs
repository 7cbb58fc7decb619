//! Commits that GitHub makes, and signs for a bot. They are objects that nothing points to until a branch is moved.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::request::Request;
use super::{ForgeError, GitHub};

/// A commit to be made. GitHub is told of no author: it takes the one whose token it is, and signs for a bot only then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiCommit {
    /// The commits that it follows.
    pub parents: Vec<String>,
    /// The files, as a tree.
    pub tree: String,
    /// The message.
    pub message: String,
}

/// A file that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiFile {
    /// The path in the repository.
    pub path: String,
    /// The new content; nothing takes the file away.
    pub content: Option<Vec<u8>>,
    /// Git's mode of it: `0o100644`, `0o100755` or `0o120000`.
    pub mode: u32,
}

/// A commit that was made, with what GitHub recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedCommit {
    /// The commit.
    pub oid: String,
    /// The author's name as recorded.
    pub author_name: Option<String>,
    /// The author's address as recorded; a sign-off has to name the same.
    pub author_email: Option<String>,
    /// Whether GitHub shows it as verified.
    pub is_verified: bool,
}

#[derive(Deserialize)]
struct ObjectWire {
    sha: String,
}

#[derive(Deserialize)]
struct CommitWire {
    sha: String,
    author: Option<PersonWire>,
    verification: Option<VerificationWire>,
}

#[derive(Deserialize)]
struct PersonWire {
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct VerificationWire {
    #[serde(default)]
    verified: bool,
}

impl GitHub {
    /// Makes a tree of another one and files that change, and returns it. An answer that is lost leaves an object that nobody
    /// sees, so it is made anew; so it is with a commit.
    pub async fn create_tree(
        &self,
        base_tree: &str,
        files: &[ApiFile],
    ) -> Result<String, ForgeError> {
        let mut entries = Vec::new();
        for file in files {
            entries.push(self.tree_entry(file).await?);
        }
        let body = json!({ "base_tree": base_tree, "tree": entries });
        let tree: ObjectWire = self.create_object("trees", body).await?;
        Ok(tree.sha)
    }

    /// Makes a commit without moving anything.
    pub async fn create_commit(&self, commit: &ApiCommit) -> Result<CreatedCommit, ForgeError> {
        let body = json!({
            "message": commit.message,
            "tree": commit.tree,
            "parents": commit.parents,
        });
        let made: CommitWire = self.create_object("commits", body).await?;
        let (author_name, author_email) = made
            .author
            .map_or((None, None), |author| (author.name, author.email));
        Ok(CreatedCommit {
            oid: made.sha,
            author_name,
            author_email,
            is_verified: made.verification.is_some_and(|found| found.verified),
        })
    }

    /// Returns the entry of a file: text travels within, anything else as a blob of its own.
    async fn tree_entry(&self, file: &ApiFile) -> Result<Value, ForgeError> {
        let mode = format!("{:06o}", file.mode);
        let mut entry = json!({ "path": file.path, "mode": mode, "type": "blob" });
        match file
            .content
            .as_deref()
            .map(|bytes| (bytes, std::str::from_utf8(bytes)))
        {
            // A null in place of the object takes the file away.
            None => entry["sha"] = Value::Null,
            Some((_, Ok(text))) => entry["content"] = json!(text),
            Some((bytes, Err(_))) => {
                let body = json!({ "content": STANDARD.encode(bytes), "encoding": "base64" });
                let blob: ObjectWire = self.create_object("blobs", body).await?;
                entry["sha"] = json!(blob.sha);
            }
        }
        Ok(entry)
    }

    async fn create_object<T: DeserializeOwned>(
        &self,
        kind: &str,
        body: Value,
    ) -> Result<T, ForgeError> {
        let request = Request::write(Method::POST, self.path(&format!("/git/{kind}")), body);
        let create = async || self.exchange(&request).await?.read();
        self.settle(create, async || Ok(None)).await
    }
}
