//! Rules about the default's node image: its name, its manifest, and the parts of a URL that must agree.

use std::collections::BTreeMap;

use super::finding::{Contradiction, Severity};
use super::rule::{Group, Rule, Search};
use super::view::{StatedImage, View, file_name};
use crate::catalog::ImagePattern;
use crate::stack::{Fact, ImageListEntry, ImageListForm, SourceFile, cannot_follow};
use crate::version::{KubernetesVersion, Minor, OsRelease, Sha256};
use crate::yaml::{Node, Path};

pub(super) const RULES: [Rule; 6] = [
    Rule {
        name: "image-name-version",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The name of the stack's node image carries a different version than the stack.",
        reason: "Nodes would boot a different Kubernetes version than the cluster's.",
        find: Search::Stack(image_name_version),
    },
    Rule {
        name: "image-version",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The stack's image manifest downloads the image for a different version than the stack's.",
        reason: "The cloud then lacks the image that the cluster class asks for.",
        find: Search::Stack(image_version),
    },
    Rule {
        name: "image-cannot-follow",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "An image of the stack cannot follow a new default: its source is unknown, or its name or the values beside it fit no other image.",
        reason: "The default stays where it is; otherwise nodes would boot a different Kubernetes version than the cluster's.",
        find: Search::Stack(image_cannot_follow),
    },
    Rule {
        name: "image-parts",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "The directory, the file and the name or version of one image disagree.",
        reason: "One of them was not updated, so the download is not what the entry says.",
        find: Search::Stack(image_parts),
    },
    Rule {
        name: "image-checksum",
        group: Group::Tree,
        severity: Severity::Error,
        finds: "Two files give different checksums for one image URL.",
        reason: "One of them is of an earlier upload, and that download is refused.",
        find: Search::Stack(image_checksum),
    },
    Rule {
        name: "image-unproved",
        group: Group::Tree,
        severity: Severity::Warning,
        finds: "Nothing proves the images of the stack: their store publishes no checksums.",
        reason: "An image that is broken, or not the one that was published, is not noticed before nodes boot it.",
        find: Search::Stack(image_unproved),
    },
];

fn image_name_version(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        for reference in line.references() {
            if let Fact::ImageName { version } = reference.fact
                && line.differs(version)
            {
                let message = format!(
                    "{} is the image for {version}, but {}",
                    reference.value,
                    line.is_words()
                );
                let hint = format!(
                    "name the image for {} here, or write {version} in {}",
                    line.version_words(),
                    line.default_file()
                );
                found.push(line.at(reference, message).hinted(hint));
            }
        }
    }
    found
}

fn image_version(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for line in view.lines() {
        for reference in line.references() {
            if let Fact::Image(image) = &reference.fact
                && line.differs(image.version)
            {
                let message = format!(
                    "the image is for {}, but {}",
                    image.version,
                    line.is_words()
                );
                // A manifest that is newer than the stack may be the one that is right.
                let is_newer = line.default.is_some_and(|default| image.version > default);
                let hint = if is_newer {
                    format!(
                        "write {} in {}, or the image for {} here",
                        image.version,
                        line.default_file(),
                        line.version_words()
                    )
                } else {
                    let command = view.update_command();
                    format!(
                        "run `{command}` to set URL and checksum together, from the image store"
                    )
                };
                found.push(line.at(reference, message).hinted(hint));
            }
        }
    }
    found
}

fn image_cannot_follow(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, file) in view.files_with_minor() {
        for fault in cannot_follow(file, &view.stack.series) {
            let told = Contradiction::in_file(&fault.file, fault.line, &fault.message).of(minor);
            found.push(told.hinted(&fault.hint));
        }
    }
    found
}

fn image_parts(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (minor, image_list) in view.image_lists() {
        for entry in &image_list.entries {
            for (case, message) in disagreements(entry) {
                let told = Contradiction::in_file(&image_list.file, Some(entry.line), message);
                found.push(told.of(minor).case(case));
            }
        }
    }
    for line in view.lines() {
        for reference in line.references() {
            if let Fact::Image(image) = &reference.fact {
                for (case, message) in url_disagreements(&image.url) {
                    found.push(line.at(reference, message).case(case));
                }
            }
        }
        for file in &line.tree.files {
            found.extend(wrong_os(file, line.minor));
        }
    }
    found
}

