//! Tags of OCI registries, and the digests they stand for: container images of docker stacks, charts, stack releases. It pulls
//! and pushes nothing; a whole registry library would bring more than the few requests this needs.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use http::{HeaderValue, header};
use serde::Deserialize;

use super::fault::Fault;
use super::http::{Answer, Ask, HttpClient, Secret};
use super::image_store::{MinorAnswer, StoreAnswer, collect};
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
pub struct Tags {
    /// The tags.
    pub found: Vec<String>,
    /// Why there may be more.
    pub fault: Option<Fault>,
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
pub async fn fetch_tags(client: &HttpClient, repository: &str) -> Result<Option<Tags>, Fault> {
    Repository::new(client, repository).fetch_tags().await
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
    async fn fetch_tags(&mut self) -> Result<Option<Tags>, Fault> {
        let first = format!("{}/tags/list?n=1000", self.url);
        let Some((mut tags, mut next)) = self.fetch_page(&first).await? else {
            return Ok(None);
        };
        let mut known = BTreeSet::from([first.clone()]);
        while let Some(url) = next {
            let url = match url {
                Ok(url) if known.len() >= MAX_PAGES => {
                    let reason = format!("more than {MAX_PAGES} pages of tags ({url})");
                    tags.fault = Some(Fault::new(&first, reason));
                    break;
                }
                Ok(url) if !known.insert(url.clone()) => {
                    let reason = format!("the next page of tags is one of those before ({url})");
                    tags.fault = Some(Fault::new(&first, reason));
                    break;
                }
                Ok(url) => url,
                Err(reason) => {
                    let reason = format!("the next page of tags {reason}, which is not asked");
                    tags.fault = Some(Fault::new(&first, reason));
                    break;
                }
            };
            let page = self.fetch_page(&url).await;
            let page = page.and_then(|page| page.ok_or_else(|| Fault::of_status(&url, 404)));
            match page {
                Ok((more, after)) => {
                    tags.found.extend(more.found);
                    next = after;
                }
                Err(fault) => {
                    tags.fault = Some(fault.of_next_page(&first, "tags"));
                    break;
                }
            }
        }
        Ok(Some(tags))
    }

    /// Reads one page of tags, and where the next one is; nothing where there is no such page.
    async fn fetch_page(&mut self, url: &str) -> Result<Option<(Tags, Option<Next>)>, Fault> {
        self.round += 1;
        let mut answer = self.client.ask(self.ask(Ask::get(url, BODY_LIMIT))).await?;
        if answer.status == 401 && self.token.is_none() {
            let round = self.round + 1;
            self.token = Some(fetch_token(self.client, url, &answer, round).await?);
            self.round += 2;
            answer = self.client.ask(self.ask(Ask::get(url, BODY_LIMIT))).await?;
        }
        match answer.status {
            200 => {}
            404 => return Ok(None),
            status => return Err(Fault::of_status(url, status)),
        }
        let page: TagList = serde_json::from_slice(&answer.body)
            .map_err(|_| Fault::new(url, "the answer is no list of tags"))?;
        let tags = Tags {
            found: page.tags.unwrap_or_default(),
            fault: None,
        };
        Ok(Some((tags, answer.next_page(url).transpose())))
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
        let is_contradicted = answer.header(&CONTENT_DIGEST).is_some()
            && content_digest(&answer).as_ref() != Some(&own);
        (is_manifest && !is_contradicted).then_some(own)
    }

    fn ask(&self, ask: Ask) -> Ask {
        let ask = ask.in_round(self.round);
        match &self.token {
            Some(token) => ask.with_anonymous_bearer(token.clone()),
            None => ask,
        }
    }
}

/// Where the next page is, or why it is not asked for.
type Next = Result<String, String>;

/// Returns the digest that a registry names, where it is one of SHA-256.
fn content_digest(answer: &Answer) -> Option<Sha256> {
    let text = answer.header(&CONTENT_DIGEST)?.trim();
    text.strip_prefix("sha256:")?.parse().ok()
}

/// Tells whether a registry is on this machine.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let address: Option<std::net::IpAddr> = address.parse().ok();
    name == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// Gets the token that the registry gives to anybody. Source: the token authentication of the distribution specification.
async fn fetch_token(
    client: &HttpClient,
    url: &str,
    refusal: &Answer,
    round: u32,
) -> Result<Secret, Fault> {
    let challenge = refusal
        .header(&header::WWW_AUTHENTICATE)
        .unwrap_or_default();
    let refused = || Fault::new(url, "answers 401 and gives no token to the public");
    let parameters = challenge
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, parameters)| parameters)
        .ok_or_else(refused)?;
    let realm = find_parameter(parameters, "realm").ok_or_else(refused)?;
    let mut token_url = url::Url::parse(&realm).map_err(|_| refused())?;
    for name in ["service", "scope"] {
        if let Some(value) = find_parameter(parameters, name) {
            token_url.query_pairs_mut().append_pair(name, &value);
        }
    }
    let request = Ask::get(token_url.as_str(), BODY_LIMIT)
        .unstored()
        .in_round(round);
    let answer = client.ask(request).await?;
    if answer.status != 200 {
        return Err(Fault::of_status(&realm, answer.status));
    }
    let token: Token = serde_json::from_slice(&answer.body).map_err(|_| refused())?;
    token
        .token
        .as_deref()
        .and_then(Secret::new)
        .ok_or_else(refused)
}

