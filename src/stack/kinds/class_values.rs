//! cluster-class/values.yaml: the default version, maps from Kubernetes version to image (`kubernetesVersionImages`, Giant Swarm
//! RFC 0015), lists of Kubernetes versions, and what of its free values is claimed: names and URLs of the stack's images.

use super::names;
use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::catalog::{ImagePattern, NodeImage};
use crate::stack::edits::{KeyRename, NewKey};
use crate::stack::facts::{FaultKind, ImageList, ImageListEntry, ImageListForm};
use crate::stack::image_list::{ImageListScope, Listing, reconcile};
use crate::stack::stated::ListPlace;
use crate::yaml::{KeyPlace, Node, Path};

#[derive(Debug)]
pub(super) struct ClassValues;

/// Keys with one meaning, wherever they stand. `kubernetesVersion` of a chart's own subcharts is theirs.
const MAP: &str = "kubernetesVersionImages";
const VERSIONS: &str = "kubernetesVersions";
const DEFAULT: [&[&str]; 2] = [&["kubernetesVersion"], &["global", "kubernetesVersion"]];

impl FileKind for ClassValues {
    fn name(&self) -> &'static str {
        "cluster class values"
    }

    fn role(&self) -> Role {
        Role::ClassValues
    }

    fn place(&self) -> Option<&'static str> {
        Some("cluster-class/values.yaml")
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        for (index, document) in file.documents().iter().enumerate() {
            for place in DEFAULT {
                let path = super::keys(place);
                if let Some((node, text)) = super::text_at(document, &path)
                    && let Some(fact) = super::kubernetes_fact(text)
                {
                    facts
                        .references
                        .push(super::reference(file, &path, node, fact));
                }
            }
            for list in lists(index, document) {
                match list.holds {
                    Holds::Map => facts.image_lists.push(read_map(file, &list)?),
                    Holds::Versions => facts.image_lists.extend(names::read(file, &list.place)),
                }
            }
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        for (index, document) in file.documents().iter().enumerate() {
            for place in DEFAULT {
                let path = super::keys(place);
                if let Some((_, raw)) = super::text_at(document, &path) {
                    super::set_kubernetes(index, &path, raw, wanted, edits)?;
                }
            }
            for list in lists(index, document) {
                match list.holds {
                    Holds::Map => edit_map(file, &list, wanted, edits)?,
                    Holds::Versions => names::edit(file, &list.place, wanted, edits)?,
                }
            }
        }
        Ok(())
    }
}

/// Tells whether a place states the stack's Kubernetes version.
pub(in crate::stack) fn is_default_place(path: &Path) -> bool {
    DEFAULT.iter().any(|place| super::keys(place) == *path)
}

/// Tells whether a key has one meaning wherever it stands, so that nothing below it is free.
pub(in crate::stack) fn has_meaning(key: &str) -> bool {
    key == MAP || key == VERSIONS
}

/// What a list in the values holds.
enum Holds {
    /// A map from version to image.
    Map,
    /// A list of Kubernetes versions.
    Versions,
}

/// A map or a list that is known by its key.
struct KnownList<'n> {
    place: ListPlace,
    node: &'n Node,
    holds: Holds,
}

/// Finds the maps and lists of a document that are known by their keys.
fn lists(document: usize, root: &Node) -> Vec<KnownList<'_>> {
    let mut found = Vec::new();
    collect(document, root, &Path::root(), &mut found);
    found
}

fn collect<'n>(document: usize, node: &'n Node, path: &Path, found: &mut Vec<KnownList<'n>>) {
    for (index, item) in node.own_items().iter().enumerate() {
        collect(document, item, &path.clone().index(index), found);
    }
    for (key, _, value) in node.own_entries() {
        let below = path.clone().key(key);
        let holds = match key {
            MAP if value.is_map() => Holds::Map,
            VERSIONS if names::is_version_list(value) => Holds::Versions,
            _ => {
                collect(document, value, &below, found);
                continue;
            }
        };
        found.push(KnownList {
            place: ListPlace {
                document,
                path: below,
            },
            node: value,
            holds,
        });
    }
}

fn read_map(file: &Document, list: &KnownList<'_>) -> Result<ImageList, Fault> {
    let node = list.node;
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
        Ok(ImageListEntry {
            name: key.to_owned(),
            ..entry
        })
    });
    let values = node.entries().filter_map(|(_, _, value)| value.as_str());
    Ok(ImageList {
        file: file.path().to_owned(),
        line: node.line(),
        at: list.place.path.to_string(),
        form: ImageListForm::VersionMap,
        entries: entries.collect::<Result<_, Fault>>()?,
        names: values
            .filter_map(|name| ImagePattern::of_url(name).ok())
            .collect(),
    })
}

/// Returns what the value of an entry says where it is about another image.
fn value_about(
    file: &Document,
    map: &Node,
    entry: &ImageListEntry,
    image: &NodeImage,
) -> Result<String, Fault> {
    let Some(value) = map.get(&entry.name).and_then(Node::as_str) else {
        let message = format!("`{}` has a map here, not the name of an image", entry.name);
        let hint = "write the name or the URL of the image, or change the map by hand";
        return Err(Fault {
            kind: FaultKind::Unmovable,
            ..Fault::new(file.path(), entry.line, message, hint)
        });
    };
    if entry.url.is_some() {
        return Ok(names::respell(value, entry, image));
    }
    names::name_of_another(file, entry.line, value, entry.version, image)
}

fn edit_map(
    file: &Document,
    list: &KnownList<'_>,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let (document, path, node) = (list.place.document, &list.place.path, list.node);
    let image_list = read_map(file, list)?;
    let listing = Listing::new(file.path(), &image_list.entries, wanted);
    let change = reconcile(&listing, wanted, ImageListScope::ListedMinors);
    for (index, class) in &change.remove {
        edits.remove_key(document, path, &image_list.entries[*index].name, *class)?;
    }
    for (index, image, class) in &change.replace {
        let entry = &image_list.entries[*index];
        let value = value_about(file, node, entry, image)?;
        // Under the old key although it gets another name: paths of edits are those of the text as it is.
        edits.set(document, &path.clone().key(&entry.name), &value, *class)?;
        let key = image.version.spelled_like(&entry.name);
        if key != entry.name {
            let renamed = KeyRename {
                document,
                map: path,
                old: &entry.name,
                new: &key,
            };
            edits.rename_key(&renamed, *class)?;
        }
    }
    for insert in &change.insert {
        let like = &image_list.entries[insert.like];
        let value = value_about(file, node, like, &insert.image)?;
        let key = insert.image.version.spelled_like(&like.name);
        let before = insert.at.checked_sub(1);
        let place = match before.and_then(|before| image_list.entries.get(before)) {
            Some(before) => KeyPlace::After(&before.name),
            None => KeyPlace::First,
        };
        let new = NewKey {
            document,
            map: path,
            place,
            key: &key,
            value: &value,
        };
        edits.insert_key(&new, insert.class)?;
    }
    Ok(())
}
