//! What GitHub refuses, in its own words, and what got no answer. No error holds a token.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use crate::io::http::{HttpError, conceal};

/// How much of a message is kept.
const MESSAGE_LIMIT: usize = 500;

/// An answer of GitHub that is a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeRefusal {
    /// The method: `POST`.
    pub method: String,
    /// The path without its query: `/repos/OWNER/NAME/pulls`; for GraphQL with the operation's name.
    pub path: String,
    /// The status; 200 where GraphQL refuses.
    pub status: u16,
    /// GitHub's message with its details, on one line.
    pub message: String,
}

impl fmt::Display for ForgeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            path,
            status,
            message,
        } = self;
        write!(f, "{method} {path} answers {status}: {message}")
    }
}

/// Why GitHub cannot do what was asked, as far as it matters for what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There is an open pull request of this branch already.
    PullExists,
    /// The branch has no commit that its base does not have.
    NoCommits,
    /// The closed pull request stays closed: its branch was moved, deleted, or has nothing new.
    CannotReopen,
    /// The repository's plan has no drafts.
    DraftsUnsupported,
    /// A label or ref of this name is there already.
    AlreadyExists,
    /// The new commit does not follow the old one.
    NotFastForward,
    /// A rule of the repository keeps the branch from being moved so.
    Protected,
    /// Auto-merge has nothing to wait for: the pull request could be merged now.
    NothingToWaitFor,
    /// Auto-merge is switched off in the repository.
    AutoMergeOff,
    /// The branch has another head than the one named.
    HeadMoved,
    /// Anything else.
    Other,
}

/// A request to GitHub that did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// There is no such thing, or the token may not see it.
    #[error("{0}")]
    NotFound(ForgeRefusal),
    /// The token is missing, wrong or expired.
    #[error("{0}")]
    Unauthorized(ForgeRefusal),
    /// The token may not do this.
    #[error("{refusal}{}", needed(needs.as_deref()))]
    Forbidden {
        /// What GitHub said.
        refusal: ForgeRefusal,
        /// The permission it asks for, as GitHub writes it: `checks=read`.
        needs: Option<String>,
    },
    /// The request is understood and cannot be done.
    #[error("{refusal}")]
    Unprocessable {
        /// What GitHub said.
        refusal: ForgeRefusal,
        /// What that means.
        cause: Cause,
    },
    /// The branch has moved since it was looked at.
    #[error("{0}")]
    Conflict(ForgeRefusal),
    /// The pull request cannot be merged now.
    #[error("{0}")]
    NotMergeable(ForgeRefusal),
    /// Any other status, such as 500 after all repetitions.
    #[error("{0}")]
    Refused(ForgeRefusal),
    /// GitHub wants a longer pause than may be waited for.
    #[error("{method} {path}: GitHub's rate limit is used up until {until}")]
    RateLimited {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// When requests are answered again.
        until: Timestamp,
    },
    /// A branch is not where it was last seen; nothing was moved.
    #[error("branch {branch} is at {}, expected {}", shown(found.as_deref()), shown(expected.as_deref()))]
    Moved {
        /// The branch.
        branch: String,
        /// The commit that it was expected at; nothing where it should not exist.
        expected: Option<String>,
        /// The commit that it is at.
        found: Option<String>,
    },
    /// There was no answer, so nobody knows whether it was done.
    #[error("{method} {path}: {source}")]
    Http {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// What happened.
        source: HttpError,
    },
    /// The answer is not what GitHub documents, as a web page in its place.
    #[error("{method} {path}: {reason}")]
    Shape {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings or credentials cannot be used.
    #[error("{reason}")]
    Credentials {
        /// Why not.
        reason: String,
    },
}

