//! `catalog request`, and `catalog fetch --request`: what several repositories need of their sources, asked for once.

use std::path::{Path, PathBuf};

use super::{Written, write};
use crate::catalog::CatalogRequest;
use crate::command::{Outcome, Place, Repository, SourceSettings, block_on};
use crate::error::CommandError;
use crate::io::catalog_request::{read, to_text};
use crate::io::http::HttpClient;
use crate::plan::Selection;
use crate::report::terminal::Form;

/// What one repository or file asks for.
struct Named {
    name: String,
    request: CatalogRequest,
}

/// What several of them ask for together.
#[derive(Default)]
struct Joined {
    request: CatalogRequest,
    /// Stacks that could not be seen, whose needs are not in it.
    unseen: Outcome,
}

/// Prints what repositories need of their sources.
pub(crate) fn request(paths: &[PathBuf]) -> Result<Outcome, CommandError> {
    let Joined { request, unseen } = join(paths)?;
    let data = to_text(request)
        .map_err(|error| CommandError::new(format!("cannot write the request: {error}")))?;
    Ok(Outcome {
        data: data.into(),
        form: Form::Script,
        ..unseen
    })
}

/// Asks the sources for what several repositories need. Mirrors of their configurations do not hold: a repository has no say in where
/// the others are asked for.
pub(crate) fn fetch_requests(
    paths: &[PathBuf],
    sources: &SourceSettings,
    output: &Path,
) -> Result<Outcome, CommandError> {
    let Joined { request, unseen } = join(paths)?;
    let client = HttpClient::new(sources.http.clone());
    let catalog = block_on(async {
        let mut catalog = crate::io::catalog::fetch(&request, &client, sources.today).await;
        if sources.verify_images {
            crate::io::verify::verify(&mut catalog, &request, &client).await;
        }
        catalog.asked = Some(request);
        catalog
    })?;
    let written = write(&Written {
        catalog: &catalog,
        is_asked: true,
        output,
    })?;
    Ok(Outcome {
        data: written.data,
        form: written.form,
        notices: [unseen.notices, written.notices].concat(),
        ..unseen
    })
}

/// Puts together what repositories and files ask for. Two that cannot be pleased by one crawl are named.
fn join(paths: &[PathBuf]) -> Result<Joined, CommandError> {
    let mut joined = Joined::default();
    let mut known: Vec<Named> = Vec::new();
    for path in paths {
        let named = Named {
            name: path.display().to_string(),
            request: joined.read(path)?,
        };
        for earlier in &known {
            if let Some(conflict) = earlier.request.conflict_with(&named.request) {
                let message = format!(
                    "{} and {} cannot share a catalog: {conflict}",
                    earlier.name, named.name
                );
                return Err(CommandError::new(message).hinted(
                    "set both alike in their csctl-matrix.yaml, or fetch a catalog for each",
                ));
            }
        }
        known.push(named);
    }
    joined.request = known
        .into_iter()
        .map(|named| named.request)
        .fold(CatalogRequest::default(), CatalogRequest::join);
    Ok(joined)
}

impl Joined {
    /// Reads what one of them asks for.
    fn read(&mut self, path: &Path) -> Result<CatalogRequest, CommandError> {
        if !path.is_dir() {
            return read(path).map_err(|error| {
                CommandError::new(error).hinted(
                    "name a repository's directory, or a file that csctl-matrix catalog request wrote",
                )
            });
        }
        let repository = Repository::open(&Place {
            directory: path.to_owned(),
            revision: None,
        })?;
        self.unseen = std::mem::take(&mut self.unseen).with_unseen(&repository);
        let selection = repository.select(Selection::default())?;
        Ok(repository.request(&selection))
    }
}
