//! What is to be done about one pull request: a pure function of what is seen at the forge and what is wanted. Whoever carries a
//! decision out does nothing else, and looks again when the forge says that something has changed.

use serde::Serialize;

use super::{Block, Fingerprint, Words};

/// What is seen of one key at the forge and in git.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// The key's branch; nothing where there is none.
    pub branch: Option<Branch>,
    /// All pull requests of the branch, the newest first.
    pub pulls: Vec<Pull>,
    /// The base branch of the key.
    pub base: String,
}

/// A branch of the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The commit it is at.
    pub head: String,
    /// Whether that commit is a merge of the base branch into a commit the block knows, made by the forge.
    pub is_merge_of_base: bool,
    /// Whether the commit proves itself: it carries the fingerprint of its own content, on top of a commit of the base branch.
    pub is_proved: bool,
    /// Whether its files are those that the proposal's commit has.
    pub has_wanted_files: bool,
    /// The first line of that commit's message.
    pub subject: Option<String>,
}

/// A pull request of the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its state.
    pub state: PullState,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// The branch it goes to.
    pub base: String,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
    /// The commit that it is at, or was when it was closed.
    pub head: Option<String>,
    /// Whether that commit has the very files that are wanted; looked at where the body of a closed one does not tell what it was.
    pub has_wanted_files: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether the forge has it in a merge queue.
    pub is_queued: bool,
}

/// The state of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullState {
    /// It is open.
    Open,
    /// It was closed without being merged.
    Closed,
    /// It was merged.
    Merged,
}

/// What a pull request should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The fingerprint of its change.
    pub fingerprint: Fingerprint,
    /// Its title.
    pub title: String,
    /// Its body without the hidden block.
    pub body: String,
    /// The branch it goes to.
    pub base: String,
    /// The commit of that branch that it was made and tested on.
    pub stands_on: String,
    /// Labels that it gets when it is opened, and new ones later.
    pub labels: Vec<String>,
    /// Whether it is to be a draft; nothing where that is left as it is.
    pub is_draft: Option<bool>,
}

/// Labels by which people speak to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// On an open pull request: leave it alone.
    pub stop: String,
    /// On a closed one: ask again. On an edited one: take it back.
    pub again: String,
}

/// Why a pull request that is open should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause(pub String);

/// What is to be done about one pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is wanted and nothing is there.
    Nothing,
    /// It is as it should be.
    Current {
        /// Its number.
        number: u64,
    },
    /// It is opened.
    Open {
        /// Whether the branch is there already and only needs the pull request: a run was stopped in between.
        has_branch: bool,
    },
    /// It is brought up to date.
    Refresh {
        /// Its number.
        number: u64,
        /// Whether its branch moves to a new commit.
        moves: bool,
        /// Whether title, body or base change.
        writes_text: bool,
        /// Labels to add.
        labels: Vec<String>,
        /// Whether it becomes a draft, or stops being one.
        draft: Option<bool>,
    },
    /// It is closed, as its reason is gone.
    Close {
        /// Its number.
        number: u64,
        /// Why.
        cause: Cause,
        /// Whether its branch is deleted afterwards.
        deletes_branch: bool,
    },
    /// Its branch holds a person's commits: it is left alone.
    Edited(Edited),
    /// A person closed this very change.
    Silenced {
        /// The closed pull request.
        number: u64,
    },
    /// A label says to leave it alone.
    Stopped {
        /// Its number.
        number: u64,
    },
    /// The forge is about to merge it.
    Queued {
        /// Its number.
        number: u64,
    },
    /// The branch is there, without a pull request, and somebody else's.
    ForeignBranch,
    /// A left-over branch of our own without a pull request and without a reason is deleted.
    Sweep,
}

impl Decision {
    /// Tells whether it is carried out by changing something at the forge.
    pub fn writes(&self) -> bool {
        match self {
            Self::Open { .. }
            | Self::Refresh { .. }
            | Self::Close { .. }
            | Self::Edited(_)
            | Self::Sweep => true,
            Self::Nothing
            | Self::Current { .. }
            | Self::Silenced { .. }
            | Self::Stopped { .. }
            | Self::Queued { .. }
            | Self::ForeignBranch => false,
        }
    }
}

/// A pull request that a person has edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Its number.
    pub number: u64,
    /// Whether what the program would propose is on the branch all the same.
    pub has_wanted_files: bool,
    /// Whether the reason for it is gone.
    pub is_unwanted: bool,
}

/// Decides what is to be done. `wanted` is the proposal, or why there is none.
pub fn decide(observed: &Observed, wanted: Result<&Proposal, &Cause>, labels: &Labels) -> Decision {
    match find_open(&observed.pulls, &observed.base) {
        Some(pull) => decide_open(observed, pull, wanted, labels),
        None => decide_closed(observed, wanted, labels),
    }
}

/// Finds the open pull request of a key. A person may have opened another one of the same branch, to another base: it has no block,
/// and is left alone.
pub fn find_open<'p>(pulls: &'p [Pull], base: &str) -> Option<&'p Pull> {
    let mut open = pulls.iter().filter(|pull| pull.state == PullState::Open);
    let of_base = open.clone().find(|pull| pull.base == base);
    of_base.or_else(|| open.find(|pull| Block::find(&pull.body).is_some()))
}

