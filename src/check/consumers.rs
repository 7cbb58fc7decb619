//! Rules of the lists of node images (node-images.yaml, node-images/config.yaml), as csctl's OpenStack plugin and the OpenStack
//! provider operator read them; and what rules of other lists share with them.

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::View;
use crate::stack::{ImageListForm, Role, SourceFile};
use crate::version::Minor;
use crate::yaml::{Node, Path};

pub(super) const RULES: [Rule; 2] = [
    Rule {
        name: "node-images-form",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A node image in node-images.yaml or node-images/config.yaml lacks a required key or has a value of the wrong type.",
        reason: "csctl's OpenStack plugin rejects such a list, and the provider operator crashes on an image without `createOpts`.",
        find: Search::Stack(node_images_form),
    },
    Rule {
        name: "node-image-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A node image's name is not a valid Kubernetes name (RFC 1123): lower-case letters, digits, dots and dashes.",
        reason: "The provider operator names a Kubernetes resource after each image, and the API server rejects other names.",
        find: Search::Stack(node_image_name),
    },
];

/// Returns the files that have, or should have, a list of node images.
fn node_image_files<'a>(view: &View<'a>) -> impl Iterator<Item = (Option<Minor>, &'a SourceFile)> {
    files_of(view, Role::ReleaseImages)
}

/// Returns the files that are for something, with the minor of their source tree.
pub(super) fn files_of<'a>(
    view: &View<'a>,
    role: Role,
) -> impl Iterator<Item = (Option<Minor>, &'a SourceFile)> + use<'a> {
    view.files_with_minor()
        .filter(move |(_, file)| file.has_role(role))
}

/// A node, and the file that it is in.
#[derive(Clone, Copy)]
pub(super) struct Located<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) node: &'a Node,
}

impl<'a> Located<'a> {
    /// Returns the place of a key, where it is there and not null.
    pub(super) fn key(self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        // csctl's plugin reads null as a key that is not there.
        (!node.is_null()).then_some(Self { node, ..self })
    }

    /// Returns the places of a list's items.
    pub(super) fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        let items = self.node.items().iter();
        items.map(move |node| Self { node, ..self })
    }
}

/// What is wrong with the nodes of a file.
pub(super) struct Complaints<'f> {
    pub(super) minor: Option<Minor>,
    pub(super) found: &'f mut Vec<Contradiction>,
}

impl Complaints<'_> {
    pub(super) fn add(&mut self, at: Located<'_>, case: &'static str, message: impl Into<String>) {
        let found = Contradiction::in_file(at.file.path(), Some(at.node.line()), message);
        self.found.push(found.of(self.minor).case(case));
    }
}

/// Returns the place of a file's first document.
pub(super) fn root(file: &SourceFile) -> Option<Located<'_>> {
    let node = file.documents().first()?;
    Some(Located { file, node })
}

/// What a scalar is to readers of YAML 1.1, as those of Python and Go are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarKind {
    Truth,
    Whole,
    /// Another number: negative, or with a fraction.
    Number,
    Day,
    Text,
}

/// Returns what a scalar is; nothing for maps, lists and what a template writes.
pub(super) fn scalar(node: &Node) -> Option<ScalarKind> {
    let text = node.as_str()?;
    // What stands in quotes is a text to every reader, whatever it looks like.
    if !node.is_plain() {
        return Some(ScalarKind::Text);
    }
    let unsigned = text.trim_start_matches(['-', '+']);
    Some(
        if ["true", "false", "yes", "no", "on", "off"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
        {
            ScalarKind::Truth
        } else if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            ScalarKind::Whole
        // Rust takes `inf` and `nan` for numbers too; YAML writes a dot before them.
        } else if unsigned.parse::<f64>().is_ok()
            && unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        {
            ScalarKind::Number
        } else if is_day(text) {
            ScalarKind::Day
        } else {
            ScalarKind::Text
        },
    )
}

pub(super) fn is_day(text: &str) -> bool {
    // YAML allows a time behind the day.
    text.get(..10)
        .is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok())
}

/// Tells whether a value is a text to every reader.
pub(super) fn is_text(node: &Node) -> bool {
    scalar(node) == Some(ScalarKind::Text)
}

fn node_images_form(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, file) in node_image_files(view) {
        let Some(root) = root(file) else { continue };
        let mut complaints = Complaints {
            minor,
            found: &mut found,
        };
        if root.key("apiVersion").is_none() {
            complaints.add(root, "missing-key", "`apiVersion` is missing");
        }
        let list = root.key("openStackNodeImages");
        let images: Vec<Located<'_>> = list.into_iter().flat_map(Located::items).collect();
        if images.is_empty() {
            complaints.add(root, "no-image", "`openStackNodeImages` lists no image");
        }
        for image in images {
            check_node_image(image, &mut complaints);
        }
    }
    found
}

/// An image without URL is accepted by the plugin, where it is built by other means.
fn check_node_image(image: Located<'_>, complaints: &mut Complaints<'_>) {
    let Some(options) = image.key("createOpts") else {
        return complaints.add(image, "missing-key", "`createOpts` is missing");
    };
    for key in ["name", "disk_format", "container_format"] {
        match options.key(key) {
            Some(place) if is_text(place.node) => {}
            Some(place) => complaints.add(
                place,
                "invalid-value",
                format!("`{key}` must be a string; quote it"),
            ),
            None => complaints.add(
                options,
                "missing-key",
                format!("`createOpts.{key}` is missing"),
            ),
        }
    }
    for key in ["min_disk", "min_ram"] {
        let place = options.key(key);
        if let Some(place) = place.filter(|place| scalar(place.node) != Some(ScalarKind::Whole)) {
            complaints.add(
                place,
                "invalid-value",
                format!("`{key}` must be a whole number"),
            );
        }
    }
    if let Some(properties) = options.key("properties") {
        for (key, _, node) in properties.node.entries() {
            if !is_text(node) {
                let message = format!("the property `{key}` must be a string; quote it");
                complaints.add(Located { node, ..options }, "invalid-value", message);
            }
        }
    }
}

fn node_image_name(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        let is_resource = matches!(
            image_list.form,
            ImageListForm::NodeImages | ImageListForm::OrcImages
        );
        for entry in image_list.entries.iter().filter(|_| is_resource) {
            if !entry.name.is_empty() && !is_rfc_1123(&entry.name) {
                let message = format!("`{}` is not a valid Kubernetes name", entry.name);
                let hint = "use lower-case letters, digits, dots and dashes, as in ubuntu-capi-image-v1.34.7";
                found.push(
                    Contradiction::in_file(&image_list.file, Some(entry.line), message)
                        .of(minor)
                        .hinted(hint),
                );
            }
        }
    }
    found
}

fn is_rfc_1123(name: &str) -> bool {
    name.len() <= 253
        && name
            .chars()
            .all(|c| is_edge_of_name(c) || c == '-' || c == '.')
        && name.starts_with(is_edge_of_name)
        && name.ends_with(is_edge_of_name)
}

/// Tells whether a name of RFC 1123 may begin and end with a character.
fn is_edge_of_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Returns the properties of each node image that has some.
pub(super) fn for_each_properties(
    view: &View<'_>,
    mut look: impl FnMut(Option<Minor>, &SourceFile, &Node),
) {
    let path = Path::root().key("createOpts").key("properties");
    for (minor, file) in node_image_files(view) {
        let root = file.documents().first();
        let list = root.and_then(|root| root.get("openStackNodeImages"));
        for item in list.map_or(&[][..], Node::items) {
            if let Some(properties) = item.at(&path) {
                look(minor, file, properties);
            }
        }
    }
}
