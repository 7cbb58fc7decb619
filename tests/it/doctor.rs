//! `doctor` against the stand-in for GitHub and a world on loopback: each thing that a bot needs, there and missing. It never changes
//! anything.

use std::fs;

use crate::support::github::{self, BOT, BranchRules, GitHubServer, State, TOKEN, Token};
use crate::support::program::{self, Copy, Said, project};
use crate::support::server::Reply;
use crate::support::store::{self, StoreServer};
use serde_json::Value;

const CHARTS: [(&str, &str); 3] = [
    (store::CHARTS, "openstack-cinder-csi"),
    ("https://helm.cilium.io", "cilium"),
    (
        "https://kubernetes-sigs.github.io/metrics-server",
        "metrics-server",
    ),
];
const STORE: &str = "https://images.example.org/openstack-k8s-capi-images/";
const PERSONAL: &str = "github_pat_StandIn0123456789";
const OF_JOB: &str = "ghs_JobToken0123456789";

/// A clone, the forge of its repository, and the sources of its images and charts.
struct Reference {
    forge: GitHubServer,
    world: StoreServer,
    clone: Copy,
}

impl Reference {
    fn start() -> Self {
        Self::with("")
    }

    /// A repository that lacks nothing, with more in its configuration.
    fn with(config: &str) -> Self {
        let forge = GitHubServer::start();
        let world = StoreServer::start();
        add_images(&world);
        for (repository, chart) in CHARTS {
            world.chart(repository, chart, &["1.0.0"]);
        }
        world
            .release("v1.34.8", "2026-05-12")
            .end_of_life("1.34", "2026-10-27");
        let clone = Copy::of("layout-c");
        let text = format!(
            "pullRequests:\n  repository: acme/cluster-stacks\n  api: {}\n  author: {{name: Matrix Bot, email: bot@example.org}}\n{config}",
            forge.url()
        );
        clone.write("csctl-matrix.yaml", &text).commit();
        let mut state = forge.state();
        for (text, login) in [(PERSONAL, "ada"), (OF_JOB, "github-actions[bot]")] {
            state.tokens.push(Token {
                text: text.to_owned(),
                login: login.to_owned(),
                expires: None,
            });
        }
        for label in ["csctl-matrix/stop", "csctl-matrix/again"] {
            state.labels.insert(label.to_owned(), Default::default());
        }
        let required = BranchRules {
            required_checks: vec![("lint".to_owned(), None)],
            ..BranchRules::default()
        };
        state.rules.insert("main".to_owned(), required);
        drop(state);
        Self {
            forge,
            world,
            clone,
        }
    }

    /// The same, with something else at the forge.
    fn but(change: impl FnOnce(&mut State)) -> Self {
        let reference = Self::start();
        change(&mut reference.forge.state());
        reference
    }

    fn run_as(&self, token: Option<&str>, more: &[(&str, &str)], format: &str) -> Said {
        let root = self.clone.root().display().to_string();
        let (remote, cache) = (self.forge.git_url(), self.clone.cache());
        let mut arguments = vec!["doctor", "-C", &root, "--remote", &remote];
        arguments.extend([
            "--cache-dir",
            &cache,
            "--as-of",
            "2026-06-15",
            "--format",
            format,
        ]);
        let mirrors = self.world.mirror_arguments();
        arguments.extend(mirrors.iter().map(String::as_str));
        let mut command = program::program(&arguments);
        command.env("NO_PROXY", "*").envs(more.iter().copied());
        command.envs(token.map(|token| ("GITHUB_TOKEN", token)));
        let said: Said = command.output().unwrap().into();
        assert!(
            self.forge.mutations().is_empty(),
            "{:?}",
            self.forge.mutations()
        );
        assert!(
            self.forge.unknown().is_empty(),
            "{:?}",
            self.forge.unknown()
        );
        for text in [&said.stdout, &said.stderr] {
            assert!(token.is_none_or(|token| !text.contains(token)), "{text}");
        }
        said
    }

