//! The pull requests of a repository as the forge lists them, page by page, when a run begins: where nothing is to be changed, a list is
//! enough. What a list leaves open of a branch is looked up for that branch alone.

use std::collections::{BTreeMap, BTreeSet};

use super::look::{Looked, Source, stop};
use super::{Run, Stop, Task};
use crate::io::forge::ForgeError;
use crate::pull::{HiddenBlock, PullKey, PullRequest, PullState, find_open};

/// How many branches are worth a page of closed pull requests: to look each of them up costs a request.
const BRANCHES_PER_PAGE: usize = 4;

/// What lists tell.
#[derive(Default)]
pub(super) struct Listing {
    /// By the names of their branches; those of forks are left out.
    branches: BTreeMap<String, Vec<PullRequest>>,
    /// Pull requests that were listed twice, each time as something else: people act while pages are read.
    doubtful: BTreeSet<u64>,
    /// Whether the closed ones of all keys are among them.
    has_closed: bool,
    /// Whether it is known which of the open ones wait in a merge queue.
    has_queues: bool,
}

impl Listing {
    fn add(&mut self, pull: PullRequest) {
        // A fork may have branches of the same name.
        if !pull.is_of_own_branch() {
            return;
        }
        let pulls = self.branches.entry(pull.head.branch.clone()).or_default();
        match pulls.iter().find(|known| known.number == pull.number) {
            None => pulls.push(pull),
            // What is opened between two pages moves those before it to the next one.
            Some(known) if *known == pull => {}
            Some(known) => {
                self.doubtful.insert(known.number);
            }
        }
    }

    fn of_branch(&self, branch: &str) -> &[PullRequest] {
        self.branches.get(branch).map_or(&[], Vec::as_slice)
    }

    fn has_open(&self, branch: &str) -> bool {
        let mut pulls = self.of_branch(branch).iter();
        pulls.any(|pull| pull.state == PullState::Open)
    }
}

