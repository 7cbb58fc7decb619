//! Rules of the tools that read a repository's image lists: csctl's OpenStack plugin and the OpenStack provider operator
//! (node-images.yaml), and openstack-image-manager (its `etc/schema.yaml`, as of release 0.20261006.0).

use serde_yaml::Value;

use super::Found;
use super::rule::{Group, Rule, Severity};
use super::view::View;
use crate::stack::{RosterForm, SourceFile};
use crate::version::Minor;
use crate::yaml::{Node, Path};

pub(super) const RULES: [Rule; 4] = [
    Rule {
        name: "node-images-form",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A node image of node-images.yaml or node-images/config.yaml lacks something, or has a value of the wrong type.",
        reason: "csctl's OpenStack plugin refuses such a list, and the provider operator crashes on an image without `createOpts`.",
        find: node_images_form,
    },
    Rule {
        name: "node-image-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The name of a node image is no name of RFC 1123: lower-case letters, digits, dots and dashes.",
        reason: "The provider operator names a Kubernetes resource after each image, and the API server refuses other names.",
        find: node_image_name,
    },
    Rule {
        name: "image-manager-form",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "An image list breaks the schema of openstack-image-manager: a key is missing, unknown, or has a wrong value.",
        reason: "openstack-image-manager refuses the whole file.",
        find: image_manager_form,
    },
    Rule {
        name: "build-date-missing",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A version in an image list of openstack-image-manager has no build date.",
        reason: "Its releases before 0.20261006.0 refuse the file, and without the date nobody sees how old an image is (standard scs-0102).",
        find: build_date_missing,
    },
];

/// Returns the files that have, or should have, a list of node images.
fn node_image_files<'a>(view: &View<'a>) -> impl Iterator<Item = (Option<Minor>, &'a SourceFile)> {
    files_of(view, "node image list")
}

/// Returns the files of a kind, with the minor of their source tree.
fn files_of<'a>(
    view: &View<'a>,
    kind: &'static str,
) -> impl Iterator<Item = (Option<Minor>, &'a SourceFile)> + use<'a> {
    let stack = view.stack;
    let own = stack
        .trees
        .iter()
        .flat_map(|tree| tree.files.iter().map(move |file| (tree.minor, file)));
    let all = own.chain(stack.shared.iter().map(|file| (None, file)));
    all.map(|(minor, file)| (minor, file.as_ref()))
        .filter(move |(_, file)| file.kinds().iter().any(|found| found.name() == kind))
}

/// A place in a file, with its value as a program reads it.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a SourceFile,
    node: &'a Node,
    value: &'a Value,
}

impl<'a> Place<'a> {
    /// Returns the place of a key, where it is there and not null.
    fn key(self, key: &str) -> Option<Self> {
        let (node, value) = (self.node.get(key)?, self.value.get(key)?);
        (!value.is_null()).then_some(Self {
            node,
            value,
            ..self
        })
    }

    /// Returns the places of a list's items.
    fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        let values = self.value.as_sequence().map_or(&[][..], Vec::as_slice);
        let pairs = self.node.items().iter().zip(values);
        pairs.map(move |(node, value)| Self {
            node,
            value,
            ..self
        })
    }

    fn found(self, minor: Option<Minor>, message: String) -> Found {
        Found::in_file(self.file.path(), Some(self.node.line()), message).of(minor)
    }
}

/// Reads a file's first document twice: as nodes, which know their lines, and as values, which know their types.
fn with_document(file: &SourceFile, look: impl FnOnce(Place<'_>)) {
    let first = file.documents().first();
    let value: Option<Value> = serde_yaml::Deserializer::from_str(file.text())
        .next()
        .and_then(|document| serde::Deserialize::deserialize(document).ok());
    if let (Some(node), Some(value)) = (first, &value) {
        look(Place { file, node, value });
    }
}

fn node_images_form(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, file) in node_image_files(view) {
        with_document(file, |root| {
            let mut say =
                |place: Place<'_>, message: String| found.push(place.found(minor, message));
            if root.key("apiVersion").is_none() {
                say(root, "`apiVersion` is missing".to_owned());
            }
            let images: Vec<Place<'_>> = root
                .key("openStackNodeImages")
                .map(|list| list.items().collect())
                .unwrap_or_default();
            if images.is_empty() {
                say(root, "`openStackNodeImages` has no image".to_owned());
            }
            for image in images {
                check_node_image(image, &mut say);
            }
        });
    }
    found
}

