//! No kind of edit is made whose class of change is not wanted.

use std::collections::BTreeSet;

use super::*;
use crate::stack::Role;
use crate::yaml::KeyPlace;

type MakeEdit = fn(&mut FileEdits<'_>, ChangeClass) -> Result<(), Fault>;

const PLACE: &str = "cluster-class/templates/machine.yaml";
const TEXT: &str = "kind: OpenStackMachineTemplate\na: 1\nlist:\n  - x: 1\n  - x: 2\n---\nkind: OpenStackMachineTemplate\nb: 1\n";

/// Every way to edit a file.
const EDITS: [(&str, MakeEdit); 10] = [
    ("set", |edits, class| edits.set(0, &at("a"), "2", class)),
    ("set by text", |edits, class| {
        edits.set_by_text(0, &at("a"), "2", class)
    }),
    ("insert an item", |edits, class| {
        let item = NewItem {
            document: 0,
            list: &at("list"),
            at: 1,
            like: 0,
            changes: &[(at("x"), "3".to_owned())],
            without: &[],
        };
        edits.insert_item(&item, "3", class)
    }),
    ("remove an item", |edits, class| {
        let item = ItemPlace {
            document: 0,
            list: &at("list"),
            index: 0,
        };
        edits.remove_item(&item, "1", class)
    }),
    ("insert a key", |edits, class| {
        let new = NewKey {
            document: 0,
            map: &Path::root(),
            place: KeyPlace::After("a"),
            key: "c",
            value: "1",
        };
        edits.insert_key(&new, class)
    }),
    ("rename a key", |edits, class| {
        let key = KeyRename {
            document: 0,
            map: &Path::root(),
            old: "a",
            new: "c",
        };
        edits.rename_key(&key, class)
    }),
    ("remove a key", |edits, class| {
        edits.remove_key(0, &Path::root(), "a", class)
    }),
    ("insert a document", |edits, class| {
        let new = NewDocument {
            at: 2,
            like: 1,
            changes: &[(at("b"), "2".to_owned())],
        };
        edits.insert_document(&new, "2", class)
    }),
    ("remove a document", |edits, class| {
        edits.remove_document(1, "1", class)
    }),
    ("splice", |edits, class| {
        edits.splice("text", 0..4, "sort", class);
        Ok(())
    }),
];

fn at(key: &str) -> Path {
    Path::root().key(key)
}

fn is_made(wishes: &Wishes, edit: MakeEdit, class: ChangeClass) -> bool {
    let text = Arc::from(TEXT);
    let file = Document::plain(PLACE, &text, Role::ClassTemplate, &Arc::default());
    let file = file.parsed().unwrap();
    let mut edits = FileEdits::of(&file, &[], wishes);
    edit(&mut edits, class).unwrap();
    edits.finish().unwrap().is_some()
}

fn changes(classes: &[ChangeClass]) -> Wishes {
    Wishes {
        changes: classes.iter().copied().collect(),
        ..Wishes::default()
    }
}

#[test]
fn every_kind_of_edit_asks_whether_its_class_is_wanted() {
    for (name, edit) in EDITS {
        for class in ChangeClass::ALL {
            let mut others = ChangeClass::ALL.to_vec();
            others.retain(|other| *other != class);
            assert!(is_made(&changes(&[class]), edit, class), "{name}: {class}");
            assert!(!is_made(&changes(&others), edit, class), "{name}: {class}");
        }
    }
}

#[test]
fn every_kind_of_repair_asks_whether_its_place_is_wanted() {
    let elsewhere = BTreeSet::from([("other.yaml".to_owned(), 0)]);
    let here = BTreeSet::from([(PLACE.to_owned(), 0)]);
    for (name, edit) in EDITS {
        let repairs = |places: &BTreeSet<(String, usize)>| Wishes {
            places: Some(Arc::new(places.clone())),
            ..changes(&[ChangeClass::Repair])
        };
        let class = ChangeClass::Repair;
        assert!(is_made(&repairs(&here), edit, class), "{name}");
        assert!(!is_made(&repairs(&elsewhere), edit, class), "{name}");
    }
}
