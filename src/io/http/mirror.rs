//! Mirrors: URL prefixes that are answered elsewhere. It sends nothing.

use std::str::FromStr;

/// URLs that begin with `from` are asked at `to` instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The prefix as the repository has it.
    pub from: String,
    /// What takes its place.
    pub to: String,
}

/// A text that is not a mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected FROM=TO with two URLs, such as https://store.example/=http://mirror.local/store/"
)]
pub struct MirrorError;

impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let (from, to) = text.split_once('=').ok_or(MirrorError)?;
        for url in [from, to] {
            let parsed = url::Url::parse(url).map_err(|_| MirrorError)?;
            if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
                return Err(MirrorError);
            }
        }
        Ok(Self {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }
}

/// All mirrors of a run, by who named them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors {
    /// Those of the command line. They hold for every request.
    pub asked: Vec<Mirror>,
    /// Those of a repository's configuration, which anybody may have written: they hold for requests without a secret.
    pub of_files: Vec<Mirror>,
}

/// The URL that is asked in place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirrored {
    pub(super) url: String,
    pub(super) by: MirroredBy,
}

/// Whose mirror took a URL's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MirroredBy {
    /// Nobody's: it is asked at its own place.
    Nobody,
    /// One of the command line.
    CommandLine,
    /// One of a repository's configuration.
    File,
}

/// A mirror that a URL begins with.
struct Match<'m> {
    length: usize,
    /// What follows the prefix.
    rest: String,
    by: MirroredBy,
    mirror: &'m Mirror,
}

impl FromIterator<Mirror> for Mirrors {
    /// Takes them for mirrors of the command line.
    fn from_iter<I: IntoIterator<Item = Mirror>>(mirrors: I) -> Self {
        Self {
            asked: mirrors.into_iter().collect(),
            of_files: Vec::new(),
        }
    }
}

impl Mirrors {
    /// Returns the URL to ask without a secret: the mirror with the longest prefix takes its part, of two alike that of the
    /// command line. A prefix ends where a path segment ends.
    pub(super) fn rewrite(&self, url: &str) -> Mirrored {
        let of_files = find_longest(&self.of_files, url, MirroredBy::File);
        let asked = find_longest(&self.asked, url, MirroredBy::CommandLine);
        let longest = match (asked, of_files) {
            (Some(asked), Some(of_files)) if of_files.length > asked.length => Some(of_files),
            (asked, of_files) => asked.or(of_files),
        };
        mirrored(longest, url)
    }

    /// Returns the URL to ask with a secret.
    pub(super) fn rewrite_with_secret(&self, url: &str) -> Mirrored {
        mirrored(find_longest(&self.asked, url, MirroredBy::CommandLine), url)
    }

    /// Tells whether a mirror of the command line leads to this place: somebody on this machine says that it may be asked.
    pub(super) fn names_target(&self, url: &url::Url) -> bool {
        let mut targets = self.asked.iter().map(|mirror| url::Url::parse(&mirror.to));
        targets.any(|target| target.is_ok_and(|target| target.origin() == url.origin()))
    }
}

fn mirrored(found: Option<Match<'_>>, url: &str) -> Mirrored {
    let asked = Mirrored {
        url: url.to_owned(),
        by: MirroredBy::Nobody,
    };
    found.map_or(asked, |found| Mirrored {
        url: format!("{}{}", found.mirror.to.trim_end_matches('/'), found.rest),
        by: found.by,
    })
}

fn find_longest<'m>(mirrors: &'m [Mirror], url: &str, by: MirroredBy) -> Option<Match<'m>> {
    let matching = mirrors.iter().filter_map(|mirror| {
        let from = mirror.from.trim_end_matches('/');
        let rest = url.strip_prefix(from)?;
        let is_whole = rest.is_empty() || rest.starts_with(['/', '?']);
        is_whole.then(|| Match {
            length: from.len(),
            rest: rest.to_owned(),
            by,
            mirror,
        })
    });
    matching.max_by_key(|found| found.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(text: &str) -> Mirror {
        text.parse().unwrap()
    }

    #[test]
    fn the_longest_whole_prefix_wins() {
        let mirrors = Mirrors::from_iter([
            mirror("https://store.example/=http://a.local/x/"),
            mirror("https://store.example/images=http://b.local"),
        ]);
        for (url, asked) in [
            ("https://store.example/f", "http://a.local/x/f"),
            ("https://store.example/images/f", "http://b.local/f"),
            (
                "https://store.example/images2/f",
                "http://a.local/x/images2/f",
            ),
            (
                "https://store.example.evil/f",
                "https://store.example.evil/f",
            ),
            ("https://store.example?a=b", "http://a.local/x?a=b"),
        ] {
            assert_eq!(mirrors.rewrite(url).url, asked);
        }
    }

    #[test]
    fn a_secret_follows_the_command_line_alone() {
        let mirrors = Mirrors {
            asked: vec![mirror("https://api.example/=https://proxy.local/api/")],
            of_files: vec![
                mirror("https://api.example/=https://evil.example/"),
                mirror("https://api.example/repos=https://evil.example/"),
                mirror("https://git.example/=https://evil.example/"),
            ],
        };
        for (url, asked) in [
            (
                "https://api.example/repos/a",
                "https://proxy.local/api/repos/a",
            ),
            ("https://git.example/a.git", "https://git.example/a.git"),
        ] {
            assert_eq!(mirrors.rewrite_with_secret(url).url, asked);
        }
        // Without a secret the longer prefix wins, and of two alike that of the command line.
        for (url, by) in [
            ("https://api.example/x", MirroredBy::CommandLine),
            ("https://api.example/repos/a", MirroredBy::File),
            ("https://other.example/", MirroredBy::Nobody),
        ] {
            assert_eq!(mirrors.rewrite(url).by, by);
        }
    }

    #[test]
    fn only_two_urls_are_a_mirror() {
        for text in [
            "",
            "https://a/",
            "https://a/=b",
            "a=https://b/",
            "ftp://a/=http://b/",
        ] {
            assert!(text.parse::<Mirror>().is_err(), "{text}");
        }
    }
}
