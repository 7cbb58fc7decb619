//! What should be proposed, before any test: a plan for each base branch, stack line and class of change, made on the newest commit
//! of the base branch, and the commit that carries it out.

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use super::Run;
use super::base::{BaseBranch, next_line, planned_lines};
use crate::catalog::Catalog;
use crate::command::{Place, Repository};
use crate::error::CommandError;
use crate::gate::TestState;
use crate::io::git::{CommitError, CommitInfo, LineChange, TreeChange};
use crate::plan::{LinePlan, Plan, Selection, StackPlan};
use crate::policy::ChangeClass;
use crate::pull::{self, BodyInput, Fingerprint, PullKey, Templates, TextError, commit_message};
use crate::stack::Stack;
use crate::version::{Sha256, StackLine};

/// The trailer by which a commit of the program proves itself.
// Under another name, the branches of earlier runs would be taken for those of people.
pub(super) const TRAILER: &str = "Csctl-Matrix-Change: ";

/// By the name of a branch.
type ByName<T> = BTreeMap<String, T>;

/// What there should be: the base branches as they are, and what is planned on them.
pub(super) struct Agenda {
    pub(super) bases: ByName<BaseBranch>,
    pub(super) changes: BTreeMap<PullKey, PlannedChange>,
    /// Keys whose branches exist, wanted or not: a run that was stopped may have left one without a pull request.
    pub(super) begun: BTreeSet<PullKey>,
    /// Stacks that the run is limited to, by provider and name; nothing where it looks at all.
    only: Option<BTreeSet<(String, String)>>,
    /// Base branches that the configuration names and that do not exist, with whose changes would go there.
    pub(super) missing: ByName<StackLine>,
    /// Base branches that cannot be read.
    pub(super) unread: ByName<CommandError>,
    /// Changes that cannot be planned, or whose commit cannot be made.
    pub(super) failed: BTreeMap<PullKey, CommandError>,
}

/// A planned change, with the commit that carries it out.
pub(super) struct PlannedChange {
    pub(super) plan: Plan,
    pub(super) commit: Oid,
    pub(super) fingerprint: Fingerprint,
}

/// The base branches of a repository.
#[derive(Default)]
struct Bases {
    /// Where they are.
    found: ByName<Oid>,
    /// Those that do not exist, although a stack line that is there belongs to them.
    missing: ByName<StackLine>,
}

/// What the texts of a change tell.
pub(super) struct TextFacts<'a> {
    pub(super) plan: &'a Plan,
    /// The results of its tests.
    pub(super) tests: &'a [(String, TestState)],
    /// An earlier pull request that a person closed.
    pub(super) after: Option<u64>,
}

impl<'a> TextFacts<'a> {
    /// What is known before any test.
    fn of(plan: &'a Plan) -> Self {
        Self {
            plan,
            tests: &[],
            after: None,
        }
    }
}

