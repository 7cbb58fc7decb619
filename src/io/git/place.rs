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
pub(super) enum RemotePlace {
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

/// Where git asks, and as whom.
#[derive(Clone)]
pub(super) struct Access {
    /// The URL after mirrors.
    pub(super) url: String,
    pub(super) login: Option<Login>,
}

impl Login {
    pub(super) fn of_token(secret: Secret) -> Self {
        let user = TOKEN_USER.to_owned();
        Self { user, secret }
    }

    /// Finds the login in a URL, where a token may stand for the user as well as for the password.
    fn of_url(url: &Url) -> Option<Self> {
        // GitHub takes a token as the user beside this word.
        let password = url.password().filter(|word| *word != "x-oauth-basic");
        match password.and_then(Secret::new) {
            Some(secret) => Some(Self {
                user: url.username().to_owned(),
                secret,
            }),
            None => Secret::new(url.username()).map(Self::of_token),
        }
    }
}

/// What becomes of a place for ssh: with a token it is asked over https.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ssh {
    OverHttps,
    Refused,
}

/// A place, and the login that its URL had in it.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) place: RemotePlace,
    pub(super) login: Option<Login>,
}

impl Address {
    fn without_login(place: RemotePlace) -> Self {
        Self { place, login: None }
    }

    /// Reads a URL or a path. Forms for ssh become https where a token is at hand.
    pub(super) fn parse(text: &str, ssh: Ssh) -> Result<Self, RemoteError> {
        Self::read(text, ssh).map_err(|reason| RemoteError::Url {
            url: redact(text),
            reason,
        })
    }

    fn read(text: &str, ssh: Ssh) -> Result<Self, &'static str> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::without_login(read_short(text, ssh)?));
        };
        match scheme {
            "http" | "https" => Self::read_http(text),
            "file" => {
                let url = Url::parse(text).map_err(|_| "not a URL")?;
                let path = url.to_file_path().map_err(|()| "no path in it")?;
                Ok(Self::without_login(RemotePlace::Local(path)))
            }
            "ssh" | "git+ssh" | "ssh+git" | "git" => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                Ok(Self::without_login(over_https(host, path, ssh)?))
            }
            _ => Err("neither https nor a path"),
        }
    }

    fn read_http(text: &str) -> Result<Self, &'static str> {
        let mut url = Url::parse(text).map_err(|_| "not a URL")?;
        if url.query().is_some() || url.fragment().is_some() || !url.has_host() {
            return Err("not a host and a path alone");
        }
        let login = Login::of_url(&url);
        let removed = url.set_username("").and_then(|()| url.set_password(None));
        removed.map_err(|()| "not a URL")?;
        let plain = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            place: RemotePlace::Http(plain),
            login,
        })
    }
}

/// Reads what has no scheme: `[user@]host:path`, or a path.
fn read_short(text: &str, ssh: Ssh) -> Result<RemotePlace, &'static str> {
    match find_ssh(text) {
        // Such as `ext::sh -c COMMAND`, which runs what it says.
        Some(_) if text.contains("::") => Err("remote helpers of git are not supported"),
        Some((host, path)) => over_https(host, path, ssh),
        None if text.is_empty() => Err("empty"),
        None => Ok(RemotePlace::Local(PathBuf::from(text))),
    }
}

/// Finds host and path in `[user@]host:path`; a path has a slash before its first colon, and a drive has one letter.
fn find_ssh(text: &str) -> Option<(&str, &str)> {
    let (host, path) = text.split_once(':')?;
    (host.len() > 1 && !host.contains(['/', '\\'])).then_some((host, path))
}

fn over_https(host: &str, path: &str, ssh: Ssh) -> Result<RemotePlace, &'static str> {
    match ssh {
        Ssh::OverHttps => match rewrite(host, path) {
            Some(url) => Ok(RemotePlace::Http(url)),
            None => Err("no host or no repository in it"),
        },
        Ssh::Refused => Err(
            "ssh without a token is not supported; set GITHUB_TOKEN, and it is asked over https",
        ),
    }
}

/// Returns the https URL of what is asked over ssh.
fn rewrite(authority: &str, path: &str) -> Option<String> {
    let named = authority.rsplit('@').next()?.split(':').next()?;
    // GitHub's ssh for networks that let https alone through.
    let host = match named {
        "ssh.github.com" => "github.com",
        other => other,
    };
    let trimmed = path.trim_matches('/');
    let repository = trimmed.strip_suffix(".git").unwrap_or(trimmed);
    let url = Url::parse(&format!("https://{host}/{repository}.git")).ok()?;
    // What changes the host when it is read as a URL was no host.
    let is_sound = !repository.is_empty() && url.host_str() == Some(&host.to_lowercase());
    is_sound.then(|| url.to_string())
}

impl fmt::Display for RemotePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => f.write_str(url),
            Self::Local(path) => path.display().fmt(f),
        }
    }
}

/// Returns the scheme and host of a URL: `https://github.com`.
pub(super) fn origin(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    parsed
        .has_host()
        .then(|| parsed.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, ssh: Ssh) -> String {
        match Address::parse(text, ssh) {
            Ok(Address {
                place,
                login: Some(login),
            }) => format!("{place} as {} with {}", login.user, login.secret.expose()),
            Ok(address) => address.place.to_string(),
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
            assert_eq!(
                place(text, Ssh::OverHttps),
                "https://github.com/o/r.git",
                "{text}"
            );
        }
        assert_eq!(
            place("https://ghe.example/o/r", Ssh::OverHttps),
            "https://ghe.example/o/r"
        );
        assert_eq!(
            place("git@github.com:o/r.git", Ssh::Refused),
            "invalid remote `git@github.com:o/r.git`: ssh without a token is not supported; set GITHUB_TOKEN, and it is asked over https"
        );
    }

    #[test]
    fn a_login_in_a_url_is_taken_out_of_it() {
        let with = |text: &str| place(text, Ssh::Refused);
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
            assert_eq!(place(path, Ssh::OverHttps), path);
        }
        assert_eq!(
            place("file:///srv/a%20b.git", Ssh::OverHttps),
            "/srv/a b.git"
        );
        for bad in [
            "",
            "ftp://h/o/r",
            "ext::sh -c x",
            "git@:o/r",
            "git@h:",
            "file://host/x",
        ] {
            assert!(
                place(bad, Ssh::OverHttps).starts_with("invalid remote"),
                "{bad}"
            );
        }
    }
}
