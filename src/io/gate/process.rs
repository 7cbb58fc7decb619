//! Runs one command to its end: in a process group of its own, with a time limit that ends the whole group, without a terminal and
//! without our secrets.
//!
//! A group is ended by a small shell beside it, the guard. It waits for a word on its standard input: with `end` it kills what the
//! command left running; when the input closes, it asks the group to end, and kills it after a while. The input closes at the time
//! limit, and by itself when this program is killed, so that a command never outlives the run. A process that leaves its group, as
//! `setsid` does, is out of reach.

use std::io::{self, PipeReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::output::Tail;
use super::{CommandSettings, HIDDEN, Scratch};
use crate::io::ending::{self, Running};

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

/// What to run.
pub(super) struct Order<'a> {
    pub(super) program: &'a str,
    pub(super) arguments: &'a [&'a str],
    pub(super) scratch: &'a Scratch,
    pub(super) variables: &'a [(&'static str, String)],
    pub(super) limit: Duration,
    pub(super) settings: &'a CommandSettings,
}

/// What became of it.
pub(super) struct Ran {
    pub(super) ended: Ended,
    /// The end of what it said, on both of its outputs.
    pub(super) output: String,
}

/// How a command ended.
#[derive(Debug)]
pub(super) enum Ended {
    Code(i32),
    Signal(i32),
    TimedOut,
    NotStarted(io::Error),
}

/// Runs a command.
pub(super) fn run(order: &Order<'_>) -> Ran {
    let secrets = &order.settings.secrets;
    let started = {
        let _whole = ending::write();
        start(order).map(|started| (started, Running::new()))
    };
    match started {
        Err(error) => Ran {
            ended: Ended::NotStarted(error),
            output: String::new(),
        },
        Ok(((mut child, reader), running)) => {
            let listener = Listener::start(reader, Tail::new(secrets));
            let guard = Guard::start(&child, order.settings.grace);
            let ended = wait(&mut child, order, guard);
            if ending::is_ending() {
                drop(running);
                ending::wait_for_end();
            }
            let output = listener.finish(|tail| tail.shown(secrets));
            Ran { ended, output }
        }
    }
}

fn start(order: &Order<'_>) -> io::Result<(Child, PipeReader)> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(order.program);
    command
        .args(order.arguments)
        .current_dir(order.scratch.root())
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    for name in HIDDEN
        .into_iter()
        .chain(order.settings.hidden.iter().map(String::as_str))
    {
        command.env_remove(name);
    }
    command
        .env("GIT_CEILING_DIRECTORIES", order.scratch.ceiling())
        .envs(order.variables.iter().map(|(name, value)| (name, value)));
    lead_a_group(&mut command);
    // With the command its ends of the pipe go: the process alone holds them then.
    command.spawn().map(|child| (child, reader))
}

/// Waits for a command, and sees that nothing of it is left.
fn wait(child: &mut Child, order: &Order<'_>, guard: Option<Guard>) -> Ended {
    let deadline = Instant::now() + order.limit;
    let has_time = || Instant::now() < deadline && !ending::is_ending();
    if let Some(status) = wait_while(child, has_time) {
        if let Some(guard) = guard {
            guard.end();
        }
        return status.map_or_else(Ended::NotStarted, how);
    }
    let group = guard.map(Guard::ask_to_end);
    let last = Instant::now() + order.settings.grace + LAST_WORDS;
    if group.is_none() || wait_while(child, || Instant::now() < last).is_none() {
        let _ = child.kill();
    }
    if let Some(mut group) = group {
        let _ = group.wait();
    }
    let _ = child.wait();
    Ended::TimedOut
}

/// Waits for a process as long as it has time.
fn wait_while(child: &mut Child, has_time: impl Fn() -> bool) -> Option<io::Result<ExitStatus>> {
    const LONGEST: Duration = Duration::from_millis(50);
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Err(error) => return Some(Err(error)),
            Ok(None) if !has_time() => return None,
            Ok(None) => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(LONGEST);
    }
}

#[cfg(unix)]
fn how(status: ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or_default()),
    }
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> Ended {
    Ended::Code(status.code().unwrap_or(-1))
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

/// Listens to a command on a thread of its own.
struct Listener {
    tail: Arc<Mutex<Tail>>,
    done: Receiver<()>,
}

impl Listener {
    fn start(mut reader: PipeReader, tail: Tail) -> Self {
        let tail = Arc::new(Mutex::new(tail));
        let (send, done) = channel();
        let heard = Arc::clone(&tail);
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            loop {
                match reader.read(&mut bytes) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => break,
                    Ok(count) => {
                        let mut tail = heard.lock().unwrap_or_else(PoisonError::into_inner);
                        tail.push(&bytes[..count]);
                    }
                }
            }
            // Nobody may be waiting any more.
            let _ = send.send(());
        });
        Self { tail, done }
    }

    /// Returns what was heard. It does not wait for a process that is out of reach.
    fn finish<R>(self, read: impl FnOnce(&Tail) -> R) -> R {
        let _ = self.done.recv_timeout(LAST_WORDS);
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        read(&tail)
    }
}
