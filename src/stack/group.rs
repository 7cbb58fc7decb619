//! Values of one map or manifest that are about one image: its name, URL, checksum and what else names it. They move together
//! or not at all. It knows what each value has to say about another image, not which image that should be.

mod follow;
mod name;
mod sum;
mod template;

use super::document::Document;
use super::facts::{Fact, ImageReference, Reference};
use super::series::ProofKind;
use crate::catalog::{ImagePattern, ImageTraits};
use crate::version::{KubernetesVersion, Md5, OsRelease, Sha256, Sha512};
use crate::yaml::{Node, Path};

pub(super) use follow::name_about;
pub(super) use name::{part_of, version_of};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stuck {
    #[error("it names the version of the image beside it, and nothing says how")]
    Beside,
    #[error("it is one of several versions, and nothing says how they grow")]
    Listed,
    #[error("a template puts the image together from it and other texts")]
    Piece,
    #[error("its checksum or digest, or what names it, stands in another place")]
    Split,
    /// It is the name of a resource.
    #[error("an ORC image is known by it and never changes, and it carries no version")]
    Identity,
    #[error("it stands inside a longer text")]
    Inside,
    #[error("`enum` beside it does not have the new name")]
    Enum,
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
                // A URL that pins a digest needs the one of the next image.
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
        for (parent, node) in found {
            let Some(value) = node.get(key) else { continue };
            let path = parent.key(key);
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
