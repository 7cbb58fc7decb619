//! The command line: arguments and environment in, text and an exit status out. The types of the argument parser end here.

mod catalog;
mod check;
mod credentials;
mod decide;
mod environment;
mod manual;
mod next;
mod options;
mod plan;
mod print;
mod promotion;
mod pull_requests;
mod registry;
mod release;
mod screen;
mod setup;
mod shown_json;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use self::catalog::CatalogCommand;
use self::check::CheckArgs;
use self::decide::DecideCommand;
use self::manual::ManArgs;
use self::next::NextCommands;
use self::plan::{PlanArgs, ShowArgs, TestArgs, UpdateArgs};
use self::pull_requests::{DoctorArgs, PrArgs};
use self::release::ReleaseCommand;
use self::setup::{CompletionsArgs, InitArgs, NodeImagesArgs};
use crate::command::{self, Outcome};
use crate::error::CommandError;

/// The examples at the end of a help text, under a heading that looks like those of clap.
macro_rules! examples {
    ($text:literal) => {
        concat!("\u{1b}[1m\u{1b}[4mExamples:\u{1b}[0m\n  ", $text)
    };
}
use examples;

/// Keep cluster-stack repositories up to date with node images, Kubernetes patches and addon charts
#[derive(Debug, Parser)]
#[command(
    name = "csctl-matrix",
    version,
    max_term_width = 100,
    infer_subcommands = false,
    after_help = examples!(
        "# Show the stacks of this repository, and what is missing
  $ csctl-matrix show

  # Preview changes, then write them
  $ csctl-matrix plan
  $ csctl-matrix update

`csctl-matrix COMMAND --help` has the options and more examples of a command."
    )
)]
struct Cli {
    /// Run in this directory; the repository is searched upwards from it
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        default_value = ".",
        hide_default_value = true,
        value_hint = clap::ValueHint::DirPath
    )]
    directory: PathBuf,
    /// When to use colours; `NO_COLOR` turns `auto` off
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: Color,
    /// Print long output instead of showing it in a pager
    #[arg(long, global = true)]
    no_pager: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    /// Colour on a terminal
    Auto,
    /// Colour in pipes and files, too
    Always,
    /// No colour
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show minors, node images and addon charts of each stack, and what is missing
    Show(ShowArgs),
    /// Preview changes, with their reasons, and write nothing
    Plan(PlanArgs),
    /// Write the planned changes to the working tree: all files, or none
    Update(UpdateArgs),
    /// Test the planned changes in a scratch copy; exit with 3 if a test fails
    ///
    /// Runs the built-in proofs and the commands that csctl-matrix.yaml configures under `gate`.
    Test(TestArgs),
    /// Report contradictions in the repository; exit with 3 if there are any
    Check(CheckArgs),
    /// Open, refresh and close pull requests
    Pr(PrArgs),
    /// Check everything that `pr` needs, and change nothing; exit with 3 if something is missing
    Doctor(DoctorArgs),
    /// Query the sources for images, charts and releases
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Build releases of cluster stacks, and check them as the operator would
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Create csctl-matrix.yaml from what the repository contains
    Init(InitArgs),
    #[command(flatten)]
    Decide(DecideCommand),
    /// Write node-images.yaml into a release directory, as a provider plugin of csctl
    CreateNodeImages(NodeImagesArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write manual pages to a directory
    Man(ManArgs),
}

/// Whether output goes to a pager where it is longer than the terminal. What a command did is printed, as git prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paging {
    Long,
    Never,
}

/// What a command gets beside its own arguments.
struct Call {
    directory: PathBuf,
    /// The provider that csctl called its plugin for.
    provider: Option<String>,
    next: NextCommands,
}

/// Runs the program with these arguments, the first being its own name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let provider = arguments
        .first()
        .and_then(|name| plugin_provider(Path::new(name)));
    if let (Some(_), Some(name)) = (&provider, arguments.first_mut()) {
        // Usage, errors and suggested commands name the program that people can call.
        *name = "csctl-matrix".into();
    }
    let next = NextCommands::of(&arguments);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return print::usage(&error),
    };
    crate::io::ending::end_on_signals();
    let call = Call {
        directory: cli.directory,
        provider,
        next,
    };
    let paging = match cli.command {
        Command::Show(_) | Command::Plan(_) | Command::Check(_) if !cli.no_pager => Paging::Long,
        _ => Paging::Never,
    };
    print::outcome(run(cli.command, &call), cli.color, paging)
}

/// Returns the provider that the program was called for, `openstack` for `csctl-openstack`.
fn plugin_provider(program: &Path) -> Option<String> {
    let name = program.file_stem()?.to_str()?.strip_prefix("csctl-")?;
    (name != "matrix").then(|| name.to_owned())
}

fn run(command: Command, call: &Call) -> Result<Outcome, CommandError> {
    // Once for all, so that whoever asks for the day needs no error for it.
    environment::check_clock()?;
    match command {
        Command::Show(args) => args.run(call),
        Command::Plan(args) => args.run(call),
        Command::Update(args) => args.run(call),
        Command::Test(args) => args.run(call),
        Command::Check(args) => args.run(call),
        Command::Pr(args) => args.run(call),
        Command::Doctor(args) => args.run(call),
        Command::Catalog(wanted) => wanted.run(call),
        Command::Release(wanted) => wanted.run(call),
        Command::Init(args) => args.run(call),
        Command::Decide(decided) => command::decide::run(&decided.request(call)),
        Command::CreateNodeImages(args) => args.run(call),
        Command::Completions(args) => Ok(args.run()),
        Command::Man(args) => args.run(call),
    }
}

#[cfg(test)]
mod tests;
