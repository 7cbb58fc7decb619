//! Files with what repositories want to know of their sources, which one crawl may ask for many of them.

use std::io;
use std::path::{Path, PathBuf};

use super::catalog::{FILE_LIMIT, message_of};
use super::files::read_within;
use crate::catalog::{CatalogRequest, REQUEST_SCHEMA, RequestFile};
use crate::yaml::check_depth;

const FILE_COMMENT: &str = "# What repositories need of their sources; written by `csctl-matrix catalog request`, for `csctl-matrix catalog fetch --request`.\n";

/// A file of a request that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestFileError {
    /// The file cannot be opened or read.
    #[error("cannot read the request {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The content is not a request.
    #[error("{}:{line}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The form is that of another version of this program.
    #[error("{}: the request has schema {found}, but this version reads {REQUEST_SCHEMA}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: u32,
    },
}

/// Reads a request. Unknown fields are errors: what is not understood would not be asked.
pub(crate) fn read(path: &Path) -> Result<CatalogRequest, RequestFileError> {
    let text = read_within(path, FILE_LIMIT).map_err(|source| RequestFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    check_depth(&text).map_err(|error| RequestFileError::Content {
        path: path.to_owned(),
        line: error.line(),
        reason: error.message(),
    })?;
    let file: RequestFile =
        serde_yaml::from_str(&text).map_err(|error| RequestFileError::Content {
            path: path.to_owned(),
            line: error.location().map_or(1, |location| location.line()),
            reason: message_of(&error),
        })?;
    if file.schema == REQUEST_SCHEMA {
        Ok(file.request)
    } else {
        Err(RequestFileError::Schema {
            path: path.to_owned(),
            found: file.schema,
        })
    }
}

/// Returns the text of a request's file.
pub(crate) fn to_text(request: CatalogRequest) -> Result<String, serde_yaml::Error> {
    let text = serde_yaml::to_string(&RequestFile {
        schema: REQUEST_SCHEMA,
        request,
    })?;
    Ok(format!("{FILE_COMMENT}{text}"))
}
