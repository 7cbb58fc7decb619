//! The provider plugin's rules as values: what csctl.yaml must say, and the text of a node-images.yaml. It reads and writes no
//! file; `command::node_images` does.

mod build_list;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::catalog::ImagePattern;
use crate::markup::CompiledTemplate;
use crate::stack::{ImageListEntry, ImageListForm, ImageOptions, SourceFile, Stack, find_provider};
use crate::version::{KubernetesVersion, Minor};
use crate::yaml::{Context, scalar};

pub(crate) use build_list::{BuildList, ImageToBuild};

/// What csctl.yaml says to a provider plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PluginConfig {
    /// The provider's name.
    pub(crate) provider: String,
    /// The stack's Kubernetes version.
    pub(crate) version: KubernetesVersion,
    /// What the plugin is to do.
    pub(crate) method: Method,
}

/// What the plugin is to do: `config.provider.config.method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Copy node-images/config.yaml.
    Get,
    /// Build and upload the images of node-images/config.yaml.
    Build,
    /// Write all patch images of the stack's minor.
    Matrix,
}

impl Method {
    /// Reads a method as csctl.yaml writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Get, Self::Build, Self::Matrix]
            .into_iter()
            .find(|method| method.name() == text)
    }

    /// Returns its name as csctl.yaml writes it: `get`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Build => "build",
            Self::Matrix => "matrix",
        }
    }
}

/// Why the plugin does not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct PluginError {
    /// What is wrong, as a phrase.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
}

impl PluginError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

#[derive(Deserialize)]
struct CsctlFile {
    config: Option<CsctlConfig>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct CsctlConfig {
    #[serde(default)]
    // Any value is read, so that one of a wrong type is told with its key like any other wrong value.
    kubernetes_version: serde_yaml::Value,
    #[serde(default)]
    cluster_stack_name: serde_yaml::Value,
    provider: Option<CsctlProvider>,
}

#[derive(Deserialize, Default)]
struct CsctlProvider {
    #[serde(default, rename = "type")]
    name: serde_yaml::Value,
    #[serde(default)]
    config: BTreeMap<String, serde_yaml::Value>,
}

/// Tells whether csctl calls its provider plugin for a stack with this csctl.yaml: only one that configures the provider needs it.
pub(crate) fn calls_plugin(text: &str) -> bool {
    let read = serde_yaml::from_str::<CsctlFile>(text).ok();
    let provider = read.and_then(|file| file.config?.provider);
    provider.is_some_and(|provider| !provider.config.is_empty())
}

/// Reads csctl.yaml by the rules of csctl (its `pkg/clusterstack/config.go`): a provider's name of lower-case letters, digits
/// and dashes, a stack name, a version `v1.34.7` in full.
pub(crate) fn read_config(text: &str) -> Result<PluginConfig, PluginError> {
    let file: CsctlFile = serde_yaml::from_str(text).map_err(|error| {
        PluginError::new(
            error.to_string(),
            "repair the file; csctl could not read it either",
        )
    })?;
    let config = file.config.unwrap_or_default();
    let provider = config.provider.unwrap_or_default();
    let name = provider.name.as_str().unwrap_or_default();
    if !is_provider_name(name) {
        let message = format!("config.provider.type is `{name}`, which is not a provider's name");
        return Err(PluginError::new(message, "write a name such as openstack"));
    }
    let stack = config.cluster_stack_name.as_str().unwrap_or_default();
    if stack.is_empty() {
        return Err(PluginError::new(
            "config.clusterStackName is missing",
            "write the cluster stack's name",
        ));
    }
    let text = config.kubernetes_version.as_str().unwrap_or_default();
    let version = text
        .parse()
        .ok()
        // `parse` also takes a version without `v`, which csctl refuses.
        .filter(|version: &KubernetesVersion| version.to_string() == text);
    let Some(version) = version else {
        let message = format!("config.kubernetesVersion is `{text}`, which csctl does not accept");
        return Err(PluginError::new(
            message,
            "write the version in full, such as v1.34.7",
        ));
    };
    let value = provider.config.get("method");
    let written = value.and_then(serde_yaml::Value::as_str);
    let Some(method) = written.and_then(Method::parse) else {
        let message = match written {
            Some(method) => {
                format!("config.provider.config.method is `{method}`, which is not a method")
            }
            None => "config.provider.config.method is missing".to_owned(),
        };
        let hint = "write `get` to copy node-images/config.yaml, `build` to build its images, or `matrix` for all patch images of the minor";
        return Err(PluginError::new(message, hint));
    };
    Ok(PluginConfig {
        provider: name.to_owned(),
        version,
        method,
    })
}

fn is_provider_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    !name.is_empty()
        // As long as a name of Kubernetes may be (RFC 1123).
        && name.len() <= 253
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// One entry of a node-images.yaml.
#[derive(Debug, Clone)]
struct Entry {
    url: String,
    name: String,
    disk_format: String,
    options: ImageOptions,
}

static TEMPLATE: LazyLock<CompiledTemplate> = LazyLock::new(|| {
    CompiledTemplate::own(
        include_str!("node_images/node-images.yaml.hbs"),
        str::to_owned,
    )
});

/// Returns the text of a node-images.yaml with all patch images of a minor that the stack's own lists name, oldest first. What an
/// entry states of its image in the cloud stays.
pub(crate) fn write_matrix(stack: &Stack, minor: Minor) -> Result<String, PluginError> {
    let provider = stack.trees.first().map(|tree| tree.provider.as_str());
    let provider = provider.and_then(find_provider);
    let image_name = provider.and_then(|provider| provider.image_name);
    let mut entries: BTreeMap<KubernetesVersion, Entry> = BTreeMap::new();
    for file in stack.files() {
        for listed in entries_of(file, minor)? {
            let new = listed.written(image_name)?;
            match entries.remove(&listed.entry.version) {
                // Another list of the same image may state what the first one leaves open.
                Some(first) if first.url == new.url => {
                    let options = first.options.or(new.options);
                    entries.insert(listed.entry.version, Entry { options, ..first });
                }
                Some(first) => {
                    entries.insert(listed.entry.version, first);
                }
                None => {
                    entries.insert(listed.entry.version, new);
                }
            }
        }
    }
    if entries.is_empty() {
        let message = format!("no list of the stack names an image for Kubernetes {minor}");
        return Err(PluginError::new(
            message,
            "csctl-matrix update fills the stack's lists from the image store",
        ));
    }
    render(entries.into_values().collect())
}

/// An entry of one of a stack's lists.
struct Listed<'f> {
    form: ImageListForm,
    entry: &'f ImageListEntry,
    url: &'f str,
    options: ImageOptions,
}

