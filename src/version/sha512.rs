//! A SHA-512 checksum, as some stores publish it and some manifests ask for it. It is compared and copied, never computed.

use std::fmt;
use std::str::FromStr;

use super::VersionError;

/// A SHA-512 checksum: 128 hexadecimal digits, kept in lower case. Reads with or without the prefix `sha512:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha512(String);

impl Sha512 {
    const DIGITS: usize = 128;

    /// Returns the 128 digits.
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// Returns the checksum spelled as `raw` spells its own: with the prefix `sha512:` or without.
    pub fn spelled_like(&self, raw: &str) -> String {
        if raw.starts_with("sha512:") {
            format!("sha512:{}", self.0)
        } else {
            self.0.clone()
        }
    }
}

impl FromStr for Sha512 {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let digits = text.strip_prefix("sha512:").unwrap_or(text);
        if digits.len() == Self::DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(digits.to_ascii_lowercase()))
        } else {
            Err(VersionError::new(
                text,
                "a SHA-512 checksum of 128 hexadecimal digits",
            ))
        }
    }
}

impl fmt::Display for Sha512 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

super::serde_as_text!(Sha512);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_128_digits_are_a_checksum() {
        let digits = "ab".repeat(64);
        let sum: Sha512 = format!("sha512:{digits}").parse().unwrap();
        assert_eq!(sum, digits.to_uppercase().parse().unwrap());
        assert_eq!(sum.spelled_like("sha512:00"), format!("sha512:{digits}"));
        assert_eq!(sum.spelled_like("00"), digits);
        for text in ["", "sha512:", &digits[1..], &format!("sha256:{digits}")] {
            assert!(text.parse::<Sha512>().is_err(), "{text}");
        }
    }
}
