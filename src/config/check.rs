//! Checks what a configuration means: ranges, and decisions that contradict each other. The first fault is told, with its line.

use std::collections::BTreeSet;

use super::{Config, ConfigError, line_at};
use crate::catalog::ImagePattern;
use crate::policy::{Block, Minors, Pin};
use crate::spelling::did_you_mean;
use crate::version::{KubernetesVersion, OsRelease};
use crate::yaml::{Node, Path};

const REMOVE_ONE: &str = "remove one of the two";

pub(super) fn check(config: &Config, root: &Node) -> Result<(), ConfigError> {
    let top = Path::root();
    check_minors(config.minors.as_ref(), &top, root)?;
    check_os(config.os.as_deref(), &top, root)?;
    for (title, own) in &config.stacks {
        let path = Path::root().key("stacks").key(title.as_str());
        check_minors(own.minors.as_ref(), &path, root)?;
        check_os(own.os.as_deref(), &path, root)?;
    }
    check_blocks(&config.blocked, root)?;
    check_pins(config, root)?;
    check_urls(config, root)?;
    super::gate::check(&config.gate, root)?;
    for (index, branch) in config.branches.iter().enumerate() {
        let path = Path::root().key("branches").index(index);
        check_minors(branch.minors.as_ref(), &path, root)?;
    }
    Ok(())
}

fn check_minors(minors: Option<&Minors>, path: &Path, root: &Node) -> Result<(), ConfigError> {
    let Some(fault) = minors.and_then(Minors::find_fault) else {
        return Ok(());
    };
    let hint = "write a list such as [\"1.33\", \"1.34\"], or {from: \"1.33\", to: \"1.35\"}";
    Err(ConfigError::at(
        root,
        &path.clone().key("minors"),
        fault,
        hint,
    ))
}

fn check_os(os: Option<&[OsRelease]>, path: &Path, root: &Node) -> Result<(), ConfigError> {
    let Some(os) = os else { return Ok(()) };
    let mut seen = BTreeSet::new();
    let fault = match os.iter().find(|os| !seen.insert(*os)) {
        Some(twice) => format!("lists {twice} twice"),
        None if os.is_empty() => "is empty".to_owned(),
        None => return Ok(()),
    };
    let hint = "write a list such as [ubuntu-2404], or remove the key to allow any";
    Err(ConfigError::at(root, &path.clone().key("os"), fault, hint))
}

fn check_blocks(blocked: &[Block], root: &Node) -> Result<(), ConfigError> {
    for (index, block) in blocked.iter().enumerate() {
        if block.reason.trim().is_empty() {
            let path = entry("blocked", index).key("reason");
            let fault = format!("is empty; {} needs a reason", block.subject());
            return Err(ConfigError::at(root, &path, fault, "say why it is blocked"));
        }
        let first = blocked[..index]
            .iter()
            .position(|other| other.version == block.version && other.os == block.os);
        if let Some(first) = first {
            let message = format!(
                "{} is blocked twice, first on line {}",
                block.subject(),
                line_at(root, &entry("blocked", first))
            );
            let line = line_at(root, &entry("blocked", index));
            return Err(ConfigError::new(line, message, REMOVE_ONE));
        }
    }
    Ok(())
}

fn check_pins(config: &Config, root: &Node) -> Result<(), ConfigError> {
    for (index, pin) in config.pinned.iter().enumerate() {
        let line = line_at(root, &entry("pinned", index));
        let version = pin.version;
        if let Some(block) = config.find_whole_block(version) {
            let other = line_at(root, &entry("blocked", block));
            let message = format!("{version} is pinned, but blocked on line {other}");
            let hint =
                format!("run `csctl-matrix unpin {version}` or `csctl-matrix unblock {version}`");
            return Err(ConfigError::new(line, message, hint));
        }
        // A minor has one default in a stack, so that two pins of it cannot both hold.
        let first = config.pinned[..index]
            .iter()
            .position(|other| other.version.minor() == version.minor() && other.stack == pin.stack);
        if let Some(first) = first {
            let message = format!(
                "{version} is pinned, but so is {} of the same minor on line {}",
                config.pinned[first].version,
                line_at(root, &entry("pinned", first))
            );
            return Err(ConfigError::new(line, message, REMOVE_ONE));
        }
        if let Some(minors) = config.minors_of(pin.stack.as_deref())
            && !minors.contains(version.minor())
        {
            let message = format!("{version} is pinned, but `minors` is {minors}");
            let hint = "add its minor to `minors`, or remove the pin";
            return Err(ConfigError::new(line, message, hint));
        }
    }
    Ok(())
}

