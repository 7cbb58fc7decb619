//! Values of one map or manifest that are about one image: its name, URL, checksum and what else names it. They move together
//! or not at all. It knows what each value has to say about another image, not which image that should be.

mod sum;
mod template;

use super::document::Document;
use super::facts::{Fact, Fault, FaultKind, ImageReference, Reference};
use super::series::ProofKind;
use crate::catalog::{Disagreement, ImagePattern, ImageTraits, NodeImage};
use crate::version::{KubernetesVersion, Md5, OsRelease, Sha256, Sha512};
use crate::yaml::{Node, Path};

pub(super) use sum::Algorithm;
pub(super) use template::{evaluated, pinned_refs, value_ref, values_in, version_around};

/// Values that are about one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageGroup {
    /// The document of the file.
    pub(super) document: usize,
    /// The line on which the first of them stands.
    pub(super) line: usize,
    /// The Kubernetes version that they name.
    pub(super) version: KubernetesVersion,
    /// What each of them says of the image.
    pub(super) members: Vec<Member>,
    /// What the image is called, where the values say no more than a piece of it.
    pub(super) full: Option<String>,
}

/// A value that is about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Where it stands.
    pub(super) path: Path,
    /// What it says.
    pub(super) part: ImagePart,
}

/// What a value says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImagePart {
    /// Its URL, or the name of a container image with its tag, and its digest where one stands there.
    Url,
    /// Its name.
    Name,
    /// Its Kubernetes version.
    Version,
    /// Its operating system's version: `24.04`.
    OsVersion,
    /// Its checksum.
    Sum(Algorithm),
    /// The URL of its checksum: its own URL with an ending.
    SumUrl,
    /// The digest of a container image whose tag stands beside it.
    Digest,
    /// The tag of a container image whose repository stands beside it.
    Tag,
    /// Something that names the version of an image, and cannot follow.
    Stuck(Stuck),
    /// An image in a manifest of a kind that is not known.
    Unknown,
}

/// Why a value that names the version of an image cannot follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuck {
    /// It stands beside an image, and nothing says how they belong together.
    Beside,
    /// It is one of several versions in a list or a map, and nothing says how that grows.
    Listed,
    /// A template puts the image together from it and other texts.
    Piece,
    /// The image's URL and its checksum stand in different places, one of them in a template's values.
    Split,
    /// It is the name of a resource that never changes, and carries no version.
    Identity,
    /// It stands inside a longer text.
    Inside,
    /// `enum` beside it has the names that are allowed.
    Enum,
}

impl Stuck {
    fn reason(self) -> &'static str {
        match self {
            Self::Beside => "it names the version of the image beside it, and nothing says how",
            Self::Listed => "it is one of several versions, and nothing says how they grow",
            Self::Piece => "a template puts the image together from it and other texts",
            Self::Split => "its checksum or digest, or what names it, stands in another place",
            Self::Identity => {
                "an ORC image is known by it and never changes, and it carries no version"
            }
            Self::Inside => "it stands inside a longer text",
            Self::Enum => "`enum` beside it does not have the new name",
        }
    }
}

/// A value of the file as it is, and what it has to say about another image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) path: Path,
    pub(super) text: String,
}

