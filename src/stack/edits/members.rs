//! Members that come and go: items of lists, keys of maps, documents of a file.

use super::{EditNote, FileEdits};
use crate::policy::ChangeClass;
use crate::stack::facts::Fault;
use crate::yaml::{Editor, KeyPlace, KeyValue, Node, Path, Shape, YamlError};

/// A new entry for a list.
pub struct NewItem<'a> {
    /// The document of the file.
    pub document: usize,
    /// The list.
    pub list: &'a Path,
    /// The index it is inserted before.
    pub at: usize,
    /// The index of the entry it is shaped after.
    pub like: usize,
    /// What differs from that entry: places within the entry, and their values.
    pub changes: &'a [(Path, String)],
    /// Keys that are not carried over.
    pub without: &'a [&'a str],
}

/// An entry of a list.
pub struct ItemPlace<'a> {
    /// The document of the file.
    pub document: usize,
    /// The list.
    pub list: &'a Path,
    /// Its index in the list.
    pub index: usize,
}

/// Another name for a key.
pub struct KeyRename<'a> {
    /// The document of the file.
    pub document: usize,
    /// The map.
    pub map: &'a Path,
    /// The key as it is.
    pub old: &'a str,
    /// The key as it is to be.
    pub new: &'a str,
}

/// A new key with a scalar value.
pub struct NewKey<'a> {
    /// The document of the file.
    pub document: usize,
    /// The map.
    pub map: &'a Path,
    /// Where in the map it goes.
    pub place: KeyPlace<'a>,
    /// The key.
    pub key: &'a str,
    /// Its value.
    pub value: &'a str,
}

/// A new document for a file.
pub struct NewDocument<'a> {
    /// The document it is inserted before.
    pub at: usize,
    /// The document it is shaped after.
    pub like: usize,
    /// What differs from that document: places, and their values.
    pub changes: &'a [(Path, String)],
}

/// The place of whole documents, as [`EditNote::at`] names it.
const AT_DOCUMENT: &str = "document";

impl<'f> FileEdits<'f> {
    /// Inserts an entry into a list; `name` is what people call it.
    pub fn insert_item(
        &mut self,
        item: &NewItem<'_>,
        name: &str,
        class: ChangeClass,
    ) -> Result<(), Fault> {
        let note = EditNote {
            line: self.item_line(item.document, item.list, item.at),
            at: item.list.to_string(),
            from: None,
            to: Some(name.to_owned()),
            class,
        };
        let shape = shape(item.like, item.changes, item.without);
        self.make_in(item.document, item.list, note, |editor| {
            let inserted = editor.insert_item(item.document, item.list, item.at, &shape);
            inserted.map(drop)
        })
    }

    /// Removes an entry of a list; `name` is what people call it.
    pub fn remove_item(
        &mut self,
        item: &ItemPlace<'_>,
        name: &str,
        class: ChangeClass,
    ) -> Result<(), Fault> {
        let ItemPlace {
            document,
            list,
            index,
        } = *item;
        let note = EditNote {
            line: self.item_line(document, list, index),
            at: list.to_string(),
            from: Some(name.to_owned()),
            to: None,
            class,
        };
        self.make_in(document, list, note, |editor| {
            editor.remove_item(document, list, index).map(drop)
        })
    }

    /// Inserts a key with a scalar value.
    pub fn insert_key(&mut self, new: &NewKey<'_>, class: ChangeClass) -> Result<(), Fault> {
        let note = EditNote {
            line: self.line_of(new.document, new.map),
            at: new.map.clone().key(new.key).to_string(),
            from: None,
            to: Some(new.value.to_owned()),
            class,
        };
        self.make_in(new.document, new.map, note, |editor| {
            let entry = KeyValue::new(new.key, new.value);
            let inserted = editor.insert_key(new.document, new.map, new.place, entry);
            inserted.map(drop)
        })
    }

