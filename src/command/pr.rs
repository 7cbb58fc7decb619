//! `pr`: the unattended pull requests of a repository. For every base branch it plans on that branch's newest commit, looks at what
//! the forge has, decides with `pull::decide`, and carries the decisions out one by one. Nothing is kept between two runs but what
//! git and the forge hold, so a run that was stopped anywhere is finished by the next.

mod act;
mod agenda;
mod clone;
mod doubt;
mod land;
mod merge;
mod observe;
mod place;
mod propose;

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::runtime::Runtime;

use super::{Format, Outcome, Place, Repository, World, to_json};
use crate::config::{Config, GateConfig, PullConfig};
use crate::error::{CommandError, Status};
use crate::io::append;
use crate::io::forge::{Budget, Cause, Credentials, ForgeError, GITHUB_API, GitHub};
use crate::io::gate::CommandSettings;
use crate::io::git::{GitRepository, Person, Refs, Rejection, Remote};
use crate::io::http::{HttpClient, conceal};
use crate::plan::Selection;
use crate::policy::ChangeClass;
use crate::pull::{
    Decision, Ended, Labels, PullKey, PullOutcome, PullReport, Untested, decide, decide_untested,
};
use crate::report;
use crate::report::terminal::{Form, render};
use crate::version::Minor;
use agenda::Agenda;
pub(super) use agenda::planned_lines;
pub(super) use place::{is_named, settings};

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
    /// Where the forge is, as the command line and the environment say it.
    pub forge: ForgePlaces,
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

/// Where the forge is, as people and CI systems say it: only they, and the remote that is pushed to, say where credentials go.
#[derive(Debug, Clone, Default)]
pub struct ForgePlaces {
    /// The API of the command line.
    pub api: Option<String>,
    /// A repository to work on without a clone of one's own, as `OWNER/NAME`.
    pub repository: Option<String>,
    /// The forge that the environment names, as GitHub Actions does.
    pub environment: Option<Forge>,
}

/// A forge's two addresses.
#[derive(Debug, Clone)]
pub struct Forge {
    /// Where people and git go: `https://github.com`.
    pub server: String,
    /// Its API: `https://api.github.com`.
    pub api: String,
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
    /// Where the clone is.
    directory: PathBuf,
    runtime: &'a Runtime,
    client: HttpClient,
    forge: GitHub,
    git: GitRepository,
    remote: Remote,
    refs: Refs,
    /// The default branch, where there is one.
    home: Option<Repository>,
    /// The configuration of the default branch.
    rules: Config,
    config: PullConfig,
    gate: GateConfig,
    labels: Labels,
    author: Person,
    opened: u32,
    pushed: u32,
    /// How the world is seen.
    world: World,
    /// Base branches that something was merged into in this run.
    merged: BTreeSet<String>,
    /// Whether the repository has said that it knows no drafts.
    lacks_drafts: bool,
}

/// A key as it is seen, with what is wanted and decided.
struct View {
    seen: observe::Seen,
    wanted: Option<propose::Wanted>,
    /// What its pull request waits for.
    waits: Option<String>,
    decision: Decision,
}

/// Why a run stops before its end.
enum Stop {
    Limit(String),
    Failed(CommandError),
}

/// Makes the pull requests of a repository.
pub fn run(request: &PrRequest) -> Result<Outcome, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(format!("cannot start the network: {error}")))?;
    // No mirror of a file is known to this client, which has the credentials.
    let client = HttpClient::new(request.world.http.clone());
    let clone::Opened {
        directory,
        git,
        remote,
        forge,
        refs,
        home,
        config,
        unread,
    } = clone::open(request, &client, &runtime)?;
    let pulls = config.pull_requests.clone();
    let mut unsigned = None;
    let author = match author(request, &pulls, &git) {
        Err(error) if request.is_dry => {
            let hint = error.hints().join("; ");
            unsigned = Some(format!("{error}; before a run that writes, {hint}"));
            nobody()
        }
        known => known?,
    };
    let mut world = request.world.clone();
    // A token of another GitHub is not one for what GitHub itself tells.
    if forge.settings().base != GITHUB_API {
        world.http.github_token = None;
    }
    let mut run = Run {
        world,
        labels: Labels {
            stop: pulls.stop_label.clone(),
            again: pulls.again_label.clone(),
        },
        request,
        directory,
        runtime: &runtime,
        client,
        forge,
        git,
        remote,
        refs,
        home,
        gate: config.gate.clone(),
        rules: config,
        config: pulls,
        author,
        opened: 0,
        pushed: 0,
        merged: BTreeSet::new(),
        lacks_drafts: false,
    };
    let mut outcomes = Vec::new();
    let mut said = Outcome::default();
    let stop = run.all(&mut outcomes, &mut said).err();
    let report = run.report(outcomes);
    if let Some(Stop::Failed(error)) = stop {
        return Err(error);
    }
    let mut outcome = outcome(request, &report, stop)?;
    outcome.warnings.extend(unread.into_iter().chain(unsigned));
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
        && let Err(error) = append(path, &shown_page(report))
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

