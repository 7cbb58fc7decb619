//! The command line: arguments and environment in, text and an exit status out. The types of the argument parser end here.
#![expect(
    clippy::disallowed_methods,
    reason = "the environment and the clock are read here, once"
)]

mod credentials;
mod decide;
mod print;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use self::credentials::Given;
use self::decide::DecideCommand;
use crate::command::catalog::CatalogRequest;
use crate::command::check::{CheckFormat, CheckRequest, FailOn};
use crate::command::doctor::DoctorRequest;
use crate::command::init::InitRequest;
use crate::command::node_images::NodeImagesRequest;
use crate::command::plan::PlanRequest;
use crate::command::pr::{Forge, ForgePlaces, Only, PrRequest};
use crate::command::show::ShowRequest;
use crate::command::test::TestRequest;
use crate::command::update::UpdateRequest;
use crate::command::{self, Format, Outcome, Place, World, quote};
use crate::config::{Config, TimeLimit};
use crate::error::CommandError;
use crate::io::forge::GITHUB_API;
use crate::io::http::{HttpSettings, Mirror};
use crate::plan::{Carried, Selection};
use crate::policy::{Addons, ChangeClass, EndOfLife, ImagesToList, Retention};
use crate::report::terminal::Form;
use crate::version::Minor;

/// Keep cluster-stack repositories in step with node images, Kubernetes patches and addon charts
#[derive(Debug, Parser)]
#[command(
    name = "csctl-matrix",
    version,
    max_term_width = 100,
    infer_subcommands = false
)]
struct Cli {
    /// Run in this directory; the repository is searched upwards from it
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        default_value = ".",
        hide_default_value = true
    )]
    directory: PathBuf,
    /// Colour the output
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the matrix: minors, patch images, addon charts, and what is missing
    Show(ShowArgs),
    /// Show what would change, why, and what is held back; write nothing
    Plan(PlanArgs),
    /// Write the plan into the working directory: all of its files, or none
    Update(UpdateArgs),
    /// Try the plan out in a scratch copy: built-in proofs, and the commands of `gate`; exit with 3 where it is not green
    Test(TestArgs),
    /// Find contradictions in the repository; exit with 3 where there are some
    Check(CheckArgs),
    /// Open, refresh and close the pull requests of the repository, unattended
    Pr(PrArgs),
    /// Look at everything that `pr` needs, and change nothing; exit with 3 where something is missing
    Doctor(DoctorArgs),
    /// Ask the sources what the world offers
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Write a first csctl-matrix.yaml, made of what the repository has
    Init {
        /// Print it, and write nothing
        #[arg(long)]
        print: bool,
    },
    #[command(flatten)]
    Decide(DecideCommand),
    /// Write node-images.yaml into a release directory, as csctl asks its provider plugins to
    CreateNodeImages(NodeImagesArgs),
    /// Print a completion script
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum CatalogCommand {
    /// Write what was seen to a file, which `--catalog` reads back
    Fetch {
        #[command(flatten)]
        query: QueryArgs,
        /// The file to write; `-` for standard output
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Show what the world offers
    Show {
        #[command(flatten)]
        query: QueryArgs,
        /// The form of the output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Which stacks of which state of the repository, against which world.
#[derive(Debug, Args)]
struct QueryArgs {
    /// Stacks by name (scs2), title (openstack/scs2), stack line or directory; all without any
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Look at this minor alone
    #[arg(long, value_name = "MINOR")]
    minor: Option<Minor>,
    /// Read this git revision instead of the working directory
    #[arg(long, value_name = "REVISION")]
    rev: Option<String>,
    #[command(flatten)]
    world: WorldArgs,
}

#[derive(Debug, Args)]
struct WorldArgs {
    /// Take the world from this file instead of asking anybody
    #[arg(long, value_name = "FILE", help_heading = "World")]
    catalog: Option<PathBuf>,
    /// Ask nobody; answer from the cache
    #[arg(long, help_heading = "World")]
    offline: bool,
    /// Ask TO where a URL begins with FROM (can be repeated)
    #[arg(long = "mirror", value_name = "FROM=TO", help_heading = "World")]
    mirrors: Vec<Mirror>,
    /// Download images that are not listed yet and compare them with their checksums; they have gigabytes
    #[arg(long, conflicts_with_all = ["catalog", "offline"], help_heading = "World")]
    verify_images: bool,
    /// Keep answers here [default: csctl-matrix in the user's cache directory]
    #[arg(long, value_name = "DIR", help_heading = "World")]
    cache_dir: Option<PathBuf>,
    /// Longest time to wait for all sources together, such as 30s or 5m; 0 for no limit. What `pr` asks of GitHub and git is not counted
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        help_heading = "World"
    )]
    timeout: Timeout,
    /// Take this day for today
    #[arg(long, value_name = "YYYY-MM-DD", help_heading = "World")]
    as_of: Option<Date>,
}

/// How long all sources may take together; nothing for as long as it takes.
#[derive(Debug, Clone, Copy)]
struct Timeout(Option<Duration>);

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "0" | "0s" | "0m" | "0h" => Ok(Self(None)),
            text => Ok(Self(Some(text.parse::<TimeLimit>()?.duration()))),
        }
    }
}

