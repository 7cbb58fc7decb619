//! The node images of two states of a stack line, per Kubernetes version and operating system.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::stack::{
    Fact, ImageListEntry, NODE_IMAGES_CONFIG, Sharing, SourceFile, SourceTree, Stack,
};
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// A node image, as far as people tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageName {
    /// Its Kubernetes version.
    #[cfg_attr(test, schemars(with = "String"))]
    pub version: KubernetesVersion,
    /// Its operating system, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub os: Option<OsRelease>,
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.os {
            Some(os) => write!(f, "{} on {os}", self.version),
            None => write!(f, "{}", self.version),
        }
    }
}

/// What is known of the node images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum ImageNotes {
    /// This changed, or nothing.
    Known {
        /// Those that came.
        added: Vec<ImageName>,
        /// Those that went.
        removed: Vec<ImageName>,
        /// Those that have another content.
        rebuilt: Vec<ImageName>,
    },
    /// It cannot be told.
    Unknown {
        /// Why, as a phrase.
        reason: String,
        /// How to find out.
        hint: String,
    },
}

impl ImageNotes {
    /// Says that they are what they were.
    pub(crate) fn none() -> Self {
        Self::Known {
            added: Vec::new(),
            removed: Vec::new(),
            rebuilt: Vec::new(),
        }
    }
}

/// Images with what tells their contents apart: URLs and checksums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Images(BTreeMap<ImageName, BTreeSet<String>>);

impl Images {
    /// Returns those of a minor that a source tree and the lists beside it name.
    pub(crate) fn of_tree(stack: &Stack, tree: &SourceTree, minor: Minor) -> Self {
        let mut images = Self::default();
        for file in tree.files.iter().chain(&stack.shared) {
            images.add_file(file, minor);
        }
        images
    }

    /// Returns those of the `node-images.yaml` of a release; nothing where it cannot be read.
    pub(crate) fn of_list(text: &[u8], minor: Minor) -> Option<Self> {
        let text: Arc<str> = std::str::from_utf8(text).ok()?.into();
        let read = SourceFile::read(
            NODE_IMAGES_CONFIG,
            NODE_IMAGES_CONFIG,
            &text,
            &Sharing::default(),
        );
        let file = read.ok()??;
        let mut images = Self::default();
        images.add_file(&file, minor);
        (!images.0.is_empty()).then_some(images)
    }

    fn add_file(&mut self, file: &SourceFile, minor: Minor) {
        let entries = file.image_lists().iter().flat_map(|list| &list.entries);
        for entry in entries.filter(|entry| entry.version.minor() == minor) {
            self.add_entry(entry);
        }
        for reference in file.references() {
            if let Fact::Image(image) = &reference.fact
                && image.version.minor() == minor
            {
                let name = ImageName {
                    version: image.version,
                    os: image.os.clone(),
                };
                let sum = image.sha256.as_ref().map(ToString::to_string);
                self.add(name, &image.url, sum);
            }
        }
    }

    fn add_entry(&mut self, entry: &ImageListEntry) {
        // A bare version says nothing of its image.
        let Some(url) = &entry.url else {
            return;
        };
        let sums = [
            entry.sha256.as_ref().map(ToString::to_string),
            entry.sha512.as_ref().map(ToString::to_string),
            entry.md5.as_ref().map(ToString::to_string),
        ];
        let name = ImageName {
            version: entry.version,
            os: entry.os.clone(),
        };
        self.add(name, url, sums.into_iter().flatten().next());
    }

    fn add(&mut self, name: ImageName, url: &str, sum: Option<String>) {
        // The checksum is the content, wherever it is.
        let content = sum.unwrap_or_else(|| url.to_owned());
        self.0.entry(name).or_default().insert(content);
    }

    /// Returns their names.
    pub(crate) fn names(&self) -> Vec<ImageName> {
        self.0.keys().cloned().collect()
    }

    /// Says what changed from these to others.
    pub(crate) fn compare(&self, now: &Self) -> ImageNotes {
        let in_both = self
            .0
            .iter()
            .filter(|(name, content)| now.0.get(*name).is_some_and(|other| other != *content));
        ImageNotes::Known {
            added: only(&now.0, &self.0),
            removed: only(&self.0, &now.0),
            rebuilt: in_both.map(|(name, _)| name.clone()).collect(),
        }
    }
}

type Known = BTreeMap<ImageName, BTreeSet<String>>;

fn only(here: &Known, there: &Known) -> Vec<ImageName> {
    let left = here.keys().filter(|name| !there.contains_key(*name));
    left.cloned().collect()
}
