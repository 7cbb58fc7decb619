//! What is published without a person: the head of the default branch with green checks, and nothing else.

use serde_json::{Value, json};

use super::layout_c;
use crate::support::github::{BranchRules, Fault, GitHubServer, OWNER, REPOSITORY, TOKEN};
use crate::support::program::{self, Copy, Said};
use crate::support::registry::{Door, Registry};

const TAG: &str = "openstack-scs2-1-34-v1";
const CLASS: &str = "providers/openstack/scs2/cluster-class/values.yaml";

/// A clone of a repository at the forge, and a registry.
struct World {
    forge: GitHubServer,
    registry: Registry,
    clone: Copy,
}

impl World {
    /// Its default branch requires one check, which has not reported.
    fn start() -> Self {
        let world = Self {
            forge: GitHubServer::start(),
            registry: Registry::start(Door::Open),
            clone: layout_c(),
        };
        let rules = BranchRules {
            required_checks: vec![("e2e".to_owned(), None)],
            ..BranchRules::default()
        };
        world.forge.state().rules.insert("main".to_owned(), rules);
        world.merge();
        world
    }

    /// Brings the files of the clone to the default branch, and the clone to its head.
    fn merge(&self) {
        self.forge.push_copy("main", &self.clone);
        let path = self.forge.git_path().display().to_string();
        self.clone.git(&["fetch", "-q", &path, "main"]);
        self.clone.git(&["reset", "-q", "--hard", "FETCH_HEAD"]);
    }

    fn report(&self, name: &str, conclusion: Option<&str>) {
        let mut state = self.forge.state();
        let head = state.head("main").unwrap();
        state.check(head, name, conclusion);
    }

    fn publish(&self, options: &[&str]) -> Said {
        let root = self.clone.root().display().to_string();
        let repository = format!("{OWNER}/{REPOSITORY}");
        let usual = [
            "-C",
            &root,
            "release",
            "publish",
            "--no-git-tag",
            "--require-checks",
            &repository,
            "--check-pause",
            "400",
        ];
        let mut command = program::program(&[&usual, options].concat());
        command
            .env("NO_PROXY", "*")
            .env("XDG_CACHE_HOME", self.clone.cache())
            .env("GITHUB_TOKEN", TOKEN)
            .env("GITHUB_API_URL", self.forge.url())
            .env(
                "OCI_REPOSITORY",
                format!("{}/team/stacks", self.registry.host()),
            );
        command.output().unwrap().into()
    }

    fn refused(&self, options: &[&str]) -> String {
        let error = self.publish(options).failure(1);
        assert!(error.contains("nothing was published"), "{error}");
        assert!(self.registry.tags().is_empty());
        let written = &self.registry.kept.lock().unwrap().written;
        assert!(written.is_empty(), "{written:?}");
        error
    }

    fn reads_of_checks(&self) -> usize {
        let log = self.forge.log();
        let reads = log.iter();
        reads
            .filter(|request| request.path.contains("/check-runs"))
            .count()
    }
}

#[test]
fn a_green_head_of_the_default_branch_is_published() {
    let world = World::start();
    world.report("e2e", Some("success"));
    let planned: Value = world.publish(&["--dry-run", "--format", "json"]).json();
    assert_eq!(planned["releases"][0]["state"], "planned");
    assert!(world.registry.tags().is_empty());
    let report: Value = world.publish(&["--format", "json"]).json();
    assert_eq!(report["releases"][0]["tag"], TAG);
    assert_eq!(report["releases"][0]["state"], "published");
    assert_eq!(report["checks"], json!(["e2e"]));
    assert_eq!(world.registry.tags(), [TAG]);
    assert!(world.forge.mutations().is_empty());
}

#[test]
fn checks_that_are_red_open_or_absent_publish_nothing() {
    let world = World::start();
    let error = world.refused(&[]);
    assert!(error.contains("e2e: missing"), "{error}");
    world.report("e2e", None);
    let error = world.refused(&[]);
    assert!(
        error.contains("e2e: waiting, in progress") && error.contains("--wait 30m"),
        "{error}"
    );
    // A check that nobody asks for says nothing.
    world.report("lint", Some("success"));
    world.refused(&[]);
    world.report("e2e", Some("failure"));
    let before = world.reads_of_checks();
    let error = world.refused(&["--wait", "30m"]);
    assert!(error.contains("e2e: failed, failure"), "{error}");
    assert_eq!(world.reads_of_checks(), before + 1, "red stays red");
    let error = world.refused(&["--dry-run"]);
    assert!(error.contains("e2e: failed"), "{error}");
}

#[test]
fn checks_that_have_not_ended_are_waited_for() {
    let world = World::start();
    world.report("e2e", None);
    world.forge.before("GET", "/check-runs", 3, |state| {
        let head = state.head("main").unwrap();
        state.check(head, "e2e", Some("success"));
    });
    world.publish(&["--wait", "30m"]).success();
    assert_eq!(world.reads_of_checks(), 3);
    assert_eq!(world.registry.tags(), [TAG]);
}

