//! What people have to be able to rely on where somebody wants it otherwise: tokens stay where they were given for, and texts of
//! others do nothing to a terminal.

mod clones;

use crate::support::github::TOKEN;
use crate::support::hosted::Hosted;
use crate::support::program::{self, Copy, Said, program};
use crate::support::server::{self, Reply, Server};
use base64::Engine as _;
use std::fs;
use std::path::Path;

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
