//! The fingerprint of a change: its content and nothing else, so that the same change is known again whatever it is called and
//! whenever it is made.

use std::fmt;
use std::str::FromStr;

use sha2::Digest;

use super::PullKey;

/// The fingerprint of a change: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fingerprint(String);

/// A file that a change leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangedFile {
    /// Its path, from the repository's root.
    pub(crate) path: String,
    /// What tells this change of it from any other: its mode, with the lines that change or with all that it holds. Nothing where it
    /// is removed.
    pub(crate) content: Option<String>,
}

impl Fingerprint {
    /// Returns the fingerprint of a change; the order of its files does not matter.
    pub(crate) fn of(key: &PullKey, changes: &[ChangedFile]) -> Self {
        let mut lines: Vec<String> = changes.iter().map(line).collect();
        lines.sort();
        let mut hasher = sha2::Sha256::new();
        // The key counts, so that a no to one change is none to another with the same files.
        hasher.update(format!("{key}\n").as_bytes());
        for line in lines {
            hasher.update(line.as_bytes());
        }
        Self(hex::encode(&hasher.finalize()[..16]))
    }
}

fn line(change: &ChangedFile) -> String {
    let content = change.content.as_deref().unwrap_or("-");
    format!("{content} {}\n", change.path)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = crate::version::VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if text.len() == 32 && is_hex {
            Ok(Self(text.to_owned()))
        } else {
            Err(crate::version::VersionError {
                text: text.to_owned(),
                expected: "a fingerprint of 32 hexadecimal digits",
            })
        }
    }
}

crate::version::serde_as_text!(Fingerprint);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ChangeClass;

    #[test]
    fn rule_2_content_alone_makes_a_fingerprint() {
        let key = |class| PullKey {
            base: "main".to_owned(),
            line: "openstack-scs2-1-34".parse().unwrap(),
            class,
        };
        let change = |path: &str, content: Option<&str>| ChangedFile {
            path: path.to_owned(),
            content: content.map(str::to_owned),
        };
        let a = || change("a", Some("100644 1"));
        let b = || change("b", Some("100644 2"));
        let of = |class, changes: &[ChangedFile]| Fingerprint::of(&key(class), changes);
        let patch = ChangeClass::NewPatch;
        assert_eq!(of(patch, &[a(), b()]), of(patch, &[b(), a()]));
        let others = [
            of(patch, &[a()]),
            of(patch, &[a(), change("b", Some("100644 3"))]),
            of(patch, &[a(), change("b", Some("100755 2"))]),
            of(patch, &[a(), change("c", Some("100644 2"))]),
            of(patch, &[change("a", None), b()]),
            of(ChangeClass::OsRelease, &[a(), b()]),
        ];
        assert!(others.iter().all(|other| *other != of(patch, &[a(), b()])));
        let text = of(patch, &[a()]).to_string();
        assert_eq!(text.parse::<Fingerprint>().unwrap(), of(patch, &[a()]));
    }
}
