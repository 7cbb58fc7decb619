//! `pr`: the unattended pull requests of a repository. For every base branch it plans on that branch's newest commit, and takes each key
//! of that agenda through a chain: look at the forge, propose a tested change, observe what is there and decide with `pull::decide`, act.
//! Nothing is kept between two runs but what git and the forge hold, so a run that was stopped anywhere is finished by the next.

mod act;
mod agenda;
mod base;
mod clone;
mod comment;
mod doubt;
mod land;
mod listing;
mod look;
mod merge;
mod observe;
mod place;
mod propose;
mod together;
mod trouble;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tokio::runtime::Runtime;

use super::{Format, Outcome, Place, Repository, SourceSettings, to_json};
use crate::config::{Config, GateConfig, PullConfig};
use crate::error::{CommandError, Status};
use crate::io::append;
use crate::io::forge::{Budget, Credentials, GITHUB_API, GitHub, Protection};
use crate::io::gate::CommandSettings;
use crate::io::git::{GitRepository, Person, Refs, Remote};
use crate::io::http::{HttpClient, conceal};
use crate::plan::Selection;
use crate::policy::ChangeClass;
use crate::pull::{Labels, PullEnding, PullKey, PullOutcome, PullReport, Templates};
use crate::report;
use crate::report::terminal::{Form, render};
use crate::version::Minor;
use agenda::Agenda;
use agenda::template_error;
pub(super) use base::planned_lines;
use listing::Listing;
use look::{Looked, Source};
use observe::Observation;
pub(super) use place::{is_named, settings};
use propose::runs_commands;
use together::Waiting;
use trouble::{Stop, Trouble};

/// What to make pull requests of.
#[derive(Debug, Clone)]
pub(crate) struct PrRequest {
    /// The repository; its working directory is not touched.
    pub place: Place,
    /// How sources are asked.
    pub sources: SourceSettings,
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
    pub author: Option<Person>,
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
pub(crate) struct ForgePlaces {
    /// The API of the command line.
    pub api: Option<String>,
    /// A repository to work on without a clone of one's own, as `OWNER/NAME`.
    pub repository: Option<String>,
    /// The forge that the environment names, as GitHub Actions does.
    pub environment: Option<Forge>,
}

/// A forge's two addresses.
#[derive(Debug, Clone)]
pub(crate) struct Forge {
    /// Where people and git go: `https://github.com`.
    pub server: String,
    /// Its API: `https://api.github.com`.
    pub api: String,
}

/// What a run is limited to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Only {
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
    /// What the forge has listed.
    listing: Listing,
    /// What base branches require, where it was asked for.
    protections: RefCell<BTreeMap<String, Option<Protection>>>,
    /// The default branch, where there is one.
    home: Option<Repository>,
    /// The configuration of the default branch.
    rules: Config,
    config: PullConfig,
    templates: Templates,
    gate: GateConfig,
    labels: Labels,
    author: Person,
    opened: u32,
    pushed: u32,
    /// How sources are asked.
    sources: SourceSettings,
    /// Base branches that something was merged into in this run.
    merged: BTreeSet<String>,
    /// Whether the repository has said that it knows no drafts.
    lacks_drafts: bool,
}

/// One key on its way through the chain.
#[derive(Clone, Copy)]
struct Task<'a> {
    key: &'a PullKey,
    branch: &'a str,
    agenda: &'a Agenda,
}

/// How far a key has come.
enum Progress<'a> {
    Ended(PullOutcome),
    /// Something is to be written, and its branch is pushed with those of others.
    Waits(Box<Waiting<'a>>),
}

impl Task<'_> {
    /// Says how a key ended. What goes wrong stays with this key, but for a used-up limit.
    fn ended(
        &self,
        number: Option<u64>,
        ended: Result<PullOutcome, Trouble>,
    ) -> Result<PullOutcome, Stop> {
        match ended {
            Err(trouble) if trouble.is_limit() => Err(Stop::Limit(trouble.to_string())),
            Err(trouble) => Ok(self.outcome(number, trouble.ended(), &trouble.in_full())),
            Ok(outcome) => Ok(outcome),
        }
    }

    fn outcome(&self, number: Option<u64>, ended: PullEnding, detail: &str) -> PullOutcome {
        PullOutcome {
            key: self.key.clone(),
            branch: self.branch.to_owned(),
            number,
            ended,
            detail: detail.to_owned(),
        }
    }
}

/// Makes the pull requests of a repository.
pub(crate) fn run(request: &PrRequest) -> Result<Outcome, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(format!("cannot start the network: {error}")))?;
    // No mirror of a file is known to this client, which has the credentials.
    let client = HttpClient::new(request.sources.http.clone());
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
        // A dry run shows what it can without an author: its commits are never pushed.
        Err(error) if request.is_dry => {
            let hint = error.hints().join("; ");
            unsigned = Some(format!("{error}: {hint}"));
            nobody()
        }
        known => known?,
    };
    let mut run = Run {
        sources: sources_beside(request, &forge),
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
        listing: Listing::default(),
        protections: RefCell::default(),
        home,
        // A template that cannot be used ends the run before anything is planned.
        templates: Templates::compile(&pulls.templates).map_err(template_error)?,
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
    // A limit is no more than a warning in CI, which would hide them.
    if !outcome.faults.is_empty() {
        outcome.status = Some(Status::Error);
    }
    Ok(outcome)
}

