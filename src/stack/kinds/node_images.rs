//! node-images.yaml and node-images/config.yaml: the list that csctl's OpenStack plugin copies into a release and the OpenStack
//! provider operator reads (`openStackNodeImages`).

use serde::{Deserialize, Deserializer};

use super::{Document, Facts, Fault, FileEdits, FileKind, Role, Wanted, names};
use crate::catalog::{ImagePattern, NodeImage};
use crate::stack::edits::{ItemPlace, NewItem};
use crate::stack::facts::{FaultKind, ImageList, ImageListEntry, ImageListForm};
use crate::stack::group;
use crate::stack::image_list::{ImageListScope, Listing, reconcile};
use crate::stack::image_options::{ImageOptions, OptionReader};
use crate::yaml::{Node, Path};

#[derive(Debug)]
pub(in crate::stack) struct NodeImages;

const NODE_IMAGES: &str = "node-images.yaml";

/// The list that csctl's plugin reads.
pub(crate) const NODE_IMAGES_CONFIG: &str = "node-images/config.yaml";

const LIST: &str = "openStackNodeImages";
const NAME: [&str; 2] = ["createOpts", "name"];

impl FileKind for NodeImages {
    fn name(&self) -> &'static str {
        "node image list"
    }

    fn role(&self) -> Role {
        Role::ReleaseImages
    }

    fn claims(&self, place: &str, text: &str) -> bool {
        [NODE_IMAGES, NODE_IMAGES_CONFIG].contains(&place) && super::may_say(text, LIST)
    }

    fn read(&self, file: &Document, facts: &mut Facts) -> Result<(), Fault> {
        let path = super::keys(&[LIST]);
        let Some(node) = file
            .documents()
            .first()
            .and_then(|document| document.at(&path))
        else {
            return Ok(());
        };
        if !node.is_seq() {
            return Err(super::wrong_shape(file, node, &path, "a list"));
        }
        let entries = entries(file, node)?;
        let (line, at) = (node.line(), path.to_string());
        facts.image_lists.push(ImageList {
            file: file.path().to_owned(),
            line,
            at,
            form: ImageListForm::NodeImages,
            entries,
            names: Vec::new(),
        });
        Ok(())
    }

    fn image_options(
        &self,
        file: &Document,
        list: &ImageList,
    ) -> Result<Option<Vec<ImageOptions>>, Fault> {
        if list.form != ImageListForm::NodeImages {
            return Ok(None);
        }
        let root = file.documents().first();
        let items = root
            .and_then(|root| root.get(LIST))
            .map_or(&[][..], Node::items);
        let read = items.iter().map(|item| options(file, item));
        read.collect::<Result<_, Fault>>().map(Some)
    }

    fn edit(
        &self,
        file: &Document,
        wanted: &Wanted<'_>,
        edits: &mut FileEdits<'_>,
    ) -> Result<(), Fault> {
        let path = super::keys(&[LIST]);
        let Some(node) = file
            .documents()
            .first()
            .and_then(|document| document.at(&path))
        else {
            return Ok(());
        };
        let entries = entries(file, node)?;
        // A first entry would have nothing to be shaped after.
        if entries.is_empty() {
            return Ok(());
        }
        let listing = Listing::new(file.path(), &entries, wanted);
        let change = reconcile(&listing, wanted, ImageListScope::OneMinor);
        for (index, class) in &change.remove {
            let item = ItemPlace {
                document: 0,
                list: &path,
                index: *index,
            };
            edits.remove_item(&item, &entries[*index].name, *class)?;
        }
        for (index, image, class) in &change.replace {
            let item = path.clone().index(*index);
            // An identifier belongs to one image in one cloud.
            if node.items()[*index].get("id").is_some() {
                edits.remove_key(0, &item, "id", *class)?;
            }
            let own = &node.items()[*index];
            let changes = changes(file, own, &entries[*index], image)?;
            edits.together(*class, &super::lines_of(own), |edits| {
                for (inner, text) in &changes {
                    edits.set(0, &item.clone().join(inner), text, *class)?;
                }
                Ok(())
            })?;
        }
        for insert in &change.insert {
            let like = insert.like;
            let changes = changes(file, &node.items()[like], &entries[like], &insert.image)?;
            let item = NewItem {
                document: 0,
                list: &path,
                at: insert.at,
                like,
                changes: &changes,
                without: &["id"],
            };
            edits.insert_item(&item, &insert.image.version.to_string(), insert.class)?;
        }
        Ok(())
    }
}

