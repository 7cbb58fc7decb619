//! `pr`: the unattended pull requests of a repository. For every base branch it plans on that branch's newest commit, looks at what
//! the forge has, decides with `pull::decide`, and carries the decisions out one by one. Nothing is kept between two runs but what
//! git and the forge hold, so a run that was stopped anywhere is finished by the next.

mod act;
mod agenda;
mod doubt;
mod land;
mod merge;
mod observe;
mod propose;

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::runtime::Runtime;

use super::{Format, Outcome, Place, Repository, World, to_json};
use crate::config::{GateConfig, PullConfig};
use crate::error::{CommandError, Status};
use crate::io::append;
use crate::io::forge::{Budget, Credentials, ForgeError, ForgeSettings, GITHUB_API, GitHub};
use crate::io::gate::CommandSettings;
use crate::io::git::{GitRepository, Person, Refs, Remote};
use crate::io::http::HttpClient;
use crate::plan::Selection;
use crate::policy::ChangeClass;
use crate::pull::{Ended, Labels, PullKey, PullOutcome, PullReport, decide};
use crate::report;
use crate::version::Minor;
use agenda::Agenda;
pub(super) use agenda::planned_lines;

/// What to make pull requests of.
#[derive(Debug, Clone)]
pub struct PrRequest {
    /// The repository; its working directory is not touched.
    pub place: Place,
    /// How the world is seen.
    pub world: World,
    /// Which pull requests are looked at; the others stay as they are.
    pub only: Only,
    /// The remote's URL; without it, that of `origin`.
    pub remote: Option<String>,
    /// Who asks the forge; without anybody, nothing can be written.
    pub credentials: Credentials,
    /// Whether to make no request that changes anything.
    pub is_dry: bool,
    /// Who writes the commits where the configuration does not say it.
    pub author: Option<(String, String)>,
    /// How commands of the gate are run.
    pub settings: CommandSettings,
    /// The time.
    pub now: jiff::Timestamp,
    /// The pause between two requests that change something, in milliseconds.
    pub write_pause: u64,
    /// A file that the report is added to as Markdown.
    pub summary: Option<PathBuf>,
    /// The form of the data.
    pub format: Format,
}

/// What a run is limited to.
#[derive(Debug, Clone, Default)]
pub struct Only {
    /// The stacks that were asked for.
    pub selection: Selection,
    /// The only minor.
    pub minor: Option<Minor>,
    /// The only classes of change; all without any.
    pub changes: BTreeSet<ChangeClass>,
}

impl Only {
    /// Tells whether a key is looked at, as far as its stack is not concerned.
    fn takes(&self, key: &PullKey) -> bool {
        let of_minor = self.minor.is_none_or(|minor| minor == key.line.minor);
        of_minor && (self.changes.is_empty() || self.changes.contains(&key.class))
    }
}

/// A run.
struct Run<'a> {
    request: &'a PrRequest,
    runtime: &'a Runtime,
    client: HttpClient,
    forge: GitHub,
    git: &'a GitRepository,
    remote: Remote,
    refs: Refs,
    config: PullConfig,
    gate: GateConfig,
    labels: Labels,
    author: Person,
    opened: u32,
    pushed: u32,
    /// Base branches that something was merged into in this run.
    merged: BTreeSet<String>,
}

/// Why a run stops before its end.
enum Stop {
    Limit(String),
    Failed(CommandError),
}

