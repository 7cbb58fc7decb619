//! Properties of plans: generated repositories in every layout, generated offers of the world, every policy. In process and
//! without files. `PROPTEST_CASES=5000 cargo test --release --test it properties` looks further.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::cases::cases;
use crate::support::repositories::{self, Repository, repository, text};
use crate::support::world::{self, MINORS, PATCHES, World, minor, version};
use csctl_matrix::catalog::{Catalog, ImageStore};
use csctl_matrix::check::{CheckInput, Finding, RuleSelection, check};
use csctl_matrix::matrix::{blocked, matrix};
use csctl_matrix::plan::{FileAction, LinePlan, Plan, PlanInput, Selection, plan};
use csctl_matrix::policy::{
    Addons, Block, ChangeClass, EndOfLife, ImagesToList, Minors, Pin, Policy, Retention, Wishes,
};
use csctl_matrix::stack::{
    Content, Fact, ImageList, ImageListEntry, ImageListForm, SourceFile, SourceTree, Stack, Tree,
    discover,
};
use csctl_matrix::version::{
    ChartVersion, KubernetesVersion, Minor, OsRelease, StackLine, StackVersion,
};
use jiff::civil::Date;
use proptest::prelude::*;

/// What is planned: a repository, a world, what is wanted and what is asked for.
#[derive(Clone)]
struct Case {
    repositories: Vec<Repository>,
    world: World,
    policy: Policy,
    wishes: Wishes,
    minor: Option<Minor>,
}

/// A counterexample in a few lines.
impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for repository in &self.repositories {
            let repository = format!("{repository:?}");
            writeln!(f, "{repository}")?;
        }
        let (world, policy) = (format!("{:?}", self.world), format!("{:?}", self.policy));
        write!(
            f,
            "{world}\n{policy}\n{:?}\nminor {:?}",
            self.wishes, self.minor
        )
    }
}

/// A plan, with the repository before and after.
struct Run {
    catalog: Catalog,
    policy: Policy,
    wishes: Wishes,
    selection: Selection,
    before: Tree,
    stacks_before: Vec<Stack>,
    plan: Plan,
    after: Tree,
    stacks_after: Vec<Stack>,
}

fn policy() -> impl Strategy<Value = Policy> {
    let images = prop_oneof![
        4 => Just(ImagesToList::All),
        2 => (1..4_usize).prop_map(ImagesToList::Newest),
        2 => (0..MINORS, 0..PATCHES).prop_map(|(index, patch)| ImagesToList::From(version(index, patch))),
    ];
    (
        images,
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.8),
        any::<bool>(),
    )
        .prop_map(|(images, trim, follow, drop)| Policy {
            images,
            retention: if trim {
                Retention::Trim
            } else {
                Retention::Keep
            },
            addons: if follow {
                Addons::Follow
            } else {
                Addons::Leave
            },
            end_of_life: if drop {
                EndOfLife::Drop
            } else {
                EndOfLife::Keep
            },
            ..Policy::default()
        })
}

/// What a run is asked to change.
fn wishes() -> impl Strategy<Value = Wishes> {
    let changes = prop_oneof![
        3 => Just(BTreeSet::new()),
        2 => prop::sample::subsequence(ChangeClass::ALL.to_vec(), 1..=3)
            .prop_map(|classes| classes.into_iter().collect()),
    ];
    changes.prop_map(|changes| Wishes {
        changes,
        ..Wishes::default()
    })
}

/// Blocks, pins and limits beside the rest.
fn limits() -> impl Strategy<Value = Policy> {
    let os = |noble: bool| world::os(noble).parse().unwrap();
    let block = (
        0..MINORS,
        0..PATCHES,
        prop::option::weighted(0.3, any::<bool>()),
    )
        .prop_map(move |(index, patch, noble)| Block {
            version: version(index, patch),
            os: noble.map(os),
            reason: "bad kubelet".to_owned(),
            by: None,
            on: None,
        });
    let pin = (0..MINORS, 0..PATCHES).prop_map(|(index, patch)| Pin {
        version: version(index, patch),
        stack: None,
        reason: None,
        until: "2026-07-01".parse().unwrap(),
    });
    let systems = prop_oneof![
        3 => Just(Vec::new()),
        1 => Just(vec![os(true)]),
        1 => Just(vec![os(false)]),
        1 => Just(vec![os(false), os(true)]),
    ];
    let minors = prop_oneof![
        3 => Just(Minors::All),
        1 => (0..MINORS).prop_map(|index| Minors::Range { from: Some(minor(index)), to: None }),
        1 => prop::collection::vec(0..MINORS, 1..4)
            .prop_map(|indices| Minors::List(indices.into_iter().map(minor).collect())),
    ];
    let ages = prop::sample::select(vec!["0d", "30d", "70d", "200d"]);
    (
        policy(),
        prop::collection::vec(block, 0..8),
        prop::collection::vec(pin, 0..2),
        (systems, minors, ages),
    )
        .prop_map(|(policy, blocked, mut pinned, (os, minors, age))| {
            pinned.retain(|pin| blocked.iter().all(|block| block.version != pin.version));
            Policy {
                blocked,
                pinned,
                os,
                minors,
                minimum_age: age.parse().unwrap(),
                ..policy
            }
        })
}

