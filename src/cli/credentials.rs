//! Who asks GitHub, as the environment says it. A secret comes from a variable or from a file that a variable names, never from an
//! argument, which every user of the machine could read. Nobody is asked here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::registry::{RegistrySecrets, SECRETS};
use crate::error::CommandError;
use crate::io::files::read_within;
use crate::io::forge::Credentials;
use crate::io::gate::CommandSettings;
use crate::io::http::Secret;
use crate::io::image_registry::{EnvironmentKeys, KeySource};
use crate::io::surrender;

const TOKENS: [&str; 2] = ["GITHUB_TOKEN", "GH_TOKEN"];
const TOKEN_FILE: &str = "GITHUB_TOKEN_FILE";
const APP_ID: &str = "GITHUB_APP_ID";
const APP_KEY: &str = "GITHUB_APP_PRIVATE_KEY";
const APP_KEY_FILE: &str = "GITHUB_APP_PRIVATE_KEY_FILE";
const APP_INSTALLATION: &str = "GITHUB_APP_INSTALLATION_ID";

/// The longest file of a secret that is read, in bytes.
// Bounds what a wrong path costs, such as that of a device without an end.
const LONGEST_FILE: usize = 64 << 10;

/// A line of a key that is shorter may be a part of anything.
const SHORTEST_LINE: usize = 16;

/// A password that is shorter may be a part of anything.
const SHORTEST_PASSWORD: usize = 8;

/// What the environment gives to ask GitHub with.
pub(super) struct Given {
    token: Option<Secret>,
    app: Result<Option<Credentials>, CommandError>,
    /// All secrets there are, used or not.
    secrets: Vec<Secret>,
    /// Those of registries among them.
    registry: RegistrySecrets,
    /// The names of variables that tell one of them.
    telling: Vec<String>,
}

impl Given {
    /// Reads the environment.
    ///
    /// # Errors
    /// The file of a token cannot be used.
    pub(super) fn read() -> Result<Self, CommandError> {
        let found = Variables(std::env::vars_os().collect());
        let of_file = match found.text(TOKEN_FILE) {
            Some(path) => Some(token_of(&path)?),
            None => None,
        };
        let tokens = TOKENS
            .iter()
            .filter_map(|name| Secret::new(&found.text(name)?));
        let mut secrets: Vec<Secret> = of_file.into_iter().chain(tokens).collect();
        // The more particular one comes first.
        let token = secrets.first().cloned();
        let keys = Keys::read(&found);
        // After the token was chosen: a key is hidden like a token, and never sent as one.
        secrets.extend(keys.secrets());
        let registry = RegistrySecrets::of(|name| found.text(name));
        secrets.extend(registry.all());
        // There is one thread yet, and no command was started that could have read them.
        surrender::give_up();
        Ok(Self {
            token,
            // Told where an App is asked for alone: other commands do not fail for one that is named by halves.
            app: found.app(keys),
            telling: found.telling(&secrets),
            registry,
            secrets,
        })
    }

    /// Returns the token for facts that GitHub's API tells anybody.
    pub(super) fn token(&self) -> Option<Secret> {
        self.token.clone()
    }

    /// Returns the secrets for registries.
    pub(super) fn registry(&self) -> RegistrySecrets {
        self.registry.clone()
    }

    /// Returns how commands of a repository are run: they get neither secrets nor variables of this program that somebody else has
    /// set.
    pub(super) fn command_settings(&self) -> CommandSettings {
        CommandSettings {
            secrets: self.secrets.clone(),
            hidden: self.telling.clone(),
            ..CommandSettings::default()
        }
    }

    /// Returns who asks: the App where one is named, else who has the token.
    ///
    /// # Errors
    /// The App is named by halves.
    pub(super) fn credentials(self) -> Result<Credentials, CommandError> {
        Ok(self.app?.unwrap_or_else(|| self.token.into()))
    }
}

/// Returns where the environment has keys of a bucket. Files are read by who needs the keys.
pub(super) fn bucket_keys() -> EnvironmentKeys {
    let found = Variables(std::env::vars_os().collect());
    EnvironmentKeys {
        access_key: found.key_source("AWS_ACCESS_KEY_ID"),
        secret_key: found.key_source("AWS_SECRET_ACCESS_KEY"),
        session_token: found.key_source("AWS_SESSION_TOKEN"),
        region: found
            .text("AWS_REGION")
            .or_else(|| found.text("AWS_DEFAULT_REGION")),
    }
}

/// A private key, and the variable that it comes from.
struct Keys {
    of_variable: Option<Secret>,
    of_file: Option<Result<Secret, CommandError>>,
}

