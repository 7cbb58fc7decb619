//! `catalog fetch` and `catalog show`: what the sources offer, into a file or onto the terminal.

mod request;

use std::path::Path;

use super::unfinished::told;
use super::{Format, Outcome, Place, Repository, SourceSettings, block_on, to_json};
use crate::catalog::{Catalog, Unreachable};
use crate::error::CommandError;
use crate::io::catalog::{read_to_publish, to_text, write_file};
use crate::io::catalog_place::RegistryPlace;
use crate::io::http::HttpSettings;
use crate::plan::Selection;
use crate::report;
use crate::report::terminal::Form;

pub(crate) use request::{fetch_requests, request};

/// What to fetch or show.
#[derive(Debug, Clone)]
pub(crate) struct CatalogQuery {
    /// The repository whose sources are asked.
    pub place: Place,
    /// How sources are asked.
    pub sources: SourceSettings,
    /// Which stacks and which minor.
    pub selection: Selection,
    /// The form of the data.
    pub format: Format,
}

/// Asks the sources and writes what they said to a file, or to standard output where that is `-`. Where none answers, a file stays
/// as it is.
pub(crate) fn fetch(request: &CatalogQuery, output: &Path) -> Result<Outcome, CommandError> {
    told(&request.place, ask_and_write(request, output))
}

fn ask_and_write(request: &CatalogQuery, output: &Path) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.place)?;
    let selection = repository.select_here(request.selection.clone())?;
    let catalog = repository.look_at_all(&selection, &request.sources)?;
    write(&Written {
        catalog: &catalog,
        is_asked: request.sources.catalog.is_none(),
        output,
    })
}

/// A catalog that is to be written.
struct Written<'a> {
    catalog: &'a Catalog,
    /// Whether the sources were asked for it.
    is_asked: bool,
    output: &'a Path,
}

fn write(written: &Written<'_>) -> Result<Outcome, CommandError> {
    let Written {
        catalog, output, ..
    } = *written;
    if written.is_asked && catalog.is_silent() {
        return Err(no_answer(catalog, output));
    }
    let summary = report::text::catalog_summary(catalog);
    if output == Path::new(STANDARD_OUTPUT) {
        let text = to_text(catalog)
            .map_err(|error| CommandError::new(format!("cannot write the catalog: {error}")))?;
        return Ok(Outcome {
            data: text.into(),
            // `--catalog` reads it again, so nothing of it may be escaped.
            form: Form::Script,
            notices: vec![format!("catalog written: {summary}")],
            ..Outcome::default()
        });
    }
    write_file(output, catalog).map_err(CommandError::new)?;
    Ok(Outcome::of(
        format!("{} written: {summary}\n", output.display()),
        Format::Text,
    ))
}

/// The name of an output that is no file.
const STANDARD_OUTPUT: &str = "-";

/// A catalog without any answer must not take the place of one with some.
fn no_answer(catalog: &Catalog, output: &Path) -> CommandError {
    let failed: Vec<String> = catalog
        .unreachable
        .iter()
        .map(Unreachable::to_string)
        .collect();
    let end = if output.is_file() {
        format!("{} is unchanged", output.display())
    } else {
        "nothing was written".to_owned()
    };
    CommandError::new(format!("no source answered: {}; {end}", failed.join("; ")))
        .hinted("check the network, --mirror and --offline")
}

/// Publishes a catalog file in a registry.
pub(crate) fn push(
    file: &Path,
    place: &RegistryPlace,
    http: &HttpSettings,
) -> Result<Outcome, CommandError> {
    let (catalog, content) = read_to_publish(file).map_err(|error| {
        CommandError::new(error).hinted("create one with csctl-matrix catalog fetch -o FILE")
    })?;
    let pushed = block_on(place.push(content, catalog.as_of, http))?.map_err(|error| {
        let hint = error.hint();
        CommandError::new(error).hinted(hint)
    })?;
    Ok(Outcome::of(
        format!("{place} pushed\n{pushed}\n"),
        Format::Text,
    ))
}

/// Shows what the sources offer.
pub(crate) fn show(request: &CatalogQuery) -> Result<Outcome, CommandError> {
    told(&request.place, ask_and_show(request))
}

fn ask_and_show(request: &CatalogQuery) -> Result<Outcome, CommandError> {
    let repository = Repository::open(&request.place)?;
    let selection = repository.select_here(request.selection.clone())?;
    let catalog = repository.look_at_all(&selection, &request.sources)?;
    let data = match request.format {
        Format::Text => report::text::catalog(&catalog),
        Format::Markdown => report::markdown::catalog(&catalog),
        Format::Json => to_json(&catalog)?,
    };
    Ok(Outcome::of(data, request.format).with_catalog_doubt(&repository))
}
