//! What a check is made from.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::catalog::Catalog;
use crate::plan::Selection;
use crate::policy::Policy;
use crate::release_digest::Unpublishable;
use crate::stack::{Discovery, Tree};

/// What a check is made from.
#[derive(Debug, Clone, Copy)]
pub struct CheckInput<'a> {
    /// The repository's files.
    pub tree: &'a Tree,
    /// The cluster stacks in it.
    pub discovery: &'a Discovery,
    /// What the sources offer, where it is known.
    pub catalog: Option<&'a Catalog>,
    /// The policy.
    pub policy: &'a Policy,
    /// Which stacks and which minor.
    pub selection: &'a Selection,
    /// The release tags that this state of the repository has, or is to have.
    pub tags: &'a [StateTag],
    /// Why csctl would refuse to publish a source tree, by its directory; empty where nobody asked.
    pub unpublishable: &'a BTreeMap<String, Unpublishable>,
    /// The day.
    pub today: Date,
}

/// A git tag of a state of the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateTag {
    /// The tag.
    pub name: String,
    /// Whether the state was asked for by this tag, or is to get it; else the commit merely has it, among others.
    pub is_asked: bool,
}