impl ImageGroup {
    /// Returns the text of the value that says what the image is: its URL, else its name.
    pub(super) fn text<'f>(&self, file: &'f Document) -> Option<&'f str> {
        let mut by_rank = [
            ImagePart::Url,
            ImagePart::Name,
            ImagePart::Tag,
            ImagePart::Unknown,
        ]
        .into_iter();
        let member =
            by_rank.find_map(|part| self.members.iter().find(|member| member.part == part))?;
        self.node(file, member)?.as_str()
    }

    /// Returns the lines of its values.
    pub(super) fn lines(&self, file: &Document) -> Vec<usize> {
        let nodes = self
            .members
            .iter()
            .filter_map(|member| self.node(file, member));
        nodes.map(Node::line).collect()
    }

    /// Returns the patterns of the names that stand there.
    pub(super) fn names(&self, file: &Document) -> Vec<ImagePattern> {
        let names = self
            .members
            .iter()
            .filter(|member| member.part == ImagePart::Name);
        let texts = names.filter_map(|member| self.node(file, member)?.as_str());
        texts
            .filter_map(|text| ImagePattern::of_url(text).ok())
            .collect()
    }

    /// Returns the URL, where one stands there.
    pub(super) fn url<'f>(&self, file: &'f Document) -> Option<&'f str> {
        let member = self
            .members
            .iter()
            .find(|member| member.part == ImagePart::Url)?;
        self.node(file, member)?.as_str()
    }

    /// Returns the operating-system release that its URL or name says.
    pub(super) fn os(&self, file: &Document) -> Option<OsRelease> {
        let mut texts = self.members.iter().filter_map(|member| {
            let node = self.node(file, member)?;
            matches!(member.part, ImagePart::Url | ImagePart::Name).then(|| node.as_str())?
        });
        texts.find_map(|text| ImageTraits::of(text).os)
    }

    /// Returns the checksum by an algorithm that reads as one.
    pub(super) fn sha256(&self, file: &Document) -> Option<Sha256> {
        self.sum(file, Algorithm::Sha256)?.parse().ok()
    }

    /// Returns the SHA-512 checksum.
    pub(super) fn sha512(&self, file: &Document) -> Option<Sha512> {
        self.sum(file, Algorithm::Sha512)?.parse().ok()
    }

    /// Returns the MD5 checksum.
    pub(super) fn md5(&self, file: &Document) -> Option<Md5> {
        self.sum(file, Algorithm::Md5)?.parse().ok()
    }

    fn sum<'f>(&self, file: &'f Document, algorithm: Algorithm) -> Option<&'f str> {
        let part = ImagePart::Sum(algorithm);
        let member = self.members.iter().find(|member| member.part == part)?;
        self.node(file, member)?.as_str()
    }

    fn node<'f>(&self, file: &'f Document, member: &Member) -> Option<&'f Node> {
        file.documents().get(self.document)?.at(&member.path)
    }

    /// Returns the facts that the values state.
    pub(super) fn references(&self, file: &Document) -> Vec<Reference> {
        let mut references = Vec::new();
        for member in &self.members {
            let Some(node) = self.node(file, member) else {
                continue;
            };
            let value = node.as_str().unwrap_or_default();
            let fact = match member.part {
                ImagePart::Url if value.contains("://") => Fact::Image(ImageReference {
                    version: self.version,
                    os: self.os(file),
                    url: value.to_owned(),
                    sha256: self.sha256(file),
                }),
                ImagePart::Url | ImagePart::Tag | ImagePart::Unknown => Fact::ImageName {
                    version: self.version,
                },
                ImagePart::Name => match version_of(value) {
                    Some(version) => Fact::ImageName { version },
                    None => continue,
                },
                ImagePart::Version
                | ImagePart::OsVersion
                | ImagePart::Sum(_)
                | ImagePart::SumUrl
                | ImagePart::Digest
                | ImagePart::Stuck(_) => continue,
            };
            references.push(Reference {
                file: file.path().to_owned(),
                role: file.role(),
                line: node.line(),
                at: member.path.to_string(),
                value: value.to_owned(),
                fact,
            });
        }
        references
    }

    /// Returns how the values prove the image.
    pub(super) fn proofs(&self, file: &Document) -> Vec<ProofKind> {
        let mut proofs: Vec<ProofKind> = Vec::new();
        for member in &self.members {
            match member.part {
                ImagePart::Sum(algorithm) => proofs.push(algorithm.proof()),
                ImagePart::Digest => proofs.push(ProofKind::Digest),
                ImagePart::Url if self.url(file).is_some_and(|url| url.contains('@')) => {
                    proofs.push(ProofKind::Digest);
                }
                ImagePart::Url
                | ImagePart::Name
                | ImagePart::Version
                | ImagePart::OsVersion
                | ImagePart::SumUrl
                | ImagePart::Tag
                | ImagePart::Stuck(_)
                | ImagePart::Unknown => {}
            }
        }
        proofs
    }

    /// Tells whether the values are about this very image already.
    pub(super) fn is_about(&self, file: &Document, image: &NodeImage) -> bool {
        let same_url = self.url(file).is_none_or(|url| {
            let name = url.split_once('@').map_or(url, |(name, _)| name);
            name == image.url
        });
        self.version == image.version
            && same_url
            && agrees(self.sha256(file), image.sha256.as_ref())
            && agrees(self.sha512(file), image.sha512.as_ref())
            && agrees(self.md5(file), image.md5.as_ref())
            && agrees(self.os(file), image.os.as_ref())
    }

    /// Returns what the values have to say about another image, all of them, or why one of them cannot say it.
    pub(super) fn about(&self, file: &Document, image: &NodeImage) -> Result<Vec<Stated>, Fault> {
        let mut stated = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let Some(node) = self.node(file, member) else {
                continue;
            };
            let raw = node.as_str().unwrap_or_default();
            let text = self.member_about(file, (member, raw), image);
            let text = text.map_err(|unmovable| unmovable.at(file, node, raw))?;
            stated.push(Stated {
                path: member.path.clone(),
                text,
            });
        }
        Ok(stated)
    }

    fn member_about(
        &self,
        file: &Document,
        (member, raw): (&Member, &str),
        image: &NodeImage,
    ) -> Result<String, Unmovable> {
        let to = image.version;
        match member.part {
            ImagePart::Url => url_about(raw, image),
            ImagePart::Name => name_about(raw, self.version, image),
            ImagePart::Version => Ok(to.spelled_like(raw)),
            ImagePart::Tag => Ok(raw.replace(&self.version.plain(), &to.plain())),
            ImagePart::OsVersion => match &image.os {
                Some(os) => Ok(os.dotted_version()),
                None => Err(Unmovable::new(format!(
                    "the operating system of {to} is not known"
                ))),
            },
            ImagePart::Sum(algorithm) if Algorithm::of_sum(raw) != Some(algorithm) => {
                Err(Unmovable::new(format!(
                    "it is not a {} checksum, which has {} digits",
                    algorithm.name(),
                    algorithm.digits()
                )))
            }
            ImagePart::Sum(algorithm) => algorithm.sum_of(image, raw).ok_or_else(|| {
                Unmovable::new(format!(
                    "the source of {to} gives no {} checksum",
                    algorithm.name()
                ))
            }),
            ImagePart::SumUrl => {
                let ending = self.url(file).and_then(|url| raw.strip_prefix(url));
                match ending {
                    Some(ending) => Ok(format!("{}{ending}", image.url)),
                    None => Err(Unmovable::new(
                        "the checksum's URL is not the image's own with an ending",
                    )),
                }
            }
            ImagePart::Digest => digest_of(image),
            ImagePart::Stuck(stuck) => Err(Unmovable::new(stuck.reason())),
            ImagePart::Unknown => Err(Unmovable::new(
                "which field of this kind names the node image is not known",
            )),
        }
    }
}

