//! What people and machines have to be able to rely on where somebody wants it otherwise: tokens stay where they were given for, texts of
//! others do nothing to a terminal, and what people do while tests run is what counts.

use std::fs;
use std::path::Path;

use crate::support::github::{self, PERSON, TOKEN};
use crate::support::hosted::{BRANCH, Hosted, PATCH, of, outcomes};
use crate::support::program::{self, Copy, Said, program};
use crate::support::server::{self, Reply, Server};
use base64::Engine as _;

const ADDONS: &str = "openstack-scs2-1-34 addons";

/// A server of somebody who would like to have the token. It says what it was told.
fn thief() -> Server {
    Server::start(|request| {
        let told = request.header("authorization").unwrap_or("nothing");
        Reply::status(403)
            .with("X-Told", told)
            .with("WWW-Authenticate", told)
    })
}

/// Returns what a server was told of secrets.
fn stolen(server: &Server) -> Vec<String> {
    let log = server.log();
    let headers = log.iter().flat_map(|line| &line.headers);
    let told = headers.filter(|(name, _)| name == "authorization");
    told.map(|(_, value)| value.clone()).collect()
}

/// Tells whether a text has the token in it, in any encoding.
fn tells(text: &str) -> bool {
    let percent = TOKEN
        .bytes()
        .fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD_NO_PAD.encode(text);
    let basic = base64(&format!("x-access-token:{TOKEN}"));
    // The first letters of a Basic header tell no more than the user.
    let forms = [TOKEN, &percent, &base64(TOKEN), &basic[22..]].map(str::to_owned);
    forms.iter().any(|form| text.contains(form.as_str()))
}

/// Returns the files below a directory that have the token in them.
fn telling_files(directory: &Path) -> Vec<String> {
    let mut telling = Vec::new();
    for entry in fs::read_dir(directory)
        .into_iter()
        .flatten()
        .map(Result::unwrap)
    {
        let path = entry.path();
        if path.is_dir() {
            telling.extend(telling_files(&path));
        } else if tells(&String::from_utf8_lossy(&fs::read(&path).unwrap())) {
            telling.push(path.display().to_string());
        }
    }
    telling
}

fn assert_silent(said: &Said) {
    assert!(
        !tells(&said.stdout) && !tells(&said.stderr),
        "{}{}",
        said.stdout,
        said.stderr
    );
}

#[test]
fn mirrors_of_a_file_never_see_a_token() {
    let thief = thief();
    let copy = Copy::of("layout-c");
    let mirror = |from: &str| format!("- from: {from}\n  to: {}/\n", thief.url());
    let hosts = [
        "https://api.github.com/",
        "https://github.com/",
        "https://raw.githubusercontent.com/",
        "https://images.example.org/",
        "https://charts.example.org/",
        "https://kubernetes.github.io/",
    ];
    let mirrors: String = hosts.map(mirror).concat();
    copy.write(
        "csctl-matrix.yaml",
        &format!("mirrors:\n{mirrors}check:\n  with: [catalog]\n"),
    );
    copy.commit();
    copy.git(&[
        "remote",
        "add",
        "origin",
        "https://github.com/acme/cluster-stacks.git",
    ]);
    let root = copy.root().display().to_string();
    for words in [
        &["plan"][..],
        &["show"],
        &["test"],
        &["update"],
        &["check"],
        &["doctor"],
        &["catalog", "show"],
        &["catalog", "fetch", "-o", "-"],
    ] {
        // Nobody else is asked either: everything that has no mirror goes to a proxy that refuses.
        let proxy = server::refusing_url();
        let said: Said = program(&[words, &["-C", &root]].concat())
            .env("GITHUB_TOKEN", TOKEN)
            .env("HTTPS_PROXY", &proxy)
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap()
            .into();
        assert_silent(&said);
        copy.git(&["checkout", "-q", "."]);
    }
    assert!(!thief.log().is_empty(), "the mirrors are asked, by nobody");
    assert_eq!(stolen(&thief), [""; 0]);
}

#[test]
fn mirrors_of_a_base_branch_never_see_a_token() {
    let thief = thief();
    let hosted = Hosted::with("branches:\n- base: main\n- base: maint\n");
    let mirrors = format!(
        "{}mirrors:\n- from: {}/\n  to: {}/\n- from: https://api.github.com/\n  to: {}/\n",
        hosted.config,
        hosted.server.url(),
        thief.url(),
        thief.url()
    );
    let mut state = hosted.server.state();
    let main = state.head("main").unwrap();
    state.set_head("maint", main);
    state.push("maint", &[("csctl-matrix.yaml", Some(&mirrors))]);
    drop(state);
    let said = hosted.run(&[]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(stolen(&thief), [""; 0]);
}

#[test]
fn an_api_of_a_file_is_believed_where_it_is_the_remote_s_own() {
    let thief = thief();
    for remote in ["https://github.com/acme/cluster-stacks.git", "."] {
        let hosted = Hosted::start();
        let config = hosted.config.replace(&hosted.server.url(), &thief.url());
        hosted.clone.write("csctl-matrix.yaml", &config).commit();
        let root = hosted.clone.root().display().to_string();
        let words = ["doctor", "--remote", remote, "-C", &root, "--offline"];
        let said: Said = program(&words)
            .env("GITHUB_TOKEN", TOKEN)
            .output()
            .unwrap()
            .into();
        assert!(said.stdout.contains(&thief.url()), "{}", said.stdout);
        assert!(said.stdout.contains("--api"), "{}", said.stdout);
        assert_silent(&said);
    }
    assert_eq!(thief.log().len(), 0);
}

#[test]
fn doctor_asks_no_host_that_the_clone_alone_names() {
    let thief = thief();
    let copy = Copy::of("layout-c");
    copy.commit();
    copy.git(&[
        "remote",
        "add",
        "origin",
        &format!("{}/acme/cluster-stacks.git", thief.url()),
    ]);
    let root = copy.root().display().to_string();
    let catalog = program::catalog();
    let words = ["doctor", "-C", &root, "--catalog", &catalog];
    let said: Said = program(&words)
        .env("GITHUB_TOKEN", TOKEN)
        .output()
        .unwrap()
        .into();
    assert!(said.stdout.contains("doctor --remote"), "{}", said.stdout);
    assert_eq!(thief.log().len(), 0);
}

#[test]
fn a_repository_of_a_file_is_believed_where_it_is_the_remote_s_own() {
    let hosted = Hosted::start();
    let config = hosted.config.replace("acme/cluster-stacks", "acme/other");
    hosted
        .server
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&config))]);
    let error = hosted.run(&[]).failure(1);
    assert!(error.contains("is of acme/cluster-stacks"), "{error}");
    assert_eq!(hosted.server.mutations(), [""; 0]);
}

