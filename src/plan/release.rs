//! The release that a change becomes: the next number of its stack line, and which components go up with it.

use serde::Serialize;

use crate::catalog::Catalog;
use crate::release_digest::{CsctlVerdict, HashesUnknown};
use crate::stack::SourceTree;
use crate::version::{StackLine, StackVersion};

/// The release that a change becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The highest published stable version of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<StackVersion>,
    /// The version the change becomes; nothing where no published release of any line is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<StackVersion>,
    /// Whether that is the lowest it can become, as the git clone may lack tags of published releases.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_at_least: bool,
    /// What becomes of the cluster addons' version.
    pub cluster_addon: ComponentBump,
    /// What becomes of the node images' version.
    pub node_image: ComponentBump,
    /// What csctl would do; nothing where the source tree is none of csctl's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) csctl: Option<CsctlVerdict>,
    /// The directory of the source tree that it is made from.
    #[serde(skip)]
    pub directory: String,
}

/// What becomes of a component's version: it goes up exactly when the component's content changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ComponentBump {
    /// Whether the content changed.
    pub changed: bool,
    /// The published version, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<StackVersion>,
    /// The version after, where the published one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<StackVersion>,
}

impl ComponentBump {
    fn new(changed: bool, published: Option<&StackVersion>, first: Option<StackVersion>) -> Self {
        let number = published.and_then(StackVersion::stable_number);
        // A component keeps its version where its content is the same, unlike the stack, whose number always goes up.
        let next = number.map(|number| StackVersion::stable(number + u32::from(changed)));
        Self {
            changed,
            previous: published.cloned(),
            next: next.or(first),
        }
    }
}

/// Which components of a release have another content than before.
#[derive(Clone, Copy)]
pub(super) struct ChangedParts {
    pub(super) cluster_addon: bool,
    pub(super) node_image: bool,
}

impl Release {
    /// Returns the release of a line whose content changed.
    pub(super) fn new(
        catalog: &Catalog,
        line: &StackLine,
        source: &SourceTree,
        changed: ChangedParts,
    ) -> Self {
        let published = catalog.find_newest_release(line);
        let is_at_least = catalog.release_gap.is_some();
        // Where no release of any line is known, nobody can tell the first one.
        let is_first = published.is_none() && !catalog.stack_releases.is_empty() && !is_at_least;
        let first = is_first.then(|| StackVersion::stable(1));
        // The first release of a line has none before it that csctl could find unchanged.
        let csctl = if is_first {
            CsctlVerdict::Publishes
        } else {
            CsctlVerdict::Unknown {
                reason: HashesUnknown::NotAsked,
            }
        };
        let addon = published.and_then(|release| release.cluster_addon.as_ref());
        let image = published.and_then(|release| release.node_image.as_ref());
        Self {
            previous: published.map(|release| release.tag.version.clone()),
            next: lowest_next(catalog, line),
            is_at_least,
            cluster_addon: ComponentBump::new(changed.cluster_addon, addon, first.clone()),
            node_image: ComponentBump::new(changed.node_image, image, first),
            csctl: source.has_csctl().then_some(csctl),
            directory: source.directory.clone(),
        }
    }
}

/// Returns the version that the next release of a line has; nothing where releases may have been published that are not known.
pub(super) fn next_version(catalog: &Catalog, line: &StackLine) -> Option<StackVersion> {
    // This number is written into files, so that "at least" is not enough for it.
    let is_known = catalog.release_gap.is_none();
    is_known.then(|| lowest_next(catalog, line))?
}

/// Returns the highest published number of the line plus one. Nothing where no release of any line is known: then it is unknown,
/// not the first.
fn lowest_next(catalog: &Catalog, line: &StackLine) -> Option<StackVersion> {
    if catalog.stack_releases.is_empty() {
        return None;
    }
    let published = catalog
        .find_newest_release(line)
        .and_then(|release| release.tag.version.stable_number());
    Some(StackVersion::stable(published.unwrap_or(0) + 1))
}