/// Makes the pull requests of a repository.
pub fn run(request: &PrRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.place)?;
    let Some(git) = &repository.git else {
        let message = format!("{} is in no git repository", repository.root.display());
        return Err(CommandError::new(message).hinted("run it in a clone"));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(format!("cannot start the network: {error}")))?;
    let config = repository.config.pull_requests.clone();
    let remote = remote(request, git)?;
    let author = author(request, &config, git)?;
    let client = repository.http_client(&request.world);
    let forge = {
        let _guard = runtime.enter();
        GitHub::new(&client, &settings(request, &config, &remote.shown())?)
    };
    let remote = remote.with_tokens(forge.tokens());
    let refs = runtime
        .block_on(remote.refs(&client))
        .map_err(|error| CommandError::new(&error).hinted(error.hint()))?;
    let mut run = Run {
        labels: Labels {
            stop: config.stop_label.clone(),
            again: config.again_label.clone(),
        },
        request,
        runtime: &runtime,
        client,
        forge,
        git,
        remote,
        refs,
        gate: repository.config.gate.clone(),
        config,
        author,
        opened: 0,
        pushed: 0,
        merged: BTreeSet::new(),
    };
    let mut outcomes = Vec::new();
    let mut said = Outcome::default();
    let stop = run.all(&mut outcomes, &mut said).err();
    let report = run.report(outcomes);
    if let Some(Stop::Failed(error)) = stop {
        return Err(error);
    }
    let mut outcome = outcome(request, &report, stop)?;
    outcome.warnings.extend(said.warnings);
    outcome.faults = said.faults;
    if !outcome.faults.is_empty() {
        outcome.status = outcome.status.or(Some(Status::Error));
    }
    Ok(outcome)
}

fn outcome(
    request: &PrRequest,
    report: &PullReport,
    stop: Option<Stop>,
) -> Result<Outcome, CommandError> {
    let data = match request.format {
        Format::Text => report::text::pull_requests(report),
        Format::Json => to_json(report)?,
        Format::Markdown => report::markdown::pull_requests(report),
    };
    let mut outcome = Outcome::of(data, request.format);
    if let Some(path) = &request.summary
        && let Err(error) = append(path, &report::markdown::pull_requests(report))
    {
        let warning = format!("cannot add to {}: {error}", path.display());
        outcome.warnings.push(warning);
    }
    let has = |ended| report.outcomes.iter().any(|one| one.ended == ended);
    let is_limited = match stop {
        Some(Stop::Limit(error)) => {
            outcome.warnings.push(error);
            true
        }
        Some(Stop::Failed(_)) | None => has(Ended::Ceiling),
    };
    // What failed is not hidden by what the next run does.
    if has(Ended::Failed) {
        outcome.status = Some(Status::Error);
    } else if is_limited {
        outcome.status = Some(Status::Limited);
    }
    Ok(outcome)
}

/// The repository that is fetched from and pushed to.
pub(super) fn remote(request: &PrRequest, git: &GitRepository) -> Result<Remote, CommandError> {
    let found = match &request.remote {
        Some(url) => Remote::new(url, request.credentials.clone()),
        None => git.origin(request.credentials.clone()),
    };
    found.map_err(|error| CommandError::new(&error).hinted(error.hint()))
}

/// The forge's repository, from the configuration or from the remote's URL.
pub(super) fn settings(
    request: &PrRequest,
    config: &PullConfig,
    shown: &str,
) -> Result<ForgeSettings, CommandError> {
    let of_remote = || {
        let path = shown.trim_end_matches('/').trim_end_matches(".git");
        let mut parts = path.rsplit('/');
        let (name, owner) = (parts.next()?, parts.next()?);
        Some(format!("{owner}/{name}"))
    };
    let full = config.repository.clone().or_else(of_remote);
    let pair = full
        .as_deref()
        .and_then(|full| full.split_once('/'))
        .ok_or_else(|| {
            CommandError::new(format!("{shown} does not name a repository of the forge"))
                .hinted("set pullRequests.repository in csctl-matrix.yaml to owner/name")
        })?;
    let credentials = request.credentials.clone();
    Ok(ForgeSettings {
        base: api_of(config, shown)?,
        write_pause: std::time::Duration::from_millis(request.write_pause),
        ..ForgeSettings::new(pair.0, pair.1, credentials)
    })
}

