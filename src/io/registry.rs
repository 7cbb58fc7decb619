//! Tags of OCI registries: container images of docker stacks, charts, stack releases. It pulls and pushes nothing; a whole
//! registry library would bring more than the one request this needs.

use std::collections::BTreeSet;

use http::header;
use serde::Deserialize;

use super::fault::Fault;
use super::http::{Answer, Ask, HttpClient, Secret};
use super::image_store::{MinorAnswer, StoreAnswer, collect};
use crate::catalog::{ImagePattern, NodeImage, StoreRequest};
use crate::version::KubernetesVersion;

const BODY_LIMIT: usize = 4 << 20;

/// How many pages of tags are read; with 1000 tags each this is far beyond any repository of images.
const MAX_PAGES: usize = 50;

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

/// Returns all tags of a repository such as `registry.example/kindest/node`, without credentials; nothing where the registry
/// does not know the repository.
pub async fn fetch_tags(
    client: &HttpClient,
    repository: &str,
) -> Result<Option<Vec<String>>, Fault> {
    let (host, name) = split_name(repository);
    // As Docker does: a registry on this machine has no certificate.
    let is_local = host.starts_with("localhost") || host.starts_with("127.0.0.1");
    let scheme = if is_local { "http" } else { "https" };
    let base = format!("{scheme}://{host}/v2/{name}/tags/list?n=1000");
    let mut url = base.clone();
    let mut token = None;
    let mut tags = Vec::new();
    let mut round = 1;
    for _ in 0..MAX_PAGES {
        let mut answer = client.ask(ask(&url, token.as_ref(), round)).await?;
        if answer.status == 401 && token.is_none() {
            token = Some(fetch_token(client, &url, &answer, round + 1).await?);
            round += 2;
            answer = client.ask(ask(&url, token.as_ref(), round)).await?;
        }
        match answer.status {
            200 => {}
            404 => return Ok(None),
            status => return Err(Fault::of_status(&url, status)),
        }
        let page: TagList = serde_json::from_slice(&answer.body)
            .map_err(|_| Fault::new(&url, "the answer is no list of tags"))?;
        tags.extend(page.tags.unwrap_or_default());
        match answer.next_page(&url) {
            Some(next) if next != url => url = next,
            Some(_) | None => return Ok(Some(tags)),
        }
        round += 1;
    }
    Err(Fault::new(
        &base,
        format!("more than {MAX_PAGES} pages of tags"),
    ))
}

fn ask(url: &str, token: Option<&Secret>, round: u32) -> Ask {
    let ask = Ask::get(url, BODY_LIMIT).in_round(round);
    match token {
        Some(token) => ask.with_anonymous_bearer(token.clone()),
        None => ask,
    }
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
    let text = pattern.as_str();
    let template_start = text.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match text[template_start..].split_once(':') {
        Some((name, tag)) => (&text[..template_start + name.len()], tag),
        None => (text, ""),
    };
    let tags = fetch_tags(client, repository).await;
    let mut versions = BTreeSet::new();
    let mut fault = None;
    match tags {
        Ok(Some(tags)) => versions.extend(tags.iter().filter_map(|found| read_tag(tag, found))),
        Ok(None) => {
            let reason = "the registry does not know the repository";
            fault = Some(Fault::new(text, reason));
        }
        Err(error) => fault = Some(error),
    }
    let minors = request.minors.iter().map(|minor| {
        let of_minor = versions.iter().filter(|version| version.minor() == *minor);
        let answer = MinorAnswer {
            images: of_minor
                .map(|version| container_image(pattern, *version))
                .collect(),
            faulty: Vec::new(),
            fault: fault.clone(),
        };
        (*minor, answer)
    });
    collect(pattern, minors.collect())
}

/// Reads a tag that is exactly the template with a version in it: `v1.34.0`, neither `v1.34.0-rc.1` nor `1.34`.
fn read_tag(template: &str, tag: &str) -> Option<KubernetesVersion> {
    let (before, after) = template.split_once("{version}")?;
    let text = tag.strip_prefix(before)?.strip_suffix(after)?;
    let version: KubernetesVersion = text.parse().ok()?;
    (version.plain() == text).then_some(version)
}

fn container_image(pattern: &ImagePattern, version: KubernetesVersion) -> NodeImage {
    NodeImage {
        version,
        os: None,
        url: pattern.url(version, None),
        sha256: None,
        sha512: None,
        digest: None,
        built: None,
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
        let read = |tag| read_tag("v{version}", tag).map(|version| version.to_string());
        assert_eq!(read("v1.34.0"), Some("v1.34.0".to_owned()));
        for tag in [
            "1.34.0",
            "v1.34",
            "v1.34.0-rc.1",
            "vv1.34.0",
            "latest",
            "v1.34.0_a",
        ] {
            assert_eq!(read(tag), None, "{tag}");
        }
    }
}
