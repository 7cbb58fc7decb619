//! What is to be done about one pull request: a pure function of what is seen at the forge and what is wanted. Whoever carries an action
//! out does nothing else, and looks again when the forge says that something has changed.

use std::collections::BTreeSet;
use std::fmt;

use super::{Fingerprint, HiddenBlock, Proposal, PullKey, PullRequest, PullState, Words};

/// What is seen of one key at the forge and in git.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    /// The key's branch; nothing where there is none.
    pub(crate) branch: Option<Branch>,
    /// All pull requests of the branch, the newest first.
    pub(crate) pulls: Vec<PullRequest>,
    /// Closed ones whose commit has the very files that are wanted; looked at where the body does not tell what it was.
    pub(crate) with_wanted_files: BTreeSet<u64>,
    /// The base branch of the key.
    pub(crate) base: String,
}

/// A branch of the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    /// The commit it is at.
    pub(crate) head: String,
    /// Whether that commit is a merge of the base branch into a commit the block knows, made by the forge.
    pub(crate) is_merge_of_base: bool,
    /// Whether the commit proves itself: it carries the fingerprint of its own content, on top of a commit of the base branch.
    pub(crate) is_proved: bool,
    /// Whether its files are those that the proposal's commit has.
    pub(crate) has_wanted_files: bool,
    /// The first line of that commit's message.
    pub(crate) subject: Option<String>,
}

/// Labels by which people speak to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labels {
    /// On an open pull request: leave it alone.
    pub(crate) stop: String,
    /// On a closed one: ask again. On an edited one: take it back.
    pub(crate) again: String,
}

/// That the change of a key is no longer needed, which is why a pull request that is open should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoLongerNeeded(pub PullKey);

impl fmt::Display for NoLongerNeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PullKey { base, line, class } = &self.0;
        write!(f, "no longer needed on {base} ({class} of {line})")
    }
}

/// What is to be done about one pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing is wanted and nothing is there.
    Nothing,
    /// It is as it should be.
    Keep {
        number: u64,
    },
    Open {
        /// Whether the branch is there already and only needs the pull request: a run was stopped in between.
        has_branch: bool,
    },
    Refresh(Refresh),
    /// It is closed, as its reason is gone.
    Close {
        number: u64,
        cause: NoLongerNeeded,
        deletes_branch: bool,
    },
    /// Its branch holds a person's commits: it is left alone.
    LeaveEdited {
        number: u64,
        state: EditedState,
    },
    /// A person closed this very change.
    Silenced {
        number: u64,
    },
    /// A label says to leave it alone.
    Stopped {
        number: u64,
    },
    /// The forge is about to merge it.
    Queued {
        number: u64,
    },
    /// The branch is there, without a pull request, and somebody else's.
    ForeignBranch,
    /// A left-over branch of our own without a pull request and without a reason is deleted.
    Sweep,
}

/// What changes of a pull request that is brought up to date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refresh {
    pub(crate) number: u64,
    /// Whether its branch moves to a new commit.
    pub(crate) moves: bool,
    /// Whether title, body or base change.
    pub(crate) writes_text: bool,
    /// Labels to add.
    pub(crate) labels: Vec<String>,
    /// Whether it becomes a draft, or stops being one.
    pub(crate) draft: Option<bool>,
}

/// How a branch that a person has edited stands to what would be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EditedState {
    NotNeeded,
    HasWantedFiles,
    Differs,
}

impl Action {
    /// Tells whether it is carried out by changing something at the forge.
    pub(crate) fn writes(&self) -> bool {
        match self {
            Self::Open { .. }
            | Self::Refresh(_)
            | Self::Close { .. }
            | Self::LeaveEdited { .. }
            | Self::Sweep => true,
            Self::Nothing
            | Self::Keep { .. }
            | Self::Silenced { .. }
            | Self::Stopped { .. }
            | Self::Queued { .. }
            | Self::ForeignBranch => false,
        }
    }
}

/// A planned change before its tests: what it is, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Untested<'a> {
    pub(crate) fingerprint: &'a Fingerprint,
    /// The commit of the base branch that it is made on.
    pub(crate) stands_on: &'a str,
}

