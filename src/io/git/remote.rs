//! A repository elsewhere: its URL, who asks, and what it says of its refs. Git's smart HTTP protocol goes over the one HTTP
//! client, as libgit2 is built without a network; directories of this machine are opened. No git binary is run.

use std::collections::BTreeMap;

use bytes::Bytes;
use git2::Oid;
use http::{HeaderValue, Method, header};

use super::error::RemoteError;
use super::packet::{Advertisement, PacketError, clean};
use super::place::{Login, Place, TOKEN_USER};
use super::{GitRepository, local, releases_of};
use crate::catalog::StackRelease;
use crate::io::forge::{Credentials, Tokens};
use crate::io::http::{Answer, Ask, HttpClient, conceal};

/// The longest list of refs that is read.
const MAX_REFS_BYTES: usize = 64 << 20;
/// Servers tell git from browsers by this name.
const USER_AGENT: &str = concat!("git/2.0 (csctl-matrix ", env!("CARGO_PKG_VERSION"), ")");

/// What git asks a server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Objects.
    UploadPack,
    /// To take objects and move refs.
    ReceivePack,
}

impl Service {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// A repository elsewhere.
#[derive(Debug, Clone)]
pub struct Remote {
    pub(super) place: Place,
    login: Option<Login>,
    /// What hands out an App's tokens.
    tokens: Option<Tokens>,
}

/// The refs of a repository elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refs {
    /// The commits, or tags, by the full names of the refs: `refs/heads/main`.
    pub names: BTreeMap<String, Oid>,
    /// The branch that `HEAD` names.
    pub default_branch: Option<String>,
}

impl Refs {
    /// Returns the commit of a branch.
    pub fn branch(&self, name: &str) -> Option<Oid> {
        self.names.get(&format!("refs/heads/{name}")).copied()
    }

    /// Returns the stack releases that there are tags of.
    pub fn stack_releases(&self) -> Vec<StackRelease> {
        let names = self.names.keys();
        releases_of(names.filter_map(|name| name.strip_prefix("refs/tags/")))
    }
}

impl GitRepository {
    /// Returns the remote `origin`; `url.<base>.insteadOf` of the user's configuration holds.
    pub fn origin(&self, credentials: impl Into<Credentials>) -> Result<Remote, RemoteError> {
        let remote = self.repository.find_remote("origin");
        let remote = remote.map_err(|_| RemoteError::NoOrigin)?;
        let url = remote.url().map_err(|_| RemoteError::NoOrigin)?;
        let mut origin = Remote::new(url, credentials)?;
        if let (Place::Local(path), Some(directory)) =
            (&mut origin.place, self.repository.workdir())
        {
            *path = directory.join(&path);
        }
        Ok(origin)
    }
}

impl Remote {
    /// Makes a remote of a URL or a path. A token in the URL is used where no credentials are given. For an App it asks as nobody
    /// before it has [`Remote::with_tokens`].
    ///
    /// # Errors
    /// The URL is none that can be asked, with these credentials or without.
    pub fn new(url: &str, credentials: impl Into<Credentials>) -> Result<Self, RemoteError> {
        let credentials = credentials.into();
        let (place, of_url) = Place::parse(url, !credentials.is_none())?;
        let login = match credentials {
            Credentials::None => of_url,
            Credentials::Token(token) => Some(Login::of_token(token)),
            Credentials::App { .. } => None,
        };
        Ok(Self {
            place,
            login,
            tokens: None,
        })
    }

    /// Asks with the tokens of an App from now on, each of which lasts for an hour.
    #[must_use]
    pub fn with_tokens(self, tokens: Option<Tokens>) -> Self {
        Self { tokens, ..self }
    }

    /// Returns the URL or path for people, without a token.
    pub fn shown(&self) -> String {
        self.place.to_string()
    }

    /// Reads the refs.
    pub async fn refs(&self, client: &HttpClient) -> Result<Refs, RemoteError> {
        match &self.place {
            Place::Local(path) => local::refs(path),
            Place::Http(url) => {
                let line = self.connect(client, url, Service::UploadPack).await?;
                let default_branch = line.offer.default_branch().map(str::to_owned);
                Ok(Refs {
                    names: line.offer.refs,
                    default_branch,
                })
            }
        }
    }

    /// Asks whether this login may push, as `git push` asks before it sends anything. Nothing is sent.
    ///
    /// # Errors
    /// It may not, or the server cannot be asked.
    pub async fn may_push(&self, client: &HttpClient) -> Result<(), RemoteError> {
        match &self.place {
            Place::Local(path) => local::refs(path).map(drop),
            Place::Http(url) => self
                .connect(client, url, Service::ReceivePack)
                .await
                .map(drop),
        }
    }

