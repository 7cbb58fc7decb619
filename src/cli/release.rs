//! The command line of `release`.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::credentials::Given;
use super::environment::{default_cache, docker_config, program_path, variable};
use super::options::{Query, QueryArgs};
use super::promotion::PromotionArgs;
use super::pull_requests::parse_repository;
use super::registry::{LoginArgs, RegistryArgs};
use super::{Call, examples};
use crate::command::release::ReleaseFormat;
use crate::command::release::build::{BuildRequest, Existing};
use crate::command::release::list::ListRequest;
use crate::command::release::make::{MakeRequest, WantedMode};
use crate::command::release::next::NextRequest;
use crate::command::release::notes::{NotesFormat, NotesRequest};
use crate::command::release::publish::{Attesting, PublishRequest, Signing, Tagging, Wanted};
use crate::command::release::verify::{ReleaseAt, VerifyRequest};
use crate::command::{self, Format, Outcome};
use crate::error::CommandError;
use crate::io::forge::{ForgeSettings, GITHUB_API};
use crate::io::http::{HttpSettings, Mirror};
use crate::io::oci::{Reference, SCHEME};
use crate::io::release_place::ReleasePlace;
use crate::release::{LineFilter, Versions};
use crate::version::{Minor, StackVersion};

/// The moment that builds are to take for theirs (reproducible-builds.org).
const MOMENT: &str = "SOURCE_DATE_EPOCH";

#[derive(Debug, Subcommand)]
#[command(after_help = examples!(
    "# Build a release and check it as the operator would
  $ csctl-matrix release build openstack/scs2
  $ csctl-matrix release verify .release/openstack-scs2-1-34-v0-sha-azlfam7"
))]
pub(super) enum ReleaseCommand {
    /// List what is published: in a registry, among GitHub's releases, and among the tags of the clone
    List(ListArgs),
    /// Show what the next release of each stack line is, and why
    Next(Box<NextArgs>),
    /// Say what changed since the last release of each stack line, for people who run clusters
    Notes(Box<NotesArgs>),
    /// Build release directories, byte for byte the same from the same commit
    Build(Box<BuildArgs>),
    /// Publish releases in an OCI registry, and tag their commits; one that is there already is never changed
    Publish(Box<PublishArgs>),
    /// Check a release directory as the operator, its OpenStack provider and Helm do; exit with 3 if they would refuse it
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Build a release that is named after its content
  $ csctl-matrix release build openstack/scs2

  # Build another minor of its versions.yaml, from a tag
  $ csctl-matrix release build openstack/scs2 --minor 1.33 --rev v2026.05

  # Build the release after one that was published
  $ csctl-matrix release build openstack/scs2 --mode stable --last releases/openstack-scs2-1-34-v3

  # Show what would be built
  $ csctl-matrix release build --mode git --dry-run"
))]
pub(super) struct BuildArgs {
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    versions: VersionArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Download charts that the stack asks for and does not have into the release, so that clusters need no network for them
    #[arg(long)]
    vendor: bool,
    #[command(flatten)]
    output: OutputArgs,
    /// Build files that have uncommitted changes, too
    #[arg(long)]
    allow_dirty: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: ReleaseFormat,
}

/// Where the versions come from.
#[derive(Debug, Args)]
struct VersionArgs {
    /// Where the versions come from [default: hash; stable where something is published]
    #[arg(short, long, value_enum, help_heading = VERSIONS)]
    mode: Option<ModeName>,
    /// Directory of the last published release, which the mode `stable` goes up from [default: what --repository has]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, conflicts_with = "first", help_heading = VERSIONS)]
    last: Option<PathBuf>,
    /// The stack line has no published release yet
    #[arg(long, help_heading = VERSIONS)]
    first: bool,
    /// Version of the release and its cluster class, for the mode `custom`
    #[arg(long, value_name = "VERSION", help_heading = VERSIONS)]
    cluster_stack_version: Option<StackVersion>,
    /// Version of the cluster addons, for the mode `custom` [default: that of the release]
    #[arg(long, value_name = "VERSION", requires = "cluster_stack_version", help_heading = VERSIONS)]
    cluster_addon_version: Option<StackVersion>,
    /// Version of the node images, for the mode `custom` [default: that of the release]
    #[arg(long, value_name = "VERSION", requires = "cluster_stack_version", help_heading = VERSIONS)]
    node_image_version: Option<StackVersion>,
}

