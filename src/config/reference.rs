//! The key `references` of the configuration file: places in files that no rule of this program knows. Texts as written; what they
//! mean is read on the floor of the stacks.

use serde::Deserialize;

/// One entry of `references`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReferenceConfig {
    /// The files, as a glob relative to the repository's root.
    pub files: String,
    /// The place in a YAML file: `spec.topology.version`.
    #[serde(default)]
    pub path: Option<String>,
    /// The place in a text: `Kubernetes {value}`.
    #[serde(default)]
    pub pattern: Option<String>,
    /// What stands there, as a template: `ubuntu-capi-image-{{default}}`.
    pub value: String,
    /// The stack it belongs to, by title or directory.
    #[serde(default)]
    pub stack: Option<String>,
}
