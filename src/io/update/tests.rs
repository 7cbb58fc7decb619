//! Stops an update before each of its effects, changes a file by hand, and goes on in each way there is: what somebody wrote is
//! still there, and the other files are all old or all new.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test makes its files and looks at them"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::effects::Effects;
use super::effects::trial::{Act, Trial};
use super::{Direction, Recovered, Staging, Turned, UpdateError};
use crate::plan::{FileAction, FileChange, Plan};

/// What is at each path, directories too.
type Tree = BTreeMap<String, String>;

/// The files of the plan: two that are changed, one of them twice as deep; three that are made, a link among them; two that go,
/// a link among them.
const FILES: [&str; 7] = [
    "a/edited.yaml",
    "a/deep/edited.yaml",
    "new/deep/copied.bin",
    "new/deep/link",
    "new/made.yaml",
    "old/gone.yaml",
    "old/deep/link",
];

const DIRECTORY: &str = "a directory";

const BY_HAND: &str = "written by hand\n";

fn plan() -> Plan {
    let edit = |before: &str, after: &str| FileAction::Edit {
        before: before.into(),
        after: after.into(),
    };
    let copy = |from: &str| FileAction::Copy {
        from: from.to_owned(),
    };
    let actions = [
        edit("one\n", "two\n"),
        edit("three\n", "four\n"),
        copy("a/copied.bin"),
        copy("a/link"),
        FileAction::Create {
            from: FILES[0].to_owned(),
            after: "made\n".into(),
        },
        FileAction::Remove,
        FileAction::Remove,
    ];
    let changes = FILES.iter().zip(actions);
    Plan {
        schema: 1,
        as_of: jiff::civil::date(2026, 6, 15),
        stacks: Vec::new(),
        files: changes
            .map(|(path, action)| FileChange {
                path: (*path).to_owned(),
                action,
                edits: Vec::new(),
            })
            .collect(),
    }
}

/// A repository in which an update is interrupted.
struct Ground {
    directory: TempDir,
    has_git: bool,
    /// Whether git's directory is on another file system than the files.
    is_apart: bool,
}

impl Ground {
    fn new(has_git: bool, is_apart: bool) -> Self {
        // In memory, where there is such a place: this is done thousands of times.
        let memory = TempDir::new_in("/dev/shm");
        let directory = memory.unwrap_or_else(|_| tempfile::tempdir().unwrap());
        let ground = Self {
            directory,
            has_git,
            is_apart,
        };
        fs::create_dir(ground.directory.path().join("git")).unwrap();
        for (path, text) in [
            ("a/edited.yaml", "one\n"),
            ("a/deep/edited.yaml", "three\n"),
            ("a/copied.bin", "copied\n"),
            ("old/gone.yaml", "gone\n"),
            ("untouched.yaml", "untouched\n"),
        ] {
            ground.write(path, text);
        }
        ground.link("a/link", "copied.bin");
        ground.link("old/deep/link", "../../untouched.yaml");
        ground
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn write(&self, path: &str, text: &str) {
        let full = self.root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&full);
        fs::write(full, text).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let full = self.root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, full).unwrap();
    }

    fn staging(&self, effects: Effects) -> Staging {
        let staging = if self.has_git {
            Staging::in_git(&self.root(), &self.directory.path().join("git"), "")
        } else {
            Staging::in_root(&self.root())
        };
        Staging { effects, ..staging }
    }

    /// Returns the staging of a run that something happens to.
    fn tried(&self, act: Act, at: usize) -> (Staging, Arc<Trial>) {
        let apart = self.staging(Effects::default()).directory;
        let (effects, trial) = Trial::new(act, at, Some(apart).filter(|_| self.is_apart));
        (self.staging(effects), trial)
    }

    /// Returns the staging of a run that nothing happens to.
    fn calm(&self) -> Staging {
        self.tried(Act::Kill, usize::MAX).0
    }

    /// Kills an update before one of its effects; tells whether it came as far as that.
    fn kill_update(&self, at: usize) -> bool {
        let (staging, trial) = self.tried(Act::Kill, at);
        let done = staging.apply(&plan());
        assert!(done.is_err() || !trial.is_reached() || !self.is_unfinished());
        trial.is_reached()
    }

    fn is_unfinished(&self) -> bool {
        self.calm().is_unfinished().unwrap()
    }

    /// The files and directories, without what an unfinished update has beside them.
    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        look(&self.root(), "", &mut tree);
        tree
    }

    /// The files alone.
    fn files(&self) -> Tree {
        files_of(&self.tree())
    }

    /// Holds that an update has left nothing but the files.
    fn assert_clean(&self, context: &str) {
        assert!(!self.is_unfinished(), "{context}");
        let staging = self.calm();
        assert!(!staging.directory.exists(), "{context}");
        let lock = staging.directory.with_extension("lock");
        assert!(!lock.exists(), "{context}");
        let second = self.recover().unwrap();
        assert!(matches!(second, Recovered::Nothing), "{context}");
    }

    fn recover(&self) -> Result<Recovered, UpdateError> {
        self.calm().recover(|_| false)
    }

    fn end(&self, direction: Direction) -> Option<Turned> {
        self.calm().end_interrupted(direction).unwrap()
    }
}

