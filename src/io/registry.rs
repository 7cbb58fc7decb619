//! Tags of OCI registries, and the digests they stand for: container images of docker stacks, charts, stack releases. It pulls
//! and pushes nothing; a whole registry library would bring more than the few requests this needs.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use http::{HeaderValue, header};
use serde::Deserialize;

use super::http::{Answer, Ask, HttpClient, Secret};
use super::image_store::{MinorAnswer, StoreAnswer, collect};
use super::no_answer::NoAnswer;
use crate::catalog::{ImagePattern, NameDate, NodeImage, StoreRequest};
use crate::version::{KubernetesVersion, Sha256};

const BODY_LIMIT: usize = 4 << 20;

/// How many pages of tags are read; with 1000 tags each this is far beyond any repository of images.
const MAX_PAGES: usize = 50;

/// A manifest has some kilobytes; an index of many platforms a few more.
const MANIFEST_LIMIT: usize = 4 << 20;

/// What a tag may stand for: images of several platforms, or of one. Source: the media types of the image specification, and
/// those of Docker before it.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json";

const CONTENT_DIGEST: header::HeaderName = header::HeaderName::from_static("docker-content-digest");

/// Where short names such as `kindest/node` live.
const DOCKER_HUB: &str = "registry-1.docker.io";

#[derive(Deserialize)]
struct TagList {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: Option<String>,
}

/// The tags of a repository, as far as they were told.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    pub found: Vec<String>,
    /// Why there may be more.
    pub fault: Option<NoAnswer>,
}

/// A repository of a registry, which is asked without credentials.
struct Repository<'a> {
    client: &'a HttpClient,
    /// The URL of the repository, without a slash at its end.
    url: String,
    token: Option<Secret>,
    round: u32,
}

/// Returns the tags of a repository such as `registry.example/kindest/node`, without credentials; nothing where the registry
/// does not know the repository.
pub(crate) async fn fetch_tags(
    client: &HttpClient,
    repository: &str,
) -> Result<Option<Tags>, NoAnswer> {
    Repository::new(client, repository).fetch_tags().await
}

/// What of a repository is asked for.
#[derive(Clone, Copy)]
pub(super) struct ObjectAsk<'a> {
    /// The repository.
    pub(super) repository: &'a str,
    /// The place in it: `manifests/1.19.2`, or `blobs/sha256:...`.
    pub(super) place: &'a str,
    /// The media type.
    pub(super) accept: &'static str,
    /// The most bytes that are read.
    pub(super) limit: usize,
}

/// Fetches a manifest or a blob, without credentials.
pub(super) async fn fetch_object(
    client: &HttpClient,
    wanted: &ObjectAsk<'_>,
) -> Result<Answer, NoAnswer> {
    let mut repository = Repository::new(client, wanted.repository);
    let url = format!("{}/{}", repository.url, wanted.place);
    let ask = Ask::get(&url, wanted.limit)
        .with_header(header::ACCEPT, HeaderValue::from_static(wanted.accept));
    let mut answer = client.ask(repository.ask(ask.clone())).await?;
    if answer.status == 401 {
        let token = fetch_token(client, &url, &answer, 1).await?;
        repository.token = Some(token);
        answer = client.ask(repository.ask(ask)).await?;
    }
    match answer.status {
        200 => Ok(answer),
        status => Err(NoAnswer::of_status(&url, status)),
    }
}

impl<'a> Repository<'a> {
    fn new(client: &'a HttpClient, repository: &str) -> Self {
        let (host, name) = split_name(repository);
        // As Docker does: a registry on this machine has no certificate.
        let scheme = if is_local(host) { "http" } else { "https" };
        Self {
            client,
            url: format!("{scheme}://{host}/v2/{name}"),
            token: None,
            round: 0,
        }
    }

