//! What is skipped, or not known, with its reason.

use jiff::civil::Date;
use strum::{IntoStaticStr, VariantNames};

use super::{ChartReason, MissingChart, OsMove};
use crate::policy::{Block, MinimumAge, Minors, Pin};
use crate::stack::{Fault, LeftExample, ProofKind, UnmetReason};
use crate::version::{ChartVersion, KubernetesVersion, Minor, OsRelease};

/// Something that is skipped, or not known, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// What is skipped.
    pub subject: SkipSubject,
    /// Why.
    pub(crate) why: SkipReason,
}

/// What is skipped, or not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipSubject {
    /// One Kubernetes version, or several of one minor: `v1.34.9`, `v1.34.4-7`.
    Versions(Vec<KubernetesVersion>),
    /// All Kubernetes releases between two.
    Releases(KubernetesVersion, KubernetesVersion),
    /// Minors.
    Minors(Vec<Minor>),
    /// The node images of minors; of none that can be named where there are none.
    NodeImages(Vec<Minor>),
    /// What a block names.
    Blocked(Block),
    /// An addon chart of a minor.
    Chart(String, Minor),
    /// A version of an addon chart.
    ChartVersion(String, ChartVersion),
    /// A file, or a line of it.
    File(String, Option<usize>),
    /// An example in a text for people: its value and place.
    Example(String, String),
    /// A configured reference, as people know it.
    Reference(String),
}

/// Why something is skipped, or not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SkipReason {
    /// Why images are not known, or not there.
    Source(SourceReason),
    /// Why an image is not taken.
    Image(ImageReason),
    /// Why a minor is left where it is.
    Minor(MinorReason),
    /// Why a version does not become the default.
    Default(DefaultReason),
    /// What the policy says against it.
    Policy(PolicyReason),
    /// Why something stays in a file as it is.
    File(FileReason),
    /// Why an addon chart does not go on.
    Chart(ChartReason),
}

/// Why images are not known, or not there.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum SourceReason {
    /// No file names an image, and the provider has no image store that is known.
    NoImageStore {
        /// The provider.
        provider: String,
    },
    /// A source gave no answer.
    SourceUnreachable {
        /// The URL that was asked.
        url: String,
        /// What happened, as a phrase.
        reason: String,
    },
    /// The catalog says nothing of a source.
    SourceNotAsked {
        /// The source.
        source: String,
        /// The command that asks it.
        command: String,
    },
    /// The image store has no image.
    NoImages {
        /// The store.
        store: String,
    },
}

/// Why an image is not taken.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum ImageReason {
    /// An image cannot be proved.
    ImageFaulty {
        /// What is wrong, as a phrase.
        reason: String,
    },
    /// Kubernetes released versions of which there is no image.
    NoImageYet {
        /// The day of the first release.
        first: Date,
        /// The day of the last one, where there are several.
        last: Option<Date>,
    },
    /// A listed version has another image now.
    RebuiltImage {
        /// Which.
        image: RebuiltImage,
        /// The command that takes it.
        command: String,
    },
    /// Neither the list nor the store says when an image was built.
    NoBuildDate,
    /// The store does not say what a list of openstack-image-manager needs.
    IncompleteImage,
    /// The default's image is not in the store any more.
    DefaultImageGone {
        /// The series.
        series: String,
        /// The store.
        store: String,
    },
}

/// Why a minor is left where it is.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum MinorReason {
    /// The store has images of a minor that nobody asked for.
    NewMinor {
        /// How many.
        images: usize,
        /// Minors after it.
        further: Vec<Minor>,
        /// The command that takes it.
        command: String,
    },
    /// A file keeps the stack from being set to a minor.
    MinorClosed(Fault),
    /// Charts keep the stack from being set to a minor.
    MinorWithoutCharts(Vec<MissingChart>),
    /// There are images of a minor, and none of them may be used.
    MinorUnusable,
    /// No image of a minor is known.
    MinorWithoutImage,
    /// A minor's upstream support has ended.
    EndOfLife {
        /// The last day of support.
        day: Date,
        /// New images.
        images: Vec<KubernetesVersion>,
        /// Newer charts.
        charts: Vec<(String, ChartVersion)>,
    },
    /// Tests of a new minor are not green.
    UntestedMinor {
        /// Which, as a phrase.
        why: String,
    },
}

