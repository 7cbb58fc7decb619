//! The block of a release in a changelog that people write too. A block is the program's own by its marker, which has the checksum of
//! what was written: a block that somebody has changed since is never written over.

use crate::version::{ReleaseTag, Sha256};

/// What the line before a block begins with; the tag and the checksum follow.
const BEGIN: &str = "<!-- csctl-matrix release ";

/// What the line behind a block begins with; the tag follows.
const END: &str = "<!-- /csctl-matrix release ";

const CLOSE: &str = " -->";

/// The beginning of a changelog that is not there yet.
const TITLE: &str = "# Changelog\n";

/// The block of a release.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    /// The release.
    pub(crate) tag: &'a ReleaseTag,
    /// Its text, which ends with a line break.
    pub(crate) text: &'a str,
}

/// A changelog that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangelogError {
    /// Somebody has changed the block.
    #[error("line {line}: the block of {tag} was changed by somebody")]
    Changed { tag: String, line: usize },
    /// A marker is there twice, or without the other one.
    #[error("line {line}: the markers of {tag} do not enclose one block")]
    Torn { tag: String, line: usize },
    /// Somebody has written about the release.
    #[error("line {line}: a heading of {tag} is there, and csctl-matrix did not write it")]
    Foreign { tag: String, line: usize },
}

impl ChangelogError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Changed { .. } => {
                "remove the block with its two markers to have it written anew, or remove the markers alone to keep it"
            }
            Self::Torn { .. } => "remove what is left of the block, with its markers",
            Self::Foreign { .. } => {
                "remove it to have it written, or leave the changelog to people: without --changelog the notes are printed alone"
            }
        }
    }
}

/// A line of a changelog.
struct Line<'t> {
    start: usize,
    /// Without its line break.
    text: &'t str,
    /// Whether it stands in a block of code.
    is_code: bool,
}

/// Returns a changelog with the block of a release: in its place, else above the newest release. Everything else stays as it is.
///
/// # Errors
/// What stands there is not what the program has written.
pub(crate) fn with_block(text: &str, block: Block<'_>) -> Result<String, ChangelogError> {
    let lines = lines(text);
    let tag = block.tag.to_string();
    let written = written(block, if text.contains("\r\n") { "\r\n" } else { "\n" });
    let (begin, end) = (format!("{BEGIN}{tag} "), format!("{END}{tag}{CLOSE}"));
    let begins = places(&lines, |line| line.starts_with(&begin));
    let ends = places(&lines, |line| line == end);
    match (&begins[..], &ends[..]) {
        ([], []) => {
            if let Some(place) = lines.iter().position(|line| is_heading_of(line, &tag)) {
                return Err(ChangelogError::Foreign {
                    tag,
                    line: place + 1,
                });
            }
            Ok(inserted(text, &lines, &written))
        }
        ([first], [last]) if first < last => {
            let own = lines[*first + 1].start..lines[*last].start;
            if !is_own(lines[*first].text, &text[own]) {
                return Err(ChangelogError::Changed {
                    tag,
                    line: first + 1,
                });
            }
            let after = lines.get(last + 1).map_or(text.len(), |line| line.start);
            let before = &text[..lines[*first].start];
            Ok(format!("{before}{written}{}", &text[after..]))
        }
        (found, others) => {
            let first = found.iter().chain(others).min().copied().unwrap_or(0);
            Err(ChangelogError::Torn {
                tag,
                line: first + 1,
            })
        }
    }
}

