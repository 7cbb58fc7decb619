//! Names and versions of images as plain texts, alone or in lists: what several kinds of files share.

use super::{Fault, FileEdits, SourceFile, Wanted};
use crate::catalog::{ImagePattern, NodeImage};
use crate::stack::edits::NewItem;
use crate::stack::facts::{Roster, RosterEntry, RosterForm};
use crate::stack::roster::{ImageFacts, RosterScope, reconcile};
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path};

/// Finds the Kubernetes version in the name or URL of an image.
pub(super) fn version_in(text: &str) -> Option<KubernetesVersion> {
    ImagePattern::read_url(text).ok().map(|read| read.version)
}

/// Returns the entry that a name or URL stands for.
pub(super) fn entry(line: usize, version: KubernetesVersion, name: &str) -> RosterEntry {
    let read = ImagePattern::read_url(name).ok();
    let url = name.contains("://").then(|| name.to_owned());
    let os = read.and_then(|read| read.os);
    RosterEntry {
        line,
        version,
        name: name.to_owned(),
        os,
        url,
        sha256: None,
        built: None,
    }
}

/// Returns a text about an entry's image as it reads for another image.
pub(super) fn respell(text: &str, entry: &RosterEntry, image: &NodeImage) -> String {
    ImageFacts {
        version: entry.version,
        os: entry.os.as_ref(),
    }
    .respell(text, image)
}

/// Sets the name of the default's image.
pub(super) fn set_default(
    (document, path, raw, standing): (usize, &Path, &str, KubernetesVersion),
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let Some(default) = wanted.default else {
        return Ok(());
    };
    let entry = entry(0, standing, raw);
    let known = wanted
        .default_image
        .filter(|image| image.version == default);
    let unknown = || NodeImage {
        version: default,
        os: entry.os.clone(),
        url: String::new(),
        sha256: None,
        sha512: None,
        digest: None,
        built: None,
        size: None,
    };
    let image = known.cloned().unwrap_or_else(unknown);
    let class = if image.version == standing {
        wanted.image_class(standing, entry.os.as_ref())
    } else {
        wanted.default_class(standing)
    };
    edits.set(document, path, &respell(raw, &entry, &image), class)
}

/// Tells whether a list under this key can be one of versions or images.
pub(super) fn is_list_key(key: &str) -> bool {
    key.ends_with("ersions") || key.ends_with("mages")
}

/// Tells whether a node is a list of texts that each carry a Kubernetes version.
pub(super) fn is_list(node: &Node) -> bool {
    let versioned = |item: &Node| item.as_str().is_some_and(|text| version_in(text).is_some());
    !node.items().is_empty() && node.items().iter().all(versioned)
}

/// Reads a list of versions or image names.
pub(super) fn read(file: &SourceFile, path: &Path, node: &Node) -> Option<Roster> {
    let read_entry = |item: &Node| {
        let name = item.as_str()?;
        Some(entry(item.line(), version_in(name)?, name))
    };
    let entries: Vec<RosterEntry> = node.items().iter().filter_map(read_entry).collect();
    let complete = entries.len() == node.items().len();
    complete.then(|| Roster {
        file: file.path().to_owned(),
        line: node.line(),
        at: path.to_string(),
        form: RosterForm::Names,
        entries,
    })
}

/// Makes a list of versions or image names hold what is wanted, in the minors it speaks of.
pub(super) fn edit(
    (file, document): (&SourceFile, usize),
    path: &Path,
    node: &Node,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let Some(roster) = read(file, path, node) else {
        return Ok(());
    };
    let change = reconcile(&roster.entries, wanted, RosterScope::ListedMinors);
    for (index, class) in &change.remove {
        edits.remove_item(
            document,
            path,
            (*index, &roster.entries[*index].name),
            *class,
        )?;
    }
    for (index, image, class) in &change.replace {
        let entry = &roster.entries[*index];
        edits.set(
            document,
            &path.clone().index(*index),
            &respell(&entry.name, entry, image),
            *class,
        )?;
    }
    for (at, image, class) in &change.insert {
        let like = at.saturating_sub(1);
        let text = respell(&roster.entries[like].name, &roster.entries[like], image);
        let changes = [(Path::root(), text.clone())];
        let item = NewItem {
            document,
            list: path,
            at: *at,
            like,
            changes: &changes,
            without: &[],
        };
        edits.insert_item(&item, &text, *class)?;
    }
    Ok(())
}
