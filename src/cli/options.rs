//! Options that several commands share.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::{
    NonEmptyStringValueParser, OsStringValueParser, PossibleValue, PossibleValuesParser,
    TypedValueParser,
};
use jiff::civil::Date;
use serde::de::DeserializeOwned;

use super::Call;
use super::credentials::Given;
use super::environment::{default_cache, docker_config, is_of_github, today};
use crate::command::{Place, SourceSettings};
use crate::config::{Config, TimeLimit};
use crate::io::catalog_place::CatalogPlace;
use crate::io::http::{HttpSettings, Mirror, SetUp};
use crate::plan::Selection;
use crate::policy::{Addons, ChangeClass, EndOfLife, ImagesToList, Retention};
use crate::version::Minor;

/// Headings that options stand under in help. `next_help_heading` would go on after the options of a struct.
const SOURCES: &str = "Sources";
const POLICY: &str = "Policy (overrides csctl-matrix.yaml)";

/// Which stacks, in which revision, and where facts come from.
#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// Stacks to read, by path, name (scs2), provider and name (openstack/scs2) or stack line (openstack-scs2-1-34)
    /// [default: those in the current directory]
    #[arg(
        value_name = "STACK",
        value_hint = clap::ValueHint::DirPath,
        value_parser = NonEmptyStringValueParser::new()
    )]
    stacks: Vec<String>,
    /// Limit to this Kubernetes minor, such as 1.34
    #[arg(long, value_name = "MINOR")]
    minor: Option<Minor>,
    /// Read this git revision instead of the working tree
    #[arg(long, value_name = "REVISION")]
    rev: Option<String>,
    #[command(flatten)]
    sources: SourceArgs,
}

/// What a query asks for.
pub(super) struct Query {
    pub(super) place: Place,
    pub(super) sources: SourceSettings,
    pub(super) selection: Selection,
}

impl QueryArgs {
    pub(super) fn read(self, call: &Call, given: &Given) -> Query {
        Query {
            place: Place {
                directory: call.directory.clone(),
                revision: self.rev,
            },
            sources: self.sources.read(given),
            selection: Selection {
                stacks: self.stacks,
                minor: self.minor,
                carried: call.next.carried.clone(),
                ..Selection::default()
            },
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    /// Use the catalog in this file, at this URL (URL#sha256=DIGEST for no other content) or in this registry
    /// (`oci://REGISTRY/REPOSITORY:TAG` or `@sha256:DIGEST`); query no source
    #[arg(
        long,
        value_name = "FILE|URL",
        value_hint = clap::ValueHint::FilePath,
        value_parser = OsStringValueParser::new().try_map(CatalogPlace::try_from),
        help_heading = SOURCES
    )]
    catalog: Option<CatalogPlace>,
    /// Use cached answers only
    #[arg(long, help_heading = SOURCES)]
    offline: bool,
    /// Ask again for images that a store did not have within the last day
    #[arg(long, conflicts_with_all = ["catalog", "offline"], help_heading = SOURCES)]
    refresh: bool,
    /// Replace URL prefix FROM with TO (repeatable)
    #[arg(long = "mirror", value_name = "FROM=TO", help_heading = SOURCES)]
    mirrors: Vec<Mirror>,
    /// Download images that are not listed yet, several gigabytes each, and verify their checksums
    #[arg(long, conflicts_with_all = ["catalog", "offline"], help_heading = SOURCES)]
    verify_images: bool,
    /// Cache answers in this directory [default: csctl-matrix in the user's cache directory]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, help_heading = SOURCES)]
    cache_dir: Option<PathBuf>,
    /// Maximum total time for all sources, such as 30s or 5m; 0 for no limit. Requests of `pr` to GitHub and git do not count
    #[arg(long, value_name = "TIME", default_value = "2m", help_heading = SOURCES)]
    timeout: Timeout,
    /// Use this date as today [default: the current date in UTC]
    #[arg(long, value_name = "YYYY-MM-DD", help_heading = SOURCES)]
    as_of: Option<Date>,
}

impl SourceArgs {
    pub(super) fn read(self, given: &Given) -> SourceSettings {
        let usual = HttpSettings::default();
        SourceSettings {
            catalog: self.catalog,
            today: self.as_of.unwrap_or_else(today),
            is_today_asked: self.as_of.is_some(),
            verify_images: self.verify_images,
            http: HttpSettings {
                cache_dir: self.cache_dir.or_else(default_cache),
                mirrors: self.mirrors.into_iter().collect(),
                offline: self.offline,
                absence_age: if self.refresh {
                    Duration::ZERO
                } else {
                    usual.absence_age
                },
                // Facts come from github.com, which must not see the token of another GitHub.
                github_token: given.token().filter(|_| is_of_github()),
                docker_config: docker_config(),
                sources_timeout: self.timeout.0,
                progress: true,
                ..usual
            },
            set_up: SetUp::default(),
        }
    }
}