fn limited() -> impl Strategy<Value = Case> {
    (case(), limits()).prop_map(|(case, policy)| Case { policy, ..case })
}

fn case() -> impl Strategy<Value = Case> {
    let repositories = prop::collection::vec(repository(), 1..=2).prop_map(|mut found| {
        if let [first, second] = &mut found[..] {
            (first.root, second.root, second.name) = (false, false, "second");
        }
        found
    });
    let asked = prop_oneof![
        2 => Just(None),
        1 => (0..MINORS).prop_map(|index| Some(minor(index))),
    ];
    (repositories, world::world(), policy(), wishes(), asked).prop_map(
        |(repositories, world, policy, wishes, minor)| Case {
            repositories,
            world,
            policy,
            wishes,
            minor,
        },
    )
}

impl Case {
    fn run(&self) -> Run {
        let mut before = Tree::default();
        for repository in &self.repositories {
            for (path, content) in repository.tree().files() {
                before.insert(path, content.clone());
            }
        }
        let names = self.repositories.iter();
        let names: Vec<_> = names.map(|one| (one.provider(), one.name)).collect();
        let mut catalog = self.world.catalog(&names);
        // The newest patch is the youngest.
        for release in &mut catalog.kubernetes {
            let days = 20 * (PATCHES + 2 - release.version.patch());
            let age = jiff::Span::new().days(i64::from(days));
            release.published = catalog.as_of.checked_sub(age).unwrap();
        }
        let selection = Selection {
            minor: self.minor,
            ..Selection::default()
        };
        let plan = plan_of(&before, &catalog, (&self.policy, &self.wishes), &selection);
        let after = apply(&before, &plan);
        Run {
            stacks_before: discover(&before).read(&before),
            stacks_after: discover(&after).read(&after),
            policy: self.policy.clone(),
            wishes: self.wishes.clone(),
            catalog,
            selection,
            before,
            plan,
            after,
        }
    }
}

fn plan_of(
    tree: &Tree,
    catalog: &Catalog,
    (policy, wishes): (&Policy, &Wishes),
    selection: &Selection,
) -> Plan {
    plan(PlanInput {
        tree,
        discovery: &discover(tree),
        catalog,
        policy,
        wishes,
        selection,
    })
}

fn apply(before: &Tree, plan: &Plan) -> Tree {
    let mut tree = before.clone();
    for change in &plan.files {
        match &change.action {
            FileAction::Edit { after, .. } | FileAction::Create { after, .. } => {
                tree.insert(&change.path, Content::Text(after.clone()));
            }
            FileAction::Copy { from } => {
                tree.insert(&change.path, before.find(from).unwrap().clone());
            }
            FileAction::Remove => tree.remove(&change.path),
        }
    }
    tree
}

/// A list before and after, at the same place of the same file; with a new directory, the list it was shaped after.
struct ImageListPair<'r> {
    before: &'r ImageList,
    after: &'r ImageList,
    tree_before: Option<&'r SourceTree>,
    tree_after: Option<&'r SourceTree>,
    created: bool,
    stack: &'r Stack,
}

impl Run {
    /// Pairs of a stack before and after; a stack is never lost.
    fn stacks(&self) -> impl Iterator<Item = (&Stack, &Stack)> {
        self.stacks_before.iter().map(|before| {
            let after = self.stacks_after.iter();
            let mut same = after.filter(|after| after.directory == before.directory);
            (before, same.next().expect("the stack is still there"))
        })
    }

    /// What `check` says of a state of the repository.
    fn findings(&self, tree: &Tree) -> Vec<Finding> {
        let input = CheckInput {
            tree,
            discovery: &discover(tree),
            catalog: None,
            policy: &self.policy,
            selection: &Selection::default(),
            tags: &[],
            unpublishable: &BTreeMap::new(),
            // The generated world builds images after the day it is seen on.
            today: Date::MAX,
        };
        check(input, &RuleSelection::default()).findings
    }

    /// The file that a file of the new state was shaped after; itself where it was there before.
    fn source_of(&self, path: &str) -> String {
        let change = self.plan.files.iter().find(|change| change.path == path);
        match change.map(|change| &change.action) {
            Some(FileAction::Create { from, .. } | FileAction::Copy { from }) => from.clone(),
            Some(_) | None => path.to_owned(),
        }
    }

    fn store(&self, stack: &Stack) -> Option<&ImageStore> {
        self.catalog
            .find_store(stack.series.all().first()?.store.as_ref()?)
    }

