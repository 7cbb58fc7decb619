//! The versions of a release: named after its content or a commit, or as somebody says.

use serde::Serialize;

use crate::version::{StackLine, StackVersion, VersionError};

/// How many letters of a digest or a commit a version has, where they do.
const LETTERS: usize = 7;

/// The versions of a release and its components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    /// The release's own, which is that of its cluster class.
    #[cfg_attr(test, schemars(with = "String"))]
    pub cluster_stack: StackVersion,
    /// That of the cluster addons.
    #[cfg_attr(test, schemars(with = "String"))]
    pub cluster_addon: StackVersion,
    /// That of the node images.
    #[cfg_attr(test, schemars(with = "String"))]
    pub node_image: StackVersion,
}

impl Versions {
    /// Returns one version for all components.
    pub(crate) fn all(version: StackVersion) -> Self {
        Self {
            cluster_stack: version.clone(),
            cluster_addon: version.clone(),
            node_image: version,
        }
    }

    /// Returns the versions named after a content's hash.
    pub(super) fn of_hash(hash: &str) -> Result<Self, VersionError> {
        named("sha", hash).map(Self::all)
    }

    /// Returns the versions named after a commit.
    pub(super) fn of_commit(commit: &str) -> Result<Self, VersionError> {
        named("git", commit).map(Self::all)
    }

    /// Returns a version that Helm refuses in a chart: an identifier of digits alone must not begin with zero (semver.org, 9).
    pub(super) fn refused_by_helm(&self) -> Option<&StackVersion> {
        let all = [&self.cluster_stack, &self.cluster_addon, &self.node_image];
        all.into_iter().find(|version| {
            let text = version.to_string();
            text.rsplit_once('.')
                .is_some_and(|(_, identifier)| is_refused(identifier))
        })
    }
}

/// Names a version after the beginning of a digest, one letter longer where Helm would refuse the usual length.
fn named(channel: &str, digest: &str) -> Result<StackVersion, VersionError> {
    let lengths = LETTERS..=digest.len();
    let mut identifiers = lengths.filter_map(|length| digest.get(..length));
    let identifier = identifiers.find(|identifier| !is_refused(identifier));
    format!("v0-{channel}.{}", identifier.unwrap_or(digest)).parse()
}

fn is_refused(identifier: &str) -> bool {
    identifier.len() > 1
        && identifier.starts_with('0')
        && identifier.bytes().all(|letter| letter.is_ascii_digit())
}

/// Returns why the operator could not read releases of a line: it splits tags at dashes.
pub(super) fn unreadable_part(line: &StackLine) -> Option<&str> {
    let parts = [line.provider.as_str(), line.name.as_str()];
    parts.into_iter().find(|part| part.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_never_all_digits_behind_a_zero() {
        for (commit, version) in [
            ("4b2b59b0aa", "v0-git.4b2b59b"),
            ("0123456a89", "v0-git.0123456a"),
            ("01234567b9", "v0-git.01234567b"),
            ("1234567a89", "v0-git.1234567"),
            ("000000a789", "v0-git.000000a"),
        ] {
            let versions = Versions::of_commit(commit).unwrap();
            assert_eq!(versions.cluster_stack.to_string(), version);
            assert_eq!(versions.refused_by_helm(), None);
        }
        let hash = "azlfam7rgn823z07ougej26xmpzsohlj0tvr4s0njis";
        let versions = Versions::of_hash(hash).unwrap();
        assert_eq!(versions, Versions::all("v0-sha.azlfam7".parse().unwrap()));
        let refused = Versions::all("v0-git.0123456".parse().unwrap());
        assert!(refused.refused_by_helm().is_some());
    }
}
