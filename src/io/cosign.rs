//! Signs what is in a registry with cosign, where it is installed. What it says goes to stderr as it comes; it dies with this program.
//!
//! The signature refers to the manifest, as OCI 1.1 has it, and gets no tag: one like `sha256-DIGEST.sig` would stop csctl for every stack
//! of the repository.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::aloud;
use super::ending::{self, Removed};
use super::oci::{Access, RepositoryName};
use super::process::{self, Bounds, CommandEnd};
use crate::version::Sha256;

const NAME: &str = "cosign";

/// How long it may take: it may ask a certificate authority and a log of signatures.
const LONGEST: Duration = Duration::from_secs(5 * 60);

const GRACE: Duration = Duration::from_secs(5);

/// Without this variable cosign 2 takes no other place for signatures than tags.
const EXPERIMENTAL: &str = "COSIGN_EXPERIMENTAL";

/// Where cosign, like Docker, looks for logins.
const DOCKER_CONFIG: &str = "DOCKER_CONFIG";

/// The program.
#[derive(Debug)]
pub(crate) struct Cosign {
    program: PathBuf,
    key: Option<String>,
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CosignError {
    /// It said no.
    #[error("`cosign sign` {0}")]
    Failed(String),
    /// Its login cannot be handed over.
    #[error("cannot hand the login over to cosign: {0}")]
    Login(io::Error),
}

/// A directory with the login for a registry, which goes away after its use.
struct LoginDirectory {
    directory: tempfile::TempDir,
    _removed: Removed,
}

impl Cosign {
    /// Finds the program in the directories of `PATH`.
    pub(crate) fn find(path: Option<&OsStr>, key: Option<String>) -> Option<Self> {
        let program = process::find_program(path, NAME)?;
        Some(Self { program, key })
    }

    /// Signs a manifest, which is in its repository.
    pub(crate) fn sign(
        &self,
        name: &RepositoryName,
        access: &Access,
        digest: &Sha256,
    ) -> Result<(), CosignError> {
        let mut command = Command::new(&self.program);
        command
            .args(["sign", "--yes", "--registry-referrers-mode=oci-1-1"])
            .env(EXPERIMENTAL, "1");
        if let Some(key) = &self.key {
            command.arg(format!("--key={key}"));
        }
        if access.is_plain {
            command.arg("--allow-http-registry");
        }
        // Whoever the user has logged in as is found by cosign itself.
        let login = match access.key.docker_config(name) {
            Some(config) => Some(LoginDirectory::write(&config).map_err(CosignError::Login)?),
            None => None,
        };
        if let Some(login) = &login {
            command.env(DOCKER_CONFIG, login.directory.path());
        }
        let place = name.to_string();
        let place = place.trim_start_matches(super::oci::SCHEME);
        command.arg(format!("{place}@sha256:{digest}"));
        let bounds = Bounds {
            limit: LONGEST,
            grace: GRACE,
            may_go_on: &|| true,
        };
        let failed = match aloud::run(command, &bounds) {
            CommandEnd::Code(0) => return Ok(()),
            CommandEnd::Code(code) => format!("ended with status {code}"),
            CommandEnd::Signal(signal) => format!("was ended by signal {signal}"),
            CommandEnd::TimedOut => format!("took longer than {} seconds", LONGEST.as_secs()),
            CommandEnd::NotStarted(error) => format!("could not be started: {error}"),
        };
        Err(CosignError::Failed(failed))
    }
}

#[cfg(unix)]
fn private_directory() -> io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut builder = tempfile::Builder::new();
    builder
        .prefix("csctl-matrix-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
}

#[cfg(not(unix))]
fn private_directory() -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("csctl-matrix-").tempdir()
}

impl LoginDirectory {
    /// Writes a configuration of Docker that nobody else can read.
    fn write(config: &str) -> io::Result<Self> {
        let directory = private_directory()?;
        let made = Self {
            _removed: Removed::new(directory.path()),
            directory,
        };
        let _whole = ending::write();
        // Files of this kind are for their owner alone.
        let mut file = tempfile::NamedTempFile::new_in(made.directory.path())?;
        file.write_all(config.as_bytes())?;
        file.persist(made.directory.path().join("config.json"))?;
        Ok(made)
    }
}