/// Returns the entries of a file's lists that are images of a minor.
fn entries_of(file: &SourceFile, minor: Minor) -> Result<Vec<Listed<'_>>, PluginError> {
    let mut found = Vec::new();
    for list in file.image_lists() {
        if !list.entries.iter().any(|entry| is_of(entry, minor)) {
            continue;
        }
        let options = file
            .image_options(list)
            .map_err(|fault| PluginError::new(fault.to_string(), fault.hint))?;
        for (entry, options) in list.entries.iter().zip(options) {
            // What has no URL cannot be downloaded, as in a list of bare versions.
            if let Some(url) = &entry.url
                && is_of(entry, minor)
            {
                found.push(Listed {
                    form: list.form,
                    entry,
                    url,
                    options,
                });
            }
        }
    }
    Ok(found)
}

fn is_of(entry: &ImageListEntry, minor: Minor) -> bool {
    entry.version.minor() == minor
}

impl Listed<'_> {
    /// Returns it as an entry of node-images.yaml.
    fn written(&self, image_name: Option<&str>) -> Result<Entry, PluginError> {
        let name = match self.form {
            ImageListForm::NodeImages | ImageListForm::OrcImages => self.entry.name.clone(),
            ImageListForm::ImageManager | ImageListForm::VersionMap | ImageListForm::Names => {
                name_in_cloud(image_name, self.entry)?
            }
        };
        let stated = self.options.disk_format.as_deref();
        let disk_format = match (self.form, stated) {
            (ImageListForm::NodeImages, Some(format)) => format,
            // The operator downloads what the URL names, and unpacks nothing: an archive is no image of that format.
            (_, Some(format)) => disk_format(self.url).map(|_| format)?,
            (_, None) => disk_format(self.url)?,
        };
        Ok(Entry {
            url: self.url.to_owned(),
            name: checked_name(name)?,
            disk_format: disk_format.to_owned(),
            options: self.options.clone(),
        })
    }
}

/// Returns the name by which the cluster class finds an image in the cloud, where the list does not say it.
fn name_in_cloud(pattern: Option<&str>, entry: &ImageListEntry) -> Result<String, PluginError> {
    let pattern: Option<ImagePattern> = pattern.and_then(|pattern| pattern.parse().ok());
    let name = pattern.and_then(|pattern| pattern.url(entry.version, entry.os.as_ref()));
    name.ok_or_else(|| {
        let message = format!(
            "nothing says how the cloud calls the image of {}",
            entry.version
        );
        PluginError::new(
            message,
            "list it in node-images/config.yaml and use method `get`",
        )
    })
}

/// The operator makes a resource of each image's name, so it must be a name of RFC 1123.
fn checked_name(name: String) -> Result<String, PluginError> {
    let is_inner = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    if is_inner && !name.is_empty() && !name.starts_with(['-', '.']) && !name.ends_with(['-', '.'])
    {
        return Ok(name);
    }
    let message = format!(
        "the image name `{name}` is not a valid Kubernetes name (RFC 1123): the operator names resources after it"
    );
    Err(PluginError::new(
        message,
        "use lower-case letters, digits, dots and dashes, as in ubuntu-capi-image-v1.34.7",
    ))
}

