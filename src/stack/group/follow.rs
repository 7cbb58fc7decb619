//! What the values of a group have to say about another image, or why one of them cannot say it.

use super::name::find_dashed;
use super::{Algorithm, ImageGroup, ImagePart, Stuck};
use crate::catalog::{Disagreement, ImagePattern, ImageTraits, NodeImage, PatternError};
use crate::stack::document::Document;
use crate::stack::facts::{Fault, FaultKind};
use crate::stack::series::is_below_registry;
use crate::version::KubernetesVersion;
use crate::yaml::Path;

/// A value of the file as it is, and what it has to say about another image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewValue {
    pub(crate) path: Path,
    pub(crate) text: String,
}

impl ImageGroup {
    /// Tells whether the values are about this very image already.
    pub(crate) fn is_about(&self, file: &Document, image: &NodeImage) -> bool {
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
    pub(crate) fn about(&self, file: &Document, image: &NodeImage) -> Result<Vec<NewValue>, Fault> {
        let mut values = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let Some(node) = self.node(file, member) else {
                continue;
            };
            let raw = node.as_str().unwrap_or_default();
            let text = self
                .part_about(file, member.part, raw, image)
                .map_err(|unmovable| unmovable.on_line(file, node.line(), raw))?;
            values.push(NewValue {
                path: member.path.clone(),
                text,
            });
        }
        Ok(values)
    }

    fn part_about(
        &self,
        file: &Document,
        part: ImagePart,
        raw: &str,
        image: &NodeImage,
    ) -> Result<String, Unmovable> {
        let to = image.version;
        match part {
            ImagePart::Url => url_about(raw, image),
            ImagePart::Name => name_about(raw, self.version, image),
            ImagePart::Version => Ok(to.spelled_like(raw)),
            ImagePart::Tag => Ok(raw.replace(&self.version.plain(), &to.plain())),
            ImagePart::OsVersion => {
                let os = image.os.as_ref().ok_or(Unmovable::NoOs(to))?;
                Ok(os.dotted_version())
            }
            ImagePart::Sum(algorithm) if Algorithm::of_sum(raw) != Some(algorithm) => {
                Err(Unmovable::OtherSum(algorithm))
            }
            ImagePart::Sum(algorithm) => algorithm.sum_of(image, raw).ok_or(Unmovable::NoSum {
                version: to,
                algorithm,
            }),
            ImagePart::SumUrl => {
                let ending = self.url(file).and_then(|url| raw.strip_prefix(url));
                Ok(format!("{}{}", image.url, ending.ok_or(Unmovable::SumUrl)?))
            }
            ImagePart::Digest => digest_of(image),
            ImagePart::Stuck(stuck) => Err(Unmovable::Stuck(stuck)),
            ImagePart::Unknown => Err(Unmovable::UnknownField),
        }
    }
}

/// Tells whether nothing contradicts: what is not stated or not known does not.
fn agrees<T: PartialEq>(stated: Option<T>, proved: Option<&T>) -> bool {
    match (stated, proved) {
        (Some(stated), Some(proved)) => stated == *proved,
        (None, _) | (_, None) => true,
    }
}

/// Why a value cannot be about another image, before its place is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unmovable {
    #[error("{0}")]
    Stuck(Stuck),
    #[error("which field of this kind names the node image is not known")]
    UnknownField,
    #[error("the operating system of {0} is not known")]
    NoOs(KubernetesVersion),
    #[error("it is not a {} checksum, which has {} digits", .0.name(), .0.digits())]
    OtherSum(Algorithm),
    #[error("the source of {version} gives no {} checksum", .algorithm.name())]
    NoSum {
        version: KubernetesVersion,
        algorithm: Algorithm,
    },
    #[error("the checksum's URL is not the image's own with an ending")]
    SumUrl,
    #[error("the digest of {0} is not known")]
    NoDigest(String),
    #[error("its version is written with dashes")]
    Dashed,
    #[error(transparent)]
    Pattern(PatternError),
    #[error("{0}")]
    Disagreement(Disagreement),
    #[error("it does not carry the version in full")]
    NoVersion,
    #[error("{0} does not say the day that the name carries")]
    NoDay(String),
}

/// Longer values are cut in messages.
const SHOWN: usize = 80;

impl Unmovable {
    /// Returns the fault of the value on a line that cannot move.
    pub(crate) fn on_line(&self, file: &Document, line: usize, raw: &str) -> Fault {
        let first_line = raw.lines().next().unwrap_or_default();
        // The end of a URL says which image it is.
        let shown = match first_line.rsplit_once('/') {
            Some((_, file)) if first_line.len() > SHOWN => format!(".../{file}"),
            Some(_) | None => first_line.to_owned(),
        };
        let message = format!("`{shown}` cannot follow: {self}");
        let hint = "change it by hand, with everything that names this image";
        Fault {
            kind: FaultKind::Unmovable,
            ..Fault::new(file.path(), line, message, hint)
        }
    }
}

fn digest_of(image: &NodeImage) -> Result<String, Unmovable> {
    match &image.digest {
        Some(digest) => Ok(format!("sha256:{digest}")),
        None => Err(Unmovable::NoDigest(image.url.clone())),
    }
}

/// Returns a URL as it reads for another image. One that pins a digest pins that of the other image then, and the registry
/// that a container image is pulled from stays.
fn url_about(raw: &str, image: &NodeImage) -> Result<String, Unmovable> {
    let (name, digest) = raw.split_once('@').unzip();
    let url = ImagePattern::of_url(name.unwrap_or(raw))
        .ok()
        .filter(ImagePattern::is_container_image)
        .and_then(|own| own.url(image.version, None))
        .filter(|own| is_under_another_registry(own, &image.url))
        .unwrap_or_else(|| image.url.clone());
    match digest {
        Some(_) => Ok(format!("{url}@{}", digest_of(image)?)),
        None => Ok(url),
    }
}

/// Tells whether two container images are one, pulled from a registry and from a mirror of it.
fn is_under_another_registry(one: &str, other: &str) -> bool {
    is_below_registry(one, other) || is_below_registry(other, one)
}

/// Returns a name as it reads for another image; a name that would say something else than the image does not move.
pub(crate) fn name_about(
    raw: &str,
    standing: KubernetesVersion,
    image: &NodeImage,
) -> Result<String, Unmovable> {
    let pattern = ImagePattern::of_url(raw).map_err(|error| {
        let dashed = find_dashed(raw).map(|_| Unmovable::Dashed);
        dashed.unwrap_or(Unmovable::Pattern(error))
    })?;
    match ImageTraits::of(raw).disagreement(image) {
        None => {}
        // Whether the release may change is decided by the class of the change; here it can.
        Some(Disagreement::Release { .. }) if pattern.has_os() => {}
        Some(disagreement) => return Err(Unmovable::Disagreement(disagreement)),
    }
    if !raw.contains(&standing.plain()) {
        return Err(Unmovable::NoVersion);
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
    Err(Unmovable::NoDay(image.url.clone()))
}
