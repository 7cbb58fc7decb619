//! A repository of cluster stacks at the stand-in for GitHub, with a clone of it: what tests of `pr` begin with.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::github::{GitHubServer, TOKEN};
use crate::support::program::{self, Copy, Said, project};

/// A repository at the stand-in, and a clone of it.
pub struct Hosted {
    pub server: GitHubServer,
    pub clone: Copy,
    pub config: String,
    pub catalog: String,
    /// Where the cluster stacks are below the repository's root.
    pub below: &'static str,
}

pub fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.push((name.to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

impl Hosted {
    /// The test data's layout C on `main`.
    pub fn start() -> Self {
        Self::with("")
    }

    /// The same, with more in the configuration.
    pub fn with(config: &str) -> Self {
        Self::of("[new-patch, addons]", config)
    }

    /// The same, with pull requests of these classes of change.
    pub fn of(changes: &str, config: &str) -> Self {
        let server = serve_layout();
        let api = format!("  api: {}\n", server.url());
        Self::configured(server, &format!("{api}  changes: {changes}\n{config}"))
    }

    /// The same, where the environment names the API: it can be copied, since no file knows its port.
    pub fn portable(changes: &str, config: &str) -> Self {
        Self::configured(serve_layout(), &format!("  changes: {changes}\n{config}"))
    }

    /// A copy of a portable one in its present state.
    pub fn copied(&self) -> Self {
        Self {
            server: self.server.copied(),
            clone: Copy::of_copy(&self.clone),
            config: self.config.clone(),
            catalog: self.catalog.clone(),
            below: self.below,
        }
    }

    /// The test data after a run that opened all pull requests: made once, and copied for each test.
    pub fn opened() -> Self {
        static OPENED: LazyLock<Hosted> =
            LazyLock::new(|| Hosted::after_a_run("[new-patch, addons]"));
        OPENED.copied()
    }

    /// The same with pull requests of new patches alone.
    pub fn opened_with_patches() -> Self {
        static OPENED: LazyLock<Hosted> = LazyLock::new(|| Hosted::after_a_run("[new-patch]"));
        OPENED.copied()
    }

    fn after_a_run(changes: &str) -> Self {
        let hosted = Self::portable(changes, "");
        let outcomes = hosted.outcomes();
        assert!(!outcomes.is_empty());
        for outcome in outcomes {
            assert!(outcome.ends_with(": opened"), "{outcome}");
        }
        hosted
    }

    fn configured(server: GitHubServer, more: &str) -> Self {
        let clone = Copy::of("layout-c");
        let config = format!(
            "pullRequests:\n  repository: acme/cluster-stacks\n  author: {{name: Matrix Bot, email: bot@example.org}}\n{more}"
        );
        clone.write("csctl-matrix.yaml", &config);
        server
            .state()
            .push("main", &[("csctl-matrix.yaml", Some(&config))]);
        clone.commit();
        Self {
            server,
            clone,
            config,
            catalog: program::catalog(),
            below: "",
        }
    }

    /// Another machine: a clone that has none of the commits that earlier runs fetched or made.
    pub fn clone_anew(&mut self) {
        self.clone = Copy::of("layout-c");
        self.clone.write("csctl-matrix.yaml", &self.config).commit();
    }

    pub fn run(&self, options: &[&str]) -> Said {
        self.command(options).output().unwrap().into()
    }

    pub fn command(&self, options: &[&str]) -> Command {
        self.command_as("json", options)
    }

    pub fn command_as(&self, format: &str, options: &[&str]) -> Command {
        let cache = self.clone.root().join("../cache");
        let mut command = program::pr(&self.clone.path(self.below), &self.server.git_url(), TOKEN);
        command.args(["--catalog", &self.catalog, "--format", format]);
        command.arg("--cache-dir").arg(cache).args(options);
        command
            .env("GITHUB_SERVER_URL", self.server.url())
            .env("GITHUB_API_URL", self.server.url());
        command
    }

    /// Runs, and returns the outcomes as `line class: outcome`.
    pub fn outcomes(&self) -> Vec<String> {
        let said = self.run(&[]);
        assert!(
            said.status == 0 || said.status == 5,
            "{}\n{}",
            said.stdout,
            said.stderr
        );
        outcomes(&said)
    }
}

/// The stand-in with the test data's layout C on `main`.
fn serve_layout() -> GitHubServer {
    let layout = files(&project().join("testdata/layout-c"));
    let pairs: Vec<(&str, Option<&str>)> = layout
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    GitHubServer::start_with(&pairs)
}

pub fn outcomes(said: &Said) -> Vec<String> {
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let one = |outcome: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = &outcome["key"];
        format!(
            "{} {}: {}",
            text(&key["line"]),
            text(&key["class"]),
            text(&outcome["ended"])
        )
    };
    report["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .map(one)
        .collect()
}

/// The keys of the pull requests that the test data asks for. 1.32 has reached its end of life: only the image that its row
/// names and the list lacks is added.
pub const KEYS: [&str; 5] = [
    "openstack-scs2-1-32 new-patch",
    "openstack-scs2-1-33 new-patch",
    "openstack-scs2-1-33 addons",
    "openstack-scs2-1-34 new-patch",
    "openstack-scs2-1-34 addons",
];
pub const BRANCH: &str = "csctl-matrix/main/openstack-scs2/1-34/new-patch";

pub fn all(ended: &str) -> Vec<String> {
    KEYS.iter().map(|key| format!("{key}: {ended}")).collect()
}

pub fn of(outcomes: &[String], key: &str) -> String {
    let found = outcomes
        .iter()
        .find_map(|outcome| outcome.strip_prefix(&format!("{key}: ")));
    found.unwrap_or("none").to_owned()
}

pub const PATCH: &str = "openstack-scs2-1-34 new-patch";

impl Hosted {
    /// The number of the open pull request of the branch.
    pub fn number(&self) -> u64 {
        self.server.state().find_open(BRANCH, "main").unwrap()
    }

    /// A person does on `main` what the pull request does.
    pub fn do_by_hand(&self) {
        let mut state = self.server.state();
        let head = state.head(BRANCH).unwrap();
        let layout = files(&project().join("testdata/layout-c"));
        let done: Vec<(String, String)> = layout
            .into_iter()
            .filter_map(|(path, _)| Some((path.clone(), state.file(head, &path)?)))
            .collect();
        let pairs: Vec<(&str, Option<&str>)> = done
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        state.push("main", &pairs);
    }

    /// The comments on a pull request.
    pub fn comments(&self, number: u64) -> Vec<String> {
        let state = self.server.state();
        let of_it = state.comments.iter().filter(|one| one.number == number);
        of_it.map(|comment| comment.body.clone()).collect()
    }

    /// What a run leaves behind: the open pull requests by their branches, with title, visible text and state, and the branches.
    pub fn left(&self) -> Vec<String> {
        let state = self.server.state();
        let mut left: Vec<String> = state.branches().into_keys().collect();
        for pull in state.open_pulls() {
            let (visible, _) = pull.body.split_once("<!-- csctl-matrix:v1").unwrap();
            left.push(format!(
                "{} -> {}\n{}\n{visible}\n{} {:?}",
                pull.head_branch, pull.base_branch, pull.title, pull.draft, pull.labels
            ));
        }
        left.sort();
        left
    }
}