    /// Reads the tags page by page. Those before a page that gives no answer are kept.
    async fn fetch_tags(&mut self) -> Result<Option<Tags>, NoAnswer> {
        let first = format!("{}/tags/list?n=1000", self.url);
        let Some(mut page) = self.fetch_page(&first).await? else {
            return Ok(None);
        };
        let mut tags = Tags::default();
        let mut known = BTreeSet::from([first.clone()]);
        loop {
            tags.found.append(&mut page.tags);
            let Some(next) = page.next else { break };
            let url = match unread_page(next, &mut known) {
                Ok(url) => url,
                Err(reason) => {
                    tags.fault = Some(NoAnswer::new(&first, reason));
                    break;
                }
            };
            let answer = self.fetch_page(&url).await;
            match answer.and_then(|page| page.ok_or_else(|| NoAnswer::of_status(&url, 404))) {
                Ok(next_page) => page = next_page,
                Err(fault) => {
                    tags.fault = Some(fault.of_next_page(&first, "tags"));
                    break;
                }
            }
        }
        Ok(Some(tags))
    }

    /// Reads one page of tags; nothing where there is no such page.
    async fn fetch_page(&mut self, url: &str) -> Result<Option<Page>, NoAnswer> {
        self.round += 1;
        let mut answer = self.client.ask(self.ask(Ask::get(url, BODY_LIMIT))).await?;
        // Docker Hub and GHCR hand a token to anybody, but want to be asked for it with what the refusal names.
        if answer.status == 401 && self.token.is_none() {
            let round = self.round + 1;
            self.token = Some(fetch_token(self.client, url, &answer, round).await?);
            self.round += 2;
            answer = self.client.ask(self.ask(Ask::get(url, BODY_LIMIT))).await?;
        }
        match answer.status {
            200 => {}
            404 => return Ok(None),
            status => return Err(NoAnswer::of_status(url, status)),
        }
        let list: TagList = serde_json::from_slice(&answer.body)
            .map_err(|_| NoAnswer::new(url, "the answer is not a list of tags"))?;
        Ok(Some(Page {
            tags: list.tags.unwrap_or_default(),
            next: answer.next_page(url).transpose(),
        }))
    }

    /// Finds the digest that a tag stands for; without an answer there is none.
    async fn find_digest(&self, tag: &str) -> Option<Sha256> {
        let url = format!("{}/manifests/{tag}", self.url);
        let accept = HeaderValue::from_static(MANIFESTS);
        let head = Ask::head(&url).with_header(header::ACCEPT, accept.clone());
        let answer = self.client.ask(self.ask(head)).await.ok()?;
        match answer.status {
            200 if answer.header(&CONTENT_DIGEST).is_some() => return content_digest(&answer),
            // Not every registry knows HEAD, or says the digest.
            200 | 403 | 405 | 501 => {}
            _ => return None,
        }
        let get = Ask::get(&url, MANIFEST_LIMIT).with_header(header::ACCEPT, accept);
        let answer = self.client.ask(self.ask(get)).await.ok()?;
        let own = Sha256::of(&answer.body);
        let is_manifest = answer.status == 200 && answer.body.trim_ascii_start().starts_with(b"{");
        // Where header and body disagree, nobody knows which of them is the image's.
        let is_contradicted = answer.header(&CONTENT_DIGEST).is_some()
            && content_digest(&answer).as_ref() != Some(&own);
        (is_manifest && !is_contradicted).then_some(own)
    }

    fn ask(&self, ask: Ask) -> Ask {
        let timed = ask.in_round(self.round);
        match &self.token {
            Some(token) => timed.with_anonymous_bearer(token.clone()),
            None => timed,
        }
    }
}

/// One page of tags.
struct Page {
    tags: Vec<String>,
    /// Where the next one is, or why it is not asked for.
    next: Option<Result<String, String>>,
}

