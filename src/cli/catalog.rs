//! The command line of `catalog`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::credentials::Given;
use super::options::{Query, QueryArgs};
use super::{Call, examples};
use crate::command::catalog::CatalogQuery;
use crate::command::{self, Format, Outcome};
use crate::error::CommandError;

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
}

#[derive(Debug, Args)]
#[command(after_help = examples!(
    "# Save what the sources offer
  $ csctl-matrix catalog fetch --output catalog.yaml

  # Print it
  $ csctl-matrix catalog fetch --output -"
))]
pub(super) struct FetchArgs {
    #[command(flatten)]
    query: QueryArgs,
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

impl CatalogCommand {
    pub(super) fn run(self, call: &Call) -> Result<Outcome, CommandError> {
        match self {
            Self::Fetch(args) => {
                let query = args.query.read(call, &Given::read()?);
                command::catalog::fetch(&request(query, Format::Text), &args.output)
            }
            Self::Show(args) => {
                let query = args.query.read(call, &Given::read()?);
                command::catalog::show(&request(query, args.format))
            }
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
