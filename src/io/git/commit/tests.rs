//! Commits of made-up changes, beside a model: files as a map, and git's own index to make their tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use git2::{Index, IndexEntry, IndexTime, Repository};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Files with mode and content.
type Files = BTreeMap<String, (u32, String)>;

fn tree_of(repository: &Repository, files: &Files) -> Oid {
    let mut index = Index::new().unwrap();
    for (path, (mode, text)) in files {
        let zero = IndexTime::new(0, 0);
        index
            .add(&IndexEntry {
                ctime: zero,
                mtime: zero,
                dev: 0,
                ino: 0,
                mode: *mode,
                uid: 0,
                gid: 0,
                file_size: 0,
                id: repository.blob(text.as_bytes()).unwrap(),
                flags: 0,
                flags_extended: 0,
                path: path.clone().into_bytes(),
            })
            .unwrap();
    }
    index.write_tree_to(repository).unwrap()
}

impl GitRepository {
    fn commit_plan(
        &self,
        base: Oid,
        files: &[FileChange],
        info: &CommitInfo,
    ) -> Result<Oid, CommitError> {
        self.commit_tree(base, self.plan_tree(base, files)?, info)
    }
}

struct World {
    _directory: TempDir,
    git: GitRepository,
    base: Oid,
}

/// A repository with one commit of these files; the tree is the directory `prefix` of it.
fn world(files: &Files, prefix: &str) -> World {
    let directory = TempDir::new().unwrap();
    let repository = Repository::init(directory.path()).unwrap();
    let tree = tree_of(&repository, files);
    let who = Signature::new("P", "p@example.org", &Time::new(0, 0)).unwrap();
    let tree = repository.find_tree(tree).unwrap();
    let base = repository
        .commit(None, &who, &who, "Base\n", &tree, &[])
        .unwrap();
    drop(tree);
    let git = GitRepository::new(repository, prefix.to_owned());
    World {
        _directory: directory,
        git,
        base,
    }
}

fn info(message: &str) -> CommitInfo {
    let person = |name: &str| Person {
        name: name.to_owned(),
        email: format!("{}@example.org", name.to_lowercase()),
    };
    CommitInfo {
        author: person("Jürgen"),
        committer: person("Bot"),
        time: "2026-07-01T12:00:00Z".parse().unwrap(),
        message: message.to_owned(),
    }
}

fn change(path: &str, action: FileAction) -> FileChange {
    FileChange {
        path: path.to_owned(),
        action,
        edits: Vec::new(),
    }
}

fn edit(path: &str, before: &str, after: &str) -> FileChange {
    change(
        path,
        FileAction::Edit {
            before: before.into(),
            after: after.into(),
        },
    )
}

fn sample() -> Files {
    let files = [
        ("sub/a.yaml", 0o100_644, "a"),
        ("sub/run.sh", 0o100_755, "x"),
        ("sub/link", 0o120_000, "a.yaml"),
        ("sub/deep/only.yaml", 0o100_644, "o"),
        ("a.yaml", 0o100_644, "outside"),
    ];
    files
        .map(|(path, mode, text)| (path.to_owned(), (mode, text.to_owned())))
        .into()
}

#[test]
fn a_commit_says_who_when_and_what() {
    let World { git, base, .. } = &world(&sample(), "sub");
    let files = [edit("a.yaml", "a", "b\n")];
    let id = git
        .commit_plan(*base, &files, &info("Offer v1.34.8\r\n\r\nWhy.\n\n"))
        .unwrap();
    let facts = git.find_commit(id).unwrap().unwrap();
    assert_eq!(
        facts.message,
        "Offer v1.34.8\n\nWhy.\n\nSigned-off-by: Jürgen <jürgen@example.org>\n"
    );
    assert_eq!(
        (facts.author.name.as_str(), facts.committer.name.as_str()),
        ("Jürgen", "Bot")
    );
    assert_eq!(facts.time.to_string(), "2026-07-01T12:00:00Z");
    assert_eq!(facts.parents, [*base]);
    let changes = git.changes(*base, facts.tree).unwrap();
    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["sub/a.yaml"]);
    assert_eq!(git.content(changes[0].after.unwrap().blob).unwrap(), b"b\n");
    let again = git
        .commit_plan(*base, &files, &info("Offer v1.34.8\n\nWhy."))
        .unwrap();
    assert_eq!(id, again);
    assert!(git.repository.head().is_err() && git.repository.references().unwrap().count() == 0);
    assert!(git.repository.index().unwrap().is_empty());
}

