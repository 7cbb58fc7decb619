//! Where a remote is: the forms that git's URLs come in, and the login that may be in them. It opens nothing.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::RemoteError;
use crate::io::http::{Secret, redact};

/// The user that GitHub, and most others, take any token from.
pub(super) const TOKEN_USER: &str = "x-access-token";

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// At a URL, without a login and without a slash at its end.
    Http(String),
    /// In a directory of this machine.
    Local(PathBuf),
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) secret: Secret,
}

impl Login {
    pub(super) fn of_token(secret: Secret) -> Self {
        let user = TOKEN_USER.to_owned();
        Self { user, secret }
    }

    /// Finds the login in a URL, where a token may stand for the user as well as for the password.
    fn of_url(url: &Url) -> Option<Self> {
        let password = url
            .password()
            .filter(|password| *password != "x-oauth-basic");
        match password.and_then(Secret::new) {
            Some(secret) => Some(Self {
                user: url.username().to_owned(),
                secret,
            }),
            None => Secret::new(url.username()).map(Self::of_token),
        }
    }
}

impl Place {
    /// Reads a URL or a path. Forms for ssh become https where a token is at hand.
    pub(super) fn parse(text: &str, has_token: bool) -> Result<(Self, Option<Login>), RemoteError> {
        let bad = |reason| RemoteError::Url {
            url: redact(text),
            reason,
        };
        let over_https = |host: &str, path: &str| {
            if has_token {
                rewrite(host, path).ok_or_else(|| bad("no host or no repository in it"))
            } else {
                Err(bad(
                    "ssh without a token is not supported; set GITHUB_TOKEN, and it is asked over https",
                ))
            }
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return match find_ssh(text) {
                Some(_) if text.contains("::") => {
                    Err(bad("remote helpers of git are not supported"))
                }
                Some((host, path)) => Ok((Self::Http(over_https(host, path)?), None)),
                None if text.is_empty() => Err(bad("empty")),
                None => Ok((Self::Local(PathBuf::from(text)), None)),
            };
        };
        match scheme {
            "http" | "https" => {
                let mut url = Url::parse(text).map_err(|_| bad("not a URL"))?;
                if url.query().is_some() || url.fragment().is_some() || !url.has_host() {
                    return Err(bad("not a host and a path alone"));
                }
                let login = Login::of_url(&url);
                let removed = url.set_username("").and_then(|()| url.set_password(None));
                removed.map_err(|()| bad("not a URL"))?;
                let url = url.as_str().trim_end_matches('/').to_owned();
                Ok((Self::Http(url), login))
            }
            "file" => {
                let url = Url::parse(text).map_err(|_| bad("not a URL"))?;
                let path = url.to_file_path().map_err(|()| bad("no path in it"))?;
                Ok((Self::Local(path), None))
            }
            "ssh" | "git+ssh" | "ssh+git" | "git" => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                Ok((Self::Http(over_https(host, path)?), None))
            }
            _ => Err(bad("neither https nor a path")),
        }
    }
}

/// Finds host and path in `[user@]host:path`; a path has a slash before its first colon, and a drive has one letter.
fn find_ssh(text: &str) -> Option<(&str, &str)> {
    let (host, path) = text.split_once(':')?;
    (host.len() > 1 && !host.contains(['/', '\\'])).then_some((host, path))
}

/// Returns the https URL of what is asked over ssh.
fn rewrite(host: &str, path: &str) -> Option<String> {
    let host = host.rsplit('@').next()?;
    let host = host.split(':').next()?;
    let host = if host == "ssh.github.com" {
        "github.com"
    } else {
        host
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let url = Url::parse(&format!("https://{host}/{path}.git")).ok()?;
    (!path.is_empty() && url.host_str() == Some(&host.to_lowercase())).then(|| url.to_string())
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => f.write_str(url),
            Self::Local(path) => path.display().fmt(f),
        }
    }
}

/// Returns the scheme and host of a URL: `https://github.com`.
pub(super) fn origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.has_host().then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, has_token: bool) -> String {
        match Place::parse(text, has_token) {
            Ok((place, Some(login))) => {
                format!("{place} as {} with {}", login.user, login.secret.expose())
            }
            Ok((place, None)) => place.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn urls_of_every_form_are_asked_over_https() {
        for text in [
            "git@github.com:o/r.git",
            "git@github.com:o/r",
            "github.com:/o/r.git/",
            "ssh://git@github.com/o/r.git",
            "ssh://git@ssh.github.com:443/o/r.git",
            "ssh://github.com:22/o/r",
            "git://github.com/o/r",
            "https://github.com/o/r.git/",
        ] {
            assert_eq!(place(text, true), "https://github.com/o/r.git", "{text}");
        }
        assert_eq!(
            place("https://ghe.example/o/r", true),
            "https://ghe.example/o/r"
        );
        assert_eq!(
            place("git@github.com:o/r.git", false),
            "invalid remote `git@github.com:o/r.git`: ssh without a token is not supported; set GITHUB_TOKEN, and it is asked over https"
        );
    }

    #[test]
    fn a_login_in_a_url_is_taken_out_of_it() {
        let with = |text: &str| place(text, false);
        assert_eq!(
            with("https://x:ghs_1@h/o/r"),
            "https://h/o/r as x with ghs_1"
        );
        let token = "https://h/o/r as x-access-token with ghs_1";
        assert_eq!(with("https://ghs_1@h/o/r"), token);
        assert_eq!(with("https://ghs_1:x-oauth-basic@h/o/r"), token);
        assert!(!with("https://x:ghs_1@h/o/r?a").contains("ghs_1"));
    }

    #[test]
    fn paths_are_paths_and_the_rest_is_refused() {
        for path in ["/srv/r.git", "../r.git", "./a:b", "r"] {
            assert_eq!(place(path, true), path);
        }
        assert_eq!(place("file:///srv/a%20b.git", true), "/srv/a b.git");
        for bad in [
            "",
            "ftp://h/o/r",
            "ext::sh -c x",
            "git@:o/r",
            "git@h:",
            "file://host/x",
        ] {
            assert!(place(bad, true).starts_with("invalid remote"), "{bad}");
        }
    }
}
