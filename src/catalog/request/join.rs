//! Requests of several repositories as one: what any of them wants to know is asked. Where two want the same store to be looked at in
//! different ways, no crawl can please both.

use std::collections::BTreeSet;
use std::fmt;

use super::{CatalogRequest, StoreRequest};
use crate::version::{Minor, OsRelease};

/// How a source is named that a configuration does not name.
const USUAL: &str = "the usual one";

/// What two requests want differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestConflict {
    /// What it is about: `imageStore.proof of https://...`.
    subject: String,
    /// What the first wants.
    one: String,
    /// What the other wants.
    other: String,
}

impl RequestConflict {
    fn of(subject: impl Into<String>, one: &str, other: &str) -> Option<Self> {
        (one != other).then(|| Self {
            subject: subject.into(),
            one: one.to_owned(),
            other: other.to_owned(),
        })
    }
}

impl fmt::Display for RequestConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            one,
            other,
        } = self;
        write!(f, "{subject} is {one} in the one and {other} in the other")
    }
}

fn words(systems: &BTreeSet<OsRelease>) -> String {
    let names: Vec<String> = systems.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        "not set".to_owned()
    } else {
        names.join(", ")
    }
}

impl CatalogRequest {
    /// Finds what this request and another one want differently.
    pub(crate) fn conflict_with(&self, other: &Self) -> Option<RequestConflict> {
        let shared = self.stores.iter().filter_map(|(pattern, store)| {
            let theirs = other.stores.get(pattern)?;
            let listing = RequestConflict::of(
                format!("imageStore.listing of {pattern}"),
                store.listing.word(),
                theirs.listing.word(),
            );
            let proof = RequestConflict::of(
                format!("imageStore.proof of {pattern}"),
                store.proof.of_store(pattern).word(),
                theirs.proof.of_store(pattern).word(),
            );
            // What the one names would be looked for with every patch of the other.
            let systems = RequestConflict::of(
                format!("os for {pattern}"),
                &words(&store.wanted_os),
                &words(&theirs.wanted_os),
            );
            listing.or(proof).or(systems)
        });
        shared.chain(self.source_conflict(other)).next()
    }

    /// Who says nothing of a source means the usual one: another one would tell other facts.
    fn source_conflict(&self, other: &Self) -> Option<RequestConflict> {
        let (own, theirs) = (
            self.vulnerabilities.as_ref(),
            other.vulnerabilities.as_ref(),
        );
        let pairs = [
            (
                "sources.kubernetes",
                Some(self.sources.kubernetes.as_deref().unwrap_or(USUAL)),
                Some(other.sources.kubernetes.as_deref().unwrap_or(USUAL)),
            ),
            (
                "sources.endOfLife",
                Some(self.sources.end_of_life.as_deref().unwrap_or(USUAL)),
                Some(other.sources.end_of_life.as_deref().unwrap_or(USUAL)),
            ),
            (
                "sources.vulnerabilities.feed",
                own.map(|own| &*own.feed),
                theirs.map(|theirs| &*theirs.feed),
            ),
            (
                "sources.vulnerabilities.records",
                own.map(|own| &*own.records),
                theirs.map(|theirs| &*theirs.records),
            ),
        ];
        let mut conflicts = pairs
            .into_iter()
            .filter_map(|(subject, one, other)| RequestConflict::of(subject, one?, other?));
        conflicts.next()
    }

    /// Adds what another request wants to know.
    #[must_use]
    pub(crate) fn join(mut self, other: Self) -> Self {
        for (pattern, store) in other.stores {
            let known = self.stores.entry(pattern).or_insert_with(|| StoreRequest {
                listing: store.listing,
                proof: store.proof,
                ..StoreRequest::default()
            });
            // Stacks of several providers may share a store: what one of them relies on has to be there.
            known.proof = known.proof.min(store.proof);
            let present: BTreeSet<Minor> =
                known.present().union(&store.present()).copied().collect();
            known.upcoming.extend(store.upcoming);
            known.upcoming.retain(|minor| !present.contains(minor));
            known.minors.extend(store.minors);
            known.listed.extend(store.listed);
            known.os_releases.extend(store.os_releases);
            for (version, os_releases) in store.listed_os {
                let of_version = known.listed_os.entry(version).or_default();
                of_version.extend(os_releases);
            }
            known.wanted_os.extend(store.wanted_os);
            known.digests |= store.digests;
        }
        for (url, charts) in other.charts {
            let known = self.charts.entry(url).or_default();
            known.names.extend(charts.names);
        }
        self.vulnerabilities = self.vulnerabilities.or(other.vulnerabilities);
        let sources = &mut self.sources;
        sources.kubernetes = sources.kubernetes.take().or(other.sources.kubernetes);
        sources.end_of_life = sources.end_of_life.take().or(other.sources.end_of_life);
        self
    }
}