    /// What is no `ok`, as `state name: found`, and the exit status.
    fn faults(&self) -> (Vec<String>, i32) {
        faults(&self.run_as(Some(TOKEN), &[], "json"))
    }
}

/// Serves the images of the store that the test data lists.
fn add_images(world: &StoreServer) {
    let text = fs::read_to_string(project().join("testdata/catalog.yaml")).unwrap();
    let catalog: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    for image in catalog["imageStores"][0]["images"].as_sequence().unwrap() {
        let text = |key: &str| image[key].as_str().unwrap();
        let (url, day) = (text("url"), text("built"));
        let file = url.rsplit('/').next().unwrap();
        let sum = format!("{}  {file}\n", text("sha256"));
        world.file(url, "QFI", "application/octet-stream", day);
        world.file(&format!("{url}.CHECKSUM"), &sum, "text/plain", day);
    }
}

fn faults(said: &Said) -> (Vec<String>, i32) {
    let report: Value = serde_json::from_str(&said.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", said.stdout, said.stderr));
    let mut found = Vec::new();
    for check in report["checks"].as_array().unwrap() {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        if check["state"] != "ok" {
            assert!(!text("advice").is_empty(), "{check} says nothing to do");
            found.push(format!(
                "{} {}: {}",
                text("state"),
                text("name"),
                text("found")
            ));
        }
    }
    (found, said.status)
}

/// Asserts that one thing alone is found, and returns it.
fn only((found, status): (Vec<String>, i32), start: &str) -> String {
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(start), "{found:#?}");
    assert_eq!(status, if start.starts_with("problem") { 3 } else { 0 });
    found[0].clone()
}

#[test]
fn a_repository_that_lacks_nothing_is_ready_and_the_documentation_shows_it() {
    let reference = Reference::start();
    let said = reference.run_as(Some(TOKEN), &[], "text");
    let text = said
        .success()
        .replace(&reference.forge.url(), "https://github.com");
    assert!(text.contains(BOT) && text.ends_with("\nready\n"), "{text}");
    let page = fs::read_to_string(project().join("docs/bot.md")).unwrap();
    assert!(
        page.contains(&format!("```text\n{text}```\n")),
        "docs/bot.md does not show\n{text}"
    );
}

#[test]
fn the_forms_of_the_report_say_the_same() {
    let reference = Reference::but(|state| state.settings.is_fork = true);
    let fork =
        "acme/cluster-stacks, default branch main; it is a fork, and pull requests stay in it";
    assert_eq!(
        only(reference.faults(), "warning repository: "),
        format!("warning repository: {fork}")
    );
    for format in ["text", "markdown"] {
        let said = reference.run_as(Some(TOKEN), &[], format).success();
        assert!(
            said.contains(fork) && said.contains("ready, with 1 warning"),
            "{said}"
        );
    }
}

#[test]
fn without_a_token_nothing_can_be_written() {
    let reference = Reference::but(|state| state.settings.is_private = false);
    let said = reference.run_as(None, &[], "json");
    let (found, status) = faults(&said);
    assert!(
        found[0].starts_with("problem token: no token is set"),
        "{found:#?}"
    );
    assert_eq!(status, 3);
}

#[test]
fn a_wrong_token_is_named_once_and_the_rest_is_looked_at_all_the_same() {
    let reference = Reference::start();
    let said = reference.run_as(Some("ghs_Wrong0123456789"), &[], "json");
    let (found, status) = faults(&said);
    assert!(found[0].starts_with("problem token: "), "{found:#?}");
    assert!(
        found
            .iter()
            .any(|one| one.starts_with("problem git remote: ")),
        "{found:#?}"
    );
    assert_eq!(status, 3);
    assert!(said.stdout.contains("\"sources\""), "{}", said.stdout);
}

