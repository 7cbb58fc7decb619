//! The gate as people meet it: commands that pass, fail, hang, shout and leave things behind, in a scratch copy that is the planned
//! state, and a repository of which nothing changes.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::program::{self, Copy, Said, catalog};
use csctl_matrix::catalog::Catalog;
use csctl_matrix::check::{CheckInput, Findings, RuleSelection, check};
use csctl_matrix::command::{Place, Repository};
use csctl_matrix::config::{Config, GateCommand};
use csctl_matrix::gate::{GateSubject, ProofInput, TestResult, TestState, proofs};
use csctl_matrix::io::gate::{CommandSettings, Scratch, run_commands};
use csctl_matrix::plan::{Plan, PlanInput, Selection, plan};
use csctl_matrix::policy::{Policy, Wishes};

const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";

/// A repository with these commands in its configuration, committed.
fn with(commands: &[(&str, &str)]) -> Copy {
    let copy = Copy::of("layout-c");
    let commands = commands.iter().map(|(name, run)| {
        let run = run.replace('\'', "''");
        format!("    - name: {name}\n      run: '{run}'\n      timeout: 1m\n")
    });
    let commands: String = commands.collect();
    copy.write(
        "csctl-matrix.yaml",
        &format!("gate:\n  commands:\n{commands}"),
    );
    copy.commit();
    copy
}

fn test(copy: &Copy, more: &[&str]) -> Said {
    let catalog = catalog();
    copy.run(&[&["test", "--minor", "1.34", "--catalog", &catalog], more].concat())
}

