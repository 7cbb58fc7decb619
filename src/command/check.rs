//! `check`: contradictions in a repository, with the rules that find them. With `--fix` it writes the repairs that `update` would
//! make too, and nothing else.

use std::collections::BTreeMap;

use super::unfinished::{Workplace, Written, told};
use super::update::refuse_dirty;
use super::{Outcome, Place, Repository, SourceSettings, to_json};
use crate::catalog::Catalog;
use crate::check::{
    self, CSCTL_RULE, CheckInput, Finding, Findings, Group, RuleSelection, Severity, StateTag,
    find_rule, repair,
};
use crate::config::{CONFIG_FILE, Config};
use crate::error::{CommandError, Status};
use crate::io::git::GitRepository;
use crate::plan::{Plan, Selection};
use crate::release_digest::Unpublishable;
use crate::report;
use crate::report::terminal::Form;

/// What to check.
#[derive(Debug, Clone)]
pub(crate) struct CheckRequest {
    /// The repository.
    pub place: Place,
    /// How sources are asked, where a rule needs them.
    pub sources: SourceSettings,
    /// Which stacks and which minor.
    pub selection: Selection,
    /// Names of the only rules and groups of rules to apply; empty means the default groups.
    pub only: Vec<String>,
    /// Names of rules and groups to apply beside those.
    pub with: Vec<String>,
    /// Names of rules and groups to leave out.
    pub skip: Vec<String>,
    /// Release tags that this state is to have.
    pub tags: Vec<String>,
    /// Whether to write the repairs.
    pub fix: bool,
    /// Whether files with changes that are not committed may be touched.
    pub allow_dirty: bool,
    /// From which severity on findings fail the command.
    pub fail_on: FailOn,
    /// The command line that writes the repairs, to be named to people.
    pub fix_command: String,
    /// The form of the data.
    pub format: CheckFormat,
}

/// The form of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For pull requests and issues.
    Markdown,
    /// For code-scanning services.
    Sarif,
    /// For GitHub Actions: annotations at the line.
    Github,
}

/// Which findings fail the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum FailOn {
    /// Errors only.
    Error,
    /// Every finding.
    #[default]
    Warning,
}

impl FailOn {
    fn fails(self, finding: &Finding) -> bool {
        match self {
            Self::Error => finding.severity == Severity::Error,
            Self::Warning => true,
        }
    }
}

/// Checks, and repairs where that is asked for.
pub(crate) fn run(request: &CheckRequest) -> Result<Outcome, CommandError> {
    if let (true, Some(revision)) = (request.fix, &request.place.revision) {
        let message = format!("--fix writes to the working directory, not to {revision}");
        return Err(CommandError::new(message).hinted("remove --rev or --fix"));
    }
    if !request.fix {
        return told(&request.place, find_and_repair(request, None));
    }
    let workplace = Workplace::find(&request.place.directory)?;
    let recovery = workplace.recover()?;
    let repairs = Repairs {
        workplace: &workplace,
        written: recovery.written(),
    };
    let said = find_and_repair(request, Some(&repairs));
    recovery.told(said)
}

/// Where repairs are written.
struct Repairs<'a> {
    workplace: &'a Workplace,
    /// What was written before them.
    written: Written,
}

/// Finds what is wrong, and repairs it where there is a place to write to.
fn find_and_repair(
    request: &CheckRequest,
    repairs: Option<&Repairs<'_>>,
) -> Result<Outcome, CommandError> {
    let mut notices = Vec::new();
    let mut warnings = Vec::new();
    let mut repository = Repository::open(&request.place)?;
    repository.check_day(request.sources.today)?;
    let selected = select_rules(request, &repository)?;
    let selection = repository.select_here(request.selection.clone())?;
    let needs_catalog =
        check::rules().any(|rule| rule.group.needs_catalog() && selected.takes(rule));
    let mut catalog = None;
    if needs_catalog {
        let asked = catalog.insert(repository.look(&selection, &request.sources)?);
        // Rules that need it were not applied there.
        warnings.extend(asked.unreachable.iter().map(ToString::to_string));
    }
    let checker = Checker {
        request,
        selected: &selected,
        catalog: catalog.as_ref(),
    };
    let mut findings = checker.findings(&repository)?;
    if let Some(repairs) = repairs {
        let plan = checker.at(&repository, |input| repair(input, &findings))?;
        if plan.has_changes() {
            repairs.write(request, &repository, &plan)?;
            notices.extend(
                plan.files
                    .iter()
                    .map(|file| format!("repaired {}", file.path)),
            );
            // What is left is read from the files as they are now, not worked out from the plan.
            repository = repository.read_again(&request.place)?;
            findings = checker.findings(&repository)?;
        }
    }
    let fails = findings
        .findings
        .iter()
        .any(|finding| request.fail_on.fails(finding));
    Ok(Outcome {
        data: data(request, &repository, &findings)?.into(),
        form: match request.format {
            CheckFormat::Text => Form::Styled,
            CheckFormat::Json | CheckFormat::Sarif => Form::Json,
            CheckFormat::Markdown => Form::Plain,
            CheckFormat::Github => Form::Commands,
        },
        notices,
        warnings,
        faults: Vec::new(),
        status: fails.then_some(Status::Findings),
    }
    .with_unseen(&repository))
}