/// Why a value cannot be about another image, before its place is known.
pub(super) struct Unmovable(String);

impl Unmovable {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// Returns the fault of the value that cannot move.
    fn at(self, file: &Document, node: &Node, raw: &str) -> Fault {
        self.on_line(file, node.line(), raw)
    }

    /// Returns the fault of the value on a line that cannot move.
    pub(super) fn on_line(self, file: &Document, line: usize, raw: &str) -> Fault {
        let raw = raw.lines().next().unwrap_or_default();
        // The end of a URL says which image it is.
        let shown = match raw.rsplit_once('/') {
            Some((_, file)) if raw.len() > SHOWN => format!(".../{file}"),
            Some(_) | None => raw.to_owned(),
        };
        let message = format!("`{shown}` cannot follow: {}", self.0);
        let hint = "change it by hand, with everything that names this image";
        Fault {
            kind: FaultKind::Unmovable,
            ..Fault::new(file.path(), line, message, hint)
        }
    }
}

/// Longer values are cut in messages.
const SHOWN: usize = 80;

/// Tells whether nothing contradicts: what is not stated or not known does not.
fn agrees<T: PartialEq>(stated: Option<T>, proved: Option<&T>) -> bool {
    match (stated, proved) {
        (Some(stated), Some(proved)) => stated == *proved,
        (None, _) | (_, None) => true,
    }
}

fn digest_of(image: &NodeImage) -> Result<String, Unmovable> {
    let digest = image.digest.as_ref();
    digest
        .map(|digest| format!("sha256:{digest}"))
        .ok_or_else(|| {
            let name = &image.url;
            Unmovable::new(format!("the digest of {name} is not known"))
        })
}