/// A planned change before its tests: what it is, and where.
#[derive(Debug, Clone, Copy)]
pub struct Untested<'a> {
    /// The fingerprint of the change.
    pub fingerprint: &'a Fingerprint,
    /// The commit of the base branch that it is made on.
    pub stands_on: &'a str,
}

/// Decides what needs no test of a change: what people have stopped, refused or taken over stays theirs whatever comes of a test. Nothing
/// where a test has to tell.
pub fn decide_untested(
    observed: &Observed,
    change: Untested<'_>,
    labels: &Labels,
) -> Option<Decision> {
    if let Some(pull) = find_open(&observed.pulls, &observed.base) {
        let edited = Decision::Edited(Edited {
            number: pull.number,
            has_wanted_files: false,
            is_unwanted: false,
        });
        let is_foreign = !is_own(observed, pull, labels);
        return stopped(pull, labels).or_else(|| is_foreign.then_some(edited));
    }
    let is_refused = |pull: &&Pull| {
        let block = Block::find(&pull.body);
        // Where its tests were red on this very base, what was proposed of it was refused.
        let was_red = block.as_ref().is_some_and(|block| {
            let red = block.red.as_ref();
            red.is_some_and(|(red, _)| red == change.fingerprint) && block.base == change.stands_on
        });
        is_of_change(pull, change.fingerprint) || was_red
    };
    silenced(observed, labels, is_refused).or_else(|| {
        let is_foreign = observed.branch.is_some() && !is_own_branch(observed);
        is_foreign.then_some(Decision::ForeignBranch)
    })
}

/// Tells whether people, or a queue, keep an open pull request as it is.
fn stopped(pull: &Pull, labels: &Labels) -> Option<Decision> {
    let number = pull.number;
    if has_label(&pull.labels, &labels.stop) {
        Some(Decision::Stopped { number })
    } else {
        pull.is_queued.then_some(Decision::Queued { number })
    }
}

/// Tells whether the branch of an open pull request is the program's own, or is handed back to it.
fn is_own(observed: &Observed, pull: &Pull, labels: &Labels) -> bool {
    let block = Block::find(&pull.body);
    let is_taken_back = has_label(&pull.labels, &labels.again);
    observed.branch.as_ref().is_some_and(|branch| {
        let is_known = block.is_some_and(|block| block.knows(&branch.head));
        is_known || branch.is_merge_of_base || branch.is_proved || is_taken_back
    })
}

/// Tells whether a label is there, in whatever spelling: forges tell no capital letters from small ones.
fn has_label(labels: &[String], wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    labels.iter().any(|label| label.to_lowercase() == wanted)
}

fn decide_open(
    observed: &Observed,
    pull: &Pull,
    wanted: Result<&Proposal, &Cause>,
    labels: &Labels,
) -> Decision {
    let number = pull.number;
    if let Some(stopped) = stopped(pull, labels) {
        return stopped;
    }
    let block = Block::find(&pull.body);
    let is_taken_back = has_label(&pull.labels, &labels.again);
    let branch = observed.branch.as_ref();
    let has_wanted_files = branch.is_some_and(|branch| branch.has_wanted_files);
    if !is_own(observed, pull, labels) {
        return Decision::Edited(Edited {
            number,
            has_wanted_files,
            is_unwanted: wanted.is_err(),
        });
    }
    match wanted {
        Err(cause) => Decision::Close {
            number,
            cause: cause.clone(),
            deletes_branch: !is_used_elsewhere(observed, number),
        },
        Ok(proposal) => {
            match refresh(observed, pull, block.as_ref(), proposal) {
                // The label is taken away with what it asked for.
                Decision::Current { number } if is_taken_back => Decision::Refresh {
                    number,
                    moves: false,
                    writes_text: false,
                    labels: Vec::new(),
                    draft: None,
                },
                decision => decision,
            }
        }
    }
}

/// Tells whether the branch has an open pull request beside this one.
fn is_used_elsewhere(observed: &Observed, number: u64) -> bool {
    let mut pulls = observed.pulls.iter();
    pulls.any(|pull| pull.state == PullState::Open && pull.number != number)
}