/// The result of a test by its name, from the only stack line.
fn result(copy: &Copy, name: &str) -> serde_json::Value {
    let said = test(copy, &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let mut results = report["lines"][0]["results"].as_array().unwrap().iter();
    results.find(|one| one["name"] == name).unwrap().clone()
}

/// A process whose number a command has written down is gone within a few seconds.
fn assert_gone(file: &Path) {
    let number = fs::read_to_string(file).unwrap();
    let process = format!("/proc/{}/stat", number.trim());
    let is_there = || fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z "));
    let begin = Instant::now();
    while is_there() {
        assert!(
            begin.elapsed() < Duration::from_secs(8),
            "{number} still runs"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_command_sees_the_planned_files_and_what_they_are_about() {
    let copy = with(&[(
        "e2e",
        "env | sort | grep ^CSCTL_MATRIX_; grep kubernetesVersion $CSCTL_MATRIX_DIRECTORY/csctl.yaml; test ! -e .git",
    )]);
    let result = result(&copy, "e2e");
    assert_eq!(result["state"], "passed", "{result}");
    let expected = "\
CSCTL_MATRIX_ADDED=v1.34.0 v1.34.4 v1.34.7 v1.34.8
CSCTL_MATRIX_CLASS=new-patch,addons
CSCTL_MATRIX_COMMIT=
CSCTL_MATRIX_DIRECTORY=providers/openstack/scs2
CSCTL_MATRIX_FILES=providers/openstack/scs2/README.md
CSCTL_MATRIX_LINE=openstack-scs2-1-34
CSCTL_MATRIX_MINOR=1.34
CSCTL_MATRIX_PREVIOUS=v1.34.6
CSCTL_MATRIX_PROVIDER=openstack
CSCTL_MATRIX_RELEASE=openstack-scs2-1-34-v3
CSCTL_MATRIX_STACK=scs2
CSCTL_MATRIX_VERSION=v1.34.8
  kubernetesVersion: v1.34.8";
    assert_eq!(result["output"], expected);
}

#[test]
fn a_red_command_is_named_with_its_last_words_and_holds_the_default() {
    let copy = with(&[
        ("lint", "true"),
        ("e2e", "echo no quota; echo on stderr >&2; exit 4"),
    ]);
    let said = test(&copy, &[]);
    assert_eq!((said.status, said.stderr.as_str()), (3, ""));
    let text = said.stdout;
    for expected in [
        "openstack-scs2-1-34   new patch, addons   v1.34.6 -> v1.34.8\n",
        "exit status 4\n           | no quota\n           | on stderr\n",
        "\nnot green: test e2e failed; the default stays v1.34.6, lists may grow\n",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let markdown = test(&copy, &["--format", "markdown"]);
    assert_eq!(markdown.status, 3);
    assert!(
        markdown.stdout.contains("| failed | e2e | exit status 4 |"),
        "{}",
        markdown.stdout
    );
    assert!(markdown.stdout.contains("no quota"), "{}", markdown.stdout);
}

#[test]
fn a_command_that_is_not_there_is_said_to_be_missing() {
    let copy = with(&[
        ("e2e", "no-such-command --now"),
        ("deaf", "./README.md"),
        ("shot", "kill -9 $$"),
    ]);
    let words = |name: &str| result(&copy, name)["detail"].as_str().unwrap().to_owned();
    assert_eq!(words("e2e"), "exit status 127: a command was not found");
    assert!(
        words("deaf").starts_with("exit status 12"),
        "{}",
        words("deaf")
    );
    assert_eq!(words("shot"), "ended by signal 9");
}

#[test]
fn output_of_any_kind_and_size_is_shown_by_its_end() {
    let copy = with(&[
        (
            "loud",
            "yes chatter | head -c 30000000; echo the end; false",
        ),
        (
            "strange",
            r"printf 'bad \377\376 bytes \033[31mred\033[0m\n'; exit 1",
        ),
    ]);
    let loud = result(&copy, "loud");
    let output = loud["output"].as_str().unwrap();
    assert!(
        output.len() < 17_000 && output.starts_with("[...]\nchatter"),
        "{}",
        output.len()
    );
    assert!(output.ends_with("chatter\nthe end"));
    assert_eq!(
        result(&copy, "strange")["output"],
        "bad \u{fffd}\u{fffd} bytes red"
    );
}

#[test]
fn the_time_limit_ends_grandchildren_too() {
    let copy = with(&[]);
    let number = copy.root().join("../number");
    let stubborn = format!(
        "(trap '' TERM; sleep 300 & echo $! > {}; wait) & echo begun; wait",
        number.display()
    );
    copy.write(
        "csctl-matrix.yaml",
        &format!("gate:\n  commands:\n  - {{name: e2e, timeout: 1s, run: \"{stubborn}\"}}\n"),
    );
    let begin = Instant::now();
    let result = run_at(&copy, 1).remove(0);
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(
        (result.state, result.detail.as_str()),
        (TestState::Failed, "took longer than 1s")
    );
    assert_eq!(result.output.as_deref(), Some("begun"));
    assert_gone(&number);
}

#[test]
fn a_command_may_clean_up_at_its_time_limit() {
    let copy = with(&[]);
    let polite = "trap 'echo cleaned up; exit 0' TERM; sleep 300 & wait";
    copy.write(
        "csctl-matrix.yaml",
        &format!("gate:\n  commands:\n  - {{name: e2e, timeout: 1s, run: \"{polite}\"}}\n"),
    );
    let result = run_at(&copy, 10).remove(0);
    assert_eq!(result.output.as_deref(), Some("cleaned up"));
    assert_eq!(result.state, TestState::Failed, "late is late");
}

#[test]
fn what_a_command_leaves_running_is_ended() {
    let copy = with(&[]);
    let number = copy.root().join("../number");
    let leaving = format!("sleep 300 & echo $! > {}", number.display());
    copy.write(
        "csctl-matrix.yaml",
        &format!("gate:\n  commands:\n  - {{name: e2e, run: '{leaving}'}}\n  - {{name: away, run: 'setsid sleep 4 & echo left'}}\n"),
    );
    let begin = Instant::now();
    let results = run_at(&copy, 10);
    assert!(
        results
            .iter()
            .all(|result| result.state == TestState::Passed),
        "{results:?}"
    );
    assert_eq!(results[1].output.as_deref(), Some("left"));
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    assert_gone(&number);
}

#[test]
fn a_command_does_not_outlive_the_program() {
    let copy = with(&[]);
    let number = copy.root().join("../number");
    let run = format!(
        "echo $$ > {0}.new; mv {0}.new {0}; sleep 300",
        number.display()
    );
    copy.write(
        "csctl-matrix.yaml",
        &format!("gate:\n  commands:\n  - {{name: e2e, run: '{run}'}}\n"),
    );
    let root = copy.root().display().to_string();
    let catalog = catalog();
    let arguments = [
        "-C",
        &root,
        "test",
        "--minor",
        "1.34",
        "--catalog",
        &catalog,
    ];
    let mut command = program::program(&arguments);
    let mut program = command.env("PATH", "/usr/bin:/bin").spawn().unwrap();
    let begin = Instant::now();
    while !number.exists() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "the command did not begin"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    program.kill().unwrap();
    program.wait().unwrap();
    assert_gone(&number);
}

#[test]
fn commands_get_no_secrets_and_show_none() {
    let copy = with(&[("spy", "env; cat token.txt; git -C /nowhere status; exit 1")]);
    copy.write("token.txt", &format!("the token is {TOKEN}\n"));
    let root = copy.root().display().to_string();
    for format in ["text", "json", "markdown"] {
        let catalog = catalog();
        let arguments = [
            "-C",
            &root,
            "test",
            "--catalog",
            &catalog,
            "--format",
            format,
        ];
        let mut command = program::program(&arguments);
        command
            .env("PATH", "/usr/bin:/bin")
            .env("GITHUB_TOKEN", TOKEN)
            .env("OTHER_NAME", format!("Bearer {TOKEN}"))
            .env("ACTIONS_RUNTIME_TOKEN", "runner-secret")
            .env("CSCTL_MATRIX_APP_KEY", "key-secret")
            .env("GIT_DIR", copy.path(".git"))
            .env("KUBECONFIG", "/home/me/kubeconfig");
        let said: Said = command.output().unwrap().into();
        assert_eq!(said.status, 3, "{}", said.stderr);
        let all = format!("{}{}", said.stdout, said.stderr);
        for secret in [
            TOKEN,
            "runner-secret",
            "key-secret",
            "GITHUB_TOKEN=",
            "OTHER_NAME=",
            "GIT_DIR=",
        ] {
            assert!(!all.contains(secret), "{secret} in {format}:\n{all}");
        }
        assert!(all.contains("the token is ***"), "{all}");
        assert!(all.contains("KUBECONFIG=/home/me/kubeconfig"), "{all}");
    }
}

/// The bytes of git's own files, and of all others.
fn all_bytes(copy: &Copy) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = copy.files().into_iter().collect();
    all.extend(program::files_of(&copy.path(".git")));
    all
}

#[test]
fn nothing_of_the_repository_changes() {
    let vandal = "rm -rf *; mkdir -p .git; git init -q . ; git add -A; echo ruined > csctl-matrix.yaml; false";
    let copy = with(&[("vandal", vandal)]);
    copy.write("untracked.txt", "mine\n")
        .write("providers/openstack/scs2/README.md", "edited\n");
    let before = all_bytes(&copy);
    for more in [&[][..], &["--rev", "HEAD"]] {
        let said = test(&copy, more);
        assert!(
            said.stdout.contains("not green: test vandal failed"),
            "{}",
            said.stderr
        );
        assert!(all_bytes(&copy) == before, "{more:?}");
    }
    assert_eq!(copy.git(&["status", "--porcelain"]).lines().count(), 2);
}

#[test]
fn the_scratch_copy_is_the_state_that_was_asked_for() {
    let copy = with(&[(
        "list",
        "cat note.txt; ls -a; cat tools/run.sh | head -1; ls -l tools | grep -c rwx; exit 1",
    )]);
    copy.write("tools/run.sh", "#!/bin/sh\n")
        .write(".gitignore", "ignored.txt\n");
    copy.write(".github/workflows/e2e.yaml", "on: push\n")
        .write("note.txt", "old\n");
    let script = copy.path("tools/run.sh");
    Command::new("chmod")
        .arg("755")
        .arg(&script)
        .status()
        .unwrap();
    copy.commit();
    copy.write("note.txt", "new\n")
        .write("ignored.txt", "x")
        .write("untracked.txt", "x");
    let output = |more: &[&str]| {
        let said = test(&copy, &[more, &["--format", "json"]].concat());
        let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let results = report["lines"][0]["results"].as_array().unwrap().clone();
        results.last().unwrap()["output"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let now = output(&[]);
    assert!(
        now.starts_with("new\n") && now.contains("untracked.txt"),
        "{now}"
    );
    assert!(
        now.contains(".github") && !now.contains("ignored.txt"),
        "{now}"
    );
    let then = output(&["--rev", "HEAD"]);
    assert!(
        then.starts_with("old\n") && !then.contains("untracked.txt"),
        "{then}"
    );
    for text in [now, then] {
        assert!(
            text.ends_with("#!/bin/sh\n1"),
            "the script can be run: {text}"
        );
    }
}

#[test]
fn a_repository_below_the_root_of_git_is_tested_where_it_is() {
    let copy = Copy::of("layout-c");
    copy.write("deploy/x.txt", "x").commit();
    let moved = copy.root().join("below");
    fs::create_dir(&moved).unwrap();
    fs::rename(copy.path("providers"), moved.join("providers")).unwrap();
    let config = "gate:\n  commands:\n  - {name: list, run: 'ls; ls ..; exit 1'}\n";
    copy.write("below/csctl-matrix.yaml", config).commit();
    let below = moved.display().to_string();
    let catalog = catalog();
    let arguments = [
        "-C",
        &below,
        "test",
        "--minor",
        "1.34",
        "--catalog",
        &catalog,
        "--rev",
        "HEAD",
    ];
    let mut command = program::program(&arguments);
    let said: Said = command
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap()
        .into();
    let listing =
        "| csctl-matrix.yaml\n           | providers\n           | below\n           | deploy\n";
    assert!(
        said.stdout.contains(listing),
        "{}{}",
        said.stdout,
        said.stderr
    );
}

#[test]
fn a_command_runs_only_for_changes_that_need_it() {
    let copy = Copy::of("layout-c");
    copy.write(
        "csctl-matrix.yaml",
        "gate:\n  commands:\n  - {name: e2e, run: 'true', needs: [default]}\n  - {name: charts, run: 'true', needs: [addons]}\n  - {name: images, run: 'true', needs: [images]}\n",
    );
    let states = |more: &[&str]| -> Vec<String> {
        let said = test(&copy, &[more, &["--format", "json"]].concat());
        let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let results = report["lines"][0]["results"].as_array().unwrap().clone();
        let commands = results.iter().filter(|one| one["kind"] == "command");
        commands
            .map(|one| {
                format!(
                    "{} {}",
                    one["name"].as_str().unwrap(),
                    one["state"].as_str().unwrap()
                )
            })
            .collect()
    };
    assert_eq!(
        states(&["--change", "new-patch"]),
        ["e2e passed", "charts skipped", "images passed"]
    );
    assert_eq!(
        states(&["--change", "addons"]),
        ["e2e skipped", "charts passed", "images skipped"]
    );
}

#[test]
fn charts_are_rendered_where_helm_is_there() {
    let copy = with(&[]);
    copy.write("csctl-matrix.yaml", "images: all\n");
    copy.write(
        "providers/openstack/scs2/cluster-class/templates/old.yaml",
        "broken: no\n",
    );
    // It renders what names no v1.34.8, and the cluster class alone has no dependency.
    let helm = "#!/bin/sh\necho \"$@\" >> $0.log\ngrep -rq \"$(cat $0.word)\" \"$3\" && { echo \"Error: bad\" >&2; exit 1; }\nexit 0\n";
    let bin = copy.root().join("../bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("helm"), helm).unwrap();
    Command::new("chmod")
        .arg("755")
        .arg(bin.join("helm"))
        .status()
        .unwrap();
    let run = |word: &str| {
        fs::write(bin.join("helm.word"), word).unwrap();
        let root = copy.root().display().to_string();
        let catalog = catalog();
        let mut command = program::program(&[
            "-C",
            &root,
            "test",
            "--minor",
            "1.34",
            "--catalog",
            &catalog,
        ]);
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        let said: Said = command.output().unwrap().into();
        said.stdout
    };
    let line = |text: &str, name: &str| {
        text.lines()
            .find(|line| line.contains(name))
            .unwrap()
            .to_owned()
    };
    let good = run("no such word");
    assert!(
        line(&good, "helm template cluster-class").starts_with("passed"),
        "{good}"
    );
    assert!(
        line(&good, "helm template cluster-addon/ccm").starts_with("skipped"),
        "{good}"
    );
    assert!(
        good.contains("its dependency openstack-cloud-controller-manager is not there"),
        "{good}"
    );
    let bad = run("v1.34.8");
    assert!(
        line(&bad, "helm template cluster-class").starts_with("failed"),
        "{bad}"
    );
    assert!(bad.contains("| Error: bad\n"), "{bad}");
    let old = run("broken");
    let words = "it did not render before the change either";
    assert!(
        line(&old, "helm template cluster-class").contains(words),
        "{old}"
    );
    let log = fs::read_to_string(bin.join("helm.log")).unwrap();
    let render = "template csctl-matrix ./providers/openstack/scs2/cluster-class";
    // Each run asks whether helm is there and renders; what is there already is rendered only to explain a failure.
    let said: Vec<&str> = log.lines().collect();
    let (once, twice) = (vec!["version", render], vec!["version", render, render]);
    assert_eq!(said, [once, twice.clone(), twice].concat());
}

#[test]
fn without_a_change_there_is_nothing_to_test() {
    let copy = with(&[("e2e", "false")]);
    let catalog = catalog();
    copy.run(&["update", "--catalog", &catalog]).success();
    let said = copy.run(&["test", "--catalog", &catalog]).success();
    assert_eq!(said, "nothing to test: nothing would change\n");
    let error = copy.run(&["test", "--rev", "no-such", "--catalog", &catalog]);
    assert_eq!(error.status, 1);
}

/// A repository with its plan, and the commands of its configuration.
struct Planned {
    repository: Repository,
    catalog: Catalog,
    plan: Plan,
    commands: Vec<GateCommand>,
}

fn planned(copy: &Copy) -> Planned {
    let place = Place {
        directory: copy.root(),
        revision: None,
    };
    let repository = Repository::open(&place).unwrap();
    let catalog = csctl_matrix::io::catalog::read_file(Path::new(&catalog())).unwrap();
    let selection = Selection {
        minor: Some("1.34".parse().unwrap()),
        ..Selection::default()
    };
    let plan = plan(PlanInput {
        tree: &repository.tree,
        discovery: &repository.discovery,
        catalog: &catalog,
        policy: &Policy::default(),
        wishes: &Wishes::default(),
        selection: &selection,
    });
    let text = fs::read_to_string(copy.path("csctl-matrix.yaml"));
    let config = Config::parse(&text.unwrap_or_default()).unwrap();
    Planned {
        repository,
        catalog,
        plan,
        commands: config.gate.commands,
    }
}

/// Runs the commands with so many seconds to clean up.
fn run_at(copy: &Copy, grace: u64) -> Vec<TestResult> {
    let planned = planned(copy);
    let scratch = Scratch::of_directory(&copy.root(), None).unwrap();
    scratch.apply(&planned.plan).unwrap();
    let stack = &planned.plan.stacks[0];
    let files = GateSubject::files_of(&planned.plan, stack);
    let subject = GateSubject {
        stack,
        line: &stack.lines[0],
        files: &files,
        commit: None,
    };
    let settings = CommandSettings {
        grace: Duration::from_secs(grace),
        ..CommandSettings::default()
    };
    run_commands(&planned.commands, &subject, &scratch, &settings)
}

/// The proofs of a plan against a catalog that is not the one it was made from, and with findings added.
fn proofs_against(change: impl FnOnce(&mut Catalog, &mut Findings)) -> Vec<String> {
    let copy = Copy::of("layout-c");
    let Planned {
        repository,
        mut catalog,
        plan,
        ..
    } = planned(&copy);
    let tree = plan.applied_to(&repository.tree);
    let after = repository.discovery.again(&tree);
    let find = |tree, discovery| {
        let input = CheckInput {
            tree,
            discovery,
            catalog: None,
            policy: &Policy::default(),
            selection: &Selection::default(),
            tags: &[],
            unpublishable: &std::collections::BTreeMap::new(),
            today: plan.as_of,
        };
        check(input, &RuleSelection::default())
    };
    let findings = find(&repository.tree, &repository.discovery);
    let mut findings_after = find(&tree, &after);
    change(&mut catalog, &mut findings_after);
    let stack = &plan.stacks[0];
    let line = stack
        .lines
        .iter()
        .find(|line| line.line.to_string() == "openstack-scs2-1-34")
        .unwrap();
    let results = proofs(ProofInput {
        subject: GateSubject {
            stack,
            line,
            files: &GateSubject::files_of(&plan, stack),
            commit: None,
        },
        before: &repository.discovery.read(&repository.tree)[0],
        after: &after.read(&tree)[0],
        catalog: &catalog,
        findings_before: &findings,
        findings_after: &findings_after,
    });
    let red = results.iter().filter(|result| !result.state.is_harmless());
    red.map(|result| format!("{}: {}, {}", result.name, result.state, result.detail))
        .collect()
}

#[test]
fn proofs_compare_the_texts_with_the_world() {
    assert_eq!(proofs_against(|_, _| {}), [""; 0]);
    let images = |catalog: &mut Catalog,
                  version: &str,
                  change: fn(&mut csctl_matrix::catalog::NodeImage)| {
        for store in &mut catalog.image_stores {
            let images = store.images.iter_mut();
            images
                .filter(|image| image.version.to_string() == version)
                .for_each(change);
        }
    };
    let gone = proofs_against(|catalog, _| images(catalog, "v1.34.8", |image| image.url.push('x')));
    assert_eq!(gone, ["image v1.34.8: failed, the store has no such image"]);
    let other = proofs_against(|catalog, _| {
        images(catalog, "v1.34.7", |image| {
            image.sha256 = Some("0".repeat(64).parse().unwrap());
        });
    });
    assert!(
        other[0].starts_with("image v1.34.7: failed, the checksum is "),
        "{other:?}"
    );
    let none = proofs_against(|catalog, _| images(catalog, "v1.34.7", |image| image.sha256 = None));
    assert_eq!(none, ["image v1.34.7: failed, the store has no checksum"]);
    let silent = proofs_against(|catalog, _| catalog.image_stores.clear());
    assert_eq!(silent.len(), 4, "{silent:?}");
    assert_eq!(
        silent[0],
        "image v1.34.0: unreadable, no store was queried for images of 1.34"
    );
    let charts = proofs_against(|catalog, _| {
        for repository in &mut catalog.chart_repositories {
            for versions in repository.charts.values_mut() {
                versions.retain(|version| version.plain() != "2.34.3");
            }
        }
    });
    assert_eq!(
        charts,
        [
            "chart openstack-cinder-csi 2.34.3: failed, the index of https://kubernetes.github.io/cloud-provider-openstack has no such version"
        ]
    );
    let charts = proofs_against(|catalog, _| catalog.chart_repositories.clear());
    assert_eq!(charts.len(), 2);
    assert!(
        charts[0].contains("unreadable, the catalog has nothing about https://"),
        "{charts:?}"
    );
}

#[test]
fn a_new_finding_is_red_and_an_old_one_is_not() {
    let moved = proofs_against(|_, findings| {
        for finding in &mut findings.findings {
            finding.line = finding.line.map(|line| line + 1);
            finding.message.push_str(", in other words");
        }
    });
    assert_eq!(moved, [""; 0]);
    let new = proofs_against(|_, findings| {
        let mut more = findings.findings[0].clone();
        more.message = "another".to_owned();
        more.minor = None;
        findings.findings.push(more);
    });
    assert_eq!(new, ["check: failed, 1 new finding"]);
}