    fn image_lists(&self) -> Vec<ImageListPair<'_>> {
        let mut pairs = Vec::new();
        for (before, after) in self.stacks() {
            for image_list in after.files().flat_map(SourceFile::image_lists) {
                let source = self
                    .plan
                    .files
                    .iter()
                    .find_map(|change| match &change.action {
                        FileAction::Create { from, .. } | FileAction::Copy { from }
                            if change.path == image_list.file =>
                        {
                            Some(from.as_str())
                        }
                        _ => None,
                    });
                let path = source.unwrap_or(&image_list.file);
                let same = |old: &&ImageList| {
                    old.file == path && old.at == image_list.at && old.form == image_list.form
                };
                let Some(old) = before.files().flat_map(SourceFile::image_lists).find(same) else {
                    continue;
                };
                pairs.push(ImageListPair {
                    before: old,
                    after: image_list,
                    tree_before: owner(before, path),
                    tree_after: owner(after, &image_list.file),
                    created: source.is_some(),
                    stack: before,
                });
            }
        }
        pairs
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &LinePlan)> {
        let stacks = self.plan.stacks.iter();
        stacks.flat_map(|stack| {
            stack
                .lines
                .iter()
                .map(|line| (stack.directory.as_str(), line))
        })
    }
}

/// Rules about what a plan sets from the repository and the catalog.
const PREVENTED: [&str; 13] = [
    "addon-chart-minor",
    "addon-version-list",
    "addon-version-minor",
    "chart-stack-name",
    "class-chart-minor",
    "default-not-listed",
    "duplicate-image",
    "example-version",
    "image-checksum",
    "image-name-version",
    "image-parts",
    "image-version",
    "versions-row",
];

/// Tells whether a hold's subject, such as `v1.34.7` or `node images of 1.33, 1.34`, names a minor.
fn is_about(subject: &str, minor: Minor) -> bool {
    let minor = minor.to_string();
    let words = subject.split([' ', ',']);
    words
        .map(|word| word.trim_start_matches('v'))
        .any(|word| word == minor || word.starts_with(&format!("{minor}.")))
}

fn owner<'s>(stack: &'s Stack, path: &str) -> Option<&'s SourceTree> {
    let owns = |tree: &&SourceTree| tree.files.iter().any(|file| file.path() == path);
    stack.trees.iter().find(owns)
}

fn versions(image_list: &ImageList) -> Vec<KubernetesVersion> {
    image_list
        .entries
        .iter()
        .map(|entry| entry.version)
        .collect()
}

