//! What files say, one by one: references, image lists and faults, each with file, line and value.

use jiff::civil::Date;
use serde::Serialize;

use super::role::Role;
use super::series::ProofKind;
use crate::catalog::{ImagePattern, NodeImage};
use crate::version::{
    ChartRequirement, ChartVersion, KubernetesVersion, Md5, Minor, OsRelease, Sha256, Sha512,
    StackVersion,
};
use crate::yaml::YamlError;

/// One place that states a fact of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// The file, relative to the repository's root.
    pub file: String,
    /// What the file is for.
    #[serde(skip)]
    pub role: Role,
    /// The line, counted from 1.
    pub line: usize,
    /// The place in the file: `config.kubernetesVersion`.
    pub at: String,
    /// The value as written.
    pub value: String,
    /// What it states.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What a reference states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "fact")]
pub enum Fact {
    /// The provider's name.
    Provider,
    /// The cluster stack's name.
    StackName,
    /// The default Kubernetes version.
    Kubernetes {
        /// The version.
        version: KubernetesVersion,
    },
    /// The minor alone.
    KubernetesMinor {
        /// The minor.
        minor: Minor,
    },
    /// A version in a list of versions of several minors.
    ListedVersion {
        /// The version.
        version: KubernetesVersion,
    },
    /// The addon chart's version that a list of versions names for a minor.
    ListedAddon {
        /// The minor of the row.
        minor: Minor,
        /// The chart.
        chart: String,
        /// Its version; nothing for a range such as `2.34.x`.
        version: Option<ChartVersion>,
        /// The range, where it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        range: Option<ChartRequirement>,
    },
    /// The cluster class chart's name.
    ClassChart {
        /// The minor in the name, where it has one.
        minor: Option<Minor>,
    },
    /// A cluster addon chart's name.
    AddonChart {
        /// The minor in the name, where it has one.
        minor: Option<Minor>,
    },
    /// A dependency of a cluster addon chart.
    ChartDependency {
        /// The chart.
        chart: String,
        /// Its repository.
        repository: String,
        /// Its version; nothing for a range.
        version: Option<ChartVersion>,
        /// The range, where it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        range: Option<ChartRequirement>,
    },
    /// A dependency in a Chart.lock.
    LockedDependency {
        /// The chart.
        chart: String,
        /// Its version, where it reads as one.
        version: Option<ChartVersion>,
    },
    /// The name of the default's node image.
    ImageName {
        /// The version in the name.
        version: KubernetesVersion,
    },
    /// The default's node image as a resource: URL, checksum and operating system together.
    Image(ImageReference),
    /// The cluster stack's version, or that of a component.
    StackVersion {
        /// Which: `clusterStack`, `clusterAddon`, `nodeImage`.
        component: String,
        /// The version, where it reads as one.
        version: Option<StackVersion>,
    },
    /// An example in a text for people.
    Example,
    /// What the configuration file says of this place.
    Configured {
        /// The line of the entry in the configuration file.
        entry: usize,
        /// The template of the value.
        template: String,
    },
}

/// A node image written as a single resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageReference {
    /// The Kubernetes version in its URL.
    pub version: KubernetesVersion,
    /// The operating-system release in its URL.
    pub os: Option<OsRelease>,
    /// Its URL.
    pub url: String,
    /// Its checksum.
    pub sha256: Option<Sha256>,
}

/// A reference that holds a list of node images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageList {
    /// The file, relative to the repository's root.
    pub file: String,
    /// The line on which the list begins.
    pub line: usize,
    /// The place in the file: `images[0].versions`.
    pub at: String,
    /// The form of its entries.
    pub form: ImageListForm,
    /// Its entries in the order of the file.
    pub entries: Vec<ImageListEntry>,
    /// The patterns of the names that its images get, where the entries do not say them.
    #[serde(skip)]
    pub names: Vec<ImagePattern>,
}

/// The form of a image list's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ImageListForm {
    /// `openStackNodeImages` of the OpenStack provider operator.
    NodeImages,
    /// `versions` of an openstack-image-manager file.
    ImageManager,
    /// Several ORC `Image` manifests in one file.
    OrcImages,
    /// A map from Kubernetes version to image name.
    VersionMap,
    /// A list of versions or image names.
    Names,
}

/// One entry of a image list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageListEntry {
    /// The line on which it begins.
    pub line: usize,
    /// The Kubernetes version.
    pub version: KubernetesVersion,
    /// The name or version as written.
    pub name: String,
    /// The operating-system release in its URL or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// Its URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its checksum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Its longer checksum, where that is the one written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha512: Option<Sha512>,
    /// Its weakest checksum, where that is the one written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub md5: Option<Md5>,
    /// What an image in its place has to be proved by: its checksum has an algorithm, which readers of the file go by.
    #[serde(skip)]
    pub proof: Option<ProofKind>,
    /// Its build date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built: Option<Date>,
}

impl ImageListEntry {
    /// Returns its image, where it has a URL.
    pub(crate) fn image(&self) -> Option<NodeImage> {
        Some(NodeImage {
            os: self.os.clone(),
            sha256: self.sha256.clone(),
            sha512: self.sha512.clone(),
            md5: self.md5.clone(),
            built: self.built,
            ..NodeImage::new(self.version, self.url.clone()?)
        })
    }
}

/// Something that keeps a file from being read, or an edit from being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The file, relative to the repository's root.
    pub file: String,
    /// The line, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong, as a phrase.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// What it keeps from being done.
    #[serde(skip)]
    pub kind: FaultKind,
    /// What the file is for, where that is known.
    #[serde(skip)]
    pub role: Option<Role>,
}

/// What a fault keeps from being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FaultKind {
    /// The file cannot be read, or an edit cannot be proved: a person has to change it.
    #[default]
    OutOfReach,
    /// A reference cannot name the wanted image: the default waits.
    Unmovable,
    /// The operator could not read the stack's releases.
    Name,
}

impl ImageListEntry {
    /// Returns an entry of which no more than its line and version is known.
    pub fn new(line: usize, version: KubernetesVersion) -> Self {
        Self {
            line,
            version,
            name: String::new(),
            os: None,
            url: None,
            sha256: None,
            sha512: None,
            md5: None,
            proof: None,
            built: None,
        }
    }
}

impl Fault {
    /// Returns a fault of a file.
    pub fn new(
        file: &str,
        line: impl Into<Option<usize>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line: line.into(),
            message: message.into(),
            hint: hint.into(),
            kind: FaultKind::default(),
            role: None,
        }
    }

    /// Returns the fault of a text that is not read, or of an edit that is not made.
    pub(super) fn of_yaml(file: &str, error: &YamlError) -> Self {
        Self::new(file, error.line(), error.message(), error.hint())
    }

    /// Says what the file is for.
    #[must_use]
    pub(super) fn of(self, role: impl Into<Option<Role>>) -> Self {
        Self {
            role: role.into(),
            ..self
        }
    }

    /// Tells whether it is of a file that says what its source tree is.
    pub(crate) fn hides_stack(&self) -> bool {
        self.role.is_some_and(Role::names_stack)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}