#[derive(Debug, Args)]
struct ShowArgs {
    #[command(flatten)]
    query: QueryArgs,
    /// Show every place that states a fact, with file and line
    #[arg(long)]
    references: bool,
    /// Show which values of this file are the stack's, and why the others are not
    #[arg(long, value_name = "FILE", conflicts_with = "references")]
    explain: Option<String>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Minors that are asked for by name.
#[derive(Debug, Args)]
struct MoveArgs {
    /// Set the source tree to this minor
    #[arg(long, value_name = "MINOR", conflicts_with_all = ["add", "minor"])]
    switch: Option<Minor>,
    /// Add this minor: a directory, or a row and entries of lists
    #[arg(long, value_name = "MINOR", conflicts_with = "minor")]
    add: Option<Minor>,
}

#[derive(Debug, Args)]
struct PlanArgs {
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    moves: MoveArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Exit with 3 when changes are pending, with 4 when something was held back and nothing is pending
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Args)]
struct UpdateArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Write over files with changes that are not committed
    #[arg(long)]
    allow_dirty: bool,
    /// Write stacks of which a person has to change a file by hand too
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    ending: EndingArgs,
}

/// How an interrupted update is ended, and nothing else done.
#[derive(Debug, Args)]
struct EndingArgs {
    /// Finish an interrupted update; files that were changed since are left alone and listed
    #[arg(long, conflicts_with_all = OF_A_PLAN, help_heading = "Interrupted update")]
    resume: bool,
    /// Roll an interrupted update back; files that were changed since are left alone and listed
    #[arg(long, conflicts_with_all = OF_A_PLAN, conflicts_with = "resume", help_heading = "Interrupted update")]
    abort: bool,
}

/// The arguments of `update` that say what to plan and write; those of a struct by its name.
const OF_A_PLAN: [&str; 10] = [
    "stacks",
    "minor",
    "rev",
    "WorldArgs",
    "MoveArgs",
    "PolicyArgs",
    "format",
    "exit_code",
    "allow_dirty",
    "partial",
];

#[derive(Debug, Args)]
struct TestArgs {
    #[command(flatten)]
    query: QueryArgs,
    #[command(flatten)]
    moves: MoveArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    query: QueryArgs,
    /// Apply this rule or group of rules alone (can be repeated)
    #[arg(long = "rule", value_name = "NAME", help_heading = "Rules")]
    only: Vec<String>,
    /// Apply this rule or group of rules too (can be repeated)
    #[arg(long = "with", value_name = "NAME", help_heading = "Rules")]
    with: Vec<String>,
    /// Leave this rule or group of rules out (can be repeated)
    #[arg(long = "skip", value_name = "NAME", help_heading = "Rules")]
    skip: Vec<String>,
    /// Check this release tag too, which the state is to have (can be repeated)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Write the repairs that `update` would make too
    #[arg(long)]
    fix: bool,
    /// Repair files with changes that are not committed
    #[arg(long, requires = "fix")]
    allow_dirty: bool,
    /// Exit with 3 from findings of this severity on
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "SEVERITY",
        help_heading = "Rules"
    )]
    fail_on: FailOn,
    /// List the rules and their groups
    #[arg(long, help_heading = "Rules")]
    list_rules: bool,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

