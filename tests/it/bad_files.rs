//! Files that are there and cannot be read, and files that only seem to be there: pipes, sockets, directories, pointers of Git LFS,
//! names that are no text, what a sparse checkout leaves out, what a clone lacks. Each is named with its reason, none is waited
//! for, and nothing of its stack is written.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::program::{self, Copy, Said, catalog, program};

const GOOD: &str = "providers/openstack/good/1-34";
const SICK: &str = "providers/openstack/sick/1-34";
const LFS: &str = "version https://git-lfs.github.com/spec/v1\n\
                   oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

/// A repository with the stack `good`, and with `sick`, which is the same under another name.
fn two_stacks() -> Copy {
    let copy = Copy::of("broken");
    for entry in fs::read_dir(copy.path("providers/openstack")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "good" {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    for (place, bytes) in copy.files() {
        let text = String::from_utf8(bytes).unwrap();
        copy.write(
            &place.replace("good", "sick"),
            &text.replace("good", "sick"),
        );
    }
    copy
}

/// Runs the program, which must not wait for anybody.
fn run(copy: &Copy, arguments: &[&str]) -> Said {
    let mut command = program(&["-C"]);
    command.arg(copy.root()).args(arguments);
    command.args(["--catalog", &catalog()]);
    in_time(&mut command)
}

fn in_time(command: &mut Command) -> Said {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = output.spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("the program waits");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap().into()
}

/// Plans and updates: `good` is written, nothing of `sick` is, and the message is this.
#[track_caller]
fn refuses(copy: &Copy, expected: &str) {
    let planned = run(copy, &["plan"]);
    assert!(
        planned.stdout.contains("openstack-good-1-34   new patch"),
        "{}",
        planned.stdout
    );
    let errors = planned.failure(6);
    let said: Vec<&str> = errors
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(said, [format!("error: {expected}")]);
    let updated = run(copy, &["update"]);
    for line in updated.stdout.lines().filter(|line| line.contains("wrote")) {
        assert!(line.contains(GOOD), "{line}");
    }
    let message = updated.failure(6);
    assert!(message.starts_with(&errors), "{message}");
    assert!(copy.read(&format!("{GOOD}/csctl.yaml")).contains("v1.34.8"));
}

fn pipe(path: &Path) {
    fs::remove_file(path).ok();
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn what_is_no_file_is_never_opened() {
    for place in [
        "csctl.yaml",
        "kubernetes.yaml",
        "cluster-class/Chart.yaml",
        "README.md",
    ] {
        let place = format!("{SICK}/{place}");
        let copy = two_stacks();
        pipe(&copy.path(&place));
        refuses(&copy, &format!("{place}: it is a FIFO, not a file"));

        let copy = two_stacks();
        fs::remove_file(copy.path(&place)).ok();
        fs::create_dir(copy.path(&place)).unwrap();
        refuses(&copy, &format!("{place}: it is a directory, not a file"));
    }
    let copy = two_stacks();
    let place = format!("{SICK}/versions.yaml");
    let _socket = std::os::unix::net::UnixListener::bind(copy.path(&place)).unwrap();
    refuses(&copy, &format!("{place}: it is a socket, not a file"));

    let copy = two_stacks();
    pipe(&copy.path("pipe"));
    symlink("../../../../pipe", copy.path(&place)).unwrap();
    refuses(&copy, &format!("{place}: it is a FIFO, not a file"));
}

#[test]
fn a_pipe_for_a_configuration_is_told() {
    let copy = two_stacks();
    pipe(&copy.path("csctl-matrix.yaml"));
    let message = run(&copy, &["plan"]).failure(1);
    assert!(
        message.starts_with("error: csctl-matrix.yaml: it is a FIFO, not a file\n"),
        "{message}"
    );
    let stack = copy.path(SICK).display().to_string();
    pipe(&copy.path(SICK).join("csctl.yaml"));
    let mut command = program(&["create-node-images", &stack, &stack, ""]);
    let message = in_time(&mut command).failure(1);
    assert!(
        message.contains("csctl.yaml: it is a FIFO, not a file"),
        "{message}"
    );
}

/// What no stack needs may be anything, and a new minor takes files over, not pipes.
#[test]
fn a_pipe_that_states_no_facts_is_in_nobodys_way() {
    let copy = two_stacks();
    pipe(&copy.path(&format!("{SICK}/cluster-addon/ccm/values.yaml")));
    run(&copy, &["plan"]).success();
    let arguments = ["update", "sick", "--add", "1.35"];
    let message = run(&copy, &arguments).failure(1);
    assert!(
        message.contains("values.yaml: it is a FIFO, not a file; nothing was written"),
        "{message}"
    );
    assert!(!copy.path("providers/openstack/sick/1-35").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_text_is_told() {
    let copy = two_stacks();
    let odd = |name: &[u8]| copy.path(SICK).join(OsStr::from_bytes(name));
    fs::write(odd(b"image-\xff.png"), "").unwrap();
    run(&copy, &["plan"]).success();
    fs::write(odd(b"kubernetes-\xff.yaml"), "images: []\n").unwrap();
    let expected = format!("{SICK}/kubernetes-\u{fffd}.yaml: its name is not UTF-8 text");
    refuses(&copy, &expected);

    // A revision says the same, and a directory of such a name does not hide what is beside it.
    let copy = two_stacks();
    fs::create_dir(copy.path(SICK).join(OsStr::from_bytes(b"docs-\xff"))).unwrap();
    fs::write(
        copy.path(SICK).join(OsStr::from_bytes(b"docs-\xff/a.txt")),
        "",
    )
    .unwrap();
    copy.commit();
    run(&copy, &["plan", "--rev", "HEAD"]).success();
    fs::write(
        copy.path(SICK).join(OsStr::from_bytes(b"docs-\xff/a.yaml")),
        "a: b\n",
    )
    .unwrap();
    copy.commit();
    let message = run(&copy, &["plan", "--rev", "HEAD"]).failure(6);
    let expected = format!("error: {SICK}/docs-\u{fffd}/a.yaml: its name is not UTF-8 text\n");
    assert!(message.starts_with(&expected), "{message}");
}

#[test]
fn a_pointer_of_git_lfs_is_no_content() {
    let copy = two_stacks();
    let place = format!("{SICK}/node-images/config.yaml");
    copy.write(&place, LFS).commit();
    let reason = "it is a pointer of Git LFS, and its content is elsewhere: git lfs pull";
    let message = run(&copy, &["plan", "--rev", "HEAD"]).failure(6);
    assert!(
        message.starts_with(&format!("error: {place}: {reason}\n")),
        "{message}"
    );
    refuses(&copy, &format!("{place}: {reason}"));
}

#[test]
fn links_in_a_circle_are_told() {
    let copy = two_stacks();
    let place = format!("{SICK}/versions.yaml");
    symlink("other.yaml", copy.path(&place)).unwrap();
    symlink("versions.yaml", copy.path(SICK).join("other.yaml")).unwrap();
    let message = run(&copy, &["plan"]).failure(6);
    for name in ["versions.yaml", "other.yaml"] {
        let expected = format!("error: {SICK}/{name}: the symbolic link leads nowhere: ");
        assert!(message.contains(&expected), "{message}");
    }
}

/// A file that grows, or that says less than it has, is read as far as the limit.
#[cfg(target_os = "linux")]
#[test]
fn a_file_is_read_no_further_than_the_limit() {
    let copy = two_stacks();
    let place = format!("{SICK}/values.yaml");
    copy.write(&place, &"a".repeat(8 * 1024 * 1024 + 1));
    refuses(
        &copy,
        &format!("{place}: the file has 8 MB, more than the 8 MB that are read"),
    );
}

mod permissions {
    use super::*;

    /// Nobody in particular: the superuser may read everything.
    const NOBODY: u32 = 65534;

    /// Runs the program as a user who may not read everything.
    fn run(copy: &Copy, arguments: &[&str]) -> Said {
        let mut command = program(&[]);
        if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            // Nobody may be kept from the directory of the build.
            let own = copy.root().join("../program");
            program::install(Path::new(command.get_program()), &own);
            let above = copy.root().join("..");
            fs::set_permissions(above, fs::Permissions::from_mode(0o755)).unwrap();
            command = Command::new(own);
            command.env_clear().uid(NOBODY).gid(NOBODY);
        }
        command.arg("-C").arg(copy.root()).args(arguments);
        // The catalog is read by the same user.
        let seen = copy.root().join("../catalog.yaml");
        fs::copy(catalog(), &seen).unwrap();
        in_time(command.arg("--catalog").arg(seen))
    }

    /// A file or directory that nobody may read, as long as this is there.
    struct Closed(PathBuf, u32);

    impl Closed {
        fn new(path: PathBuf) -> Self {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
            Self(path, mode)
        }
    }

    impl Drop for Closed {
        fn drop(&mut self) {
            fs::set_permissions(&self.0, fs::Permissions::from_mode(self.1)).ok();
        }
    }

    #[track_caller]
    fn told(copy: &Copy, (command, status): (&str, i32), expected: &str) -> String {
        let said = run(copy, &[command]);
        let stdout = said.stdout.clone();
        let message = said.failure(status);
        assert!(message.contains(&format!("error: {expected}")), "{message}");
        stdout
    }

    #[test]
    fn what_may_not_be_read_in_a_stack_is_told() {
        for (place, reason) in [
            ("csctl.yaml", "the file cannot be read: Permission denied"),
            ("cluster-addon", "the directory cannot be read: "),
            ("cluster-addon/ccm", "the directory cannot be read: "),
        ] {
            let copy = two_stacks();
            let place = format!("{SICK}/{place}");
            let _closed = Closed::new(copy.path(&place));
            let planned = told(&copy, ("plan", 6), &format!("{place}: {reason}"));
            assert!(
                planned.contains("openstack-good-1-34   new patch"),
                "{planned}"
            );
            let is_told = planned.contains("\nby hand   ") || planned.contains("   not planned\n");
            assert!(is_told, "{planned}");
        }
        // Vendored charts state nothing.
        let copy = two_stacks();
        fs::create_dir(copy.path(&format!("{SICK}/cluster-addon/ccm/charts"))).unwrap();
        let _closed = Closed::new(copy.path(&format!("{SICK}/cluster-addon/ccm/charts")));
        run(&copy, &["plan"]).success();
    }

    #[test]
    fn a_directory_that_may_hold_stacks_is_told() {
        let copy = two_stacks();
        let closed = Closed::new(copy.path("providers/openstack/sick"));
        for command in [("plan", 6), ("show", 1)] {
            let expected = "providers/openstack/sick: the directory cannot be read: ";
            let said = told(&copy, command, expected);
            assert!(said.contains("good") && !said.contains("sick"), "{said}");
        }
        let expected = "error: providers/openstack/sick: the directory cannot be read: ";
        let checked = run(&copy, &["check"]).failure(1);
        assert!(checked.contains(expected), "{checked}");
        drop(closed);
        // Where there is nothing else, that is why.
        let _closed = Closed::new(copy.path("providers"));
        told(
            &copy,
            ("plan", 1),
            "providers: the directory cannot be read: ",
        );
    }
}

mod sparse {
    use super::*;

    const ADD: &str =
        "git tracks it and the sparse checkout leaves it out: git sparse-checkout add";

    fn committed() -> Copy {
        let copy = two_stacks();
        copy.commit();
        copy
    }

    #[test]
    fn a_file_that_a_sparse_checkout_leaves_out_is_told() {
        let copy = committed();
        copy.git(&[
            "sparse-checkout",
            "set",
            "--no-cone",
            "/*",
            "!**/sick/**/config.yaml",
        ]);
        let place = format!("{SICK}/node-images/config.yaml");
        assert!(!copy.path(&place).exists());
        refuses(&copy, &format!("{place}: {ADD} {place}"));
        // The advice is good.
        copy.git(&["checkout", "-q", "--", GOOD]);
        copy.git(&["sparse-checkout", "add", &place]);
        run(&copy, &["plan"]).success();
    }

    #[test]
    fn a_directory_that_a_sparse_checkout_leaves_out_is_told() {
        let copy = committed();
        let kept = ["cluster-class", "node-images"].map(|name| format!("{SICK}/{name}"));
        copy.git(&["sparse-checkout", "set", "--cone", GOOD, &kept[0], &kept[1]]);
        let above = format!("{SICK}/cluster-addon/ccm");
        refuses(&copy, &format!("{above}/Chart.yaml: {ADD} {above}"));
        copy.git(&["checkout", "-q", "--", GOOD]);
        copy.git(&["sparse-checkout", "add", &above]);
        run(&copy, &["plan"]).success();
        // The same seen from below the root.
        copy.git(&["sparse-checkout", "set", "--cone", GOOD, &kept[0], &kept[1]]);
        let root = copy.path("providers").display().to_string();
        let mut command = program(&["-C", &root, "plan", "--catalog", &catalog()]);
        let message = in_time(&mut command).failure(6);
        assert!(message.contains(&format!("{ADD} {above}\n")), "{message}");
    }

    /// Who checks out one stack of many wants to work on that one.
    #[test]
    fn a_stack_that_is_left_out_as_a_whole_is_a_note() {
        let copy = committed();
        copy.git(&["sparse-checkout", "set", "--cone", GOOD]);
        assert!(!copy.path(SICK).exists());
        let said = run(&copy, &["plan"]);
        assert!(
            said.stderr.contains(
                "skipped, as the sparse checkout leaves them out: providers/openstack/sick\n"
            ),
            "{}",
            said.stderr
        );
        assert!(!said.success().contains("sick"));
        run(&copy, &["update"]).success();
    }

    #[test]
    fn a_configuration_that_is_left_out_stops_everything() {
        let copy = two_stacks();
        copy.write("csctl-matrix.yaml", "images: newest\n").commit();
        copy.git(&[
            "sparse-checkout",
            "set",
            "--no-cone",
            "/*",
            "!/csctl-matrix.yaml",
        ]);
        let message = run(&copy, &["plan"]).failure(1);
        let expected = format!("error: csctl-matrix.yaml: {ADD} csctl-matrix.yaml\n");
        assert!(message.starts_with(&expected), "{message}");
    }

    #[test]
    fn a_file_that_is_marked_by_hand_is_told() {
        let copy = committed();
        let place = format!("{SICK}/csctl.yaml");
        copy.git(&["update-index", "--skip-worktree", &place]);
        run(&copy, &["plan"]).success();
        fs::remove_file(copy.path(&place)).unwrap();
        let reason = format!(
            "git tracks it and skip-worktree leaves it out: git update-index --no-skip-worktree {place}, then git checkout \
             -- {place}"
        );
        refuses(&copy, &format!("{place}: {reason}"));
    }

    #[test]
    fn a_file_that_was_deleted_is_gone() {
        let copy = committed();
        fs::remove_file(copy.path(&format!("{SICK}/node-images/config.yaml"))).unwrap();
        run(&copy, &["plan"]).success();
    }

    /// libgit2 does not read an index of directories, and says so.
    #[test]
    fn an_index_of_directories_is_told() {
        let copy = committed();
        copy.git(&["sparse-checkout", "set", "--cone", "--sparse-index", GOOD]);
        let message = run(&copy, &["plan"]).failure(1);
        assert!(
            message.contains(
                "hint: write the index in full: git sparse-checkout reapply --no-sparse-index\n"
            ),
            "{message}"
        );
        copy.git(&["sparse-checkout", "reapply", "--no-sparse-index"]);
        run(&copy, &["plan"]).success();
    }
}

mod revisions {
    use super::*;

    fn plan(root: &Path, more: &[&str]) -> Said {
        let mut command = program(&["-C"]);
        command.arg(root).args(["plan", "--catalog", &catalog()]);
        in_time(command.args(more))
    }

    #[test]
    fn a_bare_repository_has_revisions() {
        let copy = two_stacks();
        copy.commit();
        let bare = copy.root().join("../bare.git");
        let place = bare.display().to_string();
        copy.git(&["clone", "-q", "--bare", ".", &place]);
        let said = plan(&bare, &["--rev", "main"]).success();
        assert!(said.contains("openstack-sick-1-34   new patch"), "{said}");
        let below = plan(&bare.join("refs/heads"), &["--rev", "main"]).success();
        assert_eq!(below.replace("bare.git/refs/heads", "bare.git"), said);
        let message = plan(&bare, &[]).failure(1);
        assert!(
            message
                .contains("is a bare repository without a working tree\n  hint: name a revision"),
            "{message}"
        );
        let message = plan(&bare, &["--rev", "other"]).failure(1);
        assert!(message.contains("error: no revision `other`"), "{message}");
    }

    #[test]
    fn what_a_partial_clone_lacks_is_told() {
        let copy = two_stacks();
        copy.commit();
        copy.git(&["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", copy.root().display());
        let partial = copy.root().join("../partial");
        let place = partial.display().to_string();
        copy.git(&[
            "clone",
            "-q",
            "--no-checkout",
            "--filter=blob:none",
            &url,
            &place,
        ]);
        let message = plan(&partial, &["--rev", "HEAD"]).failure(1);
        let expected = format!(
            "error: {SICK}/csctl.yaml: this partial clone lacks it: git fetch --refetch --no-filter\n"
        );
        assert!(message.contains(&expected), "{message}");
        assert!(!message.contains("no Kubernetes version"), "{message}");
        // The advice is good.
        copy.git(&["-C", &place, "fetch", "-q", "--refetch", "--no-filter"]);
        plan(&partial, &["--rev", "HEAD"]).success();

        let treeless = copy.root().join("../treeless");
        let place = treeless.display().to_string();
        copy.git(&[
            "clone",
            "-q",
            "--no-checkout",
            "--filter=tree:0",
            &url,
            &place,
        ]);
        let message = plan(&treeless, &["--rev", "HEAD"]).failure(1);
        assert!(!message.contains("safe.directory"), "{message}");
    }

    #[test]
    fn a_setting_of_partial_clones_that_libgit2_does_not_know_is_told() {
        let copy = two_stacks();
        copy.commit();
        copy.git(&["config", "core.repositoryFormatVersion", "1"]);
        copy.git(&["config", "extensions.partialClone", "origin"]);
        let message = plan(&copy.root(), &[]).failure(1);
        assert!(message.contains("hint: git does without that setting today: git config --unset extensions.partialClone\n"), "{message}");
    }

    #[test]
    fn a_shallow_clone_is_read() {
        let copy = two_stacks();
        copy.commit();
        let url = format!("file://{}", copy.root().display());
        let shallow = copy.root().join("../shallow");
        let place = shallow.display().to_string();
        copy.git(&["clone", "-q", "--depth", "1", &url, &place]);
        plan(&shallow, &["--rev", "HEAD"]).success();
        let message = plan(&shallow, &["--rev", "HEAD~1"]).failure(1);
        assert!(message.contains("a shallow clone lacks most"), "{message}");
    }

    /// A submodule is another repository: only where files of a stack belong it is missed.
    #[test]
    fn a_submodule_in_a_stack_is_told() {
        let copy = two_stacks();
        copy.commit();
        let commit = copy.git(&["rev-parse", "HEAD"]);
        let link = |copy: &Copy, place: &str| {
            let entry = format!("160000,{},{place}", commit.trim());
            copy.git(&["update-index", "--add", "--cacheinfo", &entry]);
            copy.git(&["commit", "-q", "-m", "Link"]);
        };
        for place in ["vendor", "docs/cluster-addon", &format!("{SICK}/docs")] {
            link(&copy, place);
            plan(&copy.root(), &["--rev", "HEAD"]).success();
        }
        link(&copy, &format!("{SICK}/cluster-addon/csi"));
        let message = plan(&copy.root(), &["--rev", "HEAD"]).failure(6);
        let expected = format!(
            "error: {SICK}/cluster-addon/csi: it is a submodule, whose files a revision does not hold\n"
        );
        assert!(message.starts_with(&expected), "{message}");
    }

    #[test]
    fn a_directory_in_the_place_of_a_file_is_told_in_a_revision() {
        let copy = two_stacks();
        copy.write(&format!("{SICK}/versions.yaml/readme"), "text")
            .commit();
        let message = plan(&copy.root(), &["--rev", "HEAD"]).failure(6);
        let expected = format!("error: {SICK}/versions.yaml: it is a directory, not a file\n");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn ignored_files_state_nothing_and_are_left_alone() {
    let copy = Copy::of("layout-c");
    let broken = "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig: [\n";
    copy.write("providers/openstack/old/csctl.yaml", broken);
    copy.write("providers/openstack/scs2/archive/image.yaml", "kind: [\n");
    let catalog = program::catalog();
    copy.run(&["plan", "--catalog", &catalog]).ended(6);
    let globs = "ignore: [providers/openstack/old/, '**/archive/', '*.md']\n";
    copy.write("csctl-matrix.yaml", globs);
    let before = copy.files();
    let written = copy.run(&["update", "--catalog", &catalog]).success();
    let after = copy.files();
    assert!(!written.contains("README.md"), "{written}");
    let changed = program::differing(&before, &after);
    assert!(
        changed.contains(&"providers/openstack/scs2/csctl.yaml".to_owned()),
        "{changed:?}"
    );
    assert!(
        !changed
            .iter()
            .any(|file| file.contains("archive") || file.ends_with("README.md")),
        "{changed:?}"
    );
    copy.write("csctl-matrix.yaml", "ignore: [../x]\n");
    let error = copy.run(&["plan", "--catalog", &catalog]).failure(1);
    assert!(error.contains("csctl-matrix.yaml:1"), "{error}");
}
