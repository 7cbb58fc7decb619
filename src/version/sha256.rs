//! A SHA-256 checksum: of a node image, or of a file.

use std::fmt;
use std::str::FromStr;

use sha2::Digest;

use super::VersionError;

/// A SHA-256 checksum: 64 hexadecimal digits, kept in lower case. Reads with or without the prefix `sha256:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(String);

impl Sha256 {
    /// Returns the checksum of these bytes.
    pub fn of(content: &[u8]) -> Self {
        Self::from_bytes(sha2::Sha256::digest(content).as_slice())
    }

    /// Returns the checksum that was computed already.
    pub(crate) fn from_bytes(digest: &[u8]) -> Self {
        Self(hex::encode(digest))
    }

    /// Returns the 32 bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        hex::decode(&self.0).expect("a checksum has hexadecimal digits alone")
    }

    /// Returns the 64 digits.
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// Returns the checksum spelled as `raw` spells its own: with the prefix `sha256:` or without.
    pub fn spelled_like(&self, raw: &str) -> String {
        if raw.starts_with("sha256:") {
            format!("sha256:{}", self.0)
        } else {
            self.0.clone()
        }
    }
}

impl FromStr for Sha256 {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(digits.to_ascii_lowercase()))
        } else {
            Err(VersionError::new(
                text,
                "a SHA-256 checksum of 64 hexadecimal digits",
            ))
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

super::serde_as_text!(Sha256);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_digits() {
        let sum = Sha256::of(b"abc");
        assert!(sum.hex().starts_with("ba7816bf8f01cfea"), "{sum}");
        assert_eq!(sum.bytes().len(), 32);
        assert_eq!(Sha256::from_bytes(&sum.bytes()), sum);
    }

    #[test]
    fn only_64_digits_are_a_checksum() {
        let digits = "ab".repeat(32);
        let sum: Sha256 = format!("sha256:{digits}").parse().unwrap();
        assert_eq!(sum, digits.to_uppercase().parse().unwrap());
        assert_eq!(sum.spelled_like("sha256:00"), format!("sha256:{digits}"));
        assert_eq!(sum.spelled_like("00"), digits);
        for text in [
            "",
            "sha256:",
            &digits[1..],
            "<html>",
            &"zz".repeat(32),
            &format!("md5:{digits}"),
        ] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
    }
}