/// Where release directories are written.
#[derive(Debug, Args)]
struct OutputArgs {
    /// Directory to make release directories in
    #[arg(short, long, value_name = "DIR", default_value = ".release", value_hint = clap::ValueHint::DirPath)]
    output: PathBuf,
    /// Replace a release directory that has other files
    #[arg(long)]
    force: bool,
    /// Show what would be built and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// The heading of the options about versions.
const VERSIONS: &str = "Versions";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeName {
    /// The content: v0-sha.azlfam7
    Hash,
    /// The last published release: each component goes up when its content changed
    Stable,
    /// As --cluster-stack-version and the options beside it say
    Custom,
    /// The commit: v0-git.4b2b59b
    Git,
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Check a release before it is published
  $ csctl-matrix release verify .release/openstack-scs2-1-34-v3

  # Check one that is published
  $ csctl-matrix release verify oci://registry.example.org/team/cluster-stacks:openstack-scs2-1-34-v3"
))]
pub(super) struct VerifyArgs {
    /// Directory of the release, or `oci://REGISTRY/REPOSITORY:TAG`
    // Not `directory`, which is the name of `-C` in every command.
    #[arg(value_name = "DIR|REFERENCE", value_hint = clap::ValueHint::DirPath)]
    release: PathBuf,
    /// Tag of the release [default: the name of the directory, or that of the reference]
    #[arg(long, value_name = "TAG", value_parser = NonEmptyStringValueParser::new())]
    tag: Option<String>,
    #[command(flatten)]
    login: LoginArgs,
    /// Replace URL prefix FROM with TO (repeatable)
    #[arg(long = "mirror", value_name = "FROM=TO")]
    mirrors: Vec<Mirror>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: ReleaseFormat,
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# List the releases of a registry and of this clone
  $ csctl-matrix release list --repository oci://registry.example.org/team/cluster-stacks

  # List those of one stack as Markdown, with GitHub's releases
  $ csctl-matrix release list scs2 --github SovereignCloudStack/cluster-stacks --format markdown"
))]
pub(super) struct ListArgs {
    /// Stacks to list, by name (scs2), provider and name (openstack/scs2) or stack line (openstack-scs2-1-34) [default: all]
    #[arg(value_name = "STACK", value_parser = NonEmptyStringValueParser::new())]
    stacks: Vec<String>,
    /// Limit to this Kubernetes minor, such as 1.34
    #[arg(long, value_name = "MINOR")]
    minor: Option<Minor>,
    #[command(flatten)]
    registry: RegistryArgs,
    /// List the releases of this repository of GitHub, too
    #[arg(long, value_name = "OWNER/NAME", value_parser = parse_repository, help_heading = "GitHub")]
    github: Option<String>,
    /// Base URL of the GitHub API; the token is sent there [default: that of `GITHUB_API_URL`, else GitHub's own]
    #[arg(long, value_name = "URL", requires = "github", help_heading = "GitHub")]
    api: Option<String>,
    /// Replace URL prefix FROM with TO (repeatable)
    #[arg(long = "mirror", value_name = "FROM=TO")]
    mirrors: Vec<Mirror>,
    /// Cache answers in this directory [default: csctl-matrix in the user's cache directory]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    cache_dir: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl ListArgs {
    fn request(self, call: &Call, given: Given) -> Result<ListRequest, CommandError> {
        let secrets = given.registry();
        let api = self.api.or_else(|| variable("GITHUB_API_URL"));
        let forge = match self.github.as_deref().and_then(|full| full.split_once('/')) {
            Some((owner, name)) => Some(ForgeSettings {
                base: api.unwrap_or_else(|| GITHUB_API.to_owned()),
                ..ForgeSettings::new(owner, name, given.credentials()?)
            }),
            None => None,
        };
        Ok(ListRequest {
            directory: call.directory.clone(),
            registry: self.registry.read(secrets)?,
            forge,
            http: HttpSettings {
                cache_dir: self.cache_dir.or_else(default_cache),
                mirrors: self.mirrors.into_iter().collect(),
                docker_config: docker_config(),
                progress: true,
                ..HttpSettings::default()
            },
            filter: LineFilter {
                stacks: self.stacks,
                minor: self.minor,
            },
            format: self.format,
        })
    }
}

