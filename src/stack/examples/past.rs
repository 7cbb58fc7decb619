//! Words by which people say that a part of a text is about the past. They only ever make an example be left alone.

use super::name;
use crate::version::{KubernetesVersion, Minor};

/// Headings of these words, and headings that begin or end with them, stand above what was.
const HISTORY: [&str; 8] = [
    "changelog",
    "change log",
    "history",
    "release notes",
    "what's new",
    "whats new",
    "upgrade notes",
    "migration notes",
];

/// Headings that are one of these words stand above what was.
const HISTORY_ALONE: [&str; 5] = ["changes", "news", "archive", "archived", "superseded"];

/// Headings of a word of each list stand above what was: `Older releases`.
const OLD: [&str; 9] = [
    "past",
    "old",
    "older",
    "previous",
    "earlier",
    "former",
    "superseded",
    "retired",
    "unsupported",
];
const RELEASES: [&str; 4] = ["releases", "versions", "minors", "release"];

/// What people write before an example that shows an older state on purpose.
const OLDER_STATE: [&str; 20] = [
    "upgrade from",
    "upgrades from",
    "upgrading from",
    "upgraded from",
    "migrate from",
    "migrating from",
    "coming from",
    "previous",
    "earlier",
    "former",
    "formerly",
    "older",
    "old",
    "outdated",
    "deprecated",
    "no longer",
    "legacy",
    "affected",
    "must stay on",
    "stay on",
];

/// Tells whether what stands below a heading is about the past.
pub(super) fn is_history_heading(heading: &str) -> bool {
    let words = words(heading);
    let text = words.join(" ");
    let is_old = match &words[..] {
        [first, second, ..] => OLD.contains(&&**first) && RELEASES.contains(&&**second),
        _ => false,
    };
    is_old
        || HISTORY_ALONE.contains(&&*text)
        || HISTORY.iter().any(|phrase| stands_at_an_end(&text, phrase))
}

fn stands_at_an_end(text: &str, phrase: &str) -> bool {
    let at_start = text.strip_prefix(phrase);
    let at_end = text.strip_suffix(phrase);
    at_start.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        || at_end.is_some_and(|rest| rest.ends_with(' '))
}

/// Tells whether a heading is the entry of a change log: it begins with a version, a release or a day.
pub(super) fn is_entry_heading(heading: &str) -> bool {
    let linked = heading.trim().trim_start_matches('[');
    let text = linked.strip_prefix('v').unwrap_or(linked);
    let mut parts = text.split([' ', ']', ',', ':']);
    let first = parts.next().unwrap_or_default();
    if matches!(&*first.to_lowercase(), "release" | "version")
        && parts
            .next()
            .is_some_and(|part| is_number(part.trim_start_matches('v')))
    {
        return true;
    }
    is_number(text) || name::looks_like_release(first)
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Tells whether the words before an example, or the comments in it, say that it shows an older state.
pub(super) fn says_older(text: &str) -> bool {
    let words = format!(" {} ", words(text).join(" "));
    OLDER_STATE
        .iter()
        .any(|phrase| words.contains(&format!(" {phrase} ")))
}

/// Tells whether the words before an example name this value of it, or its minor.
pub(super) fn names(text: &str, value: &str, minor: Option<Minor>) -> bool {
    let words = text.split(|c| !name::is_name_char(c));
    let mut named = words
        .map(|word| word.trim_end_matches(['.', '-']))
        .filter(|word| !word.is_empty());
    named.any(|word| {
        let version = word.parse::<KubernetesVersion>();
        let of = word.parse::<Minor>().ok();
        let is_version = version.is_ok_and(|version| value.parse() == Ok(version));
        word == value || is_version || (of.is_some() && of == minor)
    })
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !c.is_alphabetic() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_the_past_are_known() {
        for heading in [
            "Changelog",
            "Change log",
            "3. CHANGELOG:",
            "Release history",
            "History of this stack",
            "Release notes for 1.34",
            "Older releases",
            "Previous versions (unsupported)",
            "Changes",
            "\u{1f4dc} What's new",
        ] {
            assert!(is_history_heading(heading), "{heading}");
        }
        for heading in [
            "Usage",
            "Releases",
            "Upgrading from older releases",
            "Change the version",
            "Newsletter",
            "Prehistory-free setup",
            "",
        ] {
            assert!(!is_history_heading(heading), "{heading}");
        }
    }

    #[test]
    fn entries_of_a_change_log_are_known() {
        for heading in [
            "v2",
            "[v2] - 2026-05-01",
            "2026-05-01",
            "1.34-v2",
            "openstack-scs-1-34-v2 (May)",
        ] {
            assert!(is_entry_heading(heading), "{heading}");
        }
        for heading in ["Usage", "versions", "Kubernetes 1.34", ""] {
            assert!(!is_entry_heading(heading), "{heading}");
        }
    }

    #[test]
    fn words_before_an_example_can_name_what_it_says() {
        let minor = "1.33".parse().ok();
        assert!(names("For clusters of 1.33:", "openstack-a-1-33-v2", minor));
        assert!(names("Uses 1.33.4.", "v1.33.4", minor));
        assert!(names("(openstack-a-1-33-v2)", "openstack-a-1-33-v2", minor));
        assert!(!names(
            "For clusters of 1.34, port 1.330:",
            "v1.33.4",
            minor
        ));
    }

    #[test]
    fn words_before_an_example_can_say_that_it_is_older() {
        for text in [
            "A cluster to upgrade from:",
            "The previous minor:",
            "# old",
            "It is no longer supported.",
        ] {
            assert!(says_older(text), "{text}");
        }
        for text in ["Hold on:", "Create a cluster:", "Bold text, threshold", ""] {
            assert!(!says_older(text), "{text}");
        }
    }
}
