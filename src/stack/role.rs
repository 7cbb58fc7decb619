//! What files are for: their role in a cluster stack, and the part of a release that they go into.

/// The part of a release that a file goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The release as a whole: csctl.yaml, the cluster class.
    Stack,
    /// The cluster addons.
    ClusterAddon,
    /// The node images.
    NodeImage,
    /// None: a list or text beside the release.
    Beside,
}

/// What a file is for in its cluster stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Names provider, stack and default version, for csctl.
    CsctlConfig,
    /// Names provider, stack and minor, for other tools.
    StackFile,
    /// Lists the minors of a stack with their versions.
    MinorList,
    /// Describes a release; csctl writes its own over it.
    ReleaseMetadata,
    /// The chart of the cluster class.
    ClassChart,
    /// Values of the cluster class, under keys of its own choice.
    ClassValues,
    /// Manifests of the cluster class, and what their templates share.
    ClassTemplate,
    /// A chart of the cluster addons.
    AddonChart,
    /// The versions that an addon chart's dependencies are locked at.
    AddonLock,
    /// Manifests of single images.
    ImageManifest,
    /// The node images of a release.
    ReleaseImages,
    /// The node images of a cloud, of all minors.
    CloudImages,
    /// Examples for people.
    Examples,
    /// A place that the configuration names, in a file that no kind claims.
    Configured,
}

impl Role {
    /// Returns the part of a release that such a file goes into.
    pub fn part(self) -> Part {
        match self {
            Self::CsctlConfig
            | Self::StackFile
            | Self::ClassChart
            | Self::ClassValues
            | Self::ClassTemplate => Part::Stack,
            Self::AddonChart | Self::AddonLock => Part::ClusterAddon,
            Self::ImageManifest | Self::ReleaseImages => Part::NodeImage,
            Self::MinorList
            | Self::ReleaseMetadata
            | Self::CloudImages
            | Self::Examples
            | Self::Configured => Part::Beside,
        }
    }

    /// Tells whether such a file says what its source tree is: which stack, which minor, which default.
    pub(crate) fn names_stack(self) -> bool {
        matches!(self, Self::CsctlConfig | Self::StackFile)
    }

    /// Tells whether such a file lists several minors, and is therefore no part of one release.
    pub(crate) fn spans_minors(self) -> bool {
        matches!(self, Self::MinorList | Self::CloudImages)
    }

    /// Tells whether values of such a file are claimed where they match an image series.
    pub(crate) fn has_free_values(self) -> bool {
        self == Self::ClassValues
    }
}
