//! What an entry of a list states of its image in the cloud's image service, beside its URL and its name. It is read when somebody
//! writes a list anew, and not with the facts: plans leave it as it stands.

use super::document::Document;
use super::facts::Fault;
use crate::yaml::Node;

/// What an image is to be in the cloud's image service. Nothing is what the entry leaves to the reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// Its identifier.
    pub id: Option<String>,
    /// The format of its disk: `qcow2`.
    pub disk_format: Option<String>,
    /// The format of its container: `bare`.
    pub container_format: Option<String>,
    /// Who sees it: `private`.
    pub visibility: Option<String>,
    /// Whether lists of images leave it out.
    pub is_hidden: Option<bool>,
    /// The smallest disk that it boots from, in GB.
    pub min_disk: Option<u64>,
    /// The least memory that it boots with, in MB.
    pub min_ram: Option<u64>,
    /// Whether it cannot be deleted.
    pub is_protected: Option<bool>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its properties, in the order of the file.
    pub properties: Vec<ImageProperty>,
}

/// A property of an image: `hw_disk_bus: virtio`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageProperty {
    /// Its key.
    pub key: String,
    /// Its value; the image service knows texts alone.
    pub value: String,
}

impl ImageOptions {
    /// Returns these options, with those of another entry of the same image where this one states nothing.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            id: self.id.or(other.id),
            disk_format: self.disk_format.or(other.disk_format),
            container_format: self.container_format.or(other.container_format),
            visibility: self.visibility.or(other.visibility),
            is_hidden: self.is_hidden.or(other.is_hidden),
            min_disk: self.min_disk.or(other.min_disk),
            min_ram: self.min_ram.or(other.min_ram),
            is_protected: self.is_protected.or(other.is_protected),
            tags: if self.tags.is_empty() {
                other.tags
            } else {
                self.tags
            },
            properties: if self.properties.is_empty() {
                other.properties
            } else {
                self.properties
            },
        }
    }

    /// Sets a property, in its place where it stands already.
    pub(super) fn set_property(&mut self, new: ImageProperty) {
        match self.properties.iter_mut().find(|old| old.key == new.key) {
            Some(old) => old.value = new.value,
            None => self.properties.push(new),
        }
    }
}

/// Reads options from a map of a file. A value of another type is a fault: what would be left out of a list is told.
#[derive(Clone, Copy)]
pub(super) struct OptionReader<'f> {
    file: &'f Document,
    node: &'f Node,
}

impl<'f> OptionReader<'f> {
    pub(super) fn new(file: &'f Document, node: &'f Node) -> Self {
        Self { file, node }
    }

    /// Returns the reader of a map further in; nothing where none is there.
    pub(super) fn inside(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        Some(Self {
            file: self.file,
            node,
        })
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        match self.stated(key) {
            Some(node) => self.scalar(node, key).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, Fault> {
        let Some(node) = self.stated(key) else {
            return Ok(None);
        };
        let number = self.scalar(node, key)?.parse();
        number
            .map(Some)
            .map_err(|_| self.wrong(node, key, "a whole number"))
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Fault> {
        let Some(node) = self.stated(key) else {
            return Ok(None);
        };
        match self.scalar(node, key)?.as_str() {
            "true" | "True" | "TRUE" => Ok(Some(true)),
            "false" | "False" | "FALSE" => Ok(Some(false)),
            _ => Err(self.wrong(node, key, "true or false")),
        }
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Fault> {
        let Some(node) = self.stated(key) else {
            return Ok(Vec::new());
        };
        if !node.is_seq() {
            return Err(self.wrong(node, key, "a list of texts"));
        }
        let items = node.items().iter();
        items.map(|item| self.scalar(item, key)).collect()
    }

    /// Returns the properties of a map; one without a value is none.
    pub(super) fn properties(&self, key: &str) -> Result<Vec<ImageProperty>, Fault> {
        let Some(node) = self.stated(key) else {
            return Ok(Vec::new());
        };
        if !node.is_map() {
            return Err(self.wrong(node, key, "a map of texts"));
        }
        let stated = node.entries().filter(|(_, _, value)| !value.is_null());
        stated
            .map(|(name, _, value)| {
                Ok(ImageProperty {
                    key: name.to_owned(),
                    value: self.scalar(value, name)?,
                })
            })
            .collect()
    }

    fn stated(&self, key: &str) -> Option<&'f Node> {
        self.node.get(key).filter(|node| !node.is_null())
    }

    fn scalar(&self, node: &Node, key: &str) -> Result<String, Fault> {
        let text = node.as_str().filter(|_| !node.is_templated());
        text.map(str::to_owned)
            .ok_or_else(|| self.wrong(node, key, "a plain value"))
    }

    fn wrong(&self, node: &Node, key: &str, needed: &str) -> Fault {
        let found = match node.as_str() {
            Some(text) if !text.contains('\n') => format!("`{key}` is `{text}`"),
            Some(_) | None => format!("`{key}` is something else"),
        };
        let message = format!("{found}, and {needed} is needed");
        let hint = format!("write {needed}: the image's options are released as they stand");
        Fault::new(self.file.path(), node.line(), message, hint)
    }
}
