//! A long history of a repository under `pr`, played by a seeded generator: patches come out, images are rebuilt, versions are
//! blocked, tests go red, people merge, close, edit and label, the forge fails, runs are killed and run into each other. After each
//! day the promises are looked at that a maintainer lives by. `HISTORY_DAYS=1000 HISTORY_SEED=8 cargo test --test it people_merge_what`
//! plays another one: an odd seed lets the forge make the commits, and every other pair of seeds merges by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use crate::support::github::{self, Fault, GitHubServer, PERSON, TOKEN};
use crate::support::program::{self, Copy};
use git2::Oid;
use serde_json::Value;
use sha2::Digest as _;

/// A generator that gives the same history for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.next().is_multiple_of(count)
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let count = u64::try_from(from.len()).unwrap();
        if count == 0 {
            return None;
        }
        from.get(usize::try_from(self.next() % count).unwrap())
    }
}

const STORE: &str = "https://images.example.org/openstack-k8s-capi-images";
const MINORS: [u32; 2] = [33, 34];
const STACK: &str = "providers/openstack/scs2";

/// The world and the repository, day by day.
struct History {
    dice: Dice,
    day: jiff::civil::Date,
    server: GitHubServer,
    clone: Copy,
    /// The newest patch of each minor, and how often each image was built.
    newest: BTreeMap<u32, u32>,
    builds: BTreeMap<(u32, u32), u32>,
    published: BTreeMap<(u32, u32), jiff::civil::Date>,
    blocked: BTreeSet<(u32, u32)>,
    /// Commits of people on branches of the program.
    theirs: BTreeMap<String, Oid>,
    /// Pull requests that people merged.
    merged: BTreeSet<u64>,
    /// Keys of the configuration that stay.
    ways: String,
    log: String,
}

impl History {
    fn begin(seed: u64) -> Self {
        let clone = Copy::of("layout-c");
        fs::remove_file(clone.path(&format!("{STACK}/README.md"))).unwrap();
        let server = GitHubServer::start();
        let mut history = Self {
            dice: Dice(seed),
            day: "2026-01-05".parse().unwrap(),
            server,
            clone,
            newest: [(33, 8), (34, 6)].into(),
            builds: BTreeMap::new(),
            published: BTreeMap::new(),
            blocked: BTreeSet::new(),
            theirs: BTreeMap::new(),
            merged: BTreeSet::new(),
            ways: String::new(),
            log: String::new(),
        };
        if seed & 1 != 0 {
            history.ways.push_str("  commits: api\n");
        }
        if seed & 2 != 0 {
            history.ways.push_str("  autoMerge: squash\n");
        }
        let rules = github::BranchRules {
            required_checks: vec![("e2e".to_owned(), None)],
            ..github::BranchRules::default()
        };
        let mut state = history.server.state();
        state.rules.insert("main".to_owned(), rules);
        drop(state);
        for minor in MINORS {
            for patch in 0..=history.newest[&minor] {
                history
                    .published
                    .insert((minor, patch), "2025-12-01".parse().unwrap());
            }
        }
        let files = history.files();
        let pairs: Vec<(&str, Option<&str>)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        history.server.state().push("main", &pairs);
        history.configure();
        history.clone.commit();
        history
    }

