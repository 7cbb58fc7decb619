//! Rules of the tools that read a repository's image lists: csctl's OpenStack plugin and the OpenStack provider operator
//! (node-images.yaml), and openstack-image-manager (its `etc/schema.yaml`, as of release 0.20261006.0).

use super::finding::Found;
use super::rule::{Group, Rule, Search, Severity};
use super::view::View;
use crate::stack::{ImageListForm, Role, SourceFile};
use crate::version::Minor;
use crate::yaml::{Node, Path};

pub(super) const RULES: [Rule; 4] = [
    Rule {
        name: "node-images-form",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "A node image of node-images.yaml or node-images/config.yaml lacks something, or has a value of the wrong type.",
        reason: "csctl's OpenStack plugin refuses such a list, and the provider operator crashes on an image without `createOpts`.",
        find: Search::Stack(node_images_form),
    },
    Rule {
        name: "node-image-name",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The name of a node image is no name of RFC 1123: lower-case letters, digits, dots and dashes.",
        reason: "The provider operator names a Kubernetes resource after each image, and the API server refuses other names.",
        find: Search::Stack(node_image_name),
    },
    Rule {
        name: "image-manager-form",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "An image list breaks the schema of openstack-image-manager: a key is missing, unknown, or has a wrong value.",
        reason: "openstack-image-manager refuses the whole file.",
        find: Search::Stack(image_manager_form),
    },
    Rule {
        name: "build-date-missing",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A version in an image list of openstack-image-manager has no build date.",
        reason: "Its releases before 0.20261006.0 refuse the file, and without the date nobody sees how old an image is (standard scs-0102).",
        find: Search::Stack(build_date_missing),
    },
];

/// Returns the files that have, or should have, a list of node images.
fn node_image_files<'a>(view: &View<'a>) -> impl Iterator<Item = (Option<Minor>, &'a SourceFile)> {
    files_of(view, Role::ReleaseImages)
}

/// Returns the files that are for something, with the minor of their source tree.
fn files_of<'a>(
    view: &View<'a>,
    role: Role,
) -> impl Iterator<Item = (Option<Minor>, &'a SourceFile)> + use<'a> {
    view.files_with_minor()
        .filter(move |(_, file)| file.has_role(role))
}

/// A place in a file.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a SourceFile,
    node: &'a Node,
}

impl<'a> Place<'a> {
    /// Returns the place of a key, where it is there and not null.
    fn key(self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        (!node.is_null()).then_some(Self { node, ..self })
    }

    /// Returns the places of a list's items.
    fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        let items = self.node.items().iter();
        items.map(move |node| Self { node, ..self })
    }

    fn found(self, minor: Option<Minor>, message: String) -> Found {
        Found::in_file(self.file.path(), Some(self.node.line()), message).of(minor)
    }
}

/// Returns the place of a file's first document.
fn root(file: &SourceFile) -> Option<Place<'_>> {
    let node = file.documents().first()?;
    Some(Place { file, node })
}

/// What a scalar is to readers of YAML 1.1, as those of Python and Go are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Truth,
    Whole,
    /// Another number: negative, or with a fraction.
    Number,
    Day,
    Text,
}

/// Returns what a scalar is; nothing for maps, lists and what a template writes.
fn scalar(node: &Node) -> Option<Scalar> {
    let text = node.as_str()?;
    if !node.is_plain() {
        return Some(Scalar::Text);
    }
    let is_truth = |word: &&str| text.eq_ignore_ascii_case(word);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.trim_start_matches(['-', '+']);
    Some(
        if ["true", "false", "yes", "no", "on", "off"]
            .iter()
            .any(is_truth)
        {
            Scalar::Truth
        } else if digits(text) {
            Scalar::Whole
        } else if unsigned.parse::<f64>().is_ok()
            && unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        {
            Scalar::Number
        } else if is_day(text) {
            Scalar::Day
        } else {
            Scalar::Text
        },
    )
}

/// Tells whether a value is a text to every reader.
fn is_text(node: &Node) -> bool {
    scalar(node) == Some(Scalar::Text)
}

