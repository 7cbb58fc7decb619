//! `pr` against a stateful stand-in for GitHub with a real git repository behind it: the whole program, rule by rule of docs/bot.md,
//! with people and faults in between.

mod bases;
mod interrupted;
mod lists;
mod meanwhile;
mod merging;
mod people;
mod tested;
mod together;
mod unanswered;

use std::fs;

use crate::support::github::{self, Fault, PERSON, TOKEN};
use crate::support::hosted::{BRANCH, Hosted, KEYS, PATCH, all, files, of, outcomes};
use crate::support::program::{self, Said, project};

#[test]
fn the_documentation_shows_a_run_and_a_pull_request() {
    let hosted = Hosted::of("[new-patch]", "gate: {checks: [e2e]}\n");
    let said: Said = hosted.command_as("text", &[]).output().unwrap().into();
    let run = said.success();
    let number = hosted.number();
    let pull = hosted.server.state().pull(number).clone();
    let (body, _) = pull.body.split_once("\n\n<!-- csctl-matrix:v1").unwrap();
    // The diff is left out on the page.
    let (first, rest) = body.split_once("```diff\n").unwrap();
    let (_, last) = rest.rsplit_once("```\n").unwrap();
    let shown = format!("{first}...\n{last}");
    let page = fs::read_to_string(project().join("docs/bot.md")).unwrap();
    for text in [
        format!("```text\n{run}```\n"),
        format!("````markdown\n{}\n\n{shown}\n````\n", pull.title),
    ] {
        assert!(page.contains(&text), "docs/bot.md does not show\n{text}");
    }
}

#[test]
fn rule_3_a_second_run_writes_nothing() {
    let hosted = Hosted::start();
    assert_eq!(hosted.outcomes(), all("opened"));
    assert!(
        hosted.server.unknown().is_empty(),
        "{:?}",
        hosted.server.unknown()
    );
    hosted.server.clear_log();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert!(
        hosted.server.mutations().is_empty(),
        "{:?}",
        hosted.server.mutations()
    );
}

#[test]
fn git_is_started_to_look_to_fetch_and_to_push_once() {
    let hosted = Hosted::start();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let script = format!(
        "for word; do case $word in ls-remote|fetch|push) echo $word >> {};; esac; done\nPATH=/usr/local/bin:/usr/bin:/bin exec git \"$@\"",
        log.display()
    );
    program::install_script(&folder.path().join("git"), &script);
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.path().display());
    let run = || {
        let said: Said = hosted
            .command(&[])
            .env("PATH", &path)
            .output()
            .unwrap()
            .into();
        let started = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        (outcomes(&said), started)
    };
    let opened = all("opened");
    assert_eq!(run(), (opened, "ls-remote\nfetch\npush\n".to_owned()));
    assert_eq!(run(), (all("up-to-date"), "ls-remote\n".to_owned()));
}

#[test]
fn rule_15_commits_are_signed_off_by_who_wrote_them_and_hold_one_change() {
    let hosted = Hosted::opened();
    let state = hosted.server.state();
    let head = state.head(BRANCH).unwrap();
    let repository = git2::Repository::open(hosted.server.git_path()).unwrap();
    let commit = repository.find_commit(head).unwrap();
    assert_eq!(commit.parent_count(), 1);
    assert_eq!(commit.parent_id(0).unwrap(), state.head("main").unwrap());
    let message = commit.message().unwrap();
    assert!(
        message.ends_with("Signed-off-by: Matrix Bot <bot@example.org>\n"),
        "{message}"
    );
    assert_eq!(message.matches("Signed-off-by").count(), 1);
    // By this trailer later versions know the commit as the program's: its name is for good.
    assert_eq!(message.matches("\nCsctl-Matrix-Change: ").count(), 1);
    assert_eq!(commit.author().email(), Ok("bot@example.org"));
    let list = state
        .file(head, "providers/openstack/scs2/kubernetes.yaml")
        .unwrap();
    assert!(
        list.contains("v1.34.8") && !list.contains("v1.33.12"),
        "{list}"
    );
}

