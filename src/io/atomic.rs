//! Writes a file so that a reader sees the old or the new content, never half of one. It makes no backup.

use std::io::{self, Write};
use std::path::Path;

/// Writes the file through a temporary neighbour and a rename.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".csctl-matrix-")
        .tempfile_in(folder.unwrap_or_else(|| Path::new(".")))?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
