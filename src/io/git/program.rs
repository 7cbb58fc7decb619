//! Runs the git program for what goes over a network: only there do the user's credential helpers, proxies and ssh work. The user's
//! own configuration of git holds; that of a clone is never read. Nobody is asked at a terminal.

use std::cell::Cell;
use std::process::Command;
use std::time::{Duration, Instant};

use super::place::{Access, origin};
use super::private::PrivateRepository;
use super::{RemoteError, said};
use crate::io::http::{HttpSettings, Secret};
use crate::io::output::Tail;
use crate::io::process::{self, Bounds, CommandEnd, Listener, Sink};

/// The oldest git that is known to do all that is asked of it.
const OLDEST: (u32, u32) = (2, 25);

/// The longest list of refs that is read.
const MAX_OUTPUT_BYTES: usize = 64 << 20;
/// The largest pack that is taken.
const MAX_PACK_BYTES: u64 = 256 << 20;
/// How long git may clean up after a time limit.
const GRACE: Duration = Duration::from_secs(2);

/// Variables that lead git to another repository or add to what it says, and those of our own tokens.
pub(super) const HIDDEN: [&str; 24] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CURL_VERBOSE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_PUSH_OPTION_COUNT",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_REDACT",
    "GIT_WORK_TREE",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_ENTERPRISE_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "OCI_ACCESS_TOKEN",
    "OCI_PASSWORD",
];

/// What a credential helper of ours runs: it says what the environment holds, whatever git tells it.
const HELPER: &str = "!f() { while read -r line; do :; done; \
     printf 'username=%s\\npassword=%s\\n' \"$CSCTL_MATRIX_GIT_USER\" \"$CSCTL_MATRIX_GIT_PASSWORD\"; }; f";

/// Settings that hold whatever the user's configuration says. Arguments come after it, and after the environment's.
const SETTINGS: [&str; 9] = [
    // Hooks of a global `core.hooksPath` are for the user's own commits.
    "core.hooksPath=/dev/null",
    // Otherwise git runs in each repository that objects are borrowed from, under its configuration, to list its refs.
    "core.alternateRefsCommand=true",
    // What is fetched stays a pack, to be handed over as a whole.
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    // A push is never redirected: a server that moved is found by the question before it.
    "http.followRedirects=initial",
    "push.gpgSign=false",
    "push.pushOption=",
];

/// What git said, and whether it did what it was asked.
pub(super) struct GitReply {
    pub(super) is_done: bool,
    pub(super) output: String,
    /// What it said to people, without secrets.
    pub(super) remarks: String,
}

impl GitReply {
    /// Says what a failure means.
    pub(super) fn error(&self, access: &Access) -> RemoteError {
        said::error(&self.remarks, access)
    }
}

/// The beginning of an output; what is beyond the limit is not kept.
#[derive(Default)]
struct Head {
    bytes: Vec<u8>,
    is_over: bool,
}

impl Sink for Head {
    fn push(&mut self, bytes: &[u8]) {
        let room = MAX_OUTPUT_BYTES - self.bytes.len();
        self.is_over |= bytes.len() > room;
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// What git is to do.
pub(super) struct Task<'a> {
    pub(super) arguments: &'a [&'a str],
    /// How long it may go on while no objects come.
    pub(super) silence: Duration,
}

impl<'a> Task<'a> {
    /// Asks a server for something. Git itself waits for a connection without end, and for the rest of a pack that was cut short.
    pub(super) fn of_asking(arguments: &'a [&'a str], settings: &HttpSettings) -> Self {
        Self {
            arguments,
            silence: settings.connect_timeout + 2 * settings.read_timeout,
        }
    }

    /// Sends something, and comes to an end by itself or with the time that there is for everything.
    pub(super) fn of_sending(arguments: &'a [&'a str], settings: &HttpSettings) -> Self {
        Self {
            arguments,
            silence: settings.total_timeout,
        }
    }
}

/// Watches what comes into a private repository.
struct Watch<'a> {
    repository: &'a PrivateRepository,
    silence: Duration,
    received: Cell<u64>,
    since: Cell<Instant>,
}

impl Watch<'_> {
    fn may_go_on(&self) -> bool {
        let received = self.repository.received();
        if received != self.received.replace(received) {
            self.since.set(Instant::now());
        }
        received <= MAX_PACK_BYTES && self.since.get().elapsed() < self.silence
    }
}

/// Runs git in a private repository.
pub(super) fn run(
    repository: &PrivateRepository,
    access: &Access,
    settings: &HttpSettings,
    task: &Task<'_>,
) -> Result<GitReply, RemoteError> {
    let secrets: Vec<Secret> = access.login.iter().map(|one| one.secret.clone()).collect();
    let (output, to_output) = Listener::start(Head::default()).map_err(RemoteError::NoGit)?;
    let (remarks, to_remarks) = Listener::start(Tail::new(&secrets)).map_err(RemoteError::NoGit)?;
    let mut command = command(repository, access, settings);
    command
        .args(task.arguments)
        .stdout(to_output)
        .stderr(to_remarks);
    let begin = Instant::now();
    let watch = Watch {
        repository,
        silence: task.silence,
        received: Cell::new(0),
        since: Cell::new(begin),
    };
    let bounds = Bounds {
        limit: settings.total_timeout,
        grace: GRACE,
        may_go_on: &|| watch.may_go_on(),
    };
    let ended = process::run(command, &bounds);
    let (bytes, is_over) = output.finish(|head| (std::mem::take(&mut head.bytes), head.is_over));
    let url = access.url.clone();
    // The watch ends git for it, which looks like the time limit.
    if is_over || repository.received() > MAX_PACK_BYTES {
        return Err(RemoteError::TooLarge { url });
    }
    match ended {
        CommandEnd::NotStarted(error) => Err(RemoteError::NoGit(error)),
        CommandEnd::TimedOut => Err(RemoteError::TimedOut {
            url,
            seconds: begin.elapsed().as_secs(),
        }),
        CommandEnd::Code(code) => Ok(GitReply {
            is_done: code == 0,
            output: String::from_utf8_lossy(&bytes).into_owned(),
            remarks: remarks.finish(|tail| tail.shown(&secrets)),
        }),
        CommandEnd::Signal(signal) => Err(RemoteError::Failed {
            url,
            message: format!("git was ended by signal {signal}"),
        }),
    }
}