/// How sources are asked beside a forge.
fn sources_beside(request: &PrRequest, forge: &GitHub) -> SourceSettings {
    let mut sources = request.sources.clone();
    // A token of another GitHub is not one for what GitHub itself tells.
    if forge.settings().base != GITHUB_API {
        sources.http.github_token = None;
    }
    sources
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
        // The pull requests are made by now, so a report that cannot be added is no failure.
        let warning = format!("cannot add to {}: {error}", path.display());
        outcome.warnings.push(warning);
    }
    let is_limited = match stop {
        Some(Stop::Limit(error)) => {
            outcome.warnings.push(error);
            true
        }
        Some(Stop::Failed(_)) | None => report.has(PullEnding::Ceiling),
    };
    // What failed is not hidden by what the next run does.
    if report.has(PullEnding::Failed) {
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
    known.ok_or_else(|| {
        CommandError::new("no commit author is configured").hinted(
            "set pullRequests.author in csctl-matrix.yaml, or user.name and user.email in git",
        )
    })
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
        let mut listing = self.list_open()?;
        let open = self.open_keys(&listing);
        let mut keys: BTreeSet<PullKey> = agenda.changes.keys().cloned().collect();
        // A branch alone is worth no line while it is not known whether it is wanted.
        let begun = agenda.begun.iter();
        keys.extend(begun.filter(|key| agenda.doubt(key).is_none()).cloned());
        keys.extend(open.into_iter().filter(|key| agenda.takes(key)));
        keys.retain(|key| self.request.only.takes(key));
        self.list_rest(&mut listing, &keys)?;
        self.listing = listing;
        let named = keys.into_iter().map(|key| {
            let branch = key.branch(&self.config.prefix);
            (key, branch)
        });
        let named: Vec<(PullKey, String)> = named.collect();
        let mut waiting = Vec::new();
        for (key, branch) in &named {
            if self.is_full(&waiting) {
                self.go_on(std::mem::take(&mut waiting), outcomes)?;
            }
            let task = Task {
                key,
                branch,
                agenda: &agenda,
            };
            let outcome = match self.one(task)? {
                Progress::Ended(outcome) => outcome,
                Progress::Waits(one) => {
                    waiting.push(*one);
                    continue;
                }
            };
            // A branch that was merged and kept is not worth a line.
            let is_wanted = agenda.changes.contains_key(key);
            if is_wanted || outcome.ended != PullEnding::NothingToDo {
                outcomes.push(outcome);
            }
        }
        self.go_on(waiting, outcomes)
    }

    /// Takes one key through the chain, as far as it goes alone.
    fn one<'a>(&mut self, task: Task<'a>) -> Result<Progress<'a>, Stop> {
        if let Some(doubt) = task.agenda.doubt(task.key) {
            let detail = format!("cannot tell whether it is needed: {doubt}");
            let outcome = task.outcome(None, PullEnding::Failed, &detail);
            return Ok(Progress::Ended(outcome));
        }
        let looked = match self.find_listed(task) {
            Some(looked) => Ok(looked),
            None => self.look(task),
        };
        let (number, ended) = match looked {
            Ok(looked) => (looked.open_number(task.key), self.chain(task, &looked)),
            Err(trouble) => (None, Err(trouble)),
        };
        match ended {
            Ok(progress) => Ok(progress),
            Err(trouble) => task.ended(number, Err(trouble)).map(Progress::Ended),
        }
    }

    /// The chain of one key that was looked at: propose, observe, act. Each step takes the value of the one before; only the last one
    /// changes anything.
    fn chain<'a>(&mut self, task: Task<'a>, looked: &Looked) -> Result<Progress<'a>, Trouble> {
        let is_listed = looked.source != Source::Branch;
        // Tests may take long, so none is run for what is decided without one.
        if let Some(observation) = self.observe_untested(task, looked.clone())? {
            if is_listed && self.would_write(&observation) {
                return self.chain_anew(task);
            }
            return self.act(task, &observation).map(Progress::Ended);
        }
        let would_open =
            task.agenda.changes.contains_key(task.key) && looked.open_number(task.key).is_none();
        // Nothing would remember the tests of one that is not opened.
        if would_open && let Some(detail) = self.ceiling() {
            let outcome = task.outcome(None, PullEnding::Ceiling, &detail);
            return Ok(Progress::Ended(outcome));
        }
        let known = looked.known(task.key, &self.labels);
        // A list grows old while commands run, and none is run for what people have stopped or refused meanwhile.
        if is_listed && !self.request.is_dry && runs_commands(task, &known) {
            return self.chain_anew(task);
        }
        let wanted = self.propose(task, &known)?;
        let observation = self.observe(task, looked.clone(), wanted)?;
        if !self.would_write(&observation) {
            return self.act(task, &observation).map(Progress::Ended);
        }
        let waiting = Waiting {
            task,
            looked: looked.clone(),
            observation,
        };
        if !self.request.is_dry && self.may_wait(task, &waiting.observation) {
            return Ok(Progress::Waits(Box::new(waiting)));
        }
        // A text may name one that was closed before.
        if looked.source == Source::OpenList {
            return self.chain_anew(task);
        }
        let ended = if self.request.is_dry {
            self.act(task, &waiting.observation)
        } else {
            self.finish(waiting)
        };
        ended.map(Progress::Ended)
    }

    /// Begins again with a look at the one branch.
    fn chain_anew<'a>(&mut self, task: Task<'a>) -> Result<Progress<'a>, Trouble> {
        let looked = self.look(task)?;
        self.chain(task, &looked)
    }

    /// Tells whether anything would be changed at the forge, were it not a dry run.
    fn would_write(&self, observation: &Observation) -> bool {
        observation.action.writes() || self.merge_to_hold(observation).is_some()
    }

    fn report(&self, mut outcomes: Vec<PullOutcome>) -> PullReport {
        // Those that waited for each other came later.
        outcomes.sort_by(|one, other| one.key.cmp(&other.key));
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