#[test]
fn the_token_of_a_job_starts_no_ci() {
    let reference = Reference::start();
    let actions = [("GITHUB_ACTIONS", "true")];
    let said = reference.run_as(Some(OF_JOB), &actions, "json");
    assert!(only(faults(&said), "warning token: ").contains("start no CI"));
    assert!(
        said.stdout.contains("GitHub App or a fine-grained"),
        "{}",
        said.stdout
    );
    // The token of an App inside a job is none of the job's.
    let of_app = reference.run_as(Some(TOKEN), &actions, "json");
    assert_eq!(faults(&of_app), (vec![], 0));
    // Where GitHub does not say whose token it is, its form counts.
    reference
        .forge
        .fault("POST", "/graphql", 1, github::Fault::Forbidden);
    let unknown = reference.run_as(Some(TOKEN), &actions, "json");
    only(faults(&unknown), "warning token: ");
}

#[test]
fn kinds_of_tokens_are_told_apart_and_scopes_are_read() {
    let reference = Reference::start();
    let said = reference.run_as(Some(PERSONAL), &[], "text").success();
    assert!(
        said.contains("a fine-grained personal access token, ada"),
        "{said}"
    );
    let classic = "ghp_StandIn0123456789";
    let mut state = reference.forge.state();
    state.tokens.push(Token {
        text: classic.to_owned(),
        login: "ada".to_owned(),
        expires: None,
    });
    state.settings.scopes = Some("gist, read:org");
    drop(state);
    let said = reference.run_as(Some(classic), &[], "json");
    only(
        faults(&said),
        "problem rights: the scopes of the token are not sufficient",
    );
    reference.forge.state().settings.scopes = Some("repo");
    assert_eq!(
        faults(&reference.run_as(Some(classic), &[], "json")),
        (vec![], 0)
    );
}

#[test]
fn rights_that_are_missing_are_named() {
    let denied = |right: &str| {
        let reference = Reference::but(|state| state.settings.denied.extend([right.to_owned()]));
        let said = reference.run_as(Some(TOKEN), &[], "json");
        (faults(&said), said.stdout)
    };
    let (found, said) = denied("checks=read");
    let found = only(found, "problem check runs: ");
    assert!(found.contains("stays a draft"), "{found}");
    assert!(
        said.contains("give the token this right: checks: read"),
        "{said}"
    );
    only(denied("statuses=read").0, "problem commit statuses: ");
    only(denied("pull_requests=read").0, "problem pull requests: ");
    let ((found, status), _) = denied("contents=write");
    assert_eq!(status, 3);
    assert!(
        found[0].starts_with("problem rights: the token may not push"),
        "{found:#?}"
    );
    assert!(found[1].starts_with("problem git remote: "), "{found:#?}");
    assert!(found[1].contains("not pushed to"), "{found:#?}");
}

#[test]
fn checks_that_nobody_waits_for_need_not_be_readable() {
    let reference = Reference::with("gate: {checks: none}\n");
    let mut state = reference.forge.state();
    state.settings.denied.insert("checks=read".to_owned());
    state.rules.clear();
    drop(state);
    only(reference.faults(), "warning check runs: cannot be read");
}

#[test]
fn an_archived_repository_is_a_problem() {
    let reference = Reference::but(|state| state.settings.is_archived = true);
    assert!(only(reference.faults(), "problem repository: ").contains("archived"));
}

#[test]
fn a_repository_that_is_not_there_is_a_problem() {
    let reference = Reference::start();
    let repository = "/repos/acme/cluster-stacks$";
    reference
        .forge
        .faults("GET", repository, 1..9, github::Fault::Status(404));
    assert!(only(reference.faults(), "problem repository: ").contains("404"));
}

#[test]
fn an_api_without_graphql_is_a_problem() {
    let reference = Reference::start();
    reference
        .forge
        .faults("POST", "/graphql", 1..99, github::Fault::Status(404));
    assert!(only(reference.faults(), "problem GraphQL: ").contains("404"));
}

#[test]
fn every_stack_that_cannot_be_planned_is_named() {
    let reference = Reference::start();
    let values = "providers/openstack/scs2/csctl.yaml";
    reference.clone.write(values, "{{ if }}\n- kubernetes: [\n");
    let (faults, _) = reference.faults();
    let is_named = |fault: &String| {
        fault.contains(values) && fault.contains("openstack/scs2 cannot be planned: ")
    };
    assert!(faults.iter().any(is_named), "{faults:?}");
}