fn node_images_form(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, file) in node_image_files(view) {
        let Some(root) = root(file) else { continue };
        let mut say = |place: Place<'_>, message: String| found.push(place.found(minor, message));
        if root.key("apiVersion").is_none() {
            say(root, "`apiVersion` is missing".to_owned());
        }
        let list = root.key("openStackNodeImages");
        let images: Vec<Place<'_>> = list.into_iter().flat_map(Place::items).collect();
        if images.is_empty() {
            say(root, "`openStackNodeImages` has no image".to_owned());
        }
        for image in images {
            check_node_image(image, &mut say);
        }
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
            Some(place) if is_text(place.node) => {}
            Some(place) => say(place, format!("`{key}` is no text; quote it")),
            None => say(options, format!("`createOpts.{key}` is missing")),
        }
    }
    for key in ["min_disk", "min_ram"] {
        let place = options.key(key);
        if let Some(place) = place.filter(|place| scalar(place.node) != Some(Scalar::Whole)) {
            say(place, format!("`{key}` is no whole number"));
        }
    }
    if let Some(properties) = options.key("properties") {
        for (key, _, node) in properties.node.entries() {
            if !is_text(node) {
                let message = format!("the property `{key}` is no text; quote it");
                say(Place { node, ..options }, message);
            }
        }
    }
}

