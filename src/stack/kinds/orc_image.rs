//! `Image` manifests of the OpenStack resource controller (ORC), plain or inside a Helm template. One manifest is the default's
//! image; several in one file are a list. The content of such a resource is immutable, and consumers know it by its name: another
//! image needs another name.

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted};
use crate::catalog::NodeImage;
use crate::stack::edits::NewDocument;
use crate::stack::facts::{FaultKind, ImageList, ImageListEntry, ImageListForm};
use crate::stack::group::{self, Algorithm, ImageGroup, ImagePart, Member, Stuck};
use crate::stack::image_list::{ImageListScope, Listing, reconcile};
use crate::stack::image_options::{ImageOptions, ImageProperty, OptionReader};
use crate::stack::stated::{Reading, ValueRef};
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(in crate::stack) struct OrcImage;

const NAME: &str = "metadata.name";
const GLANCE_NAME: &str = "spec.resource.name";
const URL: &str = "spec.resource.content.download.url";
const HASH: &str = "spec.resource.content.download.hash.value";
const ALGORITHM: &str = "spec.resource.content.download.hash.algorithm";
const IMPORT_NAME: &str = "spec.import.filter.name";
const OS_VERSION: &str = "spec.resource.properties.operatingSystem.version";

impl FileKind for OrcImage {
    fn name(&self) -> &'static str {
        "ORC image"
    }

    fn role(&self) -> Role {
        Role::ImageManifest
    }

    fn claims(&self, _place: &str, text: &str) -> bool {
        text.contains("k-orc.cloud/") && text.contains("kind: Image")
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        for (document, root) in manifests(file) {
            facts.value_refs.extend(value_refs(file, document, root));
            facts.groups.extend(imported(root, document));
        }
        let groups = groups(file);
        if groups.len() < 2 {
            facts.groups.extend(groups);
            return Ok(());
        }
        facts.image_lists.push(ImageList {
            file: file.path().to_owned(),
            line: groups[0].line,
            at: "kind=Image".to_owned(),
            form: ImageListForm::OrcImages,
            entries: groups.iter().map(|group| entry(file, group)).collect(),
            names: Vec::new(),
        });
        Ok(())
    }

    fn image_options(
        &self,
        file: &Document,
        list: &ImageList,
    ) -> Result<Option<Vec<ImageOptions>>, Fault> {
        if list.form != ImageListForm::OrcImages {
            return Ok(None);
        }
        let groups = groups(file);
        let roots = groups
            .iter()
            .filter_map(|group| file.documents().get(group.document));
        let read = roots.map(|root| options(file, root));
        read.collect::<Result<_, Fault>>().map(Some)
    }

    /// A single manifest moves with all other values about the default's image; only a list is edited here.
    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let groups = groups(file);
        if groups.len() < 2 {
            return Ok(());
        }
        let entries: Vec<ImageListEntry> = groups.iter().map(|group| entry(file, group)).collect();
        let listing = Listing::new(file.path(), &entries, wanted);
        let change = reconcile(&listing, wanted, ImageListScope::OneMinor);
        // A manifest that is alone is read as the default's image.
        if let [left] = change.versions_after(&entries)[..]
            && Some(left) != wanted.default
        {
            return Ok(());
        }
        for (index, class) in &change.remove {
            edits.remove_document(groups[*index].document, &entries[*index].name, *class)?;
        }
        for (index, image, class) in &change.replace {
            let group = &groups[*index];
            for stated in about(file, group, image)? {
                edits.set(group.document, &stated.0, &stated.1, *class)?;
            }
        }
        for insert in &change.insert {
            let like = &groups[insert.like];
            // Behind the last image and not at the end of the file, where manifests of other kinds may stand.
            let last = groups.last().map_or(0, |group| group.document + 1);
            let before = groups.get(insert.at).map_or(last, |group| group.document);
            let changes = about(file, like, &insert.image)?;
            let new = NewDocument {
                at: before,
                like: like.document,
                changes: &changes,
            };
            edits.insert_document(&new, &insert.image.version.to_string(), insert.class)?;
        }
        Ok(())
    }
}

/// Finds the `Image` manifests of a file.
fn manifests(file: &Document) -> impl Iterator<Item = (usize, &Node)> {
    let documents = file.documents().iter().enumerate();
    documents.filter(|(_, document)| {
        let kind = document.get("kind").and_then(Node::as_str);
        let group = document.get("apiVersion").and_then(Node::as_str);
        kind == Some("Image") && group.is_some_and(|group| group.contains("k-orc.cloud/"))
    })
}

