//! Addon charts that belong to one Kubernetes minor. Others (cilium, metrics-server) have a life of their own.

use std::sync::Arc;

use url::Url;

use super::config_entry::EntryError;
use super::facts::Fault;
use crate::config::ChartConfig;
use crate::version::{ChartVersion, Minor};

/// A chart whose second number is that of the Kubernetes minor it is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinorBoundChart {
    /// The chart's name.
    pub name: String,
    /// The Helm repository that publishes it.
    pub repository: String,
    /// Its key in versions.yaml, where it has one.
    pub versions_key: Option<String>,
    /// Its key below `addons` in stack.yaml, where it has one.
    pub stack_key: Option<String>,
    /// The name by which configured references ask for its version, where it has one: `ccm`.
    pub(super) short: Option<&'static str>,
}

/// The charts that belong to a minor: those that the program knows, and those that a configuration names.
#[derive(Debug, Clone)]
pub struct MinorBoundCharts(Arc<[MinorBoundChart]>);

/// Where a dependency comes from, as its `repository` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartSource<'a> {
    /// A repository that can be asked, by HTTP or OCI; the usual one where none is written.
    Repository(&'a str),
    /// A name in the configuration of whoever runs Helm: `@cpo`, `alias:cpo`.
    HelmAlias(&'a str),
    /// A directory: `file://../ccm`.
    Directory(&'a str),
    /// Something else, which nobody can ask.
    Unknown(&'a str),
}

impl MinorBoundChart {
    /// Tells where a dependency on this chart comes from.
    pub fn source<'a>(&'a self, repository: &'a str) -> ChartSource<'a> {
        if repository.is_empty() {
            ChartSource::Repository(&self.repository)
        } else if ["https://", "http://", "oci://"]
            .iter()
            .any(|start| repository.starts_with(start))
        {
            ChartSource::Repository(repository)
        } else if is_helm_alias(repository) {
            ChartSource::HelmAlias(repository)
        } else if repository.starts_with("file://") {
            ChartSource::Directory(repository)
        } else {
            ChartSource::Unknown(repository)
        }
    }

    /// Returns the repository that a dependency on this chart comes from, where it can be asked.
    pub(crate) fn repository_of<'a>(&'a self, repository: &'a str) -> Option<&'a str> {
        match self.source(repository) {
            ChartSource::Repository(url) => Some(url),
            ChartSource::HelmAlias(_) | ChartSource::Directory(_) | ChartSource::Unknown(_) => None,
        }
    }
}

/// Tells whether a repository is a name in the configuration of whoever runs Helm.
pub(super) fn is_helm_alias(repository: &str) -> bool {
    repository.starts_with('@') || repository.starts_with("alias:")
}

/// A chart that a provider knows to belong to a minor.
#[derive(Debug)]
pub(super) struct KnownChart {
    /// Its name.
    pub(super) name: &'static str,
    /// The Helm repository that publishes it.
    pub(super) repository: &'static str,
    /// Its key in versions.yaml.
    pub(super) versions_key: &'static str,
    /// Its key below `addons` in stack.yaml, by which configured references name it too.
    pub(super) key: &'static str,
}

impl MinorBoundCharts {
    /// Returns the charts that the providers know.
    pub(super) fn of_providers(known: impl Iterator<Item = &'static KnownChart>) -> Self {
        let charts = known.map(|chart| MinorBoundChart {
            name: chart.name.to_owned(),
            repository: chart.repository.to_owned(),
            versions_key: Some(chart.versions_key.to_owned()),
            stack_key: Some(chart.key.to_owned()),
            short: Some(chart.key),
        });
        Self(charts.collect())
    }

    /// Reads the entries of a configuration; `text` is the configuration file, for the lines of what is wrong in it. An entry with
    /// the name of a known chart takes its place, and keys that it does not name stay as they are known.
    pub fn read(entries: &[ChartConfig], text: &str) -> Result<Self, Fault> {
        let mut charts = Self::default().0.to_vec();
        for entry in entries {
            let place = charts.iter().position(|chart| chart.name == entry.name);
            let known = place.map(|place| charts.remove(place));
            charts.push(configured_chart(entry, known));
        }
        // Only when all entries are in: one further down may take a key of a known chart, or leave it free.
        for (index, entry) in entries.iter().enumerate() {
            check_entry(entry, &entries[..index], &charts)
                .map_err(|error| error.into_fault("charts", index, text))?;
        }
        Ok(Self(charts.into()))
    }

    /// Finds a chart by the name that a `Chart.yaml` gives.
    pub fn find(&self, name: &str) -> Option<&MinorBoundChart> {
        self.iter().find(|chart| chart.name == name)
    }

    /// Returns the charts one by one.
    pub fn iter(&self) -> impl Iterator<Item = &MinorBoundChart> {
        self.0.iter()
    }
}

/// Returns the chart of an entry; `known` is the chart of that name which a provider knows.
fn configured_chart(entry: &ChartConfig, known: Option<MinorBoundChart>) -> MinorBoundChart {
    let mut chart = known.unwrap_or_else(|| MinorBoundChart {
        name: entry.name.clone(),
        repository: String::new(),
        versions_key: None,
        stack_key: None,
        short: None,
    });
    chart.repository.clone_from(&entry.repository);
    if entry.versions_key.is_some() {
        chart.versions_key.clone_from(&entry.versions_key);
    }
    if entry.stack_key.is_some() {
        chart.stack_key.clone_from(&entry.stack_key);
    }
    chart
}

/// Checks an entry; `before` are the entries above it, `charts` all charts with all entries.
fn check_entry(
    entry: &ChartConfig,
    before: &[ChartConfig],
    charts: &[MinorBoundChart],
) -> Result<(), EntryError> {
    let name = &entry.name;
    if before.iter().any(|other| other.name == *name) {
        let message = format!("duplicate chart `{name}`");
        return Err(EntryError::new(
            "name",
            message,
            "remove one of the entries",
        ));
    }
    if !is_chart_name(name) {
        let message = format!("invalid chart name `{name}`");
        let hint = "write the name that Chart.yaml depends on, such as openstack-cinder-csi";
        return Err(EntryError::new("name", message, hint));
    }
    if let Some(message) = repository_fault(&entry.repository) {
        let hint = "write it with https://, http:// or oci://, and without a user name";
        return Err(EntryError::new("repository", message, hint));
    }
    check_key("versionsKey", name, charts, |chart| {
        chart.versions_key.as_deref()
    })?;
    check_key("stackKey", name, charts, |chart| chart.stack_key.as_deref())
}

fn is_chart_name(name: &str) -> bool {
    let mut letters = name.chars();
    !name.is_empty()
        && letters.all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.'))
}

fn repository_fault(repository: &str) -> Option<&'static str> {
    match Url::parse(repository).ok().filter(is_repository) {
        Some(url) if url.username().is_empty() && url.password().is_none() => None,
        // The value is not repeated: it may be a secret.
        Some(_) => Some("contains a user name or a password"),
        None => Some("invalid URL of a Helm repository"),
    }
}

fn is_repository(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http" | "oci") && url.has_host()
}

/// Refuses a key of a list that is empty, or that is something else's already.
fn check_key(
    field: &'static str,
    name: &str,
    charts: &[MinorBoundChart],
    key_of: impl Fn(&MinorBoundChart) -> Option<&str>,
) -> Result<(), EntryError> {
    let own = charts.iter().find(|chart| chart.name == name);
    let Some(key) = own.and_then(&key_of) else {
        return Ok(());
    };
    let other = charts
        .iter()
        .find(|chart| chart.name != name && key_of(chart) == Some(key));
    let message = match other {
        Some(other) => format!("`{key}` is the key of {} already", other.name),
        None if key == "kubernetes" => {
            "`kubernetes` is the key of the Kubernetes version".to_owned()
        }
        None if key.trim().is_empty() => "is empty".to_owned(),
        None => return Ok(()),
    };
    Err(EntryError::new(
        field,
        message,
        "give each chart a key of its own",
    ))
}

/// Returns those of some versions that are for a minor; pre-releases never count.
pub(crate) fn versions_for(
    offered: &[ChartVersion],
    minor: Minor,
) -> impl Iterator<Item = &ChartVersion> {
    offered
        .iter()
        .filter(move |version| version.follows(minor) && !version.is_prerelease())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// Reads the entries of a configuration; what is wrong in it with its line and the way out.
    fn read(entries: &str) -> Result<MinorBoundCharts, String> {
        let text = format!("charts:\n{entries}");
        let config = Config::parse(&text).unwrap();
        MinorBoundCharts::read(&config.charts, &text)
            .map_err(|fault| format!("{fault}; {}", fault.hint))
    }

    #[test]
    fn a_configuration_adds_charts() {
        let charts = read(
            "- name: openstack-barbican-csi\n  repository: https://charts.example.org\n  versionsKey: barbican\n",
        )
        .unwrap();
        let known = MinorBoundCharts::default();
        assert!(charts.iter().take(known.iter().count()).eq(known.iter()));
        assert_eq!(charts.iter().count(), known.iter().count() + 1);
        let added = charts.find("openstack-barbican-csi").unwrap();
        assert_eq!(added.versions_key.as_deref(), Some("barbican"));
        assert_eq!(added.stack_key, None);
        assert_eq!(charts.find("cilium"), None);
    }

    #[test]
    fn a_known_chart_may_come_from_elsewhere() {
        let charts = read(
            "- name: openstack-cinder-csi\n  repository: oci://registry.example.org/charts\n  stackKey: cinder\n",
        )
        .unwrap();
        let chart = charts.find("openstack-cinder-csi").unwrap();
        assert_eq!(chart.repository, "oci://registry.example.org/charts");
        assert_eq!(chart.versions_key.as_deref(), Some("cinder_csi"));
        assert_eq!(chart.stack_key.as_deref(), Some("cinder"));
        let known = MinorBoundCharts::default();
        assert_eq!(charts.iter().count(), known.iter().count());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        let repository = "  repository: https://charts.example.org\n";
        for (entries, expected) in [
            (
                format!("- name: a\n{repository}- name: a\n{repository}"),
                "csctl-matrix.yaml:4: charts[1].name: duplicate chart `a`; remove one of the entries",
            ),
            (
                format!("- name: a b\n{repository}"),
                "csctl-matrix.yaml:2: charts[0].name: invalid chart name `a b`; write the name that Chart.yaml depends on, such as openstack-cinder-csi",
            ),
            (
                "- name: a\n  repository: '@cpo'\n".to_owned(),
                "csctl-matrix.yaml:3: charts[0].repository: invalid URL of a Helm repository; write it with https://, http:// or oci://, and without a user name",
            ),
            (
                "- name: a\n  repository: https://me:secret@charts.example.org\n".to_owned(),
                "csctl-matrix.yaml:3: charts[0].repository: contains a user name or a password; write it with https://, http:// or oci://, and without a user name",
            ),
            (
                format!("- name: a\n{repository}  versionsKey: occm\n"),
                "csctl-matrix.yaml:4: charts[0].versionsKey: `occm` is the key of openstack-cloud-controller-manager already; give each chart a key of its own",
            ),
            (
                format!("- name: a\n{repository}  stackKey: ''\n"),
                "csctl-matrix.yaml:4: charts[0].stackKey: is empty; give each chart a key of its own",
            ),
            (
                format!("- name: a\n{repository}  versionsKey: kubernetes\n"),
                "csctl-matrix.yaml:4: charts[0].versionsKey: `kubernetes` is the key of the Kubernetes version; give each chart a key of its own",
            ),
        ] {
            assert_eq!(read(&entries).unwrap_err(), expected, "{entries}");
        }
    }

    #[test]
    fn a_repository_is_asked_or_it_is_said_what_it_is() {
        let charts = MinorBoundCharts::default();
        let chart = charts.find("openstack-cinder-csi").unwrap();
        for (repository, expected) in [
            (
                "",
                ChartSource::Repository("https://kubernetes.github.io/cloud-provider-openstack"),
            ),
            ("https://a/b", ChartSource::Repository("https://a/b")),
            ("oci://a/b", ChartSource::Repository("oci://a/b")),
            ("@cpo", ChartSource::HelmAlias("@cpo")),
            ("alias:cpo", ChartSource::HelmAlias("alias:cpo")),
            ("file://../csi", ChartSource::Directory("file://../csi")),
            ("stable", ChartSource::Unknown("stable")),
            ("*cpo", ChartSource::Unknown("*cpo")),
        ] {
            assert_eq!(chart.source(repository), expected, "{repository}");
        }
        assert_eq!(chart.repository_of("@cpo"), None);
    }

    #[test]
    fn versions_for_a_minor_are_no_pre_releases() {
        let offered: Vec<ChartVersion> = ["2.33.9", "2.34.1", "2.34.2-rc.1", "3.34.0", "2.35.0"]
            .map(|text| text.parse().unwrap())
            .into();
        let found: Vec<String> = versions_for(&offered, Minor::new(1, 34))
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, ["2.34.1", "3.34.0"]);
    }
}
