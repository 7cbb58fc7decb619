//! `update` through the command line: it writes exactly what `plan` showed, all of it or nothing, and over nobody's work.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::program::{
    self, Copy, catalog, differing, files_of, program, sound_repositories,
};

/// On the catalog's day every minor of layout-a has reached its end of life.
const FOLLOW: [&str; 2] = ["--end-of-life", "follow"];
const SCS2: &str = "providers/openstack/scs2";
const SCS: &str = "providers/openstack/scs";

type Files = BTreeMap<String, Vec<u8>>;

fn with_catalog<'a>(arguments: &[&'a str], catalog: &'a str) -> Vec<&'a str> {
    [arguments, &["--catalog", catalog]].concat()
}

/// Runs the program on the project's catalog and returns stdout of a run that ended well.
fn run(copy: &Copy, arguments: &[&str]) -> String {
    copy.run(&with_catalog(arguments, &copy.catalog()))
        .success()
}

/// Runs the program on the project's catalog and returns stderr of a run that failed and changed nothing.
fn refusal(copy: &Copy, arguments: &[&str]) -> String {
    let before = copy.files();
    let message = copy.run(&with_catalog(arguments, &catalog())).failure(1);
    assert!(message.contains("\n  hint: "), "{message}");
    assert_eq!(differing(&before, &copy.files()), [""; 0], "{message}");
    assert!(!copy.path(".git/csctl-matrix-update").exists());
    assert!(!copy.path(".git/csctl-matrix-update.lock").exists());
    message
}

/// The files after an update that nothing disturbed.
fn updated(layout: &str, arguments: &[&str]) -> Files {
    let copy = Copy::of(layout);
    run(&copy, &[&["update"], arguments].concat());
    copy.files()
}

/// The unified diff in what `plan` printed.
fn diff_in(plan: &str) -> String {
    let is_diff = |line: &&str| line.starts_with(['+', '-', ' ', '@', '\\']);
    plan.split_inclusive('\n').filter(is_diff).collect()
}

#[test]
fn the_diff_of_a_plan_is_what_update_writes() {
    for layout in sound_repositories() {
        let (patched, written) = (Copy::of(&layout), Copy::of(&layout));
        let plan = run(
            &patched,
            &[&["plan", "--color", "never"], &FOLLOW[..]].concat(),
        );
        patched.git(&["init", "-q"]);
        let file = patched.root().join("../plan.diff");
        fs::write(&file, diff_in(&plan)).unwrap();
        patched.git(&["apply", "--whitespace=nowarn", &file.display().to_string()]);
        run(&written, &[&["update"], &FOLLOW[..]].concat());
        assert_eq!(
            differing(&patched.files(), &written.files()),
            [""; 0],
            "{layout}"
        );
        assert_ne!(written.files(), Copy::of(&layout).files(), "{layout}");
    }
}

/// Carries out the files of a plan's JSON as a bot would.
fn carry_out(copy: &Copy, plan: &serde_json::Value) {
    for change in plan["files"].as_array().unwrap() {
        let path = copy.path(change["path"].as_str().unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match change["action"].as_str().unwrap() {
            "edit" | "create" => fs::write(path, change["after"].as_str().unwrap()).unwrap(),
            "copy" => {
                fs::copy(copy.path(change["from"].as_str().unwrap()), path).unwrap();
            }
            "remove" => fs::remove_file(path).unwrap(),
            other => panic!("action {other}"),
        }
    }
}

#[test]
fn the_json_of_a_plan_is_what_update_writes() {
    let cases: [(&str, &[&str]); 5] = [
        ("layout-c", &[]),
        ("layout-b", &["--switch", "1.35"]),
        ("layout-d", &["openstack/scs", "--add", "1.36"]),
        (
            "layout-a",
            &["--end-of-life", "drop", "--as-of", "2025-04-01"],
        ),
        ("broken", &["good"]),
    ];
    for (layout, arguments) in cases {
        let (by_hand, written) = (Copy::of(layout), Copy::of(layout));
        let json = [&["plan", "--format", "json"], arguments].concat();
        let plan: serde_json::Value = serde_json::from_str(&run(&by_hand, &json)).unwrap();
        carry_out(&by_hand, &plan);
        let said = run(
            &written,
            &[&["update", "--format", "json"], arguments].concat(),
        );
        let said = said.replace(
            &written.root().display().to_string(),
            &by_hand.root().display().to_string(),
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&said).unwrap(),
            plan
        );
        assert_eq!(
            differing(&by_hand.files(), &written.files()),
            [""; 0],
            "{layout}"
        );
    }
}

