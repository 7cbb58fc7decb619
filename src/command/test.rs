//! `test`: plans, and tries out what is planned in a scratch copy: the built-in proofs, and the commands of the repository. It writes
//! nothing into the repository and does not ask the forge.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::plan::{PlanRequest, look_and_make};
use super::unfinished::told;
use super::{Format, Outcome, Repository, to_json};
use crate::catalog::Catalog;
use crate::check::{CheckInput, Findings, RuleSelection, check};
use crate::config::Config;
use crate::error::{CommandError, Status};
use crate::gate::{
    GateReport, GateSubject, LineReport, ProofInput, TestKind, TestReport, TestResult, TestState,
    proofs,
};
use crate::io::gate::{
    CommandSettings, Scratch, ScratchError, chart_of, has_helm, render_charts, run_commands,
};
use crate::plan::{LinePlan, Plan, Selection, StackPlan};
use crate::report;
use crate::stack::{Stack, Tree};

/// What to test.
#[derive(Debug, Clone)]
pub(crate) struct TestRequest {
    /// The plan to try out.
    pub plan: PlanRequest,
    /// How commands are run.
    pub settings: CommandSettings,
}

/// Plans, and tries the plan out.
pub(crate) fn run(request: &TestRequest) -> Result<Outcome, CommandError> {
    told(&request.plan.place, try_out(request))
}

fn try_out(request: &TestRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.plan.place)?;
    let (plan, catalog) = look_and_make(&request.plan, &repository)?;
    let report = examine(&Examined {
        repository: &repository,
        plan: &plan,
        catalog: &catalog,
        settings: &request.settings,
        commit: None,
    })?;
    let data = match request.plan.format {
        Format::Text => report::text::tests(&report),
        Format::Markdown => report::markdown::tests(&report),
        Format::Json => to_json(&report)?,
    };
    let mut outcome = Outcome::of(data, request.plan.format);
    outcome.status = (!report.is_green).then_some(Status::Red);
    Ok(outcome.with_unseen(&repository).with_shortfalls(&plan))
}

/// A plan to be tried out.
pub(super) struct Examined<'a> {
    pub(super) repository: &'a Repository,
    pub(super) plan: &'a Plan,
    pub(super) catalog: &'a Catalog,
    pub(super) settings: &'a CommandSettings,
    /// The commit that carries the plan out, where there is one.
    pub(super) commit: Option<&'a str>,
}

/// Tries a plan out in a scratch copy: one report per stack line that changes.
pub(super) fn examine(examined: &Examined<'_>) -> Result<TestReport, CommandError> {
    let (repository, plan) = (examined.repository, examined.plan);
    if !plan.has_changes() {
        return Ok(TestReport::new(Vec::new()));
    }
    let before = State::new(repository, &repository.tree, plan);
    let tree = plan.applied_to(&repository.tree);
    let after = State::new(repository, &tree, plan);
    let trial = Trial {
        examined,
        copies: Copies::of(examined),
        // Found out once, as it starts a process.
        has_helm: has_helm(examined.settings).map_err(scratch_error)?,
        tree: &tree,
        before: &before,
        after: &after,
    };
    let changed = plan.stacks.iter().flat_map(|stack| {
        let lines = stack.lines.iter().filter(|line| !line.classes.is_empty());
        lines.map(move |line| (stack, line))
    });
    let reports = changed.map(|(stack, line)| trial.line(stack, line));
    Ok(TestReport::new(reports.collect::<Result<_, _>>()?))
}

/// Copies of the files, made when they are needed: a large repository takes its time.
struct Copies<'a> {
    examined: &'a Examined<'a>,
    base: OnceCell<Scratch>,
    planned: OnceCell<Scratch>,
}

impl<'a> Copies<'a> {
    fn of(examined: &'a Examined<'a>) -> Self {
        Self {
            examined,
            base: OnceCell::new(),
            planned: OnceCell::new(),
        }
    }

    /// Returns the files as they are.
    fn base(&self) -> Result<&Scratch, CommandError> {
        kept(&self.base, || copy(self.examined.repository))
    }

    /// Returns the files as they would be.
    fn planned(&self) -> Result<&Scratch, CommandError> {
        let Examined {
            repository, plan, ..
        } = self.examined;
        kept(&self.planned, || {
            if let (Some(commit), Some(git)) = (self.examined.commit, &repository.git) {
                return Scratch::of_revision(git, commit);
            }
            let copy = copy(repository)?;
            copy.apply(plan).map(|()| copy)
        })
    }
}

