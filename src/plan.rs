//! The plan: what would change in a repository, why, and what is held back. A plain value: printing it, comparing it and
//! carrying it out are three other things. It reads no file and asks nobody.

mod available;
mod charts;
mod examples;
mod explain;
pub(crate) mod facts;
mod files;
mod knowledge;
mod limits;
mod line_pair;
mod notes;
mod proof;
mod publish;
mod readback;
mod release;
mod request;
mod selection;
mod skips;
mod standing;
mod target;
#[cfg(test)]
mod tests;
mod waiting;
mod withheld;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

use crate::catalog::{Catalog, CveId, CvssScore};
use crate::matrix::LineMatrix;
use crate::policy::{ChangeClass, Policy, Wishes};
use crate::stack::{Content, Discovery, EditNote, Fault, FaultKind, Layout, Stack, Tree};
use crate::standard::Deadline;
use crate::version::{KubernetesVersion, Minor, StackLine};

use available::Available;
pub(crate) use facts::{Evidence, Note, Reason, Skip};
use limits::Limits;
pub(crate) use publish::{Compared, DigestRequest};
pub(crate) use release::{ComponentBump, Release};
pub(crate) use request::catalog_request;
pub(crate) use selection::Carried;
pub use selection::Selection;
use target::Target;

/// The version of the plan's JSON form.
pub(crate) const PLAN_SCHEMA: u32 = 1;

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The repository's files.
    pub tree: &'a Tree,
    /// The cluster stacks in it.
    pub discovery: &'a Discovery,
    /// What the sources said.
    pub catalog: &'a Catalog,
    /// The policy.
    pub policy: &'a Policy,
    /// What this run is to change.
    pub wishes: &'a Wishes,
    /// What the user asked for.
    pub selection: &'a Selection,
}

impl PlanInput<'_> {
    /// Tells whether the policy looks at a minor of a stack, and the person who asked does.
    fn looks_at(&self, stack: &Stack, minor: Minor) -> bool {
        let mut trees = stack.trees.iter();
        self.policy.minors.contains(minor)
            && self.selection.takes_minor(stack, minor)
            // The file of a torn tree that cannot be read may state another version than the others do.
            && !trees.any(|tree| tree.is_torn && tree.minor == Some(minor))
    }
}

/// What would change in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The form's version, [`PLAN_SCHEMA`].
    pub schema: u32,
    /// The day of the catalog.
    pub as_of: Date,
    /// What would change per cluster stack.
    pub stacks: Vec<StackPlan>,
    /// The files that would change, in the order of their paths.
    pub files: Vec<FileChange>,
}

/// What would change in one cluster stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StackPlan {
    /// A name for people: `openstack/scs2`.
    pub title: String,
    /// Its directory.
    pub directory: String,
    /// How it is laid out.
    pub(crate) layout: Layout,
    /// Files outside its directory that would change with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outside: Vec<String>,
    /// Its stack lines that were looked at, oldest minor first.
    pub lines: Vec<LinePlan>,
    /// What is not known, and which source did not say it. It is not the same as nothing new.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Skip>,
    /// The minors of which something is not known.
    #[serde(skip)]
    pub(crate) unknown_minors: BTreeSet<Minor>,
    /// What is not done, and why.
    pub skipped: Vec<Skip>,
    /// Whether no source said anything that the stack needs.
    pub(crate) is_blind: bool,
    /// What a maintainer should know.
    pub(crate) notes: Vec<Note>,
    /// Files that a person has to change. The others change all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub out_of_reach: Vec<Fault>,
    /// What kept source trees from being planned. Nothing of them changes.
    pub faults: Vec<Fault>,
}

impl StackPlan {
    /// Tells whether a file is one of the stack's.
    fn has_file(&self, file: &FileChange) -> bool {
        file.is_below(&self.directory) || self.outside.contains(&file.path)
    }
}

/// What would change in one stack line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LinePlan {
    /// The stack line.
    pub line: StackLine,
    /// The classes of change.
    pub classes: BTreeSet<ChangeClass>,
    /// The default version before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_before: Option<KubernetesVersion>,
    /// The default version after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_after: Option<KubernetesVersion>,
    /// The matrix before; nothing for a minor that is new here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<LineMatrix>,
    /// The matrix after; nothing for a minor that leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<LineMatrix>,
    /// The release that the change becomes; nothing where nothing of a release changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// The vulnerabilities that the new default is free of and the old one is not, the gravest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fixes: Vec<Fix>,
    /// The deadlines that the change meets, what was due first before the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) meets: Vec<Deadline>,
    /// Why.
    pub(crate) reasons: Vec<Reason>,
}

/// A vulnerability that a change gets rid of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fix {
    /// Its number.
    pub(crate) id: CveId,
    /// Its CVSS base score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<CvssScore>,
    /// What it is, in a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
    /// The last day on which the fix is not late, where the standard counts it as critical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<Date>,
}

/// A file that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileChange {
    /// Its path, relative to the repository's root.
    pub path: String,
    /// What happens to it.
    #[serde(flatten)]
    pub action: FileAction,
    /// The single edits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<EditNote>,
}

