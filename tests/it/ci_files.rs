//! The GitHub Action and the examples of docs/ci.md: they are YAML, the options they use exist, no input becomes a part of a script,
//! and the action's script does what it says, with a program that only notes its arguments and with the real one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::github::{GitHubServer, TOKEN};
use crate::support::program::{self, Copy, Said, project};
use serde_yaml::Value;
use tempfile::TempDir;

fn action() -> Value {
    let text = fs::read_to_string(project().join("action.yml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// The examples of docs/ci.md.
fn examples() -> Vec<Value> {
    let page = fs::read_to_string(project().join("docs/ci.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    let texts = blocks.map(|block| block.split_once("```").unwrap().0);
    texts
        .map(|text| serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}")))
        .collect()
}

/// All texts of a document, with the key they stand under.
fn texts(value: &Value, key: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((key.to_owned(), text.clone())),
        Value::Sequence(items) => items.iter().for_each(|item| texts(item, key, found)),
        Value::Mapping(entries) => {
            for (key, item) in entries {
                texts(item, key.as_str().unwrap_or_default(), found);
            }
        }
        Value::Tagged(tagged) => texts(&tagged.value, key, found),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn all_texts(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    texts(value, "", &mut found);
    found
}

/// The options in a text: `--dry-run`, not `--` alone.
fn options(text: &str) -> Vec<&str> {
    let words = text.split_whitespace();
    words
        .filter(|word| word.len() > 2 && word.starts_with("--"))
        .collect()
}

/// Splits a call into the names of its command and what follows.
fn split_command(line: &str) -> (Vec<&str>, &str) {
    let names = if line.starts_with("release ") { 2 } else { 1 };
    let parts: Vec<&str> = line.splitn(names + 1, ' ').collect();
    let rest = parts.get(names).copied().unwrap_or_default();
    (parts[..names].to_vec(), rest)
}

fn help(command: &[&str]) -> String {
    program::run(&[command, &["--help"]].concat()).success()
}

#[test]
fn commands_of_the_examples_exist_with_their_options() {
    let mut commands = 0;
    for example in examples() {
        for (_, text) in all_texts(&example) {
            let lines = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("csctl-matrix "));
            for line in lines {
                let (command, rest) = split_command(line);
                let help = help(&command);
                for option in options(rest) {
                    assert!(
                        help.split_whitespace().any(|word| word == option),
                        "{command:?} has no {option}"
                    );
                }
                commands += 1;
            }
        }
    }
    assert!(commands >= 9, "{commands} commands");
}

#[test]
fn options_of_the_action_exist() {
    let script = step()["run"].as_str().unwrap().to_owned();
    let help = help(&["pr"]);
    let options = options(&script);
    assert!(options.len() >= 3, "{options:?}");
    for option in options {
        assert!(
            help.split_whitespace().any(|word| word == option),
            "pr has no {option}"
        );
    }
}

#[test]
fn no_expression_is_a_part_of_a_script_and_foreign_actions_are_pinned() {
    let mut scripts = 0;
    for document in [vec![action()], examples()].concat() {
        for (key, text) in all_texts(&document) {
            if ["run", "script", "before_script", "cmd"].contains(&key.as_str()) {
                scripts += 1;
                assert!(!text.contains("${{"), "{text}");
            }
            if key == "uses" {
                let (name, commit) = text.split_once('@').unwrap();
                let is_sha = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
                let is_own = name.ends_with("/csctl-matrix") && commit == "COMMIT";
                assert!(is_sha || is_own, "{text} is not pinned");
            }
        }
    }
    assert!(scripts >= 8, "{scripts} scripts");
    let uses = all_texts(&action());
    assert!(
        !uses.iter().any(|(key, _)| key == "uses"),
        "the action uses another one"
    );
}

#[test]
fn inputs_and_outputs_of_the_action_are_documented_and_used() {
    let action = action();
    let page = fs::read_to_string(project().join("docs/ci.md")).unwrap();
    let steps = serde_yaml::to_string(&action["runs"]).unwrap();
    for (name, _) in action["inputs"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
        assert!(steps.contains(&format!("inputs.{name}")), "{name}");
    }
    let script = step()["run"].as_str().unwrap().to_owned();
    for (name, output) in action["outputs"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        assert_eq!(
            output["value"],
            format!("${{{{ steps.pr.outputs.{name} }}}}")
        );
        assert!(page.contains(&format!("`{name}`")) && script.contains(&format!("'{name}=%s")));
    }
}

fn step() -> Value {
    let action = action();
    let steps = action["runs"]["steps"].as_sequence().unwrap();
    steps
        .iter()
        .find(|step| step["id"] == "pr")
        .unwrap()
        .clone()
}

/// A job in which the action's script is run as the runner runs it.
struct Job {
    folder: TempDir,
}

impl Job {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        // Notes its arguments, adds a table to the summary, and reports.
        let fake = "#!/bin/bash\nprintf '%s\\n' \"$@\" > arguments\nenv > environment\necho '| table |' >> \"$7\"\n\
                    printf '{\\n  \"schema\": 1,\\n  \"outcomes\": []\\n}\\n'\nexit \"$(cat status)\"\n";
        let job = Self { folder };
        job.write("fake", fake);
        job.write("status", "0");
        Command::new("chmod")
            .arg("+x")
            .arg(job.path("fake"))
            .status()
            .unwrap();
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs the script with these inputs; others are as by default.
    fn run(&self, inputs: &[(&str, &str)]) -> Said {
        let (step, action) = (step(), action());
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        for (name, input) in action["inputs"].as_mapping().unwrap() {
            let default = input["default"].as_str().unwrap_or_default();
            values.insert(name.as_str().unwrap().to_owned(), default.to_owned());
        }
        values.extend(
            inputs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c"])
            .arg(step["run"].as_str().unwrap())
            .current_dir(self.folder.path())
            .env_clear()
            .envs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("NO_PROXY", "*")])
            .env("RUNNER_TEMP", self.folder.path())
            .env("GITHUB_OUTPUT", self.path("output"))
            .env("GITHUB_STEP_SUMMARY", self.path("summary"));
        for (name, value) in step["env"].as_mapping().unwrap() {
            let input = value.as_str().unwrap();
            let input = input
                .trim_start_matches("${{ inputs.")
                .trim_end_matches(" }}");
            command.env(name.as_str().unwrap(), &values[input]);
        }
        command.output().unwrap().into()
    }

    fn run_fake(&self, inputs: &[(&str, &str)]) -> Said {
        let fake = self.path("fake").display().to_string();
        self.run(&[&[("binary", fake.as_str()), ("token", "x")], inputs].concat())
    }

    fn arguments(&self) -> Vec<String> {
        self.read("arguments").lines().map(str::to_owned).collect()
    }
}

#[test]
fn the_action_writes_summary_and_outputs() {
    let job = Job::start();
    let said = job.run_fake(&[]).success();
    assert!(said.contains("\"outcomes\": []"), "{said}");
    let summary = job.path("summary").display().to_string();
    let expected = ["-C", ".", "pr", "--format", "json", "--summary", &summary];
    assert_eq!(job.arguments(), expected);
    assert_eq!(job.read("summary"), "| table |\n");
    let output = job.read("output");
    assert_eq!(
        output,
        "status=0\noutcomes={  \"schema\": 1,  \"outcomes\": []}\n"
    );
}

#[test]
fn the_action_takes_inputs_as_they_are() {
    let job = Job::start();
    let remote = "https://x/$(touch pwned).git";
    let arguments =
        format!("--remote\n{remote}\n\n--as-of\n2026-06-15\n`touch pwned` ; touch pwned\n");
    let inputs = [
        ("directory", "a b;touch pwned"),
        ("dry-run", "true"),
        ("arguments", arguments.as_str()),
    ];
    job.run_fake(&inputs).success();
    let found = job.arguments();
    assert_eq!(found[1], "a b;touch pwned");
    let rest = ["--dry-run", "--remote", remote, "--as-of", "2026-06-15"];
    assert_eq!(found[7..12], rest);
    assert_eq!(found[12..], ["`touch pwned` ; touch pwned"]);
    assert!(!job.path("pwned").exists());
}

#[test]
fn the_action_ends_as_the_program_does_but_for_limits() {
    for (status, ended) in [("0", 0), ("1", 1), ("2", 2), ("5", 0)] {
        let job = Job::start();
        job.write("status", status);
        let said = job.run_fake(&[]);
        assert_eq!(said.status, ended, "{}", said.stderr);
        assert!(
            job.read("output")
                .starts_with(&format!("status={status}\n"))
        );
        assert_eq!(said.stdout.contains("::warning::"), status == "5");
    }
    let job = Job::start();
    let said = job.run_fake(&[("dry-run", "yes")]);
    assert_eq!(said.status, 2);
    assert!(
        job.arguments().is_empty(),
        "a wish that is not understood changes nothing"
    );
}

#[test]
fn the_action_gives_credentials_as_variables_and_wants_some() {
    let job = Job::start();
    let fake = job.path("fake").display().to_string();
    let key = "-----BEGIN KEY-----\nTUlJ\n-----END KEY-----\n";
    let app = [
        ("binary", fake.as_str()),
        ("app-id", "Iv1.x"),
        ("app-private-key", key),
    ];
    let _ = job.run(&app).success();
    let environment = job.read("environment");
    let expected = format!("GITHUB_APP_PRIVATE_KEY={key}");
    assert!(
        environment.contains("GITHUB_APP_ID=Iv1.x\n") && environment.contains(&expected),
        "{environment}"
    );
    assert!(!job.arguments().join("\n").contains("TUlJ"));
    let job = Job::start();
    let fake = job.path("fake").display().to_string();
    let said = job.run(&[("binary", &fake)]);
    assert_eq!(said.status, 2);
    assert!(
        said.stdout.contains("::error::give app-id"),
        "{}",
        said.stdout
    );
    assert!(job.arguments().is_empty(), "nothing was run");
}

#[test]
fn the_action_runs_the_program() {
    let job = Job::start();
    let server = GitHubServer::start();
    let clone = Copy::of("layout-c");
    let config = format!(
        "pullRequests:\n  repository: acme/cluster-stacks\n  api: {}\n  author: {{name: Matrix Bot, email: bot@example.org}}\n",
        server.url()
    );
    clone.write("csctl-matrix.yaml", &config).commit();
    server.push_copy("main", &clone);
    let root = clone.root().display().to_string();
    let arguments = format!(
        "--remote\n{}\n--catalog\n{}\n--cache-dir\n{}\n",
        server.git_url(),
        program::catalog(),
        clone.cache()
    );
    let said = job.run(&[
        ("binary", env!("CARGO_BIN_EXE_csctl-matrix")),
        ("directory", &root),
        ("dry-run", "true"),
        ("token", TOKEN),
        ("arguments", &arguments),
    ]);
    assert_eq!(said.status, 0, "{}\n{}", said.stdout, said.stderr);
    assert!(server.mutations().is_empty(), "{:?}", server.mutations());
    let output = job.read("output");
    let outcomes = output
        .lines()
        .find_map(|line| line.strip_prefix("outcomes="))
        .unwrap();
    let report: serde_json::Value = serde_json::from_str(outcomes).unwrap();
    assert!(
        report["outcomes"].as_array().unwrap().len() >= 6,
        "{report}"
    );
    let summary = job.read("summary");
    assert!(
        summary.contains("| openstack-scs2-1-34 | new-patch | main |"),
        "{summary}"
    );
    assert!(!said.stdout.contains(TOKEN) && !summary.contains(TOKEN));
}

/// The calls of `release publish` in the examples, with the job around them.
fn publishing() -> Vec<(Value, String)> {
    let mut found = Vec::new();
    for example in examples() {
        for (_, text) in all_texts(&example) {
            if text.contains("csctl-matrix release publish") {
                found.push((example.clone(), text));
            }
        }
    }
    found
}

#[test]
fn every_forge_has_a_job_that_publishes_what_was_merged() {
    let jobs = publishing();
    assert_eq!(jobs.len(), 3, "GitHub, GitLab, Zuul");
    let (github, call) = &jobs[0];
    assert!(
        call.contains("--require-checks \"$GITHUB_REPOSITORY\" --wait "),
        "{call}"
    );
    let rights = &github["jobs"]["publish"]["permissions"];
    assert_eq!(rights.as_mapping().unwrap().len(), 3);
    for right in ["contents", "checks", "statuses"] {
        assert_eq!(rights[right], "read", "{right}");
    }
    let (gitlab, _) = &jobs[1];
    let job = &gitlab["matrix-publish"];
    assert_eq!(job["needs"][0], "matrix-check");
    let condition = &job["rules"][0]["if"];
    assert_eq!(*condition, gitlab["matrix-check"]["rules"][1]["if"]);
    assert!(condition.as_str().unwrap().contains("$CI_DEFAULT_BRANCH"));
    let zuul = examples()
        .into_iter()
        .find(|example| example[0]["job"]["name"] == "csctl-matrix-check")
        .unwrap();
    let items = zuul.as_sequence().unwrap();
    let project = &items
        .iter()
        .find(|item| !item["project"].is_null())
        .unwrap()["project"];
    assert_eq!(project["post"]["jobs"][0], "csctl-matrix-publish");
    assert_eq!(project["gate"]["jobs"][0], "csctl-matrix-check");
}
