//! Values of a chart that its manifests read: as an image, or as a piece of one that a template puts together.

use super::Scan;
use crate::stack::group::{self, Algorithm, ImageGroup, ImagePart, Member, Stuck};
use crate::stack::kinds::is_default_place;
use crate::stack::stated::{Reading, ValueRef};
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path};

impl Scan<'_> {
    /// Claims the values that one manifest reads as its image.
    pub(super) fn referenced(&mut self, root: &Node, refs: &[ValueRef]) {
        let mut of_manifests: Vec<Vec<&ValueRef>> = Vec::new();
        for one in refs {
            match of_manifests.last_mut() {
                Some(last) if last[0].manifest == one.manifest => last.push(one),
                Some(_) | None => of_manifests.push(vec![one]),
            }
        }
        // A value that one manifest cannot follow in holds it for the others that read it.
        of_manifests.sort_by_key(|refs| {
            refs.iter()
                .all(|one| one.reading != Reading::Split && !one.is_identity)
        });
        for of_manifest in of_manifests {
            self.manifest(root, &of_manifest);
        }
    }

    fn manifest(&mut self, root: &Node, refs: &[&ValueRef]) {
        let mut members = Vec::new();
        let mut version = None;
        let mut line = usize::MAX;
        for one in refs.iter().filter(|one| one.reading != Reading::Piece) {
            let path = keys(&one.value);
            let Some((node, text)) = written(root, &path) else {
                continue;
            };
            let found = group::version_of(text);
            let whole = match one.part {
                ImagePart::Url | ImagePart::Name if found.is_none() => {
                    if !one.is_identity {
                        continue;
                    }
                    // The name of the resource carries no version, so the image in it is taken for the default's.
                    version = version.or(self.known.default);
                    ImagePart::Stuck(Stuck::Identity)
                }
                ImagePart::Url | ImagePart::Name => {
                    version = version.or(found);
                    group::part_of(text)
                }
                ImagePart::Sum(_) if text.contains("://") => ImagePart::SumUrl,
                ImagePart::Sum(named) if one.is_sum_by_look => {
                    ImagePart::Sum(Algorithm::of_sum(text).unwrap_or(named))
                }
                part => part,
            };
            let part = match one.reading {
                Reading::Split => ImagePart::Stuck(Stuck::Split),
                Reading::Whole | Reading::Piece => whole,
            };
            // Another manifest may read it too.
            if !self.is_claimed(&path) {
                line = line.min(node.line());
                members.push(Member { path, part });
            }
        }
        if let Some(version) = version.filter(|_| !members.is_empty()) {
            self.add_companions(root, version, &mut members);
            self.push(ImageGroup {
                document: self.document,
                line,
                version,
                members,
                full: None,
            });
        }
    }

    /// Claims values that name a version and are pieces of an image, so that nobody leaves the image behind.
    pub(super) fn pieces(&mut self, root: &Node, refs: &[ValueRef]) {
        for one in refs.iter().filter(|one| one.part != ImagePart::OsVersion) {
            let path = keys(&one.value);
            let Some((node, text)) = written(root, &path) else {
                continue;
            };
            if self.is_claimed(&path) {
                continue;
            }
            let Some(version) = group::version_of(text).or_else(|| text.parse().ok()) else {
                continue;
            };
            let stuck = match one.reading {
                // The stack's version moves there as everywhere, and the image with it.
                Reading::Piece if is_default_place(&path) => continue,
                Reading::Whole => continue,
                Reading::Split => Stuck::Split,
                Reading::Piece => Stuck::Piece,
            };
            let mut group = self.stuck_alone(path, node, version, stuck);
            if one.reading == Reading::Piece {
                let full = put_together(root, one, version);
                let is_of_series = full.as_deref().is_some_and(|full| self.is_of_series(full));
                if one.is_doubtful && !is_of_series {
                    continue;
                }
                group.full = full;
                if group.full.is_some() {
                    group.members[0].part = ImagePart::Tag;
                }
            }
            self.push(group);
        }
    }
}

/// Returns the image that a template puts together of a value and others; nothing where it does more than print them, or the
/// image is of another version.
fn put_together(root: &Node, one: &ValueRef, version: KubernetesVersion) -> Option<String> {
    let full = group::evaluated(one.template.as_deref()?, |names| {
        Some(written(root, &keys(names))?.1)
    })?;
    (group::version_of(&full) == Some(version)).then_some(full)
}

pub(super) fn keys(names: &[String]) -> Path {
    names
        .iter()
        .fold(Path::root(), |path, name| path.key(name.as_str()))
}

fn written<'n>(root: &'n Node, path: &Path) -> Option<(&'n Node, &'n str)> {
    let node = root.at(path)?;
    Some((node, node.as_str().filter(|text| !text.is_empty())?))
}
