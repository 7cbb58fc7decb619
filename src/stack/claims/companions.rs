//! What keys and texts of free values say of an image and of each other: which values of a map are about one image, and what
//! each says of it.

use std::collections::HashMap;

use crate::catalog::{ImagePattern, ImageTraits};
use crate::stack::group::{self, Algorithm, ImagePart, Member, Stuck};
use crate::stack::series::{SeriesMatch, SeriesSet};
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path};

/// A scalar of a map.
pub(super) struct MapScalar<'n> {
    pub(super) key: &'n str,
    pub(super) node: &'n Node,
    pub(super) text: &'n str,
    /// What of its key says which image it is about.
    pub(super) stem: String,
}

/// The scalars of a map that say something, and the maps in it, found by what their keys say: a map may have thousands.
pub(super) struct MapScalars<'n> {
    all: Vec<MapScalar<'n>>,
    /// The places of the scalars by their stems, those of one stem in the order of the map.
    by_stem: Vec<usize>,
    maps: HashMap<String, Vec<(&'n str, &'n Node)>>,
}

impl<'n> MapScalars<'n> {
    pub(super) fn of(map: &'n Node) -> Self {
        let mut all = Vec::new();
        let mut maps: HashMap<String, Vec<(&str, &Node)>> = HashMap::new();
        for (key, _, node) in map.own_entries() {
            if node.is_map() {
                maps.entry(stem(key)).or_default().push((key, node));
            } else if let Some(text) = node.as_str().filter(|text| !text.is_empty()) {
                all.push(MapScalar {
                    key,
                    node,
                    text,
                    stem: stem(key),
                });
            }
        }
        let mut by_stem: Vec<usize> = (0..all.len()).collect();
        by_stem.sort_by_key(|place| &all[*place].stem);
        Self { all, by_stem, maps }
    }

    /// Returns all scalars in the order of the map.
    pub(super) fn all(&self) -> &[MapScalar<'n>] {
        &self.all
    }

    /// Returns those about one image, in the order of the map.
    pub(super) fn of_stem(&self, stem: &str) -> impl Iterator<Item = &MapScalar<'n>> {
        let places = &self.by_stem;
        let start = places.partition_point(|place| self.all[*place].stem.as_str() < stem);
        let rest = &places[start..];
        let length = rest.partition_point(|place| self.all[*place].stem == stem);
        rest[..length].iter().map(|place| &self.all[*place])
    }

    /// Finds the first of those about one image whose key ends with one of these words.
    fn find_ending(&self, stem: &str, words: &[&str]) -> Option<&MapScalar<'n>> {
        self.of_stem(stem).find(|other| {
            let key = other.key.to_ascii_lowercase();
            words.iter().any(|word| key.ends_with(word))
        })
    }

    /// Returns the scalar of a key.
    pub(super) fn find(&self, key: &str) -> Option<&MapScalar<'n>> {
        self.of_stem(&stem(key)).find(|scalar| scalar.key == key)
    }
}

/// Tells whether a key is a Kubernetes version in full.
pub(super) fn is_version(key: &str) -> bool {
    key.parse::<KubernetesVersion>().is_ok()
}