#[test]
fn rule_4_a_pull_request_is_made_anew_when_its_base_moves() {
    let hosted = Hosted::opened();
    let before = hosted.left();
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    assert_eq!(hosted.outcomes(), all("refreshed"));
    let after = hosted.left();
    assert_eq!(before, after, "the same pull requests, with the same texts");
    let state = hosted.server.state();
    let head = state.head(BRANCH).unwrap();
    assert!(
        state.file(head, "NOTES.md").is_some(),
        "it stands on the new base"
    );
}

#[test]
fn a_merged_pull_request_is_followed_by_nothing() {
    let hosted = Hosted::opened();
    let number = hosted.number();
    hosted.server.state().pull_mut(number).draft = false;
    hosted
        .server
        .state()
        .merge(number, PERSON, "squash")
        .unwrap();
    hosted.server.state().delete_branch(BRANCH);
    let outcomes = hosted.outcomes();
    assert_eq!(of(&outcomes, PATCH), "none");
    assert_eq!(of(&outcomes, "openstack-scs2-1-33 new-patch"), "refreshed");
}

#[test]
fn rule_14_a_ceiling_stops_cleanly_and_the_next_run_goes_on() {
    let hosted = Hosted::with("  atMost: {opened: 2}\n");
    let first = hosted.run(&[]);
    assert_eq!(first.status, 5);
    assert_eq!(hosted.server.state().open_pulls().len(), 2);
    assert_eq!(hosted.run(&[]).status, 5);
    assert_eq!(hosted.run(&[]).status, 0);
    assert_eq!(hosted.server.state().open_pulls().len(), KEYS.len());
}

