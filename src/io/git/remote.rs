//! A repository elsewhere: its URL, who asks, and what it says of its refs. Servers are asked by the git program; directories of
//! this machine are opened with libgit2.

use std::time::Duration;

use git2::Oid;
use tokio::time::sleep;

use super::error::RemoteError;
use super::place::{Access, Address, Login, RemotePlace, Ssh};
use super::private::PrivateRepository;
use super::program::{self, Task};
use super::refs::Refs;
use super::{GitRepository, local};
use crate::io::forge::{Credentials, Tokens};
use crate::io::http::{HttpClient, HttpError, HttpSettings, Secret, is_safe_for_tokens};

/// Git's number of the tree without files, which is in every repository.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A repository elsewhere.
#[derive(Debug, Clone)]
pub struct Remote {
    pub(super) place: RemotePlace,
    login: Option<Login>,
    /// What hands out an App's tokens.
    tokens: Option<Tokens>,
}

impl GitRepository {
    /// Returns the remote `origin`; `url.<base>.insteadOf` of the user's configuration holds.
    pub fn origin(&self, credentials: impl Into<Credentials>) -> Result<Remote, RemoteError> {
        let remote = self
            .repository
            .find_remote("origin")
            .map_err(|_| RemoteError::NoOrigin)?;
        let url = remote.url().map_err(|_| RemoteError::NoOrigin)?;
        let mut origin = Remote::new(url, credentials)?;
        // Git reads a relative path from the top of the working directory.
        if let (RemotePlace::Local(path), Some(directory)) =
            (&mut origin.place, self.repository.workdir())
        {
            *path = directory.join(&path);
        }
        Ok(origin)
    }

    /// Returns the URL by which others know the remote `origin`, without a login; nothing where it is a directory of this machine. Forms
    /// for ssh are told as https: every clone says the same.
    pub(crate) fn origin_url(&self) -> Option<String> {
        let remote = self.repository.find_remote("origin").ok()?;
        let address = Address::parse(remote.url().ok()?, Ssh::OverHttps).ok()?;
        match address.place {
            RemotePlace::Http(url) => Some(url.strip_suffix(".git").unwrap_or(&url).to_owned()),
            RemotePlace::Local(_) => None,
        }
    }
}

impl Remote {
    /// Makes a remote of a URL or a path. A token in the URL is used where no credentials are given. For an App it asks as nobody
    /// before it has [`Remote::with_tokens`].
    ///
    /// # Errors
    /// The URL is none that can be asked, with these credentials or without.
    pub fn new(url: &str, credentials: impl Into<Credentials>) -> Result<Self, RemoteError> {
        let (ssh, login) = match credentials.into() {
            Credentials::None => (Ssh::Refused, None),
            Credentials::Token(token) => (Ssh::OverHttps, Some(Login::of_token(token))),
            Credentials::App { .. } => (Ssh::OverHttps, None),
        };
        let address = Address::parse(url, ssh)?;
        Ok(Self {
            place: address.place,
            // The URL's own login would be that of somebody else where an App asks.
            login: match ssh {
                Ssh::Refused => address.login,
                Ssh::OverHttps => login,
            },
            tokens: None,
        })
    }

    /// Asks with the tokens of an App from now on, each of which lasts for an hour.
    #[must_use]
    pub(crate) fn with_tokens(self, tokens: Option<Tokens>) -> Self {
        Self { tokens, ..self }
    }

    /// Returns the URL or path for people, without a token.
    pub fn shown(&self) -> String {
        self.place.to_string()
    }

    /// Reads the refs.
    pub async fn refs(&self, client: &HttpClient) -> Result<Refs, RemoteError> {
        let url = match &self.place {
            RemotePlace::Local(path) => return local::refs(path),
            RemotePlace::Http(url) => url,
        };
        let settings = client.settings();
        self.read(client, url, |access| list_refs(access, settings))
            .await
    }

    /// Asks whether this login may push, as `git push` asks before it sends anything. Nothing is sent.
    ///
    /// # Errors
    /// It may not, or the server cannot be asked.
    pub async fn may_push(&self, client: &HttpClient) -> Result<(), RemoteError> {
        let url = match &self.place {
            RemotePlace::Local(path) => return local::refs(path).map(drop),
            RemotePlace::Http(url) => url,
        };
        let settings = client.settings();
        self.read(client, url, |access| try_push(access, settings))
            .await
    }