#[test]
fn a_remote_that_is_not_at_github_is_said_at_once() {
    let copy = Copy::of("layout-c");
    copy.commit();
    for (remote, service) in [
        ("https://gitlab.example.org/acme/stacks", "GitLab"),
        ("https://codeberg.org/acme/stacks", "Forgejo"),
    ] {
        let said = copy
            .run(&["doctor", "--offline", "--remote", remote])
            .ended(3);
        let expected = format!(
            "problem  git remote: {remote} is a {service} repository; `pr` works with GitHub only\n"
        );
        assert!(said.contains(&expected), "{said}");
        // What could be found out at the remote is not asked there.
        assert!(
            !said.contains("repository: ") && !said.contains("labels"),
            "{said}"
        );
    }
}

#[test]
fn another_repository_than_the_remote_s_is_a_problem() {
    let reference = Reference::start();
    let text = reference.clone.read("csctl-matrix.yaml");
    reference
        .clone
        .write("csctl-matrix.yaml", &text.replace("acme/", "other/"));
    let found = only(reference.faults(), "problem repository: ");
    assert!(
        found.contains("other/cluster-stacks") && found.contains("is of acme/cluster-stacks"),
        "{found}"
    );
}

#[test]
fn base_branches_that_are_missing_are_named() {
    let reference =
        Reference::with("branches:\n  - {base: release, files: [README.md]}\n  - base: main\n");
    let found = only(reference.faults(), "problem base branch release: ");
    assert!(found.contains("does not exist"), "{found}");
    // Not every minor has a branch of its own.
    let reference = Reference::with("branches:\n  - base: maint/{{stack}}-{{minor}}\n");
    let mut state = reference.forge.state();
    let head = state.head("main").unwrap();
    for minor in ["1.32", "1.33"] {
        state.set_head(&format!("maint/scs2-{minor}"), head);
    }
    let rules = state.rules["main"].clone();
    state.rules.insert("maint/*".to_owned(), rules);
    drop(state);
    only(reference.faults(), "warning base branch maint/scs2-1.34: ");
}

#[test]
fn protection_that_pull_requests_cannot_meet_is_named() {
    let with = |branch: &str, rules: BranchRules| {
        let reference = Reference::but(|state| drop(state.rules.insert(branch.to_owned(), rules)));
        reference.faults()
    };
    let lint = || vec![("lint".to_owned(), None)];
    for is_classic in [false, true] {
        let signed = BranchRules {
            is_classic,
            signed: true,
            required_checks: lint(),
            ..BranchRules::default()
        };
        let found = only(with("main", signed.clone()), "problem protection of main: ");
        assert!(found.contains("signed"), "{found}");
        // The forge signs what it commits itself for an App.
        let reference = Reference::with("  commits: api\n");
        reference
            .forge
            .state()
            .rules
            .insert("main".to_owned(), signed);
        assert_eq!(reference.faults().0, [""; 0]);
    }
    let none = only(
        with("main", BranchRules::default()),
        "warning protection of main: ",
    );
    assert!(none.contains("requires no checks"), "{none}");
    let fixed = BranchRules {
        no_force_push: true,
        ..BranchRules::default()
    };
    let found = only(
        with("csctl-matrix/*", fixed),
        "problem branches csctl-matrix/*: ",
    );
    assert!(found.contains("forbid force pushes"), "{found}");
}

#[test]
fn protection_that_cannot_be_read_keeps_pull_requests_drafts_unless_checks_are_named() {
    let close = |reference: &Reference| {
        let mut state = reference.forge.state();
        let rules = state.rules.get_mut("main").unwrap();
        rules.is_classic = true;
        // What only administrators read is told to nobody else, but for the checks; a fault hides these too.
        drop(state);
        reference.forge.faults(
            "GET",
            "/rules/branches/main",
            1..9,
            github::Fault::Forbidden,
        );
    };
    let reference = Reference::start();
    close(&reference);
    assert!(only(reference.faults(), "problem protection of main: ").contains("stays a draft"));
    let reference = Reference::with("gate: {checks: [lint]}\n");
    close(&reference);
    only(reference.faults(), "warning protection of main: ");
}