fn disk_format(url: &str) -> Result<&str, PluginError> {
    let file = url.rsplit('/').next().unwrap_or(url);
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "qcow2" | "raw" | "vmdk" | "vdi" | "vhd" | "iso" => Ok(ending),
        // Cloud images of Ubuntu are called so, and are qcow2.
        "img" => Ok("qcow2"),
        _ => {
            let message = format!("the disk format of {url} cannot be told from its name");
            Err(PluginError::new(
                message,
                "list it in node-images/config.yaml and use method `get`",
            ))
        }
    }
}

/// An entry as the template writes it, every text as YAML. What is not there is not written.
#[derive(Debug, Serialize)]
struct WrittenEntry {
    url: String,
    name: String,
    disk_format: String,
    container_format: String,
    visibility: String,
    id: Option<String>,
    // Texts, as the template would take a zero and `false` for something that is not there.
    min_disk: Option<String>,
    min_ram: Option<String>,
    protected: Option<String>,
    os_hidden: Option<String>,
    tags: Vec<String>,
    properties: Vec<WrittenProperty>,
}

#[derive(Debug, Serialize)]
struct WrittenProperty {
    key: String,
    value: String,
}

impl From<Entry> for WrittenEntry {
    fn from(entry: Entry) -> Self {
        let options = entry.options;
        let properties = options.properties.iter();
        Self {
            url: entry.url,
            name: entry.name,
            disk_format: yaml_text(&entry.disk_format),
            container_format: yaml_text(options.container_format.as_deref().unwrap_or("bare")),
            visibility: yaml_text(options.visibility.as_deref().unwrap_or("private")),
            id: options.id.as_deref().map(yaml_text),
            min_disk: options.min_disk.map(|disk| disk.to_string()),
            min_ram: options.min_ram.map(|ram| ram.to_string()),
            protected: options.is_protected.map(|flag| flag.to_string()),
            os_hidden: options.is_hidden.map(|flag| flag.to_string()),
            tags: options.tags.iter().map(|tag| yaml_text(tag)).collect(),
            properties: properties
                .map(|property| WrittenProperty {
                    key: yaml_text(&property.key),
                    value: yaml_text(&property.value),
                })
                .collect(),
        }
    }
}

fn yaml_text(text: &str) -> String {
    scalar(text, Context::Block)
}

fn render(entries: Vec<Entry>) -> Result<String, PluginError> {
    let written: Vec<WrittenEntry> = entries.into_iter().map(WrittenEntry::from).collect();
    let text = TEMPLATE
        .fill(&serde_json::json!({ "images": written }))
        .map_err(|reason| PluginError::new(reason, "report this as a bug"))?;
    // The template writes names and URLs as they are: what would break the YAML is found here.
    let valid = crate::stack::validate_node_images(&text);
    valid.map_err(|error| {
        PluginError::new(error.to_string(), "repair the stack's list of images")
    })?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSCTL: &str = "apiVersion: csctl.clusterstack.x-k8s.io/v1alpha1\nconfig:\n  kubernetesVersion: v1.34.7\n  \
                         clusterStackName: ferrol\n  provider:\n    type: openstack\n    config:\n      method: matrix\n";

    #[test]
    fn reads_what_csctl_accepts() {
        let config = read_config(CSCTL).unwrap();
        assert_eq!(
            (config.provider.as_str(), config.method),
            ("openstack", Method::Matrix)
        );
        assert_eq!(config.version.to_string(), "v1.34.7");
    }

    #[test]
    fn refuses_what_csctl_refuses() {
        for (from, to) in [
            ("v1.34.7", "v1.34"),
            ("v1.34.7", "1.34.7"),
            ("v1.34.7", "v1.34.7-rc.1"),
            ("openstack\n", "OpenStack\n"),
            ("openstack\n", "-openstack\n"),
            ("ferrol", "''"),
            ("method: matrix", "method: guess"),
            ("      method: matrix\n", ""),
        ] {
            let text = CSCTL.replace(from, to);
            assert!(text != CSCTL && read_config(&text).is_err(), "{text}");
        }
        assert!(
            read_config("").is_err()
                && read_config("[]").is_err()
                && read_config("config: 1").is_err()
        );
    }

    #[test]
    fn names_are_those_of_resources() {
        assert!(checked_name("ubuntu-capi-image-v1.34.7".to_owned()).is_ok());
        for name in [
            "ubuntu-capi-image v1.34.7",
            "Ubuntu-v1.34.7",
            "",
            "-a",
            "a-",
        ] {
            assert!(checked_name(name.to_owned()).is_err(), "{name}");
        }
    }
}