fn entries(file: &Document, list: &Node) -> Result<Vec<ImageListEntry>, Fault> {
    list.items().iter().map(|item| entry(file, item)).collect()
}

fn entry(file: &Document, item: &Node) -> Result<ImageListEntry, Fault> {
    let name = super::text_at(item, &super::keys(&NAME)).map_or("", |(_, text)| text);
    let Some((node, url)) = super::text_at(item, &super::keys(&["url"])) else {
        let hint = "give every entry of the list a url and createOpts";
        return Err(Fault::new(
            file.path(),
            item.line(),
            "a node image has no `url`",
            hint,
        ));
    };
    let read = ImagePattern::read_url(url).map_err(|error| {
        let hint = "write the image's URL with its Kubernetes version, such as .../ubuntu-2404-kube-v1.34.7.qcow2";
        Fault::new(file.path(), node.line(), error.to_string(), hint)
    })?;
    Ok(ImageListEntry {
        name: name.to_owned(),
        os: read.os,
        url: Some(url.to_owned()),
        ..ImageListEntry::new(item.line(), read.version)
    })
}

/// Reads `createOpts`, whose keys are those of Gophercloud's `images.CreateOpts`, with the properties that the operator adds.
fn options(file: &Document, item: &Node) -> Result<ImageOptions, Fault> {
    let Some(stated) = OptionReader::new(file, item).inside("createOpts") else {
        return Ok(ImageOptions::default());
    };
    Ok(ImageOptions {
        id: stated.text("id")?,
        disk_format: stated.text("disk_format")?,
        container_format: stated.text("container_format")?,
        visibility: stated.text("visibility")?,
        is_hidden: stated.flag("os_hidden")?,
        min_disk: stated.number("min_disk")?,
        min_ram: stated.number("min_ram")?,
        is_protected: stated.flag("protected")?,
        tags: stated.texts("tags")?,
        properties: stated.properties("properties")?,
    })
}

/// Returns what an entry says where it is about another image. Its name has to say the version: the operator knows images by name,
/// and changes none that it has.
fn changes(
    file: &Document,
    item: &Node,
    entry: &ImageListEntry,
    image: &NodeImage,
) -> Result<Vec<(Path, String)>, Fault> {
    let mut changes = vec![(super::keys(&["url"]), image.url.clone())];
    let path = super::keys(&NAME);
    if let Some((node, text)) = super::text_at(item, &path) {
        if let Some(fault) = constant_name(file, node, text, entry) {
            return Err(fault);
        }
        changes.push((path, names::respell(text, entry, image)));
    }
    let beside = super::beside(file, item, entry, image, &changes)?;
    changes.extend(beside);
    Ok(changes)
}

/// Returns the fault of a name that does not say the version in full, so that it cannot be another image's.
fn constant_name(
    file: &Document,
    node: &Node,
    text: &str,
    entry: &ImageListEntry,
) -> Option<Fault> {
    if names::version_in(text).is_some() {
        return None;
    }
    let message = format!(
        "`{text}` names the image of {}, and the operator changes no image that it has",
        entry.version
    );
    let hint = match group::version_of(text) {
        Some(version) => format!("write the version in `createOpts.name` with dots: {version}"),
        None => format!(
            "put the version into `createOpts.name`, as in {text}-{}",
            entry.version
        ),
    };
    Some(Fault {
        kind: FaultKind::Unmovable,
        ..Fault::new(file.path(), node.line(), message, hint)
    })
}