#[test]
fn a_second_run_changes_nothing() {
    for layout in sound_repositories() {
        let copy = Copy::of(&layout);
        run(&copy, &["update"]);
        let files = copy.files();
        let said = run(&copy, &["update"]);
        assert!(said.ends_with("nothing to change\n"), "{layout}: {said}");
        assert_eq!(differing(&copy.files(), &files), [""; 0], "{layout}");
    }
}

#[test]
fn work_that_is_not_committed_is_not_written_over() {
    let copy = Copy::of("layout-c");
    copy.commit();
    let place = format!("{SCS2}/versions.yaml");
    let text = copy.read(&place);
    copy.write(&place, &format!("# mine\n{text}"));
    let message = refusal(&copy, &["update"]);
    let expected = format!("error: {place} has uncommitted changes; nothing was written\n");
    assert!(message.starts_with(&expected), "{message}");
    // Staged is not committed.
    copy.git(&["add", "-A"]);
    refusal(&copy, &["update"]);
    run(&copy, &["update", "--allow-dirty"]);
    assert!(copy.read(&place).starts_with("# mine\n"));
    assert!(copy.read(&place).contains("1.34.8"));
}

#[test]
fn other_work_is_no_obstacle() {
    let copy = Copy::of("layout-c");
    copy.commit();
    copy.write("notes.txt", "mine");
    copy.write(
        &format!("{SCS2}/cluster-addon/cni/values.yaml"),
        "mine: true\n",
    );
    let clusteraddon = copy.read(&format!("{SCS2}/clusteraddon.yaml"));
    copy.write(
        &format!("{SCS2}/clusteraddon.yaml"),
        &(clusteraddon + "# mine\n"),
    );
    run(&copy, &["update"]);
    assert_eq!(copy.read("notes.txt"), "mine");
    assert!(
        copy.read(&format!("{SCS2}/clusteraddon.yaml"))
            .ends_with("# mine\n")
    );
    let written = copy.git(&["diff", "--name-only"]);
    assert!(
        written.contains(&format!("{SCS2}/kubernetes.yaml")),
        "{written}"
    );
}

#[test]
fn a_file_git_does_not_know_is_work_too() {
    let copy = Copy::of("layout-c");
    fs::remove_file(copy.path(&format!("{SCS2}/kubernetes.yaml"))).unwrap();
    copy.commit();
    let text = Copy::of("layout-c").read(&format!("{SCS2}/kubernetes.yaml"));
    copy.write(&format!("{SCS2}/kubernetes.yaml"), &text);
    let message = refusal(&copy, &["update"]);
    assert!(
        message.contains("kubernetes.yaml has uncommitted changes"),
        "{message}"
    );
}

#[test]
fn files_in_the_way_of_a_new_minor_stay() {
    let copy = Copy::of("layout-d");
    copy.commit();
    copy.write(&format!("{SCS}/1-36/notes.txt"), "mine");
    copy.write(
        &format!("{SCS}/1-36/cluster-class/values.yaml"),
        "mine: true\n",
    );
    let message = refusal(&copy, &["update", "openstack/scs", "--add", "1.36"]);
    assert!(
        message.contains(&format!(
            "{SCS}/1-36/cluster-class/values.yaml is there already"
        )),
        "{message}"
    );
}

