//! Files of openstack-image-manager that list Kubernetes node images, such as kubernetes.yaml and image-manager.yaml. Their
//! form is that of its `etc/schema.yaml`, where every version needs a build date.

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted, names};
use crate::catalog::{ImagePattern, NodeImage};
use crate::policy::ChangeClass;
use crate::stack::edits::{ItemPlace, NewItem, NewKey};
use crate::stack::facts::{ImageList, ImageListEntry, ImageListForm};
use crate::stack::group::Algorithm;
use crate::stack::image_list::{ImageListChange, ImageListScope, Listing, reconcile};
use crate::stack::image_options::{ImageOptions, OptionReader};
use crate::version::{KubernetesVersion, OsRelease};
use crate::yaml::{KeyPlace, Node, Path};

#[derive(Debug)]
pub(in crate::stack) struct ImageManager;

impl FileKind for ImageManager {
    fn name(&self) -> &'static str {
        "image-manager list"
    }

    fn role(&self) -> Role {
        Role::CloudImages
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        // At the left margin: values of charts have an `images` further in.
        !place.contains('/')
            // Not `||`, which binds behind `&&`.
            && text.contains("\nimages:") | text.starts_with("images:")
            && text.contains("versions:")
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        for list in lists(file)? {
            facts.image_lists.push(ImageList {
                file: file.path().to_owned(),
                line: list.node.line(),
                at: list.path.to_string(),
                form: ImageListForm::ImageManager,
                entries: entries(file, list.node)?,
                names: glance_name(&list).into_iter().collect(),
            });
        }
        Ok(())
    }

    fn image_options(
        &self,
        file: &Document,
        wanted: &ImageList,
    ) -> Result<Option<Vec<ImageOptions>>, Fault> {
        if wanted.form != ImageListForm::ImageManager {
            return Ok(None);
        }
        for list in lists(file)? {
            // Two documents may have a list in the same place.
            if list.node.line() == wanted.line && list.path.to_string() == wanted.at {
                return all_options(file, &list).map(Some);
            }
        }
        Ok(None)
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        for list in lists(file)? {
            edit_list(file, &list, wanted, edits)?;
        }
        Ok(())
    }
}

/// A list of Kubernetes images.
struct List<'f> {
    document: usize,
    path: Path,
    node: &'f Node,
    /// The image that the versions are of.
    image: &'f Node,
}

/// Returns the pattern of the names that the images of a list get in the cloud: `{name}{separator}{version}`, where the separator
/// is a blank unless another one is written.
pub(crate) fn glance_name_of(image: &Node, version: &str) -> Option<String> {
    let name = image.get("name")?.as_str()?;
    let separator = image.get("separator").and_then(Node::as_str).unwrap_or(" ");
    let is_multi = image.get("multi").and_then(Node::as_str) == Some("true");
    Some(if is_multi {
        format!("{name}{separator}({version})")
    } else {
        format!("{name}{separator}{version}")
    })
}

fn glance_name(list: &List<'_>) -> Option<ImagePattern> {
    let first = list.node.items().first()?;
    let version = first.get("version")?.as_str()?;
    ImagePattern::of_url(&glance_name_of(list.image, version)?).ok()
}

fn edit_list(
    file: &Document,
    list: &List<'_>,
    wanted: &Wanted<'_>,
    edits: &mut FileEdits<'_>,
) -> Result<(), Fault> {
    let (document, path, items) = (list.document, &list.path, list.node.items());
    let entries = entries(file, list.node)?;
    let change = reconcile_complete(file, &entries, wanted);
    for (index, class) in &change.remove {
        let item = ItemPlace {
            document,
            list: path,
            index: *index,
        };
        edits.remove_item(&item, &entries[*index].name, *class)?;
    }
    for (index, image, class) in &change.replace {
        let item = path.clone().index(*index);
        // An identifier belongs to one image in one cloud.
        if items[*index].get("id").is_some() {
            edits.remove_key(document, &item, "id", *class)?;
        }
        let changes = changes(file, &items[*index], &entries[*index], image)?;
        edits.together(*class, &super::lines_of(&items[*index]), |edits| {
            for (inner, text) in &changes {
                if items[*index].at(inner).is_some() {
                    edits.set(document, &item.clone().join(inner), text, *class)?;
                } else {
                    let new = NewKey {
                        document,
                        map: &item,
                        place: KeyPlace::Last,
                        key: &inner.to_string(),
                        value: text,
                    };
                    edits.insert_key(&new, *class)?;
                }
            }
            Ok(())
        })?;
    }
    for (index, image) in &change.complete {
        let lacks_date = items[*index].get("build_date").is_none();
        if let (true, Some(built)) = (lacks_date, image.built) {
            let item = path.clone().index(*index);
            let new = NewKey {
                document,
                map: &item,
                place: KeyPlace::Last,
                key: "build_date",
                value: &built.to_string(),
            };
            edits.insert_key(&new, ChangeClass::Repair)?;
        }
    }
    for insert in &change.insert {
        let changes = changes(
            file,
            &items[insert.like],
            &entries[insert.like],
            &insert.image,
        )?;
        let item = NewItem {
            document,
            list: path,
            at: insert.at,
            like: insert.like,
            changes: &changes,
            without: &["id"],
        };
        edits.insert_item(&item, &insert.image.version.to_string(), insert.class)?;
    }
    Ok(())
}

