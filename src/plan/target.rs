//! Where a stack should go: its source trees with the state wanted of each. Rules of design: nothing goes down unasked, a minor
//! is switched only when asked, what cannot be proved is held.

mod defaults;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use super::PlanInput;
use super::available::Available;
use super::charts::{self, ChartScope};
use super::facts::MissingChart;
use super::limits::Limits;
use super::release::next_version;
use crate::catalog::NodeImage;
use crate::matrix::minors_of;
use crate::policy::{ChangeClass, EndOfLife};
use crate::stack::{Reach, ReferenceValues, SeriesImages, SourceTree, Stack, Wanted};
use crate::version::{Minor, StackLine};

/// Where one stack should go.
pub(super) struct Target<'a> {
    pub(super) input: PlanInput<'a>,
    pub(super) stack: &'a Stack,
    pub(super) available: &'a Available<'a>,
    /// What earlier attempts have shown to be impossible.
    pub(super) limits: &'a Limits,
    /// The source trees to edit, or to make, or to remove.
    pub(super) moves: Vec<TreeMove<'a>>,
    /// The state wanted of the files beside the source trees.
    pub(super) shared: Option<Wanted<'a>>,
    /// Minors that were looked at.
    pub(super) minors: Vec<Minor>,
    /// Minors that leave.
    pub(super) dropped: BTreeSet<Minor>,
}

/// What becomes of one source tree.
pub(super) enum TreeMove<'a> {
    /// Its files are edited.
    Edit(&'a SourceTree, Box<Wanted<'a>>),
    /// A new source tree is made in this directory, shaped after it.
    Create(&'a SourceTree, String, Box<Wanted<'a>>),
    /// Its directory is removed.
    Remove(&'a SourceTree),
}

impl<'a> Target<'a> {
    /// Works out where a stack should go.
    pub(super) fn new(
        input: PlanInput<'a>,
        stack: &'a Stack,
        available: &'a Available<'a>,
        limits: &'a Limits,
    ) -> Self {
        let mut target = Self {
            input,
            stack,
            available,
            limits,
            moves: Vec::new(),
            shared: None,
            minors: Vec::new(),
            dropped: BTreeSet::new(),
        };
        let mut known = minors_of(stack);
        known.retain(|minor| {
            // Not `takes_minor`: beside a minor that is asked for, no other is looked at, and an ended one may leave.
            input.policy.minors.contains(*minor) && input.selection.names_minor(stack, *minor)
        });
        target.dropped = target.dropped_minors(&known);
        known.retain(|minor| target.is_looked_at(*minor) && !target.dropped.contains(minor));
        let asked = input.selection.asked_minor();
        known.extend(asked.filter(|minor| target.is_looked_at(*minor)));
        known.sort_unstable();
        known.dedup();
        target.minors = known;
        target.moves = target.find_moves();
        target.shared = target.wanted_of_shared();
        target
    }

    fn dropped_minors(&self, known: &[Minor]) -> BTreeSet<Minor> {
        let policy = self.input.policy;
        if policy.end_of_life != EndOfLife::Drop || !self.input.wishes.wants(ChangeClass::Removal) {
            return BTreeSet::new();
        }
        let asked = self.input.selection.asked_minor();
        let per_minor = self.stack.layout.has_directory_per_minor();
        // A new directory is shaped after the one of an earlier minor; without one, nothing arrives.
        let arrives = asked.is_some_and(|minor| {
            self.can_move_to(minor) && (!per_minor || self.predecessor(minor).is_some())
        });
        let only = match &self.stack.trees[..] {
            // The minor that the only source tree stays on does not leave: its lists would contradict the tree.
            [only] if !arrives => only.minor,
            _ => None,
        };
        let ended = known.iter().copied().filter(|minor| {
            let stays = asked == Some(*minor) || only == Some(*minor);
            self.input.catalog.is_end_of_life(*minor) && !stays
        });
        let dropped: BTreeSet<Minor> = ended.collect();
        let mut trees = self.stack.trees.iter();
        // With its last source tree a stack would be gone, and with it what a later minor could be made from.
        if per_minor
            && !arrives
            && trees.all(|tree| tree.minor.is_some_and(|minor| dropped.contains(&minor)))
        {
            return BTreeSet::new();
        }
        dropped
    }

    /// Returns the source trees that are written, with the state they should have.
    pub(super) fn written(&self) -> impl Iterator<Item = (&'a SourceTree, &Wanted<'a>)> {
        self.moves.iter().filter_map(|step| match step {
            TreeMove::Edit(tree, wanted) | TreeMove::Create(tree, _, wanted) => {
                Some((*tree, &**wanted))
            }
            TreeMove::Remove(_) => None,
        })
    }

