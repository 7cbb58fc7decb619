//! What should be proposed, before any test: a plan for each base branch, stack line and class of change, made on the newest commit
//! of the base branch, and the commit that carries it out.

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use super::Run;
use crate::catalog::Catalog;
use crate::command::{Place, Repository};
use crate::config::{BranchConfig, Config};
use crate::error::CommandError;
use crate::gate::TestState;
use crate::io::git::{CommitError, CommitInfo, LineChange, TreeChange};
use crate::plan::{LinePlan, PLAN_SCHEMA, Plan, PlanInput, Selection, StackPlan, plan_stack};
use crate::policy::{ChangeClass, Minors, Wishes};
use crate::pull::{self, BodyInput, Fingerprint, PullKey, Templates, TextError, commit_message};
use crate::stack::Stack;
use crate::version::{Minor, Sha256, StackLine};

/// The trailer by which a commit of the program proves itself.
pub(super) const TRAILER: &str = "Csctl-Matrix-Change: ";

/// By the name of a branch.
type ByName<T> = BTreeMap<String, T>;

/// What there should be: the base branches as they are, and what is planned on them.
pub(super) struct Agenda {
    pub(super) bases: ByName<Base>,
    pub(super) changes: BTreeMap<PullKey, Change>,
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
pub(super) struct Change {
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
pub(super) struct Said<'a> {
    pub(super) plan: &'a Plan,
    /// The results of its tests.
    pub(super) tests: &'a [(String, TestState)],
    /// An earlier pull request that a person closed.
    pub(super) after: Option<u64>,
}

impl<'a> Said<'a> {
    /// What is known before any test.
    fn of(plan: &'a Plan) -> Self {
        Self {
            plan,
            tests: &[],
            after: None,
        }
    }
}

/// A base branch with what is on it.
pub(super) struct Base {
    name: String,
    pub(super) oid: Oid,
    pub(super) repository: Repository,
    pub(super) catalog: Catalog,
    pub(super) stacks: Vec<Stack>,
    /// Those of the default branch, as it is they that name this one.
    rules: Vec<BranchConfig>,
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
        match agenda.unread.pop_first() {
            Some((_, error)) if agenda.bases.is_empty() => return Err(error),
            first => agenda.unread.extend(first),
        }
        agenda.limit(&self.request.only.selection)?;
        Ok(agenda)
    }

    fn plan_base(&self, base: &Base, agenda: &mut Agenda) {
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
        base: &Base,
        key: &PullKey,
        red: Option<&str>,
    ) -> Result<Option<Change>, CommandError> {
        let Some(plan) = base.plan(key, red)? else {
            return Ok(None);
        };
        let Some(message) = self.fill(key, &Said::of(&plan), commit_message)? else {
            return Ok(None);
        };
        let tree = match self.git.plan_tree(base.oid, &plan.files) {
            Ok(tree) => tree,
            Err(CommitError::Empty { .. }) => return Ok(None),
            Err(error) => return Err(CommandError::new(&error).hinted(error.hint())),
        };
        let changes = self.git.changes(base.oid, tree);
        let proof = proof(key, &changes?);
        let lines = self.git.changed_lines(base.oid, tree);
        let fingerprint = fingerprint(key, &lines?);
        let info = CommitInfo {
            author: self.author.clone(),
            committer: self.author.clone(),
            time: base.time(self)?,
            message: format!("{message}\n\n{TRAILER}{proof}\n"),
        };
        let commit = self.git.commit_tree(base.oid, tree, &info);
        let commit = commit.map_err(|error| CommandError::new(&error).hinted(error.hint()))?;
        Ok(Some(Change {
            plan,
            commit,
            fingerprint,
        }))
    }

