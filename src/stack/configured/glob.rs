//! Globs over paths: `*` and `?` within one name, `**` for any number of directories. It looks at no file.

/// A glob such as `providers/**/examples/*.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    /// Returns the glob with this text.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether it names one file.
    pub(crate) fn is_plain(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Tells whether it takes a path.
    pub(crate) fn takes(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let names: Vec<&str> = path.split('/').collect();
        takes_names(&pattern, &names)
    }
}

fn takes_names(pattern: &[&str], names: &[&str]) -> bool {
    match (pattern, names) {
        ([], []) => true,
        (["**", rest @ ..], _) => {
            takes_names(rest, names) || (!names.is_empty() && takes_names(pattern, &names[1..]))
        }
        ([first, rest @ ..], [name, below @ ..]) => {
            takes_name(first.as_bytes(), name.as_bytes()) && takes_names(rest, below)
        }
        ([], _) | (_, []) => false,
    }
}

fn takes_name(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            takes_name(rest, name) || (!name.is_empty() && takes_name(pattern, &name[1..]))
        }
        ([b'?', rest @ ..], [_, below @ ..]) => takes_name(rest, below),
        ([letter, rest @ ..], [found, below @ ..]) => letter == found && takes_name(rest, below),
        ([], _) | (_, []) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_in_a_name_and_double_stars_do_not() {
        for (glob, path, takes) in [
            ("docs/a.md", "docs/a.md", true),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/b/a.md", false),
            ("*.md", "docs/a.md", false),
            ("**/*.md", "docs/b/a.md", true),
            ("**/*.md", "a.md", true),
            ("docs/**", "docs/b/a.md", true),
            ("p/*/examples/?.yaml", "p/1-34/examples/a.yaml", true),
            ("p/*/examples/?.yaml", "p/1-34/examples/ab.yaml", false),
        ] {
            assert_eq!(Glob::new(glob).takes(path), takes, "{glob} {path}");
        }
        assert!(Glob::new("docs/a.md").is_plain() && !Glob::new("docs/?.md").is_plain());
    }
}
