//! The clone that a run works in, and what its remote says before anything else: any clone will do, as what is missing is fetched, and
//! without one a bare repository in the cache takes its place.

use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;

use super::{PrRequest, place, remote, settings};
use crate::command::{Place, Repository};
use crate::config::{CONFIG_FILE, Config, PullConfig};
use crate::error::CommandError;
use crate::io::files::{find_root, load_file};
use crate::io::forge::{Credentials, ForgeSettings, GitHub};
use crate::io::git::{GitRepository, Refs, Remote, RemoteError};
use crate::io::http::HttpClient;

/// What a run begins with.
pub(super) struct Opened {
    pub(super) directory: PathBuf,
    pub(super) git: GitRepository,
    pub(super) remote: Remote,
    pub(super) forge: GitHub,
    pub(super) refs: Refs,
    /// The default branch, where there is one.
    pub(super) home: Option<Repository>,
    /// The configuration of the default branch.
    pub(super) config: Config,
    /// A warning of a configuration in the working directory that has no say.
    pub(super) unread: Option<String>,
}

/// The clone, and the repository that it exchanges commits with.
struct Clone {
    directory: PathBuf,
    git: GitRepository,
    remote: Remote,
}

/// Opens the clone, asks the remote for its refs, and reads the configuration of its default branch: what lies in the working directory may
/// be anybody's.
pub(super) fn open(
    request: &PrRequest,
    client: &HttpClient,
    runtime: &Runtime,
) -> Result<Opened, CommandError> {
    let Clone {
        directory,
        git,
        remote,
    } = find(request)?;
    let shown = remote.shown();
    let first = match &request.credentials {
        // A private repository is not read before the App has a token.
        Credentials::App { .. } => settings(request, &PullConfig::default(), &shown)
            // What is wrong with the place is told below, by the configuration that counts.
            .ok()
            .map(|usual| connect(client, runtime, &usual)),
        Credentials::None | Credentials::Token(_) => None,
    };
    let asked = remote.with_tokens(first.as_ref().and_then(GitHub::tokens));
    let refs = runtime.block_on(asked.refs(client)).map_err(hinted)?;
    let main = refs.default_branch.as_deref();
    let home = match main.and_then(|main| refs.branch(main)) {
        Some(head) => {
            let fetched = asked.fetch(client, &git, std::slice::from_ref(&head), 1);
            runtime.block_on(fetched).map_err(hinted)?;
            Some(Repository::open(&Place {
                directory: directory.clone(),
                revision: Some(head.to_string()),
            })?)
        }
        None => None,
    };
    let config = match &home {
        Some(home) => home.config.clone(),
        None => Config::default(),
    };
    let configured = settings(request, &config.pull_requests, &shown)?;
    let forge = match first {
        // It may have bought a token already.
        Some(forge) if is_same_place(forge.settings(), &configured) => forge,
        Some(_) | None => connect(client, runtime, &configured),
    };
    Ok(Opened {
        remote: asked.with_tokens(forge.tokens()),
        unread: find_unread(&directory, home.as_ref()),
        directory,
        git,
        forge,
        refs,
        home,
        config,
    })
}

fn hinted(error: RemoteError) -> CommandError {
    let hint = error.hint();
    CommandError::new(error).hinted(hint)
}

fn connect(client: &HttpClient, runtime: &Runtime, settings: &ForgeSettings) -> GitHub {
    let _guard = runtime.enter();
    GitHub::new(client, settings)
}

fn is_same_place(one: &ForgeSettings, other: &ForgeSettings) -> bool {
    (&one.base, &one.owner, &one.repository) == (&other.base, &other.owner, &other.repository)
}

/// Finds the clone that a run was started in, or makes one in the cache.
fn find(request: &PrRequest) -> Result<Clone, CommandError> {
    if let Some(repository) = &request.forge.repository {
        return find_in_cache(request, repository);
    }
    let root = find_root(&request.place.directory)
        .map_err(|error| CommandError::new(error).hinted("-C names the directory"))?;
    let git = GitRepository::discover(&root).map_err(|error| {
        CommandError::new(format!("{}: {error}", root.display())).hinted(error.hint())
    })?;
    let Some(found) = git else {
        let message = format!("{} is not in a git repository", root.display());
        let hint = "run it in a clone, or name the repository: --repository OWNER/NAME";
        return Err(CommandError::new(message).hinted(hint));
    };
    let git = found.without_index()?;
    Ok(Clone {
        remote: remote(request, &git)?,
        directory: root,
        git,
    })
}

/// Makes or finds the bare repository that stands for a clone. It keeps objects alone: no ref and no configuration of its own.
fn find_in_cache(request: &PrRequest, repository: &str) -> Result<Clone, CommandError> {
    let Some(cache) = &request.sources.http.cache_dir else {
        let message = "there is no cache directory for a clone";
        return Err(CommandError::new(message).hinted("name one: --cache-dir DIR"));
    };
    let url = place::url_of(request, repository);
    let remote = Remote::new(&url, request.credentials.clone()).map_err(hinted)?;
    let host = url::Url::parse(&url)
        .ok()
        .and_then(|parsed| parsed.host_str().map(str::to_owned));
    // The address of a host in IPv6 has colons, which not every file system takes.
    let folder = host.unwrap_or_default().replace(':', "_");
    let directory = cache
        .join("repositories")
        .join(folder)
        .join(format!("{repository}.git"));
    let git = GitRepository::open_or_make(&directory).map_err(|error| {
        let message = format!("{} cannot be used: {error}", directory.display());
        CommandError::new(message).hinted("remove it, or name another cache: --cache-dir DIR")
    })?;
    Ok(Clone {
        directory,
        git,
        remote,
    })
}

/// Says that the configuration of the working directory has no say, where it says something else.
fn find_unread(directory: &Path, home: Option<&Repository>) -> Option<String> {
    let here = load_file(directory, CONFIG_FILE)?;
    let there = home.and_then(|home| home.tree.find(CONFIG_FILE));
    (there != Some(&here)).then(|| {
        format!(
            "{CONFIG_FILE} here differs from that of the remote's default branch, which is the one that counts; push it there first"
        )
    })
}
