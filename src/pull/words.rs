//! Which words of a pull request are the program's own and which are a person's: nobody's are replaced. What the program wrote is known
//! again by what the hidden block remembers of it.

use super::{HiddenBlock, Proposal, PullRequest};
use crate::version::Sha256;

/// What stands between the words of people and the program's text, where there are both.
const TEXT_MARKER: &str = "<!-- csctl-matrix:text -->";

/// The most that a forge takes, with room for the hidden block.
const LONGEST: usize = 55_000;

/// What a pull request is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// The title to write; nothing where the one that is there stays.
    pub(crate) title: Option<String>,
    /// The title to remember.
    pub(crate) own_title: String,
    /// What people see of the body.
    pub(crate) visible: String,
    /// The checksum of the program's text to remember.
    pub(crate) own_text: String,
    /// Whether the body says something else now.
    pub(crate) is_new: bool,
}

impl Words {
    /// Returns what a new pull request says.
    pub(crate) fn of(proposal: &Proposal) -> Self {
        Self {
            title: Some(proposal.title.clone()),
            own_title: proposal.title.clone(),
            visible: proposal.body.clone(),
            own_text: checksum(&proposal.body),
            is_new: true,
        }
    }

    /// Returns what a pull request that is there is to say. `subject` is that of its branch's commit, which tells the program's title where
    /// the block is gone.
    pub(crate) fn beside(pull: &PullRequest, proposal: &Proposal, subject: Option<&str>) -> Self {
        let (shown, found) = HiddenBlock::split(&plain(&pull.body));
        let block = found.as_ref();
        let text = text(&shown, block, proposal);
        let title = title(pull, block, proposal, subject);
        Self {
            title: title.to_write,
            own_title: title.own,
            is_new: plain(&text.visible) != plain(&shown),
            visible: text.visible,
            own_text: text.own_checksum,
        }
    }
}

struct Text {
    visible: String,
    /// The checksum of the program's part of it.
    own_checksum: String,
}

/// Returns what people are to see, and what of it is the program's.
fn text(shown: &str, block: Option<&HiddenBlock>, proposal: &Proposal) -> Text {
    let (theirs, own) = shown.rsplit_once(TEXT_MARKER).unwrap_or(("", shown));
    let remembered = block.and_then(|block| block.text.as_deref());
    let is_own = match (block, remembered) {
        (Some(_), Some(remembered)) => checksum(own) == remembered,
        // An earlier version remembered no text.
        (Some(_), None) => true,
        // Without the block nobody knows what the program wrote: every word may be a person's.
        (None, _) => own.trim().is_empty(),
    };
    let kept = if is_own { theirs } else { shown }.trim();
    let is_same_change = block.is_some_and(|block| block.fingerprint == proposal.fingerprint);
    let is_too_long = kept.len() + proposal.body.len() > LONGEST;
    // What a person made of the text stays until the change is another one, and is never cut.
    if !is_own && (is_same_change || is_too_long) {
        return Text {
            visible: shown.to_owned(),
            own_checksum: remembered.map_or_else(|| checksum(&proposal.body), str::to_owned),
        };
    }
    let visible = if kept.is_empty() {
        proposal.body.clone()
    } else {
        format!("{kept}\n\n{TEXT_MARKER}\n{}", proposal.body)
    };
    Text {
        visible,
        own_checksum: checksum(&proposal.body),
    }
}

struct Title {
    /// The title to write; nothing where the one that is there stays.
    to_write: Option<String>,
    /// The one to remember.
    own: String,
}

fn title(
    pull: &PullRequest,
    block: Option<&HiddenBlock>,
    proposal: &Proposal,
    subject: Option<&str>,
) -> Title {
    let wanted = &proposal.title;
    let remembered = block.and_then(|block| block.title.as_deref());
    let is_own = pull.title == *wanted
        || match (block, remembered) {
            (Some(_), Some(remembered)) => pull.title == remembered,
            // An earlier version remembered no title, and kept that of the same change.
            (Some(block), None) => block.fingerprint != proposal.fingerprint,
            (None, _) => subject == Some(pull.title.as_str()),
        };
    if is_own {
        Title {
            to_write: (*wanted != pull.title).then(|| wanted.clone()),
            own: wanted.clone(),
        }
    } else {
        Title {
            to_write: None,
            own: remembered.unwrap_or(wanted).to_owned(),
        }
    }
}

