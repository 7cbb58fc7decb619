//! A base branch: what is on it, which keys it could have changes of, and the plan of one key.

use git2::Oid;

use super::Run;
use crate::catalog::Catalog;
use crate::command::Repository;
use crate::config::{BranchConfig, Config};
use crate::error::CommandError;
use crate::plan::{PLAN_SCHEMA, Plan, PlanInput, Selection, plan_stack};
use crate::policy::{ChangeClass, Minors, Wishes};
use crate::pull::PullKey;
use crate::stack::Stack;
use crate::version::{Minor, StackLine};

/// A base branch with what is on it.
pub(super) struct BaseBranch {
    pub(super) name: String,
    pub(super) oid: Oid,
    pub(super) repository: Repository,
    pub(super) catalog: Catalog,
    pub(super) stacks: Vec<Stack>,
    /// Those of the default branch, as it is they that name this one.
    pub(super) rules: Vec<BranchConfig>,
}

impl BaseBranch {
    /// Returns the keys of one class of change of a stack. A new minor is asked for by name, the next one first.
    pub(super) fn keys<'a>(&'a self, stack: &'a Stack, class: ChangeClass) -> Vec<PullKey> {
        let minors: Vec<Minor> = if class == ChangeClass::NewMinor {
            let newer = crate::matrix::new_minors(stack, &self.catalog);
            newer.iter().map(|line| line.line.minor).take(1).collect()
        } else {
            crate::matrix::minors_of(stack)
        };
        let lines = minors.into_iter().filter_map(|minor| line_of(stack, minor));
        lines
            .filter(|line| self.takes(line))
            .map(|line| PullKey {
                base: self.name.clone(),
                line,
                class,
            })
            .collect()
    }

    /// Tells whether changes of a line go to this branch.
    fn takes(&self, line: &StackLine) -> bool {
        self.rules.is_empty() || self.rules_of(line).next().is_some()
    }

    fn rules_of<'a>(&'a self, line: &'a StackLine) -> impl Iterator<Item = &'a BranchConfig> {
        self.rules
            .iter()
            .filter(|rule| rule.base.branch_of(line) == self.name && rule.takes(line.minor))
    }

    fn takes_file(&self, line: &StackLine, path: &str) -> bool {
        self.rules.is_empty()
            || self.rules_of(line).any(|rule| {
                rule.files.is_empty() || rule.files.iter().any(|glob| glob.matches(path))
            })
    }

    /// Plans one key: one class of change of one stack line, with the default held back where a reason is given. Where this
    /// branch takes none of the files that say the default, it stays as it is here, and the plan says so.
    pub(super) fn plan(
        &self,
        key: &PullKey,
        red: Option<&str>,
    ) -> Result<Option<Plan>, CommandError> {
        let plan = self.plan_files(key, red)?;
        // Where every rule takes all files, no other branch says the default.
        if red.is_some() || self.rules.iter().all(|rule| rule.files.is_empty()) {
            return Ok(plan);
        }
        let held = self.plan_files(key, Some("its files are of another branch"))?;
        let is_same = match (&plan, &held) {
            (Some(plan), Some(held)) => plan.files == held.files,
            (None, _) | (_, None) => false,
        };
        Ok(if is_same { held } else { plan })
    }

    fn plan_files(&self, key: &PullKey, red: Option<&str>) -> Result<Option<Plan>, CommandError> {
        let Some(stack) = self.stacks.iter().find(|stack| is_of_key(stack, key)) else {
            return Ok(None);
        };
        let mut selection = self.repository.select(Selection::default())?;
        // Each plan is about one line, and need not say that it leaves the others alone.
        selection.is_line_by_line = true;
        let mut policy = self.repository.config.policy(&Config::default());
        let minor = key.line.minor;
        if !policy.for_stack(&stack.title()).minors.contains(minor) {
            return Ok(None);
        }
        let mut wishes = Wishes::only(key.class);
        if key.class == ChangeClass::NewMinor {
            selection.switch_to = Some(minor);
        } else {
            // Minors of a stack's own would win over the one that the key is about.
            policy.minors = Minors::List([minor].into());
            for own in policy.stacks.values_mut() {
                own.minors = None;
            }
        }
        let untested = red.map(|why| (key.line.clone(), why.to_owned()));
        wishes.untested.extend(untested);
        let input = PlanInput {
            tree: &self.repository.tree,
            discovery: &self.repository.discovery,
            catalog: &self.catalog,
            policy: &policy,
            wishes: &wishes,
            selection: &selection,
        };
        let (planned, mut files) = plan_stack(input, stack);
        files.retain(|file| self.takes_file(&key.line, &file.path));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let plan = Plan {
            schema: PLAN_SCHEMA,
            as_of: self.catalog.as_of,
            stacks: vec![planned],
            files,
        };
        if let Some(fault) = plan.faults().next() {
            return Err(CommandError::new(fault).hinted(&fault.hint));
        }
        Ok(plan.has_changes().then_some(plan))
    }

    /// The time of a commit on this branch: that of the branch's newest commit, so that the same change on the same base is the
    /// same commit, whenever it is made.
    pub(super) fn time(&self, run: &Run<'_>) -> Result<jiff::Timestamp, CommandError> {
        let found = run.git.find_commit(self.oid).map_err(CommandError::new)?;
        let facts = found.ok_or_else(|| CommandError::new(format!("{} is missing", self.oid)))?;
        Ok(facts.time)
    }
}

/// Tells whether a key is of a stack.
pub(super) fn is_of_key(stack: &Stack, key: &PullKey) -> bool {
    let mut trees = stack.trees.iter();
    trees.any(|tree| tree.provider == key.line.provider && tree.name == key.line.name)
}

/// The stack lines of a repository that plans look at.
pub(in crate::command) fn planned_lines(
    repository: &Repository,
    stacks: &[Stack],
) -> Vec<StackLine> {
    let policy = repository.config.policy(&Config::default());
    let mut lines = Vec::new();
    for stack in stacks {
        let wanted = policy.for_stack(&stack.title()).minors;
        let minors = crate::matrix::minors_of(stack).into_iter();
        let planned = minors.filter(|minor| wanted.contains(*minor));
        lines.extend(planned.filter_map(|minor| line_of(stack, minor)));
    }
    lines
}

/// The stack line of the minor after the newest one of a stack.
pub(super) fn next_line(stack: &Stack) -> Option<StackLine> {
    let newest = crate::matrix::minors_of(stack).pop()?;
    line_of(stack, newest.next())
}

/// The line of a minor of a stack, by the source tree of that minor, or the first.
fn line_of(stack: &Stack, minor: Minor) -> Option<StackLine> {
    let same = stack.trees.iter().find(|tree| tree.minor == Some(minor));
    let tree = same.or(stack.trees.first())?;
    Some(StackLine {
        provider: tree.provider.clone(),
        name: tree.name.clone(),
        minor,
    })
}
