//! The overview: the matrix of every stack line of a repository, and what a maintainer wants to know first. It shows what is, and
//! counts what a plan would change; it changes nothing.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::matrix::{LineMatrix, Patch, StoreState, blocked, matrix, new_minors, store_state};
use crate::plan::{PlanInput, Skip, StackPlan, plan_stack};
use crate::stack::{
    Fault, FaultKind, ImageList, ImageSeries, Layout, Reference, SourceFile, Stack,
};
use crate::standard::{Deadline, DeadlineRule, Standard, deadlines, missing_minors};
use crate::version::Minor;

/// The version of the matrix's JSON form.
pub(crate) const OVERVIEW_SCHEMA: u32 = 1;

/// The matrices of a repository.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Overview {
    /// The form's version, [`OVERVIEW_SCHEMA`].
    pub(crate) schema: u32,
    /// The day of the catalog.
    pub(crate) as_of: jiff::civil::Date,
    /// The standard that says what is due by when.
    pub(crate) standard: Standard,
    /// The cluster stacks.
    pub(crate) stacks: Vec<StackOverview>,
    /// How many stack lines a plan would change.
    pub(crate) pending_lines: usize,
}

/// The matrix of one cluster stack.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackOverview {
    /// A name for people: `openstack/scs2`.
    pub(crate) title: String,
    /// Its directory.
    pub(crate) directory: String,
    /// How it is laid out.
    pub(crate) layout: Layout,
    /// Its image series, with the stores of their images.
    pub(crate) series: Vec<ImageSeries>,
    /// What is not known of it, and which source did not say it. It is not the same as nothing new.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unknown: Vec<Skip>,
    /// Whether no source said anything that the stack needs.
    pub(crate) is_blind: bool,
    /// Its stack lines, oldest minor first.
    pub(crate) lines: Vec<LineOverview>,
    /// Minors that are out, newer than those above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing: Vec<MissingMinor>,
    /// Every place that states a fact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) references: Vec<Reference>,
    /// Every list of node images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) image_lists: Vec<ImageList>,
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) faults: Vec<Fault>,
}

/// One stack line.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineOverview {
    /// Its matrix.
    #[serde(flatten)]
    pub(crate) matrix: LineMatrix,
    /// What is known of it; nothing for a minor that the stack does not have yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) knowledge: Option<Knowledge>,
    /// Whether a plan would change it.
    pub(crate) is_pending: bool,
    /// Whether a file of the stack could not be read.
    #[serde(skip)]
    pub(crate) is_torn: bool,
    /// What is due by when, the next first and what is met last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) deadlines: Vec<Deadline>,
}

/// What is known of a stack line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum Knowledge {
    /// A source did not say what there is.
    Unknown,
    /// There is something newer, or something missing, whether or not a plan would change it.
    Behind,
    /// Every source answered, and nothing is newer.
    Current,
}

impl LineOverview {
    /// Tells whether something newer than the default is out, as an image, as a release of Kubernetes or as an announcement.
    fn is_behind(&self) -> bool {
        self.is_pending
            || self.matrix.is_default_gone()
            || self.matrix.patches.iter().any(|patch| self.is_newer(patch))
            || self.deadlines.iter().any(|deadline| match deadline.rule {
                DeadlineRule::LatestPatch | DeadlineRule::CriticalVulnerability => {
                    deadline.is_open()
                }
                // Another minor is another line, and every line has the end of its minor ahead of it.
                DeadlineRule::LatestMinor | DeadlineRule::EndOfLife => false,
            })
    }

    /// Tells whether a patch is newer than the default and may be used, or would be if its image were sound.
    fn is_newer(&self, patch: &Patch) -> bool {
        let default = self.matrix.default;
        let counts = patch.is_available || patch.fault.is_some();
        counts && patch.blocked.is_none() && default.is_some_and(|own| patch.version > own)
    }
}

impl Overview {
    /// Returns how many stack lines are known this way.
    pub(crate) fn count(&self, knowledge: Knowledge) -> usize {
        let lines = self.stacks.iter().flat_map(|stack| &stack.lines);
        lines
            .filter(|line| line.knowledge == Some(knowledge))
            .count()
    }

    /// Tells whether no source said anything: nothing is known of what is new.
    pub(crate) fn is_blind(&self) -> bool {
        !self.stacks.is_empty() && self.stacks.iter().all(|stack| stack.is_blind)
    }
}

/// A minor that is out, and neither in the stack nor known to be in its image store.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct MissingMinor {
    /// The minor.
    pub(crate) minor: Minor,
    /// By when it is due.
    pub(crate) deadline: Deadline,
    /// Whether the image store answered for it.
    pub(crate) store: StoreState,
}

/// How much an overview tells of each stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OverviewDetail {
    /// Its lines.
    Lines,
    /// Every place that states a fact, too.
    References,
}

/// Returns the overview. Stacks are read, looked at and let go one by one.
pub(crate) fn overview(input: PlanInput<'_>, detail: OverviewDetail) -> Overview {
    let shown = input.discovery.map(input.tree, |stack| {
        if input.selection.takes(stack) {
            Some(stack_overview(input, detail, stack))
        } else {
            None
        }
    });
    let (stacks, pending): (Vec<StackOverview>, Vec<usize>) = shown.into_iter().flatten().unzip();
    Overview {
        schema: OVERVIEW_SCHEMA,
        as_of: input.catalog.as_of,
        standard: input.policy.standard,
        stacks,
        pending_lines: pending.into_iter().sum(),
    }
}