/// Returns the images that manifests name in their own text. Where a template writes some of what belongs together, the image
/// cannot follow.
fn groups(file: &Document) -> Vec<ImageGroup> {
    manifests(file)
        .filter_map(|(document, root)| group_in(document, root))
        .collect()
}

fn is_literal(text: &str) -> bool {
    !text.contains("{{")
}

fn group_in(document: usize, root: &Node) -> Option<ImageGroup> {
    let (node, url) = written(root, URL)?;
    let version = if is_literal(url) {
        group::version_of(url)?
    } else {
        group::version_around(url)?
    };
    let mut members = Vec::new();
    for (place, part) in parts(root) {
        let Some((_, text)) = written(root, place) else {
            continue;
        };
        let names_version = group::version_of(text).is_some();
        let part = match part {
            ImagePart::Url if !is_literal(text) => ImagePart::Stuck(Stuck::Piece),
            ImagePart::Sum(_) if !is_literal(text) => ImagePart::Stuck(Stuck::Split),
            // What a template writes is claimed in the chart's values; `constant_name` refuses one without a version.
            ImagePart::Name if !is_literal(text) || !names_version => continue,
            _ if !is_literal(text) => continue,
            part => part,
        };
        members.push(Member {
            path: path(place),
            part,
        });
    }
    Some(ImageGroup {
        document,
        line: node.line(),
        version,
        members,
        full: None,
    })
}

/// Returns an image that is in the cloud already, as a manifest names it: its own name, and the name it is looked up by.
fn imported(root: &Node, document: usize) -> Option<ImageGroup> {
    let (node, name) = written(root, IMPORT_NAME)?;
    let version = group::version_of(name)?;
    let names = [IMPORT_NAME, NAME, GLANCE_NAME].into_iter();
    let members = names.filter_map(|place| {
        let (_, text) = written(root, place)?;
        group::version_of(text)?;
        Some(Member {
            path: path(place),
            part: ImagePart::Name,
        })
    });
    Some(ImageGroup {
        document,
        line: node.line(),
        version,
        members: members.collect(),
        full: None,
    })
}