/// Decides what is to be done. `wanted` is the proposal, or why there is none.
pub(crate) fn decide(
    observed: &Observed,
    wanted: Result<&Proposal, &NoLongerNeeded>,
    labels: &Labels,
) -> Action {
    match observed.find_open() {
        Some(pull) => decide_open(observed, pull, wanted, labels),
        None => decide_without_open(observed, wanted, labels),
    }
}

/// Decides what needs no test of a change: what people have stopped, refused or taken over stays theirs whatever comes of a test. Nothing
/// where a test has to tell.
pub(crate) fn decide_untested(
    observed: &Observed,
    change: Untested<'_>,
    labels: &Labels,
) -> Option<Action> {
    if let Some(pull) = observed.find_open() {
        return stopped(pull, labels).or_else(|| {
            let edited = Action::LeaveEdited {
                number: pull.number,
                state: EditedState::Differs,
            };
            (!observed.is_own_pull(pull, labels)).then_some(edited)
        });
    }
    // Where its tests were red on this very base, what was proposed of it was refused.
    let silenced = observed.silenced(labels, |pull| {
        observed.is_of_change(pull, change.fingerprint) || was_red_on_same_base(pull, change)
    });
    match (silenced, observed.branch_owner()) {
        (Some(number), _) => Some(Action::Silenced { number }),
        (None, Some(Owner::SomebodyElse)) => Some(Action::ForeignBranch),
        (None, Some(Owner::Program) | None) => None,
    }
}

fn decide_open(
    observed: &Observed,
    pull: &PullRequest,
    wanted: Result<&Proposal, &NoLongerNeeded>,
    labels: &Labels,
) -> Action {
    let number = pull.number;
    if let Some(stopped) = stopped(pull, labels) {
        return stopped;
    }
    match (observed.is_own_pull(pull, labels), wanted) {
        (false, Err(_)) => Action::LeaveEdited {
            number,
            state: EditedState::NotNeeded,
        },
        (false, Ok(_)) if observed.has_wanted_files() => Action::LeaveEdited {
            number,
            state: EditedState::HasWantedFiles,
        },
        (false, Ok(_)) => Action::LeaveEdited {
            number,
            state: EditedState::Differs,
        },
        (true, Err(cause)) => Action::Close {
            number,
            cause: cause.clone(),
            // A person's pull request to another base may need the branch.
            deletes_branch: !observed.has_open_beside(Some(number)),
        },
        (true, Ok(proposal)) => match refresh(observed, pull, proposal) {
            Some(refresh) => Action::Refresh(refresh),
            // The label is taken away with what it asked for.
            None if has_label(&pull.labels, &labels.again) => Action::Refresh(Refresh {
                number,
                ..Refresh::default()
            }),
            None => Action::Keep { number },
        },
    }
}

fn decide_without_open(
    observed: &Observed,
    wanted: Result<&Proposal, &NoLongerNeeded>,
    labels: &Labels,
) -> Action {
    let Ok(proposal) = wanted else {
        return if observed.is_left_over() {
            Action::Sweep
        } else {
            Action::Nothing
        };
    };
    let silenced = observed.silenced(labels, |pull| {
        observed.is_of_change(pull, &proposal.fingerprint)
    });
    match (silenced, observed.branch_owner()) {
        (Some(number), _) => Action::Silenced { number },
        (None, Some(Owner::SomebodyElse)) => Action::ForeignBranch,
        (None, Some(Owner::Program)) => Action::Open {
            // What was merged and taken back on the base is no new commit there.
            has_branch: observed.has_wanted_files() && !observed.is_merged(),
        },
        (None, None) => Action::Open { has_branch: false },
    }
}

/// Returns what keeps an open pull request as it is: people, or a queue.
fn stopped(pull: &PullRequest, labels: &Labels) -> Option<Action> {
    let number = pull.number;
    if has_label(&pull.labels, &labels.stop) {
        Some(Action::Stopped { number })
    } else {
        pull.is_queued.then_some(Action::Queued { number })
    }
}