#[test]
fn a_commit_is_signed_off_once_by_its_author() {
    let author = Signature::new("A B", "a@example.org", &Time::new(0, 0)).unwrap();
    let line = "Signed-off-by: A B <a@example.org>";
    let signed = |message: &str| sign_off(message, &author).unwrap();
    assert_eq!(signed("One"), format!("One\n\n{line}\n"));
    assert_eq!(signed("fix: one"), format!("fix: one\n\n{line}\n"));
    assert_eq!(
        signed("One\n\nRefs: #1\nCo-authored-by: C <c@d>"),
        format!("One\n\nRefs: #1\nCo-authored-by: C <c@d>\n{line}\n")
    );
    let other = "Signed-off-by: Other <o@example.org>";
    assert_eq!(
        signed(&format!("One\n\n{other}")),
        format!("One\n\n{other}\n{line}\n")
    );
    assert_eq!(
        signed(&format!("One\n\n{line}\nRefs: #1\n{line}")),
        format!("One\n\n{line}\nRefs: #1\n")
    );
    assert_eq!(signed(&signed("One")), signed("One"));
    for bad in ["", " \n", line, "One\0"] {
        assert!(sign_off(bad, &author).is_err(), "{bad}");
    }
}

#[test]
fn names_that_git_would_change_are_refused() {
    let World { git, base, .. } = &world(&sample(), "sub");
    for (name, email) in [
        ("A\nB", "a@b"),
        ("A <x>", "a@b"),
        ("A", ""),
        ("", "a@b"),
        ("A", "a@b>"),
    ] {
        let mut info = info("One");
        info.author = Person {
            name: name.to_owned(),
            email: email.to_owned(),
        };
        let error = git
            .commit_plan(*base, &[edit("a.yaml", "a", "b")], &info)
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the author cannot be in a commit"),
            "{error}"
        );
    }
}

#[test]
fn a_plan_of_another_base_is_refused() {
    let World { git, base, .. } = &world(&sample(), "sub");
    let create = |path: &str, from: &str| {
        change(
            path,
            FileAction::Create {
                from: from.to_owned(),
                after: "n".into(),
            },
        )
    };
    let copy = |path: &str, from: &str| {
        change(
            path,
            FileAction::Copy {
                from: from.to_owned(),
            },
        )
    };
    let refusal = |file: FileChange| {
        git.commit_plan(*base, &[file], &info("One"))
            .unwrap_err()
            .to_string()
    };
    let as_planned = format!("is not in commit {base} as the plan was made from it");
    for file in [
        edit("a.yaml", "other", "b"),
        edit("gone.yaml", "a", "b"),
        edit("deep", "a", "b"),
        copy("new", "gone"),
        copy("new", "deep"),
        create("new", "gone"),
        change("gone", FileAction::Remove),
    ] {
        let path = file.path.clone();
        let message = refusal(file);
        assert!(message.ends_with(&as_planned), "{path}: {message}");
    }
    assert!(refusal(create("run.sh", "a.yaml")).contains("already"));
    assert!(refusal(copy("deep", "a.yaml")).contains("already"));
    assert!(refusal(edit("link", "a.yaml", "b")).contains("symbolic link"));
    for path in ["../a.yaml", "/etc/passwd", "", "deep/../../a.yaml"] {
        assert!(
            refusal(edit(path, "outside", "b")).contains("leads out"),
            "{path}"
        );
    }
    assert!(refusal(copy(".git/config", "a.yaml")).starts_with("git: "));
    assert!(refusal(copy("a.yaml/b", "run.sh")).starts_with("git: "));
    let elsewhere = Oid::from_str(&"7".repeat(40)).unwrap();
    let error = git
        .commit_plan(elsewhere, &[edit("a.yaml", "a", "b")], &info("One"))
        .unwrap_err();
    assert_eq!(error.to_string(), format!("commit {elsewhere} is not here"));
    let nothing = edit("a.yaml", "a", "a");
    assert!(refusal(nothing).contains("nothing to commit"));
}

