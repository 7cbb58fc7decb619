//! What is seen of one key: its branch, what is known of the branch's commit, and all pull requests of the branch.

use git2::Oid;

use super::agenda::{TRAILER, proof};
use super::propose::{Known, Wanted};
use super::{Run, Stop, Trouble};
use crate::io::forge::{PullQuery, PullRequest, PullState as State};
use crate::io::git::{GitError, RemoteError};
use crate::pull::{
    Block, Branch, Fingerprint, Labels, Observed, Pull, PullKey, PullState, find_open, refused,
};

/// The most merges of the base branch that are followed back.
const MAX_MERGES: usize = 20;

/// The pull requests of a branch, the newest first: what decisions are made by, and as the forge gave them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Pulls {
    pub(super) seen: Vec<Pull>,
    full: Vec<PullRequest>,
}

impl Pulls {
    /// Finds the open pull request of a key.
    pub(super) fn find_open(&self, key: &PullKey) -> Option<&Pull> {
        find_open(&self.seen, &key.base)
    }

    /// Returns what earlier runs left behind. A person who puts the label on the open pull request asks that it be made and
    /// tested anew.
    pub(super) fn known(&self, key: &PullKey, labels: &Labels) -> Known {
        let open = self.find_open(key);
        let open = open.filter(|pull| !pull.labels.contains(&labels.again));
        Known {
            block: open.and_then(|pull| Block::find(&pull.body)),
            after: refused(&self.seen),
        }
    }
}

/// What is seen of one key.
pub(super) struct Seen {
    pub(super) observed: Observed,
    /// The commit that the branch is at.
    pub(super) head: Option<Oid>,
    /// The pull requests as the forge gave them, the newest first.
    pub(super) pulls: Vec<PullRequest>,
}

