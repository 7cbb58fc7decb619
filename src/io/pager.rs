//! Hands long output to the user's pager, as git does.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

/// A pager, and variables it gets that the user has not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pager {
    /// A shell command, as `$PAGER` is one for every program.
    pub(crate) command: String,
    pub(crate) defaults: Vec<(&'static str, &'static str)>,
}

/// What a shell answers where it cannot start a command.
const NOT_STARTED: [i32; 2] = [126, 127];

impl Pager {
    /// Shows a text, and returns when the pager has ended.
    ///
    /// # Errors
    /// The pager cannot be started: the text was not shown.
    pub(crate) fn show(&self, text: &str) -> io::Result<()> {
        // Ctrl-C belongs to the pager: a program that ended before it would leave the terminal to both.
        let _whole = super::ending::write();
        let mut child = Command::new("sh")
            .args(["-c", &self.command])
            .envs(self.defaults.iter().copied())
            .stdin(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A reader that leaves before the end has what it wanted.
            let _ = stdin.write_all(text.as_bytes());
        }
        let status = child.wait()?;
        if status
            .code()
            .is_some_and(|code| NOT_STARTED.contains(&code))
        {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_not_shown_is_told() {
        let pager = Pager {
            command: "no-such-pager-anywhere".to_owned(),
            defaults: Vec::new(),
        };
        assert!(pager.show("text").is_err());
        let leaves = Pager {
            command: "true".to_owned(),
            ..pager
        };
        assert!(leaves.show(&"line\n".repeat(1 << 20)).is_ok());
    }
}