/// Forges change line endings and outer space.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

fn checksum(text: &str) -> String {
    Sha256::of(plain(text).as_bytes()).to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ChangeClass;
    use crate::pull::{ChangedFile, Fingerprint, PullKey};

    fn key() -> PullKey {
        PullKey {
            base: "main".to_owned(),
            line: "openstack-scs2-1-34".parse().unwrap(),
            class: ChangeClass::NewPatch,
        }
    }

    fn proposal(version: &str) -> Proposal {
        let change = ChangedFile {
            path: version.to_owned(),
            content: None,
        };
        Proposal {
            fingerprint: Fingerprint::of(&key(), &[change]),
            title: format!("Move to {version}"),
            body: format!("It moves to {version}."),
            base: "main".to_owned(),
            stands_on: "b".repeat(40),
            labels: Vec::new(),
            is_draft: None,
        }
    }

    fn block(proposal: &Proposal, words: &Words) -> HiddenBlock {
        HiddenBlock {
            base: proposal.stands_on.clone(),
            head: "c".repeat(40),
            title: Some(words.own_title.clone()),
            text: Some(words.own_text.clone()),
            ..HiddenBlock::new(&key(), proposal.fingerprint.clone())
        }
    }

    fn pull(title: &str, body: String) -> PullRequest {
        PullRequest {
            number: 1,
            title: title.to_owned(),
            body,
            ..PullRequest::default()
        }
    }

    /// The pull request that the program has opened, with what people then make of its title and of what they see.
    fn edited(title: &str, edit: impl Fn(&str) -> String) -> PullRequest {
        let first = proposal("v1");
        let words = Words::of(&first);
        let block = block(&first, &words).render();
        pull(title, format!("{}\r\n\r\n{block}", edit(&words.visible)))
    }

    #[test]
    fn untouched_words_are_brought_up_to_date() {
        let pull = edited("Move to v1", str::to_owned);
        let same = Words::beside(&pull, &proposal("v1"), None);
        assert!(!same.is_new && same.title.is_none());
        let next = Words::beside(&pull, &proposal("v2"), None);
        assert_eq!(next.title.as_deref(), Some("Move to v2"));
        assert_eq!(next.visible, "It moves to v2.");
    }

    #[test]
    fn a_person_s_title_and_words_stay() {
        let pull = edited("Urgent!", |text| format!("Please wait.\n\n{text}"));
        let same = Words::beside(&pull, &proposal("v1"), None);
        assert!(!same.is_new && same.title.is_none(), "{same:?}");
        let second = proposal("v2");
        let next = Words::beside(&pull, &second, None);
        assert_eq!(next.title, None);
        assert!(next.visible.starts_with("Please wait.\n\nIt moves to v1."));
        assert!(next.visible.ends_with("It moves to v2."));
        // From then on the program's own part is replaced, and the person's stays.
        let body = format!("{}\n\n{}", next.visible, block(&second, &next).render());
        let third = Words::beside(&super::tests::pull("Urgent!", body), &proposal("v3"), None);
        assert!(third.visible.starts_with("Please wait.\n\nIt moves to v1."));
        assert!(third.visible.ends_with("It moves to v3.") && !third.visible.contains("v2"));
        assert_eq!(third.title, None);
    }

    #[test]
    fn an_emptied_text_stays_empty_for_the_same_change() {
        let pull = edited("Move to v1", |_| String::new());
        assert!(!Words::beside(&pull, &proposal("v1"), None).is_new);
        let next = Words::beside(&pull, &proposal("v2"), None);
        assert_eq!(next.visible, "It moves to v2.");
    }

    #[test]
    fn without_the_block_the_title_of_a_person_stays() {
        let emptied = pull("Urgent!", String::new());
        let words = Words::beside(&emptied, &proposal("v2"), Some("Move to v1"));
        assert_eq!(
            (words.title, words.visible.as_str()),
            (None, "It moves to v2.")
        );
        let own = pull("Move to v1", "Words of a person".to_owned());
        let words = Words::beside(&own, &proposal("v2"), Some("Move to v1"));
        assert_eq!(words.title.as_deref(), Some("Move to v2"));
        assert!(words.visible.starts_with("Words of a person"));
    }
}