/// Says which names of a list cannot be another image's.
pub(in crate::stack) fn constant_names(file: &Document) -> Vec<Fault> {
    let list = file
        .documents()
        .first()
        .and_then(|document| document.get(LIST));
    let Some(list) = list else { return Vec::new() };
    let faults = list.items().iter().filter_map(|item| {
        let (node, text) = super::text_at(item, &super::keys(&NAME))?;
        constant_name(file, node, text, &entry(file, item).ok()?)
    });
    faults.collect()
}

/// Why a list of node images would not be accepted by csctl's OpenStack plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeImagesError {
    /// The text is no YAML of the list's form.
    #[error("{0}")]
    Form(String),
    /// The list lacks something.
    #[error("{0} is missing")]
    Missing(String),
}

/// The form that csctl's OpenStack plugin reads; other keys are ignored by it and by the operator.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeImageFile {
    #[serde(default, deserialize_with = "read_text")]
    api_version: String,
    #[serde(default)]
    open_stack_node_images: Vec<NodeImageForm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeImageForm {
    #[serde(default, deserialize_with = "read_text")]
    url: String,
    create_opts: Option<CreateOpts>,
}

/// Options of an image in the cloud's image service, by their types in Gophercloud's `images.CreateOpts`.
#[derive(Deserialize)]
struct CreateOpts {
    #[serde(default, deserialize_with = "read_text")]
    name: String,
    #[serde(default, deserialize_with = "read_text")]
    disk_format: String,
    #[serde(default, deserialize_with = "read_text")]
    container_format: String,
    // These four are read for their types: the plugin refuses a file that has others.
    #[serde(default, rename = "min_disk")]
    _min_disk: Option<i64>,
    #[serde(default, rename = "min_ram")]
    _min_ram: Option<i64>,
    #[serde(default, rename = "protected")]
    _protected: Option<bool>,
    #[serde(default, rename = "tags")]
    _tags: Option<Vec<String>>,
}

/// Reads a text as the plugin does: null is the empty text, and a number is none.
fn read_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    use serde::de::Error as _;
    match serde_yaml::Value::deserialize(deserializer)? {
        serde_yaml::Value::Null => Ok(String::new()),
        serde_yaml::Value::String(text) => Ok(text),
        _ => Err(D::Error::custom("a text is needed; quote it")),
    }
}

fn missing(index: usize, field: &str) -> NodeImagesError {
    NodeImagesError::Missing(format!("`{LIST}[{index}].{field}`"))
}

/// Checks a list of node images by the rules of csctl's OpenStack plugin (`GetConfig` in its `pkg/cmd/create.go`): an
/// `apiVersion`, at least one image, and for each image `createOpts` with `name`, `disk_format` and `container_format`.
///
/// Returns the names of images without URL, which the plugin accepts and the operator cannot import.
pub fn validate_node_images(text: &str) -> Result<Vec<String>, NodeImagesError> {
    let file: NodeImageFile =
        serde_yaml::from_str(text).map_err(|error| NodeImagesError::Form(error.to_string()))?;
    if file.api_version.is_empty() {
        return Err(NodeImagesError::Missing("`apiVersion`".to_owned()));
    }
    if file.open_stack_node_images.is_empty() {
        return Err(NodeImagesError::Missing(format!("an image in `{LIST}`")));
    }
    let mut without_url = Vec::new();
    for (index, image) in file.open_stack_node_images.iter().enumerate() {
        let options = image
            .create_opts
            .as_ref()
            .ok_or_else(|| missing(index, "createOpts"))?;
        let fields = [
            ("createOpts.name", &options.name),
            ("createOpts.disk_format", &options.disk_format),
            ("createOpts.container_format", &options.container_format),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, value)| value.is_empty()) {
            return Err(missing(index, field));
        }
        if image.url.is_empty() {
            without_url.push(options.name.clone());
        }
    }
    Ok(without_url)
}
