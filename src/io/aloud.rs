//! Runs a command whose output people see as it comes: on stderr, without our secrets.

use std::io::{self, Write as _};
use std::process::Command;

use super::http::conceal;
use super::process::{self, Bounds, CommandEnd, Listener, Sink};

/// The longest line that is held back until it is whole.
const LONGEST_LINE: usize = 16 << 10;

/// Runs a command to its end. Both its outputs go to stderr: stdout is for what this program says itself.
pub(super) fn run(mut command: Command, bounds: &Bounds<'_>) -> CommandEnd {
    let started = Listener::start(PassedOn::default())
        .and_then(|(listener, writer)| Ok((listener, writer.try_clone()?, writer)));
    let (listener, first, second) = match started {
        Ok(started) => started,
        Err(error) => return CommandEnd::NotStarted(error),
    };
    command.stdout(first).stderr(second);
    let ended = process::run(command, bounds);
    listener.finish(PassedOn::flush);
    ended
}

/// Passes an output on to stderr, line by line, so that a secret in it is seen as a whole.
#[derive(Default)]
struct PassedOn {
    line: Vec<u8>,
}

impl Sink for PassedOn {
    fn push(&mut self, bytes: &[u8]) {
        self.line.extend_from_slice(bytes);
        let whole = match self.line.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => last + 1,
            None if self.line.len() > LONGEST_LINE => self.line.len(),
            None => return,
        };
        let lines: Vec<u8> = self.line.drain(..whole).collect();
        pass_on(&lines);
    }
}

impl PassedOn {
    fn flush(&mut self) {
        pass_on(&std::mem::take(&mut self.line));
    }
}

fn pass_on(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // Where nobody can be told, the work goes on.
    let _ = io::stderr().write_all(conceal(&text).as_bytes());
}