/// An image without URL is accepted by the plugin, where it is built by other means.
fn check_node_image(image: Place<'_>, say: &mut dyn FnMut(Place<'_>, String)) {
    let Some(options) = image.key("createOpts") else {
        return say(image, "`createOpts` is missing".to_owned());
    };
    for key in ["name", "disk_format", "container_format"] {
        match options.key(key) {
            Some(place) if place.value.is_string() => {}
            Some(place) => say(place, format!("`{key}` is no text; quote it")),
            None => say(options, format!("`createOpts.{key}` is missing")),
        }
    }
    for key in ["min_disk", "min_ram"] {
        if let Some(place) = options.key(key).filter(|place| !place.value.is_u64()) {
            say(place, format!("`{key}` is no whole number"));
        }
    }
    let properties = options.key("properties");
    for (key, node, value) in properties.iter().flat_map(|place| {
        let values = place.node.entries();
        values.filter_map(|(key, _, node)| Some((key, node, place.value.get(key)?)))
    }) {
        if !value.is_string() {
            let place = Place {
                node,
                value,
                ..options
            };
            say(place, format!("the property `{key}` is no text; quote it"));
        }
    }
}

fn node_image_name(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, roster) in view.rosters() {
        let is_resource = matches!(roster.form, RosterForm::NodeImages | RosterForm::OrcImages);
        for entry in roster.entries.iter().filter(|_| is_resource) {
            if !entry.name.is_empty() && !is_rfc_1123(&entry.name) {
                let message = format!("`{}` is no name of RFC 1123", entry.name);
                let hint = "use lower-case letters, digits, dots and dashes, as in ubuntu-capi-image-v1.34.7";
                found.push(
                    Found::in_file(&roster.file, Some(entry.line), message)
                        .of(minor)
                        .hinted(hint),
                );
            }
        }
    }
    found
}

fn is_rfc_1123(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253 && name.bytes().all(inner) && name.starts_with(edge) && name.ends_with(edge)
}

/// What a key of openstack-image-manager's schema may hold.
#[derive(Clone, Copy)]
enum Form {
    Truth,
    Text,
    Count,
    Url,
    Checksum,
    Day,
    Texts,
    OneOf(&'static [&'static str]),
    /// A map or list that is looked at by itself, or a value that is not judged here.
    Any,
}

/// A key of openstack-image-manager's schema: its name, whether it must be there, and what it may hold.
type Key = (&'static str, bool, Form);

const VISIBILITY: Form = Form::OneOf(&["public", "private", "community", "shared"]);

const IMAGE: [Key; 19] = [
    ("enable", true, Form::Truth),
    (
        "format",
        true,
        Form::OneOf(&[
            "aki", "ari", "ami", "raw", "iso", "vhd", "vdi", "qcow2", "vmdk",
        ]),
    ),
    ("login", true, Form::Text),
    ("meta", true, Form::Any),
    ("min_disk", false, Form::Count),
    ("min_ram", true, Form::Count),
    ("multi", true, Form::Truth),
    ("name", true, Form::Text),
    ("status", true, Form::OneOf(&["active", "deactivated"])),
    ("tags", true, Form::Texts),
    ("versions", true, Form::Any),
    ("visibility", true, VISIBILITY),
    ("latest_checksum_url", false, Form::Url),
    ("latest_url", false, Form::Url),
    ("keep", false, Form::Truth),
    ("password", false, Form::Text),
    ("shortname", false, Form::Text),
    ("separator", false, Form::Text),
    ("hidden", false, Form::Any),
];

const VERSION: [Key; 14] = [
    ("version", true, Form::Text),
    ("url", true, Form::Url),
    ("build_date", false, Form::Day),
    ("checksum", false, Form::Checksum),
    ("checksum_url", false, Form::Url),
    ("checksums_url", false, Form::Url),
    ("hidden", false, Form::Truth),
    ("image_description", false, Form::Text),
    ("meta", false, Form::Any),
    ("os_version", false, Form::Text),
    ("source", false, Form::Text),
    ("mirror_url", false, Form::Url),
    ("visibility", false, VISIBILITY),
    ("id", false, Form::Text),
];

fn image_manager_form(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, file) in files_of(view, "image-manager list") {
        if file.rosters().is_empty() {
            // It lists other images than Kubernetes node images.
            continue;
        }
        with_document(file, |root| {
            let mut say =
                |place: Place<'_>, message: String| found.push(place.found(minor, message));
            for image in root.key("images").into_iter().flat_map(Place::items) {
                check_keys(image, &IMAGE, &mut say);
                for version in image.key("versions").into_iter().flat_map(Place::items) {
                    check_keys(version, &VERSION, &mut say);
                }
            }
        });
    }
    found
}

