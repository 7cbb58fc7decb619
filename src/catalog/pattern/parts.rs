//! Takes an image's URL apart: which digits are its version, its minor, its operating system and its day.

use std::ops::Range;
use std::str::FromStr;

use super::{Found, NameDate, PatternError, find_date};
use crate::version::{KubernetesVersion, Minor, OsRelease};

/// What an image's URL is made of, and where in it.
pub(super) struct Parts {
    pub(super) version: Found<KubernetesVersion>,
    /// Where directories name the same version in full.
    pub(super) version_in_directories: Vec<Range<usize>>,
    pub(super) os: Option<Found<OsRelease>>,
    pub(super) os_in_directory: Option<Range<usize>>,
    /// The minor of the last directory.
    pub(super) minor: Option<Found<Minor>>,
    /// The day behind the version.
    pub(super) date: Option<Found<NameDate>>,
}

impl Parts {
    pub(super) fn of(url: &str) -> Result<Self, PatternError> {
        let file = url.rfind('/').map_or(0, |slash| slash + 1);
        let version = find_version(url, file)?;
        let os = find_os(url, file..version.place.start);
        let directory_end = file.saturating_sub(1);
        let directory = url[..directory_end].rfind('/').map_or(0, |slash| slash + 1)..directory_end;
        let os_in_directory = os.as_ref().and_then(|os| {
            let token = &url[os.place.clone()];
            let start = directory.start + url[directory.clone()].find(token)?;
            Some(start..start + token.len())
        });
        // The digits of an operating-system release are no minor.
        let minor = match &os_in_directory {
            Some(token) => find_last(url, token.end..directory.end)
                .or_else(|| find_last(url, directory.start..token.start)),
            None => find_last(url, directory),
        };
        Ok(Self {
            date: find_date(url, version.place.end..url.len()),
            version_in_directories: find_all(url, 0..file, &version.value.plain()),
            version,
            os,
            os_in_directory,
            minor,
        })
    }
}

/// Finds the Kubernetes version of a name that may carry others too, as `flatcar-4459.2.1-kube-1.34.6-tooling-1.26.2` does:
/// the one behind `kube-` or the like, else the one with a `v`, else the only one of Kubernetes' major, else the only one.
fn find_version(url: &str, file: usize) -> Result<Found<KubernetesVersion>, PatternError> {
    let mut found: Vec<(Mark, Found<KubernetesVersion>)> = Vec::new();
    let mut end = url.len();
    while let Some(version) = find_last(url, file..end) {
        end = version.place.start;
        found.push((Mark::of(&url[file..end], version.value), version));
    }
    let Some(best) = found.iter().map(|(mark, _)| *mark).min() else {
        let url = url.to_owned();
        return Err(PatternError::NoVersion { url });
    };
    found.retain(|(mark, _)| *mark == best);
    let (_, chosen) = found.swap_remove(0);
    // The same version twice is one version.
    if found.iter().any(|(_, other)| other.value != chosen.value) {
        let url = url.to_owned();
        return Err(PatternError::SeveralVersions { url });
    }
    Ok(chosen)
}

/// What stands before a version and says whose it is, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    /// `kube-`, `kube-v`, `k8s_v`, `kubernetes-`.
    Kubernetes,
    /// A `v`, as in `v1.34.7`.
    Version,
    /// Nothing but the major number that Kubernetes has.
    Major,
    /// Nothing.
    None,
}

impl Mark {
    fn of(before: &str, version: KubernetesVersion) -> Self {
        let without_v = before.strip_suffix(['v', 'V']);
        let named = without_v
            .unwrap_or(before)
            .trim_end_matches(['-', '_', '.']);
        if ["kube", "k8s", "kubernetes"]
            .iter()
            .any(|name| ends_with_word(named, name))
        {
            Self::Kubernetes
        } else if without_v.is_some_and(ends_no_word) {
            Self::Version
        } else if version.minor().major() == 1 {
            Self::Major
        } else {
            Self::None
        }
    }
}

/// Tells whether a text ends with a word, in any case.
fn ends_with_word(text: &str, word: &str) -> bool {
    let start = text.len().checked_sub(word.len());
    let end = start.and_then(|start| text.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
}

fn ends_no_word(text: &str) -> bool {
    !text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Finds every place of a text that neither digits nor dots extend.
fn find_all(text: &str, within: Range<usize>, wanted: &str) -> Vec<Range<usize>> {
    let found = text[within.clone()].match_indices(wanted);
    let places = found.map(|(at, _)| within.start + at..within.start + at + wanted.len());
    places
        .filter(|place| {
            !text[..place.start].ends_with(is_numeric) && !text[place.end..].starts_with(is_numeric)
        })
        .collect()
}

fn is_numeric(char: char) -> bool {
    char.is_ascii_digit() || char == '.'
}

/// Finds the last run of digits and dots that reads as a value: its place and the value.
fn find_last<T: FromStr>(text: &str, within: Range<usize>) -> Option<Found<T>> {
    let mut end = within.end;
    while let Some(last) = text[within.start..end].rfind(|c: char| c.is_ascii_digit()) {
        let last = within.start + last + 1;
        let run = text[within.start..last].trim_end_matches(is_numeric).len() + within.start;
        let start = last - text[run..last].trim_start_matches('.').len();
        if let Ok(value) = text[start..last].parse() {
            let place = start..last;
            return Some(Found { place, value });
        }
        end = run;
    }
    None
}

/// Finds the operating-system release in what stands before the version: `ubuntu-2404-kube-v` gives `ubuntu-2404`.
fn find_os(url: &str, before_version: Range<usize>) -> Option<Found<OsRelease>> {
    let start = before_version.start;
    let (token, _) = url[before_version].split_once("-kube-")?;
    Some(Found {
        place: start..start + token.len(),
        value: token.parse().ok()?,
    })
}
