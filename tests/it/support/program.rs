//! Runs the program as a user would, in copies of repositories, with nothing of this machine's environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The project's directory.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The program's own catalog file, as an argument.
pub fn catalog() -> String {
    project()
        .join("testdata/catalog.yaml")
        .display()
        .to_string()
}

/// The public repositories beside the project; a notice and nothing where they are absent.
pub fn upstream() -> Option<PathBuf> {
    let beside = project().join("../shared/upstream");
    let path = std::env::var_os("CSCTL_MATRIX_SHARED").map_or(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// Folders of cases with answers that others gave: our own, and the public repositories where they are at hand.
pub fn histories() -> Vec<PathBuf> {
    let own = project().join("testdata/history");
    [Some(own), upstream()].into_iter().flatten().collect()
}

/// Folders of files as repositories have them: our own, and the public ones where they are at hand.
pub fn corpora() -> Vec<PathBuf> {
    const OWN: [&str; 7] = [
        "docker",
        "history/trees",
        "layout-a",
        "layout-b",
        "layout-c",
        "layout-d",
        "values-map",
    ];
    let own = OWN.map(|name| project().join("testdata").join(name));
    own.into_iter().chain(upstream()).collect()
}

/// What the program said.
#[must_use = "look at the output or the status"]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub status: i32,
}

impl Said {
    /// Returns stdout of a run that ended well.
    pub fn success(self) -> String {
        self.ended(0)
    }

    /// Returns stdout of a run that ended with this status.
    pub fn ended(self, status: i32) -> String {
        assert_eq!(
            self.status, status,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self.stdout
    }

    /// Returns stderr of a run that ended with this status.
    pub fn failure(self, status: i32) -> String {
        assert_eq!(
            self.status, status,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self.stderr
    }

    /// Returns stdout as JSON.
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.success()).unwrap()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code().unwrap_or(-1),
        }
    }
}

/// A command of the program, with an environment of one variable: servers on loopback speak plain HTTP, so that one CA does in
/// place of the system's hundreds, which every start would read.
pub fn program(arguments: &[&str]) -> Command {
    const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/ca.pem");
    let mut command = Command::new(env!("CARGO_BIN_EXE_csctl-matrix"));
    command.args(arguments).env_clear().env("SSL_CERT_FILE", CA);
    command
}

/// A command `pr` in a directory, for a forge on loopback: without the pause between two writes.
pub fn pr(root: &Path, remote: &str, token: &str) -> Command {
    let mut command = program(&["pr", "--remote", remote, "--write-pause", "0", "-C"]);
    command.arg(root);
    command.env("GITHUB_TOKEN", token).env("NO_PROXY", "*");
    command
}

/// Puts a program in place, written by another process: a test beside this one that starts a program would hand on a file that is open
/// here, and what somebody may still write to cannot be started ("Text file busy").
pub fn install(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let status = Command::new("cp").arg(from).arg(to).status();
    assert!(status.unwrap().success(), "cp {}", to.display());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// The same for a script.
pub fn install_script(to: &Path, text: &str) {
    let written = TempDir::new().unwrap();
    let script = written.path().join("script");
    fs::write(&script, format!("#!/bin/sh\n{text}\n")).unwrap();
    install(&script, to);
}

/// The folders of `testdata` that are no repositories.
const OTHERS: [&str; 3] = ["forge", "history", "yaml"];

/// The repositories of `testdata`, by their folders.
pub fn repositories() -> Vec<String> {
    let folders = fs::read_dir(project().join("testdata")).unwrap();
    let folders = folders.map(|folder| folder.unwrap());
    let mut found: Vec<String> = folders
        .filter(|folder| folder.path().is_dir())
        .map(|folder| folder.file_name().into_string().unwrap())
        .filter(|name| !OTHERS.contains(&name.as_str()))
        .collect();
    found.sort();
    assert!(found.len() > 6, "{found:?}");
    found
}

/// Those of them in which every file can be read.
pub fn sound_repositories() -> Vec<String> {
    let all = repositories().into_iter();
    all.filter(|name| name != "broken").collect()
}

/// Runs the program.
pub fn run(arguments: &[&str]) -> Said {
    program(arguments).output().unwrap().into()
}

/// A copy of a repository in a directory of its own, with a home and a cache beside it.
pub struct Copy {
    directory: TempDir,
}

impl Copy {
    /// Copies a folder of `testdata`.
    pub fn of(name: &str) -> Self {
        Self::of_path(&project().join("testdata").join(name))
    }

    /// Copies any folder.
    pub fn of_path(from: &Path) -> Self {
        let directory = TempDir::new().unwrap();
        copy_folder(from, &directory.path().join("repository"));
        Self { directory }
    }

    /// Copies a copy, with its commits and all that stands beside it.
    pub fn of_copy(other: &Self) -> Self {
        let directory = TempDir::new().unwrap();
        copy_folder(other.directory.path(), directory.path());
        Self { directory }
    }

    /// The repository's root.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    /// The path of a file in it.
    pub fn path(&self, place: &str) -> PathBuf {
        self.root().join(place)
    }

    /// The text of a file in it.
    pub fn read(&self, place: &str) -> String {
        fs::read_to_string(self.path(place)).unwrap()
    }

    /// Writes a file in it.
    pub fn write(&self, place: &str, text: &str) -> &Self {
        let path = self.path(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Makes it a git repository with one commit of all files.
    pub fn commit(&self) -> &Self {
        if !self.path(".git").exists() {
            self.git(&["init", "-q", "-b", "main"]);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "State"]);
        self
    }

    /// Runs git in it, with an identity and a time of its own and no configuration of this machine.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.root())
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .envs([
                ("GIT_AUTHOR_NAME", "A"),
                ("GIT_AUTHOR_EMAIL", "a@example.org"),
            ])
            .envs([
                ("GIT_COMMITTER_NAME", "A"),
                ("GIT_COMMITTER_EMAIL", "a@example.org"),
            ])
            .envs([
                ("GIT_AUTHOR_DATE", "2026-05-01T00:00:00Z"),
                ("GIT_COMMITTER_DATE", "2026-05-01T00:00:00Z"),
            ])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The catalog file of its repository: its own, or that of all repositories.
    pub fn catalog(&self) -> String {
        let own = self.path("catalog.yaml");
        if own.exists() {
            own.display().to_string()
        } else {
            catalog()
        }
    }

    /// The directory of the cache.
    pub fn cache(&self) -> String {
        self.directory.path().join("cache").display().to_string()
    }

    /// Runs the program in it, with its own cache.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let root = self.root().display().to_string();
        let mut all = vec!["-C", &root];
        all.extend(arguments);
        let mut command = program(&all);
        command.env("XDG_CACHE_HOME", self.directory.path().join("cache"));
        command.output().unwrap().into()
    }

    /// The texts of all files, by path; git's own left out.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files_of(&self.root())
    }
}

/// The bytes of all files of a folder, by path; git's own left out.
pub fn files_of(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_name() == ".git" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let place = entry
                    .path()
                    .strip_prefix(root)
                    .unwrap()
                    .display()
                    .to_string();
                found.insert(place, fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
    found
}

/// Returns the paths at which two states of a repository differ.
pub fn differing(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let paths: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    paths
        .into_iter()
        .filter(|path| a.get(*path) != b.get(*path))
        .cloned()
        .collect()
}

/// Copies a folder with all below it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            // Contents alone: the original may be read-only.
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