    fn find_moves(&self) -> Vec<TreeMove<'a>> {
        let selection = self.input.selection;
        let mut trees = self.stack.trees.iter().filter(|tree| !tree.is_torn);
        if !self.stack.layout.has_directory_per_minor() {
            // Without a directory per minor, a stack has one source tree.
            let Some(tree) = trees.next() else {
                return Vec::new();
            };
            let minor = match selection.switch_to {
                Some(minor) if self.can_move_to(minor) => Some(minor),
                // To be brought up to date in its own minor instead is not what was asked for.
                Some(_) => None,
                None => tree.minor,
            };
            return minor
                .map(|minor| self.edit(tree, minor))
                .into_iter()
                .collect();
        }
        let mut moves: Vec<TreeMove<'a>> = Vec::new();
        for tree in trees {
            let Some(minor) = tree.minor else { continue };
            if self.dropped.contains(&minor) {
                moves.push(TreeMove::Remove(tree));
            } else if self.is_looked_at(minor) {
                moves.push(self.edit(tree, minor));
            }
        }
        moves.extend(selection.asked_minor().and_then(|minor| self.create(minor)));
        moves
    }

    /// Tells whether a source tree can be set to a minor: it is asked for, wanted, and there are an image and the charts that
    /// belong to it. With charts of another minor the tree would contradict itself.
    fn can_move_to(&self, minor: Minor) -> bool {
        if !self.is_looked_at(minor) {
            return false;
        }
        // Where a tree is set to it already, nothing moves, and nothing has to be there first.
        self.has_tree(minor)
            || (self.input.wishes.wants(ChangeClass::NewMinor)
                && self.find_untested(minor).is_none()
                && self.newest_default(minor).is_some()
                && !self.limits.is_closed(minor)
                && self.missing_charts(minor).is_empty())
    }

    /// Returns why a source tree cannot be set to a minor for its addon charts.
    pub(super) fn missing_charts(&self, minor: Minor) -> Vec<MissingChart> {
        let tree = if self.stack.layout.has_directory_per_minor() {
            self.predecessor(minor)
        } else {
            self.stack.trees.first()
        };
        let missing = tree.map(|tree| charts::decide(self.chart_scope(), tree, minor).missing);
        missing.unwrap_or_default().into_values().collect()
    }

    /// Tells whether a source tree is set to a minor.
    pub(super) fn has_tree(&self, minor: Minor) -> bool {
        let mut trees = self.stack.trees.iter();
        trees.any(|tree| tree.minor == Some(minor))
    }

    /// Returns why a minor's default stays where it is, where its tests are not green.
    pub(super) fn find_untested(&self, minor: Minor) -> Option<&'a str> {
        let untested = &self.input.wishes.untested;
        let mut trees = self.stack.trees.iter();
        let reason = trees.find_map(|tree| untested.get(&line_of(tree, minor)));
        reason.map(String::as_str)
    }

    /// Tells whether the policy looks at a minor, and the person who asked does.
    pub(super) fn is_looked_at(&self, minor: Minor) -> bool {
        self.input.looks_at(self.stack, minor)
    }

    /// Returns what the charts of the source trees are decided from.
    pub(super) fn chart_scope(&self) -> ChartScope<'_> {
        ChartScope {
            input: self.input,
            stack: self.stack,
            available: self.available,
            minors: &self.minors,
        }
    }

    fn edit(&self, tree: &'a SourceTree, minor: Minor) -> TreeMove<'a> {
        TreeMove::Edit(tree, Box::new(self.wanted(tree, minor)))
    }

    /// Makes a source tree for a minor from that of the newest minor before it.
    fn create(&self, minor: Minor) -> Option<TreeMove<'a>> {
        if self.has_tree(minor) || !self.can_move_to(minor) {
            return None;
        }
        let predecessor = self.predecessor(minor)?;
        let directory = match self.stack.directory.as_str() {
            "" => minor.dashed(),
            above => format!("{above}/{}", minor.dashed()),
        };
        // A copied metadata.yaml would be stale from its first day.
        let wanted = Wanted {
            has_csctl: false,
            ..self.wanted(predecessor, minor)
        };
        Some(TreeMove::Create(predecessor, directory, Box::new(wanted)))
    }

    /// Finds the source tree of the newest minor before this one.
    fn predecessor(&self, minor: Minor) -> Option<&'a SourceTree> {
        let mut trees = self.stack.trees.iter();
        // Trees stand in the order of their minors.
        trees.rfind(|tree| tree.minor.is_some_and(|m| m < minor))
    }

    fn wanted(&self, tree: &SourceTree, minor: Minor) -> Wanted<'a> {
        let policy = self.input.policy;
        let line_before = line_of(tree, tree.minor.unwrap_or(minor));
        let line = line_of(tree, minor);
        let default = self.default(tree, minor);
        let charts = charts::decide(self.chart_scope(), tree, minor);
        let rows = self.rows(tree, minor, default, &charts);
        let kept = self.kept(tree, default, &rows);
        let common: BTreeMap<Minor, &[NodeImage]> = self
            .edited_minors(minor)
            .map(|minor| (minor, self.available.of_minor(minor)))
            .collect();
        let ids = self.stack.series.iter().map(|(id, _)| id);
        let images = ids.map(|id| SeriesImages {
            default: default.and_then(|version| self.default_image(tree, id, version)),
            available: self
                .edited_minors(minor)
                .map(|minor| (minor, self.available.of_series(id, minor)))
                .collect(),
        });
        let mut wanted = Wanted {
            default,
            default_before: tree.default,
            series: &self.stack.series,
            images: images.collect(),
            common,
            rows,
            charts: charts.versions,
            chart_places: charts.places,
            kept,
            dropped: self.dropped.clone(),
            blocked: self.available.blocked(),
            next_version: next_version(self.input.catalog, &line),
            // Examples that are the stack's name a release of the line as it is, not of the one it moves to.
            newest_release: self.input.catalog.find_newest_release(&line_before),
            reach: if self.is_looked_at(minor) {
                Reach::Tree
            } else {
                Reach::Lists
            },
            has_csctl: tree.has_csctl(),
            moves_os: self.moves_os(tree, default),
            policy,
            wishes: self.input.wishes,
            references: None,
            line,
            line_before,
        };
        wanted.references = ReferenceValues::new(self.stack, &wanted);
        wanted
    }

    /// Returns the minors whose entries lists may get or lose.
    fn edited_minors(&self, minor: Minor) -> impl Iterator<Item = Minor> + use<'a, '_> {
        let all: BTreeSet<Minor> = self.minors.iter().copied().chain([minor]).collect();
        all.into_iter().filter(|minor| self.is_looked_at(*minor))
    }

    fn wanted_of_shared(&self) -> Option<Wanted<'a>> {
        let asked = self.input.selection.asked_minor();
        // A minor that was asked for and cannot be had changes nothing, here neither.
        let is_refused = asked
            .is_some_and(|minor| self.moves.is_empty() && !minors_of(self.stack).contains(&minor));
        if self.stack.shared.is_empty() || is_refused {
            return None;
        }
        let mut wanted = if let Some((_, newest)) = self.written().last() {
            newest.clone()
        } else {
            let tree = self.stack.trees.last()?;
            self.wanted(tree, tree.minor?)
        };
        // Lists beside the trees are for all of them: no default may leave, of whichever tree it is.
        let defaults = self.written().filter_map(|(_, of_tree)| of_tree.default);
        wanted.kept.extend(defaults);
        wanted.kept.extend(
            self.stack
                .trees
                .iter()
                .filter(|tree| !self.is_edited(tree))
                .filter_map(|tree| tree.default),
        );
        // References beside the trees speak of the newest minor: a run that does not look at it has nothing to say of it.
        let mut untouched = self.untouched_minors();
        if wanted.reach == Reach::Lists || untouched.any(|minor| minor > wanted.line.minor) {
            wanted.references = None;
        }
        wanted.reach = Reach::Beside;
        Some(wanted)
    }

    /// Returns the minors of the source trees that stay as they are.
    fn untouched_minors(&self) -> impl Iterator<Item = Minor> {
        let trees = self.stack.trees.iter();
        let untouched = trees.filter(|tree| !self.is_edited(tree) && !self.is_removed(tree));
        untouched.filter_map(|tree| tree.minor)
    }

    fn is_removed(&self, tree: &SourceTree) -> bool {
        self.moves
            .iter()
            .any(|step| matches!(step, TreeMove::Remove(removed) if std::ptr::eq(*removed, tree)))
    }

    fn is_edited(&self, tree: &SourceTree) -> bool {
        self.moves
            .iter()
            .any(|step| matches!(step, TreeMove::Edit(edited, _) if std::ptr::eq(*edited, tree)))
    }
}

/// Returns the stack line that a source tree belongs to when it is set to a minor.
fn line_of(tree: &SourceTree, minor: Minor) -> StackLine {
    StackLine {
        provider: tree.provider.clone(),
        name: tree.name.clone(),
        minor,
    }
}
