//! Commits that `pr` makes: what `update` would write, and nothing of the checkout changes.

use super::{BRANCH, FILE, change, commit_plan, create, info, is_push, state, world};
use crate::support::program::{Copy, sound_repositories};
use csctl_matrix::command::{Place, Repository, SourceSettings};
use csctl_matrix::config::Config;
use csctl_matrix::io::catalog_place::CatalogPlace;
use csctl_matrix::io::git::{GitRepository, RefResult, RefUpdate};
use csctl_matrix::io::http::{HttpSettings, SetUp};
use csctl_matrix::io::update::Staging;
use csctl_matrix::plan::{Plan, PlanInput, Selection, plan};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_commit_is_made_and_pushed_and_git_finds_nothing_wrong() {
    let world = world();
    let commit = world.commit(world.base(), "Offer v1.34.8");
    let refs = world.remote.refs(&world.client).await.unwrap();
    assert_eq!(refs.default_branch.as_deref(), Some("main"));
    assert_eq!(
        (refs.branch("main"), refs.branch(BRANCH)),
        (Some(world.base()), None)
    );
    assert_eq!(world.push(&create(commit)).await.unwrap(), RefResult::Moved);
    assert_eq!(world.branch(), Some(commit));
    assert_eq!(world.server.git(&["fsck", "--strict", "--no-dangling"]), "");
    let said = world.server.git(&[
        "log",
        "-1",
        "--format=%an <%ae>%n%cn%n%aI%n%cI%n%P%n%B",
        BRANCH,
    ]);
    let expected = format!(
        "Jürgen Öl <j@example.org>\nmatrix bot\n2026-07-01T12:00:00Z\n2026-07-01T12:00:00Z\n{}\n\
         Offer v1.34.8\n\nIt exists now.\n\nSigned-off-by: Jürgen Öl <j@example.org>",
        world.base()
    );
    assert_eq!(said.replace("+00:00", "Z"), expected);
    assert_eq!(
        world.server.git(&["diff", "--name-only", "main", BRANCH]),
        FILE
    );
    // The second time nothing is sent.
    world.server.clear_log();
    assert_eq!(
        world.push(&create(commit)).await.unwrap(),
        RefResult::AlreadyThere
    );
    assert!(
        !world
            .server
            .log()
            .iter()
            .any(|line| is_push(&line.method, &line.path))
    );
    // On, back, where the server has all of it, and away.
    let next = world.commit(commit, "More");
    let other = world.commit(world.base(), "Other");
    for update in [
        change(commit, next),
        change(next, other),
        change(other, commit),
    ] {
        assert_eq!(world.push(&update).await.unwrap(), RefResult::Moved);
        assert_eq!(world.branch(), update.new);
    }
    let gone = RefUpdate::branch(BRANCH, Some(commit), None);
    assert_eq!(world.push(&gone).await.unwrap(), RefResult::Moved);
    assert_eq!(world.branch(), None);
    assert_eq!(world.push(&gone).await.unwrap(), RefResult::AlreadyThere);
    assert_eq!(world.server.git(&["fsck", "--strict", "--no-dangling"]), "");
}

#[tokio::test]
async fn the_users_checkout_index_and_refs_stay_byte_for_byte() {
    let world = world();
    // Somebody is at work: staged, changed and unknown files, on a branch of their own.
    world.copy.git(&["checkout", "-q", "-b", "mine"]);
    world
        .copy
        .write("staged.txt", "staged")
        .git(&["add", "staged.txt"]);
    world
        .copy
        .write(FILE, "half-done")
        .write("unknown.txt", "unknown");
    let before = state(&world.copy);
    let commit = world.commit(world.base(), "Offer v1.34.8");
    world.push(&create(commit)).await.unwrap();
    let wants = [world.base(), commit];
    world
        .remote
        .fetch(&world.client, &world.git, &wants, 2)
        .await
        .unwrap();
    assert!(before == state(&world.copy));
    assert_eq!(
        world.copy.git(&["fsck", "--strict"]),
        format!("dangling commit {commit}\n")
    );
}

