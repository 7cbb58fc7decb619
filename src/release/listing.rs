//! What is published, by stack line: what registries, git and GitHub show of releases, put together. A tag that nobody can read is named
//! and stops nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use crate::version::{Minor, ReleaseTag, Sha256, StackLine, StackVersion};

/// The version of the JSON form.
pub const LIST_SCHEMA: u32 = 1;

/// Where a release was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ReleaseSource {
    /// In an OCI registry.
    Registry,
    /// Among GitHub's releases.
    GitHub,
    /// Among the tags of the clone.
    Git,
}

/// The digest of a content, as registries write it: `sha256:...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDigest(pub Sha256);

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl Serialize for ContentDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What one source shows of one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The source.
    pub source: ReleaseSource,
    /// The tag, as it is there.
    pub tag: String,
    /// The Kubernetes version, where it is told.
    pub kubernetes: Option<String>,
    /// The day it was made.
    pub day: Option<Date>,
    /// The digest of what the tag stands for.
    pub digest: Option<ContentDigest>,
    /// Why nothing else is known of it.
    pub fault: Option<String>,
}

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListReport {
    /// The form's version.
    pub schema: u32,
    /// The repository of the registry that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The stack lines, in order.
    pub lines: Vec<ListedLine>,
    /// Tags that are no release of a cluster stack.
    pub unreadable: Vec<UnreadableTag>,
    /// Why there may be more.
    pub gaps: Vec<String>,
}

/// A stack line with its releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListedLine {
    /// The line.
    #[cfg_attr(test, schemars(with = "String"))]
    pub line: StackLine,
    /// Its releases, the newest first: stable ones before all others.
    pub releases: Vec<ListedRelease>,
}

/// A release that is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListedRelease {
    /// Its tag.
    #[cfg_attr(test, schemars(with = "String"))]
    pub tag: ReleaseTag,
    /// Its version.
    #[cfg_attr(test, schemars(with = "String"))]
    pub version: StackVersion,
    /// Its Kubernetes version, where it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// The day it was made: as its manifest says, else GitHub's, else that of the tagged commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub day: Option<Date>,
    /// The digest of its manifest in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub digest: Option<ContentDigest>,
    /// Where it was seen.
    pub sources: BTreeSet<ReleaseSource>,
    /// Why the registry says nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A tag that is no release of a cluster stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnreadableTag {
    /// The tag.
    pub tag: String,
    /// Where it was seen.
    pub sources: BTreeSet<ReleaseSource>,
}

/// Which stack lines are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Stacks by name, by provider and name, or stack lines; nothing for all of them.
    pub stacks: Vec<String>,
    /// The minor.
    pub minor: Option<Minor>,
}

/// Tells whether an argument of the command line names the stack of a line: by its name, with its provider, by the line, or by a path,
/// which ends with provider and name.
fn is_stack_of(line: &StackLine, stack: &str) -> bool {
    let name = stack.trim_end_matches('/');
    let full = format!("{}/{}", line.provider, line.name);
    name == line.name
        || name == full
        || name.ends_with(&format!("/{full}"))
        || name == line.to_string()
}

impl LineFilter {
    /// Tells whether a line is asked for.
    pub fn takes(&self, line: &StackLine) -> bool {
        (self.stacks.is_empty() || self.stacks.iter().any(|stack| is_stack_of(line, stack)))
            && self.minor.is_none_or(|minor| minor == line.minor)
    }

    fn takes_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Puts together what the sources show.
pub fn list(mut sightings: Vec<Sighting>, filter: &LineFilter) -> ListReport {
    // What the registry says of a release comes first.
    sightings.sort_by_key(|sighting| sighting.source);
    let mut releases: BTreeMap<ReleaseTag, ListedRelease> = BTreeMap::new();
    let mut unreadable: BTreeMap<String, BTreeSet<ReleaseSource>> = BTreeMap::new();
    for sighting in sightings {
        match sighting.tag.parse::<ReleaseTag>() {
            Ok(tag) if filter.takes(&tag.line) => {
                let known = releases
                    .entry(tag.clone())
                    .or_insert_with(|| ListedRelease::unseen(tag));
                known.add(sighting);
            }
            Err(_) if filter.takes_all() && sighting.is_worth_naming() => {
                let sources = unreadable.entry(sighting.tag).or_default();
                sources.insert(sighting.source);
            }
            Ok(_) | Err(_) => {}
        }
    }
    let mut lines: Vec<ListedLine> = Vec::new();
    for release in releases.into_values() {
        match lines.last_mut() {
            Some(last) if last.line == release.tag.line => last.releases.push(release),
            Some(_) | None => lines.push(ListedLine {
                line: release.tag.line.clone(),
                releases: vec![release],
            }),
        }
    }
    for line in &mut lines {
        line.releases.reverse();
    }
    let unreadable = unreadable.into_iter();
    ListReport {
        schema: LIST_SCHEMA,
        repository: None,
        lines,
        unreadable: unreadable
            .map(|(tag, sources)| UnreadableTag { tag, sources })
            .collect(),
        gaps: Vec::new(),
    }
}

impl Sighting {
    /// Tells whether somebody should know of a tag that is no release. A clone has tags of all kinds: only those in as many parts as a
    /// release has were meant for one.
    fn is_worth_naming(&self) -> bool {
        match self.source {
            ReleaseSource::Registry | ReleaseSource::GitHub => true,
            ReleaseSource::Git => self.tag.split('-').count() >= 5,
        }
    }
}

impl ListedRelease {
    fn unseen(tag: ReleaseTag) -> Self {
        Self {
            version: tag.version.clone(),
            tag,
            kubernetes: None,
            day: None,
            digest: None,
            sources: BTreeSet::new(),
            fault: None,
        }
    }

