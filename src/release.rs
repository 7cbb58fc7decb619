//! Releases of cluster stacks as values: from the files of a source tree to those of a release directory, in the bytes that csctl, the
//! cluster stack operator and Helm agree on. It reads and writes no file, asks nobody and knows no clock: the same files, versions and
//! moment give the same bytes.

mod archive;
mod artifact;
mod attestation;
mod build;
mod changelog;
mod changes;
mod chart;
mod go_yaml;
mod hashes;
mod ignore;
mod listing;
mod minor;
mod mode;
mod next;
mod notes;
mod operator;
mod placeholders;
mod publication;
mod report;
mod vendor;
mod verify;
mod versions;

use std::collections::BTreeMap;

pub(crate) use artifact::{ARTIFACT, CREATED, KUBERNETES, Parcel, TITLE, media_type};
pub use attestation::AttestationKind;
pub(crate) use attestation::{Attestation, Origin};
pub use build::{BuiltRelease, Outcome, ReleaseInput, build};
pub(crate) use changelog::{Block, with_block};
pub use changes::{Changes, PartChange, Published, ReleasePart};
pub use hashes::{OwnHashes, ReleaseHashes};
pub use listing::{
    ContentDigest, LIST_SCHEMA, LineFilter, ListReport, ListedLine, ListedRelease, ReleaseSource,
    Sighting, UnreadableTag, list,
};
pub use minor::{MinorRequest, set_to_minor};
pub use mode::{Last, Mode};
pub use next::{LastPublished, NEXT_SCHEMA, NextLine, NextRelease, NextReport, NextState, Step};
pub use notes::{
    ChartNote, FileChange, FileNote, FirstNotes, ImageName, ImageNotes, KubernetesNote, LineNotes,
    NOTES_SCHEMA, NotesReport, NotesState, ReleaseNotes, VariableNote, VariableNotes,
};
pub(crate) use notes::{Images, NotesInput, sections};
pub use publication::{
    AttestationReport, CommitTag, LayerReport, PUBLISH_SCHEMA, PublishReport, PublishState,
    PublishedRelease,
};
pub use report::{BUILD_SCHEMA, BuildReport, BuildState, FileReport, ReleaseReport};
pub use vendor::{ChartArchive, ChartWish, vendor, wishes};
pub use verify::{Reader, VERIFY_SCHEMA, VerifyFinding, VerifyReport, class_archive, verify};
pub use versions::Versions;

/// The files of a source tree: their paths in it, with slashes, and their contents.
pub type StackFiles = BTreeMap<String, Vec<u8>>;

/// The files of a release: their names and their contents.
pub type ReleaseFiles = BTreeMap<String, Vec<u8>>;

/// The names of the files of a release that are called the same in every release.
pub(crate) const METADATA_FILE: &str = "metadata.yaml";
pub(crate) const HASHES_FILE: &str = "hashes.json";
pub(crate) const ADDON_CONFIG_FILE: &str = "clusteraddon.yaml";
pub(crate) const ADDON_VALUES_FILE: &str = "cluster-addon-values.yaml";
pub(crate) const NODE_IMAGES_FILE: &str = "node-images.yaml";
