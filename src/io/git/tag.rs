//! Tags the commit of a release: annotated, and signed where git is configured to. The git program does it in the clone itself, as whoever
//! runs this would, so that keys and agents work; its hooks are not run.

use std::process::Command;
use std::time::Duration;

use super::GitRepository;
use super::program::HIDDEN;
use crate::io::output::Tail;
use crate::io::process::{self, Bounds, CommandEnd, Listener};

/// How long git may take, which may have to wait for an agent with a key.
const LIMIT: Duration = Duration::from_secs(120);

/// A tag that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewTag<'a> {
    pub(crate) name: &'a str,
    pub(crate) commit: &'a str,
    pub(crate) message: &'a str,
}

impl GitRepository {
    /// Returns the commit that a tag stands for; nothing where there is no such tag.
    pub(crate) fn tagged_commit(&self, tag: &str) -> Option<String> {
        // In full, as a branch may have the same name.
        let id = self.resolve(&format!("refs/tags/{tag}")).ok()?;
        Some(id.to_string())
    }

    /// Makes an annotated tag. The error is what git says, as a phrase.
    pub(crate) fn tag_commit(&self, tag: NewTag<'_>) -> Result<(), String> {
        let (remarks, to_remarks) = Listener::start(Tail::new(&[])).map_err(say_not_run)?;
        let mut command = Command::new("git");
        for name in HIDDEN {
            command.env_remove(name);
        }
        command
            .env_remove("GIT_DIR")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .arg("--git-dir")
            .arg(self.git_directory())
            .args(["-c", "core.hooksPath=/dev/null"])
            .args(["tag", "--annotate", "--message", tag.message])
            .args([tag.name, tag.commit])
            .stdout(std::process::Stdio::null())
            .stderr(to_remarks);
        let ended = process::run(
            command,
            &Bounds {
                limit: LIMIT,
                grace: Duration::from_secs(2),
                may_go_on: &|| true,
            },
        );
        let said = remarks.finish(|tail| tail.shown(&[]));
        match ended {
            CommandEnd::Code(0) => Ok(()),
            CommandEnd::Code(_) => Err(said.trim().to_owned()),
            CommandEnd::Signal(signal) => Err(format!("git was ended by signal {signal}")),
            CommandEnd::TimedOut => Err(format!("git did not end within {} s", LIMIT.as_secs())),
            CommandEnd::NotStarted(error) => Err(say_not_run(error)),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn say_not_run(error: std::io::Error) -> String {
    format!("cannot run git: {error}")
}
