//! The plan: what would change in a repository, why, and what is held back. A plain value: printing it, comparing it and
//! carrying it out are three other things. It reads no file and asks nobody.

mod charts;
mod explain;
mod files;
mod holds;
mod offer;
mod proof;
mod publish;
mod release;
mod request;
mod standing;
mod target;
#[cfg(test)]
mod tests;
mod withheld;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

use crate::catalog::{Catalog, CveId, CvssScore, ImagePattern};
use crate::matrix::LineMatrix;
use crate::policy::{ChangeClass, Policy};
use crate::stack::{Content, Discovery, EditNote, Fault, Layout, SourceTree, Stack, Tree};
use crate::standard::Deadline;
use crate::version::{KubernetesVersion, Minor, StackLine};

use offer::Offer;
pub use publish::{Compared, DigestRequest};
pub use release::{ComponentBump, Release};
pub use request::catalog_request;
use target::Target;

/// The version of the plan's JSON form.
pub const PLAN_SCHEMA: u32 = 1;

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The repository's files.
    pub tree: &'a Tree,
    /// The cluster stacks in it.
    pub discovery: &'a Discovery,
    /// What the world offers.
    pub catalog: &'a Catalog,
    /// The policy.
    pub policy: &'a Policy,
    /// What the user asked for.
    pub selection: &'a Selection,
}

/// What the user asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Stacks by title (`openstack/scs2`), name, stack line or directory; empty means all.
    pub stacks: Vec<String>,
    /// One minor: the only one to look at, and the one a source tree is to be set to.
    pub minor: Option<Minor>,
    /// The image store to use instead of the one the repository's URLs name.
    pub image_pattern: Option<ImagePattern>,
    /// Whether this is one of several plans, each of a stack line: then that the other lines are left alone needs no word.
    pub is_line_by_line: bool,
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
    pub layout: Layout,
    /// Files outside its directory that would change with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<String>,
    /// Its stack lines that were looked at, oldest minor first.
    pub lines: Vec<LinePlan>,
    /// What is not done, and why.
    pub holds: Vec<Hold>,
    /// What a maintainer should know.
    pub notes: Vec<String>,
    /// What could not be read or edited. Nothing of such a stack changes.
    pub faults: Vec<Fault>,
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
    pub default_before: Option<KubernetesVersion>,
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
    pub fixes: Vec<Fix>,
    /// The deadlines that the change meets, what was due first before the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meets: Vec<Deadline>,
    /// Why.
    pub reasons: Vec<String>,
}

/// A vulnerability that a change gets rid of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// Its number.
    pub id: CveId,
    /// Its CVSS base score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<CvssScore>,
    /// What it is, in a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The last day on which the fix is not late, where the standard counts it as critical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
}

/// Something not done, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// What is held back: `v1.34.9`, `node images of 1.34`.
    pub subject: String,
    /// Why, as a phrase.
    pub reason: String,
    /// What to do about it, where something can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
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

    /// Tells whether anything was held back.
    pub fn has_holds(&self) -> bool {
        self.stacks.iter().any(|stack| !stack.holds.is_empty())
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

    /// Returns all faults.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.stacks.iter().flat_map(|stack| &stack.faults)
    }
}

impl Selection {
    /// Tells whether a stack was asked for.
    pub fn takes(&self, stack: &Stack) -> bool {
        self.stacks.is_empty()
            || self
                .stacks
                .iter()
                .any(|wanted| names(stack, wanted.trim_end_matches('/')))
    }
}

fn names(stack: &Stack, wanted: &str) -> bool {
    let by_directory = stack.directory == wanted
        || stack
            .directory
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('/'))
        || stack.trees.iter().any(|tree| tree.directory == wanted);
    let by_name = stack.title() == wanted || stack.trees.iter().any(|tree| tree.name == wanted);
    by_directory
        || by_name
        || stack
            .trees
            .iter()
            .filter_map(SourceTree::line)
            .any(|l| l.to_string() == wanted)
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
        if let Some(twice) = stack.outside.iter().find(|path| outside.contains(*path)) {
            let message = "two stacks change this file";
            let hint = "give each stack a file of its own in `sites`";
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
pub fn plan_stack(input: PlanInput<'_>, stack: &Stack) -> (StackPlan, Vec<FileChange>) {
    let mut planned = StackPlan {
        title: stack.title(),
        directory: stack.directory.clone(),
        layout: stack.layout,
        outside: Vec::new(),
        lines: Vec::new(),
        holds: Vec::new(),
        notes: Vec::new(),
        faults: stack.faults.clone(),
    };
    if !stack.faults.is_empty() {
        return (planned, Vec::new());
    }
    let policy = input.policy.for_stack(&planned.title);
    let input = PlanInput {
        policy: &policy,
        ..input
    };
    let offer = Offer::new(input, stack);
    let target = Target::new(input, stack, &offer);
    planned.holds.extend(holds::holds(&target));
    planned.holds.extend(withheld::withheld(&target));
    let outcome = match files::carry_out(&target) {
        Ok(outcome) => outcome,
        Err(faults) => {
            planned.faults = faults;
            return (planned, Vec::new());
        }
    };
    let left = proof::left_blocked(&target, outcome.after.as_ref().unwrap_or(stack));
    if !left.is_empty() {
        planned.faults = left;
        planned.holds.sort();
        planned.holds.dedup();
        return (planned, Vec::new());
    }
    let outside = outcome.files.iter().map(|file| &file.path);
    let outside = outside.filter(|path| !stack.holds(path));
    planned.outside = outside.cloned().collect();
    explain::explain(&target, &outcome, &mut planned);
    planned.holds.sort();
    planned.holds.dedup();
    (planned, outcome.files)
}