impl FileChange {
    /// Tells whether it is in a directory, which is the repository's root where its name is empty.
    fn is_below(&self, directory: &str) -> bool {
        let below = self.path.strip_prefix(directory);
        directory.is_empty() || below.is_some_and(|rest| rest.starts_with('/'))
    }
}

/// What happens to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "action")]
pub enum FileAction {
    /// Its text changes.
    Edit {
        /// The text as it is; left out of the JSON form, the repository having it.
        #[serde(skip)]
        before: Arc<str>,
        /// The text as it will be.
        after: Arc<str>,
    },
    /// It is made from another file of the repository, with the text given.
    Create {
        /// The file it is shaped after.
        from: String,
        /// Its text.
        after: Arc<str>,
    },
    /// It is made as a copy, byte for byte, of another file of the repository.
    Copy {
        /// The file it is a copy of.
        from: String,
    },
    /// It is removed.
    Remove,
}

impl Plan {
    /// Tells whether anything would change.
    pub fn has_changes(&self) -> bool {
        !self.files.is_empty()
    }

    /// Tells whether anything was skipped.
    pub fn has_skipped(&self) -> bool {
        self.stacks.iter().any(|stack| !stack.skipped.is_empty())
    }

    /// Tells whether something is not known that could change the plan.
    pub(crate) fn has_unknown(&self) -> bool {
        self.stacks.iter().any(|stack| !stack.unknown.is_empty())
    }

    /// Tells whether no source said anything: nothing is known of what is new.
    pub(crate) fn is_blind(&self) -> bool {
        !self.stacks.is_empty() && self.stacks.iter().all(|stack| stack.is_blind)
    }

    /// Returns the files of the repository as they would be.
    #[must_use]
    pub fn applied_to(&self, tree: &Tree) -> Tree {
        let mut after = tree.clone();
        for change in &self.files {
            match &change.action {
                FileAction::Edit { after: text, .. } | FileAction::Create { after: text, .. } => {
                    after.insert(&change.path, Content::Text(text.clone()));
                }
                FileAction::Copy { from } => {
                    let content = tree.find(from).cloned().unwrap_or(Content::Unread);
                    after.insert(&change.path, content);
                }
                FileAction::Remove => after.remove(&change.path),
            }
        }
        after
    }

