//! The Kubernetes version in the name of an image, and whether a text is a name or a place.

use super::ImagePart;
use crate::catalog::ImagePattern;
use crate::version::KubernetesVersion;

/// Returns what a text says of its image: where it is, or its name alone.
pub(crate) fn part_of(text: &str) -> ImagePart {
    let last = text.rsplit('/').next().unwrap_or_default();
    // A tag stands behind the last slash: a colon before it is that of a registry's port.
    if text.contains("://") || (text.contains('/') && last.contains(':')) {
        ImagePart::Url
    } else {
        ImagePart::Name
    }
}

/// Finds the Kubernetes version that a name or URL of an image carries; `1-34-6` is one too, where names have no dots.
pub(crate) fn version_of(text: &str) -> Option<KubernetesVersion> {
    let read = ImagePattern::read_url(text).ok().map(|read| read.version);
    read.or_else(|| find_dashed(text))
}

/// Tells whether a word begins a version by its `v`, or by the word before it.
fn is_marked(word: &str, before: Option<&&str>) -> bool {
    let names_kubernetes = before.is_some_and(|before| {
        let before = before.to_ascii_lowercase();
        ["kube", "k8s", "kubernetes"].contains(&before.as_str())
    });
    word.starts_with('v') || names_kubernetes
}

/// Finds a version with dashes behind `kube-`, `k8s-` or a `v`.
pub(super) fn find_dashed(text: &str) -> Option<KubernetesVersion> {
    let file = text.rsplit('/').next().unwrap_or_default();
    let words: Vec<&str> = file.split('-').collect();
    (0..words.len().saturating_sub(2)).find_map(|at| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let [major, minor, patch] = words[at..at + 3] else {
            return None;
        };
        let plain = format!("{}.{minor}.{patch}", major.trim_start_matches('v'));
        let version: KubernetesVersion = plain.parse().ok()?;
        // Three numbers with dashes may be a day or a build: without a mark they are no version.
        (is_marked(major, before) && version.minor().major() == 1).then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_dashes_are_versions_too() {
        for (text, version) in [
            ("ubuntu-2404-kube-v1-34-6", Some("v1.34.6")),
            ("capi-ubuntu-kube-1-34-6-arm", Some("v1.34.6")),
            ("ubuntu-2404-kube-v1.34.6", Some("v1.34.6")),
            ("report-2026-05-12", None),
            ("build-1-2-3", None),
        ] {
            let found = version_of(text).map(|version| version.to_string());
            assert_eq!(found.as_deref(), version, "{text}");
        }
    }
}
