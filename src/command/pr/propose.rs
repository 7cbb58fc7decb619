//! What pull requests there should be: a plan for each base branch, stack line and class of change, made on the newest commit of
//! the base branch, and the commit that carries it out.

use std::collections::BTreeMap;

use git2::Oid;

use super::{ByBase, Run};
use crate::catalog::Catalog;
use crate::command::test::{Examined, examine};
use crate::command::{Place, Repository};
use crate::config::{BranchConfig, Config};
use crate::error::CommandError;
use crate::io::git::{CommitError, CommitInfo};
use crate::plan::{FileAction, FileChange, Plan, PlanInput, Selection, StackPlan};
use crate::policy::{ChangeClass, Minors};
use crate::pull::{
    Block, BodyInput, Cause, Change, Fingerprint, Proposal, PullKey, Templates, TextError, body,
    commit_message, title,
};
use crate::stack::Stack;
use crate::version::{Minor, StackLine};

/// Results of tests: their names, and a word for each.
type Tests = Vec<(String, String)>;
/// A change whose tests were red, and what was red.
type Red = (Fingerprint, String);

/// A pull request that there should be.
pub(super) struct Wanted {
    pub(super) proposal: Proposal,
    /// The commit of the base branch.
    pub(super) base: Oid,
    /// The commit on top of it.
    pub(super) commit: Oid,
    /// The results of its tests, by name.
    pub(super) tests: Tests,
    /// The change whose tests were red, where the default is held back for it.
    pub(super) red: Option<Red>,
    /// Whether its tests, as far as they were made here, are green.
    pub(super) is_green: bool,
}

/// What is to be proposed for a key, before it is tested.
pub(super) struct Planned {
    base: usize,
    plan: Plan,
    commit: Oid,
    fingerprint: Fingerprint,
}

/// What there should be: the base branches as they are, and what is planned on them.
pub(super) struct Agenda {
    bases: Vec<Base>,
    pub(super) planned: BTreeMap<PullKey, Planned>,
}

/// The trailer by which a commit of the program proves itself.
pub(super) const TRAILER: &str = "Csctl-Matrix-Change: ";

/// Why there should be no pull request of a key.
pub(super) fn gone(key: &PullKey) -> Cause {
    Cause(format!(
        "{} needs no such change any more ({} of {})",
        key.base, key.class, key.line
    ))
}

/// A base branch with what is on it.
struct Base {
    name: String,
    oid: Oid,
    repository: Repository,
    catalog: Catalog,
    rules: Vec<BranchConfig>,
}

