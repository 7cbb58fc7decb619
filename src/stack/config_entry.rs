//! What is wrong with an entry of a list in the configuration, said at its line.

use super::facts::Fault;
use crate::config::CONFIG_FILE;
use crate::yaml::{File, Path};

pub(super) struct EntryError {
    /// The key of the entry that it is said of.
    key: &'static str,
    message: String,
    hint: &'static str,
}

impl EntryError {
    pub(super) fn new(key: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            key,
            message: message.into(),
            hint,
        }
    }

    /// Returns the fault of the configuration file; `text` is its text.
    pub(super) fn into_fault(self, list: &str, index: usize, text: &str) -> Fault {
        let line = line_of(text, list, index, self.key);
        let message = format!("{list}[{index}].{}: {}", self.key, self.message);
        Fault::new(CONFIG_FILE, line, message, self.hint)
    }
}

/// Returns the line of a key of an entry; that of the entry where the key is missing.
fn line_of(text: &str, list: &str, index: usize, key: &str) -> Option<usize> {
    let file = File::parse(text).ok()?;
    let at = Path::root().key(list).index(index);
    let entry = file.documents().first()?.at(&at)?;
    Some(entry.get(key).unwrap_or(entry).line())
}