impl ReleaseCommand {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        let given = Given::read()?;
        match self {
            Self::List(args) => command::release::list::run(&args.request(call, given)?),
            Self::Next(args) => command::release::next::run(&args.request(call, &given)?),
            Self::Notes(args) => command::release::notes::run(&args.request(call, &given)?),
            Self::Build(args) => command::release::build::run(&args.request(call, &given)?),
            Self::Publish(args) => command::release::publish::run(&args.request(call, given)?),
            Self::Verify(args) => command::release::verify::run(&args.request(call, &given)?),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Show what would be released after what a registry has
  $ csctl-matrix release next --repository oci://registry.example.org/team/cluster-stacks

  # Show it after the newest tag of the clone
  $ csctl-matrix release next openstack/scs2"
))]
pub(super) struct NextArgs {
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Compare the stack with its charts downloaded, as a release that was built with --vendor has them
    #[arg(long)]
    vendor: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: ReleaseFormat,
}

impl NextArgs {
    fn request(self, call: &Call, given: &Given) -> Result<NextRequest, CommandError> {
        let registry = self.registry.read(given.registry())?;
        Ok(NextRequest {
            make: MakeRequest {
                mode: registry.map_or(WantedMode::StableTold, WantedMode::StableIn),
                // Nothing is made from it.
                allow_dirty: true,
                vendor: self.vendor,
                ..make_request(self.query.read(call, given))?
            },
            format: self.format,
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Say what the next release changes, after what a registry has
  $ csctl-matrix release notes openstack/scs2 --repository oci://registry.example.org/team/cluster-stacks

  # Write it into a changelog
  $ csctl-matrix release notes --changelog CHANGELOG.md"
))]
pub(super) struct NotesArgs {
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Directory of the last published release [default: what --repository has, else the newest tag of the clone]
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, conflicts_with = "repository")]
    last: Option<PathBuf>,
    /// Compare the stack with its charts downloaded, as a release that was built with --vendor has them
    #[arg(long)]
    vendor: bool,
    /// Write the notes of each line into this changelog, too; what people wrote there stays
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    changelog: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: NotesFormat,
}

impl NotesArgs {
    fn request(self, call: &Call, given: &Given) -> Result<NotesRequest, CommandError> {
        let mode = match self.last {
            Some(directory) => WantedMode::StableAfter(named_here(call, directory)),
            None => self
                .registry
                .read(given.registry())?
                .map_or(WantedMode::StableTold, WantedMode::StableIn),
        };
        Ok(NotesRequest {
            make: MakeRequest {
                mode,
                // Nothing is made from it.
                allow_dirty: true,
                vendor: self.vendor,
                ..make_request(self.query.read(call, given))?
            },
            changelog: self.changelog.map(|file| named_here(call, file)),
            format: self.format,
        })
    }
}

impl BuildArgs {
    fn request(self, call: &Call, given: &Given) -> Result<BuildRequest, CommandError> {
        let registry = self.registry.read(given.registry())?;
        let mode = self.versions.mode(call, ModeName::Hash, registry)?;
        Ok(BuildRequest {
            make: MakeRequest {
                mode,
                allow_dirty: self.allow_dirty,
                vendor: self.vendor,
                ..make_request(self.query.read(call, given))?
            },
            output: named_here(call, self.output.output),
            existing: if self.output.force {
                Existing::Replace
            } else {
                Existing::Keep
            },
            dry_run: self.output.dry_run,
            format: self.format,
        })
    }
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Publish the next release of a stack
  $ csctl-matrix release publish openstack/scs2 --repository oci://registry.example.org/team/cluster-stacks

