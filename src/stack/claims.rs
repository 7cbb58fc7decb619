//! What of a file's free values is the stack's. Values of charts and defaults of class variables name images under any key: they
//! are claimed where a manifest of the chart reads them as its image, or where they match one of the stack's image series.
//! A value that merely looks like a version or an image is nobody's.

use super::facts::ValueRef;
use super::group::{Algorithm, ImageGroup, ImagePart, Member};
use super::kinds::has_meaning;
use super::series::{SeriesMatch, SeriesSet};
use super::source::SourceFile;
use crate::catalog::ImagePattern;
use crate::version::KubernetesVersion;
use crate::yaml::{Node, Path};

/// The claimed values of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// Values about the default's image.
    pub(super) groups: Vec<ImageGroup>,
    /// Lists of image names.
    pub(super) lists: Vec<ListPlace>,
}

/// Where a list stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListPlace {
    pub(super) document: usize,
    pub(super) path: Path,
}

impl Claims {
    /// Finds the claimed values of a chart's values; `refs` are those that manifests of the chart read.
    pub(super) fn of_values(file: &SourceFile, series: &SeriesSet, refs: &[ValueRef]) -> Self {
        let mut scan = Scan {
            series,
            claims: Self::default(),
        };
        for (index, document) in file.documents().iter().enumerate() {
            scan.referenced((index, document), refs);
            scan.walk(index, &Path::root(), document);
        }
        scan.claims
    }

    /// Finds the claimed values below certain places of a file.
    pub(super) fn below(file: &SourceFile, series: &SeriesSet, places: &[ListPlace]) -> Self {
        let mut scan = Scan {
            series,
            claims: Self::default(),
        };
        for place in places {
            let document = file.documents().get(place.document);
            let Some(node) = document.and_then(|document| document.at(&place.path)) else {
                continue;
            };
            match node.as_str() {
                Some(text) => scan.alone((place.document, &place.path, node), text),
                None => scan.walk(place.document, &place.path, node),
            }
        }
        scan.claims
    }
}

struct Scan<'a> {
    series: &'a SeriesSet,
    claims: Claims,
}

/// A scalar of a map.
#[derive(Clone, Copy)]
struct Scalar<'n> {
    key: &'n str,
    node: &'n Node,
    text: &'n str,
}

impl Scan<'_> {
    /// Claims the values that one manifest reads as its image.
    fn referenced(&mut self, (document, root): (usize, &Node), refs: &[ValueRef]) {
        let mut manifests: Vec<&str> = refs.iter().map(|one| one.manifest.as_str()).collect();
        manifests.dedup();
        for manifest in manifests {
            let mut members = Vec::new();
            let mut version = None;
            let mut line = usize::MAX;
            for one in refs.iter().filter(|one| one.manifest == manifest) {
                let path = keys(&one.value);
                let Some((node, text)) = written(root, &path) else {
                    continue;
                };
                let found = version_in(text);
                match one.part {
                    ImagePart::Url | ImagePart::Name if found.is_none() => continue,
                    ImagePart::Url | ImagePart::Name => version = version.or(found),
                    _ => {}
                }
                line = line.min(node.line());
                members.push(Member {
                    path,
                    part: one.part,
                });
            }
            if let Some(version) = version {
                self.push(ImageGroup {
                    document,
                    line,
                    version,
                    members,
                });
            }
        }
    }

    fn walk(&mut self, document: usize, path: &Path, node: &Node) {
        for (index, item) in node.own_items().iter().enumerate() {
            self.walk(document, &path.clone().index(index), item);
        }
        let scalars: Vec<Scalar<'_>> = node
            .own_entries()
            .filter_map(|(key, _, node)| {
                let text = node.as_str().filter(|text| !text.is_empty())?;
                Some(Scalar { key, node, text })
            })
            .collect();
        for scalar in &scalars {
            self.scalar(document, (path, node), *scalar, &scalars);
        }
        for (key, _, value) in node.own_entries() {
            if has_meaning(key) {
                continue;
            }
            let below = path.clone().key(key);
            if self.is_list_of_names(value) {
                self.claims.lists.push(ListPlace {
                    document,
                    path: below,
                });
            } else {
                self.walk(document, &below, value);
            }
        }
    }

    /// Claims a scalar that is an image of the stack, with what belongs to it in its map.
    fn scalar(
        &mut self,
        document: usize,
        (path, map): (&Path, &Node),
        scalar: Scalar<'_>,
        all: &[Scalar<'_>],
    ) {
        let at = path.clone().key(scalar.key);
        if self.is_claimed(document, &at) {
            return;
        }
        let (part, version) = if let Some(version) = tagged_version(scalar, all, self.series) {
            (ImagePart::Tag, version)
        } else if self.is_of_series(scalar.text) || is_by_schema(&at) {
            let part = if is_located(scalar.text) {
                ImagePart::Url
            } else {
                ImagePart::Name
            };
            let Some(version) = version_in(scalar.text) else {
                return;
            };
            (part, version)
        } else {
            return;
        };
        // The URL of an image leads its map.
        let leads = |other: &Scalar<'_>| {
            part == ImagePart::Name
                && stem(other.key) == stem(scalar.key)
                && is_located(other.text)
                && self.is_of_series(other.text)
        };
        if all.iter().any(leads) {
            return;
        }
        let mut group = ImageGroup {
            document,
            line: scalar.node.line(),
            version,
            members: vec![Member { path: at, part }],
        };
        for companion in all.iter().filter(|other| other.key != scalar.key) {
            let part = companion_part(scalar, *companion, version);
            let place = path.clone().key(companion.key);
            let part = part.filter(|_| !self.is_claimed(document, &place));
            group
                .members
                .extend(part.map(|part| Member { path: place, part }));
        }
        group.members.extend(hash_member(path, map, scalar.key));
        self.push(group);
    }

    /// Claims a scalar that stands alone.
    fn alone(&mut self, (document, path, node): (usize, &Path, &Node), text: &str) {
        let Some(version) = version_in(text).filter(|_| self.is_of_series(text)) else {
            return;
        };
        let part = if is_located(text) {
            ImagePart::Url
        } else {
            ImagePart::Name
        };
        self.push(ImageGroup {
            document,
            line: node.line(),
            version,
            members: vec![Member {
                path: path.clone(),
                part,
            }],
        });
    }

    fn push(&mut self, group: ImageGroup) {
        self.claims.groups.push(group);
    }

    fn is_claimed(&self, document: usize, path: &Path) -> bool {
        let own = self.claims.groups.iter();
        own.filter(|group| group.document == document)
            .flat_map(|group| &group.members)
            .any(|member| member.path == *path)
    }

    fn is_of_series(&self, text: &str) -> bool {
        self.series.find(text) != SeriesMatch::None
    }

    fn is_list_of_names(&self, node: &Node) -> bool {
        let is_name = |item: &Node| {
            item.as_str()
                .is_some_and(|text| version_in(text).is_some() && self.is_of_series(text))
        };
        !node.own_items().is_empty() && node.own_items().iter().all(is_name)
    }
}