fn command(repository: &PrivateRepository, access: &Access, settings: &HttpSettings) -> Command {
    let mut command = Command::new("git");
    command.current_dir(repository.path());
    for name in HIDDEN {
        command.env_remove(name);
    }
    command
        .env("GIT_DIR", repository.path())
        .env("GIT_ALLOW_PROTOCOL", protocols(&access.url))
        // A run without people would wait for an answer for ever.
        .env("GIT_TERMINAL_PROMPT", "0")
        // An empty one is run by nobody, and no other is looked for.
        .env("GIT_ASKPASS", "")
        // What git says is read.
        .env("LC_ALL", "C")
        .env("LANGUAGE", "C");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    // Git takes full seconds, and 0 for no limit.
    let silence = settings.read_timeout.as_secs_f64().ceil();
    command
        .args(["-c", "http.lowSpeedLimit=1"])
        .args(["-c", &format!("http.lowSpeedTime={silence}")])
        .args(["-c", &format!("core.sshCommand={}", ssh_command())]);
    if !settings.system_proxy {
        // An empty one turns off those of the environment as well.
        command.args(["-c", "http.proxy="]);
    }
    if let (Some(login), Some(origin)) = (&access.login, origin(&access.url)) {
        // The empty one takes away those before: they would be told to store what was accepted. It is asked for this host alone,
        // and not for one that this host redirects to.
        let key = format!("credential.{origin}.helper=");
        command
            .args(["-c", &key])
            .args(["-c", &format!("{key}{HELPER}")])
            .env("CSCTL_MATRIX_GIT_USER", &login.user)
            .env("CSCTL_MATRIX_GIT_PASSWORD", login.secret.expose());
    }
    command
}

/// Returns what git may speak. A directory of this machine is never among it: there git runs hooks, and what its configuration
/// names. The user's `insteadOf` may lead from https to ssh.
fn protocols(url: &str) -> &'static str {
    if url.starts_with("http://") {
        "http:https:ssh"
    } else {
        "https:ssh"
    }
}

/// Returns the user's ssh, which asks nothing. `GIT_SSH_COMMAND`, where it is set, comes before it.
fn ssh_command() -> String {
    let ssh = git2::Config::open_default()
        .and_then(|config| config.get_string("core.sshCommand"))
        .unwrap_or_else(|_| "ssh".to_owned());
    format!("{ssh} -oBatchMode=yes")
}

/// Says what is wrong with the git of this machine; nothing where it will do.
pub(crate) fn trouble_with_git(settings: &HttpSettings) -> Option<String> {
    let access = Access {
        url: String::new(),
        login: None,
    };
    let said = PrivateRepository::empty().and_then(|repository| {
        run(
            &repository,
            &access,
            settings,
            &Task::of_asking(&["version"], settings),
        )
    });
    let version = match said {
        Ok(said) => said.output,
        Err(error) => return Some(error.to_string()),
    };
    let (major, minor) = OLDEST;
    match numbers(&version) {
        Some(found) if found >= OLDEST => None,
        Some(_) => Some(format!(
            "{} is too old; {major}.{minor} or newer is needed",
            version.trim()
        )),
        None => Some(format!("`git version` says `{}`", version.trim())),
    }
}

/// Reads `git version 2.39.5 (Apple Git-154)`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix("git version ")?.split('.');
    Some((
        numbers.next()?.parse().ok()?,
        numbers.next()?.trim().parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_git_are_compared_as_numbers() {
        assert_eq!(numbers("git version 2.39.5\n"), Some((2, 39)));
        assert_eq!(numbers("git version 2.9.3 (Apple Git-75)\n"), Some((2, 9)));
        assert!(numbers("git version 2.9.3").unwrap() < OLDEST);
        assert_eq!(numbers("hub version 2.14"), None);
    }

    #[test]
    fn a_helper_is_for_one_host() {
        assert_eq!(
            origin("https://ghe.example:8443/o/r.git").as_deref(),
            Some("https://ghe.example:8443")
        );
        assert_eq!(origin("https://h:443/o").as_deref(), Some("https://h"));
    }

    #[test]
    fn no_protocol_runs_programs_of_this_machine() {
        for url in ["http://h/o", "https://h/o"] {
            for protocol in protocols(url).split(':') {
                assert!(["http", "https", "ssh"].contains(&protocol), "{protocol}");
            }
        }
        assert!(!protocols("https://h/o").split(':').any(|one| one == "http"));
    }
}