    fn files(&self) -> Vec<(String, String)> {
        let list = self.clone.root();
        let mut left = vec![list.join("providers")];
        let mut found = Vec::new();
        while let Some(folder) = left.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() {
                    left.push(path);
                } else {
                    let name = path
                        .strip_prefix(&list)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned();
                    found.push((name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
        found
    }

    /// While this file is there, tests that are made here are red.
    fn broken(&self) -> std::path::PathBuf {
        self.clone.root().join("../broken")
    }

    /// Writes the configuration of the day to `main` and into the clone.
    fn configure(&self) {
        let mut text = format!(
            "pullRequests:\n  repository: acme/cluster-stacks\n  api: {}\n  author: {{name: Matrix Bot, email: bot@example.org}}\n  \
             changes: [new-patch, os-release, removal]\n{}minors: [\"1.33\", \"1.34\"]\nimages: from=v1.34.3\ngate:\n  \
             checks: [e2e]\n  commands: [{{name: local, run: test ! -e {}}}]\n",
            self.server.url(),
            self.ways,
            self.broken().display()
        );
        if !self.blocked.is_empty() {
            text.push_str("blocked:\n");
        }
        for (minor, patch) in &self.blocked {
            writeln!(text, "- version: v1.{minor}.{patch}\n  reason: bad kubelet").unwrap();
        }
        self.clone.write("csctl-matrix.yaml", &text);
        let main = self.server.state().head("main").unwrap();
        if self.server.state().file(main, "csctl-matrix.yaml").as_ref() != Some(&text) {
            self.server
                .state()
                .push("main", &[("csctl-matrix.yaml", Some(&text))]);
        }
    }

    /// What the world offers on the day, as a catalog file.
    fn catalog(&self) -> String {
        let mut text = format!(
            "schema: 1\nasOf: {}\nimageStores:\n- pattern: {STORE}/{{os}}-kube-v{{minor}}/{{os}}-kube-v{{version}}.qcow2\n  \
             searched: [\"1.33\", \"1.34\", \"1.35\"]\n  images:\n",
            self.day
        );
        for ((minor, patch), published) in &self.published {
            let build = self
                .builds
                .get(&(*minor, *patch))
                .copied()
                .unwrap_or_default();
            let sum = sha2::Sha256::digest(format!("1.{minor}.{patch} build {build}"));
            let sum: String = sum.iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            });
            let name = format!("ubuntu-2404-kube-v1.{minor}.{patch}");
            writeln!(
                text,
                "  - version: v1.{minor}.{patch}\n    os: ubuntu-2404\n    url: {STORE}/ubuntu-2404-kube-v1.{minor}/{name}.qcow2\n    \
                 sha256: {sum}\n    built: {published}"
            )
            .unwrap();
        }
        text.push_str("kubernetes:\n");
        for ((minor, patch), published) in &self.published {
            writeln!(
                text,
                "- version: v1.{minor}.{patch}\n  published: {published}"
            )
            .unwrap();
        }
        text.push_str("endOfLife: {\"1.33\": 2027-06-28, \"1.34\": 2027-10-27}\n");
        let path = self.clone.root().join("../catalog.yaml");
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Runs the program, and returns its outcomes by branch; nothing where it failed as a whole.
    fn run(&self) -> Option<BTreeMap<String, String>> {
        let output = self.command().output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).ok()?;
        let outcomes = report["outcomes"].as_array()?.iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Some(
            outcomes
                .map(|one| (text(&one["branch"]), text(&one["ended"])))
                .collect(),
        )
    }

    fn command(&self) -> Command {
        let mut command = program::pr(&self.clone.root(), &self.server.git_url(), TOKEN);
        command.args(["--catalog", &self.catalog(), "--format", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    fn own_branches(&self) -> Vec<String> {
        let branches = self.server.state().branches().into_keys();
        branches
            .filter(|name| name.starts_with("csctl-matrix/"))
            .collect()
    }

    /// What happens in the world and among people on a day.
    fn happen(&mut self) {
        for minor in MINORS {
            if self.dice.one_in(12) {
                let patch = self.newest[&minor] + 1;
                self.newest.insert(minor, patch);
                self.published.insert((minor, patch), self.day);
                writeln!(self.log, "{}: v1.{minor}.{patch} is out", self.day).unwrap();
            }
        }
        if self.dice.one_in(25) {
            let all: Vec<(u32, u32)> = self.published.keys().copied().collect();
            let again = *self.dice.pick(&all).unwrap();
            *self.builds.entry(again).or_default() += 1;
        }
        if self.dice.one_in(40) {
            let minor = *self.dice.pick(&MINORS).unwrap();
            // There is always another one left.
            if self.newest[&minor] > 9 {
                self.blocked.insert((minor, self.newest[&minor]));
                writeln!(
                    self.log,
                    "{}: v1.{minor}.{} is blocked",
                    self.day, self.newest[&minor]
                )
                .unwrap();
            }
        }
        match self.dice.next() % 14 {
            0 => fs::write(self.broken(), "").unwrap(),
            1 | 2 => drop(fs::remove_file(self.broken())),
            _ => {}
        }
        self.configure();
        if self.dice.one_in(15) {
            let note = format!("{}\n", self.day);
            self.server
                .state()
                .push("main", &[("NOTES.md", Some(&note))]);
        }
        self.people();
    }

    fn people(&mut self) {
        let open: Vec<(u64, String, Oid, bool)> = {
            let state = self.server.state();
            let pulls = state.open_pulls().into_iter();
            pulls
                .map(|pull| (pull.number, pull.head_branch.clone(), pull.head, pull.draft))
                .collect()
        };
        for (number, branch, head, is_draft) in open {
            match self.dice.next() % 12 {
                // Tests run, and mostly pass.
                0..=5 => {
                    let passes = !self.dice.one_in(5);
                    let conclusion = if passes { "success" } else { "failure" };
                    self.server.state().check(head, "e2e", Some(conclusion));
                }
                6 | 7 if !is_draft => self.merge(number, &branch, head),
                8 if self.dice.one_in(3) => {
                    self.server.state().close(number, PERSON);
                    self.server.state().delete_branch(&branch);
                    self.theirs.remove(&branch);
                    writeln!(self.log, "{}: {number} is closed", self.day).unwrap();
                }
                9 if self.dice.one_in(3) => {
                    let text = format!("{}\n", self.day);
                    let oid = self
                        .server
                        .state()
                        .push(&branch, &[("mine.txt", Some(&text))]);
                    self.theirs.insert(branch, oid);
                }
                10 if self.dice.one_in(4) => self.server.state().label(number, "csctl-matrix/stop"),
                11 => {
                    self.server.state().unlabel(number, "csctl-matrix/stop");
                    if self.dice.one_in(3) {
                        self.server.state().label(number, "csctl-matrix/again");
                        self.theirs.remove(&branch);
                    }
                }
                _ => {}
            }
        }
    }

    /// A person merges what is ready, right after a run.
    fn merge(&mut self, number: u64, branch: &str, head: Oid) {
        let csctl = format!("{STACK}/csctl.yaml");
        let (csctl, before) = {
            let state = self.server.state();
            let base = state.git.find_commit(head).unwrap().parent_id(0).unwrap();
            (state.file(head, &csctl).unwrap(), state.file(base, &csctl))
        };
        // A default that was blocked after it came to `main` is there until it is moved, which is the work of another one.
        let is_moved = before.as_ref() != Some(&csctl);
        for (minor, patch) in &self.blocked {
            assert!(
                !is_moved
                    || !csctl.contains(&format!("v1.{minor}.{patch}\n"))
                    || self.theirs.contains_key(branch),
                "{}: a blocked default is ready to be merged\n{}",
                self.day,
                self.log
            );
        }
        if self.server.state().merge(number, PERSON, "squash").is_ok() {
            self.server.state().delete_branch(branch);
            self.theirs.remove(branch);
            self.merged.insert(number);
            writeln!(self.log, "{}: {number} is merged", self.day).unwrap();
        }
    }

    fn trouble(&mut self) {
        let faults = [
            Fault::Status(502),
            Fault::LostAfter,
            Fault::LostBefore,
            Fault::StatusAfter(500),
            Fault::Half,
            Fault::Html(200),
        ];
        for _ in 0..3 {
            let fault = self.dice.pick(&faults).unwrap().clone();
            let (method, path) = *self
                .dice
                .pick(&[
                    ("GET", "/pulls"),
                    ("effect", "/"),
                    ("POST", "git-"),
                    ("PATCH", "/pulls"),
                ])
                .unwrap();
            let nth = u32::try_from(1 + self.dice.next() % 6).unwrap();
            self.server.fault(method, path, nth, fault);
        }
    }

    /// What holds on every evening.
    fn look(&self) {
        let told = || format!("{}\n{}", self.day, self.log);
        let state = self.server.state();
        let mut branches = BTreeSet::new();
        for pull in state.open_pulls() {
            assert!(
                branches.insert(pull.head_branch.clone()),
                "two for {}: {}",
                pull.head_branch,
                told()
            );
        }
        for (branch, oid) in &self.theirs {
            let head = state.head(branch);
            assert_eq!(
                head,
                Some(*oid),
                "a person's commit on {branch} is gone: {}",
                told()
            );
        }
        let open = state.open_pulls().into_iter().filter(|pull| !pull.draft);
        let by_itself = state.pulls.iter().filter(|pull| pull.merged.is_some());
        let by_itself = by_itself.filter(|pull| !self.merged.contains(&pull.number));
        for pull in open.chain(by_itself) {
            let mut of_head = state
                .check_runs
                .iter()
                .filter(|check| check.head == pull.head && check.name == "e2e");
            let last = of_head
                .next_back()
                .and_then(|check| check.conclusion.clone());
            let is_theirs = self.theirs.contains_key(&pull.head_branch) || !pull.labels.is_empty();
            let is_tested = pull.body.contains("| local | passed |");
            assert!(
                is_theirs || (is_tested && last.as_deref() == Some("success")),
                "{} is ready without green tests and checks: {}\n{}",
                pull.number,
                pull.body,
                told()
            );
        }
    }

    fn live(&mut self, days: u32) {
        for _ in 0..days {
            self.happen();
            if self.dice.one_in(10) {
                self.trouble();
                let _ = self.run();
                self.server.clear_script();
            }
            if self.dice.one_in(10) {
                let nth = u32::try_from(1 + self.dice.next() % 4).unwrap();
                self.server.kill_at(nth, self.command());
            }
            if self.dice.one_in(15) {
                let mut other = self.command().spawn().unwrap();
                let _ = self.run();
                other.wait().unwrap();
            }
            let evening = self.run();
            assert!(evening.is_some(), "{}\n{}", self.day, self.log);
            self.look();
            if self.dice.one_in(4) {
                // One is merged in each run; the others follow.
                let merges = |outcomes: BTreeMap<String, String>| {
                    outcomes.values().any(|ended| ended == "merged")
                };
                let mut rounds = 0;
                while merges(self.run().unwrap()) {
                    rounds += 1;
                    assert!(rounds < 9, "{}", self.log);
                }
                self.server.clear_log();
                let again = self.run().unwrap();
                let writes = self.server.mutations();
                assert!(
                    writes.is_empty(),
                    "{}: {writes:?} {again:?}\n{}",
                    self.day,
                    self.log
                );
            }
            self.day = self.day.tomorrow().unwrap();
        }
    }
}

/// Plays a history, or the one that the environment asks for.
fn play(seed: u64, days: u64) {
    let number = |name: &str, otherwise: u64| {
        let asked = std::env::var(name).ok();
        asked
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let mut history = History::begin(number("HISTORY_SEED", seed));
    history.live(u32::try_from(number("HISTORY_DAYS", days)).unwrap());
    // It was not a quiet time.
    let state = history.server.state();
    let merged = state
        .pulls
        .iter()
        .filter(|pull| pull.merged.is_some())
        .count();
    assert!(
        state.pulls.len() > 10 && merged > 3,
        "{} pull requests, {merged} merged\n{}",
        state.pulls.len(),
        history.log
    );
    drop(state);
    assert!(history.own_branches().len() < 20);
}

// A history for each of the four ways to work, so that they are played beside each other.

#[test]
fn promises_hold_where_people_merge_what_is_pushed() {
    play(4, 70);
}

#[test]
fn promises_hold_where_people_merge_and_the_forge_commits() {
    play(13, 60);
}

#[test]
fn promises_hold_where_what_is_pushed_is_merged_by_itself() {
    play(6, 70);
}

#[test]
fn promises_hold_where_the_forge_commits_and_pull_requests_are_merged_by_themselves() {
    play(7, 60);
}