#[derive(Debug, Args)]
struct PrArgs {
    /// Stacks by name (scs2), title (openstack/scs2), stack line or directory; all without any
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Look at the pull requests of one minor alone
    #[arg(long, value_name = "MINOR")]
    minor: Option<Minor>,
    /// Look at the pull requests of this class alone: new-patch, os-release, new-minor, removal, addons, repair (can be repeated)
    #[arg(long = "change", value_name = "CLASS")]
    changes: Vec<ChangeClass>,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    forge: ForgeArgs,
    /// Change nothing at the remote and say what would be done; commands of the gate are run
    #[arg(long)]
    dry_run: bool,
    /// Add the report to this file as Markdown too, as for a step summary
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Wait so many milliseconds between two requests that change something
    #[arg(long, value_name = "MS", default_value_t = 1000, hide = true)]
    write_pause: u64,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Where pull requests go.
#[derive(Debug, Args)]
struct ForgeArgs {
    /// Push to this URL instead of the remote `origin`
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// Work on this repository of GitHub, or of `GITHUB_SERVER_URL`, without a clone; what is needed is fetched into the cache directory
    #[arg(long, value_name = "OWNER/NAME", conflicts_with = "remote", value_parser = parse_repository)]
    repository: Option<String>,
    /// Base URL of GitHub's API; the token is sent there [default: that of the remote's host]
    #[arg(long, value_name = "URL")]
    api: Option<String>,
}

#[derive(Debug, Args)]
struct DoctorArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// Look at this URL instead of the remote `origin`
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// Base URL of GitHub's API; the token is sent there [default: that of the remote's host]
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Options that win over csctl-matrix.yaml.
#[derive(Debug, Args)]
struct PolicyArgs {
    /// Which patch images of a minor to list: all, newest, newest=N, from=VERSION
    #[arg(long, value_name = "LIST", help_heading = "Policy")]
    images: Option<ImagesToList>,
    /// What becomes of listed images that --images no longer names
    #[arg(long, value_name = "WHAT", value_parser = parse_word::<Retention>, help_heading = "Policy")]
    retention: Option<Retention>,
    /// Whether addon charts of the minor follow their newest version: follow, leave
    #[arg(long, value_name = "WHAT", value_parser = parse_word::<Addons>, help_heading = "Policy")]
    addons: Option<Addons>,
    /// What becomes of minors after their end of life: keep, drop, follow
    #[arg(long, value_name = "WHAT", value_parser = parse_word::<EndOfLife>, help_heading = "Policy")]
    end_of_life: Option<EndOfLife>,
    /// Make changes of this class alone: new-patch, os-release, new-minor, removal, addons, repair (can be repeated)
    #[arg(long = "change", value_name = "CLASS", help_heading = "Policy")]
    changes: Vec<ChangeClass>,
}

#[derive(Debug, Args)]
struct NodeImagesArgs {
    /// The cluster stack's directory
    stack_dir: PathBuf,
    /// The release directory
    release_dir: PathBuf,
    /// The registry to upload built images to; may be empty
    registry: Option<String>,
}

/// Reads one of a configuration key's words.
fn parse_word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|error| error.to_string())
}

/// Runs the program with these arguments, the first being its own name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let provider = arguments
        .first()
        .and_then(|name| plugin_provider(Path::new(name)));
    if let (Some(_), Some(name)) = (&provider, arguments.first_mut()) {
        *name = "csctl-matrix".into();
    }
    let words = Words::of(&arguments);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return print::usage(&error),
    };
    crate::io::ending::end_on_signals();
    let color = cli.color;
    let result = run(cli, provider, &words);
    print::outcome(result, color)
}

/// What of this command line the commands go on with that are named to people.
struct Words {
    /// The command line that writes what this one plans.
    update: String,
    /// The arguments that every command needs.
    carried: Carried,
}

