//! Checks what a configuration means: ranges, and decisions that contradict each other. The first fault is told, with its line.

use std::collections::BTreeSet;

use super::{Config, ConfigError, find_nearest, line_at};
use crate::policy::{Minors, Pin};
use crate::version::OsRelease;
use crate::yaml::{Node, Path};

/// Checks what a file says.
pub(super) fn check(config: &Config, root: &Node) -> Result<(), ConfigError> {
    let line = |path: &Path| line_at(root, path);
    let top = Path::root();
    check_limits(config.minors.as_ref(), config.os.as_ref(), &top, line)?;
    for (title, own) in &config.stacks {
        let path = Path::root().key("stacks").key(title.as_str());
        check_limits(own.minors.as_ref(), own.os.as_ref(), &path, line)?;
    }
    check_blocks(config, line)?;
    check_pins(config, line)?;
    check_urls(config, line)?;
    super::gate::check(&config.gate, line)?;
    for (index, branch) in config.branches.iter().enumerate() {
        let path = Path::root().key("branches").index(index);
        check_limits(branch.minors.as_ref(), None, &path, line)?;
    }
    Ok(())
}

fn check_limits(
    minors: Option<&Minors>,
    os: Option<&Vec<OsRelease>>,
    path: &Path,
    line: impl Fn(&Path) -> usize,
) -> Result<(), ConfigError> {
    if let Some(fault) = minors.and_then(Minors::find_fault) {
        let path = path.clone().key("minors");
        let hint = "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}";
        return Err(ConfigError::new(
            line(&path),
            format!("`{path}` {fault}"),
            hint,
        ));
    }
    let Some(os) = os else { return Ok(()) };
    let path = path.clone().key("os");
    let mut seen = BTreeSet::new();
    let fault = match os.iter().find(|os| !seen.insert(*os)) {
        Some(twice) => format!("`{path}` names {twice} twice"),
        None if os.is_empty() => format!("`{path}` names no operating-system release"),
        None => return Ok(()),
    };
    let hint = "write a list such as [ubuntu-2404], or leave the key out: then any will do";
    Err(ConfigError::new(line(&path), fault, hint))
}

fn check_blocks(config: &Config, line: impl Fn(&Path) -> usize) -> Result<(), ConfigError> {
    let path = |index: usize| Path::root().key("blocked").index(index);
    for (index, block) in config.blocked.iter().enumerate() {
        if block.reason.trim().is_empty() {
            let path = path(index).key("reason");
            let message = format!("`{path}` is empty; {} needs a reason", block.subject());
            let hint = "say why, for those who read it in a year";
            return Err(ConfigError::new(line(&path), message, hint));
        }
        let same =
            |other: &&crate::policy::Block| other.version == block.version && other.os == block.os;
        if let Some(first) = config.blocked[..index]
            .iter()
            .position(|other| same(&other))
        {
            let message = format!(
                "{} is blocked twice; first on line {}",
                block.subject(),
                line(&path(first))
            );
            return Err(ConfigError::new(
                line(&path(index)),
                message,
                "leave one of the two",
            ));
        }
    }
    Ok(())
}

fn check_pins(config: &Config, line: impl Fn(&Path) -> usize) -> Result<(), ConfigError> {
    let path = |index: usize| Path::root().key("pinned").index(index);
    for (index, pin) in config.pinned.iter().enumerate() {
        let at = line(&path(index));
        let version = pin.version;
        if let Some(block) = config.find_whole_block(version) {
            let path = Path::root().key("blocked").index(block);
            let message = format!("{version} is pinned, and blocked on line {}", line(&path));
            let hint = format!("csctl-matrix unpin {version}, or csctl-matrix unblock {version}");
            return Err(ConfigError::new(at, message, hint));
        }
        let same =
            |other: &Pin| other.version.minor() == version.minor() && other.stack == pin.stack;
        if let Some(first) = config.pinned[..index].iter().position(same) {
            let message = format!(
                "{version} is pinned, and {} of the same minor on line {}",
                config.pinned[first].version,
                line(&path(first))
            );
            return Err(ConfigError::new(at, message, "leave one of the two"));
        }
        let own = pin
            .stack
            .as_ref()
            .and_then(|title| config.stacks.get(title));
        let minors = own.and_then(|own| own.minors.as_ref());
        if let Some(minors) = minors.or(config.minors.as_ref())
            && !minors.contains(version.minor())
        {
            let message = format!("{version} is pinned, and `minors` is {minors}");
            let hint = "add its minor to `minors`, or remove the pin";
            return Err(ConfigError::new(at, message, hint));
        }
    }
    Ok(())
}

fn check_urls(config: &Config, line: impl Fn(&Path) -> usize) -> Result<(), ConfigError> {
    let mut urls: Vec<(Path, &str)> = Vec::new();
    for (index, mirror) in config.mirrors.iter().enumerate() {
        let path = Path::root().key("mirrors").index(index);
        urls.push((path.clone().key("from"), &mirror.from));
        urls.push((path.key("to"), &mirror.to));
    }
    let sources = Path::root().key("sources");
    for (key, url) in [
        ("kubernetes", &config.sources.kubernetes),
        ("endOfLife", &config.sources.end_of_life),
    ] {
        urls.extend(url.as_deref().map(|url| (sources.clone().key(key), url)));
    }
    let vulnerabilities = sources.key("vulnerabilities");
    let wanted = &config.sources.vulnerabilities;
    let records = wanted.records.as_deref();
    for (key, url) in [("feed", wanted.feed_url()), ("records", records)] {
        urls.extend(url.map(|url| (vulnerabilities.clone().key(key), url)));
    }
    for (path, url) in urls {
        let parsed = url::Url::parse(url).ok();
        let is_web = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let message = match parsed.filter(is_web) {
            Some(url) if url.username().is_empty() && url.password().is_none() => continue,
            // The value is not repeated: it may be a secret.
            Some(_) => format!("`{path}` carries a user name or a password"),
            None => format!("`{path}`: `{}` is no URL", without_user(url)),
        };
        let hint = "write it with https:// or http://, and without a user name";
        return Err(ConfigError::new(line(&path), message, hint));
    }
    Ok(())
}

/// Returns a text without what may be a user name and a password before a host.
fn without_user(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or(text)
}

impl Config {
    /// Finds the block of all images of a version.
    fn find_whole_block(&self, version: crate::version::KubernetesVersion) -> Option<usize> {
        let mut blocks = self.blocked.iter();
        blocks.position(|block| block.version == version && block.os.is_none())
    }
}

/// The fault of a pin whose last day has passed.
pub(super) fn expired(pin: &Pin, line: usize) -> ConfigError {
    let version = pin.version;
    let stack = pin.stack.as_ref().map(|stack| format!(" --stack {stack}"));
    let stack = stack.unwrap_or_default();
    ConfigError::new(
        line,
        format!("{version} is pinned until {}, which has passed", pin.until),
        format!(
            "csctl-matrix unpin {version}{stack}, or csctl-matrix pin {version}{stack} --until DATE"
        ),
    )
}

/// Checks that a stack exists.
pub(super) fn known_stack(
    title: &str,
    titles: &[String],
    line: impl Fn() -> usize,
) -> Result<(), ConfigError> {
    if titles.iter().any(|known| known == title) {
        return Ok(());
    }
    let near = find_nearest(title, titles.iter().map(String::as_str));
    let meant = near.map(|near| format!("; did you mean `{near}`?"));
    Err(ConfigError::new(
        line(),
        format!("no cluster stack `{title}`{}", meant.unwrap_or_default()),
        format!("there are {}", titles.join(", ")),
    ))
}