impl Run<'_> {
    /// Plans every change that there should be. What goes wrong with one of them, or with one base branch, stays with it.
    pub(super) fn agenda(&self) -> Result<Agenda, CommandError> {
        let Bases { found, missing } = self.bases()?;
        let mut agenda = Agenda {
            bases: BTreeMap::new(),
            changes: BTreeMap::new(),
            begun: BTreeSet::new(),
            only: None,
            missing,
            unread: BTreeMap::new(),
            failed: BTreeMap::new(),
        };
        for (name, oid) in found {
            match self.read_base(&name, oid) {
                Ok(base) => {
                    self.plan_base(&base, &mut agenda);
                    agenda.bases.insert(name, base);
                }
                Err(error) => drop(agenda.unread.insert(name, error)),
            }
        }
        // One that cannot be read is a fault beside the others; where all are, it is the error of the run.
        match agenda.unread.pop_first() {
            Some((_, error)) if agenda.bases.is_empty() => return Err(error),
            first => agenda.unread.extend(first),
        }
        agenda.limit(&self.request.only.selection)?;
        Ok(agenda)
    }

    fn plan_base(&self, base: &BaseBranch, agenda: &mut Agenda) {
        for key in self.keys(base) {
            if self.refs.branch(&key.branch(&self.config.prefix)).is_some() {
                agenda.begun.insert(key.clone());
            }
            match self.change(base, &key, None) {
                Ok(Some(change)) => drop(agenda.changes.insert(key, change)),
                Ok(None) => {}
                Err(error) => drop(agenda.failed.insert(key, error)),
            }
        }
    }

    /// Plans a change and makes its commit; nothing where nothing changes. The default stays where a reason is given.
    pub(super) fn change(
        &self,
        base: &BaseBranch,
        key: &PullKey,
        red: Option<&str>,
    ) -> Result<Option<PlannedChange>, CommandError> {
        let Some(plan) = base.plan(key, red)? else {
            return Ok(None);
        };
        let Some(message) = self.fill(key, &TextFacts::of(&plan), commit_message)? else {
            return Ok(None);
        };
        let tree = match self.git.plan_tree(base.oid, &plan.files) {
            Ok(tree) => tree,
            // The base has the change already, in other words than the plan's.
            Err(CommitError::Empty { .. }) => return Ok(None),
            Err(error) => return Err(CommandError::new(&error).hinted(error.hint())),
        };
        let proof = proof(key, &self.git.changes(base.oid, tree)?);
        let fingerprint = fingerprint(key, &self.git.changed_lines(base.oid, tree)?);
        let info = CommitInfo {
            author: self.author.clone(),
            committer: self.author.clone(),
            time: base.time(self)?,
            message: format!("{message}\n\n{TRAILER}{proof}\n"),
        };
        let commit = self
            .git
            .commit_tree(base.oid, tree, &info)
            .map_err(|error| CommandError::new(&error).hinted(error.hint()))?;
        Ok(Some(PlannedChange {
            plan,
            commit,
            fingerprint,
        }))
    }

    /// Finds the base branches: those of the default branch's configuration, else the default branch.
    fn bases(&self) -> Result<Bases, CommandError> {
        let mut bases = Bases::default();
        let main = self.refs.default_branch.clone().ok_or_else(|| {
            CommandError::new("the remote has no default branch")
                .hinted("name one under `branches` in csctl-matrix.yaml")
        })?;
        // An empty repository has a default branch in name alone.
        let Some(head) = self.refs.branch(&main) else {
            return Ok(bases);
        };
        let Some(repository) = &self.home else {
            return Ok(bases);
        };
        if self.rules.branches.is_empty() {
            bases.found.insert(main, head);
        }
        let stacks = repository.discovery.read(&repository.tree);
        for line in planned_lines(repository, &stacks) {
            for name in self.base_names(&line) {
                match self.refs.branch(&name) {
                    Some(oid) => drop(bases.found.insert(name, oid)),
                    None => drop(bases.missing.insert(name, line.clone())),
                }
            }
        }
        // The next minor of a stack may have no branch yet.
        for line in stacks.iter().filter_map(next_line) {
            for name in self.base_names(&line) {
                let head = self.refs.branch(&name);
                bases.found.extend(head.map(|oid| (name, oid)));
            }
        }
        Ok(bases)
    }

    /// Returns the names of the base branches that the configuration has for a stack line.
    fn base_names(&self, line: &StackLine) -> impl Iterator<Item = String> {
        self.rules
            .branches
            .iter()
            .filter(|rule| rule.takes(line.minor))
            .map(|rule| rule.base.branch_of(line))
    }

    /// Reads the repository as it is at a commit, which is fetched where it is missing.
    fn open(&self, oid: Oid) -> Result<Repository, CommandError> {
        self.fetch(oid, 1).map_err(CommandError::new)?;
        Repository::open(&Place {
            directory: self.directory.clone(),
            revision: Some(oid.to_string()),
        })
    }

    /// Reads a base branch. What the default branch blocks is blocked on all of them, as a branch that was made earlier does not
    /// know; one without a configuration has that of the default branch.
    fn read_base(&self, name: &str, oid: Oid) -> Result<BaseBranch, CommandError> {
        let home = &self.rules;
        let mut repository = self.open(oid)?;
        if repository.has_config() {
            let own = &mut repository.config.blocked;
            for block in &home.blocked {
                if !own.contains(block) {
                    own.push(block.clone());
                }
            }
        } else {
            repository.config.clone_from(home);
        }
        let selection = repository.select(Selection::default())?;
        let mut catalog = repository.look(&selection, &self.sources)?;
        self.add_releases(&mut catalog);
        let stacks = repository.discovery.read(&repository.tree);
        Ok(BaseBranch {
            name: name.to_owned(),
            oid,
            rules: home.branches.clone(),
            repository,
            catalog,
            stacks,
        })
    }

    /// Adds the releases that the remote has tags of: it has all of them, whatever the clone has.
    fn add_releases(&self, catalog: &mut Catalog) {
        catalog.release_gap = None;
        for release in self.refs.stack_releases() {
            let mut known = catalog.stack_releases.iter();
            if !known.any(|known| known.tag == release.tag) {
                catalog.stack_releases.push(release);
            }
        }
        catalog.sort();
    }

    /// Returns every key of a base branch that could have a change.
    fn keys(&self, base: &BaseBranch) -> Vec<PullKey> {
        let only = &self.request.only;
        let mut keys = Vec::new();
        for stack in base
            .stacks
            .iter()
            .filter(|stack| only.selection.takes(stack))
        {
            let classes = ChangeClass::ALL.into_iter();
            for class in classes.filter(|class| self.config.takes(*class)) {
                keys.extend(base.keys(stack, class));
            }
        }
        keys.retain(|key| only.takes(key));
        keys
    }

    /// Fills a template in; nothing where the plan is not about the key.
    pub(super) fn fill(
        &self,
        key: &PullKey,
        said: &TextFacts<'_>,
        fill: fn(&Templates, BodyInput<'_>) -> Result<String, TextError>,
    ) -> Result<Option<String>, CommandError> {
        let Some((stack, line)) = line_plan(said.plan, key) else {
            return Ok(None);
        };
        let input = BodyInput {
            key,
            line,
            stack,
            files: &said.plan.files,
            tests: said.tests,
            after: said.after,
            stop_label: &self.config.stop_label,
            again_label: &self.config.again_label,
        };
        let filled = fill(&self.templates, input);
        filled.map(Some).map_err(template_error)
    }
}

