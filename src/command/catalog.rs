//! `catalog fetch` and `catalog show`: what the world offers, into a file or onto the terminal.

use std::path::Path;

use super::{Format, Outcome, Place, Repository, World, to_json};
use crate::error::CommandError;
use crate::io::catalog::write_file;
use crate::plan::Selection;
use crate::report;

/// What to fetch or show.
#[derive(Debug, Clone)]
pub struct CatalogRequest {
    /// The repository whose sources are asked.
    pub place: Place,
    /// How the world is seen.
    pub world: World,
    /// Which stacks and which minor.
    pub selection: Selection,
    /// The form of the data.
    pub format: Format,
}

/// Asks the sources and writes what they said to a file.
pub fn fetch(request: &CatalogRequest, output: &Path) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.place)?;
    let selection = repository.select(request.selection.clone())?;
    let catalog = repository.look(&selection, &request.world)?;
    write_file(output, &catalog).map_err(CommandError::new)?;
    let summary = report::text::catalog_summary(&catalog);
    Ok(Outcome::of(
        format!("{} written: {summary}\n", output.display()),
        Format::Text,
    ))
}

/// Shows what the world offers.
pub fn show(request: &CatalogRequest) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.place)?;
    let selection = repository.select(request.selection.clone())?;
    let catalog = repository.look(&selection, &request.world)?;
    let data = match request.format {
        Format::Text => report::text::catalog(&catalog),
        Format::Markdown => report::markdown::catalog(&catalog),
        Format::Json => to_json(&catalog)?,
    };
    Ok(Outcome::of(data, request.format))
}
