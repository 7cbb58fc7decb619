//! Cluster addon charts: one umbrella chart, or one chart per addon. Dependencies that belong to a Kubernetes minor follow it.

use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted};
use crate::version::ChartVersion;
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(super) struct AddonChart;

impl FileKind for AddonChart {
    fn name(&self) -> &'static str {
        "cluster addon chart"
    }

    fn part(&self) -> Part {
        Part::ClusterAddon
    }

    fn claims(&self, place: &str, _text: &str) -> bool {
        place.starts_with("cluster-addon/") && place.ends_with("/Chart.yaml")
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        let path = super::keys(&["name"]);
        if let Some((node, name)) = super::text_at(document, &path) {
            let minor = super::minor_in_name(name).map(|(_, minor)| minor);
            facts
                .sites
                .push(super::site(file, &path, node, Fact::AddonChart { minor }));
        }
        for (path, chart, dependency) in dependencies(document) {
            let Some((node, text)) = super::text_at(dependency, &super::keys(&["version"])) else {
                continue;
            };
            let repository = super::text_at(dependency, &super::keys(&["repository"]))
                .map_or("", |(_, url)| url);
            let fact = Fact::ChartDependency {
                chart: chart.to_owned(),
                repository: repository.to_owned(),
                version: text.parse().ok(),
            };
            facts.sites.push(super::site(file, &path, node, fact));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &SourceFile,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        let path = super::keys(&["name"]);
        if let Some((_, name)) = super::text_at(document, &path) {
            super::set_chart_name((file, &path, name), wanted, edits)?;
        }
        for (path, chart, dependency) in dependencies(document) {
            let Some((_, text)) = super::text_at(dependency, &super::keys(&["version"])) else {
                continue;
            };
            let (Some(version), Ok(_)) = (wanted.charts.get(chart), text.parse::<ChartVersion>())
            else {
                continue;
            };
            edits.set(0, &path, &version.to_string(), wanted.chart_class(text))?;
        }
        Ok(())
    }
}

/// Yields the place of each dependency's version, the chart's name and the dependency.
pub(super) fn dependencies(document: &Node) -> impl Iterator<Item = (Path, &str, &Node)> {
    let items = document.get("dependencies").map_or(&[][..], Node::items);
    items.iter().enumerate().filter_map(|(index, dependency)| {
        let chart = dependency.get("name")?.as_str()?;
        Some((
            super::keys(&["dependencies"]).index(index).key("version"),
            chart,
            dependency,
        ))
    })
}