fn node_image_name(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        let is_resource = matches!(
            image_list.form,
            ImageListForm::NodeImages | ImageListForm::OrcImages
        );
        for entry in image_list.entries.iter().filter(|_| is_resource) {
            if !entry.name.is_empty() && !is_rfc_1123(&entry.name) {
                let message = format!("`{}` is no name of RFC 1123", entry.name);
                let hint = "use lower-case letters, digits, dots and dashes, as in ubuntu-capi-image-v1.34.7";
                found.push(
                    Found::in_file(&image_list.file, Some(entry.line), message)
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
    /// Where an image came from: a URL, or `private`.
    Source,
    DayOr(&'static [&'static str]),
    UuidValidity,
    /// A map or list that is looked at by itself, or a value that is not judged here.
    Any,
}

/// A key of openstack-image-manager's schema: its name, whether it must be there, and what it may hold.
type Key = (&'static str, bool, Form);

const VISIBILITY: Form = Form::OneOf(&["public", "private", "community", "shared"]);

const IMAGE: [Key; 18] = [
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
];

/// Values of standard scs-0102-v2, which openstack-image-manager takes over.
pub(super) const ARCHITECTURES: [&str; 3] = ["x86_64", "aarch64", "risc-v"];
pub(super) const OS_PURPOSES: [&str; 7] = [
    "generic",
    "oldgeneric",
    "minimal",
    "k8snode",
    "gpu",
    "network",
    "custom",
];
pub(super) const REPLACE_FREQUENCIES: [&str; 7] = [
    "yearly",
    "quarterly",
    "monthly",
    "weekly",
    "daily",
    "critical_bug",
    "never",
];

const META: [Key; 22] = [
    ("architecture", true, Form::OneOf(&ARCHITECTURES)),
    ("hw_disk_bus", true, Form::OneOf(&["virtio", "scsi"])),
    (
        "hypervisor_type",
        true,
        Form::OneOf(&["hyperv", "ironic", "lxc", "qemu", "uml", "vmware", "xen"]),
    ),
    // The list of distributions grows with every release.
    ("os_distro", true, Form::Text),
    ("os_purpose", true, Form::OneOf(&OS_PURPOSES)),
    ("provided_until", true, Form::DayOr(&["none"])),
    ("replace_frequency", true, Form::OneOf(&REPLACE_FREQUENCIES)),
    ("uuid_validity", true, Form::UuidValidity),
    ("hotfix_hours", false, Form::Count),
    (
        "hw_cdrom_bus",
        false,
        Form::OneOf(&["ide", "sata", "scsi", "usb"]),
    ),
    ("hw_firmware_type", false, Form::OneOf(&["uefi"])),
    (
        "hw_machine_type",
        false,
        Form::OneOf(&["pc", "q35", "virt"]),
    ),
    ("hw_qemu_guest_agent", false, Form::Any),
    ("hw_rng_model", false, Form::OneOf(&["virtio"])),
    ("hw_scsi_model", false, Form::OneOf(&["virtio-scsi"])),
    ("hw_vif_multiqueue_enabled", false, Form::Truth),
    (
        "hw_watchdog_action",
        false,
        Form::OneOf(&["disabled", "reset", "poweroff", "pause", "none"]),
    ),
    ("image_description", false, Form::Text),
    ("os_version", false, Form::Text),
    ("os_type", false, Form::OneOf(&["linux", "windows"])),
    ("os_admin_user", false, Form::Text),
    ("patchlevel", false, Form::Text),
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
    ("source", false, Form::Source),
    ("mirror_url", false, Form::Url),
    ("visibility", false, VISIBILITY),
    ("id", false, Form::Text),
];

fn image_manager_form(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, file) in files_of(view, Role::CloudImages) {
        // Without a list of Kubernetes node images it lists others.
        let Some(root) = root(file).filter(|_| !file.image_lists().is_empty()) else {
            continue;
        };
        let mut say = |place: Place<'_>, message: String| found.push(place.found(minor, message));
        for image in root.key("images").into_iter().flat_map(Place::items) {
            check_keys(image, &IMAGE, &mut say);
            if let Some(meta) = image.key("meta") {
                check_keys(meta, &META, &mut say);
            }
            for version in image.key("versions").into_iter().flat_map(Place::items) {
                check_keys(version, &VERSION, &mut say);
                if let Some(meta) = version.key("meta") {
                    check_keys(meta, &META, &mut say);
                }
            }
        }
    }
    found
}

fn check_keys(map: Place<'_>, keys: &[Key], say: &mut dyn FnMut(Place<'_>, String)) {
    for (key, is_needed, form) in keys {
        match map.key(key) {
            Some(place) => {
                if let Some(needed) = refusal(place.node, *form) {
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
fn refusal(node: &Node, form: Form) -> Option<String> {
    let kind = scalar(node);
    let text = node.as_str().filter(|_| kind == Some(Scalar::Text));
    let is_of = |test: fn(&str) -> bool| text.is_some_and(test);
    let is_one_of = |words: &[&str]| text.is_some_and(|text| words.contains(&text));
    let (is_right, needed) = match form {
        Form::Any => (true, ""),
        Form::Truth => (kind == Some(Scalar::Truth), "neither true nor false"),
        Form::Text => (text.is_some(), "no text; quote it"),
        Form::Count => (kind == Some(Scalar::Whole), "no whole number"),
        Form::Url => (is_of(is_url), "no URL"),
        Form::Source => (
            is_of(|text| is_url(text) || text == "private"),
            "neither a URL nor `private`",
        ),
        Form::Checksum => (is_of(is_checksum), "no checksum such as sha256:<64 digits>"),
        Form::Day => (
            kind == Some(Scalar::Day),
            "no day such as 2026-05-13, without quotes",
        ),
        Form::Texts => (
            node.is_seq() && node.items().iter().all(is_text),
            "no list of texts",
        ),
        Form::DayOr(words) => (
            kind == Some(Scalar::Day) || is_one_of(words),
            "neither `none` nor a day",
        ),
        Form::UuidValidity => (
            kind == Some(Scalar::Day) || is_of(is_uuid_validity),
            "none of none, notice, forever, last-<number> and a day",
        ),
        Form::OneOf(words) => {
            return (!is_one_of(words)).then(|| format!("none of {}", words.join(", ")));
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

pub(super) fn is_day(text: &str) -> bool {
    text.get(..10)
        .is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok())
}

/// Source: scs-0102-v2, `uuid_validity`; openstack-image-manager takes any text after `last-`.
pub(super) fn is_uuid_validity(text: &str) -> bool {
    let is_last = text
        .strip_prefix("last-")
        .is_some_and(|count| count.parse::<u32>().is_ok());
    matches!(text, "none" | "notice" | "forever") || is_last || is_day(text)
}

fn build_date_missing(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        let of_manager = image_list.form == ImageListForm::ImageManager;
        for entry in image_list.entries.iter().filter(|_| of_manager) {
            if entry.built.is_none() {
                let message = format!("{} has no `build_date`", entry.name);
                let command = view.input.selection.command("update");
                let hint = format!("{command} adds it, from the image store");
                found.push(
                    Found::in_file(&image_list.file, Some(entry.line), message)
                        .of(minor.or(Some(entry.version.minor())))
                        .hinted(hint),
                );
            }
        }
    }
    found
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
