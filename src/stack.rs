//! Cluster stacks of a tree: where they are, how they are laid out, which sites state facts of their matrix. It reads texts
//! it is given and returns values; where the texts come from and what should be written are other floors' business.

mod addon;
mod configured;
mod discover;
mod edits;
mod facts;
mod kinds;
mod layout;
mod provider;
mod roster;
mod source;
mod tree;
mod wanted;

pub use addon::{MinorBoundChart, find_minor_bound};
pub use configured::{ConfiguredSites, StaleSite, Unmet, stale_sites};
pub(crate) use configured::{
    SiteValues, edit as edit_configured, edit_text as edit_configured_text, unmet as unmet_sites,
};
pub(crate) use discover::Known;
pub use discover::{Discovery, SourceTree, Stack, add_left_out, discover, discover_with};
pub use edits::{EditNote, Edited, FileEdits};
pub use facts::{Fact, Facts, Fault, Roster, RosterEntry, RosterForm, STACK_NAME_RULE, Site};
pub use kinds::{NodeImagesError, Part, validate_node_images};
pub(crate) use kinds::{chart_lock_fits, is_complete as is_complete_image, minor_in_name};
pub use layout::Layout;
pub use provider::{Provider, find_provider};
pub(crate) use roster::{choose as choose_image, is_another_image, select as select_versions};
pub use source::SourceFile;
pub use tree::{Content, Tree, is_directory_of_interest, is_of_interest};
pub use wanted::{AddonRow, Wanted};