/// Finds `name="value"` in a list with commas, which values may contain too.
fn find_parameter(parameters: &str, name: &str) -> Option<String> {
    let start = parameters.find(&format!("{name}=\""))? + name.len() + 2;
    let end = parameters[start..].find('"')?;
    Some(parameters[start..start + end].to_owned())
}

/// Splits a repository into the registry's host and the name there, with Docker's rules for short names.
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
    let tags = repository.fetch_tags().await;
    let tags = match tags {
        Ok(Some(tags)) => tags,
        Ok(None) => Tags {
            found: Vec::new(),
            fault: Some(Fault::new(
                pattern.as_str(),
                "the registry does not know the repository",
            )),
        },
        Err(fault) => Tags {
            found: Vec::new(),
            fault: Some(fault),
        },
    };
    let read = tags.found.iter().filter_map(|tag| read_tag(pattern, tag));
    let wanted = read.filter(|tag| request.minors.contains(&tag.version.minor()));
    let wanted: BTreeSet<ImageTag<'_>> = wanted.collect();
    repository.round += 1;
    let digests = join_all(wanted.iter().map(|tag| async {
        if request.digests {
            repository.find_digest(tag.text).await
        } else {
            None
        }
    }));
    let images = wanted.iter().zip(digests.await);
    let images: Vec<NodeImage> = images
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
        version: tag.version,
        os: None,
        url: format!("{name}:{}", tag.text),
        sha256: None,
        sha512: None,
        digest,
        built: tag.date.map(NameDate::day),
        size: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_docker() {
        let split = |name| {
            let (host, name) = split_name(name);
            format!("{host} {name}")
        };
        assert_eq!(split("kindest/node"), "registry-1.docker.io kindest/node");
        assert_eq!(
            split("docker.io/kindest/node"),
            "registry-1.docker.io kindest/node"
        );
        assert_eq!(split("debian"), "registry-1.docker.io library/debian");
        assert_eq!(split("ghcr.io/a/b/c"), "ghcr.io a/b/c");
        assert_eq!(split("localhost:5000/a"), "localhost:5000 a");
    }

    #[test]
    fn only_exact_tags_are_versions() {
        let pattern = "localhost:5000/node:v{version}".parse().unwrap();
        let read = |tag| read_tag(&pattern, tag).map(|tag| tag.version.to_string());
        assert_eq!(read("v1.34.0"), Some("v1.34.0".to_owned()));
        for tag in [
            "1.34.0",
            "v1.34",
            "v1.34.0-rc.1",
            "vv1.34.0",
            "latest",
            "v1.34.0_a",
            "v1.34.0-20260417",
        ] {
            assert_eq!(read(tag), None, "{tag}");
        }
        let pattern = "localhost:5000/node:v{version}-{date}".parse().unwrap();
        let dated = |tag| read_tag(&pattern, tag).and_then(|tag| tag.date);
        assert_eq!(dated("v1.34.0-20260417").unwrap().to_string(), "20260417");
        assert_eq!(dated("v1.34.0"), None);
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