    /// Does what changes nothing; it is repeated where that may help.
    pub(super) async fn read<T>(
        &self,
        client: &HttpClient,
        url: &str,
        act: impl Fn(&Access) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let settings = client.settings();
        let mut pause = settings.retry_pause;
        let mut attempt = 0;
        loop {
            match self.ask(client, url, &act).await {
                Err(error) if error.is_transient() && attempt < settings.retries => {}
                done => return done,
            }
            // Doubled each time, a long first pause would soon be hours.
            sleep(pause.min(Duration::from_secs(60))).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// Does something at the server as whoever asks.
    pub(super) async fn ask<T>(
        &self,
        client: &HttpClient,
        url: &str,
        act: impl Fn(&Access) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let Some(tokens) = &self.tokens else {
            return act(&access(client, url, self.login.clone())?);
        };
        let first = tokens.current().await.map_err(RemoteError::SignIn)?;
        let signed = access(client, url, Some(Login::of_token(first.clone())))?;
        match act(&signed) {
            // What was refused was not done.
            Err(RemoteError::Unauthorized { .. }) => {}
            done => return done,
        }
        let second = tokens.renewed(&first).await.map_err(RemoteError::SignIn)?;
        act(&access(client, url, Some(Login::of_token(second)))?)
    }
}

/// Returns where git asks, and as whom.
///
/// # Errors
/// Nobody may be asked, or not with a token.
fn access(client: &HttpClient, url: &str, login: Option<Login>) -> Result<Access, RemoteError> {
    let asked = match &login {
        Some(_) => client.mirrored_with_secret(url),
        None => client.mirrored(url),
    };
    if let Some(login) = &login {
        check_secret(&login.secret, &asked)?;
    }
    // Git has no cache that could answer.
    if client.settings().offline {
        let uncached = HttpError::NotCached {
            url: url.to_owned(),
        };
        return Err(uncached.into());
    }
    Ok(Access { url: asked, login })
}

/// Checks that a secret may go to a URL, and that it cannot be taken for more than one line of a helper's answer to git.
fn check_secret(secret: &Secret, url: &str) -> Result<(), RemoteError> {
    let error = if !is_safe_for_tokens(url) {
        HttpError::PlainToken {
            url: url.to_owned(),
        }
    } else if secret.expose().contains(char::is_control) {
        HttpError::BadUrl {
            url: url.to_owned(),
            reason: "the token has control characters".to_owned(),
        }
    } else {
        return Ok(());
    };
    Err(error.into())
}

fn list_refs(access: &Access, settings: &HttpSettings) -> Result<Refs, RemoteError> {
    let private = PrivateRepository::empty()?;
    let arguments = ["ls-remote", "--symref", "--", &access.url];
    let task = Task::of_asking(&arguments, settings);
    let said = program::run(&private, access, settings, &task)?;
    if !said.is_done {
        return Err(said.error(access));
    }
    read_refs(&said.output, &access.url)
}

/// Reads lines of a number and a name, and of a name that `HEAD` stands for.
fn read_refs(output: &str, url: &str) -> Result<Refs, RemoteError> {
    let mut refs = Refs::default();
    for line in output.lines() {
        let (value, name) = line.split_once('\t').unwrap_or((line, ""));
        if let Some(target) = value.strip_prefix("ref: ") {
            if name == "HEAD" {
                refs.default_branch = target.strip_prefix("refs/heads/").map(str::to_owned);
            }
        } else if value.len() == 40
            && let Ok(id) = Oid::from_str(value)
        {
            // `^{}` is what a tag points to.
            if !name.ends_with("^{}") {
                refs.names.insert(name.to_owned(), id);
            }
        } else if value.len() == 64 {
            return Err(RemoteError::Unsupported {
                url: url.to_owned(),
                what: "SHA-256 objects".to_owned(),
            });
        }
    }
    // A web page, too, is a repository without refs for git, which takes it for a server of files.
    if refs.names.is_empty() {
        return Err(RemoteError::NotGit {
            url: url.to_owned(),
            found: "it names no branch".to_owned(),
        });
    }
    Ok(refs)
}

/// Begins a push, and ends it before anything is sent.
fn try_push(access: &Access, settings: &HttpSettings) -> Result<(), RemoteError> {
    let private = PrivateRepository::empty()?;
    let nothing = format!("{EMPTY_TREE}:refs/csctl-matrix/nothing");
    let arguments = [
        "push",
        "--dry-run",
        "--no-verify",
        "--",
        &access.url,
        &nothing,
    ];
    let task = Task::of_asking(&arguments, settings);
    let said = program::run(&private, access, settings, &task)?;
    if said.is_done {
        Ok(())
    } else {
        Err(said.error(access))
    }
}