#[test]
fn a_run_can_be_limited_and_leaves_the_others_as_they_are() {
    let hosted = Hosted::start();
    let said = hosted.run(&["scs2", "--minor", "1.34", "--change", "new-patch"]);
    assert_eq!(outcomes(&said), [format!("{PATCH}: opened")]);
    hosted.outcomes();
    // What is not looked at is neither refreshed nor closed, whatever became of it.
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    let said = hosted.run(&["--minor", "1.33"]);
    let of_minor: Vec<String> = all("refreshed")
        .into_iter()
        .filter(|outcome| outcome.contains("1-33"))
        .collect();
    assert_eq!(outcomes(&said), of_minor);
    assert_eq!(hosted.server.state().open_pulls().len(), KEYS.len());
    let said = hosted.run(&["scs3"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stderr.contains("no cluster stack `scs3`") && said.stderr.contains("openstack/scs2"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_it_would_do() {
    let hosted = Hosted::start();
    let said = hosted.run(&["--dry-run"]);
    assert_eq!(outcomes(&said), all("opened"));
    for (format, before) in [("text", "  main  "), ("markdown", " |  | ")] {
        let mut command = hosted.command_as(format, &["--dry-run"]);
        let told = Said::from(command.output().unwrap()).success();
        let lines = told.matches(&format!("{before}would be opened: ")).count();
        assert_eq!(lines, KEYS.len(), "{told}");
    }
    assert!(
        hosted.server.mutations().is_empty(),
        "{:?}",
        hosted.server.mutations()
    );
}

#[test]
fn the_token_is_nowhere() {
    let hosted = Hosted::start();
    let mut texts = Vec::new();
    for _ in 0..2 {
        let said = hosted.run(&[]);
        texts.extend([said.stdout, said.stderr]);
    }
    hosted.server.fault("GET", "/pulls", 1, Fault::Status(500));
    let failed = hosted.run(&[]);
    texts.extend([failed.stdout, failed.stderr]);
    let state = hosted.server.state();
    for pull in &state.pulls {
        texts.extend([pull.title.clone(), pull.body.clone()]);
    }
    texts.extend(
        hosted
            .server
            .log()
            .iter()
            .map(|request| request.body.to_string()),
    );
    for text in texts {
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[test]
fn the_working_directory_and_its_branches_stay_as_they_are() {
    let hosted = Hosted::start();
    let before = (
        files(&hosted.clone.root().join("providers")),
        fs::read(hosted.clone.path(".git/index")).unwrap(),
        fs::read_to_string(hosted.clone.path(".git/HEAD")).unwrap(),
    );
    hosted.outcomes();
    let after = (
        files(&hosted.clone.root().join("providers")),
        fs::read(hosted.clone.path(".git/index")).unwrap(),
        fs::read_to_string(hosted.clone.path(".git/HEAD")).unwrap(),
    );
    assert!(before == after);
}

#[test]
fn commits_of_the_forge_s_api_are_its_own_verified_and_signed_off_by_whom_it_recorded() {
    let hosted = Hosted::with("  commits: api\n");
    assert_eq!(hosted.outcomes(), all("opened"));
    let calls = hosted.server.log();
    let mut calls = calls.iter();
    assert!(
        !calls.any(|call| call.path.contains("git-receive-pack")),
        "nothing is pushed"
    );
    {
        let state = hosted.server.state();
        let head = state.head(BRANCH).unwrap();
        let commit = state.git.find_commit(head).unwrap();
        let author = commit.author();
        let (name, email) = (author.name().unwrap(), author.email().unwrap());
        assert_eq!(email, github::email(github::BOT));
        let message = commit.message().unwrap();
        let line = format!("Signed-off-by: {name} <{email}>\n");
        assert!(message.ends_with(&line), "{message}");
        assert_eq!(message.matches("Signed-off-by").count(), 1);
        assert_eq!(commit.parent_id(0).unwrap(), state.head("main").unwrap());
    }
    // The same pull requests as those of commits that git makes.
    let pushed = Hosted::opened();
    assert_eq!(hosted.left(), pushed.left());
    // What was made is known again.
    hosted.server.clear_log();
    assert_eq!(hosted.outcomes(), all("up-to-date"));
    assert!(hosted.server.mutations().is_empty());
    // A person's commit is left alone, and a moved base is followed.
    let theirs = hosted
        .server
        .state()
        .push(BRANCH, &[("mine.txt", Some("mine\n"))]);
    hosted
        .server
        .state()
        .push("main", &[("NOTES.md", Some("Notes\n"))]);
    let outcomes = hosted.outcomes();
    assert_eq!(of(&outcomes, PATCH), "edited");
    assert_eq!(of(&outcomes, "openstack-scs2-1-33 new-patch"), "refreshed");
    assert_eq!(hosted.server.state().head(BRANCH), Some(theirs));
}

#[test]
fn a_dry_run_tells_of_ceilings_as_a_run_does() {
    let hosted = Hosted::with("  atMost: {opened: 2}\n");
    let dry = hosted.run(&["--dry-run"]);
    let real = hosted.run(&[]);
    assert_eq!(outcomes(&dry), outcomes(&real));
    assert_eq!(dry.status, real.status);
}

#[test]
fn a_tree_below_the_root_and_files_with_other_line_ends_get_the_same_pull_requests() {
    for config in ["", "  commits: api\n"] {
        let mut hosted = Hosted::of("[new-patch]", config);
        let layout = files(&project().join("testdata/layout-c"));
        let moved: Vec<(String, Option<String>)> = layout
            .into_iter()
            .flat_map(|(path, text)| {
                [
                    (path.clone(), None),
                    (format!("sub/{path}"), Some(text.replace('\n', "\r\n"))),
                ]
            })
            .chain([
                ("csctl-matrix.yaml".to_owned(), None),
                (
                    "sub/csctl-matrix.yaml".to_owned(),
                    Some(hosted.config.clone()),
                ),
            ])
            .collect();
        let moved: Vec<(&str, Option<&str>)> = moved
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_deref()))
            .collect();
        hosted.server.state().push("main", &moved);
        let root = hosted.clone.root();
        fs::create_dir(root.join("sub")).unwrap();
        for name in ["providers", "csctl-matrix.yaml"] {
            fs::rename(root.join(name), root.join("sub").join(name)).unwrap();
        }
        hosted.clone.commit();
        hosted.below = "sub";
        let first = hosted.run(&[]);
        assert_eq!(
            of(&outcomes(&first), PATCH),
            "opened",
            "{}{}",
            first.stdout,
            first.stderr
        );
        {
            let state = hosted.server.state();
            let (main, head) = (state.head("main").unwrap(), state.head(BRANCH).unwrap());
            for path in state.changed_paths(main, head) {
                assert!(path.starts_with("sub/"), "{path}");
                let text = state.file(head, &path).unwrap();
                assert_eq!(
                    text.matches('\n').count(),
                    text.matches("\r\n").count(),
                    "{path}"
                );
            }
        }
        hosted.server.clear_log();
        assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
        assert!(hosted.server.mutations().is_empty());
    }
}

#[test]
fn many_pull_requests_of_others_and_of_the_past_change_nothing() {
    let hosted = Hosted::of("[new-patch]", "");
    {
        let mut state = hosted.server.state();
        for nth in 0..150 {
            state.open_from_fork(&format!("fork{nth}"), BRANCH, "main");
        }
        for _ in 0..150 {
            let number = state.open_from_fork("gone", BRANCH, "main");
            state.pull_mut(number).head_owner = "acme".to_owned();
            state.close(number, PERSON);
        }
    }
    assert_eq!(of(&hosted.outcomes(), PATCH), "opened");
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(hosted.server.mutations().is_empty());
}

#[test]
fn a_dry_run_changes_nothing_whatever_there_is_to_do() {
    let hosted = Hosted::of(
        "[new-patch, addons]",
        "  autoMerge: squash\n  labels: [images]\ngate: {checks: [e2e]}\n",
    );
    let rules = github::BranchRules {
        required_checks: vec![("e2e".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    hosted.outcomes();
    let branch =
        |line: &str, class: &str| format!("csctl-matrix/main/openstack-scs2/{line}/{class}");
    {
        let mut state = hosted.server.state();
        let number = |state: &github::State, line: &str, class: &str| {
            state.find_open(&branch(line, class), "main").unwrap()
        };
        state.push(
            &branch("1-32", "new-patch"),
            &[("mine.txt", Some("mine\n"))],
        );
        let again = number(&state, "1-33", "new-patch");
        state.label(again, "csctl-matrix/again");
        let ready = state.head(&branch("1-33", "addons")).unwrap();
        state.check(ready, "e2e", Some("success"));
        let left = number(&state, "1-34", "addons");
        state.close(left, PERSON);
    }
    let dry = |hosted: &Hosted| {
        hosted.server.clear_log();
        let said = hosted.run(&["--dry-run"]);
        assert!(
            hosted.server.mutations().is_empty(),
            "{:?}",
            hosted.server.mutations()
        );
        outcomes(&said)
    };
    let first = dry(&hosted);
    let real = outcomes(&hosted.run(&[]));
    assert_eq!(first, real);
    // What is ready would be merged; what nobody wants any more would be closed.
    let second = dry(&hosted);
    assert_eq!(
        of(&second, "openstack-scs2-1-33 addons"),
        "merged",
        "{second:?}"
    );
    let config = format!("{}minors: {{from: '1.34'}}\n", hosted.config);
    hosted
        .server
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&config))]);
    let third = dry(&hosted);
    assert_eq!(
        of(&third, "openstack-scs2-1-33 new-patch"),
        "closed",
        "{third:?}"
    );
}

/// Rules of a base branch that requires these checks.
fn requires(checks: &[&str]) -> github::BranchRules {
    let checks = checks.iter().map(|check| ((*check).to_owned(), None));
    github::BranchRules {
        required_checks: checks.collect(),
        ..github::BranchRules::default()
    }
}

/// A gate whose one command says so much and ends so.
fn gate_of(run: &str) -> String {
    format!("gate:\n  checks: none\n  commands:\n  - {{name: e2e, run: {run:?}}}\n")
}
