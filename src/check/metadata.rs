//! Rules of standard scs-0102-v2: the metadata that images in an SCS cloud carry. openstack-image-manager makes some of it from
//! other keys (name, URL, build date, login), so only what a list says itself is judged.

use serde_yaml::Value;

use super::Found;
use super::consumers::{for_each_image, for_each_properties};
use super::rule::{Group, Rule, Severity};
use super::view::View;
use crate::yaml::Node;

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "image-metadata",
    group: Group::Tree,
    severity: Severity::Warning,
    finds: "The metadata of an image list lacks a mandatory property of standard scs-0102-v2, or has a value outside it.",
    reason: "Clouds that import the list break the standard, and openstack-image-manager refuses most of these values.",
    find: image_metadata,
}];

/// Mandatory properties that a list's `meta` has to state, with their values where the standard names them; an empty list of
/// values stands for texts of another form. Source: scs-0102-v2-image-metadata.
const PROPERTIES: [(&str, &[&str]); 8] = [
    ("architecture", &["x86_64", "aarch64", "risc-v"]),
    ("hw_disk_bus", &["virtio", "scsi"]),
    ("os_distro", &[]),
    (
        "os_purpose",
        &[
            "generic",
            "oldgeneric",
            "minimal",
            "k8snode",
            "gpu",
            "network",
            "custom",
        ],
    ),
    ("provided_until", &[]),
    (
        "replace_frequency",
        &[
            "yearly",
            "quarterly",
            "monthly",
            "weekly",
            "daily",
            "critical_bug",
            "never",
        ],
    ),
    ("uuid_validity", &[]),
    ("hypervisor_type", &[]),
];

fn image_metadata(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for_each_image(view, |minor, file, node, value| {
        let meta = node
            .get("meta")
            .zip(value.get("meta"))
            .filter(|(_, value)| value.is_mapping());
        let Some((node, value)) = meta else {
            return;
        };
        for (name, _) in PROPERTIES {
            let message = match value.get(name) {
                None | Some(Value::Null) => format!("`meta.{name}` is missing"),
                Some(_) => continue,
            };
            found.push(Found::in_file(file.path(), Some(node.line()), message).of(minor));
        }
        for (line, message) in wrong_values(node) {
            found.push(Found::in_file(file.path(), Some(line), message).of(minor));
        }
    });
    for_each_properties(view, |minor, file, properties| {
        for (line, message) in wrong_values(properties) {
            found.push(Found::in_file(file.path(), Some(line), message).of(minor));
        }
    });
    found
}

/// Finds properties with values outside the standard.
fn wrong_values(properties: &Node) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (name, words) in PROPERTIES {
        let Some((node, text)) = properties
            .get(name)
            .and_then(|node| Some((node, node.as_str()?)))
        else {
            continue;
        };
        let needed = match name {
            "uuid_validity" if !is_uuid_validity(text) => {
                "none, notice, forever, last-<number> or a day".to_owned()
            }
            "provided_until" if !matches!(text, "none" | "notice") && !is_day(text) => {
                "none, notice or a day".to_owned()
            }
            _ if !words.is_empty() && !words.contains(&text) => words.join(", "),
            _ => continue,
        };
        wrong.push((
            node.line(),
            format!("`{name}: {text}` is outside the standard: {needed}"),
        ));
    }
    wrong
}

fn is_uuid_validity(text: &str) -> bool {
    let is_last = text
        .strip_prefix("last-")
        .is_some_and(|count| count.parse::<u32>().is_ok());
    matches!(text, "none" | "notice" | "forever") || is_last || is_day(text)
}

fn is_day(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok()
}
