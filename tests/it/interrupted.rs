//! An update that was interrupted, through the command line: what people wrote since is never touched, what was done is said per
//! file, and every command that reads the tree tells of it. `io::update` tries out each system call by itself.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::support::program::{self, Copy, catalog, differing, program};
use csctl_matrix::version::Sha256;
use serde_json::{Value, json};

const SCS: &str = "providers/openstack/scs";
/// A plan of layout D that changes, makes and removes files.
const MOVES: [&str; 6] = [
    "openstack/scs",
    "--add",
    "1.36",
    "--end-of-life",
    "drop",
    "--as-of",
];
const DAY: &str = "2026-07-01";
const MOVED: usize = 9;
const BY_HAND: &str = "written by hand\n";

/// A file that was changed, and is moved already.
const EDITED: usize = 8;

type Files = BTreeMap<String, Vec<u8>>;

/// Runs the program on the project's catalog.
fn run(copy: &Copy, arguments: &[&str]) -> program::Said {
    copy.run(&[arguments, &["--catalog", &catalog()]].concat())
}

/// The staging directory of a repository, in git's own directory or outside git beside the files.
fn staging(copy: &Copy) -> PathBuf {
    let git = copy.path(".git");
    if git.is_dir() {
        git.join("csctl-matrix-update")
    } else {
        copy.path(".csctl-matrix-update")
    }
}

/// A copy of layout D in which an update was killed after some of its moves.
struct Interrupted {
    copy: Copy,
    before: Files,
    after: Files,
    /// The files of the update, in its order; the first [`MOVED`] are as it wants them.
    paths: Vec<String>,
}

impl Interrupted {
    fn new(is_git: bool) -> Self {
        Self::after(is_git, MOVED)
    }

    fn after(is_git: bool, moved: usize) -> Self {
        let copy = Copy::of("layout-d");
        if is_git {
            copy.commit();
        }
        let done = Copy::of("layout-d");
        run(&done, &[&["update"], &MOVES[..], &[DAY]].concat()).success();
        let (before, after) = (copy.files(), done.files());
        // Files of all kinds are among the first: what is made comes last in the order of paths.
        let mut paths = differing(&before, &after);
        paths.sort_by_key(|path| path.rsplit('/').next().map(str::to_owned));
        assert!(paths.len() > MOVED + 3, "{paths:?}");
        assert!(paths[EDITED].ends_with("image-manager.yaml"), "{paths:?}");
        let interrupted = Self {
            copy,
            before,
            after,
            paths,
        };
        interrupted.stage(moved);
        interrupted
    }

    /// Writes what a killed update leaves.
    fn stage(&self, moved: usize) {
        let staging = staging(&self.copy);
        fs::create_dir(&staging).unwrap();
        let mut steps = Vec::new();
        for (number, path) in self.paths.iter().enumerate() {
            let (old, new) = (self.before.get(path), self.after.get(path));
            steps.push(json!({"path": path, "before": state(old), "after": state(new)}));
            if number < moved {
                put(&self.copy.path(path), new);
                put(&staging.join(format!("{number}.old")), old);
            } else {
                put(&staging.join(format!("{number}.new")), new);
            }
        }
        write_journal(&self.copy, &steps);
    }

    fn path(&self, number: usize) -> &str {
        &self.paths[number]
    }

    /// Writes over a file by hand.
    fn edit(&self, number: usize) {
        self.copy.write(self.path(number), BY_HAND);
    }

    /// Holds that all files are of one state, but for those that somebody wrote.
    fn assert_is(&self, expected: &Files, by_hand: &[usize]) {
        let mut by_hand: Vec<&String> = by_hand.iter().map(|number| &self.paths[*number]).collect();
        by_hand.sort();
        for path in &by_hand {
            assert_eq!(self.copy.read(path), BY_HAND, "{path}");
        }
        let wrong = differing(&self.copy.files(), expected);
        assert_eq!(wrong.iter().collect::<Vec<_>>(), by_hand);
        assert!(!staging(&self.copy).exists());
        assert!(!staging(&self.copy).with_extension("lock").exists());
    }
}