/// The rules that the command line and the configuration ask for together.
fn select_rules(
    request: &CheckRequest,
    repository: &Repository,
) -> Result<RuleSelection, CommandError> {
    let configured = &repository.config.check;
    for (key, names) in [("with", &configured.with), ("skip", &configured.skip)] {
        // Each list is checked alone, so that a wrong name is told with the key it stands under.
        check::select_rules(&[], names, &[]).map_err(|error| {
            CommandError::new(format!("{CONFIG_FILE}: check.{key}: {error}")).hinted(error.hint())
        })?;
    }
    let (with, skip) = if request.only.is_empty() {
        (
            [&request.with[..], &configured.with].concat(),
            [&request.skip[..], &configured.skip].concat(),
        )
    } else {
        // What is asked for by name is applied whatever the file says.
        (request.with.clone(), request.skip.clone())
    };
    let mut selected = check::select_rules(&request.only, &with, &skip)
        .map_err(|error| CommandError::new(&error).hinted(error.hint()))?;
    // With a catalog file at hand these rules ask nobody.
    if request.sources.catalog.is_some() {
        selected.add_default(Group::Catalog);
    }
    Ok(selected)
}

/// How a repository is looked at.
struct Checker<'a> {
    request: &'a CheckRequest,
    selected: &'a RuleSelection,
    catalog: Option<&'a Catalog>,
}

impl Checker<'_> {
    fn findings(&self, repository: &Repository) -> Result<Findings, CommandError> {
        self.at(repository, |input| check::check(input, self.selected))
    }

    /// Hands a repository to a function.
    fn at<R>(
        &self,
        repository: &Repository,
        function: impl FnOnce(CheckInput<'_>) -> R,
    ) -> Result<R, CommandError> {
        let selection = repository.select_here(self.request.selection.clone())?;
        Ok(function(CheckInput {
            tree: &repository.tree,
            discovery: &repository.discovery,
            catalog: self.catalog,
            policy: &repository.config.policy(&Config::default()),
            selection: &selection,
            tags: &tags(self.request, repository)?,
            unpublishable: &self.unpublishable(repository)?,
            today: self.request.sources.today,
        }))
    }
}

impl Checker<'_> {
    /// Asks of every source tree why csctl would refuse to publish it, where the rule is applied.
    fn unpublishable(
        &self,
        repository: &Repository,
    ) -> Result<BTreeMap<String, Unpublishable>, CommandError> {
        let is_asked = find_rule(CSCTL_RULE).is_some_and(|rule| self.selected.takes(rule));
        let Some(git) = repository.git.as_ref().filter(|_| is_asked) else {
            return Ok(BTreeMap::new());
        };
        // The tags of git are the releases, where no catalog was asked for.
        let mut releases = Catalog::empty(self.request.sources.today);
        releases.stack_releases = git.stack_releases().map_err(CommandError::new)?;
        let catalog = self.catalog.unwrap_or(&releases);
        let stacks = repository.discovery.read(&repository.tree);
        let trees = stacks.iter().flat_map(|stack| &stack.trees);
        let refused = trees.filter_map(|tree| {
            let finding = repository.csctl_verdict(tree, catalog)?.finding?;
            Some((tree.directory.clone(), finding))
        });
        Ok(refused.collect())
    }
}

impl Repairs<'_> {
    fn write(
        &self,
        request: &CheckRequest,
        repository: &Repository,
        plan: &Plan,
    ) -> Result<(), CommandError> {
        if !request.allow_dirty {
            refuse_dirty(repository, plan, self.written)?;
        }
        self.workplace.apply(plan, self.written)
    }
}

/// The tags asked for, the one by whose name the state is read, and those that its commit has.
fn tags(request: &CheckRequest, repository: &Repository) -> Result<Vec<StateTag>, CommandError> {
    let git = repository.git.as_ref();
    let revision = request.place.revision.as_deref();
    let named = revision.filter(|revision| git.is_some_and(|git| git.has_tag(revision)));
    let asked: Vec<String> = named
        .map(str::to_owned)
        .into_iter()
        .chain(request.tags.clone())
        .collect();
    let at = match git {
        Some(git) => git
            .tags_at(revision.unwrap_or("HEAD"))
            .map_err(CommandError::new)?,
        None => Vec::new(),
    };
    let mut tags: Vec<StateTag> = asked
        .into_iter()
        .map(|name| StateTag {
            name,
            is_asked: true,
        })
        .collect();
    for name in at {
        if !tags.iter().any(|tag| tag.name == name) {
            tags.push(StateTag {
                name,
                is_asked: false,
            });
        }
    }
    Ok(tags)
}

fn data(
    request: &CheckRequest,
    repository: &Repository,
    findings: &Findings,
) -> Result<String, CommandError> {
    // A revision is read, and never written to.
    let is_writable = request.place.revision.is_none();
    let command = Some(request.fix_command.as_str()).filter(|_| is_writable && !request.fix);
    match request.format {
        CheckFormat::Text => Ok(report::text::check(findings, command)),
        CheckFormat::Json => to_json(findings),
        CheckFormat::Markdown => Ok(report::markdown::check(findings)),
        CheckFormat::Sarif => to_json(&report::sarif::sarif(&from_git_root(repository, findings))),
        CheckFormat::Github => Ok(report::sarif::github(&from_git_root(repository, findings))),
    }
}

/// Names each file from the root of its git repository, from where services that show findings look for it, although the stacks may be
/// those of a subdirectory.
fn from_git_root(repository: &Repository, findings: &Findings) -> Findings {
    let directory = repository.git.as_ref().map_or("", GitRepository::prefix);
    let mut moved = findings.clone();
    if !directory.is_empty() {
        for finding in &mut moved.findings {
            finding.file = format!("{directory}/{}", finding.file);
        }
    }
    moved
}

/// Lists the rules.
pub(crate) fn list_rules() -> Outcome {
    Outcome {
        data: report::text::rule_list().into(),
        ..Outcome::default()
    }
}