fn look(directory: &Path, prefix: &str, tree: &mut Tree) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = format!("{prefix}{}", entry.file_name().display());
        if path.starts_with(".csctl-matrix-update") {
            continue;
        }
        let kind = entry.file_type().unwrap();
        let what = if kind.is_symlink() {
            format!("-> {}", fs::read_link(entry.path()).unwrap().display())
        } else if kind.is_dir() {
            look(&entry.path(), &format!("{path}/"), tree);
            DIRECTORY.to_owned()
        } else {
            fs::read_to_string(entry.path()).unwrap()
        };
        tree.insert(path, what);
    }
}

/// The files of a tree. A directory that cannot be removed is no failure of an update.
fn files_of(tree: &Tree) -> Tree {
    let mut files = tree.clone();
    files.retain(|_, what| what != DIRECTORY);
    files
}

/// The grounds on which an update writes in different ways.
fn grounds() -> [(bool, bool); 3] {
    [(true, false), (true, true), (false, false)]
}

/// The tree before the update and after it.
struct Ends {
    before: Tree,
    after: Tree,
}

impl Ends {
    fn new() -> Self {
        let ground = Ground::new(true, false);
        let before = ground.tree();
        ground.calm().apply(&plan()).unwrap();
        let after = ground.tree();
        for path in FILES {
            assert_ne!(before.get(path), after.get(path), "{path}");
        }
        Self { before, after }
    }

    fn of(&self, direction: Direction) -> &Tree {
        match direction {
            Direction::Finish => &self.after,
            Direction::RollBack => &self.before,
        }
    }

    /// Holds that each file is old or new, and none is half of one.
    fn assert_each_is_one(&self, tree: &Tree, context: &str) {
        for path in FILES {
            let found = tree.get(path);
            let is_one = found == self.before.get(path) || found == self.after.get(path);
            assert!(is_one, "{context}: {path} is {found:?}");
        }
    }
}

/// What somebody does to a file between two runs.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// As most editors do it: a new file takes the place of the old one.
    Write(&'static str),
    /// As the shell does it: what is there is written through.
    WriteThrough(&'static str),
    Remove(&'static str),
}

impl Deed {
    fn all() -> Vec<Option<Self>> {
        let written = FILES.into_iter().map(|path| Some(Self::Write(path)));
        let edited = FILES[..2].iter();
        let more = edited.flat_map(|path| [Self::WriteThrough(path), Self::Remove(path)].map(Some));
        [None].into_iter().chain(written).chain(more).collect()
    }

    fn path(self) -> &'static str {
        let (Self::Write(path) | Self::WriteThrough(path) | Self::Remove(path)) = self;
        path
    }

    fn text(self) -> Option<&'static str> {
        match self {
            Self::Write(_) | Self::WriteThrough(_) => Some(BY_HAND),
            Self::Remove(_) => None,
        }
    }

    fn of(self, ground: &Ground) {
        match self {
            Self::Write(path) => ground.write(path, BY_HAND),
            Self::WriteThrough(path) => fs::write(ground.root().join(path), BY_HAND).unwrap(),
            Self::Remove(path) => fs::remove_file(ground.root().join(path)).unwrap(),
        }
    }
}

/// Holds that all files are of one tree, but for the one that somebody changed.
fn assert_all_of(tree: &Tree, expected: &Tree, deed: Option<Deed>, context: &str) {
    let Some(deed) = deed else {
        assert_eq!(tree, expected, "{context}");
        return;
    };
    let found = tree.get(deed.path()).map(String::as_str);
    assert_eq!(found, deed.text(), "{context}: what was written by hand");
    for path in FILES.into_iter().filter(|path| *path != deed.path()) {
        assert_eq!(tree.get(path), expected.get(path), "{context}: {path}");
    }
    let strange = tree.keys().find(|path| path.contains(".csctl-matrix"));
    assert_eq!(strange, None, "{context}");
}

/// How a run goes on after one that was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Update,
    End(Direction),
}

