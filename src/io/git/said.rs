//! What git's words mean. They are English, as git is told to speak; what is not known here is shown as it is.

use super::RemoteError;
use super::place::{Access, origin};

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
pub(super) fn error(remarks: &str, access: &Access) -> RemoteError {
    let url = access.url.clone();
    let has_token = access.login.is_some();
    // Git would ask at a terminal: there is no login for this host.
    if let Some(asked) = between(remarks, "could not read Username for '", "'") {
        let target = origin(asked).unwrap_or_else(|| asked.to_owned());
        return if origin(&url).is_some_and(|own| own != target) {
            RemoteError::Redirected { url, target }
        } else {
            RemoteError::Unauthorized { url, has_token }
        };
    }
    if says(
        remarks,
        &["Authentication failed", "could not read Password"],
    ) {
        return RemoteError::Unauthorized { url, has_token };
    }
    // Before the words of an answer that was cut, which may follow a status.
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
        return RemoteError::Refused {
            url,
            message: message.to_owned(),
        };
    }
    if remarks.contains("fatal: repository '") && remarks.contains("' not found") {
        RemoteError::NotFound { url }
    } else if says(remarks, &["mismatched algorithms", "unknown object format"]) {
        RemoteError::Unsupported {
            url,
            what: "SHA-256 objects".to_owned(),
        }
    } else if says(
        remarks,
        &["is this a git repository", "invalid server response"],
    ) {
        RemoteError::NotGit {
            url,
            found: shown(remarks),
        }
    } else if says(remarks, &["Operation too slow", "timed out after"]) {
        RemoteError::Silent {
            url,
            reason: "no answer in time".to_owned(),
        }
    } else if says(remarks, &UNREACHABLE) {
        RemoteError::Unreachable {
            url,
            reason: shown(remarks),
        }
    } else if says(remarks, &CUT) {
        RemoteError::Incomplete { url }
    } else {
        RemoteError::Failed {
            url,
            message: shown(remarks),
        }
    }
}

fn says(remarks: &str, words: &[&str]) -> bool {
    words.iter().any(|word| remarks.contains(word))
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
    let lines: Vec<&str> = remarks
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("hint:") && !line.is_empty())
        .collect();
    let text = lines.join("; ");
    limited(text.strip_prefix("fatal: ").unwrap_or(&text))
}

fn limited(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

/// What git says of a ref that it pushed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PushedRef<'o> {
    /// One sign, such as `!` for one that was not moved.
    pub(super) flag: &'o str,
    /// Such as `[rejected] (stale info)`.
    pub(super) summary: &'o str,
}

/// Finds what `git push --porcelain` says of a ref: `FLAG<tab>FROM:TO<tab>SUMMARY (REASON)`, as git-push(1) has it.
pub(super) fn pushed_ref<'o>(output: &'o str, name: &str) -> Option<PushedRef<'o>> {
    output.lines().find_map(|line| {
        let mut fields = line.split('\t');
        let flag = fields.next()?;
        let (_, to) = fields.next()?.rsplit_once(':')?;
        (to == name).then(|| PushedRef {
            flag,
            summary: fields.next().unwrap_or_default(),
        })
    })
}

#[cfg(test)]
mod tests {
    //! What git 2.39.5 printed with libcurl, against small servers on loopback that answer so.

    use super::*;
    use crate::io::git::place::Login;
    use crate::io::http::Secret;

    const URL: &str = "http://127.0.0.1:8080/a.git";

    fn read(remarks: &str) -> String {
        let access = Access {
            url: URL.to_owned(),
            login: Secret::new("s3cret").map(Login::of_token),
        };
        error(remarks, &access).to_string()
    }

    #[test]
    fn refusals_are_told_apart() {
        let cases = [
            (
                "remote: no\n\
                 fatal: Authentication failed for 'http://127.0.0.1:8080/a.git/'\n",
                "does not accept the token",
            ),
            (
                "remote: Write access to repository not granted.\n\
                 remote: Ask its owner.\n\
                 fatal: unable to access 'http://127.0.0.1:8080/a.git/': The requested URL returned error: 403\n",
                "refuses access (403): Write access to repository not granted.\nAsk its owner.",
            ),
            (
                "remote: Not found\n\
                 fatal: repository 'http://127.0.0.1:8080/a.git/' not found\n",
                "not found, or not visible to this token",
            ),
            (
                "remote: Gone\n\
                 fatal: unable to access 'http://127.0.0.1:8080/a.git/': The requested URL returned error: 410\n",
                "not found, or not visible to this token",
            ),
            (
                "remote: oops\n\
                 fatal: unable to access 'http://127.0.0.1:8080/a.git/': The requested URL returned error: 500\n",
                "answered with status 500: oops",
            ),
            (
                "error: RPC failed; HTTP 500 curl 22 The requested URL returned error: 500\n\
                 fatal: expected 'packfile'\n",
                "answered with status 500",
            ),
            (
                "error: RPC failed; HTTP 500 curl 22 The requested URL returned error: 500\n\
                 send-pack: unexpected disconnect while reading sideband packet\n\
                 fatal: the remote end hung up unexpectedly\n",
                "answered with status 500",
            ),
        ];
        for (remarks, expected) in cases {
            assert_eq!(read(remarks), format!("{URL} {expected}"));
        }
    }

