//! ClusterClass manifests (v1beta2): `spec.kubernetesVersions`, oldest first, with at least one version of every minor between
//! the first and the last (kubernetes-sigs/cluster-api pull request 12816).

use super::{Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted, names};
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(super) struct ClusterClass;

impl FileKind for ClusterClass {
    fn name(&self) -> &'static str {
        "ClusterClass"
    }

    fn part(&self) -> Part {
        Part::Stack
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        place.starts_with("cluster-class/templates/")
            && text.contains("kind: ClusterClass")
            && text.contains("kubernetesVersions:")
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        for (_, path, node) in lists(file) {
            facts.rosters.extend(names::read(file, &path, node));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &SourceFile,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        for (index, path, node) in lists(file) {
            names::edit((file, index), &path, node, wanted, edits)?;
        }
        Ok(())
    }
}

fn lists(file: &SourceFile) -> impl Iterator<Item = (usize, Path, &Node)> {
    let path = super::keys(&["spec", "kubernetesVersions"]);
    file.documents()
        .iter()
        .enumerate()
        .filter_map(move |(index, document)| {
            let kind = document.get("kind")?.as_str()?;
            let node = document
                .at(&path)
                .filter(|node| kind == "ClusterClass" && names::is_list(node))?;
            Some((index, path.clone(), node))
        })
}
