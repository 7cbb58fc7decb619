//! What git's words mean. They are English, as git is told to speak; what is not known here is shown as it is.

use super::RemoteError;
use super::place::origin;

/// The most of git's words that an error shows.
const MAX_SHOWN: usize = 300;

/// Words after which an answer ended too early.
const CUT: [&str; 12] = [
    "early EOF",
    "hung up unexpectedly",
    "unexpected disconnect",
    "bytes remaining to read",
    "Could not read from remote repository",
    "expected flush",
    "expected 'packfile'",
    "body are still expected",
    "bad pack header",
    "bad line length",
    "Empty reply from server",
    "Recv failure",
];

/// Words before which nothing was sent.
const UNREACHABLE: [&str; 3] = ["Failed to connect", "Couldn't connect", "Could not resolve"];

/// Says what it means that git failed.
pub(super) fn error(remarks: &str, url: &str, has_token: bool) -> RemoteError {
    let shown = shown(remarks);
    let says = |words: &[&str]| words.iter().any(|word| remarks.contains(word));
    let url = url.to_owned();
    if let Some(asked) = between(remarks, "could not read Username for '", "'") {
        let target = origin(asked).unwrap_or_else(|| asked.to_owned());
        return if origin(&url).is_some_and(|own| own != target) {
            RemoteError::Redirected { url, target }
        } else {
            RemoteError::Unauthorized { url, has_token }
        };
    }
    if says(&["Authentication failed", "could not read Password"]) {
        return RemoteError::Unauthorized { url, has_token };
    }
    if let Some(status) = status(remarks) {
        let message = of_server(remarks);
        return match status {
            401 => RemoteError::Unauthorized { url, has_token },
            403 => RemoteError::Forbidden { url, message },
            404 | 410 => RemoteError::NotFound { url },
            status => RemoteError::Status {
                url,
                status,
                message,
            },
        };
    }
    if let Some(message) = between(remarks, "remote error: ", "\n") {
        let message = message.to_owned();
        RemoteError::Refused { url, message }
    } else if remarks.contains("fatal: repository '") && remarks.contains("' not found") {
        RemoteError::NotFound { url }
    } else if says(&["mismatched algorithms", "unknown object format"]) {
        let what = "SHA-256 objects".to_owned();
        RemoteError::Unsupported { url, what }
    } else if says(&["is this a git repository", "invalid server response"]) {
        let found = shown;
        RemoteError::NotGit { url, found }
    } else if says(&["Operation too slow", "timed out after"]) {
        let reason = "no answer in time".to_owned();
        RemoteError::Silent { url, reason }
    } else if says(&UNREACHABLE) {
        let reason = shown;
        RemoteError::Unreachable { url, reason }
    } else if says(&CUT) {
        RemoteError::Incomplete { url }
    } else {
        let message = shown;
        RemoteError::Failed { url, message }
    }
}

/// Finds the status of HTTP that git names.
fn status(remarks: &str) -> Option<u16> {
    let after = ["The requested URL returned error: ", "RPC failed; HTTP "];
    after
        .iter()
        .find_map(|words| remarks.split_once(words)?.1.get(..3)?.parse().ok())
}

fn between<'t>(text: &'t str, before: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(end).map_or(rest, |(found, _)| found))
}

/// Returns what the server said to people: git puts `remote:` before each line of it.
pub(super) fn of_server(remarks: &str) -> String {
    let lines = remarks.lines();
    let said: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("remote:"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    limited(&said.join("\n"))
}

/// Returns git's words as an error shows them: on one line, without its advice and what it says of itself.
fn shown(remarks: &str) -> String {
    let is_told = |line: &&str| !line.starts_with("hint:") && !line.is_empty();
    let lines: Vec<&str> = remarks.lines().map(str::trim).filter(is_told).collect();
    let text = lines.join("; ");
    limited(text.strip_prefix("fatal: ").unwrap_or(&text))
}

fn limited(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}