fn state(bytes: Option<&Vec<u8>>) -> Value {
    match bytes {
        Some(bytes) => json!({"file": Sha256::of(bytes)}),
        None => json!("absent"),
    }
}

/// Makes or removes a file.
fn put(path: &Path, bytes: Option<&Vec<u8>>) {
    match bytes {
        Some(bytes) => {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        None => {
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes a journal in today's form.
fn write_journal(copy: &Copy, steps: &[Value]) {
    let mut journal = json!({"form": 2, "token": "0123abcd", "steps": steps});
    if !copy.path(".git").exists() {
        journal["place"] = place_of(&staging(copy));
    }
    fs::write(staging(copy).join("journal.json"), journal.to_string()).unwrap();
}

/// What a journal among the files says of the directory that it was written in.
fn place_of(directory: &Path) -> Value {
    let metadata = fs::metadata(directory).unwrap();
    let made = metadata.created().ok();
    let since = made.map(|made| made.duration_since(UNIX_EPOCH).unwrap());
    let mut place = json!({ "inode": metadata.ino() });
    if let Some(since) = since {
        place["made"] = format!("{}.{:09}", since.as_secs(), since.subsec_nanos()).into();
    }
    place
}

#[test]
fn a_leftover_without_a_journal_is_thrown_away() {
    for is_git in [true, false] {
        let copy = Copy::of("layout-c");
        if is_git {
            copy.commit();
        }
        for expected in ["files written", "nothing to change"] {
            fs::create_dir_all(staging(&copy).join("deep/er")).unwrap();
            for (name, text) in [
                ("0.new", "half"),
                ("77", "half"),
                ("deep/er/file", "half"),
                ("journal.draft", "{\"steps\":["),
            ] {
                fs::write(staging(&copy).join(name), text).unwrap();
            }
            assert_eq!(run(&copy, &["plan"]).stderr, "");
            let said = run(&copy, &["update", "--allow-dirty"]);
            assert_eq!(said.stderr, "");
            assert!(said.success().contains(expected));
            assert!(!staging(&copy).exists());
        }
    }
}

#[test]
fn where_nobody_wrote_anything_the_next_update_finishes_it() {
    for is_git in [true, false] {
        for command in [&["update", "openstack/hcp"][..], &["check", "--fix"]] {
            let found = Interrupted::new(is_git);
            let said = run(&found.copy, command);
            let finished = found.paths.join("\nfinished ");
            let expected =
                format!("finished {finished}\nwarning: an interrupted update was finished first\n");
            assert_eq!(said.stderr, expected);
            assert!([0, 3].contains(&said.status));
            found.assert_is(&found.after, &[]);
            assert_eq!(run(&found.copy, command).stderr, "");
        }
    }
}

/// What it finished makes files dirty, and the error that follows does not say that nothing was written.
#[test]
fn an_error_after_it_tells_what_was_finished() {
    let found = Interrupted::new(true);
    let arguments = ["update", "openstack/scs", "--images", "newest"];
    let said = run(&found.copy, &arguments);
    found.assert_is(&found.after, &[]);
    assert_eq!(said.stdout, "");
    let message = said.failure(1);
    assert!(message.starts_with("finished "), "{message}");
    assert!(
        message.contains("\nwarning: an interrupted update was finished first\nerror: "),
        "{message}"
    );
    assert!(
        message.contains(" has uncommitted changes; nothing else was written\n  hint: "),
        "{message}"
    );
    let found = Interrupted::new(true);
    let message = run(&found.copy, &["update", "openstack/none"]).failure(1);
    assert!(
        message.contains("\nerror: no cluster stack `openstack/none`\n  hint: there are "),
        "{message}"
    );
    assert!(message.starts_with("finished "), "{message}");
}

#[test]
fn what_has_written_nothing_is_thrown_away() {
    for is_git in [true, false] {
        let found = Interrupted::after(is_git, 0);
        let said = run(&found.copy, &["update", "openstack/hcp"]);
        assert_eq!(
            said.stderr,
            "warning: nothing of an interrupted update was in the files; it was thrown away\n"
        );
        assert!(said.success().ends_with("nothing to change\n"));
        found.assert_is(&found.before, &[]);
    }
}

/// Where git took everything back, as a runner does between two jobs, and the branch went on: nobody has to come.
#[test]
fn what_git_took_back_stops_nobody() {
    let found = Interrupted::new(true);
    found.edit(1);
    found.edit(MOVED + 1);
    found.copy.git(&["add", "-A"]);
    found.copy.git(&["commit", "-q", "-m", "Half of it"]);
    found.copy.git(&["reset", "-q", "--hard", "HEAD~1"]);
    // Another commit changes a file of the update.
    found.edit(MOVED + 1);
    found.copy.commit();
    let said = run(&found.copy, &["update", "openstack/hcp"]);
    assert_eq!(
        said.stderr,
        "warning: nothing of an interrupted update was in the files; it was thrown away\n"
    );
    found.assert_is(&found.before, &[MOVED + 1]);
}

#[test]
fn a_file_that_somebody_wrote_is_left_alone_and_named() {
    for is_git in [true, false] {
        let found = Interrupted::new(is_git);
        // One that was moved already, and one that was not.
        let by_hand = [EDITED, MOVED + 2];
        for number in &by_hand {
            found.edit(*number);
        }
        let files = found.copy.files();
        let all = [
            &["update"][..],
            &["update", "openstack/hcp"],
            &["update", "--allow-dirty", "--partial"],
            &["check", "--fix", "--allow-dirty"],
        ];
        for command in all {
            let message = run(&found.copy, command).failure(1);
            let expected = format!(
                "error: an update was interrupted, and {} was changed since, {} was changed since; nothing was written\n  hint: ",
                found.path(EDITED),
                found.path(MOVED + 2)
            );
            assert!(message.starts_with(&expected), "{message}");
            assert!(
                message.contains(" update --resume ") && message.contains(" update --abort "),
                "{message}"
            );
            assert_eq!(differing(&found.copy.files(), &files), [""; 0]);
        }
    }
}

/// The words of a line about a file: `rolled back   providers/...`.
fn words<'l>(line: &'l str, path: &str) -> Option<&'l str> {
    let (words, rest) = line.split_once("   ")?;
    let rest = rest.trim_start();
    (rest == path || rest.starts_with(&format!("{path} "))).then_some(words)
}

#[test]
fn resume_and_abort_say_of_each_file_what_was_done() {
    for is_git in [true, false] {
        for by_hand in [vec![], vec![1, EDITED, MOVED + 2]] {
            for (flag, done, already) in [
                ("--resume", "finished", "was written"),
                ("--abort", "rolled back", "not written"),
            ] {
                let found = Interrupted::new(is_git);
                for number in &by_hand {
                    found.edit(*number);
                }
                let said = found.copy.run(&["update", flag]);
                let is_resumed = flag == "--resume";
                for (number, path) in found.paths.iter().enumerate() {
                    let expected = if by_hand.contains(&number) {
                        "left to you"
                    } else if is_resumed == (number < MOVED) {
                        already
                    } else {
                        done
                    };
                    let told = said.stdout.lines().find_map(|line| words(line, path));
                    assert_eq!(told, Some(expected), "{path}\n{}", said.stdout);
                }
                let expected = if is_resumed {
                    &found.after
                } else {
                    &found.before
                };
                found.assert_is(expected, &by_hand);
                assert_eq!(said.status, if by_hand.is_empty() { 0 } else { 6 });
                assert_eq!(said.stderr.matches("error: ").count(), by_hand.len());
                assert_eq!(
                    said.stderr
                        .matches(", and is left to you\n  hint: ")
                        .count(),
                    by_hand.len()
                );
                // Nothing is left of it: a script may always begin with it.
                for flag in ["--resume", "--abort"] {
                    let again = found.copy.run(&["update", flag]);
                    assert_eq!(again.stderr, "");
                    assert_eq!(
                        again.success(),
                        "no update was interrupted; nothing to do\n"
                    );
                }
                assert_eq!(run(&found.copy, &["plan"]).stderr, "");
            }
        }
    }
}

#[test]
fn what_ends_an_update_takes_no_other_argument() {
    let copy = Copy::of("layout-d");
    let all = [
        &["openstack/scs"][..],
        &["--minor", "1.35"],
        &["--rev", "HEAD"],
        &["--catalog", "x"],
        &["--offline"],
        &["--add", "1.36"],
        &["--as-of", "2026-07-01"],
        &["--images", "all"],
        &["--change", "addons"],
        &["--format", "json"],
        &["--exit-code"],
        &["--allow-dirty"],
        &["--partial"],
    ];
    for flag in ["--resume", "--abort"] {
        for other in all {
            let said = copy.run(&[&["update", flag], other].concat());
            assert!(said.failure(2).contains("cannot be used with"), "{other:?}");
        }
        // Of the whole program's there is no question.
        copy.run(&["update", "--color", "never", flag]).success();
        let root = copy.root().display().to_string();
        program::run(&["update", flag, "-C", &root]).success();
    }
    copy.run(&["update", "--resume", "--abort"]).failure(2);
}

/// Every command that reads the working directory, in every form; `true` where it says so.
const READERS: [(&[&str], bool); 22] = [
    (&["plan"], true),
    (&["plan", "--format", "json"], true),
    (&["plan", "--format", "markdown"], true),
    (&["show"], true),
    (&["show", "--references", "--format", "json"], true),
    (&["show", "--format", "markdown"], true),
    (&["check"], true),
    (&["check", "--format", "json"], true),
    (&["check", "--format", "sarif"], true),
    (&["check", "--format", "github"], true),
    (&["check", "--format", "markdown"], true),
    (&["test"], true),
    (&["test", "--format", "json"], true),
    (&["catalog", "show", "--format", "json"], true),
    (&["catalog", "fetch", "-o", "-"], true),
    (&["plan", "--exit-code"], true),
    // Whose error may come of it.
    (&["plan", "openstack/none"], true),
    (&["show", "--minor", "1.40"], true),
    (&["plan", "--rev", "HEAD"], false),
    (&["show", "--rev", "HEAD", "--format", "json"], false),
    (&["check", "--rev", "HEAD"], false),
    (&["test", "--rev", "HEAD"], false),
];

const SENTENCE: &str = "an update was interrupted here and is unfinished: ";

#[test]
fn every_command_that_reads_the_tree_tells_of_it() {
    let found = Interrupted::new(true);
    let files = found.copy.files();
    for (command, is_told) in READERS {
        let said = run(&found.copy, command);
        let times = said.stderr.matches(SENTENCE).count();
        assert_eq!(times, usize::from(is_told), "{command:?}: {}", said.stderr);
        if is_told {
            assert!(
                said.stderr.contains(" update --resume finishes it, "),
                "{command:?}"
            );
            assert!(
                said.stderr.contains(" update --abort rolls it back\n"),
                "{command:?}"
            );
        }
        assert!(!said.stdout.contains(SENTENCE), "{command:?}");
        if command.contains(&"json") || command.contains(&"sarif") {
            serde_json::from_str::<Value>(&said.stdout).unwrap();
        }
    }
    let file = format!("{SCS}/image-manager.yaml");
    let others = [
        &["show", "--explain", &file][..],
        &["show", "--explain", &file, "--format", "json"],
        &["init", "--print"],
        &["init"],
        &["block", "1.35.9", "--reason", "it is bad"],
        &["unblock", "1.35.9"],
        &["pin", "1.35.4", "--until", "2099-01-01"],
        &["unpin", "1.35.4"],
        &["doctor", "--offline", "--remote", "/nowhere"],
    ];
    for command in others {
        let said = found.copy.run(command);
        assert_eq!(
            said.stderr.matches(SENTENCE).count(),
            1,
            "{command:?}: {}",
            said.stderr
        );
    }
    fs::remove_file(found.copy.path("csctl-matrix.yaml")).unwrap();
    assert_eq!(differing(&found.copy.files(), &files), [""; 0]);
    run(&found.copy, &["update", "openstack/hcp"]).success();
    assert_eq!(run(&found.copy, &["plan"]).stderr, "");
}

/// A release is made of the files of the working directory too.
#[test]
fn the_plugin_tells_of_it_and_names_a_command_that_works() {
    let found = Interrupted::new(true);
    let release = found.copy.root().join("../release of it");
    fs::create_dir(&release).unwrap();
    let stack = found
        .copy
        .path(&format!("{SCS}/1-35"))
        .display()
        .to_string();
    let arguments = ["create-node-images", &stack, &release.display().to_string()];
    let said = program::run(&arguments);
    assert_eq!(said.stderr.matches(SENTENCE).count(), 1, "{}", said.stderr);
    let command = format!("csctl-matrix -C {stack} update --abort");
    assert!(said.stderr.contains(&command), "{}", said.stderr);
    program::run(&["-C", &stack, "update", "--abort"]).success();
    found.assert_is(&found.before, &[]);
}

/// Commands that touch nothing where a journal cannot be used, and name it.
fn assert_not_used(copy: &Copy, why: &str) {
    let files = copy.files();
    let commands = [
        &["update"][..],
        &["update", "--resume"],
        &["update", "--abort"],
        &["check", "--fix"],
    ];
    let end = staging(copy).display().to_string();
    for command in commands {
        let catalog = catalog();
        let world: &[&str] = if command.len() == 1 {
            &["--catalog", &catalog]
        } else {
            &[]
        };
        let message = copy.run(&[command, world].concat()).failure(1);
        assert!(
            message.contains("journal.json cannot be used: "),
            "{message}"
        );
        assert!(message.contains(why), "{why}: {message}");
        assert!(
            message.contains("; nothing was written\n  hint: "),
            "{message}"
        );
        assert!(message.contains(&end), "{message}");
    }
    let said = run(copy, &["plan"]);
    assert!(said.stderr.contains(why), "{}", said.stderr);
    assert!(said.stderr.starts_with("warning: "), "{}", said.stderr);
    assert_eq!(differing(&copy.files(), &files), [""; 0], "{why}");
}

#[test]
fn a_journal_of_another_form_is_named_and_not_replayed() {
    let old =
        json!({"steps": [{"move": {"staged": "0", "path": format!("{SCS}/1-35/csctl.yaml")}}]});
    let cases = [
        (old.to_string(), "an earlier csctl-matrix wrote it"),
        (
            json!({"form": 3, "moves": []}).to_string(),
            "a later csctl-matrix wrote it, in form 3",
        ),
        (
            json!({"form": 2, "steps": [], "token": "a", "more": 1}).to_string(),
            "unknown field `more`",
        ),
        ("{\"form\": 2, \"st".to_owned(), "it cannot be read: EOF"),
        (String::new(), "it cannot be read: EOF"),
    ];
    for is_git in [true, false] {
        for (text, why) in &cases {
            let copy = Copy::of("layout-d");
            if is_git {
                copy.commit();
            }
            fs::create_dir(staging(&copy)).unwrap();
            fs::write(staging(&copy).join("0"), "staged\n").unwrap();
            fs::write(staging(&copy).join("journal.json"), text).unwrap();
            assert_not_used(&copy, why);
            // What the hint says works.
            fs::remove_dir_all(staging(&copy)).unwrap();
            run(&copy, &["update"]).success();
        }
    }
}

#[test]
fn a_journal_that_leads_outside_is_not_used() {
    let outside = [
        "../outside",
        "/tmp/outside",
        "providers/../../outside",
        "",
        ".git/hooks/post-checkout",
        "providers/clone/.GIT/config",
        ".csctl-matrix-update/journal.json",
        ".csctl-matrix-update.lock",
    ];
    for is_git in [true, false] {
        for path in outside {
            let copy = Copy::of("layout-d");
            if is_git {
                copy.commit();
            }
            fs::create_dir(staging(&copy)).unwrap();
            let after = state(Some(&b"evil\n".to_vec()));
            fs::write(staging(&copy).join("0.new"), "evil\n").unwrap();
            write_journal(
                &copy,
                &[json!({"path": path, "before": "absent", "after": after})],
            );
            assert_not_used(&copy, &format!("it names `{path}`, where no update writes"));
            assert!(!copy.root().join("../outside").exists());
        }
    }
}

/// Outside git the journal lies beside the files, and may come from whoever packed them.
#[test]
fn a_journal_that_was_packed_with_the_files_is_not_used() {
    let found = Interrupted::new(false);
    let unpacked = Copy::of_path(&found.copy.root());
    let files = unpacked.files();
    assert_not_used(&unpacked, "it was not written in this directory");
    assert_eq!(differing(&unpacked.files(), &files), [""; 0]);
    // One that says nothing of where it was written has to prove it all the same.
    let journal = staging(&found.copy).join("journal.json");
    let text = fs::read_to_string(&journal).unwrap();
    let mut without: Value = serde_json::from_str(&text).unwrap();
    without.as_object_mut().unwrap().remove("place");
    fs::write(&journal, without.to_string()).unwrap();
    assert_not_used(&found.copy, "it was not written in this directory");
    // In git's own directory it is of this program: a clone has none.
    let found = Interrupted::new(true);
    let moved = Copy::of_path(&found.copy.root());
    moved.run(&["update", "--resume"]).success();
    assert_eq!(differing(&moved.files(), &found.after), [""; 0]);
}

#[test]
fn a_staged_text_that_is_another_one_is_not_used() {
    let found = Interrupted::after(true, 3);
    // One is another text, one is gone, one is a link to the right text.
    let slot = |number: usize| staging(&found.copy).join(format!("{number}.new"));
    let numbers: Vec<usize> = (3..found.paths.len())
        .filter(|number| slot(*number).exists())
        .take(3)
        .collect();
    fs::write(slot(numbers[0]), "spoiled\n").unwrap();
    fs::remove_file(slot(numbers[1])).unwrap();
    let elsewhere = found.copy.root().join("../elsewhere");
    fs::rename(slot(numbers[2]), &elsewhere).unwrap();
    symlink(&elsewhere, slot(numbers[2])).unwrap();
    let message = run(&found.copy, &["update"]).failure(1);
    let lost = "cannot be written: its text is gone from the staging directory";
    assert_eq!(message.matches(lost).count(), 3, "{message}");
    let said = found.copy.run(&["update", "--resume"]);
    assert_eq!(said.stderr.matches(lost).count(), 3, "{}", said.stderr);
    assert_eq!(said.status, 6);
    for number in numbers {
        let path = found.path(number);
        let text = fs::read(found.copy.path(path)).ok();
        assert_eq!(text.as_ref(), found.before.get(path), "{path}");
    }
}

/// That a file may be run is an edit too, though its text is the same.
#[test]
fn permissions_that_somebody_changed_stay() {
    for (flag, moved) in [("--resume", EDITED), ("--abort", MOVED)] {
        let found = Interrupted::after(true, moved);
        let path = found.copy.path(found.path(EDITED));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
        found.copy.run(&["update", flag]).success();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o751, "{flag}");
    }
}

/// A directory that became a link, or a file, since.
#[test]
fn a_way_that_leads_elsewhere_is_not_gone() {
    for flag in ["--resume", "--abort"] {
        let found = Interrupted::new(true);
        let outside = found.copy.root().join("../outside");
        let inside = found.copy.path(&format!("{SCS}/1-33"));
        fs::rename(&inside, &outside).unwrap();
        symlink(&outside, &inside).unwrap();
        let there = program::files_of(&outside);
        run(&found.copy, &["update"]).failure(1);
        let said = found.copy.run(&["update", flag]);
        assert_eq!(said.status, 6);
        let words = format!("is behind the symbolic link {SCS}/1-33");
        assert!(said.stderr.contains(&words), "{}", said.stderr);
        assert_eq!(differing(&program::files_of(&outside), &there), [""; 0]);
        assert!(!staging(&found.copy).exists());
    }
    let found = Interrupted::new(true);
    let made = found.copy.path(&format!("{SCS}/1-36"));
    fs::remove_dir_all(&made).unwrap();
    fs::write(&made, "a file").unwrap();
    let said = found.copy.run(&["update", "--resume"]);
    assert_eq!(said.status, 6);
    let words = format!("is below {SCS}/1-36, which is not a directory");
    assert!(said.stderr.contains(&words), "{}", said.stderr);
    assert_eq!(found.copy.read(&format!("{SCS}/1-36")), "a file");
}

/// Outside git the places that an update uses are names like others, and may be taken by what leads elsewhere.
#[test]
fn places_that_lead_elsewhere_are_not_written_to() {
    for (name, kind) in [
        (
            ".csctl-matrix-update.lock",
            "it is a symbolic link, not a file",
        ),
        (".csctl-matrix-update", "it is not a directory"),
    ] {
        let copy = Copy::of("layout-c");
        let outside = copy.root().join("../outside");
        if kind == "it is not a directory" {
            // With a journal that could be used.
            let found = Interrupted::new(false);
            fs::rename(staging(&found.copy), &outside).unwrap();
        }
        symlink(&outside, copy.path(name)).unwrap();
        let before = outside.is_dir().then(|| program::files_of(&outside));
        for command in [&["update"][..], &["check", "--fix"]] {
            let message = run(&copy, command).failure(1);
            assert!(
                message.contains(&format!("{name}: {kind}; nothing was written")),
                "{message}"
            );
        }
        assert_eq!(outside.exists(), before.is_some());
        let after = outside.is_dir().then(|| program::files_of(&outside));
        assert_eq!(before, after);
        assert_eq!(run(&copy, &["plan"]).stderr, "");
    }
}

#[test]
fn trees_of_one_repository_do_not_meddle() {
    let above = Copy::of("docker");
    let files = Copy::of("layout-d").files();
    for tree in ["one", "other"] {
        for (path, bytes) in &files {
            put(&above.path(&format!("{tree}/{path}")), Some(bytes));
        }
    }
    above.commit();
    let root = |tree: &str| above.path(tree).display().to_string();
    let update = |tree: &str, more: &[&str]| {
        let catalog = catalog();
        let all = ["-C", &root(tree), "update", "--catalog", &catalog];
        program::run(&[&all[..], more].concat())
    };
    let made = |tree: &str| {
        above
            .path(&format!("{tree}/{SCS}/1-36/csctl.yaml"))
            .exists()
    };
    update("one", &["--add", "1.36"]).success();
    assert!(made("one") && !made("other"));
    let places: Vec<String> = fs::read_dir(above.path(".git"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().display().to_string())
        .filter(|name| name.starts_with("csctl-matrix"))
        .collect();
    assert_eq!(places, [""; 0]);
    // A journal of the tree above says nothing of the trees below it.
    fs::create_dir(staging(&above)).unwrap();
    fs::write(staging(&above).join("journal.json"), "{}").unwrap();
    update("other", &["--add", "1.36"]).success();
    assert!(made("other"));
}

/// Waits for the moment of a round: in even ones any time of a run, in odd ones a little after the journal was written.
fn wait_for_moment(round: u32, whole: Duration, (child, copy): (&mut Child, &Copy)) {
    if round.is_multiple_of(2) {
        std::thread::sleep(whole * round / 36);
        return;
    }
    let journal = staging(copy).join("journal.json");
    while !journal.exists() && child.try_wait().unwrap().is_none() {
        std::hint::spin_loop();
    }
    let written = Instant::now();
    while written.elapsed() < Duration::from_micros(9) * round {
        std::hint::spin_loop();
    }
}

/// Kills the process at any moment, writes over a file or not, and goes on in each way.
#[test]
fn a_killed_update_leaves_no_mixture_and_takes_no_edit() {
    let original = Copy::of("layout-d");
    original.commit();
    // Samples that nobody runs, and that take long to copy.
    fs::remove_dir_all(original.path(".git/hooks")).ok();
    let arguments = [&["update"], &MOVES[..], &[DAY]].concat();
    let done = Copy::of("layout-d");
    let started = Instant::now();
    run(&done, &arguments).success();
    let whole = started.elapsed();
    let (before, after) = (original.files(), done.files());
    let paths = differing(&before, &after);
    let (mut killed, mut halves) = (0, 0);
    for round in 0..60 {
        let copy = Copy::of_path(&original.root());
        let (root, world) = (copy.root().display().to_string(), catalog());
        let all = [&["-C", &root], &arguments[..], &["--catalog", &world]].concat();
        let mut child = program(&all).stdout(Stdio::null()).spawn().unwrap();
        wait_for_moment(round, whole, (&mut child, &copy));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());

        // A journal says that all texts are there; without one nothing has been touched, or everything is done.
        let found = copy.files();
        let is_whole = found == after || found == before;
        let is_journaled = staging(&copy).join("journal.json").exists();
        halves += u32::from(!is_whole);
        let wrong = differing(&found, &after);
        assert!(is_journaled || is_whole, "round {round}: {wrong:?}");
        let way = round / 2 % 3;
        let by_hand = (round % 4 > 1).then(|| &paths[round as usize % paths.len()]);
        if let Some(path) = by_hand {
            copy.write(path, BY_HAND);
        }
        // What is half done is the program's own work, and no obstacle.
        let expected = match (way, by_hand) {
            (0, None) => {
                run(&copy, &arguments).success();
                &after
            }
            (0, Some(_)) if !is_journaled => continue,
            (0, Some(_)) => {
                run(&copy, &arguments).failure(1);
                copy.run(&["update", "--resume"]).ended(6);
                &after
            }
            (1, _) => {
                copy.run(&["update", "--resume"])
                    .ended(if is_journaled && by_hand.is_some() {
                        6
                    } else {
                        0
                    });
                if is_journaled { &after } else { &found }
            }
            _ => {
                copy.run(&["update", "--abort"])
                    .ended(if is_journaled && by_hand.is_some() {
                        6
                    } else {
                        0
                    });
                if is_journaled { &before } else { &found }
            }
        };
        let mut wrong = differing(&copy.files(), expected);
        if let Some(path) = by_hand {
            assert_eq!(copy.read(path), BY_HAND, "round {round}");
            wrong.retain(|other| other != path);
        }
        assert_eq!(wrong, [""; 0], "round {round}");
        assert!(!staging(&copy).exists());
    }
    assert!(killed > 0, "every run ended before it was killed");
    println!("{killed} of 60 runs were killed, {halves} of them between two files");
}

#[test]
fn updates_at_the_same_time_do_no_harm() {
    let done = Copy::of("layout-d");
    run(&done, &["update"]).success();
    let after = done.files();
    for round in 0..8 {
        let copy = Copy::of("layout-d");
        if round % 2 == 0 {
            copy.commit();
        }
        let root = copy.root().display().to_string();
        let start = |_| {
            let arguments = [
                "-C",
                &root,
                "update",
                "--allow-dirty",
                "--catalog",
                &catalog(),
            ];
            let mut command = program(&arguments);
            command
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let children: Vec<_> = (0..4).map(start).collect();
        let mut done = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            done += u32::from(output.status.success());
            let is_told = message
                .contains("another update is running in this repository; nothing was written")
                || message.contains("changed after it was read; nothing was written");
            let is_done = output.status.success() && message.is_empty();
            assert!(is_told || is_done, "{message}");
        }
        assert!(done > 0);
        assert_eq!(differing(&copy.files(), &after), [""; 0]);
        assert!(!staging(&copy).exists());
    }
}