    /// Asks what the server has and can.
    pub(super) async fn connect(
        &self,
        client: &HttpClient,
        url: &str,
        service: Service,
    ) -> Result<Line, RemoteError> {
        let name = service.name();
        let question = format!("/info/refs?service={name}");
        let asked = format!("{url}{question}");
        let ask = Ask::get(&asked, MAX_REFS_BYTES).unstored();
        let answer = self.ask(client, ask).await?;
        self.check(&answer, &format!("application/x-{name}-advertisement"))?;
        let offer = Advertisement::parse(&answer.body, name);
        let offer = offer.map_err(|error| self.packet_error(error))?;
        // A repository that was renamed is asked at its new place from then on, as git does.
        let place = if self.has_secret() {
            client.mirrored_with_secret(&asked)
        } else {
            client.mirrored(&asked)
        };
        let url = if answer.url == place {
            url
        } else {
            let moved = answer.url.strip_suffix(&question);
            moved.ok_or_else(|| self.not_git("a redirect to something else".to_owned()))?
        };
        Ok(Line {
            offer,
            url: url.to_owned(),
        })
    }

    /// Sends a request of git's and returns the body of the answer.
    pub(super) async fn exchange(
        &self,
        client: &HttpClient,
        url: &str,
        service: Service,
        request: (Vec<u8>, usize),
    ) -> Result<Bytes, RemoteError> {
        let name = service.name();
        let (body, answer_limit) = request;
        let kind = format!("application/x-{name}-request");
        let kind =
            HeaderValue::try_from(kind).map_err(|_| self.not_git("a bad name".to_owned()))?;
        let ask = Ask::new(Method::POST, &format!("{url}/{name}"))
            .with_header(header::CONTENT_TYPE, kind)
            .with_body(Bytes::from(body))
            .with_body_limit(answer_limit)
            .once();
        let answer = self.ask(client, ask).await?;
        self.check(&answer, &format!("application/x-{name}-result"))?;
        Ok(answer.body)
    }

    /// Sends a request as whoever asks.
    async fn ask(&self, client: &HttpClient, ask: Ask) -> Result<Answer, RemoteError> {
        let ask = ask.with_header(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        if let Some(tokens) = &self.tokens {
            let token = tokens.current().await.map_err(RemoteError::SignIn)?;
            let signed = ask.clone().with_basic(TOKEN_USER, token.clone());
            let answer = client.ask(signed).await?;
            if answer.status != 401 {
                return Ok(answer);
            }
            // What was refused was not done.
            let token = tokens.renewed(&token).await.map_err(RemoteError::SignIn)?;
            return Ok(client.ask(ask.with_basic(TOKEN_USER, token)).await?);
        }
        let ask = match &self.login {
            Some(login) => ask.with_basic(&login.user, login.secret.clone()),
            None => ask,
        };
        Ok(client.ask(ask).await?)
    }

    fn has_secret(&self) -> bool {
        self.login.is_some() || self.tokens.is_some()
    }

    /// Checks that an answer is git's.
    fn check(&self, answer: &Answer, kind: &str) -> Result<(), RemoteError> {
        let url = self.shown();
        // What is cut afterwards cannot be a half of a secret.
        let said = || {
            let body = String::from_utf8_lossy(&answer.body);
            let text = clean(self.hide(&conceal(&body)).as_bytes());
            text.chars().take(300).collect::<String>()
        };
        let found = answer.header(&header::CONTENT_TYPE).unwrap_or("no type");
        let found = found.split(';').next().unwrap_or_default().trim();
        Err(match answer.status {
            200 if found == kind => return Ok(()),
            200 => self.not_git(clean(format!("it is {found}").as_bytes())),
            401 => RemoteError::Unauthorized {
                url,
                has_token: self.has_secret(),
            },
            403 => RemoteError::Forbidden {
                url,
                message: said(),
            },
            404 | 410 => RemoteError::NotFound { url },
            status => RemoteError::Status {
                url,
                status,
                message: said(),
            },
        })
    }

    /// Says what a packet that cannot be read means here.
    pub(super) fn packet_error(&self, error: PacketError) -> RemoteError {
        let url = self.shown();
        match error {
            PacketError::Cut => RemoteError::Incomplete { url },
            PacketError::Foreign(found) => self.not_git(self.hide(&found)),
            PacketError::Said(message) => RemoteError::Refused {
                url,
                message: self.hide(&message),
            },
            PacketError::Unsupported(what) => RemoteError::Unsupported { url, what },
        }
    }

    fn not_git(&self, found: String) -> RemoteError {
        let url = self.shown();
        RemoteError::NotGit { url, found }
    }

    /// Takes the token out of a server's words.
    pub(super) fn hide(&self, text: &str) -> String {
        match (&self.tokens, &self.login) {
            (Some(tokens), _) => tokens.redact(text),
            (None, Some(login)) => text.replace(login.secret.expose(), "***"),
            (None, None) => text.to_owned(),
        }
    }
}

/// A server that has introduced itself.
pub(super) struct Line {
    pub(super) offer: Advertisement,
    /// Where it is asked from now on.
    pub(super) url: String,
}