/// Works out what should happen to the list. An entry without a build date, or without a checksum by the list's own algorithm,
/// would not be accepted: such images do not come in, and `plan` names them as held.
fn reconcile_complete(
    file: &Document,
    entries: &[ImageListEntry],
    wanted: &Wanted<'_>,
) -> ImageListChange {
    let listing = Listing::new(file.path(), entries, wanted);
    let mut change = reconcile(&listing, wanted, ImageListScope::AllMinors);
    change
        .insert
        .retain(|insert| is_complete_beside(entries.get(insert.like), &insert.image));
    change
        .replace
        .retain(|(index, image, _)| is_complete_beside(entries.get(*index), image));
    change
}

/// Tells whether an image has everything that an entry shaped after this one needs.
fn is_complete_beside(like: Option<&ImageListEntry>, image: &NodeImage) -> bool {
    match like.and_then(|entry| entry.proof) {
        Some(proof) => image.built.is_some() && proof.is_given_by(image),
        None => is_complete(image),
    }
}

/// Tells whether an image has all that the list's form asks for. One without a checksum may be a fault of its store, unless the
/// store is known to have none.
pub(crate) fn is_complete(image: &NodeImage) -> bool {
    image.built.is_some() && (image.unproved || image.checksum().is_some())
}

/// Finds the lists of Kubernetes images: those whose versions all read as Kubernetes versions.
fn lists(file: &Document) -> Result<Vec<List<'_>>, Fault> {
    let mut found = Vec::new();
    for (index, document) in file.documents().iter().enumerate() {
        let Some(images) = document.get("images") else {
            continue;
        };
        if !images.is_seq() {
            return Err(super::wrong_shape(
                file,
                images,
                &super::keys(&["images"]),
                "a list",
            ));
        }
        for (position, image) in images.items().iter().enumerate() {
            let path = super::keys(&["images"]).index(position).key("versions");
            let Some(versions) = image.get("versions") else {
                continue;
            };
            if !versions.is_seq() {
                return Err(super::wrong_shape(file, versions, &path, "a list"));
            }
            if is_of_kubernetes(file, image, versions)? {
                found.push(List {
                    document: index,
                    path,
                    node: versions,
                    image,
                });
            }
        }
    }
    Ok(found)
}

/// Tells whether a list is one of Kubernetes images. One that is for the most part has a mistake, and is not passed over.
fn is_of_kubernetes(file: &Document, image: &Node, versions: &Node) -> Result<bool, Fault> {
    let items = versions.items();
    if !is_for_nodes(image, items) {
        return Ok(false);
    }
    let count = items.iter().filter(|item| has_version(item)).count();
    if count == items.len() {
        return Ok(count > 0 && items.iter().any(|item| item.get("url").is_some()));
    }
    let wrong = items.iter().find(|item| !has_version(item));
    match wrong {
        Some(item) if count > 0 && 2 * count >= items.len() => Err(Fault::new(
            file.path(),
            item.line(),
            "an entry has no Kubernetes version in full, as the others of its list have",
            "write `version` as in v1.34.7",
        )),
        Some(_) | None => Ok(false),
    }
}

/// Tells whether the images of a list are for nodes of Kubernetes, and not of a system that has versions like these: by what the
/// list says they are for, else by what they are called, else by their versions.
fn is_for_nodes(image: &Node, items: &[Node]) -> bool {
    let purpose = image.at(&super::keys(&["meta", "os_purpose"]));
    if purpose.and_then(Node::as_str) == Some("k8snode") {
        return true;
    }
    if is_called_so(image, "name") || items.iter().any(|item| is_called_so(item, "url")) {
        return true;
    }
    let mut versions = items.iter().map(version_of);
    purpose.is_none() && versions.all(|version| version.is_some_and(|it| it.minor().major() == 1))
}

fn version_of(item: &Node) -> Option<KubernetesVersion> {
    item.get("version")?.as_str()?.parse().ok()
}

fn has_version(item: &Node) -> bool {
    version_of(item).is_some()
}

/// Tells whether a text has a word that names Kubernetes' images.
fn is_called_so(node: &Node, key: &str) -> bool {
    let text = node.get(key).and_then(Node::as_str).unwrap_or_default();
    let lower = text.to_ascii_lowercase();
    let mut words = ["kube", "k8s", "capi"].iter();
    words.any(|word| lower.contains(word))
}