#[test]
fn what_lies_in_the_working_directory_has_no_say_in_pull_requests() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    for has_config in [true, false] {
        let hosted = Hosted::start();
        if !has_config {
            let mut state = hosted.server.state();
            state.push("main", &[("csctl-matrix.yaml", None)]);
        }
        let hostile = format!(
            "{}gate: {{checks: none, commands: [{{name: evil, run: 'echo > {}'}}]}}\n",
            hosted
                .config
                .replace("changes:", "prefix: evil\n  changes:"),
            ran.display()
        );
        hosted.clone.write("csctl-matrix.yaml", &hostile).commit();
        let mut command = hosted.command(&["--dry-run"]);
        let said: Said = command.output().unwrap().into();
        assert!(
            said.stderr.contains("is the one that counts"),
            "{}",
            said.stderr
        );
        assert!(!said.stdout.contains("evil/"), "{}", said.stdout);
        assert!(!ran.exists(), "a command of the working directory was run");
    }
}

#[test]
fn the_token_of_another_github_is_not_sent_to_github() {
    let thief = thief();
    let hosted = Hosted::start();
    let mirror = format!("https://api.github.com/={}/", thief.url());
    let root = hosted.clone.root().display().to_string();
    for command in ["pr", "doctor"] {
        let words = [
            command,
            "-C",
            &root,
            "--remote",
            &hosted.server.git_url(),
            "--mirror",
            &mirror,
            "--timeout",
            "20s",
        ];
        let mut program = program(&words);
        program
            .env("GITHUB_TOKEN", TOKEN)
            .env("NO_PROXY", "127.0.0.1");
        program.env("HTTPS_PROXY", server::refusing_url());
        program.output().unwrap();
    }
    assert!(
        !thief.log().is_empty(),
        "it is asked what GitHub tells everybody"
    );
    assert_eq!(stolen(&thief), [""; 0]);
}

