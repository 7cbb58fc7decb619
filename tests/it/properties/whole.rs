//! Plans of every policy: what they promise of the files, and of what they say.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Run, case, plan_of, versions};
use crate::support::cases::cases;
use crate::support::repositories::{self, text};
use csctl_matrix::check::Finding;
use csctl_matrix::matrix::matrix;
use csctl_matrix::plan::{FileAction, LinePlan};
use csctl_matrix::policy::{ChangeClass, EndOfLife, ImagesToList, Policy, Retention, Wishes};
use csctl_matrix::stack::{Fact, ImageListEntry, SourceFile, SourceTree, Stack, Tree};
use csctl_matrix::version::{ChartVersion, KubernetesVersion, Minor, StackVersion};
use proptest::prelude::*;

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
