//! One repository of an OCI registry: manifests and blobs, read and written. Every content is compared with its digest, a registry may
//! lie. Source: the distribution specification of the Open Container Initiative. It knows nothing of what the contents mean.
//!
//! Secrets go where the user has named one for, on the command line, in the environment or in Docker's configuration, once that place asks
//! for it; to the realm that it names for tokens; and to no other host, also not along a redirect.

mod access;
mod docker;
mod error;
mod manifest;
mod reference;
mod tags;

use std::cell::{OnceCell, RefCell};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use url::Url;

use super::http::{Answer, Ask, HttpClient, Secret, is_safe_for_tokens};
use super::registry::{is_local, token_url};
use crate::version::Sha256;
pub(crate) use access::{Access, Key};
pub(crate) use docker::Login;
pub(crate) use error::OciError;
use manifest::INDEX;
pub(crate) use manifest::{Descriptor, EMPTY, MANIFEST, Manifest};
pub(crate) use reference::{Reference, ReferenceError, RepositoryName, SCHEME};
pub(crate) use tags::TagList;

/// A manifest has some kilobytes; registries refuse more.
const MANIFEST_LIMIT: usize = 4 << 20;

const TOKEN_LIMIT: usize = 1 << 20;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A repository of a registry.
pub(crate) struct Repository<'a> {
    client: &'a HttpClient,
    /// The registry's host, with its port where it has one.
    host: String,
    /// The URL of the repository, without a slash at its end.
    url: String,
    /// The login of Docker's configuration for the registry, once it was looked up.
    login: OnceCell<Option<Login>>,
    key: Key,
    pass: RefCell<Pass>,
    /// Whether something is to be written.
    scope: Scope,
}

/// What a registry is shown.
#[derive(Clone)]
enum Pass {
    Nothing,
    /// A token that the registry's realm gave.
    Token(Secret),
    /// The login itself.
    Login,
}

/// A manifest, and the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) manifest: Manifest,
    pub(crate) digest: Sha256,
}

/// What tokens are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Pull,
    PullAndPush,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: Option<String>,
}

impl<'a> Repository<'a> {
    /// Nobody is asked yet, and no login is looked up.
    pub(crate) fn new(
        client: &'a HttpClient,
        name: &RepositoryName,
        access: &Access,
        scope: Scope,
    ) -> Self {
        let host = name.api_host();
        // As Docker does: a registry on this machine has no certificate.
        let scheme = if is_local(host) || access.is_plain {
            "http"
        } else {
            "https"
        };
        Self {
            client,
            host: host.to_owned(),
            url: format!("{scheme}://{host}/v2/{}", name.name()),
            login: OnceCell::new(),
            key: access.key.clone(),
            pass: RefCell::new(Pass::Nothing),
            scope,
        }
    }

    /// Reads what a tag or a digest stands for.
    pub(crate) async fn manifest(&self, reference: &Reference) -> Result<Found, OciError> {
        let wanted = reference.digest();
        let url = format!("{}/manifests/{}", self.url, reference.target());
        let ask = Ask::get(&url, MANIFEST_LIMIT)
            .with_header(header::ACCEPT, HeaderValue::from_static(manifest::ACCEPTED))
            // What a digest stands for does not change.
            .lasting(wanted.is_some());
        let answer = self.ask_for(&url, ask, wanted).await?;
        let digest = Sha256::of(&answer.body);
        let told = answer.header(&CONTENT_DIGEST).map(|text| text.parse().ok());
        let told: Option<Sha256> = told.flatten();
        let expected = wanted.cloned().or(told);
        if let Some(wanted) = expected.filter(|wanted| *wanted != digest) {
            return Err(OciError::Digest {
                url,
                found: digest,
                wanted,
            });
        }
        match Manifest::read(&answer) {
            Ok(manifest) => Ok(Found { manifest, digest }),
            Err(reason) => Err(OciError::Content { url, reason }),
        }
    }