fn refresh(
    observed: &Observed,
    pull: &Pull,
    block: Option<&Block>,
    proposal: &Proposal,
) -> Decision {
    let number = pull.number;
    let branch = observed.branch.as_ref();
    let has_wanted_files = branch.is_some_and(|branch| branch.has_wanted_files);
    let subject = branch.and_then(|branch| branch.subject.as_deref());
    // A label that was put on it before and is gone was taken away by a person. Without a block nobody knows which were given.
    let given = block.map_or(&proposal.labels[..], |block| &block.labels);
    let labels: Vec<String> = proposal
        .labels
        .iter()
        .filter(|label| !has_label(&pull.labels, label) && !has_label(given, label))
        .cloned()
        .collect();
    let is_same_change = block.is_some_and(|block| block.fingerprint == proposal.fingerprint);
    let words = Words::beside(pull, proposal, subject);
    // A person opened again what the program had closed: closing it is a person's no from now on.
    let is_taken_up = block.is_some_and(|block| block.closed.is_some());
    // The base may have moved without a change of files, or may have been merged into the branch. The tests are those of its commit
    // now, and are remembered with it.
    let is_same_base = block.is_some_and(|block| block.base == proposal.stands_on);
    let is_same_text = is_same_change
        && is_same_base
        && !is_taken_up
        && pull.base == proposal.base
        && words.title.is_none()
        && !words.is_new;
    let has_drafts = block.is_none_or(|block| !block.without_drafts);
    let draft = proposal
        .is_draft
        .filter(|is_draft| has_drafts && *is_draft != pull.is_draft);
    let moves = !has_wanted_files;
    let is_noted = proposal.labels.iter().all(|label| has_label(given, label));
    let writes_text = moves || !is_same_text || !is_noted;
    if !moves && !writes_text && labels.is_empty() && draft.is_none() {
        return Decision::Current { number };
    }
    Decision::Refresh {
        number,
        moves,
        writes_text,
        labels,
        draft,
    }
}

fn decide_closed(
    observed: &Observed,
    wanted: Result<&Proposal, &Cause>,
    labels: &Labels,
) -> Decision {
    let Ok(proposal) = wanted else {
        return match &observed.branch {
            Some(branch) if is_left_over(observed, branch) => Decision::Sweep,
            Some(_) | None => Decision::Nothing,
        };
    };
    let of_this_change = |pull: &&Pull| is_of_change(pull, &proposal.fingerprint);
    if let Some(silenced) = silenced(observed, labels, of_this_change) {
        return silenced;
    }
    match &observed.branch {
        Some(_) if !is_own_branch(observed) => Decision::ForeignBranch,
        // What was merged and taken back on the base is no new commit there.
        Some(branch) => Decision::Open {
            has_branch: branch.has_wanted_files && !is_merged(observed, branch),
        },
        None => Decision::Open { has_branch: false },
    }
}

/// Finds the newest closed pull request by which a person refused a change, unless it is asked for again.
fn silenced(
    observed: &Observed,
    labels: &Labels,
    is_refused: impl Fn(&&Pull) -> bool,
) -> Option<Decision> {
    let mut refusals = observed.pulls.iter().filter(|pull| is_refusal(pull));
    let pull = refusals.find(is_refused)?;
    let number = pull.number;
    (!has_label(&pull.labels, &labels.again)).then_some(Decision::Silenced { number })
}

/// Tells whether a pull request is of a change: by its body, or by the files of its commit where the body tells of something else.
fn is_of_change(pull: &Pull, fingerprint: &Fingerprint) -> bool {
    let block = Block::find(&pull.body);
    pull.has_wanted_files || block.is_some_and(|block| block.fingerprint == *fingerprint)
}

fn is_own_branch(observed: &Observed) -> bool {
    let branch = observed.branch.as_ref();
    branch.is_some_and(|branch| branch.is_proved || branch.is_merge_of_base || is_known(observed))
}

/// Tells whether the branch is at a commit that a closed pull request knows.
fn is_known(observed: &Observed) -> bool {
    let Some(branch) = &observed.branch else {
        return false;
    };
    let blocks = observed
        .pulls
        .iter()
        .filter_map(|pull| Block::find(&pull.body));
    blocks.into_iter().any(|block| block.knows(&branch.head))
}

/// Tells whether a run was stopped before it opened a pull request of the branch, or before it deleted the branch of one that it
/// closed.
fn is_left_over(observed: &Observed, branch: &Branch) -> bool {
    let mut blocks = observed
        .pulls
        .iter()
        .filter_map(|pull| Block::find(&pull.body));
    let is_of_closed = blocks.any(|block| block.closed.is_some() && block.knows(&branch.head));
    (branch.is_proved || is_of_closed) && !is_used_elsewhere(observed, 0)
}

/// Tells whether the branch is at a commit that was merged.
fn is_merged(observed: &Observed, branch: &Branch) -> bool {
    let merged = observed.pulls.iter();
    let merged = merged.filter(|pull| pull.state == PullState::Merged);
    let mut blocks = merged.filter_map(|pull| Block::find(&pull.body));
    blocks.any(|block| block.knows(&branch.head))
}

/// Finds the newest of these pull requests that a person closed, with none merged since: the next one says that it follows it.
pub fn refused(pulls: &[Pull]) -> Option<u64> {
    let mut newer = pulls
        .iter()
        .take_while(|pull| pull.state != PullState::Merged);
    Some(newer.find(|pull| is_refusal(pull))?.number)
}

/// Tells whether a person closed a pull request of ours: the program says so in the block where it closes one itself.
fn is_refusal(pull: &Pull) -> bool {
    let block = Block::find(&pull.body);
    let is_of_person = block.map_or(pull.has_wanted_files, |block| block.closed.is_none());
    pull.state == PullState::Closed && is_of_person
}

#[cfg(test)]
mod tests;