impl Run<'_> {
    /// Lists the open pull requests.
    pub(super) fn list_open(&self) -> Result<Listing, Stop> {
        let mut listing = Listing::default();
        for pull in self.wait(self.forge.open_pulls()).map_err(stop)? {
            listing.add(self.spelt(pull));
        }
        Ok(listing)
    }

    /// Lists what else is to be known of these keys: their closed pull requests, where that costs less than to look each of them up, and
    /// which of the open ones wait in a merge queue.
    pub(super) fn list_rest(
        &self,
        listing: &mut Listing,
        keys: &BTreeSet<PullKey>,
    ) -> Result<(), Stop> {
        let branches: BTreeSet<String> = keys
            .iter()
            .map(|key| key.branch(&self.config.prefix))
            .collect();
        let without_open = branches.iter().filter(|branch| !listing.has_open(branch));
        let pages = without_open.count() / BRANCHES_PER_PAGE;
        // A list without an answer is no reason to stop: then each branch is looked up, and what has no answer either stays as it is.
        if pages > 0
            && let Some(Some(closed)) =
                answered(self.wait(self.forge.closed_pulls(&branches, pages)))?
        {
            for pull in closed {
                listing.add(self.spelt(pull));
            }
            listing.has_closed = true;
        }
        self.list_queues(listing, &branches)
    }

    fn list_queues(&self, listing: &mut Listing, branches: &BTreeSet<String>) -> Result<(), Stop> {
        let mut open: Vec<&mut PullRequest> = listing
            .branches
            .iter_mut()
            .filter(|(branch, _)| branches.contains(*branch))
            .flat_map(|(_, pulls)| pulls)
            .filter(|pull| pull.state == PullState::Open)
            .collect();
        let ids: Option<Vec<String>> = open.iter().map(|pull| pull.node_id.clone()).collect();
        let Some(ids) = ids else {
            return Ok(());
        };
        if let Some(queued) = answered(self.wait(self.forge.queued(&ids)))? {
            for pull in &mut open {
                pull.is_queued = queued.contains(&pull.number);
            }
            listing.has_queues = true;
        }
        Ok(())
    }

    /// Returns what the lists tell of a key's pull requests; nothing where they leave something open on which a decision may depend.
    pub(super) fn find_listed(&self, task: Task<'_>) -> Option<Looked> {
        let listing = &self.listing;
        let mut pulls = listing.of_branch(task.branch).to_vec();
        if pulls
            .iter()
            .any(|pull| listing.doubtful.contains(&pull.number))
        {
            return None;
        }
        let is_told = if listing.has_open(task.branch) {
            listing.has_queues && self.is_as_known(task, &pulls)
        } else {
            // An open one is listed nowhere if it moves to the page before while that is read. Its branch is there.
            let may_be_missed = task.agenda.changes.contains_key(task.key)
                && self.refs.branch(task.branch).is_some();
            listing.has_closed && !may_be_missed
        };
        // The newest first, as the forge has them of one branch.
        pulls.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        is_told.then_some(Looked {
            pulls,
            source: if listing.has_closed {
                Source::Lists
            } else {
                Source::OpenList
            },
        })
    }

    /// Tells whether a key's open pull request is the program's own, with its branch at the commit that the list and its block name: then
    /// closed ones tell nothing more of it. One that is to be made anew is looked at before it is tested, unless that is no more than
    /// its branch being pushed with others, which comes after another look.
    fn is_as_known(&self, task: Task<'_>, pulls: &[PullRequest]) -> bool {
        let Task { key, agenda, .. } = task;
        let pull = find_open(pulls, &key.base);
        let (Some(pull), Some(change), Some(base)) =
            (pull, agenda.changes.get(key), agenda.bases.get(&key.base))
        else {
            return false;
        };
        let head = self.refs.branch(task.branch).map(|head| head.to_string());
        let (Some(block), Some(head)) = (HiddenBlock::find(&pull.body), head) else {
            return false;
        };
        let red = block.red.iter().map(|(red, _)| red);
        let is_of_change = red
            .chain([&block.fingerprint])
            .any(|known| *known == change.fingerprint);
        let is_as_planned = is_of_change && block.base == base.oid.to_string();
        (is_as_planned || (!self.request.is_dry && self.pushes_together(base)))
            && block.knows(&head)
            && pull.head.commit == Some(head)
    }

    /// Returns the keys of the open pull requests that are the program's own, wanted or not.
    pub(super) fn open_keys(&self, listing: &Listing) -> BTreeSet<PullKey> {
        let prefix = &self.config.prefix;
        let start = format!("{prefix}/");
        let own = listing
            .branches
            .iter()
            .filter(|(branch, _)| branch.starts_with(&start))
            .flat_map(|(_, pulls)| pulls)
            .filter(|pull| pull.state == PullState::Open);
        let keys = own.filter_map(|pull| {
            let block = HiddenBlock::find(&pull.body)?;
            // A block that was copied into another branch's pull request is no key of that branch.
            let is_own = block.key.branch(prefix) == pull.head.branch;
            is_own.then_some(block.key)
        });
        keys.collect()
    }
}

/// Returns an answer where there is one. A used-up limit stops the run.
fn answered<T>(answer: Result<T, ForgeError>) -> Result<Option<T>, Stop> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(limit @ ForgeError::RateLimited { .. }) => Err(stop(limit)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pull::PullState::{Closed, Open};

    fn pull(number: u64, owner: &str, state: PullState) -> PullRequest {
        let mut pull = PullRequest {
            number,
            state,
            ..PullRequest::default()
        };
        pull.head.branch = "x".to_owned();
        pull.head.repository = Some(format!("{owner}/r"));
        pull.base.repository = Some("acme/r".to_owned());
        pull
    }

    fn listing(pulls: &[PullRequest]) -> Listing {
        let mut listing = Listing::default();
        for pull in pulls {
            listing.add(pull.clone());
        }
        listing
    }

    #[test]
    fn a_branch_of_a_fork_and_a_closed_one_among_open_ones_are_not_open() {
        assert!(listing(&[pull(1, "acme", Open)]).has_open("x"));
        assert!(!listing(&[pull(1, "acme", Closed)]).has_open("x"));
        assert!(!listing(&[pull(1, "ada", Open)]).has_open("x"));
        assert!(!listing(&[pull(1, "acme", Open)]).has_open("y"));
    }

    #[test]
    fn one_that_is_listed_twice_counts_once_and_is_in_doubt_where_it_has_changed() {
        let twice = listing(&[pull(1, "acme", Open), pull(1, "acme", Open)]);
        assert_eq!(twice.of_branch("x").len(), 1);
        assert!(twice.doubtful.is_empty());
        let changed = listing(&[pull(1, "acme", Open), pull(1, "acme", Closed)]);
        assert!(changed.doubtful.contains(&1));
    }
}