#[test]
fn the_result_does_not_depend_on_where_it_runs() {
    let expected = updated("layout-c", &[]);
    // A worktree, whose `.git` is a file.
    let main = Copy::of("layout-c");
    main.commit();
    let worktree = main.root().join("../worktree").display().to_string();
    main.git(&["worktree", "add", "-q", &worktree]);
    // A shallow clone of it.
    let shallow = main.root().join("../shallow").display().to_string();
    let url = format!("file://{}", main.root().display());
    main.git(&["clone", "-q", "--depth", "1", &url, &shallow]);
    // A directory in the repository, deep below its root.
    let deep = Copy::of("layout-c");
    deep.commit();
    // Below the root of the git repository.
    let above = Copy::of("docker");
    above.git(&["init", "-q"]);
    copy_into(&above.root().join("stacks"), &Copy::of("layout-c").files());
    above.commit();
    for (root, start) in [
        (main.root(), String::new()),
        (worktree.into(), String::new()),
        (shallow.into(), String::new()),
        (deep.root(), format!("{SCS2}/cluster-addon/ccm")),
        (above.root().join("stacks"), "providers".to_owned()),
    ] {
        let place = root.join(start).display().to_string();
        program::run(&["-C", &place, "update", "--catalog", &catalog()]).success();
        assert_eq!(
            differing(&files_of(&root), &expected),
            [""; 0],
            "{}",
            root.display()
        );
    }
    assert_eq!(above.git(&["status", "--porcelain", "providers"]), "");
}

