//! A secret that cannot be printed. It does not know where it came from.

use std::fmt;

/// A token or key. It has no `Display` and no `Serialize`, and its `Debug` is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the secret without white space at its ends; nothing where nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Returns the secret's text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_printed() {
        let secret = Secret::new(" ghp_abc\n").unwrap();
        assert_eq!(
            (format!("{secret:?}").as_str(), secret.expose()),
            ("***", "ghp_abc")
        );
        assert_eq!(Secret::new(" \n"), None);
    }
}