fn entry(key: &str, index: usize) -> Path {
    Path::root().key(key).index(index)
}

fn check_urls(config: &Config, root: &Node) -> Result<(), ConfigError> {
    let mut urls: Vec<(Path, Option<&str>)> = Vec::new();
    for (index, mirror) in config.mirrors.iter().enumerate() {
        let path = entry("mirrors", index);
        urls.push((path.clone().key("from"), Some(&mirror.from)));
        urls.push((path.key("to"), Some(&mirror.to)));
    }
    // A user name in a pattern would go into every file that gets an image's URL.
    let pattern = config.image_store.pattern.as_ref();
    let pattern = pattern.filter(|pattern| !pattern.is_container_image());
    urls.push((
        Path::root().key("imageStore").key("pattern"),
        pattern.map(ImagePattern::as_str),
    ));
    let sources = Path::root().key("sources");
    let vulnerabilities = sources.clone().key("vulnerabilities");
    let wanted = &config.sources;
    urls.extend([
        (
            sources.clone().key("kubernetes"),
            wanted.kubernetes.as_deref(),
        ),
        (sources.key("endOfLife"), wanted.end_of_life.as_deref()),
        (
            vulnerabilities.clone().key("feed"),
            wanted.vulnerabilities.feed_url(),
        ),
        (
            vulnerabilities.key("records"),
            wanted.vulnerabilities.records.as_deref(),
        ),
    ]);
    for (path, url) in urls {
        let Some(fault) = url.and_then(|url| url_fault(&path, url)) else {
            continue;
        };
        let hint = "use an http:// or https:// URL without a user name";
        return Err(ConfigError::new(line_at(root, &path), fault, hint));
    }
    Ok(())
}

fn url_fault(path: &Path, text: &str) -> Option<String> {
    // Placeholders may stand in the name of a host.
    let url = url::Url::parse(&text.replace(['{', '}'], "")).ok();
    let web = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match web {
        None => Some(format!("invalid URL `{}` for `{path}`", without_user(text))),
        Some(url) if url.username().is_empty() && url.password().is_none() => None,
        // The value is not repeated: it may be a secret.
        Some(_) => Some(format!("`{path}` contains a user name or a password")),
    }
}

/// Returns a text without what may be a user name and a password before a host.
fn without_user(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or(text)
}

impl Config {
    /// Finds the block of all images of a version.
    fn find_whole_block(&self, version: KubernetesVersion) -> Option<usize> {
        self.blocked
            .iter()
            // A block of one image leaves the version to its others, so that a pin of it can hold.
            .position(|block| block.version == version && block.os.is_none())
    }

    /// Returns the minors that a stack looks at: its own, else those of the file.
    fn minors_of(&self, title: Option<&str>) -> Option<&Minors> {
        let own = title.and_then(|title| self.stacks.get(title));
        own.and_then(|own| own.minors.as_ref())
            .or(self.minors.as_ref())
    }
}

/// The fault of a pin whose last day has passed.
pub(super) fn expired(pin: &Pin, line: usize) -> ConfigError {
    let version = pin.version;
    let stack = pin.stack.as_ref();
    let of_stack = stack.map_or_else(String::new, |stack| format!(" --stack {stack}"));
    ConfigError::new(
        line,
        format!("the pin of {version} ended on {}", pin.until),
        format!(
            "run `csctl-matrix unpin {version}{of_stack}` or `csctl-matrix pin {version}{of_stack} --until DATE`"
        ),
    )
}

pub(super) fn check_stack(title: &str, titles: &[String], line: usize) -> Result<(), ConfigError> {
    if titles.iter().any(|known| known == title) {
        return Ok(());
    }
    let meant = did_you_mean(title, titles.iter().map(String::as_str));
    Err(ConfigError::new(
        line,
        format!("no cluster stack `{title}`{meant}"),
        format!("there are {}", titles.join(", ")),
    ))
}