    /// Renames a key.
    pub fn rename_key(&mut self, key: &KeyRename<'_>, class: ChangeClass) -> Result<(), Fault> {
        let KeyRename {
            document,
            map,
            old,
            new,
        } = *key;
        let note = EditNote {
            line: self.line_of(document, &map.clone().key(old)),
            at: map.to_string(),
            from: Some(old.to_owned()),
            to: Some(new.to_owned()),
            class,
        };
        self.make_in(document, map, note, |editor| {
            editor.rename_key(document, map, old, new).map(drop)
        })
    }

    /// Removes a key with its value.
    pub fn remove_key(
        &mut self,
        document: usize,
        map: &Path,
        key: &str,
        class: ChangeClass,
    ) -> Result<(), Fault> {
        let path = map.clone().key(key);
        let note = EditNote {
            line: self.line_of(document, &path),
            at: path.to_string(),
            from: Some(key.to_owned()),
            to: None,
            class,
        };
        self.make_in(document, map, note, |editor| {
            editor.remove_key(document, map, key).map(drop)
        })
    }

    /// Inserts a document; `name` is what people call it.
    pub fn insert_document(
        &mut self,
        new: &NewDocument<'_>,
        name: &str,
        class: ChangeClass,
    ) -> Result<(), Fault> {
        let root = Path::root();
        let before = self.node(new.at, &root).or(self.node(new.like, &root));
        let note = EditNote {
            line: before.map_or(1, Node::line),
            at: AT_DOCUMENT.to_owned(),
            from: None,
            to: Some(name.to_owned()),
            class,
        };
        let shape = shape(new.like, new.changes, &[]);
        self.make(note, |editor| {
            editor.insert_document(new.at, &shape).map(drop)
        })
    }

    /// Removes a document; `name` is what people call it.
    pub fn remove_document(
        &mut self,
        document: usize,
        name: &str,
        class: ChangeClass,
    ) -> Result<(), Fault> {
        let note = EditNote {
            line: self.line_of(document, &Path::root()),
            at: AT_DOCUMENT.to_owned(),
            from: Some(name.to_owned()),
            to: None,
            class,
        };
        self.make(note, |editor| editor.remove_document(document).map(drop))
    }

    /// Makes an edit of the members of a list or a map, where it is wanted on its line.
    fn make_in(
        &mut self,
        document: usize,
        collection: &Path,
        note: EditNote,
        edit: impl FnOnce(&mut Editor<'f>) -> Result<(), YamlError>,
    ) -> Result<(), Fault> {
        // What is not wanted is no fault, whatever an alias shows.
        if self.wants(note.class, note.line) {
            self.refuse_shared(document, collection)?;
        }
        self.make(note, edit)
    }

    fn make(
        &mut self,
        note: EditNote,
        edit: impl FnOnce(&mut Editor<'f>) -> Result<(), YamlError>,
    ) -> Result<(), Fault> {
        if self.wants(note.class, note.line) {
            self.edit(edit).map_err(|error| self.fault(&error))?;
            self.notes.push(note);
        }
        Ok(())
    }

    fn line_of(&self, document: usize, path: &Path) -> usize {
        self.node(document, path).map_or(1, Node::line)
    }

    /// Returns the line of an item, or of the last one where it is to come behind all.
    fn item_line(&self, document: usize, list: &Path, index: usize) -> usize {
        let Some(node) = self.node(document, list) else {
            return 1;
        };
        node.items()
            .get(index)
            .or(node.items().last())
            .map_or(node.line(), Node::line)
    }
}

fn shape(like: usize, changes: &[(Path, String)], without: &[&str]) -> Shape {
    let set = changes
        .iter()
        .fold(Shape::like(like), |shape, (path, value)| {
            shape.set(path.clone(), value.clone())
        });
    without
        .iter()
        .fold(set, |shape, key| shape.without(Path::root().key(*key)))
}