proptest! {
    #![proptest_config(cases(64, 34))]

    #[test]
    fn a_plan_is_the_same_twice_and_leaves_nothing_to_do(case in case()) {
        let run = case.run();
        prop_assert_eq!(run.plan.faults().collect::<Vec<_>>(), Vec::<&csctl_matrix::stack::Fault>::new());
        let again = plan_of(&run.before, &run.catalog, (&run.policy, &run.wishes), &run.selection);
        prop_assert_eq!(&again, &run.plan);
        let second = plan_of(&run.after, &run.catalog, (&run.policy, &run.wishes), &run.selection);
        prop_assert!(second.files.is_empty() && second.faults().next().is_none(), "{:#?}\n{:#?}", second.files, second.faults().collect::<Vec<_>>());
    }

    #[test]
    fn a_plan_makes_no_contradiction(case in case()) {
        let run = case.run();
        let places = |findings: &[Finding]| -> BTreeSet<(&'static str, String)> {
            findings.iter().map(|finding| (finding.rule, finding.file.clone())).collect()
        };
        let before = places(&run.findings(&run.before));
        for finding in run.findings(&run.after) {
            // csctl writes the metadata.yaml of a release itself, and a chart that no index has is followed by nothing.
            let listed: Option<ChartVersion> = finding.message.rsplit(' ').next().unwrap().parse().ok();
            let is_unknown = finding.rule == "addon-version-list" && run.catalog.chart_repositories.iter().all(|repository| {
                repository.charts.values().flatten().all(|offered| Some(offered) != listed.as_ref())
            });
            if finding.rule == "metadata-version" || is_unknown {
                continue;
            }
            let source = run.source_of(&finding.file);
            prop_assert!(before.contains(&(finding.rule, source)), "{finding:?}\n{:#?}", run.plan.files);
        }
    }

    #[test]
    fn a_whole_plan_leaves_no_contradiction_that_it_could_have_prevented(case in case()) {
        let whole = Case { policy: Policy::default(), wishes: Wishes::default(), minor: None, ..case };
        let run = whole.run();
        for finding in run.findings(&run.after) {
            // The end of a file is repaired where repairs are asked for by name.
            let is_asked = finding.rule == "final-newline";
            prop_assert!(finding.fix.is_none() || is_asked, "{finding:?}");
            let is_held = run.plan.stacks.iter().any(|stack| {
                stack.title == finding.stack && stack.skipped.iter().chain(&stack.unknown).any(|hold| {
                    finding.minor.is_some_and(|minor| is_about(&hold.subject.to_string(), minor))
                })
            });
            prop_assert!(is_held || !PREVENTED.contains(&finding.rule), "{finding:?} {:#?}", run.plan.stacks);
        }
    }

    #[test]
    fn every_new_entry_is_an_image_of_the_store(case in case()) {
        let run = case.run();
        for pair in run.image_lists() {
            let old = versions(pair.before);
            let store = run.store(pair.stack);
            for entry in &pair.after.entries {
                if old.contains(&entry.version) && pair.before.entries.iter().any(|before| same_image(before, entry)) {
                    continue;
                }
                let proved = store.is_some_and(|store| store.images_of(entry.version).any(|image| is_image(entry, image)));
                prop_assert!(proved, "{} {}: {:?}", pair.after.file, pair.after.at, entry);
            }
        }
    }

    #[test]
    fn lists_keep_their_order_and_name_nothing_twice(case in case()) {
        let run = case.run();
        for pair in run.image_lists() {
            let (old, new) = (versions(pair.before), versions(pair.after));
            let unique: BTreeSet<_> = new.iter().collect();
            prop_assert_eq!(unique.len(), new.len(), "{} {:?}", pair.after.file, new);
            if old.is_sorted() {
                prop_assert!(new.is_sorted(), "{} {:?} -> {:?}", pair.after.file, old, new);
            } else if old.iter().rev().is_sorted() {
                prop_assert!(new.iter().rev().is_sorted(), "{} {:?} -> {:?}", pair.after.file, old, new);
            }
        }
    }

    #[test]
    fn nothing_leaves_a_list_unasked(case in case()) {
        let run = case.run();
        for pair in run.image_lists() {
            let (old, new) = (versions(pair.before), versions(pair.after));
            for gone in old.iter().filter(|version| !new.contains(version)) {
                let ended = run.policy.end_of_life == EndOfLife::Drop && run.catalog.is_end_of_life(gone.minor());
                let retargeted = run.selection.minor.is_some_and(|asked| asked != gone.minor())
                    && (pair.created || pair.tree_before.and_then(|tree| tree.minor) != pair.tree_after.and_then(|tree| tree.minor));
                let trimmed = run.policy.images != ImagesToList::All && run.policy.retention == Retention::Trim;
                prop_assert!(ended || retargeted || trimmed, "{}: {gone} of {old:?} left, {new:?}", pair.after.file);
                let after = run.stacks_after.iter().find(|stack| stack.directory == pair.stack.directory).unwrap();
                let of_list = |tree: &&SourceTree| pair.tree_after.is_none_or(|owner| owner.directory == tree.directory);
                let mut defaults = after.trees.iter().filter(of_list).filter_map(|tree| tree.default);
                prop_assert!(defaults.all(|default| default != *gone), "{}: the default {gone} left", pair.after.file);
            }
        }
    }

    #[test]
    fn a_default_goes_up_to_an_image_or_stays(case in case()) {
        let run = case.run();
        for (before, after) in run.stacks() {
            let store = run.store(before);
            for tree in &after.trees {
                let old = before.trees.iter().find(|old| old.directory == tree.directory);
                let old_default = old.and_then(|old| old.default);
                let Some(default) = tree.default.filter(|default| Some(*default) != old_default) else { continue };
                prop_assert!(store.is_some_and(|store| store.images_of(default).next().is_some()), "{default} is not offered");
                let asked = run.selection.minor == Some(default.minor());
                let same_minor = old.is_some_and(|old| old.minor == tree.minor);
                prop_assert!(old_default.is_none_or(|old| old < default) || (asked && !same_minor), "{old_default:?} -> {default}");
            }
        }
        for change in &run.plan.files {
            for to in change.edits.iter().filter_map(|edit| edit.to.as_ref()) {
                prop_assert!(!to.contains("alpha"), "{to}");
            }
        }
    }

    #[test]
    fn the_default_is_what_the_stack_s_own_file_says(case in case()) {
        let run = case.run();
        for tree in run.stacks_before.iter().flat_map(|stack| &stack.trees) {
            let own = |name: &str| tree.references().find_map(|reference| match &reference.fact {
                Fact::Kubernetes { version } if reference.file.rsplit('/').next() == Some(name) => Some(*version),
                _ => None,
            });
            let own = own("csctl.yaml").or(own("stack.yaml"));
            prop_assert!(own.is_none() || tree.default == own, "{}: {:?}", tree.directory, tree.default);
        }
    }

    #[test]
    fn facts_of_kept_entries_stay(case in case()) {
        let run = case.run();
        if run.wishes.wants(ChangeClass::OsRelease) {
            return Ok(());
        }
        for pair in run.image_lists() {
            for entry in &pair.before.entries {
                let Some(kept) = pair.after.entries.iter().find(|kept| kept.version == entry.version) else { continue };
                prop_assert!(same_image(entry, kept), "{}: {entry:?} -> {kept:?}", pair.after.file);
                prop_assert_eq!(&entry.name, &kept.name);
                prop_assert!(entry.built.is_none() || entry.built == kept.built, "{:?} -> {:?}", entry, kept);
            }
        }
        for (before, after) in run.stacks() {
            for (old, new) in single_images(before).iter().filter_map(|(file, image)| Some((image, single_images(after).remove(file)?))) {
                if old.0 == new.0 {
                    prop_assert_eq!(old, &new);
                }
            }
        }
    }

    #[test]
    fn untouched_lines_stay_in_their_order(case in case()) {
        let run = case.run();
        for change in &run.plan.files {
            let FileAction::Edit { before, after } = &change.action else { continue };
            let touched = touched_lines(before, &change.edits);
            let mut rest = after.split_inclusive('\n');
            for (number, line) in (1..).zip(before.split_inclusive('\n')) {
                if touched.contains(&number) {
                    continue;
                }
                let line = line.trim_end_matches(['\n', '\r']);
                let found = rest.any(|other| other.trim_end_matches(['\n', '\r']) == line);
                prop_assert!(found, "{}:{number}: `{line}` is gone or moved\n{before}\n=====\n{after}\n{:#?}", change.path, change.edits);
            }
            // A last line break is a repair that is asked for by name.
            let ends = before.ends_with('\n') || change.edits.iter().any(|edit| edit.at == "end");
            prop_assert_eq!(ends, after.ends_with('\n'), "{}", &change.path);
            let (newlines, returns) = (after.matches('\n').count(), after.matches("\r\n").count());
            prop_assert!(returns == 0 || returns == newlines, "{}: mixed line endings", change.path);
            for number in comments_after_values(before).difference(&removed_lines(before, &change.edits)) {
                let marker = before.lines().nth(number - 1).unwrap().rsplit('#').next().unwrap();
                prop_assert_eq!(after.matches(marker).count(), 1, "{} {}\n{}", &change.path, marker, after);
            }
        }
    }

    #[test]
    fn the_plan_says_what_the_files_say_then(case in case()) {
        let run = case.run();
        for (before, after) in run.stacks() {
            let found: BTreeMap<Minor, _> = matrix(after, &run.catalog).into_iter().map(|line| (line.line.minor, line)).collect();
            let planned = run.plan.stacks.iter().find(|stack| stack.directory == before.directory).unwrap();
            for line in &planned.lines {
                prop_assert_eq!(line.after.as_ref(), found.get(&line.line.minor));
                prop_assert_eq!(line.default_after, line.after.as_ref().and_then(|after| after.default));
            }
            for line in matrix(before, &run.catalog) {
                let is_planned = planned.lines.iter().any(|planned| planned.line == line.line);
                prop_assert!(is_planned || found.get(&line.line.minor) == Some(&line), "{} changes and is not in the plan", line.line);
            }
        }
    }

    #[test]
    fn a_release_is_the_next_number_with_what_changed(case in case()) {
        let run = case.run();
        for (directory, line) in run.lines() {
            let highest = run.catalog.stack_releases.iter().filter(|release| release.tag.line == line.line).filter_map(|release| release.tag.version.stable_number()).max();
            let changed = changed_parts(&run, directory, line);
            let Some(release) = &line.release else {
                prop_assert!(!changed.addon && !changed.image && !changed.stack, "{}: no release", line.line);
                continue;
            };
            let next = (!run.catalog.stack_releases.is_empty()).then(|| StackVersion::stable(highest.unwrap_or(0) + 1));
            prop_assert_eq!(&release.next, &next);
            prop_assert_eq!(release.cluster_addon.changed, changed.addon, "{}", line.line);
            prop_assert_eq!(release.node_image.changed, changed.image, "{}", line.line);
            prop_assert!(changed.addon || changed.image || changed.stack, "{}: a release of nothing", line.line);
        }
    }

    #[test]
    fn only_wanted_classes_of_change_are_made(case in case()) {
        let run = case.run();
        for change in &run.plan.files {
            let class = match &change.action {
                FileAction::Edit { .. } => None,
                FileAction::Create { .. } | FileAction::Copy { .. } => Some(ChangeClass::NewMinor),
                FileAction::Remove => Some(ChangeClass::Removal),
            };
            for class in change.edits.iter().map(|edit| edit.class).chain(class) {
                prop_assert!(run.wishes.wants(class), "{}: {class}", change.path);
            }
        }
        for (_, line) in run.lines() {
            for class in &line.classes {
                prop_assert!(run.wishes.wants(*class), "{}: {class}", line.line);
            }
        }
    }

    #[test]
    fn a_lock_that_fitted_its_chart_fits_it_again(case in case()) {
        let run = case.run();
        for (path, _) in run.before.files().filter(|(path, _)| path.ends_with("Chart.lock")) {
            let fits = |tree: &Tree| lock_fits(text(tree, &path.replace(".lock", ".yaml")), text(tree, path));
            prop_assert!(!fits(&run.before) || run.after.find(path).is_none() || fits(&run.after), "{path}");
        }
    }
}