impl Words {
    fn of(arguments: &[OsString]) -> Self {
        Self {
            update: update_command(arguments),
            carried: carried(&arguments[1.min(arguments.len())..]),
        }
    }
}

/// Returns the command line that writes what this one plans: the same arguments, but for those about the output.
fn update_command(arguments: &[OsString]) -> String {
    let mut words = vec!["csctl-matrix".to_owned()];
    let mut rest = arguments
        .iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy());
    let mut is_named = false;
    while let Some(argument) = rest.next() {
        match &*argument {
            "--format" => drop(rest.next()),
            "--exit-code" => {}
            text if text.starts_with("--format=") => {}
            "-C" | "--color" => {
                words.push(quote(&argument));
                words.extend(rest.next().map(|value| quote(&value)));
            }
            "plan" if !is_named => {
                is_named = true;
                words.push("update".to_owned());
            }
            _ => words.push(quote(&argument)),
        }
    }
    words.join(" ")
}

/// Options that say which repository is read and how its sources are seen; every command that is named to people needs them.
const CARRIED: [&str; 10] = [
    "--catalog",
    "--mirror",
    "--cache-dir",
    "--timeout",
    "--as-of",
    "--rev",
    "--images",
    "--retention",
    "--addons",
    "--end-of-life",
];

/// Returns the arguments of this run that commands named to people carry on.
fn carried(arguments: &[OsString]) -> Carried {
    let mut carried = Carried::default();
    let mut rest = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = rest.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => {
                (name.to_owned(), Some(value.to_owned()))
            }
            Some(_) | None => (argument, None),
        };
        if name == "-C" {
            let value = rest.next().unwrap_or_default();
            carried.before = format!(" -C {}", quote(&value));
        } else if name == "--offline" {
            carried.after.push_str(" --offline");
        } else if CARRIED.contains(&name.as_str()) {
            let value = value.or_else(|| rest.next()).unwrap_or_default();
            carried.after.extend([" ", &name, " ", &quote(&value)]);
        }
    }
    carried
}

/// Returns the provider that the program was called for, `openstack` for `csctl-openstack`.
fn plugin_provider(program: &Path) -> Option<String> {
    let name = program.file_stem()?.to_str()?.strip_prefix("csctl-")?;
    (name != "matrix").then(|| name.to_owned())
}

fn run(cli: Cli, provider: Option<String>, words: &Words) -> Result<Outcome, CommandError> {
    moment_of(SystemTime::now())?;
    let directory = cli.directory;
    match cli.command {
        Command::Show(args) => {
            let (place, world, selection) = query(args.query, directory, (words, &Given::read()?));
            if let Some(file) = &args.explain {
                return command::explain::run(&place, file, args.format);
            }
            command::show::run(&ShowRequest {
                place,
                world,
                selection,
                references: args.references,
                format: args.format,
            })
        }
        Command::Plan(args) => {
            let request = plan(args, directory, (words, &Given::read()?));
            command::plan::run(&request)
        }
        Command::Update(args) if args.ending.resume => command::unfinished::resume(&directory),
        Command::Update(args) if args.ending.abort => command::unfinished::abort(&directory),
        Command::Update(args) => command::update::run(&UpdateRequest {
            allow_dirty: args.allow_dirty,
            partial: args.partial,
            plan: plan(args.plan, directory, (words, &Given::read()?)),
        }),
        Command::Test(args) => {
            let request = test(args, directory, (words, &Given::read()?));
            command::test::run(&request)
        }
        Command::Pr(args) => command::pr::run(&pull_requests(args, directory, Given::read()?)?),
        Command::Doctor(args) => command::doctor::run(&doctor(args, directory, Given::read()?)?),
        Command::Check(args) if args.list_rules => Ok(command::check::list_rules()),
        Command::Check(args) => {
            let request = check(args, directory, (words, &Given::read()?));
            command::check::run(&request)
        }
        Command::Catalog(wanted) => catalog(wanted, directory, (words, &Given::read()?)),
        Command::Init { print } => command::init::run(&InitRequest::at(directory, print)),
        Command::Decide(decided) => command::decide::run(&decided.request(directory)),
        Command::CreateNodeImages(args) => {
            let below = |path: PathBuf| directory.join(path);
            let request = NodeImagesRequest {
                stack: below(args.stack_dir),
                release: below(args.release_dir),
                provider,
            };
            command::node_images::run(&request)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "csctl-matrix", &mut script);
            Ok(Outcome {
                data: String::from_utf8_lossy(&script).into_owned(),
                form: Form::Script,
                ..Outcome::default()
            })
        }
    }
}

