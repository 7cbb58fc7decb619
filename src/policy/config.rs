//! The configuration file `csctl-matrix.yaml` at the root of a repository. All of it is optional and nothing is guessed: an
//! unknown key or a wrong value is an error, and then nothing runs.

use serde::Deserialize;

use super::{Addons, EndOfLife, ImageList, Policy, Retention, SiteConfig};
use crate::catalog::{ImagePattern, Listing};

/// The file's name, at the root of the repository.
pub const CONFIG_FILE: &str = "csctl-matrix.yaml";

/// What a configuration file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Which patch images of a minor are listed: `all`, `newest`, `newest=3`, `from=v1.34.4`.
    #[serde(default)]
    pub images: Option<ImageList>,
    /// What becomes of listed images that `images` no longer names: `trim` or `keep`.
    #[serde(default)]
    pub retention: Option<Retention>,
    /// Whether addon charts of the minor follow their newest version: `follow` or `leave`.
    #[serde(default)]
    pub addons: Option<Addons>,
    /// What becomes of minors after their end of life: `keep` or `drop`.
    #[serde(default)]
    pub end_of_life: Option<EndOfLife>,
    /// The image store, where the repository's URLs do not say it.
    #[serde(default)]
    pub image_store: ImageStoreConfig,
    /// URL prefixes and what stands in for them, for networks without a way out.
    #[serde(default)]
    pub mirrors: Vec<MirrorConfig>,
    /// Places in files that no rule of this program knows.
    #[serde(default)]
    pub sites: Vec<SiteConfig>,
}

/// The image store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageStoreConfig {
    /// The pattern of its URLs, with `{version}`, and `{minor}` and `{os}` where they occur.
    #[serde(default)]
    pub pattern: Option<ImagePattern>,
    /// Whether it can be listed: `none` or `s3`.
    #[serde(default)]
    pub listing: Listing,
}

/// A URL prefix and what stands in for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorConfig {
    /// The prefix as the repository writes it.
    pub from: String,
    /// What is asked instead.
    pub to: String,
}

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl Config {
    /// Reads a configuration file's text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            return Ok(Self::default());
        }
        serde_yaml::from_str(text).map_err(|error| ConfigError {
            line: error.location().map(|location| location.line()),
            message: strip_location(&error.to_string()),
        })
    }

    /// Returns the policy that this file and the options of one run make together; options win.
    pub fn policy(&self, options: &Self) -> Policy {
        Policy {
            images: options.images.or(self.images).unwrap_or_default(),
            retention: options.retention.or(self.retention).unwrap_or_default(),
            addons: options.addons.or(self.addons).unwrap_or_default(),
            end_of_life: options.end_of_life.or(self.end_of_life).unwrap_or_default(),
            changes: std::collections::BTreeSet::new(),
            places: None,
            maximum_image_age: None,
        }
    }
}

/// The parser ends its messages with the place, which the error carries by itself.
fn strip_location(message: &str) -> String {
    message
        .split(" at line ")
        .next()
        .unwrap_or(message)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_documents() {
        let text = "images: newest=3\nretention: keep\naddons: leave\nendOfLife: drop\nimageStore:\n  \
                    pattern: https://s/{os}-kube-v{version}.qcow2\n  listing: s3\nmirrors:\n- from: https://s/\n  to: http://m/\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.images, Some(ImageList::Newest(3)));
        assert_eq!(config.image_store.listing, Listing::S3);
        assert_eq!(config.mirrors[0].to, "http://m/");
        assert_eq!(Config::parse("# nothing yet\n").unwrap(), Config::default());
    }

    #[test]
    fn options_win_over_the_file() {
        let file = Config::parse("images: all\naddons: leave\n").unwrap();
        let options = Config {
            images: Some(ImageList::Newest(1)),
            ..Config::default()
        };
        let policy = file.policy(&options);
        assert_eq!(
            (policy.images, policy.addons),
            (ImageList::Newest(1), Addons::Leave)
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let unknown = Config::parse("images: all\nadons: leave\n").unwrap_err();
        assert_eq!(unknown.line, Some(2));
        assert!(
            unknown.message.contains("adons") && unknown.message.contains("addons"),
            "{unknown}"
        );
        let wrong = Config::parse("images: some\n").unwrap_err();
        assert!(
            wrong.message.contains("`some` is no list policy"),
            "{wrong}"
        );
    }
}