/// Returns which lines are meant, outside of code.
fn places(lines: &[Line<'_>], is_meant: impl Fn(&str) -> bool) -> Vec<usize> {
    let meant = lines.iter().enumerate();
    let meant = meant.filter(|(_, line)| !line.is_code && is_meant(line.text));
    meant.map(|(place, _)| place).collect()
}

/// Returns a block with its markers.
fn written(block: Block<'_>, line_break: &str) -> String {
    let Block { tag, text } = block;
    let sum = Sha256::of(text.as_bytes());
    let whole = format!("{BEGIN}{tag} sha256:{sum}{CLOSE}\n{text}{END}{tag}{CLOSE}\n");
    if line_break == "\n" {
        whole
    } else {
        whole.replace('\n', line_break)
    }
}

/// Tells whether a block is what the program has written, by the checksum in its marker.
fn is_own(marker: &str, text: &str) -> bool {
    let sum = Sha256::of(text.replace("\r\n", "\n").as_bytes());
    marker.ends_with(&format!(" sha256:{sum}{CLOSE}"))
}

/// Adds a block above the newest release, below what is not released yet.
fn inserted(text: &str, lines: &[Line<'_>], written: &str) -> String {
    if text.trim().is_empty() {
        return format!("{TITLE}\n{written}");
    }
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let newest = lines.iter().find(|line| {
        let is_release = line.text.starts_with("## ") && !is_unreleased(line.text);
        !line.is_code && (is_release || line.text.starts_with(BEGIN))
    });
    if let Some(line) = newest {
        let (before, after) = text.split_at(line.start);
        return format!("{before}{written}{line_break}{after}");
    }
    let open = if text.ends_with('\n') { "" } else { line_break };
    format!("{text}{open}{line_break}{written}")
}

fn is_unreleased(heading: &str) -> bool {
    let title = heading.trim_start_matches('#').trim();
    title
        .trim_matches(['[', ']'])
        .eq_ignore_ascii_case("unreleased")
}

/// Tells whether a line is the heading of a release: `## TAG`, `## [TAG] - 2026-05-01`.
fn is_heading_of(line: &Line<'_>, tag: &str) -> bool {
    let Some(title) = line.text.strip_prefix("## ").filter(|_| !line.is_code) else {
        return false;
    };
    let name = title.split_whitespace().next().unwrap_or_default();
    name.trim_matches(['[', ']']) == tag
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut is_code = false;
    let mut lines = Vec::new();
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let is_fence = line.trim_start().starts_with("```");
        lines.push(Line {
            start,
            text: line,
            is_code: is_code || is_fence,
        });
        is_code ^= is_fence;
        start += whole.len();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "# Changelog\n\n## [Unreleased]\n\n- x\n\n## [1.0.0] - 2026-01-01\n\n- y\n";

    fn tag(version: u32) -> ReleaseTag {
        format!("openstack-scs2-1-34-v{version}").parse().unwrap()
    }

    fn add(text: &str, version: u32, block: &str) -> Result<String, ChangelogError> {
        let tag = tag(version);
        with_block(
            text,
            Block {
                tag: &tag,
                text: block,
            },
        )
    }

    #[test]
    fn a_block_is_written_once_and_its_surroundings_stay() {
        let once = add(OLD, 4, "## openstack-scs2-1-34-v4\n\n- a\n").unwrap();
        let place = once.find(BEGIN).unwrap();
        assert_eq!(&once[..place], "# Changelog\n\n## [Unreleased]\n\n- x\n\n");
        assert!(
            once.ends_with("-->\n\n## [1.0.0] - 2026-01-01\n\n- y\n"),
            "{once}"
        );
        let again = add(&once, 4, "## openstack-scs2-1-34-v4\n\n- a\n").unwrap();
        assert_eq!(again, once);
        let other = add(&once, 4, "## openstack-scs2-1-34-v4\n\n- b\n").unwrap();
        let expected = add(OLD, 4, "## openstack-scs2-1-34-v4\n\n- b\n").unwrap();
        assert_eq!(other, expected);
        // The next release stands above it.
        let next = add(&once, 5, "## five\n").unwrap();
        assert!(next.find("five").unwrap() < place + 200 && next.contains("- a\n"));
        assert!(next.ends_with(&once[place..]), "{next}");
    }

    #[test]
    fn a_new_changelog_and_one_without_releases_get_a_block() {
        let new = add("", 1, "## a\n").unwrap();
        assert!(
            new.starts_with("# Changelog\n\n<!-- csctl-matrix release "),
            "{new}"
        );
        let open = "# Changelog\n\n## Unreleased\n\n```\n## no heading\n```";
        let added = add(open, 1, "## a\n").unwrap();
        assert!(added.starts_with(&format!("{open}\n\n{BEGIN}")), "{added}");
        assert_eq!(add(&added, 1, "## a\n").unwrap(), added);
    }

    #[test]
    fn line_breaks_of_the_file_are_kept() {
        let old = OLD.replace('\n', "\r\n");
        let once = add(&old, 4, "## a\n\n- b\n").unwrap();
        assert_eq!(once.matches('\n').count(), once.matches("\r\n").count());
        assert_eq!(add(&once, 4, "## a\n\n- b\n").unwrap(), once);
    }

    #[test]
    fn what_people_wrote_is_never_written_over() {
        let once = add(OLD, 4, "## a\n\n- b\n").unwrap();
        let edited = once.replace("- b\n", "- b, and more\n");
        let error = add(&edited, 4, "## a\n\n- c\n").unwrap_err();
        assert!(
            matches!(error, ChangelogError::Changed { line: 7, .. }),
            "{error}"
        );
        let by_hand = OLD.replace("[1.0.0]", "[openstack-scs2-1-34-v4]");
        let error = add(&by_hand, 4, "## a\n").unwrap_err();
        assert!(
            matches!(error, ChangelogError::Foreign { line: 7, .. }),
            "{error}"
        );
        let cut = once.replace("<!-- /csctl-matrix", "<!-- csctl");
        let error = add(&cut, 4, "## a\n").unwrap_err();
        assert!(matches!(error, ChangelogError::Torn { .. }), "{error}");
        let twice = format!("{once}{once}");
        let error = add(&twice, 4, "## a\n").unwrap_err();
        assert!(matches!(error, ChangelogError::Torn { .. }), "{error}");
        // Another line's release begins with the same words.
        assert!(add(&by_hand, 40, "## a\n").is_ok());
    }
}
