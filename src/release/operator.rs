//! How the cluster stack operator reads the name and the metadata of a release, with its own words for what it does not take. Sources:
//! `pkg/clusterstack`, `pkg/version`, `pkg/kubernetesversion` and `pkg/release` of the operator.

use serde::Deserialize;

/// A release tag as the operator has split it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OperatorTag {
    /// Provider, name and minor: `openstack-scs2-1-34`.
    pub(super) line: String,
    /// The provider.
    pub(super) provider: String,
    /// The minor with a dot: `1.34`.
    pub(super) minor: String,
    /// The version with a dot: `v0-sha.azlfam7`.
    pub(super) version: String,
}

impl OperatorTag {
    pub(super) fn read(tag: &str) -> Result<Self, String> {
        let parts: Vec<&str> = tag.split('-').collect();
        let [provider, name, major, minor, ref version @ ..] = parts[..] else {
            return Err("invalid format".to_owned());
        };
        if version.len() != 1 && version.len() != 3 {
            return Err("invalid format".to_owned());
        }
        if provider.is_empty() {
            return Err("invalid provider".to_owned());
        }
        if name.is_empty() {
            return Err("invalid name".to_owned());
        }
        for (part, which) in [(major, "major"), (minor, "minor")] {
            if part.parse::<u32>().is_err() {
                return Err(format!(
                    "failed to create Kubernetes version from {major}-{minor}: invalid {which} version"
                ));
            }
        }
        let version = version.join("-");
        let dotted = read_version(&version, '-')
            .map_err(|error| format!("failed to create version from {version}: {error}"))?;
        Ok(Self {
            line: format!("{provider}-{name}-{major}-{minor}"),
            provider: provider.to_owned(),
            minor: format!("{major}.{minor}"),
            version: dotted,
        })
    }
}

fn invalid_version(text: &str) -> String {
    format!("invalid version string {text}")
}

/// Reads a version whose channel and identifier are parted by this sign, and returns it with a dot there.
pub(super) fn read_version(text: &str, separator: char) -> Result<String, String> {
    let Some(rest) = text.strip_prefix('v') else {
        return Err(invalid_version(text));
    };
    let (digits, custom) = match rest.split_once('-') {
        Some((digits, custom)) => (digits, Some(custom)),
        None => (rest, None),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(invalid_version(text));
    }
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("invalid major version v{digits}"))?;
    let Some(custom) = custom else {
        return Ok(format!("v{number}"));
    };
    let Some((channel, identifier)) = custom.split_once(separator) else {
        return Err(invalid_version(text));
    };
    if !is_word(channel) || !is_word(identifier) {
        return Err(invalid_version(text));
    }
    Ok(format!("v{number}-{channel}.{identifier}"))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The metadata of a release, as the operator has read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OperatorMetadata {
    pub(super) cluster_stack: String,
    pub(super) kubernetes: String,
    pub(super) cluster_addon: String,
    pub(super) node_image: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct File {
    versions: FileVersions,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct FileVersions {
    cluster_stack: String,
    kubernetes: String,
    components: FileComponents,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct FileComponents {
    cluster_addon: String,
    node_image: String,
}

impl OperatorMetadata {
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let file: File = serde_yaml::from_slice(text).map_err(|error| {
            format!("failed to get metadata: failed to unmarshal metadata: {error}")
        })?;
        let versions = file.versions;
        let metadata = Self {
            cluster_stack: component(&versions.cluster_stack, "ClusterStack")?,
            cluster_addon: component(&versions.components.cluster_addon, "ClusterAddon")?,
            node_image: component(&versions.components.node_image, "NodeImage")?,
            kubernetes: versions.kubernetes,
        };
        if metadata.kubernetes.is_empty() {
            let error = "failed to validate release: failed to validate metadata: kubernetes version empty: empty version";
            return Err(error.to_owned());
        }
        Ok(metadata)
    }
}

/// Reads the version of a component; `which` is how the operator calls it.
fn component(text: &str, which: &str) -> Result<String, String> {
    read_version(text, '.').map_err(|error| {
        format!("failed to get metadata: failed to parse {which} version from metadata: {error}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_the_operator_reads_them() {
        let tag = OperatorTag::read("openstack-scs2-1-34-v0-sha-azlfam7").unwrap();
        assert_eq!(
            (tag.line.as_str(), tag.version.as_str(), tag.minor.as_str()),
            ("openstack-scs2-1-34", "v0-sha.azlfam7", "1.34")
        );
        assert!(OperatorTag::read("docker-scs-1-30-v10").is_ok());
        for (tag, error) in [
            ("openstack-my-stack-1-34-v1", "invalid format"),
            ("openstack-scs-v5", "invalid format"),
            ("-scs-1-34-v1", "invalid provider"),
            ("openstack--1-34-v1", "invalid name"),
            (
                "openstack-scs-x-34-v1",
                "failed to create Kubernetes version from x-34: invalid major version",
            ),
            (
                "openstack-scs-1-34-1",
                "failed to create version from 1: invalid version string 1",
            ),
            (
                "openstack-scs-1-34-v0-sha-a.b",
                "failed to create version from v0-sha-a.b: invalid version string v0-sha-a.b",
            ),
        ] {
            assert_eq!(OperatorTag::read(tag).unwrap_err(), error, "{tag}");
        }
    }

    #[test]
    fn metadata_without_a_version_of_the_node_images_is_refused() {
        let whole = "versions:\n  clusterStack: v1\n  kubernetes: v1.34.7\n  components:\n    clusterAddon: v1\n    nodeImage: v1\n";
        assert!(OperatorMetadata::read(whole.as_bytes()).is_ok());
        for (cut, words) in [
            (
                "    nodeImage: v1\n",
                "failed to parse NodeImage version from metadata: invalid version string ",
            ),
            (
                "  kubernetes: v1.34.7\n",
                "kubernetes version empty: empty version",
            ),
            (
                "  clusterStack: v1\n",
                "failed to parse ClusterStack version",
            ),
        ] {
            let error = OperatorMetadata::read(whole.replace(cut, "").as_bytes()).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(OperatorMetadata::read(b"versions: [").is_err());
    }
}
