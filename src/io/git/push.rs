//! Moves refs of a remote by compare-and-swap: each update names the commit that was last seen there, the server compares, and
//! an answer that was lost is answered by looking again. Nothing is ever pushed blind.

use std::collections::BTreeSet;

use git2::{Oid, Reference, Repository};

use super::packet::{self, Report, split_bands};
use super::place::Place;
use super::rejection::{Outcome, Rejection};
use super::remote::{Line, Service};
use super::{GitRepository, Remote, RemoteError, local, objects};
use crate::io::http::HttpClient;

/// The longest report that is read.
const MAX_REPORT_BYTES: usize = 1 << 20;

/// A ref that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The ref's full name: `refs/heads/x`.
    pub name: String,
    /// What was last seen there; nothing where the ref must not exist.
    pub old: Option<Oid>,
    /// What it becomes; nothing where it goes.
    pub new: Option<Oid>,
    /// The commit on which the new one is built, where the remote has it but may have no ref on it any more, as when the base
    /// branch moved on. Without it, a push carries all commits down to the remote's refs.
    pub base: Option<Oid>,
}

impl RefUpdate {
    /// Moves a branch from one commit to another, makes it where there is nothing to move from, or removes it where there is
    /// nothing to move to.
    pub fn branch(name: &str, old: Option<Oid>, new: Option<Oid>) -> Self {
        Self {
            name: format!("refs/heads/{name}"),
            old,
            new,
            base: None,
        }
    }

    /// Names a commit that the remote has.
    #[must_use]
    pub fn on(mut self, base: Oid) -> Self {
        self.base = Some(base);
        self
    }
}

/// What became of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefResult {
    /// It was moved.
    Moved,
    /// It was there before; nothing was sent.
    AlreadyThere,
    /// It was not moved.
    Rejected(Rejection),
}

impl Remote {
    /// Moves refs, each of its own: one that is rejected does not stop the others. Results come in the order of the updates.
    ///
    /// # Errors
    /// Nothing was moved, but for [`RemoteError::Lost`], where nobody knows.
    pub async fn push(
        &self,
        client: &HttpClient,
        repository: &GitRepository,
        updates: &[RefUpdate],
    ) -> Result<Vec<RefResult>, RemoteError> {
        let here = &repository.repository;
        let url = match &self.place {
            Place::Local(path) => return local::push(path, here, updates),
            Place::Http(url) => url,
        };
        let line = self.connect(client, url, Service::ReceivePack).await?;
        let settled =
            |update: &RefUpdate| settled(update, line.offer.refs.get(&update.name).copied());
        let open = updates.iter().filter(|update| settled(update).is_none());
        let sent: Vec<&RefUpdate> = open.collect();
        let mut answers = if sent.is_empty() {
            Vec::new().into_iter()
        } else {
            self.send(client, (&line, here), &sent).await?.into_iter()
        };
        // Each update that is not settled has its answer, in the same order.
        let results = updates
            .iter()
            .map(|update| settled(update).or_else(|| answers.next()));
        Ok(results.flatten().collect())
    }

    /// Sends updates, and finds out what became of each.
    async fn send(
        &self,
        client: &HttpClient,
        (line, here): (&Line, &Repository),
        updates: &[&RefUpdate],
    ) -> Result<Vec<RefResult>, RemoteError> {
        let request = (request(here, line, updates)?, MAX_REPORT_BYTES);
        let answer = self.exchange(client, &line.url, Service::ReceivePack, request);
        let outcome = match answer
            .await
            .and_then(|answer| self.read_outcome(&answer, line))
        {
            Err(error) if error.is_certain() => return Err(error),
            outcome => outcome,
        };
        let is_done = |update: &RefUpdate| {
            outcome
                .as_ref()
                .is_ok_and(|outcome| outcome.has_moved(update))
        };
        if updates.iter().all(|update| is_done(update)) {
            return Ok(vec![RefResult::Moved; updates.len()]);
        }
        let now = self.connect(client, &line.url, Service::ReceivePack).await;
        let find = |update: &RefUpdate| match &now {
            Ok(line) => line.offer.refs.get(&update.name).copied(),
            Err(_) => update.old,
        };
        let outcome = match (outcome, &now) {
            (Err(push), Err(read)) => {
                return Err(RemoteError::Lost {
                    url: self.shown(),
                    push: push.to_string(),
                    read: read.to_string(),
                });
            }
            (outcome, _) => outcome,
        };
        let results = updates.iter().map(|update| match &outcome {
            Ok(outcome) if outcome.has_moved(update) => RefResult::Moved,
            Ok(outcome) => outcome.rejected(update, find(update)),
            Err(_) if find(update) == update.new => RefResult::Moved,
            Err(lost) if find(update) == update.old => {
                RefResult::Rejected(Rejection::Unanswered(lost.to_string()))
            }
            Err(_) => RefResult::Rejected(Rejection::Stale { now: find(update) }),
        });
        Ok(results.collect())
    }

    fn read_outcome(&self, answer: &[u8], line: &Line) -> Result<Outcome, RemoteError> {
        let read = || {
            if !line.offer.can("side-band-64k") {
                return Ok((Report::parse(answer)?, String::new()));
            }
            let bands = split_bands(answer)?;
            Ok((Report::parse(&bands.data)?, bands.remarks))
        };
        let (mut report, remarks) = read().map_err(|error| self.packet_error(error))?;
        for text in report
            .unpack
            .iter_mut()
            .chain(report.refs.values_mut().flatten())
        {
            *text = self.hide(text);
        }
        let remarks = self.hide(&remarks);
        Ok(Outcome { report, remarks })
    }
}

/// Decides an update that needs no request, by where the ref is now.
pub(super) fn settled(update: &RefUpdate, now: Option<Oid>) -> Option<RefResult> {
    if !Reference::is_valid_name(&update.name) {
        let reason = format!("git does not allow the name `{}`", update.name);
        return Some(RefResult::Rejected(Rejection::Other(reason)));
    }
    if now == update.new {
        Some(RefResult::AlreadyThere)
    } else if now == update.old {
        None
    } else {
        Some(RefResult::Rejected(Rejection::Stale { now }))
    }
}

fn request(
    repository: &Repository,
    line: &Line,
    updates: &[&RefUpdate],
) -> Result<Vec<u8>, RemoteError> {
    let mut request = Vec::new();
    let mut can = String::from("\0 report-status");
    for capability in ["side-band-64k", "ofs-delta"] {
        if line.offer.can(capability) {
            can = format!("{can} {capability}");
        }
    }
    for update in updates {
        let zero = Oid::ZERO_SHA1;
        let (old, new) = (update.old.unwrap_or(zero), update.new.unwrap_or(zero));
        packet::write(&mut request, &format!("{old} {new} {}{can}", update.name));
        can.clear();
    }
    packet::write_end(&mut request);
    let tips: Vec<Oid> = updates.iter().filter_map(|update| update.new).collect();
    if !tips.is_empty() {
        let offered = line.offer.refs.values().chain(&line.offer.beside);
        let named = updates.iter().filter_map(|update| update.base.as_ref());
        let known: BTreeSet<Oid> = offered.chain(named).copied().collect();
        request.extend(objects::pack(repository, &tips, &known, None)?);
    }
    Ok(request)
}
