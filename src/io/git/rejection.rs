//! What a server's answer to a push means for each ref. It asks nobody.

use std::fmt;

use git2::Oid;

/// Words of forges whose rules protect a branch.
const RULES: [&str; 5] = [
    "protected branch",
    "repository rule violations",
    "GH006",
    "GH013",
    "protected ref",
];

/// Why a ref was not moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Somebody else moved it since it was seen.
    Stale {
        /// Where it is now.
        now: Option<Oid>,
    },
    /// A hook of the server says no, in these words.
    Hook(String),
    /// The server takes fast-forwards alone.
    NonFastForward,
    /// A rule of the forge protects it, in these words.
    Protected(String),
    /// The answer was lost and the ref is where it was, unless the server is still at it; the phrase says what happened.
    Unanswered(String),
    /// Anything else, in the server's words.
    Other(String),
}

impl Rejection {
    /// Says what to do, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Stale { .. } => Some("the next run looks again"),
            Self::Hook(_) | Self::Protected(_) | Self::NonFastForward => {
                Some("let the token move and extend branches of pullRequests.prefix")
            }
            Self::Unanswered(_) => Some("run it again: it looks first"),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { now: Some(now) } => write!(f, "somebody else moved it to {now}"),
            Self::Stale { now: None } => f.write_str("somebody else removed it"),
            Self::Hook(text) => write!(f, "rejected by a hook of the server: {text}"),
            Self::NonFastForward => f.write_str("the server rejects non-fast-forward updates"),
            Self::Protected(text) => write!(f, "protected by a rule of the forge: {text}"),
            Self::Unanswered(text) => write!(f, "not moved, and no answer: {text}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Sorts what git says of a ref that was not moved, with what the server says to people: `[remote rejected] (pre-receive hook
/// declined)`. GitHub names its rules by number: GH006 for protected branches, GH013 for rule sets.
pub(super) fn classify(summary: &str, remarks: &str) -> Rejection {
    let (_, reason) = summary.split_once('(').unwrap_or(("", summary));
    let why = reason.trim_end().trim_end_matches(')');
    let in_full = if remarks.is_empty() {
        why.to_owned()
    } else {
        format!("{why}: {remarks}")
    };
    if why == "stale info" {
        // Where it is now is found by looking.
        Rejection::Stale { now: None }
    } else if why == "non-fast-forward" {
        Rejection::NonFastForward
    } else if RULES.iter().any(|word| in_full.contains(word)) {
        // Before hooks: GitHub tells its rules as `protected branch hook declined`.
        Rejection::Protected(in_full)
    } else if why.contains("hook declined") {
        Rejection::Hook(in_full)
    } else {
        Rejection::Other(in_full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_servers_are_sorted() {
        let sorted =
            |why: &str, remarks: &str| classify(&format!("[remote rejected] ({why})"), remarks);
        assert_eq!(sorted("non-fast-forward", ""), Rejection::NonFastForward);
        assert_eq!(
            sorted("pre-receive hook declined", "no tabs"),
            Rejection::Hook("pre-receive hook declined: no tabs".to_owned())
        );
        let protected = sorted(
            "protected branch hook declined",
            "error: GH006: Protected branch update failed for refs/heads/main.",
        );
        assert!(matches!(protected, Rejection::Protected(text) if text.contains("GH006")));
        let rules = sorted("push declined due to repository rule violations", "");
        assert!(matches!(rules, Rejection::Protected(_)));
        let workflow = "refusing to allow a GitHub App to create or update workflow without `workflows` permission";
        assert_eq!(sorted(workflow, ""), Rejection::Other(workflow.to_owned()));
    }
}