  # Show what would be published
  $ csctl-matrix release publish --dry-run

  # Publish a release that was built before
  $ csctl-matrix release publish --from .release/openstack-scs2-1-34-v4

  # Publish from a job, once the head of the default branch is green
  $ csctl-matrix release publish --require-checks SovereignCloudStack/cluster-stacks --wait 30m"
))]
pub(super) struct PublishArgs {
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    versions: VersionArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Publish the release in this directory, which `release build` or csctl has made; it is verified first
    #[arg(
        long,
        value_name = "DIR",
        value_hint = clap::ValueHint::DirPath,
        conflicts_with_all = ["stacks", "minor", "rev", "mode", "last", "first", "cluster_stack_version", "vendor", "allow_dirty", "require_checks"]
    )]
    from: Option<PathBuf>,
    /// Download charts that the stack asks for and does not have into the release, so that clusters need no network for them
    #[arg(long)]
    vendor: bool,
    /// Publish files that have uncommitted changes, too; the commit gets no tag then
    #[arg(long)]
    allow_dirty: bool,
    #[command(flatten)]
    promotion: PromotionArgs,
    #[command(flatten)]
    effect: EffectArgs,
    #[command(flatten)]
    proof: ProofArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: ReleaseFormat,
}

/// What publishing does.
#[derive(Debug, Args)]
struct EffectArgs {
    /// Do not tag the commit
    #[arg(long)]
    no_git_tag: bool,
    /// Show what would be published and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// What goes along with a release.
#[derive(Debug, Args)]
struct ProofArgs {
    /// Publish releases alone: no provenance, and no list of their node images and charts
    #[arg(long)]
    no_attestations: bool,
    /// Sign releases with cosign, which has to be installed, before they get their tags
    #[arg(long)]
    sign: bool,
    /// Key that cosign signs with: a file, or a reference such as `env://NAME` or that of a key service [default: the identity of the job]
    #[arg(long, value_name = "KEY", requires = "sign", value_parser = NonEmptyStringValueParser::new())]
    sign_key: Option<String>,
}

impl PublishArgs {
    fn request(self, call: &Call, given: Given) -> Result<PublishRequest, CommandError> {
        let Some(registry) = self.registry.read(given.registry())? else {
            let message = "no registry was named to publish in";
            return Err(CommandError::new(message).hinted(
                "name it with --repository oci://REGISTRY/REPOSITORY, or with OCI_REPOSITORY",
            ));
        };
        let mode = self
            .versions
            .mode(call, ModeName::Stable, Some(registry.clone()))?;
        let mut make = MakeRequest {
            mode,
            allow_dirty: self.allow_dirty,
            vendor: self.vendor,
            ..make_request(self.query.read(call, &given))?
        };
        let promotion = self.promotion.read(given, self.effect.dry_run)?;
        if promotion.is_some() && make.place.revision.is_none() {
            // What the checks have seen is published, and what they go by is read there too: not the files of the working directory.
            make.place.revision = Some("HEAD".to_owned());
        }
        Ok(PublishRequest {
            registry,
            promotion,
            // What is there now counts, not what was there the last time.
            http: HttpSettings {
                cache_dir: None,
                ..make.sources.http.clone()
            },
            what: match self.from {
                Some(directory) => Wanted::Directory(named_here(call, directory)),
                None => Wanted::Made(Box::new(make)),
            },
            tags: if self.effect.no_git_tag {
                Tagging::Leave
            } else {
                Tagging::Tag
            },
            signing: if self.proof.sign {
                Signing::Cosign {
                    path: program_path(),
                    key: self.proof.sign_key,
                }
            } else {
                Signing::Leave
            },
            attestations: if self.proof.no_attestations {
                Attesting::Leave
            } else {
                Attesting::Attest
            },
            dry_run: self.effect.dry_run,
            format: self.format,
        })
    }
}

impl VerifyArgs {
    fn request(self, call: &Call, given: &Given) -> Result<VerifyRequest, CommandError> {
        let text = self.release.to_string_lossy();
        let release = if text.starts_with(SCHEME) {
            let reference: Reference = text.parse().map_err(|error| {
                CommandError::new(format!("{text}: {error}"))
                    .hinted("release list has the tags of a repository")
            })?;
            let access = self
                .login
                .access(reference.repository(), given.registry())?;
            ReleaseAt::Registry {
                reference,
                access,
                http: Box::new(HttpSettings {
                    mirrors: self.mirrors.into_iter().collect(),
                    docker_config: docker_config(),
                    progress: true,
                    ..HttpSettings::default()
                }),
            }
        } else {
            ReleaseAt::Directory(named_here(call, self.release))
        };
        Ok(VerifyRequest {
            release,
            tag: self.tag,
            settings: given.command_settings(),
            format: self.format,
        })
    }
}

impl VersionArgs {
    /// Returns the mode that is asked for, else the usual one, with the registry that it may have to ask.
    fn mode(
        &self,
        call: &Call,
        usual: ModeName,
        registry: Option<ReleasePlace>,
    ) -> Result<WantedMode, CommandError> {
        let mode = self.mode.unwrap_or(usual);
        let is_custom = mode == ModeName::Custom;
        if !is_custom && self.cluster_stack_version.is_some() {
            let message = "--cluster-stack-version is for the mode custom";
            return Err(CommandError::new(message).hinted("add --mode custom"));
        }
        if mode != ModeName::Stable && (self.last.is_some() || self.first) {
            let message = "--last and --first are for the mode stable";
            return Err(CommandError::new(message).hinted("add --mode stable"));
        }
        Ok(match (mode, &self.last) {
            (ModeName::Hash, _) => WantedMode::Hash,
            (ModeName::Git, _) => WantedMode::Git,
            (ModeName::Stable, Some(directory)) => {
                WantedMode::StableAfter(named_here(call, directory.clone()))
            }
            (ModeName::Stable, None) if self.first => WantedMode::StableFirst,
            (ModeName::Stable, None) => {
                registry.map_or(WantedMode::StableUnknown, WantedMode::StableIn)
            }
            (ModeName::Custom, _) => {
                let Some(cluster_stack) = self.cluster_stack_version.clone() else {
                    let message = "the mode custom needs a version";
                    return Err(CommandError::new(message).hinted("add --cluster-stack-version v3"));
                };
                let cluster_addon = self.cluster_addon_version.as_ref();
                let node_image = self.node_image_version.as_ref();
                WantedMode::Custom(Versions {
                    cluster_addon: cluster_addon.unwrap_or(&cluster_stack).clone(),
                    node_image: node_image.unwrap_or(&cluster_stack).clone(),
                    cluster_stack,
                })
            }
        })
    }
}

fn make_request(query: Query) -> Result<MakeRequest, CommandError> {
    Ok(MakeRequest {
        place: query.place,
        sources: query.sources,
        selection: query.selection,
        mode: WantedMode::Hash,
        moment: moment()?,
        allow_dirty: false,
        vendor: false,
    })
}

/// Returns a path as it is told: what is named from here stays as it was named.
fn named_here(call: &Call, path: PathBuf) -> PathBuf {
    if call.directory == Path::new(".") {
        path
    } else {
        call.directory.join(path)
    }
}

/// Returns the moment that the environment asks for.
fn moment() -> Result<Option<Timestamp>, CommandError> {
    let Some(text) = variable(MOMENT) else {
        return Ok(None);
    };
    let seconds: Option<i64> = text.parse().ok();
    let moment = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    moment.map(Some).ok_or_else(|| {
        CommandError::new(format!("{MOMENT} is `{text}`"))
            .hinted("it is a number of seconds since 1970, as git log -1 --format=%ct prints it")
    })
}