fn entries(file: &Document, list: &Node) -> Result<Vec<ImageListEntry>, Fault> {
    list.items().iter().map(|item| entry(file, item)).collect()
}

fn entry(file: &Document, item: &Node) -> Result<ImageListEntry, Fault> {
    let (version, url, os) = match identity(item) {
        Ok(identity) => identity,
        Err(message) => {
            let hint = "write version and url of the same image, such as v1.34.7 and .../ubuntu-2404-kube-v1.34.7.qcow2";
            return Err(Fault::new(file.path(), item.line(), message, hint));
        }
    };
    let checksum = text_in(item, "checksum");
    let built = text_in(item, "build_date");
    Ok(ImageListEntry {
        name: text_in(item, "version").unwrap_or_default().to_owned(),
        os,
        url: Some(url.to_owned()),
        sha256: checksum.and_then(|sum| sum.parse().ok()),
        sha512: checksum.and_then(|sum| sum.parse().ok()),
        md5: checksum.and_then(|sum| sum.parse().ok()),
        proof: checksum.map(|sum| algorithm_of(sum).proof()),
        built: built.and_then(|day| day.get(..10).unwrap_or(day).parse().ok()),
        ..ImageListEntry::new(item.line(), version)
    })
}

/// Returns what a list states of each of its images: all have what the image says, and a version may say it anew, by the manager's
/// own rules. Its `id` is that of the cloud which the manager fills.
fn all_options(file: &Document, list: &List<'_>) -> Result<Vec<ImageOptions>, Fault> {
    let image = OptionReader::new(file, list.image);
    let of_image = ImageOptions {
        id: None,
        disk_format: image.text("format")?,
        container_format: None,
        visibility: image.text("visibility")?,
        is_hidden: image.flag("hidden")?,
        min_disk: image.number("min_disk")?,
        min_ram: image.number("min_ram")?,
        is_protected: image.flag("protected")?,
        tags: image.texts("tags")?,
        properties: image.properties("meta")?,
    };
    let items = list.node.items().iter();
    items
        .map(|item| {
            let version = OptionReader::new(file, item);
            let mut options = ImageOptions {
                visibility: version.text("visibility")?,
                is_hidden: version.flag("hidden")?,
                ..ImageOptions::default()
            }
            .or(of_image.clone());
            for property in version.properties("meta")? {
                options.set_property(property);
            }
            Ok(options)
        })
        .collect()
}

fn text_in<'n>(item: &'n Node, key: &str) -> Option<&'n str> {
    super::text_at(item, &super::keys(&[key])).map(|(_, text)| text)
}

/// Returns the version, URL and operating system of an entry; the error says which is missing or wrong.
fn identity(item: &Node) -> Result<(KubernetesVersion, &str, Option<OsRelease>), String> {
    let name = text_in(item, "version").unwrap_or_default();
    let version = name
        .parse::<KubernetesVersion>()
        .map_err(|error| error.to_string())?;
    let url = text_in(item, "url").ok_or_else(|| format!("{version} has no `url`"))?;
    let read = ImagePattern::read_url(url).map_err(|error| error.to_string())?;
    Ok((version, url, read.os))
}

/// Returns what an entry says where it is about another image.
fn changes(
    file: &Document,
    item: &Node,
    entry: &ImageListEntry,
    image: &NodeImage,
) -> Result<Vec<(Path, String)>, Fault> {
    let mut changes = Vec::new();
    for (key, _, value) in item.own_entries().filter(|(key, _, _)| *key != "id") {
        let Some(text) = value.as_str() else { continue };
        let new = match key {
            "version" => image.version.spelled_like(text),
            "url" => image.url.clone(),
            // Neither of the two is ever missing: `reconcile_complete` lets in no image without a sum and a day.
            "checksum" => algorithm_of(text).named_sum_of(image).unwrap_or_default(),
            "build_date" => image.built.map_or_else(String::new, |day| day.to_string()),
            _ => names::respell(text, entry, image),
        };
        // What it has from another entry stays there, as long as it is right for the new one.
        if item.is_own(key) || new != text {
            changes.push((super::keys(&[key]), new));
        }
    }
    for (key, value) in [
        ("checksum", image.checksum()),
        ("build_date", image.built.map(|day| day.to_string())),
    ] {
        if let (None, Some(value)) = (item.get(key), value) {
            changes.push((super::keys(&[key]), value));
        }
    }
    let beside = super::beside(file, item, entry, image, &changes)?;
    changes.extend(beside);
    Ok(changes)
}

/// Returns the algorithm of a checksum; that of one which cannot be read is taken to be the usual one.
fn algorithm_of(checksum: &str) -> Algorithm {
    Algorithm::of_sum(checksum).unwrap_or(Algorithm::Sha256)
}
