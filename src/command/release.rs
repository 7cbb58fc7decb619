//! `release`: cluster stacks as what operators consume. One file per command; what a release is, `crate::release` says.

pub(crate) mod build;
pub(crate) mod list;
pub(crate) mod make;
pub(crate) mod next;
pub(crate) mod notes;
mod past;
pub(crate) mod promotion;
pub(crate) mod publish;
pub(crate) mod verify;

use crate::error::CommandError;
use crate::io::oci::OciError;
use crate::io::release_place::PlaceError;

/// The form of a command's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum ReleaseFormat {
    /// Text for people.
    #[default]
    Text,
    /// JSON for programs, in a form of docs/schema.
    Json,
}

impl From<ReleaseFormat> for super::Format {
    fn from(format: ReleaseFormat) -> Self {
        match format {
            ReleaseFormat::Text => Self::Text,
            ReleaseFormat::Json => Self::Json,
        }
    }
}

fn oci_error(error: &OciError) -> CommandError {
    CommandError::new(error).hinted(error.hint())
}

fn place_error(error: &PlaceError) -> CommandError {
    CommandError::new(error).hinted(error.hint())
}