/// What an entry of a list says against itself: the case, and in words.
fn disagreements(entry: &ImageListEntry) -> Vec<(&'static str, String)> {
    let Some(url) = &entry.url else {
        return Vec::new();
    };
    let mut messages = url_disagreements(url);
    let Ok(read) = ImagePattern::read_url(url) else {
        return messages;
    };
    // Some lists call an entry by its version, others by the name of its image.
    let version: Option<KubernetesVersion> = entry.name.parse().ok();
    let named = version.or_else(|| {
        ImagePattern::read_url(&entry.name)
            .ok()
            .map(|read| read.version)
    });
    if let Some(named) = named.filter(|named| *named != read.version) {
        let what = if entry.name == named.to_string() {
            format!("the entry is for {named}")
        } else {
            format!("{} is the image for {named}", entry.name)
        };
        messages.push((
            "name",
            format!("{what}, but its URL is for {}", read.version),
        ));
    }
    messages
}

/// What a URL says against itself: its directory is of another minor or operating system than its file.
fn url_disagreements(url: &str) -> Vec<(&'static str, String)> {
    let Ok(read) = ImagePattern::read_url(url) else {
        return Vec::new();
    };
    let mut parts = url.rsplit('/');
    let (file, directory) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let mut messages = Vec::new();
    if let Some(minor) = read.directory_minor
        && minor != read.version.minor()
    {
        messages.push((
            "directory",
            format!("{file} is in the directory for {minor}"),
        ));
    }
    let directory_os: Option<OsRelease> = directory
        .split_once("-kube-")
        .and_then(|(os, _)| os.parse().ok());
    if let (Some(file_os), Some(directory_os)) = (read.os, directory_os)
        && file_os != directory_os
    {
        messages.push((
            "directory",
            format!("{file} is in the directory for {directory_os}"),
        ));
    }
    messages
}

/// ORC manifests say the operating system once more.
fn wrong_os(file: &SourceFile, minor: Minor) -> Vec<Contradiction> {
    let is_manifest = file
        .references()
        .iter()
        .any(|s| matches!(s.fact, Fact::Image(_)))
        || file
            .image_lists()
            .iter()
            .any(|image_list| image_list.form == ImageListForm::OrcImages);
    if !is_manifest {
        return Vec::new();
    }
    let documents = file.documents().iter();
    documents
        .filter_map(|document| wrong_os_in(document, file, minor))
        .collect()
}

fn wrong_os_in(document: &Node, file: &SourceFile, minor: Minor) -> Option<Contradiction> {
    let resource = Path::root().key("spec").key("resource");
    let url = resource.clone().key("content").key("download").key("url");
    let os = resource
        .key("properties")
        .key("operatingSystem")
        .key("version");
    let read = ImagePattern::read_url(document.at(&url)?.as_str()?).ok()?;
    let node = document.at(&os)?;
    let (stated, needed) = (node.as_str()?, read.os?.dotted_version());
    if stated == needed {
        return None;
    }
    let message = format!("operating system {stated}, but the image's URL says {needed}");
    let found = Contradiction {
        at: Some(os.to_string()),
        ..Contradiction::in_file(file.path(), Some(node.line()), message)
    };
    Some(found.of(minor).case("operating-system"))
}

fn image_checksum(view: &View<'_>) -> Vec<Contradiction> {
    let mut known: BTreeMap<&str, StatedImage<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for image in view.stated_images() {
        let Some(sum) = image.sha256 else {
            continue;
        };
        let first = known.entry(image.url).or_insert_with(|| image.clone());
        let Some(other) = first.sha256.filter(|other| *other != sum) else {
            continue;
        };
        let message = format!(
            "{} has checksum {}, but {} says {}",
            file_name(image.url),
            short(sum),
            file_name(first.file),
            short(other)
        );
        let command = view.command("check --with catalog");
        let hint = format!("run `{command}` to see which one the store has");
        found.push(
            Contradiction::in_file(image.file, Some(image.line), message)
                .of(image.minor)
                .hinted(hint),
        );
    }
    found
}

fn image_unproved(view: &View<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for store in view.stack.series.unproved_stores() {
        for line in view.lines() {
            let message = format!("nothing proves the images from {store}");
            let told = Contradiction::in_file(&line.own_file(), None, message).of(line.minor);
            found.push(told.hinted("publish a `.CHECKSUM` or `.md5` file beside each image"));
        }
    }
    found
}

/// The beginning of a checksum, for people.
fn short(sum: &Sha256) -> &str {
    &sum.hex()[..12]
}
