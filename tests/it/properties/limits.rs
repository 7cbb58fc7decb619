//! Plans within limits: blocks, pins, minors that are left alone, and what tests have shown.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, ImageListPair, Run, case, owner, plan_of, policy, versions};
use crate::support::cases::cases;
use crate::support::world::{self, MINORS, PATCHES, minor, version};
use csctl_matrix::matrix::{blocked, matrix};
use csctl_matrix::policy::{Block, ChangeClass, Minors, Pin, Policy, Wishes};
use csctl_matrix::stack::{Fact, ImageListEntry, SourceFile, Stack};
use csctl_matrix::version::{KubernetesVersion, Minor, OsRelease, StackLine};
use proptest::prelude::*;

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
