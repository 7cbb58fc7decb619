//! What a pull request should be: made by whoever plans it, compared with what is there.

use super::Fingerprint;

/// What a pull request should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// The fingerprint of its change.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) title: String,
    /// Its body without the hidden block.
    pub(crate) body: String,
    /// The branch it goes to.
    pub(crate) base: String,
    /// The commit of that branch that it was made and tested on.
    pub(crate) stands_on: String,
    /// Labels that it gets when it is opened, and new ones later.
    pub(crate) labels: Vec<String>,
    /// Whether it is to be a draft; nothing where that is left as it is.
    pub(crate) is_draft: Option<bool>,
}
