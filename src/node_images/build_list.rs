//! The images that method `build` makes: read from node-images/config.yaml before anything is built, with the text that is released
//! once they are uploaded.

use std::collections::BTreeSet;

use super::{PluginError, checked_name};
use crate::stack::validate_node_images;
use crate::yaml::{File, KeyPlace, KeyValue, Node, Path, YamlError};

const LIST: &str = "openStackNodeImages";
const URL: &str = "url";
const FOLDER: &str = "imageDir";

/// A list with images that are to be built.
#[derive(Debug)]
pub(crate) struct BuildList {
    text: String,
    /// The images, in the order of the list.
    pub(crate) images: Vec<ImageToBuild>,
}

/// An image that is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageToBuild {
    /// Its place in the list.
    index: usize,
    /// Its name in the cloud.
    pub(crate) name: String,
    /// The directory below node-images with its Packer template, which is also the name of the build.
    pub(crate) folder: String,
    /// The format of its disk.
    pub(crate) disk_format: String,
}

impl ImageToBuild {
    /// Returns the name of its object. It carries the version, so that another version never takes the place of this one.
    pub(crate) fn object(&self) -> String {
        format!("{}/{}.{}", self.folder, self.name, self.disk_format)
    }
}

impl BuildList {
    /// Reads a list, by the rules of the plugin.
    pub(crate) fn read(text: &str) -> Result<Self, PluginError> {
        validate_node_images(text).map_err(|error| {
            PluginError::new(
                error.to_string(),
                "every image needs createOpts with name, disk_format and container_format",
            )
        })?;
        let file = File::parse(text).map_err(|error| of_yaml(&error))?;
        let root = file.documents().first();
        let items = root
            .and_then(|root| root.get(LIST))
            .map_or(&[][..], Node::items);
        let mut images = Vec::new();
        for (index, item) in items.iter().enumerate() {
            images.extend(image(index, item)?);
        }
        if images.is_empty() {
            return Err(PluginError::new(
                "no image has an `imageDir`, so that there is nothing to build",
                "name the directory of its Packer template in `imageDir`, or use method `get`",
            ));
        }
        let mut objects = BTreeSet::new();
        if let Some(twice) = images
            .iter()
            .map(ImageToBuild::object)
            .find(|object| !objects.insert(object.clone()))
        {
            let message = format!("two images would be uploaded as {twice}");
            return Err(PluginError::new(message, "give each a name of its own"));
        }
        Ok(Self {
            text: text.to_owned(),
            images,
        })
    }

    /// Returns the text that is released: the list as it stands, with the URLs of the uploaded images, in their order, and without
    /// the directories that they were built from.
    pub(crate) fn released(&self, urls: &[String]) -> Result<String, PluginError> {
        let text = self.with_urls(urls).map_err(|error| of_yaml(&error))?;
        let without_url = validate_node_images(&text)
            .map_err(|error| PluginError::new(error.to_string(), "report this as a bug"))?;
        match without_url.first() {
            None => Ok(text),
            Some(name) => Err(PluginError::new(
                format!("{name} has no url, and no `imageDir` to build it from"),
                "the operator cannot import it: write one of the two",
            )),
        }
    }

    fn with_urls(&self, urls: &[String]) -> Result<String, YamlError> {
        let mut text = self.text.clone();
        for image in &self.images {
            text = image.without(&text, FOLDER)?;
            if image
                .item_in(&File::parse(&text)?)
                .is_some_and(has_empty_url)
            {
                text = image.without(&text, URL)?;
            }
        }
        let file = File::parse(&text)?;
        let mut editor = file.edit();
        for (image, url) in self.images.iter().zip(urls) {
            let item = image.path();
            if image
                .item_in(&file)
                .is_some_and(|item| item.get(URL).is_some())
            {
                editor.set(0, &item.key(URL), url)?;
            } else {
                editor.insert_key(0, &item, KeyPlace::First, KeyValue::new(URL, url))?;
            }
        }
        editor.finish()
    }
}

impl ImageToBuild {
    fn path(&self) -> Path {
        Path::root().key(LIST).index(self.index)
    }

    fn item_in<'f>(&self, file: &'f File) -> Option<&'f Node> {
        file.documents().first()?.at(&self.path())
    }

    fn without(&self, text: &str, key: &str) -> Result<String, YamlError> {
        let file = File::parse(text)?;
        let mut editor = file.edit();
        editor.remove_key(0, &self.path(), key)?;
        editor.finish()
    }
}

/// A value that is not there has no quotes that a new one could keep.
fn has_empty_url(item: &Node) -> bool {
    item.get(URL).is_some_and(Node::is_null)
}

