//! `doctor`: looks at everything that `pr` needs, before it does anything: token and rights, the repository and its branches, who signs
//! off, labels, sources. It asks and changes nothing, and goes on after what it cannot find out.

mod app;
mod branches;
mod forge;
mod local;
mod remote;

use tokio::runtime::Runtime;

use super::pr::{self, PrRequest};
use super::unfinished::told;
use super::{Format, Outcome, Repository, to_json};
use crate::config::{Checks, PullConfig};
use crate::error::{CommandError, Status};
use crate::io::forge::{ForgeError, GITHUB_API, GitHub};
use crate::io::git::{GitRepository, trouble_with_git};
use crate::io::http::HttpClient;
use crate::pull::{DoctorCheck, DoctorReport, DoctorState};
use crate::report;

/// How long all questions together may wait for a rate limit.
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(30);

/// What to look at.
#[derive(Debug, Clone)]
pub(crate) struct DoctorRequest {
    /// The run that is to be prepared.
    pub pulls: PrRequest,
    /// Whether this is a job of GitHub Actions.
    pub is_in_actions: bool,
}

/// What is known while looking.
struct Doctor<'a> {
    request: &'a DoctorRequest,
    repository: &'a Repository,
    git: &'a GitRepository,
    runtime: &'a Runtime,
    client: HttpClient,
    checks: Vec<DoctorCheck>,
    /// Whether the forge is GitHub itself.
    is_at_github: bool,
}

/// Looks at everything that `pr` needs.
pub(crate) fn run(request: &DoctorRequest) -> Result<Outcome, CommandError> {
    told(&request.pulls.place, look(request))
}

fn look(request: &DoctorRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.pulls.place)?;
    let Some(git) = &repository.git else {
        let message = format!("{} is not in a git repository", repository.root.display());
        return Err(CommandError::new(message).hinted("run it in a clone"));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(format!("cannot start the network: {error}")))?;
    let mut sources = request.pulls.sources.clone();
    // An answer that was kept may tell the rights of yesterday's token.
    sources.http.cache_dir = None;
    let mut doctor = Doctor {
        request,
        // No mirror of a file is known to this client, which has the credentials.
        client: HttpClient::new(sources.http.clone()),
        repository: &repository,
        git,
        runtime: &runtime,
        checks: Vec::new(),
        is_at_github: true,
    };
    let name = doctor.all();
    let report = DoctorReport {
        schema: 1,
        repository: name,
        checks: doctor.checks,
    };
    let data = match request.pulls.format {
        Format::Text => report::text::doctor(&report),
        Format::Json => to_json(&report)?,
        Format::Markdown => report::markdown::doctor(&report),
    };
    let mut outcome = Outcome::of(data, request.pulls.format);
    if report.count(DoctorState::Problem) > 0 {
        outcome.status = Some(Status::Findings);
    }
    Ok(outcome)
}

impl<'a> Doctor<'a> {
    /// Looks at all there is, and returns the name of the forge's repository.
    fn all(&mut self) -> Option<String> {
        self.configuration();
        self.git_program();
        self.identity();
        let place = self.remote();
        let forge = place
            .as_ref()
            .and_then(|remote| self.connect(&remote.shown()));
        if forge.is_none() && self.request.pulls.credentials.is_none() {
            self.no_token();
        }
        let tokens = forge.as_ref().and_then(GitHub::tokens);
        let is_known = forge.as_ref().is_some_and(|forge| self.who(forge));
        let refs = place.and_then(|remote| self.refs(&remote.with_tokens(tokens)));
        let bases = refs.map(|refs| self.bases(&refs)).unwrap_or_default();
        if let Some(forge) = forge.as_ref().filter(|_| is_known) {
            for base in &bases {
                self.protection(forge, base);
            }
            self.own_branches(forge, &bases);
            self.readable(forge, &bases);
            self.labels(forge);
        }
        self.sources();
        let settings = forge.as_ref()?.settings();
        Some(format!("{}/{}", settings.owner, settings.repository))
    }

    /// Looks for the program that exchanges commits with the remote.
    fn git_program(&mut self) {
        if let Some(trouble) = trouble_with_git(self.client.settings()) {
            let advice = "install git 2.25 or newer, and check PATH";
            self.add(DoctorCheck::problem("git", trouble, advice));
        }
    }

    /// Makes the client of the forge; nobody is asked yet.
    fn connect(&mut self, shown: &str) -> Option<GitHub> {
        match pr::settings(&self.request.pulls, self.config(), shown) {
            Ok(mut settings) => {
                // People wait for `doctor`; a run of `pr` may rest for a quarter of an hour.
                settings.longest_wait = LONGEST_WAIT;
                self.is_at_github = settings.base == GITHUB_API;
                let _guard = self.runtime.enter();
                Some(GitHub::new(&self.client, &settings))
            }
            Err(error) => {
                self.failed("repository", &error);
                None
            }
        }
    }

    fn config(&self) -> &'a PullConfig {
        &self.repository.config.pull_requests
    }

    /// Tells whether a pull request waits for checks of the forge before it is ready.
    fn waits_for_checks(&self) -> bool {
        self.config().draft && self.repository.config.gate.checks != Checks::None
    }

    fn add(&mut self, check: DoctorCheck) {
        self.checks.push(check);
    }

    /// Adds an error with its hints as a problem.
    fn failed(&mut self, name: &str, error: &CommandError) {
        let advice = error.hints().join("; ");
        self.add(DoctorCheck::problem(name, error.to_string(), advice));
    }

    fn wait<R>(&self, future: impl Future<Output = R>) -> R {
        self.runtime.block_on(future)
    }
}

/// Returns the problem that the forge's refusal is, with its hint.
fn refused(name: &str, error: &ForgeError) -> DoctorCheck {
    let advice = error
        .hint()
        .unwrap_or_else(|| "run doctor again; check whether GitHub has an outage".to_owned());
    DoctorCheck::problem(name, error.to_string(), advice)
}
