//! cluster-class/values.yaml: names of the default's image, maps from Kubernetes version to image
//! (`kubernetesVersionImages`, Giant Swarm RFC 0015) and lists of versions or images.

use super::names;
use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted};
use crate::stack::facts::{Roster, RosterEntry, RosterForm};
use crate::stack::roster::{RosterScope, reconcile};
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path, Place};

#[derive(Debug)]
pub(super) struct ClassValues;

const MAP: &str = "kubernetesVersionImages";
const DEFAULT: &str = "kubernetesVersion";

impl FileKind for ClassValues {
    fn name(&self) -> &'static str {
        "cluster class values"
    }

    fn part(&self) -> Part {
        Part::Stack
    }

    fn claims(&self, place: &str, _text: &str) -> bool {
        place == "cluster-class/values.yaml"
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        for document in file.documents() {
            for (path, node, place) in places(document) {
                match place {
                    Holds::Default => {
                        if let Some(fact) = node.as_str().and_then(super::kubernetes_fact) {
                            facts.sites.push(super::site(file, &path, node, fact));
                        }
                    }
                    Holds::ImageName(version) => {
                        facts.sites.push(super::site(
                            file,
                            &path,
                            node,
                            Fact::ImageName { version },
                        ));
                    }
                    Holds::Map => facts.rosters.push(read_map(file, &path, node)?),
                    Holds::Names => facts.rosters.extend(names::read(file, &path, node)),
                }
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
        for (index, document) in file.documents().iter().enumerate() {
            for (path, node, place) in places(document) {
                let raw = node.as_str().unwrap_or_default();
                match place {
                    Holds::Default => super::set_kubernetes((index, &path, raw), wanted, edits)?,
                    Holds::ImageName(version) => {
                        names::set_default((index, &path, raw, version), wanted, edits)?;
                    }
                    Holds::Map => {
                        edit_map(index, &read_map(file, &path, node)?, &path, wanted, edits)?;
                    }
                    Holds::Names => names::edit((file, index), &path, node, wanted, edits)?,
                }
            }
        }
        Ok(())
    }
}

/// What a site in the values holds.
enum Holds {
    /// The default version.
    Default,
    /// The name of the default's image.
    ImageName(KubernetesVersion),
    /// A map from version to image.
    Map,
    /// A list of versions or image names.
    Names,
}

/// Finds the places that hold facts: maps and lists by their key, names of images below `images` or under a key that says so.
fn places(document: &Node) -> Vec<(Path, &Node, Holds)> {
    let mut found = Vec::new();
    collect(document, &Path::root(), false, &mut found);
    found
}

fn collect<'n>(
    node: &'n Node,
    path: &Path,
    below_images: bool,
    found: &mut Vec<(Path, &'n Node, Holds)>,
) {
    for (index, item) in node.items().iter().enumerate() {
        collect(item, &path.clone().index(index), below_images, found);
    }
    for (key, _, value) in node.entries() {
        let path = path.clone().key(key);
        let text = value.as_str().unwrap_or_default();
        let names_image = (below_images && key == "name") || key == "image" || key == "imageName";
        if key == MAP && value.is_map() {
            found.push((path, value, Holds::Map));
        } else if key == DEFAULT && super::kubernetes_fact(text).is_some() {
            found.push((path, value, Holds::Default));
        } else if names_image && let Some(version) = names::version_in(text) {
            found.push((path, value, Holds::ImageName(version)));
        } else if names::is_list_key(key) && names::is_list(value) {
            found.push((path, value, Holds::Names));
        } else {
            collect(value, &path, below_images || key == "images", found);
        }
    }
}

fn read_map(file: &SourceFile, path: &Path, node: &Node) -> Result<Roster, Fault> {
    let entries = node.entries().map(|(key, key_node, value)| {
        let version = key.parse().map_err(|error| {
            Fault::new(
                file.path(),
                key_node.line(),
                format!("{error}"),
                "write the version in full, such as v1.34.7",
            )
        })?;
        let name = value.as_str().unwrap_or_default();
        let entry = names::entry(key_node.line(), version, name);
        Ok(RosterEntry {
            name: key.to_owned(),
            ..entry
        })
    });
    let entries = entries.collect::<Result<_, Fault>>()?;
    Ok(Roster {
        file: file.path().to_owned(),
        line: node.line(),
        at: path.to_string(),
        form: RosterForm::VersionMap,
        entries,
    })
}

fn edit_map(
    document: usize,
    roster: &Roster,
    path: &Path,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let change = reconcile(&roster.entries, wanted, RosterScope::ListedMinors);
    let node = edits.node(document, path);
    let value_of = |key: &str| {
        node.and_then(|node| node.get(key))
            .and_then(Node::as_str)
            .unwrap_or_default()
    };
    for (index, class) in &change.remove {
        edits.remove_key(document, path, &roster.entries[*index].name, *class)?;
    }
    for (index, image, class) in &change.replace {
        let entry = &roster.entries[*index];
        let value = names::respell(value_of(&entry.name), entry, image);
        edits.set(document, &path.clone().key(&entry.name), &value, *class)?;
        let key = image.version.spelled_like(&entry.name);
        if key != entry.name {
            edits.rename_key(document, path, (&entry.name, &key), *class)?;
        }
    }
    for (at, image, class) in &change.insert {
        let Some(like) = roster.entries.get(at.saturating_sub(1)) else {
            continue;
        };
        let value = names::respell(value_of(&like.name), like, image);
        let key = image.version.spelled_like(&like.name);
        let place = if *at == 0 {
            Place::First
        } else {
            Place::After(&like.name)
        };
        edits.insert_key(document, path, place, (&key, &value, *class))?;
    }
    Ok(())
}