const WAYS: [Way; 3] = [
    Way::Update,
    Way::End(Direction::Finish),
    Way::End(Direction::RollBack),
];

#[test]
fn an_update_that_stops_anywhere_can_be_ended_and_no_edit_is_lost() {
    let ends = Ends::new();
    let mut stops = 0;
    for (has_git, is_apart) in grounds() {
        for at in 0.. {
            let ground = Ground::new(has_git, is_apart);
            if !ground.kill_update(at) {
                break;
            }
            stops += 1;
            ends.assert_each_is_one(&ground.tree(), &format!("stopped at {at}"));
            // Without a journal no run looks at the files.
            let count = if ground.is_unfinished() {
                usize::MAX
            } else {
                2
            };
            for way in WAYS {
                for deed in Deed::all().into_iter().take(count) {
                    let ground = Ground::new(has_git, is_apart);
                    ground.kill_update(at);
                    let context = format!(
                        "git {has_git}, apart {is_apart}, stopped at {at}, {deed:?}, {way:?}"
                    );
                    go_on(&ground, &ends, (way, deed), &context);
                }
            }
        }
    }
    assert!(stops > 100, "{stops} stops");
}

fn go_on(ground: &Ground, ends: &Ends, (way, deed): (Way, Option<Deed>), context: &str) {
    if let Some(deed) = deed {
        let is_there = ground.tree().contains_key(deed.path());
        if matches!(deed, Deed::Remove(_)) && !is_there {
            return;
        }
        deed.of(ground);
    }
    let found = ground.tree();
    let is_unfinished = ground.is_unfinished();
    match way {
        Way::Update if is_unfinished => go_on_with_update(ground, ends, deed, context),
        Way::Update => {
            assert!(matches!(ground.recover().unwrap(), Recovered::Nothing));
            assert_eq!(ground.tree(), found, "{context}");
        }
        Way::End(direction) => {
            let turned = ground.end(direction);
            assert_eq!(turned.is_some(), is_unfinished, "{context}");
            let Some(turned) = turned else {
                assert_eq!(ground.tree(), found, "{context}");
                return ground.assert_clean(context);
            };
            assert_all_of(&ground.tree(), ends.of(direction), deed, context);
            let left: Vec<String> = turned.left().map(|left| left.path).collect();
            let expected: Vec<&str> = deed.iter().map(|deed| deed.path()).collect();
            assert_eq!(left, expected, "{context}");
            assert_eq!(turned.files.len(), FILES.len(), "{context}");
        }
    }
    ground.assert_clean(context);
}

/// An update finishes what was interrupted only where nobody did anything in between.
fn go_on_with_update(ground: &Ground, ends: &Ends, deed: Option<Deed>, context: &str) {
    let found = ground.tree();
    match (ground.recover(), deed) {
        (Ok(Recovered::ThrownAway), None) => {
            assert_eq!(ground.tree(), ends.before, "{context}");
        }
        (Ok(Recovered::Finished(turned)), None) => {
            assert_eq!(turned.left().count(), 0, "{context}");
            assert_eq!(ground.tree(), ends.after, "{context}");
        }
        (Err(UpdateError::Touched(left)), Some(deed)) => {
            assert_eq!(ground.tree(), found, "{context}");
            assert_eq!(left.len(), 1, "{context}: {left:?}");
            assert_eq!(left[0].path, deed.path(), "{context}");
            // An update is refused too that was to be written in this moment.
            let again = ground.calm().apply(&plan());
            assert!(matches!(again, Err(UpdateError::Interrupted)), "{context}");
            assert_eq!(ground.tree(), found, "{context}");
            ground.end(Direction::Finish).unwrap();
            assert_all_of(&ground.tree(), &ends.after, Some(deed), context);
        }
        (recovered, deed) => panic!("{context}: {recovered:?} after {deed:?}"),
    }
}

