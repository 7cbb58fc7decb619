//! An image that is going to be looked at, and what is asked of it.

use serde::{Deserialize, Serialize};

use crate::io::checksum::Hit;

/// An image to look at.
pub(super) struct Candidate {
    pub(super) hit: Hit,
    pub(super) asking: Asking,
}

/// What is asked of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Asking {
    /// The image alone, which may well not be there.
    Image,
    /// Its checksum file as well: it is expected, or there is no time to ask one after the other.
    WithSum,
    /// The same once more, past every cache on the way: a listed image was said not to be there.
    Anew,
}
