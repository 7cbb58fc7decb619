//! Checksums of images, by their algorithms.

use crate::catalog::NodeImage;
use crate::stack::series::ProofKind;

/// The algorithm of a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    /// Reads its name in manifests: `sha256`, `SHA-256`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().replace('-', "").as_str() {
            "md5" => Some(Self::Md5),
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Reads it from the look of a checksum: its prefix, or the number of its digits.
    pub(crate) fn of_sum(sum: &str) -> Option<Self> {
        let (named, digits) = match sum.split_once(':') {
            Some((name, digits)) => (Some(Self::of_name(name)?), digits),
            None => (None, sum),
        };
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let by_length = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.digits() == digits.len());
        by_length.filter(|found| is_hex && named.is_none_or(|named| named == *found))
    }

    /// Returns how many digits such a checksum has.
    pub(crate) fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    /// Returns its name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Returns the checksum of an image by this algorithm, spelled as another one; nothing where no source proved it.
    pub(crate) fn sum_of(self, image: &NodeImage, spelling: &str) -> Option<String> {
        match self {
            Self::Md5 => image.md5.as_ref().map(|sum| sum.spelled_like(spelling)),
            // No source publishes it.
            Self::Sha1 => None,
            Self::Sha256 => image.sha256.as_ref().map(|sum| sum.spelled_like(spelling)),
            Self::Sha512 => image.sha512.as_ref().map(|sum| sum.spelled_like(spelling)),
        }
    }

    /// Returns the checksum of an image by this algorithm, with the algorithm's name before it: `sha256:...`.
    pub(crate) fn named_sum_of(self, image: &NodeImage) -> Option<String> {
        let prefix = self.name().to_ascii_lowercase().replace('-', "") + ":";
        self.sum_of(image, &prefix)
    }

    /// Returns what an image has to be proved by, where a file has such a checksum.
    pub(crate) fn proof(self) -> ProofKind {
        match self {
            Self::Md5 => ProofKind::Md5,
            Self::Sha1 => ProofKind::Sha1,
            Self::Sha256 => ProofKind::Sha256,
            Self::Sha512 => ProofKind::Sha512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_known_by_their_digits() {
        for (digits, algorithm) in [
            (32, Algorithm::Md5),
            (40, Algorithm::Sha1),
            (64, Algorithm::Sha256),
            (128, Algorithm::Sha512),
        ] {
            assert_eq!(Algorithm::of_sum(&"a".repeat(digits)), Some(algorithm));
        }
        assert_eq!(
            Algorithm::of_sum(&format!("sha512:{}", "a".repeat(64))),
            None
        );
        assert_eq!(Algorithm::of_sum("abc"), None);
    }
}