impl ForgeError {
    /// Tells whether the work may have been done all the same.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Http { source, .. } => !matches!(
                source,
                // These fail before anything is sent.
                HttpError::BadUrl { .. }
                    | HttpError::NotCached { .. }
                    | HttpError::PlainToken { .. }
                    | HttpError::Setup { .. }
            ),
            // The work may be done, and only its answer cannot be read.
            Self::Shape { .. } => true,
            // A proxy may answer so while the work goes on behind it.
            Self::Refused(refusal) => refusal.status >= 500,
            Self::NotFound(_)
            | Self::Unauthorized(_)
            | Self::Forbidden { .. }
            | Self::Unprocessable { .. }
            | Self::Conflict(_)
            | Self::NotMergeable(_)
            | Self::RateLimited { .. }
            | Self::Moved { .. }
            | Self::Credentials { .. } => false,
        }
    }

    /// Returns the meaning of an [`ForgeError::Unprocessable`].
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Unprocessable { cause, .. } => Some(*cause),
            _ => None,
        }
    }

    /// Says what to do, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unauthorized(_) => "check the token: it is missing, wrong or expired".to_owned(),
            Self::Forbidden {
                needs: Some(needs), ..
            } => format!("give the token this permission: {needs}"),
            Self::Forbidden { needs: None, .. } => {
                "the token lacks a permission for this request".to_owned()
            }
            Self::NotFound(_) => {
                "check the repository's name and whether the token may see it".to_owned()
            }
            Self::RateLimited { until, .. } => format!("run again after {until}"),
            Self::Moved { .. } => "somebody moved the branch; run again to look anew".to_owned(),
            Self::Credentials { .. } => {
                "check the App's id, its key, and that it is installed on the repository; without an App, check pullRequests.api".to_owned()
            }
            Self::Unprocessable { .. }
            | Self::Conflict(_)
            | Self::NotMergeable(_)
            | Self::Refused(_)
            | Self::Http { .. }
            | Self::Shape { .. } => return None,
        })
    }

    /// Reads a status that is no success.
    pub(super) fn of_status(refusal: ForgeRefusal, needs: Option<String>) -> Self {
        match refusal.status {
            401 => Self::Unauthorized(refusal),
            403 => Self::Forbidden { refusal, needs },
            404 | 410 => Self::NotFound(refusal),
            405 => Self::NotMergeable(refusal),
            409 => Self::Conflict(refusal),
            422 => Self::Unprocessable {
                cause: cause_of(&refusal.message),
                refusal,
            },
            _ => Self::Refused(refusal),
        }
    }

    /// Reads an error of GraphQL.
    pub(super) fn of_graphql(refusal: ForgeRefusal, kind: &str) -> Self {
        match kind {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => Self::Forbidden {
                refusal,
                needs: None,
            },
            "NOT_FOUND" => Self::NotFound(refusal),
            _ => Self::Unprocessable {
                cause: cause_of(&refusal.message),
                refusal,
            },
        }
    }
}

/// Reads what a message means. GitHub gives no codes for these.
fn cause_of(message: &str) -> Cause {
    let words = message.to_lowercase();
    // The first one that is found counts, so longer words stand before those that are a part of them.
    let causes = [
        ("pull request already exists", Cause::PullExists),
        ("no commits between", Cause::NoCommits),
        ("state cannot be changed", Cause::CannotReopen),
        (
            "draft pull requests are not supported",
            Cause::DraftsUnsupported,
        ),
        ("already exists", Cause::AlreadyExists),
        ("already_exists", Cause::AlreadyExists),
        ("not a fast forward", Cause::NotFastForward),
        ("cannot force-push", Cause::Protected),
        ("protected branch", Cause::Protected),
        ("repository rule violations", Cause::Protected),
        ("in clean status", Cause::NothingToWaitFor),
        ("auto merge is not allowed", Cause::AutoMergeOff),
        ("head branch was modified", Cause::HeadMoved),
    ];
    let found = causes.iter().find(|(part, _)| words.contains(part));
    found.map_or(Cause::Other, |(_, cause)| *cause)
}

/// An error's body. Source: "Client errors" of GitHub's REST API.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

/// Returns the message of an error's body with its details.
pub(super) fn message_of(body: &[u8]) -> String {
    let Ok(Body { message, errors }) = serde_json::from_slice(body) else {
        return "the answer is not JSON".to_owned();
    };
    let details = errors.iter().map(|error| {
        if let Some(text) = error.as_str().or(error["message"].as_str()) {
            return text.to_owned();
        }
        let words = ["resource", "field", "code"].map(|name| error[name].as_str());
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    let mut text = message;
    for detail in details.filter(|detail| !detail.is_empty()) {
        text = format!("{text}: {detail}");
    }
    tidy(&text)
}

/// Puts a text of another machine on one line without control characters, and cuts what is too long.
pub(super) fn tidy(text: &str) -> String {
    // A half of a secret, which a cut would leave, would not be known as one.
    let concealed = conceal(text);
    let words = concealed.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match line.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

fn needed(needs: Option<&str>) -> String {
    needs
        .map(|needs| format!(" (needs {needs})"))
        .unwrap_or_default()
}

fn shown(oid: Option<&str>) -> &str {
    oid.unwrap_or("nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_with_their_details() {
        let body = br#"{"message":"Validation Failed","errors":[
            {"resource":"PullRequest","code":"custom","message":"A pull request already exists for acme:x."},
            {"resource":"Label","code":"already_exists","field":"name"}, "text"]}"#;
        let message = message_of(body);
        assert_eq!(
            message,
            "Validation Failed: A pull request already exists for acme:x.: Label name already_exists: text"
        );
        assert_eq!(cause_of(&message), Cause::PullExists);
        assert_eq!(message_of(b"<html>"), "the answer is not JSON");
    }

    #[test]
    fn texts_of_others_cannot_write_on_the_terminal() {
        assert_eq!(tidy("a\x1b[2J\n b\r\nc"), "a [2J b c");
        assert_eq!(tidy(&"ä".repeat(600)).chars().count(), 503);
    }
}
