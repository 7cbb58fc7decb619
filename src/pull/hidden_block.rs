//! The hidden block at the end of a pull request's body: what the program has to know of its own pull request, in a comment that
//! people do not see. The body is the only memory there is; nothing is kept on a machine.

use serde::{Deserialize, Serialize};

use super::{Fingerprint, PullKey};
use crate::gate::TestState;

/// The beginning of the comment, with the version of its form.
const MARKER: &str = "<!-- csctl-matrix:v1 ";
const END: &str = " -->";

/// What the program knows of its own pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HiddenBlock {
    /// What it is about.
    pub(crate) key: PullKey,
    /// The fingerprint of its change.
    pub(crate) fingerprint: Fingerprint,
    /// The commit of the base branch that it was made on.
    pub(crate) base: String,
    /// The commit that its branch is at, or about to be moved to.
    pub(crate) head: String,
    /// The commit that its branch was at before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
    /// Labels that were put on it, so that one that a person takes away is not put back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) labels: Vec<String>,
    /// The results of the tests of its commit, by name: they are not run again for the same change on the same base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tests: Vec<(String, TestState)>,
    /// A change whose tests were red, and what was red: the default is held back instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) red: Option<(Fingerprint, String)>,
    /// The title as the program would have it: another one is a person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// The checksum of the text as the program wrote it: another one has a person's words in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// Whether its branch is kept by commits on top, as it may not be moved otherwise.
    #[serde(default, skip_serializing_if = "is_not")]
    pub(crate) appends: bool,
    /// Whether the repository has no drafts.
    #[serde(default, skip_serializing_if = "is_not")]
    pub(crate) without_drafts: bool,
    /// Why the program closed it; nothing where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) closed: Option<String>,
    /// The program's version.
    pub(crate) tool: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it skips by reference"
)]
fn is_not(value: &bool) -> bool {
    !*value
}

impl HiddenBlock {
    /// Returns a block that tells of a change, and of nothing that was done for it yet.
    pub(crate) fn new(key: &PullKey, fingerprint: Fingerprint) -> Self {
        Self {
            key: key.clone(),
            fingerprint,
            base: String::new(),
            head: String::new(),
            previous: None,
            labels: Vec::new(),
            tests: Vec::new(),
            red: None,
            title: None,
            text: None,
            appends: false,
            without_drafts: false,
            closed: None,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Returns the comment.
    pub(crate) fn render(&self) -> String {
        // Texts, lists and truth values can always be written.
        let json = serde_json::to_string(self).unwrap_or_default();
        // Two dashes or an angle bracket could end the comment; JSON has another spelling for both.
        let safe = json.replace('-', "\\u002d").replace('>', "\\u003e");
        format!("{MARKER}{safe}{END}")
    }

    /// Finds the last block of a body; one of another version, or one that somebody wrote into, is none.
    pub(crate) fn find(body: &str) -> Option<Self> {
        // People may write above the block, and quote another one.
        let (_, rest) = body.rsplit_once(MARKER)?;
        let (json, _) = rest.split_once(END)?;
        serde_json::from_str(json).ok()
    }

    /// Takes a body apart: what people see, before the block and after it, and the block where it is sound.
    pub(crate) fn split(body: &str) -> (String, Option<Self>) {
        let Some((before, rest)) = body.rsplit_once(MARKER) else {
            return (body.to_owned(), None);
        };
        let (_, after) = rest.split_once(END).unwrap_or_default();
        let visible = match (before.trim(), after.trim()) {
            (before, "") => before.to_owned(),
            ("", after) => after.to_owned(),
            (before, after) => format!("{before}\n\n{after}"),
        };
        (visible, Self::find(body))
    }

    /// Tells whether a commit is one that the program put on its branch.
    pub(crate) fn knows(&self, commit: &str) -> bool {
        self.head == commit || self.previous.as_deref() == Some(commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ChangeClass;

    const WRITTEN: &str = concat!(
        r#"<!-- csctl-matrix:v1 {"key":{"base":"maint/scs2\u002d\u002d1\u002d34","line":"openstack\u002dscs2\u002d1\u002d34","class":"new\u002dpatch"},"#,
        r#""fingerprint":"cb5b0fbf58ac0a63cb32101333f3cc23","base":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","#,
        r#""head":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","labels":["\u002d\u002d\u003e"],"tests":[["e2e | \u002d\u002d\u003e x","passed"]],"#,
        r#""closed":"no \u002d\u002d\u003e longer","tool":"0.1.0"} -->"#,
    );

    fn block() -> HiddenBlock {
        let key = PullKey {
            base: "maint/scs2--1-34".to_owned(),
            line: "openstack-scs2-1-34".parse().unwrap(),
            class: ChangeClass::NewPatch,
        };
        HiddenBlock {
            base: "a".repeat(40),
            head: "b".repeat(40),
            labels: vec!["-->".to_owned()],
            tests: vec![("e2e | --> x".to_owned(), TestState::Passed)],
            closed: Some("no --> longer".to_owned()),
            ..HiddenBlock::new(&key, Fingerprint::of(&key, &[]))
        }
    }

    #[test]
    fn rule_2_a_block_reads_back_from_any_body_around_it() {
        let comment = block().render();
        assert_eq!(comment.matches("--").count(), 2, "{comment}");
        for body in [
            comment.clone(),
            format!("Text\r\n\r\n{comment}\r\n"),
            format!("{comment}\nwritten below by a person"),
            format!("{MARKER}{{}}{END}\n{comment}"),
        ] {
            assert_eq!(HiddenBlock::find(&body), Some(block()), "{body}");
        }
    }

    /// Pull requests that are open today were written by earlier versions.
    #[test]
    fn a_block_that_an_earlier_version_wrote_is_known() {
        let written = HiddenBlock {
            tool: "0.1.0".to_owned(),
            ..block()
        };
        assert_eq!(HiddenBlock::find(WRITTEN), Some(written));
    }

    #[test]
    fn a_block_of_another_version_or_a_broken_one_is_none() {
        let comment = block().render();
        for body in [
            String::new(),
            comment.replace(":v1", ":v2"),
            comment.replace("fingerprint", "thumbprint"),
            comment[..comment.len() - 10].to_owned(),
        ] {
            assert_eq!(HiddenBlock::find(&body), None, "{body}");
        }
    }
}