#[test]
fn a_sign_off_that_names_nobody_is_a_problem() {
    let reference = Reference::start();
    let text = reference.clone.read("csctl-matrix.yaml");
    let text = text.replace("bot@example.org", "bot");
    reference.clone.write("csctl-matrix.yaml", &text);
    let found = only(reference.faults(), "problem commits: ");
    assert!(found.contains("Signed-off-by: Matrix Bot <bot>"), "{found}");
}

#[test]
fn a_store_that_does_not_answer_is_a_problem_and_upstream_facts_are_a_warning() {
    let reference = Reference::start();
    reference.world.fault(STORE, Reply::status(403));
    only(reference.faults(), &format!("problem source {STORE}"));
    reference.world.heal();
    reference
        .world
        .fault("https://api.github.com/", Reply::status(403));
    only(reference.faults(), "warning source kubernetes releases: ");
}

#[test]
fn labels_that_people_need_are_missed() {
    let reference = Reference::but(|state| state.labels.clear());
    let found = only(reference.faults(), "warning labels: ");
    assert!(
        found.contains("`csctl-matrix/stop` and `csctl-matrix/again` are missing"),
        "{found}"
    );
}

#[test]
fn workflows_need_a_right_of_their_own() {
    let config = "references:\n- files: .github/workflows/test.yml\n  path: env.VERSION\n  value: '{{default}}'\n";
    let reference = Reference::with(config);
    only(reference.faults(), "warning workflows: ");
    let said = reference.run_as(Some(OF_JOB), &[], "json");
    let (found, status) = faults(&said);
    assert_eq!(status, 3);
    assert!(
        found
            .iter()
            .any(|one| one.starts_with("problem workflows: ")),
        "{found:#?}"
    );
}

#[test]
fn a_pin_whose_day_is_over_is_a_problem_of_the_configuration() {
    let reference =
        Reference::with("pinned:\n  - {version: v1.34.5, until: 2026-06-01, reason: storage}\n");
    let (found, status) = reference.faults();
    assert_eq!(status, 3);
    assert!(
        found[0].starts_with("problem configuration: csctl-matrix.yaml:"),
        "{found:#?}"
    );
}

#[test]
fn what_is_no_clone_cannot_be_looked_at() {
    let said = Copy::of("layout-c").run(&["doctor", "--offline"]);
    assert!(said.failure(1).contains("is not in a git repository"));
}

#[test]
fn a_clone_without_anything_is_told_all_it_lacks() {
    let clone = Copy::of("layout-c");
    clone.commit();
    let said = clone.run(&[
        "doctor",
        "--catalog",
        &program::catalog(),
        "--format",
        "json",
    ]);
    let (found, status) = faults(&said);
    let starts = ["commits", "git remote", "token"].map(|name| format!("problem {name}: "));
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (one, start) in found.iter().zip(&starts) {
        assert!(one.starts_with(start), "{found:#?}");
    }
    assert_eq!(status, 3);
}

#[test]
fn a_git_that_is_missing_or_too_old_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let clone = Copy::of("layout-c");
        clone.commit();
        let root = clone.root().display().to_string();
        let catalog = program::catalog();
        let words = [
            "doctor",
            "--format",
            "json",
            "-C",
            &root,
            "--catalog",
            &catalog,
        ];
        let mut command = program::program(&words);
        command.env("PATH", folder.path());
        faults(&command.output().unwrap().into()).0
    };
    let is_told = |told: &[String], words: &str| {
        let problem = told.iter().find(|one| one.starts_with("problem git: "));
        problem.is_some_and(|one| one.contains(words))
    };
    let missing = run();
    assert!(is_told(&missing, "cannot run git"), "{missing:#?}");
    program::install_script(&folder.path().join("git"), "echo git version 2.11.0");
    let old = run();
    assert!(is_told(&old, "2.11.0 is too old"), "{old:#?}");
}
