//! Names of a stack's releases as texts write them: in full, of a build, or with a variable in the place of the version.

use std::ops::Range;

use crate::version::{Minor, StackLine, StackVersion};

/// A release of a stack, as a text names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRelease {
    /// The minor in its name.
    pub minor: Minor,
    /// What is behind the minor.
    pub version: NamedVersion,
}

/// What is behind the minor in the name of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedVersion {
    /// A number: `-v3`.
    Number(u32),
    /// A build, `-v0-sha.4b2b59b`: what comes after it, nobody knows.
    Build,
    /// A variable or a gap for people, `-$VERSION` or `-v<N>`, or nothing.
    Open,
}

impl NamedRelease {
    /// Returns its number.
    pub fn number(&self) -> Option<u32> {
        match self.version {
            NamedVersion::Number(number) => Some(number),
            NamedVersion::Build | NamedVersion::Open => None,
        }
    }
}

/// Reads a text that is, as a whole, the name of a release of the stack or its stack line.
pub(super) fn read(text: &str, line: &StackLine) -> Option<NamedRelease> {
    let (minor, rest) = read_line(text, line)?;
    let version = match rest.strip_prefix('-') {
        None => rest.is_empty().then_some(NamedVersion::Open)?,
        Some(tail) if is_gap(tail) => NamedVersion::Open,
        Some(tail) => read_version(tail)?,
    };
    Some(NamedRelease { minor, version })
}

/// Finds the names of the stack's releases in a command line. A file's ending or a full stop behind one is not part of it.
pub(super) fn find(text: &str, line: &StackLine) -> Vec<(Range<usize>, NamedRelease)> {
    let prefix = prefix(line);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find(&prefix) {
        let start = at + offset;
        at = start + prefix.len();
        // The end of a longer name is no name of this stack.
        if text[..start].ends_with(is_name_char) {
            continue;
        }
        if let Some((length, release)) = read_within(&text[start..], line) {
            at = start + length;
            found.push((start..at, release));
        }
    }
    found
}

/// Tells whether a word has the form of any stack's release: `openstack-scs2-1-34-v3`.
pub(super) fn looks_like_release(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let [provider, name, major, minor, version, ..] = parts[..] else {
        return false;
    };
    provider.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.is_empty()
        && is_number(major)
        && is_number(minor)
        && version.starts_with('v')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Returns what every name of the stack begins with.
pub(super) fn prefix(line: &StackLine) -> String {
    format!("{}-{}-", line.provider, line.name)
}

pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Reads a name at the beginning of a text, and tells its length. A stack line alone is no release.
fn read_within(text: &str, line: &StackLine) -> Option<(usize, NamedRelease)> {
    let (minor, rest) = read_line(text, line)?;
    let tail = rest.strip_prefix('-')?;
    let start = text.len() - tail.len();
    if let Some(length) = gap_length(tail) {
        let version = NamedVersion::Open;
        return Some((start + length, NamedRelease { minor, version }));
    }
    let end = tail.find(|c| !is_name_char(c)).unwrap_or(tail.len());
    let mut word = tail[..end].trim_end_matches(['.', '-']);
    loop {
        if let Some(version) = read_version(word) {
            return Some((start + word.len(), NamedRelease { minor, version }));
        }
        // `.tar.gz` and the like go off one by one; what begins with a digit is part of a version.
        let (shorter, ending) = word.rsplit_once('.')?;
        if !ending.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        word = shorter;
    }
}

/// Reads provider, name and minor, and returns what is behind them.
fn read_line<'t>(text: &'t str, line: &StackLine) -> Option<(Minor, &'t str)> {
    let rest = text.strip_prefix(&prefix(line))?;
    let major_end = length_of(rest, |c| c.is_ascii_digit());
    let after = rest[major_end..].strip_prefix('-')?;
    let minor_end = length_of(after, |c| c.is_ascii_digit());
    let end = major_end + 1 + minor_end;
    Some((rest[..end].parse().ok()?, &rest[end..]))
}

fn read_version(text: &str) -> Option<NamedVersion> {
    let version: StackVersion = text.parse().ok()?;
    Some(match version.stable_number() {
        Some(number) => NamedVersion::Number(number),
        None => NamedVersion::Build,
    })
}

fn is_gap(text: &str) -> bool {
    gap_length(text) == Some(text.len())
}

