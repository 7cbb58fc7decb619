//! YAML files read with positions, and edited so that only the bytes of the edited scalar, item or key change. It never
//! reads or writes a file, never reformats, and never guesses: an edit which cannot be proved right is refused.
//!
//! Reading: [`File::parse`] gives [`Node`]s with lines, of every text that libyaml reads, as Helm, Kubernetes and git read
//! with it or its kin. The first reader (`spans.rs`, the crate `granit-parser`) follows the specification and is fast; what
//! it refuses, the second one (`libyaml.rs`) reads as libyaml does: quotes over lines without indentation are the most
//! usual case. It is asked only then, and where lines end as in YAML 1.1; its tree counts only if `serde_yaml` reads the same
//! values. A Helm template is read as its mask (`template.rs`), in which actions are words or blanks. `reading.rs` has the
//! order of all ways. Aliases and merge keys are read through: see [`Node`]. Writing: [`File::edit`] gives an [`Editor`] which collects edits
//! against the original text and applies them together in [`Editor::finish`], where three things are proved: the bytes
//! outside the edits are equal; the new text parses to the old tree with exactly the intended changes; and an independent
//! parser (`serde_yaml`) agrees about the values.
//!
//! Policies, in one place:
//! * A scalar keeps its quotes. A plain one is quoted only where it would change its kind (text to number, boolean, null
//!   or date) or could not be read back plain. An anchor before it stays.
//! * A new item has the indent, the dash gap, the keys and the quotes of the sibling it is shaped after, not its comments.
//!   It goes directly under the last line of the item before it; at the front, directly above the first item's dash.
//! * A removed item or key takes its own lines with it, comments inside it or at the end of its lines included. Comments
//!   on lines of their own above and below it stay, as they may speak of the whole group.
//! * Line endings are those of the line above, a missing final newline stays missing.
//! * A refused edit leaves the others as they are; an edit that meets another one is found by [`Editor::finish`].
//! * What stands behind an alias or comes from a merge key is not edited there: the error names the anchor and its line.
//!   [`Node::is_shared`] tells of a value that aliases show elsewhere, too.
//! * In a Helm template (see [`File::is_template`]) nothing that an action produces is written, and nothing moves in or
//!   out of an `if`, `range` or `with` block.

mod change;
mod confirm;
mod edit;
mod error;
mod file;
mod known;
mod libyaml;
mod merge;
mod node;
mod path;
mod proof;
mod reading;
mod repeated;
mod serde_values;
mod shown;
mod spans;
mod style;
mod template;
#[cfg(test)]
mod tests;

pub use edit::{Editor, KeyPlace, KeyValue, Shape};
pub use error::{FailedProof, RefusalReason, YamlError};
pub use file::{Duplicate, File};
pub use known::KnownTexts;
pub use node::{Context, Node, Origin};
pub use path::{Path, PathError, PathStep};
pub use shown::Shown;
pub(crate) use spans::check_depth;
pub use style::scalar;