/// The forge's API: that of the remote's host. One of another host is refused, as both get the same credentials.
fn api_of(config: &PullConfig, shown: &str) -> Result<String, CommandError> {
    let host = |url: &str| Some(url::Url::parse(url).ok()?.host_str()?.to_owned());
    let Some(remote) = host(shown) else {
        return Ok(config.api.clone().unwrap_or_else(|| GITHUB_API.to_owned()));
    };
    let Some(api) = &config.api else {
        let has_own_name = remote == "github.com" || remote.ends_with(".ghe.com");
        return Ok(if has_own_name {
            format!("https://api.{remote}")
        } else {
            format!("https://{remote}/api/v3")
        });
    };
    let other = host(api).unwrap_or_default();
    if other.strip_prefix("api.").unwrap_or(&other) == remote {
        return Ok(api.clone());
    }
    let message = format!("pullRequests.api is of {other}, the remote {shown} is of {remote}");
    let hint = "credentials of one host are not shown to another; correct one of them, or leave pullRequests.api out";
    Err(CommandError::new(message).hinted(hint))
}

/// Who writes the commits and signs them off.
pub(super) fn author(
    request: &PrRequest,
    config: &PullConfig,
    git: &GitRepository,
) -> Result<Person, CommandError> {
    if let Some(author) = &config.author {
        return Ok(Person {
            name: author.name.clone(),
            email: author.email.clone(),
        });
    }
    let known = request.author.clone().or_else(|| git.person());
    let (name, email) = known.ok_or_else(|| {
        CommandError::new("nobody is known who could write and sign off the commits").hinted(
            "set pullRequests.author in csctl-matrix.yaml, or user.name and user.email in git",
        )
    })?;
    Ok(Person { name, email })
}

impl Run<'_> {
    /// Looks at every key. Beside the outcomes it says what there is to warn of.
    fn all(&mut self, outcomes: &mut Vec<PullOutcome>, said: &mut Outcome) -> Result<(), Stop> {
        let agenda = self.agenda().map_err(Stop::Failed)?;
        said.faults = agenda.faults();
        let missing = agenda.missing.iter().map(|(branch, line)| {
            format!(
                "base branch {branch} does not exist; changes of {line} get no pull request there"
            )
        });
        said.warnings.extend(missing);
        said.warnings.extend(agenda.silent());
        let open = self.open_keys()?;
        let mut keys: BTreeSet<PullKey> = agenda.changes.keys().cloned().collect();
        // A branch alone is worth no line while it is not known whether it is wanted.
        let is_known = |key: &&PullKey| agenda.doubt(key).is_none();
        keys.extend(agenda.begun.iter().filter(is_known).cloned());
        keys.extend(open.into_iter().filter(|key| agenda.takes(key)));
        keys.retain(|key| self.request.only.takes(key));
        for key in keys {
            let outcome = self.one(&key, &agenda)?;
            // A branch that was merged and kept is not worth a line.
            let is_wanted = agenda.changes.contains_key(&key);
            if is_wanted || outcome.ended != Ended::NothingToDo {
                outcomes.push(outcome);
            }
        }
        Ok(())
    }

    /// Looks at one key, decides, and carries the decision out. What goes wrong stays with this key, but for a used-up limit.
    fn one(&mut self, key: &PullKey, agenda: &Agenda) -> Result<PullOutcome, Stop> {
        let branch = key.branch(&self.config.prefix);
        let ended = self.settle(key, &branch, agenda);
        match ended {
            Ok(outcome) => Ok(outcome),
            Err(trouble) if trouble.is_limit() => Err(Stop::Limit(trouble.to_string())),
            Err(trouble) => Ok(PullOutcome {
                key: key.clone(),
                branch,
                number: None,
                ended: trouble.ended(),
                detail: trouble.to_string(),
            }),
        }
    }

    fn settle(
        &mut self,
        key: &PullKey,
        branch: &str,
        agenda: &Agenda,
    ) -> Result<PullOutcome, Trouble> {
        if let Some(doubt) = agenda.doubt(key) {
            let message = format!("not known today whether it is wanted: {doubt}");
            return Err(CommandError::new(message).into());
        }
        let pulls = self.look(branch)?;
        // Its tests may take long, and nothing would remember them.
        if agenda.changes.contains_key(key)
            && pulls.find_open(key).is_none()
            && let Some(detail) = self.ceiling()
        {
            let key = key.clone();
            return Ok(PullOutcome {
                key,
                branch: branch.to_owned(),
                number: None,
                ended: Ended::Ceiling,
                detail,
            });
        }
        let mut wanted = self.propose(agenda, key, &pulls.known(key, &self.labels))?;
        let seen = self.observe(key, branch, pulls, wanted.as_ref())?;
        let mut waits = None;
        if let Some(wanted) = &mut wanted {
            waits = self.waits(key, &seen, wanted)?;
            wanted.proposal.is_draft = self.config.draft.then_some(waits.is_some());
        }
        let gone = propose::gone(key);
        let proposal = match &wanted {
            Some(wanted) => Ok(&wanted.proposal),
            None => Err(&gone),
        };
        let decision = decide(&seen.observed, proposal, &self.labels);
        let is_held = self.hold_merge(&seen, &decision, waits.is_some())?;
        let mut outcome = self.act(key, branch, (&seen, wanted.as_ref()), decision)?;
        if is_held {
            outcome.detail += "; the forge is not to merge it by itself any more";
            if outcome.ended == Ended::UpToDate {
                outcome.ended = Ended::Refreshed;
            }
        }
        if outcome.ended == Ended::UpToDate && waits.is_none() {
            self.merge_last(key, branch, &seen, &mut outcome)?;
        }
        if let Some(waits) = waits {
            let state = if self.config.draft {
                "a draft"
            } else {
                "not merged"
            };
            outcome.detail = format!("{}; {state}, as {waits}", outcome.detail);
        }
        Ok(outcome)
    }

    fn report(&self, outcomes: Vec<PullOutcome>) -> PullReport {
        let Budget {
            requests,
            from_cache,
            writes,
            limit,
            remaining,
            ..
        } = self.forge.budget();
        PullReport {
            schema: 1,
            is_dry: self.request.is_dry,
            outcomes,
            requests,
            from_cache,
            writes,
            remaining,
            limit,
        }
    }

    fn wait<R>(&self, future: impl Future<Output = R>) -> R {
        self.runtime.block_on(future)
    }
}

