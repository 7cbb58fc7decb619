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
        for list in lists(file) {
            facts.image_lists.extend(names::read(file, &list));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        for list in lists(file) {
            names::edit(file, &list, wanted, edits)?;
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
        let place = path.clone().key(key);
        let is_template = key == "template" && value.as_str().is_some();
        if is_template || matches!(key, "default" | "example" | "value") {
            found.push(ListPlace {
                document,
                path: place,
            });
        } else {
            collect_free(document, &place, value, found);
        }
    }
}

/// Finds the lists of versions that classes may be used with.
fn lists(file: &Document) -> impl Iterator<Item = ListPlace> + '_ {
    let path = super::keys(&["spec", "kubernetesVersions"]);
    let documents = file.documents().iter().enumerate();
    documents.filter_map(move |(document, root)| {
        let is_class = root.get("kind").and_then(Node::as_str) == Some("ClusterClass");
        let has_list = root.at(&path).is_some_and(names::is_version_list);
        (is_class && has_list).then(|| ListPlace {
            document,
            path: path.clone(),
        })
    })
}
