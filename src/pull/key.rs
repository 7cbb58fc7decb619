//! The key of a pull request and the branch that follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::Digest;

use crate::policy::ChangeClass;
use crate::version::StackLine;

/// What a pull request is about: there is one branch and at most one open pull request for each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PullKey {
    /// The branch it goes to.
    pub(crate) base: String,
    /// The stack line it changes.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) line: StackLine,
    /// The class of its change.
    pub(crate) class: ChangeClass,
}

/// Git takes longer names; file systems and people do not.
const LONGEST: usize = 120;

impl PullKey {
    /// Returns its branch: a pure function of the prefix and the key, without a day, a random value or a version.
    pub(crate) fn branch(&self, prefix: &str) -> String {
        let base = self.base.replace('/', "-");
        let full = format!(
            "{prefix}/{base}/{}-{}/{}/{}",
            self.line.provider,
            self.line.name,
            self.line.minor.dashed(),
            self.class
        );
        let clean = sanitised(&full);
        // Two keys never share a branch: what was changed is told apart by its checksum.
        let is_plain = clean == full && !self.base.contains('/') && clean.len() <= LONGEST;
        if is_plain {
            return clean;
        }
        let whole = format!("{prefix}\n{self}");
        let sum = sha2::Sha256::digest(whole.as_bytes());
        let mark = hex::encode(&sum[..4]);
        let mut cut = clean;
        // `truncate` cuts at bytes; what was sanitised is ASCII.
        cut.truncate(LONGEST - mark.len() - 1);
        format!("{}-{mark}", cut.trim_end_matches(['/', '.', '-']))
    }
}

/// Returns a name that git takes as a branch: see git-check-ref-format.
fn sanitised(name: &str) -> String {
    let kept = name.replace(
        |c: char| !c.is_ascii_alphanumeric() && !"._-/".contains(c),
        "-",
    );
    let parts = kept.split('/').filter(|part| !part.is_empty());
    parts.map(sanitised_part).collect::<Vec<_>>().join("/")
}

/// Git takes no part that begins with a dot, has two in a row, or ends in `.lock`.
fn sanitised_part(part: &str) -> String {
    let mut clean = part.trim_matches(['.', '-']).replace("..", ".-");
    if clean.is_empty() || clean.strip_suffix(".lock").is_some() {
        clean.push('-');
    }
    clean
}

impl fmt::Display for PullKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.base, self.line, self.class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(base: &str, class: ChangeClass) -> PullKey {
        PullKey {
            base: base.to_owned(),
            line: "openstack-scs2-1-34".parse().unwrap(),
            class,
        }
    }

    #[test]
    fn rule_1_a_branch_is_a_pure_function_of_its_key() {
        let patch = key("main", ChangeClass::NewPatch);
        assert_eq!(
            patch.branch("csctl-matrix"),
            "csctl-matrix/main/openstack-scs2/1-34/new-patch"
        );
        assert_eq!(patch.branch("csctl-matrix"), patch.branch("csctl-matrix"));
    }

    #[test]
    fn rule_1_names_are_sanitised_capped_and_never_shared() {
        let bases = [
            "main",
            "maint/scs2-1-34",
            "maint-scs2-1-34",
            "a b",
            "a~b",
            "ä",
            "x.lock",
            "..",
            &"long/".repeat(80),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for base in bases {
            let branch = key(base, ChangeClass::OsRelease).branch("csctl-matrix");
            assert!(branch.len() <= LONGEST, "{branch}");
            let reference = format!("refs/heads/{branch}");
            assert!(git2::Reference::is_valid_name(&reference), "{branch}");
            assert!(seen.insert(branch.clone()), "{branch} twice");
        }
    }
}