proptest! {
    #![proptest_config(cases(64, 34))]

    #[test]
    fn a_plan_within_limits_leaves_nothing_to_do(case in limited()) {
        let run = case.run();
        let again = plan_of(&run.before, &run.catalog, (&run.policy, &run.wishes), &run.selection);
        prop_assert_eq!(&again, &run.plan);
        let second = plan_of(&run.after, &run.catalog, (&run.policy, &run.wishes), &run.selection);
        prop_assert!(second.files.is_empty(), "{:#?}", second.files);
        for stack in &run.plan.stacks {
            for fault in &stack.faults {
                prop_assert!(fault.hint.contains("csctl-matrix unblock v"), "{fault}: {}", fault.hint);
                prop_assert!(!run.plan.files.iter().any(|file| file.path.starts_with(&format!("{}/", stack.directory))), "{fault}");
            }
        }
    }

    #[test]
    fn nothing_blocked_is_left_or_comes(case in limited()) {
        let run = case.run();
        let is_faulty = |stack: &Stack| {
            let planned = run.plan.stacks.iter().find(|planned| planned.directory == stack.directory).unwrap();
            !planned.faults.is_empty()
        };
        for (before, after) in run.stacks() {
            if is_faulty(before) || !run.wishes.wants(ChangeClass::Removal) {
                continue;
            }
            let looked_at = |version: KubernetesVersion| {
                run.policy.minors.contains(version.minor()) && run.selection.minor.is_none_or(|asked| asked == version.minor())
            };
            let blocked = |version: KubernetesVersion, os| looked_at(version) && is_blocked(&run.policy, version, os);
            let is_outside = |file: &SourceFile| {
                let tree = owner(after, file.path()).and_then(|tree| tree.minor);
                tree.is_some_and(|minor| !run.policy.minors.contains(minor))
            };
            let of_one = |file: &&SourceFile| !(is_outside(file) && !file.path().ends_with("kubernetes.yaml") && !file.path().ends_with("versions.yaml"));
            for entry in after.files().filter(of_one).flat_map(SourceFile::image_lists).flat_map(|image_list| &image_list.entries) {
                prop_assert!(!blocked(entry.version, entry.os.as_ref()), "{} is left: {}", entry.version, entry.name);
            }
            for default in after.trees.iter().filter_map(|tree| tree.default) {
                prop_assert!(!blocked(default, None), "the default {default} is left");
            }
            for reference in after.files().filter(of_one).flat_map(SourceFile::references) {
                match &reference.fact {
                    Fact::ListedVersion { version } | Fact::ImageName { version } => {
                        prop_assert!(!blocked(*version, None), "{version} is left at {}", reference.at);
                    }
                    Fact::Image(image) => {
                        prop_assert!(!blocked(image.version, image.os.as_ref()), "{} is left", image.url);
                    }
                    _ => {}
                }
            }
        }
        for pair in run.image_lists() {
            let old: Vec<_> = pair.before.entries.iter().map(|entry| (entry.version, &entry.os)).collect();
            for entry in pair.after.entries.iter().filter(|entry| !old.contains(&(entry.version, &entry.os))) {
                prop_assert!(!is_blocked(&run.policy, entry.version, entry.os.as_ref()), "{} comes", entry.version);
                prop_assert!(run.policy.follows_os(entry.os.as_ref()), "{} comes on {:?}", entry.version, entry.os);
            }
        }
    }

    #[test]
    fn a_default_moves_for_a_reason(case in limited()) {
        let run = case.run();
        for (before, after) in run.stacks() {
            for tree in &after.trees {
                let old = before.trees.iter().find(|old| old.directory == tree.directory);
                let old_default = old.and_then(|old| old.default);
                let Some(default) = tree.default.filter(|default| Some(*default) != old_default) else { continue };
                let pinned = run.policy.find_pin(default.minor(), run.catalog.as_of).is_some_and(|pin| pin.version == default);
                let day = run.catalog.find_published(default).unwrap();
                let is_old = run.policy.minimum_age.first_day(day) <= run.catalog.as_of;
                prop_assert!(pinned || is_old, "{default} of {day} is too young");
                prop_assert!(run.policy.minors.contains(default.minor()), "{default} is of a minor outside");
                let same_minor = old_default.filter(|old| old.minor() == default.minor());
                let blocked = |old: KubernetesVersion| run.policy.blocked.iter().any(|block| block.version == old);
                prop_assert!(same_minor.is_none_or(|old| old < default || pinned || blocked(old)), "{same_minor:?} -> {default}");
                let of_list = |entry: &&ImageListEntry| entry.version == default;
                let store = run.store(before);
                let offered = store.is_some_and(|store| store.images_of(default).next().is_some());
                let listed = before.files().flat_map(SourceFile::image_lists).flat_map(|image_list| &image_list.entries).any(|entry| of_list(&entry));
                prop_assert!(offered || listed, "{default} is nowhere");
            }
        }
    }

    #[test]
    fn a_red_test_moves_no_default_and_lists_grow_all_the_same(case in limited()) {
        let free = case.run();
        let red = "test e2e failed".to_owned();
        let lines = case.repositories.iter().flat_map(|one| {
            (0..MINORS).map(|index| StackLine { provider: one.provider().to_owned(), name: one.name.to_owned(), minor: minor(index) })
        });
        let untested = lines.map(|line| (line, red.clone())).collect();
        let held = Case { wishes: Wishes { untested, ..case.wishes.clone() }, ..case.clone() }.run();
        let blocked = |version: KubernetesVersion| case.policy.blocked.iter().any(|block| block.version == version);
        for (before, after) in held.stacks() {
            for tree in &after.trees {
                let old = before.trees.iter().find(|old| old.directory == tree.directory);
                prop_assert!(old.is_some(), "{} arrives", tree.directory);
                let default = old.and_then(|old| old.default);
                prop_assert!(default == tree.default || default.is_some_and(blocked), "{default:?} -> {:?}", tree.default);
            }
            let rows = |stack: &Stack| -> BTreeSet<KubernetesVersion> {
                let references = stack.files().flat_map(SourceFile::references);
                references.filter_map(|reference| match reference.fact { Fact::ListedVersion { version } => Some(version), _ => None }).collect()
            };
            let (old_rows, new_rows) = (rows(before), rows(after));
            let moved = new_rows.difference(&old_rows).next().copied();
            let defaults: BTreeSet<_> = before.trees.iter().filter_map(|tree| tree.default).collect();
            let has_to = |minor: Minor| old_rows.iter().chain(&defaults).any(|old| old.minor() == minor && blocked(*old));
            prop_assert!(moved.is_none_or(|row| defaults.contains(&row) || has_to(row.minor())), "the row of {moved:?} moves");
        }
        let has_tree = |asked: Minor| free.stacks_before.iter().all(|stack| stack.trees.iter().any(|tree| tree.minor == Some(asked)));
        let is_faulty = |run: &Run| run.plan.faults().next().is_some();
        if case.minor.is_some_and(|asked| !has_tree(asked)) || !case.policy.pinned.is_empty() || is_faulty(&free) || is_faulty(&held) {
            return Ok(());
        }
        for pair in free.image_lists().iter().filter(|pair| !pair.created) {
            let same = |other: &&ImageListPair<'_>| other.after.file == pair.after.file && other.after.at == pair.after.at;
            let held = held.image_lists();
            let held = held.iter().find(same).map(|pair| versions(pair.after)).unwrap_or_default();
            for version in versions(pair.after) {
                prop_assert!(held.contains(&version), "{version} is missing in {held:?}");
            }
        }
    }

    #[test]
    fn a_plan_within_limits_says_what_it_does(case in limited()) {
        let run = case.run();
        for change in &run.plan.files {
            for edit in &change.edits {
                prop_assert!(run.wishes.wants(edit.class), "{}: {edit:?}", change.path);
            }
        }
        for (before, after) in run.stacks() {
            let blocked = blocked(before, Some(&run.catalog), &run.policy);
            let lines = matrix(after, &run.catalog).into_iter();
            let found: BTreeMap<Minor, _> = lines.map(|line| (line.line.minor, line.marked(&blocked))).collect();
            let planned = run.plan.stacks.iter().find(|stack| stack.directory == before.directory).unwrap();
            for line in &planned.lines {
                prop_assert_eq!(line.after.as_ref(), found.get(&line.line.minor));
                prop_assert!(run.policy.minors.contains(line.line.minor) || run.selection.minor.is_some(), "{}", line.line);
            }
            for line in matrix(before, &run.catalog) {
                let line = line.marked(&blocked);
                let is_planned = planned.lines.iter().any(|planned| planned.line == line.line);
                prop_assert!(is_planned || found.get(&line.line.minor) == Some(&line), "{} changes and is not in the plan", line.line);
            }
        }
    }
}