/// Says which template of the configuration cannot be used.
pub(super) fn template_error(error: TextError) -> CommandError {
    CommandError::new(error).hinted("fix `pullRequests.templates` in csctl-matrix.yaml")
}

impl Agenda {
    /// Limits the agenda to stacks that are asked for.
    fn limit(&mut self, selection: &Selection) -> Result<(), CommandError> {
        if selection.stacks.is_empty() {
            return Ok(());
        }
        let stacks: Vec<&Stack> = self.bases.values().flat_map(|base| &base.stacks).collect();
        for wanted in &selection.stacks {
            let alone = Selection {
                stacks: vec![wanted.clone()],
                ..Selection::default()
            };
            if !stacks.iter().any(|stack| alone.takes(stack)) {
                // Base branches mostly have the same stacks.
                let titles: BTreeSet<String> = stacks.iter().map(|stack| stack.title()).collect();
                let message = format!("no cluster stack `{wanted}` on the base branches");
                let hint = format!("there are {}", Vec::from_iter(titles).join(", "));
                return Err(CommandError::new(message).hinted(hint));
            }
        }
        let names = stacks
            .into_iter()
            .filter(|stack| selection.takes(stack))
            .flat_map(|stack| &stack.trees)
            .map(|tree| (tree.provider.clone(), tree.name.clone()))
            .collect();
        self.only = Some(names);
        Ok(())
    }

    /// Tells whether a key is of a stack that is looked at.
    pub(super) fn takes(&self, key: &PullKey) -> bool {
        let name = (key.line.provider.clone(), key.line.name.clone());
        self.only.as_ref().is_none_or(|only| only.contains(&name))
    }
}

/// Finds the line that a plan is about.
pub(super) fn line_plan<'p>(
    plan: &'p Plan,
    key: &PullKey,
) -> Option<(&'p StackPlan, &'p LinePlan)> {
    plan.stacks.iter().find_map(|stack| {
        let exact = stack.lines.iter().find(|line| line.line == key.line);
        Some((stack, exact.or(stack.lines.first())?))
    })
}

/// Returns the fingerprint of a change: it is the same on every base that it can be made on.
fn fingerprint(key: &PullKey, changes: &[LineChange]) -> Fingerprint {
    let told: Vec<pull::ChangedFile> = changes
        .iter()
        .map(|change| pull::ChangedFile {
            path: change.path.clone(),
            content: change.mode.map(|mode| {
                let lines = change.lines.concat();
                format!("{:o} {}", u32::from(mode), Sha256::of(&lines))
            }),
        })
        .collect();
    Fingerprint::of(key, &told)
}

/// Returns the fingerprint of the very files that a commit changes, by which it proves itself.
pub(super) fn proof(key: &PullKey, changes: &[TreeChange]) -> Fingerprint {
    let told: Vec<pull::ChangedFile> = changes
        .iter()
        .map(|change| pull::ChangedFile {
            path: change.path.clone(),
            content: change
                .after
                .map(|file| format!("{:o} {}", u32::from(file.mode), file.blob)),
        })
        .collect();
    Fingerprint::of(key, &told)
}