/// What went wrong with one pull request.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Forge(#[from] ForgeError),
    #[error(transparent)]
    Remote(#[from] crate::io::git::RemoteError),
    #[error(transparent)]
    Git(#[from] crate::io::git::GitError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("the branch could not be moved: {0}")]
    Rejected(crate::io::git::Rejection),
}

impl Trouble {
    fn is_limit(&self) -> bool {
        match self {
            Self::Forge(error) => matches!(error, ForgeError::RateLimited { .. }),
            Self::Remote(error) => error.is_limit(),
            Self::Git(_) | Self::Command(_) | Self::Rejected(_) => false,
        }
    }

    fn ended(&self) -> Ended {
        match self {
            Self::Forge(ForgeError::Moved { .. } | ForgeError::Conflict(_))
            | Self::Rejected(crate::io::git::Rejection::Stale { .. }) => Ended::Overtaken,
            Self::Forge(_)
            | Self::Remote(_)
            | Self::Git(_)
            | Self::Command(_)
            | Self::Rejected(_) => Ended::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_that_of_the_remote_s_host_and_of_no_other() {
        let with = |api: Option<&str>, remote: &str| {
            let config = PullConfig {
                api: api.map(str::to_owned),
                ..PullConfig::default()
            };
            api_of(&config, remote).unwrap_or_else(|error| error.to_string())
        };
        for (remote, api) in [
            ("https://github.com/acme/stacks.git", GITHUB_API),
            (
                "https://ghe.example.org/acme/stacks",
                "https://ghe.example.org/api/v3",
            ),
            (
                "https://acme.ghe.com/acme/stacks.git",
                "https://api.acme.ghe.com",
            ),
            ("/srv/stacks.git", GITHUB_API),
        ] {
            assert_eq!(with(None, remote), api);
            assert_eq!(with(Some(api), remote), api);
        }
        let refused = with(Some(GITHUB_API), "https://ghe.example.org/acme/stacks");
        assert!(
            refused.contains("is of api.github.com") && refused.contains("is of ghe.example.org"),
            "{refused}"
        );
    }
}
