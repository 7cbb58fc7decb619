//! The command line and the environment of registries with releases. The variables are those of csctl and the cluster stack operator.

use std::path::{Path, PathBuf};

use clap::Args;

use super::environment::variable;
use crate::error::CommandError;
use crate::io::files::read_within;
use crate::io::http::Secret;
use crate::io::oci::{Access, Key, Login, RepositoryName};
use crate::io::release_place::ReleasePlace;
use crate::io::surrender;

const REPOSITORY: &str = "OCI_REPOSITORY";
const REGISTRY: &str = "OCI_REGISTRY";
const TOKEN: &str = "OCI_ACCESS_TOKEN";
const USERNAME: &str = "OCI_USERNAME";
const PASSWORD: &str = "OCI_PASSWORD";

/// The variables that hold a secret of registries.
pub(super) const SECRETS: [&str; 2] = [TOKEN, PASSWORD];

/// The longest file of a password that is read, in bytes.
const LONGEST_FILE: usize = 64 << 10;

/// The heading of these options.
const HEADING: &str = "Registry";

/// What the environment has for registries.
#[derive(Debug, Clone, Default)]
pub(super) struct RegistrySecrets {
    token: Option<Secret>,
    password: Option<Secret>,
}

impl RegistrySecrets {
    pub(super) fn of(text: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            token: text(TOKEN).and_then(|token| Secret::new(&token)),
            password: text(PASSWORD).and_then(|password| Secret::new(&password)),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Secret> {
        self.token.iter().chain(&self.password).cloned()
    }

    /// Returns who asks. The token comes first, as with csctl.
    fn key(self) -> Result<Key, CommandError> {
        if let Some(token) = self.token {
            return Ok(Key::Token(token));
        }
        match (variable(USERNAME), self.password) {
            (Some(user), Some(password)) => Ok(Key::Login(Login { user, password })),
            (None, None) => Ok(Key::Docker),
            (Some(_), None) => Err(half(USERNAME, PASSWORD)),
            (None, Some(_)) => Err(half(PASSWORD, USERNAME)),
        }
    }
}

/// Where releases are published, and as whom.
#[derive(Debug, Args)]
pub(super) struct RegistryArgs {
    /// Repository with the releases, `oci://REGISTRY/REPOSITORY` [default: that of `OCI_REPOSITORY`]
    #[arg(long, value_name = "REPOSITORY", help_heading = HEADING)]
    repository: Option<RepositoryName>,
    #[command(flatten)]
    login: LoginArgs,
}

/// As whom a registry is asked.
#[derive(Debug, Args)]
pub(super) struct LoginArgs {
    /// User name for the registry [default: that of `OCI_USERNAME`, else of Docker's configuration]
    #[arg(long, value_name = "NAME", requires = "password_file", help_heading = HEADING)]
    username: Option<String>,
    /// File with the password of --username
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, requires = "username", help_heading = HEADING)]
    password_file: Option<PathBuf>,
    /// Ask the registry by plain http; no login is sent then, but to this machine
    #[arg(long, help_heading = HEADING)]
    plain_http: bool,
}

impl RegistryArgs {
    /// Returns the place that is named; nothing where none is.
    ///
    /// # Errors
    /// A variable or the file of the password cannot be used.
    pub(super) fn read(
        self,
        secrets: RegistrySecrets,
    ) -> Result<Option<ReleasePlace>, CommandError> {
        let of_environment = repository_of_environment()?;
        let Some(name) = self.repository.or(of_environment) else {
            return Ok(None);
        };
        let access = self.login.access(&name, secrets)?;
        Ok(Some(ReleasePlace { name, access }))
    }
}

impl LoginArgs {
    /// Returns how a repository is asked.
    ///
    /// # Errors
    /// A variable or the file of the password cannot be used.
    pub(super) fn access(
        self,
        name: &RepositoryName,
        secrets: RegistrySecrets,
    ) -> Result<Access, CommandError> {
        let of_environment = repository_of_environment()?;
        let key = match (self.username, self.password_file) {
            (Some(user), Some(path)) => Key::Login(Login {
                user,
                password: password_of(&path)?,
            }),
            (_, _) if is_for(name, of_environment.as_ref()) => secrets.key()?,
            (_, _) => Key::Docker,
        };
        Ok(Access {
            key,
            is_plain: self.plain_http,
        })
    }
}

fn repository_of_environment() -> Result<Option<RepositoryName>, CommandError> {
    let Some(text) = variable(REPOSITORY) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|error| {
        CommandError::new(format!("{REPOSITORY} is `{text}`: {error}"))
            .hinted("csctl writes it without oci://, as in registry.example.org/team/stacks")
    })
}

/// Tells whether the secrets of the environment are for this repository: they go to the registry that the environment names. Where it
/// names none, they go to the one of the command line.
fn is_for(name: &RepositoryName, of_environment: Option<&RepositoryName>) -> bool {
    let named = variable(REGISTRY).or_else(|| Some(of_environment?.host().to_owned()));
    named.is_none_or(|registry| {
        let bare = registry
            .trim_start_matches("https://")
            .trim_end_matches('/');
        // Some write the path behind the host, too.
        bare.split('/').next() == Some(name.host())
    })
}

fn half(set: &str, missing: &str) -> CommandError {
    CommandError::new(format!("{set} is set and {missing} is not"))
        .hinted(format!("set {missing} too, or unset {set}"))
}

fn password_of(path: &Path) -> Result<Secret, CommandError> {
    let shown = path.display();
    let text = read_within(path, LONGEST_FILE).map_err(|error| {
        CommandError::new(format!(
            "{shown}, the file of --password-file, cannot be read: {error}"
        ))
    })?;
    let password = Secret::new(&text);
    // Commands that are started later must not find it in this process.
    surrender::give_up();
    password.ok_or_else(|| {
        CommandError::new(format!("{shown}, the file of --password-file, is empty"))
            .hinted("write the password into it")
    })
}