impl Run<'_> {
    /// Returns the keys of the open pull requests that are the program's own, wanted or not.
    pub(super) fn open_keys(&self) -> Result<Vec<PullKey>, Stop> {
        let start = format!("{}/", self.config.prefix);
        let open = self.wait(self.forge.open_pulls()).map_err(|error| {
            use crate::error::CommandError;
            match error {
                limit @ crate::io::forge::ForgeError::RateLimited { .. } => {
                    Stop::Limit(limit.to_string())
                }
                other => {
                    let hint = other.hint();
                    let error = CommandError::new(other);
                    Stop::Failed(match hint {
                        Some(hint) => error.hinted(hint),
                        None => error,
                    })
                }
            }
        })?;
        let own = open
            .into_iter()
            .filter(|pull| pull.head_is_own_repository && pull.head_branch.starts_with(&start));
        let keys = own.filter_map(|pull| {
            let block = Block::find(&pull.body)?;
            // A block that was copied into another branch's pull request is no key of that branch.
            let is_own = block.key.branch(&self.config.prefix) == pull.head_branch;
            is_own.then_some(block.key)
        });
        Ok(keys.collect())
    }

    /// Fetches a commit with so much of its history, where it is missing.
    pub(super) fn fetch(&self, commit: Oid, depth: u32) -> Result<(), RemoteError> {
        let commits = [commit];
        let fetched = self.remote.fetch(&self.client, &self.git, &commits, depth);
        self.wait(fetched)
    }

    /// Looks at all pull requests of a branch.
    pub(super) fn look(&self, branch: &str) -> Result<Pulls, Trouble> {
        let mut pulls = Pulls::default();
        for pull in self.wait(self.forge.find_pulls(branch, PullQuery::All))? {
            let pull = match pull.state {
                State::Open => self.wait(self.forge.pull(pull.number))?,
                State::Closed | State::Merged => pull,
            };
            let pull = PullRequest {
                labels: self.labels_as_configured(pull.labels),
                ..pull
            };
            pulls.seen.push(Pull {
                number: pull.number,
                state: match pull.state {
                    State::Open => PullState::Open,
                    State::Closed => PullState::Closed,
                    State::Merged => PullState::Merged,
                },
                is_draft: pull.draft,
                base: pull.base_branch.clone(),
                title: pull.title.clone(),
                body: pull.body.clone(),
                head: pull.head.clone(),
                has_wanted_files: false,
                labels: pull.labels.clone(),
                is_queued: pull.merge_queued,
            });
            pulls.full.push(pull);
        }
        Ok(pulls)
    }

    /// Spells labels as the configuration does: the forge tells no capital letters from small ones.
    fn labels_as_configured(&self, labels: Vec<String>) -> Vec<String> {
        let known = [&self.labels.stop, &self.labels.again];
        let known: Vec<&String> = known.into_iter().chain(&self.config.labels).collect();
        let spelled = |label: String| {
            let same = known
                .iter()
                .find(|known| known.eq_ignore_ascii_case(&label));
            same.map_or(label, |known| (*known).clone())
        };
        labels.into_iter().map(spelled).collect()
    }

    /// Looks at the branch of a key.
    pub(super) fn observe(
        &self,
        key: &PullKey,
        branch: &str,
        pulls: Pulls,
        wanted: Option<&Wanted>,
    ) -> Result<Seen, Trouble> {
        let head = self.refs.branch(branch);
        let mut seen = pulls.seen;
        for pull in seen.iter_mut().filter(|pull| is_doubtful(pull)) {
            pull.has_wanted_files = self.has_wanted_files(pull, wanted)?;
        }
        let observed = Observed {
            branch: match head {
                Some(head) => Some(self.look_at_branch(key, head, &seen, wanted)?),
                None => None,
            },
            pulls: seen,
            base: key.base.clone(),
        };
        Ok(Seen {
            observed,
            head,
            pulls: pulls.full,
        })
    }

    fn look_at_branch(
        &self,
        key: &PullKey,
        head: Oid,
        pulls: &[Pull],
        wanted: Option<&Wanted>,
    ) -> Result<Branch, Trouble> {
        let name = head.to_string();
        let blocks: Vec<Block> = pulls
            .iter()
            .filter_map(|pull| Block::find(&pull.body))
            .collect();
        let is_known = blocks.iter().any(|block| block.knows(&name));
        // A commit that nobody knows yet is looked at with what it is built upon.
        self.fetch(head, if is_known { 1 } else { 3 })?;
        let is_wanted = |wanted: &Wanted| -> Result<bool, GitError> {
            Ok(head == wanted.commit || self.has_files_of(head, wanted)?)
        };
        let has_wanted_files = wanted.map(is_wanted).transpose()?.unwrap_or(false);
        let is_merge_of_base = !is_known && self.is_merge_of_base(key, head, &blocks)?;
        let is_made_again = wanted.is_some_and(|wanted| wanted.commit == head);
        let is_proved = is_made_again || (!is_known && self.proves_itself(key, head, &blocks)?);
        Ok(Branch {
            head: name,
            is_merge_of_base,
            is_proved,
            has_wanted_files,
            subject: self.subject(head)?,
        })
    }

    fn subject(&self, commit: Oid) -> Result<Option<String>, GitError> {
        let facts = self.git.find_commit(commit)?;
        let line = facts.and_then(|facts| facts.message.lines().next().map(str::to_owned));
        Ok(line)
    }

    /// Tells whether a closed pull request's commit has the files that are wanted. One that nobody keeps any more tells nothing.
    fn has_wanted_files(&self, pull: &Pull, wanted: Option<&Wanted>) -> Result<bool, Trouble> {
        let head = pull
            .head
            .as_deref()
            .and_then(|head| Oid::from_str(head).ok());
        let (Some(head), Some(wanted)) = (head, wanted) else {
            return Ok(false);
        };
        match self.fetch(head, 1) {
            Ok(()) => Ok(self.has_files_of(head, wanted)?),
            Err(limit) if limit.is_limit() => Err(limit.into()),
            Err(_) => Ok(false),
        }
    }

    /// Tells whether a branch holds the very files that are wanted.
    fn has_files_of(&self, head: Oid, wanted: &Wanted) -> Result<bool, GitError> {
        let tree =
            |commit| Ok::<_, GitError>(self.git.find_commit(commit)?.map(|facts| facts.tree));
        Ok(tree(head)? == tree(wanted.commit)?)
    }

    /// Tells whether a commit is a merge of the base branch, or several, into a commit that a block knows, as the forge makes them.
    fn is_merge_of_base(
        &self,
        key: &PullKey,
        head: Oid,
        blocks: &[Block],
    ) -> Result<bool, Trouble> {
        let (mut current, mut is_known) = (head, false);
        for _ in 0..MAX_MERGES {
            self.fetch(current, 2)?;
            let Some(facts) = self.git.find_commit(current)? else {
                return Ok(false);
            };
            let name = current.to_string();
            is_known |= blocks.iter().any(|block| block.knows(&name));
            match facts.parents[..] {
                [before, _] => current = before,
                [_] if is_known => {
                    let merged = self.git.merged_into(head, current)?.unwrap_or_default();
                    for other in &merged {
                        if !self.is_on_base(key, *other)? {
                            return Ok(false);
                        }
                    }
                    return Ok(!merged.is_empty());
                }
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Tells whether the base branch holds a commit.
    fn is_on_base(&self, key: &PullKey, commit: Oid) -> Result<bool, Trouble> {
        let Some(base) = self.refs.branch(&key.base) else {
            return Ok(false);
        };
        let names = (base.to_string(), commit.to_string());
        Ok(base == commit || self.wait(self.forge.contains(&names.0, &names.1))?)
    }

    /// Tells whether a commit carries the fingerprint of its own content, right on top of the base branch: then nobody has changed
    /// what the program made, and nobody's work lies below it.
    fn proves_itself(&self, key: &PullKey, head: Oid, blocks: &[Block]) -> Result<bool, Trouble> {
        let Some(facts) = self.git.find_commit(head)? else {
            return Ok(false);
        };
        let stated = facts.message.lines().rev().find_map(|line| {
            line.strip_prefix(TRAILER)?
                .trim()
                .parse::<Fingerprint>()
                .ok()
        });
        let Some(stated) = stated else {
            return Ok(false);
        };
        let before = facts.parents.first().map(Oid::to_string);
        let known = blocks
            .iter()
            .find(|block| before.as_deref().is_some_and(|before| block.knows(before)));
        let known = known.and_then(|block| Oid::from_str(&block.base).ok());
        // One that was put on top of an earlier one states what both change of the base.
        let base = match (&facts.parents[..], known) {
            ([parent], None) => *parent,
            ([_], Some(base)) => base,
            ([_, base], Some(_)) => *base,
            _ => return Ok(false),
        };
        self.fetch(base, 1)?;
        let changes = self.git.changes(base, facts.tree)?;
        Ok(proof(key, &changes) == stated && self.is_on_base(key, base)?)
    }
}

/// Tells whether the body of a closed pull request may tell of another change than the one that was refused: it has no sound block, or one
/// of another commit.
fn is_doubtful(pull: &Pull) -> bool {
    let is_of_head = |block: Block| {
        let is_told = pull.head.as_deref().is_none_or(|head| block.head == head);
        is_told || block.closed.is_some()
    };
    pull.state == PullState::Closed && !Block::find(&pull.body).is_some_and(is_of_head)
}