/// Returns the URL of a page that was not read yet. A registry could send in circles, or on for ever.
fn unread_page(
    next: Result<String, String>,
    known: &mut BTreeSet<String>,
) -> Result<String, String> {
    let url = next.map_err(|reason| format!("the next page of tags {reason}; it was not asked"))?;
    if known.len() >= MAX_PAGES {
        Err(format!("more than {MAX_PAGES} pages of tags ({url})"))
    } else if known.insert(url.clone()) {
        Ok(url)
    } else {
        Err(format!(
            "the next page of tags repeats an earlier one ({url})"
        ))
    }
}

/// Returns the digest that a registry names, where it is one of SHA-256.
fn content_digest(answer: &Answer) -> Option<Sha256> {
    let text = answer.header(&CONTENT_DIGEST)?.trim();
    text.strip_prefix("sha256:")?.parse().ok()
}

/// Tells whether a registry is on this machine.
pub(super) fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let address: Result<std::net::IpAddr, _> = bare.parse();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Gets the token that the registry gives to anybody. Source: the token authentication of the distribution specification.
async fn fetch_token(
    client: &HttpClient,
    url: &str,
    refusal: &Answer,
    round: u32,
) -> Result<Secret, NoAnswer> {
    let challenge = refusal
        .header(&header::WWW_AUTHENTICATE)
        .unwrap_or_default();
    let Some(token_url) = token_url(challenge) else {
        return Err(no_token(url));
    };
    let request = Ask::get(token_url.as_str(), BODY_LIMIT)
        .unstored()
        .in_round(round);
    let answer = client.ask(request).await?;
    if answer.status != 200 {
        let mut realm = token_url;
        realm.set_query(None);
        return Err(NoAnswer::of_status(realm.as_str(), answer.status));
    }
    let read: Result<Token, _> = serde_json::from_slice(&answer.body);
    let token = read.ok().and_then(|read| read.token);
    let secret = token.as_deref().and_then(Secret::new);
    secret.ok_or_else(|| no_token(url))
}

fn no_token(url: &str) -> NoAnswer {
    NoAnswer::new(url, "answers 401 and gives no token to the public")
}

/// Returns where a token is to be had, from `Bearer realm="...",service="...",scope="..."`.
pub(super) fn token_url(challenge: &str) -> Option<url::Url> {
    let (scheme, parameters) = challenge.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut url = url::Url::parse(&find_parameter(parameters, "realm")?).ok()?;
    for name in ["service", "scope"] {
        if let Some(value) = find_parameter(parameters, name) {
            url.query_pairs_mut().append_pair(name, &value);
        }
    }
    Some(url)
}

/// Finds `name="value"` in a list with commas, which values may contain too.
fn find_parameter(parameters: &str, name: &str) -> Option<String> {
    let start = parameters.find(&format!("{name}=\""))? + name.len() + 2;
    let end = parameters[start..].find('"')?;
    Some(parameters[start..start + end].to_owned())
}

/// Splits a repository into the registry's host and the name there, with Docker's rules for short names: what stands before the
/// first slash is a host if it has a dot or a colon, or is `localhost`.
fn split_name(repository: &str) -> (&str, String) {
    match repository.split_once('/') {
        Some(("docker.io" | "index.docker.io", name)) => (DOCKER_HUB, official(name)),
        Some((host, name)) if host.contains(['.', ':']) || host == "localhost" => {
            (host, name.to_owned())
        }
        Some(_) | None => (DOCKER_HUB, official(repository)),
    }
}

fn official(name: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        // Docker Hub has its official images below `library/`.
        format!("library/{name}")
    }
}

