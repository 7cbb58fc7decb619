//! Cluster stacks of a tree: where they are, how they are laid out, which references state facts of their matrix. It reads texts
//! it is given and returns values; where the texts come from and what should be written are other floors' business.

mod addon;
mod agreement;
mod claims;
mod commons;
mod config_entry;
mod configured;
mod discover;
mod document;
mod edits;
mod examples;
mod explain;
mod facts;
mod form;
mod group;
mod identity;
mod image_list;
mod image_options;
mod images;
mod kinds;
mod layout;
mod learn;
mod model;
mod provider;
mod role;
mod series;
mod sharing;
mod source;
mod stated;
mod tree;
mod wanted;

pub(crate) use addon::versions_for;
pub use addon::{ChartSource, MinorBoundChart, MinorBoundCharts};
pub(crate) use agreement::unmet as unmet_references;
pub use agreement::{StaleReference, stale_references};
pub use configured::{ConfiguredReferences, Unmet, UnmetReason};
pub(crate) use configured::{ReferenceValues, is_of_git};
pub(crate) use discover::KnownFiles;
pub use discover::{Discovery, Hints, discover};
pub(crate) use discover::{add_left_out, discover_with};
pub use document::Document;
pub(crate) use edits::{AT_END, AT_TEXT};
pub use edits::{EditNote, Edited, FileEdits};
pub use examples::{
    Example, ExampleKind, ExampleSubject, ExampleValue, Explained, NamedRelease, NamedVersion,
    StatedVersion, TextForm, Unclaimed, WhyNot, find_examples,
};
pub(crate) use explain::explain_file;
pub(crate) use explain::other_versions;
pub use explain::{EXPLANATION_SCHEMA, ExplainedValue, FileExplanation};
pub use facts::{
    Fact, Fault, FaultKind, ImageList, ImageListEntry, ImageListForm, ImageReference, Reference,
};
pub(crate) use image_list::{choose as choose_image, is_another_image, select as select_versions};
pub use image_options::{ImageOptions, ImageProperty};
pub(crate) use images::{cannot_follow, edit_images};
pub(crate) use kinds::{
    CSCTL_FILE, NODE_IMAGES_CONFIG, chart_lock_fits, chart_of_lock,
    is_complete as is_complete_image, left_examples, lock_digest, lock_of_chart, minor_in_name,
};
pub use kinds::{LeftExample, NodeImagesError, validate_node_images};
pub use layout::Layout;
pub use model::{SourceTree, Stack};
pub use provider::{PROVIDERS, Provider, charts_with_key, find_provider};
pub use role::{Part, Role};
pub use series::{ImageSeries, ProofKind, SeriesId, SeriesMatch, SeriesSet};
pub(crate) use sharing::Sharing;
pub(crate) use source::NamedImage;
pub use source::SourceFile;
pub use stated::Facts;
pub(crate) use tree::directory_of;
pub use tree::{Content, Tree};
pub(crate) use tree::{is_directory_of_interest, is_of_interest};
pub use wanted::{AddonRow, ChartPlace, Reach, SeriesImages, Wanted};