#[test]
fn waiting_ends() {
    let world = World::start();
    world.report("e2e", None);
    let error = world.refused(&["--wait", "1s"]);
    assert!(error.contains("e2e: waiting"), "{error}");
    assert_eq!(world.reads_of_checks(), 3);
    // Who only looks is told at once.
    world.refused(&["--wait", "30m", "--dry-run"]);
    assert_eq!(world.reads_of_checks(), 4);
}

#[test]
fn a_commit_that_is_not_merged_is_not_published() {
    let world = World::start();
    world.report("e2e", Some("success"));
    let text = world.clone.read(CLASS);
    world
        .clone
        .write(CLASS, &format!("{text}# changed\n"))
        .commit();
    let error = world.refused(&[]);
    assert!(
        error.contains("is not on main of acme/cluster-stacks"),
        "{error}"
    );
    // A branch at the forge is not the default branch, however green it is.
    let path = world.forge.git_path().display().to_string();
    world
        .clone
        .git(&["push", "-q", &path, "HEAD:refs/heads/feature"]);
    let mut state = world.forge.state();
    let head = state.head("feature").unwrap();
    state.check(head, "e2e", Some("success"));
    drop(state);
    let error = world.refused(&[]);
    assert!(error.contains("once its pull request is merged"), "{error}");
}

#[test]
fn a_head_that_others_were_merged_after_is_not_published() {
    let world = World::start();
    world.report("e2e", Some("success"));
    world.forge.state().push("main", &[("more", Some("x\n"))]);
    world.report("e2e", Some("success"));
    let error = world.refused(&[]);
    assert!(error.contains("by now"), "{error}");
    // Nor one that is overtaken while its checks run.
    let world = World::start();
    world.report("e2e", None);
    world.forge.before("GET", "/check-runs", 2, |state| {
        state.push("main", &[("more", Some("x\n"))]);
    });
    let error = world.refused(&["--wait", "30m"]);
    assert!(error.contains("by now"), "{error}");
}

#[test]
fn what_is_published_is_the_commit_and_not_the_working_directory() {
    let world = World::start();
    world.report("e2e", Some("success"));
    let text = world.clone.read(CLASS);
    world
        .clone
        .write(CLASS, &format!("{text}# not committed\n"));
    world
        .clone
        .write("csctl-matrix.yaml", "gate:\n  checks: [never-there]\n");
    world.publish(&[]).success();
    world.clone.git(&["checkout", "-q", "."]);
    let said = world.publish(&["--mode", "custom", "--cluster-stack-version", "v1"]);
    let said = said.success();
    assert!(said.contains("already, with the same files"), "{said}");
}

#[test]
fn where_nothing_changed_nobody_is_asked() {
    let world = World::start();
    world.report("e2e", Some("success"));
    world.publish(&[]).success();
    world
        .forge
        .state()
        .push("main", &[("README.md", Some("x\n"))]);
    let path = world.forge.git_path().display().to_string();
    world.clone.git(&["fetch", "-q", &path, "main"]);
    world.clone.git(&["reset", "-q", "--hard", "FETCH_HEAD"]);
    let before = world.forge.log().len();
    let said = world.publish(&[]).success();
    assert!(said.contains("nothing to publish"), "{said}");
    assert_eq!(world.forge.log().len(), before);
}

#[test]
fn nothing_is_proved_where_no_check_is_asked_for() {
    let world = World::start();
    world.report("e2e", Some("success"));
    world.forge.state().rules.clear();
    let error = world.refused(&["--wait", "30m"]);
    assert!(
        error.contains("the base branch requires no check") && error.contains("gate.checks"),
        "{error}"
    );
    assert_eq!(world.reads_of_checks(), 1, "no waiting changes that");
    world
        .clone
        .write("csctl-matrix.yaml", "gate:\n  checks: none\n");
    world.merge();
    world.report("e2e", Some("success"));
    let error = world.refused(&[]);
    assert!(error.contains("`gate.checks` is `none`"), "{error}");
    world
        .clone
        .write("csctl-matrix.yaml", "gate:\n  checks: [e2e]\n");
    world.merge();
    world.report("e2e", Some("success"));
    world.publish(&[]).success();
}

#[test]
fn a_forge_that_does_not_answer_publishes_nothing() {
    let world = World::start();
    world.report("e2e", Some("success"));
    world.forge.fault("GET", "/check-runs", 1, Fault::Forbidden);
    let error = world.refused(&[]);
    assert!(error.contains("unreadable"), "{error}");
    world
        .forge
        .fault("GET", "/git/ref/heads", 1, Fault::Status(404));
    world.refused(&[]);
}
