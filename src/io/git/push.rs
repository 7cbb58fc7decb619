//! Moves refs of a remote by compare-and-swap: each update names the commit that was last seen there, the server compares, and
//! an answer that was lost is answered by looking again. Nothing is ever pushed blind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use git2::Oid;
use tokio::time::sleep;

use super::packet::{self, Report, split_bands};
use super::place::Place;
use super::remote::{Line, Service};
use super::{GitRepository, Remote, RemoteError, local, objects};
use crate::io::http::{HttpClient, HttpError};

/// The longest report that is read.
const MAX_REPORT_BYTES: usize = 1 << 20;
/// How often the refs are read after a lost answer.
const LOOKS: u32 = 3;

/// A ref that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The ref's full name: `refs/heads/x`.
    pub name: String,
    /// What was last seen there; nothing where the ref must not exist.
    pub old: Option<Oid>,
    /// What it becomes; nothing where it goes.
    pub new: Option<Oid>,
    /// A commit that the remote has, on which the new one is built; its own refs are known in any case.
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

/// Why a ref was not moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Somebody else moved it since it was seen.
    Stale {
        /// Where it is now.
        now: Option<Oid>,
    },
    /// A hook of the server says no, in these words.
    Hook(String),
    /// The server takes nothing that loses commits.
    NonFastForward,
    /// A rule of the forge protects it, in these words.
    Protected(String),
    /// The answer was lost and the ref is where it was; the phrase says what happened.
    Unanswered(String),
    /// Anything else, in the server's words.
    Other(String),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { now: Some(now) } => write!(f, "somebody else moved it to {now}"),
            Self::Stale { now: None } => f.write_str("somebody else removed it"),
            Self::Hook(text) => write!(f, "a hook of the server says no: {text}"),
            Self::NonFastForward => f.write_str("the server takes no update that loses commits"),
            Self::Protected(text) => write!(f, "a rule of the forge protects it: {text}"),
            Self::Unanswered(text) => write!(f, "no answer, and it was not moved: {text}"),
            Self::Other(text) => f.write_str(text),
        }
    }
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
        let mut results: Vec<Option<RefResult>> = updates
            .iter()
            .map(|update| settled(update, line.offer.refs.get(&update.name).copied()))
            .collect();
        let open = |results: &[Option<RefResult>]| -> Vec<usize> {
            (0..results.len())
                .filter(|at| results[*at].is_none())
                .collect()
        };
        let sent: Vec<&RefUpdate> = open(&results).into_iter().map(|at| &updates[at]).collect();
        if !sent.is_empty() {
            let request = request(here, &line, &sent)?;
            let request = (request, MAX_REPORT_BYTES);
            let answer = self
                .exchange(client, &line.url, Service::ReceivePack, request)
                .await;
            let report = match answer.and_then(|answer| self.read_report(&answer, &line)) {
                Err(error) if is_certain(&error) => return Err(error),
                Err(error) => Err(self.hide(&error.to_string())),
                Ok(report) => Ok(report),
            };
            let is_done =
                |update: &RefUpdate| report.as_ref().is_ok_and(|report| report.has_moved(update));
            let now = if sent.iter().all(|update| is_done(update)) {
                BTreeMap::new()
            } else {
                self.look_again(client, url, report.as_ref().err()).await?
            };
            for at in open(&results) {
                let update = &updates[at];
                let found = now.get(&update.name).copied();
                results[at] = Some(match &report {
                    Ok(report) if report.has_moved(update) => RefResult::Moved,
                    Ok(report) => report.rejected(update, found),
                    Err(_) if found == update.new => RefResult::Moved,
                    Err(lost) if found == update.old => {
                        RefResult::Rejected(Rejection::Unanswered(lost.clone()))
                    }
                    Err(_) => RefResult::Rejected(Rejection::Stale { now: found }),
                });
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    fn read_report(&self, answer: &[u8], line: &Line) -> Result<Outcome, RemoteError> {
        let read = || {
            if !line.offer.can("side-band-64k") {
                let report = Report::parse(answer)?;
                return Ok(Outcome {
                    report,
                    remarks: String::new(),
                });
            }
            let bands = split_bands(answer)?;
            let report = Report::parse(&bands.data)?;
            let remarks = self.hide(&bands.remarks);
            Ok(Outcome { report, remarks })
        };
        read().map_err(|error| self.packet_error(error))
    }

    /// Reads the refs after a push that was not plainly done.
    async fn look_again(
        &self,
        client: &HttpClient,
        url: &str,
        lost: Option<&String>,
    ) -> Result<BTreeMap<String, Oid>, RemoteError> {
        let mut pause = client.settings().retry_pause;
        let mut look = 1;
        loop {
            match self.connect(client, url, Service::ReceivePack).await {
                Ok(line) => return Ok(line.offer.refs),
                Err(error) if look == LOOKS => {
                    let push =
                        lost.map_or_else(|| "it was rejected in part".to_owned(), Clone::clone);
                    let url = self.shown();
                    let read = error.to_string();
                    return Err(RemoteError::Lost { url, push, read });
                }
                Err(_) => sleep(pause).await,
            }
            pause *= 2;
            look += 1;
        }
    }
}

/// Decides an update that needs no request, by where the ref is now.
pub(super) fn settled(update: &RefUpdate, now: Option<Oid>) -> Option<RefResult> {
    if now == update.new {
        Some(RefResult::AlreadyThere)
    } else if now == update.old {
        None
    } else {
        Some(RefResult::Rejected(Rejection::Stale { now }))
    }
}

/// Tells whether the server has certainly not taken the request.
fn is_certain(error: &RemoteError) -> bool {
    matches!(
        error,
        RemoteError::Unauthorized { .. }
            | RemoteError::Forbidden { .. }
            | RemoteError::NotFound { .. }
            | RemoteError::Http(
                HttpError::BadUrl { .. }
                    | HttpError::NotCached { .. }
                    | HttpError::PlainToken { .. }
                    | HttpError::Setup { .. }
            )
    )
}

fn request(
    repository: &git2::Repository,
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

/// What the server said to a push.
#[derive(Debug)]
struct Outcome {
    report: Report,
    /// What it said to people.
    remarks: String,
}

impl Outcome {
    fn has_moved(&self, update: &RefUpdate) -> bool {
        self.report.unpack.is_none() && self.report.refs.get(&update.name) == Some(&None)
    }

    /// Says why a ref was not moved, which is `now` there.
    fn rejected(&self, update: &RefUpdate, now: Option<Oid>) -> RefResult {
        if now == update.new {
            // Another run was faster with the very same commit.
            return RefResult::AlreadyThere;
        }
        if now != update.old {
            return RefResult::Rejected(Rejection::Stale { now });
        }
        let said = self
            .report
            .refs
            .get(&update.name)
            .and_then(Option::as_deref);
        let why = match (&self.report.unpack, said) {
            (Some(unpack), _) => format!("the server could not take the objects: {unpack}"),
            (None, Some(said)) => said.to_owned(),
            (None, None) => "the server does not say why".to_owned(),
        };
        RefResult::Rejected(classify(why, &self.remarks))
    }
}

/// Sorts the server's words. GitHub names its rules by number: GH006 for protected branches, GH013 for rule sets.
fn classify(why: String, remarks: &str) -> Rejection {
    let in_full = if remarks.is_empty() {
        why.clone()
    } else {
        format!("{why}: {remarks}")
    };
    let says = |words: &[&str]| words.iter().any(|word| in_full.contains(word));
    if why == "non-fast-forward" {
        Rejection::NonFastForward
    } else if says(&[
        "protected branch",
        "repository rule violations",
        "GH006",
        "GH013",
        "protected ref",
    ]) {
        Rejection::Protected(in_full)
    } else if why.contains("hook declined") {
        Rejection::Hook(in_full)
    } else {
        Rejection::Other(in_full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_servers_are_sorted() {
        let sorted = |why: &str, remarks: &str| classify(why.to_owned(), remarks);
        assert_eq!(sorted("non-fast-forward", ""), Rejection::NonFastForward);
        assert_eq!(
            sorted("pre-receive hook declined", "no tabs"),
            Rejection::Hook("pre-receive hook declined: no tabs".to_owned())
        );
        let protected = sorted(
            "protected branch hook declined",
            "error: GH006: Protected branch update failed for refs/heads/main.",
        );
        assert!(matches!(protected, Rejection::Protected(text) if text.contains("GH006")));
        let rules = sorted("push declined due to repository rule violations", "");
        assert!(matches!(rules, Rejection::Protected(_)));
        let workflow = "refusing to allow a GitHub App to create or update workflow without `workflows` permission";
        assert_eq!(sorted(workflow, ""), Rejection::Other(workflow.to_owned()));
    }
}
