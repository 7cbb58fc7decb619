//! What files of a repository share: of a thousand stacks most files have the same text, which is read for its facts once; each states
//! them under its own path. It keeps the facts of a bounded number of texts, and no faults.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::addon::MinorBoundCharts;
use super::commons::Commons;
use super::document::Document;
use super::series::KnownNames;
use super::stated::{Claims, Facts};
use crate::yaml::File;

/// How long all texts may be together of which facts are kept.
const MOST_BYTES: usize = 1 << 20;

/// What the files of a repository are read with.
#[derive(Debug, Clone, Default)]
pub struct Sharing {
    pub(super) commons: Arc<Commons>,
    pub(super) facts: Arc<KnownFacts>,
    pub(super) names: Arc<KnownNames>,
}

impl Sharing {
    pub(super) fn new(charts: &MinorBoundCharts) -> Self {
        Self {
            commons: Arc::new(Commons {
                charts: charts.clone(),
                ..Commons::default()
            }),
            ..Self::default()
        }
    }
}

/// What texts state.
#[derive(Debug, Default)]
pub(super) struct KnownFacts {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By the address of the parsed text, which what is kept of it holds in its place.
    by_file: HashMap<usize, Vec<Known>>,
    bytes: usize,
}

/// What a text states, read by these kinds and with these claims.
#[derive(Debug)]
struct Known {
    /// Held, so that no other file gets its address.
    _file: Arc<File>,
    /// By their names.
    kinds: Vec<&'static str>,
    claims: Arc<Claims>,
    facts: Facts,
}

/// A file whose facts are asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'f> {
    pub(super) document: &'f Document,
    /// The names of the kinds that claim it.
    pub(super) kinds: &'f [&'static str],
    pub(super) claims: &'f Arc<Claims>,
}

impl<'f> Asked<'f> {
    /// Returns the parsed text, which equal texts share. A file that is no YAML has none, and those with configured references are
    /// read by their paths.
    fn file(self) -> Option<&'f Arc<File>> {
        let is_of_text = self.document.configured().is_empty();
        self.document.shared_yaml().filter(|_| is_of_text)
    }

    fn is_answered_by(self, known: &Known) -> bool {
        known.kinds == self.kinds && *known.claims == **self.claims
    }
}

impl KnownFacts {
    /// Returns the facts of a file, if one with the same text has been read in the same way.
    pub(super) fn find(&self, asked: Asked<'_>) -> Option<Facts> {
        let file = asked.file()?;
        // What is kept is whole after a panic elsewhere: each change is one step.
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let all = kept.by_file.get(&address(file))?;
        let known = all.iter().find(|known| asked.is_answered_by(known))?;
        Some(known.facts.at(asked.document.path()))
    }

    /// Keeps the facts of a file for others with the same text.
    pub(super) fn keep(&self, asked: Asked<'_>, facts: &Facts) {
        let length = asked.document.text().len();
        // A long text would push out many others.
        let is_kept = facts.are_of_text_alone() && length <= MOST_BYTES / 4;
        let Some(file) = asked.file().filter(|_| is_kept) else {
            return;
        };
        let known = Known {
            _file: Arc::clone(file),
            kinds: asked.kinds.to_vec(),
            claims: Arc::clone(asked.claims),
            facts: facts.clone(),
        };
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + length > MOST_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += length;
        kept.by_file.entry(address(file)).or_default().push(known);
    }
}

fn address(file: &Arc<File>) -> usize {
    Arc::as_ptr(file).addr()
}