impl Run<'_> {
    /// Works out every pull request that there should be.
    pub(super) fn agenda(&self) -> Result<Agenda, CommandError> {
        let mut agenda = Agenda {
            bases: Vec::new(),
            planned: BTreeMap::new(),
        };
        for (name, oid) in self.bases()? {
            let base = self.read_base(&name, oid)?;
            for (key, plan) in self.plans(&base)? {
                if let Some((commit, fingerprint)) = self.make(&base, &key, &plan)? {
                    let planned = Planned {
                        base: agenda.bases.len(),
                        plan,
                        commit,
                        fingerprint,
                    };
                    agenda.planned.insert(key, planned);
                }
            }
            agenda.bases.push(base);
        }
        Ok(agenda)
    }

    /// Makes a proposal of what is planned: tests it, unless that was done, and holds the default back where its tests are red.
    pub(super) fn propose(
        &self,
        agenda: &Agenda,
        key: &PullKey,
        known: Option<&Block>,
    ) -> Result<Option<Wanted>, CommandError> {
        let Some(planned) = agenda.planned.get(key) else {
            return Ok(None);
        };
        let base = &agenda.bases[planned.base];
        let known_red = known
            .and_then(|block| block.red.clone())
            .filter(|(fingerprint, _)| *fingerprint == planned.fingerprint);
        if known_red.is_none() {
            let (tests, red) = self.test(base, planned, known)?;
            let Some(why) = red else {
                return self.wanted(base, key, planned, (tests, None)).map(Some);
            };
            if !moves_default(&planned.plan, key) {
                // Nothing can be held back: it stays a draft.
                let wanted = self.wanted(base, key, planned, (tests, None))?;
                return Ok(Some(Wanted {
                    is_green: false,
                    ..wanted
                }));
            }
            return self.hold(base, key, (planned.fingerprint.clone(), why), known);
        }
        match known_red {
            Some(red) => self.hold(base, key, red, known),
            None => Ok(None),
        }
    }

    /// Proposes the change with the default held back: lists may grow before tests are green.
    fn hold(
        &self,
        base: &Base,
        key: &PullKey,
        red: Red,
        known: Option<&Block>,
    ) -> Result<Option<Wanted>, CommandError> {
        let Some(plan) = plan_of(base, key, Some(&red.1))? else {
            return Ok(None);
        };
        let Some((commit, fingerprint)) = self.make(base, key, &plan)? else {
            return Ok(None);
        };
        let held = Planned {
            base: 0,
            plan,
            commit,
            fingerprint,
        };
        let (tests, still_red) = self.test(base, &held, known)?;
        let wanted = self.wanted(base, key, &held, (tests, Some(red)))?;
        Ok(Some(Wanted {
            is_green: still_red.is_none(),
            ..wanted
        }))
    }

    /// Returns the results of the tests of a planned change, and what of them is red. The same change is not tested twice.
    fn test(
        &self,
        base: &Base,
        planned: &Planned,
        known: Option<&Block>,
    ) -> Result<(Tests, Option<String>), CommandError> {
        let same = known.filter(|block| block.fingerprint == planned.fingerprint);
        if let Some(block) = same.filter(|block| !block.tests.is_empty()) {
            return Ok((block.tests.clone(), None));
        }
        let commit = planned.commit.to_string();
        let report = examine(&Examined {
            repository: &base.repository,
            plan: &planned.plan,
            catalog: &base.catalog,
            settings: &self.request.settings,
            commit: Some(&commit),
        })?;
        let results = report.lines.iter().flat_map(|line| &line.report.results);
        let tests = results
            .map(|result| (result.name.clone(), result.state.word().to_owned()))
            .collect();
        let red = report.lines.iter().find_map(|line| line.report.reason());
        Ok((tests, red.filter(|_| !report.is_green)))
    }

    /// The base branches that exist: those of the configuration, else the default branch.
    fn bases(&self) -> Result<ByBase, CommandError> {
        let main = self.refs.default_branch.clone().ok_or_else(|| {
            CommandError::new("the remote has no default branch")
                .hinted("name one under `branches` in csctl-matrix.yaml")
        })?;
        let mut names = vec![main.clone()];
        let Some(head) = self.refs.branch(&main) else {
            return Ok(ByBase::new());
        };
        let repository = self.open(head)?;
        if !repository.config.branches.is_empty() {
            names.clear();
            for rule in &repository.config.branches {
                for line in lines(&repository) {
                    names.push(rule.base.branch_of(&line));
                }
            }
        }
        let found = names
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.refs.branch(&name)?)));
        Ok(found.collect())
    }

    /// Reads the repository as it is at a commit, which is fetched where it is missing.
    fn open(&self, oid: Oid) -> Result<Repository, CommandError> {
        self.fetch(oid, 1).map_err(CommandError::new)?;
        Repository::open(&Place {
            directory: self.request.place.directory.clone(),
            revision: Some(oid.to_string()),
        })
    }

    fn read_base(&self, name: &str, oid: Oid) -> Result<Base, CommandError> {
        let repository = self.open(oid)?;
        let selection = repository.select(Selection::default())?;
        let catalog = repository.look(&selection, &self.request.world)?;
        let all = &repository.config.branches;
        let rules = all
            .iter()
            .filter(|rule| {
                let of_line = |line: StackLine| rule.base.branch_of(&line) == name;
                lines(&repository).into_iter().any(of_line)
            })
            .cloned()
            .collect();
        Ok(Base {
            name: name.to_owned(),
            oid,
            repository,
            catalog,
            rules,
        })
    }

    /// Makes the plans of a base branch, one for each key.
    fn plans(&self, base: &Base) -> Result<Vec<(PullKey, Plan)>, CommandError> {
        let repository = &base.repository;
        let mut plans = Vec::new();
        for stack in repository.discovery.read(&repository.tree) {
            let classes = ChangeClass::ALL.into_iter();
            let classes = classes.filter(|class| self.config.takes(*class));
            for key in classes.flat_map(|class| keys_of(base, &stack, class)) {
                plans.extend(plan_of(base, &key, None)?.map(|plan| (key, plan)));
            }
        }
        Ok(plans)
    }

    /// Makes the commit of a plan.
    fn make(
        &self,
        base: &Base,
        key: &PullKey,
        plan: &Plan,
    ) -> Result<Option<(Oid, Fingerprint)>, CommandError> {
        let Some(message) = self.with_input(key, plan, &[], commit_message)? else {
            return Ok(None);
        };
        let fingerprint = fingerprint(key, plan);
        let made = CommitInfo {
            author: self.author.clone(),
            committer: self.author.clone(),
            time: base.time(self)?,
            message: format!("{message}\n\n{TRAILER}{fingerprint}\n"),
        };
        match self.git.commit_plan(base.oid, &plan.files, &made) {
            Ok(commit) => Ok(Some((commit, fingerprint))),
            Err(CommitError::Empty { .. }) => Ok(None),
            Err(error) => Err(CommandError::new(&error).hinted(error.hint())),
        }
    }

    /// Writes what the pull request of a tested change says.
    fn wanted(
        &self,
        base: &Base,
        key: &PullKey,
        planned: &Planned,
        (tests, red): (Tests, Option<Red>),
    ) -> Result<Wanted, CommandError> {
        let plan = &planned.plan;
        let title = self.with_input(key, plan, &tests, title)?;
        let body = self.with_input(key, plan, &tests, body)?;
        Ok(Wanted {
            proposal: Proposal {
                fingerprint: planned.fingerprint.clone(),
                title: title.unwrap_or_default(),
                body: body.unwrap_or_default(),
                base: key.base.clone(),
                labels: self.config.labels.clone(),
                is_draft: None,
            },
            base: base.oid,
            commit: planned.commit,
            tests,
            red,
            is_green: true,
        })
    }

    /// Fills a template in; nothing where the plan is not about the key.
    fn with_input(
        &self,
        key: &PullKey,
        plan: &Plan,
        tests: &[(String, String)],
        fill: fn(&Templates, BodyInput<'_>) -> Result<String, TextError>,
    ) -> Result<Option<String>, CommandError> {
        let Some((stack, line)) = line_plan(plan, key) else {
            return Ok(None);
        };
        let files: Vec<&FileChange> = plan.files.iter().collect();
        let templates = Templates {
            title: self.config.templates.title.clone(),
            body: self.config.templates.body.clone(),
            commit: self.config.templates.commit.clone(),
        };
        let input = BodyInput {
            key,
            line,
            stack,
            files: &files,
            tests,
            after: None,
            stop_label: &self.config.stop_label,
        };
        fill(&templates, input).map(Some).map_err(template_error)
    }
}