#[test]
fn what_ends_an_update_can_be_stopped_anywhere_too() {
    let ends = Ends::new();
    let mut stops = 0;
    // Two file systems in git, and one without git.
    for (has_git, is_apart) in [(true, true), (false, false)] {
        for killed_at in (0..).step_by(3) {
            let ground = Ground::new(has_git, is_apart);
            if !ground.kill_update(killed_at) {
                break;
            }
            if !ground.is_unfinished() {
                continue;
            }
            for (first, second) in [
                (Direction::RollBack, Direction::Finish),
                (Direction::Finish, Direction::RollBack),
            ] {
                for at in 0.. {
                    let ground = Ground::new(has_git, is_apart);
                    ground.kill_update(killed_at);
                    let (staging, trial) = ground.tried(Act::Kill, at);
                    let _ = staging.end_interrupted(first);
                    if !trial.is_reached() {
                        break;
                    }
                    stops += 1;
                    let context = format!(
                        "git {has_git}, apart {is_apart}, stopped at {killed_at}, {first:?} at {at}, {second:?}"
                    );
                    ends.assert_each_is_one(&ground.tree(), &context);
                    let is_unfinished = ground.is_unfinished();
                    let turned = ground.end(second);
                    assert_eq!(turned.is_some(), is_unfinished, "{context}");
                    let expected = if is_unfinished { second } else { first };
                    assert_eq!(&ground.tree(), ends.of(expected), "{context}");
                    ground.assert_clean(&context);
                }
            }
        }
    }
    assert!(stops > 1000, "{stops} stops");
}

#[test]
fn what_fails_on_the_way_is_rolled_back() {
    let ends = Ends::new();
    let mut failures = 0;
    for (has_git, is_apart) in grounds() {
        for at in 0.. {
            let ground = Ground::new(has_git, is_apart);
            let (staging, trial) = ground.tried(Act::Fail, at);
            let done = staging.apply(&plan());
            if !trial.is_reached() {
                break;
            }
            let context = format!("git {has_git}, apart {is_apart}, failed at {at}: {done:?}");
            match done {
                Ok(()) => assert_eq!(ground.files(), files_of(&ends.after), "{context}"),
                // The journal alone could not be removed.
                Err(UpdateError::Unfinished { .. }) => {
                    assert_eq!(ground.files(), files_of(&ends.after), "{context}");
                    assert!(ground.is_unfinished(), "{context}");
                }
                Err(UpdateError::Write { .. }) => {
                    failures += 1;
                    assert_eq!(ground.files(), files_of(&ends.before), "{context}");
                    assert!(!ground.is_unfinished(), "{context}");
                }
                Err(error) => panic!("{context}: {error}"),
            }
            let _ = ground.recover().unwrap();
            ground.assert_clean(&context);
        }
    }
    assert!(failures > 100, "{failures} failures");
}

/// An edit between the moment when a plan's files are compared and that when they are written.
#[test]
fn an_edit_while_files_are_written_takes_the_update_back() {
    let ends = Ends::new();
    let journal = {
        // The moment of the journal: the first effect after which an update is unfinished.
        let is_after = |at: &usize| {
            let ground = Ground::new(true, false);
            ground.kill_update(*at);
            ground.is_unfinished()
        };
        (0..1000).find(is_after).unwrap()
    };
    for path in FILES {
        let ground = Ground::new(true, false);
        let full = ground.root().join(path);
        let act = Act::Meanwhile(Box::new(move || {
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&full);
            fs::write(&full, BY_HAND).unwrap();
        }));
        let (staging, _) = ground.tried(act, journal - 1);
        let done = staging.apply(&plan());
        assert!(
            matches!(&done, Err(UpdateError::Changed(changed)) if changed == path),
            "{path}: {done:?}"
        );
        let deed = Some(Deed::Write(path));
        assert_all_of(&ground.tree(), &ends.before, deed, path);
        ground.assert_clean(path);
    }
}

#[test]
fn what_git_has_is_nobodys_edit() {
    let interrupt = || {
        let ground = Ground::new(true, false);
        for at in 0.. {
            let other = Ground::new(true, false);
            other.kill_update(at);
            if other.is_unfinished() {
                ground.kill_update(at);
                return ground;
            }
        }
        ground
    };
    for (is_committed, has_written) in [(true, false), (false, false), (true, true)] {
        let ground = interrupt();
        ground.write(FILES[0], BY_HAND);
        if has_written {
            ground.write(FILES[1], "four\n");
        }
        let recovered = ground.calm().recover(|paths| {
            assert_eq!(paths, [FILES[0]]);
            is_committed
        });
        match recovered {
            Ok(Recovered::ThrownAway) => assert!(is_committed && !has_written),
            Err(UpdateError::Touched(left)) => {
                assert!(!is_committed || has_written);
                assert_eq!(left[0].path, FILES[0]);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(ground.tree()[FILES[0]], BY_HAND);
    }
}

#[test]
fn trees_of_one_repository_have_a_place_each() {
    let git = Path::new("/git");
    let place = |prefix: &str| Staging::in_git(Path::new("/r"), git, prefix).directory;
    assert_eq!(place(""), git.join("csctl-matrix-update"));
    assert_ne!(place("stacks/a"), place("stacks/b"));
    assert_ne!(place("stacks/a"), place(""));
    assert!(place("stacks/a").starts_with(git));
}
