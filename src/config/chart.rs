//! The key `charts` of the configuration file: addon charts that number themselves after a Kubernetes minor. Texts as written;
//! what they mean is read on the floor of the stacks.

use serde::Deserialize;

/// One entry of `charts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChartConfig {
    /// The chart's name. The second number of its versions is that of the Kubernetes minor: `2.34.1` is for 1.34.
    pub name: String,
    /// The Helm repository that publishes it: `https://charts.example.org`, `oci://registry.example.org/charts`.
    pub repository: String,
    /// Its key in the rows of versions.yaml: `occm`.
    #[serde(default)]
    pub versions_key: Option<String>,
    /// Its key below `addons` in stack.yaml: `ccm`.
    #[serde(default)]
    pub stack_key: Option<String>,
}
