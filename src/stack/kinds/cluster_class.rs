//! ClusterClass manifests: `spec.kubernetesVersions` (v1beta2), oldest first, with at least one version of every minor between the
//! first and the last (kubernetes-sigs/cluster-api pull request 12816); and what of the defaults of its variables and of the values
//! of its patches is claimed.

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted, names};
use crate::stack::stated::ListPlace;
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(super) struct ClusterClass;

impl FileKind for ClusterClass {
    fn name(&self) -> &'static str {
        "ClusterClass"
    }

    fn role(&self) -> Role {
        Role::ClassValues
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        place.starts_with("cluster-class/templates/")
            && text.contains("kind: ClusterClass")
            && (text.contains("kubernetesVersions:") || super::names_a_version(text))
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        for (_, path, node) in lists(file) {
            facts.image_lists.extend(names::read(file, &path, node));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        for (index, path, node) in lists(file) {
            names::edit((file, index), &path, node, wanted, edits)?;
        }
        Ok(())
    }
}

/// Returns the places of a ClusterClass whose values are free: defaults and examples of variables, and values and templates of
/// patches.
pub(in crate::stack) fn free_places(file: &Document) -> Vec<ListPlace> {
    let mut found = Vec::new();
    for (document, root) in file.documents().iter().enumerate() {
        if root.get("kind").and_then(Node::as_str) != Some("ClusterClass") {
            continue;
        }
        for list in ["variables", "patches"] {
            let path = super::keys(&["spec", list]);
            if let Some(node) = root.at(&path) {
                collect_free(document, &path, node, &mut found);
            }
        }
    }
    found
}

fn collect_free(document: usize, path: &Path, node: &Node, found: &mut Vec<ListPlace>) {
    for (index, item) in node.own_items().iter().enumerate() {
        collect_free(document, &path.clone().index(index), item, found);
    }
    for (key, _, value) in node.own_entries() {
        let path = path.clone().key(key);
        let is_template = key == "template" && value.as_str().is_some();
        if is_template || matches!(key, "default" | "example" | "value") {
            found.push(ListPlace { document, path });
        } else {
            collect_free(document, &path, value, found);
        }
    }
}

fn lists(file: &Document) -> impl Iterator<Item = (usize, Path, &Node)> {
    let path = super::keys(&["spec", "kubernetesVersions"]);
    file.documents()
        .iter()
        .enumerate()
        .filter_map(move |(index, document)| {
            let kind = document.get("kind")?.as_str()?;
            let node = document
                .at(&path)
                .filter(|node| kind == "ClusterClass" && names::is_version_list(node))?;
            Some((index, path.clone(), node))
        })
}
