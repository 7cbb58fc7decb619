//! Everything that one file says, and what of its free values is claimed.

use super::document::Document;
use super::facts::{ImageList, Reference};
use super::group::{ImageGroup, ImagePart};
use crate::yaml::{Node, Path};

/// What a file says.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Single facts.
    pub references: Vec<Reference>,
    /// Lists of node images.
    pub image_lists: Vec<ImageList>,
    /// Values about the default's image, which move together.
    pub(super) groups: Vec<ImageGroup>,
    /// Values of the chart that its manifests read as their image.
    pub(super) value_refs: Vec<ValueRef>,
}

/// A value of the chart that a manifest reads as its image: `{{ .Values.image.url }}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueRef {
    /// The manifest, by its file and document.
    pub(super) manifest: String,
    /// The keys of the value.
    pub(super) value: Vec<String>,
    /// What it says of the image.
    pub(super) part: ImagePart,
    /// How the manifest reads it.
    pub(super) reading: Reading,
    /// Whether the resource is known by this name and never changes, so that the name has to carry the version.
    pub(super) is_identity: bool,
    /// Whether the manifest leaves a checksum's algorithm to the values too, so that its look says it.
    pub(super) is_sum_by_look: bool,
    /// The text that the value is a piece of, where its other pieces are written there or are values too.
    pub(super) template: Option<String>,
    /// Whether the text may be something else than an image, so that it has to be of an image series of the stack.
    pub(super) is_doubtful: bool,
}

impl Facts {
    /// Tells whether another file with the same text would state the same, but for its path.
    pub(super) fn are_of_text_alone(&self) -> bool {
        // These name manifests by their paths.
        self.value_refs.is_empty()
    }

    /// Returns what a file of another path states with the same text.
    pub(super) fn at(&self, path: &str) -> Self {
        let mut facts = self.clone();
        for reference in &mut facts.references {
            path.clone_into(&mut reference.file);
        }
        for list in &mut facts.image_lists {
            path.clone_into(&mut list.file);
        }
        facts
    }
}

impl ValueRef {
    /// Returns a value that a manifest reads, of which nothing more is known.
    pub(super) fn new(
        manifest: String,
        value: Vec<String>,
        part: ImagePart,
        reading: Reading,
    ) -> Self {
        Self {
            manifest,
            value,
            part,
            reading,
            is_identity: false,
            is_sum_by_look: true,
            template: None,
            is_doubtful: false,
        }
    }
}

/// How a manifest reads a value of its chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As a field.
    Whole,
    /// As a field, while the image's URL or checksum stands elsewhere.
    Split,
    /// As a piece of a field that a template puts together.
    Piece,
}

/// The claimed values of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// Values about the default's image.
    pub(super) groups: Vec<ImageGroup>,
    /// Lists of image names.
    pub(super) lists: Vec<ListPlace>,
}

/// Where a list stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListPlace {
    pub(super) document: usize,
    pub(super) path: Path,
}

impl ListPlace {
    /// Returns the list.
    pub(super) fn node<'f>(&self, file: &'f Document) -> Option<&'f Node> {
        file.documents().get(self.document)?.at(&self.path)
    }
}