/// Returns the length of what stands for a version at the beginning of a text: a variable, an action of a template, a gap such as
/// `<version>`, `vX` or `VERSION`, each with or without a `v` before it.
fn gap_length(text: &str) -> Option<usize> {
    let gap = text.strip_prefix('v').unwrap_or(text);
    let length = closed_length(gap, "${", "}")
        .or_else(|| closed_length(gap, "{{", "}}"))
        .or_else(|| closed_length(gap, "<", ">"))
        .or_else(|| variable_length(gap))
        .or_else(|| capitals_length(gap))?;
    Some(text.len() - gap.len() + length)
}

fn closed_length(text: &str, open: &str, close: &str) -> Option<usize> {
    let line = text.lines().next()?;
    let end = line.strip_prefix(open)?.find(close)?;
    Some(open.len() + end + close.len())
}

fn variable_length(text: &str) -> Option<usize> {
    let name = text.strip_prefix('$')?;
    let length = length_of(name, |c| c.is_ascii_alphanumeric() || c == '_');
    (length > 0).then_some(1 + length)
}

fn capitals_length(text: &str) -> Option<usize> {
    let length = length_of(text, |c| c.is_ascii_uppercase() || c == '_');
    let is_whole = !text[length..].starts_with(is_name_char);
    (length > 0 && is_whole).then_some(length)
}

/// Returns the length of the characters of a kind at the beginning of a text.
fn length_of(text: &str, is_part: fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> StackLine {
        "openstack-scs2-1-34".parse().unwrap()
    }

    #[test]
    fn releases_are_read_in_every_form() {
        let version = |text: &str| read(text, &line()).map(|release| release.version);
        assert_eq!(
            version("openstack-scs2-1-34-v3"),
            Some(NamedVersion::Number(3))
        );
        for build in [
            "v0-sha.abc1234",
            "v0-sha-abc1234",
            "v0-git.4b2",
            "v0-beta.1",
        ] {
            let name = format!("openstack-scs2-1-33-{build}");
            assert_eq!(version(&name), Some(NamedVersion::Build), "{name}");
        }
        for open in [
            "",
            "-$VERSION",
            "-${VERSION}",
            "-<version>",
            "-v<N>",
            "-vX",
            "-VERSION",
            "-{{ .Version }}",
            "-v$N",
        ] {
            let name = format!("openstack-scs2-1-34{open}");
            assert_eq!(version(&name), Some(NamedVersion::Open), "{name}");
        }
    }

    #[test]
    fn what_is_no_release_of_the_stack_is_not_read() {
        for name in [
            "openstack-scs-1-34-v3",
            "docker-scs2-1-34-v3",
            "openstack-scs2-1-v3",
            "openstack-scs2-1-34-cluster-class",
            "openstack-scs2-1-34-v3-test",
            "openstack-scs2-1-34-v03",
            "openstack-scs2-1-34-3",
            "openstack-scs2-1-34.1-v3",
            "openstack-scs2-$MINOR-v3",
            "my-openstack-scs2-1-34-v3",
            "openstack-scs2-1-34-$VERSION-x",
            "openstack-scs2-1-34-${VERSION",
        ] {
            assert_eq!(read(name, &line()), None, "{name}");
        }
    }

    #[test]
    fn names_end_where_the_command_goes_on() {
        let names = |text: &'static str| -> Vec<&str> {
            let found = find(text, &line()).into_iter();
            found.map(|(range, _)| &text[range]).collect()
        };
        for (text, name) in [
            (
                "helm pull oci://r/openstack-scs2-1-34-v2 --untar",
                "openstack-scs2-1-34-v2",
            ),
            (
                "tar xf openstack-scs2-1-34-v2.tar.gz",
                "openstack-scs2-1-34-v2",
            ),
            ("A=\"openstack-scs2-1-34-${V}\"", "openstack-scs2-1-34-${V}"),
            (
                "oras pull r:openstack-scs2-1-34-v0-sha-abc.",
                "openstack-scs2-1-34-v0-sha-abc",
            ),
            (
                "ls openstack-scs2-1-34-v2/metadata.yaml",
                "openstack-scs2-1-34-v2",
            ),
        ] {
            assert_eq!(names(text), [name], "{text}");
        }
        for text in [
            "make openstack-scs2-1-34",
            "helm template openstack-scs2-1-34-cluster-class-v2.tgz",
            "ls my.openstack-scs2-1-34-v2",
            "ls openstack-scs2-1-34-v2.1",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn releases_of_any_stack_are_known_by_their_form() {
        assert!(looks_like_release("openstack-scs-1-34-v3"));
        assert!(looks_like_release("a_b-c.d-1-34-v0-sha.x"));
        assert!(!looks_like_release("2026-05-12-1-v1"));
        assert!(!looks_like_release("openstack-scs2-1-34-cluster-class"));
    }
}
