//! Starts one command in a scratch copy, without our secrets, and returns how it ended with the end of what it said.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::{CommandSettings, HIDDEN, Scratch};
use crate::io::output::Tail;
use crate::io::process::{self, Bounds, CommandEnd, Listener};

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
    pub(super) ended: CommandEnd,
    /// The end of what it said, on both of its outputs.
    pub(super) output: String,
}

/// Runs a command.
pub(super) fn run(order: &Order<'_>) -> Ran {
    start(order).unwrap_or_else(|error| Ran {
        ended: CommandEnd::NotStarted(error),
        output: String::new(),
    })
}

fn start(order: &Order<'_>) -> io::Result<Ran> {
    let secrets = &order.settings.secrets;
    let (listener, writer) = Listener::start(Tail::new(secrets))?;
    let mut command = Command::new(order.program);
    command
        .args(order.arguments)
        .current_dir(order.scratch.root())
        // One pipe for both keeps what is said in its order.
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let hidden = order.settings.hidden.iter().map(String::as_str);
    // Taken away first: names of the program's own are hidden too, and get their values below.
    for name in HIDDEN.into_iter().chain(hidden) {
        command.env_remove(name);
    }
    command
        // Without it git would look above the copy for a repository.
        .env("GIT_CEILING_DIRECTORIES", order.scratch.ceiling())
        .envs(order.variables.iter().map(|(name, value)| (name, value)));
    let bounds = Bounds {
        limit: order.limit,
        grace: order.settings.grace,
        may_go_on: &|| true,
    };
    let ended = process::run(command, &bounds);
    let output = listener.finish(|tail| tail.shown(secrets));
    Ok(Ran { ended, output })
}