    fn add(&mut self, sighting: Sighting) {
        self.sources.insert(sighting.source);
        self.kubernetes = self.kubernetes.take().or(sighting.kubernetes);
        self.day = self.day.or(sighting.day);
        self.digest = self.digest.take().or(sighting.digest);
        self.fault = self.fault.take().or(sighting.fault);
    }
}

impl fmt::Display for UnreadableTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        write!(f, "{} ({})", self.tag, names.join(", "))
    }
}

impl ReleaseSource {
    /// Returns a word for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::GitHub => "GitHub",
            Self::Git => "git",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(source: ReleaseSource, tag: &str) -> Sighting {
        Sighting {
            source,
            tag: tag.to_owned(),
            kubernetes: None,
            day: None,
            digest: None,
            fault: None,
        }
    }

    #[test]
    fn what_the_registry_says_wins_over_tags() {
        let day = |text: &str| Some(text.parse().unwrap());
        let mut of_git = seen(ReleaseSource::Git, "openstack-scs2-1-34-v10");
        of_git.day = day("2026-01-01");
        let mut of_registry = seen(ReleaseSource::Registry, "openstack-scs2-1-34-v10");
        of_registry.day = day("2026-02-02");
        of_registry.kubernetes = Some("v1.34.7".to_owned());
        let custom = seen(ReleaseSource::Registry, "openstack-scs2-1-34-v0-sha-abc");
        let older = seen(ReleaseSource::Git, "openstack-scs2-1-34-v9");
        let report = list(
            vec![of_git, custom, older, of_registry],
            &LineFilter::default(),
        );
        let releases = &report.lines[0].releases;
        let versions: Vec<String> = releases.iter().map(|one| one.version.to_string()).collect();
        assert_eq!(versions, ["v10", "v9", "v0-sha.abc"]);
        assert_eq!(releases[0].day, day("2026-02-02"));
        assert_eq!(releases[0].sources.len(), 2);
    }

    #[test]
    fn tags_that_are_no_release_are_named() {
        let sightings = vec![
            seen(ReleaseSource::Registry, "latest"),
            seen(ReleaseSource::Git, "v2026.05"),
            seen(ReleaseSource::Git, "openstack-scs-1-29-v2-test"),
        ];
        let named = |filter: &LineFilter| -> Vec<String> {
            let report = list(sightings.clone(), filter);
            report.unreadable.into_iter().map(|one| one.tag).collect()
        };
        assert_eq!(
            named(&LineFilter::default()),
            ["latest", "openstack-scs-1-29-v2-test"]
        );
        let one = LineFilter {
            stacks: vec!["scs".to_owned()],
            minor: None,
        };
        assert!(named(&one).is_empty());
    }

    #[test]
    fn a_line_is_found_by_each_of_its_names() {
        let line: StackLine = "openstack-scs2-1-34".parse().unwrap();
        for (stack, is_taken) in [
            ("scs2", true),
            ("openstack/scs2", true),
            ("providers/openstack/scs2/", true),
            ("openstack-scs2-1-34", true),
            ("scs", false),
            ("openstack", false),
            ("docker/scs2", false),
            ("openstack-scs2-1-3", false),
        ] {
            let filter = LineFilter {
                stacks: vec![stack.to_owned()],
                minor: None,
            };
            assert_eq!(filter.takes(&line), is_taken, "{stack}");
        }
        let other = LineFilter {
            stacks: Vec::new(),
            minor: Some("1.33".parse().unwrap()),
        };
        assert!(!other.takes(&line));
    }
}
