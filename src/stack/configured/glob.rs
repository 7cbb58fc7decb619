//! Globs over paths: `*` and `?` within one name, `**` for any number of directories. It looks at no file.

use globset::{GlobBuilder, GlobMatcher};

/// A glob such as `providers/**/examples/*.yaml`.
#[derive(Debug, Clone)]
pub(crate) struct Glob(GlobMatcher);

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl Eq for Glob {}

impl Glob {
    /// Reads a glob; the error says what is wrong in it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        let glob = glob.map_err(|error| format!("invalid glob `{text}`: {}", error.kind()))?;
        Ok(Self(glob.compile_matcher()))
    }

    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.glob().glob()
    }

    /// Tells whether it names one file.
    pub(crate) fn is_plain(&self) -> bool {
        !self.as_str().contains(['*', '?', '[', '{', '\\'])
    }

    /// Tells whether it takes a path.
    pub(crate) fn takes(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::read(text).unwrap()
    }

    #[test]
    fn stars_stay_in_a_name_and_double_stars_do_not() {
        for (text, path, takes) in [
            ("docs/a.md", "docs/a.md", true),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/b/a.md", false),
            ("*.md", "docs/a.md", false),
            ("**/*.md", "docs/b/a.md", true),
            ("**/*.md", "a.md", true),
            ("docs/**", "docs/b/a.md", true),
            ("p/*/examples/?.yaml", "p/1-34/examples/a.yaml", true),
            ("p/*/examples/?.yaml", "p/1-34/examples/ab.yaml", false),
            ("p/{a,b}.yaml", "p/b.yaml", true),
        ] {
            assert_eq!(glob(text).takes(path), takes, "{text} {path}");
        }
        assert!(glob("docs/a.md").is_plain() && !glob("docs/?.md").is_plain());
        let wrong = Glob::read("docs/[a").unwrap_err();
        assert!(wrong.starts_with("invalid glob `docs/[a`: "), "{wrong}");
    }
}