    /// Reads what a tag stands for; nothing where there is no such tag.
    pub(crate) async fn find(&self, reference: &Reference) -> Result<Option<Found>, OciError> {
        match self.manifest(reference).await {
            Ok(found) => Ok(Some(found)),
            Err(OciError::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a blob, which is no other than the one that was described.
    pub(crate) async fn blob(&self, described: &Descriptor) -> Result<Bytes, OciError> {
        let digest = described.sha256()?;
        let url = format!("{}/blobs/sha256:{digest}", self.url);
        let limit = usize::try_from(described.size).unwrap_or(usize::MAX);
        // Many registries send to a store of another host, which must not see the token.
        let ask = Ask::get(&url, limit).lasting(true).leaving_secrets();
        let answer = self.ask_for(&url, ask, Some(&digest)).await?;
        let found = Sha256::of(&answer.body);
        if found == digest {
            Ok(answer.body)
        } else {
            Err(OciError::Digest {
                url,
                found,
                wanted: digest,
            })
        }
    }

    /// Writes a blob, where the registry does not have it, and returns its digest.
    pub(crate) async fn push_blob(&self, content: &Bytes) -> Result<Sha256, OciError> {
        let digest = Sha256::of(content);
        let url = format!("{}/blobs/sha256:{digest}", self.url);
        let known = self
            .send(Ask::head(&url).unstored().leaving_secrets())
            .await?;
        if known.status == 200 {
            return Ok(digest);
        }
        let uploads = format!("{}/blobs/uploads/", self.url);
        let begun = self.send(Ask::new(Method::POST, &uploads)).await?;
        if begun.status != 202 {
            return Err(OciError::status(&uploads, &begun));
        }
        let mut target = Self::upload_url(&uploads, &begun)?;
        target
            .query_pairs_mut()
            .append_pair("digest", &format!("sha256:{digest}"));
        let octets = HeaderValue::from_static("application/octet-stream");
        let put = Ask::new(Method::PUT, target.as_str())
            .with_header(header::CONTENT_TYPE, octets)
            .with_body(content.clone());
        let written = self.send(put).await?;
        if written.status != 201 {
            return Err(OciError::status(&uploads, &written));
        }
        same_digest(url, &written, digest)
    }

    /// Writes a manifest under a tag, and returns its digest. What it names has to be there before.
    pub(crate) async fn push_manifest(
        &self,
        tag: &str,
        manifest: &Manifest,
    ) -> Result<Sha256, OciError> {
        self.put(self.manifest_put(tag, manifest), manifest).await
    }

    /// Writes a manifest under a tag that is free, and returns its digest. A registry that knows conditions refuses it where the tag is
    /// there by now; others write over it.
    pub(crate) async fn push_new_manifest(
        &self,
        tag: &str,
        manifest: &Manifest,
    ) -> Result<Sha256, OciError> {
        let put = self
            .manifest_put(tag, manifest)
            .with_header(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        self.put(put, manifest).await
    }

    /// Writes a manifest under its digest alone, and returns that. Whoever writes the same one again changes nothing.
    pub(crate) async fn push_untagged(&self, manifest: &Manifest) -> Result<Sha256, OciError> {
        let place = format!("sha256:{}", Sha256::of(&manifest.to_json()));
        self.put(self.manifest_put(&place, manifest), manifest)
            .await
    }

    /// Tells whether the registry knows what refers to a manifest, which need not be there. One that does not may be one that never
    /// heard of the question, and answers it with anything.
    pub(crate) async fn has_referrers(&self, digest: &Sha256) -> Result<bool, OciError> {
        let url = format!("{}/referrers/sha256:{digest}", self.url);
        let ask = Ask::get(&url, MANIFEST_LIMIT)
            .with_header(header::ACCEPT, HeaderValue::from_static(INDEX))
            .unstored()
            .leaving_secrets();
        let answer = self.send(ask).await?;
        match answer.status {
            // Cosign and others compare the type, too, and make a tag where it is another one.
            200 => Ok(answer.header(&header::CONTENT_TYPE) == Some(INDEX)),
            401 | 429 | 500 | 502..=504 => Err(OciError::status(&url, &answer)),
            _ => Ok(false),
        }
    }

    fn manifest_put(&self, tag: &str, manifest: &Manifest) -> Ask {
        Ask::new(Method::PUT, &format!("{}/manifests/{tag}", self.url))
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static(MANIFEST))
            .with_body(Bytes::from(manifest.to_json()))
    }

    async fn put(&self, put: Ask, manifest: &Manifest) -> Result<Sha256, OciError> {
        let url = put.url().to_owned();
        let digest = Sha256::of(&manifest.to_json());
        let written = self.send(put).await?;
        if written.status != 201 {
            return Err(OciError::status(&url, &written));
        }
        same_digest(url, &written, digest)
    }

    /// Returns where an upload goes on: at the same registry. One behind another server may not know that it is reached by https.
    fn upload_url(uploads: &str, begun: &Answer) -> Result<Url, OciError> {
        let base = Url::parse(uploads).ok();
        let named = begun.header(&header::LOCATION);
        let target = base.as_ref().zip(named).and_then(|(base, named)| {
            let mut target = base.join(named).ok()?;
            let is_same = target.host() == base.host() && target.port() == base.port();
            let is_web = matches!(target.scheme(), "http" | "https");
            (is_same && is_web).then_some(())?;
            target.set_scheme(base.scheme()).ok()?;
            Some(target)
        });
        target.ok_or_else(|| OciError::Content {
            url: uploads.to_owned(),
            reason: "the upload does not go on at the same registry".to_owned(),
        })
    }

    /// Asks for content that is there. A damaged answer in the cache is asked for anew.
    async fn ask_for(
        &self,
        url: &str,
        ask: Ask,
        wanted: Option<&Sha256>,
    ) -> Result<Answer, OciError> {
        let mut answer = self.send(ask.clone()).await?;
        // A copy that is kept here may have been damaged.
        let is_damaged =
            answer.is_stored && wanted.is_some_and(|sum| Sha256::of(&answer.body) != *sum);
        if is_damaged && !self.client.settings().offline {
            answer = self.send(ask.lasting(false).unstored()).await?;
        }
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(OciError::status(url, &answer))
        }
    }

    /// Sends a request, and once more with what the registry asks for.
    async fn send(&self, ask: Ask) -> Result<Answer, OciError> {
        if matches!(self.key, Key::Docker) && self.login.get().is_none() {
            let found = docker::find_login(self.client.settings(), &self.host)?;
            // Nobody else sets it: there is one thread, and no pause since.
            let _ = self.login.set(found);
        }
        let shown = self.pass.borrow().clone();
        let answer = self.client.ask(self.with_pass(ask.clone())?).await?;
        // A token has its time, and a large upload may outlast it. A login that was refused stays so.
        if answer.status != 401 || matches!(shown, Pass::Login) {
            return Ok(answer);
        }
        let pass = self.ask_for_pass(&answer).await?;
        self.pass.replace(pass);
        Ok(self.client.ask(self.with_pass(ask)?).await?)
    }

    fn login(&self) -> Option<&Login> {
        let named = self.key.login();
        named.or_else(|| self.login.get()?.as_ref())
    }

    fn with_pass(&self, ask: Ask) -> Result<Ask, OciError> {
        let named = match self.login() {
            // Answers are found again by whom they were for: tokens are new each time.
            Some(login) => ask.on_behalf_of(format!("{}@{}", login.user, self.host)),
            None => ask,
        };
        Ok(match (&*self.pass.borrow(), self.login()) {
            (Pass::Token(token), Some(_)) => named.with_bearer(token.clone()),
            (Pass::Token(token), None) if matches!(self.key, Key::Token(_)) => {
                named.with_bearer(token.clone())
            }
            (Pass::Token(token), None) => named.with_anonymous_bearer(token.clone()),
            (Pass::Login, Some(login)) => with_login(named, login)?,
            (Pass::Login, None) | (Pass::Nothing, _) => named,
        })
    }

    /// Gets what the registry wants to be shown. Source: the token authentication of the distribution project.
    async fn ask_for_pass(&self, refusal: &Answer) -> Result<Pass, OciError> {
        let challenge = refusal
            .header(&header::WWW_AUTHENTICATE)
            .unwrap_or_default();
        let scheme = challenge.split(' ').next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("basic") {
            return match self.login() {
                Some(_) => Ok(Pass::Login),
                None => Err(self.no_login()),
            };
        }
        if let Some(token) = self.key.bearer() {
            return Ok(Pass::Token(token));
        }
        let Some(mut realm) = token_url(challenge) else {
            return Err(self.no_login());
        };
        self.add_scope(&mut realm);
        let mut ask = Ask::get(realm.as_str(), TOKEN_LIMIT).unstored();
        if let Some(login) = self.login() {
            ask = with_login(ask, login)?;
        }
        let answer = self.client.ask(ask).await?;
        let token = (answer.status == 200)
            .then(|| serde_json::from_slice::<Token>(&answer.body).ok()?.token)
            .flatten();
        let secret = token.as_deref().and_then(Secret::new);
        secret.map(Pass::Token).ok_or_else(|| self.no_login())
    }

    /// The challenge is for the request that was refused; what follows writes.
    fn add_scope(&self, realm: &mut Url) {
        if self.scope == Scope::PullAndPush
            && let Some((_, name)) = self.url.split_once("/v2/")
        {
            let scope = format!("repository:{name}:pull,push");
            realm.query_pairs_mut().append_pair("scope", &scope);
        }
    }

    fn no_login(&self) -> OciError {
        OciError::NoLogin {
            host: self.host.clone(),
            user: self.login().map(|login| login.user.clone()),
        }
    }
}

/// Returns the digest of what was written, unless the registry says that it took something else.
fn same_digest(url: String, written: &Answer, wanted: Sha256) -> Result<Sha256, OciError> {
    let told = written.header(&CONTENT_DIGEST).map(str::parse::<Sha256>);
    match told {
        Some(Ok(found)) if found != wanted => Err(OciError::Digest { url, found, wanted }),
        Some(_) | None => Ok(wanted),
    }
}

/// Adds a login to a request, which nobody on the way can read.
fn with_login(ask: Ask, login: &Login) -> Result<Ask, OciError> {
    if !is_safe_for_tokens(ask.url()) {
        return Err(OciError::PlainLogin {
            url: ask.url().to_owned(),
        });
    }
    Ok(ask.with_header(header::AUTHORIZATION, login.basic()))
}
