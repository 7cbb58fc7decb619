//! Rules of openstack-image-manager about its image lists, by its `etc/schema.yaml` as of release 0.20261006.0.

use super::consumers::{Complaints, Located, ScalarKind, files_of, is_day, is_text, root, scalar};
use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::View;
use crate::stack::{ImageListForm, Role};
use crate::yaml::Node;

pub(super) const RULES: [Rule; 2] = [
    Rule {
        name: "image-manager-form",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "An image list violates the schema of openstack-image-manager: a key is missing or unknown, or has an invalid value.",
        reason: "openstack-image-manager rejects the whole file.",
        find: Search::Stack(image_manager_form),
    },
    Rule {
        name: "build-date-missing",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "A version in an image list of openstack-image-manager has no build date.",
        reason: "Releases before 0.20261006.0 reject the file, and without the date nobody sees how old an image is (standard scs-0102).",
        find: Search::Stack(build_date_missing),
    },
];

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

fn image_manager_form(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, file) in files_of(view, Role::CloudImages) {
        // Without a list of Kubernetes node images it lists others.
        let Some(root) = root(file).filter(|_| !file.image_lists().is_empty()) else {
            continue;
        };
        let mut complaints = Complaints {
            minor,
            found: &mut found,
        };
        for image in root.key("images").into_iter().flat_map(Located::items) {
            check_keys(image, &IMAGE, &mut complaints);
            if let Some(meta) = image.key("meta") {
                check_keys(meta, &META, &mut complaints);
            }
            for version in image.key("versions").into_iter().flat_map(Located::items) {
                check_keys(version, &VERSION, &mut complaints);
                if let Some(meta) = version.key("meta") {
                    check_keys(meta, &META, &mut complaints);
                }
            }
        }
    }
    found
}

fn check_keys(map: Located<'_>, keys: &[Key], complaints: &mut Complaints<'_>) {
    for (key, is_needed, form) in keys {
        match map.key(key) {
            Some(place) => {
                if let Some(needed) = refusal(place.node, *form) {
                    complaints.add(place, "invalid-value", format!("`{key}` must be {needed}"));
                }
            }
            None if *is_needed => complaints.add(map, "missing-key", format!("`{key}` is missing")),
            None => {}
        }
    }
    for (key, _, node) in map.node.entries() {
        if !keys.iter().any(|(known, _, _)| *known == key) {
            let nearest = crate::spelling::nearest(key, keys.iter().map(|(known, _, _)| *known));
            let hint = nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            complaints.add(
                Located { node, ..map },
                "unknown-key",
                format!("unknown key `{key}`{hint}"),
            );
        }
    }
}

/// Says what a value must be to be of a form; nothing where it is.
fn refusal(node: &Node, form: Form) -> Option<String> {
    let kind = scalar(node);
    let text = node.as_str().filter(|_| kind == Some(ScalarKind::Text));
    let (is_right, needed) = match form {
        Form::Any => (true, ""),
        Form::Truth => (kind == Some(ScalarKind::Truth), "true or false"),
        Form::Text => (text.is_some(), "a string; quote it"),
        Form::Count => (kind == Some(ScalarKind::Whole), "a whole number"),
        Form::Url => (text.is_some_and(is_url), "a URL"),
        Form::Source => (
            text.is_some_and(|text| is_url(text) || text == "private"),
            "a URL or `private`",
        ),
        Form::Checksum => (
            text.is_some_and(is_checksum),
            "a checksum such as sha256:<64 hex digits>",
        ),
        Form::Day => (
            kind == Some(ScalarKind::Day),
            "a date such as 2026-05-13, without quotes",
        ),
        Form::Texts => (
            node.is_seq() && node.items().iter().all(is_text),
            "a list of strings",
        ),
        Form::DayOr(words) => (
            kind == Some(ScalarKind::Day) || text.is_some_and(|text| words.contains(&text)),
            "`none` or a date",
        ),
        Form::UuidValidity => (
            kind == Some(ScalarKind::Day) || text.is_some_and(is_uuid_validity),
            "none, notice, forever, last-<number> or a date",
        ),
        Form::OneOf(words) => {
            let is_one = text.is_some_and(|text| words.contains(&text));
            return (!is_one).then(|| format!("one of {}", words.join(", ")));
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
    // The lengths of MD5, SHA-1, SHA-256 and SHA-512.
    !algorithm.is_empty() && is_hex && [32, 40, 64, 128].contains(&digits.len())
}

/// Source: scs-0102-v2, `uuid_validity`; openstack-image-manager takes any text after `last-`.
pub(super) fn is_uuid_validity(text: &str) -> bool {
    let is_last = text
        .strip_prefix("last-")
        .is_some_and(|count| count.parse::<u32>().is_ok());
    matches!(text, "none" | "notice" | "forever") || is_last || is_day(text)
}

fn build_date_missing(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        let of_manager = image_list.form == ImageListForm::ImageManager;
        for entry in image_list.entries.iter().filter(|_| of_manager) {
            if entry.built.is_none() {
                let message = format!("{} has no `build_date`", entry.name);
                let command = view.command("update");
                let hint = format!("run `{command}` to add it from the image store");
                found.push(
                    Contradiction::in_file(&image_list.file, Some(entry.line), message)
                        .of(minor.or(Some(entry.version.minor())))
                        .hinted(hint),
                );
            }
        }
    }
    found
}