#[test]
fn the_token_of_a_job_of_another_github_is_not_sent_to_github() {
    let thief = thief();
    let copy = Copy::of("layout-c");
    copy.commit();
    let root = copy.root().display().to_string();
    let mirror = format!("https://api.github.com/={}/", thief.url());
    let words = ["plan", "-C", &root, "--mirror", &mirror];
    let run = |api: &str| {
        let mut command = program(&words);
        command
            .env("GITHUB_TOKEN", TOKEN)
            .env("GITHUB_API_URL", api);
        command
            .env("HTTPS_PROXY", server::refusing_url())
            .env("NO_PROXY", "127.0.0.1");
        command.output().unwrap();
        stolen(&thief).len()
    };
    assert_eq!(run("https://ghe.example.org/api/v3"), 0);
    assert!(
        run("https://api.github.com") > 0,
        "a mirror of the command line gets it"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn commands_of_the_gate_find_no_secret_of_the_process_above_them() {
    let look = "cat /proc/$PPID/environ /proc/$PPID/cmdline /proc/self/environ > \\\"$SEEN\\\"; tr '\\\\0' '\\\\n' < /proc/$PPID/environ";
    let hosted = Hosted::of(
        "[new-patch]",
        &format!("gate:\n  commands:\n  - name: look\n    run: \"{look}\"\n"),
    );
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let output = hosted
        .command(&["--minor", "1.34"])
        .env("SEEN", &seen)
        .output();
    let said: Said = output.unwrap().into();
    assert_eq!(said.status, 0, "{}", said.stderr);
    let seen = fs::read(&seen).unwrap();
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.contains("GITHUB_TOKEN=") && !tells(&seen), "{seen}");
}

#[test]
fn what_a_server_sends_back_of_a_secret_is_neither_shown_nor_kept() {
    let echo = Server::start(|request| {
        let told = request
            .header("authorization")
            .unwrap_or("nothing")
            .to_owned();
        let body = format!("{{\"message\": \"you said {told} {}\"}}", "%67%68%70");
        Reply {
            body: body.into(),
            ..Reply::status(403)
        }
        .with("Content-Type", "application/json")
    });
    let hosted = Hosted::start();
    let root = hosted.clone.root().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let (cache, summary) = (
        folder.path().join("cache"),
        folder.path().join("summary.md"),
    );
    let remote = format!("{}/acme/cluster-stacks.git", echo.url());
    let catalog = program::catalog();
    for command in ["pr", "doctor"] {
        for format in ["text", "json", "markdown"] {
            let words = [
                command,
                "-C",
                &root,
                "--remote",
                &remote,
                "--api",
                &echo.url(),
                "--catalog",
                &catalog,
                "--format",
                format,
            ];
            let mut program = program(&words);
            program
                .arg("--cache-dir")
                .arg(&cache)
                .env("TMPDIR", folder.path());
            if command == "pr" {
                program.arg("--summary").arg(&summary);
            }
            let said: Said = program
                .env("GITHUB_TOKEN", TOKEN)
                .env("NO_PROXY", "*")
                .output()
                .unwrap()
                .into();
            assert_silent(&said);
        }
    }
    assert!(
        !stolen(&echo).is_empty(),
        "it was asked with the token, as it was named"
    );
    assert_eq!(telling_files(folder.path()), [""; 0]);
    assert_eq!(telling_files(&hosted.clone.root()), [""; 0]);
}

#[test]
fn names_of_others_neither_move_the_cursor_nor_speak_to_a_runner() {
    let nasty = "::error::taken over\u{1b}[2J\u{7}##[error]x :\u{fdd0}:error::x #\u{fdd0}#[error]x \u{fdd1}";
    let copy = Copy::of("layout-c");
    let chart = "providers/openstack/scs2/cluster-addon/ccm/Chart.yaml";
    let text = copy.read(chart);
    let name = "\"::error::taken over\\e[2J\\a##[error]x\"";
    copy.write(
        chart,
        &text.replace(
            "name: openstack-cloud-controller-manager",
            &format!("name: {name}"),
        ),
    );
    let readme = "providers/openstack/scs2/README.md";
    let text = copy.read(readme);
    copy.write(
        readme,
        &format!("{nasty}\n{text}").replace("  versions:\n", &format!("  {nasty}\n  versions:\n")),
    );
    copy.commit();
    let root = copy.root().display().to_string();
    let catalog = program::catalog();
    for words in [&["plan"][..], &["show"], &["check"], &["test"]] {
        for format in ["text", "json", "markdown"] {
            for color in ["never", "always"] {
                let more = [
                    "-C",
                    &root,
                    "--catalog",
                    &catalog,
                    "--format",
                    format,
                    "--color",
                    color,
                ];
                let said = program::run(&[words, &more].concat());
                for shown in [&said.stdout, &said.stderr] {
                    let has_raw = |sign: char| {
                        let is_mark = ('\u{fdd0}'..='\u{fdef}').contains(&sign);
                        is_mark || (sign.is_control() && !"\n\t\u{1b}".contains(sign))
                    };
                    assert!(
                        !shown.contains(has_raw) && !shown.contains("\u{1b}[2J"),
                        "{shown}"
                    );
                    let speaks =
                        |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
                    assert!(!shown.lines().any(speaks), "{words:?} {format}\n{shown}");
                }
                if format == "json" {
                    serde_json::from_str::<serde_json::Value>(&said.stdout).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_reference_is_never_in_git_s_own_directory() {
    for files in [".git/config", "a/.GIT/config", ".git./config"] {
        let copy = Copy::of("layout-c");
        let hosted = format!(
            "references:\n- {{files: '{files}', pattern: 'url = {{value}}', value: kubernetes}}\n"
        );
        copy.write("csctl-matrix.yaml", &hosted).commit();
        let root = copy.root().display().to_string();
        let error =
            program::run(&["plan", "-C", &root, "--catalog", &program::catalog()]).failure(1);
        assert!(error.contains("git's own directory"), "{error}");
    }
    let copy = Copy::of("layout-c");
    copy.commit();
    std::os::unix::fs::symlink(".git", copy.path("link")).unwrap();
    let hosted =
        "references:\n- {files: link/config, pattern: 'url = {value}', value: kubernetes}\n";
    copy.write("csctl-matrix.yaml", hosted);
    copy.git(&[
        "remote",
        "add",
        "origin",
        &format!("https://x:{TOKEN}@github.com/a/b.git"),
    ]);
    let root = copy.root().display().to_string();
    assert_silent(&program::run(&[
        "plan",
        "-C",
        &root,
        "--catalog",
        &program::catalog(),
    ]));
}

/// Files that look like a bare repository with a remote of its own.
fn plant_repository(copy: &Copy, directory: &str, remote: &str, core: &str) {
    for (path, text) in [
        ("HEAD", "ref: refs/heads/main\n"),
        ("objects/info/keep", ""),
        ("objects/pack/.keep", ""),
        ("refs/heads/.keep", ""),
        (
            "csctl-matrix-update/journal.json",
            "{\"form\": 2, \"steps\": []}",
        ),
    ] {
        copy.write(&format!("{directory}/{path}"), text);
    }
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\t{core}\n[remote \"origin\"]\n\turl = {remote}/o/r.git\n"
    );
    copy.write(&format!("{directory}/config"), &config);
}

#[test]
fn what_looks_like_a_repository_within_a_working_tree_is_none() {
    for core in ["bare = true", "bare = false\n\tworktree = ."] {
        let thief = thief();
        let hosted = Hosted::start();
        plant_repository(&hosted.clone, "stacks", &thief.url(), core);
        hosted
            .clone
            .write("stacks/providers/a/b/csctl.yaml", "a: b\n")
            .commit();
        let origin = hosted.server.git_url();
        hosted.clone.git(&["remote", "add", "origin", &origin]);
        let inside = hosted.clone.path("stacks");
        for words in [
            &["pr", "--write-pause", "0"][..],
            &["doctor"],
            &["plan"],
            &["update"],
        ] {
            let mut command = program(words);
            command
                .arg("-C")
                .arg(&inside)
                .args(["--catalog", &hosted.catalog]);
            command.env("GITHUB_TOKEN", TOKEN).env("NO_PROXY", "*");
            let said: Said = command.output().unwrap().into();
            assert_silent(&said);
            assert!(!said.stderr.contains("interrupted"), "{}", said.stderr);
        }
        assert_eq!(thief.log().len(), 0, "{core}");
    }
}

#[test]
fn a_reference_is_not_read_along_a_link_that_leads_out() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(
        outside.path().join("hosts.yml"),
        format!("oauth: {TOKEN}\n"),
    )
    .unwrap();
    let copy = Copy::of("layout-c");
    copy.commit();
    std::os::unix::fs::symlink(outside.path(), copy.path("od")).unwrap();
    for place in ["path: oauth", "pattern: 'oauth: {value}'"] {
        let hosted =
            format!("references:\n- {{files: od/hosts.yml, {place}, value: '{{{{default}}}}'}}\n");
        copy.write("csctl-matrix.yaml", &hosted);
        for words in [&["show", "--references"][..], &["plan"]] {
            let root = copy.root().display().to_string();
            let more = ["-C", &root, "--catalog", &program::catalog()];
            let said = program::run(&[words, &more].concat());
            assert_silent(&said);
            assert!(
                said.stderr.contains("leads out") || said.stdout.contains("leads out"),
                "{}{}",
                said.stdout,
                said.stderr
            );
        }
    }
}

#[test]
fn an_ignore_file_that_is_none_is_named_and_not_read() {
    let copy = Copy::of("layout-c");
    std::os::unix::fs::symlink("/dev/zero", copy.path(".gitignore")).unwrap();
    let root = copy.root().display().to_string();
    let plan = ["plan", "-C", &root, "--catalog", &program::catalog()];
    let error = program::run(&plan).failure(1);
    assert!(error.contains(".gitignore is a symbolic link"), "{error}");
    fs::remove_file(copy.path(".gitignore")).unwrap();
    let below = copy.path("providers/openstack/scs2/cluster-class/.gitignore");
    std::os::unix::fs::symlink("/dev/zero", below).unwrap();
    let said = program::run(&plan);
    assert!(
        said.stderr.contains(".gitignore is a symbolic link"),
        "{}{}",
        said.stdout,
        said.stderr
    );
}

#[test]
fn a_file_of_a_secret_has_an_end() {
    for variable in ["GITHUB_TOKEN_FILE", "GITHUB_APP_PRIVATE_KEY_FILE"] {
        let copy = Copy::of("layout-c");
        copy.commit();
        let root = copy.root().display().to_string();
        let mut command = program(&["pr", "-C", &root]);
        command.env(variable, "/dev/zero").env("GITHUB_APP_ID", "1");
        let said: Said = command.output().unwrap().into();
        let error = said.failure(1);
        assert!(error.contains(variable), "{error}");
    }
}

#[test]
fn a_token_at_a_cut_is_not_shown_by_halves() {
    for before in 270..300 {
        let echo = Server::start(move |request| {
            let told = request.header("authorization").unwrap_or("nothing");
            let body = format!("{}{told} {TOKEN}", "x".repeat(before));
            Reply {
                body: body.into(),
                ..Reply::status(403)
            }
        });
        let hosted = Hosted::start();
        let root = hosted.clone.root().display().to_string();
        let remote = format!("{}/acme/cluster-stacks.git", echo.url());
        let mut command = program(&["pr", "-C", &root, "--remote", &remote]);
        let said: Said = command
            .env("GITHUB_TOKEN", TOKEN)
            .env("NO_PROXY", "*")
            .output()
            .unwrap()
            .into();
        let half = &TOKEN[..TOKEN.len() / 2];
        assert!(!said.stderr.contains(half), "{before}: {}", said.stderr);
    }
}

/// What a person does to a pull request.
type Act = fn(&mut github::State, u64);

fn stop(state: &mut github::State, number: u64) {
    state
        .pull_mut(number)
        .labels
        .push("CSCTL-matrix/Stop".to_owned());
}

fn queue(state: &mut github::State, number: u64) {
    state.pull_mut(number).in_queue = true;
}

fn close(state: &mut github::State, number: u64) {
    let now = state.tick();
    let pull = state.pull_mut(number);
    pull.is_open = false;
    pull.closed = Some((now, PERSON.to_owned()));
}

/// A repository with open pull requests whose base has moved since, so that the next run would bring them up to date. Each test of a
/// change leaves a line in a file.
struct Moved {
    hosted: Hosted,
    folder: tempfile::TempDir,
}

impl Moved {
    fn start() -> Self {
        let gate = "gate:\n  commands:\n  - {name: count, run: 'echo x >> \"$COUNT\"'}\n";
        let moved = Self {
            hosted: Hosted::with(gate),
            folder: tempfile::tempdir().unwrap(),
        };
        moved.run();
        let values = "providers/openstack/scs2/cluster-class/values.yaml";
        let mut state = moved.hosted.server.state();
        let main = state.head("main").unwrap();
        let text = state.file(main, values).unwrap();
        state.push("main", &[(values, Some(&format!("# Moved.\n{text}")))]);
        drop(state);
        moved.hosted.server.clear_log();
        let _ = fs::remove_file(moved.counted());
        moved
    }

    fn counted(&self) -> std::path::PathBuf {
        self.folder.path().join("count")
    }

    /// How many changes were tested.
    fn tests(&self) -> usize {
        fs::read_to_string(self.counted()).map_or(0, |text| text.lines().count())
    }

    fn run(&self) -> Vec<String> {
        let output = self
            .hosted
            .command(&[])
            .env("COUNT", self.counted())
            .output();
        let said: Said = output.unwrap().into();
        assert_eq!(said.status, 0, "{}\n{}", said.stdout, said.stderr);
        outcomes(&said)
    }

    /// Does something when the pull requests of the branch are looked at for the second time: after its tests, before anything is written.
    fn while_tests_run(&self, act: Act) {
        let number = self.hosted.number();
        let pulls = format!("head=acme%3A{}", BRANCH.replace('/', "%2F"));
        self.hosted
            .server
            .before("GET", &pulls, 2, move |state| act(state, number));
    }

    fn writes_to(&self, number: u64) -> Vec<String> {
        let path = format!("/pulls/{number}");
        let mut writes = self.hosted.server.mutations();
        writes.retain(|write| write.contains(&path));
        writes
    }
}

#[test]
fn rule_7_a_stop_label_or_a_queue_while_tests_run_is_seen_before_anything_is_written() {
    for (act, ended) in [(stop as Act, "stopped"), (queue, "queued")] {
        let moved = Moved::start();
        let number = moved.hosted.number();
        let head = moved.hosted.server.state().head(BRANCH);
        moved.while_tests_run(act);
        assert_eq!(of(&moved.run(), PATCH), ended);
        assert!(
            moved.hosted.server.unused().is_empty(),
            "{:?}",
            moved.hosted.server.unused()
        );
        assert_eq!(moved.hosted.server.state().head(BRANCH), head);
        assert_eq!(moved.writes_to(number), [""; 0]);
        // From then on nothing is tested for it.
        let before = moved.tests();
        assert_eq!(of(&moved.run(), PATCH), ended);
        assert_eq!(moved.tests(), before);
    }
}

#[test]
fn rule_8_a_close_while_tests_run_is_a_no_to_what_the_person_saw() {
    let moved = Moved::start();
    let number = moved.hosted.number();
    let before = moved.hosted.server.state().pull(number).clone();
    moved.while_tests_run(close);
    assert_eq!(of(&moved.run(), PATCH), "silenced");
    let state = moved.hosted.server.state();
    assert_eq!(
        state.head(BRANCH),
        Some(before.head),
        "so it can be opened again"
    );
    assert_eq!(state.pull(number).body, before.body);
    drop(state);
    let tests = moved.tests();
    assert_eq!(of(&moved.run(), PATCH), "silenced");
    assert_eq!(moved.tests(), tests, "what was refused is not tested");
}

#[test]
fn rule_8_a_no_holds_where_somebody_has_rewritten_the_body() {
    for body in ["", "I do not want this."] {
        let hosted = Hosted::opened();
        let number = hosted.number();
        let mut state = hosted.server.state();
        state.pull_mut(number).body = body.to_owned();
        close(&mut state, number);
        drop(state);
        assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
        assert_eq!(of(&hosted.outcomes(), PATCH), "silenced");
    }
}

#[test]
fn rule_2_nobody_s_words_are_replaced() {
    let moved = Moved::start();
    let number = moved.hosted.number();
    let mut state = moved.hosted.server.state();
    let pull = state.pull_mut(number);
    pull.title = "Ask Ada first".to_owned();
    pull.body = String::new();
    pull.labels.clear();
    drop(state);
    assert_eq!(of(&moved.run(), PATCH), "refreshed");
    let state = moved.hosted.server.state();
    assert_eq!(state.pull(number).title, "Ask Ada first");
    assert!(state.pull(number).body.contains("v1.34.8"));
    assert_eq!(state.pull(number).labels, [""; 0]);
    drop(state);
    let text = "Ada says yes.";
    let mut state = moved.hosted.server.state();
    let body = format!("{text}\n\n{}", state.pull(number).body);
    state.pull_mut(number).body.clone_from(&body);
    drop(state);
    assert_eq!(of(&moved.run(), PATCH), "up-to-date");
    assert_eq!(moved.hosted.server.state().pull(number).body, body);
}

#[test]
fn an_empty_title_template_gives_the_usual_title() {
    let hosted = Hosted::with("  templates: {title: '', commit: '  '}\n");
    hosted.outcomes();
    let number = hosted.number();
    let state = hosted.server.state();
    assert_eq!(
        state.pull(number).title,
        "Move openstack-scs2-1-34 to v1.34.8"
    );
}

#[test]
fn a_branch_that_may_not_be_force_pushed_gets_a_commit_on_top() {
    for commits in ["git", "api"] {
        let moved = Moved::start();
        let hosted = &moved.hosted;
        let commits_line = format!("  commits: {commits}\ngate:");
        let config = hosted.config.replace("gate:", &commits_line);
        hosted
            .server
            .state()
            .push("main", &[("csctl-matrix.yaml", Some(&config))]);
        hosted.clone.git(&[
            "-C",
            &hosted.server.git_path().display().to_string(),
            "config",
            "receive.denyNonFastForwards",
            "true",
        ]);
        let rules = github::BranchRules {
            no_force_push: true,
            ..github::BranchRules::default()
        };
        hosted
            .server
            .state()
            .rules
            .insert("csctl-matrix/*".to_owned(), rules.clone());
        hosted.server.state().rules.insert(BRANCH.to_owned(), rules);
        let number = hosted.number();
        let before = hosted.server.state().head(BRANCH).unwrap();
        assert_eq!(of(&moved.run(), PATCH), "refreshed", "{commits}");
        let state = hosted.server.state();
        let head = state.head(BRANCH).unwrap();
        let parents: Vec<git2::Oid> = state.git.find_commit(head).unwrap().parent_ids().collect();
        assert_eq!(parents, [before, state.head("main").unwrap()]);
        assert!(state.pull(number).is_open);
        drop(state);
        hosted.server.clear_log();
        assert_eq!(of(&moved.run(), PATCH), "up-to-date");
        assert_eq!(hosted.server.mutations(), [""; 0], "{commits}");
    }
}

#[test]
fn a_refused_push_leaves_everything_as_it_was() {
    let moved = Moved::start();
    let hook = moved.hosted.server.git_path().join("hooks/pre-receive");
    program::install_script(&hook, "echo frozen >&2\nexit 1");
    let number = moved.hosted.number();
    let before = moved.hosted.server.state().pull(number).clone();
    let output = moved
        .hosted
        .command(&[])
        .env("COUNT", moved.counted())
        .output();
    let said: Said = output.unwrap().into();
    assert_eq!(said.status, 1);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let all = report["outcomes"].as_array().unwrap();
    let own = all.iter().find(|one| one["branch"] == BRANCH).unwrap();
    assert_eq!(
        (&own["ended"], &own["number"]),
        (&"failed".into(), &number.into()),
        "{own}"
    );
    let state = moved.hosted.server.state();
    let after = state.pull(number);
    assert_eq!(
        (&after.title, &after.body, after.head),
        (&before.title, &before.body, before.head)
    );
    drop(state);
    let mut written = moved.hosted.server.mutations();
    written.retain(|write| !write.ends_with("git-receive-pack"));
    assert_eq!(written, [""; 0]);
}

#[test]
fn a_repository_without_drafts_gets_ordinary_pull_requests() {
    let hosted = Hosted::with("gate: {checks: [e2e]}\n");
    hosted.server.state().settings.supports_drafts = false;
    let ended = hosted.outcomes();
    assert_eq!(of(&ended, PATCH), "opened");
    let number = hosted.number();
    assert!(!hosted.server.state().pull(number).draft);
    hosted.server.clear_log();
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert_eq!(hosted.server.mutations(), [""; 0]);
}

#[test]
fn auto_merge_is_switched_off_when_the_configuration_asks_for_it_no_more() {
    let hosted = Hosted::opened();
    let number = hosted.number();
    let mut state = hosted.server.state();
    let author = state.pull(number).author.clone();
    let pull = state.pull_mut(number);
    pull.auto_merge = Some("squash".to_owned());
    pull.auto_merge_by = Some(author);
    drop(state);
    assert_eq!(of(&hosted.outcomes(), PATCH), "refreshed");
    assert_eq!(hosted.server.state().pull(number).auto_merge, None);
    // What a person has switched on stays on.
    let mut state = hosted.server.state();
    let pull = state.pull_mut(number);
    pull.auto_merge = Some("squash".to_owned());
    pull.auto_merge_by = Some(PERSON.to_owned());
    drop(state);
    assert_eq!(of(&hosted.outcomes(), PATCH), "up-to-date");
    assert!(hosted.server.state().pull(number).auto_merge.is_some());
}

#[test]
fn rule_9_a_branch_that_somebody_s_pull_request_goes_to_is_kept() {
    let hosted = Hosted::opened_with_patches();
    let mut state = hosted.server.state();
    let head = state.head(BRANCH).unwrap();
    state.set_head("ada/more", head);
    state.push("ada/more", &[("more.md", Some("more\n"))]);
    let theirs = state.open("ada/more", BRANCH, "More");
    drop(state);
    hosted.do_by_hand();
    let said = hosted.run(&[]);
    assert_eq!(of(&outcomes(&said), PATCH), "closed", "{}", said.stderr);
    assert!(
        said.stdout
            .contains("it is the base of an open pull request"),
        "{}",
        said.stdout
    );
    let state = hosted.server.state();
    assert!(state.head(BRANCH).is_some() && state.pull(theirs).is_open);
}

#[test]
fn rule_3_a_person_who_does_nothing_while_tests_run_costs_no_write_in_the_next_run() {
    let moved = Moved::start();
    assert_eq!(of(&moved.run(), PATCH), "refreshed");
    assert_eq!(of(&moved.run(), ADDONS), "up-to-date");
    moved.hosted.server.clear_log();
    moved.run();
    assert_eq!(moved.hosted.server.mutations(), [""; 0]);
}

#[test]
fn rule_12_a_stop_label_right_before_the_merge_is_seen() {
    let hosted = Hosted::with("  autoMerge: merge\ngate: {checks: [e2e]}\n");
    let rules = github::BranchRules {
        required_checks: vec![("e2e".to_owned(), None)],
        ..github::BranchRules::default()
    };
    hosted.server.state().rules.insert("main".to_owned(), rules);
    hosted.outcomes();
    let number = hosted.number();
    hosted
        .server
        .before("GET", "/rules/branches/main", 1, move |state| {
            stop(state, number);
        });
    hosted.outcomes();
    assert!(
        hosted.server.unused().is_empty(),
        "{:?}",
        hosted.server.unused()
    );
    assert!(hosted.server.state().pull(number).is_open);
    assert_eq!(hosted.server.state().pull(number).auto_merge, None);
}

/// Makes a clone of the stand-in's repository in a way of git's own.
fn cloned(hosted: &Hosted, options: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = format!("file://{}", hosted.server.git_path().display());
    let to = folder.path().join("clone").display().to_string();
    for (key, value) in [
        ("uploadpack.allowFilter", "true"),
        ("uploadpack.allowAnySHA1InWant", "true"),
    ] {
        hosted.clone.git(&[
            "-C",
            &hosted.server.git_path().display().to_string(),
            "config",
            key,
            value,
        ]);
    }
    hosted
        .clone
        .git(&[&["clone", "-q"], options, &[&from, &to]].concat());
    folder
}

fn pr_in(hosted: &Hosted, directory: &Path) -> Said {
    let mut command = program::pr(directory, &hosted.server.git_url(), TOKEN);
    command.args(["--catalog", &hosted.catalog, "--format", "json"]);
    command.arg("--cache-dir").arg(directory.join("../cache"));
    command.output().unwrap().into()
}

#[test]
fn any_clone_will_do() {
    for options in [
        &["--bare"][..],
        &["--mirror"],
        &["--no-checkout"],
        &["--sparse"],
        &["--depth", "1"],
        &["--filter=blob:none"],
        &["--filter=tree:0", "--no-checkout"],
        &["--filter=blob:none", "--sparse", "--single-branch"],
    ] {
        let hosted = Hosted::with("branches:\n- base: main\n- {base: maint, minors: [\"1.33\"]}\n");
        let mut state = hosted.server.state();
        let main = state.head("main").unwrap();
        state.set_head("maint", main);
        state.push("maint", &[("maint.md", Some("maint\n"))]);
        drop(state);
        let folder = cloned(&hosted, options);
        if options == ["--sparse"] {
            let clone = folder.path().join("clone").display().to_string();
            let set = [
                "-C",
                &clone,
                "sparse-checkout",
                "set",
                "--cone",
                "--sparse-index",
                "providers/none",
            ];
            hosted.clone.git(&set);
        }
        // The remote goes on after the clone was made.
        for number in 0..3 {
            let text = format!("{number}\n");
            for branch in ["main", "maint"] {
                hosted
                    .server
                    .state()
                    .push(branch, &[("more.md", Some(&text))]);
            }
        }
        let said = pr_in(&hosted, &folder.path().join("clone"));
        assert_eq!(
            said.status, 0,
            "{options:?}\n{}\n{}",
            said.stdout, said.stderr
        );
        assert_eq!(of(&outcomes(&said), PATCH), "opened", "{options:?}");
        assert!(
            said.stdout.contains("\"maint\""),
            "{options:?} {}",
            said.stdout
        );
    }
}

#[test]
fn no_clone_is_needed() {
    let hosted = Hosted::start();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache").display().to_string();
    let url = hosted.server.url();
    let run = || -> Said {
        let words = [
            "pr",
            "--repository",
            "acme/cluster-stacks",
            "--write-pause",
            "0",
            "--catalog",
            &hosted.catalog,
            "--format",
            "json",
            "--cache-dir",
            &cache,
        ];
        let mut command = program(&words);
        command
            .current_dir(folder.path())
            .env("GITHUB_TOKEN", TOKEN)
            .env("NO_PROXY", "*");
        command
            .env("GITHUB_SERVER_URL", &url)
            .env("GITHUB_API_URL", &url);
        command.output().unwrap().into()
    };
    let said = run();
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(of(&outcomes(&said), PATCH), "opened");
    hosted.server.clear_log();
    assert_eq!(of(&outcomes(&run()), PATCH), "up-to-date");
    assert_eq!(hosted.server.mutations(), [""; 0]);
    assert_eq!(telling_files(folder.path()), [""; 0]);
}

#[test]
fn a_dry_run_needs_neither_an_author_nor_a_token() {
    let hosted = Hosted::start();
    let config = hosted
        .config
        .replace("  author: {name: Matrix Bot, email: bot@example.org}\n", "");
    hosted
        .server
        .state()
        .push("main", &[("csctl-matrix.yaml", Some(&config))]);
    hosted.server.state().settings.is_private = false;
    let root = hosted.clone.root().display().to_string();
    let remote = hosted.server.git_url();
    let words = [
        "pr",
        "--dry-run",
        "-C",
        &root,
        "--remote",
        &remote,
        "--catalog",
        &hosted.catalog,
        "--format",
        "json",
    ];
    let dry = || -> Said {
        let mut command = program(&words);
        command.env("NO_PROXY", "*").env("HOME", "/nowhere");
        command.output().unwrap().into()
    };
    let said = dry();
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(of(&outcomes(&said), PATCH), "opened");
    assert!(said.stderr.contains("no commit author is configured"));
    assert_eq!(hosted.server.mutations(), [""; 0]);
    // Of what is open already, GraphQL tells more, and answers nobody without a token.
    let push = |config: &str| {
        let mut state = hosted.server.state();
        state.push("main", &[("csctl-matrix.yaml", Some(config))]);
    };
    push(&hosted.config);
    assert_eq!(hosted.run(&[]).status, 0);
    push(&config);
    hosted.server.clear_log();
    let said = dry();
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(of(&outcomes(&said), PATCH), "refreshed");
    assert_eq!(hosted.server.mutations(), [""; 0]);
}

/// A program of this name that tells what it is started with and what lies in its repository, and then is git.
fn telling_git(folder: &Path) -> String {
    let told = folder.join("told").display().to_string();
    let text = format!(
        "{{ printf 'arguments: %s\\n' \"$*\"; env | sed 's/^/environment: /'; \
         test -z \"$GIT_DIR\" || cat $(find \"$GIT_DIR\" -type f) | tr '\\0' ' ' | sed 's/^/file: /'; }} >> {told}\n\
         PATH=/usr/local/bin:/usr/bin:/bin exec git \"$@\""
    );
    program::install_script(&folder.join("bin/git"), &text);
    told
}

#[test]
fn git_gets_a_token_in_its_environment_alone() {
    let hosted = Hosted::start();
    let folder = tempfile::tempdir().unwrap();
    let told = telling_git(folder.path());
    let scratch = folder.path().join("tmp");
    fs::create_dir(&scratch).unwrap();
    let store = folder.path().join(".git-credentials");
    fs::write(&store, "").unwrap();
    fs::write(
        folder.path().join(".gitconfig"),
        "[credential]\n\thelper = store\n",
    )
    .unwrap();
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        folder.path().join("bin").display()
    );
    let mut command = hosted.command(&[]);
    command
        .env("PATH", path)
        .env("HOME", folder.path())
        .env("TMPDIR", &scratch);
    let said: Said = command.output().unwrap().into();
    assert_eq!(said.status, 0, "{}", said.stderr);
    let told = fs::read_to_string(told).unwrap();
    let telling: Vec<&str> = told.lines().filter(|line| tells(line)).collect();
    assert!(!telling.is_empty(), "git was not given a token: {told}");
    for line in telling {
        let expected = format!("environment: CSCTL_MATRIX_GIT_PASSWORD={TOKEN}");
        assert_eq!(line, expected);
    }
    for command in ["ls-remote", "fetch", "push"] {
        let is_run = told
            .lines()
            .any(|line| line.starts_with("arguments: ") && line.contains(&format!(" {command} ")));
        assert!(is_run, "{command}: {told}");
    }
    // A helper of the user's that keeps what was accepted is not told of it.
    assert_eq!(fs::read_to_string(&store).unwrap(), "");
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
}

#[test]
fn nothing_that_a_clone_configures_is_run_or_believed() {
    let thief = thief();
    let hosted = Hosted::start();
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran").display().to_string();
    let run = format!("echo ran >> {ran}");
    let helper = format!("!{run}");
    let program = folder.path().join("program").display().to_string();
    program::install_script(Path::new(&program), &run);
    for (key, value) in [
        ("alias.push", helper.as_str()),
        ("alias.fetch", &helper),
        ("core.alternateRefsCommand", &program),
        ("core.askPass", &program),
        ("core.fsmonitor", &program),
        ("core.gitProxy", &program),
        ("core.sshCommand", &program),
        ("credential.helper", &helper),
        ("filter.x.clean", &program),
        ("filter.x.smudge", &program),
        ("http.proxy", &thief.url()),
        ("uploadpack.packObjectsHook", &program),
    ] {
        hosted.clone.git(&["config", key, value]);
    }
    let instead = format!("url.{}/.insteadOf", thief.url());
    hosted
        .clone
        .git(&["config", &instead, &format!("{}/", hosted.server.url())]);
    hosted.clone.write(".gitattributes", "* filter=x\n");
    for hook in [
        "pre-push",
        "reference-transaction",
        "post-checkout",
        "pre-auto-gc",
    ] {
        program::install_script(&hosted.clone.path(".git/hooks").join(hook), &run);
    }
    // Refs whose objects a promisor would have to send, whatever it takes.
    for (key, value) in [
        ("remote.evil.url", folder.path().display().to_string()),
        ("remote.evil.promisor", "true".to_owned()),
        ("remote.evil.uploadpack", program.clone()),
    ] {
        hosted.clone.git(&["config", key, &value]);
    }
    let missing = format!("{}\n", "7".repeat(40));
    fs::write(hosted.clone.path(".git/refs/heads/missing"), missing).unwrap();
    let _ = fs::remove_file(&ran);
    let said = hosted.run(&[]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(of(&outcomes(&said), PATCH), "opened");
    assert!(!Path::new(&ran).exists(), "something of the clone was run");
    assert_eq!(thief.log().len(), 0, "the clone's addresses were asked");
}

#[test]
fn helpers_of_the_users_own_configuration_sign_in() {
    let hosted = Hosted::start();
    let folder = tempfile::tempdir().unwrap();
    let helper = format!("!f() {{ echo username=x; echo password={TOKEN}; }}; f");
    fs::write(
        folder.path().join(".gitconfig"),
        format!("[credential]\n\thelper = \"{helper}\"\n"),
    )
    .unwrap();
    let root = hosted.clone.root().display().to_string();
    let remote = hosted.server.git_url();
    let words = [
        "doctor",
        "-C",
        &root,
        "--remote",
        &remote,
        "--catalog",
        &hosted.catalog,
    ];
    let run = |home: &Path| -> Said {
        let mut command = program(&words);
        command.env("NO_PROXY", "*").env("HOME", home);
        command.output().unwrap().into()
    };
    let said = run(folder.path());
    assert!(said.stdout.contains("git can be read"), "{}", said.stdout);
    let said = run(Path::new("/nowhere"));
    assert!(said.stdout.contains("requires a token"), "{}", said.stdout);
}
