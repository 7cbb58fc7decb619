//! Machine templates of infrastructure providers that name a node image as literal text: OpenStack, CloudStack, Docker, Metal3
//! and KubeVirt. Images put together by Helm or by ClusterClass patches are not sites.

use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted, names};
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(super) struct MachineTemplate;

const SPEC: [&str; 3] = ["spec", "template", "spec"];

/// Where templates name their image, below `spec.template.spec`.
const PLACES: [&[&str]; 7] = [
    &["image"],
    &["image", "filter", "name"],
    &["image", "imageRef", "name"],
    &["image", "url"],
    &["customImage"],
    &["template"],
    &["template", "name"],
];

impl FileKind for MachineTemplate {
    fn name(&self) -> &'static str {
        "machine template"
    }

    fn part(&self) -> Part {
        Part::Stack
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        place.starts_with("cluster-class/templates/")
            && text.contains("MachineTemplate\n")
            && text.contains("mage")
            || place.starts_with("cluster-class/templates/")
                && text.contains("CloudStackMachineTemplate")
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        for place in places(file) {
            facts.sites.push(super::site(
                file,
                &place.path,
                place.node,
                Fact::ImageName {
                    version: place.version,
                },
            ));
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &SourceFile,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        for place in places(file) {
            let raw = place.node.as_str().unwrap_or_default();
            check_sum(file, &place, wanted)?;
            names::set_default(
                (place.document, &place.path, raw, place.version),
                wanted,
                edits,
            )?;
        }
        Ok(())
    }
}

struct ImagePlace<'f> {
    document: usize,
    path: Path,
    node: &'f Node,
    version: KubernetesVersion,
    sum: Option<&'f Node>,
}

fn places(file: &SourceFile) -> Vec<ImagePlace<'_>> {
    let mut found = Vec::new();
    for (document, root) in file.documents().iter().enumerate() {
        let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default();
        if !kind.ends_with("MachineTemplate") {
            continue;
        }
        for place in PLACES {
            let path = place
                .iter()
                .fold(super::keys(&SPEC), |path, key| path.key(*key));
            let Some((node, text)) = super::text_at(root, &path) else {
                continue;
            };
            let Some(version) = names::version_in(text) else {
                continue;
            };
            let sum = root.at(&super::keys(&SPEC).key("image").key("checksum"));
            found.push(ImagePlace {
                document,
                path,
                node,
                version,
                sum,
            });
        }
    }
    found
}

/// A template that pins its image's checksum needs both changed at once, which is left to a person.
fn check_sum(file: &SourceFile, place: &ImagePlace<'_>, wanted: &Wanted<'_>) -> Result<(), Fault> {
    let pinned = place.sum.filter(|_| {
        wanted
            .default
            .is_some_and(|default| default != place.version)
    });
    match pinned {
        Some(sum) => Err(Fault::new(
            file.path(),
            sum.line(),
            "the machine template pins a checksum of its image",
            "change URL and checksum by hand, or name the image without a checksum",
        )),
        None => Ok(()),
    }
}
