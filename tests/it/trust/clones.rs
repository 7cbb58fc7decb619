//! Any clone will do for `pr`, or none, and nothing that a clone configures is run or believed.

use super::{telling_files, tells, thief};
use crate::support::github::TOKEN;
use crate::support::hosted::{Hosted, PATCH, of, outcomes};
use crate::support::program::{self, Said, program};
use std::fs;
use std::path::Path;

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