/// Where the class charts of the SCS cluster stacks keep the names of their images: `images.controlPlane.name`, and the same for
/// workers and for items of a list there.
pub(super) fn is_by_schema(path: &Path) -> bool {
    let text = path.to_string();
    let Some(rest) = text.strip_prefix("images.") else {
        return false;
    };
    let role = rest
        .strip_prefix("controlPlane")
        .or(rest.strip_prefix("worker"));
    let Some(place) = role.and_then(|rest| rest.strip_suffix(".name")) else {
        return false;
    };
    let index = place
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    place.is_empty() || index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Tells what a value says of the image that another value of its map names; nothing where it says nothing of it.
pub(super) fn companion_part(
    leader: &MapScalar<'_>,
    companion: &MapScalar<'_>,
    version: KubernetesVersion,
) -> Option<ImagePart> {
    if companion.stem != leader.stem {
        return None;
    }
    let key = companion.key.to_ascii_lowercase();
    let text = companion.text;
    let is_sum_key = ["sha", "md5", "sum", "hash", "digest"]
        .iter()
        .any(|word| key.contains(word));
    if let Some(algorithm) = Algorithm::of_sum(text).filter(|_| is_sum_key) {
        // A file behind a URL has a checksum, whatever its key is called: digests are of container images.
        let is_digest = key.contains("digest") && !leader.text.contains("://");
        return Some(if is_digest {
            ImagePart::Digest
        } else {
            ImagePart::Sum(algorithm)
        });
    }
    if text.parse() == Ok(version) {
        return Some(ImagePart::Version);
    }
    let os = ImageTraits::of(leader.text).os;
    if key.contains("os") && os.is_some_and(|os| os.dotted_version() == text) {
        return Some(ImagePart::OsVersion);
    }
    if version_in(text) != Some(version) {
        return None;
    }
    Some(
        if is_located(leader.text) && text.starts_with(leader.text) {
            ImagePart::SumUrl
        } else if is_located(text) {
            if text == leader.text {
                ImagePart::Url
            } else {
                ImagePart::Stuck(Stuck::Beside)
            }
        } else {
            ImagePart::Name
        },
    )
}

/// Finds the checksum in a map beside an image: `hash: {algorithm: sha256, value: ...}`.
pub(super) fn hash_member(
    path: &Path,
    all: &MapScalars<'_>,
    leader: &MapScalar<'_>,
) -> Option<Member> {
    let mut maps = all.maps.get(&leader.stem)?.iter();
    maps.find_map(|(key, node)| {
        let texts: Vec<(&str, &str)> = node
            .own_entries()
            .filter_map(|(name, _, value)| Some((name, value.as_str()?)))
            .collect();
        let (place, by_look) = texts.iter().find_map(|(name, text)| {
            let by_look = Algorithm::of_sum(text);
            let is_value = *name == "value" || by_look.is_some();
            is_value.then_some((*name, by_look))
        })?;
        let named = texts.iter().find_map(|(_, text)| Algorithm::of_name(text));
        Some(Member {
            path: path.clone().key(*key).key(place),
            part: ImagePart::Sum(named.or(by_look)?),
        })
    })
}

/// Returns the name of a container image whose tag this is and whose repository stands beside it, where it is one of the stack.
pub(super) fn tagged_name(
    tag: &MapScalar<'_>,
    all: &MapScalars<'_>,
    series: &SeriesSet,
) -> Option<String> {
    if !tag.key.to_ascii_lowercase().ends_with("tag") {
        return None;
    }
    let repository = all
        .find_ending(&tag.stem, &["repository", "image", "name"])?
        .text;
    // The repository may have its registry before it already.
    let registry = all
        .find_ending(&tag.stem, &["registry"])
        .map(|registry| format!("{}/", registry.text))
        .filter(|registry| !repository.starts_with(registry.as_str()))
        .unwrap_or_default();
    let name = format!("{registry}{repository}:{}", tag.text);
    (series.find(&name) != SeriesMatch::None).then_some(name)
}

/// The words by which keys of one image differ: what is left of a key says which image is meant.
const WORDS: [&str; 31] = [
    "url",
    "uri",
    "href",
    "link",
    "location",
    "source",
    "name",
    "image",
    "reference",
    "ref",
    "sha256sum",
    "sha256",
    "sha512",
    "sha1",
    "sha",
    "md5",
    "algorithm",
    "algo",
    "filename",
    "file",
    "path",
    "checksum",
    "sum",
    "hash",
    "digest",
    "value",
    // Before `version`, which would leave an `os` that no other key of the image has.
    "osversion",
    "version",
    "tag",
    "repository",
    "registry",
];

/// Returns what of a key says which image it is about: `controlplane` of `controlPlaneImageUrl`, nothing of `url`.
pub(super) fn stem(key: &str) -> String {
    let mut rest: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    while let Some(word) = WORDS.iter().find(|word| rest.ends_with(*word)) {
        rest.truncate(rest.len() - word.len());
    }
    rest
}

/// Tells whether a text says where an image is: a URL, or a container image with a tag.
pub(super) fn is_located(text: &str) -> bool {
    group::part_of(text) == ImagePart::Url
}

/// Finds the Kubernetes version in the name or URL of an image.
pub(super) fn version_in(text: &str) -> Option<KubernetesVersion> {
    ImagePattern::read_url(text).ok().map(|read| read.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_image_have_one_stem() {
        for (key, expected) in [
            ("url", ""),
            ("imageName", ""),
            ("checksum", ""),
            ("osVersion", ""),
            ("controlPlaneImageUrl", "controlplane"),
            ("controlPlaneSha256", "controlplane"),
            ("workerImage", "worker"),
            ("kubernetesVersion", "kubernetes"),
            ("description", "description"),
        ] {
            assert_eq!(stem(key), expected, "{key}");
        }
    }

    #[test]
    fn the_class_charts_keep_names_in_known_places() {
        let is = |text: &str| is_by_schema(&text.parse().unwrap());
        assert!(is("images.controlPlane.name") && is("images.worker[0].name"));
        assert!(!is("images.controlPlane.url") && !is("images.name") && !is("kubeVip.image"));
    }
}