fn image(index: usize, item: &Node) -> Result<Option<ImageToBuild>, PluginError> {
    let Some(folder) = item
        .get(FOLDER)
        .and_then(Node::as_str)
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let options = item.get("createOpts");
    let disk_format = text_in(options, "disk_format");
    let is_plain = disk_format.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_plain {
        let message = format!("the disk format `{disk_format}` is no ending of a file");
        return Err(PluginError::new(message, "write one such as qcow2"));
    }
    if !folder.split('/').all(is_file_name) {
        let message = format!("`imageDir: {folder}` is not a directory below node-images");
        return Err(PluginError::new(
            message,
            "write its path from there, such as control-plane-ubuntu-2204",
        ));
    }
    Ok(Some(ImageToBuild {
        index,
        name: checked_name(text_in(options, "name"))?,
        folder: folder.to_owned(),
        disk_format,
    }))
}

fn text_in(options: Option<&Node>, key: &str) -> String {
    let node = options.and_then(|options| options.get(key));
    node.and_then(Node::as_str).unwrap_or_default().to_owned()
}

fn is_file_name(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
        && !part.contains(['\\', '%'])
        && !part.chars().any(char::is_control)
}

fn of_yaml(error: &YamlError) -> PluginError {
    let message = format!("line {}: {}", error.line(), error.message());
    PluginError::new(message, error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "apiVersion: v1\n";
    const OPTIONS: &str = "  createOpts: # kept\n    name: image-v1.30.4\n    disk_format: qcow2\n    container_format: bare\n    properties:\n      a: b\n";

    fn released(items: &str) -> String {
        let list = BuildList::read(&format!("{API}# head\nopenStackNodeImages:\n{items}")).unwrap();
        let urls: Vec<String> = (0..list.images.len())
            .map(|at| format!("https://x/{at}"))
            .collect();
        let text = list.released(&urls).unwrap();
        text.strip_prefix("apiVersion: v1\n# head\nopenStackNodeImages:\n")
            .unwrap()
            .to_owned()
    }

    #[test]
    fn the_url_is_filled_in_and_everything_else_stays() {
        for (head, quote) in [
            ("- url: ''\n  imageDir: dir\n", "'"),
            ("- url:\n  imageDir: dir\n", ""),
            ("- url: null\n  imageDir: dir\n", ""),
            ("- imageDir: dir\n  url: \"\"\n", "\""),
            ("- imageDir: dir\n", ""),
        ] {
            let expected = format!("- url: {quote}https://x/0{quote}\n{OPTIONS}");
            assert_eq!(released(&format!("{head}{OPTIONS}")), expected, "{head}");
        }
        let quoted = released(&format!(
            "- url: \"https://old/image\" # where\n  imageDir: dir\n{OPTIONS}"
        ));
        assert_eq!(quoted, format!("- url: \"https://x/0\" # where\n{OPTIONS}"));
    }

    #[test]
    fn each_image_gets_its_own_url() {
        let other = OPTIONS.replace("image-", "other-");
        let given = format!(
            "- url: https://given\n{}",
            OPTIONS.replace("image-", "given-")
        );
        let text = released(&format!(
            "- imageDir: a\n{OPTIONS}{given}- imageDir: b/c\n{other}"
        ));
        assert_eq!(
            text,
            format!("- url: https://x/0\n{OPTIONS}{given}- url: https://x/1\n{other}")
        );
    }

    #[test]
    fn objects_carry_directory_version_and_format() {
        let list = BuildList::read(&format!(
            "{API}openStackNodeImages:\n- imageDir: b/c\n{OPTIONS}"
        ))
        .unwrap();
        assert_eq!(list.images[0].object(), "b/c/image-v1.30.4.qcow2");
    }

    #[test]
    fn what_cannot_be_built_is_refused() {
        let item = format!("- imageDir: dir\n{OPTIONS}");
        for (items, expected) in [
            (
                format!("- url: https://x\n{OPTIONS}"),
                "no image has an `imageDir`",
            ),
            (
                format!("{item}{item}"),
                "two images would be uploaded as dir/image-v1.30.4.qcow2",
            ),
            (
                item.replace("imageDir: dir", "imageDir: ../dir"),
                "`imageDir: ../dir` is not a directory below",
            ),
            (
                item.replace("imageDir: dir", "imageDir: /dir"),
                "`imageDir: /dir` is not a directory below",
            ),
            (
                item.replace("qcow2", "a/b"),
                "the disk format `a/b` is no ending",
            ),
            (
                item.replace("image-v1.30.4", "Image 1"),
                "the image name `Image 1` is not a valid",
            ),
            (
                item.replace("    name: image-v1.30.4\n", ""),
                "`openStackNodeImages[0].createOpts.name` is missing",
            ),
        ] {
            let error =
                BuildList::read(&format!("{API}openStackNodeImages:\n{items}")).unwrap_err();
            assert!(error.message.starts_with(expected), "{error}");
        }
        let text = format!(
            "{API}openStackNodeImages:\n{item}-{}",
            &OPTIONS.replace("image-", "other-")[1..]
        );
        let error = BuildList::read(&text)
            .unwrap()
            .released(&["https://x".to_owned()])
            .unwrap_err();
        assert_eq!(
            error.message,
            "other-v1.30.4 has no url, and no `imageDir` to build it from"
        );
    }
}
