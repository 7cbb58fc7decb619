//! What a signal leaves behind: no scratch directory, no process of a command, and the status that shells expect.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::github::Fault;
use crate::support::hosted::Hosted;
use crate::support::program::{self, Copy, catalog, program};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// A test of a plan whose command runs for long, in directories of its own.
struct Run {
    copy: Copy,
    place: TempDir,
    child: Child,
}

impl Run {
    /// Starts it, and waits until its command runs.
    fn start(prefix: &str, command: &str) -> Self {
        let (copy, place) = (Copy::of("layout-c"), TempDir::new().unwrap());
        let told = place.path().join("told").display().to_string();
        copy.write(
            "csctl-matrix.yaml",
            &format!(
                "gate:\n  commands:\n    - name: e2e\n      run: 'echo $$ > {told}.new; mv {told}.new {told}; {command}'\n"
            ),
        );
        copy.commit();
        let scratch = place.path().join("tmp");
        fs::create_dir(&scratch).unwrap();
        let own = program(&[]);
        let mut shell = Command::new("sh");
        let root = copy.root().display().to_string();
        let all = ["-C", &root, "test", "--minor", "1.34", "--catalog"];
        shell
            .args(["-c", &format!("{prefix} exec \"$@\""), "sh"])
            .arg(own.get_program())
            .args(all)
            .arg(catalog())
            .env("TMPDIR", &scratch)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = shell.spawn().unwrap();
        let run = Self { copy, place, child };
        wait_until(|| run.told().exists(), "the command does not run");
        run
    }

    fn told(&self) -> PathBuf {
        self.place.path().join("told")
    }

    fn scratch(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.place.path().join("tmp")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    fn send(&self, signal: &str) {
        let number = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &number]).status();
        assert!(sent.unwrap().success());
    }

    fn end(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "the program does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_command_there(&self) -> bool {
        let number = fs::read_to_string(self.told()).unwrap();
        let stat = Path::new("/proc").join(number.trim()).join("stat");
        fs::read_to_string(stat).is_ok_and(|stat| !stat.contains(") Z "))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn is_ignored_here(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    mask >> (signal - 1) & 1 == 1
}

fn wait_until(is_so: impl Fn() -> bool, otherwise: &str) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{otherwise}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_leaves_nothing_behind() {
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        if is_ignored_here(number) {
            eprintln!(
                "skipped: {name} is ignored here, as by `nohup` or in the background of a script, and so it is by what is started"
            );
            continue;
        }
        let mut run = Run::start("", "sleep 300");
        let before = run.copy.files();
        assert!(
            !run.scratch().is_empty(),
            "{name}: there was nothing to leave"
        );
        run.send(name);
        assert_eq!(run.end().signal(), Some(number), "{name}");
        assert_eq!(run.scratch(), [] as [PathBuf; 0], "{name}");
        assert!(!run.is_command_there(), "{name}: the command still runs");
        assert_eq!(program::differing(&before, &run.copy.files()), [""; 0]);
    }
}

/// A command that does not want to end keeps nobody who asks twice. With TERM, which no shell ignores for what it starts.
#[test]
fn a_second_signal_does_not_wait() {
    let mut run = Run::start("", "trap \"\" TERM; sleep 300 & wait; sleep 300");
    run.send("TERM");
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        run.child.try_wait().unwrap().is_none(),
        "the command had no time"
    );
    run.send("TERM");
    assert_eq!(run.end().signal(), Some(15));
    // Its guard ends it within its ten seconds.
    wait_until(|| !run.is_command_there(), "the command still runs");
}

/// `nohup` ignores HUP before the program begins.
#[test]
fn what_was_ignored_stays_ignored() {
    let mut run = Run::start("trap \"\" HUP;", "sleep 300");
    run.send("HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(run.child.try_wait().unwrap().is_none(), "it ended");
    run.send("TERM");
    assert_eq!(run.end().signal(), Some(15));
    assert_eq!(run.scratch(), [] as [PathBuf; 0]);
}

/// A signal that comes while git waits for a server ends git too, and its repository goes.
#[test]
fn a_signal_ends_git() {
    let hosted = Hosted::start();
    hosted
        .server
        .faults("POST", "git-upload-pack", 1..99, Fault::Stall);
    let place = TempDir::new().unwrap();
    let mut command = hosted.command(&[]);
    command
        .env("TMPDIR", place.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let scratch = || fs::read_dir(place.path()).unwrap().count();
    let is_asked = || {
        let log = hosted.server.log();
        log.iter()
            .any(|one| one.method == "POST" && one.path.ends_with("git-upload-pack"))
    };
    wait_until(is_asked, "git does not ask");
    assert_eq!(scratch(), 1, "there is nothing to leave");
    let number = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &number]).status();
    assert!(sent.unwrap().success());
    let begin = Instant::now();
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert!(begin.elapsed() < PATIENCE, "git is waited for");
    assert_eq!(scratch(), 0);
}