/// Looks up the container images of a pattern such as `kindest/node:v{version}`. They carry no checksum here: the registry's
/// digest is that of a manifest.
pub(crate) async fn look(
    client: &HttpClient,
    pattern: &ImagePattern,
    request: &StoreRequest,
) -> StoreAnswer {
    let (name, _) = pattern.repository_and_tag();
    let mut repository = Repository::new(client, name);
    let told = repository.fetch_tags().await.and_then(|tags| {
        let reason = "the registry does not know the repository";
        tags.ok_or_else(|| NoAnswer::new(pattern.as_str(), reason))
    });
    let tags = told.unwrap_or_else(|fault| Tags {
        found: Vec::new(),
        fault: Some(fault),
    });
    let wanted: BTreeSet<ImageTag<'_>> = tags
        .found
        .iter()
        .filter_map(|tag| read_tag(pattern, tag))
        .filter(|tag| request.minors.contains(&tag.version.minor()))
        .collect();
    repository.round += 1;
    let digests = join_all(wanted.iter().map(|tag| async {
        if request.digests {
            repository.find_digest(tag.text).await
        } else {
            None
        }
    }));
    let images: Vec<NodeImage> = wanted
        .iter()
        .zip(digests.await)
        .map(|(tag, digest)| container_image(name, *tag, digest))
        .collect();
    let minors = request.minors.iter().map(|minor| {
        let of_minor = images
            .iter()
            .filter(|image| image.version.minor() == *minor);
        let answer = MinorAnswer {
            images: of_minor.cloned().collect(),
            faulty: Vec::new(),
            fault: tags.fault.clone(),
        };
        (*minor, answer)
    });
    collect(pattern, minors.collect())
}

/// A tag that follows the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ImageTag<'t> {
    version: KubernetesVersion,
    date: Option<NameDate>,
    text: &'t str,
}

/// Reads a tag that is exactly the template with a version in it: `v1.34.0`, neither `v1.34.0-rc.1` nor `1.34`.
fn read_tag<'t>(pattern: &ImagePattern, tag: &'t str) -> Option<ImageTag<'t>> {
    let (name, _) = pattern.repository_and_tag();
    let read = pattern.read(&format!("{name}:{tag}"))?;
    Some(ImageTag {
        version: read.version,
        date: read.date,
        text: tag,
    })
}

fn container_image(name: &str, tag: ImageTag<'_>, digest: Option<Sha256>) -> NodeImage {
    NodeImage {
        digest,
        built: tag.date.map(NameDate::day),
        ..NodeImage::new(tag.version, format!("{name}:{}", tag.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_docker() {
        for (repository, host, name) in [
            ("kindest/node", "registry-1.docker.io", "kindest/node"),
            (
                "docker.io/kindest/node",
                "registry-1.docker.io",
                "kindest/node",
            ),
            ("debian", "registry-1.docker.io", "library/debian"),
            ("ghcr.io/a/b/c", "ghcr.io", "a/b/c"),
            ("localhost:5000/a", "localhost:5000", "a"),
        ] {
            assert_eq!(split_name(repository), (host, name.to_owned()));
        }
    }

    #[test]
    fn only_exact_tags_are_versions() {
        let pattern = "localhost:5000/node:v{version}".parse().unwrap();
        let read = read_tag(&pattern, "v1.34.0").unwrap();
        assert_eq!(read.version.to_string(), "v1.34.0");
        for tag in [
            "1.34.0",
            "v1.34",
            "v1.34.0-rc.1",
            "vv1.34.0",
            "latest",
            "v1.34.0_a",
            "v1.34.0-20260417",
        ] {
            assert_eq!(read_tag(&pattern, tag), None, "{tag}");
        }
        let dated = "localhost:5000/node:v{version}-{date}".parse().unwrap();
        let read = read_tag(&dated, "v1.34.0-20260417").unwrap();
        assert_eq!(read.date.unwrap().to_string(), "20260417");
        assert_eq!(read_tag(&dated, "v1.34.0"), None);
    }

    #[test]
    fn only_this_machine_is_asked_without_tls() {
        for host in [
            "localhost",
            "localhost:5000",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]:5000",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "localhost.example.org",
            "127.0.0.1.example.org:80",
            "10.0.0.1:5000",
            "a",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
