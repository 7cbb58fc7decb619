//! Logins as `docker login` keeps them: in its configuration, or with a helper that the configuration names.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::Deserialize;

use super::OciError;
use crate::io::files::read_within;
use crate::io::http::{HttpSettings, Secret};
use crate::io::process::{self, Bounds, CommandEnd, Listener, SHELL, Sink};

/// The longest configuration that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// The longest answer of a helper that is kept, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// How long a helper may take, which may have to ask a server.
const HELPER_TIME: Duration = Duration::from_secs(30);

/// A helper reads the registry from its standard input.
const HELPER_LINE: &str = r#"printf '%s' "$1" | "$2" get"#;

/// The name under which Docker keeps the login of Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Who asks a registry.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

impl Login {
    /// Returns user and password, as requests and configurations have them.
    pub(super) fn pair(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password.expose()))
    }

    /// Returns what a request shows.
    pub(super) fn basic(&self) -> HeaderValue {
        let text = format!("Basic {}", self.pair());
        let mut value = HeaderValue::try_from(text).expect("base64 has letters and digits alone");
        value.set_sensitive(true);
        value
    }
}

/// Returns the name under which Docker keeps the login of the registry at a host.
pub(super) fn docker_name(host: &str) -> &str {
    match host {
        "registry-1.docker.io" => DOCKER_HUB,
        host => host,
    }
}

/// Finds the login for a registry; nothing where there is none.
pub(super) fn find_login(settings: &HttpSettings, host: &str) -> Result<Option<Login>, OciError> {
    let Some(path) = &settings.docker_config else {
        return Ok(None);
    };
    let Some(config) = read_config(path)? else {
        return Ok(None);
    };
    let names: Vec<String> = match host {
        "registry-1.docker.io" => vec![DOCKER_HUB.to_owned(), "docker.io".to_owned()],
        host => vec![
            host.to_owned(),
            format!("https://{host}"),
            format!("https://{host}/v2/"),
        ],
    };
    for name in &names {
        if let Some(helper) = config.cred_helpers.get(name) {
            return ask_helper(helper, name);
        }
    }
    for name in &names {
        let kept = config.auths.get(name).and_then(|auth| auth.auth.as_deref());
        if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
            return read_pair(kept).map(Some).ok_or_else(|| {
                let reason = format!("the login of {name} is not USER:PASSWORD in base64");
                OciError::docker_config(&path.display().to_string(), reason)
            });
        }
    }
    match &config.creds_store {
        // Only registries that somebody has logged in to are worth a question.
        Some(store) => match names.iter().find(|name| config.auths.contains_key(*name)) {
            Some(name) => ask_helper(store, name),
            None => Ok(None),
        },
        None => Ok(None),
    }
}

fn read_config(path: &Path) -> Result<Option<DockerConfig>, OciError> {
    let place = path.display().to_string();
    match read_within(path, LONGEST) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            // The parser's message may show a part of a secret.
            .map_err(|error| {
                let line = error.line();
                let reason = format!("line {line}: it is not a configuration of Docker");
                OciError::docker_config(&place, reason)
            }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OciError::docker_config(&place, error.to_string())),
    }
}

fn read_pair(kept: &str) -> Option<Login> {
    let bytes = STANDARD.decode(kept.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Login {
        user: user.to_owned(),
        password: Secret::new(password.trim_end_matches('\0'))?,
    })
}

/// Keeps the beginning of an answer.
#[derive(Default)]
struct Beginning(Vec<u8>);

impl Sink for Beginning {
    fn push(&mut self, bytes: &[u8]) {
        let room = LONGEST_ANSWER.saturating_sub(self.0.len());
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Asks a helper of Docker for the login. Source: the protocol of docker-credential-helpers.
fn ask_helper(helper: &str, registry: &str) -> Result<Option<Login>, OciError> {
    let program = format!("docker-credential-{helper}");
    run_helper(helper, &program, registry)
        .map_err(|reason| OciError::docker_config(&program, reason))
}

/// Runs a helper. The error is what is wrong with it, as a phrase.
fn run_helper(helper: &str, program: &str, registry: &str) -> Result<Option<Login>, String> {
    // It is a part of a program's name, and no path.
    if !helper
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return Err("this is not the name of a helper".to_owned());
    }
    let (listener, output) =
        Listener::start(Beginning::default()).map_err(|error| error.to_string())?;
    let (shell, option) = SHELL;
    let mut command = Command::new(shell);
    command
        .args([option, HELPER_LINE, shell, registry, program])
        .stdout(output)
        .stderr(Stdio::null());
    let ended = process::run(
        command,
        &Bounds {
            limit: HELPER_TIME,
            grace: Duration::from_secs(1),
            may_go_on: &|| true,
        },
    );
    let said = listener.finish(|beginning| std::mem::take(&mut beginning.0));
    match ended {
        CommandEnd::Code(0) => {}
        CommandEnd::Code(127) => return Err("this program is not installed".to_owned()),
        // It has no login for the registry, and says so with an error.
        CommandEnd::Code(_) => return Ok(None),
        CommandEnd::Signal(_) | CommandEnd::TimedOut | CommandEnd::NotStarted(_) => {
            return Err("it did not answer".to_owned());
        }
    }
    let answer: Helped = serde_json::from_slice(&said)
        .map_err(|_| "its answer is not that of a credential helper")?;
    if answer.username == "<token>" {
        let reason = "identity tokens are not supported; log in with a password or an access token";
        return Err(reason.to_owned());
    }
    Ok(Secret::new(&answer.secret).map(|password| Login {
        user: answer.username,
        password,
    }))
}