fn is_blocked(policy: &Policy, version: KubernetesVersion, os: Option<&OsRelease>) -> bool {
    policy
        .blocked
        .iter()
        .any(|block| block.version == version && (block.os.is_none() || block.os.as_ref() == os))
}

fn same_image(a: &ImageListEntry, b: &ImageListEntry) -> bool {
    (a.version, &a.url, &a.sha256, &a.os) == (b.version, &b.url, &b.sha256, &b.os)
}

fn is_image(entry: &ImageListEntry, image: &csctl_matrix::catalog::NodeImage) -> bool {
    let url = entry.url.as_ref().is_none_or(|url| *url == image.url);
    let sum = entry.sha256.is_none() || entry.sha256 == image.sha256;
    let os = entry.os.is_none() || entry.os == image.os;
    url && sum && os && image.version == entry.version
}

/// The images written as single resources: file, then version, URL and checksum.
fn single_images(stack: &Stack) -> BTreeMap<String, (KubernetesVersion, String, String)> {
    let references = stack.files().flat_map(SourceFile::references);
    let images = references.filter_map(|reference| match &reference.fact {
        Fact::Image(image) => {
            let sum = image.sha256.as_ref().map(ToString::to_string);
            let facts = (image.version, image.url.clone(), sum.unwrap_or_default());
            Some((reference.file.clone(), facts))
        }
        _ => None,
    });
    images.collect()
}

