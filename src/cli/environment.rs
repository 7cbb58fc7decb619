//! What is read from the process and its environment, once: the clock, variables, and where caches belong.
#![expect(
    clippy::disallowed_methods,
    reason = "the environment and the clock are read here, once"
)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use jiff::civil::Date;

use crate::error::CommandError;
use crate::io::forge::GITHUB_API;

/// Returns a variable of the environment. An empty one counts as unset: CI systems pass missing inputs that way.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

pub(super) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Returns the directories in which programs are found.
pub(super) fn program_path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// Tells whether a token of the environment belongs to github.com: a job on another GitHub server names its own API.
pub(super) fn is_of_github() -> bool {
    let api = variable("GITHUB_API_URL");
    api.is_none_or(|api| api.trim_end_matches('/') == GITHUB_API)
}

pub(super) fn is_in_actions() -> bool {
    variable("GITHUB_ACTIONS").is_some_and(|text| text == "true")
}

/// Today's date in UTC.
pub(super) fn today() -> Date {
    now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// The current moment. `check_clock` has run before any command asks for it.
pub(super) fn now() -> jiff::Timestamp {
    moment_of(SystemTime::now()).unwrap_or(jiff::Timestamp::MAX)
}

/// # Errors
/// The clock shows a moment that no date can express.
pub(super) fn check_clock() -> Result<(), CommandError> {
    moment_of(SystemTime::now()).map(drop)
}

/// Returns the moment that a clock shows. `Timestamp::now` would panic beyond the year 9999.
fn moment_of(clock: SystemTime) -> Result<jiff::Timestamp, CommandError> {
    clock.try_into().map_err(|_| {
        CommandError::new("the system clock is beyond the year 9999").hinted("set the clock")
    })
}

/// Returns the directory for cached answers, where the XDG base directory specification puts it; it ignores relative paths.
pub(super) fn default_cache() -> Option<PathBuf> {
    let base =
        absolute_path("XDG_CACHE_HOME").or_else(|| Some(absolute_path("HOME")?.join(".cache")))?;
    Some(base.join("csctl-matrix"))
}

/// Returns where `docker login` keeps its logins.
pub(super) fn docker_config() -> Option<PathBuf> {
    let folder =
        absolute_path("DOCKER_CONFIG").or_else(|| Some(absolute_path("HOME")?.join(".docker")))?;
    Some(folder.join("config.json"))
}

fn absolute_path(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os(name)?);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_without_a_moment_is_an_error() {
        let year_40000 = SystemTime::UNIX_EPOCH + Duration::from_hours(333_000_000);
        let error = moment_of(year_40000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the system clock is beyond the year 9999"
        );
        assert!(moment_of(SystemTime::UNIX_EPOCH).is_ok());
    }
}