    #[test]
    fn a_question_for_a_name_is_of_the_host_that_asks() {
        let own = "fatal: could not read Username for 'http://127.0.0.1:8080': terminal prompts disabled\n";
        assert_eq!(read(own), format!("{URL} does not accept the token"));
        let nobody = Access {
            url: URL.to_owned(),
            login: None,
        };
        assert_eq!(
            error(own, &nobody).to_string(),
            format!("{URL} requires a token")
        );
        let other = "fatal: could not read Username for 'http://localhost:8080': terminal prompts disabled\n";
        assert_eq!(
            read(other),
            format!(
                "{URL} redirects to http://localhost:8080: a token is not sent to another host"
            )
        );
    }

    #[test]
    fn what_may_pass_is_told_from_what_may_not() {
        let passing = [
            "fatal: unable to access 'http://127.0.0.1:8080/a.git/': Failed to connect to 127.0.0.1 port 8080 after 0 ms: Couldn't connect to server\n",
            "fatal: unable to access 'http://no.such.invalid/a.git/': Could not resolve host: no.such.invalid\n",
            "fatal: unable to access 'http://127.0.0.1:8080/a.git/': Empty reply from server\n",
            "fatal: unable to access 'http://127.0.0.1:8080/a.git/': transfer closed with 74 bytes remaining to read\n",
            "error: RPC failed; curl 18 transfer closed with 150257 bytes remaining to read\n\
             error: 5556 bytes of body are still expected\n\
             fetch-pack: unexpected disconnect while reading sideband packet\n\
             fatal: early EOF\n\
             fatal: unpack-objects failed\n",
        ];
        let lasting = [
            "fatal: remote error: upload-pack: not our ref 0123456789012345678901234567890123456789\n",
            "fatal: mismatched algorithms: client sha1; server sha256\n",
            // All of its time was waited for.
            "fatal: unable to access 'http://127.0.0.1:8080/a.git/': Operation too slow. Less than 1 bytes/sec transferred the last 2 seconds\n",
            "fatal: couldn't find remote ref main\n",
        ];
        let access = Access {
            url: URL.to_owned(),
            login: None,
        };
        for remarks in passing {
            assert!(error(remarks, &access).is_transient(), "{remarks}");
        }
        for remarks in lasting {
            assert!(!error(remarks, &access).is_transient(), "{remarks}");
        }
        assert_eq!(
            read(lasting[3]),
            format!("git failed at {URL}: couldn't find remote ref main")
        );
    }

    #[test]
    fn words_are_shown_on_one_line_without_advice() {
        let remarks = "error: failed to push some refs to 'http://127.0.0.1:8080/a.git'\n\
                       hint: Updates were rejected because a pushed branch tip is behind its remote\n\
                       hint: counterpart. Check out this branch and integrate the remote changes\n\
                       hint: (e.g. 'git pull ...') before pushing again.\n";
        assert_eq!(
            shown(remarks),
            "error: failed to push some refs to 'http://127.0.0.1:8080/a.git'"
        );
        assert_eq!(shown(&"x".repeat(1000)).len(), MAX_SHOWN);
    }

    #[test]
    fn a_pushed_ref_is_found_by_its_name() {
        let moved =
            "To http://127.0.0.1:8080/a.git\n \tHEAD:refs/heads/main\t4536dbf..c627a9e\nDone\n";
        let rejected = "To http://127.0.0.1:8080/a.git\n!\tHEAD:refs/heads/b\t[remote rejected] (pre-receive hook declined)\nDone\n";
        let kept = "To http://127.0.0.1:8080/a.git\n!\t:refs/heads/main\t[remote rejected] (deletion prohibited)\nDone\n";
        for (output, name, flag, summary) in [
            (moved, "refs/heads/main", " ", "4536dbf..c627a9e"),
            (
                rejected,
                "refs/heads/b",
                "!",
                "[remote rejected] (pre-receive hook declined)",
            ),
            (
                kept,
                "refs/heads/main",
                "!",
                "[remote rejected] (deletion prohibited)",
            ),
        ] {
            assert_eq!(pushed_ref(output, name), Some(PushedRef { flag, summary }));
        }
        assert_eq!(pushed_ref(rejected, "refs/heads/main"), None);
        assert_eq!(pushed_ref("Done\n", "refs/heads/main"), None);
        let said = "remote: no tabs allowed        \n\
                    error: failed to push some refs to 'http://127.0.0.1:8080/a.git'\n";
        assert_eq!(of_server(said), "no tabs allowed");
    }
}
