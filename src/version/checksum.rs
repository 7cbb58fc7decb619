//! Checksums of node images and files, one type per algorithm: two of different algorithms are never compared by mistake.

use std::fmt;
use std::str::FromStr;

use sha2::Digest;

use super::VersionError;

/// Makes the type of one algorithm's checksums: so many hexadecimal digits, kept in lower case, with or without a prefix.
macro_rules! checksum {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $digits:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the digits alone.
            pub fn hex(&self) -> &str {
                &self.0
            }

            /// Returns the checksum spelled as `raw` spells its own: with the algorithm's prefix or without.
            pub(crate) fn spelled_like(&self, raw: &str) -> String {
                if raw.starts_with($prefix) {
                    format!(concat!($prefix, "{}"), self.0)
                } else {
                    self.0.clone()
                }
            }
        }

        impl FromStr for $name {
            type Err = VersionError;

            fn from_str(text: &str) -> Result<Self, VersionError> {
                let digits = text.strip_prefix($prefix).unwrap_or(text);
                if digits.len() == $digits && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    // Sums are compared as texts, in whichever case they were written.
                    Ok(Self(digits.to_ascii_lowercase()))
                } else {
                    Err(VersionError::new(text, $expected))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        super::serde_as_text!($name);
    };
}

checksum! {
    /// A SHA-256 checksum: 64 digits, `sha256:` before them or not.
    Sha256, "sha256:", 64, "a SHA-256 checksum of 64 hexadecimal digits"
}

checksum! {
    /// A SHA-512 checksum: 128 digits, `sha512:` before them or not.
    Sha512, "sha512:", 128, "a SHA-512 checksum of 128 hexadecimal digits"
}

checksum! {
    /// An MD5 checksum: 32 digits, `md5:` before them or not. It tells a broken download, and no forged one.
    Md5, "md5:", 32, "an MD5 checksum of 32 hexadecimal digits"
}

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
}

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
    fn only_the_digits_of_its_algorithm_are_a_checksum() {
        assert_takes::<Sha256>("sha256:", 64);
        assert_takes::<Sha512>("sha512:", 128);
        assert_takes::<Md5>("md5:", 32);
        let error = "x".parse::<Md5>().unwrap_err();
        assert_eq!(error.expected, "an MD5 checksum of 32 hexadecimal digits");
        let sum: Md5 = "AB".repeat(16).parse().unwrap();
        assert_eq!(
            sum.spelled_like("md5:00"),
            format!("md5:{}", "ab".repeat(16))
        );
        assert_eq!(sum.spelled_like("00"), "ab".repeat(16));
    }

    fn assert_takes<T: FromStr<Err = VersionError> + PartialEq + fmt::Debug>(
        prefix: &str,
        length: usize,
    ) {
        let digits = "ab".repeat(length / 2);
        let sum: T = format!("{prefix}{digits}").parse().unwrap();
        assert_eq!(sum, digits.to_uppercase().parse().unwrap());
        for text in [
            "",
            prefix,
            &digits[1..],
            "<html>",
            &"zz".repeat(length / 2),
            &format!("sha1:{digits}"),
        ] {
            assert!(text.parse::<T>().is_err(), "{text}");
        }
    }
}