fn check_keys(map: Place<'_>, keys: &[Key], say: &mut dyn FnMut(Place<'_>, String)) {
    for (key, is_needed, form) in keys {
        match map.key(key) {
            Some(place) => {
                if let Some(needed) = refusal(place.value, *form) {
                    say(place, format!("`{key}` is {needed}"));
                }
            }
            None if *is_needed => say(map, format!("`{key}` is missing")),
            None => {}
        }
    }
    for (key, _, node) in map.node.entries() {
        if !keys.iter().any(|(known, _, _)| *known == key) {
            let nearest = crate::spelling::nearest(key, keys.iter().map(|(known, _, _)| *known));
            let meant = nearest
                .map(|name| format!(", `{name}` is meant?"))
                .unwrap_or_default();
            say(
                Place { node, ..map },
                format!("`{key}` is an unknown key{meant}"),
            );
        }
    }
}

/// Says why a value is not of a form; nothing where it is.
fn refusal(value: &Value, form: Form) -> Option<String> {
    let text = value.as_str();
    let is_of = |test: fn(&str) -> bool| text.is_some_and(test);
    let (is_right, needed) = match form {
        Form::Any => (true, ""),
        Form::Truth => (value.is_bool(), "neither true nor false"),
        Form::Text => (value.is_string(), "no text; quote it"),
        Form::Count => (value.is_u64(), "no whole number"),
        Form::Url => (is_of(is_url), "no URL"),
        Form::Checksum => (is_of(is_checksum), "no checksum such as sha256:<64 digits>"),
        Form::Day => (is_of(is_day), "no day such as 2026-05-13"),
        Form::Texts => (
            value
                .as_sequence()
                .is_some_and(|list| list.iter().all(Value::is_string)),
            "no list of texts",
        ),
        Form::OneOf(words) => {
            let is_known = text.is_some_and(|text| words.contains(&text));
            return (!is_known).then(|| format!("none of {}", words.join(", ")));
        }
    };
    (!is_right).then(|| needed.to_owned())
}

fn is_url(text: &str) -> bool {
    let schemes = ["http://", "https://", "ftp://", "ftps://", "file:"];
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.trim_start_matches('/').is_empty())
}

fn is_checksum(text: &str) -> bool {
    let Some((algorithm, digits)) = text.split_once(':') else {
        return false;
    };
    let is_hex = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    !algorithm.is_empty() && is_hex && [32, 40, 64, 128].contains(&digits.len())
}

fn is_day(text: &str) -> bool {
    text.get(..10)
        .is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok())
}

fn build_date_missing(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, roster) in view.rosters() {
        let of_manager = roster.form == RosterForm::ImageManager;
        for entry in roster.entries.iter().filter(|_| of_manager) {
            if entry.built.is_none() {
                let message = format!("{} has no `build_date`", entry.name);
                let hint = "csctl-matrix update adds it, from the image store";
                found.push(
                    Found::in_file(&roster.file, Some(entry.line), message)
                        .of(minor.or(Some(entry.version.minor())))
                        .hinted(hint),
                );
            }
        }
    }
    found
}

/// Returns the lists of openstack-image-manager that a rule about their metadata looks at: each image with its `meta`.
pub(super) fn for_each_image(
    view: &View<'_>,
    mut look: impl FnMut(Option<Minor>, &SourceFile, &Node, &Value),
) {
    for (minor, file) in files_of(view, "image-manager list") {
        if !file.rosters().is_empty() {
            with_document(file, |root| {
                for image in root.key("images").into_iter().flat_map(Place::items) {
                    look(minor, file, image.node, image.value);
                }
            });
        }
    }
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