fn kept(
    cell: &OnceCell<Scratch>,
    make: impl FnOnce() -> Result<Scratch, ScratchError>,
) -> Result<&Scratch, CommandError> {
    // `OnceCell::get_or_try_init` is not stable.
    if let Some(scratch) = cell.get() {
        return Ok(scratch);
    }
    let scratch = make().map_err(scratch_error)?;
    Ok(cell.get_or_init(|| scratch))
}

fn copy(repository: &Repository) -> Result<Scratch, ScratchError> {
    match (&repository.revision, &repository.git) {
        (Some(revision), Some(git)) => Scratch::of_revision(git, revision),
        (_, git) => Scratch::of_directory(&repository.root, git.as_ref()),
    }
}

fn scratch_error(error: ScratchError) -> CommandError {
    CommandError::new(error)
        .hinted("free some space or fix permissions; TMPDIR sets the directory for temporary files")
}

/// The stacks that change, as they are or as they would be.
struct State {
    stacks: Vec<Stack>,
    findings: Findings,
}

impl State {
    fn new(repository: &Repository, tree: &Tree, plan: &Plan) -> Self {
        let changed = plan.stacks.iter().filter(|stack| !stack.lines.is_empty());
        let directories = changed.map(|stack| stack.directory.as_str()).collect();
        // The other stacks of a large repository take their time, and stay as they are.
        let discovery = repository.discovery.again(tree).limited_to(&directories);
        let input = CheckInput {
            tree,
            discovery: &discovery,
            // What the catalog says is proved beside these rules.
            catalog: None,
            policy: &repository.config.policy(&Config::default()),
            selection: &Selection::default(),
            tags: &[],
            unpublishable: &BTreeMap::new(),
            today: plan.as_of,
        };
        Self {
            stacks: discovery.read(tree),
            findings: check(input, &RuleSelection::default()),
        }
    }

    fn find(&self, directory: &str) -> Option<&Stack> {
        let mut stacks = self.stacks.iter();
        stacks.find(|stack| stack.directory == directory)
    }
}

/// What a plan is tried out with.
struct Trial<'a> {
    examined: &'a Examined<'a>,
    copies: Copies<'a>,
    has_helm: bool,
    /// The files as they would be.
    tree: &'a Tree,
    before: &'a State,
    after: &'a State,
}

impl Trial<'_> {
    fn line(&self, stack: &StackPlan, line: &LinePlan) -> Result<LineReport, CommandError> {
        let Examined {
            repository,
            plan,
            catalog,
            settings,
            commit,
        } = self.examined;
        let files = GateSubject::files_of(plan, stack);
        let subject = GateSubject {
            stack,
            line,
            files: &files,
            commit: *commit,
        };
        let mut results = Vec::new();
        let directory = stack.directory.as_str();
        if let (Some(before), Some(after)) =
            (self.before.find(directory), self.after.find(directory))
        {
            results = proofs(ProofInput {
                subject,
                before,
                after,
                catalog,
                findings_before: &self.before.findings,
                findings_after: &self.after.findings,
            });
        }
        if !subject.leaves() {
            results.extend(self.charts(subject.directory())?);
        }
        let commands = &repository.config.gate.commands;
        if !commands.is_empty() {
            let planned = self.copies.planned()?;
            results.extend(run_commands(commands, &subject, planned, settings));
        }
        Ok(LineReport::new(line, GateReport::new(results)))
    }

    /// Renders the charts of a stack.
    fn charts(&self, directory: &str) -> Result<Vec<TestResult>, CommandError> {
        let mut files = self.tree.files_below(directory);
        let has_charts = files.any(|(path, _)| {
            let below = path[directory.len()..].trim_start_matches('/');
            chart_of(below).is_some()
        });
        if !has_charts {
            return Ok(Vec::new());
        }
        if !self.has_helm {
            let words = "helm is not on PATH".to_owned();
            // It stops nothing: nobody has to install helm.
            let state = TestState::Skipped;
            let skipped = TestResult::new(TestKind::Proof, "helm template", state, words);
            return Ok(vec![skipped]);
        }
        render_charts(
            directory,
            self.copies.planned()?,
            || self.copies.base(),
            self.examined.settings,
        )
    }
}