impl Keys {
    fn read(found: &Variables) -> Self {
        let of_variable = found.text(APP_KEY);
        Self {
            of_variable: of_variable.and_then(|text| Secret::new(&unescaped(&text))),
            of_file: found.text(APP_KEY_FILE).map(|path| {
                let text = text_of(APP_KEY_FILE, &path)?;
                Secret::new(&unescaped(&text)).ok_or_else(|| empty(APP_KEY_FILE, &path))
            }),
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        let of_file = self.of_file.iter().flatten();
        self.of_variable.iter().chain(of_file).cloned().collect()
    }

    /// Returns the one key with the variable that gives it.
    fn one(self) -> Result<Option<(Secret, &'static str)>, CommandError> {
        match (self.of_variable, self.of_file) {
            (Some(_), Some(_)) => {
                let message = format!("{APP_KEY} and {APP_KEY_FILE} are both set");
                Err(CommandError::new(message).hinted("unset one of them"))
            }
            (Some(key), None) => Ok(Some((key, APP_KEY))),
            (None, Some(key)) => Ok(Some((key?, APP_KEY_FILE))),
            (None, None) => Ok(None),
        }
    }
}

/// The variables of the environment.
struct Variables(Vec<(OsString, OsString)>);

impl Variables {
    /// Returns the text of a variable; one that is empty is not set, as CI gives inputs and secrets that are not there.
    fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(found, _)| found == name)?;
        let text = value.to_string_lossy();
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    }

    fn key_source(&self, name: &'static str) -> KeySource {
        KeySource {
            name,
            value: self.text(name).and_then(|text| Secret::new(&text)),
            file: self.text(&format!("{name}_FILE")).map(PathBuf::from),
        }
    }

    fn app(&self, keys: Keys) -> Result<Option<Credentials>, CommandError> {
        let installation = self.text(APP_INSTALLATION);
        match (self.text(APP_ID), keys.one()?) {
            (None, None) if installation.is_none() => Ok(None),
            (None, None) => Err(half(APP_INSTALLATION, APP_ID)),
            (None, Some((_, variable))) => Err(half(variable, APP_ID)),
            (Some(_), None) => Err(half(APP_ID, APP_KEY).hinted(format!(
                "{APP_KEY} is the text of the key, {APP_KEY_FILE} the path of its file"
            ))),
            (Some(id), Some((key, variable))) => {
                let number = installation.map(|text| number_of(&text)).transpose()?;
                let app = Credentials::of_app(&id, number, key);
                app.map(Some).ok_or_else(|| no_key(variable))
            }
        }
    }

    /// Returns the names of variables that tell a secret, and of those that are this program's and that somebody else has set.
    fn telling(&self, secrets: &[Secret]) -> Vec<String> {
        let lines = secrets
            .iter()
            .flat_map(|secret| secret.expose().lines())
            // The lines around a key are the same for everybody, so they tell nothing.
            .filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with("-----"));
        // A password may be short, and stand by chance in any variable.
        let whole = secrets.iter().map(Secret::expose);
        let words: Vec<&str> = lines
            .chain(whole.filter(|word| word.len() >= SHORTEST_PASSWORD))
            .collect();
        let mut names = Vec::new();
        for (variable, value) in &self.0 {
            let Some(name) = variable.to_str() else {
                continue;
            };
            let text = value.to_string_lossy();
            // The names under which commands learn what they test; a value from outside would pass for it.
            if name.starts_with("CSCTL_MATRIX_")
                || SECRETS.contains(&name)
                || words.iter().any(|word| text.contains(word))
            {
                names.push(name.to_owned());
            }
        }
        names
    }
}

/// Returns a key's text with real line breaks; many CI systems keep one line alone, with `\n` in their place.
fn unescaped(text: &str) -> String {
    text.replace("\\r", "").replace("\\n", "\n")
}

fn token_of(path: &str) -> Result<Secret, CommandError> {
    let text = text_of(TOKEN_FILE, path)?;
    let token = Secret::new(&text).ok_or_else(|| empty(TOKEN_FILE, path))?;
    // What else stands in the file must not be sent along.
    if token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(token);
    }
    let message = format!("{path}, the file of {TOKEN_FILE}, contains more than a token");
    Err(CommandError::new(message).hinted("write only the token to it, on one line"))
}

fn text_of(variable: &str, path: &str) -> Result<String, CommandError> {
    read_within(Path::new(path), LONGEST_FILE).map_err(|error| {
        let message = format!("{path}, the file of {variable}, cannot be read: {error}");
        CommandError::new(message).hinted(format!("correct {variable}, or unset it"))
    })
}

fn empty(variable: &str, path: &str) -> CommandError {
    let message = format!("{path}, the file of {variable}, is empty");
    CommandError::new(message).hinted(format!("write the secret into it, or unset {variable}"))
}

fn half(set: &str, missing: &str) -> CommandError {
    let message = format!("{set} is set and {missing} is not");
    CommandError::new(message).hinted(format!(
        "set {missing} too, or unset {set} to ask with a token"
    ))
}

fn number_of(text: &str) -> Result<u64, CommandError> {
    text.parse().map_err(|_| {
        CommandError::new(format!(
            "invalid value `{text}` for {APP_INSTALLATION}: not a number"
        ))
        .hinted(format!(
            "unset {APP_INSTALLATION}: without it, the installation is found by the repository"
        ))
    })
}

fn no_key(variable: &str) -> CommandError {
    let message = format!("{variable} does not contain an RSA private key in PEM format");
    let hint = format!(
        "give the file that GitHub made for the App as a whole, from -----BEGIN to the end of the last line; its text goes to \
         {APP_KEY}, its path to {APP_KEY_FILE}"
    );
    CommandError::new(message).hinted(hint)
}