fn catalog(
    wanted: CatalogCommand,
    directory: PathBuf,
    context: Context<'_>,
) -> Result<Outcome, CommandError> {
    let (args, format, output) = match wanted {
        CatalogCommand::Fetch { query, output } => (query, Format::Text, Some(output)),
        CatalogCommand::Show { query, format } => (query, format, None),
    };
    let (place, world, selection) = query(args, directory, context);
    let request = CatalogRequest {
        place,
        world,
        selection,
        format,
    };
    match output {
        Some(output) => command::catalog::fetch(&request, &output),
        None => command::catalog::show(&request),
    }
}

fn plan(args: PlanArgs, directory: PathBuf, context: Context<'_>) -> PlanRequest {
    let (place, world, mut selection) = query(args.query, directory, context);
    selection.switch_to = args.moves.switch;
    selection.add = args.moves.add;
    let options = Config {
        images: args.policy.images,
        retention: args.policy.retention,
        addons: args.policy.addons,
        end_of_life: args.policy.end_of_life,
        ..Config::default()
    };
    PlanRequest {
        place,
        world,
        selection,
        options,
        changes: args.policy.changes.into_iter().collect(),
        update_command: context.0.update.clone(),
        format: args.format,
        exit_code: args.exit_code,
    }
}

fn test(args: TestArgs, directory: PathBuf, context: Context<'_>) -> TestRequest {
    let planned = PlanArgs {
        query: args.query,
        moves: args.moves,
        policy: args.policy,
        format: args.format,
        exit_code: false,
    };
    TestRequest {
        plan: plan(planned, directory, context),
        settings: context.1.command_settings(),
    }
}

fn check(args: CheckArgs, directory: PathBuf, context: Context<'_>) -> CheckRequest {
    let (place, world, selection) = query(args.query, directory, context);
    CheckRequest {
        place,
        world,
        selection,
        only: args.only,
        with: args.with,
        skip: args.skip,
        tags: args.tags,
        fix: args.fix,
        allow_dirty: args.allow_dirty,
        fail_on: args.fail_on,
        fix_command: format!("{} --fix", context.0.update),
        format: args.format,
    }
}

fn world(args: WorldArgs, given: &Given) -> World {
    World {
        catalog: args.catalog,
        today: args.as_of.unwrap_or_else(today),
        is_today_asked: args.as_of.is_some(),
        verify_images: args.verify_images,
        http: HttpSettings {
            cache_dir: args.cache_dir.or_else(default_cache),
            mirrors: args.mirrors.into_iter().collect(),
            offline: args.offline,
            github_token: given.token().filter(|_| is_of_github()),
            sources_timeout: args.timeout.0,
            progress: true,
            ..HttpSettings::default()
        },
    }
}

fn pull_requests(
    args: PrArgs,
    directory: PathBuf,
    given: Given,
) -> Result<PrRequest, CommandError> {
    let author = variable("GIT_AUTHOR_NAME").zip(variable("GIT_AUTHOR_EMAIL"));
    let environment = variable("GITHUB_SERVER_URL").zip(variable("GITHUB_API_URL"));
    Ok(PrRequest {
        place: Place {
            directory,
            revision: None,
        },
        world: world(args.world, &given),
        only: Only {
            selection: Selection {
                stacks: args.stacks,
                ..Selection::default()
            },
            minor: args.minor,
            changes: args.changes.into_iter().collect(),
        },
        remote: args.forge.remote,
        forge: ForgePlaces {
            api: args.forge.api,
            repository: args.forge.repository,
            environment: environment.map(|(server, api)| Forge { server, api }),
        },
        settings: given.command_settings(),
        credentials: given.credentials()?,
        is_dry: args.dry_run,
        author,
        now: now(),
        write_pause: args.write_pause,
        summary: args.summary,
        format: args.format,
    })
}

