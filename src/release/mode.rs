//! Where the versions of a release come from, and those that follow the last published ones.

use super::changes::{Changes, Published};
use super::versions::Versions;
use crate::version::StackVersion;

/// Where the versions of a release come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// The content: `v0-sha.azlfam7`.
    Hash,
    /// The last published release of the line: each component goes up exactly when its content changed.
    Stable(Last),
    /// Somebody says them.
    Custom(Versions),
    /// The commit, by its full number: `v0-git.4b2b59b`.
    Git(String),
}

/// The last published release of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last {
    /// It is known that there is none.
    None,
    /// This one.
    Release(Box<Published>),
}

/// Returns those that follow the last published ones; nothing where a last version has no number to go up from.
pub(super) fn next_versions(last: &Versions, changes: &Changes) -> Option<Versions> {
    Some(Versions {
        cluster_stack: raised(&last.cluster_stack, 1)?,
        cluster_addon: raised(&last.cluster_addon, u32::from(changes.of_addon()))?,
        node_image: raised(&last.node_image, u32::from(changes.of_node_images()))?,
    })
}

fn raised(version: &StackVersion, step: u32) -> Option<StackVersion> {
    let number = version.stable_number()?;
    Some(StackVersion::stable(number.checked_add(step)?))
}
