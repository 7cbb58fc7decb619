//! What can go wrong between this repository and one elsewhere. No error holds a token.

use git2::Oid;

use crate::io::forge::ForgeError;
use crate::io::http::HttpError;

/// A remote that did not do what was asked. It never holds a token.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The URL is of no use.
    #[error("invalid remote `{url}`: {reason}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The repository names no remote.
    #[error("the repository has no remote `origin`")]
    NoOrigin,
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The App gets no token.
    #[error("the App cannot sign in: {0}")]
    SignIn(#[source] ForgeError),
    /// The server wants a token, or a better one.
    #[error("{url} {}", if *has_token { "does not accept the token" } else { "requires a token" })]
    Unauthorized {
        /// The URL.
        url: String,
        /// Whether a token was sent.
        has_token: bool,
    },
    /// The token has not this right.
    #[error("{url} refuses access (403){}", after_colon(message))]
    Forbidden {
        /// The URL.
        url: String,
        /// The server's words.
        message: String,
    },
    /// There is nothing, or nothing that this token may see.
    #[error("{url} not found, or not visible to this token")]
    NotFound {
        /// The URL.
        url: String,
    },
    /// A status that is none of git's.
    #[error("{url} answered with status {status}{}", after_colon(message))]
    Status {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// The answer is none of git's.
    #[error("the answer from {url} is not git's: {found}")]
    NotGit {
        /// The URL.
        url: String,
        /// What it is.
        found: String,
    },
    /// Nobody answers there.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The URL.
        url: String,
        /// Git's words.
        reason: String,
    },
    /// The server does not go on.
    #[error("cannot reach {url}: {reason}")]
    Silent {
        /// The URL.
        url: String,
        /// What it failed to do.
        reason: String,
    },
    /// It takes too long as a whole.
    #[error("no answer from {url} within {seconds} seconds")]
    TimedOut {
        /// The URL.
        url: String,
        /// The limit.
        seconds: u64,
    },
    /// More comes than anybody needs.
    #[error("the answer from {url} is longer than that of any repository")]
    TooLarge {
        /// The URL.
        url: String,
    },
    /// Another host wants the token.
    #[error("{url} redirects to {target}: a token is not sent to another host")]
    Redirected {
        /// The URL.
        url: String,
        /// The other host.
        target: String,
    },
    /// Git failed for another reason.
    #[error("git failed at {url}: {message}")]
    Failed {
        /// The URL.
        url: String,
        /// Git's words.
        message: String,
    },
    /// There is no git program.
    #[error("cannot run git: {0}")]
    NoGit(#[source] std::io::Error),
    /// The repository that git works in cannot be made.
    #[error("cannot make a temporary repository for git: {0}")]
    Private(#[source] std::io::Error),
    /// The answer ended too early.
    #[error("the answer from {url} ended too early")]
    Incomplete {
        /// The URL.
        url: String,
    },
    /// The server says that it failed.
    #[error("{url} refused: {message}")]
    Refused {
        /// The URL.
        url: String,
        /// The server's words.
        message: String,
    },
    /// The server speaks a dialect that this program does not.
    #[error("{url} uses {what}, which this program does not know")]
    Unsupported {
        /// The URL.
        url: String,
        /// The dialect.
        what: String,
    },
    /// Objects are missing here.
    #[error("commit {id} is incomplete in this clone")]
    Missing {
        /// The commit.
        id: Oid,
    },
    /// A push that would carry a history.
    #[error("the push would carry more than {limit} commits")]
    TooMany {
        /// The most that a push carries.
        limit: usize,
    },
    /// A push whose end is not known.
    #[error("cannot tell whether the push to {url} was done: {push}; cannot read its refs: {read}")]
    Lost {
        /// The URL.
        url: String,
        /// What happened to the push.
        push: String,
        /// What happened to the question after it.
        read: String,
    },
    /// Git failed.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
}

/// A server need not say more than a status.
fn after_colon(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

impl RemoteError {
    /// Says what to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Url { .. } => {
                "use https://HOST/OWNER/REPOSITORY.git or a path; an ssh URL becomes https where there is a token"
            }
            Self::NoOrigin => "add one with git remote add origin URL",
            Self::SignIn(_) => "check the App's id, key and installation; run csctl-matrix doctor",
            Self::Unauthorized { has_token, .. } if !has_token => "set GITHUB_TOKEN",
            Self::Unauthorized { .. } => "check whether the token has expired",
            Self::Forbidden { .. } => {
                "give the token the right to write contents, and workflows where those change"
            }
            Self::NotFound { .. } => "check the URL, and that the token may see the repository",
            Self::NotGit { .. } => {
                "check the URL, and whether a proxy or a login page is in between"
            }
            Self::Missing { .. } => "check the clone with git fsck, or make a new one",
            Self::TooMany { .. } => "build the commit on one that the remote has",
            Self::Unsupported { .. } => {
                "use a repository with SHA-1 objects, which is git's default"
            }
            Self::Git(_) => "check the repository with git fsck, and its space and permissions",
            Self::Lost { .. } => "run it again: it looks first",
            Self::Redirected { .. } => {
                "correct the remote's URL, or name the new place with --remote"
            }
            Self::TooLarge { .. } => "check that the URL is that of a git server",
            Self::NoGit(_) => "install git 2.25 or newer, and check PATH",
            Self::Private(_) => "check the space and the permissions of the temporary directory",
            Self::Failed { .. } => "try it with git: git ls-remote URL",
            Self::Http(_)
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::TimedOut { .. }
            | Self::Status { .. }
            | Self::Incomplete { .. }
            | Self::Refused { .. } => "run it again later",
        }
    }
}

impl RemoteError {
    /// Tells whether asking again may help.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Incomplete { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502..=504),
            _ => false,
        }
    }

    /// Tells whether a limit of the forge is used up: it goes for git, too, and for buying a token.
    pub(crate) fn is_limit(&self) -> bool {
        match self {
            Self::SignIn(ForgeError::RateLimited { .. }) | Self::Status { status: 429, .. } => true,
            Self::Forbidden { message, .. } => message.to_lowercase().contains("rate limit"),
            _ => false,
        }
    }

    /// Tells whether the server has certainly not taken the request.
    pub(super) fn is_certain(&self) -> bool {
        matches!(
            self,
            Self::SignIn(_)
                | Self::Unauthorized { .. }
                | Self::Forbidden { .. }
                | Self::NotFound { .. }
                | Self::Unreachable { .. }
                | Self::Redirected { .. }
                | Self::Http(_)
                | Self::NoGit(_)
                | Self::Private(_)
                | Self::Git(_)
        )
    }
}
