//! What is said of addon charts that do not go on.

use std::fmt;

use super::super::facts::{Asks, ChartReason, MissingChart};
use super::listing;

impl ChartReason {
    /// Returns what to do about it, where something can be done.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::ChartAhead {
                version, newest, ..
            } => Some(format!(
                "write {newest} everywhere, or wait until {version} is published"
            )),
            Self::ChartRangeWithoutMinor {
                minor,
                range: Some(range),
                ..
            } => Some(format!("write a range for {minor} in place of {range}")),
            Self::ChartLockStale { directory } => {
                Some(format!("helm dependency update {directory}"))
            }
            Self::ChartUnlocked { minor, .. } => {
                Some(format!("write a range for {minor} alone, or lock it"))
            }
            Self::ChartAlias { .. }
            | Self::ChartDirectory { .. }
            | Self::ChartRepositoryInvalid { .. }
            | Self::ChartVersionInvalid(_)
            | Self::ChartRangeWithoutMinor { range: None, .. }
            | Self::ChartRangeExcludes(_)
            | Self::ChartNotPublished { .. } => None,
        }
    }
}

impl fmt::Display for ChartReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChartAhead {
                at,
                repository,
                newest,
                minor,
                others,
                ..
            } => {
                write!(
                    f,
                    "{at} names it, and {repository} has nothing newer than {newest} for {minor}"
                )?;
                if others.is_empty() {
                    return Ok(());
                }
                write!(f, "; {} stays too", listing(others))
            }
            Self::ChartAlias { alias, at } => write!(
                f,
                "the repository `{alias}` is an alias of Helm's configuration; write its URL ({at})"
            ),
            Self::ChartDirectory { directory, at } => write!(
                f,
                "the repository `{directory}` is a directory; Helm takes the chart that is there ({at})"
            ),
            Self::ChartRepositoryInvalid { text, at } => {
                write!(f, "invalid repository URL `{text}` ({at})")
            }
            Self::ChartVersionInvalid(asks) => {
                write!(f, "{asks}, which is neither a version nor a range")
            }
            Self::ChartRangeWithoutMinor { asks, minor, .. } => {
                write!(f, "{asks}, which has no version for {minor}")
            }
            Self::ChartRangeExcludes(asks) => write!(f, "{asks}"),
            Self::ChartLockStale { directory } => write!(
                f,
                "{directory}/Chart.lock does not fit its Chart.yaml, and is left alone"
            ),
            Self::ChartUnlocked { asks, newest, .. } => write!(
                f,
                "{asks} and nothing locks it: Helm takes {newest}, for 1.{}",
                newest.minor_number()
            ),
            Self::ChartNotPublished { url, minor } => write!(f, "{url} has no version for {minor}"),
        }
    }
}

impl fmt::Display for MissingChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(reason) => write!(f, "{reason}"),
            Self::NotKnown { chart } => write!(f, "no version of {chart} for it is known"),
            Self::Ahead { at, chart, version } => write!(f, "{at} names {chart} {version}"),
        }
    }
}

/// `Chart.yaml asks for ~2.34.0 (providers/openstack/scs/cluster-addon/Chart.yaml:9)`.
impl fmt::Display for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.at.file;
        let name = file.rsplit('/').next().unwrap_or(file);
        write!(f, "{name} asks for {} ({})", self.value, self.at)
    }
}