/// Returns a URL as it reads for another image. One that pins a digest pins that of the other image then, and the registry
/// that a container image is pulled from stays.
fn url_about(raw: &str, image: &NodeImage) -> Result<String, Unmovable> {
    let (name, digest) = raw.split_once('@').unzip();
    let own = ImagePattern::of_url(name.unwrap_or(raw));
    let own = own.ok().filter(ImagePattern::is_container_image);
    let url = own.and_then(|pattern| pattern.url(image.version, None));
    let url = url.filter(|url| is_under_another_registry(url, &image.url));
    let url = url.unwrap_or_else(|| image.url.clone());
    match digest {
        Some(_) => Ok(format!("{url}@{}", digest_of(image)?)),
        None => Ok(url),
    }
}

/// Tells whether two container images are one, pulled from a registry and from a mirror of it.
fn is_under_another_registry(one: &str, other: &str) -> bool {
    is_below_registry(one, other) || is_below_registry(other, one)
}

fn is_below_registry(long: &str, short: &str) -> bool {
    let registry = long.strip_suffix(short);
    registry.is_some_and(|registry| registry.ends_with('/'))
}

/// Returns a name as it reads for another image; a name that would say something else than the image does not move.
pub(super) fn name_about(
    raw: &str,
    standing: KubernetesVersion,
    image: &NodeImage,
) -> Result<String, Unmovable> {
    let pattern = ImagePattern::of_url(raw).map_err(|error| {
        let dashed = find_dashed(raw).map(|_| "its version is written with dashes".to_owned());
        Unmovable::new(dashed.unwrap_or_else(|| error.to_string()))
    })?;
    match ImageTraits::of(raw).disagreement(image) {
        None => {}
        // Whether the release may change is decided by the class of the change; here it can.
        Some(Disagreement::Release { .. }) if pattern.has_os() => {}
        Some(disagreement) => return Err(Unmovable::new(disagreement.to_string())),
    }
    if !raw.contains(&standing.plain()) {
        return Err(Unmovable::new("it does not carry the version in full"));
    }
    let read = ImagePattern::read_url(raw).ok();
    let own_os = read.as_ref().and_then(|read| read.os.as_ref());
    let os = image.os.as_ref().or(own_os);
    if let Some(name) = pattern.url(image.version, os) {
        return Ok(name);
    }
    let day_before = read.as_ref().and_then(|read| read.date);
    let of_url = ImagePattern::read_url(&image.url).ok();
    if let (Some(before), Some(date)) = (day_before, of_url.and_then(|read| read.date)) {
        return Ok(pattern.dated_url(image.version, os, before.on(date.day())));
    }
    let reason = format!("{} does not say the day that the name carries", image.url);
    Err(Unmovable::new(reason))
}

/// Returns what a text says of its image: where it is, or its name alone.
pub(super) fn part_of(text: &str) -> ImagePart {
    let last = text.rsplit('/').next().unwrap_or_default();
    if text.contains("://") || (text.contains('/') && last.contains(':')) {
        ImagePart::Url
    } else {
        ImagePart::Name
    }
}

/// Finds the Kubernetes version that a name or URL of an image carries; `1-34-6` is one too, where names have no dots.
pub(super) fn version_of(text: &str) -> Option<KubernetesVersion> {
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
fn find_dashed(text: &str) -> Option<KubernetesVersion> {
    let file = text.rsplit('/').next().unwrap_or_default();
    let words: Vec<&str> = file.split('-').collect();
    (0..words.len().saturating_sub(2)).find_map(|at| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let [major, minor, patch] = words[at..at + 3] else {
            return None;
        };
        let plain = format!("{}.{minor}.{patch}", major.trim_start_matches('v'));
        let version: KubernetesVersion = plain.parse().ok()?;
        (is_marked(major, before) && version.minor().major() == 1).then_some(version)
    })
}

/// Finds the values at a place such as `volumes[].containerDisk.image`; `[]` stands for every item.
pub(super) fn find_all<'n>(node: &'n Node, place: &str) -> Vec<(Path, &'n Node)> {
    let mut found = vec![(Path::root(), node)];
    for step in place.split('.') {
        let (key, is_list) = match step.strip_suffix("[]") {
            Some(key) => (key, true),
            None => (step, false),
        };
        let mut next = Vec::new();
        for (path, node) in found {
            let Some(value) = node.get(key) else { continue };
            let path = path.key(key);
            if is_list {
                let items = value.items().iter().enumerate();
                next.extend(items.map(|(index, item)| (path.clone().index(index), item)));
            } else {
                next.push((path, value));
            }
        }
        found = next;
    }
    found
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
