//! Cluster addon charts: one umbrella chart, or one chart per addon. Dependencies that belong to a Kubernetes minor follow it.

use super::{Document, Fact, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(super) struct AddonChart;

impl FileKind for AddonChart {
    fn name(&self) -> &'static str {
        "cluster addon chart"
    }

    fn role(&self) -> Role {
        Role::AddonChart
    }

    fn claims(&self, place: &str, _text: &str) -> bool {
        place.starts_with("cluster-addon/") && place.ends_with("/Chart.yaml")
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        let path = super::keys(&["name"]);
        if let Some((node, name)) = super::text_at(document, &path) {
            let minor = super::minor_in_name(name).map(|(_, minor)| minor);
            facts.references.push(super::reference(
                file,
                &path,
                node,
                Fact::AddonChart { minor },
            ));
        }
        for dependency in dependencies(document) {
            let Some(node) = dependency.version() else {
                continue;
            };
            let (version, range) = super::read_chart_version(node);
            let fact = Fact::ChartDependency {
                chart: dependency.name.to_owned(),
                repository: repository_of(file, dependency.node),
                version,
                range,
            };
            facts
                .references
                .push(super::reference(file, &dependency.path, node, fact));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let Some(document) = file.documents().first() else {
            return Ok(());
        };
        let path = super::keys(&["name"]);
        if let Some((_, name)) = super::text_at(document, &path) {
            super::set_chart_name(file, &path, name, wanted, edits)?;
        }
        for dependency in dependencies(document) {
            if let Some(node) = dependency.version() {
                super::set_chart(file, &dependency.path, node, wanted, edits)?;
            }
        }
        Ok(())
    }
}

/// One dependency of a chart, or of its lock.
pub(super) struct DependencyEntry<'n> {
    /// Its place in the list.
    pub(super) index: usize,
    /// The place of its version.
    pub(super) path: Path,
    pub(super) name: &'n str,
    pub(super) node: &'n Node,
}

impl<'n> DependencyEntry<'n> {
    /// Returns its version, where one stands there.
    pub(super) fn version(&self) -> Option<&'n Node> {
        let (node, _) = super::text_at(self.node, &super::keys(&["version"]))?;
        Some(node)
    }
}

/// Returns the dependencies of a Chart.yaml or a Chart.lock.
pub(super) fn dependencies(document: &Node) -> impl Iterator<Item = DependencyEntry<'_>> {
    let items = document.get("dependencies").map_or(&[][..], Node::items);
    // Counted before entries without a name are left out: the entry of a lock is known by its place.
    items.iter().enumerate().filter_map(|(index, node)| {
        let list = super::keys(&["dependencies"]);
        Some(DependencyEntry {
            index,
            path: list.index(index).key("version"),
            name: node.get("name")?.as_str()?,
            node,
        })
    })
}

/// Returns the repository of a dependency; an alias of YAML, as it is written, which is none.
fn repository_of(file: &Document, dependency: &Node) -> String {
    let Some(node) = dependency.get("repository") else {
        return String::new();
    };
    if node.is_alias() {
        file.text()[node.range()].to_owned()
    } else {
        node.as_str().unwrap_or_default().to_owned()
    }
}