/// How long all sources may take together; nothing for no limit.
#[derive(Debug, Clone, Copy)]
struct Timeout(Option<Duration>);

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            // `TimeLimit`, which the configuration shares, refuses zero.
            "0" | "0s" | "0m" | "0h" => Ok(Self(None)),
            text => Ok(Self(Some(text.parse::<TimeLimit>()?.duration()))),
        }
    }
}

/// Minors that are requested by name.
#[derive(Debug, Args)]
pub(super) struct MoveArgs {
    /// Move the source tree to this minor
    #[arg(long, value_name = "MINOR", conflicts_with_all = ["add", "minor"])]
    switch: Option<Minor>,
    /// Add this minor beside the existing ones: a directory, or a row and list entries
    #[arg(long, value_name = "MINOR", conflicts_with = "minor")]
    add: Option<Minor>,
}

impl MoveArgs {
    pub(super) fn apply_to(&self, selection: &mut Selection) {
        selection.switch_to = self.switch;
        selection.add = self.add;
    }
}

#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    /// Patch images to list for each minor: all, newest, newest=N or from=VERSION [default: all]
    #[arg(long, value_name = "IMAGES", help_heading = POLICY)]
    images: Option<ImagesToList>,
    /// What to do with listed images that --images no longer selects [default: trim]
    #[arg(long, value_name = "ACTION", value_parser = retention(), help_heading = POLICY)]
    retention: Option<Retention>,
    /// What to do with addon charts that belong to a minor [default: follow]
    #[arg(long, value_name = "ACTION", value_parser = addons(), help_heading = POLICY)]
    addons: Option<Addons>,
    /// What to do with minors after their end of life [default: keep]
    #[arg(long, value_name = "ACTION", value_parser = end_of_life(), help_heading = POLICY)]
    end_of_life: Option<EndOfLife>,
    /// Make only changes of this class (repeatable) [default: all]
    #[arg(long = "change", value_name = "CLASS", value_parser = change_class(), help_heading = POLICY)]
    changes: Vec<ChangeClass>,
}

/// What the command line says about policy.
pub(super) struct GivenPolicy {
    /// Options that override the configuration file.
    pub(super) options: Config,
    pub(super) changes: Vec<ChangeClass>,
}

impl PolicyArgs {
    pub(super) fn read(self) -> GivenPolicy {
        GivenPolicy {
            options: Config {
                images: self.images,
                retention: self.retention,
                addons: self.addons,
                end_of_life: self.end_of_life,
                ..Config::default()
            },
            changes: self.changes,
        }
    }
}

fn retention() -> impl TypedValueParser<Value = Retention> {
    choice([
        PossibleValue::new("trim").help("Remove them; the default version's image stays"),
        PossibleValue::new("keep").help("Keep them"),
    ])
}

fn addons() -> impl TypedValueParser<Value = Addons> {
    choice([
        PossibleValue::new("follow").help("Move to the newest version for the minor"),
        PossibleValue::new("leave").help("Leave them alone"),
    ])
}

fn end_of_life() -> impl TypedValueParser<Value = EndOfLife> {
    choice([
        PossibleValue::new("keep").help("Keep them as they are; skip new images and charts"),
        PossibleValue::new("drop").help("Remove them, unless a stack is set to one"),
        PossibleValue::new("follow").help("Keep updating them"),
    ])
}

pub(super) fn change_class() -> impl TypedValueParser<Value = ChangeClass> {
    choice([
        PossibleValue::new("new-patch").help("New patch images, and the default that moves to one"),
        PossibleValue::new("os-release").help("The same Kubernetes version in a rebuilt image"),
        PossibleValue::new("new-minor").help("Another minor"),
        PossibleValue::new("removal").help("Images or minors that leave"),
        PossibleValue::new("addons").help("Addon charts"),
        PossibleValue::new("repair").help("Values that contradict the stack's own versions"),
    ])
}

/// Parses one word of an enumeration that the configuration file reads, too.
fn choice<T>(words: impl IntoIterator<Item = PossibleValue>) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words)
        .try_map(|word| serde_json::from_value::<T>(serde_json::Value::String(word)))
}