    /// Returns the files of a stack that would change, in the order of their paths.
    pub(crate) fn files_of(&self, stack: &StackPlan) -> Vec<&FileChange> {
        // Those below a directory stand together. To look through all files for each of thousands of stacks would take seconds.
        let below = match stack.directory.as_str() {
            "" => &self.files[..],
            directory => {
                let prefix = format!("{directory}/");
                let start = self.files.partition_point(|file| file.path < prefix);
                let rest = &self.files[start..];
                let count = rest.partition_point(|file| file.path.starts_with(&prefix));
                &rest[..count]
            }
        };
        let mut files: Vec<&FileChange> = below.iter().collect();
        for path in &stack.outside {
            let place = self.files.binary_search_by(|file| file.path.cmp(path));
            let file = place.ok().map(|place| &self.files[place]);
            files.extend(file.filter(|file| !file.is_below(&stack.directory)));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// Returns the stacks that would change in part: a person has to change a file of theirs.
    pub fn incomplete(&self) -> impl Iterator<Item = &StackPlan> {
        let stacks = self.stacks.iter();
        stacks.filter(|stack| !stack.out_of_reach.is_empty() && !self.files_of(stack).is_empty())
    }

    /// Returns the files that such stacks would change, by their paths.
    pub(crate) fn incomplete_files(&self) -> BTreeSet<&str> {
        let stacks = self.incomplete();
        let files = stacks.flat_map(|stack| self.files_of(stack));
        files.map(|file| file.path.as_str()).collect()
    }

    /// Takes the changes of such stacks out of the plan; returns their titles.
    pub(crate) fn leave_out_incomplete(&mut self) -> Vec<String> {
        let titles: Vec<String> = self.incomplete().map(|stack| stack.title.clone()).collect();
        for stack in &mut self.stacks {
            if titles.contains(&stack.title) {
                // A half-changed stack would contradict itself, so that its other files wait for the person, too.
                self.files.retain(|file| !stack.has_file(file));
                stack.lines.clear();
            }
        }
        titles
    }

    /// Returns what kept source trees from being planned.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.stacks.iter().flat_map(|stack| &stack.faults)
    }

    /// Returns both, stack by stack: what kept source trees from being planned, and the files that a person has to change.
    pub(crate) fn shortfalls(&self) -> impl Iterator<Item = &Fault> {
        let stacks = self.stacks.iter();
        stacks.flat_map(|stack| stack.faults.iter().chain(&stack.out_of_reach))
    }
}

/// Makes the plan. Stacks are read, planned and let go one by one.
pub fn plan(input: PlanInput<'_>) -> Plan {
    let planned = input.discovery.map(input.tree, |stack| {
        if input.selection.takes(stack) {
            Some(plan_stack(input, stack))
        } else {
            None
        }
    });
    let mut plan = Plan {
        schema: PLAN_SCHEMA,
        as_of: input.catalog.as_of,
        stacks: Vec::new(),
        files: Vec::new(),
    };
    let mut outside: BTreeSet<String> = BTreeSet::new();
    for (mut stack, files) in planned.into_iter().flatten() {
        // Both edits are made from the file as it is, so that one would undo the other.
        if let Some(twice) = stack.outside.iter().find(|path| outside.contains(*path)) {
            let message = "two stacks change this file";
            let hint = "give each stack a file of its own in `references`";
            stack.faults.push(Fault::new(twice, None, message, hint));
            stack.lines.clear();
            stack.outside.clear();
        } else {
            outside.extend(stack.outside.iter().cloned());
            plan.files.extend(files);
        }
        plan.stacks.push(stack);
    }
    plan.files.sort_by(|a, b| a.path.cmp(&b.path));
    plan
}

/// Plans one stack: what would change in it, and its files that would.
pub(crate) fn plan_stack(input: PlanInput<'_>, stack: &Stack) -> (StackPlan, Vec<FileChange>) {
    let wrong_names = faults_of(stack, FaultKind::Name).cloned();
    // A file that says what a tree is keeps the whole tree from being planned; any other one is left to a person alone.
    let (hiding, readable): (Vec<&Fault>, Vec<&Fault>) =
        faults_of(stack, FaultKind::OutOfReach).partition(|fault| fault.hides_stack());
    let mut planned = StackPlan {
        title: stack.title(),
        directory: stack.directory.clone(),
        layout: stack.layout,
        outside: Vec::new(),
        lines: Vec::new(),
        unknown: Vec::new(),
        unknown_minors: BTreeSet::new(),
        skipped: Vec::new(),
        is_blind: false,
        notes: wrong_names.map(Note::WrongName).collect(),
        out_of_reach: Vec::new(),
        faults: hiding.into_iter().cloned().collect(),
    };
    let unread_templates = stack.notes.iter().cloned();
    planned
        .notes
        .extend(unread_templates.map(Note::UnreadTemplate));
    planned.notes.extend(notes::unproved(stack));
    let mut limits = Limits::default();
    for fault in readable {
        limits
            .out_of_reach
            .insert(fault.file.clone(), fault.clone());
    }
    // Of such a stack nobody knows which versions it has.
    if stack.trees.iter().all(|tree| tree.is_torn) {
        planned.out_of_reach = limits.out_of_reach.into_values().collect();
        return (planned, Vec::new());
    }
    let policy = input.policy.for_stack(&planned.title);
    let input = PlanInput {
        policy: &policy,
        ..input
    };
    let available = Available::new(input, stack);
    // Each attempt that fails takes away a default, a minor or a file, of which there are not many: the loop ends.
    loop {
        let target = Target::new(input, stack, &available, &limits);
        let refusals = match files::carry_out(&target) {
            Ok(outcome) => {
                let refusals = readback::read_back(&target, &outcome);
                if refusals.is_empty() {
                    return finish(&target, outcome, planned);
                }
                refusals
            }
            Err(refusals) => refusals,
        };
        let faults: Vec<Fault> = refusals.iter().map(|one| one.fault.clone()).collect();
        // Another attempt within the same limits would be refused in the same way.
        if !limits.learn(refusals) {
            planned.faults.extend(faults);
            return (planned, Vec::new());
        }
    }
}

fn faults_of(stack: &Stack, kind: FaultKind) -> impl Iterator<Item = &Fault> {
    stack.faults.iter().filter(move |fault| fault.kind == kind)
}

/// Says what a target that was carried out does, and what it does not.
fn finish(
    target: &Target<'_>,
    outcome: files::StackOutcome,
    mut planned: StackPlan,
) -> (StackPlan, Vec<FileChange>) {
    planned.out_of_reach = target.limits.out_of_reach.values().cloned().collect();
    planned.unknown = knowledge::unknown(target);
    planned.unknown_minors = knowledge::unknown_minors(target);
    planned.is_blind = knowledge::is_blind(target);
    planned.skipped.extend(skips::skips(target));
    planned.skipped.extend(withheld::withheld(target));
    // Where no file changes, a blocked version may stand in the stack as it is.
    let after = outcome.after.as_ref().unwrap_or(target.stack);
    // A blocked version that stays is worse than no change: a half-done removal would look like a whole one.
    let left = proof::left_blocked(target, after);
    let files = if left.is_empty() {
        let paths = outcome.files.iter().map(|file| &file.path);
        let outside = paths.filter(|path| !target.stack.holds(path));
        planned.outside = outside.cloned().collect();
        if outcome.after.is_some() {
            planned.lines = explain::changed_lines(target, &outcome);
            planned
                .notes
                .extend(notes::notes(target, &outcome, &planned.lines));
        }
        outcome.files
    } else {
        planned.faults.extend(left);
        Vec::new()
    };
    words::in_order(&mut planned.skipped);
    (planned, files)
}