fn copy_into(root: &Path, files: &Files) {
    for (place, bytes) in files {
        let path = root.join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_repository_within_a_repository_guards_its_work() {
    let copy = Copy::of("docker");
    copy_into(&copy.root().join("stacks"), &Copy::of("layout-c").files());
    copy.commit();
    let place = format!("stacks/{SCS2}/versions.yaml");
    let text = copy.read(&place);
    copy.write(&place, &(text + "# mine\n"));
    let before = copy.files();
    let root = copy.path("stacks").display().to_string();
    let message = program::run(&["-C", &root, "update", "--catalog", &catalog()]).failure(1);
    let expected = format!("error: {SCS2}/versions.yaml has uncommitted changes");
    assert!(message.starts_with(&expected), "{message}");
    assert_eq!(differing(&before, &copy.files()), [""; 0]);
}

/// A plan without the command that writes it, which a revision has not.
fn without_next(plan: &str) -> &str {
    plan.rsplit_once(" Write ")
        .map_or(plan.trim_end(), |(plan, _)| plan)
}

#[test]
fn a_revision_is_planned_like_its_checkout() {
    for layout in ["layout-a", "layout-c", "layout-d", "broken"] {
        let copy = Copy::of(layout);
        copy.write("providers/.helmignore", "*.orig\n").commit();
        let files = copy.files();
        // One stack of `broken` is at fault, and the others are written all the same.
        let update = [&["update"], &FOLLOW[..]].concat();
        let status = copy.run(&with_catalog(&update, &catalog())).status;
        assert_eq!(status, if layout == "broken" { 6 } else { 0 });
        copy.commit();
        let old = Copy::of(layout);
        copy_into(&old.root(), &files);
        old.commit();
        for command in ["plan", "show"] {
            for format in ["text", "json"] {
                let arguments = [command, "--format", format, "--catalog", &catalog()];
                // Commands that are named to people say where, and of which revision.
                let same = |copy: &Copy, text: &str| {
                    let text = text.replace(&copy.root().display().to_string(), "HERE");
                    without_next(&text.replace(" --rev 'HEAD~1'", "")).to_owned()
                };
                let there = copy.run(&[&arguments[..], &["--rev", "HEAD~1"]].concat());
                let here = old.run(&arguments);
                assert_eq!(
                    same(&copy, &there.stdout),
                    same(&old, &here.stdout),
                    "{layout}"
                );
                assert_eq!(
                    (same(&copy, &there.stderr), there.status),
                    (same(&old, &here.stderr), here.status),
                    "{layout}"
                );
            }
        }
    }
}

#[test]
fn a_revision_is_never_written() {
    let copy = Copy::of("layout-c");
    copy.commit();
    let message = refusal(&copy, &["update", "--rev", "HEAD"]);
    assert!(message.contains("not to HEAD"), "{message}");
    let message = refusal(&copy, &["plan", "--rev", "v99"]);
    assert!(message.contains("no revision `v99`"), "{message}");
    let message = refusal(&Copy::of("layout-c"), &["plan", "--rev", "HEAD"]);
    assert!(message.contains("is not in a git repository"), "{message}");
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    use super::*;

    fn mode(copy: &Copy, place: &str) -> u32 {
        fs::metadata(copy.path(place)).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn files_keep_their_modes() {
        let copy = Copy::of("layout-d");
        let modes = [
            ("stack.yaml", 0o600),
            ("csctl.yaml", 0o640),
            ("cluster-class/Chart.yaml", 0o755),
        ];
        for (place, mode) in modes {
            set_mode(&copy.path(&format!("{SCS}/1-35/{place}")), mode);
        }
        run(&copy, &["update", "openstack/scs"]);
        assert_eq!(mode(&copy, &format!("{SCS}/1-35/stack.yaml")), 0o600);
        run(&copy, &["update", "openstack/scs", "--add", "1.36"]);
        for (place, expected) in modes {
            assert_eq!(
                mode(&copy, &format!("{SCS}/1-36/{place}")),
                expected,
                "{place}"
            );
        }
    }

    /// Runs as a user who is not root, to whom modes mean something, where the test itself is root.
    fn run_unprivileged(copy: &Copy, arguments: &[&str]) -> program::Said {
        let root = copy.root().display().to_string();
        let mut command = program(&[&["-C", &root], arguments].concat());
        if fs::metadata("/proc/self")
            .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
        {
            set_mode(copy.root().parent().unwrap(), 0o755);
            let mut places = vec![copy.root()];
            while let Some(place) = places.pop() {
                chown(&place, Some(65534), Some(65534)).unwrap();
                if place.is_dir() {
                    places.extend(
                        fs::read_dir(&place)
                            .unwrap()
                            .map(|entry| entry.unwrap().path()),
                    );
                }
            }
            command.uid(65534).gid(65534);
        }
        command.output().unwrap().into()
    }

    #[test]
    fn a_directory_that_cannot_be_written_stops_everything() {
        let copy = Copy::of("layout-c");
        copy.commit();
        let before = copy.files();
        let locked = copy.path(&format!("{SCS2}/cluster-class/templates"));
        set_mode(&locked, 0o555);
        let said = run_unprivileged(&copy, &["update", "--catalog", &catalog()]);
        assert_eq!(
            differing(&copy.files(), &before),
            [""; 0],
            "{}",
            said.stderr
        );
        let message = said.failure(1);
        assert!(
            message.contains("templates: Permission denied"),
            "{message}"
        );
        assert!(
            message.contains("; nothing was written\n  hint: "),
            "{message}"
        );
        set_mode(&locked, 0o755);
        run_unprivileged(&copy, &["update", "--catalog", &catalog()]).success();
        assert_eq!(differing(&copy.files(), &updated("layout-c", &[])), [""; 0]);
    }
}

#[test]
fn a_place_that_is_taken_stops_everything() {
    for taken in ["1-36", "1-36/cluster-class"] {
        let copy = Copy::of("layout-d");
        copy.write(&format!("{SCS}/{taken}"), "a file");
        let message = refusal(&copy, &["update", "openstack/scs", "--add", "1.36"]);
        assert!(
            message.contains(&format!(
                "{SCS}/{taken} is there already; nothing was written"
            )),
            "{message}"
        );
    }
    let copy = Copy::of("layout-d");
    fs::create_dir_all(copy.path(&format!("{SCS}/1-36/stack.yaml/inner"))).unwrap();
    let message = refusal(&copy, &["update", "openstack/scs", "--add", "1.36"]);
    assert!(
        message.contains("1-36/stack.yaml is there already"),
        "{message}"
    );
}

#[test]
fn a_new_minor_is_a_directory_where_minors_are_directories() {
    let copy = Copy::of("layout-d");
    copy.write(&format!("{SCS}/1-35/cluster-class/.helmignore"), "*.orig\n");
    let before = copy.files();
    run(&copy, &["update", "openstack/scs", "--add", "1.36"]);
    let after = copy.files();
    for (place, bytes) in &before {
        if let Some(rest) = place.strip_prefix(&format!("{SCS}/1-35/")) {
            let made = &after[&format!("{SCS}/1-36/{rest}")];
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().lines().count();
            assert_eq!(text(made), text(bytes), "{rest}");
        }
    }
    let text = |place: &str| copy.read(&format!("{SCS}/1-36/{place}"));
    assert!(
        text("stack.yaml")
            .contains("kubernetesVersion: 1.36.1\naddons:\n  ccm: 2.36.x\n  csi: 2.36.x\n")
    );
    assert!(text("csctl.yaml").contains("kubernetesVersion: v1.36\n"));
    assert!(text("cluster-class/Chart.yaml").contains("name: openstack-scs-1-36-cluster-class\n"));
    assert!(
        copy.read(&format!("{SCS}/image-manager.yaml"))
            .contains("'v1.36.1'")
    );
    let others = |place: &&String| !place.starts_with(&format!("{SCS}/1-36/"));
    let changed = differing(&before, &after);
    let changed: Vec<&String> = changed.iter().filter(others).collect();
    assert_eq!(changed, [&format!("{SCS}/image-manager.yaml")]);
}

#[test]
fn a_new_minor_moves_the_tree_where_there_is_one() {
    for (layout, stack) in [("layout-b", SCS), ("layout-c", SCS2)] {
        let copy = Copy::of(layout);
        run(&copy, &["update", "--switch", "1.35"]);
        let text = |place: &str| copy.read(&format!("{stack}/{place}"));
        assert!(text("csctl.yaml").contains("kubernetesVersion: v1.35.5\n"));
        assert!(text("cluster-class/Chart.yaml").contains("-1-35-cluster-class\n"));
        let row = "- kubernetes: 1.35.5\n  cinder_csi: 2.35.0\n  occm: 2.35.0\n";
        assert!(
            text("versions.yaml").ends_with(row),
            "{}",
            text("versions.yaml")
        );
        assert!(text("cluster-addon/ccm/Chart.yaml").contains("version: 2.35.0"));
    }
}

#[test]
fn a_minor_without_images_is_held_and_nothing_else_is_done() {
    for layout in ["layout-a", "layout-b", "layout-c", "layout-d"] {
        let copy = Copy::of(layout);
        let before = copy.files();
        let said = run(&copy, &["update", "--switch", "1.40"]);
        assert!(
            said.contains("skip   1.40: cannot switch the stack to it"),
            "{said}"
        );
        assert_eq!(differing(&before, &copy.files()), [""; 0], "{layout}");
    }
}

#[test]
fn minors_after_their_end_leave_when_asked() {
    let copy = Copy::of("layout-a");
    copy.write(
        "providers/openstack/ferrol/1-29/cluster-class/.helmignore",
        "*.orig\n",
    );
    run(
        &copy,
        &["update", "--end-of-life", "drop", "--as-of", "2025-04-01"],
    );
    assert!(!copy.path("providers/openstack/ferrol/1-29").exists());
    assert!(
        copy.path("providers/openstack/ferrol/1-30/csctl.yaml")
            .exists()
    );

    let copy = Copy::of("layout-d");
    run(
        &copy,
        &["update", "--end-of-life", "drop", "--as-of", "2026-07-01"],
    );
    assert!(!copy.path(&format!("{SCS}/1-33")).exists());
    let list = copy.read(&format!("{SCS}/image-manager.yaml"));
    assert!(
        !list.contains("1.33") && list.contains("'v1.34.8'"),
        "{list}"
    );

    let copy = Copy::of("layout-c");
    run(&copy, &["update", "--end-of-life", "drop"]);
    assert!(!copy.read(&format!("{SCS2}/versions.yaml")).contains("1.32"));
    assert!(
        !copy
            .read(&format!("{SCS2}/kubernetes.yaml"))
            .contains("v1.32")
    );
}

#[test]
fn the_last_minor_stays_though_its_end_has_come() {
    let copy = Copy::of("layout-a");
    run(
        &copy,
        &["update", "--end-of-life", "drop", "--as-of", "2027-01-01"],
    );
    for minor in ["1-29", "1-30"] {
        assert!(
            copy.path(&format!("providers/openstack/ferrol/{minor}/csctl.yaml"))
                .exists()
        );
    }
}

/// The patches of 1.34 that layout C lists, as numbers.
fn patches(copy: &Copy) -> Vec<u32> {
    let text = copy.read(&format!("{SCS2}/kubernetes.yaml"));
    let of_minor = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- version: 'v1.34."));
    of_minor
        .map(|rest| rest.trim_end_matches('\'').parse().unwrap())
        .collect()
}

#[test]
fn the_list_follows_the_list_policy() {
    let cases: [(&[&str], &[u32]); 6] = [
        (&[], &[0, 1, 3, 4, 5, 6, 7, 8]),
        (&["--images", "newest"], &[8]),
        (&["--images", "newest=2"], &[7, 8]),
        (&["--images", "from=v1.34.5"], &[5, 6, 7, 8]),
        (
            &["--images", "newest", "--retention", "keep"],
            &[1, 3, 5, 6, 8],
        ),
        (&["--change", "addons"], &[1, 3, 5, 6]),
    ];
    for (arguments, expected) in cases {
        let copy = Copy::of("layout-c");
        run(&copy, &[&["update"], arguments].concat());
        assert_eq!(patches(&copy), expected, "{arguments:?}");
        let again = run(&copy, &[&["update"], arguments].concat());
        assert!(
            again.ends_with("nothing to change\n"),
            "{arguments:?}: {again}"
        );
    }
}

#[test]
fn changes_can_be_made_class_by_class() {
    let copy = Copy::of("layout-c");
    run(&copy, &["update", "--addons", "leave"]);
    assert!(
        copy.read(&format!("{SCS2}/cluster-addon/ccm/Chart.yaml"))
            .contains("2.34.1")
    );

    let copy = Copy::of("layout-c");
    let before = copy.files();
    run(&copy, &["update", "--change", "addons"]);
    let changed = differing(&before, &copy.files());
    let expected = [
        "cluster-addon/ccm/Chart.yaml",
        "cluster-addon/csi/Chart.yaml",
        "versions.yaml",
    ];
    assert_eq!(changed, expected.map(|place| format!("{SCS2}/{place}")));

    // One class after the other comes to the same as all at once.
    for class in ["new-patch", "new-minor", "removal", "repair"] {
        run(&copy, &["update", "--change", class]);
    }
    assert_eq!(differing(&copy.files(), &updated("layout-c", &[])), [""; 0]);
}

#[test]
fn the_exit_status_tells_what_is_pending() {
    let status =
        |copy: &Copy, arguments: &[&str]| copy.run(&with_catalog(arguments, &catalog())).status;
    let copy = Copy::of("layout-c");
    assert_eq!(status(&copy, &["plan"]), 0);
    assert_eq!(status(&copy, &["plan", "--exit-code"]), 3);
    assert_eq!(status(&copy, &["update", "--exit-code"]), 0);
    // v1.34.9 is announced and not there, 1.35 is new: held.
    assert_eq!(status(&copy, &["plan", "--exit-code"]), 4);
    assert_eq!(status(&copy, &["update", "--exit-code"]), 4);
    assert_eq!(status(&copy, &["update"]), 0);
    assert_eq!(status(&copy, &["plan", "--exit-cod"]), 2);
    // Of one stack a file cannot be read; the others would change.
    assert_eq!(status(&Copy::of("broken"), &["plan", "--exit-code"]), 6);

    let docker = Copy::of("values-map");
    status(&docker, &["update"]);
    let held = run(&docker, &["plan"]).contains("skip ");
    assert_eq!(
        status(&docker, &["plan", "--exit-code"]),
        if held { 4 } else { 0 }
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let copy = Copy::of("layout-a");
    let root = copy.root().display().to_string();
    for command in ["plan", "show"] {
        let mut child = program(&["-C", &root, command, "--catalog", &catalog()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        reader.read_line(&mut String::new()).unwrap();
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        assert!(output.status.success());
    }
    let mut child = program(&["-C", &root, "update", "--catalog", &catalog()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(differing(&copy.files(), &updated("layout-a", &[])), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_an_error() {
    let copy = Copy::of("layout-a");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let root = copy.root().display().to_string();
    let output = program(&[
        "-C",
        &root,
        "plan",
        "--format",
        "json",
        "--catalog",
        &catalog(),
    ])
    .stdout(full)
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with("error: cannot write the output: "),
        "{message}"
    );
}

/// Git's own directory may be on another file system than the files, as in containers.
#[cfg(target_os = "linux")]
#[test]
fn git_may_be_on_another_file_system() {
    let copy = Copy::of("layout-c");
    let Ok(elsewhere) = tempfile::TempDir::new_in("/dev/shm") else {
        println!("skipped: no /dev/shm");
        return;
    };
    let git = elsewhere.path().join("git").display().to_string();
    let made = Command::new("git")
        .args([
            "init",
            "-q",
            "--separate-git-dir",
            &git,
            &copy.root().display().to_string(),
        ])
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .status()
        .unwrap();
    assert!(made.success());
    copy.commit();
    run(&copy, &["update"]);
    assert_eq!(differing(&copy.files(), &updated("layout-c", &[])), [""; 0]);
}
