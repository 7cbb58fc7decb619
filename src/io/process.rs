//! Runs one command to its end: in a process group of its own, with a time limit that ends the whole group, and without a terminal.
//!
//! A group is ended by a small shell beside it, the guard. It waits for a word on its standard input: with `end` it kills what the
//! command left running; when the input closes, it asks the group to end, and kills it after a while. The input closes at the time
//! limit, and by itself when this program is killed, so that a command never outlives the run. A process that leaves its group, as
//! `setsid` does, is out of reach.

use std::ffi::OsStr;
use std::io::{self, PipeReader, PipeWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::ending::{self, Running};

/// The shell, and the option after which it takes a command line.
#[cfg(unix)]
pub(super) const SHELL: (&str, &str) = ("sh", "-c");
#[cfg(not(unix))]
pub(super) const SHELL: (&str, &str) = ("cmd", "/C");

/// `$1` is the group, `$2` the seconds that it has to clean up.
const GUARD: &str = r#"
read -r word || word=gone
if [ "$word" != end ]; then
  kill -s TERM -- "-$1"
  left=$2
  while [ "$left" -gt 0 ] && kill -s 0 -- "-$1"; do sleep 1; left=$((left - 1)); done
fi
kill -s KILL -- "-$1"
"#;

/// How long a pipe may stay open after its command has ended, as a process out of reach may hold it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Finds a program in the directories of `PATH`.
pub(super) fn find_program(path: Option<&OsStr>, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let mut programs = std::env::split_paths(path?).map(|folder| folder.join(&file));
    programs.find(|program| is_program(program))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// How long a command may run.
pub(super) struct Bounds<'a> {
    pub(super) limit: Duration,
    /// How long its group may clean up after that, before it is killed.
    pub(super) grace: Duration,
    /// Whether it may go on before its time is over, as one that fills a disk may not.
    pub(super) may_go_on: &'a dyn Fn() -> bool,
}

/// How a command ended.
#[derive(Debug)]
pub(super) enum CommandEnd {
    Code(i32),
    Signal(i32),
    TimedOut,
    NotStarted(io::Error),
}

/// Runs a command, whose outputs somebody listens to. After a signal it does not return: the program ends.
pub(super) fn run(mut command: Command, bounds: &Bounds<'_>) -> CommandEnd {
    // Nobody is there to answer a question.
    command.stdin(Stdio::null());
    lead_a_group(&mut command);
    let started = {
        let _whole = ending::write();
        command.spawn().map(|child| (child, Running::new()))
    };
    // With the command its ends of the pipes go: the process alone holds them then.
    drop(command);
    match started {
        Err(error) => CommandEnd::NotStarted(error),
        Ok((mut child, running)) => {
            let guard = Guard::start(&child, bounds.grace);
            let ended = wait(&mut child, bounds, guard);
            if ending::is_ending() {
                // The thread that ends the program waits until no command runs.
                drop(running);
                ending::wait_for_end();
            }
            ended
        }
    }
}

/// Waits for a command, and sees that nothing of it is left.
fn wait(child: &mut Child, bounds: &Bounds<'_>, guard: Option<Guard>) -> CommandEnd {
    let deadline = Instant::now() + bounds.limit;
    let ended = wait_while(child, || {
        Instant::now() < deadline && !ending::is_ending() && (bounds.may_go_on)()
    });
    if let Some(status) = ended {
        if let Some(guard) = guard {
            guard.end();
        }
        return status.map_or_else(CommandEnd::NotStarted, how);
    }
    let group = guard.map(Guard::ask_to_end);
    // The guard kills the group after its grace; this is for a guard that does not.
    let last = Instant::now() + bounds.grace + LAST_WORDS;
    if group.is_none() || wait_while(child, || Instant::now() < last).is_none() {
        // It may have ended in this moment.
        let _ = child.kill();
    }
    if let Some(mut group) = group {
        let _ = group.wait();
    }
    let _ = child.wait();
    CommandEnd::TimedOut
}

/// Waits for a process as long as it has time.
fn wait_while(child: &mut Child, has_time: impl Fn() -> bool) -> Option<io::Result<ExitStatus>> {
    let begin = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Err(error) => return Some(Err(error)),
            Ok(None) if !has_time() => return None,
            Ok(None) => std::thread::sleep(pause_after(begin.elapsed())),
        }
    }
}

/// How long to wait before the next look at a process: its end is noticed at most an eighth later than it came, and a process that
/// runs for minutes is not looked at a thousand times a second.
fn pause_after(elapsed: Duration) -> Duration {
    (elapsed / 8).clamp(Duration::from_millis(1), Duration::from_millis(50))
}

#[cfg(unix)]
fn how(status: ExitStatus) -> CommandEnd {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => CommandEnd::Code(code),
        (None, signal) => CommandEnd::Signal(signal.unwrap_or_default()),
    }
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> CommandEnd {
    CommandEnd::Code(status.code().unwrap_or(-1))
}

/// Makes a command the first of a process group.
#[cfg(unix)]
fn lead_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn lead_a_group(_: &mut Command) {}

/// The shell that ends a group.
struct Guard {
    process: Child,
    input: ChildStdin,
}

impl Guard {
    /// Starts it, where there are groups; without it, the first process alone is ended.
    fn start(child: &Child, grace: Duration) -> Option<Self> {
        if cfg!(not(unix)) {
            return None;
        }
        let mut command = Command::new(SHELL.0);
        let (group, grace) = (child.id().to_string(), grace.as_secs().to_string());
        command
            .args([SHELL.1, GUARD, "guard", &group, &grace])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // What interrupts this program must not reach the guard first.
        lead_a_group(&mut command);
        let mut process = command.spawn().ok()?;
        let input = process.stdin.take()?;
        Some(Self { process, input })
    }

    /// Kills what a command that has ended left running.
    fn end(mut self) {
        let _ = self.input.write_all(b"end\n");
        let _ = self.process.wait();
    }

    /// Asks the group to end, and kills it after a while; the process returned has ended then.
    fn ask_to_end(self) -> Child {
        drop(self.input);
        self.process
    }
}

/// What keeps of an output what is needed.
pub(super) trait Sink: Send + 'static {
    /// Adds what was read.
    fn push(&mut self, bytes: &[u8]);
}

/// Listens to a command on a thread of its own.
pub(super) struct Listener<S> {
    sink: Arc<Mutex<S>>,
    done: Receiver<()>,
}

impl<S: Sink> Listener<S> {
    /// Starts to listen at a pipe, whose other end is for the command.
    pub(super) fn start(sink: S) -> io::Result<(Self, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        let shared = Arc::new(Mutex::new(sink));
        let (send, done) = channel();
        let heard = Arc::clone(&shared);
        std::thread::spawn(move || {
            listen(reader, &heard);
            // Nobody may be waiting any more.
            let _ = send.send(());
        });
        Ok((Self { sink: shared, done }, writer))
    }

    /// Returns what was heard. It does not wait for a process that is out of reach.
    pub(super) fn finish<R>(self, read: impl FnOnce(&mut S) -> R) -> R {
        let _ = self.done.recv_timeout(LAST_WORDS);
        read(&mut self.sink.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn listen<S: Sink>(mut reader: PipeReader, sink: &Mutex<S>) {
    let mut bytes = [0; 8192];
    loop {
        match reader.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let mut kept = sink.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(&bytes[..count]);
            }
        }
    }
}