#[test]
fn plain_merges_are_told_from_work_of_people() {
    let files = sample();
    let World { git, base, .. } = &world(&files, "sub");
    let commit = |files: &[FileChange], on: Oid| git.commit_plan(on, files, &info("One")).unwrap();
    let merge = |one: Oid, other: Oid, files: &Files| {
        let [one, other] = [one, other].map(|id| git.repository.find_commit(id).unwrap());
        let tree = git
            .repository
            .find_tree(tree_of(&git.repository, files))
            .unwrap();
        let who = one.author();
        git.repository
            .commit(None, &who, &who, "Merge", &tree, &[&one, &other])
            .unwrap()
    };
    let with = |changes: &[(&str, &str)]| {
        let mut files = files.clone();
        for (path, text) in changes {
            files.get_mut(*path).unwrap().1 = (*text).to_owned();
        }
        files
    };
    let own = commit(&[edit("a.yaml", "a", "b")], *base);
    let first = commit(&[edit("run.sh", "x", "y")], *base);
    let second = commit(&[edit("deep/only.yaml", "o", "p")], first);
    let plain = merge(
        own,
        first,
        &with(&[("sub/a.yaml", "b"), ("sub/run.sh", "y")]),
    );
    let changes = [
        ("sub/a.yaml", "b"),
        ("sub/run.sh", "y"),
        ("sub/deep/only.yaml", "p"),
    ];
    let twice = merge(plain, second, &with(&changes));
    let edited = merge(
        own,
        first,
        &with(&[("sub/a.yaml", "c"), ("sub/run.sh", "y")]),
    );
    let on_top = commit(&[edit("a.yaml", "b", "c")], own);
    let merged = |commit: Oid| git.merged_into(commit, own).unwrap();
    assert_eq!(merged(own), Some(vec![]));
    assert_eq!(merged(plain), Some(vec![first]));
    assert_eq!(merged(twice), Some(vec![first, second]));
    assert_eq!(merged(edited), None, "a merge that changes more");
    assert_eq!(merged(on_top), None, "a commit of a person");
    assert_eq!(merged(first), None, "another branch");
    assert_eq!(
        git.merged_into(merge(first, own, &with(&[])), own).unwrap(),
        None,
        "the other way round"
    );
}

/// A step of the model: which file, what happens, a new name.
fn steps() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, String)>> {
    let name = prop::sample::select(vec!["n", "x/y", "dir/n", "dir/sub/m", "dir.yaml"]);
    prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            0u8..4,
            name.prop_map(str::to_owned),
        ),
        1..6,
    )
}

fn base_files() -> impl Strategy<Value = Files> {
    let path = prop::sample::select(vec!["a", "dir/a", "dir/b", "dir/sub/c", "e.sh", "z/z/z"]);
    let mode = prop::sample::select(vec![0o100_644, 0o100_755]);
    prop::collection::btree_map(path.prop_map(str::to_owned), (mode, "[a-c]{0,3}"), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_commit_holds_what_its_changes_say(
        base in base_files(), steps in steps(), prefix in prop::sample::select(vec!["", "p", "p/q"])
    ) {
        let full = |path: &str| if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
        let mut before: Files = base.iter().map(|(path, file)| (full(path), file.clone())).collect();
        before.insert("outside".to_owned(), (0o100_644, "o".to_owned()));
        let mut after = before.clone();
        let mut changes: BTreeMap<String, FileChange> = BTreeMap::new();
        for (which, kind, name) in steps {
            let (path, (mode, text)) = which.get(&base.iter().collect::<Vec<_>>()).to_owned();
            let target = if kind < 2 { path.clone() } else { name };
            let is_free = kind < 2 || !base.contains_key(&target);
            if changes.contains_key(&target) || !is_free {
                continue;
            }
            let new: Arc<str> = format!("{text}!").into();
            let action = match kind {
                0 => FileAction::Edit { before: text.as_str().into(), after: new.clone() },
                1 => FileAction::Remove,
                2 => FileAction::Create { from: path.clone(), after: new.clone() },
                _ => FileAction::Copy { from: path.clone() },
            };
            match kind {
                0 | 2 => after.insert(full(&target), (*mode, new.to_string())),
                1 => after.remove(&full(&target)),
                _ => after.insert(full(&target), (*mode, text.clone())),
            };
            changes.insert(target.clone(), change(&target, action));
        }
        let World { git, base, .. } = &world(&before, prefix);
        let files: Vec<FileChange> = changes.into_values().collect();
        match git.commit_plan(*base, &files, &info("One")) {
            Ok(id) => {
                let tree = git.find_commit(id).unwrap().unwrap().tree;
                prop_assert_eq!(tree, tree_of(&git.repository, &after));
            }
            Err(error) => prop_assert!(before == after, "{}", error),
        }
    }
}
