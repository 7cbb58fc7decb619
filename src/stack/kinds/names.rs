//! Lists of versions or image names as plain texts: what several kinds of files share.

use super::{Document, Fault, FileEdits, Wanted};
use crate::catalog::{ImagePattern, NodeImage};
use crate::stack::edits::{ItemPlace, NewItem};
use crate::stack::facts::{FaultKind, ImageList, ImageListEntry, ImageListForm};
use crate::stack::group;
use crate::stack::image_list::{ImageFacts, ImageListScope, Listing, reconcile};
use crate::stack::stated::ListPlace;
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path};

/// Finds the Kubernetes version in the name or URL of an image.
pub(super) fn version_in(text: &str) -> Option<KubernetesVersion> {
    ImagePattern::read_url(text).ok().map(|read| read.version)
}

/// Returns the entry that a name or URL stands for.
pub(super) fn entry(line: usize, version: KubernetesVersion, name: &str) -> ImageListEntry {
    let read = ImagePattern::read_url(name).ok();
    let is_located = group::part_of(name) == group::ImagePart::Url;
    ImageListEntry {
        name: name.to_owned(),
        os: read.and_then(|read| read.os),
        url: is_located.then(|| name.to_owned()),
        ..ImageListEntry::new(line, version)
    }
}

/// Returns a text about an entry's image as it reads for another image.
pub(super) fn respell(text: &str, entry: &ImageListEntry, image: &NodeImage) -> String {
    ImageFacts {
        version: entry.version,
        os: entry.os.as_ref(),
    }
    .respell(text, image)
}

/// Returns the name of an entry as it reads for another image, or the fault of a name that cannot be that image's.
pub(super) fn name_of_another(
    file: &Document,
    line: usize,
    name: &str,
    standing: KubernetesVersion,
    image: &NodeImage,
) -> Result<String, Fault> {
    let is_version = name.parse::<KubernetesVersion>().is_ok();
    if is_version {
        return Ok(image.version.spelled_like(name));
    }
    group::name_about(name, standing, image).map_err(|unmovable| Fault {
        kind: FaultKind::Unmovable,
        ..unmovable.on_line(file, line, name)
    })
}

/// Tells whether a node is a list of versions in full.
pub(super) fn is_version_list(node: &Node) -> bool {
    let mut texts = node.items().iter().map(Node::as_str);
    !node.items().is_empty()
        && texts.all(|text| text.is_some_and(|text| text.parse::<KubernetesVersion>().is_ok()))
}

/// Reads a list of versions or image names.
pub(in crate::stack) fn read(file: &Document, list: &ListPlace) -> Option<ImageList> {
    let node = list.node(file)?;
    let entries: Vec<ImageListEntry> = node.items().iter().filter_map(read_entry).collect();
    let complete = entries.len() == node.items().len();
    // Entries are known by the indices of their items: a list in which one item is no image is another list.
    complete.then(|| ImageList {
        file: file.path().to_owned(),
        line: node.line(),
        at: list.path.to_string(),
        form: ImageListForm::Names,
        entries,
        names: Vec::new(),
    })
}

fn read_entry(item: &Node) -> Option<ImageListEntry> {
    let name = item.as_str()?;
    Some(entry(item.line(), version_in(name)?, name))
}

/// Makes a list of versions or image names hold what is wanted, in the minors it speaks of.
pub(in crate::stack) fn edit(
    file: &Document,
    list: &ListPlace,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let Some(image_list) = read(file, list) else {
        return Ok(());
    };
    let (document, path) = (list.document, &list.path);
    let listing = Listing::new(file.path(), &image_list.entries, wanted);
    let change = reconcile(&listing, wanted, ImageListScope::ListedMinors);
    for (index, class) in &change.remove {
        let name = &image_list.entries[*index].name;
        let item = ItemPlace {
            document,
            list: path,
            index: *index,
        };
        edits.remove_item(&item, name, *class)?;
    }
    for (index, image, class) in &change.replace {
        let text = text_of_another(file, &image_list.entries[*index], image)?;
        edits.set(document, &path.clone().index(*index), &text, *class)?;
    }
    for insert in &change.insert {
        let text = text_of_another(file, &image_list.entries[insert.like], &insert.image)?;
        let changes = [(Path::root(), text.clone())];
        let item = NewItem {
            document,
            list: path,
            at: insert.at,
            like: insert.like,
            changes: &changes,
            without: &[],
        };
        edits.insert_item(&item, &text, insert.class)?;
    }
    Ok(())
}

/// Returns an entry's text as it reads for another image: its URL, its name or its version.
fn text_of_another(
    file: &Document,
    entry: &ImageListEntry,
    image: &NodeImage,
) -> Result<String, Fault> {
    match entry.url {
        Some(_) => Ok(respell(&entry.name, entry, image)),
        None => name_of_another(file, entry.line, &entry.name, entry.version, image),
    }
}
