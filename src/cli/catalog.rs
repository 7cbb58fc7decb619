//! The command line of `catalog`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::credentials::Given;
use super::environment::docker_config;
use super::options::{Query, QueryArgs};
use super::{Call, examples};
use crate::command::catalog::CatalogQuery;
use crate::command::{self, Format, Outcome};
use crate::error::CommandError;
use crate::io::catalog_place::RegistryPlace;
use crate::io::http::{HttpSettings, Mirror};

#[derive(Debug, Subcommand)]
#[command(after_help = examples!(
    "# Save what the sources offer, and plan from it later
  $ csctl-matrix catalog fetch --output catalog.yaml
  $ csctl-matrix plan --catalog catalog.yaml"
))]
pub(super) enum CatalogCommand {
    /// Write what the sources offer to a file, for --catalog
    Fetch(FetchArgs),
    /// Show what the sources offer
    Show(CatalogShowArgs),
    /// Publish a catalog file in an OCI registry
    Push(PushArgs),
    /// Print what repositories need of their sources, for catalog fetch --request
    Request(RequestArgs),
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Save what the sources offer
  $ csctl-matrix catalog fetch --output catalog.yaml

  # Print it
  $ csctl-matrix catalog fetch --output -

  # Save what the sources offer to several repositories
  $ csctl-matrix catalog fetch --request stacks-a --request stacks-b --output catalog.yaml"
))]
pub(super) struct FetchArgs {
    #[command(flatten)]
    query: QueryArgs,
    /// Ask for what this needs: the directory of a repository, or a file that `catalog request` wrote (repeatable) [default: the repository here]
    #[arg(
        long = "request",
        value_name = "DIR|FILE",
        value_hint = clap::ValueHint::AnyPath,
        conflicts_with_all = ["stacks", "minor", "rev", "catalog"]
    )]
    requests: Vec<PathBuf>,
    /// File to write; `-` for standard output
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Show the images and charts for one minor
  $ csctl-matrix catalog show --minor 1.34

  # Show a catalog file
  $ csctl-matrix catalog show --catalog catalog.yaml --format json"
))]
pub(super) struct CatalogShowArgs {
    #[command(flatten)]
    query: QueryArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Write down what this repository needs
  $ csctl-matrix catalog request > request.yaml

  # Put together what several repositories need
  $ csctl-matrix catalog request stacks-a stacks-b team-c.yaml > organisation.yaml
  $ csctl-matrix catalog fetch --request organisation.yaml --output catalog.yaml"
))]
pub(super) struct RequestArgs {
    /// Directories of repositories, and files that this command wrote [default: the current directory]
    #[arg(value_name = "DIR|FILE", value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Publish a catalog, and plan from it
  $ csctl-matrix catalog push catalog.yaml oci://registry.example.org/team/catalog:daily
  $ csctl-matrix plan --catalog oci://registry.example.org/team/catalog:daily"
))]
pub(super) struct PushArgs {
    /// Catalog file
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Where to publish it: `oci://REGISTRY/REPOSITORY:TAG`
    #[arg(value_name = "REFERENCE")]
    place: RegistryPlace,
    /// Replace URL prefix FROM with TO (repeatable)
    #[arg(long = "mirror", value_name = "FROM=TO")]
    mirrors: Vec<Mirror>,
}

impl CatalogCommand {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        match self {
            Self::Fetch(args) => {
                let query = args.query.read(call, &Given::read()?);
                if !args.requests.is_empty() {
                    return command::catalog::fetch_requests(
                        &args.requests,
                        &query.sources,
                        &args.output,
                    );
                }
                command::catalog::fetch(&request(query, Format::Text), &args.output)
            }
            Self::Show(args) => {
                let query = args.query.read(call, &Given::read()?);
                command::catalog::show(&request(query, args.format))
            }
            Self::Push(args) => {
                let http = HttpSettings {
                    mirrors: args.mirrors.into_iter().collect(),
                    docker_config: docker_config(),
                    progress: true,
                    ..HttpSettings::default()
                };
                command::catalog::push(&args.file, &args.place, &http)
            }
            Self::Request(args) if args.paths.is_empty() => {
                command::catalog::request(std::slice::from_ref(&call.directory))
            }
            Self::Request(args) => command::catalog::request(&args.paths),
        }
    }
}

fn request(query: Query, format: Format) -> CatalogQuery {
    CatalogQuery {
        place: query.place,
        sources: query.sources,
        selection: query.selection,
        format,
    }
}
