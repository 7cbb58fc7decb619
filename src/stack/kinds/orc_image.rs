//! `Image` manifests of the OpenStack resource controller (ORC), plain or inside a Helm template. One manifest is the default's
//! image; several in one file are a list.

use super::{Fact, Facts, Fault, FileEdits, FileKind, Part, SourceFile, Wanted, names};
use crate::catalog::{ImagePattern, NodeImage};
use crate::policy::ChangeClass;
use crate::stack::facts::{ImageSite, Roster, RosterEntry, RosterForm};
use crate::stack::roster::{RosterScope, reconcile};
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(super) struct OrcImage;

const NAME: [&str; 2] = ["metadata", "name"];
const URL: [&str; 5] = ["spec", "resource", "content", "download", "url"];
const HASH: [&str; 6] = ["spec", "resource", "content", "download", "hash", "value"];
const OS_VERSION: [&str; 5] = [
    "spec",
    "resource",
    "properties",
    "operatingSystem",
    "version",
];

impl FileKind for OrcImage {
    fn name(&self) -> &'static str {
        "ORC image"
    }

    fn part(&self) -> Part {
        Part::NodeImage
    }

    fn claims(&self, _place: &str, text: &str) -> bool {
        text.contains("k-orc.cloud/") && text.contains("kind: Image")
    }

    fn read(&self, file: &SourceFile, facts: &mut Facts) -> Result<(), Fault> {
        let images = images(file)?;
        if let [(_, document, entry)] = &images[..] {
            let path = super::keys(&URL);
            let node = document.at(&path).unwrap_or(document);
            let fact = Fact::Image(ImageSite {
                version: entry.version,
                os: entry.os.clone(),
                url: entry.url.clone().unwrap_or_default(),
                sha256: entry.sha256.clone(),
            });
            facts.sites.push(super::site(file, &path, node, fact));
            if let Some((node, text)) = super::text_at(document, &super::keys(&NAME))
                && let Some(version) = names::version_in(text)
            {
                facts.sites.push(super::site(
                    file,
                    &super::keys(&NAME),
                    node,
                    Fact::ImageName { version },
                ));
            }
        } else if !images.is_empty() {
            facts.rosters.push(Roster {
                file: file.path().to_owned(),
                line: images[0].1.line(),
                at: "kind=Image".to_owned(),
                form: RosterForm::OrcImages,
                entries: images.into_iter().map(|(_, _, entry)| entry).collect(),
            });
        }
        Ok(())
    }

    fn edit(
        &self,
        file: &SourceFile,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let images = images(file)?;
        if let [(index, _, entry)] = &images[..] {
            let default = wanted
                .default_image
                .filter(|image| Some(image.version) == wanted.default);
            let Some(image) = default else { return Ok(()) };
            let is_same_version = image.version == entry.version;
            let is_another =
                entry.url.as_deref() != Some(&image.url) || entry.sha256 != image.sha256;
            let class = if is_same_version && is_another {
                wanted.image_class(entry.version, entry.os.as_ref())
            } else {
                wanted.default_class(entry.version)
            };
            return set_image(file, *index, entry, image, (class, edits));
        }
        let entries: Vec<RosterEntry> = images.iter().map(|(_, _, entry)| entry.clone()).collect();
        if entries.is_empty() {
            return Ok(());
        }
        let change = reconcile(&entries, wanted, RosterScope::OneMinor);
        // A manifest that is alone is read as the default's image.
        if let [left] = change.versions_after(&entries)[..]
            && Some(left) != wanted.default
        {
            return Ok(());
        }
        for (index, class) in &change.remove {
            edits.remove_document(images[*index].0, &entries[*index].name, *class)?;
        }
        for (index, image, class) in &change.replace {
            set_image(
                file,
                images[*index].0,
                &entries[*index],
                image,
                (*class, edits),
            )?;
        }
        for (at, image, class) in &change.insert {
            let like = at.saturating_sub(1);
            let before = images
                .get(*at)
                .map_or(images[images.len() - 1].0 + 1, |(index, _, _)| *index);
            let changes = changes(images[like].1, &entries[like], image);
            let changes: Vec<(Path, String)> = changes
                .into_iter()
                .map(|(path, _, text)| (path, text))
                .collect();
            edits.insert_document(
                (images[like].0, before),
                &changes,
                &image.version.to_string(),
                *class,
            )?;
        }
        Ok(())
    }
}