/// What `plan` says, on a day.
fn plan_of(copy: &Copy, minor: Option<&str>, day: Option<&str>, below: &str) -> (Plan, Repository) {
    let place = Place {
        directory: copy.path(below),
        revision: None,
    };
    let repository = Repository::open(&place).unwrap();
    let selection = Selection {
        switch_to: minor.map(|minor| minor.parse().unwrap()),
        ..Selection::default()
    };
    let selection = repository.select(selection).unwrap();
    let today = "2026-07-01".parse().unwrap();
    let sources = SourceSettings {
        catalog: Some(CatalogPlace::File(copy.catalog().into())),
        today: day.map_or(today, |day| day.parse().unwrap()),
        is_today_asked: day.is_some(),
        verify_images: false,
        http: HttpSettings::default(),
        set_up: SetUp::default(),
    };
    let seen = repository.look(&selection, &sources).unwrap();
    let mut policy = repository.config.policy(&Config::default());
    if day.is_some() {
        policy.end_of_life = csctl_matrix::policy::EndOfLife::Drop;
    }
    let input = PlanInput {
        tree: &repository.tree,
        discovery: &repository.discovery,
        catalog: &seen,
        policy: &policy,
        wishes: &csctl_matrix::policy::Wishes::default(),
        selection: &selection,
    };
    (plan(input), repository)
}

/// The commit of a plan and the files that `update` writes are the same tree, for every layout, edit, new minor and removal.
#[test]
fn a_commit_is_what_update_would_write() {
    let mut kinds = BTreeMap::new();
    let layouts = sound_repositories();
    let asked = [
        (None, None),
        (Some("1.35"), None),
        (Some("1.36"), None),
        (None, Some("2025-04-01")),
        (None, Some("2026-07-01")),
    ];
    for (layout, (minor, day)) in layouts
        .iter()
        .flat_map(|layout| asked.map(|asked| (layout, asked)))
    {
        let copy = Copy::of(layout);
        copy.commit();
        let name = format!("{layout} {minor:?} {day:?}");
        let (plan, repository) = plan_of(&copy, minor, day, "");
        for file in &plan.files {
            let kind = format!("{:?}", std::mem::discriminant(&file.action));
            *kinds.entry(kind).or_insert(0) += 1;
        }
        if plan.files.is_empty() {
            continue;
        }
        let git = repository.git.unwrap();
        let base = git.resolve("HEAD").unwrap();
        let before = state(&copy);
        let commit = commit_plan(&git, base, &plan.files, &info(&name));
        assert!(before == state(&copy), "{name}");
        Staging::in_git(&repository.root, &git.git_directory(), git.prefix())
            .apply(&plan)
            .unwrap();
        copy.git(&["add", "-A"]);
        let written = copy.git(&["write-tree"]);
        let made = git.find_commit(commit).unwrap().unwrap().tree;
        assert_eq!(written.trim(), made.to_string(), "{name}");
        // And out of the commit come the same files again.
        let updated = copy.files();
        copy.git(&["checkout", "-q", "--force", &commit.to_string()]);
        assert!(updated == copy.files(), "{name}");
    }
    assert_eq!(
        kinds.len(),
        4,
        "edits, new files, copies and removals: {kinds:?}"
    );
}

#[test]
fn a_tree_below_the_root_of_a_repository_is_committed_where_it_is() {
    let copy = Copy::of("layout-b");
    let inner = Copy::of("layout-c");
    for (path, bytes) in inner.files() {
        copy.write(
            &format!("stacks/here/{path}"),
            &String::from_utf8(bytes).unwrap(),
        );
    }
    copy.write("stacks/here/.csctl-matrix-root", "");
    copy.commit();
    let git = GitRepository::discover(&copy.path("stacks/here"))
        .unwrap()
        .unwrap();
    let base = git.resolve("HEAD").unwrap();
    let (plan, _) = plan_of(&inner, None, None, "");
    let commit = commit_plan(&git, base, &plan.files, &info("Below"));
    let tree = git.find_commit(commit).unwrap().unwrap().tree;
    let changed = git.changes(base, tree).unwrap();
    let changed: Vec<String> = changed.into_iter().map(|change| change.path).collect();
    let expected: Vec<String> = plan
        .files
        .iter()
        .map(|file| format!("stacks/here/{}", file.path))
        .collect();
    assert!(!changed.is_empty());
    assert_eq!(changed, expected);
}