/// Why a version does not become the default.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum DefaultReason {
    /// A reference cannot follow the default.
    DefaultCannotMove(Fault),
    /// A series has no image of a version.
    SeriesWithoutImage {
        /// The series, where it has a name of its own.
        series: Option<String>,
        /// Where the series was learnt.
        learnt_at: String,
    },
    /// The source of a series does not give the proof that files ask for.
    NoProof {
        /// The proof.
        proof: ProofKind,
        /// Where files ask for it.
        learnt_at: String,
    },
    /// The images of newer versions are on another operating system.
    OtherOs {
        /// The operating systems.
        step: OsMove,
        /// The command that takes them; nothing where they are on an older release.
        command: Option<String>,
    },
    /// Tests of the new default are not green.
    Untested {
        /// Which, as a phrase.
        why: String,
    },
}

/// What the policy says against it.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum PolicyReason {
    /// An image is blocked.
    Blocked {
        /// The block.
        block: Block,
        /// The command that takes the block away.
        command: String,
    },
    /// There are images on operating systems alone that the policy does not name.
    OsNotFollowed {
        /// Where images are.
        on: Vec<OsRelease>,
        /// What the policy names.
        followed: Vec<OsRelease>,
    },
    /// The policy does not name a minor.
    MinorNotSupported(Minors),
    /// A version is not old enough for a default.
    TooYoung {
        /// How old it has to be.
        age: MinimumAge,
        /// The day of its release.
        published: Option<Date>,
    },
    /// A default is pinned to a version that has no usable image.
    PinUnusable {
        /// The pin's last day.
        until: Date,
        /// The default that stays.
        default: KubernetesVersion,
    },
    /// A default is pinned to an older version.
    Pinned {
        /// The pin.
        pin: Pin,
        /// The command that takes the pin away.
        command: String,
    },
}

/// Why something stays in a file as it is.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum FileReason {
    /// A file stays as it is, as one of its references cannot follow.
    FileCannotMove(Fault),
    /// Only people know what an example should say.
    ExampleLeft(LeftExample),
    /// A configured reference matches nothing.
    ReferenceUnmet {
        /// Why.
        reason: UnmetReason,
    },
}

/// Which image a listed version has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RebuiltImage {
    /// One at another URL.
    Moved {
        /// Its URL.
        url: String,
    },
    /// One on another operating system.
    OnOs(OsRelease),
    /// One with another checksum.
    Uploaded {
        /// The day it was built.
        built: Option<Date>,
    },
    /// One on an operating system that the policy names, as the listed one is not.
    Unfollowed {
        /// The operating system of the listed image.
        listed: Option<OsRelease>,
        /// That of the store's image.
        available: Option<OsRelease>,
    },
}

impl SkipReason {
    /// Returns the code of the reason, which stays the same when its words change.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Source(reason) => reason.into(),
            Self::Image(reason) => reason.into(),
            Self::Minor(reason) => reason.into(),
            Self::Default(reason) => reason.into(),
            Self::Policy(reason) => reason.into(),
            Self::File(reason) => reason.into(),
            Self::Chart(reason) => reason.into(),
        }
    }
}

impl Skip {
    /// Returns what is skipped, and why.
    pub(in crate::plan) fn new(subject: SkipSubject, why: SkipReason) -> Self {
        Self { subject, why }
    }

    /// Returns the code of the reason, which stays the same when its words change.
    pub fn code(&self) -> &'static str {
        self.why.code()
    }
}

impl SkipSubject {
    /// Returns one version as a subject.
    pub(in crate::plan) fn version(version: KubernetesVersion) -> Self {
        Self::Versions(vec![version])
    }

    /// Returns one minor as a subject.
    pub(in crate::plan) fn minor(minor: Minor) -> Self {
        Self::Minors(vec![minor])
    }
}
