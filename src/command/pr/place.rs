//! Where the forge of a remote is. Credentials go along, so a repository's configuration is believed only where it names the very host
//! that is pushed to; other places are named on the command line or by the environment.

use url::{Origin, Url};

use super::PrRequest;
use crate::config::PullConfig;
use crate::error::CommandError;
use crate::io::forge::{ForgeSettings, GITHUB_API};
use crate::io::git::Remote;

/// Where GitHub itself is.
const GITHUB: &str = "https://github.com";

/// Returns where the forge's repository is and who asks there.
pub(in crate::command) fn settings(
    request: &PrRequest,
    config: &PullConfig,
    shown: &str,
) -> Result<ForgeSettings, CommandError> {
    let of_remote = repository_of(shown);
    // A path names a repository of this machine, which may have any name at the forge.
    let is_at_forge = host_of(shown).is_some();
    if let (true, Some(of_remote), Some(configured)) = (is_at_forge, &of_remote, &config.repository)
        // GitHub tells no capital letters from small ones in names.
        && !of_remote.eq_ignore_ascii_case(configured)
    {
        let message = format!(
            "pullRequests.repository is {configured}, the remote {shown} is of {of_remote}"
        );
        let hint = "pull requests are opened where their branches are; correct one of them, or remove pullRequests.repository";
        return Err(CommandError::new(message).hinted(hint));
    }
    let named = of_remote.filter(|_| is_at_forge || config.repository.is_none());
    let full = named.or_else(|| config.repository.clone());
    let pair = full
        .as_deref()
        .and_then(|full| full.split_once('/'))
        .ok_or_else(|| {
            CommandError::new(format!("{shown} does not name a repository of the forge"))
                .hinted("set pullRequests.repository in csctl-matrix.yaml to owner/name")
        })?;
    Ok(ForgeSettings {
        base: api_of(request, config, shown)?,
        write_pause: std::time::Duration::from_millis(request.write_pause),
        ..ForgeSettings::new(pair.0, pair.1, request.credentials.clone())
    })
}

/// Returns the last two parts of a URL or path: `owner/name`.
fn repository_of(shown: &str) -> Option<String> {
    let path = shown.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit('/');
    let (name, owner) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{name}"))
}

/// Returns the forge's API: that of the command line, else that of the remote's host, else that of the environment.
fn api_of(request: &PrRequest, config: &PullConfig, shown: &str) -> Result<String, CommandError> {
    let places = &request.forge;
    if let Some(api) = &places.api {
        return Ok(api.clone());
    }
    let environment = places.environment.as_ref();
    let Some(remote) = host_of(shown) else {
        let of_environment = environment.map_or(GITHUB_API, |forge| forge.api.as_str());
        return match &config.api {
            Some(api) if !is_same_place(api, of_environment) => Err(unbelieved(api, shown)),
            Some(_) | None => Ok(of_environment.to_owned()),
        };
    };
    if let Some(api) = &config.api {
        return if belongs_to(api, &remote) {
            Ok(api.clone())
        } else {
            Err(unbelieved(api, shown))
        };
    }
    // Its API gets the token, so it is believed for its own server alone.
    let named = environment.filter(|forge| origin_of(&forge.server) == Some(remote.origin()));
    if let Some(forge) = named {
        return Ok(forge.api.clone());
    }
    let name = remote.host_str().unwrap_or_default();
    // GitHub Enterprise Cloud has its API at a host of its own, GitHub Enterprise Server below a path.
    Ok(if name == "github.com" || name.ends_with(".ghe.com") {
        format!("https://api.{name}")
    } else {
        format!("{}/api/v3", remote.origin().ascii_serialization())
    })
}

/// Tells whether an API is one of the remote's own host: at the same origin, or at `api.` before its name.
fn belongs_to(api: &str, remote: &Url) -> bool {
    let Ok(api) = Url::parse(api) else {
        return false;
    };
    let beside = format!("https://api.{}", remote.host_str().unwrap_or_default());
    let is_of_host = api.origin() == remote.origin() || Some(api.origin()) == origin_of(&beside);
    // Over http everybody on the way would see the token; loopback has nobody on the way.
    is_of_host && (api.scheme() == "https" || is_loopback(&api))
}

fn unbelieved(api: &str, shown: &str) -> CommandError {
    let message = format!(
        "pullRequests.api names {api}, which does not belong to the remote {shown}: credentials are not sent there"
    );
    CommandError::new(message).hinted(format!(
        "if it is right, name it on the command line: --api {api}; otherwise remove pullRequests.api"
    ))
}

/// Tells whether a remote is at a host that the command line, the environment or the token itself names: a token of GitHub's is
/// for github.com. Any other is named by a clone alone.
pub(in crate::command) fn is_named(request: &PrRequest, remote: &Remote) -> bool {
    let Some(remote) = host_of(&remote.shown()) else {
        return true;
    };
    let environment = request.forge.environment.as_ref();
    let servers = [Some(GITHUB), environment.map(|forge| forge.server.as_str())];
    request.remote.is_some()
        || servers
            .into_iter()
            .flatten()
            .any(|server| origin_of(server) == Some(remote.origin()))
}

/// Returns the URL of a repository of the forge that the environment names, else of GitHub.
pub(super) fn url_of(request: &PrRequest, repository: &str) -> String {
    let environment = request.forge.environment.as_ref();
    let server = environment.map_or(GITHUB, |forge| forge.server.as_str());
    format!("{}/{repository}.git", server.trim_end_matches('/'))
}

fn host_of(shown: &str) -> Option<Url> {
    let url = Url::parse(shown).ok()?;
    (url.has_host() && matches!(url.scheme(), "http" | "https")).then_some(url)
}

fn origin_of(url: &str) -> Option<Origin> {
    Some(host_of(url)?.origin())
}

fn is_same_place(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
