//! What names and URLs of images say, each worked out once: the lists of a large repository name the same images again and again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::catalog::{ImagePattern, ImageTraits};

/// How many names are kept. They take a few hundred bytes each.
const MOST: usize = 10_000;

/// What a name or URL says.
#[derive(Debug)]
pub(crate) struct ReadName {
    /// The pattern it follows; nothing where it has no Kubernetes version.
    pub(crate) pattern: Option<ImagePattern>,
    pub(crate) traits: ImageTraits,
}

impl ReadName {
    fn of(text: &str) -> Self {
        Self {
            pattern: ImagePattern::of_url(text).ok(),
            traits: ImageTraits::of(text),
        }
    }
}

/// Names and URLs that were read, a bounded number of them.
#[derive(Debug, Default)]
pub(crate) struct KnownNames {
    kept: RwLock<HashMap<Box<str>, Arc<ReadName>>>,
}

impl KnownNames {
    /// Reads a name or URL, unless that was done: what it says goes by nothing but its text.
    pub(crate) fn read(&self, text: &str) -> Arc<ReadName> {
        // What is kept is whole after a panic elsewhere: each change is one step.
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(text) {
            return Arc::clone(known);
        }
        drop(kept);
        let read = Arc::new(ReadName::of(text));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(text.into(), Arc::clone(&read));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_once_and_says_what_it_says_alone() {
        let known = KnownNames::default();
        let name = "https://s/ubuntu-2404-kube-v1.34.7-arm64.qcow2";
        let read = known.read(name);
        assert!(Arc::ptr_eq(&read, &known.read(name)));
        assert_eq!(read.pattern, ImagePattern::of_url(name).ok());
        assert_eq!(read.traits, ImageTraits::of(name));
        let other = known.read("https://s/ubuntu-2404-kube-v1.34.8-arm64.qcow2");
        assert!(!Arc::ptr_eq(&read, &other));
        assert_eq!(known.read("no version").pattern, None);
    }

    #[test]
    fn few_are_kept() {
        let known = KnownNames::default();
        for number in 0..=MOST {
            known.read(&number.to_string());
        }
        assert_eq!(known.kept.read().unwrap().len(), 1);
    }
}
