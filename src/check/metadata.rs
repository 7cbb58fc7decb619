//! Rules of standard scs-0102-v2: the metadata that images in an SCS cloud carry. What openstack-image-manager refuses by itself is
//! another rule's business (`image-manager-form`); this one looks at what it lets through, and at what node images carry.

use super::consumers::{for_each_properties, is_day};
use super::finding::{Contradiction, Severity};
use super::image_manager::{ARCHITECTURES, OS_PURPOSES, REPLACE_FREQUENCIES, is_uuid_validity};
use super::rule::{Group, Rule, Search};
use super::view::View;
use crate::yaml::Node;

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "image-metadata",
    group: Group::Tree,
    severity: Severity::Warning,
    finds: "An image property has a value that standard scs-0102-v2 does not allow, or a build date is in the future.",
    reason: "A cloud with such an image fails the standard's test.",
    find: Search::Stack(image_metadata),
}];

/// Properties whose values the standard names. Source: scs-0102-v2-image-metadata.
const PROPERTIES: [(&str, &[&str]); 4] = [
    ("architecture", &ARCHITECTURES),
    ("hw_disk_bus", &["virtio", "scsi"]),
    ("os_purpose", &OS_PURPOSES),
    ("replace_frequency", &REPLACE_FREQUENCIES),
];

fn image_metadata(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        for entry in &image_list.entries {
            if let Some(built) = entry.built.filter(|built| *built > view.input.today) {
                let message = format!(
                    "{} has build date {built}, which is in the future",
                    entry.name
                );
                let told = Contradiction::in_file(&image_list.file, Some(entry.line), message);
                found.push(told.of(minor).case("build-date"));
            }
        }
    }
    for_each_properties(view, |minor, file, properties| {
        for (line, message) in wrong_values(properties) {
            let told = Contradiction::in_file(file.path(), Some(line), message);
            found.push(told.of(minor).case("property"));
        }
    });
    found
}

/// Finds properties with values that the standard does not allow.
fn wrong_values(properties: &Node) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    for (name, words) in PROPERTIES {
        let allowed = words.join(", ");
        wrong.extend(wrong_value(properties, name, &allowed, |text| {
            words.contains(&text)
        }));
    }
    let allowed = "none, notice, forever, last-<number> or a date";
    wrong.extend(wrong_value(
        properties,
        "uuid_validity",
        allowed,
        is_uuid_validity,
    ));
    let allowed = "none, notice or a date";
    wrong.extend(wrong_value(
        properties,
        "provided_until",
        allowed,
        is_end_of_provision,
    ));
    wrong
}

/// Returns the line of a property whose value is not allowed, and what is.
fn wrong_value(
    properties: &Node,
    name: &str,
    allowed: &str,
    is_allowed: impl Fn(&str) -> bool,
) -> Option<(usize, String)> {
    let node = properties.get(name)?;
    let text = node.as_str().filter(|text| !is_allowed(text))?;
    let message = format!("invalid value `{text}` for `{name}`: the standard allows {allowed}");
    Some((node.line(), message))
}

fn is_end_of_provision(text: &str) -> bool {
    matches!(text, "none" | "notice") || is_day(text)
}