/// Tells whether a token of the environment is one of GitHub itself: a job of another GitHub names its own API.
fn is_of_github() -> bool {
    let api = variable("GITHUB_API_URL");
    api.is_none_or(|api| api.trim_end_matches('/') == GITHUB_API)
}

/// Returns a variable of the environment; one that is empty is not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Reads `OWNER/NAME`, in the characters that GitHub knows.
fn parse_repository(text: &str) -> Result<String, String> {
    let is_name = |part: &str| {
        let is_known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(is_known)
    };
    match text.split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => {
            let name = name.strip_suffix(".git").unwrap_or(name);
            Ok(format!("{owner}/{name}"))
        }
        _ => Err("write OWNER/NAME, as SovereignCloudStack/cluster-stacks".to_owned()),
    }
}

fn doctor(
    args: DoctorArgs,
    directory: PathBuf,
    given: Given,
) -> Result<DoctorRequest, CommandError> {
    let pulls = PrArgs {
        stacks: Vec::new(),
        minor: None,
        changes: Vec::new(),
        world: args.world,
        forge: ForgeArgs {
            remote: args.remote,
            repository: None,
            api: args.api,
        },
        dry_run: true,
        summary: None,
        write_pause: 0,
        format: args.format,
    };
    Ok(DoctorRequest {
        pulls: pull_requests(pulls, directory, given)?,
        is_in_actions: std::env::var_os("GITHUB_ACTIONS").is_some_and(|text| text == "true"),
    })
}

/// The words of the command line, and what the environment gives.
type Context<'c> = (&'c Words, &'c Given);

fn query(
    args: QueryArgs,
    directory: PathBuf,
    (words, given): Context<'_>,
) -> (Place, World, Selection) {
    let world = world(args.world, given);
    let place = Place {
        directory,
        revision: args.rev,
    };
    let selection = Selection {
        stacks: args.stacks,
        minor: args.minor,
        carried: words.carried.clone(),
        ..Selection::default()
    };
    (place, world, selection)
}

/// The clock's day.
fn today() -> Date {
    now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// The clock's moment. No command begins with a clock that has none.
fn now() -> jiff::Timestamp {
    moment_of(SystemTime::now()).unwrap_or(jiff::Timestamp::MAX)
}

/// Returns the moment that a clock shows; `Timestamp::now` would panic beyond the year 9999.
fn moment_of(clock: SystemTime) -> Result<jiff::Timestamp, CommandError> {
    clock.try_into().map_err(|_| {
        CommandError::new("the system's clock is beyond the year 9999").hinted("set the clock")
    })
}

fn default_cache() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("csctl-matrix"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_next_command_takes_the_same_arguments() {
        let command = |text: &str| {
            let words: Vec<OsString> = text.split(' ').map(OsString::from).collect();
            update_command(&words)
        };
        assert_eq!(
            command("x -C plan plan scs2 --format json --exit-code"),
            "csctl-matrix -C plan update scs2"
        );
        assert_eq!(
            command("x plan --images newest=2 --mirror https://a/={b} --format=text"),
            "csctl-matrix update --images newest=2 --mirror 'https://a/={b}'"
        );
        assert_eq!(quote("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_clock_without_a_moment_is_an_error() {
        let year_40000 = SystemTime::UNIX_EPOCH + Duration::from_hours(333_000_000);
        let error = moment_of(year_40000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the system's clock is beyond the year 9999"
        );
        assert!(moment_of(SystemTime::UNIX_EPOCH).is_ok());
    }

    #[test]
    fn the_name_tells_the_provider() {
        assert_eq!(
            plugin_provider(Path::new("/usr/bin/csctl-openstack")),
            Some("openstack".to_owned())
        );
        assert_eq!(
            plugin_provider(Path::new("csctl-docker.exe")),
            Some("docker".to_owned())
        );
        assert_eq!(plugin_provider(Path::new("csctl-matrix")), None);
        assert_eq!(plugin_provider(Path::new("other")), None);
    }
}
