//! Runs what tests a planned change: the commands of a repository and `helm template`, in a scratch copy of the planned files, with
//! a time limit, without our secrets. What is green is decided in `gate`.

mod checks;
mod command;
mod helm;
mod scratch;

use std::time::Duration;

use super::http::Secret;
use super::process::{CommandEnd, SHELL};
use crate::config::GateCommand;
use crate::gate::{GateSubject, TestKind, TestResult, TestState};

pub use checks::{Checked, read_checks};
pub(crate) use helm::{Rendered, chart_of, has_helm, render_archive, render_charts};
pub use scratch::{Scratch, ScratchError};

use command::{Order, Ran};

/// Variables that commands never get: our tokens, those of the runner, and what leads git to another repository.
const HIDDEN: [&str; 20] = [
    "GITHUB_TOKEN",
    "GITHUB_TOKEN_FILE",
    "GITHUB_APP_ID",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_APP_PRIVATE_KEY_FILE",
    "GITHUB_APP_INSTALLATION_ID",
    "GH_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// How commands are run.
#[derive(Debug, Clone)]
pub struct CommandSettings {
    /// Texts that no output may show.
    pub secrets: Vec<Secret>,
    /// Names of further variables that commands do not get.
    pub hidden: Vec<String>,
    /// How long a command may clean up after its time limit, before it is killed.
    pub grace: Duration,
}

impl Default for CommandSettings {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            hidden: Vec::new(),
            grace: Duration::from_secs(10),
        }
    }
}

/// Runs the commands of a repository for one stack line, one after the other, in the order of the configuration.
pub fn run_commands(
    commands: &[GateCommand],
    subject: &GateSubject<'_>,
    scratch: &Scratch,
    settings: &CommandSettings,
) -> Vec<TestResult> {
    let variables = subject.variables();
    commands
        .iter()
        .map(|command| match reason_to_skip(command, subject) {
            Some(why) => result(command, TestState::Skipped, why.to_owned()),
            None => run_one(command, scratch, &variables, settings),
        })
        .collect()
}

fn reason_to_skip(command: &GateCommand, subject: &GateSubject<'_>) -> Option<&'static str> {
    if subject.leaves() {
        Some("the stack line leaves")
    } else if subject.needs(&command.needs) {
        None
    } else {
        Some("this change does not need it")
    }
}

fn run_one(
    command: &GateCommand,
    scratch: &Scratch,
    variables: &[(&'static str, String)],
    settings: &CommandSettings,
) -> TestResult {
    let (program, option) = SHELL;
    let ran = command::run(&Order {
        program,
        arguments: &[option, &command.run],
        scratch,
        variables,
        limit: command.timeout.duration(),
        settings,
    });
    let (state, words) = verdict(command, &ran);
    TestResult {
        output: Some(ran.output).filter(|output| !output.is_empty()),
        ..result(command, state, words)
    }
}

fn result(command: &GateCommand, state: TestState, words: String) -> TestResult {
    TestResult::new(TestKind::Command, &command.name, state, words)
}

fn verdict(command: &GateCommand, ran: &Ran) -> (TestState, String) {
    let words = match &ran.ended {
        CommandEnd::Code(0) => return (TestState::Passed, String::new()),
        // A shell says so of what is no program, and of what it does not find.
        CommandEnd::Code(126) => "exit status 126: a command could not be run".to_owned(),
        CommandEnd::Code(127) => "exit status 127: a command was not found".to_owned(),
        CommandEnd::Code(code) => format!("exit status {code}"),
        CommandEnd::Signal(signal) => format!("ended by signal {signal}"),
        CommandEnd::TimedOut => format!("took longer than {}", command.timeout),
        CommandEnd::NotStarted(error) => format!("the shell cannot be started: {error}"),
    };
    (TestState::Failed, words)
}
