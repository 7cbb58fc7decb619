//! What a maintainer should know beside a plan.

use jiff::civil::Date;
use strum::{IntoStaticStr, VariantNames};

use super::{FileLine, OsMove};
use crate::policy::Block;
use crate::release_digest::Unchanged;
use crate::stack::Fault;
use crate::version::{KubernetesVersion, Minor, StackLine, StackVersion};

/// Something that a maintainer should know beside the plan.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Note {
    /// A name in the stack's files is not what the layout asks for.
    WrongName(Fault),
    /// A Helm template cannot be read and names no version.
    UnreadTemplate(Fault),
    /// Nothing proves the images of a store, so that a broken or another one would not be noticed.
    UnprovedImages {
        /// The base of its URLs.
        store: String,
    },
    /// Clusters run a version that is blocked.
    MustUpgrade {
        /// The stack line.
        line: StackLine,
        /// The blocked version.
        old: KubernetesVersion,
        /// The new default.
        new: KubernetesVersion,
    },
    /// Nodes run an image that is blocked.
    MustReplaceNodes {
        /// The stack line.
        line: StackLine,
        /// What blocks the image.
        block: Block,
    },
    /// The number of the next release is not known.
    ReleaseUnknown {
        /// Why, as a phrase.
        gap: String,
    },
    /// A minor that was asked for is out of upstream support.
    AskedMinorEnded {
        /// The minor.
        minor: Minor,
        /// Its last day of support.
        day: Date,
    },
    /// Another minor brings another operating system.
    MinorOnAnotherOs {
        /// The minor.
        minor: Minor,
        /// The operating systems.
        step: OsMove,
    },
    /// A value goes on naming the image of another version.
    OtherVersion {
        /// Where it stands.
        at: FileLine,
        /// The value.
        value: String,
        /// The version it names.
        version: KubernetesVersion,
        /// The default before.
        default: KubernetesVersion,
    },
    /// csctl would not publish the release.
    CsctlRefuses {
        /// The stack line.
        line: StackLine,
        /// The release's version, where it is known.
        next: Option<StackVersion>,
        /// What the last release's hashes show; nothing where they were not seen.
        seen: Option<Unchanged>,
    },
    /// Packaged charts lie beside charts that change.
    PackagedCharts {
        /// The source tree.
        directory: String,
    },
    /// A chart's lock did not fit before, and is left alone.
    StaleLock {
        /// The chart's directory.
        chart: String,
    },
    /// A new source tree goes on speaking of the minor it was made from.
    MinorStillMentioned {
        /// The minor.
        minor: Minor,
        /// Where.
        places: Vec<FileLine>,
    },
    /// It is not known in full what a new default fixes.
    FixesUnknown {
        /// The new default.
        version: KubernetesVersion,
        /// The URL that gave no answer.
        url: String,
        /// What happened, as a phrase.
        reason: String,
    },
}

impl Note {
    /// Returns the code of the note, which stays the same when its words change.
    pub(crate) fn code(&self) -> &'static str {
        self.into()
    }
}