/// Lines that an edit sets or removes, counted from one.
fn touched_lines(before: &str, edits: &[csctl_matrix::stack::EditNote]) -> BTreeSet<usize> {
    let set = edits
        .iter()
        .filter(|edit| edit.from.is_some() && edit.to.is_some());
    let mut touched: BTreeSet<usize> = set.map(|edit| edit.line).collect();
    touched.extend(removed_lines(before, edits));
    touched
}

/// Lines that leave with an item: its own and the deeper ones below it; a document to its end.
fn removed_lines(before: &str, edits: &[csctl_matrix::stack::EditNote]) -> BTreeSet<usize> {
    let lines: Vec<&str> = before.lines().collect();
    let mut removed = BTreeSet::new();
    for edit in edits.iter().filter(|edit| edit.to.is_none()) {
        let first = lines[edit.line - 1];
        let is_document = edit.at == "document";
        let depth = first.len() - first.trim_start().len();
        if is_document {
            let start = lines[..edit.line]
                .iter()
                .rposition(|line| line.starts_with("---"))
                .unwrap_or(0);
            removed.extend(start + 1..=edit.line);
        }
        removed.insert(edit.line);
        let mut run = Vec::new();
        for (index, line) in lines.iter().enumerate().skip(edit.line) {
            run.push(index + 1);
            let inside = line.len() - line.trim_start().len() > depth
                || (is_document && !line.starts_with("---"));
            let comment = line.trim_start().starts_with('#') || line.trim().is_empty();
            if inside && !comment {
                removed.extend(run.drain(..));
            } else if !inside && !comment {
                break;
            }
        }
    }
    removed
}

