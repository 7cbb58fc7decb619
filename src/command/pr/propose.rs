//! What pull requests there should be: a plan for each base branch, stack line and class of change, made on the newest commit of
//! the base branch, and the commit that carries it out.

use std::collections::BTreeMap;

use git2::Oid;

use super::{ByBase, Run};
use crate::catalog::Catalog;
use crate::command::{Place, Repository};
use crate::config::{BranchConfig, Config};
use crate::error::CommandError;
use crate::io::git::{CommitError, CommitInfo};
use crate::plan::{FileAction, FileChange, Plan, PlanInput, Selection, StackPlan};
use crate::policy::{ChangeClass, Minors};
use crate::pull::{
    BodyInput, Cause, Change, Fingerprint, Proposal, PullKey, Templates, body, commit_message,
    title,
};
use crate::stack::Stack;
use crate::version::{Minor, StackLine};

/// A pull request that there should be.
pub(super) struct Wanted {
    pub(super) proposal: Proposal,
    /// The commit of the base branch.
    pub(super) base: Oid,
    /// The commit on top of it.
    pub(super) commit: Oid,
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
    pub(super) fn wanted(&self) -> Result<BTreeMap<PullKey, Wanted>, CommandError> {
        let mut wanted = BTreeMap::new();
        for (name, oid) in self.bases()? {
            let base = self.read_base(&name, oid)?;
            for (key, plan) in self.plans(&base)? {
                if let Some(made) = self.make(&base, &key, &plan)? {
                    wanted.insert(key, made);
                }
            }
        }
        Ok(wanted)
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
            for class in ChangeClass::ALL {
                if self.config.takes(class) {
                    self.plans_of(base, &stack, class, &mut plans)?;
                }
            }
        }
        Ok(plans)
    }

    /// Plans one class of change of a stack, line by line. A new minor is asked for by name.
    fn plans_of(
        &self,
        base: &Base,
        stack: &Stack,
        class: ChangeClass,
        plans: &mut Vec<(PullKey, Plan)>,
    ) -> Result<(), CommandError> {
        let repository = &base.repository;
        let selection = repository.select(Selection {
            stacks: vec![stack.title()],
            ..Selection::default()
        })?;
        let is_new = class == ChangeClass::NewMinor;
        let minors: Vec<Minor> = if is_new {
            let pattern = selection.image_pattern.as_ref();
            let newer = crate::matrix::new_minors(stack, &base.catalog, pattern);
            newer.iter().map(|line| line.line.minor).take(1).collect()
        } else {
            crate::matrix::minors_of(stack)
        };
        for minor in minors {
            let Some(line) = line_of(stack, minor) else {
                continue;
            };
            if !base.takes(&line) {
                continue;
            }
            let mut policy = repository.config.policy(&Config::default());
            if !policy.for_stack(&stack.title()).minors.contains(minor) {
                continue;
            }
            policy.changes = [class].into();
            let mut selection = selection.clone();
            if is_new {
                selection.minor = Some(minor);
            } else {
                policy.minors = Minors::List([minor].into());
                for own in policy.stacks.values_mut() {
                    own.minors = None;
                }
            }
            let mut plan = crate::plan::plan(PlanInput {
                tree: &repository.tree,
                discovery: &repository.discovery,
                catalog: &base.catalog,
                policy: &policy,
                selection: &selection,
            });
            plan.files.retain(|file| base.takes_file(&line, &file.path));
            if plan.has_changes() && plan.faults().next().is_none() {
                let key = PullKey {
                    base: base.name.clone(),
                    line,
                    class,
                };
                plans.push((key, plan));
            }
        }
        Ok(())
    }

    /// Makes the commit of a plan, and what its pull request says.
    fn make(
        &self,
        base: &Base,
        key: &PullKey,
        plan: &Plan,
    ) -> Result<Option<Wanted>, CommandError> {
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
            tests: &[],
            after: None,
            stop_label: &self.config.stop_label,
        };
        let fingerprint = fingerprint(key, plan);
        let message = commit_message(&templates, input).map_err(template_error)?;
        let made = base.time(self).map(|time| CommitInfo {
            author: self.author.clone(),
            committer: self.author.clone(),
            time,
            message: format!("{message}\n\n{TRAILER}{fingerprint}\n"),
        })?;
        let commit = match self.git.commit_plan(base.oid, &plan.files, &made) {
            Ok(commit) => commit,
            Err(CommitError::Empty { .. }) => return Ok(None),
            Err(error) => return Err(CommandError::new(&error).hinted(error.hint())),
        };
        let proposal = Proposal {
            fingerprint,
            title: title(&templates, input).map_err(template_error)?,
            body: body(&templates, input).map_err(template_error)?,
            base: key.base.clone(),
            labels: self.config.labels.clone(),
            is_draft: None,
        };
        Ok(Some(Wanted {
            proposal,
            base: base.oid,
            commit,
        }))
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

fn line_of(stack: &Stack, minor: Minor) -> Option<StackLine> {
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
