//! Texts that were read. In a large repository many files have one text, which is read once for all of them. It knows no paths,
//! keeps a bounded number of texts, and remembers no errors: they are few, and each is told of its own file.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::error::YamlError;
use super::file::File;

/// How long all kept texts may be together. What is kept of a text takes some twenty times as much.
const MOST_BYTES: usize = 1 << 20;

/// Texts that were read, each with its parsed form.
#[derive(Debug, Default)]
pub struct KnownTexts {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<Arc<str>, Arc<File>>,
    bytes: usize,
}

impl KnownTexts {
    /// Parses a text, unless an equal one was parsed before: a parse goes by nothing but the text.
    pub(crate) fn parse(&self, text: &Arc<str>) -> Result<Arc<File>, YamlError> {
        // What is kept is whole after a panic elsewhere: each change is one step.
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = kept.files.get(text) {
            return Ok(Arc::clone(file));
        }
        drop(kept);
        let file = Arc::new(File::parse_shared(Arc::clone(text))?);
        self.keep(&file);
        Ok(file)
    }

    fn keep(&self, file: &Arc<File>) {
        let length = file.text().len();
        // A long text would push out many others.
        if length > MOST_BYTES / 4 {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + length > MOST_BYTES {
            *kept = Kept::default();
        }
        let text = Arc::clone(file.shared_text());
        if kept.files.insert(text, Arc::clone(file)).is_none() {
            kept.bytes += length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept_bytes(known: &KnownTexts) -> usize {
        known.kept.read().unwrap().bytes
    }

    #[test]
    fn equal_texts_are_read_once() {
        let known = KnownTexts::default();
        let first = known.parse(&"a: 1\n".into()).unwrap();
        let again = known.parse(&"a: 1\n".into()).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let other = known.parse(&"a: 2\n".into()).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
        assert_eq!(other.text(), "a: 2\n");
        // An error is told each time.
        for _ in 0..2 {
            assert!(known.parse(&"a: [".into()).is_err());
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let known = KnownTexts::default();
        let long = "x".repeat(MOST_BYTES / 8);
        let mut most = 0;
        for number in 0..20 {
            known.parse(&format!("a{number}: {long}\n").into()).unwrap();
            most = most.max(kept_bytes(&known));
        }
        assert!((MOST_BYTES / 2..=MOST_BYTES).contains(&most), "{most}");
        let too_long = format!("a: {}\n", long.repeat(3));
        let before = kept_bytes(&known);
        known.parse(&too_long.into()).unwrap();
        assert_eq!(kept_bytes(&known), before);
    }
}