fn comments_after_values(text: &str) -> BTreeSet<usize> {
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, line)| line.contains("# tail"))
        .map(|(number, _)| number)
        .collect()
}

/// Which parts of a release a plan changes, from the paths of the files alone.
struct Changed {
    addon: bool,
    image: bool,
    stack: bool,
}

fn changed_parts(run: &Run, directory: &str, line: &LinePlan) -> Changed {
    let after = run
        .stacks_after
        .iter()
        .find(|stack| stack.directory == directory)
        .unwrap();
    let source = after
        .trees
        .iter()
        .find(|tree| tree.minor == Some(line.line.minor));
    let Some(source) = source else {
        return Changed {
            addon: false,
            image: false,
            stack: false,
        };
    };
    let prefix = if source.directory.is_empty() {
        String::new()
    } else {
        format!("{}/", source.directory)
    };
    let places = run
        .plan
        .files
        .iter()
        .filter_map(|change| change.path.strip_prefix(&prefix));
    let mut changed = Changed {
        addon: false,
        image: false,
        stack: false,
    };
    for place in places {
        let is_image = place.starts_with("node-images")
            || place.ends_with("/image.yaml")
            || place == "image.yaml";
        let beside = [
            "versions.yaml",
            "metadata.yaml",
            "kubernetes.yaml",
            "clusterstack.yaml",
            "README.md",
        ];
        if is_image {
            changed.image = true;
        } else if place.starts_with("cluster-addon/") {
            changed.addon = true;
        } else if !beside.contains(&place) {
            changed.stack = true;
        }
    }
    let listed = |matrix: &Option<csctl_matrix::matrix::LineMatrix>| {
        matrix
            .as_ref()
            .map(csctl_matrix::matrix::LineMatrix::listed)
    };
    changed.image |= listed(&line.before) != listed(&line.after);
    changed
}

fn lock_fits(chart: &str, lock: &str) -> bool {
    let chart: serde_yaml::Value = serde_yaml::from_str(chart).unwrap();
    let lock: serde_yaml::Value = serde_yaml::from_str(lock).unwrap();
    let both = [(&chart, true), (&lock, false)].map(|(file, alias)| {
        let items = file["dependencies"].as_sequence().into_iter().flatten();
        let item = |one: &serde_yaml::Value| {
            let field = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            let alias = if alias {
                format!(r#","alias":"{}""#, field("alias"))
            } else {
                String::new()
            };
            format!(
                r#"{{"name":"{}","version":"{}","repository":"{}"{alias}}}"#,
                field("name"),
                field("version"),
                field("repository")
            )
        };
        items.map(item).collect::<Vec<_>>()
    });
    lock["digest"].as_str() == Some(&repositories::digest(&both))
}

#[test]
fn generated_repositories_are_read_as_they_are_meant() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut forms: BTreeSet<String> = BTreeSet::new();
    let (mut changed, mut held) = (0, 0);
    for _ in 0..100 {
        let run = case().new_tree(&mut runner).unwrap().current().run();
        for stack in &run.stacks_before {
            assert_eq!(stack.faults, []);
            seen.insert(format!("{:?}", stack.layout));
            let image_lists = stack.files().flat_map(SourceFile::image_lists);
            forms.extend(image_lists.map(|image_list| format!("{:?}", image_list.form)));
        }
        changed += usize::from(run.plan.has_changes());
        held += usize::from(run.plan.has_skipped());
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    let all = [
        ImageListForm::NodeImages,
        ImageListForm::ImageManager,
        ImageListForm::OrcImages,
        ImageListForm::VersionMap,
        ImageListForm::Names,
    ];
    assert_eq!(forms, all.iter().map(|form| format!("{form:?}")).collect());
    assert!(
        changed > 50 && held > 50,
        "{changed} plans change something, {held} hold something"
    );
}