impl Base {
    /// Tells whether changes of a line go to this branch.
    fn takes(&self, line: &StackLine) -> bool {
        self.rules.is_empty() || self.rules_of(line).next().is_some()
    }

    fn rules_of<'a>(&'a self, line: &'a StackLine) -> impl Iterator<Item = &'a BranchConfig> {
        self.rules.iter().filter(move |rule| {
            let of_minor = rule
                .minors
                .as_ref()
                .is_none_or(|minors| minors.contains(line.minor));
            rule.base.branch_of(line) == self.name && of_minor
        })
    }

    fn takes_file(&self, line: &StackLine, path: &str) -> bool {
        let by_rule = |rule: &BranchConfig| {
            rule.files.is_empty() || rule.files.iter().any(|glob| glob.matches(path))
        };
        self.rules.is_empty() || self.rules_of(line).any(by_rule)
    }

    /// The time of a commit on this branch: that of the branch's newest commit, so that the same change on the same base is the
    /// same commit, whenever it is made.
    fn time(&self, run: &Run<'_>) -> Result<jiff::Timestamp, CommandError> {
        let found = run.git.find_commit(self.oid).map_err(CommandError::new)?;
        let facts = found.ok_or_else(|| CommandError::new(format!("{} is missing", self.oid)))?;
        Ok(facts.time)
    }
}

/// Returns the keys of one class of change of a stack. A new minor is asked for by name, the next one first.
fn keys_of(base: &Base, stack: &Stack, class: ChangeClass) -> Vec<PullKey> {
    let minors: Vec<Minor> = if class == ChangeClass::NewMinor {
        let pattern = base.repository.config.image_store.pattern.as_ref();
        let newer = crate::matrix::new_minors(stack, &base.catalog, pattern);
        newer.iter().map(|line| line.line.minor).take(1).collect()
    } else {
        crate::matrix::minors_of(stack)
    };
    let lines = minors.into_iter().filter_map(|minor| line_of(stack, minor));
    lines
        .filter(|line| base.takes(line))
        .map(|line| PullKey {
            base: base.name.clone(),
            line,
            class,
        })
        .collect()
}