    /// Finds the base branches: those of the default branch's configuration, else the default branch.
    fn bases(&self) -> Result<Bases, CommandError> {
        let mut bases = Bases::default();
        let Bases { found, missing, .. } = &mut bases;
        let main = self.refs.default_branch.clone().ok_or_else(|| {
            CommandError::new("the remote has no default branch")
                .hinted("name one under `branches` in csctl-matrix.yaml")
        })?;
        let Some(head) = self.refs.branch(&main) else {
            return Ok(bases);
        };
        let Some(repository) = &self.home else {
            return Ok(bases);
        };
        let rules = &self.rules.branches;
        if rules.is_empty() {
            found.insert(main, head);
        }
        let stacks = repository.discovery.read(&repository.tree);
        let lines = planned_lines(repository, &stacks);
        // The next minor of a stack may have no branch yet.
        let next = stacks.iter().filter_map(next_line);
        let lines = lines.into_iter().map(|line| (line, true));
        for (line, is_there) in lines.chain(next.map(|line| (line, false))) {
            for rule in rules.iter().filter(|rule| rule.takes(line.minor)) {
                let name = rule.base.branch_of(&line);
                match self.refs.branch(&name) {
                    Some(oid) => drop(found.insert(name, oid)),
                    None if is_there => drop(missing.insert(name, line.clone())),
                    None => {}
                }
            }
        }
        Ok(bases)
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
    fn read_base(&self, name: &str, oid: Oid) -> Result<Base, CommandError> {
        let home = &self.rules;
        let mut repository = self.open(oid)?;
        if repository.has_config() {
            let own = &mut repository.config.blocked;
            let others = home.blocked.iter().filter(|block| !own.contains(block));
            let others: Vec<_> = others.cloned().collect();
            own.extend(others);
        } else {
            repository.config.clone_from(home);
        }
        let selection = repository.select(Selection::default())?;
        let mut catalog = repository.look(&selection, &self.world)?;
        self.add_releases(&mut catalog);
        let stacks = repository.discovery.read(&repository.tree);
        Ok(Base {
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
    fn keys(&self, base: &Base) -> Vec<PullKey> {
        let classes = ChangeClass::ALL.into_iter();
        let classes: Vec<ChangeClass> = classes.filter(|class| self.config.takes(*class)).collect();
        let of_stack = |stack| {
            classes
                .iter()
                .flat_map(move |class| base.keys(stack, *class))
        };
        let only = &self.request.only;
        let stacks = base.stacks.iter();
        let keys = stacks
            .filter(|stack| only.selection.takes(stack))
            .flat_map(of_stack);
        keys.filter(|key| only.takes(key)).collect()
    }

    /// Fills a template in; nothing where the plan is not about the key.
    pub(super) fn fill(
        &self,
        key: &PullKey,
        said: &Said<'_>,
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
                let titles: BTreeSet<String> = stacks.iter().map(|stack| stack.title()).collect();
                let titles: Vec<String> = titles.into_iter().collect();
                let message = format!("no cluster stack `{wanted}` on the base branches");
                let hint = format!("there are {}", titles.join(", "));
                return Err(CommandError::new(message).hinted(hint));
            }
        }
        let taken = stacks.into_iter().filter(|stack| selection.takes(stack));
        let names = taken.flat_map(|stack| &stack.trees);
        let names = names.map(|tree| (tree.provider.clone(), tree.name.clone()));
        self.only = Some(names.collect());
        Ok(())
    }

    /// Tells whether a key is of a stack that is looked at.
    pub(super) fn takes(&self, key: &PullKey) -> bool {
        let name = (key.line.provider.clone(), key.line.name.clone());
        self.only.as_ref().is_none_or(|only| only.contains(&name))
    }
}

impl Base {
    /// Returns the keys of one class of change of a stack. A new minor is asked for by name, the next one first.
    fn keys<'a>(&'a self, stack: &'a Stack, class: ChangeClass) -> Vec<PullKey> {
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
        let of_line =
            |rule: &&BranchConfig| rule.base.branch_of(line) == self.name && rule.takes(line.minor);
        self.rules.iter().filter(of_line)
    }

    fn takes_file(&self, line: &StackLine, path: &str) -> bool {
        let by_rule = |rule: &BranchConfig| {
            rule.files.is_empty() || rule.files.iter().any(|glob| glob.matches(path))
        };
        self.rules.is_empty() || self.rules_of(line).any(by_rule)
    }

    /// Plans one key: one class of change of one stack line, with the default held back where a reason is given. Where this
    /// branch takes none of the files that say the default, it stays as it is here, and the plan says so.
    fn plan(&self, key: &PullKey, red: Option<&str>) -> Result<Option<Plan>, CommandError> {
        let plan = self.plan_files(key, red)?;
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
    fn time(&self, run: &Run<'_>) -> Result<jiff::Timestamp, CommandError> {
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
    let of_stack = |stack: &Stack| -> Vec<StackLine> {
        let wanted = policy.for_stack(&stack.title()).minors;
        let minors = crate::matrix::minors_of(stack).into_iter();
        let minors = minors.filter(|minor| wanted.contains(*minor));
        minors.filter_map(|minor| line_of(stack, minor)).collect()
    };
    stacks.iter().flat_map(of_stack).collect()
}

/// The stack line of the minor after the newest one of a stack.
fn next_line(stack: &Stack) -> Option<StackLine> {
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
    let change = |change: &LineChange| pull::Change {
        path: change.path.clone(),
        content: change.mode.map(|mode| {
            let lines = change.lines.concat();
            format!("{:o} {}", u32::from(mode), Sha256::of(&lines))
        }),
    };
    let changes: Vec<pull::Change> = changes.iter().map(change).collect();
    Fingerprint::of(key, &changes)
}

/// Returns the fingerprint of the very files that a commit changes, by which it proves itself.
pub(super) fn proof(key: &PullKey, changes: &[TreeChange]) -> Fingerprint {
    let change = |change: &TreeChange| pull::Change {
        path: change.path.clone(),
        content: change
            .after
            .map(|file| format!("{:o} {}", u32::from(file.mode), file.blob)),
    };
    let changes: Vec<pull::Change> = changes.iter().map(change).collect();
    Fingerprint::of(key, &changes)
}
