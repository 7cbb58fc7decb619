//! Rules of standard scs-0102-v2: the metadata that images in an SCS cloud carry. What openstack-image-manager refuses by itself is
//! another rule's business (`image-manager-form`); this one looks at what it lets through, and at what node images carry.

use super::consumers::{
    ARCHITECTURES, OS_PURPOSES, REPLACE_FREQUENCIES, for_each_properties, is_day, is_uuid_validity,
};
use super::finding::Found;
use super::rule::{Group, Rule, Search, Severity};
use super::view::View;
use crate::yaml::Node;

pub(super) const RULES: [Rule; 1] = [Rule {
    name: "image-metadata",
    group: Group::Tree,
    severity: Severity::Warning,
    finds: "A property of an image has a value outside standard scs-0102-v2, or a build date lies in the future.",
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

fn image_metadata(view: &View<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        for entry in &image_list.entries {
            if let Some(built) = entry.built.filter(|built| *built > view.input.today) {
                let message = format!("{} was built on {built}, which is to come", entry.name);
                found.push(Found::in_file(&image_list.file, Some(entry.line), message).of(minor));
            }
        }
    }
    for_each_properties(view, |minor, file, properties| {
        for (line, message) in wrong_values(properties) {
            found.push(Found::in_file(file.path(), Some(line), message).of(minor));
        }
    });
    found
}

/// Finds properties with values outside the standard.
fn wrong_values(properties: &Node) -> Vec<(usize, String)> {
    let value = |name: &str| {
        let node = properties.get(name)?;
        Some((node.line(), node.as_str()?))
    };
    let outside = |name: &str, text: &str, needed: &str| {
        format!("`{name}: {text}` is outside the standard: {needed}")
    };
    let mut wrong = Vec::new();
    for (name, words) in PROPERTIES {
        if let Some((line, text)) = value(name).filter(|(_, text)| !words.contains(text)) {
            wrong.push((line, outside(name, text, &words.join(", "))));
        }
    }
    if let Some((line, text)) = value("uuid_validity").filter(|(_, text)| !is_uuid_validity(text)) {
        let needed = "none, notice, forever, last-<number> or a day";
        wrong.push((line, outside("uuid_validity", text, needed)));
    }
    let is_until = |text: &str| matches!(text, "none" | "notice") || is_day(text);
    if let Some((line, text)) = value("provided_until").filter(|(_, text)| !is_until(text)) {
        wrong.push((
            line,
            outside("provided_until", text, "none, notice or a day"),
        ));
    }
    wrong
}