/// The report as it may be shown on a page.
fn shown_page(report: &PullReport) -> String {
    let page = report::markdown::pull_requests(report);
    render(&conceal(&page), Form::Plain).text
}

/// The repository that is fetched from and pushed to.
pub(super) fn remote(request: &PrRequest, git: &GitRepository) -> Result<Remote, CommandError> {
    let found = match &request.remote {
        Some(url) => Remote::new(url, request.credentials.clone()),
        None => git.origin(request.credentials.clone()),
    };
    found.map_err(|error| CommandError::new(&error).hinted(error.hint()))
}

/// Who stands for the author where nothing is written.
fn nobody() -> Person {
    Person {
        name: "nobody".to_owned(),
        email: "nobody@localhost".to_owned(),
    }
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
        CommandError::new("no author is known for the commits").hinted(
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
        let mut number = None;
        let ended = self.settle(key, &branch, (agenda, &mut number));
        match ended {
            Ok(outcome) => Ok(outcome),
            Err(trouble) if trouble.is_limit() => Err(Stop::Limit(trouble.to_string())),
            Err(trouble) => Ok(PullOutcome {
                key: key.clone(),
                branch,
                number,
                ended: trouble.ended(),
                detail: trouble.in_full(),
            }),
        }
    }

    fn settle(
        &mut self,
        key: &PullKey,
        branch: &str,
        (agenda, number): (&Agenda, &mut Option<u64>),
    ) -> Result<PullOutcome, Trouble> {
        if let Some(doubt) = agenda.doubt(key) {
            let message = format!("not known today whether it is wanted: {doubt}");
            return Err(CommandError::new(message).into());
        }
        let pulls = self.look(branch)?;
        *number = pulls.find_open(key).map(|pull| pull.number);
        if let Some(outcome) = self.settle_untested(key, branch, (agenda, &pulls))? {
            return Ok(outcome);
        }
        // Its tests may take long, and nothing would remember them.
        if agenda.changes.contains_key(key)
            && number.is_none()
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
        let wanted = self.propose(agenda, key, &pulls.known(key, &self.labels))?;
        let mut view = self.view(key, branch, (pulls.clone(), wanted))?;
        if view.decision.writes() && !self.request.is_dry {
            // People act while tests run: what is decided now is decided by what is there now.
            let now = self.look_again(branch, &view)?;
            if now != pulls || self.refs.branch(branch) != view.seen.head {
                *number = now.find_open(key).map(|pull| pull.number);
                view = self.view(key, branch, (now, view.wanted))?;
            }
        }
        self.carry_out(key, branch, view)
    }

    /// Carries out what is decided whatever comes of a test: so no test is made for it.
    fn settle_untested(
        &mut self,
        key: &PullKey,
        branch: &str,
        (agenda, pulls): (&Agenda, &observe::Pulls),
    ) -> Result<Option<PullOutcome>, Trouble> {
        let Some(change) = agenda.changes.get(key) else {
            return Ok(None);
        };
        let known = pulls.known(key, &self.labels);
        let wanted = self.propose_untested(agenda, key, &known)?;
        let seen = self.observe(key, branch, pulls.clone(), wanted.as_ref())?;
        let base = agenda.bases.get(&key.base).map(|base| base.oid.to_string());
        let untested = Untested {
            fingerprint: &change.fingerprint,
            stands_on: base.as_deref().unwrap_or_default(),
        };
        let Some(early) = decide_untested(&seen.observed, untested, &self.labels) else {
            return Ok(None);
        };
        let decision = match (early, &wanted) {
            // What the branch lacks is told to the person who has it.
            (Decision::Edited(_), Some(wanted)) => {
                decide(&seen.observed, Ok(&wanted.proposal), &self.labels)
            }
            (early, _) => early,
        };
        let view = View {
            seen,
            wanted,
            waits: None,
            decision,
        };
        self.carry_out(key, branch, view).map(Some)
    }

    /// Looks once more, right before something is changed.
    fn look_again(&mut self, branch: &str, view: &View) -> Result<observe::Pulls, Trouble> {
        if view.seen.head.is_some() {
            self.refs = self.wait(self.remote.refs(&self.client))?;
        }
        self.look(branch)
    }

    /// Observes a key and decides.
    fn view(
        &self,
        key: &PullKey,
        branch: &str,
        (pulls, mut wanted): (observe::Pulls, Option<propose::Wanted>),
    ) -> Result<View, Trouble> {
        let seen = self.observe(key, branch, pulls, wanted.as_ref())?;
        let mut waits = None;
        if let Some(wanted) = &mut wanted {
            waits = self.waits(key, &seen, wanted)?;
            let is_draft = self.config.draft && !self.lacks_drafts;
            wanted.proposal.is_draft = is_draft.then_some(waits.is_some());
        }
        let gone = propose::gone(key);
        let proposal = match &wanted {
            Some(wanted) => Ok(&wanted.proposal),
            None => Err(&gone),
        };
        let decision = decide(&seen.observed, proposal, &self.labels);
        Ok(View {
            seen,
            wanted,
            waits,
            decision,
        })
    }

    fn carry_out(
        &mut self,
        key: &PullKey,
        branch: &str,
        view: View,
    ) -> Result<PullOutcome, Trouble> {
        let View {
            seen,
            wanted,
            waits,
            decision,
        } = view;
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
        let is_waiting = matches!(
            outcome.ended,
            Ended::Opened | Ended::Refreshed | Ended::UpToDate | Ended::Ceiling
        );
        if let Some(waits) = waits.filter(|_| is_waiting) {
            let state = if self.config.draft && !self.lacks_drafts {
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
    Rejected(Rejection),
}

impl Trouble {
    fn is_limit(&self) -> bool {
        match self {
            Self::Forge(error) => matches!(error, ForgeError::RateLimited { .. }),
            Self::Remote(error) => error.is_limit(),
            Self::Git(_) | Self::Command(_) | Self::Rejected(_) => false,
        }
    }

    /// Tells whether a branch was not moved as a rule of the server or of the forge is against it.
    fn is_refused_move(&self) -> bool {
        match self {
            Self::Rejected(why) => matches!(
                why,
                Rejection::NonFastForward | Rejection::Protected(_) | Rejection::Hook(_)
            ),
            Self::Forge(error) => matches!(
                error.cause(),
                Some(Cause::NotFastForward | Cause::Protected)
            ),
            Self::Remote(_) | Self::Git(_) | Self::Command(_) => false,
        }
    }

    /// Says what happened and what to do.
    fn in_full(&self) -> String {
        let hint = match self {
            Self::Forge(error) => error.hint(),
            Self::Remote(error) => Some(error.hint().to_owned()),
            Self::Git(error) => Some(error.hint().to_owned()),
            Self::Command(error) => error.hints().first().cloned(),
            Self::Rejected(why) => why.hint().map(str::to_owned),
        };
        match hint {
            Some(hint) => format!("{self}; {hint}"),
            None => self.to_string(),
        }
    }

    fn ended(&self) -> Ended {
        match self {
            Self::Forge(ForgeError::Moved { .. } | ForgeError::Conflict(_))
            | Self::Rejected(Rejection::Stale { .. }) => Ended::Overtaken,
            Self::Forge(_)
            | Self::Remote(_)
            | Self::Git(_)
            | Self::Command(_)
            | Self::Rejected(_) => Ended::Failed,
        }
    }
}