/// Finds the `Image` manifests of a file: their document, and what they say.
fn images(file: &SourceFile) -> Result<Vec<(usize, &Node, RosterEntry)>, Fault> {
    let mut found = Vec::new();
    for (index, document) in file.documents().iter().enumerate() {
        let is = |key: &str, wanted: fn(&str) -> bool| {
            document.get(key).and_then(Node::as_str).is_some_and(wanted)
        };
        if !is("kind", |kind| kind == "Image")
            || !is("apiVersion", |version| version.contains("k-orc.cloud/"))
        {
            continue;
        }
        let Some((node, url)) = super::text_at(document, &super::keys(&URL)) else {
            continue;
        };
        let read = ImagePattern::read_url(url).map_err(|error| {
            let hint = "write the image's URL with its Kubernetes version, or remove the manifest";
            Fault::new(file.path(), node.line(), error.to_string(), hint)
        })?;
        let sum = super::text_at(document, &super::keys(&HASH)).map(|(_, text)| text);
        let name = super::text_at(document, &super::keys(&NAME)).map_or("", |(_, text)| text);
        let entry = RosterEntry {
            line: document.line(),
            version: read.version,
            name: name.to_owned(),
            os: read.os,
            url: Some(url.to_owned()),
            sha256: sum.and_then(|text| text.parse().ok()),
            built: None,
        };
        found.push((index, document, entry));
    }
    Ok(found)
}

/// Returns what a manifest says where it is about another image: place, old text, new text.
fn changes<'n>(
    document: &'n Node,
    entry: &RosterEntry,
    image: &NodeImage,
) -> Vec<(Path, &'n str, String)> {
    let mut changes = Vec::new();
    let mut add = |path: &[&str], new: &dyn Fn(&str) -> Option<String>| {
        let path = super::keys(path);
        if let Some((_, text)) = super::text_at(document, &path)
            && let Some(new) = new(text)
        {
            changes.push((path, text, new));
        }
    };
    add(&URL, &|_| Some(image.url.clone()));
    add(&HASH, &|text| {
        image.sha256.as_ref().map(|sum| sum.spelled_like(text))
    });
    add(&OS_VERSION, &|_| {
        image
            .os
            .as_ref()
            .map(crate::version::OsRelease::dotted_version)
    });
    add(&NAME, &|text| {
        names::version_in(text).map(|version| respell_name(text, version, entry, image))
    });
    changes
}

fn respell_name(
    text: &str,
    version: KubernetesVersion,
    entry: &RosterEntry,
    image: &NodeImage,
) -> String {
    names::respell(
        text,
        &RosterEntry {
            version,
            ..entry.clone()
        },
        image,
    )
}

fn set_image(
    file: &SourceFile,
    index: usize,
    entry: &RosterEntry,
    image: &NodeImage,
    (class, edits): (ChangeClass, &mut FileEdits<'_>),
) -> Result<(), Fault> {
    let Some(document) = file.documents().get(index) else {
        return Ok(());
    };
    if image.sha256.is_none() && document.at(&super::keys(&HASH)).is_some() {
        let hint = "the store must publish a .CHECKSUM beside the image";
        return Err(Fault::new(
            file.path(),
            document.line(),
            format!("no checksum is known of {}", image.url),
            hint,
        ));
    }
    for (path, _, text) in changes(document, entry, image) {
        edits.set(index, &path, &text, class)?;
    }
    Ok(())
}
