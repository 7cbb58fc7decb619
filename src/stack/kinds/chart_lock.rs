//! Chart.lock beside a cluster addon chart: the same versions once more, and a digest of both files. A lock that did not fit
//! its chart before is left alone, for `helm dependency update` to make anew.

use serde::Serialize;
use sha2::Digest;

use super::addon_chart::dependencies;
use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted};
use crate::policy::ChangeClass;
use crate::version::ChartVersion;
use crate::yaml::Node;

#[derive(Debug)]
pub(super) struct ChartLock;

impl FileKind for ChartLock {
    fn name(&self) -> &'static str {
        "chart lock"
    }

    fn part(&self) -> Part {
        Part::ClusterAddon
    }

    fn claims(&self, place: &str, _text: &str) -> bool {
        place.starts_with("cluster-addon/") && place.ends_with("/Chart.lock")
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        for (path, chart, dependency) in dependencies(document) {
            if let Some((node, _)) = super::text_at(dependency, &super::keys(&["version"])) {
                facts.sites.push(super::site(
                    file,
                    &path,
                    node,
                    Fact::LockedDependency {
                        chart: chart.to_owned(),
                    },
                ));
            }
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &SourceFile,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let Some(lock) = file.documents().first() else {
            return Ok(());
        };
        let chart_path = file.path().replace("Chart.lock", "Chart.yaml");
        let Some(chart) = edits
            .find_sibling(&chart_path)
            .and_then(|chart| chart.documents().first())
        else {
            return Ok(());
        };
        let path = super::keys(&["digest"]);
        let fits = super::text_at(lock, &path)
            .is_some_and(|(_, found)| found == digest(chart, lock, |_, _| None));
        // Chart.yaml moves by the same classes.
        let moved = |name: &str, text: &str| {
            text.parse::<ChartVersion>().ok()?;
            let version = wanted.charts.get(name)?.to_string();
            let class = wanted.chart_class(text);
            (version != text && wanted.policy.wants(class)).then_some(version)
        };
        if !fits {
            return Ok(());
        }
        let mut class = ChangeClass::Addons;
        for (path, name, dependency) in dependencies(lock) {
            let text =
                super::text_at(dependency, &super::keys(&["version"])).map_or("", |(_, text)| text);
            if let Some(version) = moved(name, text) {
                class = wanted.chart_class(text);
                edits.set(0, &path, &version, class)?;
            }
        }
        edits.set(0, &path, &digest(chart, lock, moved), class)
    }
}

/// A dependency as Helm writes it when it computes the digest: the fields of its `chart.Dependency`, in their order.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Dependency<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    repository: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'a str>,
}

/// Tells whether a Chart.lock carries the digest of its chart; of files without a document nothing is said.
pub(crate) fn fits(chart: &SourceFile, lock: &SourceFile) -> bool {
    match (chart.documents().first(), lock.documents().first()) {
        (Some(chart), Some(lock)) => has_digest_of(chart, lock),
        (None, _) | (_, None) => true,
    }
}

fn has_digest_of(chart: &Node, lock: &Node) -> bool {
    super::text_at(lock, &super::keys(&["digest"]))
        .is_some_and(|(_, found)| found == digest(chart, lock, |_, _| None))
}

/// Returns Helm's digest of a chart's dependencies and its lock (`HashReq` in Helm's `internal/resolver`), with versions
/// replaced by `moved`.
fn digest(chart: &Node, lock: &Node, moved: impl Fn(&str, &str) -> Option<String>) -> String {
    let both = [
        read_dependencies(chart, &moved),
        read_dependencies(lock, &moved),
    ];
    let json = serde_json::to_string(&both).expect("texts and lists are always JSON");
    // Go escapes these three in every JSON text.
    let json = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    let sum = sha2::Sha256::digest(json.as_bytes());
    sum.iter().fold("sha256:".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    })
}

fn read_dependencies<'n>(
    document: &'n Node,
    moved: impl Fn(&str, &str) -> Option<String>,
) -> Vec<Dependency<'n>> {
    let field = |dependency: &'n Node, key| {
        dependency
            .get(key)
            .and_then(Node::as_str)
            .filter(|text| !text.is_empty())
    };
    let read = |(_, name, dependency): (_, &'n str, &'n Node)| {
        let text = field(dependency, "version").unwrap_or_default();
        Dependency {
            name,
            version: moved(name, text).unwrap_or_else(|| text.to_owned()),
            repository: field(dependency, "repository").unwrap_or_default(),
            condition: field(dependency, "condition"),
            tags: dependency
                .get("tags")
                .map_or(&[][..], Node::items)
                .iter()
                .filter_map(Node::as_str)
                .collect(),
            alias: field(dependency, "alias"),
        }
    };
    dependencies(document).map(read).collect()
}