/// Returns the matrix of one stack, and how many of its lines a plan would change.
fn stack_overview(
    input: PlanInput<'_>,
    detail: OverviewDetail,
    stack: &Stack,
) -> (StackOverview, usize) {
    let policy = input.policy.for_stack(&stack.title());
    let (planned, _) = plan_stack(input, stack);
    let pending = planned
        .lines
        .iter()
        .filter(|line| !line.classes.is_empty())
        .count();
    let mut matrices = matrix(stack, input.catalog);
    // Before new minors are added: a stack can be behind in its own alone.
    let own: BTreeSet<Minor> = matrices.iter().map(|line| line.line.minor).collect();
    let mut new = new_minors(stack, input.catalog);
    // What the policy leaves alone is not shown as new.
    new.retain(|line| policy.minors.contains(line.line.minor));
    matrices.extend(new);
    let have: Vec<Minor> = matrices.iter().map(|line| line.line.minor).collect();
    let missing = missing_minors(input.catalog, &have, input.catalog.as_of);
    let blocked = blocked(stack, Some(input.catalog), &policy);
    let known = Known {
        input,
        own: &own,
        planned: &planned,
        is_torn: is_torn(stack, &planned),
    };
    let lines = matrices
        .into_iter()
        .filter(|line| is_asked(input, line.line.minor))
        .map(|line| known.line(line.marked(&blocked)))
        .collect();
    let mut shown = StackOverview {
        title: stack.title(),
        directory: stack.directory.clone(),
        layout: stack.layout,
        series: stack.series.all().to_vec(),
        lines,
        missing: missing
            .into_iter()
            .filter(|minor| is_asked(input, *minor))
            .filter_map(|minor| missing_minor(input, stack, minor))
            .collect(),
        unknown: planned.unknown,
        is_blind: planned.is_blind,
        references: Vec::new(),
        image_lists: Vec::new(),
        faults: stack.faults.clone(),
    };
    if detail == OverviewDetail::References {
        shown.references = references(stack, input);
        let image_lists = stack.files().flat_map(SourceFile::image_lists);
        shown.image_lists = image_lists.cloned().collect();
    }
    (shown, pending)
}

/// Tells whether a minor is to be shown.
fn is_asked(input: PlanInput<'_>, minor: Minor) -> bool {
    let asked = input.selection.minor;
    asked.is_none_or(|asked| asked == minor) || input.selection.asked_minor() == Some(minor)
}

fn missing_minor(input: PlanInput<'_>, stack: &Stack, minor: Minor) -> Option<MissingMinor> {
    let (standard, catalog) = (input.policy.standard, input.catalog);
    let due = deadlines(standard, catalog, minor, None, catalog.as_of);
    Some(MissingMinor {
        minor,
        // Without a standard nothing is due, and no minor is missing.
        deadline: due.into_iter().next()?,
        store: store_state(catalog, stack, minor),
    })
}

/// Tells whether a file of a stack could not be read, or has to be changed by a person.
fn is_torn(stack: &Stack, planned: &StackPlan) -> bool {
    let mut faults = stack.faults.iter();
    !planned.faults.is_empty()
        || !planned.out_of_reach.is_empty()
        // A wrong name hides no version, so that it does not count.
        || faults.any(|fault| fault.kind == FaultKind::OutOfReach)
}

/// What the lines of a stack are judged by.
struct Known<'a> {
    input: PlanInput<'a>,
    /// The minors that the stack has.
    own: &'a BTreeSet<Minor>,
    planned: &'a StackPlan,
    is_torn: bool,
}

impl Known<'_> {
    fn line(&self, matrix: LineMatrix) -> LineOverview {
        let minor = matrix.line.minor;
        let lines = self.planned.lines.iter();
        let mut changed = lines.filter(|line| !line.classes.is_empty());
        let mut shown = LineOverview {
            deadlines: matrix.deadlines(self.input.policy.standard, self.input.catalog),
            knowledge: None,
            is_pending: changed.any(|line| line.line.minor == minor),
            is_torn: self.is_torn,
            matrix,
        };
        shown.knowledge = self.own.contains(&minor).then(|| {
            if self.is_torn || self.planned.unknown_minors.contains(&minor) {
                Knowledge::Unknown
            } else if shown.is_behind() {
                Knowledge::Behind
            } else {
                Knowledge::Current
            }
        });
        shown
    }
}

/// Returns every place of a stack that states a fact, with the values of its examples behind the others.
fn references(stack: &Stack, input: PlanInput<'_>) -> Vec<Reference> {
    let mut references: Vec<Reference> = stack.references().cloned().collect();
    for tree in &stack.trees {
        let newest = tree
            .line()
            .and_then(|line| input.catalog.find_newest_release(&line));
        let number = newest.and_then(|release| release.tag.version.stable_number());
        for (file, example) in tree.examples(number) {
            references.extend(
                example
                    .values
                    .iter()
                    .map(|value| file.example_reference(value)),
            );
        }
    }
    references
}
