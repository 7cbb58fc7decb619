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

/// A text that is no mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a mirror; write FROM=TO with two URLs, as https://store.example/=http://mirror.local/store/"
)]
pub struct MirrorError {
    /// The text as found.
    pub text: String,
}

impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let error = || MirrorError {
            text: text.to_owned(),
        };
        let (from, to) = text.split_once('=').ok_or_else(error)?;
        for url in [from, to] {
            let parsed = url::Url::parse(url).map_err(|_| error())?;
            if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
                return Err(error());
            }
        }
        Ok(Self {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }
}

/// Returns the URL to ask: the mirror with the longest prefix takes its part. A prefix ends where a path segment ends.
pub(super) fn rewrite(mirrors: &[Mirror], url: &str) -> String {
    let matching = mirrors.iter().filter_map(|mirror| {
        let from = mirror.from.trim_end_matches('/');
        let rest = url.strip_prefix(from)?;
        let whole = rest.is_empty() || rest.starts_with(['/', '?']);
        whole.then_some((from.len(), mirror, rest))
    });
    match matching.max_by_key(|(length, ..)| *length) {
        Some((_, mirror, rest)) => format!("{}{rest}", mirror.to.trim_end_matches('/')),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_whole_prefix_wins() {
        let mirrors = [
            "https://store.example/=http://a.local/x/",
            "https://store.example/images=http://b.local",
        ]
        .map(|text| text.parse::<Mirror>().unwrap());
        let asked = |url: &str| rewrite(&mirrors, url);
        assert_eq!(asked("https://store.example/f"), "http://a.local/x/f");
        assert_eq!(asked("https://store.example/images/f"), "http://b.local/f");
        assert_eq!(
            asked("https://store.example/images2/f"),
            "http://a.local/x/images2/f"
        );
        assert_eq!(
            asked("https://store.example.evil/f"),
            "https://store.example.evil/f"
        );
        assert_eq!(asked("https://store.example?a=b"), "http://a.local/x?a=b");
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
