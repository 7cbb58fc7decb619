//! Whole runs of `pr` over made-up repositories, against the tests' stand-in for GitHub on loopback: `cargo bench --bench pr`. It prints
//! one row per run, with the requests it sent to the API and for git. The stand-in's work is part of the time, and
//! the pause between two writes, a second against GitHub, is left out.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails where its data is not what it says"
)]

#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "the tests use more of them"
)]
mod support {
    #[path = "../../tests/it/support/github.rs"]
    pub(crate) mod github;
    #[path = "../../tests/it/support/program.rs"]
    pub(crate) mod program;
    #[path = "../../tests/it/support/server.rs"]
    pub(crate) mod server;
}

use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use support::github::{GitHubServer, TOKEN};
use support::program::{self, Copy, Said, project};
use tempfile::TempDir;

fn main() {
    println!("| what | wall | requests | that change something |");
    println!("|---|---|---|---|");
    for stacks in [10, 100] {
        let site = Site::start(stacks);
        let what = format!("`pr`, {stacks} stack directories that get a patch");
        site.row(&format!("{what}, `--dry-run`"), &["--dry-run"], "opened");
        site.row(&format!("{what}, the first run"), &[], "opened");
        site.row("the same, nothing left to do", &[], "up-to-date");
    }
}

/// A repository at the stand-in, and a clone of it.
struct Site {
    server: GitHubServer,
    clone: Copy,
    made: TempDir,
    stacks: usize,
}

impl Site {
    fn start(stacks: usize) -> Self {
        let made = TempDir::new().unwrap();
        let status = Command::new(project().join("scripts/generate-monorepo"))
            .arg(made.path())
            .args(["--stacks", &stacks.to_string()])
            .status();
        assert!(status.unwrap().success());
        let files = program::files_of(made.path());
        let texts: Vec<(&str, Option<&str>)> = files
            .iter()
            .map(|(path, bytes)| (path.as_str(), Some(str::from_utf8(bytes).unwrap())))
            .collect();
        let server = GitHubServer::start_with(&texts);
        let config = format!(
            "pullRequests:\n  repository: acme/cluster-stacks\n  api: {}\n  author: {{name: Matrix Bot, email: bot@example.org}}\n  \
             changes: [new-patch]\n  atMost: {{opened: {stacks}, pushed: {stacks}}}\ngate: {{checks: none}}\n",
            server.url()
        );
        let clone = Copy::of_path(made.path());
        clone.write("csctl-matrix.yaml", &config).commit();
        let mut state = server.state();
        state.push("main", &[("csctl-matrix.yaml", Some(&config))]);
        drop(state);
        Self {
            server,
            clone,
            made,
            stacks,
        }
    }

    /// Measures one run, all of whose pull requests end in the same way.
    fn row(&self, what: &str, options: &[&str], ended: &str) {
        self.server.clear_log();
        let start = Instant::now();
        let said = self.run(options);
        let wall = start.elapsed();
        let report = said.json();
        let outcomes = report["outcomes"].as_array().unwrap();
        let same = |outcome: &&Value| outcome["ended"] == ended;
        assert_eq!(
            outcomes.iter().filter(same).count(),
            self.stacks,
            "{report:#}"
        );
        let (all, mutating) = (self.server.log().len(), self.server.mutations().len());
        println!(
            "| {what} | {:.2} s | {all} | {mutating} |",
            wall.as_secs_f64()
        );
    }

    fn run(&self, options: &[&str]) -> Said {
        let mut command = program::pr(&self.clone.root(), &self.server.git_url(), TOKEN);
        let catalog = self.made.path().join("catalog.yaml");
        command.arg("--catalog").arg(catalog);
        command.args(["--cache-dir", &self.clone.cache(), "--format", "json"]);
        command.args(options);
        command.output().unwrap().into()
    }
}