/// Plans one key: one class of change of one stack line, with the default held back where a reason is given.
fn plan_of(base: &Base, key: &PullKey, red: Option<&str>) -> Result<Option<Plan>, CommandError> {
    let repository = &base.repository;
    let mut selection = repository.select(Selection::default())?;
    let stacks = repository.discovery.read(&repository.tree);
    let of_key = |stack: &&Stack| {
        let mut trees = stack.trees.iter();
        trees.any(|tree| tree.provider == key.line.provider && tree.name == key.line.name)
    };
    let Some(stack) = stacks.iter().find(of_key) else {
        return Ok(None);
    };
    selection.stacks = vec![stack.title()];
    let mut policy = repository.config.policy(&Config::default());
    let minor = key.line.minor;
    if !policy.for_stack(&stack.title()).minors.contains(minor) {
        return Ok(None);
    }
    policy.changes = [key.class].into();
    if key.class == ChangeClass::NewMinor {
        selection.minor = Some(minor);
    } else {
        policy.minors = Minors::List([minor].into());
        for own in policy.stacks.values_mut() {
            own.minors = None;
        }
    }
    policy
        .untested
        .extend(red.map(|why| (key.line.clone(), why.to_owned())));
    let mut plan = crate::plan::plan(PlanInput {
        tree: &repository.tree,
        discovery: &repository.discovery,
        catalog: &base.catalog,
        policy: &policy,
        selection: &selection,
    });
    plan.files
        .retain(|file| base.takes_file(&key.line, &file.path));
    let is_sound = plan.has_changes() && plan.faults().next().is_none();
    Ok(is_sound.then_some(plan))
}

/// Tells whether a plan moves the default of its line.
fn moves_default(plan: &Plan, key: &PullKey) -> bool {
    line_plan(plan, key).is_some_and(|(_, line)| line.default_before != line.default_after)
}

fn template_error(error: crate::pull::TextError) -> CommandError {
    CommandError::new(error).hinted("repair pullRequests.templates in csctl-matrix.yaml")
}

/// The stack lines of a repository.
fn lines(repository: &Repository) -> Vec<StackLine> {
    let stacks = repository.discovery.read(&repository.tree);
    let of_stack = |stack: &Stack| -> Vec<StackLine> {
        let minors = crate::matrix::minors_of(stack);
        let newest = minors.last().map(|minor| minor.next());
        minors
            .into_iter()
            .chain(newest)
            .filter_map(|minor| line_of(stack, minor))
            .collect()
    };
    stacks.iter().flat_map(of_stack).collect()
}

/// The line of a minor of a stack, by the source tree of that minor, or the first.
pub(in crate::command) fn line_of(stack: &Stack, minor: Minor) -> Option<StackLine> {
    let same = stack.trees.iter().find(|tree| tree.minor == Some(minor));
    let tree = same.or(stack.trees.first())?;
    Some(StackLine {
        provider: tree.provider.clone(),
        name: tree.name.clone(),
        minor,
    })
}

/// Finds the line that a plan is about.
fn line_plan<'p>(
    plan: &'p Plan,
    key: &PullKey,
) -> Option<(&'p StackPlan, &'p crate::plan::LinePlan)> {
    plan.stacks.iter().find_map(|stack| {
        let exact = stack.lines.iter().find(|line| line.line == key.line);
        Some((stack, exact.or(stack.lines.first())?))
    })
}

fn fingerprint(key: &PullKey, plan: &Plan) -> Fingerprint {
    let copied = |from: &str| format!("copy of {from}").into_bytes();
    let contents: Vec<(&str, Option<Vec<u8>>)> = plan
        .files
        .iter()
        .map(|file| {
            let content = match &file.action {
                FileAction::Edit { after, .. } | FileAction::Create { after, .. } => {
                    Some(after.as_bytes().to_vec())
                }
                FileAction::Copy { from } => Some(copied(from)),
                FileAction::Remove => None,
            };
            (file.path.as_str(), content)
        })
        .collect();
    let changes: Vec<Change<'_>> = contents
        .iter()
        .map(|(path, content)| Change {
            path,
            content: content.as_deref(),
        })
        .collect();
    Fingerprint::of(key, &changes)
}