/// Returns what is to change of an open pull request of the program's own; nothing where it is as it should be.
fn refresh(observed: &Observed, pull: &PullRequest, proposal: &Proposal) -> Option<Refresh> {
    let found = HiddenBlock::find(&pull.body);
    let block = found.as_ref();
    // A label that was put on it before and is gone was taken away by a person. Without a block nobody knows which were given.
    let given = block.map_or(&proposal.labels[..], |block| &block.labels);
    let new_labels = proposal
        .labels
        .iter()
        .filter(|label| !has_label(&pull.labels, label) && !has_label(given, label));
    // A repository that has no drafts would refuse one in every run; the block remembers it.
    let has_drafts = block.is_none_or(|block| !block.without_drafts);
    let moves = !observed.has_wanted_files();
    let is_noted = proposal.labels.iter().all(|label| has_label(given, label));
    let refresh = Refresh {
        number: pull.number,
        moves,
        // The block names the commit of the branch and the labels that were given, so that it goes along with both.
        writes_text: moves || !is_noted || !says_the_same(observed, pull, proposal),
        labels: new_labels.cloned().collect(),
        draft: proposal
            .is_draft
            .filter(|is_draft| has_drafts && *is_draft != pull.is_draft),
    };
    let changes_nothing =
        !refresh.writes_text && refresh.labels.is_empty() && refresh.draft.is_none();
    (!changes_nothing).then_some(refresh)
}

/// Tells whether title, body and base, hidden block included, are those of a proposal.
fn says_the_same(observed: &Observed, pull: &PullRequest, proposal: &Proposal) -> bool {
    let Some(block) = HiddenBlock::find(&pull.body) else {
        return false;
    };
    let branch = observed.branch.as_ref();
    let subject = branch.and_then(|branch| branch.subject.as_deref());
    let words = Words::beside(pull, proposal, subject);
    block.fingerprint == proposal.fingerprint
        // The base may have moved without a change of files, or may have been merged into the branch. The tests are those of its
        // commit now, and are remembered with it.
        && block.base == proposal.stands_on
        // A person opened again what the program had closed: closing it is a person's no from now on.
        && block.closed.is_none()
        && pull.base.branch == proposal.base
        && words.title.is_none()
        && !words.is_new
}

/// Whose a branch without an open pull request is.
enum Owner {
    Program,
    SomebodyElse,
}

impl Observed {
    /// Finds the open pull request of the key.
    pub(crate) fn find_open(&self) -> Option<&PullRequest> {
        find_open(&self.pulls, &self.base)
    }

    fn has_wanted_files(&self) -> bool {
        let branch = self.branch.as_ref();
        branch.is_some_and(|branch| branch.has_wanted_files)
    }

    /// Tells whether the branch of an open pull request is the program's own, or is handed back to it.
    fn is_own_pull(&self, pull: &PullRequest, labels: &Labels) -> bool {
        let Some(branch) = &self.branch else {
            return false;
        };
        branch.is_proved
            || branch.is_merge_of_base
            || has_label(&pull.labels, &labels.again)
            || HiddenBlock::find(&pull.body).is_some_and(|block| block.knows(&branch.head))
    }

    fn branch_owner(&self) -> Option<Owner> {
        let branch = self.branch.as_ref()?;
        let is_own = branch.is_proved || branch.is_merge_of_base || self.knows_head(|_, _| true);
        Some(if is_own {
            Owner::Program
        } else {
            Owner::SomebodyElse
        })
    }

    /// Tells whether the branch is at a commit that the block of such a pull request knows.
    fn knows_head(&self, is_such: impl Fn(&PullRequest, &HiddenBlock) -> bool) -> bool {
        let Some(branch) = &self.branch else {
            return false;
        };
        self.pulls.iter().any(|pull| {
            HiddenBlock::find(&pull.body)
                .is_some_and(|block| is_such(pull, &block) && block.knows(&branch.head))
        })
    }