/// Returns the fields of a manifest that are about its image.
fn parts(root: &Node) -> [(&'static str, ImagePart); 5] {
    let sum = written(root, HASH).map_or("", |(_, text)| text);
    let named = written(root, ALGORITHM).and_then(|(_, name)| Algorithm::of_name(name));
    let algorithm = named.or_else(|| Algorithm::of_sum(sum));
    [
        (URL, ImagePart::Url),
        (HASH, ImagePart::Sum(algorithm.unwrap_or(Algorithm::Sha256))),
        (OS_VERSION, ImagePart::OsVersion),
        (NAME, ImagePart::Name),
        (GLANCE_NAME, ImagePart::Name),
    ]
}

/// Returns the values of the chart that a manifest reads.
fn value_refs(file: &Document, document: usize, root: &Node) -> Vec<ValueRef> {
    let manifest = format!("{}:{document}", file.path());
    let is_literal =
        |place: &str| written(root, place).is_some_and(|(_, text)| !text.contains("{{"));
    let is_split = is_literal(URL) != is_literal(HASH) && written(root, HASH).is_some();
    let mut refs = Vec::new();
    for (place, part) in parts(root) {
        let Some((_, text)) = written(root, place) else {
            continue;
        };
        let whole = group::value_ref(text);
        let reading = match part {
            ImagePart::Url | ImagePart::Sum(_) if is_split => Reading::Split,
            _ if whole.is_some() => Reading::Whole,
            _ => Reading::Piece,
        };
        let values = whole.map_or_else(|| group::values_in(text), |value| vec![value]);
        refs.extend(values.into_iter().map(|value| ValueRef {
            is_identity: place == NAME,
            is_sum_by_look: !is_literal(ALGORITHM),
            ..ValueRef::new(manifest.clone(), value, part, reading)
        }));
    }
    refs
}

fn entry(file: &Document, group: &ImageGroup) -> ImageListEntry {
    let root = file.documents().get(group.document);
    let name = root.and_then(|root| written(root, NAME));
    let url = root.and_then(|root| written(root, URL));
    ImageListEntry {
        name: name.map_or_else(String::new, |(_, name)| name.to_owned()),
        os: group.os(file),
        url: url.map(|(_, url)| url.to_owned()),
        sha256: group.sha256(file),
        sha512: group.sha512(file),
        md5: group.md5(file),
        proof: group.proofs(file).first().copied(),
        ..ImageListEntry::new(root.map_or(group.line, Node::line), group.version)
    }
}

/// The properties of the image service for the fields of `spec.resource.properties`: ORC's `api/v1alpha1/image_types.go` names
/// them in the tags of its types.
const PROPERTIES: [(&str, &[(&str, &str)]); 3] = [
    (
        "",
        &[
            ("architecture", "architecture"),
            ("hypervisorType", "hypervisor_type"),
        ],
    ),
    (
        "hardware",
        &[
            ("cpuSockets", "hw_cpu_sockets"),
            ("cpuCores", "hw_cpu_cores"),
            ("cpuThreads", "hw_cpu_threads"),
            ("cpuPolicy", "hw_cpu_policy"),
            ("cpuThreadPolicy", "hw_cpu_thread_policy"),
            ("cdromBus", "hw_cdrom_bus"),
            ("diskBus", "hw_disk_bus"),
            ("scsiModel", "hw_scsi_model"),
            ("vifModel", "hw_vif_model"),
            ("rngModel", "hw_rng_model"),
            ("qemuGuestAgent", "hw_qemu_guest_agent"),
        ],
    ),
    (
        "operatingSystem",
        &[("distro", "os_distro"), ("version", "os_version")],
    ),
];

/// Reads what a manifest states of its image in the cloud.
fn options(file: &Document, root: &Node) -> Result<ImageOptions, Fault> {
    let spec = OptionReader::new(file, root).inside("spec");
    let Some(resource) = spec.and_then(|spec| spec.inside("resource")) else {
        return Ok(ImageOptions::default());
    };
    let mut options = ImageOptions {
        visibility: resource.text("visibility")?,
        is_protected: resource.flag("protected")?,
        tags: resource.texts("tags")?,
        ..ImageOptions::default()
    };
    if let Some(content) = resource.inside("content") {
        options.disk_format = content.text("diskFormat")?;
        options.container_format = content.text("containerFormat")?;
    }
    let Some(properties) = resource.inside("properties") else {
        return Ok(options);
    };
    options.min_disk = properties.number("minDiskGB")?;
    options.min_ram = properties.number("minMemoryMB")?;
    for (group, fields) in PROPERTIES {
        let below = if group.is_empty() {
            Some(properties)
        } else {
            properties.inside(group)
        };
        let Some(below) = below else { continue };
        for (field, property) in fields {
            if let Some(value) = below.text(field)? {
                options.set_property(ImageProperty {
                    key: (*property).to_owned(),
                    value,
                });
            }
        }
    }
    Ok(options)
}

/// Returns what a manifest says where it is about another image. Its name has to say the version, as the content of a resource
/// that exists never changes.
pub(super) fn about(
    file: &Document,
    group: &ImageGroup,
    image: &NodeImage,
) -> Result<Vec<(Path, String)>, Fault> {
    if let Some(fault) = constant_name(file, group) {
        return Err(fault);
    }
    let stated = group.about(file, image)?;
    Ok(stated
        .into_iter()
        .map(|stated| (stated.path, stated.text))
        .collect())
}

/// Finds the name of a manifest that says no version, so that the manifest cannot be about another image.
pub(crate) fn constant_name(file: &Document, group: &ImageGroup) -> Option<Fault> {
    let root = file.documents().get(group.document)?;
    manifests(file).find(|(document, _)| *document == group.document)?;
    let (node, name) = written(root, NAME)?;
    if name.contains("{{") || group::version_of(name).is_some() {
        return None;
    }
    let message = format!(
        "`{name}` names the image of {}, and the content of an ORC image never changes",
        group.version
    );
    let hint = format!(
        "put the version into `metadata.name`, as in {name}-{}",
        group.version
    );
    Some(Fault {
        kind: FaultKind::Unmovable,
        ..Fault::new(file.path(), node.line(), message, hint)
    })
}

fn path(place: &str) -> Path {
    place.split('.').fold(Path::root(), Path::key)
}

fn written<'n>(root: &'n Node, place: &str) -> Option<(&'n Node, &'n str)> {
    super::text_at(root, &path(place))
}