/// Where the class charts of the SCS cluster stacks keep the names of their images: `images.controlPlane.name`, and the same for
/// workers and for items of a list there.
fn is_by_schema(path: &Path) -> bool {
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
        .and_then(|place| place.strip_suffix(']'));
    place.is_empty() || index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Tells what a value says of the image that another value of its map names; nothing where it says nothing of it.
fn companion_part(
    leader: Scalar<'_>,
    companion: Scalar<'_>,
    version: KubernetesVersion,
) -> Option<ImagePart> {
    if stem(companion.key) != stem(leader.key) {
        return None;
    }
    let key = companion.key.to_ascii_lowercase();
    let text = companion.text;
    let is_sum_key = ["sha", "md5", "sum", "hash", "digest"]
        .iter()
        .any(|word| key.contains(word));
    if let Some(algorithm) = Algorithm::of_sum(text).filter(|_| is_sum_key) {
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
    let os = crate::catalog::ImageTraits::of(leader.text).os;
    if key.contains("os") && os.is_some_and(|os| os.dotted_version() == text) {
        return Some(ImagePart::OsVersion);
    }
    if version_in(text) != Some(version) {
        return None;
    }
    Some(if text.starts_with(leader.text) {
        ImagePart::SumUrl
    } else if is_located(text) {
        if text == leader.text {
            ImagePart::Url
        } else {
            ImagePart::Odd
        }
    } else {
        ImagePart::Name
    })
}

/// Finds the checksum in a map beside an image: `hash: {algorithm: sha256, value: ...}`.
fn hash_member(path: &Path, map: &Node, leader: &str) -> Option<Member> {
    let mut maps = map
        .own_entries()
        .filter(|(key, _, node)| node.is_map() && stem(key) == stem(leader));
    maps.find_map(|(key, _, node)| {
        let value = node.get("value")?.as_str()?;
        let named = node.get("algorithm").and_then(Node::as_str);
        let algorithm = match named {
            Some(name) => Algorithm::of_name(name)?,
            None => Algorithm::of_sum(value)?,
        };
        Some(Member {
            path: path.clone().key(key).key("value"),
            part: ImagePart::Sum(algorithm),
        })
    })
}

/// Returns the version of a tag whose repository stands beside it, where both together name an image of the stack.
fn tagged_version(
    tag: Scalar<'_>,
    all: &[Scalar<'_>],
    series: &SeriesSet,
) -> Option<KubernetesVersion> {
    if !tag.key.to_ascii_lowercase().ends_with("tag") {
        return None;
    }
    let find = |words: &[&str]| {
        all.iter().find(|other| {
            let key = other.key.to_ascii_lowercase();
            stem(other.key) == stem(tag.key) && words.iter().any(|word| key.ends_with(word))
        })
    };
    let repository = find(&["repository", "image", "name"])?.text;
    let registry = find(&["registry"]).map(|registry| format!("{}/", registry.text));
    let registry = registry.filter(|registry| !repository.starts_with(registry.as_str()));
    let name = format!("{}{repository}:{}", registry.unwrap_or_default(), tag.text);
    (series.find(&name) != SeriesMatch::None).then(|| version_in(&name))?
}

/// The words by which keys of one image differ: what is left of a key says which image is meant.
const WORDS: [&str; 24] = [
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
    "md5",
    "checksum",
    "sum",
    "hash",
    "digest",
    "value",
    "osversion",
    "version",
    "tag",
    "repository",
    "registry",
];

/// Returns what of a key says which image it is about: `controlplane` of `controlPlaneImageUrl`, nothing of `url`.
fn stem(key: &str) -> String {
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
    let last = text.rsplit('/').next().unwrap_or_default();
    text.contains("://") || (text.contains('/') && last.contains(':'))
}

/// Finds the Kubernetes version in the name or URL of an image.
fn version_in(text: &str) -> Option<KubernetesVersion> {
    ImagePattern::read_url(text).ok().map(|read| read.version)
}

fn keys(names: &[String]) -> Path {
    names
        .iter()
        .fold(Path::root(), |path, name| path.key(name.as_str()))
}

fn written<'n>(root: &'n Node, path: &Path) -> Option<(&'n Node, &'n str)> {
    let node = root.at(path)?;
    Some((node, node.as_str().filter(|text| !text.is_empty())?))
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
