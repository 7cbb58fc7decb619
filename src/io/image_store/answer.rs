//! What an image store said, minor by minor, and all of it together.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{FaultyImage, ImagePattern, ImageStore, NodeImage, SourceKind, Unreachable};
use crate::io::no_answer::NoAnswer;
use crate::version::Minor;

/// What a store said.
#[derive(Debug)]
pub(crate) struct StoreAnswer {
    pub(crate) store: ImageStore,
    pub(crate) unreachable: Vec<Unreachable>,
}

/// What is known of one minor.
#[derive(Debug, Default)]
pub(crate) struct MinorAnswer {
    pub(crate) images: Vec<NodeImage>,
    pub(crate) faulty: Vec<FaultyImage>,
    pub(crate) fault: Option<NoAnswer>,
}

/// Puts the minors of a store together in a fixed order; equal faults of several minors are one.
pub(crate) fn collect(pattern: &ImagePattern, minors: Vec<(Minor, MinorAnswer)>) -> StoreAnswer {
    let mut store = ImageStore {
        pattern: pattern.clone(),
        searched: BTreeSet::new(),
        images: Vec::new(),
        faulty: Vec::new(),
    };
    let mut faults: BTreeMap<String, (NoAnswer, BTreeSet<Minor>)> = BTreeMap::new();
    for (minor, mut answer) in minors {
        store.searched.insert(minor);
        let nonsense = answer.take_nonsense(pattern);
        let fault = answer.fault.map(|fault| (fault.reason.clone(), fault));
        for (reason, fault) in fault.into_iter().chain(nonsense) {
            let (_, minors) = faults.entry(reason).or_insert((fault, BTreeSet::new()));
            minors.insert(minor);
        }
        store.images.extend(answer.images);
        store.faulty.extend(answer.faulty);
    }
    store.sort();
    store
        .faulty
        .sort_by(|a, b| (a.version, &a.url).cmp(&(b.version, &b.url)));
    StoreAnswer {
        store,
        unreachable: faults
            .into_values()
            .map(|(fault, minors)| {
                fault.into_unreachable(SourceKind::ImageStore, pattern.as_str(), minors)
            })
            .collect(),
    }
}

impl MinorAnswer {
    /// Takes the faulty images out, where a store has several, none that is proved, and the same is wrong with each: then it is
    /// the store that is wrong. Returns what minors have in common of it, and the fault.
    fn take_nonsense(&mut self, pattern: &ImagePattern) -> Option<(String, NoAnswer)> {
        let first = self.faulty.first()?;
        let reason = shared_reason(first);
        let is_same = self
            .faulty
            .iter()
            .all(|image| shared_reason(image) == reason);
        // One image alone is at fault itself.
        if !self.images.is_empty() || self.faulty.len() < 2 || !is_same {
            return None;
        }
        let file = first.url.rsplit('/').next().unwrap_or_default();
        let text = format!(
            "has images, but none could be verified: {file}: {}",
            first.reason
        );
        let fault = NoAnswer::new(pattern.base(), text);
        self.faulty.clear();
        Some((reason, fault))
    }
}

/// Returns what is wrong with an image in words that do not name it.
fn shared_reason(image: &FaultyImage) -> String {
    image.reason.replace(&image.url, "")
}