    /// Tells whether a run was stopped before it opened a pull request of the branch, or before it deleted the branch of one that it
    /// closed.
    fn is_left_over(&self) -> bool {
        let is_proved = self.branch.as_ref().is_some_and(|branch| branch.is_proved);
        let is_of_closed = self.knows_head(|_, block| block.closed.is_some());
        // Somebody's own pull request of the branch, to whichever base, still needs it.
        (is_proved || is_of_closed) && !self.has_open_beside(None)
    }

    /// Tells whether the branch is at a commit that was merged.
    fn is_merged(&self) -> bool {
        self.knows_head(|pull, _| pull.state == PullState::Merged)
    }

    /// Tells whether the branch has an open pull request beside this one.
    fn has_open_beside(&self, number: Option<u64>) -> bool {
        let mut pulls = self.pulls.iter();
        pulls.any(|pull| pull.state == PullState::Open && Some(pull.number) != number)
    }

    /// Finds the newest closed pull request by which a person refused a change, unless it is asked for again.
    fn silenced(
        &self,
        labels: &Labels,
        is_of_change: impl Fn(&PullRequest) -> bool,
    ) -> Option<u64> {
        let mut refusals = self.pulls.iter().filter(|pull| self.is_refusal(pull));
        let pull = refusals.find(|pull| is_of_change(pull))?;
        // The newest no alone counts: the label on it asks again, whatever was said before.
        (!has_label(&pull.labels, &labels.again)).then_some(pull.number)
    }

    /// Tells whether a person closed a pull request of ours, which may have lost its block.
    fn is_refusal(&self, pull: &PullRequest) -> bool {
        let has_block = HiddenBlock::find(&pull.body).is_some();
        let is_unmarked = !has_block && self.with_wanted_files.contains(&pull.number);
        is_refusal(pull) || (pull.state == PullState::Closed && is_unmarked)
    }

    /// Tells whether a pull request is of a change: by its body, or by the files of its commit where the body tells of something else.
    fn is_of_change(&self, pull: &PullRequest, fingerprint: &Fingerprint) -> bool {
        let block = HiddenBlock::find(&pull.body);
        self.with_wanted_files.contains(&pull.number)
            || block.is_some_and(|block| block.fingerprint == *fingerprint)
    }
}

/// Finds the open pull request of a key. A person may have opened another one of the same branch, to another base: it has no block,
/// and is left alone.
pub(crate) fn find_open<'p>(pulls: &'p [PullRequest], base: &str) -> Option<&'p PullRequest> {
    let mut open = pulls.iter().filter(|pull| pull.state == PullState::Open);
    let of_base = open.clone().find(|pull| pull.base.branch == base);
    // A person may have changed the base of ours, and the block tells that it is ours.
    of_base.or_else(|| open.find(|pull| HiddenBlock::find(&pull.body).is_some()))
}

/// Finds the newest of these pull requests that a person closed, with none merged since: the next one says that it follows it.
pub(crate) fn last_refusal(pulls: &[PullRequest]) -> Option<u64> {
    let mut newer = pulls
        .iter()
        .take_while(|pull| pull.state != PullState::Merged);
    Some(newer.find(|pull| is_refusal(pull))?.number)
}

/// Tells whether a person closed a pull request of ours: the program says so in the block where it closes one itself.
fn is_refusal(pull: &PullRequest) -> bool {
    let block = HiddenBlock::find(&pull.body);
    pull.state == PullState::Closed && block.is_some_and(|block| block.closed.is_none())
}

fn was_red_on_same_base(pull: &PullRequest, change: Untested<'_>) -> bool {
    HiddenBlock::find(&pull.body).is_some_and(|block| {
        let red = block.red.as_ref();
        red.is_some_and(|(red, _)| red == change.fingerprint) && block.base == change.stands_on
    })
}

/// Tells whether a label is there, in whatever spelling: forges tell no capital letters from small ones.
fn has_label(labels: &[String], wanted: &str) -> bool {
    let lower = wanted.to_lowercase();
    labels.iter().any(|label| label.to_lowercase() == lower)
}

#[cfg(test)]
mod tests;
