//! Properties of plans: generated repositories in every layout, generated offers of the world, every policy. In process and
//! without files. `PROPTEST_CASES=5000 cargo test --release --test it properties` looks further.

mod limits;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use crate::support::repositories::{Repository, repository};
use crate::support::world::{self, MINORS, PATCHES, World, minor, version};
use csctl_matrix::catalog::{Catalog, ImageStore};
use csctl_matrix::check::{CheckInput, Finding, RuleSelection, check};
use csctl_matrix::plan::{FileAction, LinePlan, Plan, PlanInput, Selection, plan};
use csctl_matrix::policy::{
    Addons, ChangeClass, EndOfLife, ImagesToList, Policy, Retention, Wishes,
};
use csctl_matrix::stack::{
    Content, ImageList, ImageListForm, SourceFile, SourceTree, Stack, Tree, discover,
};
use csctl_matrix::version::{KubernetesVersion, Minor};
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
